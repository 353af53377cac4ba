/** nl, fold, fmt, expand, unexpand: the shape of lines. */
import type { ProgramSpec } from '@netloom/sys';
import { quoteAlways } from '../tool/quote.js';
import { defineTool } from '../tool/tool.js';
import { Regex } from '../regex/regex.js';

const nl = defineTool(
  {
    name: 'nl',
    usage: '[OPTION]... [FILE]...',
    about: 'Write each FILE to standard output, with line numbers added.',
    short: 'b:d:f:h:i:l:n:ps:v:w:',
    long: {
      'body-numbering': 'b:',
      'section-delimiter': 'd:',
      'footer-numbering': 'f:',
      'header-numbering': 'h:',
      'line-increment': 'i:',
      'join-blank-lines': 'l:',
      'number-format': 'n:',
      'no-renumber': 'p',
      'number-separator': 's:',
      'starting-line-number': 'v:',
      'number-width': 'w:',
    },
  },
  async (t, { options, operands }) => {
    const style: Record<string, string> = { h: 'n', b: 't', f: 'n' };
    let [increment, start, width, separator, format, renumber, joinBlank] = [
      1,
      1,
      6,
      '\t',
      'rn',
      true,
      1,
    ];
    for (const { key, value = '' } of options) {
      if (key === 'b' || key === 'h' || key === 'f') style[key] = value;
      else if (key === 'i') increment = Number(value);
      else if (key === 'v') start = Number(value);
      else if (key === 'w') width = Number(value);
      else if (key === 's') separator = value;
      else if (key === 'n') format = value;
      else if (key === 'p') renumber = false;
      else if (key === 'l') joinBlank = Number(value);
    }
    for (const name of ['h', 'b', 'f']) {
      if (!/^[atn]$|^p/.test(style[name] ?? ''))
        t.usage(
          `invalid ${{ h: 'header', b: 'body', f: 'footer' }[name] ?? ''} numbering style: ${quoteAlways(style[name] ?? '')}`,
        );
    }
    let number = start;
    let section = 'b';
    let blanks = 0;
    const numbered = (line: string): boolean => {
      const kind = style[section] ?? 'n';
      if (kind === 'a') {
        blanks = line === '' ? blanks + 1 : 0;
        if (line !== '' || blanks === joinBlank) {
          blanks = 0;
          return true;
        }
        return false;
      }
      if (kind === 't') return line !== '';
      return kind.startsWith('p') && new Regex(kind.slice(1), { flavour: 'basic' }).test(line);
    };
    const shown = (value: number): string => {
      const digits = String(Math.abs(value));
      const sign = value < 0 ? '-' : '';
      if (format === 'ln') return (sign + digits).padEnd(width);
      return format === 'rz'
        ? sign + digits.padStart(width - sign.length, '0')
        : (sign + digits).padStart(width);
    };
    await t.eachInput(operands, async (input) => {
      for (let line = await input.line(); line !== undefined; line = await input.line()) {
        const delimiter = { '\\:\\:\\:': 'h', '\\:\\:': 'b', '\\:': 'f' }[line];
        if (delimiter !== undefined) {
          section = delimiter;
          if (renumber) number = start;
          t.put('\n');
        } else if (numbered(line)) {
          t.put(`${shown(number)}${separator}${line}\n`);
          number += increment;
        } else t.put(`${' '.repeat(width + separator.length)}${line}\n`);
      }
    });
    return t.status;
  },
);

