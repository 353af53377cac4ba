/**
 * A received segment and the state machine: header prediction for the common case, then the steps of RFC 9293 §3.10.7.
 * tcp-ipv4 → tcpRcvEstablished | tcpRcvStateProcess → tcp-ack, tcp-data.
 * Sources: net/ipv4/tcp_input.c, RFC 9293, RFC 5961, RFC 7323. In here `skb.data` is at the payload, `transportHeader` at
 * the TCP header, sequence numbers and flags in `cbSeq`, `cbEndSeq`, `cbFlags`.
 */
import { seqAfter, seqBefore, seqBetween } from '@netloom/base';
import { DropReason, Mib, mibAdd, RCV_SHUTDOWN, SEND_SHUTDOWN, type SkBuff } from '@netloom/kernel-core';
import {
  TCP_HLEN, TCPHDR_ACK, TCPHDR_FIN, TCPHDR_PSH, TCPHDR_RST, TCPHDR_SYN, tcphAckSeq, tcphWindow,
} from '@netloom/wire';
import { FLAG_DATA, FLAG_NO_CHALLENGE_ACK, FLAG_SLOWPATH, FLAG_UPDATE_TS_RECENT } from './tcp-ack-flags.js';
import { tcpAck, tcpSynackRttMeas } from './tcp-ack.js';
import { tcpInitCongestionControl } from './tcp-cong.js';
import {
  ICSK_ACK_SCHED, NSEC_PER_SEC, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_LAST_ACK,
  TCP_LISTEN, TCP_PAWS_WINDOW, TCP_SYN_RECV, TCP_SYN_SENT, TCP_TIME_WAIT, TCP_TIMEOUT_FALLBACK_US, TCP_TIMEWAIT_LEN,
} from './tcp-const.js';
import { tcpInitCwnd, tcpUpdatePacingRate } from './tcp-cwnd.js';
import {
  tcpAckSndCheck, tcpAckSndCheckNow, tcpDataQueue, tcpDataSndCheck, tcpEventDataRecv, tcpRcvRttMeasureTs, tcpReset,
} from './tcp-data.js';
import { tcpConnRequest } from './tcp-listen.js';
import { tcpSyncMss } from './tcp-mss.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpReportDuplicate } from './tcp-ofo.js';
import { tcpFastParseOptions, tcpParseAlignedTimestamp, tcpParseOptions, tcpPawsCheck, tcpStoreTsRecent, TCPOLEN_TSTAMP_ALIGNED } from './tcp-options.js';
import { tcpSendFin } from './tcp-output.js';
import { tcpQueueRcv } from './tcp-rmem.js';
import { tcpSendSynackAgain } from './tcp-connect.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpDone, tcpSetState } from './tcp-state.js';
import { tcpFinTime } from './tcp-timer.js';
import { tcpTimeWait } from './tcp-timewait.js';
import { tcpEnterQuickackMode, tcpOowRateLimited, tcpSendAck, tcpSendChallengeAck } from './tcp-transmit.js';
import { tcpInitBufferSpace, tcpInitializeRcvMss, tcpReceiveWindow } from './tcp-window.js';
import { tcpResetKeepalive } from './tcp-xmit-timer.js';

function nowSeconds(tp: TcpSock): number {
  return Math.floor(tp.now / NSEC_PER_SEC);
}

function discard(tp: TcpSock, skb: SkBuff, reason: number): void {
  tp.drops++;
  tp.net.kernel.kfreeSkbReason(skb, reason);
}

// ---- acceptability ----

/** A segment to answer with an ACK and nothing else; reports data that came twice. @kernel tcp_send_dupack() */
function sendDupack(tp: TcpSock, skb: SkBuff): void {
  if (skb.cbEndSeq !== skb.cbSeq && seqBefore(skb.cbSeq, tp.rcvNxt)) {
    mibAdd(tp.net.mib, Mib.TcpExtDelayedACKLost, 1);
    tcpEnterQuickackMode(tp);
    const end = seqAfter(skb.cbEndSeq, tp.rcvNxt) ? tp.rcvNxt : skb.cbEndSeq;
    tcpReportDuplicate(tp, skb.cbSeq, end);
  }
  tcpSendAck(tp);
}

