/**
 * Bridges and bridge ports: `type bridge …`, `type bridge_slave …`.
 */
import { formatMac } from '@netloom/base';
import { invalidArgument, matches, parseLladdr, parseOnOff } from '../args.js';
import type { LinkInfoData } from '@netloom/sys';
import { CommandExit } from '../command.js';
import type { Out } from '../out.js';
import { numberValue, show, showOnOff, showTimer } from './link-data.js';
import { LINK_TYPE_HELP } from './link-type-help.js';
import type { LinkType } from './link-types.js';

/** Keyword, attribute, largest value, and whether it may be abbreviated. */
const BRIDGE_NUMBERS: readonly (readonly [string, string, number])[] = [
  ['forward_delay', 'forward_delay', 0xffffffff],
  ['hello_time', 'hello_time', 0xffffffff],
  ['max_age', 'max_age', 0xffffffff],
  ['ageing_time', 'ageing_time', 0xffffffff],
  ['stp_state', 'stp_state', 0xffffffff],
  ['priority', 'priority', 0xffff],
  ['vlan_filtering', 'vlan_filtering', 255],
  ['vlan_default_pvid', 'vlan_default_pvid', 4095],
  ['vlan_stats_enabled', 'vlan_stats_enabled', 255],
  ['vlan_stats_per_port', 'vlan_stats_per_port', 255],
  ['mcast_router', 'mcast_router', 255],
  ['mcast_snooping', 'mcast_snooping', 255],
  ['mcast_vlan_snooping', 'mcast_vlan_snooping', 255],
  ['no_linklocal_learn', 'no_linklocal_learn', 255],
  ['mcast_query_use_ifaddr', 'mcast_query_use_ifaddr', 255],
  ['mcast_querier', 'mcast_querier', 255],
  ['mcast_hash_elasticity', 'mcast_hash_elasticity', 0xffffffff],
  ['mcast_hash_max', 'mcast_hash_max', 0xffffffff],
  ['mcast_last_member_count', 'mcast_last_member_cnt', 0xffffffff],
  ['mcast_startup_query_count', 'mcast_startup_query_cnt', 0xffffffff],
  ['mcast_last_member_interval', 'mcast_last_member_intvl', Number.MAX_SAFE_INTEGER],
  ['mcast_membership_interval', 'mcast_membership_intvl', Number.MAX_SAFE_INTEGER],
  ['mcast_querier_interval', 'mcast_querier_intvl', Number.MAX_SAFE_INTEGER],
  ['mcast_query_interval', 'mcast_query_intvl', Number.MAX_SAFE_INTEGER],
  ['mcast_query_response_interval', 'mcast_query_response_intvl', Number.MAX_SAFE_INTEGER],
  ['mcast_startup_query_interval', 'mcast_startup_query_intvl', Number.MAX_SAFE_INTEGER],
  ['mcast_stats_enabled', 'mcast_stats_enabled', 255],
  ['mcast_igmp_version', 'mcast_igmp_version', 255],
  ['mcast_mld_version', 'mcast_mld_version', 255],
  ['nf_call_iptables', 'nf_call_iptables', 255],
  ['nf_call_ip6tables', 'nf_call_ip6tables', 255],
  ['nf_call_arptables', 'nf_call_arptables', 255],
];

