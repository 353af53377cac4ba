import { parseMac } from '@netloom/base';
import { Mib6 } from '@netloom/kernel-core';
import {
  fib6Dump,
  inet6AddAddress,
  inet6AddrMsg,
  Inet6Dev,
  ipv6SetConf,
  ndiscEntries,
} from '@netloom/kernel-inet6';
import type { Nic } from '@netloom/kernel-drivers';
import { formatIpv6 } from '@netloom/base';
import { Nud } from '@netloom/sys';
import { in6Text, type In6Addr } from '@netloom/wire';
import type { Host } from './host.js';
import { icmp6, ip6, ip6Frame, shown6 } from './spec-ip6.js';
import { SpecLab, watch, type SeenFrame } from './spec-lab.js';

const PEER = '02:00:00:00:00:99';
const PEER_LL = 'fe80::ff:fe00:99';
const OWN_LL = 'fe80::ff:fe00:1';
const OWN = '02:00:00:00:00:01';

interface Bench {
  readonly lab: SpecLab;
  readonly host: Host;
  readonly nic: Nic;
  readonly seen: SeenFrame[];
  /** What has left since the last call. */
  sent(): string[];
}

/** A host whose card's other end belongs to the spec; `settle` lets duplicate detection pass. */
async function bench(options: { settle?: boolean; addresses?: string[] } = {}): Promise<Bench> {
  const lab = new SpecLab();
  const host = lab.host('a', { ipv6: true });
  const other = lab.host('b');
  const nic = lab.nic(host, 'eth1', OWN);
  const wire = lab.wire(nic, lab.nic(other, 'eth1', PEER));
  const seen = watch(wire, 'a');
  for (const text of options.addresses ?? []) address(nic, text);
  if (options.settle !== false) await lab.advance(3e9);
  let at = seen.length;
  return {
    lab,
    host,
    nic,
    seen,
    sent: () => {
      const lines = seen.slice(at).map((frame) => shown6(frame.bytes));
      at = seen.length;
      return lines;
    },
  };
}

/** Adds `ADDRESS/LENGTH` without duplicate detection. */
function address(nic: Nic, text: string): void {
  const [local = '', length = '128'] = text.split('/');
  inet6AddAddress(nic.dev.net, {
    family: 10,
    ifindex: nic.dev.ifindex,
    local: ip6(local),
    prefixlen: Number(length),
    flags: 2,
  });
}

/** A host's addresses as `address/length flags`, flags in hexadecimal. */
function addresses(nic: Nic): string[] {
  return (Inet6Dev.of(nic.dev)?.addresses ?? []).map(
    (ifa) => `${in6Text(ifa.addr)}/${ifa.prefixlen} ${inet6AddrMsg(ifa).flags.toString(16)}`,
  );
}

function routes(host: Host, table?: number): string[] {
  const net = host.kernel.initNet;
  return fib6Dump(net, table).map((r) => {
    const dst = r.dst === undefined ? 'default' : `${formatIpv6(r.dst as Uint8Array)}/${r.dstLen}`;
    const hops = r.nexthops.map((hop) => {
      const via = hop.via === undefined ? '' : `via ${formatIpv6(hop.via as Uint8Array)} `;
      return `${via}dev ${net.devByIndex(hop.ifindex)?.name ?? '?'}`;
    });
    return `${r.type} ${dst} ${hops.join(', ')} proto ${r.protocol} metric ${r.priority}${r.expires === undefined ? '' : ` expires ${r.expires}`}`;
  });
}

const solicit = (target: string, src = PEER_LL, group = 'ff02::1:ff00:1'): Uint8Array => {
  const option = src === '::' ? [] : [1, 1, ...(parseMac(PEER) ?? [])];
  return ip6Frame({
    to: '33:33:ff:00:00:01',
    from: PEER,
    src,
    dst: group,
    next: 58,
    hop: 255,
    payload: icmp6(src, group, 135, 0, [0, 0, 0, 0, ...ip6(target), ...option]),
  });
};

