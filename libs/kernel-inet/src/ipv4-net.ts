/**
 * The IPv4 tables of one network namespace, and its sysctls. @kernel include/net/netns/ipv4.h
 */
import type { Timer } from '@netloom/engine';
import { NEIGH_PARMS_DEFAULT, type NeighParms, type Net } from '@netloom/kernel-core';
import { CONF_DEFAULTS, CONF_DEVICE_DEFAULTS } from './in-device.js';
import type { InetPeer } from './inet-peer.js';
import type { FibTable } from './fib-table.js';
import type { FragTable } from './ip-fragment.js';
import type { Nexthop } from './nexthop.js';
import type { PingTable } from './ping.js';
import type { RawTable } from './raw.js';
import type { InputCacheEntry } from './route-input.js';
import type { UdpTable } from './udp-table.js';

export const RT_TABLE_DEFAULT = 253;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

const BYTE = 255;
const INT_MIN = -2147483648;
const INT_MAX = 2147483647;
const UINT_MAX = 4294967295;

/** Integer sysctls under net.ipv4 that belong to IP, ICMP and UDP: name, default, least, most. */
export const IPV4_SYSCTLS = [
  ['ip_default_ttl', 64, 1, BYTE],
  ['ip_no_pmtu_disc', 0, 0, BYTE],
  ['ip_forward_use_pmtu', 0, 0, BYTE],
  ['ip_forward_update_priority', 1, 0, 1],
  ['ip_nonlocal_bind', 0, 0, BYTE],
  ['ip_autobind_reuse', 0, 0, 1],
  ['ip_dynaddr', 0, 0, BYTE],
  ['ip_early_demux', 1, 0, BYTE],
  ['ip_unprivileged_port_start', 1024, 0, 65535],
  ['fwmark_reflect', 0, 0, BYTE],
  ['icmp_echo_enable_probe', 0, 0, 1],
  ['icmp_echo_ignore_all', 0, 0, 1],
  ['icmp_echo_ignore_broadcasts', 1, 0, 1],
  ['icmp_ignore_bogus_error_responses', 1, 0, 1],
  ['icmp_errors_use_inbound_ifaddr', 0, 0, 1],
  ['icmp_ratelimit', 1000, 0, INT_MAX],
  ['icmp_ratemask', 6168, INT_MIN, INT_MAX],
  ['icmp_msgs_per_sec', 1000, 0, INT_MAX],
  ['icmp_msgs_burst', 50, 0, INT_MAX],
  ['igmp_link_local_mcast_reports', 1, 0, BYTE],
  ['igmp_max_memberships', 20, INT_MIN, INT_MAX],
  ['igmp_max_msf', 10, INT_MIN, INT_MAX],
  ['igmp_qrv', 2, 1, INT_MAX],
  ['ipfrag_high_thresh', 4194304, 0, Number.MAX_SAFE_INTEGER],
  ['ipfrag_low_thresh', 3145728, 0, Number.MAX_SAFE_INTEGER],
  ['ipfrag_time', 30, INT_MIN, INT_MAX],
  ['ipfrag_max_dist', 64, 0, INT_MAX],
  ['route/min_pmtu', 552, 20, INT_MAX],
  ['route/mtu_expires', 600, 0, INT_MAX],
  ['route/min_adv_mss', 256, INT_MIN, INT_MAX],
  ['fib_multipath_hash_policy', 0, 0, 3],
  ['fib_multipath_hash_fields', 7, 1, 0xfff],
  ['fib_multipath_hash_seed', 0, 0, UINT_MAX],
  ['fib_multipath_use_neigh', 0, 0, 1],
  ['fib_notify_on_flag_change', 0, 0, 2],
  ['nexthop_compat_mode', 1, 0, 1],
  ['raw_l3mdev_accept', 1, 0, 1],
  ['udp_l3mdev_accept', 0, 0, 1],
  ['udp_early_demux', 1, 0, BYTE],
  ['udp_child_hash_entries', 0, 0, 65536],
  ['udp_rmem_min', 4096, 1, INT_MAX],
  ['udp_wmem_min', 4096, 1, INT_MAX],
  ['xfrm4_gc_thresh', 32768, INT_MIN, INT_MAX],
] as const;

/** Those that a host has once, in its first namespace: name, default, least, most. */
export const IPV4_HOST_SYSCTLS = [
  ['cipso_cache_bucket_size', 10, INT_MIN, INT_MAX],
  ['cipso_cache_enable', 1, INT_MIN, INT_MAX],
  ['cipso_rbm_optfmt', 0, INT_MIN, INT_MAX],
  ['cipso_rbm_strictvalid', 1, INT_MIN, INT_MAX],
  ['fib_sync_mem', 524288, 65536, 67108864],
  ['inet_peer_maxttl', 600, INT_MIN, INT_MAX],
  ['inet_peer_minttl', 120, INT_MIN, INT_MAX],
  ['inet_peer_threshold', 65664, INT_MIN, INT_MAX],
  ['ipfrag_secret_interval', 0, INT_MIN, INT_MAX],
  ['neigh/default/gc_interval', 30, 0, INT_MAX],
  ['neigh/default/gc_thresh1', 128, 0, INT_MAX],
  ['neigh/default/gc_thresh2', 512, 0, INT_MAX],
  ['neigh/default/gc_thresh3', 1024, 0, INT_MAX],
  ['route/error_burst', 1250, INT_MIN, INT_MAX],
  ['route/error_cost', 250, INT_MIN, INT_MAX],
  ['route/gc_elasticity', 8, INT_MIN, INT_MAX],
  ['route/gc_interval', 60, INT_MIN, INT_MAX],
  ['route/gc_min_interval', 0, INT_MIN, INT_MAX],
  ['route/gc_min_interval_ms', 500, 0, INT_MAX],
  ['route/gc_thresh', -1, INT_MIN, INT_MAX],
  ['route/gc_timeout', 300, INT_MIN, INT_MAX],
  ['route/max_size', 2147483647, INT_MIN, INT_MAX],
  ['route/redirect_load', 5, INT_MIN, INT_MAX],
  ['route/redirect_number', 9, INT_MIN, INT_MAX],
  ['route/redirect_silence', 5120, INT_MIN, INT_MAX],
] as const;

