/**
 * The Linux bridge as a device: made, enslaving ports, following them, its forwarding entries for rtnetlink. How frames
 * pass is in bridge-input.ts. Sources: net/bridge/br_device.c, br_if.c, br.c, br_fdb.c.
 */
import { KernelError } from '@netloom/base';
import {
  devAddrSet,
  devSetAllmulti,
  devSetPromiscuity,
  Feature,
  NetDevice,
  registerNetdevice,
  type KernelModules,
  type LinkKind,
  type Net,
  type NetDeviceOps,
} from '@netloom/kernel-core';
import { BridgeVlanFlag, Iff, type LinkAdd, type NeighMsg, type NeighNew, Nud } from '@netloom/sys';
import { macBytes, macNumber, type FdbEntry } from './bridge-fdb.js';
import { brDevXmit, brHandleFrame } from './bridge-input.js';
import { mcastOf } from './bridge-multicast.js';
import {
  BRIDGE_SYSFS,
  bridgeChangelink,
  bridgeInfo,
  PORT_SYSFS,
  portChangelink,
  portInfo,
} from './bridge-options.js';
import { BR_STATE_DISABLED, Bridge, bridgeOf, BridgePort, bridgePortOf } from './bridge-state.js';
import {
  becomeDesignatedPort,
  configurationUpdate,
  initPort,
  setPortState,
  stpChangeBridgeId,
  stpDisableBridge,
  stpDisablePort,
  stpEnableBridge,
  stpEnablePort,
} from './bridge-stp.js';
import { vlanAdd, vlanChange, vlanDump, vlanLocalEntries } from './bridge-vlan.js';
import { randomMac } from './mac.js';

const NTF_MASTER = 4;
const NTF_EXT_LEARNED = 0x10;
const NTF_STICKY = 0x40;
const AF_BRIDGE = 7;

const macOf = (dev: NetDevice): number => macNumber(dev.addrHi, dev.addrLo);

/** The lowest port address, unless one was set. @kernel br_stp_recalculate_bridge_id() */
function recalculateAddress(br: Bridge): void {
  if (br.addressSet) return;
  let best: NetDevice | undefined;
  for (const { dev } of br.ports) if (best === undefined || macOf(dev) < macOf(best)) best = dev;
  const mac = best === undefined ? 0 : macOf(best);
  if (mac === br.idAddress) return;
  setOwnAddress(br, best?.address ?? new Uint8Array(6));
}

/** Frames to the bridge's own address go up, whichever port has that address or none. @kernel br_fdb_change_mac_address() */
function ownEntries(br: Bridge): void {
  localEntry(br, null);
  vlanLocalEntries(br, null);
}

function localEntry(br: Bridge, port: BridgePort | null): void {
  const mac = macOf(port?.dev ?? br.dev);
  if (mac === 0 || br.fdb.get(mac)?.local === true) return;
  const now = br.dev.kernel.engine.now;
  br.fdb.add({ mac, vid: 0, port, local: true, permanent: true, updated: now, used: now });
}

/** Removes the addresses of a port, or of the bridge itself. */
function dropLocal(br: Bridge, port: BridgePort | null): void {
  for (const entry of br.fdb.list(br.dev.kernel.engine.now))
    if (entry.port === port && entry.local) br.fdb.remove(entry.mac, entry.vid);
}

function setOwnAddress(br: Bridge, address: Uint8Array): void {
  dropLocal(br, null);
  devAddrSet(br.dev, address);
  ownEntries(br);
  stpChangeBridgeId(br, br.priority, macOf(br.dev));
  if (br.dev.registered) br.dev.kernel.modules.callNetdevNotifiers('CHANGEADDR', br.dev);
}

/** @kernel br_mtu_auto_adjust() */
function updateMtu(br: Bridge): void {
  if (br.mtuSet) return;
  let mtu = 1500;
  if (br.ports.length > 0) {
    mtu = 65535;
    for (const { dev } of br.ports) if (dev.mtu < mtu) mtu = dev.mtu;
  }
  if (mtu === br.dev.mtu) return;
  br.dev.mtu = mtu;
  br.dev.kernel.modules.callNetdevNotifiers('CHANGEMTU', br.dev);
}

function freePortNo(br: Bridge): number {
  const portNo = br.portNumbers.indexOf(0, 1);
  if (portNo < 0) throw new KernelError('EXFULL');
  return portNo;
}

