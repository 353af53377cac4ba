// S1: one bulk TCP flow over 1 Gbit/s and 1 ms each way for 10 simulated seconds, queue of 1000 packets.
// `warm` is the second half of the run, when V8 has compiled what it will.
import { report } from '../net.mjs';
import { bulk } from '../tcp.mjs';

const SECONDS = 10;

const CONGESTION = ['reno', 'cubic'];

export const variants = CONGESTION.flatMap((name) => [
  { name: `S1-${name}`, about: `one TCP flow, 1 Gbit/s, 1 ms, ${name}, by segment` },
  { name: `S1-${name}-offloads`, about: 'the same with TSO and GRO' },
]);

const name = process.env.NETLOOM_BENCH_CASE ?? '';
if (name.startsWith('S1-')) {
  const [, congestion, offloads] = name.split('-');
  const { cpu, warm, goodput } = bulk({
    congestion,
    offloads: offloads !== undefined,
    seconds: SECONDS,
    delayNs: 1e6,
  });
  report({
    [name]: { value: SECONDS / cpu, unit: 'simulated s / CPU s' },
    [`${name}-warm`]: { value: warm, unit: 'the same, second half' },
    [`${name}-goodput`]: { value: goodput, unit: 'Mbit/s' },
  });
}
