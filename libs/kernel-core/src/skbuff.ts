/**
 * The socket buffer: a packet's bytes in packet memory and everything the kernel remembers of it.
 *
 *        head        data              tail           end
 *         │ headroom  │ packet, linear  │  tailroom    │      len = tail - data + dataLen
 *         └───────────┴─────────────────┴──────────────┘      dataLen = bytes in `frags`
 *
 * Pointers are absolute offsets in the lab's packet memory. A clone is another SkBuff on the same slot; whoever writes
 * calls `skbCow` first. SkBuffs are pooled and have one shape; nothing subclasses them.
 * Sources: include/linux/skbuff.h, net/core/skbuff.c. Unlike there, an SkBuff has one owner (no `users` count), and
 * header offsets are absolute.
 */
import { invariant, WIDE_ZERO } from '@netloom/base';
import type { PacketMemory } from '@netloom/wire';
import type { Dst } from './dst.js';
import type { NetDevice } from './net-device.js';
import type { Sock } from './sock.js';

export const PACKET_HOST = 0;
export const PACKET_BROADCAST = 1;
export const PACKET_MULTICAST = 2;
export const PACKET_OTHERHOST = 3;
export const PACKET_OUTGOING = 4;
export const PACKET_LOOPBACK = 5;

/** ip_summed: who vouches for the transport checksum. */
export const CHECKSUM_NONE = 0;
export const CHECKSUM_UNNECESSARY = 1;
export const CHECKSUM_COMPLETE = 2;
export const CHECKSUM_PARTIAL = 3;

/** Room kept in front of a packet that is built here: Ethernet, IP and tunnel headers, with the IP header aligned. */
export const LL_MAX_HEADER = 130;
/** Headroom of a received frame: even, so that the IP header behind 14 bytes of Ethernet is 4-aligned. */
export const NET_SKB_PAD = 66;
/** What an SkBuff itself counts for in socket memory. */
const SKB_OVERHEAD = 576; // sizeof(struct sk_buff) + sizeof(struct skb_shared_info), rounded as on x86-64

/** A page fragment of a non-linear packet: `size` bytes at `offset` in the slot that starts at `slot`. */
export interface SkbFrag {
  readonly slot: number;
  readonly offset: number;
  readonly size: number;
}

export class SkBuff {
  next: SkBuff | null = null;
  prev: SkBuff | null = null;

  slot = -1;
  head = 0;
  data = 0;
  tail = 0;
  end = 0;
  len = 0;
  dataLen = 0;
  frags: SkbFrag[] | null = null;
  /** Shares the payload with others but has the bytes in front of it, where its headers lie, to itself. */
  headOwned = false;

  macHeader = 0;
  networkHeader = 0;
  transportHeader = 0;

  dev: NetDevice | null = null;
  /** Index of the device it arrived on; 0 when made here. */
  skbIif = 0;
  protocol = 0;
  pktType = 0;
  ipSummed = 0;
  /** Where the checksum starts and where it goes, from csumStart (CHECKSUM_PARTIAL). */
  csumStart = 0;
  csumOffset = 0;
  csum = WIDE_ZERO;
  mark = 0;
  priority = 0;
  hash = 0;
  /** Receive time in virtual nanoseconds, 0 when not stamped. */
  tstamp = 0;
  queueMapping = 0;
  /** A tag beside the packet: PCP, DEI and VID, with bit 16 set for 802.1ad; -1 without one. */
  vlanTci = -1;
  /** 1: on its way out when it was redirected to an ifb, 2: on its way in; 0 not redirected. */
  redirected = 0;
  gsoSize = 0;
  gsoSegs = 0;
  gsoType = 0;

  sk: Sock | null = null;
  destructor: ((skb: SkBuff) => void) | null = null;
  dst: Dst | null = null;
  nfct: object | null = null;
  nfctInfo = 0;
  truesize = 0;
  /** Lineage: the same for clones, fragments and segments of one packet, across hosts. */
  packetId = 0;

  // cb: the layer that owns the packet keeps these (IP options, TCP sequence numbers, qdisc times)
  cbSeq = WIDE_ZERO;
  cbEndSeq = WIDE_ZERO;
  cbAck = WIDE_ZERO;
  cbFlags = 0;
  cbSacked = 0;
  cbTime = WIDE_ZERO;
  cbOptLen = 0;
  cbFlags2 = 0;

  /** The lab's packet memory. */
  readonly mem: PacketMemory;

  constructor(readonly pool: SkbPool) {
    this.mem = pool.mem;
  }
}

/** Allocates and takes back the SkBuffs of a lab. */
export class SkbPool {
  private readonly free: SkBuff[] = [];
  private packetIds = 0;
  /** SkBuffs handed out and not yet freed: zero when a lab is quiet. */
  live = 0;

