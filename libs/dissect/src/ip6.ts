/**
 * IPv6.
 */
import { ipDemux } from './ip-demux.js';
import { hex8, IP_PROTOCOL_NAMES, ip6Text } from './names.js';
import type { Printout } from './printout.js';

const HLEN = 40;

export function printIp6(out: Printout, p: number, length: number): void {
  out.protocol = 'ip6';
  if (!out.options.linkHeader) out.put('IP6 ');
  if (length < HLEN) {
    out.put(`truncated-ip6 ${length}`);
    return;
  }
  out.need(p, HLEN);
  const payload = out.u16(p + 4);
  if (length < payload + HLEN) {
    out.put(`truncated-ip6 - ${payload + HLEN - length} bytes missing!`);
  }
  const next = out.u8(p + 6);
  if (out.options.verbose > 0) {
    const flow = out.u32(p);
    out.put('(');
    if (((flow >>> 20) & 0xff) !== 0)
      out.put(`class 0x${((flow >>> 20) & 0xff).toString(16).padStart(2, '0')}, `);
    if ((flow & 0xfffff) !== 0) out.put(`flowlabel 0x${hex8(flow & 0xfffff).slice(3)}, `);
    out.put(
      `hlim ${out.u8(p + 7)}, next-header ${IP_PROTOCOL_NAMES[next] ?? 'unknown'} (${next}), payload length: ${payload}) `,
    );
  }
  const saved = out.limitEnd(p + HLEN + payload);
  if (next !== 6 && next !== 17) out.put(`${ip6Text(out, p + 8)} > ${ip6Text(out, p + 24)}: `);
  ipDemux(out, p + HLEN, {
    length: payload,
    version: 6,
    fragmented: false,
    protocol: next,
    header: p,
    hopLimit: out.u8(p + 7),
  });
  out.restoreEnd(saved);
}
