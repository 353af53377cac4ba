/**
 * Code for the link layer: which protocol a frame carries, Ethernet addresses, LLC, direction.
 *
 * Caller: gen-inet.ts, filter-gen.ts → gen-core.ts.
 */

import { genAnd, genNot, genOr, Stmt, testBlock } from './filter-block.js';
import type { Block } from './filter-block.js';
import { FilterError } from './filter-error.js';
import * as W from './filter-words.js';
import type { Dir } from './filter-ast.js';
import {
  DLT_EN10MB,
  DLT_IPV4,
  DLT_IPV6,
  DLT_LINUX_SLL,
  DLT_LINUX_SLL2,
  DLT_NULL,
  DLT_PPP,
  DLT_RAW,
  genBcmp,
  genCmp,
  genCmpGt,
  genConstant,
  genLoadA,
  genMcmp,
  OFFSET_NOT_SET,
} from './gen-core.js';
import type { GenContext } from './gen-core.js';
import {
  BPF_B,
  BPF_H,
  BPF_JEQ,
  BPF_JSET,
  BPF_LD,
  BPF_LDX,
  BPF_MEM,
  BPF_W,
  BPF_X,
  SKF_AD_IFINDEX,
  SKF_AD_OFF,
  SKF_AD_PKTTYPE,
} from './insn.js';

/** Largest value of the type/length field that is a length. */
const ETHERMTU = 1500;
const LINUX_SLL_OUTGOING = 4;
const LINUX_SLL_P_802_3 = 1;
const LINUX_SLL_P_802_2 = 4;

/** Holds where the frame carries `proto` (an ethertype, or an LLC SAP when at most 1500). */
export function genLinktype(g: GenContext, proto: number): Block {
  if (g.mplsDepth > 0) return genMplsLinktype(g, proto);
  switch (g.linkType) {
    case DLT_EN10MB:
      return genEtherLinktype(g, proto);
    case DLT_LINUX_SLL:
      return genSllLinktype(g, proto);
    case DLT_RAW:
      if (proto === W.ETHERTYPE_IP) return genMcmp(g, 'linkpl', 0, BPF_B, 0x40, 0xf0);
      if (proto === W.ETHERTYPE_IPV6) return genMcmp(g, 'linkpl', 0, BPF_B, 0x60, 0xf0);
      return genConstant(false);
    case DLT_IPV4:
      return genConstant(proto === W.ETHERTYPE_IP);
    case DLT_IPV6:
      return genConstant(proto === W.ETHERTYPE_IPV6);
    case DLT_NULL:
      return genNullLinktype(g, proto);
    case DLT_PPP:
      return genCmp(g, 'linktype', 0, BPF_H, pppProtocol(proto));
    default:
      if (g.offLinktype.constant !== OFFSET_NOT_SET) {
        return genCmp(g, 'linktype', 0, BPF_H, proto);
      }
      return genConstant(false);
  }
}

/** In a tunnel that may carry bare payloads, holds where there is a link header at all. */
export function genLinkHeaderCheck(g: GenContext): Block | undefined {
  if (!g.tunnelled) return undefined;
  const stmts = [
    new Stmt(BPF_LD | BPF_MEM, g.offLinkhdr.reg),
    new Stmt(BPF_LDX | BPF_MEM, g.offLinkpl.reg),
  ];
  return genNot(testBlock(BPF_JEQ | BPF_X, 0, stmts));
}

