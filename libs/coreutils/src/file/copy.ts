/** cp, mv, install: copying and moving files and trees. */
import { KernelError } from '@netloom/base';
import { OpenFlag, type ProgramSpec, type Stat } from '@netloom/sys';
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { quoteAlways } from '../tool/quote.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';
import type { ParsedArgs } from '../tool/getopt.js';
import { parseMode } from './modes.js';
import { baseName, isDirectory, joinPath, statMaybe } from './paths.js';

interface Settings {
  recursive: boolean;
  /** Follow links of operands and in trees. */
  follow: boolean;
  preserve: boolean;
  force: boolean;
  noClobber: boolean;
  update: boolean;
  ask: boolean;
  verbose: boolean;
  linkInstead: '' | 'symbolic' | 'hard';
  backup: string;
}

class Copier {
  constructor(
    private readonly t: Tool,
    private readonly s: Settings,
  ) {}

  /** Whether `to` may be written; asks where that is wanted. */
  private async mayWrite(from: Stat, to: string): Promise<boolean> {
    const { s, t } = this;
    const there = statMaybe(t.sys, to);
    if (there === undefined) return true;
    if (s.noClobber) return false;
    if (s.update && there.mtimeNs >= from.mtimeNs) return false;
    if (!s.ask) return true;
    t.put(`${t.name}: overwrite ${quoteAlways(to)}? `, 2);
    return /^[yY]/.test((await t.input(0).line()) ?? '');
  }

  async copy(from: string, to: string, top: boolean): Promise<boolean> {
    const { s, t } = this;
    const { sys } = t;
    let stat: Stat;
    try {
      stat =
        s.follow || (top && !s.recursive) ? sys.stat(toUnicode(from)) : sys.lstat(toUnicode(from));
    } catch (error) {
      t.warnErrno(`cannot stat ${quoteAlways(from)}`, error);
      return false;
    }
    if (stat.type === 'dir') return this.copyDir(from, to, stat, top);
    const there = statMaybe(sys, to);
    if (there !== undefined && there.ino === stat.ino && stat.type === 'file') {
      t.warn(`${quoteAlways(from)} and ${quoteAlways(to)} are the same file`);
      return false;
    }
    if (there?.type === 'dir') {
      t.warn(`cannot overwrite directory ${quoteAlways(to)} with non-directory`);
      return false;
    }
    if (!(await this.mayWrite(stat, to))) return true;
    if (s.backup !== '' && there !== undefined) sys.rename(toUnicode(to), toUnicode(to + s.backup));
    if (s.verbose) t.put(`${quoteAlways(from)} -> ${quoteAlways(to)}\n`);
    try {
      if (s.linkInstead === 'symbolic') sys.symlink(toUnicode(from), toUnicode(to));
      else if (s.linkInstead === 'hard') sys.link(toUnicode(from), toUnicode(to));
      else if (stat.type === 'symlink') {
        if (statMaybe(sys, to, true) !== undefined) sys.unlink(toUnicode(to));
        sys.symlink(sys.readlink(toUnicode(from)), toUnicode(to));
      } else if (stat.type === 'fifo' && s.recursive) sys.mkfifo(toUnicode(to), stat.mode);
      else return await this.copyContents(from, to, stat);
    } catch (error) {
      t.warnErrno(
        `cannot create ${stat.type === 'symlink' ? 'symbolic link' : 'regular file'} ${quoteAlways(to)}`,
        error,
      );
      return false;
    }
    return true;
  }

