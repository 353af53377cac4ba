/** find: walks trees (GNU find 4.9's tests and actions). Entries of a directory come in the order of their names. */
import { KernelError } from '@netloom/base';
import type { ProgramSpec, Stat } from '@netloom/sys';
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { civilTime, realTimeOf } from '../tool/calendar.js';
import { exitCode, spawnProgram } from '../tool/spawn.js';
import { formatTime } from '../tool/strftime.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';
import { formatText, parseSpec } from '../tool/cformat.js';
import {
  FindParser,
  type FindActions,
  type FindState,
  type Test,
  type Visited,
} from './find-parse.js';
import { modeText } from './modes.js';
import { baseName, dirName, joinPath } from './paths.js';
import { accounts, type Accounts } from './users.js';

const typeLetters: Readonly<Record<Stat['type'], string>> = {
  file: 'f',
  dir: 'd',
  symlink: 'l',
  fifo: 'p',
  socket: 's',
  char: 'c',
  nsfs: 'f',
};
const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  '\\': '\\',
  '0': '\0',
  a: '\x07',
  b: '\b',
  f: '\f',
  r: '\r',
  v: '\v',
};

class Actions implements FindActions {
  private readonly batches: {
    words: readonly string[];
    files: string[];
    dir: string | undefined;
  }[] = [];

  constructor(
    private readonly t: Tool,
    private readonly known: Accounts,
  ) {}

  private async run(words: readonly string[], cwd: string | undefined): Promise<boolean> {
    const { t } = this;
    await t.flush();
    try {
      const pid = spawnProgram(t.sys, words, cwd === undefined ? {} : { cwd: toUnicode(cwd) });
      return exitCode(await t.sys.waitpid(pid)) === 0;
    } catch (error) {
      t.warn(`'${words[0] ?? ''}': ${errnoText(error)}`);
      return false;
    }
  }

  exec(words: readonly string[], file: Visited, inDir: boolean): Promise<boolean> {
    const shown = inDir ? `./${file.name}` : file.path;
    return this.run(
      words.map((word) => word.replaceAll('{}', () => shown)),
      inDir ? dirName(file.path) : undefined,
    );
  }

  batch(words: readonly string[], inDir: boolean): Test {
    const batch = { words, files: [] as string[], dir: undefined as string | undefined };
    this.batches.push(batch);
    return async (file) => {
      const dir = inDir ? dirName(file.path) : undefined;
      if (batch.files.length >= 4000 || (inDir && batch.dir !== dir)) await this.runBatch(batch);
      batch.dir = dir;
      batch.files.push(inDir ? `./${file.name}` : file.path);
      return true;
    };
  }

  private async runBatch(batch: {
    words: readonly string[];
    files: string[];
    dir: string | undefined;
  }): Promise<void> {
    const files = batch.files.splice(0);
    if (files.length > 0 && !(await this.run([...batch.words, ...files], batch.dir)))
      this.t.status = 1;
  }

  async finish(): Promise<void> {
    for (const batch of this.batches) await this.runBatch(batch);
  }

  remove(file: Visited): boolean {
    if (file.path === '.') return true;
    try {
      if (file.stat.type === 'dir') this.t.sys.rmdir(toUnicode(file.path));
      else this.t.sys.unlink(toUnicode(file.path));
      return true;
    } catch (error) {
      this.t.warn(`cannot delete '${file.path}': ${errnoText(error)}`);
      return false;
    }
  }

  isEmpty({ path, stat }: Visited): boolean {
    if (stat.type === 'dir') return this.t.sys.readdir(toUnicode(path)).length === 0;
    return stat.type === 'file' && stat.size === 0;
  }

  list({ path, stat }: Visited): void {
    const { t, known } = this;
    const blocks = stat.type === 'file' ? Math.ceil(stat.size / 4096) * 4 : 4;
    const { seconds } = realTimeOf(t.sys, stat.mtimeNs);
    const arrow =
      stat.type === 'symlink' ? ` -> ${fromUnicode(t.sys.readlink(toUnicode(path)))}` : '';
    t.put(
      `${String(stat.ino).padStart(9)} ${String(blocks).padStart(6)} ${modeText(stat.type, stat.mode)} ${String(stat.nlink).padStart(3)} ${known.user(stat.uid).padEnd(8)} ${known.group(stat.gid).padEnd(8)} ${String(stat.size).padStart(8)} ${formatTime('%b %e %H:%M', civilTime(seconds), 0)} ${path}${arrow}\n`,
    );
  }

  private field(letter: string, { path, name, depth, start, stat }: Visited): string {
    const { t, known } = this;
    const time = realTimeOf(t.sys, stat.mtimeNs);
    switch (letter) {
      case 'p':
        return path;
      case 'f':
        return name;
      case 'h':
        return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) || '/' : '.';
      case 'P':
        return path === start ? '' : path.slice(start.length).replace(/^\//, '');
      case 'H':
        return start;
      case 's':
        return String(stat.size);
      case 'k':
        return String(Math.ceil(stat.size / 1024));
      case 'b':
        return String(Math.ceil(stat.size / 512));
      case 'd':
        return String(depth);
      case 'm':
        return stat.mode.toString(8);
      case 'M':
        return modeText(stat.type, stat.mode);
      case 'y':
      case 'Y':
        return typeLetters[stat.type];
      case 'l':
        return stat.type === 'symlink' ? fromUnicode(t.sys.readlink(toUnicode(path))) : '';
      case 'u':
        return known.user(stat.uid);
      case 'g':
        return known.group(stat.gid);
      case 'U':
        return String(stat.uid);
      case 'G':
        return String(stat.gid);
      case 'i':
        return String(stat.ino);
      case 'n':
        return String(stat.nlink);
      case 't':
      case 'a':
      case 'c':
        return formatTime('%a %b %e %H:%M:%S.%N0 %Y', civilTime(time.seconds), time.nanoseconds);
      default:
        return '';
    }
  }

