/**
 * /sys/class/net: a directory a device, for the namespace of whoever reads. @kernel net/core/net-sysfs.c
 */
import { formatMac, KernelError } from '@netloom/base';
import { devClose, devOpen, parseSysctlInt, Stat, type NetDevice } from '@netloom/kernel-core';
import { pseudoDir, pseudoFile, type PseudoEntry, type PseudoFs } from '@netloom/kernel-tasks';
import { bridgeOf } from '@netloom/kernel-drivers';
import { Iff, type LinkInfoData } from '@netloom/sys';
import { netOf } from './host.js';

const OPERSTATES = [
  'unknown',
  'notpresent',
  'down',
  'lowerlayerdown',
  'testing',
  'dormant',
  'up',
] as const;

/** Attribute to its text, without the newline. */
const ATTRIBUTES: Readonly<Record<string, (dev: NetDevice) => string>> = {
  addr_assign_type: () => '3',
  addr_len: () => '6',
  address: (dev) => formatMac(dev.address),
  broadcast: (dev) => formatMac(dev.broadcast),
  carrier: (dev) => {
    if (!dev.up) throw new KernelError('EINVAL');
    return dev.carrier ? '1' : '0';
  },
  carrier_changes: (dev) => String(dev.carrierChanges),
  dev_id: () => '0x0',
  dev_port: () => '0',
  dormant: (dev) => {
    if (!dev.up) throw new KernelError('EINVAL');
    return '0';
  },
  flags: (dev) => `0x${(dev.flags & 0xffff).toString(16)}`,
  ifalias: (dev) => dev.alias ?? '',
  ifindex: (dev) => String(dev.ifindex),
  iflink: (dev) => String(dev.ops.link?.(dev)?.ifindex ?? dev.ifindex),
  link_mode: (dev) => String(dev.linkmode),
  mtu: (dev) => String(dev.mtu),
  netdev_group: (dev) => String(dev.group),
  operstate: (dev) => OPERSTATES[dev.operstate] ?? 'unknown',
  tx_queue_len: (dev) => String(dev.txqlen),
  type: (dev) => String(dev.type),
};

/** What may be written. */
const WRITERS: Readonly<Record<string, (dev: NetDevice, text: string) => void>> = {
  flags: (dev, text) => {
    const up = (parseSysctlInt(text) & Iff.IFF_UP) !== 0;
    if (up) devOpen(dev);
    else devClose(dev);
  },
  ifalias: (dev, text) => {
    dev.alias = text.replace(/\n$/, '') === '' ? undefined : text.replace(/\n$/, '');
  },
  mtu: (dev, text) => {
    const mtu = parseSysctlInt(text);
    if (mtu < dev.minMtu || mtu > dev.maxMtu) throw new KernelError('EINVAL');
    dev.mtu = mtu;
    dev.net.kernel.modules.callNetdevNotifiers('CHANGEMTU', dev);
  },
  tx_queue_len: (dev, text) => {
    dev.txqlen = parseSysctlInt(text, 0);
  },
};

/** File name below statistics → counter. */
const STATISTICS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(Stat).map(([name, index]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    index,
  ]),
);

function extraDirs(dev: NetDevice): readonly string[] {
  if (bridgeOf(dev) !== undefined) return ['bridge', 'brif'];
  return dev.master !== null && bridgeOf(dev.master) !== undefined ? ['brport'] : [];
}

function deviceDir(dev: NetDevice): PseudoEntry {
  return pseudoDir({
    list: () => [...Object.keys(ATTRIBUTES), 'queues', 'statistics', ...extraDirs(dev)],
    lookup: (_task, name) => {
      if (name === 'statistics') return statisticsDir(dev);
      if (name === 'queues') return queuesDir(dev);
      if (name === 'brport' && dev.master !== null && bridgeOf(dev.master) !== undefined)
        return portDir();
      const bridge = bridgeOf(dev);
      if (bridge !== undefined && name === 'bridge') return bridgeDir(dev);
      if (bridge !== undefined && name === 'brif') return portsDir(bridge.ports);
      const render = ATTRIBUTES[name];
      const write = WRITERS[name];
      if (render === undefined) return undefined;
      return pseudoFile({
        read: () => `${render(dev)}\n`,
        ...(write !== undefined
          ? {
              write: (_writer, text) => {
                write(dev, text);
              },
            }
          : {}),
      });
    },
  });
}

