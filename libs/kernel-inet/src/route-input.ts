/**
 * Which way a received packet goes. ipRcvFinish → ipRouteInput → Rtable.input. Source: net/ipv4/route.c.
 */
import { Errno } from '@netloom/base';
import { DropReason, type Net, type NetDevice, type SkBuff } from '@netloom/kernel-core';
import { Iff, IPPROTO_IGMP } from '@netloom/sys';
import { iphProtocol } from '@netloom/wire';
import { fibLookup, fibValidateSource, type FibResult } from './fib-frontend.js';
import { fibSelectMultipath } from './fib-multipath.js';
import { dissectFlow, inputHash } from './multipath-hash.js';
import {
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTN_UNREACHABLE,
} from './fib-table.js';
import { igmpAccepts } from './igmp.js';
import { Conf, type InDevice } from './in-device.js';
import { ipv4Of } from './ipv4-net.js';
import { findException } from './route-exceptions.js';
import {
  bindException,
  fillMetrics,
  ipv4IsLoopback,
  ipv4IsMulticast,
  ipv4IsZeronet,
  nexthopGateway,
  routeTypeErrno,
  Rtable,
} from './route.js';

/**
 * Chooses what happens to a received packet and sets `skb.dst`.
 * @returns 0; or the reason for which the caller is to drop the packet. @kernel ip_route_input_noref()
 */
export function ipRouteInput(
  skb: SkBuff,
  daddr: number,
  saddr: number,
  tos: number,
  dev: NetDevice,
): number {
  const ipv4 = ipv4Of(dev.net);
  const cache = ipv4.inputCache;
  const slot =
    (daddr ^ (daddr >>> 11) ^ (saddr >>> 3) ^ (saddr << 2) ^ dev.ifindex) & (INPUT_CACHE_SIZE - 1);
  if (cache !== null) {
    const hit = cache[slot];
    if (
      hit !== undefined &&
      hit.daddr === daddr &&
      hit.saddr === saddr &&
      hit.dev === dev &&
      hit.tos === tos &&
      hit.genid === ipv4.genid
    ) {
      skb.dst = hit.rt;
      return 0;
    }
  }
  const refused = routeInputSlow(skb, daddr, saddr, tos, dev);
  if (refused !== 0) return refused;
  const rt = skb.dst as Rtable | null;
  if (
    rt !== null &&
    rt.error === 0 &&
    (rt.type === RTN_UNICAST || rt.type === RTN_LOCAL) &&
    !rt.spread &&
    !ipv4.customRules
  ) {
    (ipv4.inputCache ??= new Array<InputCacheEntry | undefined>(INPUT_CACHE_SIZE).fill(undefined))[
      slot
    ] = {
      daddr,
      saddr,
      tos,
      dev,
      genid: ipv4.genid,
      rt,
    };
  }
  return 0;
}

/**
 * What the tables said of a pair of addresses, until any route, address or sysctl changes (genid). The decision is a
 * function of these alone, so a hit changes nothing but the time it takes.
 */
export interface InputCacheEntry {
  readonly daddr: number;
  readonly saddr: number;
  readonly tos: number;
  readonly dev: NetDevice;
  readonly genid: number;
  readonly rt: Rtable;
}

const INPUT_CACHE_SIZE = 64;

/** @kernel ip_route_input_slow() */
function routeInputSlow(
  skb: SkBuff,
  daddr: number,
  saddr: number,
  tos: number,
  dev: NetDevice,
): number {
  const net = dev.net;
  const inDev = dev.inDev as InDevice | null;
  if (inDev === null) return DropReason.IP_INNOROUTES;
  if (ipv4IsMulticast(daddr)) return routeMulticast(skb, daddr, saddr, inDev);
  if (ipv4IsMulticast(saddr) || saddr === 0xffffffff) return martianSource(daddr, saddr, inDev);
  if (daddr === 0xffffffff || (daddr === 0 && saddr === 0))
    return routeBroadcast(skb, saddr, inDev);
  if (ipv4IsZeronet(saddr)) return martianSource(daddr, saddr, inDev);
  if (ipv4IsZeronet(daddr)) return martianDestination(daddr, saddr, inDev);
  const loopbackDev = (dev.flags & Iff.IFF_LOOPBACK) !== 0;
  if (!loopbackDev && inDev.conf[Conf.route_localnet] === 0) {
    if (ipv4IsLoopback(daddr)) return martianDestination(daddr, saddr, inDev);
    if (ipv4IsLoopback(saddr)) return martianSource(daddr, saddr, inDev);
  }
  const ipv4 = ipv4Of(net);
  const res = ipv4.customRules
    ? fibLookup(net, daddr, tos, 0, saddr, skb.mark, dev.ifindex, dissectFlow(skb))
    : fibLookup(net, daddr, tos, 0, saddr, skb.mark, dev.ifindex);
  if (res === null) {
    const error = inDev.forwarding ? Errno.ENETUNREACH : Errno.EHOSTUNREACH;
    skb.dst = errorRoute(dev, error);
    return 0;
  }
  const type = res.route.info.type;
  if (type === RTN_BROADCAST || type === RTN_LOCAL) {
    const refused = validSource(saddr, tos, inDev, daddr, 0);
    if (refused !== 0) return refused;
    skb.dst = localRoute(net, dev, type);
    return 0;
  }
  if (!inDev.forwarding) {
    skb.dst = errorRoute(dev, Errno.EHOSTUNREACH);
    return 0;
  }
  if (type !== RTN_UNICAST) {
    skb.dst = errorRoute(dev, routeTypeErrno(type));
    return 0;
  }
  const { nexthops } = res.route.info;
  if (nexthops.length > 1)
    res.nh = fibSelectMultipath(net, nexthops, inputHash(skb, net, daddr, saddr), 0) ?? res.nh;
  const refused = validSource(saddr, tos, inDev, daddr, res.nh.dev.ifindex);
  if (refused !== 0) return refused;
  skb.dst = forwardRoute(net, res, daddr);
  return 0;
}

