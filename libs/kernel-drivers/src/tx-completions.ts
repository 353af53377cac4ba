/**
 * The transmit completions of one direction of a wire: frames that have left the sender give their sockets memory back.
 *
 * WireDirection → add → one event for several frames → skbOrphan. A card interrupts not for each frame it has sent but for
 * a few together (transmit coalescing); a frame that would arrive before its turn has the turn brought forward, since from
 * then on it is the receiver's. Units: virtual nanoseconds.
 */
import type { Engine } from '@netloom/engine';
import { skbOrphan, type SkBuff } from '@netloom/kernel-core';

/** Frames that complete together at most. */
const COALESCED_FRAMES = 8;
const FIRST_CAPACITY = 16;

export class TxCompletions {
  private skbs: (SkBuff | null)[] = new Array<SkBuff | null>(FIRST_CAPACITY).fill(null);
  private left = new Float64Array(FIRST_CAPACITY);
  private arrival = new Float64Array(FIRST_CAPACITY);
  private head = 0;
  private count = 0;
  private armed = false;

  constructor(private readonly engine: Engine) {}

  /** A frame that will have left at `left` and arrives at `arrival`, which is later; both never go back. */
  add(skb: SkBuff, left: number, arrival: number): void {
    if (this.count === this.skbs.length) this.grow();
    const at = (this.head + this.count) & (this.skbs.length - 1);
    this.skbs[at] = skb;
    this.left[at] = left;
    this.arrival[at] = arrival;
    this.count++;
    if (!this.armed) this.arm();
  }

  /** Completes what has left; called by the event. */
  run(): void {
    this.armed = false;
    const now = this.engine.now;
    const mask = this.skbs.length - 1;
    while (this.count > 0 && (this.left[this.head] as number) <= now) {
      const skb = this.skbs[this.head] as SkBuff;
      this.skbs[this.head] = null;
      this.head = (this.head + 1) & mask;
      this.count--;
      skbOrphan(skb);
    }
    if (this.count > 0 && !this.armed) this.arm();
  }

  /** The next interrupt: when a batch or all has left, but before its first frame arrives. */
  private arm(): void {
    const batch = Math.min(this.count, COALESCED_FRAMES) - 1;
    const full = this.left[(this.head + batch) & (this.skbs.length - 1)] as number;
    this.armed = true;
    this.engine.at(Math.min(full, (this.arrival[this.head] as number) - 1), completeEvent, this);
  }

  private grow(): void {
    const { skbs, left, arrival, head, count } = this;
    const capacity = skbs.length * 2;
    this.skbs = new Array<SkBuff | null>(capacity).fill(null);
    this.left = new Float64Array(capacity);
    this.arrival = new Float64Array(capacity);
    for (let i = 0; i < count; i++) {
      const from = (head + i) & (skbs.length - 1);
      this.skbs[i] = skbs[from] as SkBuff;
      this.left[i] = left[from] as number;
      this.arrival[i] = arrival[from] as number;
    }
    this.head = 0;
  }
}

function completeEvent(completions: TxCompletions): void {
  completions.run();
}
