/**
 * IPv4.
 *
 * ethertypePrint, bare IP links, tunnels, ICMP quotations → this → ip-options, ipDemux.
 * Source: RFC 791, RFC 3168 (ECN). tcpdump's one-line form, and the two-line form of -v.
 */
import { addBytes, finish, shouldBe } from './checksum.js';
import { ipDemux } from './ip-demux.js';
import { putIpOptions } from './ip-options.js';
import { bitNames, IP_PROTOCOL_NAMES, ip4Text } from './names.js';
import { MAX_NESTING } from './printout.js';
import type { Printout } from './printout.js';
import { protocolText } from './protocol-names.js';

const MIN_HLEN = 20;
const MF = 0x2000;
const OFFSET_MASK = 0x1fff;
const FLAGS = [
  [0x2000, '+'],
  [0x4000, 'DF'],
  [0x8000, 'rsvd'],
] as const;
const ECN = ['', ',ECT(1)', ',ECT(0)', ',CE'];

export function printIp(out: Printout, p: number, length: number): void {
  out.protocol = 'ip';
  const version = out.u8(p) >> 4;
  if (version !== 4) {
    out.put(version === 6 ? 'IP6, wrong link-layer encapsulation' : `IP${version}`);
    out.putInvalid();
    return;
  }
  if (!out.options.linkHeader) out.put('IP ');
  if (!out.has(p, MIN_HLEN)) {
    out.putTruncated();
    return;
  }
  if (length < MIN_HLEN) {
    out.put(`truncated-ip ${length}`);
    return;
  }
  const headerLength = (out.u8(p) & 15) * 4;
  if (headerLength < MIN_HLEN) {
    out.put(`bad-hlen ${headerLength}`);
    return;
  }
  const total = out.u16(p + 2);
  if (length < total) out.put(`truncated-ip - ${total - length} bytes missing! `);
  if (total < headerLength) {
    out.put(`bad-len ${total}`);
    return;
  }
  const savedEnd = out.limitEnd(p + total);
  out.nesting++;
  if (out.nesting > MAX_NESTING) out.truncate();
  if (out.options.verbose === 0 || putDetails(out, p, headerLength)) {
    printPayload(out, p, headerLength, total - headerLength);
  }
  out.nesting--;
  out.restoreEnd(savedEnd);
}

/** The parenthesis of -v; false where the options are cut off and the packet's text ends. */
function putDetails(out: Printout, p: number, headerLength: number): boolean {
  const tos = out.u8(p + 1);
  const off = out.u16(p + 6);
  const ttl = out.u8(p + 8);
  const protocol = out.u8(p + 9);
  out.put(`(tos 0x${tos.toString(16)}${ECN[tos & 3] ?? ''}`);
  if (ttl >= 1) out.put(`, ttl ${ttl}`);
  out.put(
    `, id ${out.u16(p + 4)}, offset ${(off & OFFSET_MASK) * 8}, ` +
      `flags [${bitNames(FLAGS, 'none', off, ', ')}], ` +
      `proto ${IP_PROTOCOL_NAMES[protocol] ?? 'unknown'} (${protocol}), length ${out.u16(p + 2)}`,
  );
  let whole = true;
  if (headerLength > MIN_HLEN) {
    out.put(', options (');
    whole = putIpOptions(out, p + MIN_HLEN, headerLength - MIN_HLEN);
    if (!whole) out.put(' [truncated-option]');
    out.put(')');
  }
  if (!out.options.noChecksums && out.has(p, headerLength)) {
    const sum = finish(addBytes(out, p, headerLength));
    if (sum !== 0) {
      const field = out.u16(p + 10);
      out.put(`, bad cksum ${field.toString(16)} (->${shouldBe(field, sum).toString(16)})!`);
    }
  }
  out.put(')\n    ');
  if (!whole) {
    out.put(`${ip4Text(out, p + 12)} > ${ip4Text(out, p + 16)}: `);
    out.putTruncated();
  }
  return whole;
}

function printPayload(out: Printout, p: number, headerLength: number, length: number): void {
  const off = out.u16(p + 6);
  const protocol = out.u8(p + 9);
  const ends = `${ip4Text(out, p + 12)} > ${ip4Text(out, p + 16)}:`;
  if ((off & OFFSET_MASK) !== 0) {
    if (out.options.quiet > 1) return;
    out.put(ends);
    out.put(` ${protocolText(protocol, out.options.numeric)}`);
    return;
  }
  // Those of the transports that have ports print the addresses together with them.
  if (protocol !== 6 && protocol !== 17 && protocol !== 132 && protocol !== 33) out.put(`${ends} `);
  if (!out.has(p, headerLength)) {
    out.put(` [remaining caplen(${out.available(p)}) < header length(${headerLength})]`);
    out.truncate();
  }
  ipDemux(out, p + headerLength, {
    length,
    version: 4,
    fragmented: (off & MF) !== 0,
    protocol,
    header: p,
    hopLimit: out.u8(p + 8),
  });
}
