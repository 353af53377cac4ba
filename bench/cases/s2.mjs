// S2: 1,000,000 UDP datagrams of 64 bytes, one a microsecond, through four routers.
import { chain, report, startClock } from '../net.mjs';

export const variants = [
  {
    name: 'S2',
    about: 'packet-hops a CPU second: source, 4 routers, sink; 1,000,000 datagrams of 64 bytes',
  },
];

if (process.env.NETLOOM_BENCH_CASE === 'S2') {
  const elapsed = startClock();
  const { hops } = await chain(1_000_000);
  report({ S2: { value: hops / elapsed(), unit: 'packet-hops / CPU s' } });
}
