/**
 * For the fuzz specs: frames that are right, wrong in one place, or noise, put into a router's card and an end host's.
 * After every frame the books must balance; at the end nothing may be left over and both hosts must still answer.
 */
import { RandomStream } from '@netloom/base';
import type { Nic, Wire } from '@netloom/kernel-drivers';
import { fibNewRoute, ipv4SetConf } from '@netloom/kernel-inet';
import { Mib, type Sock } from '@netloom/kernel-core';
import { AF_INET, AF_PACKET, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM } from '@netloom/sys';
import type { Host } from './host.js';
import {
  arp,
  checksum,
  concat,
  eth,
  ETHER_BROADCAST,
  fill,
  fromHex,
  icmp,
  ip4,
  ipv4,
  tcp,
  udp,
} from './spec-frames.js';
import { SpecLab, watch } from './spec-lab.js';

const A = '10.1.0.1';
const B = '10.1.0.2';
const C = '10.2.0.2';
const MAC_A = '02:00:00:00:01:01';
const MAC_B = '02:00:00:00:01:02';
const MAC_C = '02:00:00:00:02:02';
const MAC_B2 = '02:00:00:00:02:01';
const ZERO = '00:00:00:00:00:00';

/** Frames of every kind from `from` to `to`, and through to `beyond`. */
function templates(
  src: string,
  dst: string,
  from: string,
  to: string,
  beyond: string,
): Uint8Array[] {
  const ip = (packet: Uint8Array, mac = dst): Uint8Array => eth(mac, src, 0x800, packet);
  const echo = icmp(8, 0, 0x10001, fill(32));
  const quoted = ipv4(to, from, 17, udp(to, from, 5000, 9, fill(8)));
  const quotedTcp = ipv4(to, from, 6, tcp(to, from, 8080, 9));
  const big = udp(from, to, 5, 5000, fill(1200));
  const at = (o: number, n: number, more: boolean, id: number): Uint8Array =>
    ip(ipv4(from, to, 17, big.subarray(o, o + n), { frag: (more ? 0x2000 : 0) | (o / 8), id }));
  return [
    eth(ETHER_BROADCAST, src, 0x806, arp(1, src, from, ZERO, to)),
    eth(ETHER_BROADCAST, src, 0x806, arp(1, src, '0.0.0.0', ZERO, to)),
    eth(ETHER_BROADCAST, src, 0x806, arp(1, src, from, ZERO, from)),
    eth(dst, src, 0x806, arp(2, src, from, dst, to)),
    eth(ETHER_BROADCAST, src, 0x806, arp(1, src, to, ZERO, to)),
    eth(ETHER_BROADCAST, src, 0x806, arp(1, src, from, ZERO, beyond)),
    ip(ipv4(from, to, 1, echo)),
    ip(ipv4(from, beyond, 1, echo)),
    ip(ipv4(from, beyond, 1, echo, { ttl: 1 })),
    ip(ipv4(from, '192.168.9.9', 1, echo)),
    ip(ipv4(from, to, 1, icmp(13, 0, 0, fill(12)))),
    ip(ipv4(from, to, 1, icmp(3, 3, 0, quoted))),
    ip(ipv4(from, to, 1, icmp(3, 4, 576, quoted))),
    ip(ipv4(from, to, 1, icmp(11, 0, 0, quotedTcp))),
    ip(ipv4(from, to, 1, icmp(5, 1, ip4(from), quoted))),
    ip(ipv4(from, to, 1, icmp(12, 0, 0, quoted))),
    ip(ipv4(from, '10.1.0.255', 17, udp(from, '10.1.0.255', 5, 5000, fill(20))), ETHER_BROADCAST),
    ip(ipv4(from, '255.255.255.255', 1, echo), ETHER_BROADCAST),
    ip(ipv4(from, '224.0.0.1', 17, udp(from, '224.0.0.1', 5, 5000, fill(20))), '01:00:5e:00:00:01'),
    ip(ipv4(from, to, 17, udp(from, to, 5, 5000, fill(64)))),
    ip(ipv4(from, to, 17, udp(from, to, 5, 7777, fill(64)))),
    ip(ipv4(from, beyond, 17, udp(from, beyond, 5, 5000, fill(64)))),
    ip(ipv4(from, beyond, 17, udp(from, beyond, 5, 5000, fill(1400)))),
    ip(ipv4(from, beyond, 17, udp(from, beyond, 5, 5000, fill(1400)), { frag: 0x4000 })),
    ip(ipv4(from, to, 6, tcp(from, to, 1000, 8080))),
    ip(ipv4(from, to, 6, tcp(from, to, 1000, 8080, { flags: 0x10, ack: 1, data: fill(100) }))),
    ip(ipv4(from, to, 6, tcp(from, to, 1000, 81))),
    ip(ipv4(from, to, 6, tcp(from, to, 1000, 8080, { flags: 4 }))),
    at(0, 600, true, 1),
    at(600, 608, false, 1),
    at(0, 400, true, 2),
    at(400, 400, true, 2),
    at(800, 408, false, 2),
    at(592, 616, false, 3),
    at(0, 600, true, 3),
    ip(ipv4(from, to, 1, echo, { options: fromHex('070b04000000000000000000') })),
    ip(ipv4(from, to, 1, echo, { options: fromHex('8307040a02000200') })),
    ip(ipv4(from, to, 1, echo, { options: fromHex('440c0500000000000000000001010100') })),
    ip(ipv4(from, to, 200, fill(40))),
    ip(ipv4(from, to, 2, fill(8))),
    eth(dst, src, 0x8100, concat(fromHex('00050800'), ipv4(from, to, 1, echo))),
    eth(dst, src, 0x86dd, fill(60, 0x60)),
    eth('01:80:c2:00:00:00', src, 38, fill(60, 0x42)),
    eth(ETHER_BROADCAST, src, 0x88cc, fill(50)),
  ];
}

