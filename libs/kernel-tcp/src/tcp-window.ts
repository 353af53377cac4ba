/**
 * Receive window and buffer sizes: how much to advertise, how buffers grow with use.
 *
 *   rcvbuf (memory) ──scalingRatio──▶ space in payload bytes ──rcvSsthresh──▶ window offered ──wscale──▶ header
 *
 * Sources: net/ipv4/tcp_output.c tcp_select_window(), tcp_input.c tcp_rcv_space_adjust(), RFC 9293 §3.8.6, RFC 7323 §2.
 */
import { Mib, mibAdd, type SkBuff } from '@netloom/kernel-core';
import {
  SOCK_RCVBUF_LOCK,
  SOCK_SNDBUF_LOCK,
  TCP_INIT_CWND,
  TCP_MAX_WSCALE,
  TCP_MSS_DEFAULT,
} from './tcp-const.js';
import { TcpSysctl } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';

const RATIO_SHIFT = 8;
const MAX_WINDOW_16 = 0xffff;
/** What a segment takes of sender's memory besides its bytes, as on x86-64: headers and bookkeeping. */
const SKB_HEAD_OVERHEAD = 640;
const SKB_STRUCT = 256;

export function tcpWinFromSpace(tp: TcpSock, space: number): number {
  return Math.floor((space * tp.scalingRatio) / (1 << RATIO_SHIFT));
}

function tcpSpaceFromWin(tp: TcpSock, win: number): number {
  return Math.floor((win * (1 << RATIO_SHIFT)) / tp.scalingRatio);
}

/** Payload that still fits. */
export function tcpSpace(tp: TcpSock): number {
  return tcpWinFromSpace(tp, tp.rcvbuf - tp.rmemAlloc);
}

export function tcpFullSpace(tp: TcpSock): number {
  return tcpWinFromSpace(tp, tp.rcvbuf);
}

/** What is left of the window last offered. @kernel tcp_receive_window() */
export function tcpReceiveWindow(tp: TcpSock): number {
  const win = (tp.rcvWup + tp.rcvWnd - tp.rcvNxt) | 0;
  return win < 0 ? 0 : win;
}

function roundDown(value: number, unit: number): number {
  return value - (value % unit);
}

function alignUp(value: number, shift: number): number {
  const unit = 1 << shift;
  return Math.ceil(value / unit) * unit;
}

/** The window we would like to offer now. @kernel __tcp_select_window() */
export function tcpSelectWindowSize(tp: TcpSock): number {
  let mss = tp.ackRcvMss;
  let free = tcpSpace(tp);
  const allowed = tcpFullSpace(tp);
  const full = Math.min(tp.windowClamp, allowed);
  if (mss > full) {
    mss = full;
    if (mss <= 0) return 0;
  }
  const wscale = tp.rxOpt.rcvWscale;
  if (free < full >> 1) {
    tp.ackQuick = 0;
    free = roundDown(Math.max(free, 0), 1 << wscale);
    // Silly windows are closed altogether (RFC 9293 §3.8.6.2.2).
    if (free < allowed >> 4 || free < mss) return 0;
  }
  if (free > tp.rcvSsthresh) free = tp.rcvSsthresh;
  if (wscale > 0) return alignUp(free, wscale);
  const window = tp.rcvWnd;
  if (window <= free - mss || window > free) return roundDown(free, mss);
  if (mss === full && free > window + (full >> 1)) return free;
  return window;
}

/** The window field of the next segment, noted as offered. @kernel tcp_select_window() */
export function tcpSelectWindow(tp: TcpSock): number {
  const mib = tp.net.mib;
  const oldWindow = tp.rcvWnd;
  const wscale = tp.rxOpt.rcvWscale;
  const current = tcpReceiveWindow(tp);
  let window = tcpSelectWindowSize(tp);
  if (window < current && (tp.tn.sysctl(TcpSysctl.tcp_shrink_window) === 0 || wscale === 0)) {
    // What was offered is not taken back (RFC 9293 §3.8.6.2.1).
    if (window === 0) mibAdd(mib, Mib.TcpExtTCPWantZeroWindowAdv, 1);
    window = alignUp(current, wscale);
  }
  tp.rcvWnd = window;
  tp.rcvWup = tp.rcvNxt;
  const field = Math.min(window, MAX_WINDOW_16 * (1 << wscale)) >>> wscale;
  if (field === 0) {
    tp.predictable = false;
    if (oldWindow !== 0) mibAdd(mib, Mib.TcpExtTCPToZeroWindowAdv, 1);
  } else if (oldWindow === 0) {
    mibAdd(mib, Mib.TcpExtTCPFromZeroWindowAdv, 1);
  }
  return field;
}

