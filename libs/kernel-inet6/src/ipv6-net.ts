/**
 * The IPv6 tables of one network namespace, and its sysctls. @kernel include/net/netns/ipv6.h
 */
import type { Timer } from '@netloom/engine';
import { NEIGH_PARMS_DEFAULT, type NeighParms, type Net, type SkBuff } from '@netloom/kernel-core';
import type { In6Addr } from '@netloom/wire';
import type { InetPeer } from './inet-peer6.js';
import type { Fib6Table } from './fib6-table.js';
import type { Fib6Rule } from './fib6-rules.js';
import { CONF6_DEFAULTS, CONF6_DEVICE_DEFAULTS } from './inet6-conf.js';
import type { Frag6Table } from './reassembly6.js';
import type { Input6CacheEntry } from './route6.js';

export const RT6_TABLE_MAIN = 254;
export const RT6_TABLE_LOCAL = 255;

const INT_MAX = 2147483647;

/** Integer sysctls under net.ipv6: name, default, least, most. */
export const IPV6_SYSCTLS = [
  ['anycast_src_echo_reply', 0, 0, 1],
  ['auto_flowlabels', 1, 0, 3],
  ['bindv6only', 0, 0, 1],
  ['fib_multipath_hash_policy', 0, 0, 3],
  ['flowlabel_consistency', 1, 0, 1],
  ['flowlabel_reflect', 0, 0, 7],
  ['flowlabel_state_ranges', 0, 0, 1],
  ['fwmark_reflect', 0, 0, 1],
  ['idgen_delay', 1, 0, INT_MAX],
  ['idgen_retries', 3, 0, INT_MAX],
  ['ip6frag_high_thresh', 4194304, 0, INT_MAX],
  ['ip6frag_low_thresh', 3145728, 0, INT_MAX],
  ['ip6frag_time', 60, 0, 2147483],
  ['ip_nonlocal_bind', 0, 0, 1],
  ['max_dst_opts_length', INT_MAX, 0, INT_MAX],
  ['max_dst_opts_number', 8, -INT_MAX, INT_MAX],
  ['max_hbh_length', INT_MAX, 0, INT_MAX],
  ['max_hbh_opts_number', 8, -INT_MAX, INT_MAX],
  ['mld_max_msf', 64, 0, INT_MAX],
  ['mld_qrv', 2, 1, INT_MAX],
  ['icmp/echo_ignore_all', 0, 0, 1],
  ['icmp/echo_ignore_anycast', 0, 0, 1],
  ['icmp/echo_ignore_multicast', 0, 0, 1],
  ['icmp/error_anycast_as_unicast', 0, 0, 1],
  ['icmp/ratelimit', 100, 0, INT_MAX],
  ['route/gc_elasticity', 9, 0, INT_MAX],
  ['route/gc_interval', 30, 0, INT_MAX],
  ['route/gc_min_interval', 0, 0, INT_MAX],
  ['route/gc_min_interval_ms', 500, 0, INT_MAX],
  ['route/gc_thresh', 1024, 0, INT_MAX],
  ['route/gc_timeout', 60, 0, INT_MAX],
  ['route/max_size', INT_MAX, 0, INT_MAX],
  ['route/min_adv_mss', 1220, 0, INT_MAX],
  ['route/mtu_expires', 600, 0, INT_MAX],
  ['route/skip_notify_on_dev_down', 0, 0, 1],
] as const;

export type Ipv6SysctlName = (typeof IPV6_SYSCTLS)[number][0];

export const Ipv6Sysctl = Object.freeze(
  Object.fromEntries(IPV6_SYSCTLS.map(([name], i) => [name, i])),
) as Readonly<Record<Ipv6SysctlName, number>>;

const SYSCTL_DEFAULTS = Float64Array.from(IPV6_SYSCTLS, ([, value]) => value);

/** net.ipv6.neigh: nothing waits for a second opinion (locktime). */
export const NEIGH6_PARMS_DEFAULT: NeighParms = Object.freeze({
  ...NEIGH_PARMS_DEFAULT,
  locktime: 0,
});

/** What raw sockets give the network layer. */
export interface Raw6Hook {
  readonly size: number;
  /** Copies a packet (data at its transport header) to who listens; true where somebody did. */
  deliver(skb: SkBuff, nexthdr: number): boolean;
  /** An ICMPv6 error about a packet whose header is at `skb.data`. */
  error(skb: SkBuff, nexthdr: number, type: number, code: number, info: number): void;
}

export class NetnsIpv6 {
  confAll = CONF6_DEFAULTS;
  confDefault = CONF6_DEVICE_DEFAULTS;
  private values = SYSCTL_DEFAULTS;
  /** Types of ICMPv6 messages that the rate limit is for, as text: `0-1,3-127`. */
  icmpRatemask = '0-1,3-127';
  /** net.ipv6.conf.{all,default}.stable_secret. */
  stableSecretAll: In6Addr | null = null;
  stableSecretDefault: In6Addr | null = null;
  readonly tables = new Map<number, Fib6Table>();
  rules: Fib6Rule[] | null = null;
  /** Raised by every change of addresses or routes: a cached route with another number is looked up again. */
  genid = 1;
  inputCache: (Input6CacheEntry | undefined)[] | null = null;
  raw: Raw6Hook | null = null;
  /** Echo replies, data at the ICMPv6 header; the packet stays the caller's. */
  ping: ((skb: SkBuff) => void) | null = null;
  udp: object | null = null;
  tcp: object | null = null;
  frags: Frag6Table | null = null;
  /** net.ipv6.neigh.default, which new devices take over. */
  neighDefault: NeighParms = NEIGH6_PARMS_DEFAULT;
  neighCount = 0;
  peers: Map<number, InetPeer> | null = null;
  /** Looks for expired routes. */
  routeGc: Timer | null = null;
  /** Wakes when an address's lifetime ends. */
  lifetimes: Timer | null = null;
  /** Key of the flow labels and fragment identifications; made on first use. */
  flowKey = 0;
  private idents = 0;

  constructor(readonly net: Net) {}

  sysctl(index: number): number {
    return this.values[index] as number;
  }

  setSysctl(index: number, value: number): void {
    if (this.values === SYSCTL_DEFAULTS) this.values = SYSCTL_DEFAULTS.slice();
    this.values[index] = value;
  }

  /** An identification for fragments: a counter started at random. @kernel ipv6_proxy_select_ident() */
  nextIdent(): number {
    if (this.idents === 0) this.idents = this.net.kernel.random('ip6-ident').u32();
    this.idents = (this.idents + 1) >>> 0 || 1;
    return this.idents;
  }
}

/** The IPv6 tables of a namespace. */
export function ipv6Of(net: Net): NetnsIpv6 {
  return net.ipv6 as NetnsIpv6;
}