/** An old timestamp on what is only a pure ACK that overtook others. @kernel tcp_disordered_ack() */
function disorderedAck(tp: TcpSock, skb: SkBuff): boolean {
  const m = skb.mem;
  const th = skb.transportHeader;
  const ack = tcphAckSeq(m, th);
  const rx = tp.rxOpt;
  if ((skb.cbFlags & TCPHDR_ACK) === 0 || skb.cbSeq !== skb.cbEndSeq || skb.cbSeq !== tp.rcvNxt || ack !== tp.sndUna) return false;
  const window = tcphWindow(m, th) * (1 << rx.sndWscale);
  if (seqAfter(ack, tp.sndUna) || seqAfter(skb.cbSeq, tp.sndWl1) || (skb.cbSeq === tp.sndWl1 && window > tp.sndWnd)) return false;
  return ((rx.tsRecent - rx.rcvTsval) | 0) <= Math.floor(tp.rtoUs / 1000); // within a timeout, in timestamp ticks
}

/** @returns 0, or the reason why the sequence numbers are not acceptable. @kernel tcp_sequence() */
function checkSequence(tp: TcpSock, seq: number, end: number): number {
  if (seqBefore(end, tp.rcvWup)) return DropReason.TCP_OLD_SEQUENCE;
  if (seqAfter(seq, (tp.rcvNxt + tcpReceiveWindow(tp)) >>> 0)) return DropReason.TCP_INVALID_SEQUENCE;
  return 0;
}

/** A RST one behind, as some stacks send it after a FIN. @kernel tcp_reset_check() */
function resetCheck(tp: TcpSock, skb: SkBuff): boolean {
  return (
    skb.cbSeq === (tp.rcvNxt - 1) >>> 0 && (tp.state === TCP_CLOSE_WAIT || tp.state === TCP_LAST_ACK || tp.state === TCP_CLOSING)
  );
}

/** RFC 5961 §3: only an exact RST is believed, or one at the end of what was sacked. */
function resetIsExact(tp: TcpSock, skb: SkBuff): boolean {
  if (skb.cbSeq === tp.rcvNxt || resetCheck(tp, skb)) return true;
  let highest = -1;
  for (let i = 0; i < tp.numSacks; i++) {
    const end = tp.sackEnd[i] as number;
    if (highest < 0 || seqAfter(end, highest)) highest = end;
  }
  return skb.cbSeq === highest;
}

/** PAWS, sequence, RST, SYN. @returns false when the segment was consumed. @kernel tcp_validate_incoming() */
function validateIncoming(tp: TcpSock, skb: SkBuff, doff: number, synIsError: boolean): boolean {
  const mib = tp.net.mib;
  const flags = skb.cbFlags;
  const rst = (flags & TCPHDR_RST) !== 0;
  tcpFastParseOptions(tp, skb.mem, skb.transportHeader, doff);
  if (tp.rxOpt.sawTstamp && !rst && !tcpPawsCheck(tp.rxOpt, TCP_PAWS_WINDOW, nowSeconds(tp)) && !disorderedAck(tp, skb)) {
    mibAdd(mib, Mib.TcpExtPAWSEstab, 1);
    if (!tcpOowRateLimited(tp, skb, Mib.TcpExtTCPACKSkippedPAWS)) sendDupack(tp, skb);
    discard(tp, skb, DropReason.TCP_RFC7323_PAWS);
    return false;
  }
  const bad = checkSequence(tp, skb.cbSeq, skb.cbEndSeq);
  if (bad !== 0) {
    if (rst) {
      if (resetCheck(tp, skb)) {
        tcpReset(tp);
        discard(tp, skb, DropReason.TCP_RESET);
        return false;
      }
    } else if ((flags & TCPHDR_SYN) !== 0) {
      synChallenge(tp, synIsError);
    } else if (!tcpOowRateLimited(tp, skb, Mib.TcpExtTCPACKSkippedSeq)) {
      sendDupack(tp, skb);
    }
    discard(tp, skb, bad);
    return false;
  }
  if (rst) {
    if (resetIsExact(tp, skb)) tcpReset(tp);
    else tcpSendChallengeAck(tp);
    discard(tp, skb, DropReason.TCP_RESET);
    return false;
  }
  if ((flags & TCPHDR_SYN) !== 0) {
    // The answer in a simultaneous open may carry SYN again.
    if (
      tp.state === TCP_SYN_RECV && (flags & TCPHDR_ACK) !== 0 && (skb.cbSeq + 1) >>> 0 === skb.cbEndSeq && skb.cbEndSeq === tp.rcvNxt &&
      tcphAckSeq(skb.mem, skb.transportHeader) === tp.sndNxt
    ) {
      return true;
    }
    synChallenge(tp, synIsError);
    discard(tp, skb, DropReason.TCP_INVALID_SYN);
    return false;
  }
  return true;
}

