/**
 * SACK blocks of an ACK against the retransmit queue: which segments arrived, DSACK, reordering.
 *
 * Blocks seen in the last ACK are skipped, and a block's segments are found by binary search, so that an ACK costs what it
 * tells anew. Sources: net/ipv4/tcp_input.c tcp_sacktag_write_queue(), RFC 2018, 2883, 6675.
 */
import { seqAfter, seqBefore } from '@netloom/base';
import { Mib, mibAdd, type SkBuff } from '@netloom/kernel-core';
import type { PacketMemory } from '@netloom/wire';
import {
  FLAG_DATA_SACKED,
  FLAG_DSACK_TLP,
  FLAG_DSACKING_ACK,
  FLAG_ORIG_SACK_ACKED,
} from './tcp-ack-flags.js';
import {
  TCP_CA_LOSS,
  TCPCB_LOST,
  TCPCB_RETRANS,
  TCPCB_SACKED_ACKED,
  TCPCB_SACKED_RETRANS,
} from './tcp-const.js';
import { tcpFragment } from './tcp-output.js';
import { tcpRackAdvance } from './tcp-rack.js';
import { tcpRateSkbDelivered } from './tcp-rate.js';
import { tcpCheckSackReordering, tcpHighestSackSeq } from './tcp-recovery.js';
import type { TcpSock } from './tcp-sock.js';
import { tsortedUnlink } from './tcp-state.js';

/** Bytes of a block. */
const BLOCK = 8;
const MAX_BLOCKS = 4;

/** A block that can be true of what we sent. @kernel tcp_is_sackblock_valid() */
function blockValid(tp: TcpSock, dsack: boolean, start: number, end: number): boolean {
  if (seqAfter(end, tp.sndNxt) || !seqBefore(start, end)) return false;
  if (!seqBefore(start, tp.sndNxt)) return false;
  if (seqAfter(start, tp.sndUna)) return true;
  if (!dsack || tp.undoMarker === 0) return false;
  if (seqAfter(end, tp.sndUna)) return false;
  return (
    !seqBefore(start, tp.undoMarker) ||
    (seqAfter(end, tp.undoMarker) && !seqBefore(start, (end - tp.maxWindow) >>> 0))
  );
}

/** The first block tells of a duplicate. @kernel tcp_check_dsack() */
function checkDsack(
  tp: TcpSock,
  m: PacketMemory,
  count: number,
  ack: number,
  priorSndUna: number,
): boolean {
  const at = tp.rxOpt.sackOff;
  const start = m.dv.getUint32(at);
  const end = m.dv.getUint32(at + 4);
  const mib = tp.net.mib;
  if (seqBefore(start, ack)) {
    mibAdd(mib, Mib.TcpExtTCPDSACKRecv, 1);
  } else if (count > 1) {
    if (seqAfter(end, m.dv.getUint32(at + 12)) || seqBefore(start, m.dv.getUint32(at + 8)))
      return false;
    mibAdd(mib, Mib.TcpExtTCPDSACKOfoRecv, 1);
  } else {
    return false;
  }
  const size = (end - start) >>> 0;
  if (size > tp.maxWindow) return true;
  const dupSegs = Math.max(1, Math.ceil(size / tp.mssCache));
  tp.ackFlag |= FLAG_DSACKING_ACK;
  tp.dsackDups += dupSegs;
  mibAdd(mib, Mib.TcpExtTCPDSACKRecvSegs, dupSegs);
  if (tp.tlpHighSeq !== 0 && tp.tlpRetrans && end === tp.tlpHighSeq)
    tp.ackFlag |= FLAG_DSACK_TLP; // of our probe
  else tp.rackDsackSeen = true;
  if (
    tp.undoMarker !== 0 &&
    tp.undoRetrans > 0 &&
    !seqAfter(end, priorSndUna) &&
    seqAfter(end, tp.undoMarker)
  ) {
    tp.undoRetrans = Math.max(0, tp.undoRetrans - dupSegs);
  }
  return true;
}

