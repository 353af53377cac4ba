/**
 * The network half of the system calls, for one task. Blocking calls repeat the socket's operation when it wakes.
 * Sources: net/socket.c, socket(7); texts and numbers of errors are the kernel's.
 */
import { Errno, KernelError } from '@netloom/base';
import { type Net, type SendOptions, type Sock } from '@netloom/kernel-core';
import { NsfsDescription, raiseSigpipe, settle, type CallContext } from '@netloom/kernel-tasks';
import {
  AF_INET,
  AF_INET6,
  Msg,
  Poll,
  SOCK_STREAM,
  type OutgoingMessage,
  type RecvResult,
  type SockDiagEntry,
  type SysNet,
} from '@netloom/sys';
import { TunFile } from '@netloom/kernel-tunnels';
import type { Host } from './host.js';
import { rtnlRequest } from './rtnl.js';
import { RtnlDescription } from './rtnl-events.js';
import { SocketDescription } from './socket-file.js';
import {
  unixBindCall,
  unixConnectCall,
  unixListenCall,
  unixReceive,
  unixSendCall,
} from './unix-calls.js';
import { UnixSock } from './unix-sock.js';

function check(result: number): void {
  if (result < 0) throw new KernelError(-result);
}

/** UIO_MAXIOV: messages of one sendmmsg or recvmmsg. */
const MMSG_MAX = 1024;

/** What a call answers when its socket's time limit is over: what is there by then, or an error. */
function late<T>(error: 'EAGAIN' | 'EINPROGRESS', partly?: () => T | undefined): () => T {
  return () => {
    const value = partly?.();
    if (value === undefined) throw new KernelError(error);
    return value;
  };
}

