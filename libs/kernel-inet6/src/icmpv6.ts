/**
 * Received ICMPv6: echo, neighbour discovery, listener discovery, and errors handed to the protocol they are about.
 * Sources: net/ipv6/icmp.c, RFC 4443.
 */
import { Errno } from '@netloom/base';
import {
  DropReason,
  LL_MAX_HEADER,
  Mib6,
  skbCopyBits,
  skbLinearize,
  skbPut,
  type InetProtocol,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  csumPartial,
  csumPseudo6At,
  ICMP_HLEN,
  ICMPV6_DEST_UNREACH,
  ICMPV6_ECHO_REPLY,
  ICMPV6_ECHO_REQUEST,
  ICMPV6_MGM_QUERY,
  ICMPV6_MGM_REPORT,
  ICMPV6_PARAMPROB,
  ICMPV6_PKT_TOOBIG,
  ICMPV6_TIME_EXCEED,
  IN6ADDR_ANY,
  IP6_HLEN,
  ip6hDaddr,
  ip6hFlowLabel,
  ip6hNexthdr,
  ip6hSaddr,
  ip6hTclass,
  NDISC_REDIRECT,
  NDISC_ROUTER_SOLICITATION,
  NEXTHDR_ICMP,
} from '@netloom/wire';
import { ipv6ExtHdr, ipv6SkipExthdr } from './exthdrs.js';
import { RTN6_ANYCAST, RTN6_LOCAL } from './fib6-table.js';
import { Flow6 } from './flow6.js';
import { icmpv6Allow, icmpv6Finish } from './icmpv6-send.js';
import { ipv6Of, Ipv6Sysctl } from './ipv6-net.js';
import { igmp6Query, igmp6Report } from './mcast6.js';
import { ndiscRcv } from './ndisc.js';
import { ip6DstHoplimit, ip6DstLookupFlow, type Rt6Info } from './route6.js';
import { ip6UpdatePmtu } from './route6-exceptions.js';

const IN_BY_TYPE: Readonly<Record<number, number>> = {
  1: Mib6.Icmp6InDestUnreachs,
  2: Mib6.Icmp6InPktTooBigs,
  3: Mib6.Icmp6InTimeExcds,
  4: Mib6.Icmp6InParmProblems,
  128: Mib6.Icmp6InEchos,
  129: Mib6.Icmp6InEchoReplies,
  130: Mib6.Icmp6InGroupMembQueries,
  131: Mib6.Icmp6InGroupMembResponses,
  132: Mib6.Icmp6InGroupMembReductions,
  133: Mib6.Icmp6InRouterSolicits,
  134: Mib6.Icmp6InRouterAdvertisements,
  135: Mib6.Icmp6InNeighborSolicits,
  136: Mib6.Icmp6InNeighborAdvertisements,
  137: Mib6.Icmp6InRedirects,
  143: Mib6.Icmp6InMLDv2Reports,
};

/** Errors about unreachable destinations, by code. @kernel tab_unreach */
const UNREACH_ERRORS: readonly { readonly errno: number; readonly fatal: boolean }[] = [
  { errno: Errno.ENETUNREACH, fatal: false },
  { errno: Errno.EACCES, fatal: true },
  { errno: Errno.EHOSTUNREACH, fatal: false },
  { errno: Errno.EHOSTUNREACH, fatal: false },
  { errno: Errno.ECONNREFUSED, fatal: true },
  { errno: Errno.EACCES, fatal: true },
  { errno: Errno.EACCES, fatal: true },
];

/** What an error message means to a socket. @kernel icmpv6_err_convert() */
export function icmpv6ErrConvert(
  type: number,
  code: number,
): { readonly errno: number; readonly fatal: boolean } {
  switch (type) {
    case ICMPV6_DEST_UNREACH:
      return UNREACH_ERRORS[code] ?? { errno: Errno.EPROTO, fatal: true };
    case ICMPV6_PKT_TOOBIG:
      return { errno: Errno.EMSGSIZE, fatal: false };
    case ICMPV6_PARAMPROB:
      return { errno: Errno.EPROTO, fatal: true };
    case ICMPV6_TIME_EXCEED:
      return { errno: Errno.EHOSTUNREACH, fatal: false };
    default:
      return { errno: Errno.EPROTO, fatal: false };
  }
}

/** @kernel icmpv6_rcv() */
function icmpv6Rcv(skb: SkBuff): void {
  const dev = skb.dev as NetDevice;
  const { net, kernel } = dev;
  const { mib6 } = net;
  mib6.add(Mib6.Icmp6InMsgs, 1);
  const m = skb.mem;
  if (!skbLinearize(skb)) return discard(skb, dev, DropReason.NOMEM);
  const o = skb.data;
  const pseudo = csumPseudo6At(m, skb.networkHeader, NEXTHDR_ICMP, skb.len);
  if (csumPartial(m, o, skb.len, pseudo) !== 0xffff) {
    mib6.add(Mib6.Icmp6InCsumErrors, 1);
    return discard(skb, dev, DropReason.ICMP_CSUM);
  }
  if (skb.len < ICMP_HLEN) return discard(skb, dev, DropReason.PKT_TOO_SMALL);
  const type = m.u8[o] as number;
  mib6.addMessage(false, type);
  const counter = IN_BY_TYPE[type];
  if (counter !== undefined) mib6.add(counter, 1);
  if (type === ICMPV6_ECHO_REQUEST) {
    if (ipv6Of(net).sysctl(Ipv6Sysctl['icmp/echo_ignore_all']) === 0) echoReply(skb, dev);
  } else if (type === ICMPV6_ECHO_REPLY) {
    ipv6Of(net).ping?.(skb);
  } else if (type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB) {
    if (!icmpv6Notify(skb, dev, type)) return discard(skb, dev, DropReason.NOT_SPECIFIED);
  } else if (type >= NDISC_ROUTER_SOLICITATION && type <= NDISC_REDIRECT) {
    const refused = ndiscRcv(skb, dev);
    if (refused !== 0) {
      kernel.kfreeSkbReason(skb, refused);
      return;
    }
  } else if (type === ICMPV6_MGM_QUERY) {
    igmp6Query(skb, dev);
  } else if (type === ICMPV6_MGM_REPORT) {
    igmp6Report(skb, dev);
  } else if (type < 128) {
    icmpv6Notify(skb, dev, type); // an error that nobody knows: let the upper layer decide (RFC 4443 §2.4 a)
  }
  skb.pool.release(skb);
}

