/** diff: normal, unified, context, brief, recursive. */
import { diffArrays } from 'diff';
import { KernelError, strerror } from '@netloom/base';
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { civilTime, realTimeOf } from '../tool/calendar.js';
import { quoteAlways, quoteName } from '../tool/quote.js';
import { formatTime } from '../tool/strftime.js';
import { defineTool, type Tool } from '../tool/tool.js';

interface Side {
  readonly name: string;
  readonly lines: readonly string[];
  /** The last line has its newline. */
  readonly terminated: boolean;
  readonly header: string;
}

/** A run of changed lines: [from, to) of either side. */
interface Change {
  a0: number;
  a1: number;
  b0: number;
  b1: number;
}

interface Settings {
  style: 'normal' | 'unified' | 'context' | 'brief';
  context: number;
  ignoreCase: boolean;
  spaces: '' | 'b' | 'w' | 'Z';
  ignoreBlank: boolean;
  recursive: boolean;
  newFile: boolean;
  reportSame: boolean;
  text: boolean;
  labels: string[];
}

function normalise(line: string, s: Settings): string {
  let out = s.ignoreCase ? line.toLowerCase() : line;
  if (s.spaces === 'w') out = out.replace(/[ \t\r\v\f]+/g, '');
  else if (s.spaces === 'b') out = out.replace(/[ \t\r\v\f]+/g, ' ').trimEnd();
  else if (s.spaces === 'Z') out = out.trimEnd();
  return out;
}

/** Changed runs between two lists of lines; one-sided runs stand as late as they can, as GNU diff puts them. */
function changesOf(a: readonly string[], b: readonly string[]): Change[] {
  const changes: Change[] = [];
  let [i, j] = [0, 0];
  for (const part of diffArrays([...a], [...b])) {
    const count = part.value.length;
    if (!part.added && !part.removed) {
      i += count;
      j += count;
      continue;
    }
    const last = changes[changes.length - 1];
    const change =
      last !== undefined && last.a1 === i && last.b1 === j ? last : { a0: i, a1: i, b0: j, b1: j };
    if (change !== last) changes.push(change);
    if (part.removed) i = change.a1 = i + count;
    else j = change.b1 = j + count;
  }
  changes.forEach((change, index) => {
    const limitA = changes[index + 1]?.a0 ?? a.length;
    const limitB = changes[index + 1]?.b0 ?? b.length;
    while (
      change.a0 === change.a1 &&
      change.b1 < limitB &&
      change.a1 < limitA &&
      b[change.b0] === b[change.b1]
    )
      shift(change);
    while (
      change.b0 === change.b1 &&
      change.a1 < limitA &&
      change.b1 < limitB &&
      a[change.a0] === a[change.a1]
    )
      shift(change);
  });
  const merged: Change[] = [];
  for (const change of changes) {
    const last = merged[merged.length - 1];
    if (last !== undefined && last.a1 === change.a0 && last.b1 === change.b0) {
      last.a1 = change.a1;
      last.b1 = change.b1;
    } else merged.push(change);
  }
  return merged;
}

function shift(change: Change): void {
  change.a0++;
  change.a1++;
  change.b0++;
  change.b1++;
}

const noNewline = '\\ No newline at end of file\n';

function row(mark: string, side: Side, index: number): string {
  const missing = index === side.lines.length - 1 && !side.terminated;
  return `${mark}${side.lines[index] ?? ''}\n${missing ? noNewline : ''}`;
}

function normal(a: Side, b: Side, changes: readonly Change[]): string {
  let out = '';
  const range = (from: number, to: number): string =>
    to - from > 1 ? `${from + 1},${to}` : String(from === to ? from : from + 1);
  for (const { a0, a1, b0, b1 } of changes) {
    const letter = a0 === a1 ? 'a' : b0 === b1 ? 'd' : 'c';
    out += `${range(a0, a1)}${letter}${range(b0, b1)}\n`;
    for (let at = a0; at < a1; at++) out += row('< ', a, at);
    if (letter === 'c') out += '---\n';
    for (let at = b0; at < b1; at++) out += row('> ', b, at);
  }
  return out;
}

function hunksOf(changes: readonly Change[], context: number): Change[][] {
  const hunks: Change[][] = [];
  for (const change of changes) {
    const hunk = hunks[hunks.length - 1];
    const last = hunk?.[hunk.length - 1];
    if (hunk !== undefined && last !== undefined && change.a0 - last.a1 <= 2 * context)
      hunk.push(change);
    else hunks.push([change]);
  }
  return hunks;
}

