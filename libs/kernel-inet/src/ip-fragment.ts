/**
 * Putting fragments together again. Sources: net/ipv4/ip_fragment.c, inet_fragment.c; RFC 791 §3.2, RFC 815; overlapping
 * fragments kill their datagram (RFC 8200 §4.5 for IPv6, and Linux for IPv4 too), exact duplicates are dropped alone.
 */
import { Timer } from '@netloom/engine';
import {
  DropReason,
  LL_MAX_HEADER,
  Mib,
  mibAdd,
  skbPut,
  type Dst,
  type Net,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  ICMP_EXC_FRAGTIME,
  ICMP_TIME_EXCEEDED,
  IP_MF,
  IP_OFFSET,
  ipHeaderSum,
  iphDaddr,
  iphFragOff,
  iphId,
  iphIhl,
  iphProtocol,
  iphSaddr,
  iphSetCheck,
  iphSetFragOff,
  iphSetTotLen,
} from '@netloom/wire';
import { icmpSend } from './icmp-send.js';
import { Ipv4Sysctl, ipv4Of } from './ipv4-net.js';

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly skb: SkBuff;
}

interface Queue {
  readonly key: string;
  /** Sorted, not overlapping. */
  readonly pieces: Piece[];
  /** Payload bytes of the whole datagram, -1 until the last fragment came. */
  total: number;
  have: number;
  memory: number;
  readonly timer: Timer;
}

/** The datagrams of a namespace that are not complete yet. */
export class FragTable {
  private table: Map<string, Queue> | null = null;
  /** Bytes (truesize) that waiting fragments hold. */
  memory = 0;

  constructor(readonly net: Net) {}

  get queues(): Map<string, Queue> {
    return (this.table ??= new Map());
  }

  drop(queue: Queue, reason: number): void {
    this.queues.delete(queue.key);
    this.memory -= queue.memory;
    queue.timer.cancel();
    for (const piece of queue.pieces) this.net.kernel.kfreeSkbReason(piece.skb, reason);
    mibAdd(this.net.mib, Mib.IpReasmFails, 1);
    queue.pieces.length = 0;
  }
}

/**
 * Takes a fragment (data at its IP header). Consumes it.
 * @returns the whole datagram when this fragment completes it, else null. @kernel ip_defrag()
 */
export function ipDefrag(net: Net, skb: SkBuff): SkBuff | null {
  const table = ipv4Of(net).frags;
  const mem = skb.mem;
  const o = skb.networkHeader;
  mibAdd(net.mib, Mib.IpReasmReqds, 1);
  const header = iphIhl(mem, o) * 4;
  const fragOff = iphFragOff(mem, o);
  const from = (fragOff & IP_OFFSET) << 3;
  const more = (fragOff & IP_MF) !== 0;
  let size = skb.len - header;
  if (more) size &= ~7;
  const to = from + size;
  const high = ipv4Of(net).sysctl(Ipv4Sysctl.ipfrag_high_thresh);
  if (table.memory > high) {
    mibAdd(net.mib, Mib.IpReasmFails, 1);
    net.kernel.kfreeSkbReason(skb, DropReason.NOMEM);
    return null;
  }
  const key = `${iphSaddr(mem, o)}/${iphDaddr(mem, o)}/${iphId(mem, o)}/${iphProtocol(mem, o)}`;
  const queue = table.queues.get(key) ?? newQueue(table, key);
  const known = queue.pieces[queue.pieces.length - 1]?.to ?? 0;
  const ends = more
    ? queue.total >= 0 && to > queue.total
    : to < known || (queue.total >= 0 && to !== queue.total);
  if (ends || size <= 0) {
    net.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    table.drop(queue, DropReason.NOT_SPECIFIED);
    return null;
  }
  const at = queue.pieces.findIndex((piece) => piece.to > from);
  const index = at < 0 ? queue.pieces.length : at;
  const next = queue.pieces[index];
  if (next !== undefined && next.from < to) {
    net.kernel.kfreeSkbReason(skb, DropReason.DUP_FRAG);
    if (withinRun(queue.pieces, index, from, to)) return null;
    mibAdd(net.mib, Mib.IpExtReasmOverlaps, 1);
    table.drop(queue, DropReason.DUP_FRAG);
    return null;
  }
  if (!more) queue.total = to;
  queue.pieces.splice(index, 0, { from, to, skb });
  queue.have += size;
  queue.memory += skb.truesize;
  table.memory += skb.truesize;
  const dst = skb.dst;
  skb.dst = null;
  return queue.total >= 0 && queue.have === queue.total ? reassemble(table, queue, dst) : null;
}

