/**
 * Packets as bytes: built for the host under test, and read from what it sends. Sources: RFC 791, 8200, 9293, 768, 792,
 * 4443. Nothing is shared with the stack under test, whose checksums are checked here.
 */
import type { Address } from './address.js';

export const PROTO_ICMP = 1;
export const PROTO_TCP = 6;
export const PROTO_UDP = 17;
export const PROTO_ICMPV6 = 58;

export const FLAG_FIN = 1;
export const FLAG_SYN = 2;
export const FLAG_RST = 4;
export const FLAG_PSH = 8;
export const FLAG_ACK = 16;

/** Bytes after a fixed IPv6 or IPv4 header in front of the payload. */
const TCP_HEADER = 20;

export interface IpFields {
  readonly src: Address;
  readonly dst: Address;
  readonly tos: number;
  readonly ttl: number;
  readonly flowLabel: number;
}

export interface TcpFields {
  readonly sport: number;
  readonly dport: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  readonly options: Uint8Array;
}

export interface LivePacket extends IpFields {
  /** When the host sent it, virtual nanoseconds. */
  readonly timeNs: number;
  readonly protocol: number;
  readonly tcp: TcpFields | undefined;
  /** Ports of UDP. */
  readonly udp: { readonly sport: number; readonly dport: number } | undefined;
  /** Type and code of ICMP. */
  readonly icmp: { readonly type: number; readonly code: number } | undefined;
  /** Bytes behind the transport header. */
  readonly payloadLength: number;
  /** Which checksum or length is wrong. */
  readonly fault: string | undefined;
}

/** One's complement sum of 16-bit words, not inverted. */
function sum16(bytes: Uint8Array, initial = 0): number {
  let sum = initial;
  for (let i = 0; i + 1 < bytes.length; i += 2)
    sum += ((bytes[i] as number) << 8) | (bytes[i + 1] as number);
  if (bytes.length % 2 === 1) sum += (bytes.at(-1) as number) << 8;
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

function pseudoSum(src: Address, dst: Address, protocol: number, length: number): number {
  return sum16(src) + sum16(dst) + protocol + (length & 0xffff) + (length >>> 16);
}

/** An IP packet around a transport's bytes, whose checksum lies at `checksumAt`. */
export function buildIp(
  ip: IpFields,
  protocol: number,
  transport: Uint8Array,
  checksumAt: number,
): Uint8Array {
  const view = new DataView(transport.buffer, transport.byteOffset, transport.length);
  view.setUint16(checksumAt, 0);
  const pseudo =
    protocol === PROTO_ICMP ? 0 : pseudoSum(ip.src, ip.dst, protocol, transport.length);
  const sum = ~sum16(transport, pseudo) & 0xffff;
  view.setUint16(checksumAt, sum === 0 && protocol === PROTO_UDP ? 0xffff : sum);
  const v4 = ip.src.length === 4;
  const header = v4 ? 20 : 40;
  const out = new Uint8Array(header + transport.length);
  const o = new DataView(out.buffer);
  if (v4) {
    o.setUint16(0, 0x4500 | ip.tos);
    o.setUint16(2, out.length);
    o.setUint16(6, 0x4000); // don't fragment
    o.setUint16(8, (ip.ttl << 8) | protocol);
    out.set(ip.src, 12);
    out.set(ip.dst, 16);
    o.setUint16(10, ~sum16(out.subarray(0, 20)) & 0xffff);
  } else {
    o.setUint32(0, 0x60000000 + ip.tos * 0x100000 + ip.flowLabel);
    o.setUint16(4, transport.length);
    o.setUint16(6, (protocol << 8) | ip.ttl);
    out.set(ip.src, 8);
    out.set(ip.dst, 24);
  }
  out.set(transport, header);
  return out;
}

export function buildTcp(ip: IpFields, tcp: TcpFields, payloadLength: number): Uint8Array {
  const header = TCP_HEADER + tcp.options.length;
  const bytes = new Uint8Array(header + payloadLength);
  writeTcpHeader(new DataView(bytes.buffer), 0, tcp, header);
  bytes.set(tcp.options, TCP_HEADER);
  return buildIp(ip, PROTO_TCP, bytes, 16);
}

function writeTcpHeader(o: DataView, at: number, tcp: TcpFields, header: number): void {
  o.setUint16(at, tcp.sport);
  o.setUint16(at + 2, tcp.dport);
  o.setUint32(at + 4, tcp.seq >>> 0);
  o.setUint32(at + 8, tcp.ack >>> 0);
  o.setUint16(at + 12, (header << 10) | tcp.flags);
  o.setUint16(at + 14, tcp.window);
  o.setUint16(at + 18, tcp.urgent);
}

export function buildUdp(ip: IpFields, sport: number, dport: number, length: number): Uint8Array {
  const bytes = new Uint8Array(8 + length);
  const o = new DataView(bytes.buffer);
  o.setUint16(0, sport);
  o.setUint16(2, dport);
  o.setUint16(4, bytes.length);
  return buildIp(ip, PROTO_UDP, bytes, 6);
}

export function buildIcmp(
  ip: IpFields,
  type: number,
  code: number,
  rest: number,
  body: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(8 + body.length);
  const o = new DataView(bytes.buffer);
  o.setUint16(0, (type << 8) | code);
  o.setUint32(4, rest >>> 0);
  bytes.set(body, 8);
  return buildIp(ip, ip.src.length === 4 ? PROTO_ICMP : PROTO_ICMPV6, bytes, 2);
}

/** Reads an IP packet; undefined where it is none. */
export function readPacket(bytes: Uint8Array, timeNs: number): LivePacket | undefined {
  const o = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4 && bytes.length >= 20) {
    const header = ((bytes[0] as number) & 15) * 4;
    const ip = {
      src: bytes.slice(12, 16),
      dst: bytes.slice(16, 20),
      tos: bytes[1] as number,
      ttl: bytes[8] as number,
      flowLabel: 0,
    };
    const fault =
      sum16(bytes.subarray(0, header)) !== 0xffff
        ? 'bad IP checksum'
        : o.getUint16(2) !== bytes.length
          ? 'bad IP total length'
          : undefined;
    return readTransport(ip, bytes[9] as number, bytes.subarray(header), timeNs, fault);
  }
  if (version === 6 && bytes.length >= 40) {
    const word = o.getUint32(0);
    const ip = {
      src: bytes.slice(8, 24),
      dst: bytes.slice(24, 40),
      tos: (word >>> 20) & 255,
      ttl: bytes[7] as number,
      flowLabel: word & 0xfffff,
    };
    const fault = o.getUint16(4) !== bytes.length - 40 ? 'bad IPv6 payload length' : undefined;
    return readTransport(ip, bytes[6] as number, bytes.subarray(40), timeNs, fault);
  }
  return undefined;
}

