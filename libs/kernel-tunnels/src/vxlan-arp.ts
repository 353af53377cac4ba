/**
 * A VXLAN device with `proxy` answers ARP itself from its neighbours, and asks user space (`l3miss`) for those it lacks.
 * Source: drivers/net/vxlan/vxlan_core.c arp_reduce().
 */
import {
  LL_MAX_HEADER,
  netifRx,
  NUD_CONNECTED,
  PACKET_HOST,
  skbPut,
  Stat,
  statAdd,
  type SkBuff,
} from '@netloom/kernel-core';
import { arpLookup, ipv4IsLoopback, ipv4IsMulticast } from '@netloom/kernel-inet';
import {
  ARP_HLEN,
  ARPOP_REPLY,
  ARPOP_REQUEST,
  arphHln,
  arphHrd,
  arphOp,
  arphPln,
  arphPro,
  arphSha,
  arphSip,
  arphTip,
  ETH_HLEN,
  ETH_P_ARP,
  ETH_P_IP,
  ethWrite,
} from '@netloom/wire';
import type { Vxlan } from './vxlan.js';

const NTF_SELF = 2;

/** Takes an ARP packet that was to be sent. Consumes it. */
export function arpReduce(skb: SkBuff, vxlan: Vxlan): void {
  const { dev } = vxlan;
  const m = skb.mem;
  const o = skb.data + ETH_HLEN;
  const usable =
    skb.len >= ETH_HLEN + ARP_HLEN &&
    arphHrd(m, o) === 1 &&
    arphPro(m, o) === ETH_P_IP &&
    arphHln(m, o) === 6 &&
    arphPln(m, o) === 4 &&
    arphOp(m, o) === ARPOP_REQUEST;
  if (usable) answer(skb, vxlan, o);
  else if (skb.len < ETH_HLEN + ARP_HLEN) statAdd(dev, Stat.txDropped, 1);
  skb.pool.release(skb);
}

function answer(skb: SkBuff, vxlan: Vxlan, o: number): void {
  const { dev } = vxlan;
  const m = skb.mem;
  const tip = arphTip(m, o);
  const sip = arphSip(m, o);
  if (ipv4IsLoopback(tip) || ipv4IsMulticast(tip)) return;
  const neigh = arpLookup(dev, tip);
  if (neigh === undefined) {
    if (vxlan.cfg.l3miss && dev.net.rtnlListeners.size > 0)
      dev.net.notify({
        type: 'RTM_GETNEIGH',
        neigh: { family: 2, ifindex: dev.ifindex, dst: tip, state: 4, flags: NTF_SELF },
      });
    return;
  }
  if ((neigh.nudState & NUD_CONNECTED) === 0) return;
  if (vxlan.fdb.find(neigh.haHi * 0x1_0000_0000 + neigh.haLo)?.remotes[0]?.ip === 0) return; // bridge-local
  const reply = skb.pool.alloc(ARP_HLEN, LL_MAX_HEADER);
  if (reply === null) {
    statAdd(dev, Stat.txDropped, 1);
    return;
  }
  const { dv } = m;
  const p = skbPut(reply, ARP_HLEN);
  const shaHi = dv.getUint16(arphSha(o));
  const shaLo = dv.getUint32(arphSha(o) + 2);
  dv.setUint32(p, 0x00010800);
  dv.setUint32(p + 4, 0x06040000 | ARPOP_REPLY);
  dv.setUint16(p + 8, neigh.haHi);
  dv.setUint32(p + 10, neigh.haLo);
  dv.setUint32(p + 14, tip);
  dv.setUint16(p + 18, shaHi);
  dv.setUint32(p + 20, shaLo);
  dv.setUint32(p + 24, sip);
  ethWrite(m, p - ETH_HLEN, shaHi, shaLo, neigh.haHi, neigh.haLo, ETH_P_ARP);
  reply.macHeader = p - ETH_HLEN;
  reply.networkHeader = p;
  reply.protocol = ETH_P_ARP;
  reply.pktType = PACKET_HOST;
  reply.packetId = skb.pool.nextPacketId();
  reply.dev = dev;
  statAdd(dev, Stat.rxPackets, 1);
  statAdd(dev, Stat.rxBytes, reply.len);
  netifRx(reply);
}
