/**
 * IPv4's answers to rtnetlink: addresses, routes, rules, neighbours. Sources: net/ipv4/devinet.c, fib_frontend.c,
 * net/core/neighbour.c.
 */
import { KernelError } from '@netloom/base';
import {
  NEIGH_UPDATE_F_ADMIN,
  NEIGH_UPDATE_F_OVERRIDE,
  type KernelModules,
  type Net,
  type NetDevice,
  type RtnlFamily,
} from '@netloom/kernel-core';
import {
  arpCreate,
  arpLookup,
  arpRemove,
  fibDelRoute,
  fibDelRule,
  fibExceptionMsgs,
  fibNewRoute,
  fibNewRule,
  fibRouteMsg,
  fibRuleMsg,
  InDevice,
  inetAddAddress,
  inetAddrMsg,
  inetDelAddress,
  ipv4Of,
  neighMsg,
} from '@netloom/kernel-inet';
import { AF_INET, Nud, type NeighMsg, type NeighNew, type RouteMsg, type Rtnl } from '@netloom/sys';
import { tcpNet } from '@netloom/kernel-tcp';
import { routeGet } from './rtnl-route-get.js';

function devices(net: Net, ifindex: number | undefined): readonly NetDevice[] {
  if (ifindex === undefined) return net.devices;
  const dev = net.devByIndex(ifindex);
  return dev === undefined ? [] : [dev];
}

function routeDump(net: Net, wanted: number | undefined): RouteMsg[] {
  const tables = [...ipv4Of(net).tables.values()].sort((a, b) => a.id - b.id);
  return tables
    .filter((table) => wanted === undefined || table.id === wanted)
    .flatMap((table) =>
      table
        .routes()
        .sort((a, b) => a.dst - b.dst || b.dstLen - a.dstLen)
        .map(fibRouteMsg),
    );
}

function neighDump(net: Net, request: Rtnl['RTM_GETNEIGH']['req']): NeighMsg[] {
  if (request.proxy === true) return proxyDump(net, request.ifindex);
  return devices(net, request.ifindex)
    .filter((dev) => request.master === undefined || dev.master?.ifindex === request.master)
    .flatMap((dev) => [...(dev.neigh4?.values() ?? [])].map(neighMsg));
}

const NTF_PROXY = 8;
/** NTF_EXT_LEARNED, NTF_ROUTER: what an entry keeps of the flags it was given. */
const NTF_KEPT = 0x90;

/** Addresses that are answered for. @kernel pneigh_dump_table() */
function proxyDump(net: Net, ifindex: number | undefined): NeighMsg[] {
  return [...(ipv4Of(net).proxies ?? [])].flatMap(([index, addresses]) =>
    ifindex !== undefined && ifindex !== index
      ? []
      : [...addresses].map((dst) => ({
          family: AF_INET,
          ifindex: index,
          dst,
          state: Nud.NUD_NONE,
          flags: NTF_PROXY,
        })),
  );
}

function proxyNew(net: Net, request: NeighNew): void {
  if (typeof request.dst !== 'number')
    throw new KernelError('EINVAL', 'Network address not specified');
  const proxies = (ipv4Of(net).proxies ??= new Map<number, Set<number>>());
  const set = proxies.get(request.ifindex) ?? new Set<number>();
  proxies.set(request.ifindex, set.add(request.dst));
}

function proxyDelete(net: Net, request: Omit<NeighNew, 'mode'>): void {
  const set = ipv4Of(net).proxies?.get(request.ifindex);
  if (typeof request.dst !== 'number' || set?.delete(request.dst) !== true)
    throw new KernelError('ENOENT');
}