const echo = (src: string, dst: string, length = 8): Uint8Array =>
  icmp6(src, dst, 128, 0, [0, 7, 0, 1, ...new Array<number>(length).fill(0x55)]);

const advertisement = (options: readonly number[], lifetime = 1800, hop = 255): Uint8Array =>
  ip6Frame({
    to: '33:33:00:00:00:01',
    from: PEER,
    src: PEER_LL,
    dst: 'ff02::1',
    next: 58,
    hop,
    payload: icmp6(PEER_LL, 'ff02::1', 134, 0, [
      ...[64, 0, lifetime >>> 8, lifetime & 255, 0, 0, 0, 0, 0, 0, 0, 0],
      ...options,
    ]),
  });

const prefix = (text: string, valid: number, preferred: number, flags = 0xc0): number[] => {
  const word = (n: number): number[] => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
  return [3, 4, 64, flags, ...word(valid), ...word(preferred), 0, 0, 0, 0, ...ip6(text)];
};

describe('a card that comes up', () => {
  it('takes its link-local address once nobody objects, reports its groups, asks for routers', async () => {
    const { lab, nic, seen } = await bench({ settle: false });
    expect(addresses(nic)).toEqual([`${OWN_LL}/64 c0`]);
    await lab.advance(3e9);
    expect(addresses(nic)).toEqual([`${OWN_LL}/64 80`]);
    expect(seen.map((frame) => shown6(frame.bytes))).toEqual([
      ':: > ff02::16 hop 1 hbh icmp6 143/0 4:ff02::1:ff00:1',
      ':: > ff02::16 hop 1 hbh icmp6 143/0 4:ff02::1:ff00:1',
      ':: > ff02::1:ff00:1 hop 255 icmp6 135/0 fe80::ff:fe00:1',
      `${OWN_LL} > ff02::16 hop 1 hbh icmp6 143/0 4:ff02::1:ff00:1`,
      `${OWN_LL} > ff02::2 hop 255 icmp6 133/0`,
      `${OWN_LL} > ff02::16 hop 1 hbh icmp6 143/0 4:ff02::1:ff00:1`,
    ]);
    const probe = seen[2]?.time ?? 0;
    expect((seen[4]?.time ?? 0) - probe).toBe(1e9);
    expect(lab.pool.live).toBe(0);
  });

  it('keeps an address that somebody else has as failed, and says so', async () => {
    const { lab, host, nic, seen } = await bench({ settle: false });
    while (!seen.some((frame) => frame.bytes[54] === 135)) await lab.advance(10e6);
    const defence = icmp6(OWN_LL, 'ff02::1', 136, 0, [0x20, 0, 0, 0, ...ip6(OWN_LL)]);
    lab.receive(
      nic,
      ip6Frame({
        to: '33:33:00:00:00:01',
        from: PEER,
        src: OWN_LL,
        dst: 'ff02::1',
        next: 58,
        hop: 255,
        payload: defence,
      }),
    );
    await lab.advance(3e9);
    expect(addresses(nic)).toEqual([`${OWN_LL}/64 c8`]);
    expect(host.kernel.log.map(({ text }) => text)).toContain(
      `IPv6: eth1: IPv6 duplicate address ${OWN_LL} used by ${PEER} detected!`,
    );
    expect(routes(host, 255)).not.toContain(`2 ${OWN_LL}/128 dev eth1 proto 2 metric 0`);
  });

  it('probes that come back by themselves are no duplicates', async () => {
    const { lab, nic, seen } = await bench({ settle: false });
    while (!seen.some((frame) => frame.bytes[54] === 135)) await lab.advance(10e6);
    const own = seen.find((frame) => frame.bytes[54] === 135);
    lab.receive(nic, own?.bytes.slice() ?? new Uint8Array());
    await lab.advance(3e9);
    expect(addresses(nic)).toEqual([`${OWN_LL}/64 80`]);
  });

  it('has the routes that Linux has', async () => {
    const { host } = await bench({ addresses: ['2001:db8::1/64'] });
    expect(routes(host)).toEqual([
      '1 2001:db8::/64 dev eth1 proto 2 metric 256',
      '1 fe80::/64 dev eth1 proto 2 metric 256',
      '2 ::1/128 dev lo proto 2 metric 0',
      '2 2001:db8::1/128 dev eth1 proto 2 metric 0',
      `2 ${OWN_LL}/128 dev eth1 proto 2 metric 0`,
      '5 ff00::/8 dev eth1 proto 2 metric 256',
    ]);
  });

  it('takes and leaves nothing where IPv6 is disabled', async () => {
    const { lab, host, nic, sent } = await bench({ addresses: ['2001:db8::1/64'] });
    ipv6SetConf(host.kernel.initNet, 'eth1', 'disable_ipv6', '1');
    expect(addresses(nic)).toEqual([]);
    expect(routes(host)).toEqual(['2 ::1/128 dev lo proto 2 metric 0']);
    lab.receive(nic, solicit(OWN_LL));
    await lab.advance(1e9);
    expect(sent()).toEqual([]);
    ipv6SetConf(host.kernel.initNet, 'eth1', 'disable_ipv6', '0');
    await lab.advance(3e9);
    expect(addresses(nic)).toEqual([`${OWN_LL}/64 80`]);
  });
});

