/** JSON values as jq knows them: objects keep the order of their keys; numbers print as jq 1.6 prints them. */

export type Json = null | boolean | number | string | Json[] | JsonObject;
export class JsonObject extends Map<string, Json> {}

export type JsonType = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object';

export function typeOf(value: Json): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return value instanceof JsonObject ? 'object' : (typeof value as 'boolean' | 'number' | 'string');
}

/** Input that is not JSON; the text is jq's, with the place. */
export class JsonSyntaxError extends Error {}

/** Thrown where a value is not complete yet. */
class Incomplete extends Error {}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Parses values one after another out of text that may still grow. */
export class JsonParser {
  private text = '';
  private at = 0;
  private ended = false;
  /** Newlines of the input that came before the value now looked at. */
  lines = 0;

  /** Lines read so far: the one that the last value ended in counts whole. */
  get linesRead(): number {
    return this.lines + (this.text.indexOf('\n', this.at) >= 0 ? 1 : 0);
  }

  push(text: string): void {
    this.text = this.text.slice(this.at) + text;
    this.at = 0;
  }

  /** No more text follows. */
  end(): void {
    this.ended = true;
  }

  /** The next value; undefined where there is none (yet). */
  next(): { readonly value: Json } | undefined {
    this.blanks();
    if (this.at >= this.text.length) return undefined;
    const start = this.at;
    try {
      const value = this.value(0);
      this.lines += (this.text.slice(start, this.at).match(/\n/g) ?? []).length;
      return { value };
    } catch (error) {
      if (!(error instanceof Incomplete)) throw error;
      this.at = start;
      if (this.ended) throw this.bad('Unfinished JSON term', this.text.length);
      return undefined;
    }
  }

  private blanks(): void {
    for (; this.at < this.text.length; this.at++) {
      const char = this.text.charCodeAt(this.at);
      if (char === 10) this.lines++;
      else if (char !== 32 && char !== 9 && char !== 13 && char !== 0xfeff) return;
    }
  }

  private bad(message: string, at = this.at): JsonSyntaxError {
    const before = this.text.slice(0, at);
    const line = this.lines + (before.match(/\n/g) ?? []).length + 1;
    return new JsonSyntaxError(
      `${message} at ${at >= this.text.length && this.ended ? 'EOF at ' : ''}line ${line}, column ${at - before.lastIndexOf('\n') - 1}`,
    );
  }

  private skip(): void {
    while (/\s/.test(this.text.charAt(this.at)) && this.at < this.text.length) this.at++;
  }

  private value(depth: number): Json {
    this.skip();
    const char = this.text[this.at];
    if (char === undefined) throw new Incomplete();
    if (depth > 10000) throw this.bad('Exceeds depth limit for parsing');
    if (char === '{') return this.object(depth);
    if (char === '[') return this.array(depth);
    if (char === '"') return this.string();
    const word = /^[-+\w.]+/.exec(this.text.slice(this.at, this.at + 400))?.[0];
    if (word === undefined) throw this.bad('Invalid literal', this.at + 1);
    const end = this.at + word.length;
    if (end >= this.text.length && !this.ended) throw new Incomplete();
    this.at = end;
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null') return null;
    if (word === 'nan' || word === 'NaN') return NaN;
    if (/^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(word)) return Number(word);
    throw this.bad(
      /^[-\d.]/.test(word)
        ? 'Invalid numeric literal'
        : /^[a-z]+$/.test(word) && ['t', 'f', 'n'].includes(word.charAt(0))
          ? 'Invalid literal'
          : 'Invalid numeric literal',
      Math.min(this.text.length, end + 1),
    );
  }

  private object(depth: number): JsonObject {
    const object = new JsonObject();
    this.at++;
    this.skip();
    if (this.text[this.at] === '}') {
      this.at++;
      return object;
    }
    for (;;) {
      this.skip();
      if (this.at >= this.text.length) throw new Incomplete();
      if (this.text[this.at] !== '"') throw this.bad('Object keys must be strings', this.at + 1);
      const key = this.string();
      this.skip();
      if (this.at >= this.text.length) throw new Incomplete();
      if (this.text[this.at] !== ':')
        throw this.bad('Objects must consist of key:value pairs', this.at + 1);
      this.at++;
      object.set(key, this.value(depth + 1));
      if (this.follows('}')) return object;
    }
  }

  private array(depth: number): Json[] {
    const items: Json[] = [];
    this.at++;
    this.skip();
    if (this.text[this.at] === ']') {
      this.at++;
      return items;
    }
    for (;;) {
      items.push(this.value(depth + 1));
      if (this.follows(']')) return items;
    }
  }

  /** Behind an element: a comma (false) or the end (true). */
  private follows(close: string): boolean {
    this.skip();
    const char = this.text[this.at];
    if (char === undefined) throw new Incomplete();
    if (char !== ',' && char !== close)
      throw this.bad('Expected separator between values', this.at + 1);
    this.at++;
    return char === close;
  }

