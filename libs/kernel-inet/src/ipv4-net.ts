/**
 * The IPv4 tables of one network namespace, and its sysctls. @kernel include/net/netns/ipv4.h
 */
import { NEIGH_PARMS_DEFAULT, type NeighParms, type Net } from '@netloom/kernel-core';
import { CONF_DEFAULTS } from './in-device.js';
import type { InetPeer } from './inet-peer.js';
import type { FibTable } from './fib-table.js';
import type { FragTable } from './ip-fragment.js';
import type { RawTable } from './raw.js';
import type { InputCacheEntry } from './route-input.js';
import type { UdpTable } from './udp-table.js';

export const RT_TABLE_DEFAULT = 253;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

/** Integer sysctls under net.ipv4 that belong to IP, ICMP and UDP: name, default, least, most. */
export const IPV4_SYSCTLS = [
  ['ip_default_ttl', 64, 1, 255],
  ['ip_no_pmtu_disc', 0, 0, 3],
  ['ip_forward_use_pmtu', 0, 0, 1],
  ['ip_forward_update_priority', 1, 0, 1],
  ['ip_nonlocal_bind', 0, 0, 1],
  ['ip_dynaddr', 0, 0, 7],
  ['ip_early_demux', 1, 0, 1],
  ['icmp_echo_ignore_all', 0, 0, 1],
  ['icmp_echo_ignore_broadcasts', 1, 0, 1],
  ['icmp_ignore_bogus_error_responses', 1, 0, 1],
  ['icmp_errors_use_inbound_ifaddr', 0, 0, 1],
  ['icmp_ratelimit', 1000, 0, 2147483647],
  ['icmp_ratemask', 6168, 0, 2147483647],
  ['icmp_msgs_per_sec', 1000, 0, 2147483647],
  ['icmp_msgs_burst', 50, 0, 2147483647],
  ['ipfrag_high_thresh', 4194304, 0, 2147483647],
  ['ipfrag_low_thresh', 3145728, 0, 2147483647],
  ['ipfrag_time', 30, 0, 2147483],
  ['ipfrag_max_dist', 64, 0, 2147483647],
  ['route/min_pmtu', 552, 20, 65535],
  ['route/mtu_expires', 600, 0, 2147483647],
  ['route/min_adv_mss', 256, 0, 2147483647],
  ['fib_multipath_hash_policy', 0, 0, 3],
  ['fib_multipath_use_neigh', 0, 0, 1],
] as const;

export type Ipv4SysctlName = (typeof IPV4_SYSCTLS)[number][0];

export const Ipv4Sysctl = Object.freeze(
  Object.fromEntries(IPV4_SYSCTLS.map(([name], i) => [name, i])),
) as Readonly<Record<Ipv4SysctlName, number>>;

const SYSCTL_DEFAULTS = Float64Array.from(IPV4_SYSCTLS, ([, value]) => value);

/** A policy rule. Actions: 1 look up a table, 2 go to the rule of priority `table`, 6 blackhole, 7 unreachable, 8 prohibit. */
export interface FibRule {
  readonly priority: number;
  readonly table: number;
  readonly action: number;
  readonly src?: number;
  readonly srcLen?: number;
  readonly dst?: number;
  readonly dstLen?: number;
  readonly tos?: number;
  readonly fwmark?: number;
  readonly fwmask?: number;
  readonly iifname?: string;
  readonly oifname?: string;
  readonly invert?: boolean;
  readonly protocol?: number;
}

export class NetnsIpv4 {
  confAll = CONF_DEFAULTS;
  confDefault = CONF_DEFAULTS;
  private values = SYSCTL_DEFAULTS;
  localPortRange: readonly [number, number] = [32768, 60999];
  pingGroupRange: readonly [number, number] = [1, 0];
  readonly tables = new Map<number, FibTable>();
  /** Somebody added or deleted a rule: lookups go through `rules`, and nothing they found is cached by address. */
  customRules = false;
  readonly rules: FibRule[] = [
    { priority: 0, table: RT_TABLE_LOCAL, action: 1, protocol: 2 },
    { priority: 32766, table: RT_TABLE_MAIN, action: 1, protocol: 2 },
    { priority: 32767, table: RT_TABLE_DEFAULT, action: 1, protocol: 2 },
  ];
  /** Raised by every change of addresses or routes: a cached route with another number is looked up again. */
  genid = 1;
  /** The key of this host's hash over the next hops of a route. Made on first use. */
  multipathSeed = 0;
  /** Routing decisions for received packets, by a hash of their addresses. */
  inputCache: (InputCacheEntry | undefined)[] | null = null;
  udp!: UdpTable;
  raw!: RawTable;
  frags!: FragTable;
  /** TCP's tables, owned by the TCP layer. */
  tcp: object | null = null;
  /** The last IP identification given out; -1 before the first. */
  ident = -1;
  /** net.ipv4.neigh.default, which new devices take over. */
  neighDefault: NeighParms = NEIGH_PARMS_DEFAULT;
  /** Entries in the ARP cache. */
  neighCount = 0;
  /** ICMP's token bucket of the namespace. */
  icmpTokens = 50;
  icmpTokensStamp = 0;
  peers: Map<number, InetPeer> | null = null;

  constructor(
    readonly net: Net,
    readonly local: FibTable,
    readonly main: FibTable,
  ) {}

  sysctl(index: number): number {
    return this.values[index] as number;
  }

  setSysctl(index: number, value: number): void {
    if (this.values === SYSCTL_DEFAULTS) this.values = SYSCTL_DEFAULTS.slice();
    this.values[index] = value;
  }
}

/** The IPv4 tables of a namespace. */
export function ipv4Of(net: Net): NetnsIpv4 {
  return net.ipv4 as NetnsIpv4;
}
