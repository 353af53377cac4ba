/** Link types with few attributes: VRF, IPVLAN, bonds and IPv4 tunnels. */
import { AF_INET } from '@netloom/sys';
import { addressText, invalidArgument, matches, noDevice, parseAddress } from '../args.js';
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

/** `remote`, `local` (text, `any`), `link`, `ttl`, `tos`, `pmtudisc`, `ikey`, `okey`, `fwmark`. */
export const tunnelLink: LinkType = {
  parse(args, data, context) {
    while (!args.done) {
      const word = args.take();
      if (matches(word, 'key')) {
        const key = tunnelKey(args.value());
        data['ikey'] = key;
        data['okey'] = key;
      } else if (word === 'ikey' || word === 'okey') data[word] = tunnelKey(args.value());
      else if (word === 'nopmtudisc') data['pmtudisc'] = false;
      else if (word === 'pmtudisc') data['pmtudisc'] = true;
      else if (matches(word, 'remote') || matches(word, 'local')) {
        data[matches(word, 'remote') ? 'remote' : 'local'] = addressText(
          parseAddress(args.value(), AF_INET).address,
        );
      } else if (matches(word, 'dev')) {
        const name = args.value();
        if (context.ifindex(name) === 0) throw noDevice(name);
        data['link'] = name;
      } else if (matches(word, 'ttl') || matches(word, 'hoplimit')) {
        const text = args.value();
        data['ttl'] = text === 'inherit' ? 0 : numberValue(text, 255, 'invalid TTL\n');
      } else if (matches(word, 'tos') || matches(word, 'dsfield')) {
        const text = args.value();
        data['tos'] = text === 'inherit' ? 1 : numberValue(text, 255, 'bad TOS value', 16);
      } else if (word === 'external') data['external'] = true;
      else if (word === 'fwmark')
        data['fwmark'] = numberValue(args.value(), 0xffffffff, 'invalid fwmark\n');
      else if (matches(word, 'help')) throw new CommandExit(1, LINK_TYPE_HELP['gre']);
      else
        throw new CommandExit(
          1,
          `Unknown tunnel argument "${word}"?\n${LINK_TYPE_HELP['gre'] ?? ''}`,
        );
    }
  },
  print(out, data) {
    if (data['external'] === true) out.any('external', 'external ', true);
    for (const key of ['remote', 'local'] as const) {
      const value = data[key] ?? 'any';
      out.any(key, `${key} ${String(value)} `, value);
    }
    const link = data['link'];
    if (link !== undefined) out.any('link', `dev ${String(link)} `, link);
    const ttl = data['ttl'] ?? 0;
    out.any('ttl', `ttl ${ttl === 0 ? 'inherit' : String(ttl)} `, ttl);
    const tos = data['tos'];
    if (tos !== undefined && tos !== 0) {
      const text = tos === 1 ? 'inherit' : `0x${Number(tos).toString(16)}`;
      out.any('tos', `tos ${text} `, text);
    }
    if (data['pmtudisc'] === false) out.any('pmtudisc', 'nopmtudisc ', false);
    for (const key of ['ikey', 'okey'] as const) {
      const value = data[key];
      if (value !== undefined) out.any(key, `${key} ${String(value)} `, value);
    }
  },
};

function tunnelKey(word: string): string {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(word)) return word;
  const value = numberValue(word, 0xffffffff, 'invalid value for "key"');
  return addressText(value);
}
