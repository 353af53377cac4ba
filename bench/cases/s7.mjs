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
    tapAll: () => undefined,
    facts: () => ({ addresses: [] }),
    names: () => [],
    compile: () => () => true,
  };
}

if (process.env.NETLOOM_BENCH_CASE === 'S7') {
  const { Capture } = await import('@netloom/lab');
  const folder = process.env.NETLOOM_BENCH_PCAP;
  const elapsed = startClock();
  const { hops } = await chain(1_000_000, (net, hosts) => {
    const closers = [];
    for (const host of hosts) {
      for (const name of ['eth0', 'eth1']) {
        if (host.kernel.initNet.devByName(name) === undefined) continue;
        const fd = openSync(
          folder === undefined ? '/dev/null' : `${folder}/${host.name}-${name}.pcapng`,
          'w',
        );
        const capture = new Capture(
          world(net, hosts),
          { id: name, sources: [{ node: host.name, interface: name }], lend: true },
          (chunk) => {
            writeSync(fd, chunk);
          },
        );
        closers.push(() => {
          capture.stop();
          closeSync(fd);
        });
      }
    }
    return () => {
      for (const close of closers) close();
    };
  });
  report({ S7: { value: hops / elapsed(), unit: 'packet-hops / CPU s' } });
}
