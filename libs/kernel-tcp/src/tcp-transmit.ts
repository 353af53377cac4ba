/**
 * One segment on its way to IP: header, options, checksum, accounting. Everything a socket sends passes here.
 * tcp-output, tcp-retransmit, tcp-timer → tcpTransmitSkb → tcp-af → IP.
 *
 * A queued segment keeps its payload with headroom in front; what is sent is a clone on the same bytes, whose headers go
 * into that headroom. Where an earlier clone is still under way its headers are there, so a copy is sent instead.
 * Sources: net/ipv4/tcp_output.c tcp_transmit_skb(), tcp_send_ack(); RFC 9293 §3.1.
 */
import { Errno } from '@netloom/base';
import { tcpAccecnSend } from './tcp-accecn.js';
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  Mib,
  mibAdd,
  skbPush,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  csumPartial,
  TCP_HLEN,
  TCPHDR_ACK,
  TCPHDR_PSH,
  TCPHDR_RST,
  TCPHDR_SYN,
  TCPHDR_URG,
  type PacketMemory,
} from '@netloom/wire';
import { tcpCaTxStart } from './tcp-cong.js';
import {
  MAX_TCP_HEADER,
  NSEC_PER_SEC,
  TCP_ATO_MIN,
  TCP_CLOSE,
  TCP_DELACK_MAX,
  ICSK_ACK_SCHED,
  ICSK_ACK_TIMER,
  TCPF_CLOSE_WAIT,
  TCPF_CLOSING,
  TCPF_ESTABLISHED,
  TCPF_FIN_WAIT1,
  TCPF_LAST_ACK,
  TCP_MAX_QUICKACKS,
} from './tcp-const.js';
import { tcpEnterCwr, tcpPacketsInFlight } from './tcp-cwnd.js';
import { TCP_ECN_OK, tcpEcnSend } from './tcp-ecn.js';
import { TcpSysctl } from './tcp-net.js';
import {
  tcpEstablishedOptionsSize,
  tcpEstablishedOptionsWrite,
  tcpSynOptionsSize,
  tcpSynOptionsWrite,
  tcpTimestampMs,
  type SynOptions,
} from './tcp-options.js';
import { tcpPacingCharge } from './tcp-pacing.js';
import { tcpRateSkbSent } from './tcp-rate.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpTxMarksSent } from './tcp-tx-marks.js';
import { tcpUrgPointer } from './tcp-urg.js';
import { tcpSelectWindow } from './tcp-window.js';
import { tcpClearDelack, tcpSetDelack } from './tcp-xmit-timer.js';
import { tcpAdvmss } from './tcp-mss.js';

const ENOBUFS = -Errno.ENOBUFS;

/** An empty segment with room for all headers; null without memory. */
export function tcpAllocSkb(tp: TcpSock, size: number): SkBuff | null {
  return tp.net.kernel.pool.alloc(size, MAX_TCP_HEADER);
}

/** Makes `skb` a segment without data. @kernel tcp_init_nondata_skb() */
export function tcpInitNondataSkb(skb: SkBuff, seq: number, flags: number): void {
  skb.cbFlags = flags;
  skb.cbSacked = 0;
  skb.gsoSegs = 1;
  skb.csum = 0;
  skb.cbSeq = seq;
  skb.cbEndSeq = (flags & 3) !== 0 ? (seq + 1) >>> 0 : seq; // SYN and FIN take a number
}

/** Counts a clone out of the host's queues and lets a throttled socket go on. @kernel tcp_wfree() */
function tcpWfree(skb: SkBuff): void {
  const tp = skb.sk as TcpSock;
  tp.wmemAlloc -= skb.truesize;
  if (tp.tsqThrottled && !tp.tsqQueued) {
    tp.tsqQueued = true;
    tp.engine.at(tp.engine.now, tcpTsqEvent, tp);
  }
}

/** A throttled socket may send again. @kernel tcp_tasklet_func() */
function tcpTsqEvent(tp: TcpSock): void {
  tp.tsqQueued = false;
  if (!tp.tsqThrottled) return;
  tp.tsqThrottled = false;
  const sending =
    TCPF_ESTABLISHED | TCPF_FIN_WAIT1 | TCPF_CLOSING | TCPF_CLOSE_WAIT | TCPF_LAST_ACK;
  if (((1 << tp.state) & sending) !== 0) tp.onTsq();
}

