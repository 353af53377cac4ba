/**
 * The way out of IPv6: header, LOCAL_OUT, POST_ROUTING, fragmentation, the neighbour.
 * sockets → ip6Xmit | ip6PushHeader + ip6LocalOut → ip6Output → ip6FinishOutput → neighbour → device.
 * Source: net/ipv6/ip6_output.c.
 */
import { Errno } from '@netloom/base';
import {
  DropReason,
  Mib6,
  netifRx,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  nfHookSlow,
  NFPROTO_IPV6,
  PACKET_LOOPBACK,
  skbPush,
  type Net,
  type SkBuff,
} from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import {
  ETH_HLEN,
  ETH_P_IPV6,
  in6Hash,
  IP6_HLEN,
  ip6hDaddr,
  ip6hHopLimit,
  ip6hWrite,
  type In6Addr,
} from '@netloom/wire';
import { IP6SKB_NOMCLOOP } from './exthdrs.js';
import type { Flow6 } from './flow6.js';
import { Inet6Dev } from './inet6-dev.js';
import { ip6Fragment } from './ip6-fragment-out.js';
import { ipv6Of, Ipv6Sysctl } from './ipv6-net.js';
import { ipv6ChkMcast } from './mcast6.js';
import { ndiscNeighbour } from './ndisc-cache.js';
import { ip6DstHoplimit, type Rt6Info } from './route6.js';

/** Pushes an IPv6 header in front of the packet. `flowInfo` is tclass << 20 | flow label. */
export function ip6PushHeader(
  skb: SkBuff,
  saddr: In6Addr,
  daddr: In6Addr,
  nexthdr: number,
  hopLimit: number,
  flowInfo: number,
): void {
  const payload = skb.len;
  const o = skbPush(skb, IP6_HLEN);
  ip6hWrite(skb.mem, o, flowInfo, payload > 0xffff ? 0 : payload, nexthdr, hopLimit, saddr, daddr);
  skb.networkHeader = o;
}

