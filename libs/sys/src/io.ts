/**
 * System calls about many descriptors at once, and those that move bytes between descriptors inside the kernel.
 * `sys.io()` gives them; few programs want them, so a process makes them on first use.
 */

/** Bits of an epoll registration, beside those of `Poll`. */
export const Epoll = {
  EPOLLEXCLUSIVE: 0x10000000,
  EPOLLWAKEUP: 0x20000000,
  EPOLLONESHOT: 0x40000000,
  EPOLLET: 0x80000000,
} as const;

export interface EpollEvent {
  /** `Poll` bits, and `Epoll` ones in a registration. */
  readonly events: number;
  /** What the registration says, given back with each event. */
  readonly data: number;
}

export type EpollOp = 'add' | 'mod' | 'del';

export interface SysIo {
  epollCreate(): number;
  /** EEXIST, ENOENT, EPERM (a file that is always ready), EINVAL, ELOOP, EBADF. */
  epollCtl(epfd: number, op: EpollOp, fd: number, event?: EpollEvent): void;
  /** At most `count` events; none after `timeoutNs` (undefined waits for ever). */
  epollWait(epfd: number, count: number, timeoutNs?: number): Promise<EpollEvent[]>;
  /** A counter: a read takes it (or, of a semaphore, one), a write adds 8 little-endian bytes. */
  eventfd(initial: number, semaphore?: boolean): number;
  /** A clock that reads as 8 little-endian bytes: how often it expired since the last read. */
  timerfd(): number;
  /** `valueNs` from now (or at that time since boot), then every `intervalNs`; 0 disarms. */
  timerfdSettime(fd: number, valueNs: number, intervalNs: number, absolute?: boolean): void;
  timerfdGettime(fd: number): { readonly valueNs: number; readonly intervalNs: number };
  /** From a file into anything that can be written; without `offset` from the file's position, which moves. */
  sendfile(out: number, input: number, offset: number | undefined, count: number): Promise<number>;
  /** Between a pipe and anything else. 0 at the end of the input. EINVAL where neither is a pipe. */
  splice(input: number, out: number, count: number, nonblock?: boolean): Promise<number>;
  /** Doubles what a pipe holds into another; the first keeps it. */
  tee(input: number, out: number, count: number, nonblock?: boolean): Promise<number>;
}
