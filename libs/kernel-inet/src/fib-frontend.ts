/**
 * Routes and addresses together: lookups through the rules, the routes that addresses bring with them, source checks.
 * Sources: net/ipv4/fib_frontend.c, fib_semantics.c, fib_rules.c.
 */
import { Errno, ipv4Mask, KernelError } from '@netloom/base';
import type { Net, NetDevice } from '@netloom/kernel-core';
import { Iff, type RouteNew } from '@netloom/sys';
import {
  FibTable,
  RTN_BLACKHOLE,
  RTNH_F_DEAD,
  RTNH_F_LINKDOWN,
  RTNH_F_ONLINK,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_THROW,
  RTN_UNICAST,
  RTPROT_BOOT,
  RTPROT_KERNEL,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  type FibInfo,
  type FibNh,
  type FibRoute,
} from './fib-table.js';
import { fibRulesLookup } from './fib-rules.js';
import {
  Conf,
  IFA_F_NOPREFIXROUTE,
  IFA_F_SECONDARY,
  InDevice,
  type InIfaddr,
} from './in-device.js';
import {
  ipv4Of,
  RT_TABLE_DEFAULT,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  type NetnsIpv4,
} from './ipv4-net.js';

const RTM_F_CLONED = 0x200;
const RTCF_REDIRECTED = 0x40000;
const RTAX_MTU = 2;

export interface FibResult {
  route: FibRoute;
  nh: FibNh;
}

/** The table of a number, or undefined where it has no routes. */
export function fibGetTable(net: Net, id: number): FibTable | undefined {
  return ipv4Of(net).tables.get(id);
}

function fibNewTable(net: Net, id: number): FibTable {
  const ipv4 = ipv4Of(net);
  let table = ipv4.tables.get(id);
  if (table === undefined) {
    table = new FibTable(id);
    ipv4.tables.set(id, table);
  }
  return table;
}

function usableNh(info: FibInfo, oif: number): FibNh | null {
  const nhs = info.nexthops;
  for (let i = 0; i < nhs.length; i++) {
    const nh = nhs[i] as FibNh;
    if ((nh.flags & RTNH_F_DEAD) === 0 && (oif === 0 || nh.dev.ifindex === oif)) return nh;
  }
  return null;
}

const NO_NEXTHOP: FibNh = Object.freeze({
  dev: undefined as unknown as NetDevice,
  gateway: 0,
  weight: 1,
  flags: 0,
  scope: RT_SCOPE_NOWHERE,
  rthInput: null,
  rthOutput: null,
});

function result(route: FibRoute, oif: number): FibResult {
  return { route, nh: usableNh(route.info, oif) ?? NO_NEXTHOP };
}

/**
 * The route of an address through local, main and default tables, or as the rules say where somebody changed them; null
 * when there is none. @kernel fib_lookup()
 */
export function fibLookup(
  net: Net,
  daddr: number,
  tos: number,
  oif: number,
  saddr = 0,
  mark = 0,
  iif = 0,
): FibResult | null {
  const ipv4 = ipv4Of(net);
  if (ipv4.customRules) {
    const found = fibRulesLookup(net, { daddr, saddr, tos, mark, iif, oif });
    return found === null ? null : result(found, oif);
  }
  const route =
    ipv4.local.lookup(daddr, tos, oif) ??
    ipv4.main.lookup(daddr, tos, oif) ??
    ipv4.tables.get(RT_TABLE_DEFAULT)?.lookup(daddr, tos, oif) ??
    null;
  if (route === null || route.info.type === RTN_THROW) return null;
  return result(route, oif);
}

/** Forgets what ICMP taught. @kernel fnhe_genid_bump() */
export function fibFlushExceptions(net: Net): void {
  for (const table of ipv4Of(net).tables.values()) {
    for (const route of table.routes())
      for (const nh of route.info.nexthops) nh.exceptions?.clear();
  }
}

/** net.ipv4.conf.*.shared_media: several subnets may share the link. */
export function sharesMedia(ipv4: NetnsIpv4, inDev: InDevice): boolean {
  return inDev.conf[Conf.shared_media] !== 0 || ipv4.confAll[Conf.shared_media] !== 0;
}

/** What an address is to this host: RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST or RTN_UNICAST. @kernel inet_addr_type() */
export function inetAddrType(net: Net, address: number): number {
  if (address === 0 || address === 0xffffffff) return RTN_BROADCAST;
  if (address >>> 28 === 14) return RTN_MULTICAST;
  return ipv4Of(net).local.lookup(address, 0, 0)?.info.type ?? RTN_UNICAST;
}

