/**
 * How often a router says no: the limits of ICMP errors by destination and by namespace, of missing routes and of
 * redirects. The first rows' counts are those of Linux 6.18 after the same bursts.
 */
import type { Nic, Wire } from '@netloom/kernel-drivers';
import { fibNewRoute, ipv4SetConf } from '@netloom/kernel-inet';
import type { Host } from './host.js';
import { eth, fill, icmp, ip4, ipv4, udp } from './spec-frames.js';
import { SpecLab, sysctl, watch } from './spec-lab.js';

const A = '10.1.0.1';
const FAR = '10.2.0.2';

class Bench {
  readonly lab = new SpecLab();
  readonly router: Host = this.lab.host('b');
  readonly card: Nic;
  readonly wire: Wire;

  constructor() {
    const nicA = this.lab.nic(this.lab.host('a'), 'e0', '02:00:00:00:01:01', [
      '10.1.0.1/24',
      '10.1.0.50/24',
      '10.1.0.51/24',
    ]);
    this.card = this.lab.nic(this.router, 'e0', '02:00:00:00:01:02', ['10.1.0.2/24']);
    this.wire = this.lab.wire(nicA, this.card, {}, 'a');
    const other = this.lab.nic(this.router, 'e1', '02:00:00:00:02:01', ['10.2.0.1/24']);
    this.lab.wire(
      other,
      this.lab.nic(this.lab.host('c'), 'e0', '02:00:00:00:02:02', ['10.2.0.2/24']),
      {},
      'c',
    );
    ipv4SetConf(this.router.kernel.initNet, 'all', 'forwarding', 1);
  }

  /** Receives `count` copies at once; the number of ICMP messages of a type that come back within 10 ms. */
  burst(packet: Uint8Array, count: number, type: number): number {
    const seen = watch(this.wire, 'z');
    for (let i = 0; i < count; i++)
      this.lab.receive(this.card, eth('02:00:00:00:01:02', '02:00:00:00:01:01', 0x800, packet));
    this.lab.engine.advance(this.lab.engine.now + 10e6);
    return seen.filter(({ bytes }) => bytes[23] === 1 && bytes[34] === type).length;
  }
}

const expired = (src: string): Uint8Array =>
  ipv4(src, FAR, 17, udp(src, FAR, 5, 9, fill(8)), { ttl: 1 });

describe('ICMP errors', () => {
  it('six at once to one host, then one a second', () => {
    const bench = new Bench();
    expect(bench.burst(expired(A), 20, 11)).toBe(6);
    const rates: number[] = [];
    for (let second = 0; second < 3; second++) {
      bench.lab.engine.advance(bench.lab.engine.now + 0.99e9);
      rates.push(bench.burst(expired(A), 5, 11));
    }
    expect(rates).toEqual([1, 1, 1]);
  });

  it('another host has a bucket of its own', () => {
    const bench = new Bench();
    bench.burst(expired(A), 20, 11);
    expect(bench.burst(expired('10.1.0.50'), 20, 11)).toBe(6);
  });

  it('about missing routes two at once: a report costs two tokens out of five', () => {
    const bench = new Bench();
    const lost = ipv4(
      '10.1.0.50',
      '192.168.55.5',
      17,
      udp('10.1.0.50', '192.168.55.5', 5, 9, fill(8)),
    );
    expect(bench.burst(lost, 20, 3)).toBe(2);
  });

  it('redirects: one at once, twice the wait after each, none after nine', () => {
    const bench = new Bench();
    const detour = ipv4('10.1.0.51', '10.1.0.77', 17, udp('10.1.0.51', '10.1.0.77', 5, 9, fill(8)));
    expect(bench.burst(detour, 20, 5)).toBe(1);
    const times: number[] = [];
    const start = bench.lab.engine.now;
    for (let i = 0; i < 2200; i++)
      if (bench.burst(detour, 1, 5) > 0)
        times.push(Math.round((bench.lab.engine.now - start) / 10e6));
    expect(times.length).toBeGreaterThanOrEqual(6);
    expect(times.length).toBeLessThanOrEqual(8);
    for (let i = 1; i < times.length; i++)
      expect((times[i] as number) - (times[i - 1] as number)).toBeGreaterThanOrEqual(4 * 2 ** i);
  });

  it("no limit with icmp_ratelimit 0 but the namespace's", async () => {
    const bench = new Bench();
    await bench.lab.run(bench.router, sysctl('net/ipv4/icmp_ratelimit', 0));
    expect(bench.burst(expired(A), 60, 11)).toBe(50);
  });

  it('none about types that icmp_ratemask leaves out', async () => {
    const bench = new Bench();
    await bench.lab.run(bench.router, sysctl('net/ipv4/icmp_ratemask', 0));
    expect(bench.burst(expired(A), 60, 11)).toBe(60);
  });

  it('answers to echo requests are not limited', () => {
    const bench = new Bench();
    expect(bench.burst(ipv4(A, '10.1.0.2', 1, icmp(8, 0, 1, fill(8))), 200, 0)).toBe(200);
  });

  it('a router without a route for the sender stays silent', () => {
    const bench = new Bench();
    expect(bench.burst(expired('172.16.0.1'), 3, 11)).toBe(0);
    fibNewRoute(bench.router.kernel.initNet, {
      family: 2,
      dst: ip4('172.16.0.0'),
      dstLen: 16,
      nexthops: [{ via: ip4(A) }],
      mode: 'add',
    });
    expect(bench.burst(expired('172.16.0.1'), 3, 11)).toBe(3);
  });
});
