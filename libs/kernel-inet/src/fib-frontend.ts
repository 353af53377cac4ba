/**
 * The tables of routes together: lookups through the rules, what an address is to this host, source checks.
 * ipRouteInput, ipRouteOutput → fibLookup → FibTable. Sources: net/ipv4/fib_frontend.c, fib_rules.c.
 */
import { Errno } from '@netloom/base';
import type { Net, NetDevice } from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import {
  FibTable,
  RTN_BLACKHOLE,
  RTNH_F_DEAD,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_THROW,
  RTN_UNICAST,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  type FibInfo,
  type FibNh,
  type FibRoute,
} from './fib-table.js';
import { fibRulesLookup } from './fib-rules.js';
import { Conf, IFA_F_SECONDARY, InDevice } from './in-device.js';
import {
  ipv4Of,
  RT_TABLE_DEFAULT,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  type NetnsIpv4,
} from './ipv4-net.js';

export interface FibResult {
  route: FibRoute;
  nh: FibNh;
}

/** What a lookup may want to know beside addresses and devices. Zero is "any" or "not known". */
export interface FlowDetails {
  /** RT_SCOPE_LINK: only what is on the link. */
  readonly scope: number;
  readonly protocol: number;
  readonly sport: number;
  readonly dport: number;
  readonly uid: number;
}

const NO_DETAILS: FlowDetails = Object.freeze({
  scope: 0,
  protocol: 0,
  sport: 0,
  dport: 0,
  uid: 0,
});

/** The table of a number, or undefined where it has no routes. */
export function fibGetTable(net: Net, id: number): FibTable | undefined {
  return ipv4Of(net).tables.get(id);
}

/** The table of a number, made where there is none. */
export function fibNewTable(net: Net, id: number): FibTable {
  const ipv4 = ipv4Of(net);
  let table = ipv4.tables.get(id);
  if (table === undefined) {
    table = new FibTable(id);
    ipv4.tables.set(id, table);
  }
  return table;
}

function usableNh(info: FibInfo, oif: number): FibNh | null {
  const nhs = info.nexthops;
  for (let i = 0; i < nhs.length; i++) {
    const nh = nhs[i] as FibNh;
    if ((nh.flags & RTNH_F_DEAD) === 0 && (oif === 0 || nh.dev.ifindex === oif)) return nh;
  }
  return null;
}

const NO_NEXTHOP: FibNh = Object.freeze({
  dev: undefined as unknown as NetDevice,
  gateway: 0,
  weight: 1,
  flags: 0,
  scope: RT_SCOPE_NOWHERE,
  rthInput: null,
  rthOutput: null,
});

function result(route: FibRoute, oif: number): FibResult {
  return { route, nh: usableNh(route.info, oif) ?? NO_NEXTHOP };
}

/**
 * The route of an address through local, main and default tables, or as the rules say where somebody changed them; null
 * when there is none. @kernel fib_lookup()
 */
export function fibLookup(
  net: Net,
  daddr: number,
  tos: number,
  oif: number,
  saddr = 0,
  mark = 0,
  iif = 0,
  flow: FlowDetails = NO_DETAILS,
): FibResult | null {
  const ipv4 = ipv4Of(net);
  if (ipv4.customRules) {
    const found = fibRulesLookup(net, { daddr, saddr, tos, mark, iif, oif, ...flow });
    if (found === null) return null;
    const vrf = oif !== 0 && (net.devByIndex(oif)?.l3mdevTable ?? 0) !== 0;
    return result(found, vrf ? 0 : oif);
  }
  const route =
    ipv4.local.lookup(daddr, tos, oif, flow.scope) ??
    ipv4.main.lookup(daddr, tos, oif, flow.scope) ??
    ipv4.tables.get(RT_TABLE_DEFAULT)?.lookup(daddr, tos, oif, flow.scope) ??
    null;
  if (route === null || route.info.type === RTN_THROW) return null;
  return result(route, oif);
}

/** Forgets what ICMP taught. @kernel fnhe_genid_bump() */
export function fibFlushExceptions(net: Net): void {
  for (const table of ipv4Of(net).tables.values()) {
    for (const route of table.routes())
      for (const nh of route.info.nexthops) nh.exceptions?.clear();
  }
}

/** net.ipv4.conf.*.shared_media: several subnets may share the link. */
export function sharesMedia(ipv4: NetnsIpv4, inDev: InDevice): boolean {
  return inDev.conf[Conf.shared_media] !== 0 || ipv4.confAll[Conf.shared_media] !== 0;
}

/** What an address is in the tables of VRFs. */
function vrfAddrType(net: Net, address: number): number {
  for (const dev of net.devices) {
    if (dev.l3mdevTable === 0) continue;
    const type = fibGetTable(net, dev.l3mdevTable)?.lookup(address, 0, 0)?.info.type;
    if (type === RTN_LOCAL || type === RTN_BROADCAST) return type;
  }
  return RTN_UNICAST;
}

