/**
 * What the optimiser knows about a graph: levels, dominators, uses, values.
 *
 * Caller: filter-opt.ts and the rule files. An atom is a scratch word, A or X.
 */

import { A_ATOM, N_ATOMS, NOP, X_ATOM } from './filter-block.js';
import type { Block, Edge, Stmt } from './filter-block.js';
import {
  BPF_ALU,
  BPF_IMM,
  BPF_JMP,
  BPF_LD,
  BPF_LDX,
  BPF_MISC,
  BPF_RET,
  BPF_ST,
  BPF_STX,
  BPF_W,
} from './insn.js';

/** Both A and X. */
export const AX_ATOM = N_ATOMS;
/** "Could be anything." */
export const VAL_UNKNOWN = 0;

export class OptState {
  done = false;
  nonBranchMovement = false;
  readonly blocks: Block[] = [];
  readonly edges: Edge[] = [];
  readonly levels: (Block | undefined)[] = [];
  private readonly words: number;
  private readonly edgeWords: number;
  private marker = 0;
  private readonly values = new Map<string, number>();
  private readonly constants = new Map<number, number>();
  private lastValue = 0;

  constructor(public root: Block) {
    this.number(root);
    const n = this.blocks.length;
    this.blocks.forEach((block, i) => {
      block.et.id = i;
      block.ef.id = n + i;
    });
    this.edges.push(...this.blocks.map((b) => b.et), ...this.blocks.map((b) => b.ef));
    this.words = (n + 31) >>> 5;
    this.edgeWords = (2 * n + 31) >>> 5;
    for (const block of this.blocks) {
      block.dom = new Uint32Array(this.words);
      block.et.edom = new Uint32Array(this.edgeWords);
      block.ef.edom = new Uint32Array(this.edgeWords);
    }
  }

  /** Notes a change that is more than a moved branch. */
  changed(): void {
    this.done = false;
    this.nonBranchMovement = true;
  }

  /** Starts a new marking of blocks. */
  newMark(): number {
    return ++this.marker;
  }

  private number(root: Block): void {
    const mark = this.newMark();
    const visit = (block: Block | undefined): void => {
      if (block === undefined || block.mark === mark) return;
      block.mark = mark;
      block.id = this.blocks.length;
      this.blocks.push(block);
      visit(block.jt);
      visit(block.jf);
    };
    visit(root);
  }

  /** A block's level is its longest way to a return. */
  findLevels(): void {
    this.levels.length = 0;
    const mark = this.newMark();
    const visit = (block: Block | undefined): void => {
      if (block === undefined || block.mark === mark) return;
      block.mark = mark;
      block.link = undefined;
      let level = 0;
      if (block.jt !== undefined && block.jf !== undefined) {
        visit(block.jt);
        visit(block.jf);
        level = Math.max(block.jt.level, block.jf.level) + 1;
      }
      block.level = level;
      block.link = this.levels[level];
      this.levels[level] = block;
    };
    visit(this.root);
  }

  findDominators(): void {
    for (const block of this.blocks) block.dom.fill(0xffffffff);
    this.root.dom.fill(0);
    for (let level = this.root.level; level >= 0; level--) {
      for (let b = this.levels[level]; b !== undefined; b = b.link) {
        b.dom[b.id >>> 5]! |= 1 << (b.id & 31);
        if (b.jt === undefined || b.jf === undefined) continue;
        intersect(b.jt.dom, b.dom);
        intersect(b.jf.dom, b.dom);
      }
    }
  }

  findEdgeDominators(): void {
    for (const edge of this.edges) edge.edom.fill(0xffffffff);
    this.root.et.edom.fill(0);
    this.root.ef.edom.fill(0);
    for (let level = this.root.level; level >= 0; level--) {
      for (let b = this.levels[level]; b !== undefined; b = b.link) {
        propagate(b.et);
        propagate(b.ef);
      }
    }
  }

  findUses(): void {
    const top = this.root.level;
    for (let i = top; i >= 0; i--) {
      for (let b = this.levels[i]; b !== undefined; b = b.link) {
        localUses(b);
        b.outUse = 0;
      }
    }
    for (let i = 1; i <= top; i++) {
      for (let b = this.levels[i]; b !== undefined; b = b.link) {
        b.outUse |= (b.jt?.inUse ?? 0) | (b.jf?.inUse ?? 0);
        b.inUse |= b.outUse & ~b.kill;
      }
    }
  }

