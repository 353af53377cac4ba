/**
 * The Internet checksum (RFC 1071) and its incremental update (RFC 1624) over packet memory.
 *
 * Sums are 16-bit numbers in network order, not complemented, unless a name says "checksum" (complemented, as stored in
 * a header). Long ranges are summed inside WebAssembly; a 20-byte IPv4 header by ten unrolled reads.
 */
import type { PacketMemory } from './packet-memory.js';

/** Adds two one's complement sums. */
export function csumAdd(a: number, b: number): number {
  const sum = a + b;
  return (sum & 0xffff) + (sum >>> 16);
}

/** Folds a sum of up to 32 bits to 16. */
export function csumFold(sum: number): number {
  let folded = (sum & 0xffff) + (sum >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return folded;
}

/** The sum of `length` bytes at `offset`, starting from `init`. */
export function csumPartial(m: PacketMemory, offset: number, length: number, init = 0): number {
  return m.ops.csum(offset, length, init);
}

/** The sum of a pseudo-header (RFC 768, RFC 9293 §3.1); addresses are unsigned 32-bit numbers. */
export function csumPseudo4(
  saddr: number,
  daddr: number,
  protocol: number,
  length: number,
): number {
  return csumFold(
    (saddr >>> 16) + (saddr & 0xffff) + (daddr >>> 16) + (daddr & 0xffff) + protocol + length,
  );
}

/** The one's complement sum of an IPv4 header of `ihl` 32-bit words: 0xffff when its checksum is right. */
export function ipHeaderSum(m: PacketMemory, offset: number, ihl: number): number {
  if (ihl !== 5 || (offset & 1) !== 0) return m.ops.csum(offset, ihl * 4, 0);
  const u = m.u16;
  const i = offset >>> 1;
  const sum =
    (u[i] as number) +
    (u[i + 1] as number) +
    (u[i + 2] as number) +
    (u[i + 3] as number) +
    (u[i + 4] as number) +
    (u[i + 5] as number) +
    (u[i + 6] as number) +
    (u[i + 7] as number) +
    (u[i + 8] as number) +
    (u[i + 9] as number);
  const folded = csumFold(sum);
  return ((folded & 0xff) << 8) | (folded >>> 8);
}

/** A stored checksum after a 16-bit field changed from `was` to `is` (RFC 1624, equation 3). */
export function csumReplace2(checksum: number, was: number, is: number): number {
  return ~csumFold((~checksum & 0xffff) + (~was & 0xffff) + is) & 0xffff;
}

/** The same for a 32-bit field. */
export function csumReplace4(checksum: number, was: number, is: number): number {
  return csumReplace2(csumReplace2(checksum, was >>> 16, is >>> 16), was & 0xffff, is & 0xffff);
}
