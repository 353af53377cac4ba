/**
 * A netlink socket that listens for rtnetlink's events (`ip monitor`).
 */
import type { Net } from '@netloom/kernel-core';
import { FileDescription } from '@netloom/kernel-tasks';
import { OpenFlag, Poll, type RtnlEvent, type RtnlGroup, type Stat } from '@netloom/sys';

function groupOf(event: RtnlEvent): RtnlGroup {
  if ('link' in event) return 'link';
  if ('mdb' in event) return 'mdb';
  if ('vlan' in event) return 'vlan';
  if ('addr' in event) return 'addr';
  if ('route' in event) return 'route';
  if ('nexthop' in event) return 'nexthop';
  return 'neigh' in event ? 'neigh' : 'rule';
}

/** Events that may wait; later ones are lost, as when a netlink socket's buffer is full. */
const MAX_WAITING = 4096;

export class RtnlDescription extends FileDescription {
  private readonly waiting: RtnlEvent[] = [];
  private readonly listener: (event: RtnlEvent) => void;

  constructor(
    private readonly net: Net,
    groups: readonly RtnlGroup[],
    private readonly ino: number,
  ) {
    super(OpenFlag.O_RDWR);
    this.listener = (event) => {
      if (!groups.includes(groupOf(event)) || this.waiting.length >= MAX_WAITING) return;
      this.waiting.push(event);
      this.queue.wake();
    };
    net.rtnlListeners.add(this.listener);
  }

  /** The next event, undefined when none waits. */
  take(): RtnlEvent | undefined {
    return this.waiting.shift();
  }

  override poll(): number {
    return this.waiting.length > 0 ? Poll.POLLIN | Poll.POLLOUT : Poll.POLLOUT;
  }

  override stat(): Stat {
    return {
      ino: this.ino,
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
    return `socket:[${this.ino}]`;
  }

  protected override release(): void {
    this.net.rtnlListeners.delete(this.listener);
  }
}
