/**
 * The lab behind the port: {@link LabRunner} in this thread, its clock paced, its inputs journalled, its streams bounded.
 *
 * serveRunner or an application → this → Pacer, Lab. The wall clock and the drain come from the application. What a slow
 * consumer does not acknowledge is dropped and counted (output, events, frames, packets), except that a capture may ask
 * the clock to wait for it instead.
 */
import { Engine } from '@netloom/engine';
import { Tracepoints } from '@netloom/kernel-core';
import type { Capture } from './capture.js';
import type { Hardware } from './hardware.js';
import { createHardware } from './hosts.js';
import { EPOCH_SEC } from './epoch.js';
import { Lab } from './lab.js';
import { Pacer, type WallClock } from './pacer.js';
import { RunnerStreams } from './runner-streams.js';
import { checkEventFilter } from './packets.js';
import {
  LabError,
  type BindFile,
  type CaptureDocument,
  type CaptureRequest,
  type CaptureSource,
  type ClockDocument,
  type ClockPatch,
  type CreateRequest,
  type EventSubscription,
  type ExecRequest,
  type ExecResult,
  type JournalEntry,
  type LabDocument,
  type LabInput,
  type LabMessage,
  type LabRunner,
  type LabStatistics,
  type LinkDocument,
  type LinkPatch,
  type NodeDetail,
  type NodeSummary,
  type StartRequest,
  type Topology,
  type TopologyLink,
  type TopologyNode,
} from './port.js';

export interface LocalRunnerOptions {
  readonly wall: WallClock;
  /** Machines and wires; the simulated ones unless a test brings others. */
  readonly hardware?: (engine: Engine, trace: Tracepoints) => Hardware;
}

const DEFAULT_CAPTURE_WINDOW = 8 << 20;
const DEFAULT_FLUSH_MS = 100;
const FLUSH_TICK_MS = 25;

interface Alive {
  readonly id: string;
  readonly seed: number;
  readonly lab: Lab;
  readonly pacer: Pacer;
  readonly engine: Engine;
}

/** A runner that holds its lab itself. */
export function createLabRunner(options: LocalRunnerOptions): LabRunner {
  return new LocalLabRunner(options);
}

class LocalLabRunner implements LabRunner {
  private alive: Alive | undefined;
  private creating = false;
  private failure: string | undefined;
  private readonly listeners = new Set<(message: LabMessage) => void>();
  private readonly streams = new RunnerStreams((message) => this.say(message));
  private readonly flushes = new Map<string, { readonly everyMs: number; lastMs: number }>();
  private readonly counters = { p: 0, c: 0, s: 0, a: 0 };
  private sequence = 0;
  private silent = false;
  private flushing = false;

  constructor(private readonly options: LocalRunnerOptions) {}

  // --- life ------------------------------------------------------------------------------------------------------------

  async create(request: CreateRequest): Promise<LabDocument> {
    if (this.alive !== undefined || this.creating)
      throw new LabError('conflict', 'this runner has a lab already');
    this.creating = true;
    const { wall } = this.options;
    const seed = request.seed ?? 1;
    const engine = new Engine({ seed, drain: () => wall.drain() });
    const trace = new Tracepoints();
    const hardware = (this.options.hardware ?? createHardware)(engine, trace);
    const pacer = new Pacer(engine, wall, (error) => this.died(error));
    const lab = new Lab({
      engine,
      hardware,
      trace,
      topology: request.topology,
      say: (message) => this.hear(message),
      ...(request.files === undefined ? {} : { files: request.files }),
      ...(request.warnings === undefined ? {} : { warnings: request.warnings }),
    });
    this.alive = { id: request.id, seed, lab, pacer, engine };
    try {
      let over = false;
      lab.deploy(() => {
        over = true;
      });
      await pacer.advance(Infinity, () => over);
      await this.replay(request);
    } catch (error) {
      this.died(error instanceof Error ? error : new Error(String(error)));
      throw new LabError('failed', `the lab died while it was made: ${this.failure ?? ''}`);
    }
    pacer.setGate(() => this.fullCapture());
    pacer.setMode(request.clock?.mode ?? 'realtime', request.clock?.rate ?? 1);
    pacer.start();
    return this.document();
  }

