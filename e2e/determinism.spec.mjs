// The same file and seed give the same packets to the byte; another seed gives other MAC addresses and sequence numbers.
import { join } from 'node:path';
import { CaptureReader } from '@netloom/pcap-writer';
import { at, filesOf, netloom, temporaryFolder } from './netloom.mjs';

const folder = temporaryFolder();
const SCENARIO = 'e2e/data/two-nets.scenario.yml';
const TOPOLOGY = 'examples/01-two-subnets/topology.clab.yml';

/** Runs a file and answers what `netloom run --json` says, with the captures that it wrote. */
function record(name, file, ...options) {
  const pcap = join(folder, name);
  const { status, stdout, stderr } = netloom('run', at(file), '--pcap', pcap, '--json', ...options);
  if (status !== 0) throw new Error(`${file}: ${stdout}${stderr}`);
  return { ...JSON.parse(stdout), captures: filesOf(pcap) };
}

/** Source addresses of the frames, and initial sequence numbers of the TCP connections. */
function draws({ captures }) {
  const macs = new Set();
  const isns = new Set();
  for (const { data } of captures) {
    for (const { data: frame } of CaptureReader.fromBytes(data)) {
      const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
      macs.add(Buffer.from(frame.subarray(6, 12)).toString('hex'));
      const tcp = 14 + (frame[14] & 15) * 4;
      const isTcp = view.getUint16(12) === 0x0800 && frame[23] === 6;
      if (isTcp && (frame[tcp + 13] & 2) !== 0) isns.add(view.getUint32(tcp + 4));
    }
  }
  return { macs: [...macs].sort(), isns: [...isns] };
}

const differing = (a, b) =>
  a.captures.filter(({ data }, i) => !data.equals(b.captures[i].data)).map(({ name }) => name);

describe('one seed', () => {
  const first = record('first', SCENARIO, '--seed', '11');

  it('gives the same fingerprint and the same captures to the byte', () => {
    const second = record('second', SCENARIO, '--seed', '11');
    expect(first.captures.map(({ name }) => name)).toEqual(['c.pcapng', 'r.pcapng', 's.pcapng']);
    expect(second.fingerprint).toBe(first.fingerprint);
    expect(differing(second, first)).toEqual([]);
    expect(second.virtualTimeNs).toBe(first.virtualTimeNs);
  });

  it('gives the same fingerprint without captures', () => {
    const { status, stdout } = netloom('run', at(SCENARIO), '--seed', '11', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout).fingerprint).toBe(first.fingerprint);
  });

  it('gives other MAC addresses and sequence numbers than another', () => {
    const other = record('other', SCENARIO, '--seed', '12');
    const [a, b] = [draws(first), draws(other)];
    expect(other.fingerprint).not.toBe(first.fingerprint);
    expect(a.macs).toHaveLength(4);
    expect(b.macs).toHaveLength(4);
    expect(a.macs.filter((mac) => b.macs.includes(mac))).toEqual([]);
    expect(a.isns).toHaveLength(2);
    expect(b.isns).toHaveLength(2);
    expect(a.isns.filter((isn) => b.isns.includes(isn))).toEqual([]);
  });
});

it('holds for a topology that runs by itself', () => {
  const [first, second] = ['topology-1', 'topology-2'].map((name) =>
    record(name, TOPOLOGY, '--for', '2s'),
  );
  expect(first.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  expect(second.fingerprint).toBe(first.fingerprint);
  expect(differing(second, first)).toEqual([]);
  expect(first.virtualTimeNs).toBeGreaterThanOrEqual(2e9);
  expect(second.virtualTimeNs).toBe(first.virtualTimeNs);
});
