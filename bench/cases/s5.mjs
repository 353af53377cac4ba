// S5: one bridge and N hosts with addresses; from nothing until host 1's ping to host N is answered, and the memory a
// host takes. The ping is the program that a lab's users run.
import { devSetMaster, devOpen } from '@netloom/kernel-core';
import { bridgeKind } from '@netloom/kernel-drivers';
import { address, cpuSeconds, ip, Net, report, startClock } from '../net.mjs';

const SIZES = [10, 100, 1000];
export const variants = SIZES.map((n) => ({
  name: `S5-${n}`,
  about: `one bridge and ${n} hosts: until host 1's ping to host ${n} is answered`,
}));

function build(n, netutilsPrograms) {
  const net = new Net(netutilsPrograms, 32 << 20);
  const bridge = net.host('switch');
  const br0 = bridgeKind.newlink(
    bridge.kernel.initNet,
    'br0',
    { kind: 'bridge' },
    bridge.kernel.initNet,
  );
  devOpen(br0);
  const hosts = [];
  for (let i = 0; i < n; i++) {
    const host = net.host(`h${i + 1}`);
    const card = net.card(host, 'eth0');
    const port = net.card(bridge, `eth${i}`);
    net.wire(`link${i}`, card, port, { rateBits: 1e9, delayNs: 10_000 });
    devSetMaster(port.dev, br0);
    address(card, ip(10, 0, (i + 1) >> 8, (i + 1) & 255), 16);
    hosts.push(host);
  }
  return { net, hosts };
}

async function ping({ net, hosts }, n) {
  let text = '';
  const decoder = new TextDecoder();
  hosts[0].tasks.run('/usr/bin/ping', ['ping', '-c', '1', `10.0.${n >> 8}.${n & 255}`], {
    onStdout: (chunk) => {
      text += decoder.decode(chunk);
    },
  });
  for (let slice = 0; slice < 100 && !text.includes('bytes from'); slice++)
    await net.engine.run(net.engine.now + 10e6);
  if (!text.includes(`64 bytes from 10.0.${n >> 8}.${n & 255}`))
    throw new Error(`no answer:\n${text}`);
}

const n = SIZES.find((size) => process.env.NETLOOM_BENCH_CASE === `S5-${size}`);
if (n !== undefined) {
  const { netutilsPrograms } = await import('@netloom/netutils');
  globalThis.gc?.();
  const before = process.memoryUsage();
  const elapsed = startClock();
  const lab = build(n, netutilsPrograms);
  await ping(lab, n);
  const seconds = elapsed();
  const whole = cpuSeconds();
  globalThis.gc?.();
  const after = process.memoryUsage();
  const bytes = after.heapUsed - before.heapUsed + after.external - before.external - (32 << 20);
  report({
    [`S5-${n}`]: { value: seconds, unit: 'CPU s (less is better)' },
    [`S5-${n}-all`]: { value: whole, unit: 'CPU s, whole process' },
    [`S5-${n}-mem`]: { value: bytes / n / 1024, unit: 'KiB a host' },
  });
}
