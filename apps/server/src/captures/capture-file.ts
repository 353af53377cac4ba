/**
 * A capture's file on disk, and its readers.
 *
 * One writer appends; any number of readers start at the beginning and follow it as it grows, each at its own pace. A
 * slow reader therefore loses nothing and holds no memory but its current piece: what it has not read yet is on disk.
 */
import { mkdir, open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

const READ_BYTES = 64 * 1024;

export class CaptureFile {
  private written = 0;
  private isEnded = false;
  private wakeReaders: (() => void)[] = [];
  private tail: Promise<void> = Promise.resolve();

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle | undefined,
  ) {}

  static async create(path: string): Promise<CaptureFile> {
    await mkdir(dirname(path), { recursive: true });
    return new CaptureFile(path, await open(path, 'w'));
  }

  /** One that an earlier run has ended. */
  static async reopen(path: string): Promise<CaptureFile> {
    const file = new CaptureFile(path, undefined);
    file.written = await stat(path).then(
      ({ size }) => size,
      () => 0,
    );
    file.isEnded = true;
    return file;
  }

  /** Bytes that readers can have. */
  get size(): number {
    return this.written;
  }

  get ended(): boolean {
    return this.isEnded;
  }

  /** Appends behind what was appended before; refused with what the disk says. */
  append(data: Uint8Array): Promise<void> {
    const { handle } = this;
    if (handle === undefined || this.isEnded) return Promise.resolve();
    const done = this.tail.then(async () => {
      await handle.write(data);
      this.written += data.byteLength;
      this.wake();
    });
    this.tail = done.catch(() => undefined);
    return done;
  }

  /** No more is coming: readers end when they have read everything. */
  async end(): Promise<void> {
    if (this.isEnded) return;
    await this.tail;
    this.isEnded = true;
    await this.handle?.close();
    this.wake();
  }

  /** The file so far, or with `follow` until it ends or `signal` says so. */
  async *read(options: {
    readonly follow: boolean;
    readonly upTo?: number;
    readonly signal?: AbortSignal;
  }): AsyncGenerator<Buffer> {
    const { follow, signal, upTo = Number.MAX_SAFE_INTEGER } = options;
    const handle = await open(this.path, 'r');
    try {
      let offset = 0;
      while (signal?.aborted !== true && offset < upTo) {
        const available = Math.min(this.written, upTo) - offset;
        if (available > 0) {
          const piece = Buffer.alloc(Math.min(available, READ_BYTES));
          const { bytesRead } = await handle.read(piece, 0, piece.length, offset);
          if (bytesRead === 0) return;
          offset += bytesRead;
          yield piece.subarray(0, bytesRead);
        } else if (follow && !this.isEnded) {
          await this.growth(signal);
        } else {
          return;
        }
      }
    } finally {
      await handle.close();
    }
  }

  /** Until at least `bytes` can be read; false when they have not come in time. */
  async reach(bytes: number, limitMs: number): Promise<boolean> {
    const signal = AbortSignal.timeout(limitMs);
    while (this.written < bytes && !this.isEnded && !signal.aborted) await this.growth(signal);
    return this.written >= bytes;
  }

  private growth(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.wakeReaders.push(done);
      signal?.addEventListener('abort', done, { once: true });
      if (signal?.aborted === true) done();
    });
  }

  private wake(): void {
    const readers = this.wakeReaders;
    this.wakeReaders = [];
    for (const reader of readers) reader();
  }
}
