/**
 * The sender's loss recovery: Open → Disorder → Recovery | Loss and back, with undo where a reduction proves needless.
 *
 *   Open ──dupACK/SACK──▶ Disorder ──segment marked lost──▶ Recovery ──highSeq acked──▶ Open
 *     └────────── timeout (from any) ──────────▶ Loss ──F-RTO says spurious / highSeq acked──▶ Open
 *
 * Sources: net/ipv4/tcp_input.c tcp_fastretrans_alert() and companions; RFC 6675, 6582 (NewReno), 6937 (PRR), 8985 (RACK),
 * 5682 (F-RTO), 3522 (Eifel). What to retransmit is left to tcp-retransmit.ts.
 */
import { Mib, mibAdd } from '@netloom/kernel-core';
import {
  FLAG_DATA_ACKED,
  FLAG_DATA_SACKED,
  FLAG_ECE,
  FLAG_FORWARD_PROGRESS,
  FLAG_LOST_RETRANS,
  FLAG_ORIG_SACK_ACKED,
  FLAG_SACK_RENEGING,
  FLAG_SET_XMIT_TIMER,
  FLAG_SND_UNA_ADVANCED,
  REXMIT_LOST,
  REXMIT_NEW,
  REXMIT_NONE,
} from './tcp-ack-flags.js';
import { CA_EVENT_LOSS } from './tcp-cong-ops.js';
import { tcpCaEvent, tcpCurrentSsthresh, tcpSetCaState } from './tcp-cong.js';
import {
  ICSK_TIME_RETRANS,
  NSEC_PER_MSEC,
  TCP_CA_CWR,
  TCP_CA_DISORDER,
  TCP_CA_LOSS,
  TCP_CA_OPEN,
  TCP_CA_RECOVERY,
  TCP_NAGLE_OFF,
  TCP_SYN_SENT,
  TCPCB_EVER_RETRANS,
  TCPCB_LOST,
  TCPCB_SACKED_ACKED,
} from './tcp-const.js';
import {
  tcpCwndReduction,
  tcpEndCwndReduction,
  tcpEnterCwr,
  tcpInCwndReduction,
  tcpInitCwndReduction,
  tcpLeftOut,
  tcpPacketsInFlight,
  tcpUpdatePacingRate,
} from './tcp-cwnd.js';
import { tcpEcnQueueCwr, tcpEcnWithdrawCwr } from './tcp-ecn.js';
import { tcpCurrentMss } from './tcp-mss.js';
import { tcpMtupLost } from './tcp-mtu-probe.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpPushPending } from './tcp-output.js';
import {
  tcpMarkSkbLost,
  tcpNewrenoMarkLost,
  tcpRackMarkLost,
  tcpRackSkbTimeoutUs,
} from './tcp-rack.js';
import { tcpXmitRetransmitQueue } from './tcp-retransmit.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpWndEnd } from './tcp-transmit.js';
import { tcpResetXmitTimer } from './tcp-xmit-timer.js';

const RACK_RECOVERY_THRESH = 16;

// ---- without SACK: duplicate ACKs stand for sacked segments ----

/** True where the guess had to be cut. @kernel tcp_limit_reno_sacked() */
function limitRenoSacked(tp: TcpSock): boolean {
  const holes = Math.min(Math.max(tp.lostOut, 1), tp.packetsOut);
  if (tp.sackedOut + holes <= tp.packetsOut) return false;
  tp.sackedOut = tp.packetsOut - holes;
  return true;
}

function checkRenoReordering(tp: TcpSock, addend: number): void {
  if (!limitRenoSacked(tp)) return;
  tp.reordering = Math.min(tp.packetsOut + addend, tp.tn.sysctl(TcpSysctl.tcp_max_reordering));
  tp.reordSeen++;
  mibAdd(tp.net.mib, Mib.TcpExtTCPRenoReorder, 1);
}

