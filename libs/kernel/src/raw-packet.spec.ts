/**
 * Raw IPv4 sockets and packet sockets: what they see, what they may send, how they account for it.
 */
import { Errno } from '@netloom/base';
import { devClose, devOpen, unregisterNetdevice, type Sock } from '@netloom/kernel-core';
import type { Nic } from '@netloom/kernel-drivers';
import {
  AF_INET,
  AF_PACKET,
  Poll,
  SOCK_DGRAM,
  SOCK_RAW,
  type RecvResult,
  type SockAddrLl,
} from '@netloom/sys';
import type { Host } from './host.js';
import { eth, ETHER_BROADCAST, fill, icmp, ip4, ipv4, mac, udp } from './spec-frames.js';
import { SpecLab } from './spec-lab.js';

const A = '10.1.0.1';
const B = '10.1.0.2';
const MAC_A = '02:00:00:00:01:01';
const MAC_B = '02:00:00:00:01:02';
const inet = (addr: string, port = 0) => ({ family: 'inet', addr: ip4(addr), port }) as const;

class Bench {
  readonly lab = new SpecLab();
  readonly a: Host = this.lab.host('a');
  readonly b: Host = this.lab.host('b');
  readonly nicA: Nic = this.lab.nic(this.a, 'e0', MAC_A, ['10.1.0.1/24']);
  readonly nicB: Nic = this.lab.nic(this.b, 'e0', MAC_B, ['10.1.0.2/24']);
  readonly sockets: Sock[] = [];

  constructor() {
    this.lab.wire(this.nicA, this.nicB, { delayNs: 1e6 }, 'w');
  }

  socket(host: Host, family: number, type: number, protocol: number): Sock {
    const sk = host.kernel.modules.createSock(host.kernel.initNet, family, type, protocol);
    this.sockets.push(sk);
    return sk;
  }

  go(ns = 100e6): void {
    this.lab.engine.advance(this.lab.engine.now + ns);
  }

  async end(): Promise<void> {
    for (const sk of this.sockets) sk.release();
    await this.lab.advance(120e9);
    expect(this.lab.pool.live).toBe(0);
    for (const sk of this.sockets) expect([sk.rmemAlloc, sk.wmemAlloc]).toEqual([0, 0]);
  }
}

const all = (sk: Sock): RecvResult[] => {
  const found: RecvResult[] = [];
  for (let result = sk.recvmsg(65536, 0); typeof result !== 'number'; result = sk.recvmsg(65536, 0))
    found.push(result);
  return found;
};

let bench: Bench;

beforeEach(() => {
  bench = new Bench();
});

afterEach(async () => {
  await bench.end();
});

