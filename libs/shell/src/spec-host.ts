/** For this package's specs: a host with the shell and a few programs, lines run on it, and terminal sessions. */
import { RandomStream } from '@netloom/base';
// A program sees only the system-call boundary; its specs need something behind it.
// eslint-disable-next-line @nx/enforce-module-boundaries
import { Engine } from '@netloom/engine';
// eslint-disable-next-line @nx/enforce-module-boundaries
import { ProgramTable, TaskHost, type RunOptions } from '@netloom/kernel-tasks';
import { decodeText, type WaitStatus } from '@netloom/sys';
import { shellPrograms } from './index.js';
import { specPrograms } from './spec-programs.js';

declare function setImmediate(fn: () => void): unknown;

const table = new ProgramTable([...shellPrograms, ...specPrograms]);

export function makeHost(): TaskHost {
  const engine = new Engine({ drain: () => new Promise((resolve) => setImmediate(resolve)) });
  return new TaskHost({
    engine,
    hostname: 'h',
    bootTimeSec: 1_700_000_000,
    random: new RandomStream(1, 'host'),
    programs: table,
  });
}

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly status: WaitStatus | undefined;
  /** Virtual time of the end, seconds. */
  readonly seconds: number;
}

/** Runs `bash -c LINE` (or other arguments) to its end; `during` happens at given virtual seconds. */
export async function runLine(
  line: string,
  options: RunOptions & {
    argv?: readonly string[];
    during?: readonly (readonly [number, 'group' | 'process', number])[];
    host?: TaskHost;
  } = {},
): Promise<Ran> {
  const host = options.host ?? makeHost();
  const { engine } = host;
  const chunks = { out: [] as Uint8Array[], err: [] as Uint8Array[] };
  const handle = host.run('/usr/bin/bash', options.argv ?? ['bash', '-c', line], {
    cwd: '/srv',
    env: { LC_ALL: 'C.UTF-8' },
    onStdout: (data) => chunks.out.push(data.slice()),
    onStderr: (data) => chunks.err.push(data.slice()),
    ...options,
  });
  for (const [at, whom, signal] of options.during ?? []) {
    engine.at(
      engine.now + at * 1e9,
      () => (whom === 'group' ? handle.killGroup(signal) : handle.kill(signal)),
      undefined,
    );
  }
  const found: { status?: WaitStatus; seconds: number } = { seconds: -1 };
  void handle.exit.then((status) => {
    found.status = status;
    found.seconds = engine.now / 1e9;
    engine.stop();
  });
  await engine.run(engine.now + 200e9);
  return {
    out: text(chunks.out),
    err: text(chunks.err),
    status: found.status,
    seconds: found.seconds,
  };
}

function text(chunks: readonly Uint8Array[]): string {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return decodeText(all);
}

/** A terminal session: keys typed half a second apart (numbers wait that many seconds). Returns the screen's bytes. */
export async function session(
  keys: readonly (string | number)[],
  argv: readonly string[] = ['bash'],
): Promise<{ shown: string; status: WaitStatus | undefined }> {
  const host = makeHost();
  const { engine } = host;
  let shown = '';
  const pty = host.openPty({
    size: { rows: 24, cols: 80 },
    onOutput: (data) => (shown += decodeText(data)),
  });
  const handle = host.run('/usr/bin/bash', argv, { pty });
  const found: { status?: WaitStatus } = {};
  void handle.exit.then((status) => {
    found.status = status;
    engine.stop();
  });
  let at = 1;
  for (const key of keys) {
    if (typeof key === 'number') at += key;
    else {
      engine.at(at * 1e9, () => pty.input(key), undefined);
      at += 0.5;
    }
  }
  await engine.run(200e9);
  return { shown: shown.replaceAll('\r\n', '\n'), status: found.status };
}
