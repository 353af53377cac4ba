/**
 * Signals: default actions, handlers, stopping and continuing.
 *
 * kill, a terminal's keys, a broken pipe, a child's end → {@link sendSignal} → end, stop, continue, a handler, nothing.
 * A handler runs as a continuation of its own and interrupts no pending call. A stopped task is frozen at its next
 * system call; what reaches it meanwhile (but SIGKILL and SIGCONT) waits until it continues. Source: signal(7).
 */
import { KernelError } from '@netloom/base';
import { Signal } from '@netloom/sys';
import { endTask, programFailed } from './lifecycle.js';
import type { Task } from './task.js';
import type { TaskHost } from './task-host.js';

/** The highest signal number there is; 32 to 64 are real-time signals, which end a process by default. */
const SIGNAL_MAX = 64;

const IGNORED_BY_DEFAULT: ReadonlySet<number> = new Set([
  Signal.SIGCHLD,
  Signal.SIGURG,
  Signal.SIGWINCH,
  Signal.SIGCONT,
]);
const STOPS: ReadonlySet<number> = new Set([
  Signal.SIGSTOP,
  Signal.SIGTSTP,
  Signal.SIGTTIN,
  Signal.SIGTTOU,
]);

export function checkSignalNumber(signal: number): void {
  if (!Number.isInteger(signal) || signal < 0 || signal > SIGNAL_MAX)
    throw new KernelError('EINVAL');
}

/** Delivers a signal to one task; 0 does nothing. */
export function sendSignal(task: Task, signal: number): void {
  if (task.ended || signal === 0 || task.parent === undefined) return; // init takes none
  if (signal === Signal.SIGKILL) {
    endTask(task, 'signal', signal);
    return;
  }
  if (signal === Signal.SIGCONT) continueTask(task);
  const disposition = task.disposition(signal);
  if (signal === Signal.SIGSTOP || (STOPS.has(signal) && disposition === 'default')) {
    if (signal === Signal.SIGSTOP || !isOrphanedGroup(task.host, task.pgid)) stopTask(task, signal);
    return;
  }
  if (disposition === 'ignore' || (disposition === 'default' && IGNORED_BY_DEFAULT.has(signal)))
    return;
  if (task.stopped) {
    if (!task.pending.includes(signal)) task.pending.push(signal);
    return;
  }
  if (disposition === 'default') endTask(task, 'signal', signal);
  else runHandler(task, disposition, signal);
}

function runHandler(
  task: Task,
  handler: (signal: number) => void | Promise<void>,
  signal: number,
): void {
  const { context } = task;
  const run = async (): Promise<void> => {
    await undefined; // a continuation of its own, never inside the sender's
    if (context.live) await handler(signal);
  };
  run().catch((error: unknown) => programFailed(context, error));
  task.host.engine.wake();
}

function stopTask(task: Task, signal: number): void {
  if (task.stopped) return;
  task.stopped = true;
  task.unreportedStop = signal;
  notifyParent(task);
}

function continueTask(task: Task): void {
  for (let i = task.pending.length - 1; i >= 0; i--) {
    if (STOPS.has(task.pending[i] ?? 0)) task.pending.splice(i, 1);
  }
  if (!task.stopped) return;
  task.stopped = false;
  task.unreportedStop = 0;
  task.context.resume();
  for (const signal of task.pending.splice(0)) sendSignal(task, signal);
}

/** Tells the parent of a child's change: SIGCHLD, and whoever waits. */
export function notifyParent(task: Task): void {
  const { parent } = task;
  if (parent === undefined) return;
  sendSignal(parent, Signal.SIGCHLD);
  parent.childQueue.wake();
}

/** Delivers to every member of a process group. @returns whether there was one */
export function signalGroup(host: TaskHost, pgid: number, signal: number): boolean {
  const members = host.tasksWhere((task) => task.pgid === pgid && task.state !== 'reaped');
  for (const task of members) sendSignal(task, signal);
  return members.length > 0;
}

/** No member has a parent in the same session but another group: nobody is there to continue it. */
export function isOrphanedGroup(host: TaskHost, pgid: number): boolean {
  const members = host.tasksWhere((task) => task.pgid === pgid && !task.ended);
  return !members.some(
    ({ parent, sid }) =>
      parent !== undefined &&
      parent.parent !== undefined &&
      parent.pgid !== pgid &&
      parent.sid === sid,
  );
}

/** Raises SIGPIPE for a write whose reader is gone; the caller then fails it with EPIPE. */
export function raiseSigpipe(task: Task): void {
  sendSignal(task, Signal.SIGPIPE);
}

/** kill(2) as a call of `from`. ESRCH, EINVAL. */
export function killCall(from: Task, pid: number, signal: number): void {
  checkSignalNumber(signal);
  const { host } = from;
  if (pid > 0) {
    const task = host.task(pid);
    if (task === undefined) throw new KernelError('ESRCH');
    sendSignal(task, signal);
  } else if (pid === -1) {
    const others = host.tasksWhere((task) => task !== from && task.parent !== undefined);
    if (others.length === 0) throw new KernelError('ESRCH');
    for (const task of others) sendSignal(task, signal);
  } else if (!signalGroup(host, pid === 0 ? from.pgid : -pid, signal)) {
    throw new KernelError('ESRCH');
  }
}
