/**
 * Arithmetic on 32-bit sequence numbers, which wrap (RFC 9293 §3.4). All values are unsigned 32-bit numbers.
 */

/** True where `a` lies before `b`. */
export function seqBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** True where `a` lies after `b`. */
export function seqAfter(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}

/** `a + n`, wrapped. */
export function seqAdd(a: number, n: number): number {
  return (a + n) >>> 0;
}

/** The signed distance from `b` to `a`. */
export function seqDiff(a: number, b: number): number {
  return (a - b) | 0;
}

/** True where `low <= s <= high` in sequence order. */
export function seqBetween(s: number, low: number, high: number): boolean {
  return (high - low) >>> 0 >= (s - low) >>> 0;
}