function addRenoSack(tp: TcpSock, dupacks: number): void {
  if (dupacks === 0) return;
  const before = tp.sackedOut;
  tp.sackedOut += dupacks;
  checkRenoReordering(tp, 0);
  const delivered = tp.sackedOut - before;
  if (delivered > 0) tp.delivered += delivered;
}

/** The cumulative ACK covers some of the guessed segments. @kernel tcp_remove_reno_sacks() */
export function tcpRemoveRenoSacks(tp: TcpSock, acked: number): void {
  if (acked > 0) {
    tp.delivered += Math.max(acked - tp.sackedOut, 1);
    tp.sackedOut = acked - 1 >= tp.sackedOut ? 0 : tp.sackedOut - (acked - 1);
  }
  checkRenoReordering(tp, acked);
}

// ---- reordering ----

/** Data below what had been sacked arrived without retransmission. @kernel tcp_check_sack_reordering() */
export function tcpCheckSackReordering(tp: TcpSock, lowSeq: number, byTimestamp: boolean): void {
  const fack = tcpHighestSackSeq(tp);
  const metric = (fack - lowSeq) | 0;
  if (metric <= 0) return;
  const mss = tp.mssCache;
  if (metric > tp.reordering * mss && mss > 0) {
    tp.reordering = Math.min(Math.ceil(metric / mss), tp.tn.sysctl(TcpSysctl.tcp_max_reordering));
  }
  tp.reordSeen++;
  mibAdd(tp.net.mib, byTimestamp ? Mib.TcpExtTCPTSReorder : Mib.TcpExtTCPSACKReorder, 1);
}

/** End of the highest sacked segment, sndUna when there is none. @kernel tcp_highest_sack_seq() */
export function tcpHighestSackSeq(tp: TcpSock): number {
  return tp.sackedOut === 0 || !tp.rxOpt.sackOk ? tp.sndUna : tp.highestSackEnd;
}

// ---- undo ----

function anyRetransDone(tp: TcpSock): boolean {
  if (tp.retransOut > 0) return true;
  const head = tp.rtxQueue.first;
  return head !== null && (head.cbSacked & TCPCB_EVER_RETRANS) !== 0;
}

/** The echoed timestamp is older than the first retransmission: the original arrived. @kernel tcp_packet_delayed() */
function packetDelayed(tp: TcpSock): boolean {
  const rx = tp.rxOpt;
  if (tp.retransStamp === 0 || !rx.sawTstamp || rx.rcvTsecr === 0) return false;
  return ((rx.rcvTsecr - Math.floor(tp.retransStamp / NSEC_PER_MSEC)) | 0) < 0;
}

function mayUndo(tp: TcpSock): boolean {
  return tp.undoMarker !== 0 && (tp.undoRetrans === 0 || packetDelayed(tp));
}

/** @kernel tcp_init_undo() */
function initUndo(tp: TcpSock): void {
  tp.undoMarker = tp.sndUna === 0 ? 1 : tp.sndUna;
  tp.undoRetrans = tp.retransOut;
  if (tp.tlpHighSeq !== 0 && tp.tlpRetrans) tp.undoRetrans++;
  if (tp.undoRetrans === 0) tp.undoRetrans = -1;
}

/** @kernel tcp_undo_cwnd_reduction() */
function undoCwndReduction(tp: TcpSock, unmarkLoss: boolean): void {
  if (unmarkLoss) {
    for (let i = 0; i < tp.rtxQueue.length; i++) tp.rtxQueue.at(i).cbSacked &= ~TCPCB_LOST;
    tp.lostOut = 0;
    tp.retransmitHint = null;
  }
  if (tp.priorSsthresh !== 0) {
    tp.sndCwnd = tp.caOps.undoCwnd(tp);
    if (tp.priorSsthresh > tp.sndSsthresh) {
      tp.sndSsthresh = tp.priorSsthresh;
      tcpEcnWithdrawCwr(tp);
    }
  }
  tp.sndCwndStamp = tp.now;
  tp.undoMarker = 0;
  tp.rackAdvanced = true; // look at losses again
}

