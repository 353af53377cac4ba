/**
 * execvp(3)'s search: a name with a slash is a path, any other is looked for along PATH.
 */
import { KernelError } from '@netloom/base';
import type { Sys } from '@netloom/sys';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The path of a program; throws ENOENT (or EACCES where something was found that may not be run). */
export function findProgram(sys: Sys, name: string): string {
  if (name === '') throw new KernelError('ENOENT');
  if (name.includes('/')) return name;
  let denied = false;
  for (const folder of (sys.env.get('PATH') ?? DEFAULT_PATH).split(':')) {
    const path = `${folder === '' ? '.' : folder}/${name}`;
    try {
      const stat = sys.stat(path);
      if (stat.type !== 'file') continue;
      if ((stat.mode & 0o111) !== 0) return path;
      denied = true;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
  }
  throw new KernelError(denied ? 'EACCES' : 'ENOENT');
}
