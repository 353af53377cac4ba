/**
 * The labs of this server: makes, finds, restores, watches and ends them.
 *
 * Caller: services → LabRegistry → LabSession. Names and numbers are checked here, since this is where two requests at
 * the same time meet.
 */
import { randomBytes } from 'node:crypto';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { BindFile, ClockMode, JournalEntry, Problem, Topology } from '@netloom/lab';
import type { ServerConfig } from '../config.js';
import { conflict, invalid, limitReached, notFound } from '../http/problem.js';
import type { RunnerFactory } from '../runner/runner-factory.js';
import type { LabEntity, RestoreMode } from '../store/entities.js';
import { encode } from '../store/journal-codec.js';
import { LabStore, type StoredEntry } from '../store/lab-store.js';
import { CONFIG, RUNNER_FACTORY } from '../tokens.js';
import { JournalWriter } from './journal-writer.js';
import { LabSession } from './lab-session.js';
import { createRequest, hangUp, recreate, replay } from './restore.js';
import { TimeoutError, withTimeout } from './timeout.js';

export interface NewLab {
  readonly source: string;
  readonly topology: Topology;
  readonly files: readonly BindFile[];
  readonly warnings: readonly string[];
  readonly seed: number;
  readonly clock: { readonly mode: ClockMode; readonly rate: number };
  readonly restore: RestoreMode;
}

const HEARTBEAT_MS = 5000;

@Injectable()
export class LabRegistry implements OnApplicationBootstrap {
  private readonly sessions = new Map<string, LabSession>();
  /** Names of labs that are being made. */
  private readonly reserved = new Set<string>();
  private readonly reachedNs = new Map<string, number>();
  private heartbeat: NodeJS.Timeout | undefined;
  private restoring: Promise<void> = Promise.resolve();
  private isRestored = false;

  constructor(
    @Inject(LabStore) private readonly store: LabStore,
    @Inject(RUNNER_FACTORY) private readonly factory: RunnerFactory,
    @Inject(CONFIG) private readonly config: ServerConfig,
  ) {}

  /** All labs are known at once; they come up in the background. */
  async onApplicationBootstrap(): Promise<void> {
    const labs = await this.store.labs();
    const starts = labs.map((lab) => this.startRestore(lab));
    this.restoring = Promise.all(starts).then(() => {
      this.isRestored = true;
    });
    this.heartbeat = setInterval(() => void this.beat(), HEARTBEAT_MS);
    this.heartbeat.unref();
  }

  get restored(): boolean {
    return this.isRestored;
  }

  all(): LabSession[] {
    return [...this.sessions.values()];
  }

  /** By id or name. */
  get(key: string): LabSession {
    const found =
      this.sessions.get(key) ?? this.all().find((session) => session.facts.name === key);
    if (found === undefined) throw notFound(`There is no lab "${key}".`);
    return found;
  }

  async create(wanted: NewLab): Promise<LabSession> {
    const { name } = wanted.topology;
    if (this.reserved.has(name) || this.all().some((session) => session.facts.name === name)) {
      throw conflict(`A lab named "${name}" exists already.`);
    }
    if (this.sessions.size + this.reserved.size >= this.config.limits.labs) {
      throw limitReached(`This server holds at most ${this.config.limits.labs} labs.`);
    }
    this.reserved.add(name);
    try {
      return await this.build(wanted);
    } finally {
      this.reserved.delete(name);
    }
  }

  /** Ends it and forgets it; the answer comes when it is gone from the disk. */
  async remove(session: LabSession): Promise<void> {
    session.journal?.discard();
    await this.store.deleteLab(session.facts.id);
    this.sessions.delete(session.facts.id);
    this.reachedNs.delete(session.facts.id);
    await session.close('the lab was deleted');
  }

  /** Ends all threads; the labs come back with the next start. */
  async close(): Promise<void> {
    clearInterval(this.heartbeat);
    for (const session of this.all()) {
      // A lab that cannot say its time any more keeps the last one that it said.
      if (session.state === 'running') await this.recordTime(session).catch(() => undefined);
      await session.journal?.close();
    }
    await this.store.setReached(this.reachedNs);
    await Promise.all(this.all().map((session) => session.close('the server is shutting down')));
  }

