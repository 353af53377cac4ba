/**
 * CUBIC (RFC 9438): the window follows W(t) = C·(t − K)³ + Wmax after a loss, with a Reno-friendly lower bound and HyStart
 * to leave slow start before the queue overflows (Ha and Rhee, "Taming the elephants").
 *
 * Source: net/ipv4/tcp_cubic.c with its parameters: β = 717/1024, C = 410/1024, time in units of 1/1024 s.
 * Only integers are used, and no product passes 2^53. The cube root is a table of
 * 64 starting points and one Newton step, as in the kernel, here computed from the table's definition.
 */
import { seqAfter, WIDE_ZERO } from '@netloom/base';
import { Mib, mibAdd } from '@netloom/kernel-core';
import { tcpCongAvoidAi, tcpInSlowStart, tcpIsCwndLimited, tcpSlowStart } from './tcp-cong-lib.js';
import { CA_EVENT_TX_START, type TcpCongestionOps } from './tcp-cong-ops.js';
import { TCP_CA_LOSS } from './tcp-const.js';
import type { TcpSock } from './tcp-sock.js';

const BICTCP_HZ = 10;
const BETA_SCALE = 1024;
const BETA = 717;
const BIC_SCALE = 41;
const CUBE_RTT_SCALE = BIC_SCALE * 10;
/** Eight times (1 + β) / 3(1 − β): segments acknowledged for one segment of growth by Reno with this β. */
const BETA_FACTOR = Math.floor((8 * (BETA_SCALE + BETA)) / 3 / (BETA_SCALE - BETA));
const CUBE_FACTOR = Math.floor(2 ** (10 + 3 * BICTCP_HZ) / (BIC_SCALE * 10));
const TICK_NS = 1_000_000;
const MSEC_US = 1000;

/** HyStart. */
const HYSTART_LOW_WINDOW = 16;
const HYSTART_ACK_DELTA_US = 2000;
const HYSTART_MIN_SAMPLES = 8;
const HYSTART_DELAY_MIN_US = 4000;
const HYSTART_DELAY_MAX_US = 16000;

class BicTcp {
  cnt = 0;
  lastMaxCwnd = 0;
  lastCwnd = 0;
  lastTime = WIDE_ZERO;
  bicOriginPoint = 0;
  bicK = 0;
  delayMinUs = 0;
  epochStart = WIDE_ZERO;
  ackCnt = 0;
  tcpCwnd = 0;
  sampleCnt = 0;
  found = false;
  roundStart = WIDE_ZERO;
  endSeq = WIDE_ZERO;
  lastAck = WIDE_ZERO;
  currRttUs = 0;
}

/** 64-entry table: starting points of the cube root, index x: round(64·cbrt(x)) for 0 ≤ x < 64. */
const ROOTS: Uint8Array = new Uint8Array(64);
for (let x = 0; x < 64; x++) {
  let r = 0;
  while ((2 * r + 1) ** 3 <= 8 * x * 64 ** 3) r++; // r − ½ < 64·cbrt(x): integers only
  ROOTS[x] = Math.min(r, 255);
}

/** Cube root of a non-negative integer below 2^53, to within 0.2 %. @kernel cubic_root() */
export function cubicRoot(a: number): number {
  if (a < 64) return ((ROOTS[a] as number) + 35) >>> 6;
  let bits = 0;
  for (let v = a; v >= 1; v = Math.floor(v / 2)) bits++;
  const b = Math.floor((bits * 84) / 256) - 1; // about (bits − 1) / 3
  const index = Math.floor(a / 2 ** (b * 3));
  let x = Math.floor((((ROOTS[Math.min(index, 63)] as number) + 10) * 2 ** b) / 64);
  x = 2 * x + Math.floor(a / (x * (x - 1)));
  return Math.floor((x * 341) / 1024);
}

function ca(tp: TcpSock): BicTcp {
  return tp.ca as BicTcp;
}

