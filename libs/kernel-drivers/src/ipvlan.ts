/**
 * IPVLAN: further hosts behind one device's MAC address, told apart by their IPv4 addresses. In mode l2 each has its own
 * ARP and sends frames; in l3 and l3s packets are routed by the lower device's namespace.
 * lower device → ipvlanHandleFrame (rx_handler) → the slave with that address; slave → startXmit → another slave, or out.
 * Source: drivers/net/ipvlan/ipvlan_core.c, ipvlan_main.c. Differs: IPv6 addresses are not looked at; l3s is as l3.
 */
import { KernelError } from '@netloom/base';
import {
  devAddrSet,
  devClose,
  devQueueXmit,
  devTxStats,
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
  RX_HANDLER_PASS,
  skbPull,
  Stat,
  statAdd,
  unregisterNetdevice,
  type KernelModules,
  type LinkKind,
  type Net,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import { InDevice, ipLocalOut, ipRouteOutput } from '@netloom/kernel-inet';
import { Iff, type LinkAdd, type LinkInfoData } from '@netloom/sys';
import {
  ETH_HLEN,
  ETH_P_ARP,
  ETH_P_IP,
  ethDestHi,
  ethDestLo,
  iphDaddr,
  iphSaddr,
  iphTos,
} from '@netloom/wire';

const MODES = ['l2', 'l3', 'l3s'];
const GROUP_BIT = 0x100;
const ARP_LENGTH = 28;

class IpvlanPort {
  mode = 'l3';
  flags = 'bridge';
  readonly slaves: NetDevice[] = [];

  constructor(readonly lower: NetDevice) {}

  /** The slave with this address. @kernel ipvlan_addr_lookup() */
  lookup(address: number): NetDevice | undefined {
    return this.slaves.find((dev) =>
      InDevice.of(dev)?.addresses.some(({ local }) => local === address),
    );
  }
}

interface Ipvlan {
  readonly port: IpvlanPort;
}

const portOf = (dev: NetDevice): IpvlanPort => (dev.priv as Ipvlan).port;

/** The IPv4 address that a packet (at its network header) is for, or from; 0 where it has none. */
function addressIn(skb: SkBuff, at: number, protocol: number, dest: boolean): number {
  const length = skb.tail - at;
  if (protocol === ETH_P_IP && length >= 20)
    return dest ? iphDaddr(skb.mem, at) : iphSaddr(skb.mem, at);
  if (protocol === ETH_P_ARP && length >= ARP_LENGTH)
    return skb.mem.dv.getUint32(at + (dest ? 24 : 14));
  return 0;
}

function countRx(dev: NetDevice, length: number): void {
  statAdd(dev, Stat.rxPackets, 1);
  statAdd(dev, Stat.rxBytes, length);
}

/** Copies for every other slave. @kernel ipvlan_process_multicast() */
function deliverGroup(skb: SkBuff, port: IpvlanPort, from: NetDevice | null, hi: number): void {
  for (const dev of port.slaves) {
    if (dev === from || !dev.up) continue;
    const copy = skb.pool.clone(skb);
    copy.dev = dev;
    copy.pktType = hi === 0xffff ? PACKET_BROADCAST : PACKET_MULTICAST;
    countRx(dev, copy.len + ETH_HLEN);
    if (hi !== 0xffff) statAdd(dev, Stat.multicast, 1);
    netifRx(copy);
  }
}

/** A frame came in on the lower device (data behind the Ethernet header). @kernel ipvlan_handle_frame() */
function ipvlanHandleFrame(skb: SkBuff, lower: NetDevice): number {
  if (skb.pktType === PACKET_LOOPBACK) return RX_HANDLER_PASS;
  const port = lower.rxHandlerData as IpvlanPort;
  const hi = ethDestHi(skb.mem, skb.macHeader);
  if (port.mode === 'l2' && (hi & GROUP_BIT) !== 0) {
    const source = addressIn(skb, skb.data, skb.protocol, false);
    if (port.lookup(source) === undefined) deliverGroup(skb, port, null, hi);
    return RX_HANDLER_PASS;
  }
  const target = port.lookup(addressIn(skb, skb.data, skb.protocol, true));
  if (target?.up !== true) return RX_HANDLER_PASS;
  countRx(target, skb.len + ETH_HLEN);
  skb.dev = target;
  skb.pktType = PACKET_HOST;
  return RX_HANDLER_ANOTHER;
}

/** A frame (data at the Ethernet header) goes to another slave of the same device. @kernel ipvlan_rcv_frame() */
function deliverLocal(skb: SkBuff, to: NetDevice): void {
  if (!to.up) {
    to.kernel.kfreeSkbReason(skb, DropReason.DEV_READY);
    return;
  }
  skb.dst = null;
  skb.protocol = ethTypeTrans(skb, to);
  skb.pktType = PACKET_HOST;
  countRx(to, skb.len + ETH_HLEN);
  netifRx(skb);
}

/** Routes a packet in the lower device's namespace. @kernel ipvlan_process_v4_outbound() */
function routeOut(skb: SkBuff, dev: NetDevice, lower: NetDevice): boolean {
  skbPull(skb, ETH_HLEN);
  skb.networkHeader = skb.data;
  const rt = ipRouteOutput(lower.net, {
    daddr: iphDaddr(skb.mem, skb.data),
    saddr: iphSaddr(skb.mem, skb.data),
    anysrc: true,
    oif: lower.ifindex,
    tos: iphTos(skb.mem, skb.data) & 0x1e,
    mark: skb.mark,
  });
  if (typeof rt === 'number') {
    dev.kernel.kfreeSkbReason(skb, DropReason.IP_OUTNOROUTES);
    return false;
  }
  skb.dev = lower;
  skb.sk = null;
  return ipLocalOut(lower.net, skb, rt) >= 0;
}

/** @kernel ipvlan_queue_xmit() */
function startXmit(skb: SkBuff, dev: NetDevice): number {
  const port = portOf(dev);
  const { lower } = port;
  const length = skb.len;
  const m = skb.mem;
  const o = skb.data;
  const protocol = m.dv.getUint16(o + 12);
  const hi = ethDestHi(m, o);
  const vepa = port.flags === 'vepa';
  const target = vepa ? undefined : port.lookup(addressIn(skb, o + ETH_HLEN, protocol, true));
  let sent = true;
  if (port.mode !== 'l2') {
    if (target !== undefined && target !== dev) sent = local(skb, port, target);
    else if (protocol === ETH_P_IP) sent = routeOut(skb, dev, lower);
    else {
      dev.kernel.kfreeSkbReason(skb, DropReason.UNHANDLED_PROTO);
      sent = false;
    }
  } else if (!vepa && hi === lower.addrHi && ethDestLo(m, o) === lower.addrLo) {
    if (target !== undefined) sent = local(skb, port, target);
    else {
      skb.dst = null;
      skb.protocol = ethTypeTrans(skb, lower);
      netifRx(skb); // for the host that owns the device
    }
  } else {
    if (!vepa && (hi & GROUP_BIT) !== 0 && port.flags !== 'private') {
      skb.macHeader = o;
      skb.data += ETH_HLEN;
      skb.len -= ETH_HLEN;
      skb.protocol = protocol;
      deliverGroup(skb, port, dev, hi);
      skb.data -= ETH_HLEN;
      skb.len += ETH_HLEN;
    }
    skb.dst = null;
    skb.dev = lower;
    sent = devQueueXmit(skb) === NET_XMIT_SUCCESS;
  }
  if (sent) devTxStats(dev, length);
  else statAdd(dev, Stat.txDropped, 1);
  return NETDEV_TX_OK;
}

function local(skb: SkBuff, port: IpvlanPort, target: NetDevice): boolean {
  if (port.flags === 'private') {
    target.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return false;
  }
  deliverLocal(skb, target);
  return true;
}

function noArp(dev: NetDevice): void {
  if (portOf(dev).mode === 'l2') dev.flags &= ~Iff.IFF_NOARP;
  else dev.flags |= Iff.IFF_NOARP;
}

function changelink(dev: NetDevice, data: LinkInfoData): void {
  const port = portOf(dev);
  const mode = data['mode'];
  if (typeof mode === 'string' && MODES.includes(mode)) {
    port.mode = mode;
    for (const slave of port.slaves) if (slave.up) noArp(slave);
  }
  if (data['flags'] !== undefined) port.flags = String(data['flags']);
}

const ipvlanOps: NetDeviceOps = {
  driver: 'ipvlan',
  kind: 'ipvlan',
  dontBridge: true,
  startXmit,
  open: (dev) => {
    noArp(dev);
    return 0;
  },
  changeMtu: (dev, mtu) => (portOf(dev).lower.mtu < mtu ? -22 : 0),
  link: (dev) => portOf(dev).lower,
  changelink,
  info: (dev) => ({ mode: portOf(dev).mode, flags: portOf(dev).flags }),
  uninit: (dev) => {
    const port = portOf(dev);
    port.slaves.splice(port.slaves.indexOf(dev), 1);
    if (port.slaves.length > 0) return;
    port.lower.rxHandler = null;
    port.lower.rxHandlerData = null;
  },
};

/** @errno EINVAL, ENODEV, EBUSY. @kernel ipvlan_link_new() */
function newlink(net: Net, name: string, request: LinkAdd, linkNet: Net): NetDevice {
  if (request.link === undefined) throw new KernelError('EINVAL');
  const named = linkNet.devByIndex(request.link);
  if (named === undefined) throw new KernelError('ENODEV');
  const lower = named.ops === ipvlanOps ? portOf(named).lower : named;
  const known = lower.rxHandlerData instanceof IpvlanPort ? lower.rxHandlerData : undefined;
  if (known === undefined) {
    if (lower.type !== 1 || (lower.flags & Iff.IFF_LOOPBACK) !== 0) {
      lower.kernel.printk(3, `${lower.name}: Master is either lo or non-ether device`);
      throw new KernelError('EINVAL');
    }
    if (lower.rxHandler !== null) throw new KernelError('EBUSY');
  }
  const port = known ?? new IpvlanPort(lower);
  const dev = new NetDevice(net, name, ipvlanOps);
  dev.features = lower.features & Feature.HW_CSUM;
  dev.mtu = request.mtu ?? lower.mtu;
  dev.gsoMaxSize = lower.gsoMaxSize;
  dev.tsoMaxSize = lower.tsoMaxSize;
  devAddrSet(dev, lower.address);
  dev.addrAssignType = 2;
  dev.priv = { port } satisfies Ipvlan;
  registerNetdevice(dev, request.ifindex ?? 0);
  lower.rxHandler = ipvlanHandleFrame;
  lower.rxHandlerData = port;
  port.slaves.push(dev);
  changelink(dev, { mode: 'l3', ...request.data });
  return dev;
}

export const ipvlanKind: LinkKind = { kind: 'ipvlan', namePattern: 'ipvlan%d', newlink };

/** Slaves follow their lower device. @kernel ipvlan_device_event() */
function onEvent(event: string, lower: NetDevice): void {
  if (!(lower.rxHandlerData instanceof IpvlanPort)) return;
  for (const dev of [...lower.rxHandlerData.slaves]) {
    if (event === 'UP' || event === 'DOWN' || event === 'CHANGE') {
      netifCarrier(dev, lower.up && lower.carrier);
    } else if (event === 'CHANGEMTU') {
      dev.mtu = lower.mtu;
      dev.kernel.modules.callNetdevNotifiers('CHANGEMTU', dev);
    } else if (event === 'CHANGEADDR') {
      devAddrSet(dev, lower.address);
      dev.kernel.modules.callNetdevNotifiers('CHANGEADDR', dev);
    } else if (event === 'UNREGISTER' && lower.unregistering) {
      devClose(dev);
      unregisterNetdevice(dev);
    }
  }
}

/** The kind and its events. */
export function ipvlanRegister(modules: KernelModules): void {
  modules.addLinkKind(ipvlanKind);
  modules.addNetdevNotifier(onEvent);
}
