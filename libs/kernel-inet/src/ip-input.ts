/**
 * A received IPv4 packet: validation, PRE_ROUTING, the routing decision.
 * netifReceiveSkb → ipRcv → ipRcvFinish → Rtable.input → ipLocalDeliver | ipForward | ipError.
 * Sources: net/ipv4/ip_input.c, RFC 791, RFC 1122 §3.2.1.
 */
import {
  DropReason,
  Mib,
  mibAdd,
  NF_INET_PRE_ROUTING,
  nfHookSlow,
  NFPROTO_IPV4,
  PACKET_HOST,
  PACKET_OTHERHOST,
  pskbMayPull,
  skbTrim,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { IP_HLEN, ipHeaderSum, iphDaddr, iphSaddr, iphTos, iphTotLen } from '@netloom/wire';
import { RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST, RTN_UNICAST } from './fib-table.js';
import { Conf, InDevice } from './in-device.js';
import { IP_OPTIONS_MALFORMED, IP_OPTIONS_SOURCE_ROUTE, ipRcvOptions } from './ip-options.js';
import { ipv4Of } from './ipv4-net.js';
import { ipRouteInput } from './route-input.js';
import type { Rtable } from './route.js';

/**
 * Takes a packet whose data starts at the IPv4 header. Consumes it.
 * @kernel net/ipv4/ip_input.c ip_rcv(), ip_rcv_core()
 */
export function ipRcv(skb: SkBuff, dev: NetDevice): void {
  const net = dev.net;
  const mib = net.mib;
  if (skb.pktType === PACKET_OTHERHOST) {
    net.kernel.kfreeSkbReason(skb, DropReason.OTHERHOST); // promiscuous mode let it in
    return;
  }
  mibAdd(mib, Mib.IpInReceives, 1);
  mibAdd(mib, Mib.IpExtInOctets, skb.len);
  if (!pskbMayPull(skb, IP_HLEN)) return dropHeader(skb, dev, DropReason.PKT_TOO_SMALL);
  const mem = skb.mem;
  const o = skb.data;
  const versionIhl = mem.u8[o] as number;
  const ihl = versionIhl & 15;
  if (versionIhl >>> 4 !== 4 || ihl < 5) return dropHeader(skb, dev, DropReason.IP_INHDR);
  const ecn = iphTos(mem, o) & 3;
  mibAdd(
    mib,
    ecn === 0
      ? Mib.IpExtInNoECTPkts
      : ecn === 1
        ? Mib.IpExtInECT1Pkts
        : ecn === 2
          ? Mib.IpExtInECT0Pkts
          : Mib.IpExtInCEPkts,
    1,
  );
  if (!pskbMayPull(skb, ihl * 4)) return dropHeader(skb, dev, DropReason.IP_INHDR);
  if (ipHeaderSum(skb.mem, skb.data, ihl) !== 0xffff) {
    mibAdd(mib, Mib.IpExtInCsumErrors, 1);
    return dropHeader(skb, dev, DropReason.IP_CSUM);
  }
  const length = iphTotLen(mem, skb.data);
  if (skb.len < length) {
    mibAdd(mib, Mib.IpExtInTruncatedPkts, 1);
    net.kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_SMALL);
    return;
  }
  if (length < ihl * 4) return dropHeader(skb, dev, DropReason.IP_INHDR);
  if (skb.len > length) skbTrim(skb, length); // Ethernet padding
  skb.transportHeader = skb.data + ihl * 4;
  const hooks = net.nf4(NF_INET_PRE_ROUTING);
  if (hooks !== null && !nfHookSlow(hooks, net, NFPROTO_IPV4, NF_INET_PRE_ROUTING, skb, dev, null))
    return;
  ipRcvFinish(skb, dev);
}

function dropHeader(skb: SkBuff, dev: NetDevice, reason: number): void {
  mibAdd(dev.net.mib, Mib.IpInHdrErrors, 1);
  dev.net.kernel.kfreeSkbReason(skb, reason);
}

/** @kernel net/ipv4/ip_input.c ip_rcv_finish() */
function ipRcvFinish(skb: SkBuff, dev: NetDevice): void {
  const mem = skb.mem;
  const o = skb.networkHeader;
  if (skb.dst === null) {
    const refused = ipRouteInput(
      skb,
      iphDaddr(mem, o),
      iphSaddr(mem, o),
      iphTos(mem, o) & 0x1e,
      dev,
    );
    if (refused !== 0) {
      if (refused === DropReason.IP_RPFILTER) mibAdd(dev.net.mib, Mib.TcpExtIPReversePathFilter, 1);
      dev.net.kernel.kfreeSkbReason(skb, refused);
      return;
    }
  }
  if (skb.transportHeader - o > IP_HLEN) {
    const verdict = ipRcvOptions(skb, dev);
    if (verdict === IP_OPTIONS_MALFORMED) return dropHeader(skb, dev, DropReason.IP_INHDR);
    if (verdict === IP_OPTIONS_SOURCE_ROUTE) {
      dev.net.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
      return;
    }
  }
  const rt = skb.dst as unknown as Rtable;
  if (rt.type !== RTN_UNICAST && rt.type !== RTN_LOCAL) countCast(skb, dev, rt.type);
  else if (skb.pktType !== PACKET_HOST && dropsGroupFrame(skb, dev)) return;
  rt.input(skb);
}

/** Counts packets to groups and to all. */
function countCast(skb: SkBuff, dev: NetDevice, type: number): void {
  const { mib } = dev.net;
  if (type === RTN_MULTICAST) {
    mibAdd(mib, Mib.IpExtInMcastPkts, 1);
    mibAdd(mib, Mib.IpExtInMcastOctets, skb.len);
  } else if (type === RTN_BROADCAST) {
    mibAdd(mib, Mib.IpExtInBcastPkts, 1);
    mibAdd(mib, Mib.IpExtInBcastOctets, skb.len);
  }
}

/** net.ipv4.conf.*.drop_unicast_in_l2_multicast; true when the packet is gone. */
function dropsGroupFrame(skb: SkBuff, dev: NetDevice): boolean {
  const index = Conf.drop_unicast_in_l2_multicast;
  if (ipv4Of(dev.net).confAll[index] === 0 && InDevice.of(dev)?.conf[index] === 0) return false;
  dev.net.kernel.kfreeSkbReason(skb, DropReason.UNICAST_IN_L2_MULTICAST);
  return true;
}