/** The options of our SYN. @kernel tcp_syn_options() */
function tcpSynOptions(tp: TcpSock, tsval: number): SynOptions {
  const dst = tp.dst;
  const fo = tp.tfo === null ? null : tp.tfo.req;
  if (tp.tfo !== null && fo !== null && fo.cookie !== null) {
    tp.tfo.synFastopen = true;
    tp.tfo.synFastopenExp = fo.exp;
  }
  return {
    mss: dst === null ? tp.advmss : tcpAdvmss(dst, tp.af, tp.rxOpt.userMss),
    tstampOk: tp.tn.sysctl(TcpSysctl.tcp_timestamps) !== 0,
    tsval,
    tsecr: tp.rxOpt.tsRecent,
    sackOk: tp.tn.sysctl(TcpSysctl.tcp_sack) !== 0,
    wscaleOk: tp.tn.sysctl(TcpSysctl.tcp_window_scaling) !== 0,
    wscale: tp.rxOpt.rcvWscale,
    foCookie: fo?.cookie ?? null,
    foExp: fo?.exp ?? false,
    accecn: false,
  };
}

/** Writes the fixed 20 bytes but for the checksum. `skb.data` is at the header. */
export function tcpWriteHeader(
  m: PacketMemory,
  skb: SkBuff,
  sport: number,
  dport: number,
  seq: number,
  ack: number,
  headerSize: number,
  flags: number,
  window: number,
): void {
  const o = skb.data;
  const dv = m.dv;
  dv.setUint16(o, sport);
  dv.setUint16(o + 2, dport);
  dv.setUint32(o + 4, seq);
  dv.setUint32(o + 8, ack);
  dv.setUint16(o + 12, (headerSize << 10) | flags);
  dv.setUint16(o + 14, window);
  dv.setUint32(o + 16, 0);
  skb.transportHeader = o;
}

/**
 * Completes a segment's checksum from the sum of its pseudo-header, or leaves it to the device (`partial`) with that sum
 * in its place. @kernel __tcp_v4_send_check()
 */
export function tcpSendCheck(m: PacketMemory, skb: SkBuff, pseudo: number, partial: boolean): void {
  const o = skb.data;
  if (partial) {
    m.dv.setUint16(o + 16, pseudo);
    skb.ipSummed = CHECKSUM_PARTIAL;
    skb.csumStart = o;
    skb.csumOffset = 16;
  } else {
    m.dv.setUint16(o + 16, ~csumPartial(m, o, skb.len, pseudo) & 0xffff);
    skb.ipSummed = CHECKSUM_NONE;
  }
}

/**
 * Sends a segment. With `cloneIt` the segment stays queued with its caller, else it is consumed.
 * @returns 0, or a negative errno when it did not leave. @kernel tcp_transmit_skb()
 */
export function tcpTransmitSkb(tp: TcpSock, skb: SkBuff, cloneIt: boolean): number {
  const now = tp.engine.now;
  const m = skb.mem;
  let out = skb;
  if (cloneIt) {
    // Distinct for each transmission, so that RACK can tell which of two at one instant came first.
    skb.cbTime = tp.wstamp = now > tp.wstamp ? now : tp.wstamp + 1;
    if (m.shared(skb.slot)) {
      const copy = skb.pool.copy(skb, MAX_TCP_HEADER);
      if (copy === null) return ENOBUFS;
      out = copy;
    } else {
      out = skb.pool.clone(skb);
      out.headOwned = true; // the queued segment has no headers
    }
    out.tstamp = 0;
    out.csum = 0;
  }
  out.cbFlags2 = 0;
  out.cbOptLen = 0;
  let flags = skb.gsoSegs > 1 ? skb.cbFlags | TCPHDR_PSH : skb.cbFlags; // of a super-packet the last segment has it
  const payload = out.len;
  const syn = (flags & TCPHDR_SYN) !== 0;
  if ((tp.ecnFlags & TCP_ECN_OK) !== 0 && !syn) flags |= tcpEcnSend(tp, skb, payload);
  if (tp.accecn !== null && !tp.accecn.pending && !syn) flags = tcpAccecnSend(tp, tp.accecn, flags);
  const tsval = (tcpTimestampMs(now) + tp.tsOffset) >>> 0;
  const synOptions = syn ? tcpSynOptions(tp, tsval) : null;
  const headerSize =
    TCP_HLEN +
    (synOptions !== null ? tcpSynOptionsSize(synOptions) : tcpEstablishedOptionsSize(tp));
  const o = skbPush(out, headerSize);
  const window = syn ? Math.min(tp.rcvWnd, 65535) : tcpSelectWindow(tp);
  tcpWriteHeader(
    m,
    out,
    tp.sport,
    tp.dport,
    skb.cbSeq,
    (flags & TCPHDR_ACK) !== 0 ? tp.rcvNxt : 0,
    headerSize,
    flags,
    window,
  );
  if (tp.urg !== null) setUrgent(tp, m, o, skb.cbSeq);
  if (synOptions !== null) tcpSynOptionsWrite(m, o + TCP_HLEN, synOptions);
  else if (headerSize > TCP_HLEN) tcpEstablishedOptionsWrite(tp, m, o + TCP_HLEN, tsval);
  tcpSendCheck(m, out, tp.af.sockPseudo(tp, out.len), true);

  if ((flags & TCPHDR_ACK) !== 0) tcpEventAckSent(tp);
  const segs = skb.gsoSegs;
  if (payload > 0) {
    tcpEventDataSent(tp, now);
    tp.dataSegsOut += segs;
    tp.bytesSent += payload;
  }
  tp.segsOut += segs;
  if (((skb.cbEndSeq - tp.sndNxt) | 0) > 0 || skb.cbSeq === skb.cbEndSeq)
    mibAdd(tp.net.mib, Mib.TcpOutSegs, segs);
  out.sk = tp;
  if (cloneIt) {
    out.destructor = tcpWfree;
    tp.wmemAlloc += out.truesize;
  }
  let error = tp.af.queueXmit(tp, out);
  if (error === ENOBUFS) {
    tcpEnterCwr(tp); // our own queue is full: congestion at home
  } else if (error > 0) {
    error = 0;
  }
  if (error === 0 && cloneIt) {
    if (tp.paced) tcpPacingCharge(tp, skb);
    tcpRateSkbSent(tp, skb, now);
  }
  if (tp.txMarks !== null && error === 0 && payload > 0)
    tcpTxMarksSent(tp, skb.cbSeq, skb.cbEndSeq);
  return error;
}

