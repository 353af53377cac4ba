/**
 * IGMP versions 1 to 3 (RFC 1112, RFC 2236, RFC 3376).
 */
import { addBytes, finish } from './checksum.js';
import { GROUP_RECORD_TYPES } from './mld.js';
import { ip4Text } from './names.js';
import type { Printout } from './printout.js';
import { periodText } from './text.js';

export function printIgmp(out: Printout, p: number, length: number): void {
  out.protocol = 'igmp';
  if (out.options.quiet > 0) {
    out.put('igmp');
    return;
  }
  putMessage(out, p, length);
  if (out.options.verbose > 0 && length >= 4 && out.has(p, length)) {
    if (finish(addBytes(out, p, length)) !== 0) {
      out.put(` bad igmp cksum ${out.u16(p + 2).toString(16)}!`);
    }
  }
}

function putMessage(out: Printout, p: number, length: number): void {
  const type = out.u8(p);
  switch (type) {
    case 0x11:
      out.put('igmp query');
      if (length >= 12) putQueryV3(out, p, length);
      else putQuery(out, p, length);
      return;
    case 0x12:
      out.put(`igmp v1 report ${ip4Text(out, p + 4)}`);
      if (length !== 8) out.put(` [len ${length}]`);
      return;
    case 0x16:
      out.put(`igmp v2 report ${ip4Text(out, p + 4)}`);
      return;
    case 0x17:
      out.put(`igmp leave ${ip4Text(out, p + 4)}`);
      return;
    case 0x22:
      out.put('igmp v3 report');
      putReportV3(out, p, length);
      return;
    case 0x1e:
    case 0x1f:
      putTrace(out, p, length, type === 0x1e ? 'mresp' : 'mtrace');
      return;
    default:
      out.put(`igmp-${type}`);
  }
}

function putQuery(out: Printout, p: number, length: number): void {
  const time = out.u8(p + 1);
  if (time === 0) out.put(' v1');
  else {
    out.put(' v2');
    if (time !== 100) out.put(` [max resp time ${time}]`);
  }
  if (out.u32(p + 4) !== 0) out.put(` [gaddr ${ip4Text(out, p + 4)}]`);
  if (length !== 8) out.put(` [len ${length}]`);
}

function putQueryV3(out: Printout, p: number, length: number): void {
  out.put(' v3');
  if (length % 4 !== 0) {
    out.put(` [invalid len ${length}]`);
    return;
  }
  const code = out.u8(p + 1);
  const tenths = code < 128 ? code : ((code & 0x0f) | 0x10) << (((code & 0x70) >> 4) + 3);
  if (code !== 100) {
    const text =
      tenths < 600 ? `${(tenths / 10).toFixed(1)}s` : periodText(Math.floor(tenths / 10));
    out.put(` [max resp time ${text}]`);
  }
  if (out.u32(p + 4) === 0) return;
  out.put(` [gaddr ${ip4Text(out, p + 4)}`);
  const sources = out.u16(p + 10);
  if (sources > 0) {
    if (length < 12 + 4 * sources) out.put(' [invalid number of sources]');
    else if (out.options.verbose > 1) {
      out.put(' {');
      for (let i = 0; i < sources; i++) out.put(` ${ip4Text(out, p + 12 + 4 * i)}`);
      out.put(' }');
    } else out.put(`, ${sources} source(s)`);
  }
  out.put(']');
}

function putReportV3(out: Printout, p: number, length: number): void {
  if (length < 16 || length % 4 !== 0) {
    out.put(` [invalid len ${length}]`);
    return;
  }
  const groups = out.u16(p + 6);
  out.put(`, ${groups} group record(s)`);
  if (out.options.verbose === 0) return;
  let at = 8;
  for (let i = 0; i < groups; i++) {
    if (length < at + 8) {
      out.put(' [invalid number of groups]');
      return;
    }
    const type = out.u8(p + at);
    out.put(` [gaddr ${ip4Text(out, p + at + 4)}`);
    out.put(` ${GROUP_RECORD_TYPES[type] ?? ` [v3-report-#${type}]`}`);
    const sources = out.u16(p + at + 2);
    if (length < at + 8 + 4 * sources) {
      out.put(` [invalid number of sources ${sources}]`);
      return;
    }
    if (out.options.verbose === 1) out.put(`, ${sources} source(s)`);
    else {
      out.put(' {');
      for (let j = 0; j < sources; j++) out.put(` ${ip4Text(out, p + at + 8 + 4 * j)}`);
      out.put(' }');
    }
    at += 8 + 4 * sources;
    out.put(']');
  }
}

/** Multicast traceroute, without the hops of a response. */
function putTrace(out: Printout, p: number, length: number, name: string): void {
  if (length < 24) {
    out.put(` [invalid len ${length}]`);
    return;
  }
  const replyTo = out.u32(p + 16);
  const last = out.u32(p + 20);
  out.put(
    `${name} ${last & 0xffffff}: ${ip4Text(out, p + 8)} to ${ip4Text(out, p + 12)} ` +
      `reply-to ${ip4Text(out, p + 16)}`,
  );
  if (replyTo >>> 28 === 14) out.put(` with-ttl ${last >>> 24}`);
}
