/**
 * New data: from the write queue to the network as windows, Nagle and the host's own queues allow; splitting and FIN.
 * sendmsg, tcp-ack → tcpPushPendingFrames → tcpWriteXmit → tcpTransmitSkb.
 * Sources: net/ipv4/tcp_output.c, RFC 9293 §3.8.6, RFC 1122 §4.2.3.4 (Nagle).
 */
import { Errno } from '@netloom/base';
import { Mib, mibAdd, skbPull, skbPut, skbTrim, type SkBuff } from '@netloom/kernel-core';
import { TCPHDR_ACK, TCPHDR_FIN, TCPHDR_PSH } from '@netloom/wire';
import {
  ICSK_TIME_LOSS_PROBE,
  ICSK_TIME_PROBE0,
  TCP_CLOSE,
  TCP_NAGLE_CORK,
  TCP_NAGLE_OFF,
  TCP_NAGLE_PUSH,
  TCP_RTO_MIN_US,
  TCPCB_LOST,
  TCPCB_SACKED_ACKED,
  TCPCB_SACKED_RETRANS,
  TCP_SKB_EOR,
  TCP_SKB_HEAD,
} from './tcp-const.js';
import { CHRONO_BUSY, CHRONO_RWND_LIMITED, tcpChronoStart, tcpChronoStop } from './tcp-chrono.js';
import { tcpCwndValidate, tcpInCwndReduction, tcpPacketsInFlight } from './tcp-cwnd.js';
import { tcpCurrentMss } from './tcp-mss.js';
import { tcpMtuProbe } from './tcp-mtu-probe.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpScheduleLossProbe } from './tcp-tlp.js';
import { tcpUrgMode } from './tcp-urg.js';
import { tcpPacingWait } from './tcp-pacing.js';
import type { TcpSock } from './tcp-sock.js';
import {
  tcpAllocSkb,
  tcpInitNondataSkb,
  tcpTransmitSkb,
  tcpWndEnd,
  tcpXmitProbeSkb,
} from './tcp-transmit.js';
import {
  DEFER_CWND,
  DEFER_RWND,
  SEND_NOW,
  tcpMssSplitPoint,
  tcpTsoSegs,
  tcpTsoShouldDefer,
} from './tcp-tso.js';
import { tcpRearmRto, tcpResetXmitTimer } from './tcp-xmit-timer.js';

/** sk_pacing_shift: about a millisecond's worth may wait in the host. */
const PACING_SHIFT = 1024;

/** Segments of `len` bytes at this size. @kernel tcp_set_skb_tso_segs() */
function segmentsOf(len: number, mss: number): number {
  return len <= mss ? 1 : Math.ceil(len / mss);
}

/** Corrects the counters of sent segments when one of them changes its number of segments. @kernel tcp_adjust_pcount() */
export function tcpAdjustPcount(tp: TcpSock, skb: SkBuff, decrease: number): void {
  tp.packetsOut -= decrease;
  if ((skb.cbSacked & TCPCB_SACKED_ACKED) !== 0) tp.sackedOut -= decrease;
  if ((skb.cbSacked & TCPCB_SACKED_RETRANS) !== 0) tp.retransOut -= decrease;
  if ((skb.cbSacked & TCPCB_LOST) !== 0) tp.lostOut -= decrease;
  if (!tp.rxOpt.sackOk && decrease > 0) tp.sackedOut -= Math.min(tp.sackedOut, decrease);
}

/**
 * Cuts a segment in two at `len`; the rest follows it in its queue. `rtxIndex` is its place in the retransmit queue, -1
 * when it is still to be sent. 0 or -ENOMEM. @kernel tcp_fragment()
 */
