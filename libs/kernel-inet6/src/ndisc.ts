/**
 * Received neighbour discovery: solicitations and advertisements of neighbours; routers' messages go on to ndisc-router.
 * Sources: net/ipv6/ndisc.c, RFC 4861 §6, §7, §8; RFC 4862 §5.4 for duplicate addresses.
 */
import {
  DropReason,
  NEIGH_UPDATE_F_OVERRIDE,
  NEIGH_UPDATE_F_WEAK_OVERRIDE,
  PACKET_HOST,
  PACKET_LOOPBACK,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { Nud } from '@netloom/sys';
import {
  IN6ADDR_ALLNODES,
  in6Equal,
  in6IsAny,
  in6IsMulticast,
  in6Prefix,
  in6Read,
  in6SolicitedNode,
  ip6hDaddr,
  ip6hHopLimit,
  ip6hSaddr,
  ND_OPT_NONCE,
  ND_OPT_SOURCE_LL_ADDR,
  ND_OPT_TARGET_LL_ADDR,
  NDISC_NEIGHBOUR_ADVERTISEMENT,
  NDISC_NEIGHBOUR_SOLICITATION,
  NDISC_REDIRECT,
  NDISC_ROUTER_ADVERTISEMENT,
  NDISC_ROUTER_SOLICITATION,
  type In6Addr,
  type PacketMemory,
} from '@netloom/wire';
import { ipv6ChkAcast, ipv6GetIfaddr } from './addr-check.js';
import { addrconfDadFailure } from './addrconf-dad.js';
import { IP6SKB_FRAGMENTED } from './exthdrs.js';
import { Conf6, IFA_F_OPTIMISTIC, IFA_F_TENTATIVE } from './inet6-conf.js';
import { Inet6Dev, type Inet6Ifaddr } from './inet6-dev.js';
import { ipv6Of } from './ipv6-net.js';
import { ndiscCreate, ndiscLookup, NTF_ROUTER } from './ndisc-cache.js';
import {
  NA_OVERRIDE,
  NA_ROUTER,
  NA_SOLICITED,
  NDISC_HOPLIMIT,
  ndiscSendNa,
} from './ndisc-solicit.js';
import { ndiscRedirectRcv } from './ndisc-redirect.js';
import { ndiscRouterDiscovery } from './ndisc-router.js';

/** A link-layer address as a neighbour entry holds it. */
export interface LlAddress {
  readonly hi: number;
  readonly lo: number;
}

/** Whether the options between two offsets are well formed. @kernel ndisc_parse_options() */
export function ndiscOptionsOk(m: PacketMemory, from: number, end: number): boolean {
  let at = from;
  while (at < end) {
    if (at + 2 > end) return false;
    const length = (m.u8[at + 1] as number) << 3;
    if (length === 0 || at + length > end) return false;
    at += length;
  }
  return true;
}

/** Where the first option of a type is, -1 where there is none. */
export function ndiscOption(m: PacketMemory, from: number, end: number, type: number): number {
  for (let at = from; at < end; at += (m.u8[at + 1] as number) << 3)
    if (m.u8[at] === type) return at;
  return -1;
}

/** The link-layer address of the first option of a type; null without one, false where it is malformed. */
export function ndiscLladdr(
  m: PacketMemory,
  from: number,
  end: number,
  type: number,
): LlAddress | null | false {
  const at = ndiscOption(m, from, end, type);
  if (at < 0) return null;
  if (m.u8[at + 1] !== 1) return false;
  return { hi: m.dv.getUint16(at + 2), lo: m.dv.getUint32(at + 4) };
}

/** Data at the ICMPv6 header. 0, or the reason to drop the packet, which stays the caller's. @kernel ndisc_rcv() */
export function ndiscRcv(skb: SkBuff, dev: NetDevice): number {
  const m = skb.mem;
  const o = skb.data;
  const idev = Inet6Dev.of(dev);
  if (idev === null) return DropReason.IPV6DISABLED;
  if ((skb.cbFlags2 & IP6SKB_FRAGMENTED) !== 0 && idev.conf[Conf6.suppress_frag_ndisc] !== 0)
    return DropReason.IPV6_NDISC_BAD_OPTIONS;
  if (ip6hHopLimit(m, skb.networkHeader) !== NDISC_HOPLIMIT) return DropReason.NOT_SPECIFIED;
  if (m.u8[o + 1] !== 0) return DropReason.NOT_SPECIFIED;
  switch (m.u8[o]) {
    case NDISC_NEIGHBOUR_SOLICITATION:
      return recvNs(skb, dev, idev);
    case NDISC_NEIGHBOUR_ADVERTISEMENT:
      return recvNa(skb, dev, idev);
    case NDISC_ROUTER_SOLICITATION:
      return recvRs(skb, dev, idev);
    case NDISC_ROUTER_ADVERTISEMENT:
      return ndiscRouterDiscovery(skb, dev, idev);
    case NDISC_REDIRECT:
      return ndiscRedirectRcv(skb, dev, idev);
    default:
      return 0;
  }
}

/** @kernel ndisc_recv_ns() */
function recvNs(skb: SkBuff, dev: NetDevice, idev: Inet6Dev): number {
  const m = skb.mem;
  const o = skb.data;
  const end = o + skb.len;
  if (skb.len < 24) return DropReason.PKT_TOO_SMALL;
  const saddr = ip6hSaddr(m, skb.networkHeader);
  const daddr = ip6hDaddr(m, skb.networkHeader);
  const target = in6Read(m, o + 8);
  const dad = in6IsAny(saddr);
  if (in6IsMulticast(target)) return DropReason.NOT_SPECIFIED;
  if (dad && !in6Equal(daddr, in6SolicitedNode(daddr))) return DropReason.NOT_SPECIFIED;
  if (!ndiscOptionsOk(m, o + 24, end)) return DropReason.IPV6_NDISC_BAD_OPTIONS;
  const lladdr = ndiscLladdr(m, o + 24, end, ND_OPT_SOURCE_LL_ADDR);
  if (lladdr === false || (dad && lladdr !== null)) return DropReason.IPV6_NDISC_BAD_OPTIONS;
  const inc = in6IsMulticast(daddr);
  const ifa = ipv6GetIfaddr(dev, target);
  let router = idev.forwarding;
  if (ifa !== undefined) {
    if ((ifa.flags & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC)) !== 0) {
      if (dad) {
        if (!sameNonce(m, o + 24, end, ifa)) addrconfDadFailure(skb, ifa);
        return 0;
      }
      if ((ifa.flags & IFA_F_OPTIMISTIC) === 0) return 0;
    }
  } else {
    const anycast = ipv6ChkAcast(dev, target);
    const proxy = !anycast && proxiesFor(idev, target);
    if (!anycast && !proxy) return 0;
    if (proxy) router = false;
    const { proxyDelay } = idev.neighParms;
    if (skb.pktType !== PACKET_HOST && inc && proxyDelay > 0) {
      // The host itself, or the nearest of several, is to have its chance first.
      const { engine } = dev.kernel;
      engine.after(dev.kernel.random('ndisc-proxy').below(proxyDelay), answerLater, {
        dev,
        saddr,
        target,
        router,
        dad,
        lladdr,
      });
      return 0;
    }
  }
  answer(dev, saddr, target, router, dad, lladdr, inc, ifa !== undefined);
  return 0;
}

