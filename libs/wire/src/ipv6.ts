/**
 * IPv6 addresses and the IPv6 header (RFC 8200, RFC 4291): values, offsets and accessors over packet memory. `o` is the
 * header's offset.
 *
 * An address is four signed 32-bit words, the most significant first: small integers, so that comparing and hashing
 * need no heap numbers. At the system-call boundary addresses are 16 bytes.
 */
import { formatIpv6, parseIpv6 } from '@netloom/base';
import { csumFold } from './checksum.js';
import type { PacketMemory } from './packet-memory.js';

/** An address. Never changed once made. */
export class In6Addr {
  constructor(
    readonly w0: number,
    readonly w1: number,
    readonly w2: number,
    readonly w3: number,
  ) {}
}

export const IN6ADDR_ANY = new In6Addr(0, 0, 0, 0);
export const IN6ADDR_LOOPBACK = new In6Addr(0, 0, 0, 1);
/** ff02::1, ff02::2 and ff02::16. */
export const IN6ADDR_ALLNODES = new In6Addr(0xff020000 | 0, 0, 0, 1);
export const IN6ADDR_ALLROUTERS = new In6Addr(0xff020000 | 0, 0, 0, 2);
export const IN6ADDR_MLD2_ROUTERS = new In6Addr(0xff020000 | 0, 0, 0, 0x16);

export function in6FromBytes(bytes: Uint8Array, offset = 0): In6Addr {
  const word = (i: number): number =>
    ((bytes[offset + i] ?? 0) << 24) |
    ((bytes[offset + i + 1] ?? 0) << 16) |
    ((bytes[offset + i + 2] ?? 0) << 8) |
    (bytes[offset + i + 3] ?? 0);
  return new In6Addr(word(0), word(4), word(8), word(12));
}

/** The 16 bytes of an address, newly made. */
export function in6Bytes(a: In6Addr): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, a.w0);
  view.setInt32(4, a.w1);
  view.setInt32(8, a.w2);
  view.setInt32(12, a.w3);
  return bytes;
}

export function in6Read(m: PacketMemory, o: number): In6Addr {
  const { dv } = m;
  return new In6Addr(dv.getInt32(o), dv.getInt32(o + 4), dv.getInt32(o + 8), dv.getInt32(o + 12));
}

export function in6Write(m: PacketMemory, o: number, a: In6Addr): void {
  const { dv } = m;
  dv.setInt32(o, a.w0);
  dv.setInt32(o + 4, a.w1);
  dv.setInt32(o + 8, a.w2);
  dv.setInt32(o + 12, a.w3);
}

export function in6Equal(a: In6Addr, b: In6Addr): boolean {
  return a === b || (a.w3 === b.w3 && a.w2 === b.w2 && a.w1 === b.w1 && a.w0 === b.w0);
}

/** Whether the address at `o` is `a`. */
export function in6EqualAt(m: PacketMemory, o: number, a: In6Addr): boolean {
  const { dv } = m;
  return (
    dv.getInt32(o + 12) === a.w3 &&
    dv.getInt32(o + 8) === a.w2 &&
    dv.getInt32(o + 4) === a.w1 &&
    dv.getInt32(o) === a.w0
  );
}

/** A small integer that spreads addresses. */
export function in6Hash(a: In6Addr): number {
  let h = Math.imul(a.w0 ^ (a.w1 << 7) ^ (a.w1 >>> 25), 0x9e3779b1);
  h = Math.imul(h ^ a.w2 ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ a.w3 ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) & 0x3fffffff;
}

/** The bits of a word that a prefix of `length` bits covers, `length` counted from the word's start. */
function wordMask(length: number): number {
  return length <= 0 ? 0 : length >= 32 ? -1 : -1 << (32 - length);
}

/** Whether two addresses have the same first `length` bits. */
export function in6PrefixEqual(a: In6Addr, b: In6Addr, length: number): boolean {
  return (
    ((a.w0 ^ b.w0) & wordMask(length)) === 0 &&
    ((a.w1 ^ b.w1) & wordMask(length - 32)) === 0 &&
    ((a.w2 ^ b.w2) & wordMask(length - 64)) === 0 &&
    ((a.w3 ^ b.w3) & wordMask(length - 96)) === 0
  );
}

/** The first `length` bits of an address, the rest zero. */
export function in6Prefix(a: In6Addr, length: number): In6Addr {
  return new In6Addr(
    a.w0 & wordMask(length),
    a.w1 & wordMask(length - 32),
    a.w2 & wordMask(length - 64),
    a.w3 & wordMask(length - 96),
  );
}