/** One frame out of a template: as it is, cut, flipped, with forged lengths, longer, or all noise. */
function mutate(random: RandomStream, template: Uint8Array): Uint8Array {
  const kind = random.below(16);
  if (kind === 0) return template;
  if (kind === 1)
    return Uint8Array.from({ length: 14 + random.below(200) }, () => random.below(256));
  let frame: Uint8Array = template.slice();
  const dv = new DataView(frame.buffer);
  if (kind < 4) frame = frame.slice(0, random.below(frame.length + 1));
  else if (kind < 6) frame = concat(frame, fill(random.below(64)));
  else if (kind < 9) {
    const at = [16, 38, 14, 20, 22, 46][random.below(6)] ?? 16; // total length, UDP length, version and IHL, fragment offset, TTL
    if (at + 2 <= frame.length)
      dv.setUint16(at, random.below(4) === 0 ? random.below(64) : random.below(0x10000));
  } else {
    const from = random.below(4) === 0 ? 0 : 14; // mostly keep the Ethernet header, so that more gets in
    for (let flips = 1 + random.below(6); flips > 0; flips--) {
      const at = from + random.below(Math.max(1, frame.length - from));
      if (at < frame.length) frame[at] = (frame[at] as number) ^ (1 << random.below(8));
    }
  }
  if (random.below(4) !== 0) repair(frame);
  return frame;
}

/** Makes the IP header's checksum right again, so that the layers behind it are reached. */
function repair(frame: Uint8Array): void {
  if (frame.length < 34 || frame[12] !== 8 || frame[13] !== 0) return;
  const header = ((frame[14] as number) & 15) * 4;
  if (header < 20 || frame.length < 14 + header) return;
  const dv = new DataView(frame.buffer, frame.byteOffset);
  dv.setUint16(24, 0);
  dv.setUint16(24, checksum(frame.subarray(14, 14 + header)));
}

class Target {
  /** The first are the same in every run; frames seen on the wire follow. */
  readonly templates: Uint8Array[];

  constructor(
    readonly host: Host,
    readonly nic: Nic,
    frames: readonly Uint8Array[],
  ) {
    this.templates = [...frames];
  }
}

export interface FuzzResult {
  readonly frames: number;
  readonly dropped: number;
  /** Frames of IPv4 that got in and were neither delivered, forwarded, kept for reassembly nor dropped with a reason. */
  readonly unaccounted: readonly string[];
  readonly live: number;
  readonly slots: { readonly small: number; readonly large: number };
  readonly answers: readonly string[];
}

function sockets(host: Host): Sock[] {
  const { modules, initNet } = host.kernel;
  const make = (family: number, type: number, protocol: number): Sock =>
    modules.createSock(initNet, family, type, protocol);
  const datagram = make(AF_INET, SOCK_DGRAM, 0);
  datagram.bind({ family: 'inet', addr: 0, port: 5000 });
  const connected = make(AF_INET, SOCK_DGRAM, 0);
  connected.connect({ family: 'inet', addr: ip4(A), port: 9 });
  connected.setsockopt('IP_RECVERR', 1);
  const raw = make(AF_INET, SOCK_RAW, 1);
  raw.setsockopt('SO_RCVBUF', 8192);
  raw.setsockopt('IP_RECVERR', 1);
  const packet = make(AF_PACKET, SOCK_DGRAM, 3);
  packet.setsockopt('SO_RCVBUF', 8192);
  const all = [datagram, connected, raw, packet];
  const listener = make(AF_INET, SOCK_STREAM, 0);
  listener.bind({ family: 'inet', addr: 0, port: 8080 });
  listener.listen(16);
  all.push(listener);
  return all;
}

/**
 * Opens a connection through a card and sends some data both ways, so that there is a window to hit; the frames that
 * come in on the way join the templates, those of the connection before leave.
 */
