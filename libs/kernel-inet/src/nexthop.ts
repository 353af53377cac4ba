/**
 * Nexthop objects: ways on that routes refer to by number, alone or in weighted groups. What changes here changes every
 * route that refers to it; what goes takes its routes along.
 * `ip nexthop` → nexthopNew, nexthopDel → the routes' FibInfo (fib-requests.ts). Source: net/ipv4/nexthop.c.
 *
 * Differs: groups are of the hash-threshold kind; resilient ones are refused.
 */
import { KernelError } from '@netloom/base';
import type { Net, NetDevice } from '@netloom/kernel-core';
import { AF_INET, type NexthopMsg, type NexthopNew } from '@netloom/sys';
import { fibInsertRoute, fibRemoveRoute } from './fib-frontend.js';
import { fibNotifyRoute } from './fib-messages.js';
import {
  RTN_BLACKHOLE,
  RTNH_F_DEAD,
  RT_SCOPE_HOST,
  RT_SCOPE_UNIVERSE,
  type FibNh,
  type FibRoute,
} from './fib-table.js';
import { Ipv4Sysctl, ipv4Of } from './ipv4-net.js';

interface GroupEntry {
  readonly id: number;
  readonly weight: number;
}

/** @kernel struct nexthop */
export interface Nexthop {
  readonly id: number;
  protocol: number;
  fdb: boolean;
  blackhole: boolean;
  /** The way on; null of a group, a blackhole and an entry for forwarding databases. */
  nh: FibNh | null;
  /** Gateway of an entry for forwarding databases. */
  gateway: number;
  onlink: boolean;
  group: readonly GroupEntry[] | null;
}

/** How a request's gateway and device become a way on; fib-requests.ts knows. */
type Resolve = (
  net: Net,
  via: number,
  ifindex: number,
  weight: number,
  onlink: boolean,
  scope: number,
) => FibNh;

function table(net: Net): Map<number, Nexthop> {
  return (ipv4Of(net).nexthops ??= new Map<number, Nexthop>());
}

/** All of a namespace by number. */
export function nexthops(net: Net): Nexthop[] {
  return [...(ipv4Of(net).nexthops?.values() ?? [])].sort((a, b) => a.id - b.id);
}

/** @errno EINVAL for a number that nothing has, and for one that a route cannot use */
export function nexthopForRoute(net: Net, id: number): Nexthop {
  const found = ipv4Of(net).nexthops?.get(id);
  if (found === undefined) throw new KernelError('EINVAL', 'Nexthop id does not exist');
  if (found.fdb) throw new KernelError('EINVAL', 'Route cannot point to a fdb nexthop');
  return found;
}

/** The ways on that a route over an object has: copies, which carry the route's own caches. */
export function nexthopWays(net: Net, object: Nexthop): FibNh[] {
  const entries = object.group ?? [{ id: object.id, weight: 1 }];
  return entries.flatMap(({ id, weight }) => {
    const member = ipv4Of(net).nexthops?.get(id);
    if (member === undefined) return [];
    if (member.blackhole) return [blackholeWay(net)];
    return member.nh === null ? [] : [{ ...member.nh, weight, rthInput: null, rthOutput: null }];
  });
}

/** A blackhole leads to the loopback device, for those who list it. */
function blackholeWay(net: Net): FibNh {
  return {
    dev: net.loopback,
    gateway: 0,
    weight: 1,
    flags: 0,
    scope: RT_SCOPE_HOST,
    rthInput: null,
    rthOutput: null,
  };
}

/** The type of a route over an object: that asked for, or blackhole. */
export function nexthopRouteType(net: Net, object: Nexthop, asked: number): number {
  const single = object.group?.length === 1 ? object.group[0]?.id : object.id;
  const blackhole = ipv4Of(net).nexthops?.get(single ?? 0)?.blackhole === true;
  return blackhole ? RTN_BLACKHOLE : asked;
}

