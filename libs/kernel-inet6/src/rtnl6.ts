/**
 * IPv6's answers to rtnetlink: addresses, routes, rules, neighbours. Sources: net/ipv6/addrconf.c, route.c, and
 * net/core/neighbour.c for the requests' checks.
 */
import { Errno, KernelError } from '@netloom/base';
import {
  DropReason,
  LL_MAX_HEADER,
  NEIGH_UPDATE_F_ADMIN,
  NEIGH_UPDATE_F_OVERRIDE,
  PACKET_HOST,
  skbPut,
  type Net,
  type NetDevice,
  type RtnlFamily,
} from '@netloom/kernel-core';
import {
  AF_INET6,
  IPPROTO_UDP,
  Nud,
  type NeighMsg,
  type NeighNew,
  type RouteGet,
  type RouteMsg,
} from '@netloom/sys';
import {
  IN6ADDR_ANY,
  in6Bytes,
  in6Equal,
  in6FromBytes,
  in6SolicitedNode,
  IP6_HLEN,
  ip6hWrite,
  type In6Addr,
} from '@netloom/wire';
import { inet6AddAddress, inet6AddrMsg, inet6DelAddress } from './addrconf.js';
import { ipv6DevGetSaddr } from './addr-select.js';
import { fib6DelRoute, fib6Dump, fib6NewRoute, fib6RouteMsg } from './fib6-frontend.js';
import { fib6DelRule, fib6NewRule, fib6RuleMsg, fib6Rules } from './fib6-rules.js';
import { RTN6_LOCAL } from './fib6-table.js';
import { Flow6 } from './flow6.js';
import { Inet6Dev } from './inet6-dev.js';
import { ipv6Of } from './ipv6-net.js';
import { ipv6DevMcDec, ipv6DevMcInc } from './mcast6.js';
import {
  neigh6Msg,
  ndiscCreate,
  ndiscEntries,
  ndiscLookup,
  ndiscRemove,
  NTF_PROXY,
  NTF_ROUTER,
} from './ndisc-cache.js';
import { fib6FindFlow, ip6RouteInput, ip6RouteOutput, type Rt6Info } from './route6.js';

const RTM_F_CLONED = 0x200;

function devices(net: Net, ifindex: number | undefined): readonly NetDevice[] {
  if (ifindex === undefined) return net.devices;
  const dev = net.devByIndex(ifindex);
  return dev === undefined ? [] : [dev];
}

function addr6(value: unknown): In6Addr | null {
  return value instanceof Uint8Array && value.length === 16 ? in6FromBytes(value) : null;
}

/** `ip -6 route get`. @kernel inet6_rtm_getroute() */
function routeGet(net: Net, request: RouteGet): RouteMsg {
  const fl = new Flow6(addr6(request.dst) ?? IN6ADDR_ANY);
  const source = addr6(request.src);
  if (source !== null) fl.saddr = source;
  fl.oif = request.oif ?? 0;
  fl.mark = request.mark ?? 0;
  fl.protocol = request.ipproto ?? 0;
  fl.sport = request.sport ?? 0;
  fl.dport = request.dport ?? 0;
  fl.flowLabel = (request.tos ?? 0) << 20;
  if (request.fibMatch === true) {
    const found = fib6FindFlow(net, fl);
    if (found === null) throw new KernelError('ENETUNREACH');
    return fib6RouteMsg(net, found);
  }
  const rt = request.iif === undefined ? ip6RouteOutput(net, fl) : input(net, request.iif, fl);
  if (rt.error !== 0) throw new KernelError(rt.error);
  const { from } = rt;
  if (from === null) throw new KernelError('ENETUNREACH');
  const left = rt.pmtu !== 0 ? rt.pmtuExpires - net.kernel.engine.now : 0;
  const prefsrc =
    rt.prefsrc ??
    (request.iif === undefined ? ipv6DevGetSaddr(net, rt.realDev, fl.daddr, 0) : null);
  const metrics = { ...from.metrics, ...(rt.pmtu !== 0 ? { mtu: rt.pmtu } : {}) };
  const base = fib6RouteMsg(net, from);
  return {
    ...base,
    dst: in6Bytes(fl.daddr),
    dstLen: 128,
    src: in6Bytes(fl.saddr),
    srcLen: 128,
    flags: rt.pmtu !== 0 || rt.redirected ? RTM_F_CLONED : 0,
    nexthops: [
      {
        ifindex: rt.type === RTN6_LOCAL ? net.loopback.ifindex : rt.dev.ifindex,
        weight: 1,
        flags: 0,
        ...(rt.gateway !== null ? { via: in6Bytes(rt.gateway) } : {}),
      },
    ],
    ...(prefsrc !== null ? { prefsrc: in6Bytes(prefsrc) } : {}),
    ...(Object.keys(metrics).length > 0 ? { metrics } : {}),
    ...(left > 0 ? { expires: Math.floor(left / 1e9) } : {}),
    ...(request.iif !== undefined ? { iif: request.iif } : {}),
    ...(request.mark !== undefined ? { mark: request.mark } : {}),
  };
}

