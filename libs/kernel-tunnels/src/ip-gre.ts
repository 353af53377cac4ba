/**
 * GRE: packets of any protocol (gre) or Ethernet frames (gretap) in IPv4, with key, checksum and sequence numbers on
 * demand. Sources: RFC 2784, RFC 2890, net/ipv4/ip_gre.c, gre_demux.c. Keep-alives and WCCP are not known.
 */
import {
  DropReason,
  skbPush,
  type InetProtocol,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { icmpSend } from '@netloom/kernel-inet';
import {
  csumPartial,
  ICMP_DEST_UNREACH,
  ICMP_PORT_UNREACH,
  iphDaddr,
  iphIhl,
  iphSaddr,
  type PacketMemory,
} from '@netloom/wire';
import {
  ipTunnelErr,
  ipTunnelOwn,
  ipTunnelRcv,
  ipTunnelSend,
  type TunnelHeader,
} from './ip-tunnel.js';
import { netTunnelsIfAny } from './net-tunnels.js';

export const IPPROTO_GRE = 47;
export const ETH_P_TEB = 0x6558;
const GRE_CSUM = 0x8000;
const GRE_ROUTING = 0x4000;
const GRE_KEY = 0x2000;
const GRE_SEQ = 0x1000;
const GRE_VERSION = 7;

/** What a header is written from. */
export interface GreParms {
  readonly okey: number | null;
  readonly ocsum: boolean;
  readonly oseq: boolean;
}

/** The sending side of a tunnel over either IP. */
export interface GreSide {
  readonly parms: GreParms;
  readonly hlen: number;
  oSeqno: number;
}

/** Bytes of the header that a tunnel writes. @kernel gre_calc_hlen() */
export function greHeaderLength(parms: GreParms): number {
  return 4 + (parms.ocsum ? 4 : 0) + (parms.okey !== null ? 4 : 0) + (parms.oseq ? 4 : 0);
}

/** @kernel gre_build_header() */
export function greHeader(skb: SkBuff, tunnel: GreSide, protocol: number): void {
  const { parms } = tunnel;
  const { dv } = skb.mem;
  const o = skbPush(skb, tunnel.hlen);
  const flags =
    (parms.ocsum ? GRE_CSUM : 0) | (parms.okey !== null ? GRE_KEY : 0) | (parms.oseq ? GRE_SEQ : 0);
  dv.setUint16(o, flags);
  dv.setUint16(o + 2, protocol);
  let at = o + 4;
  if (parms.ocsum) {
    dv.setUint32(at, 0);
    at += 4;
  }
  if (parms.okey !== null) {
    dv.setUint32(at, parms.okey);
    at += 4;
  }
  if (parms.oseq) {
    dv.setUint32(at, tunnel.oSeqno);
    tunnel.oSeqno = (tunnel.oSeqno + 1) >>> 0;
  }
  if (parms.ocsum) dv.setUint16(o + 4, ~csumPartial(skb.mem, o, skb.len) & 0xffff);
}

/** A packet of layer 3. @kernel ipgre_xmit() */
export function greXmit(skb: SkBuff, dev: NetDevice): number {
  const { protocol } = skb;
  return ipTunnelSend(skb, dev, IPPROTO_GRE, (packet, tunnel) => {
    greHeader(packet, tunnel, protocol);
  });
}

/** An Ethernet frame. @kernel gre_tap_xmit() */
export function greTapXmit(skb: SkBuff, dev: NetDevice): number {
  skb.protocol = skb.mem.dv.getUint16(skb.data + 12);
  return ipTunnelSend(skb, dev, IPPROTO_GRE, (packet, tunnel) => {
    greHeader(packet, tunnel, ETH_P_TEB);
  });
}

/** Reads a header into `header`; its length, or a negative number where it is not one of ours. @kernel gre_parse_header() */
export function greParse(m: PacketMemory, o: number, length: number, header: TunnelHeader): number {
  if (length < 4) return -1;
  const flags = m.dv.getUint16(o);
  if ((flags & (GRE_VERSION | GRE_ROUTING)) !== 0) return -1;
  header.csum = (flags & GRE_CSUM) !== 0;
  const hlen =
    4 +
    (header.csum ? 4 : 0) +
    ((flags & GRE_KEY) !== 0 ? 4 : 0) +
    ((flags & GRE_SEQ) !== 0 ? 4 : 0);
  if (length < hlen) return -1;
  let at = o + 4;
  if (header.csum) at += 4;
  header.key = null;
  header.seq = null;
  if ((flags & GRE_KEY) !== 0) {
    header.key = m.dv.getUint32(at);
    at += 4;
  }
  if ((flags & GRE_SEQ) !== 0) header.seq = m.dv.getUint32(at);
  return hlen;
}

/** @kernel gre_rcv(), ipgre_rcv() */
function greRcv(skb: SkBuff): void {
  const dev = skb.dev as NetDevice;
  const { kernel, net } = dev;
  const m = skb.mem;
  const header: TunnelHeader = { csum: false, key: null, seq: null };
  if (!ipTunnelOwn(skb)) {
    kernel.kfreeSkbReason(skb, DropReason.NOMEM);
    return;
  }
  const o = skb.data;
  const hlen = greParse(m, o, skb.len, header);
  if (hlen < 0 || (header.csum && csumPartial(m, o, skb.len) !== 0xffff)) {
    kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return;
  }
  const protocol = m.dv.getUint16(o + 2);
  const remote = iphSaddr(m, skb.networkHeader);
  const local = iphDaddr(m, skb.networkHeader);
  const tables = netTunnelsIfAny(net)?.ipTunnels;
  const teb = protocol === ETH_P_TEB;
  const tunnel =
    (teb ? tables?.get('gretap')?.lookup(dev.ifindex, header.key, remote, local) : null) ??
    tables?.get('gre')?.lookup(dev.ifindex, header.key, remote, local) ??
    null;
  if (tunnel === null) {
    icmpSend(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
    kernel.kfreeSkbReason(skb, DropReason.NO_SOCKET);
    return;
  }
  skb.data += hlen;
  skb.len -= hlen;
  skb.protocol = protocol;
  ipTunnelRcv(tunnel, skb, header);
}

/** @kernel gre_err() */
function greErr(skb: SkBuff, type: number, code: number, info: number): void {
  const dev = skb.dev as NetDevice;
  const m = skb.mem;
  const o = skb.data + iphIhl(m, skb.data) * 4;
  const header: TunnelHeader = { csum: false, key: null, seq: null };
  if (greParse(m, o, skb.data + skb.len - o, header) < 0) return;
  const tap = m.dv.getUint16(o + 2) === ETH_P_TEB;
  ipTunnelErr(
    skb,
    type,
    code,
    info,
    false,
    (remote, local) =>
      netTunnelsIfAny(dev.net)
        ?.ipTunnels.get(tap ? 'gretap' : 'gre')
        ?.lookup(dev.ifindex, header.key, remote, local) ?? null,
  );
}

export const greProtocol: InetProtocol = { handler: greRcv, errHandler: greErr };
