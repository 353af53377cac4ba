/**
 * System calls about processes and signals.
 */
import { KernelError } from '@netloom/base';
import { Signal, type SysProcess } from '@netloom/sys';
import { type CallContext, TaskEnded } from './call-context.js';
import { collectChild, endTask, exec, newSession, setGroup, spawn } from './lifecycle.js';
import { checkSignalNumber, killCall } from './signals.js';
import { settle } from './sys-files.js';

type ProcessCalls = Omit<SysProcess, 'tcgetpgrp' | 'tcsetpgrp'>;

function never(): Promise<never> {
  return new Promise<never>(() => undefined);
}

export function processCalls(context: CallContext): ProcessCalls {
  const { task } = context;
  const { host } = task;
  return {
    spawn: (options) => {
      context.enter();
      return spawn(task, options).pid;
    },
    exec: (program, argv, env) =>
      settle(context, () => {
        exec(task, program, argv, env);
        return never();
      }),
    exit: (code) => {
      if (context.live) endTask(task, 'exit', code & 255);
      return never();
    },
    waitpid: (pid, options) =>
      settle(context, () => {
        const untraced = options?.untraced === true;
        if (options?.nohang === true) return Promise.resolve(collectChild(task, pid, untraced));
        return context.wait(task.childQueue, () => collectChild(task, pid, untraced));
      }),
    kill: (pid, signal) => {
      context.enter();
      killCall(task, pid, signal);
      if (!context.live) throw new TaskEnded(); // it hit itself
    },
    signal: (signal, disposition) => {
      context.enter();
      checkSignalNumber(signal);
      if (signal === 0 || signal === Signal.SIGKILL || signal === Signal.SIGSTOP)
        throw new KernelError('EINVAL');
      const old = task.disposition(signal);
      task.setDisposition(signal, disposition);
      return old;
    },
    getpgid: (pid) => {
      context.enter();
      const found = pid === 0 ? task : host.task(pid);
      if (found === undefined) throw new KernelError('ESRCH');
      return found.pgid;
    },
    setpgid: (pid, pgid) => {
      context.enter();
      setGroup(task, pid, pgid);
    },
    setsid: () => {
      context.enter();
      return newSession(task);
    },
  };
}
