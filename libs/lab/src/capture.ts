/**
 * A capture: taps on one or several interfaces of one or several hosts, written as one pcapng or pcap stream.
 *
 * Caller: local-runner.ts, emulator-backend.ts → this → device taps, PcapNgWriter. A tap sees what tcpdump on that
 * host would see, in both directions. The bytes depend on the lab's seed and inputs alone: no real time, no identifier
 * of a run is written, and when bytes are handed on (flush) changes only where chunks end. Units: virtual nanoseconds.
 */
import { parseIpv4, parseIpv6 } from '@netloom/base';
import {
  CHECKSUM_PARTIAL,
  DeviceTap,
  type Net,
  type NetDevice,
  type SkBuff,
  addTap,
  skbBytes,
  skbPartialCheck,
} from '@netloom/kernel-core';
import {
  DEFAULT_SNAPLEN,
  EPB_FLAG_BROADCAST,
  EPB_FLAG_INBOUND,
  EPB_FLAG_MULTICAST,
  EPB_FLAG_OUTBOUND,
  EPB_FLAG_PROMISC,
  EPB_FLAG_UNICAST,
  LINKTYPE_ETHERNET,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_RAW,
  PcapNgWriter,
  PcapWriter,
  type InterfaceInfo,
  type NameRecord,
} from '@netloom/pcap-writer';
import type { PacketMemory } from '@netloom/wire';
import { CaptureBlocks } from './capture-blocks.js';
import { LabError, type CaptureDocument, type CaptureFormat, type CaptureSource } from './port.js';

/** True for packets to be kept; `offset` and `capLen` select them in `mem`. */
export type PacketFilter = (
  mem: Uint8Array,
  offset: number,
  capLen: number,
  wireLen: number,
) => boolean;

/** An interface as a capture file describes it. */
export interface InterfaceFacts {
  /** `10.0.0.1/24` and `2001:db8::1/64`. */
  readonly addresses: readonly string[];
  readonly mac?: Uint8Array;
  readonly speedBits?: number;
}

/** What a capture needs of the lab around it. */
export interface CaptureWorld {
  readonly labName: string;
  readonly seed: number;
  readonly epochSec: number;
  /** What says so in the file's head. */
  readonly version: string;
  now(): number;
  /** The device of a source, or undefined; `any` is not asked for. */
  device(source: CaptureSource): NetDevice | undefined;
  /** The namespace of a node's own devices; undefined where there is no such node. */
  net(node: string): Net | undefined;
  facts(source: CaptureSource): InterfaceFacts;
  /** Every host of the lab with its addresses (no prefix lengths), in the topology's order. */
  names(): readonly { readonly host: string; readonly addresses: readonly string[] }[];
  /** Compiles a pcap-filter(7) text; throws an Error that says what is wrong. */
  compile(text: string, linkType: number, snapLen: number): PacketFilter;
}

export interface CaptureSettings {
  readonly id: string;
  readonly sources: readonly CaptureSource[];
  readonly filter?: string;
  readonly snaplen?: number;
  readonly format?: CaptureFormat;
  /** Bytes not acknowledged at which packets are dropped; absent: never. */
  readonly windowBytes?: number;
  /** Chunks are the sink's only during the call, which saves copying them: for sinks that write at once. */
  readonly lend?: boolean;
  readonly whenFull?: 'drop' | 'wait';
}

/** Bytes handed on at once: as much as a buffer of packet memory takes, since handing on costs a system call. */
const CHUNK_BYTES = 65536;

const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;
const SLL2_HLEN = 20;
const PACKET_OUTGOING = 4;
const VLAN_HLEN = 4;

/** One source of a capture, as a tap of its device or node. */
class CaptureTap extends DeviceTap {
  /** Where its packets go the short way; null until there is such a place, and where there never will be. */
  blocks: CaptureBlocks | null = null;
  /** Packets that went the short way, which are all kept. */
  direct = 0;
  /** Of the others. */
  seen = 0;
  accepted = 0;
  dropped = 0;

