/**
 * The loopback device: what is sent comes straight back in. Source: drivers/net/loopback.c.
 */
import {
  devAddrSet,
  devTxStats,
  ethTypeTrans,
  Feature,
  NetDevice,
  NETDEV_TX_OK,
  netifRx,
  registerNetdevice,
  skbOrphan,
  Stat,
  statAdd,
  type Net,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import { ARPHRD_LOOPBACK, ETH_P_IPV6 } from '@netloom/wire';
import { TSO_MAX_SIZE } from './mac.js';

function startXmit(skb: SkBuff, dev: NetDevice): number {
  skbOrphan(skb);
  if (skb.protocol !== ETH_P_IPV6) skb.dst = null; // IPv6 addresses of a link are local on it alone
  const length = skb.len;
  devTxStats(dev, length);
  skb.protocol = ethTypeTrans(skb, dev);
  statAdd(dev, Stat.rxPackets, 1);
  statAdd(dev, Stat.rxBytes, length);
  netifRx(skb);
  return NETDEV_TX_OK;
}

const loopbackOps: NetDeviceOps = {
  driver: 'loopback',
  startXmit,
  netnsLocal: true,
  setMacAddress: (dev, address) => {
    devAddrSet(dev, address);
    return 0;
  },
};

/** Makes the `lo` of a namespace, down. */
export function loopbackNetInit(net: Net): void {
  const dev = new NetDevice(net, 'lo', loopbackOps);
  dev.type = ARPHRD_LOOPBACK;
  dev.flags = Iff.IFF_LOOPBACK;
  dev.mtu = 65536;
  dev.features = Feature.HW_CSUM | Feature.TSO | Feature.GSO;
  dev.tsoMaxSize = TSO_MAX_SIZE;
  dev.minMtu = 0;
  dev.maxMtu = 0; // no limit
  dev.broadcast = new Uint8Array(6);
  net.loopback = dev;
  registerNetdevice(dev);
}
