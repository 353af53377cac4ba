/**
 * Received ICMP: echo, timestamp, and errors handed to the protocol they are about. Sources: net/ipv4/icmp.c, RFC 792.
 */
import {
  DropReason,
  LL_MAX_HEADER,
  Mib,
  MIB_ICMP_IN,
  mibAdd,
  skbCopyBits,
  skbLinearize,
  skbPut,
  type InetProtocol,
  type Net,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  csumPartial,
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_EXC_FRAGTIME,
  ICMP_FRAG_NEEDED,
  ICMP_HLEN,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  ICMP_TIMESTAMP,
  ICMP_TIMESTAMPREPLY,
  IP_HLEN,
  iphDaddr,
  iphIhl,
  iphProtocol,
  iphSaddr,
  iphTos,
} from '@netloom/wire';
import { icmpAllow, icmpCountOut, icmpIsError } from './icmp-send.js';
import { InDevice } from './in-device.js';
import { pingErr, pingRcv } from './ping.js';
import { ipOptionsEcho, ipPushHeaderOptions } from './ip-options-out.js';
import { ipDefaultTtl, ipLocalOut, ipPushHeader, ipSelectIdent } from './ip-output.js';
import { ipv4Of, Ipv4Sysctl } from './ipv4-net.js';
import { RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST } from './fib-table.js';
import { ipRouteOutput } from './route-output.js';
import type { Rtable } from './route.js';
import { ipv4Redirect, ipv4UpdatePmtu } from './route-exceptions.js';

/** The last type that RFC 792 and its companions gave a meaning, and the last code of "destination unreachable". */
export const NR_ICMP_TYPES = 18;
const NR_ICMP_UNREACH = 15;
const ICMP_ADDRESS = 17;
const ICMP_ADDRESSREPLY = 18;
const ICMP_EXT_ECHO = 42;
const ICMP_EXT_ECHOREPLY = 43;

const IN_BY_TYPE: Readonly<Record<number, number>> = {
  0: Mib.IcmpInEchoReps,
  3: Mib.IcmpInDestUnreachs,
  4: Mib.IcmpInSrcQuenchs,
  5: Mib.IcmpInRedirects,
  8: Mib.IcmpInEchos,
  11: Mib.IcmpInTimeExcds,
  12: Mib.IcmpInParmProbs,
  13: Mib.IcmpInTimestamps,
  14: Mib.IcmpInTimestampReps,
  17: Mib.IcmpInAddrMasks,
  18: Mib.IcmpInAddrMaskReps,
};

/** @kernel icmp_rcv() */
function icmpRcv(skb: SkBuff): void {
  const dev = skb.dev as NetDevice;
  const net = dev.net;
  const kernel = net.kernel;
  mibAdd(net.mib, Mib.IcmpInMsgs, 1);
  const m = skb.mem;
  if (!skbLinearize(skb)) return icmpDiscard(skb, net, DropReason.NOMEM);
  const o = skb.data;
  if (csumPartial(m, o, skb.len) !== 0xffff) {
    mibAdd(net.mib, Mib.IcmpInCsumErrors, 1);
    mibAdd(net.mib, Mib.IcmpInErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.ICMP_CSUM);
    return;
  }
  if (skb.len < ICMP_HLEN) return icmpDiscard(skb, net, DropReason.PKT_TOO_SMALL);
  const type = m.u8[o] as number;
  mibAdd(net.mib, MIB_ICMP_IN + type, 1);
  const counter = IN_BY_TYPE[type];
  if (counter !== undefined) mibAdd(net.mib, counter, 1);
  const ipv4 = ipv4Of(net);
  if (type > NR_ICMP_TYPES) {
    if (type === ICMP_EXT_ECHO || type === ICMP_EXT_ECHOREPLY) {
      kernel.kfreeSkbReason(skb, DropReason.UNHANDLED_PROTO); // icmp_echo_enable_probe is off
      return;
    }
    return icmpDiscard(skb, net, DropReason.UNHANDLED_PROTO);
  }
  const cast = (skb.dst as Rtable).type;
  if (cast === RTN_BROADCAST || cast === RTN_MULTICAST) {
    const asks = type === ICMP_ECHO || type === ICMP_TIMESTAMP;
    if (
      asks
        ? ipv4.sysctl(Ipv4Sysctl.icmp_echo_ignore_broadcasts) !== 0
        : type !== ICMP_ADDRESS && type !== ICMP_ADDRESSREPLY
    ) {
      return icmpDiscard(skb, net, DropReason.INVALID_PROTO); // RFC 1122 §3.2.2: no errors to groups
    }
  }
  if (type === ICMP_ECHO) {
    if (ipv4.sysctl(Ipv4Sysctl.icmp_echo_ignore_all) === 0) icmpReply(skb, ICMP_ECHOREPLY, cast);
  } else if (type === ICMP_TIMESTAMP) {
    if (skb.len < ICMP_HLEN + 4) return icmpDiscard(skb, net, DropReason.PKT_TOO_SMALL);
    icmpReply(skb, ICMP_TIMESTAMPREPLY, cast);
  } else if (type === ICMP_ECHOREPLY) {
    pingRcv(skb);
  } else if (type === ICMP_REDIRECT) {
    icmpRedirect(skb, dev);
  } else if (icmpIsError(type)) {
    icmpUnreach(skb, dev);
  }
  skb.pool.release(skb);
}

/** A message that nobody can make use of. Consumes it. */
function icmpDiscard(skb: SkBuff, net: Net, reason: number): void {
  mibAdd(net.mib, Mib.IcmpInErrors, 1);
  net.kernel.kfreeSkbReason(skb, reason);
}

