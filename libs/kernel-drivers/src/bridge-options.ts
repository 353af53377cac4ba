/**
 * A bridge's and its ports' settings as rtnetlink and /sys read and change them.
 * Sources: net/bridge/br_netlink.c, br_sysfs_br.c, br_sysfs_if.c. Times in hundredths of a second, timers in seconds.
 */
import { KernelError } from '@netloom/base';
import type { NetDevice, SysfsAttribute, SysfsGroups } from '@netloom/kernel-core';
import type { LinkInfoData } from '@netloom/sys';
import { ETH_P_8021AD, ETH_P_8021Q } from '@netloom/wire';
import { MCAST_DEFAULTS, mcastOf, type McastSetting } from './bridge-multicast.js';
import {
  BR_KERNEL_STP,
  BR_STATE_DISABLED,
  BR_STATE_NAMES,
  BR_NO_STP,
  bridgePortOf,
  PortFlag,
  type Bridge,
  type BridgePort,
} from './bridge-state.js';
import {
  portStateSelection,
  setPortState,
  stpChangeBridgeId,
  stpPortChanged,
  stpSetEnabled,
} from './bridge-stp.js';
import { setDefaultPvid } from './bridge-vlan.js';

const CENTI = 1e7;

/** An id as iproute2's text: address bytes without leading zeros. */
export function bridgeIdShown(id: string): string {
  const [priority = '', mac = ''] = id.split('.');
  return `${priority}.${(mac.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16).toString(16)).join(':')}`;
}

const groupAddress = (br: Bridge): string =>
  `01:80:c2:00:00:${br.groupAddress.toString(16).padStart(2, '0')}`;

function secondsLeft(until: number, now: number): number {
  return until === Infinity || until <= now ? 0 : Math.floor((until - now) / CENTI) / 100;
}

/** When old entries would be looked for: a tenth of a second after the bridge came up, then once an ageing time. */
function gcTimer(br: Bridge, now: number): number {
  if (!br.dev.up) return 0;
  const first = br.openedAt + 1e8;
  if (now < first) return secondsLeft(first, now);
  const period = br.fdb.ageingNs === 0 ? 1e9 : br.fdb.ageingNs;
  return secondsLeft(first + (Math.floor((now - first) / period) + 1) * period, now);
}

function mcastValue(br: Bridge, name: McastSetting): number {
  return br.mcast?.settings[name] ?? MCAST_DEFAULTS[name];
}

/** IFLA_INFO_DATA. @kernel br_fill_info() */
export function bridgeInfo(br: Bridge): LinkInfoData {
  const { now } = br.dev.kernel.engine;
  const mcast: Record<string, number> = {};
  for (const name of Object.keys(MCAST_DEFAULTS) as McastSetting[])
    mcast[name] = mcastValue(br, name);
  return {
    forward_delay: Math.round(br.forwardDelay / CENTI),
    hello_time: Math.round(br.helloTime / CENTI),
    max_age: Math.round(br.maxAge / CENTI),
    ageing_time: Math.round(
      (br.fdb.fastAgeingNs !== 0 ? br.fdb.fastAgeingNs : br.fdb.ageingNs) / CENTI,
    ),
    stp_state: br.stpEnabled,
    priority: br.priority,
    vlan_filtering: br.vlanEnabled ? 1 : 0,
    vlan_protocol: br.vlanProto === ETH_P_8021AD ? '802.1ad' : '802.1Q',
    bridge_id: bridgeIdShown(br.bridgeId),
    root_id: bridgeIdShown(br.designatedRoot),
    root_port: br.rootPort,
    root_path_cost: br.rootPathCost,
    topology_change: br.topologyChange ? 1 : 0,
    topology_change_detected: br.topologyChangeDetected ? 1 : 0,
    hello_timer: secondsLeft(br.timers.hello?.expires ?? 0, now),
    tcn_timer: secondsLeft(br.timers.tcn?.expires ?? 0, now),
    topology_change_timer: secondsLeft(br.timers.topology?.expires ?? 0, now),
    gc_timer: gcTimer(br, now),
    vlan_default_pvid: br.defaultPvid,
    vlan_stats_enabled: br.vlanStatsEnabled,
    vlan_stats_per_port: br.vlanStatsPerPort,
    group_fwd_mask: br.groupFwdMask,
    group_addr: groupAddress(br),
    mcast_snooping: br.mcastSnooping,
    no_linklocal_learn: br.noLinklocalLearn,
    mcast_vlan_snooping: 0,
    ...mcast,
    nf_call_iptables: br.nfCall[0] ?? 0,
    nf_call_ip6tables: br.nfCall[1] ?? 0,
    nf_call_arptables: br.nfCall[2] ?? 0,
  };
}

