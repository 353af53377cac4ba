import { skbSetOwnerW, Stat, type Sock } from '@netloom/kernel-core';
import { address, SpecWorld } from './spec-drivers.js';
import { Wire, type Impairments } from './wire-link.js';

const MS = 1e6;

class Bench {
  readonly world: SpecWorld;
  readonly wire: Wire;
  readonly a;
  readonly z;

  constructor(settings: Impairments = {}, seed = 1) {
    this.world = new SpecWorld(seed);
    this.a = this.world.nic(this.world.kernel('a').initNet, 'e0', 1);
    this.z = this.world.nic(this.world.kernel('z').initNet, 'e0', 2);
    this.wire = new Wire(this.world.engine, this.a, this.z, 'w');
    this.wire.a.set(settings);
  }

  send(count: number, length = 64): void {
    for (let i = 0; i < count; i++) this.world.send(this.a.dev, address(2), i, length);
  }

  /** Sends one frame every `gap` nanoseconds. */
  stream(count: number, gap: number, length = 64): void {
    const start = this.world.engine.now;
    for (let i = 0; i < count; i++) {
      this.world.engine.at(
        start + i * gap,
        (bench: Bench, id) => bench.world.send(bench.a.dev, address(2), id, length),
        this as Bench,
        i,
      );
    }
  }

  get arrivals() {
    return this.world.arrivals;
  }

  run(ns: number): this {
    this.world.advance(ns);
    return this;
  }
}

/** Whether a count lies within five sigma of what a probability predicts. */
function expectBinomial(count: number, trials: number, p: number): void {
  expect(Math.abs(count - trials * p)).toBeLessThan(5 * Math.sqrt(trials * p * (1 - p)));
}

