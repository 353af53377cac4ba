/**
 * What TCP's timers do: retransmission with back-off, zero-window probes, delayed ACKs, keepalive, FIN-WAIT-2.
 * engine Timer → handler here → tcp-retransmit, tcp-transmit. Setting them is in tcp-xmit-timer.ts.
 * Sources: net/ipv4/tcp_timer.c, RFC 6298 §5, RFC 1122 §4.2.3.5 and §4.2.3.6, RFC 9293 §3.8.
 */
import { Errno } from '@netloom/base';
import { Timer } from '@netloom/engine';
import { Mib, mibAdd } from '@netloom/kernel-core';
import {
  ICSK_ACK_SCHED,
  ICSK_ACK_TIMER,
  ICSK_TIME_LOSS_PROBE,
  ICSK_TIME_PROBE0,
  ICSK_TIME_REO_TIMEOUT,
  ICSK_TIME_RETRANS,
  NSEC_PER_SEC,
  TCP_ATO_MIN,
  TCP_CA_DISORDER,
  TCP_CA_LOSS,
  TCP_CA_RECOVERY,
  TCP_CLOSE,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT2,
  TCP_INFINITE_SSTHRESH,
  TCP_LISTEN,
  TCP_RESOURCE_PROBE_US,
  TCP_RTO_MIN_US,
  TCP_SYN_SENT,
  TCP_TIMEOUT_INIT_US,
  TCP_TIMEWAIT_LEN,
  TCPF_CLOSE,
  TCPF_LISTEN,
  TCPF_SYN_RECV,
  TCPF_SYN_SENT,
} from './tcp-const.js';
import { tcpDoneWithError } from './tcp-data.js';
import { tcpFastopenDetectBlackhole } from './tcp-fastopen-client.js';
import { tcpRtxSynack, type TcpRequestSock } from './tcp-minisocks.js';
import { tcpMtuProbing } from './tcp-mtu-probe.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpProbe0When, tcpWriteWakeup } from './tcp-output.js';
import { tcpRackReoTimeoutMark } from './tcp-rack.js';
import { tcpEnterLoss, tcpEnterRecovery } from './tcp-recovery.js';
import { tcpRetransmitSkb, tcpSendLossProbe, tcpXmitRetransmitQueue } from './tcp-retransmit.js';
import { tcpSetRto } from './tcp-rtt.js';
import { tcpInPingpong } from './tcp-pingpong.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpDone } from './tcp-state.js';
import { tcpTimeWait } from './tcp-timewait.js';
import { tcpSendAck, tcpSendActiveReset } from './tcp-transmit.js';
import { tcpRearmRto, tcpResetKeepalive, tcpResetXmitTimer } from './tcp-xmit-timer.js';

/** After so many a thin stream backs off as any other. */
const THIN_LINEAR_RETRIES = 6;

/** Makes a socket's timers. @kernel tcp_init_xmit_timers() */
export function tcpInitXmitTimers(tp: TcpSock): void {
  const idle = (): void => {
    releaseTimers(tp);
  };
  const make = (fn: (tp: TcpSock) => void): Timer =>
    new Timer(
      tp.engine,
      () => {
        fn(tp);
      },
      idle,
    );
  tp.rtxTimer = make(tcpWriteTimer);
  tp.delackTimer = make(tcpDelackTimer);
  tp.skTimer = make(tcpKeepaliveTimer);
  tp.compressedAckTimer = make(sendCompressedAck);
}

function sendCompressedAck(tp: TcpSock): void {
  if (tp.compressedAck !== 0) tcpSendAck(tp);
}

/** Nothing is scheduled any more: an idle connection keeps neither timers nor queue space. */
function releaseTimers(tp: TcpSock): void {
  if (
    tp.rtxTimer?.pending === true ||
    tp.delackTimer?.pending === true ||
    tp.skTimer?.pending === true ||
    tp.compressedAckTimer?.pending === true
  )
    return;
  tp.rtxTimer = tp.delackTimer = tp.skTimer = tp.compressedAckTimer = null;
  tp.rtxQueue.trim();
  tp.ofoQueue.trim();
}

