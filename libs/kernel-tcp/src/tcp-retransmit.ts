/**
 * Sending again: one segment, everything marked lost, and tail loss probes.
 * tcp-timer, tcp-ack → tcpRetransmitSkb / tcpXmitRetransmitQueue → tcpTransmitSkb.
 * Sources: net/ipv4/tcp_output.c tcp_retransmit_skb(), tcp_xmit_retransmit_queue(); RFC 6675, RFC 8985.
 */
import { Errno } from '@netloom/base';
import { Mib, mibAdd, skbPull, skbPut, skbTailroom, type SkBuff } from '@netloom/kernel-core';
import { TCPHDR_ACK, TCPHDR_SYN } from '@netloom/wire';
import {
  ICSK_TIME_REO_TIMEOUT,
  ICSK_TIME_RETRANS,
  TCP_CA_LOSS,
  TCP_NAGLE_OFF,
  TCP_SKB_EOR,
  TCPCB_EVER_RETRANS,
  TCPCB_LOST,
  TCPCB_SACKED_ACKED,
  TCPCB_SACKED_RETRANS,
} from './tcp-const.js';
import { tcpInCwndReduction, tcpPacketsInFlight } from './tcp-cwnd.js';
import { tcpEcnClearSyn } from './tcp-ecn.js';
import { tcpCurrentMss } from './tcp-mss.js';
import { tcpAdjustPcount, tcpFragment, tcpSndWndTest, tcpWriteXmit } from './tcp-output.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpPacingWait } from './tcp-pacing.js';
import type { TcpSock } from './tcp-sock.js';
import { tsortedUnlink } from './tcp-state.js';
import { tcpTransmitSkb, tcpWndEnd } from './tcp-transmit.js';
import { tcpTsoSegs } from './tcp-tso.js';
import { tcpRearmRto, tcpResetXmitTimer } from './tcp-xmit-timer.js';

/** Drops acknowledged bytes at the front of a segment. @kernel tcp_trim_head() */
export function tcpTrimHead(tp: TcpSock, skb: SkBuff, length: number): void {
  skbPull(skb, length);
  skb.cbSeq = (skb.cbSeq + length) >>> 0;
  const less = Math.min(length, skb.truesize - 1);
  skb.truesize -= less;
  tp.wmemQueued -= less;
}

/** Sends a queued segment once more, without marking it. 0 or a negative errno. @kernel __tcp_retransmit_skb() */
function tcpSendAgain(tp: TcpSock, skb: SkBuff, maxSegs = 1): number {
  const ahead = (tp.sndUna - skb.cbSeq) | 0;
  if (ahead > 0) {
    if ((skb.cbFlags & TCPHDR_SYN) !== 0 && ahead === 1) {
      skb.cbFlags &= ~TCPHDR_SYN;
      skb.cbSeq = (skb.cbSeq + 1) >>> 0;
    } else if (ahead > skb.len) {
      return -Errno.EINVAL;
    } else {
      tcpTrimHead(tp, skb, ahead);
    }
  }
  const mss = tcpCurrentMss(tp);
  // Beyond the peer's window only the first segment goes, as a probe.
  const room = (tcpWndEnd(tp) - skb.cbSeq) | 0;
  if (room <= 0 && skb.cbSeq !== tp.sndUna) return -Errno.EAGAIN;
  let limit = mss * maxSegs;
  if (room > 0 && room < limit) limit = room < mss ? room : Math.floor(room / mss) * mss;
  if (skb.len > limit && tcpFragment(tp, skb, limit, mss, tp.rtxQueue.search(skb.cbSeq)) !== 0)
    return -Errno.ENOMEM;
  if (maxSegs === 1 && skb.len < limit && skb.len > 0) collapseWithNext(tp, skb, limit);
  if ((skb.cbFlags & (TCPHDR_SYN | TCPHDR_ACK)) === TCPHDR_SYN) tcpEcnClearSyn(tp, skb);
  const mib = tp.net.mib;
  const segs = skb.gsoSegs;
  mibAdd(mib, Mib.TcpRetransSegs, segs);
  if ((skb.cbFlags & TCPHDR_SYN) !== 0) mibAdd(mib, Mib.TcpExtTCPSynRetrans, 1);
  tp.totalRetrans += segs;
  tp.bytesRetrans += skb.len;
  const error = tcpTransmitSkb(tp, skb, true);
  if (error === 0) {
    tsortedMoveTail(tp, skb);
    const trace = tp.net.kernel.trace;
    if (trace.tcpRetransmitSkb !== null) trace.tcpRetransmitSkb(tp, skb);
  } else if (error !== -Errno.EBUSY) {
    mibAdd(mib, Mib.TcpExtTCPRetransFail, segs);
  }
  skb.cbSacked |= TCPCB_EVER_RETRANS;
  return error;
}

