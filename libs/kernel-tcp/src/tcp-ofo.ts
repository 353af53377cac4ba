/**
 * The out-of-order queue: segments ahead of rcvNxt, in order, and the SACK blocks that report them.
 * tcp-data → tcpDataQueueOfo, tcpOfoQueue. Sources: net/ipv4/tcp_input.c tcp_data_queue_ofo(), RFC 2018, RFC 2883.
 */
import { seqAfter, seqBefore } from '@netloom/base';
import { DropReason, Mib, mibAdd, skbSetOwnerR, type SkBuff } from '@netloom/kernel-core';
import { TCPHDR_FIN } from '@netloom/wire';
import { TCP_ECN_OK, tcpDataEcnCheck } from './tcp-ecn.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpDsackSet, tcpSackNewOfo } from './tcp-options.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpQueueRcv, tcpTryRmemSchedule } from './tcp-rmem.js';
import { tcpGrowWindow, tcpRcvbufGrow } from './tcp-window.js';

/** Reports a duplicate range in the next ACK. @kernel tcp_dsack_set() */
export function tcpReportDuplicate(tp: TcpSock, start: number, end: number): void {
  if (!tp.rxOpt.sackOk || tp.tn.sysctl(TcpSysctl.tcp_dsack) === 0) return;
  mibAdd(
    tp.net.mib,
    seqBefore(start, tp.rcvNxt) ? Mib.TcpExtTCPDSACKOldSent : Mib.TcpExtTCPDSACKOfoSent,
    1,
  );
  tcpDsackSet(tp, start, end);
}

/** Widens the duplicate reported. @kernel tcp_dsack_extend() */
function extendDuplicate(tp: TcpSock, start: number, end: number): void {
  if (!tp.rxOpt.dsack) {
    tcpReportDuplicate(tp, start, end);
    return;
  }
  if (seqAfter(start, tp.dsackEnd) || seqAfter(tp.dsackStart, end)) return;
  if (seqBefore(start, tp.dsackStart)) tp.dsackStart = start;
  if (seqAfter(end, tp.dsackEnd)) tp.dsackEnd = end;
}

/** Queues a segment that lies ahead. Consumes it. @kernel tcp_data_queue_ofo() */
export function tcpDataQueueOfo(tp: TcpSock, skb: SkBuff): void {
  const mib = tp.net.mib;
  const kernel = tp.net.kernel;
  if ((tp.ecnFlags & TCP_ECN_OK) !== 0) tcpDataEcnCheck(tp, skb);
  if (!tcpTryRmemSchedule(tp, skb)) {
    mibAdd(mib, Mib.TcpExtTCPOFODrop, 1);
    if (tp.dataReady !== null) tp.dataReady(tp);
    kernel.kfreeSkbReason(skb, DropReason.PROTO_MEM);
    return;
  }
  tp.predictable = false;
  tp.rcvOoopack += Math.max(1, skb.gsoSegs);
  mibAdd(mib, Mib.TcpExtTCPOFOQueue, 1);
  const queue = tp.ofoQueue;
  const seq = skb.cbSeq;
  const end = skb.cbEndSeq;
  if (queue.length === 0) {
    queue.push(skb);
    if (tp.rxOpt.sackOk) {
      tp.numSacks = 0;
      tcpSackNewOfo(tp, seq, end);
    }
    growBuffers(tp, skb, false);
    return;
  }
  let at = queue.upperBound(seq);
  if (at > 0) {
    const before = queue.at(at - 1);
    if (seqBefore(seq, before.cbEndSeq)) {
      if (!seqAfter(end, before.cbEndSeq)) {
        mibAdd(mib, Mib.TcpExtTCPOFOMerge, 1);
        tcpReportDuplicate(tp, seq, end);
        addSack(tp, seq, end);
        kernel.kfreeSkbReason(skb, DropReason.TCP_OFOMERGE);
        return;
      }
      if (before.cbSeq === seq) {
        // The new one covers it whole.
        extendDuplicate(tp, before.cbSeq, before.cbEndSeq);
        mibAdd(mib, Mib.TcpExtTCPOFOMerge, 1);
        kernel.kfreeSkbReason(queue.remove(at - 1), DropReason.TCP_OFOMERGE);
        at--;
      } else {
        tcpReportDuplicate(tp, seq, before.cbEndSeq);
      }
    }
  }
  const joins = at > 0 && queue.at(at - 1).cbEndSeq === seq;
  queue.insert(at, skb);
  // Those behind that it covers go; the first it only overlaps stays.
  while (at + 1 < queue.length) {
    const next = queue.at(at + 1);
    if (!seqAfter(end, next.cbSeq)) break;
    if (seqBefore(end, next.cbEndSeq)) {
      extendDuplicate(tp, next.cbSeq, end);
      break;
    }
    extendDuplicate(tp, next.cbSeq, next.cbEndSeq);
    mibAdd(mib, Mib.TcpExtTCPOFOMerge, 1);
    kernel.kfreeSkbReason(queue.remove(at + 1), DropReason.TCP_OFOMERGE);
  }
  addSack(tp, seq, end);
  growBuffers(tp, skb, joins);
}

/** What lies ahead shows how much is on its way: a socket that somebody reads gets room for it. */
function growBuffers(tp: TcpSock, skb: SkBuff, joins: boolean): void {
  if (joins) skbSetOwnerR(skb, tp); // its memory counts already
  // Without SACK a growing window would hide that these ACKs are duplicates.
  if (tp.rxOpt.sackOk) tcpGrowWindow(tp, skb);
  if (!joins) skbSetOwnerR(skb, tp);
  if (tp.ino !== 0) tcpRcvbufGrow(tp, tp.rcvqSpace);
}

function addSack(tp: TcpSock, start: number, end: number): void {
  if (tp.rxOpt.sackOk) tcpSackNewOfo(tp, start, end);
}

/**
 * Moves what has become in order to the receive queue.
 * @returns true when one of the segments carried FIN. @kernel tcp_ofo_queue()
 */
export function tcpOfoQueue(tp: TcpSock): boolean {
  const queue = tp.ofoQueue;
  const kernel = tp.net.kernel;
  let fin = false;
  const dsackHigh = tp.rcvNxt;
  for (let skb = queue.first; skb !== null; skb = queue.first) {
    if (seqAfter(skb.cbSeq, tp.rcvNxt)) break;
    if (seqBefore(skb.cbSeq, dsackHigh)) {
      extendDuplicate(tp, skb.cbSeq, seqBefore(skb.cbEndSeq, dsackHigh) ? skb.cbEndSeq : dsackHigh);
    }
    queue.shift();
    if (!seqAfter(skb.cbEndSeq, tp.rcvNxt)) {
      kernel.kfreeSkbReason(skb, DropReason.TCP_OFO_DROP);
      continue;
    }
    if ((skb.cbFlags & TCPHDR_FIN) !== 0) fin = true;
    tcpQueueRcv(tp, skb, true);
    if (fin) break;
  }
  return fin;
}