  printf(format: string, file: Visited): void {
    const { t } = this;
    let out = '';
    for (let at = 0; at < format.length;) {
      const char = format.charAt(at);
      if (char === '\\') {
        const next = format.charAt(at + 1);
        if (next === 'c') break;
        out += escapes[next] ?? `\\${next}`;
        at += 2;
        continue;
      }
      const timed = /^%([TAC])(@|\+|[a-zA-Z])/.exec(format.slice(at));
      if (timed !== null) {
        const time = realTimeOf(t.sys, file.stat.mtimeNs);
        const letter = timed[2] ?? '';
        out +=
          letter === '@'
            ? `${time.seconds}.${String(time.nanoseconds).padStart(9, '0')}0`
            : formatTime(
                letter === '+' ? '%Y-%m-%d+%H:%M:%S.%N0' : letter === 'S' ? '%S.%N0' : `%${letter}`,
                civilTime(time.seconds),
                time.nanoseconds,
              );
        at += 3;
        continue;
      }
      const parsed = char === '%' ? parseSpec(format, at) : undefined;
      if (parsed === undefined) {
        out += char;
        at++;
        continue;
      }
      out +=
        parsed.spec.conversion === '%'
          ? '%'
          : formatText(parsed.spec, this.field(parsed.spec.conversion, file));
      at += parsed.length;
    }
    t.put(out);
  }
}

class Walk {
  readonly state: FindState = { prune: false, quit: false };

  constructor(
    private readonly t: Tool,
    private readonly test: Test,
    private readonly options: {
      readonly maxDepth: number;
      readonly minDepth: number;
      readonly depthFirst: boolean;
    },
    private readonly follow: boolean,
  ) {}

  async visit(path: string, depth: number, start: string): Promise<void> {
    const { t, options, state } = this;
    let stat: Stat;
    try {
      stat = t.sys.lstat(toUnicode(path));
      if (this.follow && stat.type === 'symlink') {
        try {
          stat = t.sys.stat(toUnicode(path));
        } catch (error) {
          if (!(error instanceof KernelError)) throw error;
        }
      }
    } catch (error) {
      t.warn(`'${path}': ${errnoText(error)}`);
      return;
    }
    const file: Visited = { path, name: baseName(path), depth, start, stat };
    const here = async (): Promise<void> => {
      if (depth >= options.minDepth) await this.test(file, state);
      if (t.full) await t.flush();
    };
    state.prune = false;
    if (!options.depthFirst) await here();
    if (state.quit) return;
    const pruned = state.prune && !options.depthFirst;
    if (stat.type === 'dir' && depth < options.maxDepth && !pruned) {
      try {
        for (const entry of t.sys.readdir(toUnicode(path))) {
          await this.visit(joinPath(path, fromUnicode(entry.name)), depth + 1, start);
          if (state.quit) return;
        }
      } catch (error) {
        t.warn(`'${path}': ${errnoText(error)}`);
      }
    }
    if (options.depthFirst) await here();
  }
}

export const find: ProgramSpec = defineTool(
  {
    name: 'find',
    usage: '[-H] [-L] [-P] [-Olevel] [-D debugopts] [path...] [expression]',
    about: '',
    suite: 'GNU findutils',
    raw: true,
  },
  async (t) => {
    const args = [...t.args];
    if (args[0] === '--help' || args[0] === '-help' || args[0] === '--version')
      t.parse({}, [args[0] === '-help' ? '--help' : args[0]]);
    let follow = false;
    while (/^-([HLP]|O\d?)$/.test(args[0] ?? '')) {
      const option = args.shift();
      if (option === '-L') follow = true;
      if (option === '-P' || option === '-H') follow = false;
    }
    const first = args.findIndex(
      (arg) => /^-./.test(arg) || arg === '(' || arg === '!' || arg === ',',
    );
    const starts = first < 0 ? args : args.slice(0, first);
    const words = first < 0 ? [] : args.slice(first);
    if (words.includes('-follow')) follow = true;
    const known = await accounts(t.sys);
    const actions = new Actions(t, known);
    const parser = new FindParser(t, words, actions, known);
    const expression = parser.parse();
    const test: Test = parser.options.hasAction
      ? expression
      : async (file, state) => {
          const found = await expression(file, state);
          if (found) t.put(`${file.path}\n`);
          return found;
        };
    const walk = new Walk(t, test, parser.options, follow);
    for (const start of starts.length === 0 ? ['.'] : starts) {
      if (!walk.state.quit) await walk.visit(start, 0, start);
    }
    await actions.finish();
    return t.status;
  },
);
