/** cmp: where two files first differ, or every byte that does. */
import { KernelError, strerror } from '@netloom/base';
import { quoteAlways } from '../tool/quote.js';
import { defineTool } from '../tool/tool.js';

export const cmp = defineTool(
  {
    name: 'cmp',
    usage: '[OPTION]... FILE1 [FILE2 [SKIP1 [SKIP2]]]',
    about: 'Compare two files byte by byte.',
    suite: 'GNU diffutils',
    errorStatus: 2,
    short: 'bi:ln:sv',
    long: {
      'print-bytes': 'b',
      'ignore-initial': 'i:',
      verbose: 'l',
      bytes: 'n:',
      quiet: 's',
      silent: 's',
    },
    usageHint: (called) => `${called}: Try '${called} --help' for more information.\n`,
  },
  async (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const value = (key: string): string | undefined =>
      options.find((option) => option.key === key)?.value;
    const [left, right = '-'] = operands;
    if (left === undefined) return t.usage(`missing operand after ${quoteAlways(t.name)}`);
    const skips = (value('i') ?? '0').split(':').map(Number);
    const limit = Number(value('n') ?? Infinity);
    const read = async (name: string, skip: number): Promise<string> => {
      try {
        return (await t.input(name === '-' ? 0 : t.open(name)).rest()).slice(skip, skip + limit);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        return t.fail(`${name}: ${strerror(error.errno)}`);
      }
    };
    const a = await read(left, skips[0] ?? 0);
    const b = await read(right, skips[1] ?? skips[0] ?? 0);
    const common = Math.min(a.length, b.length);
    const octal = (code: number): string => code.toString(8).padStart(3);
    let result = 0;
    let line = 1;
    const width = String(Math.max(a.length, b.length)).length;
    for (let at = 0; at < common; at++) {
      const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
      if (x !== y) {
        result = 1;
        if (has('s')) return 1;
        if (!has('l')) {
          const bytes = has('b')
            ? ` is ${octal(x)} ${a.charAt(at)} ${octal(y)} ${b.charAt(at)}`
            : '';
          t.put(
            `${left} ${right} differ: ${has('b') ? 'byte' : 'char'} ${at + 1}, line ${line}${bytes}\n`,
          );
          return 1;
        }
        t.put(`${String(at + 1).padStart(width)} ${octal(x)} ${octal(y)}\n`);
      }
      if (x === 10) line++;
    }
    if (a.length === b.length) return result;
    if (has('s')) return 1;
    const shorter = a.length < b.length ? left : right;
    const ended = (a.length < b.length ? a : b).endsWith('\n');
    if (common === 0) t.put(`${t.name}: EOF on ${shorter} which is empty\n`, 2);
    else if (has('l')) t.put(`${t.name}: EOF on ${shorter} after byte ${common}\n`, 2);
    else
      t.put(
        `${t.name}: EOF on ${shorter} after byte ${common}, ${ended ? `line ${line - 1}` : `in line ${line}`}\n`,
        2,
      );
    return 1;
  },
);
