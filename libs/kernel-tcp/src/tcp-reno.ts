/**
 * Reno: half the window at a loss, one segment more each round trip (RFC 5681). Source: net/ipv4/tcp_cong.c.
 */
import { tcpCongAvoidAi, tcpInSlowStart, tcpIsCwndLimited, tcpSlowStart } from './tcp-cong-lib.js';
import type { TcpCongestionOps } from './tcp-cong-ops.js';

export const reno: TcpCongestionOps = {
  name: 'reno',
  ssthresh(tp) {
    return Math.max(tp.sndCwnd >> 1, 2);
  },
  congAvoid(tp, _ack, acked) {
    if (!tcpIsCwndLimited(tp)) return;
    let left = acked;
    if (tcpInSlowStart(tp)) {
      left = tcpSlowStart(tp, left);
      if (left === 0) return;
    }
    tcpCongAvoidAi(tp, tp.sndCwnd, left);
  },
  undoCwnd(tp) {
    return Math.max(tp.sndCwnd, tp.priorCwnd);
  },
};
