/**
 * `ip address`: list, add, change, replace, delete and flush; and the list half of `ip link show`, which shares its
 * selectors.
 */
import { ipv4Mask, KernelError } from '@netloom/base';
import {
  AF_INET,
  AF_INET6,
  AF_PACKET,
  AF_UNSPEC,
  Iff,
  type AddrMsg,
  type AddrNew,
  type IpAddr,
  type LinkMsg,
} from '@netloom/sys';
import {
  addressText,
  fnmatch,
  garbage,
  invalidArgument,
  matches,
  parseAddress,
  parsePrefix,
  parseUnsigned,
  samePrefix,
  duplicate,
  noDevice,
  type Args,
  type Prefix,
} from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';
import { ADDRESS_HELP } from './help.js';
import { linkAdd, linkDelete, linkProperty, linkSet } from './link-set.js';
import { printLink, printLinkBrief, printLinkStats } from './link-print.js';
import { LINK_HELP } from './help.js';
import { linkTypeHelp } from './link-types.js';

const FOREVER = 0xffffffff;

/** IFA_F_* with the word `ip` has for it, in print order. */
const ADDRESS_FLAGS: readonly (readonly [string, number])[] = [
  ['secondary', 0x01],
  ['nodad', 0x02],
  ['optimistic', 0x04],
  ['dadfailed', 0x08],
  ['home', 0x10],
  ['deprecated', 0x20],
  ['tentative', 0x40],
  ['permanent', 0x80],
  ['mngtmpaddr', 0x100],
  ['noprefixroute', 0x200],
  ['autojoin', 0x400],
  ['stable-privacy', 0x800],
];

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

/** A lifetime as the second line shows it. */
function lifetimeText(seconds: number): string {
  return seconds === FOREVER ? 'forever' : `${seconds}sec`;
}

