/**
 * `printf`: formats are reused until the arguments are used up; `%b %q %(…)T`, `*` widths, C number syntax.
 *
 * Returns the text and the errors to report, so that builtins can write both.
 */
import { fromBytes, toBytes } from './bytes.js';
import { strftime } from './prompt.js';
import { quoteBackslash, quoteSingle } from './quote.js';
import type { Shell } from './shell.js';
import { decodeEscapes } from './transform.js';

export interface PrintfResult {
  readonly text: string;
  readonly errors: readonly string[];
}

interface Directive {
  readonly flags: string;
  readonly width: string | undefined;
  readonly precision: string | undefined;
  readonly conversion: string;
  readonly timeFormat: string;
}

export function formatPrintf(sh: Shell, format: string, args: readonly string[]): PrintfResult {
  const state = new Formatter(sh, format, args);
  state.run();
  return { text: state.text, errors: state.errors };
}

class Formatter {
  text = '';
  readonly errors: string[] = [];
  private next = 0;
  private stopped = false;

  constructor(
    private readonly sh: Shell,
    private readonly format: string,
    private readonly args: readonly string[],
  ) {}

  run(): void {
    do {
      const before = this.next;
      this.once();
      if (this.next === before) return;
    } while (this.next < this.args.length && !this.stopped);
  }

  private argument(): string | undefined {
    return this.args[this.next++];
  }

