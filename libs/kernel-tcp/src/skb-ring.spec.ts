import { RandomStream } from '@netloom/base';
import { SkbPool, type SkBuff } from '@netloom/kernel-core';
import { PacketMemory } from '@netloom/wire';
import { SkbRing } from './skb-ring.js';

const pool = new SkbPool(new PacketMemory(4 * 1024 * 1024));

function segment(seq: number, length: number): SkBuff {
  const skb = pool.alloc(0, 0) as SkBuff;
  skb.cbSeq = seq >>> 0;
  skb.cbEndSeq = (seq + length) >>> 0;
  return skb;
}

describe('SkbRing', () => {
  it('behaves as a sorted list does, across the wrap of sequence numbers', () => {
    const random = new RandomStream(9, 'ring');
    const ring = new SkbRing();
    let list: SkBuff[] = [];
    let next = 0xfffff000;
    let base = next;
    for (let step = 0; step < 5000; step++) {
      const what = random.below(10);
      if (what < 4) {
        const skb = segment(next, 100);
        next += 100;
        ring.push(skb);
        list.push(skb);
      } else if (what < 6 && list.length > 0) {
        const skb = ring.shift() as SkBuff;
        expect(skb).toBe(list.shift());
        base = skb.cbEndSeq;
        pool.release(skb);
      } else if (what < 7 && list.length > 0) {
        const at = random.below(list.length);
        pool.release(ring.remove(at));
        list = list.filter((_, i) => i !== at);
      } else if (what < 8 && list.length > 0) {
        const at = random.below(list.length);
        const whole = list[at] as SkBuff;
        if ((whole.cbEndSeq - whole.cbSeq) >>> 0 > 1) {
          const rest = segment(whole.cbSeq + 1, ((whole.cbEndSeq - whole.cbSeq) >>> 0) - 1);
          whole.cbEndSeq = rest.cbSeq;
          ring.insert(at + 1, rest);
          list.splice(at + 1, 0, rest);
        }
      } else {
        const seq = (base + random.below(((next - base) >>> 0) + 200)) >>> 0;
        const expected = list.findIndex((skb) => ((skb.cbEndSeq - seq) | 0) > 0);
        expect(ring.search(seq)).toBe(expected < 0 ? list.length : expected);
      }
      expect(ring.length).toBe(list.length);
      expect(ring.first).toBe(list[0] ?? null);
      expect(ring.last).toBe(list.at(-1) ?? null);
    }
    ring.purge();
    expect(pool.live).toBe(0);
  });
});