function converse(
  lab: SpecLab,
  from: Host,
  target: Target,
  wire: Wire,
  to: string,
  listener: Sock,
  fixed: number,
): Sock[] {
  const seen = watch(wire, target.nic === wire.nicZ ? 'a' : 'z');
  const client = from.kernel.modules.createSock(from.kernel.initNet, AF_INET, SOCK_STREAM, 0);
  client.connect({ family: 'inet', addr: ip4(to), port: 8080 });
  lab.engine.advance(lab.engine.now + 20e6);
  client.sendmsg(fill(3000), { flags: 0 });
  lab.engine.advance(lab.engine.now + 20e6);
  const open = [client];
  for (let sk = listener.accept(); sk !== null && typeof sk !== 'number'; sk = listener.accept()) {
    sk.sendmsg(fill(3000), { flags: 0 });
    open.push(sk);
  }
  lab.engine.advance(lab.engine.now + 20e6);
  wire.observer = null;
  target.templates.splice(
    fixed,
    Infinity,
    ...seen.map(({ bytes }) => bytes).filter((bytes) => bytes[23] === 6),
  );
  return open;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Puts `count` frames into both hosts. */
export async function fuzz(seed: number, count: number): Promise<FuzzResult> {
  const lab = new SpecLab(seed);
  const random = new RandomStream(seed, 'fuzz');
  const a = lab.host('a');
  const router = lab.host('b');
  const c = lab.host('c');
  const nicA = lab.nic(a, 'e0', MAC_A, ['10.1.0.1/24']);
  const nicB = lab.nic(router, 'e0', MAC_B, ['10.1.0.2/24']);
  const nicB2 = lab.nic(router, 'e1', MAC_B2, ['10.2.0.1/24'], 1000);
  const nicC = lab.nic(c, 'e0', MAC_C, ['10.2.0.2/24']);
  const wires: Wire[] = [lab.wire(nicA, nicB, {}, 'a'), lab.wire(nicB2, nicC, {}, 'c')];
  for (const [host, via] of [
    [a, B],
    [c, '10.2.0.1'],
  ] as const) {
    fibNewRoute(host.kernel.initNet, {
      family: 2,
      dstLen: 0,
      nexthops: [{ via: ip4(via) }],
      mode: 'add',
    });
  }
  ipv4SetConf(router.kernel.initNet, 'all', 'forwarding', 1);
  const targets = [
    new Target(router, nicB, templates(MAC_A, MAC_B, A, B, C)),
    new Target(c, nicC, templates(MAC_B2, MAC_C, A, C, B)),
  ];
  const open = targets.flatMap(({ host }) => sockets(host));
  const listeners = open.filter((sk) => sk.type === SOCK_STREAM);
  const fixed = (targets[0] as Target).templates.length;
  let connections: Sock[] = [];
  let dropped = 0;
  lab.trace.kfreeSkb = () => {
    dropped++;
  };
  const unaccounted: string[] = [];
  for (let i = 0; i < count; i++) {
    const target = targets[i & 1] as Target;
    const frame = mutate(
      random,
      target.templates[random.below(target.templates.length)] as Uint8Array,
    );
    const { mib } = target.host.kernel.initNet;
    const accepted = (): number =>
      (mib[Mib.IpInDelivers] as number) +
      (mib[Mib.IpForwDatagrams] as number) +
      (mib[Mib.IpReasmReqds] as number) +
      dropped;
    const before = accepted();
    lab.receive(target.nic, frame);
    const ours =
      frame.length >= 14 &&
      (((frame[0] as number) & 1) !== 0 ||
        hex(frame.subarray(0, 6)) === hex(target.nic.dev.address));
    if (accepted() === before && ours && frame[12] === 8 && frame[13] === 0)
      unaccounted.push(hex(frame));
    if ((i & 15) === 15) lab.engine.advance(lab.engine.now + 1e6);
    if ((i & 0x7ff) === 0) {
      for (const sk of connections) sk.release();
      connections = [
        ...converse(lab, a, targets[0] as Target, wires[0] as Wire, B, listeners[0] as Sock, fixed),
        ...converse(
          lab,
          router,
          targets[1] as Target,
          wires[1] as Wire,
          C,
          listeners[1] as Sock,
          fixed,
        ),
      ];
    }
    if ((i & 0xfff) === 0xfff)
      for (const sk of open)
        while (sk.type !== SOCK_STREAM && typeof sk.recvmsg(2000, 0) !== 'number');
  }
  await lab.advance(60e9); // neighbours that do not answer are given up, token buckets fill up again
  const answers = [
    answer(lab, nicB, wires[0] as Wire, 'z', targets[0] as Target),
    answer(lab, nicC, wires[1] as Wire, 'z', targets[1] as Target),
  ];
  for (const sk of [...open, ...connections]) sk.release();
  await lab.advance(120e9);
  return {
    frames: count,
    dropped,
    unaccounted,
    live: lab.pool.live,
    slots: lab.memory.inUse,
    answers,
  };
}

/** Sends an echo request and says what comes back. */
function answer(lab: SpecLab, nic: Nic, wire: Wire, direction: 'a' | 'z', target: Target): string {
  const seen = watch(wire, direction);
  lab.receive(nic, target.templates[6] as Uint8Array);
  lab.engine.advance(lab.engine.now + 5e9);
  const reply = seen.find(({ bytes }) => bytes[12] === 8 && bytes[13] === 0 && bytes[23] === 1);
  return reply === undefined ? 'silence' : `type ${reply.bytes[34]}`;
}
