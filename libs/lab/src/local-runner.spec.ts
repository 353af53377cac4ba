import { CaptureReader } from '@netloom/pcap-writer';
import { formatProblems } from './check.js';
import { createLabRunner } from './local-runner.js';
import type {
  CreateRequest,
  JournalEntry,
  LabMessage,
  LabRunner,
  Topology,
  TopologyLink,
  TopologyNode,
} from './port.js';
import { specWall } from './spec-wall.js';
import { parseLink, parseNode, parseTopology } from './topology.js';

const TWO = `
name: two
topology:
  nodes:
    a: {exec: ["ip addr add 10.0.0.1/24 dev eth1"]}
    b: {exec: ["ip addr add 10.0.0.2/24 dev eth1"]}
  links:
    - {endpoints: ["a:eth1", "b:eth1"], vars: {netem: {delay: 5ms}}}
`;

function topology(text = TWO): Topology {
  const parsed = parseTopology(text);
  if (!parsed.ok) throw new Error(formatProblems(parsed.problems));
  return parsed.value;
}

function node(document: object): TopologyNode {
  const parsed = parseNode(document);
  if (!parsed.ok) throw new Error('node');
  return parsed.value;
}

function link(endpoints: [string, string]): TopologyLink {
  const nodes = endpoints.map((end) => ({ name: end.split(':')[0] ?? '', kind: 'linux' as const }));
  const parsed = parseLink({ endpoints }, { nodes, used: [] });
  if (!parsed.ok) throw new Error('link');
  return parsed.value;
}

const open: LabRunner[] = [];
afterEach(async () => {
  for (const runner of open.splice(0)) await runner.destroy();
});

async function made(
  request: Partial<CreateRequest> = {},
): Promise<{ runner: LabRunner; heard: LabMessage[]; journal: JournalEntry[] }> {
  const runner = createLabRunner({ wall: specWall });
  const heard: LabMessage[] = [];
  const journal: JournalEntry[] = [];
  runner.onMessage((message) => {
    if (message.type === 'journal') journal.push(message.entry);
    else heard.push(message);
  });
  open.push(runner);
  await runner.create({ id: 'lab', topology: topology(), clock: { mode: 'fast' }, ...request });
  return { runner, heard, journal };
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 300 && !condition(); i++) await specWall.sleep(10);
  expect(condition()).toBe(true);
}