/** One receive queue, whose packets may be spread over CPUs. @kernel net-sysfs.c rx_queue_attrs */
function queuesDir(dev: NetDevice): PseudoEntry {
  const rpsCpus = pseudoFile({
    read: () => `${cpuMaskText(dev.rpsCpus ?? [], dev.kernel.cpus)}\n`,
    write: (_writer, text) => {
      const cpus = parseCpuMask(text, dev.kernel.cpus);
      dev.rpsCpus = cpus.length === 0 ? null : cpus;
    },
  });
  const queue = (file: string | undefined): PseudoEntry =>
    pseudoDir({
      list: () => (file === undefined ? [] : [file]),
      lookup: (_task, name) => (name === file ? rpsCpus : undefined),
    });
  return pseudoDir({
    list: () => ['rx-0', 'tx-0'],
    lookup: (_task, name) =>
      name === 'rx-0' ? queue('rps_cpus') : name === 'tx-0' ? queue(undefined) : undefined,
  });
}

/** CPUs as the kernel prints a mask: hexadecimal, 32 bits a group. @kernel cpumap_print_to_pagebuf() */
function cpuMaskText(chosen: readonly number[], cpus: number): string {
  const groups: string[] = [];
  for (let first = 0; first < cpus; first += 32) {
    const bits = Math.min(32, cpus - first);
    const mask = chosen
      .filter((cpu) => cpu >= first && cpu < first + bits)
      .reduce((sum, cpu) => sum + 2 ** (cpu - first), 0);
    groups.unshift(mask.toString(16).padStart(Math.ceil(bits / 4), '0'));
  }
  return groups.join(',');
}

/** @errno EINVAL, EOVERFLOW (a CPU that there is not). @kernel bitmap_parse() */
function parseCpuMask(text: string, cpus: number): number[] {
  const digits = text.trim();
  if (!/^[0-9a-f]+(,[0-9a-f]{1,8})*$/i.test(digits)) throw new KernelError('EINVAL');
  const chosen: number[] = [];
  digits
    .split(',')
    .reverse()
    .forEach((group, i) => {
      [...group].reverse().forEach((digit, place) => {
        for (let bit = 0; bit < 4; bit++) {
          if (((Number.parseInt(digit, 16) >> bit) & 1) !== 0)
            chosen.push(i * 32 + place * 4 + bit);
        }
      });
    });
  if (chosen.some((cpu) => cpu >= cpus)) throw new KernelError('EOVERFLOW');
  return chosen.sort((a, b) => a - b);
}

/** A bridge's ports; the entries are links to their `brport` in Linux. */
function portsDir(ports: readonly NetDevice[]): PseudoEntry {
  return pseudoDir({
    list: () => ports.map((port) => port.name),
    lookup: (_task, name) => (ports.some((port) => port.name === name) ? portDir() : undefined),
  });
}

/** What a bridge's port says of itself: without STP it always forwards. @kernel net/bridge/br_sysfs_if.c */
function portDir(): PseudoEntry {
  const values: Readonly<Record<string, string>> = { path_cost: '2', priority: '32', state: '3' };
  return pseudoDir({
    list: () => Object.keys(values),
    lookup: (_task, name) =>
      values[name] === undefined
        ? undefined
        : pseudoFile({ read: () => `${values[name] ?? ''}\n` }),
  });
}

/** What a bridge says of itself, read only. @kernel net/bridge/br_sysfs_br.c */
function bridgeDir(dev: NetDevice): PseudoEntry {
  const data = (): LinkInfoData => dev.ops.info?.(dev) ?? {};
  const names: Readonly<Record<string, string>> = {
    ageing_time: 'ageing_time',
    forward_delay: 'forward_delay',
    group_fwd_mask: 'group_fwd_mask',
    hello_time: 'hello_time',
    max_age: 'max_age',
    bridge_id: 'bridge_id',
    root_id: 'root_id',
    root_path_cost: 'root_path_cost',
    root_port: 'root_port',
    priority: 'priority',
    stp_state: 'stp_state',
    vlan_filtering: 'vlan_filtering',
  };
  return pseudoDir({
    list: () => Object.keys(names),
    lookup: (_task, name) => {
      const key = names[name];
      if (key === undefined) return undefined;
      return pseudoFile({
        read: () =>
          `${name === 'group_fwd_mask' ? `0x${Number(data()[key]).toString(16)}` : String(data()[key])}\n`,
      });
    },
  });
}

function statisticsDir(dev: NetDevice): PseudoEntry {
  return pseudoDir({
    list: () => Object.keys(STATISTICS),
    lookup: (_task, name) => {
      const index = STATISTICS[name];
      return index === undefined
        ? undefined
        : pseudoFile({ read: () => `${dev.stats[index] ?? 0}\n` });
    },
  });
}

export function registerSysClassNet(pseudo: PseudoFs): void {
  pseudo.registerDir('/sys/class/net', {
    list: (task) => netOf(task).devices.map((dev) => dev.name),
    lookup: (task, name) => {
      const dev = netOf(task).devByName(name);
      return dev === undefined ? undefined : deviceDir(dev);
    },
  });
}
