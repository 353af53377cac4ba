/**
 * Sending ICMP errors about a packet: when one may be sent at all, how often, from which address, with how much of the
 * packet. Sources: net/ipv4/icmp.c icmp_send(), RFC 792, RFC 1122 §3.2.2, RFC 1812 §4.3.2.
 */
import {
  LL_MAX_HEADER,
  Mib,
  MIB_ICMP_OUT,
  mibAdd,
  PACKET_HOST,
  skbPut,
  type Net,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import {
  csumPartial,
  ICMP_HLEN,
  ICMP_REDIRECT,
  IP_HLEN,
  IP_OFFSET,
  iphDaddr,
  iphFragOff,
  iphIhl,
  iphProtocol,
  iphSaddr,
  iphTos,
} from '@netloom/wire';
import { inetAddrType } from './fib-frontend.js';
import { RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST } from './fib-table.js';
import { inetGetpeer, inetPeerXrlimAllow } from './inet-peer.js';
import { ipOptionsEcho, ipPushHeaderOptions } from './ip-options-out.js';
import { ipDefaultTtl, ipLocalOut, ipPushHeader, ipSelectIdent } from './ip-output.js';
import { ipv4Of, Ipv4Sysctl } from './ipv4-net.js';
import { ipRouteOutput } from './route-output.js';

/** Bytes of an error datagram at most (RFC 1812 §4.3.2.3). */
const ICMP_ERROR_MAX = 576;
/** IPTOS_PREC_INTERNETCONTROL */
const PREC_INTERNETCONTROL = 0xc0;
const IPPROTO_ICMP = 1;

/** Types that answer questions; all others report errors and are not reported on. @kernel icmp_pointers */
export function icmpIsError(type: number): boolean {
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}

/** Whether the rate limits let one more error out. @kernel icmp_global_allow(), inet_peer_xrlim_allow() */
export function icmpAllow(
  net: Net,
  dev: NetDevice | null,
  type: number,
  code: number,
  daddr: number,
): boolean {
  const ipv4 = ipv4Of(net);
  if ((ipv4.sysctl(Ipv4Sysctl.icmp_ratemask) & (1 << type)) === 0 || (type === 3 && code === 4))
    return true;
  const now = net.kernel.engine.now;
  const burst = ipv4.sysctl(Ipv4Sysctl.icmp_msgs_burst);
  const earned = Math.floor(
    ((now - ipv4.icmpTokensStamp) * ipv4.sysctl(Ipv4Sysctl.icmp_msgs_per_sec)) / 1e9,
  );
  if (earned > 0) {
    ipv4.icmpTokens = Math.min(burst, ipv4.icmpTokens + earned);
    ipv4.icmpTokensStamp = now;
  }
  if (dev !== null && (dev.flags & Iff.IFF_LOOPBACK) !== 0) return true;
  if (ipv4.icmpTokens <= 0) {
    mibAdd(net.mib, Mib.IcmpOutRateLimitGlobal, 1);
    return false;
  }
  if (
    !inetPeerXrlimAllow(inetGetpeer(ipv4, daddr), now, ipv4.sysctl(Ipv4Sysctl.icmp_ratelimit) * 1e6)
  ) {
    mibAdd(net.mib, Mib.IcmpOutRateLimitHost, 1);
    return false;
  }
  ipv4.icmpTokens--;
  return true;
}

/**
 * Reports an error about a packet (its networkHeader is valid) to its sender. The packet stays the caller's.
 * @param info next-hop MTU, pointer, or gateway, as the type wants it. @kernel icmp_send()
 */
export function icmpSend(about: SkBuff, type: number, code: number, info: number): void {
  const dev = about.dev;
  if (dev === null) return;
  const net = dev.net;
  const m = about.mem;
  const o = about.networkHeader;
  if (about.skbIif !== 0 && about.pktType !== PACKET_HOST) return;
  const daddr = iphDaddr(m, o);
  const saddr = iphSaddr(m, o);
  const destType = inetAddrType(net, daddr);
  if (destType === RTN_BROADCAST || destType === RTN_MULTICAST) return;
  if ((iphFragOff(m, o) & IP_OFFSET) !== 0) return;
  const header = iphIhl(m, o) * 4;
  const present = about.tail - o;
  if (iphProtocol(m, o) === IPPROTO_ICMP && icmpIsError(type)) {
    if (present <= header) return;
    const quoted = m.u8[o + header] as number;
    if (icmpIsError(quoted) || quoted > 18) return; // an unknown type may be an error
  }
  const source = destType === RTN_LOCAL ? daddr : 0;
  const options = ipOptionsEcho(net, about);
  if (options === undefined) return;
  const rt = ipRouteOutput(net, {
    daddr: options !== null && options.faddr !== 0 ? options.faddr : saddr,
    saddr: source,
    oif: dev.l3mdev !== null ? dev.l3mdev.ifindex : 0,
    tos: iphTos(m, o) & 0x1e,
    mark: ipv4Of(net).sysctl(Ipv4Sysctl.fwmark_reflect) !== 0 ? about.mark : 0,
  });
  if (typeof rt === 'number') return;
  if (!icmpAllow(net, rt.dev, type, code, saddr)) return;
  const quoted = Math.min(
    present,
    Math.min(rt.mtu(), ICMP_ERROR_MAX) - IP_HLEN - (options?.bytes.length ?? 0) - ICMP_HLEN,
  );
  const skb = about.pool.alloc(ICMP_HLEN + quoted, LL_MAX_HEADER);
  if (skb === null) return;
  const p = skbPut(skb, ICMP_HLEN + quoted);
  m.dv.setUint16(p, (type << 8) | code);
  m.dv.setUint16(p + 2, 0);
  m.dv.setUint32(p + 4, info >>> 0);
  m.copy(p + ICMP_HLEN, o, quoted);
  m.dv.setUint16(p + 2, ~csumPartial(m, p, ICMP_HLEN + quoted) & 0xffff);
  skb.transportHeader = p;
  icmpCountOut(net, type);
  const tos =
    type === ICMP_REDIRECT || icmpIsError(type)
      ? (iphTos(m, o) & 0x1e) | PREC_INTERNETCONTROL
      : iphTos(m, o);
  const fields = {
    saddr: rt.prefsrc,
    daddr: saddr,
    protocol: IPPROTO_ICMP,
    tos,
    ttl: ipDefaultTtl(net),
    id: ipSelectIdent(net),
    df: false,
  };
  if (options === null) ipPushHeader(skb, fields);
  else ipPushHeaderOptions(net, skb, fields, options, fields.saddr);
  ipLocalOut(net, skb, rt);
}

const OUT_BY_TYPE: Readonly<Record<number, number>> = {
  0: Mib.IcmpOutEchoReps,
  3: Mib.IcmpOutDestUnreachs,
  4: Mib.IcmpOutSrcQuenchs,
  5: Mib.IcmpOutRedirects,
  8: Mib.IcmpOutEchos,
  11: Mib.IcmpOutTimeExcds,
  12: Mib.IcmpOutParmProbs,
  13: Mib.IcmpOutTimestamps,
  14: Mib.IcmpOutTimestampReps,
  17: Mib.IcmpOutAddrMasks,
  18: Mib.IcmpOutAddrMaskReps,
};

/** Counts a message sent. @kernel icmp_out_count() */
export function icmpCountOut(net: Net, type: number): void {
  mibAdd(net.mib, Mib.IcmpOutMsgs, 1);
  mibAdd(net.mib, MIB_ICMP_OUT + type, 1);
  const index = OUT_BY_TYPE[type];
  if (index !== undefined) mibAdd(net.mib, index, 1);
}
