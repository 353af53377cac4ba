/**
 * Optimiser rules inside one block: constant folding by value numbers, peepholes, dead stores.
 *
 * Caller: filter-opt.ts.
 */

import { A_ATOM, N_ATOMS, NOP, X_ATOM } from './filter-block.js';
import type { Block, Stmt } from './filter-block.js';
import { FilterError } from './filter-error.js';
import * as I from './insn.js';
import { atomDef, atomUse, AX_ATOM, VAL_UNKNOWN } from './opt-data.js';
import type { OptState } from './opt-data.js';

/** Optimises a block whose predecessors are done, and sets what branch moving needs. */
export function optBlock(state: OptState, block: Block, doStmts: boolean): void {
  inheritValues(block);
  const val = block.val;
  const aBefore = val[A_ATOM]!;
  const xBefore = val[X_ATOM]!;
  for (const stmt of block.stmts) optStmt(state, stmt, val, doStmts);
  const useless =
    block.outUse === 0 &&
    aBefore !== VAL_UNKNOWN &&
    val[A_ATOM] === aBefore &&
    xBefore !== VAL_UNKNOWN &&
    val[X_ATOM] === xBefore;
  if (doStmts && (useless || (block.s.code & 7) === I.BPF_RET)) {
    if (block.stmts.length > 0) {
      block.stmts = [];
      state.changed();
    }
  } else {
    peephole(state, block);
    deadStores(state, block);
  }
  block.oval = (block.s.code & 0x08) === I.BPF_K ? state.constantValue(block.s.k) : val[X_ATOM]!;
  block.et.code = block.s.code;
  block.ef.code = -block.s.code;
}

function inheritValues(block: Block): void {
  let edge = block.inEdges;
  if (edge === undefined) {
    block.val.fill(VAL_UNKNOWN);
    return;
  }
  block.val.set(edge.pred.val);
  while ((edge = edge.next) !== undefined) {
    for (let i = 0; i < N_ATOMS; i++) {
      if (block.val[i] !== edge.pred.val[i]) block.val[i] = VAL_UNKNOWN;
    }
  }
}

function store(stmt: Stmt, val: Int32Array, atom: number, value: number, alter: boolean): void {
  if (alter && value !== VAL_UNKNOWN && val[atom] === value) stmt.code = NOP;
  else val[atom] = value;
}

