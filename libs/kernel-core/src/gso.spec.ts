import {
  csumPartial,
  csumPseudo4,
  ipHeaderSum,
  TCPHDR_ACK,
  TCPHDR_FIN,
  TCPHDR_PSH,
} from '@netloom/wire';
import { skbChecksumHelp } from './dev-xmit.js';
import { skbGsoHeaderLength, skbGsoNetworkSeglen, skbGsoSegment } from './gso.js';
import { CHECKSUM_PARTIAL, skbBytes, skbPut, type SkBuff } from './skbuff.js';
import type { Sock } from './sock.js';
import { SpecKernel } from './spec-kernel.js';

const ETH = 14;
const IP = 20;
const TCP = 32;
const MSS = 1448;
const SOURCE = 0x0a000001;
const DESTINATION = 0x0a000002;
const SEQ = 0xfffffff0; // wraps

/** Ethernet, IPv4 and TCP with timestamps in front of `payload` bytes, checksum left to the device. */
function superPacket(spec: SpecKernel, payload: number, flags: number): SkBuff {
  const skb = spec.kernel.pool.alloc(ETH + IP + TCP + payload, 130) as SkBuff;
  const at = skbPut(skb, ETH + IP + TCP + payload);
  const { u8, dv } = skb.mem;
  u8.fill(0, at, at + ETH + IP + TCP);
  const ip = at + ETH;
  const tcp = ip + IP;
  dv.setUint16(at + 12, 0x0800);
  u8[ip] = 0x45;
  dv.setUint16(ip + 2, IP + TCP + payload);
  dv.setUint16(ip + 4, 0xffff); // the identification wraps too
  u8[ip + 8] = 64;
  u8[ip + 9] = 6;
  dv.setUint32(ip + 12, SOURCE);
  dv.setUint32(ip + 16, DESTINATION);
  dv.setUint16(ip + 10, ~ipHeaderSum(skb.mem, ip, 5) & 0xffff);
  dv.setUint32(tcp + 4, SEQ);
  u8[tcp + 12] = (TCP / 4) << 4;
  u8[tcp + 13] = flags;
  dv.setUint16(tcp + 16, csumPseudo4(SOURCE, DESTINATION, 6, TCP + payload));
  for (let i = 0; i < payload; i++) u8[tcp + TCP + i] = (i * 7) & 255;
  skb.networkHeader = ip;
  skb.csumStart = tcp;
  skb.csumOffset = 16;
  skb.ipSummed = CHECKSUM_PARTIAL;
  skb.gsoSize = MSS;
  skb.gsoSegs = Math.ceil(payload / MSS);
  skb.packetId = 9;
  return skb;
}

function list(first: SkBuff | null): SkBuff[] {
  const out: SkBuff[] = [];
  for (let seg = first; seg !== null; seg = seg.next) out.push(seg);
  return out;
}

test('frames of a super-packet carry its bytes, each with right headers and sums', () => {
  const spec = new SpecKernel();
  const payload = 3 * MSS + 100;
  const skb = superPacket(spec, payload, TCPHDR_ACK | TCPHDR_PSH | TCPHDR_FIN);
  const data = [...skbBytes(skb, ETH + IP + TCP)];
  expect([skbGsoHeaderLength(skb), skbGsoNetworkSeglen(skb)]).toEqual([ETH + IP + TCP, 1500]);
  const frames = list(skbGsoSegment(skb));
  expect(frames.map(({ len }) => len)).toEqual([1514, 1514, 1514, ETH + IP + TCP + 100]);
  expect(frames.flatMap((frame) => [...skbBytes(frame, ETH + IP + TCP)])).toEqual(data);
  for (const [i, frame] of frames.entries()) {
    const { u8, dv } = frame.mem;
    const ip = frame.networkHeader;
    const tcp = ip + IP;
    expect(dv.getUint16(ip + 2)).toBe(frame.len - ETH);
    expect(dv.getUint16(ip + 4)).toBe((0xffff + i) & 0xffff);
    expect(ipHeaderSum(frame.mem, ip, 5)).toBe(0xffff);
    expect(dv.getUint32(tcp + 4)).toBe((SEQ + i * MSS) >>> 0);
    expect(u8[tcp + 13]).toBe(i === 3 ? TCPHDR_ACK | TCPHDR_PSH | TCPHDR_FIN : TCPHDR_ACK);
    expect([frame.gsoSize, frame.ipSummed, frame.packetId]).toEqual([0, CHECKSUM_PARTIAL, 9]);
    skbChecksumHelp(frame);
    const pseudo = csumPseudo4(SOURCE, DESTINATION, 6, frame.len - ETH - IP);
    expect(csumPartial(frame.mem, tcp, frame.len - ETH - IP, pseudo)).toBe(0xffff);
    frame.next = null;
    frame.pool.release(frame);
  }
  expect(spec.kernel.pool.live).toBe(0);
});

test('several segments may stay together', () => {
  const spec = new SpecKernel();
  const parts = list(skbGsoSegment(superPacket(spec, 5 * MSS, TCPHDR_ACK), 2));
  expect(parts.map(({ gsoSegs, gsoSize }) => [gsoSegs, gsoSize])).toEqual([
    [2, MSS],
    [2, MSS],
    [1, 0],
  ]);
});

test('the socket pays until the last frame has left', () => {
  const spec = new SpecKernel();
  const skb = superPacket(spec, 2 * MSS, TCPHDR_ACK);
  const freed: number[] = [];
  skb.sk = {} as Sock;
  skb.destructor = (gone) => freed.push(gone.truesize);
  const charge = skb.truesize;
  const [first, last] = list(skbGsoSegment(skb)) as [SkBuff, SkBuff];
  first.pool.release(first);
  expect(freed).toEqual([]);
  last.pool.release(last);
  expect(freed).toEqual([charge]);
});

test('without memory for every frame there is none', () => {
  const spec = new SpecKernel();
  const skb = superPacket(spec, 4 * MSS, TCPHDR_ACK);
  const held: number[] = [];
  for (let slot = spec.memory.alloc(2000); slot >= 0; slot = spec.memory.alloc(2000))
    held.push(slot);
  for (const slot of held.splice(0, 2)) spec.memory.unref(slot);
  expect(skbGsoSegment(skb)).toBeNull();
  expect(spec.kernel.pool.live).toBe(0);
});