export function tcpFragment(
  tp: TcpSock,
  skb: SkBuff,
  len: number,
  mss: number,
  rtxIndex: number,
): number {
  const size = skb.len - len;
  const rest = tcpAllocSkb(tp, size);
  if (rest === null) return -Errno.ENOMEM;
  const at = skbPut(rest, size);
  skb.mem.copy(at, skb.data + len, size);
  rest.truesize = TCP_SKB_HEAD + size;
  const old = skb.gsoSegs;
  rest.cbSeq = (skb.cbSeq + len) >>> 0;
  rest.cbEndSeq = skb.cbEndSeq;
  skb.cbEndSeq = rest.cbSeq;
  rest.cbFlags = skb.cbFlags;
  skb.cbFlags &= ~(TCPHDR_FIN | TCPHDR_PSH);
  rest.cbSacked = skb.cbSacked;
  rest.cbTime = skb.cbTime;
  rest.cbAck = skb.cbAck;
  rest.tstamp = skb.tstamp;
  rest.csum = skb.csum;
  rest.cbFlags2 = skb.cbFlags2;
  skb.cbFlags2 &= ~TCP_SKB_EOR;
  skbTrim(skb, len);
  const before = skb.truesize;
  skb.truesize -= Math.min(size, before - 1);
  tp.wmemQueued += rest.truesize - (before - skb.truesize);
  setSegments(skb, mss);
  setSegments(rest, mss);
  if (rtxIndex < 0) {
    tp.writeQueue.insertAfter(skb, rest);
    return 0;
  }
  const decrease = old - skb.gsoSegs - rest.gsoSegs;
  if (decrease !== 0) tcpAdjustPcount(tp, skb, decrease);
  tp.rtxQueue.insert(rtxIndex + 1, rest);
  if (skb.cbOptLen !== 0) {
    rest.cbOptLen = 1;
    tp.tsorted.insertAfter(skb, rest);
  }
  return 0;
}

/** Moves a segment that was sent for the first time to the retransmit queue. @kernel tcp_event_new_data_sent() */
export function tcpEventNewDataSent(tp: TcpSock, skb: SkBuff): void {
  const prior = tp.packetsOut;
  tp.sndNxt = skb.cbEndSeq;
  tp.writeQueue.unlink(skb);
  tcpRtxQueuePush(tp, skb);
  tp.packetsOut += skb.gsoSegs;
  if (prior === 0 || tp.pendingEvent === ICSK_TIME_LOSS_PROBE) tcpRearmRto(tp);
  mibAdd(tp.net.mib, Mib.TcpExtTCPOrigDataSent, skb.gsoSegs);
}

/** Appends to the retransmit queue and to the list by time of transmission. */
export function tcpRtxQueuePush(tp: TcpSock, skb: SkBuff): void {
  tp.rtxQueue.push(skb);
  skb.cbOptLen = 1;
  tp.tsorted.push(skb);
}

/** May the segment go by Nagle's rule? @kernel tcp_nagle_test() */
function tcpNagleTest(tp: TcpSock, skb: SkBuff, mss: number, nonagle: number): boolean {
  if ((nonagle & TCP_NAGLE_PUSH) !== 0) return true;
  if ((skb.cbFlags & TCPHDR_FIN) !== 0 || (tp.urg !== null && tcpUrgMode(tp))) return true;
  if (skb.len >= mss) return true;
  if ((nonagle & TCP_NAGLE_CORK) !== 0) return false;
  return nonagle !== 0 || tp.packetsOut === 0 || !tcpMinshallCheck(tp);
}

/** A small segment is still unacknowledged (Minshall's variant of Nagle). */
function tcpMinshallCheck(tp: TcpSock): boolean {
  return ((tp.sndSml - tp.sndUna) | 0) > 0 && ((tp.sndSml - tp.sndNxt) | 0) <= 0;
}

/** The segment fits the peer's window. @kernel tcp_snd_wnd_test() */
export function tcpSndWndTest(tp: TcpSock, skb: SkBuff, mss: number): boolean {
  const end = skb.len > mss ? (skb.cbSeq + mss) >>> 0 : skb.cbEndSeq;
  return ((end - tcpWndEnd(tp)) | 0) <= 0;
}

/** Whether a short end of a super-packet may go by Nagle's rule. @kernel tcp_nagle_check() */
function nonagleAllows(tp: TcpSock, nonagle: number): boolean {
  if ((nonagle & TCP_NAGLE_CORK) !== 0) return false;
  return nonagle !== 0 || tp.packetsOut === 0 || !tcpMinshallCheck(tp);
}

/** Segments that the congestion window lets go at once, half of it at most. @kernel tcp_cwnd_test() */
function cwndQuota(tp: TcpSock, pushOne: number): number {
  const inFlight = tcpPacketsInFlight(tp);
  if (inFlight >= tp.sndCwnd) return pushOne === 2 ? 1 : 0;
  return Math.min(Math.max(tp.sndCwnd >>> 1, 1), tp.sndCwnd - inFlight);
}

/** Notes how many segments a packet is. @kernel tcp_set_skb_tso_segs() */
function setSegments(skb: SkBuff, mss: number): void {
  skb.gsoSegs = segmentsOf(skb.len, mss);
  skb.gsoSize = skb.gsoSegs > 1 ? mss : 0;
}

