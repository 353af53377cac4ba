/**
 * TCP over IPv4: received packets to their sockets, connect, ICMP errors.
 * ip-local → tcpV4Rcv → tcp-input; TcpStreamSock.connect → tcpV4Connect; icmp → tcpV4Err.
 * Sources: net/ipv4/tcp_ipv4.c, inet_hashtables.c __inet_hash_connect(); RFC 6056, RFC 5927.
 */
import { Errno, seqAfter, seqBetween } from '@netloom/base';
import {
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  DropReason,
  Mib,
  mibAdd,
  PACKET_HOST,
  pskbMayPull,
  skbOrphan,
  skbPull,
  type InetProtocol,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  ICMP_ERR_CONVERT,
  IP_PMTUDISC_DONT,
  ipRouteOutput,
  ipRtUpdatePmtu,
  ipv4Redirect,
  ipv4IsMulticast,
  ipv4Of,
  RTN_BROADCAST,
  RTN_MULTICAST,
} from '@netloom/kernel-inet';
import { IPPROTO_TCP } from '@netloom/sys';
import {
  csumPartial,
  csumPseudo4,
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
  TCP_HLEN,
  TCPHDR_FIN,
  TCPHDR_SYN,
  tcphDoff,
  tcphFlags,
  tcphSeq,
} from '@netloom/wire';
import { tcpAf4 } from './tcp-af-ipv4.js';
import { tcpAfOf } from './tcp-af-of.js';
import {
  NSEC_PER_SEC,
  SOCK_BINDADDR_LOCK,
  SOCK_BINDPORT_LOCK,
  TCP_CLOSE,
  TCP_ESTABLISHED,
  TCP_LISTEN,
  TCP_NEW_SYN_RECV,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
  TCPF_SYN_RECV,
  TCPF_SYN_SENT,
} from './tcp-const.js';
import { tcpConnect } from './tcp-connect.js';
import { tcpDoneWithError } from './tcp-data.js';
import type { BindBucket } from './tcp-hash.js';
import { tcpRcvEstablished, tcpRcvStateProcess } from './tcp-input.js';
import { tcpCookieCheck } from './tcp-listen.js';
import { reqskQueueDrop, tcpCheckReq, type TcpRequestSock } from './tcp-minisocks.js';
import { tcpSyncMss } from './tcp-mss.js';
import { tcpNet, TcpSysctl, type TcpNet } from './tcp-net.js';
import { tcpSimpleRetransmit } from './tcp-recovery.js';
import { tcpSendReset, tcpTimewaitAck } from './tcp-reply.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpErrorReport, tcpPutPort, tcpSetState } from './tcp-state.js';
import {
  TCP_TW_ACK,
  TCP_TW_RST,
  TCP_TW_SYN,
  tcpTimewaitStateProcess,
  type TcpTimewaitSock,
} from './tcp-timewait.js';
import { tcpResetXmitTimer } from './tcp-xmit-timer.js';

/** Whether the checksum is right, or somebody vouches for it. */
function checksumOk(skb: SkBuff): boolean {
  if (skb.ipSummed === CHECKSUM_UNNECESSARY || skb.ipSummed === CHECKSUM_PARTIAL) return true;
  const m = skb.mem;
  const ip = skb.networkHeader;
  const pseudo = csumPseudo4(iphSaddr(m, ip), iphDaddr(m, ip), IPPROTO_TCP, skb.len);
  return csumPartial(m, skb.data, skb.len, pseudo) === 0xffff;
}

