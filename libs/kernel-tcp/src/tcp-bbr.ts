/**
 * BBR, version 1: sends at the rate at which the path delivers, and keeps no more under way than that rate fills.
 *
 *   STARTUP ──rate grows no more──▶ DRAIN ──queue gone──▶ PROBE_BW (eight phases of a round trip: 5/4, 3/4, six of 1)
 *      any ──round trip not measured anew for 10 s──▶ PROBE_RTT (four segments for 200 ms) ──▶ where it came from
 *
 * The model is two windowed extremes: the largest delivery rate of ten round trips, the smallest round trip of ten seconds.
 * Sources: draft-cardwell-iccrg-bbr-congestion-control-00, net/ipv4/tcp_bbr.c. Units: rates in segments per µs, in 2^24ths;
 * gains in 256ths; stamps in nanoseconds.
 */
import { seqBefore } from '@netloom/base';
import { CA_EVENT_TX_START, type RateSample, type TcpCongestionOps } from './tcp-cong-ops.js';
import {
  NSEC_PER_MSEC,
  NSEC_PER_SEC,
  TCP_CA_LOSS,
  TCP_CA_OPEN,
  TCP_CA_RECOVERY,
  TCP_INFINITE_SSTHRESH,
  TCP_INIT_CWND,
} from './tcp-const.js';
import { tcpPacketsInFlight } from './tcp-cwnd.js';
import { tcpMinRtt } from './tcp-rtt.js';
import type { TcpSock } from './tcp-sock.js';
import { WindowedMax } from './windowed-max.js';

const BW_UNIT = 2 ** 24;
const UNIT = 256;

const STARTUP = 0;
const DRAIN = 1;
const PROBE_BW = 2;
const PROBE_RTT = 3;

/** 2/ln 2: the least that doubles the rate each round trip; and its inverse. */
const HIGH_GAIN = Math.floor((UNIT * 2885) / 1000) + 1;
const DRAIN_GAIN = Math.floor((UNIT * 1000) / 2885);
const CWND_GAIN = UNIT * 2;
const CYCLE = [(UNIT * 5) / 4, (UNIT * 3) / 4, UNIT, UNIT, UNIT, UNIT, UNIT, UNIT] as const;
/** One phase of them is never the first: which is left to chance. */
const CYCLE_RAND = 7;
const BW_RTTS = CYCLE.length + 2;
const MIN_RTT_WINDOW = 10 * NSEC_PER_SEC;
const PROBE_RTT_TIME = 200 * NSEC_PER_MSEC;
const MIN_CWND = 4;
/** Percent by which the pace stays below the rate. */
const PACING_MARGIN = 1;
/** Bits a second below which single segments are sent. */
const MIN_TSO_RATE = 1_200_000;
/** A pipe is full when three rounds do not bring a quarter more. */
const FULL_BW_THRESH = (UNIT * 5) / 4;
const FULL_BW_COUNT = 3;
/** A token bucket on the way: sampling intervals (rounds), loss share, tolerance, rounds for which its rate is used. */
const LT_MIN_RTTS = 4;
const LT_LOSS_THRESH = 50;
const LT_BW_RATIO = UNIT / 8;
const LT_BW_DIFF = 4000 / 8;
const LT_BW_MAX_RTTS = 48;
/** ACKs that come in heaps: rounds of the window, its extent (µs), most segments of an epoch. */
const EXTRA_ACKED_RTTS = 5;
const EXTRA_ACKED_MAX_US = 100_000;
const ACK_EPOCH_RESET = 1 << 20;

class Bbr {
  mode = STARTUP;
  pacingGain = HIGH_GAIN;
  cwndGain = HIGH_GAIN;
  readonly bw = new WindowedMax();
  rttCount = 0;
  nextRttDelivered = 0;
  roundStart = false;
  minRttUs = -1;
  minRttStamp = 0;
  probeRttDoneStamp = 0;
  probeRttRoundDone = false;
  cycleIndex = 0;
  cycleStamp = 0;
  fullBw = 0;
  fullBwCount = 0;
  fullBwReached = false;
  idleRestart = false;
  hasSeenRtt = false;
  prevCaState = TCP_CA_OPEN;
  packetConservation = false;
  priorCwnd = 0;
  ltSampling = false;
  ltUse = false;
  ltRttCount = 0;
  ltBw = 0;
  ltLastDelivered = 0;
  ltLastLost = 0;
  ltLastStamp = 0;
  ackEpochStamp = 0;
  ackEpochAcked = 0;
  readonly extraAcked = [0, 0];
  extraAckedRtts = 0;
  extraAckedIndex = 0;
}