/** Attributes in print order: [attribute, text]; `~` marks a timer. */
const BRIDGE_PRINT: readonly (readonly [string, string])[] = [
  ['forward_delay', 'forward_delay'],
  ['hello_time', 'hello_time'],
  ['max_age', 'max_age'],
  ['ageing_time', 'ageing_time'],
  ['stp_state', 'stp_state'],
  ['priority', 'priority'],
  ['vlan_filtering', 'vlan_filtering'],
  ['vlan_protocol', 'vlan_protocol'],
  ['bridge_id', 'bridge_id'],
  ['root_id', 'designated_root'],
  ['root_port', 'root_port'],
  ['root_path_cost', 'root_path_cost'],
  ['topology_change', 'topology_change'],
  ['topology_change_detected', 'topology_change_detected'],
  ['hello_timer', '~'],
  ['tcn_timer', '~'],
  ['topology_change_timer', '~'],
  ['gc_timer', '~'],
  ['vlan_default_pvid', 'vlan_default_pvid'],
  ['vlan_stats_enabled', 'vlan_stats_enabled'],
  ['vlan_stats_per_port', 'vlan_stats_per_port'],
  ['group_fwd_mask', 'group_fwd_mask'],
  ['group_addr', 'group_address'],
  ['mcast_snooping', 'mcast_snooping'],
  ['no_linklocal_learn', 'no_linklocal_learn'],
  ['mcast_vlan_snooping', 'mcast_vlan_snooping'],
  ['mcast_router', 'mcast_router'],
  ['mcast_query_use_ifaddr', 'mcast_query_use_ifaddr'],
  ['mcast_querier', 'mcast_querier'],
  ['mcast_hash_elasticity', 'mcast_hash_elasticity'],
  ['mcast_hash_max', 'mcast_hash_max'],
  ['mcast_last_member_cnt', 'mcast_last_member_count'],
  ['mcast_startup_query_cnt', 'mcast_startup_query_count'],
  ['mcast_last_member_intvl', 'mcast_last_member_interval'],
  ['mcast_membership_intvl', 'mcast_membership_interval'],
  ['mcast_querier_intvl', 'mcast_querier_interval'],
  ['mcast_query_intvl', 'mcast_query_interval'],
  ['mcast_query_response_intvl', 'mcast_query_response_interval'],
  ['mcast_startup_query_intvl', 'mcast_startup_query_interval'],
  ['mcast_stats_enabled', 'mcast_stats_enabled'],
  ['mcast_igmp_version', 'mcast_igmp_version'],
  ['mcast_mld_version', 'mcast_mld_version'],
  ['nf_call_iptables', 'nf_call_iptables'],
  ['nf_call_ip6tables', 'nf_call_ip6tables'],
  ['nf_call_arptables', 'nf_call_arptables'],
];

export const bridgeLink: LinkType = {
  parse(args, data) {
    while (!args.done) {
      const word = args.take();
      const number = BRIDGE_NUMBERS.find(([keyword]) => matches(word, keyword));
      if (number !== undefined) {
        const [keyword, key, max] = number;
        data[key] = numberValue(args.value(), max, `invalid ${keyword}`);
      } else if (matches(word, 'group_fwd_mask')) {
        data['group_fwd_mask'] = numberValue(args.value(), 0xffff, 'invalid group_fwd_mask');
      } else if (matches(word, 'group_address')) {
        data['group_addr'] = formatMac(parseLladdr(args.value()));
      } else if (matches(word, 'vlan_protocol')) {
        data['vlan_protocol'] = vlanProtocol(args.value());
      } else if (matches(word, 'fdb_flush')) {
        data['fdb_flush'] = true;
      } else if (matches(word, 'help')) {
        throw new CommandExit(1, LINK_TYPE_HELP['bridge']);
      } else {
        throw new CommandExit(
          1,
          `bridge: unknown command "${word}"?\n${LINK_TYPE_HELP['bridge'] ?? ''}`,
        );
      }
    }
  },
  print(out, data) {
    for (const [key, text] of BRIDGE_PRINT) {
      if (text === '~') showTimer(out, data, key);
      else if (key === 'group_fwd_mask') showMask(out, data);
      else show(out, data, key, text);
    }
  },
};

/** A mask as `0x4000`; 0 as it is. */
function showMask(out: Out, data: LinkInfoData): void {
  const mask = Number(data['group_fwd_mask'] ?? 0);
  const text = mask === 0 ? '0' : `0x${mask.toString(16)}`;
  if (data['group_fwd_mask'] !== undefined)
    out.any('group_fwd_mask', `group_fwd_mask ${text} `, text);
}

/** `802.1Q` or `802.1ad`. */
export function vlanProtocol(word: string): string {
  const found = ['802.1Q', '802.1ad'].find((name) => name.toLowerCase() === word.toLowerCase());
  if (found === undefined) throw invalidArgument('invalid vlan_protocol', word);
  return found;
}

export const PORT_STATES: readonly string[] = [
  'disabled',
  'listening',
  'learning',
  'forwarding',
  'blocking',
];

/** The name of a port's state, given as number or name. */
export function portStateText(state: string | number | boolean): string {
  if (typeof state !== 'number') return String(state);
  return PORT_STATES[state] ?? `state ${state}`;
}

