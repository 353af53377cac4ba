import { RandomStream } from '@netloom/base';
import type { TcpStreamSock } from './tcp.js';
import { Bench, connectPair, MS, SEC } from './testing.js';

/** A stream's bytes by position, so that nothing need be kept to compare. */
const byteAt = (i: number): number => (i * 31 + (i >>> 8) * 7 + (i >>> 16)) & 255;

interface Outcome {
  readonly seconds: number;
  readonly wrong: number;
  readonly received: number;
  readonly log: string;
}

/** Sends `size` bytes from client to server as both keep up with the callbacks. */
function transfer(
  bench: Bench,
  client: TcpStreamSock,
  server: TcpStreamSock,
  size: number,
  limitNs: number,
): Outcome {
  const chunk = new Uint8Array(65536);
  let sent = 0;
  let received = 0;
  let wrong = -1;
  let done = -1;
  const start = bench.engine.now;
  const write = (): void => {
    while (sent < size) {
      const n = Math.min(chunk.length, size - sent);
      for (let i = 0; i < n; i++) chunk[i] = byteAt(sent + i);
      const taken = client.sendmsg(chunk.subarray(0, n), { flags: 0 });
      if (taken < 0) return;
      sent += taken;
    }
    client.shutdown(2);
    client.writeSpace = null;
  };
  const read = (): void => {
    for (;;) {
      const result = server.recvmsg(262144, 0);
      if (typeof result === 'number') return;
      if (result.data.length === 0) {
        if (done < 0) done = bench.engine.now;
        return;
      }
      for (let i = 0; i < result.data.length && wrong < 0; i++)
        if (result.data[i] !== byteAt(received + i)) wrong = received + i;
      received += result.data.length;
    }
  };
  client.writeSpace = write;
  server.dataReady = read;
  server.stateChange = read;
  write();
  while (done < 0 && bench.engine.now - start < limitNs) bench.run(10 * MS);
  const log = bench.log.map((s) => `${s.time} ${s.from} ${s.text}`).join('\n');
  return { seconds: (done - start) / SEC, wrong, received, log };
}

function lossy(bench: Bench, percent: number): void {
  const random = new RandomStream(5, 'loss');
  bench.rule = () => random.below(1000) < percent * 10;
}

describe('bulk transfer', () => {
  it.each([
    ['clean', 0, 1, 1],
    ['2 % lost', 2, 1, 1],
    ['5 % lost', 5, 1, 1],
    ['2 % lost, no SACK, no timestamps', 2, 0, 0],
    ['2 % lost, no timestamps', 2, 1, 0],
    ['15 % lost', 15, 1, 1],
  ])('carries every byte: %s', (_name, percent, sack, timestamps) => {
    const bench = new Bench(['a', 'b'], { delayNs: 5 * MS });
    bench.sysctl('a', 'ipv4/tcp_sack', String(sack));
    bench.sysctl('a', 'ipv4/tcp_timestamps', String(timestamps));
    const { client, server } = connectPair(bench);
    lossy(bench, percent);
    const size = percent > 10 ? 200_000 : 2_000_000;
    const outcome = transfer(bench, client, server, size, 200 * SEC);
    expect([outcome.wrong, outcome.received]).toEqual([-1, size]);
    expect(outcome.seconds).toBeGreaterThan(0);
    bench.rule = null;
    server.release();
    bench.run(300 * SEC);
    expect([client.packetsOut, client.sackedOut, client.lostOut, client.retransOut]).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it.each([['cubic'], ['reno']])(
    'fills a bottleneck with %s and shares nothing but losses of the queue',
    (name) => {
      const bench = new Bench(['a', 'b'], { delayNs: 10 * MS, rate: 20_000_000, limit: 50 });
      bench.sysctl('a', 'ipv4/tcp_congestion_control', name);
      const { client, server } = connectPair(bench);
      const size = 10_000_000;
      const outcome = transfer(bench, client, server, size, 60 * SEC);
      expect([outcome.wrong, outcome.received]).toEqual([-1, size]);
      const rate = (size * 8) / outcome.seconds;
      expect(bench.queueDrops).toBeGreaterThan(0);
      expect(rate).toBeGreaterThan(15_000_000);
      expect(rate).toBeLessThan(20_000_000);
      expect(bench.mib('a', 'TcpExtTCPTimeouts')).toBe(0);
      expect(client.diag().tcpInfo?.['delivery_rate']).toBeGreaterThan(1_000_000);
    },
  );

  it('does not take loss for reordering', () => {
    const bench = new Bench(['a', 'b'], { delayNs: 5 * MS });
    const { client, server } = connectPair(bench);
    const random = new RandomStream(5, 'loss');
    bench.rule = (s) => s.from === 'a' && random.below(100) < 2;
    expect(transfer(bench, client, server, 4_000_000, 60 * SEC).received).toBe(4_000_000);
    expect(bench.mib('a', 'TcpExtTCPSACKReorder')).toBe(0);
    expect(client.reordering).toBe(3);
    expect(bench.mib('a', 'TcpRetransSegs')).toBeGreaterThan(40);
    expect(bench.mib('b', 'TcpExtDelayedACKLost')).toBe(0); // nothing was sent twice in vain
  });

  it('opens its receive buffer for a long fat path', () => {
    const bench = new Bench(['a', 'b'], { delayNs: 50 * MS, rate: 200_000_000, limit: 3000 });
    const { client, server } = connectPair(bench);
    const size = 30_000_000;
    const outcome = transfer(bench, client, server, size, 60 * SEC);
    expect([outcome.wrong, outcome.received]).toEqual([-1, size]);
    expect(server.rcvbuf).toBeGreaterThan(3_000_000);
    expect(client.sndbuf).toBeGreaterThan(2_000_000);
    expect((size * 8) / outcome.seconds).toBeGreaterThan(80_000_000);
  });

  it('is the same in every run', () => {
    const run = (): string => {
      const bench = new Bench(['a', 'b'], {
        delayNs: 5 * MS,
        rate: 50_000_000,
        limit: 30,
        seed: 3,
      });
      const { client, server } = connectPair(bench);
      lossy(bench, 1);
      return transfer(bench, client, server, 1_000_000, 60 * SEC).log;
    };
    expect(run()).toBe(run());
  });
});