  private async copyContents(from: string, to: string, stat: Stat): Promise<boolean> {
    const { s, t } = this;
    const { sys } = t;
    let source: number;
    try {
      source = t.open(from);
    } catch (error) {
      t.warnErrno(`cannot open ${quoteAlways(from)} for reading`, error);
      return false;
    }
    let target: number;
    try {
      target = sys.open(
        toUnicode(to),
        OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC,
        stat.mode & 0o777,
      );
    } catch (error) {
      sys.close(source);
      t.warnErrno(`cannot create regular file ${quoteAlways(to)}`, error);
      return false;
    }
    try {
      for (
        let bytes = await sys.read(source, 65536);
        bytes.length > 0;
        bytes = await sys.read(source, 65536)
      ) {
        await sys.write(target, bytes);
      }
    } catch (error) {
      t.warnErrno(`error writing ${quoteAlways(to)}`, error);
      return false;
    } finally {
      sys.close(source);
      sys.close(target);
    }
    if (s.preserve) this.preserve(to, stat);
    return true;
  }

  private preserve(to: string, stat: Stat): void {
    const { sys } = this.t;
    sys.chmod(toUnicode(to), stat.mode);
    sys.chown(toUnicode(to), stat.uid, stat.gid);
    sys.utimes(toUnicode(to), stat.mtimeNs);
  }

  private async copyDir(from: string, to: string, stat: Stat, top: boolean): Promise<boolean> {
    const { s, t } = this;
    const { sys } = t;
    if (!s.recursive) {
      t.warn(`-r not specified; omitting directory ${quoteAlways(from)}`);
      return false;
    }
    const there = statMaybe(sys, to);
    if (there !== undefined && there.type !== 'dir') {
      t.warn(
        `cannot overwrite non-directory ${quoteAlways(to)} with directory ${quoteAlways(from)}`,
      );
      return false;
    }
    const entries = sys.readdir(toUnicode(from));
    if (
      top &&
      `${to.replace(/\/+$/, '')}/`.startsWith(`${from.replace(/\/+$/, '')}/`) &&
      there?.ino !== stat.ino
    ) {
      t.warn(`cannot copy a directory, ${quoteAlways(from)}, into itself, ${quoteAlways(to)}`);
      return false;
    }
    if (there === undefined) {
      try {
        sys.mkdir(toUnicode(to), stat.mode & 0o777);
      } catch (error) {
        t.warnErrno(`cannot create directory ${quoteAlways(to)}`, error);
        return false;
      }
      if (s.verbose) t.put(`${quoteAlways(from)} -> ${quoteAlways(to)}\n`);
    }
    let all = true;
    for (const entry of entries) {
      const name = fromUnicode(entry.name);
      all = (await this.copy(joinPath(from, name), joinPath(to, name), false)) && all;
    }
    if (s.preserve) this.preserve(to, stat);
    return all;
  }
}

/** Sources and where each goes: a name, or into a directory. */
function targets(t: Tool, parsed: ParsedArgs): { from: string; to: string }[] {
  const { options, operands } = parsed;
  const has = (key: string): boolean => options.some((option) => option.key === key);
  const files = [...operands];
  let dir = options.filter(({ key }) => key === 't').pop()?.value;
  if (files.length === 0) t.usage('missing file operand');
  if (dir !== undefined && !isDirectory(t.sys, dir)) {
    return t.fail(
      `target directory ${quoteAlways(dir)}: ${statMaybe(t.sys, dir) === undefined ? 'No such file or directory' : 'Not a directory'}`,
    );
  }
  if (dir === undefined) {
    if (files.length === 1)
      t.usage(`missing destination file operand after ${quoteAlways(files[0] ?? '')}`);
    const last = files.pop() ?? '';
    if (has('T')) {
      if (files.length > 1) t.usage(`extra operand ${quoteAlways(files[1] ?? '')}`);
      return [{ from: files[0] ?? '', to: last }];
    }
    if (isDirectory(t.sys, last)) dir = last;
    else if (files.length > 1) {
      return t.fail(
        `target ${quoteAlways(last)}: ${statMaybe(t.sys, last) === undefined ? 'No such file or directory' : 'Not a directory'}`,
      );
    } else return [{ from: files[0] ?? '', to: last }];
  }
  const into = dir;
  return files.map((from) => ({
    from,
    to: joinPath(into, baseName(from) === '..' ? '.' : baseName(from)),
  }));
}

