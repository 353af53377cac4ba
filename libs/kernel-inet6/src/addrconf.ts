/**
 * Addresses on devices: adding, deleting, the routes that they bring, what happens to them as devices come and go.
 * Source: net/ipv6/addrconf.c.
 */
import { KernelError } from '@netloom/base';
import type { Net, NetDevice, NetdevEvent } from '@netloom/kernel-core';
import { AF_INET6, Iff, type AddrMsg, type AddrNew } from '@netloom/sys';
import {
  IN6ADDR_LOOPBACK,
  In6Addr,
  in6Bytes,
  in6Equal,
  in6FromBytes,
  in6IsAny,
  in6Prefix,
  in6PrefixEqual,
  in6SolicitedNode,
  IPV6_ADDR_LINKLOCAL,
  IPV6_ADDR_LOOPBACK,
  IPV6_ADDR_MULTICAST,
  IPV6_ADDR_SITELOCAL,
  IPV6_MIN_MTU,
  ipv6AddrType,
} from '@netloom/wire';
import { ipv6GetIfaddr } from './addr-check.js';
import { ARPHRD_NONE, linkLocalAddress, stableAddress } from './addr-gen.js';
import { addrconfDadStart, addrconfSolicitAgain, dadKick } from './addrconf-dad.js';
import { addrconfVerify } from './addrconf-lifetime.js';
import {
  fib6AddKernelRoute,
  fib6DelKernelRoute,
  fib6DisableDevice,
  fib6MtuChange,
  fib6SyncCarrier,
} from './fib6-frontend.js';
import {
  IP6_RT_PRIO_ADDRCONF,
  RTF_ADDRCONF,
  RTF_PREFIX_RT,
  RTN6_ANYCAST,
  RTN6_LOCAL,
  RTN6_MULTICAST,
  RTN6_UNICAST,
} from './fib6-table.js';
import {
  Conf6,
  IFA6_F_NOPREFIXROUTE,
  IFA6_F_PERMANENT,
  IFA_F_DADFAILED,
  IFA_F_DEPRECATED,
  IFA_F_HOMEADDRESS,
  IFA_F_MANAGETEMPADDR,
  IFA_F_MCAUTOJOIN,
  IFA_F_NODAD,
  IFA_F_OPTIMISTIC,
  IFA_F_STABLE_PRIVACY,
  IFA_F_TENTATIVE,
  IN6_ADDR_GEN_MODE_EUI64,
  IN6_ADDR_GEN_MODE_NONE,
  IN6_ADDR_GEN_MODE_RANDOM,
  IN6_ADDR_GEN_MODE_STABLE_PRIVACY,
  INFINITY6_LIFE_TIME,
  RT6_SCOPE_GLOBAL,
  RT6_SCOPE_HOST,
  RT6_SCOPE_LINK,
  RT6_SCOPE_SITE,
} from './inet6-conf.js';
import { IFA_STATE_DEAD, Inet6Dev, Inet6Ifaddr } from './inet6-dev.js';
import { ipv6Of, Ipv6Sysctl, RT6_TABLE_LOCAL, RT6_TABLE_MAIN } from './ipv6-net.js';
import { ipv6DevMcDec, ipv6DevMcInc, ipv6McDown, ipv6McInit, ipv6McUp } from './mcast6.js';
import { ndiscDeviceDown } from './ndisc-cache.js';
import { ipv6AddrSrcScope } from './addr-select.js';

/** fe80:: */
export const LINK_LOCAL_PREFIX = new In6Addr(0xfe800000 | 0, 0, 0, 0);
const MULTICAST_PREFIX = new In6Addr(0xff000000 | 0, 0, 0, 0);
const IFAPROT_KERNEL_LO = 1;
const IFAPROT_KERNEL_LL = 3;

/** The scope that rtnetlink shows. @kernel rt_scope() */
function rtScope(addr: In6Addr): number {
  const type = ipv6AddrType(addr);
  if ((type & IPV6_ADDR_LOOPBACK) !== 0) return RT6_SCOPE_HOST;
  if ((type & IPV6_ADDR_LINKLOCAL) !== 0) return RT6_SCOPE_LINK;
  return (type & IPV6_ADDR_SITELOCAL) !== 0 ? RT6_SCOPE_SITE : RT6_SCOPE_GLOBAL;
}

