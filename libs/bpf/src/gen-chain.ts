/**
 * Code for `protochain`: follows IPv6 extension headers and AH until a protocol is found.
 *
 * Caller: filter-gen.ts. The code loops backwards, so it runs here and in tcpdump, and a kernel
 * refuses it, as it does libpcap's. libpcap forgets to add the header's own position when it steps
 * over an AH header; here the step is right.
 */

import type { Proto } from './filter-ast.js';
import { genAnd, genOr, Stmt, testBlock } from './filter-block.js';
import type { Block } from './filter-block.js';
import { FilterError } from './filter-error.js';
import { ETHERTYPE_IP, ETHERTYPE_IPV6 } from './filter-words.js';
import type { GenContext } from './gen-core.js';
import { genLinktype } from './gen-link.js';
import {
  BPF_ABS,
  BPF_ADD,
  BPF_ALU,
  BPF_B,
  BPF_IMM,
  BPF_IND,
  BPF_JA,
  BPF_JEQ,
  BPF_JMP,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_MEM,
  BPF_MISC,
  BPF_MSH,
  BPF_MUL,
  BPF_ST,
  BPF_TAX,
  BPF_X,
} from './insn.js';

const HOPOPTS = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AH = 51;
const NONE = 59;
const DSTOPTS = 60;

export function genProtochain(g: GenContext, number: number, proto: Proto): Block {
  if (proto === 'default') {
    const b0 = genProtochain(g, number, 'ip');
    return genOr(b0, genProtochain(g, number, 'ip6'));
  }
  if (proto !== 'ip' && proto !== 'ip6') {
    throw new FilterError("bad protocol applied for 'protochain'");
  }
  if (g.offLinkpl.variable) {
    throw new FilterError("'protochain' not supported with variable length headers");
  }
  g.noOptimize = true;
  const six = proto === 'ip6';
  const at = g.offLinkpl.constant + g.offNl;
  const saved = g.allocReg();
  const b0 = genLinktype(g, six ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
  const stmts: Stmt[] = six
    ? [new Stmt(BPF_LD | BPF_ABS | BPF_B, at + 6), new Stmt(BPF_LDX | BPF_IMM, 40)]
    : [new Stmt(BPF_LD | BPF_ABS | BPF_B, at + 9), new Stmt(BPF_LDX | BPF_MSH | BPF_B, at)];
  const end = new Stmt(BPF_ALU | BPF_ADD | BPF_K, 0);
  const again = stmts.length;
  const branch = (value: number): Stmt => {
    const stmt = new Stmt(BPF_JMP | BPF_JEQ | BPF_K, value);
    const before = stmts[stmts.length - 1];
    if (before !== undefined && before.code === stmt.code && before.jf === undefined) {
      before.jf = stmt;
    }
    stmts.push(stmt);
    return stmt;
  };
  const goBack = (): void => {
    stmts.push(new Stmt(BPF_JMP | BPF_JA, again - stmts.length - 1));
  };
  /** A = next header type, X += (length byte + `add`) * `unit`; both from the header at X. */
  const advance = (add: number, unit: number): Stmt => {
    const first = new Stmt(BPF_LD | BPF_IND | BPF_B, at);
    stmts.push(
      first,
      new Stmt(BPF_ST, saved),
      new Stmt(BPF_LD | BPF_IND | BPF_B, at + 1),
      new Stmt(BPF_ALU | BPF_ADD | BPF_K, add),
      new Stmt(BPF_ALU | BPF_MUL | BPF_K, unit),
      new Stmt(BPF_ALU | BPF_ADD | BPF_X),
      new Stmt(BPF_MISC | BPF_TAX),
      new Stmt(BPF_LD | BPF_MEM, saved),
    );
    goBack();
    return first;
  };
  branch(number).jt = end;
  const none = branch(NONE);
  none.jt = end;
  let last: Stmt;
  if (six) {
    const options = [HOPOPTS, DSTOPTS, ROUTING, FRAGMENT].map(branch);
    const extension = options[options.length - 1]!;
    const ahTest = new Stmt(BPF_JMP | BPF_JEQ | BPF_K, AH);
    extension.jf = ahTest;
    const first = advance(1, 8);
    for (const option of options) option.jt = first;
    stmts.push(ahTest);
    last = ahTest;
  } else {
    last = branch(AH);
  }
  last.jf = end;
  last.jt = advance(2, 4);
  stmts.push(end);
  return genAnd(b0, testBlock(BPF_JEQ, number, stmts));
}