/** One segment was sacked, or reported as a duplicate. @kernel tcp_sacktag_one() */
function sacktagOne(tp: TcpSock, skb: SkBuff, dup: boolean): void {
  let sacked = skb.cbSacked;
  const segs = skb.gsoSegs;
  if (dup && (sacked & TCPCB_RETRANS) !== 0) {
    if (tp.undoMarker !== 0 && tp.undoRetrans > 0 && seqAfter(skb.cbEndSeq, tp.undoMarker))
      tp.undoRetrans = Math.max(0, tp.undoRetrans - segs);
    if ((sacked & TCPCB_SACKED_ACKED) !== 0 && seqBefore(skb.cbSeq, tp.ackReord))
      tp.ackReord = skb.cbSeq;
  }
  if (!seqAfter(skb.cbEndSeq, tp.sndUna)) return;
  if ((sacked & TCPCB_SACKED_ACKED) === 0) {
    tcpRackAdvance(tp, sacked, skb.cbEndSeq, skb.cbTime);
    if ((sacked & TCPCB_SACKED_RETRANS) !== 0) {
      // The retransmission (or late original) is in: nothing of it is under way any more.
      if ((sacked & TCPCB_LOST) !== 0) {
        sacked &= ~(TCPCB_LOST | TCPCB_SACKED_RETRANS);
        tp.lostOut -= segs;
        tp.retransOut -= segs;
      }
    } else {
      if ((sacked & TCPCB_RETRANS) === 0) {
        // Never retransmitted, and below what had been sacked: reordering.
        if (seqBefore(skb.cbSeq, tcpHighestSackSeq(tp)) && seqBefore(skb.cbSeq, tp.ackReord))
          tp.ackReord = skb.cbSeq;
        if (!seqAfter(skb.cbEndSeq, tp.highSeq)) tp.ackFlag |= FLAG_ORIG_SACK_ACKED;
        if (tp.ackFirstSackt < 0) tp.ackFirstSackt = skb.cbTime;
        tp.ackLastSackt = skb.cbTime;
      }
      if ((sacked & TCPCB_LOST) !== 0) {
        sacked &= ~TCPCB_LOST;
        tp.lostOut -= segs;
      }
    }
    sacked |= TCPCB_SACKED_ACKED;
    tp.ackFlag |= FLAG_DATA_SACKED;
    if (tp.sackedOut === 0 || seqAfter(skb.cbEndSeq, tp.highestSackEnd))
      tp.highestSackEnd = skb.cbEndSeq;
    tp.sackedOut += segs;
    tp.delivered += segs;
    tp.ackDeliveredBytes += skb.len;
    tcpRateSkbDelivered(tp, skb, (sacked & TCPCB_RETRANS) !== 0);
    tsortedUnlink(tp, skb);
  }
  if (dup && (sacked & TCPCB_SACKED_RETRANS) !== 0) {
    sacked &= ~TCPCB_SACKED_RETRANS;
    tp.retransOut -= segs;
  }
  skb.cbSacked = sacked;
}

/** Tags the segments of [start, end). @kernel tcp_sacktag_walk() */
function sacktagRange(tp: TcpSock, start: number, end: number, dup: boolean): void {
  const queue = tp.rtxQueue;
  for (let i = queue.search(start); i < queue.length; i++) {
    const skb = queue.at(i);
    if (!seqBefore(skb.cbSeq, end)) return;
    if (seqBefore(skb.cbSeq, start) || seqAfter(skb.cbEndSeq, end)) {
      // Partly covered: only whole segments count, so a larger one is cut at a segment's border.
      if (skb.gsoSegs === 1) continue;
      if (!cutAtBlock(tp, skb, start, end, i)) continue;
      if (seqBefore(skb.cbSeq, start)) continue;
    }
    sacktagOne(tp, skb, dup);
  }
}

