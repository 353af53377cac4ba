/**
 * IGMP of a host: reports on joining and leaving, answers to queries of each version, other hosts' reports, source filters,
 * and which sockets a group's packets reach. Expectations read off a Linux kernel.
 */
import type { Sock } from '@netloom/kernel-core';
import { AF_INET, SOCK_DGRAM, type SockOpt } from '@netloom/sys';
import type { Host } from './host.js';
import { checksum, eth, ip4, ipv4 } from './spec-frames.js';
import { SpecLab, sysctl, watch, type SeenFrame } from './spec-lab.js';

const GROUP = '239.1.2.3';
const ALL_HOSTS_MAC = '01:00:5e:00:00:01';
const OTHER_MAC = '02:00:00:00:01:02';
const IGMP = 2;

class Bench {
  readonly lab = new SpecLab();
  readonly a: Host = this.lab.host('a');
  readonly b: Host = this.lab.host('b');
  readonly nic = this.lab.nic(this.a, 'e0', '02:00:00:00:01:01', ['10.1.0.1/24']);
  readonly wire = this.lab.wire(
    this.nic,
    this.lab.nic(this.b, 'e0', OTHER_MAC, ['10.1.0.2/24']),
    {},
  );
  private readonly frames: SeenFrame[] = watch(this.wire, 'a');

  socket(port?: number): Sock {
    const { kernel } = this.a;
    const sk = kernel.modules.createSock(kernel.initNet, AF_INET, SOCK_DGRAM, 0);
    if (port !== undefined) {
      sk.setsockopt('SO_REUSEADDR', 1);
      expect(sk.bind({ family: 'inet', addr: 0, port })).toBe(0);
    }
    return sk;
  }

  go(ns: number): void {
    this.lab.engine.advance(this.lab.engine.now + ns);
  }

  /** The IGMP messages since the last time, told briefly. */
  said(): string[] {
    return this.frames
      .splice(0)
      .filter(({ bytes }) => bytes[12] === 8 && bytes[13] === 0 && bytes[23] === IGMP)
      .map(({ bytes }) => {
        expect([bytes[14], bytes[15], bytes[22]]).toEqual([0x46, 0xc0, 1]); // router alert, precedence, TTL
        expect([...bytes.subarray(34, 38)]).toEqual([0x94, 4, 0, 0]);
        const message = bytes.subarray(38, 14 + (((bytes[16] ?? 0) << 8) | (bytes[17] ?? 0)));
        expect(checksum(message)).toBe(0);
        return `${dotted(bytes, 30)} ${describeMessage(message)}`;
      });
  }

  /** An IGMP message from the other side. */
  hear(dst: string, message: readonly number[], mac = ALL_HOSTS_MAC): void {
    const bytes = Uint8Array.from(message);
    new DataView(bytes.buffer).setUint16(2, checksum(bytes));
    this.lab.receive(
      this.nic,
      eth(mac, OTHER_MAC, 0x800, ipv4('10.1.0.2', dst, IGMP, bytes, { ttl: 1 })),
    );
  }

  query(version: 1 | 2 | 3, group = '0.0.0.0', sources: readonly string[] = []): void {
    const head = [0x11, version === 1 ? 0 : 20, 0, 0, ...octets(group)];
    const tail = [2, 125, 0, sources.length, ...sources.flatMap(octets)];
    this.hear('224.0.0.1', version === 3 ? [...head, ...tail] : head);
  }
}

const octets = (text: string): number[] => text.split('.').map(Number);

function dotted(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 4).join('.');
}

const RECORDS = ['', 'is_in', 'is_ex', 'to_in', 'to_ex', 'allow', 'block'];

function describeMessage(message: Uint8Array): string {
  const type = message[0] ?? 0;
  if (type !== 0x22) return `${type.toString(16)} ${dotted(message, 4)}`;
  let at = 8;
  const records: string[] = [];
  for (let i = 0; i < (message[7] ?? 0); i++) {
    const count = message[at + 3] ?? 0;
    const sources = Array.from({ length: count }, (_, n) => dotted(message, at + 8 + n * 4));
    records.push(
      `${dotted(message, at + 4)} ${RECORDS[message[at] ?? 0] ?? ''} {${sources.join()}}`,
    );
    at += 8 + count * 4;
  }
  expect(at).toBe(message.length);
  return `v3 ${records.join(' ')}`;
}

const join = (sk: Sock, option: SockOpt, ...rest: readonly string[]): number =>
  sk.setsockopt(option, [ip4(GROUP), ...rest.map((text) => (text === '' ? 0 : ip4(text)))]);