function synChallenge(tp: TcpSock, isError: boolean): void {
  if (isError) mibAdd(tp.net.mib, Mib.TcpInErrs, 1);
  mibAdd(tp.net.mib, Mib.TcpExtTCPSYNChallenge, 1);
  tcpSendChallengeAck(tp);
}

// ---- ESTABLISHED ----

/** Takes a segment in ESTABLISHED. Consumes it. @kernel tcp_rcv_established() */
export function tcpRcvEstablished(tp: TcpSock, skb: SkBuff, doff: number): void {
  const m = skb.mem;
  const th = skb.transportHeader;
  const ack = tcphAckSeq(m, th);
  const flags = skb.cbFlags;
  const window = tcphWindow(m, th);
  if (
    tp.predictable && (flags & ~TCPHDR_PSH) === TCPHDR_ACK && skb.cbSeq === tp.rcvNxt && doff === tp.tcpHeaderLen &&
    !seqAfter(ack, tp.sndNxt) && window * (1 << tp.rxOpt.sndWscale) === tp.sndWnd && fastPath(tp, skb, doff, ack, window)
  ) {
    return;
  }
  if ((flags & (TCPHDR_ACK | TCPHDR_RST | TCPHDR_SYN)) === 0) {
    discard(tp, skb, DropReason.TCP_FLAGS);
    return;
  }
  if (!validateIncoming(tp, skb, doff, true)) return;
  const result = tcpAck(tp, skb, ack, window, false, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT);
  if (result < 0) {
    discard(tp, skb, result === -1 ? DropReason.TCP_TOO_OLD_ACK : DropReason.TCP_ACK_UNSENT_DATA);
    return;
  }
  tcpRcvRttMeasureTs(tp, skb);
  tcpDataQueue(tp, skb);
  if (tp.state === TCP_CLOSE) return;
  tcpDataSndCheck(tp);
  tcpAckSndCheck(tp);
}

/** The predicted cases: a pure ACK, or data in order. @returns false where the long way must be taken. */
function fastPath(tp: TcpSock, skb: SkBuff, doff: number, ack: number, window: number): boolean {
  const rx = tp.rxOpt;
  rx.sackCount = 0;
  rx.sawTstamp = false;
  if (doff === TCP_HLEN + TCPOLEN_TSTAMP_ALIGNED) {
    if (!tcpParseAlignedTimestamp(tp, skb.mem, skb.transportHeader)) return false;
    if (((rx.rcvTsval - rx.tsRecent) | 0) < 0) return false; // PAWS decides
  }
  const mib = tp.net.mib;
  if (skb.len === 0) {
    if (rx.sawTstamp && tp.rcvNxt === tp.rcvWup) tcpStoreTsRecent(tp);
    tcpAck(tp, skb, ack, window, false, 0);
    skb.pool.release(skb);
    tcpDataSndCheck(tp);
    return true;
  }
  if (tp.rmemAlloc + skb.truesize > tp.rcvbuf) return false;
  if (rx.sawTstamp && tp.rcvNxt === tp.rcvWup) tcpStoreTsRecent(tp);
  tcpRcvRttMeasureTs(tp, skb);
  mibAdd(mib, Mib.TcpExtTCPHPHits, 1);
  skb.dst = null;
  // The ACK part needs the segment's numbers, which outlive its bytes' move to the queue.
  const seq = skb.cbSeq;
  tcpEventDataRecv(tp, skb);
  if (ack !== tp.sndUna) {
    tcpAck(tp, skb, ack, window, false, FLAG_DATA);
    tcpQueueRcv(tp, skb);
    tcpDataSndCheck(tp);
    if ((tp.ackPending & ICSK_ACK_SCHED) !== 0) tcpAckSndCheckNow(tp, false);
  } else {
    tp.sndWl1 = seq;
    tcpQueueRcv(tp, skb);
    tcpAckSndCheckNow(tp, false);
  }
  if (tp.dataReady !== null) tp.dataReady(tp);
  return true;
}

// ---- opening ----

