/** find's expressions: tests and actions joined by -a, -o, ! and parentheses. */
import type { Stat } from '@netloom/sys';
import type { Tool } from '../tool/tool.js';
import { toUnicode } from '../tool/bytes.js';
import { globRegExp } from '../tool/glob.js';
import { Regex } from '../regex/regex.js';
import { parseMode } from './modes.js';
import type { Accounts } from './users.js';

export interface Visited {
  /** As shown: the starting point and what is below it. */
  readonly path: string;
  readonly name: string;
  readonly depth: number;
  /** The starting point. */
  readonly start: string;
  readonly stat: Stat;
}

/** State that actions change. */
export interface FindState {
  prune: boolean;
  quit: boolean;
}

export type Test = (file: Visited, state: FindState) => boolean | Promise<boolean>;

export interface FindActions {
  exec(words: readonly string[], file: Visited, inDir: boolean): Promise<boolean>;
  /** A test for `-exec … +`. */
  batch(words: readonly string[], inDir: boolean): Test;
  remove(file: Visited): boolean;
  printf(format: string, file: Visited): void;
  list(file: Visited): void;
  isEmpty(file: Visited): boolean;
}

export interface FindOptions {
  maxDepth: number;
  minDepth: number;
  depthFirst: boolean;
  hasAction: boolean;
}

const plainTypes: Readonly<Record<string, Stat['type']>> = {
  f: 'file',
  d: 'dir',
  l: 'symlink',
  p: 'fifo',
  s: 'socket',
  c: 'char',
};
const sizeUnits: Readonly<Record<string, number>> = {
  b: 512,
  c: 1,
  w: 2,
  k: 1024,
  M: 1048576,
  G: 1073741824,
};

export class FindParser {
  readonly options: FindOptions = {
    maxDepth: Infinity,
    minDepth: 0,
    depthFirst: false,
    hasAction: false,
  };
  private at = 0;

  constructor(
    private readonly t: Tool,
    private readonly words: readonly string[],
    private readonly actions: FindActions,
    private readonly known: Accounts,
  ) {}

  parse(): Test {
    if (this.words.length === 0) return () => true;
    const test = this.or();
    const extra = this.words[this.at];
    if (extra === ')') this.t.fail("invalid expression; you have too many ')'");
    if (extra !== undefined) this.t.fail(`paths must precede expression: \`${extra}'`);
    return test;
  }

  private or(): Test {
    let left = this.and();
    while (
      this.words[this.at] === '-o' ||
      this.words[this.at] === '-or' ||
      this.words[this.at] === ','
    ) {
      const list = this.words[this.at++] === ',';
      if (this.at >= this.words.length)
        this.t.fail(`expected an expression after '${this.words[this.at - 1] ?? ''}'`);
      const [first, second] = [left, this.and()];
      left = async (file, state) => {
        const found = await first(file, state);
        return found && !list ? true : second(file, state);
      };
    }
    return left;
  }

  private and(): Test {
    let left = this.not();
    for (;;) {
      const word = this.words[this.at];
      if (word === undefined || word === ')' || word === '-o' || word === '-or' || word === ',')
        return left;
      if (word === '-a' || word === '-and') this.at++;
      const [first, second] = [left, this.not()];
      left = async (file, state) => (await first(file, state)) && second(file, state);
    }
  }

  private not(): Test {
    const word = this.words[this.at];
    if (word === '!' || word === '-not') {
      this.at++;
      if (this.at >= this.words.length) this.t.fail(`expected an expression after '${word}'`);
      const test = this.not();
      return async (file, state) => !(await test(file, state));
    }
    if (word === '(') {
      this.at++;
      if (this.at >= this.words.length)
        this.t.fail(
          "invalid expression; expected to find a ')' but didn't see one. Perhaps you need an extra predicate after '('",
        );
      if (this.words[this.at] === ')')
        this.t.fail('invalid expression; empty parentheses are not allowed.');
      const test = this.or();
      if (this.words[this.at] !== ')')
        this.t.fail(
          "invalid expression; I was expecting to find a ')' somewhere but did not see one.",
        );
      this.at++;
      return test;
    }
    return this.primary();
  }

  private argument(name: string): string {
    const value = this.words[this.at++];
    return value ?? this.t.fail(`missing argument to \`${name}'`);
  }

  /** `+n`, `-n`, `n`. */
  private numeric(name: string): { compare: (value: number) => boolean; suffix: string } {
    const text = this.argument(name);
    const match = /^([-+]?)(\d+)([a-zA-Z]?)$/.exec(text);
    if (match === null) return this.t.fail(`invalid argument \`${text}' to \`${name}'`);
    const limit = Number(match[2]);
    const sign = match[1];
    return {
      compare: (value) =>
        sign === '+' ? value > limit : sign === '-' ? value < limit : value === limit,
      suffix: match[3] ?? '',
    };
  }

  private execWords(name: string): { words: string[]; batch: boolean } {
    const words: string[] = [];
    for (;;) {
      const word = this.words[this.at++];
      if (word === undefined) return this.t.fail(`missing argument to \`${name}'`);
      if (word === ';') return { words, batch: false };
      if (word === '+' && words[words.length - 1] === '{}')
        return { words: words.slice(0, -1), batch: true };
      words.push(word);
    }
  }

