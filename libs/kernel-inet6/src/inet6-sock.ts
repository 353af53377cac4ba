/**
 * What AF_INET6 sockets of all protocols share: binding, options, flows, ancillary data, errors from ICMPv6.
 * udp6, raw6, TCP → here → route6, ip6-output. Sources: net/ipv6/af_inet6.c, ipv6_sockglue.c, datagram.c.
 *
 * A sockaddr whose address is IPv4-mapped makes a socket talk IPv4; the functions of kernel-inet then do the work.
 * Structures that programs pass as bytes are those of amd64: `ipv6_mreq` and `in6_pktinfo` are 16 bytes of address and a
 * little-endian ifindex.
 */
import { Errno } from '@netloom/base';
import { sockControl, type SkBuff } from '@netloom/kernel-core';
import {
  in6Key,
  inetAddrType,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  sockaddrIn6,
  type InetSock,
  type Ipv6Pinfo,
} from '@netloom/kernel-inet';
import type { Control, SockAddrIn6, SockExtendedErr, SockOpt, SockOptValue } from '@netloom/sys';
import {
  IN6ADDR_ANY,
  in6Bytes,
  in6Equal,
  in6FromBytes,
  in6FromV4Mapped,
  in6IsAny,
  in6IsLinkLocal,
  in6IsMulticast,
  in6IsV4Mapped,
  in6V4,
  ip6hDaddr,
  ip6hHopLimit,
  ip6hSaddr,
  ip6hTclass,
  ip6hVersion,
  iphDaddr,
  iphTos,
  iphTtl,
  type In6Addr,
} from '@netloom/wire';
import { ipv6ChkAddr } from './addr-check.js';
import { Flow6 } from './flow6.js';
import { Ipv6Sysctl, ipv6Of } from './ipv6-net.js';
import { ipv6DevMcDec, ipv6DevMcInc } from './mcast6.js';
import { ip6DstHoplimit, ip6DstLookupFlow, rt6Valid, type Rt6Info } from './route6.js';

export const IPV6_PMTUDISC_DONT = 0;
export const IPV6_PMTUDISC_DO = 2;
export const IPV6_PMTUDISC_PROBE = 3;
const IPV6_PMTUDISC_OMIT = 5;

/** The IPv6 half of a socket that has one. */
export function v6Of(sk: InetSock): Ipv6Pinfo {
  return sk.v6 as Ipv6Pinfo;
}

/** Whether a received packet is one of IPv4, as an AF_INET6 socket may see it. */
export function isIpv4(skb: SkBuff): boolean {
  return ip6hVersion(skb.mem, skb.networkHeader) === 4;
}

/** The zone that a sockaddr names, where its address needs one. */
function zoneOf(addr: SockAddrIn6, a: In6Addr): number {
  return in6IsLinkLocal(a) || in6IsMulticast(a) ? addr.scopeId : 0;
}

/** Takes over a device that a link-local address names. 0 or -EINVAL. */
function takeZone(sk: InetSock, zone: number): number {
  if (zone === 0) return 0;
  if (sk.boundDev !== 0 && sk.boundDev !== zone) return -Errno.EINVAL;
  sk.boundDev = zone;
  return 0;
}

/**
 * Checks and takes over an address to bind. 0 or a negative errno; the port is the caller's business.
 * @kernel net/ipv6/af_inet6.c __inet6_bind()
 */
export function inet6BindAddress(sk: InetSock, addr: SockAddrIn6): number {
  const v6 = v6Of(sk);
  const a = in6FromBytes(addr.addr);
  if (in6IsV4Mapped(a)) {
    if (v6.v6only) return -Errno.EINVAL;
    const v4 = in6V4(a);
    const type = inetAddrType(sk.net, v4);
    const known = type === RTN_LOCAL || type === RTN_MULTICAST || type === RTN_BROADCAST;
    if (v4 !== 0 && !known && !nonlocal(sk)) return -Errno.EADDRNOTAVAIL;
    v6.mapped = true;
    v6.rcvSaddr = a;
    sk.rcvSaddr = v4;
    sk.saddr = type === RTN_MULTICAST || type === RTN_BROADCAST ? 0 : v4;
    return 0;
  }
  if (!in6IsAny(a)) {
    if (in6IsLinkLocal(a)) {
      if (addr.scopeId !== 0) sk.boundDev = addr.scopeId;
      if (sk.boundDev === 0) return -Errno.EINVAL;
    }
    const dev = sk.boundDev === 0 ? null : (sk.net.devByIndex(sk.boundDev) ?? undefined);
    if (dev === undefined) return -Errno.ENODEV;
    if (!in6IsMulticast(a) && !nonlocal(sk) && !ipv6ChkAddr(sk.net, a, dev))
      return -Errno.EADDRNOTAVAIL;
  }
  v6.rcvSaddr = a;
  v6.saddr = in6IsMulticast(a) ? IN6ADDR_ANY : a;
  sk.rcvSaddr = in6Key(a);
  sk.saddr = in6Key(v6.saddr);
  return 0;
}

