/**
 * ICMPv6.
 *
 * ipDemux → this → icmp6-options, mld. Source: RFC 4443, RFC 4861, RFC 2710, RFC 3810.
 */
import { shouldBe } from './checksum.js';
import { putNdOptions } from './icmp6-options.js';
import type { IpContext } from './ip-demux.js';
import { putMld, putMldV2Query, putMldV2Report } from './mld.js';
import { bitNames, hex4, ip6Text, portText } from './names.js';
import type { Printout } from './printout.js';
import { transportChecksum } from './pseudo-header.js';

const TYPES: Readonly<Record<number, string>> = {
  1: 'destination unreachable',
  2: 'packet too big',
  3: 'time exceeded in-transit',
  4: 'parameter problem',
  128: 'echo request',
  129: 'echo reply',
  130: 'multicast listener query',
  131: 'multicast listener report',
  132: 'multicast listener done',
  133: 'router solicitation',
  134: 'router advertisement',
  135: 'neighbor solicitation',
  136: 'neighbor advertisement',
  137: 'redirect',
  138: 'router renumbering',
  139: 'who-are-you request',
  140: 'who-are-you reply',
  141: 'inverse neighbor solicitation',
  142: 'inverse neighbor advertisement',
  143: 'multicast listener report v2',
  144: 'ha discovery request',
  145: 'ha discovery reply',
  146: 'mobile router solicitation',
  147: 'mobile router advertisement',
  155: 'RPL',
  200: 'mtrace response',
  201: 'mtrace message',
};

/** Those that -v prints the length of at once, as their options follow on lines of their own. */
const LENGTH_FIRST = [133, 134, 135, 136, 137, 145, 147];

const UNREACHABLE: Readonly<Record<number, string>> = {
  0: 'unreachable route',
  1: ' unreachable prohibited',
  2: 'beyond scope',
  3: 'unreachable address',
  4: 'unreachable port',
};

const RA_FLAGS = [
  [0x80, 'managed'],
  [0x40, 'other stateful'],
  [0x20, 'home agent'],
] as const;

const NA_FLAGS = [
  [0x80, 'router'],
  [0x40, 'solicited'],
  [0x20, 'override'],
] as const;

export const ROUTER_PREFERENCES = ['medium', 'high', 'rsv', 'low'];

export function printIcmp6(out: Printout, p: number, ip: IpContext): void {
  out.protocol = 'icmp6';
  const { verbose, noChecksums } = out.options;
  const { length } = ip;
  if (length === 0) {
    out.put('ICMP6, length 0');
    out.putInvalid();
    return;
  }
  if (verbose > 0 && !noChecksums && !ip.fragmented && out.has(p, length)) {
    const sum = transportChecksum(out, ip, p, length, length, 58);
    const field = out.u16(p + 2);
    out.put(
      sum === 0
        ? '[icmp6 sum ok] '
        : `[bad icmp6 cksum 0x${hex4(field)} -> 0x${hex4(shouldBe(field, sum))}!] `,
    );
  }
  const type = out.u8(p);
  out.put(`ICMP6, ${TYPES[type] ?? `unknown icmp6 type (${type})`}`);
  if (verbose > 0 && LENGTH_FIRST.includes(type)) out.put(`, length ${length}`);
  out.need(p, 2);
  if (!putBody(out, p, type, length)) return;
  if (verbose === 0) out.put(`, length ${length}`);
}

/** False where the text is complete without the length at its end. */
function putBody(out: Printout, p: number, type: number, length: number): boolean {
  const verbose = out.options.verbose > 0;
  switch (type) {
    case 1:
      return putUnreachable(out, p, length);
    case 2:
      out.put(`, mtu ${out.u32(p + 4)}`);
      return true;
    case 3:
      putTimeExceeded(out, p);
      return true;
    case 4:
      return putParameterProblem(out, p);
    case 128:
    case 129:
      out.put(`, id ${out.u16(p + 4)}, seq ${out.u16(p + 6)}`);
      return true;
    case 130:
      if (length === 24) putMld(out, p);
      else if (length >= 28) {
        out.put(' v2');
        putMldV2Query(out, p, length);
      } else out.put(` unknown-version (len ${length}) `);
      return true;
    case 131:
    case 132:
      putMld(out, p);
      return true;
    case 133:
      if (verbose) putNdOptions(out, p + 8, length - 8);
      return true;
    case 134:
      if (verbose) putRouterAdvertisement(out, p, length);
      return true;
    case 135:
      out.put(`, who has ${ip6Text(out, p + 8)}`);
      if (verbose) putNdOptions(out, p + 24, length - 24);
      return true;
    case 136:
      out.put(`, tgt is ${ip6Text(out, p + 8)}`);
      if (verbose) {
        out.put(`, Flags [${bitNames(NA_FLAGS, 'none', out.u8(p + 4), ', ')}]`);
        putNdOptions(out, p + 24, length - 24);
      }
      return true;
    case 137:
      out.put(`, ${ip6Text(out, p + 24)} to ${ip6Text(out, p + 8)}`);
      if (verbose) putNdOptions(out, p + 40, length - 40);
      return true;
    case 141:
    case 142:
      return true;
    case 143:
      putMldV2Report(out, p, length);
      return true;
    case 144:
    case 146:
      out.put(`, id 0x${hex4(out.u16(p + 4))}`);
      return true;
    case 145:
    case 147:
      if (verbose) putMobility(out, p, type, length);
      return true;
    default:
      out.put(`, length ${length}`);
      if (out.options.verbose <= 1) out.putHex(p, length, '\n\t');
      return false;
  }
}

