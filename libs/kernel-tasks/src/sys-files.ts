/**
 * System calls on descriptors. Blocking ones repeat the description's operation until it yields.
 */
import { KernelError } from '@netloom/base';
import { OpenFlag, type PollFd, type SysFiles, type SysIo, Poll } from '@netloom/sys';
import type { CallContext } from './call-context.js';
import type { FileDescription } from './file-description.js';
import { FifoNode } from './inode.js';
import { ioCalls } from './sys-io.js';
import { raiseSigpipe } from './signals.js';
import type { Task } from './task.js';

type DescriptorCalls = Pick<
  SysFiles,
  | 'open'
  | 'close'
  | 'read'
  | 'write'
  | 'seek'
  | 'ftruncate'
  | 'dup'
  | 'dup2'
  | 'setCloexec'
  | 'setNonblock'
  | 'pipe'
  | 'poll'
  | 'openFds'
  | 'io'
  | 'fstat'
>;

/** Moving bytes costs a nanosecond for 16 of them. */
const BYTES_PER_NS_SHIFT = 4;

/** Creation mode where the caller gives none. */
const DEFAULT_MODE = 0o666;

export function fileCalls(context: CallContext): DescriptorCalls {
  const { task } = context;
  const { fds, host } = task;
  let io: SysIo | undefined;
  return {
    open: (path, flags, mode = DEFAULT_MODE) => {
      context.enter();
      const desc = host.vfs.open(task, path, flags, mode).hold();
      try {
        return fds.install(desc, (flags & OpenFlag.O_CLOEXEC) !== 0);
      } finally {
        desc.drop();
      }
    },
    close: (fd) => {
      context.enter();
      fds.close(fd);
    },
    read: (fd, count) => settle(context, () => readCall(context, fd, count)),
    write: (fd, data) => settle(context, () => writeCall(context, fd, data)),
    seek: (fd, offset, whence) => {
      context.enter();
      return fds.get(fd).seek(offset, whence);
    },
    ftruncate: (fd, length) => {
      context.enter();
      fds.get(fd).truncate(length, task);
    },
    dup: (fd, atLeast = 0) => {
      context.enter();
      return fds.install(fds.get(fd), false, atLeast);
    },
    dup2: (from, to) => {
      context.enter();
      const desc = fds.get(from);
      if (from !== to) fds.installAt(to, desc);
      return to;
    },
    setCloexec: (fd, on) => {
      context.enter();
      fds.setCloexec(fd, on);
    },
    setNonblock: (fd, on) => {
      context.enter();
      const desc = fds.get(fd);
      desc.flags = on ? desc.flags | OpenFlag.O_NONBLOCK : desc.flags & ~OpenFlag.O_NONBLOCK;
    },
    pipe: () => {
      context.enter();
      const node = new FifoNode(host.nextIno(), 0o600, host.engine.now);
      const readEnd = node.open(task, OpenFlag.O_RDONLY);
      const writeEnd = node.open(task, OpenFlag.O_WRONLY);
      const read = fds.install(readEnd);
      try {
        return [read, fds.install(writeEnd)];
      } catch (error) {
        fds.close(read);
        throw error;
      }
    },
    poll: (list, timeoutNs) => settle(context, () => pollCall(context, list, timeoutNs)),
    io: () => (io ??= ioCalls(context)),
    openFds: () => {
      context.enter();
      return fds.numbers();
    },
    fstat: (fd) => {
      context.enter();
      return fds.get(fd).stat(task);
    },
  };
}

/** Charges a blocking call and turns what it throws into a rejection; calls of an ended image stay pending. */
export function settle<T>(context: CallContext, call: () => Promise<T>): Promise<T> {
  if (!context.live) return new Promise<T>(() => undefined);
  context.enter();
  try {
    return call();
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

function readCall(context: CallContext, fd: number, count: number): Promise<Uint8Array> {
  const { task } = context;
  const desc = task.fds.get(fd);
  if (!desc.readable) throw new KernelError('EBADF');
  const attempt = (): Uint8Array | undefined => {
    if (desc.refs === 0) throw new KernelError('EBADF');
    const data = desc.read(count, task);
    if (data !== undefined) {
      context.charge(data.length >>> BYTES_PER_NS_SHIFT);
      task.host.copies.read += data.length;
    } else if (desc.nonblock && !task.stopped) throw new KernelError('EAGAIN');
    return data;
  };
  const limit = desc.readTimeoutNs;
  return limit === Infinity
    ? context.wait(desc.queue, attempt)
    : context.wait(desc.queue, attempt, limit, timedOut);
}

function writeCall(context: CallContext, fd: number, data: Uint8Array): Promise<number> {
  const { task } = context;
  const desc = task.fds.get(fd);
  if (!desc.writable) throw new KernelError('EBADF');
  let done = 0;
  context.charge(data.length >>> BYTES_PER_NS_SHIFT);
  const attempt = (): number | undefined => {
    if (desc.refs === 0) throw new KernelError('EBADF');
    do {
      const taken = writeOnce(desc, done === 0 ? data : data.subarray(done), task);
      if (taken === undefined) {
        if (!desc.nonblock) return undefined;
        if (done > 0) return done;
        throw new KernelError('EAGAIN');
      }
      done += taken;
      task.host.copies.written += taken;
    } while (done < data.length && context.live);
    return done;
  };
  const limit = desc.writeTimeoutNs;
  return limit === Infinity
    ? context.wait(desc.queue, attempt)
    : context.wait(desc.queue, attempt, limit, () => (done > 0 ? done : timedOut()));
}

/** SO_RCVTIMEO, SO_SNDTIMEO: nothing came in time. */
function timedOut(): never {
  throw new KernelError('EAGAIN');
}

/** One write; a broken pipe raises SIGPIPE too. Undefined where it would block. */
export function writeOnce(desc: FileDescription, data: Uint8Array, task: Task): number | undefined {
  try {
    return desc.write(data, task);
  } catch (error) {
    if (error instanceof KernelError && error.code === 'EPIPE') raiseSigpipe(task);
    throw error;
  }
}

/** Bits reported whether asked for or not. */
const ALWAYS = Poll.POLLERR | Poll.POLLHUP | Poll.POLLNVAL;

function pollCall(
  context: CallContext,
  list: readonly PollFd[],
  timeoutNs: number | undefined,
): Promise<number[]> {
  const { task } = context;
  const descs = list.map(({ fd }) => (fd < 0 ? undefined : task.fds.find(fd)));
  const look = (): number[] =>
    list.map(({ fd, events }, i) => {
      const desc = descs[i];
      if (fd < 0) return 0;
      return desc === undefined || desc.refs === 0
        ? Poll.POLLNVAL
        : desc.poll() & (events | ALWAYS);
    });
  const queues = descs.filter((desc) => desc !== undefined).map((desc) => desc.queue);
  const attempt = (): number[] | undefined => {
    const bits = look();
    return bits.some((b) => b !== 0) ? bits : undefined;
  };
  return context.wait(queues, attempt, timeoutNs, () => list.map(() => 0));
}
