/**
 * Code for primitives that move the rest of the filter further into the packet: VLAN tags, MPLS
 * labels, PPPoE sessions, Geneve and VXLAN tunnels.
 *
 * Caller: filter-gen.ts. Each changes the offsets of the context, so what follows it (`vlan and ip`)
 * looks behind the header. VXLAN is not in libpcap 1.10.3; its form here is that of Geneve.
 */

import { genAnd, genOr, Stmt, testBlock } from './filter-block.js';
import type { Block } from './filter-block.js';
import { FilterError } from './filter-error.js';
import * as W from './filter-words.js';
import {
  DLT_EN10MB,
  DLT_PPP,
  genConstant,
  genMcmp,
  loadIpHeaderLength,
  loadVariablePart,
} from './gen-core.js';
import type { GenContext, Offset } from './gen-core.js';
import { genTunnelPort } from './gen-inet.js';
import { genLinktype } from './gen-link.js';
import {
  BPF_ABS,
  BPF_ADD,
  BPF_ALU,
  BPF_AND,
  BPF_B,
  BPF_H,
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
  BPF_MUL,
  BPF_ST,
  BPF_STX,
  BPF_TAX,
  BPF_TXA,
  BPF_W,
  BPF_X,
  SKF_AD_OFF,
  SKF_AD_VLAN_TAG,
  SKF_AD_VLAN_TAG_PRESENT,
} from './insn.js';

const GENEVE_PORT = 6081;
const VXLAN_PORT = 4789;

export function genVlan(g: GenContext, id: number | undefined): Block {
  if (g.mplsDepth > 0) throw new FilterError('no VLAN match after MPLS');
  if (g.linkType !== DLT_EN10MB) throw new FilterError(`no VLAN support for ${g.linkName}`);
  if (id !== undefined && id > 0x0fff) {
    throw new FilterError(`VLAN tag ${id} greater than maximum 4095`);
  }
  const outermost =
    g.vlanDepth === 0 &&
    !g.offLinkhdr.variable &&
    g.offLinkhdr.constant === g.offOutermost.constant;
  const block = g.options.live === true && outermost ? genVlanLive(g, id) : genVlanInPacket(g, id);
  g.vlanDepth++;
  return block;
}

function genTagTest(g: GenContext): Block {
  const b0 = genLinktype(g, W.ETHERTYPE_8021Q);
  const b1 = genOr(b0, genLinktype(g, W.ETHERTYPE_8021AD));
  return genOr(b1, genLinktype(g, W.ETHERTYPE_8021QINQ));
}

function genTagId(g: GenContext, id: number): Block {
  return genMcmp(g, 'linkpl', 0, BPF_H, id, 0x0fff);
}

function genVlanInPacket(g: GenContext, id: number | undefined): Block {
  let block = genTagTest(g);
  if (id !== undefined) block = genAnd(block, genTagId(g, id));
  g.offLinkpl.constant += 4;
  g.offLinktype.constant += 4;
  return block;
}

/** The tag is in the metadata where the kernel has taken it out, else in the packet. */
function genVlanLive(g: GenContext, id: number | undefined): Block {
  const present = testBlock(BPF_JEQ, 1, [
    new Stmt(BPF_LD | BPF_ABS | BPF_B, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT),
  ]);
  const tag = genTagTest(g);
  const tagId = id === undefined ? undefined : genTagId(g, id);
  g.vlanAtRunTime = true;
  tag.head.stmts.unshift(...moveOn(g, g.offLinkpl, 4), ...moveOn(g, g.offLinktype, 4));
  const block = genOr(present, tag);
  if (tagId === undefined) return block;
  readIdFromMetadata(tagId);
  return genAnd(block, tagId);
}

function moveOn(g: GenContext, offset: Offset, bytes: number): Stmt[] {
  offset.variable = true;
  if (offset.reg === -1) offset.reg = g.allocReg();
  return [
    new Stmt(BPF_LD | BPF_MEM, offset.reg),
    new Stmt(BPF_ALU | BPF_ADD | BPF_K, bytes),
    new Stmt(BPF_ST, offset.reg),
  ];
}

