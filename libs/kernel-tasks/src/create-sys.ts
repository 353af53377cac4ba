/**
 * The system-call object of one program image: identity, time, files, processes, and what an upper layer adds.
 *
 * All methods are own properties without `this`, so that a Sys can be spread into another with some of them replaced.
 */
import { KernelError } from '@netloom/base';
import type { Sys, SysFiles, SysIdentity, SysNet, SysProcess, SysTime } from '@netloom/sys';
import type { CallContext } from './call-context.js';
import { fileCalls } from './sys-files.js';
import { identityCalls } from './sys-identity.js';
import { pathCalls } from './sys-paths.js';
import { processCalls } from './sys-process.js';
import { terminalCalls } from './sys-terminal.js';
import { timeCalls } from './sys-time.js';
import type { Task } from './task.js';

/** The part of Sys that needs no network. */
export type TaskSys = SysIdentity & SysTime & SysFiles & SysProcess;

/** Completes a {@link TaskSys}; called while `task.context` is the new image's, which its calls should capture. */
export type ExtendSys = (task: Task, base: TaskSys) => Sys;

export function createTaskSys(task: Task): TaskSys {
  const { context } = task;
  return {
    ...identityCalls(context),
    ...timeCalls(context),
    ...fileCalls(context),
    ...pathCalls(context),
    ...terminalCalls(context),
    ...processCalls(context),
  };
}

/** What a program of this task receives. */
export function createSys(task: Task): Sys {
  const base = createTaskSys(task);
  return task.host.extendSys?.(task, base) ?? { ...base, ...withoutNetwork(task.context) };
}

const NET_CALLS: readonly (keyof SysNet)[] = [
  'socket', 'listen', 'bind', 'shutdown', 'setsockopt', 'getsockopt', 'getsockname', 'getpeername', 'rtnl',
  'rtnlSubscribe', 'sockDiag', 'unshareNet', 'setns', 'netnsBind', 'netnsUnbind',
];
const BLOCKING_NET_CALLS: readonly (keyof SysNet)[] = ['connect', 'accept', 'sendto', 'recvmsg', 'rtnlRecv'];

/** A kernel without networking: every call fails with ENOSYS. */
function withoutNetwork(context: CallContext): SysNet {
  const calls: Partial<Record<keyof SysNet, () => unknown>> = {};
  for (const name of NET_CALLS) {
    calls[name] = () => {
      context.enter();
      throw new KernelError('ENOSYS');
    };
  }
  for (const name of BLOCKING_NET_CALLS) calls[name] = () => Promise.reject(new KernelError('ENOSYS'));
  return calls as unknown as SysNet; // the two lists are complete, and every signature allows throwing
}
