/**
 * The dummy device: takes every frame and keeps none. Source: drivers/net/dummy.c.
 */
import {
  devAddrSet,
  devTxStats,
  Feature,
  NetDevice,
  NETDEV_TX_OK,
  registerNetdevice,
  type LinkKind,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import { randomMac, TSO_MAX_SIZE } from './mac.js';

const dummyOps: NetDeviceOps = {
  driver: 'dummy',
  kind: 'dummy',
  startXmit: (skb: SkBuff, dev: NetDevice) => {
    devTxStats(dev, skb.len);
    skb.pool.release(skb);
    return NETDEV_TX_OK;
  },
  setMacAddress: (dev, address) => {
    devAddrSet(dev, address);
    return 0;
  },
};

export const dummyKind: LinkKind = {
  kind: 'dummy',
  namePattern: 'dummy%d',
  newlink: (net, name, request) => {
    const dev = new NetDevice(net, name, dummyOps);
    dev.features = Feature.HW_CSUM | Feature.TSO | Feature.GSO;
    dev.flags = Iff.IFF_BROADCAST | Iff.IFF_NOARP;
    dev.mtu = request.mtu ?? 1500;
    dev.tsoMaxSize = TSO_MAX_SIZE;
    devAddrSet(dev, request.address ?? randomMac(net.kernel));
    registerNetdevice(dev, request.ifindex ?? 0);
    return dev;
  },
};
