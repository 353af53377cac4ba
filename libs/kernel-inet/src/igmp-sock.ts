/**
 * A socket's multicast groups and source filters: IP_ADD_MEMBERSHIP and its kin. Source: net/ipv4/igmp.c (ip_mc_join_group,
 * ip_mc_source, ip_mc_sf_allow), ip(7).
 */
import { Errno } from '@netloom/base';
import type { Net, NetDevice } from '@netloom/kernel-core';
import {
  igmpAddSources,
  igmpDelSources,
  igmpJoin,
  igmpLeave,
  MCAST_EXCLUDE,
  MCAST_INCLUDE,
} from './igmp.js';
import { InDevice } from './in-device.js';
import { ipv4Of, Ipv4Sysctl } from './ipv4-net.js';
import { ipRouteOutput } from './route-output.js';
import { ipv4IsMulticast } from './route.js';

/** One group of a socket. @kernel struct ip_mc_socklist */
export interface McMembership {
  readonly group: number;
  readonly ifindex: number;
  mode: number;
  sources: number[];
}

/** The device of a membership: the one named, that of the address, or that of the route. @kernel ip_mc_find_dev() */
function findDevice(net: Net, group: number, ifindex: number, address: number): NetDevice | null {
  if (ifindex !== 0) return net.devByIndex(ifindex) ?? null;
  if (address !== 0)
    return (
      net.devices.find((dev) => InDevice.of(dev)?.addresses.some((ifa) => ifa.local === address)) ??
      null
    );
  const rt = ipRouteOutput(net, { daddr: group, saddr: 0, oif: 0, tos: 0, mark: 0 });
  return typeof rt === 'number' ? null : rt.dev;
}

/** The groups of one socket, from the first on. */
export class McSocklist {
  readonly list: McMembership[] = [];

  constructor(private readonly net: Net) {}

  private find(group: number, ifindex: number): McMembership | undefined {
    return this.list.find((one) => one.group === group && one.ifindex === ifindex);
  }

  /** @errno EINVAL, ENODEV, EADDRINUSE, ENOBUFS. @kernel __ip_mc_join_group() */
  join(group: number, ifindex: number, address: number, mode: number = MCAST_EXCLUDE): number {
    if (!ipv4IsMulticast(group)) return -Errno.EINVAL;
    const dev = findDevice(this.net, group, ifindex, address);
    if (dev === null || InDevice.of(dev) === null) return -Errno.ENODEV;
    if (this.find(group, dev.ifindex) !== undefined) return -Errno.EADDRINUSE;
    const most = ipv4Of(this.net).sysctl(Ipv4Sysctl.igmp_max_memberships);
    if (this.list.length >= most) return -Errno.ENOBUFS;
    this.list.push({ group, ifindex: dev.ifindex, mode, sources: [] });
    igmpJoin(dev, group, mode);
    return 0;
  }

  /** @errno EADDRNOTAVAIL, ENODEV. @kernel ip_mc_leave_group() */
  leave(group: number, ifindex: number, address: number): number {
    const dev = findDevice(this.net, group, ifindex, address);
    const at = this.list.findIndex(
      (one) =>
        one.group === group &&
        (ifindex !== 0 ? one.ifindex === ifindex : dev === null || one.ifindex === dev.ifindex),
    );
    const entry = this.list[at];
    if (entry === undefined) return dev === null ? -Errno.ENODEV : -Errno.EADDRNOTAVAIL;
    this.list.splice(at, 1);
    this.drop(entry);
    return 0;
  }

  private drop(entry: McMembership): void {
    const dev = this.net.devByIndex(entry.ifindex);
    if (dev === undefined) return;
    igmpDelSources(dev, entry.group, entry.mode, entry.sources, false);
    igmpLeave(dev, entry.group);
  }

  leaveAll(): void {
    for (const entry of this.list.splice(0)) this.drop(entry);
  }

  /**
   * IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP (INCLUDE), IP_BLOCK_SOURCE, IP_UNBLOCK_SOURCE (EXCLUDE).
   * @errno EINVAL, ENODEV, EADDRNOTAVAIL, ENOBUFS. @kernel ip_mc_source()
   */
  source(add: boolean, mode: number, group: number, address: number, source: number): number {
    if (!ipv4IsMulticast(group)) return -Errno.EINVAL;
    const dev = findDevice(this.net, group, 0, address);
    if (dev === null) return -Errno.ENODEV;
    let entry = this.find(group, dev.ifindex);
    if (entry === undefined) {
      if (!add || mode !== MCAST_INCLUDE) return -Errno.EINVAL;
      const joined = this.join(group, dev.ifindex, 0, MCAST_INCLUDE);
      if (joined !== 0) return joined;
      entry = this.find(group, dev.ifindex) as McMembership;
    } else if (entry.mode !== mode) {
      if (entry.sources.length > 0 || mode === MCAST_INCLUDE) return -Errno.EINVAL;
      igmpAddSources(dev, group, mode, [], false);
      igmpDelSources(dev, group, entry.mode, [], false);
      entry.mode = mode;
    }
    const at = entry.sources.indexOf(source);
    if (!add) {
      if (at < 0) return -Errno.EADDRNOTAVAIL;
      if (entry.sources.length === 1 && mode === MCAST_INCLUDE)
        return this.leave(group, dev.ifindex, 0); // the last source was all there was of it
      entry.sources.splice(at, 1);
      igmpDelSources(dev, group, mode, [source], true);
      return 0;
    }
    if (at >= 0) return -Errno.EADDRNOTAVAIL;
    if (entry.sources.length >= ipv4Of(this.net).sysctl(Ipv4Sysctl.igmp_max_msf))
      return -Errno.ENOBUFS;
    entry.sources.push(source);
    igmpAddSources(dev, group, mode, [source], true);
    return 0;
  }

  /** Whether a packet is for this socket. @kernel ip_mc_sf_allow() */
  allows(group: number, source: number, ifindex: number, all: boolean): boolean {
    const entry = this.list.find((one) => one.group === group && one.ifindex === ifindex);
    if (entry === undefined) return all;
    const listed = entry.sources.includes(source);
    return entry.mode === MCAST_INCLUDE ? listed : !listed;
  }
}
