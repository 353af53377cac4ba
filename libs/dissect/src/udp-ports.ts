/**
 * Which printer a UDP port has.
 */
import type { Printout } from './printout.js';

/** Prints the payload; false where no printer knows the ports. */
export function printUdpPayload(
  _out: Printout,
  _p: number,
  _length: number,
  _source: number,
  _dest: number,
): boolean {
  return false;
}
