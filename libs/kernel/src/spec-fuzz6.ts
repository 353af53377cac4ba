/**
 * For the fuzz spec of IPv6: frames that are right, wrong in one place, or noise, put into a router's card. Afterwards
 * nothing may be left over and the router must still answer.
 */
import { RandomStream } from '@netloom/base';
import { devClose } from '@netloom/kernel-core';
import { inet6AddAddress, ipv6SetConf } from '@netloom/kernel-inet6';
import { AF_INET6, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM } from '@netloom/sys';
import { concat, fill, mac } from './spec-frames.js';
import { checksum6, icmp6, ip6, ip6Frame } from './spec-ip6.js';
import { SpecLab, watch } from './spec-lab.js';

const PEER = '02:00:00:00:00:99';
const OWN = '02:00:00:00:00:01';
const PEER_LL = 'fe80::ff:fe00:99';
const OWN_LL = 'fe80::ff:fe00:1';
const PEER_GLOBAL = '2001:db8:1::9';
const OWN_GLOBAL = '2001:db8:1::1';
const BEYOND = '2001:db8:2::8';
const SOLICITED = 'ff02::1:ff00:1';

/** A UDP datagram or TCP segment with its checksum. */
function transport(
  src: string,
  dst: string,
  next: number,
  bytes: number[],
  at: number,
): Uint8Array {
  const out = Uint8Array.from(bytes);
  const check = checksum6(src, dst, next, out);
  out[at] = check >>> 8;
  out[at + 1] = check & 255;
  return out;
}

const udp = (src: string, dst: string, port: number, size: number): Uint8Array =>
  transport(
    src,
    dst,
    17,
    [0, 7, port >>> 8, port & 255, (size + 8) >>> 8, (size + 8) & 255, 0, 0, ...fill(size)],
    6,
  );

const tcp = (src: string, dst: string, port: number, flags: number): Uint8Array =>
  transport(
    src,
    dst,
    6,
    [3, 232, port >>> 8, port & 255, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 16, 0, 0, 0, 0, 0],
    16,
  );

