import { DropReason } from './drop-reasons.js';
import { NapiStruct, napiComplete, napiSchedule, netifRx } from './softnet.js';
import { SpecKernel } from './spec-kernel.js';

/** A source of numbered packets that is polled; `log` notes `name:work` of each poll. */
function source(
  spec: SpecKernel,
  name: string,
  pending: number,
  log: string[],
  perPacket?: () => void,
): { napi: NapiStruct; add: (n: number) => void } {
  let left = pending;
  const napi = new NapiStruct(
    (self, budget) => {
      const work = Math.min(left, budget);
      for (let i = 0; i < work; i++) perPacket?.();
      left -= work;
      log.push(`${name}:${work}`);
      if (work < budget) napiComplete(self);
      return work;
    },
    null,
    {},
  );
  void spec;
  return {
    napi,
    add: (n) => {
      left += n;
    },
  };
}

describe('netRxAction', () => {
  it('polls 64 at a time, and sources in turn', () => {
    const spec = new SpecKernel();
    const sd = spec.kernel.softnet(0);
    const log: string[] = [];
    const a = source(spec, 'a', 150, log);
    const b = source(spec, 'b', 70, log);
    napiSchedule(sd, a.napi);
    napiSchedule(sd, b.napi);
    sd.irqExit();
    expect(log).toEqual(['a:64', 'b:64', 'a:64', 'b:6', 'a:22']);
    expect([a.napi.scheduled, b.napi.scheduled, sd.timeSqueeze, sd.netRxRuns]).toEqual([
      false,
      false,
      0,
      1,
    ]);
  });

  it('schedules a source once', () => {
    const spec = new SpecKernel();
    const sd = spec.kernel.softnet(0);
    const log: string[] = [];
    const a = source(spec, 'a', 1, log);
    expect([napiSchedule(sd, a.napi), napiSchedule(sd, a.napi)]).toEqual([true, false]);
    sd.irqExit();
    expect(log).toEqual(['a:1']);
    expect(napiSchedule(sd, a.napi)).toBe(true);
  });

  it('stops at netdev_budget, counts the squeeze, and goes on a microsecond a packet later', () => {
    const spec = new SpecKernel();
    spec.kernel.netdevBudget = 300;
    const sd = spec.kernel.softnet(0);
    const log: string[] = [];
    const a = source(spec, 'a', 700, log);
    napiSchedule(sd, a.napi);
    sd.irqExit();
    expect(log).toHaveLength(5); // 5 × 64 = 320 ≥ 300
    expect([sd.timeSqueeze, sd.netRxRuns]).toEqual([1, 1]);
    spec.advanceTo(319_999);
    expect(log).toHaveLength(5);
    spec.advanceTo(640_000);
    expect(log.join(' ')).toBe('a:64 a:64 a:64 a:64 a:64 a:64 a:64 a:64 a:64 a:64 a:60');
    expect([sd.timeSqueeze, sd.netRxRuns]).toEqual([2, 3]);
  });

  it('stops after netdev_budget_usecs', () => {
    const spec = new SpecKernel();
    spec.kernel.netdevBudgetUsecs = 0; // no time at all: one poll a run
    const sd = spec.kernel.softnet(0);
    const log: string[] = [];
    const a = source(spec, 'a', 100, log);
    napiSchedule(sd, a.napi);
    sd.irqExit();
    expect([log.join(' '), sd.timeSqueeze]).toEqual(['a:64', 1]);
    spec.advanceTo(64_000);
    expect(log.join(' ')).toBe('a:64 a:36');
  });

  it('work raised from inside is done by the loop that runs', () => {
    const spec = new SpecKernel();
    const sd = spec.kernel.softnet(0);
    const log: string[] = [];
    const b = source(spec, 'b', 2, log);
    const a = source(spec, 'a', 1, log, () => {
      napiSchedule(sd, b.napi);
      sd.irqExit(); // a card's interrupt in the middle
    });
    napiSchedule(sd, a.napi);
    sd.irqExit();
    expect([log.join(' '), sd.netRxRuns]).toEqual(['a:1 b:2', 1]);
  });
});

describe('the backlog', () => {
  const setUp = () => {
    const spec = new SpecKernel();
    const { dev } = spec.port('e0');
    const seen: number[] = [];
    spec.modules.addPacketHandler(0x1234, (skb) => {
      seen.push(skb.len);
      skb.pool.release(skb);
    });
    const rx = (length: number): number => {
      const skb = spec.packet(length);
      skb.dev = dev;
      skb.protocol = 0x1234;
      return netifRx(skb);
    };
    return { spec, seen, rx, sd: spec.kernel.softnet(0) };
  };

  it('is processed as an event, in order', () => {
    const { spec, seen, rx, sd } = setUp();
    for (let i = 1; i <= 200; i++) rx(i);
    expect(seen).toEqual([]);
    spec.advanceTo(0);
    expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect([sd.processed, sd.netRxRuns, spec.engine.now]).toEqual([200, 1, 0]);
  });

  it('takes netdev_max_backlog packets and one, and drops the rest', () => {
    const { spec, seen, rx, sd } = setUp();
    spec.kernel.netdevMaxBacklog = 10;
    const verdicts = Array.from({ length: 13 }, () => rx(60));
    expect(verdicts).toEqual([...new Array<number>(11).fill(0), 1, 1]);
    expect([sd.dropped, spec.kernel.drops.get(DropReason.CPU_BACKLOG)]).toEqual([2, 2]);
    spec.advanceTo(0);
    expect(seen).toHaveLength(11);
    expect(rx(60)).toBe(0);
    spec.advanceTo(0);
    expect(spec.pool.live).toBe(0);
  });

  it('counts packets that no protocol takes', () => {
    const { spec, rx } = setUp();
    const skb = spec.packet(60);
    skb.dev = spec.net.devByName('e0') ?? null;
    skb.protocol = 0x4321;
    netifRx(skb);
    rx(60);
    spec.advanceTo(0);
    expect(spec.kernel.dropCounts()).toEqual({ UNHANDLED_PROTO: 1 });
    expect(spec.pool.live).toBe(0);
  });
});
