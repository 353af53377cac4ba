/**
 * A packet for somebody else: hop limit, scope, MTU, FORWARD, and out. Source: net/ipv6/ip6_output.c ip6_forward().
 */
import {
  DropReason,
  Mib6,
  NF_INET_FORWARD,
  nfHookSlow,
  NFPROTO_IPV6,
  PACKET_HOST,
  skbCow,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  ICMPV6_DEST_UNREACH,
  ICMPV6_EXC_HOPLIMIT,
  ICMPV6_NOT_NEIGHBOUR,
  ICMPV6_PKT_TOOBIG,
  ICMPV6_TIME_EXCEED,
  in6Equal,
  ip6hDaddr,
  ip6hHopLimit,
  ip6hNexthdr,
  ip6hSaddr,
  ip6hSetHopLimit,
  IPV6_ADDR_ANY,
  IPV6_ADDR_LINKLOCAL,
  IPV6_ADDR_LOOPBACK,
  IPV6_ADDR_MULTICAST,
  IPV6_MIN_MTU,
  ipv6AddrType,
  NEXTHDR_ICMP,
  type In6Addr,
} from '@netloom/wire';
import { icmpv6Send } from './icmpv6-send.js';
import { Conf6 } from './inet6-conf.js';
import { Inet6Dev } from './inet6-dev.js';
import { inetGetpeer6, inetPeer6Allow } from './inet-peer6.js';
import { ip6Input } from './ip6-local.js';
import { ip6Output } from './ip6-output.js';
import { ipv6Of } from './ipv6-net.js';
import { ndiscSendRedirect } from './ndisc-redirect.js';
import type { Rt6Info } from './route6.js';

/** Room for the link-layer header that the way out may need. */
const FORWARD_HEADROOM = 16;
/** One redirect a second to a destination. */
const REDIRECT_INTERVAL_NS = 1e9;

/** Consumes the packet. @kernel ip6_forward() */
export function ip6Forward(skb: SkBuff, rt: Rt6Info): void {
  const dev = skb.dev as NetDevice;
  const { net, kernel } = dev;
  const ipv6 = ipv6Of(net);
  const idev = Inet6Dev.of(dev);
  const m = skb.mem;
  const o = skb.networkHeader;
  if (ipv6.confAll[Conf6.forwarding] === 0 && idev?.conf[Conf6.force_forwarding] !== 1) {
    kernel.kfreeSkbReason(skb, DropReason.IP_NOTFORWARDING);
    return;
  }
  if (skb.pktType !== PACKET_HOST) {
    kernel.kfreeSkbReason(skb, DropReason.OTHERHOST);
    return;
  }
  if (ip6hHopLimit(m, o) <= 1) {
    net.mib6.add(Mib6.Ip6InHdrErrors, 1);
    icmpv6Send(skb, ICMPV6_TIME_EXCEED, ICMPV6_EXC_HOPLIMIT, 0);
    kernel.kfreeSkbReason(skb, DropReason.IP_TTL);
    return;
  }
  const daddr = ip6hDaddr(m, o);
  if (idev !== null && idev.proxies !== null && proxied(idev, daddr) && proxyTakes(skb)) {
    ip6Input(skb);
    return;
  }
  if (rt.dev === dev) {
    redirect(skb, rt, daddr);
  } else {
    const type = ipv6AddrType(ip6hSaddr(m, o));
    if (
      type === IPV6_ADDR_ANY ||
      (type & (IPV6_ADDR_MULTICAST | IPV6_ADDR_LOOPBACK | IPV6_ADDR_LINKLOCAL)) !== 0
    ) {
      if ((type & IPV6_ADDR_LINKLOCAL) !== 0 && (type & IPV6_ADDR_MULTICAST) === 0)
        icmpv6Send(skb, ICMPV6_DEST_UNREACH, ICMPV6_NOT_NEIGHBOUR, 0);
      net.mib6.add(Mib6.Ip6InAddrErrors, 1);
      kernel.kfreeSkbReason(skb, DropReason.IP_INADDRERRORS);
      return;
    }
  }
  const mtu = Math.max(
    rt.metricMtu !== 0 ? rt.metricMtu : (Inet6Dev.of(rt.dev)?.mtu6 ?? rt.dev.mtu),
    IPV6_MIN_MTU,
  );
  if (skb.len > mtu && skb.gsoSize === 0) {
    icmpv6Send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
    net.mib6.add(Mib6.Ip6InTooBigErrors, 1);
    net.mib6.add(Mib6.Ip6FragFails, 1);
    kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_BIG);
    return;
  }
  if (!skbCow(skb, FORWARD_HEADROOM)) {
    net.mib6.add(Mib6.Ip6OutDiscards, 1);
    kernel.kfreeSkbReason(skb, DropReason.NOMEM);
    return;
  }
  ip6hSetHopLimit(m, skb.networkHeader, ip6hHopLimit(m, skb.networkHeader) - 1);
  net.mib6.add(Mib6.Ip6OutForwDatagrams, 1);
  const hooks = net.nf6(NF_INET_FORWARD);
  if (hooks !== null && !nfHookSlow(hooks, net, NFPROTO_IPV6, NF_INET_FORWARD, skb, dev, rt.dev))
    return;
  skb.tstamp = 0;
  ip6Output(skb, (skb.dst as Rt6Info | null) ?? rt);
}

function proxied(idev: Inet6Dev, daddr: In6Addr): boolean {
  const on =
    idev.conf[Conf6.proxy_ndp] !== 0 || ipv6Of(idev.dev.net).confAll[Conf6.proxy_ndp] !== 0;
  return on && (idev.proxies ?? []).some((proxy) => in6Equal(proxy, daddr));
}

/** Discovery about a host that we answer for is ours to hear. @kernel ip6_forward_proxy_check() */
function proxyTakes(skb: SkBuff): boolean {
  if (ip6hNexthdr(skb.mem, skb.networkHeader) !== NEXTHDR_ICMP) return false;
  const type = skb.mem.u8[skb.transportHeader] as number;
  return type >= 133 && type <= 137;
}

/** Tells a host on the same link of the better first hop. */
function redirect(skb: SkBuff, rt: Rt6Info, daddr: In6Addr): void {
  const { net } = rt.dev;
  const peer = inetGetpeer6(ipv6Of(net), daddr);
  if (inetPeer6Allow(peer, net.kernel.engine.now, REDIRECT_INTERVAL_NS))
    ndiscSendRedirect(skb, rt, rt.gateway ?? daddr);
}
