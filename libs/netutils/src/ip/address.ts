/**
 * `ip address`: list, add, change, replace, delete and flush; and the list half of `ip link show`, which shares its
 * selectors.
 */
import { KernelError } from '@netloom/base';
import { AF_INET, AF_PACKET, AF_UNSPEC, Iff, type AddrMsg, type LinkMsg } from '@netloom/sys';
import {
  fnmatch,
  garbage,
  invalidArgument,
  matches,
  parsePrefix,
  samePrefix,
  type Args,
  type Prefix,
} from '../args.js';
import { CommandExit } from '../command.js';
import { addressModify } from './address-modify.js';
import { ADDRESS_FLAGS, printAddress } from './address-print.js';
import type { IpContext } from './context.js';
import { ADDRESS_HELP, LINK_HELP } from './help.js';
import { printLink, printLinkBrief, printLinkStats } from './link-print.js';
import { linkAdd, linkDelete, linkProperty, linkSet } from './link-set.js';
import { linkTypeHelp } from './link-types.js';

interface Filter {
  family: number;
  dev?: string;
  ifindex: number;
  prefix?: Prefix;
  scope?: number;
  up: boolean;
  flags: number;
  flagsMask: number;
  label?: string;
  group?: number;
  master?: number;
  kind?: string;
}

/** Reads the selectors of list and flush. */
function parseFilter(args: Args, context: IpContext, flushing: boolean, help: string): Filter {
  const filter: Filter = {
    family: context.options.family,
    ifindex: 0,
    up: false,
    flags: 0,
    flagsMask: 0,
  };
  while (!args.done) {
    const word = args.take();
    const minus = word.startsWith('-');
    const flag = flagWord(minus ? word.slice(1) : word);
    if (word === 'to') {
      filter.prefix = parsePrefix(args.value(), filter.family);
      if (filter.family === AF_UNSPEC) filter.family = filter.prefix.family;
    } else if (word === 'scope') {
      const value = args.value();
      if (value === 'all') continue;
      const scope = context.names.scopes.number(value);
      if (scope === undefined) throw invalidArgument('invalid "scope"\n', value);
      filter.scope = scope;
    } else if (word === 'up') filter.up = true;
    else if (flag !== undefined) {
      const [bit, set] = flag;
      filter.flagsMask |= bit;
      if (minus ? !set : set) filter.flags |= bit;
      else filter.flags &= ~bit;
    } else if (word === 'label') filter.label = args.value();
    else if (word === 'group') {
      const value = args.value();
      const group = context.names.groups.number(value, 0x7fffffff);
      if (group === undefined) throw invalidArgument('Invalid "group" value\n', value);
      filter.group = group;
    } else if (word === 'master') {
      const value = args.value();
      const ifindex = context.ifindex(value);
      if (ifindex === 0) throw invalidArgument('Device does not exist\n', value);
      filter.master = ifindex;
    } else if (word === 'vrf') {
      const value = args.value();
      const vrf = context.linkByName(value);
      if (vrf?.kind !== 'vrf') throw invalidArgument('Not a valid VRF name\n', value);
      filter.master = vrf.ifindex;
    } else if (word === 'nomaster') filter.master = -1;
    else if (word === 'type') filter.kind = args.value();
    else {
      if (matches(word, 'help') && word !== 'dev') throw new CommandExit(255, help);
      const value = word === 'dev' ? args.value() : word;
      if (filter.dev !== undefined) throw garbage('dev', value);
      filter.dev = value;
    }
  }
  if (filter.dev !== undefined) {
    filter.ifindex = context.ifindex(filter.dev);
    if (filter.ifindex === 0) throw new CommandExit(1, `Device "${filter.dev}" does not exist.\n`);
  }
  if (flushing && filter.family === AF_PACKET)
    throw new CommandExit(1, 'Cannot flush link addresses.\n');
  if (filter.label !== undefined && filter.family === AF_UNSPEC) filter.family = AF_INET;
  return filter;
}

/** The bit of a flag word and whether the word means "set". */
function flagWord(word: string): readonly [number, boolean] | undefined {
  if (word === 'dynamic') return [0x80, false];
  if (word === 'primary') return [0x01, false];
  if (word === 'temporary') return [0x01, true];
  const found = ADDRESS_FLAGS.find(([name]) => name === word);
  return found === undefined ? undefined : [found[1], true];
}

function addressMatches(filter: Filter, address: AddrMsg): boolean {
  if (filter.family !== AF_UNSPEC && filter.family !== address.family) return false;
  if (filter.scope !== undefined && filter.scope !== address.scope) return false;
  if (((filter.flags ^ address.flags) & filter.flagsMask) !== 0) return false;
  const { prefix } = filter;
  if (
    prefix !== undefined &&
    (prefix.family !== address.family || !samePrefix(address.local, prefix.address, prefix.length))
  ) {
    return false;
  }
  return filter.label === undefined || fnmatch(filter.label, address.label ?? '');
}

function linkMatches(filter: Filter, link: LinkMsg): boolean {
  if (filter.ifindex !== 0 && filter.ifindex !== link.ifindex) return false;
  if (filter.up && (link.flags & Iff.IFF_UP) === 0) return false;
  if (filter.group !== undefined && filter.group !== link.group) return false;
  if (
    filter.master !== undefined &&
    (filter.master < 0 ? (link.master ?? 0) !== 0 : filter.master !== link.master)
  )
    return false;
  if (filter.kind === undefined) return true;
  return filter.kind.endsWith('_slave')
    ? filter.kind.slice(0, -6) === link.slaveKind
    : filter.kind === link.kind;
}