function readIdFromMetadata(block: Block): void {
  const own = block.stmts;
  const tci = new Stmt(BPF_LD | BPF_ABS | BPF_B, SKF_AD_OFF + SKF_AD_VLAN_TAG);
  const choice = new Stmt(BPF_JMP | BPF_JEQ, 1);
  choice.jt = tci;
  choice.jf = own[0];
  block.stmts = [
    new Stmt(BPF_LD | BPF_ABS | BPF_B, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT),
    choice,
    tci,
    new Stmt(BPF_JMP | BPF_JA, own.length - 1),
    ...own,
  ];
}

/** Statements to put first in the program: run-time offsets start at 0. */
export function genOffsetStart(g: GenContext): Stmt[] {
  if (!g.vlanAtRunTime) return [];
  if (g.offLinkpl.reg === -1) g.offLinkpl.reg = g.allocReg();
  if (g.offLinktype.reg === -1) g.offLinktype.reg = g.allocReg();
  return [
    new Stmt(BPF_LD | BPF_IMM, 0),
    new Stmt(BPF_ST, g.offLinkpl.reg),
    new Stmt(BPF_ST, g.offLinktype.reg),
  ];
}

export function genMpls(g: GenContext, label: number | undefined): Block {
  let block: Block;
  if (g.mplsDepth > 0) {
    block = genMcmp(g, 'prevmpls', 2, BPF_B, 0, 0x01);
  } else if (g.linkType === DLT_EN10MB) {
    block = genLinktype(g, W.ETHERTYPE_MPLS);
  } else if (g.linkType === DLT_PPP) {
    block = genLinktype(g, 0x0281);
  } else {
    throw new FilterError(`no MPLS support for ${g.linkName}`);
  }
  if (label !== undefined) {
    if (label > 0xfffff) throw new FilterError(`MPLS label ${label} greater than maximum 1048575`);
    block = genAnd(block, genMcmp(g, 'linkpl', 0, BPF_W, label << 12, 0xfffff000));
  }
  g.offNlNosnap += 4;
  g.offNl += 4;
  g.mplsDepth++;
  return block;
}

export function genPppoed(g: GenContext): Block {
  return genLinktype(g, W.ETHERTYPE_PPPOED);
}

export function genPppoes(g: GenContext, session: number | undefined): Block {
  let block = genLinktype(g, W.ETHERTYPE_PPPOES);
  if (session !== undefined) {
    if (session > 0xffff) {
      throw new FilterError(`PPPoE session number ${session} greater than maximum 65535`);
    }
    block = genAnd(block, genMcmp(g, 'linkpl', 0, BPF_W, session, 0x0000ffff));
  }
  const { variable, constant, reg } = g.offLinkpl;
  g.linkType = DLT_PPP;
  g.offLinkhdr = { variable, constant: constant + g.offNl + 6, reg };
  g.offLinktype = { ...g.offLinkhdr };
  g.offLinkpl = { ...g.offLinkhdr, constant: g.offLinkhdr.constant + 2 };
  g.offNl = 0;
  g.offNlNosnap = 0;
  return block;
}

export function genGeneve(g: GenContext, vni: number | undefined): Block {
  if (vni !== undefined && vni > 0xffffff) {
    throw new FilterError(`Geneve VNI ${vni} greater than maximum 16777215`);
  }
  const match = genTunnel(g, GENEVE_PORT, 0, 0xc0, vni);
  const stmts = geneveOffsets(g);
  return enterTunnel(match, stmts, g);
}

export function genVxlan(g: GenContext, vni: number | undefined): Block {
  if (vni !== undefined && vni > 0xffffff) {
    throw new FilterError(`VXLAN VNI ${vni} greater than maximum 16777215`);
  }
  const match = genTunnel(g, VXLAN_PORT, 0x08, 0x08, vni);
  const stmts = vxlanOffsets(g);
  return enterTunnel(match, stmts, g);
}

/** Holds for the tunnel's packets; leaves the length of the outer IP header (and more) in A. */
function genTunnel(
  g: GenContext,
  port: number,
  flags: number,
  flagMask: number,
  vni: number | undefined,
): Block {
  const version = (v: 4 | 6): Block => {
    const from = v === 4 ? 'tran4' : 'tran6';
    const b0 = genTunnelPort(g, port, v);
    let block = genAnd(b0, genMcmp(g, from, 8, BPF_B, flags, flagMask));
    if (vni !== undefined) {
      block = genAnd(block, genMcmp(g, from, 12, BPF_W, vni << 8, 0xffffff00));
    }
    // A = X = the offset of the transport header, by a test that always holds
    return genAnd(block, testBlock(BPF_JEQ | BPF_X, 0, transportOffset(g, v)));
  };
  const b0 = version(4);
  return genOr(b0, version(6));
}

