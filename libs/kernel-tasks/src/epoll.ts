/**
 * epoll: registrations of descriptors, and a list of those that became ready since somebody last looked.
 *
 * A description's queue → {@link Registration.onWake} → ready list → epollWait. Level-triggered registrations go back
 * to the end of the list with every report, edge-triggered ones when their queue is woken again, one-shot ones when
 * they are modified. Source: fs/eventpoll.c.
 */
import { KernelError } from '@netloom/base';
import { Epoll, OpenFlag, Poll, type EpollEvent, type EpollOp } from '@netloom/sys';
import { FileDescription } from './file-description.js';
import type { Waiter, WaitQueue } from './wait-queue.js';

/** Bits that a registration always has. */
const ALWAYS = Poll.POLLERR | Poll.POLLHUP;
/** Bits that say how, not what. */
const PRIVATE = Epoll.EPOLLET | Epoll.EPOLLONESHOT | Epoll.EPOLLEXCLUSIVE | Epoll.EPOLLWAKEUP;
/** What EPOLLEXCLUSIVE may come with. */
const EXCLUSIVE_OK =
  Poll.POLLIN | Poll.POLLOUT | ALWAYS | Epoll.EPOLLWAKEUP | Epoll.EPOLLET | Epoll.EPOLLEXCLUSIVE;
/** How deep epoll descriptors may watch each other. */
const MAX_NESTS = 4;

class Registration implements Waiter {
  ready = false;
  active = true;

  constructor(
    readonly owner: EpollDescription,
    readonly desc: FileDescription,
    readonly key: string,
    public events: number,
    public data: number,
  ) {
    desc.queue.add(this);
  }

  /** What holds now of what was asked for. */
  get bits(): number {
    const wanted = this.events & ~PRIVATE;
    return wanted === 0 ? 0 : this.desc.poll() & (wanted | ALWAYS);
  }

  onWake(queue: WaitQueue, events: number): void {
    if (!this.active) return;
    if (this.desc.refs === 0) {
      this.owner.forget(this);
      return;
    }
    queue.add(this);
    const wanted = this.events & ~PRIVATE;
    if (wanted === 0 || (events !== 0 && (events & (wanted | ALWAYS)) === 0)) return;
    if (this.bits !== 0) this.owner.becomesReady(this);
  }

  end(): void {
    this.active = false;
    this.desc.queue.remove(this);
  }
}

export class EpollDescription extends FileDescription {
  private readonly registrations = new Map<string, Registration>();
  private list: Registration[] = [];
  private readonly ids = new Map<FileDescription, number>();

  constructor() {
    super(OpenFlag.O_RDWR);
  }

  private keyOf(fd: number, desc: FileDescription): string {
    let id = this.ids.get(desc);
    if (id === undefined) this.ids.set(desc, (id = this.ids.size));
    return `${fd}/${id}`;
  }

  /** @errno EEXIST, ENOENT, EPERM, EINVAL, ELOOP */
  control(op: EpollOp, fd: number, desc: FileDescription, event: EpollEvent | undefined): void {
    if (desc === this) throw new KernelError('EINVAL');
    const type = desc.origin?.type;
    if (type === 'file' || type === 'dir') throw new KernelError('EPERM');
    const key = this.keyOf(fd, desc);
    const known = this.registrations.get(key);
    if (op === 'del') {
      if (known === undefined) throw new KernelError('ENOENT');
      this.forget(known);
      return;
    }
    if (event === undefined) throw new KernelError('EFAULT');
    const events = event.events >>> 0;
    if ((events & Epoll.EPOLLEXCLUSIVE) !== 0) {
      if (op === 'mod' || (events & ~EXCLUSIVE_OK) !== 0 || desc instanceof EpollDescription)
        throw new KernelError('EINVAL');
    }
    if (op === 'add') {
      if (known !== undefined) throw new KernelError('EEXIST');
      if (desc instanceof EpollDescription && (desc.watches(this) || desc.depth() >= MAX_NESTS))
        throw new KernelError('ELOOP');
      this.registrations.set(
        key,
        this.armed(new Registration(this, desc, key, events, event.data)),
      );
      return;
    }
    if (known === undefined) throw new KernelError('ENOENT');
    if ((known.events & Epoll.EPOLLEXCLUSIVE) !== 0) throw new KernelError('EINVAL');
    known.events = events;
    known.data = event.data;
    this.armed(known);
  }

  private armed(registration: Registration): Registration {
    if (registration.bits !== 0) this.becomesReady(registration);
    return registration;
  }

  private watches(other: EpollDescription): boolean {
    return [...this.registrations.values()].some(
      ({ desc }) => desc === other || (desc instanceof EpollDescription && desc.watches(other)),
    );
  }

  private depth(): number {
    let deepest = 0;
    for (const { desc } of this.registrations.values())
      if (desc instanceof EpollDescription) deepest = Math.max(deepest, desc.depth());
    return deepest + 1;
  }

  becomesReady(registration: Registration): void {
    if (!registration.ready) {
      registration.ready = true;
      this.list.push(registration);
    }
    this.queue.wake(Poll.POLLIN);
  }

  forget(registration: Registration): void {
    registration.end();
    this.registrations.delete(registration.key);
    if (registration.ready) this.list = this.list.filter((other) => other !== registration);
  }

  /** What to report now: at most `count` events, none when nothing holds. */
  collect(count: number): EpollEvent[] {
    const out: EpollEvent[] = [];
    const due = this.list;
    this.list = [];
    const again: Registration[] = [];
    for (const [i, registration] of due.entries()) {
      if (out.length === count) {
        this.list.push(...due.slice(i));
        break;
      }
      registration.ready = false;
      const { bits } = registration;
      if (bits === 0) continue;
      out.push({ events: bits, data: registration.data });
      if ((registration.events & Epoll.EPOLLONESHOT) !== 0) {
        registration.events = registration.events & PRIVATE;
      } else if ((registration.events & Epoll.EPOLLET) === 0) {
        registration.ready = true;
        again.push(registration);
      }
    }
    this.list.push(...again);
    return out;
  }

  override poll(): number {
    return this.list.some((registration) => registration.bits !== 0) ? Poll.POLLIN : 0;
  }

  override linkText(): string {
    return 'anon_inode:[eventpoll]';
  }

  protected override release(): void {
    for (const registration of this.registrations.values()) registration.end();
    this.registrations.clear();
    this.list = [];
  }
}
