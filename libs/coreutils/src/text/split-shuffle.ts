/** split, shuf, tsort, tee: pieces, chance, order, copies. */
import { KernelError } from '@netloom/base';
import { OpenFlag, Signal, type ProgramSpec, type Sys } from '@netloom/sys';
import { textToBytes, toUnicode } from '../tool/bytes.js';
import { parseSize } from '../tool/numbers.js';
import { quoteAlways, quoteName } from '../tool/quote.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';

async function writeFile(t: Tool, name: string, text: string): Promise<void> {
  const fd = t.sys.open(
    toUnicode(name),
    OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC,
    0o666,
  );
  await t.sys.write(fd, textToBytes(text));
  t.sys.close(fd);
}

function suffix(index: number, length: number, alphabet: string): string | undefined {
  let out = '';
  let rest = index;
  for (let at = 0; at < length; at++) {
    out = alphabet.charAt(rest % alphabet.length) + out;
    rest = Math.floor(rest / alphabet.length);
  }
  return rest > 0 ? undefined : out;
}

const split = defineTool(
  {
    name: 'split',
    usage: '[OPTION]... [FILE [PREFIX]]',
    about:
      "Output pieces of FILE to PREFIXaa, PREFIXab, ...;\ndefault size is 1000 lines, and default PREFIX is 'x'.",
    short: '0123456789a:b:C:del:n:t:ux',
    long: {
      'suffix-length': 'a:',
      'additional-suffix': '--additional-suffix:',
      bytes: 'b:',
      'line-bytes': 'C:',
      'numeric-suffixes': '--numeric::',
      'hex-suffixes': '--hex::',
      'elide-empty-files': 'e',
      lines: 'l:',
      number: 'n:',
      separator: 't:',
      unbuffered: 'u',
      verbose: '--verbose',
    },
  },
  async (t, { options, operands }) => {
    let [mode, size, length, alphabet, extra, start, separator, verbose] = [
      'lines',
      1000,
      2,
      'abcdefghijklmnopqrstuvwxyz',
      '',
      0,
      '\n',
      false,
    ];
    let digits = '';
    for (const { key, value = '' } of options) {
      const count = (what: string): number =>
        parseSize(value) ||
        t.fail(
          `invalid number of ${what}: ${quoteAlways(value)}${/^0+$/.test(value) ? ': Numerical result out of range' : ''}`,
        );
      if (/^\d$/.test(key)) size = Number((digits += key));
      else if (key === 'l') [mode, size] = ['lines', count('lines')];
      else if (key === 'b') [mode, size] = ['bytes', count('bytes')];
      else if (key === 'C') [mode, size] = ['line-bytes', count('bytes')];
      else if (key === 'n')
        [mode, size] = [
          value.startsWith('l/') ? 'line-chunks' : 'chunks',
          Number(value.replace(/^[lr]\//, '')),
        ];
      else if (key === 'a') length = Number(value);
      else if (key === 'd' || key === '--numeric')
        [alphabet, start] = ['0123456789', Number(value)];
      else if (key === 'x' || key === '--hex')
        [alphabet, start] = ['0123456789abcdef', parseInt(value || '0', 16)];
      else if (key === '--additional-suffix') extra = value;
      else if (key === 't') separator = value === '\\0' ? '\0' : value;
      else if (key === '--verbose') verbose = true;
    }
    const [file = '-', prefix = 'x'] = operands;
    let text: string;
    try {
      text = await t.input(file === '-' ? 0 : t.open(file)).rest();
    } catch (error) {
      return t.fail(`cannot open ${quoteAlways(file)} for reading: ${errnoText(error)}`);
    }
    const pieces = cutPieces(text, mode, size, separator);
    for (const [index, piece] of pieces.entries()) {
      const name = suffix(index + start, length, alphabet);
      if (name === undefined) return t.fail('output file suffixes exhausted');
      const path = `${prefix}${name}${extra}`;
      if (verbose) t.put(`creating file ${quoteAlways(path)}\n`);
      await writeFile(t, path, piece);
    }
    return 0;
  },
);

function cutPieces(text: string, mode: string, size: number, separator: string): string[] {
  const pieces: string[] = [];
  if (mode === 'bytes' || mode === 'chunks') {
    const piece = mode === 'bytes' ? size : Math.max(1, Math.floor(text.length / size));
    const count = mode === 'bytes' ? Math.ceil(text.length / size) : size;
    for (let at = 0; at < count; at++)
      pieces.push(
        text.slice(
          at * piece,
          mode === 'chunks' && at === count - 1 ? undefined : (at + 1) * piece,
        ),
      );
    return pieces;
  }
  const lines = text
    .split(separator)
    .map((line, index, all) => (index < all.length - 1 ? line + separator : line))
    .filter((line) => line !== '');
  if (mode === 'lines') {
    for (let at = 0; at < lines.length; at += size)
      pieces.push(lines.slice(at, at + size).join(''));
    return pieces;
  }
  const limit = mode === 'line-bytes' ? size : Math.ceil(text.length / size);
  let piece = '';
  for (const line of lines) {
    if (piece !== '' && piece.length + line.length > limit) {
      pieces.push(piece);
      piece = '';
    }
    piece += line;
  }
  return piece === '' ? pieces : [...pieces, piece];
}

function shuffled<T>(sys: Sys, items: readonly T[]): T[] {
  const out = [...items];
  for (let at = out.length - 1; at > 0; at--) {
    const other = Math.floor((sys.random() / 4294967296) * (at + 1));
    [out[at], out[other]] = [out[other] as T, out[at] as T];
  }
  return out;
}

const shuf = defineTool(
  {
    name: 'shuf',
    usage: '[OPTION]... [FILE]',
    about: 'Write a random permutation of the input lines to standard output.',
    short: 'ei:n:o:rz',
    long: {
      echo: 'e',
      'input-range': 'i:',
      'head-count': 'n:',
      output: 'o:',
      'random-source': '--random-source:',
      repeat: 'r',
      'zero-terminated': 'z',
    },
  },
  async (t, { options, operands }) => {
    const value = (key: string): string | undefined =>
      options.filter((option) => option.key === key).pop()?.value;
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const end = has('z') ? '\0' : '\n';
    let items: string[];
    const range = value('i');
    if (range !== undefined) {
      const match = /^(\d+)-(\d+)$/.exec(range);
      const [from, to] = [Number(match?.[1]), Number(match?.[2])];
      if (match === null || from > to + 1)
        return t.fail(`invalid input range: ${quoteAlways(range)}`);
      items = Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
    } else if (has('e')) items = [...operands];
    else {
      if (operands.length > 1) t.usage(`extra operand ${quoteAlways(operands[1] ?? '')}`);
      const text = await t.readWhole(operands[0] ?? '-');
      if (text === undefined) return 1;
      items = text.split(end);
      if (text.endsWith(end) || text === '') items.pop();
    }
    const head = value('n');
    if (head !== undefined && !/^\d+$/.test(head))
      t.fail(`invalid line count: ${quoteAlways(head)}`);
    const count = head === undefined ? Infinity : Number(head);
    let out: string[];
    if (has('r')) {
      if (items.length === 0 && count > 0) t.fail('no lines to repeat');
      if (count === Infinity) {
        for (let turn = 1; ; turn++) {
          t.put((items[Math.floor((t.sys.random() / 4294967296) * items.length)] ?? '') + end);
          if (t.full) await t.flush();
          if (turn % 10000 === 0) await t.sys.cpu(1_000_000);
        }
      }
      out = Array.from(
        { length: count },
        () => items[Math.floor((t.sys.random() / 4294967296) * items.length)] ?? '',
      );
    } else out = shuffled(t.sys, items).slice(0, count);
    const text = out.map((item) => item + end).join('');
    const target = value('o');
    if (target === undefined) t.put(text);
    else await writeFile(t, target, text);
    return t.status;
  },
);

const tsort = defineTool(
  {
    name: 'tsort',
    usage: '[OPTION] [FILE]',
    about: 'Write totally ordered list consistent with the partial ordering in FILE.',
  },
  async (t, { operands }) => {
    const file = operands[0] ?? '-';
    const text = await t.readWhole(file);
    if (text === undefined) return 1;
    const words = text.split(/[ \t\n]+/).filter((word) => word !== '');
    if (words.length % 2 === 1)
      return t.fail(`${quoteName(file, true)}: input contains an odd number of tokens`);
    const after = new Map<string, string[]>();
    const waiting = new Map<string, number>();
    for (const word of words) {
      after.set(word, after.get(word) ?? []);
      waiting.set(word, waiting.get(word) ?? 0);
    }
    for (let at = 0; at < words.length; at += 2) {
      const [from, to] = [words[at] ?? '', words[at + 1] ?? ''];
      if (from === to) continue;
      after.get(from)?.unshift(to);
      waiting.set(to, (waiting.get(to) ?? 0) + 1);
    }
    const queue = [...waiting]
      .filter(([, count]) => count === 0)
      .map(([word]) => word)
      .sort();
    let left = waiting.size;
    for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
      t.put(`${word}\n`);
      waiting.delete(word);
      left--;
      for (const next of after.get(word) ?? []) {
        const count = (waiting.get(next) ?? 0) - 1;
        waiting.set(next, count);
        if (count === 0) queue.push(next);
      }
    }
    if (left > 0) {
      t.warn(`${quoteName(file, true)}: input contains a loop:`);
      for (const word of waiting.keys()) t.warn(word);
      for (const word of waiting.keys()) t.put(`${word}\n`);
    }
    return t.status;
  },
);

const tee = defineTool(
  {
    name: 'tee',
    usage: '[OPTION]... [FILE]...',
    about: 'Copy standard input to each FILE, and also to standard output.',
    short: 'aip',
    long: { append: 'a', 'ignore-interrupts': 'i', 'output-error': '--output-error::' },
  },
  async (t, { options, operands }) => {
    const append = options.some(({ key }) => key === 'a');
    if (options.some(({ key }) => key === 'i')) t.sys.signal(Signal.SIGINT, 'ignore');
    if (options.some(({ key }) => key === 'p' || key === '--output-error'))
      t.sys.signal(Signal.SIGPIPE, 'ignore');
    const outputs: { name: string; fd: number }[] = [{ name: 'standard output', fd: 1 }];
    for (const name of operands) {
      try {
        const flags =
          OpenFlag.O_WRONLY | OpenFlag.O_CREAT | (append ? OpenFlag.O_APPEND : OpenFlag.O_TRUNC);
        outputs.push({
          name: quoteName(name, true),
          fd: t.sys.open(toUnicode(name), flags, 0o666),
        });
      } catch (error) {
        t.warnErrno(quoteName(name, true), error);
      }
    }
    await t.flush();
    for (let live = outputs; live.length > 0;) {
      const bytes = await t.sys.read(0, 65536);
      if (bytes.length === 0) break;
      const failed = new Set<number>();
      for (const { name, fd } of live) {
        try {
          for (let rest = bytes; rest.length > 0;)
            rest = rest.subarray(await t.sys.write(fd, rest));
        } catch (error) {
          if (!(error instanceof KernelError)) throw error;
          t.warnErrno(name, error);
          failed.add(fd);
        }
      }
      live = live.filter(({ fd }) => !failed.has(fd));
    }
    return t.status;
  },
);

export const splitPrograms: readonly ProgramSpec[] = [split, shuf, tsort, tee];
