/**
 * /proc/sys/net: the sysctls that subsystems declared, and the per-device directories.
 */
import { KernelError } from '@netloom/base';
import {
  parseSysctlInt,
  type KernelModules,
  type NeighParms,
  type Net,
  type NetDevice,
  type SysctlEntry,
} from '@netloom/kernel-core';
import {
  InDevice,
  ipv4ConfDevices,
  ipv4ConfNames,
  ipv4GetConf,
  ipv4Of,
  ipv4SetConf,
  type Ipv4ConfName,
} from '@netloom/kernel-inet';
import {
  Inet6Dev,
  ipv6ConfDevices,
  ipv6ConfNames,
  ipv6GetConf,
  ipv6Of,
  ipv6SetConf,
} from '@netloom/kernel-inet6';
import {
  pseudoDir,
  pseudoFile,
  type PseudoEntry,
  type PseudoFileSpec,
  type PseudoFs,
  type Task,
} from '@netloom/kernel-tasks';
import { netOf } from './host.js';

/** Registers everything below /proc/sys/net. */
export function registerProcSys(pseudo: PseudoFs, modules: KernelModules): void {
  const ofHost = new Map<string, Map<string, SysctlEntry>>();
  for (const entry of modules.sysctls) {
    if (entry.scope === undefined) {
      pseudo.registerFile(`/proc/sys/${entry.path}`, entryFile(entry, true));
      continue;
    }
    const slash = entry.path.lastIndexOf('/');
    const dir = entry.path.slice(0, slash);
    const files = ofHost.get(dir) ?? new Map<string, SysctlEntry>();
    ofHost.set(dir, files.set(entry.path.slice(slash + 1), entry));
  }
  for (const [dir, files] of ofHost) hostEntries(pseudo, `/proc/sys/${dir}`, files);
  perDevice(
    pseudo,
    '/proc/sys/net/ipv4/conf',
    (net) => ipv4ConfDevices(net),
    ipv4ConfNames,
    confFile,
  );
  perDevice(
    pseudo,
    '/proc/sys/net/ipv4/neigh',
    (net) => onlyDevices(ipv4ConfDevices(net)),
    Object.keys(NEIGH_FILES),
    (dev, name) => neighFile(NEIGH4, dev, name),
  );
  neighDefaults(pseudo, '/proc/sys/net/ipv4/neigh/default', NEIGH4);
  perDevice(
    pseudo,
    '/proc/sys/net/ipv6/conf',
    (net) => ipv6ConfDevices(net),
    ipv6ConfNames,
    conf6File,
  );
  perDevice(
    pseudo,
    '/proc/sys/net/ipv6/neigh',
    (net) => withoutAll(ipv6ConfDevices(net)),
    Object.keys(NEIGH_FILES),
    (dev, name) => neighFile(NEIGH6, dev, name),
  );
}

function entryFile(entry: SysctlEntry, writable: boolean): PseudoFileSpec {
  const write = writable ? entry.write : undefined;
  return {
    ...(entry.mode === 0o200 ? {} : { read: (task: Task) => `${entry.read(netOf(task))}\n` }),
    ...(write === undefined
      ? {}
      : {
          write: (task: Task, text: string): void => {
            write(netOf(task), text);
          },
        }),
    ...(entry.mode === undefined ? {} : { mode: entry.mode }),
  };
}

/** Entries that other namespaces than the first do not have, or may only read. */
function hostEntries(
  pseudo: PseudoFs,
  path: string,
  files: ReadonlyMap<string, SysctlEntry>,
): void {
  const first = (task: Task): boolean => netOf(task) === netOf(task).kernel.initNet;
  const seen = (task: Task, entry: SysctlEntry): boolean => entry.scope === 'shared' || first(task);
  pseudo.registerDir(path, {
    list: (task) => [...files].filter(([, entry]) => seen(task, entry)).map(([name]) => name),
    lookup: (task, name) => {
      const entry = files.get(name);
      return entry !== undefined && seen(task, entry)
        ? pseudoFile(entryFile(entry, first(task)))
        : undefined;
    },
  });
}

function perDevice(
  pseudo: PseudoFs,
  path: string,
  list: (net: Net) => string[],
  names: readonly string[],
  file: (dev: string, name: string) => PseudoEntry,
): void {
  pseudo.registerDir(path, {
    list: (task) => list(netOf(task)),
    lookup: (task, dev) =>
      list(netOf(task)).includes(dev)
        ? pseudoDir({
            list: () => names,
            lookup: (_task, name) => (names.includes(name) ? file(dev, name) : undefined),
          })
        : undefined,
  });
}

