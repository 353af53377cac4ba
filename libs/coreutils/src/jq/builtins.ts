/** jq's functions that are defined in TypeScript, and its string formats. */
import { fromUnicode } from '../tool/bytes.js';
import { civilTime, epochOf } from '../tool/calendar.js';
import { formatTime } from '../tool/strftime.js';
import { base64Decode, base64Encode } from './base64.js';
import type { Definition } from './ast.js';
import {
  deletePaths,
  describe,
  Env,
  evaluate,
  getPath,
  JqError,
  setPath,
  values,
  type Builtins,
  type Closure,
  type Out,
  type Path,
} from './evaluate.js';
import {
  compareJson,
  deepEqual,
  formatJson,
  JsonObject,
  JsonParser,
  JsonSyntaxError,
  sortedKeys,
  typeOf,
  type Json,
} from './json.js';

/** What filters may ask of the tool around them. */
export interface JqHost {
  /** The next input value; undefined at the end. */
  input(): Json | undefined;
  readonly lineNumber: () => number;
  readonly fileName: () => string | null;
  readonly nowSeconds: () => number;
  debug(value: Json): void;
  stderr(value: Json): void;
}

/** Ends jq with an exit code, after writing text (or JSON) to standard error. */
export class JqHalt extends Error {
  constructor(
    readonly code: number,
    readonly text: string,
  ) {
    super('halt');
  }
}

const number = (value: Json): number => {
  if (typeof value !== 'number') throw new JqError(`${describe(value)} number required`);
  return value;
};
const text = (value: Json, what: string): string => {
  if (typeof value !== 'string') throw new JqError(what);
  return value;
};
const list = (value: Json, what: string): Json[] => {
  if (!Array.isArray(value)) throw new JqError(what);
  return value;
};
const toText = (value: Json): string => (typeof value === 'string' ? value : formatJson(value));

const mathFunctions: Readonly<Record<string, (x: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  sqrt: Math.sqrt,
  fabs: Math.abs,
  trunc: Math.trunc,
  exp: Math.exp,
  exp2: (x) => 2 ** x,
  exp10: (x) => 10 ** x,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  cbrt: Math.cbrt,
  round: (x) => Math.sign(x) * Math.round(Math.abs(x)),
  rint: (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x)),
  nearbyint: (x) => Math.round(x),
  significand: (x) => (x === 0 ? 0 : x / 2 ** Math.floor(Math.log2(Math.abs(x)))),
  logb: (x) => Math.floor(Math.log2(Math.abs(x))),
};

function length(value: Json): number {
  if (value === null) return 0;
  if (typeof value === 'number') return Math.abs(value);
  if (typeof value === 'string') return [...value].length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof JsonObject) return value.size;
  throw new JqError(`${describe(value)} has no length`);
}

function keys(value: Json, sorted: boolean): Json[] {
  if (Array.isArray(value)) return value.map((_, at) => at);
  if (value instanceof JsonObject) return sorted ? sortedKeys(value) : [...value.keys()];
  throw new JqError(`${describe(value)} has no keys`);
}

function contains(a: Json, b: Json): boolean {
  if (a instanceof JsonObject && b instanceof JsonObject)
    return [...b].every(([key, value]) => a.has(key) && contains(a.get(key) ?? null, value));
  if (Array.isArray(a) && Array.isArray(b))
    return b.every((item) =>
      a.some((other) => typeOf(other) === typeOf(item) && contains(other, item)),
    );
  if (typeof a === 'string' && typeof b === 'string') return a.includes(b);
  if (typeOf(a) === typeOf(b)) return deepEqual(a, b);
  throw new JqError(`${describe(a)} and ${describe(b)} cannot have their containment checked`);
}

function flatten(items: readonly Json[], depth: number): Json[] {
  return items.flatMap((item) =>
    Array.isArray(item) && depth !== 0 ? flatten(item, depth - 1) : [item],
  );
}

function parseJson(source: string): Json {
  const parser = new JsonParser();
  parser.push(source);
  parser.end();
  try {
    const found = parser.next();
    if (found === undefined) return null;
    if (parser.next() !== undefined)
      throw new JqError(`Unexpected extra JSON values (while parsing '${source}')`);
    return found.value;
  } catch (error) {
    if (error instanceof JsonSyntaxError)
      throw new JqError(`${error.message} (while parsing '${source}')`);
    throw error;
  }
}

