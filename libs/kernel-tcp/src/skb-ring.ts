/**
 * Segments in sequence order with random access: the retransmit queue and the out-of-order queue.
 *
 * The kernel keeps red-black trees; here segments arrive and leave at the ends, so that a ring with binary search by
 * sequence number does the same work with less: push, shift and lookup touch O(1), O(1) and O(log n) entries, and only
 * an insertion in the middle moves others. The sk_buffs' own links stay free for another list.
 */
import { seqAfter } from '@netloom/base';
import type { SkBuff } from '@netloom/kernel-core';

const FIRST_CAPACITY = 16;
/** What an empty ring holds; never written. */
const NOTHING: (SkBuff | null)[] = [];

export class SkbRing {
  private items: (SkBuff | null)[] = NOTHING;
  private head = 0;
  private mask = -1;
  length = 0;

  at(index: number): SkBuff {
    return this.items[(this.head + index) & this.mask] as SkBuff;
  }

  get first(): SkBuff | null {
    return this.length === 0 ? null : (this.items[this.head] as SkBuff);
  }

  get last(): SkBuff | null {
    return this.length === 0 ? null : this.at(this.length - 1);
  }

  push(skb: SkBuff): void {
    if (this.length > this.mask) this.grow();
    this.items[(this.head + this.length) & this.mask] = skb;
    this.length++;
  }

  shift(): SkBuff | null {
    if (this.length === 0) return null;
    const skb = this.items[this.head] as SkBuff;
    this.items[this.head] = null;
    this.head = (this.head + 1) & this.mask;
    this.length--;
    return skb;
  }

  /** Puts `skb` at `index`, moving the entries behind it. */
  insert(index: number, skb: SkBuff): void {
    if (this.length > this.mask) this.grow();
    for (let i = this.length; i > index; i--) {
      this.items[(this.head + i) & this.mask] = this.items[
        (this.head + i - 1) & this.mask
      ] as SkBuff;
    }
    this.items[(this.head + index) & this.mask] = skb;
    this.length++;
  }

  /** Takes the entry at `index` out, moving the entries behind it. */
  remove(index: number): SkBuff {
    const skb = this.at(index);
    for (let i = index; i < this.length - 1; i++) {
      this.items[(this.head + i) & this.mask] = this.items[
        (this.head + i + 1) & this.mask
      ] as SkBuff;
    }
    this.length--;
    this.items[(this.head + this.length) & this.mask] = null;
    return skb;
  }

  /** How many entries start at `seq` or before it; the entry that holds `seq`, if any, is the one before that index. */
  upperBound(seq: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (seqAfter(this.at(middle).cbSeq, seq)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Index of the first entry whose end lies after `seq`: the one that holds it, or the next. */
  search(seq: number): number {
    const index = this.upperBound(seq);
    return index > 0 && seqAfter(this.at(index - 1).cbEndSeq, seq) ? index - 1 : index;
  }

  /** Frees everything. */
  purge(): void {
    for (let skb = this.shift(); skb !== null; skb = this.shift()) skb.pool.release(skb);
  }

  /** Gives up the space of an empty ring. */
  trim(): void {
    if (this.length > 0) return;
    this.items = NOTHING;
    this.head = 0;
    this.mask = -1;
  }

  private grow(): void {
    const old = this.items;
    const capacity = Math.max(FIRST_CAPACITY, old.length * 2);
    const items = new Array<SkBuff | null>(capacity).fill(null);
    for (let i = 0; i < this.length; i++) items[i] = old[(this.head + i) & this.mask] as SkBuff;
    this.items = items;
    this.head = 0;
    this.mask = capacity - 1;
  }
}
