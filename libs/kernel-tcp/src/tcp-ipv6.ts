/**
 * TCP over IPv6: received packets to their sockets, connect, ICMPv6 errors.
 * ip6-input → tcpV6Rcv → tcp-rcv; TcpStreamSock.connect → tcpV6Connect; icmpv6 → tcpV6Err.
 * Sources: net/ipv6/tcp_ipv6.c, RFC 5927.
 */
import { Errno, seqBetween } from '@netloom/base';
import {
  Mib,
  mibAdd,
  Mib6,
  type InetProtocol,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { in6Key } from '@netloom/kernel-inet';
import {
  icmpv6ErrConvert,
  inet6Flow,
  inet6SetPeer,
  inet6TakeSource,
  ip6DstLookupFlow,
  ip6UpdatePmtu,
  IPV6_PMTUDISC_DONT,
} from '@netloom/kernel-inet6';
import type { SockAddrIn6 } from '@netloom/sys';
import {
  ICMPV6_PKT_TOOBIG,
  IN6ADDR_LOOPBACK,
  in6Equal,
  in6FromBytes,
  in6IsAny,
  in6IsLinkLocal,
  in6IsMulticast,
  in6IsV4Mapped,
  in6V4,
  ip6hDaddr,
  ip6hHopLimit,
  ip6hSaddr,
  l4Dest,
  l4Source,
  NDISC_REDIRECT,
} from '@netloom/wire';
import { tcpAf4 } from './tcp-af-ipv4.js';
import { tcpAf6 } from './tcp-af-ipv6.js';
import { tcpConnect } from './tcp-connect.js';
import {
  TCP_CLOSE,
  TCP_LISTEN,
  TCP_NEW_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
  TCPF_SYN_RECV,
  TCPF_SYN_SENT,
} from './tcp-const.js';
import { tcpDoneWithError } from './tcp-data.js';
import { tcpForgetPeer, tcpHashConnect } from './tcp-hash-connect.js';
import { tcpV4Connect } from './tcp-ipv4.js';
import { reqskQueueDrop, type TcpRequestSock } from './tcp-minisocks.js';
import { tcpSyncMss } from './tcp-mss.js';
import { tcpNet, TcpSysctl } from './tcp-net.js';
import { tcpRcvEntry, tcpRcvHeader } from './tcp-rcv.js';
import { tcpSimpleRetransmit } from './tcp-recovery.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpErrorReport, tcpSetState } from './tcp-state.js';

/** Takes a packet whose data starts at the TCP header. Consumes it. @kernel tcp_v6_rcv() */
function tcpV6Rcv(skb: SkBuff): void {
  const { net, ifindex } = skb.dev as NetDevice;
  const doff = tcpRcvHeader(skb, net);
  if (doff === 0) return;
  const m = skb.mem;
  const saddr = ip6hSaddr(m, skb.networkHeader);
  const daddr = ip6hDaddr(m, skb.networkHeader);
  const entry = tcpNet(net).hash.lookup6(
    daddr,
    in6Key(daddr),
    l4Dest(m, skb.transportHeader),
    saddr,
    in6Key(saddr),
    l4Source(m, skb.transportHeader),
    ifindex,
  );
  tcpRcvEntry(tcpAf6, net, entry, skb, doff);
}

/** Starts a connection of an AF_INET6 socket. 0 or a negative errno. @kernel tcp_v6_connect() */
export function tcpV6Connect(tp: TcpSock, addr: SockAddrIn6): number {
  const v6 = tp.v6;
  if (v6 === null) return -Errno.EAFNOSUPPORT;
  let daddr = in6FromBytes(addr.addr);
  if (in6IsAny(daddr)) daddr = v6.mapped ? MAPPED_LOOPBACK : IN6ADDR_LOOPBACK;
  if (in6IsMulticast(daddr)) return -Errno.ENETUNREACH;
  if (in6IsV4Mapped(daddr)) return connectMapped(tp, in6V4(daddr), addr.port);
  if (v6.mapped) return -Errno.ENETUNREACH;
  if (in6IsLinkLocal(daddr)) {
    if (addr.scopeId !== 0) {
      if (tp.boundDev !== 0 && tp.boundDev !== addr.scopeId) return -Errno.EINVAL;
      tp.boundDev = addr.scopeId;
    }
    if (tp.boundDev === 0) return -Errno.EINVAL;
  }
  if (tp.rxOpt.tsRecentStamp !== 0 && !in6Equal(v6.daddr, daddr)) {
    tp.rxOpt.tsRecent = 0;
    tp.rxOpt.tsRecentStamp = 0;
    tp.writeSeq = 0;
  }
  const flow = inet6Flow(tp, daddr, addr.port, 0);
  const rt = ip6DstLookupFlow(tp.net, flow);
  if (typeof rt === 'number') return rt;
  tp.af = tcpAf6;
  inet6SetPeer(tp, daddr, addr.port);
  inet6TakeSource(tp, flow.saddr);
  tp.v6Ends = { saddr: v6.saddr, daddr, ifindex: in6IsLinkLocal(daddr) ? tp.boundDev : 0 };
  tcpSetState(tp, TCP_SYN_SENT);
  let error = tcpHashConnect(tp);
  if (error === 0) {
    tp.dst = rt;
    const { secrets } = tp.tn;
    if (tp.writeSeq === 0) tp.writeSeq = secrets.isn(tp.saddr, tp.daddr, tp.sport, tp.dport);
    tp.tsOffset =
      tp.tn.sysctl(TcpSysctl.tcp_timestamps) === 1 ? secrets.tsOffset(tp.saddr, tp.daddr) : 0;
    error = tcpConnect(tp);
    if (error === 0) return 0;
  }
  tcpSetState(tp, TCP_CLOSE);
  tcpForgetPeer(tp);
  return error;
}

const MAPPED_LOOPBACK = in6FromBytes(
  Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1),
);