function range(value: number, least: number, most: number): number {
  if (value < least || value > most) throw new KernelError('ERANGE');
  return value;
}

function atMost(value: number, most: number): number {
  if (value > most) throw new KernelError('EINVAL');
  return value;
}

function setGroupAddress(br: Bridge, text: string): void {
  const match = /^01:80:c2:00:00:0([0-9a-f])$/i.exec(text);
  const low = Number.parseInt(match?.[1] ?? '1', 16);
  if (match === null || (low >= 1 && low <= 3)) throw new KernelError('EINVAL');
  br.groupAddress = low;
}

type Setter = (br: Bridge, value: number, text: string) => void;

const SETTERS: Readonly<Record<string, Setter>> = {
  forward_delay: (br, value) => {
    if (br.stpEnabled !== BR_NO_STP) range(value, 200, 3000);
    br.bridgeForwardDelay = value * CENTI;
    if (br.isRoot) br.forwardDelay = br.bridgeForwardDelay;
  },
  hello_time: (br, value) => {
    br.bridgeHelloTime = range(value, 100, 1000) * CENTI;
    if (br.isRoot) br.helloTime = br.bridgeHelloTime;
  },
  max_age: (br, value) => {
    br.bridgeMaxAge = range(value, 600, 4000) * CENTI;
    if (br.isRoot) br.maxAge = br.bridgeMaxAge;
  },
  ageing_time: (br, value) => {
    br.fdb.ageingNs = value * CENTI;
    br.fdb.fastAgeingNs = 0; // until the next change of the topology
  },
  stp_state: (br, value) => {
    if (value !== 0) {
      // within limits from now on
      br.bridgeForwardDelay = Math.min(30e9, Math.max(2e9, br.bridgeForwardDelay));
      if (br.isRoot) br.forwardDelay = br.bridgeForwardDelay;
    }
    stpSetEnabled(br, value !== 0);
  },
  priority: (br, value) => {
    stpChangeBridgeId(br, value, br.idAddress);
  },
  vlan_filtering: (br, value) => {
    br.vlanEnabled = atMost(value, 255) !== 0;
  },
  vlan_protocol: (br, _value, text) => {
    br.vlanProto = text === '802.1ad' ? ETH_P_8021AD : ETH_P_8021Q;
    br.groupAddress = br.vlanProto === ETH_P_8021AD ? 8 : 0;
  },
  vlan_default_pvid: setDefaultPvid,
  vlan_stats_enabled: (br, value) => {
    br.vlanStatsEnabled = atMost(value, 1);
  },
  vlan_stats_per_port: (br, value) => {
    if (br.ports.length > 0) throw new KernelError('EBUSY');
    br.vlanStatsPerPort = atMost(value, 1);
  },
  group_fwd_mask: (br, value) => {
    if ((value & 7) !== 0) throw new KernelError('EINVAL');
    br.groupFwdMask = value;
  },
  group_addr: (br, _value, text) => {
    setGroupAddress(br, text);
  },
  fdb_flush: (br) => {
    br.fdb.flushLearned();
  },
  mcast_snooping: (br, value) => {
    br.mcastSnooping = value !== 0 ? 1 : 0;
    br.mcast?.startQuerier();
  },
  no_linklocal_learn: (br, value) => {
    br.noLinklocalLearn = value !== 0 ? 1 : 0;
  },
  mcast_vlan_snooping: (_br, value) => {
    if (value !== 0) throw new KernelError('EOPNOTSUPP');
  },
  nf_call_iptables: (br, value) => {
    br.nfCall[0] = value !== 0 ? 1 : 0;
  },
  nf_call_ip6tables: (br, value) => {
    br.nfCall[1] = value !== 0 ? 1 : 0;
  },
  nf_call_arptables: (br, value) => {
    br.nfCall[2] = value !== 0 ? 1 : 0;
  },
};

