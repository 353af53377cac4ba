/**
 * `rdisc6`: asks a link for its routers and prints what they advertise (ndisc6 1.0.5).
 */
import { formatIpv6, formatMac, strerror } from '@netloom/base';
import {
  AF_INET6,
  IPPROTO_ICMPV6,
  Msg,
  Poll,
  print,
  SOCK_RAW,
  type RecvResult,
  type Sys,
} from '@netloom/sys';
import { CommandExit, errnoOf, program } from './command.js';
import { getopt } from './getopt.js';
import { resolveName } from './resolve.js';

const ND_ROUTER_SOLICIT = 133;
const ND_ROUTER_ADVERT = 134;
const HOP_LIMIT = 255;
const USAGE = `Usage: rdisc6 [options] [IPv6 address] <interface>
Solicits on-link IPv6 routers advertisement

  -1, --single   display first response and exit
  -h, --help     display this help and exit
  -m, --multiple wait and display all responses
  -n, --numeric  don't resolve host names
  -q, --quiet    only print the prefix and/or the addresses
  -r, --retry    maximum number of attempts (default: 3)
  -s, --source   specify source IPv6 address
  -V, --version  display program version and exit
  -v, --verbose  verbose display (this is the default)
  -w, --wait     how long to wait for a response [ms] (default: 1000)
`;

function word(view: DataView, at: number): number {
  return view.getUint32(at);
}

function lifetime(seconds: number, what: string): string {
  if (seconds === 0xffffffff) return `  ${what.padEnd(24)}:     infinite (0xffffffff)\n`;
  return `  ${what.padEnd(24)}: ${String(seconds).padStart(12)} (0x${seconds.toString(16).padStart(8, '0')}) seconds\n`;
}

const PREFERENCES = ['medium', 'high', 'medium (invalid)', 'low'];

function optionText(data: Uint8Array, at: number, length: number): string {
  const view = new DataView(data.buffer, data.byteOffset + at, length);
  switch (data[at]) {
    case 1:
      return ` Source link-layer address: ${formatMac(data, at + 2, 6).toUpperCase()}\n`;
    case 3: {
      if (length < 32) return '';
      const flags = view.getUint8(3);
      const yes = (bit: number): string => ((flags & bit) !== 0 ? 'Yes' : ' No');
      return (
        ` Prefix                   : ${formatIpv6(data, at + 16)}/${view.getUint8(2)}\n` +
        `  On-link                 :          ${yes(0x80)}\n` +
        `  Autonomous address conf.:          ${yes(0x40)}\n` +
        lifetime(word(view, 4), 'Valid time') +
        lifetime(word(view, 8), 'Pref. time')
      );
    }
    case 5:
      return ` MTU                      : ${String(word(view, 4)).padStart(12)} bytes (valid)\n`;
    case 24: {
      const prefix = new Uint8Array(16);
      prefix.set(data.subarray(at + 8, at + length));
      return (
        ` Route                    : ${formatIpv6(prefix)}/${view.getUint8(2)}\n` +
        `  Route preference        :       ${(PREFERENCES[(view.getUint8(3) >> 3) & 3] ?? '').padStart(6)}\n` +
        lifetime(word(view, 4), 'Route lifetime')
      );
    }
    case 25: {
      let text = '';
      for (let i = 8; i + 16 <= length; i += 16)
        text += ` Recursive DNS server     : ${formatIpv6(data, at + i)}\n`;
      return text + lifetime(word(view, 4), 'DNS server lifetime');
    }
    case 31:
      return ` DNS search list          : ${searchList(data.subarray(at + 8, at + length))}\n${lifetime(word(view, 4), 'DNS search list lifetime')}`;
    default:
      return '';
  }
}

/** Names of length-prefixed labels, each with a blank behind it. */
function searchList(bytes: Uint8Array): string {
  let text = '';
  let labels: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes[at] ?? 0;
    if (length === 0) {
      if (labels.length > 0) text += `${labels.join('.')} `;
      labels = [];
    } else {
      labels.push(String.fromCharCode(...bytes.subarray(at + 1, at + 1 + length)));
    }
    at += length + 1;
  }
  return text;
}

/** An advertisement as text. */
function advertText(data: Uint8Array, from: string): string {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const flags = view.getUint8(5);
  const hops = view.getUint8(4);
  const seconds = view.getUint16(6);
  const milliseconds = (value: number, name: string): string =>
    value === 0
      ? `${name.padEnd(26)}:  unspecified (0x00000000)\n`
      : `${name.padEnd(26)}: ${String(value).padStart(12)} (0x${value.toString(16).padStart(8, '0')}) milliseconds\n`;
  let text =
    `\nHop limit                 : ${hops === 0 ? '   undefined' : String(hops).padStart(12)} (${`0x${hops.toString(16).padStart(2, '0')}`.padStart(10)})\n` +
    `Stateful address conf.    :          ${(flags & 0x80) !== 0 ? 'Yes' : ' No'}\n` +
    `Stateful other conf.      :          ${(flags & 0x40) !== 0 ? 'Yes' : ' No'}\n` +
    `Mobile home agent         :          ${(flags & 0x20) !== 0 ? 'Yes' : ' No'}\n` +
    `Router preference         :       ${(PREFERENCES[(flags >> 3) & 3] ?? '').padStart(6)}\n` +
    `Neighbor discovery proxy  :          ${(flags & 0x04) !== 0 ? 'Yes' : ' No'}\n` +
    `Router lifetime           : ${String(seconds).padStart(12)} (0x${seconds.toString(16).padStart(8, '0')}) seconds\n` +
    milliseconds(word(view, 8), 'Reachable time') +
    milliseconds(word(view, 12), 'Retransmit time');
  for (let at = 16; at + 8 <= data.length;) {
    const length = (data[at + 1] ?? 0) * 8;
    if (length === 0 || at + length > data.length) break;
    text += optionText(data, at, length);
    at += length;
  }
  return `${text} from ${from}\n`;
}

