/** paste, join, comm: several inputs line by line. */
import type { ProgramSpec } from '@netloom/sys';
import type { Input } from '../tool/input.js';
import { quoteAlways, quoteName } from '../tool/quote.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';

function openAll(t: Tool, files: readonly string[]): Input[] {
  let standard: Input | undefined;
  return files.map((file) => {
    if (file === '-') return (standard ??= t.input(0));
    try {
      return t.input(t.open(file));
    } catch (error) {
      return t.fail(`${quoteName(file, true)}: ${errnoText(error)}`);
    }
  });
}

function delimiters(list: string): string[] {
  const out: string[] = [];
  for (let at = 0; at < list.length; at++) {
    if (list[at] !== '\\' || at + 1 >= list.length) out.push(list.charAt(at));
    else
      out.push(
        { n: '\n', t: '\t', '0': '', b: '\b', f: '\f', r: '\r', v: '\v' }[list.charAt(++at)] ??
          list.charAt(at),
      );
  }
  return out.length === 0 ? [''] : out;
}

const paste = defineTool(
  {
    name: 'paste',
    usage: '[OPTION]... [FILE]...',
    about:
      'Write lines consisting of the sequentially corresponding lines from\neach FILE, separated by TABs, to standard output.',
    short: 'd:sz',
    long: { delimiters: 'd:', serial: 's', 'zero-terminated': 'z' },
  },
  async (t, { options, operands }) => {
    const list = delimiters(options.find(({ key }) => key === 'd')?.value ?? '\t');
    const serial = options.some(({ key }) => key === 's');
    const end = options.some(({ key }) => key === 'z') ? '\0' : '\n';
    const between = (index: number): string => list[index % list.length] ?? '';
    const inputs = openAll(t, operands.length === 0 ? ['-'] : operands);
    if (serial) {
      for (const input of inputs) {
        let count = 0;
        for (let line = await input.line(end); line !== undefined; line = await input.line(end)) {
          t.put((count === 0 ? '' : between(count - 1)) + line);
          count++;
        }
        t.put(end);
      }
      return t.status;
    }
    for (;;) {
      let any = false;
      const parts: string[] = [];
      for (const input of inputs) {
        const line = await input.line(end);
        any ||= line !== undefined;
        parts.push(line ?? '');
      }
      if (!any) return t.status;
      t.put(
        parts.map((part, index) => (index === 0 ? part : between(index - 1) + part)).join('') + end,
      );
    }
  },
);

class SortedInput {
  current: string | undefined;
  private complained = false;

  constructor(
    private readonly input: Input,
    private readonly keyOf: (line: string) => string,
    /** Order matters only once a line had no partner. */
    private readonly checks: () => boolean,
    private readonly onDisorder: (line: string) => void,
  ) {}

  async advance(): Promise<void> {
    const before = this.current;
    this.current = await this.input.line();
    if (before === undefined || this.current === undefined || this.complained || !this.checks())
      return;
    if (this.keyOf(this.current) >= this.keyOf(before)) return;
    this.complained = true;
    this.onDisorder(this.current);
  }
}

const comm = defineTool(
  {
    name: 'comm',
    usage: '[OPTION]... FILE1 FILE2',
    about: 'Compare sorted files FILE1 and FILE2 line by line.',
    short: '123z',
    long: {
      'check-order': '--check-order',
      'nocheck-order': '--nocheck-order',
      'output-delimiter': '--output-delimiter:',
      total: '--total',
      'zero-terminated': 'z',
    },
  },
  async (t, { options, operands }) => {
    const keys = new Set(options.map(({ key }) => key));
    const delimiter = options.find(({ key }) => key === '--output-delimiter')?.value ?? '\t';
    if (operands.length < 2)
      t.usage(
        operands.length === 0
          ? 'missing operand'
          : `missing operand after ${quoteAlways(operands[0] ?? '')}`,
      );
    if (operands.length > 2) t.usage(`extra operand ${quoteAlways(operands[2] ?? '')}`);
    let unpaired = keys.has('--check-order');
    const checks = (): boolean => unpaired && !keys.has('--nocheck-order');
    const [one, two] = openAll(t, operands).map(
      (input, index) =>
        new SortedInput(
          input,
          (line) => line,
          checks,
          () => {
            t.warn(`file ${index + 1} is not in sorted order`);
          },
        ),
    ) as [SortedInput, SortedInput];
    await one.advance();
    await two.advance();
    const shown = ['1', '2', '3'].map((column) => !keys.has(column));
    const totals = [0, 0, 0];
    const put = (column: number, line: string): void => {
      totals[column] = (totals[column] ?? 0) + 1;
      unpaired ||= column < 2;
      if (shown[column] === true)
        t.put(`${delimiter.repeat(shown.slice(0, column).filter(Boolean).length)}${line}\n`);
    };
    while (one.current !== undefined || two.current !== undefined) {
      const [a, b] = [one.current, two.current];
      if (b === undefined || (a !== undefined && a < b)) {
        put(0, a ?? '');
        await one.advance();
      } else if (a === undefined || b < a) {
        put(1, b);
        await two.advance();
      } else {
        put(2, a);
        await one.advance();
        await two.advance();
      }
    }
    if (keys.has('--total')) t.put(`${totals.join(delimiter)}${delimiter}total\n`);
    if (t.status !== 0) t.warn('input is not in sorted order');
    return t.status;
  },
);

interface JoinSettings {
  readonly fields: [number, number];
  separator: string | undefined;
  unpaired: Set<number>;
  onlyUnpaired: boolean;
  empty: string;
  format: readonly string[] | undefined;
  ignoreCase: boolean;
  /** A line without a partner has been seen. */
  sawUnpaired: boolean;
}

