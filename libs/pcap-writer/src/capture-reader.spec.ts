import fc from 'fast-check';
import { CaptureFormatError, CaptureReader, PcapNgWriter, PcapWriter } from './index.js';
import type { CapturedPacket } from './index.js';
import { bytesOf, collect, hex } from './testing.js';

const SHB = '0a0d0d0a 1c000000 4d3c2b1a 01000000 ffffffffffffffff 1c000000';
const IDB = '01000000 14000000 01000000 00000000 14000000';
const PCAP = 'd4c3b2a1 02000400 00000000 00000000 00000400 01000000';

function read(bytes: Uint8Array): { packets: CapturedPacket[]; error: string } {
  const packets: CapturedPacket[] = [];
  try {
    for (const packet of CaptureReader.fromBytes(bytes)) packets.push(packet);
  } catch (error) {
    if (!(error instanceof CaptureFormatError)) throw error;
    return { packets, error: error.message };
  }
  return { packets, error: '' };
}

describe('CaptureReader: damage is told in the words of libpcap', () => {
  it.each([
    ['', 'truncated dump file; tried to read 4 file header bytes, only got 0'],
    ['a1b2', 'truncated dump file; tried to read 4 file header bytes, only got 2'],
    ['d4c3b2a102', 'truncated dump file; tried to read 24 file header bytes, only got 1'],
    ['68656c6c6f', 'unknown file format'],
    [PCAP + '0000000000', 'truncated dump file; tried to read 16 header bytes, only got 5'],
    [
      PCAP + '01000000 02000000 64000000 64000000 78787878787878',
      'truncated dump file; tried to read 100 captured bytes, only got 7',
    ],
    [
      PCAP + '01000000 02000000 40420f00 64000000 78787878787878',
      'invalid packet capture length 1000000, bigger than snaplen of 262144',
    ],
    [SHB.slice(0, 22), 'unknown file format'],
    [SHB + IDB + '060000', 'truncated pcapng dump file; tried to read 8 bytes, only got 3'],
    [
      SHB + IDB + '06000000 64000000' + '00'.repeat(20),
      'truncated pcapng dump file; tried to read 92 bytes, only got 20',
    ],
    [
      SHB + IDB + '06000000 24000000 07000000 0000000000000000 04000000 04000000 00000000 24000000',
      "a packet arrived on interface 7, but there's no Interface Description Block for that interface",
    ],
    [
      SHB + IDB + '06000000 24000000 00000000 0000000000000000 28000000 04000000 00000000 24000000',
      'block of type 6 in pcapng dump file is too short',
    ],
    [
      SHB + IDB + '06000000 24000000 00000000 0000000000000000 04000000 04000000 00000000 28000000',
      "block total length in header and trailer don't match",
    ],
    [
      SHB + '06000000 24000000 00000000 0000000000000000 04000000 04000000 00000000 24000000',
      'the capture file has a packet block before any Interface Description Blocks',
    ],
    [SHB + IDB + '06000000 08000000', 'block in pcapng dump file has a length of 8 < 12'],
    [
      SHB + IDB + '06000000 22000000' + '00'.repeat(40),
      'block in pcapng dump file has a length of 34 that is not a multiple of 4',
    ],
    [
      SHB + IDB + '06000000 f0ffff7f' + '00'.repeat(40),
      'pcapng block size 2147483632 > maximum 16777216',
    ],
    [
      SHB + IDB + '03000000 10000000 04000000 10000000',
      'block of type 3 in pcapng dump file is too short',
    ],
    [SHB.replace('01000000', '02000000'), 'unsupported pcapng savefile version 2.0'],
  ])('%s', (text, message) => {
    expect(read(bytesOf(text)).error).toBe(message);
  });

  it('gives every packet before the damage, and repeats the error', () => {
    const one = '01000000 02000000 02000000 02000000 beef';
    const reader = CaptureReader.fromBytes(bytesOf(PCAP + one + one + '00'));
    expect(reader.next()?.capLen).toBe(2);
    expect(hex(reader.next()?.data ?? new Uint8Array())).toBe('beef');
    expect(() => reader.next()).toThrow(CaptureFormatError);
    expect(() => reader.next()).toThrow('only got 1');
  });
});

