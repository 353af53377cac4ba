/**
 * Tunnels seen from the wire: what goes out for what goes in, what is taken and what is refused, congestion marks, learning.
 * Expectations are those of the Linux kernel.
 */
import type { Net, NetDevice } from '@netloom/kernel-core';
import { dropReasonName } from '@netloom/kernel-core';
import type { LinkInfoData, NeighMsg, RtnlEvent } from '@netloom/sys';
import type { Host } from './host.js';
import { checksum, concat, eth, ip4, ipv4, mac } from './spec-frames.js';
import { SpecLab, watch, type SeenFrame } from './spec-lab.js';

const OTHER_MAC = '02:00:00:00:01:02';
const OWN_MAC = '02:00:00:00:01:01';
const STATION = '02:00:00:00:09:09';
const VX_MAC = '02:00:00:00:05:01';

class Bench {
  readonly lab = new SpecLab();
  readonly host: Host = this.lab.host('a');
  readonly net: Net = this.host.kernel.initNet;
  readonly nic = this.lab.nic(this.host, 'e0', OWN_MAC, ['10.0.0.1/24']);
  readonly wire = this.lab.wire(
    this.nic,
    this.lab.nic(this.lab.host('b'), 'e0', OTHER_MAC, ['10.0.0.2/24']),
    {},
  );
  readonly drops: string[] = [];
  private readonly frames: SeenFrame[] = watch(this.wire, 'a');

  async add(kind: string, name: string, data: LinkInfoData, address?: string): Promise<NetDevice> {
    await this.lab.call(this.host, (sys) => {
      sys.rtnl('RTM_NEWLINK', {
        kind,
        ifname: name,
        data,
        ...(kind === 'vxlan' ? { address: mac(VX_MAC) } : {}),
      });
      const ifindex = sys.rtnl('RTM_GETLINK', { ifname: name })[0]?.ifindex ?? 0;
      if (address !== undefined)
        sys.rtnl('RTM_NEWADDR', { family: 2, ifindex, local: ip4(address), prefixlen: 24 });
      sys.rtnl('RTM_SETLINK', { ifindex, flags: 1, flagsMask: 1 });
    });
    this.lab.trace.kfreeSkb = (_kernel, _skb, reason) => this.drops.push(dropReasonName(reason));
    return this.net.devByName(name) as NetDevice;
  }

  go(ns = 1e6): void {
    this.lab.engine.advance(this.lab.engine.now + ns);
  }

  /** An IPv4 packet from the other side. */
  hear(protocol: number, payload: Uint8Array, tos = 0, from = '10.0.0.2'): void {
    const packet = ipv4(from, '10.0.0.1', protocol, payload, { tos });
    this.lab.receive(this.nic, eth(OWN_MAC, OTHER_MAC, 0x800, packet));
    this.go();
  }

  /** The IPv4 packets of a protocol since the last time. */
  said(protocol: number): Uint8Array[] {
    return this.frames
      .splice(0)
      .filter(({ bytes }) => bytes[12] === 8 && bytes[13] === 0 && bytes[23] === protocol)
      .map(({ bytes }) => bytes.subarray(14));
  }

  taken(): string[] {
    return this.drops.splice(0);
  }
}

const stat = (
  dev: NetDevice,
  name: 'rxPackets' | 'rxErrors' | 'frame' | 'crc' | 'fifo',
): number => {
  const index = { rxPackets: 0, rxErrors: 4, frame: 13, crc: 12, fifo: 14 }[name];
  return dev.stats[index] ?? 0;
};

function udp(dport: number, payload: Uint8Array): Uint8Array {
  const head = new Uint8Array(8);
  const view = new DataView(head.buffer);
  view.setUint16(0, 50000);
  view.setUint16(2, dport);
  view.setUint16(4, 8 + payload.length);
  return concat(head, payload);
}

/** A VXLAN datagram of a frame from `station` with an IPv4 packet inside. */
function vxlan(vni: number, station = STATION, tos = 0, flags = 0x08): Uint8Array {
  const inner = ipv4('192.168.1.2', '192.168.1.77', 17, new Uint8Array(8), { tos });
  const header = Uint8Array.from([flags, 0, 0, 0, vni >>> 16, vni >>> 8, vni, 0]);
  return udp(4789, concat(header, eth(VX_MAC, station, 0x800, inner)));
}

