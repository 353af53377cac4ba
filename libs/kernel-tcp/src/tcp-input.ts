/**
 * A received segment and the state machine: header prediction for the common case, then the steps of RFC 9293 §3.10.7.
 * tcp-ipv4 → tcpRcvEstablished | tcpRcvStateProcess → tcp-ack, tcp-data.
 * Sources: net/ipv4/tcp_input.c, RFC 9293, RFC 5961, RFC 7323. In here `skb.data` is at the payload, `transportHeader` at
 * the TCP header, sequence numbers and flags in `cbSeq`, `cbEndSeq`, `cbFlags`.
 */
import { seqAfter, seqBefore } from '@netloom/base';
import { tcpAccecnReceived } from './tcp-accecn.js';
import { tcpSkbEcn } from './tcp-ecn.js';
import {
  DropReason,
  Mib,
  mibAdd,
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  TCP_HLEN,
  TCPHDR_ACK,
  TCPHDR_FIN,
  TCPHDR_PSH,
  TCPHDR_RST,
  TCPHDR_SYN,
  TCPHDR_URG,
  tcphAckSeq,
  tcphWindow,
} from '@netloom/wire';
import {
  FLAG_DATA,
  FLAG_NO_CHALLENGE_ACK,
  FLAG_SLOWPATH,
  FLAG_UPDATE_TS_RECENT,
} from './tcp-ack-flags.js';
import { tcpAck } from './tcp-ack.js';
import {
  ICSK_ACK_SCHED,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
  TCP_TIMEWAIT_LEN,
} from './tcp-const.js';
import {
  tcpAckSndCheck,
  tcpAckSndCheckNow,
  tcpDataQueue,
  tcpDataSndCheck,
  tcpEventDataRecv,
  tcpRcvRttMeasureTs,
  tcpReset,
} from './tcp-data.js';
import { tcpCheckReq } from './tcp-minisocks.js';
import { tcpConnRequest } from './tcp-listen.js';
import { tcpEnterEstablished, tcpFastopenConfirmed, tcpRcvSynSent } from './tcp-open.js';
import { tcpPassiveFastopen } from './tcp-fastopen.js';
import { tcpUpdateMetrics } from './tcp-metrics.js';
import {
  tcpParseAlignedTimestamp,
  tcpStoreTsRecent,
  TCPOLEN_TSTAMP_ALIGNED,
} from './tcp-options.js';
import { tcpQueueRcv } from './tcp-rmem.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpDone, tcpSetState } from './tcp-state.js';
import { tcpFinTime } from './tcp-timer.js';
import { tcpTimeWait } from './tcp-timewait.js';
import { tcpSendChallengeAck } from './tcp-transmit.js';
import { tcpDiscard, tcpValidateIncoming } from './tcp-validate.js';
import { tcpUrg } from './tcp-urg.js';
import { tcpResetKeepalive } from './tcp-xmit-timer.js';

// ---- ESTABLISHED ----

