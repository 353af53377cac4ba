/**
 * Routing decisions: which way a received packet goes and which way one of ours leaves.
 * ip6RcvFinish → ip6RouteInput → Rt6Info.input; sockets → ip6DstLookupFlow → Rt6Info.output. Source: net/ipv6/route.c.
 *
 * The route in use of a next hop is cached on it and checked against the namespace's genid; a source address is chosen
 * apart from it (RFC 6724).
 */
import { Errno } from '@netloom/base';
import { Dst, DropReason, type Net, type NetDevice, type SkBuff } from '@netloom/kernel-core';
import { Nud } from '@netloom/sys';
import {
  IN6ADDR_LOOPBACK,
  in6EqualAt,
  in6Hash,
  in6IsAny,
  in6IsV4Mapped,
  ip6hDaddr,
  ip6hFlowInfo,
  ip6hNexthdr,
  ip6hSaddr,
  IPV6_ADDR_LINKLOCAL,
  IPV6_ADDR_LOOPBACK,
  IPV6_ADDR_MULTICAST,
  ipv6AddrType,
  type In6Addr,
} from '@netloom/wire';
import { ipv6DevGetSaddr } from './addr-select.js';
import {
  FR_ACT_GOTO,
  FR_ACT_NOP,
  FR_ACT_TO_TBL,
  fib6Rules,
  fib6RuleMatches,
} from './fib6-rules.js';
import {
  RTN6_ANYCAST,
  RTN6_BLACKHOLE,
  RTN6_LOCAL,
  RTN6_MULTICAST,
  RTN6_PROHIBIT,
  RTN6_THROW,
  RTN6_UNICAST,
  RTN6_UNREACHABLE,
  RTNH6_F_DEAD,
  RTNH6_F_LINKDOWN,
  type Fib6Info,
  type Fib6Nh,
} from './fib6-table.js';
import { Flow6 } from './flow6.js';
import { Conf6 } from './inet6-conf.js';
import { Inet6Dev } from './inet6-dev.js';
import { ip6Forward } from './ip6-forward.js';
import { ip6Input, ip6McInput } from './ip6-local.js';
import { ip6Output } from './ip6-output.js';
import { ip6PktDiscard } from './ip6-discard.js';
import { ipv6Of, Ipv6Sysctl, RT6_TABLE_LOCAL, RT6_TABLE_MAIN } from './ipv6-net.js';
import { ndiscLookup } from './ndisc-cache.js';
import { findException6 } from './route6-exceptions.js';

/** The largest path MTU: a payload of 65535 bytes and its header. */
const IP6_MAX_MTU = 65535 + 40;

/** A route in use. @kernel struct rt6_info */
export class Rt6Info extends Dst {
  genid = 0;
  /** Where to forward: null when the destination is on the link. */
  gateway: In6Addr | null = null;
  prefsrc: In6Addr | null = null;
  /** PMTU that ICMPv6 taught and until when (ns); 0 for none. */
  pmtu = 0;
  pmtuExpires = 0;
  metricMtu = 0;
  metricHopLimit = 0;
  /** A redirect named the gateway. */
  redirected = false;
  /** What it was found by. */
  from: Fib6Info | null = null;
  nh: Fib6Nh | null = null;
  /** The device whose addresses and MTU count: `dev`, but for addresses of this host, which lead to `lo`. */
  realDev: NetDevice;

  constructor(
    dev: NetDevice,
    readonly type: number,
  ) {
    super(dev);
    this.realDev = dev;
  }

  input(skb: SkBuff): void {
    if (this.error !== 0) ip6PktDiscard(skb, this, true);
    else if (this.type === RTN6_UNICAST) ip6Forward(skb, this);
    else if (this.type === RTN6_MULTICAST) ip6McInput(skb);
    else ip6Input(skb);
  }

  output(skb: SkBuff): number {
    return ip6Output(skb, this);
  }

  mtu(): number {
    if (this.pmtu !== 0) {
      if (this.pmtuExpires > this.dev.kernel.engine.now) return this.pmtu;
      this.pmtu = 0;
    }
    if (this.metricMtu !== 0) return Math.min(this.metricMtu, IP6_MAX_MTU);
    const idev = Inet6Dev.of(this.dev);
    return Math.min(idev === null ? this.dev.mtu : idev.mtu6, IP6_MAX_MTU);
  }
}

/** The hop limit of packets along a route. @kernel ip6_dst_hoplimit() */
export function ip6DstHoplimit(rt: Rt6Info): number {
  if (rt.metricHopLimit !== 0) return rt.metricHopLimit;
  const { net } = rt.dev;
  return (Inet6Dev.of(rt.dev)?.conf ?? ipv6Of(net).confAll)[Conf6.hop_limit] as number;
}

