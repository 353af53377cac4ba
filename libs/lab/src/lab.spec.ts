import { formatProblems } from './check.js';
import { EmulatorBackend } from './emulator-backend.js';
import type { WallClock } from './pacer.js';
import type { Topology } from './port.js';
import { parseTopology } from './topology.js';

declare function setImmediate(fn: () => void): unknown;
declare function setTimeout(fn: () => void, ms: number): unknown;
declare const performance: { now(): number };

const wall: WallClock = {
  nowMs: () => performance.now(),
  sleep: (ms) => new Promise((done) => void setTimeout(done, ms)),
  drain: () => new Promise((done) => void setImmediate(done)),
};

function topology(text: string): Topology {
  const parsed = parseTopology(text);
  if (!parsed.ok) throw new Error(formatProblems(parsed.problems));
  return parsed.value;
}

test('hosts run commands', async () => {
  const backend = new EmulatorBackend({ wall });
  const warnings = await backend.up(
    topology('name: x\ntopology: {nodes: {a: {sysctls: {net.ipv4.ip_forward: 1}}, sw: {kind: bridge}}, links: [{endpoints: ["a:eth1", "sw:eth1"]}]}'),
    1,
  );
  expect(warnings).toEqual([]);
  const result = await backend.exec('a', 'echo hello; cat /proc/sys/net/ipv4/ip_forward; exit 3', undefined);
  expect(result).toEqual({ exitCode: 3, output: 'hello\n1\n' });
  expect(backend.lab.nodeDetail('a')).toMatchObject({ interfaces: ['eth1'] });
  await backend.down();
});