function unified(a: Side, b: Side, changes: readonly Change[], context: number): string {
  let out = `--- ${a.header}\n+++ ${b.header}\n`;
  const range = (from: number, to: number): string =>
    to - from === 1 ? String(from + 1) : `${to === from ? from : from + 1},${to - from}`;
  for (const hunk of hunksOf(changes, context)) {
    const first = hunk[0] as Change;
    const last = hunk[hunk.length - 1] as Change;
    const before = Math.min(context, first.a0);
    const after = Math.min(context, a.lines.length - last.a1);
    out += `@@ -${range(first.a0 - before, last.a1 + after)} +${range(first.b0 - before, last.b1 + after)} @@\n`;
    let at = first.a0 - before;
    for (const { a0, a1, b0, b1 } of hunk) {
      for (; at < a0; at++) out += row(' ', a, at);
      for (; at < a1; at++) out += row('-', a, at);
      for (let line = b0; line < b1; line++) out += row('+', b, line);
    }
    for (const end = last.a1 + after; at < end; at++) out += row(' ', a, at);
  }
  return out;
}

function contextFormat(a: Side, b: Side, changes: readonly Change[], context: number): string {
  let out = `*** ${a.header}\n--- ${b.header}\n`;
  const range = (from: number, to: number): string =>
    to - from > 1 ? `${from + 1},${to}` : String(to);
  for (const hunk of hunksOf(changes, context)) {
    const first = hunk[0] as Change;
    const last = hunk[hunk.length - 1] as Change;
    const before = Math.min(context, first.a0);
    const after = Math.min(context, a.lines.length - last.a1);
    const half = (
      side: Side,
      from: number,
      to: number,
      mine: (change: Change) => [number, number],
      other: (change: Change) => boolean,
      mark: string,
    ): string => {
      if (!hunk.some((change) => mine(change)[0] < mine(change)[1])) return '';
      let text = '';
      for (let at = from; at < to; at++) {
        const change = hunk.find((item) => at >= mine(item)[0] && at < mine(item)[1]);
        text += row(change === undefined ? '  ' : other(change) ? '! ' : `${mark} `, side, at);
      }
      return text;
    };
    out += `***************\n*** ${range(first.a0 - before, last.a1 + after)} ****\n`;
    out += half(
      a,
      first.a0 - before,
      last.a1 + after,
      (c) => [c.a0, c.a1],
      (c) => c.b0 < c.b1,
      '-',
    );
    out += `--- ${range(first.b0 - before, last.b1 + after)} ----\n`;
    out += half(
      b,
      first.b0 - before,
      last.b1 + after,
      (c) => [c.b0, c.b1],
      (c) => c.a0 < c.a1,
      '+',
    );
  }
  return out;
}

class Diff {
  constructor(
    private readonly t: Tool,
    private readonly s: Settings,
    private readonly optionText: string,
  ) {}

  private async side(name: string, label: string | undefined): Promise<Side & { text: string }> {
    const { sys } = this.t;
    if (this.s.newFile && name !== '-' && !this.exists(name)) {
      return {
        name,
        text: '',
        lines: [],
        terminated: true,
        header: label ?? `${name}\t1970-01-01 00:00:00.000000000 +0000`,
      };
    }
    const fd = name === '-' ? 0 : this.t.open(name);
    const { mtimeNs } = sys.fstat(fd);
    const text = await this.t.input(fd).rest();
    if (fd !== 0) sys.close(fd);
    const lines = text.split('\n');
    const terminated = text === '' || text.endsWith('\n');
    if (terminated) lines.pop();
    const { seconds, nanoseconds } = realTimeOf(sys, mtimeNs);
    const stamp = formatTime('%Y-%m-%d %H:%M:%S.%N %z', civilTime(seconds), nanoseconds);
    return { name, text, lines, terminated, header: label ?? `${name}\t${stamp}` };
  }

  /** 0 the same, 1 different, 2 trouble. */
  async files(left: string, right: string, announce: boolean): Promise<number> {
    const { s, t } = this;
    let a: Side & { text: string };
    let b: Side & { text: string };
    try {
      a = await this.side(left, s.labels[0]);
      b = await this.side(right, s.labels[1]);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      t.warn(`${right}: ${strerror(error.errno)}`, 2);
      return 2;
    }
    if (a.text === b.text) {
      if (s.reportSame) t.put(`Files ${a.name} and ${b.name} are identical\n`);
      return 0;
    }
    if (!s.text && (a.text.includes('\0') || b.text.includes('\0'))) {
      t.put(`Binary files ${a.name} and ${b.name} differ\n`);
      return 1;
    }
    const key = (side: Side): string[] =>
      side.lines.map(
        (line, index) =>
          normalise(line, s) + (index === side.lines.length - 1 && !side.terminated ? '\0' : ''),
      );
    let changes = changesOf(key(a), key(b));
    if (s.ignoreBlank) {
      changes = changes.filter(
        ({ a0, a1, b0, b1 }) =>
          ![...a.lines.slice(a0, a1), ...b.lines.slice(b0, b1)].every((line) => line.trim() === ''),
      );
    }
    if (changes.length === 0) {
      if (s.reportSame) t.put(`Files ${a.name} and ${b.name} are identical\n`);
      return 0;
    }
    if (s.style === 'brief') {
      t.put(`Files ${a.name} and ${b.name} differ\n`);
      return 1;
    }
    if (announce) t.put(`diff${this.optionText} ${quoteName(left)} ${quoteName(right)}\n`);
    if (s.style === 'normal') t.put(normal(a, b, changes));
    else
      t.put(
        s.style === 'unified'
          ? unified(a, b, changes, s.context)
          : contextFormat(a, b, changes, s.context),
      );
    return 1;
  }

