/**
 * The calls that AF_UNIX treats in its own way: names of the file system, descriptors that travel with messages.
 * netCalls → this → UnixSock. Source: net/unix/af_unix.c, net/core/scm.c.
 */
import { Errno, KernelError } from '@netloom/base';
import { raiseSigpipe, type CallContext, type FileDescription } from '@netloom/kernel-tasks';
import { Msg, SOCK_STREAM, type OutgoingMessage, type RecvResult } from '@netloom/sys';
import type { Host } from './host.js';
import type { SocketDescription } from './socket-file.js';
import { unixBind, unixFind, unixTable } from './unix-names.js';
import type { UnixCreds, UnixSock } from './unix-sock.js';

/** Descriptors that one message may carry. */
const SCM_MAX_FD = 253;

function credsOf(context: CallContext): UnixCreds {
  return { pid: context.task.pid, uid: 0, gid: 0 };
}

/** bind(2) of a name. */
export function unixBindCall(host: Host, context: CallContext, sk: UnixSock, path: string): void {
  unixBind(host, context.task, sk, path);
}

/** listen(2): who asks is whom SO_PEERCRED of the others names. */
export function unixListenCall(context: CallContext, sk: UnixSock, backlog: number): number {
  sk.creds = credsOf(context);
  return sk.listen(backlog);
}

/** connect(2) to a name; waits where the listener's backlog is full. */
export function unixConnectCall(
  host: Host,
  context: CallContext,
  desc: SocketDescription,
  path: string,
): Promise<void> {
  const sk = desc.sk as UnixSock;
  sk.creds = credsOf(context);
  const attempt = (): true | undefined => {
    const other = unixFind(host, context.task, sk.net, path);
    const result = sk.connectTo(other);
    if (result === 0) return true;
    if (result !== -Errno.EAGAIN || desc.nonblock) throw new KernelError(-result);
    unixTable(sk.net).waitFor(sk, other);
    return undefined;
  };
  const again = (): true => {
    throw new KernelError('EAGAIN');
  };
  return (
    sk.sndTimeoNs === Infinity
      ? context.wait(desc.queue, attempt)
      : context.wait(desc.queue, attempt, sk.sndTimeoNs, again)
  ).then(() => undefined);
}

/** send(2) and its kin. */
export function unixSendCall(
  host: Host,
  context: CallContext,
  desc: SocketDescription,
  message: OutgoingMessage,
  flags: number,
): Promise<number> {
  const { task } = context;
  const sk = desc.sk as UnixSock;
  const { to, data, control } = message;
  if (to !== undefined && to.family !== 'unix') throw new KernelError('EINVAL');
  const numbers = control?.rights ?? [];
  if (numbers.length > SCM_MAX_FD) throw new KernelError('EINVAL');
  const rights = numbers.map((fd) => task.fds.get(fd));
  const creds = control?.creds ?? credsOf(context);
  const dontwait = desc.nonblock || (flags & Msg.MSG_DONTWAIT) !== 0;
  let done = 0;
  const attempt = (): number | undefined => {
    const target = to === undefined ? undefined : unixFind(host, task, sk.net, to.path);
    for (;;) {
      const piece = done === 0 ? data : data.subarray(done);
      const taken = sk.send(piece, flags, target, done === 0 ? rights : [], creds);
      if (taken === -Errno.EAGAIN) {
        if (dontwait) {
          if (done > 0) return done;
          throw new KernelError('EAGAIN');
        }
        const full = target ?? sk.peer;
        if (full !== null) unixTable(sk.net).waitFor(sk, full);
        return undefined;
      }
      if (taken < 0) {
        if (done > 0) return done;
        if (taken === -Errno.EPIPE && (flags & Msg.MSG_NOSIGNAL) === 0 && sk.type === SOCK_STREAM)
          raiseSigpipe(task);
        throw new KernelError(-taken);
      }
      if (done === 0) for (const right of rights) right.hold();
      done += taken;
      task.host.copies.written += taken;
      if (sk.type !== SOCK_STREAM || done >= data.length) return done;
    }
  };
  const late = (): number => {
    if (done > 0) return done;
    throw new KernelError('EAGAIN');
  };
  return sk.sndTimeoNs === Infinity
    ? context.wait(desc.queue, attempt)
    : context.wait(desc.queue, attempt, sk.sndTimeoNs, late);
}

/** One recvmsg(2) of a socket; undefined where it would block. Descriptors that came along become the caller's. */
export function unixReceive(
  context: CallContext,
  sk: UnixSock,
  count: number,
  flags: number,
): RecvResult | number {
  const got = sk.take(count, flags);
  if (typeof got === 'number') return got;
  const { message, rights } = got;
  if (rights.length === 0) return message;
  return { ...message, ...installRights(context, message, rights, flags) };
}

function installRights(
  context: CallContext,
  message: RecvResult,
  rights: readonly FileDescription[],
  flags: number,
): Pick<RecvResult, 'control' | 'flags'> {
  const numbers: number[] = [];
  let lost = false;
  for (const desc of rights) {
    try {
      numbers.push(context.task.fds.install(desc, (flags & Msg.MSG_CMSG_CLOEXEC) !== 0));
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      lost = true;
    }
    desc.drop();
  }
  return {
    control: { ...message.control, rights: numbers },
    flags: message.flags | (lost ? Msg.MSG_CTRUNC : 0),
  };
}