  constructor(
    private readonly capture: Capture,
    /** Number in the file. */
    readonly index: number,
    readonly linkType: number,
    readonly filter: PacketFilter | undefined,
    /** May go the short way: Ethernet into pcapng, unfiltered, with no window to fill. */
    readonly short: boolean,
  ) {
    super();
  }

  override see(skb: SkBuff, dev: NetDevice, outgoing: boolean): void {
    if (skb.ipSummed === CHECKSUM_PARTIAL) this.writeComplete(skb, dev, outgoing);
    else this.write(skb, dev, outgoing);
  }

  /** With the checksum that the wire carries, which the card fills in. */
  private writeComplete(skb: SkBuff, dev: NetDevice, outgoing: boolean): void {
    const { dv } = skb.mem;
    const at = skb.csumStart + skb.csumOffset;
    const pseudo = dv.getUint16(at);
    dv.setUint16(at, skbPartialCheck(skb));
    this.write(skb, dev, outgoing);
    dv.setUint16(at, pseudo);
  }

  private write(skb: SkBuff, dev: NetDevice, outgoing: boolean): void {
    const { blocks } = this;
    if (blocks !== null && skb.frags === null && skb.vlanTci < 0) {
      this.direct++;
      blocks.writeFrame(this.index, skb, dev, outgoing);
    } else {
      this.capture.packet(this, skb, dev, outgoing);
    }
  }
}

export class Capture {
  private readonly pcapng: PcapNgWriter | undefined;
  private readonly take: (chunk: Uint8Array) => void;
  /** Blocks put together inside packet memory; made with the first packet that lies there. */
  private blocks: CaptureBlocks | undefined;
  private readonly pcap: PcapWriter | undefined;
  private readonly taps: CaptureTap[] = [];
  private readonly removers: (() => void)[] = [];
  private readonly named = new Set<string>();
  private readonly snaplen: number;
  private readonly startedNs: number;
  private stoppedNs: number | undefined;
  private bytes = 0;
  private dropped = 0;
  private unacknowledged = 0;
  private scratch = new Uint8Array(2048);
  private onRoom: (() => void) | undefined;

  /** Starts at once; the file's head is in the sink when this returns. A chunk is the sink's to keep. */
  constructor(
    private readonly world: CaptureWorld,
    private readonly settings: CaptureSettings,
    sink: (chunk: Uint8Array) => void,
  ) {
    this.snaplen = settings.snaplen ?? DEFAULT_SNAPLEN;
    this.startedNs = world.now();
    this.take = (chunk: Uint8Array): void => {
      this.bytes += chunk.length;
      this.unacknowledged += chunk.length;
      sink(settings.lend === true ? chunk : chunk.slice());
    };
    const linkTypes = settings.sources.map((source) => this.linkTypeOf(source));
    const filters = linkTypes.map((linkType) => this.compile(linkType));
    if (settings.format === 'pcap') {
      if (settings.sources.length !== 1)
        throw new LabError('invalid', 'a pcap file has exactly one interface; use pcapng');
      this.pcap = new PcapWriter(this.take, {
        linkType: linkTypes[0] ?? LINKTYPE_ETHERNET,
        snapLen: this.snaplen,
        epochSec: world.epochSec,
      });
    } else {
      this.pcapng = new PcapNgWriter(this.take, {
        epochSec: world.epochSec,
        chunkBytes: CHUNK_BYTES,
      });
      this.writeHead(this.pcapng, linkTypes);
    }
    for (const [index, source] of settings.sources.entries()) {
      const linkType = linkTypes[index] ?? LINKTYPE_ETHERNET;
      const short =
        settings.format !== 'pcap' &&
        linkType === LINKTYPE_ETHERNET &&
        filters[index] === undefined &&
        settings.windowBytes === undefined;
      this.tap(source, new CaptureTap(this, index, linkType, filters[index], short));
    }
    this.flush();
  }

