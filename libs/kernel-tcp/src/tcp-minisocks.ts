/**
 * Connection requests: what a listener keeps of a peer between SYN and the third packet, and the socket that comes of it.
 * tcp-listen makes them, tcp-ipv4 finds them → tcpCheckReq → child socket.
 * Sources: net/ipv4/tcp_minisocks.c tcp_check_req(), tcp_create_openreq_child(); inet_connection_sock.c; RFC 9293 §3.10.7.4.
 */
import { seqAfter, seqBefore } from '@netloom/base';
import { OPT_COUNTER_SEEN, tcpAccecnChild, tcpAccecnOptionInit, tcpAce } from './tcp-accecn.js';
import { Timer } from '@netloom/engine';
import { Mib, mibAdd, type SkBuff } from '@netloom/kernel-core';
import {
  TCPHDR_ACK,
  TCPHDR_RST,
  TCPHDR_SYN,
  tcphDoff,
  tcphWindow,
  tcphAckSeq,
  TCP_HLEN,
} from '@netloom/wire';
import {
  NSEC_PER_SEC,
  TCP_LISTEN,
  TCP_MSS_DEFAULT,
  TCP_NEW_SYN_RECV,
  TCP_PAWS_WINDOW,
  TCP_SYN_RECV,
  TCP_TIMEOUT_INIT_US,
} from './tcp-const.js';
import { tcpTakeRouteMetrics } from './tcp-dst.js';
import { TCP_ECN_OK, tcpSkbEcn } from './tcp-ecn.js';
import { tcpCaByRoute } from './tcp-cong.js';
import type { TcpAfOps, V6Ends } from './tcp-af.js';
import { tcpReset } from './tcp-data.js';
import { tcpFastopenRemove } from './tcp-fastopen.js';
import type { TcpEntry } from './tcp-hash.js';
import { tcpAdvmss, tcpSyncMss } from './tcp-mss.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpParseOptions, tcpPawsCheck, TCPOLEN_TSTAMP_ALIGNED } from './tcp-options.js';
import { tcpRequestAck, tcpSendReset, tcpSendSynack } from './tcp-reply.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpSetState } from './tcp-state.js';
import { tcpInitializeRcvMss } from './tcp-window.js';

/** @kernel struct tcp_request_sock */
export class TcpRequestSock implements TcpEntry {
  readonly state = TCP_NEW_SYN_RECV;
  ehashNext: TcpEntry | null = null;
  rcvSaddr = 0;
  daddr = 0;
  v6Ends: V6Ends | null = null;
  sport = 0;
  dport = 0;
  boundDev = 0;
  mark = 0;
  rcvIsn = 0;
  rcvNxt = 0;
  sntIsn = 0;
  /** When the last SYN-ACK left, 0 for never. */
  sntSynack = 0;
  tsRecent = 0;
  tsOffset = 0;
  mss = TCP_MSS_DEFAULT;
  advmss = TCP_MSS_DEFAULT;
  tstampOk = false;
  sackOk = false;
  wscaleOk = false;
  ecnOk = false;
  /** tcp_reflect_tos: what the SYN came with, -1 for the listener's own. */
  synTos = -1;
  /** Accurate ECN: agreed, the mark of the SYN, what was seen of the option, a SYN or SYN-ACK without the flags. */
  accecnOk = false;
  synEctRcv = 0;
  sawAccecnOpt = 0;
  aceLost = false;
  sndWscale = 0;
  rcvWscale = 0;
  rcvWnd = 0;
  windowClamp = 0;
  /** SYN-ACKs sent again, and timeouts that passed (more, where sending again was put off). */
  numRetrans = 0;
  numTimeout = 0;
  /** The third packet came, but could not be taken yet. */
  acked = false;
  timer: Timer | null = null;
  lastOowAckTime = 0;

  constructor(
    readonly listener: TcpSock,
    readonly af: TcpAfOps,
  ) {}

  get net(): TcpSock['net'] {
    return this.listener.net;
  }

  get uid(): number {
    return this.listener.uid;
  }
}

/** Puts a request among the connections and starts its timer. @kernel inet_csk_reqsk_queue_hash_add() */
export function reqskQueueHashAdd(req: TcpRequestSock): void {
  const listener = req.listener;
  listener.tn.hash.insert(req);
  (listener.requests ??= new Set<TcpRequestSock>()).add(req);
  listener.synQueueLen++;
  listener.synQueueYoung++;
  req.timer = new Timer(listener.engine, () => {
    reqskTimer(req);
  });
  req.timer.set(listener.now + TCP_TIMEOUT_INIT_US * 1000);
}

