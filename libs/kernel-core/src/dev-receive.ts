/**
 * The way into the stack: from a frame without its Ethernet header to the protocol.
 * driver → netifReceiveSkb → taps → rx_handler (bridge …) → protocol handler (`ipRcv`, `arpRcv` …).
 * Source: net/core/dev.c __netif_receive_skb_core().
 */
import {
  ETH_HLEN,
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_802_3_MIN,
  ethDestHi,
  ethDestLo,
  ethProto,
} from '@netloom/wire';
import { showTaps } from './device-tap.js';
import { DropReason } from './drop-reasons.js';
import type { Kernel } from './kernel.js';
import {
  RX_HANDLER_ANOTHER,
  RX_HANDLER_CONSUMED,
  Stat,
  statAdd,
  type NetDevice,
} from './net-device.js';
import { rpsCpu } from './rps.js';
import { skbVlanUntag, vlanDoReceive, VLAN_VID_MASK } from './vlan-core.js';
import {
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_LOOPBACK,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  type SkBuff,
} from './skbuff.js';

/** Handles packets of one ethertype. Consumes them. */
export type PacketHandler = (skb: SkBuff, dev: NetDevice) => void;

/** Length-typed frames (802.3 with LLC) as one protocol. */
const ETH_P_802_2 = 4;

/**
 * Reads the Ethernet header of a received frame: sets `macHeader`, `pktType`, `dev`, pulls the header.
 * The caller has checked that it is there. @returns the ethertype. @kernel net/ethernet/eth.c eth_type_trans()
 */
export function ethTypeTrans(skb: SkBuff, dev: NetDevice): number {
  const mem = skb.mem;
  const o = skb.data;
  skb.dev = dev;
  skb.macHeader = o;
  skb.data = o + ETH_HLEN;
  skb.len -= ETH_HLEN;
  const hi = ethDestHi(mem, o);
  const lo = ethDestLo(mem, o);
  if (hi === dev.addrHi && lo === dev.addrLo) skb.pktType = PACKET_HOST;
  else if ((hi & 0x100) !== 0)
    skb.pktType = hi === 0xffff && lo === 0xffffffff ? PACKET_BROADCAST : PACKET_MULTICAST;
  else skb.pktType = PACKET_OTHERHOST;
  const proto = ethProto(mem, o);
  return proto >= ETH_P_802_3_MIN ? proto : ETH_P_802_2;
}

/**
 * Takes a received packet through the stack. `protocol`, `dev`, `macHeader` and `pktType` are set. Consumes it.
 * @kernel netif_receive_skb()
 */
export function netifReceiveSkb(skb: SkBuff): void {
  const dev = skb.dev as NetDevice;
  const kernel = dev.kernel;
  if (dev.rpsCpus !== null) {
    const cpu = rpsCpu(skb, dev.rpsCpus, kernel);
    if (cpu >= 0) {
      kernel.softnet(cpu).enqueueToBacklog(skb, cpu !== 0);
      return;
    }
  }
  receiveOnCpu(skb, kernel, 0);
}

/** The rest of the way, on the CPU that was chosen. @kernel __netif_receive_skb_core() */
export function receiveOnCpu(skb: SkBuff, kernel: Kernel, cpu: number): void {
  let dev = skb.dev as NetDevice;
  kernel.softnet(cpu).processed++;
  const trace = kernel.trace;
  if (trace.netifReceiveSkb !== null) trace.netifReceiveSkb(skb);
  for (;;) {
    skb.skbIif = dev.ifindex;
    skb.networkHeader = skb.data;
    skb.transportHeader = skb.data;
    if (dev.taps !== null || dev.net.taps !== null) deliverTaps(skb, dev);
    if (skb.protocol === ETH_P_8021Q || skb.protocol === ETH_P_8021AD) {
      if (!skbVlanUntag(skb)) return;
    }
    if (skb.vlanTci >= 0 && dev.vlans !== null) {
      const vlan = vlanDoReceive(skb, dev);
      if (vlan !== null) {
        dev = vlan;
        continue;
      }
    }
    const handler = dev.rxHandler;
    if (handler !== null) {
      const verdict = handler(skb, dev);
      if (verdict === RX_HANDLER_CONSUMED) return;
      if (verdict === RX_HANDLER_ANOTHER) {
        dev = skb.dev as NetDevice;
        continue;
      }
    }
    break;
  }
  if (skb.vlanTci >= 0) {
    if ((skb.vlanTci & VLAN_VID_MASK) !== 0) skb.pktType = PACKET_OTHERHOST; // a VLAN that nobody here has
    skb.vlanTci = -1;
  }
  const deliver = kernel.modules.packetHandler(skb.protocol);
  if (deliver !== undefined) {
    deliver(skb, dev);
    return;
  }
  statAdd(dev, Stat.rxNohandler, 1);
  kernel.kfreeSkbReason(skb, DropReason.UNHANDLED_PROTO);
}

function deliverTaps(skb: SkBuff, dev: NetDevice): void {
  if (skb.pktType === PACKET_LOOPBACK) return; // a copy of what was sent, which the taps have seen
  showTaps(dev.taps, skb, dev, false);
  showTaps(dev.net.taps, skb, dev, false);
}
