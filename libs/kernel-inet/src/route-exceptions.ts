/**
 * What ICMP taught about single destinations: smaller path MTUs and better gateways, kept with the next hop.
 * ICMP error → udp, raw, icmp, tcp error handlers → this → the next lookup of that destination finds a route of its own.
 * Source: net/ipv4/route.c (__ip_rt_update_pmtu, __ip_do_redirect, update_or_create_fnhe). RFC 1191, RFC 1122 §3.2.2.2.
 *
 * Differs: a new exception makes every cached route be looked up again, not only those of its next hop.
 */
import { NUD_VALID, type Net, type NetDevice, type SkBuff } from '@netloom/kernel-core';
import { iphDaddr, iphSaddr, iphTos } from '@netloom/wire';
import { arpNeighbour } from './arp.js';
import { inetAddrType, sharesMedia } from './fib-frontend.js';
import { RTN_UNICAST, type FibNh } from './fib-table.js';
import { Conf, InDevice } from './in-device.js';
import { Ipv4Sysctl, ipv4Of } from './ipv4-net.js';
import { ipRouteOutput } from './route-output.js';
import { ipv4IsMulticast, type Rtable } from './route.js';

const NSEC_PER_SEC = 1e9;
/** net.ipv4.route.gc_timeout: how long a redirect is believed. */
const REDIRECT_SECONDS = 300;
/** Destinations remembered a next hop. @kernel FNHE_HASH_SIZE × FNHE_RECLAIM_DEPTH */
const MAX_EXCEPTIONS = 2048 * 5;

/** One destination's exception. @kernel struct fib_nh_exception */
export interface RouteException {
  /** 0: the next hop's own. */
  gateway: number;
  /** 0: the device's. */
  pmtu: number;
  /** The path takes less than net.ipv4.route.min_pmtu: do not go below, and do not trust DF. */
  locked: boolean;
  /** ns */
  expires: number;
  input: Rtable | null;
  output: Rtable | null;
}

/** The exception of a destination that still holds. @kernel find_exception() */
export function findException(nh: FibNh, daddr: number, now: number): RouteException | null {
  const found = nh.exceptions?.get(daddr);
  if (found === undefined) return null;
  if (found.expires > now) return found;
  nh.exceptions?.delete(daddr);
  return null;
}

function remember(net: Net, nh: FibNh, daddr: number, change: Partial<RouteException>): void {
  const now = net.kernel.engine.now;
  const all = (nh.exceptions ??= new Map<number, RouteException>());
  const known = findException(nh, daddr, now);
  const oldest = all.keys().next();
  if (known === null && all.size >= MAX_EXCEPTIONS && oldest.done !== true)
    all.delete(oldest.value);
  all.set(daddr, {
    gateway: 0,
    pmtu: 0,
    locked: false,
    expires: 0,
    ...known,
    ...change,
    input: null,
    output: null,
  });
  ipv4Of(net).genid++;
}

/**
 * The path to a route's destination takes smaller packets only.
 * @param mtu as the router said it @kernel __ip_rt_update_pmtu()
 */
export function ipRtUpdatePmtu(net: Net, rt: Rtable, daddr: number, mtu: number): void {
  const { nh } = rt;
  const before = rt.mtu();
  if (nh === null || rt.mtuLocked || before < mtu) return;
  const ipv4 = ipv4Of(net);
  const least = ipv4.sysctl(Ipv4Sysctl['route/min_pmtu']);
  const locked = mtu < least;
  const pmtu = locked ? Math.min(before, least) : mtu;
  const lifetime = ipv4.sysctl(Ipv4Sysctl['route/mtu_expires']) * NSEC_PER_SEC;
  const now = net.kernel.engine.now;
  if (rt.pmtu === pmtu && !locked && rt.pmtuExpires - now > lifetime / 2) return;
  remember(net, nh, daddr, { pmtu, locked, expires: now + lifetime });
}

/** Learns from "fragmentation needed"; the packet that was refused begins at `skb.data`. @kernel ipv4_update_pmtu() */
export function ipv4UpdatePmtu(skb: SkBuff, mtu: number): void {
  const { net } = skb.dev as NetDevice;
  const daddr = iphDaddr(skb.mem, skb.data);
  const rt = quotedRoute(net, skb, daddr);
  if (rt !== null) ipRtUpdatePmtu(net, rt, daddr, mtu);
}

function quotedRoute(net: Net, skb: SkBuff, daddr: number): Rtable | null {
  const rt = ipRouteOutput(net, {
    daddr,
    saddr: iphSaddr(skb.mem, skb.data),
    oif: 0,
    tos: iphTos(skb.mem, skb.data) & 0x1e,
    mark: 0,
  });
  return typeof rt === 'number' ? null : rt;
}

/** Learns from a redirect about the packet that begins at `skb.data`. @kernel ipv4_redirect(), __ip_do_redirect() */
export function ipv4Redirect(skb: SkBuff, gateway: number): void {
  const dev = skb.dev as NetDevice;
  const { net } = dev;
  const inDev = InDevice.of(dev);
  const daddr = iphDaddr(skb.mem, skb.data);
  const from = iphSaddr(skb.mem, skb.networkHeader);
  const rt = quotedRoute(net, skb, daddr);
  if (inDev === null || rt === null || rt.nh === null || rt.gateway !== from || rt.dev !== dev)
    return;
  if (
    gateway === from ||
    gateway === 0 ||
    gateway === 0xffffffff ||
    ipv4IsMulticast(gateway) ||
    !acceptsRedirects(inDev)
  )
    return;
  if (!sharesMedia(ipv4Of(net), inDev)) {
    const onlink = inDev.addresses.some(
      (ifa) =>
        ((ifa.address ^ gateway) & ifa.mask) === 0 && ((ifa.address ^ from) & ifa.mask) === 0,
    );
    if (!onlink) return;
  } else if (inetAddrType(net, gateway) !== RTN_UNICAST) {
    return;
  }
  const neigh = arpNeighbour(dev, gateway, RTN_UNICAST);
  if (neigh === null) return;
  if ((neigh.nudState & NUD_VALID) === 0) {
    neigh.eventSend(null); // believed once the gateway has answered
    return;
  }
  remember(net, rt.nh, daddr, {
    gateway,
    expires: net.kernel.engine.now + REDIRECT_SECONDS * NSEC_PER_SEC,
  });
}

/** @kernel IN_DEV_RX_REDIRECTS() */
function acceptsRedirects(inDev: InDevice): boolean {
  const all = ipv4Of(inDev.dev.net).confAll[Conf.accept_redirects] !== 0;
  const own = inDev.conf[Conf.accept_redirects] !== 0;
  return inDev.forwarding ? all && own : all || own;
}
