/**
 * Link types: where a packet starts. PacketPrinter → this → Ethernet, cooked or bare IP printers.
 *
 * Source: the link-layer header types of pcap files; Linux cooked capture v1 and v2.
 */
import {
  LINKTYPE_ETHERNET,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NULL,
  LINKTYPE_RAW,
} from '@netloom/pcap-writer';
import { printEther } from './ether.js';
import { ethertypePrint } from './ethertype.js';
import { printIp } from './ip.js';
import { printIp6 } from './ip6.js';
import { printLlc } from './llc.js';
import { ETHERTYPE_NAMES, hex4, macText } from './names.js';
import type { Printout } from './printout.js';
import { vlanTagText } from './vlan.js';

const SLL_HLEN = 16;
const SLL2_HLEN = 20;
const PACKET_TYPES = ['In', 'B', 'M', 'P', 'Out'];
const SLL_P_802_3 = 1;
const SLL_P_802_2 = 4;

/** Prints a packet from its first byte. `capLen` ≥ 1, `length` ≥ `capLen`. */
export function printLink(
  out: Printout,
  linkType: number,
  p: number,
  length: number,
  capLen: number,
): void {
  switch (linkType) {
    case LINKTYPE_ETHERNET:
      out.protocol = 'ether';
      out.linkHeaderLength += printEther(out, p, length, capLen);
      return;
    case LINKTYPE_RAW:
    case LINKTYPE_IPV4:
    case LINKTYPE_IPV6:
      out.protocol = 'raw';
      if (out.options.linkHeader) out.put('ip: ');
      printIpOfAnyVersion(out, p, length);
      return;
    case LINKTYPE_LINUX_SLL:
      out.linkHeaderLength += printSll(out, p, length, capLen);
      return;
    case LINKTYPE_LINUX_SLL2:
      out.linkHeaderLength += printSll2(out, p, length, capLen);
      return;
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP:
      printNull(out, p, length, capLen, linkType === LINKTYPE_LOOP);
      return;
    default:
      // A link type without a printer: only a dump can be given.
      out.putDumpUnlessDumping(p, capLen);
  }
}

/** IPv4 or IPv6, as the first four bits say. */
export function printIpOfAnyVersion(out: Printout, p: number, length: number): void {
  out.protocol = 'ipn';
  if (length < 1) {
    out.put(`truncated-ip ${length}`);
    return;
  }
  const version = out.u8(p) >> 4;
  if (version === 4) printIp(out, p, length);
  else if (version === 6) printIp6(out, p, length);
  else out.put(`unknown ip ${version}`);
}

function putSllProtocol(out: Printout, protocol: number): void {
  if (protocol > 1500) {
    out.put(`ethertype ${ETHERTYPE_NAMES[protocol] ?? 'Unknown'} (0x${hex4(protocol)})`);
  } else if (protocol === SLL_P_802_3) out.put('802.3');
  else if (protocol === SLL_P_802_2) out.put('802.2');
  else out.put(`ethertype Unknown (0x${hex4(protocol)})`);
}

function putSllHeader(out: Printout, p: number, length: number): void {
  out.protocol = 'sll';
  out.put(`${(PACKET_TYPES[out.u16(p)] ?? '?').padStart(3)} `);
  if (out.u16(p + 4) === 6) out.put(`${macText(out, p + 6)} `);
  if (out.options.quiet === 0) {
    putSllProtocol(out, out.u16(p + 14));
    out.put(`, length ${length}: `);
  }
}

function printSll(out: Printout, p: number, length: number, capLen: number): number {
  out.protocol = 'sll';
  if (capLen < SLL_HLEN) {
    out.putTruncated();
    return capLen;
  }
  if (out.options.linkHeader) putSllHeader(out, p, length);
  return (
    SLL_HLEN +
    printCooked(out, out.u16(p + 14), p + SLL_HLEN, length - SLL_HLEN, capLen - SLL_HLEN, (rest) =>
      putSllHeader(out, p, rest + SLL_HLEN),
    )
  );
}

