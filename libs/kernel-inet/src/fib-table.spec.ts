import { ipv4Mask } from '@netloom/base';
import type { NetDevice } from '@netloom/kernel-core';
import fc from 'fast-check';
import {
  FibTable,
  RTN_BLACKHOLE,
  RTN_UNICAST,
  RTNH_F_DEAD,
  type FibNh,
  type FibRoute,
} from './fib-table.js';

const devices = [1, 2, 3].map((ifindex) => ({ ifindex }) as NetDevice);

function nexthop(oif: number, dead = false): FibNh {
  return {
    dev: devices[oif - 1] as NetDevice,
    gateway: 0,
    weight: 1,
    flags: dead ? RTNH_F_DEAD : 0,
    scope: 254,
    rthInput: null,
    rthOutput: null,
  };
}

function makeRoute(
  address: number,
  dstLen: number,
  more: {
    readonly tos?: number;
    readonly priority?: number;
    readonly oif?: number;
    readonly dead?: boolean;
    readonly blackhole?: boolean;
  } = {},
): FibRoute {
  return {
    dst: (address & ipv4Mask(dstLen)) >>> 0,
    dstLen,
    info: {
      type: more.blackhole === true ? RTN_BLACKHOLE : RTN_UNICAST,
      tos: more.tos ?? 0,
      table: 254,
      protocol: 3,
      scope: 0,
      priority: more.priority ?? 0,
      prefsrc: 0,
      nexthops: more.blackhole === true ? [] : [nexthop(more.oif ?? 1, more.dead)],
      metrics: undefined,
      nhid: 0,
    },
  };
}

/** What the table must answer: the longest prefix with a usable route; within it TOS, then metric, then age. */
function reference(
  routes: readonly FibRoute[],
  address: number,
  tos: number,
  oif: number,
): FibRoute | null {
  const usable = routes.filter(({ dst, dstLen, info }) => {
    if (((address ^ dst) & ipv4Mask(dstLen)) !== 0 || (info.tos !== 0 && info.tos !== tos))
      return false;
    const [nh] = info.nexthops;
    return (
      nh === undefined || ((nh.flags & RTNH_F_DEAD) === 0 && (oif === 0 || nh.dev.ifindex === oif))
    );
  });
  usable.sort(
    (a, b) =>
      b.dstLen - a.dstLen ||
      b.info.tos - a.info.tos ||
      a.info.priority - b.info.priority ||
      routes.indexOf(a) - routes.indexOf(b),
  );
  return usable[0] ?? null;
}

/** Few distinct high bits, so that prefixes nest and addresses hit. */
const address = fc
  .tuple(
    fc.constantFrom(0x0a000000, 0x0a800000, 0xc0a80000, 0x00000000, 0xffffff00, 0x80000000),
    fc.nat(0xffff),
  )
  .map(([high, low]) => (high ^ low) >>> 0);
const length = fc.oneof(fc.integer({ min: 0, max: 32 }), fc.constantFrom(0, 8, 16, 24, 31, 32));
const route = fc
  .record({
    address,
    length,
    tos: fc.constantFrom(0, 0, 0, 4, 8),
    priority: fc.nat(3),
    oif: fc.integer({ min: 1, max: 3 }),
    dead: fc.constantFrom(false, false, true),
    blackhole: fc.constantFrom(false, false, false, true),
  })
  .map(({ address: a, length: n, ...more }) => makeRoute(a, n, more));

describe('FibTable', () => {
  it('answers as a search through all routes does, while routes come and go', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(route, fc.nat()), { minLength: 1, maxLength: 60 }),
        fc.array(fc.tuple(address, fc.constantFrom(0, 4, 8), fc.nat(3)), {
          minLength: 20,
          maxLength: 20,
        }),
        (steps, questions) => {
          const table = new FibTable(254);
          const present: FibRoute[] = [];
          for (const [fresh, choice] of steps) {
            if (choice % 3 === 0 && present.length > 0) {
              const [old] = present.splice(choice % present.length, 1) as [FibRoute];
              table.remove(old);
            } else {
              table.insert(fresh);
              present.push(fresh);
            }
            expect(table.size).toBe(present.length);
            const near = present.map(
              ({ dst, dstLen }) => [(dst | (0x5a5a5a5a & ~ipv4Mask(dstLen))) >>> 0, 0, 0] as const,
            );
            for (const [to, tos, oif] of [...questions, ...near])
              expect(table.lookup(to, tos, oif)).toBe(reference(present, to, tos, oif));
          }
          expect(new Set(table.routes())).toEqual(new Set(present));
          for (const { dst, dstLen } of present) {
            expect(new Set(table.find(dst, dstLen))).toEqual(
              new Set(present.filter((other) => other.dst === dst && other.dstLen === dstLen)),
            );
          }
          for (const old of present) table.remove(old);
          expect([table.size, table.routes(), table.lookup(0x0a000001, 0, 0)]).toEqual([
            0,
            [],
            null,
          ]);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('falls back to a shorter prefix where the longer one has no usable next hop', () => {
    const table = new FibTable(254);
    const wide = makeRoute(0x0a000000, 8);
    const narrow = makeRoute(0x0a010000, 16, { dead: true });
    table.insert(wide);
    table.insert(narrow);
    expect(table.lookup(0x0a010203, 0, 0)).toBe(wide);
    (narrow.info.nexthops[0] as FibNh).flags = 0;
    expect(table.lookup(0x0a010203, 0, 0)).toBe(narrow);
    expect(table.lookup(0x0a010203, 0, 2)).toBeNull();
  });

  it('puts a replacing route in front of its equals, an appended one behind them', () => {
    const table = new FibTable(254);
    const [first, second, third, cheap] = [
      makeRoute(0, 0),
      makeRoute(0, 0, { oif: 2 }),
      makeRoute(0, 0, { oif: 3 }),
      makeRoute(0, 0, { priority: 0, tos: 8 }),
    ] as const;
    table.insert(first);
    table.insert(second);
    table.insert(third, true);
    table.insert(cheap);
    expect(table.find(0, 0)).toEqual([cheap, third, first, second]);
    expect(table.lookup(1, 0, 0)).toBe(third);
    expect(table.lookup(1, 8, 0)).toBe(cheap);
  });
});