/** Cuts a segment of several at the border of a block. @kernel tcp_match_skb_to_sack() */
function cutAtBlock(tp: TcpSock, skb: SkBuff, start: number, end: number, index: number): boolean {
  const mss = skb.gsoSize > 0 ? skb.gsoSize : tp.mssCache;
  const before = seqBefore(skb.cbSeq, start);
  const wanted = before
    ? Math.floor(((start - skb.cbSeq) >>> 0) / mss) * mss
    : Math.floor(((end - skb.cbSeq) >>> 0) / mss) * mss;
  return wanted > 0 && wanted < skb.len && tcpFragment(tp, skb, wanted, mss, index) === 0;
}

const NO_BLOCKS = new Float64Array(0);

/** Tags the parts of a block that the last ACK did not report. */
function sacktagNew(tp: TcpSock, start: number, end: number): void {
  const cache = tp.sackCache ?? NO_BLOCKS;
  for (let i = 0; i < tp.sackCacheLen; i++) {
    const s = cache[2 * i] as number;
    const e = cache[2 * i + 1] as number;
    if (!seqBefore(s, end) || !seqAfter(e, start)) continue;
    if (seqBefore(start, s)) sacktagRange(tp, start, s, false);
    if (seqAfter(end, e)) sacktagNew(tp, e, end);
    return;
  }
  sacktagRange(tp, start, end, false);
}

/** Puts a block among `count` that are in order of sequence. */
function insertBlock(blocks: Float64Array, count: number, start: number, end: number): void {
  let at = count;
  for (; at > 0 && seqBefore(start, blocks[2 * at - 2] as number); at--) {
    blocks[2 * at] = blocks[2 * at - 2] as number;
    blocks[2 * at + 1] = blocks[2 * at - 1] as number;
  }
  blocks[2 * at] = start;
  blocks[2 * at + 1] = end;
}

/**
 * Takes over the SACK blocks of the segment just parsed. Results go to `tp.ackFlag` and the counters.
 * @kernel tcp_sacktag_write_queue()
 */
export function tcpSacktagWriteQueue(
  tp: TcpSock,
  m: PacketMemory,
  ack: number,
  priorSndUna: number,
): void {
  const rx = tp.rxOpt;
  const count = Math.min(rx.sackCount, MAX_BLOCKS);
  if (tp.sackedOut === 0) tp.highestSackEnd = tp.sndUna;
  tp.ackReord = tp.sndNxt;
  const dsack = checkDsack(tp, m, rx.sackCount, ack, priorSndUna);
  // Too old to say anything about what is under way.
  if (seqBefore(ack, (priorSndUna - tp.maxWindow) >>> 0) || tp.packetsOut === 0) return;
  const blocks = tp.tn.sackNew;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const at = rx.sackOff + i * BLOCK;
    const start = m.dv.getUint32(at);
    const end = m.dv.getUint32(at + 4);
    const dup = dsack && i === 0;
    if (!blockValid(tp, dup, start, end)) {
      if (dup)
        mibAdd(
          tp.net.mib,
          tp.undoMarker === 0 ? Mib.TcpExtTCPDSACKIgnoredNoUndo : Mib.TcpExtTCPDSACKIgnoredOld,
          1,
        );
      else if (seqAfter(end, tp.sndUna)) mibAdd(tp.net.mib, Mib.TcpExtTCPSACKDiscard, 1);
    } else if (dup) {
      sacktagRange(tp, start, end, true);
    } else {
      insertBlock(blocks, kept++, start, end);
    }
  }
  // In order of sequence: a lower block first seen after a higher one would look like reordering.
  for (let i = 0; i < kept; i++)
    sacktagNew(tp, blocks[2 * i] as number, blocks[2 * i + 1] as number);
  (tp.sackCache ??= new Float64Array(2 * MAX_BLOCKS)).set(blocks);
  tp.sackCacheLen = kept;
  if (tp.caState !== TCP_CA_LOSS || tp.undoMarker !== 0)
    tcpCheckSackReordering(tp, tp.ackReord, false);
}