/** Takes a packet whose data starts at the TCP header. Consumes it. @kernel tcp_v4_rcv() */
function tcpV4Rcv(skb: SkBuff): void {
  const dev = skb.dev as NetDevice;
  const net = dev.net;
  const kernel = net.kernel;
  const mib = net.mib;
  if (skb.pktType !== PACKET_HOST) {
    kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return;
  }
  mibAdd(mib, Mib.TcpInSegs, 1);
  const doff = pskbMayPull(skb, TCP_HLEN) ? tcphDoff(skb.mem, skb.data) : 0;
  if (doff < TCP_HLEN || !pskbMayPull(skb, doff)) {
    if (doff < TCP_HLEN && skb.len >= TCP_HLEN) mibAdd(mib, Mib.TcpInErrs, 1); // a cut header is no error of TCP's
    kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_SMALL);
    return;
  }
  if (!checksumOk(skb)) {
    mibAdd(mib, Mib.TcpInCsumErrors, 1);
    mibAdd(mib, Mib.TcpInErrs, 1);
    kernel.kfreeSkbReason(skb, DropReason.TCP_CSUM);
    return;
  }
  skbOrphan(skb);
  const m = skb.mem;
  const th = skb.data;
  const ip = skb.networkHeader;
  skb.transportHeader = th;
  skbPull(skb, doff);
  const flags = tcphFlags(m, th);
  skb.cbFlags = flags;
  skb.cbSacked = 0;
  skb.cbSeq = tcphSeq(m, th);
  skb.cbEndSeq =
    (skb.cbSeq +
      skb.len +
      ((flags & TCPHDR_SYN) !== 0 ? 1 : 0) +
      ((flags & TCPHDR_FIN) !== 0 ? 1 : 0)) >>>
    0;
  const tn = tcpNet(net);
  const hash = tn.hash;
  const saddr = iphSaddr(m, ip);
  const daddr = iphDaddr(m, ip);
  const sport = l4Source(m, th);
  const dport = l4Dest(m, th);
  const entry = hash.lookup(daddr, dport, saddr, sport, dev.ifindex);
  let listener: TcpSock | null;
  if (entry !== null) {
    if (entry.state === TCP_TIME_WAIT) {
      listener = rcvTimewait(tn, entry as TcpTimewaitSock, skb);
      if (listener === null) return;
    } else if (entry.state === TCP_NEW_SYN_RECV) {
      listener = rcvRequest(entry as TcpRequestSock, skb, doff);
      if (listener === null) return;
    } else {
      tcpV4DoRcv(entry as TcpSock, skb, doff);
      return;
    }
  } else {
    listener = hash.lookupListener(daddr, dport, saddr, sport, dev.ifindex);
    if (listener !== null) listener.timewaitIsn = 0;
  }
  if (listener === null) {
    tcpSendReset(tcpAf4, net, null, skb);
    kernel.kfreeSkbReason(skb, DropReason.NO_SOCKET);
    return;
  }
  tcpV4DoRcv(listener, skb, doff);
}

/** Gives a segment to its socket. Consumes it. @kernel tcp_v4_do_rcv() */
function tcpV4DoRcv(tp: TcpSock, skb: SkBuff, doff: number): void {
  tp.segsIn++;
  if (skb.len > 0) tp.dataSegsIn++;
  if (tp.state === TCP_ESTABLISHED) {
    tcpRcvEstablished(tp, skb, doff);
    return;
  }
  if (tp.state === TCP_LISTEN) {
    const child = tcpCookieCheck(tp, skb);
    if (child !== null) {
      childProcess(tp, child, skb, doff);
      return;
    }
  }
  if (tcpRcvStateProcess(tp, skb, doff)) resetAndDrop(tp, skb);
}

function resetAndDrop(tp: TcpSock, skb: SkBuff): void {
  tcpSendReset(tcpAfOf(skb), tp.net, tp, skb);
  tp.net.kernel.kfreeSkbReason(skb, tp.dropReason);
}

/** The third packet makes its child a connection, and the listener has something to accept. @kernel tcp_child_process() */
function childProcess(listener: TcpSock, child: TcpSock, skb: SkBuff, doff: number): void {
  const refused = tcpRcvStateProcess(child, skb, doff);
  if (child.state !== TCP_SYN_RECV && listener.dataReady !== null) listener.dataReady(listener);
  if (refused) resetAndDrop(child, skb);
}

/** @returns the listener where the segment is its business; null when it has been consumed. */
function rcvRequest(req: TcpRequestSock, skb: SkBuff, doff: number): TcpSock | null {
  const listener = req.listener;
  if (listener.state !== TCP_LISTEN) {
    reqskQueueDrop(req);
    tcpSendReset(req.af, listener.net, null, skb);
    listener.net.kernel.kfreeSkbReason(skb, DropReason.NO_SOCKET);
    return null;
  }
  const result = tcpCheckReq(req, skb);
  if (result === null) {
    listener.net.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return null;
  }
  if (result === listener) {
    listener.timewaitIsn = 0;
    return listener;
  }
  result.synackTime = req.numRetrans === 0 ? req.sntSynack : 0;
  childProcess(listener, result, skb, doff);
  return null;
}

