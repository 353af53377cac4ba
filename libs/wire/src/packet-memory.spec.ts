import { RandomStream } from '@netloom/base';
import { csumFold, csumPartial, csumReplace2, csumReplace4, ipHeaderSum } from './checksum.js';
import { iphDecreaseTtl } from './ipv4.js';
import { LARGE_SLOT, PacketMemory, SMALL_SLOT } from './packet-memory.js';

const memory = new PacketMemory(4 * 1024 * 1024);
const random = new RandomStream(3, 'memory');

function referenceSum(offset: number, length: number, init: number): number {
  let sum = init;
  for (let i = 0; i < length; i += 2) {
    sum +=
      ((memory.u8[offset + i] ?? 0) << 8) | (i + 1 < length ? (memory.u8[offset + i + 1] ?? 0) : 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return sum;
}

describe('PacketMemory', () => {
  it('hands out distinct slots, counts references and takes them back', () => {
    const a = memory.alloc(100);
    const b = memory.alloc(SMALL_SLOT);
    const c = memory.alloc(LARGE_SLOT);
    expect(new Set([a, b, c]).size).toBe(3);
    memory.ref(a);
    expect(memory.shared(a)).toBe(true);
    memory.unref(a);
    memory.unref(a);
    expect(() => memory.unref(a)).toThrow('freed twice');
    expect(memory.alloc(1)).toBe(a);
    expect(memory.alloc(LARGE_SLOT + 1)).toBe(-1);
    for (const slot of [a, b, c]) memory.unref(slot);
    expect(memory.inUse).toEqual({ small: 0, large: 0 });
  });

  it('runs out without harm', () => {
    const slots: number[] = [];
    for (let slot = memory.alloc(LARGE_SLOT); slot >= 0; slot = memory.alloc(LARGE_SLOT))
      slots.push(slot);
    expect(memory.exhausted).toBeGreaterThan(0);
    for (const slot of slots) memory.unref(slot);
    expect(memory.inUse.large).toBe(0);
  });
});

describe('checksums', () => {
  it.each([0, 1, 2, 7, 15, 16, 17, 20, 21, 64, 65, 1500, 1501, 65535])(
    'sum %i bytes as the definition does',
    (length) => {
      for (const start of [SMALL_SLOT, SMALL_SLOT + 1, SMALL_SLOT + 3]) {
        for (let i = 0; i < length; i++) memory.u8[start + i] = random.below(256);
        const init = random.below(65536);
        expect(csumPartial(memory, start, length, init) % 0xffff).toBe(
          referenceSum(start, length, init) % 0xffff,
        );
      }
    },
  );

  it('verify and update an IPv4 header', () => {
    const o = SMALL_SLOT;
    for (let i = 0; i < 20; i++) memory.u8[o + i] = random.below(256);
    memory.u8[o + 8] = 64;
    memory.dv.setUint16(o + 10, 0);
    memory.dv.setUint16(o + 10, ~ipHeaderSum(memory, o, 5) & 0xffff);
    expect(ipHeaderSum(memory, o, 5)).toBe(0xffff);
    for (let ttl = 63; ttl > 0; ttl--) {
      expect(iphDecreaseTtl(memory, o)).toBe(ttl);
      expect(ipHeaderSum(memory, o, 5)).toBe(0xffff);
    }
    const check = memory.dv.getUint16(o + 10);
    const was = memory.dv.getUint32(o + 12);
    memory.dv.setUint32(o + 12, 0x0a010203);
    memory.dv.setUint16(o + 10, csumReplace4(check, was, 0x0a010203));
    expect(ipHeaderSum(memory, o, 5)).toBe(0xffff);
    expect(csumReplace2(0xdd2f, 0x5555, 0x3285)).toBe(0x0000); // the example of RFC 1624 §4
    expect(csumFold(0x1fffe)).toBe(0xffff);
  });

  it('hashes every byte: any changed one changes the hash', () => {
    const src = SMALL_SLOT;
    for (const length of [14, 61, 64, 106, 1514]) {
      for (let i = 0; i < length; i++) memory.u8[src + i] = i;
      const hash = memory.ops.hash(src, length);
      expect(memory.ops.hash(src, length)).toBe(hash);
      for (let i = 0; i < length; i++) {
        const was = memory.u8[src + i] ?? 0;
        memory.u8[src + i] = was ^ 0x80;
        expect(memory.ops.hash(src, length)).not.toBe(hash);
        memory.u8[src + i] = was;
      }
    }
  });
});
