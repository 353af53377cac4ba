/**
 * Packets of a script: `[ip-info] [sport > dport] FLAGS seq:end(len) ack N win N urg N <options>`, UDP and ICMP.
 */
import type { EcnMark, IcmpSpec, IpInfo, PacketSpec, TcpOption, TcpSpec, UdpSpec } from './ast.js';
import type { Scanner } from './scanner.js';

const NUMBER = /-?(?:0[xX][0-9a-fA-F]+|\d+)/y;
const ECN: readonly EcnMark[] = ['noecn', 'ect01', 'ect0', 'ect1', 'ce'];
const FLAG_BITS: Readonly<Record<string, number>> = {
  F: 1,
  S: 2,
  R: 4,
  P: 8,
  '.': 16,
  U: 32,
  E: 64,
  W: 128,
  A: 256,
};
/** Where AE, CWR and ECE lie when written as a number from 0 to 7. */
const ACE_BITS = [64, 128, 256] as const;

/** Words of a script that stand for text, such as a cookie, given by `-D NAME=value`. */
export type Definitions = ReadonlyMap<string, string>;

function number(s: Scanner): number {
  return Number(s.need(NUMBER, 'a number'));
}

export function parsePacket(s: Scanner, direction: 'in' | 'out', words: Definitions): PacketSpec {
  let ip: IpInfo = {};
  let ports: readonly [number, number] | undefined;
  for (;;) {
    const close = s.accept('[') ? ']' : s.accept('(') ? ')' : undefined;
    if (close === undefined) break;
    ip = parseIpInfo(s, close, ip);
  }
  const pair = s.take(/\d+\s*>\s*\d+/y);
  if (pair !== undefined) {
    const [sport, dport] = pair.split('>').map(Number);
    ports = [sport as number, dport as number];
  }
  if (s.accept('udp')) return { direction, ip, transport: parseUdp(s, ports) };
  if (s.accept('icmp') || s.accept('icmpv6'))
    return { direction, ip, transport: parseIcmp(s, words) };
  return { direction, ip, transport: parseTcp(s, ports, words) };
}

function parseIpInfo(s: Scanner, close: string, before: IpInfo): IpInfo {
  let info = before;
  while (!s.accept(close)) {
    const ecn = ECN.find((mark) => s.accept(mark));
    if (ecn !== undefined) info = { ...info, ecn };
    else if (s.accept('tos')) info = { ...info, tos: number(s) };
    else if (s.accept('ttl') || s.accept('hlim')) info = { ...info, ttl: number(s) };
    else if (s.accept('flowlabel')) info = { ...info, flowLabel: number(s) };
    else if (!s.accept(',')) throw s.error('unknown words about the IP header');
  }
  return info;
}

function parseFlags(s: Scanner): number {
  if (s.take(/-(?=\s)/y) !== undefined) return 0;
  const text = s.need(/[FSRPEWAU.0-7]+(?=\s)/y, 'TCP flags');
  let flags = 0;
  for (const c of text) {
    const bit = FLAG_BITS[c];
    if (bit !== undefined) flags |= bit;
    else ACE_BITS.forEach((ace, i) => (flags |= (Number(c) >> i) & 1 ? ace : 0));
  }
  // A digit counts CE marks of a segment that acknowledges, whether or not the dot is written beside it.
  return /[0-7]/.test(text) ? flags | 16 : flags;
}

