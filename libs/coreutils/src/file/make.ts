/** mkdir, rmdir, rm, truncate, mkfifo, unlink, sync: making and removing names. */
import { KernelError } from '@netloom/base';
import { OpenFlag, type ProgramSpec } from '@netloom/sys';
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { quoteAlways } from '../tool/quote.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';
import { parseMode } from './modes.js';
import { baseName, dirName, isDirectory, joinPath, statMaybe } from './paths.js';

const mkdir = defineTool(
  {
    name: 'mkdir',
    usage: '[OPTION]... DIRECTORY...',
    about: 'Create the DIRECTORY(ies), if they do not already exist.',
    short: 'm:pvZ',
    long: { mode: 'm:', parents: 'p', verbose: 'v' },
  },
  (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const modeArg = options.find(({ key }) => key === 'm')?.value;
    if (operands.length === 0) t.usage('missing operand');
    const umask = t.sys.umask(0o022);
    t.sys.umask(umask);
    const change = modeArg === undefined ? undefined : parseMode(modeArg, umask);
    if (modeArg !== undefined && change === undefined)
      t.fail(`invalid mode ${quoteAlways(modeArg)}`);
    const make = (path: string, last: boolean): void => {
      t.sys.mkdir(toUnicode(path), 0o777);
      if (last && change !== undefined) t.sys.chmod(toUnicode(path), change(0o777, true));
      if (has('v')) t.put(`${t.name}: created directory ${quoteAlways(path)}\n`);
    };
    for (const path of operands) {
      let at = path;
      try {
        if (has('p')) {
          const parts = path.split('/');
          for (let count = 1; count < parts.length; count++) {
            at = parts.slice(0, count).join('/');
            if (at !== '' && statMaybe(t.sys, at) === undefined) make(at, false);
          }
          at = path;
          if (isDirectory(t.sys, path)) continue;
        }
        make(path, true);
      } catch (error) {
        t.warnErrno(`cannot create directory ${quoteAlways(at)}`, error);
      }
    }
    return Promise.resolve(t.status);
  },
);

const rmdir = defineTool(
  {
    name: 'rmdir',
    usage: '[OPTION]... DIRECTORY...',
    about: 'Remove the DIRECTORY(ies), if they are empty.',
    short: 'pv',
    long: { parents: 'p', verbose: 'v', 'ignore-fail-on-non-empty': '--ignore' },
  },
  (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    if (operands.length === 0) t.usage('missing operand');
    for (const path of operands) {
      for (let at = path; ; at = dirName(at)) {
        if (has('v')) t.put(`${t.name}: removing directory, ${quoteAlways(at)}\n`);
        try {
          t.sys.rmdir(toUnicode(at));
        } catch (error) {
          if (has('--ignore') && error instanceof KernelError && error.code === 'ENOTEMPTY') break;
          t.warnErrno(
            `failed to remove ${at === path ? '' : 'directory '}${quoteAlways(at)}`,
            error,
          );
          break;
        }
        if (!has('p') || !at.includes('/')) break;
      }
    }
    return Promise.resolve(t.status);
  },
);

interface RmSettings {
  readonly force: boolean;
  readonly recursive: boolean;
  readonly dirs: boolean;
  readonly verbose: boolean;
  readonly ask: boolean;
}

async function remove(
  t: Tool,
  path: string,
  s: RmSettings,
  ask: (question: string) => Promise<boolean>,
): Promise<boolean> {
  try {
    const stat = t.sys.lstat(toUnicode(path));
    if (stat.type === 'dir') {
      if (!s.recursive && !s.dirs) throw new KernelError('EISDIR');
      const entries = t.sys.readdir(toUnicode(path));
      if (s.recursive) {
        if (entries.length > 0 && !(await ask(`descend into directory ${quoteAlways(path)}`)))
          return false;
        let all = true;
        for (const entry of entries)
          all = (await remove(t, joinPath(path, fromUnicode(entry.name)), s, ask)) && all;
        if (!all) return false;
      }
      if (!(await ask(`remove directory ${quoteAlways(path)}`))) return false;
      t.sys.rmdir(toUnicode(path));
      if (s.verbose) t.put(`removed directory ${quoteAlways(path)}\n`);
      return true;
    }
    const kind =
      stat.type === 'symlink'
        ? 'symbolic link'
        : stat.type === 'fifo'
          ? 'fifo'
          : stat.size === 0
            ? 'regular empty file'
            : 'regular file';
    if (!(await ask(`remove ${kind} ${quoteAlways(path)}`))) return false;
    t.sys.unlink(toUnicode(path));
    if (s.verbose) t.put(`removed ${quoteAlways(path)}\n`);
    return true;
  } catch (error) {
    if (
      s.force &&
      error instanceof KernelError &&
      (error.code === 'ENOENT' || error.code === 'ENOTDIR')
    )
      return true;
    t.warnErrno(`cannot remove ${quoteAlways(path)}`, error);
    return false;
  }
}

