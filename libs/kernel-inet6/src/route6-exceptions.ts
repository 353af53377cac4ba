/**
 * What ICMPv6 taught about single destinations: smaller path MTUs and better first hops, kept with the next hop.
 * Source: net/ipv6/route.c (rt6_insert_exception, __ip6_rt_update_pmtu, rt6_do_redirect). RFC 8201, RFC 4861 §8.
 */
import type { Net } from '@netloom/kernel-core';
import { in6Equal, in6Hash, IPV6_MIN_MTU, type In6Addr } from '@netloom/wire';
import type { Fib6Nh } from './fib6-table.js';
import { Flow6 } from './flow6.js';
import { ipv6Of, Ipv6Sysctl } from './ipv6-net.js';
import { ip6RouteOutput, type Rt6Info } from './route6.js';

/** Destinations remembered a next hop. @kernel FIB6_MAX_DEPTH × FIB6_EXCEPTION_BUCKET_SIZE */
const MAX_EXCEPTIONS = 1024 * 5;

/** One destination's exception. */
export interface Exception6 {
  readonly daddr: In6Addr;
  /** 0: the device's. */
  readonly pmtu: number;
  /** null: the next hop's own. */
  readonly gateway: In6Addr | null;
  /** ns, 0 for no end */
  readonly expires: number;
  rt: Rt6Info | null;
}

/** The exception of a destination that still holds. */
export function findException6(nh: Fib6Nh, daddr: In6Addr, now: number): Exception6 | null {
  if (nh.exceptions === null) return null;
  const key = in6Hash(daddr);
  const found = nh.exceptions.get(key);
  if (found === undefined || !in6Equal(found.daddr, daddr)) return null;
  if (found.expires === 0 || found.expires > now) return found;
  nh.exceptions.delete(key);
  return null;
}

function remember(net: Net, nh: Fib6Nh, exception: Exception6): void {
  const all = (nh.exceptions ??= new Map<number, Exception6>());
  if (all.size >= MAX_EXCEPTIONS) {
    const oldest = all.keys().next();
    if (oldest.done !== true) all.delete(oldest.value);
  }
  all.set(in6Hash(exception.daddr), exception);
  ipv6Of(net).genid++;
}

/** The path to a route's destination takes smaller packets only. @kernel __ip6_rt_update_pmtu() */
export function ip6RtUpdatePmtu(net: Net, rt: Rt6Info, daddr: In6Addr, mtu: number): void {
  const { nh } = rt;
  if (nh === null) return;
  const lowered = Math.max(mtu, IPV6_MIN_MTU);
  if (lowered >= rt.mtu()) return;
  const now = net.kernel.engine.now;
  const known = findException6(nh, daddr, now);
  const lifetime = ipv6Of(net).sysctl(Ipv6Sysctl['route/mtu_expires']) * 1e9;
  remember(net, nh, {
    daddr,
    pmtu: lowered,
    gateway: known?.gateway ?? null,
    expires: now + lifetime,
    rt: null,
  });
}

/** A router named a better first hop. @kernel rt6_do_redirect() */
export function ip6RtRedirect(net: Net, rt: Rt6Info, daddr: In6Addr, gateway: In6Addr): void {
  const { nh } = rt;
  if (nh === null) return;
  const known = findException6(nh, daddr, net.kernel.engine.now);
  remember(net, nh, { daddr, pmtu: known?.pmtu ?? 0, gateway, expires: 0, rt: null });
}

/** Learns from "packet too big" about a packet that was sent between these addresses. @kernel ip6_update_pmtu() */
export function ip6UpdatePmtu(
  net: Net,
  daddr: In6Addr,
  saddr: In6Addr,
  oif: number,
  mark: number,
  mtu: number,
): void {
  const fl = new Flow6(daddr);
  fl.saddr = saddr;
  fl.oif = oif;
  fl.mark = mark;
  const rt = ip6RouteOutput(net, fl);
  if (rt.error === 0) ip6RtUpdatePmtu(net, rt, daddr, mtu);
}