describe('a raw socket', () => {
  it('reads whole packets of its protocol, beside the protocol itself', () => {
    const raw = bench.socket(bench.b, AF_INET, SOCK_RAW, 1);
    const pinger = bench.socket(bench.a, AF_INET, SOCK_RAW, 1);
    expect(pinger.sendmsg(icmp(8, 0, 0x10001, fill(8)), { flags: 0, to: inet(B) })).toBe(16);
    bench.go();
    const [request] = all(raw);
    expect([request?.data[0], request?.data.length, request?.data[20], request?.from]).toEqual([
      0x45,
      36,
      8,
      inet(A),
    ]);
    const [reply] = all(pinger);
    expect([reply?.data[20], reply?.from]).toEqual([0, inet(B)]);
  });

  it('sees only what its addresses, device and ICMP filter let through', () => {
    const make = (change: (sk: Sock) => void): Sock => {
      const sk = bench.socket(bench.b, AF_INET, SOCK_RAW, 1);
      change(sk);
      return sk;
    };
    const sockets = {
      plain: make(() => undefined),
      bound: make((sk) => sk.bind(inet(B))),
      elsewhere: make((sk) => sk.bind(inet('127.0.0.1'))),
      connected: make((sk) => sk.connect(inet(A))),
      stranger: make((sk) => sk.connect(inet('10.1.0.9'))),
      filtered: make((sk) => sk.setsockopt('ICMP_FILTER', 1 << 8)),
      device: make((sk) => sk.setsockopt('SO_BINDTODEVICE', 'lo')),
    };
    bench.lab.receive(bench.nicB, eth(MAC_B, MAC_A, 0x800, ipv4(A, B, 1, icmp(8, 0, 1, fill(8)))));
    bench.go();
    expect(
      Object.fromEntries(Object.entries(sockets).map(([name, sk]) => [name, all(sk).length])),
    ).toEqual({
      plain: 1,
      bound: 1,
      elsewhere: 0,
      connected: 1,
      stranger: 0,
      filtered: 0,
      device: 0,
    });
  });

  it('an unknown protocol with a raw socket is delivered, not refused', () => {
    const raw = bench.socket(bench.b, AF_INET, SOCK_RAW, 200);
    const sender = bench.socket(bench.a, AF_INET, SOCK_RAW, 200);
    sender.setsockopt('IP_RECVERR', 1);
    sender.sendmsg(fill(8), { flags: 0, to: inet(B) });
    bench.go();
    expect(all(raw)).toHaveLength(1);
    raw.release();
    bench.sockets.splice(bench.sockets.indexOf(raw), 1);
    sender.sendmsg(fill(8), { flags: 0, to: inet(B) });
    bench.go();
    expect(sender.recvmsg(10, 0x2000)).toMatchObject({
      control: { err: { errno: Errno.ENOPROTOOPT, type: 3, code: 2 } },
    });
  });

  it('with IP_HDRINCL sends the header it was given, and fills in length, checksum, source and identification', () => {
    const raw = bench.socket(bench.a, AF_INET, SOCK_RAW, 255);
    const watcher = bench.socket(bench.b, AF_INET, SOCK_RAW, 17);
    const packet = ipv4('0.0.0.0', B, 17, udp(A, B, 5, 9, fill(4)), {
      id: 0,
      totLen: 1,
      check: 0,
      ttl: 7,
    });
    expect(raw.sendmsg(packet, { flags: 0, to: inet(B) })).toBe(packet.length);
    bench.go();
    const [got] = all(watcher);
    const dv = new DataView(got?.data.buffer ?? new ArrayBuffer(0));
    expect([dv.getUint16(2), dv.getUint8(8), dv.getUint32(12), dv.getUint16(4) !== 0]).toEqual([
      packet.length,
      7,
      ip4(A),
      true,
    ]);
    expect(raw.sendmsg(fill(10), { flags: 0, to: inet(B) })).toBe(-Errno.EINVAL);
    expect(all(raw)).toEqual([]); // IPPROTO_RAW only sends
  });

  it('refuses broadcasts without SO_BROADCAST, and too long ones', () => {
    const raw = bench.socket(bench.a, AF_INET, SOCK_RAW, 1);
    expect(raw.sendmsg(fill(8), { flags: 0, to: inet('10.1.0.255') })).toBe(-Errno.EACCES);
    expect(raw.sendmsg(fill(65536), { flags: 0, to: inet(B) })).toBe(-Errno.EMSGSIZE);
    expect(raw.sendmsg(fill(8), { flags: 0 })).toBe(-Errno.EDESTADDRREQ);
  });

  it('drops beyond its receive buffer and counts it', () => {
    const raw = bench.socket(bench.b, AF_INET, SOCK_RAW, 1);
    raw.setsockopt('SO_RCVBUF', 2304);
    for (let i = 0; i < 20; i++)
      bench.lab.receive(
        bench.nicB,
        eth(MAC_B, MAC_A, 0x800, ipv4(A, B, 1, icmp(0, 0, i, fill(8)))),
      );
    const kept = all(raw).length;
    expect([raw.drops, kept > 2 && kept < 10]).toEqual([20 - kept, true]);
  });
});

