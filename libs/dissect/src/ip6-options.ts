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

/** The length that a jumbogram (RFC 2675) states instead of its header. */
export interface JumboLength {
  /** What the fixed header says: zero in a jumbogram. */
  readonly payload: number;
  found: boolean;
  /** Valid: the header says zero and the option at least 65536. */
  length: number | undefined;
}

/** The header's length, or -1 where its options are malformed. */
export function putHopByHop(out: Printout, p: number, jumbo: JumboLength): number {
  return putHeader(out, p, 'hbhopt', 'HBH ', jumbo);
}

export function putDestinationOptions(out: Printout, p: number, jumbo: JumboLength): number {
  return putHeader(out, p, 'dstopt', 'DSTOPT ', jumbo);
}

function putHeader(
  out: Printout,
  p: number,
  protocol: string,
  name: string,
  jumbo: JumboLength,
): number {
  out.protocol = protocol;
  const length = (out.u8(p + 1) + 1) * 8;
  out.need(p, length);
  out.put(name);
  return putOptions(out, p + 2, length - 2, jumbo) ? length : -1;
}

/** Options are checked always, and printed with -v. False where they are malformed. */
function putOptions(out: Printout, p: number, length: number, jumbo: JumboLength): boolean {
  let i = 0;
  while (i < length) {
    const type = out.u8(p + i);
    let size = 1;
    if (type !== PAD1) {
      if (i + 1 >= length) break;
      size = out.u8(p + i + 1) + 2;
    }
    if (i + size > length || !putOption(out, p + i, type, length - i, jumbo)) break;
    i += size;
  }
  if (i < length) {
    out.putTruncated();
    return false;
  }
  if (out.options.verbose > 0) out.put(' ');
  return true;
}

/** False where the option is shorter than it must be. */
function putOption(
  out: Printout,
  p: number,
  type: number,
  left: number,
  jumbo: JumboLength,
): boolean {
  const show = (text: string): void => {
    if (out.options.verbose > 0) out.put(text);
  };
  switch (type) {
    case PAD1:
      show('(pad1)');
      return true;
    case PADN:
      show('(padn)');
      return true;
    case ROUTER_ALERT:
      if (!checkSize(out, p, 'rtalert', left, 2)) return false;
      show(`(rtalert: 0x${hex4(out.u16(p + 2))}) `);
      return true;
    case JUMBO:
      if (!checkSize(out, p, 'jumbo', left, 4)) return false;
      show(`(jumbo: ${out.u32(p + 2)}${noteJumbo(jumbo, out.u32(p + 2))}) `);
      return true;
    case HOME_ADDRESS:
      return putHomeAddress(out, p, left);
    default:
      show(`(opt_type 0x${hex2(type)}: len=${out.u8(p + 1)})`);
      return true;
  }
}

/** Remembers the length, or says what is wrong with it. */
function noteJumbo(jumbo: JumboLength, length: number): string {
  if (jumbo.found) return ' - already seen';
  jumbo.found = true;
  if (jumbo.payload !== 0) return ' - payload len != 0';
  if (length < 65536) return ' - < 65536';
  jumbo.length = length;
  return '';
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
  if (out.options.verbose === 0) return true;
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
