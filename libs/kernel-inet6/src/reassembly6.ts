/**
 * Putting fragments together again. Sources: RFC 8200 §4.5, RFC 5722, net/ipv6/reassembly.c. Overlapping fragments kill
 * their packet; exact duplicates are dropped alone.
 */
import { Timer } from '@netloom/engine';
import {
  DropReason,
  LL_MAX_HEADER,
  Mib6,
  pskbMayPull,
  skbPut,
  type Net,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  ICMPV6_EXC_FRAGTIME,
  ICMPV6_HDR_FIELD,
  ICMPV6_HDR_INCOMP,
  ICMPV6_TIME_EXCEED,
  in6Text,
  IP6_HLEN,
  ip6hDaddr,
  ip6hPayloadLen,
  ip6hSaddr,
  ip6hSetPayloadLen,
  IPV6_ADDR_LINKLOCAL,
  IPV6_ADDR_MULTICAST,
  ipv6AddrType,
  NEXTHDR_ICMP,
  NEXTHDR_TCP,
  NEXTHDR_UDP,
} from '@netloom/wire';
import { icmpv6ParamProb, IP6SKB_FRAGMENTED, ipv6SkipExthdr } from './exthdrs.js';
import { icmpv6Send } from './icmpv6-send.js';
import { ipv6Of, Ipv6Sysctl } from './ipv6-net.js';

const FRAG_HLEN = 8;
const IP6_MF = 1;
const IP6_OFFSET = 0xfff8;
/** Ethernet header kept in front of a packet for those who look at it. */
const MAC_HLEN = 14;

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly skb: SkBuff;
  /** Where its payload starts in packet memory, from the network header. */
  readonly start: number;
  /** Offset of the field that named the fragment header. */
  readonly nhoff: number;
}

interface Queue {
  readonly key: string;
  /** Sorted, not overlapping. */
  readonly pieces: Piece[];
  /** Bytes of the fragmentable part, -1 until the last fragment came. */
  total: number;
  have: number;
  memory: number;
  readonly timer: Timer;
}

/** The packets of a namespace that are not complete yet. */
export class Frag6Table {
  readonly queues = new Map<string, Queue>();
  /** Bytes (truesize) that waiting fragments hold. */
  memory = 0;

  constructor(readonly net: Net) {}

  drop(queue: Queue, reason: number): void {
    this.queues.delete(queue.key);
    this.memory -= queue.memory;
    queue.timer.cancel();
    for (const piece of queue.pieces) this.net.kernel.kfreeSkbReason(piece.skb, reason);
    this.net.mib6.add(Mib6.Ip6ReasmFails, 1);
    queue.pieces.length = 0;
  }
}

/**
 * Takes a fragment whose fragment header is at `transportHeader`.
 * @param nhoff offset from the network header of the field that named it
 * @returns the packet to go on with (the same one where it was whole), or null where it was taken or dropped
 * @kernel ipv6_frag_rcv()
 */
export function ipv6FragRcv(skb: SkBuff, dev: NetDevice, nhoff: number): SkBuff | null {
  const { net } = dev;
  const m = skb.mem;
  const o = skb.networkHeader;
  const at = skb.transportHeader;
  const bad = (pointer: number): null => {
    net.mib6.add(Mib6.Ip6InHdrErrors, 1);
    icmpv6ParamProb(skb, ICMPV6_HDR_FIELD, pointer);
    return null;
  };
  if ((skb.cbFlags2 & IP6SKB_FRAGMENTED) !== 0) return bad(at - o);
  net.mib6.add(Mib6.Ip6ReasmReqds, 1);
  if (ip6hPayloadLen(m, o) === 0 || !pskbMayPull(skb, at - skb.data + FRAG_HLEN))
    return bad(at - o);
  const fragOff = m.dv.getUint16(at + 2);
  if ((fragOff & (IP6_OFFSET | IP6_MF)) === 0) {
    skb.transportHeader = at + FRAG_HLEN; // an atomic fragment
    net.mib6.add(Mib6.Ip6ReasmOKs, 1);
    skb.cbFlags2 |= IP6SKB_FRAGMENTED;
    return skb;
  }
  if ((fragOff & IP6_OFFSET) === 0 && headersCut(skb, at)) {
    net.mib6.add(Mib6.Ip6InHdrErrors, 1);
    icmpv6ParamProb(skb, ICMPV6_HDR_INCOMP, 0);
    return null;
  }
  const from = fragOff & IP6_OFFSET;
  const start = at + FRAG_HLEN - o;
  const to = from + ip6hPayloadLen(m, o) - (start - IP6_HLEN);
  const more = (fragOff & IP6_MF) !== 0;
  if (to > 0xffff) return bad(at + 2 - o);
  if (more && (to & 7) !== 0) return bad(4);
  return enqueue(skb, dev, { from, to, skb, start, nhoff }, more);
}

/** A first fragment must hold all headers up to the upper layer's (RFC 7112). @kernel ipv6frag_thdr_truncated() */
function headersCut(skb: SkBuff, at: number): boolean {
  const end = skb.data + skb.len;
  const walked = ipv6SkipExthdr(skb.mem, at + FRAG_HLEN, end, skb.mem.u8[at] as number);
  if (walked.offset < 0) return walked.nexthdr !== 59;
  const need =
    walked.nexthdr === NEXTHDR_TCP
      ? 20
      : walked.nexthdr === NEXTHDR_UDP || walked.nexthdr === NEXTHDR_ICMP
        ? 8
        : 1;
  return walked.offset + need > end;
}

