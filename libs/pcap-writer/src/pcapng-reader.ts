/**
 * Reads pcapng blocks: either byte order, any number of sections, unknown blocks skipped.
 *
 * Caller: CaptureReader, once the first block type is known. Every length is checked against the
 * block before it is used. Source: draft-ietf-opsawg-pcapng; the error texts are libpcap's.
 * Difference: libpcap demands one link type and no Simple Packet Block surprises; here interfaces
 * of several link types live together.
 */

import type { ByteSource } from './byte-source.js';
import { CaptureFormatError } from './capture-types.js';
import type {
  CapturedPacket,
  CaptureFacts,
  CaptureInterface,
  CaptureParser,
} from './capture-types.js';
import * as C from './constants.js';

const decoder = new TextDecoder();
const TWO_32 = 4294967296;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export class PcapNgParser implements CaptureParser {
  private little = true;
  /** Index in facts.interfaces of interface 0 of the current section. */
  private sectionBase = 0;

  constructor(
    private readonly source: ByteSource,
    private readonly facts: CaptureFacts,
  ) {}

  next(): CapturedPacket | undefined {
    for (;;) {
      const length = this.blockLength();
      if (length < 0) return undefined;
      const start = this.source.pos;
      this.source.pos += length;
      const packet = this.readBlock(start, length);
      if (packet !== undefined) return packet;
    }
  }

  /** Length of the complete block at the read position, or −1. */
  private blockLength(): number {
    const s = this.source;
    if (s.available < 8) {
      if (s.ended && s.available > 0) throw truncated(8, s.available);
      return -1;
    }
    const type = s.view.getUint32(s.pos, this.little);
    if (type === C.BLOCK_SHB) {
      if (s.available < 12) {
        if (s.ended) throw truncated(20, s.available - 8);
        return -1;
      }
      this.readByteOrder(s.pos + 8);
    }
    const length = s.view.getUint32(s.pos + 4, this.little);
    if (length < 12) {
      throw new CaptureFormatError(`block in pcapng dump file has a length of ${length} < 12`);
    }
    if ((length & 3) !== 0) {
      throw new CaptureFormatError(
        `block in pcapng dump file has a length of ${length} that is not a multiple of 4`,
      );
    }
    if (length > C.MAX_BLOCK_BYTES) {
      throw new CaptureFormatError(`pcapng block size ${length} > maximum ${C.MAX_BLOCK_BYTES}`);
    }
    if (s.available < length) {
      if (s.ended) throw truncated(length - 8, s.available - 8);
      return -1;
    }
    if (s.view.getUint32(s.pos + length - 4, this.little) !== length) {
      throw new CaptureFormatError("block total length in header and trailer don't match");
    }
    return length;
  }

  private readByteOrder(at: number): void {
    const view = this.source.view;
    if (view.getUint32(at, true) === C.BYTE_ORDER_MAGIC) this.little = true;
    else if (view.getUint32(at, false) === C.BYTE_ORDER_MAGIC) this.little = false;
    else throw new CaptureFormatError('unknown file format');
  }

  private readBlock(start: number, length: number): CapturedPacket | undefined {
    const body = start + 8;
    const end = start + length - 4;
    const type = this.u32(start);
    switch (type) {
      case C.BLOCK_SHB:
        this.readSection(body, end);
        return undefined;
      case C.BLOCK_IDB:
        this.readInterface(body, end);
        return undefined;
      case C.BLOCK_EPB:
      case C.BLOCK_PACKET:
        return this.readPacket(type, body, end);
      case C.BLOCK_SPB:
        return this.readSimplePacket(body, end);
      case C.BLOCK_NRB:
        this.readNames(body, end);
        return undefined;
      case C.BLOCK_ISB:
        this.readStatistics(body, end);
        return undefined;
      default:
        return undefined;
    }
  }

  private readSection(body: number, end: number): void {
    if (end - body < 16) throw tooShort(C.BLOCK_SHB);
    const major = this.u16(body + 4);
    const minor = this.u16(body + 6);
    if (!(major === 1 && (minor === 0 || minor === 2))) {
      throw new CaptureFormatError(`unsupported pcapng savefile version ${major}.${minor}`);
    }
    this.sectionBase = this.facts.interfaces.length;
    const comments: string[] = [];
    const section: Writable<(typeof this.facts.sections)[number]> = { comments };
    this.eachOption(body + 16, end, (code, at, n) => {
      if (code === C.OPT_COMMENT) comments.push(this.text(at, n));
      else if (code === C.SHB_HARDWARE) section.hardware = this.text(at, n);
      else if (code === C.SHB_OS) section.os = this.text(at, n);
      else if (code === C.SHB_USERAPPL) section.userAppl = this.text(at, n);
    });
    this.facts.sections.push(section);
  }

  private readInterface(body: number, end: number): void {
    if (end - body < 8) throw tooShort(C.BLOCK_IDB);
    const iface: Writable<CaptureInterface> = {
      linkType: this.u16(body),
      snapLen: this.u32(body + 4),
      tsOffsetSec: 0,
      tsUnitsPerSec: 1e6,
    };
    this.eachOption(body + 8, end, (code, at, n) => {
      if (code === C.IF_NAME) iface.name = this.text(at, n);
      else if (code === C.IF_DESCRIPTION) iface.description = this.text(at, n);
      else if (code === C.IF_OS) iface.os = this.text(at, n);
      else if (code === C.IF_FILTER && n > 1 && this.source.bytes[at] === 0) {
        iface.filter = this.text(at + 1, n - 1);
      } else if (code === C.IF_SPEED && n === 8) iface.speed = this.u64(at);
      else if (code === C.IF_TSOFFSET && n === 8) iface.tsOffsetSec = this.i64(at);
      else if (code === C.IF_TSRESOL && n === 1) {
        iface.tsUnitsPerSec = resolution(this.source.bytes[at] ?? 6);
      }
    });
    this.facts.interfaces.push(iface);
  }

  private readPacket(type: number, body: number, end: number): CapturedPacket {
    if (end - body < 20) throw tooShort(type);
    const number = type === C.BLOCK_EPB ? this.u32(body) : this.u16(body);
    const iface = this.interfaceOf(number);
    const capLen = this.u32(body + 12);
    const at = body + 20;
    if (capLen > end - at) throw tooShort(type);
    const [sec, nsec] = split(this.u32(body + 4), this.u32(body + 8), iface.tsUnitsPerSec);
    const packet: Writable<CapturedPacket> = this.packet(
      number,
      iface,
      sec + iface.tsOffsetSec,
      nsec,
      at,
      capLen,
      this.u32(body + 16),
    );
    this.eachOption(at + ((capLen + 3) & ~3), end, (code, p, n) => {
      if (code === C.OPT_COMMENT) packet.comment = this.text(p, n);
      else if (code === C.EPB_FLAGS && n === 4) packet.flags = this.u32(p);
      else if (type !== C.BLOCK_EPB) return;
      else if (code === C.EPB_PACKETID && n === 8) packet.packetId = this.u64(p);
      else if (code === C.EPB_DROPCOUNT && n === 8) packet.dropCount = this.u64(p);
      else if (code === C.EPB_QUEUE && n === 4) packet.queue = this.u32(p);
    });
    return packet;
  }

  private readSimplePacket(body: number, end: number): CapturedPacket {
    if (end - body < 4) throw tooShort(C.BLOCK_SPB);
    const iface = this.interfaceOf(0);
    const origLen = this.u32(body);
    const limited = iface.snapLen > 0 ? Math.min(origLen, iface.snapLen) : origLen;
    if (limited > end - body - 4) throw tooShort(C.BLOCK_SPB);
    return this.packet(0, iface, 0, 0, body + 4, limited, origLen);
  }

  private packet(
    number: number,
    iface: CaptureInterface,
    sec: number,
    nsec: number,
    at: number,
    capLen: number,
    origLen: number,
  ): CapturedPacket {
    return {
      tsNs: sec * 1e9 + nsec,
      sec,
      nsec,
      linkType: iface.linkType,
      ifIndex: this.sectionBase + number,
      ...(iface.name === undefined ? {} : { ifName: iface.name }),
      capLen,
      origLen,
      data: this.source.bytes.subarray(at, at + capLen),
    };
  }

  private interfaceOf(number: number): CaptureInterface {
    const all = this.facts.interfaces;
    if (all.length === this.sectionBase) {
      throw new CaptureFormatError(
        'the capture file has a packet block before any Interface Description Blocks',
      );
    }
    const iface = all[this.sectionBase + number];
    if (iface === undefined) {
      throw new CaptureFormatError(
        `a packet arrived on interface ${number}, but there's no Interface Description Block for that interface`,
      );
    }
    return iface;
  }

  private readNames(body: number, end: number): void {
    this.eachOption(body, end, (type, at, n) => {
      const size = type === C.NRES_IP4RECORD ? 4 : type === C.NRES_IP6RECORD ? 16 : 0;
      if (size === 0 || n < size) return;
      const names = this.text(at + size, n - size)
        .split('\0')
        .filter((name) => name !== '');
      this.facts.names.push({ address: this.source.bytes.slice(at, at + size), names });
    });
  }

  private readStatistics(body: number, end: number): void {
    if (end - body < 12) throw tooShort(C.BLOCK_ISB);
    const number = this.u32(body);
    const stats: Writable<(typeof this.facts.statistics)[number]> = {
      ifIndex: this.sectionBase + number,
    };
    this.eachOption(body + 12, end, (code, at, n) => {
      if (n !== 8) return;
      if (code === C.ISB_IFRECV) stats.ifRecv = this.u64(at);
      else if (code === C.ISB_IFDROP) stats.ifDrop = this.u64(at);
      else if (code === C.ISB_FILTERACCEPT) stats.filterAccept = this.u64(at);
      else if (code === C.ISB_OSDROP) stats.osDrop = this.u64(at);
      else if (code === C.ISB_USRDELIV) stats.usrDeliv = this.u64(at);
    });
    this.facts.statistics.push(stats);
  }

  /** Visits options up to the end mark; stops quietly at one that would leave the block. */
  private eachOption(
    from: number,
    end: number,
    visit: (code: number, at: number, length: number) => void,
  ): void {
    let at = from;
    while (at + 4 <= end) {
      const code = this.u16(at);
      const length = this.u16(at + 2);
      if (code === C.OPT_END || at + 4 + length > end) return;
      visit(code, at + 4, length);
      at += 4 + ((length + 3) & ~3);
    }
  }

  private u16(at: number): number {
    return this.source.view.getUint16(at, this.little);
  }

  private u32(at: number): number {
    return this.source.view.getUint32(at, this.little);
  }

  private u64(at: number): number {
    const first = this.u32(at);
    const second = this.u32(at + 4);
    return this.little ? second * TWO_32 + first : first * TWO_32 + second;
  }

  private i64(at: number): number {
    const value = this.u64(at);
    return value >= 2 ** 63 ? value - 2 ** 64 : value;
  }

  private text(at: number, length: number): string {
    return decoder.decode(this.source.bytes.subarray(at, at + length));
  }
}