/** GRE with an IPv4 packet inside. */
function gre(
  options: { key?: number; seq?: number; csum?: boolean; bad?: boolean; tos?: number } = {},
): Uint8Array {
  const { key, seq, csum = false } = options;
  const flags = (csum ? 0x80 : 0) | (key === undefined ? 0 : 0x20) | (seq === undefined ? 0 : 0x10);
  const words = [
    ...(csum ? [0] : []),
    ...(key === undefined ? [] : [key]),
    ...(seq === undefined ? [] : [seq]),
  ];
  const head = new Uint8Array(4 + words.length * 4);
  const view = new DataView(head.buffer);
  view.setUint16(0, flags << 8);
  view.setUint16(2, 0x800);
  words.forEach((word, i) => {
    view.setUint32(4 + i * 4, word);
  });
  const whole = concat(
    head,
    ipv4('192.168.1.2', '192.168.1.77', 17, new Uint8Array(8), { tos: options.tos ?? 0 }),
  );
  if (csum)
    new DataView(whole.buffer).setUint16(4, checksum(whole) ^ (options.bad === true ? 1 : 0));
  return whole;
}

describe('VXLAN', () => {
  test('what is taken, learned and refused', async () => {
    const bench = new Bench();
    const dev = await bench.add('vxlan', 'vx', { id: 5, port: 4789, remote: '10.0.0.9', limit: 2 });
    const fdb = (): string[] =>
      (dev.ops.fdbDump?.(dev, dev) ?? []).map(
        ({ lladdr, dst }: NeighMsg) => `${Array.from(lladdr ?? [])[5] ?? ''}@${Number(dst) & 255}`,
      );
    bench.hear(17, vxlan(5));
    expect([stat(dev, 'rxPackets'), fdb()]).toEqual([1, ['0@9', '9@2']]);
    bench.hear(17, vxlan(5), 0, '10.0.0.3'); // the station moved
    expect(fdb()).toEqual(['0@9', '9@3']);
    bench.hear(17, vxlan(5, '02:00:00:00:09:0a')); // no room for a third entry
    expect(fdb()).toEqual(['0@9', '9@3']);
    bench.taken();
    bench.hear(17, vxlan(6));
    bench.hear(17, vxlan(5, STATION, 0, 0x0c));
    bench.hear(17, vxlan(5, VX_MAC)); // our own frame
    bench.hear(17, udp(4789, Uint8Array.of(8, 0, 0)));
    expect(bench.taken()).toEqual([
      'VXLAN_VNI_NOT_FOUND',
      'VXLAN_INVALID_HDR',
      'LOCAL_MAC',
      'HDR_TRUNC',
    ]);
    bench.go(299e9);
    expect(fdb()).toEqual(['0@9', '9@3']);
    bench.go(2e9);
    expect(fdb()).toEqual(['0@9']);
    const port = { lladdr: mac(STATION), dst: ip4('10.0.0.4'), family: 7, ifindex: dev.ifindex };
    dev.ops.fdbAdd?.(dev, { ...port, state: 0x40, mode: 'add' });
    bench.hear(17, vxlan(5), 0, '10.0.0.3'); // a fixed station does not move
    expect([bench.taken(), fdb()]).toEqual([['NOT_SPECIFIED'], ['0@9', '9@4']]);
  });

  test('nolearning learns nothing', async () => {
    const bench = new Bench();
    const dev = await bench.add('vxlan', 'vx', { id: 5, port: 4789, learning: false });
    bench.hear(17, vxlan(5));
    expect([stat(dev, 'rxPackets'), dev.ops.fdbDump?.(dev, dev)]).toEqual([1, []]);
  });

  test('misses are told to who listens; without an entry a frame ends', async () => {
    const bench = new Bench();
    const dev = await bench.add('vxlan', 'vx', { id: 5, port: 4789, l2miss: true }, '192.168.1.1');
    const events: RtnlEvent[] = [];
    bench.net.rtnlListeners.add((event) => events.push(event));
    await bench.lab.call(bench.host, async (sys) => {
      const ifindex = dev.ifindex;
      const dst = ip4('192.168.1.2');
      sys.rtnl('RTM_NEWNEIGH', { family: 2, ifindex, dst, lladdr: mac(STATION), mode: 'add' });
      const socket = sys.socket(2, 2, 0);
      await sys.sendto(socket, Uint8Array.of(1), 0, { family: 'inet', addr: dst, port: 7 });
    });
    const misses = events.filter(({ type }) => type === 'RTM_GETNEIGH');
    expect(misses).toMatchObject([{ neigh: { lladdr: mac(STATION), state: 4 } }]);
    expect(dev.stats[7]).toBeGreaterThanOrEqual(1); // txDropped
  });

  test('proxy answers ARP from the neighbours', async () => {
    const bench = new Bench();
    const data = { id: 5, port: 4789, proxy: true, remote: '10.0.0.2' };
    const dev = await bench.add('vxlan', 'vx', data, '192.168.1.1');
    await bench.lab.call(bench.host, (sys) => {
      const dst = ip4('192.168.1.2');
      const request = { family: 2, ifindex: dev.ifindex, dst, lladdr: mac(STATION) };
      sys.rtnl('RTM_NEWNEIGH', { ...request, mode: 'add' });
    });
    const received = stat(dev, 'rxPackets');
    const ask = concat(
      Uint8Array.from([0, 1, 8, 0, 6, 4, 0, 1]),
      mac(VX_MAC),
      Uint8Array.from([192, 168, 1, 1, 0, 0, 0, 0, 0, 0, 192, 168, 1, 2]),
    );
    await bench.lab.call(bench.host, async (sys) => {
      const raw = sys.socket(17, 3, 3);
      const { ifindex } = dev;
      const to = { family: 'packet', protocol: 3, ifindex, hatype: 0, pkttype: 0 } as const;
      const frame = eth('ff:ff:ff:ff:ff:ff', VX_MAC, 0x806, ask);
      await sys.sendto(raw, frame, 0, { ...to, addr: new Uint8Array(0) });
      sys.close(raw);
    });
    bench.go();
    expect(stat(dev, 'rxPackets')).toBe(received + 1);
  });
});