  private async build(wanted: NewLab): Promise<LabSession> {
    const lab: LabEntity = {
      id: randomBytes(6).toString('hex'),
      server: this.config.serverId,
      name: wanted.topology.name,
      source: wanted.source,
      topology: encode(wanted.topology),
      files: encode(wanted.files),
      warnings: encode(wanted.warnings),
      seed: wanted.seed,
      clockMode: wanted.clock.mode,
      clockRate: wanted.clock.rate,
      restore: wanted.restore,
      reachedNs: 0,
      journalBytes: 0,
      createdAt: new Date().toISOString(),
    };
    const session = new LabSession(lab, this.factory.open(lab.id));
    try {
      const { deployMs } = this.config.limits;
      const { clock } = await withTimeout(session.runner.create(createRequest(lab)), deployMs);
      await this.store.insertLab({ ...lab, reachedNs: clock.nowNs });
    } catch (error) {
      await session.close('the lab could not be made');
      if (error instanceof TimeoutError) throw invalid([tooLong(this.config.limits.deployMs)]);
      throw error;
    }
    session.journal = this.journalOf(session, lab, 0);
    this.sessions.set(lab.id, session);
    await session.begin(Promise.resolve());
    return session;
  }

  private startRestore(lab: LabEntity): Promise<void> {
    const session = new LabSession(lab, this.factory.open(lab.id));
    this.sessions.set(lab.id, session);
    return session.begin(this.restore(session));
  }

  private async restore(session: LabSession): Promise<void> {
    const { id } = session.facts;
    const lab = await this.store.lab(id);
    if (lab === null) throw new Error('the lab is gone from the database');
    const journal = await this.store.journal(id);
    if (lab.restore === 'replay') {
      try {
        await replay(session.runner, lab, journal, this.config.limits.restoreMs);
        session.journal = this.journalOf(session, lab, journal.at(-1)?.entry.sequence ?? 0);
        for (const position of await hangUp(session.runner, journal))
          session.journal.startEnded(position);
        await session.journal.commit();
        return;
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
        session.warnings.push(
          `its replay took longer than ${this.config.limits.restoreMs} ms, so the lab was re-created`,
        );
        await session.replaceRunner(this.factory.open(id));
      }
    }
    await this.recreate(session, lab, journal);
  }

  /** The edits happen anew at new times, which become the journal. */
  private async recreate(
    session: LabSession,
    lab: LabEntity,
    journal: readonly StoredEntry[],
  ): Promise<void> {
    const again: JournalEntry[] = [];
    const stop = session.runner.onMessage((message) => {
      if (message.type === 'journal') again.push(message.entry);
    });
    await recreate(session.runner, lab, journal);
    stop();
    await this.store.replaceJournal(lab.id, again);
    session.journal = this.journalOf(session, lab, again.length);
  }

  private journalOf(session: LabSession, lab: LabEntity, position: number): JournalWriter {
    const { limits, log } = this.config;
    return new JournalWriter(
      this.store,
      lab.id,
      position,
      lab.restore === 'recreate',
      limits.journalBytes,
      log,
      () => {
        const text = `its journal is longer than ${limits.journalBytes} bytes: after a restart the lab is re-created, not replayed`;
        session.warnings.push(text);
        log('warn', `lab ${lab.name}: ${text}`);
      },
    );
  }

  /** Notes how far the labs' clocks are, and finds threads that hang. */
  private async beat(): Promise<void> {
    const running = this.all().filter((session) => session.state === 'running');
    for (const session of running) {
      withTimeout(this.recordTime(session), this.config.limits.unresponsiveMs).catch(
        (error: unknown) => {
          if (error instanceof TimeoutError)
            session.fail('the lab did not answer any more and was stopped');
        },
      );
    }
    await this.store
      .setReached(new Map(this.reachedNs))
      .catch((error: unknown) =>
        this.config.log('error', `virtual times cannot be written: ${String(error)}`),
      );
  }

  /** A clock that races has no "now" that anybody could have seen; only what was answered is kept of it. */
  private async recordTime(session: LabSession): Promise<void> {
    const { nowNs, mode } = await session.runner.clock();
    if (mode !== 'fast') this.reachedNs.set(session.facts.id, nowNs);
  }
}

function tooLong(limitMs: number): Problem {
  const seconds = limitMs / 1000;
  return {
    path: 'topology',
    message: `its commands have not ended within ${seconds} s; start what lasts with "&"`,
  };
}
