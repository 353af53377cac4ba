import fc from 'fast-check';
import { formatProblems } from './check.js';
import { parseScenario, type Scenario } from './scenario.js';
import {
  compareResults,
  describeStep,
  runScenario,
  type CommandOutcome,
  type ScenarioBackend,
} from './scenario-runner.js';

const HEAD =
  'name: x\ntopology: {nodes: {a: {}, b: {}}, links: [{endpoints: ["a:eth1", "b:eth1"]}]}\n';

function good(steps: string): Scenario {
  const parsed = parseScenario(HEAD + steps);
  if (!parsed.ok) throw new Error(formatProblems(parsed.problems));
  return parsed.value;
}

describe('parseScenario', () => {
  test('reads every step', () => {
    const { steps, seed, linux } = good(`steps:
  - {node: a, exec: "ping", exit: 0, stdout: ['^x$'], not_stdout: [y], eventually: 5s}
  - {node: b, exec: "nc -l", background: sink}
  - {sleep: 200ms}
  - {wait: sink, timeout: 10s, exit: 0}
  - {kill: sink, signal: TERM}
  - {capture: wan, node: a, interface: eth1, filter: icmp}
  - {stop: wan}
  - {read: wan, count: {min: 2}, stdout: [z]}
  - {read: wan, count: 3}
`);
    expect([seed, linux]).toEqual([1, true]);
    expect(steps.map((step) => step.kind)).toEqual([
      'exec',
      'background',
      'sleep',
      'wait',
      'kill',
      'capture',
      'stop',
      'read',
      'read',
    ]);
    expect(steps[0]).toMatchObject({
      eventuallyNs: 5e9,
      expect: { exit: 0, stdout: [/^x$/m], notStdout: [/y/m] },
    });
    expect(steps[4]).toMatchObject({ signal: 'TERM', timeoutNs: 30e9 });
    expect(steps[8]).toMatchObject({ count: { min: 3, max: 3 } });
    expect(steps.map(describeStep)[5]).toBe('capture wan: a eth1 "icmp"');
  });

  test('takes the topology of another file, or a whole topology file', () => {
    const text = 'name: t\ntopology: {nodes: {n: {}}}';
    const parsed = parseScenario('name: s\ntopology: {file: ../t.clab.yml}\nsteps: []', {
      loadFile: (path) => (path === '../t.clab.yml' ? text : undefined),
    });
    expect(parsed).toMatchObject({
      ok: true,
      value: { topology: { name: 't', nodes: [{ name: 'n' }] } },
    });
    expect(
      parseScenario(`name: s\ntopology: {name: q, topology: {nodes: {}}}\nsteps: []`),
    ).toMatchObject({ ok: true, value: { topology: { name: 'q' } } });
  });

  test('lists every fault', () => {
    const parsed = parseScenario(`${HEAD}linux: maybe
steps:
  - {node: c, exec: true}
  - {node: a, exec: x, stdout: ['('], exit: 300, retry: 1}
  - {wait: nobody, timeout: long}
  - {exec: x, sleep: 1s}
  - {capture: c1, node: a}
  - {stop: c2}
  - {kill: nobody, signal: FOO}
  - nonsense
  - {read: c1, count: {min: 3, max: 1}}
`);
    expect(parsed.ok ? '' : formatProblems(parsed.problems)).toMatchInlineSnapshot(`
"linux: must be true or false, is "maybe"
steps[0].exec: must be a text, is true
steps[1].retry: unknown key
steps[1].exit: must be a whole number from 0 to 255, is 300
steps[1].stdout[0]: Invalid regular expression: /(/m: Unterminated group
steps[2].wait: no background command "nobody" before this step
steps[2].timeout: must be a time such as 200ms or 5s, is "long"
steps[3]: must have exactly one of exec, sleep, wait, kill, capture, stop, read, has exec, sleep
steps[4].interface: is required
steps[5].stop: no running capture "c2" (did you mean "c1"?)
steps[6].kill: no background command "nobody" before this step
steps[6].signal: unknown signal "FOO"; known: HUP, INT, QUIT, ABRT, KILL, USR1, USR2, PIPE, ALRM, TERM, CHLD, CONT, STOP, TSTP, WINCH
steps[7]: must be a map, is "nonsense"
steps[8].count: min 3 is above max 1"
`);
  });

  test('no input makes it throw', () => {
    const step = fc.dictionary(
      fc.constantFrom(
        'node',
        'exec',
        'sleep',
        'wait',
        'kill',
        'capture',
        'stop',
        'read',
        'count',
        'stdout',
        'exit',
        'signal',
        'background',
      ),
      fc.oneof(
        fc.constantFrom('a', 'x', '(', '5s'),
        fc.integer(),
        fc.constant(null),
        fc.array(fc.string()),
        fc.object(),
      ),
    );
    const document = fc.record({
      name: fc.string(),
      topology: fc.oneof(fc.object(), fc.constant({ nodes: { a: {} } })),
      steps: fc.array(step),
    });
    fc.assert(
      fc.property(document, (value) => void parseScenario(value)),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.anything(), (value) => void parseScenario(value as object)),
      { numRuns: 500 },
    );
  });
});

