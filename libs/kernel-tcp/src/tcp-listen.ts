/**
 * Listening: SYN queue and accept queue, their limits, SYN cookies.
 *
 *   SYN ─▶ request (SYN queue, ≤ backlog) ─ACK▶ child (accept queue, ≤ backlog + 1) ─accept▶ process
 *
 * Sources: net/ipv4/tcp_input.c tcp_conn_request(), inet_connection_sock.c, syncookies.c; RFC 4987.
 */
import { Errno } from '@netloom/base';
import { ECN_IN_ACCECN, tcpAccecnRequested } from './tcp-accecn.js';
import { DropReason, Mib, mibAdd, type Dst, type SkBuff } from '@netloom/kernel-core';
import {
  l4Dest,
  l4Source,
  TCPHDR_ACK,
  TCPHDR_RST,
  TCPHDR_SYN,
  tcphAckSeq,
  tcphDoff,
} from '@netloom/wire';
import { tcpAfOf } from './tcp-af-of.js';
import {
  NSEC_PER_SEC,
  SOCK_RCVBUF_LOCK,
  TCP_CLOSE,
  TCP_LISTEN,
  TCP_MSS_DEFAULT,
} from './tcp-const.js';
import { dstMetric } from './tcp-dst.js';
import { tcpMayFastopen, tcpParseFastopen, tcpTryFastopen } from './tcp-fastopen.js';
import { tcpSkbDsfield, tcpEcnAccept, tcpEcnAllowed, tcpSkbEcn } from './tcp-ecn.js';
import {
  reqskQueueDrop,
  reqskQueueHashAdd,
  TcpRequestSock,
  tcpSynRecvSock,
} from './tcp-minisocks.js';
import { tcpAdvmss } from './tcp-mss.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpParseOptions, TCPOLEN_TSTAMP_ALIGNED } from './tcp-options.js';
import { tcpSendSynack } from './tcp-reply.js';
import { cookieTimestampDecode } from './tcp-secret.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpDestroySock, tcpSetState } from './tcp-state.js';
import { tcpSendActiveReset } from './tcp-transmit.js';
import { tcpFullSpace, tcpSelectInitialWindow } from './tcp-window.js';

/** Cookies are believed for this long after the queue overflowed last (TCP_SYNCOOKIE_VALID). */
const SYNCOOKIE_VALID_NS = 120 * NSEC_PER_SEC;

/** Starts to listen on the bound port. 0 or -EADDRINUSE. @kernel inet_csk_listen_start() */
export function tcpListenStart(tp: TcpSock): number {
  tp.acceptQueue = [];
  tp.acceptHead = 0;
  const bucket = tp.bindBucket;
  tcpSetState(tp, TCP_LISTEN);
  // Two sockets may share a port by SO_REUSEADDR, but only one of them may listen.
  if (bucket !== null && tp.tn.hash.conflicts(tp, tp.sport, tp.rcvSaddr, true)) {
    tcpSetState(tp, TCP_CLOSE);
    return -Errno.EADDRINUSE;
  }
  tp.tn.hash.addListener(tp);
  return 0;
}

/** Forgets requests and resets connections that nobody accepted. @kernel inet_csk_listen_stop() */
export function tcpListenStop(tp: TcpSock): void {
  for (const req of tp.requests ?? []) reqskQueueDrop(req);
  for (let child = tcpAcceptDequeue(tp); child !== null; child = tcpAcceptDequeue(tp)) {
    child.dead = true;
    tp.tn.orphans++;
    if (child.state !== TCP_CLOSE) {
      mibAdd(tp.net.mib, Mib.TcpExtTCPAbortOnClose, 1);
      tcpSendActiveReset(child);
      tcpSetState(child, TCP_CLOSE);
    }
    tcpDestroySock(child);
  }
}

/** The oldest connection that waits to be accepted. */
export function tcpAcceptDequeue(tp: TcpSock): TcpSock | null {
  const child = tp.acceptQueue[tp.acceptHead];
  if (child === undefined) return null;
  tp.acceptHead++;
  if (tp.acceptHead > 32 && tp.acceptHead * 2 > tp.acceptQueue.length) {
    tp.acceptQueue = tp.acceptQueue.slice(tp.acceptHead);
    tp.acceptHead = 0;
  }
  child.listener = null;
  return child;
}

/** The SYN queue is full: cookies or a drop. @kernel tcp_syn_flood_action() */
function synFloodAction(tp: TcpSock): boolean {
  const cookies = tp.tn.sysctl(TcpSysctl.tcp_syncookies) !== 0;
  mibAdd(tp.net.mib, cookies ? Mib.TcpExtTCPReqQFullDoCookies : Mib.TcpExtTCPReqQFullDrop, 1);
  if (!tp.synFloodWarned) {
    tp.synFloodWarned = true;
    const what = cookies ? 'Sending cookies' : 'Dropping request';
    tp.net.kernel.printk(
      6,
      `TCP: request_sock_TCP: Possible SYN flooding on port ${tp.af.logName(tp)}. ${what}.`,
    );
  }
  return cookies;
}

