/** Path arithmetic over byte text, and canonical names. */
import { KernelError } from '@netloom/base';
import type { Stat, Sys } from '@netloom/sys';
import { fromUnicode, toUnicode } from '../tool/bytes.js';

export function joinPath(dir: string, name: string): string {
  return dir.endsWith('/') ? dir + name : `${dir}/${name}`;
}

/** As basename(1): without trailing slashes, `/` for the root. */
export function baseName(path: string): string {
  const trimmed = path.replace(/(?!^)\/+$/, '');
  return trimmed === '/' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

/** As dirname(1). */
export function dirName(path: string): string {
  const trimmed = path.replace(/(?!^)\/+$/, '');
  const slash = trimmed.lastIndexOf('/');
  if (slash < 0) return '.';
  const dir = trimmed.slice(0, slash).replace(/\/+$/, '');
  return dir === '' ? '/' : dir;
}

/** stat, or undefined where there is nothing; other errors are thrown. */
export function statMaybe(sys: Sys, path: string, link = false): Stat | undefined {
  try {
    return link ? sys.lstat(toUnicode(path)) : sys.stat(toUnicode(path));
  } catch (error) {
    if (error instanceof KernelError && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  }
}

export function isDirectory(sys: Sys, path: string): boolean {
  return statMaybe(sys, path)?.type === 'dir';
}

/** How much of a path must exist: everything, all but the last component, nothing. */
export type Existence = 'all' | 'dirs' | 'none';

/** The absolute path without links, `.` and `..`; throws ENOENT, ENOTDIR or ELOOP. */
export function canonical(
  sys: Sys,
  path: string,
  existence: Existence,
  followLinks = true,
): string {
  const todo = path
    .split('/')
    .filter((part) => part !== '')
    .reverse();
  let done = path.startsWith('/') ? '' : fromUnicode(sys.getcwd()).replace(/\/$/, '');
  let links = 0;
  if (path === '') throw new KernelError('ENOENT');
  while (todo.length > 0) {
    const part = todo.pop() ?? '';
    if (part === '.') continue;
    if (part === '..') {
      done = done.slice(0, Math.max(0, done.lastIndexOf('/')));
      continue;
    }
    const next = `${done}/${part}`;
    const stat = statMaybe(sys, next, true);
    if (stat === undefined) {
      if (existence === 'all' || (existence === 'dirs' && todo.length > 0)) {
        sys.lstat(toUnicode(next));
      }
      done = next;
    } else if (stat.type === 'symlink' && followLinks) {
      if (++links > 40) throw new KernelError('ELOOP');
      const target = fromUnicode(sys.readlink(toUnicode(next)));
      todo.push(
        ...target
          .split('/')
          .filter((item) => item !== '')
          .reverse(),
      );
      if (target.startsWith('/')) done = '';
    } else {
      if (stat.type !== 'dir' && todo.length > 0 && existence !== 'none')
        throw new KernelError('ENOTDIR');
      done = next;
    }
  }
  return done === '' ? '/' : done;
}

/** A relative path from one absolute directory to an absolute path. */
export function relativePath(from: string, to: string): string {
  const a = from.split('/').filter((part) => part !== '');
  const b = to.split('/').filter((part) => part !== '');
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  return [...a.slice(same).map(() => '..'), ...b.slice(same)].join('/') || '.';
}
