/**
 * The event queue: a hierarchical timing wheel of 7 levels of 256 slots, one nanosecond at the bottom.
 *
 * An event lies on the level of the highest byte in which its time differs from the wheel's position, in the slot that
 * this byte names; a level-0 slot therefore holds events of exactly one time, in the order in which they came. When
 * the position enters a slot of a higher level, the slot's list is dealt out to the levels below, again in order, so
 * equal times stay first-in first-out by construction: no comparison and no sequence number.
 *
 *   level 6 … 1:  [slot: list of events whose byte L is the slot]     position = time up to which everything has run
 *   level 0:      [slot: list of events at exactly (position & ~255) | slot]
 *
 * Events live in parallel arrays indexed by a small integer, so a push allocates nothing.
 * Source: Varghese and Lauck, "Hashed and hierarchical timing wheels". Times are integer nanoseconds below 2^53.
 */
import { invariant } from '@netloom/base';

/** What an event runs: the object it concerns and a number. A plain function, never a closure, on hot paths. */
export type EventFn<T = unknown> = (target: T, arg: number) => void;

const LEVELS = 7;
const TWO32 = 0x1_0000_0000;

const unused: EventFn = () => undefined;

export class TimingWheel {
  /** How many events wait. */
  pending = 0;

  private posLo = 0; // the position's low 32 bits, signed so that they are a small integer always
  private posHi = 0; // and the high ones
  private readonly heads = new Int32Array(LEVELS * 256).fill(-1);
  private readonly tails = new Int32Array(LEVELS * 256);
  private readonly occupied = new Int32Array(LEVELS * 8); // a bit a slot
  private readonly summary = new Int32Array(LEVELS); // a bit a word of `occupied` that is not zero
  private capacity: number;
  private times: Float64Array;
  private lows: Int32Array; // the low 32 bits of `times`, signed
  private next: Int32Array;
  private args: Float64Array;
  private readonly fns: EventFn<never>[] = [];
  private readonly targets: unknown[] = [];
  private free = -1;
  private used = 0;

  constructor(initialCapacity = 64) {
    this.capacity = initialCapacity;
    this.times = new Float64Array(initialCapacity);
    this.lows = new Int32Array(initialCapacity);
    this.next = new Int32Array(initialCapacity);
    this.args = new Float64Array(initialCapacity);
  }

  /** The last event's time, or the start of the slot that the wheel stands in. */
  get position(): number {
    return this.posHi * TWO32 + (this.posLo >>> 0);
  }

  /** Queues an event; `time` must not lie before the position. */
  push<T>(time: number, fn: EventFn<T>, target: T, arg: number): void {
    let id = this.free;
    if (id >= 0) {
      this.free = this.next[id] as number;
    } else {
      if (this.used === this.capacity) this.grow();
      id = this.used++;
    }
    const lo = time | 0;
    this.times[id] = time;
    this.lows[id] = lo;
    this.fns[id] = fn;
    this.targets[id] = target;
    this.args[id] = arg;
    this.pending++;
    this.place(id, lo, (time / TWO32) | 0);
  }

  private place(id: number, lo: number, hi: number): void {
    let index: number;
    if (hi === this.posHi) {
      const diff = lo ^ this.posLo;
      const level = diff === 0 ? 0 : (31 - Math.clz32(diff)) >> 3;
      index = (level << 8) | ((lo >>> (level << 3)) & 255);
    } else {
      invariant(
        hi > this.posHi,
        `an event was pushed before the wheel's position ${this.position}`,
      );
      const level = 4 + ((31 - Math.clz32(hi ^ this.posHi)) >> 3);
      index = (level << 8) | ((hi >>> ((level - 4) << 3)) & 255);
    }
    this.append(index, id);
  }

  private append(index: number, id: number): void {
    this.next[id] = -1;
    if ((this.heads[index] as number) < 0) {
      this.heads[index] = id;
      const word = index >> 5;
      this.occupied[word] = (this.occupied[word] as number) | (1 << (index & 31));
      this.summary[word >> 3] = (this.summary[word >> 3] as number) | (1 << (word & 7));
    } else {
      this.next[this.tails[index] as number] = id;
    }
    this.tails[index] = id;
  }

  /** The list of a slot is empty now. */
  private clear(index: number): void {
    const word = index >> 5;
    const left = (this.occupied[word] as number) & ~(1 << (index & 31));
    this.occupied[word] = left;
    if (left === 0)
      this.summary[word >> 3] = (this.summary[word >> 3] as number) & ~(1 << (word & 7));
  }

