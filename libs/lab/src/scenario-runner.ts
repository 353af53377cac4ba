/**
 * Runs a scenario's steps on a backend and judges what they show.
 *
 * Caller: `netloom test` → runScenario → {@link ScenarioBackend}: the emulator (virtual time) or a real kernel. The
 * judgement is here and the same for both; a backend only does things. A backend is taken down whatever happens.
 */
import { formatProblems } from './check.js';
import { LabError, type Topology } from './port.js';
import type { Expectation, Scenario, SignalName, Step } from './scenario.js';

export interface CommandOutcome {
  readonly exitCode: number;
  /** Standard output and then standard error, or both in order of arrival. */
  readonly output: string;
}

export interface ReadOutcome {
  readonly packets: number;
  /** As `tcpdump -nn -r` prints it. */
  readonly text: string;
}

/** What a step needs of the world that it runs in. Any method may reject: the step has then failed. */
export interface ScenarioBackend {
  readonly name: string;
  /** Builds the topology and runs its commands; the returned texts are warnings. */
  up(topology: Topology, seed: number): Promise<readonly string[]>;
  /** Runs a line to its end; exit code 124 after `timeoutNs` (absent: the backend's own limit). */
  exec(node: string, command: string, timeoutNs: number | undefined): Promise<CommandOutcome>;
  /** Starts a line; answers once it has had the time to get going. */
  startBackground(name: string, node: string, command: string): Promise<void>;
  /** Waits for a background line to end; after the timeout it is killed and the code is 124. */
  wait(name: string, timeoutNs: number): Promise<CommandOutcome>;
  /** Sends a signal to the line's process group. */
  kill(name: string, signal: SignalName): Promise<void>;
  sleep(ns: number): Promise<void>;
  /** Nanoseconds on this backend's clock. */
  now(): number;
  startCapture(
    name: string,
    node: string,
    interfaceName: string,
    filter: string | undefined,
  ): Promise<void>;
  /** Everything that has arrived up to now is in the capture afterwards. */
  stopCapture(name: string): Promise<void>;
  readCapture(name: string, filter: string | undefined): Promise<ReadOutcome>;
  /** Removes everything; harmless when nothing is there. */
  down(): Promise<void>;
}

export interface StepResult {
  /** From 1. */
  readonly number: number;
  readonly step: Step;
  readonly ok: boolean;
  /** What was wrong, a sentence each; empty where `ok`. */
  readonly problems: readonly string[];
  readonly output: string;
  /** Where the step has one. */
  readonly exitCode?: number;
  readonly packets?: number;
  /** How long it took on the backend's clock. */
  readonly durationNs: number;
}

export interface ScenarioResult {
  readonly name: string;
  readonly backend: string;
  readonly ok: boolean;
  readonly warnings: readonly string[];
  readonly steps: readonly StepResult[];
  /** Why the steps did not run to their end. */
  readonly failure?: string;
}

export interface ScenarioReporter {
  warning?(text: string): void;
  step?(result: StepResult): void;
}

const RETRY_NS = 200e6;

/** Runs every step even after a failed one, and takes the backend down. */
export async function runScenario(
  scenario: Scenario,
  backend: ScenarioBackend,
  reporter: ScenarioReporter = {},
): Promise<ScenarioResult> {
  const steps: StepResult[] = [];
  const warnings: string[] = [];
  let failure: string | undefined;
  try {
    for (const text of await backend.up(scenario.topology, scenario.seed)) {
      warnings.push(text);
      reporter.warning?.(text);
    }
    for (const [i, step] of scenario.steps.entries()) {
      const result = await runStep(backend, step, i + 1);
      steps.push(result);
      reporter.step?.(result);
    }
  } catch (error) {
    failure = messageOf(error);
  } finally {
    try {
      await backend.down();
    } catch (error) {
      failure ??= `cannot clean up: ${messageOf(error)}`;
    }
  }
  const ok = failure === undefined && steps.every((step) => step.ok);
  return {
    name: scenario.name,
    backend: backend.name,
    ok,
    warnings,
    steps,
    ...(failure === undefined ? {} : { failure }),
  };
}

interface Seen {
  readonly problems: readonly string[];
  readonly output: string;
  readonly exitCode?: number;
  readonly packets?: number;
}

const NOTHING_SEEN: Seen = { problems: [], output: '' };

async function runStep(backend: ScenarioBackend, step: Step, number: number): Promise<StepResult> {
  const start = backend.now();
  let seen: Seen;
  try {
    seen = await act(backend, step);
  } catch (error) {
    seen = { problems: [messageOf(error)], output: '' };
  }
  return {
    number,
    step,
    ok: seen.problems.length === 0,
    durationNs: backend.now() - start,
    ...seen,
  };
}

