/**
 * A bond's watch over its slaves: by carrier every `miimon` milliseconds, or by ARP; who is the active one; what the
 * neighbours are told when that changes. Source: drivers/net/bonding/bond_main.c bond_mii_monitor(), bond_select_active_slave(),
 * bond_activebackup_arp_mon(), bond_loadbalance_arp_mon().
 */
import { Timer } from '@netloom/engine';
import {
  devAddrSet,
  devQueueXmit,
  LL_MAX_HEADER,
  netifCarrier,
  skbPut,
  type NetDevice,
} from '@netloom/kernel-core';
import { InDevice } from '@netloom/kernel-inet';
import {
  LINK_BACK,
  LINK_DOWN,
  LINK_FAIL,
  LINK_UP,
  MODE_8023AD,
  MODE_ACTIVEBACKUP,
  type Bond,
  type BondSlave,
} from './bond-state.js';

const MS = 1e6;
const ARP_LENGTH = 42;

function now(bond: Bond): number {
  return bond.dev.kernel.engine.now;
}

/** @kernel bond_set_carrier() */
export function bondSetCarrier(bond: Bond): void {
  if (bond.slaves.length > 0 && bond.lacp !== null && bond.mode === MODE_8023AD) {
    bond.lacp.setCarrier();
    return;
  }
  const up = bond.slaves.filter(({ link }) => link === LINK_UP).length;
  netifCarrier(bond.dev, up > 0);
}

/** @kernel bond_find_best_slave() */
function bestSlave(bond: Bond): BondSlave | null {
  const primary = bond.slaves.find(({ dev }) => dev.name === bond.primary);
  const { current } = bond;
  if (primary?.link === LINK_UP) {
    const reselect = bond.words.primary_reselect;
    if (current === null || current.link !== LINK_UP || reselect === 0) return primary;
    if (current === primary) return primary;
    return current; // better: all links are equally fast; failure: only when it fails
  }
  if (current !== null && current.link === LINK_UP) return current;
  let best: BondSlave | null = null;
  for (const slave of bond.slaves) {
    if (slave.link === LINK_UP) return slave;
    if (
      slave.link === LINK_BACK &&
      slave.dev.running &&
      (best === null || slave.delay < best.delay)
    )
      best = slave;
  }
  return best;
}

/** @kernel bond_select_active_slave() */
export function selectActiveSlave(bond: Bond): void {
  const best = bestSlave(bond);
  if (best !== bond.current) {
    changeActiveSlave(bond, best);
    if (best === null && bond.slaves.length > 0)
      bond.log(6, 'now running without any active interface!');
  }
  bondSetCarrier(bond);
}

/** @kernel bond_change_active_slave() */
export function changeActiveSlave(bond: Bond, slave: BondSlave | null): void {
  const old = bond.current;
  if (old === slave) return;
  if (slave !== null) {
    slave.lastUp = now(bond);
    if (slave.link === LINK_BACK) {
      slave.delay = 0;
      slave.link = LINK_UP;
      bond.lacp?.linkChanged(slave);
    }
    if (bond.usesPrimary) bond.log(6, 'making interface the new active one', slave);
  }
  bond.current = slave;
  if (bond.mode === MODE_ACTIVEBACKUP) {
    if (old !== null) old.active = false;
    if (slave !== null) {
      slave.active = true;
      failOverMac(bond, old, slave);
      if (bond.dev.up) {
        bond.peerNotify = bond.numbers.num_grat_arp;
        notifyPeers(bond);
      }
    }
  }
}

/** @kernel bond_do_fail_over_mac() */
function failOverMac(bond: Bond, old: BondSlave | null, slave: BondSlave): void {
  const { modules } = bond.dev.kernel;
  if (bond.words.fail_over_mac === 1) {
    devAddrSet(bond.dev, slave.dev.address);
    modules.callNetdevNotifiers('CHANGEADDR', bond.dev);
  } else if (bond.words.fail_over_mac === 2 && old !== null) {
    const mine = slave.permAddress;
    slave.dev.ops.setMacAddress?.(slave.dev, bond.dev.address);
    old.dev.ops.setMacAddress?.(old.dev, mine);
  }
}

