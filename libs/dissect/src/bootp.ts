/**
 * BOOTP and DHCP: the fixed part.
 *
 * udp-ports → this → bootp-options. Source: RFC 951, RFC 2131.
 */
import { putDhcpOptions } from './bootp-options.js';
import { bitNames, hex2, hex4, ip4Text, macText } from './names.js';
import type { Printout } from './printout.js';
import { zeroEndedText } from './text.js';

const MAGIC = 0x63825363;
const FLAGS = [[0x8000, 'Broadcast']] as const;

export function printBootp(out: Printout, p: number, length: number): void {
  out.protocol = 'bootp';
  const operation = out.u8(p);
  const name = { 1: 'Request', 2: 'Reply' }[operation] ?? `unknown (0x${hex2(operation)})`;
  out.put(`BOOTP/DHCP, ${name}`);
  const hardware = out.u8(p + 1);
  const hardwareLength = out.u8(p + 2);
  const isEther = hardware === 1 && hardwareLength === 6;
  if (isEther && operation === 1) out.put(` from ${macText(out, p + 28)}`);
  out.put(`, length ${length}`);
  if (out.options.verbose === 0) return;
  out.need(p + 8, 2);
  if (hardware !== 1) out.put(`, htype ${hardware}`);
  if (!isEther) out.put(`, hlen ${hardwareLength}`);
  if (out.u8(p + 3) !== 0) out.put(`, hops ${out.u8(p + 3)}`);
  if (out.u32(p + 4) !== 0) out.put(`, xid 0x${out.u32(p + 4).toString(16)}`);
  if (out.u16(p + 8) !== 0) out.put(`, secs ${out.u16(p + 8)}`);
  const flags = out.u16(p + 10);
  out.put(`, Flags [${bitNames(FLAGS, 'none', flags, ', ')}]`);
  if (out.options.verbose > 1) out.put(` (0x${hex4(flags)})`);
  ['Client', 'Your', 'Server', 'Gateway'].forEach((whose, i) => {
    const at = p + 12 + 4 * i;
    if (out.u32(at) !== 0) out.put(`\n\t  ${whose}-IP ${ip4Text(out, at)}`);
  });
  if (isEther) out.put(`\n\t  Client-Ethernet-Address ${macText(out, p + 28)}`);
  putText(out, p + 44, 64, 'sname');
  putText(out, p + 108, 128, 'file');
  const magic = out.u32(p + 236);
  if (magic === MAGIC) putDhcpOptions(out, p + 236);
  else if (magic !== 0) out.put(`\n\t  Vendor-#0x${magic.toString(16)}`);
}

function putText(out: Printout, p: number, size: number, label: string): void {
  if (out.u8(p) === 0) return;
  const available = Math.min(size, out.available(p));
  const text = zeroEndedText(out, p, available);
  out.put(`\n\t  ${label} "${text.text}"`);
  if (!text.ended && available < size) out.truncate();
}
