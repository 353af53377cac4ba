/**
 * Received data: in order, old, ahead or beyond the window; FIN and RST; when to acknowledge.
 * tcp-input → tcpDataQueue → receive queue | tcp-ofo. Sources: net/ipv4/tcp_input.c tcp_data_queue(), tcp_fin(),
 * __tcp_ack_snd_check(); RFC 9293 §3.10.7.4, RFC 1122 §4.2.3.2 (delayed ACKs), RFC 5681 §4.2.
 */
import { Errno, seqAfter, seqBefore } from '@netloom/base';
import { tcpAccecnSpuriousRetrans } from './tcp-accecn.js';
import { DropReason, Mib, mibAdd, RCV_SHUTDOWN, type SkBuff } from '@netloom/kernel-core';
import { TCPHDR_FIN, TCPHDR_PSH } from '@netloom/wire';
import { tcpFastPathCheck } from './tcp-ack.js';
import { CHRONO_SNDBUF_LIMITED, tcpChronoStop } from './tcp-chrono.js';
import {
  ICSK_ACK_NOMEM,
  ICSK_ACK_NOW,
  ICSK_ACK_PUSHED,
  ICSK_ACK_PUSHED2,
  ICSK_ACK_SCHED,
  ICSK_ACK_TIMER,
  NSEC_PER_MSEC,
  TCP_ATO_MIN,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_DELACK_MAX,
  TCP_DELACK_MIN,
  TCP_ESTABLISHED,
  TCP_FASTRETRANS_THRESH,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_MAX_QUICKACKS,
  TCP_MSS_DEFAULT,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
} from './tcp-const.js';
import { tcpTimeWait } from './tcp-timewait.js';
import { TCP_ECN_OK, tcpDataEcnCheck, tcpEcnAcceptCwr } from './tcp-ecn.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpDataQueueOfo, tcpOfoQueue, tcpReportDuplicate } from './tcp-ofo.js';
import { tcpSackRemove, tcpTimestampMs } from './tcp-options.js';
import { tcpPushPendingFrames } from './tcp-output.js';
import { tcpQueueRcv, tcpTryRmemSchedule } from './tcp-rmem.js';
import { tcpEnterPingpong, tcpInPingpong } from './tcp-pingpong.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpDone, tcpErrorReport, tcpSetState, tcpWriteQueuePurge } from './tcp-state.js';
import { tcpEnterQuickackMode, tcpIncrQuickack, tcpSendAck } from './tcp-transmit.js';
import { tcpSetCompressedAck, tcpSetDelack } from './tcp-xmit-timer.js';
import {
  tcpGrowWindow,
  tcpReceiveWindow,
  tcpSelectWindowSize,
  tcpShouldExpandSndbuf,
  tcpSndbufExpand,
  tcpUpdateScalingRatio,
} from './tcp-window.js';

// ---- measuring the peer ----

/** The receiver's idea of the round trip, in eighths of a µs. @kernel tcp_rcv_rtt_update() */
function rcvRttUpdate(tp: TcpSock, sampleUs: number, windowDependent: boolean): void {
  const old = tp.rcvRttUs;
  if (old === 0) tp.rcvRttUs = sampleUs * 8;
  else if (!windowDependent) tp.rcvRttUs = old + sampleUs - (old >> 3);
  else tp.rcvRttUs = Math.min(old, sampleUs * 8);
}

/** Without timestamps: the time in which one window arrives. @kernel tcp_rcv_rtt_measure() */
function rcvRttMeasure(tp: TcpSock): void {
  if (tp.rcvRttTime !== 0) {
    if (seqBefore(tp.rcvNxt, tp.rcvRttSeq)) return;
    rcvRttUpdate(tp, Math.max(1, Math.floor((tp.now - tp.rcvRttTime) / 1000)), true);
  }
  tp.rcvRttSeq = (tp.rcvNxt + tp.rcvWnd) >>> 0;
  tp.rcvRttTime = Math.max(1, tp.now);
}

/** With timestamps: how old the echo is. @kernel tcp_rcv_rtt_measure_ts() */
export function tcpRcvRttMeasureTs(tp: TcpSock, skb: SkBuff): void {
  const rx = tp.rxOpt;
  if (!rx.sawTstamp || rx.rcvTsecr === 0 || rx.rcvTsecr === tp.rcvRttLastTsecr) return;
  tp.rcvRttLastTsecr = rx.rcvTsecr;
  if ((skb.cbEndSeq - skb.cbSeq) >>> 0 < tp.ackRcvMss) return;
  const delta = (tcpTimestampMs(tp.now) - rx.rcvTsecr) >>> 0;
  if (delta < 2_000_000) rcvRttUpdate(tp, Math.max(1, delta) * 1000, false);
}