/** Without SACK, leaving recovery at highSeq itself would let late duplicate ACKs start another. */
function renoPreventsReopen(tp: TcpSock): boolean {
  if (tp.sndUna !== tp.highSeq || tp.rxOpt.sackOk) return false;
  if (!anyRetransDone(tp)) tp.retransStamp = 0;
  return true;
}

/** All of the window is acknowledged. True where the state must be held. @kernel tcp_try_undo_recovery() */
function tryUndoRecovery(tp: TcpSock): boolean {
  if (mayUndo(tp)) {
    const loss = tp.caState === TCP_CA_LOSS;
    undoCwndReduction(tp, false);
    mibAdd(tp.net.mib, loss ? Mib.TcpExtTCPLossUndo : Mib.TcpExtTCPFullUndo, 1);
  } else if (tp.rackReoWndPersist > 0) {
    tp.rackReoWndPersist--;
  }
  if (renoPreventsReopen(tp)) return true;
  tcpSetCaState(tp, TCP_CA_OPEN);
  return false;
}

/** Every retransmission proved needless. @kernel tcp_try_undo_dsack() */
function tryUndoDsack(tp: TcpSock): boolean {
  if (tp.undoMarker === 0 || tp.undoRetrans !== 0) return false;
  tp.rackReoWndPersist = Math.min(RACK_RECOVERY_THRESH, tp.rackReoWndPersist + 1);
  undoCwndReduction(tp, false);
  mibAdd(tp.net.mib, Mib.TcpExtTCPDSACKUndo, 1);
  return true;
}

/** The timeout was spurious. @kernel tcp_try_undo_loss() */
function tryUndoLoss(tp: TcpSock, frtoUndo: boolean): boolean {
  if (!frtoUndo && !mayUndo(tp)) return false;
  undoCwndReduction(tp, true);
  mibAdd(tp.net.mib, Mib.TcpExtTCPLossUndo, 1);
  if (frtoUndo) mibAdd(tp.net.mib, Mib.TcpExtTCPSpuriousRTOs, 1);
  tp.retransmits = 0;
  if (renoPreventsReopen(tp)) return true;
  if (frtoUndo || tp.rxOpt.sackOk) tcpSetCaState(tp, TCP_CA_OPEN);
  return true;
}

/** A partial ACK for an original, not its retransmission. True: stay and do nothing. @kernel tcp_try_undo_partial() */
function tryUndoPartial(tp: TcpSock, priorSndUna: number): boolean {
  if (tp.undoMarker === 0 || !packetDelayed(tp)) return false;
  tcpCheckSackReordering(tp, priorSndUna, true);
  if (tp.retransOut > 0) return true; // wait until what is under way is accounted for
  if (!anyRetransDone(tp)) tp.retransStamp = 0;
  undoCwndReduction(tp, true);
  mibAdd(tp.net.mib, Mib.TcpExtTCPPartialUndo, 1);
  tcpTryKeepOpen(tp);
  return false;
}

/** @kernel tcp_try_keep_open() */
export function tcpTryKeepOpen(tp: TcpSock): void {
  const state = tcpLeftOut(tp) > 0 || anyRetransDone(tp) ? TCP_CA_DISORDER : TCP_CA_OPEN;
  if (tp.caState === state) return;
  tcpSetCaState(tp, state);
  tp.highSeq = tp.sndNxt;
}

function tryToOpen(tp: TcpSock): void {
  if (!anyRetransDone(tp)) tp.retransStamp = 0;
  if ((tp.ackFlag & FLAG_ECE) !== 0) tcpEnterCwr(tp);
  if (tp.caState !== TCP_CA_CWR) tcpTryKeepOpen(tp);
}

// ---- entering ----

