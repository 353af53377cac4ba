/**
 * /proc/net/igmp, mcfilter and dev_mcast: the groups that devices listen to. Sources: net/ipv4/igmp.c igmp_mc_seq_show(),
 * igmp_mcf_seq_show(), net/core/net-procfs.c dev_mc_seq_show().
 */
import type { Net, NetDevice } from '@netloom/kernel-core';
import { IGMP_ALL_HOSTS, IgmpGroup, igmpOf, InDevice } from '@netloom/kernel-inet';
import type { PseudoFs } from '@netloom/kernel-tasks';
import { ARPHRD_ETHER } from '@netloom/wire';
import { netOf } from './host.js';

const ALL_HOSTS_MAC = '01005e000001';
const ARPHRD_IPGRE = 778;

/** An address as the machine stores it. */
function stored(address: number): string {
  const swapped =
    ((address & 0xff) << 24) |
    ((address & 0xff00) << 8) |
    ((address >>> 8) & 0xff00) |
    (address >>> 24);
  return (swapped >>> 0).toString(16).toUpperCase().padStart(8, '0');
}

/** The groups of a device that is up, newest first; 224.0.0.1 is always there. */
function groupsOf(dev: NetDevice): IgmpGroup[] {
  if (InDevice.of(dev) === null) return [];
  const joined = [...(igmpOf(dev)?.groups.values() ?? [])].reverse();
  if (!dev.up) return joined;
  const all = joined.find((entry) => entry.group === IGMP_ALL_HOSTS);
  if (all === undefined) return [...joined, new IgmpGroup(IGMP_ALL_HOSTS)];
  return [...joined.filter((entry) => entry !== all), all];
}

function igmp(net: Net): string {
  let text = 'Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n';
  for (const dev of net.devices) {
    const groups = groupsOf(dev);
    if (groups.length === 0) continue;
    const state = igmpOf(dev);
    text += `${dev.ifindex}\t${dev.name.padEnd(10)}: ${String(groups.length).padStart(5)} ${`V${state?.version ?? 3}`.padStart(7)}\n`;
    for (const { group, users, timer, reporter } of groups) {
      const running = timer?.pending === true;
      const left = running ? Math.round((timer.expires - dev.kernel.engine.now) / 1e7) : 0;
      const shown = users + (group === IGMP_ALL_HOSTS && state?.groups.has(group) === true ? 1 : 0);
      text +=
        `\t\t\t\t${stored(group)} ${String(shown).padStart(5)} ` +
        `${running ? 1 : 0}:${left.toString(16).toUpperCase().padStart(8, '0')}\t\t${reporter ? 1 : 0}\n`;
    }
  }
  return text;
}

const hex = (address: number): string => `0x${address.toString(16).padStart(8, '0')}`;

function mcfilter(net: Net): string {
  const line = (cells: readonly string[]): string => {
    const [idx = '', dev = '', mca = '', source = '', inc = '', exc = ''] = cells;
    return `${idx.padStart(3)} ${dev.padStart(6)} ${mca.padStart(10)} ${source.padStart(10)} ${inc.padStart(6)} ${exc.padStart(6)}\n`;
  };
  let text = line(['Idx', 'Device', 'MCA', 'SRC', 'INC', 'EXC']);
  for (const dev of net.devices)
    for (const entry of groupsOf(dev))
      for (const [address, source] of entry.sources ?? [])
        text += line([
          String(dev.ifindex),
          dev.name,
          hex(entry.group),
          hex(address),
          String(source.include),
          String(source.exclude),
        ]);
  return text;
}

/** The group addresses that a device listens to, as hexadecimal text with how many want each. */
export function groupAddresses(dev: NetDevice): (readonly [string, number])[] {
  const found: (readonly [string, number])[] = [];
  const v6 = [...(dev.groups6 ?? [])].map(
    ([low, users]) => [`3333${(low >>> 0).toString(16).padStart(8, '0')}`, users] as const,
  );
  if (dev.type === ARPHRD_ETHER) {
    const first = v6.findIndex(([text]) => text === '333300000001');
    if (first >= 0) found.push(...v6.splice(first, 1));
    if (dev.up && InDevice.of(dev) !== null) found.push([ALL_HOSTS_MAC, 1]);
    found.push(...v6);
  } else if (dev.type === ARPHRD_IPGRE && dev.broadcast.some((byte) => byte !== 0)) {
    const users = (dev.in6Dev === null ? 0 : 1) + groupsOf(dev).length;
    const remote = Array.from(dev.broadcast, (byte) => byte.toString(16).padStart(2, '0'));
    if (users > 0) found.push([remote.join(''), users]);
  }
  for (const [text, users] of dev.multicastList ?? [])
    found.push([text.replaceAll(':', ''), users]);
  return found;
}

function devMcast(net: Net): string {
  let text = '';
  for (const dev of net.devices)
    for (const [address, users] of groupAddresses(dev))
      text += `${String(dev.ifindex).padEnd(4)} ${dev.name.padEnd(15)} ${String(users).padEnd(5)} ${'0'.padEnd(5)} ${address}\n`;
  return text;
}

export function registerProcMulticast(pseudo: PseudoFs): void {
  const files: Readonly<Record<string, (net: Net) => string>> = {
    igmp,
    mcfilter,
    dev_mcast: devMcast,
  };
  for (const [name, render] of Object.entries(files))
    pseudo.registerFile(`/proc/net/${name}`, { read: (task) => render(netOf(task)) });
}