/** Dispatches the retransmission timer. @kernel tcp_write_timer_handler() */
function tcpWriteTimer(tp: TcpSock): void {
  if (((1 << tp.state) & (TCPF_CLOSE | TCPF_LISTEN)) !== 0) return;
  const event = tp.pendingEvent;
  switch (event) {
    case ICSK_TIME_REO_TIMEOUT:
      tcpRackReoTimeout(tp);
      break;
    case ICSK_TIME_LOSS_PROBE:
      tcpSendLossProbe(tp);
      break;
    case ICSK_TIME_RETRANS:
      tp.pendingEvent = 0;
      tcpRetransmitTimer(tp);
      break;
    case ICSK_TIME_PROBE0:
      tp.pendingEvent = 0;
      tcpProbeTimer(tp);
      break;
    default:
      break;
  }
}

/** RACK's reordering window has passed. @kernel tcp_rack_reo_timeout() */
function tcpRackReoTimeout(tp: TcpSock): void {
  if (tcpRackReoTimeoutMark(tp)) {
    if (tp.caState !== TCP_CA_RECOVERY) tcpEnterRecovery(tp, true);
    tcpXmitRetransmitQueue(tp);
  }
  if (tp.pendingEvent !== ICSK_TIME_RETRANS) tcpRearmRto(tp);
}

// ---- retransmission ----

/** How long `boundary` back-offs from `base` last together, in µs. @kernel tcp_model_timeout() */
function modelTimeoutUs(tp: TcpSock, boundary: number, base: number): number {
  const doublings = 31 - Math.clz32(Math.floor(tp.rtoMaxUs / base));
  if (boundary <= doublings) return (2 ** (boundary + 1) - 1) * base;
  return (2 ** (doublings + 1) - 1) * base + (boundary - doublings) * tp.rtoMaxUs;
}

