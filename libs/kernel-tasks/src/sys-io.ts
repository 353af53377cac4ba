/**
 * The calls of {@link SysIo}: epoll, eventfd, timerfd, and those that move bytes without a copy through the program.
 * Sources: fs/eventpoll.c, fs/splice.c, sendfile(2), splice(2), tee(2).
 */
import { KernelError } from '@netloom/base';
import { OpenFlag, type SysIo } from '@netloom/sys';
import type { CallContext } from './call-context.js';
import { EpollDescription } from './epoll.js';
import { EventDescription, TimerDescription } from './event-fd.js';
import type { FileDescription } from './file-description.js';
import { RegularDescription } from './open-file.js';
import { PipeEnd } from './pipe.js';
import { settle, writeOnce } from './sys-files.js';
import type { WaitQueue } from './wait-queue.js';

/** Bytes that one step of sendfile and splice moves: what a pipe holds. */
const STEP_BYTES = 65536;

export function ioCalls(context: CallContext): SysIo {
  const { task } = context;
  const { fds, host } = task;
  const epollOf = (fd: number): EpollDescription => {
    const desc = fds.get(fd);
    if (!(desc instanceof EpollDescription)) throw new KernelError('EINVAL');
    return desc;
  };
  const timerOf = (fd: number): TimerDescription => {
    const desc = fds.get(fd);
    if (!(desc instanceof TimerDescription)) throw new KernelError('EINVAL');
    return desc;
  };
  const install = (desc: FileDescription): number => {
    context.enter();
    desc.hold();
    try {
      return fds.install(desc);
    } finally {
      desc.drop();
    }
  };
  return {
    epollCreate: () => install(new EpollDescription()),
    epollCtl: (epfd, op, fd, event) => {
      context.enter();
      const target = fds.get(fd);
      epollOf(epfd).control(op, fd, target, event);
    },
    epollWait: (epfd, count, timeoutNs) =>
      settle(context, () => {
        const epoll = epollOf(epfd);
        if (count <= 0) throw new KernelError('EINVAL');
        return context.wait(
          epoll.queue,
          () => {
            const events = epoll.collect(count);
            return events.length > 0 ? events : undefined;
          },
          timeoutNs,
          () => [],
        );
      }),
    eventfd: (initial, semaphore = false) => install(new EventDescription(initial, semaphore)),
    timerfd: () => install(new TimerDescription(host.engine)),
    timerfdSettime: (fd, valueNs, intervalNs, absolute = false) => {
      context.enter();
      timerOf(fd).set(valueNs, intervalNs, absolute);
    },
    timerfdGettime: (fd) => {
      context.enter();
      return timerOf(fd).get();
    },
    sendfile: (out, input, offset, count) =>
      settle(context, () => sendfile(context, out, input, offset, count)),
    splice: (input, out, count, nonblock = false) =>
      settle(context, () => splice(context, input, out, count, nonblock)),
    tee: (input, out, count, nonblock = false) =>
      settle(context, () => tee(context, input, out, count, nonblock)),
  };
}

function readable(context: CallContext, fd: number): FileDescription {
  const desc = context.task.fds.get(fd);
  if (!desc.readable) throw new KernelError('EBADF');
  return desc;
}

function writable(context: CallContext, fd: number): FileDescription {
  const desc = context.task.fds.get(fd);
  if (!desc.writable) throw new KernelError('EBADF');
  return desc;
}

/** Writes a piece whole, waiting where there is no room; how many bytes went before the output would block or broke. */
function writeWhole(
  context: CallContext,
  out: FileDescription,
  data: Uint8Array,
  nonblock: boolean,
): Promise<number> {
  const { task } = context;
  let done = 0;
  return context.wait(out.queue, () => {
    while (done < data.length) {
      const taken = writeOnce(out, done === 0 ? data : data.subarray(done), task);
      if (taken === undefined) return nonblock || out.nonblock ? done : undefined;
      done += taken;
    }
    return done;
  });
}

