/**
 * UDP.
 *
 * ipDemux → this → the printer of the port. Source: RFC 768.
 */
import { shouldBe } from './checksum.js';
import type { IpContext } from './ip-demux.js';
import { hex4 } from './names.js';
import { addressesText, endsText, followsDirectly } from './ports.js';
import type { Printout } from './printout.js';
import { transportChecksum } from './pseudo-header.js';
import { printUdpPayload } from './udp-ports.js';

const HLEN = 8;

export function printUdp(out: Printout, p: number, ip: IpContext): void {
  out.protocol = 'udp';
  if (!out.has(p, 4)) {
    if (followsDirectly(out, ip, 17)) out.put(`${addressesText(out, ip)} `);
    out.putTruncated();
    return;
  }
  const source = out.u16(p);
  const dest = out.u16(p + 2);
  const ends = endsText(out, ip, 'udp', source, dest);
  out.put(ends);
  let { length } = ip;
  if (length < HLEN) {
    out.put(`truncated-udp ${length}`);
    return;
  }
  if (!out.has(p + 4, 2)) {
    out.putTruncated();
    return;
  }
  let stated = out.u16(p + 4);
  if (stated === 0 && length > 65535) stated = length;
  if (stated < HLEN) {
    out.put(`truncated-udplength ${stated}`);
    return;
  }
  stated -= HLEN;
  length = Math.min(length - HLEN, stated);
  if (p + HLEN > out.snapEnd) {
    out.putTruncated();
    return;
  }
  const { verbose, noChecksums, quiet } = out.options;
  if (verbose > (ip.version === 4 ? 1 : 0) && !noChecksums && !ip.fragmented)
    putChecksum(out, p, ip, length);
  if (quiet === 0 && printUdpPayload(out, p + HLEN, length, source, dest)) return;
  if (stated > length && !ip.fragmented) out.put(`UDP, bad length ${stated} > ${length}`);
  else out.put(`UDP, length ${stated}`);
}

function putChecksum(out: Printout, p: number, ip: IpContext, length: number): void {
  const field = out.u16(p + 6);
  if (field === 0 && ip.version === 4) {
    out.put('[no cksum] ');
    return;
  }
  if (!out.has(p + HLEN, length)) return;
  const sum = transportChecksum(out, ip, p, length + HLEN, length + HLEN, 17);
  out.put(
    sum === 0
      ? '[udp sum ok] '
      : `[bad udp cksum 0x${hex4(field)} -> 0x${hex4(shouldBe(field, sum))}!] `,
  );
}