function answer(
  dev: NetDevice,
  saddr: In6Addr,
  target: In6Addr,
  router: boolean,
  dad: boolean,
  lladdr: LlAddress | null,
  inc: boolean,
  own: boolean,
): void {
  const bits = router ? NA_ROUTER : 0;
  if (dad) {
    ndiscSendNa(dev, IN6ADDR_ALLNODES, target, bits | (own ? NA_OVERRIDE : 0), true);
    return;
  }
  const neigh =
    ndiscLookup(dev, saddr) ?? (!inc || lladdr !== null ? ndiscCreate(dev, saddr) : null);
  if (neigh === null) return;
  neigh.update(lladdr, Nud.NUD_STALE, NEIGH_UPDATE_F_WEAK_OVERRIDE | NEIGH_UPDATE_F_OVERRIDE);
  ndiscSendNa(dev, saddr, target, bits | NA_SOLICITED | (own && inc ? NA_OVERRIDE : 0), inc);
}

function answerLater(arg: {
  readonly dev: NetDevice;
  readonly saddr: In6Addr;
  readonly target: In6Addr;
  readonly router: boolean;
  readonly dad: boolean;
  readonly lladdr: LlAddress | null;
}): void {
  if (arg.dev.up)
    answer(arg.dev, arg.saddr, arg.target, arg.router, arg.dad, arg.lladdr, true, false);
}

function proxiesFor(idev: Inet6Dev, target: In6Addr): boolean {
  const on =
    idev.conf[Conf6.proxy_ndp] !== 0 || ipv6Of(idev.dev.net).confAll[Conf6.proxy_ndp] !== 0;
  return on && idev.forwarding && (idev.proxies ?? []).some((proxy) => in6Equal(proxy, target));
}