/**
 * Whether a packet from `saddr` may come in on this device.
 * @param oif the device it would leave by, 0 for a packet to this host
 * @returns 0; -EXDEV where reverse path filtering refuses; -EINVAL for an address of our own or a group's. @kernel fib_validate_source()
 */
export function fibValidateSource(
  net: Net,
  saddr: number,
  tos: number,
  inDev: InDevice,
  oif: number,
): number {
  const ipv4 = ipv4Of(net);
  const { conf, dev } = inDev;
  const rpf = Math.max(ipv4.confAll[Conf.rp_filter] as number, conf[Conf.rp_filter] as number);
  const acceptLocal =
    conf[Conf.accept_local] !== 0 ||
    ipv4.confAll[Conf.accept_local] !== 0 ||
    (dev.flags & Iff.IFF_LOOPBACK) !== 0;
  if (rpf === 0 && (oif !== dev.ifindex || !sendsRedirects(ipv4, inDev))) {
    if (acceptLocal) return 0;
    return ipv4.local.lookup(saddr, 0, 0)?.info.type === RTN_LOCAL ? -Errno.EINVAL : 0; // a broadcast address passes
  }
  const res = fibLookup(net, saddr, tos, 0);
  const type = res?.route.info.type;
  if (type === undefined || type >= RTN_BLACKHOLE) return rpf === 0 ? 0 : -Errno.EXDEV;
  if (type !== RTN_UNICAST && (type !== RTN_LOCAL || !acceptLocal)) return -Errno.EINVAL;
  if (res?.route.info.nexthops.some((nh) => nh.dev === dev) === true) return 0;
  return rpf === 1 ? -Errno.EXDEV : 0;
}

/** net.ipv4.conf.*.send_redirects, which `all` or the device may turn on. */
export function sendsRedirects(ipv4: NetnsIpv4, inDev: InDevice): boolean {
  return inDev.conf[Conf.send_redirects] !== 0 || ipv4.confAll[Conf.send_redirects] !== 0;
}

/** The source address that fits a destination best on a device. @kernel inet_select_addr() */
export function fibSelectSource(dev: NetDevice, dst: number, scope: number): number {
  const inDev = InDevice.of(dev);
  if (inDev !== null) {
    const widest = inDev.conf[Conf.route_localnet] !== 0 ? RT_SCOPE_LINK : RT_SCOPE_HOST; // host scope leaves the host only then
    let fallback = 0;
    for (const ifa of inDev.addresses) {
      if ((ifa.flags & IFA_F_SECONDARY) !== 0) continue;
      if (Math.min(ifa.scope, widest) > scope) continue;
      if (dst === 0 || ((ifa.address ^ dst) & ifa.mask) === 0) return ifa.local;
      if (fallback === 0) fallback = ifa.local;
    }
    if (fallback !== 0) return fallback;
  }
  for (const other of dev.net.devices) {
    for (const ifa of InDevice.of(other)?.addresses ?? []) {
      if ((ifa.flags & IFA_F_SECONDARY) === 0 && ifa.scope !== RT_SCOPE_LINK && ifa.scope <= scope)
        return ifa.local;
    }
  }
  return 0;
}

function addRoute(net: Net, dst: number, dstLen: number, info: FibInfo, before = false): FibRoute {
  const route: FibRoute = { dst, dstLen, info };
  fibNewTable(net, info.table).insert(route, before);
  ipv4Of(net).genid++;
  return route;
}

function removeRoute(net: Net, table: FibTable, route: FibRoute): void {
  table.remove(route);
  ipv4Of(net).genid++;
}

/** A route that an address brings with it. @kernel fib_magic() */
interface KernelRoute {
  readonly type: number;
  readonly dst: number;
  readonly dstLen: number;
  readonly prefsrc: number;
  readonly priority: number;
}