/** Whether a route that a socket kept may still be used. */
export function rt6Valid(rt: Rt6Info | null, net: Net): rt is Rt6Info {
  return rt !== null && !rt.obsolete && rt.genid === ipv6Of(net).genid;
}

/** A decision for packets to one address that came in on one device. */
export interface Input6CacheEntry {
  readonly daddr: In6Addr;
  readonly iif: number;
  readonly mark: number;
  readonly genid: number;
  readonly rt: Rt6Info;
}

const INPUT_CACHE_SIZE = 256;

/** How routes of a prefix are judged. */
class Selection {
  oif = 0;
  strict = false;
  reachable = false;
  now = 0;
}

/** What a lookup wants of the next hop, and how much it likes it; below zero it cannot be used. @kernel rt6_score_route() */
function score(route: Fib6Info, nh: Fib6Nh, sel: Selection): number {
  if ((nh.flags & RTNH6_F_DEAD) !== 0) return -1;
  if (
    (nh.flags & RTNH6_F_LINKDOWN) !== 0 &&
    Inet6Dev.of(nh.dev)?.conf[Conf6.ignore_routes_with_linkdown] === 1
  )
    return -1;
  const here = sel.oif === 0 || nh.dev.ifindex === sel.oif;
  if (!here && sel.strict) return -1;
  if (sel.reachable && nh.gateway !== null) {
    const neigh = ndiscLookup(nh.dev, nh.gateway);
    if (neigh !== null && (neigh.nudState & Nud.NUD_FAILED) !== 0) return -1;
  }
  return (here ? 2 : 0) | ((route.pref ^ 2) << 2);
}

function usableNh(route: Fib6Info, sel: Selection): Fib6Nh | null {
  for (const nh of route.nexthops) if (score(route, nh, sel) >= 0) return nh;
  return null;
}

/** The best of a prefix's routes: the lowest metric that can be used, and among equals the best score. @kernel rt6_select() */
function select(routes: Fib6Info[], sel: Selection): Fib6Info | null {
  let best: Fib6Info | null = null;
  let bestScore = -1;
  for (let i = 0; i < routes.length; i++) {
    const route = routes[i] as Fib6Info;
    if (best !== null && route.metric > best.metric) break;
    if (route.expires !== 0 && route.expires <= sel.now) continue;
    if (route.nexthops.length === 0) return best ?? route;
    for (let n = 0; n < route.nexthops.length; n++) {
      const value = score(route, route.nexthops[n] as Fib6Nh, sel);
      if (value <= bestScore) continue;
      best = route;
      bestScore = value;
    }
  }
  return best;
}

const selection = (net: Net, oif: number, strict: boolean): Selection => {
  const sel = new Selection();
  sel.oif = oif;
  sel.strict = strict;
  sel.now = net.kernel.engine.now;
  return sel;
};

function tableLookup(net: Net, id: number, fl: Flow6, sel: Selection): Fib6Info | null {
  const table = ipv6Of(net).tables.get(id);
  if (table === undefined) return null;
  sel.reachable = ipv6Of(net).confAll[Conf6.forwarding] === 0;
  const found = table.lookup(fl.daddr, select, sel);
  if (found !== null || !sel.reachable) return found;
  sel.reachable = false;
  return table.lookup(fl.daddr, select, sel);
}

/** A rule's refusal as an error: blackhole, unreachable, prohibit. */
const RULE_ERRORS: Readonly<Record<number, number>> = {
  6: Errno.EINVAL,
  7: Errno.ENETUNREACH,
  8: Errno.EACCES,
};

interface Lookup {
  readonly route: Fib6Info | null;
  readonly error: number;
}

/** @kernel fib6_rule_lookup() */
function fib6Lookup(net: Net, fl: Flow6, sel: Selection): Lookup {
  const ipv6 = ipv6Of(net);
  if (ipv6.rules === null) {
    const route =
      tableLookup(net, RT6_TABLE_LOCAL, fl, sel) ?? tableLookup(net, RT6_TABLE_MAIN, fl, sel);
    return route === null || route.type === RTN6_THROW
      ? { route: null, error: Errno.ENETUNREACH }
      : { route, error: 0 };
  }
  const rules = fib6Rules(net);
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i];
    if (rule === undefined || !fib6RuleMatches(net, rule, fl)) continue;
    if (rule.action === FR_ACT_GOTO) {
      const target = rules.findIndex((other) => other.priority === rule.table);
      if (target > i) i = target - 1;
      continue;
    }
    if (rule.action === FR_ACT_NOP) continue;
    if (rule.action !== FR_ACT_TO_TBL)
      return { route: null, error: RULE_ERRORS[rule.action] ?? Errno.ENETUNREACH };
    const route = tableLookup(net, rule.table, fl, sel);
    if (route !== null && route.type !== RTN6_THROW) return { route, error: 0 };
  }
  return { route: null, error: Errno.ENETUNREACH };
}

