import {
  bpfCheckClassic,
  bpfDumpC,
  bpfDumpDecimal,
  bpfJump,
  BpfProgram,
  bpfRun,
  bpfStmt,
  compileFilter,
} from './index.js';
import type { BpfAux, BpfInsn } from './index.js';

const RET_A = bpfStmt(0x16, 0);
const bytes = Uint8Array.of(0xee, 0x01, 0x02, 0x83, 0x04, 0x45, 0xee);

/** Runs over the five bytes that lie at offset 1 of a larger memory. */
function run(insns: readonly BpfInsn[], aux?: BpfAux): number {
  return bpfRun(new BpfProgram(insns), bytes, 1, 5, 99, aux);
}

describe('loads', () => {
  it.each([
    ['ld [0]', [bpfStmt(0x20, 0)], 0x01028304],
    ['ld [1]', [bpfStmt(0x20, 1)], 0x02830445],
    ['ldh [3]', [bpfStmt(0x28, 3)], 0x0445],
    ['ldb [4]', [bpfStmt(0x30, 4)], 0x45],
    ['ld [x+1] with x=0', [bpfStmt(0x40, 1)], 0x02830445],
    ['ldh [x+1] with x=2', [bpfStmt(0x01, 2), bpfStmt(0x48, 1)], 0x0445],
    ['ldx 4*([4]&0xf)', [bpfStmt(0xb1, 4), bpfStmt(0x87, 0)], 20],
    ['ld #len', [bpfStmt(0x80, 0)], 99],
    ['ld #k', [bpfStmt(0x00, 0xfffffff0)], 0xfffffff0],
    ['M[]', [bpfStmt(0x00, 7), bpfStmt(0x02, 3), bpfStmt(0x00, 0), bpfStmt(0x60, 3)], 7],
    ['M[] begins as 0', [bpfStmt(0x60, 9)], 0],
  ])('%s', (_, insns, result) => {
    expect(run([...insns, RET_A])).toBe(result);
  });

  it.each([
    ['ld past the end', bpfStmt(0x20, 2)],
    ['ldh past the end', bpfStmt(0x28, 4)],
    ['ldb past the end', bpfStmt(0x30, 5)],
    ['ldx msh past the end', bpfStmt(0xb1, 5)],
    ['ld [x+k] before the packet', bpfStmt(0x50, 0xffffffff)],
    ['metadata where there is none', bpfStmt(0x20, 0xfffff004)],
  ])('%s ends with 0', (_, insn) => {
    expect(run([insn, bpfStmt(0x06, 1)])).toBe(0);
  });

  it('reads metadata and header-relative bytes', () => {
    const aux: BpfAux = {
      protocol: 0x800,
      pktType: 4,
      ifIndex: 7,
      mark: 1,
      queue: 2,
      hatype: 1,
      rxhash: 3,
      cpu: 0,
      vlanPresent: true,
      vlanTci: 0x2005,
      vlanProto: 0x8100,
      netOffset: 1,
      linkOffset: -1,
      payOffset: 4,
      random: () => 42,
    };
    const ad = (k: number): number => run([bpfStmt(0x20, 0xfffff000 + k), RET_A], aux);
    expect([0, 4, 8, 20, 24, 28, 32, 36, 44, 48, 52, 56, 60].map(ad)).toEqual([
      0x800, 4, 7, 1, 2, 1, 3, 0, 0x2005, 1, 4, 42, 0x8100,
    ]);
    expect(run([bpfStmt(0x30, 0xfff00000), RET_A], aux)).toBe(0x02);
    expect(run([bpfStmt(0x30, 0xffe00000), RET_A], aux)).toBe(0xee);
    expect(run([bpfStmt(0x30, 0xfff00004), RET_A], aux)).toBe(0);
  });
});

