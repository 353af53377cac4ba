/**
 * The way out of the stack: from a complete frame to the driver.
 * neighbour output → devQueueXmit → qdisc → devHardStartXmit → taps → ndo_start_xmit.
 * Source: net/core/dev.c.
 */
import { Iff } from '@netloom/sys';
import { csumFold, csumPartial } from '@netloom/wire';
import { DropReason } from './drop-reasons.js';
import { skbGsoSegment } from './gso.js';
import { showTaps } from './device-tap.js';
import { Feature, NETDEV_TX_OK, statAdd, Stat, type NetDevice } from './net-device.js';
import { skbVlanPush } from './vlan-core.js';
import { NET_XMIT_DROP, NET_XMIT_SUCCESS, qdiscXmit } from './qdisc.js';
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, skbCowHead, type SkBuff } from './skbuff.js';

/**
 * Queues a frame (data at the link-layer header) on its device. Consumes it.
 * @returns NET_XMIT_SUCCESS, NET_XMIT_DROP, NET_XMIT_CN. @kernel net/core/dev.c __dev_queue_xmit()
 */
export function devQueueXmit(skb: SkBuff): number {
  const dev = skb.dev as NetDevice;
  skb.macHeader = skb.data;
  if ((dev.flags & Iff.IFF_UP) === 0) {
    dev.kernel.kfreeSkbReason(skb, DropReason.DEV_READY); // noop_qdisc
    return NET_XMIT_DROP;
  }
  const q = dev.qdisc;
  if (q !== null) return qdiscXmit(q, skb);
  const { kernel } = dev;
  if (kernel.xmitRecursion > XMIT_RECURSION_LIMIT) return deadLoop(skb, dev);
  kernel.xmitRecursion++;
  const verdict = devHardStartXmit(skb, dev);
  kernel.xmitRecursion--;
  return verdict === NETDEV_TX_OK ? NET_XMIT_SUCCESS : NET_XMIT_DROP;
}

/** Tunnels in tunnels may go so deep. */
const XMIT_RECURSION_LIMIT = 8;

function deadLoop(skb: SkBuff, dev: NetDevice): number {
  dev.kernel.printk(2, `Dead loop on virtual device ${dev.name}, fix it urgently!`);
  statAdd(dev, Stat.txDropped, 1);
  dev.kernel.kfreeSkbReason(skb, DropReason.RECURSION_LIMIT);
  return NET_XMIT_DROP;
}

/** Shows the frame to the taps and gives it to the driver. @kernel dev_hard_start_xmit() */
export function devHardStartXmit(skb: SkBuff, dev: NetDevice): number {
  if (skb.vlanTci >= 0 && !skbVlanPush(skb)) return NETDEV_TX_OK;
  if (skb.ipSummed === CHECKSUM_PARTIAL) {
    if (skb.gsoSize > 0 && (dev.features & Feature.TSO) === 0) return xmitSegments(skb, dev);
    if (!validateXmit(skb, dev)) return NETDEV_TX_OK;
  }
  if (dev.taps !== null || dev.net.taps !== null) devQueueXmitNit(skb, dev);
  const trace = dev.kernel.trace;
  if (trace.netDevXmit !== null) trace.netDevXmit(skb, dev);
  return dev.ops.startXmit(skb, dev);
}

/** Cuts a super-packet for a device that does not. @kernel validate_xmit_skb(), skb_gso_segment() */
function xmitSegments(skb: SkBuff, dev: NetDevice): number {
  let seg = skbGsoSegment(skb);
  if (seg === null) statAdd(dev, Stat.txDropped, 1);
  while (seg !== null) {
    const { next } = seg;
    seg.next = null;
    devHardStartXmit(seg, dev);
    seg = next;
  }
  return NETDEV_TX_OK;
}

/** Does for a frame what its device does not; false when it is gone for want of memory. @kernel validate_xmit_skb() */
function validateXmit(skb: SkBuff, dev: NetDevice): boolean {
  if ((dev.features & Feature.HW_CSUM) !== 0 || skbChecksumHelp(skb)) return true;
  statAdd(dev, Stat.txDropped, 1);
  dev.kernel.kfreeSkbReason(skb, DropReason.SKB_CSUM);
  return false;
}

/** @kernel dev_queue_xmit_nit() */
export function devQueueXmitNit(skb: SkBuff, dev: NetDevice): void {
  showTaps(dev.taps, skb, dev, true);
  showTaps(dev.net.taps, skb, dev, true);
}

/**
 * Fills in a checksum left to the device (CHECKSUM_PARTIAL), which lies in front of the payload. False without memory; the
 * packet stays the caller's.
 * @kernel net/core/dev.c skb_checksum_help()
 */
export function skbChecksumHelp(skb: SkBuff): boolean {
  if (!skbCowHead(skb, skb.data - skb.head)) return false;
  skb.mem.dv.setUint16(skb.csumStart + skb.csumOffset, skbPartialCheck(skb));
  skb.ipSummed = CHECKSUM_NONE;
  return true;
}

/** The checksum that a packet left to the device will have on the wire. */
export function skbPartialCheck(skb: SkBuff): number {
  const sum = csumPartial(skb.mem, skb.csumStart, skb.tail - skb.csumStart);
  const check = ~csumFold(sum) & 0xffff;
  return check === 0 ? 0xffff : check;
}

/** Counts a frame that the driver has taken. */
export function devTxStats(dev: NetDevice, length: number): void {
  statAdd(dev, Stat.txPackets, 1);
  statAdd(dev, Stat.txBytes, length);
}
