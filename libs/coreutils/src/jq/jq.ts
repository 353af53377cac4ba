/**
 * jq: filters JSON (jq 1.6's language, options, texts and exit codes; no modules, no colours, no --stream).
 * Each value is filtered and printed as soon as it has arrived whole.
 */
import { KernelError, strerror } from '@netloom/base';
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { realTime } from '../tool/calendar.js';
import type { Input } from '../tool/input.js';
import { defineTool, errnoText, ExitError, type Tool } from '../tool/tool.js';
import type { Definition, Filter } from './ast.js';
import { JqBuiltins, JqHalt } from './builtins.js';
import { checkNames } from './check.js';
import { Env, evaluate, JqError, truthy } from './evaluate.js';
import {
  formatJson,
  JsonObject,
  JsonParser,
  JsonSyntaxError,
  type Json,
  type Style,
} from './json.js';
import { JqParser, JqSyntaxError } from './parser.js';
import { prelude } from './prelude.js';

let preludeDefinitions: readonly Definition[] | undefined;

interface Options {
  raw: boolean;
  join: boolean;
  ascii: boolean;
  nullInput: boolean;
  slurp: boolean;
  rawInput: boolean;
  exitStatus: boolean;
  sortKeys: boolean;
  indent: string | undefined;
  sequence: boolean;
  filterFile: boolean;
  readonly variables: Map<string, Json>;
  readonly positional: Json[];
  readonly operands: string[];
}

const help =
  'Use jq --help for help with command-line options,\nor see the jq manpage, or online docs  at https://stedolan.github.io/jq\n';

function usageError(t: Tool, text: string): never {
  t.put(`jq: ${text}\n${help}`, 2);
  throw new ExitError(2);
}

function parseText(t: Tool, text: string, what: string): Json[] {
  const parser = new JsonParser();
  parser.push(text);
  parser.end();
  const found: Json[] = [];
  try {
    for (let next = parser.next(); next !== undefined; next = parser.next()) found.push(next.value);
    return found;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return usageError(t, what);
    throw error;
  }
}

async function fileText(t: Tool, path: string, name: string): Promise<string> {
  try {
    return await t.input(t.open(path)).rest();
  } catch (error) {
    return usageError(
      t,
      `Bad JSON in --${name} ${path}: Could not open ${path}: ${errnoText(error)}`,
    );
  }
}

async function readOptions(t: Tool): Promise<Options> {
  const o: Options = {
    raw: false,
    join: false,
    ascii: false,
    nullInput: false,
    slurp: false,
    rawInput: false,
    exitStatus: false,
    sortKeys: false,
    indent: '  ',
    sequence: false,
    filterFile: false,
    variables: new Map(),
    positional: [],
    operands: [],
  };
  const args = [...t.args];
  let rest: 'operands' | 'args' | 'jsonargs' = 'operands';
  let onlyOperands = false;
  const take = (text: string, count: number): string[] =>
    args.length < count ? usageError(t, text) : args.splice(0, count);
  const plain: Readonly<Record<string, () => void>> = {
    'raw-output': () => (o.raw = true),
    'join-output': () => (o.raw = o.join = true),
    'ascii-output': () => (o.ascii = true),
    'compact-output': () => (o.indent = undefined),
    'null-input': () => (o.nullInput = true),
    slurp: () => (o.slurp = true),
    'raw-input': () => (o.rawInput = true),
    'exit-status': () => (o.exitStatus = true),
    'sort-keys': () => (o.sortKeys = true),
    tab: () => (o.indent = '\t'),
    seq: () => (o.sequence = true),
    'color-output': () => undefined,
    'monochrome-output': () => undefined,
    unbuffered: () => undefined,
    'from-file': () => (o.filterFile = true),
    args: () => (rest = 'args'),
    jsonargs: () => (rest = 'jsonargs'),
    help: () => {
      t.put(
        'jq - commandline JSON processor [version 1.6]\n\nUsage:\tjq [options] <jq filter> [file...]\n\tjq [options] --args <jq filter> [strings...]\n\tjq [options] --jsonargs <jq filter> [JSON_TEXTS...]\n',
      );
      throw new ExitError(0);
    },
    version: () => {
      t.put('jq-1.6\n');
      throw new ExitError(0);
    },
  };
  const letters: Readonly<Record<string, string>> = {
    r: 'raw-output',
    j: 'join-output',
    a: 'ascii-output',
    c: 'compact-output',
    n: 'null-input',
    s: 'slurp',
    R: 'raw-input',
    e: 'exit-status',
    S: 'sort-keys',
    C: 'color-output',
    M: 'monochrome-output',
    f: 'from-file',
    h: 'help',
    V: 'version',
  };
  for (let arg = args.shift(); arg !== undefined; arg = args.shift()) {
    if (onlyOperands || !arg.startsWith('-') || arg === '-') {
      if (rest === 'operands' || o.operands.length === 0) o.operands.push(arg);
      else
        o.positional.push(
          rest === 'args'
            ? toUnicode(arg)
            : (parseText(t, toUnicode(arg), `Invalid JSON text passed to --jsonargs`)[0] ?? null),
        );
      continue;
    }
    if (arg === '--') {
      onlyOperands = true;
      continue;
    }
    if (!arg.startsWith('--')) {
      if (!/^-[A-Za-z]/.test(arg)) {
        o.operands.push(arg);
        continue;
      }
      for (const letter of arg.slice(1)) {
        const name = letters[letter];
        if (name === undefined) return usageError(t, `Unknown option ${arg}`);
        plain[name]?.();
      }
      continue;
    }
    const name = arg.slice(2);
    if (plain[name] !== undefined) plain[name]();
    else if (name === 'indent') {
      const [width = ''] = take('--indent takes one parameter', 1);
      if (Number(width) > 7) return usageError(t, 'Cannot indent more than 7 characters');
      o.indent = Number(width) === 0 ? undefined : ' '.repeat(Number(width));
    } else if (
      name === 'arg' ||
      name === 'argjson' ||
      name === 'slurpfile' ||
      name === 'rawfile' ||
      name === 'argfile'
    ) {
      const [variable = '', value = ''] = take(
        `--${name} takes two parameters (e.g. --${name} ${name.includes('file') ? 'varname filename' : name === 'arg' ? 'varname value' : 'varname text'})`,
        2,
      );
      let json: Json;
      if (name === 'arg') json = toUnicode(value);
      else if (name === 'argjson')
        json = parseText(t, toUnicode(value), `Invalid JSON text passed to --argjson`)[0] ?? null;
      else {
        const text = toUnicode(await fileText(t, value, name));
        json =
          name === 'rawfile'
            ? text
            : parseText(t, text, `Bad JSON in --${name} ${variable} ${value}`);
      }
      o.variables.set(variable, json);
    } else if (name === 'from-file') o.filterFile = true;
    else return usageError(t, `Unknown option ${arg}`);
  }
  return o;
}

