/**
 * `ip`: options before the object, the table of objects, batches.
 */
import { KernelError, strerror } from '@netloom/base';
import {
  AF_BRIDGE,
  AF_INET,
  AF_INET6,
  AF_PACKET,
  print,
  printErr,
  readLines,
  type Program,
  type Sys,
} from '@netloom/sys';
import { Args, invalidArgument, matches } from '../args.js';
import { CommandExit } from '../command.js';
import { doAddress, doLink } from './address.js';
import { defaultOptions, IpContext, netnsSwitch, type IpOptions } from './context.js';
import { IP_HELP } from './help.js';
import { doMaddress } from './maddress.js';
import { doMonitor } from './monitor.js';
import { doNeigh } from './neigh.js';
import { doNexthop } from './nexthop.js';
import { doNetns } from './netns.js';
import { doRoute } from './route.js';
import { doRule } from './rule.js';
import { doVrf } from './vrf.js';
import { doTunnel } from './tunnel.js';
import { doTuntap } from './tuntap.js';
import { doTcpMetrics } from './tcp-metrics.js';

type IpObject = (args: Args, context: IpContext) => Promise<number | void> | number | void;

/** Objects in the order in which abbreviations are tried; undefined where nothing of it is modelled. */
const OBJECTS: readonly (readonly [string, IpObject | undefined])[] = [
  ['address', doAddress],
  ['addrlabel', undefined],
  ['maddress', doMaddress],
  ['route', doRoute],
  ['rule', doRule],
  ['neighbor', doNeigh],
  ['neighbour', doNeigh],
  ['ntable', undefined],
  ['ntbl', undefined],
  ['link', doLink],
  ['l2tp', undefined],
  ['fou', undefined],
  ['ila', undefined],
  ['macsec', undefined],
  ['tunnel', doTunnel],
  ['tunl', doTunnel],
  ['tuntap', doTuntap],
  ['tap', doTuntap],
  ['token', undefined],
  ['tcpmetrics', doTcpMetrics],
  ['tcp_metrics', doTcpMetrics],
  ['monitor', doMonitor],
  ['xfrm', undefined],
  ['mroute', undefined],
  ['mrule', undefined],
  ['netns', doNetns],
  ['netconf', undefined],
  ['vrf', doVrf],
  ['sr', undefined],
  ['nexthop', doNexthop],
  ['mptcp', undefined],
  ['ioam', undefined],
  [
    'help',
    () => {
      throw new CommandExit(255, IP_HELP);
    },
  ],
  ['stats', undefined],
];

/** Options that are one flag, in the order in which abbreviations are tried. */
const FAMILIES: Readonly<Record<string, number>> = {
  inet: AF_INET,
  inet6: AF_INET6,
  link: AF_PACKET,
  bridge: AF_BRIDGE,
  mpls: 28,
};

interface Invocation {
  readonly options: IpOptions;
  readonly netns?: string;
  readonly batch?: string;
  readonly words: readonly string[];
}

/** `-c`, `-color`, `-c=auto|always|never`. */
function colorOption(word: string): string | undefined {
  const [name = '', when = 'always'] = word.slice(1).split('=');
  return matches(name, 'color') ? when : undefined;
}