function ca(tp: TcpSock): Bbr {
  return tp.ca as Bbr;
}

function bandwidth(b: Bbr): number {
  return b.ltUse ? b.ltBw : b.bw.value;
}

/** Microseconds between two stamps. */
function usBetween(later: number, earlier: number): number {
  return Math.floor((later - earlier) / 1000);
}

// ---- pace ----

/** A rate in bytes of payload a second, times a gain. */
function bytesPerSecond(tp: TcpSock, bw: number, gain: number): number {
  return Math.floor(
    (((bw * tp.mssCache * gain) / UNIT) * 10_000 * (100 - PACING_MARGIN)) / BW_UNIT,
  );
}

function initPacingRate(tp: TcpSock, b: Bbr): void {
  let rttUs = 1000;
  if (tp.srttUs !== 0) {
    rttUs = Math.max(tp.srttUs >> 3, 1);
    b.hasSeenRtt = true;
  }
  tp.pacingRate = bytesPerSecond(tp, Math.floor((tp.sndCwnd * BW_UNIT) / rttUs), HIGH_GAIN);
}

/** @kernel bbr_set_pacing_rate() */
function setPacingRate(tp: TcpSock, b: Bbr, bw: number, gain: number): void {
  const rate = bytesPerSecond(tp, bw, gain);
  if (!b.hasSeenRtt && tp.srttUs !== 0) initPacingRate(tp, b);
  if (b.fullBwReached || rate > tp.pacingRate) tp.pacingRate = rate;
}

function minTsoSegs(tp: TcpSock): number {
  return tp.pacingRate < MIN_TSO_RATE / 8 ? 1 : 2;
}

/** Segments that are sent at once at this pace. @kernel bbr_tso_segs_goal() */
function tsoSegsGoal(tp: TcpSock): number {
  const bytes = Math.min(Math.floor(tp.pacingRate / 1024), 65535 - 320);
  return Math.min(Math.max(Math.floor(bytes / tp.mssCache), minTsoSegs(tp)), 127);
}

// ---- window ----

/** What fills the path, in segments. */
function bdp(b: Bbr, bw: number, gain: number): number {
  if (b.minRttUs < 0) return TCP_INIT_CWND;
  return Math.ceil(Math.floor((bw * b.minRttUs * gain) / UNIT) / BW_UNIT);
}

/** Room for packets that are made in one piece at both ends and for delayed ACKs. @kernel bbr_quantization_budget() */
function quantized(tp: TcpSock, b: Bbr, cwnd: number): number {
  const even = (cwnd + 3 * tsoSegsGoal(tp) + 1) & ~1;
  return b.mode === PROBE_BW && b.cycleIndex === 0 ? even + 2 : even;
}

function inflight(tp: TcpSock, b: Bbr, bw: number, gain: number): number {
  return quantized(tp, b, bdp(b, bw, gain));
}

/** What will be under way when the pace lets the next packet go. @kernel bbr_packets_in_net_at_edt() */
function inNetAtDeparture(tp: TcpSock, b: Bbr, now: number): number {
  const waitUs = Math.max(0, usBetween(tp.wstamp, tp.now));
  const delivered = Math.floor((bandwidth(b) * waitUs) / BW_UNIT);
  const then = b.pacingGain > UNIT ? now + tsoSegsGoal(tp) : now;
  return Math.max(0, then - delivered);
}

function saveCwnd(tp: TcpSock, b: Bbr): void {
  b.priorCwnd =
    b.prevCaState < TCP_CA_RECOVERY && b.mode !== PROBE_RTT
      ? tp.sndCwnd
      : Math.max(b.priorCwnd, tp.sndCwnd);
}

/** Around loss recovery: first one segment out for one in, then the window of before. */
function setCwndInRecovery(tp: TcpSock, b: Bbr, rs: RateSample, acked: number): boolean {
  const before = b.prevCaState;
  const state = tp.caState;
  let cwnd = tp.sndCwnd;
  if (rs.losses > 0) cwnd = Math.max(cwnd - rs.losses, 1);
  if (state === TCP_CA_RECOVERY && before !== TCP_CA_RECOVERY) {
    b.packetConservation = true;
    b.nextRttDelivered = tp.delivered;
    cwnd = tcpPacketsInFlight(tp) + acked;
  } else if (before >= TCP_CA_RECOVERY && state < TCP_CA_RECOVERY) {
    cwnd = Math.max(cwnd, b.priorCwnd);
    b.packetConservation = false;
  }
  b.prevCaState = state;
  tp.sndCwnd = b.packetConservation ? Math.max(cwnd, tcpPacketsInFlight(tp) + acked) : cwnd;
  return b.packetConservation;
}

