/**
 * Puts a lab's inputs on disk in the order in which they took effect.
 *
 * A runner says an input before it answers the call behind it, so a service that awaits {@link commit} before its own
 * answer has everything on disk that it acknowledges. What nobody waits for (keys typed, frames) is written in groups.
 */
import type { JournalEntry } from '@netloom/lab';
import type { Log } from '../config.js';
import { isStructural, type LabStore } from '../store/lab-store.js';

const GROUP_MS = 25;
const MOST_PENDING = 1000;

export class JournalWriter {
  private pending: JournalEntry[] = [];
  private endedStarts: number[] = [];
  private reachedNs = 0;
  /** Where the `start` of a process stands that has not ended. */
  private readonly starts = new Map<string, number>();
  /** Position of the last entry that was added. */
  private lastPosition: number;
  private writing: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly store: LabStore,
    private readonly labId: string,
    /** Entries that are on disk already. */
    private position: number,
    private structureOnly: boolean,
    private readonly limitBytes: number,
    private readonly log: Log,
    /** The journal has become too long to be replayed. */
    private readonly onOverflow: () => void,
  ) {
    this.lastPosition = position;
  }

  add(entry: JournalEntry): void {
    if (this.closed || (this.structureOnly && !isStructural(entry.input))) return;
    this.pending.push(entry);
    this.lastPosition++;
    if (entry.input.type === 'start') this.starts.set(entry.input.process, this.lastPosition);
    this.writeSoon();
  }

  /** There is nothing left to hang up. */
  processEnded(process: string): void {
    const position = this.starts.get(process);
    if (position === undefined || !this.starts.delete(process)) return;
    this.startEnded(position);
  }

  startEnded(position: number): void {
    if (this.closed) return;
    this.endedStarts.push(position);
    this.writeSoon();
  }

  /** Returns when everything that was added before is on disk; refused when it cannot be. */
  commit(reachedNs = 0): Promise<void> {
    this.reachedNs = Math.max(this.reachedNs, reachedNs);
    const written = this.writing.then(() => this.writePending());
    this.writing = written.catch(() => undefined);
    return written;
  }

  /** For streams of inputs: waits while more is unwritten than memory should hold. */
  async room(): Promise<void> {
    if (this.pending.length > MOST_PENDING) await this.commit();
  }

  /** Writes the rest and takes nothing more. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    await this.commit();
    this.closed = true;
  }

  /** For a lab that is deleted: nothing more is written. */
  discard(): void {
    this.closed = true;
    this.pending = [];
    clearTimeout(this.timer);
  }

  private writeSoon(): void {
    this.timer ??= setTimeout(() => this.flushInBackground(), GROUP_MS);
  }

  private flushInBackground(): void {
    this.timer = undefined;
    this.commit().catch((error: unknown) => {
      this.log('error', `lab ${this.labId}: the journal cannot be written: ${String(error)}`);
    });
  }

  private async writePending(): Promise<void> {
    const { pending: entries, endedStarts: ended, reachedNs } = this;
    if (this.closed || (entries.length === 0 && ended.length === 0 && reachedNs === 0)) return;
    this.pending = [];
    this.endedStarts = [];
    this.reachedNs = 0;
    try {
      const bytes = await this.store.appendJournal(this.labId, this.position, {
        entries,
        ended,
        reachedNs,
      });
      this.position += entries.length;
      if (bytes > this.limitBytes && !this.structureOnly) await this.overflow();
    } catch (error) {
      this.pending = [...entries, ...this.pending];
      this.endedStarts = [...ended, ...this.endedStarts];
      this.reachedNs = Math.max(this.reachedNs, reachedNs);
      throw error;
    }
  }

  private async overflow(): Promise<void> {
    this.structureOnly = true;
    await this.store.keepStructureOnly(this.labId);
    this.onOverflow();
  }
}
