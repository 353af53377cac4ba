/**
 * Redirects, both ways. Sources: net/ipv6/ndisc.c (ndisc_send_redirect, ndisc_redirect_rcv), route.c rt6_do_redirect(),
 * RFC 4861 §8.
 */
import {
  DropReason,
  LL_MAX_HEADER,
  NEIGH_UPDATE_F_OVERRIDE,
  NEIGH_UPDATE_F_WEAK_OVERRIDE,
  NUD_VALID,
  skbCopyBits,
  skbPut,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { Nud } from '@netloom/sys';
import {
  in6Equal,
  in6IsLinkLocal,
  in6IsMulticast,
  in6Read,
  in6Write,
  IP6_HLEN,
  ip6hDaddr,
  ip6hSaddr,
  IPV6_ADDR_LINKLOCAL,
  IPV6_ADDR_UNICAST,
  IPV6_MIN_MTU,
  ipv6AddrType,
  ND_OPT_REDIRECT_HDR,
  ND_OPT_TARGET_LL_ADDR,
  NDISC_REDIRECT,
  type In6Addr,
} from '@netloom/wire';
import { ipv6ChkAddr } from './addr-check.js';
import { ipv6GetLladdr } from './addr-select.js';
import { Flow6 } from './flow6.js';
import { Conf6, IFA_F_TENTATIVE } from './inet6-conf.js';
import type { Inet6Dev } from './inet6-dev.js';
import { inetGetpeer6, inetPeer6Allow } from './inet-peer6.js';
import { ipv6Of } from './ipv6-net.js';
import { ndiscCreate, ndiscLookup, NTF_ROUTER } from './ndisc-cache.js';
import { ndiscLladdr, ndiscOptionsOk } from './ndisc.js';
import { LLADDR_OPT_LEN, ndiscSendSkb } from './ndisc-solicit.js';
import { ip6RouteOutput, type Rt6Info } from './route6.js';
import { ip6RtRedirect } from './route6-exceptions.js';

const REDIRECT_INTERVAL_NS = 1e9;

/** Tells the sender of a packet of a better first hop; the packet stays the caller's. @kernel ndisc_send_redirect() */
export function ndiscSendRedirect(about: SkBuff, rt: Rt6Info, target: In6Addr): void {
  const { dev } = rt;
  const { net, kernel } = dev;
  const m = about.mem;
  const o = about.networkHeader;
  const peer = ip6hSaddr(m, o);
  const daddr = ip6hDaddr(m, o);
  const saddr = ipv6GetLladdr(dev, IFA_F_TENTATIVE);
  if (saddr === null) return;
  if (
    !in6Equal(daddr, target) &&
    ipv6AddrType(target) !== (IPV6_ADDR_UNICAST | IPV6_ADDR_LINKLOCAL)
  )
    return;
  const back = new Flow6(peer);
  back.oif = dev.ifindex;
  const way = ip6RouteOutput(net, back);
  if (way.error !== 0 || way.gateway !== null) return; // only neighbours are told
  if (!inetPeer6Allow(inetGetpeer6(ipv6Of(net), peer), kernel.engine.now, REDIRECT_INTERVAL_NS))
    return;
  const neigh = ndiscLookup(dev, target);
  const known = neigh !== null && (neigh.nudState & NUD_VALID) !== 0;
  const head = 40 + (known ? LLADDR_OPT_LEN : 0);
  const quoted = Math.min(about.tail - o, IPV6_MIN_MTU - IP6_HLEN - head - 8) & ~7;
  const length = head + 8 + quoted;
  const skb = kernel.pool.alloc(length, LL_MAX_HEADER);
  if (skb === null) return;
  const p = skbPut(skb, length);
  m.dv.setUint32(p, NDISC_REDIRECT << 24);
  m.dv.setUint32(p + 4, 0);
  in6Write(m, p + 8, target);
  in6Write(m, p + 24, daddr);
  let at = p + 40;
  if (known) {
    m.dv.setUint16(at, (ND_OPT_TARGET_LL_ADDR << 8) | 1);
    m.dv.setUint16(at + 2, neigh.haHi);
    m.dv.setUint32(at + 4, neigh.haLo);
    at += LLADDR_OPT_LEN;
  }
  m.dv.setUint32(at, (ND_OPT_REDIRECT_HDR << 24) | (((quoted >>> 3) + 1) << 16));
  m.dv.setUint32(at + 4, 0);
  skbCopyBits(about, o - about.data, at + 8, quoted);
  ndiscSendSkb(skb, dev, saddr, peer);
}

/** A redirect (data at its ICMPv6 header). 0 or the reason to drop. @kernel ndisc_redirect_rcv(), rt6_do_redirect() */
export function ndiscRedirectRcv(skb: SkBuff, dev: NetDevice, idev: Inet6Dev): number {
  const { net } = dev;
  const m = skb.mem;
  const o = skb.data;
  const end = o + skb.len;
  const from = ip6hSaddr(m, skb.networkHeader);
  if (!in6IsLinkLocal(from)) return DropReason.NOT_SPECIFIED;
  if (skb.len < 40) return DropReason.PKT_TOO_SMALL;
  if (!ndiscOptionsOk(m, o + 40, end)) return DropReason.IPV6_NDISC_BAD_OPTIONS;
  const target = in6Read(m, o + 8);
  const daddr = in6Read(m, o + 24);
  if (in6IsMulticast(daddr)) return 0;
  const onLink = in6Equal(target, daddr);
  if (!onLink && ipv6AddrType(target) !== (IPV6_ADDR_UNICAST | IPV6_ADDR_LINKLOCAL)) return 0;
  if (idev.forwarding || idev.conf[Conf6.accept_redirects] === 0) return 0;
  const lladdr = ndiscLladdr(m, o + 40, end, ND_OPT_TARGET_LL_ADDR);
  if (lladdr === false) return DropReason.IPV6_NDISC_BAD_OPTIONS;
  if (ipv6ChkAddr(net, target, null)) return 0;
  const fl = new Flow6(daddr);
  fl.oif = dev.ifindex;
  const rt = ip6RouteOutput(net, fl);
  if (rt.error !== 0 || rt.gateway === null || !in6Equal(rt.gateway, from)) return 0;
  const neigh = ndiscLookup(dev, target) ?? ndiscCreate(dev, target);
  if (neigh === null) return 0;
  if (!onLink) neigh.flags |= NTF_ROUTER;
  neigh.update(lladdr, Nud.NUD_STALE, NEIGH_UPDATE_F_WEAK_OVERRIDE | NEIGH_UPDATE_F_OVERRIDE);
  ip6RtRedirect(net, rt, daddr, target);
  return 0;
}