function bictcpReset(c: BicTcp): void {
  c.cnt = 0;
  c.lastMaxCwnd = 0;
  c.lastCwnd = 0;
  c.lastTime = 0;
  c.bicOriginPoint = 0;
  c.bicK = 0;
  c.delayMinUs = 0;
  c.epochStart = 0;
  c.ackCnt = 0;
  c.tcpCwnd = 0;
  c.found = false;
}

function clockUs(tp: TcpSock): number {
  return Math.floor(tp.now / 1000);
}

function hystartReset(tp: TcpSock): void {
  const c = ca(tp);
  c.roundStart = c.lastAck = clockUs(tp);
  c.endSeq = tp.sndNxt;
  c.currRttUs = 0xffffffff;
  c.sampleCnt = 0;
}

/** Sets `cnt`: how many segments must be acknowledged for one segment of growth. @kernel bictcp_update() */
function bictcpUpdate(tp: TcpSock, c: BicTcp, cwnd: number, acked: number): void {
  const now = Math.floor(tp.now / TICK_NS); // jiffies of 1 ms
  c.ackCnt += acked;
  if (c.lastCwnd === cwnd && now - c.lastTime <= 31) return; // HZ / 32
  if (c.epochStart !== 0 && now === c.lastTime) {
    tcpFriendliness(c, cwnd);
    return;
  }
  c.lastCwnd = cwnd;
  c.lastTime = now;
  if (c.epochStart === 0) {
    c.epochStart = Math.max(now, 1);
    c.ackCnt = acked;
    c.tcpCwnd = cwnd;
    if (c.lastMaxCwnd <= cwnd) {
      c.bicK = 0;
      c.bicOriginPoint = cwnd;
    } else {
      c.bicK = cubicRoot(CUBE_FACTOR * (c.lastMaxCwnd - cwnd));
      c.bicOriginPoint = c.lastMaxCwnd;
    }
  }
  // Time since the epoch's start, one round trip ahead, in 1/1024 s.
  const t = Math.floor(
    ((now - c.epochStart + Math.floor(c.delayMinUs / MSEC_US)) * 2 ** BICTCP_HZ) / 1000,
  );
  const offset = Math.min(Math.abs(c.bicK - t), 65535); // beyond a minute the window is as good as unbounded
  // CUBE_RTT_SCALE · offset³ / 2^40 in two steps, so that no product passes 2^53.
  const delta = Math.floor(
    (CUBE_RTT_SCALE * Math.floor((offset * offset * offset) / 2 ** BICTCP_HZ)) /
      2 ** (3 * BICTCP_HZ),
  );
  const target = t < c.bicK ? c.bicOriginPoint - delta : c.bicOriginPoint + delta;
  c.cnt = target > cwnd ? Math.floor(cwnd / (target - cwnd)) : 100 * cwnd;
  if (c.lastMaxCwnd === 0 && c.cnt > 20) c.cnt = 20; // no loss yet: at least 5 % a round trip
  tcpFriendliness(c, cwnd);
}

/** Never slower than Reno would be. */
function tcpFriendliness(c: BicTcp, cwnd: number): void {
  const delta = (cwnd * BETA_FACTOR) >> 3;
  if (delta > 0 && c.ackCnt > delta) {
    const steps = Math.floor((c.ackCnt - 1) / delta);
    c.ackCnt -= steps * delta;
    c.tcpCwnd += steps;
  }
  if (c.tcpCwnd > cwnd) {
    const max = Math.floor(cwnd / (c.tcpCwnd - cwnd));
    if (c.cnt > max) c.cnt = max;
  }
  c.cnt = Math.max(c.cnt, 2); // at most 1.5 times the window a round trip
}

