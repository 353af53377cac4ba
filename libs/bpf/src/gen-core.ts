/**
 * What all code generation shares: where headers are, scratch registers, loads and comparisons.
 *
 * Caller: the other gen-*.ts. Offsets are a constant plus, behind headers of variable length, the
 * contents of a scratch word. Source: the published design of libpcap's code generator; the code it
 * makes is meant to be the same instruction for instruction, so that `tcpdump -d` reads alike.
 */

import { genNot, NOP, Stmt, testBlock } from './filter-block.js';
import type { Block } from './filter-block.js';
import { FilterError } from './filter-error.js';
import {
  BPF_ABS,
  BPF_ADD,
  BPF_ALU,
  BPF_AND,
  BPF_B,
  BPF_H,
  BPF_IMM,
  BPF_IND,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_LSH,
  BPF_MEM,
  BPF_MEMWORDS,
  BPF_MISC,
  BPF_MSH,
  BPF_TAX,
  BPF_W,
  BPF_X,
} from './insn.js';

export interface CompileOptions {
  /** What a match returns; default 262144. */
  readonly snapLen?: number;
  /** Mask of the capturing interface, for `ip broadcast`; default 0 as when reading a file. */
  readonly netmask?: number;
  /** Default true. */
  readonly optimize?: boolean;
  /**
   * The program will run in the kernel: metadata loads (packet type, interface, VLAN tag) may be
   * used. Default false, as for a file.
   */
  readonly live?: boolean;
  /** Addresses (text, IPv4 or IPv6) of a host name. */
  readonly resolveHost?: (name: string) => readonly string[];
  /** Ethernet address of a host name, as from /etc/ethers. */
  readonly resolveEther?: (name: string) => string | undefined;
}

/** Kinds of link header; numbers are the LINKTYPE_ values of capture files. */
export const DLT_NULL = 0;
export const DLT_EN10MB = 1;
export const DLT_PPP = 9;
export const DLT_RAW = 101;
export const DLT_LINUX_SLL = 113;
export const DLT_IPV4 = 228;
export const DLT_IPV6 = 229;
export const DLT_LINUX_SLL2 = 276;

const LINK_NAMES: Readonly<Record<number, string>> = {
  [DLT_NULL]: 'BSD loopback',
  [DLT_EN10MB]: 'Ethernet',
  [DLT_PPP]: 'PPP',
  [DLT_RAW]: 'Raw IP',
  [DLT_LINUX_SLL]: 'Linux cooked v1',
  [DLT_IPV4]: 'Raw IPv4',
  [DLT_IPV6]: 'Raw IPv6',
  [DLT_LINUX_SLL2]: 'Linux cooked v2',
};

export interface Offset {
  constant: number;
  variable: boolean;
  /** Scratch word with the variable part, or −1. */
  reg: number;
}

/** Which header an offset counts from. */
export type From =
  | 'packet'
  | 'linkhdr'
  | 'linktype'
  | 'llc'
  | 'prevmpls'
  | 'linkpl'
  | 'linkplNosnap'
  | 'tran4'
  | 'tran6';

/** No link-layer type field. */
export const OFFSET_NOT_SET = -1;

/** Where the type field, the payload, and an OSI payload within it begin. */
const LAYOUTS: Readonly<
  Record<number, readonly [linktype: number, linkpl: number, nosnap: number]>
> = {
  [DLT_EN10MB]: [12, 14, 3],
  [DLT_PPP]: [2, 4, 0],
  [DLT_NULL]: [0, 4, 0],
  [DLT_LINUX_SLL]: [14, 16, 0],
  [DLT_LINUX_SLL2]: [0, 20, 0],
  [DLT_RAW]: [OFFSET_NOT_SET, 0, 0],
  [DLT_IPV4]: [OFFSET_NOT_SET, 0, 0],
  [DLT_IPV6]: [OFFSET_NOT_SET, 0, 0],
};

