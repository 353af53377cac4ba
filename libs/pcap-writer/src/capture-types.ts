/**
 * What the reader gives out, and its one kind of error.
 */

/** The bytes are no capture, or a damaged one. The text is what libpcap says in the same case. */
export class CaptureFormatError extends Error {
  override readonly name = 'CaptureFormatError';
}

export interface CapturedPacket {
  /**
   * Nanoseconds since 1970. Above 2^53 a JS number is rounded (to 256 ns today); `sec` and `nsec`
   * are exact.
   */
  readonly tsNs: number;
  readonly sec: number;
  readonly nsec: number;
  readonly linkType: number;
  /** Number of the interface in the whole file, over all sections; 0 for classic pcap. */
  readonly ifIndex: number;
  readonly ifName?: string;
  readonly capLen: number;
  readonly origLen: number;
  /** A view, valid for as long as it is kept. */
  readonly data: Uint8Array;
  readonly flags?: number;
  /** Rounded when above 2^53. */
  readonly packetId?: number;
  readonly dropCount?: number;
  readonly queue?: number;
  readonly comment?: string;
}

export interface CaptureInterface {
  readonly linkType: number;
  readonly snapLen: number;
  readonly name?: string;
  readonly description?: string;
  readonly filter?: string;
  readonly os?: string;
  readonly speed?: number;
  readonly tsOffsetSec: number;
  /** Time stamp units a second, e.g. 1e6 or 1e9. */
  readonly tsUnitsPerSec: number;
}

export interface CaptureSection {
  readonly comments: readonly string[];
  readonly hardware?: string;
  readonly os?: string;
  readonly userAppl?: string;
}

export interface CaptureStatistics {
  readonly ifIndex: number;
  readonly ifRecv?: number;
  readonly ifDrop?: number;
  readonly filterAccept?: number;
  readonly osDrop?: number;
  readonly usrDeliv?: number;
}

export interface CaptureName {
  readonly address: Uint8Array;
  readonly names: readonly string[];
}

/** Where parsers put what they learn; the reader exposes it read-only. */
export interface CaptureFacts {
  readonly interfaces: CaptureInterface[];
  readonly sections: CaptureSection[];
  readonly statistics: CaptureStatistics[];
  readonly names: CaptureName[];
}

/** A format's parser: the next packet, or undefined for "needs more bytes or is at the end". */
export interface CaptureParser {
  next(): CapturedPacket | undefined;
}
