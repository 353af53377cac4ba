/**
 * One simulated host as far as processes and files go.
 *
 * An application or the kernel package makes it; it makes its file system and its init task at first use, so an idle
 * host is a handful of fields. What hosts have in common (programs, /etc, pseudo files) they share.
 */
import type { RandomStream } from '@netloom/base';
import type { Engine } from '@netloom/engine';
import type { Program, Sys } from '@netloom/sys';
import { createSys, type ExtendSys } from './create-sys.js';
import { registerDevices } from './devices.js';
import { FdTable } from './file-description.js';
import { endTask } from './lifecycle.js';
import { registerProc } from './proc-files.js';
import { PseudoFs } from './pseudo-fs.js';
import { Pty, type PtyOptions } from './pty.js';
import { runProgram, type RunHandle, type RunOptions } from './run.js';
import { Task } from './task.js';
import type { ProgramTable } from './template.js';
import { Vfs } from './vfs.js';

/** What the layer that owns network namespaces says of them. */
export interface NetOps {
  /** The inode number that /proc/PID/ns/net shows. */
  ino(namespace: unknown): number;
  /** A task, a descriptor or a mount takes a reference, or gives it back. */
  hold(namespace: unknown): void;
  release(namespace: unknown): void;
}

/** Virtual CPU time, nanoseconds. */
export interface TaskCosts {
  /** fork and execve of a program file, before its first instruction. */
  readonly spawnNs: number;
  /** fork of a function (a subshell). */
  readonly forkNs: number;
  /** Every system call; bytes moved cost 1 ns for 16 on top. */
  readonly syscallNs: number;
  /** Charged time is waited for once it adds up to this. */
  readonly sliceNs: number;
}

export const DEFAULT_COSTS: TaskCosts = {
  spawnNs: 300_000,
  forkNs: 50_000,
  syscallNs: 200,
  sliceNs: 1_000_000,
};

export interface TaskHostOptions {
  readonly engine: Engine;
  readonly hostname: string;
  /** CLOCK_REALTIME at boot, seconds since 1970. */
  readonly bootTimeSec: number;
  /** The host's own stream: getrandom, /dev/urandom. */
  readonly random: RandomStream;
  readonly nprocs?: number;
  /** Shared between hosts. */
  readonly programs: ProgramTable;
  /** Shared between hosts; {@link createPseudoFs} makes one with what this package provides. */
  readonly pseudo?: PseudoFs;
  /** The network namespace that the host starts with. */
  readonly net?: unknown;
  readonly netOps?: NetOps;
  /** Adds the network calls to what programs receive. */
  readonly extendSys?: ExtendSys;
  readonly costs?: Partial<TaskCosts>;
  /** The object of the layer above that this host belongs to. */
  readonly owner?: unknown;
  /** uname -r and -v. */
  readonly release?: string;
  readonly version?: string;
  /** Gets exceptions of programs that are our own bugs; without it they leave the engine's run. */
  readonly onBug?: (error: unknown, task: Task) => void;
}

/** A registry with /proc and /dev of this package, for the subsystems to add theirs. */
export function createPseudoFs(): PseudoFs {
  const pseudo = new PseudoFs();
  registerDevices(pseudo);
  registerProc(pseudo);
  pseudo.ensureDir('/sys/class').ensureDir('/sys/kernel');
  return pseudo;
}

let standardPseudo: PseudoFs | undefined;

const NO_NET: NetOps = {
  ino: () => 4_026_531_840,
  hold: () => undefined,
  release: () => undefined,
};

/** The pid of the first process; lower ones belong to the kernel's threads and boot. */
const FIRST_PID = 100;
export const PID_MAX = 32768;

/** Bytes by how they passed the boundary of the kernel. */
export class CopyCounts {
  /** Copied to programs by read and recvmsg. */
  read = 0;
  /** Copied from programs by write and sendmsg. */
  written = 0;
  /** Passed between descriptors by sendfile, splice and tee, or taken over by MSG_ZEROCOPY. */
  moved = 0;
}

export class TaskHost {
  readonly engine: Engine;
  hostname: string;
  readonly nprocs: number;
  readonly netOps: NetOps;
  readonly costs: TaskCosts;
  /** Processes started since boot. */
  forks = 0;
  /** Payload bytes that calls copied between programs and the kernel, and that they moved without. */
  readonly copies = new CopyCounts();
  private readonly options: TaskHostOptions;
  private fileSystem: Vfs | undefined;
  private initTask: Task | undefined;
  private tasks: Map<number, Task> | undefined;
  private lastPid = FIRST_PID - 1;
  private lastIno = 1;
  private ptys: (Pty | undefined)[] | undefined;