function parseTcp(
  s: Scanner,
  ports: readonly [number, number] | undefined,
  words: Definitions,
): TcpSpec {
  const flags = parseFlags(s);
  const range = /^(\d+):(\d+)\((\d+)\)$/.exec(
    s.need(/\d+:\d+\(\d+\)|\d+:\d+(?!\()/y, 'seq:end(length)'),
  );
  if (range === null) throw s.error('expected a length');
  const [seq, end, length] = range.slice(1).map(Number) as [number, number, number];
  if ((end - seq) >>> 0 !== length) throw s.error(`${seq}:${end} is not ${length} long`);
  const spec: { -readonly [K in keyof TcpSpec]: TcpSpec[K] } = {
    kind: 'tcp',
    sport: ports?.[0],
    dport: ports?.[1],
    flags,
    seq,
    length,
    ack: undefined,
    window: undefined,
    urgent: undefined,
    options: [],
  };
  if (s.accept('ack')) spec.ack = number(s);
  if (s.accept('win')) spec.window = number(s);
  if (s.accept('urg')) spec.urgent = number(s);
  if (s.accept('<')) spec.options = parseOptions(s, words);
  return spec;
}

function hexBytes(s: Scanner, words: Definitions): Uint8Array {
  const word = s.take(/[0-9A-Za-z_]+/y) ?? '';
  const hex = words.get(word) ?? word;
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(hex))
    throw s.error(`"${word}" is no row of hexadecimal digits`);
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function parseOptions(s: Scanner, words: Definitions): TcpOption[] | undefined {
  if (s.accept('...')) {
    s.expect('>');
    return undefined;
  }
  const options: TcpOption[] = [];
  if (s.accept('>')) return options;
  do options.push(parseOption(s, words));
  while (s.accept(','));
  s.expect('>');
  return options;
}

function parseOption(s: Scanner, words: Definitions): TcpOption {
  for (const kind of ['nop', 'eol', 'sackOK'] as const) if (s.accept(kind)) return { kind };
  for (const kind of ['mss', 'wscale'] as const)
    if (s.accept(kind)) return { kind, value: number(s) };
  if (s.accept('sack')) {
    const blocks: [number, number][] = [];
    for (;;) {
      const block = s.take(/\d+:\d+/y);
      if (block === undefined) return { kind: 'sack', blocks };
      blocks.push(block.split(':').map(Number) as [number, number]);
    }
  }
  if (s.accept('TS')) {
    s.expect('val');
    const val = number(s);
    s.expect('ecr');
    return { kind: 'TS', val, ecr: number(s) };
  }
  for (const kind of ['FOEXP', 'FO', 'md5'] as const)
    if (s.accept(kind)) return { kind, bytes: hexBytes(s, words) };
  if (s.accept('ECN')) {
    const names: string[] = [];
    const counters: number[] = [];
    for (;;) {
      const name = s.take(/e0b|e1b|ceb/y);
      if (name === undefined) break;
      names.push(name);
      counters.push(number(s));
    }
    const order = names[0] === 'e1b' ? 1 : 0;
    const expected = order === 1 ? ['e1b', 'ceb', 'e0b'] : ['e0b', 'ceb', 'e1b'];
    if (names.some((name, i) => name !== expected[i]))
      throw s.error('AccECN counters out of order');
    return { kind: 'ECN', order, counters };
  }
  throw s.error('unknown TCP option');
}

function parenthesised(s: Scanner): number {
  s.expect('(');
  const value = number(s);
  s.expect(')');
  return value;
}

function parseUdp(s: Scanner, ports: readonly [number, number] | undefined): UdpSpec {
  return { kind: 'udp', sport: ports?.[0], dport: ports?.[1], length: parenthesised(s) };
}

function parseIcmp(s: Scanner, words: Definitions): IcmpSpec {
  const type = s.need(/[a-z_]+/y, 'an ICMP type');
  const spec: { -readonly [K in keyof IcmpSpec]: IcmpSpec[K] } = {
    kind: 'icmp',
    type,
    code: undefined,
    mtu: undefined,
    id: undefined,
    quoted: undefined,
  };
  for (;;) {
    if (s.accept('mtu')) spec.mtu = number(s);
    else if (s.accept('id')) spec.id = number(s);
    else if (s.accept('[')) {
      spec.quoted = parseQuoted(s);
      s.expect(']');
    } else {
      const code = s.take(/[A-Za-z_]\w*/y);
      if (code === undefined) return spec;
      spec.code = words.get(code) ?? code;
    }
  }
}

function parseQuoted(s: Scanner): NonNullable<IcmpSpec['quoted']> {
  if (s.accept('udp')) return { kind: 'udp', length: parenthesised(s) };
  if (s.accept('raw')) return { kind: 'raw', length: parenthesised(s) };
  const range = s.need(/\d+:\d+\(\d+\)/y, 'the quoted range');
  const [seq, , length] = range.split(/[:()]/).map(Number);
  return { kind: 'tcp', seq: seq as number, length: length as number };
}
