import { CaptureReader } from '@netloom/pcap-writer';
import { formatProblems } from './check.js';
import { EmulatorBackend } from './emulator-backend.js';
import type { Topology } from './port.js';
import { parseScenario } from './scenario.js';
import { runScenario, type ScenarioResult } from './scenario-runner.js';
import { specWall } from './spec-wall.js';
import { parseTopology } from './topology.js';

function topology(text: string): Topology {
  const parsed = parseTopology(text);
  if (!parsed.ok) throw new Error(formatProblems(parsed.problems));
  return parsed.value;
}

const ROUTED = `
name: routed
topology:
  kinds:
    linux: {sysctls: {net.ipv6.conf.all.disable_ipv6: 1}}
    bridge: {sysctls: {net.ipv6.conf.all.disable_ipv6: 1}}
  nodes:
    client: {exec: ["ip addr add 10.1.0.2/24 dev eth1", "ip route add default via 10.1.0.1"]}
    router: {sysctls: {net.ipv4.ip_forward: 1}, exec: ["ip addr add 10.1.0.1/24 dev eth1", "ip addr add 10.2.0.1/24 dev eth2"]}
    sw: {kind: bridge}
    server: {exec: ["ip addr add 10.2.0.2/24 dev eth1", "ip route add default via 10.2.0.1"]}
  links:
    - {endpoints: ["client:eth1", "router:eth1"], vars: {netem: {delay: 10ms, jitter: 2ms, loss: 10%}}}
    - endpoints: ["router:eth2", "sw:eth1"]
    - endpoints: ["sw:eth2", "server:eth1"]
`;

async function backend(text = ROUTED, seed = 1): Promise<EmulatorBackend> {
  const made = new EmulatorBackend({ wall: specWall });
  expect(await made.up(topology(text), seed)).toEqual([]);
  return made;
}

async function run(text: string): Promise<ScenarioResult> {
  const parsed = parseScenario(text);
  if (!parsed.ok) throw new Error(formatProblems(parsed.problems));
  return runScenario(parsed.value, new EmulatorBackend({ wall: specWall }));
}

