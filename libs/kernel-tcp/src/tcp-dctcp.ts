/**
 * DCTCP: reduces in proportion to how many segments were marked, not by half at the first mark; for networks whose switches
 * mark at short queues. Needs ECN; where the handshake did not bring it the connection runs as reno.
 *
 *   α ← (1 - g)·α + g·F      F = marked share of the last window, g = 1/16, α in 1024ths
 *   cwnd ← cwnd · (1 - α/2)
 *
 * Sources: RFC 8257, net/ipv4/tcp_dctcp.c, tcp_dctcp.h. Windows in segments.
 */
import { seqBefore } from '@netloom/base';
import { reno } from './tcp-reno.js';
import {
  CA_EVENT_ECN_IS_CE,
  CA_EVENT_ECN_NO_CE,
  CA_EVENT_LOSS,
  type TcpCongestionOps,
} from './tcp-cong-ops.js';
import {
  ICSK_ACK_NOW,
  ICSK_ACK_TIMER,
  TCP_CA_RECOVERY,
  TCP_CLOSE,
  TCP_LISTEN,
} from './tcp-const.js';
import { TCP_ECN_DEMAND_CWR, TCP_ECN_OK } from './tcp-ecn.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpSendAckOf } from './tcp-transmit.js';

const DCTCP_MAX_ALPHA = 1024;
/** g = 1/16. */
const DCTCP_SHIFT_G = 4;

class Dctcp {
  /** False where the peer does not speak ECN: reno's window then. */
  enabled = false;
  oldDelivered = 0;
  oldDeliveredCe = 0;
  priorRcvNxt = 0;
  alpha = DCTCP_MAX_ALPHA;
  nextSeq = 0;
  /** The last segment received was marked. */
  ceState = false;
  lossCwnd = 0;
}

function ca(tp: TcpSock): Dctcp {
  return tp.ca as Dctcp;
}

function reset(tp: TcpSock, c: Dctcp): void {
  c.nextSeq = tp.sndNxt;
  c.oldDelivered = tp.delivered;
  c.oldDeliveredCe = tp.deliveredCe;
}

function reactToLoss(tp: TcpSock, c: Dctcp): void {
  c.lossCwnd = tp.sndCwnd;
  tp.sndSsthresh = Math.max(tp.sndCwnd >> 1, 2);
}

function setEcho(tp: TcpSock, on: boolean): void {
  if (on) tp.ecnFlags |= TCP_ECN_DEMAND_CWR;
  else tp.ecnFlags &= ~TCP_ECN_DEMAND_CWR;
}

/** Marks began or ended: what is acknowledged so far goes with the old state. @kernel dctcp_ece_ack_update(), RFC 8257 §3.2 */
function ceChanged(tp: TcpSock, c: Dctcp, marked: boolean): void {
  if (c.ceState !== marked) {
    if ((tp.ackPending & ICSK_ACK_TIMER) !== 0) {
      setEcho(tp, c.ceState);
      tcpSendAckOf(tp, c.priorRcvNxt);
    }
    tp.ackPending |= ICSK_ACK_NOW;
  }
  c.priorRcvNxt = tp.rcvNxt;
  c.ceState = marked;
  setEcho(tp, marked);
}

export const dctcp: TcpCongestionOps = {
  name: 'dctcp',
  needsEcn: true,
  newState() {
    return new Dctcp();
  },
  init(tp) {
    const c = ca(tp);
    c.enabled =
      (tp.ecnFlags & TCP_ECN_OK) !== 0 || tp.state === TCP_LISTEN || tp.state === TCP_CLOSE;
    if (!c.enabled) {
      tp.tos &= ~3;
      return;
    }
    c.priorRcvNxt = tp.rcvNxt;
    c.alpha = DCTCP_MAX_ALPHA;
    c.lossCwnd = 0;
    c.ceState = false;
    reset(tp, c);
  },
  ssthresh(tp) {
    const c = ca(tp);
    if (!c.enabled) return reno.ssthresh(tp);
    c.lossCwnd = tp.sndCwnd;
    return Math.max(tp.sndCwnd - Math.floor((tp.sndCwnd * c.alpha) / 2048), 2);
  },
  congAvoid(tp, ack, acked) {
    reno.congAvoid?.(tp, ack, acked);
  },
  inAckEvent(tp) {
    const c = ca(tp);
    if (!c.enabled || seqBefore(tp.sndUna, c.nextSeq)) return;
    // One window has passed.
    const delivered = tp.delivered - c.oldDelivered;
    const marked = tp.deliveredCe - c.oldDeliveredCe;
    let alpha = c.alpha;
    const decay = alpha >> DCTCP_SHIFT_G;
    alpha -= decay === 0 ? alpha : decay;
    if (marked > 0) {
      const share = Math.floor((marked << (10 - DCTCP_SHIFT_G)) / Math.max(1, delivered));
      alpha = Math.min(alpha + share, DCTCP_MAX_ALPHA);
    }
    c.alpha = alpha;
    reset(tp, c);
  },
  setState(tp, state) {
    const c = ca(tp);
    if (c.enabled && state === TCP_CA_RECOVERY && state !== tp.caState) reactToLoss(tp, c);
  },
  cwndEvent(tp, event) {
    const c = ca(tp);
    if (!c.enabled) return;
    if (event === CA_EVENT_ECN_IS_CE || event === CA_EVENT_ECN_NO_CE)
      ceChanged(tp, c, event === CA_EVENT_ECN_IS_CE);
    else if (event === CA_EVENT_LOSS) reactToLoss(tp, c);
  },
  undoCwnd(tp) {
    const c = ca(tp);
    return c.enabled ? Math.max(tp.sndCwnd, c.lossCwnd) : reno.undoCwnd(tp);
  },
  info(tp): Readonly<Record<string, number>> {
    const c = ca(tp);
    if (!c.enabled) return { enabled: 0 };
    return {
      enabled: 1,
      ce_state: Number(c.ceState),
      alpha: c.alpha,
      ab_ecn: tp.mssCache * (tp.deliveredCe - c.oldDeliveredCe),
      ab_tot: tp.mssCache * (tp.delivered - c.oldDelivered),
    };
  },
};
