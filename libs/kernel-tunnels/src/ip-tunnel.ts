/**
 * Tunnels of IPv4: GRE, IP in IP, IPv6 in IPv4. Their tables, which packet belongs to which, sending, receiving, settings.
 * ip-gre.ts, ipip.ts, sit.ts → this → ip-tunnel-core.ts. Source: net/ipv4/ip_tunnel.c.
 *
 * Differs: no foo-over-UDP, no lightweight tunnels; a multipoint GRE device without an `ip neigh` entry sends to the route's
 * next hop.
 */
import { formatIpv4, KernelError, parseIpv4 } from '@netloom/base';
import {
  DropReason,
  ethTypeTrans,
  NETDEV_TX_OK,
  PACKET_BROADCAST,
  skbCow,
  Stat,
  statAdd,
  type Net,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  arpLookup,
  icmpSend,
  ipRouteOutput,
  ipRtUpdatePmtu,
  ipv4IsMulticast,
  ipv4Redirect,
  ipv4UpdatePmtu,
  Rtable,
} from '@netloom/kernel-inet';
import { icmpv6Send } from '@netloom/kernel-inet6';
import { Iff, type LinkInfoData } from '@netloom/sys';
import {
  ARPHRD_ETHER,
  ETH_HLEN,
  ETH_P_IP,
  ETH_P_IPV6,
  ICMP_DEST_UNREACH,
  ICMP_EXC_TTL,
  ICMP_FRAG_NEEDED,
  ICMP_HOST_UNREACH,
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  ICMPV6_ADDR_UNREACH,
  ICMPV6_DEST_UNREACH,
  ICMPV6_PKT_TOOBIG,
  iphDaddr,
  iphSaddr,
  iphTos,
} from '@netloom/wire';
import {
  ecnDecap,
  ecnEncap,
  innerDf,
  innerTos,
  innerTtl,
  ipTunnelXmit,
  rtHoplimit,
  skbScrub,
  TUNNEL_HEADROOM,
  tunnelPrepare,
  tunnelReceive,
} from './ip-tunnel-core.js';
import { netTunnels } from './net-tunnels.js';

export const ARPHRD_TUNNEL = 768;
export const ARPHRD_SIT = 776;
export const ARPHRD_IPGRE = 778;
const IP_HLEN = 20;
const IP_MAX_MTU = 65535;
const IPV6_MIN_MTU = 1280;
const MIN_MTU = 68;
/** After an ICMP error, packets are reported back for so long. @kernel IPTUNNEL_ERR_TIMEO */
const ERROR_TIME = 30e9;

/** @kernel struct ip_tunnel_parm */
export interface IpTunnelParms {
  local: number;
  remote: number;
  ifindex: number;
  /** 0: the inner packet's. */
  ttl: number;
  /** TOS_INHERIT takes over the inner one. */
  tos: number;
  pmtudisc: boolean;
  ignoreDf: boolean;
  ikey: number | null;
  okey: number | null;
  icsum: boolean;
  ocsum: boolean;
  iseq: boolean;
  oseq: boolean;
  fwmark: number;
  external: boolean;
  /** ipip, sit: the protocol inside, 0 for any. */
  proto: number;
}

/** What a received packet says of itself. @kernel struct tnl_ptk_info */
export interface TunnelHeader {
  csum: boolean;
  key: number | null;
  seq: number | null;
}

export const NO_HEADER: TunnelHeader = Object.freeze({ csum: false, key: null, seq: null });

export class IpTunnel {
  /** Tunnel header bytes. */
  hlen = 0;
  oSeqno = 0;
  iSeqno = 0;
  errCount = 0;
  errTime = -Infinity;

  constructor(
    readonly dev: NetDevice,
    /** Where its packets travel. */
    readonly net: Net,
    readonly table: IpTunnelTable,
    readonly parms: IpTunnelParms,
  ) {}
}

export function ipTunnelOf(dev: NetDevice): IpTunnel {
  return dev.priv as IpTunnel;
}

/** The tunnels of one kind in a namespace. @kernel struct ip_tunnel_net */
export class IpTunnelTable {
  readonly tunnels: IpTunnel[] = [];
  /** gre0, tunl0 and the like: takes what no other does. */
  fallback: NetDevice | null = null;