/** A message that nobody can make use of. Consumes it. */
function discard(skb: SkBuff, dev: NetDevice, reason: number): void {
  dev.net.mib6.add(Mib6.Icmp6InErrors, 1);
  dev.kernel.kfreeSkbReason(skb, reason);
}

/** @kernel icmpv6_echo_reply() */
function echoReply(skb: SkBuff, dev: NetDevice): void {
  const { net } = dev;
  const ipv6 = ipv6Of(net);
  const m = skb.mem;
  const ip = skb.networkHeader;
  const daddr = ip6hDaddr(m, ip);
  const multicast = m.u8[ip + 24] === 0xff;
  if (multicast && ipv6.sysctl(Ipv6Sysctl['icmp/echo_ignore_multicast']) !== 0) return;
  const { type } = skb.dst as Rt6Info;
  const anycast = type === RTN6_ANYCAST;
  if (anycast && ipv6.sysctl(Ipv6Sysctl['icmp/echo_ignore_anycast']) !== 0) return;
  const keeps =
    type === RTN6_LOCAL || (anycast && ipv6.sysctl(Ipv6Sysctl.anycast_src_echo_reply) !== 0);
  const fl = new Flow6(ip6hSaddr(m, ip));
  fl.saddr = keeps ? daddr : IN6ADDR_ANY;
  fl.oif = skb.skbIif;
  fl.protocol = NEXTHDR_ICMP;
  fl.sport = ICMPV6_ECHO_REPLY;
  fl.mark = ipv6.sysctl(Ipv6Sysctl.fwmark_reflect) !== 0 ? skb.mark : 0;
  if ((ipv6.sysctl(Ipv6Sysctl.flowlabel_reflect) & 4) !== 0) fl.flowLabel = ip6hFlowLabel(m, ip);
  const rt = ip6DstLookupFlow(net, fl);
  if (typeof rt === 'number' || !icmpv6Allow(net, rt, fl, ICMPV6_ECHO_REPLY)) return;
  const reply = skb.pool.alloc(skb.len, LL_MAX_HEADER);
  if (reply === null) return;
  const o = skbPut(reply, skb.len);
  skbCopyBits(skb, 0, o, skb.len);
  m.dv.setUint32(o, ICMPV6_ECHO_REPLY << 24);
  icmpv6Finish(net, reply, rt, fl, ip6DstHoplimit(rt), ip6hTclass(m, ip), 0);
}

/** An error about one of our packets: to the protocol that sent it and to raw sockets. False where it is cut short. @kernel icmpv6_notify() */
function icmpv6Notify(skb: SkBuff, dev: NetDevice, type: number): boolean {
  const { net, kernel } = dev;
  const m = skb.mem;
  const o = skb.data;
  const code = m.u8[o + 1] as number;
  const info = m.dv.getUint32(o + 4);
  const inner = o + ICMP_HLEN;
  const end = o + skb.len;
  if (inner + IP6_HLEN > end) return false;
  let nexthdr = ip6hNexthdr(m, inner);
  let transport = inner + IP6_HLEN;
  if (ipv6ExtHdr(nexthdr)) {
    const found = ipv6SkipExthdr(m, transport, end, nexthdr);
    if (found.offset < 0) return false;
    nexthdr = found.nexthdr;
    transport = found.offset;
  }
  if (transport + 8 > end) return false;
  const length = skb.len;
  skb.data = inner;
  skb.len = end - inner;
  skb.cbOptLen = transport - inner;
  kernel.modules.inet6Protocols[nexthdr]?.errHandler?.(skb, type, code, info);
  const { raw } = ipv6Of(net);
  if (raw !== null && raw.size > 0) raw.error(skb, nexthdr, type, code, info);
  skb.data = o;
  skb.len = length;
  return true;
}

/** What an error about an ICMPv6 message of ours says of the path is for everybody. @kernel icmpv6_err() */
function icmpv6Err(skb: SkBuff, type: number, _code: number, info: number): void {
  const dev = skb.dev as NetDevice;
  if (type === ICMPV6_PKT_TOOBIG)
    ip6UpdatePmtu(
      dev.net,
      ip6hDaddr(skb.mem, skb.data),
      ip6hSaddr(skb.mem, skb.data),
      skb.skbIif,
      0,
      info,
    );
}

export const icmpv6Protocol: InetProtocol = { handler: icmpv6Rcv, errHandler: icmpv6Err };