  private async replay(request: CreateRequest): Promise<void> {
    const { lab, pacer, engine } = this.lively();
    const entries = request.replay ?? [];
    this.silent = true;
    try {
      for (const entry of entries) {
        await pacer.advance(Math.max(entry.timeNs, engine.now));
        lab.apply(entry.input);
        this.sequence = entry.sequence;
        this.countNames(entry.input);
      }
      const end = request.replayUntilNs ?? entries.at(-1)?.timeNs ?? engine.now;
      await pacer.advance(Math.max(end, engine.now));
    } finally {
      this.silent = false;
    }
  }

  /** Names given out in an earlier run are not given out again. */
  private countNames(input: LabInput): void {
    const later = (key: 'p' | 'a', name: string): void => {
      this.counters[key] = Math.max(this.counters[key], Number(name.slice(1)) || 0);
    };
    if (input.type === 'start') later('p', input.process);
    if (input.type === 'attach') later('a', input.attachment);
  }

  async info(): Promise<LabDocument> {
    return this.document();
  }

  async topology(): Promise<Topology> {
    return this.lively().lab.topology();
  }

  async statistics(): Promise<LabStatistics> {
    return this.lively().lab.statistics();
  }

  async destroy(): Promise<void> {
    const { alive } = this;
    if (alive === undefined) return;
    alive.pacer.stop();
    alive.lab.destroy();
    this.flushNow();
    this.streams.fail('the lab has been destroyed');
    this.failure ??= 'the lab has been destroyed';
  }

  private document(): LabDocument {
    const { alive } = this;
    if (alive === undefined) throw new LabError('not-found', 'there is no lab yet');
    const { id, seed, lab } = alive;
    return {
      id,
      name: lab.name,
      state: lab.state,
      seed,
      clock: this.clockDocument(),
      nodes: lab.nodeSummaries(),
      links: lab.linkDocuments(),
      fingerprint: lab.fingerprint,
      warnings: [...lab.warnings],
      deploy: [...lab.deployResults],
      ...(this.failure === undefined || lab.state !== 'failed' ? {} : { failure: this.failure }),
    };
  }

  private lively(): Alive {
    if (this.failure !== undefined) throw new LabError('failed', this.failure);
    if (this.alive === undefined) throw new LabError('not-found', 'there is no lab yet');
    return this.alive;
  }

  private died(error: Error): void {
    if (this.failure !== undefined) return;
    const at =
      this.alive === undefined ? '' : ` at ${this.alive.engine.now / 1e9} s of virtual time`;
    this.failure = `${error.message}${at}`;
    this.alive?.pacer.stop(this.failure);
    this.alive?.lab.setState('failed', this.failure);
    this.flushNow();
    this.streams.fail(this.failure);
    this.say({ type: 'failed', message: this.failure });
  }

  // --- inputs ----------------------------------------------------------------------------------------------------------

  /** Applies an input at the paced time of now and journals it; `answer` is asked at the same instant. */
  private input<T>(make: () => LabInput, answer: (lab: Lab) => T): Promise<Awaited<T>> {
    const { lab, pacer, engine } = this.lively();
    return pacer.post(() => {
      const input = make();
      lab.apply(input);
      const entry: JournalEntry = { sequence: ++this.sequence, timeNs: engine.now, input };
      this.say({ type: 'journal', entry });
      return answer(lab);
    });
  }

  async addNode(node: TopologyNode, files: readonly BindFile[] = []): Promise<NodeSummary> {
    return this.input(
      () => ({ type: 'add-node', node, files }),
      (lab) => lab.nodeSummary(node.name),
    );
  }

  async removeNode(node: string): Promise<void> {
    await this.input(
      () => ({ type: 'remove-node', node }),
      () => this.flushNow(),
    );
  }

  async addLink(link: TopologyLink): Promise<LinkDocument> {
    return this.input(
      () => ({ type: 'add-link', link }),
      (lab) => lab.linkDocument(),
    );
  }

  async removeLink(link: string): Promise<void> {
    await this.input(
      () => ({ type: 'remove-link', link }),
      () => undefined,
    );
  }

  async patchLink(link: string, patch: LinkPatch): Promise<LinkDocument> {
    return this.input(
      () => ({ type: 'patch-link', link, patch }),
      (lab) => lab.linkDocument(link),
    );
  }

  async node(node: string): Promise<NodeDetail> {
    return this.lively().lab.nodeDetail(node);
  }

