/**
 * Starting a process from outside: arguments and streams of an application around a program of a host.
 *
 * `docker exec` in spirit: its own session, standard input from bytes or a stream or a terminal, output as chunks.
 */
import { KernelError } from '@netloom/base';
import {
  encodeText,
  OpenFlag,
  Poll,
  Signal,
  type Program,
  type Stat,
  type WaitStatus,
} from '@netloom/sys';
import { NullDescription } from './devices.js';
import { FdTable, FileDescription } from './file-description.js';
import { startTask } from './lifecycle.js';
import { loadProgram } from './program-file.js';
import type { Pty } from './pty.js';
import { sendSignal, signalGroup } from './signals.js';
import type { Task } from './task.js';
import type { TaskHost } from './task-host.js';
import { TtyDescription } from './tty.js';

/** Standard input that the application feeds as it goes. */
export class InputStream {
  private readonly chunks: Uint8Array[] = [];
  private ended = false;
  /** Bytes not read yet. */
  buffered = 0;
  /** Called when everything written so far has been read. */
  onDrain: (() => void) | undefined;
  /** Tells the reader; set by its description. @internal */
  notify: (() => void) | undefined;

  write(data: Uint8Array | string): void {
    const bytes = typeof data === 'string' ? encodeText(data) : data;
    if (bytes.length === 0 || this.ended) return;
    this.chunks.push(bytes);
    this.buffered += bytes.length;
    this.notify?.();
  }

  /** End of file, after what has been written. */
  end(): void {
    this.ended = true;
    this.notify?.();
  }

  get readable(): boolean {
    return this.ended || this.chunks.length > 0;
  }

  /** @internal */
  take(count: number): Uint8Array | undefined {
    const first = this.chunks[0];
    if (first === undefined) return this.ended ? new Uint8Array(0) : undefined;
    const data = first.length > count ? first.subarray(0, count) : first;
    if (data === first) this.chunks.shift();
    else this.chunks[0] = first.subarray(count);
    this.buffered -= data.length;
    if (this.buffered === 0) this.onDrain?.();
    return data;
  }
}

abstract class StreamDescription extends FileDescription {
  override stat(task: Task): Stat {
    const { now } = task.host.engine;
    return { ino: 2, type: 'fifo', mode: 0o600, nlink: 1, uid: 0, gid: 0, size: 0, mtimeNs: now };
  }

  override linkText(): string {
    return 'pipe:[2]';
  }
}

class InputDescription extends StreamDescription {
  constructor(private readonly stream: InputStream) {
    super(OpenFlag.O_RDONLY);
    stream.notify = () => this.queue.wake();
  }

  override read(count: number): Uint8Array | undefined {
    return this.stream.take(count);
  }

  override poll(): number {
    return this.stream.readable ? Poll.POLLIN : 0;
  }

  protected override release(): void {
    this.stream.notify = undefined;
  }
}

class OutputDescription extends StreamDescription {
  constructor(private readonly sink: (data: Uint8Array) => void) {
    super(OpenFlag.O_WRONLY);
  }

  override write(data: Uint8Array): number {
    if (data.length > 0) this.sink(data);
    return data.length;
  }

  override poll(): number {
    return Poll.POLLOUT;
  }
}

export interface RunOptions {
  /** /dev/null unless given. */
  readonly stdin?: Uint8Array | string | InputStream;
  /** Chunks as they are written; without it the output is lost. */
  readonly onStdout?: (data: Uint8Array) => void;
  readonly onStderr?: (data: Uint8Array) => void;
  /** Added to (or replacing) {@link defaultEnv}. */
  readonly env?: Readonly<Record<string, string>>;
  /** /root unless given. */
  readonly cwd?: string;
  /** Standard input, output and error, and the controlling terminal. */
  readonly pty?: Pty;
  /** Network namespace; that of init unless given. */
  readonly net?: unknown;
}

export interface RunHandle {
  readonly task: Task;
  /** Settles, before the clock moves on, once the process has ended. */
  readonly exit: Promise<WaitStatus>;
  kill(signal?: number): void;
  /** Signals the process's whole group. */
  killGroup(signal?: number): void;
}

/** What a process gets where nothing else is said. */
export function defaultEnv(host: TaskHost, pty: boolean): Map<string, string> {
  const env = new Map([
    ['PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    ['HOME', '/root'],
    ['HOSTNAME', host.hostname],
    ['USER', 'root'],
    ['LOGNAME', 'root'],
    ['SHELL', '/bin/bash'],
  ]);
  if (pty) env.set('TERM', 'xterm-256color');
  return env;
}

/** A name without a slash is looked for along PATH, as execvp does. */
function searchPath(host: TaskHost, name: string, env: ReadonlyMap<string, string>): string {
  if (name.includes('/')) return name;
  for (const dir of (env.get('PATH') ?? '').split(':')) {
    const path = `${dir === '' ? '.' : dir}/${name}`;
    if (host.vfs.findNode(host.init, path)?.type === 'file') return path;
  }
  throw new KernelError('ENOENT');
}

function inputOf(stdin: RunOptions['stdin']): FileDescription {
  if (stdin === undefined) return new NullDescription(OpenFlag.O_RDONLY);
  if (stdin instanceof InputStream) return new InputDescription(stdin);
  const stream = new InputStream();
  stream.write(stdin);
  stream.end();
  return new InputDescription(stream);
}

function outputOf(sink: RunOptions['onStdout']): FileDescription {
  return sink === undefined ? new NullDescription(OpenFlag.O_WRONLY) : new OutputDescription(sink);
}

function standardFds(host: TaskHost, options: RunOptions): FdTable {
  const fds = new FdTable();
  if (options.pty !== undefined) {
    const desc = new TtyDescription(options.pty.tty, OpenFlag.O_RDWR);
    for (const fd of [0, 1, 2]) fds.installAt(fd, desc);
    return fds;
  }
  fds.installAt(0, inputOf(options.stdin));
  fds.installAt(1, outputOf(options.onStdout));
  fds.installAt(2, outputOf(options.onStderr));
  for (const fd of [0, 1, 2]) {
    const desc = fds.get(fd);
    if (!(desc instanceof NullDescription)) continue;
    desc.path = '/dev/null';
    desc.origin = host.vfs.findNode(host.init, desc.path);
  }
  return fds;
}

export function runProgram(
  host: TaskHost,
  program: string | Program,
  argv: readonly string[],
  options: RunOptions,
): RunHandle {
  const env = defaultEnv(host, options.pty !== undefined);
  for (const [name, value] of Object.entries(options.env ?? {})) env.set(name, value);
  const cwd = host.vfs.directory(host.init, options.cwd ?? '/root');
  const loaded =
    typeof program === 'string'
      ? loadProgram(host.init, searchPath(host, program, env), argv)
      : { main: program, argv, comm: (argv[0] ?? 'program').slice(0, 15), path: '' };
  const fds = standardFds(host, options);
  const costNs = typeof program === 'string' ? host.costs.spawnNs : host.costs.forkNs;
  const task = startTask(host.init, { loaded, env, cwd, fds, costNs });
  task.sid = task.pgid = task.pid;
  if (options.net !== undefined) task.switchNet(options.net);
  options.pty?.tty.associate(task);
  const exit = new Promise<WaitStatus>((resolve) => {
    task.onExit = (status) => {
      resolve(status);
      host.engine.wake();
    };
  });
  return {
    task,
    exit,
    kill: (signal = Signal.SIGTERM) => sendSignal(task, signal),
    killGroup: (signal = Signal.SIGTERM) => {
      signalGroup(host, task.pgid, signal);
    },
  };
}
