/**
 * TCP.
 *
 * ipDemux → this → tcp-options, tcp-ports. Source: RFC 9293, RFC 3168, RFC 8311 (AE).
 * Sequence numbers are relative to the first ones seen, except in a connection's first segment.
 */
import { shouldBe } from './checksum.js';
import type { IpContext } from './ip-demux.js';
import { bitNames, hex4 } from './names.js';
import { addressesText, endsText } from './ports.js';
import type { Printout } from './printout.js';
import { transportChecksum } from './pseudo-header.js';
import { putTcpOptions } from './tcp-options.js';
import { printTcpPayload } from './tcp-ports.js';

const HLEN = 20;
const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;
const URG = 32;
const FLAGS = [
  [FIN, 'F'],
  [SYN, 'S'],
  [RST, 'R'],
  [8, 'P'],
  [ACK, '.'],
  [URG, 'U'],
  [64, 'E'],
  [128, 'W'],
] as const;

/** How to turn numbers of the wire into those printed. */
export interface TcpOrigin {
  readonly seq: number;
  readonly ack: number;
  /** Subtracted from the edges of SACK blocks. */
  readonly sack: number;
}

const ABSOLUTE: TcpOrigin = { seq: 0, ack: 0, sack: 0 };

export function printTcp(out: Printout, p: number, ip: IpContext): void {
  out.protocol = 'tcp';
  if (!out.has(p, 4)) {
    out.put(addressesText(out, ip));
    out.putTruncated();
    return;
  }
  const source = out.u16(p);
  const dest = out.u16(p + 2);
  out.put(endsText(out, ip, 'tcp', source, dest));
  if (!out.has(p, HLEN)) {
    out.putTruncated();
    return;
  }
  const headerLength = (out.u8(p + 12) >> 4) * 4;
  const { length } = ip;
  if (headerLength < HLEN) {
    out.put(
      ` tcp ${(length - headerLength) >>> 0} [bad hdr length ${headerLength} - too short, < ${HLEN}]`,
    );
    return;
  }
  if (out.options.quiet > 0) {
    out.put(`tcp ${(length - headerLength) >>> 0}`);
    if (headerLength > length) {
      out.put(` [bad hdr length ${headerLength} - too long, > ${length}]`);
    }
    return;
  }
  printSegment(out, p, ip, headerLength, source, dest);
}

function printSegment(
  out: Printout,
  p: number,
  ip: IpContext,
  headerLength: number,
  source: number,
  dest: number,
): void {
  const { verbose, noChecksums } = out.options;
  const flags = out.u8(p + 13);
  out.put(`Flags [${bitNames(FLAGS, 'none', flags, '')}]`);
  const origin = originOf(out, p, ip, flags, source, dest);
  if (headerLength > ip.length) {
    out.put(` [bad hdr length ${headerLength} - too long, > ${ip.length}]`);
    return;
  }
  if (verbose > 0 && !noChecksums && !ip.fragmented && out.has(p, ip.length)) {
    const field = out.u16(p + 16);
    const sum = transportChecksum(out, ip, p, ip.length, ip.length, 6);
    out.put(`, cksum 0x${hex4(field)} `);
    out.put(sum === 0 ? '(correct)' : `(incorrect -> 0x${hex4(shouldBe(field, sum))})`);
  }
  const length = ip.length - headerLength;
  if (verbose > 1 || length > 0 || (flags & (SYN | FIN | RST)) !== 0) {
    const seq = (out.u32(p + 4) - origin.seq) >>> 0;
    out.put(`, seq ${seq}`);
    if (length > 0) out.put(`:${(seq + length) >>> 0}`);
  }
  if ((flags & ACK) !== 0) out.put(`, ack ${(out.u32(p + 8) - origin.ack) >>> 0}`);
  out.put(`, win ${out.u16(p + 14)}`);
  if ((flags & URG) !== 0) out.put(`, urg ${out.u16(p + 18)}`);
  if (
    headerLength > HLEN &&
    !putTcpOptions(out, p, headerLength, flags, origin.sack, out.has(p, ip.length))
  )
    return;
  out.put(`, length ${length}`);
  if (length > 0) printTcpPayload(out, p + headerLength, length, flags, source, dest);
}

/** Finds the connection, or begins one with this segment. */
function originOf(
  out: Printout,
  p: number,
  ip: IpContext,
  flags: number,
  source: number,
  dest: number,
): TcpOrigin {
  if (out.options.absoluteSeq || (flags & ACK) === 0) return ABSOLUTE;
  const size = ip.version === 4 ? 4 : 16;
  const from = ip.header + (ip.version === 4 ? 12 : 8);
  const to = from + size;
  const reverse = source > dest || (source === dest && compareBytes(out.mem, from, to, size) > 0);
  const low = reverse ? to : from;
  const high = reverse ? from : to;
  let key = `${Math.min(source, dest)},${Math.max(source, dest)},${ip.version}`;
  for (let i = 0; i < size; i++) key += `.${out.mem[low + i] ?? 0},${out.mem[high + i] ?? 0}`;

  const seq = out.u32(p + 4);
  const ack = out.u32(p + 8);
  const known = out.conversations.find(key);
  if (known === undefined || (flags & SYN) !== 0) {
    const entry = reverse
      ? out.conversations.remember(key, (ack - 1) >>> 0, seq)
      : out.conversations.remember(key, seq, (ack - 1) >>> 0);
    return { seq: 0, ack: 0, sack: reverse ? entry.seq : entry.ack };
  }
  return reverse
    ? { seq: known.ack, ack: known.seq, sack: known.seq }
    : { seq: known.seq, ack: known.ack, sack: known.ack };
}

function compareBytes(mem: Uint8Array, a: number, b: number, size: number): number {
  for (let i = 0; i < size; i++) {
    const difference = (mem[a + i] ?? 0) - (mem[b + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
