/**
 * IPv4 and IPv6 in IPv4: the ipip and sit devices. Sources: RFC 2003, RFC 4213, net/ipv4/ipip.c, tunnel4.c, net/ipv6/sit.c.
 * sit knows 6to4 (RFC 3056) where it has no remote end; it has neither ISATAP nor other 6rd prefixes.
 */
import {
  DropReason,
  NETDEV_TX_OK,
  Stat,
  statAdd,
  type InetProtocol,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { icmpSend } from '@netloom/kernel-inet';
import {
  ETH_P_IP,
  ETH_P_IPV6,
  ICMP_DEST_UNREACH,
  ICMP_PORT_UNREACH,
  iphDaddr,
  iphSaddr,
} from '@netloom/wire';
import {
  ipTunnelErr,
  ipTunnelOf,
  ipTunnelOwn,
  ipTunnelRcv,
  ipTunnelSend,
  NO_HEADER,
  type IpTunnel,
} from './ip-tunnel.js';
import { netTunnelsIfAny } from './net-tunnels.js';

export const IPPROTO_IPIP = 4;
export const IPPROTO_IPV6 = 41;

function wrongProtocol(skb: SkBuff, dev: NetDevice): number {
  statAdd(dev, Stat.txErrors, 1);
  dev.kernel.kfreeSkbReason(skb, DropReason.UNHANDLED_PROTO);
  return NETDEV_TX_OK;
}

/** @kernel ipip_tunnel_xmit() */
export function ipipXmit(skb: SkBuff, dev: NetDevice): number {
  const { proto } = ipTunnelOf(dev).parms;
  if (skb.protocol !== ETH_P_IP || (proto !== 0 && proto !== IPPROTO_IPIP))
    return wrongProtocol(skb, dev);
  return ipTunnelSend(skb, dev, IPPROTO_IPIP, null);
}

/** @kernel sit_tunnel_xmit() */
export function sitXmit(skb: SkBuff, dev: NetDevice): number {
  const { proto } = ipTunnelOf(dev).parms;
  const inner = skb.protocol === ETH_P_IPV6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
  if (
    (skb.protocol !== ETH_P_IP && skb.protocol !== ETH_P_IPV6) ||
    (proto !== 0 && proto !== inner)
  )
    return wrongProtocol(skb, dev);
  return ipTunnelSend(skb, dev, inner, null);
}

/** The tunnel of a kind between two addresses. */
function lookup(dev: NetDevice, kind: string, remote: number, local: number): IpTunnel | null {
  const table = netTunnelsIfAny(dev.net)?.ipTunnels.get(kind);
  return table?.lookup(dev.ifindex, null, remote, local) ?? null;
}

function receive(skb: SkBuff, inner: number, protocol: number, kinds: readonly string[]): void {
  const dev = skb.dev as NetDevice;
  const { kernel } = dev;
  if (!ipTunnelOwn(skb)) {
    kernel.kfreeSkbReason(skb, DropReason.NOMEM);
    return;
  }
  const remote = iphSaddr(skb.mem, skb.networkHeader);
  const local = iphDaddr(skb.mem, skb.networkHeader);
  for (const kind of kinds) {
    const tunnel = lookup(dev, kind, remote, local);
    if (tunnel === null) continue;
    const { proto } = tunnel.parms;
    if (proto !== 0 && proto !== inner) {
      kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
      return;
    }
    skb.protocol = protocol;
    ipTunnelRcv(tunnel, skb, NO_HEADER);
    return;
  }
  icmpSend(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
  kernel.kfreeSkbReason(skb, DropReason.NO_SOCKET);
}

function error(kinds: readonly string[]): NonNullable<InetProtocol['errHandler']> {
  return (skb, type, code, info) => {
    const dev = skb.dev as NetDevice;
    ipTunnelErr(skb, type, code, info, true, (remote, local) => {
      for (const kind of kinds) {
        const tunnel = lookup(dev, kind, remote, local);
        if (tunnel !== null) return tunnel;
      }
      return null;
    });
  };
}

/** @kernel tunnel4_rcv() */
export const ipipProtocol: InetProtocol = {
  handler: (skb) => {
    receive(skb, IPPROTO_IPIP, ETH_P_IP, ['ipip', 'sit']);
  },
  errHandler: error(['ipip', 'sit']),
};

/** @kernel tunnel64_rcv() */
export const sitProtocol: InetProtocol = {
  handler: (skb) => {
    receive(skb, IPPROTO_IPV6, ETH_P_IPV6, ['sit']);
  },
  errHandler: error(['sit']),
};
