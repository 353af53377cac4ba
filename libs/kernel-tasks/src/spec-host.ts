/**
 * For this package's specs: a host on an engine of its own, and programs run on it to the end.
 */
import { RandomStream } from '@netloom/base';
import { Engine } from '@netloom/engine';
import { decodeText, type Program, type ProgramSpec, type WaitStatus } from '@netloom/sys';
import type { RunOptions } from './run.js';
import { TaskHost, type TaskHostOptions } from './task-host.js';
import { ProgramTable } from './template.js';

declare function setImmediate(fn: () => void): unknown;

export function makeEngine(): Engine {
  return new Engine({ drain: () => new Promise((resolve) => setImmediate(resolve)) });
}

export function makeHost(
  programs: readonly ProgramSpec[] = [],
  options: Partial<TaskHostOptions> = {},
): TaskHost {
  return new TaskHost({
    engine: makeEngine(),
    hostname: 'h',
    bootTimeSec: 1_700_000_000,
    random: new RandomStream(1, 'host'),
    programs: new ProgramTable(programs),
    ...options,
  });
}

export interface Outcome {
  readonly status: WaitStatus | undefined;
  readonly out: string;
  readonly err: string;
  /** Virtual time of the end. */
  readonly endNs: number;
}

/** Runs a program until it ends, or for `limitNs` of virtual time. */
export async function runToEnd(
  host: TaskHost,
  program: string | Program,
  argv: readonly string[] = ['prog'],
  options: RunOptions = {},
  limitNs = 100e9,
): Promise<Outcome> {
  let out = '';
  let err = '';
  const handle = host.run(program, argv, {
    onStdout: (data) => (out += decodeText(data)),
    onStderr: (data) => (err += decodeText(data)),
    ...options,
  });
  const found: { status?: WaitStatus; endNs: number } = { endNs: -1 };
  void handle.exit.then((status) => {
    found.status = status;
    found.endNs = host.engine.now;
    host.engine.stop();
  });
  await host.engine.run(host.engine.now + limitNs);
  return { status: found.status, out, err, endNs: found.endNs };
}