describe('a wire', () => {
  it('gives both cards carrier and takes it away', () => {
    const { wire, a, z, world } = new Bench();
    expect([a.dev.running, z.dev.running]).toEqual([true, true]);
    wire.setUp(false);
    expect([a.dev.running, z.dev.running, a.dev.carrierChanges]).toEqual([false, false, 2]);
    world.send(a.dev, address(2), 1);
    world.advance(MS);
    expect(world.take()).toEqual([]);
    expect(world.drops).toEqual(['WIRE_DOWN']);
    wire.setUp(true);
    world.send(a.dev, address(2), 2);
    world.advance(MS);
    expect(world.take()).toEqual(['e0:2']);
    wire.remove();
    world.send(a.dev, address(2), 3);
    world.expectNothingLeft();
  });

  it('loses what is on the way when it is unplugged', () => {
    const bench = new Bench({ delayNs: 10 * MS });
    bench.send(1);
    bench.run(5 * MS).wire.setUp(false);
    bench.run(10 * MS);
    expect([bench.world.take(), bench.world.drops]).toEqual([[], ['DEV_READY']]);
    bench.world.expectNothingLeft();
  });

  it('without settings carries at once', () => {
    const bench = new Bench();
    bench.send(3);
    bench.run(0);
    expect(bench.arrivals.map(({ time, id }) => [time, id])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
    ]);
    expect([
      bench.z.dev.stats[Stat.rxPackets],
      bench.z.dev.stats[Stat.rxBytes],
      bench.wire.a.stats.frames,
      bench.wire.z.stats.frames,
    ]).toEqual([3, 192, 3, 0]);
  });

  it('delays exactly, each direction by its own', () => {
    const bench = new Bench({ delayNs: 10 * MS });
    bench.wire.z.set({ delayNs: 3 * MS });
    bench.send(1);
    bench.world.send(bench.z.dev, address(1), 9);
    bench.run(20 * MS);
    expect(bench.arrivals.map(({ time, id }) => [time, id])).toEqual([
      [3 * MS, 9],
      [10 * MS, 0],
    ]);
  });

  it('sends at its rate: frame after frame, to the nanosecond, fractions carried over', () => {
    const bench = new Bench({ rateBits: 3e6, delayNs: MS });
    bench.send(7, 100);
    bench.run(100 * MS);
    // 800 bits at 3 Mbit/s are 266 666 + 2/3 ns each
    expect(bench.arrivals.map(({ time }) => time - MS)).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((n) => Math.floor((n * 800e9) / 3e6)),
    );
  });

  it('keeps its long-run rate exactly: 10 000 frames', () => {
    const bench = new Bench({ rateBits: 7_777_777, limit: 20_000 });
    bench.send(10_000, 1000);
    bench.run(1e12);
    expect(bench.arrivals).toHaveLength(10_000);
    expect(bench.arrivals[9_999]?.time).toBe(Math.floor((10_000 * 8000 * 1e9) / 7_777_777));
  });

  it('without a rate carries 65 536 frames at one instant, then one a microsecond, and queues', () => {
    const bench = new Bench();
    for (let i = 0; i < 64; i++) {
      bench.send(1024);
      bench.run(0);
      expect(bench.arrivals.splice(0)).toHaveLength(1024);
    }
    bench.send(1005);
    expect(bench.wire.a.stats.queueDrops).toBe(5);
    bench.run(1e9);
    const times = bench.arrivals.splice(0).map(({ time }) => time);
    expect([times.length, times[0], times[1], times[999]]).toEqual([1000, 1000, 2000, 1_000_000]);
    bench.send(10);
    bench.run(0);
    expect(bench.arrivals).toHaveLength(10);
    bench.world.expectNothingLeft();
  });

  it('starts over after a pause, without credit', () => {
    const bench = new Bench({ rateBits: 8e6 });
    bench.send(1, 100); // 100 µs
    bench.run(50e3).send(1, 100);
    bench.run(1e6).send(1, 100);
    bench.run(1e6);
    expect(bench.arrivals.map(({ time }) => time)).toEqual([100e3, 200e3, 1_150e3]);
  });

  it('lets `limit` frames wait behind the one on the wire and drops the rest', () => {
    const bench = new Bench({ rateBits: 8e6, limit: 3 });
    bench.send(6, 100);
    expect([bench.wire.a.stats.queueDrops, bench.world.drops]).toEqual([
      2,
      ['WIRE_QUEUE', 'WIRE_QUEUE'],
    ]);
    bench.run(150e3).send(2, 100); // one has left, one more place
    expect(bench.wire.a.stats.queueDrops).toBe(3);
    bench.run(MS);
    expect(bench.arrivals.map(({ time, id }) => [time, id])).toEqual([
      [100e3, 0],
      [200e3, 1],
      [300e3, 2],
      [400e3, 3],
      [500e3, 0],
    ]);
    bench.world.expectNothingLeft();
  });

  it('changes its rate and limit while frames wait', () => {
    const bench = new Bench({ rateBits: 8e6, limit: 5 });
    bench.send(5, 100); // 100 µs each
    bench.run(150e3);
    bench.wire.a.set({ rateBits: 16e6, limit: 4 });
    bench.send(1, 100);
    expect(bench.wire.a.stats.queueDrops).toBe(0);
    bench.send(1, 100);
    expect(bench.wire.a.stats.queueDrops).toBe(1); // one on the wire, four wait
    bench.wire.a.set({ rateBits: 16e6, limit: 100 });
    bench.send(50, 100);
    expect(bench.wire.a.stats.queueDrops).toBe(1);
    bench.run(1e9);
    expect(bench.arrivals.slice(0, 7).map(({ time }) => time)).toEqual([
      100e3, 200e3, 300e3, 400e3, 500e3, 550e3, 600e3,
    ]);
    expect(bench.arrivals).toHaveLength(56);
    for (let i = 0; i < 20; i++) {
      bench.wire.a.set({ rateBits: 8e6, limit: 1 + i });
      bench.send(3, 100);
      bench.run(1e6);
    }
    bench.wire.a.set({ rateBits: 8e6, limit: 2 });
    bench.run(1e9).send(4, 100);
    bench.run(1e9);
    expect(bench.arrivals.slice(-3).map(({ id }) => id)).toEqual([0, 1, 2]);
    bench.world.expectNothingLeft();
  });

  it('gives a socket its memory back when frames have left, a few together', () => {
    const bench = new Bench({ rateBits: 8e6, delayNs: 50 * MS });
    const sk = { wmemAlloc: 0, writeSpace: null } as unknown as Sock;
    const freed: number[] = [];
    sk.writeSpace = () => freed.push(bench.world.engine.now);
    for (let i = 0; i < 3; i++) {
      const skb = bench.world.frame(address(2), address(1), i, 100);
      skb.dev = bench.a.dev;
      skbSetOwnerW(skb, sk);
      bench.wire.a.send(skb);
    }
    expect(sk.wmemAlloc).toBeGreaterThan(300);
    bench.run(60 * MS);
    expect([freed, sk.wmemAlloc]).toEqual([[100e3, 300e3, 300e3], 0]);
    expect(bench.arrivals.map(({ time }) => time)).toEqual([50.1 * MS, 50.2 * MS, 50.3 * MS]);
  });

  it("gives it back before the frame is the receiver's, however few have left", () => {
    const bench = new Bench({ rateBits: 8e6, delayNs: 0.15 * MS });
    const sk = { wmemAlloc: 0, writeSpace: null } as unknown as Sock;
    const freed: number[] = [];
    sk.writeSpace = () => freed.push(bench.world.engine.now);
    for (let i = 0; i < 4; i++) {
      const skb = bench.world.frame(address(2), address(1), i, 100);
      skb.dev = bench.a.dev;
      skbSetOwnerW(skb, sk);
      bench.wire.a.send(skb);
    }
    bench.run(60 * MS);
    expect(freed).toEqual([100e3, 349_999, 349_999, 400e3]);
    expect(bench.arrivals).toHaveLength(4);
  });

  it('jitters around its delay, evenly, and in order', () => {
    const bench = new Bench({ delayNs: 10 * MS, jitterNs: 2 * MS });
    bench.stream(4000, 10 * MS); // far apart: no frame waits for another
    bench.run(60e9);
    const delays = bench.arrivals.map(({ time, id }) => time - id * 10 * MS);
    expect([Math.min(...delays) >= 8 * MS, Math.max(...delays) <= 12 * MS]).toEqual([true, true]);
    const bins = new Array<number>(8).fill(0);
    for (const delay of delays) bins[Math.min(7, Math.floor((delay - 8 * MS) / (0.5 * MS)))]!++;
    expect(bins.reduce((sum, n) => sum + (n - 500) ** 2 / 500, 0)).toBeLessThan(24.3); // chi-square, 7 degrees, 0.1 %
    const close = new Bench({ delayNs: 10 * MS, jitterNs: 2 * MS });
    close.stream(2000, 0.1 * MS);
    close.run(10e9);
    expect(close.arrivals.map(({ id }) => id)).toEqual(Array.from({ length: 2000 }, (_, i) => i));
  });

  it.each([0.001, 0.01, 0.1, 0.5, 1])('loses a fraction of %p', (loss) => {
    const bench = new Bench({ loss }, 11);
    bench.stream(20_000, 1000);
    bench.run(1e9);
    const { lost, frames } = bench.wire.a.stats;
    expect(lost + frames).toBe(20_000);
    if (loss === 1) expect(lost).toBe(20_000);
    else expectBinomial(lost, 20_000, loss);
    expect(bench.arrivals).toHaveLength(frames);
    expect(bench.world.drops.filter((reason) => reason === 'WIRE_LOSS')).toHaveLength(lost);
    bench.world.expectNothingLeft();
  });

  it('loses without memory: gaps between losses are geometric', () => {
    const bench = new Bench({ loss: 0.1 }, 12);
    bench.stream(30_000, 1000);
    bench.run(1e9);
    const ids = bench.arrivals.map(({ id }) => id);
    let doubles = 0;
    for (let i = 1; i < ids.length; i++)
      if ((ids[i] as number) - (ids[i - 1] as number) > 2) doubles++; // two or more in a row
    expectBinomial(doubles, ids.length, 0.1 * 0.1); // after an arrival: lost, and lost again
  });

  it('duplicates a fraction, the copy behind nothing else', () => {
    const bench = new Bench({ duplicate: 0.2, delayNs: MS }, 13);
    bench.stream(10_000, 1000);
    bench.run(1e9);
    const { duplicated, frames } = bench.wire.a.stats;
    expectBinomial(duplicated, 10_000, 0.2);
    expect(frames).toBe(10_000 + duplicated);
    const times = new Map<number, number>();
    for (const { id } of bench.arrivals) times.set(id, (times.get(id) ?? 0) + 1);
    expect([times.size, Math.max(...times.values())]).toEqual([10_000, 2]);
    bench.world.expectNothingLeft();
  });

  it('corrupts a fraction by one bit each, anywhere in the frame', () => {
    const bench = new Bench({ corrupt: 0.3 }, 14);
    const sent = new Uint8Array(50);
    let flipped = 0;
    bench.z.dev.promiscuity = 1; // a flipped address must not hide the frame
    bench.stream(5000, 1000);
    bench.run(1e9);
    for (const { bytes, id } of bench.arrivals) {
      sent.fill(0);
      new DataView(sent.buffer).setUint32(0, id);
      const bits = bytes.reduce(
        (sum, byte, i) => sum + (byte ^ (sent[i] ?? 0)).toString(2).replaceAll('0', '').length,
        0,
      );
      expect(bits).toBeLessThanOrEqual(1);
      if (bits === 1) flipped++;
    }
    const { corrupted } = bench.wire.a.stats;
    const elsewhere = corrupted - flipped;
    expectBinomial(corrupted, 5000, 0.3);
    expect(elsewhere).toBeGreaterThan(0); // bits of the Ethernet header and of the id itself
  });

  it('a corrupted duplicate leaves the other copy alone', () => {
    const bench = new Bench({ corrupt: 1, duplicate: 1 }, 15);
    bench.z.dev.promiscuity = 1;
    bench.stream(200, 1000);
    bench.run(1e9);
    expect(bench.wire.a.stats).toMatchObject({ duplicated: 200, corrupted: 400, frames: 400 });
    bench.world.expectNothingLeft();
  });

  it('reorders a fraction by letting it overtake', () => {
    const bench = new Bench({ delayNs: 10 * MS, reorder: 0.25 }, 16);
    bench.stream(4000, MS);
    bench.run(60e9);
    const { reordered } = bench.wire.a.stats;
    expectBinomial(reordered, 4000, 0.25);
    const early = bench.arrivals.filter(({ time, id }) => time === id * MS);
    const late = bench.arrivals.filter(({ time, id }) => time === (id + 10) * MS);
    expect([early.length, late.length]).toEqual([reordered, 4000 - reordered]);
  });

  it('the same seed gives the same run, another seed another', () => {
    const run = (seed: number): string => {
      const bench = new Bench(
        { loss: 0.1, duplicate: 0.1, corrupt: 0.1, delayNs: MS, jitterNs: MS, reorder: 0.1 },
        seed,
      );
      bench.stream(500, 100e3);
      bench.run(1e9);
      return `${JSON.stringify(bench.wire.a.stats)} ${bench.world.engine.fingerprint.text}`;
    };
    expect(run(1)).toBe(run(1));
    expect(run(1)).not.toBe(run(2));
  });

  it('the directions draw from streams of their own', () => {
    const lostIds = (busyBack: boolean): number[] => {
      const bench = new Bench({ loss: 0.3 });
      bench.wire.z.set({ loss: 0.3 });
      bench.stream(300, 1000);
      if (busyBack)
        for (let i = 0; i < 100; i++) bench.world.send(bench.z.dev, address(1), 100_000 + i);
      bench.run(1e9);
      return bench.arrivals.filter(({ id }) => id < 100_000).map(({ id }) => id);
    };
    expect(lostIds(true)).toEqual(lostIds(false));
  });
});