describe('a packet socket', () => {
  const ETH_P_ALL = 3;
  const bindTo = (sk: Sock, ifindex: number, protocol: number): number =>
    sk.bind({
      family: 'packet',
      protocol,
      ifindex,
      hatype: 0,
      pkttype: 0,
      addr: new Uint8Array(0),
    });
  const ll = (result: RecvResult | undefined): SockAddrLl => result?.from as SockAddrLl;

  it('SOCK_RAW sees frames both ways with their headers, SOCK_DGRAM without', () => {
    const raw = bench.socket(bench.b, AF_PACKET, SOCK_RAW, ETH_P_ALL);
    const dgram = bench.socket(bench.b, AF_PACKET, SOCK_DGRAM, ETH_P_ALL);
    bench.lab.receive(
      bench.nicB,
      eth(
        MAC_B,
        MAC_A,
        0x806,
        new Uint8Array([
          0,
          1,
          8,
          0,
          6,
          4,
          0,
          1,
          ...mac(MAC_A),
          10,
          1,
          0,
          1,
          0,
          0,
          0,
          0,
          0,
          0,
          10,
          1,
          0,
          2,
        ]),
      ),
    );
    bench.go();
    const frames = all(raw);
    expect(
      frames.map((r) => [r.data.length, ll(r).pkttype, ll(r).protocol, ll(r).ifindex]),
    ).toEqual([
      [42, 0, 0x806, 2],
      [42, 4, 0x806, 2],
    ]);
    expect([...(frames[1]?.data.subarray(0, 12) ?? [])]).toEqual([...mac(MAC_A), ...mac(MAC_B)]);
    expect(all(dgram).map((r) => [r.data.length, [...ll(r).addr]])).toEqual([
      [28, [...mac(MAC_A)]],
      [28, [...mac(MAC_B)]],
    ]);
  });

  it('of one ethertype sees only what comes in of it', () => {
    const arps = bench.socket(bench.a, AF_PACKET, SOCK_DGRAM, 0x806);
    const pinger = bench.socket(bench.a, AF_INET, SOCK_RAW, 1);
    pinger.sendmsg(icmp(8, 0, 1, fill(8)), { flags: 0, to: inet(B) });
    bench.go();
    expect(all(arps).map((r) => [ll(r).protocol, ll(r).pkttype])).toEqual([[0x806, 0]]);
  });

  it('bound to a device sees only that; without an ethertype nothing', () => {
    const onLo = bench.socket(bench.a, AF_PACKET, SOCK_RAW, ETH_P_ALL);
    expect(bindTo(onLo, 1, ETH_P_ALL)).toBe(0);
    const none = bench.socket(bench.a, AF_PACKET, SOCK_RAW, 0);
    bench
      .socket(bench.a, AF_INET, SOCK_RAW, 1)
      .sendmsg(icmp(8, 0, 1, fill(8)), { flags: 0, to: inet(B) });
    bench
      .socket(bench.a, AF_INET, SOCK_RAW, 1)
      .sendmsg(icmp(8, 0, 1, fill(8)), { flags: 0, to: inet('127.0.0.1') });
    bench.go();
    expect(all(onLo).map((r) => ll(r).pkttype)).toEqual([4, 0, 4, 0]); // request out and in, reply out and in
    expect(all(none)).toEqual([]);
    expect(bindTo(none, 99, ETH_P_ALL)).toBe(-Errno.ENODEV);
    expect(bindTo(none, 2, 0x806)).toBe(0);
  });

  it('sends frames as they are, or with a header of its device', () => {
    const seen = bench.socket(bench.b, AF_PACKET, SOCK_RAW, ETH_P_ALL);
    const raw = bench.socket(bench.a, AF_PACKET, SOCK_RAW, 0);
    bindTo(raw, 2, 0);
    const frame = eth(ETHER_BROADCAST, '02:00:00:00:00:55', 0x88b5, fill(50));
    expect(raw.sendmsg(frame, { flags: 0 })).toBe(frame.length);
    const dgram = bench.socket(bench.a, AF_PACKET, SOCK_DGRAM, 0);
    const to: SockAddrLl = {
      family: 'packet',
      protocol: 0x88b5,
      ifindex: 2,
      hatype: 0,
      pkttype: 0,
      addr: mac(MAC_B),
    };
    expect(dgram.sendmsg(fill(50), { flags: 0, to })).toBe(50);
    bench.go();
    const frames = all(seen).map((r) => r.data);
    expect(frames).toEqual([frame, eth(MAC_B, MAC_A, 0x88b5, fill(50))]);
    expect(raw.sendmsg(fill(13), { flags: 0 })).toBe(-Errno.EINVAL);
    expect(raw.sendmsg(fill(1519), { flags: 0 })).toBe(-Errno.EMSGSIZE);
    expect(dgram.sendmsg(fill(50), { flags: 0 })).toBe(-Errno.ENXIO);
    devClose(bench.nicA.dev);
    expect(raw.sendmsg(frame, { flags: 0 })).toBe(-Errno.ENETDOWN);
  });

  it('does not hear itself', () => {
    const raw = bench.socket(bench.a, AF_PACKET, SOCK_RAW, ETH_P_ALL);
    const other = bench.socket(bench.a, AF_PACKET, SOCK_RAW, ETH_P_ALL);
    bindTo(raw, 2, ETH_P_ALL);
    raw.sendmsg(eth(ETHER_BROADCAST, MAC_A, 0x88b5, fill(50)), { flags: 0 });
    bench.go();
    expect([all(raw).length, all(other).length]).toEqual([0, 1]);
  });

  it('keeps what its filter keeps, cut as it says', () => {
    const raw = bench.socket(bench.b, AF_PACKET, SOCK_RAW, ETH_P_ALL);
    /** ldh [12]; jeq #0x800, 0, 1; ret #30; ret #0 */
    const program: readonly (readonly [number, number, number, number])[] = [
      [0x28, 0, 0, 12],
      [0x15, 0, 1, 0x800],
      [0x6, 0, 0, 30],
      [0x6, 0, 0, 0],
    ];
    const bytes = new Uint8Array(32);
    program.forEach(([code, jt, jf, k], i) => {
      const dv = new DataView(bytes.buffer, 8 * i);
      dv.setUint16(0, code, true);
      dv.setUint8(2, jt);
      dv.setUint8(3, jf);
      dv.setUint32(4, k, true);
    });
    expect(raw.setsockopt('SO_ATTACH_FILTER', bytes)).toBe(0);
    expect(raw.setsockopt('SO_ATTACH_FILTER', bytes.subarray(0, 16))).toBe(-Errno.EINVAL); // does not end in ret
    raw.setsockopt('SO_ATTACH_FILTER', bytes);
    bench.lab.receive(bench.nicB, eth(MAC_B, MAC_A, 0x88b5, fill(60)));
    bench.lab.receive(
      bench.nicB,
      eth(MAC_B, MAC_A, 0x800, ipv4(A, B, 17, udp(A, B, 5, 9, fill(60)))),
    );
    bench.go(0);
    expect(all(raw).map((r) => [r.data.length, r.length])).toEqual([[30, 102]]);
    raw.setsockopt('SO_DETACH_FILTER', 0);
    bench.lab.receive(bench.nicB, eth(MAC_B, MAC_A, 0x88b5, fill(60)));
    bench.go(0);
    expect(
      all(raw)
        .map((r) => r.data.length)
        .filter((n) => n === 74),
    ).toHaveLength(1);
  });

  it('counts what it kept and what it had to drop, until asked', () => {
    const raw = bench.socket(bench.b, AF_PACKET, SOCK_RAW, ETH_P_ALL);
    raw.setsockopt('SO_RCVBUF', 2304);
    for (let i = 0; i < 20; i++) bench.lab.receive(bench.nicB, eth(MAC_B, MAC_A, 0x88b5, fill(60)));
    const kept = all(raw).length;
    expect(raw.getsockopt('PACKET_STATISTICS')).toEqual([20, 20 - kept]);
    expect(raw.getsockopt('PACKET_STATISTICS')).toEqual([0, 0]);
  });

  it('makes its device promiscuous while a membership lasts', () => {
    const raw = bench.socket(bench.b, AF_PACKET, SOCK_RAW, ETH_P_ALL);
    bindTo(raw, 2, ETH_P_ALL);
    expect(raw.setsockopt('PACKET_ADD_MEMBERSHIP', 2)).toBe(0);
    bench.lab.receive(bench.nicB, eth('02:00:00:00:00:99', MAC_A, 0x88b5, fill(60)));
    bench.go(0);
    expect([bench.nicB.dev.promiscuity, all(raw).map((r) => ll(r).pkttype)]).toEqual([1, [3]]);
    raw.release();
    bench.sockets.splice(bench.sockets.indexOf(raw), 1);
    expect(bench.nicB.dev.promiscuity).toBe(0);
  });

  it('hears that its device went down, and away', () => {
    const raw = bench.socket(bench.b, AF_PACKET, SOCK_RAW, ETH_P_ALL);
    bindTo(raw, 2, ETH_P_ALL);
    devClose(bench.nicB.dev);
    expect(raw.poll() & Poll.POLLERR).toBe(Poll.POLLERR);
    expect(raw.recvmsg(10, 0)).toBe(-Errno.ENETDOWN);
    expect(raw.recvmsg(10, 0)).toBe(-Errno.EAGAIN);
    devOpen(bench.nicB.dev);
    bench.lab.receive(bench.nicB, eth(MAC_B, MAC_A, 0x88b5, fill(60)));
    expect(all(raw)).toHaveLength(1);
    unregisterNetdevice(bench.nicB.dev);
    expect(raw.recvmsg(10, 0)).toBe(-Errno.ENETDOWN);
    expect(raw.getname(false)).toMatchObject({ ifindex: -1 });
    const down = bench.socket(bench.a, AF_PACKET, SOCK_RAW, ETH_P_ALL);
    devClose(bench.nicA.dev);
    bindTo(down, 2, ETH_P_ALL);
    expect(down.getsockopt('SO_ERROR')).toBe(Errno.ENETDOWN);
  });
});
