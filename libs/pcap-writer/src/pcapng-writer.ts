/**
 * Writes pcapng: sections, interfaces, packets, names, statistics and custom blocks.
 *
 * Caller: captures of a lab, tcpdump -w → PcapNgWriter → a byte sink. Always little-endian, which
 * is what Wireshark demands of a pipe. Deterministic: no clock, no host facts, only what is given.
 *
 *     block:  type u32 | total length u32 | body … | options … | total length u32
 *
 * Sources: draft-ietf-opsawg-pcapng. Differences: section length is always −1 (a stream), and
 * time stamps are always nanoseconds. Units: ns for time, bytes for lengths, bit/s for speed.
 */

import { ChunkBuffer, LITTLE_ENDIAN_MACHINE, utf8 } from './chunk-buffer.js';
import type { ChunkOptions, ChunkSink } from './chunk-buffer.js';
import * as C from './constants.js';

export interface SectionInfo {
  readonly comment?: string | readonly string[];
  readonly hardware?: string;
  readonly os?: string;
  readonly userAppl?: string;
}

export interface InterfaceInfo {
  readonly linkType: number;
  /** 0 means no limit; default 262144. */
  readonly snapLen?: number;
  readonly name?: string;
  readonly description?: string;
  readonly comment?: string;
  /** Each 4 address bytes followed by 4 mask bytes. */
  readonly ipv4?: readonly Uint8Array[];
  /** Each 16 address bytes followed by one byte of prefix length. */
  readonly ipv6?: readonly Uint8Array[];
  /** 6 bytes. */
  readonly mac?: Uint8Array;
  /** Bit/s. */
  readonly speed?: number;
  /** pcap filter text. */
  readonly filter?: string;
  readonly os?: string;
  /** Seconds that readers add to every time stamp of this interface. */
  readonly tsOffsetSec?: number;
}

export interface PacketVerdict {
  /** VERDICT_HARDWARE, VERDICT_LINUX_TC or VERDICT_LINUX_XDP. */
  readonly kind: number;
  /** TC_ACT_* or XDP_* number; for hardware the raw bytes are this value as u64. */
  readonly value: number;
}

export interface PacketOptions {
  readonly flags?: number;
  readonly packetId?: number;
  readonly dropCount?: number;
  readonly queue?: number;
  readonly verdict?: PacketVerdict;
  readonly comment?: string;
}

export interface NameRecord {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly names: readonly string[];
}

/** Counters and times of one interface; absent members are not written. Times are virtual ns. */
export interface InterfaceStatistics {
  readonly startNs?: number;
  readonly endNs?: number;
  readonly ifRecv?: number;
  readonly ifDrop?: number;
  readonly filterAccept?: number;
  readonly osDrop?: number;
  readonly usrDeliv?: number;
}

export interface PcapNgOptions extends ChunkOptions {
  /**
   * Whole seconds since 1970 added to every time stamp, so that callers pass virtual nanoseconds
   * below 2^53 and files still carry calendar time. Default 0.
   */
  readonly epochSec?: number;
}

const TWO_32 = 4294967296;

export class PcapNgWriter {
  private readonly out: ChunkBuffer;
  private readonly baseHi: number;
  private readonly baseLo: number;
  private interfaceCount = 0;

  constructor(sink: ChunkSink, options: PcapNgOptions = {}) {
    this.out = new ChunkBuffer(sink, options);
    // epochSec * 1e9 exactly, in halves: 1e9 = 0x3b9aca00 and seconds stay below 2^33.
    const sec = options.epochSec ?? 0;
    const low = (sec % 65536) * 1e9;
    const high = Math.floor(sec / 65536) * 1e9; // × 65536
    const lowSum = low + (high % 65536) * 65536;
    this.baseLo = lowSum % TWO_32;
    this.baseHi = Math.floor(high / 65536) + Math.floor(lowSum / TWO_32);
  }

