/**
 * What a bond and its slaves remember, and a bond's options with their names and limits.
 * @kernel include/net/bonding.h struct bonding, slave; drivers/net/bonding/bond_options.c
 */
import type { Timer } from '@netloom/engine';
import type { NetDevice } from '@netloom/kernel-core';
import type { LacpBond, LacpPort } from './bond-lacp.js';

export const BOND_MODES = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
] as const;
export const MODE_ROUNDROBIN = 0;
export const MODE_ACTIVEBACKUP = 1;
export const MODE_XOR = 2;
export const MODE_BROADCAST = 3;
export const MODE_8023AD = 4;
export const MODE_TLB = 5;
export const MODE_ALB = 6;

/** Options by words, in the order of their numbers. */
export const BOND_WORDS = {
  arp_validate: ['none', 'active', 'backup', 'all', 'filter', 'filter_active', 'filter_backup'],
  arp_all_targets: ['any', 'all'],
  primary_reselect: ['always', 'better', 'failure'],
  fail_over_mac: ['none', 'active', 'follow'],
  xmit_hash_policy: ['layer2', 'layer3+4', 'layer2+3', 'encap2+3', 'encap3+4', 'vlan+srcmac'],
  lacp_rate: ['slow', 'fast'],
  lacp_active: ['off', 'on'],
  ad_select: ['stable', 'bandwidth', 'count'],
} as const;

export type WordOption = keyof typeof BOND_WORDS;

/** Options by number: default, least, most. */
export const BOND_NUMBERS = {
  miimon: [0, 0, 2147483647],
  updelay: [0, 0, 2147483647],
  downdelay: [0, 0, 2147483647],
  peer_notify_delay: [0, 0, 2147483647],
  use_carrier: [1, 0, 1],
  arp_interval: [0, 0, 2147483647],
  arp_missed_max: [2, 1, 255],
  resend_igmp: [1, 0, 255],
  num_grat_arp: [1, 0, 255],
  all_slaves_active: [0, 0, 1],
  min_links: [0, 0, 2147483647],
  lp_interval: [1, 1, 2147483647],
  packets_per_slave: [1, 0, 65535],
  tlb_dynamic_lb: [1, 0, 1],
  ad_actor_sys_prio: [65535, 1, 65535],
  ad_user_port_key: [0, 0, 1023],
} as const;

export type NumberOption = keyof typeof BOND_NUMBERS;

/** States of a slave's link. */
export const LINK_UP = 0;
export const LINK_FAIL = 1;
export const LINK_DOWN = 2;
export const LINK_BACK = 3;
export const LINK_NAMES = ['up', 'going down', 'down', 'going back'] as const;

export class BondSlave {
  link = LINK_UP;
  /** Monitoring intervals left of updelay or downdelay. */
  delay = 0;
  failures = 0;
  /** Sends and receives, as against standing by. */
  active = true;
  queueId = 0;
  prio = 0;
  /** When a frame last came, when one last went, and when the link last came up; nanoseconds. */
  lastRx = 0;
  lastTx = 0;
  lastUp = 0;
  /** In mode balance-tlb: bytes sent since the last rebalancing. */
  load = 0;
  port: LacpPort | null = null;

  constructor(
    readonly bond: Bond,
    readonly dev: NetDevice,
    readonly permAddress: Uint8Array,
    readonly originalMtu: number,
  ) {}

  /** Frames may be sent here. @kernel bond_slave_can_tx() */
  get canTx(): boolean {
    return this.dev.up && this.link === LINK_UP && this.active;
  }
}

export class Bond {
  mode = MODE_ROUNDROBIN;
  readonly slaves: BondSlave[] = [];
  readonly numbers: Record<NumberOption, number>;
  readonly words: Record<WordOption, number>;
  arpTargets: number[] = [];
  adActorSystem: Uint8Array = new Uint8Array(6);
  primary = '';
  current: BondSlave | null = null;
  rrCounter = 0;
  /** Gratuitous ARPs left to send. */
  peerNotify = 0;
  monitor: Timer | null = null;
  lacp: LacpBond | null = null;
  /** In mode balance-tlb: who carries which receivers. */
  tlb: (BondSlave | null)[] | null = null;
  tlbSince = 0;
  arpProbe: BondSlave | null = null;

  constructor(readonly dev: NetDevice) {
    this.numbers = Object.fromEntries(
      Object.entries(BOND_NUMBERS).map(([name, [value]]) => [name, value]),
    ) as Record<NumberOption, number>;
    this.words = Object.fromEntries(
      Object.keys(BOND_WORDS).map((name) => [name, name === 'lacp_active' ? 1 : 0]),
    ) as Record<WordOption, number>;
  }

  get usesPrimary(): boolean {
    return this.mode === MODE_ACTIVEBACKUP || this.mode === MODE_TLB || this.mode === MODE_ALB;
  }

  get isLb(): boolean {
    return this.mode === MODE_TLB || this.mode === MODE_ALB;
  }

  slaveOf(dev: NetDevice): BondSlave | undefined {
    return this.slaves.find((slave) => slave.dev === dev);
  }

  /** Writes to the kernel's log as the bond, or as one of its slaves. */
  log(level: number, text: string, slave?: BondSlave): void {
    const { dev } = this;
    const name = dev.unregistering ? `${dev.name} (unregistering)` : dev.name;
    dev.kernel.printk(
      level,
      `${name}: ${slave === undefined ? '' : `(slave ${slave.dev.name}): `}${text}`,
    );
  }
}

/** The bond behind a device. */
export function bondOf(dev: NetDevice): Bond | undefined {
  return dev.priv instanceof Bond ? dev.priv : undefined;
}
