import { Drill } from './drill.js';
import { Bench, connectPair, SEC } from './testing.js';
import type { TcpStreamSock } from './tcp.js';

const data = (n: number): Uint8Array => new Uint8Array(n).fill(0x62);
const ECN_ON = { tcp_ecn: '1' };

/** A connection that agreed on ECN, accepted by the host. */
function agreed(): { d: Drill; sk: TcpStreamSock } {
  const d = new Drill('listen');
  d.in('SEW 0:0(0) win 65535 <mss 1000,sackOK,nop,nop,nop,wscale 0>');
  expect(d.out()).toEqual(['S.E 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 7>']);
  d.run(20).in('. 1:1(0) ack 1 win 65535');
  return { d, sk: d.accept() };
}

describe('agreeing on ECN (RFC 3168 §6.1.1)', () => {
  it('asks where the sysctl says so, and not by default', () => {
    expect(new Drill('connect').out()[0]).toMatch(/^S 0:0/);
    const d = new Drill('connect', ECN_ON);
    expect(d.out()[0]).toMatch(/^SEW 0:0/);
    d.in('S.E 0:0(0) ack 1 win 5000 <mss 1000>');
    expect(d.out()).toEqual(['. 1:1(0) ack 1']);
    d.sk.sendmsg(data(10), { flags: 0 });
    expect(d.out()).toEqual(['[ect0] P. 1:11(10) ack 1']);
  });

  it.each([['S. 0:0(0) ack 1 win 5000'], ['S.EW 0:0(0) ack 1 win 5000']])(
    'takes %s for a no',
    (answer) => {
      const d = new Drill('connect', ECN_ON);
      d.in(answer);
      d.out();
      d.sk.sendmsg(data(10), { flags: 0 });
      expect(d.out()).toEqual(['P. 1:11(10) ack 1']);
    },
  );

  it('repeats its SYN without ECN', () => {
    const d = new Drill('connect', ECN_ON);
    d.run(1000);
    expect(d.out().map((line) => line.split(' ')[0])).toEqual(['SEW', 'S']);
    const stubborn = new Drill('connect', { ...ECN_ON, tcp_ecn_fallback: '0' });
    stubborn.run(1000);
    expect(stubborn.out().map((line) => line.split(' ')[0])).toEqual(['SEW', 'SEW']);
  });

  it('refuses where it is off, and a SYN that is itself ECT', () => {
    const off = new Drill('listen', { tcp_ecn: '0' });
    off.in('SEW 0:0(0) win 65535 <mss 1000>');
    expect(off.out()[0]).toMatch(/^S\. 0:0/);
    const ect = new Drill('listen');
    ect.in('[ect0] SEW 0:0(0) win 65535 <mss 1000>');
    expect(ect.out()[0]).toMatch(/^S\. 0:0/);
  });
});

describe('marks', () => {
  it('echoes CE until CWR comes', () => {
    const { d, sk } = agreed();
    d.in('[ect0] . 1:1001(1000) ack 1 win 65535');
    expect(d.out()).toEqual(['. 1:1(0) ack 1001']);
    d.in('[ce] . 1001:2001(1000) ack 1 win 65535');
    d.in('[ect0] . 2001:3001(1000) ack 1 win 65535').run(60);
    expect(new Set(d.out().map((line) => line.split(' ')[0]))).toEqual(new Set(['.E']));
    d.in('[ect0] .W 3001:4001(1000) ack 1 win 65535');
    expect(d.out()).toEqual(['. 1:1(0) ack 4001']);
    expect(sk.diag().tcpInfo?.['options']).toBe(4 | 2 | 8 | 16); // wscale, SACK, ecn, ecnseen
    expect(d.bench.mib('a', 'IpExtInCEPkts')).toBe(1);
    expect(d.bench.mib('a', 'IpExtInECT0Pkts')).toBe(3);
  });

  it('halves once for an echo, and says so with the next new data', () => {
    const { d, sk } = agreed();
    sk.sendmsg(data(20000), { flags: 0 });
    expect(d.out().length).toBe(10);
    d.run(20).in('.E 1:1(0) ack 2001 win 65535');
    expect(d.bench.mib('a', 'TcpExtTCPDeliveredCE')).toBe(2);
    expect(sk.sndSsthresh).toBe(7); // cubic: 10 × 717/1024
    d.in('.E 1:1(0) ack 4001 win 65535', '.E 1:1(0) ack 6001 win 65535');
    const sent = d.out();
    expect(sent[0]).toMatch(/^\[ect0\] \.W 10001:11001/);
    expect(sent.slice(1).every((line) => line.startsWith('[ect0] . '))).toBe(true);
    expect(sk.sndSsthresh).toBe(7); // one reduction a window
  });

  it('sends retransmissions and pure ACKs without ECT', () => {
    const { d, sk } = agreed();
    sk.sendmsg(data(1000), { flags: 0 });
    d.run(400);
    const lines = d.out();
    expect(lines[0]).toBe('[ect0] P. 1:1001(1000) ack 1');
    expect(lines[1]).toBe('P. 1:1001(1000) ack 1');
    d.in('[ect0] . 1:101(100) ack 1001 win 65535').run(100);
    expect(d.out()).toEqual(['. 1001:1001(0) ack 101']);
  });
});

describe('DCTCP', () => {
  it('keeps its window where few segments are marked', () => {
    const bench = new Bench(['a', 'b'], { delayNs: 500_000, rate: 100e6, limit: 2000 });
    for (const host of ['a', 'b']) {
      bench.sysctl(host, 'ipv4/tcp_ecn', '1');
      bench.sysctl(host, 'ipv4/tcp_congestion_control', 'dctcp');
    }
    const { client, server } = connectPair(bench);
    expect(client.tos & 3).toBe(2);
    client.sendmsg(data(100_000), { flags: 0 });
    bench.run(SEC);
    server.recvmsg(200_000, 0);
    const info = client.diag().ccInfo;
    expect(info).toMatchObject({ enabled: 1, ce_state: 0 });
    expect(info?.['alpha']).toBeLessThan(1024); // decays from its cautious start
  });

  it('is reno without ECN', () => {
    const bench = new Bench(['a', 'b'], { delayNs: 500_000 });
    bench.sysctl('b', 'ipv4/tcp_ecn', '0');
    bench.sysctl('a', 'ipv4/tcp_congestion_control', 'dctcp');
    const { client } = connectPair(bench);
    expect(client.diag()).toMatchObject({ congestion: 'dctcp', ccInfo: { enabled: 0 } });
    expect(client.getsockopt('IP_TOS')).toBe(0);
  });
});