/** What an address is added with. */
export interface Ifa6Config {
  readonly addr: In6Addr;
  readonly prefixlen: number;
  readonly peer?: In6Addr | null;
  readonly flags: number;
  readonly validLft?: number;
  readonly preferredLft?: number;
  readonly metric?: number;
  readonly proto?: number;
}

/** The IPv6 half of a device, made where there is none. @kernel ipv6_add_dev() */
export function inet6DevInit(dev: NetDevice): Inet6Dev {
  const existing = Inet6Dev.of(dev);
  if (existing !== null) return existing;
  const ipv6 = ipv6Of(dev.net);
  const idev = new Inet6Dev(dev, ipv6.confDefault, ipv6.neighDefault);
  idev.stableSecret = ipv6.stableSecretDefault;
  dev.in6Dev = idev;
  return idev;
}

/** Puts an address into its device's list. @errno EADDRNOTAVAIL, EINVAL, EACCES, EEXIST. @kernel ipv6_add_addr() */
export function ipv6AddAddr(idev: Inet6Dev, cfg: Ifa6Config): Inet6Ifaddr {
  const { dev } = idev;
  const type = ipv6AddrType(cfg.addr);
  if (
    in6IsAny(cfg.addr) ||
    ((type & IPV6_ADDR_MULTICAST) !== 0 && (cfg.flags & IFA_F_MCAUTOJOIN) === 0) ||
    ((type & IPV6_ADDR_LOOPBACK) !== 0 && (dev.flags & Iff.IFF_LOOPBACK) === 0)
  )
    throw new KernelError('EADDRNOTAVAIL', 'ipv6: Invalid address');
  if (idev.dead) throw new KernelError('ENODEV', 'ipv6: device is going away');
  if (idev.disabled) throw new KernelError('EACCES', 'ipv6: IPv6 is disabled on this device');
  if (ipv6GetIfaddr(dev, cfg.addr) !== undefined)
    throw new KernelError('EEXIST', 'ipv6: address already assigned');
  const ifa = new Inet6Ifaddr(idev, cfg.addr, cfg.prefixlen);
  ifa.peer = cfg.peer ?? null;
  ifa.scope = rtScope(cfg.addr);
  ifa.flags = cfg.flags | ((cfg.flags & IFA_F_NODAD) === 0 ? IFA_F_TENTATIVE : 0);
  ifa.validLft = cfg.validLft ?? INFINITY6_LIFE_TIME;
  ifa.preferredLft = cfg.preferredLft ?? INFINITY6_LIFE_TIME;
  ifa.metric = cfg.metric ?? 0;
  ifa.proto = cfg.proto ?? 0;
  const scope = ipv6AddrSrcScope(cfg.addr);
  const list = idev.addresses;
  const at = list.findIndex((other) => scope >= ipv6AddrSrcScope(other.addr));
  list.splice(at < 0 ? list.length : at, 0, ifa);
  ipv6Of(dev.net).genid++;
  return ifa;
}

/** An address as rtnetlink shows it. @kernel inet6_fill_ifaddr() */
export function inet6AddrMsg(ifa: Inet6Ifaddr): AddrMsg {
  const { dev } = ifa.idev;
  const local = in6Bytes(ifa.addr);
  const passed = Math.floor((dev.kernel.engine.now - ifa.tstamp) / 1e9);
  const left = (seconds: number): number =>
    seconds === INFINITY6_LIFE_TIME ? seconds : Math.max(0, seconds - passed);
  const forever = (ifa.flags & IFA6_F_PERMANENT) !== 0 && ifa.preferredLft === INFINITY6_LIFE_TIME;
  return {
    family: AF_INET6,
    ifindex: dev.ifindex,
    prefixlen: ifa.prefixlen,
    flags: ifa.flags,
    scope: ifa.scope,
    local,
    address: ifa.peer === null ? local : in6Bytes(ifa.peer),
    validLft: forever ? INFINITY6_LIFE_TIME : left(ifa.validLft),
    preferredLft: forever ? INFINITY6_LIFE_TIME : left(ifa.preferredLft),
    ...(ifa.metric !== 0 ? { metric: ifa.metric } : {}),
    ...(ifa.proto !== 0 ? { proto: ifa.proto } : {}),
  };
}