/** Retransmissions have gone on for longer than `boundary` of them may. @kernel retransmits_timed_out() */
function retransmitsTimedOut(tp: TcpSock, boundary: number, timeoutMs: number): boolean {
  if (tp.retransmits === 0) return false;
  let start = tp.retransStamp;
  if (start === 0) {
    const head = tp.rtxQueue.first;
    if (head === null) return false;
    start = head.cbTime;
  }
  let timeoutUs = timeoutMs * 1000;
  if (timeoutUs === 0) {
    const opening = ((1 << tp.state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) !== 0;
    timeoutUs = modelTimeoutUs(tp, boundary, opening ? TCP_TIMEOUT_INIT_US : TCP_RTO_MIN_US);
  }
  return tp.now - start >= timeoutUs * 1000;
}

/** Attempts for a socket that nobody holds any more. @kernel tcp_orphan_retries() */
function orphanRetries(tp: TcpSock, alive: boolean): number {
  const retries = tp.tn.sysctl(TcpSysctl.tcp_orphan_retries);
  if (tp.errSoft !== 0 && !alive) return 0;
  return retries === 0 && alive ? 8 : retries;
}

/** The connection has failed. @kernel tcp_write_err() */
function tcpWriteErr(tp: TcpSock): void {
  mibAdd(tp.net.mib, Mib.TcpExtTCPAbortOnTimeout, 1);
  tcpDoneWithError(tp, tp.errSoft !== 0 ? tp.errSoft : Errno.ETIMEDOUT);
}

/** Too many orphans: this one is reset. @kernel tcp_out_of_resources() */
function outOfResources(tp: TcpSock, doReset: boolean): boolean {
  if (tp.tn.orphans <= tp.tn.sysctl(TcpSysctl.tcp_max_orphans)) return false;
  if (doReset) tcpSendActiveReset(tp);
  tcpDone(tp);
  mibAdd(tp.net.mib, Mib.TcpExtTCPAbortOnMemory, 1);
  return true;
}

/** Gives up where it has lasted long enough. @returns true when the socket is gone. @kernel tcp_write_timeout() */
function tcpWriteTimeout(tp: TcpSock): boolean {
  const tn = tp.tn;
  let expired = false;
  let retryUntil: number;
  if (((1 << tp.state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) !== 0) {
    if (tp.retransmits > 0) tp.dst = null;
    retryUntil = tp.synRetries !== 0 ? tp.synRetries : tn.sysctl(TcpSysctl.tcp_syn_retries);
    const linear = tp.state === TCP_SYN_SENT ? tn.sysctl(TcpSysctl.tcp_syn_linear_timeouts) : 0;
    expired = tp.retransmits >= retryUntil + linear;
  } else {
    if (retransmitsTimedOut(tp, tn.sysctl(TcpSysctl.tcp_retries1), 0)) {
      tcpMtuProbing(tp); // a black hole for large packets?
      tp.dst = null; // perhaps another route helps
    }
    retryUntil = tn.sysctl(TcpSysctl.tcp_retries2);
    if (tp.dead) {
      const alive = tp.rtoUs < tp.rtoMaxUs;
      retryUntil = orphanRetries(tp, alive);
      const doReset = alive || !retransmitsTimedOut(tp, retryUntil, 0);
      if (outOfResources(tp, doReset)) return true;
    }
  }
  if (!expired) expired = retransmitsTimedOut(tp, retryUntil, tp.userTimeoutMs);
  if (tp.tfo !== null) tcpFastopenDetectBlackhole(tp, expired);
  if (!expired) return false;
  tcpWriteErr(tp);
  return true;
}

/** Repeats the SYN-ACK of a connection opened with data. @kernel tcp_fastopen_synack_timer() */
function tcpFastopenSynackTimer(tp: TcpSock, req: TcpRequestSock): void {
  const max = tp.synRetries !== 0 ? tp.synRetries : tp.tn.sysctl(TcpSysctl.tcp_synack_retries) + 1;
  if (req.numTimeout >= max) {
    tcpWriteErr(tp);
    return;
  }
  if (tp.retransmits === 1) tcpEnterLoss(tp);
  if (tcpRtxSynack(req)) tp.totalRetrans++;
  req.numTimeout++;
  tp.retransmits++;
  if (tp.retransStamp === 0) tp.retransStamp = Math.max(1, tp.now);
  tcpResetXmitTimer(tp, ICSK_TIME_RETRANS, TCP_TIMEOUT_INIT_US * 2 ** req.numTimeout);
}

/** @kernel tcp_retransmit_timer() */
function tcpRetransmitTimer(tp: TcpSock): void {
  if (tp.tfo !== null && tp.tfo.request !== null) {
    tcpFastopenSynackTimer(tp, tp.tfo.request);
    return;
  }
  const head = tp.rtxQueue.first;
  if (tp.packetsOut === 0 || head === null) return;
  const mib = tp.net.mib;
  tp.tlpHighSeq = 0;
  const opening = ((1 << tp.state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) !== 0;
  if (tp.sndWnd === 0 && !tp.dead && !opening) {
    // The peer shrank its window to nothing: retransmissions are probes, as long as it answers them.
    if (tp.now - tp.rcvTstamp > tp.rtoMaxUs * 1000) {
      tcpWriteErr(tp);
      return;
    }
    tcpEnterLoss(tp);
    tcpRetransmitSkb(tp, head);
    tp.dst = null;
    backOff(tp);
    return;
  }
  mibAdd(mib, Mib.TcpExtTCPTimeouts, 1);
  if (tcpWriteTimeout(tp)) return;
  if (tp.retransmits === 0) countFailure(tp);
  tcpEnterLoss(tp);
  tp.retransmits++;
  if (tp.retransmits === 1) {
    tp.totalRtoRecoveries++;
    tp.rtoStamp = tp.now;
  }
  tp.totalRto++;
  if (tcpRetransmitSkb(tp, head) === -Errno.ENOBUFS) {
    tcpResetXmitTimer(tp, ICSK_TIME_RETRANS, TCP_RESOURCE_PROBE_US);
    return;
  }
  backOff(tp);
  if (retransmitsTimedOut(tp, tp.tn.sysctl(TcpSysctl.tcp_retries1) + 1, 0)) tp.dst = null;
}

/** Doubles the timeout, except for the first SYNs, and starts it. */
function backOff(tp: TcpSock): void {
  if (isThin(tp)) {
    tp.backoff = 0;
    tcpSetRto(tp);
  } else if (
    tp.state !== TCP_SYN_SENT ||
    tp.totalRto > tp.tn.sysctl(TcpSysctl.tcp_syn_linear_timeouts)
  ) {
    tp.backoff++;
    tp.rtoUs = Math.min(tp.rtoUs * 2, tp.rtoMaxUs);
  }
  tcpResetXmitTimer(tp, ICSK_TIME_RETRANS, clampToUserTimeout(tp));
}

/** Too few segments in flight for fast retransmit: back-off would only delay the repair. @kernel tcp_stream_is_thin() */
function isThin(tp: TcpSock): boolean {
  return (
    (tp.thinLto || tp.tn.sysctl(TcpSysctl.tcp_thin_linear_timeouts) !== 0) &&
    tp.state === TCP_ESTABLISHED &&
    tp.packetsOut < 4 &&
    tp.sndSsthresh < TCP_INFINITE_SSTHRESH &&
    tp.retransmits <= THIN_LINEAR_RETRIES
  );
}

/** @kernel tcp_clamp_rto_to_user_timeout() */
function clampToUserTimeout(tp: TcpSock): number {
  if (tp.userTimeoutMs === 0 || tp.retransStamp === 0) return tp.rtoUs;
  const left = tp.userTimeoutMs * 1000 - Math.floor((tp.now - tp.retransStamp) / 1000);
  return left <= 0 ? 1 : Math.min(tp.rtoUs, left);
}

function countFailure(tp: TcpSock): void {
  const sack = tp.rxOpt.sackOk;
  let index = -1;
  if (tp.caState === TCP_CA_RECOVERY)
    index = sack ? Mib.TcpExtTCPSackRecoveryFail : Mib.TcpExtTCPRenoRecoveryFail;
  else if (tp.caState === TCP_CA_LOSS) index = Mib.TcpExtTCPLossFailures;
  else if (tp.caState === TCP_CA_DISORDER || tp.sackedOut > 0)
    index = sack ? Mib.TcpExtTCPSackFailures : Mib.TcpExtTCPRenoFailures;
  if (index >= 0) mibAdd(tp.net.mib, index, 1);
}

// ---- zero-window probes ----

/** @kernel tcp_probe_timer() */
function tcpProbeTimer(tp: TcpSock): void {
  const head = tp.writeQueue.head;
  if (tp.packetsOut > 0 || head === null) {
    tp.probesOut = 0;
    tp.probesTstamp = 0;
    return;
  }
  if (tp.probesTstamp === 0) {
    tp.probesTstamp = Math.max(1, tp.now);
  } else if (tp.userTimeoutMs > 0 && tp.now - tp.probesTstamp >= tp.userTimeoutMs * 1e6) {
    tcpWriteErr(tp);
    return;
  }
  let max = tp.tn.sysctl(TcpSysctl.tcp_retries2);
  if (tp.dead) {
    const alive = tp.rtoUs * 2 ** tp.backoff < tp.rtoMaxUs;
    max = orphanRetries(tp, alive);
    if (!alive && tp.backoff >= max) {
      tcpWriteErr(tp);
      return;
    }
    if (outOfResources(tp, true)) return;
  }
  if (tp.probesOut >= max) tcpWriteErr(tp);
  else tcpSendProbe0(tp);
}

/** Sends a probe and sets the time of the next. @kernel tcp_send_probe0() */
function tcpSendProbe0(tp: TcpSock): void {
  const error = tcpWriteWakeup(tp, Mib.TcpExtTCPWinProbe);
  if (tp.packetsOut > 0 || tp.writeQueue.head === null) {
    tp.probesOut = 0;
    tp.backoff = 0;
    tp.probesTstamp = 0;
    return;
  }
  tp.probesOut++;
  let timeout = TCP_RESOURCE_PROBE_US;
  if (error <= 0) {
    if (tp.backoff < tp.tn.sysctl(TcpSysctl.tcp_retries2)) tp.backoff++;
    timeout = tcpProbe0When(tp);
  }
  tcpResetXmitTimer(tp, ICSK_TIME_PROBE0, timeout);
}

// ---- acknowledgements ----

/** @kernel tcp_delack_timer_handler() */
function tcpDelackTimer(tp: TcpSock): void {
  if (
    ((1 << tp.state) & (TCPF_CLOSE | TCPF_LISTEN)) !== 0 ||
    (tp.ackPending & ICSK_ACK_TIMER) === 0
  )
    return;
  tp.ackPending &= ~ICSK_ACK_TIMER;
  if ((tp.ackPending & ICSK_ACK_SCHED) === 0) return;
  if (!tcpInPingpong(tp)) {
    tp.ackAto = Math.min(tp.ackAto * 2, tp.rtoUs * 1000); // no answer came in time: wait longer
  } else {
    tp.ackPingpong = 0; // expected an answer to carry the ACK, but none was written
    tp.ackAto = TCP_ATO_MIN;
  }
  tcpSendAck(tp);
  mibAdd(tp.net.mib, Mib.TcpExtDelayedACKs, 1);
}

// ---- keepalive and FIN-WAIT-2 ----

export function tcpKeepaliveTimeWhen(tp: TcpSock): number {
  return tp.keepaliveTimeNs !== 0
    ? tp.keepaliveTimeNs
    : tp.tn.sysctl(TcpSysctl.tcp_keepalive_time) * NSEC_PER_SEC;
}

export function tcpKeepaliveIntvlWhen(tp: TcpSock): number {
  return tp.keepaliveIntvlNs !== 0
    ? tp.keepaliveIntvlNs
    : tp.tn.sysctl(TcpSysctl.tcp_keepalive_intvl) * NSEC_PER_SEC;
}

export function tcpKeepaliveProbes(tp: TcpSock): number {
  return tp.keepaliveProbes !== 0
    ? tp.keepaliveProbes
    : tp.tn.sysctl(TcpSysctl.tcp_keepalive_probes);
}

/** How long an orphan may wait for the peer's FIN. @kernel tcp_fin_time() */
export function tcpFinTime(tp: TcpSock): number {
  const timeout =
    tp.linger2 !== 0
      ? tp.linger2 * NSEC_PER_SEC
      : tp.tn.sysctl(TcpSysctl.tcp_fin_timeout) * NSEC_PER_SEC;
  return Math.max(timeout, tp.rtoUs * 3500);
}

/** @kernel tcp_keepalive_timer() */
function tcpKeepaliveTimer(tp: TcpSock): void {
  if (tp.state === TCP_LISTEN) return;
  if (tp.state === TCP_FIN_WAIT2 && tp.dead) {
    if (tp.linger2 >= 0) {
      const left = tcpFinTime(tp) - TCP_TIMEWAIT_LEN;
      if (left > 0) {
        tcpTimeWait(tp, TCP_FIN_WAIT2, left);
        return;
      }
    }
    tcpSendActiveReset(tp);
    tcpDone(tp);
    return;
  }
  if (!tp.keepopen || tp.state === TCP_CLOSE || tp.state === TCP_SYN_SENT) return;
  let next = tcpKeepaliveTimeWhen(tp);
  if (tp.packetsOut === 0 && tp.writeQueue.head === null) {
    const idle = tp.now - Math.max(tp.ackLrcvtime, tp.rcvTstamp);
    if (idle < next) {
      next -= idle;
    } else {
      const expired =
        tp.userTimeoutMs !== 0
          ? idle >= tp.userTimeoutMs * 1e6 && tp.probesOut > 0
          : tp.probesOut >= tcpKeepaliveProbes(tp);
      if (expired) {
        tcpSendActiveReset(tp);
        tcpWriteErr(tp);
        return;
      }
      if (tcpWriteWakeup(tp, Mib.TcpExtTCPKeepAlive) <= 0) {
        tp.probesOut++;
        next = tcpKeepaliveIntvlWhen(tp);
      } else {
        next = TCP_RESOURCE_PROBE_US * 1000;
      }
    }
  }
  tcpResetKeepalive(tp, next);
}

/** SO_KEEPALIVE was switched. @kernel tcp_set_keepalive() */
export function tcpSetKeepalive(tp: TcpSock, on: boolean): void {
  if (((1 << tp.state) & (TCPF_CLOSE | TCPF_LISTEN)) !== 0) return;
  if (on && !tp.keepopen) tcpResetKeepalive(tp, tcpKeepaliveTimeWhen(tp));
  else if (!on) tp.skTimer?.cancel();
}
