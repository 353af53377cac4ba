/**
 * The routes that addresses bring with them, and what a device's coming and going does to routes over it.
 * inetdevEvent, inetAddAddress → this → FibTable. Sources: net/ipv4/fib_frontend.c fib_add_ifaddr(), fib_semantics.c.
 */
import type { NetDevice } from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import { fibInsertRoute, fibNewTable, fibRemoveRoute, inetAddrType } from './fib-frontend.js';
import { fibNotifyRoute } from './fib-messages.js';
import { nexthopFlushDev } from './nexthop.js';
import {
  RTNH_F_DEAD,
  RTNH_F_LINKDOWN,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_UNICAST,
  RTPROT_KERNEL,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  type FibInfo,
  type FibRoute,
} from './fib-table.js';
import { IFA_F_NOPREFIXROUTE, IFA_F_SECONDARY, type InIfaddr } from './in-device.js';
import { ipv4Of, RT_TABLE_LOCAL, RT_TABLE_MAIN } from './ipv4-net.js';

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

/** Where the routes of a device's addresses go: main and local, or the table of its VRF. */
function tableFor(dev: NetDevice, type: number): number {
  const vrf = dev.l3mdev?.l3mdevTable ?? 0;
  if (vrf !== 0) return vrf;
  return type === RTN_UNICAST ? RT_TABLE_MAIN : RT_TABLE_LOCAL;
}

function findKernelRoute(
  dev: NetDevice,
  { type, dst, dstLen, prefsrc, priority }: KernelRoute,
): FibRoute | undefined {
  return fibNewTable(dev.net, tableFor(dev, type))
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
      table: tableFor(dev, type),
      protocol: RTPROT_KERNEL,
      scope: local ? RT_SCOPE_HOST : RT_SCOPE_LINK,
      priority,
      prefsrc,
      metrics: undefined,
      nhid: 0,
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
    const route = fibInsertRoute(dev.net, dst, dstLen, info);
    fibNotifyRoute(dev.net, 'RTM_NEWROUTE', route);
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
    fibRemoveRoute(
      net,
      route.info.table === RT_TABLE_MAIN ? ipv4Of(net).main : ipv4Of(net).local,
      route,
    );
    fibNotifyRoute(net, 'RTM_DELROUTE', route);
  }
  if (ifa.dev.addresses.includes(ifa) || inetAddrType(net, ifa.local) === RTN_LOCAL) return;
  for (const table of ipv4Of(net).tables.values()) {
    for (const route of table.routes())
      if (route.info.prefsrc === ifa.local) fibRemoveRoute(net, table, route);
  }
}

/** Takes away the routes over a device that went down or away. @kernel fib_sync_down_dev(), fib_flush() */
export function fibDisableDevice(dev: NetDevice, unregister: boolean): void {
  const net = dev.net;
  nexthopFlushDev(dev);
  for (const table of ipv4Of(net).tables.values()) {
    for (const route of table.routes()) {
      const { info } = route;
      if (info.nexthops.length === 0) continue;
      for (const nh of info.nexthops)
        if (nh.dev === dev && (unregister || info.scope !== RT_SCOPE_HOST))
          nh.flags |= RTNH_F_DEAD | RTNH_F_LINKDOWN;
      if (info.nexthops.some((nh) => (nh.flags & RTNH_F_DEAD) === 0)) continue;
      fibRemoveRoute(net, table, route);
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
