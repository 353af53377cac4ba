/**
 * 802.1Q and 802.1ad devices: one VLAN of the device below as a device of its own.
 * stack → startXmit: tag beside the packet → devQueueXmit of the device below; received frames come through
 * kernel-core's vlanDoReceive. Sources: net/8021q/vlan.c, vlan_dev.c, vlan_netlink.c, vlanproc.c.
 * GVRP and MVRP are remembered and shown; no registration frames are sent.
 */
import { KernelError } from '@netloom/base';
import {
  devAddrSet,
  devClose,
  devOpen,
  devQueueXmit,
  devSetAllmulti,
  devSetPromiscuity,
  devTxStats,
  devUnicast,
  Feature,
  NetDevice,
  NET_XMIT_SUCCESS,
  NETDEV_TX_OK,
  netifCarrier,
  registerNetdevice,
  Stat,
  statAdd,
  unregisterNetdevice,
  VlanDev,
  vlanKey,
  VLAN_FLAG_REORDER_HDR,
  type KernelModules,
  type LinkKind,
  type Net,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import { Iff, type LinkAdd, type LinkInfoData } from '@netloom/sys';
import { ETH_P_8021AD, ETH_P_8021Q } from '@netloom/wire';
import { macNumber } from './bridge-fdb.js';

const NAMES = [
  ['reorder_hdr', VLAN_FLAG_REORDER_HDR],
  ['gvrp', 2],
  ['loose_binding', 4],
  ['mvrp', 8],
  ['bridge_binding', 16],
] as const;
const LOOSE_BINDING = 4;
const VLAN_PRIO_SHIFT = 13;
const NET_ADDR_STOLEN = 2;

function vlanOf(dev: NetDevice): VlanDev {
  return dev.priv as VlanDev;
}

/** @kernel vlan_dev_hard_start_xmit() */
function startXmit(skb: SkBuff, dev: NetDevice): number {
  const vlan = vlanOf(dev);
  const pcp = vlan.egress.size === 0 ? 0 : (vlan.egress.get(skb.priority) ?? 0);
  skb.vlanTci = vlanKey(vlan.proto, vlan.vid) | (pcp << VLAN_PRIO_SHIFT);
  skb.dev = vlan.realDev;
  const length = skb.len;
  if (devQueueXmit(skb) === NET_XMIT_SUCCESS) devTxStats(dev, length);
  else statAdd(dev, Stat.txDropped, 1);
  return NETDEV_TX_OK;
}

/** Carrier and state follow the device below. @kernel vlan_transfer_operstate() */
function follow(dev: NetDevice): void {
  const real = vlanOf(dev).realDev;
  netifCarrier(dev, real.carrier && real.up);
}

function inheritAddress(dev: NetDevice): boolean {
  if (dev.addrAssignType !== NET_ADDR_STOLEN) return false;
  devAddrSet(dev, vlanOf(dev).realDev.address);
  return true;
}

function differs(dev: NetDevice): boolean {
  const real = vlanOf(dev).realDev;
  return dev.addrHi !== real.addrHi || dev.addrLo !== real.addrLo;
}

const vlanOps: NetDeviceOps = {
  driver: '802.1Q VLAN Support',
  kind: 'vlan',
  startXmit,
  open: (dev) => {
    const vlan = vlanOf(dev);
    if (!vlan.realDev.up && (vlan.flags & LOOSE_BINDING) === 0) return -100; // ENETDOWN
    if (differs(dev)) devUnicast(vlan.realDev, macNumber(dev.addrHi, dev.addrLo), 1);
    if ((dev.flags & Iff.IFF_ALLMULTI) !== 0) devSetAllmulti(vlan.realDev, 1);
    if ((dev.flags & Iff.IFF_PROMISC) !== 0) devSetPromiscuity(vlan.realDev, 1);
    follow(dev);
    return 0;
  },
  stop: (dev) => {
    const { realDev } = vlanOf(dev);
    if ((dev.flags & Iff.IFF_ALLMULTI) !== 0) devSetAllmulti(realDev, -1);
    if ((dev.flags & Iff.IFF_PROMISC) !== 0) devSetPromiscuity(realDev, -1);
    if (differs(dev)) devUnicast(realDev, macNumber(dev.addrHi, dev.addrLo), -1);
    if (!(vlanOf(dev).flags & 16)) netifCarrier(dev, false);
  },
  setMacAddress: (dev, address) => {
    const { realDev } = vlanOf(dev);
    if (dev.up && differs(dev)) devUnicast(realDev, macNumber(dev.addrHi, dev.addrLo), -1);
    devAddrSet(dev, address);
    if (dev.up && differs(dev)) devUnicast(realDev, macNumber(dev.addrHi, dev.addrLo), 1);
    return 0;
  },
  changeMtu: (dev, mtu) => (vlanOf(dev).realDev.mtu < mtu ? -34 : 0), // ERANGE
  link: (dev) => vlanOf(dev).realDev,
  changelink,
  info: (dev) => {
    const vlan = vlanOf(dev);
    const data: Record<string, string | number | boolean> = {
      protocol: vlan.proto === ETH_P_8021AD ? '802.1ad' : '802.1Q',
      id: vlan.vid,
    };
    for (const [name, bit] of NAMES) data[name] = (vlan.flags & bit) !== 0;
    const ingress = ingressText(vlan, ' ', false);
    if (ingress !== '') data['ingress_qos'] = ingress;
    if (vlan.egress.size > 0) data['egress_qos'] = egressText(vlan);
    return data;
  },
  uninit: (dev) => {
    const { realDev, proto, vid } = vlanOf(dev);
    realDev.vlans?.delete(vlanKey(proto, vid));
    if (realDev.vlans?.size === 0) realDev.vlans = null;
  },
};

function ingressText(vlan: VlanDev, separator: string, all: boolean): string {
  return Array.from({ length: 8 }, (_, pcp) => [pcp, vlan.ingress?.[pcp] ?? 0] as const)
    .filter(([, to]) => all || to !== 0)
    .map(([pcp, to]) => `${pcp}:${to}`)
    .join(separator);
}

function egressText(vlan: VlanDev): string {
  return [...vlan.egress].map(([from, to]) => `${from}:${to}`).join(' ');
}

function pairs(value: string | number | boolean): (readonly [number, number])[] {
  return String(value)
    .split(' ')
    .map((pair) => {
      const [from, to] = pair.split(':');
      return [Number(from), Number(to)] as const;
    });
}

/** @kernel vlan_changelink() */
function changelink(dev: NetDevice, data: LinkInfoData): void {
  const vlan = vlanOf(dev);
  for (const [name, bit] of NAMES) {
    const value = data[name];
    if (value === undefined) continue;
    const on = value === true || value === 1;
    vlan.flags = on ? vlan.flags | bit : vlan.flags & ~bit;
  }
  if (data['ingress_qos'] !== undefined) {
    vlan.ingress ??= new Uint32Array(8);
    for (const [from, to] of pairs(data['ingress_qos'])) vlan.ingress[from & 7] = to;
  }
  if (data['egress_qos'] !== undefined)
    for (const [from, to] of pairs(data['egress_qos'])) vlan.egress.set(from, to & 7);
}

/** @errno ENODEV, EINVAL, EOPNOTSUPP, EEXIST. @kernel vlan_newlink() */
function newlink(net: Net, name: string, request: LinkAdd, linkNet: Net): NetDevice {
  const { data } = request;
  if (data === undefined || Object.keys(data).length === 0)
    throw new KernelError('EINVAL', '8021q: VLAN properties not specified');
  const vid = data['id'];
  if (vid !== undefined && Number(vid) >= 4095)
    throw new KernelError('ERANGE', '8021q: Invalid VLAN id');
  if (vid === undefined) throw new KernelError('EINVAL', '8021q: VLAN id not specified');
  if (request.link === undefined) throw new KernelError('EINVAL', '8021q: link not specified');
  const real = linkNet.devByIndex(request.link);
  if (real === undefined) throw new KernelError('ENODEV', '8021q: link does not exist');
  if ((real.flags & Iff.IFF_LOOPBACK) !== 0 || real.type !== 1) {
    real.kernel.printk(6, `8021q: VLANs not supported on ${real.name}`);
    throw new KernelError('EOPNOTSUPP', '8021q: VLANs not supported on device');
  }
  const proto = data['protocol'] === '802.1ad' ? ETH_P_8021AD : ETH_P_8021Q;
  const key = vlanKey(proto, Number(vid));
  if (real.vlans?.has(key) === true)
    throw new KernelError('EEXIST', '8021q: VLAN device already exists');
  if (request.mtu !== undefined && request.mtu > real.mtu) throw new KernelError('EINVAL');

  const dev = new NetDevice(net, name, vlanOps);
  dev.features = real.features & Feature.HW_CSUM;
  dev.minMtu = 0;
  dev.mtu = request.mtu ?? real.mtu;
  dev.flags = (real.flags & (Iff.IFF_BROADCAST | Iff.IFF_MULTICAST)) | 0;
  dev.gsoMaxSize = real.gsoMaxSize;
  dev.tsoMaxSize = real.tsoMaxSize;
  dev.broadcast = real.broadcast;
  dev.priv = new VlanDev(real, Number(vid), proto, VLAN_FLAG_REORDER_HDR);
  dev.addrAssignType = request.address === undefined ? NET_ADDR_STOLEN : 3;
  devAddrSet(dev, request.address ?? real.address);
  dev.carrier = false;
  changelink(dev, data);
  registerNetdevice(dev, request.ifindex ?? 0);
  (real.vlans ??= new Map<number, NetDevice>()).set(key, dev);
  return dev;
}

export const vlanKind: LinkKind = { kind: 'vlan', namePattern: 'vlan%d', minMtu: 0, newlink };

/** The VLAN devices follow the device below. @kernel vlan_device_event() */
function onEvent(event: string, real: NetDevice): void {
  if (real.vlans === null) return;
  for (const dev of [...real.vlans.values()]) {
    const vlan = vlanOf(dev);
    if (event === 'CHANGE') {
      if (dev.up) follow(dev);
    } else if (event === 'CHANGEADDR') {
      if (inheritAddress(dev)) dev.kernel.modules.callNetdevNotifiers('CHANGEADDR', dev);
    } else if (event === 'CHANGEMTU') {
      if (dev.mtu <= real.mtu) continue;
      dev.mtu = real.mtu;
      dev.kernel.modules.callNetdevNotifiers('CHANGEMTU', dev);
    } else if (event === 'DOWN') {
      if ((vlan.flags & LOOSE_BINDING) === 0) devClose(dev);
    } else if (event === 'UP') {
      if ((vlan.flags & LOOSE_BINDING) === 0) devOpen(dev);
    } else if (event === 'UNREGISTER' && real.unregistering) {
      unregisterNetdevice(dev);
    }
  }
}

function vlanDevices(net: Net): NetDevice[] {
  return net.devices.filter((dev) => dev.ops === vlanOps);
}

function procFile(net: Net, file: string): string | undefined {
  if (file === 'config') {
    const rows = vlanDevices(net).map((dev) => {
      const { vid, realDev } = vlanOf(dev);
      return `${dev.name.padEnd(15)}| ${vid}  | ${realDev.name}\n`;
    });
    return `VLAN Dev name\t | VLAN ID\nName-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD\n${rows.join('')}`;
  }
  const dev = vlanDevices(net).find(({ name }) => name === file);
  if (dev === undefined) return undefined;
  const vlan = vlanOf(dev);
  const row = (title: string, stat: number): string =>
    `${title.padStart(30)} ${String(dev.stats[stat] ?? 0).padStart(12)}\n`;
  const egress = [...vlan.egress].map(([from, to]) => `${from}:${to} `).join('');
  const prios = Array.from({ length: 8 }, (_, i) => `${i}:${vlan.ingress?.[i] ?? 0}`);
  return (
    `${dev.name}  VID: ${vlan.vid}\t REORDER_HDR: ${vlan.flags & 1}  dev->priv_flags: 81021\n` +
    row('total frames received', Stat.rxPackets) +
    row('total bytes received', Stat.rxBytes) +
    row('Broadcast/Multicast Rcvd', Stat.multicast) +
    '\n' +
    row('total frames transmitted', Stat.txPackets) +
    row('total bytes transmitted', Stat.txBytes) +
    `Device: ${vlan.realDev.name}\n` +
    `INGRESS priority mappings: ${prios.slice(0, 7).join('  ')} ${prios[7] ?? ''}\n` +
    ` EGRESS priority mappings: ${egress}\n`
  );
}

/** The kind, its events and /proc/net/vlan. */
export function vlanRegister(modules: KernelModules): void {
  modules.addLinkKind(vlanKind);
  modules.addNetdevNotifier(onEvent);
  modules.addProcNetDir('vlan', {
    list: (net) => ['config', ...vlanDevices(net).map(({ name }) => name)],
    read: procFile,
  });
}