  /**
   * The tunnel that a packet belongs to: by both ends, by one, by the key; one bound to the device goes first.
   * @kernel ip_tunnel_lookup()
   */
  lookup(ifindex: number, key: number | null, remote: number, local: number): IpTunnel | null {
    let best: IpTunnel | null = null;
    let bestScore = 0;
    for (const tunnel of this.tunnels) {
      const { parms } = tunnel;
      if (parms.external || !tunnel.dev.up || parms.ikey !== key) continue;
      let score: number;
      if (parms.remote === remote && parms.local === local) score = 8;
      else if (parms.remote === remote && parms.local === 0) score = 6;
      else if (
        (parms.local === local && parms.remote === 0) ||
        (parms.remote === local && ipv4IsMulticast(local))
      )
        score = 4;
      else if (parms.local === 0 && parms.remote === 0) score = 2;
      else continue;
      if (parms.ifindex !== 0) {
        if (parms.ifindex !== ifindex) continue;
        score += 1;
      }
      if (score > bestScore) {
        best = tunnel;
        bestScore = score;
      }
    }
    if (best !== null) return best;
    for (const tunnel of this.tunnels) if (tunnel.parms.external && tunnel.dev.up) return tunnel;
    return this.fallback?.up === true ? ipTunnelOf(this.fallback) : null;
  }

  /** A tunnel with the same ends, key and device. @kernel ip_tunnel_find() */
  find(parms: IpTunnelParms): IpTunnel | undefined {
    return this.tunnels.find(
      ({ parms: p }) =>
        p.local === parms.local &&
        p.remote === parms.remote &&
        p.ikey === parms.ikey &&
        p.ifindex === parms.ifindex,
    );
  }
}

export function ipTunnelTable(net: Net, kind: string): IpTunnelTable {
  const { ipTunnels } = netTunnels(net);
  let table = ipTunnels.get(kind);
  if (table === undefined) {
    table = new IpTunnelTable();
    ipTunnels.set(kind, table);
  }
  return table;
}

/** Where a packet into the tunnel goes. */
interface Way {
  readonly rt: Rtable;
  readonly tos: number;
}

function fail(skb: SkBuff, dev: NetDevice, stat: number, reason: number): number {
  statAdd(dev, stat, 1);
  statAdd(dev, Stat.txErrors, 1);
  dev.kernel.kfreeSkbReason(skb, reason);
  return NETDEV_TX_OK;
}

/** The remote end: the tunnel's, what `ip neigh` says, or where the packet's own route leads. 0 when unknown. */
function remoteOf(skb: SkBuff, tunnel: IpTunnel): number {
  if (tunnel.parms.remote !== 0) return tunnel.parms.remote;
  const rt = skb.dst;
  if (!(rt instanceof Rtable) || skb.protocol !== ETH_P_IP) return 0;
  const next = rt.gateway !== 0 ? rt.gateway : iphDaddr(skb.mem, skb.networkHeader);
  const end = arpLookup(tunnel.dev, next)?.haLo ?? 0;
  return end !== 0 ? end : next;
}

function route(skb: SkBuff, tunnel: IpTunnel, remote: number, protocol: number): Way | number {
  const { parms, net } = tunnel;
  let tos = parms.tos;
  if ((tos & 1) !== 0) tos = innerTos(skb, skb.protocol);
  const rt = ipRouteOutput(net, {
    daddr: remote,
    saddr: parms.local,
    oif: parms.ifindex,
    tos: tos & 0x1c,
    mark: parms.fwmark,
    protocol,
  });
  return typeof rt === 'number' ? rt : { rt, tos };
}

/**
 * Sends a packet (data at its network header, or at the Ethernet header of a gretap) through the tunnel. Consumes it.
 * @param push puts the tunnel's own header in front @kernel ip_tunnel_xmit()
 */
