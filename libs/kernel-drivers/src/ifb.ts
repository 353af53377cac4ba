/**
 * The intermediate functional block: a device to which traffic control redirects packets, so that they pass a queue that
 * they would have none of, and then go on where they were going. Source: drivers/net/ifb.c.
 * redirect (`skb.redirected`) → queueing discipline → startXmit → back into the stack, or out of the first device.
 */
import {
  devAddrSet,
  devQueueXmit,
  devTxStats,
  DropReason,
  Feature,
  NetDevice,
  NETDEV_TX_OK,
  netifRx,
  PfifoFast,
  registerNetdevice,
  Stat,
  statAdd,
  type LinkKind,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import { ETH_HLEN } from '@netloom/wire';
import { randomMac, TSO_MAX_SIZE } from './mac.js';

const FROM_INGRESS = 2;

/** @kernel ifb_xmit(), ifb_ri_tasklet() */
function startXmit(skb: SkBuff, dev: NetDevice): number {
  statAdd(dev, Stat.rxPackets, 1);
  statAdd(dev, Stat.rxBytes, skb.len);
  const from = skb.redirected;
  const target = dev.net.devByIndex(skb.skbIif);
  if (from === 0 || target === undefined) {
    statAdd(dev, Stat.rxDropped, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return NETDEV_TX_OK;
  }
  devTxStats(dev, skb.len);
  skb.redirected = 0;
  skb.dev = target;
  if (from === FROM_INGRESS) {
    skb.macHeader = skb.data;
    skb.data += ETH_HLEN;
    skb.len -= ETH_HLEN;
    netifRx(skb);
  } else {
    devQueueXmit(skb);
  }
  return NETDEV_TX_OK;
}

const ifbOps: NetDeviceOps = {
  driver: 'ifb',
  kind: 'ifb',
  startXmit,
  setMacAddress: (dev, address) => {
    devAddrSet(dev, address);
    return 0;
  },
};

export const ifbKind: LinkKind = {
  kind: 'ifb',
  namePattern: 'ifb%d',
  minMtu: 0,
  newlink: (net, name, request) => {
    const dev = new NetDevice(net, name, ifbOps);
    dev.flags = Iff.IFF_BROADCAST | Iff.IFF_NOARP;
    dev.features = Feature.HW_CSUM;
    dev.mtu = request.mtu ?? 1500;
    dev.minMtu = 0;
    dev.maxMtu = 0;
    dev.txqlen = 32;
    dev.tsoMaxSize = TSO_MAX_SIZE;
    dev.qdisc = new PfifoFast(dev);
    devAddrSet(dev, request.address ?? randomMac(net.kernel));
    registerNetdevice(dev, request.ifindex ?? 0);
    return dev;
  },
};
