/** `bridge`: options, objects, batches. */
import { print, printErr, type Program } from '@netloom/sys';
import { Args, matches } from '../args.js';
import { CommandExit } from '../command.js';
import { defaultOptions, IpContext, netnsSwitch } from '../ip/context.js';
import { runObject, runObjectBatch, type ObjectProgram } from '../object-program.js';
import { doFdb } from './fdb.js';
import { BRIDGE_HELP } from './help.js';
import { doBridgeLink } from './link.js';
import { doMdb } from './mdb.js';
import { doMonitor } from './monitor.js';
import { doVlan } from './vlan.js';

async function run(words: readonly string[], context: IpContext): Promise<void> {
  const args = new Args(words);
  if (args.done) throw new CommandExit(255, BRIDGE_HELP);
  const name = args.take();
  if (matches(name, 'link')) doBridgeLink(args, context);
  else if (matches(name, 'fdb')) doFdb(args, context);
  else if (matches(name, 'mdb')) doMdb(args, context);
  else if (matches(name, 'monitor')) await doMonitor(args, context);
  else if (matches(name, 'vlan')) doVlan(args, context);
  else if (matches(name, 'help')) throw new CommandExit(255, BRIDGE_HELP);
  else throw new CommandExit(255, `Object "${name}" is unknown, try "bridge help".\n`);
}

const bridge: ObjectProgram = { refusedExit: 255, run };

/** bridge(8). */
export const bridgeMain: Program = async (sys) => {
  const options = defaultOptions();
  const argv = sys.argv.slice(1);
  let batch: string | undefined;
  let at = 0;
  try {
    for (; at < argv.length; at++) {
      let word = argv[at] ?? '';
      if (word === '--') {
        at++;
        break;
      }
      if (!word.startsWith('-')) break;
      if (word.startsWith('--')) word = word.slice(1);
      const is = (name: string): boolean => word.length > 1 && name.startsWith(word);
      const value = (): string => {
        const next = argv[++at];
        if (next === undefined) throw new CommandExit(255, BRIDGE_HELP);
        return next;
      };
      if (is('-help')) throw new CommandExit(255, BRIDGE_HELP);
      else if (is('-Version')) {
        await print(sys, 'bridge utility, 6.1.0\n');
        return 0;
      } else if (is('-stats') || is('-statistics')) options.stats++;
      else if (is('-details')) options.details++;
      else if (is('-oneline')) options.oneline = true;
      else if (is('-timestamp')) options.timestamp = 1;
      else if (is('-family')) value();
      else if (word === '-4' || word === '-6') continue;
      else if (is('-netns')) netnsSwitch(sys, value());
      else if (/^-color(=(always|auto|never))?$/.test(word))
        options.color = !word.endsWith('never');
      else if (is('-compressvlans')) continue;
      else if (is('-force')) options.force = true;
      else if (is('-json')) options.json = true;
      else if (is('-pretty')) options.pretty = true;
      else if (is('-batch')) batch = value();
      else throw new CommandExit(255, `Option "${word}" is unknown, try "bridge help".\n`);
    }
  } catch (error) {
    if (!(error instanceof CommandExit)) throw error;
    await printErr(sys, error.stderr);
    return error.code;
  }
  if (batch !== undefined) return await runObjectBatch(bridge, sys, batch, options);
  return await runObject(bridge, argv.slice(at), new IpContext(sys, options, bridge.refusedExit));
};
