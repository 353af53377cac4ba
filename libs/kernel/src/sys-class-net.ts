/**
 * /sys/class/net: a directory a device, for the namespace of whoever reads. @kernel net/core/net-sysfs.c
 */
import { formatMac, KernelError } from '@netloom/base';
import { devClose, devOpen, parseSysctlInt, Stat, type NetDevice } from '@netloom/kernel-core';
import { pseudoDir, pseudoFile, type PseudoEntry, type PseudoFs } from '@netloom/kernel-tasks';
import { Iff } from '@netloom/sys';
import { netOf } from './host.js';

const OPERSTATES = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'] as const;

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
  Object.entries(Stat).map(([name, index]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), index]),
);

function deviceDir(dev: NetDevice): PseudoEntry {
  return pseudoDir({
    list: () => [...Object.keys(ATTRIBUTES), 'statistics'],
    lookup: (_task, name) => {
      if (name === 'statistics') return statisticsDir(dev);
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

function statisticsDir(dev: NetDevice): PseudoEntry {
  return pseudoDir({
    list: () => Object.keys(STATISTICS),
    lookup: (_task, name) => {
      const index = STATISTICS[name];
      return index === undefined ? undefined : pseudoFile({ read: () => `${dev.stats[index] ?? 0}\n` });
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