/** Tells rtnetlink's listeners of an address. */
export function addrconfNotify(
  net: Net,
  type: 'RTM_NEWADDR' | 'RTM_DELADDR',
  ifa: Inet6Ifaddr,
): void {
  if (net.rtnlListeners.size > 0) net.notify({ type, addr: inet6AddrMsg(ifa) });
}

/** Puts in the routes of an address that is ours now. @kernel __ipv6_ifa_notify(RTM_NEWADDR) */
export function addrconfRouteIn(ifa: Inet6Ifaddr): void {
  const { dev } = ifa.idev;
  if (ifa.rt === null) {
    ifa.rt = fib6AddKernelRoute(dev, {
      table: RT6_TABLE_LOCAL,
      type: (ipv6AddrType(ifa.addr) & IPV6_ADDR_MULTICAST) !== 0 ? RTN6_MULTICAST : RTN6_LOCAL,
      dst: ifa.addr,
      dstLen: 128,
      metric: 0,
    });
  }
  if (ifa.idev.forwarding) joinAnycast(ifa);
  if (ifa.peer !== null) addPrefixRoute(dev, ifa.peer, 128, ifa.metric, 0, 0);
}

/** The anycast address of a subnet's routers (RFC 4291 §2.6.1). @kernel addrconf_join_anycast() */
export function joinAnycast(ifa: Inet6Ifaddr): void {
  if (ifa.prefixlen >= 127) return;
  const addr = in6Prefix(ifa.addr, ifa.prefixlen);
  if (in6IsAny(addr)) return;
  const { idev } = ifa;
  const list = (idev.anycast ??= []);
  const known = list.find((entry) => in6Equal(entry.addr, addr));
  if (known !== undefined) {
    known.users++;
    return;
  }
  list.push({ addr, users: 1 });
  ipv6DevMcInc(idev.dev, in6SolicitedNode(addr));
  fib6AddKernelRoute(idev.dev, {
    table: RT6_TABLE_LOCAL,
    type: RTN6_ANYCAST,
    dst: addr,
    dstLen: 128,
    metric: 0,
  });
}

/** @kernel addrconf_leave_anycast() */
export function leaveAnycast(ifa: Inet6Ifaddr): void {
  const { idev } = ifa;
  const addr = in6Prefix(ifa.addr, ifa.prefixlen);
  const list = idev.anycast;
  const known = list?.find((entry) => in6Equal(entry.addr, addr));
  if (list === null || known === undefined || --known.users > 0) return;
  list.splice(list.indexOf(known), 1);
  ipv6DevMcDec(idev.dev, in6SolicitedNode(addr));
  fib6DelKernelRoute(idev.dev, RT6_TABLE_LOCAL, RTN6_ANYCAST, addr, 128, 0);
}

/** The route to a prefix on a link. @param expires ns, 0 for none @kernel addrconf_prefix_route() */
export function addPrefixRoute(
  dev: NetDevice,
  prefix: In6Addr,
  length: number,
  metric: number,
  expires: number,
  flags: number,
): void {
  fib6AddKernelRoute(dev, {
    table: RT6_TABLE_MAIN,
    type: RTN6_UNICAST,
    dst: in6Prefix(prefix, length),
    dstLen: length,
    metric: metric !== 0 ? metric : IP6_RT_PRIO_ADDRCONF,
    expires,
    flags: flags | RTF_PREFIX_RT,
  });
}

