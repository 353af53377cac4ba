/**
 * UDP between hosts and within one: delivery and its order of preference, errors, broadcast, multicast, buffers.
 */
import { Errno } from '@netloom/base';
import type { Sock } from '@netloom/kernel-core';
import { AF_INET, Msg, Poll, SOCK_DGRAM, type RecvResult, type SockAddrIn } from '@netloom/sys';
import type { Host } from './host.js';
import { fill, ip4 } from './spec-frames.js';
import { counters, SpecLab } from './spec-lab.js';

const at = (addr: string, port: number): SockAddrIn => ({ family: 'inet', addr: ip4(addr), port });

class Bench {
  readonly lab = new SpecLab();
  readonly a: Host = this.lab.host('a');
  readonly b: Host = this.lab.host('b');
  readonly sockets: Sock[] = [];

  constructor(mtu = 1500) {
    const nicA = this.lab.nic(
      this.a,
      'e0',
      '02:00:00:00:01:01',
      ['10.1.0.1/24', '10.1.0.3/24'],
      mtu,
    );
    const nicB = this.lab.nic(this.b, 'e0', '02:00:00:00:01:02', ['10.1.0.2/24'], mtu);
    this.lab.wire(nicA, nicB, { delayNs: 1e6 }, 'w');
  }

  socket(host: Host, port?: number, addr = '0.0.0.0'): Sock {
    const sk = host.kernel.modules.createSock(host.kernel.initNet, AF_INET, SOCK_DGRAM, 0);
    if (port !== undefined) expect(sk.bind(at(addr, port))).toBe(0);
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
    expect(this.lab.memory.inUse).toEqual({ small: 0, large: 0 });
    for (const sk of this.sockets) expect([sk.rmemAlloc, sk.wmemAlloc]).toEqual([0, 0]);
  }
}

const recv = (sk: Sock, flags = 0): RecvResult => {
  const result = sk.recvmsg(65536, flags);
  if (typeof result === 'number') throw new Error(`errno ${-result}`);
  return result;
};
const waiting = (sk: Sock): number => sk.receiveQueue.length;

