/**
 * The way out of IPv4: header, LOCAL_OUT, POST_ROUTING, fragmentation, the neighbour.
 * sockets → ipQueueXmit / ipSendSkb → ipLocalOut → ipOutput → ipFinishOutput → neighbour → device.
 * Source: net/ipv4/ip_output.c.
 */
import { Errno } from '@netloom/base';
import {
  DropReason,
  Mib,
  mibAdd,
  netifRx,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  nfHookSlow,
  NFPROTO_IPV4,
  PACKET_LOOPBACK,
  skbPush,
  type Net,
  type SkBuff,
} from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import {
  ETH_HLEN,
  ETH_P_IP,
  IP_DF,
  IP_HLEN,
  ipHeaderSum,
  iphDaddr,
  iphTtl,
  type PacketMemory,
} from '@netloom/wire';
import { arpNeighbour } from './arp.js';
import { ipFragment } from './ip-fragment-out.js';
import { Ipv4Sysctl, ipv4Of } from './ipv4-net.js';
import { ipCheckMc } from './route-input.js';
import { ipv4IsMulticast, type Rtable } from './route.js';
import { RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST, RTN_UNICAST } from './fib-table.js';
import { InDevice } from './in-device.js';

export interface IpHeaderFields {
  readonly saddr: number;
  readonly daddr: number;
  readonly protocol: number;
  readonly tos: number;
  /** 1 to 255. */
  readonly ttl: number;
  /** Identification; 0 lets the header have 0 (atomic datagrams, RFC 6864 §4.1). */
  readonly id: number;
  readonly df: boolean;
}

/** Writes an IPv4 header without options in front of the packet and computes its checksum. */
export function ipPushHeader(skb: SkBuff, h: IpHeaderFields): void {
  const o = skbPush(skb, IP_HLEN);
  writeIpHeader(
    skb.mem,
    o,
    skb.len,
    h.tos,
    h.id,
    h.df ? IP_DF : 0,
    h.ttl,
    h.protocol,
    h.saddr,
    h.daddr,
  );
  skb.networkHeader = o;
}

/** Writes the 20 bytes of an option-less header with its checksum. */
export function writeIpHeader(
  m: PacketMemory,
  o: number,
  totLen: number,
  tos: number,
  id: number,
  fragOff: number,
  ttl: number,
  protocol: number,
  saddr: number,
  daddr: number,
): void {
  const dv = m.dv;
  dv.setUint16(o, 0x4500 | tos);
  dv.setUint16(o + 2, totLen);
  dv.setUint16(o + 4, id);
  dv.setUint16(o + 6, fragOff);
  dv.setUint16(o + 8, (ttl << 8) | protocol);
  dv.setUint16(o + 10, 0);
  dv.setUint32(o + 12, saddr);
  dv.setUint32(o + 16, daddr);
  dv.setUint16(o + 10, ~ipHeaderSum(m, o, 5) & 0xffff);
}

/** TTL of an ordinary packet of this namespace. */
export function ipDefaultTtl(net: Net): number {
  return ipv4Of(net).sysctl(Ipv4Sysctl.ip_default_ttl);
}

/**
 * Sends a packet of ours whose data starts at a complete IPv4 header and whose dst is set. Consumes it.
 * @returns 0 or a negative errno. @kernel ip_local_out()
 */
export function ipLocalOut(net: Net, skb: SkBuff, rt: Rtable): number {
  mibAdd(net.mib, Mib.IpOutRequests, 1);
  skb.protocol = ETH_P_IP;
  skb.dst = rt;
  if (skb.packetId === 0) skb.packetId = skb.pool.nextPacketId();
  const hooks = net.nf4(NF_INET_LOCAL_OUT);
  if (hooks !== null && !nfHookSlow(hooks, net, NFPROTO_IPV4, NF_INET_LOCAL_OUT, skb, null, rt.dev))
    return -Errno.EPERM;
  return ipOutput(skb, (skb.dst as Rtable | null) ?? rt);
}

