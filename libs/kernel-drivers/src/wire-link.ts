/**
 * A wire between two cards: carrier, and per direction what it does to frames, in this order:
 * loss → duplication → corruption → serialisation at a rate with a bounded queue → delay ± jitter (in order, unless
 * reordering is asked for). One event brings a frame to the other end; that a frame has left the sender is arithmetic
 * on `busyUntil`, with an event only where a socket waits for its memory.
 *
 *   card A ──▶ [loss dup corrupt] ──▶ queue ▷ rate ──▶ delay ──▶ card Z
 *   card A ◀── delay ◀── rate ◁ queue ◀── [corrupt dup loss] ◀── card Z
 *
 * Rates are bits a second of frame bytes (with the 14 bytes of Ethernet header, without preamble and FCS, as netem
 * counts them); times nanoseconds; probabilities thresholds out of 2^32.
 */
import { chanceThreshold, type RandomStream, WIDE_ZERO } from '@netloom/base';
import type { Engine } from '@netloom/engine';
import {
  CHECKSUM_PARTIAL,
  DropReason,
  Feature,
  skbChecksumHelp,
  skbCow,
  skbGsoHeaderLength,
  skbGsoSegment,
  skbOrphan,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { TxCompletions } from './tx-completions.js';
import { nicReceive, nicSetLink, type Nic } from './nic.js';

/** What a direction does to frames; everything off where absent. */
export interface Impairments {
  readonly delayNs?: number;
  readonly jitterNs?: number;
  /** Fractions of 1. */
  readonly loss?: number;
  readonly duplicate?: number;
  readonly corrupt?: number;
  /** Fraction of frames that skip the delay. */
  readonly reorder?: number;
  /** Bits a second; 0 or absent: no serialisation. */
  readonly rateBits?: number;
  /** Frames that may wait for the wire; 1000 where absent. */
  readonly limit?: number;
}

/** Counters of one direction. */
export interface WireStats {
  readonly frames: number;
  readonly bytes: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly corrupted: number;
  readonly reordered: number;
  readonly queueDrops: number;
}

const DEFAULT_LIMIT = 1000;

/** Frames of one connection that arrive within this time reach the stack as one (interrupt coalescing and GRO). */
const JOINED_NS = 250_000;

/** Frames that a direction without a rate carries at one instant, and the nanoseconds that each further one takes. */
const PACE_BURST = 65_536;
const PACE_FRAME_NS = 1000;

/** A listener for crossings; must not keep the sk_buff. */
export type WireObserver = (
  direction: WireDirection,
  skb: SkBuff,
  outcome: 'sent' | 'lost' | 'queue-full' | 'down',
) => void;

export class WireDirection {
  frames = 0;
  bytes = WIDE_ZERO;
  lost = 0;
  duplicated = 0;
  corrupted = 0;
  reordered = 0;
  queueDrops = 0;
  private settings: Impairments = {};
  private delayNs = 0;
  private jitterNs = 0;
  private lossBelow = 0;
  private duplicateBelow = 0;
  private corruptBelow = 0;
  private reorderBelow = 0;
  private rateBits = 0;
  private limit = DEFAULT_LIMIT;
  private impaired = false;
  /** When the last accepted frame will have left. */
  private busyUntil = WIDE_ZERO;
  /** What integer division left over, in bits × 10^9. */
  private remainder = WIDE_ZERO;
  /** How long a frame of `timedBytes` takes: most are as long as the one before. */
  private timedBytes = -1;
  private timedNs = WIDE_ZERO;
  private timedRemainder = WIDE_ZERO;
  private lastArrival = WIDE_ZERO;
  private paceCredit = PACE_BURST;
  private paceStamp = WIDE_ZERO;
  private stream: RandomStream | null = null;
  private txCompletions: TxCompletions | null = null;
  // Completion times of the frames that wait or are being sent: a ring.
  private completions: Float64Array | null = null;
  private completionHead = 0;
  private completionCount = 0;

  constructor(
    readonly wire: Wire,
    readonly from: Nic,
    readonly to: Nic,
    readonly name: 'a' | 'z',
  ) {}

  /** The direction's own stream, made when something is first left to chance. */
  private get random(): RandomStream {
    return (this.stream ??= this.wire.engine.stream(`wire/${this.wire.name}/${this.name}`));
  }

  get impairments(): Impairments {
    return this.settings;
  }

  /** Replaces the settings; frames already on the way are not touched. */
  set(settings: Impairments): void {
    this.settings = settings;
    this.delayNs = Math.round(settings.delayNs ?? 0);
    this.jitterNs = Math.round(settings.jitterNs ?? 0);
    this.lossBelow = chanceThreshold(settings.loss ?? 0);
    this.duplicateBelow = chanceThreshold(settings.duplicate ?? 0);
    this.corruptBelow = chanceThreshold(settings.corrupt ?? 0);
    this.reorderBelow = chanceThreshold(settings.reorder ?? 0);
    this.rateBits = Math.round(settings.rateBits ?? 0);
    this.timedBytes = -1;
    this.impaired = this.lossBelow + this.duplicateBelow + this.corruptBelow > 0;
    const limit = Math.max(1, Math.round(settings.limit ?? DEFAULT_LIMIT));
    if (limit !== this.limit) this.resize(limit);
  }

  /** A new queue limit; what waits keeps waiting, even where it is more than the limit. */
  private resize(limit: number): void {
    const old = this.completions;
    this.limit = limit;
    if (old === null) return;
    const ring = new Float64Array(Math.max(limit + 2, this.completionCount + 1));
    for (let i = 0; i < this.completionCount; i++)
      ring[i] = old[(this.completionHead + i) % old.length] as number;
    this.completions = ring;
    this.completionHead = 0;
  }

  get stats(): WireStats {
    const { frames, bytes, lost, duplicated, corrupted, reordered, queueDrops } = this;
    return { frames, bytes, lost, duplicated, corrupted, reordered, queueDrops };
  }

  /** Takes a frame from the sending card. Consumes it. */
  send(skb: SkBuff): void {
    if (!this.wire.up) {
      this.drop(skb, DropReason.WIRE_DOWN, 'down');
      return;
    }
    if (skb.gsoSize > 0) {
      this.sendSuper(skb);
      return;
    }
    if (this.impaired && !this.impair(skb)) return;
    this.transmit(skb);
  }

  /**
   * A super-packet: the card cuts it into frames. Where each fares alike and the receiving card would join them again, as
   * many as its interrupt would find together stay one object; what cannot stay so goes frame by frame.
   */
  private sendSuper(skb: SkBuff): void {
    const together = this.framesTogether(skb);
    if (together >= skb.gsoSegs) {
      this.transmit(skb);
      return;
    }
    let part = skbGsoSegment(skb, together);
    if (part === null) this.queueDrops++;
    while (part !== null) {
      const { next } = part;
      part.next = null;
      if (!this.impaired || this.impair(part)) this.transmit(part);
      part = next;
    }
  }

  /** How many frames of a super-packet may cross as one object; 1 where each needs a fate of its own. */
  private framesTogether(skb: SkBuff): number {
    if (
      this.impaired ||
      this.jitterNs > 0 ||
      this.reorderBelow > 0 ||
      this.wire.observer !== null ||
      (this.to.dev.features & Feature.GRO) === 0
    )
      return 1;
    if (this.rateBits === 0) return skb.gsoSegs;
    const waiting = this.busyUntil > this.wire.engine.now ? this.completionCount : 0;
    if (waiting + skb.gsoSegs > this.limit) return 1; // the queue may refuse some of them
    const frame = skb.gsoSize + skbGsoHeaderLength(skb);
    return Math.max(1, Math.floor((JOINED_NS * this.rateBits) / (frame * 8e9)));
  }

  private drop(skb: SkBuff, reason: number, outcome: 'lost' | 'queue-full' | 'down'): void {
    if (this.wire.observer !== null) this.wire.observer(this, skb, outcome);
    this.from.dev.net.kernel.kfreeSkbReason(skb, reason);
  }

  /** Loss, duplication, corruption; false when the frame is gone. */
  private impair(skb: SkBuff): boolean {
    if (this.random.chance(this.lossBelow)) {
      this.lost++;
      this.drop(skb, DropReason.WIRE_LOSS, 'lost');
      return false;
    }
    if (this.random.chance(this.duplicateBelow)) {
      const twin = skb.pool.copy(skb);
      if (twin !== null) {
        this.duplicated++;
        this.corrupt(twin);
        this.transmit(twin);
      }
    }
    this.corrupt(skb);
    return true;
  }

  /** Flips one random bit. */
  private corrupt(skb: SkBuff): void {
    if (!this.random.chance(this.corruptBelow) || !skbCow(skb, skb.data - skb.head)) return;
    if (skb.ipSummed === CHECKSUM_PARTIAL) skbChecksumHelp(skb); // the receiver is to find out
    this.corrupted++;
    const at = skb.data + this.random.below(skb.len);
    skb.mem.u8[at] = (skb.mem.u8[at] as number) ^ (1 << this.random.below(8));
  }

  private transmit(skb: SkBuff): void {
    const engine = this.wire.engine;
    const now = engine.now;
    let left: number;
    if (this.rateBits > 0) {
      if (this.busyUntil <= now) {
        this.completionCount = 0; // all have left
        this.remainder = 0;
        this.busyUntil = now;
      } else if (!this.admit(now)) {
        this.queueDrops++;
        this.drop(skb, DropReason.WIRE_QUEUE, 'queue-full');
        return;
      }
      left = skb.gsoSize > 0 ? this.serialiseSegments(skb) : this.serialise(skb.len);
    } else {
      left = this.pace(now);
      if (left < 0) {
        this.queueDrops++;
        this.drop(skb, DropReason.WIRE_QUEUE, 'queue-full');
        return;
      }
    }
    if (skb.gsoSize === 0) {
      this.frames++;
      this.bytes += skb.len;
    } else {
      this.frames += skb.gsoSegs;
      this.bytes += skb.len + (skb.gsoSegs - 1) * skbGsoHeaderLength(skb);
    }
    if (this.wire.observer !== null) this.wire.observer(this, skb, 'sent');
    let arrival = left + this.delayNs;
    if (this.reorderBelow > 0 && this.random.chance(this.reorderBelow)) {
      this.reordered++;
      arrival = left;
    } else if (this.jitterNs > 0) {
      arrival += this.random.below(2 * this.jitterNs + 1) - this.jitterNs;
      if (arrival < left) arrival = left;
      if (this.reorderBelow === 0 && arrival < this.lastArrival) arrival = this.lastArrival;
    }
    if (skb.destructor !== null) this.complete(skb, now, left, arrival);
    if (arrival > this.lastArrival) this.lastArrival = arrival;
    skb.dev = this.to.dev;
    engine.at(arrival, wireArrive, skb);
  }

  /** Sees to it that a socket gets its memory back once its frame has left, at the latest when it arrives. */
  private complete(skb: SkBuff, now: number, left: number, arrival: number): void {
    if (left === now) skbOrphan(skb);
    else if (arrival - left > 1 && arrival >= this.lastArrival)
      (this.txCompletions ??= new TxCompletions(this.wire.engine)).add(skb, left, arrival);
    else this.wire.engine.at(left, txComplete, skb);
  }

  /**
   * When a frame leaves a direction without a rate: now, unless frames race round a loop of switches, which would stop
   * the clock. A bucket of frames is refilled in virtual time; beyond it frames queue. -1 when the queue is full.
   */
  private pace(now: number): number {
    if (now !== this.paceStamp) {
      this.paceCredit = Math.min(
        PACE_BURST,
        this.paceCredit + (now - this.paceStamp) / PACE_FRAME_NS,
      );
      this.paceStamp = now;
    }
    if (this.paceCredit >= 1) {
      this.paceCredit--;
      return now;
    }
    if (this.paceCredit <= -this.limit) return -1;
    this.paceCredit--;
    return now + Math.ceil(-this.paceCredit * PACE_FRAME_NS);
  }

  /** Whether one more frame may wait; some are on the way. */
  private admit(now: number): boolean {
    const ring = this.completions as Float64Array;
    while (this.completionCount > 0 && (ring[this.completionHead] as number) <= now) {
      this.completionHead = this.completionHead + 1 === ring.length ? 0 : this.completionHead + 1;
      this.completionCount--;
    }
    return this.completionCount <= this.limit; // one is on the wire, `limit` wait
  }

  /** Queues the frame behind the others; returns when its last bit has left. Exact: what a division leaves is kept. */
  private serialise(bytes: number): number {
    if (bytes !== this.timedBytes) {
      const work = bytes * 8e9;
      this.timedBytes = bytes;
      this.timedNs = Math.floor(work / this.rateBits);
      this.timedRemainder = work - this.timedNs * this.rateBits;
    }
    let until = this.busyUntil + this.timedNs;
    let remainder = this.remainder + this.timedRemainder;
    if (remainder >= this.rateBits) {
      remainder -= this.rateBits;
      until++;
    }
    this.remainder = remainder;
    this.busyUntil = until;
    let ring = this.completions;
    if (ring === null || this.completionCount === ring.length) ring = this.growCompletions();
    let tail = this.completionHead + this.completionCount;
    if (tail >= ring.length) tail -= ring.length;
    ring[tail] = until;
    this.completionCount++;
    return until;
  }

  /** The frames of a super-packet one behind the other. */
  private serialiseSegments(skb: SkBuff): number {
    const header = skbGsoHeaderLength(skb);
    let left = skb.len - header;
    let until = this.busyUntil;
    for (; left > 0; left -= skb.gsoSize) {
      until = this.serialise(header + Math.min(left, skb.gsoSize));
    }
    return until;
  }

  /** Room for more waiting frames: most wires never have many. */
  private growCompletions(): Float64Array {
    const old = this.completions;
    const ring = new Float64Array(old === null ? 8 : old.length * 2);
    for (let i = 0; old !== null && i < this.completionCount; i++) {
      ring[i] = old[(this.completionHead + i) % old.length] as number;
    }
    this.completions = ring;
    this.completionHead = 0;
    return ring;
  }
}

/** The last bit has left the sender: its socket gets its memory back. */
function txComplete(skb: SkBuff): void {
  skbOrphan(skb);
}

function wireArrive(skb: SkBuff): void {
  nicReceive((skb.dev as NetDevice).priv as Nic, skb);
}

/** Two cards and what lies between them. */
export class Wire {
  /** From A to Z, and back. */
  readonly a: WireDirection;
  readonly z: WireDirection;
  up = true;
  observer: WireObserver | null = null;

  /** @param name what the wire's random streams are named after */
  constructor(
    readonly engine: Engine,
    readonly nicA: Nic,
    readonly nicZ: Nic,
    readonly name: string,
  ) {
    this.a = new WireDirection(this, nicA, nicZ, 'a');
    this.z = new WireDirection(this, nicZ, nicA, 'z');
    nicA.tx = this.a;
    nicZ.tx = this.z;
    this.syncCarrier();
  }

  /** Tells both cards whether there is a link: the wire is plugged in and neither card is switched off. */
  syncCarrier(): void {
    nicSetLink(this.nicA, this.up && (this.nicZ.adminUp || !this.nicA.adminUp));
    nicSetLink(this.nicZ, this.up && (this.nicA.adminUp || !this.nicZ.adminUp));
  }

  /** Plugs the wire in or out: both cards see their carrier change. */
  setUp(up: boolean): void {
    this.up = up;
    this.syncCarrier();
  }

  /** Takes the wire away for good. */
  remove(): void {
    this.setUp(false);
    this.nicA.tx = null;
    this.nicZ.tx = null;
  }
}