/** The route of an address, without choosing among next hops: for those who check routes. */
export function fib6Find(net: Net, daddr: In6Addr, oif: number): Fib6Info | null {
  const fl = new Flow6(daddr);
  fl.oif = oif;
  return fib6Lookup(net, fl, selection(net, oif, oif !== 0)).route;
}

/** The route that a flow would take, as it stands in the table. */
export function fib6FindFlow(net: Net, fl: Flow6): Fib6Info | null {
  return fib6Lookup(net, fl, selection(net, fl.oif, fl.oif !== 0)).route;
}

const TYPE_ERRORS: Readonly<Record<number, number>> = {
  [RTN6_BLACKHOLE]: Errno.EINVAL,
  [RTN6_UNREACHABLE]: Errno.EHOSTUNREACH,
  [RTN6_PROHIBIT]: Errno.EACCES,
  [RTN6_THROW]: Errno.EAGAIN,
};

/** A route that says no. */
export function rt6Error(net: Net, error: number, from: Fib6Info | null): Rt6Info {
  const rt = new Rt6Info(net.loopback, from?.type ?? RTN6_UNREACHABLE);
  rt.error = error;
  rt.from = from;
  rt.genid = ipv6Of(net).genid;
  return rt;
}

/** The route in use for a destination along one next hop. @kernel ip6_pol_route(), ip6_create_rt_rcu() */
function routeVia(net: Net, from: Fib6Info, nh: Fib6Nh, daddr: In6Addr): Rt6Info {
  const { genid } = ipv6Of(net);
  const exception = findException6(nh, daddr, net.kernel.engine.now);
  const cached = exception === null ? nh.rt : exception.rt;
  if (cached !== null && cached.genid === genid) return cached;
  const ours = from.type === RTN6_LOCAL || from.type === RTN6_ANYCAST;
  const rt = new Rt6Info(ours ? net.loopback : nh.dev, from.type);
  rt.genid = genid;
  rt.realDev = nh.dev;
  rt.from = from;
  rt.nh = nh;
  rt.gateway = exception?.gateway ?? nh.gateway;
  rt.prefsrc = from.prefsrc;
  rt.metricMtu = Number(from.metrics?.['mtu'] ?? 0);
  rt.metricHopLimit = Number(from.metrics?.['hoplimit'] ?? 0);
  rt.advmss = Number(from.metrics?.['advmss'] ?? 0);
  if (exception === null) {
    nh.rt = rt;
  } else {
    rt.pmtu = exception.pmtu;
    rt.pmtuExpires = exception.expires;
    rt.redirected = exception.gateway !== null;
    exception.rt = rt;
  }
  return rt;
}

/** Spreads flows over several next hops by weight. @kernel fib6_select_path() */
function selectPath(net: Net, from: Fib6Info, fl: Flow6, sel: Selection): Fib6Nh | null {
  const { nexthops } = from;
  if (nexthops.length < 2 || (sel.oif !== 0 && sel.strict)) return usableNh(from, sel);
  const usable = nexthops.filter((nh) => score(from, nh, sel) >= 0);
  const total = usable.reduce((sum, nh) => sum + nh.weight, 0);
  let hash = in6Hash(fl.saddr) ^ Math.imul(in6Hash(fl.daddr), 31) ^ net.kernel.flowHashKey;
  if (ipv6Of(net).sysctl(Ipv6Sysctl.fib_multipath_hash_policy) === 1)
    hash ^= Math.imul((fl.sport << 16) | fl.dport, 0x9e3779b1) ^ fl.protocol;
  else hash ^= Math.imul(fl.flowLabel & 0xfffff, 0x9e3779b1) ^ fl.protocol;
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  let at = ((hash ^ (hash >>> 13)) >>> 1) % Math.max(1, total);
  for (const nh of usable) {
    if (at < nh.weight) return nh;
    at -= nh.weight;
  }
  return usable[0] ?? null;
}

function resolve(net: Net, fl: Flow6, sel: Selection): Rt6Info {
  const { route, error } = fib6Lookup(net, fl, sel);
  if (route === null) return rt6Error(net, error, null);
  const refusal = TYPE_ERRORS[route.type];
  if (refusal !== undefined) return rt6Error(net, refusal, route);
  const nh = selectPath(net, route, fl, sel) ?? usableNh(route, sel);
  return nh === null ? rt6Error(net, Errno.ENETUNREACH, null) : routeVia(net, route, nh, fl.daddr);
}