/** if_tsresol: a power of ten, or of two when the top bit is set. */
function resolution(byte: number): number {
  return byte & 0x80 ? 2 ** (byte & 0x7f) : 10 ** byte;
}

/** Seconds and nanoseconds of a 64-bit count, exact for 10^6 and 10^9 units a second. */
function split(hi: number, lo: number, unitsPerSec: number): [sec: number, nsec: number] {
  if (hi < 0x200000) {
    const units = hi * TWO_32 + lo;
    const sec = Math.floor(units / unitsPerSec);
    return [sec, toNs(units - sec * unitsPerSec, unitsPerSec)];
  }
  const units = (BigInt(hi) << 32n) | BigInt(lo);
  const per = BigInt(Math.max(1, Math.floor(unitsPerSec)));
  return [Number(units / per), toNs(Number(units % per), unitsPerSec)];
}

function toNs(rest: number, unitsPerSec: number): number {
  return Math.min(999999999, Math.floor((rest * 1e9) / unitsPerSec));
}

function truncated(wanted: number, got: number): CaptureFormatError {
  return new CaptureFormatError(
    `truncated pcapng dump file; tried to read ${wanted} bytes, only got ${got}`,
  );
}

function tooShort(type: number): CaptureFormatError {
  return new CaptureFormatError(`block of type ${type} in pcapng dump file is too short`);
}
