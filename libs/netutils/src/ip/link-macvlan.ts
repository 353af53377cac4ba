/** MACVLAN and MACVTAP devices: `type macvlan mode MODE …`. */
import { invalidArgument, matches } from '../args.js';
import { CommandExit } from '../command.js';
import { numberValue, show } from './link-data.js';
import { LINK_TYPE_HELP } from './link-type-help.js';
import type { LinkType } from './link-types.js';

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
      } else if (matches(word, 'help')) throw new CommandExit(1, LINK_TYPE_HELP['macvlan']);
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
  },
};
