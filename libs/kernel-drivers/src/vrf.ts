/**
 * VRF devices: a routing table as a device. What arrives on a slave looks as if it had arrived on the VRF; sockets bound
 * to the VRF, and answers to what came that way, find their route in its table.
 * slave → vrfHandleFrame (rx_handler) → IP with the VRF as device; a packet routed to the VRF itself → startXmit → back in.
 * Sources: drivers/net/vrf.c, net/l3mdev/l3mdev.c. Differs: sockets that are bound to nothing hear VRFs too, whatever
 * net.ipv4.tcp_l3mdev_accept says.
 */
import { KernelError } from '@netloom/base';
import {
  devAddrSet,
  devClose,
  devOpen,
  devTxStats,
  DropReason,
  ethTypeTrans,
  Feature,
  NetDevice,
  NETDEV_TX_OK,
  netifRx,
  PACKET_LOOPBACK,
  PACKET_HOST,
  registerNetdevice,
  RX_HANDLER_ANOTHER,
  RX_HANDLER_PASS,
  skbOrphan,
  Stat,
  statAdd,
  type KernelModules,
  type LinkKind,
  type Net,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import { fibAddIfaddr, fibDisableDevice, fibNewRule, InDevice, ipv4Of } from '@netloom/kernel-inet';
import { Iff, type LinkAdd } from '@netloom/sys';
import { ETH_P_IP } from '@netloom/wire';
import { randomMac } from './mac.js';

const VRF_RULE_PRIORITY = 1000;
const MTU = 65575;

interface Vrf {
  readonly table: number;
  readonly slaves: NetDevice[];
}

/** IP packets of a slave are the VRF's; ARP and the rest stay the slave's. @kernel vrf_ip_rcv() */
function vrfHandleFrame(skb: SkBuff, slave: NetDevice): number {
  if (skb.protocol !== ETH_P_IP || skb.pktType === PACKET_LOOPBACK) return RX_HANDLER_PASS;
  const vrf = slave.master;
  if (vrf?.up !== true) return RX_HANDLER_PASS;
  statAdd(vrf, Stat.rxPackets, 1);
  statAdd(vrf, Stat.rxBytes, skb.len);
  skb.dev = vrf;
  return RX_HANDLER_ANOTHER;
}

/** A packet to one of the VRF's own addresses comes back in. @kernel vrf_local_xmit() */
function startXmit(skb: SkBuff, dev: NetDevice): number {
  const length = skb.len;
  if (skb.protocol !== ETH_P_IP) {
    statAdd(dev, Stat.txErrors, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return NETDEV_TX_OK;
  }
  skbOrphan(skb);
  skb.dst = null;
  devTxStats(dev, length);
  skb.protocol = ethTypeTrans(skb, dev);
  skb.pktType = PACKET_HOST;
  statAdd(dev, Stat.rxPackets, 1);
  statAdd(dev, Stat.rxBytes, length);
  netifRx(skb);
  return NETDEV_TX_OK;
}

/** Takes a device's routes out of one table and, cycling it, puts them into the other. @kernel cycle_netdev(), fib_disable_ip() */
function moveRoutes(slave: NetDevice, vrf: NetDevice | null): void {
  const wasUp = slave.up;
  if (wasUp) devClose(slave);
  fibDisableDevice(slave, true);
  slave.l3mdev = vrf;
  ipv4Of(slave.net).genid++;
  for (const ifa of InDevice.of(slave)?.addresses ?? []) fibAddIfaddr(ifa);
  if (wasUp) devOpen(slave);
}

const vrfOps: NetDeviceOps = {
  driver: 'vrf',
  kind: 'vrf',
  netnsLocal: true,
  startXmit,
  addSlave: (dev, slave) => {
    if ((slave.flags & Iff.IFF_LOOPBACK) !== 0) {
      throw new KernelError('EOPNOTSUPP', 'Can not enslave loopback device to a VRF');
    }
    if (slave.l3mdev !== null)
      throw new KernelError('EINVAL', 'Can not enslave an L3 master device to a VRF');
    if (slave.rxHandler !== null) return -16; // EBUSY
    (dev.priv as Vrf).slaves.push(slave);
    slave.rxHandler = vrfHandleFrame;
    slave.rxHandlerData = dev;
    moveRoutes(slave, dev);
    return 0;
  },
  delSlave: (dev, slave) => {
    const { slaves } = dev.priv as Vrf;
    slaves.splice(slaves.indexOf(slave), 1);
    slave.rxHandler = null;
    slave.rxHandlerData = null;
    moveRoutes(slave, null);
    return 0;
  },
  setMacAddress: (dev, address) => {
    devAddrSet(dev, address);
    return 0;
  },
  info: (dev) => ({ table: (dev.priv as Vrf).table }),
  slaveInfo: (dev) => ({ table: (dev.priv as Vrf).table }),
  uninit: (dev) => {
    for (const slave of [...(dev.priv as Vrf).slaves]) {
      slave.rxHandler = null;
      slave.rxHandlerData = null;
      moveRoutes(slave, null);
      slave.master = null;
    }
  },
};

/** @errno EINVAL. @kernel vrf_newlink() */
function newlink(net: Net, name: string, request: LinkAdd): NetDevice {
  const table = request.data?.['table'];
  if (table === undefined) throw new KernelError('EINVAL', 'VRF table id is missing');
  if (Number(table) === 0) throw new KernelError('EINVAL', 'Invalid VRF table id');
  const dev = new NetDevice(net, name, vrfOps);
  dev.features = Feature.HW_CSUM;
  dev.flags = Iff.IFF_NOARP | Iff.IFF_MASTER;
  dev.mtu = request.mtu ?? MTU;
  dev.minMtu = 1280;
  dev.maxMtu = MTU;
  dev.priv = { table: Number(table), slaves: [] } satisfies Vrf;
  dev.l3mdev = dev;
  dev.l3mdevTable = Number(table);
  dev.carrier = false;
  dev.addrAssignType = 1;
  devAddrSet(dev, request.address ?? randomMac(net.kernel));
  registerNetdevice(dev, request.ifindex ?? 0);
  dev.carrier = true;
  dev.operUnknown = false;
  const { rules } = ipv4Of(net);
  if (!rules.some((rule) => rule.l3mdev === true)) {
    // the first VRF of a namespace brings the rule by which all of them are found
    fibNewRule(net, { family: 2, priority: VRF_RULE_PRIORITY, l3mdev: true, protocol: 2 });
  }
  return dev;
}

export const vrfKind: LinkKind = {
  kind: 'vrf',
  namePattern: 'vrf%d',
  minMtu: 1280,
  maxMtu: MTU,
  newlink,
};

export function vrfRegister(modules: KernelModules): void {
  modules.addLinkKind(vrfKind);
}
