/**
 * Virtual time: an integer nanosecond clock that moves from event to event.
 *
 * Everything that simulates schedules itself here; nothing below the applications knows another clock. Programs run as
 * promise continuations: whoever resolves a program's promise calls {@link Engine.wake}, and the engine lets every
 * continuation run until it waits again (`drain`, given by the application) before the next event, so that a program's
 * code takes no virtual time and the order of everything is a function of the inputs alone.
 */
import { InvariantError, RandomStream, WIDE_ZERO } from '@netloom/base';
import { Fingerprint } from './fingerprint.js';
import { TimingWheel, type EventFn } from './timing-wheel.js';

/** Settles once every runnable promise continuation has run (a macrotask turn). */
export type Drain = () => Promise<void>;

export interface EngineOptions {
  /** The seed of every random stream. */
  readonly seed?: number;
  /** How continuations are drained; without it the engine can only run synchronous models. */
  readonly drain?: Drain;
}

export class Engine {
  /** Virtual nanoseconds since the start. */
  now = WIDE_ZERO;
  readonly seed: number;
  readonly fingerprint = new Fingerprint();
  /** Events run so far. */
  events = WIDE_ZERO;

  private readonly wheel = new TimingWheel();
  private readonly drain: Drain | undefined;
  private woken = false;
  private stopping = false;

  constructor(options: EngineOptions = {}) {
    this.now = 0; // stays a double
    this.events = 0;
    this.seed = options.seed ?? 1;
    this.drain = options.drain;
  }

  /** A random stream of its own for one purpose, derived from the seed. */
  stream(purpose: string): RandomStream {
    return new RandomStream(this.seed, purpose);
  }

  /** Runs `fn(target, arg)` at `time` (nanoseconds, not before now); equal times run in the order of these calls. */
  at<T>(time: number, fn: EventFn<T>, target: T, arg = 0): void {
    if (!(time >= this.now))
      throw new InvariantError(`event at ${time} lies before now, ${this.now}`);
    this.wheel.push(time, fn, target, arg);
  }

  /** Runs `fn(target, arg)` after `delay` nanoseconds. */
  after<T>(delay: number, fn: EventFn<T>, target: T, arg = 0): void {
    this.at(this.now + delay, fn, target, arg);
  }

  /** Says that a program's continuation has become runnable. */
  wake(): void {
    this.woken = true;
  }

  /** Makes the current {@link run} or {@link advance} return after the event in progress. */
  stop(): void {
    this.stopping = true;
  }

  /** How many events wait (timers set back lazily count too). */
  get pending(): number {
    return this.wheel.pending;
  }

  /** The next event's time when that is at most `until`, else undefined. */
  nextEventTime(until: number): number | undefined {
    const time = this.wheel.peek();
    return time < 0 || time > until ? undefined : time;
  }

  /**
   * Runs events up to and including `until`, at most `limit` of them, without letting programs run.
   * @returns `'done'` (now is `until`), `'woken'` (continuations must be drained), `'stopped'`, or `'limit'`.
   */
  advance(until: number, limit = Infinity): 'done' | 'woken' | 'stopped' | 'limit' {
    const wheel = this.wheel;
    let left = limit;
    while (!this.woken && !this.stopping && left > 0) {
      const time = wheel.seek(until);
      if (time < 0) {
        if (until > this.now && until !== Infinity) this.now = until;
        return 'done';
      }
      this.now = time;
      do {
        wheel.runDue();
        left--;
      } while (wheel.dueNow && !this.woken && !this.stopping && left > 0);
    }
    this.events += limit === Infinity ? 0 : limit - left;
    if (this.stopping) {
      this.stopping = false;
      return 'stopped';
    }
    return this.woken ? 'woken' : 'limit';
  }

  /** Lets every runnable continuation run until it waits. */
  async settle(): Promise<void> {
    while (this.woken) {
      this.woken = false;
      if (this.drain === undefined)
        throw new InvariantError('programs need an engine with a drain');
      await this.drain();
    }
  }

  /** Runs events and programs up to and including `until`. @returns false when {@link stop} was called. */
  async run(until: number): Promise<boolean> {
    for (;;) {
      await this.settle();
      const outcome = this.advance(until);
      if (outcome === 'stopped') return false;
      if (outcome === 'done' && !this.woken) return true;
    }
  }
}
