/** `ip neigh`: the neighbour tables. */
import { KernelError } from '@netloom/base';
import { AF_UNSPEC, Nud, type NeighMsg, type NeighNew } from '@netloom/sys';
import {
  addressText,
  invalidArgument,
  matches,
  noDevice,
  parseAddress,
  parseLladdr,
  parsePrefix,
  parseUnsigned,
  samePrefix,
  type Args,
  type Prefix,
} from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';
import { NEIGH_HELP } from './help.js';
import { lladdrText } from './link-print.js';

const NTF_USE = 0x01;
const NTF_PROXY = 0x08;
const NTF_EXT_LEARNED = 0x10;
const NTF_ROUTER = 0x80;

/** State bits in print order. */
const STATES: readonly (readonly [number, string])[] = [
  [Nud.NUD_INCOMPLETE, 'INCOMPLETE'],
  [Nud.NUD_REACHABLE, 'REACHABLE'],
  [Nud.NUD_STALE, 'STALE'],
  [Nud.NUD_DELAY, 'DELAY'],
  [Nud.NUD_PROBE, 'PROBE'],
  [Nud.NUD_FAILED, 'FAILED'],
  [Nud.NUD_NOARP, 'NOARP'],
  [Nud.NUD_PERMANENT, 'PERMANENT'],
];

/** A state word or number. */
function parseState(word: string): number | undefined {
  if (word === 'none') return 0;
  const found = STATES.find(([, name]) => matches(word, name.toLowerCase()));
  return found?.[0] ?? parseUnsigned(word, 0xffff);
}

/** One entry and its line end; `showDev` is off where a device was asked for. */
export function printNeigh(
  context: IpContext,
  neigh: NeighMsg,
  showDev: boolean,
  deleted = false,
): void {
  const { out, options } = context;
  out.openObject();
  if (deleted) out.any('deleted', 'Deleted ', true);
  if (neigh.dst !== undefined) {
    const text = addressText(neigh.dst);
    out.colored(typeof neigh.dst === 'number' ? 'inet' : 'inet6', 'dst', '', `${text} `, '', text);
  }
  if (showDev) {
    const name = context.ifname(neigh.ifindex);
    out.colored('ifname', 'dev', 'dev ', `${name} `, '', name);
  }
  if (neigh.lladdr !== undefined && neigh.lladdr.length > 0) {
    const text = lladdrText(neigh.lladdr, context.linkByIndex(neigh.ifindex)?.type ?? 1);
    out.plain('lladdr ');
    out.colored('mac', 'lladdr', '', `${text} `, '', text);
  }
  if ((neigh.flags & NTF_ROUTER) !== 0) out.any('router', 'router ', null);
  if ((neigh.flags & NTF_PROXY) !== 0) out.any('proxy', 'proxy ', null);
  if ((neigh.flags & NTF_EXT_LEARNED) !== 0) out.any('extern_learn', 'extern_learn ', null);
  if (options.stats > 0) {
    const info = neigh.cacheinfo;
    if (info !== undefined) {
      if (info.refcnt > 0) out.any('refcnt', ` ref ${info.refcnt}`, info.refcnt);
      out.any('used', ` used ${info.used}`, info.used);
      out.any('confirmed', `/${info.confirmed}`, info.confirmed);
      out.any('updated', `/${info.updated}`, info.updated);
    }
    if (neigh.probes !== undefined) out.any('probes', `probes ${neigh.probes} `, neigh.probes);
  }
  if (neigh.state !== 0) {
    out.openArray('state');
    for (const [bit, name] of STATES)
      if ((neigh.state & bit) !== 0) out.any(undefined, `${name} `, name);
    out.closeArray();
  }
  out.plain('\n');
  out.closeObject();
}

interface Filter {
  family: number;
  dev?: string;
  ifindex: number;
  prefix?: Prefix;
  /** State bits shown; NONE is bit 0x100. */
  states: number;
  proxy: boolean;
  master?: number;
}

const STATE_NONE = 0x100;

