/**
 * What `ping` does differently over IPv4 and IPv6: the request's type, how replies and errors are read, addresses as text.
 */
import { formatIpv4, formatIpv6 } from '@netloom/base';
import type { RecvResult, SockAddr, SockAddrIn6, Sys } from '@netloom/sys';
import { inetChecksum } from '../inet-checksum.js';
import { icmpText } from './icmp-text.js';
import { icmp6Text } from './icmp6-text.js';
import { OptionPrinter } from './ip-options.js';

const ICMP_ECHOREPLY = 0;
const ICMP_ECHO = 8;
const ICMPV6_ECHO_REQUEST = 128;
const ICMPV6_ECHO_REPLY = 129;

/** An echo reply: the ICMP message, its hop count, whether the checksum is wrong, text of IP options. */
export interface EchoReply {
  readonly kind: 'reply';
  readonly icmp: Uint8Array;
  readonly ttl: number | undefined;
  readonly bad: boolean;
  readonly options: string;
}

/** An ICMP error or redirect about one of our requests, read from the raw socket. */
export interface QuotedRequest {
  readonly kind: 'quoted';
  readonly type: number;
  readonly code: number;
  readonly seq: number;
  readonly gateway: SockAddr;
}

export interface PingProtocol {
  readonly target: SockAddr;
  readonly multicast: boolean;
  /** Type of the request. */
  readonly echo: number;
  /** An ICMP datagram socket: the kernel chooses the identifier and hears only its own. */
  readonly datagram?: boolean;
  /** Fills in the checksum, where the kernel does not. */
  seal(packet: Uint8Array): void;
  /** Reads a packet of the raw socket; undefined for what is none of our business. */
  read(message: RecvResult, ident: number): EchoReply | QuotedRequest | undefined;
  /** Whether an error on the queue is about the address that is pinged. */
  concerns(from: SockAddr): boolean;
  /** The words after `From … icmp_seq=…`. */
  errorText(type: number, code: number, info: number): string;
  /** A message too long for the way. */
  tooLong(mtu: number): string;
  addressText(address: SockAddr): string;
}

function word16(data: Uint8Array, at: number): number {
  return ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
}

export class Ping4 implements PingProtocol {
  readonly target: SockAddr;
  readonly multicast: boolean;
  readonly echo = ICMP_ECHO;
  private readonly printer = new OptionPrinter();

  constructor(
    private readonly address: number,
    broadcast: boolean,
    readonly datagram = false,
  ) {
    this.target = { family: 'inet', addr: address, port: 0 };
    this.multicast = address >>> 28 === 14 || broadcast;
  }

  seal(packet: Uint8Array): void {
    new DataView(packet.buffer).setUint16(2, inetChecksum(packet));
  }

  /** The IP header comes first. */
  read(message: RecvResult, ident: number): EchoReply | QuotedRequest | undefined {
    const { data } = message;
    if (this.datagram) {
      return {
        kind: 'reply',
        icmp: data,
        ttl: message.control.ttl,
        bad: false,
        options: this.printer.text(message.control.options ?? new Uint8Array(0)),
      };
    }
    const at = ((data[0] ?? 0) & 15) * 4;
    const length = data.length - at;
    if (length < 8) return undefined;
    const type = data[at] ?? 0;
    if (type === ICMP_ECHOREPLY) {
      if (word16(data, at + 4) !== ident) return undefined;
      return {
        kind: 'reply',
        icmp: data.subarray(at),
        ttl: data[8] ?? 0,
        bad: inetChecksum(data, at, length) !== 0,
        options: this.printer.text(data.subarray(20, at)),
      };
    }
    if (![3, 4, 5, 11, 12].includes(type)) return undefined;
    // an error that quotes one of our requests; its text comes from the error queue
    const inner = at + 8;
    const icmp = inner + ((data[inner] ?? 0) & 15) * 4;
    if (length < 8 + 20 + 8 || data[icmp] !== ICMP_ECHO) return undefined;
    const view = new DataView(data.buffer, data.byteOffset);
    if (view.getUint32(inner + 16) !== this.address || word16(data, icmp + 4) !== ident)
      return undefined;
    return {
      kind: 'quoted',
      type,
      code: data[at + 1] ?? 0,
      seq: view.getUint16(icmp + 6),
      gateway: { family: 'inet', addr: view.getUint32(at + 4), port: 0 },
    };
  }

  concerns(from: SockAddr): boolean {
    return from.family !== 'inet' || from.addr === this.address;
  }

  errorText(type: number, code: number, info: number): string {
    return icmpText(type, code, info);
  }

  tooLong(mtu: number): string {
    return `message too long, mtu=${mtu}`;
  }

  addressText(address: SockAddr): string {
    return address.family === 'inet' ? formatIpv4(address.addr) : '';
  }
}

/** An IPv6 address with the zone that it needs, as getnameinfo(3) writes it. */
export function scopedText(sys: Sys, address: SockAddrIn6): string {
  const text = formatIpv6(address.addr);
  if (address.scopeId === 0) return text;
  const link = sys.rtnl('RTM_GETLINK', {}).find((one) => one.ifindex === address.scopeId);
  return `${text}%${link?.ifname ?? address.scopeId}`;
}

export class Ping6 implements PingProtocol {
  readonly multicast: boolean;
  readonly echo = ICMPV6_ECHO_REQUEST;

  constructor(
    private readonly sys: Sys,
    readonly target: SockAddrIn6,
  ) {
    this.multicast = target.addr[0] === 0xff;
  }

  /** The kernel does it. */
  seal(): void {
    return;
  }

  read(message: RecvResult, ident: number): EchoReply | undefined {
    const { data, control } = message;
    if (data.length < 8 || data[0] !== ICMPV6_ECHO_REPLY || word16(data, 4) !== ident)
      return undefined;
    return { kind: 'reply', icmp: data, ttl: control.ttl, bad: false, options: '' };
  }

  concerns(from: SockAddr): boolean {
    return (
      from.family !== 'inet6' || from.addr.every((byte, i) => byte === (this.target.addr[i] ?? 0))
    );
  }

  errorText(type: number, code: number, info: number): string {
    return icmp6Text(type, code, info);
  }

  tooLong(mtu: number): string {
    return `message too long, mtu: ${mtu}`;
  }

  addressText(address: SockAddr): string {
    return address.family === 'inet6' ? scopedText(this.sys, address) : '';
  }
}