function forwardRoute(net: Net, res: FibResult, daddr: number): Rtable {
  const nh = res.nh;
  const genid = ipv4Of(net).genid;
  const exception =
    nh.exceptions === undefined ? null : findException(nh, daddr, net.kernel.engine.now);
  let rt = exception === null ? nh.rthInput : exception.input;
  if (rt === null || rt.genid !== genid) {
    rt = new Rtable(nh.dev, RTN_UNICAST, true);
    rt.genid = genid;
    rt.gateway = nexthopGateway(nh);
    fillMetrics(rt, res);
    if (exception === null) {
      nh.rthInput = rt;
    } else {
      bindException(rt, exception);
      rt.pmtu = 0; // others' packets go as the device takes them
      exception.input = rt;
    }
  }
  return rt;
}

function localRoute(net: Net, dev: NetDevice, type: number): Rtable {
  const inDev = dev.inDev as InDevice;
  const genid = ipv4Of(net).genid;
  const cached = type === RTN_LOCAL ? (inDev.localRoute as Rtable | null) : null;
  if (cached !== null && cached.genid === genid) return cached;
  const rt = new Rtable(dev, type, true);
  rt.genid = genid;
  if (type === RTN_LOCAL) inDev.localRoute = rt;
  return rt;
}

function errorRoute(dev: NetDevice, error: number): Rtable {
  const rt = new Rtable(dev, RTN_UNREACHABLE, true);
  rt.error = error;
  return rt;
}

function validSource(
  saddr: number,
  tos: number,
  inDev: InDevice,
  daddr: number,
  oif: number,
): number {
  const verdict = fibValidateSource(inDev.dev.net, saddr, tos, inDev, oif);
  if (verdict === 0) return 0;
  logMartianSource(inDev, daddr, saddr);
  return verdict === -Errno.EXDEV ? DropReason.IP_RPFILTER : DropReason.IP_INVALID_SOURCE;
}

function logMartians(inDev: InDevice): boolean {
  return (
    inDev.conf[Conf.log_martians] !== 0 || ipv4Of(inDev.dev.net).confAll[Conf.log_martians] !== 0
  );
}

function dotted(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

function logMartianSource(inDev: InDevice, daddr: number, saddr: number): void {
  if (!logMartians(inDev)) return;
  inDev.dev.net.kernel.printk(
    4,
    `IPv4: martian source ${dotted(daddr)} from ${dotted(saddr)}, on dev ${inDev.dev.name}`,
  );
}

function martianSource(daddr: number, saddr: number, inDev: InDevice): number {
  logMartianSource(inDev, daddr, saddr);
  return DropReason.IP_INVALID_SOURCE;
}

function martianDestination(daddr: number, saddr: number, inDev: InDevice): number {
  if (logMartians(inDev)) {
    inDev.dev.net.kernel.printk(
      4,
      `IPv4: martian destination ${dotted(daddr)} from ${dotted(saddr)}, dev ${inDev.dev.name}`,
    );
  }
  return DropReason.IP_INVALID_DEST;
}

/** 224.0.0.0/24: groups that are never forwarded. */
const LOCAL_GROUPS = 0xe0000000;

function routeMulticast(skb: SkBuff, daddr: number, saddr: number, inDev: InDevice): number {
  if (
    !ipCheckMc(inDev, daddr, iphProtocol(skb.mem, skb.networkHeader) === IPPROTO_IGMP ? 0 : saddr)
  )
    return DropReason.IP_INNOROUTES;
  if (
    ipv4IsMulticast(saddr) ||
    saddr === 0xffffffff ||
    (ipv4IsLoopback(saddr) && inDev.conf[Conf.route_localnet] === 0)
  )
    return martianSource(daddr, saddr, inDev);
  if (ipv4IsZeronet(saddr)) {
    if (daddr >>> 8 !== LOCAL_GROUPS >>> 8) return martianSource(daddr, saddr, inDev);
  } else {
    const refused = validSource(saddr, 0, inDev, daddr, 0);
    if (refused !== 0) return refused;
  }
  skb.dst = localRoute(inDev.dev.net, inDev.dev, RTN_MULTICAST);
  return 0;
}

/** Whether this host listens to a group on a device. @kernel ip_check_mc_rcu() */
export function ipCheckMc(inDev: InDevice | null, group: number, source = 0): boolean {
  return igmpAccepts(inDev?.igmp ?? null, group, source);
}

function routeBroadcast(skb: SkBuff, saddr: number, inDev: InDevice): number {
  if (saddr !== 0) {
    const refused = validSource(saddr, 0, inDev, 0xffffffff, 0);
    if (refused !== 0) return refused;
  }
  skb.dst = localRoute(inDev.dev.net, inDev.dev, RTN_BROADCAST);
  return 0;
}
