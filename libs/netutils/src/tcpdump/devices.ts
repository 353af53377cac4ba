/**
 * Capture devices: the list of `tcpdump -D`, and opening one as a stream of packets with link headers.
 *
 * An interface is read through a SOCK_RAW packet socket; `any` through a SOCK_DGRAM one, with a Linux cooked header
 * (LINUX_SLL2, or LINUX_SLL with `-y`) put before each packet as libpcap does.
 */
import { KernelError, strerror } from '@netloom/base';
import { bpfRun, type BpfProgram } from '@netloom/bpf';
import {
  AF_PACKET,
  Iff,
  SOCK_DGRAM,
  SOCK_RAW,
  type LinkMsg,
  type RecvResult,
  type SockAddrLl,
  type Sys,
} from '@netloom/sys';
import { CommandExit, errnoOf } from '../command.js';

export const DLT_EN10MB = 1;
export const DLT_LINUX_SLL = 113;
export const DLT_LINUX_SLL2 = 276;
export const DLT_RAW = 101;

const ETH_P_ALL = 3;
const PACKET_OUTGOING = 4;

const LINK_TYPES: readonly (readonly [number, string, string])[] = [
  [0, 'NULL', 'BSD loopback'],
  [DLT_EN10MB, 'EN10MB', 'Ethernet'],
  [9, 'PPP', 'PPP'],
  [DLT_RAW, 'RAW', 'Raw IP'],
  [12, 'RAW', 'Raw IP'],
  [108, 'LOOP', 'OpenBSD loopback'],
  [DLT_LINUX_SLL, 'LINUX_SLL', 'Linux cooked v1'],
  [DLT_LINUX_SLL2, 'LINUX_SLL2', 'Linux cooked v2'],
  [228, 'IPV4', 'Raw IPv4'],
  [229, 'IPV6', 'Raw IPv6'],
];

/** `EN10MB (Ethernet)`. */
export function linkTypeText(linkType: number): string {
  const known = LINK_TYPES.find(([number]) => number === linkType);
  return known === undefined ? String(linkType) : `${known[1]} (${known[2]})`;
}

export function linkTypeNumber(name: string): number | undefined {
  return LINK_TYPES.find(([, known]) => known === name.toUpperCase().replace(/^DLT_/, ''))?.[0];
}

interface Device {
  readonly name: string;
  readonly description?: string;
  readonly words: string;
  readonly merit: number;
}

function linkDevice(link: LinkMsg): Device {
  const up = (link.flags & Iff.IFF_UP) !== 0;
  const running = (link.flags & Iff.IFF_RUNNING) !== 0;
  const loopback = (link.flags & Iff.IFF_LOOPBACK) !== 0;
  const words: string[] = [];
  if (up) words.push('Up');
  if (running) words.push('Running');
  if (loopback) words.push('Loopback');
  else words.push(running ? 'Connected' : up ? 'Disconnected' : 'Disconnected');
  let merit = running ? 0 : 0x80000000;
  if (!up) merit += 0x40000000;
  if (loopback) merit += 0x10000000;
  return { name: link.ifname, words: up ? words.join(', ') : ['none', ...words].join(', '), merit };
}

/** The devices in libpcap's order: what runs first, `any` and the loopback after, what is down last. */
export function captureDevices(sys: Sys): Device[] {
  const links = sys.rtnl('RTM_GETLINK', {}).map(linkDevice);
  const any: Device = {
    name: 'any',
    description: 'Pseudo-device that captures on all interfaces',
    words: 'Up, Running',
    merit: 0x08000000,
  };
  return [...links, any].sort((a, b) => a.merit - b.merit);
}

/** The text of `tcpdump -D`. */
export function deviceList(sys: Sys): string {
  return captureDevices(sys)
    .map(
      (device, i) =>
        `${i + 1}.${device.name}${device.description === undefined ? '' : ` (${device.description})`} [${device.words}]\n`,
    )
    .join('');
}

/** One packet with its link header. */
export interface LivePacket {
  readonly data: Uint8Array;
  /** Length on the wire, link header included. */
  readonly length: number;
  /** Virtual nanoseconds since boot. */
  readonly tsNs: number;
}

function noSuchDevice(name: string): CommandExit {
  return new CommandExit(1, `tcpdump: ${name}: No such device exists\n(No such device exists)\n`);
}

/** An open capture. */
export class LiveCapture {
  filter: BpfProgram | undefined;
  /** Packets that the filter let through. */
  received = 0;
  dropped = 0;

  private constructor(
    private readonly sys: Sys,
    readonly fd: number,
    readonly linkType: number,
    private readonly snapLen: number,
    private readonly direction: 'in' | 'out' | 'inout',
    private readonly loopbacks: ReadonlySet<number>,
    readonly netmask: number,
  ) {}