/** The flow label of a flow of ours that asked for none: the same for all of its packets. @kernel ip6_make_flowlabel() */
export function ipv6AutoFlowLabel(net: Net, fl: Flow6): number {
  const ipv6 = ipv6Of(net);
  const mode = ipv6.sysctl(Ipv6Sysctl.auto_flowlabels);
  if (mode === 0 || mode === 2) return 0;
  if (ipv6.flowKey === 0) ipv6.flowKey = net.kernel.random('flow-label').u32() | 1;
  let h = in6Hash(fl.saddr) ^ Math.imul(in6Hash(fl.daddr), 0x27d4eb2f) ^ ipv6.flowKey;
  h = Math.imul(h ^ (fl.sport << 16) ^ fl.dport ^ (fl.protocol << 8), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  const label = (h ^ (h >>> 16)) & 0xfffff;
  return ipv6.sysctl(Ipv6Sysctl.flowlabel_state_ranges) !== 0 ? label | 0x80000 : label;
}

/**
 * Puts a header in front of a transport segment and sends it along a route. Consumes it; 0 or a negative errno.
 * @param hopLimit -1 for the route's @kernel ip6_xmit()
 */
export function ip6Xmit(
  net: Net,
  skb: SkBuff,
  rt: Rt6Info,
  fl: Flow6,
  hopLimit: number,
  tclass: number,
): number {
  const label = fl.flowLabel & 0xfffff;
  ip6PushHeader(
    skb,
    fl.saddr,
    fl.daddr,
    fl.protocol,
    hopLimit < 0 ? ip6DstHoplimit(rt) : hopLimit,
    (tclass << 20) | (label !== 0 ? label : ipv6AutoFlowLabel(net, fl)),
  );
  return ip6LocalOut(net, skb, rt);
}

/**
 * Sends a packet of ours whose data starts at a complete IPv6 header. Consumes it.
 * @returns 0 or a negative errno. @kernel ip6_local_out()
 */
export function ip6LocalOut(net: Net, skb: SkBuff, rt: Rt6Info): number {
  net.mib6.add(Mib6.Ip6OutRequests, 1);
  skb.protocol = ETH_P_IPV6;
  skb.dst = rt;
  if (skb.packetId === 0) skb.packetId = skb.pool.nextPacketId();
  const hooks = net.nf6(NF_INET_LOCAL_OUT);
  if (hooks !== null && !nfHookSlow(hooks, net, NFPROTO_IPV6, NF_INET_LOCAL_OUT, skb, null, rt.dev))
    return -Errno.EPERM;
  return ip6Output(skb, (skb.dst as Rt6Info | null) ?? rt);
}

/** Consumes the packet. @kernel ip6_output() */
export function ip6Output(skb: SkBuff, rt: Rt6Info): number {
  const out = rt.dev;
  const { net } = out;
  const input = skb.dev;
  skb.dev = out;
  if (Inet6Dev.of(out)?.disabled !== false) {
    net.mib6.add(Mib6.Ip6OutDiscards, 1);
    net.kernel.kfreeSkbReason(skb, DropReason.IPV6DISABLED);
    return 0;
  }
  const hooks = net.nf6(NF_INET_POST_ROUTING);
  if (
    hooks !== null &&
    !nfHookSlow(hooks, net, NFPROTO_IPV6, NF_INET_POST_ROUTING, skb, input, out)
  )
    return -Errno.EPERM;
  if (skb.gsoSize === 0 && skb.len > rt.mtu()) return ip6Fragment(net, skb, rt, ip6FinishOutput2);
  return ip6FinishOutput2(skb, rt);
}

/** The last step of IPv6: groups, counters, the neighbour's link-layer address. @kernel ip6_finish_output2() */
function ip6FinishOutput2(skb: SkBuff, rt: Rt6Info): number {
  const { dev } = rt;
  const { net } = dev;
  const { mib6, kernel } = net;
  const m = skb.mem;
  const o = skb.networkHeader;
  const multicast = m.u8[o + 24] === 0xff;
  if (multicast && !ip6McOutput(skb, rt)) return 0;
  mib6.add(Mib6.Ip6OutTransmits, 1);
  mib6.add(Mib6.Ip6OutOctets, skb.len);
  let { neigh } = rt;
  if (neigh === null || neigh.dead) {
    const found = ndiscNeighbour(
      dev,
      rt.gateway !== null && !multicast ? rt.gateway : ip6hDaddr(m, o),
    );
    if (found === null) {
      mib6.add(Mib6.Ip6OutNoRoutes, 1);
      kernel.kfreeSkbReason(skb, DropReason.NEIGH_CREATEFAIL);
      return -Errno.EINVAL;
    }
    neigh = found;
    if (rt.gateway !== null && !multicast) rt.neigh = neigh;
  }
  return neigh.output(skb, ETH_P_IPV6);
}

/** A packet to a group: this host hears it too, where it listens. False when it ends here (consumed). */
function ip6McOutput(skb: SkBuff, rt: Rt6Info): boolean {
  const { dev } = rt;
  const { net } = dev;
  const m = skb.mem;
  const o = skb.networkHeader;
  const loops = (dev.flags & Iff.IFF_LOOPBACK) !== 0;
  if (
    !loops &&
    (skb.cbFlags2 & IP6SKB_NOMCLOOP) === 0 &&
    (skb.sk as { mcLoop?: boolean } | null)?.mcLoop !== false &&
    ipv6ChkMcast(dev, ip6hDaddr(m, o))
  ) {
    const copy = skb.pool.clone(skb);
    copy.pktType = PACKET_LOOPBACK;
    copy.dst = rt;
    copy.dev = dev;
    copy.macHeader = copy.networkHeader - ETH_HLEN;
    netifRx(copy);
    if (ip6hHopLimit(m, o) === 0) {
      net.mib6.add(Mib6.Ip6OutDiscards, 1);
      net.kernel.kfreeSkbReason(skb, DropReason.IP_TTL);
      return false;
    }
  }
  net.mib6.add(Mib6.Ip6OutMcastPkts, 1);
  net.mib6.add(Mib6.Ip6OutMcastOctets, skb.len);
  if (((m.u8[o + 25] as number) & 15) <= 1 && !loops) {
    net.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED); // it never leaves the host
    return false;
  }
  return true;
}