/**
 * The first `len` bytes of the write queue's head as a packet of their own, in front of it; null without memory. What is
 * left stays where it is, so that only what is sent now is copied. @kernel tso_fragment()
 */
function takeFront(tp: TcpSock, skb: SkBuff, len: number, mss: number): SkBuff | null {
  if (skb.cbFlags2 !== 0) return tcpFragment(tp, skb, len, mss, -1) === 0 ? skb : null;
  const front = tcpAllocSkb(tp, len);
  if (front === null) return null;
  front.mem.copy(skbPut(front, len), skb.data, len);
  front.truesize = TCP_SKB_HEAD + len;
  front.cbSeq = skb.cbSeq;
  front.cbFlags = skb.cbFlags & ~(TCPHDR_FIN | TCPHDR_PSH);
  front.cbSacked = skb.cbSacked;
  front.csum = skb.csum;
  front.cbEndSeq = (skb.cbSeq + len) >>> 0;
  skbPull(skb, len);
  skb.cbSeq = front.cbEndSeq;
  const less = Math.min(len, skb.truesize - 1);
  skb.truesize -= less;
  tp.wmemQueued += front.truesize - less;
  setSegments(front, mss);
  setSegments(skb, mss);
  tp.writeQueue.unshift(front);
  return front;
}

/** Enough of this socket already waits in the host's queues. @kernel tcp_small_queue_check() */
export function tcpSmallQueueCheck(tp: TcpSock, skb: SkBuff): boolean {
  let limit =
    tp.pacingRate > 0
      ? Math.max(2 * skb.truesize, Math.floor(tp.pacingRate / PACING_SHIFT))
      : Infinity;
  limit = Math.min(limit, tp.tn.sysctl(TcpSysctl.tcp_limit_output_bytes));
  if (tp.wmemAlloc <= limit || tp.rtxQueue.length === 0) return false;
  tp.tsqThrottled = true;
  return true;
}

/**
 * Sends what may be sent. `pushOne`: 1 at most one segment, 2 one even beyond the congestion window (a probe).
 * @returns true when data waits and nothing is under way that would bring an ACK. @kernel tcp_write_xmit()
 */
export function tcpWriteXmit(tp: TcpSock, mss: number, nonagle: number, pushOne: number): boolean {
  let sent = 0;
  let cwndLimited = false;
  let rwndLimited = false;
  const maxSegs = tcpTsoSegs(tp, mss);
  if (tp.mtup !== null && pushOne === 0) {
    const probed = tcpMtuProbe(tp, tp.mtup);
    if (probed === 0) return false;
    if (probed > 0) sent = 1;
  }
  for (let skb = tp.writeQueue.head; skb !== null; skb = tp.writeQueue.head) {
    if (tp.paced && tcpPacingWait(tp)) break;
    const quota = Math.min(cwndQuota(tp, pushOne), maxSegs);
    if (quota === 0) {
      cwndLimited = true;
      break;
    }
    if (!tcpSndWndTest(tp, skb, mss)) {
      rwndLimited = true;
      break;
    }
    let limit = mss;
    if (skb.len <= mss) {
      if (!tcpNagleTest(tp, skb, mss, skb.next === null ? nonagle : TCP_NAGLE_PUSH)) break;
    } else if (maxSegs > 1) {
      if (pushOne === 0) {
        const defer = tcpTsoShouldDefer(tp, skb, mss, maxSegs);
        if (defer === DEFER_CWND) cwndLimited = true;
        else if (defer === DEFER_RWND) rwndLimited = true;
        if (defer !== SEND_NOW) break;
      }
      limit = tcpMssSplitPoint(tp, skb, mss, quota, nonagleAllows(tp, nonagle));
    }
    if (skb.len > limit) {
      const front = takeFront(tp, skb, limit, mss);
      if (front === null) break;
      skb = front;
    } else {
      setSegments(skb, mss);
    }
    if (tcpSmallQueueCheck(tp, skb)) break;
    if (tcpTransmitSkb(tp, skb, true) !== 0) break;
    tcpEventNewDataSent(tp, skb);
    if (skb.len < mss) tp.sndSml = skb.cbEndSeq;
    sent += skb.gsoSegs;
    if (pushOne !== 0) break;
  }
  if (rwndLimited) tcpChronoStart(tp, CHRONO_RWND_LIMITED);
  else tcpChronoStop(tp, CHRONO_RWND_LIMITED);
  cwndLimited ||= tcpPacketsInFlight(tp) >= tp.sndCwnd;
  if (sent > 0 || cwndLimited) tcpCwndValidate(tp, cwndLimited);
  if (sent === 0) return tp.packetsOut === 0 && tp.writeQueue.head !== null;
  if (tcpInCwndReduction(tp)) tp.prrOut += sent;
  if (pushOne !== 2) tcpScheduleLossProbe(tp, false);
  return false;
}