function optStmt(state: OptState, stmt: Stmt, val: Int32Array, alter: boolean): void {
  const { code } = stmt;
  if (code === NOP) return;
  const a = val[A_ATOM]!;
  const x = val[X_ATOM]!;
  switch (code) {
    case I.BPF_LD | I.BPF_ABS | I.BPF_W:
    case I.BPF_LD | I.BPF_ABS | I.BPF_H:
    case I.BPF_LD | I.BPF_ABS | I.BPF_B:
      store(stmt, val, A_ATOM, state.value(code, stmt.k, 0), alter);
      return;
    case I.BPF_LD | I.BPF_IND | I.BPF_W:
    case I.BPF_LD | I.BPF_IND | I.BPF_H:
    case I.BPF_LD | I.BPF_IND | I.BPF_B: {
      const constant = alter ? state.constantOf(x) : undefined;
      let value: number;
      if (constant !== undefined) {
        stmt.code = I.BPF_LD | I.BPF_ABS | (code & 0x18);
        stmt.k = (stmt.k + constant) | 0;
        value = state.value(stmt.code, stmt.k, 0);
        state.changed();
      } else {
        value = state.value(code, stmt.k, x);
      }
      store(stmt, val, A_ATOM, value, alter);
      return;
    }
    case I.BPF_LD | I.BPF_LEN:
      store(stmt, val, A_ATOM, state.value(code, 0, 0), alter);
      return;
    case I.BPF_LD | I.BPF_IMM:
      store(stmt, val, A_ATOM, state.constantValue(stmt.k), alter);
      return;
    case I.BPF_LDX | I.BPF_IMM:
      store(stmt, val, X_ATOM, state.constantValue(stmt.k), alter);
      return;
    case I.BPF_LDX | I.BPF_MSH | I.BPF_B:
      store(stmt, val, X_ATOM, state.value(code, stmt.k, 0), alter);
      return;
    case I.BPF_ALU | I.BPF_NEG: {
      const constant = alter ? state.constantOf(a) : undefined;
      if (constant !== undefined) {
        stmt.code = I.BPF_LD | I.BPF_IMM;
        stmt.k = -constant >>> 0;
        val[A_ATOM] = state.constantValue(stmt.k);
      } else {
        val[A_ATOM] = state.value(code, a, 0);
      }
      return;
    }
    case I.BPF_MISC | I.BPF_TXA:
      store(stmt, val, A_ATOM, x, alter);
      return;
    case I.BPF_MISC | I.BPF_TAX:
      store(stmt, val, X_ATOM, a, alter);
      return;
    case I.BPF_LD | I.BPF_MEM:
    case I.BPF_LDX | I.BPF_MEM: {
      const value = val[stmt.k]!;
      const constant = alter ? state.constantOf(value) : undefined;
      if (constant !== undefined) {
        stmt.code = (code & 7) | I.BPF_IMM;
        stmt.k = constant;
        state.changed();
      }
      store(stmt, val, (code & 7) === I.BPF_LD ? A_ATOM : X_ATOM, value, alter);
      return;
    }
    case I.BPF_ST:
      store(stmt, val, stmt.k, a, alter);
      return;
    case I.BPF_STX:
      store(stmt, val, stmt.k, x, alter);
      return;
    default:
      if ((code & 7) !== I.BPF_ALU) return;
      if ((code & 0x08) === I.BPF_K) aluConstant(state, stmt, val, alter);
      else aluX(state, stmt, val, alter);
  }
}

function aluConstant(state: OptState, stmt: Stmt, val: Int32Array, alter: boolean): void {
  const op = stmt.code & 0xf0;
  const a = val[A_ATOM]!;
  if (alter) {
    if (stmt.k === 0) {
      switch (op) {
        case I.BPF_ADD:
        case I.BPF_SUB:
        case I.BPF_LSH:
        case I.BPF_RSH:
        case I.BPF_OR:
        case I.BPF_XOR:
          stmt.code = NOP;
          return;
        case I.BPF_MUL:
        case I.BPF_AND:
          stmt.code = I.BPF_LD | I.BPF_IMM;
          val[A_ATOM] = state.constantValue(stmt.k);
          return;
        case I.BPF_DIV:
          throw new FilterError('division by zero');
        case I.BPF_MOD:
          throw new FilterError('modulus by zero');
        default:
          break;
      }
    }
    const constant = state.constantOf(a);
    if (constant !== undefined) {
      fold(state, stmt, constant, stmt.k);
      val[A_ATOM] = state.constantValue(stmt.k);
      return;
    }
  }
  val[A_ATOM] = state.value(stmt.code, a, state.constantValue(stmt.k));
}

function aluX(state: OptState, stmt: Stmt, val: Int32Array, alter: boolean): void {
  const op = stmt.code & 0xf0;
  const a = val[A_ATOM]!;
  const x = val[X_ATOM]!;
  const constantA = alter ? state.constantOf(a) : undefined;
  const constantX = alter ? state.constantOf(x) : undefined;
  if (constantX !== undefined) {
    if (constantA !== undefined) {
      fold(state, stmt, constantA, constantX);
      val[A_ATOM] = state.constantValue(stmt.k);
      return;
    }
    stmt.code = I.BPF_ALU | I.BPF_K | op;
    stmt.k = constantX;
    if ((op === I.BPF_LSH || op === I.BPF_RSH) && constantX > 31) {
      throw new FilterError('shift by more than 31 bits');
    }
    state.changed();
    val[A_ATOM] = state.value(stmt.code, a, state.constantValue(stmt.k));
    return;
  }
  if (constantA === 0) {
    if (op === I.BPF_ADD || op === I.BPF_OR || op === I.BPF_XOR) {
      stmt.code = I.BPF_MISC | I.BPF_TXA;
      store(stmt, val, A_ATOM, x, alter);
      return;
    }
    if (op !== I.BPF_SUB) {
      stmt.code = I.BPF_LD | I.BPF_IMM;
      stmt.k = 0;
      store(stmt, val, A_ATOM, state.constantValue(0), alter);
      return;
    }
  }
  val[A_ATOM] = state.value(stmt.code, a, x);
}