/** Points a segment's header at the urgent byte that it or one behind it carries. */
function setUrgent(tp: TcpSock, m: PacketMemory, o: number, seq: number): void {
  const pointer = tcpUrgPointer(tp, seq);
  if (pointer === 0) return;
  m.u8[o + 13] = (m.u8[o + 13] as number) | TCPHDR_URG;
  m.dv.setUint16(o + 18, pointer);
}

/** @kernel tcp_event_data_sent() */
function tcpEventDataSent(tp: TcpSock, now: number): void {
  if (tcpPacketsInFlight(tp) === 0) tcpCaTxStart(tp);
  tp.lsndtime = now;
  // An answer within the delayed-ACK time: an interactive connection.
  if (now - tp.ackLrcvtime < tp.ackAto && tp.ackPingpong < 255) tp.ackPingpong++;
}

/** Whatever carries an ACK settles what we owe. @kernel tcp_event_ack_sent() */
function tcpEventAckSent(tp: TcpSock): void {
  if (tp.compressedAck !== 0) {
    mibAdd(tp.net.mib, Mib.TcpExtTCPAckCompressed, tp.compressedAck);
    tp.compressedAck = 0;
    tp.compressedAckTimer?.cancel();
  }
  if (tp.ackQuick > 0 && (tp.ackPending & ICSK_ACK_SCHED) !== 0) {
    tp.ackQuick--;
    if (tp.ackQuick === 0) tp.ackAto = TCP_ATO_MIN;
  }
  tcpClearDelack(tp);
}

/** Sends an ACK now. @kernel tcp_send_ack() */
export function tcpSendAck(tp: TcpSock): void {
  tcpSendAckOf(tp, tp.rcvNxt);
}

/** Sends an ACK of an earlier moment: DCTCP's of what came before the marks changed. @kernel __tcp_send_ack() */
export function tcpSendAckOf(tp: TcpSock, rcvNxt: number, flags = 0): void {
  if (tp.state === TCP_CLOSE) return;
  const skb = tcpAllocSkb(tp, 0);
  if (skb === null) {
    tp.ackPending |= ICSK_ACK_SCHED | ICSK_ACK_TIMER;
    tp.ackTimeout = tp.now + TCP_DELACK_MAX;
    tcpSetDelack(tp, tp.ackTimeout);
    return;
  }
  tcpInitNondataSkb(skb, tcpAcceptableSeq(tp), TCPHDR_ACK | flags);
  if (rcvNxt === tp.rcvNxt) {
    tcpTransmitSkb(tp, skb, false);
    return;
  }
  const now = tp.rcvNxt;
  tp.rcvNxt = rcvNxt;
  tcpTransmitSkb(tp, skb, false);
  tp.rcvNxt = now;
}

