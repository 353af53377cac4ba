/**
 * IEEE 802.2 logical link control.
 */
import type { Printout } from './printout.js';

/** Prints what follows an 802.3 length; the length of the LLC header, negated where no printer follows. */
export function printLlc(
  out: Printout,
  _p: number,
  _length: number,
  _capLen: number,
  _source: number | undefined,
  _dest: number | undefined,
): number {
  out.protocol = 'llc';
  return 0;
}
