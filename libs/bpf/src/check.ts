/**
 * Decides whether a classic program may run, as the kernel does when it is attached.
 *
 * Caller: SO_ATTACH_FILTER → bpfCheckClassic. Source: net/core/filter.c bpf_check_classic() and
 * check_load_and_stores() (the rules, not the text).
 */

import type { BpfInsn } from './insn.js';
import { BPF_MAXINSNS, SKF_AD_MAX } from './insn.js';

/** Every opcode that the kernel knows. */
const ALLOWED = new Set<number>([
  0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x94, 0x9c, 0x54, 0x5c, 0x44, 0x4c, 0xa4, 0xac,
  0x64, 0x6c, 0x74, 0x7c, 0x84, 0x80, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x81, 0xb1, 0x00, 0x01,
  0x60, 0x61, 0x02, 0x03, 0x07, 0x87, 0x06, 0x16, 0x05, 0x15, 0x1d, 0x35, 0x3d, 0x25, 0x2d, 0x45,
  0x4d,
]);

const ANCILLARY = new Set<number>([0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60]);

/** True when the kernel would accept the program; false is EINVAL. */
export function bpfCheckClassic(insns: readonly BpfInsn[]): boolean {
  const n = insns.length;
  if (n === 0 || n > BPF_MAXINSNS) return false;
  for (let pc = 0; pc < n; pc++) {
    const insn = insns[pc]!;
    if (!ALLOWED.has(insn.code) || !operandAllowed(insn, pc, n)) return false;
    if (insn.code === 0x20 || insn.code === 0x28 || insn.code === 0x30) {
      const what = (insn.k | 0) + 0x1000;
      if (what >= 0 && what < SKF_AD_MAX && (insn.k | 0) < 0) {
        if (!ANCILLARY.has(what)) return false;
      }
    }
  }
  const last = insns[n - 1]!.code;
  if (last !== 0x06 && last !== 0x16) return false;
  return storesBeforeLoads(insns);
}

function operandAllowed(insn: BpfInsn, pc: number, n: number): boolean {
  switch (insn.code) {
    case 0x34: // div #k
    case 0x94: // mod #k
      return insn.k !== 0;
    case 0x64: // lsh #k
    case 0x74: // rsh #k
      return insn.k < 32;
    case 0x60:
    case 0x61:
    case 0x02:
    case 0x03:
      return insn.k < 16;
    case 0x05:
      return insn.k < n - pc - 1;
    case 0x15:
    case 0x1d:
    case 0x35:
    case 0x3d:
    case 0x25:
    case 0x2d:
    case 0x45:
    case 0x4d:
      return pc + insn.jt + 1 < n && pc + insn.jf + 1 < n;
    default:
      return true;
  }
}

/** A scratch word may be read only where every path has written it. */
function storesBeforeLoads(insns: readonly BpfInsn[]): boolean {
  const masks = new Uint16Array(insns.length).fill(0xffff);
  let valid = 0;
  for (let pc = 0; pc < insns.length; pc++) {
    const insn = insns[pc]!;
    valid &= masks[pc]!;
    switch (insn.code) {
      case 0x02:
      case 0x03:
        valid |= 1 << insn.k;
        break;
      case 0x60:
      case 0x61:
        if ((valid & (1 << insn.k)) === 0) return false;
        break;
      case 0x05:
        masks[pc + 1 + insn.k]! &= valid;
        valid = 0xffff;
        break;
      case 0x15:
      case 0x1d:
      case 0x35:
      case 0x3d:
      case 0x25:
      case 0x2d:
      case 0x45:
      case 0x4d:
        masks[pc + 1 + insn.jt]! &= valid;
        masks[pc + 1 + insn.jf]! &= valid;
        valid = 0xffff;
        break;
      default:
        break;
    }
  }
  return true;
}
