/**
 * `ip route`: list with selectors, get, add and its kin, delete, flush.
 */
import { KernelError, strerror } from '@netloom/base';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  encodeText,
  OpenFlag,
  type IpAddr,
  type NextHop,
  type RouteGet,
  type RouteMsg,
  type RouteNew,
} from '@netloom/sys';
import {
  type Args,
  garbage,
  invalidArgument,
  matches,
  noDevice,
  parseAddress,
  parsePrefix,
  parseUnsigned,
  samePrefix,
  type Prefix,
} from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';
import { ROUTE_HELP } from './help.js';
import { parseDsfield, ROUTE_TYPES } from './names.js';
import { printRoute, type RouteColumns } from './route-print.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const RT_TABLE_MAIN = 254;
const RT_TABLE_LOCAL = 255;

function routeType(word: string): number | undefined {
  const index = ROUTE_TYPES.indexOf(word === 'brd' ? 'broadcast' : word);
  return index > 0 && index < 12 ? index : undefined;
}

interface Filter {
  family: number;
  /** 0: all tables. */
  table: number;
  cache: boolean;
  protocol?: number;
  scope?: number;
  type?: number;
  tos?: number;
  metric?: number;
  dev?: string;
  ifindex?: number;
  via?: Prefix;
  src?: Prefix;
  from?: Prefix;
  root?: Prefix;
  match?: Prefix;
}

function parseFilter(args: Args, context: IpContext): Filter {
  const filter: Filter = { family: context.options.family, table: RT_TABLE_MAIN, cache: false };
  const prefix = (word: string): Prefix => parsePrefix(word, filter.family);
  const take = (found: Prefix): Prefix => {
    if (filter.family === AF_UNSPEC && !found.any) filter.family = found.family;
    return found;
  };
  while (!args.done) {
    const word = args.take();
    if (matches(word, 'table')) {
      const value = args.value();
      const table = context.names.tables.number(value, 0xffffffff);
      if (table !== undefined && value !== 'all' && value !== 'cache') filter.table = table;
      else if (value === 'all') filter.table = 0;
      else if (value === 'cache') filter.cache = true;
      else throw invalidArgument('table id value is invalid\n', value);
    } else if (word === 'vrf') {
      const value = args.value();
      const vrf = context.linkByName(value);
      const table = vrf?.kind === 'vrf' ? vrf.data?.['table'] : undefined;
      if (typeof table !== 'number') throw invalidArgument('Invalid VRF\n', value);
      filter.table = table;
    } else if (matches(word, 'cached') || matches(word, 'cloned')) filter.cache = true;
    else if (word === 'tos' || matches(word, 'dsfield')) {
      const value = args.value();
      const tos = parseDsfield(value);
      if (tos === undefined) throw invalidArgument('TOS value is invalid\n', value);
      filter.tos = tos;
    } else if (matches(word, 'protocol')) {
      const value = args.value();
      if (value === 'all') continue;
      const protocol = context.names.protocols.number(value);
      if (protocol === undefined) throw invalidArgument('invalid "protocol"\n', value);
      filter.protocol = protocol;
    } else if (matches(word, 'scope')) {
      const value = args.value();
      if (value === 'all') continue;
      const scope = context.names.scopes.number(value);
      if (scope === undefined) throw invalidArgument('invalid "scope"\n', value);
      filter.scope = scope;
    } else if (matches(word, 'type')) {
      const value = args.value();
      const type = routeType(value);
      if (type === undefined) throw invalidArgument('node type value is invalid\n', value);
      filter.type = type;
    } else if (word === 'dev' || word === 'oif' || word === 'iif') filter.dev = args.value();
    else if (word === 'via') {
      const value = args.value();
      const family = { inet: AF_INET, inet6: AF_INET6 }[value];
      filter.via = family === undefined ? prefix(value) : parsePrefix(args.value(), family);
    } else if (word === 'src') filter.src = prefix(args.value());
    else if (matches(word, 'metric') || matches(word, 'priority') || matches(word, 'preference')) {
      const value = args.value();
      const metric = parseUnsigned(value);
      if (metric === undefined) throw invalidArgument('"metric" value is invalid\n', value);
      filter.metric = metric;
    } else if (matches(word, 'from')) {
      let value = args.value();
      if (['root', 'match', 'exact'].some((keyword) => matches(value, keyword)))
        value = args.value();
      filter.from = prefix(value);
    } else {
      let value = word;
      if (word === 'to') value = args.value();
      if (matches(value, 'root')) filter.root = take(prefix(args.value()));
      else if (matches(value, 'match')) filter.match = take(prefix(args.value()));
      else {
        if (matches(value, 'exact')) value = args.value();
        if (matches(value, 'help')) throw new CommandExit(255, ROUTE_HELP);
        filter.root = take(prefix(value));
        filter.match = filter.root;
      }
    }
  }
  if (filter.family === AF_UNSPEC && filter.table !== 0) filter.family = AF_INET;
  if (filter.dev !== undefined) {
    filter.ifindex = context.ifindex(filter.dev);
    if (filter.ifindex === 0) throw noDevice(filter.dev);
  }
  return filter;
}

