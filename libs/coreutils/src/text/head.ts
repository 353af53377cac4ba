/** head: the first lines or bytes of files. It stops reading as soon as it has them. */
import { KernelError } from '@netloom/base';
import { defineTool, type Tool } from '../tool/tool.js';
import type { Input } from '../tool/input.js';
import { parseSize } from '../tool/numbers.js';
import { quoteAlways } from '../tool/quote.js';

interface Wanted {
  unit: 'lines' | 'bytes';
  count: number;
  /** All but the last `count`. */
  fromEnd: boolean;
  delimiter: string;
}

async function firstLines(t: Tool, input: Input, wanted: Wanted): Promise<void> {
  for (let left = wanted.count; left > 0; left--) {
    const line = await input.line(wanted.delimiter);
    if (line === undefined) return;
    t.put(input.terminated ? line + wanted.delimiter : line);
    if (t.full) await t.flush();
  }
}

async function allButLastLines(t: Tool, input: Input, wanted: Wanted): Promise<void> {
  const held: string[] = [];
  for (
    let line = await input.line(wanted.delimiter);
    line !== undefined;
    line = await input.line(wanted.delimiter)
  ) {
    held.push(input.terminated ? line + wanted.delimiter : line);
    if (held.length > wanted.count) t.put(held.shift() ?? '');
  }
}

async function bytes(t: Tool, input: Input, wanted: Wanted): Promise<void> {
  if (wanted.fromEnd) {
    let held = '';
    for (let chunk = await input.chunk(); chunk !== undefined; chunk = await input.chunk()) {
      held += chunk;
      if (held.length <= wanted.count) continue;
      t.put(held.slice(0, held.length - wanted.count));
      held = held.slice(held.length - wanted.count);
    }
    return;
  }
  for (let left = wanted.count; left > 0;) {
    const text = await input.take(Math.min(left, 65536));
    if (text === '') return;
    left -= text.length;
    t.put(text);
    if (t.full) await t.flush();
  }
}

function readCount(t: Tool, value: string, unit: Wanted['unit'], delimiter: string): Wanted {
  const fromEnd = value.startsWith('-');
  const count = parseSize(fromEnd ? value.slice(1) : value);
  if (count === undefined) return t.fail(`invalid number of ${unit}: ${quoteAlways(value)}`);
  return { unit, count, fromEnd, delimiter };
}

export const head = defineTool(
  {
    name: 'head',
    usage: '[OPTION]... [FILE]...',
    about: 'Print the first 10 lines of each FILE to standard output.',
    raw: true,
  },
  async (t) => {
    const args = [...t.args];
    const old = /^-(\d+)([bckmlqvz]*)$/.exec(args[0] ?? '');
    if (old !== null) {
      const flags = old[2] ?? '';
      const unit = flags.includes('c') || flags.includes('b') ? '-c' : '-n';
      args.splice(
        0,
        1,
        unit,
        `${old[1] ?? ''}${/[bkm]/.exec(flags)?.[0] ?? ''}`,
        ...[...flags].filter((f) => 'qvz'.includes(f)).map((f) => `-${f}`),
      );
    }
    const { options, operands } = t.parse(
      {
        short: 'c:n:qvz',
        long: {
          bytes: 'c:',
          lines: 'n:',
          quiet: 'q',
          silent: 'q',
          verbose: 'v',
          'zero-terminated': 'z',
        },
      },
      args,
    );
    let wanted: Wanted = { unit: 'lines', count: 10, fromEnd: false, delimiter: '\n' };
    let headers = operands.length > 1;
    for (const { key, value = '' } of options) {
      if (key === 'c' || key === 'n')
        wanted = readCount(t, value, key === 'c' ? 'bytes' : 'lines', wanted.delimiter);
      else if (key === 'z') wanted = { ...wanted, delimiter: '\0' };
      else headers = key === 'v';
    }
    let first = true;
    for (const file of operands.length === 0 ? ['-'] : operands) {
      let fd = 0;
      try {
        if (file !== '-') fd = t.open(file);
      } catch (error) {
        t.warnErrno(`cannot open ${quoteAlways(file)} for reading`, error);
        continue;
      }
      if (headers) t.put(`${first ? '' : '\n'}==> ${file === '-' ? 'standard input' : file} <==\n`);
      first = false;
      const input = t.input(fd);
      try {
        if (wanted.unit === 'bytes') await bytes(t, input, wanted);
        else await (wanted.fromEnd ? allButLastLines : firstLines)(t, input, wanted);
        input.giveBack();
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        t.warnErrno(`error reading ${quoteAlways(file === '-' ? 'standard input' : file)}`, error);
      }
      if (fd !== 0) t.sys.close(fd);
    }
    return t.status;
  },
);
