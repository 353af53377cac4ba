/**
 * Setting and clearing TCP's timers. What they do when they fire is in tcp-timer.ts.
 *
 * One timer serves retransmission, zero-window probes, loss probes and RACK's reordering window, as in the kernel; which of
 * them it is for is `tp.pendingEvent`. All are lazy deadlines. An idle connection has no timers at all: they are made when one
 * is first set, and go when their last event finds nothing to do. @kernel include/net/inet_connection_sock.h
 */
import { ICSK_TIME_LOSS_PROBE, ICSK_TIME_REO_TIMEOUT, ICSK_TIME_RETRANS } from './tcp-const.js';
import type { TcpSock } from './tcp-sock.js';

/** Arms the retransmission timer for `what`, `whenUs` microseconds from now. */
export function tcpResetXmitTimer(tp: TcpSock, what: number, whenUs: number): void {
  tp.pendingEvent = what;
  if (tp.rtxTimer === null) tp.initTimers();
  tp.rtxTimer?.set(tp.engine.now + Math.min(whenUs, tp.rtoMaxUs) * 1000);
}

export function tcpClearRtxTimer(tp: TcpSock): void {
  tp.pendingEvent = 0;
  tp.rtxTimer?.cancel();
}

/** @kernel inet_csk_clear_xmit_timer(ICSK_TIME_DACK) */
export function tcpClearDelack(tp: TcpSock): void {
  tp.ackPending = 0;
  tp.delackTimer?.cancel();
}

/** Arms the timer of a delayed ACK. */
export function tcpSetDelack(tp: TcpSock, at: number): void {
  if (tp.delackTimer === null) tp.initTimers();
  tp.delackTimer?.set(at);
}

/** Arms the timer of ACKs that are held back while segments are missing. */
export function tcpSetCompressedAck(tp: TcpSock, at: number): void {
  if (tp.compressedAckTimer === null) tp.initTimers();
  tp.compressedAckTimer?.set(at);
}

export function tcpResetKeepalive(tp: TcpSock, delayNs: number): void {
  if (tp.skTimer === null) tp.initTimers();
  tp.skTimer?.set(tp.engine.now + delayNs);
}

export function tcpDeleteKeepalive(tp: TcpSock): void {
  tp.skTimer?.cancel();
}

/** @kernel tcp_clear_xmit_timers() */
export function tcpClearXmitTimers(tp: TcpSock): void {
  tcpClearRtxTimer(tp);
  tcpClearDelack(tp);
  tp.compressedAckTimer?.cancel();
  tp.pacingTimer?.cancel();
  tcpDeleteKeepalive(tp);
}

/** Microseconds until the first unacknowledged segment times out; may be negative. @kernel tcp_rto_delta_us() */
export function tcpRtoDeltaUs(tp: TcpSock): number {
  const head = tp.rtxQueue.first;
  if (head === null) return 1;
  return Math.floor((head.cbTime - tp.engine.now) / 1000) + tp.rtoUs;
}

/** Starts the retransmission timer anew after progress, or stops it. @kernel tcp_rearm_rto() */
export function tcpRearmRto(tp: TcpSock): void {
  if (tp.tfo !== null && tp.tfo.request !== null) return; // the timer is the SYN-ACK's
  if (tp.packetsOut === 0) {
    tcpClearRtxTimer(tp);
    return;
  }
  let rto = tp.rtoUs;
  if (tp.pendingEvent === ICSK_TIME_REO_TIMEOUT || tp.pendingEvent === ICSK_TIME_LOSS_PROBE) {
    rto = Math.max(tcpRtoDeltaUs(tp), 1); // the time already waited counts
  }
  tcpResetXmitTimer(tp, ICSK_TIME_RETRANS, rto);
}
