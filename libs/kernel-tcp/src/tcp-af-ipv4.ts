/**
 * TCP's questions to IPv4. Sources: net/ipv4/tcp_ipv4.c ipv4_specific, ip_output.c.
 */
import { formatIpv4 } from '@netloom/base';
import type { Dst, Net, NetDevice, SkBuff } from '@netloom/kernel-core';
import {
  inetAddrType,
  ipQueueXmit,
  ipRouteOutput,
  ipSendSkbReply,
  ipv4IsMulticast,
  RTN_LOCAL,
} from '@netloom/kernel-inet';
import { IPPROTO_TCP } from '@netloom/sys';
import { csumPseudo4, IP_HLEN, iphDaddr, iphSaddr, l4Dest, l4Source } from '@netloom/wire';
import type { ReplyFlow, TcpAfOps } from './tcp-af.js';
import type { TcpEntry } from './tcp-hash.js';
import type { TcpRequestSock } from './tcp-minisocks.js';
import type { TcpNet } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';

export const tcpAf4: TcpAfOps = {
  headerLen: IP_HLEN,
  minAdvmss: 256,
  maxPmtu: 65535,

  route(tp: TcpSock): Dst | number {
    return tp.routeTo(tp.daddr);
  },

  queueXmit(tp: TcpSock, skb: SkBuff): number {
    return ipQueueXmit(tp, skb);
  },

  sockPseudo(tp: TcpSock, length: number): number {
    return csumPseudo4(tp.saddr, tp.daddr, IPPROTO_TCP, length);
  },

  flowPseudo(flow: ReplyFlow, length: number): number {
    return csumPseudo4(flow.saddr, flow.daddr, IPPROTO_TCP, length);
  },

  sendReply(net: Net, skb: SkBuff, flow: ReplyFlow): number {
    return ipSendSkbReply(net, skb, flow.saddr, flow.daddr, IPPROTO_TCP, {
      tos: flow.tos,
      oif: flow.oif,
      mark: flow.mark,
      ...(flow.ttl >= 0 ? { ttl: flow.ttl } : {}),
    });
  },

  replyFlow(skb: SkBuff, tp: TcpSock | null): ReplyFlow {
    const m = skb.mem;
    return {
      saddr: iphDaddr(m, skb.networkHeader),
      daddr: iphSaddr(m, skb.networkHeader),
      v6: null,
      sport: l4Dest(m, skb.transportHeader),
      dport: l4Source(m, skb.transportHeader),
      oif: tp?.boundDev ?? 0,
      mark: tp?.mark ?? 0,
      tos: (tp?.tos ?? 0) & ~3,
      ttl: -1,
    };
  },

  isLocalDest(net: Net, skb: SkBuff): boolean {
    return inetAddrType(net, iphDaddr(skb.mem, skb.networkHeader)) === RTN_LOCAL;
  },

  badSynDest(skb: SkBuff): boolean {
    const daddr = iphDaddr(skb.mem, skb.networkHeader);
    return ipv4IsMulticast(daddr) || daddr === 0xffffffff;
  },

  openRequest(req: TcpRequestSock, skb: SkBuff): void {
    req.rcvSaddr = iphDaddr(skb.mem, skb.networkHeader);
    req.daddr = iphSaddr(skb.mem, skb.networkHeader);
  },

  requestRoute(req: TcpRequestSock): Dst | number {
    return ipRouteOutput(req.net, {
      daddr: req.daddr,
      saddr: req.rcvSaddr,
      oif: req.boundDev,
      tos: req.listener.tos & 0x1e,
      mark: req.mark,
    });
  },

  childAddresses(child: TcpSock, req: TcpRequestSock): void {
    child.rcvSaddr = child.saddr = req.rcvSaddr;
    child.daddr = req.daddr;
    if (child.v6 !== null) child.v6.mapped = true;
  },

  lookupListener(tn: TcpNet, skb: SkBuff): TcpSock | null {
    const m = skb.mem;
    return tn.hash.lookupListener(
      iphDaddr(m, skb.networkHeader),
      l4Dest(m, skb.transportHeader),
      iphSaddr(m, skb.networkHeader),
      l4Source(m, skb.transportHeader),
      (skb.dev as NetDevice).ifindex,
    );
  },

  lookupOwn(tp: TcpSock, port: number): TcpEntry | null {
    return tp.tn.hash.lookup(tp.rcvSaddr, port, tp.daddr, tp.dport, tp.boundDev);
  },

  isLoopback(saddr: number, daddr: number): boolean {
    return daddr >>> 24 === 127 || saddr >>> 24 === 127;
  },

  logName(tp: TcpSock): string {
    return `${formatIpv4(tp.rcvSaddr)}:${tp.sport}`;
  },
};