/** First window, clamp and scale of a connection. */
export interface InitialWindow {
  rcvWnd: number;
  windowClamp: number;
  rcvWscale: number;
}

/** @kernel tcp_select_initial_window() */
export function tcpSelectInitialWindow(
  fullSpace: number,
  mss: number,
  clamp: number,
  wscaleOk: boolean,
  rmemMax: number,
  initRwnd: number,
): InitialWindow {
  let windowClamp = clamp === 0 ? MAX_WINDOW_16 << TCP_MAX_WSCALE : clamp;
  let space = Math.min(windowClamp, Math.max(fullSpace, 0));
  if (space > mss) space = roundDown(space, mss);
  let rcvWnd = Math.min(space, MAX_WINDOW_16);
  if (initRwnd !== 0) rcvWnd = Math.min(rcvWnd, initRwnd * mss);
  let rcvWscale = 0;
  if (wscaleOk) {
    space = Math.min(Math.max(space, rmemMax), windowClamp);
    rcvWscale = Math.min(Math.max(31 - Math.clz32(space) - 15, 0), TCP_MAX_WSCALE);
  }
  windowClamp = Math.min(MAX_WINDOW_16 << rcvWscale, windowClamp);
  return { rcvWnd, windowClamp, rcvWscale };
}

/** A first guess of the peer's segment size. @kernel tcp_initialize_rcv_mss() */
export function tcpInitializeRcvMss(tp: TcpSock): void {
  const hint = Math.min(tp.advmss, tp.mssCache, tp.rcvWnd >> 1, TCP_MSS_DEFAULT);
  tp.ackRcvMss = Math.max(hint, 88);
}

/** Sets the buffers' bookkeeping once a connection is up. @kernel tcp_init_buffer_space() */
export function tcpInitBufferSpace(tp: TcpSock): void {
  const appWin = tp.tn.sysctl(TcpSysctl.tcp_app_win);
  if ((tp.userlocks & SOCK_SNDBUF_LOCK) === 0) tcpSndbufExpand(tp);
  tp.rcvqTime = tp.now;
  tp.rcvqSeq = tp.copiedSeq;
  const maxwin = tcpFullSpace(tp);
  if (tp.windowClamp >= maxwin) {
    tp.windowClamp = maxwin;
    if (appWin !== 0 && maxwin > 4 * tp.advmss) {
      tp.windowClamp = Math.max(maxwin - (maxwin >> appWin), 4 * tp.advmss);
    }
  }
  if (appWin !== 0 && tp.windowClamp > 2 * tp.advmss && tp.windowClamp + tp.advmss > maxwin) {
    tp.windowClamp = Math.max(2 * tp.advmss, maxwin - tp.advmss);
  }
  tp.rcvSsthresh = Math.min(tp.rcvSsthresh, tp.windowClamp);
  tp.sndCwndStamp = tp.now;
  tp.rcvqSpace = Math.min(tp.rcvSsthresh, tp.rcvWnd, TCP_INIT_CWND * tp.advmss);
}

/** Lets the send buffer hold two windows. @kernel tcp_sndbuf_expand() */
export function tcpSndbufExpand(tp: TcpSock): void {
  const bytes = Math.max(tp.rxOpt.mssClamp, tp.mssCache) + SKB_HEAD_OVERHEAD;
  const perMss = 2 ** (32 - Math.clz32(bytes - 1)) + SKB_STRUCT;
  const segments = Math.max(TCP_INIT_CWND, tp.sndCwnd, tp.reordering + 1);
  const factor = tp.caOps.sndbufExpand !== undefined ? tp.caOps.sndbufExpand(tp) : 2;
  const wanted = factor * segments * perMss;
  if (tp.sndbuf < wanted) tp.sndbuf = Math.min(wanted, tp.tn.wmem[2]);
}

/** May the send buffer grow? @kernel tcp_should_expand_sndbuf() */
export function tcpShouldExpandSndbuf(tp: TcpSock): boolean {
  if ((tp.userlocks & SOCK_SNDBUF_LOCK) !== 0) return false;
  return tp.packetsOut - (tp.sackedOut + tp.lostOut) + tp.retransOut < tp.sndCwnd;
}