/** Connects to an IPv4-mapped address: the connection is one of IPv4. */
function connectMapped(tp: TcpSock, addr: number, port: number): number {
  const v6 = tp.v6;
  if (v6 === null || v6.v6only) return -Errno.ENETUNREACH;
  if (!v6.mapped && tp.rcvSaddr !== 0) return -Errno.ENETUNREACH; // bound to an address of IPv6
  const was = v6.mapped;
  v6.mapped = true;
  tp.af = tcpAf4;
  const error = tcpV4Connect(tp, addr, port);
  if (error !== 0) {
    v6.mapped = was;
    tp.af = tcpAf6;
  }
  return error;
}

/** An ICMPv6 error about a segment of ours; data at the quoted IPv6 header. @kernel tcp_v6_err() */
function tcpV6Err(skb: SkBuff, type: number, code: number, info: number): void {
  const { net, ifindex } = skb.dev as NetDevice;
  const m = skb.mem;
  const th = skb.data + skb.cbOptLen;
  const saddr = ip6hSaddr(m, skb.data);
  const daddr = ip6hDaddr(m, skb.data);
  const entry = tcpNet(net).hash.lookup6(
    saddr,
    in6Key(saddr),
    l4Source(m, th),
    daddr,
    in6Key(daddr),
    l4Dest(m, th),
    ifindex,
  );
  if (entry === null) {
    net.mib6.add(Mib6.Icmp6InErrors, 1);
    return;
  }
  if (entry.state === TCP_TIME_WAIT) return;
  const seq = m.dv.getUint32(th + 4);
  const { errno, fatal } = icmpv6ErrConvert(type, code);
  if (entry.state === TCP_NEW_SYN_RECV) {
    const req = entry as TcpRequestSock;
    if (seq !== req.sntIsn) {
      mibAdd(net.mib, Mib.TcpExtOutOfWindowIcmps, 1);
    } else if (fatal) {
      reqskQueueDrop(req);
      mibAdd(net.mib, Mib.TcpExtListenDrops, 1);
    }
    return;
  }
  const tp = entry as TcpSock;
  if (tp.state === TCP_CLOSE) return;
  const hops = tp.v6?.hopLimit ?? -1;
  if (hops > ip6hHopLimit(m, skb.networkHeader) && hops === 255) return;
  if (tp.state !== TCP_LISTEN && !seqBetween(seq, tp.sndUna, tp.sndNxt)) {
    mibAdd(net.mib, Mib.TcpExtOutOfWindowIcmps, 1);
    return;
  }
  if (type === NDISC_REDIRECT) return; // the network layer has learned it
  if (type === ICMPV6_PKT_TOOBIG) {
    if (tp.state !== TCP_LISTEN) mtuReduced(tp, info);
    return;
  }
  if (((1 << tp.state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) !== 0) {
    tcpDoneWithError(tp, errno);
  } else if (tp.recverr) {
    tp.err = errno;
    tcpErrorReport(tp);
  } else {
    tp.errSoft = errno;
  }
}

/** The path takes smaller packets only. @kernel tcp_v6_mtu_reduced() */
function mtuReduced(tp: TcpSock, mtu: number): void {
  const ends = tp.v6Ends;
  if (ends === null || tp.v6?.pmtudisc === IPV6_PMTUDISC_DONT) return;
  ip6UpdatePmtu(tp.net, ends.daddr, ends.saddr, tp.boundDev, tp.mark, mtu);
  tp.dst = null;
  const dst = tcpAf6.route(tp);
  if (typeof dst === 'number' || tp.pmtuCookie <= dst.mtu()) return;
  tcpSyncMss(tp, dst.mtu());
  tcpSimpleRetransmit(tp);
}

export const tcpV6Protocol: InetProtocol = { handler: tcpV6Rcv, errHandler: tcpV6Err };
