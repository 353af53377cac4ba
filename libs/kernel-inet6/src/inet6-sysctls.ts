/**
 * The sysctls of IPv6 as entries for /proc/sys, and the per-device directory net.ipv6.conf.
 * Sources: net/ipv6/sysctl_net_ipv6.c, addrconf.c addrconf_sysctl_*().
 */
import { KernelError } from '@netloom/base';
import { parseSysctlInt, type Net, type SysctlEntry } from '@netloom/kernel-core';
import { in6Parse, IPV6_MIN_MTU, type In6Addr } from '@netloom/wire';
import { addrconfAddrGen, addrconfDisable, joinAnycast, leaveAnycast } from './addrconf.js';
import { fib6FlushExceptions, fib6MtuChange, fib6PurgeDefaultRouters } from './fib6-frontend.js';
import {
  Conf6,
  IN6_ADDR_GEN_MODE_STABLE_PRIVACY,
  IPV6_CONF,
  type Ipv6ConfName,
} from './inet6-conf.js';
import { Inet6Dev } from './inet6-dev.js';
import { IPV6_SYSCTLS, ipv6Of } from './ipv6-net.js';
import { ipv6McInit, ipv6McRouters } from './mcast6.js';

function integer(name: string, index: number, min: number, max: number): SysctlEntry {
  return {
    path: `net/ipv6/${name}`,
    read: (net) => String(ipv6Of(net).sysctl(index)),
    write: (net, text) => {
      ipv6Of(net).setSysctl(index, parseSysctlInt(text, min, max));
      ipv6Of(net).genid++;
    },
  };
}

/** Fixed entries below net/ipv6. */
export const inet6Sysctls: readonly SysctlEntry[] = [
  ...IPV6_SYSCTLS.map(([name, , min, max], index) => integer(name, index, min, max)),
  {
    path: 'net/ipv6/icmp/ratemask',
    read: (net) => ipv6Of(net).icmpRatemask,
    write: (net, text) => {
      const mask = text.trim();
      if (mask !== '' && !/^\d{1,3}(-\d{1,3})?(,\d{1,3}(-\d{1,3})?)*$/.test(mask))
        throw new KernelError('EINVAL');
      ipv6Of(net).icmpRatemask = mask;
    },
  },
  {
    path: 'net/ipv6/route/flush',
    read: () => '',
    write: (net) => {
      fib6FlushExceptions(net);
    },
    mode: 0o200,
  },
];

/** Names below net/ipv6/conf/DEV. */
export const ipv6ConfNames: readonly string[] = [
  ...IPV6_CONF.map(([name]) => name),
  'stable_secret',
].sort();

/** `all`, `default` and the devices. */
export function ipv6ConfDevices(net: Net): string[] {
  return [
    'all',
    'default',
    ...net.devices.filter((dev) => Inet6Dev.of(dev) !== null).map((dev) => dev.name),
  ];
}

function deviceOf(net: Net, name: string): Inet6Dev {
  const dev = net.devByName(name);
  const idev = dev === undefined ? null : Inet6Dev.of(dev);
  if (idev === null) throw new KernelError('ENOENT');
  return idev;
}

function secretText(secret: In6Addr): string {
  const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
  const digits = hex(secret.w0) + hex(secret.w1) + hex(secret.w2) + hex(secret.w3);
  return (digits.match(/.{4}/g) ?? []).join(':');
}

/** A value of net.ipv6.conf.DEV.NAME as text. @errno ENOENT, EIO for a secret that is not set */
export function ipv6GetConf(net: Net, dev: string, name: string): string {
  const ipv6 = ipv6Of(net);
  if (name === 'stable_secret') {
    const secret =
      dev === 'all'
        ? ipv6.stableSecretAll
        : dev === 'default'
          ? ipv6.stableSecretDefault
          : deviceOf(net, dev).stableSecret;
    if (secret === null) throw new KernelError('EIO');
    return secretText(secret);
  }
  const index = Conf6[name as Ipv6ConfName];
  if (dev === 'all') return String(ipv6.confAll[index]);
  if (dev === 'default') return String(ipv6.confDefault[index]);
  const idev = deviceOf(net, dev);
  return String(name === 'mtu' ? idev.mtu6 : idev.confValue(index));
}

function changed(values: Int32Array, index: number, value: number): Int32Array {
  const copy = values.slice(); // devices that follow the old defaults keep them
  copy[index] = value;
  return copy;
}

