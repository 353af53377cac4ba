/**
 * Encapsulations: GRE (RFC 2784, RFC 2890), VXLAN (RFC 7348), ESP and AH as far as they are clear
 * (RFC 4303, RFC 4302).
 */
import { printEther } from './ether.js';
import { printIp } from './ip.js';
import { printIp6 } from './ip6.js';
import { bitNames, ETHERTYPE_NAMES, hex2, hex4, hex8, ip4Text } from './names.js';
import { MAX_NESTING } from './printout.js';
import type { Printout } from './printout.js';

const GRE_FLAGS = [
  [0x8000, 'checksum present'],
  [0x4000, 'routing present'],
  [0x2000, 'key present'],
  [0x1000, 'sequence# present'],
  [0x0800, 'source routing present'],
  [0x0080, 'ack present'],
] as const;

function nested(out: Printout, print: () => void): void {
  out.nesting++;
  if (out.nesting > MAX_NESTING) out.truncate();
  print();
  out.nesting--;
}

export function printGre(out: Printout, p: number, length: number): void {
  out.protocol = 'gre';
  const version = out.u16(p) & 7;
  out.put(`GREv${version}`);
  if (version === 0) printGre0(out, p, length);
  else if (version === 1) printGre1(out, p, length);
  else out.put(' ERROR: unknown-version');
}

function printGre0(out: Printout, p: number, length: number): void {
  const flags = out.u16(p);
  const { verbose, linkHeader } = out.options;
  if (verbose > 0) out.put(`, Flags [${bitNames(GRE_FLAGS, 'none', flags, ', ')}]`);
  const protocol = out.u16(p + 2);
  let at = p + 4;
  if ((flags & 0xc000) !== 0) {
    if (verbose > 0) out.put(`, sum 0x${out.u16(at).toString(16)}`);
    out.put(`, off 0x${out.u16(at + 2).toString(16)}`);
    at += 4;
  }
  if ((flags & 0x2000) !== 0) {
    out.put(`, key=0x${out.u32(at).toString(16)}`);
    at += 4;
  }
  if ((flags & 0x1000) !== 0) {
    out.put(`, seq ${out.u32(at)}`);
    at += 4;
  }
  if ((flags & 0x4000) !== 0) at = putSourceRoutes(out, at, length - (at - p));
  if (linkHeader) {
    out.put(`, proto ${ETHERTYPE_NAMES[protocol] ?? 'unknown'} (0x${hex4(protocol)})`);
  }
  out.put(`, length ${length}`);
  out.put(verbose > 0 ? '\n\t' : ': ');
  const rest = length - (at - p);
  nested(out, () => {
    if (protocol === 0x0800) printIp(out, at, rest);
    else if (protocol === 0x86dd) printIp6(out, at, rest);
    else if (protocol === 0x6558) printEther(out, at, rest, out.available(at));
    else out.put(`gre-proto-0x${protocol.toString(16)}`);
  });
}

function putSourceRoutes(out: Printout, start: number, length: number): number {
  let at = start;
  let left = length;
  for (;;) {
    const family = out.u16(at);
    const offset = out.u8(at + 2);
    const size = out.u8(at + 3);
    at += 4;
    left -= 4;
    if (size === 0) return at;
    if (family === 0x0800) {
      out.put(', (rtaf=ip');
      for (let i = 0; i < size; i += 4) {
        out.put(` ${i === offset ? '*' : ''}${ip4Text(out, at + i)}`);
      }
      out.put(')');
    } else out.put(`, (rtaf=0x${family.toString(16)})`);
    if (left < size) out.truncate();
    at += size;
    left -= size;
  }
}

/** Enhanced GRE, as PPTP uses it. */
function printGre1(out: Printout, p: number, length: number): void {
  const flags = out.u16(p);
  const { verbose, linkHeader } = out.options;
  if (verbose > 0) out.put(`, Flags [${bitNames(GRE_FLAGS, 'none', flags, ', ')}]`);
  const protocol = out.u16(p + 2);
  let at = p + 4;
  if ((flags & 0x2000) !== 0) {
    const key = out.u32(at);
    out.put(`, call ${key & 0xffff}`);
    at += 4;
  }
  if ((flags & 0x1000) !== 0) {
    out.put(`, seq ${out.u32(at)}`);
    at += 4;
  }
  if ((flags & 0x0080) !== 0) out.put(`, ack ${out.u32(at)}`);
  if ((flags & 0x1000) === 0) {
    out.put(', no-payload');
    out.put(`, length ${length}`);
    return;
  }
  if (linkHeader) {
    out.put(`, proto ${ETHERTYPE_NAMES[protocol] ?? 'unknown'} (0x${hex4(protocol)})`);
  }
  out.put(`, length ${length}`);
  out.put(verbose > 0 ? '\n\t' : ': ');
  out.put(`gre-proto-0x${protocol.toString(16)}`);
}

export function printVxlan(out: Printout, p: number, length: number): void {
  out.protocol = 'vxlan';
  out.put('VXLAN');
  if (length < 8) {
    out.put(' (invalid)');
    return;
  }
  const flags = out.u8(p);
  out.put(`, flags [${(flags & 8) !== 0 ? 'I' : 'invalid'}] (0x${hex2(flags)}), `);
  out.put(`vni ${out.u24(p + 4)}\n`);
  out.need(p, 8);
  nested(out, () => printEther(out, p + 8, length - 8, out.available(p + 8)));
}

/** OTV, which Linux's own port for VXLAN belongs to: the same header under other names. */
export function printOtv(out: Printout, p: number, length: number): void {
  out.protocol = 'otv';
  out.put('OTV, ');
  if (length < 8) {
    out.put(`[length ${length} < 8] (invalid)`);
    return;
  }
  const flags = out.u8(p);
  out.put(`flags [${(flags & 8) !== 0 ? 'I' : '.'}] (0x${hex2(flags)}), `);
  out.put(`overlay ${out.u24(p + 1)}, `);
  out.put(`instance ${out.u24(p + 4)}\n`);
  out.need(p, 8);
  nested(out, () => printEther(out, p + 8, length - 8, out.available(p + 8)));
}

export function printEsp(out: Printout, p: number, length: number): void {
  out.protocol = 'esp';
  if (!out.has(p, 8)) {
    out.putTruncated();
    return;
  }
  out.put(`ESP(spi=0x${hex8(out.u32(p))},seq=0x${out.u32(p + 4).toString(16)}), length ${length}`);
}

/** Returns the length of the header, for what follows it. */
export function printAh(out: Printout, p: number): number {
  out.protocol = 'ah';
  out.put('AH');
  const size = out.u8(p + 1);
  out.put('(');
  if (out.options.verbose > 0) out.put(`length=${size}(${(size + 2) * 4}-bytes),`);
  const reserved = out.u16(p + 2);
  if (reserved !== 0) out.put(`reserved=0x${hex4(reserved)}[MustBeZero],`);
  out.put(`spi=0x${hex8(out.u32(p + 4))},`);
  out.put(`seq=0x${out.u32(p + 8).toString(16)},`);
  out.put('icv=0x');
  const icv = (size - 1) * 4;
  for (let i = 0; i < icv; i++) out.put(hex2(out.u8(p + 12 + i)));
  out.put('): ');
  return (size + 2) * 4;
}