function neighNew(net: Net, request: NeighNew): void {
  if (((request.flags ?? 0) & NTF_PROXY) !== 0) {
    proxyNew(net, request);
    return;
  }
  const dev = net.devByIndex(request.ifindex);
  if (dev === undefined) throw new KernelError('ENODEV');
  if (typeof request.dst !== 'number')
    throw new KernelError('EINVAL', 'Network address not specified');
  const existing = arpLookup(dev, request.dst);
  const state = request.state ?? Nud.NUD_PERMANENT;
  if (existing === undefined && request.mode === 'change') throw new KernelError('ENOENT');
  if (existing !== undefined && request.mode === 'add') throw new KernelError('EEXIST');
  const valid =
    (state &
      (Nud.NUD_PERMANENT | Nud.NUD_REACHABLE | Nud.NUD_STALE | Nud.NUD_DELAY | Nud.NUD_PROBE)) !==
    0;
  if (existing === undefined && valid && request.lladdr === undefined)
    throw new KernelError('EINVAL', 'No link layer address given');
  const neigh = existing ?? arpCreate(dev, request.dst);
  if (neigh === null) throw new KernelError('ENOBUFS');
  neigh.flags = (neigh.flags & ~NTF_KEPT) | ((request.flags ?? 0) & NTF_KEPT);
  const view =
    request.lladdr === undefined
      ? undefined
      : new DataView(request.lladdr.buffer, request.lladdr.byteOffset, request.lladdr.length);
  neigh.update(
    view === undefined ? null : linkAddress(view),
    state,
    NEIGH_UPDATE_F_ADMIN | (request.mode === 'append' ? 0 : NEIGH_UPDATE_F_OVERRIDE),
  );
}

/** A link-layer address as a neighbour keeps it: Ethernet's six bytes, or the four of a tunnel's end. @errno EINVAL */
function linkAddress(view: DataView): { readonly hi: number; readonly lo: number } {
  if (view.byteLength === 4) return { hi: 0, lo: view.getUint32(0) };
  if (view.byteLength < 6) throw new KernelError('EINVAL', 'Invalid link address');
  return { hi: view.getUint16(0), lo: view.getUint32(2) };
}

function neighDelete(net: Net, request: Omit<NeighNew, 'mode'>): void {
  if (((request.flags ?? 0) & NTF_PROXY) !== 0) {
    proxyDelete(net, request);
    return;
  }
  const dev = net.devByIndex(request.ifindex);
  if (dev === undefined) throw new KernelError('ENODEV');
  const neigh = typeof request.dst === 'number' ? arpLookup(dev, request.dst) : undefined;
  if (neigh === undefined) throw new KernelError('ENOENT');
  neigh.update(null, Nud.NUD_FAILED, NEIGH_UPDATE_F_ADMIN | NEIGH_UPDATE_F_OVERRIDE);
  arpRemove(neigh);
}

const rtnlInet: RtnlFamily = {
  family: AF_INET,
  getAddr: (net, { ifindex }) =>
    devices(net, ifindex).flatMap((dev) => (InDevice.of(dev)?.addresses ?? []).map(inetAddrMsg)),
  newAddr: inetAddAddress,
  delAddr: inetDelAddress,
  getRoute: (net, { table, cache }) =>
    cache === true ? fibExceptionMsgs(net) : routeDump(net, table),
  newRoute: (net, request) => {
    const algorithm = request.metrics?.['congctl'];
    if (algorithm !== undefined && tcpNet(net).congestion.find(String(algorithm)) === undefined)
      throw new KernelError('EINVAL', 'Unknown tcp congestion algorithm');
    fibNewRoute(net, request);
  },
  delRoute: fibDelRoute,
  routeGet,
  getRule: (net) => ipv4Of(net).rules.map((rule) => fibRuleMsg(net, rule)),
  newRule: (net, request) => {
    net.notify({ type: 'RTM_NEWRULE', rule: fibRuleMsg(net, fibNewRule(net, request)) });
  },
  delRule: (net, request) => {
    net.notify({ type: 'RTM_DELRULE', rule: fibRuleMsg(net, fibDelRule(net, request)) });
  },
  getNeigh: neighDump,
  newNeigh: neighNew,
  delNeigh: neighDelete,
};

/** Lets IPv4 answer rtnetlink. */
export function registerRtnlInet(modules: KernelModules): void {
  modules.addRtnlFamily(rtnlInet);
}
