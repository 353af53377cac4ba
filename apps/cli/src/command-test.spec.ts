import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandOutcome, ScenarioBackend } from '@netloom/lab';
import { testCommand, type TestOptions } from './command-test.js';
import { linuxBackendObstacle } from './linux-backend.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'netloom-test-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** An emulator of one answer. */
function scripted(answer: CommandOutcome): ScenarioBackend {
  const nothing = async (): Promise<void> => undefined;
  return {
    name: 'emulator',
    now: () => 0,
    sleep: nothing,
    down: nothing,
    kill: nothing,
    startBackground: nothing,
    startCapture: nothing,
    stopCapture: nothing,
    up: async () => ['note'],
    exec: async () => answer,
    wait: async () => answer,
    readCapture: async () => ({ packets: 0, text: '' }),
  };
}

async function run(
  files: string[],
  options: Partial<TestOptions>,
  answer: CommandOutcome = { exitCode: 0, output: '' },
): Promise<{ out: string; err: string; code: number }> {
  let out = '';
  let err = '';
  const code = await testCommand(
    files,
    { backend: 'emulator', ...options },
    { out: (text) => (out += text), err: (text) => (err += text) },
    async () => scripted(answer),
  );
  return { out: out.replaceAll(dir, 'DIR'), err: err.replaceAll(dir, 'DIR'), code };
}

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const ONE = 'name: one\ntopology: {nodes: {a: {}}}\n';

describe('netloom test', () => {
  test('a line a step, the counts last, and the exit code', async () => {
    const path = file(
      'one.yml',
      `${ONE}steps: [{node: a, exec: "true", exit: 0}, {node: a, exec: "x", exit: 1}]`,
    );
    const { out, code } = await run([path], { junit: join(dir, 'out.xml') });
    expect(out).toBe(
      [
        'DIR/one.yml (emulator)',
        '  note note',
        '  ok   1 a: true (0.0 ms)',
        '  FAIL 2 a: x (0.0 ms)',
        '       - exit code 0, expected 1',
        '1 passed, 1 failed',
        '',
      ].join('\n'),
    );
    expect(code).toBe(1);
    expect(readFileSync(join(dir, 'out.xml'), 'utf8')).toContain(
      '<testsuites name="netloom" tests="2" failures="1">',
    );
  });

  test('a refused file is a failure, said on standard error; the others still run', async () => {
    const bad = file('bad.yml', 'name: x\ntopology: {nodes: {a: {}}}\nsteps: [{node: b, exec: x}]');
    const good = file('good.yml', `${ONE}steps: [{node: a, exec: "true", exit: 0}]`);
    const { out, err, code } = await run([bad, join(dir, 'none.yml'), good], {});
    expect(err).toContain('DIR/bad.yml: refused\n  steps[0].node: no such node "b"');
    expect(err).toMatch(/DIR\/none.yml: refused\n.*ENOENT/);
    expect(out).toMatch(/1 passed, 2 failed\n$/);
    expect(code).toBe(1);
  });

  test('JSON is the only thing on standard output', async () => {
    const path = file('one.yml', `${ONE}steps: [{node: a, exec: "true", stdout: ['^y$']}]`);
    const { out, err } = await run([path], { json: true }, { exitCode: 0, output: 'y\n' });
    expect(JSON.parse(out)).toMatchObject({
      passed: 1,
      failed: 0,
      files: [{ name: 'one', ok: true, steps: [{ ok: true, exitCode: 0, output: 'y\n' }] }],
    });
    expect(err).toBe('1 passed, 0 failed\n');
  });

  test('a topology in another file, relative to the scenario', async () => {
    file('t.clab.yml', 'name: t\ntopology: {nodes: {n: {}}}');
    const path = file(
      's.yml',
      'name: s\ntopology: {file: t.clab.yml}\nsteps: [{node: n, exec: "true", exit: 0}]',
    );
    expect((await run([path], {})).code).toBe(0);
  });
});

const obstacle = await linuxBackendObstacle();
const onLinux = obstacle === undefined ? describe : describe.skip;

test('without root, or for a file that is not for it, the linux backend says that it skips', async () => {
  const path = file('one.yml', `${ONE}linux: false\nsteps: [{node: a, exec: "true"}]`);
  const { out, code } = await run([path], { backend: 'linux' });
  expect(out).toBe('DIR/one.yml (linux) skipped: the file says linux: false\n0 passed, 0 failed\n');
  expect(code).toBe(0);
});

