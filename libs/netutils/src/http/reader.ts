/**
 * HTTP/1 messages from a stream of bytes: lines, headers, and bodies by length, in chunks, or up to the end.
 * Source: RFC 9112.
 */
import { decodeText } from '@netloom/sys';

const LF = 10;
const EMPTY = new Uint8Array(0);
/** A longer line is no HTTP. */
const MAX_LINE = 65536;

export interface Header {
  readonly name: string;
  readonly value: string;
}

/** A message's first line and headers, as text as they came. */
export interface Head {
  readonly start: string;
  readonly headers: readonly Header[];
  /** Bytes of it, line ends included. */
  readonly size: number;
}

/** How a body ends. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' };

export function headerOf(head: Head, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return head.headers.find((header) => header.name.toLowerCase() === wanted)?.value;
}

/** Reads messages; `read` gives more bytes, none at the end. */
export class HttpReader {
  private buffer: Uint8Array = EMPTY;
  private ended = false;
  /** Body bytes as they were on the wire, chunk frames included. */
  rawBody = 0;

  constructor(private readonly read: () => Promise<Uint8Array>) {}

  get buffered(): number {
    return this.buffer.length;
  }

  private async more(): Promise<boolean> {
    if (this.ended) return false;
    const bytes = await this.read();
    if (bytes.length === 0) {
      this.ended = true;
      return false;
    }
    if (this.buffer.length === 0) this.buffer = bytes;
    else {
      const both = new Uint8Array(this.buffer.length + bytes.length);
      both.set(this.buffer);
      both.set(bytes, this.buffer.length);
      this.buffer = both;
    }
    return true;
  }

  /** The next line with its end; undefined where the stream ended in the middle or the line is endless. */
  async line(): Promise<string | undefined> {
    for (let from = 0; ;) {
      const at = this.buffer.indexOf(LF, from);
      if (at >= 0) {
        const text = decodeText(this.buffer.subarray(0, at + 1));
        this.buffer = this.buffer.subarray(at + 1);
        return text;
      }
      from = this.buffer.length;
      if (from > MAX_LINE || !(await this.more())) return undefined;
    }
  }

  /** A message's head; undefined where the stream ended. `onLine` sees each line as it comes. */
  async head(onLine?: (line: string) => Promise<void>): Promise<Head | undefined> {
    let start: string | undefined;
    let size = 0;
    const headers: Header[] = [];
    for (;;) {
      const raw = await this.line();
      if (raw === undefined) return undefined;
      size += raw.length;
      if (onLine !== undefined) await onLine(raw);
      const text = raw.replace(/\r?\n$/, '');
      if (start === undefined) {
        start = text;
        continue;
      }
      if (text === '') return { start, headers, size };
      const colon = text.indexOf(':');
      if (colon > 0)
        headers.push({ name: text.slice(0, colon), value: text.slice(colon + 1).trim() });
    }
  }

  /** At most `count` bytes; none at the end. */
  async some(count: number): Promise<Uint8Array> {
    if (this.buffer.length === 0 && !(await this.more())) return EMPTY;
    const bytes = this.buffer.subarray(0, count);
    this.buffer = this.buffer.subarray(bytes.length);
    return bytes;
  }

  /** Hands a body's bytes on. @returns bytes that are missing, or -1 for a broken chunk */
  async body(framing: Framing, sink: (bytes: Uint8Array) => Promise<void>): Promise<number> {
    if (framing.kind === 'none') return 0;
    if (framing.kind === 'length') return await this.counted(framing.length, sink);
    if (framing.kind === 'close') {
      await this.counted(Number.POSITIVE_INFINITY, sink);
      return 0;
    }
    for (;;) {
      const size = await this.line();
      const count = size === undefined ? NaN : parseInt(size, 16);
      if (size === undefined || Number.isNaN(count)) return -1;
      this.rawBody += size.length;
      if (count === 0) break;
      if ((await this.counted(count, sink)) > 0) return -1;
      const end = await this.line();
      if (end === undefined) return -1;
      this.rawBody += end.length;
    }
    for (;;) {
      const trailer = await this.line();
      if (trailer === undefined) return -1;
      this.rawBody += trailer.length;
      if (trailer.trim() === '') return 0;
    }
  }

  private async counted(
    length: number,
    sink: (bytes: Uint8Array) => Promise<void>,
  ): Promise<number> {
    let left = length;
    while (left > 0) {
      const bytes = await this.some(left);
      if (bytes.length === 0) return left;
      left -= bytes.length;
      this.rawBody += bytes.length;
      await sink(bytes);
    }
    return 0;
  }
}

/** How the body of an answer to `method` ends. */
export function responseFraming(method: string, status: number, head: Head): Framing {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304)
    return { kind: 'none' };
  if (/\bchunked\b/i.test(headerOf(head, 'Transfer-Encoding') ?? '')) return { kind: 'chunked' };
  const length = headerOf(head, 'Content-Length');
  return length !== undefined && /^\d+$/.test(length)
    ? { kind: 'length', length: Number(length) }
    : { kind: 'close' };
}

/** Whether the connection stays open after a message. */
export function keepsAlive(head: Head, version: string): boolean {
  const connection = (headerOf(head, 'Connection') ?? '').toLowerCase();
  if (/\bclose\b/.test(connection)) return false;
  return version === '1.1' || /\bkeep-alive\b/.test(connection);
}