/** @errno EEXIST, EINVAL, ENOENT, ENODEV, ENETDOWN, ENETUNREACH. @kernel rtm_new_nexthop() */
export function nexthopNew(net: Net, request: NexthopNew, resolve: Resolve): void {
  const map = table(net);
  if (request.resilient === true) throw new KernelError('EOPNOTSUPP', 'Unsupported group type');
  const group = request.group ?? null;
  if (group === null && request.blackhole !== true) {
    if (request.family === 0) throw new KernelError('EINVAL', 'Invalid address family');
    if (request.fdb !== true && (request.ifindex ?? 0) === 0)
      throw new KernelError(
        'EINVAL',
        'Device attribute required for non-blackhole and non-fdb nexthops',
      );
  }
  if (request.family !== AF_INET && request.family !== 0)
    throw new KernelError('EAFNOSUPPORT', 'Invalid address family');
  const id = request.id === 0 ? freeId(map) : request.id;
  const old = map.get(id);
  if (group !== null) checkGroup(net, group, request.fdb === true, id);
  const blackhole = request.blackhole === true;
  const plain = group === null && !blackhole && request.fdb !== true;
  const gateway = request.via ?? 0;
  const fresh: Nexthop = {
    id,
    protocol: request.protocol ?? 0,
    fdb: request.fdb === true,
    blackhole,
    group,
    gateway,
    onlink: request.onlink === true,
    nh: plain
      ? resolve(net, gateway, request.ifindex ?? 0, 1, request.onlink === true, RT_SCOPE_UNIVERSE)
      : null,
  };
  if (old === undefined) {
    if (request.mode === 'change') throw new KernelError('ENOENT');
    map.set(id, fresh);
    notify(net, 'RTM_NEWNEXTHOP', fresh);
    return;
  }
  if (request.mode === 'add') throw new KernelError('EEXIST');
  if ((old.group === null) !== (group === null))
    throw new KernelError(
      'EINVAL',
      group === null
        ? 'Can not replace a nexthop group with a nexthop'
        : 'Can not replace a nexthop with a nexthop group',
    );
  map.set(id, fresh);
  notify(net, 'RTM_NEWNEXTHOP', fresh);
  refreshRoutes(net, users(net, id));
}

function freeId(map: ReadonlyMap<number, Nexthop>): number {
  let id = 1;
  while (map.has(id)) id++;
  return id;
}

/** @kernel nh_check_attr_group() */
function checkGroup(net: Net, group: readonly GroupEntry[], fdb: boolean, own: number): void {
  const map = table(net);
  const seen = new Set<number>();
  for (const { id } of group) {
    if (seen.has(id))
      throw new KernelError('EINVAL', 'Nexthop id can not be used twice in a group');
    seen.add(id);
  }
  for (const { id } of group) {
    const member = map.get(id);
    if (member === undefined || id === own) throw new KernelError('EINVAL', 'Invalid nexthop id');
    if (member.group !== null)
      throw new KernelError('EINVAL', 'Hash-threshold group can not be a nexthop within a group');
    if (member.blackhole && group.length > 1)
      throw new KernelError(
        'EINVAL',
        'Blackhole nexthop can not be used in a group with more than 1 path',
      );
    if (fdb && !member.fdb)
      throw new KernelError('EINVAL', 'FDB nexthop group can only have fdb nexthops');
    if (!fdb && member.fdb)
      throw new KernelError('EINVAL', 'Non FDB nexthop group cannot have fdb nexthops');
  }
}

/** Objects whose change a number's change is: itself and the groups that have it. */
function users(net: Net, id: number): Set<number> {
  const ids = new Set([id]);
  for (const other of nexthops(net))
    if (other.group?.some((entry) => entry.id === id) === true) ids.add(other.id);
  return ids;
}

function routesOver(net: Net, ids: ReadonlySet<number>): FibRoute[] {
  return [...ipv4Of(net).tables.values()].flatMap((fib) =>
    fib.routes().filter(({ info }) => info.nhid !== 0 && ids.has(info.nhid)),
  );
}

