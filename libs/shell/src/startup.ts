/** Start-up files. */
import type { Shell } from './shell.js';

export function exists(sh: Shell, path: string): boolean {
  try {
    sh.sys.stat(path);
    return true;
  } catch {
    return false;
  }
}

/** Runs a start-up file where there is one. */
export async function sourceIfThere(sh: Shell, path: string): Promise<void> {
  if (exists(sh, path)) await sh.runner.runWords(['.', path], 'builtin');
}