/** The values of all input files, one after another. */
class Inputs {
  private readonly parser = new JsonParser();
  private index = 0;
  private current: Input | undefined;
  private ended = false;
  private lines = '';
  fileName: string | null = null;
  /** Some value was asked for. */
  asked = false;
  failed = false;

  constructor(
    private readonly t: Tool,
    private readonly o: Options,
    private readonly files: readonly string[],
  ) {}

  get lineNumber(): number {
    return this.parser.linesRead;
  }

  /** Reads on; false at the end of everything. */
  async fill(): Promise<boolean> {
    for (;;) {
      if (this.current === undefined && !this.openNext()) {
        if (this.ended) return false;
        this.ended = true;
        this.parser.end();
        return true;
      }
      let chunk: string | undefined;
      try {
        chunk = await this.current?.chunk();
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        this.t.put(`jq: error: Input error: ${strerror(error.errno)}\n`, 2);
        this.failed = true;
      }
      if (chunk === undefined) {
        this.current = undefined;
        continue;
      }
      if (this.o.rawInput) this.lines += chunk;
      else this.parser.push(toUnicode(chunk));
      return true;
    }
  }

  private openNext(): boolean {
    while (this.index < this.files.length) {
      const file = this.files[this.index++] ?? '-';
      try {
        this.current = this.t.input(file === '-' ? 0 : this.t.open(file));
        this.fileName = file === '-' ? null : toUnicode(file);
        return true;
      } catch (error) {
        this.t.put(`jq: error: Could not open file ${file}: ${errnoText(error)}\n`, 2);
        this.failed = true;
      }
    }
    return false;
  }

  /** A value that has arrived whole. */
  ready(): Json | undefined {
    this.asked = true;
    if (!this.o.rawInput) return this.parser.next()?.value;
    const end = this.lines.indexOf('\n');
    if (end < 0) {
      if (!this.ended || this.lines === '') return undefined;
      const last = this.lines;
      this.lines = '';
      return toUnicode(last);
    }
    const line = this.lines.slice(0, end);
    this.lines = this.lines.slice(end + 1);
    return toUnicode(line);
  }

  async next(): Promise<Json | undefined> {
    for (;;) {
      const value = this.ready();
      if (value !== undefined) return value;
      if (!(await this.fill())) return undefined;
    }
  }

  /** Everything at once, for filters that ask for input themselves. */
  async whole(): Promise<void> {
    while (await this.fill());
  }

  rawText(): string {
    return this.lines;
  }
}

class Jq {
  private status = 0;
  private lastOutput: Json | undefined;
  private readonly style: Style;

  constructor(
    private readonly t: Tool,
    private readonly o: Options,
    private readonly filter: Filter,
    private readonly env: Env,
    private readonly inputs: Inputs,
  ) {
    this.style = { indent: o.indent, sortKeys: o.sortKeys, ascii: o.ascii };
  }

