/**
 * An acknowledgement: what it covers leaves the retransmit queue, round trips are measured, windows move, and whatever the
 * recovery machine asks for is sent. tcp-input → tcpAck → tcp-sack, tcp-recovery.
 * Sources: net/ipv4/tcp_input.c tcp_ack(), tcp_clean_rtx_queue(); RFC 9293 §3.10.7.4, RFC 7323 §4.
 */
import { seqAfter, seqBefore } from '@netloom/base';
import { tcpAccecnProcess } from './tcp-accecn.js';
import { Mib, mibAdd, type SkBuff } from '@netloom/kernel-core';
import { TCPHDR_SYN } from '@netloom/wire';
import {
  FLAG_ACKED,
  FLAG_ACK_MAYBE_DELAYED,
  FLAG_DATA,
  FLAG_DATA_ACKED,
  FLAG_DATA_SACKED,
  FLAG_DSACK_TLP,
  FLAG_DSACKING_ACK,
  FLAG_ECE,
  FLAG_NO_CHALLENGE_ACK,
  FLAG_NOT_DUP,
  FLAG_ORIG_SACK_ACKED,
  FLAG_RETRANS_DATA_ACKED,
  FLAG_SACK_RENEGING,
  FLAG_SET_XMIT_TIMER,
  FLAG_SLOWPATH,
  FLAG_SND_UNA_ADVANCED,
  FLAG_SYN_ACKED,
  FLAG_TS_PROGRESS,
  FLAG_UPDATE_TS_RECENT,
  FLAG_WIN_UPDATE,
  REXMIT_NONE,
} from './tcp-ack-flags.js';
import { tcpSetCaState } from './tcp-cong.js';
import {
  ICSK_TIME_PROBE0,
  NSEC_PER_MSEC,
  TCP_CA_CWR,
  TCP_CA_OPEN,
  TCPCB_LOST,
  TCPCB_RETRANS,
  TCPCB_SACKED_ACKED,
  TCPCB_SACKED_RETRANS,
} from './tcp-const.js';
import { CHRONO_BUSY, tcpChronoStop } from './tcp-chrono.js';
import {
  tcpEndCwndReduction,
  tcpInitCwndReduction,
  tcpPacketsInFlight,
  tcpSlowStartAfterIdleCheck,
} from './tcp-cwnd.js';
import { tcpEcnEcho } from './tcp-ecn.js';
import { tcpMtupAcked } from './tcp-mtu-probe.js';
import { tcpSyncMss } from './tcp-mss.js';
import { tcpReplaceTsRecent, tcpTimestampMs } from './tcp-options.js';
import { tcpProbe0When } from './tcp-output.js';
import { tcpRackAdvance, tcpRackUpdateReoWnd } from './tcp-rack.js';
import { tcpRateGen, tcpRateSkbDelivered, tcpRateStart } from './tcp-rate.js';
import {
  tcpCheckSackReordering,
  tcpCongControl,
  tcpFastretransAlert,
  tcpHighestSackSeq,
  tcpRemoveRenoSacks,
  tcpTryKeepOpen,
  tcpXmitRecovery,
} from './tcp-recovery.js';
import { tcpMinRtt, tcpRttEstimator, tcpSetRto, tcpUpdateRttMin } from './tcp-rtt.js';
import { tcpSacktagWriteQueue } from './tcp-sack.js';
import type { TcpSock } from './tcp-sock.js';
import { tsortedUnlink } from './tcp-state.js';
import { tcpScheduleLossProbe } from './tcp-tlp.js';
import { tcpTxMarksAcked } from './tcp-tx-marks.js';
import { tcpUrgPending } from './tcp-urg.js';
import { tcpSendChallengeAck, tcpWndEnd } from './tcp-transmit.js';
import { tcpTrimHead } from './tcp-retransmit.js';
import { tcpClearRtxTimer, tcpRearmRto, tcpResetXmitTimer } from './tcp-xmit-timer.js';

export const TCP_ACK_TOO_OLD = -1;
export const TCP_ACK_UNSENT = -2;

/** A run of timeouts has ended. @kernel tcp_update_rto_time() */
function rtoRunEnds(tp: TcpSock): void {
  tp.totalRtoTimeMs += Math.floor((tp.now - tp.rtoStamp) / NSEC_PER_MSEC);
  tp.rtoStamp = 0;
}

/** Moves sndUna. @kernel tcp_snd_una_update() */
function sndUnaUpdate(tp: TcpSock, ack: number): void {
  const delta = (ack - tp.sndUna) >>> 0;
  tp.bytesAcked += delta;
  tp.sndUna = ack;
}

