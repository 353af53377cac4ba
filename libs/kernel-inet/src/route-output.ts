/**
 * Which way a packet of this host leaves, and from which address. Sockets → ipRouteOutput → Rtable.output.
 * Source: net/ipv4/route.c.
 */
import { Errno } from '@netloom/base';
import type { Net, NetDevice } from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import { fibLookup, fibSelectSource, inetAddrType, type FibResult } from './fib-frontend.js';
import { fibSelectMultipath } from './fib-multipath.js';
import { outputHash } from './multipath-hash.js';
import {
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RT_SCOPE_LINK,
} from './fib-table.js';
import { Conf, InDevice } from './in-device.js';
import { ipv4Of } from './ipv4-net.js';
import { findException } from './route-exceptions.js';
import {
  bindException,
  fillMetrics,
  ipv4IsLoopback,
  ipv4IsMulticast,
  nexthopGateway,
  routeTypeErrno,
  Rtable,
  type Flow4,
} from './route.js';

/**
 * The route by which this host sends.
 * @returns a route, whose `prefsrc` is the source address to use, or a negative errno. @kernel ip_route_output_key_hash_rcu()
 */
export function ipRouteOutput(net: Net, flow: Flow4): Rtable | number {
  const { saddr } = flow;
  if (saddr !== 0) {
    if (ipv4IsMulticast(saddr) || saddr === 0xffffffff) return -Errno.EINVAL;
    if (flow.anysrc !== true && inetAddrType(net, saddr) !== RTN_LOCAL) return -Errno.ENETUNREACH;
  }
  let oifDev: NetDevice | undefined;
  if (flow.oif !== 0) {
    oifDev = net.devByIndex(flow.oif);
    if (oifDev === undefined) return -Errno.ENODEV;
    if (!oifDev.up || InDevice.of(oifDev) === null) return -Errno.ENETUNREACH;
  }
  const daddr = flow.daddr === 0 ? (saddr === 0 ? 0x7f000001 : saddr) : flow.daddr;
  if (oifDev !== undefined && (ipv4IsMulticast(daddr) || daddr === 0xffffffff)) {
    return outputRoute(
      net,
      null,
      oifDev,
      daddr,
      saddr !== 0 ? saddr : fibSelectSource(oifDev, daddr, RT_SCOPE_LINK),
    );
  }
  if (daddr === 0xffffffff || ipv4IsMulticast(daddr)) {
    const dev =
      saddr === 0
        ? undefined
        : net.devices.find((d) => InDevice.of(d)?.addresses.some((a) => a.local === saddr));
    if (dev !== undefined) return outputRoute(net, null, dev, daddr, saddr);
  }
  const res = fibLookup(net, daddr, flow.tos, flow.oif, saddr, flow.mark, 0, {
    scope: flow.onlink === true ? RT_SCOPE_LINK : 0,
    protocol: flow.protocol ?? 0,
    sport: flow.sport ?? 0,
    dport: flow.dport ?? 0,
    uid: flow.uid ?? 0,
  });
  if (res === null) {
    if (oifDev === undefined) return -Errno.ENETUNREACH;
    // The device was named: take the destination to be on its link (net/ipv4/route.c, "apparently, routing tables are wrong").
    return outputRoute(
      net,
      null,
      oifDev,
      daddr,
      saddr !== 0 ? saddr : fibSelectSource(oifDev, daddr, RT_SCOPE_LINK),
    );
  }
  const type = res.route.info.type;
  if (
    type !== RTN_UNICAST &&
    type !== RTN_LOCAL &&
    type !== RTN_BROADCAST &&
    type !== RTN_MULTICAST
  ) {
    return -routeTypeErrno(type);
  }
  const { nexthops } = res.route.info;
  if (nexthops.length > 1 && flow.oif === 0)
    res.nh = fibSelectMultipath(net, nexthops, outputHash(net, flow, daddr), saddr) ?? res.nh;
  const source =
    saddr !== 0
      ? saddr
      : type === RTN_LOCAL && res.route.info.prefsrc === 0
        ? daddr
        : resultSource(res, daddr);
  const dev = type === RTN_LOCAL ? (res.nh.dev?.l3mdev ?? net.loopback) : res.nh.dev;
  if (
    ipv4IsLoopback(source) &&
    (dev.flags & Iff.IFF_LOOPBACK) === 0 &&
    InDevice.of(dev)?.conf[Conf.route_localnet] === 0
  )
    return -Errno.EINVAL;
  return outputRoute(net, res, dev, daddr, source);
}

/** @kernel fib_result_prefsrc() */
function resultSource(res: FibResult, daddr: number): number {
  const info = res.route.info;
  if (info.prefsrc !== 0) return info.prefsrc;
  return fibSelectSource(res.nh.dev, res.nh.gateway !== 0 ? res.nh.gateway : daddr, info.scope);
}

function outputRoute(
  net: Net,
  res: FibResult | null,
  dev: NetDevice,
  daddr: number,
  source: number,
): Rtable {
  const genid = ipv4Of(net).genid;
  const type = ipv4IsMulticast(daddr)
    ? RTN_MULTICAST
    : daddr === 0xffffffff
      ? RTN_BROADCAST
      : res !== null
        ? res.route.info.type
        : RTN_UNICAST;
  const exception =
    res === null || res.nh.exceptions === undefined
      ? null
      : findException(res.nh, daddr, net.kernel.engine.now);
  const cached =
    exception !== null
      ? exception.output
      : res !== null && type === RTN_UNICAST
        ? res.nh.rthOutput
        : null;
  if (cached !== null && cached.genid === genid && cached.prefsrc === source) return cached;
  const rt = new Rtable(dev, type, false);
  rt.genid = genid;
  rt.prefsrc = source;
  if (res !== null && (type !== RTN_MULTICAST || res.route.dstLen >= 4)) {
    rt.gateway = nexthopGateway(res.nh); // a group is not sent to the default gateway
    fillMetrics(rt, res);
    if (exception !== null) {
      bindException(rt, exception);
      exception.output = rt;
    } else if (type === RTN_UNICAST) {
      res.nh.rthOutput = rt;
    }
  }
  return rt;
}
