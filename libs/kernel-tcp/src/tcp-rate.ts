/**
 * Delivery rate estimation (draft-cheng-iccrg-delivery-rate-estimation): each segment remembers how much had been
 * delivered when it left; its acknowledgement then yields a rate. Source: net/ipv4/tcp_rate.c.
 *
 * Kept in a queued segment: cbAck = segments delivered when sent, csum = when that was, tstamp = when the first of its
 * flight was sent (both ns), cbFlags2 bit 0 = sent while the application had nothing more.
 */
import type { SkBuff } from '@netloom/kernel-core';
import { tcpMinRtt } from './tcp-rtt.js';
import type { TcpSock } from './tcp-sock.js';

const TX_APP_LIMITED = 1;

/** Notes what was delivered when `skb` is sent. @kernel tcp_rate_skb_sent() */
export function tcpRateSkbSent(tp: TcpSock, skb: SkBuff, now: number): void {
  if (tp.packetsOut === 0) {
    tp.firstTxMstamp = now;
    tp.deliveredMstamp = Math.max(1, now); // 0 means: no sample
  }
  skb.tstamp = tp.firstTxMstamp;
  skb.csum = tp.deliveredMstamp;
  skb.cbAck = tp.delivered;
  skb.cbFlags2 = (skb.cbFlags2 & ~TX_APP_LIMITED) | (tp.appLimited !== 0 ? TX_APP_LIMITED : 0);
}

/** A segment was acknowledged or sacked: the last one sent makes the sample. @kernel tcp_rate_skb_delivered() */
export function tcpRateSkbDelivered(tp: TcpSock, skb: SkBuff, retransmitted: boolean): void {
  if (skb.csum === 0) return;
  const rs = tp.rs;
  const sentAt = skb.cbTime;
  if (
    rs.priorMstamp === 0 ||
    sentAt > tp.firstTxMstamp ||
    (sentAt === tp.firstTxMstamp && ((skb.cbEndSeq - rs.lastEndSeq) | 0) > 0)
  ) {
    rs.priorDelivered = skb.cbAck;
    rs.priorMstamp = skb.csum;
    rs.isAppLimited = (skb.cbFlags2 & TX_APP_LIMITED) !== 0;
    rs.isRetrans = retransmitted;
    rs.lastEndSeq = skb.cbEndSeq;
    tp.firstTxMstamp = sentAt;
    rs.sndIntervalUs = Math.floor((sentAt - skb.tstamp) / 1000);
  }
  skb.csum = 0; // counted: a later cumulative ACK of a sacked segment says nothing new
}

/** Finishes the sample of an ACK. @kernel tcp_rate_gen() */
export function tcpRateGen(
  tp: TcpSock,
  delivered: number,
  lost: number,
  sackRenege: boolean,
): void {
  const rs = tp.rs;
  const now = tp.now;
  if (tp.appLimited !== 0 && tp.delivered > tp.appLimited) tp.appLimited = 0;
  if (delivered > 0) tp.deliveredMstamp = now;
  rs.ackedSacked = delivered;
  rs.losses = lost;
  if (rs.priorMstamp === 0 || sackRenege) {
    rs.delivered = -1;
    rs.intervalUs = -1;
    return;
  }
  rs.delivered = tp.delivered - rs.priorDelivered;
  rs.rcvIntervalUs = Math.floor((now - rs.priorMstamp) / 1000);
  rs.intervalUs = Math.max(rs.sndIntervalUs, rs.rcvIntervalUs);
  if (rs.intervalUs < tcpMinRtt(tp)) {
    rs.intervalUs = -1; // shorter than any round trip: ACK compression or a wrong stamp
    return;
  }
  if (!rs.isAppLimited || rs.delivered * tp.rateIntervalUs >= tp.rateDelivered * rs.intervalUs) {
    tp.rateDelivered = rs.delivered;
    tp.rateIntervalUs = rs.intervalUs;
    tp.rateAppLimited = rs.isAppLimited;
  }
}

/** Starts an ACK's sample. */
export function tcpRateStart(tp: TcpSock): void {
  const rs = tp.rs;
  rs.priorMstamp = 0;
  rs.priorDelivered = 0;
  rs.rttUs = -1;
  rs.delivered = -1;
  rs.intervalUs = -1;
  rs.isRetrans = false;
  rs.isAppLimited = false;
}

/** The application has nothing to send and the window has room: samples from here on show its rate, not the path's. */
export function tcpRateCheckAppLimited(tp: TcpSock): void {
  if (
    (tp.writeSeq - tp.sndNxt) >>> 0 < tp.mssCache &&
    tp.wmemAlloc < 2 * 2304 &&
    tp.packetsOut - (tp.sackedOut + tp.lostOut) + tp.retransOut < tp.sndCwnd &&
    tp.lostOut <= tp.retransOut
  ) {
    tp.appLimited = tp.delivered + tp.packetsOut > 0 ? tp.delivered + tp.packetsOut : 1;
  }
}