/** `byTimer`: no ACK follows that would make room for the first retransmission. @kernel tcp_enter_recovery() */
export function tcpEnterRecovery(tp: TcpSock, byTimer: boolean): void {
  mibAdd(tp.net.mib, tp.rxOpt.sackOk ? Mib.TcpExtTCPSackRecovery : Mib.TcpExtTCPRenoRecovery, 1);
  tp.priorSsthresh = 0;
  initUndo(tp);
  if (!tcpInCwndReduction(tp)) {
    // What a mark asked for is not undone.
    if (byTimer || (tp.ackFlag & FLAG_ECE) === 0) tp.priorSsthresh = tcpCurrentSsthresh(tp);
    tcpInitCwndReduction(tp);
  }
  tcpSetCaState(tp, TCP_CA_RECOVERY);
  if (byTimer && tp.caOps.congControl === undefined) tcpCwndReduction(tp, 1, 0, false);
}

/** Marks what a timeout means lost: all, or with RACK all that is old enough. @kernel tcp_timeout_mark_lost() */
function timeoutMarkLost(tp: TcpSock): void {
  const queue = tp.rtxQueue;
  const head = queue.first;
  if (head === null) return;
  const reneged = (head.cbSacked & TCPCB_SACKED_ACKED) !== 0;
  if (reneged) {
    mibAdd(tp.net.mib, Mib.TcpExtTCPSACKReneging, 1);
    tp.sackedOut = 0;
    tp.sackCacheLen = 0;
  } else if (!tp.rxOpt.sackOk) {
    tp.sackedOut = 0;
  }
  for (let i = 0; i < queue.length; i++) {
    const skb = queue.at(i);
    if (reneged) skb.cbSacked &= ~TCPCB_SACKED_ACKED;
    else if (tp.rxOpt.sackOk && i > 0 && tcpRackSkbTimeoutUs(tp, skb, 0) > 0) continue;
    tcpMarkSkbLost(tp, skb);
  }
  tp.retransmitHint = null;
}

/** A retransmission timeout. @kernel tcp_enter_loss() */
export function tcpEnterLoss(tp: TcpSock): void {
  const newRecovery = tp.caState < TCP_CA_RECOVERY;
  timeoutMarkLost(tp);
  if (
    tp.caState <= TCP_CA_DISORDER ||
    ((tp.highSeq - tp.sndUna) | 0) <= 0 ||
    (tp.caState === TCP_CA_LOSS && tp.retransmits === 0)
  ) {
    tp.priorSsthresh = tcpCurrentSsthresh(tp);
    tp.priorCwnd = tp.sndCwnd;
    tp.sndSsthresh = tp.caOps.ssthresh(tp);
    tcpCaEvent(tp, CA_EVENT_LOSS);
    initUndo(tp);
  }
  tp.sndCwnd = tcpPacketsInFlight(tp) + 1;
  tp.sndCwndCnt = 0;
  tp.sndCwndStamp = tp.now;
  const reordering = tp.tn.sysctl(TcpSysctl.tcp_reordering);
  // Losses in Disorder at this degree: the reordering seen before was none.
  if (tp.caState <= TCP_CA_DISORDER && tp.sackedOut >= reordering)
    tp.reordering = Math.min(tp.reordering, reordering);
  tcpSetCaState(tp, TCP_CA_LOSS);
  tp.highSeq = tp.sndNxt;
  tcpEcnQueueCwr(tp);
  tp.tlpHighSeq = 0;
  tp.frto = tp.tn.sysctl(TcpSysctl.tcp_frto) !== 0 && (newRecovery || tp.retransmits > 0);
}

/** The path MTU shrank: what is larger than the MSS now goes again, without a reduction. @kernel tcp_simple_retransmit() */
export function tcpSimpleRetransmit(tp: TcpSock): void {
  const mss = tcpCurrentMss(tp);
  const queue = tp.rtxQueue;
  for (let i = 0; i < queue.length; i++) {
    const skb = queue.at(i);
    if (skb.len > mss) tcpMarkSkbLost(tp, skb);
  }
  tp.retransmitHint = null;
  if (tp.lostOut === 0) return;
  if (!tp.rxOpt.sackOk) limitRenoSacked(tp);
  tcpNonCongestionLossRetransmit(tp);
}