/** @kernel bbr_set_cwnd() */
function setCwnd(tp: TcpSock, b: Bbr, rs: RateSample, bw: number, gain: number): void {
  const acked = rs.ackedSacked;
  if (acked > 0 && !setCwndInRecovery(tp, b, rs, acked)) {
    let cwnd = tp.sndCwnd;
    const target = quantized(tp, b, bdp(b, bw, gain) + aggregationCwnd(b, bw));
    if (b.fullBwReached) cwnd = Math.min(cwnd + acked, target);
    else if (cwnd < target || tp.delivered < TCP_INIT_CWND) cwnd += acked;
    tp.sndCwnd = Math.max(cwnd, MIN_CWND);
  }
  tp.sndCwnd = Math.min(tp.sndCwnd, tp.sndCwndClamp);
  if (b.mode === PROBE_RTT) tp.sndCwnd = Math.min(tp.sndCwnd, MIN_CWND);
}

/** Segments beyond the path's fill for ACKs that come in heaps. */
function aggregationCwnd(b: Bbr, bw: number): number {
  if (!b.fullBwReached) return 0;
  const most = Math.floor((bw * EXTRA_ACKED_MAX_US) / BW_UNIT);
  return Math.min(Math.max(b.extraAcked[0] as number, b.extraAcked[1] as number), most);
}

// ---- phases ----

function isNextCyclePhase(tp: TcpSock, b: Bbr, rs: RateSample): boolean {
  const full = usBetween(tp.deliveredMstamp, b.cycleStamp) > b.minRttUs;
  if (b.pacingGain === UNIT) return full;
  const now = inNetAtDeparture(tp, b, rs.priorInFlight);
  if (b.pacingGain > UNIT)
    return full && (rs.losses > 0 || now >= inflight(tp, b, b.bw.value, b.pacingGain));
  return full || now <= inflight(tp, b, b.bw.value, UNIT);
}

function advanceCycle(tp: TcpSock, b: Bbr): void {
  b.cycleIndex = (b.cycleIndex + 1) % CYCLE.length;
  b.cycleStamp = tp.deliveredMstamp;
}

function enterProbeBw(tp: TcpSock, b: Bbr): void {
  b.mode = PROBE_BW;
  b.cycleIndex = CYCLE.length - 1 - tp.net.kernel.random('tcp-bbr').below(CYCLE_RAND);
  advanceCycle(tp, b);
}

function leaveProbeRtt(tp: TcpSock, b: Bbr): void {
  if (b.probeRttDoneStamp === 0 || tp.now <= b.probeRttDoneStamp) return;
  b.minRttStamp = tp.now;
  tp.sndCwnd = Math.max(tp.sndCwnd, b.priorCwnd);
  if (b.fullBwReached) enterProbeBw(tp, b);
  else b.mode = STARTUP;
}

// ---- the long-term rate of a token bucket ----

function ltResetInterval(tp: TcpSock, b: Bbr): void {
  b.ltLastStamp = tp.deliveredMstamp;
  b.ltLastDelivered = tp.delivered;
  b.ltLastLost = tp.lost;
  b.ltRttCount = 0;
}

function ltReset(tp: TcpSock, b: Bbr): void {
  b.ltBw = 0;
  b.ltUse = false;
  b.ltSampling = false;
  ltResetInterval(tp, b);
}

/** An interval between losses is over: two alike in a row are a token bucket's. */
function ltIntervalDone(tp: TcpSock, b: Bbr, bw: number): void {
  if (b.ltBw !== 0) {
    const diff = Math.abs(bw - b.ltBw);
    if (diff * UNIT <= LT_BW_RATIO * b.ltBw || bytesPerSecond(tp, diff, UNIT) <= LT_BW_DIFF) {
      b.ltBw = Math.floor((bw + b.ltBw) / 2);
      b.ltUse = true;
      b.pacingGain = UNIT;
      b.ltRttCount = 0;
      return;
    }
  }
  b.ltBw = bw;
  ltResetInterval(tp, b);
}

