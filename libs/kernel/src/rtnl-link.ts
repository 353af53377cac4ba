/**
 * rtnetlink's link messages: what `ip link` shows, adds, changes and deletes. Source: net/core/rtnetlink.c.
 */
import { KernelError } from '@netloom/base';
import {
  devAllocName,
  devChangeNetNamespace,
  devClose,
  devOpen,
  devSetAllmulti,
  devSetMaster,
  devSetPromiscuity,
  devStats,
  devValidName,
  IF_OPER_DORMANT,
  IF_OPER_UNKNOWN,
  IF_OPER_UP,
  type LinkKind,
  type Net,
  type NetDevice,
  netifCarrier,
  unregisterNetdevice,
} from '@netloom/kernel-core';
import { arpChangeAddress } from '@netloom/kernel-inet';
import { Conf6, Inet6Dev, ipv6SetAddrGenMode } from '@netloom/kernel-inet6';
import { Iff, type LinkMsg, type Rtnl } from '@netloom/sys';
import { freeNsid, type RtnlContext } from './rtnl.js';

const IF_OPER_TESTING = 4;

/** addr_gen_mode by number, as `ip link` names them. */
const ADDR_GEN_MODES: readonly string[] = ['eui64', 'none', 'stable_secret', 'random'];

function addrGenMode(dev: NetDevice): Partial<LinkMsg> {
  const mode = Inet6Dev.of(dev)?.conf[Conf6.addr_gen_mode];
  const name = mode === undefined ? undefined : ADDR_GEN_MODES[mode];
  return name === undefined ? {} : { addrGenMode: name };
}

/** A device as rtnetlink shows it. */
export function linkMsg(dev: NetDevice): LinkMsg {
  const { net, ops } = dev;
  const lower = ops.link?.(dev);
  const flags =
    (dev.flags & ~(Iff.IFF_PROMISC | Iff.IFF_ALLMULTI | Iff.IFF_RUNNING | Iff.IFF_LOWER_UP)) |
    (dev.userAllmulti ? Iff.IFF_ALLMULTI : 0) |
    (dev.userPromisc ? Iff.IFF_PROMISC : 0) | // not where a bridge or a packet socket wants it
    (dev.up && (dev.operstate === IF_OPER_UP || dev.operstate === 0) && dev.carrier
      ? Iff.IFF_RUNNING
      : 0) |
    (dev.up && dev.carrier ? Iff.IFF_LOWER_UP : 0);
  return {
    ifindex: dev.ifindex,
    ifname: dev.name,
    type: dev.type,
    flags,
    mtu: dev.mtu,
    minMtu: dev.minMtu,
    maxMtu: dev.maxMtu,
    txqlen: dev.txqlen,
    qdisc: dev.activated ? (dev.qdisc?.kind ?? 'noqueue') : 'noop',
    operstate: dev.operstate,
    linkmode: dev.linkmode,
    group: dev.group,
    promiscuity: dev.promiscuity,
    allmulti: dev.allmulti,
    numTxQueues: dev.numTxQueues,
    numRxQueues: dev.numRxQueues,
    gsoMaxSize: dev.gsoMaxSize,
    gsoMaxSegs: dev.gsoMaxSegs,
    tsoMaxSize: dev.tsoMaxSize,
    tsoMaxSegs: 65535,
    groMaxSize: dev.groMaxSize,
    ...(dev.protoDown ? { protoDown: true } : {}),
    address: dev.address,
    broadcast: dev.broadcast,
    altnames: dev.altnames ?? [],
    carrierChanges: dev.carrierChanges,
    stats: devStats(dev),
    ...addrGenMode(dev),
    ...(dev.permAddress !== undefined ? { permAddress: dev.permAddress } : {}),
    ...(dev.alias !== undefined ? { alias: dev.alias } : {}),
    ...(lower !== undefined ? linkOf(net, lower) : {}),
    ...(ops.linkNet !== undefined ? linkNetOf(net, ops.linkNet(dev)) : {}),
    ...(dev.master !== null
      ? { master: dev.master.ifindex, slaveKind: dev.master.ops.kind ?? '', ...slaveData(dev) }
      : {}),
    ...(ops.kind !== undefined
      ? { kind: ops.kind, ...(ops.info !== undefined ? { data: ops.info(dev) } : {}) }
      : {}),
  };
}

