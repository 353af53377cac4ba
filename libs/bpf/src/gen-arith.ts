/**
 * Code for arithmetic: `tcp[13] & 2 != 0`, `len - 14 > 100`.
 *
 * Caller: filter-gen.ts. Every value lives in a scratch word; the optimiser removes nearly all of
 * that. A packet access carries the tests that make it meaningful (`tcp[…]` holds only for the
 * first fragment of a TCP packet).
 */

import type { Arith, ArithOp, Relation } from './filter-ast.js';
import { genAnd, genNot, Stmt, testBlock } from './filter-block.js';
import type { Block } from './filter-block.js';
import { FilterError } from './filter-error.js';
import type { ProtocolWord } from './filter-words.js';
import { genCmp, loadIpHeaderLength, loadVariablePart } from './gen-core.js';
import type { GenContext, Offset } from './gen-core.js';
import { genAbbreviation, genFirstFragment } from './gen-inet.js';
import {
  BPF_ADD,
  BPF_ALU,
  BPF_AND,
  BPF_B,
  BPF_DIV,
  BPF_H,
  BPF_IMM,
  BPF_IND,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_LD,
  BPF_LDX,
  BPF_LEN,
  BPF_LSH,
  BPF_MEM,
  BPF_MISC,
  BPF_MOD,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_RSH,
  BPF_ST,
  BPF_SUB,
  BPF_TAX,
  BPF_W,
  BPF_X,
  BPF_XOR,
} from './insn.js';

/** A value: how to compute it, where it ends up, and what must hold for it to exist. */
interface Value {
  readonly stmts: Stmt[];
  reg: number;
  check: Block | undefined;
}

const OPS: Readonly<Record<ArithOp, number>> = {
  '+': BPF_ADD,
  '-': BPF_SUB,
  '*': BPF_MUL,
  '/': BPF_DIV,
  '%': BPF_MOD,
  '&': BPF_AND,
  '|': BPF_OR,
  '^': BPF_XOR,
  '<<': BPF_LSH,
  '>>': BPF_RSH,
};

const NETWORK_LAYER: ReadonlySet<ProtocolWord> = new Set<ProtocolWord>([
  'ip',
  'arp',
  'rarp',
  'atalk',
  'decnet',
  'lat',
  'sca',
  'moprc',
  'mopdl',
  'ip6',
]);
const TRANSPORT_LAYER: ReadonlySet<ProtocolWord> = new Set<ProtocolWord>([
  'sctp',
  'tcp',
  'udp',
  'icmp',
  'igmp',
  'igrp',
  'pim',
  'vrrp',
  'carp',
]);

export function genRelation(
  g: GenContext,
  relation: Relation,
  reversed: boolean,
  leftExpr: Arith,
  rightExpr: Arith,
): Block {
  const left = genValue(g, leftExpr);
  const right = genValue(g, rightExpr);
  const stmts = [...left.stmts, ...right.stmts, toX(right), toA(left)];
  let block: Block;
  if (relation === 'eq') {
    stmts.push(new Stmt(BPF_ALU | BPF_SUB | BPF_X));
    block = testBlock(BPF_JEQ, 0, stmts);
  } else {
    block = testBlock((relation === 'gt' ? BPF_JGT : BPF_JGE) | BPF_X, 0, stmts);
  }
  if (reversed) genNot(block);
  g.freeReg(left.reg);
  g.freeReg(right.reg);
  let check = left.check ?? right.check;
  if (left.check !== undefined && right.check !== undefined) {
    check = genAnd(left.check, right.check);
  }
  return check === undefined ? block : genAnd(check, block);
}

function toA(value: Value): Stmt {
  return new Stmt(BPF_LD | BPF_MEM, value.reg);
}

function toX(value: Value): Stmt {
  return new Stmt(BPF_LDX | BPF_MEM, value.reg);
}

