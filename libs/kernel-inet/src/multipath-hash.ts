/**
 * What of a packet decides which of several next hops it takes: net.ipv4.fib_multipath_hash_policy.
 * ipRouteInput, ipRouteOutput → this → flowHash. Source: net/ipv4/route.c fib_multipath_hash().
 *
 *   0  addresses                     1  addresses, protocol, ports
 *   2  addresses of the packet inside of a tunnel's, where there is one
 *   3  the fields of net.ipv4.fib_multipath_hash_fields
 */
import type { Net, SkBuff } from '@netloom/kernel-core';
import {
  ICMP_HLEN,
  IP_OFFSET,
  iphDaddr,
  iphFragOff,
  iphIhl,
  iphProtocol,
  iphSaddr,
  l4Dest,
  l4Source,
  type PacketMemory,
} from '@netloom/wire';
import { flowHash } from './fib-multipath.js';
import { Ipv4Sysctl, ipv4Of } from './ipv4-net.js';
import type { Flow4 } from './route.js';

const FIELD_SRC_IP = 1;
const FIELD_DST_IP = 2;
const FIELD_IP_PROTO = 4;
const FIELD_SRC_PORT = 0x10;
const FIELD_DST_PORT = 0x20;
const FIELD_INNER_SRC_IP = 0x40;
const FIELD_INNER_DST_IP = 0x80;
const FIELD_INNER_IP_PROTO = 0x100;
const FIELD_INNER_SRC_PORT = 0x400;
const FIELD_INNER_DST_PORT = 0x800;

const IP_MF = 0x2000;

function policyOf(net: Net): number {
  return ipv4Of(net).sysctl(Ipv4Sysctl.fib_multipath_hash_policy);
}

/** Whether ports can be read: the packet is whole and of a protocol that has some. */
function hasPorts(m: PacketMemory, ip: number): boolean {
  const protocol = iphProtocol(m, ip);
  return (
    (iphFragOff(m, ip) & (IP_OFFSET | IP_MF)) === 0 &&
    (protocol === 6 || protocol === 17 || protocol === 132 || protocol === 33)
  );
}

/** Where the IPv4 header inside of an IPIP or GRE packet starts, -1 where there is none. */
function innerHeader(m: PacketMemory, ip: number, end: number): number {
  if ((iphFragOff(m, ip) & (IP_OFFSET | IP_MF)) !== 0) return -1;
  const l4 = ip + iphIhl(m, ip) * 4;
  const protocol = iphProtocol(m, ip);
  let inner = -1;
  if (protocol === 4) inner = l4;
  else if (protocol === 47 && l4 + 4 <= end && m.dv.getUint16(l4 + 2) === 0x0800) {
    const flags = m.dv.getUint16(l4);
    const words = ((flags >>> 15) & 1) + ((flags >>> 13) & 1) + ((flags >>> 12) & 1);
    inner = l4 + 4 + words * 4;
  }
  return inner >= 0 && inner + 20 <= end ? inner : -1;
}

/** The hash of a packet on its way through; of an ICMP error that of the packet it is about. */
export function inputHash(skb: SkBuff, net: Net, daddr: number, saddr: number): number {
  const m = skb.mem;
  const ip = skb.networkHeader;
  const end = ip + skb.len;
  switch (policyOf(net)) {
    case 1:
      return hasPorts(m, ip)
        ? portHash(net, m, ip)
        : flowHash(net, saddr, daddr, iphProtocol(m, ip), 0, 0);
    case 2: {
      const inner = innerHeader(m, ip, end);
      return inner < 0
        ? addressHash(m, ip, end, net, daddr, saddr)
        : flowHash(net, iphSaddr(m, inner), iphDaddr(m, inner), 0, 0, 0);
    }
    case 3:
      return fieldHash(net, m, ip, end);
    default:
      return addressHash(m, ip, end, net, daddr, saddr);
  }
}

function portHash(net: Net, m: PacketMemory, ip: number): number {
  const l4 = ip + iphIhl(m, ip) * 4;
  return flowHash(
    net,
    iphSaddr(m, ip),
    iphDaddr(m, ip),
    iphProtocol(m, ip),
    l4Source(m, l4),
    l4Dest(m, l4),
  );
}

