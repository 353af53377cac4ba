/**
 * TCP's questions to IPv6. Sources: net/ipv6/tcp_ipv6.c ipv6_specific, inet6_connection_sock.c.
 */
import { Errno } from '@netloom/base';
import { DropReason, type Dst, type Net, type NetDevice, type SkBuff } from '@netloom/kernel-core';
import { in6Key } from '@netloom/kernel-inet';
import {
  Flow6,
  inet6Flow,
  inet6HopLimit,
  inet6Route,
  ip6DstHoplimit,
  ip6DstLookupFlow,
  ip6LocalOut,
  ip6PushHeader,
  ipv6AutoFlowLabel,
  ipv6ChkAddr,
} from '@netloom/kernel-inet6';
import { IPPROTO_TCP } from '@netloom/sys';
import {
  csumPseudo6,
  in6IsLinkLocal,
  in6IsLoopback,
  in6IsMulticast,
  in6IsV4Mapped,
  in6Text,
  IP6_HLEN,
  ip6hDaddr,
  ip6hSaddr,
  l4Dest,
  l4Source,
} from '@netloom/wire';
import type { ReplyFlow, TcpAfOps, V6Ends } from './tcp-af.js';
import type { TcpEntry } from './tcp-hash.js';
import type { TcpRequestSock } from './tcp-minisocks.js';
import type { TcpNet } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';

/** Both ends of a received packet, as seen from here. */
function endsOf(skb: SkBuff): V6Ends {
  const m = skb.mem;
  const daddr = ip6hSaddr(m, skb.networkHeader);
  return {
    saddr: ip6hDaddr(m, skb.networkHeader),
    daddr,
    ifindex: in6IsLinkLocal(daddr) ? skb.skbIif : 0,
  };
}

function ends(v6: V6Ends | null): V6Ends {
  return v6 as V6Ends; // a connection of IPv6 has them
}

/** Traffic class of a socket: its own bits, and ECN's where TCP set them. */
function tclassOf(tp: TcpSock): number {
  return ((tp.v6?.tclass ?? 0) & ~3) | (tp.tos & 3);
}