/** Takes an address away with its routes and group. @kernel ipv6_del_addr() */
export function addrconfDelete(ifa: Inet6Ifaddr): void {
  const { idev } = ifa;
  const { dev } = idev;
  const at = idev.addresses.indexOf(ifa);
  if (at < 0) return;
  idev.addresses.splice(at, 1);
  ifa.state = IFA_STATE_DEAD;
  ifa.dadTimer?.cancel();
  if ((ifa.flags & (IFA6_F_NOPREFIXROUTE | IFA6_F_PERMANENT)) === IFA6_F_PERMANENT) {
    const shared = idev.addresses.some(
      (other) =>
        other.prefixlen === ifa.prefixlen &&
        (other.flags & IFA6_F_NOPREFIXROUTE) === 0 &&
        in6PrefixEqual(other.addr, ifa.addr, ifa.prefixlen),
    );
    if (!shared)
      fib6DelKernelRoute(
        dev,
        RT6_TABLE_MAIN,
        RTN6_UNICAST,
        in6Prefix(ifa.addr, ifa.prefixlen),
        ifa.prefixlen,
        ifa.metric !== 0 ? ifa.metric : IP6_RT_PRIO_ADDRCONF,
      );
  }
  dropAddress(ifa);
}

/** The end of an address that is in no list any more. @kernel __ipv6_ifa_notify(RTM_DELADDR) */
function dropAddress(ifa: Inet6Ifaddr): void {
  const { idev } = ifa;
  const { dev } = idev;
  const { net } = dev;
  ifa.state = IFA_STATE_DEAD;
  ifa.dadTimer?.cancel();
  addrconfNotify(net, 'RTM_DELADDR', ifa);
  if (idev.forwarding) leaveAnycast(ifa);
  ipv6DevMcDec(dev, in6SolicitedNode(ifa.addr));
  if (ifa.peer !== null)
    fib6DelKernelRoute(
      dev,
      RT6_TABLE_MAIN,
      RTN6_UNICAST,
      ifa.peer,
      128,
      ifa.metric !== 0 ? ifa.metric : IP6_RT_PRIO_ADDRCONF,
    );
  if (ifa.rt !== null) {
    fib6DelKernelRoute(dev, RT6_TABLE_LOCAL, ifa.rt.type, ifa.addr, 128, 0);
    ifa.rt = null;
  }
  ipv6Of(net).genid++;
}

const USER_FLAGS =
  IFA_F_NODAD |
  IFA_F_HOMEADDRESS |
  IFA_F_MANAGETEMPADDR |
  IFA6_F_NOPREFIXROUTE |
  IFA_F_MCAUTOJOIN |
  IFA_F_OPTIMISTIC;

function address(value: unknown): In6Addr {
  if (!(value instanceof Uint8Array) || value.length !== 16)
    throw new KernelError('EINVAL', 'ipv6: Invalid address');
  return in6FromBytes(value);
}

/** When a lifetime ends (ns), 0 for never. */
export function lifetimeEnd(now: number, seconds: number): number {
  return seconds === INFINITY6_LIFE_TIME ? 0 : now + seconds * 1e9;
}

/**
 * Adds an address, or changes its attributes with `replace`.
 * @errno ENODEV, EINVAL, EEXIST, EACCES, EADDRNOTAVAIL. @kernel inet6_rtm_newaddr(), inet6_addr_add()
 */