/** Gives routes the ways on that their objects have now. @kernel fib_nexthop rebuild through nh_info */
function refreshRoutes(net: Net, ids: ReadonlySet<number>): void {
  const tells = ipv4Of(net).sysctl(Ipv4Sysctl.nexthop_compat_mode) !== 0;
  const own = [...ids];
  const routes = routesOver(net, ids).sort(
    (a, b) => own.indexOf(a.info.nhid) - own.indexOf(b.info.nhid),
  );
  for (const route of routes) {
    const object = ipv4Of(net).nexthops?.get(route.info.nhid);
    const fib = ipv4Of(net).tables.get(route.info.table);
    if (object === undefined || fib === undefined) continue;
    const info = { ...route.info, nexthops: nexthopWays(net, object) };
    fibRemoveRoute(net, fib, route);
    const fresh = fibInsertRoute(net, route.dst, route.dstLen, info, true);
    if (tells) fibNotifyRoute(net, 'RTM_NEWROUTE', fresh);
  }
}

/** @errno ENOENT. @kernel rtm_del_nexthop() */
export function nexthopDel(net: Net, id: number): void {
  const object = ipv4Of(net).nexthops?.get(id);
  if (object === undefined) throw new KernelError('ENOENT');
  remove(net, object, true);
}

/** Takes an object away, with its routes and its places in groups. @kernel remove_nexthop() */
function remove(net: Net, object: Nexthop, tells: boolean): void {
  const map = table(net);
  map.delete(object.id);
  if (tells) notify(net, 'RTM_DELNEXTHOP', object);
  for (const route of routesOver(net, new Set([object.id]))) {
    const fib = ipv4Of(net).tables.get(route.info.table);
    if (fib !== undefined) fibRemoveRoute(net, fib, route);
  }
  for (const group of nexthops(net)) {
    const rest = group.group?.filter((entry) => entry.id !== object.id);
    if (rest === undefined || rest.length === group.group?.length) continue;
    if (rest.length === 0) {
      remove(net, group, tells);
      continue;
    }
    group.group = rest;
    if (tells) notify(net, 'RTM_NEWNEXTHOP', group);
    refreshQuietly(net, group.id);
  }
}

function refreshQuietly(net: Net, id: number): void {
  for (const route of routesOver(net, new Set([id]))) {
    const object = ipv4Of(net).nexthops?.get(id);
    const fib = ipv4Of(net).tables.get(route.info.table);
    if (object === undefined || fib === undefined) continue;
    fibRemoveRoute(net, fib, route);
    const info = { ...route.info, nexthops: nexthopWays(net, object) };
    fibInsertRoute(net, route.dst, route.dstLen, info, true);
  }
}

/** A device went down or away: its objects go without a word. @kernel nexthop_flush_dev() */
export function nexthopFlushDev(dev: NetDevice): void {
  const { net } = dev;
  if (ipv4Of(net).nexthops === null) return;
  for (const object of nexthops(net)) if (object.nh?.dev === dev) remove(net, object, false);
}

function notify(net: Net, type: 'RTM_NEWNEXTHOP' | 'RTM_DELNEXTHOP', object: Nexthop): void {
  if (net.rtnlListeners.size > 0) net.notify({ type, nexthop: nexthopMsg(object) });
}

/** An object as rtnetlink shows it. @kernel nh_fill_node() */
export function nexthopMsg(object: Nexthop): NexthopMsg {
  const { nh } = object;
  return {
    id: object.id,
    family: object.group !== null ? 0 : AF_INET,
    protocol: object.protocol,
    scope:
      object.group !== null || object.blackhole
        ? 0
        : nh !== null
          ? nh.scope === 255
            ? RT_SCOPE_HOST
            : nh.scope
          : 253,
    flags: nh === null ? 0 : nh.flags & ~RTNH_F_DEAD,
    fdb: object.fdb,
    blackhole: object.blackhole,
    ...(object.group !== null ? { group: object.group } : {}),
    ...(object.gateway !== 0 ? { via: object.gateway } : {}),
    ...(nh !== null ? { ifindex: nh.dev.ifindex } : {}),
  };
}
