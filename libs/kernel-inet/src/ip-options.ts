/**
 * The options of a received IPv4 header: checks, recording of route and time, source routes that lead on.
 * ipRcvFinish → ipRcvOptions; ipForward → ipForwardOptions. Sources: net/ipv4/ip_options.c, RFC 791 §3.1,
 * RFC 1122 §3.2.1.8.
 *
 * What the header wants of the way out is kept in bits of `skb.cbFlags2`; addresses are written here as if the packet
 * were for this host, and where it is forwarded a recorded route gets the way out's instead.
 */
import type { Net, NetDevice, SkBuff } from '@netloom/kernel-core';
import {
  ICMP_PARAMETERPROB,
  IP_HLEN,
  ipHeaderSum,
  iphDaddr,
  iphIhl,
  iphSaddr,
  iphSetCheck,
  iphTos,
  type PacketMemory,
} from '@netloom/wire';
import { fibLookup, fibSelectSource, inetAddrType } from './fib-frontend.js';
import { RTN_LOCAL, RTN_UNICAST, RT_SCOPE_UNIVERSE } from './fib-table.js';
import { icmpSend } from './icmp-send.js';
import { Conf, InDevice } from './in-device.js';
import { ipv4Of } from './ipv4-net.js';
import { ipRouteInput } from './route-input.js';
import type { Rtable } from './route.js';

export const IPOPT_END = 0;
export const IPOPT_NOOP = 1;
export const IPOPT_RR = 7;
export const IPOPT_TIMESTAMP = 68;
export const IPOPT_LSRR = 131;
export const IPOPT_SSRR = 137;
export const IPOPT_RA = 148;
/** Bit of an option's type: fragments carry it too. */
export const IPOPT_COPY = 0x80;

export const IPOPT_TS_TSONLY = 0;
export const IPOPT_TS_TSANDADDR = 1;
export const IPOPT_TS_PRESPEC = 3;

/** Bits of `skb.cbFlags2`: which options still want this host's address or time, and that a source route goes on. */
export const IPSKB_RR_NEEDADDR = 2;
export const IPSKB_TS_NEEDADDR = 4;
export const IPSKB_TS_NEEDTIME = 8;
export const IPSKB_SRR_HIT = 16;
/** And which options were there, well-formed. */
export const IPSKB_HAS_RR = 32;
export const IPSKB_HAS_TS = 64;
export const IPSKB_HAS_SRR = 128;
const IPSKB_OPTIONS = 0xfe;

export const IP_OPTIONS_OK = 0;
export const IP_OPTIONS_MALFORMED = 1;
/** Dropped without a word: a source route that is refused or leads nowhere. */
export const IP_OPTIONS_SOURCE_ROUTE = 2;

const MS_PER_DAY = 86_400_000;

/** Milliseconds since midnight UT, as timestamps have them. @kernel inet_current_timestamp() */
export function inetCurrentTimestamp(net: Net): number {
  return Math.floor(net.kernel.engine.now / 1e6) % MS_PER_DAY;
}

/** Where an option of a header starts, -1 where it has none such. */
export function ipFindOption(m: PacketMemory, o: number, ...types: readonly number[]): number {
  const end = o + iphIhl(m, o) * 4;
  for (let at = o + IP_HLEN; at < end;) {
    const type = m.u8[at] as number;
    if (type === IPOPT_END) return -1;
    if (type === IPOPT_NOOP) {
      at++;
      continue;
    }
    if (types.includes(type)) return at;
    const length = m.u8[at + 1] as number;
    if (length < 2) return -1;
    at += length;
  }
  return -1;
}

/** The address that this host would have answered from. @kernel fib_compute_spec_dst() */
function specDst(skb: SkBuff, dev: NetDevice): number {
  const m = skb.mem;
  const o = skb.networkHeader;
  if ((skb.dst as Rtable | null)?.type === RTN_LOCAL) return iphDaddr(m, o);
  const res = fibLookup(dev.net, iphSaddr(m, o), iphTos(m, o) & 0x1e, 0);
  const out = res?.nh.dev;
  if (res !== null && res.route.info.prefsrc !== 0) return res.route.info.prefsrc;
  return fibSelectSource(out ?? dev, iphSaddr(m, o), res?.route.info.scope ?? RT_SCOPE_UNIVERSE);
}

/**
 * Checks the options of a packet that has some, and records what they ask to be recorded; tells the sender of
 * malformed ones. `skb.dst` is set. @returns IP_OPTIONS_… @kernel ip_rcv_options()
 */
