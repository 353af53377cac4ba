/**
 * A received packet that has nowhere to go: counts it and tells its sender. Source: net/ipv4/route.c ip_error().
 */
import { Errno } from '@netloom/base';
import { DropReason, Mib, mibAdd, type NetDevice, type SkBuff } from '@netloom/kernel-core';
import {
  ICMP_DEST_UNREACH,
  ICMP_HOST_UNREACH,
  ICMP_NET_UNREACH,
  ICMP_PKT_FILTERED,
  iphSaddr,
} from '@netloom/wire';
import { icmpSend } from './icmp-send.js';
import { InDevice } from './in-device.js';
import { inetGetpeer, inetPeerErrorAllow } from './inet-peer.js';
import { ipv4Of } from './ipv4-net.js';

/** Consumes the packet. `error` is the route's errno. */
export function ipError(skb: SkBuff, error: number): void {
  const dev = skb.dev as NetDevice;
  const net = dev.net;
  const forwarding = InDevice.of(dev)?.forwarding === true;
  if (error === Errno.ENETUNREACH) mibAdd(net.mib, Mib.IpExtInNoRoutes, 1);
  else if (!forwarding && error === Errno.EHOSTUNREACH) mibAdd(net.mib, Mib.IpInAddrErrors, 1);
  if (!forwarding || error === Errno.EINVAL) {
    net.kernel.kfreeSkbReason(
      skb,
      error === Errno.ENETUNREACH ? DropReason.IP_INNOROUTES : DropReason.IP_INADDRERRORS,
    );
    return;
  }
  if (
    !inetPeerErrorAllow(
      net,
      inetGetpeer(ipv4Of(net), iphSaddr(skb.mem, skb.networkHeader)),
      net.kernel.engine.now,
    )
  ) {
    net.kernel.kfreeSkbReason(skb, DropReason.IP_INNOROUTES);
    return;
  }
  const code =
    error === Errno.ENETUNREACH
      ? ICMP_NET_UNREACH
      : error === Errno.EACCES
        ? ICMP_PKT_FILTERED
        : ICMP_HOST_UNREACH;
  icmpSend(skb, ICMP_DEST_UNREACH, code, 0);
  net.kernel.kfreeSkbReason(skb, DropReason.IP_INNOROUTES);
}