function templates(): Uint8Array[] {
  const to = (
    dst: string,
    next: number,
    payload: Uint8Array,
    src = PEER_GLOBAL,
    hop = 64,
    card = OWN,
  ): Uint8Array => ip6Frame({ to: card, from: PEER, src, dst, next, hop, payload });
  const group = (dst: string): string =>
    `33:33:${dst === SOLICITED ? 'ff:00:00:01' : '00:00:00:01'}`;
  const discovery = (src: string, dst: string, type: number, body: number[]): Uint8Array =>
    to(dst, 58, icmp6(src, dst, type, 0, body), src, 255, dst.startsWith('ff') ? group(dst) : OWN);
  const lladdr = (type: number): number[] => [type, 1, ...mac(PEER)];
  const echo = icmp6(PEER_GLOBAL, OWN_GLOBAL, 128, 0, [0, 7, 0, 1, ...fill(32)]);
  const through = icmp6(PEER_GLOBAL, BEYOND, 128, 0, [0, 7, 0, 1, ...fill(32)]);
  const quoted = to(PEER_GLOBAL, 17, udp(OWN_GLOBAL, PEER_GLOBAL, 9, 16), OWN_GLOBAL).slice(14);
  const error = (type: number, code: number, info: number): Uint8Array =>
    to(
      OWN_GLOBAL,
      58,
      icmp6(PEER_GLOBAL, OWN_GLOBAL, type, code, [0, 0, info >>> 8, info & 255, ...quoted]),
    );
  const prefix = [3, 4, 64, 0xc0, 0, 0, 1, 0, 0, 0, 0, 80, 0, 0, 0, 0, ...ip6('2001:db8:5::')];
  const big = icmp6(PEER_GLOBAL, OWN_GLOBAL, 128, 0, [0, 9, 0, 1, ...fill(1196)]);
  const piece = (from: number, end: number, id: number): Uint8Array => {
    const field = from | (end < big.length ? 1 : 0);
    return to(
      OWN_GLOBAL,
      44,
      concat(
        Uint8Array.of(58, 0, field >>> 8, field & 255, 0, 0, 0, id),
        big.subarray(from, Math.min(end, big.length)),
      ),
    );
  };
  const options = (next: number, ...bytes: number[]): Uint8Array =>
    Uint8Array.of(next, 0, ...bytes);
  const query = icmp6(PEER_LL, 'ff02::1', 130, 0, [0, 100, 0, 0, ...fill(16, 0), 2, 125, 0, 0]);
  return [
    to(OWN_GLOBAL, 58, echo),
    discovery(PEER_GLOBAL, SOLICITED, 135, [0, 0, 0, 0, ...ip6(OWN_GLOBAL), ...lladdr(1)]),
    discovery(PEER_LL, SOLICITED, 135, [0, 0, 0, 0, ...ip6(OWN_LL), ...lladdr(1)]),
    discovery('::', SOLICITED, 135, [0, 0, 0, 0, ...ip6(OWN_LL), 14, 1, 1, 2, 3, 4, 5, 6]),
    discovery(PEER_LL, OWN_LL, 136, [0x60, 0, 0, 0, ...ip6(PEER_LL), ...lladdr(2)]),
    discovery(PEER_GLOBAL, 'ff02::1', 136, [0x20, 0, 0, 0, ...ip6(PEER_GLOBAL), ...lladdr(2)]),
    discovery(PEER_LL, 'ff02::1', 134, [64, 0, 7, 8, ...fill(8, 0), ...lladdr(1), ...prefix]),
    discovery(PEER_LL, 'ff02::2', 133, [0, 0, 0, 0, ...lladdr(1)]),
    discovery(PEER_LL, OWN_GLOBAL, 137, [
      0,
      0,
      0,
      0,
      ...ip6(PEER_LL),
      ...ip6(BEYOND),
      ...lladdr(2),
    ]),
    to('ff02::1', 0, concat(options(58, 5, 2, 0, 0, 1, 0), query), PEER_LL, 1, group('ff02::1')),
    to(BEYOND, 58, through),
    to(BEYOND, 58, through, PEER_GLOBAL, 1),
    to('2001:db8:77::1', 58, through),
    to(BEYOND, 17, udp(PEER_GLOBAL, BEYOND, 5000, 1400)),
    to(OWN_GLOBAL, 17, udp(PEER_GLOBAL, OWN_GLOBAL, 5000, 64)),
    to(OWN_GLOBAL, 17, udp(PEER_GLOBAL, OWN_GLOBAL, 7777, 64)),
    to(OWN_GLOBAL, 6, tcp(PEER_GLOBAL, OWN_GLOBAL, 8080, 2)),
    to(OWN_GLOBAL, 6, tcp(PEER_GLOBAL, OWN_GLOBAL, 81, 2)),
    to(OWN_GLOBAL, 6, tcp(PEER_GLOBAL, OWN_GLOBAL, 8080, 0x10)),
    error(1, 4, 0),
    error(2, 0, 1300),
    error(3, 0, 0),
    error(4, 1, 6),
    piece(0, 600, 1),
    piece(600, 2000, 1),
    piece(0, 400, 2),
    piece(392, 2000, 2),
    piece(0, 2000, 3),
    to(OWN_GLOBAL, 60, concat(options(58, 1, 4, 0, 0, 0, 0), echo)),
    to(OWN_GLOBAL, 60, concat(options(58, 0x9e, 4, 0, 0, 0, 0), echo)),
    to(OWN_GLOBAL, 43, concat(options(58, 0, 0, 0, 0, 0, 0), echo)),
    to(OWN_GLOBAL, 43, concat(options(58, 0, 1, 0, 0, 0, 0), echo)),
    to(OWN_GLOBAL, 0, concat(options(58, 0xc2, 4, 0, 1, 0, 0), echo)),
    to(OWN_GLOBAL, 200, fill(40)),
    to(OWN_GLOBAL, 59, fill(8)),
  ];
}