const rm = defineTool(
  {
    name: 'rm',
    usage: '[OPTION]... [FILE]...',
    about: 'Remove (unlink) the FILE(s).',
    short: 'dfiIrRv',
    long: {
      force: 'f',
      interactive: '--interactive::',
      recursive: 'r',
      dir: 'd',
      verbose: 'v',
      'no-preserve-root': '--no-preserve-root',
      'preserve-root': '--preserve-root',
      'one-file-system': '--one',
    },
  },
  async (t, { options, operands }) => {
    let [force, asks] = [false, false];
    for (const { key, value } of options) {
      if (key === 'f') [force, asks] = [true, false];
      if (key === 'i' || (key === '--interactive' && value !== 'never'))
        [force, asks] = [false, true];
    }
    const keys = new Set(options.map(({ key }) => key));
    const s: RmSettings = {
      force,
      recursive: keys.has('r') || keys.has('R'),
      dirs: keys.has('d'),
      verbose: keys.has('v'),
      ask: asks,
    };
    if (operands.length === 0 && !force) t.usage('missing operand');
    const input = t.input(0);
    const ask = async (question: string): Promise<boolean> => {
      if (!asks) return true;
      t.put(`${t.name}: ${question}? `, 2);
      return /^[yY]/.test((await input.line()) ?? '');
    };
    for (const path of operands) {
      const base = baseName(path);
      if (s.recursive && /^\/+$/.test(path) && !keys.has('--no-preserve-root')) {
        t.warn("it is dangerous to operate recursively on '/'");
        t.warn('use --no-preserve-root to override this failsafe');
      } else if (s.recursive && (base === '.' || base === '..')) {
        t.warn(`refusing to remove '.' or '..' directory: skipping ${quoteAlways(path)}`);
      } else await remove(t, path, s, ask);
    }
    return t.status;
  },
);

const truncate = defineTool(
  {
    name: 'truncate',
    usage: 'OPTION... FILE...',
    about: 'Shrink or extend the size of each FILE to the specified size',
    short: 'cor:s:',
    long: { 'no-create': 'c', 'io-blocks': 'o', reference: 'r:', size: 's:' },
  },
  (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const size = options.find(({ key }) => key === 's')?.value;
    const reference = options.find(({ key }) => key === 'r')?.value;
    if (size === undefined && reference === undefined)
      return t.usage(
        `you must specify either ${quoteAlways('--size')} or ${quoteAlways('--reference')}`,
      );
    if (operands.length === 0) t.usage('missing file operand');
    const match = /^\s*([-+<>/%]?)\s*(\d+)([KMGTPE]?)(i?B)?$/.exec(size ?? '0');
    if (match === null) return t.fail(`Invalid number: ${quoteAlways(size ?? '')}`);
    const unit = match[4] === 'B' ? 1000 : 1024;
    const amount = Number(match[2]) * unit ** ('KMGTPE'.indexOf(match[3] || '-') + 1);
    for (const path of operands) {
      try {
        if (has('c') && statMaybe(t.sys, path) === undefined) continue;
        const fd = t.sys.open(
          toUnicode(path),
          OpenFlag.O_WRONLY | (has('c') ? 0 : OpenFlag.O_CREAT),
          0o666,
        );
        const old = t.sys.fstat(fd).size;
        const base = reference === undefined ? amount : t.sys.stat(toUnicode(reference)).size;
        const target =
          {
            '': base,
            '+': old + amount,
            '-': Math.max(0, old - amount),
            '<': Math.min(old, amount),
            '>': Math.max(old, amount),
            '/': Math.floor(old / amount) * amount,
            '%': Math.ceil(old / amount) * amount,
          }[match[1] ?? ''] ?? base;
        t.sys.ftruncate(fd, target);
        t.sys.close(fd);
      } catch (error) {
        t.warnErrno(`cannot open ${quoteAlways(path)} for writing`, error);
      }
    }
    return Promise.resolve(t.status);
  },
);

const mkfifo = defineTool(
  {
    name: 'mkfifo',
    usage: '[OPTION]... NAME...',
    about: 'Create named pipes (FIFOs) with the given NAMEs.',
    short: 'm:Z',
    long: { mode: 'm:' },
  },
  (t, { options, operands }) => {
    if (operands.length === 0) t.usage('missing operand');
    const mode = options.find(({ key }) => key === 'm')?.value;
    for (const path of operands) {
      try {
        t.sys.mkfifo(toUnicode(path), 0o666);
        if (mode !== undefined)
          t.sys.chmod(
            toUnicode(path),
            parseMode(mode, 0)?.(0o666, false) ?? t.fail('invalid mode'),
          );
      } catch (error) {
        t.warn(`cannot create fifo ${quoteAlways(path)}: ${errnoText(error)}`);
      }
    }
    return Promise.resolve(t.status);
  },
);

const unlink = defineTool(
  {
    name: 'unlink',
    usage: 'FILE',
    about: 'Call the unlink function to remove the specified FILE.',
  },
  (t, { operands }) => {
    const [path, extra] = operands;
    if (path === undefined) return t.usage('missing operand');
    if (extra !== undefined) t.usage(`extra operand ${quoteAlways(extra)}`);
    try {
      t.sys.unlink(toUnicode(path));
    } catch (error) {
      t.warnErrno(`cannot unlink ${quoteAlways(path)}`, error);
    }
    return Promise.resolve(t.status);
  },
);

const sync = defineTool(
  {
    name: 'sync',
    usage: '[OPTION] [FILE]...',
    about: 'Synchronize cached writes to persistent storage',
    short: 'df',
    long: { data: 'd', 'file-system': 'f' },
  },
  (t, { operands }) => {
    for (const path of operands) {
      try {
        t.sys.stat(toUnicode(path));
      } catch (error) {
        t.warnErrno(`error opening ${quoteAlways(path)}`, error);
      }
    }
    return Promise.resolve(t.status);
  },
);

export const makePrograms: readonly ProgramSpec[] = [
  mkdir,
  rmdir,
  rm,
  truncate,
  mkfifo,
  unlink,
  sync,
];
