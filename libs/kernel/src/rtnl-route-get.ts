/**
 * `ip route get`: the routing decision for one packet, ours or received. Source: net/ipv4/route.c inet_rtm_getroute().
 */
import { Errno, KernelError } from '@netloom/base';
import { DropReason, LL_MAX_HEADER, PACKET_HOST, skbPut, type Net } from '@netloom/kernel-core';
import {
  fibLookup,
  fibRouteMsg,
  fibTablesSplit,
  InDevice,
  ipCheckMc,
  ipRouteInput,
  ipRouteOutput,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  writeIpHeader,
  type Rtable,
} from '@netloom/kernel-inet';
import { AF_INET, IPPROTO_UDP, type RouteGet, type RouteMsg } from '@netloom/sys';

const RTM_F_CLONED = 0x200;
const RTM_F_NOTIFY = 0x100;
/** While no rule separates them, the local table's routes are found through the main one's. @kernel fib_trie_unmerge() */
const RT_TABLE_MAIN = 254;
const RT_TABLE_LOCAL = 255;
const RTAX_MTU = 2;
const RTCF_REDIRECTED = 0x40000;
const RTCF_BROADCAST = 0x10000000;
const RTCF_MULTICAST = 0x20000000;
const RTCF_LOCAL = 0x80000000;

/** @errno ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL, EXDEV, ENODEV as the lookup gives them */
export function routeGet(net: Net, request: RouteGet): RouteMsg {
  const daddr = Number(request.dst);
  const saddr = Number(request.src ?? 0);
  if (request.fibMatch === true) {
    const res = fibLookup(
      net,
      daddr,
      request.tos ?? 0,
      request.oif ?? 0,
      saddr,
      request.mark ?? 0,
      request.iif ?? 0,
      {
        scope: 0,
        protocol: request.ipproto ?? 0,
        sport: request.sport ?? 0,
        dport: request.dport ?? 0,
        uid: request.uid ?? 0,
      },
    );
    if (res === null) throw new KernelError('ENETUNREACH');
    return fibRouteMsg(res.route);
  }
  const rt =
    request.iif === undefined
      ? output(net, request, daddr, saddr)
      : input(net, request.iif, daddr, saddr, request);
  if (request.notify === true) rt.notify = true;
  const cast =
    rt.type === RTN_BROADCAST
      ? RTCF_BROADCAST | RTCF_LOCAL
      : rt.type === RTN_MULTICAST
        ? multicastFlags(rt, daddr)
        : rt.type === RTN_LOCAL
          ? RTCF_LOCAL
          : 0;
  const dev =
    (rt.type === RTN_LOCAL || rt.type === RTN_BROADCAST) && request.iif !== undefined
      ? net.loopback
      : rt.dev;
  return {
    family: AF_INET,
    dst: daddr,
    dstLen: 32,
    tos: rt.tos,
    table: tableOf(net, rt),
    protocol: 0,
    scope: 0,
    type: rt.type === RTN_MULTICAST ? RTN_MULTICAST : rt.type,
    flags:
      (RTM_F_CLONED |
        cast |
        (rt.redirected ? RTCF_REDIRECTED : 0) |
        (rt.notify ? RTM_F_NOTIFY : 0)) >>>
      0,
    nexthops: [
      {
        ifindex: dev.ifindex,
        weight: 1,
        flags: 0,
        ...(rt.gateway !== 0 ? { via: rt.gateway } : {}),
      },
    ],
    ...(saddr !== 0 ? { src: saddr, srcLen: 32 } : {}),
    ...(request.iif === undefined && saddr === 0 && rt.prefsrc !== 0
      ? { prefsrc: rt.prefsrc }
      : {}),
    ...(request.iif !== undefined ? { iif: request.iif } : {}),
    ...(request.mark !== undefined ? { mark: request.mark } : {}),
    ...learned(net, rt),
    ...(request.iif === undefined ? { uid: request.uid ?? 0 } : {}),
  };
}

function tableOf(net: Net, rt: Rtable): number {
  if (!fibTablesSplit(net)) return RT_TABLE_MAIN;
  return rt.type === RTN_LOCAL || rt.type === RTN_BROADCAST
    ? RT_TABLE_LOCAL
    : rt.table !== 0
      ? rt.table
      : RT_TABLE_MAIN;
}

/** Metrics, with what ICMP taught and for how long that still holds. */
function learned(net: Net, rt: Rtable): Pick<RouteMsg, 'metrics' | 'expires'> {
  const left = rt.pmtuExpires - net.kernel.engine.now;
  const lowered = rt.pmtu !== 0 && left > 0;
  const metrics = {
    ...rt.metrics,
    ...(lowered ? { mtu: rt.pmtu, ...(rt.mtuLocked ? { lock: 1 << RTAX_MTU } : {}) } : {}),
  };
  return {
    ...(Object.keys(metrics).length > 0 ? { metrics } : {}),
    ...((lowered || rt.redirected) && left > 0 ? { expires: Math.floor(left / 1e9) } : {}),
  };
}

/** A group that this host listens to is local too. */
function multicastFlags(rt: Rtable, group: number): number {
  return RTCF_MULTICAST | (ipCheckMc(InDevice.of(rt.dev), group) ? RTCF_LOCAL : 0);
}

function output(net: Net, request: RouteGet, daddr: number, saddr: number): Rtable {
  const rt = ipRouteOutput(net, {
    daddr,
    saddr,
    oif: request.oif ?? 0,
    tos: request.tos ?? 0,
    mark: request.mark ?? 0,
    protocol: request.ipproto ?? 0,
    sport: request.sport ?? 0,
    dport: request.dport ?? 0,
    uid: request.uid ?? 0,
  });
  if (typeof rt === 'number') throw new KernelError(-rt);
  return rt;
}

/** Asks the input side with a packet made up for the purpose, as the kernel does. */
function input(net: Net, iif: number, daddr: number, saddr: number, request: RouteGet): Rtable {
  const dev = net.devByIndex(iif);
  if (dev === undefined) throw new KernelError('ENODEV');
  const skb = net.kernel.pool.alloc(28, LL_MAX_HEADER);
  if (skb === null) throw new KernelError('ENOBUFS');
  skb.dev = dev;
  skb.pktType = PACKET_HOST;
  skb.mark = request.mark ?? 0;
  skb.networkHeader = skb.data;
  const header = skbPut(skb, 28);
  writeIpHeader(
    skb.mem,
    header,
    28,
    request.tos ?? 0,
    0,
    0,
    1,
    request.ipproto ?? IPPROTO_UDP,
    saddr,
    daddr,
  );
  skb.mem.dv.setUint32(header + 20, ((request.sport ?? 0) << 16) | (request.dport ?? 0));
  const refused = ipRouteInput(skb, daddr, saddr, request.tos ?? 0, dev);
  const rt = skb.dst as Rtable;
  skb.pool.release(skb);
  if (refused !== 0)
    throw new KernelError(refused === DropReason.IP_RPFILTER ? Errno.EXDEV : Errno.EINVAL);
  if (rt.error !== 0) throw new KernelError(rt.error);
  if (
    rt.type !== RTN_UNICAST &&
    rt.type !== RTN_LOCAL &&
    rt.type !== RTN_BROADCAST &&
    rt.type !== RTN_MULTICAST
  )
    throw new KernelError('EINVAL');
  return rt;
}
