import { SkbQueue } from './skb-queue.js';
import type { SkBuff } from './skbuff.js';
import { SpecKernel } from './spec-kernel.js';

describe('SkbQueue', () => {
  it('agrees with an array over pushes, shifts, inserts and removals', () => {
    const spec = new SpecKernel();
    const queue = new SkbQueue();
    const model: SkBuff[] = [];
    let state = 1;
    const random = (n: number): number =>
      (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % n;
    for (let i = 0; i < 2000; i++) {
      const what = random(6);
      if (what < 2) {
        const skb = spec.packet(1);
        queue.push(skb);
        model.push(skb);
      } else if (what === 2) {
        const skb = spec.packet(1);
        queue.unshift(skb);
        model.unshift(skb);
      } else if (what === 3 && model.length > 0) {
        const at = random(model.length);
        const skb = spec.packet(1);
        queue.insertAfter(model[at] as SkBuff, skb);
        model.splice(at + 1, 0, skb);
      } else if (what === 4) {
        const skb = queue.shift();
        expect(skb).toBe(model.shift() ?? null);
        if (skb !== null) spec.pool.release(skb);
      } else if (model.length > 0) {
        const [skb] = model.splice(random(model.length), 1) as [SkBuff];
        queue.unlink(skb);
        spec.pool.release(skb);
      }
      expect(queue.length).toBe(model.length);
      expect(queue.tail).toBe(model[model.length - 1] ?? null);
    }
    const forward: SkBuff[] = [];
    for (let skb = queue.head; skb !== null; skb = skb.next) forward.push(skb);
    const backward: SkBuff[] = [];
    for (let skb = queue.tail; skb !== null; skb = skb.prev) backward.unshift(skb);
    expect(forward).toEqual(model);
    expect(backward).toEqual(model);
    queue.purge();
    expect([queue.length, queue.head, spec.pool.live]).toEqual([0, null, 0]);
  });
});
