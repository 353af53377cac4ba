/**
 * Reads classic pcap records: either byte order, µs or ns.
 *
 * Caller: CaptureReader, once the magic number is known. Source: draft-ietf-opsawg-pcap; the error
 * texts are libpcap's.
 */

import type { ByteSource } from './byte-source.js';
import { CaptureFormatError } from './capture-types.js';
import type { CapturedPacket, CaptureFacts, CaptureParser } from './capture-types.js';
import { MAXIMUM_SNAPLEN, PCAP_MAGIC_NS } from './constants.js';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;

export class PcapParser implements CaptureParser {
  private readonly little: boolean;
  private readonly nano: boolean;
  private linkType = -1;
  private snapLen = 0;

  constructor(
    private readonly source: ByteSource,
    private readonly facts: CaptureFacts,
    magic: number,
    little: boolean,
  ) {
    this.little = little;
    this.nano = magic === PCAP_MAGIC_NS;
  }

  next(): CapturedPacket | undefined {
    if (this.linkType < 0 && !this.readFileHeader()) return undefined;
    const s = this.source;
    if (s.available < RECORD_HEADER) {
      if (s.ended && s.available > 0) {
        throw truncated(RECORD_HEADER, 'header bytes', s.available);
      }
      return undefined;
    }
    const capLen = s.view.getUint32(s.pos + 8, this.little);
    const limit = this.snapLen === 0 ? MAXIMUM_SNAPLEN : Math.max(this.snapLen, MAXIMUM_SNAPLEN);
    if (capLen > limit) {
      throw new CaptureFormatError(
        `invalid packet capture length ${capLen}, bigger than snaplen of ${this.snapLen}`,
      );
    }
    if (s.available < RECORD_HEADER + capLen) {
      if (s.ended) throw truncated(capLen, 'captured bytes', s.available - RECORD_HEADER);
      return undefined;
    }
    const sec = s.view.getUint32(s.pos, this.little);
    const fraction = s.view.getUint32(s.pos + 4, this.little);
    const nsec = this.nano ? fraction : fraction * 1000;
    const start = s.pos + RECORD_HEADER;
    const packet: CapturedPacket = {
      tsNs: sec * 1e9 + nsec,
      sec,
      nsec,
      linkType: this.linkType,
      ifIndex: 0,
      capLen,
      origLen: s.view.getUint32(s.pos + 12, this.little),
      data: s.bytes.subarray(start, start + capLen),
    };
    s.pos = start + capLen;
    return packet;
  }

  /** Reads ahead so that link type and snapshot length are known before the first packet. */
  readFileHeader(): boolean {
    const s = this.source;
    if (s.available < FILE_HEADER) {
      if (s.ended) throw truncated(FILE_HEADER, 'file header bytes', s.available - 4);
      return false;
    }
    const major = s.view.getUint16(s.pos + 4, this.little);
    const minor = s.view.getUint16(s.pos + 6, this.little);
    if (major < 2) {
      throw new CaptureFormatError('archaic pcap savefile format');
    }
    if (major > 2 || (minor !== 4 && minor !== 3)) {
      throw new CaptureFormatError(`unsupported pcap savefile version ${major}.${minor}`);
    }
    this.snapLen = s.view.getUint32(s.pos + 16, this.little);
    this.linkType = s.view.getUint32(s.pos + 20, this.little) & 0x03ffffff;
    s.pos += FILE_HEADER;
    this.facts.interfaces.push({
      linkType: this.linkType,
      snapLen: this.snapLen,
      tsOffsetSec: 0,
      tsUnitsPerSec: this.nano ? 1e9 : 1e6,
    });
    return true;
  }
}

function truncated(wanted: number, what: string, got: number): CaptureFormatError {
  return new CaptureFormatError(
    `truncated dump file; tried to read ${wanted} ${what}, only got ${got}`,
  );
}
