/**
 * Packets as text and under filters: what @netloom/bpf and @netloom/dissect say of them, for captures and events.
 */
import { formatIpv4, formatIpv6 } from '@netloom/base';
import { bpfRun, compileFilter } from '@netloom/bpf';
import { PacketPrinter } from '@netloom/dissect';
import { type SkBuff, type Sock, skbBytes } from '@netloom/kernel-core';
import { CaptureReader, LINKTYPE_ETHERNET, LINKTYPE_RAW } from '@netloom/pcap-writer';
import type { SockAddr } from '@netloom/sys';
import type { PacketFilter } from './capture.js';
import type { EventPacket, PacketPredicate } from './event-hub.js';
import { LabError } from './port.js';

/** A pcap-filter(7) text for packets of a link type; throws an Error that says what is wrong. */
export function compilePacketFilter(text: string, linkType: number, snapLen: number): PacketFilter {
  const program = compileFilter(text, linkType, { snapLen });
  return (mem, offset, capLen, wireLen) => bpfRun(program, mem, offset, capLen, wireLen) !== 0;
}

const EVENT_SNAPLEN = 262144;

/** Refuses what is no filter, before anything is subscribed. */
export function checkEventFilter(text: string): void {
  packetPredicate(text);
}

/** A filter for packets that may or may not have their Ethernet header. */
export function packetPredicate(text: string): PacketPredicate {
  try {
    const framed = compilePacketFilter(text, LINKTYPE_ETHERNET, EVENT_SNAPLEN);
    let bare: PacketFilter | undefined;
    try {
      bare = compilePacketFilter(text, LINKTYPE_RAW, EVENT_SNAPLEN);
    } catch {
      bare = undefined; // speaks of link-layer fields: packets without them do not match
    }
    return ({ bytes, ethernet }) =>
      (ethernet ? framed : bare)?.(bytes, 0, bytes.length, bytes.length) ?? false;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new LabError('invalid', `bad filter: ${message}`, [{ path: 'filter', message }]);
  }
}

/** An sk_buff wherever it is in the stack. `framed`: its data starts with the Ethernet header. */
export function describePacket(
  skb: SkBuff,
  framed = false,
): { summary(): string; bytes(): EventPacket } {
  const bytes = (): EventPacket => {
    if (framed) return { bytes: skbBytes(skb), ethernet: true };
    const lead = skb.data - skb.networkHeader;
    const body = skbBytes(skb);
    if (skb.networkHeader < skb.head || lead < 0 || lead > 256)
      return { bytes: body, ethernet: false };
    const whole = new Uint8Array(lead + body.length);
    whole.set(skb.mem.u8.subarray(skb.networkHeader, skb.data));
    whole.set(body, lead);
    return { bytes: whole, ethernet: false };
  };
  return { bytes, summary: () => summarise(bytes()) };
}

const TCP_STATES = [
  'UNKNOWN',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
];

/** As the tracepoint prints it, without TCP_. */
export function tcpStateName(state: number): string {
  return TCP_STATES[state] ?? String(state);
}

function addressText(address: SockAddr | number): string {
  if (typeof address === 'number') return '*';
  if (address.family === 'inet') return `${formatIpv4(address.addr)}:${address.port}`;
  if (address.family === 'inet6') return `[${formatIpv6(address.addr)}]:${address.port}`;
  return '*';
}

export function socketEnds(sk: Sock): { readonly local: string; readonly remote: string } {
  return { local: addressText(sk.getname(false)), remote: addressText(sk.getname(true)) };
}

/** One line as tcpdump prints it, without a time; sequence numbers as on the wire. */
export function summarise({ bytes, ethernet }: EventPacket): string {
  const version = (bytes[0] ?? 0) >> 4;
  if (!ethernet && version !== 4 && version !== 6) return `${bytes.length} bytes`;
  const printer = new PacketPrinter({ numeric: true, timestamps: 1, absoluteSeq: true });
  const linkType = ethernet ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
  const text = printer.print(0, linkType, bytes, 0, bytes.length, bytes.length).trimStart();
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}

/** A capture read back through a filter, printed as `tcpdump -nn -r` prints it (in UTC). */
export function printCapture(
  file: Uint8Array,
  filter: string | undefined,
): { readonly packets: number; readonly text: string } {
  const reader = CaptureReader.fromBytes(file);
  const printer = new PacketPrinter({ numeric: true });
  const filters = new Map<number, PacketFilter>();
  const lines: string[] = [];
  for (const { linkType, data, capLen, origLen, sec, nsec } of reader) {
    if (filter !== undefined && filter.trim() !== '') {
      let keep = filters.get(linkType);
      if (keep === undefined) {
        keep = compilePacketFilter(filter, linkType, EVENT_SNAPLEN);
        filters.set(linkType, keep);
      }
      if (!keep(data, 0, capLen, origLen)) continue;
    }
    lines.push(`${printer.printAt(sec, nsec, linkType, data, 0, capLen, origLen)}\n`);
  }
  // A filter that is wrong is wrong also where there is nothing to be filtered.
  if (filter !== undefined && filters.size === 0)
    compilePacketFilter(filter, LINKTYPE_ETHERNET, EVENT_SNAPLEN);
  return { packets: lines.length, text: lines.join('') };
}