  async exec(request: ExecRequest): Promise<ExecResult> {
    const { pacer } = this.lively();
    const { node, command, timeoutNs, stdin, env } = request;
    const release = pacer.want();
    try {
      return await this.input(
        () => {
          const start: StartRequest = {
            node,
            command,
            ...(timeoutNs === undefined ? {} : { timeoutNs }),
            ...(env === undefined ? {} : { env }),
          };
          return {
            type: 'start',
            process: `p${++this.counters.p}`,
            request: stdin === undefined ? start : { ...start, input: stdin },
          };
        },
        () => this.streams.collect(`p${this.counters.p}`, request.outputLimitBytes),
      );
    } finally {
      release();
    }
  }

  async start(request: StartRequest): Promise<{ readonly process: string }> {
    const { pacer } = this.lively();
    const answer = await this.input(
      () => ({ type: 'start', process: `p${++this.counters.p}`, request }),
      () => {
        const process = `p${this.counters.p}`;
        this.streams.openProcess(process, request.windowBytes);
        return { process };
      },
    );
    // A shell that waits for keys is no reason to run as fast as the machine goes.
    if (request.tty === undefined && request.command !== undefined) {
      this.streams.onEnd(answer.process, pacer.want());
    }
    return answer;
  }

  async writeStdin(process: string, data: Uint8Array): Promise<void> {
    await this.input(
      () => ({ type: 'stdin', process, data }),
      () => undefined,
    );
  }

  async closeStdin(process: string): Promise<void> {
    await this.input(
      () => ({ type: 'stdin-end', process }),
      () => undefined,
    );
  }

  async signal(process: string, signal: number): Promise<void> {
    await this.input(
      () => ({ type: 'signal', process, signal }),
      () => undefined,
    );
  }

  async resize(process: string, rows: number, cols: number): Promise<void> {
    await this.input(
      () => ({ type: 'resize', process, rows, cols }),
      () => undefined,
    );
  }

  async readFile(node: string, path: string): Promise<Uint8Array> {
    return this.lively().lab.readFile(node, path);
  }

  async writeFile(node: string, path: string, data: Uint8Array, mode?: number): Promise<void> {
    await this.input(
      () => ({ type: 'write-file', node, path, data, ...(mode === undefined ? {} : { mode }) }),
      () => undefined,
    );
  }

  async attach(source: CaptureSource): Promise<{ readonly attachment: string }> {
    return this.input(
      () => ({ type: 'attach', attachment: `a${++this.counters.a}`, source }),
      () => {
        const attachment = `a${this.counters.a}`;
        this.streams.openAttachment(attachment);
        return { attachment };
      },
    );
  }

  async detach(attachment: string): Promise<void> {
    this.streams.close(attachment);
    await this.input(
      () => ({ type: 'detach', attachment }),
      () => undefined,
    );
  }

  async sendFrame(attachment: string, frame: Uint8Array): Promise<void> {
    await this.input(
      () => ({ type: 'frame', attachment, data: frame }),
      () => undefined,
    );
  }

  // --- captures and events ---------------------------------------------------------------------------------------------

  async startCapture(request: CaptureRequest): Promise<CaptureDocument> {
    const { lab } = this.lively();
    if (request.sources.length === 0) throw new LabError('invalid', 'a capture needs an interface');
    const id = `c${++this.counters.c}`;
    const { sources, filter, snaplen, format, windowBytes, whenFull } = request;
    const settings = {
      id,
      sources,
      windowBytes: windowBytes ?? DEFAULT_CAPTURE_WINDOW,
      whenFull: whenFull ?? ('drop' as const),
      ...(filter === undefined ? {} : { filter }),
      ...(snaplen === undefined ? {} : { snaplen }),
      ...(format === undefined ? {} : { format }),
    };
    const early: Uint8Array[] = [];
    let capture: Capture | undefined = undefined;
    const tell = (data: Uint8Array): void => {
      const droppedPackets = (capture as Capture | undefined)?.droppedPackets ?? 0;
      this.say({ type: 'capture', capture: id, data, droppedPackets });
    };
    capture = lab.startCapture(settings, (chunk) =>
      capture === undefined ? void early.push(chunk) : tell(chunk),
    );
    for (const chunk of early) tell(chunk);
    this.flushes.set(id, {
      everyMs: request.flushMs ?? DEFAULT_FLUSH_MS,
      lastMs: this.options.wall.nowMs(),
    });
    this.keepFlushing();
    return capture.document();
  }

  async stopCapture(id: string): Promise<CaptureDocument> {
    const capture = this.lively().lab.capture(id);
    if (capture.running) {
      capture.stop();
      this.captureEnded(capture);
    }
    return capture.document();
  }