/** Repeats what is marked lost for another reason than congestion. @kernel tcp_non_congestion_loss_retransmit() */
export function tcpNonCongestionLossRetransmit(tp: TcpSock): void {
  if (tp.caState !== TCP_CA_LOSS) {
    tp.highSeq = tp.sndNxt;
    tp.sndSsthresh = tcpCurrentSsthresh(tp);
    tp.priorSsthresh = 0;
    tp.undoMarker = 0;
    tcpSetCaState(tp, TCP_CA_LOSS);
  }
  tcpXmitRetransmitQueue(tp);
}

// ---- the machine ----

/** The receiver forgot what it had sacked: let a short timeout repair it. */
function checkSackReneging(tp: TcpSock): boolean {
  if ((tp.ackFlag & FLAG_SACK_RENEGING) === 0 || (tp.ackFlag & FLAG_SND_UNA_ADVANCED) === 0)
    return false;
  tcpResetXmitTimer(tp, ICSK_TIME_RETRANS, Math.max(tp.srttUs >> 4, 10_000));
  tp.ackFlag &= ~FLAG_SET_XMIT_TIMER;
  return true;
}

function identifyLoss(tp: TcpSock): void {
  if (tp.rtxQueue.length === 0) return;
  if (!tp.rxOpt.sackOk) {
    tcpNewrenoMarkLost(tp, (tp.ackFlag & FLAG_SND_UNA_ADVANCED) !== 0);
    return;
  }
  const before = tp.retransOut;
  if (tcpRackMarkLost(tp)) tp.ackFlag &= ~FLAG_SET_XMIT_TIMER;
  if (before > tp.retransOut) tp.ackFlag |= FLAG_LOST_RETRANS;
}

/** In Loss. @returns what to send. @kernel tcp_process_loss() */
function processLoss(tp: TcpSock, dupacks: number): number {
  const flag = tp.ackFlag;
  const recovered = ((tp.sndUna - tp.highSeq) | 0) >= 0;
  if ((flag & FLAG_SND_UNA_ADVANCED) !== 0 && tryUndoLoss(tp, false)) return REXMIT_NONE;
  if (tp.frto) {
    // F-RTO: data that was never retransmitted got through, so the timeout came too early.
    if ((flag & FLAG_ORIG_SACK_ACKED) !== 0 && tryUndoLoss(tp, true)) return REXMIT_NONE;
    if (((tp.sndNxt - tp.highSeq) | 0) > 0) {
      if ((flag & FLAG_DATA_SACKED) !== 0 || dupacks > 0) tp.frto = false;
    } else if ((flag & FLAG_SND_UNA_ADVANCED) !== 0 && !recovered) {
      tp.highSeq = tp.sndNxt;
      if (tp.writeQueue.head !== null && ((tcpWndEnd(tp) - tp.sndNxt) | 0) > 0) return REXMIT_NEW;
      tp.frto = false;
    }
  }
  if (recovered) {
    tryUndoRecovery(tp);
    return REXMIT_NONE;
  }
  if (!tp.rxOpt.sackOk) {
    if (((tp.sndNxt - tp.highSeq) | 0) > 0 && dupacks > 0) addRenoSack(tp, dupacks);
    else if ((flag & FLAG_SND_UNA_ADVANCED) !== 0) tp.sackedOut = 0;
  }
  return REXMIT_LOST;
}

/**
 * Takes a dubious ACK through the state machine. @returns what to send. @kernel tcp_fastretrans_alert()
 */