  /** Interfaces declared in the current section. */
  get interfaces(): number {
    return this.interfaceCount;
  }

  /** Starts a section; interface numbers begin again at 0. */
  writeSection(info: SectionInfo = {}): void {
    const comments =
      info.comment === undefined
        ? []
        : typeof info.comment === 'string'
          ? [info.comment]
          : info.comment;
    const options: Option[] = comments.map((text) => [C.OPT_COMMENT, utf8(text)]);
    pushText(options, C.SHB_HARDWARE, info.hardware);
    pushText(options, C.SHB_OS, info.os);
    pushText(options, C.SHB_USERAPPL, info.userAppl);
    const start = this.begin(C.BLOCK_SHB, 16, options);
    this.out.u32(C.BYTE_ORDER_MAGIC);
    this.out.u16(1);
    this.out.u16(0);
    this.out.u32(0xffffffff);
    this.out.u32(0xffffffff);
    this.finish(start, options);
    this.interfaceCount = 0;
  }

  /** Declares an interface; returns the number that its packets carry. */
  writeInterface(info: InterfaceInfo): number {
    const options: Option[] = [];
    pushText(options, C.OPT_COMMENT, info.comment);
    pushText(options, C.IF_NAME, info.name);
    pushText(options, C.IF_DESCRIPTION, info.description);
    for (const address of info.ipv4 ?? []) options.push([C.IF_IPV4ADDR, sized(address, 8)]);
    for (const address of info.ipv6 ?? []) options.push([C.IF_IPV6ADDR, sized(address, 17)]);
    if (info.mac !== undefined) options.push([C.IF_MACADDR, sized(info.mac, 6)]);
    if (info.speed !== undefined) options.push([C.IF_SPEED, le64(info.speed)]);
    options.push([C.IF_TSRESOL, Uint8Array.of(9)]);
    if (info.filter !== undefined) {
      const text = utf8(info.filter);
      const value = new Uint8Array(text.length + 1);
      value.set(text, 1);
      options.push([C.IF_FILTER, value]);
    }
    pushText(options, C.IF_OS, info.os);
    if (info.tsOffsetSec !== undefined) options.push([C.IF_TSOFFSET, le64(info.tsOffsetSec)]);
    const start = this.begin(C.BLOCK_IDB, 8, options);
    this.out.u16(info.linkType);
    this.out.u16(0);
    this.out.u32(info.snapLen ?? C.DEFAULT_SNAPLEN);
    this.finish(start, options);
    return this.interfaceCount++;
  }

  /**
   * Appends one packet with its direction/type flags and packet id: the hot path.
   *
   * @param tsNs virtual ns since the epoch of the writer, 0 … 2^53
   * @param mem memory holding the packet; `offset` and `capLen` select it, nothing is retained
   * @param flags EPB_FLAG_* bits
   * @param packetId 0 … 2^53
   */
  writePacketFast(
    ifIndex: number,
    tsNs: number,
    mem: Uint8Array,
    offset: number,
    capLen: number,
    origLen: number,
    flags: number,
    packetId: number,
  ): void {
    if (!LITTLE_ENDIAN_MACHINE) {
      this.writePacket(ifIndex, tsNs, mem, offset, capLen, origLen, { flags, packetId });
      return;
    }
    const out = this.out;
    const total = ((capLen + 3) & ~3) + 56; // 28 header, 8 flags, 12 packetid, 4 end, 4 trailer
    out.reserve(total);
    const start = out.pos;
    let hi = Math.floor(tsNs / TWO_32);
    let lo = tsNs - hi * TWO_32 + this.baseLo;
    hi += this.baseHi;
    if (lo >= TWO_32) {
      lo -= TWO_32;
      hi++;
    }
    let w = out.words;
    let i = start >> 2;
    w[i] = C.BLOCK_EPB;
    w[i + 1] = total;
    w[i + 2] = ifIndex;
    w[i + 3] = hi;
    w[i + 4] = lo;
    w[i + 5] = capLen;
    w[i + 6] = origLen;
    out.pos = start + 28;
    out.copyWords(mem, offset, capLen);
    w = out.words;
    i = out.pos >> 2;
    w[i] = 0x00040002; // epb_flags, length 4
    w[i + 1] = flags;
    w[i + 2] = 0x00080005; // epb_packetid, length 8
    w[i + 3] = packetId; // stored modulo 2^32
    w[i + 4] = packetId / TWO_32;
    w[i + 5] = 0;
    w[i + 6] = total;
    out.pos = start + total;
  }

