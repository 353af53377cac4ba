/**
 * grep, egrep, fgrep: prints lines that match (GNU grep 3.8's options, texts and exit codes; C locale).
 *
 * Lines are written as soon as the block that they arrived in is searched, so a `grep` in the middle of a pipeline never
 * holds anything back. Exit code: 0 a line was selected, 1 none, 2 an error.
 */
import type { ProgramSpec } from '@netloom/sys';
import { globRegExp } from '../tool/glob.js';
import { toUnicode } from '../tool/bytes.js';
import { Regex, RegexError, type Matcher } from '../regex/regex.js';
import { PerlRegex } from '../regex/perl.js';
import { defineTool, errnoText, ExitError, type Tool } from '../tool/tool.js';
import type { Input } from '../tool/input.js';
import { grepLong, grepOptions, grepShort, type GrepOptions } from './grep-options.js';

function compile(t: Tool, o: GrepOptions): Matcher {
  try {
    if (o.flavour === 'perl') {
      if (o.patterns.length > 1) t.fail('the -P option only supports a single pattern');
      return new PerlRegex(o.patterns[0] ?? '', { ignoreCase: o.ignoreCase, whole: o.whole });
    }
    if (
      o.flavour === 'extended' &&
      o.patterns.some((pattern) => /^\^?[*+?]|[(|][*+?]/.test(pattern))
    ) {
      t.put(`${t.name}: warning: * at start of expression\n`, 2);
    } else if (
      o.flavour === 'extended' &&
      o.patterns.some((pattern) => /^\^?\{\d+(,\d*)?\}/.test(pattern))
    ) {
      t.put(`${t.name}: warning: {...} at start of expression\n`, 2);
    }
    return new Regex(o.patterns, { flavour: o.flavour, ignoreCase: o.ignoreCase, whole: o.whole });
  } catch (error) {
    if (error instanceof RegexError) return t.fail(error.message);
    throw error;
  }
}

const sgr = { match: '01;31', file: '35', line: '32', separator: '36' } as const;

async function oneLine(input: Input, delimiter: string): Promise<string[] | undefined> {
  const line = await input.line(delimiter);
  return line === undefined ? undefined : [line];
}

class Grep {
  selectedAny = false;
  private anyContext = false;
  private width = 19;
  private readonly matcher: Matcher | undefined;

  constructor(
    private readonly t: Tool,
    private readonly o: GrepOptions,
    private readonly withName: boolean,
  ) {
    this.matcher = o.patterns.length === 0 ? undefined : compile(t, o);
  }

  private paint(kind: keyof typeof sgr, text: string): string {
    return this.o.colour ? `\x1b[${sgr[kind]}m\x1b[K${text}\x1b[m\x1b[K` : text;
  }

  /** Numbers with -T are as wide as the file's size. */
  private number(value: number): string {
    return this.o.initialTab ? String(value).padStart(this.width) : String(value);
  }

  private prefix(name: string, lineNumber: number, offset: number, mark: string): string {
    const o = this.o;
    let out = '';
    const sep = this.paint('separator', mark);
    if (this.withName) out += this.paint('file', name) + (o.nullName ? '\0' : sep);
    if (o.lineNumbers) out += this.paint('line', this.number(lineNumber)) + sep;
    if (o.byteOffsets) out += this.paint('line', this.number(offset)) + sep;
    return out !== '' && o.initialTab ? `${out}\t` : out;
  }

  private painted(line: string): string {
    if (!this.o.colour || this.o.invert) return line;
    let out = '';
    let at = 0;
    for (const { start, end } of this.matches(line)) {
      out += line.slice(at, start) + this.paint('match', line.slice(start, end));
      at = end;
    }
    return out + line.slice(at);
  }

  /** Non-empty matches of a line, left to right. */
  private *matches(line: string): Generator<{ start: number; end: number }> {
    for (let from = 0; from <= line.length;) {
      const match = this.matcher?.exec(line, from);
      if (match === undefined) return;
      if (match.end > match.start) yield match;
      from = match.end > match.start ? match.end : match.end + 1;
    }
  }

  /** Searches one input; returns whether it had a selected line. */
  async search(input: Input, name: string): Promise<boolean> {
    const { o, t } = this;
    let count = 0;
    let lineNumber = 0;
    let offset = 0;
    let lastPrinted = 0;
    let pending = 0;
    let binary = false;
    let stopped = o.maxCount === 0;
    const held: { line: string; number: number; offset: number }[] = [];
    const { type, size } = t.sys.fstat(input.fd);
    this.width = type === 'file' ? String(size).length : 19;
    const quietly = o.quiet || o.list !== '' || o.count;
    reading: while (!stopped || pending > 0) {
      // With -m the rest of a seekable input is left for whoever reads it next.
      const block =
        o.maxCount === Infinity
          ? await input.lines(o.delimiter)
          : await oneLine(input, o.delimiter);
      if (block === undefined) break;
      if (o.binary !== 'text' && o.delimiter === '\n' && !binary) {
        binary = block.some((line) => line.includes('\0'));
        if (binary && o.binary === 'without-match') return false;
      }
      for (const line of block) {
        lineNumber++;
        const start = offset;
        offset += line.length + 1;
        if (stopped && pending === 0) break reading;
        const selected = !stopped && (this.matcher?.test(line) ?? false) !== o.invert;
        if (!selected) {
          if (quietly || binary) continue;
          if (pending > 0) {
            pending--;
            lastPrinted = lineNumber;
            if (!o.onlyMatching)
              t.put(`${this.prefix(name, lineNumber, start, '-')}${line}${o.delimiter}`);
          } else if (o.before > 0) {
            held.push({ line, number: lineNumber, offset: start });
            if (held.length > o.before) held.shift();
          }
          continue;
        }
        count++;
        this.selectedAny = true;
        if (o.quiet) throw new ExitError(0);
        stopped = count >= o.maxCount || o.list !== '';
        if (quietly) continue;
        if (binary) {
          t.put(`${t.name}: ${name}: binary file matches\n`, 2);
          return true;
        }
        this.separate(lastPrinted, held[0]?.number ?? lineNumber);
        for (const before of held) {
          if (!o.onlyMatching)
            t.put(
              `${this.prefix(name, before.number, before.offset, '-')}${before.line}${o.delimiter}`,
            );
        }
        held.length = 0;
        this.printSelected(line, name, lineNumber, start);
        lastPrinted = lineNumber;
        pending = Math.max(0, o.after);
        if (stopped && pending === 0) break reading;
      }
    }
    if (o.count && !o.quiet)
      t.put(
        `${this.withName ? `${this.paint('file', name)}${o.nullName ? '\0' : this.paint('separator', ':')}` : ''}${count}\n`,
      );
    if ((o.list === 'l' && count > 0) || (o.list === 'L' && count === 0))
      t.put(`${name}${o.nullName ? '\0' : '\n'}`);
    return count > 0;
  }

  private separate(lastPrinted: number, next: number): void {
    const o = this.o;
    if (o.before < 0 && o.after < 0) return;
    const gap = lastPrinted === 0 ? this.anyContext : next > lastPrinted + 1;
    if (gap && o.separator !== undefined) this.t.put(`${this.paint('separator', o.separator)}\n`);
    this.anyContext = true;
  }

  private printSelected(line: string, name: string, number: number, offset: number): void {
    const { o, t } = this;
    if (!o.onlyMatching) {
      t.put(`${this.prefix(name, number, offset, ':')}${this.painted(line)}${o.delimiter}`);
      return;
    }
    if (o.invert) return;
    for (const { start, end } of this.matches(line)) {
      t.put(
        `${this.prefix(name, number, offset + start, ':')}${this.paint('match', line.slice(start, end))}${o.delimiter}`,
      );
    }
  }

  /** Searches an operand: a file, `-`, or a folder. */
  async operand(path: string, fromCommandLine: boolean): Promise<void> {
    const { o, t } = this;
    if (path === '-' && fromCommandLine) {
      const input = t.input(0);
      await this.guarded(o.label, () => this.search(input, o.label));
      input.giveBack();
      return;
    }
    const base = path.slice(path.lastIndexOf('/') + 1);
    await this.guarded(path, async () => {
      const type = t.sys.stat(toUnicode(path)).type;
      if (type === 'dir' && o.directories !== 'read') {
        if (o.directories === 'recurse') await this.folder(path);
        return;
      }
      if (this.excluded(base, fromCommandLine)) return;
      const fd = t.open(path);
      try {
        await this.search(t.input(fd), path);
      } finally {
        t.sys.close(fd);
      }
    });
  }

  private excluded(base: string, fromCommandLine: boolean): boolean {
    const o = this.o;
    if (o.exclude.some((glob) => globRegExp(glob).test(base))) return true;
    if (fromCommandLine && !o.recursive) return false;
    return o.include.length > 0 && !o.include.some((glob) => globRegExp(glob).test(base));
  }

  async folder(path: string): Promise<void> {
    const { o, t } = this;
    for (const entry of t.sys.readdir(toUnicode(path === '' ? '.' : path))) {
      const child = path === '' ? entry.name : `${path.replace(/\/+$/, '')}/${entry.name}`;
      if (entry.type === 'dir') {
        if (o.excludeDir.some((glob) => globRegExp(glob).test(entry.name))) continue;
        await this.guarded(child, () => this.folder(child));
      } else if (entry.type === 'file') await this.operand(child, false);
    }
  }

  private async guarded(name: string, body: () => Promise<unknown>): Promise<void> {
    try {
      await body();
    } catch (error) {
      if (error instanceof ExitError) throw error;
      const text = errnoText(error);
      if (!this.o.noMessages) this.t.warn(`${name}: ${text}`);
      this.t.status = 2;
    }
  }
}

function grep(name: string, flavour: GrepOptions['flavour']): ProgramSpec {
  return defineTool(
    {
      name,
      usage: '[OPTION]... PATTERNS [FILE]...',
      about: 'Search for PATTERNS in each FILE.',
      suite: 'GNU grep',
      errorStatus: 2,
      short: grepShort,
      long: grepLong,
      usageHint: (called) =>
        `Usage: ${called} [OPTION]... PATTERNS [FILE]...\nTry '${called} --help' for more information.\n`,
    },
    async (t, parsed) => {
      const { options, files } = await grepOptions(t, parsed, flavour);
      if (options.list !== '' || options.quiet) options.onlyMatching = false;
      const many = files.length > 1 || options.recursive;
      const run = new Grep(t, options, options.withName ?? many);
      if (files.length === 0 && options.recursive) await run.folder('');
      else for (const file of files.length === 0 ? ['-'] : files) await run.operand(file, true);
      if (t.status === 2) return 2;
      return run.selectedAny ? 0 : 1;
    },
  );
}

export const grepPrograms: readonly ProgramSpec[] = [
  grep('grep', 'basic'),
  grep('egrep', 'extended'),
  grep('fgrep', 'fixed'),
];
