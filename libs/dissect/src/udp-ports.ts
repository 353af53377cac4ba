/**
 * Which printer a UDP port has.
 */
import { printBootp } from './bootp.js';
import { printDomain } from './domain.js';
import type { Printout } from './printout.js';
import { printVxlan } from './tunnels.js';

/** Prints the payload; false where no printer knows the ports. */
export function printUdpPayload(
  out: Printout,
  p: number,
  length: number,
  source: number,
  dest: number,
): boolean {
  const either = (port: number): boolean => source === port || dest === port;
  if (either(53)) printDomain(out, p, length, { overTcp: false, multicast: false });
  else if (either(67) || either(68)) printBootp(out, p, length);
  else if (either(5353)) printDomain(out, p, length, { overTcp: false, multicast: true });
  else if (either(4789)) printVxlan(out, p, length);
  else return false;
  return true;
}
