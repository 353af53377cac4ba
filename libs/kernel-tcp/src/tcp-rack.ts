/**
 * RACK (RFC 8985): a segment is lost when one sent later has been delivered and a reordering window has passed.
 * Segments are looked at in the order of their last transmission, so that an ACK costs what it changes.
 * Source: net/ipv4/tcp_recovery.c. Times in µs where the name says so.
 */
import { Mib, mibAdd, type SkBuff } from '@netloom/kernel-core';
import {
  ICSK_TIME_REO_TIMEOUT,
  TCP_CA_RECOVERY,
  TCP_TIMEOUT_MIN_US,
  TCPCB_LOST,
  TCPCB_RETRANS,
  TCPCB_SACKED_ACKED,
  TCPCB_SACKED_RETRANS,
} from './tcp-const.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpMinRtt } from './tcp-rtt.js';
import type { TcpSock } from './tcp-sock.js';
import { tsortedUnlink } from './tcp-state.js';
import { tcpResetXmitTimer } from './tcp-xmit-timer.js';

const RACK_NO_DUPTHRESH = 4;
const RACK_STATIC_REO_WND = 2;
const RECOVERY_THRESH = 16;
const REO_WND_STEPS_MAX = 255;

/** Marks a segment lost; a retransmission that was lost too goes once more. @kernel tcp_mark_skb_lost() */
export function tcpMarkSkbLost(tp: TcpSock, skb: SkBuff): void {
  const sacked = skb.cbSacked;
  if ((sacked & TCPCB_SACKED_ACKED) !== 0) return;
  const hint = tp.retransmitHint;
  if (hint === null ? tp.retransOut >= tp.lostOut : ((skb.cbSeq - hint.cbSeq) | 0) < 0)
    tp.retransmitHint = skb;
  if ((sacked & TCPCB_LOST) !== 0) {
    if ((sacked & TCPCB_SACKED_RETRANS) === 0) return;
    skb.cbSacked &= ~TCPCB_SACKED_RETRANS;
    tp.retransOut -= skb.gsoSegs;
    mibAdd(tp.net.mib, Mib.TcpExtTCPLostRetransmit, skb.gsoSegs);
  } else {
    tp.lostOut += skb.gsoSegs;
    skb.cbSacked |= TCPCB_LOST;
  }
  tp.lost += skb.gsoSegs;
}

/** First sent later, or at the same instant and further on. */
function sentAfter(t1: number, t2: number, seq1: number, seq2: number): boolean {
  return t1 > t2 || (t1 === t2 && ((seq1 - seq2) | 0) > 0);
}

/** How much reordering is tolerated. @kernel tcp_rack_reo_wnd() */
function reoWindowUs(tp: TcpSock): number {
  if (tp.reordSeen === 0) {
    if (tp.caState >= TCP_CA_RECOVERY) return 0;
    const noThreshold = (tp.tn.sysctl(TcpSysctl.tcp_recovery) & RACK_NO_DUPTHRESH) !== 0;
    if (tp.sackedOut >= tp.reordering && !noThreshold) return 0;
  }
  return Math.min(Math.floor(tcpMinRtt(tp) / 4) * tp.rackReoWndSteps, tp.srttUs >> 3);
}

/** Time until `skb` counts as lost, in µs; not positive: now. @kernel tcp_rack_skb_timeout() */
export function tcpRackSkbTimeoutUs(tp: TcpSock, skb: SkBuff, reoWndUs: number): number {
  return tp.rackRttUs + reoWndUs - Math.floor((tp.now - skb.cbTime) / 1000);
}

/** Marks what RACK's newest delivery proves lost. @returns µs until the next may be, 0 for never. */
function detectLoss(tp: TcpSock): number {
  let timeout = 0;
  const reo = reoWindowUs(tp);
  let skb = tp.tsorted.head;
  while (skb !== null) {
    const next = skb.next;
    if ((skb.cbSacked & TCPCB_LOST) === 0 || (skb.cbSacked & TCPCB_SACKED_RETRANS) !== 0) {
      if (!sentAfter(tp.rackMstamp, skb.cbTime, tp.rackEndSeq, skb.cbEndSeq)) break;
      const remaining = tcpRackSkbTimeoutUs(tp, skb, reo);
      if (remaining <= 0) {
        tcpMarkSkbLost(tp, skb);
        tsortedUnlink(tp, skb);
      } else {
        timeout = Math.max(timeout, remaining);
      }
    }
    skb = next;
  }
  return timeout;
}

/** After an ACK: marks losses, arms the reordering timer. @returns true when that timer was armed. @kernel tcp_rack_mark_lost() */
export function tcpRackMarkLost(tp: TcpSock): boolean {
  if (!tp.rackAdvanced) return false;
  tp.rackAdvanced = false;
  const timeout = detectLoss(tp);
  if (timeout === 0) return false;
  tcpResetXmitTimer(tp, ICSK_TIME_REO_TIMEOUT, timeout + TCP_TIMEOUT_MIN_US);
  return true;
}

/** A delivered segment may be the newest by time of transmission. @kernel tcp_rack_advance() */
export function tcpRackAdvance(tp: TcpSock, sacked: number, endSeq: number, sentAt: number): void {
  const rtt = Math.max(0, Math.floor((tp.now - sentAt) / 1000));
  // Too fast for a retransmission: it is the original that was acknowledged.
  if (rtt < tcpMinRtt(tp) && (sacked & TCPCB_RETRANS) !== 0) return;
  tp.rackAdvanced = true;
  tp.rackRttUs = rtt;
  if (sentAfter(sentAt, tp.rackMstamp, endSeq, tp.rackEndSeq)) {
    tp.rackMstamp = sentAt;
    tp.rackEndSeq = endSeq;
  }
}

/** The reordering window has passed. @returns true when something was marked lost. */
export function tcpRackReoTimeoutMark(tp: TcpSock): boolean {
  const before = tp.lost;
  detectLoss(tp);
  return tp.lost !== before;
}

/** Widens the reordering window after spurious retransmissions (DSACK), resets it later. @kernel tcp_rack_update_reo_wnd() */
export function tcpRackUpdateReoWnd(tp: TcpSock): void {
  if (
    (tp.tn.sysctl(TcpSysctl.tcp_recovery) & RACK_STATIC_REO_WND) !== 0 ||
    tp.rs.priorDelivered === 0
  )
    return;
  if (tp.rs.priorDelivered < tp.rackLastDelivered) tp.rackDsackSeen = false; // one step a round trip
  if (tp.rackDsackSeen) {
    tp.rackReoWndSteps = Math.min(REO_WND_STEPS_MAX, tp.rackReoWndSteps + 1);
    tp.rackDsackSeen = false;
    tp.rackLastDelivered = tp.delivered;
    tp.rackReoWndPersist = RECOVERY_THRESH;
  } else if (tp.rackReoWndPersist === 0) {
    tp.rackReoWndSteps = 1;
  }
}

/** Without SACK: three duplicate ACKs, or a partial ACK in recovery, mean that the first segment is lost. */
export function tcpNewrenoMarkLost(tp: TcpSock, unaAdvanced: boolean): void {
  const state = tp.caState;
  if (
    (state < TCP_CA_RECOVERY && tp.sackedOut >= tp.reordering) ||
    (state === TCP_CA_RECOVERY && unaAdvanced)
  ) {
    const head = tp.rtxQueue.first;
    if (head !== null && (head.cbSacked & TCPCB_LOST) === 0) tcpMarkSkbLost(tp, head);
  }
}
