/**
 * Moves a lab's virtual clock: as fast as possible, paced against the wall clock, or only on request; and lets inputs
 * from outside in, one at a time, at an instant that a replay can name.
 *
 * Caller: local-runner.ts, emulator-backend.ts → this → Engine. An input takes effect when every event up to and
 * including the current time has run and every program waits, so that "run to t, then apply" repeats it exactly. The
 * wall clock is injected; while no one waits for a wall time, results do not depend on it.
 */
import type { Engine } from '@netloom/engine';
import type { ClockMode } from './port.js';

/** The application's clock: the only thing in a lab that knows real time. */
export interface WallClock {
  /** Monotonic, milliseconds. */
  nowMs(): number;
  sleep(ms: number): Promise<void>;
  /** Settles after a macrotask turn, when every promise continuation that could run has run. */
  drain(): Promise<void>;
}

/** Wall milliseconds of events after which others on the thread get a turn. */
const SLICE_MS = 8;
const SLICE_EVENTS = 2000;
/** Being later than this in realtime mode is made up by moving the pace, not by running faster. */
const MAX_LAG_MS = 2000;
/** In fast mode with nobody waiting, this share of the wall time is slept. */
const IDLE_FAST_SLEEP_MS = 20;
/** In fast mode with nothing to happen, time still passes: this much virtual time a wall millisecond. */
const EMPTY_FAST_NS_PER_MS = 100e6;

interface Input {
  readonly apply: () => unknown;
  readonly done: (value: unknown) => void;
  readonly fail: (error: unknown) => void;
}

