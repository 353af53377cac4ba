/**
 * One route as `ip route` and `ip monitor` print it. Columns that a selector pins to one value are left out, as
 * iproute2 leaves them out.
 */
import { AF_INET, AF_INET6, type NextHop, type RouteMsg } from '@netloom/sys';
import { addressText } from '../args.js';
import type { IpContext } from './context.js';
import { dsfieldText, ROUTE_TYPES } from './names.js';
import { printNexthopFields } from './nexthop-print.js';

/** What the selectors say of every route listed, so that it need not be repeated. */
export interface RouteColumns {
  /** A table was asked for (0: all of them). */
  readonly table: number;
  readonly hideDev?: boolean;
  readonly hideProtocol?: boolean;
  readonly hideScope?: boolean;
  readonly hideVia?: boolean;
  readonly hideSrc?: boolean;
  readonly hideMetric?: boolean;
  readonly hideTos?: boolean;
}

const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RTM_F_CLONED = 0x200;

const ROUTE_FLAGS: readonly (readonly [number, string])[] = [
  [0x1, 'dead'],
  [0x4, 'onlink'],
  [0x2, 'pervasive'],
  [0x8, 'offload'],
  [0x40, 'trap'],
  [0x100, 'notify'],
  [0x10, 'linkdown'],
  [0x20, 'unresolved'],
  [0x4000, 'rt_offload'],
  [0x8000, 'rt_trap'],
  [0x20000000, 'rt_offload_failed'],
];

const CACHE_FLAGS: readonly (readonly [number, string])[] = [
  [0x80000000, 'local'],
  [0x20000000, 'mc'],
  [0x10000000, 'brd'],
  [0x04000000, 'src-direct'],
  [0x00040000, 'redirected'],
  [0x100, 'notify'],
];

/** RTAX_* numbers by the words of `ip route`, in print order. */
export const METRICS: readonly (readonly [string, number])[] = [
  ['mtu', 2],
  ['window', 3],
  ['rtt', 4],
  ['rttvar', 5],
  ['ssthresh', 6],
  ['cwnd', 7],
  ['advmss', 8],
  ['reordering', 9],
  ['hoplimit', 10],
  ['initcwnd', 11],
  ['features', 12],
  ['rto_min', 13],
  ['initrwnd', 14],
  ['quickack', 15],
  ['congctl', 16],
  ['fastopen_no_cookie', 17],
];

function printFlags(context: IpContext, flags: number): void {
  const { out } = context;
  out.openArray('flags');
  for (const [bit, name] of ROUTE_FLAGS)
    if ((flags & bit) !== 0) out.any(undefined, `${name} `, name);
  out.closeArray();
}

function destinationText(context: IpContext, route: RouteMsg): void {
  const { out } = context;
  const host = route.family === AF_INET6 ? 128 : 32;
  let text: string;
  if (route.dst !== undefined)
    text = addressText(route.dst) + (route.dstLen === host ? '' : `/${route.dstLen}`);
  else text = route.dstLen > 0 ? `0/${route.dstLen}` : 'default';
  if (out.isJson || route.dst === undefined) out.any('dst', `${text} `, text);
  else out.colored(route.family === AF_INET6 ? 'inet6' : 'inet', 'dst', '', `${text} `, '', text);
}

function printVia(context: IpContext, via: NextHop['via'], family: number): void {
  if (via === undefined) return;
  const { out } = context;
  const text = addressText(via);
  const viaFamily = typeof via === 'number' ? AF_INET : AF_INET6;
  const color = viaFamily === AF_INET6 ? 'inet6' : 'inet';
  if (viaFamily === family) {
    out.colored(color, 'gateway', 'via ', `${text} `, '', text);
    return;
  }
  const name = viaFamily === AF_INET6 ? 'inet6' : 'inet';
  out.openObject('via');
  out.any('family', `via ${name} `, name);
  out.colored(color, 'host', '', `${text} `, '', text);
  out.closeObject();
}

function printMetrics(
  context: IpContext,
  metrics: Readonly<Record<string, number | string>>,
): void {
  const { out } = context;
  const lock = Number(metrics['lock'] ?? 0);
  out.openArray('metrics');
  out.openObject();
  for (const [name, bit] of METRICS) {
    const value = metrics[name];
    if (value === undefined) continue;
    const locked = (lock & (1 << bit)) !== 0 ? 'lock ' : '';
    if (name === 'features') {
      out.plain(`features ${locked}`);
      if ((Number(value) & 1) !== 0) out.any('ecn', 'ecn ', null);
    } else if (
      typeof value === 'number' &&
      (name === 'rtt' || name === 'rttvar' || name === 'rto_min')
    ) {
      const ms = name === 'rtt' ? value / 8 : name === 'rttvar' ? value / 4 : value;
      const text = ms >= 1000 ? `${ms / 1000}s` : `${ms}ms`;
      out.any(name, `${name} ${locked}${text} `, ms);
    } else {
      out.any(name === 'congctl' ? 'congestion' : name, `${name} ${locked}${value} `, value);
    }
  }
  out.closeObject();
  out.closeArray();
}

function printNextHops(context: IpContext, route: RouteMsg): void {
  const { out } = context;
  out.openArray('nexthops');
  for (const hop of route.nexthops) {
    out.openObject();
    out.newline();
    out.plain('\tnexthop ');
    printVia(context, hop.via, route.family);
    out.any('dev', `dev ${context.ifname(hop.ifindex)} `, context.ifname(hop.ifindex));
    out.any('weight', `weight ${hop.weight} `, hop.weight);
    printFlags(context, hop.flags & 0xff);
    out.closeObject();
  }
  out.closeArray();
}