/** The calls of {@link SysNet} for the image that `context` stands for. */
export function netCalls(host: Host, context: CallContext): SysNet {
  const { task } = context;
  const net = (): Net => task.net as Net;

  const socketOf = (fd: number): SocketDescription => {
    const desc = task.fds.get(fd);
    if (!(desc instanceof SocketDescription)) throw new KernelError('ENOTSOCK');
    return desc;
  };
  const tunOf = (fd: number): TunFile => {
    const desc = task.fds.get(fd);
    if (!(desc instanceof TunFile)) throw new KernelError('ENOTTY');
    return desc;
  };
  const sockOf = (fd: number): Sock => {
    context.enter();
    return socketOf(fd).sk;
  };
  const install = (sk: Sock): number => {
    sk.ino = host.nextSocketIno();
    const { netOps } = host.tasks;
    netOps.hold(sk.net); // a namespace lives as long as its sockets
    const desc = new SocketDescription(sk, () => {
      netOps.release(sk.net);
    }).hold();
    try {
      return task.fds.install(desc);
    } finally {
      desc.drop();
    }
  };

  const send = (fd: number, message: OutgoingMessage, flags: number): Promise<number> => {
    const desc = socketOf(fd);
    if (desc.sk instanceof UnixSock) return unixSendCall(host, context, desc, message, flags);
    const { data, ...rest } = message;
    const options: SendOptions = { flags, ...rest };
    const dontwait = desc.nonblock || (flags & Msg.MSG_DONTWAIT) !== 0;
    const spared = (flags & Msg.MSG_ZEROCOPY) !== 0 && desc.sk.zerocopy ? 'moved' : 'written';
    let done = 0;
    return context.wait(
      desc.queue,
      () => {
        for (;;) {
          const taken = desc.sk.sendmsg(done === 0 ? data : data.subarray(done), options);
          if (taken === -Errno.EAGAIN) {
            if (!dontwait) return undefined;
            if (done > 0) return done;
          }
          if (taken < 0) {
            if (done > 0) return done;
            if (
              taken === -Errno.EPIPE &&
              (flags & Msg.MSG_NOSIGNAL) === 0 &&
              desc.sk.type === SOCK_STREAM
            )
              raiseSigpipe(task);
            throw new KernelError(-taken);
          }
          done += taken;
          host.tasks.copies[spared] += taken;
          if (desc.sk.type !== SOCK_STREAM || done >= data.length) return done;
        }
      },
      desc.sk.sndTimeoNs,
      late('EAGAIN', () => (done > 0 ? done : undefined)),
    );
  };
  const receive = (fd: number, count: number, flags: number): Promise<RecvResult> => {
    const desc = socketOf(fd);
    const { sk } = desc;
    const dontwait = desc.nonblock || (flags & (Msg.MSG_DONTWAIT | Msg.MSG_ERRQUEUE)) !== 0;
    const whole =
      (flags & Msg.MSG_WAITALL) !== 0 && sk.type === SOCK_STREAM ? new WholeMessage(count) : null;
    return context.wait(
      desc.queue,
      () => {
        for (;;) {
          const wanted = whole === null ? count : whole.missing;
          const result =
            sk instanceof UnixSock
              ? unixReceive(context, sk, wanted, flags)
              : sk.recvmsg(wanted, flags);
          if (typeof result === 'number') {
            if (whole !== null && whole.length > 0 && (result !== -Errno.EAGAIN || dontwait))
              return whole.result();
            if (result === -Errno.EAGAIN && !dontwait) return undefined;
            throw new KernelError(-result);
          }
          host.tasks.copies.read += result.data.length;
          if (whole === null) return result;
          whole.add(result);
          if (whole.missing === 0 || result.data.length === 0 || (flags & Msg.MSG_PEEK) !== 0)
            return whole.result();
        }
      },
      sk.rcvTimeoNs,
      late('EAGAIN', () => (whole !== null && whole.length > 0 ? whole.result() : undefined)),
    );
  };

  return {
    socket: (family, type, protocol) => {
      context.enter();
      const sk = host.kernel.modules.createSock(net(), family, type, protocol);
      if (task.socketDev !== 0 && (family === AF_INET || family === AF_INET6))
        sk.boundDev = task.socketDev;
      return install(sk);
    },
    bind: (fd, addr) => {
      const sk = sockOf(fd);
      if (sk instanceof UnixSock && addr.family === 'unix')
        unixBindCall(host, context, sk, addr.path);
      else check(sk.bind(addr));
    },
    socketpair: (family, type, protocol) => {
      context.enter();
      const make = (): Sock => host.kernel.modules.createSock(net(), family, type, protocol);
      const first = make();
      if (!(first instanceof UnixSock)) {
        first.release();
        throw new KernelError('EOPNOTSUPP');
      }
      const second = make() as UnixSock;
      UnixSock.join(first, second, { pid: task.pid, uid: 0, gid: 0 });
      const fd = install(first);
      try {
        return [fd, install(second)];
      } catch (error) {
        task.fds.close(fd);
        throw error;
      }
    },
    connect: (fd, addr) =>
      settle(context, () => {
        const desc = socketOf(fd);
        if (desc.sk instanceof UnixSock && addr.family === 'unix')
          return unixConnectCall(host, context, desc, addr.path);
        const started = desc.sk.connect(addr);
        if (started !== -Errno.EINPROGRESS || desc.nonblock) {
          check(started);
          return Promise.resolve();
        }
        return context
          .wait(
            desc.queue,
            () => {
              if ((desc.sk.poll() & (Poll.POLLOUT | Poll.POLLERR | Poll.POLLHUP)) === 0)
                return undefined;
              const error = Number(desc.sk.getsockopt('SO_ERROR') ?? 0);
              if (error !== 0) throw new KernelError(error);
              return true;
            },
            desc.sk.sndTimeoNs,
            late('EINPROGRESS'),
          )
          .then(() => undefined);
      }),
    listen: (fd, backlog) => {
      const sk = sockOf(fd);
      check(sk instanceof UnixSock ? unixListenCall(context, sk, backlog) : sk.listen(backlog));
    },
    accept: (fd) =>
      settle(context, () => {
        const desc = socketOf(fd);
        return context.wait(
          desc.queue,
          () => {
            const sk = desc.sk.accept();
            if (typeof sk === 'number') throw new KernelError(-sk);
            if (sk === null) {
              if (desc.nonblock) throw new KernelError('EAGAIN');
              return undefined;
            }
            const peer = sk.getname(true);
            return {
              fd: install(sk),
              peer: typeof peer === 'number' ? { family: 'unspec' as const } : peer,
            };
          },
          desc.sk.rcvTimeoNs,
          late('EAGAIN'),
        );
      }),
    sendto: (fd, data, flags = 0, to) =>
      settle(context, () => send(fd, to === undefined ? { data } : { data, to }, flags)),
    sendmsg: (fd, message, flags = 0) => settle(context, () => send(fd, message, flags)),
    sendmmsg: (fd, messages, flags = 0) =>
      settle(context, async () => {
        const taken: number[] = [];
        for (const message of messages.slice(0, MMSG_MAX)) {
          try {
            taken.push(await send(fd, message, flags));
          } catch (error) {
            if (taken.length === 0) throw error;
            break;
          }
        }
        return taken;
      }),
    recvmmsg: (fd, count, size, flags = 0, timeoutNs) =>
      settle(context, async () => {
        const { engine } = host.tasks;
        const deadline = timeoutNs === undefined ? Infinity : engine.now + timeoutNs;
        const got: RecvResult[] = [];
        let how = flags;
        while (got.length < Math.min(count, MMSG_MAX)) {
          try {
            got.push(await receive(fd, size, how));
          } catch (error) {
            if (got.length === 0) throw error;
            break;
          }
          if ((flags & Msg.MSG_WAITFORONE) !== 0) how |= Msg.MSG_DONTWAIT;
          if (engine.now >= deadline) break;
        }
        return got;
      }),
    recvmsg: (fd, count, flags = 0) => settle(context, () => receive(fd, count, flags)),
    shutdown: (fd, how) => {
      check(sockOf(fd).shutdown(how === 'rd' ? 1 : how === 'wr' ? 2 : 3));
    },
    setsockopt: (fd, option, value) => {
      check(sockOf(fd).setsockopt(option, value));
    },
    getsockopt: (fd, option) => {
      const value = sockOf(fd).getsockopt(option);
      if (value === undefined) throw new KernelError('ENOPROTOOPT');
      if (typeof value === 'number' && value < 0 && option === 'IP_MTU')
        throw new KernelError(-value);
      return value;
    },
    getsockname: (fd) => {
      const name = sockOf(fd).getname(false);
      if (typeof name === 'number') throw new KernelError(-name);
      return name;
    },
    sockIoctl: (fd, request) => {
      const value = sockOf(fd).ioctl(request);
      check(value);
      return value;
    },
    getpeername: (fd) => {
      const name = sockOf(fd).getname(true);
      if (typeof name === 'number') throw new KernelError(-name);
      return name;
    },
    tunSetIff: (fd, ifname, flags) => {
      context.enter();
      return tunOf(fd).setIff(ifname, flags);
    },
    tunSet: (fd, what, value) => {
      context.enter();
      tunOf(fd).set(what, value);
    },
    rtnl: (type, request) => {
      context.enter();
      return rtnlRequest(host, task, type, request);
    },
    rtnlSubscribe: (groups) => {
      context.enter();
      return task.fds.install(new RtnlDescription(net(), groups, host.nextSocketIno()));
    },
    rtnlRecv: (fd) =>
      settle(context, () => {
        const desc = task.fds.get(fd);
        if (!(desc instanceof RtnlDescription)) throw new KernelError('ENOTSOCK');
        return context.wait(desc.queue, () => desc.take());
      }),
    sockDiag: (types) => {
      context.enter();
      const users = socketUsers(host);
      return types.flatMap((type) =>
        [...host.kernel.modules.sockDiag(type, net())].map((source) => ({
          ...source.diag(),
          ino: source.ino,
          users: users.get(source.ino) ?? [],
        })),
      );
    },
    socketsBind: (ifindex) => {
      context.enter();
      task.socketDev = ifindex;
    },
    socketsBound: (pid) => {
      context.enter();
      const other = pid === undefined ? task : host.tasks.task(pid);
      if (other === undefined) throw new KernelError('ESRCH');
      return other.socketDev;
    },
    unshareNet: () => {
      context.enter();
      task.switchNet(host.kernel.createNet());
    },
    setns: (fd) => {
      context.enter();
      const desc = task.fds.get(fd);
      if (!(desc instanceof NsfsDescription)) throw new KernelError('EINVAL');
      task.switchNet(desc.namespace);
    },
    netnsBind: (path) => {
      context.enter();
      host.tasks.vfs.bindNamespace(task, path, task.net);
    },
    netnsUnbind: (path) => {
      context.enter();
      host.tasks.vfs.unbindNamespace(task, path);
    },
  };
}

/** Which processes hold which socket, by inode. */
function socketUsers(host: Host): Map<number, SockDiagEntry['users'][number][]> {
  const users = new Map<number, SockDiagEntry['users'][number][]>();
  for (const task of host.tasks.allTasks()) {
    for (const fd of task.fds.numbers()) {
      const desc = task.fds.find(fd);
      if (!(desc instanceof SocketDescription)) continue;
      const list = users.get(desc.sk.ino) ?? [];
      list.push({ comm: task.comm, pid: task.pid, fd });
      users.set(desc.sk.ino, list);
    }
  }
  return users;
}

/** MSG_WAITALL: collects until the whole length is there. */
class WholeMessage {
  length = 0;
  private last: RecvResult | undefined;
  private readonly bytes: Uint8Array;

  constructor(count: number) {
    this.bytes = new Uint8Array(count);
  }

  get missing(): number {
    return this.bytes.length - this.length;
  }

  add(result: RecvResult): void {
    this.bytes.set(result.data, this.length);
    this.length += result.data.length;
    this.last = result;
  }

  result(): RecvResult {
    return {
      from: { family: 'unspec' },
      flags: 0,
      control: {},
      ...this.last,
      data: this.bytes.subarray(0, this.length),
      length: this.length,
    };
  }
}
