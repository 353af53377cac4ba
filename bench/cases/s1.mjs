// S1: one bulk TCP flow over 1 Gbit/s and 1 ms each way for 10 simulated seconds, queue of 1000 packets.
import { Net, address, ip, report, startClock } from '../net.mjs';
import { Sink, source } from '../tcp.mjs';

const SECONDS = 10;

export const variants = [
  { name: 'S1-reno', about: 'one TCP flow, 1 Gbit/s, 1 ms, reno, by segment' },
  { name: 'S1-cubic', about: 'one TCP flow, 1 Gbit/s, 1 ms, cubic, by segment' },
];

/** Two hosts on a wire; returns CPU seconds and Mbit/s of payload. */
export function bulk(congestion, { seconds = SECONDS, delayNs = 1e6, loss = 0, seed = 1 } = {}) {
  const net = new Net([], 64 << 20, seed);
  const a = net.host('a');
  const b = net.host('b');
  const left = net.card(a, 'eth0');
  const right = net.card(b, 'eth0');
  const wire = net.wire('link', left, right, { rateBits: 1e9, delayNs, limit: 1000 });
  if (loss > 0) wire.a.set({ rateBits: 1e9, delayNs, limit: 1000, loss });
  address(left, ip(10, 0, 0, 1), 24);
  address(right, ip(10, 0, 0, 2), 24);
  const sink = new Sink(b.kernel.initNet, 5001);
  const elapsed = startClock();
  source(a.kernel.initNet, ip(10, 0, 0, 2), 5001, congestion);
  net.engine.advance(seconds * 1e9);
  return { cpu: elapsed(), goodput: (sink.bytes * 8) / seconds / 1e6, wire };
}

const name = process.env.NETLOOM_BENCH_CASE ?? '';
if (name.startsWith('S1-')) {
  const { cpu, goodput } = bulk(name.slice(3));
  report({
    [name]: { value: SECONDS / cpu, unit: 'simulated s / CPU s' },
    [`${name}-goodput`]: { value: goodput, unit: 'Mbit/s' },
  });
}
