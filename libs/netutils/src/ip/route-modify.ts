/**
 * `ip route add` and its kin: words to RTM_NEWROUTE and RTM_DELROUTE.
 */
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  type IpAddr,
  type NextHop,
  type RouteNew,
} from '@netloom/sys';
import {
  type Args,
  garbage,
  invalidArgument,
  matches,
  parseAddress,
  parsePrefix,
  parseUnsigned,
  type Prefix,
} from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';
import { METRICS } from './route-print.js';
import { ROUTE_HELP } from './help.js';
import { parseDsfield } from './names.js';
import { routeType } from './route-filter.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const RT_TABLE_LOCAL = 255;

/** Words of a nexthop; `end` is where the next one may start. */
function parseNextHops(
  args: Args,
  context: IpContext,
  family: number,
): (Partial<NextHop> & { onlink?: boolean })[] {
  const hops: (Partial<NextHop> & { onlink?: boolean })[] = [];
  args.back();
  while (!args.done) {
    const keyword = args.take();
    if (keyword !== 'nexthop') {
      throw new CommandExit(
        255,
        `Error: "nexthop" or end of line is expected instead of "${keyword}"\n`,
      );
    }
    if (args.done) throw new CommandExit(255, 'Command line is not complete. Try option "help"\n');
    const hop: Mutable<Partial<NextHop>> & { onlink?: boolean } = { weight: 1 };
    while (!args.done && args.word !== 'nexthop') {
      const word = args.take();
      if (word === 'via') hop.via = parseVia(args, family);
      else if (word === 'dev') {
        const name = args.value();
        hop.ifindex = context.requireIfindex(name);
      } else if (word === 'weight') {
        const value = args.value();
        const weight = parseUnsigned(value, 256);
        if (weight === undefined || weight === 0)
          throw invalidArgument('"weight" is invalid\n', value);
        hop.weight = weight;
      } else if (word === 'onlink') hop.onlink = true;
      else {
        args.back();
        break;
      }
    }
    hops.push(hop);
  }
  return hops;
}

function parseVia(args: Args, family: number): IpAddr {
  const value = args.value();
  const named = { inet: AF_INET, inet6: AF_INET6 }[value];
  if (named !== undefined) return parseAddress(args.value(), named).address;
  return parseAddress(value, family === AF_UNSPEC ? AF_INET : family).address;
}

/** Metrics that are plain numbers. */
const NUMBER_METRICS = [
  'hoplimit',
  'initcwnd',
  'initrwnd',
  'quickack',
  'window',
  'cwnd',
  'ssthresh',
  'reordering',
  'fastopen_no_cookie',
];

function parseTime(word: string, keyword: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|sec|secs|ms|msec|msecs)?$/.exec(word);
  if (match === null) throw invalidArgument(`"${keyword}" value is invalid\n`, word);
  const value = Number(match[1]);
  return match[2] === undefined || match[2].startsWith('ms') ? value : value * 1000;
}

/** Reads a metric if the word is one. */
function parseMetric(word: string, args: Args, metrics: Record<string, number | string>): boolean {
  const lock = (bit: number): void => {
    if (args.word === 'lock') {
      metrics['lock'] = Number(metrics['lock'] ?? 0) | (1 << bit);
      args.take();
    }
  };
  const number = (keyword: string): number => {
    const value = args.value();
    const parsed = parseUnsigned(value);
    if (parsed === undefined) throw invalidArgument(`"${keyword}" value is invalid\n`, value);
    return parsed;
  };
  if (word === 'mtu') {
    lock(2);
    metrics['mtu'] = number('mtu');
    return true;
  }
  if (matches(word, 'advmss')) {
    lock(8);
    metrics['advmss'] = number('mss');
    return true;
  }
  const plain = NUMBER_METRICS.find((name) => matches(word, name));
  if (plain !== undefined) {
    lock(METRICS.find(([name]) => name === plain)?.[1] ?? 0);
    const value = args.word;
    metrics[plain] = number(plain);
    if (plain === 'hoplimit' && metrics[plain] > 255)
      throw invalidArgument('"hoplimit" value is invalid\n', value ?? '');
    return true;
  }
  if (word === 'rtt' || matches(word, 'rto_min') || matches(word, 'rttvar')) {
    const keyword = word === 'rtt' ? 'rtt' : matches(word, 'rto_min') ? 'rto_min' : 'rttvar';
    lock(METRICS.find(([name]) => name === keyword)?.[1] ?? 0);
    const ms = parseTime(args.value(), keyword);
    metrics[keyword] = keyword === 'rtt' ? ms * 8 : keyword === 'rttvar' ? ms * 4 : ms;
    if (keyword === 'rto_min') metrics['lock'] = Number(metrics['lock'] ?? 0) | (1 << 13);
    return true;
  }
  if (matches(word, 'congctl')) {
    lock(16);
    metrics['congctl'] = args.value();
    return true;
  }
  if (matches(word, 'features')) {
    const value = args.value();
    if (value !== 'ecn') throw invalidArgument('"features" value not valid\n', value);
    metrics['features'] = 1;
    return true;
  }
  return false;
}

type Verb = RouteNew['mode'] | 'delete';