/** @kernel br_add_if() */
function addSlave(dev: NetDevice, slave: NetDevice): number {
  const br = dev.priv as Bridge;
  if ((slave.flags & Iff.IFF_LOOPBACK) !== 0 || slave.type !== 1) return -22; // EINVAL
  if (bridgeOf(slave) !== undefined)
    throw new KernelError('ELOOP', 'Can not enslave a bridge to a bridge');
  if (slave.ops.dontBridge === true)
    throw new KernelError('EOPNOTSUPP', 'Device does not allow enslaving to a bridge');
  if (slave.rxHandler !== null) return -16; // EBUSY
  const port = new BridgePort(br, slave, freePortNo(br));
  initPort(port);
  setPortState(port, BR_STATE_DISABLED);
  devSetAllmulti(slave, 1);
  slave.rxHandler = brHandleFrame;
  slave.rxHandlerData = port;
  br.ports.push(port);
  br.portNumbers[port.portNo] = 1;
  dev.tsoMaxSize = slave.tsoMaxSize;
  devSetPromiscuity(slave, 1);
  localEntry(br, port);
  if (br.defaultPvid !== 0)
    vlanAdd(br, port, br.defaultPvid, BridgeVlanFlag.PVID | BridgeVlanFlag.UNTAGGED);
  // One port more: compare it with the best so far, so that many ports are not looked through again and again.
  if (!br.addressSet && (br.ports.length === 1 || macOf(slave) < br.idAddress))
    setOwnAddress(br, slave.address);
  becomeDesignatedPort(port);
  if (br.dev.up && slave.running) stpEnablePort(port);
  if (!br.mtuSet && (br.ports.length === 1 || slave.mtu < dev.mtu)) updateMtu(br);
  return 0;
}

/** @kernel br_del_if(), del_nbp() */
function delSlave(dev: NetDevice, slave: NetDevice): number {
  const br = dev.priv as Bridge;
  const port = bridgePortOf(slave);
  const at = port === undefined ? -1 : br.ports.indexOf(port);
  if (port === undefined || at < 0) return -22;
  devSetAllmulti(slave, -1);
  devSetPromiscuity(slave, -1);
  stpDisablePort(port);
  br.ports.splice(at, 1);
  br.portNumbers[port.portNo] = 0;
  slave.rxHandler = null;
  slave.rxHandlerData = null;
  br.mcast?.forgetPort(port);
  br.fdb.flushPort(port, true);
  for (const other of br.ports) if (other.backupPort === slave) other.backupPort = null;
  recalculateAddress(br);
  ownEntries(br);
  updateMtu(br);
  return 0;
}

function portOrThrow(slave: NetDevice): BridgePort {
  const port = bridgePortOf(slave);
  if (port === undefined) throw new KernelError('EINVAL');
  return port;
}

const bridgeOps: NetDeviceOps = {
  driver: 'bridge',
  kind: 'bridge',
  startXmit: brDevXmit,
  open: (dev) => {
    const br = dev.priv as Bridge;
    br.openedAt = dev.kernel.engine.now;
    stpEnableBridge(br);
    return 0;
  },
  stop: (dev) => {
    const br = dev.priv as Bridge;
    br.mcast?.stopQuerier();
    stpDisableBridge(br);
  },
  addSlave,
  delSlave,
  changelink: (dev, data) => {
    bridgeChangelink(dev.priv as Bridge, data);
  },
  netnsLocal: true,
  setMacAddress: (dev, address) => {
    const br = dev.priv as Bridge;
    br.addressSet = true;
    setOwnAddress(br, address);
    return 0;
  },
  changeMtu: (dev) => {
    (dev.priv as Bridge).mtuSet = true;
    return 0;
  },
  info: (dev) => bridgeInfo(dev.priv as Bridge),
  slaveInfo: (_dev, slave) => portInfo(portOrThrow(slave)),
  slaveChangelink: (_dev, slave, data) => {
    portChangelink(portOrThrow(slave), data);
  },
  sysfs: BRIDGE_SYSFS,
  slaveSysfs: PORT_SYSFS,
  fdbAdd: (dev, request) => {
    bridgeFdbAdd(dev, request);
  },
  fdbDel: (dev, request) => {
    bridgeFdbDel(dev, request);
  },
  fdbDump: (dev, port) => bridgeFdbDump(dev.priv as Bridge, port),
  vlanDump,
  vlanChange,
  mdbDump: (dev) => (dev.priv as Bridge).mcast?.dump() ?? { entries: [], routers: [] },
  mdbChange: (dev, request, adding) => {
    mcastOf(dev.priv as Bridge).change(request, adding);
  },
  uninit: (dev) => {
    const br = dev.priv as Bridge;
    for (const port of [...br.ports]) {
      delSlave(dev, port.dev);
      port.dev.master = null;
    }
  },
};

