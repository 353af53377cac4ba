/**
 * For this package's specs: a host with these tools, a directory with the fixtures, and commands run on it to the end.
 *
 * `sh -c` is a stand-in that runs words with `;` between them: the real shell lies on the same layer as this package.
 */
import { RandomStream } from '@netloom/base';
// A spec needs a host to run programs on; the programs themselves see only the system calls.
// eslint-disable-next-line @nx/enforce-module-boundaries
import { Engine } from '@netloom/engine';
// eslint-disable-next-line @nx/enforce-module-boundaries
import { ProgramTable, TaskHost, type RunHandle } from '@netloom/kernel-tasks';
import { OpenFlag, Signal, type ProgramSpec, type Sys, type WaitStatus } from '@netloom/sys';
import { bytesToText, textToBytes } from '../tool/bytes.js';
import { coreutilsPrograms } from '../programs.js';
import { fixtures } from './fixtures.js';

declare function setImmediate(fn: () => void): unknown;

/** Arguments, standard input (the name of a fixture), output, errors, exit code. */
export type ToolCase = readonly [readonly string[], string | undefined, string, string, number];

export interface Outcome {
  readonly out: string;
  readonly err: string;
  /** As `$?`; -1 where it did not end. */
  readonly code: number;
}

function pathOf(name: string): string | undefined {
  return coreutilsPrograms.find((spec) => spec.paths.some((path) => path.endsWith(`/${name}`)))
    ?.paths[0];
}

async function words(sys: Sys, text: string): Promise<number> {
  const list = [...text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? '',
  );
  const toStderr = list.indexOf('1>&2');
  if (toStderr >= 0) list.splice(toStderr, 1);
  const [name] = list;
  if (name === undefined) return 0;
  if (name === 'exit') return sys.exit(Number(list[1]));
  if (name === 'kill') sys.kill(sys.pid, Signal.SIGKILL);
  const program = pathOf(name);
  if (program === undefined) {
    await sys.write(2, textToBytes(`sh: 1: ${name}: not found\n`));
    return 127;
  }
  const pid = sys.spawn({
    program,
    argv: list,
    fds: new Map([
      [0, 0],
      [1, toStderr >= 0 ? 2 : 1],
      [2, 2],
    ]),
  });
  const status = await sys.waitpid(pid);
  return status?.value ?? 0;
}

const shell: ProgramSpec = {
  paths: ['/usr/bin/sh'],
  main: async (sys) => {
    let code = 0;
    for (const part of (sys.argv[2] ?? '').split(';')) code = await words(sys, part);
    return code;
  },
};

export class SpecHost {
  readonly engine = new Engine({ drain: () => new Promise((resolve) => setImmediate(resolve)) });
  private readonly host = new TaskHost({
    engine: this.engine,
    hostname: 'vm',
    bootTimeSec: 1_700_000_000,
    random: new RandomStream(1, 'host'),
    programs: new ProgramTable([...coreutilsPrograms, shell]),
  });

  /** Makes the fixtures in /w. */
  static async create(): Promise<SpecHost> {
    const made = new SpecHost();
    const setup = made.host.run(
      async (sys) => {
        sys.mkdir('/w');
        for (const [name, text] of Object.entries(fixtures)) {
          const fd = sys.open(`/w/${name}`, OpenFlag.O_WRONLY | OpenFlag.O_CREAT, 0o644);
          await sys.write(fd, textToBytes(text));
          sys.close(fd);
        }
        return 0;
      },
      ['setup'],
      { cwd: '/' },
    );
    await made.finish(setup);
    return made;
  }

  private async finish(handle: RunHandle, limitNs = 1000e9): Promise<WaitStatus | undefined> {
    let ended: WaitStatus | undefined;
    void handle.exit.then((status) => {
      ended = status;
      this.engine.stop();
    });
    await this.engine.run(this.engine.now + limitNs);
    return ended;
  }

  /** Runs a command in /w; `onOutput` sees standard output as it comes. */
  async run(
    argv: readonly string[],
    stdin = '',
    onOutput?: (text: string, nowNs: number) => void,
    limitNs?: number,
  ): Promise<Outcome> {
    let [out, err] = ['', ''];
    const handle = this.host.run(argv[0] ?? '', argv, {
      stdin: textToBytes(stdin),
      onStdout: (data) => {
        const text = bytesToText(data);
        out += text;
        onOutput?.(text, this.engine.now);
      },
      onStderr: (data) => (err += bytesToText(data)),
      cwd: '/w',
      env: { LC_ALL: 'C', TZ: 'UTC0' },
    });
    const status = await this.finish(handle, limitNs);
    if (status === undefined) return { out, err, code: -1 };
    return { out, err, code: status.kind === 'exit' ? status.value : 128 + status.value };
  }

  /** Runs programs side by side, each reading what the one before it writes. */
  async pipeline(main: (sys: Sys) => Promise<number>): Promise<Outcome> {
    let [out, err] = ['', ''];
    const handle = this.host.run(main, ['spec'], {
      stdin: '',
      onStdout: (data) => (out += bytesToText(data)),
      onStderr: (data) => (err += bytesToText(data)),
      cwd: '/w',
    });
    const status = await this.finish(handle);
    return { out, err, code: status?.value ?? -1 };
  }
}

/** Checks recorded cases, each on a host of its own. */
export function recorded(title: string, cases: readonly ToolCase[]): void {
  describe(title, () => {
    it.each(cases.map((item) => [item[0].join(' '), item] as const))(
      '%s',
      async (_name, [argv, stdin, out, err, code]) => {
        const host = await SpecHost.create();
        const result = await host.run(argv, stdin === undefined ? '' : fixtures[stdin]);
        expect(result).toEqual({ out, err, code });
      },
    );
  });
}