function parseFilter(args: Args, context: IpContext, flushing: boolean): Filter {
  const filter: Filter = { family: context.options.family, ifindex: 0, states: 0, proxy: false };
  let states: number | undefined;
  while (!args.done) {
    const word = args.take();
    if (word === 'dev') filter.dev = args.value();
    else if (word === 'master' || word === 'vrf') {
      const value = args.value();
      const ifindex = context.ifindex(value);
      if (ifindex === 0)
        throw invalidArgument(
          word === 'vrf' ? 'Not a valid VRF name\n' : 'Device does not exist\n',
          value,
        );
      filter.master = ifindex;
    } else if (word === 'nomaster') filter.master = -1;
    else if (word === 'unused') continue;
    else if (word === 'nud') {
      const value = args.value();
      if (value === 'all') {
        states = flushing ? 0xff & ~Nud.NUD_NOARP : 0xff | STATE_NONE;
        continue;
      }
      const state = parseState(value);
      if (state === undefined) throw invalidArgument('nud state is bad', value);
      states = (states ?? 0) | (state === 0 ? STATE_NONE : state);
    } else if (word === 'proxy') filter.proxy = true;
    else {
      let value = word;
      if (value === 'to') value = args.value();
      if (matches(value, 'help')) throw new CommandExit(255, NEIGH_HELP);
      if (value === 'all') continue;
      filter.prefix = parsePrefix(value, filter.family);
      if (filter.family === AF_UNSPEC && !filter.prefix.any) filter.family = filter.prefix.family;
    }
  }
  filter.states =
    states ?? (flushing ? 0xff & ~(Nud.NUD_PERMANENT | Nud.NUD_NOARP) : 0xff & ~Nud.NUD_NOARP);
  if (filter.dev !== undefined) {
    filter.ifindex = context.ifindex(filter.dev);
    if (filter.ifindex === 0) throw noDevice(filter.dev);
  }
  return filter;
}

function listed(context: IpContext, filter: Filter): NeighMsg[] {
  const request = {
    ...(filter.family === AF_UNSPEC ? {} : { family: filter.family }),
    ...(filter.ifindex === 0 ? {} : { ifindex: filter.ifindex }),
    ...(filter.proxy ? { proxy: true } : {}),
  };
  return context.dump('RTM_GETNEIGH', request).filter((neigh) => {
    if (filter.family !== AF_UNSPEC && neigh.family !== filter.family) return false;
    if (filter.ifindex !== 0 && neigh.ifindex !== filter.ifindex) return false;
    if (filter.master !== undefined) {
      const master = context.linkByIndex(neigh.ifindex)?.master ?? 0;
      if (filter.master < 0 ? master !== 0 : master !== filter.master) return false;
    }
    const { prefix } = filter;
    if (prefix !== undefined && prefix.length > 0) {
      if (neigh.dst === undefined || !samePrefix(neigh.dst, prefix.address, prefix.length))
        return false;
    }
    if (filter.proxy || (neigh.flags & (NTF_PROXY | NTF_EXT_LEARNED)) !== 0) return true;
    return (filter.states & (neigh.state === 0 ? STATE_NONE : neigh.state)) !== 0;
  });
}

function neighList(args: Args, context: IpContext): void {
  const filter = parseFilter(args, context, false);
  const entries = listed(context, filter);
  context.out.start();
  for (const neigh of entries) printNeigh(context, neigh, filter.ifindex === 0);
  context.out.finish();
}

function neighFlush(args: Args, context: IpContext): void {
  if (args.done) throw new CommandExit(1, 'Flush requires arguments.\n');
  const { out, options, sys } = context;
  const filter = parseFilter(args, context, true);
  for (let round = 1; round <= 10; round++) {
    const doomed = listed(context, filter);
    if (doomed.length === 0) {
      if (options.stats > 0) {
        if (round === 1) out.plain('Nothing to flush.\n');
        else
          out.plain(`*** Flush is complete after ${round - 1} round${round > 2 ? 's' : ''} ***\n`);
      }
      return;
    }
    for (const neigh of doomed) {
      if (options.stats > 1) printNeigh(context, neigh, true);
      try {
        sys.rtnl('RTM_DELNEIGH', {
          family: neigh.family,
          ifindex: neigh.ifindex,
          flags: neigh.flags & NTF_PROXY,
          ...(neigh.dst === undefined ? {} : { dst: neigh.dst }),
        });
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
      }
    }
    if (options.stats > 0)
      out.plain(`\n*** Round ${round}, deleting ${doomed.length} entries ***\n`);
    // an entry that was deleted may linger as FAILED while somebody holds it
    if (round > 1) filter.states &= ~Nud.NUD_FAILED;
  }
  throw new CommandExit(1, '*** Flush not complete bailing out after 10 rounds\n');
}