  constructor(options: TaskHostOptions) {
    this.options = options;
    this.engine = options.engine;
    this.hostname = options.hostname;
    this.nprocs = options.nprocs ?? 1;
    this.netOps = options.netOps ?? NO_NET;
    this.costs =
      options.costs === undefined ? DEFAULT_COSTS : { ...DEFAULT_COSTS, ...options.costs };
  }

  get bootTimeSec(): number {
    return this.options.bootTimeSec;
  }

  get random(): RandomStream {
    return this.options.random;
  }

  get programs(): ProgramTable {
    return this.options.programs;
  }

  get pseudo(): PseudoFs {
    return this.options.pseudo ?? (standardPseudo ??= createPseudoFs());
  }

  get extendSys(): ExtendSys | undefined {
    return this.options.extendSys;
  }

  get owner(): unknown {
    return this.options.owner;
  }

  get release(): string {
    return this.options.release ?? '6.12.0-netloom';
  }

  get version(): string {
    return this.options.version ?? '#1 SMP PREEMPT_DYNAMIC';
  }

  get vfs(): Vfs {
    return (this.fileSystem ??= new Vfs(this));
  }

  /** Process 1: the parent of what the application starts and of orphans. It runs no program. */
  get init(): Task {
    return (this.initTask ??= this.makeInit());
  }

  private makeInit(): Task {
    const { net } = this.options;
    const init = new Task(this, {
      pid: 1,
      parent: undefined,
      comm: 'init',
      argv: ['/sbin/init'],
      env: new Map(),
      cwd: this.vfs.root,
      fds: new FdTable(),
      net,
    });
    init.state = 'running';
    init.exePath = '/sbin/init';
    this.netOps.hold(net);
    return init;
  }

  /** The system-call object for a task's current image. */
  createSys(task: Task): Sys {
    return createSys(task);
  }

  /** Starts a program from outside. ENOENT, EACCES, … as execve gives them. */
  run(program: string | Program, argv: readonly string[], options: RunOptions = {}): RunHandle {
    return runProgram(this, program, argv, options);
  }

  /** Ends every process at once, as a power cut does. */
  killAll(): void {
    for (const task of this.tasksWhere(() => true))
      if (task !== this.initTask) endTask(task, 'signal', 9);
  }

  /** A new terminal, with the lowest free number. */
  openPty(options: PtyOptions): Pty {
    const ptys = (this.ptys ??= []);
    let index = 0;
    while (ptys[index] !== undefined) index++;
    return (ptys[index] = new Pty(this, index, options));
  }

  /** @internal */
  closePty(index: number): void {
    if (this.ptys !== undefined) this.ptys[index] = undefined;
  }

  terminals(): Pty[] {
    return (this.ptys ?? []).filter((pty) => pty !== undefined);
  }

  terminal(index: number): Pty | undefined {
    return this.ptys?.[index];
  }

  /** The task with this pid, init and zombies included. */
  task(pid: number): Task | undefined {
    return pid === 1 ? this.init : this.tasks?.get(pid);
  }

  /** All tasks by pid. */
  allTasks(): Task[] {
    return this.tasksWhere(() => true).sort((a, b) => a.pid - b.pid);
  }

  /** Tasks in order of their start, init first. */
  tasksWhere(predicate: (task: Task) => boolean): Task[] {
    const out = predicate(this.init) ? [this.init] : [];
    for (const task of this.tasks?.values() ?? []) if (predicate(task)) out.push(task);
    return out;
  }

  /** @internal */
  addTask(task: Task): void {
    this.forks++;
    (this.tasks ??= new Map()).set(task.pid, task);
  }

  /** @internal */
  removeTask(task: Task): void {
    this.tasks?.delete(task.pid);
  }

  /** @internal */
  nextPid(): number {
    do {
      this.lastPid = this.lastPid + 1 >= PID_MAX ? FIRST_PID : this.lastPid + 1;
    } while (this.pidInUse(this.lastPid));
    return this.lastPid;
  }

  /** The pid given out last. */
  get newestPid(): number {
    return this.lastPid;
  }

  private pidInUse(pid: number): boolean {
    for (const task of this.tasks?.values() ?? []) {
      if (task.pid === pid || task.pgid === pid || task.sid === pid) return true;
    }
    return false;
  }

  /** @internal */
  nextIno(): number {
    return ++this.lastIno;
  }

  /** @internal */
  reportBug(error: unknown, task: Task): void {
    const { onBug } = this.options;
    if (onBug !== undefined) onBug(error, task);
    else this.engine.at(this.engine.now, rethrow, error);
  }
}

function rethrow(error: unknown): void {
  throw error;
}
