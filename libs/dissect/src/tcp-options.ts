/**
 * TCP options (RFC 9293 §3.2, RFC 7323, RFC 2018, RFC 2385, RFC 5482, RFC 5925, RFC 7413, RFC 8684).
 */
import { hex2 } from './names.js';
import type { Printout } from './printout.js';

const HLEN = 20;
const EOL = 0;
const NOP = 1;

const NAMES: Readonly<Record<number, string>> = {
  0: 'eol',
  1: 'nop',
  2: 'mss',
  3: 'wscale',
  4: 'sackOK',
  5: 'sack',
  6: 'echo',
  7: 'echoreply',
  8: 'TS',
  11: 'cc',
  12: 'ccnew',
  13: '', // as tcpdump has it
  19: 'md5',
  20: 'scps',
  28: 'uto',
  29: 'tcp-ao',
  30: 'mptcp',
  34: 'tfo',
  254: 'exp',
};

/** The options end here: malformed, or cut off where their length was known. */
class OptionsEnd extends Error {
  override readonly name = 'OptionsEnd';

  constructor(readonly cutOff: boolean) {
    super('TCP options end');
  }
}

/**
 * False where they are malformed: the packet's text ends there. `p`: the TCP header; `whole`: the segment
 * was captured to its end.
 */
export function putTcpOptions(
  out: Printout,
  p: number,
  headerLength: number,
  flags: number,
  sackOrigin: number,
  whole: boolean,
): boolean {
  let at = p + HLEN;
  const end = p + headerLength;
  let first = true;
  out.put(', options [');
  try {
    while (at < end) {
      if (!first) out.put(',');
      const kind = out.u8(at);
      let size = 1;
      if (kind !== EOL && kind !== NOP) {
        size = out.u8(at + 1);
        if (size < 2 || size > end - at) throw new OptionsEnd(false);
      }
      out.put(NAMES[kind] ?? `unknown-${kind}`);
      const used = putBody(out, kind, at + 2, size, end, flags, sackOrigin, whole);
      at += (size === 1 ? 1 : 2) + used;
      if ((size === 1 ? 1 : 2) + used !== size) out.put(`[len ${size}]`);
      first = false;
      if (kind === EOL) break;
    }
  } catch (error) {
    if (!(error instanceof OptionsEnd)) throw error;
    if (error.cutOff) out.putTruncated();
    else out.put('[bad opt]');
    if (!first) out.put(error.cutOff ? '>' : ']');
    return false;
  }
  out.put(']');
  return true;
}

/** Prints what follows the option's length; returns how many bytes of it belong to the option. */
function putBody(
  out: Printout,
  kind: number,
  p: number,
  size: number,
  end: number,
  flags: number,
  sackOrigin: number,
  whole: boolean,
): number {
  const check = (length: number): void => {
    if (p + length > end) throw new OptionsEnd(false);
    if (!out.has(p, length)) throw new OptionsEnd(true);
  };
  switch (kind) {
    case EOL:
    case NOP:
    case 4:
      return 0;
    case 2:
      check(2);
      out.put(` ${out.u16(p)}`);
      return 2;
    case 3:
      check(1);
      out.put(` ${out.u8(p)}`);
      return 1;
    case 5:
      return putSack(out, p, size - 2, flags, sackOrigin, check);
    case 6:
    case 7:
    case 11:
    case 12:
    case 13:
      check(4);
      out.put(` ${out.u32(p)}`);
      return 4;
    case 8:
      check(8);
      out.put(` val ${out.u32(p)} ecr ${out.u32(p + 4)}`);
      return 8;
    case 19:
      check(16);
      out.put(whole ? ' shared secret not supplied with -M, ' : ' snaplen too short, ');
      out.put("can't check - ");
      putBytes(out, p, 16);
      return 16;
    case 20:
      check(2);
      out.put(` cap ${hex2(out.u8(p))} id ${out.u8(p + 1)}`);
      return 2;
    case 28:
      check(2);
      putUserTimeout(out, p);
      return 2;
    case 29:
      return putAuthentication(out, p, size - 2, check);
    case 34:
      check(size - 2);
      putFastOpen(out, p, size - 2);
      return size - 2;
    case 254:
      if (size < 4) return putUnknown(out, p, size - 2, check);
      check(2);
      out.put(`-${out.u16(p).toString(16).padStart(4, '0')}`);
      check(size - 2);
      if (out.u16(p) === 0xf989) {
        putFastOpen(out, p + 2, size - 4);
        return size - 2;
      }
      if (size > 4) {
        out.put(' 0x');
        putBytes(out, p + 2, size - 4);
      }
      return size - 2;
    default:
      return putUnknown(out, p, size - 2, check);
  }
}

function putUnknown(
  out: Printout,
  p: number,
  length: number,
  check: (length: number) => void,
): number {
  if (length > 0) {
    out.put(' 0x');
    for (let i = 0; i < length; i++) {
      check(i + 1);
      out.put(hex2(out.u8(p + i)));
    }
  }
  return length;
}

function putSack(
  out: Printout,
  p: number,
  length: number,
  flags: number,
  origin: number,
  check: (length: number) => void,
): number {
  if (length % 8 !== 0 || (flags & 16) === 0) {
    out.put(' invalid sack');
    return length;
  }
  out.put(` ${length / 8} `);
  for (let i = 0; i < length; i += 8) {
    check(i + 8);
    const left = (out.u32(p + i) - origin) >>> 0;
    out.put(`{${left}:${(out.u32(p + i + 4) - origin) >>> 0}}`);
  }
  return length;
}

function putBytes(out: Printout, p: number, length: number): void {
  for (let i = 0; i < length; i++) out.put(hex2(out.u8(p + i)));
}

/** The low bit chooses minutes. */
function putUserTimeout(out: Printout, p: number): void {
  const value = out.u16(p);
  const seconds = (value & 1) !== 0 ? (value >> 1) * 60 : value >> 1;
  out.put(` 0x${value.toString(16)} ${seconds}`);
}

function putAuthentication(
  out: Printout,
  p: number,
  length: number,
  check: (length: number) => void,
): number {
  if (length < 2) {
    out.putInvalid();
    return length;
  }
  check(1);
  out.put(` keyid ${out.u8(p)}`);
  check(2);
  out.put(` rnextkeyid ${out.u8(p + 1)}`);
  if (length > 2) out.put(' mac 0x');
  for (let i = 2; i < length; i++) {
    check(i + 1);
    out.put(hex2(out.u8(p + i)));
  }
  return length;
}

function putFastOpen(out: Printout, p: number, length: number): void {
  if (length === 0) {
    out.put('  cookiereq');
    return;
  }
  out.put('  cookie ');
  putBytes(out, p, length);
}