/** Ticks of the kernel a second, in which some sysctls count. */
export const HZ = 250;

export type Ipv4HostSysctlName = (typeof IPV4_HOST_SYSCTLS)[number][0];

/** Place of a host's sysctl among the values of its first namespace: behind those that every namespace has. */
export const Ipv4HostSysctl = Object.freeze(
  Object.fromEntries(IPV4_HOST_SYSCTLS.map(([name], i) => [name, IPV4_SYSCTLS.length + i])),
) as Readonly<Record<Ipv4HostSysctlName, number>>;

export type Ipv4SysctlName = (typeof IPV4_SYSCTLS)[number][0];

export const Ipv4Sysctl = Object.freeze(
  Object.fromEntries(IPV4_SYSCTLS.map(([name], i) => [name, i])),
) as Readonly<Record<Ipv4SysctlName, number>>;

const SYSCTL_DEFAULTS = Float64Array.from(
  [...IPV4_SYSCTLS, ...IPV4_HOST_SYSCTLS],
  ([, value]) => value,
);

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
  /** Looks up the table of the VRF that the devices belong to. */
  readonly l3mdev?: boolean;
  readonly protocol?: number;
  readonly ipproto?: number;
  readonly sport?: readonly [number, number];
  readonly dport?: readonly [number, number];
  readonly uidrange?: readonly [number, number];
  readonly suppressPrefixlen?: number;
  readonly suppressIfgroup?: number;
  readonly tunId?: string;
}

export class NetnsIpv4 {
  confAll = CONF_DEFAULTS;
  confDefault = CONF_DEVICE_DEFAULTS;
  private values = SYSCTL_DEFAULTS;
  localPortRange: readonly [number, number] = [32768, 60999];
  pingGroupRange: readonly [number, number] = [1, 0];
  /** net.ipv4.udp_mem in pages, once written; of the first namespace. */
  udpMem: readonly number[] | null = null;
  /** net.ipv4.ip_local_reserved_ports as ranges, ascending; null for none. */
  reservedPorts: readonly (readonly [number, number])[] | null = null;
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
  /** Nexthop objects by number; made on first use. */
  nexthops: Map<number, Nexthop> | null = null;
  /** The key of this host's hash over the next hops of a route. Made on first use. */
  multipathSeed = 0;
  /** Routing decisions for received packets, by a hash of their addresses. */
  inputCache: (InputCacheEntry | undefined)[] | null = null;
  udp!: UdpTable;
  raw!: RawTable;
  frags!: FragTable;
  /** ICMP datagram sockets; made on first use. */
  ping: PingTable | null = null;
  /** TCP's tables, owned by the TCP layer. */
  tcp: object | null = null;
  /** Makes them when they are first asked for: many a host has no TCP socket. */
  makeTcp: ((net: Net) => object) | null = null;
  /** The last IP identification given out; -1 before the first. */
  ident = -1;
  /** net.ipv4.neigh.default, which new devices take over. */
  neighDefault: NeighParms = NEIGH_PARMS_DEFAULT;
  /** Entries in the ARP cache that may be collected; of the first namespace, for the whole host. */
  neighCount = 0;
  /** When room was last made, nanoseconds; and the clock of the sweep, once there is much to sweep. */
  neighFlushed = -Infinity;
  neighSweep: Timer | null = null;
  /** Packets that the cache's being full has cost. */
  neighTableFulls = 0;
  /** Addresses that are answered for (`ip neigh add proxy`): by ifindex, 0 for all devices. */
  proxies: Map<number, Set<number>> | null = null;
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

  /** Whether an ephemeral port is kept for somebody. @kernel inet_is_local_reserved_port() */
  isReservedPort(port: number): boolean {
    const ranges = this.reservedPorts;
    return ranges !== null && ranges.some(([low, high]) => port >= low && port <= high);
  }

  setSysctl(index: number, value: number): void {
    if (this.values === SYSCTL_DEFAULTS) this.values = SYSCTL_DEFAULTS.slice();
    this.values[index] = value;
  }
}

/** A sysctl that a host has once. */
export function ipv4HostSysctl(net: Net, name: Ipv4HostSysctlName): number {
  return ipv4Of(net.kernel.initNet).sysctl(Ipv4HostSysctl[name]);
}

/** The IPv4 tables of a namespace. */
export function ipv4Of(net: Net): NetnsIpv4 {
  return net.ipv4 as NetnsIpv4;
}
