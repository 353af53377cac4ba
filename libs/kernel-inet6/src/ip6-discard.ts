/**
 * A packet that has nowhere to go: counts it and tells its sender. Source: net/ipv6/route.c ip6_pkt_drop().
 */
import { Errno } from '@netloom/base';
import { DropReason, Mib6, type NetDevice, type SkBuff } from '@netloom/kernel-core';
import {
  ICMPV6_ADM_PROHIBITED,
  ICMPV6_DEST_UNREACH,
  ICMPV6_NOROUTE,
  in6IsAny,
  ip6hDaddr,
} from '@netloom/wire';
import { icmpv6Send } from './icmpv6-send.js';
import type { Rt6Info } from './route6.js';

/** Consumes the packet. */
export function ip6PktDiscard(skb: SkBuff, rt: Rt6Info, input: boolean): void {
  const { net } = skb.dev as NetDevice;
  const { kernel, mib6 } = net;
  if (rt.error === Errno.EINVAL) {
    kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED); // a black hole tells nobody
    return;
  }
  if (!input) mib6.add(Mib6.Ip6OutNoRoutes, 1);
  else if (in6IsAny(ip6hDaddr(skb.mem, skb.networkHeader))) mib6.add(Mib6.Ip6InAddrErrors, 1);
  else mib6.add(Mib6.Ip6InNoRoutes, 1);
  icmpv6Send(
    skb,
    ICMPV6_DEST_UNREACH,
    rt.error === Errno.EACCES ? ICMPV6_ADM_PROHIBITED : ICMPV6_NOROUTE,
    0,
  );
  kernel.kfreeSkbReason(skb, input ? DropReason.IP_INNOROUTES : DropReason.IP_OUTNOROUTES);
}