export function ipRcvOptions(skb: SkBuff, dev: NetDevice): number {
  const m = skb.mem;
  const o = skb.networkHeader;
  const end = o + iphIhl(m, o) * 4;
  skb.cbFlags2 &= ~IPSKB_OPTIONS;
  let srr = -1;
  const seen = new Set<number>();
  for (let at = o + IP_HLEN; at < end;) {
    const type = m.u8[at] as number;
    if (type === IPOPT_END) break;
    if (type === IPOPT_NOOP) {
      at++;
      continue;
    }
    const length = m.u8[at + 1] as number;
    const wrong =
      at + 2 > end || length < 2 || at + length > end
        ? at
        : wrongByte(m, at, type, length, seen.has(type));
    if (wrong >= 0) {
      icmpSend(skb, ICMP_PARAMETERPROB, 0, ((wrong - o) << 24) >>> 0);
      return IP_OPTIONS_MALFORMED;
    }
    if (type === IPOPT_LSRR || type === IPOPT_SSRR) {
      srr = at;
      skb.cbFlags2 |= IPSKB_HAS_SRR;
      seen.add(IPOPT_LSRR).add(IPOPT_SSRR);
    } else if (type === IPOPT_RR) {
      skb.cbFlags2 |= IPSKB_HAS_RR;
      recordRoute(skb, dev, at, length);
    } else if (type === IPOPT_TIMESTAMP) {
      skb.cbFlags2 |= IPSKB_HAS_TS;
      recordTime(skb, dev, at, length);
    }
    seen.add(type);
    at += length;
  }
  if (srr < 0) return IP_OPTIONS_OK;
  const accepted =
    ipv4Of(dev.net).confAll[Conf.accept_source_route] !== 0 &&
    InDevice.of(dev)?.conf[Conf.accept_source_route] !== 0;
  if (!accepted) {
    logSourceRoute(skb, dev);
    return IP_OPTIONS_SOURCE_ROUTE;
  }
  return rcvSourceRoute(skb, dev, srr);
}