export function inet6AddAddress(net: Net, request: AddrNew): void {
  const addr = address(request.local);
  const peer = request.address === undefined ? addr : address(request.address);
  const valid = request.validLft ?? INFINITY6_LIFE_TIME;
  const preferred = request.preferredLft ?? INFINITY6_LIFE_TIME;
  if (valid === 0 || preferred > valid)
    throw new KernelError('EINVAL', 'ipv6: address lifetime invalid');
  const dev = net.devByIndex(request.ifindex);
  if (dev === undefined) throw new KernelError('ENODEV', 'ipv6: Unable to find the interface');
  if (request.prefixlen > 128) throw new KernelError('EINVAL', 'ipv6: Invalid prefix length');
  let flags = (request.flags ?? 0) & USER_FLAGS;
  const multicast = (ipv6AddrType(addr) & IPV6_ADDR_MULTICAST) !== 0;
  if (multicast && (flags & IFA_F_MCAUTOJOIN) === 0)
    throw new KernelError(
      'EINVAL',
      'ipv6: Cannot assign multicast address without "IFA_F_MCAUTOJOIN" flag',
    );
  const idev = usableDev(dev);
  if (valid === INFINITY6_LIFE_TIME) flags |= IFA6_F_PERMANENT;
  if (preferred === 0) flags |= IFA_F_DEPRECATED;
  const existing = ipv6GetIfaddr(dev, addr);
  if (existing !== undefined) {
    if (request.replace !== true) throw new KernelError('EEXIST', 'ipv6: address already assigned');
    modify(existing, flags, valid, preferred, request.metric ?? 0);
    return;
  }
  const ifa = ipv6AddAddr(idev, {
    addr,
    prefixlen: request.prefixlen,
    peer: in6Equal(peer, addr) ? null : peer,
    flags,
    validLft: valid,
    preferredLft: preferred,
    metric: request.metric ?? 0,
  });
  if ((flags & IFA6_F_NOPREFIXROUTE) === 0)
    addPrefixRoute(
      dev,
      addr,
      request.prefixlen,
      ifa.metric,
      lifetimeEnd(net.kernel.engine.now, valid),
      0,
    );
  if ((ifa.flags & (IFA_F_OPTIMISTIC | IFA_F_NODAD)) === 0) addrconfNotify(net, 'RTM_NEWADDR', ifa);
  ifa.flags &= ~IFA_F_OPTIMISTIC;
  addrconfDadStart(ifa);
  addrconfVerify(net);
}

/** @kernel addrconf_add_dev() */
function usableDev(dev: NetDevice): Inet6Dev {
  if (dev.mtu < IPV6_MIN_MTU && (dev.flags & Iff.IFF_LOOPBACK) === 0 && Inet6Dev.of(dev) === null)
    throw new KernelError('ENOBUFS');
  const idev = inet6DevInit(dev);
  if (idev.disabled && (dev.flags & Iff.IFF_LOOPBACK) === 0)
    throw new KernelError('EACCES', 'ipv6: IPv6 is disabled on this device');
  if ((dev.flags & Iff.IFF_LOOPBACK) === 0) addMroute(dev);
  return idev;
}

/** Groups are reached over every device that takes part. @kernel addrconf_add_mroute() */
function addMroute(dev: NetDevice): void {
  if (!dev.up) return;
  fib6AddKernelRoute(dev, {
    table: RT6_TABLE_LOCAL,
    type: RTN6_MULTICAST,
    dst: MULTICAST_PREFIX,
    dstLen: 8,
    metric: IP6_RT_PRIO_ADDRCONF,
  });
}

/** @kernel inet6_addr_modify() */
function modify(
  ifa: Inet6Ifaddr,
  flags: number,
  valid: number,
  preferred: number,
  metric: number,
): void {
  const { dev } = ifa.idev;
  const { now } = dev.kernel.engine;
  const kept =
    IFA_F_DEPRECATED |
    IFA6_F_PERMANENT |
    IFA_F_NODAD |
    IFA_F_HOMEADDRESS |
    IFA_F_MANAGETEMPADDR |
    IFA6_F_NOPREFIXROUTE;
  const had = (ifa.flags & IFA6_F_NOPREFIXROUTE) === 0;
  ifa.flags = (ifa.flags & ~kept) | (flags & kept);
  ifa.tstamp = now;
  ifa.validLft = valid;
  ifa.preferredLft = preferred;
  const prefix = in6Prefix(ifa.addr, ifa.prefixlen);
  const of = (m: number): number => (m !== 0 ? m : IP6_RT_PRIO_ADDRCONF);
  if (had)
    fib6DelKernelRoute(dev, RT6_TABLE_MAIN, RTN6_UNICAST, prefix, ifa.prefixlen, of(ifa.metric));
  if (metric !== 0) ifa.metric = metric;
  if ((ifa.flags & IFA6_F_NOPREFIXROUTE) === 0)
    addPrefixRoute(dev, prefix, ifa.prefixlen, ifa.metric, lifetimeEnd(now, valid), 0);
  addrconfNotify(dev.net, 'RTM_NEWADDR', ifa);
  addrconfVerify(dev.net);
}

