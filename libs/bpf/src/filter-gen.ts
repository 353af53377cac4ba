/**
 * Walks the parsed filter in source order and builds its control-flow graph.
 *
 * Caller: compile.ts → genFilter → gen-*.ts. Order matters: `vlan` and its like move the offsets
 * for everything to their right.
 */

import type { Expr, Proto } from './filter-ast.js';
import { closeGraph, genAnd, genNot, genOr, returnBlock, Stmt, testBlock } from './filter-block.js';
import type { Block } from './filter-block.js';
import { FilterError } from './filter-error.js';
import { ETHERTYPE_IP, ETHERTYPE_IPV6 } from './filter-words.js';
import { genRelation } from './gen-arith.js';
import { DLT_EN10MB, genCmp, genCmpGe, genCmpGt, genCmpLt, genLoadA, genMcmp } from './gen-core.js';
import type { GenContext } from './gen-core.js';
import {
  genGeneve,
  genMpls,
  genOffsetStart,
  genPppoed,
  genPppoes,
  genVlan,
  genVxlan,
} from './gen-encap.js';
import { genId } from './gen-id.js';
import { genAbbreviation } from './gen-inet.js';
import {
  genEtherHost,
  genEtherMulticast,
  genIfindex,
  genInbound,
  genLinktype,
  genLlc,
} from './gen-link.js';
import {
  BPF_ALU,
  BPF_AND,
  BPF_B,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_K,
  BPF_LD,
  BPF_LEN,
  BPF_OR,
  BPF_W,
} from './insn.js';

/** The first block of the program; accepting leads to `ret accept`. */
export function genFilter(g: GenContext, expr: Expr | undefined, accept: number): Block {
  if (expr === undefined) return returnBlock(accept);
  const root = closeGraph(genExpr(g, expr), accept);
  root.stmts.unshift(...genOffsetStart(g));
  return root;
}

function genExpr(g: GenContext, expr: Expr): Block {
  switch (expr.type) {
    case 'and': {
      const left = genExpr(g, expr.left);
      return genAnd(left, genExpr(g, expr.right));
    }
    case 'or': {
      const left = genExpr(g, expr.left);
      return genOr(left, genExpr(g, expr.right));
    }
    case 'not':
      return genNot(genExpr(g, expr.operand));
    case 'id':
      return genId(g, expr.value, expr.q);
    case 'abbreviation':
      return genAbbreviation(g, expr.proto);
    case 'relation':
      return genRelation(g, expr.relation, expr.reversed, expr.left, expr.right);
    case 'broadcast':
      return genBroadcast(g, expr.proto);
    case 'multicast':
      return genMulticast(g, expr.proto);
    case 'less':
      return genNot(genLength(BPF_JGT, expr.value));
    case 'greater':
      return genLength(BPF_JGE, expr.value);
    case 'byte':
      return genByte(g, expr.index, expr.op, expr.value);
    case 'inbound':
      return genInbound(g, false);
    case 'outbound':
      return genInbound(g, true);
    case 'ifindex':
      return genIfindex(g, expr.value);
    case 'vlan':
      return genVlan(g, expr.value);
    case 'mpls':
      return genMpls(g, expr.value);
    case 'pppoed':
      return genPppoed(g);
    case 'pppoes':
      return genPppoes(g, expr.value);
    case 'geneve':
      return genGeneve(g, expr.value);
    case 'vxlan':
      return genVxlan(g, expr.value);
    case 'llc':
      return genLlc(g, expr.subtype);
    case 'foreign':
      return refuseForeign(expr.word);
  }
}

function genLength(op: number, value: number): Block {
  return testBlock(op, value, [new Stmt(BPF_LD | BPF_LEN)]);
}

function genBroadcast(g: GenContext, proto: Proto): Block {
  switch (proto) {
    case 'default':
    case 'link':
      if (g.linkType !== DLT_EN10MB) throw new FilterError('not a broadcast link');
      return genEtherHost(g, new Uint8Array(6).fill(255), 'dst');
    case 'ip': {
      const b0 = genLinktype(g, ETHERTYPE_IP);
      const hostMask = ~(g.options.netmask ?? 0) >>> 0;
      const b1 = genMcmp(g, 'linkpl', 16, BPF_W, 0, hostMask);
      const b2 = genMcmp(g, 'linkpl', 16, BPF_W, hostMask, hostMask);
      genOr(b1, b2);
      return genAnd(b0, b2);
    }
    default:
      throw new FilterError('only link-layer/IP broadcast filters supported');
  }
}

function genMulticast(g: GenContext, proto: Proto): Block {
  if ((proto === 'default' || proto === 'link') && g.linkType === DLT_EN10MB) {
    return genEtherMulticast(g);
  }
  if (proto === 'ip') {
    const b0 = genLinktype(g, ETHERTYPE_IP);
    return genAnd(b0, genCmpGe(g, 'linkpl', 16, BPF_B, 224));
  }
  if (proto === 'ip6') {
    const b0 = genLinktype(g, ETHERTYPE_IPV6);
    return genAnd(b0, genCmp(g, 'linkpl', 24, BPF_B, 255));
  }
  throw new FilterError(
    'link-layer multicast filters supported only on ethernet/FDDI/token ring/ARCNET/802.11/ATM LANE/Fibre Channel',
  );
}

function genByte(g: GenContext, index: number, op: string, value: number): Block {
  switch (op) {
    case '=':
      return genCmp(g, 'linkhdr', index, BPF_B, value);
    case '<':
      return genCmpLt(g, 'linkhdr', index, BPF_B, value);
    case '>':
      return genCmpGt(g, 'linkhdr', index, BPF_B, value);
    default: {
      const stmts = genLoadA(g, 'linkhdr', index, BPF_B);
      stmts.push(new Stmt(BPF_ALU | (op === '|' ? BPF_OR : BPF_AND) | BPF_K, value));
      return genNot(testBlock(BPF_JEQ, 0, stmts));
    }
  }
}

function refuseForeign(word: string): never {
  if (word === 'type' || word === 'subtype') {
    throw new FilterError('802.11 link-layer types supported only on 802.11');
  }
  if (word === 'dir') {
    throw new FilterError('frame direction supported only with 802.11 headers');
  }
  throw new FilterError(`${word} supported only on PF linktype`);
}