describe('arithmetic is 32-bit and unsigned', () => {
  const A = (k: number): BpfInsn => bpfStmt(0x00, k);
  const X = (k: number): BpfInsn => bpfStmt(0x01, k);
  it.each([
    ['add wraps', [A(0xffffffff), bpfStmt(0x04, 2)], 1],
    ['sub wraps', [A(1), bpfStmt(0x14, 2)], 0xffffffff],
    ['mul keeps the low half', [A(0x10001), bpfStmt(0x24, 0x10001)], 0x20001],
    ['div is unsigned', [A(0xfffffffe), bpfStmt(0x34, 2)], 0x7fffffff],
    ['mod is unsigned', [A(0xffffffff), bpfStmt(0x94, 10)], 5],
    ['or', [A(1), X(6), bpfStmt(0x4c, 0)], 7],
    ['and', [A(5), X(6), bpfStmt(0x5c, 0)], 4],
    ['xor', [A(5), X(6), bpfStmt(0xac, 0)], 3],
    ['lsh', [A(3), bpfStmt(0x64, 31)], 0x80000000],
    ['rsh is logical', [A(0x80000000), bpfStmt(0x74, 31)], 1],
    ['neg', [A(1), bpfStmt(0x84, 0)], 0xffffffff],
    ['div by X=0 ends with 0', [A(1), bpfStmt(0x3c, 0)], 0],
    ['mod by X=0 ends with 0', [A(1), bpfStmt(0x9c, 0)], 0],
  ])('%s', (_, insns, result) => {
    expect(run([...insns, RET_A])).toBe(result);
  });

  it.each([
    ['jgt compares unsigned', 0x25, 0x80000000, 1, true],
    ['jge equal', 0x35, 5, 5, true],
    ['jeq', 0x15, 5, 6, false],
    ['jset', 0x45, 6, 2, true],
    ['jset none', 0x45, 4, 2, false],
  ])('%s', (_, code, a, k, taken) => {
    const insns = [bpfStmt(0, a), bpfJump(code, k, 1, 0), bpfStmt(6, 0), bpfStmt(6, 1)];
    expect(run(insns)).toBe(taken ? 1 : 0);
  });
});

describe('bpfCheckClassic', () => {
  const ret = bpfStmt(0x06, 0);
  it.each([
    ['the empty program', [], false],
    ['ret', [ret], true],
    ['no ret at the end', [bpfStmt(0, 0)], false],
    ['an unknown opcode', [bpfStmt(0xff, 0), ret], false],
    ['div by 0', [bpfStmt(0x34, 0), ret], false],
    ['lsh by 32', [bpfStmt(0x64, 32), ret], false],
    ['M[16]', [bpfStmt(0x02, 16), ret], false],
    ['a load before a store', [bpfStmt(0x60, 0), ret], false],
    ['a store before a load', [bpfStmt(0x02, 0), bpfStmt(0x60, 0), ret], true],
    [
      'a store on one path only',
      [bpfJump(0x15, 0, 0, 1), bpfStmt(2, 0), bpfStmt(0x60, 0), ret],
      false,
    ],
    ['a jump past the end', [bpfJump(0x15, 0, 5, 0), ret], false],
    ['ja backwards', [bpfStmt(0, 0), bpfStmt(0x05, 0xfffffffe), ret], false],
    ['known metadata', [bpfStmt(0x20, 0xfffff000), ret], true],
    ['unknown metadata', [bpfStmt(0x20, 0xfffff001), ret], false],
  ])('%s', (_, insns, ok) => {
    expect(bpfCheckClassic(insns)).toBe(ok);
  });
});

describe('dumps', () => {
  it('prints C and decimal forms', () => {
    const prog = compileFilter('ip', 1);
    expect(bpfDumpC(prog)).toBe(
      '{ 0x28, 0, 0, 0x0000000c },\n{ 0x15, 0, 1, 0x00000800 },\n{ 0x6, 0, 0, 0x00040000 },\n{ 0x6, 0, 0, 0x00000000 },',
    );
    expect(bpfDumpDecimal(prog)).toBe('4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0');
  });
});
