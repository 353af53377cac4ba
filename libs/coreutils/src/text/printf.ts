/** printf and echo as separate programs (the shell has its own). */
import type { ProgramSpec } from '@netloom/sys';
import {
  formatFloat,
  formatInteger,
  formatText,
  parseSpec,
  type FormatSpec,
} from '../tool/cformat.js';
import { quoteAlways } from '../tool/quote.js';
import { defineTool, ExitError, type Tool } from '../tool/tool.js';

const letters: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/** Ends all output (`\c`). */
class Stop extends Error {
  constructor(readonly text: string) {
    super('stop');
  }
}

/** Escapes of a format (octal `\NNN`) or of `%b` and `echo -e` (octal `\0NNN`). */
function unescape(text: string, leadingZero: boolean): string {
  let out = '';
  for (let at = 0; at < text.length;) {
    if (text[at] !== '\\' || at + 1 >= text.length) {
      out += text.charAt(at++);
      continue;
    }
    const rest = text.slice(at + 1, at + 12);
    const octal = leadingZero ? /^0([0-7]{0,3})/.exec(rest) : /^([0-7]{1,3})/.exec(rest);
    const hex = /^x([0-9a-fA-F]{1,2})/.exec(rest);
    const letter = rest.charAt(0);
    if (letter === 'c') throw new Stop(out);
    if (octal !== null) out += String.fromCharCode(parseInt(octal[1] || '0', 8) & 255);
    else if (hex !== null) out += String.fromCharCode(parseInt(hex[1] ?? '0', 16));
    else
      out +=
        letters[letter] !== undefined && (letter !== '"' || !leadingZero)
          ? letters[letter]
          : `\\${letter}`;
    at += 1 + (octal?.[0].length ?? hex?.[0].length ?? 1);
  }
  return out;
}

class Printf {
  private used = 0;

  constructor(
    private readonly t: Tool,
    private readonly args: readonly string[],
  ) {}

  run(format: string): void {
    try {
      do {
        const before = this.used;
        this.once(format);
        if (this.used === before) {
          if (this.used < this.args.length && this.used === 0) {
            this.t.put(
              `${this.t.name}: warning: ignoring excess arguments, starting with ${quoteAlways(this.args[0] ?? '')}\n`,
              2,
            );
          }
          return;
        }
      } while (this.used < this.args.length);
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      this.t.put(error.text);
    }
  }

  private next(): string | undefined {
    return this.args[this.used++];
  }

  private once(format: string): void {
    for (let at = 0; at < format.length;) {
      const next = format.indexOf('%', at);
      this.t.put(unescape(next < 0 ? format.slice(at) : format.slice(at, next), false));
      if (next < 0) return;
      if (format[next + 1] === '%') {
        this.t.put('%');
        at = next + 2;
        continue;
      }
      const parsed = parseSpec(format, next);
      if (parsed === undefined || !'diouxXfFeEgGaAcsbq'.includes(parsed.spec.conversion)) {
        return this.t.fail(
          `${format.slice(next, next + (parsed?.length ?? 1))}: invalid conversion specification`,
        );
      }
      this.t.put(this.convert(parsed.spec));
      at = next + parsed.length;
    }
  }

  private star(value: FormatSpec['width']): number | undefined {
    return value === '*' ? Number(this.integer(this.next())) : value;
  }

  private convert(given: FormatSpec): string {
    const width = this.star(given.width);
    const precision = this.star(given.precision);
    const spec: FormatSpec = {
      ...given,
      width: width === undefined ? undefined : Math.abs(width),
      precision,
      flags: width !== undefined && width < 0 ? `${given.flags}-` : given.flags,
    };
    const arg = this.next();
    switch (spec.conversion) {
      case 's':
        return formatText(spec, arg ?? '');
      case 'c':
        return formatText({ ...spec, precision: undefined }, (arg ?? '').charAt(0));
      case 'b':
        return formatText(spec, unescape(arg ?? '', true));
      case 'q':
        return formatText(
          spec,
          /^[A-Za-z0-9_/.,:+=%@-]+$/.test(arg ?? '') ? (arg ?? '') : quoteAlways(arg ?? ''),
        );
      case 'd':
      case 'i':
      case 'o':
      case 'u':
      case 'x':
      case 'X':
        return formatInteger(spec, this.integer(arg));
      default:
        return formatFloat(spec, this.float(arg));
    }
  }

  private complain(arg: string, whole: boolean): void {
    this.t.warn(
      whole
        ? `${quoteAlways(arg)}: expected a numeric value`
        : `${quoteAlways(arg)}: value not completely converted`,
    );
  }

  private integer(arg: string | undefined): bigint {
    if (arg === undefined) return 0n;
    if (/^["']/.test(arg) && arg.length > 1) return BigInt(arg.charCodeAt(1));
    const match = /^[ \t]*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)/.exec(arg);
    if (match === null) {
      this.complain(arg, true);
      return 0n;
    }
    if (match[0].length < arg.length) this.complain(arg, false);
    const digits = match[2] ?? '0';
    const value = /^0[0-7]+$/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits);
    return match[1] === '-' ? -value : value;
  }

  private float(arg: string | undefined): number {
    if (arg === undefined) return 0;
    if (/^["']/.test(arg) && arg.length > 1) return arg.charCodeAt(1);
    const match =
      /^[ \t]*([-+]?)(0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|inf(?:inity)?|nan)/i.exec(
        arg,
      );
    if (match === null) {
      this.complain(arg, true);
      return 0;
    }
    if (match[0].length < arg.length) this.complain(arg, false);
    const word = (match[2] ?? '').toLowerCase();
    const value = word.startsWith('inf') ? Infinity : word === 'nan' ? NaN : Number(word);
    return match[1] === '-' ? -value : value;
  }
}

const printf = defineTool(
  {
    name: 'printf',
    usage: 'FORMAT [ARGUMENT]...',
    about: 'Print ARGUMENT(s) according to FORMAT.',
    raw: true,
  },
  (t) => {
    const args = [...t.args];
    if (args[0] === '--help' || args[0] === '--version') t.parse({}, args);
    if (args[0] === '--') args.shift();
    const format = args.shift();
    if (format === undefined) return t.usage('missing operand');
    new Printf(t, args).run(format);
    return Promise.resolve(t.status);
  },
);

const echo = defineTool(
  {
    name: 'echo',
    usage: '[SHORT-OPTION]... [STRING]...',
    about: 'Echo the STRING(s) to standard output.',
    raw: true,
  },
  (t) => {
    const args = [...t.args];
    if (args.length === 1 && (args[0] === '--help' || args[0] === '--version')) t.parse({}, args);
    let newline = true;
    let escapes = false;
    while (/^-[neE]+$/.test(args[0] ?? '')) {
      for (const letter of (args.shift() ?? '').slice(1)) {
        if (letter === 'n') newline = false;
        else escapes = letter === 'e';
      }
    }
    const text = args.join(' ');
    try {
      t.put((escapes ? unescape(text, true) : text) + (newline ? '\n' : ''));
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      t.put(error.text);
      throw new ExitError(0);
    }
    return Promise.resolve(0);
  },
);

export const printfPrograms: readonly ProgramSpec[] = [printf, echo];
