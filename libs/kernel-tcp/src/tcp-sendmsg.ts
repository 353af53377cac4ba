/**
 * Writing to a connection: bytes into segments at the end of the write queue, pushed out as they fill.
 * TcpStreamSock.sendmsg → here → tcp-output. Source: net/ipv4/tcp.c tcp_sendmsg_locked(), tcp_push(); RFC 9293 §3.9.1.2.
 */
import { Errno, seqAfter } from '@netloom/base';
import {
  Mib,
  mibAdd,
  SEND_SHUTDOWN,
  skbPut,
  type SendOptions,
  type SkBuff,
} from '@netloom/kernel-core';
import { Msg } from '@netloom/sys';
import { TCPHDR_ACK, TCPHDR_FIN, TCPHDR_PSH } from '@netloom/wire';
import {
  TCP_NAGLE_CORK,
  TCP_NAGLE_PUSH,
  MAX_TCP_HEADER,
  TCP_SKB_EOR,
  TCP_SKB_HEAD,
  TCPF_CLOSE_WAIT,
  TCPF_ESTABLISHED,
  TCPF_SYN_RECV,
  TCPF_SYN_SENT,
} from './tcp-const.js';
import { tcpSlowStartAfterIdleCheck } from './tcp-cwnd.js';
import { tcpCurrentMss } from './tcp-mss.js';
import { tcpPassiveFastopen } from './tcp-fastopen.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpPushOne, tcpPushPending, tcpQueueSkb } from './tcp-output.js';
import { tcpRateCheckAppLimited } from './tcp-rate.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpTakeError } from './tcp-state.js';
import { tcpNoteSend } from './tcp-tx-marks.js';
import { tcpMarkUrg } from './tcp-urg.js';
import { tcpAllocSkb, tcpInitNondataSkb } from './tcp-transmit.js';
import { tcpXmitSizeGoal } from './tcp-tso.js';

/** @kernel tcp_sendmsg_locked() */
export function tcpSendmsg(tp: TcpSock, data: Uint8Array, options: SendOptions): number {
  const { flags } = options;
  const bit = 1 << tp.state;
  if ((bit & (TCPF_SYN_SENT | TCPF_SYN_RECV)) !== 0 && !tcpPassiveFastopen(tp)) {
    return tp.err !== 0 ? tcpTakeError(tp) : -Errno.EAGAIN;
  }
  if ((bit & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT | TCPF_SYN_RECV)) === 0)
    return tp.err !== 0 ? tcpTakeError(tp) : -Errno.EPIPE;
  if (tp.err !== 0) return tcpTakeError(tp);
  if ((tp.shutdownMask & SEND_SHUTDOWN) !== 0) return -Errno.EPIPE;
  tcpRateCheckAppLimited(tp);
  const mss = tcpCurrentMss(tp);
  const goal = tcpXmitSizeGoal(tp, mss);
  let copied = 0;
  while (copied < data.length) {
    let skb = tp.writeQueue.tail;
    if (skb !== null) regainRoom(skb, goal);
    let room =
      skb === null || (skb.cbFlags & TCPHDR_FIN) !== 0 || (skb.cbFlags2 & TCP_SKB_EOR) !== 0
        ? 0
        : fullSize(skb, mss, goal) - skb.len;
    if (room <= 0) {
      if (!memoryFree(tp)) break;
      const first = tp.rtxQueue.length === 0 && tp.writeQueue.head === null;
      const fresh = newSegment(tp, Math.min(data.length - copied, goal), mss);
      if (fresh === null) {
        if (copied === 0 && first) return -Errno.ENOBUFS;
        break;
      }
      skb = fresh;
      room = fullSize(skb, mss, goal);
    }
    const segment = skb as SkBuff;
    const n = Math.min(room, data.length - copied);
    append(tp, segment, data, copied, n);
    if (copied === 0) segment.cbFlags &= ~TCPHDR_PSH;
    copied += n;
    if (copied === data.length) {
      if ((flags & Msg.MSG_EOR) !== 0) segment.cbFlags2 |= TCP_SKB_EOR;
      break;
    }
    if (segment.len < fullSize(segment, mss, goal)) continue;
    if (forcedPush(tp)) {
      markPush(tp, segment);
      tcpPushPending(tp, mss, TCP_NAGLE_PUSH);
    } else if (segment === tp.writeQueue.head) {
      tcpPushOne(tp, mss);
    }
  }
  if (copied < data.length) tp.nospace = true;
  if (copied === 0 && data.length > 0) return -Errno.EAGAIN;
  if (copied > 0 && (tp.tsFlags !== 0 || (flags & (Msg.MSG_OOB | Msg.MSG_ZEROCOPY)) !== 0)) {
    tcpNoteSend(tp, flags, copied, options.continued === true);
    if ((flags & Msg.MSG_OOB) !== 0 && copied === data.length) tcpMarkUrg(tp);
  }
  if (copied > 0) tcpPush(tp, flags, mss, goal, copied < data.length ? TCP_NAGLE_PUSH : tp.nonagle);
  return copied;
}

