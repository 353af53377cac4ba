/** xargs: builds command lines from standard input. */
import { KernelError, strerror } from '@netloom/base';
import { OpenFlag } from '@netloom/sys';
import { quoteAlways } from '../tool/quote.js';
import { spawnProgram } from '../tool/spawn.js';
import { defineTool, ExitError, type Tool } from '../tool/tool.js';
import type { Input } from '../tool/input.js';

interface Settings {
  delimiter: string | undefined;
  replace: string | undefined;
  maxArgs: number;
  maxLines: number;
  maxChars: number;
  parallel: number;
  noRunIfEmpty: boolean;
  trace: boolean;
  exitIfTooLong: boolean;
  eof: string | undefined;
}

/** Words of input: `[word, ends a line]`. */
async function* words(
  t: Tool,
  input: Input,
  s: Settings,
): AsyncGenerator<{ word: string; endsLine: boolean }> {
  if (s.delimiter !== undefined) {
    for (
      let word = await input.line(s.delimiter);
      word !== undefined;
      word = await input.line(s.delimiter)
    )
      yield { word, endsLine: true };
    return;
  }
  if (s.replace !== undefined) {
    for (let line = await input.line(); line !== undefined; line = await input.line()) {
      const word = line.replace(/^[ \t]+/, '');
      if (word === '') continue;
      if (s.eof !== undefined && word === s.eof) return;
      yield { word: unquoted(t, word), endsLine: true };
    }
    return;
  }
  for (let line = await input.line(); line !== undefined; line = await input.line()) {
    const found: string[] = [];
    let at = 0;
    while (at < line.length) {
      at += /^[ \t\v\f\r]*/.exec(line.slice(at))?.[0].length ?? 0;
      if (at >= line.length) break;
      let word = '';
      while (at < line.length && !/[ \t\v\f\r]/.test(line.charAt(at))) {
        const char = line.charAt(at);
        if (char === '"' || char === "'") {
          const end = line.indexOf(char, at + 1);
          if (end < 0) unmatched(t, char);
          word += line.slice(at + 1, end);
          at = end + 1;
        } else if (char === '\\') {
          word += line.charAt(at + 1);
          at += 2;
        } else {
          word += char;
          at++;
        }
      }
      found.push(word);
    }
    for (const [index, word] of found.entries()) {
      if (s.eof !== undefined && word === s.eof) return;
      yield { word, endsLine: index === found.length - 1 && !/[ \t]$/.test(line) };
    }
  }
}

function unmatched(t: Tool, char: string): never {
  t.fail(
    `unmatched ${char === '"' ? 'double' : 'single'} quote; by default quotes are special to xargs unless you use the -0 option`,
  );
}

function unquoted(t: Tool, text: string): string {
  let out = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') out += text.charAt(++at);
    else if (char === '"' || char === "'") {
      const end = text.indexOf(char, at + 1);
      if (end < 0) unmatched(t, char);
      out += text.slice(at + 1, end);
      at = end;
    } else out += char;
  }
  return out;
}

class Runner {
  status = 0;
  private readonly running = new Set<number>();

  constructor(
    private readonly t: Tool,
    private readonly s: Settings,
    private readonly program: string,
  ) {}

  /** Waits for one child to end. */
  private async reap(): Promise<void> {
    const { t } = this;
    const ended = await t.sys.waitpid(-1);
    if (ended === undefined) return;
    this.running.delete(ended.pid);
    if (ended.kind === 'signal') {
      t.warn(`${this.program}: terminated by signal ${ended.value}`, 0);
      await this.finish();
      throw new ExitError(125);
    }
    if (ended.value === 255) {
      t.warn(`${this.program}: exited with status 255; aborting`, 0);
      await this.finish();
      throw new ExitError(124);
    }
    if (ended.value !== 0) this.status = 123;
  }

  async run(command: readonly string[]): Promise<void> {
    const { s, t } = this;
    while (this.running.size >= s.parallel) await this.reap();
    if (s.trace)
      t.put(
        `${command.map((word) => (/^[A-Za-z0-9_/.,:=@%+-]+$/.test(word) ? word : quoteAlways(word))).join(' ')}\n`,
        2,
      );
    await t.flush();
    const nothing = t.sys.open('/dev/null', OpenFlag.O_RDONLY);
    try {
      this.running.add(
        spawnProgram(t.sys, command, {
          fds: new Map([
            [0, nothing],
            [1, 1],
            [2, 2],
          ]),
        }),
      );
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      t.put(`${t.name}: ${command[0] ?? ''}: ${strerror(error.errno)}\n`, 2);
      throw new ExitError(error.code === 'ENOENT' ? 127 : 126);
    } finally {
      t.sys.close(nothing);
    }
    if (s.parallel === 1) await this.reap();
  }

