/**
 * Tail loss probes (RFC 8985 §7): when nothing comes back for two round trips the last segment is sent again, so that a lost
 * tail is repaired by SACK instead of a timeout. This file schedules them; tcp-retransmit.ts sends them.
 * Source: net/ipv4/tcp_output.c tcp_schedule_loss_probe().
 */
import {
  ICSK_TIME_LOSS_PROBE,
  TCP_CA_CWR,
  TCP_CA_OPEN,
  TCP_TIMEOUT_INIT_US,
  TCP_TIMEOUT_MIN_US,
} from './tcp-const.js';
import { TcpSysctl } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpResetXmitTimer, tcpRtoDeltaUs } from './tcp-xmit-timer.js';

/** Arms the probe timer where a probe makes sense. @returns true when armed. */
export function tcpScheduleLossProbe(tp: TcpSock, advancingRto: boolean): boolean {
  const early = tp.tn.sysctl(TcpSysctl.tcp_early_retrans);
  if (tp.tfo !== null && tp.tfo.request !== null) return false;
  if ((early !== 3 && early !== 4) || tp.packetsOut === 0 || !tp.rxOpt.sackOk) return false;
  if (tp.caState !== TCP_CA_OPEN && tp.caState !== TCP_CA_CWR) return false;
  let timeout = TCP_TIMEOUT_INIT_US;
  if (tp.srttUs !== 0) {
    timeout = tp.srttUs >> 2; // two round trips
    // A single segment may be held back by the peer's delayed ACK.
    timeout += tp.packetsOut === 1 ? tp.rtoMinUs : TCP_TIMEOUT_MIN_US;
  }
  const rto = advancingRto ? tp.rtoUs : tcpRtoDeltaUs(tp);
  if (rto > 0) timeout = Math.min(timeout, rto);
  tcpResetXmitTimer(tp, ICSK_TIME_LOSS_PROBE, timeout);
  return true;
}