function setMcast(br: Bridge, name: McastSetting, value: number): void {
  if (name === 'mcast_router') atMost(value, 2);
  if (name === 'mcast_igmp_version' && (value < 2 || value > 3)) throw new KernelError('EINVAL');
  if (name === 'mcast_mld_version' && (value < 1 || value > 2)) throw new KernelError('EINVAL');
  if (name === 'mcast_hash_elasticity') return; // kept for old programs only
  const mcast = mcastOf(br);
  const was = mcast.settings[name];
  mcast.settings[name] = name === 'mcast_query_intvl' ? Math.max(100, value) : value;
  if (name === 'mcast_querier' && was !== value) mcast.startQuerier();
}

/** `ip link set BR type bridge …`. @errno EINVAL, ERANGE, EBUSY, EOPNOTSUPP. @kernel br_changelink() */
export function bridgeChangelink(br: Bridge, data: LinkInfoData): void {
  for (const [name, value] of Object.entries(data)) {
    const setter = SETTERS[name];
    if (setter !== undefined) setter(br, Number(value), String(value));
    else if (Object.hasOwn(MCAST_DEFAULTS, name)) setMcast(br, name as McastSetting, Number(value));
  }
}

/** IFLA_INFO_SLAVE_DATA. @kernel br_port_fill_attrs() */
export function portInfo(port: BridgePort): LinkInfoData {
  const { now } = port.br.dev.kernel.engine;
  const timers = port.runningTimers;
  const flag = (name: keyof typeof PortFlag): boolean => (port.flags & PortFlag[name]) !== 0;
  return {
    state: BR_STATE_NAMES[port.state] ?? '',
    priority: port.priority,
    cost: port.pathCost,
    hairpin: flag('hairpin'),
    guard: flag('guard'),
    root_block: flag('root_block'),
    fastleave: flag('fastleave'),
    learning: flag('learning'),
    flood: flag('flood'),
    id: `0x${port.portId.toString(16)}`,
    no: `0x${port.portNo.toString(16)}`,
    designated_port: port.designatedPort,
    designated_cost: port.designatedCost,
    bridge_id: bridgeIdShown(port.designatedBridge),
    root_id: bridgeIdShown(port.designatedRoot),
    hold_timer: secondsLeft(timers?.hold.expires ?? 0, now),
    message_age_timer: secondsLeft(timers?.message.expires ?? 0, now),
    forward_delay_timer: secondsLeft(port.forwardDelayUntil, now),
    topology_change_ack: port.topologyChangeAck ? 1 : 0,
    config_pending: port.configPending ? 1 : 0,
    proxy_arp: flag('proxy_arp'),
    proxy_arp_wifi: flag('proxy_arp_wifi'),
    multicast_router: port.mcastRouter,
    mcast_flood: flag('mcast_flood'),
    bcast_flood: flag('bcast_flood'),
    mcast_to_unicast: flag('mcast_to_unicast'),
    neigh_suppress: flag('neigh_suppress'),
    group_fwd_mask: port.groupFwdMask === 0 ? '0' : `0x${port.groupFwdMask.toString(16)}`,
    group_fwd_mask_str: `0x${port.groupFwdMask.toString(16)}`,
    vlan_tunnel: flag('vlan_tunnel'),
    isolated: flag('isolated'),
    locked: flag('locked'),
    ...(port.backupPort === null ? {} : { backup_port: port.backupPort.name }),
  };
}

/** `bridge link set`, `type bridge_slave …`. @errno EBUSY, ENETDOWN, ERANGE, EINVAL. @kernel br_setport() */
export function portChangelink(port: BridgePort, data: LinkInfoData): void {
  const { br } = port;
  for (const [name, value] of Object.entries(data)) {
    if (Object.hasOwn(PortFlag, name)) {
      const bit = PortFlag[name as keyof typeof PortFlag];
      port.flags = value === true || value === 1 ? port.flags | bit : port.flags & ~bit;
    } else if (name === 'cost') {
      port.pathCost = range(Number(value), 1, 65535);
      port.costSet = true;
      stpPortChanged(port, port.portId);
    } else if (name === 'priority') {
      const old = port.portId;
      port.priority = range(Number(value), 0, 63);
      stpPortChanged(port, old);
    } else if (name === 'state') {
      if (br.stpEnabled === BR_KERNEL_STP) throw new KernelError('EBUSY');
      const state = BR_STATE_NAMES.findIndex((known) => known === value);
      if (!port.dev.running && state !== BR_STATE_DISABLED) throw new KernelError('ENETDOWN');
      setPortState(port, state);
      portStateSelection(br);
    } else if (name === 'multicast_router') {
      port.mcastRouter = atMost(Number(value), 2);
    } else if (name === 'group_fwd_mask') {
      if ((Number(value) & 7) !== 0) throw new KernelError('EINVAL');
      port.groupFwdMask = Number(value);
    } else if (name === 'fdb_flush') {
      br.fdb.flushPort(port, false);
    } else if (name === 'backup_port') {
      const backup = Number(value) === 0 ? null : port.dev.net.devByIndex(Number(value));
      if (backup === undefined) throw new KernelError('ENOENT');
      if (backup !== null && bridgePortOf(backup)?.br !== br) throw new KernelError('EINVAL');
      port.backupPort = backup;
    }
  }
}