/** The routes of an address. Those of a secondary one name its primary as source. @kernel fib_add_ifaddr() */
function ifaddrRoutes(ifa: InIfaddr, up: boolean): KernelRoute[] {
  const { dev } = ifa.dev;
  const secondary = (ifa.flags & IFA_F_SECONDARY) !== 0;
  const primary = secondary
    ? ifa.dev.addresses.find(
        (other) => (other.flags & IFA_F_SECONDARY) === 0 && sameSubnet(other, ifa),
      )
    : ifa;
  if (primary === undefined) return [];
  const prefsrc = primary.local;
  const routes: KernelRoute[] = [
    { type: RTN_LOCAL, dst: ifa.local, dstLen: 32, prefsrc, priority: 0 },
  ];
  if (!up) return routes;
  const broadcast = (dst: number): void =>
    void routes.push({ type: RTN_BROADCAST, dst, dstLen: 32, prefsrc, priority: 0 });
  if (ifa.broadcast !== undefined && ifa.broadcast !== 0 && ifa.broadcast !== 0xffffffff)
    broadcast(ifa.broadcast);
  const prefix = (ifa.address & ifa.mask) >>> 0;
  if (prefix === 0 || secondary || (prefix === ifa.local && ifa.prefixlen === 32)) return routes;
  if ((ifa.flags & IFA_F_NOPREFIXROUTE) === 0) {
    const type = (dev.flags & Iff.IFF_LOOPBACK) !== 0 ? RTN_LOCAL : RTN_UNICAST;
    routes.push({ type, dst: prefix, dstLen: ifa.prefixlen, prefsrc, priority: ifa.metric });
  }
  if (ifa.prefixlen < 31) broadcast((prefix | ~ifa.mask) >>> 0);
  return routes;
}

/** Whether two addresses of a device lie in one subnet. */
export function sameSubnet(a: InIfaddr, b: InIfaddr): boolean {
  return a.mask === b.mask && ((a.address ^ b.address) & a.mask) === 0;
}

function findKernelRoute(
  dev: NetDevice,
  { type, dst, dstLen, prefsrc, priority }: KernelRoute,
): FibRoute | undefined {
  const table = type === RTN_UNICAST ? ipv4Of(dev.net).main : ipv4Of(dev.net).local;
  return table
    .find(dst, dstLen)
    .find(
      ({ info }) =>
        info.protocol === RTPROT_KERNEL &&
        info.type === type &&
        info.priority === priority &&
        info.prefsrc === prefsrc &&
        info.nexthops[0]?.dev === dev,
    );
}

/** Adds the routes that an address brings. @kernel fib_add_ifaddr() */
export function fibAddIfaddr(ifa: InIfaddr): void {
  const { dev } = ifa.dev;
  for (const wanted of ifaddrRoutes(ifa, dev.up)) {
    if (findKernelRoute(dev, wanted) !== undefined) continue;
    const { type, dst, dstLen, prefsrc, priority } = wanted;
    const local = type === RTN_LOCAL;
    const info: FibInfo = {
      type,
      tos: 0,
      table: type === RTN_UNICAST ? RT_TABLE_MAIN : RT_TABLE_LOCAL,
      protocol: RTPROT_KERNEL,
      scope: local ? RT_SCOPE_HOST : RT_SCOPE_LINK,
      priority,
      prefsrc,
      metrics: undefined,
      nexthops: [
        {
          dev,
          gateway: 0,
          weight: 1,
          flags: dev.carrier ? 0 : RTNH_F_LINKDOWN,
          scope: local ? RT_SCOPE_NOWHERE : RT_SCOPE_HOST,
          rthInput: null,
          rthOutput: null,
        },
      ],
    };
    const route = addRoute(dev.net, dst, dstLen, info);
    notifyRoute(dev.net, 'RTM_NEWROUTE', route);
  }
}

/**
 * Takes away the routes of an address that no other address of its device brings too, and, once the address is no
 * longer this host's, every route that names it as source.
 * @param leaving also gone with it: addresses whose routes do not count @kernel fib_del_ifaddr()
 */
export function fibDelIfaddr(ifa: InIfaddr, leaving: readonly InIfaddr[] = []): void {
  const { dev } = ifa.dev;
  const { net } = dev;
  const kept = ifa.dev.addresses
    .filter((other) => other !== ifa && !leaving.includes(other))
    .flatMap((other) => ifaddrRoutes(other, true));
  const leavingOrder = (route: KernelRoute): number =>
    route.type === RTN_BROADCAST ? 1 : route.dst === ifa.local && route.dstLen === 32 ? 2 : 0;
  for (const gone of ifaddrRoutes(ifa, true).sort((a, b) => leavingOrder(a) - leavingOrder(b))) {
    if (
      kept.some(
        (other) =>
          other.type === gone.type &&
          other.dst === gone.dst &&
          other.dstLen === gone.dstLen &&
          other.prefsrc === gone.prefsrc,
      )
    )
      continue;
    const route = findKernelRoute(dev, gone);
    if (route === undefined) continue;
    removeRoute(
      net,
      route.info.table === RT_TABLE_MAIN ? ipv4Of(net).main : ipv4Of(net).local,
      route,
    );
    notifyRoute(net, 'RTM_DELROUTE', route);
  }
  if (ifa.dev.addresses.includes(ifa) || inetAddrType(net, ifa.local) === RTN_LOCAL) return;
  for (const table of ipv4Of(net).tables.values()) {
    for (const route of table.routes())
      if (route.info.prefsrc === ifa.local) removeRoute(net, table, route);
  }
}

