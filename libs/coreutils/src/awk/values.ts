/**
 * Values of awk: numbers, strings, input text that may be either ("strnum"), and nothing yet (undefined).
 * Conversions follow mawk 1.3.4 as Debian ships it: whole numbers beyond 2^31 - 1 print through OFMT and CONVFMT.
 */
import { formatFloat, formatInteger, parseSpec } from '../tool/cformat.js';

const numberPrefix =
  /^[ \t\n\v\f\r]*([-+]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf(?:inity)?|nan))/i;
const decimal = /^[ \t\n\v\f\r]*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?[ \t\n\v\f\r]*$/;

/** Text from input; numeric in comparisons where it looks like a number. */
export class StrNum {
  private value: number | undefined;

  constructor(readonly text: string) {}

  get looksNumeric(): boolean {
    return decimal.test(this.text);
  }

  get number(): number {
    return (this.value ??= textToNumber(this.text));
  }
}

export type Value = number | string | StrNum | undefined;

/** The number that a text begins with, 0 for none. */
export function textToNumber(text: string): number {
  const match = numberPrefix.exec(text);
  if (match === null) return 0;
  const digits = (match[1] ?? '').toLowerCase();
  if (digits.includes('x'))
    return digits.startsWith('-') ? -Number(digits.slice(1)) : Number(digits.replace('+', ''));
  if (digits.includes('n'))
    return digits.includes('nan') ? NaN : digits.startsWith('-') ? -Infinity : Infinity;
  return Number(digits);
}

export function toNumber(value: Value): number {
  if (typeof value === 'number') return value;
  if (value === undefined) return 0;
  return typeof value === 'string' ? textToNumber(value) : value.number;
}

export function numberToText(value: number, format: string): string {
  if (value >= -2147483647 && value <= 2147483647 && Number.isInteger(value))
    return String(value === 0 ? 0 : value);
  // x86 gives the result of every invalid operation a sign.
  if (Number.isNaN(value)) return '-nan';
  const parsed = parseSpec(format, format.indexOf('%'));
  if (parsed === undefined) return format;
  const at = format.indexOf('%');
  const { spec, length } = parsed;
  const integer = 'dioxXu'.includes(spec.conversion);
  const shown = integer ? formatInteger(spec, toBigInt(value)) : formatFloat(spec, value);
  return format.slice(0, at) + shown + format.slice(at + length);
}

/** What integer conversions of printf see: clamped to 32 bits as this mawk does. */
export function toBigInt(value: number): bigint {
  if (Number.isNaN(value)) return -2147483648n;
  return BigInt(Math.trunc(Math.min(Math.max(value, -2147483647), 2147483647)));
}

/** For the unsigned conversions. */
export function toUnsigned(value: number): bigint {
  if (Number.isNaN(value) || value <= 0) return 0n;
  return BigInt(Math.trunc(Math.min(value, 4294967295)));
}

export function isTrue(value: Value): boolean {
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'string') return value !== '';
  if (value === undefined) return false;
  return value.looksNumeric ? value.number !== 0 : value.text !== '';
}

/** Whether a value takes part in comparisons as a number. */
function comparesAsNumber(value: Value): boolean {
  return (
    typeof value === 'number' ||
    value === undefined ||
    (value instanceof StrNum && value.looksNumeric)
  );
}

/** Negative, zero, positive; NaN where not comparable. */
export function compare(left: Value, right: Value, convfmt: string): number {
  if (typeof left === 'number' && typeof right === 'number')
    return left - right === 0 || left === right ? 0 : left < right ? -1 : left > right ? 1 : NaN;
  if (comparesAsNumber(left) && comparesAsNumber(right)) {
    const a = toNumber(left);
    const b = toNumber(right);
    return a === b ? 0 : a < b ? -1 : a > b ? 1 : NaN;
  }
  const a = toText(left, convfmt);
  const b = toText(right, convfmt);
  return a === b ? 0 : a < b ? -1 : 1;
}

export function toText(value: Value, convfmt: string): string {
  if (typeof value === 'string') return value;
  if (value === undefined) return '';
  return typeof value === 'number' ? numberToText(value, convfmt) : value.text;
}

/** FNV-1a over the bytes of a text, 32 bits. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) h = Math.imul(h ^ text.charCodeAt(at), 16777619);
  return h >>> 0;
}

/** An associative array. `for (k in a)` visits it in the order of mawk's hash table. */
export class AwkArray {
  readonly items = new Map<string, Value>();

  get(key: string): Value {
    const value = this.items.get(key);
    if (value === undefined && !this.items.has(key)) this.items.set(key, undefined);
    return value;
  }

  set(key: string, value: Value): void {
    this.items.set(key, value);
  }

  keys(): string[] {
    let buckets = 64;
    while (this.items.size > buckets * 10) buckets *= 2;
    const ordered = [...this.items.keys()].map((key, index) => ({
      key,
      index,
      bucket: hash(key) & (buckets - 1),
    }));
    ordered.sort((a, b) => a.bucket - b.bucket || b.index - a.index);
    return ordered.map(({ key }) => key);
  }
}
