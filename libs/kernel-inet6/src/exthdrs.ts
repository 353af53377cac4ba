/**
 * Extension headers: walking them, and the options of hop-by-hop and destination headers.
 * Sources: RFC 8200 §4, net/ipv6/exthdrs.c, exthdrs_core.c.
 */
import { DropReason, Mib6, pskbMayPull, type NetDevice, type SkBuff } from '@netloom/kernel-core';
import {
  ICMPV6_HDR_FIELD,
  ICMPV6_PARAMPROB,
  ICMPV6_UNK_OPTION,
  IP6_HLEN,
  ip6hPayloadLen,
  NEXTHDR_AUTH,
  NEXTHDR_DEST,
  NEXTHDR_FRAGMENT,
  NEXTHDR_HOP,
  NEXTHDR_NONE,
  NEXTHDR_ROUTING,
  type PacketMemory,
} from '@netloom/wire';
import { icmpv6Send } from './icmpv6-send.js';
import { ipv6Of, Ipv6Sysctl } from './ipv6-net.js';

/** Bits of `skb.cbFlags2` that IPv6 owns. */
export const IP6SKB_DONTFRAG = 0x02;
/** It is not looped back to this host's own listeners. */
export const IP6SKB_NOMCLOOP = 0x08;
/** Its hop-by-hop header asks routers to look at it. */
export const IP6SKB_ROUTERALERT = 0x10;
/** A fragment header was taken off. */
export const IP6SKB_FRAGMENTED = 0x20;

const IPV6_TLV_PAD1 = 0;
const IPV6_TLV_PADN = 1;
const IPV6_TLV_ROUTERALERT = 5;
const IPV6_TLV_JUMBO = 0xc2;

/** Headers that may be followed by another. @kernel ipv6_ext_hdr() */
export function ipv6ExtHdr(nexthdr: number): boolean {
  return (
    nexthdr === NEXTHDR_HOP ||
    nexthdr === NEXTHDR_ROUTING ||
    nexthdr === NEXTHDR_FRAGMENT ||
    nexthdr === NEXTHDR_AUTH ||
    nexthdr === NEXTHDR_NONE ||
    nexthdr === NEXTHDR_DEST
  );
}

/** Where a walk along the headers ended. One object a walk; `offset` is -1 where the packet ended first. */
export interface SkippedHeaders {
  readonly nexthdr: number;
  readonly offset: number;
  /** Fragment offset and flags of a fragment header that was passed, else 0. */
  readonly fragOff: number;
}

/** Passes the extension headers between `offset` and `end`. @kernel ipv6_skip_exthdr() */
export function ipv6SkipExthdr(
  m: PacketMemory,
  offset: number,
  end: number,
  first: number,
): SkippedHeaders {
  let nexthdr = first;
  let at = offset;
  let fragOff = 0;
  while (ipv6ExtHdr(nexthdr)) {
    if (nexthdr === NEXTHDR_NONE || at + 2 > end) return { nexthdr, offset: -1, fragOff };
    let length: number;
    if (nexthdr === NEXTHDR_FRAGMENT) {
      if (at + 4 > end) return { nexthdr, offset: -1, fragOff };
      fragOff = m.dv.getUint16(at + 2);
      length = 8;
      if ((fragOff & ~7) !== 0) {
        nexthdr = m.u8[at] as number;
        return { nexthdr, offset: at + length, fragOff };
      }
    } else if (nexthdr === NEXTHDR_AUTH) {
      length = ((m.u8[at + 1] as number) + 2) << 2;
    } else {
      length = ((m.u8[at + 1] as number) + 1) << 3;
    }
    nexthdr = m.u8[at] as number;
    at += length;
  }
  return { nexthdr, offset: at, fragOff };
}

function paramProblem(skb: SkBuff, code: number, pointer: number, reason: number): void {
  icmpv6Send(skb, ICMPV6_PARAMPROB, code, pointer);
  (skb.dev as NetDevice).kernel.kfreeSkbReason(skb, reason);
}