describe('neighbour discovery', () => {
  it('answers who asks, with its address to a group, without it to one', async () => {
    const { lab, nic, seen, sent } = await bench();
    lab.receive(nic, solicit(OWN_LL));
    await lab.advance(1e6);
    expect(sent()).toEqual([`${OWN_LL} > ${PEER_LL} hop 255 icmp6 136/0 ${OWN_LL}`]);
    expect(seen[seen.length - 1]?.bytes.length).toBe(86);
    expect(seen[seen.length - 1]?.bytes[58]).toBe(0x60); // solicited, override
    lab.receive(nic, solicit(OWN_LL, PEER_LL, OWN_LL).fill(2, 0, 1).fill(0, 1, 5).fill(1, 5, 6));
    await lab.advance(1e6);
    expect(sent()).toEqual([`${OWN_LL} > ${PEER_LL} hop 255 icmp6 136/0 ${OWN_LL}`]);
    expect(seen[seen.length - 1]?.bytes.length).toBe(78);
    expect(seen[seen.length - 1]?.bytes[58]).toBe(0x40);
    expect(
      ndiscEntries(nic.dev)
        .filter(({ nudState }) => nudState !== Nud.NUD_NOARP)
        .map(({ key, nudState }) => [in6Text(key as In6Addr), nudState]),
    ).toEqual([[PEER_LL, Nud.NUD_DELAY]]);
  });

  it('believes nothing that was forwarded, cut short or badly built', async () => {
    const { lab, nic, sent } = await bench();
    const good = solicit(OWN_LL);
    const forwarded = good.slice();
    forwarded[21] = 254;
    const endless = solicit(OWN_LL, '::');
    for (const frame of [forwarded, endless.slice(0, 70), good.slice(0, 60)])
      lab.receive(nic, frame);
    await lab.advance(1e6);
    expect(sent()).toEqual([]);
  });

  it('asks before it sends, and reports a silent neighbour', async () => {
    const { lab, host, nic, sent } = await bench({ addresses: ['2001:db8::1/64'] });
    ipv6SetConf(host.kernel.initNet, 'all', 'forwarding', '1');
    sent();
    const src = '2001:db8:9::9';
    address(nic, '2001:db8:9::1/64');
    await lab.advance(1e9);
    sent();
    lab.receive(nic, solicit('2001:db8:9::1', src, 'ff02::1:ff00:1'));
    await lab.advance(1e6);
    sent();
    lab.receive(
      nic,
      ip6Frame({
        to: OWN,
        from: PEER,
        src,
        dst: '2001:db8::77',
        next: 58,
        payload: echo(src, '2001:db8::77'),
      }),
    );
    await lab.advance(4e9);
    expect(sent().filter((line) => !line.includes('icmp6 143'))).toEqual([
      `${OWN_LL} > ${src} hop 255 icmp6 137/0`, // it came from the same link
      expect.stringMatching(/ > ff02::1:ff00:77 hop 255 icmp6 135\/0 2001:db8::77$/),
      expect.stringMatching(/ > ff02::1:ff00:77 hop 255 icmp6 135\/0 2001:db8::77$/),
      expect.stringMatching(/ > ff02::1:ff00:77 hop 255 icmp6 135\/0 2001:db8::77$/),
      `2001:db8:9::1 > ${src} hop 64 icmp6 1/3`,
    ]);
    expect(lab.pool.live).toBe(0);
  });
});