function nonlocal(sk: InetSock): boolean {
  return (
    sk.freebind || v6Of(sk).freebind || ipv6Of(sk.net).sysctl(Ipv6Sysctl.ip_nonlocal_bind) !== 0
  );
}

/** Undoes {@link inet6BindAddress} where the port was taken. @kernel inet_reset_saddr() */
export function inet6ResetAddress(sk: InetSock): void {
  const v6 = v6Of(sk);
  v6.mapped = false;
  v6.rcvSaddr = v6.saddr = IN6ADDR_ANY;
  sk.rcvSaddr = sk.saddr = 0;
}

/** Fixes the peer of a native socket. */
export function inet6SetPeer(sk: InetSock, daddr: In6Addr, dport: number): void {
  v6Of(sk).daddr = daddr;
  sk.daddr = in6Key(daddr);
  sk.dport = dport;
}

/** Gives a socket the source that a route chose, where it has none. */
export function inet6TakeSource(sk: InetSock, saddr: In6Addr): void {
  const v6 = v6Of(sk);
  if (sk.saddr === 0) {
    v6.saddr = saddr;
    sk.saddr = in6Key(saddr);
  }
  if (sk.rcvSaddr === 0) {
    v6.rcvSaddr = saddr;
    sk.rcvSaddr = in6Key(saddr);
  }
}

/** What a socket wants of a route to an address. `zone`: the device that the address names, 0 for none. */
export function inet6Flow(sk: InetSock, daddr: In6Addr, dport: number, zone: number): Flow6 {
  const v6 = v6Of(sk);
  const flow = new Flow6(daddr);
  flow.saddr = v6.saddr;
  if (in6IsAny(flow.saddr)) flow.saddr = v6.stickySaddr;
  flow.oif = zone !== 0 ? zone : sk.boundDev !== 0 ? sk.boundDev : v6.stickyOif;
  if (flow.oif === 0) flow.oif = in6IsMulticast(daddr) ? v6.mcOif : v6.ucastOif;
  flow.bound = sk.boundDev !== 0;
  flow.mark = sk.mark;
  flow.flowLabel = (v6.tclass << 20) | (v6.flowInfo & 0xfffff);
  flow.protocol = sk.protocol;
  flow.sport = sk.sport;
  flow.dport = dport;
  return flow;
}

/** What ancillary data asks of one message: its hop limit (-1 for none) after what goes into the flow. */
export function inet6MessageControl(
  sk: InetSock,
  flow: Flow6,
  control: Control | undefined,
): { readonly hops: number } | number {
  if (control === undefined) return { hops: -1 };
  const { ttl = -1, tclass = -1, pktinfo6 } = control;
  if (ttl < -1 || ttl > 255 || tclass < -1 || tclass > 255) return -Errno.EINVAL;
  if (tclass >= 0) flow.flowLabel = (tclass << 20) | (flow.flowLabel & 0xfffff);
  if (pktinfo6 !== undefined) {
    const { ifindex } = pktinfo6;
    if (ifindex !== 0) {
      if (sk.boundDev !== 0 && sk.boundDev !== ifindex) return -Errno.EINVAL;
      if (sk.net.devByIndex(ifindex) === undefined) return -Errno.ENODEV;
      flow.oif = ifindex;
    }
    const source = in6FromBytes(pktinfo6.addr);
    if (!in6IsAny(source)) {
      if (!nonlocal(sk) && !ipv6ChkAddr(sk.net, source, null)) return -Errno.EINVAL;
      flow.saddr = source;
    }
  }
  return { hops: ttl };
}

