/**
 * /sys/class/net: a directory a device, for the namespace of whoever reads. @kernel net/core/net-sysfs.c
 */
import { formatMac, KernelError } from '@netloom/base';
import {
  devClose,
  devOpen,
  parseSysctlInt,
  Stat,
  type KernelModules,
  type NetDevice,
  type SysfsAttribute,
  type SysfsGroups,
} from '@netloom/kernel-core';
import { pseudoDir, pseudoFile, type PseudoEntry, type PseudoFs } from '@netloom/kernel-tasks';
import { Iff } from '@netloom/sys';
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
  addr_assign_type: (dev) => String(dev.addrAssignType),
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
    if (mtu < dev.minMtu || (dev.maxMtu > 0 && mtu > dev.maxMtu)) throw new KernelError('EINVAL');
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

/** The directories that the driver brings, and the one of the device above. */
function extraDirs(dev: NetDevice): SysfsGroups {
  return { ...dev.ops.sysfs, ...dev.master?.ops.slaveSysfs };
}

function deviceDir(dev: NetDevice): PseudoEntry {
  return pseudoDir({
    list: () => [
      ...Object.keys(ATTRIBUTES),
      'queues',
      'statistics',
      ...Object.keys(extraDirs(dev)),
      ...(dev.ops.kind === 'bridge' ? ['brif'] : []),
    ],
    lookup: (_task, name) => {
      if (name === 'statistics') return statisticsDir(dev);
      if (name === 'queues') return queuesDir(dev);
      const group = extraDirs(dev)[name];
      if (group !== undefined) return attributesDir(dev, group);
      if (name === 'brif' && dev.ops.kind === 'bridge') return portsDir(dev);
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
  const rpsFlows = pseudoFile({
    read: () => `${dev.rpsFlowCount}\n`,
    write: (_writer, text) => {
      const count = parseSysctlInt(text, 0);
      // as many as the next power of two
      dev.rpsFlowCount = count === 0 ? 0 : 2 ** Math.ceil(Math.log2(count));
    },
  });
  const xpsCpus = pseudoFile({
    read: () => {
      if (dev.numTxQueues < 1) throw new KernelError('ENOENT');
      return `${cpuMaskText(dev.xpsCpus ?? [], dev.kernel.cpus)}\n`;
    },
    write: (_writer, text) => {
      const cpus = parseCpuMask(text, dev.kernel.cpus);
      dev.xpsCpus = cpus.length === 0 ? null : cpus;
    },
  });
  const queue = (files: Readonly<Record<string, PseudoEntry>>): PseudoEntry =>
    pseudoDir({ list: () => Object.keys(files), lookup: (_task, name) => files[name] });
  return pseudoDir({
    list: () => ['rx-0', 'tx-0'],
    lookup: (_task, name) =>
      name === 'rx-0'
        ? queue({ rps_cpus: rpsCpus, rps_flow_cnt: rpsFlows })
        : name === 'tx-0'
          ? queue({ xps_cpus: xpsCpus })
          : undefined,
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

/** A bridge's ports: links to their `brport` in Linux. */
function portsDir(bridge: NetDevice): PseudoEntry {
  const ports = (): NetDevice[] => bridge.net.devices.filter((dev) => dev.master === bridge);
  return pseudoDir({
    list: () => ports().map((port) => port.name),
    lookup: (_task, name) => {
      const port = ports().find((dev) => dev.name === name);
      const attributes = bridge.ops.slaveSysfs?.['brport'];
      return port === undefined || attributes === undefined
        ? undefined
        : attributesDir(port, attributes);
    },
  });
}

/** A driver's files. */
function attributesDir(
  dev: NetDevice,
  attributes: Readonly<Record<string, SysfsAttribute>>,
): PseudoEntry {
  return pseudoDir({
    list: () => Object.keys(attributes),
    lookup: (_task, name) => {
      const attribute = attributes[name];
      if (attribute === undefined) return undefined;
      const { show, store } = attribute;
      return pseudoFile({
        read: () => {
          const text = show(dev);
          return text === '' ? '' : `${text}\n`;
        },
        ...(store === undefined
          ? {}
          : {
              write: (_writer, text) => {
                store(dev, text.trim());
              },
            }),
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

export function registerSysClassNet(pseudo: PseudoFs, modules: KernelModules): void {
  pseudo.registerDir('/sys/class/net', {
    list: (task) => [
      ...netOf(task).devices.map((dev) => dev.name),
      ...modules.classNetFiles.keys(),
    ],
    lookup: (task, name) => {
      const file = modules.classNetFiles.get(name);
      if (file !== undefined)
        return pseudoFile({
          read: (reader) => `${file.show(netOf(reader))}\n`,
          write: (writer, text) => {
            file.store(netOf(writer), text.trim());
          },
        });
      const dev = netOf(task).devByName(name);
      return dev === undefined ? undefined : deviceDir(dev);
    },
  });
}
