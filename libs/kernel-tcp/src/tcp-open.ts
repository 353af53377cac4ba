/**
 * A connection's first answers: SYN-ACK, simultaneous open, the third packet. tcp-input → here.
 * Sources: net/ipv4/tcp_input.c tcp_rcv_synsent_state_process(), tcp_finish_connect(); RFC 9293 §3.10.7.3, RFC 6298 §5.7.
 */
import { seqAfter, seqBetween } from '@netloom/base';
import { tcpAccecnReflect } from './tcp-accecn.js';
import { DropReason, Mib, mibAdd, SEND_SHUTDOWN, type SkBuff } from '@netloom/kernel-core';
import {
  TCP_HLEN,
  TCPHDR_ACK,
  TCPHDR_RST,
  TCPHDR_SYN,
  tcphAckSeq,
  tcphWindow,
} from '@netloom/wire';
import { FLAG_SLOWPATH } from './tcp-ack-flags.js';
import { tcpAck, tcpSynackRttMeas } from './tcp-ack.js';
import { tcpInitCongestionControl } from './tcp-cong.js';
import { tcpSendSynackAgain } from './tcp-connect.js';
import { TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_SYN_RECV } from './tcp-const.js';
import { tcpInitCwnd, tcpUpdatePacingRate } from './tcp-cwnd.js';
import { tcpReset } from './tcp-data.js';
import { tcpEcnRcvSyn, tcpEcnRcvSynack } from './tcp-ecn.js';
import { tcpRcvFastopenSynack } from './tcp-fastopen-client.js';
import { tcpFastopenRemove, tcpPassiveFastopen } from './tcp-fastopen.js';
import { tcpInitMetrics } from './tcp-metrics.js';
import { tcpMtupInit } from './tcp-mtu-probe.js';
import { tcpSyncMss } from './tcp-mss.js';
import { TcpSysctl } from './tcp-net.js';
import {
  tcpParseOptions,
  tcpStoreTsRecent,
  tcpTimestampMs,
  TCPOLEN_TSTAMP_ALIGNED,
} from './tcp-options.js';
import { tcpSendFin } from './tcp-output.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpSetState } from './tcp-state.js';
import { tcpSendAck, tcpSendAckOf } from './tcp-transmit.js';
import { tcpDiscard } from './tcp-validate.js';
import { tcpInitBufferSpace, tcpInitializeRcvMss } from './tcp-window.js';
import { tcpRearmRto } from './tcp-xmit-timer.js';

/** A connection is up: window, buffers, congestion control. @kernel tcp_init_transfer() */
export function tcpInitTransfer(tp: TcpSock): void {
  tcpInitMetrics(tp);
  tcpMtupInit(tp);
  if (tp.mtup !== null) tcpSyncMss(tp, tp.pmtuCookie);
  tp.sndCwnd = tp.totalRetrans > 1 && tp.undoMarker !== 0 ? 1 : tcpInitCwnd(tp);
  tp.sndCwndStamp = tp.now;
  tcpInitCongestionControl(tp);
  tcpInitBufferSpace(tp);
}

/** @kernel tcp_finish_connect() */
function finishConnect(tp: TcpSock): void {
  tcpSetState(tp, TCP_ESTABLISHED);
  tp.ackLrcvtime = tp.now;
  tcpInitTransfer(tp);
  tp.lsndtime = tp.now;
  if (tp.keepopen) tp.startKeepalive();
  tp.predictable = tp.rxOpt.sndWscale === 0;
  if (tp.stateChange !== null) tp.stateChange(tp);
}

function discardSynSent(tp: TcpSock, skb: SkBuff, reason: number): void {
  tp.rxOpt.sackOk = tp.rxOpt.wscaleOk = false;
  tcpDiscard(tp, skb, reason);
}

/** @returns true where the segment is to be answered with RST (it stays the caller's). @kernel tcp_rcv_synsent_state_process() */
export function tcpRcvSynSent(tp: TcpSock, skb: SkBuff, doff: number): boolean {
  const m = skb.mem;
  const th = skb.transportHeader;
  const rx = tp.rxOpt;
  const flags = skb.cbFlags;
  const tn = tp.tn;
  const mib = tp.net.mib;
  rx.sackOk = rx.wscaleOk = false;
  rx.sndWscale = 0;
  tcpParseOptions(m, th, doff, rx, false, tn.sysctl(TcpSysctl.tcp_window_scaling) !== 0);
  if (tn.sysctl(TcpSysctl.tcp_timestamps) === 0) rx.sawTstamp = false;
  if (tn.sysctl(TcpSysctl.tcp_sack) === 0) rx.sackOk = false;
  if (rx.sawTstamp && rx.rcvTsecr !== 0) rx.rcvTsecr = (rx.rcvTsecr - tp.tsOffset) >>> 0;
  if ((flags & TCPHDR_ACK) !== 0) {
    const ack = tcphAckSeq(m, th);
    if (!seqAfter(ack, tp.sndUna) || seqAfter(ack, tp.sndNxt)) {
      rx.sackOk = rx.wscaleOk = false;
      return true;
    }
    const started = tcpTimestampMs(tp.retransStamp) >>> 0;
    if (
      rx.sawTstamp &&
      rx.rcvTsecr !== 0 &&
      !seqBetween(rx.rcvTsecr, started, tcpTimestampMs(tp.now) >>> 0)
    ) {
      mibAdd(mib, Mib.TcpExtPAWSActive, 1);
      rx.sackOk = rx.wscaleOk = false;
      return true;
    }
    if ((flags & TCPHDR_RST) !== 0) {
      tcpReset(tp);
      tcpDiscard(tp, skb, DropReason.TCP_RESET);
      return false;
    }
    if ((flags & TCPHDR_SYN) === 0) {
      discardSynSent(tp, skb, DropReason.TCP_FLAGS);
      return false;
    }
    synAckArrived(tp, skb, ack);
    skb.pool.release(skb);
    return false;
  }
  if ((flags & TCPHDR_RST) !== 0) {
    discardSynSent(tp, skb, DropReason.TCP_RESET);
    return false;
  }
  if ((flags & TCPHDR_SYN) === 0) {
    discardSynSent(tp, skb, DropReason.TCP_FLAGS);
    return false;
  }
  simultaneousOpen(tp, skb);
  skb.pool.release(skb);
  return false;
}

