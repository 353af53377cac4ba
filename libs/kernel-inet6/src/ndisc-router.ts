/**
 * Router advertisements: default routes, prefixes and addresses made from them, link parameters, further routes.
 * Sources: net/ipv6/ndisc.c ndisc_router_discovery(), addrconf.c addrconf_prefix_rcv(), route.c rt6_route_rcv();
 * RFC 4861 §6.3.4, RFC 4862 §5.5, RFC 4191, RFC 8981.
 */
import {
  DropReason,
  NEIGH_UPDATE_F_OVERRIDE,
  NEIGH_UPDATE_F_WEAK_OVERRIDE,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { Nud } from '@netloom/sys';
import {
  IN6ADDR_ANY,
  In6Addr,
  in6Equal,
  in6IsLinkLocal,
  in6IsMulticast,
  in6Prefix,
  in6Read,
  ip6hSaddr,
  IPV6_MIN_MTU,
  ND_OPT_MTU,
  ND_OPT_PREFIX_INFO,
  ND_OPT_ROUTE_INFO,
  ND_OPT_SOURCE_LL_ADDR,
  type PacketMemory,
} from '@netloom/wire';
import { ipv6ChkAddr, ipv6GetIfaddr } from './addr-check.js';
import { eui64Address } from './addr-gen.js';
import { addrconfDadStart, ipv6AcceptRa } from './addrconf-dad.js';
import { addrconfVerify } from './addrconf-lifetime.js';
import { addrconfNotify, addPrefixRoute, ipv6AddAddr, ipv6StableAddress } from './addrconf.js';
import {
  fib6AddKernelRoute,
  fib6DelKernelRoute,
  fib6MtuChange,
  fib6Remove,
} from './fib6-frontend.js';
import {
  IP6_RT_PRIO_ADDRCONF,
  IP6_RT_PRIO_USER,
  RTF_ADDRCONF,
  RTF_DEFAULT,
  RTF_ROUTEINFO,
  RTN6_UNICAST,
  RTPROT6_RA,
  type Fib6Info,
} from './fib6-table.js';
import {
  Conf6,
  IFA_F_DEPRECATED,
  IFA_F_MANAGETEMPADDR,
  IFA_F_OPTIMISTIC,
  IFA_F_STABLE_PRIVACY,
  IFA_F_TEMPORARY,
  IN6_ADDR_GEN_MODE_RANDOM,
  IN6_ADDR_GEN_MODE_STABLE_PRIVACY,
  INFINITY6_LIFE_TIME,
} from './inet6-conf.js';
import type { Inet6Dev, Inet6Ifaddr } from './inet6-dev.js';
import { ipv6Of, RT6_TABLE_MAIN } from './ipv6-net.js';
import { ndiscCreate, ndiscLookup, NTF_ROUTER } from './ndisc-cache.js';
import { ndiscLladdr, ndiscOptionsOk } from './ndisc.js';

const IFAPROT_KERNEL_RA = 2;
/** Two hours: a prefix cannot be withdrawn faster (RFC 4862 §5.5.3 e). */
const MIN_VALID_LIFETIME = 7200;

/** Router preference from two bits; the reserved value is medium (RFC 4191 §2.1). */
function preference(flags: number): number {
  const pref = (flags >>> 3) & 3;
  return pref === 2 ? 0 : pref;
}

/** Data at the ICMPv6 header. 0 or the reason to drop. */
export function ndiscRouterDiscovery(skb: SkBuff, dev: NetDevice, idev: Inet6Dev): number {
  const m = skb.mem;
  const o = skb.data;
  const end = o + skb.len;
  const { net } = dev;
  const from = ip6hSaddr(m, skb.networkHeader);
  if (!in6IsLinkLocal(from)) return DropReason.NOT_SPECIFIED;
  if (skb.len < 16) return DropReason.PKT_TOO_SMALL;
  if (!ndiscOptionsOk(m, o + 16, end)) return DropReason.IPV6_NDISC_BAD_OPTIONS;
  if (!ipv6AcceptRa(idev)) return 0;
  idev.raRcvd = true;
  const flags = m.u8[o + 5] as number;
  idev.raManaged = (flags & 0x80) !== 0;
  idev.raOther = (flags & 0x40) !== 0;
  const local = idev.conf[Conf6.accept_ra_from_local] === 0 && ipv6ChkAddr(net, from, dev);
  const route = local ? null : defaultRouter(skb, dev, idev, from);
  linkParameters(m, o, idev, route);
  const lladdr = ndiscLladdr(m, o + 16, end, ND_OPT_SOURCE_LL_ADDR);
  if (lladdr === false) return DropReason.IPV6_NDISC_BAD_OPTIONS;
  const neigh = ndiscLookup(dev, from) ?? (lladdr !== null ? ndiscCreate(dev, from) : null);
  if (neigh !== null) {
    neigh.flags |= NTF_ROUTER;
    neigh.update(lladdr, Nud.NUD_STALE, NEIGH_UPDATE_F_WEAK_OVERRIDE | NEIGH_UPDATE_F_OVERRIDE);
  }
  for (let at = o + 16; at < end; at += (m.u8[at + 1] as number) << 3) {
    const type = m.u8[at];
    if (type === ND_OPT_ROUTE_INFO && !local) routeInfo(m, at, dev, idev, from);
    else if (type === ND_OPT_PREFIX_INFO && !local) prefixInfo(m, at, dev, idev, lladdr !== null);
    else if (type === ND_OPT_MTU) linkMtu(m, at, idev, route);
  }
  addrconfVerify(net);
  return 0;
}

/** The default route by way of the sender: made, renewed, or withdrawn. */
function defaultRouter(
  skb: SkBuff,
  dev: NetDevice,
  idev: Inet6Dev,
  from: In6Addr,
): Fib6Info | null {
  const { net, kernel } = dev;
  if (idev.conf[Conf6.accept_ra_defrtr] === 0) return null;
  const m = skb.mem;
  const o = skb.data;
  const lifetime = m.dv.getUint16(o + 6);
  if (lifetime !== 0 && lifetime < (idev.conf[Conf6.accept_ra_min_lft] as number)) return null;
  const pref = idev.conf[Conf6.accept_ra_rtr_pref] !== 0 ? preference(m.u8[o + 5] as number) : 0;
  const known = ipv6Of(net)
    .tables.get(RT6_TABLE_MAIN)
    ?.find(IN6ADDR_ANY, 0)
    .find(
      (route) =>
        (route.flags & RTF_DEFAULT) !== 0 &&
        route.nexthops[0]?.dev === dev &&
        route.nexthops[0].gateway !== null &&
        in6Equal(route.nexthops[0].gateway, from),
    );
  const metric = idev.conf[Conf6.ra_defrtr_metric] as number;
  if (known !== undefined && (lifetime === 0 || known.metric !== metric)) fib6Remove(net, known);
  if (lifetime === 0) return null;
  return fib6AddKernelRoute(dev, {
    table: RT6_TABLE_MAIN,
    type: RTN6_UNICAST,
    dst: IN6ADDR_ANY,
    dstLen: 0,
    metric,
    gateway: from,
    protocol: RTPROT6_RA,
    expires: kernel.engine.now + lifetime * 1e9,
    flags: RTF_DEFAULT | RTF_ADDRCONF,
    pref,
  });
}

function setMetric(dev: NetDevice, route: Fib6Info | null, name: string, value: number): void {
  if (route === null || route.metrics?.[name] === value) return;
  route.metrics = { ...route.metrics, [name]: value };
  ipv6Of(dev.net).genid++;
}

/** Hop limit, retransmission and reachable time. */
function linkParameters(m: PacketMemory, o: number, idev: Inet6Dev, route: Fib6Info | null): void {
  const hopLimit = m.u8[o + 4] as number;
  if (hopLimit !== 0 && hopLimit >= (idev.conf[Conf6.accept_ra_min_hop_limit] as number)) {
    if (idev.conf[Conf6.hop_limit] !== hopLimit) idev.setConf(Conf6.hop_limit, hopLimit);
    setMetric(idev.dev, route, 'hoplimit', hopLimit);
  }
  const reachable = m.dv.getUint32(o + 8);
  const retrans = m.dv.getUint32(o + 12);
  if (retrans !== 0 && retrans <= 3600000)
    idev.neighParms = { ...idev.neighParms, retransTime: Math.max(retrans, 10) * 1e6 };
  if (reachable !== 0 && reachable <= 3600000)
    idev.neighParms = { ...idev.neighParms, baseReachableTime: reachable * 1e6 };
}

function linkMtu(m: PacketMemory, at: number, idev: Inet6Dev, route: Fib6Info | null): void {
  if (idev.conf[Conf6.accept_ra_mtu] === 0 || m.u8[at + 1] !== 1) return;
  const mtu = m.dv.getUint32(at + 4);
  if (mtu < IPV6_MIN_MTU || mtu > idev.dev.mtu || mtu === idev.mtu6) return;
  idev.mtu6 = mtu;
  setMetric(idev.dev, route, 'mtu', mtu);
  fib6MtuChange(idev.dev);
}

/** A route to more than the link (RFC 4191 §2.3). @kernel rt6_route_rcv() */
function routeInfo(
  m: PacketMemory,
  at: number,
  dev: NetDevice,
  idev: Inet6Dev,
  from: In6Addr,
): void {
  if (idev.conf[Conf6.accept_ra_rtr_pref] === 0) return;
  const units = m.u8[at + 1] as number;
  const length = m.u8[at + 2] as number;
  if (units > 3 || length > 128 || (length > 64 && units < 3) || (length > 0 && units < 2)) return;
  if (
    length > (idev.conf[Conf6.accept_ra_rt_info_max_plen] as number) ||
    length < (idev.conf[Conf6.accept_ra_rt_info_min_plen] as number)
  )
    return;
  const flags = m.u8[at + 3] as number;
  if (((flags >>> 3) & 3) === 2) return;
  const lifetime = m.dv.getUint32(at + 4);
  const word = (i: number): number => (i < (units - 1) * 2 ? m.dv.getInt32(at + 8 + 4 * i) : 0);
  const dst = in6Prefix(new In6Addr(word(0), word(1), word(2), word(3)), length);
  const known = ipv6Of(dev.net)
    .tables.get(RT6_TABLE_MAIN)
    ?.find(dst, length)
    .find(
      (route) =>
        (route.flags & (RTF_ROUTEINFO | RTF_DEFAULT)) !== 0 &&
        route.nexthops[0]?.dev === dev &&
        route.nexthops[0].gateway !== null &&
        in6Equal(route.nexthops[0].gateway, from),
    );
  if (lifetime === 0) {
    if (known !== undefined) fib6Remove(dev.net, known);
    return;
  }
  fib6AddKernelRoute(dev, {
    table: RT6_TABLE_MAIN,
    type: RTN6_UNICAST,
    dst,
    dstLen: length,
    metric: IP6_RT_PRIO_USER,
    gateway: from,
    protocol: RTPROT6_RA,
    expires: lifetime === INFINITY6_LIFE_TIME ? 0 : dev.kernel.engine.now + lifetime * 1e9,
    flags: RTF_ROUTEINFO | RTF_ADDRCONF,
    pref: preference(flags),
  });
}

/** A prefix of the link: its route, and an address made from it. @kernel addrconf_prefix_rcv() */
function prefixInfo(
  m: PacketMemory,
  at: number,
  dev: NetDevice,
  idev: Inet6Dev,
  sllao: boolean,
): void {
  if (idev.conf[Conf6.accept_ra_pinfo] === 0 || m.u8[at + 1] !== 4) return;
  const length = m.u8[at + 2] as number;
  const flags = m.u8[at + 3] as number;
  const valid = m.dv.getUint32(at + 4);
  const preferred = m.dv.getUint32(at + 8);
  const prefix = in6Read(m, at + 16);
  if (in6IsMulticast(prefix) || in6IsLinkLocal(prefix) || preferred > valid || length > 128) return;
  const { now } = dev.kernel.engine;
  if ((flags & 0x80) !== 0) {
    if (valid === 0) {
      fib6DelKernelRoute(
        dev,
        RT6_TABLE_MAIN,
        RTN6_UNICAST,
        in6Prefix(prefix, length),
        length,
        IP6_RT_PRIO_ADDRCONF,
      );
    } else {
      const expires = valid === INFINITY6_LIFE_TIME ? 0 : now + valid * 1e9;
      addPrefixRoute(dev, prefix, length, 0, expires, RTF_ADDRCONF);
    }
  }
  if ((flags & 0x40) === 0 || idev.conf[Conf6.autoconf] === 0 || length !== 64) return;
  const mode = idev.conf[Conf6.addr_gen_mode] as number;
  const stable = mode === IN6_ADDR_GEN_MODE_STABLE_PRIVACY || mode === IN6_ADDR_GEN_MODE_RANDOM;
  const addr = stable ? ipv6StableAddress(idev, prefix, 0) : eui64Address(dev, prefix);
  if (addr === null) return;
  autoconfigure(idev, addr, stable ? IFA_F_STABLE_PRIVACY : 0, valid, preferred, sllao);
}

/** @kernel addrconf_prefix_rcv_add_addr() */
function autoconfigure(
  idev: Inet6Dev,
  addr: In6Addr,
  flags: number,
  valid: number,
  preferred: number,
  sllao: boolean,
): void {
  const { dev } = idev;
  const ipv6 = ipv6Of(dev.net);
  let ifa = ipv6GetIfaddr(dev, addr);
  if (ifa === undefined) {
    if (valid === 0) return;
    const most = idev.conf[Conf6.max_addresses] as number;
    if (most !== 0 && idev.addresses.length >= most) return;
    const optimistic =
      (idev.conf[Conf6.optimistic_dad] !== 0 || ipv6.confAll[Conf6.optimistic_dad] !== 0) &&
      ipv6.confAll[Conf6.forwarding] === 0 &&
      sllao;
    ifa = ipv6AddAddr(idev, {
      addr,
      prefixlen: 64,
      flags: flags | IFA_F_MANAGETEMPADDR | (optimistic ? IFA_F_OPTIMISTIC : 0),
      validLft: valid,
      preferredLft: preferred,
      proto: IFAPROT_KERNEL_RA,
    });
    addrconfDadStart(ifa);
    temporary(ifa, valid, preferred);
    return;
  }
  const { now } = dev.kernel.engine;
  const passed = Math.floor((now - ifa.tstamp) / 1e9);
  const stored =
    ifa.validLft === INFINITY6_LIFE_TIME ? ifa.validLft : Math.max(0, ifa.validLft - passed);
  const least = Math.min(stored, MIN_VALID_LIFETIME);
  ifa.validLft = Math.max(valid, least);
  ifa.preferredLft = preferred;
  ifa.tstamp = now;
  ifa.flags &= ~IFA_F_DEPRECATED;
  addrconfNotify(dev.net, 'RTM_NEWADDR', ifa);
}

/** A second address whose identifier changes (RFC 8981), where they are wanted. @kernel ipv6_create_tempaddr() */
function temporary(ifa: Inet6Ifaddr, valid: number, preferred: number): void {
  const { idev } = ifa;
  const { dev } = idev;
  if ((idev.conf[Conf6.use_tempaddr] as number) <= 0) return;
  const random = dev.kernel.random('ip6-temporary');
  const desync = random.below(Math.max(1, idev.conf[Conf6.max_desync_factor] as number));
  const validLft = Math.min(valid, idev.conf[Conf6.temp_valid_lft] as number);
  const preferredLft = Math.min(
    preferred,
    Math.max(0, (idev.conf[Conf6.temp_prefered_lft] as number) - desync),
  );
  const addr = new In6Addr(ifa.addr.w0, ifa.addr.w1, random.u32() | 0, random.u32() | 0);
  if (preferredLft === 0 || ipv6GetIfaddr(dev, addr) !== undefined) return;
  const made = ipv6AddAddr(idev, {
    addr,
    prefixlen: ifa.prefixlen,
    flags: IFA_F_TEMPORARY,
    validLft,
    preferredLft,
    proto: IFAPROT_KERNEL_RA,
  });
  made.ifpub = ifa;
  addrconfDadStart(made);
}