/** Tells the neighbours where the bond's addresses are now; the rest with the next ticks. @kernel NETDEV_NOTIFY_PEERS */
function notifyPeers(bond: Bond): void {
  if (bond.peerNotify <= 0 || bond.current === null) return;
  bond.peerNotify--;
  for (const { local } of InDevice.of(bond.dev)?.addresses ?? [])
    sendArp(bond.dev, bond.current.dev, 1, local, local);
}

/** An ARP request (for 0 as sender a probe) out of one slave. */
function sendArp(
  bond: NetDevice,
  out: NetDevice,
  operation: number,
  sender: number,
  target: number,
): void {
  const { kernel } = bond;
  const skb = kernel.pool.alloc(ARP_LENGTH, LL_MAX_HEADER);
  if (skb === null) return;
  const frame = new Uint8Array(ARP_LENGTH);
  const view = new DataView(frame.buffer);
  frame.fill(0xff, 0, 6);
  frame.set(bond.address, 6);
  view.setUint16(12, 0x0806);
  frame.set([0, 1, 8, 0, 6, 4, 0, operation], 14);
  frame.set(bond.address, 22);
  view.setUint32(28, sender);
  view.setUint32(38, target);
  kernel.mem.u8.set(frame, skbPut(skb, ARP_LENGTH));
  skb.protocol = 0x0806;
  skb.packetId = kernel.pool.nextPacketId();
  skb.dev = out;
  devQueueXmit(skb);
}

/** Starts or stops the watch after a change of options, or when the bond goes up or down. @kernel bond_work_init_all(), bond_open() */
export function restartMonitor(bond: Bond): void {
  bond.monitor?.cancel();
  if (!bond.dev.up && !bond.dev.activated) return;
  const interval = bond.numbers.arp_interval > 0 ? bond.numbers.arp_interval : bond.numbers.miimon;
  if (interval === 0) return;
  bond.monitor ??= new Timer(bond.dev.kernel.engine, () => {
    tick(bond);
  });
  bond.monitor.set(now(bond) + interval * MS);
}

export function stopMonitor(bond: Bond): void {
  bond.monitor?.cancel();
}

function tick(bond: Bond): void {
  if (!bond.dev.up) return;
  const arp = bond.numbers.arp_interval;
  if (arp > 0) arpMonitor(bond);
  else miiMonitor(bond);
  notifyPeers(bond);
  bond.monitor?.set(now(bond) + (arp > 0 ? arp : bond.numbers.miimon) * MS);
}

/** `active `, `backup ` or nothing, for the log. */
function role(bond: Bond, slave: BondSlave): string {
  if (bond.mode !== MODE_ACTIVEBACKUP) return '';
  return slave.active ? 'active ' : 'backup ';
}

/** @kernel bond_mii_monitor(), bond_miimon_inspect() */
function miiMonitor(bond: Bond): void {
  const { miimon, updelay, downdelay } = bond.numbers;
  if (miimon === 0) return;
  const ignoreUpdelay = bond.current === null;
  let failover = false;
  for (const slave of bond.slaves) {
    const ok = slave.dev.running;
    if (slave.link === LINK_UP && !ok) {
      slave.link = LINK_FAIL;
      slave.delay = Math.floor(downdelay / miimon);
      if (slave.delay > 0)
        bond.log(
          6,
          `link status down for ${role(bond, slave)}interface, disabling it in ${downdelay} ms`,
          slave,
        );
    }
    if (slave.link === LINK_FAIL) {
      if (ok) {
        bond.log(
          6,
          `link status up again after ${(Math.floor(downdelay / miimon) - slave.delay) * miimon} ms`,
          slave,
        );
        slave.link = LINK_UP;
      } else if (slave.delay <= 0) failover = linkDown(bond, slave) || failover;
      else slave.delay--;
      continue;
    }
    if (slave.link === LINK_DOWN && ok) {
      slave.link = LINK_BACK;
      slave.delay = Math.floor(updelay / miimon);
      if (slave.delay > 0)
        bond.log(6, `link status up, enabling it in ${ignoreUpdelay ? 0 : updelay} ms`, slave);
    }
    if (slave.link === LINK_BACK) {
      if (!ok) {
        bond.log(
          6,
          `link status down again after ${(Math.floor(updelay / miimon) - slave.delay) * miimon} ms`,
          slave,
        );
        slave.link = LINK_DOWN;
        continue;
      }
      if (ignoreUpdelay) slave.delay = 0;
      if (slave.delay <= 0) failover = linkUp(bond, slave) || failover;
      else slave.delay--;
    }
  }
  if (failover) selectActiveSlave(bond);
  bondSetCarrier(bond);
}

