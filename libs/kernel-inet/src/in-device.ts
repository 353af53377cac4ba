/**
 * A device's IPv4 half: its addresses and the sysctls of net.ipv4.conf.DEV. @kernel include/linux/inetdevice.h
 */
import type { IgmpState } from './igmp.js';
import type { Dst, NeighParms, NetDevice } from '@netloom/kernel-core';

/** net.ipv4.conf entries in the order of /proc/sys, with the kernel's defaults. */
export const IPV4_CONF = [
  ['accept_local', 0],
  ['accept_redirects', 1],
  ['accept_source_route', 0],
  ['arp_accept', 0],
  ['arp_announce', 0],
  ['arp_evict_nocarrier', 1],
  ['arp_filter', 0],
  ['arp_ignore', 0],
  ['arp_notify', 0],
  ['bc_forwarding', 0],
  ['bootp_relay', 0],
  ['disable_policy', 0],
  ['disable_xfrm', 0],
  ['drop_gratuitous_arp', 0],
  ['drop_unicast_in_l2_multicast', 0],
  ['force_igmp_version', 0],
  ['forwarding', 0],
  ['igmpv2_unsolicited_report_interval', 10000],
  ['igmpv3_unsolicited_report_interval', 1000],
  ['ignore_routes_with_linkdown', 0],
  ['log_martians', 0],
  ['mc_forwarding', 0],
  ['medium_id', 0],
  ['promote_secondaries', 0],
  ['proxy_arp', 0],
  ['proxy_arp_pvlan', 0],
  ['route_localnet', 0],
  ['rp_filter', 0],
  ['secure_redirects', 1],
  ['send_redirects', 1],
  ['shared_media', 1],
  ['src_valid_mark', 0],
  ['tag', 0],
] as const;

export type Ipv4ConfName = (typeof IPV4_CONF)[number][0];

/** Entry name to its place in a configuration array. */
export const Conf = Object.freeze(
  Object.fromEntries(IPV4_CONF.map(([name], i) => [name, i])),
) as Readonly<Record<Ipv4ConfName, number>>;

/** The kernel's defaults; never written, arrays are copied before a write. */
export const CONF_DEFAULTS: Int32Array = Int32Array.from(IPV4_CONF, ([, value]) => value);

/** What new devices take over, and what `lo` does. */
export const CONF_DEVICE_DEFAULTS: Int32Array = withConf({ accept_source_route: 1 });
export const CONF_LOOPBACK_DEFAULTS: Int32Array = withConf({
  accept_source_route: 1,
  disable_policy: 1,
  disable_xfrm: 1,
});

function withConf(changes: Partial<Record<Ipv4ConfName, number>>): Int32Array {
  const values = CONF_DEFAULTS.slice();
  for (const [name, value] of Object.entries(changes)) values[Conf[name as Ipv4ConfName]] = value;
  return values;
}

export const IFA_F_SECONDARY = 0x01;
export const IFA_F_PERMANENT = 0x80;
export const IFA_F_NOPREFIXROUTE = 0x200;

/** One address of a device. @kernel struct in_ifaddr */
export interface InIfaddr {
  readonly dev: InDevice;
  /** The address itself, and the peer's (the same where there is no peer). */
  readonly local: number;
  readonly address: number;
  readonly prefixlen: number;
  readonly mask: number;
  broadcast: number | undefined;
  readonly label: string;
  readonly scope: number;
  flags: number;
  metric: number;
  validLft: number;
  preferredLft: number;
}

export class InDevice {
  /** Addresses in the order in which `ip addr` shows them. */
  addresses: readonly InIfaddr[] = [];
  private own = false;
  /** The route to addresses of this host for packets that come in here, cached. */
  localRoute: Dst | null = null;
  /** Joined groups; null when only 224.0.0.1. */
  igmp: IgmpState | null = null;

  constructor(
    readonly dev: NetDevice,
    private values: Int32Array,
    /** net.ipv4.neigh.DEV. */
    public neighParms: NeighParms,
  ) {}

  /** The sysctl values, by `Conf`. */
  get conf(): Int32Array {
    return this.values;
  }

  /** Changes one sysctl of this device. */
  setConf(index: number, value: number): void {
    if (!this.own) {
      this.values = this.values.slice();
      this.own = true;
    }
    this.values[index] = value;
  }

  get forwarding(): boolean {
    return this.values[Conf.forwarding] !== 0;
  }

  /** The configuration of a device that has one. */
  static of(dev: NetDevice): InDevice | null {
    return dev.inDev as InDevice | null;
  }
}