/** Takes a segment in ESTABLISHED. Consumes it. @kernel tcp_rcv_established() */
export function tcpRcvEstablished(tp: TcpSock, skb: SkBuff, doff: number): void {
  const m = skb.mem;
  const th = skb.transportHeader;
  const ack = tcphAckSeq(m, th);
  const flags = skb.cbFlags;
  const window = tcphWindow(m, th);
  if (
    tp.predictable &&
    tp.accecn === null &&
    (flags & ~TCPHDR_PSH) === TCPHDR_ACK &&
    skb.cbSeq === tp.rcvNxt &&
    doff === tp.tcpHeaderLen &&
    !seqAfter(ack, tp.sndNxt) &&
    window * (1 << tp.rxOpt.sndWscale) === tp.sndWnd &&
    fastPath(tp, skb, doff, ack, window)
  ) {
    return;
  }
  if ((flags & (TCPHDR_ACK | TCPHDR_RST | TCPHDR_SYN)) === 0) {
    tcpDiscard(tp, skb, DropReason.TCP_FLAGS);
    return;
  }
  if (!tcpValidateIncoming(tp, skb, doff, true)) return;
  if (tp.accecn !== null) tcpAccecnReceived(tp, tp.accecn, skb, tcpSkbEcn(skb), skb.len);
  const result = tcpAck(tp, skb, ack, window, false, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT);
  if (result < 0) {
    tcpDiscard(
      tp,
      skb,
      result === -1 ? DropReason.TCP_TOO_OLD_ACK : DropReason.TCP_ACK_UNSENT_DATA,
    );
    return;
  }
  tcpRcvRttMeasureTs(tp, skb);
  if (tp.urg !== null || (flags & TCPHDR_URG) !== 0) tcpUrg(tp, skb);
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
      tcpDiscard(tp, skb, DropReason.TCP_CLOSE);
      return false;
    case TCP_LISTEN:
      if ((flags & TCPHDR_ACK) !== 0) return refuse(tp, DropReason.TCP_FLAGS);
      if ((flags & TCPHDR_RST) !== 0) tcpDiscard(tp, skb, DropReason.TCP_RESET);
      else if ((flags & TCPHDR_SYN) === 0 || (flags & TCPHDR_FIN) !== 0)
        tcpDiscard(tp, skb, DropReason.TCP_FLAGS);
      else tcpConnRequest(tp, skb, tp.timewaitIsn);
      return false;
    case TCP_SYN_SENT:
      if (tcpRcvSynSent(tp, skb, doff)) return refuse(tp, DropReason.TCP_INVALID_ACK_SEQUENCE);
      if ((tp.state as number) !== TCP_CLOSE) tcpDataSndCheck(tp);
      return false;
    default:
      break;
  }
  tp.rxOpt.sawTstamp = false;
  if (tp.tfo !== null && tp.tfo.request !== null && tcpCheckReq(tp.tfo.request, skb, tp) === null) {
    tcpDiscard(tp, skb, DropReason.NOT_SPECIFIED);
    return false;
  }
  if ((flags & (TCPHDR_ACK | TCPHDR_RST | TCPHDR_SYN)) === 0) {
    tcpDiscard(tp, skb, DropReason.TCP_FLAGS);
    return false;
  }
  if (!tcpValidateIncoming(tp, skb, doff, false)) return false;
  // The segment that made the connection has been counted.
  if (tp.accecn !== null && tp.state !== TCP_SYN_RECV)
    tcpAccecnReceived(tp, tp.accecn, skb, tcpSkbEcn(skb), skb.len);
  const ack = tcphAckSeq(m, th);
  const window = tcphWindow(m, th);
  const result = tcpAck(
    tp,
    skb,
    ack,
    window,
    false,
    FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT | FLAG_NO_CHALLENGE_ACK,
  );
  if (result <= 0) {
    if (tp.state === TCP_SYN_RECV)
      return refuse(tp, result === 0 ? DropReason.TCP_OLD_ACK : DropReason.TCP_ACK_UNSENT_DATA);
    if (result < 0) {
      tcpSendChallengeAck(tp);
      tcpDiscard(
        tp,
        skb,
        result === -1 ? DropReason.TCP_TOO_OLD_ACK : DropReason.TCP_ACK_UNSENT_DATA,
      );
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
      tcpEnterEstablished(tp, skb, ack, window);
      return true;
    case TCP_FIN_WAIT1:
      if (tcpPassiveFastopen(tp)) tcpFastopenConfirmed(tp);
      return tp.sndUna !== tp.writeSeq || finAcked(tp, skb);
    case TCP_CLOSING:
      if (tp.sndUna !== tp.writeSeq) return true;
      tcpTimeWait(tp, TCP_TIME_WAIT, 0);
      skb.pool.release(skb);
      return false;
    case TCP_LAST_ACK:
      if (tp.sndUna !== tp.writeSeq) return true;
      tcpUpdateMetrics(tp);
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
    tcpDiscard(tp, skb, DropReason.TCP_ABORT_ON_DATA);
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
  if (tp.urg !== null || (skb.cbFlags & TCPHDR_URG) !== 0) tcpUrg(tp, skb);
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
      if (
        (tp.shutdownMask & RCV_SHUTDOWN) !== 0 &&
        skb.cbEndSeq !== skb.cbSeq &&
        seqAfter(lastByte, tp.rcvNxt)
      ) {
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
