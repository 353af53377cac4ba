/**
 * Multicast listener discovery, versions 1 and 2 (RFC 2710, RFC 3810).
 */
import { ip6Text } from './names.js';
import type { Printout } from './printout.js';

export const GROUP_RECORD_TYPES: Readonly<Record<number, string>> = {
  1: 'is_in',
  2: 'is_ex',
  3: 'to_in',
  4: 'to_ex',
  5: 'allow',
  6: 'block',
};

export function putMld(out: Printout, p: number): void {
  if (!out.has(p, 24)) return;
  out.put(`max resp delay: ${out.u16(p + 4)} addr: ${ip6Text(out, p + 8)}`);
}

export function putMldV2Report(out: Printout, p: number, length: number): void {
  if (length < 16) {
    out.putInvalid();
    return;
  }
  const groups = out.u16(p + 6);
  out.put(`, ${groups} group record(s)`);
  if (out.options.verbose === 0) return;
  let at = 8;
  for (let i = 0; i < groups; i++) {
    if (length < at + 20) {
      out.put(' [invalid number of groups]');
      return;
    }
    const type = out.u8(p + at);
    out.put(` [gaddr ${ip6Text(out, p + at + 4)}`);
    out.put(` ${GROUP_RECORD_TYPES[type] ?? ` [v2-report-#${type}]`}`);
    const sources = out.u16(p + at + 2);
    if (length < at + 20 + sources * 16) {
      out.put(` [invalid number of sources ${sources}]`);
      return;
    }
    putSources(out, p + at + 20, sources, `, ${sources} source(s)`);
    at += 20 + sources * 16;
    out.put(']');
  }
}

function putSources(out: Printout, p: number, count: number, short: string): void {
  if (out.options.verbose === 1) {
    out.put(short);
    return;
  }
  out.put(' {');
  for (let i = 0; i < count; i++) out.put(` ${ip6Text(out, p + 16 * i)}`);
  out.put(' }');
}

export function putMldV2Query(out: Printout, p: number, length: number): void {
  const code = out.u16(p + 4);
  const delay = code < 32768 ? code : ((code & 0x0fff) | 0x1000) << (((code & 0x7000) >> 12) + 3);
  if (out.options.verbose > 0) out.put(` [max resp delay=${delay}]`);
  out.need(p + 8, 16);
  out.put(` [gaddr ${ip6Text(out, p + 8)}`);
  if (out.options.verbose > 0) {
    const flags = out.u8(p + 24);
    if ((flags & 0x08) !== 0) out.put(' sflag');
    if ((flags & 0x07) !== 0) out.put(` robustness=${flags & 7}`);
    const interval = out.u8(p + 25);
    const qqi =
      interval < 128 ? interval : ((interval & 0x0f) | 0x10) << (((interval & 0x70) >> 4) + 3);
    out.put(` qqi=${qqi}`);
  }
  const sources = out.u16(p + 26);
  if (sources > 0) {
    if (length < 28 + sources * 16) out.put(' [invalid number of sources]');
    else if (out.options.verbose > 1) {
      out.put(' {');
      for (let i = 0; i < sources; i++) out.put(` ${ip6Text(out, p + 28 + 16 * i)}`);
      out.put(' }');
    } else out.put(`, ${sources} source(s)`);
  }
  out.put(']');
}