function putUnreachable(out: Printout, p: number, length: number): boolean {
  const code = out.u8(p + 1);
  const quoted = p + 8;
  const dest = (): string => ip6Text(out, quoted + 24);
  out.put(`, ${UNREACHABLE[code] ?? `unknown unreach code (${code})`}`);
  switch (code) {
    case 0:
    case 1:
    case 3:
      out.put(` ${dest()}`);
      return true;
    case 2:
      out.put(` ${dest()}, source address ${ip6Text(out, quoted + 8)}`);
      return true;
    case 4: {
      const upper = upperLayer(out, quoted);
      if (upper === undefined) {
        out.putTruncated();
        return false;
      }
      const port = out.u16(upper.at + 2);
      const name = upper.protocol === 6 ? 'tcp' : 'udp';
      out.put(`, ${dest()} ${name} port ${portText(out, port, name)}`);
      return true;
    }
    default:
      if (out.options.verbose > 1) return true;
      out.putHex(p, length, '\n\t');
      return false;
  }
}

/** The TCP or UDP header of a quoted packet. */
function upperLayer(
  out: Printout,
  header: number,
): { readonly at: number; readonly protocol: number } | undefined {
  let protocol = out.u8(header + 6);
  let at = header + 40;
  while (at < out.snapEnd) {
    switch (protocol) {
      case 6:
      case 17:
        return out.has(at, 4) ? { at, protocol } : undefined;
      case 0:
      case 43:
      case 60:
        if (!out.has(at, 2)) return undefined;
        protocol = out.u8(at);
        at += (out.u8(at + 1) + 1) * 8;
        break;
      case 44:
        if (!out.has(at, 4) || (out.u16(at + 2) & 0xfff8) !== 0) return undefined;
        protocol = out.u8(at);
        at += 8;
        break;
      case 51:
        if (!out.has(at, 2)) return undefined;
        protocol = out.u8(at);
        at += (out.u8(at + 1) + 2) * 4;
        break;
      default:
        return undefined;
    }
  }
  return undefined;
}

function putTimeExceeded(out: Printout, p: number): void {
  const code = out.u8(p + 1);
  if (code === 0) out.put(` for ${ip6Text(out, p + 32)}`);
  else if (code === 1) out.put(' (reassembly)');
  else out.put(`, unknown code (${code})`);
}

function putParameterProblem(out: Printout, p: number): boolean {
  const code = out.u8(p + 1);
  if (!out.has(p + 32, 16)) {
    out.putTruncated();
    return false;
  }
  const what = ['erroneous', 'next header', 'option', 'incomplete header chain'][code];
  out.put(what === undefined ? `, code-#${code}` : `, ${what} - octet ${out.u32(p + 4)}`);
  return true;
}

function putRouterAdvertisement(out: Printout, p: number, length: number): void {
  const flags = out.u8(p + 5);
  out.put(
    `\n\thop limit ${out.u8(p + 4)}, Flags [${bitNames(RA_FLAGS, 'none', flags, ', ')}], ` +
      `pref ${ROUTER_PREFERENCES[(flags >> 3) & 3] ?? ''}, router lifetime ${out.u16(p + 6)}s, ` +
      `reachable time ${out.u32(p + 8)}ms, retrans timer ${out.u32(p + 12)}ms`,
  );
  putNdOptions(out, p + 16, length - 16);
}

function putMobility(out: Printout, p: number, type: number, length: number): void {
  out.put(`, id 0x${hex4(out.u16(p + 4))}`);
  if (type === 145) {
    for (let at = 8; at < length; at += 16) out.put(`, ${ip6Text(out, p + at)}`);
    return;
  }
  const flags = out.u8(p + 6);
  if ((flags & 0xc0) !== 0) out.put(' ');
  if ((flags & 0x80) !== 0) out.put('M');
  if ((flags & 0x40) !== 0) out.put('O');
  putNdOptions(out, p + 8, length - 8);
}
