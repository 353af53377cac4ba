/**
 * `ping`: ICMP echo over a raw socket, paced and closed exactly as iputils 20221126 does it (token bucket of
 * milliseconds for the sends; after the last request a wait of twice the longest round trip but at least one interval,
 * or of `-W` where nothing ever came back).
 */
import { formatIpv4, strerror } from '@netloom/base';
import {
  AF_INET,
  IPPROTO_ICMP,
  print,
  printErr,
  SOCK_DGRAM,
  SOCK_RAW,
  type IpAddr,
  type SockAddr,
  type SockOpt,
  type Sys,
} from '@netloom/sys';
import { CommandExit, errnoOf, program } from '../command.js';
import { attempt, fail } from './fail.js';
import { inetAton, ipText, resolveName } from '../resolve.js';
import { recordRouteOption, timestampOption } from './ip-options.js';
import { parsePingOptions, type PingOptions } from './options.js';
import { ping6 } from './ping6.js';
import { Pinger } from './pinger.js';
import { Ping4 } from './protocol.js';

const ICMP_ECHOREPLY = 0;
const EACCES = 13;

/** The device's first IPv4 address. */
function deviceAddress(sys: Sys, device: string): number | undefined {
  const link = sys.rtnl('RTM_GETLINK', {}).find((one) => one.ifname === device);
  if (link === undefined) return undefined;
  const address = sys
    .rtnl('RTM_GETADDR', { family: AF_INET, ifindex: link.ifindex })
    .find((one) => one.ifindex === link.ifindex);
  return typeof address?.local === 'number' ? address.local : undefined;
}

/** Finds the source address by connecting a UDP socket, which also tells what the routing says. */
async function probeRoute(
  sys: Sys,
  options: PingOptions,
  target: number,
  device: string | undefined,
): Promise<{ source: number; warning: string }> {
  const fd = attempt('socket', () => sys.socket(AF_INET, SOCK_DGRAM, 0));
  let warning = '';
  try {
    if (device !== undefined)
      attempt(`SO_BINDTODEVICE ${device}`, () => {
        sys.setsockopt(fd, 'SO_BINDTODEVICE', device);
      });
    if (options.tos !== undefined) sys.setsockopt(fd, 'IP_TOS', options.tos);
    if (options.mark !== undefined) sys.setsockopt(fd, 'SO_MARK', options.mark);
    const to: SockAddr = { family: 'inet', addr: target, port: 1025 };
    try {
      await sys.connect(fd, to);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== EACCES) throw fail(`connect: ${strerror(errno)}`);
      if (!options.broadcast) {
        throw fail(
          'Do you want to ping broadcast? Then -b. If not, check your local firewall rules',
        );
      }
      warning = 'WARNING: pinging broadcast address\n';
      attempt("can't set broadcasting", () => {
        sys.setsockopt(fd, 'SO_BROADCAST', 1);
      });
      try {
        await sys.connect(fd, to);
      } catch (again) {
        throw fail(`connect: ${strerror(errnoOf(again))}`);
      }
    }
    const name = sys.getsockname(fd);
    return { source: name.family === 'inet' ? name.addr : 0, warning };
  } finally {
    sys.close(fd);
  }
}

function configure(
  sys: Sys,
  fd: number,
  datagram: boolean,
  options: PingOptions,
  device: string | undefined,
  hops: readonly number[],
): number {
  if (device !== undefined)
    attempt(`SO_BINDTODEVICE ${device}`, () => {
      sys.setsockopt(fd, 'SO_BINDTODEVICE', device);
    });
  // as iputils: what the kernel lacks of these is done without
  const hope = (option: SockOpt, value: number): void => {
    try {
      sys.setsockopt(fd, option, value);
    } catch (error) {
      errnoOf(error);
    }
  };
  const pass = (1 << 4) | (1 << 3) | (1 << 11) | (1 << 12) | (1 << 5) | (1 << ICMP_ECHOREPLY);
  if (datagram) {
    hope('IP_RECVTTL', 1);
    hope('IP_RETOPTS', 1);
    hope('IP_RECVOPTS', 1);
  } else {
    hope('ICMP_FILTER', ~pass >>> 0);
  }
  hope('IP_RECVERR', 1);
  hope('SO_TIMESTAMPNS', 1);
  if (options.pmtu !== undefined) {
    sys.setsockopt(fd, 'IP_MTU_DISCOVER', { dont: 0, want: 1, do: 2 }[options.pmtu]);
  }
  if (options.broadcast) sys.setsockopt(fd, 'SO_BROADCAST', 1);
  if (options.dontRoute) sys.setsockopt(fd, 'SO_DONTROUTE', 1);
  if (options.tos !== undefined) sys.setsockopt(fd, 'IP_TOS', options.tos);
  if (options.mark !== undefined) sys.setsockopt(fd, 'SO_MARK', options.mark);
  if (options.sndbuf !== undefined) sys.setsockopt(fd, 'SO_SNDBUF', options.sndbuf);
  if (options.noLoop) sys.setsockopt(fd, 'IP_MULTICAST_LOOP', 0);
  if (options.ttlGiven) {
    sys.setsockopt(fd, 'IP_MULTICAST_TTL', options.ttl);
    attempt('cannot set unicast time-to-live', () => {
      sys.setsockopt(fd, 'IP_TTL', options.ttl);
    });
  }
  const bytes = headerOptions(options, hops);
  if (bytes === undefined) return 0;
  if (bytes === NO_SOURCE_ROUTE) throw fail('record route: Operation not permitted');
  attempt('record route', () => {
    sys.setsockopt(fd, 'IP_OPTIONS', bytes);
  });
  return 40;
}

