/** What a `grep` command line asks for. */
import type { ParsedArgs } from '../tool/getopt.js';
import { ExitError, errnoText, type Tool } from '../tool/tool.js';

export interface GrepOptions {
  flavour: 'basic' | 'extended' | 'fixed' | 'perl';
  readonly patterns: string[];
  havePatterns: boolean;
  ignoreCase: boolean;
  whole: 'word' | 'line' | undefined;
  invert: boolean;
  count: boolean;
  lineNumbers: boolean;
  byteOffsets: boolean;
  onlyMatching: boolean;
  quiet: boolean;
  noMessages: boolean;
  /** Names of files with (`l`) or without (`L`) a selected line. */
  list: '' | 'l' | 'L';
  maxCount: number;
  /** Lines of context; -1 where none is asked for. */
  before: number;
  after: number;
  separator: string | undefined;
  withName: boolean | undefined;
  label: string;
  nullName: boolean;
  initialTab: boolean;
  delimiter: string;
  binary: 'binary' | 'text' | 'without-match';
  recursive: boolean;
  directories: 'read' | 'recurse' | 'skip';
  readonly include: string[];
  readonly exclude: string[];
  readonly excludeDir: string[];
  colour: boolean;
}

export const grepShort = '0123456789A:B:C:D:EFGHILPTUVX:abcd:e:f:hiLlm:noqRrsuvwxyZz';
export const grepLong: Readonly<Record<string, string>> = {
  'after-context': 'A:',
  'before-context': 'B:',
  context: 'C:',
  'extended-regexp': 'E',
  'fixed-strings': 'F',
  'basic-regexp': 'G',
  'perl-regexp': 'P',
  regexp: 'e:',
  file: 'f:',
  'ignore-case': 'i',
  'no-ignore-case': '--case',
  'word-regexp': 'w',
  'line-regexp': 'x',
  'null-data': 'z',
  'invert-match': 'v',
  'max-count': 'm:',
  'byte-offset': 'b',
  'line-number': 'n',
  'line-buffered': '--line-buffered',
  'with-filename': 'H',
  'no-filename': 'h',
  label: '--label:',
  'only-matching': 'o',
  quiet: 'q',
  silent: 'q',
  'binary-files': '--binary-files:',
  text: 'a',
  directories: 'd:',
  devices: 'D:',
  recursive: 'r',
  'dereference-recursive': 'R',
  include: '--include:',
  exclude: '--exclude:',
  'exclude-from': '--exclude-from:',
  'exclude-dir': '--exclude-dir:',
  'files-without-match': 'L',
  'files-with-matches': 'l',
  count: 'c',
  'initial-tab': 'T',
  null: 'Z',
  color: '--color::',
  colour: '--color::',
  'group-separator': '--group-separator:',
  'no-group-separator': '--no-group-separator',
  'no-messages': 's',
  binary: 'U',
};

function context(t: Tool, value: string): number {
  if (!/^\d+$/.test(value)) t.fail(`${value}: invalid context length argument`);
  return Number(value);
}

async function patternFile(t: Tool, path: string): Promise<string[]> {
  try {
    const text = path === '-' ? await t.input(0).rest() : await t.input(t.open(path)).rest();
    const lines = text.split('\n');
    if (lines[lines.length - 1] === '') lines.pop();
    return lines;
  } catch (error) {
    return t.fail(`${path}: ${errnoText(error)}`);
  }
}

type Apply = (options: GrepOptions, value: string, t: Tool) => unknown;

