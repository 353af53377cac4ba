/**
 * Evaluates jq filters: a filter turns a value into any number of values (a generator). With paths, every value carries
 * where in the input it stands, which is what assignments and path() work with.
 */
import type { Definition, Filter, Pattern } from './ast.js';
import { JsonObject, typeOf, type Json } from './json.js';
import {
  binary,
  deletePaths,
  describe,
  getPath,
  indexValue,
  JqError,
  setPath,
  short,
  sliceValue,
  truthy,
  type Out,
  type Path,
} from './paths.js';

class Break extends Error {
  constructor(readonly label: object) {
    super('break');
  }
}

export interface Closure {
  readonly filter: Filter;
  readonly env: Env;
}

type Function_ =
  { readonly definition: Definition; readonly env: Env } | { readonly closure: Closure };

/** Variables, functions and labels in scope. */
export class Env {
  constructor(
    readonly parent: Env | undefined,
    readonly name: string,
    readonly variable: Json | undefined,
    readonly func: Function_ | undefined,
    readonly label: object | undefined,
    readonly host: Builtins,
  ) {}

  withVariable(name: string, value: Json): Env {
    return new Env(this, `$${name}`, value, undefined, undefined, this.host);
  }

  withFunction(definition: Definition): Env {
    const holder: { definition: Definition; env: Env } = { definition, env: this };
    const env = new Env(
      this,
      `${definition.name}/${definition.params.length}`,
      undefined,
      holder,
      undefined,
      this.host,
    );
    holder.env = env;
    return env;
  }

  withClosure(name: string, closure: Closure): Env {
    return new Env(this, `${name}/0`, undefined, { closure }, undefined, this.host);
  }

  withLabel(name: string, label: object): Env {
    return new Env(this, `*${name}`, undefined, undefined, label, this.host);
  }

  find(name: string): Env | undefined {
    if (this.name === name) return this;
    let env = this.parent;
    while (env !== undefined && env.name !== name) env = env.parent;
    return env;
  }
}

/** Functions in TypeScript: over the input and closures; undefined where there is none of that name. */
export interface Builtins {
  call(name: string, args: readonly Closure[], input: Out): Generator<Out> | undefined;
  format(name: string, value: Json): string;
  /** Functions that are defined in jq itself, by `name/arity`; they see each other. */
  prelude(key: string): { readonly definition: Definition; readonly env: Env } | undefined;
}

const append = (path: Path | undefined, key: Json): Path | undefined =>
  path === undefined ? undefined : [...path, key];

export function* iterate({ value, path }: Out): Generator<Out> {
  if (Array.isArray(value))
    for (const [at, item] of value.entries()) yield { value: item, path: append(path, at) };
  else if (value instanceof JsonObject)
    for (const [key, item] of value) yield { value: item, path: append(path, key) };
  else if (value === null && path !== undefined) return;
  else throw new JqError(`Cannot iterate over ${value === null ? 'null (null)' : describe(value)}`);
}

function* recurse(out: Out): Generator<Out> {
  yield out;
  if (Array.isArray(out.value) || out.value instanceof JsonObject)
    for (const child of iterate(out)) yield* recurse(child);
}

function* bindPattern(pattern: Pattern, value: Json, env: Env): Generator<Env> {
  if (pattern.kind === 'variable') yield env.withVariable(pattern.name, value);
  else if (pattern.kind === 'array') {
    if (value !== null && !Array.isArray(value))
      throw new JqError(`Cannot index ${typeOf(value)} with number`);
    yield* bindItems(pattern.items, 0, value, env);
  } else yield* bindEntries(pattern.entries, 0, value, env);
}

function* bindItems(items: readonly Pattern[], at: number, value: Json, env: Env): Generator<Env> {
  const item = items[at];
  if (item === undefined) yield env;
  else
    for (const next of bindPattern(item, indexValue(value, at), env))
      yield* bindItems(items, at + 1, value, next);
}

function* bindEntries(
  entries: Extract<Pattern, { kind: 'object' }>['entries'],
  at: number,
  value: Json,
  env: Env,
): Generator<Env> {
  const entry = entries[at];
  if (entry === undefined) {
    yield env;
    return;
  }
  for (const { value: key } of evaluate(entry.key, env, { value, path: undefined })) {
    if (typeof key !== 'string') throw new JqError(`Cannot index object with ${typeOf(key)}`);
    const found = indexValue(value, key);
    const bound = entry.variable === undefined ? env : env.withVariable(entry.variable, found);
    const inner = entry.pattern === undefined ? [bound] : bindPattern(entry.pattern, found, bound);
    for (const next of inner) yield* bindEntries(entries, at + 1, value, next);
  }
}

function patternVariables(pattern: Pattern): string[] {
  if (pattern.kind === 'variable') return [pattern.name];
  if (pattern.kind === 'array') return pattern.items.flatMap(patternVariables);
  return pattern.entries.flatMap((entry) => [
    ...(entry.variable === undefined ? [] : [entry.variable]),
    ...(entry.pattern === undefined ? [] : patternVariables(entry.pattern)),
  ]);
}

