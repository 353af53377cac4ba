/**
 * Routes as rtnetlink shows them and tells of them. Source: net/ipv4/fib_semantics.c fib_dump_info(), rtmsg_fib().
 */
import type { Net } from '@netloom/kernel-core';
import { type RouteMsg } from '@netloom/sys';
import { RTN_UNICAST, RT_SCOPE_UNIVERSE, type FibInfo, type FibRoute } from './fib-table.js';
import { ipv4Of, RT_TABLE_MAIN, Ipv4Sysctl } from './ipv4-net.js';

const RTM_F_CLONED = 0x200;
const RTCF_REDIRECTED = 0x40000;
const RTAX_MTU = 2;

/** Tells listeners of a route that came or went. */
export function fibNotifyRoute(
  net: Net,
  type: 'RTM_NEWROUTE' | 'RTM_DELROUTE',
  route: FibRoute,
): void {
  if (net.rtnlListeners.size > 0) net.notify({ type, route: fibRouteMsg(route) });
}

/** net.ipv4.nexthop_compat_mode: routes over nexthop objects show their ways on too. */
function compatible(info: FibInfo): boolean {
  const net = info.nexthops[0]?.dev.net;
  return net === undefined || ipv4Of(net).sysctl(Ipv4Sysctl.nexthop_compat_mode) !== 0;
}

/** A route as rtnetlink shows it. */
export function fibRouteMsg(route: FibRoute): RouteMsg {
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
    ...(info.nhid !== 0 ? { nhid: info.nhid } : {}),
    ...(info.metrics !== undefined ? { metrics: info.metrics } : {}),
    nexthops: (info.nhid !== 0 && !compatible(info) ? [] : info.nexthops).map((nh) => ({
      ifindex: nh.dev.ifindex,
      weight: nh.weight,
      flags: nh.flags,
      ...(nh.gateway !== 0 ? { via: nh.gateway } : {}),
    })),
  };
}

/** What ICMP taught, as routes of single destinations. @kernel fib_dump_info_fnhe() */
export function fibExceptionMsgs(net: Net): RouteMsg[] {
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