/** Fills a small segment that goes again from those behind it, up to `space` bytes. @kernel tcp_retrans_try_collapse() */
function collapseWithNext(tp: TcpSock, skb: SkBuff, space: number): void {
  if (tp.tn.sysctl(TcpSysctl.tcp_retrans_collapse) === 0 || (skb.cbFlags & TCPHDR_SYN) !== 0)
    return;
  const queue = tp.rtxQueue;
  const index = queue.search(skb.cbSeq);
  while (index + 1 < queue.length && mayJoin(tp, skb, queue.at(index + 1), space)) {
    const next = queue.remove(index + 1);
    skb.mem.copy(skbPut(skb, next.len), next.data, next.len);
    skb.cbEndSeq = next.cbEndSeq;
    skb.cbFlags |= next.cbFlags;
    skb.cbFlags2 |= next.cbFlags2 & TCP_SKB_EOR;
    skb.cbSacked |= next.cbSacked & TCPCB_EVER_RETRANS;
    tcpAdjustPcount(tp, next, next.gsoSegs);
    if (next === tp.retransmitHint) tp.retransmitHint = skb;
    tsortedUnlink(tp, next);
    skb.truesize += next.len;
    tp.wmemQueued += next.len - next.truesize;
    next.pool.release(next);
  }
}

function mayJoin(tp: TcpSock, skb: SkBuff, next: SkBuff, space: number): boolean {
  return (
    (skb.cbFlags2 & TCP_SKB_EOR) === 0 &&
    next.gsoSegs === 1 &&
    (next.cbSacked & TCPCB_SACKED_ACKED) === 0 &&
    next.len > 0 &&
    skb.len + next.len <= space &&
    ((next.cbEndSeq - tcpWndEnd(tp)) | 0) <= 0 &&
    skbTailroom(skb) >= next.len &&
    !skb.mem.shared(skb.slot) &&
    !skb.mem.shared(next.slot)
  );
}

/** Notes in the list by time of transmission that `skb` was sent last. */
function tsortedMoveTail(tp: TcpSock, skb: SkBuff): void {
  if ((skb.cbSacked & TCPCB_SACKED_ACKED) !== 0) return;
  tsortedUnlink(tp, skb);
  skb.cbOptLen = 1;
  tp.tsorted.push(skb);
}

/** Sends a queued segment once more and counts it as a retransmission in flight. @kernel tcp_retransmit_skb() */
export function tcpRetransmitSkb(tp: TcpSock, skb: SkBuff, maxSegs = 1): number {
  const error = tcpSendAgain(tp, skb, maxSegs);
  if (error === 0) {
    skb.cbSacked |= TCPCB_SACKED_RETRANS;
    tp.retransOut += skb.gsoSegs;
  }
  if (tp.retransStamp === 0) tp.retransStamp = Math.max(1, tp.now);
  if (tp.undoRetrans < 0) tp.undoRetrans = 0;
  tp.undoRetrans += skb.gsoSegs;
  return error;
}

/** Repairs what is marked lost, as far as the window goes. @kernel tcp_xmit_retransmit_queue() */
export function tcpXmitRetransmitQueue(tp: TcpSock): void {
  if (tp.packetsOut === 0 || tp.retransOut >= tp.lostOut) return;
  const queue = tp.rtxQueue;
  const hint = tp.retransmitHint;
  const mib = tp.net.mib;
  let rearm = false;
  const maxSegs = tcpTsoSegs(tp, tcpCurrentMss(tp));
  for (let i = hint === null ? 0 : queue.search(hint.cbSeq); i < queue.length; i++) {
    const skb = queue.at(i);
    if (tp.paced && tcpPacingWait(tp)) {
      tp.retransmitHint = skb;
      break;
    }
    const room = tp.sndCwnd - tcpPacketsInFlight(tp);
    if (room <= 0 || tp.retransOut >= tp.lostOut) {
      tp.retransmitHint = skb;
      break;
    }
    if ((skb.cbSacked & TCPCB_LOST) === 0) continue;
    if ((skb.cbSacked & (TCPCB_SACKED_ACKED | TCPCB_SACKED_RETRANS)) !== 0) continue;
    mibAdd(
      mib,
      tp.caState === TCP_CA_LOSS ? Mib.TcpExtTCPSlowStartRetrans : Mib.TcpExtTCPFastRetrans,
      skb.gsoSegs,
    );
    if (tcpRetransmitSkb(tp, skb, Math.min(room, maxSegs)) !== 0) {
      tp.retransmitHint = skb;
      break;
    }
    if (tcpInCwndReduction(tp)) tp.prrOut += skb.gsoSegs;
    if (i === 0 && tp.pendingEvent !== ICSK_TIME_REO_TIMEOUT) rearm = true;
    tp.retransmitHint = skb;
  }
  if (rearm) tcpResetXmitTimer(tp, ICSK_TIME_RETRANS, tp.rtoUs);
}

/** The probe timer fired: new data if there is any, else the last segment again. @kernel tcp_send_loss_probe() */
export function tcpSendLossProbe(tp: TcpSock): void {
  if (tp.tlpHighSeq === 0 && tcpProbe(tp)) {
    tp.tlpHighSeq = tp.sndNxt;
    mibAdd(tp.net.mib, Mib.TcpExtTCPLossProbes, 1);
    tp.pendingEvent = 0; // the timeout starts from now
  }
  tcpRearmRto(tp);
}

function tcpProbe(tp: TcpSock): boolean {
  const mss = tcpCurrentMss(tp);
  const next = tp.writeQueue.head;
  tp.tlpRetrans = false;
  if (next !== null && tcpSndWndTest(tp, next, mss)) {
    const before = tp.packetsOut;
    tcpWriteXmit(tp, mss, TCP_NAGLE_OFF, 2);
    return tp.packetsOut > before;
  }
  const last = tp.rtxQueue.last;
  if (last === null || tcpSendAgain(tp, last) !== 0) return false;
  tp.tlpRetrans = true;
  return true;
}
