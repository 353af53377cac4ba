/**
 * Pacing: packets leave no faster than at the connection's rate. Asked for by a congestion control.
 * tcp-output, tcp-retransmit → tcpPacingWait; tcp-transmit → tcpPacingCharge. `tp.wstamp` is when the next packet may leave.
 * Source: net/ipv4/tcp_output.c tcp_pacing_check(), tcp_update_skb_after_send().
 */
import { Timer } from '@netloom/engine';
import type { SkBuff } from '@netloom/kernel-core';
import { NSEC_PER_SEC } from './tcp-const.js';
import type { TcpSock } from './tcp-sock.js';

/** Segments that the first window is sent in without pacing. */
const UNPACED_SEGMENTS = 10;

/** True where the next packet has to wait; then it will be tried again. @kernel tcp_pacing_check() */
export function tcpPacingWait(tp: TcpSock): boolean {
  if (tp.wstamp <= tp.now) return false;
  tp.pacingTimer ??= new Timer(tp.engine, () => {
    tp.onTsq();
  });
  if (!tp.pacingTimer.pending) tp.pacingTimer.set(tp.wstamp);
  return true;
}

/** A packet left: the next may when this one's time at the rate is over, less what was saved up. */
export function tcpPacingCharge(tp: TcpSock, skb: SkBuff): void {
  const rate = tp.pacingRate;
  if (rate <= 0 || tp.dataSegsOut < UNPACED_SEGMENTS) return;
  const took = Math.floor((skb.len * NSEC_PER_SEC) / rate);
  const saved = Math.max(0, tp.now - tp.pacingFrom);
  tp.wstamp += took - Math.min(Math.floor(took / 2), saved);
  tp.pacingFrom = tp.wstamp;
}
