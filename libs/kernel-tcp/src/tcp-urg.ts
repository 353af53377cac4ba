/**
 * Urgent data: one byte that may be read apart from the stream, and the mark where it stood.
 * tcp-sendmsg, tcp-transmit (sender); tcp-input, tcp-recvmsg (receiver) → here. A socket has the state only once it uses it.
 * Sources: RFC 9293 §3.8.5, RFC 6093, net/ipv4/tcp_input.c tcp_check_urg(), tcp_urg(), tcp.c tcp_recv_urg().
 */
import { Errno, seqAfter, seqBefore } from '@netloom/base';
import { RCV_SHUTDOWN, type SkBuff } from '@netloom/kernel-core';
import { Msg, type RecvResult } from '@netloom/sys';
import { TCPHDR_SYN, TCPHDR_URG, tcphUrgPtr } from '@netloom/wire';
import { TCP_CLOSE } from './tcp-const.js';
import { TcpSysctl } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';

const URG_NONE = 0;
const URG_NOTYET = 1;
const URG_VALID = 2;
const URG_READ = 3;

export class TcpUrgent {
  /** Behind the last urgent byte sent. */
  sndUp = 0;
  sending = false;
  /** Where the urgent byte received is, and what has become of it. */
  seq = 0;
  state: number = URG_NONE;
  byte = 0;
}

export function tcpUrgentOf(tp: TcpSock): TcpUrgent {
  return (tp.urg ??= new TcpUrgent());
}

// ---- sending ----

/** The bytes queued up to writeSeq end with an urgent one. @kernel tcp_mark_urg() */
export function tcpMarkUrg(tp: TcpSock): void {
  const urg = tcpUrgentOf(tp);
  urg.sndUp = tp.writeSeq;
  urg.sending = true;
}

/** Urgent bytes are not acknowledged yet. @kernel tcp_urg_mode() */
export function tcpUrgMode(tp: TcpSock): boolean {
  const { urg } = tp;
  if (urg === null || !urg.sending) return false;
  if (seqAfter(urg.sndUp, tp.sndUna)) return true;
  urg.sending = false;
  return false;
}

/** The urgent pointer of a segment that starts at `seq`, 0 for none. */
export function tcpUrgPointer(tp: TcpSock, seq: number): number {
  const { urg } = tp;
  if (urg === null || !tcpUrgMode(tp) || !seqBefore(seq, urg.sndUp)) return 0;
  const distance = (urg.sndUp - seq) >>> 0;
  if (distance < 0x10000) return distance;
  return seqAfter((seq + 0xffff) >>> 0, tp.sndNxt) ? 0xffff : 0;
}

// ---- receiving ----

/** True while an urgent byte has not been passed in the stream: header prediction must wait. */
export function tcpUrgPending(tp: TcpSock): boolean {
  return tp.urg !== null && tp.urg.state !== URG_NONE;
}

/** A new urgent pointer. @kernel tcp_check_urg() */
function checkUrg(tp: TcpSock, urg: TcpUrgent, skb: SkBuff, pointer: number): void {
  let ptr = pointer;
  if (ptr !== 0 && tp.tn.sysctl(TcpSysctl.tcp_stdurg) === 0) ptr--;
  const at = (ptr + skb.cbSeq) >>> 0;
  if (seqAfter(tp.copiedSeq, at) || seqBefore(at, tp.rcvNxt)) return;
  if (urg.state !== URG_NONE && !seqAfter(at, urg.seq)) return;
  // A second mark while the reader stands at the first, which it has taken: that byte is no part of the stream.
  if (
    urg.seq === tp.copiedSeq &&
    urg.state !== URG_NONE &&
    !tp.urginline &&
    tp.copiedSeq !== tp.rcvNxt
  )
    tp.copiedSeq = (tp.copiedSeq + 1) >>> 0;
  urg.state = URG_NOTYET;
  urg.seq = at;
  tp.predictable = false;
}

/** Looks at a received segment; its data may hold the urgent byte. @kernel tcp_urg() */
export function tcpUrg(tp: TcpSock, skb: SkBuff): void {
  if ((skb.cbFlags & TCPHDR_URG) !== 0)
    checkUrg(tp, tcpUrgentOf(tp), skb, tcphUrgPtr(skb.mem, skb.transportHeader));
  const { urg } = tp;
  if (urg === null || urg.state !== URG_NOTYET) return;
  const offset = (urg.seq - skb.cbSeq - ((skb.cbFlags & TCPHDR_SYN) !== 0 ? 1 : 0)) | 0;
  if (offset < 0 || offset >= skb.len) return;
  urg.byte = skb.mem.u8[skb.data + offset] as number;
  urg.state = URG_VALID;
  if (!tp.dead && tp.dataReady !== null) tp.dataReady(tp);
}

/** An urgent byte waits: POLLPRI. */
export function tcpUrgReady(tp: TcpSock): boolean {
  return tp.urg !== null && tp.urg.state === URG_VALID;
}

/** The reader stands at the mark: SIOCATMARK. */
export function tcpAtMark(tp: TcpSock): boolean {
  return tp.urg !== null && tp.urg.state !== URG_NONE && tp.urg.seq === tp.copiedSeq;
}

/** How many of `size` bytes may be read at once: not across the mark. The mark's own byte is passed over. */
export function tcpUrgLimit(tp: TcpSock, size: number): number {
  const { urg } = tp;
  if (urg === null || urg.state === URG_NONE) return size;
  const offset = (urg.seq - tp.copiedSeq) | 0;
  return offset > 0 && offset < size ? offset : size;
}

/** True where the next byte is urgent and not to be read in the stream. */
export function tcpUrgHole(tp: TcpSock): boolean {
  return tcpAtMark(tp) && !tp.urginline;
}

/** The reader has moved on. */
export function tcpUrgPassed(tp: TcpSock): void {
  if (tp.urg !== null && tp.urg.state !== URG_NONE && seqAfter(tp.copiedSeq, tp.urg.seq))
    tp.urg.state = URG_NONE;
}

/** recv(MSG_OOB). @kernel tcp_recv_urg() */
export function tcpRecvUrg(tp: TcpSock, count: number, flags: number): RecvResult | number {
  const { urg } = tp;
  if (tp.urginline || urg === null || urg.state === URG_NONE || urg.state === URG_READ)
    return -Errno.EINVAL;
  if (tp.state === TCP_CLOSE && !tp.done) return -Errno.ENOTCONN;
  if (urg.state === URG_VALID) {
    if ((flags & Msg.MSG_PEEK) === 0) urg.state = URG_READ;
    const data = Uint8Array.of(urg.byte).subarray(0, count);
    const truncated = count === 0 ? Msg.MSG_TRUNC : 0;
    return {
      data,
      from: { family: 'unspec' },
      flags: Msg.MSG_OOB | truncated,
      length: 1,
      control: {},
    };
  }
  if (tp.state === TCP_CLOSE || (tp.shutdownMask & RCV_SHUTDOWN) !== 0)
    return {
      data: new Uint8Array(0),
      from: { family: 'unspec' },
      flags: 0,
      length: 0,
      control: {},
    };
  return -Errno.EAGAIN;
}