export function ipTunnelSend(
  skb: SkBuff,
  dev: NetDevice,
  protocol: number,
  push: ((skb: SkBuff, tunnel: IpTunnel) => void) | null,
): number {
  const tunnel = ipTunnelOf(dev);
  const { parms, net } = tunnel;
  const ethernet = dev.type === ARPHRD_ETHER;
  if (parms.external) {
    statAdd(dev, Stat.txDropped, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.TUNNEL_TXINFO);
    return NETDEV_TX_OK;
  }
  skb.networkHeader = ethernet ? skb.data + ETH_HLEN : skb.data;
  const remote = remoteOf(skb, tunnel);
  if (remote === 0) return fail(skb, dev, Stat.txFifoErrors, DropReason.IP_OUTNOROUTES);
  const way = route(skb, tunnel, remote, protocol);
  if (typeof way === 'number')
    return fail(skb, dev, Stat.txCarrierErrors, DropReason.IP_OUTNOROUTES);
  const { rt, tos } = way;
  if (rt.dev === dev) return fail(skb, dev, Stat.collisions, DropReason.IP_OUTNOROUTES);
  const inside = skb.protocol;
  const inner = skb.len - (ethernet ? ETH_HLEN : 0);
  const df = parms.pmtudisc || (!parms.ignoreDf && innerDf(skb, inside));
  if (!updatePmtu(skb, tunnel, rt, df, inner) || !tunnelPrepare(skb, TUNNEL_HEADROOM)) {
    statAdd(dev, Stat.txErrors, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_BIG);
    return NETDEV_TX_OK;
  }
  reportErrors(skb, tunnel);
  const outerTos = ecnEncap(tos, skb, inside);
  let ttl = parms.ttl;
  if (ttl === 0) ttl = innerTtl(skb, inside);
  if (ttl === 0) ttl = rtHoplimit(net, rt);
  push?.(skb, tunnel);
  skb.transportHeader = skb.data;
  const saddr = parms.local !== 0 ? parms.local : rt.prefsrc;
  ipTunnelXmit(dev, skb, rt, saddr, remote, protocol, outerTos, ttl, df, inner);
  return NETDEV_TX_OK;
}

