/**
 * All that outlives the process: labs, their journals, their captures' metadata.
 *
 * Caller: services → this → TypeORM. Every write is one transaction, and writes are made one after the other: SQLite
 * has one connection, on which interleaved transactions would nest. When a call returns, its data is on disk.
 */
import { Inject, Injectable } from '@nestjs/common';
import { DataSource, In, QueryFailedError, type EntityManager } from 'typeorm';
import type { ClockMode, JournalEntry, LabInput } from '@netloom/lab';
import type { ServerConfig } from '../config.js';
import { conflict } from '../http/problem.js';
import { CONFIG } from '../tokens.js';
import { CaptureEntity, JournalEntity, LabEntity, type RestoreMode } from './entities.js';
import { decode, encode } from './journal-codec.js';

/** Entries in one insert statement; SQLite limits the depth of what it parses. */
const INSERT_CHUNK = 100;

/** Inputs that make up what a lab *is*; the others are what happened in it. */
const STRUCTURAL = [
  'add-node',
  'remove-node',
  'add-link',
  'remove-link',
  'patch-link',
  'write-file',
] as const;
export type StructuralInput = Extract<LabInput, { type: (typeof STRUCTURAL)[number] }>;

/** What is new since the journal was last written. */
export interface JournalNews {
  readonly entries: readonly JournalEntry[];
  /** Positions of `start` inputs whose processes have ended. */
  readonly ended: readonly number[];
  /** Virtual time that an answer has spoken of. */
  readonly reachedNs: number;
}

export interface StoredEntry {
  readonly entry: JournalEntry;
  readonly ended: boolean;
}

export function isStructural(input: LabInput): input is StructuralInput {
  return STRUCTURAL.some((type) => type === input.type);
}

@Injectable()
export class LabStore {
  private tail: Promise<unknown> = Promise.resolve();

  constructor(
    @Inject(DataSource) private readonly source: DataSource,
    @Inject(CONFIG) private readonly config: ServerConfig,
  ) {}

  labs(): Promise<LabEntity[]> {
    return this.source.manager.find(LabEntity, {
      where: { server: this.config.serverId },
      order: { createdAt: 'ASC', id: 'ASC' },
    });
  }

  /** With the large columns. */
  lab(id: string): Promise<LabEntity | null> {
    return this.source.manager
      .createQueryBuilder(LabEntity, 'lab')
      .addSelect(['lab.source', 'lab.topology', 'lab.files'])
      .where('lab.id = :id', { id })
      .getOne();
  }

  async insertLab(lab: LabEntity): Promise<void> {
    try {
      await this.write((manager) => manager.insert(LabEntity, lab));
    } catch (error) {
      if (isUniqueViolation(error)) throw conflict(`A lab named "${lab.name}" exists already.`);
      throw error;
    }
  }

  async deleteLab(id: string): Promise<void> {
    await this.write(async (manager) => {
      await manager.delete(CaptureEntity, { labId: id });
      await manager.delete(JournalEntity, { labId: id });
      await manager.delete(LabEntity, { id });
    });
  }

  async setClock(id: string, mode: ClockMode, rate: number, reachedNs: number): Promise<void> {
    await this.write(async (manager) => {
      await manager.update(LabEntity, { id }, { clockMode: mode, clockRate: rate });
      await raiseReached(manager, id, reachedNs);
    });
  }

  /** Virtual times by lab; a time never goes back. */
  async setReached(times: ReadonlyMap<string, number>): Promise<void> {
    if (times.size === 0) return;
    await this.write(async (manager) => {
      for (const [id, timeNs] of times) await raiseReached(manager, id, timeNs);
    });
  }

