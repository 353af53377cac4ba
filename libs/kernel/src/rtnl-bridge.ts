/**
 * rtnetlink of the bridge family: forwarding entries of bridges and of devices that keep their own, VLANs of ports,
 * multicast groups. What a driver does with a request is its own affair (`NetDeviceOps.fdbAdd` and the like).
 * Sources: net/core/rtnetlink.c rtnl_fdb_add(), rtnl_fdb_dump(), ndo_dflt_fdb_add(); net/bridge/br_netlink.c.
 */
import { KernelError } from '@netloom/base';
import { devMulticast, devUnicast, type Net, type NetDevice } from '@netloom/kernel-core';
import { ARPHRD_ETHER } from '@netloom/wire';
import { groupAddresses } from './proc-multicast.js';
import { Nud, type MdbMsg, type NeighMsg, type NeighNew, type Rtnl } from '@netloom/sys';

const AF_BRIDGE = 7;
const NTF_SELF = 2;
const NTF_MASTER = 4;

function deviceOf(net: Net, ifindex: number): NetDevice {
  const dev = net.devByIndex(ifindex);
  if (dev === undefined) throw new KernelError('ENODEV', 'unknown ifindex');
  return dev;
}

function bridgePortMaster(dev: NetDevice): NetDevice | null {
  return dev.master?.ops.kind === 'bridge' ? dev.master : null;
}

function hexOf(lladdr: Uint8Array): string {
  return Array.from(lladdr, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(':', '').match(/../g) ?? [], (byte) =>
    Number.parseInt(byte, 16),
  );
}

function numberOf(lladdr: Uint8Array): number {
  return Number.parseInt(hexOf(lladdr), 16);
}

/** What a device without entries of its own shows: the addresses that it takes frames for. @kernel ndo_dflt_fdb_dump() */
function addressLists(dev: NetDevice): NeighMsg[] {
  const unicast = [...(dev.ucList?.keys() ?? [])].map((mac) => mac.toString(16).padStart(12, '0'));
  const groups = groupAddresses(dev).map(([text]) => text);
  if (dev.type !== ARPHRD_ETHER) return [];
  return [...unicast, ...groups].map((hex) => ({
    family: AF_BRIDGE,
    ifindex: dev.ifindex,
    lladdr: bytesOf(hex),
    state: Nud.NUD_PERMANENT,
    flags: NTF_SELF,
  }));
}

/** @kernel rtnl_fdb_dump() */
export function fdbDump(net: Net, request: Rtnl['RTM_GETNEIGH']['req']): NeighMsg[] {
  return net.devices.flatMap((dev) => {
    const master = bridgePortMaster(dev);
    if (request.ifindex !== undefined && request.ifindex !== dev.ifindex) return [];
    if (
      request.master !== undefined &&
      request.master !== master?.ifindex &&
      request.master !== dev.ifindex
    )
      return [];
    const entries = master?.ops.fdbDump?.(master, dev) ?? [];
    if (dev.ops.fdbDump === undefined) return [...entries, ...addressLists(dev)];
    const own = dev.ops.fdbDump(dev, dev);
    return dev.ops.kind === 'bridge'
      ? [...entries, ...addressLists(dev), ...own]
      : [...entries, ...own];
  });
}

function defaultFdb(dev: NetDevice, request: Omit<NeighNew, 'mode'>, by: 1 | -1): void {
  const lladdr = request.lladdr as Uint8Array;
  const state = request.state ?? 0;
  if (state !== 0 && (state & Nud.NUD_PERMANENT) === 0)
    throw new KernelError('EINVAL', 'default FDB implementation only supports local addresses');
  const group = ((lladdr[0] ?? 0) & 1) !== 0;
  const known = group
    ? dev.multicastList?.has(hexOf(lladdr)) === true
    : dev.ucList?.has(numberOf(lladdr)) === true;
  if (by > 0 && known) throw new KernelError('EEXIST');
  if (by < 0 && !known) throw new KernelError('ENOENT');
  if (group) devMulticast(dev, hexOf(lladdr), by);
  else devUnicast(dev, numberOf(lladdr), by);
}

