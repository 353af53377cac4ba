/**
 * Captures: start, list, read, stop. Bytes go from the lab to a file, and from the file to whoever reads.
 *
 * Caller: controller and stream socket → CapturesService → LabSession and CaptureFile. The lab may have a window of
 * bytes under way; they are acknowledged when they are on disk, so a slow disk costs packets (counted), never memory.
 * Metadata are in the database, so that files of stopped captures are there after a restart, too.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { CaptureDocument, CaptureRequest, LabMessage } from '@netloom/lab';
import type { ServerConfig } from '../config.js';
import { limitReached, notFound, ProblemError } from '../http/problem.js';
import type { CaptureAnswer, CaptureBody } from '../http/schemas.js';
import { LabRegistry } from '../labs/lab-registry.js';
import type { LabSession } from '../labs/lab-session.js';
import type { CaptureEntity } from '../store/entities.js';
import { LabStore } from '../store/lab-store.js';
import { CONFIG } from '../tokens.js';
import { CaptureFile } from './capture-file.js';
import { messageOf } from '../thrown.js';

/** How long a waiting packet may stay in the lab before it is written. */
const FLUSH_MS = 25;
const FLUSH_SLACK_MS = 50;
/** How long a reader of the file so far waits for what the lab has already counted. */
const CATCH_UP_MS = 1000;

interface Capture {
  readonly row: CaptureEntity;
  readonly file: CaptureFile;
  readonly fileName: string;
  /** The lab's own name of it, while it runs. */
  inLab: string | undefined;
  /** Settled when the file is closed and the row written. */
  finished: Promise<void>;
}

export interface CaptureFileView {
  readonly file: CaptureFile;
  readonly fileName: string;
  readonly mediaType: string;
}

@Injectable()
export class CapturesService implements OnApplicationBootstrap {
  private readonly captures = new Map<string, Map<string, Capture>>();

  constructor(
    @Inject(LabRegistry) private readonly registry: LabRegistry,
    @Inject(LabStore) private readonly store: LabStore,
    @Inject(CONFIG) private readonly config: ServerConfig,
  ) {}

  /** What an earlier run has left; what it was writing when it ended is stopped. */
  async onApplicationBootstrap(): Promise<void> {
    for (const lab of await this.store.labs()) {
      for (const row of await this.store.captures(lab.id)) {
        const file = await CaptureFile.reopen(this.path(row));
        if (row.state === 'running') {
          Object.assign(row, {
            state: 'stopped',
            bytes: file.size,
            stopReason: 'the server was restarted',
          });
          await this.store.updateCapture(row);
        }
        const capture = {
          row,
          file,
          fileName: nameOf(lab.name, row),
          inLab: undefined,
          finished: Promise.resolve(),
        };
        this.ofLab(lab.id).set(row.id, capture);
      }
    }
  }

  async start(lab: string, body: CaptureBody): Promise<CaptureAnswer> {
    const session = this.registry.get(lab);
    await session.running();
    this.checkLimits(session);
    const { id: labId, name } = session.facts;
    const number = Math.max(0, ...[...this.ofLab(labId).values()].map(({ row }) => row.number)) + 1;
    const row: CaptureEntity = {
      labId,
      id: `c${number}`,
      number,
      sources: JSON.stringify(body.sources ?? [{ node: body.node, interface: body.interface }]),
      filter: body.filter ?? null,
      snaplen: body.snaplen ?? 262_144,
      format: body.format ?? 'pcapng',
      state: 'running',
      startedNs: 0,
      stoppedNs: null,
      packets: 0,
      bytes: 0,
      dropped: 0,
      stopReason: null,
      createdAt: new Date().toISOString(),
    };
    const capture: Capture = {
      row,
      file: await CaptureFile.create(this.path(row)),
      fileName: nameOf(name, row),
      inLab: undefined,
      finished: Promise.resolve(),
    };
    this.ofLab(labId).set(row.id, capture);
    try {
      await this.run(session, capture);
    } catch (error) {
      this.ofLab(labId).delete(row.id);
      await capture.file.end();
      await rm(capture.file.path, { force: true });
      throw error;
    }
    return answer(row);
  }

  async list(lab: string): Promise<CaptureAnswer[]> {
    const session = this.registry.get(lab);
    const captures = [...this.ofLab(session.facts.id).values()];
    await this.refresh(session, captures);
    return captures.map(({ row }) => answer(row));
  }