function dotted(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

function logSourceRoute(skb: SkBuff, dev: NetDevice): void {
  const logs =
    InDevice.of(dev)?.conf[Conf.log_martians] !== 0 ||
    ipv4Of(dev.net).confAll[Conf.log_martians] !== 0;
  if (!logs) return;
  const m = skb.mem;
  const o = skb.networkHeader;
  dev.net.kernel.printk(
    6,
    `IPv4: source route option ${dotted(iphSaddr(m, o))} -> ${dotted(iphDaddr(m, o))}`,
  );
}

function recordRoute(skb: SkBuff, dev: NetDevice, at: number, length: number): void {
  const m = skb.mem;
  const pointer = m.u8[at + 2] as number;
  if (pointer > length) return;
  m.dv.setUint32(at + pointer - 1, specDst(skb, dev));
  m.u8[at + 2] = pointer + 4;
  skb.cbFlags2 |= IPSKB_RR_NEEDADDR;
  fixSum(skb);
}

function recordTime(skb: SkBuff, dev: NetDevice, at: number, length: number): void {
  const m = skb.mem;
  const { net } = dev;
  const pointer = m.u8[at + 2] as number;
  const flags = m.u8[at + 3] as number;
  const kind = flags & 15;
  const slot = at + pointer - 1;
  const now = inetCurrentTimestamp(net);
  if (pointer > length) {
    if (kind === IPOPT_TS_PRESPEC) return;
    m.u8[at + 3] = kind | (((flags >>> 4) + 1) << 4); // a hop that found no room
    fixSum(skb);
    return;
  }
  if (kind === IPOPT_TS_TSONLY) {
    m.dv.setUint32(slot, now);
    m.u8[at + 2] = pointer + 4;
  } else {
    if (kind === IPOPT_TS_PRESPEC) {
      if (inetAddrType(net, m.dv.getUint32(slot)) === RTN_UNICAST) return; // somebody else's turn
    } else {
      m.dv.setUint32(slot, specDst(skb, dev));
      skb.cbFlags2 |= IPSKB_TS_NEEDADDR;
    }
    m.dv.setUint32(slot + 4, now);
    m.u8[at + 2] = pointer + 8;
  }
  skb.cbFlags2 |= IPSKB_TS_NEEDTIME;
  fixSum(skb);
}

/** Brings the header's checksum up to date. @kernel ip_send_check() */
function fixSum(skb: SkBuff): void {
  const m = skb.mem;
  const o = skb.networkHeader;
  iphSetCheck(m, o, 0);
  iphSetCheck(m, o, ~ipHeaderSum(m, o, iphIhl(m, o)) & 0xffff);
}

/** Sends a packet that has reached a stop of its source route on to the next one. @kernel ip_options_rcv_srr() */
function rcvSourceRoute(skb: SkBuff, dev: NetDevice, at: number): number {
  const m = skb.mem;
  const o = skb.networkHeader;
  const rt = skb.dst as Rtable;
  if (skb.pktType !== 0) return IP_OPTIONS_SOURCE_ROUTE;
  if (rt.error === 0 && rt.type === RTN_UNICAST) {
    if (m.u8[at] !== IPOPT_SSRR) return IP_OPTIONS_OK;
    icmpSend(skb, ICMP_PARAMETERPROB, 0, ((at - o + 1) << 24) >>> 0);
    return IP_OPTIONS_SOURCE_ROUTE;
  }
  if (rt.type !== RTN_LOCAL) return IP_OPTIONS_SOURCE_ROUTE;
  const space = m.u8[at + 1] as number;
  for (let pointer = m.u8[at + 2] as number; pointer <= space; pointer += 4) {
    if (pointer + 3 > space) {
      icmpSend(skb, ICMP_PARAMETERPROB, 0, ((at + 2 - o) << 24) >>> 0);
      return IP_OPTIONS_SOURCE_ROUTE;
    }
    const next = m.dv.getUint32(at + pointer - 1);
    skb.dst = null;
    const refused = ipRouteInput(skb, next, iphSaddr(m, o), iphTos(m, o) & 0x1e, dev);
    const onward = skb.dst as Rtable | null;
    if (
      refused !== 0 ||
      onward === null ||
      (onward.type !== RTN_UNICAST && onward.type !== RTN_LOCAL) ||
      onward.error !== 0
    )
      return IP_OPTIONS_SOURCE_ROUTE;
    if (onward.type !== RTN_LOCAL) {
      skb.cbFlags2 |= IPSKB_SRR_HIT;
      return IP_OPTIONS_OK;
    }
    m.dv.setUint32(o + 16, next); // another address of this host: straight on
    fixSum(skb);
  }
  return IP_OPTIONS_OK;
}

/**
 * Writes what options of a forwarded packet want to know of the way out: this host's address there, and the next stop
 * of a source route as destination. @kernel ip_forward_options()
 */
export function ipForwardOptions(skb: SkBuff, rt: Rtable): void {
  const flags = skb.cbFlags2 & IPSKB_OPTIONS;
  if (flags === 0) return;
  const m = skb.mem;
  const o = skb.networkHeader;
  if ((flags & IPSKB_RR_NEEDADDR) !== 0) {
    const at = ipFindOption(m, o, IPOPT_RR);
    if (at >= 0) m.dv.setUint32(at + (m.u8[at + 2] as number) - 5, routeSource(skb, rt));
  }
  if ((flags & IPSKB_SRR_HIT) !== 0) {
    const at = ipFindOption(m, o, IPOPT_LSRR, IPOPT_SSRR);
    const pointer = at < 0 ? 0 : (m.u8[at + 2] as number);
    if (at >= 0 && pointer + 3 <= (m.u8[at + 1] as number)) {
      m.dv.setUint32(o + 16, m.dv.getUint32(at + pointer - 1));
      m.dv.setUint32(at + pointer - 1, routeSource(skb, rt));
      m.u8[at + 2] = pointer + 4;
    }
    if ((flags & IPSKB_TS_NEEDADDR) !== 0) {
      const ts = ipFindOption(m, o, IPOPT_TIMESTAMP);
      if (ts >= 0) m.dv.setUint32(ts + (m.u8[ts + 2] as number) - 9, routeSource(skb, rt));
    }
  }
  fixSum(skb);
}

/** The address of this host that packets forwarded by a route show. @kernel ip_rt_get_source() */
function routeSource(skb: SkBuff, rt: Rtable): number {
  const m = skb.mem;
  const daddr = iphDaddr(m, skb.networkHeader);
  const res = fibLookup(rt.dev.net, daddr, iphTos(m, skb.networkHeader) & 0x1e, rt.dev.ifindex);
  if (res !== null && res.route.info.prefsrc !== 0) return res.route.info.prefsrc;
  return fibSelectSource(rt.dev, rt.gateway !== 0 ? rt.gateway : daddr, RT_SCOPE_UNIVERSE);
}

/** The offset of the byte that makes one option wrong, -1 where it is right. The option lies within the header. */
function wrongByte(
  m: PacketMemory,
  at: number,
  type: number,
  length: number,
  repeated: boolean,
): number {
  const pointer = length > 2 ? (m.u8[at + 2] as number) : 0;
  switch (type) {
    case IPOPT_LSRR:
    case IPOPT_SSRR:
      if (length < 3) return at + 1;
      if (pointer < 4) return at + 2;
      return repeated ? at : -1;
    case IPOPT_RR:
      if (repeated) return at;
      if (length < 3) return at + 1;
      return pointer < 4 || (pointer <= length && pointer + 3 > length) ? at + 2 : -1;
    case IPOPT_TIMESTAMP: {
      if (repeated) return at;
      if (length < 4) return at + 1;
      if (pointer < 5) return at + 2;
      const flags = m.u8[at + 3] as number;
      const kind = flags & 15;
      if (pointer > length) return kind !== 3 && flags >>> 4 === 15 ? at + 3 : -1;
      return pointer + (kind === 1 || kind === 3 ? 7 : 3) > length ? at + 2 : -1;
    }
    case IPOPT_RA:
      return length < 4 ? at + 1 : -1;
    default:
      return -1;
  }
}