  constructor(readonly mem: PacketMemory) {}

  /** A new lineage number. */
  nextPacketId(): number {
    return ++this.packetIds;
  }

  private take(): SkBuff {
    this.live++;
    const skb = this.free.pop();
    return skb === undefined ? new SkBuff(this) : skb;
  }

  /**
   * An empty packet with room for `size` bytes behind `headroom`; null when packet memory is exhausted.
   * @kernel net/core/skbuff.c __alloc_skb()
   */
  alloc(size: number, headroom: number): SkBuff | null {
    const total = size + headroom;
    const slot = this.mem.alloc(total);
    if (slot < 0) return null;
    const skb = this.take();
    skbReset(skb);
    skb.slot = slot;
    skb.head = slot;
    skb.data = skb.tail = slot + headroom;
    skb.end = slot + this.mem.slotSize(slot);
    skb.truesize = total + SKB_OVERHEAD;
    skb.packetId = 0;
    return skb;
  }

  /** An SkBuff around a slot that a card has filled: `length` bytes at `data`. @kernel napi_build_skb() */
  build(slot: number, data: number, length: number): SkBuff {
    const skb = this.take();
    skbReset(skb);
    skb.slot = slot;
    skb.head = slot;
    skb.data = data;
    skb.tail = data + length;
    skb.end = slot + this.mem.slotSize(slot);
    skb.len = length;
    skb.truesize = receivedTruesize(length);
    return skb;
  }

  /**
   * Makes a frame that has crossed a wire a newly received one, keeping its bytes: what a card's DMA and a fresh sk_buff
   * come to where nobody else holds the bytes, or only the payload, which who writes to it copies first. A checksum that
   * is still to be filled in stays so. False where all is shared, in fragments, or short of headroom.
   */
  adopt(skb: SkBuff): boolean {
    if (
      skb.frags !== null ||
      skb.destructor !== null ||
      skb.data - skb.head < NET_SKB_PAD ||
      (!skb.headOwned && this.mem.shared(skb.slot))
    )
      return false;
    const { headOwned, ipSummed, gsoSize } = skb;
    skbReset(skb);
    skb.headOwned = headOwned;
    skb.ipSummed = ipSummed;
    skb.gsoSize = gsoSize;
    skb.len = skb.tail - skb.data;
    skb.truesize = receivedTruesize(skb.len);
    skb.sk = null;
    skb.dst = null;
    skb.nfct = null;
    return true;
  }

  /** Another SkBuff over the same bytes. @kernel skb_clone() */
  clone(skb: SkBuff): SkBuff {
    const copy = this.take();
    skbReset(copy);
    skb.headOwned = false; // the head is shared now
    skbCopyHeader(copy, skb);
    copy.slot = skb.slot;
    copy.head = skb.head;
    copy.data = skb.data;
    copy.tail = skb.tail;
    copy.end = skb.end;
    copy.len = skb.len;
    copy.dataLen = skb.dataLen;
    copy.truesize = skb.truesize;
    copy.macHeader = skb.macHeader;
    copy.networkHeader = skb.networkHeader;
    copy.transportHeader = skb.transportHeader;
    copy.csumStart = skb.csumStart;
    this.mem.ref(skb.slot);
    if (skb.frags !== null) {
      copy.frags = skb.frags.slice();
      for (const frag of skb.frags) this.mem.ref(frag.slot);
    }
    return copy;
  }

  /**
   * A private, linear copy with `headroom` bytes in front and at least `extra` behind; null without memory.
   * @kernel skb_copy_expand()
   */
  copy(skb: SkBuff, headroom = skb.data - skb.head, extra = 0): SkBuff | null {
    const copy = this.alloc(skb.len + extra, headroom);
    if (copy === null) return null;
    skbCopyHeader(copy, skb);
    skbCopyBits(skb, 0, copy.data, skb.len);
    copy.tail = copy.data + skb.len;
    copy.len = skb.len;
    const shift = copy.data - skb.data;
    copy.macHeader = skb.macHeader + shift;
    copy.networkHeader = skb.networkHeader + shift;
    copy.transportHeader = skb.transportHeader + shift;
    copy.csumStart = skb.csumStart + shift;
    return copy;
  }

  /** Returns an SkBuff and its reference on the bytes. */
  release(skb: SkBuff): void {
    if (skb.destructor !== null) {
      skb.destructor(skb);
      skb.destructor = null;
    }
    invariant(skb.slot >= 0, 'sk_buff freed twice');
    this.mem.unref(skb.slot);
    skb.slot = -1;
    if (skb.frags !== null) {
      for (const frag of skb.frags) this.mem.unref(frag.slot);
      skb.frags = null;
    }
    skb.sk = null;
    skb.dst = null;
    skb.dev = null;
    skb.nfct = null;
    this.live--;
    this.free.push(skb);
  }
}