/** @errno ENODEV, ENXIO, EADDRNOTAVAIL. @kernel inet6_addr_del() */
export function inet6DelAddress(
  net: Net,
  request: { readonly ifindex: number; readonly local: unknown; readonly prefixlen?: number },
): void {
  if ((request.prefixlen ?? 0) > 128)
    throw new KernelError('EINVAL', 'ipv6: Invalid prefix length');
  const dev = net.devByIndex(request.ifindex);
  if (dev === undefined) throw new KernelError('ENODEV', 'ipv6: Unable to find the interface');
  const idev = Inet6Dev.of(dev);
  if (idev === null) throw new KernelError('ENXIO', 'ipv6: IPv6 is disabled on this device');
  const addr = address(request.local);
  const ifa = idev.addresses.find(
    (other) =>
      in6Equal(other.addr, addr) &&
      (request.prefixlen === undefined || other.prefixlen === request.prefixlen),
  );
  if (ifa === undefined) throw new KernelError('EADDRNOTAVAIL', 'ipv6: address not found');
  addrconfDelete(ifa);
  addrconfVerify(net);
}

/** Gives a device its link-local address in the way that addr_gen_mode says. @kernel addrconf_addr_gen() */
export function addrconfAddrGen(idev: Inet6Dev): void {
  const { dev } = idev;
  let mode = idev.conf[Conf6.addr_gen_mode] as number;
  if (mode === IN6_ADDR_GEN_MODE_NONE) return;
  if (mode === IN6_ADDR_GEN_MODE_EUI64) {
    if (dev.type !== ARPHRD_NONE) {
      const made = linkLocalAddress(dev, LINK_LOCAL_PREFIX);
      if (made !== null) addLinkLocal(idev, made, 0);
      return;
    }
    mode = IN6_ADDR_GEN_MODE_RANDOM; // nothing to make one from
    idev.setConf(Conf6.addr_gen_mode, mode);
  }
  if (mode === IN6_ADDR_GEN_MODE_RANDOM) idev.stableSecret ??= randomSecret(dev);
  const made = ipv6StableAddress(idev, LINK_LOCAL_PREFIX, 0);
  if (made !== null) addLinkLocal(idev, made, IFA_F_STABLE_PRIVACY);
}

/** `ip link set … addrgenmode`: the next link-local address is made so. @errno EINVAL @kernel inet6_set_link_af() */
export function ipv6SetAddrGenMode(dev: NetDevice, mode: number): void {
  const idev = Inet6Dev.of(dev);
  if (idev === null) return;
  if (
    mode === IN6_ADDR_GEN_MODE_STABLE_PRIVACY &&
    (idev.stableSecret ?? ipv6Of(dev.net).stableSecretDefault) === null
  )
    throw new KernelError('EINVAL');
  idev.setConf(Conf6.addr_gen_mode, mode);
}

function randomSecret(dev: NetDevice): In6Addr {
  const random = dev.kernel.random('ip6-secret');
  return new In6Addr(random.u32() | 0, random.u32() | 0, random.u32() | 0, random.u32() | 0);
}

/** A stable address of a prefix for a device; null without a secret. */
export function ipv6StableAddress(
  idev: Inet6Dev,
  prefix: In6Addr,
  dadCount: number,
): In6Addr | null {
  const ipv6 = ipv6Of(idev.dev.net);
  const secret = idev.stableSecret ?? ipv6.stableSecretDefault;
  if (secret === null) return null;
  return stableAddress(idev.dev, prefix, secret, dadCount, ipv6.sysctl(Ipv6Sysctl.idgen_retries));
}