/** Our SYN is acknowledged. */
function synAckArrived(tp: TcpSock, skb: SkBuff, ack: number): void {
  const rx = tp.rxOpt;
  const window = tcphWindow(skb.mem, skb.transportHeader);
  tp.sndWl1 = skb.cbSeq;
  // The first SYN was answered after all: the window need not shrink.
  if (
    tp.retransmits > 0 &&
    rx.sawTstamp &&
    rx.rcvTsecr !== 0 &&
    tp.undoMarker !== 0 &&
    tp.retransStamp !== 0
  ) {
    const resent = tcpTimestampMs(tp.rtxQueue.first?.cbTime ?? 0);
    if (((rx.rcvTsecr - resent) | 0) < 0) tp.undoMarker = 0;
  }
  tcpAck(tp, skb, ack, window, true, FLAG_SLOWPATH);
  tp.rcvNxt = tp.rcvWup = (skb.cbSeq + 1) >>> 0;
  tp.sndWnd = window; // never scaled in a SYN
  if (!rx.wscaleOk) {
    rx.sndWscale = rx.rcvWscale = 0;
    tp.windowClamp = Math.min(tp.windowClamp, 65535);
  }
  takeTimestamp(tp);
  tcpEcnRcvSynack(tp, skb);
  tcpSyncMss(tp, tp.pmtuCookie);
  tcpInitializeRcvMss(tp);
  tp.copiedSeq = tp.rcvNxt;
  finishConnect(tp);
  if (tcpRcvFastopenSynack(tp, skb)) return;
  if (tp.accecn === null) tcpSendAck(tp);
  else tcpSendAckOf(tp, tp.rcvNxt, tcpAccecnReflect(tp.accecn.synEctRcv));
}

function takeTimestamp(tp: TcpSock): void {
  const rx = tp.rxOpt;
  rx.tstampOk = rx.sawTstamp;
  tp.tcpHeaderLen = TCP_HLEN + (rx.tstampOk ? TCPOLEN_TSTAMP_ALIGNED : 0);
  if (!rx.tstampOk) return;
  tp.advmss -= TCPOLEN_TSTAMP_ALIGNED;
  tcpStoreTsRecent(tp);
}

/** The peer's SYN crossed ours. */
function simultaneousOpen(tp: TcpSock, skb: SkBuff): void {
  tcpSetState(tp, TCP_SYN_RECV);
  takeTimestamp(tp);
  tp.rcvNxt = tp.rcvWup = tp.copiedSeq = (skb.cbSeq + 1) >>> 0;
  tp.sndWnd = tcphWindow(skb.mem, skb.transportHeader);
  tp.sndWl1 = skb.cbSeq;
  tp.maxWindow = tp.sndWnd;
  tcpEcnRcvSyn(tp, skb);
  tcpSyncMss(tp, tp.pmtuCookie);
  tcpInitializeRcvMss(tp);
  tcpSendSynackAgain(tp);
}

/** The peer of a connection opened with data has its SYN-ACK. @kernel tcp_rcv_synrecv_state_fastopen() */
export function tcpFastopenConfirmed(tp: TcpSock): void {
  tp.retransmits = 0;
  tcpFastopenRemove(tp, false);
  tcpRearmRto(tp);
}

/** The third packet, or the answer of a simultaneous open. */
export function tcpEnterEstablished(tp: TcpSock, skb: SkBuff, ack: number, window: number): void {
  tp.delivered++;
  if (tp.srttUs === 0) tcpSynackRttMeas(tp, tp.synackTime);
  if (tcpPassiveFastopen(tp)) {
    tcpFastopenConfirmed(tp);
  } else {
    tp.retransStamp = 0;
    tcpInitTransfer(tp);
    tp.copiedSeq = tp.rcvNxt;
  }
  tcpSetState(tp, TCP_ESTABLISHED);
  if (tp.stateChange !== null) tp.stateChange(tp);
  tp.sndUna = ack;
  tp.sndWnd = window * (1 << tp.rxOpt.sndWscale);
  tp.sndWl1 = skb.cbSeq;
  if (tp.passive && tp.rxOpt.tstampOk) tp.advmss -= TCPOLEN_TSTAMP_ALIGNED;
  tcpUpdatePacingRate(tp);
  tp.lsndtime = tp.now;
  tcpInitializeRcvMss(tp);
  tp.predictable = true;
  if ((tp.shutdownMask & SEND_SHUTDOWN) !== 0) {
    tcpSetState(tp, TCP_FIN_WAIT1);
    tcpSendFin(tp);
  }
}
