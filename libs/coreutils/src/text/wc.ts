/** wc: lines, words, bytes, characters and the longest line of files. */
import { KernelError } from '@netloom/base';
import { defineTool, type Tool } from '../tool/tool.js';
import { toUnicode } from '../tool/bytes.js';
import { quoteName } from '../tool/quote.js';
import type { Input } from '../tool/input.js';

interface Counts {
  lines: number;
  words: number;
  chars: number;
  bytes: number;
  longest: number;
}

const order = ['lines', 'words', 'chars', 'bytes', 'longest'] as const;

async function count(input: Input, counts: Counts): Promise<void> {
  let inWord = false;
  let column = 0;
  for (let chunk = await input.chunk(); chunk !== undefined; chunk = await input.chunk()) {
    counts.bytes += chunk.length;
    counts.chars += chunk.length;
    for (let at = 0; at < chunk.length; at++) {
      const code = chunk.charCodeAt(at);
      if (code === 10 || code === 13 || code === 12) {
        if (code === 10) counts.lines++;
        counts.longest = Math.max(counts.longest, column);
        column = 0;
      } else if (code === 9) column += 8 - (column % 8);
      else if (code >= 32 && code < 127) column++;
      const blank = code === 32 || (code >= 9 && code <= 13);
      if (blank) inWord = false;
      else if (!inWord && code > 32 && code !== 127) {
        inWord = true;
        counts.words++;
      }
    }
  }
  counts.longest = Math.max(counts.longest, column);
}

/** Columns are as wide as the sum of the files' sizes; 7 at least where a size is not known beforehand. */
function columnWidth(t: Tool, files: readonly string[], shown: number): number {
  if (files.length === 1 && shown === 1) return 1;
  let least = 1;
  let total = 0;
  for (const file of files) {
    try {
      const stat = file === '-' ? t.sys.fstat(0) : t.sys.stat(toUnicode(file));
      if (stat.type === 'file') total += stat.size;
      else least = 7;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
  }
  return Math.max(least, String(total).length);
}

export const wc = defineTool(
  {
    name: 'wc',
    usage: '[OPTION]... [FILE]...',
    about: 'Print newline, word, and byte counts for each FILE.',
    short: 'clLmw',
    long: {
      bytes: 'c',
      chars: 'm',
      lines: 'l',
      words: 'w',
      'max-line-length': 'L',
      total: '--total:',
    },
  },
  async (t, { options, operands }) => {
    const keys = new Set(options.map(({ key }) => key));
    const letters = { lines: 'l', words: 'w', chars: 'm', bytes: 'c', longest: 'L' } as const;
    let shown = order.filter((name) => keys.has(letters[name]));
    if (shown.length === 0) shown = ['lines', 'words', 'bytes'];
    const files = operands.length === 0 ? ['-'] : operands;
    const width = columnWidth(t, files, shown.length);
    const total: Counts = { lines: 0, words: 0, chars: 0, bytes: 0, longest: 0 };
    const print = (counts: Counts, name: string): void => {
      t.put(
        `${shown.map((key) => String(counts[key]).padStart(width)).join(' ')}${name === '' ? '' : ` ${name}`}\n`,
      );
    };
    for (const file of files) {
      const counts: Counts = { lines: 0, words: 0, chars: 0, bytes: 0, longest: 0 };
      const input = t.openInput(file);
      if (input === undefined) continue;
      try {
        await count(input, counts);
      } catch (error) {
        t.warnErrno(quoteName(file, true), error);
      }
      if (input.fd !== 0) t.sys.close(input.fd);
      print(counts, operands.length === 0 ? '' : quoteName(file));
      for (const key of order)
        total[key] =
          key === 'longest' ? Math.max(total[key], counts[key]) : total[key] + counts[key];
    }
    if (files.length > 1) print(total, 'total');
    return t.status;
  },
);
