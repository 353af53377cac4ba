/**
 * The system-call boundary: everything a program may ask of the simulated kernel, and nothing else.
 *
 * Calls that cannot block are synchronous and throw `KernelError`; calls that may block return promises that settle in
 * virtual time (and reject with `KernelError`). A program must await nothing but these promises: the engine moves the
 * clock as soon as no continuation is left to run. Times are virtual nanoseconds.
 */
import type { DirEntry, PollFd, SeekWhence, Stat, WindowSize } from './file.js';
import type { SysIo } from './io.js';
import type {
  Program,
  ProcessInfo,
  SignalDisposition,
  SpawnOptions,
  WaitStatus,
} from './process.js';
import type {
  Control,
  RecvResult,
  SockAddr,
  SockDiagEntry,
  SockIoctl,
  SockOpt,
  SockOptValue,
} from './socket.js';
import type { Rtnl, RtnlEvent, RtnlGroup, RtnlType } from './rtnetlink.js';

export interface SysIdentity {
  readonly pid: number;
  readonly ppid: number;
  /** `argv[0]` is the program's name as called. */
  readonly argv: readonly string[];
  /** The process's own copy of the environment. */
  readonly env: Map<string, string>;
  hostname(): string;
  sethostname(name: string): void;
  uname(): {
    readonly sysname: string;
    readonly nodename: string;
    readonly release: string;
    readonly version: string;
    readonly machine: string;
  };
  getuid(): number;
  /** All processes of the host, by pid. */
  processes(): ProcessInfo[];
  /** Number of online CPUs. */
  nprocs(): number;
}

export interface SysTime {
  /** CLOCK_MONOTONIC and time since boot, nanoseconds. */
  now(): number;
  /** CLOCK_REALTIME at boot: seconds since 1970 (the calendar is `bootTime() + now()`). */
  bootTime(): number;
  sleep(ns: number): Promise<void>;
  /** Charges CPU time to the process and lets others run: call it in loops that may spin (the shell does, a command). */
  cpu(ns: number): Promise<void>;
  /** An unsigned 32-bit number from the host's seeded stream (getrandom). */
  random(): number;
}

export interface SysFiles {
  open(path: string, flags: number, mode?: number): number;
  close(fd: number): void;
  /** At most `count` bytes; empty means end of file. Blocks on pipes, sockets and terminals (EAGAIN if O_NONBLOCK). */
  read(fd: number, count: number): Promise<Uint8Array>;
  /** Writes everything (a short count only on non-blocking descriptors). EPIPE also raises SIGPIPE. */
  write(fd: number, data: Uint8Array): Promise<number>;
  seek(fd: number, offset: number, whence: SeekWhence): number;
  ftruncate(fd: number, length: number): void;
  dup(fd: number, atLeast?: number): number;
  dup2(from: number, to: number): number;
  setCloexec(fd: number, on: boolean): void;
  setNonblock(fd: number, on: boolean): void;
  /** [read end, write end]. */
  pipe(): [number, number];
  /** Ready event bits in the order of `fds`; all zero after `timeoutNs` (undefined waits for ever, 0 polls). */
  poll(fds: readonly PollFd[], timeoutNs?: number): Promise<number[]>;
  openFds(): number[];
  /** epoll, eventfd, timerfd, sendfile, splice and tee. */
  io(): SysIo;
  stat(path: string): Stat;
  lstat(path: string): Stat;
  fstat(fd: number): Stat;
  /** Entries without `.` and `..`, sorted by name. */
  readdir(path: string): DirEntry[];
  mkdir(path: string, mode?: number): void;
  rmdir(path: string): void;
  unlink(path: string): void;
  rename(from: string, to: string): void;
  symlink(target: string, path: string): void;
  link(from: string, to: string): void;
  readlink(path: string): string;
  mkfifo(path: string, mode?: number): void;
  chmod(path: string, mode: number): void;
  chown(path: string, uid: number, gid: number): void;
  utimes(path: string, mtimeNs: number): void;
  chdir(path: string): void;
  getcwd(): string;
  /** Sets the mask and returns the old one. */
  umask(mask: number): number;
  isatty(fd: number): boolean;
  ttySize(fd: number): WindowSize;
  /** Raw mode: no echo, no line editing, no signals from keys. */
  ttyRaw(fd: number, on: boolean): void;
}

