/**
 * ARP as seen on the wire: who answers which request, who learns what from whom, and what the sysctls change.
 */
import { Nud } from '@netloom/sys';
import { formatIpv4, formatMac } from '@netloom/base';
import { devClose, devOpen } from '@netloom/kernel-core';
import { arpCreate, arpLookup, ipv4SetConf, type Ipv4ConfName } from '@netloom/kernel-inet';
import type { Nic, Wire } from '@netloom/kernel-drivers';
import type { Host } from './host.js';
import { arp, eth, ETHER_BROADCAST, fill, icmp, ip4, ipv4 } from './spec-frames.js';
import { SpecLab, sysctl, watch, type SeenFrame } from './spec-lab.js';

const ME = '02:00:00:00:01:02';
const YOU = '02:00:00:00:01:01';
const ZERO = '00:00:00:00:00:00';
const NUD = Object.fromEntries(Object.entries(Nud).map(([name, value]) => [value, name.slice(4)]));

/** `who-has TIP tell SIP`, `SIP is-at SHA`, each with its Ethernet destination where that is no broadcast. */
function show({ bytes }: SeenFrame): string {
  const dv = new DataView(bytes.buffer, bytes.byteOffset);
  const sip = formatIpv4(dv.getUint32(28));
  const to = formatMac(bytes) === ETHER_BROADCAST ? '' : ` to ${formatMac(bytes)}`;
  return dv.getUint16(20) === 1
    ? `who-has ${formatIpv4(dv.getUint32(38))} tell ${sip}${to}`
    : `${sip} is-at ${formatMac(bytes, 22)}${to}`;
}

class Bench {
  readonly lab = new SpecLab();
  readonly host: Host = this.lab.host('h');
  readonly card: Nic = this.lab.nic(this.host, 'e0', ME, ['10.1.0.2/24', '10.1.0.3/24']);
  readonly other: Nic = this.lab.nic(this.host, 'e1', '02:00:00:00:02:01', ['10.2.0.1/24']);
  readonly wire: Wire;
  private readonly seen: SeenFrame[];

  constructor() {
    const far = this.lab.nic(this.lab.host('silent'), 'e0', YOU);
    ipv4SetConf(far.dev.net, 'all', 'arp_ignore', 8);
    this.wire = this.lab.wire(this.card, far, {}, 'w');
    this.lab.wire(
      this.other,
      this.lab.nic(this.lab.host('silent2'), 'e0', '02:00:00:00:02:02'),
      {},
      'v',
    );
    this.seen = watch(this.wire, 'a');
  }

  get net() {
    return this.host.kernel.initNet;
  }

  conf(name: Ipv4ConfName, value: number, dev = 'e0'): void {
    ipv4SetConf(this.net, dev, name, value);
  }

  receive(
    op: number,
    sha: string,
    sip: string,
    tha: string,
    tip: string,
    dst = ETHER_BROADCAST,
  ): string[] {
    this.lab.receive(this.card, eth(dst, sha, 0x806, arp(op, sha, sip, tha, tip)));
    this.advance(1e6);
    return this.take();
  }

  take(): string[] {
    return this.seen
      .splice(0)
      .filter(({ bytes }) => bytes[12] === 8 && bytes[13] === 6)
      .map(show);
  }

  advance(ns: number): void {
    this.lab.engine.advance(this.lab.engine.now + ns);
  }

  neigh(address: string): string {
    const found = arpLookup(this.card.dev, ip4(address));
    return found === undefined ? 'none' : `${NUD[found.nudState]} ${formatMac(found.lladdr)}`;
  }

  /** Makes the host send a packet to an address. */
  ping(to: string): void {
    const sk = this.host.kernel.modules.createSock(this.net, 2, 3, 1);
    sk.sendmsg(icmp(8, 0, 1, fill(8)), {
      flags: 0,
      to: { family: 'inet', addr: ip4(to), port: 0 },
    });
    sk.release();
  }
}

