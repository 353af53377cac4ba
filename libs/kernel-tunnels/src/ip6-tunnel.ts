/**
 * Tunnels over IPv6: IPv4 and IPv6 inside (ip6tnl), GRE (ip6gre, ip6gretap), with the encapsulation limit of RFC 2473.
 * devQueueXmit → xmit → ip6LocalOut; ip6-local → receive → netifRx. Sources: net/ipv6/ip6_tunnel.c, ip6_gre.c, tunnel6.c.
 *
 * Differs: an encapsulation limit found inside is not looked at; no lightweight tunnels, no foo-over-UDP.
 */
import { formatIpv4, KernelError, parseIpv4 } from '@netloom/base';
import {
  devAddrSet,
  DropReason,
  ethRandomAddr,
  ethTypeTrans,
  Mib6,
  NetDevice,
  NETDEV_TX_OK,
  PACKET_HOST,
  PfifoFast,
  registerNetdevice,
  skbPush,
  Stat,
  statAdd,
  unregisterNetdevice,
  type Kernel,
  type KernelModules,
  type Net,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import { icmpSend } from '@netloom/kernel-inet';
import {
  Flow6,
  icmpv6Send,
  ip6DstHoplimit,
  ip6DstLookupFlow,
  ip6LocalOut,
  ip6PushHeader,
  ip6UpdatePmtu,
  ipv6AutoFlowLabel,
} from '@netloom/kernel-inet6';
import { Iff, type LinkAdd, type LinkInfoData } from '@netloom/sys';
import {
  csumPartial,
  ETH_HLEN,
  ETH_P_IP,
  ETH_P_IPV6,
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  ICMP_HOST_UNREACH,
  ICMPV6_DEST_UNREACH,
  ICMPV6_PARAMPROB,
  ICMPV6_PKT_TOOBIG,
  ICMPV6_UNK_NEXTHDR,
  in6Bytes,
  in6Equal,
  in6IsAny,
  in6Parse,
  in6Text,
  IN6ADDR_ANY,
  ip6hDaddr,
  ip6hSaddr,
  type In6Addr,
} from '@netloom/wire';
import { ETH_P_TEB, greHeader, greHeaderLength, greParse, IPPROTO_GRE } from './ip-gre.js';
import { IPPROTO_IPIP, IPPROTO_IPV6 } from './ipip.js';
import {
  ecnDecap,
  ecnEncap,
  innerDf,
  innerTtl,
  skbScrub,
  tunnelPrepare,
  tunnelReceive,
} from './ip-tunnel-core.js';
import type { TunnelHeader } from './ip-tunnel.js';
import { hasFallbackTunnels, netTunnels, netTunnelsIfAny } from './net-tunnels.js';

const ARPHRD_TUNNEL6 = 769;
const ARPHRD_IP6GRE = 823;
const IP6_HLEN = 40;
/** Where the IPv6 header names what follows it. */
const NEXTHDR_OFFSET = 6;
const NEXTHDR_DEST = 60;
/** Destination options header with the limit and padding. */
const ENCAP_LIMIT_HLEN = 8;
const HEADROOM = 14 + IP6_HLEN + ENCAP_LIMIT_HLEN + 16 + ETH_HLEN;
const ICMPV6_PORT_UNREACH = 4;
const ICMPV6_ADDR_UNREACH = 3;

interface Ip6Parms {
  local: In6Addr;
  remote: In6Addr;
  ifindex: number;
  /** 0 inherits. */
  hopLimit: number;
  /** -1: none. */
  encapLimit: number;
  tclass: number;
  tclassInherit: boolean;
  flowLabel: number;
  proto: number;
  ikey: number | null;
  okey: number | null;
  icsum: boolean;
  ocsum: boolean;
  iseq: boolean;
  oseq: boolean;
}

interface Ip6Kind {
  readonly kind: string;
  readonly module: string;
  readonly fallback: string | null;
  readonly pattern: string;
  readonly type: number | undefined;
  readonly gre: boolean;
}

const KINDS: readonly Ip6Kind[] = [
  {
    kind: 'ip6tnl',
    module: 'ip6_tunnel',
    fallback: 'ip6tnl0',
    pattern: 'ip6tnl%d',
    type: ARPHRD_TUNNEL6,
    gre: false,
  },
  {
    kind: 'ip6gre',
    module: 'ip6_gre',
    fallback: 'ip6gre0',
    pattern: 'ip6gre%d',
    type: ARPHRD_IP6GRE,
    gre: true,
  },
  {
    kind: 'ip6gretap',
    module: 'ip6_gre',
    fallback: null,
    pattern: 'ip6gretap%d',
    type: undefined,
    gre: true,
  },
];

const MODES: Readonly<Record<number, string>> = { 0: 'any', 4: 'ipip6', 41: 'ip6ip6' };

export class Ip6Tunnel {
  hlen = 0;
  oSeqno = 0;
  iSeqno = 0;

  constructor(
    readonly dev: NetDevice,
    readonly net: Net,
    readonly kind: Ip6Kind,
    readonly parms: Ip6Parms,
  ) {}
}

function tunnelOf(dev: NetDevice): Ip6Tunnel {
  return dev.priv as Ip6Tunnel;
}

function tunnelsOf(net: Net, kind: string): Ip6Tunnel[] {
  const { ip6Tunnels } = netTunnels(net);
  let list = ip6Tunnels.get(kind);
  if (list === undefined) ip6Tunnels.set(kind, (list = []));
  return list;
}

/** @kernel ip6_tnl_lookup(), ip6gre_tunnel_lookup() */
function lookup(
  dev: NetDevice,
  kind: string,
  key: number | null,
  remote: In6Addr,
  local: In6Addr,
): Ip6Tunnel | null {
  let best: Ip6Tunnel | null = null;
  let bestScore = 0;
  for (const tunnel of netTunnelsIfAny(dev.net)?.ip6Tunnels.get(kind) ?? []) {
    const { parms } = tunnel;
    if (!tunnel.dev.up || parms.ikey !== key) continue;
    if (parms.ifindex !== 0 && parms.ifindex !== dev.ifindex) continue;
    const anyLocal = in6IsAny(parms.local);
    const anyRemote = in6IsAny(parms.remote);
    if (
      (!anyLocal && !in6Equal(parms.local, local)) ||
      (!anyRemote && !in6Equal(parms.remote, remote))
    )
      continue;
    const score = 1 + (anyRemote ? 0 : 4) + (anyLocal ? 0 : 2) + (parms.ifindex !== 0 ? 1 : 0);
    if (score > bestScore) {
      best = tunnel;
      bestScore = score;
    }
  }
  return best;
}

function fail(skb: SkBuff, dev: NetDevice, stat: number): number {
  statAdd(dev, stat, 1);
  if (stat !== Stat.txErrors) statAdd(dev, Stat.txErrors, 1);
  dev.kernel.kfreeSkbReason(skb, DropReason.IP_OUTNOROUTES);
  return NETDEV_TX_OK;
}

/** A packet (data at its network header, or at the Ethernet header of a tap) for the tunnel. Consumes it. @kernel ip6_tnl_xmit() */
function xmit(skb: SkBuff, dev: NetDevice): number {
  const tunnel = tunnelOf(dev);
  const { parms, net, kind } = tunnel;
  const ethernet = kind.type === undefined;
  if (ethernet) skb.protocol = skb.mem.dv.getUint16(skb.data + 12);
  skb.networkHeader = skb.data + (ethernet ? ETH_HLEN : 0);
  const inside = skb.protocol;
  let nexthdr = IPPROTO_GRE;
  if (!kind.gre) {
    nexthdr = inside === ETH_P_IP ? IPPROTO_IPIP : inside === ETH_P_IPV6 ? IPPROTO_IPV6 : 0;
    if (nexthdr === 0 || (parms.proto !== 0 && parms.proto !== nexthdr) || in6IsAny(parms.remote))
      return fail(skb, dev, Stat.txErrors);
  } else if (in6IsAny(parms.remote)) {
    return fail(skb, dev, Stat.txErrors);
  }
  const own = ecnEncap(parms.tclass, skb, inside);
  const tclass = parms.tclassInherit ? inheritedClass(skb, inside) : own;
  const fl = new Flow6(parms.remote);
  fl.saddr = parms.local;
  fl.oif = parms.ifindex;
  fl.protocol = nexthdr;
  fl.flowLabel = parms.flowLabel;
  const rt = ip6DstLookupFlow(net, fl);
  if (typeof rt === 'number') {
    if (inside === ETH_P_IPV6) icmpv6Send(skb, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0);
    return fail(skb, dev, Stat.txCarrierErrors);
  }
  if (rt.dev === dev) {
    dev.kernel.printk(4, `${dev.name}: Local routing loop detected!`);
    return fail(skb, dev, Stat.collisions);
  }
  const limited = parms.encapLimit >= 0;
  const overhead =
    IP6_HLEN + tunnel.hlen + (limited ? ENCAP_LIMIT_HLEN : 0) + (ethernet ? ETH_HLEN : 0);
  const mtu = Math.max(rt.mtu() - overhead, inside === ETH_P_IPV6 ? 1280 : 576);
  const size = skb.len - (ethernet ? ETH_HLEN : 0);
  if (size > mtu && tooBig(skb, dev, inside, mtu)) {
    statAdd(dev, Stat.txErrors, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_BIG);
    return NETDEV_TX_OK;
  }
  if (!tunnelPrepare(skb, HEADROOM)) return fail(skb, dev, Stat.txErrors);
  let hopLimit = parms.hopLimit;
  if (hopLimit === 0) hopLimit = innerTtl(skb, inside);
  if (hopLimit === 0) hopLimit = ip6DstHoplimit(rt);
  if (kind.gre) greHeader(skb, tunnel, ethernet ? ETH_P_TEB : inside);
  if (limited) {
    const o = skbPush(skb, ENCAP_LIMIT_HLEN);
    const option = [nexthdr, 0, 4, 1, parms.encapLimit, 1, 1, 0]; // the limit, and three bytes of padding
    for (let i = 0; i < ENCAP_LIMIT_HLEN; i++) skb.mem.u8[o + i] = option[i] as number;
    nexthdr = NEXTHDR_DEST;
  }
  skb.transportHeader = skb.data;
  skbScrub(skb, dev.net !== net);
  const label = parms.flowLabel !== 0 ? parms.flowLabel : ipv6AutoFlowLabel(net, fl);
  ip6PushHeader(skb, fl.saddr, parms.remote, nexthdr, hopLimit, (tclass << 20) | label);
  if (ip6LocalOut(net, skb, rt) === 0) {
    statAdd(dev, Stat.txPackets, 1);
    statAdd(dev, Stat.txBytes, size);
  } else {
    statAdd(dev, Stat.txDropped, 1);
  }
  return NETDEV_TX_OK;
}

function inheritedClass(skb: SkBuff, protocol: number): number {
  const { dv, u8 } = skb.mem;
  const o = skb.networkHeader;
  if (protocol === ETH_P_IPV6) return (dv.getUint16(o) >>> 4) & 0xff;
  return protocol === ETH_P_IP ? (u8[o + 1] as number) : 0;
}

/** Tells the sender; false where the packet may be cut outside. */
function tooBig(skb: SkBuff, dev: NetDevice, protocol: number, mtu: number): boolean {
  skb.dev = dev;
  if (protocol === ETH_P_IPV6) {
    icmpv6Send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
    return true;
  }
  if (!innerDf(skb, protocol)) return false;
  icmpSend(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
  return true;
}

function deliver(tunnel: Ip6Tunnel, skb: SkBuff, header: TunnelHeader | null): void {
  const { dev, parms } = tunnel;
  const outerClass = (skb.mem.dv.getUint16(skb.networkHeader) >>> 4) & 0xff;
  skbScrub(skb, dev.net !== tunnel.net);
  if (header !== null && header.csum !== parms.icsum) return refuse(skb, dev, Stat.rxCrcErrors);
  if (header !== null && parms.iseq) {
    if (header.seq === null || (tunnel.iSeqno !== 0 && ((header.seq - tunnel.iSeqno) | 0) < 0))
      return refuse(skb, dev, Stat.rxFifoErrors);
    tunnel.iSeqno = (header.seq + 1) >>> 0;
  }
  const bytes = skb.len;
  if (tunnel.kind.type === undefined) {
    if (skb.len < ETH_HLEN) return refuse(skb, dev, Stat.rxLengthErrors);
    skb.protocol = ethTypeTrans(skb, dev);
  } else {
    skb.macHeader = skb.data;
  }
  skb.networkHeader = skb.data;
  if (ecnDecap(skb, skb.protocol, outerClass) > 1) return refuse(skb, dev, Stat.rxFrameErrors);
  statAdd(dev, Stat.rxBytes, bytes - skb.len); // tunnelReceive counts what is left
  tunnelReceive(skb, dev);
}

function refuse(skb: SkBuff, dev: NetDevice, stat: number): void {
  statAdd(dev, stat, 1);
  statAdd(dev, Stat.rxErrors, 1);
  dev.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
}

function unreachable(skb: SkBuff): void {
  icmpv6Send(skb, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH, 0);
  (skb.dev as NetDevice).kernel.kfreeSkbReason(skb, DropReason.NO_SOCKET);
}

/** @kernel ip6_tnl_rcv() */
function tnlRcv(skb: SkBuff, inner: number, protocol: number): void {
  const dev = skb.dev as NetDevice;
  if (!tunnelPrepare(skb, 0)) {
    dev.kernel.kfreeSkbReason(skb, DropReason.NOMEM);
    return;
  }
  const o = skb.networkHeader;
  const tunnel = lookup(dev, 'ip6tnl', null, ip6hSaddr(skb.mem, o), ip6hDaddr(skb.mem, o));
  if (tunnel === null) return unreachable(skb);
  if (tunnel.parms.proto !== 0 && tunnel.parms.proto !== inner) {
    dev.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return;
  }
  skb.protocol = protocol;
  deliver(tunnel, skb, null);
}

/** @kernel gre_rcv() of ip6_gre */
function greRcv(skb: SkBuff): void {
  const dev = skb.dev as NetDevice;
  const header: TunnelHeader = { csum: false, key: null, seq: null };
  const m = skb.mem;
  const ready = tunnelPrepare(skb, 0);
  const hlen = ready ? greParse(m, skb.data, skb.len, header) : -1;
  if (hlen < 0 || (header.csum && csumPartial(m, skb.data, skb.len) !== 0xffff)) {
    dev.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return;
  }
  const protocol = m.dv.getUint16(skb.data + 2);
  const o = skb.networkHeader;
  const kind = protocol === ETH_P_TEB ? 'ip6gretap' : 'ip6gre';
  const tunnel = lookup(dev, kind, header.key, ip6hSaddr(m, o), ip6hDaddr(m, o));
  if (tunnel === null) return unreachable(skb);
  skb.data += hlen;
  skb.len -= hlen;
  skb.protocol = protocol;
  deliver(tunnel, skb, header);
}

function addressOf(data: LinkInfoData, name: string): In6Addr | undefined {
  const value = data[name];
  if (value === undefined) return undefined;
  if (value === 'any') return IN6ADDR_ANY;
  const parsed = in6Parse(String(value));
  if (parsed === undefined) throw new KernelError('EINVAL');
  return parsed;
}

function readParms(net: Net, data: LinkInfoData, old: Ip6Parms | null): Ip6Parms {
  const number = (name: string, usual: number): number =>
    typeof data[name] === 'number' ? data[name] : usual;
  const flag = (name: string, usual: boolean): boolean =>
    data[name] === undefined ? usual : data[name] === true;
  const key = (name: 'ikey' | 'okey'): number | null =>
    data[name] === undefined ? (old?.[name] ?? null) : (parseIpv4(String(data[name])) ?? 0);
  const { link } = data;
  const lower = link === undefined ? undefined : net.devByName(String(link));
  if (link !== undefined && lower === undefined) throw new KernelError('ENODEV');
  const tclass = data['tclass'];
  return {
    local: addressOf(data, 'local') ?? old?.local ?? IN6ADDR_ANY,
    remote: addressOf(data, 'remote') ?? old?.remote ?? IN6ADDR_ANY,
    ifindex: lower?.ifindex ?? old?.ifindex ?? 0,
    hopLimit: number('ttl', old?.hopLimit ?? 64),
    encapLimit: number('encap_limit', old?.encapLimit ?? 4),
    tclass: number('tclass', old?.tclass ?? 0),
    tclassInherit: tclass === undefined ? (old?.tclassInherit ?? false) : tclass === 'inherit',
    flowLabel: number('flowlabel', old?.flowLabel ?? 0),
    proto: number('proto', old?.proto ?? 0),
    ikey: key('ikey'),
    okey: key('okey'),
    icsum: flag('icsum', old?.icsum ?? false),
    ocsum: flag('ocsum', old?.ocsum ?? false),
    iseq: flag('iseq', old?.iseq ?? false),
    oseq: flag('oseq', old?.oseq ?? false),
  };
}

function info(dev: NetDevice): LinkInfoData {
  const { parms, kind } = tunnelOf(dev);
  const text = (addr: In6Addr): string => (in6IsAny(addr) ? 'any' : in6Text(addr));
  return {
    ...(kind.gre ? {} : { mode: MODES[parms.proto] ?? 'any' }),
    remote: text(parms.remote),
    local: text(parms.local),
    ...(parms.ifindex !== 0
      ? { link: dev.net.devByIndex(parms.ifindex)?.name ?? `if${parms.ifindex}` }
      : {}),
    ttl: parms.hopLimit,
    encap_limit: parms.encapLimit,
    tclass: parms.tclassInherit ? 'inherit' : parms.tclass,
    flowlabel: parms.flowLabel,
    ...(parms.ikey !== null ? { ikey: formatIpv4(parms.ikey) } : {}),
    ...(parms.okey !== null ? { okey: formatIpv4(parms.okey) } : {}),
    ...(parms.iseq ? { iseq: true } : {}),
    ...(parms.oseq ? { oseq: true } : {}),
    ...(parms.icsum ? { icsum: true } : {}),
    ...(parms.ocsum ? { ocsum: true } : {}),
  };
}

/** The ends as the device's addresses; the MTU that the way below leaves. @kernel ip6_tnl_link_config() */
function bind(tunnel: Ip6Tunnel): void {
  const { dev, parms, kind, net } = tunnel;
  tunnel.hlen = kind.gre ? greHeaderLength(parms) : 0;
  const ethernet = kind.type === undefined;
  if (!ethernet) {
    dev.address = in6Bytes(parms.local);
    dev.broadcast = in6Bytes(parms.remote);
    dev.flags = Iff.IFF_NOARP | (dev.flags & Iff.IFF_UP);
    if (!in6IsAny(parms.remote) && !in6IsAny(parms.local)) dev.flags |= Iff.IFF_POINTOPOINT;
  }
  let mtu = 1500;
  if (!in6IsAny(parms.remote)) {
    const fl = new Flow6(parms.remote);
    fl.oif = parms.ifindex;
    const rt = ip6DstLookupFlow(net, fl);
    if (typeof rt !== 'number') mtu = Math.min(rt.dev.mtu, 65535);
  }
  dev.mtu = Math.max(
    1280,
    mtu -
      IP6_HLEN -
      tunnel.hlen -
      ENCAP_LIMIT_HLEN * (parms.encapLimit >= 0 ? 1 : 0) -
      (ethernet ? ETH_HLEN : 0),
  );
}

const OPS = new Map(KINDS.map((kind) => [kind.kind, opsOf(kind, false)] as const));
const FALLBACK_OPS = new Map(KINDS.map((kind) => [kind.kind, opsOf(kind, true)] as const));

function opsOf(kind: Ip6Kind, fallback: boolean): NetDeviceOps {
  return {
    driver: kind.kind,
    kind: kind.kind,
    netnsLocal: fallback,
    startXmit: xmit,
    info,
    link: (dev) => tunnelOf(dev).net.devByIndex(tunnelOf(dev).parms.ifindex) ?? null,
    linkNet: (dev) => tunnelOf(dev).net,
    dellink: (dev) => {
      if (!fallback) unregisterNetdevice(dev);
    },
    changelink: (dev, data) => {
      const tunnel = tunnelOf(dev);
      if (fallback) throw new KernelError('EINVAL');
      Object.assign(tunnel.parms, readParms(tunnel.net, data, tunnel.parms));
      bind(tunnel);
      dev.kernel.modules.callNetdevNotifiers('CHANGE', dev);
    },
    setMacAddress: (dev, address) => {
      if (kind.type !== undefined) return -95; // EOPNOTSUPP
      devAddrSet(dev, address);
      return 0;
    },
    uninit: (dev) => {
      const list = tunnelsOf(tunnelOf(dev).net, kind.kind);
      const at = list.indexOf(tunnelOf(dev));
      if (at >= 0) list.splice(at, 1);
    },
  };
}

function create(
  kind: Ip6Kind,
  net: Net,
  name: string,
  parms: Ip6Parms,
  travel: Net,
  fallback: boolean,
): Ip6Tunnel {
  const ops = (fallback ? FALLBACK_OPS : OPS).get(kind.kind) as NetDeviceOps;
  const dev = new NetDevice(net, name, ops);
  const tunnel = new Ip6Tunnel(dev, travel, kind, parms);
  dev.priv = tunnel;
  if (kind.type === undefined) {
    dev.maxMtu = 0;
    dev.qdisc = new PfifoFast(dev);
    return tunnel;
  }
  dev.type = kind.type;
  dev.flags = Iff.IFF_NOARP;
  dev.hardHeaderLen = 0;
  dev.minMtu = kind.gre ? 0 : 68;
  dev.maxMtu = kind.gre ? 0 : 65535;
  dev.permAddress = new Uint8Array(16);
  dev.permAddress.set(ethRandomAddr(net.kernel));
  return tunnel;
}

/** @errno EEXIST, EINVAL, ENODEV. @kernel ip6_tnl_newlink(), ip6gre_newlink() */
function newlink(kind: Ip6Kind, net: Net, name: string, request: LinkAdd, travel: Net): NetDevice {
  const parms = readParms(travel, request.data ?? {}, null);
  const list = tunnelsOf(travel, kind.kind);
  const taken = list.some(
    ({ parms: p }) =>
      in6Equal(p.local, parms.local) &&
      in6Equal(p.remote, parms.remote) &&
      p.ikey === parms.ikey &&
      p.ifindex === parms.ifindex,
  );
  if (taken) throw new KernelError('EEXIST');
  const tunnel = create(kind, net, name, parms, travel, false);
  const { dev } = tunnel;
  if (kind.type === undefined) devAddrSet(dev, request.address ?? ethRandomAddr(net.kernel));
  bind(tunnel);
  if (request.mtu !== undefined) dev.mtu = request.mtu;
  registerNetdevice(dev, request.ifindex ?? 0);
  list.unshift(tunnel);
  return dev;
}

function initNet(net: Net, module: string): void {
  if (!hasFallbackTunnels(net)) return;
  for (const kind of KINDS) {
    if (kind.module !== module || kind.fallback === null) continue;
    const parms = { ...readParms(net, {}, null), hopLimit: 0, encapLimit: 0 };
    if (!kind.gre) parms.proto = IPPROTO_IPV6;
    const tunnel = create(kind, net, kind.fallback, parms, net, true);
    bind(tunnel);
    tunnelsOf(net, kind.kind).push(tunnel);
    registerNetdevice(tunnel.dev);
  }
}

function load(kernel: Kernel, module: string): void {
  const loaded = (kernel.loadedModules ??= new Set<string>());
  if (loaded.has(module)) return;
  loaded.add(module);
  for (const net of kernel.nets) initNet(net, module);
}

/**
 * An ICMPv6 error about a packet of ours (data at the quoted IPv6 header): learns the path MTU, and tells the sender of the
 * packet inside. @kernel ip4ip6_err(), ip6ip6_err(), ip6gre_err()
 */
function tunnelErr(skb: SkBuff, type: number, info: number, nexthdr: number): void {
  const dev = skb.dev as NetDevice;
  const m = skb.mem;
  const local = ip6hSaddr(m, skb.data);
  const remote = ip6hDaddr(m, skb.data);
  if (type === ICMPV6_PKT_TOOBIG) ip6UpdatePmtu(dev.net, remote, local, 0, 0, info);
  if (nexthdr === IPPROTO_GRE || lookup(dev, 'ip6tnl', null, remote, local) === null) return;
  const inner = skb.data + skb.cbOptLen;
  if (skb.tail - inner < (nexthdr === IPPROTO_IPIP ? 28 : IP6_HLEN)) return;
  const about = skb.pool.clone(skb);
  about.data = inner;
  about.len = about.tail - inner;
  about.networkHeader = inner;
  about.skbIif = 0;
  about.pktType = PACKET_HOST;
  const mtu = info - skb.cbOptLen;
  if (nexthdr === IPPROTO_IPIP) {
    if (type === ICMPV6_PKT_TOOBIG) icmpSend(about, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
    else icmpSend(about, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
  } else if (type === ICMPV6_PKT_TOOBIG) {
    icmpv6Send(about, ICMPV6_PKT_TOOBIG, 0, Math.max(mtu, 1280));
  } else {
    icmpv6Send(about, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0);
  }
  skb.pool.release(about);
}

/** A next header that is unknown until its module is there. */
function addProtocol(
  modules: KernelModules,
  nexthdr: number,
  module: string,
  handler: (skb: SkBuff) => void,
): void {
  modules.addInet6Protocol(nexthdr, {
    errHandler: (skb, type, _code, info) => {
      tunnelErr(skb, type, info, nexthdr);
    },
    handler: (skb) => {
      const { net, kernel } = skb.dev as NetDevice;
      if (kernel.loadedModules?.has(module) === true) {
        handler(skb);
        return;
      }
      net.mib6.add(Mib6.Ip6InDelivers, -1);
      net.mib6.add(Mib6.Ip6InUnknownProtos, 1);
      const direct = skb.transportHeader - skb.networkHeader === IP6_HLEN;
      const pointer = direct ? NEXTHDR_OFFSET : IP6_HLEN;
      icmpv6Send(skb, ICMPV6_PARAMPROB, ICMPV6_UNK_NEXTHDR, pointer);
      kernel.kfreeSkbReason(skb, DropReason.UNHANDLED_PROTO);
    },
  });
}

export function ip6TunnelRegister(modules: KernelModules): void {
  for (const kind of KINDS)
    modules.addLinkKind({
      kind: kind.kind,
      namePattern: kind.pattern,
      minMtu: 0,
      newlink: (net, name, request, travel) => newlink(kind, net, name, request, travel),
      load: (kernel) => {
        load(kernel, kind.module);
      },
    });
  addProtocol(modules, IPPROTO_IPV6, 'ip6_tunnel', (skb) => {
    tnlRcv(skb, IPPROTO_IPV6, ETH_P_IPV6);
  });
  addProtocol(modules, IPPROTO_IPIP, 'ip6_tunnel', (skb) => {
    tnlRcv(skb, IPPROTO_IPIP, ETH_P_IP);
  });
  addProtocol(modules, IPPROTO_GRE, 'ip6_gre', greRcv);
  modules.addPernet(
    (net) => {
      for (const module of net.kernel.loadedModules ?? []) initNet(net, module);
    },
    (net) => {
      for (const list of netTunnelsIfAny(net)?.ip6Tunnels.values() ?? [])
        for (const tunnel of [...list]) unregisterNetdevice(tunnel.dev);
    },
  );
}
