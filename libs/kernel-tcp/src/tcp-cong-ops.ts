/**
 * What a congestion control algorithm is to the rest of TCP: a record of functions, as the kernel's tcp_congestion_ops.
 *
 * An algorithm keeps its state in `tp.ca` (made by `newState`) and works on `tp.sndCwnd` and `tp.sndSsthresh`, in segments,
 * with integer arithmetic only. Source: include/net/tcp.h.
 */
import type { TcpSock } from './tcp-sock.js';

/** Events of `cwndEvent`. */
export const CA_EVENT_TX_START = 0;
export const CA_EVENT_CWND_RESTART = 1;
export const CA_EVENT_COMPLETE_CWR = 2;
export const CA_EVENT_LOSS = 3;
/** A segment arrived marked CE, or as ECT without a mark. */
export const CA_EVENT_ECN_IS_CE = 4;
export const CA_EVENT_ECN_NO_CE = 5;

/** What an ACK said about the path: delivery rate (draft-cheng-iccrg-delivery-rate-estimation) and round trip. */
export interface RateSample {
  /** Start of the sampled interval (ns), 0 for none; `delivered` then, and what was delivered since (-1: no sample). */
  priorMstamp: number;
  priorDelivered: number;
  delivered: number;
  intervalUs: number;
  sndIntervalUs: number;
  rcvIntervalUs: number;
  rttUs: number;
  losses: number;
  ackedSacked: number;
  priorInFlight: number;
  lastEndSeq: number;
  isAppLimited: boolean;
  isRetrans: boolean;
  isAckDelayed: boolean;
}

export interface TcpCongestionOps {
  readonly name: string;
  /** All its packets are sent as ECT, and it hears of each mark. @kernel TCP_CONG_NEEDS_ECN */
  readonly needsEcn?: boolean;
  /** The state of one socket, made when the algorithm is chosen (a SYN may be lost before `init`). */
  newState?(): object;
  /** The connection is up. */
  init?(tp: TcpSock): void;
  release?(tp: TcpSock): void;
  /** The slow start threshold after a loss. */
  ssthresh(tp: TcpSock): number;
  /** Grows the window by what was acknowledged. `ack` is the sequence number, `acked` segments. */
  congAvoid?(tp: TcpSock, ack: number, acked: number): void;
  /** Before the congestion state changes. */
  setState?(tp: TcpSock, newState: number): void;
  cwndEvent?(tp: TcpSock, event: number): void;
  /** An ACK, before anything is taken off the retransmit queue but with `sndUna` moved. */
  inAckEvent?(tp: TcpSock, echo: boolean): void;
  /** Segments acknowledged, with the round trip of the last of them in µs, negative when unknown. */
  pktsAcked?(tp: TcpSock, ackedSegs: number, rttUs: number, inFlight: number): void;
  /** The window to return to after a reduction that proved wrong. */
  undoCwnd(tp: TcpSock): number;
  /** Takes over window and pacing altogether (instead of `congAvoid` and the reduction of recovery). */
  congControl?(tp: TcpSock, ack: number, flag: number, rs: RateSample): void;
  /** The least number of segments of a super-packet; tcp_min_tso_segs when absent. */
  minTsoSegs?(tp: TcpSock): number;
  /** Window multiples that the send buffer must hold; 2 when absent. */
  sndbufExpand?(tp: TcpSock): number;
  /** Numbers that `ss -i` prints. */
  info?(tp: TcpSock): Readonly<Record<string, number>>;
}
