import { Engine } from '@netloom/engine';
import { createEnvironment, Host } from '@netloom/kernel';
import {
  PACKET_HOST,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  SkbPool,
  Tracepoints,
  type NetDevice,
} from '@netloom/kernel-core';
import {
  EPB_FLAG_BROADCAST,
  EPB_FLAG_INBOUND,
  EPB_FLAG_MULTICAST,
  EPB_FLAG_OUTBOUND,
  EPB_FLAG_PROMISC,
  EPB_FLAG_UNICAST,
  PcapNgWriter,
} from '@netloom/pcap-writer';
import { PacketMemory } from '@netloom/wire';
import { CaptureBlocks } from './capture-blocks.js';

const EPOCH = 1_700_000_000;
const STATION = [2, 0, 0, 0, 0, 1];
const GROUP = [1, 0, 0x5e, 0, 0, 1];
const ALL = [255, 255, 255, 255, 255, 255];
const NEARLY_ALL = [255, 255, 255, 255, 255, 254];

const engine = new Engine({ seed: 1, drain: () => Promise.resolve() });
const mem = new PacketMemory(4 << 20);
const pool = new SkbPool(mem);
const host = new Host({
  environment: createEnvironment([]),
  engine,
  pool,
  trace: new Tracepoints(),
  name: 'h',
  index: 1,
  bootTimeSec: EPOCH,
});
const dev = host.kernel.initNet.devByName('lo') as NetDevice;

interface Frame {
  readonly to: readonly number[];
  readonly length: number;
  readonly outgoing: boolean;
  readonly pktType?: number;
  readonly flags: number;
}

/** The same frames through the blocks and through the writer. */
function both(frames: readonly Frame[], snapLen: number): [blocks: number[], writer: number[]] {
  const fast: number[] = [];
  const slow: number[] = [];
  const take = (into: number[]) => (chunk: Uint8Array) => {
    for (const byte of chunk) into.push(byte);
  };
  const blocks = CaptureBlocks.create(
    mem,
    { epochSec: EPOCH, snapLen, chunkBytes: 4096 },
    take(fast),
  ) as CaptureBlocks;
  const writer = new PcapNgWriter(take(slow), { epochSec: EPOCH });
  for (const [i, { to, length, outgoing, pktType, flags }] of frames.entries()) {
    const slot = mem.alloc(length + 128);
    const at = slot + 66;
    for (let k = 0; k < length; k++) mem.u8[at + k] = (i + k) & 255;
    mem.u8.set(to, at);
    const skb = pool.build(slot, at, length);
    skb.macHeader = at;
    skb.pktType = pktType ?? PACKET_HOST;
    skb.packetId = i + 2 ** 40;
    const capLen = Math.min(length, snapLen);
    blocks.writeFrame(3, skb, dev, outgoing);
    writer.writePacketFast(3, engine.now, mem.u8, at, capLen, length, flags, skb.packetId);
    pool.release(skb);
  }
  blocks.release();
  writer.flush();
  return [fast, slow];
}

const OUT = EPB_FLAG_OUTBOUND;
const IN = EPB_FLAG_INBOUND;

test('blocks are those of the writer, for every length and reception type', () => {
  const frames: Frame[] = [
    { to: STATION, length: 60, outgoing: true, flags: OUT | EPB_FLAG_UNICAST },
    { to: ALL, length: 61, outgoing: true, flags: OUT | EPB_FLAG_BROADCAST },
    { to: GROUP, length: 62, outgoing: true, flags: OUT | EPB_FLAG_MULTICAST },
    { to: NEARLY_ALL, length: 63, outgoing: true, flags: OUT | EPB_FLAG_MULTICAST },
    { to: STATION, length: 64, outgoing: false, flags: IN | EPB_FLAG_UNICAST },
    {
      to: STATION,
      length: 65,
      outgoing: false,
      pktType: PACKET_OTHERHOST,
      flags: IN | EPB_FLAG_PROMISC,
    },
    {
      to: GROUP,
      length: 1514,
      outgoing: false,
      pktType: PACKET_MULTICAST,
      flags: IN | EPB_FLAG_MULTICAST,
    },
    ...[511, 512, 513, 9014, 65549, 65549].map((length) => ({
      to: STATION,
      length,
      outgoing: true,
      flags: OUT | EPB_FLAG_UNICAST,
    })),
  ];
  const [fast, slow] = both(frames, 262144);
  expect(fast).toEqual(slow);
});

test('a snap length cuts the bytes and leaves the original length', () => {
  const frame: Frame = { to: STATION, length: 1000, outgoing: true, flags: OUT | EPB_FLAG_UNICAST };
  const [fast, slow] = both([frame, frame], 96);
  expect(fast).toEqual(slow);
});

test('the first chunk is handed on soon, later ones when they are full', () => {
  const sizes: number[] = [];
  const settings = { epochSec: EPOCH, snapLen: 262144, chunkBytes: 4096 };
  const blocks = CaptureBlocks.create(mem, settings, (chunk) => sizes.push(chunk.length));
  const slot = mem.alloc(256);
  for (let i = 0; i < 200; i++) blocks?.write(0, 0, slot, 60, 0, i);
  blocks?.release();
  mem.unref(slot);
  expect(sizes.slice(0, 5).map((bytes) => Math.floor(bytes / 512))).toEqual([1, 2, 4, 8, 8]);
});
