/**
 * A packet for somebody else: TTL, MTU, FORWARD, and out. Sources: net/ipv4/ip_forward.c, RFC 1812 §5.
 */
import {
  DropReason,
  Mib,
  mibAdd,
  NF_INET_FORWARD,
  nfHookSlow,
  NFPROTO_IPV4,
  PACKET_HOST,
  skbCowHead,
  skbGsoNetworkSeglen,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  ICMP_DEST_UNREACH,
  ICMP_EXC_TTL,
  ICMP_FRAG_NEEDED,
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  IP_DF,
  iphDaddr,
  iphDecreaseTtl,
  iphFragOff,
  iphSaddr,
  iphTos,
  iphTtl,
} from '@netloom/wire';
import { icmpSend } from './icmp-send.js';
import { sendsRedirects, sharesMedia } from './fib-frontend.js';
import { InDevice } from './in-device.js';
import { inetGetpeer, inetPeerRedirectAllow } from './inet-peer.js';
import { ipv4Of } from './ipv4-net.js';
import { IPOPT_SSRR, ipFindOption, ipForwardOptions, IPSKB_SRR_HIT } from './ip-options.js';
import { ipOutput } from './ip-output.js';
import type { Rtable } from './route.js';

/** Room for the link-layer header that the way out may need. */
const FORWARD_HEADROOM = 16;

/** Consumes the packet. @kernel ip_forward() */
export function ipForward(skb: SkBuff, rt: Rtable): void {
  const dev = skb.dev as NetDevice;
  const net = dev.net;
  const kernel = dev.kernel;
  if (skb.pktType !== PACKET_HOST) {
    kernel.kfreeSkbReason(skb, DropReason.OTHERHOST);
    return;
  }
  const mem = skb.mem;
  if (iphTtl(mem, skb.networkHeader) <= 1) {
    mibAdd(net.mib, Mib.IpInHdrErrors, 1);
    icmpSend(skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
    kernel.kfreeSkbReason(skb, DropReason.IP_TTL);
    return;
  }
  if (((mem.u8[skb.networkHeader] as number) & 15) > 5 && refusedByStrictRoute(skb, rt)) return;
  mibAdd(net.mib, Mib.IpForwDatagrams, 1);
  if (skb.len > rt.dev.mtu || rt.metricMtu !== 0) {
    const mtu = rt.metricMtu !== 0 ? rt.metricMtu : rt.dev.mtu;
    if (
      skb.len > mtu &&
      (iphFragOff(mem, skb.networkHeader) & IP_DF) !== 0 &&
      !(skb.gsoSize > 0 && skbGsoNetworkSeglen(skb) <= mtu)
    ) {
      mibAdd(net.mib, Mib.IpFragFails, 1);
      icmpSend(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
      kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_BIG);
      return;
    }
  }
  if (!skbCowHead(skb, FORWARD_HEADROOM)) {
    mibAdd(net.mib, Mib.IpOutDiscards, 1);
    kernel.kfreeSkbReason(skb, DropReason.NOMEM);
    return;
  }
  iphDecreaseTtl(mem, skb.networkHeader);
  if (rt.dev === dev && (skb.cbFlags2 & IPSKB_SRR_HIT) === 0) sendRedirect(skb, rt, dev);
  skb.priority = rtTosToPriority(iphTos(mem, skb.networkHeader));
  const hooks = net.nf4(NF_INET_FORWARD);
  if (hooks !== null && !nfHookSlow(hooks, net, NFPROTO_IPV4, NF_INET_FORWARD, skb, dev, rt.dev))
    return;
  skb.tstamp = 0;
  if (((mem.u8[skb.networkHeader] as number) & 15) > 5) ipForwardOptions(skb, rt);
  ipOutput(skb, rt);
}

/** A strict source route names every hop: a gateway between is an error. True when the packet is gone. */
function refusedByStrictRoute(skb: SkBuff, rt: Rtable): boolean {
  if (rt.gateway === 0 || ipFindOption(skb.mem, skb.networkHeader, IPOPT_SSRR) < 0) return false;
  icmpSend(skb, ICMP_DEST_UNREACH, ICMP_SR_FAILED, 0);
  rt.dev.kernel.kfreeSkbReason(skb, DropReason.IP_INHDR);
  return true;
}

const ICMP_SR_FAILED = 5;

/** Tells a host on the same link of the better first hop. @kernel ip_rt_send_redirect() */
function sendRedirect(skb: SkBuff, rt: Rtable, dev: NetDevice): void {
  const inDev = InDevice.of(dev);
  const ipv4 = ipv4Of(dev.net);
  if (inDev === null || !sendsRedirects(ipv4, inDev)) return;
  const source = iphSaddr(skb.mem, skb.networkHeader);
  const hop = rt.gateway !== 0 ? rt.gateway : iphDaddr(skb.mem, skb.networkHeader);
  if (
    !sharesMedia(ipv4, inDev) &&
    !inDev.addresses.some(
      (ifa) => ((ifa.address ^ source) & ifa.mask) === 0 && ((ifa.address ^ hop) & ifa.mask) === 0,
    )
  )
    return;
  if (inetPeerRedirectAllow(dev.net, inetGetpeer(ipv4, source), dev.kernel.engine.now))
    icmpSend(skb, ICMP_REDIRECT, 1, hop);
}

/** Traffic priority from the TOS bits. @kernel ip_tos2prio */
const TOS_TO_PRIORITY = [0, 1, 0, 0, 2, 2, 2, 2, 6, 6, 6, 6, 4, 4, 4, 4] as const;

export function rtTosToPriority(tos: number): number {
  return TOS_TO_PRIORITY[(tos & 0x1e) >>> 1] ?? 0;
}