describe('ARP', () => {
  let bench: Bench;

  beforeEach(() => {
    bench = new Bench();
  });

  afterEach(async () => {
    await bench.lab.advance(120e9);
    expect(bench.lab.pool.live).toBe(0);
  });

  it('answers for its addresses and learns who asks', () => {
    expect(bench.receive(1, YOU, '10.1.0.1', ZERO, '10.1.0.2')).toEqual([
      `10.1.0.2 is-at ${ME} to ${YOU}`,
    ]);
    expect(bench.receive(1, YOU, '10.1.0.1', ZERO, '10.1.0.3')).toEqual([
      `10.1.0.3 is-at ${ME} to ${YOU}`,
    ]);
    expect(bench.neigh('10.1.0.1')).toBe(`STALE ${YOU}`);
  });

  it('answers for addresses of its other cards too, but not for strangers', () => {
    expect(bench.receive(1, YOU, '10.1.0.1', ZERO, '10.2.0.1')).toEqual([
      `10.2.0.1 is-at ${ME} to ${YOU}`,
    ]);
    expect(bench.receive(1, YOU, '10.1.0.1', ZERO, '10.1.0.77')).toEqual([]);
    expect(bench.receive(1, YOU, '10.1.0.1', ZERO, '127.0.0.1')).toEqual([]);
    expect(bench.receive(1, YOU, '10.1.0.1', ZERO, '224.0.0.1')).toEqual([]);
  });

  it('answers an address probe and learns nothing (RFC 5227 §2.1.1)', () => {
    expect(bench.receive(1, YOU, '0.0.0.0', ZERO, '10.1.0.2')).toEqual([
      `10.1.0.2 is-at ${ME} to ${YOU}`,
    ]);
    expect(bench.receive(1, YOU, '0.0.0.0', ZERO, '10.1.0.77')).toEqual([]);
    expect(bench.neigh('0.0.0.0')).toBe('none');
  });

  it('ignores answers nobody asked for', () => {
    bench.receive(2, YOU, '10.1.0.1', ME, '10.1.0.2', ME);
    bench.receive(1, YOU, '10.1.0.1', ZERO, '10.1.0.1');
    expect(bench.neigh('10.1.0.1')).toBe('none');
    bench.conf('arp_accept', 1);
    bench.receive(1, YOU, '10.1.0.1', ZERO, '10.1.0.1');
    expect(bench.neigh('10.1.0.1')).toBe(`STALE ${YOU}`);
  });

  it('an announcement updates what is known at once, a mere answer not within locktime', () => {
    const moved = '02:00:00:00:01:99';
    bench.receive(1, YOU, '10.1.0.1', ZERO, '10.1.0.2');
    bench.receive(2, moved, '10.1.0.1', ME, '10.1.0.2', ME);
    expect(bench.neigh('10.1.0.1')).toBe(`STALE ${YOU}`);
    bench.receive(1, moved, '10.1.0.1', ZERO, '10.1.0.1');
    expect(bench.neigh('10.1.0.1')).toBe(`STALE ${moved}`);
    bench.receive(2, YOU, '10.1.0.1', YOU, '10.1.0.1');
    expect(bench.neigh('10.1.0.1')).toBe(`STALE ${YOU}`);
    bench.advance(1.1e9);
    bench.receive(2, moved, '10.1.0.1', ME, '10.1.0.2', ME);
    expect(bench.neigh('10.1.0.1')).toBe(`REACHABLE ${moved}`);
    bench.conf('drop_gratuitous_arp', 1);
    bench.advance(2e9);
    bench.receive(1, YOU, '10.1.0.1', ZERO, '10.1.0.1');
    expect(bench.neigh('10.1.0.1')).toBe(`REACHABLE ${moved}`);
  });

  it('asks three times, a second apart, and delivers what waited to the answer', () => {
    bench.ping('10.1.0.1');
    bench.advance(1.5e9);
    expect(bench.take()).toEqual([
      'who-has 10.1.0.1 tell 10.1.0.2',
      'who-has 10.1.0.1 tell 10.1.0.2',
    ]);
    expect(bench.neigh('10.1.0.1')).toContain('INCOMPLETE');
    bench.receive(2, YOU, '10.1.0.1', ME, '10.1.0.2', ME);
    expect(bench.neigh('10.1.0.1')).toBe(`REACHABLE ${YOU}`);
    expect(bench.wire.a.stats.frames).toBe(3);
    bench.ping('10.1.0.9');
    bench.advance(10e9);
    expect([bench.take().length, bench.neigh('10.1.0.9')]).toEqual([3, 'FAILED 00:00:00:00:00:00']);
  });

  it('checks a stale neighbour at its own address first', () => {
    bench.receive(1, YOU, '10.1.0.1', ZERO, '10.1.0.2');
    bench.ping('10.1.0.1');
    bench.advance(5.5e9);
    expect(bench.take()).toEqual([`who-has 10.1.0.1 tell 10.1.0.2 to ${YOU}`]);
  });

  it.each([
    [0, [1, 1, 1]],
    [1, [1, 1, 0]],
    [2, [1, 0, 0]],
    [3, [1, 1, 1]],
    [8, [0, 0, 0]],
  ])('arp_ignore %i', (mode, expected) => {
    bench.conf('arp_ignore', mode);
    const answers = [
      bench.receive(1, YOU, '10.1.0.1', ZERO, '10.1.0.2'), // ours, from its subnet
      bench.receive(1, YOU, '10.9.0.1', ZERO, '10.1.0.2'), // ours, from elsewhere
      bench.receive(1, YOU, '10.1.0.1', ZERO, '10.2.0.1'), // the other card's
    ].map((frames) => frames.length);
    expect(answers).toEqual(expected);
  });

  it('arp_filter answers only where the way back leads', () => {
    bench.conf('arp_filter', 1);
    expect(bench.receive(1, YOU, '10.1.0.1', ZERO, '10.1.0.2')).toHaveLength(1);
    expect(bench.receive(1, YOU, '10.2.0.9', ZERO, '10.1.0.2')).toEqual([]);
  });

  it.each([
    [0, 'tell 10.2.0.1'],
    [1, 'tell 10.1.0.2'],
    [2, 'tell 10.1.0.2'],
  ])('arp_announce %i: a packet from 10.2.0.1 asks with %s', (mode, expected) => {
    bench.conf('arp_announce', mode);
    const sk = bench.host.kernel.modules.createSock(bench.net, 2, 2, 0);
    sk.bind({ family: 'inet', addr: ip4('10.2.0.1'), port: 0 });
    sk.sendmsg(fill(1), { flags: 0, to: { family: 'inet', addr: ip4('10.1.0.1'), port: 9 } });
    bench.advance(1e6);
    expect(bench.take()).toEqual([`who-has 10.1.0.1 ${expected}`]);
    sk.release();
  });

  it('proxy_arp answers for what it would forward elsewhere, at random within its delay', async () => {
    bench.conf('forwarding', 1, 'all');
    const ask = (tip: string, dst?: string): void => {
      bench.lab.receive(
        bench.card,
        eth(dst ?? ETHER_BROADCAST, YOU, 0x806, arp(1, YOU, '10.1.0.1', ZERO, tip)),
      );
    };
    const answer = `10.2.0.9 is-at ${ME} to ${YOU}`;
    ask('10.2.0.9');
    bench.advance(1e9);
    expect(bench.take()).toEqual([]);
    bench.conf('proxy_arp', 1);
    ask('10.2.0.9');
    ask('10.1.0.9'); // on this very link: not its business
    bench.advance(1e6);
    expect(bench.take()).toEqual([]);
    bench.advance(0.8e9);
    expect(bench.take()).toEqual([answer]);
    ask('10.2.0.9', ME); // asked directly
    bench.advance(0);
    expect(bench.take()).toEqual([answer]);
    await bench.lab.run(bench.host, sysctl('net/ipv4/neigh/e0/proxy_delay', 0));
    ask('10.2.0.9');
    bench.advance(0);
    expect(bench.take()).toEqual([answer]);
    expect(bench.neigh('10.1.0.1')).toBe(`STALE ${YOU}`);
  });

  it('forgets neighbours with the link, keeps permanent ones', () => {
    bench.receive(1, YOU, '10.1.0.1', ZERO, '10.1.0.2');
    const fixed = arpCreate(bench.card.dev, ip4('10.1.0.5'));
    fixed?.update({ hi: 0x0200, lo: 5 }, Nud.NUD_PERMANENT, 0x80000001);
    devClose(bench.card.dev);
    devOpen(bench.card.dev);
    expect([bench.neigh('10.1.0.1'), bench.neigh('10.1.0.5')]).toEqual([
      'none',
      'PERMANENT 02:00:00:00:00:05',
    ]);
  });

  it('has no use for other hardware, other protocols, cut packets, or frames of others', () => {
    const good = arp(1, YOU, '10.1.0.1', ZERO, '10.1.0.2');
    const bad: Uint8Array[] = [good.subarray(0, 20)];
    for (const [at, value] of [
      [1, 9],
      [2, 9],
      [4, 8],
      [5, 16],
      [7, 3],
    ] as const)
      bad.push(Uint8Array.from(good, (byte, i) => (i === at ? value : byte)));
    for (const packet of bad)
      bench.lab.receive(bench.card, eth(ETHER_BROADCAST, YOU, 0x806, packet));
    bench.lab.receive(bench.card, eth(ME, YOU, 0x806, ipv4('10.1.0.1', '10.1.0.2', 1, fill(8))));
    bench.advance(1e6);
    expect([bench.take(), bench.neigh('10.1.0.1')]).toEqual([[], 'none']);
  });
});
