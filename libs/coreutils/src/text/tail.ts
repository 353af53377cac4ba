/**
 * tail: the last lines or bytes of files, and what is appended to them (-f, -F).
 *
 * A followed file is looked at every tenth of a second of virtual time (`-s` changes that); a pipe is followed by
 * reading it to its end.
 */
import { KernelError } from '@netloom/base';
import type { Sys } from '@netloom/sys';
import { toUnicode } from '../tool/bytes.js';
import type { Input } from '../tool/input.js';
import { parseInterval, parseSize } from '../tool/numbers.js';
import { quoteAlways } from '../tool/quote.js';
import { defineTool, type Tool } from '../tool/tool.js';

interface Wanted {
  unit: 'lines' | 'bytes';
  count: number;
  fromStart: boolean;
  delimiter: string;
}

interface Followed {
  readonly name: string;
  readonly shown: string;
  fd: number | undefined;
  ino: number;
  size: number;
}

async function lastLines(t: Tool, input: Input, { count, delimiter }: Wanted): Promise<void> {
  let held: string[] = [];
  for (
    let block = await input.lines(delimiter);
    block !== undefined;
    block = await input.lines(delimiter)
  ) {
    const terminated = input.terminated;
    held.push(
      ...block.map((line, index) =>
        terminated || index < block.length - 1 ? line + delimiter : line,
      ),
    );
    if (held.length > count) held = count === 0 ? [] : held.slice(-count);
  }
  t.put(held.join(''));
}

async function show(t: Tool, input: Input, wanted: Wanted): Promise<void> {
  if (wanted.unit === 'lines' && !wanted.fromStart) {
    await lastLines(t, input, wanted);
    return;
  }
  if (wanted.unit === 'bytes' && !wanted.fromStart) {
    let held = '';
    for (let chunk = await input.chunk(); chunk !== undefined; chunk = await input.chunk()) {
      held += chunk;
      if (held.length > wanted.count) held = wanted.count === 0 ? '' : held.slice(-wanted.count);
    }
    t.put(held);
    return;
  }
  let skip = Math.max(0, wanted.count - 1);
  while (skip > 0) {
    if (wanted.unit === 'lines') {
      if ((await input.line(wanted.delimiter)) === undefined) return;
      skip--;
    } else {
      const text = await input.take(Math.min(skip, 65536));
      if (text === '') return;
      skip -= text.length;
    }
  }
  for (let chunk = await input.chunk(); chunk !== undefined; chunk = await input.chunk())
    t.put(chunk);
}

/** Whether `--pid` still lives. */
function alive(sys: Sys, pid: number): boolean {
  return sys.processes().some((process) => process.pid === pid && process.state !== 'Z');
}

class Follower {
  private lastShown: string | undefined;

  constructor(
    private readonly t: Tool,
    private readonly files: readonly Followed[],
    private readonly headers: boolean,
    private readonly byName: boolean,
    lastShown: string | undefined,
  ) {
    this.lastShown = lastShown;
  }

  async run(intervalNs: number, pid: number | undefined): Promise<void> {
    for (;;) {
      await this.t.flush();
      if (pid !== undefined && !alive(this.t.sys, pid)) return;
      await this.t.sys.sleep(intervalNs);
      for (const file of this.files) {
        if (this.byName) this.lookAgain(file);
        if (file.fd !== undefined) await this.more(file, file.fd);
      }
      if (!this.byName && this.files.every((file) => file.fd === undefined)) {
        this.t.warn('no files remaining');
        return;
      }
    }
  }

  private lookAgain(file: Followed): void {
    const { sys } = this.t;
    try {
      const stat = sys.stat(toUnicode(file.name));
      if (file.fd !== undefined && stat.ino === file.ino) return;
      const text = file.fd === undefined ? 'has appeared' : 'has been replaced';
      this.t.warn(`${quoteAlways(file.shown)} ${text};  following new file`, 0);
      if (file.fd !== undefined) sys.close(file.fd);
      file.fd = this.t.open(file.name);
      file.ino = stat.ino;
      file.size = 0;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      if (file.fd === undefined) return;
      this.t.warnErrno(`${quoteAlways(file.shown)} has become inaccessible`, error);
      sys.close(file.fd);
      file.fd = undefined;
    }
  }

  private async more(file: Followed, fd: number): Promise<void> {
    const { sys } = this.t;
    const { size } = sys.fstat(fd);
    if (size < file.size) {
      this.t.warn(`${file.shown}: file truncated`, 0);
      sys.seek(fd, 0, 'set');
      file.size = 0;
    }
    const text = await this.t.input(fd).rest();
    if (text === '') return;
    file.size += text.length;
    if (this.headers && this.lastShown !== file.name) this.t.put(`\n==> ${file.shown} <==\n`);
    this.lastShown = file.name;
    this.t.put(text);
    await this.t.flush();
  }
}

