/**
 * A task: what the simulated kernel knows of one process.
 *
 * Made by lifecycle.ts, signalled by signals.ts; its program sees it through create-sys.ts. Times are virtual
 * nanoseconds.
 */
import type { SignalDisposition, WaitStatus } from '@netloom/sys';
import { CallContext } from './call-context.js';
import type { Directory } from './directory.js';
import type { FdTable } from './file-description.js';
import type { TaskHost } from './task-host.js';
import type { Tty } from './tty.js';
import { WaitQueue } from './wait-queue.js';

/** `starting` until the first instruction, `zombie` until the parent has waited, then `reaped`. */
export type TaskState = 'starting' | 'running' | 'zombie' | 'reaped';

export interface TaskInit {
  readonly pid: number;
  readonly parent: Task | undefined;
  readonly comm: string;
  readonly argv: readonly string[];
  readonly env: Map<string, string>;
  readonly cwd: Directory;
  readonly fds: FdTable;
  readonly net: unknown;
}

export class Task {
  readonly pid: number;
  /** Undefined for init alone. */
  parent: Task | undefined;
  /** In order of their start. */
  readonly children: Task[] = [];
  pgid: number;
  sid: number;
  /** At most 15 bytes. */
  comm: string;
  argv: readonly string[];
  env: Map<string, string>;
  cwd: Directory;
  umask = 0o022;
  readonly fds: FdTable;
  /** The controlling terminal. */
  tty: Tty | undefined;
  /** The network namespace, an object of the layer above. */
  net: unknown;
  /** The device that sockets are bound to when they are made, 0 for none. */
  socketDev: number;
  readonly startNs: number;
  state: TaskState = 'starting';
  /** Set by stop signals, until SIGCONT. */
  stopped = false;
  /** The stop signal that the parent has not seen yet, 0 for none. */
  unreportedStop = 0;
  /** How it ended, once it is a zombie. */
  status: WaitStatus | undefined;
  /** CPU time charged but not yet waited for, and all that was. */
  debtNs = 0;
  cpuNs = 0;
  /** The path of the program file, '' for a function. */
  exePath = '';
  /** The running image's calls; exec replaces it. */
  context: CallContext;
  /** Woken when a child ends or stops. */
  readonly childQueue = new WaitQueue();
  /** Called once with how it ended. */
  onExit: ((status: WaitStatus) => void) | undefined;
  private dispositions: Map<number, SignalDisposition> | undefined;
  /** Signals held back while it is stopped, in order of arrival. */
  readonly pending: number[] = [];

  constructor(
    readonly host: TaskHost,
    init: TaskInit,
  ) {
    this.pid = init.pid;
    this.parent = init.parent;
    this.pgid = init.parent?.pgid ?? init.pid;
    this.sid = init.parent?.sid ?? init.pid;
    this.tty = init.parent?.tty;
    this.umask = init.parent?.umask ?? 0o022;
    this.comm = init.comm;
    this.argv = init.argv;
    this.env = init.env;
    this.cwd = init.cwd;
    this.fds = init.fds;
    this.net = init.net;
    this.socketDev = init.parent?.socketDev ?? 0;
    this.startNs = host.engine.now;
    this.context = new CallContext(this);
  }

  get ppid(): number {
    return this.parent?.pid ?? 0;
  }

  get ended(): boolean {
    return this.state === 'zombie' || this.state === 'reaped';
  }

  /** The letter that ps shows. */
  get stateLetter(): string {
    if (this.ended) return 'Z';
    if (this.stopped) return 'T';
    return this.context.sleeping || this.parent === undefined ? 'S' : 'R';
  }

  /** Moves the task to another network namespace (setns, unshare), passing the reference on. */
  switchNet(namespace: unknown): void {
    const { netOps } = this.host;
    netOps.hold(namespace);
    netOps.release(this.net);
    this.net = namespace;
  }

  disposition(signal: number): SignalDisposition {
    return this.dispositions?.get(signal) ?? 'default';
  }

  setDisposition(signal: number, disposition: SignalDisposition): void {
    if (disposition === 'default') this.dispositions?.delete(signal);
    else (this.dispositions ??= new Map()).set(signal, disposition);
  }

  /** Signals with this disposition, ascending; `'caught'` for those with a handler. */
  signalsWith(kind: 'ignore' | 'caught'): number[] {
    const out: number[] = [];
    for (const [signal, disposition] of this.dispositions ?? []) {
      if (kind === 'ignore' ? disposition === 'ignore' : typeof disposition === 'function')
        out.push(signal);
    }
    return out.sort((a, b) => a - b);
  }

  /** What exec keeps: ignored signals stay ignored, handlers are gone. */
  forgetHandlers(): void {
    for (const signal of this.signalsWith('caught')) this.dispositions?.delete(signal);
  }
}