/** How many leading bits two addresses share. */
export function in6CommonBits(a: In6Addr, b: In6Addr): number {
  if (a.w0 !== b.w0) return Math.clz32(a.w0 ^ b.w0);
  if (a.w1 !== b.w1) return 32 + Math.clz32(a.w1 ^ b.w1);
  if (a.w2 !== b.w2) return 64 + Math.clz32(a.w2 ^ b.w2);
  return 96 + Math.clz32(a.w3 ^ b.w3);
}

/** Bit `at` (0 is the most significant). */
export function in6Bit(a: In6Addr, at: number): number {
  const word = at < 32 ? a.w0 : at < 64 ? a.w1 : at < 96 ? a.w2 : a.w3;
  return (word >>> (31 - (at & 31))) & 1;
}

/** Orders addresses as big-endian bytes. */
export function in6Compare(a: In6Addr, b: In6Addr): number {
  return (
    (a.w0 >>> 0) - (b.w0 >>> 0) ||
    (a.w1 >>> 0) - (b.w1 >>> 0) ||
    (a.w2 >>> 0) - (b.w2 >>> 0) ||
    (a.w3 >>> 0) - (b.w3 >>> 0)
  );
}

export function in6IsAny(a: In6Addr): boolean {
  return (a.w0 | a.w1 | a.w2 | a.w3) === 0;
}
export function in6IsLoopback(a: In6Addr): boolean {
  return (a.w0 | a.w1 | a.w2) === 0 && a.w3 === 1;
}
export function in6IsMulticast(a: In6Addr): boolean {
  return a.w0 >>> 24 === 0xff;
}
/** fe80::/10 */
export function in6IsLinkLocal(a: In6Addr): boolean {
  return (a.w0 & 0xffc00000) === (0xfe800000 | 0);
}
/** ::ffff:0:0/96 */
export function in6IsV4Mapped(a: In6Addr): boolean {
  return (a.w0 | a.w1) === 0 && a.w2 === 0xffff;
}
export function in6FromV4Mapped(address: number): In6Addr {
  return new In6Addr(0, 0, 0xffff, address | 0);
}
/** The low 32 bits as an IPv4 address, unsigned. */
export function in6V4(a: In6Addr): number {
  return a.w3 >>> 0;
}
/** ff02::1:ffXX:XXXX (RFC 4291 §2.7.1). */
export function in6SolicitedNode(a: In6Addr): In6Addr {
  return new In6Addr(0xff020000 | 0, 0, 1, 0xff000000 | (a.w3 & 0xffffff));
}

export function in6Text(a: In6Addr): string {
  return formatIpv6(in6Bytes(a));
}
/** An address from its text; undefined where malformed. */
export function in6Parse(text: string): In6Addr | undefined {
  const bytes = parseIpv6(text);
  return bytes === undefined ? undefined : in6FromBytes(bytes);
}

export const IPV6_ADDR_ANY = 0x0000;
export const IPV6_ADDR_UNICAST = 0x0001;
export const IPV6_ADDR_MULTICAST = 0x0002;
export const IPV6_ADDR_LOOPBACK = 0x0010;
export const IPV6_ADDR_LINKLOCAL = 0x0020;
export const IPV6_ADDR_SITELOCAL = 0x0040;
export const IPV6_ADDR_COMPATV4 = 0x0080;
export const IPV6_ADDR_MAPPED = 0x1000;

/** What kind of address it is, as bits. @kernel __ipv6_addr_type() */
export function ipv6AddrType(a: In6Addr): number {
  const st = a.w0;
  if ((st & 0xe0000000) !== 0 && (st & 0xe0000000) !== (0xe0000000 | 0)) return IPV6_ADDR_UNICAST;
  if (st >>> 24 === 0xff) {
    const scope = (st >>> 16) & 15;
    return (
      IPV6_ADDR_MULTICAST |
      (scope === 1
        ? IPV6_ADDR_LOOPBACK
        : scope === 2
          ? IPV6_ADDR_LINKLOCAL
          : scope === 5
            ? IPV6_ADDR_SITELOCAL
            : 0)
    );
  }
  if ((st & 0xffc00000) === (0xfe800000 | 0)) return IPV6_ADDR_LINKLOCAL | IPV6_ADDR_UNICAST;
  if ((st & 0xffc00000) === (0xfec00000 | 0)) return IPV6_ADDR_SITELOCAL | IPV6_ADDR_UNICAST;
  if ((a.w0 | a.w1) === 0) {
    if (a.w2 === 0) {
      if (a.w3 === 0) return IPV6_ADDR_ANY;
      if (a.w3 === 1) return IPV6_ADDR_LOOPBACK | IPV6_ADDR_UNICAST;
      return IPV6_ADDR_COMPATV4 | IPV6_ADDR_UNICAST;
    }
    if (a.w2 === 0xffff) return IPV6_ADDR_MAPPED;
  }
  return IPV6_ADDR_UNICAST;
}