/** `[keyword, attribute]` of a port's switches. */
const PORT_SWITCHES: readonly (readonly [string, string])[] = [
  ['hairpin', 'hairpin'],
  ['guard', 'guard'],
  ['root_block', 'root_block'],
  ['fastleave', 'fastleave'],
  ['learning', 'learning'],
  ['flood', 'flood'],
  ['proxy_arp', 'proxy_arp'],
  ['proxy_arp_wifi', 'proxy_arp_wifi'],
  ['mcast_flood', 'mcast_flood'],
  ['bcast_flood', 'bcast_flood'],
  ['mcast_to_unicast', 'mcast_to_unicast'],
  ['neigh_suppress', 'neigh_suppress'],
  ['vlan_tunnel', 'vlan_tunnel'],
  ['isolated', 'isolated'],
  ['locked', 'locked'],
  ['mcast_fast_leave', 'fastleave'],
];

export const bridgePort: LinkType = {
  parse(args, data, context) {
    while (!args.done) {
      const word = args.take();
      const toggle = PORT_SWITCHES.find(([keyword]) => matches(word, keyword));
      if (word === 'fdb_flush') data['fdb_flush'] = true;
      else if (matches(word, 'state')) data['state'] = portState(args.value());
      else if (matches(word, 'priority'))
        data['priority'] = numberValue(args.value(), 0xffff, 'invalid priority');
      else if (matches(word, 'cost'))
        data['cost'] = numberValue(args.value(), 0xffffffff, 'invalid cost');
      else if (matches(word, 'mcast_router')) {
        data['multicast_router'] = numberValue(args.value(), 255, 'invalid mcast_router');
      } else if (matches(word, 'group_fwd_mask')) {
        data['group_fwd_mask'] = numberValue(args.value(), 0xffff, 'invalid group_fwd_mask');
      } else if (matches(word, 'backup_port')) {
        const name = args.value();
        const ifindex = context.ifindex(name);
        if (ifindex === 0) throw invalidArgument('Device does not exist\n', name);
        data['backup_port'] = ifindex;
      } else if (matches(word, 'nobackup_port')) data['backup_port'] = 0;
      else if (toggle !== undefined) data[toggle[1]] = parseOnOff(toggle[0], args.value());
      else if (matches(word, 'help')) throw new CommandExit(1, LINK_TYPE_HELP['bridge_slave']);
      else
        throw new CommandExit(
          1,
          `bridge_slave: unknown option "${word}"?\n${LINK_TYPE_HELP['bridge_slave'] ?? ''}`,
        );
    }
  },
  print(out, data) {
    const state = data['state'];
    if (state !== undefined)
      out.any('state', `state ${portStateText(state)} `, portStateText(state));
    show(out, data, 'priority');
    show(out, data, 'cost');
    for (const key of ['hairpin', 'guard', 'root_block', 'fastleave', 'learning', 'flood'])
      showOnOff(out, data, key);
    show(out, data, 'id', 'port_id');
    show(out, data, 'no', 'port_no');
    show(out, data, 'designated_port');
    show(out, data, 'designated_cost');
    show(out, data, 'bridge_id', 'designated_bridge');
    show(out, data, 'root_id', 'designated_root');
    for (const key of ['hold_timer', 'message_age_timer', 'forward_delay_timer'])
      showTimer(out, data, key);
    show(out, data, 'topology_change_ack');
    show(out, data, 'config_pending');
    showOnOff(out, data, 'proxy_arp');
    showOnOff(out, data, 'proxy_arp_wifi');
    show(out, data, 'multicast_router', 'mcast_router');
    if (data['fastleave'] !== undefined)
      out.plain(`mcast_fast_leave ${isOn(data['fastleave']) ? 'on' : 'off'} `);
    for (const key of ['mcast_flood', 'bcast_flood', 'mcast_to_unicast', 'neigh_suppress'])
      showOnOff(out, data, key);
    show(out, data, 'group_fwd_mask');
    show(out, data, 'group_fwd_mask_str');
    for (const key of ['vlan_tunnel', 'isolated', 'locked']) showOnOff(out, data, key);
  },
};

function isOn(value: string | number | boolean): boolean {
  return value === true || value === 1;
}

/** A port state's name or number as the kernel's name. */
export function portState(word: string): string {
  const index = /^\d+$/.test(word) ? Number(word) : PORT_STATES.indexOf(word);
  const name = PORT_STATES[index];
  if (name === undefined) throw invalidArgument('invalid state', word);
  return name;
}
