import { PcapNgWriter, PcapWriter, CaptureReader, EPB_FLAG_OUTBOUND } from './index.js';
import { collect, hex, bytesOf } from './testing.js';

describe('PcapWriter', () => {
  it('writes header and records, byte for byte', () => {
    const { sink, bytes } = collect();
    const w = new PcapWriter(sink, { linkType: 1, epochSec: 1700000000 });
    w.writePacket(1_000_000_007, bytesOf('aabbccddee'), 1, 3, 60);
    w.flush();
    expect(hex(bytes())).toBe(
      '4d3cb2a10200040000000000000000000000040001000000' + '01f1536507000000030000003c000000bbccdd',
    );
  });

  it('divides to microseconds', () => {
    const { sink, bytes } = collect();
    const w = new PcapWriter(sink, { linkType: 276, precision: 'us', snapLen: 96 });
    w.writePacket(2_000_001_999, bytesOf('01'), 0, 1, 1);
    w.flush();
    expect(hex(bytes())).toBe(
      'd4c3b2a1020004000000000000000000600000001401000002000000010000000100000001000000' + '01',
    );
  });
});

describe('PcapNgWriter', () => {
  it('writes section, interface, packet and statistics, byte for byte', () => {
    const { sink, bytes } = collect();
    const w = new PcapNgWriter(sink);
    w.writeSection({ comment: 'lab', userAppl: 'netloom' });
    expect(w.writeInterface({ linkType: 1, name: 'eth1', speed: 1e10 })).toBe(0);
    w.writePacketFast(
      0,
      4294967297,
      bytesOf('0102030405'),
      0,
      5,
      5,
      EPB_FLAG_OUTBOUND,
      2 ** 32 + 3,
    );
    w.writeStatistics(0, 5, { startNs: 1, endNs: 5, ifRecv: 1, ifDrop: 0 });
    w.flush();
    expect(hex(bytes())).toBe(
      [
        '0a0d0d0a 34000000 4d3c2b1a 0100 0000 ffffffffffffffff',
        '0100 0300 6c616200 0400 0700 6e65746c6f6f6d00 00000000 34000000',
        '01000000 34000000 0100 0000 00000400 0200 0400 65746831',
        '0800 0800 00e40b5402000000 0900 0100 09000000 00000000 34000000',
        '06000000 40000000 00000000 01000000 01000000 05000000 05000000 0102030405000000',
        '0200 0400 02000000 0500 0800 0300000001000000 00000000 40000000',
        '05000000 4c000000 00000000 00000000 05000000 0200 0800 0000000001000000',
        '0300 0800 0000000005000000 0400 0800 0100000000000000 0500 0800 0000000000000000',
        '00000000 4c000000',
      ]
        .join('')
        .replaceAll(' ', ''),
    );
  });

  it('adds the epoch with a carry into the high half', () => {
    const { sink, bytes } = collect();
    const w = new PcapNgWriter(sink, { epochSec: 1704067200 });
    w.writeSection();
    w.writeInterface({ linkType: 1 });
    for (const ns of [0, 1, 999_999_999, 3_600_000_000_001, 2 ** 52]) {
      w.writePacket(0, ns, bytesOf('00'), 0, 1, 1);
    }
    w.flush();
    const packets = [...CaptureReader.fromBytes(bytes())];
    expect(packets.map((p) => [p.sec, p.nsec])).toEqual([
      [1704067200, 0],
      [1704067200, 1],
      [1704067200, 999_999_999],
      [1704070800, 1],
      [1704067200 + 4503599, 627370496],
    ]);
  });

  it('hands over full chunks and recycles them, and grows for a large block', () => {
    const sizes: number[] = [];
    const first: Uint8Array[] = [];
    const w = new PcapNgWriter(
      (c) => {
        sizes.push(c.length);
        first.push(c);
      },
      { chunkBytes: 256 },
    );
    w.writeSection();
    w.writeInterface({ linkType: 1 });
    for (let i = 0; i < 4; i++) w.writePacketFast(0, i, new Uint8Array(64), 0, 64, 64, 0, i);
    w.writePacketFast(0, 9, new Uint8Array(1000), 0, 1000, 1000, 0, 9);
    w.flush();
    expect(sizes).toEqual([180, 240, 120, 1056]);
    expect(first[0]?.buffer).toBe(first[1]?.buffer);
  });

  it('refuses packet bytes outside of the memory', () => {
    const w = new PcapNgWriter(() => undefined);
    w.writeInterface({ linkType: 1 });
    expect(() => w.writePacket(0, 0, new Uint8Array(4), 2, 3, 3)).toThrow(RangeError);
  });
});