function fieldsOf(line: string, separator: string | undefined): string[] {
  if (separator === undefined)
    return line.trim() === '' ? [] : line.replace(/^[ \t]+|[ \t]+$/g, '').split(/[ \t]+/);
  return separator === '' ? [line] : line.split(separator);
}

function joined(
  s: JoinSettings,
  key: string,
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): string {
  const between = s.separator ?? ' ';
  if (s.format !== undefined) {
    return s.format
      .map((item) => {
        if (item === '0') return key === '' ? s.empty : key;
        const [file, field] = item.split('.');
        return (file === '1' ? a : b)?.[Number(field) - 1] || s.empty;
      })
      .join(between);
  }
  const others = (parts: readonly string[] | undefined, field: number): string[] =>
    (parts ?? []).filter((_, index) => index !== field - 1);
  return [key, ...others(a, s.fields[0]), ...others(b, s.fields[1])].join(between);
}

const join = defineTool(
  {
    name: 'join',
    usage: '[OPTION]... FILE1 FILE2',
    about:
      'For each pair of input lines with identical join fields, write a line to\nstandard output.',
    short: 'a:e:i1:2:j:o:t:v:z',
    long: {
      'ignore-case': 'i',
      'check-order': '--check-order',
      'nocheck-order': '--nocheck-order',
      header: '--header',
      'zero-terminated': 'z',
    },
  },
  async (t, { options, operands }) => {
    const s: JoinSettings = {
      fields: [1, 1],
      separator: undefined,
      unpaired: new Set(),
      onlyUnpaired: false,
      empty: '',
      format: undefined,
      ignoreCase: false,
      sawUnpaired: false,
    };
    let header = false;
    for (const { key, value = '' } of options) {
      if (key === '1') s.fields[0] = Number(value);
      else if (key === '2') s.fields[1] = Number(value);
      else if (key === 'j') s.fields[0] = s.fields[1] = Number(value);
      else if (key === 't') s.separator = value === '\\t' ? '\t' : value;
      else if (key === 'a' || key === 'v') {
        s.unpaired.add(Number(value));
        s.onlyUnpaired ||= key === 'v';
      } else if (key === 'e') s.empty = value;
      else if (key === 'o') s.format = value === 'auto' ? undefined : value.split(/[, \t]+/);
      else if (key === 'i') s.ignoreCase = true;
      else if (key === '--header') header = true;
    }
    if (operands.length < 2)
      t.usage(
        operands.length === 0
          ? 'missing operand'
          : `missing operand after ${quoteAlways(operands[0] ?? '')}`,
      );
    if (operands.length > 2) t.usage(`extra operand ${quoteAlways(operands[2] ?? '')}`);
    const keyOf =
      (field: number) =>
      (line: string): string => {
        const key = fieldsOf(line, s.separator)[field - 1] ?? '';
        return s.ignoreCase ? key.toUpperCase() : key;
      };
    const [one, two] = openAll(t, operands).map((input, index) => {
      let number = 0;
      const keyed = keyOf(s.fields[index] ?? 1);
      return new SortedInput(
        input,
        (line) => (number++, keyed(line)),
        () => s.sawUnpaired,
        (line) => {
          t.warn(
            `${quoteName(operands[index] ?? '')}:${Math.ceil(number / 2) + 1}: is not sorted: ${line}`,
          );
        },
      );
    }) as [SortedInput, SortedInput];
    await one.advance();
    await two.advance();
    if (header) {
      if (one.current !== undefined || two.current !== undefined) {
        const [a, b] = [
          fieldsOf(one.current ?? '', s.separator),
          fieldsOf(two.current ?? '', s.separator),
        ];
        t.put(`${joined(s, a[s.fields[0] - 1] ?? b[s.fields[1] - 1] ?? '', a, b)}\n`);
      }
      await one.advance();
      await two.advance();
    }
    await joinAll(t, s, one, two, keyOf);
    if (t.status !== 0) t.warn('input is not in sorted order');
    return t.status;
  },
);

async function joinAll(
  t: Tool,
  s: JoinSettings,
  one: SortedInput,
  two: SortedInput,
  keyOf: (field: number) => (line: string) => string,
): Promise<void> {
  const alone = (file: 1 | 2, line: string): void => {
    s.sawUnpaired = true;
    if (!s.unpaired.has(file)) return;
    const parts = fieldsOf(line, s.separator);
    const key = parts[(s.fields[file - 1] ?? 1) - 1] ?? '';
    t.put(`${file === 1 ? joined(s, key, parts, undefined) : joined(s, key, undefined, parts)}\n`);
  };
  const [key1, key2] = [keyOf(s.fields[0]), keyOf(s.fields[1])];
  while (one.current !== undefined && two.current !== undefined) {
    const [a, b] = [key1(one.current), key2(two.current)];
    if (a < b) {
      alone(1, one.current);
      await one.advance();
    } else if (b < a) {
      alone(2, two.current);
      await two.advance();
    } else {
      const group: string[] = [];
      for (; two.current !== undefined && key2(two.current) === a; await two.advance())
        group.push(two.current);
      for (; one.current !== undefined && key1(one.current) === a; await one.advance()) {
        if (s.onlyUnpaired) continue;
        const left = fieldsOf(one.current, s.separator);
        for (const line of group)
          t.put(`${joined(s, left[s.fields[0] - 1] ?? '', left, fieldsOf(line, s.separator))}\n`);
      }
    }
  }
  for (; one.current !== undefined; await one.advance()) alone(1, one.current);
  for (; two.current !== undefined; await two.advance()) alone(2, two.current);
}

export const mergeLinesPrograms: readonly ProgramSpec[] = [paste, comm, join];
