// The command line's manners: help, errors on standard error with a non-zero exit, JSON on request.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { at, netloom, run, temporaryFolder } from './netloom.mjs';

const folder = temporaryFolder();
const VERBS = [
  'serve',
  'deploy',
  'destroy',
  'inspect',
  'exec',
  'capture',
  'test',
  'run',
  'packetdrill',
];
const NO_SERVER = ['--server', 'http://127.0.0.1:9'];

describe('--help', () => {
  it('lists every verb', () => {
    const { status, stdout, stderr } = netloom('--help');
    expect([status, stderr]).toEqual([0, '']);
    for (const verb of VERBS) expect(stdout).toMatch(new RegExp(`^  ${verb}\\b`, 'm'));
  });

  it.each(VERBS)('%s', (verb) => {
    const { status, stdout, stderr } = netloom(verb, '--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`Usage: netloom ${verb} `);
  });
});

describe('what cannot be done is said on standard error', () => {
  const rows = [
    ['an unknown verb', ['frobnicate'], /^error: unknown command 'frobnicate'/],
    ['an unknown option', ['run', '--frob', 'x'], /^error: unknown option '--frob'/],
    ['a missing argument', ['test'], /^error: missing required argument 'file'/],
    ['a missing option', ['deploy'], /^error: required option '-t, --topo <file>' not specified/],
    ['a number that is none', ['run', '--seed', 'x', 'f'], /'--seed <number>'.*not a whole number/],
    [
      'a time that is none',
      ['run', '--for', 'soon', 'f'],
      /'--for <time>'.*not a time such as 10s/,
    ],
    [
      'an unknown backend',
      ['test', '--backend', 'mars', 'f'],
      /Allowed choices are emulator, linux, both/,
    ],
    ['a file that is not there', ['run', '/nosuch.yml'], /^netloom: ENOENT.*'\/nosuch\.yml'/],
    [
      'a scenario that is not there',
      ['test', '/nosuch.yml'],
      /^\/nosuch\.yml: refused\n {2}ENOENT/,
    ],
    [
      'no server',
      ['inspect', ...NO_SERVER],
      /^netloom: cannot reach the server at http:\/\/127\.0\.0\.1:9/,
    ],
    ['which lab', ['destroy', ...NO_SERVER], /^netloom: which lab\?/],
    ['which command', ['exec', ...NO_SERVER, 'lab', 'node'], /^netloom: which command\?/],
  ];

  it.each(rows)('%s', (_title, args, expected) => {
    const { status, stdout, stderr } = netloom(...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(expected);
    expect(stdout).toBe(
      args[0] === 'test' && args[1] === '/nosuch.yml' ? '0 passed, 1 failed\n' : '',
    );
  });
});

describe('an invalid topology', () => {
  const FAULTS = [
    'topology.nodes.client.cpus: must be a whole number',
    'topology.nodes.switch.kind: unknown kind "switch"',
    'topology.links[0].endpoints[1]: no such node "rotuer"',
    'topology.links[1].endpoints: must have exactly two elements, has 1',
    'topology.links[2].vars.netem.delay: must be a time',
    'topology.links[2].vars.netem.loss: must be a percentage',
  ];

  it.each([
    ['run', ['run']],
    ['deploy', ['deploy', ...NO_SERVER, '-t']],
  ])('%s lists every fault by path', (_verb, args) => {
    const { status, stdout, stderr } = netloom(...args, at('e2e/data/wrong.clab.yml'));
    expect([status, stdout]).toEqual([1, '']);
    for (const fault of FAULTS) expect(stderr).toContain(`  ${fault}`);
    expect(stderr.trimEnd().split('\n')).toHaveLength(FAULTS.length + 1);
  });
});

describe('netloom test', () => {
  const file = join(folder, 'mixed.yml');

  beforeAll(() => {
    writeFileSync(
      file,
      `name: mixed
topology: {nodes: {h: {}}}
steps:
  - {node: h, exec: "echo yes", exit: 0, stdout: ['^yes$']}
  - {node: h, exec: "echo no", exit: 0, stdout: ['^yes$']}
`,
    );
  });

  it('prints a line a step, the counts last, and fails', () => {
    const junit = join(folder, 'junit.xml');
    const { status, stdout } = netloom('test', file, '--junit', junit);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^ {2}ok {3}1 h: echo yes \(.*\)$/m);
    expect(stdout).toMatch(/^ {2}FAIL 2 h: echo no /m);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('1 passed, 1 failed');
    expect(readFileSync(junit, 'utf8')).toContain(
      '<testsuites name="netloom" tests="2" failures="1">',
    );
  });

  it('prints one JSON document', () => {
    const { status, stdout } = netloom('test', file, '--json');
    expect(status).toBe(1);
    const { passed, failed, files } = JSON.parse(stdout);
    expect([passed, failed, files.length]).toEqual([1, 1, 1]);
    expect(files[0].steps.map(({ ok }) => ok)).toEqual([true, false]);
  });
});

describe('bench', () => {
  it('prints its figures as JSON', () => {
    const bench = [
      '--max-semi-space-size=64',
      at('bench/run.mjs'),
      'engine',
      '--samples',
      '1',
      '--json',
    ];
    const { status, stdout } = run(process.execPath, bench);
    expect(status).toBe(0);
    const { cases } = JSON.parse(stdout);
    expect(cases).toEqual([
      {
        name: 'engine',
        unit: 'events / CPU s',
        value: expect.any(Number),
        samples: [cases[0].value],
      },
    ]);
    expect(cases[0].value).toBeGreaterThan(1e5);
  });

  it('refuses a case that there is not', () => {
    const { status, stderr } = run(process.execPath, [at('bench/run.mjs'), 'nosuch', '--json']);
    expect(status).not.toBe(0);
    expect(stderr).toContain('no case is called nosuch');
  });
});