function confFile(dev: string, name: string): PseudoEntry {
  return pseudoFile({
    read: (task) => `${ipv4GetConf(netOf(task), dev, name as Ipv4ConfName) ?? 0}\n`,
    write: (task, text) => {
      ipv4SetConf(netOf(task), dev, name as Ipv4ConfName, parseSysctlInt(text));
    },
  });
}

/** What a packet of ordinary size is counted as where a queue's limit is given in packets. */
const UNRES_PACKET_BYTES = 2112;

/** net.ipv4.neigh.DEV: file name → field and nanoseconds, or 1, a unit. */
const NEIGH_FILES: Readonly<Record<string, readonly [keyof NeighParms, number]>> = {
  anycast_delay: ['anycastDelay', 1e7],
  app_solicit: ['appProbes', 1],
  base_reachable_time: ['baseReachableTime', 1e9],
  base_reachable_time_ms: ['baseReachableTime', 1e6],
  delay_first_probe_time: ['delayProbeTime', 1e9],
  gc_stale_time: ['gcStaletime', 1e9],
  interval_probe_time_ms: ['intervalProbeTime', 1e6],
  locktime: ['locktime', 1e7],
  mcast_resolicit: ['mcastReprobes', 1],
  mcast_solicit: ['mcastProbes', 1],
  proxy_delay: ['proxyDelay', 1e7],
  proxy_qlen: ['proxyQlen', 1],
  retrans_time: ['retransTime', 1e7],
  retrans_time_ms: ['retransTime', 1e6],
  ucast_solicit: ['ucastProbes', 1],
  unres_qlen: ['queueLenBytes', UNRES_PACKET_BYTES],
  unres_qlen_bytes: ['queueLenBytes', 1],
};

function onlyDevices(names: readonly string[]): string[] {
  return names.filter((name) => name !== 'all' && name !== 'default');
}

/** The parameters that new devices take over: only the first namespace shows them. */
function neighDefaults(pseudo: PseudoFs, path: string, family: NeighFamily): void {
  const first = (task: Task): boolean => netOf(task) === netOf(task).kernel.initNet;
  pseudo.registerDir(path, {
    list: (task) => (first(task) ? Object.keys(NEIGH_FILES) : []),
    lookup: (task, name) =>
      first(task) && name in NEIGH_FILES ? neighFile(family, 'default', name) : undefined,
  });
}

function withoutAll(names: readonly string[]): string[] {
  return names.filter((name) => name !== 'all');
}

/** Where a family keeps its neighbours' parameters: of the namespace, and of a device that has some. */
interface NeighFamily {
  of(net: Net): { neighDefault: NeighParms };
  device(dev: NetDevice): { neighParms: NeighParms } | null;
}

const NEIGH4: NeighFamily = { of: ipv4Of, device: (dev) => InDevice.of(dev) };
const NEIGH6: NeighFamily = { of: ipv6Of, device: (dev) => Inet6Dev.of(dev) };

function neighParms(family: NeighFamily, net: Net, dev: string): NeighParms {
  if (dev === 'default') return family.of(net).neighDefault;
  const device = net.devByName(dev);
  const found = device === undefined ? null : family.device(device);
  if (found === null) throw new KernelError('ENOENT');
  return found.neighParms;
}

function setNeighParms(family: NeighFamily, net: Net, dev: string, parms: NeighParms): void {
  if (dev === 'default') {
    family.of(net).neighDefault = parms;
    return;
  }
  const device = net.devByName(dev);
  const found = device === undefined ? null : family.device(device);
  if (found !== null) found.neighParms = parms;
}

function neighFile(family: NeighFamily, dev: string, name: string): PseudoEntry {
  const [field, unit] = NEIGH_FILES[name] as readonly [keyof NeighParms, number];
  const shown = name === 'unres_qlen' ? Math.ceil : Math.round;
  return pseudoFile({
    read: (task) => `${shown(neighParms(family, netOf(task), dev)[field] / unit)}\n`,
    write: (task, text) => {
      const net = netOf(task);
      const value = parseSysctlInt(text, 0) * unit;
      setNeighParms(family, net, dev, { ...neighParms(family, net, dev), [field]: value });
    },
  });
}

function conf6File(dev: string, name: string): PseudoEntry {
  return pseudoFile({
    read: (task) => `${ipv6GetConf(netOf(task), dev, name)}\n`,
    write: (task, text) => {
      ipv6SetConf(netOf(task), dev, name, text);
    },
  });
}
