/**
 * The congestion window between ACKs: packets in flight, reductions (PRR), idle restarts, and the pacing rate.
 * Sources: net/ipv4/tcp_input.c, tcp_output.c, RFC 6937 (PRR), RFC 2861 and 7661 (idle senders). Windows in segments.
 */
import { CHRONO_SNDBUF_LIMITED, tcpChronoStart } from './tcp-chrono.js';
import {
  TCP_CA_CWR,
  TCP_CA_RECOVERY,
  TCP_INFINITE_SSTHRESH,
  TCP_INIT_CWND,
  TCPF_CLOSE_WAIT,
  TCPF_ESTABLISHED,
} from './tcp-const.js';
import { CA_EVENT_COMPLETE_CWR, CA_EVENT_CWND_RESTART } from './tcp-cong-ops.js';
import { tcpCaEvent, tcpCurrentSsthresh, tcpSetCaState } from './tcp-cong.js';
import { dstMetric } from './tcp-dst.js';
import { tcpEcnQueueCwr } from './tcp-ecn.js';
import { TcpSysctl } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpInSlowStart } from './tcp-cong-lib.js';

export function tcpLeftOut(tp: TcpSock): number {
  return tp.sackedOut + tp.lostOut;
}

/** What is in the network by our best estimate. @kernel tcp_packets_in_flight() */
export function tcpPacketsInFlight(tp: TcpSock): number {
  return tp.packetsOut - (tp.sackedOut + tp.lostOut) + tp.retransOut;
}

export function tcpInCwndReduction(tp: TcpSock): boolean {
  return tp.caState === TCP_CA_CWR || tp.caState === TCP_CA_RECOVERY;
}

/** RFC 6928: ten segments, or what the route says (`initcwnd`). @kernel tcp_init_cwnd() */
export function tcpInitCwnd(tp: TcpSock): number {
  const byRoute = dstMetric(tp.dst, 'initcwnd');
  return Math.min(byRoute !== 0 ? byRoute : TCP_INIT_CWND, tp.sndCwndClamp);
}

/** @kernel tcp_init_cwnd_reduction() */
export function tcpInitCwndReduction(tp: TcpSock): void {
  tp.highSeq = tp.sndNxt;
  tp.tlpHighSeq = 0;
  tp.sndCwndCnt = 0;
  tp.priorCwnd = tp.sndCwnd;
  tp.prrDelivered = 0;
  tp.prrOut = 0;
  tp.sndSsthresh = tp.caOps.ssthresh(tp);
  tcpEcnQueueCwr(tp);
}

/** Proportional rate reduction: sends in proportion to what is delivered. @kernel tcp_cwnd_reduction(), RFC 6937 */
export function tcpCwndReduction(
  tp: TcpSock,
  newlyAcked: number,
  newlyLost: number,
  unaAdvanced: boolean,
): void {
  if (newlyAcked <= 0 || tp.priorCwnd === 0) return;
  const inFlight = tcpPacketsInFlight(tp);
  const delta = tp.sndSsthresh - inFlight;
  tp.prrDelivered += newlyAcked;
  let sndcnt: number;
  if (delta < 0) {
    sndcnt =
      Math.floor((tp.sndSsthresh * tp.prrDelivered + tp.priorCwnd - 1) / tp.priorCwnd) - tp.prrOut;
  } else {
    sndcnt = Math.max(tp.prrDelivered - tp.prrOut, newlyAcked);
    if (unaAdvanced && newlyLost === 0) sndcnt++;
    sndcnt = Math.min(delta, sndcnt);
  }
  sndcnt = Math.max(sndcnt, tp.prrOut !== 0 ? 0 : 1); // the first one always goes: fast retransmit
  tp.sndCwnd = Math.max(inFlight + sndcnt, 1);
}

/** @kernel tcp_end_cwnd_reduction() */
export function tcpEndCwndReduction(tp: TcpSock): void {
  if (tp.caOps.congControl !== undefined) return;
  if (
    tp.sndSsthresh < TCP_INFINITE_SSTHRESH &&
    (tp.caState === TCP_CA_CWR || tp.undoMarker !== 0)
  ) {
    tp.sndCwnd = tp.sndSsthresh;
    tp.sndCwndStamp = tp.now;
  }
  tcpCaEvent(tp, CA_EVENT_COMPLETE_CWR);
}