const cp = defineTool(
  {
    name: 'cp',
    usage: '[OPTION]... [-T] SOURCE DEST\n  or:  cp [OPTION]... SOURCE... DIRECTORY',
    about: 'Copy SOURCE to DEST, or multiple SOURCE(s) to DIRECTORY.',
    short: 'abdfHilLnpPrRst:TuvxS:',
    long: {
      archive: 'a',
      force: 'f',
      interactive: 'i',
      link: 'l',
      dereference: 'L',
      'no-clobber': 'n',
      'no-dereference': 'P',
      recursive: 'r',
      'symbolic-link': 's',
      'target-directory': 't:',
      'no-target-directory': 'T',
      update: 'u',
      verbose: 'v',
      preserve: '--preserve::',
      parents: '--parents',
      reflink: '--reflink::',
      backup: '--backup::',
      'remove-destination': '--remove-destination',
    },
  },
  async (t, parsed) => {
    const keys = new Set(parsed.options.map(({ key }) => key));
    const recursive = keys.has('r') || keys.has('R') || keys.has('a');
    const s: Settings = {
      recursive,
      follow: keys.has('L') || (!recursive && !keys.has('P') && !keys.has('d')),
      preserve: keys.has('p') || keys.has('a') || keys.has('--preserve'),
      force: keys.has('f'),
      noClobber: keys.has('n'),
      update: keys.has('u'),
      ask: keys.has('i'),
      verbose: keys.has('v'),
      linkInstead: keys.has('s') ? 'symbolic' : keys.has('l') ? 'hard' : '',
      backup: keys.has('b') || keys.has('--backup') ? '~' : '',
    };
    const copier = new Copier(t, s);
    for (const { from, to } of targets(t, parsed)) await copier.copy(from, to, true);
    return t.status;
  },
);

async function move(t: Tool, from: string, to: string, s: Settings): Promise<void> {
  const { sys } = t;
  let stat: Stat;
  try {
    stat = sys.lstat(toUnicode(from));
  } catch (error) {
    t.warnErrno(`cannot stat ${quoteAlways(from)}`, error);
    return;
  }
  const there = statMaybe(sys, to, true);
  if (there !== undefined) {
    if (there.ino === stat.ino) {
      t.warn(`${quoteAlways(from)} and ${quoteAlways(to)} are the same file`);
      return;
    }
    if (there.type === 'dir' && stat.type !== 'dir') {
      t.warn(`cannot overwrite directory ${quoteAlways(to)} with non-directory`);
      return;
    }
    if (there.type !== 'dir' && stat.type === 'dir') {
      t.warn(
        `cannot overwrite non-directory ${quoteAlways(to)} with directory ${quoteAlways(from)}`,
      );
      return;
    }
    if (s.noClobber || (s.update && there.mtimeNs >= stat.mtimeNs)) return;
    if (s.ask) {
      t.put(`${t.name}: overwrite ${quoteAlways(to)}? `, 2);
      if (!/^[yY]/.test((await t.input(0).line()) ?? '')) return;
    }
    if (s.backup !== '') sys.rename(toUnicode(to), toUnicode(to + s.backup));
  }
  try {
    sys.rename(toUnicode(from), toUnicode(to));
  } catch (error) {
    if (error instanceof KernelError && error.code === 'EXDEV') {
      const copied = await new Copier(t, {
        ...s,
        recursive: true,
        follow: false,
        preserve: true,
        verbose: false,
      }).copy(from, to, true);
      if (copied) removeTree(t, from);
    } else if (error instanceof KernelError && error.code === 'EINVAL') {
      t.warn(`cannot move ${quoteAlways(from)} to a subdirectory of itself, ${quoteAlways(to)}`);
      return;
    } else {
      t.warn(`cannot move ${quoteAlways(from)} to ${quoteAlways(to)}: ${errnoText(error)}`);
      return;
    }
  }
  if (s.verbose) t.put(`renamed ${quoteAlways(from)} -> ${quoteAlways(to)}\n`);
}