async function sendfile(
  context: CallContext,
  outFd: number,
  inputFd: number,
  offset: number | undefined,
  count: number,
): Promise<number> {
  const input = readable(context, inputFd);
  const out = writable(context, outFd);
  if (!(input instanceof RegularDescription)) throw new KernelError('EINVAL');
  if ((out.flags & OpenFlag.O_APPEND) !== 0) throw new KernelError('EINVAL');
  if (count < 0 || (offset ?? 0) < 0) throw new KernelError('EINVAL');
  let position = offset ?? input.seek(0, 'cur');
  let done = 0;
  while (done < count) {
    const piece = input.node.readAt(position, Math.min(STEP_BYTES, count - done));
    if (piece.length === 0) break;
    let moved: number;
    try {
      moved = await writeWhole(context, out, piece, false);
    } catch (error) {
      if (done === 0) throw error;
      break;
    }
    position += moved;
    done += moved;
    context.task.host.copies.moved += moved;
    if (offset === undefined) input.seek(position, 'set');
    if (moved < piece.length) {
      if (done === 0) throw new KernelError('EAGAIN');
      break;
    }
  }
  return done;
}

/** Waits until a description can be read; its bytes, empty at the end. */
function readSome(
  context: CallContext,
  input: FileDescription,
  count: number,
  nonblock: boolean,
): Promise<Uint8Array> {
  return context.wait(input.queue, () => {
    const data = input.spliceRead(count, context.task);
    if (data === undefined && (nonblock || input.nonblock)) throw new KernelError('EAGAIN');
    return data;
  });
}

async function splice(
  context: CallContext,
  inputFd: number,
  outFd: number,
  count: number,
  nonblock: boolean,
): Promise<number> {
  const input = readable(context, inputFd);
  const out = writable(context, outFd);
  if (!(input instanceof PipeEnd) && !(out instanceof PipeEnd)) throw new KernelError('EINVAL');
  if (input instanceof PipeEnd && out instanceof PipeEnd && input.pipe === out.pipe)
    throw new KernelError('EINVAL');
  if ((out.flags & OpenFlag.O_APPEND) !== 0) throw new KernelError('EINVAL');
  if (count <= 0) return 0;
  const room = out instanceof PipeEnd ? await pipeRoom(context, out, nonblock) : STEP_BYTES;
  const piece = await readSome(context, input, Math.min(count, room, STEP_BYTES), nonblock);
  if (piece.length === 0) return 0;
  const moved = await writeWhole(context, out, piece, false);
  context.task.host.copies.moved += moved;
  return moved;
}

/** Waits until a pipe takes bytes; how many. */
function pipeRoom(context: CallContext, out: PipeEnd, nonblock: boolean): Promise<number> {
  return context.wait(out.queue as WaitQueue, () => {
    if (out.pipe.readers === 0 && out.pipe.hadReader) return STEP_BYTES; // the write tells EPIPE
    if (out.pipe.room > 0) return out.pipe.room;
    if (nonblock || out.nonblock) throw new KernelError('EAGAIN');
    return undefined;
  });
}

async function tee(
  context: CallContext,
  inputFd: number,
  outFd: number,
  count: number,
  nonblock: boolean,
): Promise<number> {
  const input = readable(context, inputFd);
  const out = writable(context, outFd);
  if (!(input instanceof PipeEnd) || !(out instanceof PipeEnd) || input.pipe === out.pipe)
    throw new KernelError('EINVAL');
  if (count <= 0) return 0;
  const room = await pipeRoom(context, out, nonblock);
  const { pipe } = input;
  const piece = await context.wait(input.queue, () => {
    if (pipe.buffered > 0) return pipe.peek(Math.min(count, room));
    if (pipe.writers === 0 && pipe.hadWriter) return new Uint8Array(0);
    if (nonblock || input.nonblock) throw new KernelError('EAGAIN');
    return undefined;
  });
  if (piece.length === 0) return 0;
  const moved = await writeWhole(context, out, piece, false);
  context.task.host.copies.moved += moved;
  return moved;
}
