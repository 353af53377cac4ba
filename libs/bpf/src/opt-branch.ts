/**
 * Optimiser rules between blocks: edges that can skip a test, tests that can move up, blocks that
 * are equal.
 *
 * Caller: filter-opt.ts.
 */

import { A_ATOM, N_ATOMS, NOP } from './filter-block.js';
import type { Block, Edge, Stmt } from './filter-block.js';
import { BPF_JEQ, BPF_JMP, BPF_K } from './insn.js';
import type { OptState } from './opt-data.js';

export function moveBranches(state: OptState): void {
  const top = state.root.level;
  for (let i = 1; i <= top; i++) {
    for (let b = state.levels[i]; b !== undefined; b = b.link) {
      shortenEdge(state, b.et);
      shortenEdge(state, b.ef);
    }
  }
  state.findInEdges();
  for (let i = 1; i <= top; i++) {
    for (let b = state.levels[i]; b !== undefined; b = b.link) {
      pullUp(state, b, true);
      pullUp(state, b, false);
    }
  }
}

/** Whether `succ` needs a value that differs between leaving `block` and leaving `succ`. */
function useConflict(block: Block, succ: Block): boolean {
  const use = succ.outUse;
  if (use === 0) return false;
  for (let atom = 0; atom < N_ATOMS; atom++) {
    if ((use & (1 << atom)) !== 0 && block.val[atom] !== succ.val[atom]) return true;
  }
  return false;
}

function shortenEdge(state: OptState, edge: Edge): void {
  const child = edge.succ;
  if (child?.jt === undefined) return;
  if (child.jt === child.jf && !useConflict(edge.pred, child.jt)) {
    state.done = false;
    state.nonBranchMovement = true;
    edge.succ = child.jt;
  }
  for (;;) {
    const target = knownOutcome(state, edge);
    if (target === undefined) return;
    state.done = false;
    edge.succ = target;
    if (target.jt === undefined) return;
  }
}

/** Where the edge's successor will go, when an edge that dominates this one decides its test. */
function knownOutcome(state: OptState, edge: Edge): Block | undefined {
  const child = edge.succ;
  if (child === undefined) return undefined;
  for (let i = 0; i < edge.edom.length; i++) {
    let bits = edge.edom[i]!;
    while (bits !== 0) {
      const low = 31 - Math.clz32(bits & -bits);
      bits &= bits - 1;
      const dominator = state.edges[32 * i + low];
      if (dominator === undefined) continue;
      const target = foldEdge(child, dominator);
      if (target !== undefined && !useConflict(edge.pred, target)) return target;
    }
  }
  return undefined;
}

function foldEdge(child: Block, edge: Edge): Block | undefined {
  const sense = edge.code >= 0;
  const code = Math.abs(edge.code);
  if (child.s.code !== code) return undefined;
  if (child.val[A_ATOM] !== edge.pred.val[A_ATOM]) return undefined;
  if (child.oval === edge.pred.oval) return sense ? child.jt : child.jf;
  if (sense && code === (BPF_JMP | BPF_JEQ | BPF_K)) return child.jf;
  return undefined;
}

/**
 * Brings tests of the same value together along a chain of `or` (true edges lead to the same
 * block) or `and` (false edges do), so that the value is loaded once.
 */
function pullUp(state: OptState, b: Block, isOr: boolean): void {
  const first = b.inEdges;
  if (first === undefined) return;
  const val = first.pred.val[A_ATOM];
  for (let e = first.next; e !== undefined; e = e.next) {
    if (val !== e.pred.val[A_ATOM]) return;
  }
  const shared = (block: Block): Block | undefined => (isOr ? block.jt : block.jf);
  const along = (block: Block): Edge => (isOr ? block.ef : block.et);
  const dominated = (block: Block): boolean => (block.dom[b.id >>> 5]! & (1 << (b.id & 31))) !== 0;

  let diff = first.pred.jt === b ? first.pred.et : first.pred.ef;
  let atTop = true;
  for (;;) {
    const at = diff.succ;
    if (at === undefined || shared(at) !== shared(b) || !dominated(at)) return;
    if (at.val[A_ATOM] !== val) break;
    diff = along(at);
    atTop = false;
  }
  let same = along(diff.succ!);
  for (;;) {
    const at = same.succ;
    if (at === undefined || shared(at) !== shared(b) || !dominated(at)) return;
    if (at.val[A_ATOM] === val) break;
    same = along(at);
  }
  const pull = same.succ!;
  same.succ = along(pull).succ;
  along(pull).succ = diff.succ;
  if (atTop) {
    for (let e: Edge | undefined = b.inEdges; e !== undefined; e = e.next) {
      if (e.pred.jt === b) e.pred.jt = pull;
      else e.pred.jf = pull;
    }
  } else {
    diff.succ = pull;
  }
  state.done = false;
  state.findDominators();
}

/** Lets equal blocks be one. */
export function mergeEqualBlocks(state: OptState): void {
  for (;;) {
    let done = true;
    for (const block of state.blocks) block.link = undefined;
    const mark = state.newMark();
    markReachable(state.root, mark);
    const { blocks } = state;
    for (let i = blocks.length - 2; i >= 0; i--) {
      const a = blocks[i]!;
      if (a.mark !== mark) continue;
      for (let j = i + 1; j < blocks.length; j++) {
        const b = blocks[j]!;
        if (b.mark !== mark || !equalBlocks(a, b)) continue;
        a.link = b.link ?? b;
        break;
      }
    }
    for (const block of blocks) {
      if (block.jt?.link !== undefined) {
        done = false;
        block.jt = block.jt.link;
      }
      if (block.jf?.link !== undefined) {
        done = false;
        block.jf = block.jf.link;
      }
    }
    if (done) return;
  }
}

function markReachable(block: Block | undefined, mark: number): void {
  if (block === undefined || block.mark === mark) return;
  block.mark = mark;
  markReachable(block.jt, mark);
  markReachable(block.jf, mark);
}

function equalBlocks(a: Block, b: Block): boolean {
  return (
    a.s.code === b.s.code &&
    a.s.k === b.s.k &&
    a.jt === b.jt &&
    a.jf === b.jf &&
    equalStmts(a.stmts, b.stmts)
  );
}

function equalStmts(a: readonly Stmt[], b: readonly Stmt[]): boolean {
  let i = 0;
  let j = 0;
  for (;;) {
    while (i < a.length && a[i]!.code === NOP) i++;
    while (j < b.length && b[j]!.code === NOP) j++;
    if (i === a.length || j === b.length) return i === a.length && j === b.length;
    if (a[i]!.code !== b[j]!.code || a[i]!.k !== b[j]!.k) return false;
    i++;
    j++;
  }
}