  private primary(): Test {
    const { t, actions, options } = this;
    const name = this.words[this.at++] ?? '';
    const ages: Readonly<Record<string, number>> = {
      '-mtime': 86400,
      '-atime': 86400,
      '-ctime': 86400,
      '-mmin': 60,
      '-amin': 60,
      '-cmin': 60,
    };
    const age = ages[name];
    if (age !== undefined) {
      const { compare } = this.numeric(name);
      return ({ stat }) => compare(Math.floor((t.sys.now() - stat.mtimeNs) / 1e9 / age));
    }
    switch (name) {
      case '-name':
      case '-iname': {
        const glob = globRegExp(this.argument(name), { ignoreCase: name === '-iname' });
        return (file) => glob.test(file.name);
      }
      case '-path':
      case '-wholename':
      case '-ipath':
      case '-iwholename': {
        const glob = globRegExp(this.argument(name), { ignoreCase: name.startsWith('-i') });
        return (file) => glob.test(file.path);
      }
      case '-lname': {
        const glob = globRegExp(this.argument(name));
        return ({ path, stat }) =>
          stat.type === 'symlink' && glob.test(t.sys.readlink(toUnicode(path)));
      }
      case '-regex':
      case '-iregex': {
        const regex = new Regex(this.argument(name), {
          flavour: 'basic',
          ignoreCase: name === '-iregex',
          whole: 'line',
        });
        return (file) => regex.test(file.path);
      }
      case '-type':
      case '-xtype': {
        const letters = this.argument(name).split(',');
        for (const letter of letters)
          if (!/^[bcdpflsD]$/.test(letter)) t.fail(`Unknown argument to ${name}: ${letter}`);
        return ({ stat }) =>
          letters.some(
            (letter) =>
              plainTypes[letter] === stat.type || (letter === 'f' && stat.type === 'nsfs'),
          );
      }
      case '-maxdepth':
      case '-mindepth': {
        const text = this.argument(name);
        if (!/^\d+$/.test(text))
          t.fail(`Expected a positive decimal integer argument to ${name}, but got '${text}'`);
        options[name === '-maxdepth' ? 'maxDepth' : 'minDepth'] = Number(text);
        return () => true;
      }
      case '-size': {
        const { compare, suffix } = this.numeric(name);
        const unit =
          sizeUnits[suffix === '' ? 'b' : suffix] ?? t.fail(`invalid -size type \`${suffix}'`);
        return ({ stat }) => compare(Math.ceil(stat.size / unit));
      }
      case '-empty':
        return (file) => actions.isEmpty(file);
      case '-newer':
      case '-anewer':
      case '-cnewer': {
        const reference = this.argument(name);
        const limit = t.sys.stat(toUnicode(reference)).mtimeNs;
        return ({ stat }) => stat.mtimeNs > limit;
      }
      case '-perm': {
        const text = this.argument(name);
        const sign = /^[-/]/.exec(text)?.[0] ?? '';
        const bits = parseMode(text.slice(sign.length), 0)?.(0, false);
        if (bits === undefined) return t.fail(`invalid mode '${text}'`);
        if (sign === '-') return ({ stat }) => (stat.mode & bits) === bits;
        return sign === '/'
          ? ({ stat }) => bits === 0 || (stat.mode & bits) !== 0
          : ({ stat }) => stat.mode === bits;
      }
      case '-user':
      case '-uid': {
        const text = this.argument(name);
        const uid = this.known.uid(text) ?? t.fail(`'${text}' is not the name of a known user`);
        return ({ stat }) => stat.uid === uid;
      }
      case '-group':
      case '-gid': {
        const text = this.argument(name);
        const gid =
          this.known.gid(text) ?? t.fail(`'${text}' is not the name of an existing group`);
        return ({ stat }) => stat.gid === gid;
      }
      case '-links': {
        const { compare } = this.numeric(name);
        return ({ stat }) => compare(stat.nlink);
      }
      case '-inum': {
        const { compare } = this.numeric(name);
        return ({ stat }) => compare(stat.ino);
      }
      case '-readable':
      case '-writable':
      case '-true':
        return () => true;
      case '-executable':
        return ({ stat }) => stat.type === 'dir' || (stat.mode & 0o111) !== 0;
      case '-false':
        return () => false;
      case '-depth':
      case '-d':
        options.depthFirst = true;
        return () => true;
      case '-daystart':
      case '-follow':
      case '-xdev':
      case '-mount':
      case '-noleaf':
      case '-ignore_readdir_race':
      case '-warn':
      case '-nowarn':
        return () => true;
      case '-regextype':
        this.argument(name);
        return () => true;
      case '-prune':
        return (_file, state) => {
          state.prune = true;
          return true;
        };
      default:
        return this.action(name);
    }
  }

  private action(name: string): Test {
    const { t, actions, options } = this;
    switch (name) {
      case '-print':
      case '-print0': {
        options.hasAction = true;
        const end = name === '-print' ? '\n' : '\0';
        return (file) => {
          t.put(file.path + end);
          return true;
        };
      }
      case '-printf': {
        options.hasAction = true;
        const format = this.argument(name);
        return (file) => {
          actions.printf(format, file);
          return true;
        };
      }
      case '-ls':
        options.hasAction = true;
        return (file) => {
          actions.list(file);
          return true;
        };
      case '-delete':
        options.hasAction = true;
        options.depthFirst = true;
        return (file) => actions.remove(file);
      case '-quit':
        return (_file, state) => {
          state.quit = true;
          return true;
        };
      case '-exec':
      case '-execdir':
      case '-ok':
      case '-okdir': {
        options.hasAction = true;
        const { words, batch } = this.execWords(name);
        if (batch) return actions.batch(words, name === '-execdir');
        return (file) => actions.exec(words, file, name === '-execdir');
      }
      default:
        if (name.startsWith('-')) return t.fail(`unknown predicate \`${name}'`);
        return t.fail(`paths must precede expression: \`${name}'`);
    }
  }
}
