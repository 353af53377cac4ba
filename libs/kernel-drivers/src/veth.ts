/**
 * Virtual Ethernet pairs: what one end sends, the other receives, in whatever namespace it is. Source: drivers/net/veth.c.
 */
import { KernelError } from '@netloom/base';
import {
  devAllocName,
  devAddrSet,
  devTxStats,
  DropReason,
  ethTypeTrans,
  Feature,
  NetDevice,
  NETDEV_TX_OK,
  netifCarrier,
  netifRx,
  registerNetdevice,
  skbOrphan,
  Stat,
  statAdd,
  unregisterNetdevice,
  type LinkKind,
  type Net,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import type { LinkAdd } from '@netloom/sys';
import { ETH_HLEN } from '@netloom/wire';
import { randomMac, TSO_MAX_SIZE } from './mac.js';

interface VethPriv {
  peer: NetDevice | null;
}

function peerOf(dev: NetDevice): NetDevice | null {
  return (dev.priv as VethPriv).peer;
}

function startXmit(skb: SkBuff, dev: NetDevice): number {
  const peer = peerOf(dev);
  if (peer === null || !peer.up || (skb.len > peer.mtu + ETH_HLEN + 4 && skb.gsoSize === 0)) {
    statAdd(dev, Stat.txDropped, 1);
    dev.net.kernel.kfreeSkbReason(
      skb,
      peer?.up === true ? DropReason.PKT_TOO_BIG : DropReason.DEV_READY,
    );
    return NETDEV_TX_OK;
  }
  const length = skb.len;
  skbOrphan(skb);
  skb.dst = null;
  skb.nfct = null;
  skb.priority = 0;
  skb.mark = dev.net === peer.net ? skb.mark : 0;
  devTxStats(dev, length);
  skb.protocol = ethTypeTrans(skb, peer);
  statAdd(peer, Stat.rxPackets, 1);
  statAdd(peer, Stat.rxBytes, length);
  netifRx(skb);
  return NETDEV_TX_OK;
}

function syncCarrier(dev: NetDevice): void {
  const peer = peerOf(dev);
  netifCarrier(dev, dev.up && peer?.up === true);
}

const vethOps: NetDeviceOps = {
  driver: 'veth',
  kind: 'veth',
  startXmit,
  open: (dev) => {
    const peer = peerOf(dev);
    if (peer === null) return -107; // ENOTCONN
    if (peer.up) {
      netifCarrier(dev, true);
      netifCarrier(peer, true);
    }
    return 0;
  },
  stop: (dev) => {
    const peer = peerOf(dev);
    netifCarrier(dev, false);
    if (peer !== null) netifCarrier(peer, false);
  },
  setMacAddress: (dev, address) => {
    devAddrSet(dev, address);
    return 0;
  },
  link: (dev) => peerOf(dev) ?? undefined,
  uninit: (dev) => {
    const priv = dev.priv as VethPriv;
    const { peer } = priv;
    priv.peer = null;
    if (peer === null) return;
    (peer.priv as VethPriv).peer = null;
    unregisterNetdevice(peer); // the pair lives and dies together
  },
};

function makeEnd(
  net: Net,
  name: string,
  address: Uint8Array | undefined,
  mtu: number | undefined,
): NetDevice {
  const dev = new NetDevice(net, name, vethOps);
  devAddrSet(dev, address ?? randomMac(net.kernel));
  dev.carrier = false;
  dev.features = Feature.HW_CSUM | Feature.TSO | Feature.GSO;
  dev.mtu = mtu ?? 1500;
  dev.tsoMaxSize = TSO_MAX_SIZE;
  dev.numTxQueues = net.kernel.cpus; // a queue for each CPU
  dev.numRxQueues = net.kernel.cpus;
  dev.priv = { peer: null } satisfies VethPriv;
  return dev;
}

/** Makes a pair, both ends down. @errno EEXIST, EINVAL. @kernel veth_newlink() */
function newlink(net: Net, name: string, request: LinkAdd, peerNet: Net): NetDevice {
  const peerName = devAllocName(peerNet, request.peer?.ifname ?? 'veth%d');
  if (peerNet.devByName(peerName) !== undefined || (net === peerNet && name === peerName))
    throw new KernelError('EEXIST');
  const peer = makeEnd(peerNet, peerName, request.peer?.address, request.peer?.mtu ?? request.mtu);
  registerNetdevice(peer); // the peer first: it gets the lower index, as with veth_newlink
  const dev = makeEnd(
    net,
    name.includes('%d') ? devAllocName(net, name) : name,
    request.address,
    request.mtu,
  );
  (dev.priv as VethPriv).peer = peer;
  (peer.priv as VethPriv).peer = dev;
  try {
    registerNetdevice(dev, request.ifindex ?? 0);
  } catch (error) {
    (peer.priv as VethPriv).peer = null;
    unregisterNetdevice(peer);
    throw error;
  }
  syncCarrier(dev);
  return dev;
}

export const vethKind: LinkKind = { kind: 'veth', namePattern: 'veth%d', newlink };