export const IP6_HLEN = 40;
export const IPV6_MIN_MTU = 1280;

export const NEXTHDR_HOP = 0;
export const NEXTHDR_TCP = 6;
export const NEXTHDR_UDP = 17;
export const NEXTHDR_IPV6 = 41;
export const NEXTHDR_ROUTING = 43;
export const NEXTHDR_FRAGMENT = 44;
export const NEXTHDR_ESP = 50;
export const NEXTHDR_AUTH = 51;
export const NEXTHDR_ICMP = 58;
export const NEXTHDR_NONE = 59;
export const NEXTHDR_DEST = 60;

export function ip6hVersion(m: PacketMemory, o: number): number {
  return (m.u8[o] as number) >>> 4;
}
/** Traffic class: DSCP and ECN. */
export function ip6hTclass(m: PacketMemory, o: number): number {
  return (m.dv.getUint16(o) >>> 4) & 0xff;
}
/** 20 bits. */
export function ip6hFlowLabel(m: PacketMemory, o: number): number {
  return m.dv.getUint32(o) & 0xfffff;
}
/** Traffic class and flow label together: tclass << 20 | label. */
export function ip6hFlowInfo(m: PacketMemory, o: number): number {
  return m.dv.getUint32(o) & 0x0fffffff;
}
export function ip6hPayloadLen(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 4);
}
export function ip6hNexthdr(m: PacketMemory, o: number): number {
  return m.u8[o + 6] as number;
}
export function ip6hHopLimit(m: PacketMemory, o: number): number {
  return m.u8[o + 7] as number;
}
export function ip6hSaddr(m: PacketMemory, o: number): In6Addr {
  return in6Read(m, o + 8);
}
export function ip6hDaddr(m: PacketMemory, o: number): In6Addr {
  return in6Read(m, o + 24);
}
export function ip6hSetPayloadLen(m: PacketMemory, o: number, value: number): void {
  m.dv.setUint16(o + 4, value);
}
export function ip6hSetNexthdr(m: PacketMemory, o: number, value: number): void {
  m.u8[o + 6] = value;
}
export function ip6hSetHopLimit(m: PacketMemory, o: number, value: number): void {
  m.u8[o + 7] = value;
}

/** Writes the 40 bytes of a header. `flowInfo` is tclass << 20 | label. */
export function ip6hWrite(
  m: PacketMemory,
  o: number,
  flowInfo: number,
  payloadLen: number,
  nexthdr: number,
  hopLimit: number,
  saddr: In6Addr,
  daddr: In6Addr,
): void {
  const { dv } = m;
  dv.setInt32(o, 0x60000000 | (flowInfo & 0x0fffffff));
  dv.setUint16(o + 4, payloadLen);
  dv.setUint16(o + 6, (nexthdr << 8) | hopLimit);
  in6Write(m, o + 8, saddr);
  in6Write(m, o + 24, daddr);
}

function wordSum(a: In6Addr): number {
  return (
    (a.w0 >>> 16) +
    (a.w0 & 0xffff) +
    (a.w1 >>> 16) +
    (a.w1 & 0xffff) +
    (a.w2 >>> 16) +
    (a.w2 & 0xffff) +
    (a.w3 >>> 16) +
    (a.w3 & 0xffff)
  );
}

/** The sum of a pseudo-header (RFC 8200 §8.1). */
export function csumPseudo6(
  saddr: In6Addr,
  daddr: In6Addr,
  protocol: number,
  length: number,
): number {
  return csumFold(wordSum(saddr) + wordSum(daddr) + protocol + (length >>> 16) + (length & 0xffff));
}

/** The same with the addresses of the IPv6 header at `o`. */
export function csumPseudo6At(
  m: PacketMemory,
  o: number,
  protocol: number,
  length: number,
): number {
  return csumFold(m.ops.csum(o + 8, 32, 0) + protocol + (length >>> 16) + (length & 0xffff));
}