function putSll2Header(out: Printout, p: number, length: number): void {
  out.protocol = 'sll2';
  out.put(`ifindex ${out.u32(p + 4)} `);
  if (out.u8(p + 11) === 6) out.put(`${macText(out, p + 12)} `);
  if (out.options.quiet === 0) {
    putSllProtocol(out, out.u16(p));
    out.put(`, length ${length}: `);
  }
}

function printSll2(out: Printout, p: number, length: number, capLen: number): number {
  out.protocol = 'sll2';
  if (capLen < SLL2_HLEN) {
    out.putTruncated();
    return capLen;
  }
  const ifindex = out.u32(p + 4);
  const name = out.options.ifName(ifindex);
  out.put(`${(name ?? '?').padEnd(5)} `);
  out.put(`${(PACKET_TYPES[out.u8(p + 10)] ?? '?').padEnd(3)} `);
  if (out.options.linkHeader) putSll2Header(out, p, length);
  return (
    SLL2_HLEN +
    printCooked(out, out.u16(p), p + SLL2_HLEN, length - SLL2_HLEN, capLen - SLL2_HLEN, (rest) =>
      putSll2Header(out, p, rest + SLL2_HLEN),
    )
  );
}

/** What follows a cooked header; returns how much more link-layer header there was. */
function printCooked(
  out: Printout,
  protocol: number,
  p: number,
  length: number,
  capLen: number,
  putHeader: (length: number) => void,
): number {
  if (protocol <= 1500) {
    if (protocol === SLL_P_802_2) {
      const llc = printLlc(out, p, length, capLen, undefined, undefined);
      if (llc >= 0) return llc;
    }
    out.putDumpUnlessDumping(p, capLen);
    return 0;
  }
  if (protocol === 0x8100) {
    if (capLen < 4 || length < 4) {
      out.protocol = 'vlan';
      out.putTruncated();
      return Math.min(capLen, length);
    }
    if (out.options.linkHeader) out.put(`${vlanTagText(out.u16(p))}, `);
    const inner = out.u16(p + 2) <= 1500 ? SLL_P_802_2 : out.u16(p + 2);
    if (out.options.quiet === 0) out.put(`ethertype ${ETHERTYPE_NAMES[inner] ?? 'Unknown'}, `);
    return 4 + printCooked(out, inner, p + 4, length - 4, capLen - 4, putHeader);
  }
  if (!ethertypePrint(out, protocol, p, length, capLen, undefined, undefined)) {
    if (!out.options.linkHeader) putHeader(length);
    out.putDumpUnlessDumping(p, capLen);
  }
  return 0;
}

const AF_NAMES: Readonly<Record<number, string>> = {
  2: 'IPv4',
  24: 'IPv6',
  28: 'IPv6',
  30: 'IPv6',
};

function printNull(
  out: Printout,
  p: number,
  length: number,
  capLen: number,
  bigEndian: boolean,
): void {
  out.protocol = 'null';
  out.need(p, 4);
  out.linkHeaderLength += 4;
  const raw = out.u32(p);
  // The family is in the byte order of whoever captured; a large number is one that was swapped.
  const swapped =
    ((raw & 255) << 24) | ((raw & 0xff00) << 8) | ((raw >>> 8) & 0xff00) | (raw >>> 24);
  const family = bigEndian || raw <= 0xffff ? raw : swapped >>> 0;
  const name = AF_NAMES[family];
  const putHeader = (): void => {
    out.put(`AF ${name ?? 'Unknown'} (${family})`);
    out.put(`, length ${length}: `);
  };
  if (out.options.linkHeader) putHeader();
  if (name === 'IPv4') printIp(out, p + 4, length - 4);
  else if (name === 'IPv6') printIp6(out, p + 4, length - 4);
  else {
    if (!out.options.linkHeader) putHeader();
    out.putDumpUnlessDumping(p + 4, capLen - 4);
  }
}