/** Guesses the peer's segment size, by which ACKs are counted. @kernel tcp_measure_rcv_mss() */
function measureRcvMss(tp: TcpSock, skb: SkBuff): void {
  const last = tp.ackLastSegSize;
  tp.ackLastSegSize = 0;
  const len = skb.gsoSize > 0 ? skb.gsoSize : skb.len;
  if (len >= tp.ackRcvMss) {
    if (len !== tp.ackRcvMss) tcpUpdateScalingRatio(tp, skb);
    tp.ackRcvMss = Math.min(len, tp.advmss);
    if (len > tp.advmss) tp.ackPending |= ICSK_ACK_PUSHED;
    return;
  }
  // Smaller ones that keep coming at one size are a small MSS, not the ends of writes.
  const whole = len + tp.tcpHeaderLen;
  if (whole >= TCP_MSS_DEFAULT + 20 || (whole >= 108 && (skb.cbFlags & TCPHDR_PSH) === 0)) {
    const segment = whole - tp.tcpHeaderLen;
    tp.ackLastSegSize = segment;
    if (segment === last) {
      tp.ackRcvMss = segment;
      return;
    }
  }
  if ((tp.ackPending & ICSK_ACK_PUSHED) !== 0) tp.ackPending |= ICSK_ACK_PUSHED2;
  tp.ackPending |= ICSK_ACK_PUSHED;
}

/** Data arrived: schedules its ACK and adapts the delay. @kernel tcp_event_data_recv() */
export function tcpEventDataRecv(tp: TcpSock, skb: SkBuff): void {
  tp.ackPending |= ICSK_ACK_SCHED;
  measureRcvMss(tp, skb);
  rcvRttMeasure(tp);
  const now = tp.now;
  if (tp.ackAto === 0) {
    // First data of the connection: answer at once while the sender is in slow start.
    tcpIncrQuickack(tp, TCP_MAX_QUICKACKS);
    tp.ackAto = TCP_ATO_MIN;
  } else {
    const gap = now - tp.ackLrcvtime;
    const rto = tp.rtoUs * 1000;
    if (gap <= TCP_ATO_MIN / 2) {
      tp.ackAto = tp.ackAto / 2 + TCP_ATO_MIN / 2;
    } else if (gap < tp.ackAto) {
      tp.ackAto = Math.min(tp.ackAto / 2 + gap, rto);
    } else if (gap > rto) {
      tcpIncrQuickack(tp, TCP_MAX_QUICKACKS); // a long pause: the sender starts slowly again
    }
  }
  tp.ackLrcvtime = now;
  if ((tp.ecnFlags & TCP_ECN_OK) !== 0) tcpDataEcnCheck(tp, skb);
  if (skb.len >= 128) tcpGrowWindow(tp, skb);
}

// ---- when to acknowledge ----

/** @kernel tcp_send_delayed_ack() */
function sendDelayedAck(tp: TcpSock): void {
  const now = tp.now;
  let ato = tp.ackAto;
  if (ato > TCP_DELACK_MIN) {
    let max = 500 * NSEC_PER_MSEC;
    if (tcpInPingpong(tp) || (tp.ackPending & ICSK_ACK_PUSHED) !== 0) max = TCP_DELACK_MAX;
    if (tp.srttUs !== 0) max = Math.min(max, Math.max((tp.srttUs >> 3) * 1000, TCP_DELACK_MIN));
    ato = Math.min(ato, max);
  }
  ato = Math.max(Math.min(ato, tp.delackMax), NSEC_PER_MSEC); // a timer that is due fires with the next tick
  let timeout = now + ato;
  if ((tp.ackPending & ICSK_ACK_TIMER) !== 0) {
    if (tp.ackTimeout <= now + ato / 4) {
      tcpSendAck(tp);
      return;
    }
    timeout = Math.min(timeout, tp.ackTimeout);
  }
  tp.ackPending |= ICSK_ACK_SCHED | ICSK_ACK_TIMER;
  tp.ackTimeout = timeout;
  tcpSetDelack(tp, timeout);
}

