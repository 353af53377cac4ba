/**
 * The tables, for SQLite and PostgreSQL alike: only text, integers and floating point; documents as JSON text.
 *
 * Virtual times are 64-bit integers, which PostgreSQL's driver returns as text: {@link int64} makes them numbers.
 */
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { CaptureFormat, ClockMode } from '@netloom/lab';

const int64 = {
  to: (value: number | null | undefined): number | null | undefined => value,
  from: (value: string | number | null): number | null => (value === null ? null : Number(value)),
};

/** How a lab comes back after a restart: all inputs again, or its topology with its edits and files. */
export type RestoreMode = 'replay' | 'recreate';

@Entity('labs')
export class LabEntity {
  @PrimaryColumn('varchar', { length: 36 })
  id!: string;

  /** The server that runs it. */
  @Index('labs_server')
  @Column('varchar', { length: 64 })
  server!: string;

  @Index('labs_name', { unique: true })
  @Column('varchar', { length: 64 })
  name!: string;

  /** The topology as it was sent, and as the parser understood it; contents of its binds. */
  @Column('text', { select: false })
  source!: string;

  @Column('text', { select: false })
  topology!: string;

  @Column('text', { select: false })
  files!: string;

  @Column('text')
  warnings!: string;

  @Column('bigint', { transformer: int64 })
  seed!: number;

  @Column('varchar', { name: 'clock_mode', length: 16 })
  clockMode!: ClockMode;

  @Column('float', { name: 'clock_rate' })
  clockRate!: number;

  @Column('varchar', { length: 16 })
  restore!: RestoreMode;

  /** Virtual time that the lab is known to have reached. */
  @Column('bigint', { name: 'reached_ns', transformer: int64 })
  reachedNs!: number;

  @Column('bigint', { name: 'journal_bytes', transformer: int64 })
  journalBytes!: number;

  @Column('varchar', { name: 'created_at', length: 32 })
  createdAt!: string;
}

@Entity('journal')
export class JournalEntity {
  @PrimaryColumn('varchar', { name: 'lab_id', length: 36 })
  labId!: string;

  @PrimaryColumn('integer')
  position!: number;

  @Column('bigint', { name: 'time_ns', transformer: int64 })
  timeNs!: number;

  @Column('varchar', { length: 32 })
  type!: string;

  @Column('text')
  input!: string;

  /** A `start` whose process has ended, or was hung up. */
  @Column('boolean')
  ended!: boolean;
}

@Entity('captures')
export class CaptureEntity {
  @PrimaryColumn('varchar', { name: 'lab_id', length: 36 })
  labId!: string;

  @PrimaryColumn('varchar', { length: 16 })
  id!: string;

  @Column('integer')
  number!: number;

  @Column('text')
  sources!: string;

  @Column('text', { nullable: true })
  filter!: string | null;

  @Column('integer')
  snaplen!: number;

  @Column('varchar', { length: 8 })
  format!: CaptureFormat;

  @Column('varchar', { length: 16 })
  state!: 'running' | 'stopped';

  @Column('bigint', { name: 'started_ns', transformer: int64 })
  startedNs!: number;

  @Column('bigint', { name: 'stopped_ns', nullable: true, transformer: int64 })
  stoppedNs!: number | null;

  @Column('bigint', { transformer: int64 })
  packets!: number;

  @Column('bigint', { transformer: int64 })
  bytes!: number;

  @Column('bigint', { transformer: int64 })
  dropped!: number;

  /** Why it ended without being asked to. */
  @Column('text', { name: 'stop_reason', nullable: true })
  stopReason!: string | null;

  @Column('varchar', { name: 'created_at', length: 32 })
  createdAt!: string;
}