function parseOptions(argv: readonly string[], tty: boolean): Invocation {
  const options = defaultOptions();
  let netns: string | undefined;
  let batch: string | undefined;
  let at = 0;
  const value = (): string => {
    const next = argv[++at];
    if (next === undefined) throw new CommandExit(255, IP_HELP);
    return next;
  };
  for (; at < argv.length; at++) {
    let word = argv[at] ?? '';
    if (word === '--') {
      at++;
      break;
    }
    if (!word.startsWith('-')) break;
    if (word.startsWith('--')) word = word.slice(1);
    const is = (name: string): boolean => word.length > 1 && name.startsWith(word);
    const color = colorOption(word);
    if (is('-loops')) value();
    else if (is('-family')) {
      const name = value();
      if (name === 'help') throw new CommandExit(255, IP_HELP);
      const family = FAMILIES[name];
      if (family === undefined) throw invalidArgument('invalid protocol family', name);
      options.family = family;
    } else if (word === '-4') options.family = AF_INET;
    else if (word === '-6') options.family = AF_INET6;
    else if (word === '-0') options.family = AF_PACKET;
    else if (word === '-M') options.family = 28;
    else if (word === '-B') options.family = AF_BRIDGE;
    else if (is('-human') || is('-human-readable')) options.human = true;
    else if (is('-iec')) options.iec = true;
    else if (is('-stats') || is('-statistics')) options.stats++;
    else if (is('-details')) options.details++;
    else if (is('-resolve')) continue;
    else if (is('-oneline')) options.oneline = true;
    else if (is('-timestamp')) options.timestamp = 1;
    else if (is('-tshort')) options.timestamp = 2;
    else if (is('-Version')) throw new CommandExit(0, 'ip utility, iproute2-6.1.0, libbpf 1.1.2\n');
    else if (is('-force')) options.force = true;
    else if (is('-batch')) batch = value();
    else if (is('-brief')) options.brief = true;
    else if (is('-json')) options.json = true;
    else if (is('-pretty')) options.pretty = true;
    else if (is('-rcvbuf')) value();
    else if (color !== undefined) {
      if (color === 'always' || color === 'auto' || color === 'never') {
        options.color = color === 'always' || (color === 'auto' && tty);
      } else throw new CommandExit(255, `Option "${word}" is unknown, try "ip -help".\n`);
    } else if (is('-help')) throw new CommandExit(255, IP_HELP);
    else if (is('-netns')) netns = value();
    else if (is('-Numeric')) options.numeric = true;
    else if (is('-all')) options.all = true;
    else if (is('-echo')) continue;
    else throw new CommandExit(255, `Option "${word}" is unknown, try "ip -help".\n`);
  }
  if (options.json) options.color = false;
  const words = argv.slice(at);
  return {
    options,
    words,
    ...(netns === undefined ? {} : { netns }),
    ...(batch === undefined ? {} : { batch }),
  };
}

async function runObject(words: readonly string[], context: IpContext): Promise<number> {
  const args = new Args(words);
  if (args.done) throw new CommandExit(255, IP_HELP);
  const name = args.take();
  const found = OBJECTS.find(([keyword]) => matches(name, keyword));
  if (found === undefined)
    throw new CommandExit(1, `Object "${name}" is unknown, try "ip help".\n`);
  const [keyword, run] = found;
  if (run === undefined) throw new CommandExit(1, `ip ${keyword}: Operation not supported\n`);
  return (await run(args, context)) ?? 0;
}

/** Runs one command, printing what it printed and what it complained of; answers the exit code. */
async function runLine(words: readonly string[], context: IpContext): Promise<number> {
  try {
    const code = await runObject(words, context);
    await context.flush();
    return code;
  } catch (error) {
    if (!(error instanceof CommandExit)) throw error;
    await context.flush();
    await printErr(context.sys, error.stderr);
    return error.code;
  }
}

/** Words of a batch line: quotes group, `#` starts a comment. */
export function batchWords(line: string): string[] {
  const words: string[] = [];
  for (const match of line.matchAll(/"([^"]*)"|'([^']*)'|#.*$|([^\s"'#]+)/g)) {
    if (match[0].startsWith('#')) break;
    words.push(match[1] ?? match[2] ?? match[3] ?? '');
  }
  return words;
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
    if (words.length === 0) continue;
    const context = new IpContext(sys, { ...options });
    await context.names.load(sys);
    if ((await runLine(words, context)) === 0) continue;
    await printErr(sys, `Command failed ${file}:${number}\n`);
    code = 1;
    if (!options.force) break;
  }
  return code;
}

/** ip(8). */
export const ipMain: Program = async (sys) => {
  let invocation: Invocation;
  try {
    invocation = parseOptions(sys.argv.slice(1), sys.isatty(1));
    if (invocation.netns !== undefined) netnsSwitch(sys, invocation.netns);
  } catch (error) {
    if (!(error instanceof CommandExit)) throw error;
    // the version goes to standard output, everything else to standard error
    if (error.code === 0) await print(sys, error.stderr);
    else await printErr(sys, error.stderr);
    return error.code;
  }
  const { options, words, batch } = invocation;
  if (batch !== undefined) return await runBatch(sys, batch, options);
  const context = new IpContext(sys, options);
  await context.names.load(sys);
  return await runLine(words, context);
};