/** Takes over the peer's window where this segment is newer. @kernel tcp_ack_update_window() */
function ackUpdateWindow(
  tp: TcpSock,
  window: number,
  syn: boolean,
  ack: number,
  ackSeq: number,
): void {
  const nwin = syn ? window : window * (1 << tp.rxOpt.sndWscale);
  const newer =
    seqAfter(ack, tp.sndUna) ||
    seqAfter(ackSeq, tp.sndWl1) ||
    (ackSeq === tp.sndWl1 && (nwin > tp.sndWnd || nwin === 0));
  if (newer) {
    tp.ackFlag |= FLAG_WIN_UPDATE;
    tp.sndWl1 = ackSeq;
    if (tp.sndWnd !== nwin) {
      tp.sndWnd = nwin;
      tp.predictable = false;
      tcpFastPathCheck(tp);
      if (tp.writeQueue.head !== null) tcpSlowStartAfterIdleCheck(tp);
      if (nwin > tp.maxWindow) {
        tp.maxWindow = nwin;
        tcpSyncMss(tp, tp.pmtuCookie);
      }
    }
  }
  sndUnaUpdate(tp, ack);
}

/** Header prediction may be tried when nothing waits out of order and there is room. @kernel tcp_fast_path_check() */
export function tcpFastPathCheck(tp: TcpSock): void {
  if (
    tp.ofoQueue.length === 0 &&
    tp.rcvWnd !== 0 &&
    tp.rmemAlloc < tp.rcvbuf &&
    (tp.urg === null || !tcpUrgPending(tp))
  )
    tp.predictable = true;
}

/** Takes a measurement, from a segment, SACK or timestamp. @kernel tcp_ack_update_rtt() */
function ackUpdateRtt(
  tp: TcpSock,
  flag: number,
  seqRttUs: number,
  sackRttUs: number,
  caRttUs: number,
): boolean {
  let seqRtt = seqRttUs < 0 ? sackRttUs : seqRttUs;
  let caRtt = caRttUs;
  const rx = tp.rxOpt;
  // Karn: retransmitted segments measure nothing, but their timestamps do.
  if (seqRtt < 0 && rx.sawTstamp && rx.rcvTsecr !== 0 && (flag & FLAG_ACKED) !== 0) {
    const delta = (tcpTimestampMs(tp.now) - rx.rcvTsecr) >>> 0;
    if (delta < 0x7fffffff / 1000) seqRtt = caRtt = Math.max(delta, 1) * 1000;
  }
  tp.rs.rttUs = caRtt;
  if (seqRtt < 0) return false;
  if ((flag & FLAG_ACK_MAYBE_DELAYED) === 0 || caRtt <= tcpMinRtt(tp))
    tcpUpdateRttMin(tp, caRtt < 0 ? seqRtt : caRtt);
  tcpRttEstimator(tp, seqRtt);
  tcpSetRto(tp);
  tp.backoff = 0;
  return true;
}

/** Microseconds since `sent`, at least one: on an ideal wire an answer may come at the same instant. */
function elapsedUs(now: number, sent: number): number {
  return Math.max(1, Math.floor((now - sent) / 1000));
}

/** Measures the SYN-ACK of a connection that we accepted. @kernel tcp_synack_rtt_meas() */
export function tcpSynackRttMeas(tp: TcpSock, sentAtNs: number): void {
  const rtt = sentAtNs > 0 ? elapsedUs(tp.now, sentAtNs) : -1;
  ackUpdateRtt(tp, FLAG_SYN_ACKED, rtt, -1, rtt);
}