describe('congestion marks', () => {
  // outer, inner → what arrives inside; undefined where the packet is dropped (RFC 6040 §4.2)
  const rows: readonly (readonly [number, number, number | undefined])[] = [
    [0, 0, 0],
    [1, 0, 0],
    [2, 0, 0],
    [3, 0, undefined],
    [0, 2, 2],
    [3, 2, 3],
    [3, 1, 3],
    [2, 1, 1],
    [0, 3, 3],
  ];

  test.each(rows)('outside %i, inside %i', async (outer, inner, expected) => {
    const bench = new Bench();
    const dev = await bench.add('gre', 'g1', { local: '10.0.0.1', remote: '10.0.0.2' });
    const seen: number[] = [];
    bench.net.kernel.trace.netifReceiveSkb = (skb) => {
      if (skb.dev !== dev) return;
      seen.push((skb.mem.u8[skb.data + 1] ?? 0) & 3);
      expect(checksum(skb.mem.bytes(skb.data, 20))).toBe(0);
    };
    bench.hear(47, gre({ tos: 0x10 | inner }), outer);
    expect(seen).toEqual(expected === undefined ? [] : [expected]);
    expect([stat(dev, 'rxErrors'), stat(dev, 'frame')]).toEqual(
      expected === undefined ? [1, 1] : [0, 0],
    );
  });
});