/** The number for a segment without data: not beyond the peer's window. @kernel tcp_acceptable_seq() */
export function tcpAcceptableSeq(tp: TcpSock): number {
  const end = tcpWndEnd(tp);
  const beyond = (tp.sndNxt - end) | 0;
  return beyond <= 0 || (tp.rxOpt.wscaleOk && beyond < 1 << tp.rxOpt.rcvWscale) ? tp.sndNxt : end;
}

/** First sequence number behind the peer's window. */
export function tcpWndEnd(tp: TcpSock): number {
  return (tp.sndUna + tp.sndWnd) >>> 0;
}

/** Resets the connection's other end. @kernel tcp_send_active_reset() */
export function tcpSendActiveReset(tp: TcpSock): void {
  mibAdd(tp.net.mib, Mib.TcpOutRsts, 1);
  const skb = tcpAllocSkb(tp, 0);
  if (skb === null) {
    mibAdd(tp.net.mib, Mib.TcpExtTCPAbortFailed, 1);
    return;
  }
  tcpInitNondataSkb(skb, tcpAcceptableSeq(tp), TCPHDR_ACK | TCPHDR_RST);
  if (tcpTransmitSkb(tp, skb, false) !== 0) mibAdd(tp.net.mib, Mib.TcpExtTCPAbortFailed, 1);
}

/** A segment without new data that makes the peer answer. `urgent` 0: one number back. @kernel tcp_xmit_probe_skb() */
export function tcpXmitProbeSkb(tp: TcpSock, urgent: number, mib: number): number {
  const skb = tcpAllocSkb(tp, 0);
  if (skb === null) return -1;
  tcpInitNondataSkb(skb, (tp.sndUna - (urgent !== 0 ? 0 : 1)) >>> 0, TCPHDR_ACK);
  mibAdd(tp.net.mib, mib, 1);
  return tcpTransmitSkb(tp, skb, false);
}

// ---- when to acknowledge ----

/** @kernel tcp_incr_quickack() */
export function tcpIncrQuickack(tp: TcpSock, max: number): void {
  const quick = Math.floor(tp.rcvWnd / (2 * tp.ackRcvMss));
  const wanted = Math.min(quick === 0 ? 2 : quick, max);
  if (wanted > tp.ackQuick) tp.ackQuick = wanted;
}

/** The next segments are acknowledged at once. @kernel tcp_enter_quickack_mode() */
export function tcpEnterQuickackMode(tp: TcpSock, max = TCP_MAX_QUICKACKS): void {
  tcpIncrQuickack(tp, max);
  tp.ackPingpong = 0;
  tp.ackAto = TCP_ATO_MIN;
}

/** Whether an answer to a segment outside the window would come too soon after the last. @kernel tcp_oow_rate_limited() */
export function tcpOowRateLimited(tp: TcpSock, skb: SkBuff, mib: number): boolean {
  // Data may be an honest retransmission: it is always answered.
  if (skb.cbSeq !== skb.cbEndSeq && (skb.cbFlags & TCPHDR_SYN) === 0) return false;
  const limit = tp.tn.sysctl(TcpSysctl.tcp_invalid_ratelimit) * 1e6;
  if (tp.lastOowAckTime !== 0 && tp.now - tp.lastOowAckTime < limit) {
    mibAdd(tp.net.mib, mib, 1);
    return true;
  }
  tp.lastOowAckTime = Math.max(1, tp.now);
  return false;
}

/** Answers a suspicious segment with our idea of the connection; `flags` are added to the ACK. @kernel tcp_send_challenge_ack(), RFC 5961 */
export function tcpSendChallengeAck(tp: TcpSock, flags = 0): void {
  if (
    tp.lastOowAckTime !== 0 &&
    tp.now - tp.lastOowAckTime < tp.tn.sysctl(TcpSysctl.tcp_invalid_ratelimit) * 1e6
  ) {
    mibAdd(tp.net.mib, Mib.TcpExtTCPACKSkippedChallenge, 1);
    return;
  }
  tp.lastOowAckTime = Math.max(1, tp.now);
  const second = Math.floor(tp.now / NSEC_PER_SEC);
  const tn = tp.tn;
  if (second !== tn.challengeStamp) {
    tn.challengeStamp = second;
    tn.challengeCount = 0;
  }
  if (tn.challengeCount >= tn.sysctl(TcpSysctl.tcp_challenge_ack_limit)) return;
  tn.challengeCount++;
  mibAdd(tp.net.mib, Mib.TcpExtTCPChallengeACK, 1);
  tcpSendAckOf(tp, tp.rcvNxt, flags);
}