/** What an address is to this host: RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST or RTN_UNICAST. @kernel inet_addr_type() */
export function inetAddrType(net: Net, address: number): number {
  if (address === 0 || address === 0xffffffff) return RTN_BROADCAST;
  if (address >>> 28 === 14) return RTN_MULTICAST;
  const ipv4 = ipv4Of(net);
  const type = ipv4.local.lookup(address, 0, 0)?.info.type;
  if (type !== undefined || !ipv4.customRules) return type ?? RTN_UNICAST;
  return vrfAddrType(net, address);
}

/**
 * Whether a packet from `saddr` may come in on this device.
 * @param oif the device it would leave by, 0 for a packet to this host
 * @returns 0; -EXDEV where reverse path filtering refuses; -EINVAL for an address of our own or a group's. @kernel fib_validate_source()
 */
export function fibValidateSource(
  net: Net,
  saddr: number,
  tos: number,
  inDev: InDevice,
  oif: number,
): number {
  const ipv4 = ipv4Of(net);
  const { conf, dev } = inDev;
  const rpf = Math.max(ipv4.confAll[Conf.rp_filter] as number, conf[Conf.rp_filter] as number);
  const acceptLocal =
    conf[Conf.accept_local] !== 0 ||
    ipv4.confAll[Conf.accept_local] !== 0 ||
    (dev.flags & Iff.IFF_LOOPBACK) !== 0;
  if (rpf === 0 && (oif !== dev.ifindex || !sendsRedirects(ipv4, inDev))) {
    if (acceptLocal) return 0;
    return ipv4.local.lookup(saddr, 0, 0)?.info.type === RTN_LOCAL ? -Errno.EINVAL : 0; // a broadcast address passes
  }
  const res = fibLookup(net, saddr, tos, 0);
  const type = res?.route.info.type;
  if (type === undefined || type >= RTN_BLACKHOLE) return rpf === 0 ? 0 : -Errno.EXDEV;
  if (type !== RTN_UNICAST && (type !== RTN_LOCAL || !acceptLocal)) return -Errno.EINVAL;
  if (res?.route.info.nexthops.some((nh) => nh.dev === dev) === true) return 0;
  return rpf === 1 ? -Errno.EXDEV : 0;
}

/** net.ipv4.conf.*.send_redirects, which `all` or the device may turn on. */
export function sendsRedirects(ipv4: NetnsIpv4, inDev: InDevice): boolean {
  return inDev.conf[Conf.send_redirects] !== 0 || ipv4.confAll[Conf.send_redirects] !== 0;
}

/** The source address that fits a destination best on a device. @kernel inet_select_addr() */
export function fibSelectSource(dev: NetDevice, dst: number, scope: number): number {
  const inDev = InDevice.of(dev);
  if (inDev !== null) {
    const widest = inDev.conf[Conf.route_localnet] !== 0 ? RT_SCOPE_LINK : RT_SCOPE_HOST; // host scope leaves the host only then
    let fallback = 0;
    for (const ifa of inDev.addresses) {
      if ((ifa.flags & IFA_F_SECONDARY) !== 0) continue;
      if (Math.min(ifa.scope, widest) > scope) continue;
      if (dst === 0 || ((ifa.address ^ dst) & ifa.mask) === 0) return ifa.local;
      if (fallback === 0) fallback = ifa.local;
    }
    if (fallback !== 0) return fallback;
  }
  for (const other of dev.net.devices) {
    for (const ifa of InDevice.of(other)?.addresses ?? []) {
      if ((ifa.flags & IFA_F_SECONDARY) === 0 && ifa.scope !== RT_SCOPE_LINK && ifa.scope <= scope)
        return ifa.local;
    }
  }
  return 0;
}

/** Adds a route to its table, which is made where there is none. */
export function fibInsertRoute(
  net: Net,
  dst: number,
  dstLen: number,
  info: FibInfo,
  before = false,
): FibRoute {
  const route: FibRoute = { dst, dstLen, info };
  fibNewTable(net, info.table).insert(route, before);
  ipv4Of(net).genid++;
  return route;
}

/** Takes a route object out of its table. */
export function fibRemoveRoute(net: Net, table: FibTable, route: FibRoute): void {
  table.remove(route);
  ipv4Of(net).genid++;
}

/** The IPv4 tables of a new namespace. */
export function fibTables(): { readonly local: FibTable; readonly main: FibTable } {
  return { local: new FibTable(RT_TABLE_LOCAL), main: new FibTable(RT_TABLE_MAIN) };
}

/** Lists the local and the main table among the namespace's. */
export function fibRegister(ipv4: NetnsIpv4): void {
  ipv4.tables.set(RT_TABLE_LOCAL, ipv4.local);
  ipv4.tables.set(RT_TABLE_MAIN, ipv4.main);
}