/** Asks the input side with a packet made up for the purpose, as the kernel does. */
function input(net: Net, iif: number, fl: Flow6): Rt6Info {
  const dev = net.devByIndex(iif);
  if (dev === undefined) throw new KernelError('ENODEV');
  const skb = net.kernel.pool.alloc(IP6_HLEN + 8, LL_MAX_HEADER);
  if (skb === null) throw new KernelError('ENOBUFS');
  skb.dev = dev;
  skb.pktType = PACKET_HOST;
  skb.mark = fl.mark;
  const o = skbPut(skb, IP6_HLEN + 8);
  skb.networkHeader = o;
  ip6hWrite(skb.mem, o, fl.flowLabel, 8, fl.protocol || IPPROTO_UDP, 64, fl.saddr, fl.daddr);
  const refused = ip6RouteInput(skb, dev);
  const rt = skb.dst as Rt6Info;
  skb.pool.release(skb);
  if (refused !== 0)
    throw new KernelError(refused === DropReason.IP_RPFILTER ? Errno.EXDEV : Errno.EINVAL);
  return rt;
}

function proxyMsg(dev: NetDevice, addr: In6Addr): NeighMsg {
  return {
    family: AF_INET6,
    ifindex: dev.ifindex,
    dst: in6Bytes(addr),
    state: Nud.NUD_NONE,
    flags: NTF_PROXY,
  };
}

function neighDev(net: Net, request: { readonly ifindex: number }): NetDevice {
  const dev = net.devByIndex(request.ifindex);
  if (dev === undefined) throw new KernelError('ENODEV');
  return dev;
}

function neighNew(net: Net, request: NeighNew): void {
  const dev = neighDev(net, request);
  const addr = addr6(request.dst);
  if (addr === null) throw new KernelError('EINVAL', 'Network address not specified');
  const idev = Inet6Dev.of(dev);
  if (((request.flags ?? 0) & NTF_PROXY) !== 0) {
    if (idev === null) throw new KernelError('ENOBUFS');
    if ((idev.proxies ?? []).some((proxy) => in6Equal(proxy, addr))) return;
    (idev.proxies ??= []).push(addr);
    ipv6DevMcInc(dev, in6SolicitedNode(addr)); // questions about it are to be heard
    return;
  }
  const existing = ndiscLookup(dev, addr);
  const state = request.state ?? Nud.NUD_PERMANENT;
  if (existing === null && request.mode === 'change') throw new KernelError('ENOENT');
  if (existing !== null && request.mode === 'add') throw new KernelError('EEXIST');
  const valid =
    (state &
      (Nud.NUD_PERMANENT | Nud.NUD_REACHABLE | Nud.NUD_STALE | Nud.NUD_DELAY | Nud.NUD_PROBE)) !==
    0;
  if (existing === null && valid && request.lladdr === undefined)
    throw new KernelError('EINVAL', 'No link layer address given');
  const neigh = existing ?? ndiscCreate(dev, addr);
  if (neigh === null) throw new KernelError('ENOBUFS');
  const flags = request.flags ?? 0;
  neigh.flags = (neigh.flags & ~NTF_ROUTER) | (flags & NTF_ROUTER);
  const view =
    request.lladdr === undefined
      ? undefined
      : new DataView(request.lladdr.buffer, request.lladdr.byteOffset);
  neigh.update(
    view === undefined ? null : { hi: view.getUint16(0), lo: view.getUint32(2) },
    state,
    NEIGH_UPDATE_F_ADMIN | (request.mode === 'append' ? 0 : NEIGH_UPDATE_F_OVERRIDE),
  );
}

