import { Bench, connectPair, drain, SEC, MS } from './testing.js';

const data = (n: number): Uint8Array => new Uint8Array(n).fill(0x62);

function transfer(
  sysctls: Readonly<Record<string, string>>,
  lost: (bytes: number) => boolean,
  seconds: number,
) {
  const bench = new Bench(['a', 'b'], { delayNs: 5 * MS });
  for (const [name, value] of Object.entries(sysctls)) bench.sysctl('a', `ipv4/${name}`, value);
  const { client, server } = connectPair(bench);
  const from = bench.log.length;
  bench.rule = (segment) => lost(segment.len);
  let left = 400_000;
  let got = 0;
  for (let t = 0; t < seconds * 100 && got < 400_000; t++) {
    if (left > 0) left -= Math.max(0, client.sendmsg(data(Math.min(left, 65536)), { flags: 0 }));
    bench.run(10 * MS);
    for (const part of drain(server) ?? []) got += part.length;
  }
  const sizes = bench.log
    .slice(from)
    .filter((s) => s.from === 'a')
    .map((s) => s.len);
  return { bench, client, got, sizes };
}

describe('net.ipv4.tcp_mtu_probing (RFC 4821)', () => {
  it('2: starts at tcp_base_mss and finds the path takes more', () => {
    const { bench, client, got, sizes } = transfer({ tcp_mtu_probing: '2' }, () => false, 10);
    expect(got).toBe(400_000);
    expect(sizes[0]).toBeLessThanOrEqual(1024);
    expect(bench.mib('a', 'TcpExtTCPMTUPSuccess')).toBeGreaterThan(2);
    expect(client.mssCache).toBeGreaterThan(1400);
  });

  it('2: a probe that is lost is no congestion', () => {
    const { bench, client, got } = transfer({ tcp_mtu_probing: '2' }, (len) => len > 1200, 10);
    expect(got).toBe(400_000);
    expect(bench.mib('a', 'TcpExtTCPMTUPFail')).toBeGreaterThan(0);
    expect(bench.mib('a', 'TcpExtTCPTimeouts')).toBe(0);
    expect(client.mssCache).toBeGreaterThan(1100);
    expect(client.mssCache).toBeLessThanOrEqual(1200);
  });

  it('1: gets through a black hole after timeouts; 0: does not', () => {
    const hole = (len: number): boolean => len > 1200;
    expect(transfer({ tcp_mtu_probing: '1' }, hole, 60).got).toBe(400_000);
    expect(transfer({}, hole, 20).got).toBe(0);
  });

  it('does nothing to who does not ask', () => {
    const bench = new Bench(['a', 'b']);
    const { client } = connectPair(bench);
    bench.run(SEC);
    expect(client.mtup).toBe(null);
  });
});