function routeMatches(filter: Filter, route: RouteMsg): boolean {
  if (filter.family !== AF_UNSPEC && filter.family !== route.family) return false;
  if (filter.table > 0 && filter.table !== route.table) return false;
  if (filter.protocol !== undefined && filter.protocol !== route.protocol) return false;
  if (filter.scope !== undefined && filter.scope !== route.scope) return false;
  if (filter.type !== undefined && filter.type !== route.type) return false;
  if (filter.tos !== undefined && filter.tos !== route.tos) return false;
  if (filter.metric !== undefined && filter.metric !== (route.priority ?? 0)) return false;
  const anyAddress: IpAddr = route.family === AF_INET6 ? new Uint8Array(16) : 0;
  const dst = route.dst ?? anyAddress;
  const { root, match } = filter;
  if (root !== undefined) {
    if (!root.any && root.family !== route.family) return false;
    if (
      route.dstLen < root.length ||
      (root.length > 0 && !samePrefix(dst, root.address, root.length))
    )
      return false;
  }
  if (match !== undefined) {
    if (!match.any && match.family !== route.family) return false;
    if (
      route.dstLen > match.length ||
      (route.dstLen > 0 && !samePrefix(dst, match.address, route.dstLen))
    )
      return false;
  }
  const within = (address: IpAddr | undefined, prefix: Prefix | undefined): boolean =>
    prefix === undefined ||
    prefix.length === 0 ||
    (address !== undefined && samePrefix(address, prefix.address, prefix.length));
  if (!within(route.prefsrc, filter.src)) return false;
  if (!within(route.src, filter.from)) return false;
  // selectors look at a route's own gateway and device, not into a multipath list
  const single = route.nexthops.length === 1 ? route.nexthops[0] : undefined;
  if (!within(single?.via, filter.via)) return false;
  return filter.ifindex === undefined || single?.ifindex === filter.ifindex;
}

function listed(context: IpContext, filter: Filter): RouteMsg[] {
  const request: { family?: number; table?: number; cache?: boolean } = {};
  if (filter.family !== AF_UNSPEC) request.family = filter.family;
  if (filter.table > 0) request.table = filter.table;
  if (filter.cache) request.cache = true;
  return context.dump('RTM_GETROUTE', request).filter((route) => routeMatches(filter, route));
}

function isHost(prefix: Prefix | undefined): boolean {
  return prefix !== undefined && prefix.length === (prefix.family === AF_INET6 ? 128 : 32);
}

function columnsOf(filter: Filter): RouteColumns {
  return {
    table: filter.cache ? 0 : filter.table,
    hideDev: filter.ifindex !== undefined,
    hideProtocol: filter.protocol !== undefined,
    hideScope: filter.scope !== undefined,
    hideVia: isHost(filter.via),
    hideSrc: isHost(filter.src),
    hideMetric: filter.metric !== undefined,
    hideTos: filter.tos !== undefined,
  };
}

function routeList(args: Args, context: IpContext): void {
  const filter = parseFilter(args, context);
  const routes = listed(context, filter);
  context.out.start();
  for (const route of routes) printRoute(context, route, columnsOf(filter));
  context.out.finish();
}

async function routeFlush(args: Args, context: IpContext): Promise<void> {
  if (args.done) throw new CommandExit(1, '"ip route flush" requires arguments.\n');
  const { out, options, sys } = context;
  const filter = parseFilter(args, context);
  if (filter.cache) {
    if (filter.family === AF_INET6) return;
    await flushCache(context);
    return;
  }
  for (let round = 1; round <= 10; round++) {
    let routes: RouteMsg[];
    try {
      routes = listed(context, filter);
    } catch (error) {
      // a table that nobody ever used has nothing to flush
      if (!(error instanceof CommandExit)) throw error;
      throw new CommandExit(
        error.code,
        error.stderr.replace('Dump terminated', 'Flush terminated'),
      );
    }
    if (routes.length === 0) {
      if (options.stats > 0) {
        if (round === 1) out.plain('Nothing to flush.\n');
        else
          out.plain(`*** Flush is complete after ${round - 1} round${round > 2 ? 's' : ''} ***\n`);
      }
      return;
    }
    for (const route of routes) {
      if (options.stats > 1) printRoute(context, route, columnsOf(filter));
      try {
        sys.rtnl('RTM_DELROUTE', deletionOf(route));
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
      }
    }
    if (options.stats > 0)
      out.plain(`\n*** Round ${round}, deleting ${routes.length} entries ***\n`);
  }
}

async function flushCache(context: IpContext): Promise<void> {
  const path = '/proc/sys/net/ipv4/route/flush';
  let fd: number;
  try {
    fd = context.sys.open(path, OpenFlag.O_WRONLY);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new CommandExit(1, `Cannot open "${path}": ${strerror(error.errno)}\n`);
  }
  await context.sys.write(fd, encodeText('-1'));
  context.sys.close(fd);
}

