/**
 * TCP over IPv4: received packets to their sockets, connect, ICMP errors.
 * ip-local → tcpV4Rcv → tcp-rcv; TcpStreamSock.connect → tcpV4Connect; icmp → tcpV4Err.
 * Sources: net/ipv4/tcp_ipv4.c, RFC 5927.
 */
import { Errno, seqAfter, seqBetween } from '@netloom/base';
import { Mib, mibAdd, type InetProtocol, type NetDevice, type SkBuff } from '@netloom/kernel-core';
import {
  ICMP_ERR_CONVERT,
  IP_PMTUDISC_DONT,
  ipRouteOutput,
  ipRtUpdatePmtu,
  ipv4Redirect,
  ipv4IsMulticast,
  RTN_BROADCAST,
  RTN_MULTICAST,
} from '@netloom/kernel-inet';
import { IPPROTO_TCP } from '@netloom/sys';
import {
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  ICMP_HOST_UNREACH,
  ICMP_NET_UNREACH,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  iphDaddr,
  iphIhl,
  iphSaddr,
  l4Dest,
  l4Source,
} from '@netloom/wire';
import { tcpAf4 } from './tcp-af-ipv4.js';
import {
  TCP_CLOSE,
  TCP_LISTEN,
  TCP_NEW_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
  TCPF_SYN_RECV,
  TCPF_SYN_SENT,
} from './tcp-const.js';
import { tcpForgetPeer, tcpHashConnect } from './tcp-hash-connect.js';
import { tcpRcvEntry, tcpRcvHeader } from './tcp-rcv.js';
import { tcpConnect } from './tcp-connect.js';
import { tcpDoneWithError } from './tcp-data.js';
import { reqskQueueDrop, type TcpRequestSock } from './tcp-minisocks.js';
import { tcpSyncMss } from './tcp-mss.js';
import { tcpNet, TcpSysctl } from './tcp-net.js';
import { tcpSimpleRetransmit } from './tcp-recovery.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpErrorReport, tcpSetState } from './tcp-state.js';
import { tcpResetXmitTimer } from './tcp-xmit-timer.js';

/** Takes a packet whose data starts at the TCP header. Consumes it. @kernel tcp_v4_rcv() */
function tcpV4Rcv(skb: SkBuff): void {
  const dev = skb.dev as NetDevice;
  const doff = tcpRcvHeader(skb, dev.net);
  if (doff === 0) return;
  const m = skb.mem;
  const th = skb.transportHeader;
  const ip = skb.networkHeader;
  const { hash } = tcpNet(dev.net);
  const entry = hash.lookup(
    iphDaddr(m, ip),
    l4Dest(m, th),
    iphSaddr(m, ip),
    l4Source(m, th),
    dev.ifindex,
  );
  tcpRcvEntry(tcpAf4, dev.net, entry, skb, doff);
}

// ---- connect ----

/** Starts a connection. 0 or a negative errno. @kernel tcp_v4_connect() */
export function tcpV4Connect(tp: TcpSock, addr: number, port: number): number {
  const net = tp.net;
  const rt = ipRouteOutput(net, {
    daddr: addr,
    saddr: tp.saddr,
    oif: tp.boundDev,
    tos: tp.tos & 0x1e,
    mark: tp.mark,
    protocol: IPPROTO_TCP,
    sport: tp.sport,
    dport: port,
  });
  if (typeof rt === 'number') {
    if (rt === -Errno.ENETUNREACH) mibAdd(net.mib, Mib.IpOutNoRoutes, 1);
    return rt;
  }
  if (rt.type === RTN_MULTICAST || rt.type === RTN_BROADCAST || ipv4IsMulticast(addr))
    return -Errno.ENETUNREACH;
  if (tp.saddr === 0) {
    tp.saddr = rt.prefsrc;
    tp.rcvSaddr = rt.prefsrc;
  }
  const daddr = addr === 0 ? tp.saddr : addr;
  if (tp.rxOpt.tsRecentStamp !== 0 && tp.daddr !== daddr) {
    tp.rxOpt.tsRecent = 0;
    tp.rxOpt.tsRecentStamp = 0;
    tp.writeSeq = 0;
  }
  tp.daddr = daddr;
  tp.dport = port;
  tcpSetState(tp, TCP_SYN_SENT);
  let error = tcpHashConnect(tp);
  if (error === 0) {
    tp.dst = rt;
    if (tp.writeSeq === 0) tp.writeSeq = tp.tn.secrets.isn(tp.saddr, tp.daddr, tp.sport, tp.dport);
    tp.tsOffset =
      tp.tn.sysctl(TcpSysctl.tcp_timestamps) === 1 ? tp.tn.secrets.tsOffset(tp.saddr, tp.daddr) : 0;
    error = tcpConnect(tp);
    if (error === 0) return 0;
  }
  tcpSetState(tp, TCP_CLOSE);
  tcpForgetPeer(tp);
  return error;
}