  get id(): string {
    return this.settings.id;
  }

  get running(): boolean {
    return this.stoppedNs === undefined;
  }

  get droppedPackets(): number {
    return this.dropped;
  }

  /** Hands on what waits in the buffer. */
  flush(): void {
    this.blocks?.flush();
    this.pcapng?.flush();
    this.pcap?.flush();
  }

  /** The reader has consumed bytes. */
  acknowledge(bytes: number): void {
    this.unacknowledged = Math.max(0, this.unacknowledged - bytes);
    if (!this.full) {
      this.onRoom?.();
      this.onRoom = undefined;
    }
  }

  /** While the window is full and the clock is to wait for it: a promise of room. */
  room(): Promise<void> | undefined {
    if (!this.running || this.settings.whenFull !== 'wait' || !this.full) return undefined;
    return new Promise((resolve) => {
      this.onRoom = resolve;
    });
  }

  /** Takes the taps away and ends the file; harmless when it has ended. */
  stop(): void {
    if (!this.running) return;
    const now = this.world.now();
    this.stoppedNs = now;
    for (const remove of this.removers) remove();
    this.blocks?.release();
    this.blocks = undefined;
    for (const tap of this.taps) tap.blocks = null;
    if (this.pcapng !== undefined) this.writeNames(this.pcapng); // addresses given since the start
    for (const { index, direct, seen, accepted, dropped } of this.taps) {
      this.pcapng?.writeStatistics(index, now, {
        startNs: this.startedNs,
        endNs: now,
        ifRecv: direct + seen,
        ifDrop: 0,
        filterAccept: direct + accepted,
        osDrop: dropped,
        usrDeliv: direct + accepted - dropped,
      });
    }
    this.flush();
    this.onRoom?.();
  }

  document(): CaptureDocument {
    const { id, sources, filter, format } = this.settings;
    return {
      id,
      sources,
      snaplen: this.snaplen,
      format: format ?? 'pcapng',
      state: this.running ? 'running' : 'stopped',
      startedNs: this.startedNs,
      packets: this.taps.reduce(
        (sum, { direct, accepted, dropped }) => sum + direct + accepted - dropped,
        0,
      ),
      bytes: this.bytes,
      dropped: this.dropped,
      ...(filter === undefined ? {} : { filter }),
      ...(this.stoppedNs === undefined ? {} : { stoppedNs: this.stoppedNs }),
    };
  }

  private get full(): boolean {
    return this.unacknowledged >= (this.settings.windowBytes ?? Infinity);
  }

  private linkTypeOf(source: CaptureSource): number {
    if (source.interface === 'any') return LINKTYPE_LINUX_SLL2;
    const dev = this.world.device(source);
    if (dev === undefined)
      throw new LabError(
        'not-found',
        `no interface "${source.interface}" on node "${source.node}"`,
      );
    return dev.type === ARPHRD_ETHER || dev.type === ARPHRD_LOOPBACK
      ? LINKTYPE_ETHERNET
      : LINKTYPE_RAW;
  }

  private compile(linkType: number): PacketFilter | undefined {
    const { filter } = this.settings;
    if (filter === undefined || filter.trim() === '') return undefined;
    try {
      return this.world.compile(filter, linkType, this.snaplen);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new LabError('invalid', `bad filter: ${message}`, [{ path: 'filter', message }]);
    }
  }