/** Frees what is acknowledged, counts it, measures it. @kernel tcp_clean_rtx_queue() */
function cleanRtxQueue(tp: TcpSock, priorFack: number, priorSndUna: number): void {
  const queue = tp.rtxQueue;
  const now = tp.now;
  const sackOk = tp.rxOpt.sackOk;
  const priorSacked = tp.sackedOut;
  let firstAckt = -1;
  let lastAckt = -1;
  let acked = 0;
  let reord = tp.sndNxt;
  let fully = true;
  let skb: SkBuff | null;
  for (skb = queue.first; skb !== null; skb = queue.first) {
    const sacked = skb.cbSacked;
    let segs = skb.gsoSegs;
    if (seqAfter(skb.cbEndSeq, tp.sndUna)) {
      if (!seqAfter(tp.sndUna, skb.cbSeq)) break;
      // Part of it: whole segments of a larger one are done, bytes of a single one only trimmed.
      const part = (tp.sndUna - skb.cbSeq) >>> 0;
      segs = partlyAcked(tp, skb, part);
      fully = false;
      if (segs === 0) break;
    }
    if ((sacked & TCPCB_RETRANS) !== 0) {
      if ((sacked & TCPCB_SACKED_RETRANS) !== 0) tp.retransOut -= segs;
      tp.ackFlag |= FLAG_RETRANS_DATA_ACKED;
    } else if ((sacked & TCPCB_SACKED_ACKED) === 0) {
      lastAckt = skb.cbTime;
      if (firstAckt < 0) firstAckt = lastAckt;
      if (seqBefore(skb.cbSeq, reord)) reord = skb.cbSeq;
      if (!seqAfter(skb.cbEndSeq, tp.highSeq)) tp.ackFlag |= FLAG_ORIG_SACK_ACKED;
    }
    if ((sacked & TCPCB_SACKED_ACKED) !== 0) {
      tp.sackedOut -= segs;
    } else if (sackOk) {
      tp.delivered += segs;
      tp.ackDeliveredBytes +=
        ((seqAfter(skb.cbEndSeq, tp.sndUna) ? tp.sndUna : skb.cbEndSeq) - skb.cbSeq) >>> 0;
      tcpRackAdvance(tp, sacked, skb.cbEndSeq, skb.cbTime);
    }
    if ((sacked & TCPCB_LOST) !== 0) tp.lostOut -= segs;
    tp.packetsOut -= segs;
    acked += segs;
    tcpRateSkbDelivered(tp, skb, (sacked & TCPCB_RETRANS) !== 0);
    if ((skb.cbFlags & TCPHDR_SYN) === 0) {
      tp.ackFlag |= FLAG_DATA_ACKED;
    } else {
      tp.ackFlag |= FLAG_SYN_ACKED;
      tp.retransStamp = 0;
    }
    if (!fully) break;
    if (skb === tp.retransmitHint) tp.retransmitHint = null;
    queue.shift();
    tsortedUnlink(tp, skb);
    tp.wmemQueued -= skb.truesize;
    skb.pool.release(skb);
  }
  if (skb === null) tcpChronoStop(tp, CHRONO_BUSY);
  else if ((skb.cbSacked & TCPCB_SACKED_ACKED) !== 0) tp.ackFlag |= FLAG_SACK_RENEGING;
  let seqRtt = -1;
  let sackRtt = -1;
  let caRtt = -1;
  if (firstAckt >= 0 && (tp.ackFlag & FLAG_RETRANS_DATA_ACKED) === 0) {
    seqRtt = elapsedUs(now, firstAckt);
    caRtt = elapsedUs(now, lastAckt);
    if (
      acked === 1 &&
      fully &&
      priorSacked === 0 &&
      (tp.sndUna - priorSndUna) >>> 0 < tp.mssCache &&
      tp.rs.priorDelivered + 1 === tp.delivered
    ) {
      tp.ackFlag |= FLAG_ACK_MAYBE_DELAYED;
    }
  }
  if (tp.ackFirstSackt >= 0) {
    sackRtt = elapsedUs(now, tp.ackFirstSackt);
    caRtt = elapsedUs(now, tp.ackLastSackt);
  }
  const measured = ackUpdateRtt(tp, tp.ackFlag, seqRtt, sackRtt, caRtt);
  if ((tp.ackFlag & FLAG_ACKED) !== 0) {
    tp.ackFlag |= FLAG_SET_XMIT_TIMER;
    if (!sackOk) {
      tcpRemoveRenoSacks(tp, acked);
      if ((tp.ackFlag & FLAG_RETRANS_DATA_ACKED) !== 0) tp.ackFlag &= ~FLAG_ORIG_SACK_ACKED;
    } else if (seqBefore(reord, priorFack)) {
      tcpCheckSackReordering(tp, reord, false);
    }
  } else if (
    skb !== null &&
    measured &&
    sackRtt >= 0 &&
    sackRtt > Math.floor((now - skb.cbTime) / 1000)
  ) {
    tp.ackFlag |= FLAG_SET_XMIT_TIMER; // the estimate came from something older than the first unacknowledged segment
  }
  const pktsAcked = tp.caOps.pktsAcked;
  if (pktsAcked !== undefined) pktsAcked(tp, acked, tp.rs.rttUs, tcpPacketsInFlight(tp));
}

/** Segments of a super-segment that are done; trims them off. @kernel tcp_tso_acked() */
function partlyAcked(tp: TcpSock, skb: SkBuff, bytes: number): number {
  if (skb.gsoSegs === 1) return 0;
  const before = skb.gsoSegs;
  tcpTrimHead(tp, skb, bytes);
  skb.gsoSegs = Math.max(1, Math.ceil(skb.len / tp.mssCache));
  return before - skb.gsoSegs;
}

