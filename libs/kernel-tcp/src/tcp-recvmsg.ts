/**
 * Reading from a connection: bytes out of the receive queue, and the window update that the room may be worth.
 * TcpStreamSock.recvmsg → here. Source: net/ipv4/tcp.c tcp_recvmsg_locked(), tcp_cleanup_rbuf(); RFC 9293 §3.9.1.3.
 */
import { Errno, seqBefore } from '@netloom/base';
import { RCV_SHUTDOWN, type SkBuff } from '@netloom/kernel-core';
import { Msg, type RecvResult, type SockAddr } from '@netloom/sys';
import { TCPHDR_FIN } from '@netloom/wire';
import {
  ICSK_ACK_PUSHED,
  ICSK_ACK_PUSHED2,
  ICSK_ACK_SCHED,
  SS_UNCONNECTED,
  TCP_CLOSE,
  TCP_LISTEN,
  TCPF_CLOSE,
  TCPF_LISTEN,
} from './tcp-const.js';
import { tcpInPingpong } from './tcp-pingpong.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpTakeError } from './tcp-state.js';
import { tcpRecvUrg, tcpUrgHole, tcpUrgLimit, tcpUrgPassed } from './tcp-urg.js';
import { tcpSendAck } from './tcp-transmit.js';
import { tcpRcvSpaceAdjust, tcpReceiveWindow, tcpSelectWindowSize } from './tcp-window.js';

const UNSPEC: SockAddr = { family: 'unspec' };

/** @kernel tcp_recvmsg_locked() */
export function tcpRecvmsg(tp: TcpSock, count: number, flags: number): RecvResult | number {
  if (tp.state === TCP_LISTEN) return -Errno.ENOTCONN;
  if ((flags & Msg.MSG_OOB) !== 0) return tcpRecvUrg(tp, count, flags);
  const peek = (flags & Msg.MSG_PEEK) !== 0;
  if (tp.urg !== null && count > 0 && tcpUrgHole(tp) && tcpInqueue(tp) > 0)
    return behindMark(tp, count, flags);
  const available = tcpUrgLimit(tp, tcpInqueue(tp));
  const size = Math.min(count, available);
  if (size === 0 && count > 0) {
    const empty = nothingToRead(tp);
    if (empty < 0) return empty;
  }
  const at = tp.timestamp || tp.tsFlags !== 0 ? stampOf(tp, size) : 0;
  const data = (flags & Msg.MSG_TRUNC) === 0 ? copyOut(tp, size, peek) : skip(tp, size);
  if (!peek) {
    if (size > 0) tcpRcvSpaceAdjust(tp);
    if (tp.urg !== null) tcpUrgPassed(tp);
    cleanupRbuf(tp, size);
  }
  return { data, from: UNSPEC, flags: 0, length: size, control: control(tp, at) };
}

/** Reads on from behind the urgent byte, which is no part of the stream. */
function behindMark(tp: TcpSock, count: number, flags: number): RecvResult | number {
  const mark = tp.copiedSeq;
  if ((flags & Msg.MSG_PEEK) === 0) {
    consume(tp, 1);
    tcpUrgPassed(tp);
    return tcpRecvmsg(tp, count, flags);
  }
  tp.copiedSeq = (mark + 1) >>> 0;
  const result = tcpRecvmsg(tp, count, flags);
  tp.copiedSeq = mark;
  return result;
}

/** When the last of the next `size` bytes arrived (ns), 0 where nothing is to be read. */
function stampOf(tp: TcpSock, size: number): number {
  const last = (tp.copiedSeq + size - 1) >>> 0;
  for (let skb = tp.receiveQueue.head; skb !== null && size > 0; skb = skb.next)
    if (seqBefore(last, skb.cbEndSeq)) return skb.tstamp === 0 ? tp.now : skb.tstamp;
  return 0;
}

const SOF_TIMESTAMPING_RX_REPORT = 0x10;

/** Ancillary data as the socket asked for it. @kernel tcp_recv_timestamp(), tcp_inq_hint() */
function control(tp: TcpSock, at: number): RecvResult['control'] {
  const out: RecvResult['control'] = {};
  if (at !== 0) {
    if (tp.timestamp) out.timestampNs = tp.timestampUs ? Math.floor(at / 1000) * 1000 : at;
    if ((tp.tsFlags & SOF_TIMESTAMPING_RX_REPORT) !== 0) out.timestamping = [at, 0, 0];
  }
  // A FIN behind the last byte counts as one more to be read.
  if (tp.recvmsgInq) out.inq = tcpInqueue(tp) + (tcpInqueue(tp) === 0 && tp.done ? 1 : 0);
  return out;
}

/**
 * Reads into the caller's buffer: no allocation, for who reads much. @returns bytes, 0 at the end of the stream, or a
 * negative errno
 */