/** Answers from a script, on a clock of its own. */
class ScriptedBackend implements ScenarioBackend {
  readonly name = 'scripted';
  readonly log: string[] = [];
  private time = 0;
  constructor(private readonly answers: CommandOutcome[] = []) {}
  async up(): Promise<string[]> {
    return ['a warning'];
  }
  async exec(node: string, command: string): Promise<CommandOutcome> {
    this.log.push(`exec ${node} ${command} @${this.time / 1e6}`);
    return this.answers.shift() ?? { exitCode: 0, output: '' };
  }
  async startBackground(name: string): Promise<void> {
    this.log.push(`start ${name}`);
  }
  async wait(name: string): Promise<CommandOutcome> {
    this.log.push(`wait ${name}`);
    return { exitCode: 143, output: 'bye\n' };
  }
  async kill(name: string, signal: string): Promise<void> {
    this.log.push(`kill ${name} ${signal}`);
  }
  async sleep(ns: number): Promise<void> {
    this.time += ns;
  }
  now(): number {
    return this.time;
  }
  async startCapture(): Promise<void> {
    throw new Error('syntax error in filter');
  }
  async stopCapture(): Promise<void> {
    this.log.push('stop');
  }
  async readCapture(): Promise<{ packets: number; text: string }> {
    return { packets: 2, text: 'one\ntwo\n' };
  }
  async down(): Promise<void> {
    this.log.push('down');
  }
}

describe('runScenario', () => {
  test('retries every 200 ms until it holds', async () => {
    const backend = new ScriptedBackend([
      { exitCode: 1, output: '' },
      { exitCode: 1, output: '' },
      { exitCode: 0, output: 'up\n' },
    ]);
    const result = await runScenario(
      good('steps: [{node: a, exec: x, exit: 0, stdout: [^up$], eventually: 1s}]'),
      backend,
    );
    expect(result).toMatchObject({
      ok: true,
      warnings: ['a warning'],
      steps: [{ ok: true, durationNs: 400e6, exitCode: 0 }],
    });
    expect(backend.log).toEqual(['exec a x @0', 'exec a x @200', 'exec a x @400', 'down']);
  });

  test('goes on after a failure, says why, and takes everything down', async () => {
    const backend = new ScriptedBackend([{ exitCode: 2, output: 'nothing\n' }]);
    const result = await runScenario(
      good(`steps:
  - {node: a, exec: x, exit: 0, stdout: ['3 received'], not_stdout: [nothing]}
  - {capture: c, node: a, interface: eth1, filter: "((("}
  - {node: a, exec: y, background: job}
  - {kill: job, signal: TERM, exit: 143}
  - {stop: c}
  - {read: c, count: 3, stdout: [two]}
`),
      backend,
    );
    expect(result.ok).toBe(false);
    expect(result.steps.map((step) => step.problems)).toEqual([
      ['exit code 2, expected 0', 'no match for /3 received/m', 'unwanted match for /nothing/m'],
      ['syntax error in filter'],
      [],
      [],
      [],
      ['2 packets, expected 3'],
    ]);
    expect(backend.log.at(-1)).toBe('down');
  });

  test('compares two runs', async () => {
    const scenario = good('steps: [{node: a, exec: x}, {node: a, exec: y, exit: 0}]');
    const one = await runScenario(scenario, new ScriptedBackend([{ exitCode: 0, output: '' }]));
    const other = await runScenario(
      scenario,
      new ScriptedBackend([
        { exitCode: 1, output: '' },
        { exitCode: 1, output: '' },
      ]),
    );
    expect(compareResults(one, { ...other, backend: 'linux' })).toEqual([
      'step 1 a: x: scripted exit code 0, linux exit code 1'.replace('linux exit code', 'linux'),
      'step 2 a: y: scripted passed, linux failed',
    ]);
  });
});