function slaveData(dev: NetDevice): Partial<LinkMsg> {
  const data = dev.master?.ops.slaveInfo?.(dev.master, dev);
  return data === undefined ? {} : { slaveData: data };
}

function linkOf(net: Net, lower: NetDevice | null): Partial<LinkMsg> {
  if (lower === null) return { link: 0 };
  return { link: lower.ifindex, ...linkNetOf(net, lower.net) };
}

function linkNetOf(net: Net, other: Net): Partial<LinkMsg> {
  if (other === net) return {};
  let nsid = net.nsids.get(other);
  if (nsid === undefined) {
    nsid = freeNsid(net);
    net.nsids.set(other, nsid);
  }
  return { linkNetnsid: nsid };
}

function find(
  net: Net,
  request: { readonly ifindex?: number; readonly ifname?: string },
): NetDevice {
  const dev =
    request.ifindex !== undefined
      ? net.devByIndex(request.ifindex)
      : request.ifname !== undefined
        ? net.devByName(request.ifname)
        : undefined;
  if (dev === undefined) throw new KernelError('ENODEV');
  return dev;
}

export function linkGet({ net }: RtnlContext, request: Rtnl['RTM_GETLINK']['req']): LinkMsg[] {
  if (request.ifindex !== undefined || request.ifname !== undefined)
    return [linkMsg(find(net, request))];
  return net.devices
    .filter((dev) => request.master === undefined || dev.master?.ifindex === request.master)
    .filter((dev) => request.kind === undefined || dev.ops.kind === request.kind)
    .map(linkMsg);
}

/** @errno EEXIST, EOPNOTSUPP (unknown kind), EINVAL */
export function linkAdd({ net, netnsOf }: RtnlContext, request: Rtnl['RTM_NEWLINK']['req']): void {
  const kind = net.kernel.modules.linkKind(request.kind);
  if (kind === undefined) throw new KernelError('EOPNOTSUPP', 'Unknown device type');
  kind.load?.(net.kernel);
  const target = request.netns === undefined ? net : netnsOf(request.netns);
  const linkNet = request.linkNetns === undefined ? net : netnsOf(request.linkNetns);
  const peerNet = request.peer?.netns === undefined ? linkNet : netnsOf(request.peer.netns);
  checkNew(kind, request);
  const wanted = request.ifname ?? kind.namePattern ?? `${request.kind}%d`;
  const name = request.kind === 'veth' ? wanted : devAllocName(target, wanted);
  if (target.devByName(name) !== undefined) throw new KernelError('EEXIST');
  if ((request.ifindex ?? 0) > 0 && target.devByIndex(request.ifindex ?? 0) !== undefined)
    throw new KernelError('EEXIST');
  const dev = kind.newlink(target, name, request, peerNet);
  if (request.txqlen !== undefined) dev.txqlen = request.txqlen;
  if (request.numTxQueues !== undefined) dev.numTxQueues = request.numTxQueues;
  if (request.numRxQueues !== undefined) dev.numRxQueues = request.numRxQueues;
  if (request.group !== undefined) dev.group = request.group;
  if (request.broadcast !== undefined) dev.broadcast = request.broadcast.slice();
  if (request.alias !== undefined) dev.alias = request.alias;
  if (request.address !== undefined) dev.addrAssignType = 3;
  if (request.master !== undefined) devSetMaster(dev, find(target, { ifindex: request.master }));
  if (request.up === true) devOpen(dev);
}

/** What every kind is checked for. @kernel rtnl_create_link(), validate of ops */
function checkNew(kind: LinkKind, request: Rtnl['RTM_NEWLINK']['req']): void {
  const { address, mtu } = request;
  if (address?.length === 6 && (((address[0] ?? 0) & 1) !== 0 || address.every((b) => b === 0)))
    throw new KernelError('EADDRNOTAVAIL');
  if (request.numTxQueues === 0 || (request.numTxQueues ?? 1) > 4096)
    throw new KernelError('EINVAL', 'Invalid number of transmit queues');
  if (request.numRxQueues === 0 || (request.numRxQueues ?? 1) > 4096)
    throw new KernelError('EINVAL', 'Invalid number of receive queues');
  if (mtu !== undefined && mtu < (kind.minMtu ?? 68))
    throw new KernelError('EINVAL', 'mtu less than device minimum');
  if (mtu !== undefined && mtu > (kind.maxMtu ?? 65535))
    throw new KernelError('EINVAL', 'mtu greater than device maximum');
}