function removeTree(t: Tool, path: string): void {
  if (t.sys.lstat(toUnicode(path)).type !== 'dir') {
    t.sys.unlink(toUnicode(path));
    return;
  }
  for (const entry of t.sys.readdir(toUnicode(path)))
    removeTree(t, joinPath(path, fromUnicode(entry.name)));
  t.sys.rmdir(toUnicode(path));
}

const mv = defineTool(
  {
    name: 'mv',
    usage: '[OPTION]... [-T] SOURCE DEST\n  or:  mv [OPTION]... SOURCE... DIRECTORY',
    about: 'Rename SOURCE to DEST, or move SOURCE(s) to DIRECTORY.',
    short: 'bfint:TuvS:Z',
    long: {
      force: 'f',
      interactive: 'i',
      'no-clobber': 'n',
      'target-directory': 't:',
      'no-target-directory': 'T',
      update: 'u',
      verbose: 'v',
      backup: '--backup::',
      'strip-trailing-slashes': '--strip',
    },
  },
  async (t, parsed) => {
    const keys = new Set(parsed.options.map(({ key }) => key));
    const s: Settings = {
      recursive: true,
      follow: false,
      preserve: true,
      force: keys.has('f'),
      noClobber: keys.has('n'),
      update: keys.has('u'),
      ask: keys.has('i'),
      verbose: keys.has('v'),
      linkInstead: '',
      backup: keys.has('b') || keys.has('--backup') ? '~' : '',
    };
    for (const { from, to } of targets(t, parsed)) await move(t, from, to, s);
    return t.status;
  },
);

const install = defineTool(
  {
    name: 'install',
    usage:
      '[OPTION]... [-T] SOURCE DEST\n  or:  install [OPTION]... SOURCE... DIRECTORY\n  or:  install [OPTION]... -d DIRECTORY...',
    about: 'Copy files and set attributes.',
    short: 'bcCdDg:m:o:pst:TvS:',
    long: {
      directory: 'd',
      group: 'g:',
      mode: 'm:',
      owner: 'o:',
      'preserve-timestamps': 'p',
      strip: 's',
      'target-directory': 't:',
      'no-target-directory': 'T',
      verbose: 'v',
    },
  },
  async (t, parsed) => {
    const has = (key: string): boolean => parsed.options.some((option) => option.key === key);
    const modeArg = parsed.options.filter(({ key }) => key === 'm').pop()?.value ?? '755';
    const mode =
      parseMode(modeArg, 0)?.(0, false) ?? t.fail(`invalid mode ${quoteAlways(modeArg)}`);
    const makeDirs = (path: string): void => {
      const parts = path.split('/');
      for (let count = 1; count <= parts.length; count++) {
        const at = parts.slice(0, count).join('/');
        if (at !== '' && statMaybe(t.sys, at) === undefined) t.sys.mkdir(toUnicode(at), 0o755);
      }
    };
    if (has('d')) {
      for (const path of parsed.operands) makeDirs(path);
      return t.status;
    }
    const last = parsed.operands[parsed.operands.length - 1] ?? '';
    if (has('D') && last.includes('/')) makeDirs(last.slice(0, last.lastIndexOf('/')));
    const copier = new Copier(t, {
      recursive: false,
      follow: true,
      preserve: false,
      force: true,
      noClobber: false,
      update: false,
      ask: false,
      verbose: has('v'),
      linkInstead: '',
      backup: '',
    });
    for (const { from, to } of targets(t, parsed))
      if (await copier.copy(from, to, true)) t.sys.chmod(toUnicode(to), mode);
    return t.status;
  },
);

export const copyPrograms: readonly ProgramSpec[] = [cp, mv, install];