export class GenContext {
  linkType: number;
  offLinkhdr: Offset = { constant: 0, variable: false, reg: -1 };
  offOutermost: Offset = this.offLinkhdr;
  offLinktype: Offset = { constant: OFFSET_NOT_SET, variable: false, reg: -1 };
  offLinkpl: Offset = { constant: 0, variable: false, reg: -1 };
  offNl = 0;
  offNlNosnap = 0;
  mplsDepth = 0;
  vlanDepth = 0;
  /** Inside Geneve or VXLAN: the link header may be absent. */
  tunnelled = false;
  /** VLAN tags may or may not be in the packet: their length is counted at run time. */
  vlanAtRunTime = false;
  noOptimize = false;
  private readonly used: boolean[] = new Array<boolean>(BPF_MEMWORDS).fill(false);
  private current = 0;

  constructor(
    linkType: number,
    readonly options: CompileOptions,
  ) {
    this.linkType = normaliseLinkType(linkType);
    const layout = LAYOUTS[this.linkType];
    if (layout === undefined) throw new FilterError(`unsupported data link type ${linkType}`);
    [this.offLinktype.constant, this.offLinkpl.constant, this.offNlNosnap] = layout;
  }

  get linkName(): string {
    return LINK_NAMES[this.linkType] ?? '';
  }

  allocReg(): number {
    for (let n = 0; n < BPF_MEMWORDS; n++) {
      if (this.used[this.current] !== true) {
        this.used[this.current] = true;
        return this.current;
      }
      this.current = (this.current + 1) % BPF_MEMWORDS;
    }
    throw new FilterError('out of registers needed to evaluate expression');
  }

  freeReg(n: number): void {
    this.used[n] = false;
  }
}

function normaliseLinkType(linkType: number): number {
  return linkType === 12 || linkType === 14 ? DLT_RAW : linkType;
}

/** Loads the variable part of an offset into X; nothing when it has none. */
export function loadVariablePart(g: GenContext, offset: Offset): Stmt[] {
  if (!offset.variable) return [];
  if (offset.reg === -1) offset.reg = g.allocReg();
  return [new Stmt(BPF_LDX | BPF_MEM, offset.reg)];
}

function loadAt(g: GenContext, base: Offset, offset: number, size: number): Stmt[] {
  const stmts = loadVariablePart(g, base);
  const mode = stmts.length > 0 ? BPF_IND : BPF_ABS;
  stmts.push(new Stmt(BPF_LD | mode | size, (base.constant + offset) | 0));
  return stmts;
}

/** X = length of the IPv4 header plus the variable part before it. */
export function loadIpHeaderLength(g: GenContext): Stmt[] {
  const at = g.offLinkpl.constant + g.offNl;
  const stmts = loadVariablePart(g, g.offLinkpl);
  if (stmts.length === 0) return [new Stmt(BPF_LDX | BPF_MSH | BPF_B, at)];
  stmts.push(
    new Stmt(BPF_LD | BPF_IND | BPF_B, at),
    new Stmt(BPF_ALU | BPF_AND | BPF_K, 0xf),
    new Stmt(BPF_ALU | BPF_LSH | BPF_K, 2),
    new Stmt(BPF_ALU | BPF_ADD | BPF_X),
    new Stmt(BPF_MISC | BPF_TAX),
  );
  return stmts;
}

/** A = `size` bytes at `offset` after the header `from`. */
export function genLoadA(g: GenContext, from: From, offset: number, size: number): Stmt[] {
  switch (from) {
    case 'packet':
      return [new Stmt(BPF_LD | BPF_ABS | size, offset)];
    case 'linkhdr':
      return loadAt(g, g.offLinkhdr, offset, size);
    case 'linktype':
      return loadAt(g, g.offLinktype, offset, size);
    case 'llc':
      return loadAt(g, g.offLinkpl, offset, size);
    case 'prevmpls':
      return loadAt(g, g.offLinkpl, g.offNl - 4 + offset, size);
    case 'linkpl':
      return loadAt(g, g.offLinkpl, g.offNl + offset, size);
    case 'linkplNosnap':
      return loadAt(g, g.offLinkpl, g.offNlNosnap + offset, size);
    case 'tran4': {
      const stmts = loadIpHeaderLength(g);
      stmts.push(new Stmt(BPF_LD | BPF_IND | size, g.offLinkpl.constant + g.offNl + offset));
      return stmts;
    }
    case 'tran6':
      return loadAt(g, g.offLinkpl, g.offNl + 40 + offset, size);
  }
}