function memoryFree(tp: TcpSock): boolean {
  return tp.wmemQueued < tp.sndbuf && tcpNotsentRoom(tp);
}

/** TCP_NOTSENT_LOWAT: no more than so much waits to be sent for the first time. @kernel __tcp_stream_memory_free() */
export function tcpNotsentRoom(tp: TcpSock): boolean {
  const lowat = tp.notsentLowat !== 0 ? tp.notsentLowat : tp.tn.sysctl(TcpSysctl.tcp_notsent_lowat);
  return (tp.writeSeq - tp.sndNxt) >>> 0 < lowat;
}

/** An empty segment at the end of the write queue. @kernel tcp_stream_alloc_skb(), tcp_skb_entail() */
function newSegment(tp: TcpSock, size: number, mss: number): SkBuff | null {
  const skb =
    tcpAllocSkb(tp, size) ??
    tcpAllocSkb(tp, Math.min(size, mss)) ??
    tcpAllocSkb(tp, Math.min(size, 1024));
  if (skb === null) return null;
  tcpInitNondataSkb(skb, tp.writeSeq, TCPHDR_ACK);
  skb.truesize = TCP_SKB_HEAD;
  tcpQueueSkb(tp, skb);
  tp.nonagle &= ~TCP_NAGLE_PUSH;
  tcpSlowStartAfterIdleCheck(tp);
  return skb;
}

/** Bytes that `skb` takes in all: whole segments, as far as its buffer has room. */
function fullSize(skb: SkBuff, mss: number, goal: number): number {
  const room = skb.end - skb.data;
  return room >= goal ? goal : room >= mss ? Math.floor(room / mss) * mss : room;
}

/** A packet whose front has been sent moves to the start of its buffer where that lets it take as much as a new one. */
function regainRoom(skb: SkBuff, goal: number): void {
  const start = skb.head + MAX_TCP_HEADER;
  if (skb.data <= start || skb.end - skb.data >= goal || skb.end - start < goal) return;
  if (skb.mem.shared(skb.slot)) return;
  skb.mem.copy(start, skb.data, skb.len);
  skb.data = start;
  skb.tail = start + skb.len;
}

function append(tp: TcpSock, skb: SkBuff, data: Uint8Array, from: number, n: number): void {
  const at = skbPut(skb, n);
  skb.mem.write(at, data, from, n);
  skb.truesize += n;
  tp.wmemQueued += n;
  skb.cbEndSeq = (skb.cbEndSeq + n) >>> 0;
  tp.writeSeq = (tp.writeSeq + n) >>> 0;
}

/** Half a window since the last PSH: send one. @kernel forced_push() */
function forcedPush(tp: TcpSock): boolean {
  return seqAfter(tp.writeSeq, (tp.pushedSeq + (tp.maxWindow >>> 1)) >>> 0);
}

function markPush(tp: TcpSock, skb: SkBuff): void {
  skb.cbFlags |= TCPHDR_PSH;
  tp.pushedSeq = tp.writeSeq;
}

/** Sends what a write has queued. @kernel tcp_push() */
function tcpPush(tp: TcpSock, flags: number, mss: number, goal: number, nonagle: number): void {
  const tail = tp.writeQueue.tail;
  if (tail === null) return;
  const more = (flags & Msg.MSG_MORE) !== 0;
  if (!more || forcedPush(tp)) markPush(tp, tail);
  if (shouldAutocork(tp, tail, fullSize(tail, mss, goal))) {
    if (!tp.tsqThrottled) {
      tp.tsqThrottled = true;
      mibAdd(tp.net.mib, Mib.TcpExtTCPAutoCorking, 1);
    }
    if (tp.wmemAlloc > tail.truesize) return; // sent when a clone leaves the host
  }
  tcpPushPending(tp, mss, more ? TCP_NAGLE_CORK : nonagle);
}

/** A small segment while others wait in the host's own queue: let it grow. @kernel tcp_should_autocork() */
function shouldAutocork(tp: TcpSock, skb: SkBuff, goal: number): boolean {
  return (
    skb.len < goal &&
    tp.tn.sysctl(TcpSysctl.tcp_autocorking) !== 0 &&
    tp.rtxQueue.length > 0 &&
    tp.wmemAlloc > skb.truesize
  );
}
