// S7: S2 with pcapng of every device, as many datagrams as S2 so that the two can be compared; the bytes go to /dev/null
// or, with NETLOOM_BENCH_PCAP=FOLDER, to files there.
import { closeSync, openSync, writeSync } from 'node:fs';
import { chain, report, startClock } from '../net.mjs';

export const variants = [{ name: 'S7', about: 'S2 with pcapng written on all ten devices' }];

function world(net, hosts) {
  return {
    labName: 'bench',
    seed: 1,
    epochSec: 1_700_000_000,
    version: 'bench',
    now: () => net.engine.now,
    device: ({ node, interface: name }) =>
      hosts.find((host) => host.name === node)?.kernel.initNet.devByName(name),
    net: () => undefined,
    facts: () => ({ addresses: [] }),
    names: () => [],
    compile: () => () => true,
  };
}

/** Starts a capture on every device; the result ends them. */
function captureAll(Capture, folder) {
  return (net, hosts) => {
    const closers = [];
    for (const host of hosts) {
      for (const name of ['eth0', 'eth1']) {
        if (host.kernel.initNet.devByName(name) === undefined) continue;
        const fd = openSync(
          folder === undefined ? '/dev/null' : `${folder}/${host.name}-${name}.pcapng`,
          'w',
        );
        const settings = { id: name, sources: [{ node: host.name, interface: name }], lend: true };
        const capture = new Capture(world(net, hosts), settings, (chunk) => {
          writeSync(fd, chunk);
        });
        closers.push(() => {
          capture.stop();
          closeSync(fd);
        });
      }
    }
    return () => {
      for (const close of closers) close();
    };
  };
}

/** CPU seconds of one run. */
async function timed(datagrams, watch) {
  const elapsed = startClock();
  await chain(datagrams, watch);
  return elapsed();
}

if (process.env.NETLOOM_BENCH_CASE === 'S7') {
  const { Capture } = await import('@netloom/lab');
  const captures = captureAll(Capture, process.env.NETLOOM_BENCH_PCAP);
  const whole = await timed(1_000_000, captures);
  // What capturing adds, apart from compilation and from what else the machine does: runs with and without in turn.
  let without = 0;
  let within = 0;
  for (let pair = 0; pair < 4; pair++) {
    without += await timed(100_000);
    within += await timed(100_000, captures);
  }
  report({
    S7: { value: 5_000_000 / whole, unit: 'packet-hops / CPU s' },
    'S7-cost': { value: (within / without - 1) * 100, unit: '% over S2 (less is better)' },
  });
}