/** The kept route of a connected socket where it still holds, else a new one; a negative errno when there is none. */
export function inet6Route(sk: InetSock): Rt6Info | number {
  const kept = sk.dst as Rt6Info | null;
  if (kept !== null && rt6Valid(kept, sk.net)) return kept;
  const v6 = v6Of(sk);
  const rt = ip6DstLookupFlow(sk.net, inet6Flow(sk, v6.daddr, sk.dport, 0));
  if (typeof rt !== 'number') sk.dst = rt;
  return rt;
}

/** Hop limit for packets to an address. @kernel ip6_sk_dst_hoplimit() */
export function inet6HopLimit(sk: InetSock, daddr: In6Addr, rt: Rt6Info): number {
  const v6 = v6Of(sk);
  const own = in6IsMulticast(daddr) ? v6.mcastHops : v6.hopLimit;
  return own >= 0 ? own : ip6DstHoplimit(rt);
}

/**
 * Connects a datagram socket to a native address: peer, source, route. 0 or a negative errno.
 * @kernel net/ipv6/datagram.c __ip6_datagram_connect()
 */
export function inet6DatagramConnect(sk: InetSock, addr: SockAddrIn6): number {
  const v6 = v6Of(sk);
  let daddr = in6FromBytes(addr.addr);
  if (in6IsAny(daddr)) daddr = LOOPBACK;
  if (in6IsLinkLocal(daddr) || in6IsMulticast(daddr)) {
    const bad = takeZone(sk, zoneOf(addr, daddr));
    if (bad !== 0) return bad;
    if (sk.boundDev === 0 && in6IsMulticast(daddr)) sk.boundDev = v6.mcOif;
    if (sk.boundDev === 0 && in6IsLinkLocal(daddr)) return -Errno.EINVAL;
  }
  sk.dst = null;
  const flow = inet6Flow(sk, daddr, addr.port, 0);
  const rt = ip6DstLookupFlow(sk.net, flow);
  if (typeof rt === 'number') return rt;
  inet6TakeSource(sk, flow.saddr);
  inet6SetPeer(sk, daddr, addr.port);
  sk.dst = rt;
  return 0;
}

/** IPv6 header and the largest payload that its length field can tell. */
const MAX_PACKET = 40 + 65535;

const LOOPBACK = in6FromBytes(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));

/** Whether a packet (with its IPv6 header) cannot be sent, not even in pieces. @kernel __ip6_append_data() */
export function inet6TooBig(v6: Ipv6Pinfo, size: number, mtu: number): boolean {
  return size > (v6.dontfrag || mayNotFragment(v6) ? mtu : MAX_PACKET);
}

function mayNotFragment(v6: Ipv6Pinfo): boolean {
  return v6.pmtudisc >= IPV6_PMTUDISC_DO && v6.pmtudisc < IPV6_PMTUDISC_OMIT;
}

/** EMSGSIZE that never left. @kernel ipv6_local_error() */
export function inet6LocalError(
  sk: InetSock,
  daddr: In6Addr,
  dport: number,
  mtu: number,
  data: Uint8Array,
): void {
  if (!v6Of(sk).recverr) return;
  sk.queueError(data.slice(), sockaddrIn6(daddr, dport), {
    errno: Errno.EMSGSIZE,
    origin: 1,
    type: 0,
    code: 0,
    info: mtu,
    offender: { family: 'unspec' },
  });
}

/**
 * Queues an ICMPv6 error for MSG_ERRQUEUE. The packet's data is at the quoted header, `payload` where what the program
 * sent begins. @kernel ipv6_icmp_error()
 */
export function inet6IcmpError(
  sk: InetSock,
  skb: SkBuff,
  errno: number,
  type: number,
  code: number,
  info: number,
  payload: number,
  port: number,
): void {
  const m = skb.mem;
  const outer = ip6hSaddr(m, skb.networkHeader);
  const err: SockExtendedErr = {
    errno,
    origin: 3,
    type,
    code,
    info,
    offender: sockaddrIn6(outer, 0, skb.skbIif),
  };
  const data = m.bytes(payload, Math.max(0, skb.data + skb.len - payload));
  sk.queueError(
    data,
    sockaddrIn6(ip6hDaddr(m, skb.data), port, skb.skbIif),
    err,
    ip6hHopLimit(m, skb.networkHeader),
  );
}

