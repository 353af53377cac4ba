/**
 * The hot path of a capture: packet blocks put together inside packet memory, where the packets are.
 *
 * Capture → this → one WebAssembly call a packet, and a chunk handed on when enough has gathered. The bytes are those of
 * PcapNgWriter.writePacketFast; a spec holds one against the other.
 */
import { type NetDevice, PACKET_OTHERHOST, type SkBuff } from '@netloom/kernel-core';
import { EPB_FLAG_INBOUND, EPB_FLAG_OUTBOUND, EPB_FLAG_PROMISC } from '@netloom/pcap-writer';
import { LARGE_SLOT, type PacketMemory } from '@netloom/wire';

/** Control words in front of the blocks, as `epb` of ops.wat wants them, by their place. */
const CONTROL = 32;
const CTL_AT = 8;
const CTL_IFINDEX = 12;
const CTL_SNAPLEN = 16;
/** What a block adds to its packet, and what the copy may write behind it. */
const BLOCK_ROOM = 56 + 3 + 64;
/** The longest packet that can be put into the buffer at all. */
/** Always finds room: blocks are handed on before the chunk gets longer than 64 KiB. */
const SURE = 2048;
const LONGEST = LARGE_SLOT - CONTROL - BLOCK_ROOM;

/** Asks `epb` to add unicast, multicast or broadcast, by the destination. */
const BY_DESTINATION = 1 << 31;
const OUTBOUND = EPB_FLAG_OUTBOUND | BY_DESTINATION;
const INBOUND = EPB_FLAG_INBOUND | BY_DESTINATION;
/** For another station. */
const PROMISCUOUS = EPB_FLAG_INBOUND | EPB_FLAG_PROMISC;

export interface BlockSettings {
  readonly epochSec: number;
  readonly snapLen: number;
  /** Bytes at which they are handed on. */
  readonly chunkBytes: number;
}

export class CaptureBlocks {
  private readonly start: number;
  /** Where the next block goes, the place from which on blocks are handed on, and the last where one without bytes fits. */
  private at: number;
  private enoughAt: number;
  private readonly last: number;
  private ifIndex = -1;
  /**
   * Bytes at which they are handed on: few at first, twice as many each time. A quiet capture shows its first packets soon,
   * and the compiler has seen this path before it optimises the one that leads here.
   */
  private enough = 512;

  private constructor(
    private readonly mem: PacketMemory,
    private readonly slot: number,
    private readonly settings: BlockSettings,
    private readonly sink: (chunk: Uint8Array) => void,
  ) {
    this.start = slot + CONTROL;
    this.at = this.start;
    this.enoughAt = this.start + this.enough;
    this.last = slot + LARGE_SLOT - BLOCK_ROOM;
    const { epochSec } = settings;
    // epochSec × 10^9 in halves of 32 bits, exactly: the product does not fit a number.
    const low = (epochSec % 65536) * 1e9;
    const high = Math.floor(epochSec / 65536) * 1e9; // × 65536
    const lowSum = low + (high % 65536) * 65536;
    mem.dv.setUint32(slot, lowSum % 0x1_0000_0000, true);
    mem.dv.setUint32(slot + 4, Math.floor(high / 65536) + Math.floor(lowSum / 0x1_0000_0000), true);
    mem.dv.setUint32(slot + CTL_AT, this.start, true);
    mem.dv.setUint32(slot + CTL_SNAPLEN, settings.snapLen, true);
  }

  /** Takes a buffer of packet memory; undefined when there is none. */
  static create(
    mem: PacketMemory,
    settings: BlockSettings,
    sink: (chunk: Uint8Array) => void,
  ): CaptureBlocks | undefined {
    const slot = mem.alloc(LARGE_SLOT);
    return slot < 0 ? undefined : new CaptureBlocks(mem, slot, settings, sink);
  }

  /** True where every packet of up to this many bytes can be put into the buffer. */
  fits(capLen: number): boolean {
    return capLen <= LONGEST;
  }

  /**
   * Appends a frame as a tap shows it: one run of bytes with an Ethernet header, and not longer than fits. Takes the
   * packet and not its figures, which would be boxed on the way where this is not inlined.
   */
  writeFrame(ifIndex: number, skb: SkBuff, dev: NetDevice, outgoing: boolean): void {
    const start = outgoing ? skb.data : skb.macHeader;
    this.write(
      ifIndex,
      dev.kernel.engine.now,
      start,
      skb.tail - start,
      outgoing ? OUTBOUND : skb.pktType === PACKET_OTHERHOST ? PROMISCUOUS : INBOUND,
      skb.packetId,
    );
  }

  /** Appends a packet of `length` bytes that lies at `offset` of the same memory. Times in virtual nanoseconds. */
  write(
    ifIndex: number,
    timeNs: number,
    offset: number,
    length: number,
    flags: number,
    packetId: number,
  ): void {
    if (ifIndex !== this.ifIndex) this.select(ifIndex);
    if (length > SURE && this.at + length > this.last) this.flush();
    this.at = this.mem.ops.epb(this.slot, timeNs, offset, length, flags, packetId);
    if (this.at >= this.enoughAt) this.flush();
  }

  /** Hands on what has gathered; the chunk is the sink's only during the call. */
  flush(): void {
    if (this.at === this.start) return;
    const end = this.at;
    this.rewind();
    this.enough = Math.min(this.settings.chunkBytes, this.enough * 2);
    this.enoughAt = this.start + this.enough;
    this.sink(this.mem.u8.subarray(this.start, end));
  }

  /** Gives the buffer back. */
  release(): void {
    this.flush();
    this.mem.unref(this.slot);
  }

  private select(ifIndex: number): void {
    this.ifIndex = ifIndex;
    this.mem.dv.setUint32(this.slot + CTL_IFINDEX, ifIndex, true);
  }

  private rewind(): void {
    this.at = this.start;
    this.mem.dv.setUint32(this.slot + CTL_AT, this.start, true);
  }
}