/** @errno ENODEV, EOPNOTSUPP (hardware) */
export function linkDelete({ net }: RtnlContext, request: Rtnl['RTM_DELLINK']['req']): void {
  const dev = find(net, request);
  if (dev.ops.kind === undefined) throw new KernelError('EOPNOTSUPP');
  if (dev.ops.dellink !== undefined) dev.ops.dellink(dev);
  else unregisterNetdevice(dev);
}

/** Changes in the kernel's order. @errno per attribute. @kernel do_setlink() */
export function linkSet({ net, netnsOf }: RtnlContext, request: Rtnl['RTM_SETLINK']['req']): void {
  const dev = find(net, request);
  const { modules } = net.kernel;
  if (request.address !== undefined && request.address.length > 0) dev.addrAssignType = 3;
  if (request.netns !== undefined)
    devChangeNetNamespace(dev, netnsOf(request.netns), request.newName);
  if (request.address !== undefined) setAddress(dev, request.address);
  if (request.mtu !== undefined) setMtu(dev, request.mtu);
  if (request.group !== undefined) dev.group = request.group;
  if (request.newName !== undefined && request.newName !== dev.name) {
    if (!devValidName(request.newName)) throw new KernelError('EINVAL');
    dev.net.renameDevice(dev, devAllocName(dev.net, request.newName));
    modules.callNetdevNotifiers('CHANGENAME', dev);
  }
  if (request.alias !== undefined) dev.alias = request.alias === '' ? undefined : request.alias;
  if (request.broadcast !== undefined) dev.broadcast = request.broadcast.slice();
  if (request.addAltname !== undefined) dev.net.addAltname(dev, request.addAltname);
  if (request.delAltname !== undefined) dev.net.removeAltname(dev, request.delAltname);
  if (request.master !== undefined)
    devSetMaster(dev, request.master === 0 ? null : find(dev.net, { ifindex: request.master }));
  if (request.kind !== undefined && request.data !== undefined) {
    if (dev.ops.kind !== request.kind || dev.ops.changelink === undefined)
      throw new KernelError('EOPNOTSUPP');
    dev.ops.changelink(dev, request.data);
  }
  if (request.slaveKind !== undefined && request.slaveData !== undefined) {
    if (dev.master?.ops.slaveChangelink === undefined) throw new KernelError('EOPNOTSUPP');
    dev.master.ops.slaveChangelink(dev.master, dev, request.slaveData);
  }
  if (request.txqlen !== undefined) dev.txqlen = request.txqlen;
  setOffloadSizes(dev, request);
  if (request.flagsMask !== undefined) setFlags(dev, request.flags ?? 0, request.flagsMask);
  if (request.addrGenMode !== undefined) setAddrGenMode(dev, request.addrGenMode);
  if (request.carrier !== undefined) setCarrier(dev, request.carrier);
  if (request.operstate !== undefined) setOperstate(dev, request.operstate);
  if (request.linkmode !== undefined) {
    if (dev.linkmode === 1 && request.linkmode === 0) dev.operUnknown = false;
    dev.linkmode = request.linkmode;
  }
  if (request.protoDown !== undefined) {
    if (dev.ops.changeProtoDown !== true)
      throw new KernelError('EOPNOTSUPP', 'Protodown not supported by device');
    dev.protoDown = request.protoDown;
    netifCarrier(dev, !request.protoDown && (dev.ops.link?.(dev)?.running ?? true));
  }
  if (dev.registered) modules.callNetdevNotifiers('CHANGE', dev);
}

function setAddress(dev: NetDevice, address: Uint8Array): void {
  if (address.length !== 6) throw new KernelError('EINVAL');
  if (dev.ops.setMacAddress === undefined) throw new KernelError('EOPNOTSUPP');
  if (((address[0] ?? 0) & 1) !== 0 || address.every((byte) => byte === 0))
    throw new KernelError('EADDRNOTAVAIL');
  const result = dev.ops.setMacAddress(dev, address);
  if (result < 0) throw new KernelError(-result);
  dev.net.kernel.modules.callNetdevNotifiers('CHANGEADDR', dev);
}

function setMtu(dev: NetDevice, mtu: number): void {
  if (mtu < dev.minMtu) throw new KernelError('EINVAL', 'mtu less than device minimum');
  if (dev.maxMtu > 0 && mtu > dev.maxMtu)
    throw new KernelError('EINVAL', 'mtu greater than device maximum');
  const result = dev.ops.changeMtu?.(dev, mtu) ?? 0;
  if (result < 0) throw new KernelError(-result);
  dev.mtu = mtu;
  dev.net.kernel.modules.callNetdevNotifiers('CHANGEMTU', dev);
}

