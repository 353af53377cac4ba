/**
 * The classic BPF machine: runs a program over packet bytes that lie anywhere in a larger memory.
 *
 * Caller: packet sockets, SO_ATTACH_FILTER, tcpdump -r → bpfRun. Source: Documentation/networking/
 * filter.rst. As in the kernel a load outside of the packet ends the program with 0, and so does a
 * division by zero; shifts by X use its low five bits. Nothing is allocated per run.
 * A program must have passed bpfCheckClassic (or come from the compiler): jumps are not checked
 * again, but running off the end also returns 0.
 */

import type { BpfProgram } from './insn.js';

/** Packet metadata for the kernel's ancillary loads; absent for files. */
export interface BpfAux {
  /** Ethertype, host order. */
  readonly protocol: number;
  /** PACKET_HOST 0 … PACKET_OUTGOING 4. */
  readonly pktType: number;
  readonly ifIndex: number;
  readonly mark: number;
  readonly queue: number;
  readonly hatype: number;
  readonly rxhash: number;
  readonly cpu: number;
  readonly vlanPresent: boolean;
  readonly vlanTci: number;
  readonly vlanProto: number;
  /** Bytes from the start of the packet to the network header, for SKF_NET_OFF. */
  readonly netOffset: number;
  /** Bytes from the start of the packet to the link header, for SKF_LL_OFF; usually ≤ 0. */
  readonly linkOffset: number;
  /** For SKF_AD_PAY_OFFSET: bytes before the transport payload. */
  readonly payOffset: number;
  /** For SKF_AD_RANDOM. */
  readonly random: () => number;
}

const scratch = new Int32Array(16);

/**
 * Runs `prog` over `capLen` bytes of `mem` from `offset`.
 *
 * @param wireLen what `len` yields: the packet's full length
 * @returns how many bytes to keep: 0 means no match; unsigned 32 bits
 */
export function bpfRun(
  prog: BpfProgram,
  mem: Uint8Array,
  offset: number,
  capLen: number,
  wireLen: number,
  aux?: BpfAux,
): number {
  const code = prog.code;
  const ks = prog.k;
  const m = scratch;
  const n = code.length;
  let a = 0;
  let x = 0;
  if (prog.readsScratch) m.fill(0);
  for (let pc = 0; pc < n; pc++) {
    const k = ks[pc]!;
    switch (code[pc]!) {
      case 0x20: // ld [k]
        if (k >= 0) {
          if (k + 4 > capLen) return 0;
          a = word(mem, offset + k);
        } else {
          a = loadNegative(mem, offset, capLen, k, 4, a, x, aux);
          if (failed) return 0;
        }
        break;
      case 0x28: // ldh [k]
        if (k >= 0) {
          if (k + 2 > capLen) return 0;
          a = (mem[offset + k]! << 8) | mem[offset + k + 1]!;
        } else {
          a = loadNegative(mem, offset, capLen, k, 2, a, x, aux);
          if (failed) return 0;
        }
        break;
      case 0x30: // ldb [k]
        if (k >= 0) {
          if (k >= capLen) return 0;
          a = mem[offset + k]!;
        } else {
          a = loadNegative(mem, offset, capLen, k, 1, a, x, aux);
          if (failed) return 0;
        }
        break;
      case 0x40: // ld [x + k]
      case 0x48:
      case 0x50: {
        const size = code[pc] === 0x40 ? 4 : code[pc] === 0x48 ? 2 : 1;
        const at = (x + k) | 0;
        if (at < 0) {
          a = loadNegative(mem, offset, capLen, at, size, a, x, aux);
          if (failed) return 0;
          break;
        }
        if (at + size > capLen) return 0;
        const p = offset + at;
        a = size === 4 ? word(mem, p) : size === 2 ? (mem[p]! << 8) | mem[p + 1]! : mem[p]!;
        break;
      }
      case 0x80: // ld #len
        a = wireLen | 0;
        break;
      case 0x81: // ldx #len
        x = wireLen | 0;
        break;
      case 0x00: // ld #k
        a = k;
        break;
      case 0x01: // ldx #k
        x = k;
        break;
      case 0x60: // ld M[k]
        a = m[k]!;
        break;
      case 0x61: // ldx M[k]
        x = m[k]!;
        break;
      case 0xb1: // ldx 4*([k]&0xf)
        if (k < 0 || k >= capLen) return 0;
        x = (mem[offset + k]! & 0xf) << 2;
        break;
      case 0x02: // st
        m[k] = a;
        break;
      case 0x03: // stx
        m[k] = x;
        break;
      case 0x05: // ja
        pc += k;
        break;
      case 0x15:
        pc += a === k ? prog.jt[pc]! : prog.jf[pc]!;
        break;
      case 0x1d:
        pc += a === x ? prog.jt[pc]! : prog.jf[pc]!;
        break;
      case 0x25:
        pc += a >>> 0 > k >>> 0 ? prog.jt[pc]! : prog.jf[pc]!;
        break;
      case 0x2d:
        pc += a >>> 0 > x >>> 0 ? prog.jt[pc]! : prog.jf[pc]!;
        break;
      case 0x35:
        pc += a >>> 0 >= k >>> 0 ? prog.jt[pc]! : prog.jf[pc]!;
        break;
      case 0x3d:
        pc += a >>> 0 >= x >>> 0 ? prog.jt[pc]! : prog.jf[pc]!;
        break;
      case 0x45:
        pc += (a & k) !== 0 ? prog.jt[pc]! : prog.jf[pc]!;
        break;
      case 0x4d:
        pc += (a & x) !== 0 ? prog.jt[pc]! : prog.jf[pc]!;
        break;
      case 0x04:
        a = (a + k) | 0;
        break;
      case 0x0c:
        a = (a + x) | 0;
        break;
      case 0x14:
        a = (a - k) | 0;
        break;
      case 0x1c:
        a = (a - x) | 0;
        break;
      case 0x24:
        a = Math.imul(a, k);
        break;
      case 0x2c:
        a = Math.imul(a, x);
        break;
      case 0x34:
        if (k === 0) return 0;
        a = unsignedDivide(a, k);
        break;
      case 0x3c:
        if (x === 0) return 0;
        a = unsignedDivide(a, x);
        break;
      case 0x94:
        if (k === 0) return 0;
        a = ((a >>> 0) % (k >>> 0)) | 0;
        break;
      case 0x9c:
        if (x === 0) return 0;
        a = ((a >>> 0) % (x >>> 0)) | 0;
        break;
      case 0x44:
        a |= k;
        break;
      case 0x4c:
        a |= x;
        break;
      case 0x54:
        a &= k;
        break;
      case 0x5c:
        a &= x;
        break;
      case 0xa4:
        a ^= k;
        break;
      case 0xac:
        a ^= x;
        break;
      case 0x64:
        a <<= k;
        break;
      case 0x6c:
        a <<= x;
        break;
      case 0x74:
        a = (a >>> k) | 0;
        break;
      case 0x7c:
        a = (a >>> x) | 0;
        break;
      case 0x84:
        a = -a | 0;
        break;
      case 0x07:
        x = a;
        break;
      case 0x87:
        a = x;
        break;
      case 0x06:
        return k >>> 0;
      case 0x16:
        return a >>> 0;
      default:
        return 0;
    }
  }
  return 0;
}