/** One frame out of a template: as it is, cut, flipped, with forged lengths, longer, or all noise. */
function mutate(random: RandomStream, template: Uint8Array): Uint8Array {
  const kind = random.below(16);
  if (kind < 2) return template;
  if (kind === 2)
    return concat(
      template.slice(0, 14),
      Uint8Array.from({ length: random.below(200) }, () => random.below(256)),
    );
  let frame: Uint8Array = template.slice();
  if (kind < 5) frame = frame.slice(0, 14 + random.below(frame.length - 13));
  else if (kind < 6) frame = concat(frame, fill(random.below(64)));
  else if (kind < 9) {
    const at = [18, 20, 54, 55, 56, 58, 62, 78][random.below(8)] ?? 18; // lengths, next headers, option lengths
    if (at + 2 <= frame.length) new DataView(frame.buffer).setUint16(at, random.below(0x10000));
  } else {
    for (let flips = 1 + random.below(6); flips > 0; flips--) {
      const at = 14 + random.below(Math.max(1, frame.length - 14));
      if (at < frame.length) frame[at] = (frame[at] as number) ^ (1 << random.below(8));
    }
  }
  if (random.below(4) !== 0) repair(frame);
  return frame;
}

/** Makes the length and an ICMPv6, TCP or UDP checksum right again, so that more gets in. */
function repair(frame: Uint8Array): void {
  if (frame.length < 62 || frame[12] !== 0x86 || frame[13] !== 0xdd) return;
  const payload = frame.subarray(54);
  frame[18] = payload.length >>> 8;
  frame[19] = payload.length & 255;
  const next = frame[20] as number;
  const at = next === 58 ? 2 : next === 17 ? 6 : next === 6 ? 16 : -1;
  if (at < 0 || payload.length < at + 2) return;
  payload[at] = payload[at + 1] = 0;
  const check = checksum6(frame.subarray(22, 38), frame.subarray(38, 54), next, payload);
  payload[at] = check >>> 8;
  payload[at + 1] = check & 255;
}

export interface Fuzz6Result {
  readonly dropped: number;
  readonly live: number;
  readonly answered: boolean;
}

/** Puts `count` frames into a router and an end host's card. */
export async function fuzz6(seed: number, count: number): Promise<Fuzz6Result> {
  const lab = new SpecLab(seed);
  const random = new RandomStream(seed, 'fuzz6');
  const router = lab.host('r', { ipv6: true });
  const left = lab.nic(router, 'e0', OWN);
  const right = lab.nic(router, 'e1', '02:00:00:00:00:02', [], 1300);
  const wire = lab.wire(left, lab.nic(lab.host('x'), 'e0', PEER));
  lab.wire(right, lab.nic(lab.host('y'), 'e0', '02:00:00:00:00:88'), {}, 'far');
  const net = router.kernel.initNet;
  ipv6SetConf(net, 'all', 'forwarding', (seed & 1) === 0 ? '1' : '0');
  for (const [nic, local] of [
    [left, OWN_GLOBAL],
    [right, '2001:db8:2::1'],
  ] as const)
    inet6AddAddress(net, {
      family: AF_INET6,
      ifindex: nic.dev.ifindex,
      local: ip6(local),
      prefixlen: 64,
      flags: 2,
    });
  await lab.advance(3e9);
  const { modules } = router.kernel;
  const open = [
    modules.createSock(net, AF_INET6, SOCK_DGRAM, 0),
    modules.createSock(net, AF_INET6, SOCK_RAW, 58),
    modules.createSock(net, AF_INET6, SOCK_STREAM, 0),
  ];
  const any = (port: number) =>
    ({ family: 'inet6', addr: new Uint8Array(16), port, scopeId: 0 }) as const;
  open[0]?.bind(any(5000));
  open[2]?.bind(any(8080));
  open[2]?.listen(4);
  let dropped = 0;
  lab.trace.kfreeSkb = () => {
    dropped++;
  };
  const all = templates();
  for (let i = 0; i < count; i++) {
    lab.receive(left, mutate(random, all[random.below(all.length)] as Uint8Array));
    if ((i & 15) === 15) lab.engine.advance(lab.engine.now + 1e6);
    if ((i & 0xff) === 0xff)
      for (const sk of open.slice(0, 2)) while (typeof sk.recvmsg(2000, 0) !== 'number');
  }
  await lab.advance(90e9);
  const seen = watch(wire, 'a');
  lab.receive(left, all[1] as Uint8Array);
  lab.receive(left, all[0] as Uint8Array);
  await lab.advance(5e9);
  const answered = seen.some(({ bytes }) => bytes[20] === 58 && bytes[54] === 129);
  for (const sk of open) sk.release();
  // A forged advertisement may have packets wait for hours for neighbours that do not answer.
  for (const { dev } of [left, right]) devClose(dev);
  await lab.advance(200e9);
  return { dropped, live: lab.pool.live, answered };
}