  findInEdges(): void {
    for (const block of this.blocks) block.inEdges = undefined;
    const link = (edge: Edge, child: Block | undefined): void => {
      if (child === undefined) return;
      edge.next = child.inEdges;
      child.inEdges = edge;
    };
    for (let i = this.root.level; i > 0; i--) {
      for (let b = this.levels[i]; b !== undefined; b = b.link) {
        link(b.et, b.jt);
        link(b.ef, b.jf);
      }
    }
  }

  forgetValues(): void {
    this.values.clear();
    this.constants.clear();
    this.lastValue = 0;
  }

  /** The number of the value that `code` makes of two operands. */
  value(code: number, v0: number, v1: number): number {
    const key = `${code},${v0},${v1}`;
    const known = this.values.get(key);
    if (known !== undefined) return known;
    const value = ++this.lastValue;
    const kind = code & 7;
    if ((code & 0xe0) === BPF_IMM && (kind === BPF_LD || kind === BPF_LDX)) {
      this.constants.set(value, v0 >>> 0);
    }
    this.values.set(key, value);
    return value;
  }

  constantValue(k: number): number {
    return this.value(BPF_LD | BPF_IMM | BPF_W, k >>> 0, 0);
  }

  /** The constant that a value is, or undefined. */
  constantOf(value: number): number | undefined {
    return this.constants.get(value);
  }
}

function intersect(a: Uint32Array, b: Uint32Array): void {
  for (let i = 0; i < a.length; i++) a[i]! &= b[i]!;
}

function propagate(edge: Edge): void {
  edge.edom[edge.id >>> 5]! |= 1 << (edge.id & 31);
  if (edge.succ === undefined) return;
  intersect(edge.succ.et.edom, edge.edom);
  intersect(edge.succ.ef.edom, edge.edom);
}

/** The atom a statement reads: AX_ATOM for both, −1 for none. */
export function atomUse(stmt: Stmt): number {
  const { code } = stmt;
  if (code === NOP) return -1;
  switch (code & 7) {
    case BPF_RET:
      return (code & 0x18) === 0x10 ? A_ATOM : (code & 0x18) === 0x08 ? X_ATOM : -1;
    case BPF_LD:
    case BPF_LDX:
      if ((code & 0xe0) === 0x40) return X_ATOM;
      if ((code & 0xe0) === 0x60) return stmt.k;
      return -1;
    case BPF_ST:
      return A_ATOM;
    case BPF_STX:
      return X_ATOM;
    case BPF_JMP:
    case BPF_ALU:
      return (code & 0x08) !== 0 ? AX_ATOM : A_ATOM;
    case BPF_MISC:
      return (code & 0xf8) === 0x80 ? X_ATOM : A_ATOM;
    default:
      return -1;
  }
}

/** The atom a statement writes, or −1. */
export function atomDef(stmt: Stmt): number {
  if (stmt.code === NOP) return -1;
  switch (stmt.code & 7) {
    case BPF_LD:
    case BPF_ALU:
      return A_ATOM;
    case BPF_LDX:
      return X_ATOM;
    case BPF_ST:
    case BPF_STX:
      return stmt.k;
    case BPF_MISC:
      return (stmt.code & 0xf8) === 0x00 ? X_ATOM : A_ATOM;
    default:
      return -1;
  }
}

function localUses(block: Block): void {
  let def = 0;
  let use = 0;
  let kill = 0;
  const reads = (atom: number): void => {
    if (atom < 0) return;
    if (atom === AX_ATOM) {
      reads(X_ATOM);
      reads(A_ATOM);
    } else if ((def & (1 << atom)) === 0) use |= 1 << atom;
  };
  for (const stmt of block.stmts) {
    if (stmt.code === NOP) continue;
    reads(atomUse(stmt));
    const atom = atomDef(stmt);
    if (atom >= 0) {
      if ((use & (1 << atom)) === 0) kill |= 1 << atom;
      def |= 1 << atom;
    }
  }
  if ((block.s.code & 7) === BPF_JMP) reads(atomUse(block.s));
  block.def = def;
  block.kill = kill;
  block.inUse = use;
}
