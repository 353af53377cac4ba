/**
 * The tunnels of a network namespace: what received packets are looked up in. Made with the first tunnel.
 * @kernel struct vxlan_net, struct ip_tunnel_net, struct geneve_net
 */
import { CoreHostSysctl, coreSysctl, type Net } from '@netloom/kernel-core';
import type { Geneve, GeneveSock } from './geneve.js';
import type { IpTunnelTable } from './ip-tunnel.js';
import type { Ip6Tunnel } from './ip6-tunnel.js';
import type { Vxlan, VxlanSock } from './vxlan.js';

export class NetTunnels {
  /** VXLAN devices whose packets travel in this namespace, and their sockets by port and receive flags. */
  readonly vxlans: Vxlan[] = [];
  readonly vxlanSocks: VxlanSock[] = [];
  readonly geneves: Geneve[] = [];
  readonly geneveSocks: GeneveSock[] = [];
  /** By kind: `gre`, `gretap`, `erspan`, `ipip`, `sit`. */
  readonly ip6Tunnels = new Map<string, Ip6Tunnel[]>();
  readonly ipTunnels = new Map<string, IpTunnelTable>();
}

export function netTunnels(net: Net): NetTunnels {
  return (net.tunnels ??= new NetTunnels()) as NetTunnels;
}

/** The tables where there are any. */
export function netTunnelsIfAny(net: Net): NetTunnels | null {
  return net.tunnels as NetTunnels | null;
}

/** net.core.fb_tunnels_only_for_init_net: whether a namespace gets gre0 and the like. @kernel net_has_fallback_tunnels() */
export function hasFallbackTunnels(net: Net): boolean {
  const { kernel } = net;
  const value = coreSysctl(net, CoreHostSysctl.fb_tunnels_only_for_init_net);
  return value === 0 || (value === 1 && net === kernel.initNet);
}
