// S4: S1 with 10 ms each way and 1 % loss of what arrives at the receiver; ten seeds, the median counts.
import { report } from '../net.mjs';
import { bulk } from '../tcp.mjs';

const SECONDS = 10;
const SEEDS = 10;

export const variants = [
  { name: 'S4-reno', about: 'one TCP flow with 1 % loss and 20 ms round trip, ten seeds, reno' },
  { name: 'S4-cubic', about: 'the same, cubic' },
];

const name = process.env.NETLOOM_BENCH_CASE ?? '';
if (name.startsWith('S4-')) {
  const runs = [];
  for (let seed = 1; seed <= SEEDS; seed++)
    runs.push(
      bulk({ congestion: name.slice(3), seconds: SECONDS, delayNs: 10e6, loss: 0.01, seed }),
    );
  const goodputs = runs.map(({ goodput }) => goodput).sort((x, y) => x - y);
  const cpu = runs.reduce((sum, run) => sum + run.cpu, 0);
  report({
    [name]: { value: (SECONDS * SEEDS) / cpu, unit: 'simulated s / CPU s' },
    [`${name}-goodput`]: {
      value: (goodputs[SEEDS / 2 - 1] + goodputs[SEEDS / 2]) / 2,
      unit: 'Mbit/s, median of ten seeds',
    },
  });
}