  async show(lab: string, id: string): Promise<CaptureAnswer> {
    const { session, capture } = this.find(lab, id);
    await this.refresh(session, [capture]);
    return answer(capture.row);
  }

  /** The file, with everything in it that the lab has captured by now. */
  async file(lab: string, id: string): Promise<CaptureFileView> {
    const { session, capture } = this.find(lab, id);
    if (capture.row.state === 'running') {
      await setTimeout(FLUSH_MS + FLUSH_SLACK_MS);
      await this.refresh(session, [capture]);
      await capture.file.reach(capture.row.bytes, CATCH_UP_MS);
    }
    const { file, fileName, row } = capture;
    const mediaType =
      row.format === 'pcap' ? 'application/vnd.tcpdump.pcap' : 'application/x-pcapng';
    return { file, fileName, mediaType };
  }

  /** Ends it; the file stays. A capture that has ended already is no error. */
  async stop(lab: string, id: string): Promise<CaptureAnswer> {
    const { session, capture } = this.find(lab, id);
    await this.halt(session, capture);
    return answer(capture.row);
  }

  /** Ends it and removes its file. */
  async purge(lab: string, id: string): Promise<void> {
    const { session, capture } = this.find(lab, id);
    await this.halt(session, capture);
    this.ofLab(session.facts.id).delete(id);
    await this.store.deleteCapture(session.facts.id, id);
    await rm(capture.file.path, { force: true });
  }

  /** The lab has been deleted, and its captures with it. */
  async forgetLab(labId: string): Promise<void> {
    for (const capture of this.ofLab(labId).values()) await capture.file.end();
    this.captures.delete(labId);
    await rm(join(this.config.dataDir, 'captures', labId), { recursive: true, force: true });
  }

  /** Ends all of them in good order. */
  async close(): Promise<void> {
    for (const session of this.registry.all()) {
      for (const capture of this.ofLab(session.facts.id).values()) {
        // A lab that cannot stop a capture any more leaves a file that is whole up to its last piece.
        await this.halt(session, capture, 'the server was shut down').catch(() => undefined);
      }
    }
  }

  /** Bytes of all files. */
  diskBytes(): number {
    return this.all().reduce((sum, { file }) => sum + file.size, 0);
  }

  runningCount(): number {
    return this.all().filter(({ row }) => row.state === 'running').length;
  }

  private async run(session: LabSession, capture: Capture): Promise<void> {
    const { row, file } = capture;
    let settle = (): void => undefined;
    capture.finished = new Promise((resolve) => {
      settle = resolve;
    });
    const finish = async (last: Partial<CaptureEntity>): Promise<void> => {
      if (row.state === 'stopped') return;
      removeEnd();
      await file.end();
      Object.assign(row, last, { state: 'stopped', bytes: file.size });
      if (capture.inLab !== undefined) session.release(capture.inLab);
      await this.store.updateCapture(row);
      settle();
    };
    const removeEnd = session.onEnd(
      (reason) => void finish({ stopReason: reason }).catch(this.report),
    );
    const onMessage = (message: LabMessage): void => {
      if (message.type === 'capture')
        void this.write(session, capture, message.capture, message.data);
      if (message.type === 'capture-end') void finish(ending(message.capture)).catch(this.report);
    };
    const started = await session
      .open(
        (runner) => runner.startCapture(requestOf(row)),
        ({ id }) => id,
        onMessage,
      )
      .catch((error: unknown) => {
        removeEnd();
        throw error;
      });
    capture.inLab = started.id;
    Object.assign(row, { startedNs: started.startedNs, snaplen: started.snaplen });
    await this.store.insertCapture(row);
    await file.reach(1, CATCH_UP_MS);
  }

  private async write(
    session: LabSession,
    capture: Capture,
    inLab: string,
    data: Uint8Array,
  ): Promise<void> {
    try {
      await capture.file.append(data);
      session.runner.ack(inLab, data.byteLength);
    } catch (error) {
      this.stopSoon(session, capture, `the file cannot be written: ${messageOf(error)}`);
      return;
    }
    const { captureBytes, captureDiskBytes } = this.config.limits;
    if (capture.file.size >= captureBytes)
      this.stopSoon(session, capture, `its file has reached ${captureBytes} bytes`);
    else if (this.diskBytes() >= captureDiskBytes) {
      this.stopSoon(
        session,
        capture,
        `all captures together have reached ${captureDiskBytes} bytes`,
      );
    }
  }