function integer(text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isInteger(value) || value < 0) throw new KernelError('EINVAL');
  return value;
}

/** File name → attribute of {@link bridgeInfo} where they differ; timers are in hundredths there. */
const BRIDGE_FILES: readonly (readonly [string, string, 'rw' | 'ro'])[] = [
  ['ageing_time', 'ageing_time', 'rw'],
  ['bridge_id', '', 'ro'],
  ['flush', 'fdb_flush', 'rw'],
  ['forward_delay', 'forward_delay', 'rw'],
  ['gc_timer', 'gc_timer', 'ro'],
  ['group_addr', 'group_addr', 'rw'],
  ['group_fwd_mask', 'group_fwd_mask', 'rw'],
  ['hash_elasticity', 'mcast_hash_elasticity', 'rw'],
  ['hash_max', 'mcast_hash_max', 'rw'],
  ['hello_time', 'hello_time', 'rw'],
  ['hello_timer', 'hello_timer', 'ro'],
  ['max_age', 'max_age', 'rw'],
  ['multicast_igmp_version', 'mcast_igmp_version', 'rw'],
  ['multicast_last_member_count', 'mcast_last_member_cnt', 'rw'],
  ['multicast_last_member_interval', 'mcast_last_member_intvl', 'rw'],
  ['multicast_membership_interval', 'mcast_membership_intvl', 'rw'],
  ['multicast_mld_version', 'mcast_mld_version', 'rw'],
  ['multicast_querier', 'mcast_querier', 'rw'],
  ['multicast_querier_interval', 'mcast_querier_intvl', 'rw'],
  ['multicast_query_interval', 'mcast_query_intvl', 'rw'],
  ['multicast_query_response_interval', 'mcast_query_response_intvl', 'rw'],
  ['multicast_query_use_ifaddr', 'mcast_query_use_ifaddr', 'rw'],
  ['multicast_router', 'mcast_router', 'rw'],
  ['multicast_snooping', 'mcast_snooping', 'rw'],
  ['multicast_startup_query_count', 'mcast_startup_query_cnt', 'rw'],
  ['multicast_startup_query_interval', 'mcast_startup_query_intvl', 'rw'],
  ['multicast_stats_enabled', 'mcast_stats_enabled', 'rw'],
  ['nf_call_arptables', 'nf_call_arptables', 'rw'],
  ['nf_call_ip6tables', 'nf_call_ip6tables', 'rw'],
  ['nf_call_iptables', 'nf_call_iptables', 'rw'],
  ['no_linklocal_learn', 'no_linklocal_learn', 'rw'],
  ['priority', 'priority', 'rw'],
  ['root_id', '', 'ro'],
  ['root_path_cost', 'root_path_cost', 'ro'],
  ['root_port', 'root_port', 'ro'],
  ['stp_state', 'stp_state', 'rw'],
  ['tcn_timer', 'tcn_timer', 'ro'],
  ['topology_change', 'topology_change', 'ro'],
  ['topology_change_detected', 'topology_change_detected', 'ro'],
  ['topology_change_timer', 'topology_change_timer', 'ro'],
  ['vlan_default_pvid', 'vlan_default_pvid', 'rw'],
  ['vlan_filtering', 'vlan_filtering', 'rw'],
  ['vlan_protocol', 'vlan_protocol', 'ro'],
  ['vlan_stats_enabled', 'vlan_stats_enabled', 'rw'],
  ['vlan_stats_per_port', 'vlan_stats_per_port', 'rw'],
];

