// The bare engine: 10,000 events pending, each of which schedules another one after an exponential delay around 10 µs.
import { RandomStream } from '@netloom/base';
import { Engine } from '@netloom/engine';
import { report, startClock } from '../net.mjs';

export const variants = [{ name: 'engine', about: 'events a CPU second, 10,000 pending' }];

const PENDING = 10_000;
const EVENTS = 40_000_000;

if (process.env.NETLOOM_BENCH_CASE === 'engine') {
  const elapsed = startClock();
  const engine = new Engine();
  const random = new RandomStream(1, 'bench');
  const delays = Float64Array.from(
    { length: 1 << 16 },
    () => 1 + Math.floor(-Math.log(1 - random.u32() / 2 ** 32) * 10_000),
  );
  const state = { next: 0 };
  const fire = (target, arg) => {
    target.next = (target.next + 1) & 0xffff;
    engine.after(delays[target.next], fire, target, arg);
  };
  for (let i = 0; i < PENDING; i++) engine.after(delays[i], fire, state, i);
  engine.advance(Infinity, EVENTS);
  report({ engine: { value: EVENTS / elapsed(), unit: 'events / CPU s' } });
}
