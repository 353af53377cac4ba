/** What `netloom test` prints: a line a step, what was wrong, and the counts; also as JUnit XML. */
import { describeStep, type ScenarioResult, type Step, type StepResult } from '@netloom/lab';

export interface FileReport {
  readonly file: string;
  readonly backend: string;
  /** Absent where the file was skipped or refused. */
  readonly result?: ScenarioResult;
  readonly skipped?: string;
  /** Why the file was refused. */
  readonly refused?: string;
  /** How the backends differ, in the report of `both`. */
  readonly differences?: readonly string[];
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** Steps; a file that was refused or broke off counts one failure more, a difference too. */
export function countReports(reports: readonly FileReport[]): Counts {
  let passed = 0;
  let failed = 0;
  for (const { result, refused, differences } of reports) {
    for (const step of result?.steps ?? []) {
      if (step.ok) passed++;
      else failed++;
    }
    if (refused !== undefined) failed++;
    if (result?.failure !== undefined) failed++;
    failed += differences?.length ?? 0;
  }
  return { passed, failed };
}

export function shortenLine(text: string, most = 110): string {
  const [first = '', ...rest] = text.split('\n');
  const line = first.length > most ? `${first.slice(0, most - 1)}…` : first;
  return rest.length > 0 && !line.endsWith('…') ? `${line} …` : line;
}

function head(text: string, most: number): string[] {
  const lines = text.replace(/\n$/, '').split('\n');
  return lines.length <= most
    ? lines
    : [...lines.slice(0, most), `... ${lines.length - most} more lines`];
}

/** Nanoseconds in the unit people would say. */
export function timeText(ns: number): string {
  if (ns >= 1e9) return `${(ns / 1e9).toFixed(2)} s`;
  return `${(ns / 1e6).toFixed(ns < 1e7 ? 1 : 0)} ms`;
}

/** The line of a step, with details where it failed or `verbose` is asked for. */
export function stepText(result: StepResult, verbose: boolean): string {
  const { ok, number, step, problems, output, durationNs } = result;
  const lines = [
    `  ${ok ? 'ok  ' : 'FAIL'} ${number} ${shortenLine(describeStep(step))} (${timeText(durationNs)})`,
  ];
  if (!ok) {
    if (shortenLine(describeStep(step)) !== describeStep(step))
      lines.push(...head(describeStep(step), 10).map((l) => `       $ ${l}`));
    for (const problem of problems)
      lines.push(...problem.split('\n').map((line) => `       - ${line}`));
  }
  if ((!ok || verbose) && output !== '')
    lines.push(...head(output, 60).map((line) => `       | ${line}`));
  return lines.join('\n');
}

function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, '\ufffd')
    .replace(/[&<>"]/g, (c) =>
      c === '&' ? '&amp;' : c === '<' ? '&lt;' : c === '>' ? '&gt;' : '&quot;',
    );
}

function testCase(file: string, result: StepResult): string {
  const name = escapeXml(`${result.number} ${shortenLine(describeStep(result.step))}`);
  const open = `    <testcase classname="${escapeXml(file)}" name="${name}" time="${(result.durationNs / 1e9).toFixed(6)}"`;
  if (result.ok) return `${open}/>`;
  const message = escapeXml(result.problems.join('; '));
  const text = escapeXml(`${result.problems.join('\n')}\n\n${head(result.output, 200).join('\n')}`);
  return `${open}>\n      <failure message="${message}">${text}</failure>\n    </testcase>`;
}

function suite(report: FileReport): string {
  const { file, backend, result, skipped, refused, differences } = report;
  const cases = (result?.steps ?? []).map((step) => testCase(file, step));
  const extra = (name: string, element: string): void => {
    cases.push(
      `    <testcase classname="${escapeXml(file)}" name="${name}">\n      ${element}\n    </testcase>`,
    );
  };
  if (skipped !== undefined) extra('scenario', `<skipped message="${escapeXml(skipped)}"/>`);
  for (const text of [refused, result?.failure, ...(differences ?? [])]) {
    if (text !== undefined)
      extra(
        'scenario',
        `<failure message="${escapeXml(shortenLine(text))}">${escapeXml(text)}</failure>`,
      );
  }
  const { failed } = countReports([report]);
  const time = (result?.steps ?? []).reduce((sum, step) => sum + step.durationNs, 0) / 1e9;
  const name = escapeXml(`${result?.name ?? file} (${backend})`);
  const counts = `tests="${cases.length}" failures="${failed}" skipped="${skipped === undefined ? 0 : 1}" time="${time.toFixed(6)}"`;
  return `  <testsuite name="${name}" ${counts}>\n${cases.join('\n')}\n  </testsuite>`;
}

/** JUnit XML as CI systems read it. */
export function junitXml(reports: readonly FileReport[]): string {
  const { passed, failed } = countReports(reports);
  const body = reports.map(suite).join('\n');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="netloom" tests="${passed + failed}" failures="${failed}">\n${body}\n</testsuites>\n`;
}

function stepJson(result: StepResult): Record<string, unknown> {
  return { ...result, step: plainStep(result.step), description: describeStep(result.step) };
}

/** A step with its expressions as text. */
function plainStep(step: Step): unknown {
  return JSON.parse(
    JSON.stringify(step, (_key, value: unknown) =>
      value instanceof RegExp ? value.source : value,
    ),
  );
}

/** The whole run as plain data. */
export function reportJson(reports: readonly FileReport[]): Record<string, unknown> {
  return {
    ...countReports(reports),
    skipped: reports.filter((report) => report.skipped !== undefined).length,
    files: reports.map(({ result, ...rest }) => ({
      ...rest,
      ...(result === undefined ? {} : { ...result, steps: result.steps.map(stepJson) }),
    })),
  };
}
