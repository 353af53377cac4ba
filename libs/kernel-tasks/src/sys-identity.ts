/**
 * System calls about who and where the process is.
 */
import { KernelError } from '@netloom/base';
import type { SysIdentity } from '@netloom/sys';
import type { CallContext } from './call-context.js';

/** HOST_NAME_MAX. */
const HOST_NAME_MAX = 64;

export function identityCalls(context: CallContext): SysIdentity {
  const { task } = context;
  const { host } = task;
  return {
    pid: task.pid,
    ppid: task.ppid,
    argv: task.argv,
    env: task.env,
    hostname: () => host.hostname,
    sethostname: (name) => {
      context.enter();
      if (name.length > HOST_NAME_MAX) throw new KernelError('EINVAL');
      host.hostname = name;
    },
    uname: () => ({
      sysname: 'Linux',
      nodename: host.hostname,
      release: host.release,
      version: host.version,
      machine: 'x86_64',
    }),
    getuid: () => 0,
    processes: () => {
      context.enter();
      return host.allTasks().map((each) => ({
        pid: each.pid,
        ppid: each.ppid,
        pgid: each.pgid,
        sid: each.sid,
        comm: each.comm,
        argv: each.argv,
        state: each.stateLetter,
        startNs: each.startNs,
        tty: each.tty?.name,
      }));
    },
    nprocs: () => host.nprocs,
  };
}
