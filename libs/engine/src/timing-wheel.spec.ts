import { Engine } from './engine.js';
import { Timer } from './timer.js';
import { TimingWheel } from './timing-wheel.js';
import { RandomStream } from '@netloom/base';

declare function setImmediate(fn: () => void): unknown;

describe('TimingWheel', () => {
  it('runs events in (time, insertion) order whatever the distances', () => {
    const random = new RandomStream(7, 'wheel');
    const wheel = new TimingWheel(4);
    const seen: { time: number; serial: number }[] = [];
    let serial = 0;
    let now = 0;
    const spans = [1, 3, 255, 256, 70_000, 2 ** 24, 2 ** 33, 2 ** 41];
    const push = (): void => {
      const span = spans[random.below(spans.length)] ?? 1;
      const time = now + Math.floor((random.u32() / 2 ** 32) * span);
      const mine = serial++;
      wheel.push(time, () => seen.push({ time, serial: mine }), undefined, 0);
    };
    for (let i = 0; i < 500; i++) push();
    for (let i = 0; i < 20_000; i++) {
      const time = wheel.seek(Infinity);
      expect(time).toBeGreaterThanOrEqual(now);
      now = time;
      wheel.runDue();
      if (serial < 20_000) push();
    }
    for (let i = 1; i < seen.length; i++) {
      const [a, b] = [seen[i - 1], seen[i]];
      if (a === undefined || b === undefined) continue;
      expect(a.time < b.time || (a.time === b.time && a.serial < b.serial)).toBe(true);
    }
    expect(wheel.pending).toBe(0);
    expect(wheel.seek(Infinity)).toBe(-1);
  });

  it('peeks without moving, so that earlier events can still come', () => {
    const random = new RandomStream(3, 'peek');
    const wheel = new TimingWheel();
    let now = 0;
    expect(wheel.peek()).toBe(-1);
    for (let i = 0; i < 3000; i++) {
      const before = wheel.peek();
      const time = now + random.below([2, 300, 70_000, 2 ** 31][random.below(4)] ?? 1);
      wheel.push(time, () => undefined, undefined, 0);
      expect(wheel.peek()).toBe(before < 0 ? time : Math.min(before, time));
      if (random.below(3) > 0) {
        const next = wheel.peek();
        now = wheel.seek(Infinity);
        expect(now).toBe(next);
        wheel.runDue();
      }
    }
  });

  it('does not move past `until`', () => {
    const wheel = new TimingWheel();
    const seen: number[] = [];
    wheel.push(1_000_000, () => seen.push(1), undefined, 0);
    expect(wheel.seek(999_999)).toBe(-1);
    wheel.push(999_999, () => seen.push(0), undefined, 0);
    expect(wheel.seek(1_000_000)).toBe(999_999);
    wheel.runDue();
    expect(wheel.seek(1_000_000)).toBe(1_000_000);
  });
});

describe('Engine', () => {
  it('refuses an event in the past', () => {
    const engine = new Engine();
    engine.at(10, () => undefined, undefined);
    engine.advance(20);
    expect(engine.now).toBe(20);
    expect(() => engine.at(19, () => undefined, undefined)).toThrow('before now');
  });

  it('lets continuations run before the clock moves', async () => {
    const engine = new Engine({ drain: () => new Promise((resolve) => setImmediate(resolve)) });
    const seen: string[] = [];
    const sleep = (ns: number): Promise<void> =>
      new Promise((resolve) =>
        engine.after(
          ns,
          () => {
            engine.wake();
            resolve();
          },
          undefined,
        ),
      );
    void (async () => {
      await sleep(5);
      seen.push(`a${engine.now}`);
      await Promise.resolve();
      await Promise.resolve();
      seen.push(`b${engine.now}`);
      await sleep(1);
      seen.push(`c${engine.now}`);
    })();
    engine.at(6, () => seen.push('event6'), undefined);
    await engine.run(100);
    expect(seen).toEqual(['a5', 'b5', 'event6', 'c6']);
  });
});

describe('Timer', () => {
  it('keeps at most one live event while it is moved back, and can be moved forward', () => {
    const engine = new Engine();
    const fired: number[] = [];
    const timer = new Timer(engine, () => fired.push(engine.now));
    timer.set(100);
    for (let t = 1; t <= 50; t++) timer.set(100 + t);
    expect(engine.pending).toBe(1);
    engine.advance(140);
    timer.set(145);
    engine.advance(1000);
    expect(fired).toEqual([145]);
    timer.set(2000);
    timer.cancel();
    engine.advance(3000);
    expect(fired).toEqual([145]);
    expect(engine.pending).toBe(0);
  });
});
