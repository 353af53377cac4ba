/**
 * A packet for this host: LOCAL_IN, extension headers, reassembly, raw sockets, the transport protocol.
 * Rt6Info.input → ip6Input → ip6InputFinish → protocol handler. Source: net/ipv6/ip6_input.c.
 */
import {
  DropReason,
  Mib6,
  NF_INET_LOCAL_IN,
  nfHookSlow,
  NFPROTO_IPV6,
  pskbMayPull,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  ICMPV6_MGM_QUERY,
  ICMPV6_MGM_REDUCTION,
  ICMPV6_MLD2_REPORT,
  ICMPV6_PARAMPROB,
  ICMPV6_UNK_NEXTHDR,
  IP6_HLEN,
  ip6hDaddr,
  ip6hNexthdr,
  NEXTHDR_DEST,
  NEXTHDR_FRAGMENT,
  NEXTHDR_HOP,
  NEXTHDR_ICMP,
  NEXTHDR_NONE,
  NEXTHDR_ROUTING,
} from '@netloom/wire';
import { ipv6DestoptRcv, ipv6RthdrRcv } from './exthdrs.js';
import { icmpv6Send } from './icmpv6-send.js';
import { ipv6Of } from './ipv6-net.js';
import { ipv6ChkMcast } from './mcast6.js';
import { ipv6FragRcv } from './reassembly6.js';

/** Consumes the packet. @kernel ip6_input() */
export function ip6Input(skb: SkBuff): void {
  const dev = skb.dev as NetDevice;
  const hooks = dev.net.nf6(NF_INET_LOCAL_IN);
  if (hooks !== null && !nfHookSlow(hooks, dev.net, NFPROTO_IPV6, NF_INET_LOCAL_IN, skb, dev, null))
    return;
  ip6InputFinish(skb, dev);
}

/** A packet to a group: for this host where it listens. Consumes it. @kernel ip6_mc_input() */
export function ip6McInput(skb: SkBuff): void {
  const dev = skb.dev as NetDevice;
  const { mib6 } = dev.net;
  mib6.add(Mib6.Ip6InMcastPkts, 1);
  mib6.add(Mib6.Ip6InMcastOctets, skb.len);
  if (ipv6ChkMcast(dev, ip6hDaddr(skb.mem, skb.networkHeader))) ip6Input(skb);
  else dev.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
}

/** @kernel ip6_protocol_deliver_rcu() */
function ip6InputFinish(packet: SkBuff, dev: NetDevice): void {
  const { net } = dev;
  const { kernel, mib6 } = net;
  const ipv6 = ipv6Of(net);
  let skb = packet;
  // Offset of the field that names the header at `transportHeader`.
  let nhoff = ip6hNexthdr(skb.mem, skb.networkHeader) === NEXTHDR_HOP ? IP6_HLEN : 6;
  for (;;) {
    const m = skb.mem;
    const header = skb.transportHeader - skb.data;
    if (header > skb.len || !pskbMayPull(skb, header)) {
      mib6.add(Mib6.Ip6InDiscards, 1);
      kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
      return;
    }
    const nexthdr = m.u8[skb.networkHeader + nhoff] as number;
    if (nexthdr === NEXTHDR_DEST || nexthdr === NEXTHDR_ROUTING) {
      const at = skb.transportHeader;
      const here = at - skb.networkHeader;
      if (!(nexthdr === NEXTHDR_DEST ? ipv6DestoptRcv(skb, dev) : ipv6RthdrRcv(skb, dev))) return;
      nhoff = here;
      continue;
    }
    if (nexthdr === NEXTHDR_FRAGMENT) {
      const whole = ipv6FragRcv(skb, dev, nhoff);
      if (whole === null) return;
      if (whole === skb) nhoff = skb.transportHeader - 8 - skb.networkHeader;
      skb = whole;
      continue;
    }
    skb.data = skb.transportHeader;
    skb.len -= header;
    if (nexthdr === NEXTHDR_NONE) {
      mib6.add(Mib6.Ip6InDelivers, 1);
      skb.pool.release(skb);
      return;
    }
    const raw = ipv6.raw;
    const taken = raw !== null && raw.size > 0 && raw.deliver(skb, nexthdr);
    const protocol = kernel.modules.inet6Protocols[nexthdr];
    if (protocol !== undefined) {
      if (
        m.u8[skb.networkHeader + 24] === 0xff &&
        !ipv6ChkMcast(dev, ip6hDaddr(m, skb.networkHeader)) &&
        !isMld(skb, nexthdr)
      ) {
        mib6.add(Mib6.Ip6InDiscards, 1);
        kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
        return;
      }
      mib6.add(Mib6.Ip6InDelivers, 1);
      protocol.handler(skb);
      return;
    }
    if (taken) {
      mib6.add(Mib6.Ip6InDelivers, 1);
      skb.pool.release(skb);
      return;
    }
    mib6.add(Mib6.Ip6InUnknownProtos, 1);
    icmpv6Send(skb, ICMPV6_PARAMPROB, ICMPV6_UNK_NEXTHDR, nhoff);
    kernel.kfreeSkbReason(skb, DropReason.INVALID_PROTO);
    return;
  }
}

/** @kernel ipv6_is_mld() */
function isMld(skb: SkBuff, nexthdr: number): boolean {
  if (nexthdr !== NEXTHDR_ICMP || skb.len < 8) return false;
  const type = skb.mem.u8[skb.data] as number;
  return (type >= ICMPV6_MGM_QUERY && type <= ICMPV6_MGM_REDUCTION) || type === ICMPV6_MLD2_REPORT;
}
