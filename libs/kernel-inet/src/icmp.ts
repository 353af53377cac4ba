/**
 * Received ICMP: echo, timestamp, and errors handed to the protocol they are about. Sources: net/ipv4/icmp.c, RFC 792.
 */
import {
  DropReason, LL_MAX_HEADER, Mib, MIB_ICMP_IN, mibAdd, PACKET_HOST, pskbMayPull, skbCopyBits, skbPut, type InetProtocol, type NetDevice, type SkBuff,
} from '@netloom/kernel-core';
import {
  csumPartial, ICMP_DEST_UNREACH, ICMP_ECHO, ICMP_ECHOREPLY, ICMP_FRAG_NEEDED, ICMP_HLEN, ICMP_PARAMETERPROB, ICMP_REDIRECT,
  ICMP_TIMESTAMP, ICMP_TIMESTAMPREPLY, IP_HLEN, iphDaddr, iphIhl, iphProtocol, iphSaddr, iphTos,
} from '@netloom/wire';
import { icmpAllow, icmpCountOut, icmpIsError } from './icmp-send.js';
import { Conf, InDevice } from './in-device.js';
import { ipDefaultTtl, ipLocalOut, ipPushHeader, ipSelectIdent } from './ip-output.js';
import { ipv4Of, Ipv4Sysctl } from './ipv4-net.js';
import { ipRouteOutput } from './route.js';

const IN_BY_TYPE: Readonly<Record<number, number>> = {
  0: Mib.IcmpInEchoReps, 3: Mib.IcmpInDestUnreachs, 4: Mib.IcmpInSrcQuenchs, 5: Mib.IcmpInRedirects, 8: Mib.IcmpInEchos,
  11: Mib.IcmpInTimeExcds, 12: Mib.IcmpInParmProbs, 13: Mib.IcmpInTimestamps, 14: Mib.IcmpInTimestampReps,
  17: Mib.IcmpInAddrMasks, 18: Mib.IcmpInAddrMaskReps,
};

/** @kernel icmp_rcv() */
function icmpRcv(skb: SkBuff): void {
  const dev = skb.dev as NetDevice;
  const net = dev.net;
  const kernel = net.kernel;
  mibAdd(net.mib, Mib.IcmpInMsgs, 1);
  if (!pskbMayPull(skb, ICMP_HLEN)) {
    mibAdd(net.mib, Mib.IcmpInErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_SMALL);
    return;
  }
  const m = skb.mem;
  const o = skb.data;
  if (csumPartial(m, o, skb.len) !== 0xffff) {
    mibAdd(net.mib, Mib.IcmpInCsumErrors, 1);
    mibAdd(net.mib, Mib.IcmpInErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.ICMP_CSUM);
    return;
  }
  const type = m.u8[o] as number;
  if (type <= 18) mibAdd(net.mib, MIB_ICMP_IN + type, 1);
  const counter = IN_BY_TYPE[type];
  if (counter !== undefined) mibAdd(net.mib, counter, 1);
  if (type > 18) {
    mibAdd(net.mib, Mib.IcmpInErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.UNHANDLED_PROTO);
    return;
  }
  const toUs = skb.pktType === PACKET_HOST;
  const ipv4 = ipv4Of(net);
  if (type === ICMP_ECHO) {
    const ignore = ipv4.sysctl(Ipv4Sysctl.icmp_echo_ignore_all) !== 0 || (!toUs && ipv4.sysctl(Ipv4Sysctl.icmp_echo_ignore_broadcasts) !== 0);
    if (!ignore) icmpReply(skb, ICMP_ECHOREPLY);
  } else if (type === ICMP_TIMESTAMP) {
    if (skb.len >= 20 && toUs) icmpReply(skb, ICMP_TIMESTAMPREPLY);
  } else if (type === ICMP_REDIRECT) {
    icmpRedirect(skb, dev);
  } else if (icmpIsError(type)) {
    icmpUnreach(skb, dev);
  }
  skb.pool.release(skb);
}

/** Answers with the request's own bytes. @kernel icmp_reply() */
function icmpReply(request: SkBuff, type: number): void {
  const dev = request.dev as NetDevice;
  const net = dev.net;
  const m = request.mem;
  const ip = request.networkHeader;
  const saddr = iphSaddr(m, ip);
  const local = request.pktType === PACKET_HOST ? iphDaddr(m, ip) : 0;
  const rt = ipRouteOutput(net, { daddr: saddr, saddr: local, oif: 0, tos: iphTos(m, ip) & 0x1e, mark: 0 });
  if (typeof rt === 'number') return;
  if (!icmpAllow(net, rt.dev, type, 0, saddr)) return;
  const skb = request.pool.alloc(request.len, LL_MAX_HEADER);
  if (skb === null) return;
  const p = skbPut(skb, request.len);
  skbCopyBits(request, 0, p, request.len);
  m.dv.setUint16(p, type << 8);
  m.dv.setUint16(p + 2, 0);
  if (type === ICMP_TIMESTAMPREPLY) {
    const ms = Math.floor(net.kernel.engine.now / 1e6) % 86_400_000; // milliseconds since midnight UT
    m.dv.setUint32(p + 12, ms);
    m.dv.setUint32(p + 16, ms);
  }
  m.dv.setUint16(p + 2, ~csumPartial(m, p, skb.len) & 0xffff);
  skb.transportHeader = p;
  skb.packetId = request.packetId;
  icmpCountOut(net, type);
  ipPushHeader(skb, {
    saddr: local !== 0 ? local : rt.prefsrc, daddr: saddr, protocol: 1, tos: iphTos(m, ip) & ~3, ttl: ipDefaultTtl(net), id: ipSelectIdent(net), df: false,
  });
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
  if (skb.len < ICMP_HLEN + IP_HLEN || iphIhl(m, inner) < 5 || skb.len < ICMP_HLEN + iphIhl(m, inner) * 4 + 8) {
    mibAdd(net.mib, Mib.IcmpInErrors, 1);
    return;
  }
  let info = 0;
  if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) info = m.dv.getUint16(o + 6);
  else if (type === ICMP_PARAMETERPROB) info = m.u8[o + 4] as number;
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

/** Counts redirects and hands them on; the routing exceptions they make are the routing layer's. */
function icmpRedirect(skb: SkBuff, dev: NetDevice): void {
  const net = dev.net;
  const inDev = InDevice.of(dev);
  if (skb.len < ICMP_HLEN + IP_HLEN || inDev === null) {
    mibAdd(net.mib, Mib.IcmpInErrors, 1);
    return;
  }
  if (inDev.conf[Conf.accept_redirects] === 0) return;
  deliverError(skb, skb.data + ICMP_HLEN, ICMP_REDIRECT, skb.mem.u8[skb.data + 1] as number, skb.mem.dv.getUint32(skb.data + 4));
}

export const icmpProtocol: InetProtocol = { handler: icmpRcv };
