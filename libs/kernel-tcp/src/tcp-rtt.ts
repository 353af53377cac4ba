/**
 * Round-trip time and retransmission timeout: RFC 6298 as Linux runs it, with a 200 ms floor under the variance (not
 * under the sum), and the minimum over a sliding window. Sources: net/ipv4/tcp_input.c tcp_rtt_estimator(), RFC 6298.
 * Units: microseconds; srttUs is scaled by 8, mdevUs by 4.
 */
import { seqAfter } from '@netloom/base';
import { NSEC_PER_SEC } from './tcp-const.js';
import { TcpSysctl } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';

/** Takes one measurement. @kernel tcp_rtt_estimator() */
export function tcpRttEstimator(tp: TcpSock, measuredUs: number): void {
  if (tp.srttUs === 0) {
    tp.srttUs = Math.max(1, measuredUs << 3);
    tp.mdevUs = measuredUs << 1; // variance of half the first measurement: RTO = 3 × RTT
    tp.rttvarUs = Math.max(tp.mdevUs, tp.rtoMinUs);
    tp.mdevMaxUs = tp.rttvarUs;
    tp.rttSeq = tp.sndNxt;
    return;
  }
  let m = measuredUs - (tp.srttUs >> 3);
  const srtt = tp.srttUs + m; // 7/8 old + 1/8 new
  if (m < 0) {
    m = -m - (tp.mdevUs >> 2);
    // A shrinking round trip must not raise the variance as fast as a growing one: an eighth of the usual gain.
    if (m > 0) m >>= 3;
  } else {
    m -= tp.mdevUs >> 2;
  }
  tp.mdevUs += m; // 3/4 old + 1/4 new
  if (tp.mdevUs > tp.mdevMaxUs) {
    tp.mdevMaxUs = tp.mdevUs;
    if (tp.mdevMaxUs > tp.rttvarUs) tp.rttvarUs = tp.mdevMaxUs;
  }
  if (seqAfter(tp.sndUna, tp.rttSeq)) {
    // One window has passed: let the variance fall towards what this window showed.
    if (tp.mdevMaxUs < tp.rttvarUs) tp.rttvarUs -= (tp.rttvarUs - tp.mdevMaxUs) >> 2;
    tp.rttSeq = tp.sndNxt;
    tp.mdevMaxUs = tp.rtoMinUs;
  }
  tp.srttUs = Math.max(1, srtt);
}

/** Computes the timeout from the estimate, rounded up to the kernel's millisecond tick. @kernel tcp_set_rto() */
export function tcpSetRto(tp: TcpSock): void {
  const rto = (tp.srttUs >> 3) + tp.rttvarUs;
  tp.rtoUs = Math.min(Math.ceil(rto / 1000) * 1000, tp.rtoMaxUs);
}

/** Keeps the least round trip of the last tcp_min_rtt_wlen seconds (a window of one sample). */
export function tcpUpdateRttMin(tp: TcpSock, rttUs: number): void {
  const now = tp.now;
  const window = tp.tn.sysctl(TcpSysctl.tcp_min_rtt_wlen) * NSEC_PER_SEC;
  if (tp.minRttUs < 0 || rttUs <= tp.minRttUs || now - tp.minRttStamp > window) {
    tp.minRttUs = Math.max(1, rttUs);
    tp.minRttStamp = now;
  }
}

/** The least round trip seen, "infinity" before the first. */
export function tcpMinRtt(tp: TcpSock): number {
  return tp.minRttUs < 0 ? 0xffffffff : tp.minRttUs;
}
