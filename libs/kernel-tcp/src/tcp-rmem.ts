/**
 * The receive queue and the memory it may take. Sources: net/ipv4/tcp_input.c tcp_queue_rcv(), tcp_prune_queue().
 */
import {
  DropReason,
  Mib,
  mibAdd,
  skbSetOwnerR,
  skbTailroom,
  type SkBuff,
} from '@netloom/kernel-core';
import { TCPHDR_FIN } from '@netloom/wire';
import type { TcpSock } from './tcp-sock.js';
import { tcpClampWindow } from './tcp-window.js';

/** Advances rcvNxt. @kernel tcp_rcv_nxt_update() */
export function tcpRcvNxtUpdate(tp: TcpSock, seq: number): void {
  tp.bytesReceived += (seq - tp.rcvNxt) >>> 0;
  tp.rcvNxt = seq;
}

/** Appends a small segment's bytes to the one before, where that has room: keeps memory use in proportion. */
function tryCoalesce(tp: TcpSock, to: SkBuff, skb: SkBuff): boolean {
  if ((to.cbFlags & TCPHDR_FIN) !== 0 || skb.cbSeq !== to.cbEndSeq) return false;
  if (skb.len > skbTailroom(to) || skb.dataLen > 0 || to.mem.shared(to.slot)) return false;
  to.mem.copy(to.tail, skb.data, skb.len);
  to.tail += skb.len;
  to.len += skb.len;
  to.cbEndSeq = skb.cbEndSeq;
  to.cbFlags |= skb.cbFlags;
  mibAdd(tp.net.mib, Mib.TcpExtTCPRcvCoalesce, 1);
  return true;
}

/** Puts an in-order segment (data at its payload) on the receive queue. Consumes it. @kernel tcp_queue_rcv() */
export function tcpQueueRcv(tp: TcpSock, skb: SkBuff, owned = false): void {
  const tail = tp.receiveQueue.tail;
  const end = skb.cbEndSeq;
  if ((tp.timestamp || tp.tsFlags !== 0) && skb.tstamp === 0) skb.tstamp = tp.now;
  if (tail !== null && tryCoalesce(tp, tail, skb)) {
    skb.pool.release(skb);
  } else {
    tp.receiveQueue.push(skb);
    if (!owned) skbSetOwnerR(skb, tp);
  }
  tcpRcvNxtUpdate(tp, end);
}

/** Whether a segment may be kept; gives up what lies out of order before it says no. @kernel tcp_try_rmem_schedule() */
export function tcpTryRmemSchedule(tp: TcpSock, skb: SkBuff): boolean {
  return tp.rmemAlloc <= tp.rcvbuf || pruneQueue(tp, skb);
}

/** @kernel tcp_prune_queue() */
function pruneQueue(tp: TcpSock, incoming: SkBuff): boolean {
  const mib = tp.net.mib;
  mibAdd(mib, Mib.TcpExtPruneCalled, 1);
  if (tp.rmemAlloc >= tp.rcvbuf) tcpClampWindow(tp);
  if (tp.rmemAlloc <= tp.rcvbuf) return true;
  pruneOfoQueue(tp, incoming);
  if (tp.rmemAlloc <= tp.rcvbuf) return true;
  mibAdd(mib, Mib.TcpExtRcvPruned, 1);
  tp.predictable = false;
  return false;
}

/** Drops the farthest segments first; the peer must be told that they are gone. @kernel tcp_prune_ofo_queue() */
function pruneOfoQueue(tp: TcpSock, incoming: SkBuff): void {
  const queue = tp.ofoQueue;
  let pruned = false;
  for (let last = queue.last; last !== null && tp.rmemAlloc > tp.rcvbuf; last = queue.last) {
    if (((incoming.cbSeq - last.cbSeq) | 0) > 0) break; // not for the sake of one even farther away
    tp.net.kernel.kfreeSkbReason(queue.remove(queue.length - 1), DropReason.TCP_OFO_QUEUE_PRUNE);
    pruned = true;
  }
  if (!pruned) return;
  mibAdd(tp.net.mib, Mib.TcpExtOfoPruned, 1);
  tp.numSacks = 0; // reneging is allowed (RFC 2018 §8): the blocks are rebuilt from what comes
  tp.rxOpt.dsack = false;
}
