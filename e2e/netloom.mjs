// Runs the built command line, and other programs, for the specs in this folder.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Path of a file of the repository. */
export const at = (...names) => join(fileURLToPath(new URL('..', import.meta.url)), ...names);

/** Runs a program to its end. */
export function run(program, args, options = {}) {
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
    ...options,
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

/** Runs `netloom` of the last build. */
export function netloom(...args) {
  if (!existsSync(at('apps/cli/dist/main.js'))) throw new Error('not built: run npm run build');
  const env = { ...process.env, NODE_OPTIONS: '', NETLOOM_URL: '' };
  return run(process.execPath, [at('apps/cli/bin/netloom.js'), ...args], { env });
}

/** Whether this machine has a program. */
export function has(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** A new folder that is removed when the specs of a file have run. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'netloom-e2e-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Names and contents of a folder's files, in order of name. */
export function filesOf(folder) {
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, path: join(folder, name), data: readFileSync(join(folder, name)) }));
}
