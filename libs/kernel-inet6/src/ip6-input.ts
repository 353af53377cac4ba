/**
 * A received IPv6 packet: validation, hop-by-hop options, PRE_ROUTING, the routing decision.
 * netifReceiveSkb → ipv6Rcv → ip6RcvFinish → Rt6Info.input → ip6Input | ip6McInput | ip6Forward | ip6PktDiscard.
 * Sources: net/ipv6/ip6_input.c, RFC 8200.
 */
import {
  DropReason,
  Mib6,
  NF_INET_PRE_ROUTING,
  nfHookSlow,
  NFPROTO_IPV6,
  PACKET_HOST,
  PACKET_LOOPBACK,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  pskbMayPull,
  skbTrim,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import {
  IP6_HLEN,
  ip6hNexthdr,
  ip6hPayloadLen,
  ip6hTclass,
  NEXTHDR_HOP,
  type PacketMemory,
} from '@netloom/wire';
import { ipv6ParseHopopts } from './exthdrs.js';
import { Conf6 } from './inet6-conf.js';
import { Inet6Dev } from './inet6-dev.js';
import { ipv6Of } from './ipv6-net.js';
import { ip6RouteInput, type Rt6Info } from './route6.js';

const IN_ECN = [
  Mib6.Ip6InNoECTPkts,
  Mib6.Ip6InECT1Pkts,
  Mib6.Ip6InECT0Pkts,
  Mib6.Ip6InCEPkts,
] as const;

/** Takes a packet whose data starts at the IPv6 header. Consumes it. @kernel ipv6_rcv(), ip6_rcv_core() */
export function ipv6Rcv(skb: SkBuff, dev: NetDevice): void {
  const { net } = dev;
  const { mib6, kernel } = net;
  if (skb.pktType === PACKET_OTHERHOST) {
    kernel.kfreeSkbReason(skb, DropReason.OTHERHOST);
    return;
  }
  mib6.add(Mib6.Ip6InReceives, 1);
  mib6.add(Mib6.Ip6InOctets, skb.len);
  const idev = Inet6Dev.of(dev);
  if (idev === null || idev.disabled) {
    mib6.add(Mib6.Ip6InDiscards, 1);
    kernel.kfreeSkbReason(skb, DropReason.IPV6DISABLED);
    return;
  }
  const m = skb.mem;
  if (!pskbMayPull(skb, IP6_HLEN)) return dropHeader(skb, dev, DropReason.PKT_TOO_SMALL);
  const o = skb.data;
  if ((m.u8[o] as number) >>> 4 !== 6) return dropHeader(skb, dev, DropReason.UNHANDLED_PROTO);
  mib6.add(IN_ECN[ip6hTclass(m, o) & 3] as number, 1);
  const refused = badAddresses(m, o, dev, skb.pktType, idev);
  if (refused !== 0) return dropHeader(skb, dev, refused);
  // A packet of ours that came round through `lo` belongs to the device that its route names.
  if (skb.dst !== null) skb.skbIif = (skb.dst as Rt6Info).realDev.ifindex;
  skb.transportHeader = o + IP6_HLEN;
  const payload = ip6hPayloadLen(m, o);
  if (payload !== 0 || ip6hNexthdr(m, o) !== NEXTHDR_HOP) {
    if (payload + IP6_HLEN > skb.len) {
      mib6.add(Mib6.Ip6InTruncatedPkts, 1);
      kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_SMALL);
      return;
    }
    if (skb.len > payload + IP6_HLEN) skbTrim(skb, payload + IP6_HLEN); // Ethernet padding
  }
  if (ip6hNexthdr(m, o) === NEXTHDR_HOP && !ipv6ParseHopopts(skb, dev)) return;
  const hooks = net.nf6(NF_INET_PRE_ROUTING);
  if (hooks !== null && !nfHookSlow(hooks, net, NFPROTO_IPV6, NF_INET_PRE_ROUTING, skb, dev, null))
    return;
  ip6RcvFinish(skb, dev);
}

/** Addresses that never cross a wire. 0 or the reason to drop. */
function badAddresses(
  m: PacketMemory,
  o: number,
  dev: NetDevice,
  pktType: number,
  idev: Inet6Dev,
): number {
  const { dv } = m;
  const s0 = dv.getInt32(o + 8);
  const d0 = dv.getInt32(o + 24);
  const loopback = (dev.flags & Iff.IFF_LOOPBACK) !== 0;
  const loopAddress = (at: number): boolean =>
    (dv.getInt32(at) | dv.getInt32(at + 4) | dv.getInt32(at + 8)) === 0 &&
    dv.getInt32(at + 12) === 1;
  if (s0 === 0 && !loopback && loopAddress(o + 8)) return DropReason.IP_INHDR;
  if (d0 === 0 && !loopback && loopAddress(o + 24)) return DropReason.IP_INHDR;
  if (s0 >>> 24 === 0xff) return DropReason.IP_INHDR;
  if (d0 >>> 24 === 0xff) {
    const scope = (d0 >>> 16) & 15;
    if (scope === 0) return DropReason.IP_INHDR;
    if (scope === 1 && pktType !== PACKET_LOOPBACK && !loopback) return DropReason.IP_INHDR;
  } else if (pktType === PACKET_MULTICAST && idev.conf[Conf6.drop_unicast_in_l2_multicast] !== 0) {
    return DropReason.UNICAST_IN_L2_MULTICAST;
  }
  return 0;
}

function dropHeader(skb: SkBuff, dev: NetDevice, reason: number): void {
  dev.net.mib6.add(Mib6.Ip6InHdrErrors, 1);
  dev.net.kernel.kfreeSkbReason(skb, reason);
}

/** @kernel ip6_rcv_finish() */
function ip6RcvFinish(skb: SkBuff, dev: NetDevice): void {
  if (skb.dst === null) {
    const refused = ip6RouteInput(skb, dev);
    if (refused !== 0) {
      dev.net.kernel.kfreeSkbReason(skb, refused);
      return;
    }
  }
  (skb.dst as Rt6Info).input(skb);
}

/** Whether the frame was addressed to this host alone. */
export function toUsAlone(skb: SkBuff): boolean {
  return skb.pktType === PACKET_HOST;
}

/** Whether packets are forwarded: of the namespace, or by one device (force_forwarding). */
export function forwards(dev: NetDevice): boolean {
  return (
    ipv6Of(dev.net).confAll[Conf6.forwarding] !== 0 ||
    Inet6Dev.of(dev)?.conf[Conf6.force_forwarding] === 1
  );
}
