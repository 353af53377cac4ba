/**
 * How much goes into one super-packet: by what the device takes, by the pace of the connection, by its windows.
 * tcp-sendmsg, tcp-output → here. Source: net/ipv4/tcp_output.c tcp_tso_autosize(), tcp_tso_should_defer(), tcp_mss_split_point(),
 * net/ipv4/tcp.c tcp_xmit_size_goal().
 */
import { Feature, type SkBuff } from '@netloom/kernel-core';
import { TCPHDR_FIN } from '@netloom/wire';
import { MAX_TCP_HEADER, NSEC_PER_MSEC, TCP_CA_RECOVERY } from './tcp-const.js';
import { tcpPacketsInFlight } from './tcp-cwnd.js';
import { TcpSysctl } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpWndEnd } from './tcp-transmit.js';

/** sk_pacing_shift: a super-packet holds about a millisecond at the connection's pace. */
const PACING_SHIFT = 10;

/** Payload of the largest super-packet on the socket's route; 0 where the device wants segments. @kernel sk_gso_max_size */
function gsoMaxSize(tp: TcpSock): number {
  const dst = tp.dst;
  if (dst === null || (dst.dev.features & (Feature.TSO | Feature.GSO)) === 0) return 0;
  return dst.dev.gsoMaxSize - MAX_TCP_HEADER - 1;
}

/** Bytes to which a writer fills the last packet of the queue. @kernel tcp_xmit_size_goal() */
export function tcpXmitSizeGoal(tp: TcpSock, mss: number): number {
  const most = gsoMaxSize(tp);
  if (most < 2 * mss) return mss;
  const half = tp.maxWindow > 536 ? tp.maxWindow >>> 1 : tp.maxWindow;
  const size = half !== 0 && most > half ? Math.max(half, 68 - tp.tcpHeaderLen) : most;
  return Math.max(Math.floor(size / mss) * mss, mss);
}

/** Segments of a super-packet at the connection's pace. @kernel tcp_tso_autosize(), tcp_tso_segs() */
export function tcpTsoSegs(tp: TcpSock, mss: number): number {
  const most = gsoMaxSize(tp);
  if (most < 2 * mss) return 1;
  let bytes = tp.pacingRate / 2 ** PACING_SHIFT;
  if (tp.minRttUs >= 0) {
    const shift = tp.minRttUs >>> tp.tn.sysctl(TcpSysctl.tcp_tso_rtt_log);
    if (shift < 32) bytes += most / 2 ** shift; // in a data centre the next ACK is near: larger is no burst
  }
  const segs = Math.floor(Math.min(bytes, most) / mss);
  const least = tp.caOps.minTsoSegs?.(tp) ?? tp.tn.sysctl(TcpSysctl.tcp_min_tso_segs);
  return Math.max(segs, least);
}

/** Bytes of `skb` that go now: whole segments, but for an end that Nagle lets go. @kernel tcp_mss_split_point() */
export function tcpMssSplitPoint(
  tp: TcpSock,
  skb: SkBuff,
  mss: number,
  maxSegs: number,
  mayEndShort: boolean,
): number {
  const window = (tcpWndEnd(tp) - skb.cbSeq) >>> 0;
  const most = mss * maxSegs;
  if (most <= window && skb.next !== null) return most;
  const needed = Math.min(skb.len, window);
  if (most <= needed) return most;
  const partial = needed % mss;
  return partial !== 0 && !mayEndShort ? needed - partial : needed;
}

export const SEND_NOW = 0;
/** Wait for a larger packet; which window it is that keeps it small. */
export const DEFER_CWND = 1;
export const DEFER_RWND = 2;

/** Whether to wait for ACKs that let a larger super-packet go. @kernel tcp_tso_should_defer() */
export function tcpTsoShouldDefer(tp: TcpSock, skb: SkBuff, mss: number, maxSegs: number): number {
  const now = tp.now;
  if (tp.caState >= TCP_CA_RECOVERY) return SEND_NOW;
  if (now - tp.wstamp > NSEC_PER_MSEC) return SEND_NOW; // no ACKs that come one after the other
  const sendWindow = (tcpWndEnd(tp) - skb.cbSeq) >>> 0;
  const congestion = (tp.sndCwnd - tcpPacketsInFlight(tp)) * mss;
  const limit = Math.min(sendWindow, congestion);
  if (limit >= maxSegs * mss) return SEND_NOW;
  if (skb.next !== null && limit >= skb.len) return SEND_NOW;
  const divisor = tp.tn.sysctl(TcpSysctl.tcp_tso_win_divisor);
  if (divisor > 0) {
    if (limit >= Math.min(tp.sndWnd, tp.sndCwnd * mss) / divisor) return SEND_NOW;
  } else if (limit > 3 * mss) {
    return SEND_NOW;
  }
  const oldest = tp.rtxQueue.first;
  if (oldest === null) return SEND_NOW;
  const srtt = (tp.srttUs >> 3) * 1000;
  if (oldest.cbTime + srtt - now > Math.max(srtt / 2, NSEC_PER_MSEC)) return SEND_NOW; // the next ACK is far
  if ((skb.cbFlags & TCPHDR_FIN) !== 0) return SEND_NOW;
  if (congestion < sendWindow) return congestion <= skb.len ? DEFER_CWND : SEND_NOW;
  return sendWindow <= skb.len ? DEFER_RWND : SEND_NOW;
}