/** A connection is up: window, buffers, congestion control. @kernel tcp_init_transfer(), tcp_init_metrics() */
export function tcpInitTransfer(tp: TcpSock): void {
  if (tp.srttUs === 0) {
    // The SYN was retransmitted and there is no timestamp: RFC 6298 §5.7.
    tp.rttvarUs = tp.mdevUs = tp.mdevMaxUs = TCP_TIMEOUT_FALLBACK_US;
    tp.rtoUs = TCP_TIMEOUT_FALLBACK_US;
  }
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
  discard(tp, skb, reason);
}

/** @returns true where the segment is to be answered with RST (it stays the caller's). @kernel tcp_rcv_synsent_state_process() */
function rcvSynSent(tp: TcpSock, skb: SkBuff, doff: number): boolean {
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
    const started = Math.floor(tp.retransStamp / 1e6) >>> 0;
    if (rx.sawTstamp && rx.rcvTsecr !== 0 && !seqBetween(rx.rcvTsecr, started, Math.floor(tp.now / 1e6) >>> 0)) {
      mibAdd(mib, Mib.TcpExtPAWSActive, 1);
      rx.sackOk = rx.wscaleOk = false;
      return true;
    }
    if ((flags & TCPHDR_RST) !== 0) {
      tcpReset(tp);
      discard(tp, skb, DropReason.TCP_RESET);
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
  if (tp.retransmits > 0 && rx.sawTstamp && rx.rcvTsecr !== 0 && tp.undoMarker !== 0 && tp.retransStamp !== 0) {
    const resent = Math.floor((tp.rtxQueue.first?.cbTime ?? 0) / 1e6);
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
  tcpSyncMss(tp, tp.pmtuCookie);
  tcpInitializeRcvMss(tp);
  tp.copiedSeq = tp.rcvNxt;
  finishConnect(tp);
  tcpSendAck(tp);
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
  tcpSyncMss(tp, tp.pmtuCookie);
  tcpInitializeRcvMss(tp);
  tcpSendSynackAgain(tp);
}

/** The third packet, or the answer of a simultaneous open. */
function enterEstablished(tp: TcpSock, skb: SkBuff, ack: number, window: number): void {
  tp.delivered++;
  if (tp.srttUs === 0) tcpSynackRttMeas(tp, tp.synackTime);
  tp.retransStamp = 0;
  tcpInitTransfer(tp);
  tp.copiedSeq = tp.rcvNxt;
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

// ---- all other states ----

/**
 * Takes a segment in any state but ESTABLISHED and TIME-WAIT.
 * @returns true where it is to be answered with RST and dropped by the caller for `tp.dropReason`; else it was consumed.
 * @kernel tcp_rcv_state_process()
 */
export function tcpRcvStateProcess(tp: TcpSock, skb: SkBuff, doff: number): boolean {
  const flags = skb.cbFlags;
  const m = skb.mem;
  const th = skb.transportHeader;
  switch (tp.state) {
    case TCP_CLOSE:
      discard(tp, skb, DropReason.TCP_CLOSE);
      return false;
    case TCP_LISTEN:
      if ((flags & TCPHDR_ACK) !== 0) return refuse(tp, DropReason.TCP_FLAGS);
      if ((flags & TCPHDR_RST) !== 0) discard(tp, skb, DropReason.TCP_RESET);
      else if ((flags & TCPHDR_SYN) === 0 || (flags & TCPHDR_FIN) !== 0) discard(tp, skb, DropReason.TCP_FLAGS);
      else tcpConnRequest(tp, skb, tp.timewaitIsn);
      return false;
    case TCP_SYN_SENT:
      if (rcvSynSent(tp, skb, doff)) return refuse(tp, DropReason.TCP_INVALID_ACK_SEQUENCE);
      if ((tp.state as number) !== TCP_CLOSE) tcpDataSndCheck(tp);
      return false;
    default:
      break;
  }
  tp.rxOpt.sawTstamp = false;
  if ((flags & (TCPHDR_ACK | TCPHDR_RST | TCPHDR_SYN)) === 0) {
    discard(tp, skb, DropReason.TCP_FLAGS);
    return false;
  }
  if (!validateIncoming(tp, skb, doff, false)) return false;
  const ack = tcphAckSeq(m, th);
  const window = tcphWindow(m, th);
  const result = tcpAck(tp, skb, ack, window, false, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT | FLAG_NO_CHALLENGE_ACK);
  if (result <= 0) {
    if (tp.state === TCP_SYN_RECV) return refuse(tp, result === 0 ? DropReason.TCP_OLD_ACK : DropReason.TCP_ACK_UNSENT_DATA);
    if (result < 0) {
      tcpSendChallengeAck(tp);
      discard(tp, skb, result === -1 ? DropReason.TCP_TOO_OLD_ACK : DropReason.TCP_ACK_UNSENT_DATA);
      return false;
    }
  }
  if (!ackByState(tp, skb, ack, window)) return false;
  return textByState(tp, skb);
}

function refuse(tp: TcpSock, reason: number): true {
  tp.dropReason = reason;
  return true;
}

/** What the acknowledgement means in each state. @returns false when the segment has been consumed. */
function ackByState(tp: TcpSock, skb: SkBuff, ack: number, window: number): boolean {
  switch (tp.state) {
    case TCP_SYN_RECV:
      enterEstablished(tp, skb, ack, window);
      return true;
    case TCP_FIN_WAIT1:
      return tp.sndUna !== tp.writeSeq || finAcked(tp, skb);
    case TCP_CLOSING:
      if (tp.sndUna !== tp.writeSeq) return true;
      tcpTimeWait(tp, TCP_TIME_WAIT, 0);
      skb.pool.release(skb);
      return false;
    case TCP_LAST_ACK:
      if (tp.sndUna !== tp.writeSeq) return true;
      tcpDone(tp);
      skb.pool.release(skb);
      return false;
    default:
      return true;
  }
}

/** Our FIN is acknowledged. @returns false when the segment has been consumed. */
function finAcked(tp: TcpSock, skb: SkBuff): boolean {
  tcpSetState(tp, TCP_FIN_WAIT2);
  tp.shutdownMask |= SEND_SHUTDOWN;
  if (!tp.dead) {
    if (tp.stateChange !== null) tp.stateChange(tp);
    return true;
  }
  const fin = (skb.cbFlags & TCPHDR_FIN) !== 0;
  const lastByte = (skb.cbEndSeq - (fin ? 1 : 0)) >>> 0;
  if (tp.linger2 < 0 || (skb.cbEndSeq !== skb.cbSeq && seqAfter(lastByte, tp.rcvNxt))) {
    tcpDone(tp);
    mibAdd(tp.net.mib, Mib.TcpExtTCPAbortOnData, 1);
    discard(tp, skb, DropReason.TCP_ABORT_ON_DATA);
    return false;
  }
  const timeout = tcpFinTime(tp);
  if (timeout > TCP_TIMEWAIT_LEN) {
    tcpResetKeepalive(tp, timeout - TCP_TIMEWAIT_LEN);
    return true;
  }
  if (fin) {
    tcpResetKeepalive(tp, timeout); // the FIN in this segment decides
    return true;
  }
  tcpTimeWait(tp, TCP_FIN_WAIT2, timeout);
  skb.pool.release(skb);
  return false;
}

/** The segment's text, in the states that take it. @returns true to answer with RST. */
function textByState(tp: TcpSock, skb: SkBuff): boolean {
  switch (tp.state) {
    case TCP_CLOSE_WAIT:
    case TCP_CLOSING:
    case TCP_LAST_ACK:
      // Nothing follows a FIN; retransmissions get their ACK.
      if (!seqBefore(skb.cbSeq, tp.rcvNxt)) {
        finishProcessing(tp);
        skb.pool.release(skb);
        return false;
      }
      break;
    case TCP_FIN_WAIT1:
    case TCP_FIN_WAIT2: {
      const fin = (skb.cbFlags & TCPHDR_FIN) !== 0;
      const lastByte = (skb.cbEndSeq - (fin ? 1 : 0)) >>> 0;
      if ((tp.shutdownMask & RCV_SHUTDOWN) !== 0 && skb.cbEndSeq !== skb.cbSeq && seqAfter(lastByte, tp.rcvNxt)) {
        mibAdd(tp.net.mib, Mib.TcpExtTCPAbortOnData, 1);
        tcpReset(tp);
        return refuse(tp, DropReason.TCP_ABORT_ON_DATA);
      }
      break;
    }
    case TCP_ESTABLISHED:
      break;
    default:
      skb.pool.release(skb);
      return false;
  }
  tcpDataQueue(tp, skb);
  finishProcessing(tp);
  return false;
}

function finishProcessing(tp: TcpSock): void {
  if (tp.state === TCP_CLOSE) return;
  tcpDataSndCheck(tp);
  tcpAckSndCheck(tp);
}
