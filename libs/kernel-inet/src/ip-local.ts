/**
 * A packet for this host: reassembly, LOCAL_IN, raw sockets, the transport protocol. Source: net/ipv4/ip_input.c.
 */
import {
  DropReason,
  Mib,
  mibAdd,
  NF_INET_LOCAL_IN,
  nfHookSlow,
  NFPROTO_IPV4,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  ICMP_DEST_UNREACH,
  ICMP_PROT_UNREACH,
  IP_MF,
  IP_OFFSET,
  iphFragOff,
  iphIhl,
  iphProtocol,
} from '@netloom/wire';
import { icmpSend } from './icmp-send.js';
import { ipDefrag } from './ip-fragment.js';
import { ipv4Of } from './ipv4-net.js';

/** Consumes the packet. @kernel ip_local_deliver() */
export function ipLocalDeliver(packet: SkBuff): void {
  let skb: SkBuff | null = packet;
  const dev = packet.dev as NetDevice;
  const net = dev.net;
  if ((iphFragOff(packet.mem, packet.networkHeader) & (IP_MF | IP_OFFSET)) !== 0) {
    skb = ipDefrag(net, packet);
    if (skb === null) return;
  }
  const hooks = net.nf4(NF_INET_LOCAL_IN);
  if (hooks !== null && !nfHookSlow(hooks, net, NFPROTO_IPV4, NF_INET_LOCAL_IN, skb, dev, null))
    return;
  ipLocalDeliverFinish(skb, dev);
}

/** @kernel ip_local_deliver_finish(), ip_protocol_deliver_rcu() */
function ipLocalDeliverFinish(skb: SkBuff, dev: NetDevice): void {
  const net = dev.net;
  const o = skb.networkHeader;
  const header = iphIhl(skb.mem, o) * 4;
  const protocol = iphProtocol(skb.mem, o);
  skb.data = o + header;
  skb.len -= header;
  skb.transportHeader = skb.data;
  const raw = ipv4Of(net).raw;
  const taken = raw.size > 0 && raw.deliver(skb, protocol);
  const handler = net.kernel.modules.inetProtocols[protocol];
  if (handler !== undefined) {
    mibAdd(net.mib, Mib.IpInDelivers, 1);
    handler.handler(skb);
    return;
  }
  if (taken) {
    mibAdd(net.mib, Mib.IpInDelivers, 1);
    skb.pool.release(skb);
    return;
  }
  mibAdd(net.mib, Mib.IpInUnknownProtos, 1);
  icmpSend(skb, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
  net.kernel.kfreeSkbReason(skb, DropReason.INVALID_PROTO);
}
