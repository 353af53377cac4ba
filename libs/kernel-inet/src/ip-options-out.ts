/**
 * IPv4 options of packets that this host sends: those a socket set, those an answer takes back, and how a header gets
 * them. IP_OPTIONS → ipOptionsCompile; icmpReply → ipOptionsEcho; both → ipPushHeaderOptions.
 * Source: net/ipv4/ip_options.c.
 */
import { skbPush, type Net, type SkBuff } from '@netloom/kernel-core';
import { IP_HLEN, ipHeaderSum, iphIhl, iphSaddr, iphSetCheck } from '@netloom/wire';
import { inetAddrType } from './fib-frontend.js';
import { RTN_UNICAST } from './fib-table.js';
import {
  inetCurrentTimestamp,
  IPOPT_COPY,
  IPOPT_END,
  IPOPT_LSRR,
  IPOPT_NOOP,
  IPOPT_RA,
  IPOPT_RR,
  IPOPT_SSRR,
  IPOPT_TIMESTAMP,
  IPOPT_TS_PRESPEC,
  IPOPT_TS_TSANDADDR,
  IPOPT_TS_TSONLY,
  ipFindOption,
  IPSKB_HAS_RR,
  IPSKB_HAS_SRR,
  IPSKB_HAS_TS,
  IPSKB_RR_NEEDADDR,
  IPSKB_TS_NEEDADDR,
  IPSKB_TS_NEEDTIME,
} from './ip-options.js';
import { writeIpHeader, type IpHeaderFields } from './ip-output.js';

/** Options ready for a header: offsets count from the first option byte, -1 for none. @kernel struct ip_options */
export interface IpOptions {
  /** Padded to whole words, at most 40 bytes. */
  readonly bytes: Uint8Array;
  /** First stop of a source route, 0 for none. */
  readonly faddr: number;
  readonly srr: number;
  readonly rr: number;
  readonly ts: number;
  readonly needs: number;
}

class Builder {
  readonly bytes = new Uint8Array(40);
  readonly view = new DataView(this.bytes.buffer);
  length = 0;
  faddr = 0;
  srr = -1;
  rr = -1;
  ts = -1;
  needs = 0;

  done(): IpOptions | null {
    if (this.length === 0) return null;
    while ((this.length & 3) !== 0) this.bytes[this.length++] = IPOPT_END;
    const { faddr, srr, rr, ts, needs } = this;
    return { bytes: this.bytes.slice(0, this.length), faddr, srr, rr, ts, needs };
  }
}

/**
 * Options as a program gives them, in the form that headers get.
 * @returns null where there are none; undefined where they are malformed (EINVAL). @kernel ip_options_get(), ip_options_compile()
 */
export function ipOptionsCompile(net: Net, given: Uint8Array): IpOptions | null | undefined {
  if (given.length > 40) return undefined;
  const b = new Builder();
  b.bytes.set(given);
  b.length = given.length;
  while ((b.length & 3) !== 0) b.bytes[b.length++] = IPOPT_END;
  for (let at = 0; at < b.length;) {
    const type = b.bytes[at] as number;
    if (type === IPOPT_END) {
      b.bytes.fill(IPOPT_END, at);
      break;
    }
    if (type === IPOPT_NOOP) {
      at++;
      continue;
    }
    const length = b.bytes[at + 1] ?? 0;
    if (length < 2 || at + length > b.length) return undefined;
    if (!compileOne(net, b, at, type, length)) return undefined;
    at += length;
  }
  return b.done();
}

function compileOne(net: Net, b: Builder, at: number, type: number, length: number): boolean {
  const { bytes, view } = b;
  const pointer = bytes[at + 2] as number;
  switch (type) {
    case IPOPT_LSRR:
    case IPOPT_SSRR:
      if (b.srr >= 0 || pointer !== 4 || length < 7 || ((length - 3) & 3) !== 0) return false;
      b.faddr = view.getUint32(at + 3);
      if (length > 7) bytes.copyWithin(at + 3, at + 7, at + length);
      b.srr = at;
      return true;
    case IPOPT_RR:
      if (b.rr >= 0 || length < 3 || pointer < 4) return false;
      if (pointer <= length) {
        if (pointer + 3 > length) return false;
        bytes[at + 2] = pointer + 4;
        b.needs |= IPSKB_RR_NEEDADDR;
      }
      b.rr = at;
      return true;
    case IPOPT_TIMESTAMP: {
      if (b.ts >= 0 || length < 4 || pointer < 5) return false;
      const flags = bytes[at + 3] as number;
      if (pointer > length) {
        if ((flags & 15) !== IPOPT_TS_PRESPEC && flags >>> 4 === 15) return false;
      } else if (!compileTime(net, b, at, length, pointer, flags & 15)) return false;
      b.ts = at;
      return true;
    }
    case IPOPT_RA:
      return length >= 4;
    default:
      return true;
  }
}