  static open(
    sys: Sys,
    name: string,
    options: {
      snapLen: number;
      promiscuous: boolean;
      direction: 'in' | 'out' | 'inout';
      linkType: number | undefined;
    },
  ): LiveCapture {
    const links = sys.rtnl('RTM_GETLINK', {});
    const loopbacks = new Set(
      links.filter((link) => (link.flags & Iff.IFF_LOOPBACK) !== 0).map((link) => link.ifindex),
    );
    const any = name === 'any';
    const link = links.find((one) => one.ifname === name);
    if (!any && link === undefined) throw noSuchDevice(name);
    if (!any && link !== undefined && (link.flags & Iff.IFF_UP) === 0) {
      throw new CommandExit(1, `tcpdump: ${name}: That device is not up\n`);
    }
    let fd: number;
    try {
      const cooked = any || linkTypeOf(link) === DLT_LINUX_SLL;
      fd = sys.socket(AF_PACKET, cooked ? SOCK_DGRAM : SOCK_RAW, ETH_P_ALL);
      sys.bind(fd, {
        family: 'packet',
        protocol: ETH_P_ALL,
        ifindex: link?.ifindex ?? 0,
        hatype: 0,
        pkttype: 0,
        addr: new Uint8Array(0),
      });
    } catch (error) {
      throw new CommandExit(1, `tcpdump: ${name}: ${strerror(errnoOf(error))}\n`);
    }
    // libpcap's ring holds two mebibytes
    tolerate(() => {
      sys.setsockopt(fd, 'SO_RCVBUFFORCE', 2 * 1024 * 1024);
    });
    if (!any && options.promiscuous && link !== undefined) {
      tolerate(() => {
        sys.setsockopt(fd, 'PACKET_ADD_MEMBERSHIP', link.ifindex);
      });
    }
    const linkType = any ? (options.linkType ?? DLT_LINUX_SLL2) : linkTypeOf(link);
    return new LiveCapture(sys, fd, linkType, options.snapLen, options.direction, loopbacks, 0);
  }

  /** What the device can be captured as. */
  get linkTypes(): readonly number[] {
    return this.linkType === DLT_LINUX_SLL2 ? [DLT_LINUX_SLL, DLT_LINUX_SLL2] : [this.linkType];
  }

  /** Takes one packet from the socket; undefined where direction or filter hold it back. */
  async tryNext(): Promise<LivePacket | undefined> {
    return this.accept(await this.sys.recvmsg(this.fd, this.snapLen));
  }

  private accept(message: RecvResult): LivePacket | undefined {
    const { from } = message;
    if (from.family !== 'packet') return undefined;
    const outgoing = from.pkttype === PACKET_OUTGOING;
    // what leaves through the loopback comes back through it
    if (outgoing && this.loopbacks.has(from.ifindex)) return undefined;
    if (this.direction === (outgoing ? 'in' : 'out')) return undefined;
    let { data, length } = message;
    if (this.linkType === DLT_LINUX_SLL2) {
      data = withHeader(cooked2(from), data);
      length += 20;
    } else if (this.linkType === DLT_LINUX_SLL) {
      data = withHeader(cooked1(from), data);
      length += 16;
    }
    let keep = this.snapLen;
    if (this.filter !== undefined) {
      keep = Math.min(keep, bpfRun(this.filter, data, 0, data.length, length));
      if (keep === 0) return undefined;
    }
    this.received++;
    if (data.length > keep) data = data.subarray(0, keep);
    return { data, length, tsNs: message.control.timestampNs ?? this.sys.now() };
  }

  /** Whether the device is still there; the socket of one that is gone is bound to none. */
  deviceExists(): boolean {
    const name = this.sys.getsockname(this.fd);
    return name.family === 'packet' && name.ifindex >= 0;
  }

  /** Reads the kernel's drop counter. */
  readStatistics(): void {
    try {
      const stats = this.sys.getsockopt(this.fd, 'PACKET_STATISTICS');
      if (Array.isArray(stats)) this.dropped += Number((stats as readonly number[])[1] ?? 0);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
  }
}

function tolerate(call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
}

const ARPHRD_IPGRE = 778;

function linkTypeOf(link: LinkMsg | undefined): number {
  // Ethernet and the loopback have Ethernet headers, tunnels have none; libpcap does not know what GRE's may have
  if (link?.type === ARPHRD_IPGRE) return DLT_LINUX_SLL;
  return link === undefined || link.type === 1 || link.type === 772 ? DLT_EN10MB : DLT_RAW;
}

function withHeader(header: Uint8Array, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(header.length + data.length);
  out.set(header);
  out.set(data, header.length);
  return out;
}

/** protocol, reserved, interface index, ARPHRD type, packet type, address length, address in eight bytes. */
function cooked2(from: SockAddrLl): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  view.setUint16(0, from.protocol);
  view.setUint32(4, from.ifindex);
  view.setUint16(8, from.hatype);
  header[10] = from.pkttype;
  header[11] = from.addr.length;
  header.set(from.addr.subarray(0, 8), 12);
  return header;
}

/** packet type, ARPHRD type, address length, address in eight bytes, protocol. */
function cooked1(from: SockAddrLl): Uint8Array {
  const header = new Uint8Array(16);
  const view = new DataView(header.buffer);
  view.setUint16(0, from.pkttype);
  view.setUint16(2, from.hatype);
  view.setUint16(4, from.addr.length);
  header.set(from.addr.subarray(0, 8), 6);
  view.setUint16(14, from.protocol);
  return header;
}
