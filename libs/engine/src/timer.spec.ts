import { Engine } from './engine.js';
import { Timer } from './timer.js';

function timeline(act: (timer: Timer, engine: Engine) => void): {
  readonly fired: number[];
  readonly timer: Timer;
  readonly engine: Engine;
} {
  const engine = new Engine();
  const fired: number[] = [];
  const timer = new Timer(engine, () => fired.push(engine.now));
  act(timer, engine);
  engine.advance(10_000);
  return { fired, timer, engine };
}

const at = (engine: Engine, time: number, fn: () => void): void => {
  engine.at(time, fn, undefined);
};

describe('Timer', () => {
  it('fires once, at its time', () => {
    const { fired, timer } = timeline((t) => {
      t.set(100);
    });
    expect(fired).toEqual([100]);
    expect(timer.pending).toBe(false);
    expect(timer.expires).toBe(Infinity);
  });

  it('moved later, fires only then; the queued event is not thrown away', () => {
    const { fired, engine } = timeline((t, e) => {
      t.set(100);
      at(e, 50, () => {
        t.set(300);
      });
      at(e, 200, () => {
        t.set(400);
      });
    });
    expect(fired).toEqual([400]);
    expect(engine.pending).toBe(0);
  });

  it('moved earlier, fires then and not again at the old time', () => {
    const { fired } = timeline((t, e) => {
      t.set(500);
      at(e, 50, () => {
        t.set(100);
      });
    });
    expect(fired).toEqual([100]);
  });

  it('moved earlier and back again, fires once at the last time', () => {
    const { fired } = timeline((t, e) => {
      t.set(500);
      at(e, 10, () => {
        t.set(100);
        t.set(800);
      });
    });
    expect(fired).toEqual([800]);
  });

  it('cancelled, does not fire; set again, does', () => {
    const { fired } = timeline((t, e) => {
      t.set(100);
      at(e, 50, () => {
        t.cancel();
      });
      at(e, 60, () => {
        t.set(100);
      });
      at(e, 150, () => {
        t.set(200);
        t.cancel();
      });
    });
    expect(fired).toEqual([100]);
  });

  it('can be set from its own function', () => {
    const engine = new Engine();
    const fired: number[] = [];
    const timer: Timer = new Timer(engine, () => {
      fired.push(engine.now);
      if (fired.length < 3) timer.set(engine.now + 10);
    });
    timer.set(5);
    engine.advance(1000);
    expect(fired).toEqual([5, 15, 25]);
  });

  it('agrees with a plain reference over random moves', () => {
    let state = 12345;
    const random = (n: number): number =>
      (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % n;
    for (let round = 0; round < 200; round++) {
      const engine = new Engine();
      const fired: number[] = [];
      const timer = new Timer(engine, () => fired.push(engine.now));
      let deadline = Infinity;
      const expected: number[] = [];
      let now = 0;
      for (let i = 0; i < 30; i++) {
        const next = now + random(40);
        engine.advance(next);
        if (deadline <= next) expected.push(deadline);
        now = next;
        if (random(3) === 0) {
          timer.cancel();
          deadline = Infinity;
        } else {
          deadline = now + 1 + random(60);
          timer.set(deadline);
        }
      }
      engine.advance(10_000);
      if (deadline < Infinity) expected.push(deadline);
      expect(fired).toEqual(expected);
    }
  });
});