interface NeighWords {
  dev?: string;
  dst?: Prefix;
  lladdr?: Uint8Array;
  state?: number;
  flags: number;
}

function parseWords(args: Args, context: IpContext): NeighWords {
  const words: NeighWords = { flags: 0 };
  const destination = (value: string): void => {
    if (words.dst !== undefined)
      throw new CommandExit(255, `Error: duplicate "to": "${value}" is the second value.\n`);
    words.dst = parseAddress(value, context.options.family);
  };
  while (!args.done) {
    const word = args.take();
    if (matches(word, 'lladdr')) {
      const value = args.value();
      words.lladdr = value === 'null' ? new Uint8Array(0) : parseLladdr(value);
    } else if (word === 'nud') {
      const value = args.value();
      const state = parseState(value);
      if (state === undefined) throw invalidArgument('nud state is bad', value);
      words.state = state;
    } else if (matches(word, 'proxy')) {
      destination(args.value());
      words.flags |= NTF_PROXY;
    } else if (word === 'router') words.flags |= NTF_ROUTER;
    else if (word === 'use') words.flags |= NTF_USE;
    else if (matches(word, 'extern_learn')) words.flags |= NTF_EXT_LEARNED;
    else if (word === 'managed') continue;
    else if (word === 'dev') words.dev = args.value();
    else if (matches(word, 'protocol')) args.value();
    else {
      const value = word === 'to' ? args.value() : word;
      if (matches(value, 'help')) throw new CommandExit(255, NEIGH_HELP);
      destination(value);
    }
  }
  return words;
}

function neighModify(
  args: Args,
  context: IpContext,
  verb: NeighNew['mode'] | 'delete' | 'get',
): void {
  const words = parseWords(args, context);
  if (words.dst === undefined || (words.dev === undefined && (words.flags & NTF_PROXY) === 0)) {
    throw new CommandExit(255, 'Device and destination are required arguments.\n');
  }
  const ifindex = words.dev === undefined ? 0 : context.requireIfindex(words.dev);
  const { family, address } = words.dst;
  if (verb === 'get') {
    const found = context
      .dump('RTM_GETNEIGH', { family, ...((words.flags & NTF_PROXY) !== 0 ? { proxy: true } : {}) })
      .find(
        (neigh) =>
          neigh.ifindex === ifindex &&
          neigh.dst !== undefined &&
          addressText(neigh.dst) === addressText(address),
      );
    if (found === undefined) throw new CommandExit(2, 'Error: Neighbour entry not found.\n');
    context.out.start();
    printNeigh(context, found, true);
    context.out.finish();
    return;
  }
  const request = {
    family,
    ifindex,
    dst: address,
    ...(words.lladdr === undefined ? {} : { lladdr: words.lladdr }),
    ...(words.flags === 0 ? {} : { flags: words.flags }),
  };
  if (verb === 'delete') {
    context.ask(
      'RTM_DELNEIGH',
      words.state === undefined ? request : { ...request, state: words.state },
    );
    return;
  }
  context.ask('RTM_NEWNEIGH', { ...request, state: words.state ?? Nud.NUD_PERMANENT, mode: verb });
}

/** `ip neigh …`. */
export function doNeigh(args: Args, context: IpContext): void {
  if (args.done) {
    neighList(args, context);
    return;
  }
  const verb = args.take();
  if (matches(verb, 'add')) neighModify(args, context, 'add');
  else if (matches(verb, 'change') || verb === 'chg') neighModify(args, context, 'change');
  else if (matches(verb, 'replace')) neighModify(args, context, 'replace');
  else if (matches(verb, 'delete')) neighModify(args, context, 'delete');
  else if (matches(verb, 'get')) neighModify(args, context, 'get');
  else if (matches(verb, 'show') || matches(verb, 'lst') || matches(verb, 'list'))
    neighList(args, context);
  else if (matches(verb, 'flush')) neighFlush(args, context);
  else if (matches(verb, 'help')) throw new CommandExit(255, NEIGH_HELP);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "ip neigh help".\n`);
}
