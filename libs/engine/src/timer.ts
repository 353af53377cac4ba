/**
 * A restartable timer with a lazy deadline: setting it back only stores the new time, and the queued event re-queues
 * itself when it fires early. A retransmission timer moved on every ACK thus costs one store, and no dead events pile up.
 * Source: the kernel's timer discipline (net/ipv4/tcp_timer.c leaves an early timer running).
 */
import type { Engine } from './engine.js';

export class Timer {
  /** When it will run, in virtual nanoseconds; Infinity when not set. */
  expires = Infinity;
  private queuedAt = Infinity; // the earliest event in the wheel that belongs to this timer

  constructor(
    private readonly engine: Engine,
    private readonly fn: () => void,
    /** Told when an event finds nothing to do: the timer was unset and nothing refers to it any more but its owner. */
    private readonly idle: (() => void) | null = null,
  ) {}

  get pending(): boolean {
    return this.expires !== Infinity;
  }

  /** Sets or moves the deadline (virtual nanoseconds). */
  set(expires: number): void {
    this.expires = expires;
    if (expires < this.queuedAt) this.queue(expires);
  }

  /** Unsets it; an event already queued will find nothing to do. */
  cancel(): void {
    this.expires = Infinity;
  }

  private queue(time: number): void {
    this.queuedAt = time;
    this.engine.at(time, timerEvent, this, time);
  }

  /** @internal */
  fire(time: number): void {
    if (time !== this.queuedAt) return; // an earlier event took over
    this.queuedAt = Infinity;
    if (this.expires === Infinity) {
      if (this.idle !== null) this.idle();
      return;
    }
    if (this.expires > time) {
      this.queue(this.expires);
      return;
    }
    this.expires = Infinity;
    this.fn();
  }
}

function timerEvent(timer: Timer, time: number): void {
  timer.fire(time);
}