/** Whether all of [from, to) has come already, in pieces that touch; `index` is the first that ends behind `from`. */
function withinRun(pieces: readonly Piece[], index: number, from: number, to: number): boolean {
  let end = from;
  for (let i = index; i < pieces.length && (pieces[i] as Piece).from <= end && end < to; i++)
    end = (pieces[i] as Piece).to;
  return end >= to;
}

function newQueue(table: FragTable, key: string): Queue {
  const { net } = table;
  const engine = net.kernel.engine;
  const queue: Queue = {
    key,
    pieces: [],
    total: -1,
    have: 0,
    memory: 0,
    timer: new Timer(engine, () => {
      expire(table, queue);
    }),
  };
  queue.timer.set(engine.now + ipv4Of(net).sysctl(Ipv4Sysctl.ipfrag_time) * 1e9);
  table.queues.set(key, queue);
  return queue;
}

/** Gives up; the sender hears of it where the first fragment arrived. @kernel ip_expire() */
function expire(table: FragTable, queue: Queue): void {
  mibAdd(table.net.mib, Mib.IpReasmTimeout, 1);
  const first = queue.pieces[0];
  if (first?.from === 0) icmpSend(first.skb, ICMP_TIME_EXCEEDED, ICMP_EXC_FRAGTIME, 0);
  table.drop(queue, DropReason.FRAG_REASM_TIMEOUT);
}

function reassemble(table: FragTable, queue: Queue, dst: Dst | null): SkBuff | null {
  const { net } = table;
  table.queues.delete(queue.key);
  table.memory -= queue.memory;
  queue.timer.cancel();
  const first = (queue.pieces[0] as Piece).skb;
  const mem = first.mem;
  const header = iphIhl(mem, first.networkHeader) * 4;
  const oversize = header + queue.total > 0xffff;
  const whole = oversize ? null : first.pool.alloc(header + queue.total, LL_MAX_HEADER);
  if (whole === null) {
    for (const piece of queue.pieces)
      net.kernel.kfreeSkbReason(piece.skb, oversize ? DropReason.PKT_TOO_BIG : DropReason.NOMEM);
    mibAdd(net.mib, Mib.IpReasmFails, 1);
    return null;
  }
  const o = skbPut(whole, header + queue.total);
  mem.copy(o - 14, first.networkHeader - 14, header + 14);
  for (const piece of queue.pieces) {
    const start = piece.skb.networkHeader + iphIhl(mem, piece.skb.networkHeader) * 4;
    mem.copy(o + header + piece.from, start, piece.to - piece.from);
  }
  iphSetTotLen(mem, o, header + queue.total);
  iphSetFragOff(mem, o, 0);
  iphSetCheck(mem, o, 0);
  iphSetCheck(mem, o, ~ipHeaderSum(mem, o, header >>> 2) & 0xffff);
  whole.dst = dst;
  whole.dev = first.dev as NetDevice;
  whole.skbIif = first.skbIif;
  whole.protocol = first.protocol;
  whole.pktType = first.pktType;
  whole.mark = first.mark;
  whole.tstamp = first.tstamp;
  whole.packetId = first.packetId;
  whole.macHeader = o - 14;
  whole.networkHeader = o;
  whole.transportHeader = o + header;
  for (const piece of queue.pieces) piece.skb.pool.release(piece.skb);
  mibAdd(net.mib, Mib.IpReasmOKs, 1);
  return whole;
}