/** `ip address show` and `ip link show`. */
export function addressList(args: Args, context: IpContext, linkCommand: boolean): void {
  const { out, options } = context;
  const filter = parseFilter(args, context, false, linkCommand ? LINK_HELP : ADDRESS_HELP);
  const wantsAddresses = !linkCommand && filter.family !== AF_PACKET;
  if (linkCommand && filter.family === AF_UNSPEC) filter.family = AF_PACKET;
  const addresses = wantsAddresses
    ? context.dump('RTM_GETADDR', filter.family === AF_UNSPEC ? {} : { family: filter.family })
    : [];
  out.start();
  for (const link of context.dump('RTM_GETLINK', {})) {
    if (!linkMatches(filter, link)) continue;
    const own = addresses.filter((address) => address.ifindex === link.ifindex);
    if (wantsAddresses) {
      const none = own.length === 0;
      const any = own.some((address) => addressMatches(filter, address));
      if (!any && !(none && filter.family === AF_UNSPEC)) continue;
    }
    const chosen = own.filter((address) => addressMatches(filter, address));
    if (options.brief) {
      out.openObject();
      printLinkBrief(context, link, linkCommand);
      if (!linkCommand) {
        out.openArray('addr_info');
        for (const address of chosen) printAddress(context, address, false);
        out.closeArray('\n');
      }
      out.closeObject();
      continue;
    }
    out.openObject();
    // one device is asked for by itself, and its answer is not that of the family's dump
    const family = linkCommand ? AF_PACKET : filter.family;
    const dumped = filter.ifindex !== 0 ? AF_UNSPEC : family;
    // with -o every address is a line of its own and the interface has none
    const withName = options.oneline && wantsAddresses;
    if (!withName && filter.label === undefined)
      printLink(context, link, { linkCommand, family, dumped });
    if (wantsAddresses) {
      out.openArray('addr_info');
      for (const address of chosen) printAddress(context, address, withName);
      out.closeArray();
      if (options.stats > 0 && options.details === 0 && !withName) {
        printLinkStats(context, link.stats, link.carrierChanges);
        out.plain('\n');
      }
    }
    out.closeObject();
  }
  out.finish();
}

/** `ip address flush`. */
function addressFlush(args: Args, context: IpContext): void {
  if (args.done) throw new CommandExit(1, 'Flush requires arguments.\n');
  const { out, options } = context;
  const filter = parseFilter(args, context, true, ADDRESS_HELP);
  for (let round = 1; round <= 10; round++) {
    const links = context.dump('RTM_GETLINK', {}).filter((link) => linkMatches(filter, link));
    const indexes = new Set(links.map((link) => link.ifindex));
    const doomed = context
      .dump('RTM_GETADDR', filter.family === AF_UNSPEC ? {} : { family: filter.family })
      .filter((address) => indexes.has(address.ifindex) && addressMatches(filter, address));
    if (doomed.length === 0) {
      if (options.stats > 0) {
        if (round === 1) out.plain('Nothing to flush.\n');
        else
          out.plain(`*** Flush is complete after ${round - 1} round${round > 2 ? 's' : ''} ***\n`);
      }
      return;
    }
    for (const address of doomed) {
      if (options.stats > 1) printAddress(context, address, true);
      try {
        context.sys.rtnl('RTM_DELADDR', {
          family: address.family,
          ifindex: address.ifindex,
          local: address.local,
          prefixlen: address.prefixlen,
          ...(address.label === undefined ? {} : { label: address.label }),
        });
      } catch (error) {
        // a secondary address went with its primary one
        if (!(error instanceof KernelError)) throw error;
      }
    }
    if (options.stats > 0)
      out.plain(`\n*** Round ${round}, deleting ${doomed.length} addresses ***\n`);
  }
  throw new CommandExit(1, '*** Flush remains incomplete after 10 rounds. ***\n');
}

/** `ip address …`. */
export function doAddress(args: Args, context: IpContext): void {
  if (args.done) {
    addressList(args, context, false);
    return;
  }
  const verb = args.take();
  if (matches(verb, 'add')) addressModify(args, context, 'add');
  else if (matches(verb, 'change') || verb === 'chg') addressModify(args, context, 'change');
  else if (matches(verb, 'replace')) addressModify(args, context, 'replace');
  else if (matches(verb, 'delete')) addressModify(args, context, 'delete');
  else if (matches(verb, 'show') || matches(verb, 'lst') || matches(verb, 'list'))
    addressList(args, context, false);
  else if (matches(verb, 'flush')) addressFlush(args, context);
  else if (matches(verb, 'help')) throw new CommandExit(255, ADDRESS_HELP);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "ip address help".\n`);
}

/** `ip link …`. */
export function doLink(args: Args, context: IpContext): void {
  if (args.done) {
    addressList(args, context, true);
    return;
  }
  const verb = args.take();
  if (matches(verb, 'add')) linkAdd(args, context);
  else if (matches(verb, 'set') || matches(verb, 'change') || matches(verb, 'replace'))
    linkSet(args, context);
  else if (matches(verb, 'delete')) linkDelete(args, context);
  else if (matches(verb, 'show') || matches(verb, 'lst') || matches(verb, 'list'))
    addressList(args, context, true);
  else if (matches(verb, 'property')) linkProperty(args, context);
  else if (matches(verb, 'help')) {
    const help = args.done ? undefined : linkTypeHelp(args.word);
    if (help === undefined) throw new CommandExit(255, LINK_HELP);
    context.out.literal(help);
  } else throw new CommandExit(255, `Command "${verb}" is unknown, try "ip link help".\n`);
}
