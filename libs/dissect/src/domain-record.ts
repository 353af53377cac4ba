/**
 * DNS resource records (RFC 1035 §3.2, RFC 3596, RFC 2782, RFC 6891).
 */
import { nameText, skipName } from './domain-name.js';
import { hex2, ip4Text, ip6Text } from './names.js';
import type { Printout } from './printout.js';
import { bytesText, periodText } from './text.js';

const TYPES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  3: 'MD',
  4: 'MF',
  5: 'CNAME',
  6: 'SOA',
  7: 'MB',
  8: 'MG',
  9: 'MR',
  10: 'NULL',
  11: 'WKS',
  12: 'PTR',
  13: 'HINFO',
  14: 'MINFO',
  15: 'MX',
  16: 'TXT',
  17: 'RP',
  18: 'AFSDB',
  19: 'X25',
  20: 'ISDN',
  21: 'RT',
  22: 'NSAP',
  23: 'NSAP_PTR',
  24: 'SIG',
  25: 'KEY',
  26: 'PX',
  27: 'GPOS',
  28: 'AAAA',
  29: 'LOC',
  30: 'NXT',
  31: 'EID',
  32: 'NIMLOC',
  33: 'SRV',
  34: 'ATMA',
  35: 'NAPTR',
  36: 'KX',
  37: 'CERT',
  38: 'A6',
  39: 'DNAME',
  40: 'SINK',
  41: 'OPT',
  42: 'APL',
  43: 'DS',
  44: 'SSHFP',
  45: 'IPSECKEY',
  46: 'RRSIG',
  47: 'NSEC',
  48: 'DNSKEY',
  99: 'SPF',
  100: 'UINFO',
  101: 'UID',
  102: 'GID',
  103: 'UNSPEC',
  104: 'UNSPECA',
  249: 'TKEY',
  250: 'TSIG',
  251: 'IXFR',
  252: 'AXFR',
  253: 'MAILB',
  254: 'MAILA',
  255: 'ANY',
  256: 'URI',
};

const CLASSES: Readonly<Record<number, string>> = { 1: 'IN', 3: 'CHAOS', 4: 'HS', 255: 'ANY' };

const OPT = 41;

export const recordType = (type: number): string => TYPES[type] ?? `Type${type}`;

export const classText = (value: number): string => CLASSES[value] ?? `(Class ${value})`;

/** Where the record ends; undefined where it is cut off. */
export function putRecord(
  out: Printout,
  start: number,
  message: number,
  multicast: boolean,
): number | undefined {
  let p: number | undefined;
  if (out.options.verbose > 0) {
    const name = nameText(out, start, message);
    out.put(` ${name.text}`);
    p = name.next;
    if (p === undefined) return undefined;
  } else p = skipName(out, start);
  if (p === undefined || !out.has(p, 10)) return out.snapEnd;
  const type = out.u16(p);
  let recordClass = out.u16(p + 2);
  if (multicast && type !== OPT) {
    if ((recordClass & 0x8000) !== 0) out.put(' (Cache flush)');
    recordClass &= 0x7fff;
  }
  if (recordClass !== 1 && type !== OPT) out.put(` ${classText(recordClass)}`);
  const ttl = out.u32(p + 4);
  if (type !== OPT && out.options.verbose > 2) out.put(` [${periodText(ttl)}]`);
  const size = out.u16(p + 8);
  p += 10;
  out.put(` ${recordType(type)}`);
  const end = p + size;
  if (end > out.snapEnd) return undefined;
  if (type === OPT) {
    putOpt(out, p, end, recordClass, ttl);
    return end;
  }
  return putData(out, p, end, type, message) ? end : undefined;
}

/** False where a name in it is cut off. */
function putData(out: Printout, p: number, end: number, type: number, message: number): boolean {
  const putName = (at: number): number | undefined => {
    const name = nameText(out, at, message);
    out.put(` ${name.text}`);
    return name.next;
  };
  switch (type) {
    case 1:
      if (!out.has(p, 4)) return false;
      out.put(` ${ip4Text(out, p)}`);
      return true;
    case 2:
    case 5:
    case 12:
    case 39:
      return putName(p) !== undefined;
    case 6: {
      if (out.options.verbose === 0) return true;
      const owner = putName(p);
      const at = owner === undefined ? undefined : putName(owner);
      if (at === undefined || !out.has(at, 20)) return false;
      for (let i = 0; i < 5; i++) out.put(` ${out.u32(at + 4 * i)}`);
      return true;
    }
    case 15:
      if (!out.has(p, 2) || putName(p + 2) === undefined) return false;
      out.put(` ${out.u16(p)}`);
      return true;
    case 16:
      putStrings(out, p, end);
      return true;
    case 28:
      if (!out.has(p, 16)) return false;
      out.put(` ${ip6Text(out, p)}`);
      return true;
    case 33:
      if (putName(p + 6) === undefined || !out.has(p, 6)) return false;
      out.put(`:${out.u16(p + 4)} ${out.u16(p)} ${out.u16(p + 2)}`);
      return true;
    default:
      return true;
  }
}

function putStrings(out: Printout, start: number, end: number): void {
  let p = start;
  while (p < end) {
    const size = out.u8(p);
    out.put(` "${bytesText(out, p + 1, size)}"`);
    out.need(p + 1, size);
    p += 1 + size;
  }
}

const OPTION_NAMES: Readonly<Record<number, string>> = {
  1: 'LLQ',
  2: 'UL',
  3: 'NSID',
  5: 'DAU',
  6: 'DHU',
  7: 'N3U',
  8: 'ECS',
  9: 'EXPIRE',
  10: 'COOKIE',
  11: 'KEEPALIVE',
  12: 'PADDING',
  13: 'CHAIN',
  14: 'KEY-TAG',
  16: 'CLIENT-TAG',
  17: 'SERVER-TAG',
};

function putOpt(out: Printout, start: number, end: number, udpSize: number, flags: number): void {
  out.put(` UDPsize=${udpSize}`);
  if ((flags & 0x8000) !== 0) out.put(' DO');
  if (start >= end) return;
  out.put(' [');
  let p = start;
  while (p < end) {
    const code = out.u16(p);
    const size = out.u16(p + 2);
    out.put(OPTION_NAMES[code] ?? `Opt${code}`);
    p += 4;
    if (size > 0) {
      out.need(p, size);
      out.put(' ');
      for (let i = 0; i < size; i++) out.put(hex2(out.u8(p + i)));
    }
    p += size;
    if (p < end) out.put(',');
  }
  out.put(']');
}