/** Takes a request out again. False where it was out already. @kernel inet_csk_reqsk_queue_drop() */
export function reqskQueueDrop(req: TcpRequestSock): boolean {
  req.timer?.cancel();
  const listener = req.listener;
  if (listener.requests?.delete(req) !== true) return false;
  listener.tn.hash.remove(req);
  listener.synQueueLen--;
  if (req.numTimeout === 0) listener.synQueueYoung--;
  return true;
}

/** Sends the SYN-ACK again and counts it. @kernel tcp_rtx_synack() */
export function tcpRtxSynack(req: TcpRequestSock): boolean {
  if (tcpSendSynack(req, false, null, true) < 0) return false;
  const mib = req.net.mib;
  mibAdd(mib, Mib.TcpRetransSegs, 1);
  mibAdd(mib, Mib.TcpExtTCPSynRetrans, 1);
  if (req.accecnOk && req.numRetrans > 0) req.aceLost = true; // that one went without the flags
  req.numRetrans++;
  return true;
}

/** @kernel inet_connection_sock.c reqsk_timer_handler() */
function reqskTimer(req: TcpRequestSock): void {
  const listener = req.listener;
  if (listener.state !== TCP_LISTEN) {
    reqskQueueDrop(req);
    return;
  }
  const tn = listener.tn;
  const maxRetries =
    listener.synRetries !== 0 ? listener.synRetries : tn.sysctl(TcpSysctl.tcp_synack_retries);
  // A crowded queue gives up old requests earlier.
  let thresh = maxRetries;
  const length = listener.synQueueLen;
  if (length * 2 > Math.max(8, listener.maxAckBacklog)) {
    for (let young = listener.synQueueYoung * 2; thresh > 2 && length >= young; young *= 2)
      thresh--;
  }
  const defer = listener.deferAccept;
  let expire: boolean;
  let resend: boolean;
  if (defer === 0) {
    expire = req.numTimeout >= thresh;
    resend = true;
  } else {
    expire = req.numTimeout >= thresh && (!req.acked || req.numTimeout >= defer);
    resend = !req.acked || req.numTimeout >= defer - 1;
  }
  if (!expire && (!resend || tcpRtxSynack(req) || req.acked)) {
    if (req.numTimeout++ === 0) listener.synQueueYoung--;
    const timeoutUs = Math.min(TCP_TIMEOUT_INIT_US * 2 ** req.numTimeout, listener.rtoMaxUs);
    req.timer?.set(listener.now + timeoutUs * 1000);
    return;
  }
  reqskQueueDrop(req);
}

/** Whether a request's peer sent [seq, end) within the window that we offered. @kernel tcp_in_window() */
function inWindow(seq: number, end: number, from: number, to: number): boolean {
  if (seq === from) return true;
  if (seqAfter(end, from) && seqBefore(seq, to)) return true;
  return seq === to && seq === end;
}

/**
 * Judges a segment for a request.
 * `fastopen`: the child that the SYN has made already.
 * @returns the child when the connection is complete, the listener when the segment is its business, null when it is done
 * with. The packet stays the caller's. @kernel net/ipv4/tcp_minisocks.c tcp_check_req()
 */
