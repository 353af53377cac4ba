/**
 * Lays the control-flow graph out as a program.
 *
 * Caller: compile.ts. False branches are placed behind true ones, shared blocks once, from the end
 * to the front; a branch farther than 255 instructions goes through an extra `ja`.
 */

import { NOP } from './filter-block.js';
import type { Block, Stmt } from './filter-block.js';
import { FilterError } from './filter-error.js';
import { stmtCount } from './gen-core.js';
import type { BpfInsn } from './insn.js';
import { BPF_JA, BPF_JMP, BPF_MAXINSNS } from './insn.js';

export function emitProgram(root: Block): BpfInsn[] {
  const order = postOrder(root);
  for (;;) {
    const out = tryLayout(order);
    if (out !== undefined) {
      if (out.length > BPF_MAXINSNS) throw new FilterError('expression is too complex');
      return out;
    }
  }
}

/** Blocks in the order in which they are laid down from the end: false side, true side, self. */
function postOrder(root: Block): Block[] {
  const order: Block[] = [];
  const seen = new Set<Block>();
  const stack: { block: Block; stage: number }[] = [{ block: root, stage: 0 }];
  seen.add(root);
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const next = top.stage === 0 ? top.block.jf : top.stage === 1 ? top.block.jt : undefined;
    if (top.stage === 2) {
      order.push(top.block);
      stack.pop();
      continue;
    }
    top.stage++;
    if (next !== undefined && !seen.has(next)) {
      seen.add(next);
      stack.push({ block: next, stage: 0 });
    }
  }
  return order;
}

function blockSize(block: Block): number {
  return stmtCount(block.stmts) + 1 + (block.longJt ? 1 : 0) + (block.longJf ? 1 : 0);
}

/** A layout, or undefined after a branch was found to need an extra jump. */
function tryLayout(order: readonly Block[]): BpfInsn[] | undefined {
  let total = 0;
  for (const block of order) total += blockSize(block);
  const out = new Array<BpfInsn>(total);
  let tail = total;
  for (const block of order) {
    tail -= blockSize(block);
    block.offset = tail;
    const live = block.stmts.filter((stmt) => stmt.code !== NOP);
    live.forEach((stmt, i) => {
      out[tail + i] = insideBlock(stmt, i, block.stmts);
    });
    if (!endOfBlock(block, tail + live.length, out)) return undefined;
  }
  return out;
}

/** A statement that is number `i` of its block; jumps to a removed one go to what follows it. */
function insideBlock(stmt: Stmt, i: number, stmts: readonly Stmt[]): BpfInsn {
  const k = stmt.code === (BPF_JMP | BPF_JA) ? stmt.k | 0 : stmt.k;
  const distance = (target: Stmt | undefined): number => {
    if (target === undefined) return 0;
    const at = stmtCount(stmts.slice(0, stmts.indexOf(target)));
    if (at <= i) throw new FilterError('block-local jump leads nowhere');
    return at - i - 1;
  };
  return { code: stmt.code, jt: distance(stmt.jt), jf: distance(stmt.jf), k };
}

function endOfBlock(block: Block, at: number, out: BpfInsn[]): boolean {
  const { jt, jf } = block;
  if (jt === undefined || jf === undefined) {
    out[at] = { code: block.s.code, jt: 0, jf: 0, k: block.s.k };
    return true;
  }
  let extra = 0;
  const branch = (target: Block, long: boolean): number | undefined => {
    const distance = target.offset - at - 1;
    if (!long) return distance < 256 ? distance : undefined;
    extra++;
    out[at + extra] = { code: BPF_JMP | BPF_JA, jt: 0, jf: 0, k: distance - extra };
    return extra - 1;
  };
  const jtDistance = branch(jt, block.longJt);
  if (jtDistance === undefined) {
    block.longJt = true;
    return false;
  }
  const jfDistance = branch(jf, block.longJf);
  if (jfDistance === undefined) {
    block.longJf = true;
    return false;
  }
  out[at] = { code: block.s.code, jt: jtDistance, jf: jfDistance, k: block.s.k };
  return true;
}