describe('CaptureReader: forms', () => {
  it('reads big-endian pcap in microseconds', () => {
    const { packets } = read(
      bytesOf(
        'a1b2c3d4 00020004 00000000 00000000 0000ffff 00000065' +
          '00000001 00000002 00000001 00000040 45',
      ),
    );
    expect(packets).toEqual([
      expect.objectContaining({
        sec: 1,
        nsec: 2000,
        linkType: 101,
        capLen: 1,
        origLen: 64,
        tsNs: 1000002000,
      }),
    ]);
  });

  it('reads big-endian pcapng, a simple packet, unknown blocks and a second section', () => {
    const big =
      '0a0d0d0a 0000001c 1a2b3c4d 00010000 ffffffffffffffff 0000001c' +
      '00000001 00000014 00650000 00000002 00000014' +
      '00000bad 00000010 00007ed9 00000010' +
      '00000003 00000014 00000009 beef0000 00000014';
    const little =
      SHB +
      IDB +
      '06000000 24000000 00000000 00000000 40420f00 01000000 04000000 aa000000 24000000';
    const { packets, error } = read(bytesOf(big + little));
    expect(error).toBe('');
    expect(packets.map((p) => [p.linkType, p.ifIndex, p.capLen, p.origLen, p.sec])).toEqual([
      [101, 0, 2, 9, 0],
      [1, 1, 1, 4, 1],
    ]);
  });

  it('knows sections, interfaces, names and statistics', () => {
    const { sink, bytes } = collect();
    const w = new PcapNgWriter(sink);
    w.writeSection({ comment: ['a', 'b'], hardware: 'h', os: 'o', userAppl: 'u' });
    w.writeInterface({
      linkType: 276,
      name: 'any',
      description: 'all of them',
      ipv4: [bytesOf('0a000001ffffff00')],
      ipv6: [new Uint8Array(17)],
      mac: bytesOf('020000000001'),
      speed: 1e9,
      filter: 'tcp port 80',
      os: 'x',
      tsOffsetSec: 100,
    });
    w.writeNames([
      { address: bytesOf('0a000001'), names: ['r1', 'r1.lab'] },
      { address: bytesOf('fe800000000000000000000000000001'), names: ['r1'] },
    ]);
    w.writePacket(0, 5, bytesOf('01'), 0, 1, 1, {
      comment: 'dropped',
      flags: 1,
      packetId: 77,
      dropCount: 3,
      queue: 2,
      verdict: { kind: 2, value: 1 },
    });
    w.writeCustom(32473, bytesOf('010203'));
    w.writeStatistics(0, 9, { ifRecv: 1, ifDrop: 2, filterAccept: 3, osDrop: 4, usrDeliv: 5 });
    w.flush();
    const reader = CaptureReader.fromBytes(bytes());
    const packets = [...reader];
    expect(reader.format).toBe('pcapng');
    expect(reader.sections).toEqual([
      { comments: ['a', 'b'], hardware: 'h', os: 'o', userAppl: 'u' },
    ]);
    expect(reader.interfaces[0]).toEqual({
      linkType: 276,
      snapLen: 262144,
      name: 'any',
      description: 'all of them',
      filter: 'tcp port 80',
      os: 'x',
      speed: 1e9,
      tsOffsetSec: 100,
      tsUnitsPerSec: 1e9,
    });
    expect(reader.names.map((n) => [hex(n.address), n.names])).toEqual([
      ['0a000001', ['r1', 'r1.lab']],
      ['fe800000000000000000000000000001', ['r1']],
    ]);
    expect(reader.statistics).toEqual([
      { ifIndex: 0, ifRecv: 1, ifDrop: 2, filterAccept: 3, osDrop: 4, usrDeliv: 5 },
    ]);
    expect(packets[0]).toEqual({
      tsNs: 100 * 1e9 + 5,
      sec: 100,
      nsec: 5,
      linkType: 276,
      ifIndex: 0,
      ifName: 'any',
      capLen: 1,
      origLen: 1,
      data: bytesOf('01'),
      flags: 1,
      packetId: 77,
      dropCount: 3,
      queue: 2,
      comment: 'dropped',
    });
  });
});

const packet = fc.record({
  ts: fc.integer({ min: 0, max: 2 ** 52 }),
  data: fc.uint8Array({ maxLength: 700 }),
  id: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  flags: fc.integer({ min: 0, max: 0xffffffff }),
});

describe('CaptureReader: properties', () => {
  it('reads back what was written, whatever the pieces', () => {
    fc.assert(
      fc.property(
        fc.array(packet, { maxLength: 12 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 300 }),
        (packets, ng, piece) => {
          const { sink, bytes } = collect();
          if (ng) {
            const w = new PcapNgWriter(sink, { chunkBytes: 512 });
            w.writeSection();
            w.writeInterface({ linkType: 1 });
            for (const p of packets) {
              const memory = new Uint8Array(p.data.length + 7);
              memory.set(p.data, 3);
              w.writePacketFast(0, p.ts, memory, 3, p.data.length, 2000, p.flags, p.id);
            }
            w.flush();
          } else {
            const w = new PcapWriter(sink, { linkType: 1, chunkBytes: 512 });
            for (const p of packets) w.writePacket(p.ts, p.data, 0, p.data.length, 2000);
            w.flush();
          }
          const reader = new CaptureReader();
          const seen: CapturedPacket[] = [];
          const all = bytes();
          for (let at = 0; at < all.length; at += piece) {
            reader.push(all.slice(at, at + piece));
            seen.push(...reader);
          }
          reader.end();
          seen.push(...reader);
          expect(seen.map((s) => [s.tsNs, hex(s.data), s.origLen])).toEqual(
            packets.map((p) => [p.ts, hex(p.data), 2000]),
          );
          if (ng) {
            expect(seen.map((s) => [s.flags, s.packetId])).toEqual(
              packets.map((p) => [p.flags, p.id]),
            );
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('never throws anything but its own error', () => {
    const seeds = [SHB + IDB, PCAP, PCAP + '01000000', SHB, ''].map((s) => bytesOf(s));
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.uint8Array({ maxLength: 200 }), (seed, tail) => {
        const all = new Uint8Array(seed.length + tail.length);
        all.set(seed);
        all.set(tail, seed.length);
        read(all);
      }),
      { numRuns: 2000 },
    );
  });

  it('survives any byte of a good file being changed', () => {
    const { sink, bytes } = collect();
    const w = new PcapNgWriter(sink);
    w.writeSection({ comment: 'c' });
    w.writeInterface({ linkType: 1, name: 'eth0' });
    w.writeNames([{ address: bytesOf('0a000001'), names: ['a'] }]);
    w.writePacket(0, 1, bytesOf('0102030405'), 0, 5, 5, { comment: 'x', packetId: 1 });
    w.writeStatistics(0, 1, { ifRecv: 1 });
    w.flush();
    const good = bytes();
    for (let at = 0; at < good.length; at++) {
      for (const value of [0, 1, 7, 0x7f, 0x80, 0xff]) {
        const bad = good.slice();
        bad[at] = value;
        read(bad);
      }
    }
  });
});
