/**
 * Which printer an ethertype has. Ethernet, cooked capture, LLC/SNAP → this.
 */
import { printArp } from './arp.js';
import { printIp } from './ip.js';
import { printIp6 } from './ip6.js';
import { printLldp } from './lldp.js';
import { printLoopback } from './loopback.js';
import type { Printout } from './printout.js';
import { printSlow } from './slow.js';

/** Prints the payload; false where the type has no printer. `source` and `dest`: MAC addresses. */
export function ethertypePrint(
  out: Printout,
  type: number,
  p: number,
  length: number,
  capLen: number,
  _source: number | undefined,
  _dest: number | undefined,
): boolean {
  switch (type) {
    case 0x0800:
      printIp(out, p, length);
      return true;
    case 0x86dd:
      printIp6(out, p, length);
      return true;
    case 0x0806:
    case 0x8035:
      printArp(out, p, length, capLen);
      return true;
    case 0x8809:
      printSlow(out, p, length);
      return true;
    case 0x88cc:
      printLldp(out, p, length);
      return true;
    case 0x9000:
      printLoopback(out, p, length);
      return true;
    default:
      return false;
  }
}
