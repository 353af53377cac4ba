/**
 * Asking for a neighbour's link-layer address, and building discovery's messages. Sources: net/ipv6/ndisc.c
 * (ndisc_solicit, ndisc_send_ns, ndisc_send_na, ndisc_send_rs), RFC 4861 §4, §7.2.
 */
import {
  DropReason,
  LL_MAX_HEADER,
  skbPut,
  type Neighbour,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { Nud } from '@netloom/sys';
import {
  ICMPV6_ADDR_UNREACH,
  ICMPV6_DEST_UNREACH,
  IN6ADDR_ANY,
  in6IsAny,
  in6SolicitedNode,
  in6Write,
  ip6hSaddr,
  ND_OPT_NONCE,
  ND_OPT_SOURCE_LL_ADDR,
  ND_OPT_TARGET_LL_ADDR,
  NDISC_NEIGHBOUR_ADVERTISEMENT,
  NDISC_NEIGHBOUR_SOLICITATION,
  NDISC_ROUTER_SOLICITATION,
  NEXTHDR_ICMP,
  type In6Addr,
  type PacketMemory,
} from '@netloom/wire';
import { ipv6GetIfaddr } from './addr-check.js';
import { ipv6DevGetSaddr, ipv6GetLladdr } from './addr-select.js';
import { IP6SKB_NOMCLOOP } from './exthdrs.js';
import { icmpv6Checksum, icmpv6CountOut, icmpv6Send } from './icmpv6-send.js';
import { Conf6, IFA_F_OPTIMISTIC, IFA_F_TENTATIVE } from './inet6-conf.js';
import { Inet6Dev } from './inet6-dev.js';
import { ip6LocalOut, ip6PushHeader } from './ip6-output.js';
import { ipv6Of } from './ipv6-net.js';
import { RTN6_UNICAST } from './fib6-table.js';
import { Rt6Info } from './route6.js';

/** Bytes of a link-layer address option on Ethernet. */
export const LLADDR_OPT_LEN = 8;
/** Discovery is believed only with this hop limit: nobody forwarded it. */
export const NDISC_HOPLIMIT = 255;

export const NA_ROUTER = 0x80000000;
export const NA_SOLICITED = 0x40000000;
export const NA_OVERRIDE = 0x20000000;

/** Writes a source or target link-layer address option with the device's address. */
export function ndiscPutLladdr(m: PacketMemory, o: number, type: number, dev: NetDevice): void {
  m.dv.setUint16(o, (type << 8) | 1);
  m.dv.setUint16(o + 2, dev.addrHi);
  m.dv.setUint32(o + 4, dev.addrLo);
}

/** Whether messages on this device carry link-layer addresses. */
export function ndiscHasLladdr(dev: NetDevice): boolean {
  return dev.hardHeaderLen > 0 && dev.address.length === 6;
}

/** The route of packets that are for this link whatever the tables say. @kernel icmp6_dst_alloc() */
export function onlinkRoute(idev: Inet6Dev): Rt6Info {
  idev.onlinkRt ??= new Rt6Info(idev.dev, RTN6_UNICAST);
  return idev.onlinkRt;
}

/** Sends a message (data at its ICMPv6 header) on a device. Consumes it. @kernel ndisc_send_skb() */
export function ndiscSendSkb(
  skb: SkBuff,
  dev: NetDevice,
  saddr: In6Addr,
  daddr: In6Addr,
  hopLimit = NDISC_HOPLIMIT,
): void {
  const idev = Inet6Dev.of(dev);
  if (idev === null) {
    skb.pool.release(skb);
    return;
  }
  const length = skb.len;
  const type = skb.mem.u8[skb.data] as number;
  skb.transportHeader = skb.data;
  skb.cbFlags2 |= IP6SKB_NOMCLOOP;
  skb.priority = 7;
  const tclass = idev.conf[Conf6.ndisc_tclass] as number;
  ip6PushHeader(skb, saddr, daddr, NEXTHDR_ICMP, hopLimit, tclass << 20);
  icmpv6Checksum(skb, length);
  icmpv6CountOut(dev.net, type);
  ip6LocalOut(dev.net, skb, onlinkRoute(idev));
}

/** @kernel ndisc_send_ns() */
export function ndiscSendNs(
  dev: NetDevice,
  target: In6Addr,
  daddr: In6Addr,
  source: In6Addr | null,
  nonce: Uint8Array | null,
): void {
  let saddr = source;
  if (saddr === null) {
    saddr = ipv6GetLladdr(dev, IFA_F_TENTATIVE | IFA_F_OPTIMISTIC);
    if (saddr === null) return;
  }
  const lladdr = !in6IsAny(saddr) && ndiscHasLladdr(dev);
  const length = 24 + (lladdr ? LLADDR_OPT_LEN : 0) + (nonce === null ? 0 : 8);
  const skb = dev.kernel.pool.alloc(length, LL_MAX_HEADER);
  if (skb === null) return;
  const m = skb.mem;
  const o = skbPut(skb, length);
  m.dv.setUint32(o, NDISC_NEIGHBOUR_SOLICITATION << 24);
  m.dv.setUint32(o + 4, 0);
  in6Write(m, o + 8, target);
  let at = o + 24;
  if (lladdr) {
    ndiscPutLladdr(m, at, ND_OPT_SOURCE_LL_ADDR, dev);
    at += LLADDR_OPT_LEN;
  }
  if (nonce !== null) {
    m.dv.setUint16(at, (ND_OPT_NONCE << 8) | 1);
    m.write(at + 2, nonce);
  }
  ndiscSendSkb(skb, dev, saddr, daddr);
}

/** @param flags NA_* bits @kernel ndisc_send_na() */
export function ndiscSendNa(
  dev: NetDevice,
  daddr: In6Addr,
  target: In6Addr,
  flags: number,
  withLladdr: boolean,
): void {
  const idev = Inet6Dev.of(dev);
  if (idev === null) return;
  const ifa = ipv6GetIfaddr(dev, target);
  let saddr = target;
  let bits = flags;
  if (ifa !== undefined) {
    if ((ifa.flags & IFA_F_OPTIMISTIC) !== 0) bits &= ~NA_OVERRIDE;
  } else {
    const chosen = ipv6DevGetSaddr(dev.net, dev, daddr, 0);
    if (chosen === null) return;
    saddr = chosen;
  }
  const lladdr =
    (withLladdr ||
      idev.conf[Conf6.force_tllao] !== 0 ||
      ipv6Of(dev.net).confAll[Conf6.force_tllao] !== 0) &&
    ndiscHasLladdr(dev);
  const length = 24 + (lladdr ? LLADDR_OPT_LEN : 0);
  const skb = dev.kernel.pool.alloc(length, LL_MAX_HEADER);
  if (skb === null) return;
  const m = skb.mem;
  const o = skbPut(skb, length);
  m.dv.setUint32(o, NDISC_NEIGHBOUR_ADVERTISEMENT << 24);
  m.dv.setUint32(o + 4, bits >>> 0);
  in6Write(m, o + 8, target);
  if (lladdr) ndiscPutLladdr(m, o + 24, ND_OPT_TARGET_LL_ADDR, dev);
  ndiscSendSkb(skb, dev, saddr, daddr);
}

/** Asks the routers of a link to speak. @kernel ndisc_send_rs() */
export function ndiscSendRs(dev: NetDevice, saddr: In6Addr, daddr: In6Addr): void {
  const lladdr = !in6IsAny(saddr) && ndiscHasLladdr(dev);
  const length = 8 + (lladdr ? LLADDR_OPT_LEN : 0);
  const skb = dev.kernel.pool.alloc(length, LL_MAX_HEADER);
  if (skb === null) return;
  const m = skb.mem;
  const o = skbPut(skb, length);
  m.dv.setUint32(o, NDISC_ROUTER_SOLICITATION << 24);
  m.dv.setUint32(o + 4, 0);
  if (lladdr) ndiscPutLladdr(m, o + 8, ND_OPT_SOURCE_LL_ADDR, dev);
  ndiscSendSkb(skb, dev, saddr, daddr);
}

/** Asks everybody, or, to check a stale entry, the neighbour itself. @kernel ndisc_solicit() */
export function ndiscSolicit(neigh: Neighbour, skb: SkBuff | null): void {
  const { dev } = neigh;
  const idev = Inet6Dev.of(dev);
  if (idev === null) return;
  const target = neigh.key as In6Addr;
  let source: In6Addr | null = null;
  if (skb !== null) {
    const candidate = ip6hSaddr(skb.mem, skb.networkHeader);
    const ifa = ipv6GetIfaddr(dev, candidate);
    if (ifa !== undefined && (ifa.flags & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC)) === 0)
      source = candidate;
  }
  const unicast =
    neigh.probes <= idev.neighParms.ucastProbes &&
    (neigh.nudState & (Nud.NUD_PROBE | Nud.NUD_STALE | Nud.NUD_DELAY)) !== 0;
  ndiscSendNs(dev, target, unicast ? target : in6SolicitedNode(target), source, null);
}

/** A waiting packet whose next hop does not answer. Consumes it. @kernel ndisc_error_report(), ip6_link_failure() */
export function ndiscErrorReport(neigh: Neighbour, skb: SkBuff): void {
  const { net, kernel } = neigh.dev;
  skb.dev = (skb.skbIif !== 0 ? net.devByIndex(skb.skbIif) : undefined) ?? neigh.dev;
  icmpv6Send(skb, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0);
  kernel.kfreeSkbReason(skb, DropReason.NEIGH_FAILED);
}

/** The unspecified address, for those who ask before they have one. */
export const NDISC_UNSPECIFIED = IN6ADDR_ANY;