  private async process(value: Json): Promise<void> {
    const { o, t } = this;
    try {
      let count = 0;
      for (const { value: out } of evaluate(this.filter, this.env, { value, path: undefined })) {
        this.lastOutput = out;
        const text = o.raw && typeof out === 'string' ? out : formatJson(out, this.style);
        t.put(`${o.sequence ? '\x1e' : ''}${fromUnicode(text)}${o.join ? '' : '\n'}`);
        if (t.full) await t.flush();
        if (++count % 10000 === 0) await t.sys.cpu(1_000_000);
      }
    } catch (error) {
      if (error instanceof RangeError) throw error;
      if (!(error instanceof JqError)) throw error;
      const where = !this.inputs.asked
        ? '<unknown>'
        : `${this.inputs.fileName ?? '<stdin>'}:${this.inputs.lineNumber}`;
      if (error.value === null) t.put(`jq: error (at ${where}) (not a string): null\n`, 2);
      else if (typeof error.value === 'string')
        t.put(`jq: error (at ${where}): ${fromUnicode(error.value)}\n`, 2);
      else
        t.put(
          `jq: error (at ${where}) (not a string): ${fromUnicode(formatJson(error.value))}\n`,
          2,
        );
      this.status = 5;
    }
  }

  async run(): Promise<number> {
    const { o, inputs } = this;
    if (o.nullInput) {
      await inputs.whole();
      await this.process(null);
    } else if (o.slurp) {
      await inputs.whole();
      const all: Json[] = [];
      if (o.rawInput) await this.process(toUnicode(inputs.rawText()));
      else {
        for (let value = inputs.ready(); value !== undefined; value = inputs.ready())
          all.push(value);
        await this.process(all);
      }
    } else
      for (let value = await inputs.next(); value !== undefined; value = await inputs.next())
        await this.process(value);
    if (this.status !== 0) return this.status;
    if (inputs.failed) return 2;
    if (!o.exitStatus) return 0;
    return this.lastOutput === undefined ? 4 : truthy(this.lastOutput) ? 0 : 1;
  }
}

function makeEnv(
  o: Options,
  builtins: JqBuiltins,
  env: ReadonlyMap<string, string>,
): { env: Env; variables: Set<string> } {
  let scope = new Env(undefined, '', undefined, undefined, undefined, builtins);
  const named = new JsonObject([...o.variables]);
  const all = new Map<string, Json>([
    ...o.variables,
    ['ENV', new JsonObject([...env])],
    [
      'ARGS',
      new JsonObject([
        ['positional', o.positional],
        ['named', named],
      ]),
    ],
  ]);
  for (const [name, value] of all) scope = scope.withVariable(name, value);
  return { env: scope, variables: new Set(all.keys()) };
}

export const jq = defineTool(
  {
    name: 'jq',
    usage: '[options] <jq filter> [file...]',
    about: '',
    suite: '',
    raw: true,
    shortName: true,
  },
  async (t) => {
    const o = await readOptions(t);
    let source = o.operands.shift();
    if (source === undefined && !(t.sys.isatty(0) && t.sys.isatty(1))) source = '.';
    if (source === undefined) {
      t.put(
        `Usage:\tjq [options] <jq filter> [file...]\n\tjq [options] --args <jq filter> [strings...]\n\tjq [options] --jsonargs <jq filter> [JSON_TEXTS...]\n\n`,
        2,
      );
      return 2;
    }
    if (o.filterFile) {
      try {
        source = await t.input(t.open(source)).rest();
      } catch (error) {
        t.put(`jq: error: Could not open ${source}: ${errnoText(error)}\n`, 2);
        return 2;
      }
    }
    const inputs = new Inputs(t, o, o.operands.length === 0 ? ['-'] : o.operands);
    const { seconds, nanoseconds } = realTime(t.sys);
    preludeDefinitions ??= new JqParser(prelude).definitions();
    const builtins = new JqBuiltins(
      {
        input: () => inputs.ready(),
        lineNumber: () => inputs.lineNumber,
        fileName: () => inputs.fileName,
        nowSeconds: () => seconds + nanoseconds / 1e9,
        debug: (value) => t.put(`["DEBUG:",${fromUnicode(formatJson(value))}]\n`, 2),
        stderr: (value) => t.put(fromUnicode(formatJson(value)), 2),
      },
      preludeDefinitions,
    );
    try {
      const filter = new JqParser(toUnicode(source)).parse();
      const { env, variables } = makeEnv(o, builtins, t.sys.env);
      checkNames(filter, toUnicode(source), { functions: new Set(builtins.names), variables });
      return await new Jq(t, o, filter, env, inputs).run();
    } catch (error) {
      if (error instanceof JqSyntaxError) {
        t.put(`jq: error: ${fromUnicode(error.message)}\n`, 2);
        return 3;
      }
      if (error instanceof JsonSyntaxError) {
        t.put(`parse error: ${error.message}\n`, 2);
        return 4;
      }
      if (error instanceof JqHalt) {
        t.put(fromUnicode(error.text), 2);
        return error.code;
      }
      throw error;
    }
  },
);