/** @kernel addrconf_add_linklocal() */
function addLinkLocal(idev: Inet6Dev, addr: In6Addr, flags: number): void {
  const { dev } = idev;
  if (ipv6GetIfaddr(dev, addr) !== undefined) return;
  const ipv6 = ipv6Of(dev.net);
  const optimistic =
    (idev.conf[Conf6.optimistic_dad] !== 0 || ipv6.confAll[Conf6.optimistic_dad] !== 0) &&
    ipv6.confAll[Conf6.forwarding] === 0;
  const ifa = ipv6AddAddr(idev, {
    addr,
    prefixlen: 64,
    flags: flags | IFA6_F_PERMANENT | (optimistic ? IFA_F_OPTIMISTIC : 0),
    proto: IFAPROT_KERNEL_LL,
  });
  addPrefixRoute(dev, addr, 64, 0, 0, 0);
  addrconfDadStart(ifa);
}

/** A stable address turned out to be taken: another one, by the next count. */
export function addrconfRegenerateStable(ifa: Inet6Ifaddr): void {
  const { idev } = ifa;
  const retry = ifa.stablePrivacyRetry + 1;
  const addr = ipv6StableAddress(idev, in6Prefix(ifa.addr, 64), retry);
  const { flags, prefixlen, validLft, preferredLft, proto } = ifa;
  addrconfDelete(ifa);
  if (addr === null) return;
  const next = ipv6AddAddr(idev, {
    addr,
    prefixlen,
    flags: flags & ~(IFA_F_TENTATIVE | IFA_F_DADFAILED),
    validLft,
    preferredLft,
    proto,
  });
  next.stablePrivacyRetry = retry;
  addPrefixRoute(
    idev.dev,
    addr,
    prefixlen,
    next.metric,
    0,
    proto === IFAPROT_KERNEL_LL ? 0 : RTF_ADDRCONF,
  );
  addrconfDadStart(next);
}

function initLoopback(idev: Inet6Dev): void {
  if (ipv6GetIfaddr(idev.dev, IN6ADDR_LOOPBACK) !== undefined) return;
  const ifa = ipv6AddAddr(idev, {
    addr: IN6ADDR_LOOPBACK,
    prefixlen: 128,
    flags: IFA6_F_PERMANENT,
    proto: IFAPROT_KERNEL_LO,
  });
  ifa.flags &= ~IFA_F_TENTATIVE;
  addrconfRouteIn(ifa);
  addrconfNotify(idev.dev.net, 'RTM_NEWADDR', ifa);
}

/** Makes a device ready for IPv6: groups, addresses, detection of what waits. */
function linkReady(idev: Inet6Dev): void {
  const { dev } = idev;
  idev.ready = true;
  if (idev.disabled) return;
  const loopback = (dev.flags & Iff.IFF_LOOPBACK) !== 0;
  ipv6McInit(idev, idev.forwarding);
  if (loopback) {
    initLoopback(idev);
  } else {
    addMroute(dev);
    addrconfAddrGen(idev);
  }
  for (const ifa of [...idev.addresses])
    if ((ifa.flags & IFA_F_TENTATIVE) !== 0 && ifa.state === 0 && ifa.dadTimer === null)
      dadKick(ifa);
}

/** Whether a device is up and can send. @kernel addrconf_link_ready() */
function isReady(dev: NetDevice): boolean {
  return dev.up && dev.carrier;
}

/** @kernel addrconf_ifdown() */
export function addrconfIfdown(dev: NetDevice, unregister: boolean): void {
  const idev = Inet6Dev.of(dev);
  if (idev === null) return;
  const keep = !unregister && keepsAddresses(idev);
  fib6DisableDevice(dev, unregister);
  ndiscDeviceDown(dev, unregister);
  idev.ready = false;
  idev.raRcvd = idev.raManaged = idev.raOther = false;
  idev.rsTimer?.cancel();
  for (const ifa of [...idev.addresses]) {
    const kept = keep && (ifa.flags & IFA6_F_PERMANENT) !== 0 && ifa.scope === RT6_SCOPE_GLOBAL;
    ifa.dadTimer?.cancel();
    ifa.dadTimer = null;
    if (kept) {
      ifa.rt = null;
      ifa.state = 0;
      if ((ifa.flags & IFA_F_NODAD) === 0) ifa.flags |= IFA_F_TENTATIVE;
      continue;
    }
    idev.addresses.splice(idev.addresses.indexOf(ifa), 1);
    dropAddress(ifa);
  }
  idev.anycast = null;
  ipv6McDown(idev);
  if (unregister) {
    idev.dead = true;
    dev.in6Dev = null;
  }
  ipv6Of(dev.net).genid++;
}

