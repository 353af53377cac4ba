/**
 * Where an IPv6 packet with a routing header really goes.
 */
import type { Printout } from './printout.js';

/** Offset of the final destination's address. */
export function finalDestination6(_out: Printout, header: number): number {
  return header + 24;
}
