/**
 * A network namespace: devices, counters, hooks, and a place for every protocol's tables. Nothing of a namespace lives
 * elsewhere. @kernel include/net/net_namespace.h
 */
import { KernelError, withInserted } from '@netloom/base';
import type { RtnlEvent } from '@netloom/sys';
import { CORE_NET_DEFAULTS } from './core-sysctls.js';
import type { Kernel } from './kernel.js';
import { MIB_SIZE } from './mib.js';
import { Mib6Counters } from './mib6.js';
import { NfHooks, type NfHookOps } from './netfilter.js';
import type { DeviceTap } from './device-tap.js';
import type { NetDevice } from './net-device.js';

export class Net {
  /** Inode of the namespace (what `readlink /proc/PID/ns/net` shows). */
  readonly inum: number;
  readonly mib = new Float64Array(MIB_SIZE);
  /** IPv6's counters. */
  readonly mib6 = new Mib6Counters();
  readonly nf = new NfHooks();
  /** Devices in the order of their ifindex. */
  devices: readonly NetDevice[] = [];
  /** Sees the packets of all devices (`tcpdump -i any`); null when none. */
  taps: DeviceTap | null = null;
  /** Namespace tables of the IPv4 layer, the IPv6 layer and the socket layers. */
  ipv4: object | null = null;
  ipv6: object | null = null;
  packet: object | null = null;
  unix: object | null = null;
  /** Integers of net.core that are the namespace's own, by `CoreNetSysctl`. */
  coreValues = CORE_NET_DEFAULTS;
  rpsDefaultMask = 0n;
  /** Socket cookies given out. */
  sockCookies = 0;
  /** Tunnels' tables. */
  tunnels: object | null = null;
  /** Other namespaces as this one numbers them. */
  private ids: Map<Net, number> | null = null;
  /** Who listens to rtnetlink events. */
  readonly rtnlListeners = new Set<(event: RtnlEvent) => void>();
  loopback!: NetDevice;
  private nextIfindex = 1;
  private readonly byIndex = new Map<number, NetDevice>();
  private readonly byName = new Map<string, NetDevice>();
  alive = true;

  constructor(readonly kernel: Kernel) {
    this.inum = kernel.nextNetInum();
  }

  devByName(name: string): NetDevice | undefined {
    return this.byName.get(name);
  }

  devByIndex(ifindex: number): NetDevice | undefined {
    return this.byIndex.get(ifindex);
  }

  /** By which numbers this namespace knows others. */
  get nsids(): Map<Net, number> {
    return (this.ids ??= new Map());
  }

  /** Lists a device under its name and an ifindex (kept where it is free). @errno EEXIST */
  addDevice(dev: NetDevice, wantedIndex = 0): void {
    if (this.byName.has(dev.name)) throw new KernelError('EEXIST');
    let ifindex = wantedIndex;
    if (ifindex === 0 || this.byIndex.has(ifindex)) {
      do ifindex = this.nextIfindex++;
      while (this.byIndex.has(ifindex));
    }
    dev.ifindex = ifindex;
    dev.net = this;
    this.byIndex.set(ifindex, dev);
    this.byName.set(dev.name, dev);
    let at = this.devices.length;
    while (at > 0 && (this.devices[at - 1] as NetDevice).ifindex > ifindex) at--;
    this.devices = withInserted(this.devices, at, dev);
  }

  removeDevice(dev: NetDevice): void {
    this.byIndex.delete(dev.ifindex);
    this.byName.delete(dev.name);
    for (const alt of dev.altnames ?? []) this.byName.delete(alt);
    this.devices = this.devices.filter((other) => other !== dev);
  }

  renameDevice(dev: NetDevice, name: string): void {
    if (this.byName.has(name)) throw new KernelError('EEXIST');
    this.byName.delete(dev.name);
    dev.name = name;
    this.byName.set(name, dev);
  }

  addAltname(dev: NetDevice, name: string): void {
    if (this.byName.has(name)) throw new KernelError('EEXIST');
    this.byName.set(name, dev);
    (dev.altnames ??= []).push(name);
  }

  removeAltname(dev: NetDevice, name: string): void {
    if (!(dev.altnames ?? []).includes(name)) throw new KernelError('ENOENT');
    this.byName.delete(name);
    dev.altnames = (dev.altnames ?? []).filter((other) => other !== name);
  }

  /** The hooks of an IPv4 point, null when there are none. */
  nf4(hook: number): NfHookOps[] | null {
    return this.nf.entries[hook] as NfHookOps[] | null;
  }

  /** The hooks of an IPv6 point, null when there are none. */
  nf6(hook: number): NfHookOps[] | null {
    return this.nf.entries[5 + hook] as NfHookOps[] | null;
  }

  notify(event: RtnlEvent): void {
    for (const listener of this.rtnlListeners) listener(event);
  }
}
