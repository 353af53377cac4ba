/**
 * Routing decisions: which way a received packet goes, which way one of ours leaves, and from which address.
 * ipRcvFinish → ipRouteInput → Rtable.input; sockets → ipRouteOutput → Rtable.output. Source: net/ipv4/route.c.
 *
 * Routes of a next hop are cached on it, one for input and one for output, and checked against the namespace's genid.
 */
import { Errno } from '@netloom/base';
import { Dst, DropReason, type Net, type NetDevice, type SkBuff } from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import {
  ICMP_HLEN,
  IP_OFFSET,
  iphFragOff,
  iphIhl,
  iphProtocol,
  l4Dest,
  l4Source,
} from '@netloom/wire';
import {
  fibLookup,
  fibSelectSource,
  fibValidateSource,
  inetAddrType,
  type FibResult,
} from './fib-frontend.js';
import { fibSelectMultipath, flowHash } from './fib-multipath.js';
import {
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RT_SCOPE_LINK,
  type FibNh,
} from './fib-table.js';
import { Conf, InDevice } from './in-device.js';
import { ipError } from './ip-error.js';
import { ipForward } from './ip-forward.js';
import { ipLocalDeliver } from './ip-local.js';
import { ipOutput } from './ip-output.js';
import { Ipv4Sysctl, ipv4Of } from './ipv4-net.js';
import { findException, type RouteException } from './route-exceptions.js';

/** A route in use. @kernel struct rtable */
export class Rtable extends Dst {
  genid = 0;
  /** Where to forward: 0 when the destination is on the link. */
  gateway = 0;
  /** Source address that this route suggests. */
  prefsrc = 0;
  /** PMTU learned by an ICMP error and until when (ns); 0 for none. */
  pmtu = 0;
  pmtuExpires = 0;
  metricMtu = 0;
  /** The path MTU is not to be lowered further, nor DF to be relied upon. */
  mtuLocked = false;
  /** One of several ways: the next packet between the same addresses may take another. */
  spread = false;
  /** A redirect named the gateway. */
  redirected = false;
  /** The next hop that exceptions are kept with. */
  nh: FibNh | null = null;
  /** The device that the packet came in on asked for this one to be redirected. */
  doRedirect = false;
  metrics: Readonly<Record<string, number | string>> | undefined = undefined;
  table = 0;
  /** Of the route found; 0 for one for every TOS. */
  tos = 0;

  constructor(
    dev: NetDevice,
    readonly type: number,
    readonly isInput: boolean,
  ) {
    super(dev);
  }

  input(skb: SkBuff): void {
    if (this.error !== 0) ipError(skb, this.error);
    else if (this.type === RTN_UNICAST) ipForward(skb, this);
    else ipLocalDeliver(skb);
  }

  output(skb: SkBuff): number {
    return ipOutput(skb, this);
  }

  mtu(): number {
    if (this.pmtu !== 0) {
      if (this.pmtuExpires > this.dev.net.kernel.engine.now)
        return Math.min(this.pmtu, this.dev.mtu);
      this.pmtu = 0;
    }
    return this.metricMtu !== 0 ? this.metricMtu : Math.min(this.dev.mtu, 0xffff);
  }
}

/** What a route is wanted for. Zero means "any" or "not known". */
export interface Flow4 {
  readonly daddr: number;
  readonly saddr: number;
  readonly oif: number;
  readonly tos: number;
  readonly mark: number;
  /** For hashing by layer 4 (fib_multipath_hash_policy 1). */
  readonly protocol?: number;
  readonly sport?: number;
  readonly dport?: number;
}

export function ipv4IsMulticast(address: number): boolean {
  return address >>> 28 === 14;
}

export function ipv4IsLoopback(address: number): boolean {
  return address >>> 24 === 127;
}

export function ipv4IsZeronet(address: number): boolean {
  return address === 0; // 0.0.0.0/8 is ordinary space but for this one (net/ipv4: since 5.3)
}

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
  const res = fibLookup(net, daddr, tos, 0, saddr, skb.mark, dev.ifindex);
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