const fold = defineTool(
  {
    name: 'fold',
    usage: '[OPTION]... [FILE]...',
    about: 'Wrap input lines in each FILE, writing to standard output.',
    short: '0123456789bsw:',
    long: { bytes: 'b', spaces: 's', width: 'w:' },
  },
  async (t, { options, operands }) => {
    let width = 80;
    let digits = '';
    for (const { key, value = '' } of options) {
      if (/^\d$/.test(key)) width = Number((digits += key));
      else if (key === 'w')
        width = /^[1-9]\d*$/.test(value)
          ? Number(value)
          : t.fail(
              `invalid number of columns: ${quoteAlways(value)}${/^0+$/.test(value) ? ': Numerical result out of range' : ''}`,
            );
    }
    const bytes = options.some(({ key }) => key === 'b');
    const spaces = options.some(({ key }) => key === 's');
    const advance = (column: number, char: string): number => {
      if (bytes) return column + 1;
      if (char === '\b') return Math.max(0, column - 1);
      if (char === '\r') return 0;
      return char === '\t' ? column + 8 - (column % 8) : column + 1;
    };
    await t.eachInput(operands, async (input) => {
      for (let line = await input.line(); line !== undefined; line = await input.line()) {
        let out = '';
        let column = 0;
        for (const char of line) {
          let next = advance(column, char);
          if (next > width && out !== '') {
            const cut = spaces ? Math.max(out.lastIndexOf(' '), out.lastIndexOf('\t')) + 1 : 0;
            const [first, rest] = cut > 0 ? [out.slice(0, cut), out.slice(cut)] : [out, ''];
            t.put(`${first}\n`);
            out = rest;
            column = [...rest].reduce(advance, 0);
            next = advance(column, char);
          }
          out += char;
          column = next;
        }
        t.put(out + (input.terminated ? '\n' : ''));
      }
    });
    return t.status;
  },
);

interface Word {
  readonly text: string;
  /** Blanks to the next word on the same line. */
  readonly space: number;
  /** The end of a sentence; punctuation at which a break is welcome. */
  readonly final: boolean;
  readonly punctuated: boolean;
}

const square = (value: number): number => value * value;

/** Breaks words into lines at the least cost: distance from the goal, raggedness, breaks at bad places. */
function fillParagraph(
  words: readonly Word[],
  indent: string,
  width: number,
  goal: number,
): string[] {
  const count = words.length;
  const best = new Array<number>(count + 1).fill(Infinity);
  const next = new Array<number>(count + 1).fill(count);
  const lengths = new Array<number>(count + 1).fill(0);
  best[count] = 0;
  for (let start = count - 1; start >= 0; start--) {
    let length = indent.length + (words[start]?.text.length ?? 0);
    for (let end = start + 1; end <= count; end++) {
      if (length > width && end > start + 1) break;
      let cost = breakCost(words, start) + (best[end] ?? Infinity);
      if (end < count) {
        cost += square((goal - length) * 10);
        if ((next[end] ?? count) < count) cost += square((length - (lengths[end] ?? 0)) * 10) / 2;
      }
      if (cost < (best[start] ?? Infinity)) {
        best[start] = cost;
        next[start] = end;
        lengths[start] = length;
      }
      length += (words[end - 1]?.space ?? 1) + (words[end]?.text.length ?? 0);
    }
  }
  const lines: string[] = [];
  for (let at = 0; at < count; at = next[at] ?? count) {
    const line = words.slice(at, next[at]);
    lines.push(
      indent +
        line
          .map((word, index) => word.text + (index < line.length - 1 ? ' '.repeat(word.space) : ''))
          .join(''),
    );
  }
  return lines;
}