function listenDrop(tp: TcpSock): void {
  tp.drops++;
  mibAdd(tp.net.mib, Mib.TcpExtListenDrops, 1);
}

/**
 * A SYN for a listener. Consumes it. `isn` is not 0 where the new connection follows one in TIME-WAIT.
 * @kernel tcp_v4_conn_request(), tcp_conn_request()
 */
export function tcpConnRequest(tp: TcpSock, skb: SkBuff, isn: number): void {
  const kernel = tp.net.kernel;
  const reason = takeSyn(tp, skb, isn);
  if (reason < 0) {
    skb.pool.release(skb);
    return;
  }
  listenDrop(tp);
  kernel.kfreeSkbReason(skb, reason);
}

/** @returns a drop reason, or -1 when the SYN was answered. */
function takeSyn(tp: TcpSock, skb: SkBuff, timewaitIsn: number): number {
  const tn = tp.tn;
  const m = skb.mem;
  const th = skb.transportHeader;
  if (tcpAfOf(skb).badSynDest(skb)) return DropReason.IP_INVALID_DEST;
  const cookies = tn.sysctl(TcpSysctl.tcp_syncookies);
  let wantCookie = false;
  if ((cookies === 2 || tp.synQueueLen >= tp.maxAckBacklog) && timewaitIsn === 0) {
    wantCookie = synFloodAction(tp);
    if (!wantCookie) return DropReason.TCP_LISTEN_OVERFLOW;
  }
  if (tp.acceptQueueLength > tp.maxAckBacklog) {
    mibAdd(tp.net.mib, Mib.TcpExtListenOverflows, 1);
    return DropReason.TCP_LISTEN_OVERFLOW;
  }
  const rx = tn.scratchOptions;
  rx.wscaleOk = rx.sackOk = false;
  rx.sndWscale = 0;
  rx.mssClamp = TCP_MSS_DEFAULT;
  rx.userMss = tp.rxOpt.userMss;
  tcpParseOptions(m, th, tcphDoff(m, th), rx, false, tn.sysctl(TcpSysctl.tcp_window_scaling) !== 0);
  const req = openRequest(tp, skb);
  req.mss = rx.mssClamp;
  req.tstampOk = rx.sawTstamp && tn.sysctl(TcpSysctl.tcp_timestamps) !== 0;
  req.tsRecent = req.tstampOk ? rx.rcvTsval : 0;
  // A cookie has room for options only in the timestamp.
  const options = !wantCookie || req.tstampOk;
  req.sackOk = options && rx.sackOk && tn.sysctl(TcpSysctl.tcp_sack) !== 0;
  req.wscaleOk = options && rx.wscaleOk;
  req.sndWscale = req.wscaleOk ? rx.sndWscale : 0;
  if (req.tstampOk) req.tsOffset = tsOffsetFor(tp, req);
  const dst = req.af.requestRoute(req);
  if (typeof dst === 'number') return DropReason.IP_OUTNOROUTES;
  const maxSynBacklog = tn.sysctl(TcpSysctl.tcp_max_syn_backlog);
  if (
    !wantCookie &&
    timewaitIsn === 0 &&
    cookies === 0 &&
    maxSynBacklog - tp.synQueueLen < maxSynBacklog >> 2
  ) {
    return DropReason.TCP_LISTEN_OVERFLOW; // the last quarter is for peers known to be alive
  }
  if (!wantCookie && tcpAccecnRequested(skb) && tn.sysctl(TcpSysctl.tcp_ecn) >= ECN_IN_ACCECN) {
    req.ecnOk = req.accecnOk = true;
    req.synEctRcv = tcpSkbEcn(skb);
  } else {
    req.ecnOk = tcpEcnAccept(tp, skb, dst) && options;
  }
  req.advmss = tcpAdvmss(dst, req.af, tp.rxOpt.userMss);
  openRequestWindow(tp, req, dst);
  const doff = tcphDoff(m, th);
  const fastopen = wantCookie || !tcpMayFastopen(tp, skb) ? null : tcpParseFastopen(m, th, doff);
  if (wantCookie) {
    req.sntIsn = tn.secrets.cookie(
      req.daddr,
      req.rcvSaddr,
      req.dport,
      req.sport,
      req.rcvIsn,
      req.mss,
      req.v6Ends !== null,
    );
    tn.synqOverflowStamp = tp.now;
    mibAdd(tp.net.mib, Mib.TcpExtSyncookiesSent, 1);
  } else {
    req.sntIsn =
      timewaitIsn !== 0
        ? timewaitIsn
        : tn.secrets.isn(req.rcvSaddr, req.daddr, req.sport, req.dport);
    const child = fastopen === null ? null : tcpTryFastopen(tp, req, skb, fastopen);
    if (child !== null) {
      tcpSendSynack(req, false, fastopen);
      if (tp.dataReady !== null) tp.dataReady(tp);
      return -1;
    }
    reqskQueueHashAdd(req);
  }
  tcpSendSynack(req, wantCookie, fastopen);
  return -1;
}