/** The hash of a packet on its way through; of an ICMP error that of the packet it is about. @kernel fib_multipath_hash() */
function inputHash(skb: SkBuff, net: Net, daddr: number, saddr: number): number {
  const m = skb.mem;
  const ip = skb.networkHeader;
  const protocol = iphProtocol(m, ip);
  const l4 = ip + iphIhl(m, ip) * 4;
  const whole = (iphFragOff(m, ip) & (IP_OFFSET | 0x2000)) === 0;
  if (ipv4Of(net).sysctl(Ipv4Sysctl.fib_multipath_hash_policy) !== 1) {
    const type = m.u8[l4] as number;
    const about =
      protocol === 1 &&
      whole &&
      (type === 3 || type === 5 || type === 11 || type === 12) &&
      ip + skb.len >= l4 + ICMP_HLEN + 20;
    const inner = l4 + ICMP_HLEN;
    return about
      ? flowHash(net, m.dv.getUint32(inner + 16), m.dv.getUint32(inner + 12), 0, 0, 0)
      : flowHash(net, saddr, daddr, 0, 0, 0);
  }
  const ports = whole && (protocol === 6 || protocol === 17);
  return flowHash(
    net,
    saddr,
    daddr,
    protocol,
    ports ? l4Source(m, l4) : 0,
    ports ? l4Dest(m, l4) : 0,
  );
}

/** The errno of a route that goes nowhere. @kernel fib_props */
export function routeTypeErrno(type: number): number {
  if (type === RTN_BLACKHOLE) return Errno.EINVAL;
  if (type === RTN_PROHIBIT) return Errno.EACCES;
  return type === RTN_UNREACHABLE ? Errno.EHOSTUNREACH : Errno.EINVAL;
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

/** @kernel fill_route_from_fnhe() */
function bindException(rt: Rtable, exception: RouteException): void {
  rt.pmtu = exception.pmtu;
  rt.pmtuExpires = exception.expires;
  rt.mtuLocked = exception.locked;
  if (exception.gateway === 0) return;
  rt.redirected = true;
  rt.gateway = exception.gateway;
}

/** A gateway that is one of our own addresses only says which device to use. @kernel rt_set_nexthop() */
function nexthopGateway(nh: FibNh): number {
  return nh.scope === RT_SCOPE_LINK ? nh.gateway : 0;
}

function fillMetrics(rt: Rtable, res: FibResult): void {
  rt.metrics = res.route.info.metrics;
  rt.table = res.route.info.table;
  rt.tos = res.route.info.tos;
  rt.advmss = Number(rt.metrics?.['advmss'] ?? 0);
  rt.nh = res.nh;
  rt.spread = res.route.info.nexthops.length > 1;
  rt.metricMtu = Number(rt.metrics?.['mtu'] ?? 0);
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

const ALL_HOSTS = 0xe0000001;
/** 224.0.0.0/24: groups that are never forwarded. */
const LOCAL_GROUPS = 0xe0000000;

function routeMulticast(skb: SkBuff, daddr: number, saddr: number, inDev: InDevice): number {
  if (!ipCheckMc(inDev, daddr)) return DropReason.IP_INNOROUTES;
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
export function ipCheckMc(inDev: InDevice | null, group: number): boolean {
  return group === ALL_HOSTS || inDev?.groups?.has(group) === true;
}

function routeBroadcast(skb: SkBuff, saddr: number, inDev: InDevice): number {
  if (saddr !== 0) {
    const refused = validSource(saddr, 0, inDev, 0xffffffff, 0);
    if (refused !== 0) return refused;
  }
  skb.dst = localRoute(inDev.dev.net, inDev.dev, RTN_BROADCAST);
  return 0;
}

/**
 * The route by which this host sends.
 * @returns a route, whose `prefsrc` is the source address to use, or a negative errno. @kernel ip_route_output_key_hash_rcu()
 */
export function ipRouteOutput(net: Net, flow: Flow4): Rtable | number {
  const { saddr } = flow;
  if (saddr !== 0) {
    if (ipv4IsMulticast(saddr) || saddr === 0xffffffff) return -Errno.EINVAL;
    if (inetAddrType(net, saddr) !== RTN_LOCAL) return -Errno.ENETUNREACH;
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
  const res = fibLookup(net, daddr, flow.tos, flow.oif, saddr, flow.mark);
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
  const dev = type === RTN_LOCAL ? net.loopback : res.nh.dev;
  if (
    ipv4IsLoopback(source) &&
    (dev.flags & Iff.IFF_LOOPBACK) === 0 &&
    InDevice.of(dev)?.conf[Conf.route_localnet] === 0
  )
    return -Errno.EINVAL;
  return outputRoute(net, res, dev, daddr, source);
}

function outputHash(net: Net, flow: Flow4, daddr: number): number {
  if (ipv4Of(net).sysctl(Ipv4Sysctl.fib_multipath_hash_policy) !== 1)
    return flowHash(net, flow.saddr, daddr, 0, 0, 0);
  return flowHash(net, flow.saddr, daddr, flow.protocol ?? 0, flow.sport ?? 0, flow.dport ?? 0);
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

/** Whether a route that a socket kept may still be used. */
export function rtValid(rt: Rtable | null, net: Net): rt is Rtable {
  return rt !== null && !rt.obsolete && rt.genid === ipv4Of(net).genid;
}
