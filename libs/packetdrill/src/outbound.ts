/**
 * Whether what the host sent is what the script expects: header by header, in the script's numbers.
 *
 * Packets as large as a burst of segments in the script are compared with as many consecutive segments of the host, as
 * if the card had been given them in one piece.
 */
import { addressText, sameAddress, type Address } from './address.js';
import type { EcnMark, IcmpSpec, PacketSpec, TcpOption, TcpSpec, UdpSpec } from './ast.js';
import { icmpNumbers } from './icmp.js';
import type { Flow } from './flows.js';
import {
  FLAG_ACK,
  FLAG_FIN,
  FLAG_PSH,
  FLAG_RST,
  FLAG_SYN,
  type LivePacket,
  type TcpFields,
} from './packet.js';
import { decodeTcpOptions, optionText } from './tcp-options.js';

const ECN_BITS: Readonly<Record<EcnMark, readonly number[]>> = {
  noecn: [0],
  ect1: [1],
  ect0: [2],
  ect01: [1, 2],
  ce: [3],
};
const ECN_NAMES = ['noecn', 'ect1', 'ect0', 'ce'] as const;
const LETTERS: readonly (readonly [number, string])[] = [
  [1, 'F'],
  [2, 'S'],
  [4, 'R'],
  [8, 'P'],
  [32, 'U'],
  [64, 'E'],
  [128, 'W'],
  [256, 'A'],
  [16, '.'],
];

export function flagsText(flags: number): string {
  const text = LETTERS.filter(([bit]) => (flags & bit) !== 0).map(([, letter]) => letter);
  return text.length === 0 ? '-' : text.join('');
}

/** Several segments of the host as one. The flags are the last one's. */
export interface Burst {
  readonly first: LivePacket;
  readonly tcp: TcpFields | undefined;
  readonly payloadLength: number;
  readonly count: number;
}

export function singleBurst(packet: LivePacket): Burst {
  return { first: packet, tcp: packet.tcp, payloadLength: packet.payloadLength, count: 1 };
}

/** The burst with one more segment, or undefined where the segment does not continue it. */
export function extendBurst(burst: Burst, next: LivePacket): Burst | undefined {
  const { first, tcp } = burst;
  const more = next.tcp;
  if (tcp === undefined || more === undefined || next.payloadLength === 0) return undefined;
  const continues =
    tcp.sport === more.sport &&
    tcp.dport === more.dport &&
    sameAddress(first.dst, next.dst) &&
    first.tos === next.tos &&
    (tcp.seq + burst.payloadLength) >>> 0 === more.seq &&
    tcp.ack === more.ack &&
    ((tcp.flags | more.flags) & (FLAG_SYN | FLAG_RST)) === 0 &&
    (tcp.flags & FLAG_FIN) === 0;
  if (!continues) return undefined;
  return {
    first: { ...first, fault: first.fault ?? next.fault },
    tcp: { ...tcp, flags: more.flags, window: more.window, options: more.options },
    payloadLength: burst.payloadLength + next.payloadLength,
    count: burst.count + 1,
  };
}

export interface Expectation {
  readonly spec: PacketSpec;
  readonly local: Address;
  readonly remote: Address;
  /** Nanoseconds of a tick of the host's timestamps, where the script wants them checked. */
  readonly tsTickNs: number | undefined;
  /** Time of the script's start. */
  readonly startNs: number;
}

/** What is different, or undefined. Learns the host's initial sequence number and its timestamps. */
export function compareOutbound(
  expected: Expectation,
  burst: Burst,
  flow: Flow | undefined,
): string | undefined {
  const { spec, local, remote } = expected;
  const { first } = burst;
  if (first.fault !== undefined) return first.fault;
  const addresses = `${addressText(first.src)} > ${addressText(first.dst)}`;
  if (!sameAddress(first.src, local) || !sameAddress(first.dst, remote))
    return `addresses ${addresses}`;
  const ip = compareIp(spec, first);
  if (ip !== undefined) return ip;
  switch (spec.transport.kind) {
    case 'tcp':
      return compareTcp(expected, spec.transport, burst, flow);
    case 'udp':
      return compareUdp(spec.transport, first);
    case 'icmp':
      return compareIcmp(spec.transport, first);
  }
}

function compareIp(spec: PacketSpec, live: LivePacket): string | undefined {
  const { ecn, tos, ttl, flowLabel } = spec.ip;
  if (ecn !== undefined && !ECN_BITS[ecn].includes(live.tos & 3))
    return `ECN mark ${ECN_NAMES[live.tos & 3] ?? ''}, expected ${ecn}`;
  if (tos !== undefined && live.tos !== tos) return `TOS ${live.tos}, expected ${tos}`;
  if (ttl !== undefined && live.ttl !== ttl) return `TTL ${live.ttl}, expected ${ttl}`;
  if (flowLabel !== undefined && live.flowLabel !== flowLabel)
    return `flow label ${live.flowLabel}, expected ${flowLabel}`;
  return undefined;
}

function compareUdp(spec: UdpSpec, live: LivePacket): string | undefined {
  if (live.udp === undefined) return `protocol ${live.protocol}, expected UDP`;
  return live.payloadLength === spec.length
    ? undefined
    : `UDP payload of ${live.payloadLength}, expected ${spec.length}`;
}

function compareIcmp(spec: IcmpSpec, live: LivePacket): string | undefined {
  if (live.icmp === undefined) return `protocol ${live.protocol}, expected ICMP`;
  const { type, code } = icmpNumbers(spec, live.src.length === 16);
  return live.icmp.type === type && live.icmp.code === code
    ? undefined
    : `ICMP ${live.icmp.type}/${live.icmp.code}, expected ${type}/${code}`;
}