export interface SysProcess {
  /** Starts a child; ENOENT, EACCES or ENOEXEC as execve gives them. */
  spawn(options: SpawnOptions): number;
  /** Replaces this process's program, keeping pid and descriptors; throws as execve, else never settles. */
  exec(
    program: string | Program,
    argv: readonly string[],
    env?: ReadonlyMap<string, string>,
  ): Promise<never>;
  /** Ends the process; the promise never settles: `await` it. */
  exit(code: number): Promise<never>;
  /** Waits for a child (-1: any; < -1: process group). undefined with `nohang` when none is ready. ECHILD. */
  waitpid(
    pid: number,
    options?: { readonly nohang?: boolean; readonly untraced?: boolean },
  ): Promise<WaitStatus | undefined>;
  /** Negative pid: the group. ESRCH, EINVAL. */
  kill(pid: number, signal: number): void;
  /** Sets what a signal does and returns what it did. A pending blocking call is not interrupted by a handler. */
  signal(signal: number, disposition: SignalDisposition): SignalDisposition;
  getpgid(pid: number): number;
  setpgid(pid: number, pgid: number): void;
  setsid(): number;
  /** The terminal's foreground process group. */
  tcgetpgrp(fd: number): number;
  tcsetpgrp(fd: number, pgid: number): void;
}

/** A message of sendmsg(2). */
export interface OutgoingMessage {
  readonly data: Uint8Array;
  readonly to?: SockAddr;
  readonly control?: Control;
}

export interface SysNet {
  /** Types may carry no flags; use setNonblock. EAFNOSUPPORT, EPROTONOSUPPORT, EPERM. */
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, addr: SockAddr): void;
  connect(fd: number, addr: SockAddr): Promise<void>;
  listen(fd: number, backlog: number): void;
  accept(fd: number): Promise<{ readonly fd: number; readonly peer: SockAddr }>;
  /** Number of bytes taken. `to` absent: the connected peer. */
  sendto(fd: number, data: Uint8Array, flags?: number, to?: SockAddr): Promise<number>;
  recvmsg(fd: number, count: number, flags?: number): Promise<RecvResult>;
  /** As sendto, with ancillary data: IP_PKTINFO, IP_TTL, IP_TOS, IP_RETOPTS, UDP_SEGMENT, SCM_RIGHTS, SCM_CREDENTIALS. */
  sendmsg(fd: number, message: OutgoingMessage, flags?: number): Promise<number>;
  /** Bytes taken of each message; stops at the first that fails, which is an error only when it is the first of all. */
  sendmmsg(fd: number, messages: readonly OutgoingMessage[], flags?: number): Promise<number[]>;
  /** At most `count` messages: waits for all of them, for the first (MSG_WAITFORONE), or until `timeoutNs` is over when one comes. */
  recvmmsg(
    fd: number,
    count: number,
    size: number,
    flags?: number,
    timeoutNs?: number,
  ): Promise<RecvResult[]>;
  /** Two connected AF_UNIX sockets. EOPNOTSUPP for other families. */
  socketpair(family: number, type: number, protocol: number): [number, number];
  shutdown(fd: number, how: 'rd' | 'wr' | 'rdwr'): void;
  setsockopt(fd: number, option: SockOpt, value: SockOptValue): void;
  getsockopt(fd: number, option: SockOpt): SockOptValue;
  getsockname(fd: number): SockAddr;
  getpeername(fd: number): SockAddr;
  /**
   * TUNSETIFF on a descriptor of /dev/net/tun: makes a device or attaches to it; '' lets the kernel choose the name.
   * @param flags of {@link TunFlag}. EBADF, EBUSY, EINVAL
   */
  tunSetIff(fd: number, ifname: string, flags: number): string;
  /** TUNSETPERSIST, TUNSETOWNER, TUNSETGROUP, TUNSETCARRIER. EBADFD before tunSetIff. */
  tunSet(fd: number, what: 'persist' | 'owner' | 'group' | 'carrier', value: number): void;
  /** One rtnetlink request in the caller's network namespace. */
  rtnl<T extends RtnlType>(type: T, request: Rtnl[T]['req']): Rtnl[T]['res'];
  /** A descriptor on which rtnlRecv waits for events of these groups. */
  rtnlSubscribe(groups: readonly RtnlGroup[]): number;
  rtnlRecv(fd: number): Promise<RtnlEvent>;
  /** One of the requests that ask a socket for a number. EINVAL, ENOTTY. */
  sockIoctl(fd: number, request: SockIoctl): number;
  /** All sockets of the caller's namespace. */
  sockDiag(types: readonly SockDiagEntry['type'][]): SockDiagEntry[];
  /** unshare(CLONE_NEWNET). */
  unshareNet(): void;
  /** setns(2) on an nsfs descriptor (open of /proc/PID/ns/net or /run/netns/NAME). */
  setns(fd: number): void;
  /** Bind mount of the caller's namespace onto an existing file, and its removal, as `ip netns` does. */
  netnsBind(path: string): void;
  /**
   * Binds the IP sockets that the caller and its children make from now on to a device (0: to none), as the cgroup's
   * program of `ip vrf exec` does; and the device that a process's sockets are bound to.
   */
  socketsBind(ifindex: number): void;
  socketsBound(pid?: number): number;
  netnsUnbind(path: string): void;
}

export interface Sys extends SysIdentity, SysTime, SysFiles, SysProcess, SysNet {}
