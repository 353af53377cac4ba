/**
 * 802.1Q tags on their way through the stack: taking the tag off a received frame, finding the VLAN device that it is for,
 * and putting a tag into a frame that leaves.
 * receiveOnCpu → skbVlanUntag → vlanDoReceive; VLAN device → `skb.vlanTci` → devHardStartXmit → skbVlanPush.
 * Sources: net/8021q/vlan_core.c, net/core/skbuff.c skb_vlan_untag(), IEEE 802.1Q §9. Unlike there, no card keeps tags
 * beside the frame on the wire, and taps see a received frame with its tag in place.
 */
import {
  ETH_HLEN,
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_802_3_MIN,
  ethDestHi,
  ethDestLo,
} from '@netloom/wire';
import { DropReason } from './drop-reasons.js';
import { Stat, statAdd, type NetDevice } from './net-device.js';
import {
  PACKET_HOST,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  pskbMayPull,
  skbCowHead,
  skbPull,
  type SkBuff,
} from './skbuff.js';

export const VLAN_HLEN = 4;
export const VLAN_VID_MASK = 0xfff;
/** In `skb.vlanTci` and in the keys of `dev.vlans`: the tag is 802.1ad's. */
export const VLAN_8021AD = 0x10000;
const VLAN_PRIO_SHIFT = 13;
const ETH_P_802_2 = 4;
const ADDRESSES = 12;

export const VLAN_FLAG_REORDER_HDR = 1;

/** A VLAN device's state. @kernel struct vlan_dev_priv */
export class VlanDev {
  /** Priority code point → skb.priority; null while all are 0. */
  ingress: Uint32Array | null = null;
  /** skb.priority → priority code point. */
  readonly egress = new Map<number, number>();

  constructor(
    readonly realDev: NetDevice,
    readonly vid: number,
    readonly proto: number,
    public flags: number,
  ) {}
}

/** A VLAN's key in `dev.vlans`. */
export function vlanKey(proto: number, vid: number): number {
  return (proto === ETH_P_8021AD ? VLAN_8021AD : 0) | vid;
}

/**
 * Moves the tag of a received frame (data behind the Ethernet header) into `vlanTci`. False when the frame was too short
 * or memory is out, and is gone. @kernel skb_vlan_untag()
 */
export function skbVlanUntag(skb: SkBuff): boolean {
  if (skb.vlanTci >= 0) return true; // an inner tag stays until the outer one's device has taken the frame
  const kernel = (skb.dev as NetDevice).kernel;
  if (!pskbMayPull(skb, VLAN_HLEN) || !skbCowHead(skb, skb.data - skb.head)) {
    kernel.kfreeSkbReason(skb, DropReason.NOMEM);
    return false;
  }
  const { dv } = skb.mem;
  skb.vlanTci = dv.getUint16(skb.data) | (skb.protocol === ETH_P_8021AD ? VLAN_8021AD : 0);
  const inner = dv.getUint16(skb.data + 2);
  const at = skb.macHeader;
  skb.mem.u8.copyWithin(at + VLAN_HLEN, at, at + ADDRESSES);
  skb.macHeader += VLAN_HLEN;
  skbPull(skb, VLAN_HLEN);
  skb.networkHeader = skb.data;
  skb.transportHeader = skb.data;
  skb.protocol = inner >= ETH_P_802_3_MIN ? inner : ETH_P_802_2;
  return true;
}

/** Puts the tag in `vlanTci` into a frame (data at the Ethernet header). False when memory is out and the frame gone. */
export function skbVlanPush(skb: SkBuff): boolean {
  if (!skbCowHead(skb, VLAN_HLEN)) {
    (skb.dev as NetDevice).kernel.kfreeSkbReason(skb, DropReason.NOMEM);
    return false;
  }
  const { dv } = skb.mem;
  const proto = (skb.vlanTci & VLAN_8021AD) !== 0 ? ETH_P_8021AD : ETH_P_8021Q;
  skb.mem.u8.copyWithin(skb.data - VLAN_HLEN, skb.data, skb.data + ADDRESSES);
  skb.data -= VLAN_HLEN;
  skb.len += VLAN_HLEN;
  skb.macHeader = skb.data;
  dv.setUint16(skb.data + ADDRESSES, proto);
  dv.setUint16(skb.data + ETH_HLEN, skb.vlanTci & 0xffff);
  skb.vlanTci = -1;
  skb.protocol = proto;
  return true;
}

/** Gives a frame to the VLAN device that its tag names; null where there is none or it is down. @kernel vlan_do_receive() */
export function vlanDoReceive(skb: SkBuff, dev: NetDevice): NetDevice | null {
  const tci = skb.vlanTci;
  const vlanDev = dev.vlans?.get(tci & (VLAN_8021AD | VLAN_VID_MASK));
  if (vlanDev?.up !== true) return null;
  const vlan = vlanDev.priv as VlanDev;
  const m = skb.mem;
  if (
    skb.pktType === PACKET_OTHERHOST &&
    ethDestHi(m, skb.macHeader) === vlanDev.addrHi &&
    ethDestLo(m, skb.macHeader) === vlanDev.addrLo
  )
    skb.pktType = PACKET_HOST;
  if ((vlan.flags & VLAN_FLAG_REORDER_HDR) === 0 && vlanDev.rxHandler === null) {
    m.u8.copyWithin(skb.macHeader - VLAN_HLEN, skb.macHeader, skb.macHeader + ADDRESSES);
    skb.macHeader -= VLAN_HLEN;
    m.dv.setUint16(skb.macHeader + ADDRESSES, vlan.proto);
    m.dv.setUint16(skb.macHeader + ETH_HLEN, tci & 0xffff);
  }
  skb.priority = vlan.ingress?.[(tci >> VLAN_PRIO_SHIFT) & 7] ?? 0;
  skb.vlanTci = -1;
  skb.dev = vlanDev;
  statAdd(vlanDev, Stat.rxPackets, 1);
  statAdd(vlanDev, Stat.rxBytes, skb.len);
  if (skb.pktType === PACKET_MULTICAST) statAdd(vlanDev, Stat.multicast, 1);
  return vlanDev;
}