function checkFdb(request: Omit<NeighNew, 'mode'>): void {
  if (request.ifindex === 0) throw new KernelError('EINVAL', 'invalid ifindex');
  if (request.lladdr?.length !== 6) throw new KernelError('EINVAL', 'invalid address');
}

/** `bridge fdb add|append|replace`. @errno EINVAL, EEXIST, EOPNOTSUPP. @kernel rtnl_fdb_add() */
export function fdbAdd(net: Net, request: NeighNew): void {
  checkFdb(request);
  const dev = deviceOf(net, request.ifindex);
  const flags = request.flags ?? 0;
  const master = bridgePortMaster(dev);
  let done = false;
  if ((flags === 0 || (flags & NTF_MASTER) !== 0) && master?.ops.fdbAdd !== undefined) {
    master.ops.fdbAdd(dev, request);
    done = true;
  }
  if ((flags & NTF_SELF) !== 0) {
    if (dev.ops.fdbAdd !== undefined) dev.ops.fdbAdd(dev, request);
    else defaultFdb(dev, request, 1);
    done = true;
  }
  if (!done) throw new KernelError('EOPNOTSUPP');
}

/** @errno ENOENT, EOPNOTSUPP. @kernel rtnl_fdb_del() */
export function fdbDelete(net: Net, request: Omit<NeighNew, 'mode'>): void {
  checkFdb(request);
  const dev = deviceOf(net, request.ifindex);
  const flags = request.flags ?? 0;
  const master = bridgePortMaster(dev);
  let done = false;
  if ((flags === 0 || (flags & NTF_MASTER) !== 0) && master?.ops.fdbDel !== undefined) {
    master.ops.fdbDel(dev, request);
    done = true;
  }
  if ((flags & NTF_SELF) !== 0) {
    if (dev.ops.fdbDel !== undefined) dev.ops.fdbDel(dev, request);
    else defaultFdb(dev, request, -1);
    done = true;
  }
  if (!done) throw new KernelError('EOPNOTSUPP');
}

/** @kernel br_vlan_rtm_dump() */
export function vlanDump(
  net: Net,
  request: Rtnl['RTM_GETVLAN']['req'],
): Rtnl['RTM_GETVLAN']['res'] {
  return net.devices.flatMap((dev) => {
    if (request.ifindex !== undefined && request.ifindex !== dev.ifindex) return [];
    const bridge = dev.ops.vlanDump !== undefined ? dev : bridgePortMaster(dev);
    return bridge?.ops.vlanDump?.(dev) ?? [];
  });
}

/** `bridge vlan add|del`. @errno ENODEV, EOPNOTSUPP, EINVAL. @kernel rtnl_bridge_setlink(), br_afspec() */
export function vlanChange(net: Net, request: Rtnl['RTM_NEWVLAN']['req'], adding: boolean): void {
  const dev = net.devByIndex(request.ifindex);
  if (dev === undefined) throw new KernelError('ENODEV', 'unknown ifindex');
  const bridge = request.self === true ? dev : bridgePortMaster(dev);
  if (bridge?.ops.vlanChange === undefined) throw new KernelError('EOPNOTSUPP');
  bridge.ops.vlanChange(dev, request, adding);
}

/** @kernel br_mdb_dump() */
export function mdbDump(net: Net, request: Rtnl['RTM_GETMDB']['req']): MdbMsg {
  const all = net.devices
    .filter((dev) => request.bridge === undefined || request.bridge === dev.ifindex)
    .flatMap((dev) => dev.ops.mdbDump?.(dev) ?? []);
  return {
    entries: all.flatMap(({ entries }) => entries),
    routers: all.flatMap(({ routers }) => routers),
  };
}

/** @errno EINVAL, EEXIST, ENOENT. @kernel rtnl_mdb_add(), rtnl_mdb_del() */
export function mdbChange(net: Net, request: Rtnl['RTM_NEWMDB']['req'], adding: boolean): void {
  const dev = net.devByIndex(request.bridge);
  if (dev === undefined) throw new KernelError('ENODEV', "Device doesn't exist");
  if (dev.ops.mdbChange === undefined)
    throw new KernelError('EOPNOTSUPP', 'Device does not support MDB operations');
  dev.ops.mdbChange(dev, request, adding);
}
