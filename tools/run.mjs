// What the repository's scripts share: running a command, and finding their way from the root.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

export const root = fileURLToPath(new URL('../', import.meta.url));
export const at = (...parts) => join(root, ...parts);

/** Path of an installed package's script, to be run with this same node. */
export const bin = {
  tsc: at('node_modules/typescript/bin/tsc'),
  eslint: at('node_modules/eslint/bin/eslint.js'),
  prettier: at('node_modules/prettier/bin/prettier.cjs'),
  jest: at('node_modules/jest/bin/jest.js'),
  netloom: at('apps/cli/bin/netloom.js'),
};

/** One line of progress; phases are easy to find in a long log. */
export function say(text) {
  process.stdout.write(`==> ${text}\n`);
}

/**
 * Runs a command in the root without standard input, its output passed on as it comes.
 * Resolves to its exit code (128 + signal number unknown to us counts as 1) and, where
 * `keep` is set, the text of its standard output.
 */
export function run(command, args, { env = {}, keep = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', keep ? 'pipe' : 'inherit', 'inherit'],
      shell: process.platform === 'win32' && command === 'npm',
    });
    let stdout = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      process.stdout.write(text);
    });
    child.on('error', (error) => {
      process.stderr.write(`${command}: ${error.message}\n`);
      resolve({ code: 127, stdout });
    });
    child.on('close', (code) => resolve({ code: code ?? 1, stdout }));
  });
}

/** Runs a script with this node. */
export const node = (args, options) => run(process.execPath, args, options);