/** A segment of the host in the script's notation. */
export function liveTcpText(burst: Burst, flow: Flow | undefined): string {
  const { tcp, payloadLength, first } = burst;
  if (tcp === undefined) return `protocol ${first.protocol} (${payloadLength})`;
  const seq = flow?.localToScript(tcp.seq) ?? tcp.seq;
  const ack =
    (tcp.flags & FLAG_ACK) !== 0 ? ` ack ${flow?.remoteToScript(tcp.ack) ?? tcp.ack}` : '';
  const options = liveOptions(tcp, flow).map(optionText).join(',');
  return `${ECN_NAMES[first.tos & 3] === 'noecn' ? '' : `[${ECN_NAMES[first.tos & 3] ?? ''}] `}${flagsText(tcp.flags)} ${seq}:${(seq + payloadLength) >>> 0}(${payloadLength})${ack} win ${tcp.window}${options === '' ? '' : ` <${options}>`}`;
}

/** Options with SACK blocks in the script's numbers. */
function liveOptions(tcp: TcpFields, flow: Flow | undefined): TcpOption[] {
  return (decodeTcpOptions(tcp.options) ?? []).map((option) =>
    option.kind === 'sack' && flow !== undefined
      ? {
          kind: 'sack',
          blocks: option.blocks.map(
            ([start, end]) => [flow.remoteToScript(start), flow.remoteToScript(end)] as const,
          ),
        }
      : option,
  );
}

function compareTcp(
  expected: Expectation,
  spec: TcpSpec,
  burst: Burst,
  flow: Flow | undefined,
): string | undefined {
  const { tcp, payloadLength, first } = burst;
  if (tcp === undefined) return `protocol ${first.protocol}, expected TCP`;
  if (flow === undefined) return `a segment of no connection of the script`;
  if (flow.localIsn === undefined || startsAnew(tcp, flow))
    flow.localIsn = (tcp.seq - spec.seq) >>> 0;
  const got = liveTcpText(burst, flow);
  const wrong = (what: string): string => `${what}: ${got}`;
  if (spec.dport !== undefined && flow.scriptPorts === undefined)
    flow.scriptPorts = [spec.sport ?? 0, spec.dport];
  if (payloadLength !== spec.length)
    return wrong(`payload of ${payloadLength}, expected ${spec.length}`);
  if (!sameFlags(spec.flags, tcp.flags, burst.count))
    return wrong(`flags ${flagsText(tcp.flags)}, expected ${flagsText(spec.flags)}`);
  const seq = flow.localToScript(tcp.seq);
  if (seq !== spec.seq >>> 0) return wrong(`seq ${seq}, expected ${spec.seq}`);
  const ack = flow.remoteToScript(tcp.ack);
  if (spec.ack !== undefined && ack !== spec.ack >>> 0 && tcp.ack !== spec.ack)
    return wrong(`ack ${ack}, expected ${spec.ack}`);
  if (spec.window !== undefined && tcp.window !== spec.window)
    return wrong(`window ${tcp.window}, expected ${spec.window}`);
  if (spec.urgent !== undefined && tcp.urgent !== spec.urgent)
    return wrong(`urgent ${tcp.urgent}, expected ${spec.urgent}`);
  return spec.options === undefined
    ? undefined
    : compareOptions(expected, spec.options, burst, flow, wrong);
}

/** A SYN of a sequence space of its own: the host connects once more with the same ports. */
function startsAnew(tcp: TcpFields, flow: Flow): boolean {
  return (tcp.flags & (FLAG_SYN | FLAG_ACK)) === FLAG_SYN && tcp.seq !== flow.localIsn;
}

/** A burst is pushed by the segments in it that the host sent in one piece: only the last one says whether it ends so. */
function sameFlags(wanted: number, got: number, count: number): boolean {
  return count > 1 ? ((wanted ^ got) & ~FLAG_PSH) === 0 : wanted === got;
}

function compareOptions(
  expected: Expectation,
  wanted: readonly TcpOption[],
  burst: Burst,
  flow: Flow,
  wrong: (what: string) => string,
): string | undefined {
  const tcp = burst.tcp as TcpFields;
  if (decodeTcpOptions(tcp.options) === undefined) return wrong('malformed options');
  const live = liveOptions(tcp, flow);
  const text = (options: readonly TcpOption[]): string =>
    options.map((o) => (o.kind === 'TS' ? `TS ecr ${o.ecr}` : optionText(o))).join(',');
  if (text(live) !== text(wanted))
    return wrong(`options differ from <${wanted.map(optionText).join(',')}>`);
  const liveTs = live.find((o) => o.kind === 'TS');
  const wantedTs = wanted.find((o) => o.kind === 'TS');
  if (liveTs === undefined || wantedTs === undefined) return undefined;
  return compareTimestamp(expected, wantedTs.val, liveTs.val, flow, wrong);
}

/** The host's clock starts anywhere; with a tick given it must advance as the script's values do. */
function compareTimestamp(
  { tsTickNs }: Expectation,
  wanted: number,
  live: number,
  flow: Flow,
  wrong: (what: string) => string,
): string | undefined {
  const [known] = flow.timestamps;
  if (tsTickNs !== undefined && tsTickNs > 0 && known !== undefined) {
    const scriptTicks = (wanted - known[0]) | 0;
    const liveTicks = (live - known[1]) | 0;
    // The script's values are in its ticks, the host's in milliseconds.
    const expectedTicks = Math.round((scriptTicks * tsTickNs) / 1e6);
    const allowed = Math.max(4, Math.ceil(Math.abs(expectedTicks) / 8));
    if (Math.abs(liveTicks - expectedTicks) > allowed)
      return wrong(`timestamp has advanced by ${liveTicks}, expected ${expectedTicks}`);
  }
  flow.timestamps.set(wanted, live);
  return undefined;
}
