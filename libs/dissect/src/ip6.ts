/**
 * IPv6 and its chain of extension headers.
 *
 * ethertypePrint, bare IP links, tunnels → this → ip6-options, ipDemux. Source: RFC 8200.
 */
import { ipDemux } from './ip-demux.js';
import { putDestinationOptions, putHopByHop } from './ip6-options.js';
import type { JumboLength } from './ip6-options.js';
import { putRoutingHeader } from './ip6-route.js';
import { hex2, hex8, IP_PROTOCOL_NAMES, ip6Text } from './names.js';
import { MAX_NESTING } from './printout.js';
import type { Printout } from './printout.js';

const HLEN = 40;

export function printIp6(out: Printout, p: number, length: number): void {
  out.protocol = 'ip6';
  if (!out.has(p, HLEN)) {
    out.putTruncated();
    return;
  }
  if (length < HLEN) {
    out.put(`truncated-ip6 ${length}`);
    return;
  }
  if (!out.options.linkHeader) out.put('IP6 ');
  const version = out.u8(p) >> 4;
  if (version !== 6) {
    out.put(`version error: ${version} != 6`);
    return;
  }
  const payload = out.u16(p + 4);
  // Zero is what a jumbogram says, and a large segment before its segmentation.
  const total = payload === 0 ? length : payload + HLEN;
  if (length < total) out.put(`truncated-ip6 - ${total - length} bytes missing!`);
  if (out.options.verbose > 0) putDetails(out, p, payload);
  const saved = payload === 0 ? out.snapEnd : out.limitEnd(p + total);
  out.nesting++;
  if (out.nesting > MAX_NESTING) out.truncate();
  printChain(out, p, payload === 0 ? HLEN : total, length);
  out.nesting--;
  out.restoreEnd(saved);
}

function putDetails(out: Printout, p: number, payload: number): void {
  const word = out.u32(p);
  const trafficClass = (word >>> 20) & 0xff;
  const flow = word & 0xfffff;
  const next = out.u8(p + 6);
  out.put('(');
  if (trafficClass !== 0) out.put(`class 0x${hex2(trafficClass)}, `);
  if (flow !== 0) out.put(`flowlabel 0x${hex8(flow).slice(3)}, `);
  out.put(
    `hlim ${out.u8(p + 7)}, next-header ${IP_PROTOCOL_NAMES[next] ?? 'unknown'} (${next}) ` +
      `payload length: ${payload}) `,
  );
}

/** `total`: header and payload as the header says; `length`: what there is. */
function printChain(out: Printout, header: number, total: number, length: number): void {
  const jumbo: JumboLength = { payload: out.u16(header + 4), found: false, length: undefined };
  let at = header;
  let left = total;
  let advance = HLEN;
  let next = out.u8(header + 6);
  let fragmented = false;
  let hopByHop = false;
  while (at < out.snapEnd && advance > 0) {
    if (left < advance) out.truncate();
    at += advance;
    left -= advance;
    const first = at === header + HLEN;
    if (first && next !== 6 && next !== 17 && next !== 33 && next !== 132) {
      out.put(`${ip6Text(out, header + 8)} > ${ip6Text(out, header + 24)}: `);
    }
    switch (next) {
      case 0: {
        const wrong = hopByHop
          ? '[The Hop-by-Hop Options header was already found]'
          : first
            ? undefined
            : "[The Hop-by-Hop Options header don't follow the IPv6 header]";
        if (wrong !== undefined) {
          out.put(wrong);
          out.putInvalid();
          return;
        }
        hopByHop = true;
        advance = putHopByHop(out, at, jumbo);
        if (advance < 0) return;
        if (jumbo.payload === 0) {
          if (jumbo.length === undefined) {
            out.put('[No valid Jumbo Payload Hop-by-Hop option found]');
            out.putInvalid();
            return;
          }
          left = jumbo.length;
          const missing = jumbo.length + HLEN - length;
          if (missing > 0) out.put(`truncated-ip6 - ${missing} bytes missing!`);
          left = Math.min(left, length - HLEN);
        }
        break;
      }
      case 60:
        advance = putDestinationOptions(out, at, jumbo);
        break;
      case 44:
        advance = putFragment(out, at, header);
        fragmented = true;
        if (advance > 0 && out.snapEnd <= at + advance) return;
        break;
      case 43:
        out.need(at, 1);
        advance = putRoutingHeader(out, at);
        break;
      default:
        out.limitEnd(at + left);
        ipDemux(out, at, {
          length: left,
          version: 6,
          fragmented,
          protocol: next,
          header,
          hopLimit: out.u8(header + 7),
        });
        return;
    }
    if (advance < 0) return;
    next = out.u8(at);
    out.protocol = 'ip6';
  }
}

/** The length of the fragment header, or -1 where what follows is not the start of a payload. */
function putFragment(out: Printout, p: number, header: number): number {
  out.protocol = 'frag6';
  const word = out.u16(p + 2);
  const offset = word & 0xfff8;
  const size = HLEN + out.u16(header + 4) - (p - header) - 8;
  // tcpdump computes this in a 64-bit unsigned number.
  const shown = size < 0 ? (2n ** 64n + BigInt(size)).toString() : String(size);
  const ident = out.options.verbose > 0 ? `0x${hex8(out.u32(p + 4))}:` : '';
  out.put(`frag (${ident}${offset}|${shown})`);
  if (offset !== 0) return -1;
  out.put(' ');
  return 8;
}