/** What it costs to begin a line with a word. */
function breakCost(words: readonly Word[], at: number): number {
  let cost = square(70);
  const [before, word, earlier] = [words[at - 1], words[at], words[at - 2]];
  if (before !== undefined) {
    if (/[.?!]["')\]]*$/.test(before.text)) cost += before.final ? -square(50) : square(600);
    else if (before.punctuated) cost -= square(40);
    else if (earlier?.final === true) cost += square(200) / (before.text.length + 2);
  }
  if (word?.text.startsWith('(') === true) cost -= square(40);
  else if (word?.final === true) cost += square(150) / (word.text.length + 2);
  return cost;
}

const fmt = defineTool(
  {
    name: 'fmt',
    usage: '[-WIDTH] [OPTION]... [FILE]...',
    about: 'Reformat each paragraph in the FILE(s), writing to standard output.',
    short: '0123456789cg:p:stuw:',
    long: {
      width: 'w:',
      goal: 'g:',
      'split-only': 's',
      'uniform-spacing': 'u',
      'crown-margin': 'c',
      'tagged-paragraph': 't',
      prefix: 'p:',
    },
  },
  async (t, { options, operands }) => {
    let width = 75;
    let goal: number | undefined;
    let digits = '';
    const splitOnly = options.some(({ key }) => key === 's');
    const uniform = options.some(({ key }) => key === 'u');
    for (const { key, value = '' } of options) {
      if (/^\d$/.test(key)) width = Number((digits += key));
      else if (key === 'w')
        width = /^\d+$/.test(value)
          ? Number(value)
          : t.fail(`invalid width: ${quoteAlways(value)}`);
      else if (key === 'g') goal = Number(value);
    }
    const target = goal ?? Math.floor((width * 187) / 200);
    await t.eachInput(operands, async (input) => {
      let words: Word[] = [];
      let indent = '';
      const finish = (): void => {
        if (words.length > 0)
          t.put(
            fillParagraph(words, indent, width, target)
              .map((line) => `${line}\n`)
              .join(''),
          );
        words = [];
      };
      for (let line = await input.line(); line !== undefined; line = await input.line()) {
        const margin = /^[ \t]*/.exec(line)?.[0] ?? '';
        if (line.trim() === '') {
          finish();
          t.put('\n');
          continue;
        }
        if (words.length > 0 && (margin !== indent || splitOnly)) finish();
        if (words.length === 0) indent = margin;
        for (const [, text = '', blanks = ''] of line.trimStart().matchAll(/(\S+)([ \t]*)/g)) {
          const sentence = /[.?!]["')\]]*$/.test(text);
          const final = sentence && blanks.length !== 1;
          const space = uniform || blanks === '' ? (final ? 2 : 1) : blanks.length;
          words.push({ text, space, final, punctuated: /[.,;:!?]["')\]]*$/.test(text) });
        }
      }
      finish();
    });
    return t.status;
  },
);

/** Tab stops of -t: one number repeats, a list stands for itself. */
function tabStops(list: string): (column: number) => number | undefined {
  const stops = list
    .split(/[, ]+/)
    .filter((stop) => stop !== '')
    .map(Number);
  const [only] = stops;
  if (stops.length === 1 && only !== undefined) return (column) => column + only - (column % only);
  return (column) => stops.find((stop) => stop > column);
}

const expand = defineTool(
  {
    name: 'expand',
    usage: '[OPTION]... [FILE]...',
    about: 'Convert tabs in each FILE to spaces, writing to standard output.',
    short: '0123456789,it:',
    long: { initial: 'i', tabs: 't:' },
  },
  async (t, { options, operands }) => {
    const initial = options.some(({ key }) => key === 'i');
    const digits = options.map(({ key }) => (/^[\d,]$/.test(key) ? key : '')).join('');
    const next = tabStops(
      options.find(({ key }) => key === 't')?.value ?? (digits === '' ? '8' : digits),
    );
    await t.eachInput(operands, async (input) => {
      for (let line = await input.line(); line !== undefined; line = await input.line()) {
        let out = '';
        let column = 0;
        let converts = true;
        for (const char of line) {
          if (char === '\t' && converts) {
            const stop = next(column) ?? column + 1;
            out += ' '.repeat(stop - column);
            column = stop;
            continue;
          }
          if (initial && char !== ' ' && char !== '\t') converts = false;
          out += char;
          column += char === '\b' ? -1 : 1;
        }
        t.put(out + (input.terminated ? '\n' : ''));
      }
    });
    return t.status;
  },
);

const unexpand = defineTool(
  {
    name: 'unexpand',
    usage: '[OPTION]... [FILE]...',
    about: 'Convert blanks in each FILE to tabs, writing to standard output.',
    short: 'at:',
    long: { all: 'a', 'first-only': '--first-only', tabs: 't:' },
  },
  async (t, { options, operands }) => {
    const tabs = options.find(({ key }) => key === 't')?.value;
    const all =
      (options.some(({ key }) => key === 'a') || tabs !== undefined) &&
      !options.some(({ key }) => key === '--first-only');
    const next = tabStops(tabs ?? '8');
    await t.eachInput(operands, async (input) => {
      for (let line = await input.line(); line !== undefined; line = await input.line()) {
        let out = '';
        let pending = '';
        let column = 0;
        let converts = true;
        for (const char of line) {
          if (converts && (char === ' ' || char === '\t')) {
            const stop = next(column) ?? column + 1;
            pending += char;
            column = char === '\t' ? stop : column + 1;
            if (column === stop) {
              out += pending.length > 1 || pending === '\t' ? '\t' : pending;
              pending = '';
            }
            continue;
          }
          out += pending + char;
          pending = '';
          column++;
          if (!all) converts = false;
        }
        t.put(out + pending + (input.terminated ? '\n' : ''));
      }
    });
    return t.status;
  },
);

export const shapeLinesPrograms: readonly ProgramSpec[] = [nl, fold, fmt, expand, unexpand];