  /** Appends one packet with any options. See writePacketFast for the other arguments. */
  writePacket(
    ifIndex: number,
    tsNs: number,
    mem: Uint8Array,
    offset: number,
    capLen: number,
    origLen: number,
    options: PacketOptions = {},
  ): void {
    const list = packetOptions(options);
    const total = 32 + ((capLen + 3) & ~3) + optionBytes(list);
    const out = this.out;
    out.reserve(total);
    const start = out.pos;
    this.header(total, ifIndex, tsNs, capLen, origLen);
    out.copy(mem, offset, capLen);
    out.pad4(start);
    this.options(list);
    out.u32(total);
  }

  /** Names for addresses, so that Wireshark shows the lab's own host names. */
  writeNames(records: readonly NameRecord[], options: { readonly comment?: string } = {}): void {
    const encoded = records.map((record) => {
      const names = utf8(record.names.map((name) => `${name}\0`).join(''));
      const value = new Uint8Array(record.address.length + names.length);
      value.set(record.address);
      value.set(names, record.address.length);
      const type = record.address.length === 4 ? C.NRES_IP4RECORD : C.NRES_IP6RECORD;
      return [type, value] as Option;
    });
    const list: Option[] = [];
    pushText(list, C.OPT_COMMENT, options.comment);
    let body = 4;
    for (const [, value] of encoded) body += 4 + ((value.length + 3) & ~3);
    const start = this.begin(C.BLOCK_NRB, body, list);
    this.options(encoded, true);
    this.finish(start, list);
  }

  /** Counters of one interface, at `tsNs`. */
  writeStatistics(ifIndex: number, tsNs: number, stats: InterfaceStatistics): void {
    const list: Option[] = [];
    const time = (code: number, ns: number | undefined): void => {
      if (ns === undefined) return;
      const value = new Uint8Array(8);
      const view = new DataView(value.buffer);
      view.setUint32(0, this.tsHi(ns), true);
      view.setUint32(4, this.tsLo(ns), true);
      list.push([code, value]);
    };
    const count = (code: number, value: number | undefined): void => {
      if (value !== undefined) list.push([code, le64(value)]);
    };
    time(C.ISB_STARTTIME, stats.startNs);
    time(C.ISB_ENDTIME, stats.endNs);
    count(C.ISB_IFRECV, stats.ifRecv);
    count(C.ISB_IFDROP, stats.ifDrop);
    count(C.ISB_FILTERACCEPT, stats.filterAccept);
    count(C.ISB_OSDROP, stats.osDrop);
    count(C.ISB_USRDELIV, stats.usrDeliv);
    const start = this.begin(C.BLOCK_ISB, 12, list);
    this.out.u32(ifIndex);
    this.out.u32(this.tsHi(tsNs));
    this.out.u32(this.tsLo(tsNs));
    this.finish(start, list);
  }

  /**
   * A custom block of a Private Enterprise Number. Readers that do not know it skip it.
   *
   * @param copyable whether tools that rewrite the file may copy the block
   */
  writeCustom(pen: number, data: Uint8Array, copyable = true): void {
    const padded = (data.length + 3) & ~3;
    const total = 16 + padded;
    const out = this.out;
    out.reserve(total);
    const start = out.pos;
    out.u32(copyable ? C.BLOCK_CUSTOM : C.BLOCK_CUSTOM_NO_COPY);
    out.u32(total);
    out.u32(pen);
    out.copy(data, 0, data.length);
    out.pad4(start);
    out.u32(total);
  }

