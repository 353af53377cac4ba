/** `tc`: options, objects, batches. Source: tc(8), iproute2 6.1. */
import { print, printErr, type Program } from '@netloom/sys';
import { Args, matches } from '../args.js';
import { CommandExit } from '../command.js';
import { defaultOptions, IpContext, netnsSwitch } from '../ip/context.js';
import { runObject, runObjectBatch, type ObjectProgram } from '../object-program.js';
import { TC_HELP } from './help.js';
import { doQdisc } from './qdisc.js';

const tc: ObjectProgram = {
  refusedExit: 2,
  run(words, context) {
    const args = new Args(words);
    const name = args.done ? 'help' : args.take();
    if (matches(name, 'qdisc')) doQdisc(args, context);
    else if (matches(name, 'help')) throw new CommandExit(0, TC_HELP);
    else throw new CommandExit(255, `Object "${name}" is unknown, try "tc help".\n`);
    return Promise.resolve();
  },
};

/** tc(8). */
export const tcMain: Program = async (sys) => {
  const options = defaultOptions();
  const argv = sys.argv.slice(1);
  let batch: string | undefined;
  let at = 0;
  try {
    for (; at < argv.length && argv[at]?.startsWith('-') === true; at++) {
      const word = argv[at] ?? '';
      const is = (name: string): boolean => word.length > 1 && name.startsWith(word);
      const value = (): string => {
        const next = argv[++at];
        if (next === undefined)
          throw new CommandExit(255, 'Command line is not complete. Try option "help"\n');
        return next;
      };
      if (is('-stats') || is('-statistics')) options.stats++;
      else if (is('-details')) options.details++;
      else if (is('-raw') || is('-iec') || is('-oneline') || is('-echo')) continue;
      else if (is('-pretty')) options.pretty = true;
      else if (is('-graph') || word === '-nm' || is('-names') || is('-Numeric')) continue;
      else if (is('-help')) throw new CommandExit(0, TC_HELP);
      else if (is('-force')) options.force = true;
      else if (is('-batch')) batch = value();
      else if (is('-netns')) netnsSwitch(sys, value());
      else if (word === '-cf' || word === '-conf') value();
      else if (is('-timestamp') || is('-tshort') || is('-brief')) continue;
      else if (is('-json')) options.json = true;
      else if (/^-color(=(always|auto|never))?$/.test(word))
        options.color = !word.endsWith('never');
      else if (is('-Version')) {
        await print(sys, 'tc utility, iproute2-6.1.0, libbpf 1.1.2\n');
        return 0;
      } else throw new CommandExit(255, `Option "${word}" is unknown, try "tc -help".\n`);
    }
  } catch (error) {
    if (!(error instanceof CommandExit)) throw error;
    await printErr(sys, error.stderr);
    return error.code;
  }
  if (batch !== undefined) return await runObjectBatch(tc, sys, batch, options);
  return await runObject(tc, argv.slice(at), new IpContext(sys, options, tc.refusedExit));
};