function bridgeFile(file: string, key: string, mode: 'rw' | 'ro'): SysfsAttribute {
  const show = (dev: NetDevice): string => {
    const br = dev.priv as Bridge;
    if (file === 'bridge_id') return br.bridgeId;
    if (file === 'root_id') return br.designatedRoot;
    if (file === 'flush') throw new KernelError('EACCES');
    const value = bridgeInfo(br)[key] ?? 0;
    if (file === 'group_fwd_mask') return `0x${Number(value).toString(16)}`;
    if (file === 'vlan_protocol') return `0x${br.vlanProto.toString(16)}`;
    return file.endsWith('_timer') ? String(Math.round(Number(value) * 100)) : String(value);
  };
  if (mode === 'ro') return { show };
  return {
    show,
    store: (dev, text) => {
      const value = file === 'group_addr' ? text : integer(text);
      bridgeChangelink(dev.priv as Bridge, { [key]: value });
    },
  };
}

/** File name → attribute of {@link portInfo}; those that may be written. */
const PORT_FILES: readonly (readonly [string, string, 'rw' | 'ro'])[] = [
  ['backup_port', 'backup_port', 'ro'],
  ['bpdu_guard', 'guard', 'rw'],
  ['broadcast_flood', 'bcast_flood', 'rw'],
  ['change_ack', 'topology_change_ack', 'ro'],
  ['config_pending', 'config_pending', 'ro'],
  ['designated_bridge', '', 'ro'],
  ['designated_cost', 'designated_cost', 'ro'],
  ['designated_port', 'designated_port', 'ro'],
  ['designated_root', '', 'ro'],
  ['flush', 'fdb_flush', 'rw'],
  ['forward_delay_timer', 'forward_delay_timer', 'ro'],
  ['group_fwd_mask', 'group_fwd_mask', 'rw'],
  ['hairpin_mode', 'hairpin', 'rw'],
  ['hold_timer', 'hold_timer', 'ro'],
  ['isolated', 'isolated', 'rw'],
  ['learning', 'learning', 'rw'],
  ['message_age_timer', 'message_age_timer', 'ro'],
  ['multicast_fast_leave', 'fastleave', 'rw'],
  ['multicast_flood', 'mcast_flood', 'rw'],
  ['multicast_router', 'multicast_router', 'rw'],
  ['multicast_to_unicast', 'mcast_to_unicast', 'rw'],
  ['neigh_suppress', 'neigh_suppress', 'rw'],
  ['path_cost', 'cost', 'rw'],
  ['port_id', 'id', 'ro'],
  ['port_no', 'no', 'ro'],
  ['priority', 'priority', 'rw'],
  ['proxyarp', 'proxy_arp', 'rw'],
  ['proxyarp_wifi', 'proxy_arp_wifi', 'rw'],
  ['root_block', 'root_block', 'rw'],
  ['state', '', 'ro'],
  ['unicast_flood', 'flood', 'rw'],
];

function portFile(file: string, key: string, mode: 'rw' | 'ro'): SysfsAttribute {
  const portOf = (dev: NetDevice): BridgePort => {
    const port = bridgePortOf(dev);
    if (port === undefined) throw new KernelError('ENODEV');
    return port;
  };
  const show = (dev: NetDevice): string => {
    const port = portOf(dev);
    if (file === 'designated_bridge') return port.designatedBridge;
    if (file === 'designated_root') return port.designatedRoot;
    if (file === 'state') return String(port.state);
    if (file === 'flush') throw new KernelError('EACCES');
    const value = portInfo(port)[key] ?? '';
    if (file === 'group_fwd_mask') return `0x${port.groupFwdMask.toString(16)}`;
    if (typeof value === 'boolean') return value ? '1' : '0';
    return file.endsWith('_timer') ? String(Math.round(Number(value) * 100)) : String(value);
  };
  if (mode === 'ro') return { show };
  return {
    show,
    store: (dev, text) => {
      const value = integer(text);
      portChangelink(portOf(dev), {
        [key]: Object.hasOwn(PortFlag, key) ? value !== 0 : value,
      });
    },
  };
}

/** /sys/class/net/BR/bridge. */
export const BRIDGE_SYSFS: SysfsGroups = {
  bridge: Object.fromEntries(
    BRIDGE_FILES.map(([file, key, mode]) => [file, bridgeFile(file, key, mode)]),
  ),
};

/** /sys/class/net/PORT/brport. */
export const PORT_SYSFS: SysfsGroups = {
  brport: Object.fromEntries(
    PORT_FILES.map(([file, key, mode]) => [file, portFile(file, key, mode)]),
  ),
};