/** @kernel __tcp_push_pending_frames() */
export function tcpPushPending(tp: TcpSock, mss: number, nonagle: number): void {
  if (tp.state === TCP_CLOSE) return;
  if (tcpWriteXmit(tp, mss, nonagle, 0)) tcpCheckProbeTimer(tp);
}

export function tcpPushPendingFrames(tp: TcpSock): void {
  if (tp.writeQueue.head !== null) tcpPushPending(tp, tcpCurrentMss(tp), tp.nonagle);
}

/** Sends the first waiting segment, for a writer that has just filled it. @kernel tcp_push_one() */
export function tcpPushOne(tp: TcpSock, mss: number): void {
  tcpWriteXmit(tp, mss, TCP_NAGLE_PUSH, 1);
}

/** The probe interval without back-off. */
export function tcpProbe0Base(tp: TcpSock): number {
  return Math.max(tp.rtoUs, TCP_RTO_MIN_US);
}

/** The probe interval with back-off, in µs. @kernel tcp_probe0_when() */
export function tcpProbe0When(tp: TcpSock): number {
  return Math.min(tcpProbe0Base(tp) * 2 ** Math.min(tp.backoff, 10), tp.rtoMaxUs);
}

/** Data waits and no ACK is due: probe the window. @kernel tcp_check_probe_timer() */
export function tcpCheckProbeTimer(tp: TcpSock): void {
  if (tp.packetsOut === 0 && tp.pendingEvent === 0)
    tcpResetXmitTimer(tp, ICSK_TIME_PROBE0, tcpProbe0Base(tp));
}

/** Queues the end of our stream. @kernel tcp_send_fin() */
export function tcpSendFin(tp: TcpSock): void {
  const tail = tp.writeQueue.tail;
  if (tail !== null) {
    tail.cbFlags |= TCPHDR_FIN;
    tail.cbEndSeq = (tail.cbEndSeq + 1) >>> 0;
    tp.writeSeq = (tp.writeSeq + 1) >>> 0;
  } else {
    const skb = tcpAllocSkb(tp, 0);
    if (skb === null) return;
    tcpInitNondataSkb(skb, tp.writeSeq, TCPHDR_ACK | TCPHDR_FIN);
    tcpQueueSkb(tp, skb);
  }
  tcpPushPending(tp, tcpCurrentMss(tp), TCP_NAGLE_OFF);
}

/** Appends to the write queue. @kernel tcp_queue_skb() */
export function tcpQueueSkb(tp: TcpSock, skb: SkBuff): void {
  tp.writeSeq = skb.cbEndSeq;
  if (tp.writeQueue.head === null) tcpChronoStart(tp, CHRONO_BUSY);
  tp.writeQueue.push(skb);
  tp.wmemQueued += skb.truesize;
}

/**
 * Sends something that makes the peer answer: data that fits its window, or an old sequence number.
 * @returns 0 when sent, else non-zero. @kernel tcp_write_wakeup()
 */
export function tcpWriteWakeup(tp: TcpSock, mib: number): number {
  if (tp.state === TCP_CLOSE) return -1;
  const skb = tp.writeQueue.head;
  const end = tcpWndEnd(tp);
  if (skb === null || ((skb.cbSeq - end) | 0) >= 0) return tcpXmitProbeSkb(tp, 0, mib);
  const mss = tcpCurrentMss(tp);
  const room = (end - skb.cbSeq) >>> 0;
  if (((tp.pushedSeq - skb.cbEndSeq) | 0) < 0) tp.pushedSeq = skb.cbEndSeq;
  const size = Math.min(room, mss);
  if (size < (skb.cbEndSeq - skb.cbSeq) >>> 0 && size < skb.len) {
    skb.cbFlags |= TCPHDR_PSH;
    if (tcpFragment(tp, skb, size, mss, -1) !== 0) return -1;
  }
  skb.cbFlags |= TCPHDR_PSH;
  const error = tcpTransmitSkb(tp, skb, true);
  if (error === 0) tcpEventNewDataSent(tp, skb);
  return error;
}