function genEtherLinktype(g: GenContext, proto: number): Block {
  const isLength = (): Block => genNot(genCmpGt(g, 'linktype', 0, BPF_H, ETHERMTU));
  switch (proto) {
    case W.LLCSAP_ISONS:
    case W.LLCSAP_IP:
    case W.LLCSAP_NETBEUI: {
      const b0 = isLength();
      return genAnd(b0, genCmp(g, 'llc', 0, BPF_H, (proto << 8) | proto));
    }
    case W.LLCSAP_IPX: {
      let b0 = genCmp(g, 'llc', 0, BPF_B, W.LLCSAP_IPX);
      const b1 = genCmp(g, 'llc', 0, BPF_H, 0xffff);
      genOr(b0, b1);
      b0 = genSnap(g, 0x000000, W.ETHERTYPE_IPX);
      genOr(b0, b1);
      genAnd(isLength(), b1);
      return genOr(genCmp(g, 'linktype', 0, BPF_H, W.ETHERTYPE_IPX), b1);
    }
    case W.ETHERTYPE_ATALK:
    case W.ETHERTYPE_AARP: {
      const b0 = isLength();
      const b1 = genSnap(g, proto === W.ETHERTYPE_ATALK ? 0x080007 : 0, proto);
      genAnd(b0, b1);
      return genOr(genCmp(g, 'linktype', 0, BPF_H, proto), b1);
    }
    default:
      if (proto > ETHERMTU) return genCmp(g, 'linktype', 0, BPF_H, proto);
      return genAnd(isLength(), genCmp(g, 'llc', 0, BPF_B, proto));
  }
}

function genSllLinktype(g: GenContext, proto: number): Block {
  const is802_2 = (): Block => genCmp(g, 'linktype', 0, BPF_H, LINUX_SLL_P_802_2);
  switch (proto) {
    case W.LLCSAP_ISONS:
    case W.LLCSAP_IP:
    case W.LLCSAP_NETBEUI: {
      const b0 = is802_2();
      return genAnd(b0, genCmp(g, 'llc', 0, BPF_H, (proto << 8) | proto));
    }
    case W.LLCSAP_IPX: {
      const b0 = genCmp(g, 'llc', 0, BPF_B, W.LLCSAP_IPX);
      const b1 = genSnap(g, 0x000000, W.ETHERTYPE_IPX);
      genOr(b0, b1);
      genAnd(is802_2(), b1);
      genOr(genCmp(g, 'linktype', 0, BPF_H, LINUX_SLL_P_802_3), b1);
      return genOr(genCmp(g, 'linktype', 0, BPF_H, W.ETHERTYPE_IPX), b1);
    }
    case W.ETHERTYPE_ATALK:
    case W.ETHERTYPE_AARP: {
      const b0 = is802_2();
      const b1 = genSnap(g, proto === W.ETHERTYPE_ATALK ? 0x080007 : 0, proto);
      genAnd(b0, b1);
      return genOr(genCmp(g, 'linktype', 0, BPF_H, proto), b1);
    }
    default:
      if (proto > ETHERMTU) return genCmp(g, 'linktype', 0, BPF_H, proto);
      return genAnd(is802_2(), genCmp(g, 'llc', 0, BPF_B, proto));
  }
}

/** The address family word is in the byte order of the capturing host: taken as little-endian. */
function genNullLinktype(g: GenContext, proto: number): Block {
  const family = (af: number): Block => genCmp(g, 'linkhdr', 0, BPF_W, af << 24);
  if (proto === W.ETHERTYPE_IP) return family(2);
  if (proto !== W.ETHERTYPE_IPV6) return genConstant(false);
  const b0 = family(24);
  const b1 = family(28);
  genOr(b0, b1);
  return genOr(family(30), b1);
}

function pppProtocol(proto: number): number {
  switch (proto) {
    case W.ETHERTYPE_IP:
      return 0x21;
    case W.ETHERTYPE_IPV6:
      return 0x57;
    case W.ETHERTYPE_DN:
      return 0x27;
    case W.ETHERTYPE_ATALK:
      return 0x29;
    case W.LLCSAP_ISONS:
      return 0x23;
    case W.LLCSAP_8021D:
      return 0x31;
    case W.LLCSAP_IPX:
      return 0x2b;
    default:
      return proto;
  }
}

function genMplsLinktype(g: GenContext, proto: number): Block {
  if (proto !== W.ETHERTYPE_IP && proto !== W.ETHERTYPE_IPV6) {
    throw new FilterError('unsupported protocol over mpls');
  }
  const b0 = genMcmp(g, 'prevmpls', 2, BPF_B, 0x01, 0x01);
  const version = proto === W.ETHERTYPE_IP ? 0x40 : 0x60;
  return genAnd(b0, genMcmp(g, 'linkpl', 0, BPF_B, version, 0xf0));
}