/** `ip route add|change|replace|append|prepend|delete`. */
export function routeModify(args: Args, context: IpContext, verb: Verb): void {
  let family = context.options.family;
  const request: Mutable<Omit<RouteNew, 'family' | 'dstLen' | 'mode'>> = {};
  const metrics: Record<string, number | string> = {};
  let dst: Prefix | undefined;
  let dev: string | undefined;
  let via: IpAddr | undefined;
  let onlink = false;
  let hops: (Partial<NextHop> & { onlink?: boolean })[] | undefined;
  while (!args.done) {
    const word = args.take();
    if (word === 'src') {
      const address = parseAddress(args.value(), family);
      if (family === AF_UNSPEC) family = address.family;
      request.prefsrc = address.address;
    } else if (word === 'via') {
      const value = args.word;
      via = parseVia(args, family);
      if (family === AF_UNSPEC)
        family =
          value === 'inet6' || value === 'inet'
            ? family
            : typeof via === 'number'
              ? AF_INET
              : AF_INET6;
    } else if (
      matches(word, 'from') ||
      matches(word, 'realms') ||
      word === 'encap' ||
      word === 'as'
    ) {
      args.value();
      throw new CommandExit(2, 'RTNETLINK answers: Operation not supported\n');
    } else if (word === 'tos' || matches(word, 'dsfield')) {
      const value = args.value();
      const tos = parseDsfield(value);
      if (tos === undefined) throw invalidArgument('"tos" value is invalid\n', value);
      request.tos = tos;
    } else if (word === 'expires') {
      const value = args.value();
      const expires = parseUnsigned(value);
      if (expires === undefined) throw invalidArgument('"expires" value is invalid\n', value);
      request.expires = expires;
    } else if (matches(word, 'metric') || matches(word, 'priority') || word === 'preference') {
      const value = args.value();
      const metric = parseUnsigned(value);
      if (metric === undefined) throw invalidArgument('"metric" value is invalid\n', value);
      request.priority = metric;
    } else if (word === 'scope') {
      const value = args.value();
      const scope = context.names.scopes.number(value);
      if (scope === undefined) throw invalidArgument('invalid "scope" value\n', value);
      request.scope = scope;
    } else if (word === 'onlink') onlink = true;
    else if (word === 'nexthop') hops = parseNextHops(args, context, family);
    else if (word === 'nhid') {
      const value = args.value();
      const id = parseUnsigned(value);
      if (id === undefined) throw invalidArgument('"id" value is invalid\n', value);
      request.nhid = id;
    } else if (matches(word, 'protocol')) {
      const value = args.value();
      const protocol = context.names.protocols.number(value);
      if (protocol === undefined) throw invalidArgument('"protocol" value is invalid\n', value);
      request.protocol = protocol;
    } else if (matches(word, 'table')) {
      const value = args.value();
      const table = context.names.tables.number(value, 0xffffffff);
      if (table === undefined) throw invalidArgument('"table" value is invalid\n', value);
      request.table = table;
    } else if (word === 'vrf') {
      const value = args.value();
      const vrf = context.linkByName(value);
      const table = vrf?.kind === 'vrf' ? vrf.data?.['table'] : undefined;
      if (typeof table !== 'number') throw invalidArgument('Invalid VRF\n', value);
      request.table = table;
    } else if (word === 'dev' || word === 'oif') dev = args.value();
    else if (word === 'pref') {
      const value = args.value();
      if (!['low', 'medium', 'high'].includes(value))
        throw invalidArgument('"pref" value is invalid\n', value);
      request.pref = value;
    } else if (parseMetric(word, args, metrics)) continue;
    else {
      let value = word === 'to' ? args.value() : word;
      const type = routeType(value);
      if (type !== undefined && !args.done) {
        request.type = type;
        value = args.value();
        if (value === 'to') value = args.value();
      } else if (type !== undefined && value !== 'default') {
        request.type = type;
        continue;
      }
      if (matches(value, 'help')) throw new CommandExit(255, ROUTE_HELP);
      if (dst !== undefined) throw garbage('to', value);
      dst = parsePrefix(value, family);
      if (family === AF_UNSPEC && !dst.any) family = dst.family;
    }
  }
  if (dst === undefined) throw new CommandExit(255, ROUTE_HELP);
  if (family === AF_UNSPEC) family = AF_INET;
  const ifindex = dev === undefined ? undefined : context.requireIfindex(dev);
  if (Object.keys(metrics).length > 0) request.metrics = metrics;
  if (hops !== undefined) request.nexthops = hops;
  else if (via !== undefined || ifindex !== undefined) {
    request.nexthops = [
      {
        ...(via === undefined ? {} : { via }),
        ...(ifindex === undefined ? {} : { ifindex }),
        ...(onlink ? { onlink: true } : {}),
      },
    ];
  }
  const type = request.type ?? (verb === 'delete' ? undefined : 1);
  if (type !== undefined) request.type = type;
  if (request.table === undefined && (type === 2 || type === 3 || type === 4 || type === 10))
    request.table = RT_TABLE_LOCAL;
  if (request.scope === undefined) {
    if (type === 2 || type === 10) request.scope = 254;
    else if (type === 3 || type === 4 || type === 5) request.scope = 253;
    else if (verb === 'delete') request.scope = 255;
    else if (
      type === 1 &&
      family === AF_INET &&
      via === undefined &&
      hops === undefined &&
      request.nhid === undefined
    ) {
      request.scope = 253;
    }
  }
  const destination = dst.length === 0 ? {} : { dst: dst.address };
  if (verb === 'delete') {
    context.ask('RTM_DELROUTE', { family, ...destination, dstLen: dst.length, ...request });
    return;
  }
  context.ask('RTM_NEWROUTE', {
    family,
    ...destination,
    dstLen: dst.length,
    protocol: 3,
    ...request,
    mode: verb,
  });
}