/** What the nexthop object of a route says. */
function printNexthopInfo(context: IpContext, id: number): void {
  const [object] = context.dump('RTM_GETNEXTHOP', { id });
  if (object === undefined) return;
  context.out.newline();
  context.out.openObject('nh_info');
  context.out.plain('\tnh_info ');
  printNexthopFields(context, object);
  context.out.closeObject();
}

/** One record and its line end. */
export function printRoute(
  context: IpContext,
  route: RouteMsg,
  columns: RouteColumns,
  deleted = false,
): void {
  const { out, options } = context;
  const details = options.details > 0;
  const cloned = (route.flags & RTM_F_CLONED) !== 0;
  out.openObject();
  if (deleted) out.any('deleted', 'Deleted ', true);
  if (route.type !== 1 || details) {
    const type = options.numeric
      ? String(route.type)
      : (ROUTE_TYPES[route.type] ?? String(route.type));
    out.any('type', `${type} `, type);
  }
  destinationText(context, route);
  if (route.src !== undefined) {
    const full =
      route.srcLen === undefined || route.srcLen === (route.family === AF_INET6 ? 128 : 32);
    const text = addressText(route.src) + (full ? '' : `/${route.srcLen}`);
    out.any('from', `from ${text} `, text);
  } else if (route.family === AF_INET6 && cloned) {
    out.any('from', 'from :: ', '::');
  }
  if (route.nhid !== undefined) out.any('nhid', `nhid ${route.nhid} `, route.nhid);
  if (route.tos !== 0 && columns.hideTos !== true) {
    const text = dsfieldText(route.tos, options.numeric);
    out.any('tos', `tos ${text} `, text);
  }
  const single = route.nexthops.length === 1 ? route.nexthops[0] : undefined;
  if (single !== undefined) {
    if (columns.hideVia !== true) printVia(context, single.via, route.family);
    if (single.ifindex !== 0 && columns.hideDev !== true) {
      const name = context.ifname(single.ifindex);
      out.colored('ifname', 'dev', 'dev ', `${name} `, '', name);
    }
  }
  if ((route.table !== RT_TABLE_MAIN || details) && columns.table === 0) {
    const table = context.names.tables.name(route.table, options.numeric);
    out.any('table', `table ${table} `, table);
  }
  if (!cloned) {
    if ((route.protocol !== RTPROT_BOOT || details) && columns.hideProtocol !== true) {
      const protocol = context.names.protocols.name(route.protocol, options.numeric);
      out.any('protocol', `proto ${protocol} `, protocol);
    }
    if ((route.scope !== 0 || details) && columns.hideScope !== true) {
      const scope = context.names.scopes.name(route.scope, options.numeric);
      out.any('scope', `scope ${scope} `, scope);
    }
  }
  if (route.prefsrc !== undefined && columns.hideSrc !== true) {
    const text = addressText(route.prefsrc);
    out.colored(
      route.family === AF_INET6 ? 'inet6' : 'inet',
      'prefsrc',
      'src ',
      `${text} `,
      '',
      text,
    );
  }
  if (
    route.priority !== undefined &&
    (route.priority !== 0 || route.family === AF_INET6) &&
    columns.hideMetric !== true
  ) {
    out.any('metric', `metric ${route.priority} `, route.priority);
  }
  const flags = route.flags | (single?.flags ?? 0);
  printFlags(context, flags & ~RTM_F_CLONED);
  if (route.mark !== undefined && route.mark !== 0) {
    const text = route.mark >= 16 ? `0x${route.mark.toString(16)}` : String(route.mark);
    out.any('mark', `mark ${text} `, route.mark);
  }
  if (route.uid !== undefined) out.any('uid', `uid ${route.uid} `, route.uid);
  if (route.family === AF_INET) printCache(context, route, cloned);
  else if (route.expires !== undefined)
    out.any('expires', `expires ${route.expires}sec `, route.expires);
  if (route.error !== undefined && route.error !== 0)
    out.any('error', `error ${route.error} `, route.error);
  if (route.metrics !== undefined && Object.keys(route.metrics).some((key) => key !== 'lock'))
    printMetrics(context, route.metrics);
  if (route.iif !== undefined && route.iif !== 0) {
    const name = context.ifname(route.iif);
    out.colored('ifname', 'iif', 'iif ', `${name} `, '', name);
  }
  if (details && route.nhid !== undefined) printNexthopInfo(context, route.nhid);
  if (route.pref !== undefined) out.any('pref', `pref ${route.pref}`, route.pref);
  if (route.nexthops.length > 1) printNextHops(context, route);
  out.plain('\n');
  out.closeObject();
}

/** The second line of `ip route get`: cache flags and lifetime. */
function printCache(context: IpContext, route: RouteMsg, cloned: boolean): void {
  if (!cloned) return;
  const { out } = context;
  const names = CACHE_FLAGS.filter(([bit]) => (route.flags & bit) !== 0).map(([, name]) => name);
  out.newline();
  out.openArray('cache', '    cache ');
  if (names.length > 0) out.plain('<');
  names.forEach((name, i) => out.any(undefined, (i > 0 ? ',' : '') + name, name));
  if (names.length > 0) out.plain('> ');
  out.closeArray();
  if (route.expires !== undefined && route.expires !== 0) {
    out.any('expires', `expires ${route.expires}sec `, route.expires);
  }
}
