import { parseScenario, type ScenarioResult, type StepResult } from '@netloom/lab';
import {
  countReports,
  junitXml,
  reportJson,
  shortenLine,
  stepText,
  timeText,
  type FileReport,
} from './report.js';
import { table } from './table.js';
import { quoteForShell } from './shell-quote.js';

function steps(): StepResult[] {
  const parsed = parseScenario(
    'name: x\ntopology: {nodes: {a: {}}}\nsteps: [{node: a, exec: "ping -c 1 10.0.0.2", exit: 0}, {node: a, exec: "first line\\nsecond", stdout: ["<&>"]}]',
  );
  if (!parsed.ok) throw new Error('scenario');
  const [one, two] = parsed.value.steps;
  if (one === undefined || two === undefined) throw new Error('steps');
  return [
    {
      number: 1,
      step: one,
      ok: true,
      problems: [],
      output: '1 received\n',
      exitCode: 0,
      durationNs: 3.2e6,
    },
    {
      number: 2,
      step: two,
      ok: false,
      problems: ['no match for /<&>/m'],
      output: 'bad\x01 "text"\n',
      exitCode: 1,
      durationNs: 2.5e9,
    },
  ];
}

const result = (): ScenarioResult => ({
  name: 'x',
  backend: 'linux',
  ok: false,
  warnings: [],
  steps: steps(),
});

describe('what `netloom test` prints', () => {
  test('a line a step, details where it failed', () => {
    const [one, two] = steps();
    if (one === undefined || two === undefined) throw new Error('steps');
    expect(stepText(one, false)).toBe('  ok   1 a: ping -c 1 10.0.0.2 (3.2 ms)');
    expect(stepText(one, true)).toBe(
      '  ok   1 a: ping -c 1 10.0.0.2 (3.2 ms)\n       | 1 received',
    );
    expect(stepText(two, false)).toBe(
      [
        '  FAIL 2 a: first line … (2.50 s)',
        '       $ a: first line',
        '       $ second',
        '       - no match for /<&>/m',
        '       | bad\x01 "text"',
      ].join('\n'),
    );
  });

  test('counts steps, refused files, broken runs and differences', () => {
    const reports: FileReport[] = [
      { file: 'a.yml', backend: 'linux', result: result() },
      { file: 'b.yml', backend: 'linux', skipped: 'needs root' },
      { file: 'c.yml', backend: 'linux', refused: 'name: is required' },
      { file: 'd.yml', backend: 'linux', result: { ...result(), failure: 'no memory' } },
      { file: 'e.yml', backend: 'both', differences: ['step 1: x'] },
    ];
    expect(countReports(reports)).toEqual({ passed: 2, failed: 5 });
    const json = JSON.parse(JSON.stringify(reportJson(reports))) as {
      skipped: number;
      files: { steps?: { step: { expect: { stdout: string[] } } }[] }[];
    };
    expect(json.skipped).toBe(1);
    expect(json.files[0]?.steps?.[1]?.step.expect.stdout).toEqual(['<&>']);
  });

  test('JUnit XML escapes what XML cannot hold', () => {
    const xml = junitXml([
      { file: 'a.yml', backend: 'linux', result: result() },
      { file: 'b.yml', backend: 'linux', skipped: 'needs root' },
    ]);
    expect(xml).toContain('<testsuites name="netloom" tests="2" failures="1">');
    expect(xml).toContain(
      '<testsuite name="x (linux)" tests="2" failures="1" skipped="0" time="2.503200">',
    );
    expect(xml).toContain('message="no match for /&lt;&amp;&gt;/m"');
    expect(xml).toContain('bad\ufffd &quot;text&quot;');
    expect(xml).toContain('<skipped message="needs root"/>');
    expect(xml).not.toContain('\x01');
  });

  test.each([
    [1e6, '1.0 ms'],
    [25e6, '25 ms'],
    [3600e9, '3600.00 s'],
  ])('%d ns is %s', (ns, text) => {
    expect(timeText(ns)).toBe(text);
  });

  test('shortens long lines', () => {
    expect(shortenLine('x'.repeat(200), 10)).toBe('xxxxxxxxx…');
    expect(shortenLine('one\ntwo')).toBe('one …');
  });
});

test('a table as containerlab prints it', () => {
  expect(
    table(
      ['Name', 'Address'],
      [
        ['a', '10.0.0.1\n10.0.1.1'],
        ['router', 'N/A'],
      ],
    ),
  ).toBe(
    [
      '╭────────┬──────────╮',
      '│ Name   │ Address  │',
      '├────────┼──────────┤',
      '│ a      │ 10.0.0.1 │',
      '│        │ 10.0.1.1 │',
      '├────────┼──────────┤',
      '│ router │ N/A      │',
      '╰────────┴──────────╯',
      '',
    ].join('\n'),
  );
});

test.each([
  ['ping', 'ping'],
  ['a b', "'a b'"],
  ["it's", `'it'\\''s'`],
  ['', "''"],
  ['-c', '-c'],
  ['$x', "'$x'"],
])('quotes %j', (word, quoted) => {
  expect(quoteForShell(word)).toBe(quoted);
});