/** Consumes the packet. @kernel ip_output() */
export function ipOutput(skb: SkBuff, rt: Rtable): number {
  const out = rt.dev;
  const net = out.net;
  const input = skb.dev;
  skb.dev = out;
  if (
    rt.type !== RTN_UNICAST &&
    rt.type !== RTN_LOCAL &&
    (out.flags & Iff.IFF_LOOPBACK) === 0 &&
    !ipMcOutput(net, skb, rt)
  )
    return 0;
  const hooks = net.nf4(NF_INET_POST_ROUTING);
  if (
    hooks !== null &&
    !nfHookSlow(hooks, net, NFPROTO_IPV4, NF_INET_POST_ROUTING, skb, input, out)
  )
    return -Errno.EPERM;
  if (
    skb.len > out.mtu ||
    (rt.pmtu !== 0 && skb.len > rt.mtu()) ||
    (rt.metricMtu !== 0 && skb.len > rt.metricMtu)
  ) {
    return ipFragment(net, skb, rt, ipFinishOutput2);
  }
  return ipFinishOutput2(skb, rt);
}

/**
 * A packet to all or to a group: this host hears it too, where it listens. False when it ends here (TTL 0, consumed).
 * @kernel net/ipv4/ip_output.c ip_mc_output()
 */
function ipMcOutput(net: Net, skb: SkBuff, rt: Rtable): boolean {
  const out = rt.dev;
  const multicast = rt.type === RTN_MULTICAST;
  const wanted = multicast
    ? (skb.sk as { mcLoop?: boolean } | null)?.mcLoop !== false &&
      ipCheckMc(InDevice.of(out), iphDaddr(skb.mem, skb.networkHeader))
    : rt.type === RTN_BROADCAST;
  if (wanted) {
    const copy = skb.pool.clone(skb);
    const hooks = net.nf4(NF_INET_POST_ROUTING);
    if (
      hooks === null ||
      nfHookSlow(hooks, net, NFPROTO_IPV4, NF_INET_POST_ROUTING, copy, null, out)
    ) {
      copy.pktType = PACKET_LOOPBACK;
      copy.dst = rt;
      copy.macHeader = copy.networkHeader - ETH_HLEN;
      netifRx(copy);
    }
  }
  if (!multicast || iphTtl(skb.mem, skb.networkHeader) > 0) return true;
  net.kernel.kfreeSkbReason(skb, DropReason.IP_TTL);
  return false;
}

/** The last step of IP: the neighbour's link-layer address. @kernel ip_finish_output2() */
function ipFinishOutput2(skb: SkBuff, rt: Rtable): number {
  const dev = rt.dev;
  const mib = dev.net.mib;
  mibAdd(mib, Mib.IpOutTransmits, 1);
  mibAdd(mib, Mib.IpExtOutOctets, skb.len);
  let neigh = rt.neigh;
  if (neigh === null || neigh.dead) {
    const daddr = iphDaddr(skb.mem, skb.networkHeader);
    if (rt.type !== 1) countCast(mib, skb, rt, daddr);
    const found = arpNeighbour(dev, rt.gateway !== 0 ? rt.gateway : daddr, rt.type);
    if (found === null) {
      dev.net.kernel.kfreeSkbReason(skb, DropReason.NEIGH_CREATEFAIL);
      return -Errno.EINVAL;
    }
    neigh = found;
    if (rt.gateway !== 0) rt.neigh = neigh;
  }
  return neigh.output(skb, ETH_P_IP);
}

function countCast(mib: Float64Array, skb: SkBuff, rt: Rtable, daddr: number): void {
  if (ipv4IsMulticast(daddr)) {
    mibAdd(mib, Mib.IpExtOutMcastPkts, 1);
    mibAdd(mib, Mib.IpExtOutMcastOctets, skb.len);
  } else if (rt.type === RTN_BROADCAST) {
    mibAdd(mib, Mib.IpExtOutBcastPkts, 1);
    mibAdd(mib, Mib.IpExtOutBcastOctets, skb.len);
  }
}

/** Identification for packets that may be fragmented: a counter of the namespace, started at random. */
export function ipSelectIdent(net: Net): number {
  const ipv4 = ipv4Of(net);
  if (ipv4.ident < 0) ipv4.ident = net.kernel.random('ip-ident').below(0x10000);
  ipv4.ident = (ipv4.ident + 1) & 0xffff;
  return ipv4.ident;
}
