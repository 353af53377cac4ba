/**
 * Routes as somebody asks for them: checks of a request, the next hops it names, adding, replacing and deleting.
 * rtnetlink → fibNewRoute, fibDelRoute. Sources: net/ipv4/fib_semantics.c fib_create_info(), fib_trie.c.
 */
import { ipv4Mask, KernelError } from '@netloom/base';
import type { Net, NetDevice } from '@netloom/kernel-core';
import { type RouteNew } from '@netloom/sys';
import {
  fibGetTable,
  fibInsertRoute,
  fibLookup,
  fibNewTable,
  fibRemoveRoute,
  inetAddrType,
} from './fib-frontend.js';
import { nexthopForRoute, nexthopRouteType, nexthopWays } from './nexthop.js';
import { fibNotifyRoute } from './fib-messages.js';
import {
  RTNH_F_LINKDOWN,
  RTNH_F_ONLINK,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTPROT_BOOT,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  type FibInfo,
  type FibNh,
} from './fib-table.js';
import { RT_TABLE_LOCAL, RT_TABLE_MAIN } from './ipv4-net.js';

/** A way on by gateway and device. @errno ENODEV, ENETDOWN, ENETUNREACH, EINVAL. @kernel fib_check_nh() */
export function fibResolveNexthop(
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
  const hops = request.nexthops ?? [];
  const nhid = request.nhid ?? 0;
  if (nhid !== 0 && hops.length > 0)
    throw new KernelError('EINVAL', 'Nexthop specification and nexthop id are mutually exclusive');
  const object = nhid === 0 ? null : nexthopForRoute(net, nhid);
  const asked = request.type ?? RTN_UNICAST;
  const type = object === null ? asked : nexthopRouteType(net, object, asked);
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
  if (object !== null) {
    nexthops.push(...nexthopWays(net, object));
  } else if (
    type === RTN_UNICAST ||
    type === RTN_LOCAL ||
    type === RTN_BROADCAST ||
    type === RTN_MULTICAST
  ) {
    if (hops.length === 0) throw new KernelError('ENODEV');
    for (const hop of hops) {
      const onlink = hop.onlink === true || ((hop.flags ?? 0) & RTNH_F_ONLINK) !== 0;
      nexthops.push(
        fibResolveNexthop(
          net,
          Number(hop.via ?? 0),
          hop.ifindex ?? 0,
          hop.weight ?? 1,
          onlink,
          scope,
        ),
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
    nhid,
    metrics: request.metrics,
  };
}

function sameNexthops(a: FibInfo, b: FibInfo): boolean {
  return (
    a.nhid === b.nhid &&
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
    if (request.mode === 'replace' || request.mode === 'change') fibRemoveRoute(net, table, first);
  } else if (request.mode === 'change') {
    throw new KernelError('ENOENT');
  }
  const route = fibInsertRoute(
    net,
    dst,
    dstLen,
    info,
    request.mode === 'prepend' || request.mode === 'replace',
  );
  fibNotifyRoute(net, 'RTM_NEWROUTE', route);
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
    if ((request.nhid ?? 0) !== 0 && info.nhid !== request.nhid) return false;
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
  fibRemoveRoute(net, table, route);
  fibNotifyRoute(net, 'RTM_DELROUTE', route);
}
