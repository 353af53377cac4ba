/**
 * Opening a connection: the SYN. tcp-ipv4 tcpV4Connect → tcpConnect.
 * Source: net/ipv4/tcp_output.c tcp_connect(), tcp_connect_init().
 */
import { Errno } from '@netloom/base';
import { TCPHDR_ACE, tcpAccecnReflect } from './tcp-accecn.js';
import { Mib, mibAdd } from '@netloom/kernel-core';
import { TCP_HLEN, TCPHDR_ACK, TCPHDR_CWR, TCPHDR_ECE, TCPHDR_SYN } from '@netloom/wire';
import { tcpCaByRoute } from './tcp-cong.js';
import { ICSK_TIME_RETRANS, SOCK_RCVBUF_LOCK, TCP_TIMEOUT_INIT_US } from './tcp-const.js';
import { dstMetric, tcpTakeRouteMetrics } from './tcp-dst.js';
import { TCP_ECN_OK, tcpEcnSendSyn } from './tcp-ecn.js';
import { tcpFastopenDefer, tcpSendSynData } from './tcp-fastopen-client.js';
import { tcpAdvmss, tcpSyncMss } from './tcp-mss.js';
import { TcpSysctl } from './tcp-net.js';
import { TCPOLEN_TSTAMP_ALIGNED } from './tcp-options.js';
import { tcpRtxQueuePush } from './tcp-output.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpWriteQueuePurge } from './tcp-state.js';
import { tcpAllocSkb, tcpInitNondataSkb, tcpTransmitSkb } from './tcp-transmit.js';
import { tcpFullSpace, tcpInitializeRcvMss, tcpSelectInitialWindow } from './tcp-window.js';
import { tcpResetXmitTimer } from './tcp-xmit-timer.js';

/** @kernel tcp_connect_init() */
function connectInit(tp: TcpSock): void {
  const tn = tp.tn;
  const dst = tp.dst;
  const rx = tp.rxOpt;
  tcpCaByRoute(tp);
  tcpTakeRouteMetrics(tp);
  const timestamps = tn.sysctl(TcpSysctl.tcp_timestamps) !== 0;
  tp.tcpHeaderLen = TCP_HLEN + (timestamps ? TCPOLEN_TSTAMP_ALIGNED : 0);
  if (rx.userMss !== 0) rx.mssClamp = rx.userMss; // else 536 until the peer's option says more
  tp.maxWindow = 0;
  if (dst !== null) {
    tcpSyncMss(tp, dst.mtu());
    tp.advmss = tcpAdvmss(dst, tp.af, rx.userMss);
  }
  tcpInitializeRcvMss(tp);
  const known = rx.tsRecentStamp !== 0 ? TCPOLEN_TSTAMP_ALIGNED : 0;
  const fullSpace = tcpFullSpace(tp);
  // A buffer set by hand limits the window, and so its scale.
  if (
    (tp.userlocks & SOCK_RCVBUF_LOCK) !== 0 &&
    (tp.windowClamp === 0 || tp.windowClamp > fullSpace)
  )
    tp.windowClamp = fullSpace;
  const window = tcpSelectInitialWindow(
    fullSpace,
    tp.advmss - known,
    tp.windowClamp,
    tn.sysctl(TcpSysctl.tcp_window_scaling) !== 0,
    tn.rmem[2],
    dstMetric(dst, 'initrwnd'),
  );
  tp.rcvWnd = window.rcvWnd;
  tp.windowClamp = window.windowClamp;
  rx.rcvWscale = window.rcvWscale;
  tp.rcvSsthresh = tp.rcvWnd;
  tp.err = 0;
  tp.done = false;
  tp.sndWnd = 0;
  tp.sndWl1 = 0;
  tcpWriteQueuePurge(tp);
  tp.sndUna = tp.sndSml = tp.sndNxt = tp.writeSeq;
  tp.highSeq = tp.cwndUsageSeq = tp.sndUna;
  tp.rcvNxt = tp.rcvWup = tp.copiedSeq = 0;
  tp.rtoUs = TCP_TIMEOUT_INIT_US;
  tp.retransmits = 0;
  tp.totalRto = 0;
  tp.undoMarker = 0;
  tp.undoRetrans = -1;
}

/** Sends the SYN and waits for the answer. 0 or a negative errno. @kernel tcp_connect() */
export function tcpConnect(tp: TcpSock): number {
  if (tp.tfo !== null && tcpFastopenDefer(tp)) return 0;
  connectInit(tp);
  const skb = tcpAllocSkb(tp, 0);
  if (skb === null) return -Errno.ENOBUFS;
  tcpInitNondataSkb(skb, tp.writeSeq, TCPHDR_SYN | tcpEcnSendSyn(tp));
  tp.retransStamp = Math.max(1, tp.now);
  tp.writeSeq = skb.cbEndSeq;
  tp.wmemQueued += skb.truesize;
  tcpRtxQueuePush(tp, skb);
  const fastopen = tp.tfo !== null && tp.tfo.req !== null;
  const error = fastopen ? tcpSendSynData(tp, skb) : tcpTransmitSkb(tp, skb, true);
  tp.packetsOut += skb.gsoSegs;
  if (error === -Errno.ECONNREFUSED) return error;
  tp.sndNxt = tp.writeSeq;
  tp.pushedSeq = tp.writeSeq;
  mibAdd(tp.net.mib, Mib.TcpActiveOpens, 1);
  tcpResetXmitTimer(tp, ICSK_TIME_RETRANS, tp.rtoUs);
  return 0;
}

/** Answers a SYN that crossed ours: our SYN once more, now with ACK. @kernel tcp_send_synack() */
export function tcpSendSynackAgain(tp: TcpSock): void {
  const skb = tp.rtxQueue.first;
  if (skb === null || (skb.cbFlags & TCPHDR_SYN) === 0) return;
  skb.cbFlags = (skb.cbFlags & ~(TCPHDR_ECE | TCPHDR_CWR)) | TCPHDR_ACK;
  if (tp.accecn !== null)
    skb.cbFlags = (skb.cbFlags & ~TCPHDR_ACE) | tcpAccecnReflect(tp.accecn.synEctRcv);
  else if ((tp.ecnFlags & TCP_ECN_OK) !== 0) skb.cbFlags |= TCPHDR_ECE;
  tp.synackTime = tp.now;
  tcpTransmitSkb(tp, skb, true);
}
