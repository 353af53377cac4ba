/**
 * A device's IPv6 half: its addresses, groups and the sysctls of net.ipv6.conf.DEV. @kernel include/net/if_inet6.h
 */
import type { Timer } from '@netloom/engine';
import type { NeighParms, NetDevice } from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import type { In6Addr } from '@netloom/wire';
import { Conf6 } from './inet6-conf.js';
import type { Mc6Device } from './mcast6.js';
import type { Fib6Info } from './fib6-table.js';
import type { Rt6Info } from './route6.js';

/** How far duplicate address detection is. */
export const IFA_STATE_PREDAD = 0;
export const IFA_STATE_DAD = 1;
export const IFA_STATE_POSTDAD = 2;
export const IFA_STATE_ERRDAD = 3;
export const IFA_STATE_DEAD = 4;

/** One address of a device. @kernel struct inet6_ifaddr */
export class Inet6Ifaddr {
  /** The other end's address, null where there is none. */
  peer: In6Addr | null = null;
  /** RT_SCOPE_* */
  scope = 0;
  flags = 0;
  state: number = IFA_STATE_PREDAD;
  /** Seconds from `tstamp`. */
  validLft = 0xffffffff;
  preferredLft = 0xffffffff;
  /** Made, and last changed (ns). */
  cstamp: number;
  tstamp: number;
  /** Metric of the prefix route, 0 for the usual. */
  metric = 0;
  proto = 0;
  /** Probes that duplicate address detection will still send. */
  dadProbes = 0;
  dadTimer: Timer | null = null;
  /** Nonce of the probes (RFC 7527), six bytes; null where not enhanced. */
  dadNonce: Uint8Array | null = null;
  /** How often a stable address was found in use. */
  stablePrivacyRetry = 0;
  /** The public address that a temporary one was made for. */
  ifpub: Inet6Ifaddr | null = null;
  regenCount = 0;
  /** The route that makes it local. */
  rt: Fib6Info | null = null;

  constructor(
    readonly idev: Inet6Dev,
    readonly addr: In6Addr,
    public prefixlen: number,
  ) {
    this.cstamp = this.tstamp = idev.dev.kernel.engine.now;
  }

  get tentative(): boolean {
    return (this.flags & 0x40) !== 0;
  }
}

export class Inet6Dev {
  /** Addresses in the order in which `ip addr` shows them: wider scopes first, newer before older. */
  readonly addresses: Inet6Ifaddr[] = [];
  private own = false;
  /** net.ipv6.conf.DEV.mtu: what IPv6 packets may have. */
  mtu6: number;
  /** Up, with carrier and set up for IPv6. @kernel IF_READY */
  ready = false;
  /** A router advertisement was seen, and its M and O flags. */
  raRcvd = false;
  raManaged = false;
  raOther = false;
  /** Identifier of the interface for stable addresses, and the secret that they are made from. */
  stableSecret: In6Addr | null = null;
  /** Group membership, made when the device first comes up. */
  mc: Mc6Device | null = null;
  /** Anycast addresses → users. */
  anycast: { readonly addr: In6Addr; users: number }[] | null = null;
  /** Router solicitations: how many were sent, the present interval (ns), the timer. */
  rsProbes = 0;
  rsInterval = 0;
  rsTimer: Timer | null = null;
  /** A route to whatever is on this link, for discovery's own packets. */
  onlinkRt: Rt6Info | null = null;
  /** Addresses for which this host answers (`ip neigh add proxy`). */
  proxies: In6Addr[] | null = null;
  dead = false;

  constructor(
    readonly dev: NetDevice,
    private values: Int32Array,
    /** net.ipv6.neigh.DEV. */
    public neighParms: NeighParms,
  ) {
    this.mtu6 = dev.mtu;
  }

  /** The sysctl values, by `Conf6`. */
  get conf(): Int32Array {
    return this.values;
  }

  /** One sysctl as it is shown: on `lo` there is nothing to detect and nobody to hide from. */
  confValue(index: number): number {
    const moot = index === Conf6.accept_dad || index === Conf6.use_tempaddr;
    if (moot && !this.own && (this.dev.flags & Iff.IFF_LOOPBACK) !== 0) return -1;
    return this.values[index] as number;
  }

  /** Follows new defaults where it followed the old ones, without values of its own. */
  follow(before: Int32Array, after: Int32Array): boolean {
    if (this.values !== before) return false;
    this.values = after;
    return true;
  }

  /** Changes one sysctl of this device. */
  setConf(index: number, value: number): void {
    if (!this.own) {
      this.values = Int32Array.from(this.values, (_, i) => this.confValue(i));
      this.own = true;
    }
    this.values[index] = value;
  }

  get forwarding(): boolean {
    return this.values[Conf6.forwarding] !== 0;
  }

  get disabled(): boolean {
    return this.values[Conf6.disable_ipv6] !== 0;
  }

  /** The configuration of a device that has one. */
  static of(dev: NetDevice): Inet6Dev | null {
    return dev.in6Dev as Inet6Dev | null;
  }
}
