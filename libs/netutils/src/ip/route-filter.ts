/**
 * Selectors of `ip route list` and `flush`.
 */
import { AF_INET, AF_INET6, AF_UNSPEC, type IpAddr, type RouteMsg } from '@netloom/sys';
import {
  type Args,
  invalidArgument,
  matches,
  noDevice,
  parsePrefix,
  parseUnsigned,
  samePrefix,
  type Prefix,
} from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';
import { ROUTE_HELP } from './help.js';
import { parseDsfield, ROUTE_TYPES } from './names.js';
import type { RouteColumns } from './route-print.js';

const RT_TABLE_MAIN = 254;

/** The number of a route type word. */
export function routeType(word: string): number | undefined {
  const index = ROUTE_TYPES.indexOf(word === 'brd' ? 'broadcast' : word);
  return index > 0 && index < 12 ? index : undefined;
}

/** What a selector asks for. */
export interface RouteFilter {
  family: number;
  /** 0: all tables. */
  table: number;
  cache: boolean;
  protocol?: number;
  scope?: number;
  type?: number;
  /** Of a VRF: without the routes of its own addresses. */
  vrf?: boolean;
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

/** Reads the selectors of list and flush. */
export function parseRouteFilter(args: Args, context: IpContext): RouteFilter {
  const filter: RouteFilter = {
    family: context.options.family,
    table: RT_TABLE_MAIN,
    cache: false,
  };
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
      filter.vrf = true;
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

function routeMatches(filter: RouteFilter, route: RouteMsg): boolean {
  if (filter.family !== AF_UNSPEC && filter.family !== route.family) return false;
  if (filter.table > 0 && filter.table !== route.table) return false;
  if (filter.protocol !== undefined && filter.protocol !== route.protocol) return false;
  if (filter.scope !== undefined && filter.scope !== route.scope) return false;
  if (filter.type !== undefined && filter.type !== route.type) return false;
  if (filter.vrf === true && filter.type === undefined && (route.type === 2 || route.type === 3))
    return false;
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

/** The routes that a selector matches. */
export function selectRoutes(context: IpContext, filter: RouteFilter): RouteMsg[] {
  const request: { family?: number; table?: number; cache?: boolean } = {};
  if (filter.family !== AF_UNSPEC) request.family = filter.family;
  if (filter.table > 0) request.table = filter.table;
  if (filter.cache) request.cache = true;
  return context.dump('RTM_GETROUTE', request).filter((route) => routeMatches(filter, route));
}

function isHost(prefix: Prefix | undefined): boolean {
  return prefix !== undefined && prefix.length === (prefix.family === AF_INET6 ? 128 : 32);
}

/** What need not be shown, the selector having said it. */
export function columnsOf(filter: RouteFilter): RouteColumns {
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
