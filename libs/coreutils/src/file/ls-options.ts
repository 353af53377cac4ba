/** What an ls command line asks for. */
import { quoteAlways } from '../tool/quote.js';
import { type Tool } from '../tool/tool.js';
import type { ParsedArgs } from '../tool/getopt.js';

export interface Settings {
  all: 'none' | 'almost' | 'all';
  layout: 'single' | 'columns' | 'across' | 'commas' | 'long';
  sort: 'name' | 'time' | 'size' | 'extension' | 'version' | 'none';
  reverse: boolean;
  recursive: boolean;
  directory: boolean;
  indicator: '' | 'slash' | 'type' | 'classify';
  human: 0 | 1000 | 1024;
  inode: boolean;
  blocks: boolean;
  numeric: boolean;
  owner: boolean;
  group: boolean;
  dereference: 'never' | 'operands' | 'always';
  quoting: 'literal' | 'shell' | 'c' | 'escape';
  hideControl: boolean;
  groupDirs: boolean;
  timeStyle: string;
  colour: boolean;
  ignore: string[];
  width: number;
}

export const sorts: Readonly<Record<string, Settings['sort']>> = {
  none: 'none',
  time: 'time',
  size: 'size',
  extension: 'extension',
  version: 'version',
  name: 'name',
};

export function settings(t: Tool, { options }: ParsedArgs, name: string): Settings {
  const tty = t.sys.isatty(1);
  const s: Settings = {
    all: 'none',
    layout: name === 'vdir' ? 'long' : tty || name === 'dir' ? 'columns' : 'single',
    sort: 'name',
    reverse: false,
    recursive: false,
    directory: false,
    indicator: '',
    human: 0,
    inode: false,
    blocks: false,
    numeric: false,
    owner: true,
    group: true,
    dereference: 'never',
    quoting: tty ? 'shell' : name === 'ls' ? 'literal' : 'escape',
    hideControl: false,
    groupDirs: false,
    timeStyle: '',
    colour: false,
    ignore: [],
    width: tty ? t.sys.ttySize(1).cols || 80 : Number(t.sys.env.get('COLUMNS') ?? 80),
  };
  const apply: Readonly<Record<string, (value: string) => unknown>> = {
    a: () => (s.all = 'all'),
    A: () => (s.all = s.all === 'all' ? 'all' : 'almost'),
    l: () => (s.layout = 'long'),
    1: () => (s.layout = s.layout === 'long' ? 'long' : 'single'),
    C: () => (s.layout = 'columns'),
    x: () => (s.layout = 'across'),
    m: () => (s.layout = 'commas'),
    t: () => (s.sort = 'time'),
    S: () => (s.sort = 'size'),
    X: () => (s.sort = 'extension'),
    v: () => (s.sort = 'version'),
    U: () => (s.sort = 'none'),
    r: () => (s.reverse = true),
    R: () => (s.recursive = true),
    d: () => (s.directory = true),
    F: (v) => (s.indicator = v === 'never' || v === 'none' ? '' : 'classify'),
    p: () => (s.indicator = 'slash'),
    h: () => (s.human = 1024),
    '--si': () => (s.human = 1000),
    i: () => (s.inode = true),
    s: () => (s.blocks = true),
    n: () => ((s.layout = 'long'), (s.numeric = true)),
    g: () => ((s.layout = 'long'), (s.owner = false)),
    o: () => ((s.layout = 'long'), (s.group = false)),
    G: () => (s.group = false),
    L: () => (s.dereference = 'always'),
    H: () => (s.dereference = 'operands'),
    N: () => (s.quoting = 'literal'),
    Q: () => (s.quoting = 'c'),
    b: () => (s.quoting = 'escape'),
    q: () => (s.hideControl = true),
    f: () => ((s.all = 'all'), (s.sort = 'none')),
    I: (v) => s.ignore.push(v),
    B: () => s.ignore.push('*~'),
    '--group': () => (s.groupDirs = true),
    '--full-time': () => ((s.layout = 'long'), (s.timeStyle = 'full-iso')),
    '--time-style': (v) => (s.timeStyle = v),
    '--file-type': () => (s.indicator = 'type'),
    '--color': (v) =>
      (s.colour = ['', 'always', 'yes', 'force'].includes(v) || (v === 'auto' && tty)),
    w: (v) => (s.width = Number(v)),
    '--sort': (v) =>
      (s.sort = sorts[v] ?? t.fail(`invalid argument ${quoteAlways(v)} for '--sort'`, 2)),
  };
  for (const { key, value = '' } of options) apply[key]?.(value);
  return s;
}