function readCount(
  t: Tool,
  value: string,
  unit: Wanted['unit'],
): Pick<Wanted, 'unit' | 'count' | 'fromStart'> {
  const count = parseSize(value.replace(/^[-+]/, ''));
  if (count === undefined) return t.fail(`invalid number of ${unit}: ${quoteAlways(value)}`);
  return { unit, count, fromStart: value.startsWith('+') };
}

export const tail = defineTool(
  {
    name: 'tail',
    usage: '[OPTION]... [FILE]...',
    about: 'Print the last 10 lines of each FILE to standard output.',
    raw: true,
  },
  async (t) => {
    const args = [...t.args];
    const old =
      /^([-+])(\d+)([bcl]?)(f?)$/.exec(args[0] ?? '') ??
      /^([-+])(\d*)([bcl])(f?)$/.exec(
        args.length <= 2 && !(args[0] ?? '').startsWith('-c') ? (args[0] ?? '') : '',
      );
    if (old !== null) {
      const count = `${old[1] === '+' ? '+' : ''}${old[2] === '' ? '10' : (old[2] ?? '')}${old[3] === 'b' ? 'b' : ''}`;
      args.splice(
        0,
        1,
        old[3] === 'c' || old[3] === 'b' ? '-c' : '-n',
        count,
        ...(old[4] === 'f' ? ['-f'] : []),
      );
    }
    const { options, operands } = t.parse(
      {
        short: 'c:n:fFqs:vz',
        long: {
          bytes: 'c:',
          lines: 'n:',
          follow: '--follow::',
          quiet: 'q',
          silent: 'q',
          verbose: 'v',
          'zero-terminated': 'z',
          retry: '--retry',
          'sleep-interval': 's:',
          pid: '--pid:',
          'max-unchanged-stats': '--max:',
        },
      },
      args,
    );
    if (old !== null && operands.length > 1)
      t.fail(`option used in invalid context -- ${old[2] ?? ''}`);
    let wanted: Wanted = { unit: 'lines', count: 10, fromStart: false, delimiter: '\n' };
    let headers = operands.length > 1;
    let follow: '' | 'descriptor' | 'name' = '';
    let retry = false;
    let intervalNs = 1e8;
    let pid: number | undefined;
    for (const { key, value = '' } of options) {
      if (key === 'c' || key === 'n')
        wanted = { ...wanted, ...readCount(t, value, key === 'c' ? 'bytes' : 'lines') };
      else if (key === 'z') wanted = { ...wanted, delimiter: '\0' };
      else if (key === 'f') follow = 'descriptor';
      else if (key === '--follow') follow = value === 'name' ? 'name' : 'descriptor';
      else if (key === 'F') {
        follow = 'name';
        retry = true;
      } else if (key === '--retry') retry = true;
      else if (key === 's')
        intervalNs =
          parseInterval(value) ?? t.fail(`invalid number of seconds: ${quoteAlways(value)}`);
      else if (key === '--pid') pid = Number(value);
      else if (key === 'q' || key === 'v') headers = key === 'v';
    }
    const followed: Followed[] = [];
    let lastShown: string | undefined;
    for (const name of operands.length === 0 ? ['-'] : operands) {
      const shown = name === '-' ? 'standard input' : name;
      let fd = 0;
      try {
        if (name !== '-') fd = t.open(name);
        if (headers) t.put(`${lastShown === undefined ? '' : '\n'}==> ${shown} <==\n`);
        lastShown = name;
        await show(t, t.input(fd), wanted);
        const stat = t.sys.fstat(fd);
        if (stat.type === 'file')
          followed.push({ name, shown, fd, ino: stat.ino, size: stat.size });
      } catch (error) {
        const what =
          lastShown === name
            ? `error reading ${quoteAlways(shown)}`
            : `cannot open ${quoteAlways(shown)} for reading`;
        t.warnErrno(what, error);
        if (retry && follow === 'name')
          followed.push({ name, shown, fd: undefined, ino: -1, size: 0 });
      }
    }
    if (follow !== '' && followed.length > 0)
      await new Follower(t, followed, headers, follow === 'name', lastShown).run(intervalNs, pid);
    else if (follow !== '' && operands.length > 0 && t.status !== 0) t.warn('no files remaining');
    return t.status;
  },
);
