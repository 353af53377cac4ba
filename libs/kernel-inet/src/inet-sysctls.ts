/**
 * The sysctls of IPv4, ARP, ICMP and UDP as entries for /proc/sys, and the per-device directory net.ipv4.conf.
 * Source: net/ipv4/sysctl_net_ipv4.c, devinet.c inet_forward_change().
 */
import { KernelError } from '@netloom/base';
import { parseSysctlInt, parseSysctlInts, type Net, type SysctlEntry } from '@netloom/kernel-core';
import { fibFlushExceptions } from './fib-frontend.js';
import { Conf, InDevice, IPV4_CONF, type Ipv4ConfName } from './in-device.js';
import { IPV4_SYSCTLS, ipv4Of } from './ipv4-net.js';

function integer(name: string, index: number, min: number, max: number): SysctlEntry {
  return {
    path: `net/ipv4/${name}`,
    read: (net) => String(ipv4Of(net).sysctl(index)),
    write: (net, text) => {
      ipv4Of(net).setSysctl(index, parseSysctlInt(text, min, max));
      ipv4Of(net).genid++;
    },
  };
}

/** Fixed entries below net/ipv4. */
export const inetSysctls: readonly SysctlEntry[] = [
  ...IPV4_SYSCTLS.map(([name, , min, max], index) => integer(name, index, min, max)),
  {
    path: 'net/ipv4/ip_forward',
    read: (net) => String(ipv4Of(net).confAll[Conf.forwarding]),
    write: (net, text) => {
      ipv4SetConf(net, 'all', 'forwarding', parseSysctlInt(text));
    },
  },
  {
    path: 'net/ipv4/ip_local_port_range',
    read: (net) => ipv4Of(net).localPortRange.join('\t'),
    write: (net, text) => {
      const [low = 0, high = 0] = parseSysctlInts(text, 2, 1, 65535);
      if (low > high) throw new KernelError('EINVAL');
      ipv4Of(net).localPortRange = [low, high];
    },
  },
  {
    path: 'net/ipv4/ping_group_range',
    read: (net) => ipv4Of(net).pingGroupRange.join('\t'),
    write: (net, text) => {
      const [low = 1, high = 0] = parseSysctlInts(text, 2, 0, 4294967294);
      ipv4Of(net).pingGroupRange = low <= high ? [low, high] : [1, 0];
    },
  },
  {
    path: 'net/ipv4/route/flush',
    read: () => '',
    write: (net) => {
      fibFlushExceptions(net);
      ipv4Of(net).genid++;
    },
    mode: 0o200,
  },
];

/** Names below net/ipv4/conf/DEV. */
export const ipv4ConfNames: readonly Ipv4ConfName[] = IPV4_CONF.map(([name]) => name);

/** `all`, `default` and the devices. */
export function ipv4ConfDevices(net: Net): string[] {
  return [
    'all',
    'default',
    ...net.devices.filter((dev) => InDevice.of(dev) !== null).map((dev) => dev.name),
  ];
}

/** A value of net.ipv4.conf.DEV.NAME; undefined where there is no such device. */
export function ipv4GetConf(net: Net, dev: string, name: Ipv4ConfName): number | undefined {
  const ipv4 = ipv4Of(net);
  if (dev === 'all') return ipv4.confAll[Conf[name]];
  if (dev === 'default') return ipv4.confDefault[Conf[name]];
  const device = net.devByName(dev);
  return device === undefined ? undefined : InDevice.of(device)?.conf[Conf[name]];
}

/**
 * Sets net.ipv4.conf.DEV.NAME. Forwarding of `all` is forwarding of every device and of new ones.
 * @errno ENOENT
 */
export function ipv4SetConf(net: Net, dev: string, name: Ipv4ConfName, value: number): void {
  const ipv4 = ipv4Of(net);
  const index = Conf[name];
  if (dev === 'all') {
    ipv4.confAll = changed(ipv4.confAll, index, value);
    if (name === 'forwarding') {
      ipv4.confDefault = changed(ipv4.confDefault, index, value);
      for (const device of net.devices) InDevice.of(device)?.setConf(index, value);
    }
  } else if (dev === 'default') {
    ipv4.confDefault = changed(ipv4.confDefault, index, value);
  } else {
    const device = net.devByName(dev);
    const inDev = device === undefined ? null : InDevice.of(device);
    if (inDev === null) throw new KernelError('ENOENT');
    inDev.setConf(index, value);
  }
  ipv4.genid++;
}

function changed(values: Int32Array, index: number, value: number): Int32Array {
  const copy = values.slice(); // devices that follow the old defaults keep them
  copy[index] = value;
  return copy;
}