describe('ICMPv6', () => {
  const to = (dst: string, next: number, payload: Uint8Array, src = PEER_LL): Uint8Array =>
    ip6Frame({ to: OWN, from: PEER, src, dst, next, payload });

  it('answers an echo, and one to all nodes from its own address', async () => {
    const { lab, nic, sent } = await bench();
    lab.receive(nic, solicit(OWN_LL));
    await lab.advance(1e6);
    sent();
    lab.receive(nic, to(OWN_LL, 58, echo(PEER_LL, OWN_LL)));
    const group = to('ff02::1', 58, echo(PEER_LL, 'ff02::1'));
    group.set(parseMac('33:33:00:00:00:01') ?? []);
    lab.receive(nic, group);
    await lab.advance(1e6);
    expect(sent()).toEqual([
      `${OWN_LL} > ${PEER_LL} hop 64 icmp6 129/0`,
      `${OWN_LL} > ${PEER_LL} hop 64 icmp6 129/0`,
    ]);
  });

  it('reports headers and options that it does not know', async () => {
    const { lab, host, nic, sent } = await bench();
    lab.receive(nic, solicit(OWN_LL));
    await lab.advance(1e6);
    sent();
    lab.receive(nic, to(OWN_LL, 200, new Uint8Array(8)));
    const message = echo(PEER_LL, OWN_LL);
    // Destination options with an option that says: discard and report.
    const odd = Uint8Array.from([58, 0, 0x9e, 4, 0, 0, 0, 0, ...message]);
    await lab.advance(200e6);
    lab.receive(nic, to(OWN_LL, 60, odd));
    await lab.advance(200e6);
    // A routing header with a segment left.
    lab.receive(nic, to(OWN_LL, 43, Uint8Array.from([58, 0, 0, 1, 0, 0, 0, 0, ...message])));
    await lab.advance(200e6);
    // One without, and padding: passed.
    lab.receive(
      nic,
      to(
        OWN_LL,
        43,
        Uint8Array.from([60, 0, 0, 0, 0, 0, 0, 0, 58, 0, 1, 4, 0, 0, 0, 0, ...message]),
      ),
    );
    await lab.advance(1e6);
    expect(sent()).toEqual([
      `${OWN_LL} > ${PEER_LL} hop 64 icmp6 4/1 at 6`,
      `${OWN_LL} > ${PEER_LL} hop 64 icmp6 4/2 at 42`,
      `${OWN_LL} > ${PEER_LL} hop 64 icmp6 4/0 at 42`,
      `${OWN_LL} > ${PEER_LL} hop 64 icmp6 129/0`,
    ]);
    expect(host.kernel.initNet.mib6.get(Mib6.Ip6InUnknownProtos)).toBe(1);
  });

  it('puts fragments together, in any order, and not overlapping ones', async () => {
    const { lab, host, nic, sent } = await bench();
    lab.receive(nic, solicit(OWN_LL));
    await lab.advance(1e6);
    sent();
    const message = echo(PEER_LL, OWN_LL, 40); // 48 bytes
    const piece = (id: number, from: number, end: number): Uint8Array => {
      const more = end < message.length ? 1 : 0;
      return to(
        OWN_LL,
        44,
        Uint8Array.from([58, 0, from >>> 8, from | more, 0, 0, 0, id, ...message.slice(from, end)]),
      );
    };
    for (const [from, end] of [
      [32, 48],
      [0, 16],
      [16, 32],
    ] as const)
      lab.receive(nic, piece(1, from, end));
    await lab.advance(1e6);
    expect(sent()).toEqual([`${OWN_LL} > ${PEER_LL} hop 64 icmp6 129/0`]);
    for (const [from, end] of [
      [0, 24],
      [16, 48],
    ] as const)
      lab.receive(nic, piece(2, from, end));
    await lab.advance(1e6);
    expect(sent()).toEqual([]);
    lab.receive(nic, piece(3, 0, 16));
    await lab.advance(59e9);
    lab.receive(nic, solicit(OWN_LL)); // the neighbour did not answer probes meanwhile
    await lab.advance(2e9);
    expect(sent().filter((line) => line.includes('icmp6 3/'))).toEqual([
      `${OWN_LL} > ${PEER_LL} hop 64 icmp6 3/1`,
    ]);
    const { mib6 } = host.kernel.initNet;
    expect(
      [Mib6.Ip6ReasmReqds, Mib6.Ip6ReasmOKs, Mib6.Ip6ReasmFails, Mib6.Ip6ReasmTimeout].map((i) =>
        mib6.get(i),
      ),
    ).toEqual([6, 1, 2, 1]);
    expect(lab.pool.live).toBe(0);
  });
});

