/**
 * Transport checksums with the pseudo header of IPv4 (RFC 9293 §3.1) and IPv6 (RFC 8200 §8.1).
 */
import { addBytes, finish } from './checksum.js';
import type { IpContext } from './ip-demux.js';
import { finalDestination } from './ip-options.js';
import { finalDestination6 } from './ip6-route.js';
import type { Printout } from './printout.js';

/**
 * The checksum over pseudo header and `covered` bytes from `p`; 0 where it is right. The bytes must
 * be there. `length`: what the pseudo header states.
 */
export function transportChecksum(
  out: Printout,
  ip: IpContext,
  p: number,
  length: number,
  covered: number,
  protocol: number,
): number {
  let sum = protocol + (length % 0x10000) + Math.floor(length / 0x10000);
  if (ip.version === 4) {
    const dest = (out.u8(ip.header) & 15) === 5 ? ip.header + 16 : finalDestination(out, ip.header);
    sum = addBytes(out, dest, 4, addBytes(out, ip.header + 12, 4, sum));
  } else {
    sum = addBytes(out, ip.header + 8, 16, sum);
    sum = addBytes(out, finalDestination6(out, ip.header), 16, sum);
  }
  return finish(addBytes(out, p, covered, sum));
}
