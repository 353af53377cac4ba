/** What a jq command line asks for. */
import { toUnicode } from '../tool/bytes.js';
import { errnoText, ExitError, type Tool } from '../tool/tool.js';
import { JsonParser, JsonSyntaxError, type Json } from './json.js';

export interface Options {
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

export const help =
  'Use jq --help for help with command-line options,\nor see the jq manpage, or online docs  at https://stedolan.github.io/jq\n';

export function usageError(t: Tool, text: string): never {
  t.put(`jq: ${text}\n${help}`, 2);
  throw new ExitError(2);
}

export function parseText(t: Tool, text: string, what: string): Json[] {
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

export async function fileText(t: Tool, path: string, name: string): Promise<string> {
  try {
    return await t.input(t.open(path)).rest();
  } catch (error) {
    return usageError(
      t,
      `Bad JSON in --${name} ${path}: Could not open ${path}: ${errnoText(error)}`,
    );
  }
}

export async function readOptions(t: Tool): Promise<Options> {
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