  private writeHead(writer: PcapNgWriter, linkTypes: readonly number[]): void {
    const { labName, seed, version } = this.world;
    const { sources, filter } = this.settings;
    const comment = [
      '---',
      '# netloom capture',
      `lab: ${labName}`,
      `seed: ${seed}`,
      `engine: ${version}`,
    ];
    if (filter !== undefined) comment.push(`capture-filter: ${JSON.stringify(filter)}`);
    writer.writeSection({
      comment: comment.join('\n'),
      hardware: 'simulated',
      os: 'Linux',
      userAppl: `netloom ${version}`,
    });
    for (const [i, source] of sources.entries())
      writer.writeInterface(this.describe(source, linkTypes[i] ?? LINKTYPE_ETHERNET));
    this.writeNames(writer);
  }

  /** Names of hosts for those of their addresses that the file does not know yet. */
  private writeNames(writer: PcapNgWriter): void {
    const names: NameRecord[] = [];
    for (const { host, addresses } of this.world.names()) {
      for (const text of addresses) {
        const address = addressBytes(text);
        if (address === undefined || this.named.has(text)) continue;
        this.named.add(text);
        names.push({ address, names: [host] });
      }
    }
    if (names.length > 0) writer.writeNames(names);
  }

  private describe(source: CaptureSource, linkType: number): InterfaceInfo {
    const facts = source.interface === 'any' ? { addresses: [] } : this.world.facts(source);
    const ipv4: Uint8Array[] = [];
    const ipv6: Uint8Array[] = [];
    for (const text of facts.addresses) {
      const [host = '', length = '0'] = text.split('/');
      const bytes = addressBytes(host);
      if (bytes?.length === 4) ipv4.push(Uint8Array.of(...bytes, ...maskBytes(Number(length))));
      else if (bytes !== undefined) ipv6.push(Uint8Array.of(...bytes, Number(length)));
    }
    return {
      linkType,
      snapLen: this.snaplen,
      name: `${source.node}:${source.interface}`,
      ipv4,
      ipv6,
      os: 'Linux',
      ...(facts.mac === undefined ? {} : { mac: facts.mac }),
      ...(facts.speedBits === undefined ? {} : { speed: facts.speedBits }),
      ...(this.settings.filter === undefined ? {} : { filter: this.settings.filter }),
    };
  }

  private tap(source: CaptureSource, tap: CaptureTap): void {
    const place =
      source.interface === 'any' ? this.world.net(source.node) : this.world.device(source);
    if (place === undefined) throw new LabError('not-found', `no node "${source.node}"`);
    this.taps.push(tap);
    this.removers.push(addTap(place, tap));
  }

  /** One packet at a tap, the long way. */
  packet(tap: CaptureTap, skb: SkBuff, dev: NetDevice, outgoing: boolean): void {
    tap.seen++;
    const ethernet = tap.linkType === LINKTYPE_ETHERNET;
    const start = ethernet
      ? outgoing
        ? skb.data
        : skb.macHeader
      : outgoing
        ? skb.networkHeader
        : skb.data;
    let length = skb.len + (skb.data - start);
    let bytes = skb.mem.u8;
    let offset = start;
    if (skb.dataLen > 0 || skb.vlanTci >= 0 || tap.linkType === LINKTYPE_LINUX_SLL2) {
      length = this.assemble(tap.linkType, skb, dev, start, length, outgoing);
      bytes = this.scratch;
      offset = 0;
    }
    const capLen = Math.min(length, this.snaplen);
    if (tap.filter !== undefined && !tap.filter(bytes, offset, capLen, length)) return;
    tap.accepted++;
    if (this.full && this.settings.whenFull !== 'wait') {
      tap.dropped++;
      this.dropped++;
      return;
    }
    const { now } = dev.kernel.engine;
    if (this.pcapng !== undefined) {
      const flags = packetFlags(skb, dev, start, outgoing, ethernet);
      const blocks = bytes === skb.mem.u8 ? this.blocksFor(skb.mem) : undefined;
      if (blocks?.fits(capLen) === true) {
        if (tap.short) tap.blocks = blocks;
        blocks.write(tap.index, now, offset, length, flags, skb.packetId);
        return;
      }
      this.blocks?.flush();
      this.pcapng.writePacketFast(
        tap.index,
        now,
        bytes,
        offset,
        capLen,
        length,
        flags,
        skb.packetId,
      );
      if (this.blocks !== undefined) this.pcapng.flush();
    } else {
      this.pcap?.writePacket(now, bytes, offset, capLen, length);
    }
  }

