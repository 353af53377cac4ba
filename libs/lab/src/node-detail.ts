/** What a node looks like from outside: interfaces, addresses, counters, routes, namespaces, processes. */
import { formatIpv4, formatIpv6, formatMac, KernelError } from '@netloom/base';
import type { TaskHost } from '@netloom/kernel-tasks';
import {
  Iff,
  OpenFlag,
  type AddrMsg,
  type IpAddr,
  type LinkMsg,
  type RouteMsg,
  type Sys,
} from '@netloom/sys';
import type { InterfaceDetail, NamespaceDetail, NodeDetail, RouteDetail } from './port.js';

const AF_INET = 2;
const AF_INET6 = 10;
const OPERSTATES = ['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP'];
const SCOPES: Readonly<Record<number, string>> = {
  0: 'global',
  200: 'site',
  253: 'link',
  254: 'host',
  255: 'nowhere',
};
const TABLES: Readonly<Record<number, string>> = { 253: 'default', 254: 'main', 255: 'local' };
const PROTOCOLS: Readonly<Record<number, string>> = {
  0: 'unspec',
  1: 'redirect',
  2: 'kernel',
  3: 'boot',
  4: 'static',
  9: 'ra',
  16: 'dhcp',
};
const ROUTE_TYPES = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
];

export function ipText(address: IpAddr): string {
  return typeof address === 'number' ? formatIpv4(address) : formatIpv6(address);
}

/** The system calls of the host's first process. */
export function rootSys(host: TaskHost): Sys {
  return host.createSys(host.init);
}

function flagNames(flags: number): string[] {
  return Object.entries(Iff)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name.slice('IFF_'.length));
}

function family(number: number): 'inet' | 'inet6' {
  return number === AF_INET6 ? 'inet6' : 'inet';
}

function interfaceDetail(
  link: LinkMsg,
  addresses: readonly AddrMsg[],
  names: ReadonlyMap<number, string>,
): InterfaceDetail {
  const master = link.master === undefined ? undefined : names.get(link.master);
  return {
    ifindex: link.ifindex,
    name: link.ifname,
    mac: formatMac(link.address, 0, link.address.length),
    mtu: link.mtu,
    flags: flagNames(link.flags),
    operstate: OPERSTATES[link.operstate] ?? 'UNKNOWN',
    addresses: addresses
      .filter((address) => address.ifindex === link.ifindex)
      .map((address) => ({
        family: family(address.family),
        address: ipText(address.local),
        prefixLength: address.prefixlen,
        scope: SCOPES[address.scope] ?? String(address.scope),
        ...(address.broadcast === undefined ? {} : { broadcast: formatIpv4(address.broadcast) }),
        ...(address.label === undefined ? {} : { label: address.label }),
      })),
    counters: { ...link.stats },
    ...(link.kind === undefined ? {} : { kind: link.kind }),
    ...(master === undefined ? {} : { master }),
  };
}

function routeDetail(route: RouteMsg, names: ReadonlyMap<number, string>): RouteDetail {
  const isDefault = route.dst === undefined || route.dstLen === 0;
  return {
    family: family(route.family),
    type: ROUTE_TYPES[route.type] ?? String(route.type),
    destination: isDefault ? 'default' : `${ipText(route.dst ?? 0)}/${route.dstLen}`,
    table: TABLES[route.table] ?? String(route.table),
    protocol: PROTOCOLS[route.protocol] ?? String(route.protocol),
    scope: SCOPES[route.scope] ?? String(route.scope),
    nextHops: route.nexthops.map((hop) => ({
      interface: names.get(hop.ifindex) ?? String(hop.ifindex),
      weight: hop.weight,
      ...(hop.via === undefined ? {} : { via: ipText(hop.via) }),
    })),
    ...(route.priority === undefined ? {} : { metric: route.priority }),
    ...(route.prefsrc === undefined ? {} : { source: ipText(route.prefsrc) }),
  };
}

/** A dump, or nothing where the host lacks that family. */
function dump<T>(ask: () => T[]): T[] {
  try {
    return ask();
  } catch (error) {
    if (error instanceof KernelError) return [];
    throw error;
  }
}

function namespaceDetail(sys: Sys, name: string): NamespaceDetail {
  const links = sys.rtnl('RTM_GETLINK', {});
  const names = new Map(links.map((link) => [link.ifindex, link.ifname]));
  const addresses = dump(() => sys.rtnl('RTM_GETADDR', {}));
  const routes = [AF_INET, AF_INET6].flatMap((af) =>
    dump(() => sys.rtnl('RTM_GETROUTE', { family: af })),
  );
  return {
    name,
    interfaces: links.map((link) => interfaceDetail(link, addresses, names)),
    routes: routes.map((route) => routeDetail(route, names)),
  };
}

/** The first namespace and those that `ip netns` has given names. */
export function namespaceDetails(host: TaskHost): NamespaceDetail[] {
  const sys = rootSys(host);
  const out = [namespaceDetail(sys, '')];
  for (const path of host.vfs.namespaceMounts) {
    const home = sys.open('/proc/self/ns/net', OpenFlag.O_RDONLY);
    try {
      const fd = sys.open(path, OpenFlag.O_RDONLY);
      try {
        sys.setns(fd);
        out.push(namespaceDetail(sys, path.slice(path.lastIndexOf('/') + 1)));
      } finally {
        sys.setns(home);
        sys.close(fd);
      }
    } catch (error) {
      if (!(error instanceof KernelError)) throw error; // it has just been removed
    } finally {
      sys.close(home);
    }
  }
  return out;
}

/** Addresses with prefix length, without loopback and link-local ones; of one interface, or all. */
export function addressTexts(host: TaskHost, interfaceName?: string): string[] {
  const sys = rootSys(host);
  const links = sys.rtnl('RTM_GETLINK', {});
  return dump(() => sys.rtnl('RTM_GETADDR', {}))
    .filter((address) => address.scope === 0)
    .filter((address) => {
      const link = links.find((candidate) => candidate.ifindex === address.ifindex);
      if (link === undefined || (link.flags & Iff.IFF_LOOPBACK) !== 0) return false;
      return interfaceName === undefined || link.ifname === interfaceName;
    })
    .map((address) => `${ipText(address.local)}/${address.prefixlen}`);
}

export function interfaceNames(host: TaskHost): string[] {
  return rootSys(host)
    .rtnl('RTM_GETLINK', {})
    .filter((link) => (link.flags & Iff.IFF_LOOPBACK) === 0)
    .map((link) => link.ifname);
}

export function processList(host: TaskHost): NodeDetail['processes'] {
  return rootSys(host)
    .processes()
    .map(({ pid, ppid, argv, state }) => ({ pid, ppid, argv, state }));
}
