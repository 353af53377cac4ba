/** Link types with few attributes: VRF, IPVLAN. */
import { invalidArgument, matches } from '../args.js';
import { CommandExit } from '../command.js';
import { show } from './link-data.js';
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

/** A port of a VRF shows its table. */
export const vrfSlave: LinkType = {
  parse: () => undefined,
  print: (out, data) => {
    show(out, data, 'table');
  },
};