export function tcpReadInto(tp: TcpSock, into: Uint8Array): number {
  if (tp.state === TCP_LISTEN) return -Errno.ENOTCONN;
  if (tp.urg !== null) {
    const result = tcpRecvmsg(tp, into.length, 0);
    if (typeof result === 'number') return result;
    into.set(result.data);
    return result.length;
  }
  const size = Math.min(into.length, tcpInqueue(tp));
  if (size === 0) return into.length === 0 ? 0 : nothingToRead(tp);
  copySegments(tp, into, size);
  consume(tp, size);
  tcpRcvSpaceAdjust(tp);
  cleanupRbuf(tp, size);
  return size;
}

/** Bytes in order that have not been read. */
export function tcpInqueue(tp: TcpSock): number {
  const tail = tp.receiveQueue.tail;
  if (tail === null) return 0;
  const fin = (tail.cbFlags & TCPHDR_FIN) !== 0 ? 1 : 0;
  return Math.max((tail.cbEndSeq - fin - tp.copiedSeq) | 0, 0);
}

/** What an empty queue means: 0 for the end of the stream, or a negative errno. */
function nothingToRead(tp: TcpSock): number {
  if (tp.done) return tp.err !== 0 ? tcpTakeError(tp) : 0;
  if (tp.err !== 0) return tcpTakeError(tp);
  if ((tp.shutdownMask & RCV_SHUTDOWN) !== 0 && tp.state !== TCP_CLOSE) return 0;
  if (tp.state === TCP_CLOSE) return tp.socketState === SS_UNCONNECTED ? -Errno.ENOTCONN : 0;
  return -Errno.EAGAIN;
}

/** Copies `size` bytes out and, unless peeking, gives their buffers back. */
function copyOut(tp: TcpSock, size: number, peek: boolean): Uint8Array {
  const head = tp.receiveQueue.head;
  const at = head === null ? 0 : head.data + ((tp.copiedSeq - head.cbSeq) >>> 0);
  // Most reads are served by one segment: one allocation that copies.
  const whole = head !== null && head.data + head.len - at >= size;
  const data = whole ? head.mem.bytes(at, size) : new Uint8Array(size);
  if (!whole) copySegments(tp, data, size);
  if (!peek) consume(tp, size);
  return data;
}

function copySegments(tp: TcpSock, data: Uint8Array, size: number): void {
  let offset = (tp.copiedSeq - (tp.receiveQueue.head?.cbSeq ?? 0)) >>> 0;
  let done = 0;
  for (let skb = tp.receiveQueue.head; skb !== null && done < size; skb = skb.next) {
    const n = Math.min(skb.len - offset, size - done);
    const from = skb.data + offset;
    data.set(skb.mem.u8.subarray(from, from + n), done);
    done += n;
    const next = skb.next;
    // Segments may overlap where a retransmission was cut differently.
    if (next !== null) offset = (skb.cbSeq + offset + n - next.cbSeq) >>> 0;
  }
}

/** MSG_TRUNC: bytes are thrown away unread. */
function skip(tp: TcpSock, size: number): Uint8Array {
  consume(tp, size);
  return new Uint8Array(0);
}

/** Moves on by `size` bytes, and over the FIN behind them. */
function consume(tp: TcpSock, size: number): void {
  const until = (tp.copiedSeq + size) >>> 0;
  tp.copiedSeq = until;
  for (let skb = tp.receiveQueue.head; skb !== null; skb = tp.receiveQueue.head) {
    const fin = (skb.cbFlags & TCPHDR_FIN) !== 0;
    const left = (skb.cbEndSeq - (fin ? 1 : 0) - until) | 0;
    if (left > 0) return;
    if (fin) tp.copiedSeq = (until + 1) >>> 0;
    eat(tp, skb);
  }
}

function eat(tp: TcpSock, skb: SkBuff): void {
  tp.receiveQueue.unlink(skb);
  skb.pool.release(skb);
}

/** Room was made: perhaps the peer should hear of it. @kernel tcp_cleanup_rbuf() */
function cleanupRbuf(tp: TcpSock, copied: number): void {
  if (((1 << tp.state) & (TCPF_CLOSE | TCPF_LISTEN)) !== 0) return;
  let now = false;
  if ((tp.ackPending & ICSK_ACK_SCHED) !== 0) {
    const pushed =
      (tp.ackPending & ICSK_ACK_PUSHED2) !== 0 ||
      ((tp.ackPending & ICSK_ACK_PUSHED) !== 0 && !tcpInPingpong(tp));
    now =
      (tp.rcvNxt - tp.rcvWup) >>> 0 > tp.ackRcvMss || (copied > 0 && pushed && tp.rmemAlloc === 0);
  }
  if (copied > 0 && !now && (tp.shutdownMask & RCV_SHUTDOWN) === 0) {
    const window = tcpReceiveWindow(tp);
    if (2 * window <= tp.windowClamp) {
      const wanted = tcpSelectWindowSize(tp);
      if (wanted > 0 && wanted >= 2 * window) now = true;
    }
  }
  if (now) tcpSendAck(tp);
}
