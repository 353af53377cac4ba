/**
 * Code for protocols, hosts, networks and ports.
 *
 * Caller: filter-gen.ts, gen-arith.ts → gen-link.ts, gen-core.ts.
 */

import type { AddressKind, Dir, Proto } from './filter-ast.js';
import { genAnd, genNot, genOr, testBlock } from './filter-block.js';
import type { Block } from './filter-block.js';
import { FilterError } from './filter-error.js';
import * as W from './filter-words.js';
import type { ProtocolWord } from './filter-words.js';
import { genCmp, genCmpGe, genCmpLe, genLoadA, genMcmp } from './gen-core.js';
import type { From, GenContext } from './gen-core.js';
import { genLinktype } from './gen-link.js';
import { BPF_B, BPF_H, BPF_JSET, BPF_W } from './insn.js';

const IPPROTO_FRAGMENT = 44;
const TCP = 6;
const UDP = 17;
const SCTP = 132;

/** What a protocol word alone means: a network protocol, or one inside IP. */
const ETHERTYPES: Readonly<Partial<Record<ProtocolWord, number>>> = {
  ip: W.ETHERTYPE_IP,
  ip6: W.ETHERTYPE_IPV6,
  arp: W.ETHERTYPE_ARP,
  rarp: W.ETHERTYPE_REVARP,
  atalk: W.ETHERTYPE_ATALK,
  aarp: W.ETHERTYPE_AARP,
  decnet: W.ETHERTYPE_DN,
  sca: 0x6007,
  lat: 0x6004,
  mopdl: 0x6001,
  moprc: 0x6002,
  iso: W.LLCSAP_ISONS,
  stp: W.LLCSAP_8021D,
  ipx: W.LLCSAP_IPX,
  netbeui: W.LLCSAP_NETBEUI,
};
const IP_PROTOCOLS: Readonly<
  Partial<Record<ProtocolWord, readonly [number: number, under: Proto]>>
> = {
  sctp: [SCTP, 'default'],
  tcp: [TCP, 'default'],
  udp: [UDP, 'default'],
  icmp: [1, 'ip'],
  igmp: [2, 'ip'],
  igrp: [9, 'ip'],
  pim: [103, 'default'],
  vrrp: [112, 'ip'],
  carp: [112, 'ip'],
  icmp6: [58, 'ip6'],
  ah: [51, 'default'],
  esp: [50, 'default'],
  esis: [W.ISO_ESIS, 'iso'],
  isis: [W.ISO_ISIS, 'iso'],
  clnp: [W.ISO_CLNP, 'iso'],
};
/** PDU types, in the order in which they are joined. */
const ISIS_GROUPS: Readonly<Partial<Record<ProtocolWord, readonly number[]>>> = {
  l1: [15, 17, 18, 24, 26],
  l2: [16, 17, 20, 25, 27],
  iih: [15, 16, 17],
  lsp: [18, 20],
  snp: [24, 25, 26, 27],
  csnp: [24, 25],
  psnp: [26, 27],
};

/** `tcp`, `arp`, … alone. */
export function genAbbreviation(g: GenContext, proto: ProtocolWord): Block {
  const type = ETHERTYPES[proto];
  if (type !== undefined) return genLinktype(g, type);
  const inside = IP_PROTOCOLS[proto];
  if (inside !== undefined) return genProto(g, inside[0], inside[1]);
  const group = ISIS_GROUPS[proto];
  if (group !== undefined) {
    const [first = 0, second = 0, ...rest] = group;
    const b0 = genProto(g, first, 'isis');
    let block = genOr(b0, genProto(g, second, 'isis'));
    for (const pdu of rest) block = genOr(genProto(g, pdu, 'isis'), block);
    return block;
  }
  if (proto === 'link') throw new FilterError('link layer applied in wrong context');
  throw new FilterError(`'${proto}' is not a valid protocol type`);
}