const membership = (sk: Sock, group: string, add = true): number =>
  sk.setsockopt(add ? 'IP_ADD_MEMBERSHIP' : 'IP_DROP_MEMBERSHIP', [ip4(group), 0, ip4('10.1.0.1')]);

describe('IGMP', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
    bench.go(10e9);
    bench.said();
  });

  test('joining and leaving are told twice, to the routers of version 3', () => {
    const sk = bench.socket();
    expect(membership(sk, GROUP)).toBe(0);
    bench.go(20e6);
    expect(bench.said()).toEqual([`224.0.0.22 v3 ${GROUP} to_ex {}`]);
    bench.go(5e9);
    expect(bench.said()).toEqual([`224.0.0.22 v3 ${GROUP} to_ex {}`]);
    expect(membership(sk, GROUP)).toBe(-98); // EADDRINUSE
    const other = bench.socket();
    expect(membership(other, GROUP)).toBe(0);
    sk.release();
    bench.go(5e9);
    expect(bench.said()).toEqual([]); // somebody still listens
    other.release();
    bench.go(5e9);
    expect(bench.said()).toEqual([
      `224.0.0.22 v3 ${GROUP} to_in {}`,
      `224.0.0.22 v3 ${GROUP} to_in {}`,
    ]);
  });

  test('general and group queries are answered with what is listened to, within the time they allow', () => {
    const sk = bench.socket();
    membership(sk, GROUP);
    membership(sk, '239.9.9.9');
    bench.go(10e9);
    bench.said();
    bench.query(3);
    bench.go(2.1e9);
    expect(bench.said()).toEqual([`224.0.0.22 v3 239.9.9.9 is_ex {} ${GROUP} is_ex {}`]);
    bench.query(3, '239.9.9.9');
    bench.go(4e9); // twice: what a new group says of its own accord is still owed
    expect(bench.said()).toEqual(Array(2).fill('224.0.0.22 v3 239.9.9.9 is_ex {}'));
    bench.query(3, '239.9.9.9');
    bench.go(4e9);
    expect(bench.said()).toEqual(['224.0.0.22 v3 239.9.9.9 is_ex {}']);
    bench.query(3, '239.7.7.7');
    bench.go(10e9);
    expect(bench.said()).toEqual([]);
    sk.release();
  });

  test('a router of version 2 is spoken to in its language; somebody else’s report silences ours', () => {
    const sk = bench.socket();
    membership(sk, GROUP);
    bench.go(10e9);
    bench.said();
    bench.query(2);
    bench.go(2.1e9);
    expect(bench.said()).toEqual([`${GROUP} 16 ${GROUP}`]);
    bench.query(2);
    bench.hear(GROUP, [0x16, 0, 0, 0, ...octets(GROUP)], '01:00:5e:01:02:03');
    bench.go(5e9);
    expect(bench.said()).toEqual([]);
    membership(sk, GROUP, false);
    bench.go(5e9);
    expect(bench.said()).toEqual([]); // the other one reported last
    membership(sk, GROUP);
    bench.go(25e9);
    expect(bench.said()).toEqual([`${GROUP} 16 ${GROUP}`, `${GROUP} 16 ${GROUP}`]);
    membership(sk, GROUP, false);
    bench.go(1e9);
    expect(bench.said()).toEqual([`224.0.0.2 17 ${GROUP}`]);
    bench.go(300e9); // the router is forgotten
    membership(sk, GROUP);
    bench.go(5e9);
    expect(bench.said()[0]).toBe(`224.0.0.22 v3 ${GROUP} to_ex {}`);
    sk.release();
  });

  test('a router of version 1 hears reports and no leaves', () => {
    const sk = bench.socket();
    membership(sk, GROUP);
    bench.go(10e9);
    bench.said();
    bench.query(1);
    bench.go(25e9);
    expect(bench.said()).toEqual(Array(2).fill(`${GROUP} 12 ${GROUP}`));
    sk.release();
    bench.go(5e9);
    expect(bench.said()).toEqual([]);
  });

  test('force_igmp_version and igmp_link_local_mcast_reports', async () => {
    await bench.lab.run(bench.a, sysctl('net/ipv4/conf/e0/force_igmp_version', 2));
    await bench.lab.run(bench.a, sysctl('net/ipv4/igmp_link_local_mcast_reports', 0));
    bench.said();
    const sk = bench.socket();
    membership(sk, '224.0.0.251');
    membership(sk, GROUP);
    bench.go(25e9);
    expect(bench.said()).toEqual([`${GROUP} 16 ${GROUP}`, `${GROUP} 16 ${GROUP}`]);
    sk.release();
  });

  test('sources wanted and refused', () => {
    const sk = bench.socket(5000);
    expect(join(sk, 'IP_ADD_SOURCE_MEMBERSHIP', '10.1.0.1', '10.1.0.2')).toBe(0);
    bench.go(5e9);
    expect(bench.said()).toEqual(Array(2).fill(`224.0.0.22 v3 ${GROUP} allow {10.1.0.2}`));
    expect(join(sk, 'IP_ADD_SOURCE_MEMBERSHIP', '10.1.0.1', '10.1.0.7')).toBe(0);
    bench.go(5e9);
    expect(bench.said()).toEqual(Array(2).fill(`224.0.0.22 v3 ${GROUP} allow {10.1.0.7}`));
    bench.query(3);
    bench.go(2.1e9);
    expect(bench.said()).toEqual([`224.0.0.22 v3 ${GROUP} is_in {10.1.0.2,10.1.0.7}`]);
    expect(join(sk, 'IP_DROP_SOURCE_MEMBERSHIP', '10.1.0.1', '10.1.0.7')).toBe(0);
    bench.go(5e9);
    expect(bench.said()).toEqual(Array(2).fill(`224.0.0.22 v3 ${GROUP} block {10.1.0.7}`));
    const other = bench.socket(5000);
    expect(membership(other, GROUP)).toBe(0);
    bench.go(5e9);
    expect(bench.said()).toEqual(Array(2).fill(`224.0.0.22 v3 ${GROUP} to_ex {}`));
    expect(join(other, 'IP_BLOCK_SOURCE', '10.1.0.1', '10.1.0.9')).toBe(0);
    bench.go(5e9);
    expect(bench.said()).toEqual(Array(2).fill(`224.0.0.22 v3 ${GROUP} block {10.1.0.9}`));
    expect(join(other, 'IP_BLOCK_SOURCE', '10.1.0.1', '10.1.0.9')).toBe(-99); // EADDRNOTAVAIL
    expect(join(sk, 'IP_UNBLOCK_SOURCE', '10.1.0.1', '10.1.0.9')).toBe(-22);
    sk.release();
    other.release();
  });

  test('a packet reaches every socket that wants it, and none that does not', () => {
    const wants = bench.socket(5000);
    const picky = bench.socket(5000);
    const elsewhere = bench.socket(5000);
    const selfish = bench.socket(5000);
    membership(wants, GROUP);
    join(picky, 'IP_ADD_SOURCE_MEMBERSHIP', '10.1.0.1', '10.1.0.9');
    selfish.setsockopt('IP_MULTICAST_ALL', 0);
    const udp = Uint8Array.from([0x30, 0x39, 0x13, 0x88, 0, 10, 0, 0, 1, 2]);
    const send = (from: string): void => {
      bench.lab.receive(
        bench.nic,
        eth('01:00:5e:01:02:03', OTHER_MAC, 0x800, ipv4(from, GROUP, 17, udp, {})),
      );
      bench.go(1e6);
    };
    const counts = (): number[] =>
      [wants, picky, elsewhere, selfish].map((sk) => sk.receiveQueue.length);
    send('10.1.0.2');
    expect(counts()).toEqual([1, 0, 1, 0]);
    send('10.1.0.9');
    expect(counts()).toEqual([2, 1, 2, 0]);
    membership(wants, GROUP, false);
    send('10.1.0.2'); // nobody of this host wants that source
    expect(counts()).toEqual([2, 1, 2, 0]);
    for (const sk of [wants, picky, elsewhere, selfish]) sk.release();
  });

  test('no more than igmp_max_memberships groups and igmp_max_msf sources', () => {
    const sk = bench.socket();
    for (let i = 1; i <= 20; i++) expect(membership(sk, `239.0.0.${i}`)).toBe(0);
    expect(membership(sk, '239.0.0.21')).toBe(-105); // ENOBUFS
    sk.release();
    const other = bench.socket();
    for (let i = 1; i <= 10; i++)
      expect(join(other, 'IP_ADD_SOURCE_MEMBERSHIP', '10.1.0.1', `10.1.0.${i + 10}`)).toBe(0);
    expect(join(other, 'IP_ADD_SOURCE_MEMBERSHIP', '10.1.0.1', '10.1.0.99')).toBe(-105);
    other.release();
  });
});