function deletionOf(route: RouteMsg): Omit<RouteNew, 'mode'> {
  return {
    family: route.family,
    dstLen: route.dstLen,
    tos: route.tos,
    table: route.table,
    protocol: route.protocol,
    scope: route.scope,
    type: route.type,
    nexthops: route.nexthops,
    ...(route.dst === undefined ? {} : { dst: route.dst }),
    ...(route.priority === undefined ? {} : { priority: route.priority }),
    ...(route.prefsrc === undefined ? {} : { prefsrc: route.prefsrc }),
  };
}

function routeGet(args: Args, context: IpContext): void {
  let family = context.options.family;
  let dst: Prefix | undefined;
  let fibMatch = false;
  let oif: string | undefined;
  let iif: string | undefined;
  const request: Mutable<Partial<RouteGet>> = {};
  const numberAfter = (message: string, max: number): number => {
    const value = args.value();
    const parsed = parseUnsigned(value, max);
    if (parsed === undefined) throw invalidArgument(message, value);
    return parsed;
  };
  while (!args.done) {
    const word = args.take();
    if (word === 'tos' || matches(word, 'dsfield')) {
      const value = args.value();
      const tos = parseDsfield(value);
      if (tos === undefined) throw invalidArgument('TOS value is invalid\n', value);
      request.tos = tos;
    } else if (matches(word, 'from')) {
      const value = args.value();
      if (matches(value, 'help')) throw new CommandExit(255, ROUTE_HELP);
      const source = parsePrefix(value, family);
      if (family === AF_UNSPEC) family = source.family;
      if (source.length > 0) request.src = source.address;
    } else if (matches(word, 'iif')) iif = args.value();
    else if (matches(word, 'mark')) request.mark = numberAfter('invalid mark value', 0xffffffff);
    else if (matches(word, 'oif') || word === 'dev') oif = args.value();
    else if (matches(word, 'notify') || matches(word, 'connected')) continue;
    else if (matches(word, 'vrf')) oif = args.value();
    else if (matches(word, 'uid')) numberAfter('invalid UID\n', 0xffffffff);
    else if (matches(word, 'fibmatch')) fibMatch = true;
    else if (word === 'ipproto') {
      const value = args.value();
      const protocol =
        (
          { icmp: 1, tcp: 6, udp: 17, dccp: 33, 'ipv6-icmp': 58, sctp: 132 } as Record<
            string,
            number
          >
        )[value] ?? parseUnsigned(value, 255);
      if (protocol === undefined) throw invalidArgument('Invalid "ipproto" value\n', value);
      request.ipproto = protocol;
    } else if (word === 'sport') request.sport = numberAfter('invalid sport\n', 65535);
    else if (word === 'dport') request.dport = numberAfter('invalid dport\n', 65535);
    else {
      const value = word === 'to' ? args.value() : word;
      if (matches(value, 'help')) throw new CommandExit(255, ROUTE_HELP);
      dst = parsePrefix(value, family);
      if (family === AF_UNSPEC) family = dst.family;
    }
  }
  if (dst === undefined) throw new CommandExit(1, 'need at least a destination address\n');
  if (iif !== undefined) request.iif = context.requireIfindex(iif);
  if (oif !== undefined) request.oif = context.requireIfindex(oif);
  const route = context.ask('RTM_GETROUTE_ONE', {
    ...request,
    family: family === AF_UNSPEC ? AF_INET : family,
    dst: dst.address,
    ...(fibMatch ? { fibMatch } : {}),
  });
  context.out.start();
  printRoute(context, route, { table: 0 });
  context.out.finish();
}

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
    metrics[plain] = number(plain);
    return true;
  }
  if (word === 'rtt' || matches(word, 'rto_min') || matches(word, 'rttvar')) {
    const keyword = word === 'rtt' ? 'rtt' : matches(word, 'rto_min') ? 'rto_min' : 'rttvar';
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

function routeModify(args: Args, context: IpContext, verb: Verb): void {
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
    else if (word === 'pref') args.value();
    else if (parseMetric(word, args, metrics)) continue;
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

/** `ip route …`. */
export async function doRoute(args: Args, context: IpContext): Promise<void> {
  if (args.done) {
    routeList(args, context);
    return;
  }
  const verb = args.take();
  if (matches(verb, 'list') || matches(verb, 'show') || matches(verb, 'lst'))
    routeList(args, context);
  else if (matches(verb, 'get')) routeGet(args, context);
  else if (matches(verb, 'add')) routeModify(args, context, 'add');
  else if (matches(verb, 'change') || verb === 'chg') routeModify(args, context, 'change');
  else if (matches(verb, 'replace')) routeModify(args, context, 'replace');
  else if (matches(verb, 'prepend')) routeModify(args, context, 'prepend');
  else if (matches(verb, 'append')) routeModify(args, context, 'append');
  else if (matches(verb, 'delete')) routeModify(args, context, 'delete');
  else if (matches(verb, 'flush')) await routeFlush(args, context);
  else if (matches(verb, 'help')) throw new CommandExit(255, ROUTE_HELP);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "ip route help".\n`);
}