describe('GRE', () => {
  test('keys, checksums and sequence numbers decide what is taken', async () => {
    const bench = new Bench();
    const ends = { local: '10.0.0.1', remote: '10.0.0.2' };
    const plain = await bench.add('gre', 'g1', ends);
    const keyed = await bench.add('gre', 'g2', {
      ...ends,
      ikey: '0.0.0.7',
      okey: '0.0.0.7',
      icsum: true,
      iseq: true,
    });
    bench.hear(47, gre());
    expect(stat(plain, 'rxPackets')).toBe(1);
    bench.hear(47, gre({ csum: true })); // a checksum that was not agreed upon
    expect([stat(plain, 'rxPackets'), stat(plain, 'crc')]).toEqual([1, 1]);
    bench.hear(47, gre({ key: 7, csum: true, seq: 5 }));
    bench.hear(47, gre({ key: 7, csum: true, seq: 5 }));
    bench.hear(47, gre({ key: 7, csum: true }));
    expect([stat(keyed, 'rxPackets'), stat(keyed, 'fifo')]).toEqual([1, 2]);
    bench.hear(47, gre({ key: 7, csum: true, seq: 6, bad: true }));
    bench.hear(47, gre({ key: 7, csum: true, seq: 6 }));
    expect([stat(keyed, 'rxPackets'), stat(keyed, 'rxErrors')]).toEqual([2, 2]);
    bench.said(1);
    bench.hear(47, gre({ key: 8 }));
    const [answer] = bench.said(1);
    expect([answer?.[20], answer?.[21]]).toEqual([3, 3]); // port unreachable
  });

  test('the more exact tunnel goes first', async () => {
    const bench = new Bench();
    const any = await bench.add('gre', 'any', { local: '10.0.0.1' });
    const exact = await bench.add('gre', 'exact', { local: '10.0.0.1', remote: '10.0.0.2' });
    bench.hear(47, gre());
    bench.hear(47, gre(), 0, '10.0.0.3');
    expect([stat(exact, 'rxPackets'), stat(any, 'rxPackets')]).toEqual([1, 1]);
  });

  test('without a remote end, the neighbour table names it', async () => {
    const bench = new Bench();
    const dev = await bench.add('gre', 'g1', { local: '10.0.0.1' }, '192.168.1.1');
    await bench.lab.call(bench.host, async (sys) => {
      const { ifindex } = dev;
      const dst = ip4('192.168.1.2');
      const lladdr = Uint8Array.of(10, 0, 0, 2);
      sys.rtnl('RTM_NEWNEIGH', { family: 2, ifindex, dst, lladdr, mode: 'add' });
      const [entry] = sys.rtnl('RTM_GETNEIGH', { family: 2, ifindex });
      expect(entry).toMatchObject({ lladdr, state: 0x80 });
      const socket = sys.socket(2, 2, 0);
      await sys.sendto(socket, Uint8Array.of(1), 0, { family: 'inet', addr: dst, port: 7 });
      await sys.sleep(10e6);
    });
    const [packet] = bench.said(47);
    expect(packet?.subarray(16, 20)).toEqual(Uint8Array.of(10, 0, 0, 2));
  });

  test('TTL and TOS of what goes out', async () => {
    const bench = new Bench();
    const ends = { local: '10.0.0.1', remote: '10.0.0.2' };
    await bench.add('gre', 'g1', { ...ends, tos: 1 }, '192.168.1.1');
    await bench.add('ipip', 'i1', { ...ends, ttl: 9, tos: 0x20 }, '192.168.2.1');
    await bench.lab.call(bench.host, async (sys) => {
      for (const [addr, ttl] of [
        ['192.168.1.2', 33],
        ['192.168.2.2', 34],
      ] as const) {
        const socket = sys.socket(2, 2, 0);
        sys.setsockopt(socket, 'IP_TTL', ttl);
        sys.setsockopt(socket, 'IP_TOS', 0x12);
        await sys.sendto(socket, Uint8Array.of(1), 0, { family: 'inet', addr: ip4(addr), port: 7 });
        await sys.sleep(10e6);
      }
    });
    const packets = bench.said(47);
    expect(packets.map((p) => [p[8], p[1]])).toContainEqual([33, 0x12]);
  });

  test('IP in IP with its own TTL and TOS, and the inner congestion bits', async () => {
    const bench = new Bench();
    await bench.add(
      'ipip',
      'i1',
      { local: '10.0.0.1', remote: '10.0.0.2', ttl: 9, tos: 0x20 },
      '192.168.2.1',
    );
    await bench.lab.call(bench.host, async (sys) => {
      const socket = sys.socket(2, 2, 0);
      sys.setsockopt(socket, 'IP_TOS', 0x12);
      await sys.sendto(socket, Uint8Array.of(1), 0, {
        family: 'inet',
        addr: ip4('192.168.2.2'),
        port: 7,
      });
      await sys.sleep(10e6);
    });
    expect(bench.said(4).map((p) => [p[8], p[1], p[20]])).toEqual([[9, 0x22, 0x45]]);
  });

  test('without the module the protocol is unknown', () => {
    const bench = new Bench();
    bench.hear(47, gre());
    bench.go(10e6);
    expect(bench.said(1).map((p) => [p[20], p[21]])).toEqual([[3, 2]]); // protocol unreachable
  });

  test('everything goes with its namespace, and no packet is left behind', async () => {
    const bench = new Bench();
    await bench.lab.call(bench.host, (sys) => {
      sys.unshareNet();
      for (const [kind, data] of [
        ['gre', { remote: '10.0.0.2' }],
        ['ipip', { remote: '10.0.0.2' }],
        ['vxlan', { id: 5, remote: '10.0.0.2' }],
        ['geneve', { id: 5, remote: '10.0.0.2' }],
      ] as const) {
        sys.rtnl('RTM_NEWLINK', { kind, data, ifname: `x${kind}` });
        sys.rtnl('RTM_SETLINK', { ifname: `x${kind}`, flags: 1, flagsMask: 1 });
      }
      expect(sys.rtnl('RTM_GETLINK', {}).map(({ ifname }) => ifname)).toContain('tunl0');
    });
    await bench.lab.advance(100e9);
    expect(bench.host.kernel.nets).toHaveLength(1);
    expect(bench.lab.memory.inUse).toEqual({ small: 0, large: 0 });
  });
});
