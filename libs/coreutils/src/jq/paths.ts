/** Values of jq: indexing, paths, operators, and the errors that they raise. */
import { compareJson, deepEqual, formatJson, JsonObject, typeOf, type Json } from './json.js';

/** A raised error; its value is what `catch` sees. */
export class JqError extends Error {
  constructor(readonly value: Json) {
    super(typeof value === 'string' ? value : formatJson(value));
  }
}

export type Path = readonly Json[];
/** A value and, where paths are wanted, its place. */
export interface Out {
  readonly value: Json;
  readonly path: Path | undefined;
}

export const short = (value: Json): string => {
  const text = formatJson(value);
  return text.length > 11 ? `${text.slice(0, 10)}...` : text;
};

export function describe(value: Json): string {
  return `${typeOf(value)} (${short(value)})`;
}

export const truthy = (value: Json): boolean => value !== null && value !== false;

export function sliceBounds(length: number, from: Json, to: Json): [number, number] {
  const bound = (value: Json, fallback: number, up: boolean): number => {
    if (value === null) return fallback;
    if (typeof value !== 'number')
      throw new JqError('Start and end indices of an array slice must be numbers');
    const whole = up ? Math.ceil(value) : Math.floor(value);
    return Math.min(length, Math.max(0, whole < 0 ? length + whole : whole));
  };
  const start = bound(from, 0, false);
  return [start, Math.max(start, bound(to, length, true))];
}

export function indexValue(value: Json, key: Json): Json {
  if (key instanceof JsonObject)
    return sliceValue(value, key.get('start') ?? null, key.get('end') ?? null);
  if (value instanceof JsonObject && typeof key === 'string') return value.get(key) ?? null;
  if (Array.isArray(value) && typeof key === 'number') {
    const at = Math.floor(key);
    return value[at < 0 ? value.length + at : at] ?? null;
  }
  if (value === null && (typeof key === 'string' || typeof key === 'number' || key === null))
    return null;
  if (Array.isArray(value) && Array.isArray(key)) {
    if (key.length === 0) return null;
    return value
      .map((_, at) => at)
      .filter((at) =>
        key.every(
          (item, offset) =>
            at + offset < value.length && deepEqual(value[at + offset] ?? null, item),
        ),
      );
  }
  if (typeof key === 'string')
    throw new JqError(`Cannot index ${typeOf(value)} with string "${key}"`);
  throw new JqError(`Cannot index ${typeOf(value)} with ${typeOf(key)}`);
}

export function sliceValue(value: Json, from: Json, to: Json): Json {
  if (value === null) return null;
  if (typeof value === 'string') {
    const points = [...value];
    const [start, end] = sliceBounds(points.length, from, to);
    return points.slice(start, end).join('');
  }
  if (!Array.isArray(value)) throw new JqError(`Cannot index ${typeOf(value)} with object`);
  const [start, end] = sliceBounds(value.length, from, to);
  return value.slice(start, end);
}

export function getPath(value: Json, path: Path): Json {
  let current = value;
  for (const key of path) {
    if (current === null) return null;
    current = indexValue(current, key);
  }
  return current;
}

/** The value with what stands at a path replaced; arrays and objects are made on the way. */
export function setPath(value: Json, path: Path, replace: (old: Json) => Json): Json {
  const [key, ...rest] = path;
  if (key === undefined) return replace(value);
  if (key instanceof JsonObject) {
    const list = value ?? [];
    if (!Array.isArray(list))
      throw new JqError(`Cannot update field at object index of ${typeOf(value)}`);
    const [start, end] = sliceBounds(list.length, key.get('start') ?? null, key.get('end') ?? null);
    const piece = setPath(list.slice(start, end), rest, replace);
    if (!Array.isArray(piece))
      throw new JqError('A slice of an array can only be assigned another array');
    return [...list.slice(0, start), ...piece, ...list.slice(end)];
  }
  const child = setPath(indexValue(value, key), rest, replace);
  if (typeof key === 'number') {
    const list = value === null ? [] : [...(value as Json[])];
    const at = key < 0 ? list.length + Math.floor(key) : Math.floor(key);
    if (at < 0) throw new JqError('Out of bounds negative array index');
    while (list.length < at) list.push(null);
    list[at] = child;
    return list;
  }
  const object = new JsonObject(value === null ? [] : (value as JsonObject));
  object.set(key as string, child);
  return object;
}

