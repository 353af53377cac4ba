/**
 * The life of a task: spawn, exec, end, wait.
 *
 * Spawning takes virtual time before the child's first instruction (costs of {@link TaskHost}); ending closes the
 * descriptors, gives children to init and tells the parent, all at that instant. Source: fork(2), execve(2), exit(2),
 * wait(2), credentials(7) for groups and sessions.
 */
import { KernelError, strerror } from '@netloom/base';
import {
  encodeText,
  Signal,
  type Program,
  type SpawnOptions,
  type Sys,
  type WaitStatus,
} from '@netloom/sys';
import { CallContext, TaskEnded } from './call-context.js';
import { createSys } from './create-sys.js';
import type { Directory } from './directory.js';
import type { FdTable } from './file-description.js';
import { commOf, loadProgram, type LoadedProgram } from './program-file.js';
import { isOrphanedGroup, notifyParent, signalGroup } from './signals.js';
import { Task } from './task.js';

/** What a new task gets, where it is not the parent's. */
export interface NewTask {
  readonly loaded: LoadedProgram;
  readonly env: ReadonlyMap<string, string>;
  readonly cwd: Directory;
  readonly fds: FdTable;
  readonly costNs: number;
}

/** Makes a child of `parent`, to run after its cost. */
export function startTask(parent: Task, spec: NewTask): Task {
  const { host } = parent;
  const { loaded } = spec;
  const task = new Task(host, {
    pid: host.nextPid(),
    parent,
    comm: loaded.comm,
    argv: loaded.argv,
    env: new Map(spec.env),
    cwd: spec.cwd,
    fds: spec.fds,
    net: parent.net,
  });
  task.exePath = loaded.path;
  host.netOps.hold(task.net);
  for (const signal of parent.signalsWith('ignore')) task.setDisposition(signal, 'ignore');
  parent.children.push(task);
  host.addTask(task);
  launch(task, loaded.main, spec.costNs);
  return task;
}

/** spawn of the system-call boundary: fork and execve in one. */
export function spawn(parent: Task, options: SpawnOptions): Task {
  const { host } = parent;
  const { program, argv } = options;
  const cwd = options.cwd === undefined ? parent.cwd : host.vfs.directory(parent, options.cwd);
  const loaded = load(parent, program, argv, parent.comm);
  const group = options.pgid ?? 0;
  if (group < 0) throw new KernelError('EINVAL');
  if (group > 0 && !host.tasksWhere((t) => t.pgid === group && t.sid === parent.sid).length)
    throw new KernelError('EPERM');
  const fds = options.fds === undefined ? parent.fds.inherit() : parent.fds.select(options.fds);
  const costNs = typeof program === 'string' ? host.costs.spawnNs : host.costs.forkNs;
  const task = startTask(parent, { loaded, env: options.env ?? parent.env, cwd, fds, costNs });
  if (options.pgid !== undefined) task.pgid = group === 0 ? task.pid : group;
  for (const signal of options.ignore ?? []) task.setDisposition(signal, 'ignore');
  return task;
}

function load(
  task: Task,
  program: string | Program,
  argv: readonly string[],
  comm: string,
): LoadedProgram {
  if (typeof program === 'string') return loadProgram(task, program, argv);
  return { main: program, argv, comm, path: task.exePath };
}

/** execve: a new program in the same task. Throws as execve does and then changes nothing. */
export function exec(
  task: Task,
  program: string | Program,
  argv: readonly string[],
  env?: ReadonlyMap<string, string>,
): void {
  const { host } = task;
  const loaded = load(task, program, argv, argv[0] === undefined ? task.comm : commOf(argv[0]));
  task.context.end();
  task.context = new CallContext(task);
  task.fds.closeOnExec();
  if (task.ended) return; // closing may have broken a pipe of its own
  task.forgetHandlers();
  task.comm = loaded.comm;
  task.argv = loaded.argv;
  task.exePath = loaded.path;
  if (env !== undefined) task.env = new Map(env);
  launch(task, loaded.main, typeof program === 'string' ? host.costs.spawnNs : host.costs.forkNs);
}

interface Launch {
  readonly context: CallContext;
  readonly main: Program;
  onWake(): void;
}

function launch(task: Task, main: Program, costNs: number): void {
  const { engine } = task.host;
  const { context } = task;
  task.cpuNs += costNs;
  const start: Launch = { context, main, onWake: () => runImage(start) };
  engine.at(engine.now + costNs, runImage, start);
}

function runImage(start: Launch): void {
  const { context } = start;
  const { task } = context;
  if (!context.live) return;
  if (task.stopped) {
    context.defer(start);
    return;
  }
  task.state = 'running';
  void runProgram(context, start.main, createSys(task));
  task.host.engine.wake();
}

async function runProgram(context: CallContext, main: Program, sys: Sys): Promise<void> {
  try {
    const code = await main(sys);
    if (context.live) endTask(context.task, 'exit', code & 255);
  } catch (error) {
    programFailed(context, error);
  }
}

/**
 * An exception that left a program: a KernelError is printed as `name: text` and exits with 1, exhausted stack ends it
 * as SIGSEGV does, everything else is a bug of ours and goes to the application.
 */