/** Answers with the request's own bytes. @kernel icmp_reply() */
function icmpReply(request: SkBuff, type: number, cast: number): void {
  const dev = request.dev as NetDevice;
  const net = dev.net;
  const m = request.mem;
  const ip = request.networkHeader;
  const saddr = iphSaddr(m, ip);
  const local = cast === RTN_LOCAL ? iphDaddr(m, ip) : 0;
  const options = ipOptionsEcho(net, request);
  if (options === undefined) return;
  const rt = ipRouteOutput(net, {
    daddr: options !== null && options.faddr !== 0 ? options.faddr : saddr,
    saddr: local,
    oif: dev.l3mdev !== null ? dev.l3mdev.ifindex : 0,
    tos: iphTos(m, ip) & 0x1e,
    mark: ipv4Of(net).sysctl(Ipv4Sysctl.fwmark_reflect) !== 0 ? request.mark : 0,
  });
  if (typeof rt === 'number') return;
  if (!icmpAllow(net, rt.dev, type, 0, saddr)) return;
  const length = type === ICMP_TIMESTAMPREPLY ? ICMP_HLEN + 12 : request.len;
  const skb = request.pool.alloc(length, LL_MAX_HEADER);
  if (skb === null) return;
  const p = skbPut(skb, length);
  skbCopyBits(request, 0, p, Math.min(length, request.len));
  m.dv.setUint16(p, type << 8);
  m.dv.setUint16(p + 2, 0);
  if (type === ICMP_TIMESTAMPREPLY) {
    const ms = Math.floor(net.kernel.engine.now / 1e6) % 86_400_000; // milliseconds since midnight UT
    m.dv.setUint32(p + 12, ms);
    m.dv.setUint32(p + 16, ms);
  }
  m.dv.setUint16(p + 2, ~csumPartial(m, p, skb.len) & 0xffff);
  skb.transportHeader = p;
  icmpCountOut(net, ICMP_ECHOREPLY); // of a timestamp reply too: icmp_out_count() looks at the type the request is turned into
  const fields = {
    saddr: local !== 0 ? local : rt.prefsrc,
    daddr: saddr,
    protocol: 1,
    tos: iphTos(m, ip),
    ttl: ipDefaultTtl(net),
    id: ipSelectIdent(net),
    df: false,
  };
  if (options === null) ipPushHeader(skb, fields);
  else ipPushHeaderOptions(net, skb, fields, options, fields.saddr);
  ipLocalOut(net, skb, rt);
}

/** An error about one of our packets: to the raw sockets and to the protocol that sent it. @kernel icmp_unreach() */
function icmpUnreach(skb: SkBuff, dev: NetDevice): void {
  const net = dev.net;
  const m = skb.mem;
  const o = skb.data;
  const inner = o + ICMP_HLEN;
  const type = m.u8[o] as number;
  const code = m.u8[o + 1] as number;
  if (skb.len < ICMP_HLEN + IP_HLEN || iphIhl(m, inner) < 5) {
    mibAdd(net.mib, Mib.IcmpInErrors, 1);
    return;
  }
  if (
    type === ICMP_DEST_UNREACH
      ? code > NR_ICMP_UNREACH
      : type === ICMP_TIME_EXCEEDED && code === ICMP_EXC_FRAGTIME
  )
    return;
  if (skb.len < ICMP_HLEN + iphIhl(m, inner) * 4 + 8) {
    mibAdd(net.mib, Mib.IcmpInErrors, 1);
    return;
  }
  let info = 0;
  if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) {
    const trust = ipv4Of(net).sysctl(Ipv4Sysctl.ip_no_pmtu_disc);
    if (trust === 2 || (trust === 3 && iphProtocol(m, inner) !== 6)) return;
    info = trust === 1 ? 0 : m.dv.getUint16(o + 6);
  }
  if (type === ICMP_PARAMETERPROB) info = m.u8[o + 4] as number;
  deliverError(skb, inner, type, code, info);
}

function deliverError(skb: SkBuff, inner: number, type: number, code: number, info: number): void {
  const dev = skb.dev as NetDevice;
  const net = dev.net;
  const protocol = iphProtocol(skb.mem, inner);
  const data = skb.data;
  const length = skb.len;
  skb.data = inner;
  skb.len = length - (inner - data);
  ipv4Of(net).raw.error(skb, protocol, type, code, info);
  net.kernel.modules.inetProtocols[protocol]?.errHandler?.(skb, type, code, info);
  skb.data = data;
  skb.len = length;
}

/** Hands redirects on to the protocol whose packet it was about. @kernel icmp_redirect() */
function icmpRedirect(skb: SkBuff, dev: NetDevice): void {
  const net = dev.net;
  const inDev = InDevice.of(dev);
  const inner = skb.data + ICMP_HLEN;
  if (
    skb.len < ICMP_HLEN + IP_HLEN ||
    inDev === null ||
    skb.len < ICMP_HLEN + iphIhl(skb.mem, inner) * 4 + 8
  ) {
    mibAdd(net.mib, Mib.IcmpInErrors, 1);
    return;
  }
  deliverError(
    skb,
    inner,
    ICMP_REDIRECT,
    skb.mem.u8[skb.data + 1] as number,
    skb.mem.dv.getUint32(skb.data + 4),
  );
}

/** An error about an ICMP message of ours: what it says of the way is for everybody. @kernel icmp_err() */
function icmpErr(skb: SkBuff, type: number, code: number, info: number): void {
  pingErr(skb, type, code, info);
  if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) ipv4UpdatePmtu(skb, info);
  else if (type === ICMP_REDIRECT) ipv4Redirect(skb, info);
}

export const icmpProtocol: InetProtocol = { handler: icmpRcv, errHandler: icmpErr };
