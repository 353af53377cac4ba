/** Finding programs along `$PATH`. */
import type { Shell } from './shell.js';

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The path a command name runs; undefined where nothing is found. A name with a slash is returned as it is. */
export function findCommand(
  sh: Shell,
  name: string,
  searchPath: string | undefined,
): string | undefined {
  if (name.includes('/')) return name;
  if (name === '') return undefined;
  const found = searchCommand(sh, name, searchPath)[0];
  if (found !== undefined && searchPath === undefined) {
    const entry = sh.hashed.get(name);
    if (entry?.path === found) entry.hits++;
    else sh.hashed.set(name, { path: found, hits: 1 });
  }
  return found;
}

/** All places along the path, executable ones first. */
export function searchCommand(sh: Shell, name: string, searchPath: string | undefined): string[] {
  const path = sh.vars.value('PATH');
  if (path === undefined && searchPath === undefined) return [];
  const executable: string[] = [];
  const others: string[] = [];
  for (const directory of (searchPath ?? path ?? '').split(':')) {
    const candidate =
      directory === ''
        ? `./${name}`
        : directory.endsWith('/')
          ? directory + name
          : `${directory}/${name}`;
    try {
      const stat = sh.sys.stat(candidate);
      if (stat.type === 'dir') continue;
      if ((stat.mode & 0o111) !== 0) executable.push(candidate);
      else others.push(candidate);
    } catch {
      continue;
    }
  }
  return executable.length > 0 ? executable : others;
}