/** Whether a probe is one of ours that came back (RFC 7527). */
function sameNonce(m: PacketMemory, from: number, end: number, ifa: Inet6Ifaddr): boolean {
  const at = ndiscOption(m, from, end, ND_OPT_NONCE);
  const nonce = ifa.dadNonce;
  if (at < 0 || nonce === null || m.u8[at + 1] !== 1) return false;
  for (let i = 0; i < 6; i++) if (m.u8[at + 2 + i] !== nonce[i]) return false;
  return true;
}

/** @kernel ndisc_recv_na() */
function recvNa(skb: SkBuff, dev: NetDevice, idev: Inet6Dev): number {
  const m = skb.mem;
  const o = skb.data;
  const end = o + skb.len;
  if (skb.len < 24) return DropReason.PKT_TOO_SMALL;
  const saddr = ip6hSaddr(m, skb.networkHeader);
  const target = in6Read(m, o + 8);
  const bits = m.dv.getUint32(o + 4);
  const solicited = (bits & NA_SOLICITED) !== 0;
  if (in6IsMulticast(target)) return DropReason.NOT_SPECIFIED;
  if (solicited && m.u8[skb.networkHeader + 24] === 0xff) return DropReason.NOT_SPECIFIED;
  if (!solicited && idev.conf[Conf6.drop_unsolicited_na] !== 0) return DropReason.NOT_SPECIFIED;
  if (!ndiscOptionsOk(m, o + 24, end)) return DropReason.IPV6_NDISC_BAD_OPTIONS;
  const lladdr = ndiscLladdr(m, o + 24, end, ND_OPT_TARGET_LL_ADDR);
  if (lladdr === false) return DropReason.IPV6_NDISC_BAD_OPTIONS;
  const ifa = ipv6GetIfaddr(dev, target);
  if (ifa !== undefined) {
    if (skb.pktType !== PACKET_LOOPBACK && (ifa.flags & IFA_F_TENTATIVE) !== 0)
      addrconfDadFailure(skb, ifa);
    return 0;
  }
  let neigh = ndiscLookup(dev, target);
  let state: number = solicited ? Nud.NUD_REACHABLE : Nud.NUD_STALE;
  if (neigh === null && lladdr !== null && idev.forwarding && acceptUntracked(idev, saddr)) {
    neigh = ndiscCreate(dev, target);
    state = Nud.NUD_STALE;
  }
  if (neigh === null || (neigh.nudState & Nud.NUD_FAILED) !== 0) return 0;
  const flags = neigh.flags;
  neigh.flags = (bits & NA_ROUTER) !== 0 ? flags | NTF_ROUTER : flags & ~NTF_ROUTER;
  neigh.update(
    lladdr,
    state,
    NEIGH_UPDATE_F_WEAK_OVERRIDE | ((bits & NA_OVERRIDE) !== 0 ? NEIGH_UPDATE_F_OVERRIDE : 0),
  );
  return 0;
}

/** net.ipv6.conf.DEV.accept_untracked_na (RFC 9131). */
function acceptUntracked(idev: Inet6Dev, saddr: In6Addr): boolean {
  const mode = idev.conf[Conf6.accept_untracked_na];
  if (mode === 2)
    return idev.addresses.some(
      (ifa) => ifa.prefixlen < 128 && in6Equal(prefixOf(ifa, saddr), prefixOf(ifa, ifa.addr)),
    );
  return mode === 1;
}

function prefixOf(ifa: Inet6Ifaddr, addr: In6Addr): In6Addr {
  return in6Prefix(addr, ifa.prefixlen);
}

/** @kernel ndisc_recv_rs() */
function recvRs(skb: SkBuff, dev: NetDevice, idev: Inet6Dev): number {
  const m = skb.mem;
  const o = skb.data;
  const end = o + skb.len;
  if (skb.len < 8) return DropReason.PKT_TOO_SMALL;
  if (!idev.forwarding) return 0;
  const saddr = ip6hSaddr(m, skb.networkHeader);
  if (in6IsAny(saddr)) return 0;
  if (!ndiscOptionsOk(m, o + 8, end)) return DropReason.IPV6_NDISC_BAD_OPTIONS;
  const lladdr = ndiscLladdr(m, o + 8, end, ND_OPT_SOURCE_LL_ADDR);
  if (lladdr === false) return DropReason.IPV6_NDISC_BAD_OPTIONS;
  const neigh = ndiscLookup(dev, saddr) ?? ndiscCreate(dev, saddr);
  if (neigh === null) return 0;
  neigh.flags &= ~NTF_ROUTER;
  neigh.update(lladdr, Nud.NUD_STALE, NEIGH_UPDATE_F_WEAK_OVERRIDE | NEIGH_UPDATE_F_OVERRIDE);
  return 0;
}
