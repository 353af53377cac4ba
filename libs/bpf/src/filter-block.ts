/**
 * The control-flow graph that a filter becomes: blocks that end in a test, joined by and, or, not.
 *
 * Caller: the gen-*.ts files build it, filter-opt.ts rewrites it, filter-emit.ts lays it out.
 * Source: McCanne & Jacobson, "The BSD Packet Filter" (1993): a Boolean expression under
 * construction is a list of blocks whose open edges are chained through the edges themselves.
 */

import { BPF_JMP, BPF_RET } from './insn.js';

/** One instruction inside a block; `jt`/`jf` only for jumps that stay inside. */
export class Stmt {
  jt: Stmt | undefined;
  jf: Stmt | undefined;

  constructor(
    public code: number,
    public k = 0,
  ) {}
}

/** Opcode of a statement that the optimiser has removed. */
export const NOP = -1;

/** Scratch words, then A, then X. */
export const A_ATOM = 16;
export const X_ATOM = 17;
export const N_ATOMS = 18;

export class Edge {
  id = 0;
  /** Test of the block it leaves: positive on the true edge, negative on the false one. */
  code = 0;
  edom: Uint32Array = NO_BITS;
  succ: Block | undefined;
  next: Edge | undefined;

  constructor(readonly pred: Block) {}
}

const NO_BITS = new Uint32Array(0);

export class Block {
  stmts: Stmt[] = [];
  readonly s: Stmt;
  /** True when the open list runs through true edges instead of false ones. */
  sense = false;
  /** First block of the expression that this block ends. */
  head: Block = this;
  readonly et = new Edge(this);
  readonly ef = new Edge(this);

  id = 0;
  level = 0;
  mark = 0;
  link: Block | undefined;
  dom: Uint32Array = NO_BITS;
  inEdges: Edge | undefined;
  def = 0;
  kill = 0;
  inUse = 0;
  outUse = 0;
  oval = 0;
  readonly val = new Int32Array(N_ATOMS);
  offset = 0;
  longJt = false;
  longJf = false;

  constructor(code: number, k = 0, stmts: Stmt[] = []) {
    this.s = new Stmt(code, k);
    this.stmts = stmts;
  }

  get jt(): Block | undefined {
    return this.et.succ;
  }

  set jt(block: Block | undefined) {
    this.et.succ = block;
  }

  get jf(): Block | undefined {
    return this.ef.succ;
  }

  set jf(block: Block | undefined) {
    this.ef.succ = block;
  }
}

/** A block that ends in a conditional jump. */
export function testBlock(op: number, k: number, stmts: Stmt[]): Block {
  return new Block(BPF_JMP | op, k, stmts);
}

export function returnBlock(k: number): Block {
  return new Block(BPF_RET, k);
}

/** Sends every open edge of `list` to `target`. */
export function backpatch(list: Block, target: Block): void {
  let block: Block | undefined = list;
  while (block !== undefined) {
    const next: Block | undefined = block.sense ? block.jf : block.jt;
    if (block.sense) block.jf = target;
    else block.jt = target;
    block = next;
  }
}

/** Appends the open edges of `b1` to those of `b0`. */
function merge(b0: Block, b1: Block): void {
  let block = b0;
  for (;;) {
    const next: Block | undefined = block.sense ? block.jf : block.jt;
    if (next === undefined) break;
    block = next;
  }
  if (block.sense) block.jf = b1;
  else block.jt = b1;
}

/** b1 becomes `b0 and b1`. */
export function genAnd(b0: Block, b1: Block): Block {
  backpatch(b0, b1.head);
  b0.sense = !b0.sense;
  b1.sense = !b1.sense;
  merge(b1, b0);
  b1.sense = !b1.sense;
  b1.head = b0.head;
  return b1;
}

/** b1 becomes `b0 or b1`. */
export function genOr(b0: Block, b1: Block): Block {
  b0.sense = !b0.sense;
  backpatch(b0, b1.head);
  b0.sense = !b0.sense;
  merge(b1, b0);
  b1.head = b0.head;
  return b1;
}

export function genNot(b: Block): Block {
  b.sense = !b.sense;
  return b;
}

/** Closes the expression: true leads to `ret accept`, false to `ret 0`. Returns the first block. */
export function closeGraph(b: Block, accept: number): Block {
  backpatch(b, returnBlock(accept));
  b.sense = !b.sense;
  backpatch(b, returnBlock(0));
  return b.head;
}