function enqueue(skb: SkBuff, dev: NetDevice, piece: Piece, more: boolean): SkBuff | null {
  const { net } = dev;
  const { kernel } = net;
  const ipv6 = ipv6Of(net);
  const table = (ipv6.frags ??= new Frag6Table(net));
  if (table.memory > ipv6.sysctl(Ipv6Sysctl.ip6frag_high_thresh)) {
    net.mib6.add(Mib6.Ip6ReasmFails, 1);
    kernel.kfreeSkbReason(skb, DropReason.NOMEM);
    return null;
  }
  const m = skb.mem;
  const o = skb.networkHeader;
  const daddr = ip6hDaddr(m, o);
  const linkOnly = (ipv6AddrType(daddr) & (IPV6_ADDR_MULTICAST | IPV6_ADDR_LINKLOCAL)) !== 0;
  const key = `${in6Text(ip6hSaddr(m, o))}/${in6Text(daddr)}/${m.dv.getUint32(skb.transportHeader + 4)}/${linkOnly ? dev.ifindex : 0}`;
  const queue = table.queues.get(key) ?? newQueue(table, key);
  const { from, to } = piece;
  const known = queue.pieces[queue.pieces.length - 1]?.to ?? 0;
  const ends = more
    ? queue.total >= 0 && to > queue.total
    : to < known || (queue.total >= 0 && to !== queue.total);
  if (ends || to <= from) {
    kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    table.drop(queue, DropReason.NOT_SPECIFIED);
    return null;
  }
  const found = queue.pieces.findIndex((other) => other.to > from);
  const index = found < 0 ? queue.pieces.length : found;
  const next = queue.pieces[index];
  if (next !== undefined && next.from < to) {
    kernel.kfreeSkbReason(skb, DropReason.DUP_FRAG);
    if (!withinRun(queue.pieces, index, from, to)) table.drop(queue, DropReason.DUP_FRAG);
    return null;
  }
  if (!more) queue.total = to;
  queue.pieces.splice(index, 0, piece);
  queue.have += to - from;
  queue.memory += skb.truesize;
  table.memory += skb.truesize;
  return queue.total >= 0 && queue.have === queue.total ? reassemble(table, queue) : null;
}

/** Whether all of [from, to) has come already, in pieces that touch; `index` is the first that ends behind `from`. */
function withinRun(pieces: readonly Piece[], index: number, from: number, to: number): boolean {
  let end = from;
  for (let i = index; i < pieces.length && (pieces[i] as Piece).from <= end && end < to; i++)
    end = (pieces[i] as Piece).to;
  return end >= to;
}

function newQueue(table: Frag6Table, key: string): Queue {
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
  queue.timer.set(engine.now + ipv6Of(net).sysctl(Ipv6Sysctl.ip6frag_time) * 1e9);
  table.queues.set(key, queue);
  return queue;
}

/** Gives up; the sender hears of it where the first fragment arrived. @kernel ip6frag_expire_frag_queue() */
function expire(table: Frag6Table, queue: Queue): void {
  table.net.mib6.add(Mib6.Ip6ReasmTimeout, 1);
  const first = queue.pieces[0];
  if (first?.from === 0) icmpv6Send(first.skb, ICMPV6_TIME_EXCEED, ICMPV6_EXC_FRAGTIME, 0);
  table.drop(queue, DropReason.FRAG_REASM_TIMEOUT);
}

/** @kernel ip6_frag_reasm() */
function reassemble(table: Frag6Table, queue: Queue): SkBuff | null {
  const { net } = table;
  table.queues.delete(queue.key);
  table.memory -= queue.memory;
  queue.timer.cancel();
  const head = queue.pieces[0] as Piece;
  const first = head.skb;
  const m = first.mem;
  const unfragmentable = head.start - FRAG_HLEN;
  const length = unfragmentable + queue.total;
  const oversize = length - IP6_HLEN > 0xffff;
  const whole = oversize ? null : first.pool.alloc(length, LL_MAX_HEADER);
  if (whole === null) {
    for (const piece of queue.pieces)
      net.kernel.kfreeSkbReason(piece.skb, oversize ? DropReason.PKT_TOO_BIG : DropReason.NOMEM);
    net.mib6.add(Mib6.Ip6ReasmFails, 1);
    return null;
  }
  const o = skbPut(whole, length);
  m.copy(o - MAC_HLEN, first.networkHeader - MAC_HLEN, MAC_HLEN + unfragmentable);
  for (const piece of queue.pieces)
    m.copy(
      o + unfragmentable + piece.from,
      piece.skb.networkHeader + piece.start,
      piece.to - piece.from,
    );
  m.u8[o + head.nhoff] = m.u8[first.networkHeader + unfragmentable] as number;
  ip6hSetPayloadLen(m, o, length - IP6_HLEN);
  whole.dst = first.dst;
  whole.dev = first.dev;
  whole.skbIif = first.skbIif;
  whole.protocol = first.protocol;
  whole.pktType = first.pktType;
  whole.mark = first.mark;
  whole.tstamp = first.tstamp;
  whole.packetId = first.packetId;
  whole.macHeader = o - MAC_HLEN;
  whole.networkHeader = o;
  whole.transportHeader = o + unfragmentable;
  whole.cbFlags2 = first.cbFlags2 | IP6SKB_FRAGMENTED;
  for (const piece of queue.pieces) piece.skb.pool.release(piece.skb);
  net.mib6.add(Mib6.Ip6ReasmOKs, 1);
  return whole;
}
