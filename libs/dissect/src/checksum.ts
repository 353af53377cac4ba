/**
 * The Internet checksum over parts of a packet (RFC 1071). A sum of 0 means: it is right.
 */
import type { Printout } from './printout.js';

/** One's complement sum of `length` bytes, added to `sum`; not folded. The bytes must be there. */
export function addBytes(out: Printout, p: number, length: number, sum = 0): number {
  const { mem } = out;
  let total = sum;
  for (let i = 0; i + 1 < length; i += 2) {
    total += ((mem[p + i] ?? 0) << 8) | (mem[p + i + 1] ?? 0);
  }
  if (length % 2 === 1) total += (mem[p + length - 1] ?? 0) << 8;
  return total;
}

const fold = (sum: number): number => {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
};

export function finish(sum: number): number {
  return ~fold(sum) & 0xffff;
}

/** What the field should have been, where `sum` is the (wrong) result over all with it included. */
export function shouldBe(field: number, sum: number): number {
  return fold(field + sum);
}