/** @kernel br_dev_newlink() */
function newlink(net: Net, name: string, request: LinkAdd): NetDevice {
  const dev = new NetDevice(net, name, bridgeOps);
  dev.features = Feature.HW_CSUM;
  const br = new Bridge(dev);
  dev.priv = br;
  dev.mtu = request.mtu ?? 1500;
  br.mtuSet = request.mtu !== undefined;
  devAddrSet(dev, request.address ?? randomMac(net.kernel));
  dev.addrAssignType = request.address === undefined ? 1 : 3;
  br.addressSet = request.address !== undefined;
  br.fdb.notify = (entry, gone) => {
    if (dev.net.rtnlListeners.size > 0)
      dev.net.notify({ type: gone ? 'RTM_DELNEIGH' : 'RTM_NEWNEIGH', neigh: fdbMsg(br, entry) });
  };
  registerNetdevice(dev, request.ifindex ?? 0);
  ownEntries(br);
  vlanAdd(br, null, br.defaultPvid, BridgeVlanFlag.PVID | BridgeVlanFlag.UNTAGGED);
  if (br.addressSet) stpChangeBridgeId(br, br.priority, macOf(dev));
  if (request.data !== undefined) bridgeChangelink(br, request.data);
  return dev;
}

export const bridgeKind: LinkKind = { kind: 'bridge', namePattern: 'bridge%d', newlink };

/** A port's carrier or state changed. @kernel br_port_carrier_check() */
function checkPort(port: BridgePort): void {
  const { br, dev } = port;
  if (!br.dev.up) return;
  if (dev.running) {
    if (port.state === BR_STATE_DISABLED) stpEnablePort(port);
  } else if (port.state !== BR_STATE_DISABLED) stpDisablePort(port);
}

/** Follows the ports: carrier, addresses. @kernel br_device_event() */
export function bridgeRegister(modules: KernelModules): void {
  modules.addLinkKind(bridgeKind);
  modules.addNetdevNotifier((event, dev) => {
    const own = bridgeOf(dev);
    if (own !== undefined && event === 'UP') own.mcast?.startQuerier();
    const port = bridgePortOf(dev);
    if (port === undefined) return;
    const { br } = port;
    if (event === 'UP' || event === 'DOWN' || event === 'CHANGE') {
      checkPort(port);
    } else if (event === 'CHANGEADDR') {
      dropLocal(br, port);
      localEntry(br, port);
      vlanLocalEntries(br, port);
      recalculateAddress(br);
      configurationUpdate(br);
    } else if (event === 'CHANGEMTU') {
      updateMtu(br);
    }
  });
}

function fdbMsg(br: Bridge, entry: FdbEntry): NeighMsg {
  const { now } = br.dev.kernel.engine;
  const age = (since: number): number => Math.floor((now - since) / 1e9);
  return {
    family: AF_BRIDGE,
    ifindex: (entry.port?.dev ?? br.dev).ifindex,
    lladdr: macBytes(entry.mac),
    master: br.dev.ifindex,
    state: entry.local ? Nud.NUD_PERMANENT : entry.permanent ? Nud.NUD_NOARP : Nud.NUD_REACHABLE,
    flags:
      NTF_MASTER |
      (entry.extern === true ? NTF_EXT_LEARNED : 0) |
      (entry.sticky === true ? NTF_STICKY : 0),
    ...(entry.vid === 0 ? {} : { vlan: entry.vid }),
    cacheinfo: { confirmed: 0, used: age(entry.used), updated: age(entry.updated), refcnt: 0 },
  };
}

/** The forwarding database as `bridge fdb` reads it: of one port, or with the bridge itself its own addresses. */
export function bridgeFdbDump(br: Bridge, only?: NetDevice): NeighMsg[] {
  return br.fdb
    .list(br.dev.kernel.engine.now)
    .filter((entry) => only === undefined || (entry.port?.dev ?? br.dev) === only)
    .map((entry) => fdbMsg(br, entry));
}