/** Values of a filter, without places. */
export function* values(filter: Filter, env: Env, input: Json): Generator<Json> {
  for (const { value } of evaluate(filter, env, { value: input, path: undefined })) yield value;
}

export function* evaluate(filter: Filter, env: Env, input: Out): Generator<Out> {
  const plain = (value: Json): Out => ({ value, path: undefined });
  switch (filter.kind) {
    case 'identity':
      yield input;
      return;
    case 'recurse':
      yield* recurse(input);
      return;
    case 'literal':
      yield plain(filter.value);
      return;
    case 'format':
      yield plain(env.host.format(filter.name, input.value));
      return;
    case 'string':
      yield* interpolate(filter.parts, 0, '', filter.format ?? 'text', env, input.value);
      return;
    case 'index':
      for (const target of evaluate(filter.target, env, input)) {
        for (const key of values(filter.key, env, input.value))
          yield { value: indexValue(target.value, key), path: append(target.path, key) };
      }
      return;
    case 'slice':
      for (const target of evaluate(filter.target, env, input)) {
        for (const to of filter.to === undefined ? [null] : values(filter.to, env, input.value)) {
          for (const from of filter.from === undefined
            ? [null]
            : values(filter.from, env, input.value)) {
            yield {
              value: sliceValue(target.value, from, to),
              path: append(
                target.path,
                new JsonObject([
                  ['start', from],
                  ['end', to],
                ]),
              ),
            };
          }
        }
      }
      return;
    case 'iterate':
      for (const target of evaluate(filter.target, env, input)) yield* iterate(target);
      return;
    case 'array':
      yield plain(filter.body === undefined ? [] : [...values(filter.body, env, input.value)]);
      return;
    case 'object':
      yield* object(filter.entries, 0, new JsonObject(), env, input.value);
      return;
    case 'negate':
      for (const value of values(filter.operand, env, input.value)) {
        if (typeof value !== 'number') throw new JqError(`${describe(value)} cannot be negated`);
        yield plain(-value);
      }
      return;
    case 'pipe':
      for (const left of evaluate(filter.left, env, input))
        yield* evaluate(filter.right, env, left);
      return;
    case 'comma':
      yield* evaluate(filter.left, env, input);
      yield* evaluate(filter.right, env, input);
      return;
    case 'alternative':
      yield* alternative(filter.left, filter.right, env, input);
      return;
    case 'and':
    case 'or':
      for (const left of values(filter.left, env, input.value)) {
        if (truthy(left) === (filter.kind === 'or')) yield plain(filter.kind === 'or');
        else for (const right of values(filter.right, env, input.value)) yield plain(truthy(right));
      }
      return;
    case 'binary':
      for (const right of values(filter.right, env, input.value)) {
        for (const left of values(filter.left, env, input.value))
          yield plain(binary(filter.operator, left, right));
      }
      return;
    case 'update':
      yield* update(filter.operator, filter.left, filter.right, env, input.value);
      return;
    case 'if':
      for (const test of values(filter.test, env, input.value))
        yield* evaluate(truthy(test) ? filter.then : filter.otherwise, env, input);
      return;
    case 'try':
      try {
        yield* evaluate(filter.body, env, input);
      } catch (error) {
        if (!(error instanceof JqError)) throw error;
        if (error.value instanceof JsonObject && error.value.get('__jq') !== undefined) throw error;
        if (filter.handler !== undefined) yield* evaluate(filter.handler, env, plain(error.value));
      }
      return;
    case 'reduce': {
      for (const start of values(filter.start, env, input.value)) {
        let state: Json = start;
        for (const item of values(filter.source, env, input.value)) {
          for (const bound of bindPattern(filter.pattern, item, env)) {
            let last: Json = null;
            for (const next of values(filter.update, bound, state)) last = next;
            state = last;
          }
        }
        yield plain(state);
      }
      return;
    }
    case 'foreach':
      for (const start of values(filter.start, env, input.value)) {
        let state: Json = start;
        for (const item of values(filter.source, env, input.value)) {
          for (const bound of bindPattern(filter.pattern, item, env)) {
            for (const next of values(filter.update, bound, state)) {
              state = next;
              if (filter.extract === undefined) yield plain(next);
              else yield* evaluate(filter.extract, bound, plain(next));
            }
          }
        }
      }
      return;
    case 'define':
      yield* evaluate(filter.body, env.withFunction(filter.definition), input);
      return;
    case 'call':
      yield* call(filter.name, filter.args, env, input);
      return;
    case 'variable': {
      if (filter.name === '__loc__') {
        yield plain(
          new JsonObject([
            ['file', '<top-level>'],
            ['line', filter.line],
          ]),
        );
        return;
      }
      yield plain(env.find(`$${filter.name}`)?.variable ?? null);
      return;
    }
    case 'bind':
      yield* bind(filter, env, input);
      return;
    case 'label': {
      const label = {};
      try {
        yield* evaluate(filter.body, env.withLabel(filter.name, label), input);
      } catch (error) {
        if (!(error instanceof Break) || error.label !== label) throw error;
      }
      return;
    }
    case 'break':
      throw new Break(env.find(`*${filter.name}`)?.label ?? {});
  }
}