/** Memory that a received frame counts for: a driver copies it into a buffer of fitting size. */
function receivedTruesize(length: number): number {
  return ((length + NET_SKB_PAD + 63) & ~63) + SKB_OVERHEAD;
}

function skbReset(skb: SkBuff): void {
  skb.next = null;
  skb.prev = null;
  skb.headOwned = false;
  skb.len = 0;
  skb.dataLen = 0;
  skb.skbIif = 0;
  skb.protocol = 0;
  skb.pktType = PACKET_HOST;
  skb.ipSummed = CHECKSUM_NONE;
  skb.mark = 0;
  skb.priority = 0;
  skb.hash = 0;
  skb.tstamp = 0;
  skb.queueMapping = 0;
  skb.vlanTci = -1;
  skb.redirected = 0;
  skb.gsoSize = 0;
  skb.nfctInfo = 0;
  skb.cbOptLen = 0;
  skb.cbFlags2 = 0;
}

function skbCopyHeader(to: SkBuff, from: SkBuff): void {
  to.dev = from.dev;
  to.skbIif = from.skbIif;
  to.protocol = from.protocol;
  to.pktType = from.pktType;
  to.ipSummed = from.ipSummed;
  to.csumOffset = from.csumOffset;
  to.csum = from.csum;
  to.mark = from.mark;
  to.priority = from.priority;
  to.hash = from.hash;
  to.tstamp = from.tstamp;
  to.queueMapping = from.queueMapping;
  to.vlanTci = from.vlanTci;
  to.gsoSize = from.gsoSize;
  to.gsoSegs = from.gsoSegs;
  to.gsoType = from.gsoType;
  to.dst = from.dst;
  to.nfct = from.nfct;
  to.nfctInfo = from.nfctInfo;
  to.packetId = from.packetId;
  to.cbSeq = from.cbSeq;
  to.cbEndSeq = from.cbEndSeq;
  to.cbAck = from.cbAck;
  to.cbFlags = from.cbFlags;
  to.cbSacked = from.cbSacked;
  to.cbTime = from.cbTime;
  to.cbOptLen = from.cbOptLen;
  to.cbFlags2 = from.cbFlags2;
}

/** Bytes of the linear part. */
export function skbHeadlen(skb: SkBuff): number {
  return skb.len - skb.dataLen;
}

export function skbHeadroom(skb: SkBuff): number {
  return skb.data - skb.head;
}

export function skbTailroom(skb: SkBuff): number {
  return skb.dataLen > 0 ? 0 : skb.end - skb.tail;
}

/** Makes room for `n` bytes in front of the packet and returns where they start. */
export function skbPush(skb: SkBuff, n: number): number {
  skb.data -= n;
  skb.len += n;
  invariant(skb.data >= skb.head, 'skbPush: no headroom');
  return skb.data;
}

/** Takes `n` bytes off the front and returns the new start; the caller knows that the linear part has them. */
export function skbPull(skb: SkBuff, n: number): number {
  skb.len -= n;
  skb.data += n;
  return skb.data;
}

/** Makes room for `n` bytes at the end of a linear packet and returns where they start. */
export function skbPut(skb: SkBuff, n: number): number {
  const at = skb.tail;
  skb.tail += n;
  skb.len += n;
  invariant(skb.tail <= skb.end && skb.dataLen === 0, 'skbPut: no tailroom');
  return at;
}

/** Moves the start of an empty packet `n` bytes on, leaving headroom. */
export function skbReserve(skb: SkBuff, n: number): void {
  skb.data += n;
  skb.tail += n;
}

/** Cuts the packet to `length` bytes; longer than it is does nothing. @kernel pskb_trim() */
export function skbTrim(skb: SkBuff, length: number): void {
  if (length >= skb.len) return;
  const linear = skb.len - skb.dataLen;
  if (length <= linear) {
    dropFrags(skb);
    skb.tail = skb.data + length;
  } else {
    trimFrags(skb, length - linear);
  }
  skb.len = length;
}

function dropFrags(skb: SkBuff): void {
  if (skb.frags === null) return;
  for (const frag of skb.frags) skb.mem.unref(frag.slot);
  skb.frags = null;
  skb.dataLen = 0;
}

function trimFrags(skb: SkBuff, keep: number): void {
  const frags = skb.frags ?? [];
  const kept: SkbFrag[] = [];
  let left = keep;
  for (const frag of frags) {
    if (left === 0) {
      skb.mem.unref(frag.slot);
      continue;
    }
    const size = Math.min(left, frag.size);
    kept.push({ slot: frag.slot, offset: frag.offset, size });
    left -= size;
  }
  skb.frags = kept;
  skb.dataLen = keep;
}