/** Opens the window a step for a segment that used its memory well. @kernel tcp_grow_window() */
export function tcpGrowWindow(tp: TcpSock, skb: SkBuff): void {
  const room = Math.min(tp.windowClamp, tcpSpace(tp)) - tp.rcvSsthresh;
  if (room <= 0) return;
  let increase = tcpWinFromSpace(tp, skb.truesize) <= skb.len ? 2 * tp.advmss : growSlowly(tp, skb);
  if (increase === 0) return;
  increase = Math.max(increase, 2 * skb.len);
  tp.rcvSsthresh += Math.min(room, increase);
  tp.ackQuick |= 1;
}

/** Small packets waste memory: the window grows only while it is small against the buffer. @kernel __tcp_grow_window() */
function growSlowly(tp: TcpSock, skb: SkBuff): number {
  let truesize = tcpWinFromSpace(tp, skb.truesize) >> 1;
  let window = tcpWinFromSpace(tp, tp.tn.rmem[2]) >> 1;
  while (tp.rcvSsthresh <= window) {
    if (truesize <= skb.len) return 2 * tp.ackRcvMss;
    truesize >>= 1;
    window >>= 1;
  }
  return 0;
}

/** How much of a packet's memory is payload, learned from full-sized segments. @kernel tcp_measure_rcv_mss() */
export function tcpUpdateScalingRatio(tp: TcpSock, skb: SkBuff): void {
  const ratio = Math.min(
    Math.max(Math.floor((skb.len * (1 << RATIO_SHIFT)) / skb.truesize), 1),
    255,
  );
  if (ratio === tp.scalingRatio) return;
  tp.scalingRatio = ratio;
  tp.windowClamp = tcpFullSpace(tp);
  if (tp.windowClamp < tp.rcvqSpace) tp.rcvqSpace = tp.windowClamp;
}

/** Grows the receive buffer with what the application takes in a round trip. @kernel tcp_rcv_space_adjust() */
export function tcpRcvSpaceAdjust(tp: TcpSock): void {
  const now = tp.now;
  const elapsedUs = Math.floor((now - tp.rcvqTime) / 1000);
  if (elapsedUs < tp.rcvRttUs >> 3 || tp.rcvRttUs === 0) return;
  const copied = (tp.copiedSeq - tp.rcvqSeq) >>> 0;
  if (copied > tp.rcvqSpace) tcpRcvbufGrow(tp, copied);
  tp.rcvqSeq = tp.copiedSeq;
  tp.rcvqTime = now;
}

/** Makes room for `copied` bytes a round trip. @kernel tcp_rcvbuf_grow() */
export function tcpRcvbufGrow(tp: TcpSock, copied: number): void {
  const before = tp.rcvqSpace;
  tp.rcvqSpace = copied;
  if (
    tp.tn.sysctl(TcpSysctl.tcp_moderate_rcvbuf) === 0 ||
    (tp.userlocks & SOCK_RCVBUF_LOCK) !== 0 ||
    before === 0
  )
    return;
  // The measure is a round trip old, in which the sender may have doubled its rate; more while the rate is rising.
  let rcvwin = copied * 2;
  rcvwin += Math.floor((rcvwin * (copied - before)) / before) * 2;
  const farthest = tp.ofoQueue.last;
  if (farthest !== null) rcvwin += (farthest.cbEndSeq - tp.rcvNxt) >>> 0;
  const rcvbuf = Math.min(tcpSpaceFromWin(tp, rcvwin), tp.tn.rmem[2]);
  if (rcvbuf <= tp.rcvbuf) return;
  tp.rcvbuf = rcvbuf;
  tp.windowClamp = tcpWinFromSpace(tp, rcvbuf);
}

/** The buffer is overdrawn: allow more memory up to the limit, offer less. @kernel tcp_clamp_window() */
export function tcpClampWindow(tp: TcpSock): void {
  tp.ackQuick = 0;
  if (tp.rcvbuf < tp.tn.rmem[2] && (tp.userlocks & SOCK_RCVBUF_LOCK) === 0) {
    tp.rcvbuf = Math.min(tp.rmemAlloc, tp.tn.rmem[2]);
  }
  if (tp.rmemAlloc > tp.rcvbuf) tp.rcvSsthresh = Math.min(tp.windowClamp, 2 * tp.advmss);
}