  /** Hands all buffered bytes to the sink. */
  flush(): void {
    this.out.flush();
  }

  private header(
    total: number,
    ifIndex: number,
    tsNs: number,
    capLen: number,
    origLen: number,
  ): void {
    const out = this.out;
    const v = out.view;
    const p = out.pos;
    let hi = Math.floor(tsNs / TWO_32);
    let lo = tsNs - hi * TWO_32 + this.baseLo;
    hi += this.baseHi;
    if (lo >= TWO_32) {
      lo -= TWO_32;
      hi++;
    }
    v.setInt32(p, C.BLOCK_EPB, true);
    v.setInt32(p + 4, total, true);
    v.setInt32(p + 8, ifIndex, true);
    v.setUint32(p + 12, hi, true);
    v.setUint32(p + 16, lo, true);
    v.setInt32(p + 20, capLen, true);
    v.setInt32(p + 24, origLen, true);
    out.pos = p + 28;
  }

  private tsHi(ns: number): number {
    const hi = Math.floor(ns / TWO_32);
    return hi + this.baseHi + (ns - hi * TWO_32 + this.baseLo >= TWO_32 ? 1 : 0);
  }

  private tsLo(ns: number): number {
    return ((ns % TWO_32) + this.baseLo) % TWO_32;
  }

  private begin(type: number, bodyBytes: number, options: readonly Option[]): number {
    const total = 12 + bodyBytes + optionBytes(options);
    this.out.reserve(total);
    const start = this.out.pos;
    this.out.u32(type);
    this.out.u32(total);
    return start;
  }

  private finish(start: number, options: readonly Option[]): void {
    this.options(options);
    this.out.u32(this.out.pos + 4 - start);
  }

  private options(list: readonly Option[], alwaysEnd = false): void {
    const out = this.out;
    for (const [code, value] of list) {
      const start = out.pos;
      out.u16(code);
      out.u16(value.length);
      out.copy(value, 0, value.length);
      out.pad4(start);
    }
    if (list.length > 0 || alwaysEnd) out.u32(C.OPT_END);
  }
}

type Option = readonly [code: number, value: Uint8Array];

function optionBytes(list: readonly Option[]): number {
  if (list.length === 0) return 0;
  let n = 4;
  for (const [, value] of list) n += 4 + ((value.length + 3) & ~3);
  return n;
}

function packetOptions(options: PacketOptions): Option[] {
  const list: Option[] = [];
  pushText(list, C.OPT_COMMENT, options.comment);
  if (options.flags !== undefined) list.push([C.EPB_FLAGS, le32(options.flags)]);
  if (options.dropCount !== undefined) list.push([C.EPB_DROPCOUNT, le64(options.dropCount)]);
  if (options.packetId !== undefined) list.push([C.EPB_PACKETID, le64(options.packetId)]);
  if (options.queue !== undefined) list.push([C.EPB_QUEUE, le32(options.queue)]);
  if (options.verdict !== undefined) {
    const value = new Uint8Array(9);
    value[0] = options.verdict.kind;
    value.set(le64(options.verdict.value), 1);
    list.push([C.EPB_VERDICT, value]);
  }
  return list;
}

function pushText(list: Option[], code: number, text: string | undefined): void {
  if (text !== undefined) list.push([code, utf8(text)]);
}

function sized(value: Uint8Array, length: number): Uint8Array {
  if (value.length !== length) throw new RangeError(`option needs ${length} bytes`);
  return value;
}

function le32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value >>> 0, true);
  return bytes;
}

function le64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, value >>> 0, true);
  view.setInt32(4, Math.floor(value / TWO_32), true);
  return bytes;
}