/** Reports a wrong header field and drops the packet. Consumes it. @kernel icmpv6_param_prob() */
export function icmpv6ParamProb(skb: SkBuff, code: number, pointer: number): void {
  paramProblem(skb, code, pointer, DropReason.NOT_SPECIFIED);
}

/** An option that is not known: its two high bits say what is to be done. True to go on; else consumed. */
function unknownOption(skb: SkBuff, at: number, count: boolean): boolean {
  const { kernel } = skb.dev as NetDevice;
  if (!count) {
    kernel.kfreeSkbReason(skb, DropReason.IPV6_BAD_EXTHDR);
    return false;
  }
  const action = (skb.mem.u8[at] as number) >>> 6;
  if (action === 0) return true;
  const toGroup = skb.mem.u8[skb.networkHeader + 24] === 0xff;
  if (action === 2 || (action === 3 && !toGroup))
    paramProblem(skb, ICMPV6_UNK_OPTION, at - skb.networkHeader, DropReason.UNHANDLED_PROTO);
  else kernel.kfreeSkbReason(skb, DropReason.UNHANDLED_PROTO);
  return false;
}

/** Goes through the options of the header at `start`. True to go on; else the packet was dropped. @kernel ip6_parse_tlv() */
function parseTlv(skb: SkBuff, start: number, hopByHop: boolean, maxCount: number): boolean {
  const m = skb.mem;
  const dev = skb.dev as NetDevice;
  const end = start + (((m.u8[start + 1] as number) + 1) << 3);
  const bad = (): boolean => {
    dev.kernel.kfreeSkbReason(skb, DropReason.IPV6_BAD_EXTHDR);
    return false;
  };
  const most = Math.abs(maxCount);
  let count = 0;
  let padding = 0;
  let at = start + 2;
  while (at < end) {
    const type = m.u8[at] as number;
    if (type === IPV6_TLV_PAD1) {
      if (++padding > 7) return bad();
      at++;
      continue;
    }
    if (at + 2 > end) return bad();
    const length = (m.u8[at + 1] as number) + 2;
    if (at + length > end) return bad();
    if (type === IPV6_TLV_PADN) {
      padding += length;
      if (padding > 7) return bad();
      for (let i = 2; i < length; i++) if (m.u8[at + i] !== 0) return bad();
      at += length;
      continue;
    }
    padding = 0;
    if (++count > most) return bad();
    if (hopByHop && type === IPV6_TLV_ROUTERALERT) {
      if (length !== 4) return bad();
      skb.cbFlags2 |= IP6SKB_ROUTERALERT;
    } else if (hopByHop && type === IPV6_TLV_JUMBO) {
      return jumbo(skb, at);
    } else if (!unknownOption(skb, at, maxCount >= 0)) {
      return false;
    }
    at += length;
  }
  return true;
}

