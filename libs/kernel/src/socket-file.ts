/**
 * A socket as a file: the description behind a descriptor, which wakes its waiters when the protocol says so.
 * Sys call → SocketDescription → Sock (which never blocks). @kernel net/socket.c
 */
import { Errno, KernelError } from '@netloom/base';
import type { Sock } from '@netloom/kernel-core';
import { FileDescription } from '@netloom/kernel-tasks';
import { OpenFlag, Poll, type Stat } from '@netloom/sys';

/** What may have come true when data, or room, is told of; errors come with either. */
const POLL_READ = Poll.POLLIN | Poll.POLLPRI | Poll.POLLRDHUP | Poll.POLLERR | Poll.POLLHUP;
const POLL_WRITE = Poll.POLLOUT | Poll.POLLERR;

export class SocketDescription extends FileDescription {
  /** @param released runs when the last descriptor is closed */
  constructor(
    readonly sk: Sock,
    private readonly released: () => void = () => undefined,
  ) {
    super(OpenFlag.O_RDWR);
    sk.dataReady = () => {
      this.queue.wake(POLL_READ);
    };
    sk.writeSpace = () => {
      this.queue.wake(POLL_WRITE);
    };
    sk.stateChange = () => {
      this.queue.wake();
    };
  }

  override get readTimeoutNs(): number {
    return this.sk.rcvTimeoNs;
  }

  override get writeTimeoutNs(): number {
    return this.sk.sndTimeoNs;
  }

  override read(count: number): Uint8Array | undefined {
    const result = this.sk.recvmsg(count, 0);
    if (typeof result !== 'number') return result.data;
    if (result === -Errno.EAGAIN) return undefined;
    throw new KernelError(-result);
  }

  override spliceRead(count: number): Uint8Array | undefined {
    return this.sk.spliceStops() ? new Uint8Array(0) : this.read(count);
  }

  override write(data: Uint8Array): number | undefined {
    const taken = this.sk.sendmsg(data, { flags: 0 });
    if (taken >= 0) return taken;
    if (taken === -Errno.EAGAIN) return undefined;
    throw new KernelError(-taken);
  }

  override poll(): number {
    return this.sk.poll();
  }

  override stat(): Stat {
    return {
      ino: this.sk.ino,
      type: 'socket',
      mode: 0o777,
      nlink: 1,
      uid: 0,
      gid: 0,
      size: 0,
      mtimeNs: 0,
    };
  }

  override linkText(): string {
    return `socket:[${this.sk.ino}]`;
  }

  protected override release(): void {
    this.sk.dataReady = null;
    this.sk.writeSpace = null;
    this.sk.stateChange = null;
    this.sk.ino = 0;
    this.sk.release();
    this.released();
  }
}
