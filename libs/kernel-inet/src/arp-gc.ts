/**
 * The bounds of the ARP cache, which all namespaces of a host share: refusal past gc_thresh3, room made past gc_thresh2,
 * a sweep of old entries past gc_thresh1. arpCreate → this → arpRemove. Source: net/core/neighbour.c.
 */
import { Timer } from '@netloom/engine';
import {
  NEIGH_PARMS_DEFAULT,
  type Kernel,
  type Neighbour,
  type NetDevice,
} from '@netloom/kernel-core';
import { Nud } from '@netloom/sys';
import { arpRemove } from './arp.js';
import { InDevice } from './in-device.js';
import { ipv4HostSysctl, ipv4Of } from './ipv4-net.js';

/** Room is made at most so often while there is more than gc_thresh2. */
const GC_PAUSE_NS = 5e9;

/** Whether the cache takes one more entry, after making room where it is time to. @kernel neigh_alloc() */
export function arpHasRoom(dev: NetDevice): boolean {
  const { net } = dev;
  const tables = ipv4Of(net.kernel.initNet);
  const count = tables.neighCount;
  const most = ipv4HostSysctl(net, 'neigh/default/gc_thresh3');
  const { now } = net.kernel.engine;
  const crowded =
    count >= ipv4HostSysctl(net, 'neigh/default/gc_thresh2') &&
    now > tables.neighFlushed + GC_PAUSE_NS;
  if (count < most && !crowded) return true;
  const freed = forcedGc(net.kernel);
  return freed || count < most;
}

function collectable(neigh: Neighbour): boolean {
  return (neigh.nudState & Nud.NUD_PERMANENT) === 0 && (neigh.flags & NTF_EXT_LEARNED) === 0;
}

function entriesOf(kernel: Kernel): Neighbour[] {
  return kernel.nets.flatMap((net) =>
    net.devices.flatMap((dev) => [...(dev.neigh4?.values() ?? [])]),
  );
}

/** Makes room by dropping entries that are of no use; false when there is none. @kernel neigh_forced_gc() */
function forcedGc(kernel: Kernel): boolean {
  const tables = ipv4Of(kernel.initNet);
  tables.neighFlushed = kernel.engine.now;
  const surplus =
    tables.neighCount - ipv4HostSysctl(kernel.initNet, 'neigh/default/gc_thresh2') + 1;
  let freed = 0;
  for (const neigh of entriesOf(kernel)) {
    if (freed >= surplus) break;
    const idle =
      neigh.nudState === Nud.NUD_FAILED ||
      neigh.nudState === Nud.NUD_NOARP ||
      ((neigh.nudState & (Nud.NUD_INCOMPLETE | Nud.NUD_PROBE | Nud.NUD_DELAY)) === 0 &&
        neigh.now - neigh.used > GC_PAUSE_NS);
    if (!idle || !collectable(neigh)) continue;
    arpRemove(neigh);
    freed++;
  }
  return freed > 0;
}

/** Starts the sweep of old entries, which goes on while there are more than gc_thresh1. */
export function arpStartSweep(kernel: Kernel): void {
  const tables = ipv4Of(kernel.initNet);
  tables.neighSweep ??= new Timer(kernel.engine, () => {
    sweep(kernel);
  });
  if (!tables.neighSweep.pending) tables.neighSweep.set(kernel.engine.now + sweepPause(kernel));
}

function sweepPause(kernel: Kernel): number {
  return ipv4Of(kernel.initNet).neighDefault.baseReachableTime / 2;
}

/** @kernel neigh_periodic_work() */
function sweep(kernel: Kernel): void {
  const tables = ipv4Of(kernel.initNet);
  const least = ipv4HostSysctl(kernel.initNet, 'neigh/default/gc_thresh1');
  if (tables.neighCount < least) return;
  for (const neigh of entriesOf(kernel)) {
    if (!collectable(neigh) || (neigh.nudState & IN_TIMER) !== 0) continue;
    const age = neigh.now - Math.max(neigh.used, neigh.confirmed);
    if (
      neigh.nudState === Nud.NUD_FAILED ||
      age > (InDevice.of(neigh.dev)?.neighParms ?? NEIGH_PARMS_DEFAULT).gcStaletime
    )
      arpRemove(neigh);
  }
  if (tables.neighCount >= least) arpStartSweep(kernel);
}

/** States with a timer of their own. */
const IN_TIMER = Nud.NUD_INCOMPLETE | Nud.NUD_REACHABLE | Nud.NUD_DELAY | Nud.NUD_PROBE;

/** NTF_EXT_LEARNED: somebody else looks after the entry. */
const NTF_EXT_LEARNED = 0x10;
