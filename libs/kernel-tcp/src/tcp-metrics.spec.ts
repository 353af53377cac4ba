import { tcpMetricsDelete, tcpMetricsDump } from './tcp-metrics.js';
import { Bench, connectPair, drain, MS, SEC } from './testing.js';
import type { TcpStreamSock } from './tcp.js';

const data = (n: number): Uint8Array => new Uint8Array(n).fill(0x62);

/** One connection from a to b with data, closed by a. */
function connection(bench: Bench, bytes = 100_000): TcpStreamSock {
  const { client, server, listener } = connectPair(bench);
  let left = bytes;
  while (left > 0) {
    left -= Math.max(0, client.sendmsg(data(Math.min(left, 65536)), { flags: 0 }));
    bench.run(20 * MS);
    drain(server);
  }
  client.release();
  bench.run(SEC);
  server.release();
  listener.release();
  bench.run(SEC);
  return client;
}

describe('what a host remembers of its peers', () => {
  it('is stored when a connection ends, on both sides, and can be forgotten', () => {
    const bench = new Bench(['a', 'b'], { delayNs: 10 * MS });
    expect(tcpMetricsDump(bench.net('a'))).toEqual([]);
    const client = connection(bench);
    const [entry] = tcpMetricsDump(bench.net('a'));
    expect(entry).toMatchObject({
      daddr: '10.0.0.2',
      saddr: '10.0.0.1',
      ssthresh: 0,
      reordering: 0,
    });
    expect((entry?.rttUs ?? 0) / 8).toBeGreaterThanOrEqual(20_000);
    expect((entry?.rttUs ?? 0) / 8).toBeLessThan(40_000);
    expect(entry?.cwnd).toBe(client.sndCwnd);
    expect(entry?.ageMs).toBeGreaterThan(1000);
    expect(tcpMetricsDump(bench.net('b'))).toMatchObject([{ daddr: '10.0.0.1' }]);
    expect(tcpMetricsDelete(bench.net('a'), () => true)).toBe(1);
    expect(tcpMetricsDump(bench.net('a'))).toEqual([]);
  });

  it('is not stored with tcp_no_metrics_save', () => {
    const bench = new Bench(['a', 'b'], { delayNs: 10 * MS });
    bench.sysctl('a', 'ipv4/tcp_no_metrics_save', '1');
    connection(bench);
    expect(tcpMetricsDump(bench.net('a'))).toEqual([]);
  });

  it('gives the next connection a threshold only where tcp_no_ssthresh_metrics_save is 0', () => {
    const thresholds = ['0', '1'].map((save) => {
      const bench = new Bench(['a', 'b'], { delayNs: 10 * MS });
      bench.sysctl('a', 'ipv4/tcp_no_ssthresh_metrics_save', save);
      let count = 0;
      bench.rule = (segment) => segment.from === 'a' && segment.len > 0 && ++count === 30;
      connection(bench, 400_000);
      const next = connectPair(bench).client;
      return next.sndSsthresh < 0x7fffffff;
    });
    expect(thresholds).toEqual([true, false]);
  });

  it('takes nothing over from a connection that did not end in order', () => {
    const bench = new Bench(['a', 'b'], { delayNs: 10 * MS });
    const { client } = connectPair(bench);
    client.setsockopt('SO_LINGER', [1, 0]);
    client.release();
    bench.run(SEC);
    expect(tcpMetricsDump(bench.net('a'))).toEqual([]);
  });
});
