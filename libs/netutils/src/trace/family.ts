/**
 * What tracing a path differs in over IPv4 and IPv6: sockets, options, messages, and how errors are marked.
 */
import { formatIpv4, formatIpv6 } from '@netloom/base';
import {
  AF_INET,
  AF_INET6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  type IpAddr,
  type SockAddr,
  type SockExtendedErr,
  type SockOpt,
  type SockOptValue,
  type Sys,
} from '@netloom/sys';
import { addressBytes } from '../args.js';
import { inetChecksum } from '../inet-checksum.js';

export interface TraceFamily {
  readonly family: number;
  readonly icmp: number;
  /** Bytes of the IP header, and of the packets that traceroute sends by default. */
  readonly headerBytes: number;
  readonly packetBytes: number;
  readonly echo: number;
  readonly echoReply: number;
  /** SO_EE_ORIGIN of errors from the way. */
  readonly origin: number;
  /** A raw socket hands out the IP header too. */
  readonly rawHeader: boolean;
  readonly hops: SockOpt;
  readonly recvErr: SockOpt;
  readonly recvHops: SockOpt;
  readonly mtuDiscover: SockOpt;
  readonly tos: SockOpt;
  /** Keeps all but echo replies from a raw socket. */
  readonly echoFilter: readonly [SockOpt, SockOptValue];
  /** Whether a router says that the packet went too far. */
  exceeded(error: SockExtendedErr): boolean;
  /** `!N`, `!H` …, nothing where the destination answered. */
  mark(error: SockExtendedErr): string;
}

const MARKS4: Readonly<Record<number, string>> = {
  0: '!N',
  6: '!N',
  8: '!N',
  11: '!N',
  1: '!H',
  7: '!H',
  12: '!H',
  9: '!X',
  10: '!X',
  13: '!X',
  3: '',
  2: '!P',
  5: '!S',
  14: '!V',
  15: '!C',
};

export const TRACE4: TraceFamily = {
  family: AF_INET,
  icmp: IPPROTO_ICMP,
  headerBytes: 20,
  packetBytes: 60,
  echo: 8,
  echoReply: 0,
  origin: 2,
  rawHeader: true,
  hops: 'IP_TTL',
  recvErr: 'IP_RECVERR',
  recvHops: 'IP_RECVTTL',
  mtuDiscover: 'IP_MTU_DISCOVER',
  tos: 'IP_TOS',
  echoFilter: ['ICMP_FILTER', ~1 >>> 0],
  exceeded: ({ type, code }) => type === 11 && code === 0,
  mark: ({ type, code, info }) => {
    if (type !== 3) return `!<${type}-${code}>`;
    return code === 4 ? `!F-${info}` : (MARKS4[code] ?? `!<${code}>`);
  },
};

const MARKS6: Readonly<Record<number, string>> = { 0: '!N', 1: '!X', 2: '!S', 3: '!H', 4: '' };

/** ICMP6_FILTER: all types kept out but one. */
function only(type: number): Uint8Array {
  const filter = new Uint8Array(32).fill(0xff);
  filter[type >> 3] = 0xff & ~(1 << (type & 7));
  return filter;
}

export const TRACE6: TraceFamily = {
  family: AF_INET6,
  icmp: IPPROTO_ICMPV6,
  headerBytes: 40,
  packetBytes: 80,
  echo: 128,
  echoReply: 129,
  origin: 3,
  rawHeader: false,
  hops: 'IPV6_UNICAST_HOPS',
  recvErr: 'IPV6_RECVERR',
  recvHops: 'IPV6_RECVHOPLIMIT',
  mtuDiscover: 'IPV6_MTU_DISCOVER',
  tos: 'IPV6_TCLASS',
  echoFilter: ['ICMP6_FILTER', only(129)],
  exceeded: ({ type, code }) => type === 3 && code === 0,
  mark: ({ type, code, info }) => {
    if (type === 2) return `!F-${info}`;
    return type === 1 ? (MARKS6[code] ?? `!<${code}>`) : `!<${type}-${code}>`;
  },
};

/** Where packets are traced to. */
export interface TraceTarget {
  readonly address: IpAddr;
  /** The ifindex of the zone of a link-local address, else 0. */
  readonly scopeId: number;
}

export function familyOf(address: IpAddr): TraceFamily {
  return typeof address === 'number' ? TRACE4 : TRACE6;
}

export function endpoint({ address, scopeId }: TraceTarget, port: number): SockAddr {
  return typeof address === 'number'
    ? { family: 'inet', addr: address, port }
    : { family: 'inet6', addr: address, port, scopeId };
}

/** An address as numbers, with the zone that it needs. */
export function hostText(sys: Sys, { address, scopeId }: TraceTarget): string {
  if (typeof address === 'number') return formatIpv4(address);
  const text = formatIpv6(address);
  if (scopeId === 0) return text;
  const link = sys.rtnl('RTM_GETLINK', {}).find((one) => one.ifindex === scopeId);
  return `${text}%${link?.ifname ?? scopeId}`;
}

/** The address of a socket address, undefined for other families. */
export function hostOf(address: SockAddr): TraceTarget | undefined {
  if (address.family === 'inet') return { address: address.addr, scopeId: 0 };
  if (address.family === 'inet6') return { address: address.addr, scopeId: address.scopeId };
  return undefined;
}

export function sameHost(a: TraceTarget | undefined, b: TraceTarget | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (typeof a.address === 'number' || typeof b.address === 'number')
    return a.address === b.address;
  const other = b.address;
  return a.address.every((byte, i) => byte === other[i]);
}

/** The checksum of a transport packet with its pseudo-header (RFC 768, RFC 8200 §8.1). */
export function transportChecksum(
  source: IpAddr,
  target: IpAddr,
  protocol: number,
  bytes: Uint8Array,
): number {
  const from = addressBytes(source);
  const to = addressBytes(target);
  const pseudo = new Uint8Array(from.length + to.length + 8 + bytes.length);
  const view = new DataView(pseudo.buffer);
  pseudo.set(from, 0);
  pseudo.set(to, from.length);
  view.setUint32(from.length * 2, bytes.length);
  view.setUint32(from.length * 2 + 4, protocol);
  pseudo.set(bytes, from.length * 2 + 8);
  return inetChecksum(pseudo);
}