/** Ancillary data of a datagram, of either family. @kernel ip6_datagram_recv_ctl() */
export function inet6Control(sk: InetSock, skb: SkBuff): Control {
  const v6 = v6Of(sk);
  const control = sockControl(sk, skb);
  const m = skb.mem;
  const ip = skb.networkHeader;
  const four = isIpv4(skb);
  if (v6.recvPktinfo)
    control.pktinfo6 = {
      ifindex: skb.skbIif,
      addr: in6Bytes(four ? in6FromV4Mapped(iphDaddr(m, ip)) : ip6hDaddr(m, ip)),
    };
  if (four) {
    if (sk.recvttl) control.ttl = iphTtl(m, ip);
    if (sk.recvtos) control.tos = iphTos(m, ip);
    return control;
  }
  if (v6.recvHoplimit) control.ttl = ip6hHopLimit(m, ip);
  if (v6.recvTclass) control.tclass = ip6hTclass(m, ip);
  return control;
}

// ---- options ----

function mreq(value: SockOptValue): { readonly addr: In6Addr; readonly ifindex: number } | null {
  if (!(value instanceof Uint8Array) || value.length < 20) return null;
  const view = new DataView(value.buffer, value.byteOffset);
  return { addr: in6FromBytes(value), ifindex: view.getUint32(16, true) };
}

/** Joins or leaves a group. @kernel ipv6_sock_mc_join(), ipv6_sock_mc_drop() */
function membership(sk: InetSock, join: boolean, value: SockOptValue): number {
  const wanted = mreq(value);
  if (wanted === null || !in6IsMulticast(wanted.addr)) return -Errno.EINVAL;
  let { ifindex } = wanted;
  const groups = (v6Of(sk).groups ??= []);
  if (join && ifindex === 0) {
    const rt = ip6DstLookupFlow(sk.net, new Flow6(wanted.addr));
    if (typeof rt === 'number') return -Errno.ENODEV;
    ifindex = rt.dev.ifindex;
  }
  const at = groups.findIndex(
    (g) => in6Equal(g.group, wanted.addr) && (ifindex === 0 || g.ifindex === ifindex),
  );
  if (join) {
    if (at >= 0) return -Errno.EADDRINUSE;
    const dev = sk.net.devByIndex(ifindex);
    if (dev === undefined) return -Errno.ENODEV;
    ipv6DevMcInc(dev, wanted.addr);
    groups.push({ group: wanted.addr, ifindex });
    return 0;
  }
  const left = at < 0 ? undefined : groups.splice(at, 1)[0];
  if (left === undefined) return -Errno.EADDRNOTAVAIL;
  const dev = sk.net.devByIndex(left.ifindex);
  if (dev !== undefined) ipv6DevMcDec(dev, left.group);
  return 0;
}

/** Leaves all groups. @kernel ipv6_sock_mc_close() */
export function inet6LeaveGroups(sk: InetSock): void {
  for (const { group, ifindex } of v6Of(sk).groups ?? []) {
    const dev = sk.net.devByIndex(ifindex);
    if (dev !== undefined) ipv6DevMcDec(dev, group);
  }
  v6Of(sk).groups = null;
}

