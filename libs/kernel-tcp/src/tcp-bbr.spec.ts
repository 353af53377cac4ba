import type { TcpStreamSock } from './tcp.js';
import { Bench, connectPair, MS, SEC } from './testing.js';
import { WindowedMax } from './windowed-max.js';

/** Writes for ever; counts what the other end reads. */
function bulk(client: TcpStreamSock, server: TcpStreamSock): { bytes: number } {
  const count = { bytes: 0 };
  const chunk = new Uint8Array(65536);
  const buffer = new Uint8Array(65536);
  const write = (): void => {
    while (client.sendmsg(chunk, { flags: 0 }) === chunk.length);
  };
  server.dataReady = () => {
    for (let n = server.readInto(buffer); n > 0; n = server.readInto(buffer)) count.bytes += n;
  };
  client.writeSpace = write;
  write();
  return count;
}

function start(algorithm: string): {
  bench: Bench;
  client: TcpStreamSock;
  count: { bytes: number };
} {
  const bench = new Bench(['a', 'b'], { delayNs: 10 * MS, rate: 20e6, limit: 1000 });
  const { client, server } = connectPair(bench);
  expect(client.setsockopt('TCP_CONGESTION', algorithm)).toBe(0);
  return { bench, client, count: bulk(client, server) };
}

describe('bbr', () => {
  it('fills the path without filling its queue', () => {
    const { bench, client, count } = start('bbr');
    bench.run(3 * SEC);
    const before = count.bytes;
    bench.run(3 * SEC);
    const rate = ((count.bytes - before) * 8) / 3;
    expect(rate).toBeGreaterThan(18.5e6); // of 19.0 that headers leave
    expect(client.srttUs / 8).toBeLessThan(28_000); // 20 ms and what probing queues
  });

  it('keeps the path filled where cubic fills the queue', () => {
    const { bench, client } = start('cubic');
    bench.run(6 * SEC);
    expect(client.srttUs / 8).toBeGreaterThan(40_000);
  });

  it('measures the round trip anew after ten seconds, with four segments', () => {
    const { bench, client } = start('bbr');
    bench.run(9 * SEC);
    let least = Infinity;
    for (let i = 0; i < 400 && least > 4; i++) {
      bench.run(10 * MS);
      least = Math.min(least, client.sndCwnd);
    }
    expect(least).toBe(4);
    bench.run(SEC);
    expect(client.sndCwnd).toBeGreaterThan(30);
  });

  it('does not take single losses for congestion', () => {
    const { bench, count } = start('bbr');
    let n = 0;
    bench.rule = (segment) => segment.from === 'a' && segment.len > 0 && ++n % 50 === 0;
    bench.run(6 * SEC);
    expect((count.bytes * 8) / 6).toBeGreaterThan(14e6);
  });

  it('tells ss its model', () => {
    const { bench, client } = start('bbr');
    bench.run(4 * SEC);
    const info = client.caOps.info?.(client) ?? {};
    expect(info['mrtt']).toBeCloseTo(20.3, 0);
    expect(info['bw']).toBeGreaterThan(18e6);
    expect(info['cwnd_gain']).toBe(2);
  });
});

describe('a windowed maximum', () => {
  it('is the largest of the window', () => {
    const max = new WindowedMax();
    const values = [5, 9, 3, 4, 2, 1, 7, 1, 1, 1, 1, 1, 1, 1];
    expect(values.map((value, time) => max.add(4, time, value))).toEqual([
      5, 9, 9, 9, 9, 9, 7, 7, 7, 7, 7, 1, 1, 1,
    ]);
  });
});