/** `PROTO proto NUMBER`. */
export function genProto(g: GenContext, number: number, proto: Proto): Block {
  switch (proto) {
    case 'default': {
      const b0 = genProto(g, number, 'ip');
      return genOr(b0, genProto(g, number, 'ip6'));
    }
    case 'link':
      return genLinktype(g, number);
    case 'ip': {
      const b0 = genLinktype(g, W.ETHERTYPE_IP);
      return genAnd(b0, genCmp(g, 'linkpl', 9, BPF_B, number));
    }
    case 'ip6': {
      const b0 = genLinktype(g, W.ETHERTYPE_IPV6);
      let b2 = genCmp(g, 'linkpl', 6, BPF_B, IPPROTO_FRAGMENT);
      const b1 = genCmp(g, 'linkpl', 40, BPF_B, number);
      genAnd(b2, b1);
      b2 = genCmp(g, 'linkpl', 6, BPF_B, number);
      genOr(b2, b1);
      return genAnd(b0, b1);
    }
    case 'iso': {
      const b0 = genLinktype(g, W.LLCSAP_ISONS);
      return genAnd(b0, genCmp(g, 'linkplNosnap', 0, BPF_B, number));
    }
    case 'isis': {
      const b0 = genProto(g, W.ISO_ISIS, 'iso');
      return genAnd(b0, genCmp(g, 'linkplNosnap', 4, BPF_B, number));
    }
    case 'arp':
    case 'rarp':
      throw new FilterError(`${proto} does not encapsulate another protocol`);
    case 'lat':
    case 'sca':
    case 'moprc':
    case 'mopdl':
      throw new FilterError(`${proto.toUpperCase()} does not encapsulate another protocol`);
    case 'atalk':
      throw new FilterError('AppleTalk encapsulation is not specifiable');
    case 'decnet':
      throw new FilterError('DECNET encapsulation is not specifiable');
    case 'clnp':
      throw new FilterError("'clnp proto' is not supported");
    default:
      throw new FilterError(`'${proto} proto' is bogus`);
  }
}

/** `host` and `net` for IPv4; `kind` only words the errors. */
export function genHost(
  g: GenContext,
  address: number,
  mask: number,
  proto: Proto,
  dir: Dir,
  kind: AddressKind,
): Block {
  const what = kind === 'net' ? 'net' : 'host';
  switch (proto) {
    case 'default': {
      let b0 = genHost(g, address, mask, 'ip', dir, kind);
      if (g.mplsDepth === 0) {
        const b1 = genHost(g, address, mask, 'arp', dir, kind);
        genOr(b0, b1);
        b0 = genHost(g, address, mask, 'rarp', dir, kind);
        genOr(b1, b0);
      }
      return b0;
    }
    case 'ip':
      return genHostOp(g, address, mask, dir, W.ETHERTYPE_IP, 12, 16);
    case 'rarp':
      return genHostOp(g, address, mask, dir, W.ETHERTYPE_REVARP, 14, 24);
    case 'arp':
      return genHostOp(g, address, mask, dir, W.ETHERTYPE_ARP, 14, 24);
    case 'link':
      throw new FilterError(`link-layer modifier applied to ${what}`);
    case 'ip6':
      throw new FilterError("'ip6' modifier applied to ip host");
    case 'atalk':
      throw new FilterError('AppleTalk host filtering not implemented');
    case 'aarp':
    case 'lat':
    case 'sca':
    case 'moprc':
    case 'mopdl':
    case 'iso':
    case 'ipx':
      throw new FilterError(`${proto.toUpperCase()} host filtering not implemented`);
    default:
      throw new FilterError(`'${proto}' modifier applied to ${what}`);
  }
}

function genHostOp(
  g: GenContext,
  address: number,
  mask: number,
  dir: Dir,
  type: number,
  src: number,
  dst: number,
): Block {
  const one = (offset: number): Block => {
    const b0 = genLinktype(g, type);
    return genAnd(b0, genMcmp(g, 'linkpl', offset, BPF_W, address, mask));
  };
  return eachDirection(
    dir,
    () => one(src),
    () => one(dst),
  );
}

/** `host` and `net` for IPv6. */
export function genHost6(
  g: GenContext,
  address: Uint8Array,
  mask: Uint8Array,
  proto: Proto,
  dir: Dir,
): Block {
  if (proto === 'link') throw new FilterError('link-layer modifier applied to ip6 host');
  if (proto === 'atalk') throw new FilterError('AppleTalk modifier applied to ip6 host');
  if (proto !== 'default' && proto !== 'ip6') {
    throw new FilterError(`'${proto}' modifier applied to ip6 host`);
  }
  const word = (bytes: Uint8Array, i: number): number =>
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(4 * i);
  const one = (offset: number): Block => {
    let block: Block | undefined;
    for (let i = 3; i >= 0; i--) {
      const next = genMcmp(g, 'linkpl', offset + 4 * i, BPF_W, word(address, i), word(mask, i));
      block = block === undefined ? next : genAnd(next, block);
    }
    const b0 = genLinktype(g, W.ETHERTYPE_IPV6);
    return genAnd(b0, block!);
  };
  return eachDirection(
    dir,
    () => one(8),
    () => one(24),
  );
}