function linkUp(bond: Bond, slave: BondSlave): boolean {
  slave.link = LINK_UP;
  slave.lastUp = now(bond);
  if (bond.mode === MODE_8023AD) slave.active = false;
  else if (!bond.usesPrimary || bond.isLb) slave.active = true;
  bond.log(6, 'link status definitely up, 10000 Mbps full duplex', slave);
  bond.lacp?.linkChanged(slave);
  return bond.current === null || slave.dev.name === bond.primary;
}

function linkDown(bond: Bond, slave: BondSlave): boolean {
  slave.link = LINK_DOWN;
  slave.failures++;
  if (bond.mode === MODE_ACTIVEBACKUP || bond.mode === MODE_8023AD) slave.active = false;
  bond.log(6, 'link status definitely down, disabling slave', slave);
  bond.lacp?.linkChanged(slave);
  return slave === bond.current;
}

/** The address of the bond that shares a subnet with the target, or its first one. */
function sourceFor(bond: Bond, target: number): number {
  const addresses = InDevice.of(bond.dev)?.addresses ?? [];
  const near = addresses.find(({ local, mask }) => ((local ^ target) & mask) === 0);
  return near?.local ?? addresses[0]?.local ?? 0;
}

function probe(bond: Bond, slave: BondSlave): void {
  slave.lastTx = now(bond);
  for (const target of bond.arpTargets)
    sendArp(bond.dev, slave.dev, 1, sourceFor(bond, target), target);
}

/** @kernel bond_activebackup_arp_mon(), bond_loadbalance_arp_mon() */
function arpMonitor(bond: Bond): void {
  const interval = bond.numbers.arp_interval * MS;
  const missed = bond.numbers.arp_missed_max;
  const within = (since: number, times: number): boolean =>
    now(bond) - since <= times * interval + interval / 2;
  let failover = false;
  for (const slave of bond.slaves) {
    if (slave.link !== LINK_UP) {
      if (within(slave.lastRx, 1) && slave.lastRx > 0 && slave.dev.running) {
        failover = linkUpArp(bond, slave) || failover;
      }
      continue;
    }
    if (within(slave.lastUp, 2)) continue; // time to answer
    const sends = bond.mode === MODE_ACTIVEBACKUP ? slave.active : true;
    const silent = !within(slave.lastRx, sends ? missed : missed + 1);
    if (silent || !slave.dev.running) failover = linkDownArp(bond, slave) || failover;
  }
  if (failover || (bond.usesPrimary && bond.current === null)) selectActiveSlave(bond);
  bondSetCarrier(bond);
  if (bond.mode !== MODE_ACTIVEBACKUP) {
    for (const slave of bond.slaves) if (slave.dev.running) probe(bond, slave);
    return;
  }
  if (bond.current !== null) {
    probe(bond, bond.current);
    return;
  }
  // nobody answers: one after the other is tried
  const at = bond.arpProbe === null ? -1 : bond.slaves.indexOf(bond.arpProbe);
  const next = bond.slaves
    .slice(at + 1)
    .concat(bond.slaves.slice(0, at + 1))
    .find(({ dev }) => dev.running);
  if (next === undefined) return;
  bond.arpProbe = next;
  next.active = true;
  probe(bond, next);
}

function linkUpArp(bond: Bond, slave: BondSlave): boolean {
  slave.link = LINK_UP;
  slave.lastUp = now(bond);
  bond.log(6, 'link status definitely up', slave);
  if (!bond.usesPrimary) slave.active = true;
  return bond.current === null || slave.dev.name === bond.primary;
}

function linkDownArp(bond: Bond, slave: BondSlave): boolean {
  slave.link = LINK_DOWN;
  slave.failures++;
  slave.active = false;
  bond.log(6, 'link status definitely down, disabling slave', slave);
  return slave === bond.current;
}
