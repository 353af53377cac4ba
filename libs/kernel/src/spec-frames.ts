/**
 * For specs: frames as bytes, right by default and wrong where asked.
 */
import { parseIpv4, parseMac } from '@netloom/base';

/** An address from its text; specs write no wrong ones. */
export function ip4(text: string): number {
  const address = parseIpv4(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}

export function mac(text: string): Uint8Array {
  const address = parseMac(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The Internet checksum of bytes. */
export function checksum(bytes: Uint8Array, init = 0): number {
  let sum = init;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export const ETHER_BROADCAST = 'ff:ff:ff:ff:ff:ff';

export function eth(dst: string, src: string, proto: number, payload: Uint8Array): Uint8Array {
  const frame = concat(mac(dst), mac(src), new Uint8Array(2), payload);
  new DataView(frame.buffer).setUint16(12, proto);
  return frame;
}

export interface Ipv4Fields {
  readonly ttl?: number;
  readonly tos?: number;
  readonly id?: number;
  /** Flags and offset in units of 8 bytes. */
  readonly frag?: number;
  readonly options?: Uint8Array;
  readonly version?: number;
  readonly ihl?: number;
  readonly totLen?: number;
  readonly check?: number;
}

export function ipv4(
  src: string,
  dst: string,
  protocol: number,
  payload: Uint8Array,
  f: Ipv4Fields = {},
): Uint8Array {
  const options = f.options ?? new Uint8Array(0);
  const header = new Uint8Array(20 + options.length);
  const dv = new DataView(header.buffer);
  const ihl = f.ihl ?? header.length / 4;
  dv.setUint8(0, ((f.version ?? 4) << 4) | ihl);
  dv.setUint8(1, f.tos ?? 0);
  dv.setUint16(2, f.totLen ?? header.length + payload.length);
  dv.setUint16(4, f.id ?? 1);
  dv.setUint16(6, f.frag ?? 0);
  dv.setUint8(8, f.ttl ?? 64);
  dv.setUint8(9, protocol);
  dv.setUint32(12, ip4(src));
  dv.setUint32(16, ip4(dst));
  header.set(options, 20);
  dv.setUint16(10, f.check ?? checksum(header.subarray(0, Math.max(20, ihl * 4))));
  return concat(header, payload);
}

function pseudo(src: string, dst: string, protocol: number, length: number): number {
  const s = ip4(src);
  const d = ip4(dst);
  return (s >>> 16) + (s & 0xffff) + (d >>> 16) + (d & 0xffff) + protocol + length;
}

export function udp(
  src: string,
  dst: string,
  sport: number,
  dport: number,
  data: Uint8Array,
  f: { readonly check?: number; readonly length?: number } = {},
): Uint8Array {
  const out = concat(new Uint8Array(8), data);
  const dv = new DataView(out.buffer);
  dv.setUint16(0, sport);
  dv.setUint16(2, dport);
  dv.setUint16(4, f.length ?? out.length);
  const sum = checksum(out, pseudo(src, dst, 17, out.length));
  dv.setUint16(6, f.check ?? (sum === 0 ? 0xffff : sum));
  return out;
}

export function tcp(
  src: string,
  dst: string,
  sport: number,
  dport: number,
  f: {
    readonly seq?: number;
    readonly ack?: number;
    readonly flags?: number;
    readonly data?: Uint8Array;
    readonly check?: number;
    readonly doff?: number;
    readonly window?: number;
  } = {},
): Uint8Array {
  const out = concat(new Uint8Array(20), f.data ?? new Uint8Array(0));
  const dv = new DataView(out.buffer);
  dv.setUint16(0, sport);
  dv.setUint16(2, dport);
  dv.setUint32(4, f.seq ?? 1);
  dv.setUint32(8, f.ack ?? 0);
  dv.setUint8(12, (f.doff ?? 5) << 4);
  dv.setUint8(13, f.flags ?? 2);
  dv.setUint16(14, f.window ?? 1024);
  dv.setUint16(16, f.check ?? checksum(out, pseudo(src, dst, 6, out.length)));
  return out;
}

export function icmp(
  type: number,
  code = 0,
  rest = 0,
  data: Uint8Array = new Uint8Array(0),
  check?: number,
): Uint8Array {
  const out = concat(new Uint8Array(8), data);
  const dv = new DataView(out.buffer);
  dv.setUint8(0, type);
  dv.setUint8(1, code);
  dv.setUint32(4, rest);
  dv.setUint16(2, check ?? checksum(out));
  return out;
}

export function arp(op: number, sha: string, sip: string, tha: string, tip: string): Uint8Array {
  const out = new Uint8Array(28);
  const dv = new DataView(out.buffer);
  dv.setUint32(0, 0x00010800);
  dv.setUint16(4, 0x0604);
  dv.setUint16(6, op);
  out.set(mac(sha), 8);
  dv.setUint32(14, ip4(sip));
  out.set(mac(tha), 18);
  dv.setUint32(24, ip4(tip));
  return out;
}

/** `count` bytes of one value. */
export function fill(count: number, value = 0x78): Uint8Array {
  return new Uint8Array(count).fill(value);
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
