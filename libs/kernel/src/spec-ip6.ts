/**
 * For specs of IPv6: frames written by hand and read back.
 */
import { formatIpv6, parseIpv6 } from '@netloom/base';
import { mac } from './spec-frames.js';

const sum = (bytes: Uint8Array, start = 0): number => {
  let total = start;
  for (let i = 0; i < bytes.length; i += 2)
    total += ((bytes[i] ?? 0) << 8) | (i + 1 < bytes.length ? (bytes[i + 1] ?? 0) : 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
};

export function ip6(text: string): Uint8Array {
  const bytes = parseIpv6(text);
  if (bytes === undefined) throw new Error(`not an address: ${text}`);
  return bytes;
}

/** The checksum of a transport message whose own field is zero. */
export function checksum6(
  src: string | Uint8Array,
  dst: string | Uint8Array,
  next: number,
  message: Uint8Array,
): number {
  const bytes = (a: string | Uint8Array): Uint8Array => (typeof a === 'string' ? ip6(a) : a);
  return ~sum(message, sum(bytes(src), sum(bytes(dst), next + message.length))) & 0xffff;
}

export interface Ip6Frame {
  readonly to: string;
  readonly from: string;
  readonly src: string;
  readonly dst: string;
  readonly next: number;
  readonly hop?: number;
  readonly payload: Uint8Array;
}

/** An Ethernet frame with an IPv6 packet. */
export function ip6Frame(f: Ip6Frame): Uint8Array {
  const frame = new Uint8Array(54 + f.payload.length);
  const view = new DataView(frame.buffer);
  frame.set(mac(f.to), 0);
  frame.set(mac(f.from), 6);
  view.setUint16(12, 0x86dd);
  view.setUint32(14, 0x60000000);
  view.setUint16(18, f.payload.length);
  frame[20] = f.next;
  frame[21] = f.hop ?? 64;
  frame.set(ip6(f.src), 22);
  frame.set(ip6(f.dst), 38);
  frame.set(f.payload, 54);
  return frame;
}

/** An ICMPv6 message with its checksum. `body` follows the first four bytes. */
export function icmp6(
  src: string,
  dst: string,
  type: number,
  code: number,
  body: readonly number[] | Uint8Array,
): Uint8Array {
  const message = Uint8Array.from([type, code, 0, 0, ...body]);
  const check = checksum6(src, dst, 58, message);
  message[2] = check >>> 8;
  message[3] = check & 0xff;
  return message;
}

/** A frame as a line: source > destination, hop limit, next header; ICMPv6's type, code and target or argument. */
export function shown6(bytes: Uint8Array): string {
  if ((((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0)) !== 0x86dd) return 'not IPv6';
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let next = bytes[20] ?? 0;
  let at = 54;
  const extra: string[] = [];
  while (next === 0 || next === 44 || next === 60 || next === 43) {
    if (next === 44) {
      const field = view.getUint16(at + 2);
      extra.push(`frag ${field & 0xfff8}${(field & 1) !== 0 ? '+' : ''}`);
    } else {
      extra.push(next === 0 ? 'hbh' : `ext${next}`);
    }
    const length = next === 44 ? 8 : ((bytes[at + 1] ?? 0) + 1) * 8;
    next = bytes[at] ?? 0;
    at += length;
    if (/^frag [1-9]/.test(extra[extra.length - 1] ?? '')) break; // what follows is in the middle of something
  }
  const head = `${formatIpv6(bytes, 22)} > ${formatIpv6(bytes, 38)} hop ${bytes[21] ?? 0}`;
  const middle = extra.length > 0 ? ` ${extra.join(' ')}` : '';
  if (next !== 58 || extra.some((part) => /^frag [1-9]/.test(part)))
    return `${head}${middle} next ${next}`;
  const type = bytes[at] ?? 0;
  const code = bytes[at + 1] ?? 0;
  const detail =
    type === 135 || type === 136
      ? ` ${formatIpv6(bytes, at + 8)}`
      : type === 2
        ? ` mtu ${view.getUint32(at + 4)}`
        : type === 4
          ? ` at ${view.getUint32(at + 4)}`
          : type === 143
            ? ` ${Array.from({ length: view.getUint16(at + 6) }, (_, i) => `${bytes[at + 8 + 20 * i] ?? 0}:${formatIpv6(bytes, at + 12 + 20 * i)}`).join(' ')}`
            : '';
  return `${head}${middle} icmp6 ${type}/${code}${detail}`;
}
