/** MACVLAN and MACVTAP devices: `type macvlan mode MODE …`. */
import { formatMac, parseMac } from '@netloom/base';
import { invalidArgument, matches, type Args } from '../args.js';
import { CommandExit } from '../command.js';
import { numberValue, show } from './link-data.js';
import { LINK_TYPE_HELP } from './link-type-help.js';
import type { LinkData, LinkType } from './link-types.js';

const MODES = ['private', 'vepa', 'bridge', 'passthru', 'source'];

/** Attributes: `mode`, `flags` (a comma list of nopromisc, nodst), `bcqueuelen`, `usedbcqueuelen`. */
export const macvlanLink: LinkType = {
  parse(args, data) {
    while (!args.done) {
      const word = args.take();
      if (matches(word, 'mode')) {
        const mode = args.value();
        if (!MODES.includes(mode)) {
          const list = '"private", "vepa", "bridge", "passthru" or "source"';
          throw new CommandExit(1, `Error: argument of "mode" must be ${list}, not "${mode}"\n`);
        }
        data['mode'] = mode;
      } else if (matches(word, 'flag')) {
        const flag = args.value();
        if (!['null', 'nopromisc', 'nodst'].includes(flag))
          throw invalidArgument('invalid flag', flag);
        if (flag !== 'null') data['flags'] = flag;
      } else if (word === 'nopromisc' || word === 'nodst') data['flags'] = word;
      else if (matches(word, 'bcqueuelen')) {
        data['bcqueuelen'] = numberValue(
          args.value(),
          0xffffffff,
          'bc_queue_len must be in range [0-4294967295]',
        );
      } else if (matches(word, 'macaddr')) parseSources(args, data);
      else if (matches(word, 'help')) throw new CommandExit(1, LINK_TYPE_HELP['macvlan']);
      else
        throw new CommandExit(
          1,
          `macvlan: unknown command "${word}"?\n${LINK_TYPE_HELP['macvlan'] ?? ''}`,
        );
    }
  },
  print(out, data) {
    show(out, data, 'mode');
    const flags = data['flags'];
    if (typeof flags === 'string' && flags !== '') {
      for (const flag of flags.split(',')) out.any(flag, `${flag} `, true);
    }
    show(out, data, 'bcqueuelen');
    show(out, data, 'usedbcqueuelen');
    const count = data['macaddr_count'];
    if (count === undefined) return;
    out.any('macaddr_count', `remotes (${String(count)}) `, count);
    out.openArray('macaddr_data');
    for (const mac of String(data['macaddr_data'] ?? '').split(' '))
      if (mac !== '') out.any(undefined, `${mac} `, mac);
    out.closeArray();
  },
};

/** `add|del MAC`, `set [MAC …]`, `flush`. */
function parseSources(args: Args, data: LinkData): void {
  const verb = args.value();
  const macs: string[] = [];
  const mac = (word: string): string => {
    const bytes = parseMac(word);
    if (bytes === undefined) throw invalidArgument('invalid mac address', word);
    return formatMac(bytes);
  };
  if (verb === 'add' || verb === 'del') macs.push(mac(args.value()));
  else if (verb === 'set') while (!args.done) macs.push(mac(args.take()));
  else if (verb !== 'flush')
    throw new CommandExit(
      1,
      `macvlan: unknown macaddr command "${verb}"?\n${LINK_TYPE_HELP['macvlan'] ?? ''}`,
    );
  data['macaddr_mode'] = verb;
  data['macaddr_data'] = macs.join(' ');
}
