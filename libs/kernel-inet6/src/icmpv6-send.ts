/**
 * Sending ICMPv6: errors about a packet (whether one may be sent, how often, from which address, with how much of it),
 * and the last step of every message. Sources: net/ipv6/icmp.c icmp6_send(), RFC 4443 §2.4.
 */
import {
  LL_MAX_HEADER,
  Mib6,
  PACKET_HOST,
  skbCopyBits,
  skbPut,
  type Net,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { ipv4Of, Ipv4Sysctl } from '@netloom/kernel-inet';
import { Iff } from '@netloom/sys';
import {
  csumPartial,
  csumPseudo6At,
  ICMP_HLEN,
  ICMPV6_PARAMPROB,
  ICMPV6_PKT_TOOBIG,
  ICMPV6_UNK_OPTION,
  IN6ADDR_ANY,
  IP6_HLEN,
  ip6hDaddr,
  ip6hNexthdr,
  ip6hSaddr,
  IPV6_ADDR_ANY,
  IPV6_ADDR_LINKLOCAL,
  IPV6_ADDR_MULTICAST,
  IPV6_MIN_MTU,
  ipv6AddrType,
  NEXTHDR_ICMP,
} from '@netloom/wire';
import { ipv6ChkAcast, ipv6ChkAddr } from './addr-check.js';
import { ipv6SkipExthdr } from './exthdrs.js';
import { Flow6 } from './flow6.js';
import { inetGetpeer6, inetPeer6Allow } from './inet-peer6.js';
import { ip6LocalOut, ip6PushHeader, ipv6AutoFlowLabel } from './ip6-output.js';
import { ipv6Of, Ipv6Sysctl } from './ipv6-net.js';
import { ip6DstHoplimit, ip6DstLookupFlow, type Rt6Info } from './route6.js';

/** Whether the packet is an ICMPv6 error itself, about which nobody is told. @kernel is_ineligible() */
function isIneligible(skb: SkBuff): boolean {
  const m = skb.mem;
  const o = skb.networkHeader;
  const found = ipv6SkipExthdr(m, o + IP6_HLEN, skb.tail, ip6hNexthdr(m, o));
  if (found.offset < 0 || found.nexthdr !== NEXTHDR_ICMP) return false;
  if (found.offset >= skb.tail) return found.fragOff === 0;
  if ((found.fragOff & ~7) !== 0) return false;
  return ((m.u8[found.offset] as number) & 0x80) === 0;
}

/** Whether an unknown option that begins at `info` is to be reported even to a group's sender. @kernel opt_unrec() */
function optUnrec(skb: SkBuff, info: number): boolean {
  return ((skb.mem.u8[skb.networkHeader + info] as number) & 0xc0) === 0x80;
}

/** Types that the rate limit is for. */
function rateLimited(net: Net, type: number): boolean {
  for (const part of ipv6Of(net).icmpRatemask.split(',')) {
    const [low = '', high = low] = part.split('-');
    if (low !== '' && type >= Number(low) && type <= Number(high)) return true;
  }
  return false;
}

/** The namespace's bucket, which ICMP shares. @kernel icmp_global_allow() */
function globalAllow(net: Net): boolean {
  const ipv4 = ipv4Of(net);
  const now = net.kernel.engine.now;
  const earned = Math.floor(
    ((now - ipv4.icmpTokensStamp) * ipv4.sysctl(Ipv4Sysctl.icmp_msgs_per_sec)) / 1e9,
  );
  if (earned > 0) {
    ipv4.icmpTokens = Math.min(ipv4.sysctl(Ipv4Sysctl.icmp_msgs_burst), ipv4.icmpTokens + earned);
    ipv4.icmpTokensStamp = now;
  }
  return ipv4.icmpTokens > 0;
}

/** @kernel icmpv6_global_allow(), icmpv6_xrlim_allow() */
export function icmpv6Allow(net: Net, rt: Rt6Info, fl: Flow6, type: number): boolean {
  if (!rateLimited(net, type)) return true;
  if ((rt.dev.flags & Iff.IFF_LOOPBACK) !== 0) return true;
  if (!globalAllow(net)) return false;
  const ipv6 = ipv6Of(net);
  const wait = ipv6.sysctl(Ipv6Sysctl['icmp/ratelimit']) * 1e6;
  if (wait > 0 && !inetPeer6Allow(inetGetpeer6(ipv6, fl.daddr), net.kernel.engine.now, wait)) {
    net.mib6.add(Mib6.Icmp6OutRateLimitHost, 1);
    return false;
  }
  ipv4Of(net).icmpTokens--;
  return true;
}

/**
 * Reports an error about a packet (its networkHeader is valid) to its sender. The packet stays the caller's.
 * @param info MTU, pointer, or 0 @kernel icmp6_send()
 */
export function icmpv6Send(about: SkBuff, type: number, code: number, info: number): void {
  const dev = about.dev as NetDevice | null;
  if (dev === null) return;
  const { net } = dev;
  const m = about.mem;
  const o = about.networkHeader;
  if (about.tail - o < IP6_HLEN) return;
  const daddr = ip6hDaddr(m, o);
  const peer = ip6hSaddr(m, o);
  let force = ipv6ChkAddr(net, daddr, dev) || ipv6ChkAcast(dev, daddr);
  if (
    (ipv6AddrType(daddr) & IPV6_ADDR_MULTICAST) !== 0 ||
    (about.skbIif !== 0 && about.pktType !== PACKET_HOST)
  ) {
    if (
      type !== ICMPV6_PKT_TOOBIG &&
      !(type === ICMPV6_PARAMPROB && code === ICMPV6_UNK_OPTION && optUnrec(about, info))
    )
      return;
    force = false;
  }
  const peerType = ipv6AddrType(peer);
  if (peerType === IPV6_ADDR_ANY || (peerType & IPV6_ADDR_MULTICAST) !== 0) return;
  if (isIneligible(about)) return;
  const fl = new Flow6(peer);
  fl.saddr = force ? daddr : IN6ADDR_ANY;
  fl.protocol = NEXTHDR_ICMP;
  fl.sport = type;
  fl.dport = code;
  if ((peerType & IPV6_ADDR_LINKLOCAL) !== 0)
    fl.oif = about.skbIif !== 0 ? about.skbIif : dev.ifindex;
  const rt = ip6DstLookupFlow(net, fl);
  if (typeof rt === 'number' || !icmpv6Allow(net, rt, fl, type)) return;
  const present = about.len - (o - about.data);
  const quoted = Math.min(present, IPV6_MIN_MTU - IP6_HLEN - ICMP_HLEN);
  const skb = about.pool.alloc(ICMP_HLEN + quoted, LL_MAX_HEADER);
  if (skb === null) return;
  const p = skbPut(skb, ICMP_HLEN + quoted);
  m.dv.setUint32(p, (type << 24) | (code << 16));
  m.dv.setUint32(p + 4, info >>> 0);
  skbCopyBits(about, o - about.data, p + ICMP_HLEN, quoted);
  icmpv6Finish(net, skb, rt, fl, ip6DstHoplimit(rt), 0, 0);
}

/**
 * Completes a message (data at its ICMPv6 header, checksum field zero): header, checksum, counters, and out. Consumes it.
 * @param flags bits of cbFlags2
 */
export function icmpv6Finish(
  net: Net,
  skb: SkBuff,
  rt: Rt6Info,
  fl: Flow6,
  hopLimit: number,
  tclass: number,
  flags: number,
): number {
  const length = skb.len;
  const type = skb.mem.u8[skb.data] as number;
  skb.transportHeader = skb.data;
  skb.cbFlags2 |= flags;
  skb.mark = fl.mark;
  const label = fl.flowLabel & 0xfffff;
  ip6PushHeader(
    skb,
    fl.saddr,
    fl.daddr,
    NEXTHDR_ICMP,
    hopLimit,
    (tclass << 20) | (label !== 0 ? label : ipv6AutoFlowLabel(net, fl)),
  );
  icmpv6Checksum(skb, length);
  icmpv6CountOut(net, type);
  return ip6LocalOut(net, skb, rt);
}

/** Fills in the checksum of a message whose header is at `transportHeader` behind its IPv6 header. */
export function icmpv6Checksum(skb: SkBuff, length: number): void {
  const m = skb.mem;
  const at = skb.transportHeader;
  m.dv.setUint16(at + 2, 0);
  const sum = csumPartial(m, at, length, csumPseudo6At(m, skb.networkHeader, NEXTHDR_ICMP, length));
  m.dv.setUint16(at + 2, ~sum & 0xffff);
}

const OUT_BY_TYPE: Readonly<Record<number, number>> = {
  1: Mib6.Icmp6OutDestUnreachs,
  2: Mib6.Icmp6OutPktTooBigs,
  3: Mib6.Icmp6OutTimeExcds,
  4: Mib6.Icmp6OutParmProblems,
  128: Mib6.Icmp6OutEchos,
  129: Mib6.Icmp6OutEchoReplies,
  130: Mib6.Icmp6OutGroupMembQueries,
  131: Mib6.Icmp6OutGroupMembResponses,
  132: Mib6.Icmp6OutGroupMembReductions,
  133: Mib6.Icmp6OutRouterSolicits,
  134: Mib6.Icmp6OutRouterAdvertisements,
  135: Mib6.Icmp6OutNeighborSolicits,
  136: Mib6.Icmp6OutNeighborAdvertisements,
  137: Mib6.Icmp6OutRedirects,
  143: Mib6.Icmp6OutMLDv2Reports,
};

/** Counts a message sent. */
export function icmpv6CountOut(net: Net, type: number): void {
  net.mib6.add(Mib6.Icmp6OutMsgs, 1);
  net.mib6.addMessage(true, type);
  const index = OUT_BY_TYPE[type];
  if (index !== undefined) net.mib6.add(index, 1);
}
