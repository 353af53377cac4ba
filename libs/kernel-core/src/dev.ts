/**
 * Devices' lives: registering, going up and down, moving between namespaces, carrier, promiscuity.
 * Source: net/core/dev.c. Everything tells the notifiers and rtnetlink's listeners through one function.
 */
import { KernelError } from '@netloom/base';
import { Iff } from '@netloom/sys';
import { devUpdateOperstate, type NetDevice } from './net-device.js';
import type { Net } from './net.js';
import type { NetdevEvent } from './kernel.js';
import { qdiscRun } from './qdisc.js';

function notify(event: NetdevEvent, dev: NetDevice): void {
  dev.net.kernel.modules.callNetdevNotifiers(event, dev);
}

/** The kernel's rule for names: not empty, not `.` or `..`, at most 15 bytes, no slash, colon or blank. */
export function devValidName(name: string): boolean {
  return name !== '' && name.length <= 15 && name !== '.' && name !== '..' && !/[/:\s]/.test(name);
}

/** Fills in `veth%d` and the like. @errno ENFILE */
export function devAllocName(net: Net, pattern: string): string {
  if (!pattern.includes('%d')) return pattern;
  for (let i = 0; i < 32768; i++) {
    const name = pattern.replace('%d', String(i));
    if (net.devByName(name) === undefined) return name;
  }
  throw new KernelError('ENFILE');
}

/** Makes a device known to its namespace. @errno EEXIST, EINVAL. @kernel register_netdevice() */
export function registerNetdevice(dev: NetDevice, wantedIndex = 0): void {
  if (!devValidName(dev.name)) throw new KernelError('EINVAL');
  dev.net.addDevice(dev, wantedIndex);
  dev.registered = true;
  dev.operUnknown = dev.carrier;
  devUpdateOperstate(dev);
  notify('REGISTER', dev);
}

/** Takes a device down and away. @kernel unregister_netdevice() */
export function unregisterNetdevice(dev: NetDevice): void {
  if (!dev.registered) return;
  devClose(dev);
  dev.unregistering = true;
  if (dev.master !== null) devSetMaster(dev, null);
  notify('UNREGISTER', dev);
  dev.registered = false;
  dev.ops.uninit?.(dev);
  dev.qdisc?.reset();
  dev.net.removeDevice(dev);
}

/** IFF_UP. @errno what the driver says. @kernel dev_open() */
export function devOpen(dev: NetDevice): void {
  if (dev.up) return;
  const error = dev.ops.open?.(dev) ?? 0;
  if (error < 0) throw new KernelError(-error);
  dev.flags |= Iff.IFF_UP;
  dev.activated = true;
  devUpdateOperstate(dev);
  notify('UP', dev);
  notify('CHANGE', dev);
}

/** @kernel dev_close() */
export function devClose(dev: NetDevice): void {
  if (!dev.up) return;
  notify('GOING_DOWN', dev);
  dev.flags &= ~Iff.IFF_UP;
  dev.ops.stop?.(dev);
  dev.qdisc?.reset();
  devUpdateOperstate(dev);
  notify('DOWN', dev);
  notify('CHANGE', dev);
}

/** The driver found (or lost) its link. @kernel netif_carrier_on(), netif_carrier_off() */
export function netifCarrier(dev: NetDevice, on: boolean): void {
  if (dev.carrier === on) return;
  dev.carrier = on;
  dev.carrierChanges++;
  dev.operUnknown = false;
  devUpdateOperstate(dev);
  if (dev.registered) notify('CHANGE', dev);
}

/** The driver takes frames again. @kernel netif_wake_queue() */
export function netifWakeQueue(dev: NetDevice): void {
  dev.txStopped = false;
  if (dev.qdisc !== null) qdiscRun(dev.qdisc);
}

/** Counts users of promiscuous mode. @kernel dev_set_promiscuity() */
export function devSetPromiscuity(dev: NetDevice, by: number): void {
  const was = dev.promiscuity > 0;
  dev.promiscuity += by;
  if (was === dev.promiscuity > 0) return;
  if (dev.promiscuity > 0) dev.flags |= Iff.IFF_PROMISC;
  else dev.flags &= ~Iff.IFF_PROMISC;
  dev.net.kernel.printk(6, `${dev.name}: ${was ? 'left' : 'entered'} promiscuous mode`);
  notify('CHANGE', dev);
}

/** Counts users of the reception of all groups. @kernel dev_set_allmulti() */
export function devSetAllmulti(dev: NetDevice, by: number): void {
  const was = dev.allmulti > 0;
  dev.allmulti += by;
  if (was === dev.allmulti > 0) return;
  if (dev.allmulti > 0) dev.flags |= Iff.IFF_ALLMULTI;
  else dev.flags &= ~Iff.IFF_ALLMULTI;
  dev.net.kernel.printk(6, `${dev.name}: ${was ? 'left' : 'entered'} allmulticast mode`);
  notify('CHANGE', dev);
}

/** Takes frames for one more unicast address, or one less. @kernel dev_uc_add(), dev_uc_del() */
export function devUnicast(dev: NetDevice, address: number, by: 1 | -1): void {
  const list = (dev.ucList ??= new Map<number, number>());
  const users = (list.get(address) ?? 0) + by;
  if (users > 0) list.set(address, users);
  else list.delete(address);
  if (list.size === 0) dev.ucList = null;
}

/** Joins or leaves a multicast MAC address. */
export function devMulticast(dev: NetDevice, address: string, by: 1 | -1): void {
  const list = (dev.multicastList ??= new Map<string, number>());
  const users = (list.get(address) ?? 0) + by;
  if (users > 0) list.set(address, users);
  else list.delete(address);
}

/** Enslaves to an upper device, or frees. @errno EOPNOTSUPP and what the upper device says. */
export function devSetMaster(dev: NetDevice, master: NetDevice | null): void {
  const old = dev.master;
  if (old === master) return;
  if (old !== null) {
    const error = old.ops.delSlave?.(old, dev) ?? -95;
    if (error < 0) throw new KernelError(-error);
    dev.master = null;
    notify('CHANGEUPPER', dev);
  }
  if (master !== null) {
    if (master.ops.addSlave === undefined) throw new KernelError('EOPNOTSUPP');
    const error = master.ops.addSlave(master, dev);
    if (error < 0) throw new KernelError(-error);
    dev.master = master;
    notify('CHANGEUPPER', dev);
  }
  notify('CHANGE', dev);
}

/** Moves a device, down and without addresses, to another namespace. @errno EINVAL, EEXIST. @kernel dev_change_net_namespace() */
export function devChangeNetNamespace(dev: NetDevice, net: Net, newName?: string): void {
  if (dev.net === net) return;
  if (dev.ops.netnsLocal === true) {
    throw new KernelError('EINVAL', 'The interface netns is immutable');
  }
  if (net.devByName(newName ?? dev.name) !== undefined) throw new KernelError('EEXIST');
  devClose(dev);
  if (dev.master !== null) devSetMaster(dev, null);
  notify('UNREGISTER', dev);
  const ifindex = dev.ifindex;
  dev.net.removeDevice(dev);
  if (newName !== undefined) dev.name = newName;
  net.addDevice(dev, ifindex);
  notify('REGISTER', dev);
}
