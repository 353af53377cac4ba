/**
 * TCP options as bytes and as a script writes them. Sources: RFC 9293 §3.1, 7323, 2018, 7413, 2385, AccECN's draft.
 */
import type { TcpOption } from './ast.js';

const KIND_FASTOPEN = 34;
const KIND_EXPERIMENT = 254;
const KIND_ACCECN0 = 172;
const KIND_ACCECN1 = 174;
/** Magic number of Fast Open among the experiments. */
const FASTOPEN_MAGIC = [0xf9, 0x89] as const;

function u32(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** Sequence numbers and echoed timestamps as the wire has them. */
export interface OptionMapping {
  readonly sack: (seq: number) => number;
  readonly ecr: (value: number) => number;
}

export function encodeTcpOptions(options: readonly TcpOption[], map: OptionMapping): Uint8Array {
  const out: number[] = [];
  for (const option of options) {
    switch (option.kind) {
      case 'nop':
        out.push(1);
        break;
      case 'eol':
        out.push(0);
        break;
      case 'mss':
        out.push(2, 4, (option.value >> 8) & 255, option.value & 255);
        break;
      case 'wscale':
        out.push(3, 3, option.value);
        break;
      case 'sackOK':
        out.push(4, 2);
        break;
      case 'sack':
        out.push(5, 2 + 8 * option.blocks.length);
        for (const [start, end] of option.blocks)
          out.push(...u32(map.sack(start)), ...u32(map.sack(end)));
        break;
      case 'TS':
        out.push(8, 10, ...u32(option.val), ...u32(map.ecr(option.ecr)));
        break;
      case 'md5':
        out.push(19, 2 + option.bytes.length, ...option.bytes);
        break;
      case 'FO':
        out.push(KIND_FASTOPEN, 2 + option.bytes.length, ...option.bytes);
        break;
      case 'FOEXP':
        out.push(KIND_EXPERIMENT, 4 + option.bytes.length, ...FASTOPEN_MAGIC, ...option.bytes);
        break;
      case 'ECN':
        out.push(option.order === 0 ? KIND_ACCECN0 : KIND_ACCECN1, 2 + 3 * option.counters.length);
        for (const counter of option.counters) out.push(...u32(counter).slice(1));
        break;
    }
  }
  return Uint8Array.from(out);
}

/** Reads options; undefined where they are malformed. */
export function decodeTcpOptions(bytes: Uint8Array): TcpOption[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const out: TcpOption[] = [];
  for (let at = 0; at < bytes.length;) {
    const kind = bytes[at] as number;
    if (kind <= 1) {
      out.push({ kind: kind === 0 ? 'eol' : 'nop' });
      at++;
      continue;
    }
    const size = bytes[at + 1] ?? 0;
    if (size < 2 || at + size > bytes.length) return undefined;
    const option = decodeOne(kind, view, bytes.slice(at, at + size), at);
    if (option === undefined) return undefined;
    out.push(option);
    at += size;
  }
  return out;
}

function decodeOne(
  kind: number,
  view: DataView,
  option: Uint8Array,
  at: number,
): TcpOption | undefined {
  switch (kind) {
    case 2:
      return { kind: 'mss', value: view.getUint16(at + 2) };
    case 3:
      return { kind: 'wscale', value: option[2] as number };
    case 4:
      return { kind: 'sackOK' };
    case 5: {
      const blocks: [number, number][] = [];
      for (let b = 2; b + 8 <= option.length; b += 8)
        blocks.push([view.getUint32(at + b), view.getUint32(at + b + 4)]);
      return { kind: 'sack', blocks };
    }
    case 8:
      return { kind: 'TS', val: view.getUint32(at + 2), ecr: view.getUint32(at + 6) };
    case 19:
      return { kind: 'md5', bytes: option.slice(2) };
    case KIND_FASTOPEN:
      return { kind: 'FO', bytes: option.slice(2) };
    case KIND_EXPERIMENT:
      return { kind: 'FOEXP', bytes: option.slice(4) };
    case KIND_ACCECN0:
    case KIND_ACCECN1: {
      const counters: number[] = [];
      for (let b = 2; b + 3 <= option.length; b += 3)
        counters.push((view.getUint8(at + b) << 16) | view.getUint16(at + b + 1));
      return { kind: 'ECN', order: kind === KIND_ACCECN0 ? 0 : 1, counters };
    }
    default:
      return undefined;
  }
}

const COUNTERS = [
  ['e0b', 'ceb', 'e1b'],
  ['e1b', 'ceb', 'e0b'],
] as const;

function hex(bytes: Uint8Array): string {
  return [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
}

/** As a script writes it. */
export function optionText(option: TcpOption): string {
  switch (option.kind) {
    case 'mss':
    case 'wscale':
      return `${option.kind} ${option.value}`;
    case 'sack':
      return `sack ${option.blocks.map(([start, end]) => `${start}:${end}`).join(' ')}`;
    case 'TS':
      return `TS val ${option.val} ecr ${option.ecr}`;
    case 'FO':
    case 'FOEXP':
    case 'md5':
      return `${option.kind} ${hex(option.bytes)}`.trimEnd();
    case 'ECN':
      return `ECN ${option.counters.map((value, i) => `${COUNTERS[option.order][i] ?? '?'} ${value}`).join(' ')}`;
    default:
      return option.kind;
  }
}
