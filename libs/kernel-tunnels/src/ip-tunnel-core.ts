/**
 * What all tunnels over IPv4 share: the outer header on the way out, taking a packet out of it on the way in, congestion
 * marks, path MTU. Sources: net/ipv4/ip_tunnel_core.c, include/net/ip_tunnels.h, include/net/inet_ecn.h; RFC 6040, RFC 2003.
 */
import {
  CHECKSUM_NONE,
  netifRx,
  PACKET_HOST,
  skbCowHead,
  skbGetHash,
  skbLinearize,
  Stat,
  statAdd,
  type Net,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  ipDefaultTtl,
  ipLocalOut,
  ipPushHeader,
  ipRtUpdatePmtu,
  ipSelectIdent,
  ipv4Of,
  Rtable,
} from '@netloom/kernel-inet';
import {
  ETH_HLEN,
  ETH_P_IP,
  ETH_P_IPV6,
  IP_DF,
  iphDaddr,
  iphFragOff,
  iphTos,
  iphTtl,
} from '@netloom/wire';

const ECN_MASK = 3;
const ECN_ECT_0 = 2;
const ECN_CE = 3;
/** TOS of a device's configuration that takes over the inner packet's. */
export const TOS_INHERIT = 1;

/** The TOS or traffic class of a packet by its network header; 0 for other protocols. @kernel ip_tunnel_get_dsfield() */
export function innerTos(skb: SkBuff, protocol: number): number {
  if (protocol === ETH_P_IP) return iphTos(skb.mem, skb.networkHeader);
  if (protocol === ETH_P_IPV6) return (skb.mem.dv.getUint16(skb.networkHeader) >>> 4) & 0xff;
  return 0;
}

/** The inner TTL or hop limit; 0 for other protocols. @kernel ip_tunnel_get_ttl() */
export function innerTtl(skb: SkBuff, protocol: number): number {
  if (protocol === ETH_P_IP) return iphTtl(skb.mem, skb.networkHeader);
  if (protocol === ETH_P_IPV6) return skb.mem.u8[skb.networkHeader + 7] as number;
  return 0;
}

/** Whether the inner packet is IPv4 that must not be cut. */
export function innerDf(skb: SkBuff, protocol: number): boolean {
  return protocol === ETH_P_IP && (iphFragOff(skb.mem, skb.networkHeader) & IP_DF) !== 0;
}

/** The outer TOS with the inner congestion bits. @kernel ip_tunnel_ecn_encap() */
export function ecnEncap(tos: number, skb: SkBuff, protocol: number): number {
  const inner = innerTos(skb, protocol) & ECN_MASK;
  return (tos & ~ECN_MASK) | (inner === ECN_CE ? ECN_ECT_0 : inner);
}

/**
 * Carries the outer packet's congestion mark inside; 0 fine, 1 odd, 2 the packet has to go. `skb.networkHeader` is the
 * inner header. @kernel IP_ECN_decapsulate()
 */
export function ecnDecap(skb: SkBuff, protocol: number, outerTos: number): number {
  if (protocol !== ETH_P_IP && protocol !== ETH_P_IPV6) return 0;
  const outer = outerTos & ECN_MASK;
  const inner = innerTos(skb, protocol);
  if ((inner & ECN_MASK) === 0) return outer === 0 ? 0 : outer === ECN_CE ? 2 : 1;
  if (outer !== ECN_CE || (inner & ECN_MASK) === ECN_CE || !skbCowHead(skb, 0)) return 0;
  const { dv } = skb.mem;
  const o = skb.networkHeader;
  if (protocol === ETH_P_IP) {
    const was = dv.getUint16(o);
    dv.setUint16(o, was | ECN_CE);
    const sum = (~dv.getUint16(o + 10) & 0xffff) + (~was & 0xffff) + (was | ECN_CE);
    const folded = (sum & 0xffff) + (sum >>> 16);
    dv.setUint16(o + 10, ~((folded & 0xffff) + (folded >>> 16)) & 0xffff);
  } else {
    dv.setUint32(o, dv.getUint32(o) | (ECN_CE << 20));
  }
  return 0;
}

/** TTL of a route's packets. @kernel ip4_dst_hoplimit() */
export function rtHoplimit(net: Net, rt: Rtable): number {
  const metric = Number(rt.metrics?.['hoplimit'] ?? 0);
  return metric !== 0 ? metric : ipDefaultTtl(net);
}