function target(dev: NetDevice): { br: Bridge; port: BridgePort | null } {
  const own = bridgeOf(dev);
  if (own !== undefined) return { br: own, port: null };
  const port = bridgePortOf(dev);
  if (port === undefined) {
    dev.kernel.printk(6, `bridge: RTM_NEWNEIGH ${dev.name} not a bridge port`);
    throw new KernelError('EINVAL');
  }
  return { br: port.br, port };
}

function macIn(request: Omit<NeighNew, 'mode'>): number {
  const address = request.lladdr;
  if (address?.length !== 6) throw new KernelError('EINVAL');
  const view = new DataView(address.buffer, address.byteOffset);
  return macNumber(view.getUint16(0), view.getUint32(2));
}

/** The VLANs that an entry without one is for: none, and each of the port's. */
function vlansFor(br: Bridge, port: BridgePort | null, vlan: number | undefined): number[] {
  const { vlans } = port?.vlanGroup ?? br.vlanGroup;
  if (vlan === undefined || vlan === 0) return [0, ...[...vlans.keys()].sort((a, b) => a - b)];
  return [vlan];
}

/** `bridge fdb add|replace`, for a port or the bridge itself. @errno EEXIST, EINVAL, ENOENT. @kernel br_fdb_add() */
export function bridgeFdbAdd(dev: NetDevice, request: NeighNew): void {
  const { br, port } = target(dev);
  const { printk } = dev.kernel;
  const mac = macIn(request);
  const state = request.state ?? Nud.NUD_PERMANENT;
  const flags = request.flags ?? 0;
  if ((state & (Nud.NUD_PERMANENT | Nud.NUD_NOARP | Nud.NUD_REACHABLE)) === 0) {
    printk.call(dev.kernel, 6, `bridge: RTM_NEWNEIGH with invalid state 0x${state.toString(16)}`);
    throw new KernelError('EINVAL');
  }
  if (mac === 0) {
    printk.call(dev.kernel, 6, 'bridge: RTM_NEWNEIGH with invalid ether address');
    throw new KernelError('EINVAL');
  }
  const group = port?.vlanGroup ?? br.vlanGroup;
  if (request.vlan !== undefined && request.vlan !== 0 && !group.vlans.has(request.vlan)) {
    const text = `bridge: RTM_NEWNEIGH with unconfigured vlan ${request.vlan} on ${dev.name}`;
    printk.call(dev.kernel, 6, text);
    throw new KernelError('EINVAL');
  }
  if (port === null && (state & Nud.NUD_PERMANENT) === 0) {
    printk.call(dev.kernel, 6, `bridge: RTM_NEWNEIGH ${dev.name} without NUD_PERMANENT`);
    throw new KernelError('EINVAL');
  }
  const now = dev.kernel.engine.now;
  for (const vid of vlansFor(br, port, request.vlan)) {
    const known = br.fdb.get(mac, vid);
    if (known !== undefined && request.mode === 'add') throw new KernelError('EEXIST');
    if (known === undefined && request.mode === 'change') throw new KernelError('ENOENT');
    const local = (state & Nud.NUD_PERMANENT) !== 0 && (flags & NTF_EXT_LEARNED) === 0;
    br.fdb.add({
      mac,
      vid,
      port,
      local,
      permanent: local || (state & Nud.NUD_NOARP) !== 0,
      ...((flags & NTF_STICKY) !== 0 ? { sticky: true } : {}),
      ...((flags & NTF_EXT_LEARNED) !== 0 ? { extern: true } : {}),
      updated: now,
      used: now,
    });
  }
}

/** `bridge fdb del`. @errno ENOENT. @kernel br_fdb_delete() */
export function bridgeFdbDel(dev: NetDevice, request: Omit<NeighNew, 'mode'>): void {
  const { br, port } = target(dev);
  const mac = macIn(request);
  let gone = 0;
  for (const vid of vlansFor(br, port, request.vlan)) {
    if (br.fdb.get(mac, vid)?.port !== port) continue;
    br.fdb.remove(mac, vid);
    gone++;
  }
  if (gone === 0) throw new KernelError('ENOENT');
}
