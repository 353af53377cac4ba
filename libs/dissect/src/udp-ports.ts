/**
 * Which printer a UDP port has.
 */
import { printBootp } from './bootp.js';
import { printDomain } from './domain.js';
import type { Printout } from './printout.js';
import { printGeneve } from './geneve.js';
import { printTextProtocol, SIP } from './text-protocols.js';
import { printEsp, printOtv, printVxlan } from './tunnels.js';

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
  else if (either(8472)) printOtv(out, p, length);
  else if (either(6081)) printGeneve(out, p, length);
  else if (either(4500)) printUdpEncapsulation(out, p, length);
  else if (either(5060)) printTextProtocol(out, p, length, SIP);
  else if (dest === 3456) printVat(out, p, length);
  else return false;
  return true;
}

/** ESP or IKE behind NAT (RFC 3948); of IKE only that it is there. */
function printUdpEncapsulation(out: Printout, p: number, length: number): void {
  out.protocol = 'isakmp_rfc3948';
  if (length < 1) out.truncate();
  if (length === 1 && out.u8(p) === 0xff) {
    out.put('isakmp-nat-keep-alive');
    return;
  }
  if (length < 4) out.truncate();
  if (out.u32(p) === 0) {
    out.put('NONESP-encap: isakmp');
    return;
  }
  out.put('UDP-encap: ');
  printEsp(out, p, length);
}

/** Audio of the LBL tools, which anything sent to this port is taken for. */
function printVat(out: Printout, p: number, length: number): void {
  out.protocol = 'vat';
  const stamp = out.u16(p);
  if ((stamp & 0xf060) !== 0) {
    out.put(`udp/vt ${length} ${stamp & 0x3ff} / ${stamp >> 10}`);
    return;
  }
  const first = out.u32(p);
  out.put(
    `udp/vat ${(length - 8) >>> 0} c${first & 0xffff} ${out.u32(p + 4)}` +
      `${(first & 0x800000) !== 0 ? '*' : ''}`,
  );
  if ((first & 0x1f0000) !== 0) out.put(` f${(first >> 16) & 0x1f}`);
  if ((first & 0x3f000000) !== 0) out.put(` s${(first >> 24) & 0x3f}`);
}
