/**
 * From a path to something that runs: installed programs, their copies, and `#!` scripts.
 *
 * spawn, exec → {@link loadProgram} → the program's function and the argument vector it gets. Source: execve(2).
 */
import { KernelError } from '@netloom/base';
import { decodeText, type Program } from '@netloom/sys';
import { FileNode } from './inode.js';
import type { Task } from './task.js';
import { programImagePath } from './template.js';

export interface LoadedProgram {
  readonly main: Program;
  readonly argv: readonly string[];
  /** As /proc/PID/comm shows it. */
  readonly comm: string;
  readonly path: string;
}

/** Nested interpreters that execve follows. */
const INTERPRETER_DEPTH = 5;
/** The first line of a script as far as the kernel reads it. */
const SHEBANG_BYTES = 256;

/** The last part of a path, cut as comm is. */
export function commOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).slice(0, 15);
}

/** Resolves as execve does; ENOENT, EACCES, ENOEXEC, ELOOP, ENOTDIR. */
export function loadProgram(task: Task, path: string, argv: readonly string[]): LoadedProgram {
  const { host } = task;
  const comm = commOf(path);
  let file = path;
  let args = argv;
  for (let depth = 0; depth <= INTERPRETER_DEPTH; depth++) {
    const node = host.vfs.node(task, file);
    if (!(node instanceof FileNode) || (node.mode & 0o111) === 0) throw new KernelError('EACCES');
    if (node.exec !== undefined) return { main: node.exec, argv: args, comm, path: file };
    const bytes = node.view();
    const image = programImagePath(bytes);
    const main = image === undefined ? undefined : host.programs.at(image);
    if (main !== undefined) return { main, argv: args, comm, path: file };
    const shebang = parseShebang(bytes);
    if (shebang === undefined) throw new KernelError('ENOEXEC');
    args = [...shebang, file, ...args.slice(1)];
    file = shebang[0] ?? '';
  }
  throw new KernelError('ELOOP');
}

/** The interpreter and its one optional argument. */
function parseShebang(bytes: Uint8Array): readonly string[] | undefined {
  if (bytes[0] !== 0x23 || bytes[1] !== 0x21) return undefined;
  const line = (decodeText(bytes.subarray(2, SHEBANG_BYTES)).split('\n')[0] ?? '').trim();
  const match = /^(\S+)(?:[ \t]+(.*))?$/.exec(line);
  if (match === null) return undefined;
  const [, interpreter = '', argument] = match;
  return argument === undefined ? [interpreter] : [interpreter, argument];
}
