/**
 * The neighbour cache of IPv6: entries by address, a table a device. The states are kernel-core's; what they mean on the
 * wire is ndisc-solicit's. Sources: net/ipv6/ndisc.c ndisc_constructor(), net/core/neighbour.c.
 */
import { Neighbour, type NeighOps, type NetDevice } from '@netloom/kernel-core';
import { AF_INET6, Iff, Nud, type NeighMsg } from '@netloom/sys';
import { in6Bytes, in6Equal, in6Hash, in6IsMulticast, type In6Addr } from '@netloom/wire';
import { Inet6Dev } from './inet6-dev.js';
import { ipv6Of, NEIGH6_PARMS_DEFAULT } from './ipv6-net.js';
import { ndiscErrorReport, ndiscSolicit } from './ndisc-solicit.js';

/** net.ipv6.neigh.default.gc_thresh3. */
const GC_THRESH3 = 1024;

export const NTF_PROXY = 0x08;
export const NTF_ROUTER = 0x80;

/** The neighbours of one device; entries of the same hash hang on each other. */
class Neigh6Table {
  readonly buckets = new Map<number, Neighbour>();
}

function tableOf(dev: NetDevice): Neigh6Table | null {
  return dev.neigh6 as Neigh6Table | null;
}

const ndiscOps: NeighOps = {
  family: AF_INET6,
  solicit: ndiscSolicit,
  errorReport: ndiscErrorReport,
  notify: ndiscNotify,
  parms: (dev) => Inet6Dev.of(dev)?.neighParms ?? NEIGH6_PARMS_DEFAULT,
  random: (dev) => dev.kernel.random('neighbour6'),
};

/** An entry as rtnetlink shows it. */
export function neigh6Msg(neigh: Neighbour): NeighMsg {
  const age = (since: number): number => Math.floor((neigh.now - since) / 1e9);
  const known = (neigh.nudState & (Nud.NUD_INCOMPLETE | Nud.NUD_FAILED)) === 0;
  return {
    family: AF_INET6,
    ifindex: neigh.dev.ifindex,
    dst: in6Bytes(neigh.key as In6Addr),
    state: neigh.nudState,
    flags: neigh.flags,
    probes: neigh.probes,
    cacheinfo: {
      confirmed: age(neigh.confirmed),
      used: age(neigh.used),
      updated: age(neigh.updated),
      refcnt: neigh.queue?.length ?? 0,
    },
    ...(known ? { lladdr: neigh.lladdr } : {}),
  };
}

function ndiscNotify(neigh: Neighbour): void {
  if (neigh.nudState === Nud.NUD_INCOMPLETE || neigh.nudState === Nud.NUD_DELAY) return;
  const { net } = neigh.dev;
  if (net.rtnlListeners.size > 0) net.notify({ type: 'RTM_NEWNEIGH', neigh: neigh6Msg(neigh) });
}

/** The entry of an address, or null. */
export function ndiscLookup(dev: NetDevice, address: In6Addr): Neighbour | null {
  const table = tableOf(dev);
  if (table === null) return null;
  let neigh = table.buckets.get(in6Hash(address)) ?? null;
  while (neigh !== null && !in6Equal(neigh.key as In6Addr, address)) neigh = neigh.chain;
  return neigh;
}

/** The entry of an address, made where there is none; null when the cache is full. */
export function ndiscNeighbour(dev: NetDevice, address: In6Addr): Neighbour | null {
  return ndiscLookup(dev, address) ?? ndiscCreate(dev, address);
}

/** @kernel neigh_create(), ndisc_constructor() */
export function ndiscCreate(dev: NetDevice, address: In6Addr): Neighbour | null {
  const ipv6 = ipv6Of(dev.net);
  if (ipv6.neighCount >= GC_THRESH3 && !forcedGc(dev)) {
    dev.kernel.printk(6, 'neighbour: ndisc_cache: neighbor table overflow!');
    return null;
  }
  const neigh = new Neighbour(dev, address, ndiscOps);
  if (in6IsMulticast(address)) {
    neigh.nudState = Nud.NUD_NOARP;
    neigh.haHi = 0x3333; // RFC 2464 §7: 33:33 and the low 32 bits
    neigh.haLo = address.w3 >>> 0;
  } else if ((dev.flags & (Iff.IFF_NOARP | Iff.IFF_LOOPBACK)) !== 0) {
    neigh.nudState = Nud.NUD_NOARP;
    neigh.haHi = dev.addrHi;
    neigh.haLo = dev.addrLo;
  }
  const table = tableOf(dev) ?? new Neigh6Table();
  dev.neigh6 = table;
  const key = in6Hash(address);
  neigh.chain = table.buckets.get(key) ?? null;
  table.buckets.set(key, neigh);
  ipv6.neighCount++;
  return neigh;
}

/** The entries of a device. */
export function ndiscEntries(dev: NetDevice): Neighbour[] {
  const all: Neighbour[] = [];
  for (const first of tableOf(dev)?.buckets.values() ?? [])
    for (let neigh: Neighbour | null = first; neigh !== null; neigh = neigh.chain) all.push(neigh);
  return all;
}

/** Makes room by dropping entries that are of no use; false when there is none. */
function forcedGc(dev: NetDevice): boolean {
  let freed = 0;
  for (const other of dev.net.devices) {
    for (const neigh of ndiscEntries(other)) {
      const idle =
        neigh.nudState === Nud.NUD_FAILED ||
        neigh.nudState === Nud.NUD_NOARP ||
        (neigh.nudState === Nud.NUD_STALE && neigh.now - neigh.used > 5e9);
      if (!idle) continue;
      ndiscRemove(neigh);
      freed++;
    }
  }
  return freed > 0;
}

/** Takes an entry out of the cache. */
export function ndiscRemove(neigh: Neighbour): void {
  const table = tableOf(neigh.dev);
  const key = in6Hash(neigh.key as In6Addr);
  const first = table?.buckets.get(key);
  if (table === null || first === undefined) return;
  if (first === neigh) {
    if (neigh.chain === null) table.buckets.delete(key);
    else table.buckets.set(key, neigh.chain);
  } else {
    let before: Neighbour | null = first;
    while (before !== null && before.chain !== neigh) before = before.chain;
    if (before === null) return;
    before.chain = neigh.chain;
  }
  neigh.chain = null;
  const { net } = neigh.dev;
  ipv6Of(net).neighCount--;
  neigh.kill();
  if (net.rtnlListeners.size > 0) net.notify({ type: 'RTM_DELNEIGH', neigh: neigh6Msg(neigh) });
}

/** A device went down or away: its entries go, permanent ones only with the device. @kernel neigh_ifdown() */
export function ndiscDeviceDown(dev: NetDevice, unregister: boolean): void {
  for (const neigh of ndiscEntries(dev))
    if (unregister || neigh.nudState !== Nud.NUD_PERMANENT) ndiscRemove(neigh);
  if (unregister) dev.neigh6 = null;
}