/** @kernel bbr_lt_bw_sampling() */
function ltSample(tp: TcpSock, b: Bbr, losses: number, appLimited: boolean): void {
  if (b.ltUse) {
    if (b.mode === PROBE_BW && b.roundStart && ++b.ltRttCount >= LT_BW_MAX_RTTS) {
      ltReset(tp, b);
      enterProbeBw(tp, b);
    }
    return;
  }
  if (!b.ltSampling) {
    if (losses === 0) return;
    ltResetInterval(tp, b);
    b.ltSampling = true;
  }
  if (appLimited) {
    ltReset(tp, b);
    return;
  }
  if (b.roundStart) b.ltRttCount++;
  if (b.ltRttCount < LT_MIN_RTTS) return;
  if (b.ltRttCount > 4 * LT_MIN_RTTS) {
    ltReset(tp, b);
    return;
  }
  if (losses === 0) return;
  const lost = tp.lost - b.ltLastLost;
  const delivered = tp.delivered - b.ltLastDelivered;
  if (delivered <= 0 || lost * UNIT < LT_LOSS_THRESH * delivered) return;
  const ms = Math.floor((tp.deliveredMstamp - b.ltLastStamp) / NSEC_PER_MSEC);
  if (ms < 1) return;
  ltIntervalDone(tp, b, Math.floor((delivered * BW_UNIT) / (ms * 1000)));
}

// ---- the model ----

/** @kernel bbr_update_bw() */
function updateBw(tp: TcpSock, b: Bbr, rs: RateSample): void {
  b.roundStart = false;
  if (rs.delivered < 0 || rs.intervalUs <= 0) return;
  if (!seqBefore(rs.priorDelivered, b.nextRttDelivered)) {
    b.nextRttDelivered = tp.delivered;
    b.rttCount++;
    b.roundStart = true;
    b.packetConservation = false;
  }
  ltSample(tp, b, rs.losses, rs.isAppLimited);
  const bw = Math.floor((rs.delivered * BW_UNIT) / rs.intervalUs);
  if (!rs.isAppLimited || bw >= b.bw.value) b.bw.add(BW_RTTS, b.rttCount, bw);
}

/** How many more segments than expected ACKs bring at once. @kernel bbr_update_ack_aggregation() */
function updateAggregation(tp: TcpSock, b: Bbr, rs: RateSample): void {
  if (rs.ackedSacked <= 0 || rs.delivered < 0 || rs.intervalUs <= 0) return;
  if (b.roundStart && ++b.extraAckedRtts >= EXTRA_ACKED_RTTS) {
    b.extraAckedRtts = 0;
    b.extraAckedIndex ^= 1;
    b.extraAcked[b.extraAckedIndex] = 0;
  }
  const epochUs = usBetween(tp.deliveredMstamp, b.ackEpochStamp);
  let expected = Math.floor((bandwidth(b) * epochUs) / BW_UNIT);
  if (b.ackEpochAcked <= expected || b.ackEpochAcked + rs.ackedSacked >= ACK_EPOCH_RESET) {
    b.ackEpochAcked = 0;
    b.ackEpochStamp = tp.deliveredMstamp;
    expected = 0;
  }
  b.ackEpochAcked = Math.min(ACK_EPOCH_RESET - 1, b.ackEpochAcked + rs.ackedSacked);
  const extra = Math.min(b.ackEpochAcked - expected, tp.sndCwnd);
  if (extra > (b.extraAcked[b.extraAckedIndex] as number)) b.extraAcked[b.extraAckedIndex] = extra;
}

function checkFullBw(b: Bbr, rs: RateSample): void {
  if (b.fullBwReached || !b.roundStart || rs.isAppLimited) return;
  if (b.bw.value >= Math.floor((b.fullBw * FULL_BW_THRESH) / UNIT)) {
    b.fullBw = b.bw.value;
    b.fullBwCount = 0;
    return;
  }
  b.fullBwCount++;
  b.fullBwReached = b.fullBwCount >= FULL_BW_COUNT;
}

function checkDrain(tp: TcpSock, b: Bbr): void {
  if (b.mode === STARTUP && b.fullBwReached) {
    b.mode = DRAIN;
    tp.sndSsthresh = inflight(tp, b, b.bw.value, UNIT);
  }
  if (
    b.mode === DRAIN &&
    inNetAtDeparture(tp, b, tcpPacketsInFlight(tp)) <= inflight(tp, b, b.bw.value, UNIT)
  )
    enterProbeBw(tp, b);
}

