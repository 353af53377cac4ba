/**
 * Bonds: several devices that look like one. This file is the device: made, enslaving, sending by mode, receiving.
 * stack → startXmit → the slave that the mode chooses; slave → bondHandleFrame (rx_handler) → the bond's stack.
 * Source: drivers/net/bonding/bond_main.c. Differs: counters are those of the bond's own frames, not the sum of the
 * slaves'; mode balance-alb balances what it sends, as balance-tlb, and not what it receives.
 */
import { KernelError } from '@netloom/base';
import {
  devAddrSet,
  devClose,
  devOpen,
  devQueueXmit,
  devSetMaster,
  devTxStats,
  DropReason,
  Feature,
  NetDevice,
  NETDEV_TX_OK,
  netifCarrier,
  PACKET_LOOPBACK,
  registerNetdevice,
  RX_HANDLER_ANOTHER,
  RX_HANDLER_CONSUMED,
  RX_HANDLER_PASS,
  Stat,
  statAdd,
  unregisterNetdevice,
  type KernelModules,
  type LinkKind,
  type Net,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import { Iff, type LinkAdd } from '@netloom/sys';
import { ETH_HLEN, ETH_P_IP, ETH_P_IPV6, ethDestHi, ethDestLo } from '@netloom/wire';
import { ETH_P_SLOW, LacpBond } from './bond-lacp.js';
import {
  bondSetCarrier,
  changeActiveSlave,
  restartMonitor,
  selectActiveSlave,
  stopMonitor,
} from './bond-monitor.js';
import {
  BOND_SLAVE_SYSFS,
  bondChangelink,
  bondInfo,
  bondProc,
  bondSlaveInfo,
  bondSysfs,
} from './bond-options.js';
import {
  Bond,
  bondOf,
  BondSlave,
  LINK_DOWN,
  LINK_UP,
  MODE_8023AD,
  MODE_ACTIVEBACKUP,
  MODE_ALB,
  MODE_BROADCAST,
  MODE_ROUNDROBIN,
  MODE_TLB,
} from './bond-state.js';
import { randomMac } from './mac.js';

const GROUP_BIT = 0x100;
const TLB_REBALANCE = 10e9;

/** The hash by which frames are spread. @kernel bond_xmit_hash() */
function xmitHash(bond: Bond, skb: SkBuff): number {
  const { dv, u8 } = skb.mem;
  const o = skb.data;
  const proto = dv.getUint16(o + 12);
  const ethernet = (): number => (u8[o + 5] as number) ^ (u8[o + 11] as number) ^ proto;
  const policy = bond.words.xmit_hash_policy;
  if (policy === 5) return u8[o + 11] as number; // vlan+srcmac
  if (policy === 0) return ethernet();
  const layer4 = policy === 1 || policy === 4;
  let hash = layer4 ? 0 : ethernet();
  const length = skb.len - skb.dataLen;
  const ip = o + ETH_HLEN;
  if (proto === ETH_P_IP && length >= ETH_HLEN + 20) {
    const protocol = u8[ip + 9] as number;
    const ports = ip + ((u8[ip] as number) & 15) * 4;
    const whole = (dv.getUint16(ip + 6) & 0x3fff) === 0;
    if (layer4 && whole && (protocol === 6 || protocol === 17) && ports + 4 <= o + length)
      hash = dv.getUint32(ports, true);
    hash ^= dv.getUint32(ip + 16, true) ^ dv.getUint32(ip + 12, true);
  } else if (proto === ETH_P_IPV6 && length >= ETH_HLEN + 40) {
    const protocol = u8[ip + 6] as number;
    if (layer4 && (protocol === 6 || protocol === 17) && length >= ETH_HLEN + 44)
      hash = dv.getUint32(ip + 40, true);
    for (let i = 0; i < 4; i++)
      hash ^= dv.getUint32(ip + 8 + i * 4, true) ^ dv.getUint32(ip + 24 + i * 4, true);
  } else {
    return ethernet();
  }
  hash ^= hash >>> 16;
  hash ^= hash >>> 8;
  return (layer4 ? hash >>> 1 : hash) >>> 0;
}

/** The nth slave, or the next one that can send. @kernel bond_get_slave_by_id() */
function slaveById(bond: Bond, id: number): BondSlave | null {
  const { slaves } = bond;
  for (let i = 0; i < slaves.length; i++) {
    const slave = slaves[(id + i) % slaves.length] as BondSlave;
    if (slave.canTx) return slave;
  }
  return null;
}

/** By hash among those that can send. @kernel bond_xmit_3ad_xor_slave_get() */
function slaveByHash(bond: Bond, skb: SkBuff): BondSlave | null {
  let usable = 0;
  for (const slave of bond.slaves) if (slave.canTx) usable++;
  if (usable === 0) return null;
  let at = xmitHash(bond, skb) % usable;
  for (const slave of bond.slaves) if (slave.canTx && at-- === 0) return slave;
  return null;
}

/** Round robin, some packets at a time. @kernel bond_xmit_roundrobin_slave_get() */
function slaveByTurn(bond: Bond): BondSlave | null {
  const turn = bond.rrCounter++;
  const packets = bond.numbers.packets_per_slave;
  if (packets === 0)
    return slaveById(bond, bond.dev.kernel.random('bond').below(Math.max(1, bond.slaves.length)));
  return slaveById(bond, Math.floor(turn / packets));
}

/** Each receiver through the slave that had least to send when it came. @kernel bond_tlb_xmit(), tlb_choose_channel() */
function slaveByLoad(bond: Bond, skb: SkBuff): BondSlave | null {
  if (bond.numbers.tlb_dynamic_lb === 0) return slaveByHash(bond, skb);
  const { mem, data } = skb;
  if ((ethDestHi(mem, data) & GROUP_BIT) !== 0) return bond.current;
  const now = bond.dev.kernel.engine.now;
  if (bond.tlb === null || now - bond.tlbSince >= TLB_REBALANCE) {
    bond.tlb = new Array<BondSlave | null>(256).fill(null);
    bond.tlbSince = now;
    for (const slave of bond.slaves) slave.load = 0;
  }
  const lo = ethDestLo(mem, data);
  const key = (lo ^ (lo >>> 8) ^ (lo >>> 16) ^ (lo >>> 24)) & 255;
  let slave = bond.tlb[key] ?? null;
  if (slave === null || !slave.canTx) {
    slave = null;
    for (const other of bond.slaves)
      if (other.canTx && (slave === null || other.load < slave.load)) slave = other;
    bond.tlb[key] = slave;
  }
  if (slave !== null) slave.load += skb.len;
  return slave;
}

function choose(bond: Bond, skb: SkBuff): BondSlave | null {
  switch (bond.mode) {
    case MODE_ROUNDROBIN:
      return slaveByTurn(bond);
    case MODE_ACTIVEBACKUP:
      return bond.current;
    case MODE_TLB:
    case MODE_ALB:
      return slaveByLoad(bond, skb);
    default:
      return slaveByHash(bond, skb);
  }
}

function sendBy(bond: Bond, slave: BondSlave, skb: SkBuff): void {
  skb.dev = slave.dev;
  slave.lastTx = bond.dev.kernel.engine.now;
  devQueueXmit(skb);
}

/** @kernel bond_start_xmit() */
function startXmit(skb: SkBuff, dev: NetDevice): number {
  const bond = dev.priv as Bond;
  if (bond.mode === MODE_BROADCAST) {
    let previous: BondSlave | null = null;
    devTxStats(dev, skb.len);
    for (const slave of bond.slaves) {
      if (!slave.dev.up || slave.link !== LINK_UP) continue;
      if (previous !== null) sendBy(bond, previous, skb.pool.clone(skb));
      previous = slave;
    }
    if (previous === null) drop(skb, dev);
    else sendBy(bond, previous, skb);
    return NETDEV_TX_OK;
  }
  const slave = choose(bond, skb);
  if (slave === null) {
    drop(skb, dev);
    return NETDEV_TX_OK;
  }
  devTxStats(dev, skb.len);
  sendBy(bond, slave, skb);
  return NETDEV_TX_OK;
}

function drop(skb: SkBuff, dev: NetDevice): void {
  statAdd(dev, Stat.txDropped, 1);
  dev.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
}

/** A frame came in on a slave (data behind the Ethernet header). @kernel bond_handle_frame() */
function bondHandleFrame(skb: SkBuff, dev: NetDevice): number {
  if (skb.pktType === PACKET_LOOPBACK) return RX_HANDLER_PASS;
  const slave = dev.rxHandlerData as BondSlave;
  const { bond } = slave;
  slave.lastRx = dev.kernel.engine.now;
  if (skb.protocol === ETH_P_SLOW && bond.lacp !== null && slave.port !== null) {
    bond.lacp.receive(skb, slave.port);
    return RX_HANDLER_PASS;
  }
  if (!slave.active && bond.numbers.all_slaves_active === 0) {
    // one that stands by: only those that listen on the slave itself see it
    if (ethDestHi(skb.mem, skb.macHeader) === 0x0180) return RX_HANDLER_PASS;
    statAdd(dev, Stat.rxNohandler, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return RX_HANDLER_CONSUMED;
  }
  statAdd(bond.dev, Stat.rxPackets, 1);
  statAdd(bond.dev, Stat.rxBytes, skb.len + ETH_HLEN);
  if (skb.pktType === 2) statAdd(bond.dev, Stat.multicast, 1);
  skb.dev = bond.dev;
  return RX_HANDLER_ANOTHER;
}

function setAddress(dev: NetDevice, address: Uint8Array): void {
  if (dev.ops.setMacAddress === undefined) throw new KernelError('EOPNOTSUPP');
  const error = dev.ops.setMacAddress(dev, address);
  if (error < 0) throw new KernelError(-error);
  dev.kernel.modules.callNetdevNotifiers('CHANGEADDR', dev);
}

function setMtu(dev: NetDevice, mtu: number): void {
  if (dev.mtu === mtu) return;
  dev.mtu = mtu;
  dev.kernel.modules.callNetdevNotifiers('CHANGEMTU', dev);
}

/** @errno EPERM, EBUSY, EINVAL, EOPNOTSUPP. @kernel bond_enslave() */
function addSlave(dev: NetDevice, target: NetDevice): number {
  const bond = dev.priv as Bond;
  if (bondOf(target) !== undefined && target === dev)
    throw new KernelError('EPERM', 'Cannot enslave bond to itself.');
  if ((target.flags & Iff.IFF_SLAVE) !== 0 || target.rxHandler !== null) {
    bond.log(3, `(slave ${target.name}): Error: Device is in use and cannot be enslaved`);
    throw new KernelError('EBUSY', 'Device is in use and cannot be enslaved');
  }
  if (target.up) {
    bond.log(
      3,
      `(slave ${target.name}): slave is up - this may be due to an out of date ifenslave`,
    );
    throw new KernelError('EPERM', 'Device can not be enslaved while up');
  }
  if (target.type !== 1 || target.ops.setMacAddress === undefined)
    throw new KernelError('EOPNOTSUPP', 'Slave device does not support setting the MAC address');
  const slave = new BondSlave(bond, target, target.address.slice(), target.mtu);
  const follows = bond.mode === MODE_ACTIVEBACKUP && bond.words.fail_over_mac !== 0;
  if (bond.slaves.length === 0 && dev.addrAssignType === 1) {
    devAddrSet(dev, target.address);
    dev.addrAssignType = 2;
    dev.kernel.modules.callNetdevNotifiers('CHANGEADDR', dev);
  }
  if (!follows || bond.slaves.length === 0) setAddress(target, dev.address);
  setMtu(target, dev.mtu);
  target.flags |= Iff.IFF_SLAVE;
  target.rxHandler = bondHandleFrame;
  target.rxHandlerData = slave;
  bond.slaves.push(slave);
  dev.tsoMaxSize = Math.min(...bond.slaves.map((other) => other.dev.tsoMaxSize));
  devOpen(target);
  const now = dev.kernel.engine.now;
  slave.lastRx = now;
  slave.lastUp = now;
  const watched = bond.numbers.miimon > 0 || bond.numbers.arp_interval > 0;
  slave.link = !watched || target.running ? LINK_UP : LINK_DOWN;
  if (bond.mode === MODE_8023AD) {
    slave.active = false;
    bond.lacp ??= new LacpBond(bond);
    slave.port = bond.lacp.add(slave);
    if (dev.up) bond.lacp.start();
  } else if (bond.mode === MODE_ACTIVEBACKUP) slave.active = false;
  if (!bond.usesPrimary && bond.current === null && slave.link === LINK_UP) bond.current = slave;
  if (bond.usesPrimary) selectActiveSlave(bond);
  bondSetCarrier(bond);
  bond.log(
    6,
    `Enslaving as ${slave.active ? 'an active' : 'a backup'} interface with ${slave.link === LINK_DOWN ? 'a down' : 'an up'} link`,
    slave,
  );
  return 0;
}

/** @kernel __bond_release_one() */
function delSlave(dev: NetDevice, target: NetDevice): number {
  const bond = dev.priv as Bond;
  const slave = bond.slaveOf(target);
  if (slave === undefined) return -22;
  if (slave.port !== null) bond.lacp?.remove(slave.port);
  bond.log(6, `Releasing ${bond.isLb ? 'active' : 'backup'} interface`, slave);
  target.rxHandler = null;
  target.rxHandlerData = null;
  bond.slaves.splice(bond.slaves.indexOf(slave), 1);
  bond.tlb = null;
  if (bond.arpProbe === slave) bond.arpProbe = null;
  const follows = bond.mode === MODE_ACTIVEBACKUP && bond.words.fail_over_mac !== 0;
  const perm = slave.permAddress;
  if (
    !dev.unregistering &&
    !follows &&
    bond.slaves.length > 0 &&
    perm.every((byte, i) => byte === dev.address[i])
  ) {
    const mac = [...perm].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    bond.log(
      4,
      `the permanent HWaddr of slave - ${mac} - is still in use by bond - set the HWaddr of slave to a different address to avoid conflicts`,
      slave,
    );
  }
  if (bond.current === slave) {
    if (bond.usesPrimary && !dev.unregistering) {
      bond.current = null;
      selectActiveSlave(bond);
    } else changeActiveSlave(bond, bond.slaves.find(({ link }) => link === LINK_UP) ?? null);
  }
  if (bond.slaves.length === 0) {
    netifCarrier(dev, false);
    if (dev.addrAssignType === 2 && !dev.unregistering) {
      devAddrSet(dev, randomMac(dev.kernel));
      dev.addrAssignType = 1;
      dev.kernel.modules.callNetdevNotifiers('CHANGEADDR', dev);
    }
  } else bondSetCarrier(bond);
  devClose(target);
  target.flags &= ~Iff.IFF_SLAVE;
  setAddress(target, perm);
  setMtu(target, slave.originalMtu);
  return 0;
}

/** `echo +eth1 > …/bonding/slaves`. @kernel bond_option_slaves_set() */
function changeSlaves(dev: NetDevice, text: string): void {
  const name = text.slice(1);
  const target = dev.net.devByName(name);
  if (!/^[+-]/.test(text)) throw new KernelError('EINVAL');
  if (target === undefined) throw new KernelError('ENODEV');
  if (text.startsWith('+')) devSetMaster(target, dev);
  else if (target.master === dev) devSetMaster(target, null);
  else throw new KernelError('ENODEV');
}

const bondOps: NetDeviceOps = {
  driver: 'bonding',
  kind: 'bond',
  netnsLocal: true,
  startXmit,
  addSlave,
  delSlave,
  open: (dev) => {
    const bond = dev.priv as Bond;
    dev.activated = true;
    if (bond.mode === MODE_8023AD) (bond.lacp ??= new LacpBond(bond)).start();
    if (bond.usesPrimary) selectActiveSlave(bond);
    return 0;
  },
  stop: (dev) => {
    const bond = dev.priv as Bond;
    stopMonitor(bond);
    bond.lacp?.stop();
  },
  setMacAddress: (dev, address) => {
    const bond = dev.priv as Bond;
    if (bond.mode !== MODE_ACTIVEBACKUP || bond.words.fail_over_mac === 0)
      for (const slave of bond.slaves) setAddress(slave.dev, address);
    devAddrSet(dev, address);
    return 0;
  },
  changeMtu: (dev, mtu) => {
    for (const { dev: slave } of (dev.priv as Bond).slaves) setMtu(slave, mtu);
    return 0;
  },
  changelink: (dev, data) => {
    bondChangelink(dev.priv as Bond, data);
  },
  info: (dev) => bondInfo(dev.priv as Bond),
  slaveInfo: (dev, target) => {
    const slave = (dev.priv as Bond).slaveOf(target);
    return slave === undefined ? {} : bondSlaveInfo(slave);
  },
  slaveChangelink: (dev, target, data) => {
    const slave = (dev.priv as Bond).slaveOf(target);
    if (slave === undefined) throw new KernelError('EINVAL');
    if (data['queue_id'] !== undefined) slave.queueId = Number(data['queue_id']);
    if (data['prio'] !== undefined) slave.prio = Number(data['prio']);
  },
  sysfs: bondSysfs({
    show: (dev) => (dev.priv as Bond).slaves.map((slave) => slave.dev.name).join(' '),
    store: changeSlaves,
  }),
  slaveSysfs: BOND_SLAVE_SYSFS,
  uninit: (dev) => {
    const bond = dev.priv as Bond;
    if (bond.slaves.length === 0) return;
    for (const slave of [...bond.slaves]) {
      delSlave(dev, slave.dev);
      slave.dev.master = null;
    }
    bond.log(6, 'Released all slaves');
  },
};

/** @errno what options say. @kernel bond_newlink() */
function newlink(net: Net, name: string, request: LinkAdd): NetDevice {
  const dev = new NetDevice(net, name, bondOps);
  dev.features = Feature.HW_CSUM;
  dev.flags = Iff.IFF_BROADCAST | Iff.IFF_MULTICAST | Iff.IFF_MASTER;
  dev.mtu = request.mtu ?? 1500;
  dev.carrier = false;
  dev.numTxQueues = 16;
  dev.numRxQueues = 16;
  dev.addrAssignType = request.address === undefined ? 1 : 3;
  devAddrSet(dev, request.address ?? randomMac(net.kernel));
  const bond = new Bond(dev);
  dev.priv = bond;
  if (request.data !== undefined) bondChangelink(bond, request.data);
  registerNetdevice(dev, request.ifindex ?? 0);
  return dev;
}

export const bondKind: LinkKind = { kind: 'bond', namePattern: 'bond%d', newlink };

function bonds(net: Net): NetDevice[] {
  return net.devices.filter((dev) => bondOf(dev) !== undefined);
}

/** The kind, its events, /proc/net/bonding and /sys/class/net/bonding_masters. */
export function bondRegister(modules: KernelModules): void {
  modules.addLinkKind(bondKind);
  modules.addNetdevNotifier((event, dev) => {
    const own = bondOf(dev);
    if (event === 'UP' && own !== undefined) restartMonitor(own);
  });
  modules.addProcNetDir('bonding', {
    list: (net) => bonds(net).map(({ name }) => name),
    read: (net, file) => {
      const dev = net.devByName(file);
      const bond = dev === undefined ? undefined : bondOf(dev);
      return bond === undefined ? undefined : bondProc(bond);
    },
  });
  modules.classNetFiles.set('bonding_masters', {
    show: (net) =>
      bonds(net)
        .map(({ name }) => name)
        .join(' '),
    store: (net, text) => {
      const name = text.slice(1);
      if (text.startsWith('+')) {
        net.kernel.printk(6, `bonding: ${name} is being created...`);
        if (net.devByName(name) !== undefined) throw new KernelError('EEXIST');
        newlink(net, name, { kind: 'bond' });
        return;
      }
      const dev = net.devByName(name);
      if (!text.startsWith('-')) throw new KernelError('EPERM');
      if (dev === undefined || bondOf(dev) === undefined) throw new KernelError('ENODEV');
      net.kernel.printk(6, `bonding: ${name} is being deleted...`);
      unregisterNetdevice(dev);
    },
  });
}