describe('a runner', () => {
  test('makes a lab once and describes it', async () => {
    const { runner } = await made({ seed: 9, warnings: ['w'] });
    expect(await runner.info()).toMatchObject({
      id: 'lab',
      name: 'two',
      state: 'running',
      seed: 9,
      warnings: ['w'],
      clock: { mode: 'fast', epochSec: 1_735_689_600 },
      nodes: [{ name: 'a', addresses: ['10.0.0.1/24'] }, { name: 'b' }],
      links: [{ id: 'l1', up: true, netem: { a: { delayNs: 5e6 }, z: { delayNs: 5e6 } } }],
      deploy: [
        { node: 'a', exitCode: 0 },
        { node: 'b', exitCode: 0 },
      ],
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    await expect(runner.create({ id: 'x', topology: topology() })).rejects.toMatchObject({
      kind: 'conflict',
    });
    expect((await runner.topology()).document).toMatchObject({
      name: 'two',
      topology: { links: [{ vars: { netem: { delay: '5ms' } } }] },
    });
  });

  test('runs commands: output, exit code, standard input, timeout, truncation', async () => {
    const { runner } = await made();
    const ping = await runner.exec({ node: 'a', command: 'ping -c 2 -i 0.2 10.0.0.2' });
    expect([ping.exitCode, text(ping.stdout)]).toEqual([
      0,
      expect.stringContaining('2 packets transmitted, 2 received'),
    ]);
    expect(ping.virtualTimeNs).toBeGreaterThan(0.2e9);
    const both = await runner.exec({
      node: 'a',
      command: 'read x; echo out $x $V; echo err >&2; exit 5',
      stdin: bytes('in\n'),
      env: { V: 'env' },
    });
    expect([text(both.stdout), text(both.stderr), both.exitCode]).toEqual([
      'out in env\n',
      'err\n',
      5,
    ]);
    expect(await runner.exec({ node: 'a', command: 'sleep 100', timeoutNs: 1e9 })).toMatchObject({
      exitCode: 124,
    });
    const cut = await runner.exec({ node: 'a', command: 'echo 1234567890', outputLimitBytes: 4 });
    expect([text(cut.stdout), cut.truncated]).toEqual(['1234', true]);
    await expect(runner.exec({ node: 'nobody', command: 'x' })).rejects.toMatchObject({
      kind: 'not-found',
      message: 'no such node "nobody"',
    });
  });

  test('streams a process, takes its input and signals, and bounds what nobody reads', async () => {
    const { runner, heard } = await made();
    const { process } = await runner.start({
      node: 'a',
      command: 'while read x; do echo got $x; done; echo end',
      stdin: true,
    });
    await runner.writeStdin(process, bytes('one\ntwo\n'));
    await runner.closeStdin(process);
    await until(() => heard.some((message) => message.type === 'exit'));
    const said = heard
      .flatMap((message) => (message.type === 'output' ? [text(message.data)] : []))
      .join('');
    expect(said).toBe('got one\ngot two\nend\n');
    expect(heard.at(-1)).toMatchObject({ type: 'exit', process, exitCode: 0 });

    heard.length = 0;
    const second = await runner.start({
      node: 'a',
      command: 'echo 123456; echo 789; sleep 1; echo more',
      windowBytes: 8,
    });
    await until(() => heard.some((message) => message.type === 'exit'));
    expect(heard.flatMap((m) => (m.type === 'output' ? [text(m.data)] : [])).join('')).toBe(
      '123456\n7',
    );
    await runner.signal(second.process, 15); // it has ended: nothing happens
  });

  test('a terminal echoes, resizes and hangs up', async () => {
    const { runner, heard } = await made();
    const { process } = await runner.start({ node: 'a', tty: { rows: 30, cols: 100 } });
    const screen = (): string =>
      heard.flatMap((m) => (m.type === 'output' ? [text(m.data)] : [])).join('');
    await until(() => screen().includes('# '));
    await runner.writeStdin(process, bytes('echo $((6 * 7))\r'));
    await until(() => screen().includes('42\r\n'));
    await runner.resize(process, 50, 120);
    await runner.writeStdin(process, bytes('exit 3\r'));
    await until(() => heard.some((message) => message.type === 'exit'));
    expect(heard.at(-1)).toMatchObject({ type: 'exit', exitCode: 3 });
  });

  test('reads and writes files', async () => {
    const { runner } = await made();
    await runner.writeFile('a', '/root/x/y.txt', bytes('hello'), 0o755);
    expect(text(await runner.readFile('a', '/root/x/y.txt'))).toBe('hello');
    expect(text(await runner.readFile('a', '/proc/sys/net/ipv4/ip_forward'))).toBe('0\n');
    await expect(runner.readFile('a', '/none')).rejects.toMatchObject({ kind: 'not-found' });
    await expect(runner.readFile('a', '/root')).rejects.toMatchObject({ kind: 'invalid' });
    await expect(runner.readFile('a', 'x')).rejects.toMatchObject({ kind: 'invalid' });
  });

  test('is edited while it runs', async () => {
    const { runner } = await made();
    const reach = async (from: string, to: string): Promise<number> =>
      (await runner.exec({ node: from, command: `ping -c 1 -W 1 ${to}` })).exitCode;
    expect(await reach('a', '10.0.0.2')).toBe(0);
    expect(await runner.patchLink('l1', { up: false })).toMatchObject({ id: 'l1', up: false });
    expect(text(await runner.readFile('a', '/sys/class/net/eth1/carrier'))).toBe('0\n');
    expect(await reach('a', '10.0.0.2')).not.toBe(0);
    await runner.patchLink('l1', { up: true, netem: { a: { loss: 1 } } });
    expect((await runner.info()).links[0]).toMatchObject({
      up: true,
      netem: { a: { loss: 1 }, z: { delayNs: 5e6 } },
    });
    expect(await reach('a', '10.0.0.2')).toBe(1);

    expect(
      await runner.addNode(node({ name: 'c', exec: ['ip addr add 10.9.0.3/24 dev eth1'] })),
    ).toMatchObject({ name: 'c', kind: 'linux' });
    await expect(runner.addNode(node({ name: 'c' }))).rejects.toMatchObject({ kind: 'conflict' });
    await runner.exec({ node: 'c', command: 'sleep 1' }); // its own commands have had their time, in vain: no link yet
    expect(await runner.addLink(link(['a:eth2', 'c:eth1']))).toMatchObject({ id: 'l2' });
    await expect(runner.addLink(link(['a:eth2', 'b:eth7']))).rejects.toMatchObject({
      kind: 'conflict',
    });
    // What is refused has changed nothing, not even which id comes next.
    expect(await runner.addLink(link(['a:eth5', 'b:eth5']))).toMatchObject({ id: 'l3' });
    await runner.removeLink('l3');
    await runner.exec({ node: 'a', command: 'ip addr add 10.9.0.1/24 dev eth2' });
    expect(await reach('a', '10.9.0.3')).toBe(0);
    await runner.removeNode('c');
    expect((await runner.info()).nodes.map(({ name }) => name)).toEqual(['a', 'b']);
    expect((await runner.info()).links.map(({ id }) => id)).toEqual(['l1']);
    expect((await runner.node('a')).interfaces).toEqual(['eth1']);
    await expect(runner.removeLink('l2')).rejects.toMatchObject({ kind: 'not-found' });
  });

  test('captures, and says what was lost', async () => {
    const { runner, heard } = await made();
    const capture = await runner.startCapture({
      sources: [{ node: 'a', interface: 'eth1' }],
      filter: 'icmp',
    });
    expect(heard.map(({ type }) => type)).toEqual(['capture']);
    await runner.exec({ node: 'a', command: 'ping -c 2 -i 0.1 10.0.0.2' });
    expect(await runner.stopCapture(capture.id)).toMatchObject({
      state: 'stopped',
      packets: 4,
      dropped: 0,
    });
    expect(heard.at(-1)).toMatchObject({ type: 'capture-end', capture: { packets: 4 } });
    const file = Uint8Array.from(heard.flatMap((m) => (m.type === 'capture' ? [...m.data] : [])));
    expect([...CaptureReader.fromBytes(file)].length).toBe(4);
    await expect(
      runner.startCapture({ sources: [{ node: 'a', interface: 'eth1' }], filter: '(((' }),
    ).rejects.toMatchObject({ kind: 'invalid', problems: [{ path: 'filter' }] });
    expect(await runner.captures()).toMatchObject([{ id: capture.id, state: 'stopped' }]);
  });

  test('tells events to who asked', async () => {
    const { runner, heard } = await made();
    const { subscription } = await runner.subscribe({
      kinds: ['crossing', 'command', 'drop', 'link'],
      filter: 'icmp',
    });
    await runner.exec({ node: 'a', command: 'ping -c 1 10.0.0.2' });
    await runner.patchLink('l1', { up: false });
    await until(() =>
      heard.some((m) => m.type === 'events' && m.events.some((event) => event.kind === 'link')),
    );
    const events = heard.flatMap((m) => (m.type === 'events' ? m.events : []));
    expect(events.filter(({ kind }) => kind === 'crossing')).toMatchObject([
      {
        link: 'l1',
        what: 'sent',
        from: { node: 'a', interface: 'eth1' },
        to: { node: 'b' },
        lengthBytes: 98,
      },
      { from: { node: 'b' } },
    ]);
    expect(events.filter(({ kind }) => kind === 'command')).toMatchObject([
      { action: 'started', command: 'ping -c 1 10.0.0.2' },
      { action: 'ended', exitCode: 0 },
    ]);
    expect(events.at(-1)).toMatchObject({ kind: 'link', action: 'down', link: 'l1' });
    await runner.unsubscribe(subscription);
  });

  test('an outside machine on a wire', async () => {
    const { runner, heard } = await made();
    const { attachment } = await runner.attach({ node: 'a', interface: 'eth1' });
    const { links } = await runner.info();
    const mac = (links[0]?.endpoints[0].mac ?? '').split(':').map((part) => parseInt(part, 16));
    const mine = [2, 0, 0, 0, 0, 9];
    const arp = [
      ...new Array<number>(6).fill(255),
      ...mine,
      8,
      6,
      0,
      1,
      8,
      0,
      6,
      4,
      0,
      1,
      ...mine,
      10,
      0,
      0,
      9,
      0,
      0,
      0,
      0,
      0,
      0,
      10,
      0,
      0,
      1,
    ];
    await runner.sendFrame(attachment, Uint8Array.from(arp));
    await until(() => heard.some((message) => message.type === 'frame'));
    const reply = heard.find((message) => message.type === 'frame');
    expect([...(reply?.type === 'frame' ? reply.data : [])].slice(0, 22)).toEqual([
      ...mine,
      ...mac,
      8,
      6,
      0,
      1,
      8,
      0,
      6,
      4,
      0,
      2,
    ]);
    await runner.detach(attachment);
    await expect(runner.attach({ node: 'a', interface: 'eth7' })).rejects.toMatchObject({
      kind: 'not-found',
    });
    const again = await runner.attach({ node: 'a', interface: 'eth1' });
    await runner.removeLink('l1');
    expect(heard.at(-1)).toMatchObject({ type: 'attachment-end', attachment: again.attachment });
  });

  test('paused: time passes in steps', async () => {
    const { runner, heard } = await made({ clock: { mode: 'paused' } });
    const before = (await runner.clock()).nowNs;
    const { process } = await runner.start({ node: 'a', command: 'sleep 1; echo done' });
    await specWall.sleep(30);
    expect((await runner.clock()).nowNs).toBe(before);
    expect((await runner.step(0.9e9)).nowNs).toBe(before + 0.9e9);
    expect(heard).toEqual([]);
    await runner.step(0.2e9);
    expect(heard).toMatchObject([
      { type: 'output', process },
      { type: 'exit', exitCode: 0 },
    ]);
    await runner.setClock({ mode: 'realtime' });
    await expect(runner.step(1)).rejects.toMatchObject({ kind: 'conflict' });
    await expect(runner.setClock({ rate: 0 })).rejects.toMatchObject({ kind: 'invalid' });
    await specWall.sleep(50);
    expect((await runner.clock()).nowNs).toBeGreaterThan(before + 1.1e9 + 30e6);
  });

  test('a replay of the journal repeats the run exactly', async () => {
    const { runner, journal } = await made({ seed: 3, clock: { mode: 'realtime', rate: 50 } });
    await runner
      .start({ node: 'b', command: 'while read x; do echo $x; done', stdin: true })
      .then(({ process }) => runner.writeStdin(process, bytes('x\n')));
    await runner.exec({ node: 'a', command: 'ping -c 3 -i 0.3 10.0.0.2' });
    await runner.addNode(node({ name: 'c', exec: ['ip addr add 10.9.0.3/24 dev eth1'] }));
    await runner.addLink(link(['a:eth2', 'c:eth1']));
    await runner.exec({
      node: 'a',
      command: 'ip addr add 10.9.0.1/24 dev eth2; ping -c 2 -i 0.1 10.9.0.3',
    });
    await runner.patchLink('l1', { netem: { a: { loss: 0.5 }, z: {} } });
    await runner.exec({ node: 'a', command: 'ping -c 20 -i 0.05 -W 1 10.0.0.2' });
    await runner.setClock({ mode: 'paused' });
    const { fingerprint, clock } = await runner.info();
    expect(journal.map(({ sequence }) => sequence)).toEqual(journal.map((_, i) => i + 1));

    const again = await made({
      seed: 3,
      clock: { mode: 'paused' },
      replay: structuredClone(journal),
      replayUntilNs: clock.nowNs,
    });
    const info = await again.runner.info();
    expect([info.clock.nowNs, info.fingerprint]).toEqual([clock.nowNs, fingerprint]);
    expect([again.heard, again.journal]).toEqual([[], []]);
    const next = await again.runner.start({ node: 'a', command: 'true' });
    expect(
      journal.some(({ input }) => input.type === 'start' && input.process === next.process),
    ).toBe(false);
    expect(again.journal[0]?.sequence).toBe(journal.length + 1);
  });

  test('a destroyed lab refuses everything', async () => {
    const { runner } = await made();
    const pending = runner
      .exec({ node: 'a', command: 'while :; do sleep 1; done' })
      .catch((error: Error) => error.message);
    await specWall.sleep(20);
    await runner.destroy();
    expect(await pending).toBe('the lab has been destroyed');
    await expect(runner.exec({ node: 'a', command: 'true' })).rejects.toMatchObject({
      kind: 'failed',
    });
  });
});

declare function structuredClone<T>(value: T): T;
