/**
 * Open file descriptions and the table of descriptors that name them.
 *
 * Sys call → {@link FdTable} → {@link FileDescription} (regular file, directory, pipe end, terminal, device, and the
 * sockets that an upper layer brings). Operations never block: one that would returns undefined, and the caller repeats
 * it when the description's queue is woken. A description is shared by dup and spawn and ends with its last reference.
 */
import { KernelError } from '@netloom/base';
import { OpenFlag, Poll, type SeekWhence, type Stat } from '@netloom/sys';
import type { Inode } from './inode.js';
import type { Task } from './task.js';
import type { Tty } from './tty.js';
import { WaitQueue } from './wait-queue.js';

/** What open(2) leaves in a description's flags. */
const KEPT_FLAGS = OpenFlag.O_ACCMODE | OpenFlag.O_APPEND | OpenFlag.O_NONBLOCK;

export abstract class FileDescription {
  /** Access mode, O_APPEND, O_NONBLOCK. */
  flags: number;
  /** Descriptors and holders; at zero the description is released. */
  refs = 0;
  /** Woken whenever the description may have become readable, writable, or broken. */
  readonly queue: WaitQueue;
  /** The node it was opened from, by which /proc/PID/fd opens it again. */
  origin: Inode | undefined;
  /** Absolute path it was opened by, '' where it has none. */
  path = '';

  constructor(flags: number, queue = new WaitQueue()) {
    this.flags = flags & KEPT_FLAGS;
    this.queue = queue;
  }

  get readable(): boolean {
    return (this.flags & OpenFlag.O_ACCMODE) !== OpenFlag.O_WRONLY;
  }

  get writable(): boolean {
    return (this.flags & OpenFlag.O_ACCMODE) !== OpenFlag.O_RDONLY;
  }

  get nonblock(): boolean {
    return (this.flags & OpenFlag.O_NONBLOCK) !== 0;
  }

  /** How long a read or write waits at most, nanoseconds; Infinity for ever. */
  get readTimeoutNs(): number {
    return Infinity;
  }

  get writeTimeoutNs(): number {
    return Infinity;
  }

  /** The terminal behind it, if it is one. */
  get tty(): Tty | undefined {
    return undefined;
  }

  /** At most `count` bytes, empty at end of file, undefined where it would block. The bytes are the caller's. */
  read(_count: number, _task: Task): Uint8Array | undefined {
    throw new KernelError('EINVAL');
  }

  /** As read; empty where what waits is not for splice (urgent data). */
  spliceRead(count: number, task: Task): Uint8Array | undefined {
    return this.read(count, task);
  }

  /** How many bytes were taken (the description may keep a reference to them); undefined where it would block. */
  write(_data: Uint8Array, _task: Task): number | undefined {
    throw new KernelError('EINVAL');
  }

  /** All poll(2) bits that hold now. */
  poll(): number {
    return Poll.POLLIN | Poll.POLLOUT;
  }

  seek(_offset: number, _whence: SeekWhence): number {
    throw new KernelError('ESPIPE');
  }

  truncate(_length: number, _task: Task): void {
    throw new KernelError('EINVAL');
  }

  stat(task: Task): Stat {
    if (this.origin === undefined) throw new KernelError('EBADF');
    return this.origin.stat(task);
  }

  /** What readlink of /proc/PID/fd/N shows. */
  linkText(): string {
    return this.path;
  }

  /** Called once, when nobody refers to it any more. */
  protected release(): void {}

  hold(): this {
    this.refs++;
    return this;
  }

  drop(): void {
    if (--this.refs > 0) return;
    this.refs = 0;
    this.release();
    this.queue.wake();
  }
}

interface FdEntry {
  readonly desc: FileDescription;
  cloexec: boolean;
}

/** RLIMIT_NOFILE. */
const FD_LIMIT = 1024;

/** The descriptors of one task. */
export class FdTable {
  private readonly entries: (FdEntry | undefined)[] = [];

  /** EBADF where the number names nothing. */
  get(fd: number): FileDescription {
    return this.entry(fd).desc;
  }

  find(fd: number): FileDescription | undefined {
    return this.entries[fd]?.desc;
  }

  private entry(fd: number): FdEntry {
    const entry = this.entries[fd];
    if (entry === undefined) throw new KernelError('EBADF');
    return entry;
  }

  /** Takes the lowest free number from `atLeast` on. EMFILE. */
  install(desc: FileDescription, cloexec = false, atLeast = 0): number {
    let fd = atLeast;
    while (this.entries[fd] !== undefined) fd++;
    if (fd >= FD_LIMIT) throw new KernelError('EMFILE');
    this.place(fd, desc, cloexec);
    return fd;
  }

  /** Puts a description at exactly `fd`, closing what was there. */
  installAt(fd: number, desc: FileDescription, cloexec = false): void {
    if (fd < 0 || fd >= FD_LIMIT) throw new KernelError('EBADF');
    const old = this.entries[fd];
    this.place(fd, desc, cloexec);
    old?.desc.drop();
  }

  private place(fd: number, desc: FileDescription, cloexec: boolean): void {
    while (this.entries.length < fd) this.entries.push(undefined); // no holes: keep the array dense
    this.entries[fd] = { desc: desc.hold(), cloexec };
  }

  close(fd: number): void {
    const { desc } = this.entry(fd);
    this.entries[fd] = undefined;
    desc.drop();
  }

  setCloexec(fd: number, on: boolean): void {
    this.entry(fd).cloexec = on;
  }

  isCloexec(fd: number): boolean {
    return this.entry(fd).cloexec;
  }

  /** Open numbers, ascending. */
  numbers(): number[] {
    const out: number[] = [];
    this.entries.forEach((entry, fd) => {
      if (entry !== undefined) out.push(fd);
    });
    return out;
  }

  /** A child's table: everything without close-on-exec. */
  inherit(): FdTable {
    const child = new FdTable();
    this.entries.forEach((entry, fd) => {
      if (entry !== undefined && !entry.cloexec) child.place(fd, entry.desc, false);
    });
    return child;
  }

  /** A child's table by an explicit map of its numbers to ours. EBADF. */
  select(map: ReadonlyMap<number, number>): FdTable {
    const chosen = [...map].map(([to, from]) => [to, this.get(from)] as const);
    const child = new FdTable();
    for (const [to, desc] of chosen) child.installAt(to, desc);
    return child;
  }

  closeOnExec(): void {
    this.entries.forEach((entry, fd) => {
      if (entry?.cloexec === true) this.close(fd);
    });
  }

  closeAll(): void {
    for (let fd = 0; fd < this.entries.length; fd++) {
      if (this.entries[fd] !== undefined) this.close(fd);
    }
    this.entries.length = 0;
  }
}