  /** Adds inputs behind position `after`; returns the bytes that the journal has now. */
  async appendJournal(id: string, after: number, news: JournalNews): Promise<number> {
    const { entries, ended, reachedNs } = news;
    const rows = entries.map((entry, i) => journalRow(id, after + 1 + i, entry));
    return this.write(async (manager) => {
      await insertRows(manager, rows);
      for (let i = 0; i < ended.length; i += INSERT_CHUNK) {
        const where = { labId: id, position: In(ended.slice(i, i + INSERT_CHUNK)) };
        await manager.update(JournalEntity, where, { ended: true });
      }
      const bytes = rows.reduce((sum, row) => sum + row.input.length, 0);
      if (bytes > 0) await manager.increment(LabEntity, { id }, 'journalBytes', bytes);
      await raiseReached(manager, id, reachedNs);
      const lab = await manager.findOneByOrFail(LabEntity, { id });
      return lab.journalBytes;
    });
  }

  async journal(id: string): Promise<StoredEntry[]> {
    const rows = await this.source.manager.find(JournalEntity, {
      where: { labId: id },
      order: { position: 'ASC' },
    });
    return rows.map(({ position, timeNs, input, ended }) => ({
      entry: { sequence: position, timeNs, input: decode<LabInput>(input) },
      ended,
    }));
  }

  /** Throws away what happened and keeps what the lab is; from now on it is re-created after a restart. */
  async keepStructureOnly(id: string, restore: RestoreMode = 'recreate'): Promise<void> {
    await this.write(async (manager) => {
      await manager
        .createQueryBuilder()
        .delete()
        .from(JournalEntity)
        .where('lab_id = :id AND type NOT IN (:...types)', { id, types: [...STRUCTURAL] })
        .execute();
      await manager.update(LabEntity, { id }, { restore });
    });
  }

  /** The journal of a lab that was made anew: times start again. */
  async replaceJournal(id: string, entries: readonly JournalEntry[]): Promise<void> {
    const rows = entries.map((entry, i) => journalRow(id, i + 1, entry));
    const journalBytes = rows.reduce((sum, row) => sum + row.input.length, 0);
    await this.write(async (manager) => {
      await manager.delete(JournalEntity, { labId: id });
      await insertRows(manager, rows);
      await manager.update(LabEntity, { id }, { reachedNs: 0, journalBytes });
    });
  }

  captures(labId?: string): Promise<CaptureEntity[]> {
    return this.source.manager.find(CaptureEntity, {
      where: labId === undefined ? {} : { labId },
      order: { labId: 'ASC', number: 'ASC' },
    });
  }

  async insertCapture(capture: CaptureEntity): Promise<void> {
    await this.write((manager) => manager.insert(CaptureEntity, { ...capture }));
  }

  /** Does nothing where its lab has been deleted meanwhile. */
  async updateCapture({ labId, id, ...columns }: CaptureEntity): Promise<void> {
    await this.write((manager) => manager.update(CaptureEntity, { labId, id }, columns));
  }

  async deleteCapture(labId: string, id: string): Promise<void> {
    await this.write((manager) => manager.delete(CaptureEntity, { labId, id }));
  }

  /** Throws where the database does not answer. */
  async check(): Promise<void> {
    await this.source.query('SELECT 1');
  }

  private write<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const result = this.tail.then(() => this.source.transaction(work));
    this.tail = result.catch(() => undefined);
    return result;
  }
}

function journalRow(labId: string, position: number, entry: JournalEntry): JournalEntity {
  return {
    labId,
    position,
    timeNs: entry.timeNs,
    type: entry.input.type,
    input: encode(entry.input),
    ended: false,
  };
}

async function insertRows(manager: EntityManager, rows: readonly JournalEntity[]): Promise<void> {
  for (let i = 0; i < rows.length; i += INSERT_CHUNK) {
    await manager.insert(JournalEntity, rows.slice(i, i + INSERT_CHUNK));
  }
}

async function raiseReached(manager: EntityManager, id: string, timeNs: number): Promise<void> {
  await manager
    .createQueryBuilder()
    .update(LabEntity)
    .set({ reachedNs: timeNs })
    .where('id = :id AND reached_ns < :timeNs', { id, timeNs })
    .execute();
}

function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  const { code } = error.driverError as { code?: unknown };
  return code === '23505' || /UNIQUE constraint failed/.test(error.message);
}