// ---- errors ----

/** An ICMP error about a segment of ours; data at the quoted IP header. @kernel tcp_v4_err() */
function tcpV4Err(skb: SkBuff, type: number, code: number, info: number): void {
  const dev = skb.dev as NetDevice;
  const net = dev.net;
  const m = skb.mem;
  const ip = skb.data;
  const th = ip + iphIhl(m, ip) * 4;
  const tn = tcpNet(net);
  const entry = tn.hash.lookup(
    iphSaddr(m, ip),
    l4Source(m, th),
    iphDaddr(m, ip),
    l4Dest(m, th),
    dev.ifindex,
  );
  if (entry === null) {
    mibAdd(net.mib, Mib.IcmpInErrors, 1);
    return;
  }
  if (entry.state === TCP_TIME_WAIT) return;
  const seq = m.dv.getUint32(th + 4);
  const hard =
    type === ICMP_PARAMETERPROB || type === ICMP_TIME_EXCEEDED || type === ICMP_DEST_UNREACH;
  if (entry.state === TCP_NEW_SYN_RECV) {
    const req = entry as TcpRequestSock;
    if (seq !== req.sntIsn) {
      mibAdd(net.mib, Mib.TcpExtOutOfWindowIcmps, 1);
    } else if (hard && !(type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED)) {
      reqskQueueDrop(req);
      mibAdd(net.mib, Mib.TcpExtListenDrops, 1);
    }
    return;
  }
  const tp = entry as TcpSock;
  if (type === ICMP_REDIRECT) {
    ipv4Redirect(skb, info);
    return;
  }
  if (tp.state === TCP_CLOSE) return;
  // Before the third packet of a connection opened with data its SYN-ACK is the oldest that may be meant.
  const request = tp.tfo === null ? null : tp.tfo.request;
  const oldest = request === null ? tp.sndUna : request.sntIsn;
  if (tp.state !== TCP_LISTEN && !seqBetween(seq, oldest, tp.sndNxt)) {
    mibAdd(net.mib, Mib.TcpExtOutOfWindowIcmps, 1);
    return;
  }
  let error: number;
  if (type === ICMP_PARAMETERPROB) {
    error = Errno.EPROTO;
  } else if (type === ICMP_TIME_EXCEEDED) {
    error = Errno.EHOSTUNREACH;
  } else if (type === ICMP_DEST_UNREACH) {
    if (code === ICMP_FRAG_NEEDED) {
      if (tp.state !== TCP_LISTEN) mtuReduced(tp, info);
      return;
    }
    error = ICMP_ERR_CONVERT[code]?.errno ?? Errno.EHOSTUNREACH;
    if (code === ICMP_NET_UNREACH || code === ICMP_HOST_UNREACH) tcpRevertRto(tp, seq);
  } else {
    return;
  }
  const accepted = request !== null && tp.listener === null; // treated as any connection
  if (((1 << tp.state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) !== 0 && !accepted) {
    tcpDoneWithError(tp, error);
  } else if (tp.recverr) {
    tp.err = error;
    tcpErrorReport(tp);
  } else {
    tp.errSoft = error; // reported if the connection times out
  }
}

/** The path takes smaller packets only: the route learns it, and what is too large goes again. @kernel tcp_v4_mtu_reduced() */
function mtuReduced(tp: TcpSock, mtu: number): void {
  const before = tp.routeTo(tp.daddr);
  if (typeof before === 'number') return;
  ipRtUpdatePmtu(tp.net, before, tp.daddr, mtu);
  const dst = tp.routeTo(tp.daddr);
  if (typeof dst === 'number' || tp.pmtudisc === IP_PMTUDISC_DONT || tp.pmtuCookie <= dst.mtu())
    return;
  tcpSyncMss(tp, dst.mtu());
  tcpSimpleRetransmit(tp);
}

/** An unreachable network took the retransmission: that timeout says nothing of congestion. @kernel tcp_ld_RTO_revert(), RFC 6069 */
export function tcpRevertRto(tp: TcpSock, seq: number): void {
  if (seq !== tp.sndUna || tp.retransmits === 0 || tp.backoff === 0) return;
  const head = tp.rtxQueue.first;
  if (head === null || seqAfter(head.cbSeq, seq)) return;
  tp.backoff--;
  const base = tp.srttUs !== 0 ? (tp.srttUs >> 3) + tp.rttvarUs : 1_000_000;
  tp.rtoUs = Math.min(Math.ceil(base / 1000) * 1000 * 2 ** tp.backoff, tp.rtoMaxUs);
  const left = tp.rtoUs - Math.floor((tp.now - head.cbTime) / 1000);
  tcpResetXmitTimer(tp, tp.pendingEvent === 0 ? 1 : tp.pendingEvent, Math.max(left, 1));
}

export const tcpProtocol: InetProtocol = { handler: tcpV4Rcv, errHandler: tcpV4Err };
