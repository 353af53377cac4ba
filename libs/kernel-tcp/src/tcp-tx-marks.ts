/**
 * What a socket wants to be told about bytes that it sends: that a buffer given with MSG_ZEROCOPY is free again, and when
 * the last byte of a write went to the queue, to the wire, and was acknowledged (SO_TIMESTAMPING). Answers come on the
 * error queue. tcp-sendmsg notes, tcp-transmit and tcp-ack → here.
 *
 * The list is kept by sequence number, apart from the segments, so that splitting and joining them costs nothing.
 * Sources: net/ipv4/tcp.c tcp_tx_timestamp(), tcp_input.c tcp_ack_tstamp(), net/core/skbuff.c msg_zerocopy_…(),
 * Documentation/networking/{msg_zerocopy,timestamping}.rst. The stack takes bytes over at once here, whatever the flag
 * says; "copied" tells what Linux would tell of the same path, so that a program can compare.
 */
import { Errno, seqAfter, seqBefore } from '@netloom/base';
import { Feature } from '@netloom/kernel-core';
import { Msg } from '@netloom/sys';
import { TCP_CLOSE, TCP_LISTEN } from './tcp-const.js';
import type { TcpSock } from './tcp-sock.js';

const SOF_TIMESTAMPING_TX_SOFTWARE = 0x2;
const SOF_TIMESTAMPING_SOFTWARE = 0x10;
export const SOF_TIMESTAMPING_OPT_ID = 0x80;
const SOF_TIMESTAMPING_TX_SCHED = 0x100;
const SOF_TIMESTAMPING_TX_ACK = 0x200;
const SOF_TIMESTAMPING_OPT_TSONLY = 0x800;
const SOF_TIMESTAMPING_OPT_ID_TCP = 0x10000;
const SOF_TIMESTAMPING_TX =
  SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_ACK;

const SCM_TSTAMP_SND = 0;
const SCM_TSTAMP_SCHED = 1;
const SCM_TSTAMP_ACK = 2;
const SO_EE_ORIGIN_TIMESTAMPING = 4;
const SO_EE_CODE_ZEROCOPY_COPIED = 1;

/** Devices whose packets Linux copies on their way (skb_orphan_frags_rx). */
const COPYING_DRIVERS: ReadonlySet<string> = new Set(['loopback', 'veth', 'tun', 'netkit']);

interface TxMark {
  /** Behind the last byte. */
  endSeq: number;
  /** Number of the zero-copy send, -1 for a mark of time. */
  readonly zerocopy: number;
  readonly tsFlags: number;
}

export class TcpTxMarks {
  readonly list: TxMark[] = [];
  zerocopyId = 0;
  /** Sequence number that counts as byte 0 of SO_TIMESTAMPING's identifiers. */
  tsKey = 0;
  /** Bytes sent with MSG_ZEROCOPY, and those of them that had to be copied. */
  zerocopyBytes = 0;
  copiedBytes = 0;
}

function marksOf(tp: TcpSock): TcpTxMarks {
  return (tp.txMarks ??= new TcpTxMarks());
}

/** SO_TIMESTAMPING with OPT_ID starts to count at a byte of the stream. 0 or -EINVAL. @kernel sock_set_timestamping() */
export function tcpSetTimestamping(tp: TcpSock, flags: number): number {
  if ((flags & SOF_TIMESTAMPING_OPT_ID) === 0 || (tp.tsFlags & SOF_TIMESTAMPING_OPT_ID) !== 0)
    return 0;
  if (tp.state === TCP_CLOSE || tp.state === TCP_LISTEN) return -Errno.EINVAL;
  marksOf(tp).tsKey = (flags & SOF_TIMESTAMPING_OPT_ID_TCP) !== 0 ? tp.writeSeq : tp.sndUna;
  return 0;
}

/**
 * Notes what is to be told of a write whose bytes are queued up to writeSeq. `continued`: it goes on with the one before.
 */