onLinux("the linux backend (on this machine's kernel)", () => {
  const leftovers = (): string[] => [
    ...readdirSync('/var/tmp').filter((name) => name.startsWith(`netloom-${process.pid}-`)),
    ...execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(`netloom-${process.pid}-`)),
  ];

  test('runs every kind of step and leaves nothing behind', async () => {
    writeFileSync(join(dir, 'bound.txt'), 'bound\n');
    const path = file(
      'all.yml',
      `
name: all
topology:
  nodes:
    a: {exec: ["ip addr add 10.0.0.1/24 dev eth1", "false"], env: {X: "1"}, binds: ["bound.txt:/etc/netloom-spec/b.txt"], sysctls: {net.ipv4.conf.eth1.forwarding: 1}}
    sw: {kind: bridge}
    b: {}
  links:
    - endpoints: ["a:eth1", "sw:eth1"]
    - {endpoints: ["sw:eth2", "b:eth1"], ipv4: ["", "10.0.0.2/24"], mtu: 1400}
steps:
  - {capture: c, node: b, interface: eth1, filter: icmp}
  - {node: a, exec: "ping -c 1 -W 1 10.0.0.2", eventually: 5s, exit: 0, stdout: ['1 received']}
  - {stop: c}
  - {read: c, filter: "icmp[icmptype] == 8", count: {min: 1}, stdout: ['10\\.0\\.0\\.1 > 10\\.0\\.0\\.2: ICMP echo request']}
  - {node: a, exec: "echo $X; hostname; cat /etc/netloom-spec/b.txt; cat /proc/sys/net/ipv4/conf/eth1/forwarding; echo err >&2; ls /sys/class/net", exit: 0, stdout: ['^1\\na\\nbound\\n1\\neth1\\nlo\\nerr$']}
  - {node: b, exec: "cat /sys/class/net/eth1/mtu; ls /etc/netloom-spec", exit: 2, stdout: ['^1400$', 'No such file']}
  - {node: b, exec: "sleep 60", background: long}
  - {kill: long, signal: TERM, exit: 143}
  - {node: b, exec: "trap 'echo bye; exit 5' INT; while :; do sleep 0.1; done", background: polite}
  - {kill: polite, exit: 5, stdout: ['^bye$']}
  - {node: b, exec: "sleep 60", timeout: 300ms, exit: 124}
  - {node: b, exec: "sleep 60 & echo started", exit: 0, stdout: ['^started$']}
  - {node: b, exec: "kill -9 $$", exit: 137}
  - {capture: bad, node: b, interface: eth1, filter: "((("}
`,
    );
    const { out, code } = await run([path], { backend: 'linux' });
    expect(
      out
        .split('\n')
        .filter((line) => /FAIL|note|^ {7}/.test(line))
        .join('\n'),
    ).toMatch(
      /^ {2}note a: false: exit code 1: ?\n {2}FAIL 14 capture bad.*\n {7}- tcpdump did not start: .*syntax error/,
    );
    expect([out.split('\n').at(-2), code]).toEqual(['13 passed, 1 failed', 1]);
    expect(leftovers()).toEqual([]);
  }, 30_000);

  test('both compares exit codes and outcomes', async () => {
    const path = file(
      'both.yml',
      `${ONE}steps: [{node: a, exec: "exit 3"}, {node: a, exec: "echo y", stdout: [y]}]`,
    );
    const { out, code } = await run([path], { backend: 'both' }, { exitCode: 0, output: 'y\n' });
    expect(out).toContain('  DIFF step 1 a: exit 3: emulator exit code 0, linux 3\n');
    expect(out).toMatch(/4 passed, 1 failed\n$/);
    expect(code).toBe(1);
  }, 30_000);

  test('a node that cannot be made is a failure, and nothing is left', async () => {
    const path = file(
      'bad.yml',
      'name: x\ntopology: {nodes: {a: {binds: ["none:/etc/x"]}}}\nsteps: []',
    );
    const { out, code } = await run([path], { backend: 'linux' });
    expect(out).toMatch(/FAIL .*none/);
    expect(code).toBe(1);
    expect(leftovers()).toEqual([]);
  }, 30_000);
});