describe('a router', () => {
  it('forwards, counts the hop limit down, says what is too big, and does not forward link-local senders', async () => {
    const lab = new SpecLab();
    const router = lab.host('r', { ipv6: true });
    const left = lab.nic(router, 'eth1', OWN);
    const right = lab.nic(router, 'eth2', '02:00:00:00:00:02', [], 1400);
    const wire = lab.wire(left, lab.nic(lab.host('x'), 'eth1', PEER));
    const far = lab.wire(right, lab.nic(lab.host('y'), 'eth1', '02:00:00:00:00:88'));
    ipv6SetConf(router.kernel.initNet, 'all', 'forwarding', '1');
    address(left, '2001:db8:1::1/64');
    address(right, '2001:db8:2::1/64');
    await lab.advance(4e9);
    lab.receive(left, solicit(OWN_LL));
    lab.receive(left, solicit('2001:db8:1::1', '2001:db8:1::9'));
    const announce = icmp6('2001:db8:2::8', 'ff02::1:ff00:1', 135, 0, [
      0,
      0,
      0,
      0,
      ...ip6('2001:db8:2::1'),
      1,
      1,
      2,
      0,
      0,
      0,
      0,
      0x88,
    ]);
    lab.receive(
      right,
      ip6Frame({
        to: '33:33:ff:00:00:01',
        from: '02:00:00:00:00:88',
        src: '2001:db8:2::8',
        dst: 'ff02::1:ff00:1',
        next: 58,
        hop: 255,
        payload: announce,
      }),
    );
    await lab.advance(1e6);
    const back = watch(wire, 'a');
    const on = watch(far, 'a');
    const send = async (
      dst: string,
      hop: number,
      size = 8,
      src = '2001:db8:1::9',
    ): Promise<void> => {
      lab.receive(
        left,
        ip6Frame({ to: OWN, from: PEER, src, dst, next: 58, hop, payload: echo(src, dst, size) }),
      );
      await lab.advance(300e6);
    };
    await send('2001:db8:2::8', 64);
    await send('2001:db8:2::8', 1);
    await send('2001:db8:2::8', 64, 1400);
    await send('2001:db8:77::8', 64);
    await send('2001:db8:2::8', 64, 8, PEER_LL);
    expect(on.map((frame) => shown6(frame.bytes))).toEqual([
      '2001:db8:1::9 > 2001:db8:2::8 hop 63 icmp6 128/0',
    ]);
    expect(
      back.map((frame) => shown6(frame.bytes)).filter((line) => !line.includes('135/0')),
    ).toEqual([
      '2001:db8:1::1 > 2001:db8:1::9 hop 64 icmp6 3/0',
      '2001:db8:1::1 > 2001:db8:1::9 hop 64 icmp6 2/0 mtu 1400',
      '2001:db8:1::1 > 2001:db8:1::9 hop 64 icmp6 1/0',
      `${OWN_LL} > ${PEER_LL} hop 64 icmp6 1/2`,
    ]);
    const { mib6 } = router.kernel.initNet;
    expect(
      [
        Mib6.Ip6OutForwDatagrams,
        Mib6.Ip6InTooBigErrors,
        Mib6.Ip6FragFails,
        Mib6.Ip6InNoRoutes,
        Mib6.Ip6InAddrErrors,
      ].map((i) => mib6.get(i)),
    ).toEqual([1, 1, 1, 1, 1]);
  });
});

