/**
 * Wait queues: whoever changes the readiness of something wakes everybody who waits for it.
 *
 * A description, a socket, a task's children → `wake()` → each waiter tries its operation again and queues itself
 * again where it still has to wait. First come, first served; waiters run synchronously, in order.
 */

export interface Waiter {
  /**
   * Called once per wake; the waiter has been taken off `queue` and adds itself again if it must.
   * A waiter removed while a wake is in progress may still be called: it checks for itself.
   */
  onWake(queue: WaitQueue, events: number): void;
}

export class WaitQueue {
  private waiters: Waiter[] | undefined;

  /** True where nobody waits, so that a waker can save itself the preparation. */
  get idle(): boolean {
    return this.waiters === undefined;
  }

  /** Lets every waiter try again. `events`: the poll bits that may have come true, 0 for any. */
  wake(events = 0): void {
    const list = this.waiters;
    if (list === undefined) return;
    this.waiters = undefined;
    for (const waiter of list) waiter.onWake(this, events);
  }

  /** Queues a waiter behind the others; no effect where it already waits here. */
  add(waiter: Waiter): void {
    if (this.waiters === undefined) this.waiters = [waiter];
    else if (!this.waiters.includes(waiter)) this.waiters.push(waiter);
  }

  remove(waiter: Waiter): void {
    const at = this.waiters?.indexOf(waiter) ?? -1;
    if (at < 0 || this.waiters === undefined) return;
    if (this.waiters.length === 1) this.waiters = undefined;
    else this.waiters.splice(at, 1);
  }
}