/** Acknowledges now, later, or in a compressed burst. @kernel __tcp_ack_snd_check() */
export function tcpAckSndCheckNow(tp: TcpSock, ofoPossible: boolean): void {
  const unacked = (tp.rcvNxt - tp.rcvWup) >>> 0;
  const full =
    unacked > tp.ackRcvMss &&
    ((tp.rcvNxt - tp.copiedSeq) >>> 0 < tp.rcvlowat || tcpSelectWindowSize(tp) >= tp.rcvWnd);
  if (
    full ||
    (tp.ackQuick > 0 && !tcpInPingpong(tp)) ||
    tp.routeQuickack ||
    (tp.ackPending & ICSK_ACK_NOW) !== 0
  ) {
    tcpSendAck(tp);
    return;
  }
  if (!ofoPossible || tp.ofoQueue.length === 0) {
    sendDelayedAck(tp);
    return;
  }
  if (!tp.rxOpt.sackOk || tp.compressedAck >= tp.tn.sysctl(TcpSysctl.tcp_comp_sack_nr)) {
    tcpSendAck(tp);
    return;
  }
  // The first duplicate ACKs start fast retransmit; later ones only confirm and may be few.
  if (tp.dupAckCounter < TCP_FASTRETRANS_THRESH) {
    tp.dupAckCounter++;
    tcpSendAck(tp);
    return;
  }
  tp.compressedAck++;
  if (tp.compressedAckTimer?.pending === true) return;
  let rtt = tp.rcvRttUs;
  if (tp.srttUs !== 0 && tp.srttUs < rtt) rtt = tp.srttUs;
  const delay = Math.min(
    tp.tn.sysctl(TcpSysctl.tcp_comp_sack_delay_ns),
    Math.floor((rtt * 125) / 20),
  ); // 5 % of the round trip
  tcpSetCompressedAck(tp, tp.now + delay);
}

/** @kernel tcp_ack_snd_check() */
export function tcpAckSndCheck(tp: TcpSock): void {
  if ((tp.ackPending & ICSK_ACK_SCHED) !== 0) tcpAckSndCheckNow(tp, true);
}

/** An ACK may have made room: for segments, then for the writer. @kernel tcp_data_snd_check() */
export function tcpDataSndCheck(tp: TcpSock): void {
  tcpPushPendingFrames(tp);
  tcpCheckSpace(tp);
}

/** @kernel tcp_check_space() */
export function tcpCheckSpace(tp: TcpSock): void {
  if (!tp.nospace) return;
  if (tcpShouldExpandSndbuf(tp)) {
    tcpSndbufExpand(tp);
    tp.sndCwndStamp = tp.now;
  }
  // A third of the buffer must be free before a writer is woken (sk_stream_is_writeable).
  if (tp.sndbuf - tp.wmemQueued < tp.wmemQueued >> 1) return;
  tp.nospace = false;
  tcpChronoStop(tp, CHRONO_SNDBUF_LIMITED);
  if (tp.writeSpace !== null) tp.writeSpace(tp);
}

// ---- the data ----

function outOfWindow(tp: TcpSock, skb: SkBuff, reason: number): void {
  tcpEnterQuickackMode(tp);
  tp.ackPending |= ICSK_ACK_SCHED;
  tp.net.kernel.kfreeSkbReason(skb, reason);
}

/**
 * Takes a segment whose sequence numbers have been checked; data at the payload. Consumes it.
 * @kernel net/ipv4/tcp_input.c tcp_data_queue()
 */