function compileTime(
  net: Net,
  b: Builder,
  at: number,
  length: number,
  pointer: number,
  kind: number,
): boolean {
  if (pointer + 3 > length) return false;
  if (kind === IPOPT_TS_TSONLY) {
    b.bytes[at + 2] = pointer + 4;
    b.needs |= IPSKB_TS_NEEDTIME;
    return true;
  }
  if (kind !== IPOPT_TS_TSANDADDR && kind !== IPOPT_TS_PRESPEC) return true;
  if (pointer + 7 > length) return false;
  if (kind === IPOPT_TS_TSANDADDR) b.needs |= IPSKB_TS_NEEDADDR;
  else if (inetAddrType(net, b.view.getUint32(at + pointer - 1)) === RTN_UNICAST) return true;
  b.bytes[at + 2] = pointer + 8;
  b.needs |= IPSKB_TS_NEEDTIME;
  return true;
}

/** Options as getsockopt(IP_OPTIONS) gives them back. @kernel ip_options_undo() */
export function ipOptionsUndo(options: IpOptions): Uint8Array {
  const bytes = options.bytes.slice();
  const view = new DataView(bytes.buffer);
  if (options.srr >= 0) {
    const at = options.srr;
    const length = bytes[at + 1] as number;
    bytes.copyWithin(at + 7, at + 3, at + length - 4);
    view.setUint32(at + 3, options.faddr);
  }
  if ((options.needs & IPSKB_RR_NEEDADDR) !== 0) clearSlot(bytes, options.rr, 4);
  if ((options.needs & IPSKB_TS_NEEDTIME) !== 0)
    clearSlot(
      bytes,
      options.ts,
      ((bytes[options.ts + 3] as number) & 15) === IPOPT_TS_TSONLY ? 4 : 8,
    );
  return bytes;
}

function clearSlot(bytes: Uint8Array, at: number, size: number): void {
  const pointer = (bytes[at + 2] as number) - size;
  bytes[at + 2] = pointer;
  bytes.fill(0, at + pointer - 1, at + pointer - 1 + 4);
}

/**
 * The options with which a received packet is answered: its route reversed, its records continued.
 * @returns null where there are none; undefined where the packet's cannot be answered. @kernel __ip_options_echo()
 */
export function ipOptionsEcho(net: Net, skb: SkBuff): IpOptions | null | undefined {
  const m = skb.mem;
  const o = skb.networkHeader;
  if (iphIhl(m, o) * 4 === IP_HLEN) return null;
  const b = new Builder();
  const flags = skb.cbFlags2;
  const rr = (flags & IPSKB_HAS_RR) === 0 ? -1 : ipFindOption(m, o, IPOPT_RR);
  const ts = (flags & IPSKB_HAS_TS) === 0 ? -1 : ipFindOption(m, o, IPOPT_TIMESTAMP);
  const srr = (flags & IPSKB_HAS_SRR) === 0 ? -1 : ipFindOption(m, o, IPOPT_LSRR, IPOPT_SSRR);
  const copy = (from: number): number => {
    const length = m.u8[from + 1] as number;
    const to = b.length;
    b.bytes.set(m.u8.subarray(from, from + length), to);
    b.length += length;
    return to;
  };
  if (rr >= 0) {
    b.rr = copy(rr);
    const pointer = m.u8[rr + 2] as number;
    const length = m.u8[rr + 1] as number;
    if ((flags & IPSKB_RR_NEEDADDR) !== 0 && pointer <= length) {
      if (pointer + 3 > length) return undefined;
      b.bytes[b.rr + 2] = pointer + 4;
      b.needs |= IPSKB_RR_NEEDADDR;
    }
  }
  if (ts >= 0) {
    b.ts = copy(ts);
    if (!echoTime(net, b, flags)) return undefined;
  }
  if (srr >= 0) echoSourceRoute(b, skb, srr);
  return b.done();
}

