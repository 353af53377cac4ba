/**
 * One lab while the server runs: its runner, its state, and who listens to which of its streams.
 *
 * Caller: services and sockets → LabSession → LabRunner. A call that opens a stream (process, capture, subscription,
 * attachment) goes through {@link open}, so that what the lab says before the answer is back is not lost; what nobody
 * listens to is let go.
 */
import { LabError, type LabDocument, type LabMessage, type LabRunner } from '@netloom/lab';
import type { OwnedRunner } from '../runner/runner-factory.js';
import type { JournalWriter } from './journal-writer.js';
import { TimeoutError, withTimeout } from './timeout.js';
import { messageOf } from '../thrown.js';

export type StreamListener = (message: LabMessage) => void;

/** What the database knows of a lab, shown while the lab itself cannot answer. */
export interface LabFacts {
  readonly id: string;
  readonly name: string;
  readonly seed: number;
  readonly createdAt: string;
}

/** Which stream a message belongs to; undefined for those about the whole lab. */
function streamOf(message: LabMessage): string | undefined {
  switch (message.type) {
    case 'output':
    case 'exit':
      return message.process;
    case 'capture':
      return message.capture;
    case 'capture-end':
      return message.capture.id;
    case 'events':
      return message.subscription;
    case 'frame':
    case 'attachment-end':
      return message.attachment;
    case 'journal':
    case 'failed':
      return undefined;
  }
}

export type DocumentedLab = LabDocument & { readonly createdAt: string };

/** How long a busy lab is waited for when somebody wants to see it. */
const DOCUMENT_MS = 2000;

export class LabSession {
  state: 'starting' | 'running' | 'failed' = 'starting';
  failure: string | undefined;
  /** Commands and sockets under way, for the limits. */
  execs = 0;
  sockets = 0;
  readonly warnings: string[] = [];
  /** Set as soon as the lab is up and its inputs are to be kept. */
  journal: JournalWriter | undefined;
  private readonly listeners = new Map<string, StreamListener>();
  private readonly unclaimed = new Map<string, LabMessage[]>();
  private readonly endListeners = new Set<(reason: string) => void>();
  private lastDocument: DocumentedLab | undefined;
  private opening = 0;
  private owned: OwnedRunner;
  private ready: Promise<void> = Promise.resolve();

  constructor(
    readonly facts: LabFacts,
    owned: OwnedRunner,
  ) {
    this.owned = owned;
    this.listen(owned);
  }

  /** For the start of the lab; everybody else uses {@link running}. */
  get runner(): LabRunner {
    return this.owned.runner;
  }

  /** Another thread in place of the one that did not get the lab up. */
  async replaceRunner(owned: OwnedRunner): Promise<void> {
    const old = this.owned;
    this.owned = owned;
    this.listen(owned);
    await old.terminate();
  }

  /** Calls wait for `start`; its failure makes the lab `failed`. */
  begin(start: Promise<void>): Promise<void> {
    this.ready = start.then(
      () => {
        if (this.state === 'starting') this.state = 'running';
      },
      (error: unknown) => this.fail(messageOf(error)),
    );
    return this.ready;
  }

  /** The runner of a lab that is up; waits for one that starts, refuses a failed one. */
  async running(): Promise<LabRunner> {
    await this.ready;
    if (this.state === 'failed') throw new LabError('failed', this.failure ?? 'the lab has failed');
    return this.owned.runner;
  }

  /** A call that changes the lab: answers when the change is on disk. */
  async change<T>(call: (runner: LabRunner) => Promise<T>): Promise<T> {
    const runner = await this.running();
    const answer = await call(runner);
    await this.journal?.commit();
    return answer;
  }

  /** A call that opens the stream that `nameOf` finds in its answer. */
  async open<T>(
    call: (runner: LabRunner) => Promise<T>,
    nameOf: (answer: T) => string,
    listener: StreamListener,
  ): Promise<T> {
    const runner = await this.running();
    this.opening++;
    try {
      const answer = await call(runner);
      const stream = nameOf(answer);
      this.listeners.set(stream, listener);
      for (const message of this.unclaimed.get(stream) ?? []) listener(message);
      this.unclaimed.delete(stream);
      return answer;
    } finally {
      if (--this.opening === 0) this.unclaimed.clear();
    }
  }

  release(stream: string): void {
    this.listeners.delete(stream);
  }

  /** Called when the lab dies or is closed; returns the removal. */
  onEnd(listener: (reason: string) => void): () => void {
    this.endListeners.add(listener);
    return () => void this.endListeners.delete(listener);
  }

  fail(reason: string): void {
    if (this.state === 'failed') return;
    this.state = 'failed';
    this.failure = reason;
    this.owned.fail(reason);
    this.end(reason);
    void this.owned.terminate();
  }

  /** Ends thread and streams; the lab's data stay. */
  async close(reason: string): Promise<void> {
    this.end(reason);
    this.owned.fail(reason);
    await this.owned.terminate();
  }

  /** The lab's own document; of a lab that is too busy to say or gone, what is known of it. */
  async document(): Promise<DocumentedLab> {
    const { createdAt } = this.facts;
    if (this.state === 'running') {
      try {
        const info = await withTimeout(this.owned.runner.info(), DOCUMENT_MS);
        this.lastDocument = { ...info, createdAt, warnings: [...info.warnings, ...this.warnings] };
        return this.lastDocument;
      } catch (error) {
        if (!(error instanceof TimeoutError) && !this.hasFailed()) throw error;
      }
    }
    const known = this.lastDocument ?? this.bareDocument();
    return {
      ...known,
      state: this.state,
      ...(this.failure === undefined ? {} : { failure: this.failure }),
    };
  }

  private hasFailed(): boolean {
    return this.state === 'failed';
  }

  private bareDocument(): DocumentedLab {
    return {
      id: this.facts.id,
      name: this.facts.name,
      state: this.state,
      seed: this.facts.seed,
      clock: { mode: 'paused', rate: 1, nowNs: 0, epochSec: 0, lagMs: 0 },
      nodes: [],
      links: [],
      fingerprint: '0000000000000000',
      warnings: this.warnings,
      deploy: [],
      createdAt: this.facts.createdAt,
    };
  }

  private listen(owned: OwnedRunner): void {
    owned.runner.onMessage((message) => {
      if (owned === this.owned) this.receive(message);
    });
  }

  private receive(message: LabMessage): void {
    if (message.type === 'journal') {
      this.journal?.add(message.entry);
      return;
    }
    if (message.type === 'failed') {
      this.fail(message.message);
      return;
    }
    if (message.type === 'exit') this.journal?.processEnded(message.process);
    const stream = streamOf(message);
    if (stream === undefined) return;
    const listener = this.listeners.get(stream);
    if (listener !== undefined) listener(message);
    else if (this.opening > 0)
      this.unclaimed.set(stream, [...(this.unclaimed.get(stream) ?? []), message]);
  }

  private end(reason: string): void {
    this.listeners.clear();
    const listeners = [...this.endListeners];
    this.endListeners.clear();
    for (const listener of listeners) listener(reason);
  }
}
