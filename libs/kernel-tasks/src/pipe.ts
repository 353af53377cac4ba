/**
 * Pipes and fifos: a bounded queue of byte chunks between the ends that are open.
 *
 * write → chunk kept by reference → read. Writes of at most PIPE_BUF bytes are atomic; a full pipe blocks its writers,
 * an empty one its readers; the last writer's close is end of file, the last reader's makes writes fail with EPIPE.
 * Source: pipe(7), fifo(7). Differs: opening a fifo never blocks, because open is synchronous at the system-call
 * boundary; instead reads wait until a first writer has come, and writes until a first reader has.
 */
import { KernelError } from '@netloom/base';
import { OpenFlag, Poll } from '@netloom/sys';
import { FileDescription } from './file-description.js';
import { WaitQueue } from './wait-queue.js';

/** Bytes a pipe holds. */
export const PIPE_CAPACITY = 65536;
/** Writes up to this size are not interleaved with others'. */
export const PIPE_BUF = 4096;

export class Pipe {
  readonly readQueue = new WaitQueue();
  readonly writeQueue = new WaitQueue();
  readers = 0;
  writers = 0;
  /** Whether the end was ever open, since which its absence means something. */
  hadReader = false;
  hadWriter = false;
  buffered = 0;
  private readonly chunks: Uint8Array[] = [];
  private head = 0;

  push(data: Uint8Array): void {
    this.chunks.push(data);
    this.buffered += data.length;
    this.readQueue.wake();
  }

  /** At most `count` buffered bytes, without a copy where they are one chunk. */
  take(count: number): Uint8Array {
    const want = Math.min(count, this.buffered);
    const first = this.chunks[this.head];
    let out: Uint8Array;
    if (first !== undefined && first.length >= want) {
      out = this.cut(first, want);
    } else {
      out = new Uint8Array(want);
      for (let at = 0; at < want;) {
        const chunk = this.chunks[this.head];
        if (chunk === undefined) break;
        const part = this.cut(chunk, want - at);
        out.set(part, at);
        at += part.length;
      }
    }
    this.buffered -= want;
    return out;
  }

  /** A copy of at most `count` buffered bytes, which stay. */
  peek(count: number): Uint8Array {
    const out = new Uint8Array(Math.min(count, this.buffered));
    for (let i = this.head, at = 0; at < out.length; i++) {
      const chunk = (this.chunks[i] as Uint8Array).subarray(0, out.length - at);
      out.set(chunk, at);
      at += chunk.length;
    }
    return out;
  }

  /** Bytes that it takes now. */
  get room(): number {
    return PIPE_CAPACITY - this.buffered;
  }

  private cut(chunk: Uint8Array, count: number): Uint8Array {
    if (chunk.length > count) {
      this.chunks[this.head] = chunk.subarray(count);
      return chunk.subarray(0, count);
    }
    this.head++;
    if (this.head === this.chunks.length || this.head > 64) {
      this.chunks.splice(0, this.head);
      this.head = 0;
    }
    return chunk;
  }

  discard(): void {
    this.chunks.length = 0;
    this.head = 0;
    this.buffered = 0;
  }
}

/** One open end of a pipe (both, where a fifo is opened for reading and writing). */
export class PipeEnd extends FileDescription {
  constructor(
    readonly pipe: Pipe,
    flags: number,
    private readonly ino: number,
  ) {
    super(
      flags,
      (flags & OpenFlag.O_ACCMODE) === OpenFlag.O_WRONLY ? pipe.writeQueue : pipe.readQueue,
    );
    if (this.readable) {
      pipe.readers++;
      pipe.hadReader = true;
      pipe.writeQueue.wake();
    }
    if (this.writable) {
      pipe.writers++;
      pipe.hadWriter = true;
    }
  }

  override read(count: number): Uint8Array | undefined {
    const { pipe } = this;
    if (count === 0) return new Uint8Array(0);
    if (pipe.buffered === 0)
      return pipe.writers === 0 && pipe.hadWriter ? new Uint8Array(0) : undefined;
    const data = pipe.take(count);
    pipe.writeQueue.wake();
    return data;
  }

  override write(data: Uint8Array): number | undefined {
    const { pipe } = this;
    if (data.length === 0) return 0;
    if (pipe.readers === 0) {
      if (pipe.hadReader) throw new KernelError('EPIPE');
      return undefined;
    }
    const room = PIPE_CAPACITY - pipe.buffered;
    if (room >= data.length) {
      pipe.push(data);
      return data.length;
    }
    if (room === 0 || data.length <= PIPE_BUF) return undefined;
    pipe.push(data.subarray(0, room));
    return room;
  }

  override poll(): number {
    const { pipe } = this;
    let bits = 0;
    if (this.readable) {
      if (pipe.buffered > 0) bits |= Poll.POLLIN;
      if (pipe.writers === 0 && pipe.hadWriter) bits |= Poll.POLLHUP;
    }
    if (this.writable) {
      if (pipe.readers === 0 && pipe.hadReader) bits |= Poll.POLLERR;
      if (PIPE_CAPACITY - pipe.buffered >= PIPE_BUF) bits |= Poll.POLLOUT;
    }
    return bits;
  }

  override linkText(): string {
    return this.path === '' ? `pipe:[${this.ino}]` : this.path;
  }

  protected override release(): void {
    const { pipe } = this;
    if (this.readable) pipe.readers--;
    if (this.writable) pipe.writers--;
    if (pipe.readers === 0 && pipe.writers === 0) {
      pipe.discard();
      pipe.hadReader = false;
      pipe.hadWriter = false;
    }
    pipe.readQueue.wake();
    pipe.writeQueue.wake();
  }
}