function fold(state: OptState, stmt: Stmt, a: number, b: number): void {
  switch (stmt.code & 0xf0) {
    case I.BPF_ADD:
      stmt.k = (a + b) >>> 0;
      break;
    case I.BPF_SUB:
      stmt.k = (a - b) >>> 0;
      break;
    case I.BPF_MUL:
      stmt.k = Math.imul(a, b) >>> 0;
      break;
    case I.BPF_DIV:
      if (b === 0) throw new FilterError('division by zero');
      stmt.k = Math.floor(a / b);
      break;
    case I.BPF_MOD:
      if (b === 0) throw new FilterError('modulus by zero');
      stmt.k = a % b;
      break;
    case I.BPF_AND:
      stmt.k = (a & b) >>> 0;
      break;
    case I.BPF_OR:
      stmt.k = (a | b) >>> 0;
      break;
    case I.BPF_XOR:
      stmt.k = (a ^ b) >>> 0;
      break;
    case I.BPF_LSH:
      stmt.k = b < 32 ? (a << b) >>> 0 : 0;
      break;
    default:
      stmt.k = b < 32 ? a >>> b : 0;
      break;
  }
  stmt.code = I.BPF_LD | I.BPF_IMM;
  state.changed();
}

/** Index of the next statement that is not a NOP, at or after `i`. */
function live(stmts: readonly Stmt[], i: number): number {
  while (i < stmts.length && stmts[i]!.code === NOP) i++;
  return i;
}

function peephole(state: OptState, block: Block): void {
  const { stmts } = block;
  if (stmts.length === 0) return;
  let last = stmts[0]!;
  for (let i = live(stmts, 0); i < stmts.length;) {
    const j = live(stmts, i + 1);
    const stmt = stmts[i]!;
    const next = stmts[j];
    if (next === undefined) break;
    last = next;
    if (stmt.code === I.BPF_ST && next.code === (I.BPF_LDX | I.BPF_MEM) && stmt.k === next.k) {
      state.changed();
      next.code = I.BPF_MISC | I.BPF_TAX;
    }
    if (stmt.code === (I.BPF_LD | I.BPF_IMM) && next.code === (I.BPF_MISC | I.BPF_TAX)) {
      stmt.code = I.BPF_LDX | I.BPF_IMM;
      next.code = I.BPF_MISC | I.BPF_TXA;
      state.changed();
    }
    if (stmt.code === (I.BPF_LD | I.BPF_IMM)) foldIndex(state, block, stmt, j);
    i = j;
  }
  compareBetter(state, block, last);
  decideConstants(state, block);
}

/** `ld #2; ldxb …; add x; tax; ldb [x+0]` loads `[x+2]` without the detour. */
function foldIndex(state: OptState, block: Block, stmt: Stmt, j: number): void {
  if ((block.outUse & (1 << X_ATOM)) !== 0) return;
  const { stmts } = block;
  const addAt = stmts[j]!.code === (I.BPF_LDX | I.BPF_MSH | I.BPF_B) ? live(stmts, j + 1) : j;
  const add = stmts[addAt];
  if (add?.code !== (I.BPF_ALU | I.BPF_ADD | I.BPF_X)) return;
  const taxAt = live(stmts, addAt + 1);
  const tax = stmts[taxAt];
  if (tax?.code !== (I.BPF_MISC | I.BPF_TAX)) return;
  const load = stmts[live(stmts, taxAt + 1)];
  if (load === undefined || (load.code & 7) !== I.BPF_LD || (load.code & 0xe0) !== I.BPF_IND) {
    return;
  }
  load.k = (load.k + stmt.k) | 0;
  stmt.code = NOP;
  add.code = NOP;
  tax.code = NOP;
  state.changed();
}