  async finish(): Promise<void> {
    while (this.running.size > 0) await this.reap();
  }
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  '0': '\0',
  r: '\r',
  '\\': '\\',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
};

export const xargs = defineTool(
  {
    name: 'xargs',
    usage: '[OPTION]... COMMAND [INITIAL-ARGS]...',
    about: 'Run COMMAND with arguments INITIAL-ARGS and more arguments read from input.',
    suite: 'GNU findutils',
    short: '0a:d:E:e::I:i::L:l::n:P:prs:tx',
    inOrder: true,
    long: {
      null: '0',
      'arg-file': 'a:',
      delimiter: 'd:',
      eof: 'e::',
      replace: 'i::',
      'max-lines': 'l::',
      'max-args': 'n:',
      'max-procs': 'P:',
      interactive: 'p',
      'no-run-if-empty': 'r',
      'max-chars': 's:',
      verbose: 't',
      exit: 'x',
      'open-tty': '--open-tty',
      'show-limits': '--show-limits',
    },
  },
  async (t, { options, operands }) => {
    const s: Settings = {
      delimiter: undefined,
      replace: undefined,
      maxArgs: Infinity,
      maxLines: Infinity,
      maxChars: 131072,
      parallel: 1,
      noRunIfEmpty: false,
      trace: false,
      exitIfTooLong: false,
      eof: undefined,
    };
    let file: string | undefined;
    for (const { key, value = '' } of options) {
      const number = (least: number): number => {
        if (!/^-?\d+$/.test(value)) t.usage(`invalid number "${value}" for -${key} option`);
        if (Number(value) < least)
          t.usage(`value ${value} for -${key} option should be >= ${least}`);
        return Number(value);
      };
      if (key === '0') s.delimiter = '\0';
      else if (key === 'd')
        s.delimiter = value.startsWith('\\')
          ? (escapes[value.charAt(1)] ??
            String.fromCharCode(parseInt(value.replace(/^\\x?/, ''), value[1] === 'x' ? 16 : 8)))
          : value;
      else if (key === 'I') [s.replace, s.maxLines, s.maxArgs] = [value, Infinity, Infinity];
      else if (key === 'i') s.replace = value === '' ? '{}' : value;
      else if (key === 'n') s.maxArgs = number(1);
      else if (key === 'L') s.maxLines = number(1);
      else if (key === 'l') s.maxLines = value === '' ? 1 : number(1);
      else if (key === 'P') s.parallel = number(0) === 0 ? Infinity : number(0);
      else if (key === 'r') s.noRunIfEmpty = true;
      else if (key === 't') s.trace = true;
      else if (key === 's') s.maxChars = number(1);
      else if (key === 'x') s.exitIfTooLong = true;
      else if (key === 'E' || key === 'e') s.eof = value === '' ? undefined : value;
      else if (key === 'a') file = value;
    }
    const command = operands.length === 0 ? ['echo'] : [...operands];
    let input: Input;
    try {
      input = t.input(file === undefined ? 0 : t.open(file));
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return t.fail(`Cannot open input file ${quoteAlways(file ?? '')}: ${strerror(error.errno)}`);
    }
    const runner = new Runner(t, s, command[0] ?? '');
    let batch: string[] = [];
    let lines = 0;
    let any = false;
    const flush = async (): Promise<void> => {
      any = true;
      const args = batch;
      batch = [];
      lines = 0;
      await runner.run([...command, ...args]);
    };
    const fixed = command.reduce((sum, word) => sum + word.length + 1, 0);
    let size = fixed;
    for await (const { word, endsLine } of words(t, input, s)) {
      const { replace } = s;
      if (replace !== undefined) {
        any = true;
        await runner.run(command.map((part) => part.replaceAll(replace, () => word)));
        continue;
      }
      if (batch.length > 0 && size + word.length + 1 > s.maxChars) {
        await flush();
        size = fixed;
      }
      batch.push(word);
      size += word.length + 1;
      if (endsLine) lines++;
      if (batch.length >= s.maxArgs || lines >= s.maxLines) {
        await flush();
        size = fixed;
      }
    }
    if (batch.length > 0 || (!any && !s.noRunIfEmpty && s.replace === undefined)) await flush();
    await runner.finish();
    return runner.status;
  },
);
