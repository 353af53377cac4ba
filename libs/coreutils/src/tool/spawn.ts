/** Starting other programs from a tool: PATH lookup, `sh -c`, and collecting output. */
import { Errno, KernelError } from '@netloom/base';
import type { SpawnOptions, Sys, WaitStatus } from '@netloom/sys';
import { toUnicode } from './bytes.js';
import { Input } from './input.js';
import type { Tool } from './tool.js';

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Where execvp(3) would find a program (a Unicode name); undefined where nowhere. */
export function findProgram(sys: Sys, name: string): string | undefined {
  if (name.includes('/')) return name;
  for (const dir of (sys.env.get('PATH') ?? defaultPath).split(':')) {
    const path = `${dir === '' ? '.' : dir}/${name}`;
    try {
      const stat = sys.stat(path);
      if (stat.type !== 'dir' && (stat.mode & 0o111) !== 0) return path;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
  }
  return undefined;
}

/** What runs for a command line (byte text), text without `#!` by way of the shell; throws ENOENT where not found. */
function resolve(sys: Sys, argv: readonly string[]): { program: string; argv: string[] } {
  const words = argv.map(toUnicode);
  const program = findProgram(sys, words[0] ?? '');
  if (program === undefined || words[0] === '') throw new KernelError(Errno.ENOENT);
  return { program, argv: words };
}

/** Starts a program by its name; throws KernelError as execvp does. */
export function spawnProgram(
  sys: Sys,
  argv: readonly string[],
  options: Partial<SpawnOptions> = {},
): number {
  const found = resolve(sys, argv);
  try {
    return sys.spawn({ ...options, program: found.program, argv: found.argv });
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== Errno.ENOEXEC) throw error;
    return sys.spawn({
      ...options,
      program: '/bin/sh',
      argv: ['sh', found.program, ...found.argv.slice(1)],
    });
  }
}

/** Becomes a program; throws KernelError as execvp does. */
export async function execProgram(
  sys: Sys,
  argv: readonly string[],
  env?: ReadonlyMap<string, string>,
): Promise<never> {
  const found = resolve(sys, argv);
  try {
    return await sys.exec(found.program, found.argv, env);
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== Errno.ENOEXEC) throw error;
    return await sys.exec('/bin/sh', ['sh', found.program, ...found.argv.slice(1)], env);
  }
}

/** Starts `sh -c COMMAND`. */
export function spawnShell(sys: Sys, command: string, fds?: ReadonlyMap<number, number>): number {
  return sys.spawn({
    program: '/bin/sh',
    argv: ['sh', '-c', toUnicode(command)],
    ...(fds === undefined ? {} : { fds }),
  });
}

/** What `sh -c COMMAND` prints. */
export async function runShell(t: Tool, command: string): Promise<string> {
  const sys = t.sys;
  const [reader, writer] = sys.pipe();
  const pid = spawnShell(
    sys,
    command,
    new Map([
      [0, 0],
      [1, writer],
      [2, 2],
    ]),
  );
  sys.close(writer);
  const text = await new Input(sys, reader, () => Promise.resolve()).rest();
  sys.close(reader);
  await sys.waitpid(pid);
  return text;
}

/** An exit code as `$?` shows it: 128 + the signal for a process that a signal ended. */
export function exitCode(status: WaitStatus | undefined): number {
  if (status === undefined) return 0;
  return status.kind === 'exit' ? status.value : 128 + status.value;
}