  private exists(path: string): boolean {
    try {
      this.t.sys.stat(toUnicode(path));
      return true;
    } catch (error) {
      if (error instanceof KernelError) return false;
      throw error;
    }
  }

  private isDir(path: string): boolean {
    if (path === '-' || (this.s.newFile && !this.exists(path))) return false;
    return this.t.sys.stat(toUnicode(path)).type === 'dir';
  }

  async compare(left: string, right: string, nested: boolean): Promise<number> {
    const { t } = this;
    const known: boolean[] = [];
    for (const path of [left, right]) {
      try {
        known.push(this.isDir(path));
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        t.warn(`${path}: ${strerror(error.errno)}`, 2);
      }
    }
    if (known.length < 2) return 2;
    const [leftDir, rightDir] = known as [boolean, boolean];
    if (leftDir && rightDir) return this.folders(left, right);
    if (nested && leftDir !== rightDir) {
      t.put(
        `File ${left} is a ${leftDir ? 'directory' : 'regular file'} while file ${right} is a ${rightDir ? 'directory' : 'regular file'}\n`,
      );
      return 1;
    }
    const base = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
    return this.files(
      leftDir ? `${left}/${base(right)}` : left,
      rightDir ? `${right}/${base(left)}` : right,
      nested,
    );
  }

  private async folders(left: string, right: string): Promise<number> {
    const names = (path: string): Set<string> =>
      new Set(this.t.sys.readdir(toUnicode(path)).map((entry) => fromUnicode(entry.name)));
    const [inLeft, inRight] = [names(left), names(right)];
    let result = 0;
    for (const name of [...new Set([...inLeft, ...inRight])].sort()) {
      const [a, b] = [`${left}/${name}`, `${right}/${name}`];
      if (!this.s.newFile && (!inLeft.has(name) || !inRight.has(name))) {
        const only = inLeft.has(name) ? left : right;
        this.t.put(`Only in ${only}: ${name}\n`);
        result = Math.max(result, 1);
      } else if (!this.s.recursive && this.isDir(a) && this.isDir(b))
        this.t.put(`Common subdirectories: ${a} and ${b}\n`);
      else result = Math.max(result, await this.compare(a, b, true));
    }
    return result;
  }
}

export const diff = defineTool(
  {
    name: 'diff',
    usage: '[OPTION]... FILES',
    about: 'Compare FILES line by line.',
    suite: 'GNU diffutils',
    errorStatus: 2,
    short: '0123456789abBcC:dEiL:nNpqrstuU:wyZ',
    long: {
      normal: '--normal',
      brief: 'q',
      'report-identical-files': 's',
      context: '--context::',
      unified: '--unified::',
      label: 'L:',
      recursive: 'r',
      'new-file': 'N',
      'ignore-case': 'i',
      'ignore-space-change': 'b',
      'ignore-all-space': 'w',
      'ignore-blank-lines': 'B',
      'ignore-trailing-space': 'Z',
      text: 'a',
      color: '--color::',
      minimal: 'd',
      'show-c-function': 'p',
    },
    usageHint: (called) => `${called}: Try '${called} --help' for more information.\n`,
  },
  async (t, { options, operands }) => {
    const s: Settings = {
      style: 'normal',
      context: 3,
      ignoreCase: false,
      spaces: '',
      ignoreBlank: false,
      recursive: false,
      newFile: false,
      reportSame: false,
      text: false,
      labels: [],
    };
    for (const { key, value = '' } of options) {
      if (key === 'u' || key === 'U' || key === '--unified') s.style = 'unified';
      else if (key === 'c' || key === 'C' || key === '--context') s.style = 'context';
      else if (key === 'q') s.style = 'brief';
      else if (key === 'i') s.ignoreCase = true;
      else if (key === 'b' || key === 'w' || key === 'Z') s.spaces = key;
      else if (key === 'B') s.ignoreBlank = true;
      else if (key === 'r') s.recursive = true;
      else if (key === 'N') s.newFile = true;
      else if (key === 's') s.reportSame = true;
      else if (key === 'a') s.text = true;
      else if (key === 'L') s.labels.push(value);
      if (
        (key === 'U' || key === 'C' || key === '--unified' || key === '--context') &&
        value !== ''
      ) {
        s.context = /^\d+$/.test(value)
          ? Number(value)
          : t.fail(`invalid context length ${quoteAlways(value)}`);
      }
    }
    const [left, right, extra] = operands;
    if (left === undefined || right === undefined)
      return t.usage(`missing operand after ${quoteAlways(left ?? t.name)}`);
    if (extra !== undefined) t.usage(`extra operand ${quoteAlways(extra)}`);
    const optionText = t.args
      .slice(0, t.args.indexOf(left))
      .map((arg) => ` ${arg}`)
      .join('');
    return new Diff(t, s, optionText).compare(left, right, false);
  },
);
