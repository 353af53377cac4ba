/**
 * The byte buffer behind both writers: little-endian stores into one recycled chunk, handed to a
 * sink when it is full or on flush.
 *
 * Caller: PcapNgWriter, PcapWriter → this → the sink (a file, a socket, a byte array).
 * A chunk starts on a multiple of 4 bytes of the stream as long as the writers emit whole pcapng
 * blocks. Nothing is allocated per packet unless a single block is larger than the chunk.
 */

/** Takes finished bytes. With recycling, `chunk` is valid only during the call. */
export type ChunkSink = (chunk: Uint8Array) => void;

export interface ChunkOptions {
  /** Hand over when this many bytes are buffered; default 65536. */
  readonly chunkBytes?: number;
  /**
   * true (default): the same memory is used again after the sink returns, so a sink that keeps
   * the bytes must copy them. false: every chunk is the sink's own.
   */
  readonly recycle?: boolean;
}

/** Up to this many bytes a word loop beats `set(subarray)`, and it makes no garbage. */
const WORD_COPY_MAX = 256;

const encoder = new TextEncoder();

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Words may be stored without regard to byte order. */
export const LITTLE_ENDIAN_MACHINE = new Uint8Array(Int32Array.of(1).buffer)[0] === 1;

function outside(mem: Uint8Array, offset: number, length: number): never {
  throw new RangeError(`packet bytes ${offset}+${length} lie outside of ${mem.length} bytes`);
}

export class ChunkBuffer {
  /** Write position in `bytes`; writers store at it and advance it after `reserve`. */
  pos = 0;
  bytes: Uint8Array;
  view: DataView;
  /** The same memory as 32-bit words, for writers that keep `pos` a multiple of four. */
  words: Int32Array;
  /** The memory packets came from last, and a view of exactly it: its getters are slow. */
  private source: Uint8Array;
  private sourceView: DataView;
  private sourceLength: number;
  private readonly limit: number;
  private readonly recycle: boolean;

  constructor(
    private readonly sink: ChunkSink,
    options: ChunkOptions = {},
  ) {
    this.limit = (Math.max(64, options.chunkBytes ?? 65536) + 3) & ~3;
    this.recycle = options.recycle ?? true;
    this.bytes = new Uint8Array(this.limit);
    this.view = new DataView(this.bytes.buffer);
    this.words = new Int32Array(this.bytes.buffer);
    this.source = this.bytes;
    this.sourceView = this.view;
    this.sourceLength = this.limit;
  }

  /** Makes room for `n` contiguous bytes at `pos`, flushing or growing as needed. */
  reserve(n: number): void {
    if (this.pos + n <= this.bytes.length) return;
    this.flush();
    if (n > this.bytes.length) this.allocate(n);
  }

  /** Hands everything buffered to the sink. Nothing happens when nothing is buffered. */
  flush(): void {
    const n = this.pos;
    if (n === 0) return;
    this.pos = 0;
    this.sink(this.bytes.subarray(0, n));
    if (!this.recycle || this.bytes.length > this.limit) this.allocate(this.limit);
  }

  u8(value: number): void {
    this.bytes[this.pos++] = value;
  }

  u16(value: number): void {
    this.view.setUint16(this.pos, value, true);
    this.pos += 2;
  }

  u32(value: number): void {
    this.view.setUint32(this.pos, value, true);
    this.pos += 4;
  }

  /** 64-bit value from a JS integer of either sign, exact to 2^53. */
  u64(value: number): void {
    this.view.setUint32(this.pos, value >>> 0, true);
    this.view.setInt32(this.pos + 4, Math.floor(value / 4294967296), true);
    this.pos += 8;
  }

  /** Appends `length` bytes of `mem` from `offset`. Room must have been reserved. */
  copy(mem: Uint8Array, offset: number, length: number): void {
    if (mem !== this.source) this.useSource(mem);
    if (offset < 0 || length < 0 || offset + length > this.sourceLength) {
      outside(mem, offset, length);
    }
    this.copyRaw(offset, length);
  }

  /**
   * As `copy`, to a multiple of four on a little-endian machine: whole words, the last one filled
   * up with zero bytes. The hot path of packets.
   */
  copyWords(mem: Uint8Array, offset: number, length: number): void {
    if (length > WORD_COPY_MAX) {
      const start = this.pos;
      this.copy(mem, offset, length);
      this.pad4(start);
      return;
    }
    if (mem !== this.source) this.useSource(mem);
    if (offset < 0 || length < 0 || offset + length > this.sourceLength) {
      outside(mem, offset, length);
    }
    const src = this.sourceView;
    const dst = this.words;
    let from = offset;
    let to = this.pos >> 2;
    const end = from + length;
    for (; from + 16 <= end; from += 16, to += 4) {
      dst[to] = src.getInt32(from, true);
      dst[to + 1] = src.getInt32(from + 4, true);
      dst[to + 2] = src.getInt32(from + 8, true);
      dst[to + 3] = src.getInt32(from + 12, true);
    }
    for (; from + 4 <= end; from += 4) dst[to++] = src.getInt32(from, true);
    if (from < end) {
      let word = src.getUint8(from);
      if (from + 1 < end) word |= src.getUint8(from + 1) << 8;
      if (from + 2 < end) word |= src.getUint8(from + 2) << 16;
      dst[to++] = word;
    }
    this.pos = to << 2;
  }

  /** Zero bytes up to the next multiple of four of the block that began at `start`. */
  pad4(start: number): void {
    while (((this.pos - start) & 3) !== 0) this.bytes[this.pos++] = 0;
  }

  private copyRaw(from: number, length: number): void {
    const to = this.pos;
    this.pos = to + length;
    if (length > WORD_COPY_MAX) {
      this.bytes.set(this.source.subarray(from, from + length), to);
      return;
    }
    const src = this.sourceView;
    const dst = this.view;
    let i = 0;
    for (; i + 4 <= length; i += 4) dst.setInt32(to + i, src.getInt32(from + i, true), true);
    for (; i < length; i++) dst.setUint8(to + i, src.getUint8(from + i));
  }

  private useSource(mem: Uint8Array): void {
    this.source = mem;
    this.sourceView = new DataView(mem.buffer, mem.byteOffset, mem.byteLength);
    this.sourceLength = mem.length;
  }

  private allocate(n: number): void {
    this.bytes = new Uint8Array((n + 3) & ~3);
    this.view = new DataView(this.bytes.buffer);
    this.words = new Int32Array(this.bytes.buffer);
  }
}