/** Leaves slow start when ACK trains get as long as the path, or round trips grow. @kernel hystart_update() */
function hystartUpdate(tp: TcpSock, c: BicTcp, delayUs: number): void {
  const mib = tp.net.mib;
  if (seqAfter(tp.sndUna, c.endSeq)) hystartReset(tp);
  const now = clockUs(tp);
  if (now - c.lastAck <= HYSTART_ACK_DELTA_US) {
    c.lastAck = now;
    // An unpaced sender's train is as long as its burst: half the path is enough to tell.
    if (now - c.roundStart > (c.delayMinUs + hystartAckDelay(tp)) >> 1) {
      c.found = true;
      mibAdd(mib, Mib.TcpExtTCPHystartTrainDetect, 1);
      mibAdd(mib, Mib.TcpExtTCPHystartTrainCwnd, tp.sndCwnd);
      tp.sndSsthresh = tp.sndCwnd;
    }
  }
  if (c.currRttUs > delayUs) c.currRttUs = delayUs;
  if (c.sampleCnt < HYSTART_MIN_SAMPLES) {
    c.sampleCnt++;
  } else {
    const threshold = Math.min(
      Math.max(c.delayMinUs >> 3, HYSTART_DELAY_MIN_US),
      HYSTART_DELAY_MAX_US,
    );
    if (c.currRttUs > c.delayMinUs + threshold) {
      c.found = true;
      mibAdd(mib, Mib.TcpExtTCPHystartDelayDetect, 1);
      mibAdd(mib, Mib.TcpExtTCPHystartDelayCwnd, tp.sndCwnd);
      tp.sndSsthresh = tp.sndCwnd;
    }
  }
}

/** How long a super-packet's ACK may be held back by the sender's own batching: 64 KiB at the pacing rate, ≤ 1 ms. */
function hystartAckDelay(tp: TcpSock): number {
  return tp.pacingRate <= 0 ? 0 : Math.min(1000, Math.floor((65536 * 4 * 1e6) / tp.pacingRate));
}

export const cubic: TcpCongestionOps = {
  name: 'cubic',
  newState() {
    return new BicTcp();
  },
  init(tp) {
    bictcpReset(ca(tp));
    hystartReset(tp);
  },
  ssthresh(tp) {
    const c = ca(tp);
    c.epochStart = 0;
    // Fast convergence: a flow that lost before it reached its old peak makes room for others.
    c.lastMaxCwnd =
      tp.sndCwnd < c.lastMaxCwnd
        ? Math.floor((tp.sndCwnd * (BETA_SCALE + BETA)) / (2 * BETA_SCALE))
        : tp.sndCwnd;
    return Math.max(Math.floor((tp.sndCwnd * BETA) / BETA_SCALE), 2);
  },
  congAvoid(tp, _ack, acked) {
    if (!tcpIsCwndLimited(tp)) return;
    let left = acked;
    if (tcpInSlowStart(tp)) {
      left = tcpSlowStart(tp, left);
      if (left === 0) return;
    }
    const c = ca(tp);
    bictcpUpdate(tp, c, tp.sndCwnd, left);
    tcpCongAvoidAi(tp, c.cnt, left);
  },
  setState(tp, state) {
    if (state !== TCP_CA_LOSS) return;
    bictcpReset(ca(tp));
    hystartReset(tp);
  },
  cwndEvent(tp, event) {
    if (event !== CA_EVENT_TX_START) return;
    const c = ca(tp);
    const idle = Math.floor((tp.now - tp.lsndtime) / TICK_NS);
    if (c.epochStart === 0 || idle <= 0) return;
    // Time in which nothing was sent does not count as growth.
    c.epochStart = Math.min(c.epochStart + idle, Math.floor(tp.now / TICK_NS));
  },
  pktsAcked(tp, _acked, rttUs) {
    if (rttUs < 0) return;
    const c = ca(tp);
    if (c.epochStart !== 0 && Math.floor(tp.now / TICK_NS) - c.epochStart < 1000) return; // just after a loss: queues are settling
    const delay = Math.max(1, rttUs);
    if (c.delayMinUs === 0 || c.delayMinUs > delay) c.delayMinUs = delay;
    if (!c.found && tcpInSlowStart(tp) && tp.sndCwnd >= HYSTART_LOW_WINDOW)
      hystartUpdate(tp, c, delay);
  },
  undoCwnd(tp) {
    return Math.max(tp.sndCwnd, tp.priorCwnd);
  },
};