/** The value without what stands at some paths. */
export function deletePaths(value: Json, paths: readonly Path[]): Json {
  let out = value;
  for (const path of [...paths].sort((a, b) => compareJson([...b], [...a])))
    out = deletePath(out, path);
  return out;
}

export function deletePath(value: Json, path: Path): Json {
  const [key, ...rest] = path;
  if (key === undefined || value === null) return null;
  if (rest.length > 0) {
    const child = indexValue(value, key);
    return child === null ? value : setPath(value, [key], () => deletePath(child, rest));
  }
  if (value instanceof JsonObject && typeof key === 'string') {
    const copy = new JsonObject(value);
    copy.delete(key);
    return copy;
  }
  if (Array.isArray(value) && typeof key === 'number') {
    const at = key < 0 ? value.length + key : key;
    return value.filter((_, index) => index !== at);
  }
  if (Array.isArray(value) && key instanceof JsonObject) {
    const [start, end] = sliceBounds(
      value.length,
      key.get('start') ?? null,
      key.get('end') ?? null,
    );
    return [...value.slice(0, start), ...value.slice(end)];
  }
  throw new JqError(
    `Cannot delete field at ${typeof key === 'string' ? 'object' : 'array'} index of ${typeOf(value)}`,
  );
}

export function mergeDeep(a: JsonObject, b: JsonObject): JsonObject {
  const out = new JsonObject(a);
  for (const [key, value] of b) {
    const old = out.get(key);
    out.set(
      key,
      old instanceof JsonObject && value instanceof JsonObject ? mergeDeep(old, value) : value,
    );
  }
  return out;
}

export function binary(operator: string, a: Json, b: Json): Json {
  switch (operator) {
    case '==':
      return deepEqual(a, b);
    case '!=':
      return !deepEqual(a, b);
    case '<':
      return compareJson(a, b) < 0;
    case '<=':
      return compareJson(a, b) <= 0;
    case '>':
      return compareJson(a, b) > 0;
    case '>=':
      return compareJson(a, b) >= 0;
    case '+':
      if (a === null) return b;
      if (b === null) return a;
      if (typeof a === 'number' && typeof b === 'number') return a + b;
      if (typeof a === 'string' && typeof b === 'string') return a + b;
      if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
      if (a instanceof JsonObject && b instanceof JsonObject) return new JsonObject([...a, ...b]);
      throw new JqError(`${describe(a)} and ${describe(b)} cannot be added`);
    case '-':
      if (typeof a === 'number' && typeof b === 'number') return a - b;
      if (Array.isArray(a) && Array.isArray(b))
        return a.filter((item) => !b.some((other) => deepEqual(item, other)));
      throw new JqError(`${describe(a)} and ${describe(b)} cannot be subtracted`);
    case '*':
      if (typeof a === 'number' && typeof b === 'number') return a * b;
      if (typeof a === 'string' && typeof b === 'number')
        return b <= 0 ? null : a.repeat(b < 1 ? 1 : Math.floor(b));
      if (a instanceof JsonObject && b instanceof JsonObject) return mergeDeep(a, b);
      throw new JqError(`${describe(a)} and ${describe(b)} cannot be multiplied`);
    case '/':
      if (typeof a === 'number' && typeof b === 'number') {
        if (b === 0)
          throw new JqError(
            `${describe(a)} and ${describe(b)} cannot be divided because the divisor is zero`,
          );
        return a / b;
      }
      if (typeof a === 'string' && typeof b === 'string')
        return a === '' ? [] : b === '' ? [...a] : a.split(b);
      throw new JqError(`${describe(a)} and ${describe(b)} cannot be divided`);
    default:
      if (typeof a !== 'number' || typeof b !== 'number')
        throw new JqError(`${describe(a)} and ${describe(b)} cannot be divided`);
      if (Math.trunc(b) === 0)
        throw new JqError(
          `${describe(a)} and ${describe(b)} cannot be divided (remainder) because the divisor is zero`,
        );
      return Math.trunc(a) % Math.trunc(b) || 0;
  }
}