/** Takes away the routes over a device that went down or away. @kernel fib_sync_down_dev(), fib_flush() */
export function fibDisableDevice(dev: NetDevice, unregister: boolean): void {
  const net = dev.net;
  for (const table of ipv4Of(net).tables.values()) {
    for (const route of table.routes()) {
      const { info } = route;
      if (info.nexthops.length === 0) continue;
      for (const nh of info.nexthops)
        if (nh.dev === dev && (unregister || info.scope !== RT_SCOPE_HOST))
          nh.flags |= RTNH_F_DEAD | RTNH_F_LINKDOWN;
      if (info.nexthops.some((nh) => (nh.flags & RTNH_F_DEAD) === 0)) continue;
      removeRoute(net, table, route);
    }
  }
  ipv4Of(net).genid++;
}

/** A device came up: next hops over it in routes with several live again. @kernel fib_sync_up() */
export function fibSyncUp(dev: NetDevice): void {
  for (const table of ipv4Of(dev.net).tables.values()) {
    for (const route of table.routes()) {
      for (const nh of route.info.nexthops) if (nh.dev === dev) nh.flags &= ~RTNH_F_DEAD;
    }
  }
  ipv4Of(dev.net).genid++;
}

/** Marks next hops of a device whose carrier changed. */
export function fibSyncCarrier(dev: NetDevice): void {
  for (const table of ipv4Of(dev.net).tables.values()) {
    for (const route of table.routes()) {
      for (const nh of route.info.nexthops) {
        if (nh.dev !== dev) continue;
        nh.flags = dev.carrier ? nh.flags & ~RTNH_F_LINKDOWN : nh.flags | RTNH_F_LINKDOWN;
      }
    }
  }
}

function resolveNexthop(
  net: Net,
  via: number,
  ifindex: number,
  weight: number,
  onlink: boolean,
  scope: number,
): FibNh {
  let dev = ifindex === 0 ? undefined : net.devByIndex(ifindex);
  if (ifindex !== 0 && dev === undefined) throw new KernelError('ENODEV');
  const make = (on: NetDevice, nhScope: number): FibNh => ({
    dev: on,
    gateway: via,
    weight,
    flags: (onlink ? RTNH_F_ONLINK : 0) | (on.carrier ? 0 : RTNH_F_LINKDOWN),
    scope: nhScope,
    rthInput: null,
    rthOutput: null,
  });
  if (via === 0) {
    if (dev === undefined) throw new KernelError('ENODEV', 'Egress device is required');
    if (!dev.up) throw new KernelError('ENETDOWN', 'Device for nexthop is not up');
    return make(dev, RT_SCOPE_NOWHERE);
  }
  if (onlink) {
    if (dev === undefined) throw new KernelError('ENODEV', 'Nexthop device required for onlink');
    if (inetAddrType(net, via) !== RTN_UNICAST)
      throw new KernelError('EINVAL', 'Nexthop has invalid gateway');
    if (!dev.up) throw new KernelError('ENETDOWN', 'Nexthop device is not up');
    return make(dev, RT_SCOPE_LINK);
  }
  if (scope >= RT_SCOPE_LINK) throw new KernelError('EINVAL', 'Nexthop has invalid scope');
  const res = fibLookup(net, via, 0, ifindex);
  if (res === null) throw new KernelError('ENETUNREACH', 'Nexthop has invalid gateway');
  const { type, scope: found } = res.route.info;
  if (type !== RTN_UNICAST && type !== RTN_LOCAL)
    throw new KernelError('EINVAL', 'Nexthop has invalid gateway');
  if (found < RT_SCOPE_LINK) throw new KernelError('ENETUNREACH', 'Nexthop has invalid gateway');
  dev ??= res.nh.dev;
  if (!dev.up) throw new KernelError('ENETDOWN', 'Nexthop device is not up');
  return make(dev, found);
}