/** Reduces once for congestion without loss: a full queue of our own. @kernel tcp_enter_cwr() */
export function tcpEnterCwr(tp: TcpSock): void {
  tp.priorSsthresh = 0;
  if (tp.caState >= TCP_CA_CWR) return;
  tp.undoMarker = 0;
  tcpInitCwndReduction(tp);
  tcpSetCaState(tp, TCP_CA_CWR);
}

/** An application that does not fill the window loses what it does not use. @kernel tcp_cwnd_application_limited() */
function tcpCwndApplicationLimited(tp: TcpSock): void {
  if (tp.caState === 0) {
    const used = Math.max(tp.sndCwndUsed, tcpInitCwnd(tp));
    if (used < tp.sndCwnd) {
      tp.sndSsthresh = tcpCurrentSsthresh(tp);
      tp.sndCwnd = (tp.sndCwnd + used) >> 1;
    }
    tp.sndCwndUsed = 0;
  }
  tp.sndCwndStamp = tp.now;
}

/** Notes after sending whether the window was what held us back. @kernel tcp_cwnd_validate() */
export function tcpCwndValidate(tp: TcpSock, isCwndLimited: boolean): void {
  // Remembered per window: the largest flight, and whether it was full.
  if (
    ((tp.sndUna - tp.cwndUsageSeq) | 0) >= 0 ||
    isCwndLimited ||
    (!tp.isCwndLimited && tp.packetsOut > tp.maxPacketsOut)
  ) {
    tp.isCwndLimited = isCwndLimited;
    tp.maxPacketsOut = tp.packetsOut;
    tp.cwndUsageSeq = tp.sndNxt;
  }
  if (tp.isCwndLimited || (tcpInSlowStart(tp) && tp.sndCwnd < 2 * tp.maxPacketsOut)) {
    tp.sndCwndUsed = 0;
    tp.sndCwndStamp = tp.now;
    return;
  }
  if (tp.packetsOut > tp.sndCwndUsed) tp.sndCwndUsed = tp.packetsOut;
  // Everything is sent and the writer waits for room: the buffer is what holds us back.
  if (
    tp.nospace &&
    tp.writeQueue.head === null &&
    ((1 << tp.state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) !== 0
  )
    tcpChronoStart(tp, CHRONO_SNDBUF_LIMITED);
  if (
    tp.tn.sysctl(TcpSysctl.tcp_slow_start_after_idle) !== 0 &&
    tp.now - tp.sndCwndStamp >= tp.rtoUs * 1000 &&
    tp.caOps.congControl === undefined
  ) {
    tcpCwndApplicationLimited(tp);
  }
}

/** After a pause the window halves for each timeout that has passed. @kernel tcp_cwnd_restart() */
function tcpCwndRestart(tp: TcpSock, idleNs: number): void {
  const restart = Math.min(tcpInitCwnd(tp), tp.sndCwnd);
  let cwnd = tp.sndCwnd;
  tcpCaEvent(tp, CA_EVENT_CWND_RESTART);
  tp.sndSsthresh = tcpCurrentSsthresh(tp);
  const rtoNs = tp.rtoUs * 1000;
  for (let idle = idleNs - rtoNs; idle > 0 && cwnd > restart; idle -= rtoNs) cwnd >>= 1;
  tp.sndCwnd = Math.max(cwnd, restart);
  tp.sndCwndStamp = tp.now;
  tp.sndCwndUsed = 0;
}

/** @kernel tcp_slow_start_after_idle_check() */
export function tcpSlowStartAfterIdleCheck(tp: TcpSock): void {
  if (
    tp.packetsOut !== 0 ||
    tp.tn.sysctl(TcpSysctl.tcp_slow_start_after_idle) === 0 ||
    tp.caOps.congControl !== undefined
  )
    return;
  const idle = tp.now - tp.lsndtime;
  if (idle > tp.rtoUs * 1000) tcpCwndRestart(tp, idle);
}

/** Twice the current rate in slow start, 120 % later: bytes a second. @kernel tcp_update_pacing_rate() */
export function tcpUpdatePacingRate(tp: TcpSock): void {
  if (tp.srttUs === 0) return;
  const ratio = tp.tn.sysctl(
    tp.sndCwnd < tp.sndSsthresh / 2 ? TcpSysctl.tcp_pacing_ss_ratio : TcpSysctl.tcp_pacing_ca_ratio,
  );
  const segments = Math.max(tp.sndCwnd, tp.packetsOut);
  tp.pacingRate = Math.floor((tp.mssCache * 80000 * ratio * segments) / tp.srttUs); // srttUs is 8 × µs, ratio is percent
}
