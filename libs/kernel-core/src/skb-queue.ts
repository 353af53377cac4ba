/**
 * A first-in first-out list of sk_buffs, linked through `next` and `prev`. @kernel struct sk_buff_head
 */
import type { SkBuff } from './skbuff.js';

export class SkbQueue {
  head: SkBuff | null = null;
  tail: SkBuff | null = null;
  /** Number of packets. */
  length = 0;

  push(skb: SkBuff): void {
    skb.next = null;
    skb.prev = this.tail;
    if (this.tail === null) this.head = skb;
    else this.tail.next = skb;
    this.tail = skb;
    this.length++;
  }

  unshift(skb: SkBuff): void {
    skb.prev = null;
    skb.next = this.head;
    if (this.head === null) this.tail = skb;
    else this.head.prev = skb;
    this.head = skb;
    this.length++;
  }

  shift(): SkBuff | null {
    const skb = this.head;
    if (skb !== null) this.unlink(skb);
    return skb;
  }

  /** Inserts `skb` behind `after`, which is in the list. */
  insertAfter(after: SkBuff, skb: SkBuff): void {
    if (after.next === null) {
      this.push(skb);
      return;
    }
    skb.prev = after;
    skb.next = after.next;
    after.next.prev = skb;
    after.next = skb;
    this.length++;
  }

  unlink(skb: SkBuff): void {
    if (skb.prev === null) this.head = skb.next;
    else skb.prev.next = skb.next;
    if (skb.next === null) this.tail = skb.prev;
    else skb.next.prev = skb.prev;
    skb.next = null;
    skb.prev = null;
    this.length--;
  }

  /** Frees everything. */
  purge(): void {
    for (let skb = this.shift(); skb !== null; skb = this.shift()) skb.pool.release(skb);
  }
}