function genValue(g: GenContext, expr: Arith): Value {
  switch (expr.type) {
    case 'number':
      return stored(g, [new Stmt(BPF_LD | BPF_IMM, expr.value)]);
    case 'length':
      return stored(g, [new Stmt(BPF_LD | BPF_LEN)]);
    case 'negate': {
      const value = genValue(g, expr.operand);
      value.stmts.push(toA(value), new Stmt(BPF_ALU | BPF_NEG), new Stmt(BPF_ST, value.reg));
      return value;
    }
    case 'load':
      return genPacketLoad(g, expr.proto, genValue(g, expr.index), expr.size);
    case 'binary':
      return genBinary(g, expr.op, genValue(g, expr.left), genValue(g, expr.right));
  }
}

function stored(g: GenContext, stmts: Stmt[]): Value {
  const reg = g.allocReg();
  stmts.push(new Stmt(BPF_ST, reg));
  return { stmts, reg, check: undefined };
}

function genBinary(g: GenContext, op: ArithOp, left: Value, right: Value): Value {
  const [first] = right.stmts;
  const constant = right.stmts.length === 2 && first?.code === (BPF_LD | BPF_IMM);
  if (constant) {
    if (op === '/' && first.k === 0) throw new FilterError('division by zero');
    if (op === '%' && first.k === 0) throw new FilterError('modulus by zero');
    if ((op === '<<' || op === '>>') && first.k > 31) {
      throw new FilterError('shift by more than 31 bits');
    }
  }
  left.stmts.push(...right.stmts, toX(right), toA(left), new Stmt(BPF_ALU | BPF_X | OPS[op]));
  g.freeReg(left.reg);
  g.freeReg(right.reg);
  left.reg = g.allocReg();
  left.stmts.push(new Stmt(BPF_ST, left.reg));
  return left;
}

function genPacketLoad(g: GenContext, proto: ProtocolWord, index: Value, size: number): Value {
  const reg = g.allocReg();
  g.freeReg(index.reg);
  const width = size === 1 ? BPF_B : size === 2 ? BPF_H : size === 4 ? BPF_W : -1;
  if (width < 0) throw new FilterError('data size must be 1, 2, or 4');
  const require = (block: Block): void => {
    index.check = index.check === undefined ? block : genAnd(index.check, block);
  };
  if (proto === 'link') {
    index.stmts.push(...loadRelative(g, g.offLinkhdr, index, width, 0));
  } else if (NETWORK_LAYER.has(proto)) {
    index.stmts.push(...loadRelative(g, g.offLinkpl, index, width, g.offNl));
    require(genAbbreviation(g, proto));
  } else if (TRANSPORT_LAYER.has(proto)) {
    index.stmts.push(
      ...loadIpHeaderLength(g),
      toA(index),
      new Stmt(BPF_ALU | BPF_ADD | BPF_X),
      new Stmt(BPF_MISC | BPF_TAX),
      new Stmt(BPF_LD | BPF_IND | width, g.offLinkpl.constant + g.offNl),
    );
    let block = genAbbreviation(g, proto);
    block = genAnd(block, genFirstFragment(g));
    if (index.check !== undefined) genAnd(index.check, block);
    index.check = genAnd(genAbbreviation(g, 'ip'), block);
  } else if (proto === 'icmp6') {
    require(genAbbreviation(g, 'ip6'));
    require(genCmp(g, 'linkpl', 6, BPF_B, 58));
    index.stmts.push(...loadRelative(g, g.offLinkpl, index, width, g.offNl + 40));
  } else if (proto === 'radio') {
    throw new FilterError('radio information not present in capture');
  } else {
    throw new FilterError('unsupported index operation');
  }
  index.reg = reg;
  index.stmts.push(new Stmt(BPF_ST, reg));
  return index;
}

function loadRelative(
  g: GenContext,
  base: Offset,
  index: Value,
  width: number,
  extra: number,
): Stmt[] {
  const stmts = loadVariablePart(g, base);
  if (stmts.length > 0) {
    stmts.push(toA(index), new Stmt(BPF_ALU | BPF_ADD | BPF_X), new Stmt(BPF_MISC | BPF_TAX));
  } else {
    stmts.push(toX(index));
  }
  stmts.push(new Stmt(BPF_LD | BPF_IND | width, base.constant + extra));
  return stmts;
}