function echoTime(net: Net, b: Builder, flags: number): boolean {
  const { bytes, ts } = b;
  const length = bytes[ts + 1] as number;
  let pointer = bytes[ts + 2] as number;
  if (pointer > length) return true;
  if ((flags & IPSKB_TS_NEEDADDR) !== 0) {
    if (pointer + 3 > length) return false;
    b.needs |= IPSKB_TS_NEEDADDR;
    pointer += 4;
  }
  if ((flags & IPSKB_TS_NEEDTIME) !== 0) {
    if (pointer + 3 > length) return false;
    if (((bytes[ts + 3] as number) & 15) !== IPOPT_TS_PRESPEC) {
      b.needs |= IPSKB_TS_NEEDTIME;
      pointer += 4;
    } else if (
      pointer + 7 <= length &&
      inetAddrType(net, b.view.getUint32(ts + pointer - 1)) !== RTN_UNICAST
    ) {
      b.needs |= IPSKB_TS_NEEDTIME;
      pointer += 8;
    }
  }
  bytes[ts + 2] = pointer;
  return true;
}

function echoSourceRoute(b: Builder, skb: SkBuff, at: number): void {
  const m = skb.mem;
  const length = m.u8[at + 1] as number;
  const stops: number[] = [];
  for (let p = Math.min(m.u8[at + 2] as number, length + 1) - 4; p > 3; p -= 4)
    stops.push(m.dv.getUint32(at + p - 1));
  const first = stops.shift();
  if (first === undefined) return;
  // RFC 1812 §5.3.13.4: the sender's own address as last stop would be said twice
  const sender = iphSaddr(m, skb.networkHeader);
  if (stops.length === 0 && first === sender) return;
  if (stops[stops.length - 1] === sender) stops.pop();
  b.faddr = first;
  b.srr = b.length;
  const size = stops.length * 4 + 7; // the destination itself is written when the header is built
  b.bytes[b.srr] = m.u8[at] as number;
  b.bytes[b.srr + 1] = size;
  b.bytes[b.srr + 2] = 4;
  stops.forEach((stop, i) => {
    b.view.setUint32(b.srr + 3 + i * 4, stop);
  });
  b.length += size;
}

/**
 * Writes a header with options in front of the packet: the source route's last stop is `daddr`, the header's
 * destination its first. @kernel ip_options_build()
 */
export function ipPushHeaderOptions(
  net: Net,
  skb: SkBuff,
  h: IpHeaderFields,
  options: IpOptions,
  routeSource: number,
): void {
  const { bytes } = options;
  const at = skbPush(skb, bytes.length);
  const m = skb.mem;
  m.u8.set(bytes, at);
  const o = skbPush(skb, IP_HLEN);
  const daddr = options.faddr !== 0 ? options.faddr : h.daddr;
  writeIpHeader(m, o, skb.len, h.tos, h.id, h.df ? 0x4000 : 0, h.ttl, h.protocol, h.saddr, daddr);
  m.u8[o] = 0x45 + (bytes.length >>> 2);
  if (options.srr >= 0) {
    const length = bytes[options.srr + 1] as number;
    m.dv.setUint32(at + options.srr + length - 4, h.daddr);
  }
  const slot = (option: number, back: number): number =>
    at + option + (bytes[option + 2] as number) - back;
  if ((options.needs & IPSKB_RR_NEEDADDR) !== 0) m.dv.setUint32(slot(options.rr, 5), routeSource);
  if ((options.needs & IPSKB_TS_NEEDADDR) !== 0) m.dv.setUint32(slot(options.ts, 9), routeSource);
  if ((options.needs & IPSKB_TS_NEEDTIME) !== 0)
    m.dv.setUint32(slot(options.ts, 5), inetCurrentTimestamp(net));
  iphSetCheck(m, o, 0);
  iphSetCheck(m, o, ~ipHeaderSum(m, o, iphIhl(m, o)) & 0xffff);
  skb.networkHeader = o;
}

/** Turns into blanks what only the first fragment carries. @kernel ip_options_fragment() */
export function ipOptionsFragment(skb: SkBuff): void {
  const m = skb.mem;
  const o = skb.networkHeader;
  const end = o + iphIhl(m, o) * 4;
  for (let at = o + IP_HLEN; at < end;) {
    const type = m.u8[at] as number;
    if (type === IPOPT_END) return;
    if (type === IPOPT_NOOP) {
      at++;
      continue;
    }
    const length = m.u8[at + 1] as number;
    if (length < 2 || at + length > end) return;
    if ((type & IPOPT_COPY) === 0) m.u8.fill(IPOPT_NOOP, at, at + length);
    at += length;
  }
}
