import fc from 'fast-check';
import { LARGE_SLOT, SMALL_SLOT } from '@netloom/wire';
import { range, SpecKernel } from './spec-kernel.js';
import {
  consumeSkb,
  pskbMayPull,
  skbAddFrag,
  skbBytes,
  skbCopyBits,
  skbCow,
  skbHeadlen,
  skbHeadroom,
  skbLinearize,
  skbPull,
  skbPush,
  skbPut,
  skbReserve,
  skbTailroom,
  skbTrim,
  type SkBuff,
} from './skbuff.js';

const bytesOf = (skb: SkBuff, offset?: number, length?: number): number[] => [
  ...skbBytes(skb, offset, length),
];

describe('SkBuff', () => {
  let spec: SpecKernel;
  const live: SkBuff[] = [];
  const made = (count: number, headroom?: number): SkBuff => {
    const skb = spec.packet(count, headroom);
    live.push(skb);
    return skb;
  };
  /** A packet of 100 linear bytes 0…99 and two fragments of 50 bytes 100…199. */
  const fragmented = (): SkBuff => {
    const skb = made(100);
    for (const start of [100, 150]) {
      const slot = spec.memory.alloc(100);
      for (let i = 0; i < 50; i++) spec.memory.u8[slot + 10 + i] = start + i;
      skbAddFrag(skb, slot, slot + 10, 50);
    }
    return skb;
  };

  beforeEach(() => {
    spec = new SpecKernel();
  });

  afterEach(() => {
    for (const skb of live.splice(0)) skb.pool.release(skb);
    expect(spec.pool.live).toBe(0);
    expect(spec.memory.inUse).toEqual({ small: 0, large: 0 });
  });

  it('starts empty with its headroom in front', () => {
    const skb = spec.pool.alloc(100, 30) as SkBuff;
    live.push(skb);
    expect([skb.len, skbHeadroom(skb), skbHeadlen(skb), skb.data === skb.tail]).toEqual([
      0,
      30,
      0,
      true,
    ]);
    expect(skbTailroom(skb)).toBe(SMALL_SLOT - 30);
    expect(skb.truesize).toBe(130 + 576);
  });

  it('takes a large slot for a large packet and refuses what no slot holds', () => {
    live.push(spec.pool.alloc(SMALL_SLOT, 1) as SkBuff);
    expect(spec.memory.inUse).toEqual({ small: 0, large: 1 });
    expect(spec.pool.alloc(LARGE_SLOT, 1)).toBeNull();
    expect(spec.pool.live).toBe(1);
  });

  it('gives nothing when memory is out, and everything again after', () => {
    const all: SkBuff[] = [];
    for (let skb = spec.pool.alloc(10, 0); skb !== null; skb = spec.pool.alloc(10, 0))
      all.push(skb);
    expect(spec.memory.exhausted).toBe(1);
    const [one] = all;
    expect(skbCow(one as SkBuff, 100)).toBe(false);
    expect(spec.pool.copy(one as SkBuff)).toBeNull();
    expect((one as SkBuff).slot).toBeGreaterThan(0);
    for (const skb of all) consumeSkb(skb);
  });

  it('push, put and pull move the ends and say where', () => {
    const skb = made(10, 20);
    const start = skb.data;
    expect(skbPush(skb, 4)).toBe(start - 4);
    expect(skb.len).toBe(14);
    expect(skbPull(skb, 6)).toBe(start + 2);
    expect(skb.len).toBe(8);
    expect(skbPut(skb, 3)).toBe(start + 10);
    expect(skb.len).toBe(11);
    expect(skb.tail - skb.data).toBe(skb.len);
  });

  it('reserve leaves headroom in an empty packet', () => {
    const skb = spec.pool.alloc(50, 0) as SkBuff;
    live.push(skb);
    skbReserve(skb, 16);
    expect([skbHeadroom(skb), skb.len]).toEqual([16, 0]);
  });

  it('refuses to push or put beyond its slot', () => {
    expect(() => skbPush(made(10, 4), 5)).toThrow('invariant failed: skbPush: no headroom');
    expect(() => skbPut(made(10, 4), SMALL_SLOT)).toThrow('invariant failed: skbPut: no tailroom');
    expect(() => skbPut(fragmented(), 1)).toThrow('invariant failed: skbPut: no tailroom');
  });

  it('refuses to be freed twice', () => {
    const skb = spec.packet(10);
    skb.pool.release(skb);
    expect(() => {
      skb.pool.release(skb);
    }).toThrow('invariant failed: sk_buff freed twice');
    expect(spec.pool.live).toBe(0);
  });

  it('is clean when it is used again', () => {
    const skb = spec.packet(10);
    Object.assign(skb, {
      mark: 7,
      priority: 3,
      pktType: 2,
      protocol: 0x800,
      tstamp: 5,
      skbIif: 4,
      cbFlags2: 1,
      vlanTci: 9,
      gsoSize: 100,
      ipSummed: 3,
      nfctInfo: 2,
    });
    skb.pool.release(skb);
    const again = made(10);
    expect(again).toBe(skb);
    const {
      mark,
      priority,
      pktType,
      protocol,
      tstamp,
      skbIif,
      cbFlags2,
      vlanTci,
      gsoSize,
      ipSummed,
      nfctInfo,
      packetId,
      sk,
      dst,
      dev,
      frags,
    } = again;
    expect({
      mark,
      priority,
      pktType,
      protocol,
      tstamp,
      skbIif,
      cbFlags2,
      vlanTci,
      gsoSize,
      ipSummed,
      nfctInfo,
      packetId,
      sk,
      dst,
      dev,
      frags,
    }).toEqual({
      mark: 0,
      priority: 0,
      pktType: 0,
      protocol: 0,
      tstamp: 0,
      skbIif: 0,
      cbFlags2: 0,
      vlanTci: -1,
      gsoSize: 0,
      ipSummed: 0,
      nfctInfo: 0,
      packetId: 0,
      sk: null,
      dst: null,
      dev: null,
      frags: null,
    });
  });

  it('runs its destructor once', () => {
    const skb = spec.packet(10);
    let runs = 0;
    skb.destructor = () => {
      runs++;
    };
    skb.pool.release(skb);
    expect(runs).toBe(1);
  });

  describe('trim', () => {
    it.each([
      [200, 200, 2],
      [300, 200, 2],
      [180, 180, 2],
      [150, 150, 1],
      [120, 120, 1],
      [100, 100, 0],
      [60, 60, 0],
      [0, 0, 0],
    ])('to %i leaves %i bytes in %i fragments', (to, left, frags) => {
      const skb = fragmented();
      skbTrim(skb, to);
      expect(skb.len).toBe(left);
      expect(bytesOf(skb)).toEqual(range(0, left));
      expect(skb.frags?.length ?? 0).toBe(frags);
      expect(skb.len - skb.dataLen).toBe(skb.tail - skb.data);
    });
  });

  describe('clone and copy', () => {
    it('a clone shares the bytes and keeps them alive', () => {
      const skb = fragmented();
      const clone = spec.pool.clone(skb);
      expect(clone.slot).toBe(skb.slot);
      live.splice(live.indexOf(skb), 1);
      skb.pool.release(skb);
      expect(bytesOf(clone)).toEqual(range(0, 200));
      live.push(clone);
    });

    it('a clone has its own pointers, headers and fields', () => {
      const skb = made(50);
      skb.mark = 5;
      skb.packetId = 77;
      const clone = spec.pool.clone(skb);
      live.push(clone);
      skbPull(clone, 20);
      clone.mark = 6;
      expect([skb.len, clone.len, skb.mark, clone.packetId, clone.networkHeader]).toEqual([
        50,
        30,
        5,
        77,
        skb.networkHeader,
      ]);
    });

    it("a clone is nobody's: no socket is charged for it", () => {
      const skb = made(50);
      skb.destructor = () => undefined;
      const clone = spec.pool.clone(skb);
      live.push(clone);
      expect([clone.destructor, clone.sk]).toEqual([null, null]);
    });

    it('a copy is linear, private, with the headers where they were', () => {
      const skb = fragmented();
      skb.networkHeader = skb.data + 14;
      const copy = spec.pool.copy(skb, 40, 10) as SkBuff;
      live.push(copy);
      expect([copy.dataLen, copy.len, skbHeadroom(copy), copy.networkHeader - copy.data]).toEqual([
        0, 200, 40, 14,
      ]);
      spec.memory.u8[copy.data] = 99;
      expect(bytesOf(skb, 0, 1)).toEqual([0]);
      expect(bytesOf(copy)).toEqual([99, ...range(1, 200)]);
    });
  });

  describe('skbCow', () => {
    it('does nothing to private bytes with enough headroom', () => {
      const skb = made(50, 32);
      const { slot } = skb;
      expect(skbCow(skb, 32)).toBe(true);
      expect(skb.slot).toBe(slot);
    });

    it('moves shared bytes away from the clone, headers in the headroom too', () => {
      const skb = made(50, 32);
      skb.macHeader = skb.data;
      skbPull(skb, 14);
      skb.networkHeader = skb.data;
      const clone = spec.pool.clone(skb);
      live.push(clone);
      expect(skbCow(skb, 14)).toBe(true);
      spec.memory.u8[skb.networkHeader] = 200;
      expect(skb.slot).not.toBe(clone.slot);
      expect(bytesOf(clone)).toEqual(range(14, 50));
      expect(bytesOf(skb)).toEqual([200, ...range(15, 50)]);
      expect([...spec.memory.bytes(skb.macHeader, 14)]).toEqual(range(0, 14));
      expect(skb.networkHeader - skb.macHeader).toBe(14);
    });

    it('makes headroom', () => {
      const skb = made(50, 4);
      expect(skbCow(skb, 60)).toBe(true);
      expect(skbHeadroom(skb)).toBe(60);
      skbPush(skb, 60);
      expect(bytesOf(skb, 60)).toEqual(range(0, 50));
    });
  });

  describe('fragments', () => {
    it('counts, linearizes, pulls across and copies out of them', () => {
      const skb = fragmented();
      expect([skb.len, skb.dataLen, skbHeadlen(skb), skbTailroom(skb)]).toEqual([200, 100, 100, 0]);
      expect(bytesOf(skb, 90, 70)).toEqual(range(90, 160));
      expect(pskbMayPull(skb, 100)).toBe(true);
      expect(skb.dataLen).toBe(100);
      expect(pskbMayPull(skb, 201)).toBe(false);
      expect(pskbMayPull(skb, 101)).toBe(true);
      expect([skb.dataLen, skb.frags, skb.len]).toEqual([0, null, 200]);
      expect(bytesOf(skb)).toEqual(range(0, 200));
      expect(skbLinearize(skb)).toBe(true);
    });

    it('a clone of a fragmented packet can be trimmed and linearized alone', () => {
      const skb = fragmented();
      const clone = spec.pool.clone(skb);
      live.push(clone);
      skbTrim(clone, 120);
      expect(skbLinearize(clone)).toBe(true);
      expect(bytesOf(clone)).toEqual(range(0, 120));
      expect(bytesOf(skb)).toEqual(range(0, 200));
    });

    it('says no to bytes that are not there', () => {
      const skb = fragmented();
      expect(() => {
        skbCopyBits(skb, 150, skb.head, 60);
      }).toThrow('beyond the packet');
    });

    it('agree with a plain array under random operations', () => {
      const operation = fc.oneof(
        fc.record({
          op: fc.constantFrom('push', 'put', 'pull', 'trim', 'frag', 'cow'),
          n: fc.integer({ min: 0, max: 60 }),
        }),
        fc.record({ op: fc.constantFrom('linearize', 'clone', 'copy'), n: fc.constant(0) }),
      );
      fc.assert(
        fc.property(fc.array(operation, { maxLength: 25 }), (operations) => {
          const local = new SpecKernel();
          let skb = local.packet(40, 200);
          let model = range(0, 40);
          const others: SkBuff[] = [];
          for (const { op, n } of operations) {
            if (op === 'push' && skbHeadroom(skb) >= n && skbCow(skb, n)) {
              const at = skbPush(skb, n);
              local.memory.u8.fill(1, at, at + n);
              model = [...new Array<number>(n).fill(1), ...model];
            } else if (
              op === 'put' &&
              skb.dataLen === 0 &&
              skbTailroom(skb) >= n &&
              skbCow(skb, 0)
            ) {
              const at = skbPut(skb, n);
              local.memory.u8.fill(2, at, at + n);
              model = [...model, ...new Array<number>(n).fill(2)];
            } else if (op === 'pull' && pskbMayPull(skb, n)) {
              skbPull(skb, n);
              model = model.slice(n);
            } else if (op === 'trim') {
              skbTrim(skb, n);
              model = model.slice(0, n);
            } else if (op === 'frag' && n > 0) {
              const slot = local.memory.alloc(n);
              local.memory.u8.fill(3, slot, slot + n);
              skbAddFrag(skb, slot, slot, n);
              model = [...model, ...new Array<number>(n).fill(3)];
            } else if (op === 'cow') {
              skbCow(skb, n);
            } else if (op === 'linearize') {
              skbLinearize(skb);
            } else if (op === 'clone') {
              others.push(skb);
              skb = local.pool.clone(skb);
            } else if (op === 'copy') {
              others.push(skb);
              skb = local.pool.copy(skb) as SkBuff;
            }
            expect(bytesOf(skb)).toEqual(model);
            expect(skb.len).toBe(model.length);
          }
          for (const other of [skb, ...others]) other.pool.release(other);
          expect(local.pool.live).toBe(0);
          expect(local.memory.inUse).toEqual({ small: 0, large: 0 });
        }),
        { numRuns: 40 },
      );
    });
  });
});