describe('UDP', () => {
  let bench: Bench;

  beforeEach(() => {
    bench = new Bench();
  });

  afterEach(async () => {
    await bench.end();
  });

  it('carries a datagram and names its sender', () => {
    const server = bench.socket(bench.b, 5000);
    const client = bench.socket(bench.a);
    expect(client.sendmsg(fill(100, 7), { flags: 0, to: at('10.1.0.2', 5000) })).toBe(100);
    bench.go();
    const { data, from, length, flags } = recv(server);
    expect([[...data], length, flags]).toEqual([[...fill(100, 7)], 100, 0]);
    expect(from).toEqual({
      family: 'inet',
      addr: ip4('10.1.0.1'),
      port: (client.getname(false) as SockAddrIn).port,
    });
    expect(server.recvmsg(10, 0)).toBe(-Errno.EAGAIN);
  });

  it('cuts what does not fit and says so; MSG_PEEK leaves it', () => {
    const server = bench.socket(bench.b, 5000);
    const client = bench.socket(bench.a);
    client.sendmsg(fill(100), { flags: 0, to: at('10.1.0.2', 5000) });
    bench.go();
    expect(server.recvmsg(10, Msg.MSG_PEEK)).toMatchObject({ length: 100, flags: Msg.MSG_TRUNC });
    expect(server.recvmsg(10, 0)).toMatchObject({ length: 100, flags: Msg.MSG_TRUNC });
    expect(waiting(server)).toBe(0);
  });

  it.each([0, 1, 1472, 1473, 2960, 65507])(
    'carries %i bytes, in fragments where it must',
    (size) => {
      const server = bench.socket(bench.b, 5000);
      const client = bench.socket(bench.a);
      const data = Uint8Array.from({ length: size }, (_, i) => i & 255);
      expect(client.sendmsg(data, { flags: 0, to: at('10.1.0.2', 5000) })).toBe(size);
      bench.go();
      expect(recv(server).data).toEqual(data);
      const fragments = size + 28 <= 1500 ? 0 : Math.ceil((size + 8) / 1480);
      expect(counters(bench.a.kernel.initNet).get('IpFragCreates') ?? 0).toBe(fragments);
      expect(counters(bench.b.kernel.initNet).get('IpReasmOKs') ?? 0).toBe(fragments > 0 ? 1 : 0);
    },
  );

  it('refuses more than 65507 bytes, and more than the MTU under IP_PMTUDISC_DO', () => {
    const client = bench.socket(bench.a);
    expect(client.sendmsg(fill(65508), { flags: 0, to: at('10.1.0.2', 5000) })).toBe(
      -Errno.EMSGSIZE,
    );
    expect(client.setsockopt('IP_MTU_DISCOVER', 2)).toBe(0);
    expect(client.sendmsg(fill(1473), { flags: 0, to: at('10.1.0.2', 5000) })).toBe(
      -Errno.EMSGSIZE,
    );
    expect(client.sendmsg(fill(1472), { flags: 0, to: at('10.1.0.2', 5000) })).toBe(1472);
  });

  it('prefers the connected socket, then the bound address, then any', () => {
    const any = bench.socket(bench.b, 5000);
    any.setsockopt('SO_REUSEADDR', 1);
    const bound = bench.socket(bench.b);
    bound.setsockopt('SO_REUSEADDR', 1);
    bound.bind(at('10.1.0.2', 5000));
    const client = bench.socket(bench.a, 6000);
    const connected = bench.socket(bench.b);
    connected.setsockopt('SO_REUSEADDR', 1);
    connected.bind(at('10.1.0.2', 5000));
    expect(connected.connect(at('10.1.0.1', 6000))).toBe(0);
    client.sendmsg(fill(1), { flags: 0, to: at('10.1.0.2', 5000) });
    bench.socket(bench.a, 6001).sendmsg(fill(2), { flags: 0, to: at('10.1.0.2', 5000) });
    bench.go();
    expect([waiting(any), waiting(bound), waiting(connected)]).toEqual([0, 1, 1]);
  });

  it('a closed port refuses a connected socket, once', () => {
    const client = bench.socket(bench.a);
    client.connect(at('10.1.0.2', 9));
    expect(client.sendmsg(fill(1), { flags: 0 })).toBe(1);
    bench.go();
    expect(client.poll() & Poll.POLLERR).toBe(Poll.POLLERR);
    expect(client.recvmsg(10, 0)).toBe(-Errno.ECONNREFUSED);
    expect(client.recvmsg(10, 0)).toBe(-Errno.EAGAIN);
    expect(client.sendmsg(fill(1), { flags: 0 })).toBe(1);
    bench.go();
    expect(client.sendmsg(fill(1), { flags: 0 })).toBe(-Errno.ECONNREFUSED);
    expect(client.poll() & Poll.POLLERR).toBe(0);
  });

  it('an unconnected socket hears of errors only with IP_RECVERR, with everything about them', () => {
    const deaf = bench.socket(bench.a);
    deaf.sendmsg(fill(1), { flags: 0, to: at('10.1.0.2', 9) });
    bench.go();
    expect(deaf.recvmsg(10, 0)).toBe(-Errno.EAGAIN);
    const client = bench.socket(bench.a);
    client.setsockopt('IP_RECVERR', 1);
    client.sendmsg(fill(3, 9), { flags: 0, to: at('10.1.0.2', 9) });
    bench.go();
    const { data, from, control, flags } = recv(client, Msg.MSG_ERRQUEUE);
    expect([[...data], from, flags]).toEqual([[9, 9, 9], at('10.1.0.2', 9), Msg.MSG_ERRQUEUE]);
    expect(control.err).toEqual({
      errno: Errno.ECONNREFUSED,
      origin: 2,
      type: 3,
      code: 3,
      info: 0,
      offender: at('10.1.0.2', 0),
    });
    expect(client.recvmsg(10, Msg.MSG_ERRQUEUE)).toBe(-Errno.EAGAIN);
  });

  it('a neighbour that does not answer is a host unreachable after three seconds', () => {
    const client = bench.socket(bench.a);
    client.setsockopt('IP_RECVERR', 1);
    client.sendmsg(fill(1), { flags: 0, to: at('10.1.0.99', 9) });
    bench.go(2.9e9);
    expect(client.recvmsg(10, Msg.MSG_ERRQUEUE)).toBe(-Errno.EAGAIN);
    bench.go(0.2e9);
    expect(recv(client, Msg.MSG_ERRQUEUE).control.err).toMatchObject({
      errno: Errno.EHOSTUNREACH,
      type: 3,
      code: 1,
      offender: at('10.1.0.1', 0),
    });
  });

  it('needs a destination, a route, and a port', () => {
    const client = bench.socket(bench.a);
    expect(client.sendmsg(fill(1), { flags: 0 })).toBe(-Errno.EDESTADDRREQ);
    expect(client.sendmsg(fill(1), { flags: 0, to: at('10.1.0.2', 0) })).toBe(-Errno.EINVAL);
    expect(client.sendmsg(fill(1), { flags: 0, to: at('192.168.1.1', 9) })).toBe(
      -Errno.ENETUNREACH,
    );
    expect(client.connect(at('192.168.1.1', 9))).toBe(-Errno.ENETUNREACH);
    expect(counters(bench.a.kernel.initNet).get('IpOutNoRoutes')).toBe(2);
  });

  it('broadcasts only when allowed, and is heard by others and by itself', () => {
    const there = [bench.socket(bench.b), bench.socket(bench.b)] as const;
    for (const sk of there) {
      sk.setsockopt('SO_REUSEADDR', 1);
      sk.bind(at('0.0.0.0', 5000));
    }
    const here = bench.socket(bench.a, 5000);
    const elsewhere = bench.socket(bench.b, 5001);
    const client = bench.socket(bench.a);
    expect(client.sendmsg(fill(4), { flags: 0, to: at('10.1.0.255', 5000) })).toBe(-Errno.EACCES);
    expect(client.connect(at('10.1.0.255', 5000))).toBe(-Errno.EACCES);
    client.setsockopt('SO_BROADCAST', 1);
    expect(client.sendmsg(fill(4), { flags: 0, to: at('10.1.0.255', 5000) })).toBe(4);
    bench.go();
    expect([waiting(there[0]), waiting(there[1]), waiting(here), waiting(elsewhere)]).toEqual([
      1, 1, 1, 0,
    ]);
    expect(recv(here).from).toMatchObject({ addr: ip4('10.1.0.1') });
  });

  it('reaches a group where it was joined, and here too unless IP_MULTICAST_LOOP is off', () => {
    const join = (host: Host): Sock => {
      const sk = bench.socket(host, 5000);
      expect(sk.setsockopt('IP_ADD_MEMBERSHIP', [ip4('239.1.1.1'), 2])).toBe(0);
      return sk;
    };
    const there = join(bench.b);
    const here = join(bench.a);
    const client = bench.socket(bench.a);
    client.setsockopt('SO_BINDTODEVICE', 'e0');
    expect(client.sendmsg(fill(4), { flags: 0, to: at('239.1.1.1', 5000) })).toBe(4);
    bench.go();
    expect([waiting(there), waiting(here)]).toEqual([1, 1]);
    client.setsockopt('IP_MULTICAST_LOOP', 0);
    client.sendmsg(fill(4), { flags: 0, to: at('239.1.1.1', 5000) });
    bench.go();
    expect([waiting(there), waiting(here)]).toEqual([2, 1]);
    there.setsockopt('IP_DROP_MEMBERSHIP', [ip4('239.1.1.1'), 2]);
    client.sendmsg(fill(4), { flags: 0, to: at('239.1.1.1', 5000) });
    bench.go();
    expect(waiting(there)).toBe(2);
  });

  it('keeps what fits the receive buffer, counts the rest, and takes more when read', () => {
    const server = bench.socket(bench.b, 5000);
    server.setsockopt('SO_RCVBUF', 2304);
    const client = bench.socket(bench.a);
    for (let i = 0; i < 20; i++) client.sendmsg(fill(5), { flags: 0, to: at('10.1.0.2', 5000) });
    bench.go();
    const kept = waiting(server);
    expect(kept).toBeGreaterThan(2);
    expect(kept).toBeLessThan(10);
    expect([counters(bench.b.kernel.initNet).get('UdpRcvbufErrors'), server.drops]).toEqual([
      20 - kept,
      20 - kept,
    ]);
    for (let i = 0; i < kept; i++) recv(server);
    expect(server.rmemAlloc).toBe(0);
    client.sendmsg(fill(5), { flags: 0, to: at('10.1.0.2', 5000) });
    bench.go();
    expect(waiting(server)).toBe(1);
  });

  it('says EADDRINUSE, EADDRNOTAVAIL, EINVAL as bind does', () => {
    const server = bench.socket(bench.a, 5000);
    const other = bench.socket(bench.a);
    expect(other.bind(at('0.0.0.0', 5000))).toBe(-Errno.EADDRINUSE);
    expect(other.bind(at('10.1.0.1', 5000))).toBe(-Errno.EADDRINUSE);
    expect(other.bind(at('9.9.9.9', 5000))).toBe(-Errno.EADDRNOTAVAIL);
    expect(server.bind(at('0.0.0.0', 5001))).toBe(-Errno.EINVAL);
    const [one, two] = [
      bench.socket(bench.a, 6000, '10.1.0.1'),
      bench.socket(bench.a, 6000, '10.1.0.3'),
    ];
    expect([one.getname(false), two.getname(false)]).toEqual([
      at('10.1.0.1', 6000),
      at('10.1.0.3', 6000),
    ]);
  });

  it('takes ephemeral ports from the range, each once, until there is none', async () => {
    await bench.lab.run(bench.a, async (sys) => {
      const fd = sys.open('/proc/sys/net/ipv4/ip_local_port_range', 1);
      await sys.write(fd, new TextEncoder().encode('40000 40009\n'));
      return 0;
    });
    const ports = Array.from(
      { length: 10 },
      () => (bench.socket(bench.a, 0).getname(false) as SockAddrIn).port,
    );
    expect(ports.sort()).toEqual(Array.from({ length: 10 }, (_, i) => 40_000 + i));
    expect(bench.socket(bench.a).bind(at('0.0.0.0', 0))).toBe(-Errno.EADDRINUSE);
  });

  it('source address: as bound, as connected, as the route has it', () => {
    const server = bench.socket(bench.b, 5000);
    bench
      .socket(bench.a, 6000, '10.1.0.3')
      .sendmsg(fill(1), { flags: 0, to: at('10.1.0.2', 5000) });
    bench.go();
    expect(recv(server).from).toEqual(at('10.1.0.3', 6000));
    const client = bench.socket(bench.a);
    client.connect(at('10.1.0.2', 5000));
    expect(client.getname(false)).toMatchObject({ addr: ip4('10.1.0.1') });
    expect(client.getname(true)).toEqual(at('10.1.0.2', 5000));
    expect(client.connect({ family: 'unspec' })).toBe(0);
    expect(client.getname(true)).toBe(-Errno.ENOTCONN);
  });

  it('tells TTL, TOS and destination of what it received', () => {
    const server = bench.socket(bench.b, 5000);
    for (const option of ['IP_RECVTTL', 'IP_RECVTOS', 'IP_PKTINFO', 'SO_TIMESTAMPNS'] as const)
      server.setsockopt(option, 1);
    const client = bench.socket(bench.a);
    client.setsockopt('IP_TTL', 9);
    client.setsockopt('IP_TOS', 0x10);
    client.sendmsg(fill(1), { flags: 0, to: at('10.1.0.2', 5000) });
    bench.go();
    expect(recv(server).control).toMatchObject({
      ttl: 9,
      tos: 0x10,
      pktinfo: { ifindex: 2, addr: ip4('10.1.0.2') },
    });
  });
});
