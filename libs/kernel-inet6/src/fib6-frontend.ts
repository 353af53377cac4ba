/**
 * Routes as the kernel, rtnetlink and device events make and unmake them. Sources: net/ipv6/route.c, ip6_fib.c.
 */
import { KernelError } from '@netloom/base';
import { Timer } from '@netloom/engine';
import type { Net, NetDevice } from '@netloom/kernel-core';
import { AF_INET6, Iff, type RouteMsg, type RouteNew } from '@netloom/sys';
import {
  IN6ADDR_ANY,
  type In6Addr,
  in6Bytes,
  in6Equal,
  in6FromBytes,
  in6IsAny,
  in6IsLinkLocal,
  in6IsLoopback,
  in6IsMulticast,
  in6Prefix,
} from '@netloom/wire';
import { ipv6ChkAddr } from './addr-check.js';
import {
  fib6Nh,
  fib6SameNh,
  Fib6Table,
  IP6_RT_PRIO_USER,
  RTF_ADDRCONF,
  RTF_DEFAULT,
  RTF_DYNAMIC,
  RTN6_BLACKHOLE,
  RTN6_LOCAL,
  RTN6_UNICAST,
  RTNH6_F_DEAD,
  RTNH6_F_LINKDOWN,
  RTNH6_F_ONLINK,
  RTPROT6_BOOT,
  RTPROT6_KERNEL,
  type Fib6Info,
  type Fib6Nh,
} from './fib6-table.js';
import { Conf6 } from './inet6-conf.js';
import { Inet6Dev } from './inet6-dev.js';
import { ipv6Of, Ipv6Sysctl, RT6_TABLE_LOCAL, RT6_TABLE_MAIN } from './ipv6-net.js';
import { fib6Find } from './route6.js';

const PREF_NAMES = ['medium', 'high', 'medium', 'low'] as const;

function table(net: Net, id: number): Fib6Table {
  const { tables } = ipv6Of(net);
  let found = tables.get(id);
  if (found === undefined) {
    found = new Fib6Table(id);
    tables.set(id, found);
  }
  return found;
}

function notify(net: Net, type: 'RTM_NEWROUTE' | 'RTM_DELROUTE', route: Fib6Info): void {
  if (net.rtnlListeners.size > 0) net.notify({ type, route: fib6RouteMsg(net, route) });
}

/** Puts a route into its table. */
export function fib6Insert(net: Net, route: Fib6Info, before = false): void {
  table(net, route.table).insert(route, before);
  ipv6Of(net).genid++;
  if (route.expires !== 0) startGc(net);
  notify(net, 'RTM_NEWROUTE', route);
}

/** Takes a route out of its table. */
export function fib6Remove(net: Net, route: Fib6Info): void {
  if (ipv6Of(net).tables.get(route.table)?.remove(route) !== true) return;
  ipv6Of(net).genid++;
  notify(net, 'RTM_DELROUTE', route);
}

/** A route that the kernel makes for itself. */
export interface KernelRoute6 {
  readonly table: number;
  readonly type: number;
  readonly dst: In6Addr;
  readonly dstLen: number;
  readonly metric: number;
  readonly gateway?: In6Addr | null;
  readonly protocol?: number;
  /** ns, 0 for none */
  readonly expires?: number;
  readonly flags?: number;
  readonly pref?: number;
  readonly metrics?: Readonly<Record<string, number>>;
}

function sameKernelRoute(route: Fib6Info, dev: NetDevice, type: number, metric: number): boolean {
  return (
    route.type === type &&
    route.metric === metric &&
    route.protocol === RTPROT6_KERNEL &&
    route.nexthops[0]?.dev === dev
  );
}

/** Adds such a route, or renews it where it is there. */
export function fib6AddKernelRoute(dev: NetDevice, wanted: KernelRoute6): Fib6Info {
  const { net } = dev;
  const protocol = wanted.protocol ?? RTPROT6_KERNEL;
  const known = ipv6Of(net)
    .tables.get(wanted.table)
    ?.find(wanted.dst, wanted.dstLen)
    .find(
      (route) =>
        route.type === wanted.type &&
        route.metric === wanted.metric &&
        route.protocol === protocol &&
        route.nexthops[0]?.dev === dev &&
        in6Equal(route.nexthops[0].gateway ?? IN6ADDR_ANY, wanted.gateway ?? IN6ADDR_ANY),
    );
  if (known !== undefined) {
    known.expires = wanted.expires ?? 0;
    if (known.expires !== 0) startGc(net);
    known.pref = wanted.pref ?? known.pref;
    return known;
  }
  const route: Fib6Info = {
    dst: wanted.dst,
    dstLen: wanted.dstLen,
    table: wanted.table,
    type: wanted.type,
    protocol,
    metric: wanted.metric,
    prefsrc: null,
    metrics: wanted.metrics,
    flags: wanted.flags ?? 0,
    pref: wanted.pref ?? 0,
    expires: wanted.expires ?? 0,
    nexthops: [fib6Nh(dev, wanted.gateway ?? null, dev.carrier ? 0 : RTNH6_F_LINKDOWN)],
  };
  fib6Insert(net, route);
  return route;
}

