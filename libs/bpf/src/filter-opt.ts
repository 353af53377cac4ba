/**
 * Makes the control-flow graph of a filter small: value numbering, dead stores, peepholes, and the
 * merging and moving of branches.
 *
 * Caller: compile.ts → optimise. Source: the algorithm of McCanne & Jacobson (1993) in the form that
 * libpcap 1.10.3 runs it, rule for rule, so that the result is the same code; opt-data.ts holds the
 * analyses, opt-stmt.ts the rules inside a block, opt-branch.ts those between blocks.
 * Difference: `jset #0xffffffff` is not taken for always true, which it is not.
 */

import type { Block } from './filter-block.js';
import { BPF_JMP, BPF_RET } from './insn.js';
import { mergeEqualBlocks, moveBranches } from './opt-branch.js';
import { OptState } from './opt-data.js';
import { optBlock } from './opt-stmt.js';

/** Rounds of nothing but moved branches after which they are taken to go in circles. */
const MAX_BRANCH_ROUNDS = 100;

export function optimise(root: Block): Block {
  const state = new OptState(root);
  loop(state, false);
  loop(state, true);
  mergeEqualBlocks(state);
  return trimRoot(state.root);
}

function loop(state: OptState, doStmts: boolean): void {
  let rounds = 0;
  for (;;) {
    state.done = true;
    state.nonBranchMovement = false;
    state.findLevels();
    state.findDominators();
    state.findUses();
    state.findEdgeDominators();
    optBlocks(state, doStmts);
    if (state.done) return;
    if (state.nonBranchMovement) rounds = 0;
    else if (++rounds >= MAX_BRANCH_ROUNDS) return;
  }
}

function optBlocks(state: OptState, doStmts: boolean): void {
  state.forgetValues();
  state.findInEdges();
  const top = state.root.level;
  for (let i = top; i >= 0; i--) {
    for (let b = state.levels[i]; b !== undefined; b = b.link) optBlock(state, b, doStmts);
  }
  if (!doStmts) moveBranches(state);
}

/** Skips tests at the start that no longer decide anything. */
function trimRoot(first: Block): Block {
  let root = first;
  const stmts = root.stmts;
  root.stmts = [];
  while ((root.s.code & 7) === BPF_JMP && root.jt !== undefined && root.jt === root.jf) {
    root = root.jt;
  }
  root.stmts = (root.s.code & 7) === BPF_RET ? [] : [...stmts, ...root.stmts];
  return root;
}
