/**
 * Reads a capture of either format from bytes that arrive in pieces.
 *
 * Caller: tcpdump -r, scenario steps, imports → CaptureReader → PcapParser or PcapNgParser.
 *
 *     const reader = CaptureReader.fromBytes(file);
 *     for (const packet of reader) …
 *
 * Damaged input ends in CaptureFormatError, after every packet before the damage was given.
 */

import { ByteSource } from './byte-source.js';
import { CaptureFormatError } from './capture-types.js';
import type {
  CapturedPacket,
  CaptureFacts,
  CaptureInterface,
  CaptureName,
  CaptureParser,
  CaptureSection,
  CaptureStatistics,
} from './capture-types.js';
import { BLOCK_SHB, BYTE_ORDER_MAGIC, PCAP_MAGIC_NS, PCAP_MAGIC_US } from './constants.js';
import { PcapParser } from './pcap-reader.js';
import { PcapNgParser } from './pcapng-reader.js';

export class CaptureReader implements Iterable<CapturedPacket> {
  private readonly source = new ByteSource();
  private readonly facts: CaptureFacts = {
    interfaces: [],
    sections: [],
    statistics: [],
    names: [],
  };
  private parser: CaptureParser | undefined;
  private failure: CaptureFormatError | undefined;
  private kind: 'pcap' | 'pcapng' | undefined;

  /** A reader of a complete capture; the bytes are used in place and must not change. */
  static fromBytes(bytes: Uint8Array): CaptureReader {
    const reader = new CaptureReader();
    reader.push(bytes);
    reader.end();
    return reader;
  }

  /** Adds bytes. They may be used in place, so the caller must not change them afterwards. */
  push(chunk: Uint8Array): void {
    this.source.push(chunk);
  }

  /** No more bytes will come: an incomplete record becomes an error. */
  end(): void {
    this.source.ended = true;
  }

  /**
   * The next packet, or undefined when more bytes are needed or the capture is over.
   *
   * @throws CaptureFormatError, and the same one again on every later call
   */
  next(): CapturedPacket | undefined {
    if (this.failure !== undefined) throw this.failure;
    try {
      return this.open() ? this.parser?.next() : undefined;
    } catch (error) {
      if (error instanceof CaptureFormatError) this.failure = error;
      throw error;
    }
  }

  *[Symbol.iterator](): Iterator<CapturedPacket> {
    for (;;) {
      const packet = this.next();
      if (packet === undefined) return;
      yield packet;
    }
  }

  /** Undefined until the first bytes were looked at. */
  get format(): 'pcap' | 'pcapng' | undefined {
    return this.kind;
  }

  /** Interfaces seen so far, over all sections. One for classic pcap. */
  get interfaces(): readonly CaptureInterface[] {
    return this.facts.interfaces;
  }

  get sections(): readonly CaptureSection[] {
    return this.facts.sections;
  }

  get statistics(): readonly CaptureStatistics[] {
    return this.facts.statistics;
  }

  get names(): readonly CaptureName[] {
    return this.facts.names;
  }

  /** Finds out the format. False when there are too few bytes yet. */
  private open(): boolean {
    if (this.parser !== undefined) return true;
    const s = this.source;
    if (s.available < 4) {
      if (s.ended) {
        throw new CaptureFormatError(
          `truncated dump file; tried to read 4 file header bytes, only got ${s.available}`,
        );
      }
      return false;
    }
    const little = s.view.getUint32(s.pos, true);
    const big = s.view.getUint32(s.pos, false);
    if (little === PCAP_MAGIC_US || little === PCAP_MAGIC_NS) {
      this.start('pcap', new PcapParser(s, this.facts, little, true));
    } else if (big === PCAP_MAGIC_US || big === PCAP_MAGIC_NS) {
      this.start('pcap', new PcapParser(s, this.facts, big, false));
    } else if (little === BLOCK_SHB) {
      if (s.available < 12 && !s.ended) return false;
      if (s.available < 12 || !isSectionHeader(s)) {
        throw new CaptureFormatError('unknown file format');
      }
      this.start('pcapng', new PcapNgParser(s, this.facts));
    } else {
      throw new CaptureFormatError('unknown file format');
    }
    return true;
  }

  private start(kind: 'pcap' | 'pcapng', parser: CaptureParser): void {
    this.kind = kind;
    this.parser = parser;
  }
}

function isSectionHeader(s: ByteSource): boolean {
  const magic = s.view.getUint32(s.pos + 8, true);
  return magic === BYTE_ORDER_MAGIC || magic === 0x4d3c2b1a;
}
