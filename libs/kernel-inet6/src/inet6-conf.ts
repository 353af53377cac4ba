/**
 * net.ipv6.conf: names, the kernel's defaults, and the bits of addresses.
 */

/** Entries in the order of /proc/sys, with the defaults of `all`. Those of `default` differ in accept_dad alone. */
export const IPV6_CONF = [
  ['accept_dad', 0],
  ['accept_ra', 1],
  ['accept_ra_defrtr', 1],
  ['accept_ra_from_local', 0],
  ['accept_ra_min_hop_limit', 1],
  ['accept_ra_min_lft', 0],
  ['accept_ra_mtu', 1],
  ['accept_ra_pinfo', 1],
  ['accept_ra_rt_info_max_plen', 0],
  ['accept_ra_rt_info_min_plen', 0],
  ['accept_ra_rtr_pref', 1],
  ['accept_redirects', 1],
  ['accept_source_route', 0],
  ['accept_untracked_na', 0],
  ['addr_gen_mode', 0],
  ['autoconf', 1],
  ['dad_transmits', 1],
  ['disable_ipv6', 0],
  ['disable_policy', 0],
  ['drop_unicast_in_l2_multicast', 0],
  ['drop_unsolicited_na', 0],
  ['enhanced_dad', 1],
  ['force_forwarding', 0],
  ['force_mld_version', 0],
  ['force_tllao', 0],
  ['forwarding', 0],
  ['hop_limit', 64],
  ['ignore_routes_with_linkdown', 0],
  ['keep_addr_on_down', 0],
  ['max_addresses', 16],
  ['max_desync_factor', 600],
  ['mc_forwarding', 0],
  ['mldv1_unsolicited_report_interval', 10000],
  ['mldv2_unsolicited_report_interval', 1000],
  ['mtu', 1280],
  ['ndisc_evict_nocarrier', 1],
  ['ndisc_notify', 0],
  ['ndisc_tclass', 0],
  ['optimistic_dad', 0],
  ['proxy_ndp', 0],
  ['ra_defrtr_metric', 1024],
  ['ra_honor_pio_life', 0],
  ['ra_honor_pio_pflag', 0],
  ['regen_max_retry', 3],
  ['regen_min_advance', 2],
  ['router_probe_interval', 60],
  ['router_solicitation_delay', 1],
  ['router_solicitation_interval', 4],
  ['router_solicitation_max_interval', 3600],
  ['router_solicitations', -1],
  ['suppress_frag_ndisc', 1],
  ['temp_prefered_lft', 86400],
  ['temp_valid_lft', 604800],
  ['use_oif_addrs_only', 0],
  ['use_optimistic', 0],
  ['use_tempaddr', 0],
] as const;

export type Ipv6ConfName = (typeof IPV6_CONF)[number][0];

/** Entry name to its place in a configuration array. */
export const Conf6 = Object.freeze(
  Object.fromEntries(IPV6_CONF.map(([name], i) => [name, i])),
) as Readonly<Record<Ipv6ConfName, number>>;

/** The kernel's defaults; never written, arrays are copied before a write. */
export const CONF6_DEFAULTS: Int32Array = Int32Array.from(IPV6_CONF, ([, value]) => value);
export const CONF6_DEVICE_DEFAULTS: Int32Array = Int32Array.from(IPV6_CONF, ([name, value]) =>
  name === 'accept_dad' ? 1 : value,
);

/** addr_gen_mode */
export const IN6_ADDR_GEN_MODE_EUI64 = 0;
export const IN6_ADDR_GEN_MODE_NONE = 1;
export const IN6_ADDR_GEN_MODE_STABLE_PRIVACY = 2;
export const IN6_ADDR_GEN_MODE_RANDOM = 3;

export const IFA_F_TEMPORARY = 0x01;
export const IFA_F_NODAD = 0x02;
export const IFA_F_OPTIMISTIC = 0x04;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_HOMEADDRESS = 0x10;
export const IFA_F_DEPRECATED = 0x20;
export const IFA_F_TENTATIVE = 0x40;
export const IFA6_F_PERMANENT = 0x80;
export const IFA_F_MANAGETEMPADDR = 0x100;
export const IFA6_F_NOPREFIXROUTE = 0x200;
export const IFA_F_MCAUTOJOIN = 0x400;
export const IFA_F_STABLE_PRIVACY = 0x800;

/** Seconds that never pass. */
export const INFINITY6_LIFE_TIME = 0xffffffff;

/** RT_SCOPE_* and IFA_* as rtnetlink shows an address's scope. */
export const RT6_SCOPE_GLOBAL = 0;
export const RT6_SCOPE_SITE = 200;
export const RT6_SCOPE_LINK = 253;
export const RT6_SCOPE_HOST = 254;