/** Folds the last operation before an equality test into the test. */
function compareBetter(state: OptState, block: Block, last: Stmt): void {
  const test = block.s;
  if (test.code === (I.BPF_JMP | I.BPF_JEQ | I.BPF_K) && (block.outUse & (1 << A_ATOM)) === 0) {
    if (last.code === (I.BPF_ALU | I.BPF_SUB | I.BPF_X)) {
      const constant = state.constantOf(block.val[X_ATOM]!);
      if (constant !== undefined) {
        test.k = (test.k + constant) >>> 0;
        last.code = NOP;
        state.changed();
      } else if (test.k === 0) {
        last.code = NOP;
        test.code = I.BPF_JMP | I.BPF_JEQ | I.BPF_X;
        state.changed();
      }
    } else if (last.code === (I.BPF_ALU | I.BPF_SUB | I.BPF_K)) {
      last.code = NOP;
      test.k = (test.k + last.k) >>> 0;
      state.changed();
    } else if (last.code === (I.BPF_ALU | I.BPF_AND | I.BPF_K) && test.k === 0) {
      test.k = last.k;
      test.code = I.BPF_JMP | I.BPF_K | I.BPF_JSET;
      last.code = NOP;
      state.changed();
      const swap = block.jt;
      block.jt = block.jf;
      block.jf = swap;
    }
  }
  if (test.code === (I.BPF_JMP | I.BPF_K | I.BPF_JSET) && test.k === 0) block.jt = block.jf;
}

/** Tests whose outcome is known. */
function decideConstants(state: OptState, block: Block): void {
  const test = block.s;
  const x = state.constantOf(block.val[X_ATOM]!);
  if (x !== undefined && (test.code & 0x08) === I.BPF_X && (test.code & 7) === I.BPF_JMP) {
    test.code &= ~I.BPF_X;
    test.k = x;
  }
  const a = state.constantOf(block.val[A_ATOM]!);
  if (a === undefined || (test.code & 0x08) !== I.BPF_K || (test.code & 7) !== I.BPF_JMP) return;
  let holds: boolean;
  switch (test.code & 0xf0) {
    case I.BPF_JEQ:
      holds = a === test.k >>> 0;
      break;
    case I.BPF_JGT:
      holds = a > test.k >>> 0;
      break;
    case I.BPF_JGE:
      holds = a >= test.k >>> 0;
      break;
    default:
      holds = (a & test.k) !== 0;
      break;
  }
  if (block.jt !== block.jf) state.changed();
  if (holds) block.jf = block.jt;
  else block.jt = block.jf;
}

function deadStores(state: OptState, block: Block): void {
  const last = new Array<Stmt | undefined>(N_ATOMS).fill(undefined);
  const visit = (stmt: Stmt): void => {
    const use = atomUse(stmt);
    if (use === AX_ATOM) {
      last[X_ATOM] = undefined;
      last[A_ATOM] = undefined;
    } else if (use >= 0) last[use] = undefined;
    const def = atomDef(stmt);
    if (def < 0) return;
    const before = last[def];
    if (before !== undefined) {
      before.code = NOP;
      state.changed();
    }
    last[def] = stmt;
  };
  for (const stmt of block.stmts) visit(stmt);
  visit(block.s);
  for (let atom = 0; atom < N_ATOMS; atom++) {
    const stmt = last[atom];
    if (stmt === undefined || (block.outUse & (1 << atom)) !== 0) continue;
    stmt.code = NOP;
    block.val[atom] = VAL_UNKNOWN;
    state.changed();
  }
}