async function act(backend: ScenarioBackend, step: Step): Promise<Seen> {
  switch (step.kind) {
    case 'exec':
      return execUntil(backend, step);
    case 'background':
      await backend.startBackground(step.name, step.node, step.command);
      return NOTHING_SEEN;
    case 'sleep':
      await backend.sleep(step.ns);
      return NOTHING_SEEN;
    case 'kill':
      await backend.kill(step.name, step.signal);
      return judged(step.expect, await backend.wait(step.name, step.timeoutNs));
    case 'wait':
      return judged(step.expect, await backend.wait(step.name, step.timeoutNs));
    case 'capture':
      await backend.startCapture(step.name, step.node, step.interface, step.filter);
      return NOTHING_SEEN;
    case 'stop':
      await backend.stopCapture(step.name);
      return NOTHING_SEEN;
    case 'read': {
      const { packets, text } = await backend.readCapture(step.name, step.filter);
      const problems = [...missing(step.expect, text)];
      if (step.count !== undefined && (packets < step.count.min || packets > step.count.max)) {
        problems.push(`${packets} packets, expected ${countText(step.count)}`);
      }
      return { problems, output: text, packets };
    }
  }
}

async function execUntil(
  backend: ScenarioBackend,
  step: Step & { readonly kind: 'exec' },
): Promise<Seen> {
  const until = backend.now() + (step.eventuallyNs ?? 0);
  for (;;) {
    const seen = judged(step.expect, await backend.exec(step.node, step.command, step.timeoutNs));
    if (seen.problems.length === 0 || backend.now() >= until) return seen;
    await backend.sleep(RETRY_NS);
  }
}

function judged(expect: Expectation, outcome: CommandOutcome): Seen {
  const { exitCode, output } = outcome;
  const wrong = expect.exit !== undefined && expect.exit !== exitCode;
  const problems = [
    ...(wrong ? [`exit code ${exitCode}, expected ${expect.exit}`] : []),
    ...missing(expect, output),
  ];
  return { problems, output, exitCode };
}

function missing(expect: Expectation, output: string): string[] {
  return [
    ...expect.stdout
      .filter((want) => !want.test(output))
      .map((want) => `no match for /${want.source}/m`),
    ...expect.notStdout
      .filter((no) => no.test(output))
      .map((no) => `unwanted match for /${no.source}/m`),
  ];
}

function countText(count: { readonly min: number; readonly max: number }): string {
  if (count.min === count.max) return String(count.min);
  return count.max === Number.MAX_SAFE_INTEGER
    ? `at least ${count.min}`
    : `${count.min} to ${count.max}`;
}

function messageOf(error: unknown): string {
  if (error instanceof LabError && error.problems.length > 0)
    return `${error.message}\n${formatProblems(error.problems)}`;
  return error instanceof Error ? error.message : String(error);
}

/** One line that says what a step does. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'exec':
      return `${step.node}: ${step.command}`;
    case 'background':
      return `${step.node}: ${step.command} &  # ${step.name}`;
    case 'sleep':
      return `sleep ${step.ns / 1e9}s`;
    case 'wait':
      return `wait ${step.name}`;
    case 'kill':
      return `kill -${step.signal} ${step.name}`;
    case 'capture':
      return `capture ${step.name}: ${step.node} ${step.interface}${step.filter === undefined ? '' : ` "${step.filter}"`}`;
    case 'stop':
      return `stop ${step.name}`;
    case 'read':
      return `read ${step.name}${step.filter === undefined ? '' : ` "${step.filter}"`}`;
  }
}

/** How two runs of one scenario differ, a line each; outcomes and exit codes, not texts. */
export function compareResults(one: ScenarioResult, other: ScenarioResult): string[] {
  const lines: string[] = [];
  const count = Math.max(one.steps.length, other.steps.length);
  for (let i = 0; i < count; i++) {
    const a = one.steps[i];
    const b = other.steps[i];
    const step = a?.step ?? b?.step;
    if (step === undefined) continue;
    const say = (what: string): void =>
      void lines.push(`step ${i + 1} ${describeStep(step)}: ${what}`);
    const word = (result: StepResult | undefined): string =>
      result === undefined ? 'did not run' : result.ok ? 'passed' : 'failed';
    if (word(a) !== word(b)) say(`${one.backend} ${word(a)}, ${other.backend} ${word(b)}`);
    else if (a?.exitCode !== b?.exitCode)
      say(`${one.backend} exit code ${a?.exitCode}, ${other.backend} ${b?.exitCode}`);
    else if (a?.packets !== b?.packets)
      say(`${one.backend} ${a?.packets} packets, ${other.backend} ${b?.packets}`);
  }
  return lines;
}
