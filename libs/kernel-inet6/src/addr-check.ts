/**
 * Whether an address is this host's. Source: net/ipv6/addrconf.c ipv6_chk_addr(), anycast.c.
 */
import type { Net, NetDevice } from '@netloom/kernel-core';
import { in6Equal, in6IsLinkLocal, type In6Addr } from '@netloom/wire';
import { IFA_F_TENTATIVE } from './inet6-conf.js';
import { Inet6Dev, type Inet6Ifaddr } from './inet6-dev.js';

/** The entry of an address on a device, or undefined. */
export function ipv6GetIfaddr(dev: NetDevice, addr: In6Addr): Inet6Ifaddr | undefined {
  return Inet6Dev.of(dev)?.addresses.find((ifa) => in6Equal(ifa.addr, addr));
}

/**
 * Whether an address is one of ours and not tentative. Link-local ones must be the device's own where one is named;
 * others may be any device's. @kernel ipv6_chk_addr()
 */
export function ipv6ChkAddr(net: Net, addr: In6Addr, dev: NetDevice | null): boolean {
  const strict = in6IsLinkLocal(addr);
  for (const other of net.devices) {
    const idev = Inet6Dev.of(other);
    if (idev === null || (strict && dev !== null && other !== dev)) continue;
    for (const ifa of idev.addresses)
      if ((ifa.flags & IFA_F_TENTATIVE) === 0 && in6Equal(ifa.addr, addr)) return true;
  }
  return false;
}

/** Whether an address is an anycast address of this host; link-local ones on this device. @kernel ipv6_chk_acast_addr_src() */
export function ipv6ChkAcast(dev: NetDevice, addr: In6Addr): boolean {
  const own = (on: NetDevice): boolean =>
    (Inet6Dev.of(on)?.anycast ?? []).some((entry) => in6Equal(entry.addr, addr));
  return in6IsLinkLocal(addr) ? own(dev) : dev.net.devices.some(own);
}
