/** `netloom test`: scenario files on the emulator, on this machine's kernel, or on both. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  compareResults,
  formatProblems,
  parseScenario,
  runScenario,
  type Scenario,
  type ScenarioBackend,
  type ScenarioResult,
} from '@netloom/lab';
import { LinuxBackend, linuxBackendObstacle, removeLinuxLabs } from './linux-backend.js';
import {
  countReports,
  junitXml,
  reportJson,
  shortenLine,
  stepText,
  type FileReport,
} from './report.js';

export const BACKENDS = ['emulator', 'linux', 'both'] as const;
export type BackendChoice = (typeof BACKENDS)[number];

export interface TestOptions {
  readonly backend: BackendChoice;
  readonly junit?: string;
  readonly json?: boolean;
  readonly seed?: number;
  readonly verbose?: boolean;
}

/** Where the command writes; tests give their own. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/** Makes the emulator's backend for one scenario file. */
export type EmulatorFactory = (options: { readonly baseDir: string }) => Promise<ScenarioBackend>;

/** Runs every file; answers the exit code. */
export async function testCommand(
  files: readonly string[],
  options: TestOptions,
  output: Output,
  emulator: EmulatorFactory,
): Promise<number> {
  const say = (text: string): void => (options.json === true ? undefined : output.out(`${text}\n`));
  const obstacle = options.backend === 'emulator' ? undefined : await linuxBackendObstacle();
  const reports: FileReport[] = [];
  const removeAndDie = (signal: NodeJS.Signals): void => {
    removeLinuxLabs();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGINT', removeAndDie);
  process.once('SIGTERM', removeAndDie);
  try {
    for (const file of files)
      reports.push(...(await testFile(file, options, obstacle, say, output, emulator)));
  } finally {
    process.removeListener('SIGINT', removeAndDie);
    process.removeListener('SIGTERM', removeAndDie);
  }
  if (options.junit !== undefined) writeFileSync(options.junit, junitXml(reports));
  const { passed, failed } = countReports(reports);
  const last = `${passed} passed, ${failed} failed\n`;
  if (options.json === true) {
    output.out(`${JSON.stringify(reportJson(reports), null, 2)}\n`);
    output.err(last);
  } else output.out(last);
  return failed > 0 ? 1 : 0;
}

async function testFile(
  file: string,
  options: TestOptions,
  obstacle: string | undefined,
  say: (text: string) => void,
  output: Output,
  emulator: EmulatorFactory,
): Promise<FileReport[]> {
  const loaded = loadScenario(file);
  if (typeof loaded === 'string') {
    output.err(`${file}: refused\n${loaded.replace(/^/gm, '  ')}\n`);
    return [{ file, backend: options.backend, refused: loaded }];
  }
  const scenario =
    options.seed === undefined ? loaded.scenario : { ...loaded.scenario, seed: options.seed };
  for (const warning of loaded.warnings) output.err(`${file}: ${warning}\n`);
  const baseDir = dirname(resolve(file));
  const reports: FileReport[] = [];
  const runOn = async (backend: ScenarioBackend): Promise<ScenarioResult> => {
    say(`${file} (${backend.name})`);
    const result = await runScenario(scenario, backend, {
      warning: (text) => say(`  note ${shortenLine(text, 200)}`),
      step: (step) => say(stepText(step, options.verbose === true)),
    });
    if (result.failure !== undefined) say(`  FAIL ${result.failure}`);
    reports.push({ file, backend: backend.name, result });
    return result;
  };
  const skip = (reason: string): void => {
    say(`${file} (linux) skipped: ${reason}`);
    reports.push({ file, backend: 'linux', skipped: reason });
  };

  const onEmulator =
    options.backend === 'linux' ? undefined : await runOn(await emulator({ baseDir }));
  if (options.backend === 'emulator') return reports;
  if (!scenario.linux) skip('the file says linux: false');
  else if (obstacle !== undefined) skip(obstacle);
  else {
    const onLinux = await runOn(new LinuxBackend({ baseDir }));
    if (onEmulator !== undefined) {
      const differences = compareResults(onEmulator, onLinux);
      for (const line of differences) say(`  DIFF ${line}`);
      if (differences.length > 0) reports.push({ file, backend: 'both', differences });
    }
  }
  return reports;
}

/** A checked scenario, or what is wrong with it. */
export function loadScenario(
  file: string,
): { readonly scenario: Scenario; readonly warnings: readonly string[] } | string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const parsed = parseScenario(text, {
    loadFile: (path) => {
      try {
        return readFileSync(resolve(dirname(file), path), 'utf8');
      } catch {
        return undefined;
      }
    },
  });
  return parsed.ok
    ? { scenario: parsed.value, warnings: parsed.warnings }
    : formatProblems(parsed.problems);
}