export function tcpCheckReq(
  req: TcpRequestSock,
  skb: SkBuff,
  fastopen: TcpSock | null = null,
): TcpSock | null {
  const listener = req.listener;
  const m = skb.mem;
  const th = skb.transportHeader;
  const mib = listener.net.mib;
  const doff = tcphDoff(m, th);
  let flags = skb.cbFlags & (TCPHDR_RST | TCPHDR_SYN | TCPHDR_ACK);
  const rx = listener.tn.scratchOptions;
  rx.sawTstamp = false;
  rx.accecn = 0;
  let pawsReject = false;
  if (doff > TCP_HLEN) {
    tcpParseOptions(m, th, doff, rx, true, false);
    if (rx.sawTstamp) {
      const now = Math.floor(listener.now / NSEC_PER_SEC);
      rx.tsRecent = req.tsRecent;
      if (rx.rcvTsecr !== 0) rx.rcvTsecr = (rx.rcvTsecr - req.tsOffset) >>> 0;
      rx.tsRecentStamp = Math.max(1, now - (1 << req.numTimeout));
      pawsReject = (flags & TCPHDR_RST) === 0 && !tcpPawsCheck(rx, TCP_PAWS_WINDOW, now);
    }
  }
  if (skb.cbSeq === req.rcvIsn && flags === TCPHDR_SYN && !pawsReject) {
    // The SYN again: our answer was lost.
    if (req.accecnOk) {
      req.synEctRcv = tcpSkbEcn(skb);
      req.aceLost ||= tcpAce(skb) === 0;
    }
    if (!reqOowLimited(req, listener) && tcpRtxSynack(req)) {
      req.timer?.set(
        listener.now +
          Math.min(TCP_TIMEOUT_INIT_US * 2 ** req.numTimeout, listener.rtoMaxUs) * 1000,
      );
    }
    return null;
  }
  if (req.accecnOk && rx.accecn !== 0 && req.sawAccecnOpt < OPT_COUNTER_SEEN)
    req.sawAccecnOpt = tcpAccecnOptionInit(m, rx.accecn);
  if (
    (flags & TCPHDR_ACK) !== 0 &&
    fastopen === null &&
    tcphAckSeq(m, th) !== (req.sntIsn + 1) >>> 0
  )
    return listener;
  if (
    pawsReject ||
    !inWindow(skb.cbSeq, skb.cbEndSeq, req.rcvNxt, (req.rcvNxt + req.rcvWnd) >>> 0)
  ) {
    if ((flags & TCPHDR_RST) === 0 && !reqOowLimited(req, listener)) tcpRequestAck(req);
    if (pawsReject) mibAdd(mib, Mib.TcpExtPAWSEstab, 1);
    return null;
  }
  if (rx.sawTstamp && !seqAfter(skb.cbSeq, req.rcvNxt)) req.tsRecent = rx.rcvTsval;
  if (skb.cbSeq === req.rcvIsn) flags &= ~TCPHDR_SYN;
  if ((flags & (TCPHDR_RST | TCPHDR_SYN)) !== 0) {
    mibAdd(mib, Mib.TcpAttemptFails, 1);
    if (fastopen === null) embryonicReset(req, skb, flags);
    else if ((flags & TCPHDR_RST) === 0) tcpSendReset(req.af, req.net, fastopen, skb);
    else fastopenReset(fastopen);
    return null;
  }
  if ((flags & TCPHDR_ACK) === 0) return null;
  if (fastopen !== null) {
    fastopen.synackTime = req.numRetrans === 0 ? req.sntSynack : 0;
    return fastopen;
  }
  if (req.numTimeout < listener.deferAccept && skb.cbEndSeq === (req.rcvIsn + 1) >>> 0) {
    req.acked = true;
    mibAdd(mib, Mib.TcpExtTCPDeferAcceptDrop, 1);
    return null;
  }
  const child = tcpSynRecvSock(req, skb);
  if (child === null) {
    if (listener.tn.sysctl(TcpSysctl.tcp_abort_on_overflow) === 0) req.acked = true;
    else embryonicReset(req, skb, flags);
    return null;
  }
  if (rx.sawTstamp) {
    child.rxOpt.sawTstamp = true;
    child.rxOpt.rcvTsval = rx.rcvTsval;
    child.rxOpt.rcvTsecr = rx.rcvTsecr;
  }
  reqskQueueDrop(req);
  listener.acceptQueue.push(child);
  child.listener = listener;
  return child;
}

/** The socket that a request's third packet makes, unless the accept queue is full. @kernel tcp_v4_syn_recv_sock(), tcp_v6_syn_recv_sock() */
export function tcpSynRecvSock(req: TcpRequestSock, skb: SkBuff): TcpSock | null {
  const listener = req.listener;
  const mib = listener.net.mib;
  if (listener.acceptQueueLength > listener.maxAckBacklog) {
    mibAdd(mib, Mib.TcpExtListenOverflows, 1);
    mibAdd(mib, Mib.TcpExtListenDrops, 1);
    return null;
  }
  const dst = req.af.requestRoute(req);
  if (typeof dst === 'number') {
    mibAdd(mib, Mib.TcpExtListenDrops, 1);
    return null;
  }
  const child = tcpCreateOpenreqChild(req, skb);
  child.dst = dst;
  tcpCaByRoute(child);
  tcpTakeRouteMetrics(child);
  tcpSyncMss(child, dst.mtu());
  child.advmss = tcpAdvmss(dst, child.af, child.rxOpt.userMss);
  tcpInitializeRcvMss(child);
  const tn = listener.tn;
  const bucket = listener.bindBucket;
  child.bindBucket = bucket === null ? tn.hash.bind(child.sport, child, true) : bucket;
  child.bindBucket.owners.add(child);
  tn.hash.remove(req);
  tn.hash.insert(child);
  return child;
}