/** Appends a page fragment; the reference on the slot passes to the packet. @kernel skb_add_rx_frag() */
export function skbAddFrag(skb: SkBuff, slot: number, offset: number, size: number): void {
  (skb.frags ??= []).push({ slot, offset, size });
  skb.len += size;
  skb.dataLen += size;
  skb.truesize += size;
}

/** Copies `length` bytes from `offset` in the packet (linear part and fragments) to `dst` in packet memory. */
export function skbCopyBits(skb: SkBuff, offset: number, dst: number, length: number): void {
  const mem = skb.mem;
  const linear = skb.len - skb.dataLen;
  let at = dst;
  let left = length;
  let skip = offset;
  if (skip < linear) {
    const n = Math.min(left, linear - skip);
    mem.copy(at, skb.data + skip, n);
    at += n;
    left -= n;
    skip = 0;
  } else {
    skip -= linear;
  }
  for (let i = 0; left > 0 && skb.frags !== null && i < skb.frags.length; i++) {
    const frag = skb.frags[i] as SkbFrag;
    if (skip >= frag.size) {
      skip -= frag.size;
      continue;
    }
    const n = Math.min(left, frag.size - skip);
    mem.copy(at, frag.offset + skip, n);
    at += n;
    left -= n;
    skip = 0;
  }
  invariant(left === 0, 'skbCopyBits: beyond the packet');
}

/** Bytes of the packet outside packet memory, for user space. */
export function skbBytes(skb: SkBuff, offset = 0, length = skb.len - offset): Uint8Array {
  if (skb.dataLen === 0) return skb.mem.bytes(skb.data + offset, length);
  const out = new Uint8Array(length);
  let done = 0;
  const take = (start: number, size: number, skip: number): void => {
    const n = Math.min(size - skip, length - done);
    out.set(skb.mem.u8.subarray(start + skip, start + skip + n), done);
    done += n;
  };
  let skip = offset;
  const linear = skbHeadlen(skb);
  if (skip < linear) {
    take(skb.data, linear, skip);
    skip = 0;
  } else {
    skip -= linear;
  }
  for (const frag of skb.frags ?? []) {
    if (done === length) break;
    if (skip >= frag.size) skip -= frag.size;
    else {
      take(frag.offset, frag.size, skip);
      skip = 0;
    }
  }
  return out;
}

/** Brings at least `n` bytes into the linear part; false where the packet is shorter or memory is out. */
export function pskbMayPull(skb: SkBuff, n: number): boolean {
  if (n <= skb.len - skb.dataLen) return true;
  return n <= skb.len && skbLinearize(skb);
}

/** Makes the packet linear and its bytes private; false without memory. @kernel skb_linearize() */
export function skbLinearize(skb: SkBuff): boolean {
  return skb.dataLen === 0 || skbReallocate(skb, skb.data - skb.head);
}

/**
 * Makes the bytes private to this SkBuff, with at least `headroom` in front: before any write. False without memory.
 * @kernel skb_cow()
 */
export function skbCow(skb: SkBuff, headroom: number): boolean {
  if (skb.data - skb.head >= headroom && !skb.mem.shared(skb.slot)) return true;
  return skbReallocate(skb, Math.max(headroom, skb.data - skb.head));
}

/** The same for who writes only in front of the payload. @kernel skb_cow_head() */
export function skbCowHead(skb: SkBuff, headroom: number): boolean {
  if (skb.data - skb.head >= headroom && (skb.headOwned || !skb.mem.shared(skb.slot))) return true;
  return skbReallocate(skb, Math.max(headroom, skb.data - skb.head));
}

function skbReallocate(skb: SkBuff, headroom: number): boolean {
  const mem = skb.mem;
  const before = Math.max(0, skb.data - Math.max(skb.head, skb.data - headroom)); // old headroom may hold headers
  const slot = mem.alloc(headroom + skb.len);
  if (slot < 0) return false;
  const data = slot + headroom;
  mem.copy(data - before, skb.data - before, before);
  skbCopyBits(skb, 0, data, skb.len);
  const shift = data - skb.data;
  mem.unref(skb.slot);
  dropFrags(skb);
  skb.slot = skb.head = slot;
  skb.headOwned = false;
  skb.data = data;
  skb.tail = data + skb.len;
  skb.end = slot + mem.slotSize(slot);
  skb.macHeader += shift;
  skb.networkHeader += shift;
  skb.transportHeader += shift;
  skb.csumStart += shift;
  return true;
}

/** Ends a packet that did its job. @kernel consume_skb() */
export function consumeSkb(skb: SkBuff): void {
  skb.pool.release(skb);
}
