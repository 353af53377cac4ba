/**
 * Which of this host's addresses a packet comes from. Sources: RFC 6724 §5, net/ipv6/addrconf.c ipv6_dev_get_saddr(),
 * addrlabel.c for the default labels.
 */
import type { Net, NetDevice } from '@netloom/kernel-core';
import {
  in6CommonBits,
  in6Equal,
  in6IsMulticast,
  In6Addr,
  in6PrefixEqual,
  IPV6_ADDR_ANY,
  IPV6_ADDR_LINKLOCAL,
  IPV6_ADDR_LOOPBACK,
  IPV6_ADDR_MULTICAST,
  IPV6_ADDR_SITELOCAL,
  ipv6AddrType,
} from '@netloom/wire';
import {
  Conf6,
  IFA_F_DEPRECATED,
  IFA_F_HOMEADDRESS,
  IFA_F_OPTIMISTIC,
  IFA_F_TEMPORARY,
  IFA_F_TENTATIVE,
  RT6_SCOPE_LINK,
} from './inet6-conf.js';
import { IPV6_PREFER_SRC_COA, IPV6_PREFER_SRC_PUBLIC, IPV6_PREFER_SRC_TMP } from './flow6.js';
import { Inet6Dev, type Inet6Ifaddr } from './inet6-dev.js';
import { ipv6Of } from './ipv6-net.js';

const SCOPE_LINKLOCAL = 2;
const SCOPE_SITELOCAL = 5;
const SCOPE_GLOBAL = 14;

/** The scope of an address as the numbers of multicast scopes. @kernel ipv6_addr_src_scope() */
export function ipv6AddrSrcScope(addr: In6Addr): number {
  if (in6IsMulticast(addr)) return (addr.w0 >>> 16) & 15;
  const type = ipv6AddrType(addr);
  if ((type & (IPV6_ADDR_LINKLOCAL | IPV6_ADDR_LOOPBACK)) !== 0) return SCOPE_LINKLOCAL;
  return (type & IPV6_ADDR_SITELOCAL) !== 0 ? SCOPE_SITELOCAL : SCOPE_GLOBAL;
}

/** Default policy (RFC 6724 §2.1, with the kernel's): prefix, its length, label; the longest match counts. */
const LABELS: readonly {
  readonly prefix: In6Addr;
  readonly length: number;
  readonly label: number;
}[] = [
  { prefix: new In6Addr(0, 0, 0, 1), length: 128, label: 0 },
  { prefix: new In6Addr(0, 0, 0xffff, 0), length: 96, label: 4 },
  { prefix: new In6Addr(0, 0, 0, 0), length: 96, label: 3 },
  { prefix: new In6Addr(0x20010000, 0, 0, 0), length: 32, label: 6 },
  { prefix: new In6Addr(0x20010010, 0, 0, 0), length: 28, label: 7 },
  { prefix: new In6Addr(0x3ffe0000, 0, 0, 0), length: 16, label: 12 },
  { prefix: new In6Addr(0x20020000, 0, 0, 0), length: 16, label: 2 },
  { prefix: new In6Addr(0xfec00000 | 0, 0, 0, 0), length: 10, label: 11 },
  { prefix: new In6Addr(0xfc000000 | 0, 0, 0, 0), length: 7, label: 5 },
  { prefix: new In6Addr(0, 0, 0, 0), length: 0, label: 1 },
];

/** @kernel ipv6_addr_label() */
export function ipv6AddrLabel(addr: In6Addr): number {
  for (const { prefix, length, label } of LABELS)
    if (in6PrefixEqual(addr, prefix, length)) return label;
  return 1;
}

