/**
 * Routing headers: types 0 and 2 (RFC 2460, RFC 6275) and 4, segment routing (RFC 8754),
 * whose TLVs are not printed.
 */
import { ip6Text } from './names.js';
import type { Printout } from './printout.js';

const HLEN = 40;

/** The header's length, or -1 where it cannot be skipped. */
export function putRoutingHeader(out: Printout, p: number): number {
  out.protocol = 'rt6';
  out.put('RT6');
  const length = out.u8(p + 1);
  out.put(` (len=${length}`);
  const type = out.u8(p + 2);
  out.put(`, type=${type}${type === 0 ? ' [Deprecated]' : ''}`);
  out.put(`, segleft=${out.u8(p + 3)}`);
  if (type === 0 || type === 2) {
    const reserved = out.u32(p + 4);
    if (reserved !== 0 || out.options.verbose > 0) out.put(`, rsv=0x${reserved.toString(16)}`);
  } else if (type === 4) {
    out.put(`, last-entry=${out.u8(p + 4)}`);
    const flags = out.u8(p + 5);
    if (flags !== 0 || out.options.verbose > 0) out.put(`, flags=0x${flags.toString(16)}`);
    out.put(`, tag=${out.u16(p + 6).toString(16)}`);
  } else {
    out.put(' (unknown type)');
    return invalid(out);
  }
  if (length % 2 === 1) {
    out.put(` (invalid length ${length})`);
    return invalid(out);
  }
  for (let i = 0; i < length / 2; i++) out.put(`, [${i}]${ip6Text(out, p + 8 + 16 * i)}`);
  out.put(') ');
  return (length + 1) * 8;
}

function invalid(out: Printout): number {
  out.putInvalid();
  return -1;
}

/**
 * Offset of the address that a packet with a routing header ends at; else that of its destination.
 * Gives up at whatever cannot be read.
 */
export function finalDestination6(out: Printout, header: number): number {
  const destination = header + 24;
  let next = out.u8(header + 6);
  let p = header + HLEN;
  for (;;) {
    if (!out.has(p, 8)) return destination;
    const length = out.u8(p + 1);
    switch (next) {
      case 0:
      case 60:
        next = out.u8(p);
        p += (length + 1) * 8;
        break;
      case 44:
        next = out.u8(p);
        p += 8;
        break;
      case 43: {
        const type = out.u8(p + 2);
        const segments = type === 4 ? out.u8(p + 4) + 1 : length >> 1;
        // Segment lists are stored backwards: the first is where the packet ends.
        const last = type === 4 ? p + 8 : p + 8 + 16 * (segments - 1);
        if (![0, 2, 4].includes(type) || segments < 1 || !out.has(last, 16)) return destination;
        return last;
      }
      default:
        return destination;
    }
  }
}
