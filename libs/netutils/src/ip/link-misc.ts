/** Link types with few attributes: VRF, IPVLAN, bonds and IPv4 tunnels. */
import { invalidArgument, matches, noDevice } from '../args.js';
import { CommandExit } from '../command.js';
import { numberValue, show } from './link-data.js';
import { LINK_TYPE_HELP } from './link-type-help.js';
import type { LinkType } from './link-types.js';

/** `table` (a number). */
export const vrfLink: LinkType = {
  parse(args, data, context) {
    while (!args.done) {
      const word = args.take();
      if (matches(word, 'table')) {
        const text = args.value();
        const table = context.names.tables.number(text, 0xffffffff);
        if (table === undefined) throw invalidArgument('invalid table ID\n', text);
        data['table'] = table;
      } else if (matches(word, 'help')) throw new CommandExit(1, LINK_TYPE_HELP['vrf']);
      else
        throw new CommandExit(1, `vrf: unknown option "${word}"?\n${LINK_TYPE_HELP['vrf'] ?? ''}`);
    }
  },
  print(out, data) {
    show(out, data, 'table');
  },
};

const IPVLAN_MODES = ['l2', 'l3', 'l3s'];
const IPVLAN_FLAGS = ['bridge', 'private', 'vepa'];

/** `mode` (l2, l3, l3s) and `flags` (bridge, private, vepa). */
export const ipvlanLink: LinkType = {
  parse(args, data) {
    while (!args.done) {
      const word = args.take();
      if (matches(word, 'mode')) {
        const mode = args.value();
        if (!IPVLAN_MODES.includes(mode)) {
          throw new CommandExit(
            1,
            'Error: argument of "mode" must be either "l2", "l3" or "l3s"\n',
          );
        }
        data['mode'] = mode;
      } else if (IPVLAN_FLAGS.includes(word)) data['flags'] = word;
      else if (matches(word, 'help')) throw new CommandExit(1, LINK_TYPE_HELP['ipvlan']);
      else
        throw new CommandExit(
          1,
          `ipvlan: unknown option "${word}"?\n${LINK_TYPE_HELP['ipvlan'] ?? ''}`,
        );
    }
  },
  print(out, data) {
    const mode = data['mode'];
    if (mode !== undefined) out.any('mode', ` mode ${String(mode)} `, mode);
    const flags = data['flags'];
    if (flags !== undefined) out.any('mode_flag', `${String(flags)} `, flags);
  },
};

const BOND_MODES = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
];

/** `mode` by name, and numbers by keyword. */
export const bondLink: LinkType = {
  parse(args, data, context) {
    const numbers = [
      'miimon',
      'updelay',
      'downdelay',
      'peer_notify_delay',
      'use_carrier',
      'arp_interval',
      'resend_igmp',
      'num_grat_arp',
      'num_unsol_na',
      'all_slaves_active',
      'min_links',
      'lp_interval',
      'packets_per_slave',
      'tlb_dynamic_lb',
    ];
    const names = [
      'arp_validate',
      'arp_all_targets',
      'arp_ip_target',
      'primary_reselect',
      'fail_over_mac',
      'xmit_hash_policy',
      'lacp_rate',
      'ad_select',
      'lacp_active',
    ];
    while (!args.done) {
      const word = args.take();
      const number = numbers.find((keyword) => matches(word, keyword));
      const name = names.find((keyword) => matches(word, keyword));
      if (matches(word, 'mode')) {
        const text = args.value();
        const mode = /^\d+$/.test(text)
          ? BOND_MODES[Number(text)]
          : BOND_MODES.find((known) => known === text);
        if (mode === undefined) throw invalidArgument('invalid mode', text);
        data['mode'] = mode;
      } else if (matches(word, 'active_slave') || matches(word, 'primary')) {
        const text = args.value();
        if (context.ifindex(text) === 0) throw noDevice(text);
        data[matches(word, 'primary') ? 'primary' : 'active_slave'] = text;
      } else if (number !== undefined)
        data[number] = numberValue(args.value(), 0xffffffff, `invalid ${number}`);
      else if (name !== undefined) data[name] = args.value();
      else if (matches(word, 'help')) throw new CommandExit(1, LINK_TYPE_HELP['bond']);
      else
        throw new CommandExit(
          1,
          `bond: unknown command "${word}"?\n${LINK_TYPE_HELP['bond'] ?? ''}`,
        );
    }
  },
  print(out, data) {
    for (const key of Object.keys(data)) show(out, data, key);
  },
};