/** An ACK while a tail loss probe is outstanding. @kernel tcp_process_tlp_ack() */
function processTlpAck(tp: TcpSock, ack: number): void {
  if (seqBefore(ack, tp.tlpHighSeq)) return;
  const flag = tp.ackFlag;
  if (!tp.tlpRetrans || (flag & FLAG_DSACK_TLP) !== 0) {
    tp.tlpHighSeq = 0; // new data, or the original had arrived as well: nothing was lost
  } else if (seqAfter(ack, tp.tlpHighSeq)) {
    tcpInitCwndReduction(tp); // the probe repaired a loss: reduce as for any other
    tcpSetCaState(tp, TCP_CA_CWR);
    tcpEndCwndReduction(tp);
    tcpTryKeepOpen(tp);
    mibAdd(tp.net.mib, Mib.TcpExtTCPLossProbeRecovery, 1);
  } else if ((flag & (FLAG_SND_UNA_ADVANCED | FLAG_NOT_DUP | FLAG_DATA_SACKED)) === 0) {
    tp.tlpHighSeq = 0; // a duplicate ACK answers the probe: both copies arrived
  }
}

/** The peer's window, probed, may be open again. @kernel tcp_ack_probe() */
function ackProbe(tp: TcpSock): void {
  const head = tp.writeQueue.head;
  if (head === null) return;
  if (!seqAfter(head.cbEndSeq, tcpWndEnd(tp))) {
    tp.backoff = 0;
    tp.probesTstamp = 0;
    if (tp.pendingEvent === ICSK_TIME_PROBE0) tcpClearRtxTimer(tp);
  } else {
    tcpResetXmitTimer(tp, ICSK_TIME_PROBE0, tcpProbe0When(tp));
  }
}

/** Something about this ACK needs the recovery machine. @kernel tcp_ack_is_dubious() */
function ackIsDubious(tp: TcpSock, flag: number): boolean {
  return (
    (flag & FLAG_NOT_DUP) === 0 ||
    (flag & (FLAG_DATA_SACKED | FLAG_ECE | FLAG_DSACKING_ACK)) !== 0 ||
    tp.caState !== TCP_CA_OPEN
  );
}

/** CE marks that the peer tells of by Accurate ECN, as FLAG_ECE and by their number. */
function accecnMarks(tp: TcpSock, skb: SkBuff, priorDelivered: number): number {
  const a = tp.accecn;
  if (a === null || a.pending) return 0;
  const marks = tcpAccecnProcess(tp, a, skb, tp.delivered - priorDelivered, tp.ackFlag);
  if (marks > 0) tp.ackFlag |= FLAG_ECE;
  return marks;
}

function newlyDelivered(tp: TcpSock, prior: number, marks: number): number {
  const delivered = tp.delivered - prior;
  if (delivered <= 0) return delivered;
  mibAdd(tp.net.mib, Mib.TcpExtTCPDelivered, delivered);
  if (tp.accecn !== null) {
    mibAdd(tp.net.mib, Mib.TcpExtTCPDeliveredCE, marks);
  } else if ((tp.ackFlag & FLAG_ECE) !== 0) {
    tp.deliveredCe += delivered;
    mibAdd(tp.net.mib, Mib.TcpExtTCPDeliveredCE, delivered);
  }
  return delivered;
}

/**
 * Processes the acknowledgement of a segment whose options have been parsed.
 * @param window the raw window field; `syn` when the segment has SYN
 * @returns 1 for a usable ACK, 0 for an old one, TCP_ACK_… below zero to drop the segment. @kernel tcp_ack()
 */