/** @returns a listener for a SYN that opens a new connection in place of this one; null when the packet was consumed. */
function rcvTimewait(tn: TcpNet, tw: TcpTimewaitSock, skb: SkBuff): TcpSock | null {
  const m = skb.mem;
  tcpTimewaitStateProcess(tw, skb, tn.timewaitVerdict);
  const { action, isn } = tn.timewaitVerdict;
  if (action === TCP_TW_SYN) {
    const ifindex = (skb.dev as NetDevice).ifindex;
    const listener = tn.hash.lookupListener(
      iphDaddr(m, skb.networkHeader),
      l4Dest(m, skb.transportHeader),
      iphSaddr(m, skb.networkHeader),
      l4Source(m, skb.transportHeader),
      ifindex,
    );
    if (listener !== null) {
      tw.kill();
      listener.timewaitIsn = isn;
      return listener;
    }
  }
  if (action === TCP_TW_ACK || action === TCP_TW_SYN) {
    tcpTimewaitAck(tw);
  } else if (action === TCP_TW_RST) {
    tcpSendReset(tw.af, tw.net, null, skb);
    tw.kill();
  }
  tw.net.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
  return null;
}

// ---- connect ----

/** A TIME-WAIT entry may make way for a new connection. @kernel tcp_twsk_unique() */
function timewaitReusable(tp: TcpSock, tw: TcpTimewaitSock): boolean {
  const reuse = tp.tn.sysctl(TcpSysctl.tcp_tw_reuse);
  const loopback = tw.daddr >>> 24 === 127 || tw.rcvSaddr >>> 24 === 127;
  if (reuse === 0 || (reuse === 2 && !loopback) || tw.tsRecentStamp === 0) return false;
  if (Math.floor(tp.now / NSEC_PER_SEC) <= tw.tsRecentStamp) return false; // a second must lie between
  const seq = (tw.sndNxt + 65535 + 2) >>> 0;
  tp.writeSeq = seq === 0 ? 1 : seq;
  tp.rxOpt.tsRecent = tw.tsRecent;
  tp.rxOpt.tsRecentStamp = tw.tsRecentStamp;
  return true;
}

/** Whether (our address, port) → peer is free; makes room where a TIME-WAIT entry may be reused. @kernel __inet_check_established() */
function checkEstablished(tp: TcpSock, port: number): boolean {
  const hash = tp.tn.hash;
  const other = hash.lookup(tp.rcvSaddr, port, tp.daddr, tp.dport, tp.boundDev);
  if (other === null) return true;
  if (other.state !== TCP_TIME_WAIT || !timewaitReusable(tp, other as TcpTimewaitSock))
    return false;
  (other as TcpTimewaitSock).kill();
  return true;
}

/** Connect may share a port with other connections, not with one that bind() took. */
function portUsable(bucket: BindBucket | undefined): boolean {
  return bucket === undefined || !bucket.bound;
}

/** Gives the socket a local port and lists it. 0 or a negative errno. @kernel __inet_hash_connect() */
function hashConnect(tp: TcpSock): number {
  const hash = tp.tn.hash;
  if (tp.sport !== 0) {
    if (!checkEstablished(tp, tp.sport)) return -Errno.EADDRNOTAVAIL;
    hash.insert(tp);
    return 0;
  }
  const [low, high] = ipv4Of(tp.net).localPortRange;
  const count = high - low + 1;
  // RFC 6056 §3.3.4: a hash of the peer, moved on with each connection; even distances first, odd ones are bind()'s.
  const start = tp.tn.secrets.portOffset(tp.saddr, tp.daddr, tp.dport) + tp.tn.portPerturb;
  const offset = (start % count) & ~1;
  for (let parity = 0; parity < 2; parity++) {
    for (let i = parity; i < count; i += 2) {
      const port = low + ((offset + i) % count);
      if (!portUsable(hash.bucket(port)) || !checkEstablished(tp, port)) continue;
      tp.tn.portPerturb += 2 + i;
      tp.sport = port;
      tp.bindBucket = hash.bind(port, tp, false);
      hash.insert(tp);
      return 0;
    }
  }
  return -Errno.EADDRNOTAVAIL;
}

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
  let error = hashConnect(tp);
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

/** Undoes what connect fixed: peer, and what the user had not bound. */
export function tcpForgetPeer(tp: TcpSock): void {
  tp.dport = 0;
  tp.daddr = 0;
  tp.dst = null;
  if ((tp.userlocks & SOCK_BINDADDR_LOCK) === 0) tp.saddr = tp.rcvSaddr = 0;
  if ((tp.userlocks & SOCK_BINDPORT_LOCK) === 0 && tp.bindBucket !== null) tcpPutPort(tp);
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
  if (tp.state !== TCP_LISTEN && !seqBetween(seq, tp.sndUna, tp.sndNxt)) {
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
    if (code === ICMP_NET_UNREACH || code === ICMP_HOST_UNREACH) revertRto(tp, seq);
  } else {
    return;
  }
  if (((1 << tp.state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) !== 0) {
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
function revertRto(tp: TcpSock, seq: number): void {
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