export function tcpDataQueue(tp: TcpSock, skb: SkBuff): void {
  if (skb.cbSeq === skb.cbEndSeq) {
    skb.pool.release(skb);
    return;
  }
  skb.dst = null;
  if ((tp.ecnFlags & TCP_ECN_OK) !== 0) tcpEcnAcceptCwr(tp, skb);
  tp.rxOpt.dsack = false;
  const mib = tp.net.mib;
  const kernel = tp.net.kernel;
  if (skb.cbSeq === tp.rcvNxt) {
    if (tcpReceiveWindow(tp) === 0 && (skb.len > 0 || (skb.cbFlags & TCPHDR_FIN) === 0)) {
      mibAdd(mib, Mib.TcpExtTCPZeroWindowDrop, 1);
      outOfWindow(tp, skb, DropReason.TCP_ZEROWINDOW);
      return;
    }
    queueInOrder(tp, skb);
    return;
  }
  if (!seqAfter(skb.cbEndSeq, tp.rcvNxt)) {
    // All of it is known: a retransmission whose ACK was lost.
    mibAdd(mib, Mib.TcpExtDelayedACKLost, 1);
    if (tp.accecn !== null) tcpAccecnSpuriousRetrans(tp, tp.accecn, skb.cbSeq);
    tcpReportDuplicate(tp, skb.cbSeq, skb.cbEndSeq);
    outOfWindow(tp, skb, DropReason.TCP_OLD_DATA);
    return;
  }
  const window = tcpReceiveWindow(tp);
  if (!seqBefore(skb.cbSeq, (tp.rcvNxt + window) >>> 0)) {
    outOfWindow(tp, skb, DropReason.TCP_OVERWINDOW);
    return;
  }
  if (seqBefore(skb.cbSeq, tp.rcvNxt)) {
    tcpReportDuplicate(tp, skb.cbSeq, tp.rcvNxt);
    if (window === 0) {
      mibAdd(mib, Mib.TcpExtTCPZeroWindowDrop, 1);
      tcpEnterQuickackMode(tp);
      tp.ackPending |= ICSK_ACK_SCHED;
      kernel.kfreeSkbReason(skb, DropReason.TCP_ZEROWINDOW);
      return;
    }
    queueInOrder(tp, skb);
    return;
  }
  tp.ackPending |= ICSK_ACK_SCHED;
  measureRcvMss(tp, skb);
  tcpDataQueueOfo(tp, skb);
}

function queueInOrder(tp: TcpSock, skb: SkBuff): void {
  if (!tcpTryRmemSchedule(tp, skb)) {
    mibAdd(tp.net.mib, Mib.TcpExtTCPRcvQDrop, 1);
    tp.ackPending |= ICSK_ACK_SCHED | ICSK_ACK_NOMEM | ICSK_ACK_NOW;
    if (tp.dataReady !== null) tp.dataReady(tp);
    tp.net.kernel.kfreeSkbReason(skb, DropReason.PROTO_MEM);
    return;
  }
  const fin = (skb.cbFlags & TCPHDR_FIN) !== 0;
  if (skb.len > 0) tcpEventDataRecv(tp, skb);
  tcpQueueRcv(tp, skb);
  if (fin) tcpFin(tp);
  if (tp.ofoQueue.length > 0) {
    if (tcpOfoQueue(tp)) tcpFin(tp);
    // The gap is filled: tell at once (RFC 5681 §4.2).
    if (tp.ofoQueue.length === 0) tp.ackPending |= ICSK_ACK_NOW;
  }
  if (tp.numSacks > 0) tcpSackRemove(tp);
  tcpFastPathCheck(tp);
  if (!tp.dead && tp.dataReady !== null) tp.dataReady(tp);
}

/** The peer's stream has ended. @kernel tcp_fin() */
export function tcpFin(tp: TcpSock): void {
  tp.ackPending |= ICSK_ACK_SCHED;
  tp.shutdownMask |= RCV_SHUTDOWN;
  tp.done = true;
  switch (tp.state) {
    case TCP_SYN_RECV:
    case TCP_ESTABLISHED:
      tcpSetState(tp, TCP_CLOSE_WAIT);
      tcpEnterPingpong(tp); // our FIN will probably carry the ACK
      break;
    case TCP_FIN_WAIT1:
      tcpSendAck(tp);
      tcpSetState(tp, TCP_CLOSING);
      break;
    case TCP_FIN_WAIT2:
      tcpSendAck(tp);
      tcpTimeWait(tp, TCP_TIME_WAIT, 0);
      break;
    default:
      break; // a FIN again
  }
  tp.ofoQueue.purge();
  tp.numSacks = 0;
  tp.rxOpt.dsack = false;
  if (!tp.dead && tp.stateChange !== null) tp.stateChange(tp);
}

/** The peer reset the connection. @kernel tcp_reset() */
export function tcpReset(tp: TcpSock): void {
  switch (tp.state) {
    case TCP_SYN_SENT:
      tcpDoneWithError(tp, Errno.ECONNREFUSED);
      break;
    case TCP_CLOSE_WAIT:
      tcpDoneWithError(tp, Errno.EPIPE);
      break;
    case TCP_CLOSE:
      break;
    default:
      tcpDoneWithError(tp, Errno.ECONNRESET);
  }
}

/** Ends a connection with an error for its owner. @kernel tcp_done_with_error() */
export function tcpDoneWithError(tp: TcpSock, error: number): void {
  tp.err = error;
  tcpWriteQueuePurge(tp);
  const dead = tp.dead;
  tcpDone(tp);
  if (!dead) tcpErrorReport(tp);
}