describe('a lab', () => {
  test('is built as its topology says', async () => {
    const lab = await backend();
    expect(lab.lab.nodeSummaries()).toMatchObject([
      { name: 'client', kind: 'linux', interfaces: ['eth1'], addresses: ['10.1.0.2/24'] },
      { name: 'router', interfaces: ['eth1', 'eth2'], addresses: ['10.1.0.1/24', '10.2.0.1/24'] },
      { name: 'sw', kind: 'bridge', interfaces: ['br0', 'eth1', 'eth2'], addresses: [] },
      { name: 'server' },
    ]);
    for (const { endpoints } of lab.lab.linkDocuments()) {
      for (const { mac } of endpoints) expect(mac).toMatch(/^aa:c1:ab:/);
    }
    const detail = lab.lab.nodeDetail('router').namespaces[0];
    expect(detail?.interfaces[1]).toMatchObject({
      name: 'eth1',
      mtu: 1500,
      operstate: 'UP',
      link: 'l1',
      addresses: [{ address: '10.1.0.1', prefixLength: 24, scope: 'global' }],
    });
    expect(detail?.routes).toContainEqual(
      expect.objectContaining({
        destination: '10.2.0.0/24',
        table: 'main',
        protocol: 'kernel',
        source: '10.2.0.1',
      }),
    );
    expect(lab.lab.nodeDetail('sw').namespaces[0]?.interfaces[2]).toMatchObject({
      name: 'eth1',
      master: 'br0',
    });
    await lab.down();
  });

  test('the same seed gives the same bytes and fingerprint, another seed others', async () => {
    const once = async (
      seed: number,
    ): Promise<{ bytes: string; fingerprint: string; output: string }> => {
      const lab = await backend(ROUTED, seed);
      const chunks: Uint8Array[] = [];
      const sources = [
        ['client', 'eth1'],
        ['router', 'eth2'],
        ['server', 'any'],
      ].map(([node = '', name = '']) => ({ node, interface: name }));
      const capture = lab.lab.startCapture(
        { id: 'c', sources },
        (chunk) => void chunks.push(chunk),
      );
      const { output } = await lab.exec('client', 'ping -c 20 -i 0.01 10.2.0.2', undefined);
      capture.stop();
      await lab.down();
      return {
        bytes: chunks.map((chunk) => [...chunk].join()).join(),
        fingerprint: lab.fingerprint,
        output,
      };
    };
    const [a, b, c] = [await once(5), await once(5), await once(6)];
    expect(b).toEqual(a);
    expect(a.bytes.length).toBeGreaterThan(5000);
    expect(c.fingerprint).not.toBe(a.fingerprint);
    expect(c.output).not.toBe(a.output);
  });

  test('a topology command that fails is a warning with what it said', async () => {
    const made = new EmulatorBackend({ wall: specWall });
    const warnings = await made.up(
      topology(
        'name: x\ntopology: {nodes: {a: {sysctls: {net.ipv4.nonsense: 1}, exec: ["echo oops >&2; exit 3", "true"]}}}',
      ),
      1,
    );
    expect(warnings).toEqual([
      'a: no sysctl net.ipv4.nonsense, or not 1',
      'a: echo oops >&2; exit 3: exit code 3: oops',
    ]);
    await made.down();
  });

  test('files of binds are there before commands run; sysctls of interfaces are set', async () => {
    const made = new EmulatorBackend({
      wall: specWall,
      loadFiles: () => [
        {
          node: 'a',
          path: '/etc/deep/er/f.txt',
          data: new TextEncoder().encode('hello\n'),
          mode: 0o755,
        },
      ],
    });
    const warnings = await made.up(
      topology(`
name: x
topology:
  nodes: {a: {sysctls: {net.ipv4.conf.eth1.forwarding: 1}, binds: ["f:/etc/deep/er/f.txt"], env: {GREETING: hi}, exec: ["read x < /etc/deep/er/f.txt; [ $x = hello ]"]}, b: {}}
  links: [{endpoints: ["a:eth1", "b:eth1"], mtu: 1400}]
`),
      1,
    );
    expect(warnings).toEqual([]);
    const { output } = await made.exec(
      'a',
      'echo $GREETING $(< /proc/sys/net/ipv4/conf/eth1/forwarding) $(< /sys/class/net/eth1/mtu)',
      undefined,
    );
    expect(output).toBe('hi 1 1400\n');
    await made.down();
  });
});