  private string(): string {
    let out = '';
    for (let at = this.at + 1; ;) {
      const rest = /^[^"\\]*/.exec(this.text.slice(at))?.[0] ?? '';
      out += rest;
      at += rest.length;
      const char = this.text[at];
      if (char === undefined) throw new Incomplete();
      if (char === '"') {
        this.at = at + 1;
        return out;
      }
      const letter = this.text[at + 1];
      if (letter === undefined) throw new Incomplete();
      if (letter === 'u') {
        const digits = this.text.slice(at + 2, at + 6);
        if (digits.length < 4) throw new Incomplete();
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.bad('Invalid escape', at);
        out += String.fromCharCode(parseInt(digits, 16));
        at += 6;
        continue;
      }
      const plain = escapes[letter];
      if (plain === undefined) throw this.bad('Invalid escape', at);
      out += plain;
      at += 2;
    }
  }
}

/** 17 significant digits at most, exponents as `1e+17` once the number is longer than its digits by 15. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'null';
  if (value === Infinity || value === -Infinity)
    return value < 0 ? '-1.7976931348623157e+308' : '1.7976931348623157e+308';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const sign = value < 0 ? '-' : '';
  const [mantissa = '', exponentText = '0'] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const point = Number(exponentText) + 1;
  if (point <= -4 || point > digits.length + 15) {
    const exponent = point - 1;
    const shown = digits.length > 1 ? `${digits.charAt(0)}.${digits.slice(1)}` : digits;
    return `${sign}${shown}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (digits.length <= point) return sign + digits.padEnd(point, '0');
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

export interface Style {
  /** Text of one level; undefined writes everything on one line. */
  readonly indent: string | undefined;
  readonly sortKeys: boolean;
  readonly ascii: boolean;
}

export const compact: Style = { indent: undefined, sortKeys: false, ascii: false };

export function formatString(text: string, ascii: boolean): string {
  let out = '"';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    const code = char.charCodeAt(0);
    if (char === '"' || char === '\\') out += `\\${char}`;
    else if (code < 32 || code === 127 || (ascii && code > 126)) {
      const named = '\b\t\n\f\r'.indexOf(char);
      out +=
        named >= 0 && code < 32
          ? `\\${'btnfr'.charAt(named)}`
          : `\\u${code.toString(16).padStart(4, '0')}`;
    } else out += char;
  }
  return `${out}"`;
}

export function formatJson(value: Json, style: Style = compact, level = ''): string {
  if (typeof value === 'string') return formatString(value, style.ascii);
  if (typeof value === 'number') return formatNumber(value);
  if (value === null || typeof value === 'boolean') return String(value);
  const isArray = Array.isArray(value);
  const [open, close] = isArray ? '[]' : '{}';
  const inner = style.indent === undefined ? '' : level + style.indent;
  const parts = isArray
    ? value.map((item) => formatJson(item, style, inner))
    : (style.sortKeys ? sortedKeys(value) : [...value.keys()]).map(
        (key) =>
          `${formatString(key, style.ascii)}:${style.indent === undefined ? '' : ' '}${formatJson(value.get(key) ?? null, style, inner)}`,
      );
  if (parts.length === 0) return `${open ?? ''}${close ?? ''}`;
  if (style.indent === undefined) return `${open ?? ''}${parts.join(',')}${close ?? ''}`;
  return `${open ?? ''}\n${parts.map((part) => inner + part).join(',\n')}\n${level}${close ?? ''}`;
}

/** By code points, as jq orders keys. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  for (let at = 0; at < a.length && at < b.length; at++) {
    const difference = a.charCodeAt(at) - b.charCodeAt(at);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function sortedKeys(object: JsonObject): string[] {
  return [...object.keys()].sort(compareStrings);
}

const rank = (value: Json): number =>
  value === null
    ? 0
    : value === false
      ? 1
      : value === true
        ? 2
        : typeof value === 'number'
          ? 3
          : typeof value === 'string'
            ? 4
            : Array.isArray(value)
              ? 5
              : 6;

/** jq's order of all values. */
export function compareJson(a: Json, b: Json): number {
  const difference = rank(a) - rank(b);
  if (difference !== 0) return difference;
  if (typeof a === 'number') return a < (b as number) || Number.isNaN(a) ? -1 : a === b ? 0 : 1;
  if (typeof a === 'string') return compareStrings(a, b as string);
  if (Array.isArray(a)) {
    const other = b as Json[];
    for (let at = 0; at < a.length && at < other.length; at++) {
      const order = compareJson(a[at] ?? null, other[at] ?? null);
      if (order !== 0) return order;
    }
    return a.length - other.length;
  }
  if (a instanceof JsonObject) {
    const other = b as JsonObject;
    const order = compareJson(sortedKeys(a), sortedKeys(other));
    if (order !== 0) return order;
    for (const key of sortedKeys(a)) {
      const item = compareJson(a.get(key) ?? null, other.get(key) ?? null);
      if (item !== 0) return item;
    }
  }
  return 0;
}

export function deepEqual(a: Json, b: Json): boolean {
  return compareJson(a, b) === 0;
}