/** IPV6_* options. 0, a negative errno, or 1 where the option is not IPv6's. @kernel do_ipv6_setsockopt() */
export function inet6Setsockopt(sk: InetSock, option: SockOpt, value: SockOptValue): number {
  if (!option.startsWith('IPV6_')) return 1;
  const { v6 } = sk;
  if (v6 === null) return -Errno.ENOPROTOOPT;
  const n = typeof value === 'number' ? value : 0;
  const hops = (): boolean => n >= -1 && n <= 255;
  switch (option) {
    case 'IPV6_V6ONLY':
      if (sk.sport !== 0) return -Errno.EINVAL;
      v6.v6only = n !== 0;
      return 0;
    case 'IPV6_UNICAST_HOPS':
      if (!hops()) return -Errno.EINVAL;
      v6.hopLimit = n;
      return 0;
    case 'IPV6_MULTICAST_HOPS':
      if (!hops()) return -Errno.EINVAL;
      v6.mcastHops = n === -1 ? 1 : n;
      return 0;
    case 'IPV6_MULTICAST_LOOP':
      if (n !== 0 && n !== 1) return -Errno.EINVAL;
      v6.mcLoop = n !== 0;
      return 0;
    case 'IPV6_MULTICAST_IF':
      if (n !== 0 && sk.net.devByIndex(n) === undefined) return -Errno.ENODEV;
      if (n !== 0 && sk.boundDev !== 0 && sk.boundDev !== n) return -Errno.EINVAL;
      v6.mcOif = n;
      return 0;
    case 'IPV6_UNICAST_IF': {
      // the index travels in network order
      const ifindex = (n >>> 24) | ((n >>> 8) & 0xff00) | ((n << 8) & 0xff0000) | (n << 24);
      if (ifindex !== 0 && sk.net.devByIndex(ifindex) === undefined) return -Errno.EADDRNOTAVAIL;
      if (sk.boundDev !== 0) return -Errno.EINVAL;
      v6.ucastOif = ifindex;
      return 0;
    }
    case 'IPV6_JOIN_GROUP':
    case 'IPV6_LEAVE_GROUP':
      return membership(sk, option === 'IPV6_JOIN_GROUP', value);
    case 'IPV6_RECVPKTINFO':
      v6.recvPktinfo = n !== 0;
      return 0;
    case 'IPV6_PKTINFO': {
      const info = mreq(value);
      if (info === null) return -Errno.EINVAL;
      if (info.ifindex !== 0 && sk.boundDev !== 0 && info.ifindex !== sk.boundDev)
        return -Errno.EINVAL;
      v6.stickyOif = info.ifindex;
      v6.stickySaddr = info.addr;
      return 0;
    }
    case 'IPV6_RECVHOPLIMIT':
      v6.recvHoplimit = n !== 0;
      sk.recvttl = n !== 0;
      return 0;
    case 'IPV6_RECVTCLASS':
      v6.recvTclass = n !== 0;
      return 0;
    case 'IPV6_TCLASS':
      if (n < -1 || n > 0xff) return -Errno.EINVAL;
      v6.tclass = n === -1 ? 0 : n;
      sk.dst = null;
      return 0;
    case 'IPV6_RECVERR':
      v6.recverr = n !== 0;
      sk.recverr = n !== 0;
      return 0;
    case 'IPV6_MTU_DISCOVER':
      if (n < 0 || n > IPV6_PMTUDISC_OMIT) return -Errno.EINVAL;
      v6.pmtudisc = n;
      return 0;
    case 'IPV6_DONTFRAG':
      v6.dontfrag = n !== 0;
      return 0;
    case 'IPV6_FREEBIND':
    case 'IPV6_TRANSPARENT':
      v6.freebind = n !== 0;
      return 0;
    case 'IPV6_AUTOFLOWLABEL':
      v6.autoFlowLabel = n !== 0 ? 1 : 0;
      return 0;
    default:
      return -Errno.ENOPROTOOPT;
  }
}

/** The counterpart of {@link inet6Setsockopt}; undefined where the option is not IPv6's. */
export function inet6Getsockopt(sk: InetSock, option: SockOpt): SockOptValue | undefined {
  const { v6 } = sk;
  if (v6 === null || !option.startsWith('IPV6_')) return undefined;
  switch (option) {
    case 'IPV6_V6ONLY':
      return Number(v6.v6only);
    case 'IPV6_UNICAST_HOPS':
      return v6.hopLimit >= 0
        ? v6.hopLimit
        : sk.dst !== null && !v6.mapped
          ? ip6DstHoplimit(sk.dst as Rt6Info)
          : 64;
    case 'IPV6_MULTICAST_HOPS':
      return v6.mcastHops;
    case 'IPV6_MULTICAST_LOOP':
      return Number(v6.mcLoop);
    case 'IPV6_MULTICAST_IF':
      return v6.mcOif;
    case 'IPV6_RECVPKTINFO':
      return Number(v6.recvPktinfo);
    case 'IPV6_RECVHOPLIMIT':
      return Number(v6.recvHoplimit);
    case 'IPV6_RECVTCLASS':
      return Number(v6.recvTclass);
    case 'IPV6_TCLASS':
      return v6.tclass;
    case 'IPV6_RECVERR':
      return Number(v6.recverr);
    case 'IPV6_MTU_DISCOVER':
      return v6.pmtudisc;
    case 'IPV6_MTU':
      return sk.dst?.mtu() ?? -Errno.ENOTCONN;
    case 'IPV6_DONTFRAG':
      return Number(v6.dontfrag);
    case 'IPV6_FREEBIND':
    case 'IPV6_TRANSPARENT':
      return Number(v6.freebind);
    default:
      return undefined;
  }
}
