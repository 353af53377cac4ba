import { Engine } from '@netloom/engine';
import { Pacer, type WallClock } from './pacer.js';

declare function setImmediate(fn: () => void): unknown;

/** Wall time that moves only when somebody sleeps, or by hand. */
class FakeWall implements WallClock {
  time = 0;
  private sleepers: { readonly at: number; readonly done: () => void }[] = [];
  nowMs(): number {
    return this.time;
  }
  sleep(ms: number): Promise<void> {
    return new Promise((done) => void this.sleepers.push({ at: this.time + ms, done }));
  }
  drain(): Promise<void> {
    return new Promise((done) => void setImmediate(done));
  }
  /** Lets wall time pass, waking sleepers on the way. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      for (let i = 0; i < 10; i++) await this.drain();
      const next = this.sleepers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.sleepers = this.sleepers.filter((sleeper) => sleeper !== next);
      this.time = Math.max(this.time, next.at);
      next.done();
    }
    this.time = end;
    for (let i = 0; i < 10; i++) await this.drain();
  }
}

function setUp(): { wall: FakeWall; engine: Engine; pacer: Pacer; ticks: number[] } {
  const wall = new FakeWall();
  const engine = new Engine({ drain: () => wall.drain() });
  const ticks: number[] = [];
  const tick = (): void => {
    ticks.push(engine.now / 1e6);
    engine.after(10e6, tick, undefined);
  };
  engine.at(10e6, tick, undefined);
  return { wall, engine, pacer: new Pacer(engine, wall), ticks };
}

describe('Pacer', () => {
  test('paused: time stands until it is stepped', async () => {
    const { wall, engine, pacer, ticks } = setUp();
    pacer.start();
    await wall.pass(1000);
    expect(engine.now).toBe(0);
    const first = pacer.step(25e6);
    const second = pacer.step(5e6);
    await wall.pass(0);
    await Promise.all([first, second]);
    expect([engine.now, ticks]).toEqual([30e6, [10, 20, 30]]);
    pacer.stop();
  });

  test('realtime: virtual time follows wall time at its rate, with events at their own times', async () => {
    const { wall, engine, pacer, ticks } = setUp();
    pacer.setMode('realtime', 2);
    pacer.start();
    await wall.pass(50);
    expect(ticks).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    expect(engine.now).toBe(100e6);
    pacer.setMode('realtime', 0.5);
    await wall.pass(40);
    expect(engine.now).toBe(120e6);
    pacer.setMode('paused');
    await wall.pass(1000);
    expect(engine.now).toBe(120e6);
    pacer.stop();
  });

  test('realtime: an input takes effect at the paced time of now', async () => {
    const { wall, engine, pacer } = setUp();
    pacer.setMode('realtime');
    pacer.start();
    await wall.pass(13);
    const stamped = pacer.post(() => engine.now);
    await wall.pass(0);
    expect(await stamped).toBe(13e6);
    pacer.stop();
  });

  test('an input comes after everything of its instant, also where an event has just woken a program', async () => {
    const { wall, engine, pacer } = setUp();
    const order: string[] = [];
    engine.at(
      0,
      () => {
        order.push('event');
        void Promise.resolve().then(() => {
          order.push('program');
          engine.at(engine.now, () => void order.push('event after'), undefined);
        });
        engine.wake();
      },
      undefined,
    );
    pacer.start();
    const done = pacer.post(() => void order.push('input'));
    await wall.pass(0);
    await done;
    expect(order).toEqual(['event', 'program', 'event after', 'input']);
    pacer.stop();
  });

  test('fast: takes the thread only while somebody waits', async () => {
    const { wall, engine, pacer } = setUp();
    let busy = 0;
    const realDrain = wall.drain.bind(wall);
    wall.nowMs = () => (wall.time += 0.5); // running events costs wall time
    wall.drain = () => {
      busy++;
      return realDrain();
    };
    pacer.setMode('fast');
    pacer.start();
    const release = pacer.want();
    for (let i = 0; i < 20; i++) await realDrain();
    expect(engine.now).toBeGreaterThan(1000e9);
    release();
    for (let i = 0; i < 10; i++) await realDrain();
    const before = busy;
    for (let i = 0; i < 50; i++) await realDrain();
    expect(busy - before).toBeLessThan(5); // it sleeps on the wall clock, which stands
    pacer.stop();
  });

  test('a refused input harms no other; a failure of the engine ends everything and is told', async () => {
    const wall = new FakeWall();
    const engine = new Engine({ drain: () => wall.drain() });
    const failures: string[] = [];
    const pacer = new Pacer(engine, wall, (error) => void failures.push(error.message));
    pacer.start();
    const bad = pacer.post(() => {
      throw new Error('no such node');
    });
    const good = pacer.post(() => 7);
    await expect(bad).rejects.toThrow('no such node');
    expect(await good).toBe(7);
    engine.at(
      5,
      () => {
        throw new Error('broken');
      },
      undefined,
    );
    await expect(pacer.step(10)).rejects.toThrow('broken');
    expect(failures).toEqual(['broken']);
    await expect(pacer.post(() => 1)).rejects.toThrow('broken');
  });

  test('a gate holds the clock', async () => {
    const { wall, engine, pacer } = setUp();
    let open: () => void = () => undefined;
    let closed = true;
    pacer.setGate(() => (closed ? new Promise((done) => (open = done)) : undefined));
    pacer.setMode('realtime');
    pacer.start();
    await wall.pass(100);
    expect(engine.now).toBe(0);
    closed = false;
    open();
    await wall.pass(20);
    expect(engine.now).toBe(20e6); // held time is not made up for
    pacer.stop();
  });

  test('advance runs to a time, or until it is over, without a loop', async () => {
    const { engine, pacer, ticks } = setUp();
    await pacer.advance(35e6);
    expect([engine.now, ticks.length]).toEqual([35e6, 3]);
    let over = false;
    engine.at(
      41e6,
      () => {
        over = true;
        engine.wake();
      },
      undefined,
    );
    await pacer.advance(1e9, () => over);
    expect(engine.now).toBe(41e6);
  });
});