/** Deletes a route that an address brought. */
export function fib6DelKernelRoute(
  dev: NetDevice,
  id: number,
  type: number,
  dst: In6Addr,
  dstLen: number,
  metric: number,
): void {
  const route = ipv6Of(dev.net)
    .tables.get(id)
    ?.find(dst, dstLen)
    .find((other) => sameKernelRoute(other, dev, type, metric));
  if (route !== undefined) fib6Remove(dev.net, route);
}

function allRoutes(net: Net): Fib6Info[] {
  return [...ipv6Of(net).tables.values()].flatMap((each) => each.routes());
}

/** A device went down or away: routes over it alone go, other next hops live on. @kernel fib6_ifdown() */
export function fib6DisableDevice(dev: NetDevice, unregister: boolean): void {
  const { net } = dev;
  for (const route of allRoutes(net)) {
    if (!route.nexthops.some((nh) => nh.dev === dev)) continue;
    if (route.type >= RTN6_BLACKHOLE && !unregister) continue;
    const rest = route.nexthops.filter((nh) => nh.dev !== dev);
    if (rest.length === 0 || rest.every((nh) => (nh.flags & RTNH6_F_DEAD) !== 0)) {
      fib6Remove(net, route);
      continue;
    }
    if (unregister) route.nexthops.splice(0, route.nexthops.length, ...rest);
    else
      for (const nh of route.nexthops)
        if (nh.dev === dev) nh.flags |= RTNH6_F_DEAD | RTNH6_F_LINKDOWN;
  }
  ipv6Of(net).genid++;
}

/** Marks next hops of a device whose carrier changed, and revives them once it is up. @kernel rt6_sync_up() */
export function fib6SyncCarrier(dev: NetDevice): void {
  for (const route of allRoutes(dev.net)) {
    for (const nh of route.nexthops) {
      if (nh.dev !== dev) continue;
      nh.flags = dev.carrier
        ? nh.flags & ~(RTNH6_F_LINKDOWN | RTNH6_F_DEAD)
        : nh.flags | RTNH6_F_LINKDOWN;
    }
  }
  ipv6Of(dev.net).genid++;
}

/** The device's MTU changed: what was learned of smaller paths may be wrong. @kernel rt6_mtu_change() */
export function fib6MtuChange(dev: NetDevice): void {
  for (const route of allRoutes(dev.net))
    for (const nh of route.nexthops)
      if (nh.dev === dev && nh.exceptions !== null)
        for (const [key, exception] of nh.exceptions)
          if (exception.gateway === null && exception.pmtu >= dev.mtu) nh.exceptions.delete(key);
  ipv6Of(dev.net).genid++;
}

/**
 * Looks for routes whose life has ended, now and then: until then they are shown, and lead nowhere.
 * @kernel fib6_start_gc(), fib6_run_gc()
 */
function startGc(net: Net): void {
  const ipv6 = ipv6Of(net);
  const { engine } = net.kernel;
  ipv6.routeGc ??= new Timer(engine, () => {
    if (!net.alive) return;
    let left = false;
    for (const route of allRoutes(net)) {
      if (route.expires === 0) continue;
      if (route.expires <= engine.now) fib6Remove(net, route);
      else left = true;
    }
    if (left) startGc(net);
  });
  if (!ipv6.routeGc.pending)
    ipv6.routeGc.set(engine.now + ipv6.sysctl(Ipv6Sysctl['route/gc_interval']) * 1e9);
}

/** A host that forwards takes no router's word for its default routes. @kernel rt6_purge_dflt_routers() */
export function fib6PurgeDefaultRouters(net: Net): void {
  for (const route of allRoutes(net))
    if (
      (route.flags & RTF_DEFAULT) !== 0 &&
      Inet6Dev.of((route.nexthops[0] as Fib6Nh).dev)?.conf[Conf6.accept_ra] !== 2
    )
      fib6Remove(net, route);
}

/** Forgets what ICMPv6 taught. */
export function fib6FlushExceptions(net: Net): void {
  for (const route of allRoutes(net)) for (const nh of route.nexthops) nh.exceptions = null;
  ipv6Of(net).genid++;
}

type Hop = NonNullable<RouteNew['nexthops']>[number];

