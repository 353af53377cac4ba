/**
 * IEEE slow protocols: LACP and marker (802.3ad); of OAM (802.3ah) the name alone.
 */
import { bitNames, hex2, hex8, macText } from './names.js';
import type { Printout } from './printout.js';

const LACP = 1;
const MARKER = 2;
const OAM = 3;

const PROTOCOLS: Readonly<Record<number, string>> = {
  [LACP]: 'LACP',
  [MARKER]: 'MARKER',
  [OAM]: 'OAM',
};

const STATES = [
  [0x01, 'Activity'],
  [0x02, 'Timeout'],
  [0x04, 'Aggregation'],
  [0x08, 'Synchronization'],
  [0x10, 'Collecting'],
  [0x20, 'Distributing'],
  [0x40, 'Default'],
  [0x80, 'Expired'],
] as const;

const TLV_NAMES: Readonly<Record<number, readonly string[]>> = {
  [LACP]: ['Terminator', 'Actor Information', 'Partner Information', 'Collector Information'],
  [MARKER]: ['Terminator', 'Marker Information'],
};

export function printSlow(out: Printout, p: number, length: number): void {
  out.protocol = 'slow';
  if (length < 1) {
    putTooShort(out);
    return;
  }
  const subtype = out.u8(p);
  const name = PROTOCOLS[subtype];
  if (subtype === LACP || subtype === MARKER) {
    if (length < 2) {
      putTooShort(out);
      return;
    }
    const version = out.u8(p + 1);
    if (version !== 1) {
      out.put(`${name ?? ''} version ${version} packet not supported`);
      return;
    }
    out.put(`${name ?? ''}v${version}, length ${length}`);
    if (out.options.verbose > 0) putTlvs(out, p + 2, length - 2, subtype);
    return;
  }
  out.put(`${name ?? `unknown (${subtype})`}, length ${length}`);
  if (name === undefined) out.putHex(p, length, '\n\t');
}

function putTooShort(out: Printout): void {
  out.put(out.options.verbose > 0 ? '\n\t\t packet is too short' : ' (packet is too short)');
}

function putTlvs(out: Printout, start: number, total: number, subtype: number): void {
  let p = start;
  let left = total;
  while (left !== 0) {
    if (left < 2) {
      out.put('\n\t\t packet is too short');
      return;
    }
    const type = out.u8(p);
    const size = out.u8(p + 1);
    const name = TLV_NAMES[subtype]?.[type] ?? 'Unknown';
    out.put(`\n\t${name} TLV (0x${hex2(type)}), length ${size}`);
    if (type === 0) return;
    if (size < 2) {
      out.put('\n\t    ERROR: illegal length - should be >= 2');
      return;
    }
    if (left < size) {
      out.put('\n\t\t packet is too short');
      return;
    }
    out.need(p, size);
    putTlv(out, p, subtype, type, size);
    if (out.options.verbose > 1) out.putHex(p + 2, size - 2, '\n\t  ');
    p += size;
    left -= size;
  }
}

function putTlv(out: Printout, p: number, subtype: number, type: number, size: number): void {
  const isInfo = subtype === LACP && (type === 1 || type === 2);
  const expected = isInfo ? 20 : (subtype === LACP && type === 3) || type === 1 ? 16 : undefined;
  if (expected === undefined) {
    if (out.options.verbose <= 1) out.putHex(p + 2, size - 2, '\n\t  ');
    return;
  }
  if (size !== expected) {
    out.put(`\n\t    ERROR: illegal length - should be ${expected}`);
    return;
  }
  if (isInfo) {
    out.put(
      `\n\t  System ${macText(out, p + 4)}, System Priority ${out.u16(p + 2)}, ` +
        `Key ${out.u16(p + 10)}, Port ${out.u16(p + 14)}, Port Priority ${out.u16(p + 12)}` +
        `\n\t  State Flags [${bitNames(STATES, 'none', out.u8(p + 16), ', ')}]`,
    );
  } else if (subtype === LACP) out.put(`\n\t  Max Delay ${out.u16(p + 2)}`);
  else {
    out.put(
      `\n\t  Request System ${macText(out, p + 4)}, Request Port ${out.u16(p + 2)}, ` +
        `Request Transaction ID 0x${hex8(out.u32(p + 10))}`,
    );
  }
}
