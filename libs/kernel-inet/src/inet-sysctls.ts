/**
 * The sysctls of IPv4, ARP, ICMP and UDP as entries for /proc/sys, and the per-device directory net.ipv4.conf.
 * Source: net/ipv4/sysctl_net_ipv4.c, devinet.c inet_forward_change().
 */
import { KernelError } from '@netloom/base';
import {
  FREE_BUFFER_PAGES,
  parseSysctlInt,
  parseSysctlInts,
  type Net,
  type SysctlEntry,
} from '@netloom/kernel-core';
import { fibFlushExceptions } from './fib-frontend.js';
import { Conf, InDevice, IPV4_CONF, type Ipv4ConfName } from './in-device.js';
import {
  HZ,
  IPV4_HOST_SYSCTLS,
  IPV4_SYSCTLS,
  Ipv4HostSysctl,
  ipv4HostSysctl,
  ipv4Of,
  Ipv4Sysctl,
  type Ipv4SysctlName,
} from './ipv4-net.js';

/** Buckets of UDP's table as a machine of a few gigabytes has them; a namespace that shares them shows them negated. */
const UDP_HASH_ENTRIES = 16384;
/** Pages that UDP may use: an eighth of the machine's, and three and six quarters around it. @kernel udp_init() */
function udpMemDefault(): readonly number[] {
  const limit = Math.max(Math.floor(FREE_BUFFER_PAGES / 8), 128);
  const low = Math.floor(limit / 4) * 3;
  return [low, limit, low * 2];
}

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

/** One that is written in milliseconds and kept in ticks. */
function milliseconds(name: Ipv4SysctlName): SysctlEntry {
  const tick = 1000 / HZ;
  return {
    path: `net/ipv4/${name}`,
    read: (net) => String(ipv4Of(net).sysctl(Ipv4Sysctl[name])),
    write: (net, text) => {
      ipv4Of(net).setSysctl(Ipv4Sysctl[name], Math.ceil(parseSysctlInt(text, 0) / tick) * tick);
    },
  };
}

/** The two thresholds of reassembly, each the other's bound. */
function fragThreshold(name: 'ipfrag_high_thresh' | 'ipfrag_low_thresh'): SysctlEntry {
  return {
    path: `net/ipv4/${name}`,
    read: (net) => String(ipv4Of(net).sysctl(Ipv4Sysctl[name])),
    write: (net, text) => {
      const ipv4 = ipv4Of(net);
      const value = parseSysctlInt(text, 0, Number.MAX_SAFE_INTEGER);
      const high = name === 'ipfrag_high_thresh';
      const other = ipv4.sysctl(
        high ? Ipv4Sysctl.ipfrag_low_thresh : Ipv4Sysctl.ipfrag_high_thresh,
      );
      if (high ? value < other : value > other) throw new KernelError('EINVAL');
      ipv4.setSysctl(Ipv4Sysctl[name], value);
    },
  };
}

/** A value that the first namespace has for the whole host. */
function ofHost([name, , min, max]: (typeof IPV4_HOST_SYSCTLS)[number]): SysctlEntry {
  return {
    path: `net/ipv4/${name}`,
    scope: 'host',
    read: (net) => String(ipv4HostSysctl(net, name)),
    write: (net, text) => {
      ipv4Of(net.kernel.initNet).setSysctl(Ipv4HostSysctl[name], parseSysctlInt(text, min, max));
    },
  };
}

/** `1-5,9` as ascending ranges. @errno EINVAL @kernel proc_do_large_bitmap() */
function parsePortRanges(text: string): readonly (readonly [number, number])[] | null {
  const ranges: [number, number][] = [];
  for (const part of text.trim().split(',')) {
    if (part.trim() === '') continue;
    const match = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part);
    if (match === null) throw new KernelError('EINVAL');
    const low = Number(match[1]);
    const high = match[2] === undefined ? low : Number(match[2]);
    if (low > 65535 || high > 65535 || low > high) throw new KernelError('EINVAL');
    ranges.push([low, high]);
  }
  ranges.sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const range of ranges) {
    const last = merged[merged.length - 1];
    if (last !== undefined && range[0] <= last[1] + 1) last[1] = Math.max(last[1], range[1]);
    else merged.push(range);
  }
  return merged.length === 0 ? null : merged;
}

const SPECIAL: ReadonlySet<string> = new Set([
  'icmp_ratelimit',
  'ipfrag_high_thresh',
  'ipfrag_low_thresh',
]);

/** Fixed entries below net/ipv4. */
export const inetSysctls: readonly SysctlEntry[] = [
  ...IPV4_SYSCTLS.map(([name, , min, max], index) => integer(name, index, min, max)).filter(
    ({ path }) => !SPECIAL.has(path.slice('net/ipv4/'.length)),
  ),
  milliseconds('icmp_ratelimit'),
  fragThreshold('ipfrag_high_thresh'),
  fragThreshold('ipfrag_low_thresh'),
  ...IPV4_HOST_SYSCTLS.map(ofHost),
  {
    path: 'net/ipv4/ip_local_reserved_ports',
    read: (net) =>
      (ipv4Of(net).reservedPorts ?? [])
        .map(([low, high]) => (low === high ? String(low) : `${low}-${high}`))
        .join(','),
    write: (net, text) => {
      ipv4Of(net).reservedPorts = parsePortRanges(text);
    },
  },
  {
    path: 'net/ipv4/udp_hash_entries',
    read: (net) => String(net === net.kernel.initNet ? UDP_HASH_ENTRIES : -UDP_HASH_ENTRIES),
    mode: 0o444,
  },
  {
    path: 'net/ipv4/udp_mem',
    scope: 'host',
    read: (net) => (ipv4Of(net.kernel.initNet).udpMem ?? udpMemDefault()).join('\t'),
    write: (net, text) => {
      ipv4Of(net.kernel.initNet).udpMem = parseSysctlInts(text, 3, 0, Number.MAX_SAFE_INTEGER);
    },
  },
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