function* interpolate(
  parts: readonly (string | Filter)[],
  at: number,
  text: string,
  format: string,
  env: Env,
  input: Json,
): Generator<Out> {
  const part = parts[at];
  if (part === undefined) yield { value: text, path: undefined };
  else if (typeof part === 'string')
    yield* interpolate(parts, at + 1, text + part, format, env, input);
  else
    for (const value of values(part, env, input))
      yield* interpolate(parts, at + 1, text + env.host.format(format, value), format, env, input);
}

function* object(
  entries: Extract<Filter, { kind: 'object' }>['entries'],
  at: number,
  made: JsonObject,
  env: Env,
  input: Json,
): Generator<Out> {
  const entry = entries[at];
  if (entry === undefined) {
    yield { value: made, path: undefined };
    return;
  }
  for (const key of values(entry.key, env, input)) {
    if (typeof key !== 'string') throw new JqError(`Object keys must be strings`);
    const items =
      entry.value === undefined ? [indexValue(input, key)] : values(entry.value, env, input);
    for (const value of items)
      yield* object(entries, at + 1, new JsonObject([...made, [key, value]]), env, input);
  }
}

function* alternative(left: Filter, right: Filter, env: Env, input: Out): Generator<Out> {
  let any = false;
  try {
    for (const out of evaluate(left, env, input)) {
      if (!truthy(out.value)) continue;
      any = true;
      yield out;
    }
  } catch (error) {
    if (!(error instanceof JqError)) throw error;
  }
  if (!any) yield* evaluate(right, env, input);
}

function pathsOf(filter: Filter, env: Env, input: Json): Path[] {
  return [...evaluate(filter, env, { value: input, path: [] })].map(({ path, value }) => {
    if (path === undefined)
      throw new JqError(`Invalid path expression with result ${short(value)}`);
    return path;
  });
}

function* update(
  operator: string,
  left: Filter,
  right: Filter,
  env: Env,
  input: Json,
): Generator<Out> {
  const paths = pathsOf(left, env, input);
  if (operator === '|=') {
    let value = input;
    const gone: Path[] = [];
    for (const path of paths) {
      const old = getPath(value, path);
      const first = values(right, env, old).next();
      if (first.done === true) gone.push(path);
      else value = setPath(value, path, () => first.value);
    }
    yield { value: deletePaths(value, gone), path: undefined };
    return;
  }
  for (const given of values(right, env, input)) {
    let value = input;
    for (const path of paths) {
      value = setPath(value, path, (old) => {
        if (operator === '=') return given;
        if (operator === '//=') return truthy(old) ? old : given;
        return binary(operator.slice(0, -1), old, given);
      });
    }
    yield { value, path: undefined };
  }
}

function* bind(filter: Extract<Filter, { kind: 'bind' }>, env: Env, input: Out): Generator<Out> {
  const all =
    filter.patterns.length > 1 ? [...new Set(filter.patterns.flatMap(patternVariables))] : [];
  for (const value of values(filter.source, env, input.value)) {
    for (const [index, pattern] of filter.patterns.entries()) {
      const base = all.reduce((scope, name) => scope.withVariable(name, null), env);
      try {
        for (const bound of bindPattern(pattern, value, base))
          yield* evaluate(filter.body, bound, input);
        break;
      } catch (error) {
        if (!(error instanceof JqError) || index === filter.patterns.length - 1) throw error;
      }
    }
  }
}

function* call(name: string, args: readonly Filter[], env: Env, input: Out): Generator<Out> {
  const found =
    env.find(`${name}/${args.length}`)?.func ?? env.host.prelude(`${name}/${args.length}`);
  if (found === undefined) {
    const closures = args.map((filter): Closure => ({ filter, env }));
    const result = env.host.call(name, closures, input);
    if (result === undefined) throw new JqError(`${name}/${args.length} is not defined`);
    yield* result;
    return;
  }
  if ('closure' in found) {
    yield* evaluate(found.closure.filter, found.closure.env, input);
    return;
  }
  yield* enter(found.definition, found.env, args, 0, env, input, found.env);
}

/** Binds the parameters one by one: `$x` to every value of its argument, others to the argument itself. */
function* enter(
  definition: Definition,
  scope: Env,
  args: readonly Filter[],
  at: number,
  caller: Env,
  input: Out,
  base: Env,
): Generator<Out> {
  const param = definition.params[at];
  const filter = args[at];
  if (param === undefined || filter === undefined) {
    yield* evaluate(definition.body, scope, input);
    return;
  }
  if (!param.startsWith('$')) {
    yield* enter(
      definition,
      scope.withClosure(param, { filter, env: caller }),
      args,
      at + 1,
      caller,
      input,
      base,
    );
    return;
  }
  const name = param.slice(1);
  for (const value of values(filter, caller, input.value)) {
    const bound = scope.withVariable(name, value).withClosure(name, {
      filter: { kind: 'variable', name, line: 1, start: 0 },
      env: scope.withVariable(name, value),
    });
    yield* enter(definition, bound, args, at + 1, caller, input, base);
  }
}