/** False where the packet is too big and its sender has been told. @kernel tnl_update_pmtu() */
function updatePmtu(skb: SkBuff, tunnel: IpTunnel, rt: Rtable, df: boolean, size: number): boolean {
  const { dev } = tunnel;
  const overhead = IP_HLEN + tunnel.hlen + (dev.type === ARPHRD_ETHER ? ETH_HLEN : 0);
  const inner = skb.dst instanceof Rtable ? skb.dst : null;
  const mtu = df ? rt.mtu() - overhead : (inner?.mtu() ?? dev.mtu);
  if (inner !== null && skb.protocol === ETH_P_IP && (!inner.isInput || mtu < inner.mtu()))
    ipRtUpdatePmtu(inner.dev.net, inner, iphDaddr(skb.mem, skb.networkHeader), mtu);
  if (mtu >= size) return true;
  skb.dev = dev;
  if (skb.protocol === ETH_P_IPV6 && mtu >= IPV6_MIN_MTU) {
    icmpv6Send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
    return false;
  }
  if (!innerDf(skb, skb.protocol)) return true;
  icmpSend(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
  return false;
}

/** The way out was reported broken a moment ago: tell the sender of this packet. */
function reportErrors(skb: SkBuff, tunnel: IpTunnel): void {
  if (tunnel.errCount === 0) return;
  if (tunnel.dev.kernel.engine.now >= tunnel.errTime + ERROR_TIME) {
    tunnel.errCount = 0;
    return;
  }
  tunnel.errCount--;
  skb.dev = tunnel.dev;
  if (skb.protocol === ETH_P_IPV6) icmpv6Send(skb, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0);
  if (skb.protocol !== ETH_P_IP) return;
  icmpSend(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0); // ipv4_link_failure()
}

/**
 * Takes a packet out of the tunnel: data behind the outer and the tunnel header, `networkHeader` the outer one, `protocol`
 * what is inside. Consumes it. @kernel ip_tunnel_rcv()
 */
export function ipTunnelRcv(tunnel: IpTunnel, skb: SkBuff, header: TunnelHeader): void {
  const { dev, parms } = tunnel;
  const outer = skb.networkHeader;
  const outerTos = iphTos(skb.mem, outer);
  const group = ipv4IsMulticast(iphDaddr(skb.mem, outer));
  skbScrub(skb, dev.net !== tunnel.net);
  if (group) {
    statAdd(dev, Stat.multicast, 1);
    skb.pktType = PACKET_BROADCAST;
  }
  if (header.csum !== parms.icsum)
    return refuse(skb, dev, Stat.rxCrcErrors, DropReason.NOT_SPECIFIED);
  if (parms.iseq) {
    if (header.seq === null || (tunnel.iSeqno !== 0 && ((header.seq - tunnel.iSeqno) | 0) < 0))
      return refuse(skb, dev, Stat.rxFifoErrors, DropReason.NOT_SPECIFIED);
    tunnel.iSeqno = (header.seq + 1) >>> 0;
  }
  const ethernet = dev.type === ARPHRD_ETHER;
  if (ethernet && skb.len < ETH_HLEN)
    return refuse(skb, dev, Stat.rxLengthErrors, DropReason.HDR_TRUNC);
  const bytes = skb.len;
  if (ethernet) {
    skb.protocol = ethTypeTrans(skb, dev);
    if (group) skb.pktType = PACKET_BROADCAST;
  } else {
    skb.macHeader = skb.data;
  }
  skb.networkHeader = skb.data;
  if (ecnDecap(skb, skb.protocol, outerTos) > 1)
    return refuse(skb, dev, Stat.rxFrameErrors, DropReason.IP_TUNNEL_ECN);
  statAdd(dev, Stat.rxBytes, bytes - skb.len); // tunnelReceive counts what is left
  tunnelReceive(skb, dev);
}

function refuse(skb: SkBuff, dev: NetDevice, stat: number, reason: number): void {
  statAdd(dev, stat, 1);
  statAdd(dev, Stat.rxErrors, 1);
  dev.kernel.kfreeSkbReason(skb, reason);
}

/**
 * An ICMP error about a packet of a tunnel (data at the quoted IP header).
 * @param portUnreach whether the other end refuses so @kernel ipgre_err(), ipip_err()
 */
export function ipTunnelErr(
  skb: SkBuff,
  type: number,
  code: number,
  info: number,
  portUnreach: boolean,
  find: (remote: number, local: number) => IpTunnel | null,
): void {
  if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) {
    ipv4UpdatePmtu(skb, info);
    return;
  }
  if (type === ICMP_REDIRECT) {
    ipv4Redirect(skb, info);
    return;
  }
  if (type !== ICMP_DEST_UNREACH && type !== ICMP_TIME_EXCEEDED) return;
  if (type === ICMP_DEST_UNREACH && (code === 5 || (code === 3 && !portUnreach))) return; // source route failed
  if (type === ICMP_TIME_EXCEEDED && code !== ICMP_EXC_TTL) return;
  const tunnel = find(iphDaddr(skb.mem, skb.data), iphSaddr(skb.mem, skb.data));
  if (tunnel === null || tunnel.parms.remote === 0 || ipv4IsMulticast(tunnel.parms.remote)) return;
  if (tunnel.parms.ttl === 0 && type === ICMP_TIME_EXCEEDED) return;
  const { now } = tunnel.dev.kernel.engine;
  tunnel.errCount = now < tunnel.errTime + ERROR_TIME ? tunnel.errCount + 1 : 1;
  tunnel.errTime = now;
}

/** A private copy of a received packet's bytes where they are shared; false without memory. */
export function ipTunnelOwn(skb: SkBuff): boolean {
  return tunnelPrepare(skb, 0) && skbCow(skb, 0);
}

function addressOf(data: LinkInfoData, key: string): number | undefined {
  const value = data[key];
  if (value === undefined) return undefined;
  if (value === 'any') return 0;
  const parsed = typeof value === 'string' ? parseIpv4(value) : undefined;
  if (parsed === undefined) throw new KernelError('EINVAL');
  return parsed;
}

