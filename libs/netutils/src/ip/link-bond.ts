/** Bonds and their slaves: `type bond mode MODE …`, `type bond_slave …`. */
import type { LinkInfoData } from '@netloom/sys';
import { invalidArgument, matches, noDevice } from '../args.js';
import { CommandExit } from '../command.js';
import type { Out } from '../out.js';
import { numberValue, show } from './link-data.js';
import { LINK_TYPE_HELP } from './link-type-help.js';
import type { LinkType } from './link-types.js';

const MODES = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
];

/** Options with a number: keyword, largest, and the complaint where it is not the keyword's. */
const NUMBERS: readonly (readonly [string, number, string?])[] = [
  ['miimon', 0xffffffff],
  ['updelay', 0xffffffff],
  ['downdelay', 0xffffffff],
  ['peer_notify_delay', 0xffffffff],
  ['use_carrier', 255],
  ['arp_interval', 0xffffffff],
  ['arp_missed_max', 255],
  ['resend_igmp', 0xffffffff],
  ['num_grat_arp', 255, 'num_grat_arp|num_unsol_na'],
  ['num_unsol_na', 255, 'num_grat_arp|num_unsol_na'],
  ['all_slaves_active', 255],
  ['min_links', 0xffffffff],
  ['lp_interval', 0xffffffff],
  ['packets_per_slave', 0xffffffff],
  ['tlb_dynamic_lb', 255],
  ['ad_user_port_key', 0xffff],
  ['ad_actor_sys_prio', 0xffff],
];

/** Options with a word out of a list. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  arp_validate: ['none', 'active', 'backup', 'all', 'filter', 'filter_active', 'filter_backup'],
  arp_all_targets: ['any', 'all'],
  primary_reselect: ['always', 'better', 'failure'],
  fail_over_mac: ['none', 'active', 'follow'],
  xmit_hash_policy: ['layer2', 'layer3+4', 'layer2+3', 'encap2+3', 'encap3+4', 'vlan+srcmac'],
  lacp_active: ['off', 'on'],
  lacp_rate: ['slow', 'fast'],
  ad_select: ['stable', 'bandwidth', 'count'],
};

/** Names in `-j` where they differ from the text's. */
const JSON_NAMES: Readonly<Record<string, string>> = {
  num_grat_arp: 'num_peer_notif',
  lacp_active: 'ad_lacp_active',
  lacp_rate: 'ad_lacp_rate',
};

const AD_INFO = [
  ['ad_aggregator', 'aggregator'],
  ['ad_num_ports', 'num_ports'],
  ['ad_actor_key', 'actor_key'],
  ['ad_partner_key', 'partner_key'],
  ['ad_partner_mac', 'partner_mac'],
] as const;

function pick(names: readonly string[], word: string, keyword: string): string {
  const name = /^\d+$/.test(word) ? names[Number(word)] : names.find((known) => known === word);
  if (name === undefined) throw invalidArgument(`invalid ${keyword}`, word);
  return name;
}

export const bondLink: LinkType = {
  parse(args, data, context) {
    while (!args.done) {
      const word = args.take();
      const number = NUMBERS.find(([keyword]) => matches(word, keyword));
      const name = Object.keys(WORDS).find((keyword) => matches(word, keyword));
      if (matches(word, 'mode')) data['mode'] = pick(MODES, args.value(), 'mode');
      else if (matches(word, 'active_slave') || matches(word, 'primary')) {
        const text = args.value();
        if (context.ifindex(text) === 0) throw noDevice(text);
        data[matches(word, 'primary') ? 'primary' : 'active_slave'] = text;
      } else if (matches(word, 'clear_active_slave')) data['active_slave'] = '';
      else if (matches(word, 'arp_ip_target')) data['arp_ip_target'] = args.value();
      else if (matches(word, 'ad_actor_system')) data['ad_actor_system'] = args.value();
      else if (number !== undefined) {
        const [keyword, most, complaint = keyword] = number;
        data[keyword] = numberValue(args.value(), most, `invalid ${complaint}`);
      } else if (name !== undefined) data[name] = pick(WORDS[name] ?? [], args.value(), name);
      else if (matches(word, 'help')) throw new CommandExit(1, LINK_TYPE_HELP['bond']);
      else
        throw new CommandExit(
          1,
          `bond: unknown command "${word}"?\n${LINK_TYPE_HELP['bond'] ?? ''}`,
        );
    }
  },
  print(out, data) {
    let aggregated = false;
    for (const [key, value] of Object.entries(data)) {
      if (AD_INFO.some(([name]) => name === key)) {
        if (!aggregated) printAdInfo(out, data);
        aggregated = true;
      } else if (key === 'arp_ip_target') printTargets(out, String(value));
      else if (key === 'arp_validate' && value === 'none') out.any(key, 'arp_validate none ', null);
      else out.any(JSON_NAMES[key] ?? key, `${key} ${String(value)} `, value);
    }
  },
};

function printAdInfo(out: Out, data: LinkInfoData): void {
  out.openObject('ad_info');
  for (const [key, json] of AD_INFO) {
    const value = data[key];
    if (value !== undefined) out.any(json, `${key} ${String(value)} `, value);
  }
  out.closeObject();
}

function printTargets(out: Out, list: string): void {
  out.openArray('arp_ip_target', 'arp_ip_target ');
  list.split(',').forEach((target, i) => {
    out.any(undefined, (i > 0 ? ',' : '') + target, target);
  });
  out.closeArray(' ');
}

const SLAVE_STATES = ['ad_actor_oper_port_state_str', 'ad_partner_oper_port_state_str'];

/** `queue_id`, `prio`. */
export const bondSlave: LinkType = {
  parse(args, data) {
    while (!args.done) {
      const word = args.take();
      if (matches(word, 'queue_id'))
        data['queue_id'] = numberValue(args.value(), 0xffff, 'queue_id is invalid');
      else if (matches(word, 'prio')) data['prio'] = Number(args.value());
      else if (matches(word, 'help')) throw new CommandExit(1, LINK_TYPE_HELP['bond_slave']);
      else
        throw new CommandExit(
          1,
          `bond_slave: unknown option "${word}"?\n${LINK_TYPE_HELP['bond_slave'] ?? ''}`,
        );
    }
  },
  print(out, data) {
    for (const [key, value] of Object.entries(data)) {
      if (!SLAVE_STATES.includes(key)) {
        show(out, data, key);
        continue;
      }
      const names = String(value) === '' ? [] : String(value).split(',');
      out.openArray(key, `${key} <`);
      names.forEach((name, i) => {
        out.any(undefined, (i > 0 ? ',' : '') + name, name);
      });
      out.closeArray('> ');
    }
  },
};
