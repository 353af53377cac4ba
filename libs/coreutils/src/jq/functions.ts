/** jq's functions of values alone. */
import { fromUnicode } from '../tool/bytes.js';
import { civilTime } from '../tool/calendar.js';
import { formatTime } from '../tool/strftime.js';
import { deletePaths, describe, getPath, JqError, setPath, type Path } from './paths.js';
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
import { matches } from './match.js';
import { brokenDown, fromBroken, strptime } from './dates.js';

export const number = (value: Json): number => {
  if (typeof value !== 'number') throw new JqError(`${describe(value)} number required`);
  return value;
};
export const text = (value: Json, what: string): string => {
  if (typeof value !== 'string') throw new JqError(what);
  return value;
};
export const list = (value: Json, what: string): Json[] => {
  if (!Array.isArray(value)) throw new JqError(what);
  return value;
};
export const toText = (value: Json): string =>
  typeof value === 'string' ? value : formatJson(value);

export const mathFunctions: Readonly<Record<string, (x: number) => number>> = {
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

export function length(value: Json): number {
  if (value === null) return 0;
  if (typeof value === 'number') return Math.abs(value);
  if (typeof value === 'string') return [...value].length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof JsonObject) return value.size;
  throw new JqError(`${describe(value)} has no length`);
}

export function keys(value: Json, sorted: boolean): Json[] {
  if (Array.isArray(value)) return value.map((_, at) => at);
  if (value instanceof JsonObject) return sorted ? sortedKeys(value) : [...value.keys()];
  throw new JqError(`${describe(value)} has no keys`);
}

export function contains(a: Json, b: Json): boolean {
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

export function flatten(items: readonly Json[], depth: number): Json[] {
  return items.flatMap((item) =>
    Array.isArray(item) && depth !== 0 ? flatten(item, depth - 1) : [item],
  );
}

export function parseJson(source: string): Json {
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

export function sortedBy(
  items: readonly Json[],
  sortKeys: readonly Json[],
): { item: Json; key: Json }[] {
  return items
    .map((item, at) => ({ item, key: sortKeys[at] ?? null }))
    .sort((a, b) => compareJson(a.key, b.key));
}

export function byImplementation(kind: string, input: Json, sortKeys: Json): Json {
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

export type Simple = (input: Json, ...args: Json[]) => Json;

/** Functions of the input and every combination of their arguments' values, by `name/arity`. */
export const simple: Readonly<Record<string, Simple>> = {
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