/** The parts of a request that the packet's headers give. @kernel tcp_openreq_init() */
function openRequest(tp: TcpSock, skb: SkBuff): TcpRequestSock {
  const m = skb.mem;
  const req = new TcpRequestSock(tp, tcpAfOf(skb));
  req.sport = l4Dest(m, skb.transportHeader);
  req.dport = l4Source(m, skb.transportHeader);
  req.boundDev = tp.boundDev;
  req.af.openRequest(req, skb);
  req.mark = tp.mark === 0 && tp.tn.sysctl(TcpSysctl.tcp_fwmark_accept) !== 0 ? skb.mark : tp.mark;
  if (tp.tn.sysctl(TcpSysctl.tcp_reflect_tos) !== 0) req.synTos = tcpSkbDsfield(skb) & ~3;
  req.rcvIsn = skb.cbSeq;
  req.rcvNxt = (skb.cbSeq + 1) >>> 0;
  return req;
}

function tsOffsetFor(tp: TcpSock, req: TcpRequestSock): number {
  return tp.tn.sysctl(TcpSysctl.tcp_timestamps) === 1
    ? tp.tn.secrets.tsOffset(req.rcvSaddr, req.daddr)
    : 0;
}

/** @kernel tcp_openreq_init_rwin() */
function openRequestWindow(tp: TcpSock, req: TcpRequestSock, dst: Dst): void {
  const mss = req.advmss - (req.tstampOk ? TCPOLEN_TSTAMP_ALIGNED : 0);
  const fullSpace = tcpFullSpace(tp);
  let clamp = tp.windowClamp !== 0 ? tp.windowClamp : dstMetric(dst, 'window');
  // A buffer set by hand limits the window, and so its scale.
  if ((tp.userlocks & SOCK_RCVBUF_LOCK) !== 0 && (clamp === 0 || clamp > fullSpace))
    clamp = fullSpace;
  const window = tcpSelectInitialWindow(
    fullSpace,
    mss,
    clamp,
    req.wscaleOk,
    tp.tn.rmem[2],
    dstMetric(dst, 'initrwnd'),
  );
  req.rcvWnd = window.rcvWnd;
  req.windowClamp = window.windowClamp;
  req.rcvWscale = window.rcvWscale;
}

/**
 * A segment for a listener that is not a SYN: perhaps the answer to a cookie.
 * @returns the new connection, or null when it is none. The packet stays the caller's. @kernel cookie_v4_check()
 */
export function tcpCookieCheck(tp: TcpSock, skb: SkBuff): TcpSock | null {
  const tn = tp.tn;
  const flags = skb.cbFlags;
  if ((flags & (TCPHDR_SYN | TCPHDR_RST)) !== 0 || (flags & TCPHDR_ACK) === 0) return null;
  if (
    tn.sysctl(TcpSysctl.tcp_syncookies) === 0 ||
    tp.now - tn.synqOverflowStamp > SYNCOOKIE_VALID_NS
  )
    return null;
  const m = skb.mem;
  const th = skb.transportHeader;
  const req = openRequest(tp, skb);
  const cookie = (tcphAckSeq(m, th) - 1) >>> 0;
  req.rcvIsn = (skb.cbSeq - 1) >>> 0;
  req.rcvNxt = skb.cbSeq;
  req.mss = tn.secrets.cookieMss(
    req.daddr,
    req.rcvSaddr,
    req.dport,
    req.sport,
    req.rcvIsn,
    cookie,
    req.v6Ends !== null,
  );
  if (req.mss === 0) {
    mibAdd(tp.net.mib, Mib.TcpExtSyncookiesFailed, 1);
    return null;
  }
  mibAdd(tp.net.mib, Mib.TcpExtSyncookiesRecv, 1);
  req.sntIsn = cookie;
  const rx = tn.scratchOptions;
  tcpParseOptions(m, th, tcphDoff(m, th), rx, true, false);
  if (rx.sawTstamp && rx.rcvTsecr !== 0) {
    req.tstampOk = true;
    req.tsOffset = tsOffsetFor(tp, req);
    req.tsRecent = rx.rcvTsval;
    rx.rcvTsecr = (rx.rcvTsecr - req.tsOffset) >>> 0;
    const known = cookieTimestampDecode(rx.rcvTsecr);
    req.sackOk = known.sackOk;
    req.wscaleOk = known.wscaleOk;
    req.sndWscale = known.wscale;
    req.ecnOk = known.ecnOk;
  }
  const dst = req.af.requestRoute(req);
  if (typeof dst === 'number') return null;
  req.ecnOk &&= tcpEcnAllowed(tp, dst);
  req.advmss = tcpAdvmss(dst, req.af, tp.rxOpt.userMss);
  openRequestWindow(tp, req, dst);
  const child = tcpSynRecvSock(req, skb);
  if (child === null) return null;
  tp.acceptQueue.push(child);
  child.listener = tp;
  return child;
}
