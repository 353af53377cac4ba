/**
 * A route in use, what it is wanted for, and what both directions share. Received packets get theirs from
 * route-input.ts, packets of this host from route-output.ts. Source: net/ipv4/route.c.
 *
 * Routes of a next hop are cached on it, one for input and one for output, and checked against the namespace's genid.
 */
import { Errno } from '@netloom/base';
import { Dst, type Net, type NetDevice, type SkBuff } from '@netloom/kernel-core';
import type { FibResult } from './fib-frontend.js';
import {
  RTN_BLACKHOLE,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RT_SCOPE_LINK,
  type FibNh,
} from './fib-table.js';
import { ipError } from './ip-error.js';
import { ipForward } from './ip-forward.js';
import { ipLocalDeliver } from './ip-local.js';
import { ipOutput } from './ip-output.js';
import { ipv4Of } from './ipv4-net.js';
import type { RouteException } from './route-exceptions.js';

/** A route in use. @kernel struct rtable */
export class Rtable extends Dst {
  genid = 0;
  /** Where to forward: 0 when the destination is on the link. */
  gateway = 0;
  /** Source address that this route suggests. */
  prefsrc = 0;
  /** PMTU learned by an ICMP error and until when (ns); 0 for none. */
  pmtu = 0;
  pmtuExpires = 0;
  metricMtu = 0;
  /** The path MTU is not to be lowered further, nor DF to be relied upon. */
  mtuLocked = false;
  /** One of several ways: the next packet between the same addresses may take another. */
  spread = false;
  /** Somebody asked with RTM_F_NOTIFY to hear of changes. */
  notify = false;
  /** A redirect named the gateway. */
  redirected = false;
  /** The next hop that exceptions are kept with. */
  nh: FibNh | null = null;
  /** The device that the packet came in on asked for this one to be redirected. */
  doRedirect = false;
  table = 0;
  /** Of the route found; 0 for one for every TOS. */
  tos = 0;

  constructor(
    dev: NetDevice,
    readonly type: number,
    readonly isInput: boolean,
  ) {
    super(dev);
  }

  input(skb: SkBuff): void {
    if (this.error !== 0) ipError(skb, this.error);
    else if (this.type === RTN_UNICAST) ipForward(skb, this);
    else ipLocalDeliver(skb);
  }

  output(skb: SkBuff): number {
    return ipOutput(skb, this);
  }

  mtu(): number {
    if (this.pmtu !== 0) {
      if (this.pmtuExpires > this.dev.net.kernel.engine.now)
        return Math.min(this.pmtu, this.dev.mtu);
      this.pmtu = 0;
    }
    return this.metricMtu !== 0 ? this.metricMtu : Math.min(this.dev.mtu, 0xffff);
  }
}

/** What a route is wanted for. Zero means "any" or "not known". */
export interface Flow4 {
  readonly daddr: number;
  readonly saddr: number;
  readonly oif: number;
  readonly tos: number;
  readonly mark: number;
  /** SO_DONTROUTE: only what is on the link. */
  readonly onlink?: boolean;
  /** IP_TRANSPARENT, IP_HDRINCL: the source need not be ours. */
  readonly anysrc?: boolean;
  readonly uid?: number;
  /** For hashing by layer 4 (fib_multipath_hash_policy 1). */
  readonly protocol?: number;
  readonly sport?: number;
  readonly dport?: number;
}

export function ipv4IsMulticast(address: number): boolean {
  return address >>> 28 === 14;
}

export function ipv4IsLoopback(address: number): boolean {
  return address >>> 24 === 127;
}

export function ipv4IsZeronet(address: number): boolean {
  return address === 0; // 0.0.0.0/8 is ordinary space but for this one (net/ipv4: since 5.3)
}

/** The errno of a route that goes nowhere. @kernel fib_props */
export function routeTypeErrno(type: number): number {
  if (type === RTN_BLACKHOLE) return Errno.EINVAL;
  if (type === RTN_PROHIBIT) return Errno.EACCES;
  return type === RTN_UNREACHABLE ? Errno.EHOSTUNREACH : Errno.EINVAL;
}

/** @kernel fill_route_from_fnhe() */
export function bindException(rt: Rtable, exception: RouteException): void {
  rt.pmtu = exception.pmtu;
  rt.pmtuExpires = exception.expires;
  rt.mtuLocked = exception.locked;
  if (exception.gateway === 0) return;
  rt.redirected = true;
  rt.gateway = exception.gateway;
}

/** A gateway that is one of our own addresses only says which device to use. @kernel rt_set_nexthop() */
export function nexthopGateway(nh: FibNh): number {
  return nh.scope === RT_SCOPE_LINK ? nh.gateway : 0;
}

/** Takes over what the route found says beside the way. */
export function fillMetrics(rt: Rtable, res: FibResult): void {
  rt.metrics = res.route.info.metrics;
  rt.table = res.route.info.table;
  rt.tos = res.route.info.tos;
  rt.advmss = Number(rt.metrics?.['advmss'] ?? 0);
  rt.nh = res.nh;
  rt.spread = res.route.info.nexthops.length > 1;
  rt.metricMtu = Number(rt.metrics?.['mtu'] ?? 0);
}

/** Whether a route that a socket kept may still be used. */
export function rtValid(rt: Rtable | null, net: Net): rt is Rtable {
  return rt !== null && !rt.obsolete && rt.genid === ipv4Of(net).genid;
}