function routeInfo(net: Net, request: Omit<RouteNew, 'mode'>): FibInfo {
  const type = request.type ?? RTN_UNICAST;
  const hops = request.nexthops ?? [];
  const hasGateway = hops.some((hop) => hop.via !== undefined);
  const scope =
    request.scope ??
    (type === RTN_LOCAL
      ? RT_SCOPE_HOST
      : type === RTN_UNICAST && !hasGateway && hops.length > 0
        ? RT_SCOPE_LINK
        : type === RTN_BROADCAST
          ? RT_SCOPE_LINK
          : RT_SCOPE_UNIVERSE);
  const nexthops: FibNh[] = [];
  if (
    type === RTN_UNICAST ||
    type === RTN_LOCAL ||
    type === RTN_BROADCAST ||
    type === RTN_MULTICAST
  ) {
    if (hops.length === 0) throw new KernelError('ENODEV');
    for (const hop of hops) {
      const onlink = hop.onlink === true || ((hop.flags ?? 0) & RTNH_F_ONLINK) !== 0;
      nexthops.push(
        resolveNexthop(net, Number(hop.via ?? 0), hop.ifindex ?? 0, hop.weight ?? 1, onlink, scope),
      );
    }
  } else if (hops.some((hop) => hop.via !== undefined || (hop.ifindex ?? 0) !== 0)) {
    throw new KernelError(
      'EINVAL',
      'Gateway, device and multipath can not be specified for this route type',
    );
  }
  const prefsrc = Number(request.prefsrc ?? 0);
  if (prefsrc !== 0 && inetAddrType(net, prefsrc) !== RTN_LOCAL)
    throw new KernelError('EINVAL', 'Invalid prefsrc address');
  return {
    type,
    tos: request.tos ?? 0,
    table:
      request.table ??
      (type === RTN_LOCAL || type === RTN_BROADCAST ? RT_TABLE_LOCAL : RT_TABLE_MAIN),
    protocol: request.protocol ?? RTPROT_BOOT,
    scope,
    priority: request.priority ?? 0,
    prefsrc,
    nexthops,
    metrics: request.metrics,
  };
}

function sameNexthops(a: FibInfo, b: FibInfo): boolean {
  return (
    a.nexthops.length === b.nexthops.length &&
    a.nexthops.every(
      (nh, i) => nh.dev === b.nexthops[i]?.dev && nh.gateway === b.nexthops[i].gateway,
    )
  );
}

/**
 * Adds, replaces or appends a route.
 * @errno EEXIST, ENODEV, ENETDOWN, ENETUNREACH, EINVAL, ENOENT. @kernel fib_table_insert()
 */
export function fibNewRoute(net: Net, request: RouteNew): void {
  const dst = Number(request.dst ?? 0);
  const dstLen = request.dstLen;
  if ((dst & ~ipv4Mask(dstLen)) !== 0)
    throw new KernelError('EINVAL', 'Invalid prefix for given prefix length');
  const info = routeInfo(net, request);
  const table = fibNewTable(net, info.table);
  const peers = table
    .find(dst, dstLen)
    .filter((r) => r.info.tos === info.tos && r.info.priority === info.priority);
  const first = peers[0];
  if (first !== undefined) {
    const twin = peers.find(
      (r) =>
        r.info.type === info.type &&
        r.info.scope === info.scope &&
        r.info.protocol === info.protocol &&
        r.info.prefsrc === info.prefsrc &&
        sameNexthops(r.info, info),
    );
    if (
      request.mode === 'add' ||
      (twin !== undefined && (request.mode === 'append' || request.mode === 'prepend'))
    )
      throw new KernelError('EEXIST');
    if (request.mode === 'replace' || request.mode === 'change') removeRoute(net, table, first);
  } else if (request.mode === 'change') {
    throw new KernelError('ENOENT');
  }
  const route = addRoute(
    net,
    dst,
    dstLen,
    info,
    request.mode === 'prepend' || request.mode === 'replace',
  );
  notifyRoute(net, 'RTM_NEWROUTE', route);
}

