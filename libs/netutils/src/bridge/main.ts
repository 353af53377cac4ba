/** `bridge`: options, objects, batches. */
import { KernelError, strerror } from '@netloom/base';
import { print, printErr, readLines, type Program, type Sys } from '@netloom/sys';
import { Args, matches } from '../args.js';
import { CommandExit } from '../command.js';
import { defaultOptions, IpContext, netnsSwitch, type IpOptions } from '../ip/context.js';
import { batchWords } from '../ip/main.js';
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

async function runLine(words: readonly string[], context: IpContext): Promise<number> {
  try {
    await run(words, context);
    await context.flush();
    return 0;
  } catch (error) {
    if (!(error instanceof CommandExit)) throw error;
    await context.flush();
    await printErr(context.sys, error.stderr);
    return error.code;
  }
}

async function runBatch(sys: Sys, file: string, options: IpOptions): Promise<number> {
  let fd = 0;
  if (file !== '-') {
    try {
      fd = sys.open(file, 0);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      await printErr(sys, `Cannot open file "${file}" for reading: ${strerror(error.errno)}\n`);
      return 1;
    }
  }
  let number = 0;
  let code = 0;
  for await (const line of readLines(sys, fd)) {
    number++;
    const words = batchWords(line);
    if (words.length === 0 || (await runLine(words, new IpContext(sys, options, 255))) === 0)
      continue;
    await printErr(sys, `Command failed ${file}:${number}\n`);
    code = 1;
    if (!options.force) break;
  }
  return code;
}

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
  if (batch !== undefined) return await runBatch(sys, batch, options);
  return await runLine(argv.slice(at), new IpContext(sys, options, 255));
};