const IFF_NOTRAILERS = 0x20;
const IFF_DYNAMIC = 0x8000;

function setFlags(dev: NetDevice, flags: number, mask: number): void {
  const plain =
    mask & (Iff.IFF_NOARP | Iff.IFF_DEBUG | Iff.IFF_MULTICAST | IFF_NOTRAILERS | IFF_DYNAMIC);
  const before = dev.flags;
  dev.flags = (dev.flags & ~plain) | (flags & plain);
  if (((before ^ dev.flags) & Iff.IFF_NOARP) !== 0) arpChangeAddress(dev); // entries were made by the other rule
  if (before !== dev.flags && dev.up) dev.net.kernel.modules.callNetdevNotifiers('CHANGE', dev);
  if ((mask & Iff.IFF_PROMISC) !== 0) {
    const wanted = (flags & Iff.IFF_PROMISC) !== 0;
    if (wanted !== dev.userPromisc) {
      dev.userPromisc = wanted;
      devSetPromiscuity(dev, wanted ? 1 : -1);
    }
  }
  if ((mask & Iff.IFF_ALLMULTI) !== 0) {
    const wanted = (flags & Iff.IFF_ALLMULTI) !== 0;
    if (wanted !== dev.userAllmulti) {
      dev.userAllmulti = wanted;
      devSetAllmulti(dev, wanted ? 1 : -1);
    }
  }
  if ((mask & Iff.IFF_UP) === 0) return;
  if ((flags & Iff.IFF_UP) !== 0) devOpen(dev);
  else devClose(dev);
}

/** User space may say UP or DORMANT of a device that is the other, and TESTING. @kernel set_operstate() */
function setOperstate(dev: NetDevice, transition: number): void {
  const now = dev.operstate;
  let state = now;
  if (transition === IF_OPER_UP) {
    if (now === IF_OPER_DORMANT || now === IF_OPER_TESTING || now === IF_OPER_UNKNOWN)
      state = IF_OPER_UP;
  } else if (transition === IF_OPER_TESTING) {
    if (now === IF_OPER_UP || now === IF_OPER_UNKNOWN) state = IF_OPER_TESTING;
  } else if (transition === IF_OPER_DORMANT) {
    if (now === IF_OPER_UP || now === IF_OPER_UNKNOWN) state = IF_OPER_DORMANT;
  }
  if (!dev.up) return;
  if (state === IF_OPER_UP) dev.operUnknown = false;
  dev.operstate = state;
}

/** @errno EINVAL. @kernel do_setlink(): IFLA_GSO_MAX_SIZE and its companions */
function setOffloadSizes(dev: NetDevice, request: Rtnl['RTM_SETLINK']['req']): void {
  const { gsoMaxSize, gsoMaxSegs, groMaxSize } = request;
  if (gsoMaxSize !== undefined) {
    if (gsoMaxSize > dev.tsoMaxSize) throw new KernelError('EINVAL', 'too big gso_max_size');
    dev.gsoMaxSize = gsoMaxSize;
  }
  if (gsoMaxSegs !== undefined) {
    if (gsoMaxSegs > 65535) throw new KernelError('EINVAL', 'too big gso_max_segs');
    dev.gsoMaxSegs = gsoMaxSegs;
  }
  if (groMaxSize !== undefined) {
    if (groMaxSize > 8 * 65535) throw new KernelError('EINVAL', 'too big gro_max_size');
    dev.groMaxSize = groMaxSize;
  }
}

/** IFLA_INET6_ADDR_GEN_MODE. @errno EAFNOSUPPORT, EINVAL */
function setAddrGenMode(dev: NetDevice, name: string): void {
  if (Inet6Dev.of(dev) === null) throw new KernelError('EAFNOSUPPORT');
  const mode = ADDR_GEN_MODES.indexOf(name);
  if (mode < 0) throw new KernelError('EINVAL');
  ipv6SetAddrGenMode(dev, mode);
}

function setCarrier(dev: NetDevice, on: boolean): void {
  if (dev.ops.kind !== 'dummy' && dev.ops.changeCarrier === undefined)
    throw new KernelError('EOPNOTSUPP');
  netifCarrier(dev, on);
}