/** Deletes the first route that fits all that is given; scope NOWHERE and zeros stand for any. @errno ESRCH. @kernel fib_table_delete() */
export function fibDelRoute(net: Net, request: Omit<RouteNew, 'mode'>): void {
  const dst = Number(request.dst ?? 0);
  const wantedTable =
    request.table ??
    (request.type === RTN_LOCAL || request.type === RTN_BROADCAST ? RT_TABLE_LOCAL : RT_TABLE_MAIN);
  const table = fibGetTable(net, wantedTable);
  const hops = request.nexthops ?? [];
  const route = table?.find(dst, request.dstLen).find(({ info }) => {
    if (request.tos !== undefined && info.tos !== request.tos) return false;
    if ((request.priority ?? 0) !== 0 && info.priority !== request.priority) return false;
    if ((request.type ?? 0) !== 0 && info.type !== request.type) return false;
    if ((request.scope ?? RT_SCOPE_NOWHERE) !== RT_SCOPE_NOWHERE && info.scope !== request.scope)
      return false;
    if ((request.protocol ?? 0) !== 0 && info.protocol !== request.protocol) return false;
    if (Number(request.prefsrc ?? 0) !== 0 && info.prefsrc !== request.prefsrc) return false;
    return hops.every((hop, i) => {
      const nh = info.nexthops[i];
      if (nh === undefined) return false;
      return (
        (hop.via === undefined || nh.gateway === hop.via) &&
        (hop.ifindex === undefined || hop.ifindex === 0 || nh.dev.ifindex === hop.ifindex)
      );
    });
  });
  if (table === undefined || route === undefined) throw new KernelError('ESRCH');
  removeRoute(net, table, route);
  notifyRoute(net, 'RTM_DELROUTE', route);
}

function notifyRoute(net: Net, type: 'RTM_NEWROUTE' | 'RTM_DELROUTE', route: FibRoute): void {
  if (net.rtnlListeners.size > 0) net.notify({ type, route: fibRouteMsg(route) });
}

/** A route as rtnetlink shows it. */
export function fibRouteMsg(route: FibRoute): import('@netloom/sys').RouteMsg {
  const { info } = route;
  return {
    family: 2,
    dstLen: route.dstLen,
    tos: info.tos,
    table: info.table,
    protocol: info.protocol,
    scope: info.scope,
    type: info.type,
    flags: 0,
    ...(route.dstLen > 0 ? { dst: route.dst } : {}),
    ...(info.priority !== 0 ? { priority: info.priority } : {}),
    ...(info.prefsrc !== 0 ? { prefsrc: info.prefsrc } : {}),
    ...(info.metrics !== undefined ? { metrics: info.metrics } : {}),
    nexthops: info.nexthops.map((nh) => ({
      ifindex: nh.dev.ifindex,
      weight: nh.weight,
      flags: nh.flags,
      ...(nh.gateway !== 0 ? { via: nh.gateway } : {}),
    })),
  };
}

/** What ICMP taught, as routes of single destinations. @kernel fib_dump_info_fnhe() */
export function fibExceptionMsgs(net: Net): import('@netloom/sys').RouteMsg[] {
  const { now } = net.kernel.engine;
  const nexthops = [...ipv4Of(net).tables.values()].flatMap((table) =>
    table.routes().flatMap((route) => route.info.nexthops),
  );
  return nexthops.flatMap((nh) =>
    [...(nh.exceptions ?? [])]
      .filter(([, exception]) => exception.expires > now)
      .map(([dst, { gateway, pmtu, locked, expires }]) => ({
        family: 2,
        dst,
        dstLen: 32,
        tos: 0,
        table: RT_TABLE_MAIN,
        protocol: 0,
        scope: RT_SCOPE_UNIVERSE,
        type: RTN_UNICAST,
        flags: RTM_F_CLONED | (gateway !== 0 ? RTCF_REDIRECTED : 0),
        expires: Math.floor((expires - now) / 1e9),
        nexthops: [
          {
            ifindex: nh.dev.ifindex,
            weight: 1,
            flags: 0,
            ...(gateway !== 0 ? { via: gateway } : nh.gateway !== 0 ? { via: nh.gateway } : {}),
          },
        ],
        ...(pmtu !== 0
          ? { metrics: { mtu: pmtu, ...(locked ? { lock: 1 << RTAX_MTU } : {}) } }
          : {}),
      })),
  );
}

/** The IPv4 tables of a new namespace. */
export function fibTables(): { readonly local: FibTable; readonly main: FibTable } {
  return { local: new FibTable(RT_TABLE_LOCAL), main: new FibTable(RT_TABLE_MAIN) };
}

/** Lists the local and the main table among the namespace's. */
export function fibRegister(ipv4: NetnsIpv4): void {
  ipv4.tables.set(RT_TABLE_LOCAL, ipv4.local);
  ipv4.tables.set(RT_TABLE_MAIN, ipv4.main);
}