export function tcpAck(
  tp: TcpSock,
  skb: SkBuff,
  ack: number,
  window: number,
  syn: boolean,
  flags: number,
): number {
  const mib = tp.net.mib;
  const ackSeq = skb.cbSeq;
  const priorSndUna = tp.sndUna;
  const priorDelivered = tp.delivered;
  const priorLost = tp.lost;
  const priorPackets = tp.packetsOut;
  tp.ackFlag = flags;
  tp.ackFirstSackt = -1;
  tp.ackLastSackt = -1;
  tp.ackDeliveredBytes = 0;
  tcpRateStart(tp);
  const sacked = tp.rxOpt.sackCount > 0;

  if (seqBefore(ack, priorSndUna)) {
    const slack = Math.min(tp.maxWindow, tp.bytesAcked);
    if (seqBefore(ack, (priorSndUna - slack) >>> 0)) {
      if ((flags & FLAG_NO_CHALLENGE_ACK) === 0) tcpSendChallengeAck(tp); // RFC 5961 §5
      return TCP_ACK_TOO_OLD;
    }
    if (sacked) {
      tcpSacktagWriteQueue(tp, skb.mem, ack, priorSndUna);
      const marks = accecnMarks(tp, skb, priorDelivered);
      const rexmit = tcpFastretransAlert(tp, priorSndUna, 0);
      newlyDelivered(tp, priorDelivered, marks);
      tcpXmitRecovery(tp, rexmit);
    }
    return 0;
  }
  if (seqAfter(ack, tp.sndNxt)) {
    if ((flags & FLAG_NO_CHALLENGE_ACK) === 0) tcpSendChallengeAck(tp); // RFC 5961 §5
    return TCP_ACK_UNSENT;
  }
  if (seqAfter(ack, priorSndUna)) {
    tp.ackFlag |= FLAG_SND_UNA_ADVANCED;
    if (tp.rtoStamp !== 0) rtoRunEnds(tp);
    tp.retransmits = 0;
  }
  const priorFack = tcpHighestSackSeq(tp);
  tp.rs.priorInFlight = tcpPacketsInFlight(tp);
  if ((tp.ackFlag & FLAG_UPDATE_TS_RECENT) !== 0 && tcpReplaceTsRecent(tp, ackSeq))
    tp.ackFlag |= FLAG_TS_PROGRESS;
  if ((tp.ackFlag & (FLAG_SLOWPATH | FLAG_SND_UNA_ADVANCED)) === FLAG_SND_UNA_ADVANCED) {
    tp.sndWl1 = ackSeq; // predicted: the window is the same
    sndUnaUpdate(tp, ack);
    tp.ackFlag |= FLAG_WIN_UPDATE;
    mibAdd(mib, Mib.TcpExtTCPHPAcks, 1);
  } else {
    if (ackSeq !== skb.cbEndSeq) tp.ackFlag |= FLAG_DATA;
    else mibAdd(mib, Mib.TcpExtTCPPureAcks, 1);
    ackUpdateWindow(tp, window, syn, ack, ackSeq);
    if (sacked) tcpSacktagWriteQueue(tp, skb.mem, ack, priorSndUna);
    if (tcpEcnEcho(tp, skb)) tp.ackFlag |= FLAG_ECE;
  }
  if (tp.caOps.inAckEvent !== undefined) tp.caOps.inAckEvent(tp, (tp.ackFlag & FLAG_ECE) !== 0);
  tp.errSoft = 0;
  tp.probesOut = 0;
  tp.rcvTstamp = tp.now;
  if (priorPackets === 0) {
    const marks = accecnMarks(tp, skb, priorDelivered);
    if ((tp.ackFlag & FLAG_DSACKING_ACK) !== 0) tcpFastretransAlert(tp, priorSndUna, 0);
    newlyDelivered(tp, priorDelivered, marks);
    ackProbe(tp);
    if (tp.tlpHighSeq !== 0) processTlpAck(tp, ack);
    return 1;
  }
  cleanRtxQueue(tp, priorFack, priorSndUna);
  const marks = accecnMarks(tp, skb, priorDelivered);
  if (tp.txMarks !== null) tcpTxMarksAcked(tp);
  if (tp.mtup !== null) tcpMtupAcked(tp, tp.mtup);
  tcpRackUpdateReoWnd(tp);
  if (tp.tlpHighSeq !== 0) processTlpAck(tp, ack);
  let rexmit: number = REXMIT_NONE;
  if (ackIsDubious(tp, tp.ackFlag)) {
    const duplicate =
      (tp.ackFlag & (FLAG_SND_UNA_ADVANCED | FLAG_NOT_DUP | FLAG_DSACKING_ACK)) === 0;
    rexmit = tcpFastretransAlert(tp, priorSndUna, duplicate ? 1 : 0);
  }
  // After the machine, which may have armed the reordering timer instead.
  if ((tp.ackFlag & FLAG_SET_XMIT_TIMER) !== 0 && !tcpScheduleLossProbe(tp, true)) tcpRearmRto(tp);
  const delivered = newlyDelivered(tp, priorDelivered, marks);
  tp.rs.isAckDelayed = (tp.ackFlag & FLAG_ACK_MAYBE_DELAYED) !== 0;
  tcpRateGen(tp, delivered, tp.lost - priorLost, (tp.ackFlag & FLAG_SACK_RENEGING) !== 0);
  tcpCongControl(tp, ack, delivered, tp.ackFlag);
  tcpXmitRecovery(tp, rexmit);
  return 1;
}
