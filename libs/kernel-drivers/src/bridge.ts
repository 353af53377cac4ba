/**
 * The Linux bridge: a learning switch whose ports are other devices, and a device of its own.
 * port → brHandleFrame (rx_handler) → learn → forward, flood, or up; its own traffic → startXmit → forward or flood.
 * Sources: net/bridge/br_input.c, br_forward.c, br_device.c, br_if.c; IEEE 802.1D §7. STP and VLAN filtering are off.
 */
import { formatMac, KernelError } from '@netloom/base';
import {
  devAddrSet,
  devQueueXmit,
  devSetPromiscuity,
  devTxStats,
  DropReason,
  Feature,
  NetDevice,
  NETDEV_TX_OK,
  netifCarrier,
  netifReceiveSkb,
  PACKET_HOST,
  PACKET_LOOPBACK,
  registerNetdevice,
  RX_HANDLER_CONSUMED,
  RX_HANDLER_PASS,
  Stat,
  statAdd,
  type KernelModules,
  type LinkKind,
  type Net,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import { type LinkInfoData, type NeighMsg, type NeighNew, Nud } from '@netloom/sys';
import { ETH_HLEN, ethDestHi, ethDestLo, ethSourceHi, ethSourceLo } from '@netloom/wire';
import { Fdb, macBytes, macNumber } from './bridge-fdb.js';
import { randomMac } from './mac.js';

const GROUP_BIT = 0x100;
/** 01:80:c2:00:00:0X: not forwarded by a bridge (802.1D §7.12.6). */
const LINK_LOCAL_HI = 0x0180;
const LINK_LOCAL_LO = 0xc2000000;

export class Bridge {
  readonly ports: NetDevice[] = [];
  readonly fdb = new Fdb();
  /** Bits X of 01:80:c2:00:00:0X that are forwarded all the same. */
  groupFwdMask = 0;
  addressSet = false;
  mtuSet = false;

  constructor(readonly dev: NetDevice) {}
}

/** The bridge behind a device. */
export function bridgeOf(dev: NetDevice): Bridge | undefined {
  return dev.priv instanceof Bridge ? dev.priv : undefined;
}

/** A frame came in on a port (data behind the Ethernet header). @kernel br_handle_frame() */
function brHandleFrame(skb: SkBuff, port: NetDevice): number {
  if (skb.pktType === PACKET_LOOPBACK) return RX_HANDLER_PASS;
  const br = port.rxHandlerData as Bridge;
  const m = skb.mem;
  const o = skb.macHeader;
  const sourceHi = ethSourceHi(m, o);
  const sourceLo = ethSourceLo(m, o);
  if ((sourceHi & GROUP_BIT) !== 0 || (sourceHi === 0 && sourceLo === 0)) {
    port.net.kernel.kfreeSkbReason(skb, DropReason.MAC_INVALID_SOURCE);
    return RX_HANDLER_CONSUMED;
  }
  const hi = ethDestHi(m, o);
  const lo = ethDestLo(m, o);
  if (
    hi === LINK_LOCAL_HI &&
    (lo & ~15) >>> 0 === LINK_LOCAL_LO &&
    (br.groupFwdMask & (1 << (lo & 15))) === 0
  ) {
    return RX_HANDLER_PASS; // for the port itself
  }
  if (!br.dev.up) {
    port.net.kernel.kfreeSkbReason(skb, DropReason.DEV_READY);
    return RX_HANDLER_CONSUMED;
  }
  const now = port.net.kernel.engine.now;
  br.fdb.learn(macNumber(sourceHi, sourceLo), port, now);
  if ((hi & GROUP_BIT) !== 0) {
    statAdd(br.dev, Stat.multicast, 1);
    const up = skb.pool.clone(skb);
    flood(br, skb, port);
    passUp(br, up);
    return RX_HANDLER_CONSUMED;
  }
  const entry = br.fdb.lookup(macNumber(hi, lo), now);
  if (entry === undefined) {
    if (br.dev.promiscuity > 0) passUp(br, skb.pool.clone(skb));
    flood(br, skb, port);
  } else if (entry.local) {
    passUp(br, skb);
  } else {
    entry.used = now;
    if (br.dev.promiscuity > 0) passUp(br, skb.pool.clone(skb));
    if (entry.port === port || entry.port === null)
      port.net.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    else forward(skb, entry.port);
  }
  return RX_HANDLER_CONSUMED;
}

/** @kernel br_pass_frame_up() */
function passUp(br: Bridge, skb: SkBuff): void {
  statAdd(br.dev, Stat.rxPackets, 1);
  statAdd(br.dev, Stat.rxBytes, skb.len);
  const hi = ethDestHi(skb.mem, skb.macHeader);
  if (
    (hi & GROUP_BIT) === 0 &&
    hi === br.dev.addrHi &&
    ethDestLo(skb.mem, skb.macHeader) === br.dev.addrLo
  )
    skb.pktType = PACKET_HOST;
  else if (
    (hi & GROUP_BIT) === 0 &&
    br.fdb.get(macNumber(hi, ethDestLo(skb.mem, skb.macHeader)))?.local === true
  )
    skb.pktType = PACKET_HOST;
  skb.dev = br.dev;
  netifReceiveSkb(skb);
}

/** Sends a frame (data behind the Ethernet header) out of one port. @kernel br_dev_queue_push_xmit() */
function forward(skb: SkBuff, port: NetDevice): void {
  if (!port.running || skb.len > port.mtu + 4) {
    port.net.kernel.kfreeSkbReason(
      skb,
      port.running ? DropReason.PKT_TOO_BIG : DropReason.DEV_READY,
    );
    return;
  }
  skb.data -= ETH_HLEN;
  skb.len += ETH_HLEN;
  skb.dev = port;
  devQueueXmit(skb);
}

/** Sends copies out of every port but one. Consumes the frame. @kernel br_flood() */
function flood(br: Bridge, skb: SkBuff, except: NetDevice | null): void {
  let previous: NetDevice | null = null;
  for (const port of br.ports) {
    if (port === except || !port.running) continue;
    if (previous !== null) forward(skb.pool.clone(skb), previous);
    previous = port;
  }
  if (previous !== null) forward(skb, previous);
  else skb.pool.release(skb);
}

/** The bridge's own frames. @kernel br_dev_xmit() */
function startXmit(skb: SkBuff, dev: NetDevice): number {
  const br = dev.priv as Bridge;
  devTxStats(dev, skb.len);
  const o = skb.data;
  const hi = ethDestHi(skb.mem, o);
  const entry =
    (hi & GROUP_BIT) !== 0
      ? undefined
      : br.fdb.lookup(macNumber(hi, ethDestLo(skb.mem, o)), dev.net.kernel.engine.now);
  skb.macHeader = o;
  skb.data += ETH_HLEN;
  skb.len -= ETH_HLEN;
  if (entry?.port !== undefined && entry.port !== null && !entry.local) forward(skb, entry.port);
  else flood(br, skb, null);
  return NETDEV_TX_OK;
}

/** The lowest port address, unless one was set. @kernel br_stp_recalculate_bridge_id() */
function recalculateAddress(br: Bridge): void {
  if (br.addressSet) return;
  let best: NetDevice | undefined;
  for (const port of br.ports) {
    if (
      best === undefined ||
      macNumber(port.addrHi, port.addrLo) < macNumber(best.addrHi, best.addrLo)
    )
      best = port;
  }
  const address = best?.address ?? new Uint8Array(6);
  if (
    macNumber(br.dev.addrHi, br.dev.addrLo) ===
    (best === undefined ? 0 : macNumber(best.addrHi, best.addrLo))
  )
    return;
  setOwnAddress(br, address);
}

/** Frames to the bridge's own address go up, whichever port has that address or none. @kernel br_fdb_change_mac_address() */
function ownEntry(br: Bridge): void {
  const mac = macNumber(br.dev.addrHi, br.dev.addrLo);
  if (mac === 0 || br.fdb.get(mac)?.local === true) return;
  const now = br.dev.net.kernel.engine.now;
  br.fdb.add({ mac, port: null, local: true, permanent: true, updated: now, used: now });
}

function setOwnAddress(br: Bridge, address: Uint8Array): void {
  const old = br.fdb.get(macNumber(br.dev.addrHi, br.dev.addrLo));
  if (old?.port === null) br.fdb.remove(old.mac);
  devAddrSet(br.dev, address);
  ownEntry(br);
  br.dev.net.kernel.modules.callNetdevNotifiers('CHANGEADDR', br.dev);
}

/** A bridge has carrier while one of its ports forwards. @kernel br_port_carrier_check() */
function updateCarrier(br: Bridge): void {
  netifCarrier(
    br.dev,
    br.ports.some((port) => port.running),
  );
}

function updateMtu(br: Bridge): void {
  if (br.mtuSet || br.ports.length === 0) return;
  br.dev.mtu = Math.min(...br.ports.map((port) => port.mtu));
}

function localEntry(br: Bridge, port: NetDevice): void {
  const mac = macNumber(port.addrHi, port.addrLo);
  const now = br.dev.net.kernel.engine.now;
  br.fdb.add({ mac, port, local: true, permanent: true, updated: now, used: now });
}

/** @kernel br_add_if() */
function addSlave(dev: NetDevice, slave: NetDevice): number {
  const br = dev.priv as Bridge;
  if (slave.rxHandler !== null) return -16; // EBUSY
  if (slave.priv instanceof Bridge)
    throw new KernelError('ELOOP', 'Can not enslave a bridge to a bridge');
  if ((slave.flags & 8) !== 0) return -22; // EINVAL: a loopback device
  slave.rxHandler = brHandleFrame;
  slave.rxHandlerData = br;
  br.ports.push(slave);
  devSetPromiscuity(slave, 1);
  localEntry(br, slave);
  // One port more: compare it with the best so far, so that many ports are not looked through again and again.
  const first = br.ports.length === 1;
  if (
    !br.addressSet &&
    (first || macNumber(slave.addrHi, slave.addrLo) < macNumber(dev.addrHi, dev.addrLo))
  )
    setOwnAddress(br, slave.address);
  if (!br.mtuSet && (first || slave.mtu < dev.mtu)) dev.mtu = slave.mtu;
  if (slave.running) netifCarrier(dev, true);
  return 0;
}

/** @kernel br_del_if() */
function delSlave(dev: NetDevice, slave: NetDevice): number {
  const br = dev.priv as Bridge;
  const at = br.ports.indexOf(slave);
  if (at < 0) return -22;
  br.ports.splice(at, 1);
  slave.rxHandler = null;
  slave.rxHandlerData = null;
  br.fdb.flushPort(slave, true);
  devSetPromiscuity(slave, -1);
  recalculateAddress(br);
  updateMtu(br);
  updateCarrier(br);
  return 0;
}

function changelink(dev: NetDevice, data: LinkInfoData): void {
  const br = dev.priv as Bridge;
  for (const [name, value] of Object.entries(data)) {
    if (name === 'ageing_time')
      br.fdb.ageingNs = Number(value) * 1e7; // centiseconds
    else if (name === 'group_fwd_mask') br.groupFwdMask = Number(value);
    else if ((name === 'stp_state' || name === 'vlan_filtering') && Number(value) === 0) continue;
    else throw new KernelError('EOPNOTSUPP', `bridge: ${name} is not supported`);
  }
}

function bridgeAbove(dev: NetDevice): Bridge {
  return (dev.priv instanceof Bridge ? dev : (dev.master as NetDevice)).priv as Bridge;
}

const bridgeOps: NetDeviceOps = {
  fdbDump: (dev, port) =>
    bridgeFdbDump(dev.priv as Bridge).filter(({ ifindex }) => ifindex === port.ifindex),
  fdbAdd: (dev, request) => {
    bridgeFdbAdd(bridgeAbove(dev), dev, request);
  },
  fdbDel: (dev, request) => {
    bridgeFdbDel(bridgeAbove(dev), dev, request.lladdr as Uint8Array);
  },
  driver: 'bridge',
  kind: 'bridge',
  startXmit,
  addSlave,
  delSlave,
  changelink,
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
  info: (dev) => {
    const br = dev.priv as Bridge;
    const id = `8000.${formatMac(dev.address)}`; // without STP every bridge is its own root
    return {
      forward_delay: 1500,
      hello_time: 200,
      max_age: 2000,
      ageing_time: Math.round(br.fdb.ageingNs / 1e7),
      stp_state: 0,
      priority: 32768,
      vlan_filtering: 0,
      bridge_id: id,
      root_id: id,
      root_port: 0,
      root_path_cost: 0,
      topology_change: 0,
      topology_change_detected: 0,
      group_fwd_mask: br.groupFwdMask,
      group_addr: '01:80:c2:00:00:00',
    };
  },
  slaveInfo: () => ({
    state: 'forwarding',
    priority: 32,
    cost: 2,
    hairpin: false,
    guard: false,
    learning: true,
    flood: true,
  }),
  uninit: (dev) => {
    const br = dev.priv as Bridge;
    for (const port of [...br.ports]) {
      delSlave(dev, port);
      port.master = null;
    }
  },
};

/** @kernel br_dev_newlink() */
function newlink(
  net: Net,
  name: string,
  request: {
    readonly address?: Uint8Array;
    readonly mtu?: number;
    readonly ifindex?: number;
    readonly data?: LinkInfoData;
  },
): NetDevice {
  const dev = new NetDevice(net, name, bridgeOps);
  dev.features = Feature.HW_CSUM;
  const br = new Bridge(dev);
  dev.priv = br;
  dev.carrier = false;
  dev.mtu = request.mtu ?? 1500;
  devAddrSet(dev, request.address ?? randomMac(net.kernel));
  br.addressSet = request.address !== undefined;
  if (br.addressSet) ownEntry(br);
  registerNetdevice(dev, request.ifindex ?? 0);
  if (request.data !== undefined) changelink(dev, request.data);
  return dev;
}

export const bridgeKind: LinkKind = { kind: 'bridge', namePattern: 'bridge%d', newlink };

/** Follows the ports: carrier, addresses. */
export function bridgeRegister(modules: KernelModules): void {
  modules.addLinkKind(bridgeKind);
  modules.addNetdevNotifier((event, dev) => {
    const br = dev.rxHandlerData;
    if (br instanceof Bridge && dev.rxHandler === brHandleFrame) {
      if (event === 'UP' || event === 'DOWN' || event === 'CHANGE') {
        if (!dev.running) br.fdb.flushPort(dev, false);
        updateCarrier(br);
      } else if (event === 'CHANGEADDR') {
        for (const entry of br.fdb.list(dev.net.kernel.engine.now))
          if (entry.port === dev && entry.local) br.fdb.remove(entry.mac);
        localEntry(br, dev);
        recalculateAddress(br);
      } else if (event === 'CHANGEMTU') {
        updateMtu(br);
      }
    } else if (dev.priv instanceof Bridge && event === 'UP') {
      updateCarrier(dev.priv);
    }
  });
}

/** The forwarding database as `bridge fdb` reads it. */
export function bridgeFdbDump(br: Bridge): NeighMsg[] {
  const now = br.dev.net.kernel.engine.now;
  const age = (since: number): number => Math.floor((now - since) / 1e9);
  return br.fdb.list(now).map((entry) => ({
    family: 7,
    ifindex: (entry.port ?? br.dev).ifindex,
    lladdr: macBytes(entry.mac),
    master: br.dev.ifindex,
    state: entry.local ? Nud.NUD_PERMANENT : entry.permanent ? Nud.NUD_NOARP : Nud.NUD_REACHABLE,
    flags: 4, // NTF_MASTER
    cacheinfo: { confirmed: 0, used: age(entry.used), updated: age(entry.updated), refcnt: 0 },
  }));
}

/** `bridge fdb add|replace`. @errno EEXIST, EINVAL */
export function bridgeFdbAdd(br: Bridge, port: NetDevice, request: NeighNew): void {
  const address = request.lladdr;
  if (address === undefined) throw new KernelError('EINVAL');
  const view = new DataView(address.buffer, address.byteOffset);
  const mac = macNumber(view.getUint16(0), view.getUint32(2));
  if (br.fdb.get(mac) !== undefined && request.mode === 'add') throw new KernelError('EEXIST');
  const state = request.state ?? Nud.NUD_PERMANENT;
  const now = br.dev.net.kernel.engine.now;
  br.fdb.add({
    mac,
    port,
    local: state === Nud.NUD_PERMANENT,
    permanent: state === Nud.NUD_PERMANENT || state === Nud.NUD_NOARP,
    updated: now,
    used: now,
  });
}

/** `bridge fdb del`. @errno ENOENT */
export function bridgeFdbDel(br: Bridge, port: NetDevice, address: Uint8Array): void {
  const view = new DataView(address.buffer, address.byteOffset);
  const mac = macNumber(view.getUint16(0), view.getUint32(2));
  if (br.fdb.get(mac)?.port !== port) throw new KernelError('ENOENT');
  br.fdb.remove(mac);
}
