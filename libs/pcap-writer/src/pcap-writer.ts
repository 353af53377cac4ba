/**
 * Writes classic pcap, as `tcpdump -w` does.
 *
 * Caller: tcpdump -w, exports → PcapWriter → a byte sink. Little-endian, version 2.4.
 * Source: draft-ietf-opsawg-pcap. Units: ns in, µs or ns in the file.
 */

import { ChunkBuffer } from './chunk-buffer.js';
import type { ChunkOptions, ChunkSink } from './chunk-buffer.js';
import { DEFAULT_SNAPLEN, PCAP_MAGIC_NS, PCAP_MAGIC_US } from './constants.js';

export interface PcapOptions extends ChunkOptions {
  readonly linkType: number;
  /** Default 262144. The caller truncates; the file only states it. */
  readonly snapLen?: number;
  /** Resolution of the file; default 'ns'. */
  readonly precision?: 'us' | 'ns';
  /** Whole seconds since 1970 added to every time stamp; default 0. */
  readonly epochSec?: number;
}

export class PcapWriter {
  private readonly out: ChunkBuffer;
  private readonly divisor: number;
  private readonly epochSec: number;

  /** Buffers the file header at once. */
  constructor(sink: ChunkSink, options: PcapOptions) {
    this.out = new ChunkBuffer(sink, options);
    const nano = (options.precision ?? 'ns') === 'ns';
    this.divisor = nano ? 1 : 1000;
    this.epochSec = options.epochSec ?? 0;
    this.out.u32(nano ? PCAP_MAGIC_NS : PCAP_MAGIC_US);
    this.out.u16(2);
    this.out.u16(4);
    this.out.u32(0);
    this.out.u32(0);
    this.out.u32(options.snapLen ?? DEFAULT_SNAPLEN);
    this.out.u32(options.linkType);
  }

  /**
   * Appends one packet; nothing of `mem` is retained.
   *
   * @param tsNs virtual ns since the epoch of the writer, 0 … 2^53
   */
  writePacket(
    tsNs: number,
    mem: Uint8Array,
    offset: number,
    capLen: number,
    origLen: number,
  ): void {
    const sec = Math.floor(tsNs / 1e9);
    this.writePacketAt(this.epochSec + sec, tsNs - sec * 1e9, mem, offset, capLen, origLen);
  }

  /** As writePacket, with calendar time in whole seconds and nanoseconds. */
  writePacketAt(
    sec: number,
    nsec: number,
    mem: Uint8Array,
    offset: number,
    capLen: number,
    origLen: number,
  ): void {
    const out = this.out;
    out.reserve(16 + capLen);
    const v = out.view;
    const p = out.pos;
    v.setUint32(p, sec, true);
    v.setUint32(p + 4, Math.floor(nsec / this.divisor), true);
    v.setUint32(p + 8, capLen, true);
    v.setUint32(p + 12, origLen, true);
    out.pos = p + 16;
    out.copy(mem, offset, capLen);
  }

  /** Hands all buffered bytes to the sink. */
  flush(): void {
    this.out.flush();
  }
}