/** Attributes over what was before; `add` tells `ip link add` from a change. @errno EINVAL, ENODEV */
export function ipTunnelParms(
  net: Net,
  data: LinkInfoData,
  old: IpTunnelParms | null,
): IpTunnelParms {
  const key = (name: 'ikey' | 'okey'): number | null => {
    const given = addressOf(data, name);
    return given !== undefined ? given : (old?.[name] ?? null);
  };
  const flag = (name: string, usual: boolean): boolean =>
    data[name] === undefined ? usual : data[name] === true || data[name] === 1;
  const number = (name: string, usual: number): number =>
    typeof data[name] === 'number' ? data[name] : usual;
  const { link } = data;
  const lower = link === undefined ? undefined : net.devByName(String(link));
  if (link !== undefined && lower === undefined) throw new KernelError('ENODEV');
  const ttl = number('ttl', old?.ttl ?? 0);
  const pmtudisc = flag('pmtudisc', old?.pmtudisc ?? true);
  return {
    local: addressOf(data, 'local') ?? old?.local ?? 0,
    remote: addressOf(data, 'remote') ?? old?.remote ?? 0,
    ifindex: lower?.ifindex ?? old?.ifindex ?? 0,
    ttl,
    tos: number('tos', old?.tos ?? 0),
    pmtudisc: pmtudisc || ttl !== 0, // a fixed TTL would let a tunnel that leads into itself run on
    ignoreDf: flag('ignore_df', old?.ignoreDf ?? false),
    ikey: key('ikey'),
    okey: key('okey'),
    icsum: flag('icsum', old?.icsum ?? false),
    ocsum: flag('ocsum', old?.ocsum ?? false),
    iseq: flag('iseq', old?.iseq ?? false),
    oseq: flag('oseq', old?.oseq ?? false),
    fwmark: number('fwmark', old?.fwmark ?? 0),
    external: flag('external', old?.external ?? false),
    proto: number('proto', old?.proto ?? 0),
  };
}

/** IFLA_INFO_DATA of all kinds. */
export function ipTunnelInfo(dev: NetDevice): LinkInfoData {
  const { parms, net } = ipTunnelOf(dev);
  const text = (address: number): string => (address === 0 ? 'any' : formatIpv4(address));
  const name = dev.net.devByIndex(parms.ifindex)?.name ?? `if${parms.ifindex}`;
  return {
    ...(parms.external ? { external: true } : {}),
    remote: text(parms.remote),
    local: text(parms.local),
    ...(parms.ifindex !== 0 && net.alive ? { link: name } : {}),
    ttl: parms.ttl,
    tos: parms.tos,
    pmtudisc: parms.pmtudisc,
    ...(parms.ignoreDf ? { ignore_df: true } : {}),
    ...(parms.ikey !== null ? { ikey: formatIpv4(parms.ikey) } : {}),
    ...(parms.okey !== null ? { okey: formatIpv4(parms.okey) } : {}),
    ...(parms.iseq ? { iseq: true } : {}),
    ...(parms.oseq ? { oseq: true } : {}),
    ...(parms.icsum ? { icsum: true } : {}),
    ...(parms.ocsum ? { ocsum: true } : {}),
    ...(parms.fwmark !== 0 ? { fwmark: parms.fwmark } : {}),
  };
}

function bytesOf(address: number): Uint8Array {
  return Uint8Array.of(
    address >>> 24,
    (address >>> 16) & 255,
    (address >>> 8) & 255,
    address & 255,
  );
}

/** The ends as the device's addresses, and the MTU that the way below leaves. @kernel ip_tunnel_bind_dev() */
export function ipTunnelBind(tunnel: IpTunnel, setMtu: boolean): void {
  const { dev, net, parms } = tunnel;
  const ethernet = dev.type === ARPHRD_ETHER;
  if (!ethernet) {
    dev.address = bytesOf(parms.local);
    dev.broadcast = bytesOf(parms.remote);
    dev.flags = Iff.IFF_NOARP | (dev.flags & Iff.IFF_UP);
    if (parms.remote !== 0) dev.flags |= Iff.IFF_POINTOPOINT;
  }
  let lower = net.devByIndex(parms.ifindex);
  if (parms.remote !== 0) {
    const rt = ipRouteOutput(net, {
      daddr: parms.remote,
      saddr: 0,
      oif: parms.ifindex,
      tos: 0,
      mark: parms.fwmark,
    });
    if (typeof rt !== 'number') lower = rt.dev;
  }
  if (!setMtu) return;
  const mtu = lower === undefined ? 1500 : Math.min(lower.mtu, IP_MAX_MTU);
  dev.mtu = Math.max(MIN_MTU, mtu - IP_HLEN - tunnel.hlen - (ethernet ? ETH_HLEN : 0));
}

/** @kernel __ip_tunnel_change_mtu() */
export function ipTunnelChangeMtu(dev: NetDevice, mtu: number): number {
  const { hlen } = ipTunnelOf(dev);
  const most = IP_MAX_MTU - IP_HLEN - hlen - (dev.type === ARPHRD_ETHER ? ETH_HLEN : 0);
  return mtu < MIN_MTU || mtu > most ? -22 : 0; // EINVAL
}