describe('router advertisements', () => {
  it('bring a default route, a prefix and an address, which end with their lifetimes', async () => {
    const { lab, host, nic } = await bench();
    lab.receive(nic, advertisement(prefix('2001:db8:5::', 100, 50)));
    await lab.advance(3e9);
    expect(addresses(nic)).toEqual(['2001:db8:5::ff:fe00:1/64 100', `${OWN_LL}/64 80`]);
    expect(routes(host, 254)).toEqual([
      '1 2001:db8:5::/64 dev eth1 proto 2 metric 256 expires 97',
      '1 fe80::/64 dev eth1 proto 2 metric 256',
      `1 default via ${PEER_LL} dev eth1 proto 9 metric 1024 expires 1797`,
    ]);
    await lab.advance(50e9);
    expect(addresses(nic)[0]).toBe('2001:db8:5::ff:fe00:1/64 120');
    lab.receive(nic, advertisement([], 0));
    await lab.advance(50e9);
    expect(addresses(nic)).toEqual([`${OWN_LL}/64 80`]);
    await lab.advance(30e9); // expired routes are looked for twice a minute
    expect(routes(host, 254)).toEqual(['1 fe80::/64 dev eth1 proto 2 metric 256']);
  });

  it('set the MTU and the hop limit of a link', async () => {
    const { lab, host, nic } = await bench();
    lab.receive(nic, advertisement([5, 1, 0, 0, 0, 0, 5, 0x78]));
    await lab.advance(1e9);
    const idev = Inet6Dev.of(nic.dev);
    expect(idev?.mtu6).toBe(1400);
    expect(routes(host, 254)).toHaveLength(2);
  });

  it('are nothing to a router, to one who does not want them, or from afar', async () => {
    for (const [name, value] of [
      ['forwarding', '1'],
      ['accept_ra', '0'],
    ] as const) {
      const { lab, host, nic } = await bench();
      ipv6SetConf(host.kernel.initNet, 'eth1', name, value);
      lab.receive(nic, advertisement(prefix('2001:db8:5::', 100, 50)));
      await lab.advance(1e9);
      expect(routes(host, 254)).toEqual(['1 fe80::/64 dev eth1 proto 2 metric 256']);
    }
    const { lab, host, nic } = await bench();
    lab.receive(nic, advertisement(prefix('2001:db8:5::', 100, 50), 1800, 64));
    await lab.advance(1e9);
    expect(routes(host, 254)).toEqual(['1 fe80::/64 dev eth1 proto 2 metric 256']);
  });
});

describe('multicast listener discovery', () => {
  it('answers a general query with all groups within its time', async () => {
    const { lab, nic, sent } = await bench({ addresses: ['2001:db8::7/64'] });
    sent();
    const query = icmp6(PEER_LL, 'ff02::1', 130, 0, [
      0x03,
      0xe8,
      0,
      0,
      ...new Array<number>(16).fill(0),
      2,
      125,
      0,
      0,
    ]);
    lab.receive(
      nic,
      ip6Frame({
        to: '33:33:00:00:00:01',
        from: PEER,
        src: PEER_LL,
        dst: 'ff02::1',
        next: 0,
        hop: 1,
        payload: Uint8Array.from([58, 0, 5, 2, 0, 0, 1, 0, ...query]),
      }),
    );
    await lab.advance(1.1e9);
    expect(sent()).toEqual([
      `${OWN_LL} > ff02::16 hop 1 hbh icmp6 143/0 2:ff02::1:ff00:7 2:ff02::1:ff00:1`,
    ]);
  });
});
