/**
 * Classic BPF: instruction encoding and the program as flat arrays.
 *
 * Produced by the filter compiler or from raw `sock_filter`s, run by vm.ts, printed by dump.ts.
 * Sources: include/uapi/linux/filter.h and bpf_common.h (numbers), McCanne & Jacobson 1993.
 */

export const BPF_LD = 0x00;
export const BPF_LDX = 0x01;
export const BPF_ST = 0x02;
export const BPF_STX = 0x03;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
export const BPF_RET = 0x06;
export const BPF_MISC = 0x07;

export const BPF_W = 0x00;
export const BPF_H = 0x08;
export const BPF_B = 0x10;

export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_MEM = 0x60;
export const BPF_LEN = 0x80;
export const BPF_MSH = 0xa0;

export const BPF_ADD = 0x00;
export const BPF_SUB = 0x10;
export const BPF_MUL = 0x20;
export const BPF_DIV = 0x30;
export const BPF_OR = 0x40;
export const BPF_AND = 0x50;
export const BPF_LSH = 0x60;
export const BPF_RSH = 0x70;
export const BPF_NEG = 0x80;
export const BPF_MOD = 0x90;
export const BPF_XOR = 0xa0;

export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;

export const BPF_K = 0x00;
export const BPF_X = 0x08;
export const BPF_A = 0x10;

export const BPF_TAX = 0x00;
export const BPF_TXA = 0x80;

/** Words of scratch memory. */
export const BPF_MEMWORDS = 16;
/** Longest program the kernel takes. */
export const BPF_MAXINSNS = 4096;

/** Absolute loads at or above these (as unsigned) read packet metadata, or relative to a header. */
export const SKF_AD_OFF = -0x1000;
export const SKF_NET_OFF = -0x100000;
export const SKF_LL_OFF = -0x200000;
export const SKF_AD_PROTOCOL = 0;
export const SKF_AD_PKTTYPE = 4;
export const SKF_AD_IFINDEX = 8;
export const SKF_AD_NLATTR = 12;
export const SKF_AD_NLATTR_NEST = 16;
export const SKF_AD_MARK = 20;
export const SKF_AD_QUEUE = 24;
export const SKF_AD_HATYPE = 28;
export const SKF_AD_RXHASH = 32;
export const SKF_AD_CPU = 36;
export const SKF_AD_ALU_XOR_X = 40;
export const SKF_AD_VLAN_TAG = 44;
export const SKF_AD_VLAN_TAG_PRESENT = 48;
export const SKF_AD_PAY_OFFSET = 52;
export const SKF_AD_RANDOM = 56;
export const SKF_AD_VLAN_TPID = 60;
export const SKF_AD_MAX = 64;

/** One instruction, as `struct sock_filter`. */
export interface BpfInsn {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  /** Unsigned 32 bits. */
  readonly k: number;
}

/** A program as parallel arrays: what the interpreter wants. */
export class BpfProgram {
  readonly code: Uint16Array;
  readonly jt: Uint8Array;
  readonly jf: Uint8Array;
  readonly k: Int32Array;
  /** Whether scratch memory is read, which must then begin as zero. */
  readonly readsScratch: boolean;

  constructor(insns: readonly BpfInsn[]) {
    this.code = Uint16Array.from(insns, (insn) => insn.code);
    this.jt = Uint8Array.from(insns, (insn) => insn.jt);
    this.jf = Uint8Array.from(insns, (insn) => insn.jf);
    this.k = Int32Array.from(insns, (insn) => insn.k | 0);
    this.readsScratch = insns.some((insn) => insn.code === 0x60 || insn.code === 0x61);
  }

  get length(): number {
    return this.code.length;
  }

  /** Instruction `pc`; all zero outside of the program. */
  insn(pc: number): BpfInsn {
    return {
      code: this.code[pc] ?? 0,
      jt: this.jt[pc] ?? 0,
      jf: this.jf[pc] ?? 0,
      k: (this.k[pc] ?? 0) >>> 0,
    };
  }
}

/** An instruction that does not jump. */
export function bpfStmt(code: number, k: number): BpfInsn {
  return { code, jt: 0, jf: 0, k };
}

/** A conditional jump, distances counted from the next instruction. */
export function bpfJump(code: number, k: number, jt: number, jf: number): BpfInsn {
  return { code, jt, jf, k };
}