  private once(): void {
    const pattern =
      /%(?:%|([-+ #0']*)(\*|\d+)?(?:\.(\*|-?\d+)?)?(?:hh|h|ll|l|L|q|j|z|t)?(?:\(([^)]*)\)(T)|([A-Za-z])))|%/g;
    let from = 0;
    for (const match of this.format.matchAll(pattern)) {
      this.text += decodeEscapes(this.format.slice(from, match.index), 'format').text;
      from = match.index + match[0].length;
      if (match[0] === '%%') {
        this.text += '%';
        continue;
      }
      const [whole, , , , timeFormat = '', time] = match;
      let [, flags = '', width, precision, , , letter] = match;
      // the length modifier of the pattern takes a q that is the conversion
      if (letter === undefined && time === undefined && /^%[-+ #0'\d.*]*q$/.test(whole))
        letter = 'q';
      if (time === undefined && letter === undefined) {
        const rest = this.format.slice(match.index + 1);
        const bad = rest.replace(/^[-+ #0'\d.*]*/, '').charAt(0);
        this.errors.push(
          bad === '' ? `\`%': missing format character` : `\`${bad}': invalid format character`,
        );
        this.stopped = true;
        return;
      }
      const hasPrecision = /\.(?!\()/.test(whole.replace(/\([^)]*\)/, ''));
      if (width === '*') {
        width = String(this.integer(this.argument() ?? '0'));
        if (width.startsWith('-')) {
          flags += '-';
          width = width.slice(1);
        }
      }
      if (precision === '*') precision = String(this.integer(this.argument() ?? '0'));
      const directive: Directive = {
        flags,
        width,
        precision: hasPrecision ? (precision ?? '0') : undefined,
        conversion: time ?? letter ?? '',
        timeFormat,
      };
      this.convert(directive);
      if (this.stopped) return;
    }
    this.text += decodeEscapes(this.format.slice(from), 'format').text;
  }

  private convert(directive: Directive): void {
    const { conversion, precision } = directive;
    const limit = precision === undefined || Number(precision) < 0 ? undefined : Number(precision);
    switch (conversion) {
      case 's':
        this.pad(cut(this.argument() ?? '', limit), directive);
        return;
      case 'c':
        this.pad(Array.from(this.argument() ?? '')[0] ?? '', directive);
        return;
      case 'b': {
        const decoded = decodeEscapes(this.argument() ?? '', 'echo');
        this.pad(cut(decoded.text, limit), directive);
        this.stopped ||= decoded.stopped;
        return;
      }
      case 'q':
        this.pad(quoteBackslash(this.argument() ?? ''), directive);
        return;
      case 'Q':
        this.pad(quoteSingle(cut(this.argument() ?? '', limit)), directive);
        return;
      case 'T': {
        const text = this.argument();
        const seconds =
          text === undefined || text === '-1'
            ? undefined
            : text === '-2'
              ? Math.floor(this.sh.sys.bootTime())
              : Number(this.integer(text));
        this.pad(
          strftime(this.sh, directive.timeFormat === '' ? '%X' : directive.timeFormat, seconds),
          directive,
        );
        return;
      }
      case 'd':
      case 'i':
        this.signed(this.integer(this.argument() ?? '0'), directive);
        return;
      case 'u':
      case 'o':
      case 'x':
      case 'X':
        this.unsigned(BigInt.asUintN(64, this.integer(this.argument() ?? '0')), directive);
        return;
      case 'f':
      case 'F':
      case 'e':
      case 'E':
      case 'g':
      case 'G':
      case 'a':
      case 'A':
        this.float(this.number(this.argument() ?? '0'), directive);
        return;
      case 'n':
        this.argument();
        return;
      default:
        this.errors.push(`\`${conversion}': invalid format character`);
        this.stopped = true;
    }
  }

  /** A C integer, or the code of the character after a quote. */
  private integer(text: string): bigint {
    if (text === '') return 0n;
    if (/^["']/.test(text)) return BigInt(text.codePointAt(1) ?? 0);
    const match = /^\s*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)/.exec(text);
    if (match === null) {
      this.errors.push(`${text}: invalid number`);
      return 0n;
    }
    if (match[0].length !== text.length)
      this.errors.push(`${text}: invalid ${/^\s*[-+]?0\d/.test(text) ? 'octal ' : ''}number`);
    const digits = match[2] ?? '0';
    const value = /^0\d/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits);
    const signed = match[1] === '-' ? -value : value;
    const high = 0x7fffffffffffffffn;
    if (signed > high * 2n + 1n || signed < -high - 1n) {
      this.errors.push(`warning: ${text}: Numerical result out of range`);
      return signed < 0n ? -high - 1n : high;
    }
    return signed;
  }

  private number(text: string): number {
    if (text === '') return 0;
    if (/^["']/.test(text)) return text.codePointAt(1) ?? 0;
    const match =
      /^\s*[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|inf(?:inity)?|nan)/i.exec(
        text,
      );
    if (match === null || match[0].length !== text.length)
      this.errors.push(`${text}: invalid number`);
    if (match === null) return 0;
    const own = match[0].trim().toLowerCase();
    if (own.includes('inf')) return own.startsWith('-') ? -Infinity : Infinity;
    if (/^[-+]0x/.test(own)) return (own.startsWith('-') ? -1 : 1) * Number(own.slice(1));
    return Number(own);
  }

  private pad(text: string, directive: Directive): void {
    const width = Number(directive.width ?? 0);
    const missing = width - toBytes(text).length;
    if (missing <= 0) this.text += text;
    else
      this.text += directive.flags.includes('-')
        ? text + ' '.repeat(missing)
        : ' '.repeat(missing) + text;
  }

  /** Sign and digits with zero padding where asked. */
  private padNumber(sign: string, digits: string, directive: Directive, allowZero: boolean): void {
    const { flags } = directive;
    const width = Number(directive.width ?? 0);
    if (allowZero && flags.includes('0') && !flags.includes('-'))
      this.text += sign + digits.padStart(width - sign.length, '0');
    else this.pad(sign + digits, directive);
  }

  private signed(value: bigint, directive: Directive): void {
    const { flags, precision } = directive;
    const negative = value < 0n;
    let digits = (negative ? -value : value).toString();
    if (flags.includes("'")) digits = digits.toString();
    if (precision !== undefined) digits = digits.padStart(Number(precision), '0');
    const sign = negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
    this.padNumber(sign, digits, directive, precision === undefined);
  }

  private unsigned(value: bigint, directive: Directive): void {
    const { conversion, flags, precision } = directive;
    let digits = value.toString(conversion === 'o' ? 8 : conversion === 'u' ? 10 : 16);
    if (conversion === 'X') digits = digits.toUpperCase();
    if (precision !== undefined) digits = digits.padStart(Number(precision), '0');
    let sign = '';
    if (flags.includes('#') && value !== 0n) {
      if (conversion === 'o' && !digits.startsWith('0')) digits = `0${digits}`;
      else if (conversion === 'x') sign = '0x';
      else if (conversion === 'X') sign = '0X';
    }
    this.padNumber(sign, digits, directive, precision === undefined);
  }

  private float(value: number, directive: Directive): void {
    const { conversion, flags } = directive;
    const negative = value < 0 || Object.is(value, -0);
    const sign = negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
    const size = Math.abs(value);
    const places = directive.precision === undefined ? 6 : Number(directive.precision);
    let digits: string;
    if (!Number.isFinite(size)) digits = Number.isNaN(size) ? 'nan' : 'inf';
    else if (/[fF]/.test(conversion)) digits = fixed(size, places);
    else if (/[eE]/.test(conversion)) digits = exponential(size, places);
    else digits = general(size, places === 0 ? 1 : places, flags.includes('#'));
    if (/[A-Z]/.test(conversion)) digits = digits.toUpperCase();
    if (flags.includes('#') && places === 0 && !digits.includes('.')) digits += '.';
    this.padNumber(sign, digits, directive, Number.isFinite(size));
  }
}

/** A precision counts bytes, as in the C library. */
function cut(text: string, limit: number | undefined): string {
  return limit === undefined ? text : fromBytes(toBytes(text).subarray(0, limit));
}

/** Exact decimal digits of a double, ties to even, as the C library rounds. */
function fixed(value: number, places: number): string {
  const { numerator, shift } = fraction(value);
  const digits = divideRounded(numerator * 10n ** BigInt(places), 1n << BigInt(shift)).toString();
  if (places === 0) return digits;
  const padded = digits.padStart(places + 1, '0');
  return `${padded.slice(0, -places)}.${padded.slice(-places)}`;
}

/** A finite value as numerator / 2^shift. */
function fraction(value: number): { numerator: bigint; shift: number } {
  let mantissa = value;
  let shift = 0;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    shift++;
  }
  return { numerator: BigInt(mantissa), shift };
}

function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  return twice > denominator || (twice === denominator && quotient % 2n === 1n)
    ? quotient + 1n
    : quotient;
}

function exponential(value: number, places: number): string {
  if (value === 0) return `${(0).toFixed(places)}e+00`;
  const { numerator, shift } = fraction(value);
  let exponent = Math.floor(Math.log10(value));
  for (;;) {
    const scale = places - exponent;
    const top = scale >= 0 ? numerator * 10n ** BigInt(scale) : numerator;
    const bottom = (1n << BigInt(shift)) * (scale >= 0 ? 1n : 10n ** BigInt(-scale));
    const digits = divideRounded(top, bottom).toString();
    if (digits.length > places + 1) exponent++;
    else if (digits.length < places + 1) exponent--;
    else {
      const body = places === 0 ? digits : `${digits.charAt(0)}.${digits.slice(1)}`;
      return `${body}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
    }
  }
}

function general(value: number, places: number, keepZeros: boolean): string {
  if (value === 0) return keepZeros ? `0.${'0'.repeat(places - 1)}` : '0';
  const exponent = Number(exponential(value, places - 1).split('e')[1] ?? '0');
  const scientific = exponent < -4 || exponent >= places;
  let text = scientific
    ? exponential(value, places - 1)
    : fixed(value, Math.max(0, places - 1 - exponent));
  if (!keepZeros && text.includes('.')) text = text.replace(/\.?0+(?=e|$)/, '');
  return text;
}