/** @kernel bbr_update_min_rtt() */
function updateMinRtt(tp: TcpSock, b: Bbr, rs: RateSample): void {
  const expired = tp.now > b.minRttStamp + MIN_RTT_WINDOW;
  if (rs.rttUs >= 0 && (b.minRttUs < 0 || rs.rttUs < b.minRttUs || (expired && !rs.isAckDelayed))) {
    b.minRttUs = rs.rttUs;
    b.minRttStamp = tp.now;
  }
  if (expired && !b.idleRestart && b.mode !== PROBE_RTT) {
    b.mode = PROBE_RTT;
    saveCwnd(tp, b);
    b.probeRttDoneStamp = 0;
  }
  if (b.mode === PROBE_RTT) {
    tp.appLimited = Math.max(1, tp.delivered + tcpPacketsInFlight(tp)); // low rates now say nothing
    if (b.probeRttDoneStamp === 0 && tcpPacketsInFlight(tp) <= MIN_CWND) {
      b.probeRttDoneStamp = tp.now + PROBE_RTT_TIME;
      b.probeRttRoundDone = false;
      b.nextRttDelivered = tp.delivered;
    } else if (b.probeRttDoneStamp !== 0) {
      if (b.roundStart) b.probeRttRoundDone = true;
      if (b.probeRttRoundDone) leaveProbeRtt(tp, b);
    }
  }
  if (rs.delivered > 0) b.idleRestart = false;
}

function updateGains(b: Bbr): void {
  switch (b.mode) {
    case STARTUP:
      b.pacingGain = HIGH_GAIN;
      b.cwndGain = HIGH_GAIN;
      break;
    case DRAIN:
      b.pacingGain = DRAIN_GAIN;
      b.cwndGain = HIGH_GAIN;
      break;
    case PROBE_BW:
      b.pacingGain = b.ltUse ? UNIT : (CYCLE[b.cycleIndex] as number);
      b.cwndGain = CWND_GAIN;
      break;
    default:
      b.pacingGain = UNIT;
      b.cwndGain = UNIT;
  }
}

export const bbr: TcpCongestionOps = {
  name: 'bbr',
  newState() {
    return new Bbr();
  },
  init(tp) {
    const b = (tp.ca = new Bbr());
    tp.sndSsthresh = TCP_INFINITE_SSTHRESH;
    b.nextRttDelivered = tp.delivered;
    b.minRttUs = tcpMinRtt(tp);
    if (b.minRttUs === 0xffffffff) b.minRttUs = -1;
    b.minRttStamp = tp.now;
    b.ackEpochStamp = tp.now;
    ltReset(tp, b);
    initPacingRate(tp, b);
    tp.paced = true;
  },
  congControl(tp, _ack, _flag, rs) {
    const b = ca(tp);
    updateBw(tp, b, rs);
    updateAggregation(tp, b, rs);
    if (b.mode === PROBE_BW && isNextCyclePhase(tp, b, rs)) advanceCycle(tp, b);
    checkFullBw(b, rs);
    checkDrain(tp, b);
    updateMinRtt(tp, b, rs);
    updateGains(b);
    const bw = bandwidth(b);
    setPacingRate(tp, b, bw, b.pacingGain);
    setCwnd(tp, b, rs, bw, b.cwndGain);
  },
  sndbufExpand() {
    return 3;
  },
  minTsoSegs,
  undoCwnd(tp) {
    const b = ca(tp);
    b.fullBw = 0;
    b.fullBwCount = 0;
    ltReset(tp, b);
    return tp.sndCwnd;
  },
  ssthresh(tp) {
    saveCwnd(tp, ca(tp));
    return tp.sndSsthresh;
  },
  cwndEvent(tp, event) {
    const b = ca(tp);
    if (event !== CA_EVENT_TX_START || tp.appLimited === 0) return;
    b.idleRestart = true;
    b.ackEpochStamp = tp.now;
    b.ackEpochAcked = 0;
    if (b.mode === PROBE_BW) setPacingRate(tp, b, bandwidth(b), UNIT);
    else if (b.mode === PROBE_RTT) leaveProbeRtt(tp, b);
  },
  setState(tp, state) {
    if (state !== TCP_CA_LOSS) return;
    const b = ca(tp);
    b.prevCaState = TCP_CA_LOSS;
    b.fullBw = 0;
    b.roundStart = true;
    ltSample(tp, b, 1, false);
  },
  info(tp) {
    const b = ca(tp);
    return {
      bw: Math.floor((bandwidth(b) * tp.mssCache * 1e6) / BW_UNIT) * 8,
      mrtt: (b.minRttUs < 0 ? 0xffffffff : b.minRttUs) / 1000,
      pacing_gain: b.pacingGain / UNIT,
      cwnd_gain: b.cwndGain / UNIT,
    };
  },
};
