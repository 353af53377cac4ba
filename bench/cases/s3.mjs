// S3: 50 senders - router - router - 50 receivers; access 1 Gbit/s and 1 ms, bottleneck 1 Gbit/s and 10 ms, queues of 1000
// packets; sender i starts at 10·i ms; reno; 10 simulated seconds.
import { fibNewRoute, ipv4SetConf } from '@netloom/kernel-inet';
import { Net, address, ip, report, startClock } from '../net.mjs';
import { Sink, setOffloads, source } from '../tcp.mjs';

const SECONDS = 10;
const FLOWS = 50;

export const variants = [
  { name: 'S3', about: '50 TCP flows through one bottleneck, reno, by segment' },
  { name: 'S3-offloads', about: 'the same with TSO and GRO' },
];

function dumbbell(offloads) {
  const net = new Net([], 1 << 30); // fifty send buffers of 4 MiB
  const joined = (name, a, z, aName, zName, delayNs) => {
    const left = net.card(a, aName);
    const right = net.card(z, zName);
    setOffloads(left, offloads);
    setOffloads(right, offloads);
    net.wire(name, left, right, { rateBits: 1e9, delayNs, limit: 1000 });
    return [left, right];
  };
  const r1 = net.host('r1');
  const r2 = net.host('r2');
  for (const router of [r1, r2]) ipv4SetConf(router.kernel.initNet, 'all', 'forwarding', 1);
  const route = (host, via) =>
    fibNewRoute(host.kernel.initNet, {
      family: 2,
      dstLen: 0,
      nexthops: [{ via }],
      mode: 'add',
    });
  const [west, east] = joined('bottleneck', r1, r2, 'core', 'core', 10e6);
  address(west, ip(10, 2, 0, 1), 24);
  address(east, ip(10, 2, 0, 2), 24);
  route(r1, ip(10, 2, 0, 2));
  route(r2, ip(10, 2, 0, 1));
  const sinks = [];
  const starts = [];
  for (let i = 0; i < FLOWS; i++) {
    const sender = net.host(`s${i}`);
    const receiver = net.host(`d${i}`);
    const [a, b] = joined(`west${i}`, sender, r1, 'eth0', `eth${i}`, 1e6);
    const [c, d] = joined(`east${i}`, receiver, r2, 'eth0', `eth${i}`, 1e6);
    address(a, ip(10, 1, i, 2), 24);
    address(b, ip(10, 1, i, 1), 24);
    address(c, ip(10, 3, i, 2), 24);
    address(d, ip(10, 3, i, 1), 24);
    route(sender, ip(10, 1, i, 1));
    route(receiver, ip(10, 3, i, 1));
    sinks.push(new Sink(receiver.kernel.initNet, 5001));
    starts.push(() => source(sender.kernel.initNet, ip(10, 3, i, 2), 5001, 'reno'));
  }
  for (const [i, start] of starts.entries()) net.engine.at(i * 10e6, start, undefined);
  return { net, sinks };
}

const name = process.env.NETLOOM_BENCH_CASE ?? '';
if (name === 'S3' || name === 'S3-offloads') {
  const { net, sinks } = dumbbell(name !== 'S3');
  const elapsed = startClock();
  net.engine.advance(SECONDS * 1e9);
  const cpu = elapsed();
  const bytes = sinks.map((sink) => sink.bytes);
  const sum = bytes.reduce((total, n) => total + n, 0);
  const squares = bytes.reduce((total, n) => total + n * n, 0);
  report({
    [name]: { value: SECONDS / cpu, unit: 'simulated s / CPU s' },
    [`${name}-goodput`]: { value: (sum * 8) / SECONDS / 1e6, unit: 'Mbit/s' },
    [`${name}-jain`]: {
      value: (sum * sum) / (FLOWS * squares),
      unit: "Jain's fairness, 1 is best",
    },
  });
}