function genSnap(g: GenContext, org: number, type: number): Block {
  const header = Uint8Array.of(
    0xaa,
    0xaa,
    0x03,
    org >> 16,
    (org >> 8) & 255,
    org & 255,
    type >> 8,
    type & 255,
  );
  return genBcmp(g, 'llc', 0, header, genAnd);
}

/** `ether host` and its directions. */
export function genEtherHost(g: GenContext, mac: Uint8Array, dir: Dir): Block {
  if (g.linkType !== DLT_EN10MB) {
    throw new FilterError(
      'ethernet addresses supported only on ethernet/FDDI/token ring/802.11/ATM LANE/Fibre Channel',
    );
  }
  const check = genLinkHeaderCheck(g);
  const block = genEtherOp(g, mac, dir);
  return check === undefined ? block : genAnd(check, block);
}

function genEtherOp(g: GenContext, mac: Uint8Array, dir: Dir): Block {
  switch (dir) {
    case 'src':
      return genBcmp(g, 'linkhdr', 6, mac, genAnd);
    case 'dst':
      return genBcmp(g, 'linkhdr', 0, mac, genAnd);
    case 'and': {
      const b0 = genEtherOp(g, mac, 'src');
      return genAnd(b0, genEtherOp(g, mac, 'dst'));
    }
    case 'addr':
      throw new FilterError(
        "'addr1' and 'address1' are only supported on 802.11 with 802.11 headers",
      );
    default: {
      const b0 = genEtherOp(g, mac, 'src');
      return genOr(b0, genEtherOp(g, mac, 'dst'));
    }
  }
}

export function genEtherMulticast(g: GenContext): Block {
  const check = genLinkHeaderCheck(g);
  const block = testBlock(BPF_JSET, 1, genLoadA(g, 'linkhdr', 0, BPF_B));
  return check === undefined ? block : genAnd(check, block);
}

export function genInbound(g: GenContext, outbound: boolean): Block {
  let block: Block;
  if (g.linkType === DLT_LINUX_SLL) {
    block = genCmp(g, 'linkhdr', 0, BPF_H, LINUX_SLL_OUTGOING);
  } else if (g.linkType === DLT_LINUX_SLL2) {
    block = genCmp(g, 'linkhdr', 10, BPF_B, LINUX_SLL_OUTGOING);
  } else if (g.options.live === true) {
    block = genCmp(g, 'linkhdr', SKF_AD_OFF + SKF_AD_PKTTYPE, BPF_H, LINUX_SLL_OUTGOING);
  } else {
    throw new FilterError(`inbound/outbound not supported on ${g.linkName} when reading savefiles`);
  }
  return outbound ? block : genNot(block);
}

export function genIfindex(g: GenContext, index: number): Block {
  if (g.linkType === DLT_LINUX_SLL2) return genCmp(g, 'linkhdr', 4, BPF_W, index);
  if (g.options.live === true) {
    return genCmp(g, 'linkhdr', SKF_AD_OFF + SKF_AD_IFINDEX, BPF_W, index);
  }
  throw new FilterError(`ifindex not supported on ${g.linkName} when reading savefiles`);
}

/** `llc`, and `llc` with a kind of frame. */
export function genLlc(g: GenContext, subtype: string | undefined): Block {
  const isLlc = (): Block => {
    if (g.linkType === DLT_EN10MB) {
      const b0 = genNot(genCmpGt(g, 'linktype', 0, BPF_H, ETHERMTU));
      return genAnd(b0, genNot(genCmp(g, 'llc', 0, BPF_H, 0xffff)));
    }
    throw new FilterError(`'llc' not supported for ${g.linkName}`);
  };
  if (subtype === undefined) return isLlc();
  if (subtype === 'i') {
    const b0 = isLlc();
    return genAnd(b0, genNot(testBlock(BPF_JSET, 1, genLoadA(g, 'llc', 2, BPF_B))));
  }
  const [value, mask] =
    subtype === 's'
      ? [0x01, 0x03]
      : subtype === 'u'
        ? [0x03, 0x03]
        : (W.LLC_SUBTYPES.get(subtype) ?? []);
  if (value === undefined || mask === undefined) {
    throw new FilterError(`unknown LLC type name "${subtype}"`);
  }
  const b0 = isLlc();
  return genAnd(b0, genMcmp(g, 'llc', 2, BPF_B, value, mask));
}