function keepsAddresses(idev: Inet6Dev): boolean {
  const all = ipv6Of(idev.dev.net).confAll[Conf6.keep_addr_on_down] as number;
  const own = idev.conf[Conf6.keep_addr_on_down] as number;
  return (all > 0 && own >= 0) || own > 0;
}

/** Addresses that outlived the device's going down get their routes back. @kernel addrconf_permanent_addr() */
function restore(idev: Inet6Dev): void {
  for (const ifa of idev.addresses) {
    if ((ifa.flags & IFA6_F_PERMANENT) === 0 || ifa.rt !== null) continue;
    if ((ifa.flags & IFA6_F_NOPREFIXROUTE) === 0)
      addPrefixRoute(idev.dev, ifa.addr, ifa.prefixlen, ifa.metric, 0, 0);
    if (ifa.state === 0) addrconfDadStart(ifa);
  }
}

/** The device came up. */
function deviceUp(dev: NetDevice): void {
  if (dev.mtu < IPV6_MIN_MTU && (dev.flags & Iff.IFF_LOOPBACK) === 0) return;
  if ((dev.flags & Iff.IFF_SLAVE) !== 0) return; // its bond speaks for it
  const idev = inet6DevInit(dev);
  idev.mtu6 = dev.mtu;
  if (!idev.disabled && !ipv6McInit(idev, idev.forwarding)) ipv6McUp(idev);
  if (!isReady(dev)) return;
  linkReady(idev);
  if (!idev.disabled) restore(idev);
}

/** Carrier came or went. */
function deviceChange(dev: NetDevice): void {
  const idev = Inet6Dev.of(dev);
  if (idev === null || !dev.up || (dev.flags & Iff.IFF_SLAVE) !== 0) return;
  fib6SyncCarrier(dev);
  if (!isReady(dev)) {
    if (idev.conf[Conf6.ndisc_evict_nocarrier] !== 0 && idev.ready) ndiscDeviceDown(dev, false);
    idev.ready = false;
    return;
  }
  if (idev.ready) return;
  linkReady(idev);
  for (const ifa of [...idev.addresses])
    if ((ifa.flags & IFA_F_TENTATIVE) === 0 && ifa.rt === null) addrconfDadStart(ifa);
  if (idev.addresses.length > 0 && !idev.disabled) addrconfSolicitAgain(idev);
}

/** Turns IPv6 on a device off or on. @kernel dev_disable_change() */
export function addrconfDisable(dev: NetDevice, off: boolean): void {
  if (off) {
    addrconfIfdown(dev, false);
    return;
  }
  if (dev.up) deviceUp(dev);
}

/** Follows the lives of devices. @kernel addrconf_notify() */
export function inet6devEvent(event: NetdevEvent, dev: NetDevice): void {
  switch (event) {
    case 'REGISTER':
      if (dev.mtu >= IPV6_MIN_MTU) inet6DevInit(dev);
      break;
    case 'UP':
      deviceUp(dev);
      break;
    case 'CHANGE':
      deviceChange(dev);
      break;
    case 'DOWN':
      addrconfIfdown(dev, false);
      break;
    case 'UNREGISTER':
      addrconfIfdown(dev, true);
      break;
    case 'CHANGEMTU': {
      if (dev.mtu < IPV6_MIN_MTU) {
        if ((dev.flags & Iff.IFF_LOOPBACK) === 0) addrconfIfdown(dev, true);
        break;
      }
      const idev = Inet6Dev.of(dev);
      if (idev !== null) {
        idev.mtu6 = dev.mtu;
        fib6MtuChange(dev);
      } else {
        inet6DevInit(dev);
        if (dev.up) deviceUp(dev);
      }
      break;
    }
    case 'CHANGEADDR':
      ndiscDeviceDown(dev, false);
      break;
    default:
      break;
  }
}
