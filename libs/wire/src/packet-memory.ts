/**
 * Packet memory: one fixed-size WebAssembly memory a lab, cut into slots, with bulk operations that run inside it.
 *
 * Every packet of every host of a lab lives here; an address is a byte offset. Slots are reference-counted (clones of
 * an sk_buff share one). The memory never grows, since growing would detach every view; pages that were never touched
 * cost nothing. Headers are read through {@link PacketMemory.dv}, whose default byte order is the network's.
 *
 *   0 ─ guard ─ | small slots, 2 KiB each … | large slots, 68 KiB each … |
 */
import { invariant } from '@netloom/base';
import { OPS_WASM_HEX } from './ops-wasm.js';

/** Bytes of a small slot: a 1500-byte frame with headroom. */
export const SMALL_SLOT = 2048;
/** Bytes of a large slot: a 64 KiB datagram or super-packet with headroom. */
export const LARGE_SLOT = 0x11000;

const PAGE = 65536;

interface Ops {
  copy(dst: number, src: number, length: number): void;
  fill(dst: number, value: number, length: number): void;
  csum(offset: number, length: number, init: number): number;
  hash(offset: number, length: number): number;
  epb(
    ctl: number,
    timeNs: number,
    src: number,
    length: number,
    flags: number,
    packetId: number,
  ): number;
}

function assembled(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(OPS_WASM_HEX.length / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = parseInt(OPS_WASM_HEX.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Slots of one size: a bump pointer over fresh ones and a stack of returned ones. */
class SlotClass {
  readonly refs: Uint16Array;
  private readonly stack: Int32Array;
  private depth = 0;
  private fresh = 0;
  inUse = 0;

  constructor(
    readonly base: number,
    readonly slotSize: number,
    readonly count: number,
  ) {
    this.refs = new Uint16Array(count);
    this.stack = new Int32Array(count);
  }

  take(): number {
    let index: number;
    if (this.depth > 0) index = this.stack[--this.depth] as number;
    else if (this.fresh < this.count) index = this.fresh++;
    else return -1;
    this.refs[index] = 1;
    this.inUse++;
    return this.base + index * this.slotSize;
  }

  drop(index: number): void {
    const left = (this.refs[index] as number) - 1;
    invariant(left >= 0, 'packet slot freed twice');
    this.refs[index] = left;
    if (left > 0) return;
    this.stack[this.depth++] = index;
    this.inUse--;
  }
}

export class PacketMemory {
  readonly u8: Uint8Array;
  readonly dv: DataView;
  /** Bytes as stored, little-endian pairs: for sums and comparisons that do not care for the order. */
  readonly u16: Uint16Array;
  readonly ops: Ops;
  /** Number of allocations that found no slot. */
  exhausted = 0;

  private readonly small: SlotClass;
  private readonly large: SlotClass;
  private readonly largeBase: number;

  /** @param bytes total size; a quarter goes to large slots */
  constructor(bytes = 128 * 1024 * 1024) {
    const pages = Math.max(16, Math.ceil(bytes / PAGE));
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const module = new WebAssembly.Module(assembled());
    this.ops = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Ops;
    this.u8 = new Uint8Array(memory.buffer);
    this.dv = new DataView(memory.buffer);
    this.u16 = new Uint16Array(memory.buffer);
    const usable = pages * PAGE - SMALL_SLOT;
    const largeCount = Math.max(1, Math.floor(usable / 4 / LARGE_SLOT));
    const smallCount = Math.floor((usable - largeCount * LARGE_SLOT) / SMALL_SLOT);
    this.small = new SlotClass(SMALL_SLOT, SMALL_SLOT, smallCount);
    this.largeBase = SMALL_SLOT * (1 + smallCount);
    this.large = new SlotClass(this.largeBase, LARGE_SLOT, largeCount);
  }

  /** The start of a slot of at least `size` bytes with one reference; -1 when there is none or the size is too large. */
  alloc(size: number): number {
    let at = -1;
    if (size <= SMALL_SLOT) at = this.small.take();
    else if (size <= LARGE_SLOT) at = this.large.take();
    if (at < 0) this.exhausted++;
    return at;
  }

  /** Bytes of the slot that starts at `slot`. */
  slotSize(slot: number): number {
    return slot >= this.largeBase ? LARGE_SLOT : SMALL_SLOT;
  }

  /** Adds a reference to the slot that starts at `slot`. */
  ref(slot: number): void {
    if (slot >= this.largeBase) {
      const index = (slot - this.largeBase) / LARGE_SLOT;
      this.large.refs[index] = (this.large.refs[index] as number) + 1;
    } else {
      const index = (slot >>> 11) - 1;
      this.small.refs[index] = (this.small.refs[index] as number) + 1;
    }
  }

  /** Drops a reference; the last one returns the slot. */
  unref(slot: number): void {
    if (slot >= this.largeBase) {
      this.large.drop((slot - this.largeBase) / LARGE_SLOT);
    } else {
      this.small.drop((slot >>> 11) - 1);
    }
  }

  /** True where more than one sk_buff refers to the slot. */
  shared(slot: number): boolean {
    return slot >= this.largeBase
      ? (this.large.refs[(slot - this.largeBase) / LARGE_SLOT] as number) > 1
      : (this.small.refs[(slot >>> 11) - 1] as number) > 1;
  }

  /** Slots in use, for tests and accounting. */
  get inUse(): { readonly small: number; readonly large: number } {
    return { small: this.small.inUse, large: this.large.inUse };
  }

  /** Copies within packet memory. */
  copy(dst: number, src: number, length: number): void {
    if (length >= 32) this.ops.copy(dst, src, length);
    else for (let i = 0; i < length; i++) this.u8[dst + i] = this.u8[src + i] as number;
  }

  /** Copies bytes into packet memory. */
  write(dst: number, bytes: Uint8Array, from = 0, length = bytes.length - from): void {
    if (from === 0 && length === bytes.length) this.u8.set(bytes, dst);
    else this.u8.set(bytes.subarray(from, from + length), dst);
  }

  /** A copy of `length` bytes at `offset`, outside packet memory. */
  bytes(offset: number, length: number): Uint8Array {
    return this.u8.slice(offset, offset + length);
  }
}
