/**
 * The text of one packet while it is written, and the only way to the packet's bytes.
 *
 * PacketPrinter → protocol printers → Printout. A printer is a function `(out, p, length, …)`: `p` is
 * an offset into `out.mem`, `length` what the layer above says is there. Every read is checked
 * against `snapEnd`; one past it throws TruncatedPacket, which PacketPrinter turns into ` [|name]`
 * with the `protocol` that was being printed: printers need no checks of their own for short captures.
 */
import { hexAsciiDump, hexDump } from './hex-dump.js';
import type { Settings } from './options.js';
import type { TcpConversations } from './tcp-conversations.js';

/** A read past the end of what was captured. Never leaves the library. */
export class TruncatedPacket extends Error {
  override readonly name = 'TruncatedPacket';
}

const TRUNCATED = new TruncatedPacket('packet is truncated');

/** Encapsulation inside encapsulation ends here, as the stack does not grow without end. */
export const MAX_NESTING = 64;

export class Printout {
  text = '';
  /** What a truncation is named after. */
  protocol = '';
  /** Bytes of link-layer header, which -x, -X and -A leave out. */
  linkHeaderLength = 0;
  mem: Uint8Array = new Uint8Array(0);
  packetStart = 0;
  /** First offset that was not captured (or lies behind the enclosing header's length). */
  snapEnd = 0;
  nesting = 0;

  constructor(
    readonly options: Settings,
    readonly conversations: TcpConversations,
  ) {}

  begin(mem: Uint8Array, offset: number, capLen: number): void {
    this.text = '';
    this.protocol = '';
    this.linkHeaderLength = 0;
    this.mem = mem;
    this.packetStart = offset;
    this.snapEnd = offset + capLen;
    this.nesting = 0;
  }

  put(text: string): void {
    this.text += text;
  }

  has(p: number, length: number): boolean {
    return length >= 0 && p + length <= this.snapEnd;
  }

  need(p: number, length: number): void {
    if (length < 0 || p + length > this.snapEnd) throw TRUNCATED;
  }

  /** How many bytes from `p` on were captured. */
  available(p: number): number {
    return Math.max(0, this.snapEnd - p);
  }

  /** Runs a part of a printer; where it reads too far, says so and lets the caller go on. */
  attempt<T>(part: () => T): T | undefined {
    try {
      return part();
    } catch (error) {
      if (!(error instanceof TruncatedPacket)) throw error;
      this.putTruncated();
      return undefined;
    }
  }

  truncate(): never {
    throw TRUNCATED;
  }

  u8(p: number): number {
    if (p + 1 > this.snapEnd) throw TRUNCATED;
    return this.mem[p] ?? 0;
  }

  u16(p: number): number {
    if (p + 2 > this.snapEnd) throw TRUNCATED;
    return ((this.mem[p] ?? 0) << 8) | (this.mem[p + 1] ?? 0);
  }

  u24(p: number): number {
    if (p + 3 > this.snapEnd) throw TRUNCATED;
    return ((this.mem[p] ?? 0) << 16) | ((this.mem[p + 1] ?? 0) << 8) | (this.mem[p + 2] ?? 0);
  }

  u32(p: number): number {
    if (p + 4 > this.snapEnd) throw TRUNCATED;
    const m = this.mem;
    return (
      (((m[p] ?? 0) << 24) | ((m[p + 1] ?? 0) << 16) | ((m[p + 2] ?? 0) << 8) | (m[p + 3] ?? 0)) >>>
      0
    );
  }

  /** ` [|name]`: part of the packet was not captured. */
  putTruncated(): void {
    this.text += ` [|${this.protocol}]`;
  }

  putInvalid(): void {
    this.text += ' (invalid)';
  }

  /** Hex and text of something no printer knows. */
  putDump(p: number, length: number): void {
    const size = Math.min(length, this.available(p));
    if (size > 0) this.text += hexAsciiDump(this.mem, p, size);
  }

  /** Hex alone, each line after `indent`: the insides of something that -v shows. */
  putHex(p: number, length: number, indent: string): void {
    const size = Math.min(length, this.available(p));
    if (size > 0) this.text += hexDump(this.mem, p, size, indent);
  }

  /** The same, unless the user wants it short or has everything dumped in hex anyway. */
  putDumpUnlessDumping(p: number, length: number): void {
    const { hex, hexAscii, quiet } = this.options;
    if (hex + hexAscii + quiet === 0) this.putDump(p, length);
  }

  /** Lowers the end to `end` and returns the old one, for restoreEnd. */
  limitEnd(end: number): number {
    const saved = this.snapEnd;
    if (end < saved) this.snapEnd = end;
    return saved;
  }

  restoreEnd(saved: number): void {
    this.snapEnd = saved;
  }
}