/** Tests loaded bytes, masked when the mask is not all ones. */
export function genNcmp(
  g: GenContext,
  from: From,
  offset: number,
  size: number,
  mask: number,
  op: number,
  reverse: boolean,
  value: number,
): Block {
  const stmts = genLoadA(g, from, offset, size);
  if (mask >>> 0 !== 0xffffffff) stmts.push(new Stmt(BPF_ALU | BPF_AND | BPF_K, mask >>> 0));
  const block = testBlock(op, value >>> 0, stmts);
  return reverse ? genNot(block) : block;
}

export function genCmp(
  g: GenContext,
  from: From,
  offset: number,
  size: number,
  value: number,
): Block {
  return genNcmp(g, from, offset, size, 0xffffffff, BPF_JEQ, false, value);
}

export function genCmpGt(
  g: GenContext,
  from: From,
  offset: number,
  size: number,
  value: number,
): Block {
  return genNcmp(g, from, offset, size, 0xffffffff, BPF_JGT, false, value);
}

export function genCmpGe(
  g: GenContext,
  from: From,
  offset: number,
  size: number,
  value: number,
): Block {
  return genNcmp(g, from, offset, size, 0xffffffff, BPF_JGE, false, value);
}

export function genCmpLt(
  g: GenContext,
  from: From,
  offset: number,
  size: number,
  value: number,
): Block {
  return genNcmp(g, from, offset, size, 0xffffffff, BPF_JGE, true, value);
}

export function genCmpLe(
  g: GenContext,
  from: From,
  offset: number,
  size: number,
  value: number,
): Block {
  return genNcmp(g, from, offset, size, 0xffffffff, BPF_JGT, true, value);
}

export function genMcmp(
  g: GenContext,
  from: From,
  offset: number,
  size: number,
  value: number,
  mask: number,
): Block {
  return genNcmp(g, from, offset, size, mask, BPF_JEQ, false, value);
}

/** Compares several bytes, from the last word to the first. */
export function genBcmp(
  g: GenContext,
  from: From,
  offset: number,
  bytes: Uint8Array,
  and: (b0: Block, b1: Block) => Block,
): Block {
  let size = bytes.length;
  let block: Block | undefined;
  const chain = (next: Block): void => {
    block = block === undefined ? next : and(block, next);
  };
  const byte = (i: number): number => bytes[i] ?? 0;
  while (size >= 4) {
    size -= 4;
    const value =
      (byte(size) << 24) | (byte(size + 1) << 16) | (byte(size + 2) << 8) | byte(size + 3);
    chain(genCmp(g, from, offset + size, BPF_W, value));
  }
  while (size >= 2) {
    size -= 2;
    chain(genCmp(g, from, offset + size, BPF_H, (byte(size) << 8) | byte(size + 1)));
  }
  if (size > 0) chain(genCmp(g, from, offset, BPF_B, byte(0)));
  if (block === undefined) throw new FilterError('nothing to compare');
  return block;
}

/** A block that always (or never) holds. */
export function genConstant(holds: boolean): Block {
  return testBlock(BPF_JEQ, 0, [new Stmt(BPF_LD | BPF_IMM, holds ? 0 : 1)]);
}

/** Statements that count, NOPs aside. */
export function stmtCount(stmts: readonly Stmt[]): number {
  let n = 0;
  for (const stmt of stmts) if (stmt.code !== NOP) n++;
  return n;
}