const apply: Readonly<Record<string, Apply>> = {
  A: (o, v, t) => (o.after = context(t, v)),
  B: (o, v, t) => (o.before = context(t, v)),
  C: (o, v, t) => (o.before = o.after = context(t, v)),
  E: (o) => (o.flavour = 'extended'),
  F: (o) => (o.flavour = 'fixed'),
  G: (o) => (o.flavour = 'basic'),
  P: (o) => (o.flavour = 'perl'),
  H: (o) => (o.withName = true),
  h: (o) => (o.withName = false),
  I: (o) => (o.binary = 'without-match'),
  a: (o) => (o.binary = 'text'),
  b: (o) => (o.byteOffsets = true),
  c: (o) => (o.count = true),
  i: (o) => (o.ignoreCase = true),
  y: (o) => (o.ignoreCase = true),
  '--case': (o) => (o.ignoreCase = false),
  L: (o) => (o.list = 'L'),
  l: (o) => (o.list = 'l'),
  n: (o) => (o.lineNumbers = true),
  o: (o) => (o.onlyMatching = true),
  q: (o) => (o.quiet = true),
  s: (o) => (o.noMessages = true),
  v: (o) => (o.invert = true),
  w: (o) => (o.whole ??= 'word'),
  x: (o) => (o.whole = 'line'),
  z: (o) => (o.delimiter = '\0'),
  Z: (o) => (o.nullName = true),
  T: (o) => (o.initialTab = true),
  r: (o) => ((o.recursive = true), (o.directories = 'recurse')),
  R: (o) => ((o.recursive = true), (o.directories = 'recurse')),
  '--label': (o, v) => (o.label = v),
  '--include': (o, v) => o.include.push(v),
  '--exclude': (o, v) => o.exclude.push(v),
  '--exclude-dir': (o, v) => o.excludeDir.push(v.replace(/\/+$/, '')),
  '--group-separator': (o, v) => (o.separator = v),
  '--no-group-separator': (o) => (o.separator = undefined),
  '--color': (o, v, t) => {
    if (!['', 'always', 'never', 'auto', 'yes', 'no', 'force', 'none', 'tty', 'if-tty'].includes(v))
      t.parse({}, ['--help']);
    o.colour =
      ['always', 'yes', 'force'].includes(v) ||
      (['', 'auto', 'tty', 'if-tty'].includes(v) && t.sys.isatty(1));
  },
  '--binary-files': (o, v, t) => {
    if (v !== 'binary' && v !== 'text' && v !== 'without-match')
      return t.fail('unknown binary-files type');
    o.binary = v;
  },
  m: (o, v, t) => {
    if (!/^-?\d+$/.test(v)) t.fail('invalid max count');
    o.maxCount = Number(v) < 0 ? Infinity : Number(v);
  },
  d: (o, v, t) => {
    if (v !== 'read' && v !== 'recurse' && v !== 'skip')
      return t.fail(`invalid argument '${v}' for '--directories'`);
    o.directories = v;
    o.recursive = v === 'recurse';
  },
  D: (_o, v, t) => {
    if (v !== 'read' && v !== 'skip') t.fail('unknown devices method');
  },
};

/** Reads options; operands that are left are files (`patterns` is complete then). */
export async function grepOptions(
  t: Tool,
  parsed: ParsedArgs,
  flavour: GrepOptions['flavour'],
): Promise<{ options: GrepOptions; files: readonly string[] }> {
  const options: GrepOptions = {
    flavour,
    patterns: [],
    havePatterns: false,
    ignoreCase: false,
    whole: undefined,
    invert: false,
    count: false,
    lineNumbers: false,
    byteOffsets: false,
    onlyMatching: false,
    quiet: false,
    noMessages: false,
    list: '',
    maxCount: Infinity,
    before: -1,
    after: -1,
    separator: '--',
    withName: undefined,
    label: '(standard input)',
    nullName: false,
    initialTab: false,
    delimiter: '\n',
    binary: 'binary',
    recursive: false,
    directories: 'read',
    include: [],
    exclude: [],
    excludeDir: [],
    colour: false,
  };
  let digits = '';
  for (const { key, value = '' } of parsed.options) {
    if (/^\d$/.test(key)) digits += key;
    else if (key === 'e') options.patterns.push(...value.split('\n'));
    else if (key === 'f') options.patterns.push(...(await patternFile(t, value)));
    else if (key === '--exclude-from') options.exclude.push(...(await patternFile(t, value)));
    else if (key === 'V') t.parse({}, ['--version']);
    else apply[key]?.(options, value, t);
    if (key === 'e' || key === 'f') options.havePatterns = true;
  }
  if (digits !== '') options.before = options.after = Number(digits);
  const files = [...parsed.operands];
  if (!options.havePatterns) {
    const pattern = files.shift();
    if (pattern === undefined) {
      t.usage();
      throw new ExitError(2);
    }
    options.patterns.push(...pattern.split('\n'));
  }
  return { options, files };
}