  private stopSoon(session: LabSession, capture: Capture, reason: string): void {
    if (capture.row.stopReason !== null) return;
    this.config.log(
      'warn',
      `lab ${session.facts.name}: capture ${capture.row.id} is stopped: ${reason}`,
    );
    this.halt(session, capture, reason).catch(this.report);
  }

  private async halt(
    session: LabSession,
    capture: Capture,
    reason: string | null = null,
  ): Promise<void> {
    const { row, inLab } = capture;
    if (row.state === 'stopped' || inLab === undefined) return;
    if (row.stopReason === null) row.stopReason = reason;
    if (session.state === 'running') await session.runner.stopCapture(inLab);
    await capture.finished;
  }

  /** Brings counters up to date from the lab, where it runs. */
  private async refresh(session: LabSession, captures: readonly Capture[]): Promise<void> {
    if (session.state !== 'running' || !captures.some(({ row }) => row.state === 'running')) return;
    const documents = new Map(
      (await session.runner.captures()).map((document) => [document.id, document]),
    );
    for (const { row, inLab } of captures) {
      const document = inLab === undefined ? undefined : documents.get(inLab);
      if (document === undefined || row.state === 'stopped') continue;
      Object.assign(row, {
        packets: document.packets,
        bytes: document.bytes,
        dropped: document.dropped,
      });
    }
  }

  private checkLimits(session: LabSession): void {
    const { capturesPerLab, captureDiskBytes } = this.config.limits;
    const running = [...this.ofLab(session.facts.id).values()].filter(
      ({ row }) => row.state === 'running',
    );
    if (running.length >= capturesPerLab)
      throw limitReached(`A lab has at most ${capturesPerLab} captures at a time.`);
    if (this.diskBytes() < captureDiskBytes) return;
    throw new ProblemError(
      507,
      `Captures fill the ${captureDiskBytes} bytes that they may have; purge some.`,
    );
  }

  private find(lab: string, id: string): { session: LabSession; capture: Capture } {
    const session = this.registry.get(lab);
    const capture = this.ofLab(session.facts.id).get(id);
    if (capture === undefined) throw notFound(`There is no capture "${id}" of the lab.`);
    return { session, capture };
  }

  private ofLab(labId: string): Map<string, Capture> {
    const found = this.captures.get(labId) ?? new Map<string, Capture>();
    this.captures.set(labId, found);
    return found;
  }

  private all(): Capture[] {
    return [...this.captures.values()].flatMap((captures) => [...captures.values()]);
  }

  private path(row: Pick<CaptureEntity, 'labId' | 'id' | 'format'>): string {
    return join(this.config.dataDir, 'captures', row.labId, `${row.id}.${row.format}`);
  }

  private readonly report = (error: unknown): void => {
    this.config.log('error', `a capture could not be ended: ${messageOf(error)}`);
  };
}

function requestOf(row: CaptureEntity): CaptureRequest {
  return {
    sources: JSON.parse(row.sources) as CaptureRequest['sources'],
    snaplen: row.snaplen,
    format: row.format,
    flushMs: FLUSH_MS,
    ...(row.filter === null ? {} : { filter: row.filter }),
  };
}

function ending(document: CaptureDocument): Partial<CaptureEntity> {
  const { packets, dropped, stoppedNs } = document;
  return { packets, dropped, stoppedNs: stoppedNs ?? null };
}

function answer(row: CaptureEntity): CaptureAnswer {
  return {
    id: row.id,
    sources: JSON.parse(row.sources) as CaptureAnswer['sources'],
    ...(row.filter === null ? {} : { filter: row.filter }),
    snaplen: row.snaplen,
    format: row.format,
    state: row.state,
    startedNs: row.startedNs,
    ...(row.stoppedNs === null ? {} : { stoppedNs: row.stoppedNs }),
    packets: row.packets,
    bytes: row.bytes,
    dropped: row.dropped,
    ...(row.stopReason === null ? {} : { stopReason: row.stopReason }),
    createdAt: row.createdAt,
  };
}

/** `lab-node-eth1-c1.pcapng`, whatever people have named their nodes. */
function nameOf(lab: string, row: CaptureEntity): string {
  const [source] = JSON.parse(row.sources) as CaptureAnswer['sources'];
  const text = [lab, source?.node, source?.interface, row.id]
    .filter((part) => part !== undefined)
    .join('-');
  return `${text.replace(/[^A-Za-z0-9._-]/g, '_')}.${row.format}`;
}
