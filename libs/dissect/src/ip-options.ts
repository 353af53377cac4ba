/**
 * The options of an IPv4 header (RFC 791 §3.1, RFC 2113, RFC 1393), and what source routes mean for
 * the pseudo header.
 */
import { ip4Text } from './names.js';
import type { Printout } from './printout.js';

const EOL = 0;
const NOP = 1;
const RR = 7;
const TS = 68;
const LSRR = 131;
const SSRR = 137;
const RA = 148;

const NAMES: Readonly<Record<number, string>> = {
  [EOL]: 'EOL',
  [NOP]: 'NOP',
  [RR]: 'RR',
  [TS]: 'timestamp',
  82: 'traceroute',
  130: 'security',
  [LSRR]: 'LSRR',
  [SSRR]: 'SSRR',
  [RA]: 'RA',
};

/** False where the options were not captured whole. */
export function putIpOptions(out: Printout, start: number, total: number): boolean {
  let p = start;
  let left = total;
  let separator = '';
  while (left > 0) {
    out.put(separator);
    separator = ',';
    const code = out.u8(p);
    out.put(NAMES[code] ?? `unknown ${code}`);
    let size = 1;
    if (code !== NOP && code !== EOL) {
      size = out.u8(p + 1);
      if (size < 2) {
        out.put(` [bad length ${size}]`);
        return true;
      }
    }
    if (size > left) {
      out.put(` [bad length ${size}]`);
      return true;
    }
    if (!out.has(p, size)) return false;
    if (code === EOL) return true;
    if (code === TS && !putTimestamps(out, p, size)) return false;
    if ((code === RR || code === SSRR || code === LSRR) && !putRoute(out, p, size)) return false;
    if (code === RA) {
      if (size < 4) out.put(` [bad length ${size}]`);
      else if (out.u16(p + 2) !== 0) out.put(` value ${out.u16(p + 2)}`);
    }
    p += size;
    left -= size;
  }
  return true;
}

function putRoute(out: Printout, p: number, size: number): boolean {
  if (size < 3) {
    out.put(` [bad length ${size}]`);
    return true;
  }
  if (((size + 1) & 3) !== 0) out.put(` [bad length ${size}]`);
  const pointer = out.u8(p + 2) - 1;
  if (pointer < 3 || ((pointer + 1) & 3) !== 0 || pointer > size + 1) {
    out.put(` [bad ptr ${out.u8(p + 2)}]`);
  }
  for (let at = 3; at < size; at += 4) {
    if (!out.has(p + at, 4)) return false;
    out.put(` ${ip4Text(out, p + at)}`);
    if (pointer > at) out.put(',');
  }
  return true;
}

function putTimestamps(out: Printout, p: number, size: number): boolean {
  if (size < 4) {
    out.put(`[bad length ${size}]`);
    return true;
  }
  out.put(' TS{');
  const kind = out.u8(p + 3) & 15;
  const step = kind === 0 ? 4 : 8;
  if (((size - 4) & (step - 1)) !== 0) out.put(`[bad length ${size}]`);
  const pointer = out.u8(p + 2) - 1;
  if (pointer < 4 || ((pointer - 4) & (step - 1)) !== 0 || pointer > size + 1) {
    out.put(`[bad ptr ${out.u8(p + 2)}]`);
  }
  let at = 0;
  const kindName = { 0: 'TSONLY', 1: 'TS+ADDR', 3: 'PRESPEC' }[kind];
  if (kindName === undefined) out.put(`[bad ts type ${kind}]`);
  else {
    out.put(kindName);
    for (at = 4; at < size; at += step) {
      if (!out.has(p + at, step)) return false;
      const mark = pointer === at ? ' ^ ' : ' ';
      out.put(`${mark}${out.u32(p + at + step - 4)}@${step === 8 ? ip4Text(out, p + at) : ''}`);
    }
  }
  if (pointer === at) out.put(' ^ ');
  const missed = out.u8(p + 3) >> 4;
  out.put(missed !== 0 ? ` [${missed} hops not recorded]} ` : '}');
  return true;
}

/** Where the packet really goes: the last hop of a source route, else the header's destination. */
export function finalDestination(out: Printout, header: number): number {
  const destination = header + 16;
  let p = header + 20;
  let left = (out.u8(header) & 15) * 4 - 20;
  while (left > 0) {
    const code = out.u8(p);
    if (code === EOL) break;
    const size = code === NOP ? 1 : out.u8(p + 1);
    if (code !== NOP && size < 2) break;
    if (left < size || !out.has(p, size)) break;
    if ((code === SSRR || code === LSRR) && size >= 7) return p + size - 4;
    p += size;
    left -= size;
  }
  return destination;
}