  /** The first occupied slot of a level at or after `from`, or -1. */
  private firstSlot(level: number, from: number): number {
    let word = from >> 5;
    let bits = (this.occupied[(level << 3) | word] as number) & (-1 << (from & 31));
    if (bits === 0) {
      const words = (this.summary[level] as number) & (-2 << word);
      if (words === 0) return -1;
      word = 31 - Math.clz32(words & -words);
      bits = this.occupied[(level << 3) | word] as number;
    }
    return (word << 5) | (31 - Math.clz32(bits & -bits));
  }

  /**
   * Moves the position to the next event's time when that is at most `until`, and returns the time; -1 when nothing is
   * due. The event itself stays queued until {@link runDue}.
   */
  seek(until: number): number {
    if (this.pending === 0) return -1;
    for (;;) {
      const slot = this.firstSlot(0, this.posLo & 255);
      if (slot >= 0) {
        const time = this.posHi * TWO32 + (((this.posLo & ~255) | slot) >>> 0);
        if (time > until) return -1;
        this.posLo = time | 0;
        return time;
      }
      if (!this.descend(until)) return -1;
    }
  }

  /** Enters the next occupied slot above level 0 and deals it out; false when it starts after `until`. */
  private descend(until: number): boolean {
    for (let level = 1; level < LEVELS; level++) {
      const shift = (level & 3) << 3;
      const digit = ((level < 4 ? this.posLo : this.posHi) >>> shift) & 255;
      const slot = digit === 255 ? -1 : this.firstSlot(level, digit + 1);
      if (slot < 0) continue;
      let lo = 0;
      let hi = this.posHi;
      if (level < 4) {
        const above = shift === 24 ? 0 : this.posLo & (-1 << (shift + 8));
        lo = above | (slot << shift);
      } else {
        const above = shift === 24 ? 0 : this.posHi & (-1 << (shift + 8));
        hi = (above | (slot << shift)) >>> 0;
      }
      if (hi * TWO32 + (lo >>> 0) > until) return false;
      this.posLo = lo;
      this.posHi = hi;
      this.deal((level << 8) | slot);
      return true;
    }
    invariant(false, 'the wheel counts pending events but holds none');
  }

  private deal(index: number): void {
    let id = this.heads[index] as number;
    this.heads[index] = -1;
    this.clear(index);
    while (id >= 0) {
      const following = this.next[id] as number;
      const lo = this.lows[id] as number;
      if (index < 512)
        this.append(lo & 255, id); // from level 1 there is only level 0
      else this.place(id, lo, ((this.times[id] as number) / TWO32) | 0);
      id = following;
    }
  }

  /** The next event's time, without moving: earlier events may still be pushed. -1 when nothing waits. */
  peek(): number {
    if (this.pending === 0) return -1;
    for (let level = 0; level < LEVELS; level++) {
      const digit = ((level < 4 ? this.posLo : this.posHi) >>> ((level & 3) << 3)) & 255;
      const from = level === 0 ? digit : digit + 1;
      const slot = from > 255 ? -1 : this.firstSlot(level, from);
      if (slot < 0) continue;
      // Everything on the levels above is later than anything in this slot.
      let earliest = Infinity;
      for (
        let id = this.heads[(level << 8) | slot] as number;
        id >= 0;
        id = this.next[id] as number
      ) {
        earliest = Math.min(earliest, this.times[id] as number);
      }
      return earliest;
    }
    invariant(false, 'the wheel counts pending events but holds none');
  }

  /** Removes and runs the first event at the position, which {@link seek} has just returned. */
  runDue(): void {
    const index = this.posLo & 255;
    const id = this.heads[index] as number;
    const following = this.next[id] as number;
    this.heads[index] = following;
    if (following < 0) this.clear(index);
    this.next[id] = this.free;
    this.free = id;
    this.pending--;
    const fn = this.fns[id] as EventFn<unknown>;
    fn(this.targets[id], this.args[id] as number);
  }

  /** True while events wait at exactly the position. */
  get dueNow(): boolean {
    return (this.heads[this.posLo & 255] as number) >= 0;
  }

  private grow(): void {
    const capacity = this.capacity * 2;
    const times = new Float64Array(capacity);
    times.set(this.times);
    const lows = new Int32Array(capacity);
    lows.set(this.lows);
    const next = new Int32Array(capacity);
    next.set(this.next);
    const args = new Float64Array(capacity);
    args.set(this.args);
    for (let i = this.capacity; i < capacity; i++) {
      this.fns.push(unused);
      this.targets.push(undefined);
    }
    this.times = times;
    this.lows = lows;
    this.next = next;
    this.args = args;
    this.capacity = capacity;
  }
}