/** Compares two candidates by the rules in turn; above zero where `b` is the better. */
function better(
  a: Inet6Ifaddr,
  b: Inet6Ifaddr,
  daddr: In6Addr,
  dev: NetDevice | null,
  prefs: number,
): number {
  // Rule 1: the destination itself.
  const same = Number(in6Equal(b.addr, daddr)) - Number(in6Equal(a.addr, daddr));
  if (same !== 0) return same;
  // Rule 2: the smallest scope that reaches.
  const wanted = ipv6AddrSrcScope(daddr);
  const reach = (ifa: Inet6Ifaddr): number => {
    const scope = ipv6AddrSrcScope(ifa.addr);
    return scope >= wanted ? -scope : scope - 128;
  };
  const scope = reach(b) - reach(a);
  if (scope !== 0) return scope;
  // Rule 3: not deprecated; an optimistic address is as good as a deprecated one.
  const fresh = (ifa: Inet6Ifaddr): number =>
    (ifa.flags & (IFA_F_DEPRECATED | IFA_F_OPTIMISTIC)) === 0 ? 1 : 0;
  if (fresh(b) !== fresh(a)) return fresh(b) - fresh(a);
  // Rule 4: home address.
  const home = (ifa: Inet6Ifaddr): number =>
    ((ifa.flags & IFA_F_HOMEADDRESS) !== 0) !== ((prefs & IPV6_PREFER_SRC_COA) !== 0) ? 1 : 0;
  if (home(b) !== home(a)) return home(b) - home(a);
  // Rule 5: of the outgoing device.
  const here = (ifa: Inet6Ifaddr): number => (dev === null || ifa.idev.dev === dev ? 1 : 0);
  if (here(b) !== here(a)) return here(b) - here(a);
  // Rule 6: the same label.
  const label = ipv6AddrLabel(daddr);
  const labelled = (ifa: Inet6Ifaddr): number => (ipv6AddrLabel(ifa.addr) === label ? 1 : 0);
  if (labelled(b) !== labelled(a)) return labelled(b) - labelled(a);
  // Rule 7: temporary or public, as was asked.
  const private_ = (ifa: Inet6Ifaddr): number => {
    const temporary =
      (prefs & (IPV6_PREFER_SRC_PUBLIC | IPV6_PREFER_SRC_TMP)) !== 0
        ? (prefs & IPV6_PREFER_SRC_TMP) !== 0
        : (ifa.idev.conf[Conf6.use_tempaddr] as number) >= 2;
    return ((ifa.flags & IFA_F_TEMPORARY) !== 0) === temporary ? 1 : 0;
  };
  if (private_(b) !== private_(a)) return private_(b) - private_(a);
  // Rule 8: the longest common prefix, as far as the address's own reaches.
  const common = (ifa: Inet6Ifaddr): number =>
    Math.min(in6CommonBits(ifa.addr, daddr), ifa.prefixlen);
  return common(b) - common(a);
}

/** @kernel ipv6_dev_get_saddr() */
export function ipv6DevGetSaddr(
  net: Net,
  dev: NetDevice | null,
  daddr: In6Addr,
  prefs: number,
): In6Addr | null {
  const type = ipv6AddrType(daddr);
  const onlyHere =
    dev !== null &&
    ((type & IPV6_ADDR_MULTICAST) !== 0 ||
      ipv6AddrSrcScope(daddr) <= SCOPE_LINKLOCAL ||
      Inet6Dev.of(dev)?.conf[Conf6.use_oif_addrs_only] === 1);
  let best: Inet6Ifaddr | null = null;
  for (const other of net.devices) {
    const idev = Inet6Dev.of(other);
    if (idev === null || (onlyHere && other !== dev)) continue;
    for (const ifa of idev.addresses) {
      if ((ifa.flags & IFA_F_TENTATIVE) !== 0 && (ifa.flags & IFA_F_OPTIMISTIC) === 0) continue;
      if (
        (ipv6AddrType(ifa.addr) & IPV6_ADDR_MULTICAST) !== 0 ||
        ipv6AddrType(ifa.addr) === IPV6_ADDR_ANY
      )
        continue;
      if (best === null || better(best, ifa, daddr, dev, prefs) > 0) best = ifa;
    }
  }
  return best === null ? null : best.addr;
}

/** The device's link-local address that has none of these flags, or null. @kernel ipv6_get_lladdr() */
export function ipv6GetLladdr(dev: NetDevice, banned: number): In6Addr | null {
  const idev = Inet6Dev.of(dev);
  if (idev === null) return null;
  for (let i = idev.addresses.length - 1; i >= 0; i--) {
    const ifa = idev.addresses[i] as Inet6Ifaddr;
    if (ifa.scope === RT6_SCOPE_LINK && (ifa.flags & banned) === 0) return ifa.addr;
  }
  return null;
}

/** Whether temporary addresses are in use on a device. */
export function usesTempaddr(net: Net, idev: Inet6Dev): boolean {
  return (
    (idev.conf[Conf6.use_tempaddr] as number) > 0 ||
    (ipv6Of(net).confAll[Conf6.use_tempaddr] as number) > 0
  );
}
