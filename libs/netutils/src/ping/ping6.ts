/**
 * `ping -6`: the raw socket, the source address, the first line. Texts are those of iputils 20221126.
 */
import { strerror } from '@netloom/base';
import {
  AF_INET6,
  IPPROTO_ICMPV6,
  print,
  printErr,
  SOCK_DGRAM,
  SOCK_RAW,
  type SockAddrIn6,
  type Sys,
} from '@netloom/sys';
import { errnoOf } from '../command.js';
import { resolveName, reverseName } from '../resolve.js';
import { attempt, fail } from './fail.js';
import type { PingOptions } from './options.js';
import { Pinger } from './pinger.js';
import { Ping6, scopedText } from './protocol.js';

const ICMPV6_ECHO_REPLY = 129;
const ANY = new Uint8Array(16);

/** An address whose zone nobody named: no socket can be connected to it. */
function needsZone(target: SockAddrIn6): boolean {
  const linkLocal = target.addr[0] === 0xfe && ((target.addr[1] ?? 0) & 0xc0) === 0x80;
  const multicast = target.addr[0] === 0xff && ((target.addr[1] ?? 0) & 15) <= 2;
  return target.scopeId === 0 && (linkLocal || multicast);
}

/** Finds the source address by connecting a UDP socket, which also tells what the routing says. */
async function probeRoute(
  sys: Sys,
  target: SockAddrIn6,
  device: string | undefined,
): Promise<Uint8Array> {
  const fd = attempt('socket', () => sys.socket(AF_INET6, SOCK_DGRAM, 0));
  try {
    if (device !== undefined) bindToDevice(sys, fd, device);
    try {
      await sys.connect(fd, { ...target, port: 1025 });
    } catch (error) {
      throw fail(`connect: ${strerror(errnoOf(error))}`);
    }
    const name = sys.getsockname(fd);
    return name.family === 'inet6' ? name.addr : ANY;
  } finally {
    sys.close(fd);
  }
}

function bindToDevice(sys: Sys, fd: number, device: string): void {
  attempt(`SO_BINDTODEVICE ${device}`, () => {
    sys.setsockopt(fd, 'SO_BINDTODEVICE', device);
  });
}

/** Whether a device has an address. */
function deviceHas(sys: Sys, device: string, address: Uint8Array): boolean {
  const link = sys.rtnl('RTM_GETLINK', {}).find((one) => one.ifname === device);
  return sys
    .rtnl('RTM_GETADDR', { family: AF_INET6 })
    .some(
      (one) =>
        one.ifindex === link?.ifindex &&
        typeof one.local !== 'number' &&
        one.local.every((byte, i) => byte === address[i]),
    );
}

function configure(sys: Sys, fd: number, options: PingOptions): void {
  const filter = new Uint8Array(32).fill(0xff); // everything kept out but echo replies
  filter[ICMPV6_ECHO_REPLY >> 3] = 0xff & ~(1 << (ICMPV6_ECHO_REPLY & 7));
  sys.setsockopt(fd, 'ICMP6_FILTER', filter);
  sys.setsockopt(fd, 'IPV6_RECVERR', 1);
  sys.setsockopt(fd, 'IPV6_RECVHOPLIMIT', 1);
  sys.setsockopt(fd, 'SO_TIMESTAMPNS', 1);
  if (options.pmtu !== undefined)
    sys.setsockopt(fd, 'IPV6_MTU_DISCOVER', { dont: 0, want: 1, do: 2 }[options.pmtu]);
  if (options.dontRoute) sys.setsockopt(fd, 'SO_DONTROUTE', 1);
  if (options.tos !== undefined)
    attempt('setsockopt(IPV6_TCLASS)', () => {
      sys.setsockopt(fd, 'IPV6_TCLASS', options.tos ?? 0);
    });
  if (options.mark !== undefined) sys.setsockopt(fd, 'SO_MARK', options.mark);
  if (options.sndbuf !== undefined) sys.setsockopt(fd, 'SO_SNDBUF', options.sndbuf);
  if (options.noLoop) sys.setsockopt(fd, 'IPV6_MULTICAST_LOOP', 0);
  if (options.ttlGiven) {
    sys.setsockopt(fd, 'IPV6_MULTICAST_HOPS', options.ttl);
    attempt('cannot set unicast hop limit', () => {
      sys.setsockopt(fd, 'IPV6_UNICAST_HOPS', options.ttl);
    });
  }
}

/** Pings an IPv6 address; answers the exit code. */
export async function ping6(
  sys: Sys,
  options: PingOptions,
  host: string,
  target: SockAddrIn6,
): Promise<number> {
  const given =
    options.source === undefined ? undefined : await resolveName(sys, options.source, 6);
  const sourceAddress =
    given?.numeric === true && typeof given.address !== 'number' ? given.address : undefined;
  const device = sourceAddress === undefined ? options.source : undefined;
  const fd = attempt('socket', () => sys.socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  let source = sourceAddress ?? ANY;
  if (sourceAddress === undefined && !needsZone(target))
    source = await probeRoute(sys, target, device);
  if (device !== undefined) {
    bindToDevice(sys, fd, device);
    if (!deviceHas(sys, device, source))
      await printErr(
        sys,
        `ping: Warning: source address might be selected on device other than: ${device}\n`,
      );
  }
  if (sourceAddress !== undefined || options.sticky) {
    attempt('bind icmp socket', () => {
      const scopeId = given?.scopeId ?? target.scopeId;
      sys.bind(fd, { family: 'inet6', addr: source, port: 0, scopeId });
    });
  }
  configure(sys, fd, options);
  sys.setNonblock(fd, true);
  const text = scopedText(sys, target);
  const name = options.numeric ? undefined : await reverseName(sys, target.addr);
  let header = `PING ${host}(${name === undefined ? text : `${name} (${text})`}) `;
  if (options.flowLabel !== undefined)
    header += `, flow 0x${options.flowLabel.toString(16).padStart(5, '0')}, `;
  if (options.source !== undefined || options.sticky) {
    const from = scopedText(sys, { family: 'inet6', addr: source, port: 0, scopeId: 0 });
    header += `from ${from} ${device ?? ''}: `;
  }
  await print(sys, `${header}${options.size} data bytes\n`);
  const labelled =
    options.flowLabel === undefined ? target : { ...target, flowInfo: options.flowLabel };
  const ident = options.ident ?? sys.pid & 0xffff;
  return await new Pinger(sys, options, fd, host, new Ping6(sys, labelled), ident).run();
}
