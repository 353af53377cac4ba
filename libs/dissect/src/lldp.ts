/**
 * Link layer discovery (IEEE 802.1AB): the mandatory and basic elements; organisation-specific ones
 * by their header only.
 */
import { bitNames, hex2, hex4, hex8, ip4Text, ip6Text, macText, ouiName } from './names.js';
import type { Printout } from './printout.js';
import { bytesText } from './text.js';

const TLVS: Readonly<Record<number, string>> = {
  0: 'End',
  1: 'Chassis ID',
  2: 'Port ID',
  3: 'Time to Live',
  4: 'Port Description',
  5: 'System Name',
  6: 'System Description',
  7: 'System Capabilities',
  8: 'Management Address',
  127: 'Organization specific',
};

const CHASSIS: Readonly<Record<number, string>> = {
  1: 'Chassis component',
  2: 'Interface alias',
  3: 'Port component',
  4: 'MAC address',
  5: 'Network address',
  6: 'Interface name',
  7: 'Local',
};

const PORT: Readonly<Record<number, string>> = {
  1: 'Interface alias',
  2: 'Port component',
  3: 'MAC address',
  4: 'Network Address',
  5: 'Interface Name',
  6: 'Agent circuit ID',
  7: 'Local',
};

const CAPABILITIES = [
  [1, 'Other'],
  [2, 'Repeater'],
  [4, 'Bridge'],
  [8, 'WLAN AP'],
  [16, 'Router'],
  [32, 'Telephone'],
  [64, 'Docsis'],
  [128, 'Station Only'],
] as const;

export function printLldp(out: Printout, p: number, length: number): void {
  out.protocol = 'lldp';
  out.put(`LLDP, length ${length}`);
  const verbose = out.options.verbose > 0;
  let at = p;
  let left = length;
  while (left >= 2) {
    const word = out.u16(at);
    const type = word >> 9;
    const size = word & 0x1ff;
    if (verbose) out.put(`\n\t${TLVS[type] ?? 'Unknown'} TLV (${type}), length ${size}`);
    at += 2;
    left -= 2;
    if (left < size) out.truncate();
    out.need(at, size);
    if (type === 0) return;
    if (type === 5) {
      // The one element that is worth its place on a single line.
      out.put(`: ${bytesText(out, at, size)}`);
    } else if (verbose) putTlv(out, at, type, size);
    if (out.options.verbose > 1 && size > 0) out.putHex(at, size, '\n\t  ');
    at += size;
    left -= size;
  }
}

function putTlv(out: Printout, p: number, type: number, size: number): void {
  switch (type) {
    case 1:
      if (size >= 2) putId(out, p, size, CHASSIS, [4], [5]);
      return;
    case 2:
      if (size >= 2) putId(out, p, size, PORT, [3], [4]);
      return;
    case 3:
      if (size >= 2) out.put(`: TTL ${out.u16(p)}s`);
      return;
    case 4:
      out.put(`: ${bytesText(out, p, size)}`);
      return;
    case 6:
      out.put(`\n\t  ${bytesText(out, p, size)}`);
      return;
    case 7:
      if (size < 4) return;
      putCapabilities(out, 'System ', out.u16(p));
      putCapabilities(out, 'Enabled', out.u16(p + 2));
      return;
    case 8:
      putManagementAddress(out, p, size);
      return;
    case 127:
      if (size < 3) return;
      out.put(`: OUI ${ouiName(out.u24(p))} (0x${hex8(out.u24(p)).slice(2)})`);
      if (out.options.verbose <= 1) out.putHex(p, size, '\n\t  ');
      return;
    default:
      if (out.options.verbose <= 1) out.putHex(p, size, '\n\t  ');
  }
}

function putId(
  out: Printout,
  p: number,
  size: number,
  names: Readonly<Record<number, string>>,
  mac: readonly number[],
  network: readonly number[],
): void {
  const subtype = out.u8(p);
  out.put(`\n\t  Subtype ${names[subtype] ?? 'Unknown'} (${subtype}): `);
  if (mac.includes(subtype)) {
    if (size >= 7) out.put(macText(out, p + 1));
  } else if (network.includes(subtype)) putNetworkAddress(out, p + 1, size - 1);
  else if (names[subtype] !== undefined) out.put(bytesText(out, p + 1, size - 1));
  else out.putHex(p, size, '\n\t  ');
}

function putNetworkAddress(out: Printout, p: number, size: number): void {
  const family = out.u8(p);
  if (family === 1 && size >= 5) out.put(`AFI IPv4 (1): ${ip4Text(out, p + 1)}`);
  else if (family === 2 && size >= 17) out.put(`AFI IPv6 (2): ${ip6Text(out, p + 1)}`);
  else out.put(`AFI Unknown (${family}), no AF printer !`);
}

function putCapabilities(out: Printout, which: string, bits: number): void {
  out.put(
    `\n\t  ${which} Capabilities [${bitNames(CAPABILITIES, 'none', bits, ', ')}] (0x${hex4(bits)})`,
  );
}

function putManagementAddress(out: Printout, p: number, size: number): void {
  const length = out.u8(p);
  if (size < 1 + length || length < 1) return;
  out.put(`\n\t  Management Address length ${length}, `);
  putNetworkAddress(out, p + 1, length);
  let at = p + 1 + length;
  let left = size - 1 - length;
  if (left < 5) return;
  const kind = out.u8(at);
  const name = ['', 'Unknown', 'Interface Index', 'System Port Number'][kind] ?? 'Unknown';
  out.put(`\n\t  ${name} Interface Numbering (${kind}): ${out.u32(at + 1)}`);
  at += 5;
  left -= 5;
  if (left > 0) {
    const oid = out.u8(at);
    if (oid > 0) out.put(`\n\t  OID length ${oid}: 0x${hex2(out.u8(at + 1))}`);
  }
}
