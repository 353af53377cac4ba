/**
 * Names of numbers: addresses, ports, ethertypes, IP protocols, as tcpdump writes them.
 */
import { formatIpv4, formatMac, serviceName } from '@netloom/base';
import type { ServiceProtocol } from '@netloom/base';
import type { Printout } from './printout.js';

export const ETHERTYPE_NAMES: Readonly<Record<number, string>> = {
  0x0200: 'PUP',
  0x0600: 'NS',
  0x0500: 'Sprite',
  0x0800: 'IPv4',
  0x0806: 'ARP',
  0x1000: 'Trail',
  0x6001: 'MOP DL',
  0x6002: 'MOP RC',
  0x6003: 'DN',
  0x6004: 'LAT',
  0x6007: 'SCA',
  0x6558: 'TEB',
  0x8035: 'Reverse ARP',
  0x8038: 'Lanbridge',
  0x803c: 'DEC DNS',
  0x803e: 'DEC DTS',
  0x805b: 'VEXP',
  0x805c: 'VPROD',
  0x8099: 'Arista Vendor Specific Protocol',
  0x809b: 'Appletalk',
  0x80f3: 'Appletalk ARP',
  0x8100: '802.1Q',
  0x8137: 'IPX',
  0x86dd: 'IPv6',
  0x8808: 'MPCP',
  0x8809: 'Slow Protocols',
  0x880b: 'PPP',
  0x8847: 'MPLS unicast',
  0x8848: 'MPLS multicast',
  0x8863: 'PPPoE D',
  0x8864: 'PPPoE S',
  0x8870: 'Jumbo',
  0x886f: 'MS NLB heartbeat',
  0x888e: 'EAPOL',
  0x8899: 'RRCP',
  0x88a2: 'AoE',
  0x88a8: '802.1Q-QinQ',
  0x88ca: 'TIPC',
  0x88cc: 'LLDP',
  0x8902: 'CFM',
  0x893a: 'IEEE1905.1',
  0x894f: 'NSH',
  0x9000: 'Loopback',
  0x9100: '802.1Q-9100',
  0x9200: '802.1Q-9200',
  0xfefe: 'OSI',
};

/** IP protocols by the names that -v gives them. */
export const IP_PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  0: 'Options',
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  8: 'EGP',
  9: 'IGRP',
  17: 'UDP',
  33: 'DCCP',
  41: 'IPv6',
  43: 'Routing',
  44: 'Fragment',
  46: 'RSVP',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  55: 'Mobile IP',
  58: 'ICMPv6',
  62: 'Mobile IP (old)',
  88: 'EIGRP',
  89: 'OSPF',
  103: 'PIM',
  108: 'Compressed IP',
  112: 'VRRP',
  113: 'PGM',
  132: 'SCTP',
  135: 'Mobility',
  143: 'Ethernet',
};

export const hex4 = (n: number): string => n.toString(16).padStart(4, '0');
export const hex2 = (n: number): string => n.toString(16).padStart(2, '0');
export const hex8 = (n: number): string => n.toString(16).padStart(8, '0');

/** Names of the bits set, joined; `none` where no bit is. Unknown bits in hex at the end. */
export function bitNames(
  table: readonly (readonly [number, string])[],
  none: string,
  value: number,
  separator: string,
): string {
  const names = table.filter(([bit]) => (value & bit) === bit).map(([, name]) => name);
  return names.length === 0 ? none : names.join(separator);
}

export function ip4Text(out: Printout, p: number): string {
  return formatIpv4(out.u32(p));
}

/** As RFC 5952, except that all addresses of 96 leading zero bits end in a dotted quad. */
export function ip6Text(out: Printout, p: number): string {
  out.need(p, 16);
  const words = Array.from({ length: 8 }, (_, i) => out.u16(p + 2 * i));
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && words[j] === 0) j++;
    if (j - i > bestLength) {
      best = i;
      bestLength = j - i;
    }
    if (j > i) i = j;
  }
  const hex = (from: number, to: number): string =>
    words
      .slice(from, to)
      .map((word) => word.toString(16))
      .join(':');
  if (best === 0 && (bestLength === 6 || (bestLength === 5 && words[5] === 0xffff))) {
    return `::${bestLength === 5 ? 'ffff:' : ''}${ip4Text(out, p + 12)}`;
  }
  return best < 0 ? hex(0, 8) : `${hex(0, best)}::${hex(best + bestLength, 8)}`;
}

export function ouiName(oui: number): string {
  switch (oui) {
    case 0x000000:
      return 'Ethernet';
    case 0x00000c:
      return 'Cisco';
    case 0x00005e:
      return 'IANA';
    case 0x0000f8:
      return 'Cisco bridged';
    case 0x0080c2:
      return 'Ethernet bridged';
    case 0x009069:
      return 'Juniper';
    case 0x00a03e:
      return 'ATM Forum';
    case 0x00120f:
      return 'IEEE 802.3 Private';
    case 0x0012bb:
      return 'ANSI/TIA';
    case 0x001b21:
      return 'DCBX';
    case 0x080007:
      return 'Appletalk';
    case 0x080009:
      return 'Hewlett-Packard';
    default:
      return 'Unknown';
  }
}

export function macText(out: Printout, p: number): string {
  out.need(p, 6);
  const text = formatMac(out.mem, p);
  if (out.options.numeric) return text;
  if (text === 'ff:ff:ff:ff:ff:ff') return 'Broadcast';
  return `${text} (oui ${ouiName(out.u24(p))})`;
}

/** A hardware address of any length; six bytes are a MAC address. */
export function linkAddressText(out: Printout, p: number, length: number): string {
  if (length === 0) return '<empty>';
  if (length === 6) return macText(out, p);
  out.need(p, length);
  return formatMac(out.mem, p, length);
}

export function portText(out: Printout, port: number, protocol: ServiceProtocol): string {
  if (out.options.numeric) return String(port);
  return serviceName(port, protocol) ?? String(port);
}
