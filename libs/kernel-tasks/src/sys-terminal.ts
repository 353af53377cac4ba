/**
 * System calls on terminals.
 */
import { KernelError } from '@netloom/base';
import type { SysFiles, SysProcess } from '@netloom/sys';
import type { CallContext } from './call-context.js';
import type { Tty } from './tty.js';

type TerminalCalls = Pick<SysFiles, 'isatty' | 'ttySize' | 'ttyRaw'> &
  Pick<SysProcess, 'tcgetpgrp' | 'tcsetpgrp'>;

export function terminalCalls(context: CallContext): TerminalCalls {
  const { task } = context;
  const tty = (fd: number): Tty => {
    context.enter();
    const found = task.fds.get(fd).tty;
    if (found === undefined) throw new KernelError('ENOTTY');
    return found;
  };
  return {
    isatty: (fd) => {
      context.enter();
      return task.fds.find(fd)?.tty !== undefined;
    },
    ttySize: (fd) => tty(fd).size,
    ttyRaw: (fd, on) => tty(fd).setRaw(on),
    tcgetpgrp: (fd) => {
      const found = tty(fd);
      if (task.tty !== found) throw new KernelError('ENOTTY');
      return found.foreground;
    },
    tcsetpgrp: (fd, pgid) => tty(fd).setForeground(task, pgid),
  };
}