/** Sets net.ipv6.conf.DEV.NAME from text. @errno ENOENT, EINVAL */
export function ipv6SetConf(net: Net, dev: string, name: string, text: string): void {
  if (name === 'stable_secret') return setSecret(net, dev, text);
  const conf = name as Ipv6ConfName;
  const value = parseValue(net, dev, conf, text);
  const ipv6 = ipv6Of(net);
  const index = Conf6[conf];
  const everywhere =
    conf === 'forwarding' || conf === 'disable_ipv6' || conf === 'ignore_routes_with_linkdown';
  if (dev === 'all') {
    const before = ipv6.confAll[index];
    ipv6.confAll = changed(ipv6.confAll, index, value);
    if (everywhere || conf === 'addr_gen_mode') {
      const old = ipv6.confDefault;
      ipv6.confDefault = changed(old, index, value);
      for (const device of net.devices) {
        const idev = Inet6Dev.of(device);
        if (idev !== null) setDevice(idev, conf, value, old);
      }
      if (conf === 'forwarding' && value !== 0 && before === 0) fib6PurgeDefaultRouters(net);
    }
  } else if (dev === 'default') {
    ipv6.confDefault = changed(ipv6.confDefault, index, value);
  } else {
    const idev = deviceOf(net, dev);
    const before = idev.conf[index];
    setDevice(idev, conf, value);
    if (conf === 'forwarding' && value !== 0 && before === 0) fib6PurgeDefaultRouters(net);
  }
  ipv6.genid++;
}

function parseValue(net: Net, dev: string, name: Ipv6ConfName, text: string): number {
  switch (name) {
    case 'hop_limit':
      return parseSysctlInt(text, 1, 255);
    case 'addr_gen_mode':
      return parseSysctlInt(text, 0, 3);
    case 'mtu':
      return dev === 'all' || dev === 'default'
        ? parseSysctlInt(text)
        : parseSysctlInt(text, IPV6_MIN_MTU, deviceOf(net, dev).dev.mtu);
    case 'ndisc_tclass':
      return parseSysctlInt(text, 0, 255);
    case 'accept_ra_min_lft':
    case 'ra_defrtr_metric':
      return parseSysctlInt(text, 0);
    case 'router_solicitations':
      return parseSysctlInt(text, -1);
    default:
      return parseSysctlInt(text);
  }
}

/**
 * A value of one device, and what comes of it.
 * @param old the defaults before they changed in the same way: who followed them shares the new ones
 */
function setDevice(
  idev: Inet6Dev,
  name: Ipv6ConfName,
  value: number,
  old: Int32Array | null = null,
): void {
  const { dev } = idev;
  const index = Conf6[name];
  const before = idev.conf[index] as number;
  if (name === 'mtu') {
    idev.mtu6 = value;
    fib6MtuChange(dev);
    return;
  }
  if (old === null || !idev.follow(old, ipv6Of(dev.net).confDefault)) idev.setConf(index, value);
  if ((before === 0) === (value === 0) && name !== 'addr_gen_mode') return;
  if (name === 'disable_ipv6') {
    addrconfDisable(dev, value !== 0);
  } else if (name === 'forwarding') {
    forwardChange(idev, value !== 0);
  } else if (
    name === 'addr_gen_mode' &&
    before !== value &&
    idev.ready &&
    dev !== dev.net.loopback
  ) {
    if (!idev.disabled) addrconfAddrGen(idev);
  }
}

/** @kernel dev_forward_change() */
function forwardChange(idev: Inet6Dev, on: boolean): void {
  if (!idev.disabled) ipv6McInit(idev, false);
  ipv6McRouters(idev.dev, on);
  for (const ifa of idev.addresses) {
    if (ifa.tentative) continue;
    if (on) joinAnycast(ifa);
    else leaveAnycast(ifa);
  }
}

/** A secret turns stable addresses on. @kernel addrconf_sysctl_stable_secret() */
function setSecret(net: Net, dev: string, text: string): void {
  const secret = in6Parse(text.trim());
  if (secret === undefined) throw new KernelError('EIO');
  const ipv6 = ipv6Of(net);
  if (dev === 'all') throw new KernelError('EIO');
  if (dev === 'default') {
    ipv6.stableSecretDefault = secret;
    const index = Conf6.addr_gen_mode;
    ipv6.confDefault = changed(ipv6.confDefault, index, IN6_ADDR_GEN_MODE_STABLE_PRIVACY);
    for (const device of net.devices)
      Inet6Dev.of(device)?.setConf(index, IN6_ADDR_GEN_MODE_STABLE_PRIVACY);
    return;
  }
  const idev = deviceOf(net, dev);
  idev.stableSecret = secret;
  idev.setConf(Conf6.addr_gen_mode, IN6_ADDR_GEN_MODE_STABLE_PRIVACY);
}