/** @kernel fib6_nh_init(), ip6_validate_gw() */
function resolveHop(net: Net, hop: Hop, type: number): Fib6Nh {
  let dev = (hop.ifindex ?? 0) === 0 ? undefined : net.devByIndex(hop.ifindex as number);
  if ((hop.ifindex ?? 0) !== 0 && dev === undefined) throw new KernelError('ENODEV');
  const gateway =
    hop.via === undefined || typeof hop.via === 'number' ? null : in6FromBytes(hop.via);
  const onlink = hop.onlink === true || ((hop.flags ?? 0) & RTNH6_F_ONLINK) !== 0;
  if (onlink && dev === undefined)
    throw new KernelError('ENODEV', 'Nexthop device required for onlink');
  if (gateway !== null && !in6IsAny(gateway)) {
    if (dev === undefined && in6IsLoopback(gateway))
      throw new KernelError('EINVAL', 'Egress device can not be loopback device for this route');
    if (ipv6ChkAddr(net, gateway, dev ?? null))
      throw new KernelError('EINVAL', 'Gateway can not be a local address');
    if (in6IsMulticast(gateway)) throw new KernelError('EINVAL', 'Invalid gateway address');
    if (in6IsLinkLocal(gateway)) {
      if (dev === undefined) throw new KernelError('EINVAL', 'Egress device not specified');
    } else if (!onlink) {
      const found = fib6Find(net, gateway, dev?.ifindex ?? 0);
      const way = found?.nexthops[0];
      if (
        found === null ||
        way === undefined ||
        found.type !== RTN6_UNICAST ||
        way.gateway !== null
      )
        throw new KernelError('EHOSTUNREACH');
      dev ??= way.dev;
    }
  }
  if (dev === undefined) throw new KernelError('ENODEV');
  if ((dev.flags & Iff.IFF_LOOPBACK) !== 0 && type !== RTN6_LOCAL && gateway !== null)
    throw new KernelError('EINVAL', 'Egress device can not be loopback device for this route type');
  if (!dev.up) throw new KernelError('ENETDOWN', 'Nexthop device is not up');
  if (Inet6Dev.of(dev)?.disabled !== false)
    throw new KernelError('EACCES', 'IPv6 is disabled on nexthop device');
  return fib6Nh(
    dev,
    gateway !== null && !in6IsAny(gateway) ? gateway : null,
    (onlink ? RTNH6_F_ONLINK : 0) | (dev.carrier ? 0 : RTNH6_F_LINKDOWN),
    hop.weight ?? 1,
  );
}

/** @kernel rtm_to_fib6_config(), ip6_route_info_create() */
function routeOf(net: Net, request: Omit<RouteNew, 'mode'>): Fib6Info {
  if (request.dstLen > 128) throw new KernelError('EINVAL', 'Invalid prefix length');
  const type = request.type ?? RTN6_UNICAST;
  const dst =
    request.dst === undefined || typeof request.dst === 'number'
      ? IN6ADDR_ANY
      : in6Prefix(in6FromBytes(request.dst), request.dstLen);
  const hops = request.nexthops ?? [];
  const prefsrc =
    request.prefsrc === undefined || typeof request.prefsrc === 'number'
      ? null
      : in6FromBytes(request.prefsrc);
  if (prefsrc !== null && !ipv6ChkAddr(net, prefsrc, null))
    throw new KernelError('EINVAL', 'Invalid source address');
  const nexthops =
    type >= RTN6_BLACKHOLE
      ? [fib6Nh(net.loopback, null)]
      : (hops.length === 0 ? [{}] : hops).map((hop) => resolveHop(net, hop, type));
  return {
    dst,
    dstLen: request.dstLen,
    table: request.table ?? (type === RTN6_LOCAL ? RT6_TABLE_LOCAL : RT6_TABLE_MAIN),
    type,
    protocol: request.protocol ?? RTPROT6_BOOT,
    metric: (request.priority ?? 0) !== 0 ? (request.priority as number) : IP6_RT_PRIO_USER,
    prefsrc,
    metrics: request.metrics,
    flags: 0,
    pref: prefOf(request),
    expires:
      request.expires === undefined || request.expires === 0
        ? 0
        : net.kernel.engine.now + request.expires * 1e9,
    nexthops,
  };
}

function prefOf(request: object): number {
  const pref = (request as { readonly pref?: string }).pref;
  return pref === 'high' ? 1 : pref === 'low' ? 3 : 0;
}

/** Whether routes may become ways of one. @kernel rt6_qualify_for_ecmp() */
function joins(route: Fib6Info): boolean {
  return (
    route.type === RTN6_UNICAST &&
    (route.flags & (RTF_ADDRCONF | RTF_DYNAMIC)) === 0 &&
    route.nexthops.every((nh) => nh.gateway !== null)
  );
}