  private captureEnded(capture: Capture): void {
    if (this.flushes.delete(capture.id))
      this.say({ type: 'capture-end', capture: capture.document() });
  }

  async captures(): Promise<readonly CaptureDocument[]> {
    return this.lively()
      .lab.allCaptures()
      .map((capture) => capture.document());
  }

  async subscribe(subscription: EventSubscription): Promise<{ readonly subscription: string }> {
    const { lab } = this.lively();
    if (subscription.filter !== undefined) checkEventFilter(subscription.filter);
    const id = `s${++this.counters.s}`;
    lab.subscribe(id, subscription);
    this.flushes.set(id, { everyMs: FLUSH_TICK_MS, lastMs: 0 });
    this.keepFlushing();
    return { subscription: id };
  }

  async unsubscribe(subscription: string): Promise<void> {
    this.flushes.delete(subscription);
    this.alive?.lab.events.unsubscribe(subscription);
  }

  private fullCapture(): Promise<void> | undefined {
    for (const capture of this.alive?.lab.allCaptures() ?? []) {
      const room = capture.room();
      if (room !== undefined) return room;
    }
    return undefined;
  }

  /** Hands on what has gathered, while anybody listens. */
  private keepFlushing(): void {
    if (this.flushing) return;
    this.flushing = true;
    void (async () => {
      while (this.flushes.size > 0 && this.failure === undefined) {
        await this.options.wall.sleep(FLUSH_TICK_MS);
        this.flushDue(false);
      }
      this.flushing = false;
    })();
  }

  private flushNow(): void {
    this.flushDue(true);
  }

  private flushDue(all: boolean): void {
    const { alive } = this;
    if (alive === undefined) return;
    const now = this.options.wall.nowMs();
    alive.lab.events.flush();
    for (const capture of alive.lab.allCaptures()) {
      const flush = this.flushes.get(capture.id);
      if (flush === undefined) continue;
      if (!capture.running) this.captureEnded(capture);
      else if (all || now - flush.lastMs >= flush.everyMs) {
        flush.lastMs = now;
        capture.flush();
      }
    }
  }

  // --- clock -----------------------------------------------------------------------------------------------------------

  async clock(): Promise<ClockDocument> {
    return this.clockDocument();
  }

  async setClock(patch: ClockPatch): Promise<ClockDocument> {
    const { lab, pacer, engine } = this.lively();
    const rate = patch.rate ?? pacer.rate;
    if (!(rate > 0 && rate <= 1000)) {
      throw new LabError('invalid', 'rate must be above 0 and at most 1000', [
        { path: 'rate', message: 'must be above 0 and at most 1000' },
      ]);
    }
    await pacer.post(() => undefined); // the time up to now passes at the old pace
    pacer.setMode(patch.mode ?? pacer.mode, rate);
    lab.events.publish({ kind: 'clock', timeNs: engine.now, mode: pacer.mode, rate });
    return this.clockDocument();
  }

  async step(byNs: number): Promise<ClockDocument> {
    const { pacer } = this.lively();
    if (pacer.mode !== 'paused') throw new LabError('conflict', 'the clock is not paused');
    if (!(Number.isSafeInteger(byNs) && byNs >= 0))
      throw new LabError('invalid', 'a step is a whole number of nanoseconds');
    await pacer.step(byNs);
    return this.clockDocument();
  }

  private clockDocument(): ClockDocument {
    const { pacer } = this.alive ?? this.lively();
    return {
      mode: pacer.mode,
      rate: pacer.rate,
      nowNs: pacer.nowNs,
      epochSec: EPOCH_SEC,
      lagMs: pacer.lagMs,
    };
  }

  // --- streams -----------------------------------------------------------------------------------------------------------

  ack(stream: string, amount: number): void {
    const { alive } = this;
    if (this.streams.acknowledge(stream, amount) || alive === undefined) return;
    if (alive.lab.events.acknowledge(stream, amount)) return;
    alive.lab
      .allCaptures()
      .find((capture) => capture.id === stream)
      ?.acknowledge(amount);
  }

  onMessage(listener: (message: LabMessage) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** What the lab says; nothing while a replay runs, since it has all been said before. */
  private hear(message: LabMessage): void {
    if (!this.silent) this.streams.hear(message);
  }

  private say(message: LabMessage): void {
    for (const listener of this.listeners) listener(message);
  }
}
