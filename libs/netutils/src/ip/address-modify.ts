/**
 * `ip address add` and its kin: words to RTM_NEWADDR and RTM_DELADDR.
 */
import { ipv4Mask } from '@netloom/base';
import { AF_INET, AF_UNSPEC, type AddrNew, type IpAddr } from '@netloom/sys';
import {
  addressText,
  invalidArgument,
  matches,
  parseAddress,
  parsePrefix,
  parseUnsigned,
  duplicate,
  noDevice,
  type Args,
  type Prefix,
} from '../args.js';
import { CommandExit } from '../command.js';
import { ADDRESS_FLAGS, FOREVER } from './address-print.js';
import type { IpContext } from './context.js';
import { ADDRESS_HELP } from './help.js';

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
export function addressModify(
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