/** @kernel ip_multipath_l3_keys() */
function addressHash(
  m: PacketMemory,
  ip: number,
  end: number,
  net: Net,
  daddr: number,
  saddr: number,
): number {
  const l4 = ip + iphIhl(m, ip) * 4;
  const type = m.u8[l4] as number;
  const about =
    iphProtocol(m, ip) === 1 &&
    (iphFragOff(m, ip) & (IP_OFFSET | IP_MF)) === 0 &&
    (type === 3 || type === 5 || type === 11 || type === 12) &&
    end >= l4 + ICMP_HLEN + 20;
  const inner = l4 + ICMP_HLEN;
  return about
    ? flowHash(net, m.dv.getUint32(inner + 16), m.dv.getUint32(inner + 12), 0, 0, 0)
    : flowHash(net, saddr, daddr, 0, 0, 0);
}

/** @kernel fib_multipath_custom_hash_skb() */
function fieldHash(net: Net, m: PacketMemory, ip: number, end: number): number {
  const fields = ipv4Of(net).sysctl(Ipv4Sysctl.fib_multipath_hash_fields);
  const has = (bit: number): boolean => (fields & bit) !== 0;
  const l4 = ip + iphIhl(m, ip) * 4;
  const ports = hasPorts(m, ip);
  const outer = flowHash(
    net,
    has(FIELD_SRC_IP) ? iphSaddr(m, ip) : 0,
    has(FIELD_DST_IP) ? iphDaddr(m, ip) : 0,
    has(FIELD_IP_PROTO) ? iphProtocol(m, ip) : 0,
    ports && has(FIELD_SRC_PORT) ? l4Source(m, l4) : 0,
    ports && has(FIELD_DST_PORT) ? l4Dest(m, l4) : 0,
  );
  const inner = innerHeader(m, ip, end);
  if (inner < 0) return outer;
  const innerL4 = inner + iphIhl(m, inner) * 4;
  const innerPorts = hasPorts(m, inner) && innerL4 + 4 <= end;
  const within = flowHash(
    net,
    has(FIELD_INNER_SRC_IP) ? iphSaddr(m, inner) : 0,
    has(FIELD_INNER_DST_IP) ? iphDaddr(m, inner) : 0,
    has(FIELD_INNER_IP_PROTO) ? iphProtocol(m, inner) : 0,
    innerPorts && has(FIELD_INNER_SRC_PORT) ? l4Source(m, innerL4) : 0,
    innerPorts && has(FIELD_INNER_DST_PORT) ? l4Dest(m, innerL4) : 0,
  );
  return flowHash(net, outer, within, 0, 0, 0);
}

/** The hash of a packet of this host. */
export function outputHash(net: Net, flow: Flow4, daddr: number): number {
  const { saddr, protocol = 0, sport = 0, dport = 0 } = flow;
  switch (policyOf(net)) {
    case 1:
      return flowHash(net, saddr, daddr, protocol, sport, dport);
    case 3: {
      const fields = ipv4Of(net).sysctl(Ipv4Sysctl.fib_multipath_hash_fields);
      const has = (bit: number): boolean => (fields & bit) !== 0;
      return flowHash(
        net,
        has(FIELD_SRC_IP) ? saddr : 0,
        has(FIELD_DST_IP) ? daddr : 0,
        has(FIELD_IP_PROTO) ? protocol : 0,
        has(FIELD_SRC_PORT) ? sport : 0,
        has(FIELD_DST_PORT) ? dport : 0,
      );
    }
    default:
      return flowHash(net, saddr, daddr, 0, 0, 0);
  }
}

/** What rules with ports or a protocol look at in a received packet. @kernel fib4_rules_early_flow_dissect() */
export function dissectFlow(skb: SkBuff): {
  readonly scope: number;
  readonly protocol: number;
  readonly sport: number;
  readonly dport: number;
  readonly uid: number;
} {
  const m = skb.mem;
  const ip = skb.networkHeader;
  const l4 = ip + iphIhl(m, ip) * 4;
  const ip4 = (m.u8[ip] as number) >>> 4 === 4; // ARP asks for routes too
  const ports = ip4 && hasPorts(m, ip);
  return {
    scope: 0,
    protocol: ip4 ? iphProtocol(m, ip) : 0,
    sport: ports ? l4Source(m, l4) : 0,
    dport: ports ? l4Dest(m, l4) : 0,
    uid: 0,
  };
}
