/**
 * Blocking calls of one program image: a call is an attempt that is repeated, at wakes of its queues, until it yields.
 *
 * Sys method → {@link CallContext.wait} → attempt (a description's read, a socket's accept, …). A context lives as long
 * as its image: exit, a fatal signal or exec ends it, and then none of its promises settles any more and synchronous
 * calls throw {@link TaskEnded}, which unwinds whatever continuation was still running. While the task is stopped,
 * due calls are put aside until it continues. Times are virtual nanoseconds.
 */
import { Timer, type Engine } from '@netloom/engine';
import type { Task } from './task.js';
import type { WaitQueue, Waiter } from './wait-queue.js';

/** Unwinds a continuation of a program that has ended; nobody reports it. */
export class TaskEnded extends Error {
  constructor() {
    super('the process has ended');
    this.name = 'TaskEnded';
  }
}

type Queues = WaitQueue | readonly WaitQueue[] | undefined;

export class CallContext {
  live = true;
  private readonly blocked = new Set<BlockedCall<unknown>>();
  private deferred: Waiter[] = [];
  private readonly idleDeadlines: Deadline[] = [];

  constructor(readonly task: Task) {}

  /** True while some call waits and so, as far as ps can tell, the process sleeps. */
  get sleeping(): boolean {
    return this.blocked.size > 0;
  }

  /** The entry of every call: unwinds an ended program and charges the call. */
  enter(): void {
    if (!this.live) throw new TaskEnded();
    this.charge(this.task.host.costs.syscallNs);
  }

  /** Adds CPU time to what the task waits for later; init, which runs nothing, has none. */
  charge(ns: number): void {
    if (this.task.parent !== undefined) this.task.debtNs += ns;
  }

  /**
   * Repeats `attempt` until it returns something other than undefined (or throws) and settles with that.
   * With `timeoutNs`, settles with `onTimeout()` when nothing came by then; 0 tries once.
   */
  wait<T>(
    queues: Queues,
    attempt: () => T | undefined,
    timeoutNs?: number,
    onTimeout?: () => T,
  ): Promise<T> {
    const { task } = this;
    if (this.live && !task.stopped && task.debtNs < task.host.costs.sliceNs) {
      try {
        const value = attempt();
        if (this.live && !task.stopped) {
          if (value !== undefined) return Promise.resolve(value);
          if (timeoutNs !== undefined && timeoutNs <= 0 && onTimeout !== undefined)
            return Promise.resolve(onTimeout());
        } else if (this.live && value !== undefined) {
          return this.block(undefined, () => value);
        }
      } catch (error) {
        if (this.live) return Promise.reject(error as Error);
      }
    }
    if (!this.live) return new Promise<T>(() => undefined);
    return this.block(queues, attempt, timeoutNs, onTimeout);
  }

  private block<T>(
    queues: Queues,
    attempt: () => T | undefined,
    timeoutNs?: number,
    onTimeout?: () => T,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const call = new BlockedCall<T>(this, queues, attempt, onTimeout, resolve, reject);
      this.blocked.add(call as BlockedCall<unknown>);
      call.start(timeoutNs);
    });
  }

  /** @internal */
  finished(call: BlockedCall<unknown>): void {
    this.blocked.delete(call);
  }

  /** @internal a timer that nobody uses: a program that polls again and again keeps one event in the engine */
  takeDeadline(call: BlockedCall<unknown>): Deadline {
    const deadline = this.idleDeadlines.pop() ?? new Deadline(this.task.host.engine);
    deadline.call = call;
    return deadline;
  }

  /** @internal */
  returnDeadline(deadline: Deadline): void {
    deadline.call = undefined;
    deadline.timer.cancel();
    this.idleDeadlines.push(deadline);
  }

  /** Puts a due call aside until the task continues. */
  defer(waiter: Waiter): void {
    if (!this.deferred.includes(waiter)) this.deferred.push(waiter);
  }

  /** Runs what was put aside, in order. */
  resume(): void {
    const due = this.deferred;
    this.deferred = [];
    for (const waiter of due) waiter.onWake(NO_QUEUE, 0);
  }

  /** Ends the image: nothing it waits for ever settles. */
  end(): void {
    this.live = false;
    for (const call of this.blocked) call.cancel();
    this.blocked.clear();
    this.deferred = [];
  }
}

class Deadline {
  call: BlockedCall<unknown> | undefined;
  readonly timer: Timer;

  constructor(engine: Engine) {
    this.timer = new Timer(engine, () => this.call?.expire());
  }
}

class BlockedCall<T> implements Waiter {
  private active = true;
  private timedOut = false;
  private deadline: Deadline | undefined;

  constructor(
    private readonly context: CallContext,
    private readonly queues: Queues,
    private readonly attempt: () => T | undefined,
    private readonly onTimeout: (() => T) | undefined,
    private readonly resolve: (value: T) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  start(timeoutNs: number | undefined): void {
    const { task } = this.context;
    const { engine } = task.host;
    if (timeoutNs !== undefined && timeoutNs !== Infinity) {
      this.deadline = this.context.takeDeadline(this as BlockedCall<unknown>);
      this.deadline.timer.set(engine.now + Math.max(0, Math.round(timeoutNs)));
    }
    if (task.debtNs >= task.host.costs.sliceNs) {
      const { debtNs } = task;
      task.debtNs = 0;
      task.cpuNs += debtNs;
      engine.at(engine.now + debtNs, retryDue, this as BlockedCall<unknown>);
    } else {
      this.enqueue();
    }
  }

  expire(): void {
    this.timedOut = true;
    this.onWake();
  }

  onWake(): void {
    if (!this.active) return;
    if (this.context.task.stopped) {
      this.context.defer(this);
      return;
    }
    let value: T | undefined;
    try {
      value = this.attempt();
      if (value === undefined && this.timedOut && this.active) value = this.onTimeout?.();
    } catch (error) {
      if (this.finish()) this.reject(error as Error);
      return;
    }
    if (value === undefined) {
      if (this.active) this.enqueue();
    } else if (this.finish()) {
      this.resolve(value);
    }
  }

  private enqueue(): void {
    if (this.context.task.stopped) this.context.defer(this);
    else if (Array.isArray(this.queues))
      for (const queue of this.queues as readonly WaitQueue[]) queue.add(this);
    else (this.queues as WaitQueue | undefined)?.add(this);
  }

  private finish(): boolean {
    if (!this.active) return false;
    this.cancel();
    this.context.finished(this as BlockedCall<unknown>);
    this.context.task.host.engine.wake();
    return true;
  }

  cancel(): void {
    this.active = false;
    if (this.deadline !== undefined) this.context.returnDeadline(this.deadline);
    this.deadline = undefined;
    if (Array.isArray(this.queues))
      for (const queue of this.queues as readonly WaitQueue[]) queue.remove(this);
    else (this.queues as WaitQueue | undefined)?.remove(this);
  }
}

function retryDue(call: BlockedCall<unknown>): void {
  call.onWake();
}

const NO_QUEUE = { wake: () => undefined } as unknown as WaitQueue;