function word(mem: Uint8Array, p: number): number {
  return (mem[p]! << 24) | (mem[p + 1]! << 16) | (mem[p + 2]! << 8) | mem[p + 3]!;
}

function unsignedDivide(a: number, b: number): number {
  return Math.floor((a >>> 0) / (b >>> 0)) | 0;
}

/** Set by loadNegative when the load must end the program. */
let failed = false;

function loadNegative(
  mem: Uint8Array,
  offset: number,
  capLen: number,
  k: number,
  size: number,
  a: number,
  x: number,
  aux: BpfAux | undefined,
): number {
  failed = false;
  if (aux === undefined) {
    failed = true;
    return 0;
  }
  if (k >= -0x1000) return ancillary(k + 0x1000, a, x, aux);
  const at = k >= -0x100000 ? aux.netOffset + k + 0x100000 : aux.linkOffset + k + 0x200000;
  if (k < -0x200000 || at < aux.linkOffset || at + size > capLen || offset + at < 0) {
    failed = true;
    return 0;
  }
  const p = offset + at;
  return size === 4 ? word(mem, p) : size === 2 ? (mem[p]! << 8) | mem[p + 1]! : mem[p]!;
}

function ancillary(what: number, a: number, x: number, aux: BpfAux): number {
  switch (what) {
    case 0:
      return aux.protocol;
    case 4:
      return aux.pktType;
    case 8:
      return aux.ifIndex;
    case 20:
      return aux.mark | 0;
    case 24:
      return aux.queue;
    case 28:
      return aux.hatype;
    case 32:
      return aux.rxhash | 0;
    case 36:
      return aux.cpu;
    case 40:
      return a ^ x;
    case 44:
      return aux.vlanTci;
    case 48:
      return aux.vlanPresent ? 1 : 0;
    case 52:
      return aux.payOffset;
    case 56:
      return aux.random() | 0;
    case 60:
      return aux.vlanProto;
    default:
      failed = true;
      return 0;
  }
}