async function receive(sys: Sys, fd: number, untilNs: number): Promise<RecvResult | undefined> {
  for (;;) {
    const left = untilNs - sys.now();
    if (left <= 0) return undefined;
    await sys.poll([{ fd, events: Poll.POLLIN }], left);
    try {
      const message = await sys.recvmsg(fd, 1500, Msg.MSG_DONTWAIT);
      const advert = message.data[0] === ND_ROUTER_ADVERT && message.data.length >= 16;
      if (advert && message.control.ttl === HOP_LIMIT) return message;
    } catch (error) {
      errnoOf(error);
    }
  }
}

/** rdisc6(8). */
export const rdisc6Main = program(async (sys) => {
  const parsed = getopt('rdisc6', sys.argv.slice(1), {
    short: '1dhmnqr:s:Vvw:',
    long: {
      single: '1',
      help: 'h',
      multiple: 'm',
      numeric: 'n',
      quiet: 'q',
      retry: 'r:',
      source: 's:',
      version: 'V',
      verbose: 'v',
      wait: 'w:',
    },
  });
  if (parsed.error !== undefined) throw new CommandExit(2, `${parsed.error}\n`);
  const value = (name: string): string | undefined =>
    parsed.options.filter((option) => option.name === name).pop()?.value;
  const has = (name: string): boolean => parsed.options.some((option) => option.name === name);
  if (has('h')) {
    await print(sys, USAGE);
    return 0;
  }
  const operands = [...parsed.operands];
  const device = operands.pop();
  if (device === undefined) throw new CommandExit(2, USAGE);
  const target = operands.pop() ?? 'ff02::2';
  const resolved = await resolveName(sys, `${target}%${device}`, 6);
  if (!sys.rtnl('RTM_GETLINK', {}).some((link) => link.ifname === device))
    throw new CommandExit(1, `${device}: No such device\n`);
  if (resolved === undefined || typeof resolved.address === 'number')
    throw new CommandExit(1, `${target}: Name or service not known\n`);
  const to = {
    family: 'inet6',
    addr: resolved.address,
    port: 0,
    scopeId: resolved.scopeId ?? 0,
  } as const;
  let fd: number;
  try {
    fd = sys.socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    sys.setsockopt(fd, 'SO_BINDTODEVICE', device);
  } catch (error) {
    throw new CommandExit(1, `Raw IPv6 socket: ${strerror(errnoOf(error))}\n`);
  }
  const filter = new Uint8Array(32).fill(0xff);
  filter[ND_ROUTER_ADVERT >> 3] = 0xff & ~(1 << (ND_ROUTER_ADVERT & 7));
  sys.setsockopt(fd, 'ICMP6_FILTER', filter);
  sys.setsockopt(fd, 'IPV6_RECVHOPLIMIT', 1);
  sys.setsockopt(fd, 'IPV6_UNICAST_HOPS', HOP_LIMIT);
  sys.setsockopt(fd, 'IPV6_MULTICAST_HOPS', HOP_LIMIT);
  sys.setNonblock(fd, true);
  const mac = sys.rtnl('RTM_GETLINK', {}).find((link) => link.ifname === device)?.address;
  const solicit = [ND_ROUTER_SOLICIT, 0, 0, 0, 0, 0, 0, 0];
  if (mac?.length === 6) solicit.push(1, 1, ...mac);
  const quiet = has('q');
  const waitNs = Number(value('w') ?? 1000) * 1e6;
  const retries = Number(value('r') ?? 3);
  const name = target === 'ff02::2' ? 'ff02::2' : target;
  if (!quiet) await print(sys, `Soliciting ${name} (${formatIpv6(to.addr)}) on ${device}...\n`);
  for (let attempt = 0; attempt < retries; attempt++) {
    try {
      await sys.sendto(fd, Uint8Array.from(solicit), 0, to);
    } catch (error) {
      throw new CommandExit(1, `Sending ICMPv6 packet: ${strerror(errnoOf(error))}\n`);
    }
    let seen = 0;
    const until = sys.now() + waitNs;
    for (;;) {
      const message = await receive(sys, fd, until);
      if (message === undefined) break;
      seen++;
      const from = message.from.family === 'inet6' ? formatIpv6(message.from.addr) : '';
      const text = advertText(message.data, from);
      await print(
        sys,
        quiet
          ? [...text.matchAll(/^ Prefix +: (\S+)$/gm)]
              .map((match) => `${match[1] ?? ''}\n`)
              .join('')
          : text,
      );
      if (!has('m')) return 0;
    }
    if (seen > 0) return 0;
    if (!quiet) await print(sys, 'Timed out.\n');
  }
  if (!quiet) await print(sys, 'No response.\n');
  return 2;
});