/** Jumbograms do not fit into packet memory: every one of them is longer than what came. @kernel ipv6_hop_jumbo() */
function jumbo(skb: SkBuff, at: number): boolean {
  const dev = skb.dev as NetDevice;
  const m = skb.mem;
  const pointer = at + 2 - skb.networkHeader;
  if (m.u8[at + 1] !== 4 || ((at - skb.networkHeader) & 3) !== 2) {
    dev.net.mib6.add(Mib6.Ip6InHdrErrors, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
  } else if (m.dv.getUint32(at + 2) <= 0xffff || ip6hPayloadLen(m, skb.networkHeader) !== 0) {
    dev.net.mib6.add(Mib6.Ip6InHdrErrors, 1);
    icmpv6ParamProb(
      skb,
      ICMPV6_HDR_FIELD,
      m.dv.getUint32(at + 2) <= 0xffff ? pointer : at - skb.networkHeader,
    );
  } else {
    dev.net.mib6.add(Mib6.Ip6InTruncatedPkts, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_SMALL);
  }
  return false;
}

/** Whether the extension header at `transportHeader` is all there. */
function headerThere(skb: SkBuff): boolean {
  const before = skb.transportHeader - skb.data;
  if (!pskbMayPull(skb, before + 8)) return false;
  const length = ((skb.mem.u8[skb.transportHeader + 1] as number) + 1) << 3;
  return pskbMayPull(skb, before + length);
}

/** The hop-by-hop options behind the IPv6 header. True to go on; else the packet was dropped. @kernel ipv6_parse_hopopts() */
export function ipv6ParseHopopts(skb: SkBuff, dev: NetDevice): boolean {
  const ipv6 = ipv6Of(dev.net);
  if (!headerThere(skb)) {
    dev.net.mib6.add(Mib6.Ip6InHdrErrors, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.IPV6_BAD_EXTHDR);
    return false;
  }
  const at = skb.transportHeader;
  const length = ((skb.mem.u8[at + 1] as number) + 1) << 3;
  if (length > ipv6.sysctl(Ipv6Sysctl.max_hbh_length)) {
    dev.kernel.kfreeSkbReason(skb, DropReason.IPV6_BAD_EXTHDR);
    return false;
  }
  if (!parseTlv(skb, at, true, ipv6.sysctl(Ipv6Sysctl.max_hbh_opts_number))) {
    dev.net.mib6.add(Mib6.Ip6InHdrErrors, 1);
    return false;
  }
  skb.transportHeader = skb.networkHeader + IP6_HLEN + length;
  return true;
}

/** The destination options at the transport header; moves it past them. True to go on. @kernel ipv6_destopt_rcv() */
export function ipv6DestoptRcv(skb: SkBuff, dev: NetDevice): boolean {
  const ipv6 = ipv6Of(dev.net);
  if (!headerThere(skb)) {
    dev.net.mib6.add(Mib6.Ip6InHdrErrors, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.IPV6_BAD_EXTHDR);
    return false;
  }
  const at = skb.transportHeader;
  const length = ((skb.mem.u8[at + 1] as number) + 1) << 3;
  if (length > ipv6.sysctl(Ipv6Sysctl.max_dst_opts_length)) {
    dev.kernel.kfreeSkbReason(skb, DropReason.IPV6_BAD_EXTHDR);
    return false;
  }
  if (!parseTlv(skb, at, false, ipv6.sysctl(Ipv6Sysctl.max_dst_opts_number))) {
    dev.net.mib6.add(Mib6.Ip6InHdrErrors, 1);
    return false;
  }
  skb.transportHeader = skb.networkHeader + (at - skb.networkHeader) + length;
  return true;
}

const SRCRT_TYPE_3 = 3;
const SRCRT_TYPE_4 = 4;

/**
 * A routing header at the transport header: one that has no segments left is passed, all others are refused, as where
 * segment routing and mobility are off. True to go on. @kernel ipv6_rthdr_rcv()
 */
export function ipv6RthdrRcv(skb: SkBuff, dev: NetDevice): boolean {
  const { mib6, kernel } = dev.net;
  if (!headerThere(skb)) {
    mib6.add(Mib6.Ip6InHdrErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.IPV6_BAD_EXTHDR);
    return false;
  }
  const m = skb.mem;
  const at = skb.transportHeader;
  const type = m.u8[at + 2] as number;
  const toGroup = m.u8[skb.networkHeader + 24] === 0xff;
  if (toGroup || skb.pktType !== 0) {
    mib6.add(Mib6.Ip6InAddrErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return false;
  }
  if (type === SRCRT_TYPE_4 || type === SRCRT_TYPE_3) {
    kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED); // seg6_enabled and rpl_seg_enabled are off
    return false;
  }
  if (m.u8[at + 3] !== 0) {
    mib6.add(Mib6.Ip6InHdrErrors, 1);
    icmpv6ParamProb(skb, ICMPV6_HDR_FIELD, at + 2 - skb.networkHeader);
    return false;
  }
  skb.transportHeader = at + (((m.u8[at + 1] as number) + 1) << 3);
  return true;
}
