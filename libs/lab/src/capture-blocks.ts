/**
 * The hot path of a capture: packet blocks put together inside packet memory, where the packets are.
 *
 * Capture → this → one WebAssembly call a packet, and a chunk handed on when enough has gathered. The bytes are those of
 * PcapNgWriter.writePacketFast; a spec holds one against the other.
 */
import { LARGE_SLOT, type PacketMemory } from '@netloom/wire';

/** Control words in front of the blocks: the time of virtual zero and the interface number. */
const CONTROL = 16;
/** What a block adds to its packet, and what the copy may write behind it. */
const BLOCK_ROOM = 56 + 3 + 16;

export class CaptureBlocks {
  private readonly slot: number;
  private readonly start: number;
  private at: number;
  private ifIndex = -1;
  /**
   * Bytes at which they are handed on: few at first, twice as many each time. A quiet capture shows its first packets soon,
   * and the compiler has seen this path before it optimises the one that leads here.
   */
  private enough = 512;

  private constructor(
    private readonly mem: PacketMemory,
    slot: number,
    epochSec: number,
    private readonly chunkBytes: number,
    private readonly sink: (chunk: Uint8Array) => void,
  ) {
    this.slot = slot;
    this.start = slot + CONTROL;
    this.at = this.start;
    // epochSec × 10^9 in halves of 32 bits, exactly: the product does not fit a number.
    const low = (epochSec % 65536) * 1e9;
    const high = Math.floor(epochSec / 65536) * 1e9; // × 65536
    const lowSum = low + (high % 65536) * 65536;
    mem.dv.setUint32(slot, lowSum % 0x1_0000_0000, true);
    mem.dv.setUint32(slot + 4, Math.floor(high / 65536) + Math.floor(lowSum / 0x1_0000_0000), true);
  }

  /** Takes a buffer of packet memory; undefined when there is none. */
  static create(
    mem: PacketMemory,
    epochSec: number,
    chunkBytes: number,
    sink: (chunk: Uint8Array) => void,
  ): CaptureBlocks | undefined {
    const slot = mem.alloc(LARGE_SLOT);
    return slot < 0 ? undefined : new CaptureBlocks(mem, slot, epochSec, chunkBytes, sink);
  }

  /** True where a packet of this many bytes can be put into the buffer at all. */
  fits(capLen: number): boolean {
    return CONTROL + capLen + BLOCK_ROOM <= LARGE_SLOT;
  }

  /** Appends a packet that lies at `offset` of the same memory. Times in virtual nanoseconds. */
  write(
    ifIndex: number,
    timeNs: number,
    offset: number,
    capLen: number,
    origLen: number,
    flags: number,
    packetId: number,
  ): void {
    if (this.at + capLen + BLOCK_ROOM > this.slot + LARGE_SLOT) this.flush();
    const { mem, slot } = this;
    if (ifIndex !== this.ifIndex) {
      this.ifIndex = ifIndex;
      mem.dv.setUint32(slot + 8, ifIndex, true);
    }
    this.at += mem.ops.epb(this.at, slot, timeNs, offset, capLen, origLen, flags, packetId);
    if (this.at - this.start >= this.enough) this.flush();
  }

  /** Hands on what has gathered; the chunk is the sink's only during the call. */
  flush(): void {
    if (this.at === this.start) return;
    const end = this.at;
    this.at = this.start;
    this.enough = Math.min(this.chunkBytes, this.enough * 2);
    this.sink(this.mem.u8.subarray(this.start, end));
  }

  /** Gives the buffer back. */
  release(): void {
    this.flush();
    this.mem.unref(this.slot);
  }
}