export function tcpFastretransAlert(tp: TcpSock, priorSndUna: number, dupacks: number): number {
  if (tp.packetsOut === 0 && tp.sackedOut > 0) tp.sackedOut = 0;
  if ((tp.ackFlag & FLAG_ECE) !== 0) tp.priorSsthresh = 0;
  if (checkSackReneging(tp)) return REXMIT_NONE;
  if (tp.caState === TCP_CA_OPEN) {
    tp.retransStamp = 0;
  } else if (((tp.sndUna - tp.highSeq) | 0) >= 0) {
    if (tp.caState === TCP_CA_CWR) {
      if (tp.sndUna !== tp.highSeq) {
        tcpEndCwndReduction(tp);
        tcpSetCaState(tp, TCP_CA_OPEN);
      }
    } else if (tp.caState === TCP_CA_RECOVERY) {
      if (!tp.rxOpt.sackOk) tp.sackedOut = 0;
      if (tryUndoRecovery(tp)) return REXMIT_NONE;
      tcpEndCwndReduction(tp);
    }
  }
  const advanced = (tp.ackFlag & FLAG_SND_UNA_ADVANCED) !== 0;
  let rexmit: number = REXMIT_NONE;
  if (tp.caState === TCP_CA_RECOVERY) {
    if (!advanced) {
      if (!tp.rxOpt.sackOk) addRenoSack(tp, dupacks);
    } else if (tryUndoPartial(tp, priorSndUna)) {
      return REXMIT_NONE;
    }
    if (tryUndoDsack(tp)) tryToOpen(tp);
    identifyLoss(tp);
    if ((tp.caState as number) !== TCP_CA_RECOVERY) {
      if (tp.lostOut === 0) return REXMIT_NONE;
      tcpEnterRecovery(tp, false);
    }
    return REXMIT_LOST;
  }
  if (tp.caState === TCP_CA_LOSS) {
    rexmit = processLoss(tp, dupacks);
    identifyLoss(tp);
    if ((tp.caState as number) !== TCP_CA_OPEN && (tp.ackFlag & FLAG_LOST_RETRANS) === 0)
      return rexmit;
  }
  if (!tp.rxOpt.sackOk) {
    if (advanced) tp.sackedOut = 0;
    addRenoSack(tp, dupacks);
  }
  if (tp.caState <= TCP_CA_DISORDER) tryUndoDsack(tp);
  identifyLoss(tp);
  if (tp.lostOut === 0) {
    tryToOpen(tp);
    return rexmit;
  }
  if (tp.mtup !== null && tcpMtupLost(tp, tp.mtup)) return REXMIT_NONE;
  tcpEnterRecovery(tp, false);
  return REXMIT_LOST;
}

/** Moves the window after an ACK: the algorithm, or the reduction of recovery. @kernel tcp_cong_control() */
export function tcpCongControl(tp: TcpSock, ack: number, ackedSacked: number, flag: number): void {
  const ops = tp.caOps;
  if (ops.congControl !== undefined) {
    ops.congControl(tp, ack, flag, tp.rs);
    return;
  }
  if (tcpInCwndReduction(tp)) {
    tcpCwndReduction(tp, ackedSacked, tp.rs.losses, (flag & FLAG_SND_UNA_ADVANCED) !== 0);
  } else if (mayRaiseCwnd(tp, flag)) {
    if (ops.congAvoid !== undefined) ops.congAvoid(tp, ack, ackedSacked);
    tp.sndCwndStamp = tp.now;
  }
  tcpUpdatePacingRate(tp);
}

function mayRaiseCwnd(tp: TcpSock, flag: number): boolean {
  if (tp.reordering > tp.tn.sysctl(TcpSysctl.tcp_reordering))
    return (flag & FLAG_FORWARD_PROGRESS) !== 0;
  return (flag & FLAG_DATA_ACKED) !== 0;
}

/** Sends what the state machine asked for. @kernel tcp_xmit_recovery() */
export function tcpXmitRecovery(tp: TcpSock, rexmit: number): void {
  if (rexmit === REXMIT_NONE || tp.state === TCP_SYN_SENT) return;
  if (rexmit === REXMIT_NEW) {
    tcpPushPending(tp, tcpCurrentMss(tp), TCP_NAGLE_OFF);
    if (((tp.sndNxt - tp.highSeq) | 0) > 0) return;
    tp.frto = false;
  }
  tcpXmitRetransmitQueue(tp);
}