export function programFailed(context: CallContext, error: unknown): void {
  const { task } = context;
  if (error instanceof TaskEnded) return;
  if (error instanceof KernelError) {
    if (context.live) void reportAndExit(context, error);
  } else if (error instanceof RangeError && error.message.includes('call stack')) {
    if (context.live) endTask(task, 'signal', Signal.SIGSEGV);
  } else {
    task.host.reportBug(error, task);
    if (context.live) endTask(task, 'signal', Signal.SIGABRT);
  }
}

async function reportAndExit(context: CallContext, error: KernelError): Promise<void> {
  const { task } = context;
  const stderr = task.fds.find(2);
  if (stderr?.writable === true) {
    const text = encodeText(`${commOf(task.argv[0] ?? task.comm)}: ${strerror(error.errno)}\n`);
    try {
      await context.wait(stderr.queue, () => stderr.write(text, task));
    } catch {
      // nobody reads what it says; it exits all the same
    }
  }
  if (context.live) endTask(task, 'exit', 1);
}

/** Ends a task at once: by exit with a code, or by a signal. */
export function endTask(task: Task, kind: 'exit' | 'signal', value: number): void {
  if (task.ended) return;
  const { host } = task;
  task.context.end();
  task.state = 'zombie';
  task.stopped = false;
  const status: WaitStatus = { pid: task.pid, kind, value };
  task.status = status;
  leaveTerminal(task);
  task.fds.closeAll();
  host.netOps.release(task.net);
  task.net = undefined;
  abandonChildren(task);
  const { parent } = task;
  const unattended =
    parent === undefined || parent === host.init || parent.disposition(Signal.SIGCHLD) === 'ignore';
  if (unattended) reap(task);
  task.onExit?.(status);
  if (unattended) parent?.childQueue.wake();
  else notifyParent(task);
}

/** A session leader's end hangs its terminal's foreground group up. */
function leaveTerminal(task: Task): void {
  const { tty, host } = task;
  if (tty === undefined || task.sid !== task.pid) return;
  task.tty = undefined;
  for (const member of host.tasksWhere((t) => t.sid === task.sid)) member.tty = undefined;
  const foreground = tty.disassociate();
  if (foreground > 0) {
    signalGroup(host, foreground, Signal.SIGHUP);
    signalGroup(host, foreground, Signal.SIGCONT);
  }
}

/** Children go to init; groups that nobody can continue any more are hung up. */
function abandonChildren(task: Task): void {
  const { host } = task;
  const groups = new Set<number>();
  for (const child of task.children.splice(0)) {
    child.parent = host.init;
    if (child.ended) {
      child.state = 'reaped';
      host.removeTask(child);
    } else {
      host.init.children.push(child);
      if (child.stopped && child.sid === task.sid && child.pgid !== task.pgid)
        groups.add(child.pgid);
    }
  }
  for (const pgid of groups) {
    if (!isOrphanedGroup(host, pgid)) continue;
    signalGroup(host, pgid, Signal.SIGHUP);
    signalGroup(host, pgid, Signal.SIGCONT);
  }
}

function reap(task: Task): void {
  task.state = 'reaped';
  const siblings = task.parent?.children;
  const at = siblings?.indexOf(task) ?? -1;
  if (at >= 0) siblings?.splice(at, 1);
  task.host.removeTask(task);
}

/** One look of waitpid(2): a status, or undefined where every matching child still runs. ECHILD. */
export function collectChild(task: Task, pid: number, untraced: boolean): WaitStatus | undefined {
  const group = pid === 0 ? task.pgid : -pid;
  const candidates = task.children.filter((child) =>
    pid === -1 ? true : pid > 0 ? child.pid === pid : child.pgid === group,
  );
  if (candidates.length === 0) throw new KernelError('ECHILD');
  for (const child of candidates) {
    if (child.status !== undefined) {
      reap(child);
      return child.status;
    }
    if (untraced && child.unreportedStop > 0) {
      const value = child.unreportedStop;
      child.unreportedStop = 0;
      return { pid: child.pid, kind: 'stop', value };
    }
  }
  return undefined;
}

/** setpgid(2) by `task` on itself or a child. ESRCH, EPERM, EINVAL. */
export function setGroup(task: Task, pid: number, pgid: number): void {
  if (pgid < 0) throw new KernelError('EINVAL');
  const target =
    pid === 0 || pid === task.pid ? task : task.children.find((child) => child.pid === pid);
  if (target === undefined || target.ended) throw new KernelError('ESRCH');
  if (target.sid === target.pid || target.sid !== task.sid) throw new KernelError('EPERM');
  const group = pgid === 0 ? target.pid : pgid;
  const exists = task.host.tasksWhere((t) => t.pgid === group && t.sid === task.sid).length > 0;
  if (group !== target.pid && !exists) throw new KernelError('EPERM');
  target.pgid = group;
}

/** setsid(2): a new session and group, without terminal. EPERM for a group leader. */
export function newSession(task: Task): number {
  if (task.host.tasksWhere((t) => t.pgid === task.pid).length > 0) throw new KernelError('EPERM');
  task.sid = task.pgid = task.pid;
  task.tty = undefined;
  return task.pid;
}
