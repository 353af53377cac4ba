/**
 * Scenarios on the emulator: a lab in this thread whose clock moves only as far as a step needs.
 *
 * runScenario → this → Lab. Times are virtual, so that an hour is a moment and every run of the same scenario and seed
 * gives the same output, packets and fingerprint on any machine.
 */
import { Engine } from '@netloom/engine';
import { Tracepoints } from '@netloom/kernel-core';
import { joinBytes } from './bytes.js';
import type { Capture } from './capture.js';
import type { Hardware } from './hardware.js';
import { createHardware } from './hosts.js';
import { Lab } from './lab.js';
import { Pacer, type WallClock } from './pacer.js';
import { printCapture } from './packets.js';
import { LabError, type BindFile, type Topology } from './port.js';
import { SIGNALS, type SignalName } from './scenario.js';
import type { CommandOutcome, ReadOutcome, ScenarioBackend } from './scenario-runner.js';

/** A line that has no timeout of its own. */
const EXEC_LIMIT_NS = 2 * 3600e9;
/** What a background command gets to start in, and a capture to see what is under way: as on a real kernel. */
const SETTLE_NS = 300e6;
const EXIT_TIMEOUT = 124;
/** Real time after which a command is given up: a loop that spins takes long to spend two hours of virtual time. */
const WALL_LIMIT_MS = 300_000;

export interface EmulatorOptions {
  readonly wall: WallClock;
  /** The files behind a topology's binds. */
  readonly loadFiles?: (topology: Topology) => readonly BindFile[];
  readonly hardware?: (engine: Engine, trace: Tracepoints) => Hardware;
}

interface Job {
  readonly output: Uint8Array[];
  readonly errors: Uint8Array[];
  exitCode: number | undefined;
}

interface Running {
  readonly engine: Engine;
  readonly lab: Lab;
  readonly pacer: Pacer;
}

export class EmulatorBackend implements ScenarioBackend {
  readonly name = 'emulator';
  /** Over everything that happened; of the last run once it is down. */
  fingerprint = '';
  private running: Running | undefined;
  private readonly jobs = new Map<string, Job>();
  /** The process behind a background name. */
  private readonly background = new Map<string, string>();
  private readonly captures = new Map<
    string,
    { readonly capture: Capture; readonly chunks: Uint8Array[] }
  >();
  private count = 0;

  constructor(private readonly options: EmulatorOptions) {}

  async up(topology: Topology, seed: number): Promise<readonly string[]> {
    const { wall, loadFiles, hardware } = this.options;
    const engine = new Engine({ seed, drain: () => wall.drain() });
    const trace = new Tracepoints();
    const files = loadFiles?.(topology) ?? [];
    const lab = new Lab({
      engine,
      trace,
      hardware: (hardware ?? createHardware)(engine, trace),
      topology,
      files,
      say: (message) => {
        if (message.type === 'output') {
          const job = this.jobs.get(message.process);
          (message.stream === 'stdout' ? job?.output : job?.errors)?.push(message.data.slice());
        } else if (message.type === 'exit') {
          const job = this.jobs.get(message.process);
          if (job !== undefined) job.exitCode = message.exitCode;
        }
      },
    });
    this.running = { engine, lab, pacer: new Pacer(engine, wall) };
    this.built(topology);
    let over = false;
    lab.deploy(() => {
      over = true;
    });
    await this.running.pacer.advance(Infinity, () => over);
    return [...lab.warnings];
  }

  /** Hosts and wires stand, no command has run yet. */
  protected built(_topology: Topology): void {}

  get isUp(): boolean {
    return this.running !== undefined;
  }

  /** The lab, for what a scenario has no step for. */
  get lab(): Lab {
    return this.current().lab;
  }

  async exec(
    node: string,
    command: string,
    timeoutNs: number | undefined,
  ): Promise<CommandOutcome> {
    const id = await this.start(node, command);
    return this.end(id, timeoutNs ?? EXEC_LIMIT_NS);
  }

  async startBackground(name: string, node: string, command: string): Promise<void> {
    this.background.set(name, await this.start(node, command));
    await this.sleep(SETTLE_NS);
  }