function transportOffset(g: GenContext, v: 4 | 6): Stmt[] {
  if (v === 4) return [...loadIpHeaderLength(g), new Stmt(BPF_MISC | BPF_TXA)];
  const stmts = loadVariablePart(g, g.offLinkpl);
  if (stmts.length > 0) {
    stmts.push(
      new Stmt(BPF_LD | BPF_IMM, 40),
      new Stmt(BPF_ALU | BPF_ADD | BPF_X),
      new Stmt(BPF_MISC | BPF_TAX),
    );
    return stmts;
  }
  return [new Stmt(BPF_LD | BPF_IMM, 40), new Stmt(BPF_MISC | BPF_TAX)];
}

function pushEthernet(g: GenContext): void {
  g.linkType = DLT_EN10MB;
  g.offLinkhdr = { constant: 0, variable: true, reg: g.allocReg() };
  g.offNl = 0;
  g.offNlNosnap = 3;
  g.mplsDepth = 0;
}

/** From A = transport offset: sets the registers of type field, link header and payload. */
function geneveOffsets(g: GenContext): Stmt[] {
  const header = g.offLinkpl.constant + g.offNl + 8;
  const typeReg = g.allocReg();
  pushEthernet(g);
  g.offLinktype = { constant: 0, variable: true, reg: typeReg };
  g.offLinkpl = { constant: 0, variable: true, reg: g.allocReg() };
  const noLinkHeader = new Stmt(BPF_STX, g.offLinkpl.reg);
  const isEthernet = new Stmt(BPF_JMP | BPF_JEQ, W.ETHERTYPE_TEB);
  const ethernet = [
    new Stmt(BPF_MISC | BPF_TXA),
    new Stmt(BPF_ALU | BPF_ADD | BPF_K, 12),
    new Stmt(BPF_ST, typeReg),
    new Stmt(BPF_ALU | BPF_ADD | BPF_K, 2),
    new Stmt(BPF_MISC | BPF_TAX),
  ];
  isEthernet.jt = ethernet[0];
  isEthernet.jf = noLinkHeader;
  return [
    new Stmt(BPF_ALU | BPF_ADD | BPF_K, header),
    new Stmt(BPF_MISC | BPF_TAX),
    new Stmt(BPF_ALU | BPF_ADD | BPF_K, 2),
    new Stmt(BPF_ST, typeReg),
    new Stmt(BPF_LD | BPF_IND | BPF_B, 0),
    new Stmt(BPF_ALU | BPF_AND | BPF_K, 0x3f),
    new Stmt(BPF_ALU | BPF_MUL | BPF_K, 4),
    new Stmt(BPF_ALU | BPF_ADD | BPF_K, 8),
    new Stmt(BPF_ALU | BPF_ADD | BPF_X),
    new Stmt(BPF_ST, g.offLinkhdr.reg),
    new Stmt(BPF_LD | BPF_IND | BPF_H, 2),
    new Stmt(BPF_LDX | BPF_MEM, g.offLinkhdr.reg),
    isEthernet,
    ...ethernet,
    noLinkHeader,
  ];
}

function vxlanOffsets(g: GenContext): Stmt[] {
  const inner = g.offLinkpl.constant + g.offNl + 16;
  pushEthernet(g);
  g.offLinktype = { constant: 0, variable: true, reg: g.allocReg() };
  g.offLinkpl = { constant: 0, variable: true, reg: g.allocReg() };
  return [
    new Stmt(BPF_ALU | BPF_ADD | BPF_K, inner),
    new Stmt(BPF_ST, g.offLinkhdr.reg),
    new Stmt(BPF_ALU | BPF_ADD | BPF_K, 12),
    new Stmt(BPF_ST, g.offLinktype.reg),
    new Stmt(BPF_ALU | BPF_ADD | BPF_K, 2),
    new Stmt(BPF_ST, g.offLinkpl.reg),
  ];
}

function enterTunnel(match: Block, stmts: Stmt[], g: GenContext): Block {
  const inside = genConstant(true);
  inside.stmts.unshift(...stmts);
  g.tunnelled = true;
  g.noOptimize = true;
  return genAnd(match, inside);
}
