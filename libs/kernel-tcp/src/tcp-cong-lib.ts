/**
 * Slow start and additive increase, shared by the algorithms. Source: net/ipv4/tcp_cong.c, RFC 5681 §3.1.
 */
import type { TcpSock } from './tcp-sock.js';

export function tcpInSlowStart(tp: TcpSock): boolean {
  return tp.sndCwnd < tp.sndSsthresh;
}

/** Only a window that was full may grow. @kernel tcp_is_cwnd_limited() */
export function tcpIsCwndLimited(tp: TcpSock): boolean {
  if (tp.isCwndLimited) return true;
  // In slow start the window may grow to twice what is really used (RFC 7661's idea).
  return tcpInSlowStart(tp) && tp.sndCwnd < 2 * tp.maxPacketsOut;
}

/** Grows by what was acknowledged, not beyond the threshold. @returns segments left over. @kernel tcp_slow_start() */
export function tcpSlowStart(tp: TcpSock, acked: number): number {
  const cwnd = Math.min(tp.sndCwnd + acked, tp.sndSsthresh);
  const left = acked - (cwnd - tp.sndCwnd);
  tp.sndCwnd = Math.min(cwnd, tp.sndCwndClamp);
  return left;
}

/** One segment more for each `w` acknowledged. @kernel tcp_cong_avoid_ai() */
export function tcpCongAvoidAi(tp: TcpSock, w: number, acked: number): void {
  if (tp.sndCwndCnt >= w) {
    tp.sndCwndCnt = 0;
    tp.sndCwnd++;
  }
  tp.sndCwndCnt += acked;
  if (tp.sndCwndCnt >= w) {
    const delta = Math.floor(tp.sndCwndCnt / w);
    tp.sndCwndCnt -= delta * w;
    tp.sndCwnd += delta;
  }
  tp.sndCwnd = Math.min(tp.sndCwnd, tp.sndCwndClamp);
}
