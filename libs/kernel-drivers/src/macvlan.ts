/**
 * MACVLAN: further stations, each with an address and perhaps a namespace of its own, on the wire of one device.
 * lower device → macvlanHandleFrame (rx_handler) → the station with that address, or copies to several;
 * station → startXmit → other stations in bridge mode, else out of the lower device.
 * Source: drivers/net/macvlan.c. Unlike there, groups are handed to every station, whose stack drops those it has not
 * joined, and at once instead of from a queue of its own.
 */
import { formatMac, KernelError, parseMac } from '@netloom/base';
import {
  devAddrSet,
  devClose,
  devQueueXmit,
  devSetPromiscuity,
  devTxStats,
  devUnicast,
  DropReason,
  ethTypeTrans,
  Feature,
  NET_XMIT_SUCCESS,
  NetDevice,
  NETDEV_TX_OK,
  netifCarrier,
  netifRx,
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_LOOPBACK,
  PACKET_MULTICAST,
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
import { Iff, type LinkAdd, type LinkInfoData } from '@netloom/sys';
import { ETH_HLEN, ethDestHi, ethDestLo, ethSourceHi, ethSourceLo } from '@netloom/wire';
import { macBytes, macNumber } from './bridge-fdb.js';
import { randomMac } from './mac.js';

const PRIVATE = 1;
const VEPA = 2;
const BRIDGE = 4;
const PASSTHRU = 8;
const SOURCE = 16;
const MODES = { private: PRIVATE, vepa: VEPA, bridge: BRIDGE, passthru: PASSTHRU, source: SOURCE };
type Mode = keyof typeof MODES;

const FLAG_NOPROMISC = 1;
const FLAG_NODST = 2;
const GROUP_BIT = 0x100;
const DEFAULT_BC_QUEUE = 1000;

/** The lower device's side. @kernel struct macvlan_port */
class MacvlanPort {
  readonly stations: Macvlan[] = [];
  readonly byAddress = new Map<number, Macvlan>();
  passthru = false;

  constructor(readonly lower: NetDevice) {}
}

/** A station. @kernel struct macvlan_dev */
class Macvlan {
  flags = 0;
  bcQueueLen = DEFAULT_BC_QUEUE;
  /** In source mode: whom it hears. */
  readonly sources = new Set<number>();

  constructor(
    readonly dev: NetDevice,
    readonly port: MacvlanPort,
    public mode: number,
  ) {}
}

const macOf = (dev: NetDevice): number => macNumber(dev.addrHi, dev.addrLo);

function portOf(lower: NetDevice): MacvlanPort | undefined {
  return lower.rxHandlerData instanceof MacvlanPort ? lower.rxHandlerData : undefined;
}

function macvlanOf(dev: NetDevice): Macvlan {
  return dev.priv as Macvlan;
}

function countRx(dev: NetDevice, skb: SkBuff, group: boolean): void {
  statAdd(dev, Stat.rxPackets, 1);
  statAdd(dev, Stat.rxBytes, skb.len + ETH_HLEN);
  if (group) statAdd(dev, Stat.multicast, 1);
}

/** Hands a copy of a group's frame (data behind the Ethernet header) to a station. @kernel macvlan_broadcast_one() */
function deliverGroup(skb: SkBuff, station: Macvlan, broadcast: boolean): void {
  const { dev } = station;
  skb.dev = dev;
  skb.pktType = broadcast ? PACKET_BROADCAST : PACKET_MULTICAST;
  if (!dev.up) {
    dev.kernel.kfreeSkbReason(skb, DropReason.DEV_READY);
    return;
  }
  countRx(dev, skb, !broadcast);
  netifRx(skb);
}

/** Copies to the stations in one of these modes. @kernel macvlan_broadcast() */
function broadcast(
  skb: SkBuff,
  port: MacvlanPort,
  source: Macvlan | undefined,
  modes: number,
): void {
  const isBroadcast =
    ethDestHi(skb.mem, skb.macHeader) === 0xffff &&
    ethDestLo(skb.mem, skb.macHeader) === 0xffffffff;
  for (const station of port.stations) {
    if (station === source || (station.mode & modes) === 0 || !station.dev.up) continue;
    deliverGroup(skb.pool.clone(skb), station, isBroadcast);
  }
}

/** Copies to the stations in source mode that hear this sender. @kernel macvlan_forward_source() */
function forwardSource(skb: SkBuff, port: MacvlanPort, source: number): boolean {
  let taken = false;
  for (const station of port.stations) {
    if (station.mode !== SOURCE || !station.dev.up || !station.sources.has(source)) continue;
    const copy = skb.pool.clone(skb);
    copy.dev = station.dev;
    copy.pktType = PACKET_HOST;
    countRx(station.dev, copy, false);
    netifRx(copy);
    if ((station.flags & FLAG_NODST) !== 0) taken = true;
  }
  return taken;
}

/** A frame came in on the lower device (data behind the Ethernet header). @kernel macvlan_handle_frame() */
function macvlanHandleFrame(skb: SkBuff, lower: NetDevice): number {
  if (skb.pktType === PACKET_LOOPBACK) return RX_HANDLER_PASS;
  const port = lower.rxHandlerData as MacvlanPort;
  const m = skb.mem;
  const o = skb.macHeader;
  const hi = ethDestHi(m, o);
  const from = macNumber(ethSourceHi(m, o), ethSourceLo(m, o));
  if ((hi & GROUP_BIT) !== 0) {
    const source = port.byAddress.get(from);
    if (source !== undefined && (source.mode & (VEPA | BRIDGE)) === 0) {
      deliverGroup(skb, source, hi === 0xffff);
      return RX_HANDLER_CONSUMED;
    }
    forwardSource(skb, port, from);
    if (source === undefined) broadcast(skb, port, undefined, PRIVATE | VEPA | PASSTHRU | BRIDGE);
    else if (source.mode === VEPA) broadcast(skb, port, source, VEPA | BRIDGE);
    else broadcast(skb, port, source, VEPA); // bridge stations saw it on its way out
    return RX_HANDLER_PASS;
  }
  if (forwardSource(skb, port, from)) {
    skb.pool.release(skb);
    return RX_HANDLER_CONSUMED;
  }
  const station = port.passthru
    ? port.stations[0]
    : port.byAddress.get(macNumber(hi, ethDestLo(m, o)));
  if (station === undefined || station.mode === SOURCE) return RX_HANDLER_PASS;
  const { dev } = station;
  if (!dev.up) {
    dev.kernel.kfreeSkbReason(skb, DropReason.DEV_READY);
    return RX_HANDLER_CONSUMED;
  }
  countRx(dev, skb, false);
  skb.dev = dev;
  skb.pktType = PACKET_HOST;
  return RX_HANDLER_ANOTHER;
}

/** @kernel macvlan_queue_xmit() */
function startXmit(skb: SkBuff, dev: NetDevice): number {
  const station = macvlanOf(dev);
  const { port } = station;
  const length = skb.len;
  skb.dst = null;
  if (station.mode === BRIDGE) {
    const hi = ethDestHi(skb.mem, skb.data);
    const lo = ethDestLo(skb.mem, skb.data);
    if ((hi & GROUP_BIT) !== 0) {
      skb.macHeader = skb.data;
      skb.data += ETH_HLEN;
      skb.len -= ETH_HLEN;
      broadcast(skb, port, station, BRIDGE);
      skb.data -= ETH_HLEN;
      skb.len += ETH_HLEN;
    } else if (port.byAddress.get(macNumber(hi, lo))?.mode === BRIDGE) {
      // through the lower device, whose taps are to see it
      skb.mark = dev.net === port.lower.net ? skb.mark : 0;
      skb.protocol = ethTypeTrans(skb, port.lower);
      devTxStats(dev, length);
      netifRx(skb);
      return NETDEV_TX_OK;
    }
  }
  skb.dev = port.lower;
  if (devQueueXmit(skb) === NET_XMIT_SUCCESS) devTxStats(dev, length);
  else statAdd(dev, Stat.txDropped, 1);
  return NETDEV_TX_OK;
}

function follow(dev: NetDevice): void {
  const { lower } = macvlanOf(dev).port;
  netifCarrier(dev, lower.up && lower.carrier && !dev.protoDown);
}

const macvlanOps: NetDeviceOps = {
  driver: 'macvlan',
  kind: 'macvlan',
  changeProtoDown: true,
  startXmit,
  open: (dev) => {
    const station = macvlanOf(dev);
    const { port } = station;
    if (port.passthru) {
      if ((station.flags & FLAG_NOPROMISC) === 0) devSetPromiscuity(port.lower, 1);
    } else {
      if (macOf(dev) === macOf(port.lower)) return -16; // EBUSY
      devUnicast(port.lower, macOf(dev), 1);
    }
    follow(dev);
    return 0;
  },
  stop: (dev) => {
    const station = macvlanOf(dev);
    const { port } = station;
    if (port.passthru) {
      if ((station.flags & FLAG_NOPROMISC) === 0) devSetPromiscuity(port.lower, -1);
    } else devUnicast(port.lower, macOf(dev), -1);
  },
  setMacAddress: (dev, address) => {
    const station = macvlanOf(dev);
    const { port } = station;
    const view = new DataView(address.buffer, address.byteOffset);
    const mac = macNumber(view.getUint16(0), view.getUint32(2));
    if (mac === macOf(dev)) return 0;
    if (port.passthru) return port.lower.ops.setMacAddress?.(port.lower, address) ?? -95;
    if (port.byAddress.has(mac) || mac === macOf(port.lower)) return -98; // EADDRINUSE
    port.byAddress.delete(macOf(dev));
    if (dev.up) devUnicast(port.lower, macOf(dev), -1);
    devAddrSet(dev, address);
    port.byAddress.set(mac, station);
    if (dev.up) devUnicast(port.lower, mac, 1);
    return 0;
  },
  changeMtu: (dev, mtu) => (macvlanOf(dev).port.lower.mtu < mtu ? -22 : 0),
  link: (dev) => macvlanOf(dev).port.lower,
  changelink,
  info: (dev) => {
    const station = macvlanOf(dev);
    const mode = (Object.keys(MODES) as Mode[]).find((name) => MODES[name] === station.mode);
    const flags = [
      ...((station.flags & FLAG_NOPROMISC) !== 0 ? ['nopromisc'] : []),
      ...((station.flags & FLAG_NODST) !== 0 ? ['nodst'] : []),
    ].join(',');
    const used = Math.max(...station.port.stations.map(({ bcQueueLen }) => bcQueueLen));
    return {
      mode: mode ?? '',
      ...(flags === '' ? {} : { flags }),
      bcqueuelen: station.bcQueueLen,
      usedbcqueuelen: used,
      ...(station.mode === SOURCE
        ? {
            macaddr_count: station.sources.size,
            macaddr_data: [...station.sources].map((mac) => formatMac(macBytes(mac))).join(' '),
          }
        : {}),
    };
  },
  uninit: (dev) => {
    const station = macvlanOf(dev);
    const { port } = station;
    if (!port.passthru) port.byAddress.delete(macOf(dev));
    port.stations.splice(port.stations.indexOf(station), 1);
    if (port.stations.length > 0) return;
    port.lower.rxHandler = null;
    port.lower.rxHandlerData = null;
  },
};

/** `macaddr add|del|set|flush …`. @kernel macvlan_changelink_sources() */
function changeSources(station: Macvlan, verb: string, list: string): void {
  if (station.mode !== SOURCE) throw new KernelError('EINVAL');
  const macs = list
    .split(' ')
    .filter((text) => text !== '')
    .map((text) => {
      const bytes = parseMac(text) ?? new Uint8Array(6);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      return macNumber(view.getUint16(0), view.getUint32(2));
    });
  if (macs.some((mac) => mac === 0)) throw new KernelError('EADDRNOTAVAIL');
  if (verb === 'flush' || verb === 'set') station.sources.clear();
  for (const mac of macs) {
    if (verb === 'del') station.sources.delete(mac);
    else station.sources.add(mac);
  }
}

/** @errno EINVAL. @kernel macvlan_changelink() */
function changelink(dev: NetDevice, data: LinkInfoData): void {
  const station = macvlanOf(dev);
  const mode = data['mode'] === undefined ? station.mode : MODES[String(data['mode']) as Mode];
  if (mode !== station.mode) {
    if (mode === PASSTHRU || station.mode === PASSTHRU) throw new KernelError('EINVAL');
    if (station.mode === SOURCE) station.sources.clear();
    station.mode = mode;
  }
  if (data['flags'] !== undefined) {
    const names = String(data['flags']).split(',');
    const flags =
      (names.includes('nopromisc') ? FLAG_NOPROMISC : 0) |
      (names.includes('nodst') ? FLAG_NODST : 0);
    const changed = (flags ^ station.flags) & FLAG_NOPROMISC;
    if (changed !== 0 && !station.port.passthru) throw new KernelError('EINVAL');
    if (changed !== 0 && dev.up)
      devSetPromiscuity(station.port.lower, (flags & FLAG_NOPROMISC) !== 0 ? -1 : 1);
    station.flags = flags;
  }
  if (data['bcqueuelen'] !== undefined) station.bcQueueLen = Number(data['bcqueuelen']);
  if (data['macaddr_mode'] !== undefined)
    changeSources(station, String(data['macaddr_mode']), String(data['macaddr_data'] ?? ''));
}

/** The real device below, where the one named is a station itself. */
function lowerOf(dev: NetDevice): NetDevice {
  return dev.ops === macvlanOps ? macvlanOf(dev).port.lower : dev;
}

/** @errno EINVAL, ENODEV, EBUSY. @kernel macvlan_common_newlink() */
function newlink(net: Net, name: string, request: LinkAdd, linkNet: Net): NetDevice {
  if (request.link === undefined) throw new KernelError('EINVAL');
  const named = linkNet.devByIndex(request.link);
  if (named === undefined) throw new KernelError('ENODEV');
  const lower = lowerOf(named);
  if (request.mtu !== undefined && request.mtu > lower.mtu) throw new KernelError('EINVAL');
  const known = portOf(lower);
  if (known === undefined) {
    if (lower.type !== 1 || (lower.flags & Iff.IFF_LOOPBACK) !== 0) throw new KernelError('EINVAL');
    if (lower.rxHandler !== null) throw new KernelError('EBUSY');
  }
  const mode = MODES[String(request.data?.['mode'] ?? 'vepa') as Mode];
  const port = known ?? new MacvlanPort(lower);
  if (port.passthru || (mode === PASSTHRU && port.stations.length > 0))
    throw new KernelError('EINVAL');

  const dev = new NetDevice(net, name, macvlanOps);
  dev.features = lower.features & Feature.HW_CSUM;
  dev.mtu = request.mtu ?? lower.mtu;
  dev.gsoMaxSize = lower.gsoMaxSize;
  dev.tsoMaxSize = lower.tsoMaxSize;
  dev.carrier = false;
  const station = new Macvlan(dev, port, mode);
  dev.priv = station;
  if (mode === PASSTHRU) {
    port.passthru = true;
    devAddrSet(dev, lower.address);
  } else devAddrSet(dev, request.address ?? randomMac(net.kernel));
  dev.addrAssignType = request.address === undefined ? 1 : 3;
  if (mode !== PASSTHRU && port.byAddress.has(macOf(dev))) throw new KernelError('EADDRINUSE');
  if (request.data !== undefined) {
    const { mode: _mode, ...rest } = request.data;
    changelink(dev, rest);
  }
  registerNetdevice(dev, request.ifindex ?? 0);
  lower.rxHandler = macvlanHandleFrame;
  lower.rxHandlerData = port;
  port.stations.push(station);
  if (mode !== PASSTHRU) port.byAddress.set(macOf(dev), station);
  return dev;
}

export const macvlanKind: LinkKind = { kind: 'macvlan', namePattern: 'macvlan%d', newlink };

/** Stations follow their lower device. @kernel macvlan_device_event() */
function onEvent(event: string, lower: NetDevice): void {
  const port = portOf(lower);
  if (port === undefined) return;
  for (const { dev } of [...port.stations]) {
    if (event === 'UP' || event === 'DOWN' || event === 'CHANGE') {
      if (dev.up) follow(dev);
    } else if (event === 'CHANGEMTU') {
      if (dev.mtu <= lower.mtu) continue;
      dev.mtu = lower.mtu;
      dev.kernel.modules.callNetdevNotifiers('CHANGEMTU', dev);
    } else if (event === 'CHANGEADDR') {
      if (!port.passthru) continue;
      devAddrSet(dev, lower.address);
      dev.kernel.modules.callNetdevNotifiers('CHANGEADDR', dev);
    } else if (event === 'UNREGISTER' && lower.unregistering) {
      devClose(dev);
      unregisterNetdevice(dev);
    }
  }
}

/** The kind and its events. */
export function macvlanRegister(modules: KernelModules): void {
  modules.addLinkKind(macvlanKind);
  modules.addNetdevNotifier(onEvent);
}
