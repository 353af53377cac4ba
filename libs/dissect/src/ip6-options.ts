/**
 * Hop-by-hop and destination options (RFC 8200 §4.2, RFC 2711, RFC 2675, RFC 6275).
 */
import { hex2, hex4, ip6Text } from './names.js';
import type { Printout } from './printout.js';

const PAD1 = 0;
const PADN = 1;
const ROUTER_ALERT = 5;
const JUMBO = 0xc2;
const HOME_ADDRESS = 0xc9;

export function putHopByHop(out: Printout, p: number): number {
  return putHeader(out, p, 'hbhopt', 'HBH ');
}

export function putDestinationOptions(out: Printout, p: number): number {
  return putHeader(out, p, 'dstopt', 'DSTOPT ');
}

function putHeader(out: Printout, p: number, protocol: string, name: string): number {
  out.protocol = protocol;
  const length = (out.u8(p + 1) + 1) * 8;
  out.need(p, length);
  out.put(name);
  if (out.options.verbose > 0) putOptions(out, p + 2, length - 2);
  return length;
}

function putOptions(out: Printout, p: number, length: number): void {
  let i = 0;
  while (i < length) {
    const type = out.u8(p + i);
    let size = 1;
    if (type !== PAD1) {
      if (i + 1 >= length) break;
      size = out.u8(p + i + 1) + 2;
    }
    if (i + size > length || !putOption(out, p + i, type, length - i)) break;
    i += size;
  }
  out.put(i >= length ? ' ' : '[trunc] ');
}

/** False where the option is shorter than it must be. */
function putOption(out: Printout, p: number, type: number, left: number): boolean {
  switch (type) {
    case PAD1:
      out.put('(pad1)');
      return true;
    case PADN:
      out.put('(padn)');
      return true;
    case ROUTER_ALERT:
      if (!checkSize(out, p, 'rtalert', left, 2)) return false;
      out.put(`(rtalert: 0x${hex4(out.u16(p + 2))}) `);
      return true;
    case JUMBO:
      if (!checkSize(out, p, 'jumbo', left, 4)) return false;
      out.put(`(jumbo: ${out.u32(p + 2)}) `);
      return true;
    case HOME_ADDRESS:
      return putHomeAddress(out, p, left);
    default:
      out.put(`(opt_type 0x${hex2(type)}: len=${out.u8(p + 1)})`);
      return true;
  }
}

function checkSize(out: Printout, p: number, name: string, left: number, size: number): boolean {
  if (left < size + 2) {
    out.put(`(${name}: trunc)`);
    return false;
  }
  if (out.u8(p + 1) !== size) {
    out.put(`(${name}: invalid len ${out.u8(p + 1)})`);
    return false;
  }
  return true;
}

function putHomeAddress(out: Printout, p: number, left: number): boolean {
  const size = out.u8(p + 1);
  if (left < 18) {
    out.put('(homeaddr: trunc)');
    return false;
  }
  if (size < 16) {
    out.put(`(homeaddr: invalid len ${size})`);
    return false;
  }
  out.put(`(homeaddr: ${ip6Text(out, p + 2)}`);
  if (size > 16) putSubOptions(out, p + 18, size - 16);
  out.put(')');
  return true;
}

function putSubOptions(out: Printout, p: number, length: number): void {
  let i = 0;
  while (i < length) {
    const type = out.u8(p + i);
    if (type !== PAD1 && i + 1 >= length) break;
    const size = type === PAD1 ? 1 : out.u8(p + i + 1) + 2;
    if (i + size > length) break;
    if (type === PAD1) out.put(', pad1');
    else if (type === PADN) out.put(', padn');
    else out.put(`, sopt_type 0x${hex2(type)}: len=${out.u8(p + i + 1)}`);
    i += size;
  }
  if (i < length) out.put('[trunc] ');
}
