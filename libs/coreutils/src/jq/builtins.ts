/** jq's functions that are defined in TypeScript, and its string formats. */
import type { Definition } from './ast.js';
import { evaluate, values, Env, type Builtins, type Closure } from './evaluate.js';
import { getPath, JqError, type Out } from './paths.js';
import { formatJson, type Json } from './json.js';
import { formats } from './formats.js';
import { list, mathFunctions, number, simple, type Simple } from './functions.js';

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