function neighDelete(net: Net, request: Omit<NeighNew, 'mode'>): void {
  const dev = neighDev(net, request);
  const addr = addr6(request.dst);
  if (addr === null) throw new KernelError('EINVAL', 'Network address not specified');
  if (((request.flags ?? 0) & NTF_PROXY) !== 0) {
    const list = Inet6Dev.of(dev)?.proxies ?? [];
    const at = list.findIndex((proxy) => in6Equal(proxy, addr));
    if (at < 0) throw new KernelError('ENOENT');
    list.splice(at, 1);
    ipv6DevMcDec(dev, in6SolicitedNode(addr));
    return;
  }
  const neigh = ndiscLookup(dev, addr);
  if (neigh === null) throw new KernelError('ENOENT');
  neigh.update(null, Nud.NUD_FAILED, NEIGH_UPDATE_F_ADMIN | NEIGH_UPDATE_F_OVERRIDE);
  ndiscRemove(neigh);
}

export const rtnl6: RtnlFamily = {
  family: AF_INET6,
  getAddr: (net, { ifindex }) =>
    devices(net, ifindex).flatMap((dev) => (Inet6Dev.of(dev)?.addresses ?? []).map(inet6AddrMsg)),
  newAddr: inet6AddAddress,
  delAddr: inet6DelAddress,
  getRoute: (net, { table, cache }) => (cache === true ? exceptionMsgs(net) : fib6Dump(net, table)),
  newRoute: fib6NewRoute,
  delRoute: fib6DelRoute,
  routeGet,
  getRule: (net) => fib6Rules(net).map(fib6RuleMsg),
  newRule: (net, request) => {
    net.notify({ type: 'RTM_NEWRULE', rule: fib6RuleMsg(fib6NewRule(net, request)) });
  },
  delRule: (net, request) => {
    net.notify({ type: 'RTM_DELRULE', rule: fib6RuleMsg(fib6DelRule(net, request)) });
  },
  getNeigh: (net, request) =>
    devices(net, request.ifindex)
      .filter((dev) => request.master === undefined || dev.master?.ifindex === request.master)
      .flatMap((dev) =>
        request.proxy === true
          ? (Inet6Dev.of(dev)?.proxies ?? []).map((addr) => proxyMsg(dev, addr))
          : ndiscEntries(dev).map(neigh6Msg),
      ),
  newNeigh: neighNew,
  delNeigh: neighDelete,
};

/** What ICMPv6 taught, as routes of single destinations. */
function exceptionMsgs(net: Net): RouteMsg[] {
  const { now } = net.kernel.engine;
  return [...ipv6Of(net).tables.values()].flatMap((table) =>
    table.routes().flatMap((route) =>
      route.nexthops.flatMap((nh) =>
        [...(nh.exceptions?.values() ?? [])]
          .filter((exception) => exception.expires === 0 || exception.expires > now)
          .map((exception) => {
            const gateway = exception.gateway ?? nh.gateway;
            return {
              ...fib6RouteMsg(net, route),
              dst: in6Bytes(exception.daddr),
              dstLen: 128,
              flags: RTM_F_CLONED,
              ...(exception.pmtu !== 0
                ? { metrics: { ...route.metrics, mtu: exception.pmtu } }
                : {}),
              ...(exception.expires !== 0
                ? { expires: Math.floor((exception.expires - now) / 1e9) }
                : {}),
              nexthops: [
                {
                  ifindex: nh.dev.ifindex,
                  weight: 1,
                  flags: 0,
                  ...(gateway !== null ? { via: in6Bytes(gateway) } : {}),
                },
              ],
            };
          }),
      ),
    ),
  );
}