/** Destinations that mean something only on one link. @kernel rt6_need_strict() */
export function rt6NeedStrict(daddr: In6Addr): boolean {
  return (
    (ipv6AddrType(daddr) & (IPV6_ADDR_MULTICAST | IPV6_ADDR_LINKLOCAL | IPV6_ADDR_LOOPBACK)) !== 0
  );
}

/** The route by which this host sends; where there is none, one whose `error` says why. @kernel ip6_route_output() */
export function ip6RouteOutput(net: Net, fl: Flow6): Rt6Info {
  const anySource = in6IsAny(fl.saddr);
  const strict = fl.bound || rt6NeedStrict(fl.daddr) || (fl.oif !== 0 && anySource);
  return resolve(net, fl, selection(net, fl.oif, strict && fl.oif !== 0));
}

/**
 * The route for a flow, with its source address chosen where it has none.
 * @returns a route or a negative errno. @kernel ip6_dst_lookup_flow()
 */
export function ip6DstLookupFlow(net: Net, fl: Flow6): Rt6Info | number {
  if (in6IsAny(fl.daddr)) fl.daddr = IN6ADDR_LOOPBACK;
  let rt = ip6RouteOutput(net, fl);
  if (in6IsAny(fl.saddr)) {
    const source =
      rt.prefsrc ??
      ipv6DevGetSaddr(net, rt.from === null ? null : rt.realDev, fl.daddr, fl.srcPrefs);
    if (source !== null) {
      fl.saddr = source;
      if (rt.error !== 0) rt = ip6RouteOutput(net, fl);
    } else if (rt.error === 0) {
      return -Errno.EADDRNOTAVAIL;
    }
  }
  if (rt.error !== 0) return -rt.error;
  if (in6IsV4Mapped(fl.saddr) && !in6IsV4Mapped(fl.daddr)) return -Errno.EAFNOSUPPORT;
  return rt;
}

/**
 * Chooses what happens to a received packet and sets `skb.dst`.
 * @returns 0; or the reason for which the caller is to drop the packet. @kernel ip6_route_input()
 */
export function ip6RouteInput(skb: SkBuff, dev: NetDevice): number {
  const { net } = dev;
  const ipv6 = ipv6Of(net);
  const m = skb.mem;
  const o = skb.networkHeader;
  const { dv } = m;
  const slot =
    (dv.getInt32(o + 36) ^ (dv.getInt32(o + 32) >>> 7) ^ dev.ifindex ^ dv.getInt32(o + 28)) &
    (INPUT_CACHE_SIZE - 1);
  const hit = ipv6.inputCache?.[slot];
  if (
    hit !== undefined &&
    hit.genid === ipv6.genid &&
    hit.iif === dev.ifindex &&
    hit.mark === skb.mark &&
    in6EqualAt(m, o + 24, hit.daddr)
  ) {
    skb.dst = hit.rt;
    return 0;
  }
  const daddr = ip6hDaddr(m, o);
  const fl = new Flow6(daddr);
  fl.iif = dev.ifindex;
  fl.mark = skb.mark;
  fl.saddr = ip6hSaddr(m, o);
  fl.flowLabel = ip6hFlowInfo(m, o);
  fl.protocol = ip6hNexthdr(m, o);
  const rt = resolve(net, fl, selection(net, dev.ifindex, rt6NeedStrict(daddr)));
  skb.dst = rt;
  if (
    rt.error === 0 &&
    ipv6.rules === null &&
    rt.from !== null &&
    rt.from.nexthops.length === 1 &&
    rt.pmtu === 0 &&
    rt.from.expires === 0
  ) {
    const cache = (ipv6.inputCache ??= new Array<Input6CacheEntry | undefined>(
      INPUT_CACHE_SIZE,
    ).fill(undefined));
    cache[slot] = { daddr, iif: dev.ifindex, mark: skb.mark, genid: ipv6.genid, rt };
  }
  return 0;
}

/** The reason for which a packet without a route is dropped. */
export const NO_ROUTE_REASON = DropReason.IP_INNOROUTES;

/** What an address is to this host: RTN_LOCAL, RTN_ANYCAST, RTN_MULTICAST or RTN_UNICAST. @kernel inet6_addr_type() */
export function inet6AddrRouteType(net: Net, address: In6Addr, dev: NetDevice | null): number {
  if ((ipv6AddrType(address) & IPV6_ADDR_MULTICAST) !== 0) return RTN6_MULTICAST;
  const table = ipv6Of(net).tables.get(RT6_TABLE_LOCAL);
  const found = table?.lookup(address, select, selection(net, dev?.ifindex ?? 0, dev !== null));
  return found?.type ?? RTN6_UNICAST;
}