export const tcpAf6: TcpAfOps = {
  headerLen: IP6_HLEN,
  minAdvmss: 1220,
  maxPmtu: 65535 + IP6_HLEN,

  route(tp: TcpSock): Dst | number {
    return inet6Route(tp);
  },

  /** @kernel inet6_csk_xmit() */
  queueXmit(tp: TcpSock, skb: SkBuff): number {
    const rt = inet6Route(tp);
    if (typeof rt === 'number') {
      tp.net.kernel.kfreeSkbReason(skb, DropReason.IP_OUTNOROUTES);
      return -Errno.EHOSTUNREACH;
    }
    const { saddr, daddr } = ends(tp.v6Ends);
    const flow = inet6Flow(tp, daddr, tp.dport, 0);
    flow.saddr = saddr;
    if (tp.v6?.autoFlowLabel !== 0) flow.flowLabel |= ipv6AutoFlowLabel(tp.net, flow);
    skb.mark = tp.mark;
    skb.priority = tp.priority;
    const info = (tclassOf(tp) << 20) | (flow.flowLabel & 0xfffff);
    ip6PushHeader(skb, saddr, daddr, IPPROTO_TCP, inet6HopLimit(tp, daddr, rt), info);
    return ip6LocalOut(tp.net, skb, rt);
  },

  sockPseudo(tp: TcpSock, length: number): number {
    const { saddr, daddr } = ends(tp.v6Ends);
    return csumPseudo6(saddr, daddr, IPPROTO_TCP, length);
  },

  flowPseudo(flow: ReplyFlow, length: number): number {
    const { saddr, daddr } = ends(flow.v6);
    return csumPseudo6(saddr, daddr, IPPROTO_TCP, length);
  },

  /** @kernel tcp_v6_send_response() */
  sendReply(net: Net, skb: SkBuff, flow: ReplyFlow): number {
    const { saddr, daddr, ifindex } = ends(flow.v6);
    const fl6 = new Flow6(daddr);
    fl6.saddr = saddr;
    fl6.oif = flow.oif !== 0 ? flow.oif : ifindex;
    fl6.mark = flow.mark;
    fl6.protocol = IPPROTO_TCP;
    fl6.sport = flow.sport;
    fl6.dport = flow.dport;
    fl6.flowLabel = flow.tos << 20;
    const rt = ip6DstLookupFlow(net, fl6);
    if (typeof rt === 'number') {
      net.kernel.kfreeSkbReason(skb, DropReason.IP_OUTNOROUTES);
      return rt;
    }
    fl6.flowLabel |= ipv6AutoFlowLabel(net, fl6);
    const hops = flow.ttl >= 0 ? flow.ttl : ip6DstHoplimit(rt);
    ip6PushHeader(skb, saddr, daddr, IPPROTO_TCP, hops, fl6.flowLabel);
    return ip6LocalOut(net, skb, rt);
  },

  replyFlow(skb: SkBuff, tp: TcpSock | null): ReplyFlow {
    const v6 = endsOf(skb);
    return {
      saddr: in6Key(v6.saddr),
      daddr: in6Key(v6.daddr),
      v6,
      sport: l4Dest(skb.mem, skb.transportHeader),
      dport: l4Source(skb.mem, skb.transportHeader),
      oif: tp?.boundDev ?? 0,
      mark: tp?.mark ?? 0,
      tos: (tp?.v6?.tclass ?? 0) & ~3,
      ttl: -1,
    };
  },

  isLocalDest(net: Net, skb: SkBuff): boolean {
    return ipv6ChkAddr(net, ip6hDaddr(skb.mem, skb.networkHeader), null);
  },

  badSynDest(skb: SkBuff): boolean {
    const m = skb.mem;
    return (
      in6IsMulticast(ip6hDaddr(m, skb.networkHeader)) ||
      in6IsV4Mapped(ip6hSaddr(m, skb.networkHeader))
    );
  },

  openRequest(req: TcpRequestSock, skb: SkBuff): void {
    const v6 = endsOf(skb);
    req.v6Ends = v6;
    req.rcvSaddr = in6Key(v6.saddr);
    req.daddr = in6Key(v6.daddr);
    // a connection over link-local addresses stays on its link
    if (req.boundDev === 0) req.boundDev = v6.ifindex;
  },

  requestRoute(req: TcpRequestSock): Dst | number {
    const { saddr, daddr, ifindex } = ends(req.v6Ends);
    const fl6 = new Flow6(daddr);
    fl6.saddr = saddr;
    fl6.oif = req.boundDev !== 0 ? req.boundDev : ifindex;
    fl6.mark = req.mark;
    fl6.protocol = IPPROTO_TCP;
    fl6.sport = req.sport;
    fl6.dport = req.dport;
    return ip6DstLookupFlow(req.net, fl6);
  },

  childAddresses(child: TcpSock, req: TcpRequestSock): void {
    const v6Ends = ends(req.v6Ends);
    child.v6Ends = v6Ends;
    child.rcvSaddr = child.saddr = req.rcvSaddr;
    child.daddr = req.daddr;
    if (child.v6 === null) return;
    child.v6.rcvSaddr = child.v6.saddr = v6Ends.saddr;
    child.v6.daddr = v6Ends.daddr;
  },

  lookupListener(tn: TcpNet, skb: SkBuff): TcpSock | null {
    const m = skb.mem;
    const daddr = ip6hDaddr(m, skb.networkHeader);
    return tn.hash.lookupListener6(
      daddr,
      in6Key(daddr),
      l4Dest(m, skb.transportHeader),
      in6Key(ip6hSaddr(m, skb.networkHeader)),
      l4Source(m, skb.transportHeader),
      (skb.dev as NetDevice).ifindex,
    );
  },

  lookupOwn(tp: TcpSock, port: number): TcpEntry | null {
    const { saddr, daddr } = ends(tp.v6Ends);
    return tp.tn.hash.lookup6(saddr, tp.rcvSaddr, port, daddr, tp.daddr, tp.dport, tp.boundDev);
  },

  isLoopback(_saddr: number, _daddr: number, v6: V6Ends | null): boolean {
    return v6 !== null && (in6IsLoopback(v6.saddr) || in6IsLoopback(v6.daddr));
  },

  logName(tp: TcpSock): string {
    return `[${tp.v6 === null ? '::' : in6Text(tp.v6.rcvSaddr)}]:${tp.sport}`;
  },
};