/** One address, without the interface; `withName` is the `-o` and monitor form. */
export function printAddress(context: IpContext, address: AddrMsg, withName: boolean): void {
  const { out, options } = context;
  const v6 = address.family === AF_INET6;
  const color = v6 ? 'inet6' : 'inet';
  const local = addressText(address.local);
  const peer = addressText(address.address);
  const brief = options.brief;
  out.openObject();
  if (!brief) {
    const name = context.ifname(address.ifindex);
    if (withName) {
      out.any('index', `${address.ifindex}: `, address.ifindex);
      out.any('dev', name, name);
    }
    const family = v6 ? 'inet6' : 'inet';
    out.any('family', `    ${family} `, family);
  }
  out.colored(color, 'local', '', local, '', local);
  if (peer !== local) out.colored(color, 'address', ' peer ', peer, '', peer);
  out.any('prefixlen', `/${address.prefixlen} `, address.prefixlen);
  if (address.metric !== undefined && address.metric !== 0)
    out.any('metric', `metric ${address.metric} `, address.metric);
  if (brief) {
    out.closeObject();
    return;
  }
  if (address.broadcast !== undefined) {
    const text = addressText(address.broadcast);
    out.colored('inet', 'broadcast', 'brd ', `${text} `, '', text);
  }
  const scope = context.names.scopes.name(address.scope, options.numeric);
  out.any('scope', `scope ${scope} `, scope);
  for (const [name, bit] of ADDRESS_FLAGS) {
    const set = (address.flags & bit) !== 0;
    if (bit === 0x80) {
      if (!set) out.any('dynamic', 'dynamic ', true);
    } else if (set) {
      const shown = bit === 0x01 && v6 ? 'temporary' : name;
      out.any(shown, `${shown} `, true);
    }
  }
  if (address.proto !== undefined && address.proto !== 0) {
    const proto = context.names.protocols.name(address.proto, options.numeric);
    out.any('protocol', `proto ${proto} `, proto);
  }
  if (address.label !== undefined) out.any('label', address.label, address.label);
  out.newline();
  out.any(
    'valid_life_time',
    `       valid_lft ${lifetimeText(address.validLft)}`,
    address.validLft,
  );
  const deprecated = (address.flags & 0x20) !== 0;
  const preferred = deprecated ? 0 : address.preferredLft;
  out.any('preferred_life_time', ` preferred_lft ${lifetimeText(preferred)}`, preferred);
  out.plain('\n');
  out.closeObject();
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
    // with -o every address is a line of its own and the interface has none
    const withName = options.oneline && wantsAddresses;
    if (!withName && filter.label === undefined)
      printLink(context, link, { linkCommand, family: linkCommand ? AF_PACKET : filter.family });
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

/** The address a prefix's `+` or `-` broadcast means. */
function broadcastOf(local: number, length: number, sign: string): number {
  const host = ~ipv4Mask(length) >>> 0;
  return (sign === '+' ? local | host : local & ~host) >>> 0;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface AddressWords {
  dev?: string;
  local?: Prefix;
  localText?: string;
  peer?: Prefix;
  broadcast?: string;
  label?: string;
  scope?: number;
  metric?: number;
  flags: number;
  validLft?: number;
  preferredLft?: number;
}

function parseLifetime(word: string, keyword: string): number {
  if (word === 'forever') return FOREVER;
  const value = parseUnsigned(word);
  if (value === undefined) throw invalidArgument(`${keyword} value`, word);
  return value;
}

function parseAddressWords(args: Args, context: IpContext): AddressWords {
  const words: AddressWords = { flags: 0 };
  let family = context.options.family;
  while (!args.done) {
    const word = args.take();
    const flag = ['home', 'nodad', 'mngtmpaddr', 'noprefixroute', 'autojoin'].includes(word)
      ? ADDRESS_FLAGS.find(([name]) => name === word)
      : undefined;
    if (word === 'peer' || word === 'remote') {
      const value = args.value();
      if (words.peer !== undefined) throw duplicate('peer', value);
      words.peer = parsePrefix(value, family);
      if (family === AF_UNSPEC) family = words.peer.family;
    } else if (matches(word, 'broadcast') || word === 'brd') {
      const value = args.value();
      if (words.broadcast !== undefined) throw duplicate('broadcast', value);
      words.broadcast =
        value === '+' || value === '-'
          ? value
          : addressText(parseAddress(value, family === AF_UNSPEC ? AF_INET : family).address);
      if (family === AF_UNSPEC && value !== '+' && value !== '-') family = AF_INET;
    } else if (word === 'anycast') args.value();
    else if (word === 'scope') {
      const value = args.value();
      const scope = context.names.scopes.number(value);
      if (scope === undefined) throw invalidArgument('invalid scope value.', value);
      words.scope = scope;
    } else if (word === 'dev') words.dev = args.value();
    else if (word === 'label') words.label = args.value();
    else if (matches(word, 'metric') || matches(word, 'priority') || matches(word, 'preference')) {
      const value = args.value();
      const metric = parseUnsigned(value);
      if (metric === undefined) throw invalidArgument('"metric" value is invalid\n', value);
      words.metric = metric;
    } else if (matches(word, 'valid_lft')) {
      words.validLft = parseLifetime(args.value(), 'valid_lft');
      if (words.validLft === 0) throw invalidArgument('valid_lft is zero\n', '0');
    } else if (matches(word, 'preferred_lft'))
      words.preferredLft = parseLifetime(args.value(), 'preferred_lft');
    else if (flag !== undefined) words.flags |= flag[1];
    else {
      const value = word === 'local' ? args.value() : word;
      if (matches(value, 'help')) throw new CommandExit(255, ADDRESS_HELP);
      if (words.local !== undefined) throw duplicate('local', value);
      words.localText = value;
      words.local = parsePrefix(value, family);
      if (family === AF_UNSPEC) family = words.local.family;
    }
  }
  return words;
}

/** `ip address add|change|replace|delete`. */
function addressModify(
  args: Args,
  context: IpContext,
  verb: 'add' | 'change' | 'replace' | 'delete',
): void {
  const words = parseAddressWords(args, context);
  const { dev, label, local } = words;
  if (dev === undefined)
    throw new CommandExit(1, 'Not enough information: "dev" argument is required.\n');
  if (label !== undefined && !label.startsWith(dev)) {
    if (label.length > 15) throw new CommandExit(1, `"label" (${label}) is too long.\n`);
  }
  let peer = words.peer;
  if (
    peer === undefined &&
    local !== undefined &&
    verb === 'delete' &&
    local.family === AF_INET &&
    !local.explicit
  ) {
    context.warn(
      'Warning: Executing wildcard deletion to stay compatible with old scripts.\n' +
        `         Explicitly specify the prefix length (${words.localText ?? ''}/${local.length}) to avoid this warning.\n` +
        '         This special behaviour is likely to disappear in further releases,\n' +
        '         fix your scripts!\n',
    );
  } else peer ??= local;
  const family = local?.family ?? peer?.family ?? AF_INET;
  const localAddress: IpAddr = local?.address ?? peer?.address ?? 0;
  const prefixlen = peer?.length;
  let broadcast: number | undefined;
  if (words.broadcast !== undefined && verb !== 'delete') {
    if (words.broadcast === '+' || words.broadcast === '-') {
      if (peer?.family !== AF_INET) {
        throw new CommandExit(1, 'Broadcast can be set only for IPv4 addresses\n');
      }
      if (peer.length <= 30 && typeof peer.address === 'number') {
        broadcast = broadcastOf(peer.address, peer.length, words.broadcast);
      }
    } else {
      const address = parseAddress(words.broadcast, AF_INET).address;
      if (typeof address === 'number') broadcast = address;
    }
  }
  const ifindex = context.ifindex(dev);
  if (ifindex === 0) throw noDevice(dev);
  if (verb === 'delete') {
    if (local === undefined && peer === undefined)
      throw new CommandExit(2, 'RTNETLINK answers: Invalid argument\n');
    context.ask('RTM_DELADDR', {
      family,
      ifindex,
      local: localAddress,
      ...(prefixlen === undefined ? {} : { prefixlen }),
      ...(label === undefined ? {} : { label }),
    });
    return;
  }
  if (words.validLft !== undefined || words.preferredLft !== undefined) {
    if ((words.preferredLft ?? FOREVER) > (words.validLft ?? FOREVER)) {
      throw new CommandExit(1, 'preferred_lft is greater than valid_lft\n');
    }
  }
  const loopback = typeof localAddress === 'number' && localAddress >>> 24 === 127;
  const request: Mutable<AddrNew> = {
    family,
    ifindex,
    local: localAddress,
    prefixlen: prefixlen ?? 32,
    scope: words.scope ?? (loopback ? 254 : 0),
  };
  if (peer !== undefined) request.address = peer.address;
  if (broadcast !== undefined) request.broadcast = broadcast;
  if (label !== undefined) request.label = label;
  if (words.flags !== 0) request.flags = words.flags;
  if (words.validLft !== undefined) request.validLft = words.validLft;
  if (words.preferredLft !== undefined) request.preferredLft = words.preferredLft;
  if (words.metric !== undefined) request.metric = words.metric;
  if (verb === 'replace') request.replace = true;
  if (verb === 'change') {
    const known = context.dump('RTM_GETADDR', { family, ifindex });
    const found = known.some(
      (one) =>
        one.prefixlen === request.prefixlen && addressText(one.local) === addressText(localAddress),
    );
    if (!found) throw new CommandExit(2, 'RTNETLINK answers: Cannot assign requested address\n');
    request.replace = true;
  }
  context.ask('RTM_NEWADDR', request);
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
    if (help !== undefined) throw new CommandExit(0, help);
    throw new CommandExit(255, LINK_HELP);
  } else throw new CommandExit(255, `Command "${verb}" is unknown, try "ip link help".\n`);
}