describe('captures', () => {
  test('carry names, addresses, directions, lineage and counts', async () => {
    const lab = await backend(ROUTED.replace(/loss: 10%/, 'loss: 0%'), 7);
    const chunks: Uint8Array[] = [];
    const sources = [
      ['client', 'eth1'],
      ['server', 'eth1'],
    ].map(([node = '', name = '']) => ({ node, interface: name }));
    const capture = lab.lab.startCapture(
      { id: 'c', sources, filter: 'icmp' },
      (chunk) => void chunks.push(chunk),
    );
    expect(chunks.length).toBe(1); // the head is there at once
    await lab.exec('client', 'ping -c 2 -i 0.1 10.2.0.2', undefined);
    capture.stop();
    capture.stop();
    await lab.down();
    const reader = CaptureReader.fromBytes(Uint8Array.from(chunks.flatMap((chunk) => [...chunk])));
    const packets = [...reader];
    expect(reader.sections[0]).toMatchObject({
      comments: [expect.stringMatching(/^---\n# netloom capture\nlab: routed\nseed: 7\nengine: /)],
    });
    expect(reader.interfaces.map(({ name, linkType, filter }) => [name, linkType, filter])).toEqual(
      [
        ['client:eth1', 1, 'icmp'],
        ['server:eth1', 1, 'icmp'],
      ],
    );
    expect(reader.names.map(({ names }) => names[0])).toEqual([
      'client',
      'router',
      'router',
      'server',
    ]);
    expect(packets.map(({ ifIndex, flags }) => [ifIndex, (flags ?? 0) & 3])).toEqual([
      [0, 2],
      [1, 1],
      [1, 2],
      [0, 1],
      [0, 2],
      [1, 1],
      [1, 2],
      [0, 1],
    ]);
    const [sent, received] = packets;
    expect(sent?.packetId).toBe(received?.packetId);
    expect(received?.packetId).not.toBe(packets[4]?.packetId); // the next request
    expect(sent?.sec).toBe(1_735_689_600);
    expect(received?.nsec).toBeGreaterThanOrEqual((sent?.nsec ?? 0) + 8e6);
    expect(reader.statistics).toMatchObject([
      { ifIndex: 0, ifRecv: 6, filterAccept: 4, osDrop: 0, usrDeliv: 4 },
      { ifIndex: 1 },
    ]);
  });

  test('a full window drops and counts; acknowledging opens it', async () => {
    const lab = await backend(ROUTED.replace(/loss: 10%/, 'loss: 0%'));
    let bytes = 0;
    const capture = lab.lab.startCapture(
      { id: 'c', sources: [{ node: 'client', interface: 'eth1' }], windowBytes: 300 },
      (chunk) => (bytes += chunk.length),
    );
    await lab.exec('client', 'ping -c 3 -i 0.1 10.2.0.2', undefined);
    capture.flush();
    expect(capture.document()).toMatchObject({ packets: 0, dropped: 8, state: 'running' });
    capture.acknowledge(bytes);
    await lab.exec('client', 'ping -c 1 10.2.0.2', undefined);
    expect(capture.document()).toMatchObject({ packets: 2, dropped: 8 });
    await lab.down();
  });

  test('an interface, node or filter that is not there is refused', async () => {
    const lab = await backend();
    const start = (node: string, name: string, filter?: string) => () =>
      lab.lab.startCapture(
        {
          id: 'c',
          sources: [{ node, interface: name }],
          ...(filter === undefined ? {} : { filter }),
        },
        () => undefined,
      );
    expect(start('client', 'eth9')).toThrow('no interface "eth9" on node "client"');
    expect(start('clint', 'eth1')).toThrow('no such node "clint"');
    expect(start('client', 'eth1', 'icmp and')).toThrow(/^bad filter: /);
    await lab.down();
  });
});

describe('scenarios on the emulator', () => {
  test('impairments, carrier, background commands, an hour in a moment', async () => {
    const result = await run(`
name: x
topology:
  nodes:
    a: {exec: ["ip addr add 10.0.0.1/24 dev eth1", "ip addr add 10.1.0.1/24 dev eth2"]}
    b: {exec: ["ip addr add 10.0.0.2/24 dev eth1"]}
    c: {exec: ["ip addr add 10.1.0.2/24 dev eth1"]}
  links:
    - {endpoints: ["a:eth1", "b:eth1"], vars: {netem: {a: {delay: 10ms}, z: {delay: 15ms}}}}
    - {endpoints: ["a:eth2", "c:eth1"], vars: {netem: {rate: 10mbit, limit: 20, delay: 5ms}}}
steps:
  - {node: a, exec: "ping -c 1 10.0.0.2", exit: 0, stdout: ['time=50\\.\\d ms']}
  - {node: a, exec: "ping -c 3 -i 0.2 -q 10.0.0.2", exit: 0, stdout: ['rtt min/avg/max/mdev = 25\\.0\\d+/25\\.0\\d+/25\\.0\\d+/0\\.']}
  - {node: a, exec: "ping -c 1 10.1.0.2; ping -c 3 -i 0.1 -s 1472 -q 10.1.0.2", exit: 0, stdout: ['rtt min/avg/max/mdev = 12\\.[3-5]']}
  - {node: b, exec: "while read x; do echo got $x; done < <(sleep 1; echo one)", background: job}
  - {wait: job, timeout: 5s, exit: 0, stdout: ['^got one$']}
  - {node: b, exec: "sleep 100", background: long}
  - {kill: long, signal: TERM, exit: 143}
  - {node: b, exec: "sleep 50", background: late}
  - {wait: late, timeout: 1s, exit: 124}
  - {node: a, exec: "sleep 3600", exit: 0}
  - {node: a, exec: "sleep 100", timeout: 2s, exit: 124}
  - {node: a, exec: "[ $SECONDS -ge 0 ] && exit 7", eventually: 1s, exit: 7}
`);
    expect(
      result.steps
        .filter((step) => !step.ok)
        .map(({ number, problems, output }) => ({ number, problems, output })),
    ).toEqual([]);
    expect(result.steps[9]?.durationNs).toBeGreaterThanOrEqual(3600e9);
  });
});
