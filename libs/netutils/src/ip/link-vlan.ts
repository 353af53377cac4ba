/** 802.1Q devices: `type vlan id N …`. */
import { invalidArgument, matches, parseOnOff, type Args } from '../args.js';
import type { Out } from '../out.js';
import { CommandExit } from '../command.js';
import { vlanProtocol } from './link-bridge.js';
import { numberValue } from './link-data.js';
import { LINK_TYPE_HELP } from './link-type-help.js';
import type { LinkType } from './link-types.js';

const SWITCHES: readonly (readonly [string, string])[] = [
  ['reorder_hdr', 'REORDER_HDR'],
  ['gvrp', 'GVRP'],
  ['mvrp', 'MVRP'],
  ['loose_binding', 'LOOSE_BINDING'],
  ['bridge_binding', 'BRIDGE_BINDING'],
];

/** Attributes: `id`, `protocol`, and one boolean for each flag by its keyword. */
export const vlanLink: LinkType = {
  parse(args, data) {
    while (!args.done) {
      const word = args.take();
      const toggle = SWITCHES.find(([keyword]) => matches(word, keyword));
      if (matches(word, 'protocol')) data['protocol'] = vlanProtocol(args.value());
      else if (matches(word, 'id')) data['id'] = numberValue(args.value(), 0xffff, 'id is invalid');
      else if (toggle !== undefined) data[toggle[0]] = parseOnOff(toggle[0], args.value());
      else if (matches(word, 'ingress-qos-map'))
        data['ingress_qos'] = qosMaps(args, 'ingress-qos-map');
      else if (matches(word, 'egress-qos-map'))
        data['egress_qos'] = qosMaps(args, 'egress-qos-map');
      else if (matches(word, 'help')) throw new CommandExit(1, LINK_TYPE_HELP['vlan']);
      else
        throw new CommandExit(
          1,
          `vlan: unknown command "${word}"?\n${LINK_TYPE_HELP['vlan'] ?? ''}`,
        );
    }
  },
  print(out, data) {
    const protocol = data['protocol'] ?? '802.1Q';
    out.any('protocol', `protocol ${String(protocol)} `, protocol);
    const id = data['id'];
    if (id !== undefined) out.any('id', `id ${String(id)} `, id);
    const flags = SWITCHES.filter(([key]) => data[key] === true || data[key] === 1).map(
      ([, name]) => name,
    );
    out.openArray('flags', '<');
    flags.forEach((name, i) => out.any(undefined, (i > 0 ? ',' : '') + name, name));
    out.closeArray('> ');
    printQos(out, data['ingress_qos'], 'ingress_qos', 'ingress-qos-map');
    printQos(out, data['egress_qos'], 'egress_qos', 'egress-qos-map');
  },
};

/** `FROM:TO …`, as many as there are. */
function qosMaps(args: Args, keyword: string): string {
  const pairs: string[] = [];
  do {
    const word = args.value();
    if (!/^\d+:\d+$/.test(word)) throw invalidArgument(`invalid ${keyword}`, word);
    pairs.push(word);
  } while (!args.done && args.word.includes(':'));
  return pairs.join(' ');
}

function printQos(
  out: Out,
  value: string | number | boolean | undefined,
  key: string,
  title: string,
): void {
  if (value === undefined || value === '') return;
  out.newline();
  out.openArray(key, `      ${title} { `);
  for (const pair of String(value).split(' ')) {
    const [from = '', to = ''] = pair.split(':');
    out.openObject();
    out.any('from', from, Number(from));
    out.any('to', `:${to} `, Number(to));
    out.closeObject();
  }
  out.closeArray('} ');
}