/** @errno EEXIST, ENODEV, ENETDOWN, EHOSTUNREACH, EINVAL, ENOENT. @kernel fib6_add_rt2node() */
export function fib6NewRoute(net: Net, request: RouteNew): void {
  const route = routeOf(net, request);
  const peers = (ipv6Of(net).tables.get(route.table)?.find(route.dst, route.dstLen) ?? []).filter(
    (other) => other.metric === route.metric,
  );
  const [first] = peers;
  if (first === undefined) {
    if (request.mode === 'change')
      throw new KernelError('ENOENT', 'Can not replace route - no match found');
  } else if (request.mode === 'add') {
    throw new KernelError('EEXIST');
  } else if (request.mode === 'replace' || request.mode === 'change') {
    const gone = joins(route) ? (peers.find(joins) ?? first) : first;
    table(net, route.table).remove(gone);
  } else {
    const twin = peers.find((other) =>
      other.nexthops.some((a) => route.nexthops.some((b) => fib6SameNh(a, b))),
    );
    if (twin !== undefined) throw new KernelError('EEXIST');
    const host = joins(route) ? peers.find(joins) : undefined;
    if (host !== undefined) {
      host.nexthops.push(...route.nexthops);
      ipv6Of(net).genid++;
      notify(net, 'RTM_NEWROUTE', host);
      return;
    }
  }
  fib6Insert(net, route, request.mode === 'prepend' || request.mode === 'replace');
}

/** Deletes the first route that fits all that is given. @errno ESRCH. @kernel ip6_route_del() */
export function fib6DelRoute(net: Net, request: Omit<RouteNew, 'mode'>): void {
  const dst =
    request.dst === undefined || typeof request.dst === 'number'
      ? IN6ADDR_ANY
      : in6Prefix(in6FromBytes(request.dst), request.dstLen);
  const id = request.table ?? (request.type === RTN6_LOCAL ? RT6_TABLE_LOCAL : RT6_TABLE_MAIN);
  const hops = request.nexthops ?? [];
  const fits = (nh: Fib6Nh, hop: Hop): boolean =>
    ((hop.ifindex ?? 0) === 0 || nh.dev.ifindex === hop.ifindex) &&
    (!(hop.via instanceof Uint8Array) ||
      (nh.gateway !== null && in6Equal(nh.gateway, in6FromBytes(hop.via))));
  const route = ipv6Of(net)
    .tables.get(id)
    ?.find(dst, request.dstLen)
    .find(
      (other) =>
        ((request.priority ?? 0) === 0 || other.metric === request.priority) &&
        ((request.protocol ?? 0) === 0 || other.protocol === request.protocol) &&
        ((request.type ?? 0) === 0 ||
          request.type === RTN6_UNICAST ||
          other.type === request.type) &&
        hops.every((hop) => other.nexthops.some((nh) => fits(nh, hop))),
    );
  if (route === undefined) throw new KernelError('ESRCH');
  const [only] = hops;
  if (hops.length === 1 && route.nexthops.length > 1 && only?.via !== undefined) {
    const at = route.nexthops.findIndex((nh) => fits(nh, only));
    route.nexthops.splice(at, 1);
    ipv6Of(net).genid++;
    notify(net, 'RTM_NEWROUTE', route);
    return;
  }
  fib6Remove(net, route);
}

/** A route as rtnetlink shows it. @kernel rt6_fill_node() */
export function fib6RouteMsg(net: Net, route: Fib6Info): RouteMsg {
  const left = route.expires - net.kernel.engine.now;
  return {
    family: AF_INET6,
    dstLen: route.dstLen,
    tos: 0,
    table: route.table,
    protocol: route.protocol,
    scope: 0,
    type: route.type,
    flags: 0,
    ...(route.dstLen > 0 ? { dst: in6Bytes(route.dst) } : {}),
    priority: route.metric,
    ...(route.prefsrc !== null ? { prefsrc: in6Bytes(route.prefsrc) } : {}),
    ...(route.metrics !== undefined ? { metrics: route.metrics } : {}),
    ...(route.expires !== 0 ? { expires: Math.floor(left / 1e9) } : {}),
    pref: PREF_NAMES[route.pref] ?? 'medium',
    nexthops: route.nexthops.map((nh) => ({
      ifindex: nh.dev.ifindex,
      weight: nh.weight,
      flags: nh.flags,
      ...(nh.gateway !== null ? { via: in6Bytes(nh.gateway) } : {}),
    })),
  };
}

/** Every route, table by table. */
export function fib6Dump(net: Net, wanted: number | undefined): RouteMsg[] {
  return [...ipv6Of(net).tables.values()]
    .filter((each) => wanted === undefined || each.id === wanted)
    .sort((a, b) => hashOrder(a.id) - hashOrder(b.id))
    .flatMap((each) => each.routes().map((route) => fib6RouteMsg(net, route)));
}

/** Tables hang in 256 buckets by their number, main before local within a dump of all. */
function hashOrder(id: number): number {
  return id & 255;
}