  /** Where packets of packet memory are put together; undefined where that has no buffer left. */
  private blocksFor(mem: PacketMemory): CaptureBlocks | undefined {
    if (this.blocks === undefined) {
      this.pcapng?.flush();
      const { epochSec } = this.world;
      const settings = { epochSec, snapLen: this.snaplen, chunkBytes: CHUNK_BYTES };
      this.blocks = CaptureBlocks.create(mem, settings, this.take);
    }
    return this.blocks;
  }

  /** Puts a packet that is not one run of bytes, or needs another header, together in the scratch buffer. */
  private assemble(
    linkType: number,
    skb: SkBuff,
    dev: NetDevice,
    start: number,
    length: number,
    outgoing: boolean,
  ): number {
    const tagged = skb.vlanTci >= 0 && linkType === LINKTYPE_ETHERNET;
    const head = linkType === LINKTYPE_LINUX_SLL2 ? SLL2_HLEN : tagged ? VLAN_HLEN : 0;
    const total = head + length;
    if (this.scratch.length < total) this.scratch = new Uint8Array(total * 2);
    const out = this.scratch;
    const lead = Math.max(0, skb.data - start);
    out.set(skb.mem.u8.subarray(start, start + lead), head);
    const skip = Math.max(0, start - skb.data);
    out.set(skbBytes(skb, skip, skb.len - skip), head + lead);
    const view = new DataView(out.buffer);
    if (tagged) {
      out.copyWithin(0, VLAN_HLEN, VLAN_HLEN + 12);
      view.setUint16(12, 0x8100);
      view.setUint16(14, skb.vlanTci);
    } else if (head > 0) {
      view.setUint16(0, skb.protocol);
      view.setUint16(2, 0);
      view.setUint32(4, dev.ifindex);
      view.setUint16(8, dev.type);
      out[10] = outgoing ? PACKET_OUTGOING : skb.pktType;
      const link = outgoing ? skb.data : skb.macHeader;
      const framed = link < skb.networkHeader;
      out[11] = framed ? 6 : 0;
      out.fill(0, 12, 20);
      if (framed) out.set(skb.mem.u8.subarray(link + 6, link + 12), 12);
    }
    return total;
  }
}

function packetFlags(
  skb: SkBuff,
  dev: NetDevice,
  start: number,
  outgoing: boolean,
  ethernet: boolean,
): number {
  const way = outgoing ? EPB_FLAG_OUTBOUND : EPB_FLAG_INBOUND;
  if (!ethernet) return way;
  const { u8, dv } = skb.mem;
  if (((u8[start] ?? 0) & 1) !== 0) {
    return (
      way |
      (dv.getUint32(start) === 0xffffffff && dv.getUint16(start + 4) === 0xffff
        ? EPB_FLAG_BROADCAST
        : EPB_FLAG_MULTICAST)
    );
  }
  const mine =
    outgoing || (dv.getUint16(start) === dev.addrHi && dv.getUint32(start + 2) === dev.addrLo);
  return way | (mine ? EPB_FLAG_UNICAST : EPB_FLAG_PROMISC);
}

function addressBytes(text: string): Uint8Array | undefined {
  const four = parseIpv4(text);
  if (four !== undefined)
    return Uint8Array.of(four >>> 24, (four >>> 16) & 255, (four >>> 8) & 255, four & 255);
  return parseIpv6(text);
}

function maskBytes(length: number): number[] {
  return [0, 8, 16, 24].map((from) =>
    length >= from + 8 ? 255 : length <= from ? 0 : (0xff00 >> (length - from)) & 255,
  );
}