/** Room for the headers in front, in a packet that lies in one piece. */
export function tunnelPrepare(skb: SkBuff, headroom: number): boolean {
  return skbLinearize(skb) && skbCowHead(skb, headroom);
}

/** Link-layer, IP and tunnel headers at most. */
export const TUNNEL_HEADROOM = 14 + 20 + 40;

/**
 * Tells the route of a packet's sender when the way below takes less; the packet itself goes, in fragments.
 * @param headroom bytes that the tunnel adds @kernel skb_tunnel_check_pmtu()
 */
export function tunnelCheckPmtu(skb: SkBuff, rt: Rtable, headroom: number): void {
  const mtu = rt.mtu() - headroom;
  const inner = skb.dst;
  if (skb.len - (skb.networkHeader - skb.data) <= mtu || !(inner instanceof Rtable)) return;
  ipRtUpdatePmtu(inner.dev.net, inner, iphDaddr(skb.mem, skb.networkHeader), mtu);
}

/** A packet enters or leaves a tunnel: what the stack knew of it holds no more. @kernel skb_scrub_packet() */
export function skbScrub(skb: SkBuff, crossesNet: boolean): void {
  skb.tstamp = 0;
  skb.pktType = PACKET_HOST;
  skb.skbIif = 0;
  skb.dst = null;
  skb.nfct = null;
  skb.nfctInfo = 0;
  skb.cbFlags2 = 0;
  skb.cbOptLen = 0;
  skb.hash = 0;
  if (!crossesNet) return;
  skb.mark = 0;
}

/**
 * Puts the outer IPv4 header in front and sends; counts for the device. Consumes the packet.
 * @param inner bytes of the packet inside, as the device counts them @kernel iptunnel_xmit()
 */
export function ipTunnelXmit(
  dev: NetDevice,
  skb: SkBuff,
  rt: Rtable,
  saddr: number,
  daddr: number,
  protocol: number,
  tos: number,
  ttl: number,
  df: boolean,
  inner: number,
): void {
  const { net } = rt.dev;
  skbScrub(skb, dev.net !== net);
  ipPushHeader(skb, { saddr, daddr, protocol, tos, ttl, df, id: ipSelectIdent(net) });
  if (ipLocalOut(net, skb, rt) === 0) {
    statAdd(dev, Stat.txPackets, 1);
    statAdd(dev, Stat.txBytes, inner);
  } else {
    statAdd(dev, Stat.txDropped, 1);
  }
}

/** Gives the packet inside (data at its network header, protocol and macHeader set) to the device. Consumes it. */
export function tunnelReceive(skb: SkBuff, dev: NetDevice): void {
  skb.ipSummed = CHECKSUM_NONE;
  skb.vlanTci = -1;
  skb.dev = dev;
  statAdd(dev, Stat.rxPackets, 1);
  statAdd(dev, Stat.rxBytes, skb.len);
  netifRx(skb);
}

/**
 * A source port that is the same for a flow's frames (data at the Ethernet header), out of a range or the host's own.
 * @kernel udp_flow_src_port()
 */
export function udpFlowSrcPort(
  skb: SkBuff,
  dev: NetDevice,
  net: Net,
  portMin: number,
  portMax: number,
  protocol: number,
): number {
  const [low, high] =
    portMin === 0 && portMax === 0 ? ipv4Of(net).localPortRange : [portMin, portMax];
  const was = skb.protocol;
  skb.protocol = protocol;
  skb.data += ETH_HLEN;
  skb.len -= ETH_HLEN;
  let hash = skbGetHash(skb, dev.kernel);
  skb.data -= ETH_HLEN;
  skb.len += ETH_HLEN;
  skb.protocol = was;
  if (hash === 0) {
    const { dv } = skb.mem; // not IPv4: by the Ethernet addresses
    hash = dev.kernel.flowHashKey;
    for (let i = 0; i < 12; i += 4) {
      hash = Math.imul(hash ^ dv.getUint32(skb.data + i), 0x85ebca6b);
      hash ^= hash >>> 15;
    }
  }
  const mixed = (hash ^ (hash << 16)) >>> 0;
  return low + Math.floor((mixed * (high - low)) / 2 ** 32);
}