/** Source routes want a capability that ping has given up by then. */
const NO_SOURCE_ROUTE = new Uint8Array(0);

/** The IP options that the words of the command line ask for. */
function headerOptions(options: PingOptions, hops: readonly number[]): Uint8Array | undefined {
  if (options.recordRoute) return recordRouteOption();
  if (options.timestampOption !== undefined) return timestampOption(options.timestampOption, hops);
  return hops.length === 0 ? undefined : NO_SOURCE_ROUTE;
}

/** The socket: an ICMP datagram one where the group may have it, else a raw one. */
function openSocket(sys: Sys): { readonly fd: number; readonly datagram: boolean } {
  try {
    return { fd: sys.socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), datagram: true };
  } catch (error) {
    errnoOf(error);
  }
  const fd = attempt('socket', () => sys.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  return { fd, datagram: false };
}

/** The stops before the destination. */
async function intermediateHops(sys: Sys, hosts: readonly string[]): Promise<number[]> {
  const hops: number[] = [];
  for (const host of hosts) {
    const resolved = await resolveName(sys, host, 4);
    if (typeof resolved?.address !== 'number') throw fail(`${host}: Name or service not known`);
    hops.push(resolved.address);
  }
  return hops;
}

/** `-v` before anything is sent. */
async function verboseSockets(
  sys: Sys,
  datagram: boolean,
  resolved: { readonly address: IpAddr; readonly name: string },
): Promise<void> {
  const type = datagram ? 'SOCK_DGRAM' : 'SOCK_RAW';
  await printErr(
    sys,
    `ping: sock4.fd: 3 (socktype: ${type}), sock6.fd: 4 (socktype: ${type}), hints.ai_family: AF_UNSPEC\n\n`,
  );
  const family = typeof resolved.address === 'number' ? 'AF_INET' : 'AF_INET6';
  await print(sys, `ai->ai_family: ${family}, ai->ai_canonname: '${resolved.name}'\n`);
}

/** ping(8). */
export const pingMain = program(async (sys) => {
  let options: PingOptions;
  try {
    options = parsePingOptions(sys.argv);
  } catch (error) {
    if (!(error instanceof CommandExit) || error.code !== 0) throw error;
    await print(sys, error.stderr);
    return 0;
  }
  await printErr(sys, options.warnings);
  if (options.pattern.length > 0) {
    await print(
      sys,
      `PATTERN: 0x${options.pattern.map((byte) => byte.toString(16).padStart(2, '0')).join('')}\n`,
    );
  }
  const host = options.hosts[options.hosts.length - 1] ?? '';
  const resolved = await resolveName(sys, host, options.family);
  if (resolved === undefined) {
    const other = await resolveName(sys, host);
    throw fail(
      `${host}: ${other === undefined ? 'Name or service not known' : 'Address family for hostname not supported'}`,
    );
  }
  if (resolved.numeric) options.numeric = true;
  if (typeof resolved.address !== 'number') {
    if (options.verbose) await verboseSockets(sys, false, resolved);
    const target = { family: 'inet6', addr: resolved.address, port: 0 } as const;
    return await ping6(sys, options, host, { ...target, scopeId: resolved.scopeId ?? 0 });
  }
  // 0.0.0.0 is this host
  const target = resolved.address === 0 ? 0x7f000001 : resolved.address;
  const sourceAddress = options.source === undefined ? undefined : inetAton(options.source);
  const device = sourceAddress === undefined ? options.source : undefined;
  const { fd, datagram } = openSocket(sys);
  if (options.verbose) await verboseSockets(sys, datagram, resolved);
  const hops = await intermediateHops(sys, options.hosts.slice(0, -1));
  let source = sourceAddress ?? 0;
  if (sourceAddress === undefined) {
    const probe = await probeRoute(sys, options, target, device);
    await printErr(sys, probe.warning);
    source = (device === undefined ? undefined : deviceAddress(sys, device)) ?? probe.source;
  }
  const optionBytes = configure(sys, fd, datagram, options, device, hops);
  if (sourceAddress !== undefined || options.sticky) {
    attempt('bind', () => {
      sys.bind(fd, { family: 'inet', addr: source, port: 0 });
    });
  }
  sys.setNonblock(fd, true);
  let header = `PING ${host} (${ipText(target)}) `;
  if (options.source !== undefined || options.sticky)
    header += `from ${formatIpv4(source)} ${device ?? ''}: `;
  header += `${options.size}(${options.size + 8 + optionBytes + 20}) bytes of data.\n`;
  await print(sys, header);
  const ident = options.ident ?? sys.pid & 0xffff;
  return await new Pinger(
    sys,
    options,
    fd,
    host,
    new Ping4(target, options.broadcast, datagram),
    ident,
  ).run();
});