function readTransport(
  ip: IpFields,
  protocol: number,
  bytes: Uint8Array,
  timeNs: number,
  ipFault: string | undefined,
): LivePacket {
  const o = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const base = {
    ...ip,
    timeNs,
    protocol,
    tcp: undefined,
    udp: undefined,
    icmp: undefined,
    payloadLength: bytes.length,
    fault: ipFault,
  };
  const pseudo = protocol === PROTO_ICMP ? 0 : pseudoSum(ip.src, ip.dst, protocol, bytes.length);
  const fault = ipFault ?? (sum16(bytes, pseudo) !== 0xffff ? 'bad checksum' : undefined);
  if (protocol === PROTO_TCP && bytes.length >= TCP_HEADER) {
    const header = ((bytes[12] as number) >> 4) * 4;
    const tcp = {
      sport: o.getUint16(0),
      dport: o.getUint16(2),
      seq: o.getUint32(4),
      ack: o.getUint32(8),
      flags: o.getUint16(12) & 0x1ff,
      window: o.getUint16(14),
      urgent: o.getUint16(18),
      options: bytes.slice(TCP_HEADER, header),
    };
    return { ...base, tcp, payloadLength: bytes.length - header, fault };
  }
  if (protocol === PROTO_UDP && bytes.length >= 8) {
    const udp = { sport: o.getUint16(0), dport: o.getUint16(2) };
    return { ...base, udp, payloadLength: bytes.length - 8, fault };
  }
  if ((protocol === PROTO_ICMP || protocol === PROTO_ICMPV6) && bytes.length >= 8) {
    const icmp = { type: bytes[0] as number, code: bytes[1] as number };
    return { ...base, icmp, payloadLength: bytes.length - 8, fault };
  }
  return base;
}
