/**
 * Options of neighbour discovery (RFC 4861 §4.6, RFC 8106, RFC 4191, RFC 6275).
 */
import { formatMac } from '@netloom/base';
import { nameText } from './domain-name.js';
import { bitNames, ip6Text } from './names.js';
import type { Printout } from './printout.js';

const NAMES: Readonly<Record<number, string>> = {
  1: 'source link-address',
  2: 'destination link-address',
  3: 'prefix info',
  4: 'redirected header',
  5: 'mtu',
  7: 'advertisement interval',
  8: 'homeagent information',
  24: 'route info',
  25: 'rdnss',
  31: 'dnssl',
};

const PREFIX_FLAGS = [
  [0x80, 'onlink'],
  [0x40, 'auto'],
  [0x20, 'router'],
] as const;

const PREFERENCES = ['medium', 'high', 'rsv', 'low'];

const lifetime = (seconds: number): string => (seconds === 0xffffffff ? 'infinity' : `${seconds}s`);

export function putNdOptions(out: Printout, start: number, total: number): void {
  let p = start;
  let left = total;
  while (p < out.snapEnd && left > 0) {
    const type = out.u8(p);
    const units = out.u8(p + 1);
    const size = units * 8;
    if (size === 0 || !out.has(p, size)) out.truncate();
    out.put(`\n\t  ${NAMES[type] ?? 'unknown'} option (${type}), length ${size} (${units}): `);
    if (!putOption(out, p, type, units, start)) return;
    if (out.options.verbose > 1) out.putHex(p + 2, size - 2, '\n\t    ');
    p += size;
    left -= size;
  }
}

/** False where nothing after this option is printed. */
function putOption(out: Printout, p: number, type: number, units: number, start: number): boolean {
  const size = units * 8;
  switch (type) {
    case 1:
    case 2:
      out.put(formatMac(out.mem, p + 2, size - 2));
      return true;
    case 3:
      out.need(p, 32);
      out.put(
        `${ip6Text(out, p + 16)}/${out.u8(p + 2)}${units === 4 ? '' : 'badlen'}, ` +
          `Flags [${bitNames(PREFIX_FLAGS, 'none', out.u8(p + 3), ', ')}], ` +
          `valid time ${lifetime(out.u32(p + 4))}, pref. time ${lifetime(out.u32(p + 8))}`,
      );
      return true;
    case 4:
      out.putHex(start, size, '\n\t    ');
      return true;
    case 5:
      out.put(` ${out.u32(p + 4)}${units === 1 ? '' : 'bad option length'}`);
      return true;
    case 7:
      out.put(` ${out.u32(p + 4)}ms`);
      return true;
    case 8:
      out.put(` preference ${out.u16(p + 4)}, lifetime ${out.u16(p + 6)}`);
      return true;
    case 24:
      putRoute(out, p, units);
      return true;
    case 25:
      out.put(` lifetime ${out.u32(p + 4)}s,`);
      for (let i = 0; i < Math.floor((units - 1) / 2); i++) {
        out.put(` addr: ${ip6Text(out, p + 8 + 16 * i)}`);
      }
      return true;
    case 31:
      putSearchList(out, p, size, start);
      return true;
    default:
      if (out.options.verbose > 1) return true;
      out.putHex(p + 2, size - 2, '\n\t  ');
      return false;
  }
}

function putRoute(out: Printout, p: number, units: number): void {
  if (units > 3) out.truncate();
  // As much of the prefix as the option carries; the rest of the address is zero.
  const bytes = new Uint8Array(16);
  bytes.set(out.mem.subarray(p + 8, p + 8 * units));
  const savedMem = out.mem;
  const savedEnd = out.snapEnd;
  out.mem = bytes;
  out.snapEnd = 16;
  const prefix = ip6Text(out, 0);
  out.mem = savedMem;
  out.snapEnd = savedEnd;
  const preference = PREFERENCES[(out.u8(p + 3) >> 3) & 3] ?? '';
  out.put(` ${prefix}/${out.u8(p + 2)}, pref=${preference}, lifetime=${lifetime(out.u32(p + 4))}`);
}

function putSearchList(out: Printout, p: number, size: number, start: number): void {
  out.put(` lifetime ${out.u32(p + 4)}s, domain(s):`);
  let at = p + 8;
  while (at < p + size && out.u8(at) !== 0) {
    const name = nameText(out, at, start);
    out.put(` ${name.text}`);
    if (name.next === undefined) out.truncate();
    at = name.next;
  }
}