/** @kernel tcp_create_openreq_child() */
function tcpCreateOpenreqChild(req: TcpRequestSock, skb: SkBuff): TcpSock {
  const child = req.listener.newChild();
  const rx = child.rxOpt;
  child.af = req.af;
  req.af.childAddresses(child, req);
  if (req.synTos >= 0) {
    child.tos = req.synTos;
    if (child.v6 !== null) child.v6.tclass = req.synTos;
  }
  child.sport = req.sport;
  child.dport = req.dport;
  child.boundDev = req.boundDev;
  child.mark = req.mark;
  tcpSetState(child, TCP_SYN_RECV);
  child.socketState = 2;
  child.passive = true;
  child.rcvNxt = child.rcvWup = child.copiedSeq = (req.rcvIsn + 1) >>> 0;
  child.segsIn = 1;
  child.sndUna =
    child.sndNxt =
    child.sndSml =
    child.writeSeq =
    child.pushedSeq =
      (req.sntIsn + 1) >>> 0;
  child.highSeq = child.cwndUsageSeq = child.sndUna;
  child.totalRetrans = req.numRetrans;
  rx.tstampOk = req.tstampOk;
  rx.sackOk = req.sackOk;
  rx.wscaleOk = req.wscaleOk;
  rx.mssClamp = req.mss;
  child.windowClamp = req.windowClamp;
  child.rcvSsthresh = req.rcvWnd;
  child.rcvWnd = req.rcvWnd;
  if (req.wscaleOk) {
    rx.sndWscale = req.sndWscale;
    rx.rcvWscale = req.rcvWscale;
  } else {
    child.windowClamp = Math.min(child.windowClamp, 65535);
  }
  child.sndWnd = tcphWindow(skb.mem, skb.transportHeader) * (1 << rx.sndWscale);
  child.maxWindow = child.sndWnd;
  child.tcpHeaderLen = TCP_HLEN;
  if (req.tstampOk) {
    rx.tsRecent = req.tsRecent;
    rx.tsRecentStamp = Math.max(1, Math.floor(child.now / NSEC_PER_SEC));
    child.tcpHeaderLen += TCPOLEN_TSTAMP_ALIGNED;
  }
  if (req.numTimeout > 0) {
    child.undoMarker = req.sntIsn === 0 ? 1 : req.sntIsn;
    child.retransStamp = req.sntSynack;
  }
  child.ecnFlags = req.ecnOk && !req.accecnOk ? TCP_ECN_OK : 0;
  if (req.accecnOk) tcpAccecnChild(child, req, skb, tcpSkbEcn(skb));
  child.tsOffset = req.tsOffset;
  child.ackLrcvtime = child.now;
  child.rcvTstamp = child.now;
  if (child.keepopen) child.startKeepalive();
  mibAdd(child.net.mib, Mib.TcpPassiveOpens, 1);
  return child;
}

/** A believable RST for a connection opened with data. */
function fastopenReset(child: TcpSock): void {
  tcpFastopenRemove(child, true);
  tcpReset(child);
}

function embryonicReset(req: TcpRequestSock, skb: SkBuff, flags: number): void {
  if ((flags & TCPHDR_RST) === 0) tcpSendReset(req.af, req.net, req.listener, skb);
  if (reqskQueueDrop(req)) mibAdd(req.net.mib, Mib.TcpExtEmbryonicRsts, 1);
}

function reqOowLimited(req: TcpRequestSock, listener: TcpSock): boolean {
  const limit = listener.tn.sysctl(TcpSysctl.tcp_invalid_ratelimit) * 1e6;
  if (req.lastOowAckTime !== 0 && listener.now - req.lastOowAckTime < limit) {
    mibAdd(listener.net.mib, Mib.TcpExtTCPACKSkippedSynRecv, 1);
    return true;
  }
  req.lastOowAckTime = Math.max(1, listener.now);
  return false;
}