export function tcpNoteSend(tp: TcpSock, flags: number, bytes: number, continued: boolean): void {
  const zerocopy = (flags & Msg.MSG_ZEROCOPY) !== 0 && tp.zerocopy;
  const stamped = (tp.tsFlags & SOF_TIMESTAMPING_TX) !== 0;
  if (!zerocopy && !stamped) return;
  const marks = marksOf(tp);
  if (zerocopy) {
    marks.zerocopyBytes += bytes;
    if (copies(tp)) marks.copiedBytes += bytes;
    const last = marks.list.findLast((mark) => mark.zerocopy >= 0);
    if (continued && last !== undefined) last.endSeq = tp.writeSeq;
    else marks.list.push({ endSeq: tp.writeSeq, zerocopy: marks.zerocopyId++, tsFlags: 0 });
  }
  if (stamped) {
    const last = marks.list.findLast((mark) => mark.zerocopy < 0);
    if (continued && last !== undefined) last.endSeq = tp.writeSeq;
    else marks.list.push({ endSeq: tp.writeSeq, zerocopy: -1, tsFlags: tp.tsFlags });
  }
}

function copies(tp: TcpSock): boolean {
  const dev = tp.dst?.dev;
  if (dev === undefined) return true;
  return (dev.features & Feature.HW_CSUM) === 0 || COPYING_DRIVERS.has(dev.ops.driver);
}

function report(tp: TcpSock, marks: TcpTxMarks, mark: TxMark, what: number): void {
  const flags = tp.tsFlags;
  const last = (mark.endSeq - 1) >>> 0;
  const key = (flags & SOF_TIMESTAMPING_OPT_ID) !== 0 ? (last - marks.tsKey) >>> 0 : 0;
  const payload = (flags & SOF_TIMESTAMPING_OPT_TSONLY) !== 0 ? 0 : 1;
  tp.queueTxTimestamp(
    new Uint8Array(payload),
    {
      errno: Errno.ENOMSG,
      origin: SO_EE_ORIGIN_TIMESTAMPING,
      type: 0,
      code: 0,
      info: what,
      data: key,
      offender: { family: 'unspec' },
    },
    (flags & SOF_TIMESTAMPING_SOFTWARE) !== 0 ? tp.now : undefined,
  );
}

/** A segment [seq, end) leaves: marks of its last bytes are told of queue and wire. */
export function tcpTxMarksSent(tp: TcpSock, seq: number, end: number): void {
  const marks = tp.txMarks;
  if (marks === null) return;
  for (const mark of marks.list) {
    if (mark.zerocopy >= 0 || !seqAfter(mark.endSeq, seq) || seqAfter(mark.endSeq, end)) continue;
    if ((mark.tsFlags & SOF_TIMESTAMPING_TX_SCHED) !== 0) report(tp, marks, mark, SCM_TSTAMP_SCHED);
    if ((mark.tsFlags & SOF_TIMESTAMPING_TX_SOFTWARE) !== 0)
      report(tp, marks, mark, SCM_TSTAMP_SND);
  }
}

/** All up to sndUna is acknowledged. */
export function tcpTxMarksAcked(tp: TcpSock): void {
  settle(tp, (mark) => !seqBefore(tp.sndUna, mark.endSeq), true);
}

/** The connection has ended: buffers are free, times will never be known. */
export function tcpTxMarksPurge(tp: TcpSock): void {
  settle(tp, () => true, false);
}

function settle(tp: TcpSock, done: (mark: TxMark) => boolean, acked: boolean): void {
  const marks = tp.txMarks;
  if (marks === null) return;
  const code = copies(tp) ? SO_EE_CODE_ZEROCOPY_COPIED : 0;
  while (marks.list.length > 0) {
    const mark = marks.list[0] as TxMark;
    if (!done(mark)) return;
    marks.list.shift();
    if (mark.zerocopy >= 0) tp.queueCompletion(mark.zerocopy, code);
    else if (acked && (mark.tsFlags & SOF_TIMESTAMPING_TX_ACK) !== 0)
      report(tp, marks, mark, SCM_TSTAMP_ACK);
  }
}
