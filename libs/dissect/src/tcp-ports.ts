/**
 * Which printer a TCP port has.
 */
import type { Printout } from './printout.js';

/** Prints the payload after `, length N` where a printer knows the ports. */
export function printTcpPayload(
  _out: Printout,
  _p: number,
  _length: number,
  _flags: number,
  _source: number,
  _dest: number,
): void {
  // no port has a printer yet
}