  async wait(name: string, timeoutNs: number): Promise<CommandOutcome> {
    return this.end(this.processOf(name), timeoutNs);
  }

  async kill(name: string, signal: SignalName): Promise<void> {
    const process = this.processOf(name);
    await this.settled();
    this.current().lab.apply({ type: 'signal', process, signal: SIGNALS[signal] });
  }

  async sleep(ns: number): Promise<void> {
    const { engine, pacer } = this.current();
    await pacer.advance(engine.now + ns);
  }

  now(): number {
    return this.running?.engine.now ?? 0;
  }

  async startCapture(
    name: string,
    node: string,
    interfaceName: string,
    filter: string | undefined,
  ): Promise<void> {
    await this.settled();
    const chunks: Uint8Array[] = [];
    const capture = this.current().lab.startCapture(
      {
        id: name,
        sources: [{ node, interface: interfaceName }],
        ...(filter === undefined ? {} : { filter }),
      },
      (chunk) => void chunks.push(chunk),
    );
    this.captures.set(name, { capture, chunks });
  }

  async stopCapture(name: string): Promise<void> {
    const { capture } = this.captured(name);
    await this.sleep(SETTLE_NS);
    capture.stop();
  }

  async readCapture(name: string, filter: string | undefined): Promise<ReadOutcome> {
    const { capture, chunks } = this.captured(name);
    capture.flush();
    return printCapture(joinBytes(chunks), filter);
  }

  async down(): Promise<void> {
    const { running } = this;
    if (running === undefined) return;
    this.fingerprint = running.lab.fingerprint;
    running.lab.destroy();
    this.running = undefined;
  }

  private async start(node: string, command: string): Promise<string> {
    await this.settled();
    const id = `p${++this.count}`;
    this.jobs.set(id, { output: [], errors: [], exitCode: undefined });
    this.current().lab.apply({ type: 'start', process: id, request: { node, command } });
    return id;
  }

  /** Runs until a process has ended; kills it when its time is over. */
  private async end(id: string, timeoutNs: number): Promise<CommandOutcome> {
    const { engine, pacer, lab } = this.current();
    const job = this.jobs.get(id);
    if (job === undefined) throw new LabError('not-found', `no process "${id}"`);
    const ended = (): boolean => job.exitCode !== undefined;
    const { wall } = this.options;
    const deadline = wall.nowMs() + WALL_LIMIT_MS;
    const stuck = (): boolean => wall.nowMs() > deadline;
    if (!ended()) await pacer.advance(engine.now + timeoutNs, () => ended() || stuck());
    const gaveUp = !ended() && stuck();
    const late = !ended();
    if (late) {
      lab.apply({ type: 'signal', process: id, signal: SIGNALS.KILL });
      await pacer.advance(engine.now + 1e9, ended);
    }
    if (gaveUp) throw new LabError('failed', `no end after ${WALL_LIMIT_MS / 1000} s of real time`);
    return {
      exitCode: late ? EXIT_TIMEOUT : (job.exitCode ?? EXIT_TIMEOUT),
      output: text(job.output) + text(job.errors),
    };
  }

  /** Lets everything of this instant happen, so that an input comes after it. */
  private async settled(): Promise<void> {
    const { engine, pacer } = this.current();
    await pacer.advance(engine.now);
  }

  private current(): Running {
    if (this.running === undefined) throw new LabError('conflict', 'the lab is not up');
    return this.running;
  }

  private processOf(name: string): string {
    const id = this.background.get(name);
    if (id === undefined)
      throw new LabError('not-found', `no background command "${name}" has been started`);
    return id;
  }

  private captured(name: string): { readonly capture: Capture; readonly chunks: Uint8Array[] } {
    const found = this.captures.get(name);
    if (found === undefined)
      throw new LabError('not-found', `no capture "${name}" has been started`);
    return found;
  }
}

function text(chunks: readonly Uint8Array[]): string {
  const streaming = new TextDecoder();
  return (
    chunks.map((chunk) => streaming.decode(chunk, { stream: true })).join('') + streaming.decode()
  );
}
