/**
 * Prints programs in the three forms of `tcpdump -d`, `-dd` and `-ddd`.
 */

import type { BpfInsn, BpfProgram } from './insn.js';

const ALU = ['add', 'sub', 'mul', 'div', 'or', 'and', 'lsh', 'rsh', 'neg', 'mod', 'xor'] as const;
const JUMP = ['ja', 'jeq', 'jgt', 'jge', 'jset'] as const;
const HEX_OPERAND = new Set(['or', 'and', 'xor']);

const ANCILLARY: Readonly<Record<number, string>> = {
  0: 'proto',
  4: 'type',
  8: 'ifidx',
  12: 'nla',
  16: 'nlan',
  20: 'mark',
  24: 'queue',
  28: 'hatype',
  32: 'rxhash',
  36: 'cpu',
  40: 'xor_x',
  44: 'vlan_tci',
  48: 'vlanp',
  52: 'poff',
  56: 'random',
  60: 'vlan_tpid',
};

/** One line an instruction, without a final newline. */
export function bpfDump(prog: BpfProgram): string {
  const lines: string[] = [];
  for (let pc = 0; pc < prog.length; pc++) lines.push(bpfImage(prog.insn(pc), pc));
  return lines.join('\n');
}

/** C initialisers, one line an instruction (`tcpdump -dd`). */
export function bpfDumpC(prog: BpfProgram): string {
  const lines: string[] = [];
  for (let pc = 0; pc < prog.length; pc++) {
    const { code, jt, jf, k } = prog.insn(pc);
    const hex = (value: number): string => (value === 0 ? '0' : `0x${value.toString(16)}`);
    lines.push(`{ ${hex(code)}, ${jt}, ${jf}, 0x${k.toString(16).padStart(8, '0')} },`);
  }
  return lines.join('\n');
}

/** The count, then decimal numbers, one line an instruction (`tcpdump -ddd`). */
export function bpfDumpDecimal(prog: BpfProgram): string {
  const lines = [String(prog.length)];
  for (let pc = 0; pc < prog.length; pc++) {
    const { code, jt, jf, k } = prog.insn(pc);
    lines.push(`${code} ${jt} ${jf} ${k}`);
  }
  return lines.join('\n');
}

/** One instruction as text; `pc` numbers it and makes its jumps absolute. */
export function bpfImage(insn: BpfInsn, pc: number): string {
  const [op, operand] = describe(insn, pc);
  const number = String(pc).padStart(3, '0');
  if ((insn.code & 7) === 5 && insn.code !== 5) {
    const jt = pc + 1 + insn.jt;
    const jf = pc + 1 + insn.jf;
    return `(${number}) ${op.padEnd(8)} ${operand.padEnd(16)} jt ${jt}\tjf ${jf}`;
  }
  return `(${number}) ${op.padEnd(8)} ${operand}`;
}

function describe(insn: BpfInsn, pc: number): [op: string, operand: string] {
  const { code, k } = insn;
  const hex = `#0x${k.toString(16)}`;
  const signed = String(k | 0);
  switch (code & 7) {
    case 0:
    case 1:
      return load(insn, hex);
    case 2:
      if (code === 2) return ['st', `M[${signed}]`];
      break;
    case 3:
      if (code === 3) return ['stx', `M[${signed}]`];
      break;
    case 4: {
      const op = ALU[code >> 4];
      if (op === undefined || (code & 8 && op === 'neg')) break;
      if (op === 'neg') return [op, ''];
      if (code & 8) return [op, 'x'];
      return [op, HEX_OPERAND.has(op) ? hex : `#${signed}`];
    }
    case 5: {
      const op = JUMP[code >> 4];
      if (op === undefined) break;
      if (op === 'ja') return [op, String(pc + 1 + (k | 0))];
      return [op, code & 8 ? 'x' : hex];
    }
    case 6:
      if (code === 6) return ['ret', `#${signed}`];
      if (code === 0x16) return ['ret', ''];
      break;
    case 7:
      if (code === 7) return ['tax', ''];
      if (code === 0x87) return ['txa', ''];
      break;
    default:
      break;
  }
  return ['unimp', `0x${code.toString(16)}`];
}

function load(insn: BpfInsn, hex: string): [op: string, operand: string] {
  const { code, k } = insn;
  const signed = k | 0;
  const sized = code & 0x10 ? 'ldb' : code & 0x08 ? 'ldh' : 'ld';
  switch (code) {
    case 0x20:
    case 0x28:
    case 0x30: {
      const name = signed < 0 ? ANCILLARY[signed + 0x1000] : undefined;
      return [sized, name === undefined ? `[${signed}]` : `[${name}]`];
    }
    case 0x40:
    case 0x48:
    case 0x50:
      return [sized, `[x + ${signed}]`];
    case 0x80:
      return ['ld', '#pktlen'];
    case 0x00:
      return ['ld', hex];
    case 0x01:
      return ['ldx', hex];
    case 0xb1:
      return ['ldxb', `4*([${signed}]&0xf)`];
    case 0x60:
      return ['ld', `M[${signed}]`];
    case 0x61:
      return ['ldx', `M[${signed}]`];
    default:
      return ['unimp', `0x${code.toString(16)}`];
  }
}