/** DECnet addresses, in the four forms of its header. */
export function genDecnetHost(g: GenContext, address: number, dir: Dir): Block {
  const swapped = ((address & 255) << 8) | (address >> 8);
  const one = (long: number, short: number): Block => {
    const b0 = genLinktype(g, W.ETHERTYPE_DN);
    let tmp = genMcmp(g, 'linkpl', 2, BPF_H, 0x8106, 0xff07);
    const b1 = genCmp(g, 'linkpl', 3 + long, BPF_H, swapped);
    genAnd(tmp, b1);
    const also = (test: Block, offset: number): void => {
      const b2 = genCmp(g, 'linkpl', offset, BPF_H, swapped);
      genAnd(test, b2);
      genOr(b2, b1);
    };
    tmp = genMcmp(g, 'linkpl', 2, BPF_B, 0x06, 0x7);
    also(tmp, 2 + long);
    tmp = genMcmp(g, 'linkpl', 2, BPF_H, 0x8102, 0xff07);
    also(tmp, 3 + short);
    tmp = genMcmp(g, 'linkpl', 2, BPF_B, 0x02, 0x7);
    also(tmp, 2 + short);
    return genAnd(b0, b1);
  };
  if (dir === 'addr') {
    throw new FilterError(
      "'addr1' and 'address1' are not valid qualifiers for addresses other than 802.11 MAC addresses",
    );
  }
  return eachDirection(
    dir,
    () => one(15, 3),
    () => one(7, 1),
  );
}

function eachDirection(dir: Dir, src: () => Block, dst: () => Block): Block {
  switch (dir) {
    case 'src':
      return src();
    case 'dst':
      return dst();
    case 'and': {
      const b0 = src();
      return genAnd(b0, dst());
    }
    case 'addr':
      throw new FilterError(
        "'addr1' and 'address1' are not valid qualifiers for addresses other than 802.11 MAC addresses",
      );
    default: {
      const b0 = src();
      return genOr(b0, dst());
    }
  }
}

/** Holds for the first or only fragment. */
export function genFirstFragment(g: GenContext): Block {
  return genNot(testBlock(BPF_JSET, 0x1fff, genLoadA(g, 'linkpl', 6, BPF_H)));
}

/** A port of `number`, or of any transport that has ports when undefined; IPv4 and IPv6. */
export function genPort(
  g: GenContext,
  first: number,
  last: number,
  range: boolean,
  transport: number | undefined,
  dir: Dir,
): Block {
  const b4 = genPort4(g, first, last, range, transport, dir);
  return genOr(genPort6(g, first, last, range, transport, dir), b4);
}

function genPort4(
  g: GenContext,
  first: number,
  last: number,
  range: boolean,
  transport: number | undefined,
  dir: Dir,
): Block {
  const b0 = genLinktype(g, W.ETHERTYPE_IP);
  const b1 = eachTransport(transport, (proto) => {
    const test = genCmp(g, 'linkpl', 9, BPF_B, proto);
    const whole = genFirstFragment(g);
    genAnd(test, whole);
    return genAnd(whole, portTest(g, 'tran4', first, last, range, dir));
  });
  return genAnd(b0, b1);
}

function genPort6(
  g: GenContext,
  first: number,
  last: number,
  range: boolean,
  transport: number | undefined,
  dir: Dir,
): Block {
  const b0 = genLinktype(g, W.ETHERTYPE_IPV6);
  const b1 = eachTransport(transport, (proto) => {
    const test = genCmp(g, 'linkpl', 6, BPF_B, proto);
    return genAnd(test, portTest(g, 'tran6', first, last, range, dir));
  });
  return genAnd(b0, b1);
}

function eachTransport(transport: number | undefined, one: (proto: number) => Block): Block {
  if (transport !== undefined) return one(transport);
  const tcp = one(TCP);
  const block = genOr(tcp, one(UDP));
  return genOr(one(SCTP), block);
}

function portTest(
  g: GenContext,
  from: From,
  first: number,
  last: number,
  range: boolean,
  dir: Dir,
): Block {
  const one = (offset: number): Block => {
    if (!range) return genCmp(g, from, offset, BPF_H, first);
    const b0 = genCmpGe(g, from, offset, BPF_H, Math.min(first, last));
    return genAnd(b0, genCmpLe(g, from, offset, BPF_H, Math.max(first, last)));
  };
  return eachDirection(
    dir,
    () => one(0),
    () => one(2),
  );
}

/** One destination port of one transport over one IP version: what tunnels are found by. */
export function genTunnelPort(g: GenContext, port: number, version: 4 | 6): Block {
  return version === 4
    ? genPort4(g, port, port, false, UDP, 'dst')
    : genPort6(g, port, port, false, UDP, 'dst');
}