export class Pacer {
  private currentMode: ClockMode = 'paused';
  private currentRate = 1;
  private readonly inputs: Input[] = [];
  private readonly targets: {
    readonly ns: number;
    readonly done: () => void;
    readonly fail: (error: unknown) => void;
  }[] = [];
  /** Wall and virtual time from which realtime counts. */
  private wallBaseMs: number;
  private virtualBaseNs = 0;
  private lag = 0;
  private wakeUp: (() => void) | undefined;
  private woken = false;
  private running = false;
  private stopped = false;
  private dead: Error | undefined;
  /** Commands that somebody outside waits for: fast mode then takes the whole thread. */
  private wanted = 0;
  private gate: (() => Promise<void> | undefined) | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly wall: WallClock,
    private readonly onFailure: (error: Error) => void = () => undefined,
  ) {
    this.wallBaseMs = wall.nowMs();
  }

  get mode(): ClockMode {
    return this.currentMode;
  }

  get rate(): number {
    return this.currentRate;
  }

  get lagMs(): number {
    return Math.round(this.lag);
  }

  /** Virtual time as the clock shows it: between events it goes on with the wall clock. */
  get nowNs(): number {
    const { now } = this.engine;
    return this.currentMode === 'realtime' && this.running && this.lag === 0
      ? Math.max(now, this.pacedNow())
      : now;
  }

  setMode(mode: ClockMode, rate = this.currentRate): void {
    this.currentMode = mode;
    this.currentRate = rate;
    this.rebase();
    this.poke();
  }

  /** Somebody waits for virtual time to pass, until the returned function is called. */
  want(): () => void {
    this.wanted++;
    this.poke();
    let released = false;
    return () => {
      if (!released) this.wanted--;
      released = true;
    };
  }

  /** Asked between slices; a promise holds the clock until it settles. */
  setGate(gate: () => Promise<void> | undefined): void {
    this.gate = gate;
  }

  /** Applies an input at the paced time of now; the answer is what `apply` returned or resolved to. */
  post<T>(apply: () => T): Promise<Awaited<T>> {
    if (this.dead !== undefined) return Promise.reject(this.dead);
    return new Promise<Awaited<T>>((resolve, reject) => {
      this.inputs.push({ apply, done: resolve as (value: unknown) => void, fail: reject });
      this.poke();
    });
  }

  /** While paused: runs `byNs` of virtual time at full speed. */
  step(byNs: number): Promise<void> {
    if (this.dead !== undefined) return Promise.reject(this.dead);
    const last = this.targets.at(-1)?.ns ?? this.engine.now;
    return new Promise((done, fail) => {
      this.targets.push({ ns: last + byNs, done, fail });
      this.poke();
    });
  }

  /** Starts the loop that moves time by itself and takes inputs. */
  start(): void {
    if (this.running) return;
    this.running = true;
    this.rebase();
    this.loop().catch((error: unknown) => this.die(error));
  }

  /** Ends the loop; what waits is refused. */
  stop(reason = 'the lab has been destroyed'): void {
    this.stopped = true;
    this.refuse(new Error(reason));
    this.poke();
  }

  /**
   * Runs the engine to `until`, or until `over` says so after an event that stopped it. Only while the loop is not
   * running. With the loop's inputs absent, nothing here depends on the wall clock.
   */
  async advance(until: number, over?: () => boolean): Promise<void> {
    const { engine } = this;
    let start = this.wall.nowMs();
    for (;;) {
      await engine.settle();
      if (over?.() === true) return;
      const outcome = engine.advance(until, SLICE_EVENTS);
      if (outcome === 'done') {
        await engine.settle();
        if (engine.nextEventTime(until) === undefined && over?.() !== true) return;
      }
      if (this.wall.nowMs() - start > 50) {
        await this.wall.drain();
        start = this.wall.nowMs();
      }
    }
  }

  private rebase(): void {
    this.wallBaseMs = this.wall.nowMs();
    this.virtualBaseNs = this.engine.now;
  }

  private pacedNow(): number {
    return (
      this.virtualBaseNs +
      Math.floor((this.wall.nowMs() - this.wallBaseMs) * 1e6 * this.currentRate)
    );
  }

  private poke(): void {
    this.woken = true;
    this.wakeUp?.();
  }

  private die(error: unknown): void {
    const failure = error instanceof Error ? error : new Error(String(error));
    this.stopped = true;
    this.refuse(failure);
    this.onFailure(failure);
  }

  private refuse(error: Error): void {
    this.dead = error;
    for (const input of this.inputs.splice(0)) input.fail(error);
    for (const target of this.targets.splice(0)) target.fail(error);
  }

  private async loop(): Promise<void> {
    while (!this.stopped) {
      this.woken = false;
      const hold = this.gate?.();
      if (hold !== undefined) {
        await hold;
        if (this.currentMode === 'realtime') this.rebase();
      }
      if (this.inputs.length > 0) await this.takeInputs();
      else if (this.targets.length > 0) await this.runTarget();
      else if (this.currentMode === 'realtime') await this.runRealtime();
      else if (this.currentMode === 'fast') await this.runFast();
      else await this.nap(Infinity);
    }
  }

  /** Applies the inputs that wait, each at a settled instant. */
  private async takeInputs(): Promise<void> {
    if (this.currentMode === 'realtime') await this.slice(this.pacedNow());
    // Not one input more than there are now: time must be able to move however many keep coming.
    for (const input of this.inputs.splice(0)) {
      await this.engine.run(this.engine.now);
      if (this.dead !== undefined) {
        input.fail(this.dead);
        continue;
      }
      try {
        const value = input.apply();
        await this.engine.settle();
        Promise.resolve(value).then(input.done, input.fail);
      } catch (error) {
        input.fail(error);
      }
    }
    await this.wall.drain();
  }

  /** Runs to `until` for at most a slice of wall time. True when it got there. */
  private async slice(until: number): Promise<boolean> {
    const { engine } = this;
    const end = this.wall.nowMs() + SLICE_MS;
    for (;;) {
      await engine.settle();
      const outcome = engine.advance(until, SLICE_EVENTS);
      if (outcome === 'done') {
        await engine.settle();
        if (engine.nextEventTime(until) === undefined) return true;
      }
      if (this.stopped || this.wall.nowMs() >= end) return false;
    }
  }

  private async runTarget(): Promise<void> {
    const target = this.targets[0];
    if (target === undefined) return;
    if (await this.slice(Math.max(target.ns, this.engine.now))) {
      this.targets.shift();
      target.done();
      this.rebase();
    }
    await this.wall.drain();
  }

  private async runRealtime(): Promise<void> {
    const target = Math.max(this.pacedNow(), this.engine.now);
    const reached = await this.slice(target);
    this.lag = reached ? 0 : (this.pacedNow() - this.engine.now) / 1e6 / this.currentRate;
    if (this.lag > MAX_LAG_MS) this.rebase();
    if (!reached) {
      await this.wall.drain();
      return;
    }
    const horizon = target + 1e9 * this.currentRate;
    const next = this.engine.nextEventTime(horizon) ?? horizon;
    await this.nap(Math.max(0, (next - this.pacedNow()) / 1e6 / this.currentRate));
  }

  private async runFast(): Promise<void> {
    const before = this.engine.now;
    if (this.engine.nextEventTime(before + 3600e9) === undefined) {
      // An empty future: nothing to be fast about.
      await this.nap(10);
      if (!this.woken) await this.slice(before + 10 * EMPTY_FAST_NS_PER_MS);
      return;
    }
    await this.slice(Infinity);
    if (this.wanted > 0) await this.wall.drain();
    else await this.nap(IDLE_FAST_SLEEP_MS);
  }

  /** Sleeps, or less where something comes. */
  private async nap(ms: number): Promise<void> {
    if (this.woken || this.stopped) {
      await this.wall.drain();
      return;
    }
    const poked = new Promise<void>((resolve) => {
      this.wakeUp = resolve;
    });
    await (ms === Infinity ? poked : Promise.race([poked, this.wall.sleep(Math.min(ms, 1000))]));
    this.wakeUp = undefined;
  }
}