/** Oniguruma patterns on the platform's matcher; flags g i x s n l p. */
function matches(subject: string, pattern: Json, flagsValue: Json): JsonObject[] {
  const flags =
    flagsValue === null ? '' : text(flagsValue, `${describe(flagsValue)} is not a string`);
  for (const flag of flags)
    if (!'gixsnlp'.includes(flag)) throw new JqError(`${flags} is not a valid modifier string`);
  let source = text(pattern, `${describe(pattern)} cannot be matched, as it is not a string`);
  if (flags.includes('x'))
    source = source.replace(/\\[^]|\s+|#.*/g, (part) => (part.startsWith('\\') ? part : ''));
  let regex: RegExp;
  try {
    regex = new RegExp(
      source.replaceAll('\\h', '[0-9a-fA-F]'),
      `gud${flags.includes('i') ? 'i' : ''}${/[sp]/.test(flags) ? 's' : ''}`,
    );
  } catch {
    try {
      regex = new RegExp(
        source,
        `gd${flags.includes('i') ? 'i' : ''}${/[sp]/.test(flags) ? 's' : ''}`,
      );
    } catch {
      throw new JqError(`${source} (at offset 0) is not a valid regex`);
    }
  }
  const out: JsonObject[] = [];
  const points = (end: number): number => [...subject.slice(0, end)].length;
  for (const match of subject.matchAll(regex)) {
    if (flags.includes('n') && match[0] === '') continue;
    const { indices } = match as RegExpMatchArray & {
      indices: (readonly [number, number] | undefined)[];
    };
    const named = Object.entries(match.groups ?? {});
    const captures = match.slice(1).map((group, index): Json => {
      const place = indices[index + 1];
      const name = groupName(source, index + 1, named.length > 0);
      return new JsonObject([
        ['offset', place === undefined ? -1 : points(place[0])],
        ['length', group === undefined ? 0 : [...group].length],
        ['string', group ?? null],
        ['name', name],
      ]);
    });
    out.push(
      new JsonObject([
        ['offset', points(match.index)],
        ['length', [...match[0]].length],
        ['string', match[0]],
        ['captures', captures],
      ]),
    );
    if (!flags.includes('g')) break;
  }
  return out;
}

function groupName(source: string, index: number, any: boolean): Json {
  if (!any) return null;
  let count = 0;
  for (const match of source.matchAll(
    /\\[^]|\[(?:\\[^]|[^\]])*\]|\((\?(?:<([A-Za-z_]\w*)>|[^<]|<[=!]))?/g,
  )) {
    if (!match[0].startsWith('(') || (match[1] !== undefined && match[2] === undefined)) continue;
    if (++count === index) return match[2] ?? null;
  }
  return null;
}

function brokenDown(seconds: number): Json[] {
  const time = civilTime(Math.floor(seconds));
  return [
    time.year,
    time.month - 1,
    time.day,
    time.hour,
    time.minute,
    time.second + (seconds - Math.floor(seconds)),
    time.weekday,
    time.yearday - 1,
  ];
}

function fromBroken(value: Json, what: string): number {
  const parts = Array.isArray(value)
    ? value.map((part) => (typeof part === 'number' ? part : NaN))
    : [];
  const [year, month, day, hour = 0, minute = 0, second = 0] = parts;
  if (year === undefined || month === undefined || day === undefined || parts.some(Number.isNaN))
    throw new JqError(`${what} requires parsed datetime inputs`);
  return epochOf(year, month + 1, day, hour, minute, Math.floor(second));
}

const monthNames = [
  'jan',
  'feb',
  'mar',
  'apr',
  'may',
  'jun',
  'jul',
  'aug',
  'sep',
  'oct',
  'nov',
  'dec',
];

function strptime(source: string, format: string): Json[] {
  const found: Record<string, string> = {};
  const order: string[] = [];
  const expanded = format
    .replaceAll('%T', '%H:%M:%S')
    .replaceAll('%F', '%Y-%m-%d')
    .replaceAll('%R', '%H:%M')
    .replaceAll('%D', '%m/%d/%y');
  const pattern = expanded
    .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    .replace(/%([a-zA-Z%])/g, (_all, letter: string) => {
      if (letter === '%') return '%';
      order.push(letter);
      return letter === 'Z'
        ? '([A-Za-z]+)'
        : letter === 'z'
          ? '([-+]\\d{2}:?\\d{2}|Z)'
          : 'aAbBhp'.includes(letter)
            ? '([A-Za-z]+)'
            : letter === 's'
              ? '(\\d+)'
              : letter === 'Y'
                ? '(\\d{4})'
                : '\\s*(\\d{1,3})';
    });
  const match = new RegExp(`^${pattern}$`).exec(source);
  if (match === null) throw new JqError(`date "${source}" does not match format "${format}"`);
  order.forEach((letter, index) => (found[letter] = match[index + 1] ?? ''));
  if (found['s'] !== undefined) return brokenDown(Number(found['s']));
  const named = monthNames.indexOf(
    (found['b'] ?? found['B'] ?? found['h'] ?? '').slice(0, 3).toLowerCase(),
  );
  const year =
    found['Y'] === undefined
      ? found['y'] === undefined
        ? 1900
        : 2000 + Number(found['y'])
      : Number(found['Y']);
  const month = found['m'] === undefined ? (named < 0 ? 1 : named + 1) : Number(found['m']);
  const day = Number(
    found['d'] ?? found['e'] ?? (found['m'] === undefined && found['Y'] === undefined ? 0 : 1),
  );
  const time = civilTime(
    epochOf(
      year,
      month,
      Math.max(1, day),
      Number(found['H'] ?? 0),
      Number(found['M'] ?? 0),
      Number(found['S'] ?? 0),
    ),
  );
  return [
    time.year,
    time.month - 1,
    day,
    time.hour,
    time.minute,
    time.second,
    time.weekday,
    time.yearday - 1,
  ];
}

function sortedBy(items: readonly Json[], sortKeys: readonly Json[]): { item: Json; key: Json }[] {
  return items
    .map((item, at) => ({ item, key: sortKeys[at] ?? null }))
    .sort((a, b) => compareJson(a.key, b.key));
}

function byImplementation(kind: string, input: Json, sortKeys: Json): Json {
  const items = list(
    input,
    kind === 'sort' || kind === 'group'
      ? `${describe(input)} cannot be ${kind === 'sort' ? 'sorted' : 'grouped'}, as it is not an array`
      : `Cannot index ${typeOf(input)} with number`,
  );
  const pairs = sortedBy(items, sortKeys as Json[]);
  if (kind === 'sort') return pairs.map(({ item }) => item);
  if (kind === 'min') return pairs[0]?.item ?? null;
  if (kind === 'max') {
    const last = pairs[pairs.length - 1];
    return last?.item ?? null;
  }
  const groups: { key: Json; items: Json[] }[] = [];
  for (const { item, key } of pairs) {
    const group = groups[groups.length - 1];
    if (group !== undefined && deepEqual(group.key, key)) group.items.push(item);
    else groups.push({ key, items: [item] });
  }
  return groups.map((group) => group.items);
}

type Simple = (input: Json, ...args: Json[]) => Json;

/** Functions of the input and every combination of their arguments' values, by `name/arity`. */
const simple: Readonly<Record<string, Simple>> = {
  'not/0': (input) => input === null || input === false,
  'length/0': length,
  'utf8bytelength/0': (input) =>
    fromUnicode(text(input, `${describe(input)} only strings have UTF-8 byte length`)).length,
  'keys/0': (input) => keys(input, true),
  'keys_unsorted/0': (input) => keys(input, false),
  'has/1': (input, key) => {
    if (input instanceof JsonObject && typeof key === 'string') return input.has(key);
    if (Array.isArray(input) && typeof key === 'number') return key >= 0 && key < input.length;
    throw new JqError(`Cannot check whether ${typeOf(input)} has a ${typeOf(key)} key`);
  },
  'contains/1': contains,
  'type/0': (input) => typeOf(input),
  'tostring/0': toText,
  'tojson/0': (input) => formatJson(input),
  'fromjson/0': (input) => parseJson(text(input, `${describe(input)} only strings can be parsed`)),
  'tonumber/0': (input) => {
    if (typeof input === 'number') return input;
    if (typeof input !== 'string')
      throw new JqError(`${describe(input)} cannot be parsed as a number`);
    const parsed = parseJson(input);
    if (typeof parsed !== 'number')
      throw new JqError(`${describe(input)} cannot be parsed as a number`);
    return parsed;
  },
  'explode/0': (input) =>
    [...text(input, 'explode input must be a string')].map((char) => char.codePointAt(0) ?? 0),
  'implode/0': (input) =>
    String.fromCodePoint(...list(input, `implode input must be an array`).map(number)),
  'ltrimstr/1': (input, prefix) =>
    typeof input === 'string' && typeof prefix === 'string' && input.startsWith(prefix)
      ? input.slice(prefix.length)
      : input,
  'rtrimstr/1': (input, suffix) =>
    typeof input === 'string' &&
    typeof suffix === 'string' &&
    suffix !== '' &&
    input.endsWith(suffix)
      ? input.slice(0, -suffix.length)
      : input,
  'startswith/1': (input, prefix) =>
    text(input, 'startswith() requires string inputs').startsWith(
      text(prefix, 'startswith() requires string inputs'),
    ),
  'endswith/1': (input, suffix) =>
    text(input, 'endswith() requires string inputs').endsWith(
      text(suffix, 'endswith() requires string inputs'),
    ),
  'split/1': (input, separator) => {
    const [subject, by] = [
      text(input, 'split input and separator must be strings'),
      text(separator, 'split input and separator must be strings'),
    ];
    return subject === '' ? [] : by === '' ? [...subject] : subject.split(by);
  },
  '_strindices/1': (input, needle) => {
    const [subject, part] = [
      text(input, `Cannot determine indices of ${typeOf(input)}`),
      text(needle, `Cannot determine indices of ${typeOf(needle)}`),
    ];
    const found: Json[] = [];
    for (let at = subject.indexOf(part); at >= 0 && part !== ''; at = subject.indexOf(part, at + 1))
      found.push(fromUnicode(subject.slice(0, at)).length);
    return found;
  },
  '_flatten/1': (input, depth) =>
    flatten(
      list(input, `Cannot iterate over ${describe(input)}`),
      number(depth) < 0 ? Infinity : number(depth),
    ),
  '_by_impl/2': (input, kind, sortKeys) => byImplementation(kind as string, input, sortKeys),
  'sort/0': (input) =>
    [...list(input, `${describe(input)} cannot be sorted, as it is not an array`)].sort(
      compareJson,
    ),
  'min/0': (input) =>
    [...list(input, `Cannot iterate over ${describe(input)}`)].sort(compareJson)[0] ?? null,
  'max/0': (input) =>
    [...list(input, `Cannot iterate over ${describe(input)}`)].sort(compareJson).pop() ?? null,
  'getpath/1': (input, path) => getPath(input, list(path, 'Path must be specified as an array')),
  'setpath/2': (input, path, value) =>
    setPath(input, list(path, 'Path must be specified as an array'), () => value),
  'delpaths/1': (input, paths) =>
    deletePaths(input, list(paths, 'Paths must be specified as an array') as Path[]),
  'pow/2': (_input, base, exponent) => number(base) ** number(exponent),
  'atan2/2': (_input, y, x) => Math.atan2(number(y), number(x)),
  'fmin/2': (_input, a, b) => Math.min(number(a), number(b)),
  'fmax/2': (_input, a, b) => Math.max(number(a), number(b)),
  'fmod/2': (_input, a, b) => number(a) % number(b),
  'ldexp/2': (_input, a, b) => number(a) * 2 ** number(b),
  'nan/0': () => NaN,
  'infinite/0': () => Infinity,
  'isnan/0': (input) => Number.isNaN(number(input)),
  'isinfinite/0': (input) => !Number.isFinite(number(input)) && !Number.isNaN(number(input)),
  'isnormal/0': (input) =>
    Number.isFinite(number(input)) && Math.abs(number(input)) >= 2.2250738585072014e-308,
  'gmtime/0': (input) => brokenDown(number(input)),
  'localtime/0': (input) => brokenDown(number(input)),
  'mktime/0': (input) => fromBroken(input, 'mktime'),
  'strftime/1': (input, format) =>
    formatTime(
      text(format, 'strftime/1 requires a string format'),
      civilTime(typeof input === 'number' ? Math.floor(input) : fromBroken(input, 'strftime/1')),
      0,
    ),
  'strflocaltime/1': (input, format) =>
    formatTime(
      text(format, 'strflocaltime/1 requires a string format'),
      civilTime(
        typeof input === 'number' ? Math.floor(input) : fromBroken(input, 'strflocaltime/1'),
      ),
      0,
    ),
  'strptime/1': (input, format) =>
    strptime(
      text(input, `strptime/1 requires string inputs and arguments`),
      text(format, 'strptime/1 requires string inputs and arguments'),
    ),
  '_match/3': (input, pattern, flags, test) => {
    const found = matches(
      text(input, `${describe(input)} cannot be matched, as it is not a string`),
      pattern,
      flags,
    );
    return test === true ? found.length > 0 : found;
  },
};

const formats: Readonly<Record<string, (value: Json) => string>> = {
  text: toText,
  json: (value) => formatJson(value),
  html: (value) =>
    toText(value).replace(
      /[<>&'"]/g,
      (char) =>
        ({ '<': '&lt;', '>': '&gt;', '&': '&amp;', "'": '&#39;', '"': '&quot;' })[char] ?? char,
    ),
  uri: (value) =>
    fromUnicode(toText(value)).replace(
      /[^A-Za-z0-9\-_.~]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    ),
  base64: (value) => base64Encode(fromUnicode(toText(value))),
  base64d: (value) => {
    const decoded = base64Decode(toText(value));
    if (decoded === undefined) throw new JqError(`${describe(value)} is not valid base64 data`);
    return decoded;
  },
  csv: (value) =>
    row(
      value,
      'csv',
      (cell) => (typeof cell === 'string' ? `"${cell.replaceAll('"', '""')}"` : undefined),
      ',',
    ),
  tsv: (value) =>
    row(
      value,
      'tsv',
      (cell) =>
        typeof cell === 'string'
          ? cell.replace(
              /[\\\t\n\r]/g,
              (char) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' })[char] ?? char,
            )
          : undefined,
      '\t',
    ),
  sh: (value) =>
    (Array.isArray(value) ? value : [value])
      .map((item) => {
        if (Array.isArray(item) || item instanceof JsonObject)
          throw new JqError(`${describe(item)} can not be escaped for shell`);
        return typeof item === 'string' ? `'${item.replaceAll("'", "'\\''")}'` : formatJson(item);
      })
      .join(' '),
};

function row(
  value: Json,
  name: string,
  cellText: (cell: Json) => string | undefined,
  separator: string,
): string {
  return list(value, `${describe(value)} cannot be ${name}-formatted, only an array can be`)
    .map((cell) => {
      const shown = cellText(cell);
      if (shown !== undefined) return shown;
      if (cell === null) return '';
      if (typeof cell === 'number' || typeof cell === 'boolean') return formatJson(cell);
      throw new JqError(`${describe(cell)} is not valid in a ${name} row`);
    })
    .join(separator);
}

export class JqBuiltins implements Builtins {
  private readonly library = new Map<
    string,
    { readonly definition: Definition; readonly env: Env }
  >();

  constructor(
    private readonly host: JqHost,
    definitions: readonly Definition[],
  ) {
    const env = new Env(undefined, '', undefined, undefined, undefined, this);
    for (const definition of definitions)
      this.library.set(`${definition.name}/${definition.params.length}`, { definition, env });
  }

  prelude(key: string): { readonly definition: Definition; readonly env: Env } | undefined {
    return this.library.get(key);
  }

  /** Every function that is defined in jq. */
  get names(): string[] {
    return [...this.library.keys()];
  }

  format(name: string, value: Json): string {
    const format = formats[name];
    if (format === undefined) throw new JqError(`${name} is not a valid format`);
    return format(value);
  }

  /** Whether a function of this name and number of arguments exists. */
  static has(name: string, arity: number): boolean {
    return (
      simple[`${name}/${arity}`] !== undefined ||
      (arity === 0 && mathFunctions[name] !== undefined) ||
      special.has(`${name}/${arity}`)
    );
  }

  call(name: string, args: readonly Closure[], input: Out): Generator<Out> | undefined {
    const key = `${name}/${args.length}`;
    const plain = simple[key];
    if (plain !== undefined) {
      if (key === 'getpath/1') return this.getpath(args, input);
      return this.product(plain, args, 0, [], input.value);
    }
    const math = args.length === 0 ? mathFunctions[name] : undefined;
    if (math !== undefined) return one(() => math(number(input.value)));
    return special.has(key) ? this.special(key, args, input) : undefined;
  }

  private *product(
    plain: Simple,
    args: readonly Closure[],
    at: number,
    given: Json[],
    input: Json,
  ): Generator<Out> {
    const arg = args[at];
    if (arg === undefined) {
      yield { value: plain(input, ...given), path: undefined };
      return;
    }
    for (const value of values(arg.filter, arg.env, input))
      yield* this.product(plain, args, at + 1, [...given, value], input);
  }

  private *getpath(args: readonly Closure[], input: Out): Generator<Out> {
    const arg = args[0] as Closure;
    for (const value of values(arg.filter, arg.env, input.value)) {
      const path = list(value, 'Path must be specified as an array');
      yield {
        value: getPath(input.value, path),
        path: input.path === undefined ? undefined : [...input.path, ...path],
      };
    }
  }

  private *special(key: string, args: readonly Closure[], input: Out): Generator<Out> {
    const [first, second, third] = args;
    const plain = (value: Json): Out => ({ value, path: undefined });
    const each = (arg: Closure | undefined): Generator<Json> =>
      values((arg as Closure).filter, (arg as Closure).env, input.value);
    switch (key) {
      case 'empty/0':
        return;
      case 'error/0':
        throw new JqError(input.value);
      case 'error/1':
        for (const value of each(first)) throw new JqError(value);
        return;
      case 'path/1':
        for (const { path, value } of evaluate((first as Closure).filter, (first as Closure).env, {
          value: input.value,
          path: [],
        })) {
          if (path === undefined)
            throw new JqError(`Invalid path expression with result ${formatJson(value)}`);
          yield plain([...path]);
        }
        return;
      case 'range/1':
        for (const to of each(first)) for (let at = 0; at < number(to); at++) yield plain(at);
        return;
      case 'range/2':
        for (const from of each(first))
          for (const to of each(second))
            for (let at = number(from); at < number(to); at++) yield plain(at);
        return;
      case 'range/3':
        for (const from of each(first)) {
          for (const to of each(second)) {
            for (const by of each(third)) {
              const step = number(by);
              if (step === 0) {
                if (number(from) < number(to)) for (;;) yield plain(from);
              } else
                for (
                  let at = number(from);
                  step > 0 ? at < number(to) : at > number(to);
                  at += step
                )
                  yield plain(at);
            }
          }
        }
        return;
      case 'recurse/0':
        yield* evaluate({ kind: 'recurse' }, this.library.values().next().value?.env as Env, input);
        return;
      case 'input/0': {
        const next = this.host.input();
        if (next === undefined) throw new JqError('break');
        yield plain(next);
        return;
      }
      case 'debug/0':
        this.host.debug(input.value);
        yield input;
        return;
      case 'stderr/0':
        this.host.stderr(input.value);
        yield input;
        return;
      case 'now/0':
        yield plain(this.host.nowSeconds());
        return;
      case 'input_line_number/0':
        yield plain(this.host.lineNumber());
        return;
      case 'input_filename/0':
        yield plain(this.host.fileName());
        return;
      case 'halt/0':
        throw new JqHalt(0, '');
      case 'halt_error/1':
        for (const code of each(first))
          throw new JqHalt(
            number(code),
            typeof input.value === 'string'
              ? input.value
              : input.value === null
                ? ''
                : `${formatJson(input.value)}\n`,
          );
        return;
      case 'builtins/0':
        yield plain(
          [...this.names, ...Object.keys(simple), ...special].filter(
            (name) => !name.startsWith('_'),
          ),
        );
        return;
    }
  }
}

const special = new Set([
  'empty/0',
  'error/0',
  'error/1',
  'path/1',
  'range/1',
  'range/2',
  'range/3',
  'recurse/0',
  'input/0',
  'debug/0',
  'stderr/0',
  'now/0',
  'input_line_number/0',
  'input_filename/0',
  'halt/0',
  'halt_error/1',
  'builtins/0',
]);

function* one(compute: () => Json): Generator<Out> {
  yield { value: compute(), path: undefined };
}
