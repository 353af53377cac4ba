/**
 * For specs: as much of ip(8) as their tables need, over rtnetlink requests. Every command answers what ip would print,
 * a refusal as ip words it.
 */
import { formatIpv4, KernelError, strerror } from '@netloom/base';
import {
  Nud,
  type AddrMsg,
  type NeighNew,
  type RouteGet,
  type RouteMsg,
  type RouteNew,
  type Sys,
} from '@netloom/sys';
import { ip4, mac } from './spec-frames.js';

const SCOPES: Readonly<Record<string, number>> = { global: 0, link: 253, host: 254 };
/** Words without a value. */
const FLAGS = new Set(['noprefixroute', 'nexthop', 'onlink', 'up', 'down', 'nomaster']);
const TYPES: Readonly<Record<string, number>> = {
  local: 2,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
};
const nameOf = (table: Readonly<Record<string, number>>, value: number): string =>
  Object.keys(table).find((name) => table[name] === value) ?? String(value);

function ifindex(sys: Sys, name: string): number {
  return sys.rtnl('RTM_GETLINK', { ifname: name })[0]?.ifindex ?? 0;
}

function prefix(text: string): { readonly address: number; readonly length: number } {
  if (text === 'default') return { address: 0, length: 0 };
  const [address = '', length = '32'] = text.split('/');
  return { address: ip4(address), length: Number(length) };
}

/** `a b c d` after the leading words as { a: b, c: d }; words without a value are flags. */
function options(words: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    found.set(word, FLAGS.has(word) ? '' : (words[++i] ?? ''));
  }
  return found;
}

/** `link add d0` makes a pair whose far end `p0` is up; with `type` it is as in ip. */
function link(sys: Sys, verb: string, name: string, rest: readonly string[]): void {
  const given = options(rest);
  const kind = given.get('type');
  if (verb === 'add' && kind !== undefined) {
    const peer = rest.indexOf('peer');
    sys.rtnl('RTM_NEWLINK', {
      kind,
      ifname: name,
      ...(peer >= 0 ? { peer: { ifname: rest[peer + 2] ?? '' } } : {}),
    });
  } else if (verb === 'add') {
    const peer = name.replace('d', 'p');
    sys.rtnl('RTM_NEWLINK', { kind: 'veth', ifname: name, peer: { ifname: peer } });
    sys.rtnl('RTM_SETLINK', { ifname: peer, flags: 1, flagsMask: 1 });
  } else if (verb === 'del') {
    sys.rtnl('RTM_DELLINK', { ifname: name });
  } else {
    linkSet(sys, name, rest, given);
  }
}

function linkSet(
  sys: Sys,
  ifname: string,
  rest: readonly string[],
  given: ReadonlyMap<string, string>,
): void {
  const master = rest.includes('nomaster')
    ? 0
    : given.has('master')
      ? ifindex(sys, given.get('master') ?? '')
      : undefined;
  const up = rest.includes('up') || given.get('promisc') !== undefined;
  const mask = given.has('promisc')
    ? 0x100
    : rest.includes('up') || rest.includes('down')
      ? 1
      : undefined;
  const netns = given.get('netns');
  sys.rtnl('RTM_SETLINK', {
    ifname,
    ...(mask === undefined ? {} : { flags: up ? mask : 0, flagsMask: mask }),
    ...(given.has('mtu') ? { mtu: Number(given.get('mtu')) } : {}),
    ...(given.has('address') ? { address: mac(given.get('address') ?? '') } : {}),
    ...(given.has('name') ? { newName: given.get('name') ?? '' } : {}),
    ...(given.has('txqueuelen') ? { txqlen: Number(given.get('txqueuelen')) } : {}),
    ...(given.has('carrier') ? { carrier: given.get('carrier') === 'on' } : {}),
    ...(master === undefined ? {} : { master }),
    ...(netns === undefined ? {} : { netns: { pid: Number(netns) } }),
  });
}

function addr(sys: Sys, verb: string, what: string, rest: readonly string[]): void {
  const given = options(rest);
  const { address: local, length } = prefix(what);
  const on = { family: 2, ifindex: ifindex(sys, given.get('dev') ?? ''), local };
  if (verb === 'del') {
    sys.rtnl('RTM_DELADDR', { ...on, prefixlen: length });
    return;
  }
  const peer = given.get('peer');
  const brd = given.get('brd');
  sys.rtnl('RTM_NEWADDR', {
    ...on,
    replace: verb === 'replace',
    prefixlen: peer === undefined ? length : prefix(peer).length,
    ...(peer === undefined ? {} : { address: prefix(peer).address }),
    ...(brd === undefined
      ? {}
      : { broadcast: brd === '+' ? (local | (0xffffffff >>> length)) >>> 0 : ip4(brd) }),
    ...(given.has('metric') ? { metric: Number(given.get('metric')) } : {}),
    ...(given.has('noprefixroute') ? { flags: 0x200 } : {}),
    ...(given.has('scope') ? { scope: SCOPES[given.get('scope') ?? ''] ?? 0 } : {}),
  });
}

function route(sys: Sys, verb: string, words: readonly string[]): void {
  const type = TYPES[words[0] ?? ''];
  const [what = '', ...rest] = type === undefined ? words : words.slice(1);
  const { address: dst, length: dstLen } = prefix(what);
  const given = options(rest.join(' ').split(' nexthop ')[0]?.split(' ') ?? []);
  const hops =
    rest[0] === 'nexthop'
      ? rest
          .join(' ')
          .split('nexthop ')
          .slice(1)
          .map((hop) => options(hop.trim().split(' ')))
      : given.has('via') || given.has('dev')
        ? [given]
        : [];
  const request: Omit<RouteNew, 'mode'> = {
    family: 2,
    dst,
    dstLen,
    nexthops: hops.map((hop) => ({
      ...(hop.has('onlink') ? { onlink: true } : {}),
      ...(hop.has('via') ? { via: ip4(hop.get('via') ?? '') } : {}),
      ...(hop.has('dev') ? { ifindex: ifindex(sys, hop.get('dev') ?? '') } : {}),
      ...(hop.has('weight') ? { weight: Number(hop.get('weight')) } : {}),
    })),
    ...(type === undefined ? {} : { type }),
    ...(given.has('metric') ? { priority: Number(given.get('metric')) } : {}),
    ...(given.has('src') ? { prefsrc: ip4(given.get('src') ?? '') } : {}),
    ...(given.has('table') ? { table: Number(given.get('table')) } : {}),
    ...(given.has('scope') ? { scope: SCOPES[given.get('scope') ?? ''] ?? 0 } : {}),
  };
  if (verb === 'del') sys.rtnl('RTM_DELROUTE', request);
  else sys.rtnl('RTM_NEWROUTE', { ...request, mode: verb as RouteNew['mode'] });
}

function routeGet(sys: Sys, [what = '', ...rest]: readonly string[]): string {
  const fibMatch = what === 'fibmatch';
  const given = options(fibMatch ? rest.slice(1) : rest);
  const index = (word: string): number => ifindex(sys, given.get(word) ?? '');
  const request: RouteGet = {
    family: 2,
    dst: ip4(fibMatch ? (rest[0] ?? '') : what),
    fibMatch,
    ...(given.has('from') ? { src: ip4(given.get('from') ?? '') } : {}),
    ...(given.has('oif') ? { oif: index('oif') } : {}),
    ...(given.has('iif') ? { iif: index('iif') } : {}),
  };
  const r = sys.rtnl('RTM_GETROUTE_ONE', request);
  if (fibMatch) return showRoute(sys, r).join(' ');
  const name = (ifIndex: number): string =>
    sys.rtnl('RTM_GETLINK', { ifindex: ifIndex })[0]?.ifname ?? '?';
  const type = { 2: 'local ', 3: 'broadcast ', 5: 'multicast ' }[r.type] ?? '';
  const [hop] = r.nexthops;
  const cast = [
    (r.flags & 0x80000000) !== 0 ? 'local' : '',
    (r.flags & 0x10000000) !== 0 ? 'brd' : '',
    (r.flags & 0x20000000) !== 0 ? 'mc' : '',
  ].filter((word) => word !== '');
  return (
    `${type}${formatIpv4(Number(r.dst))}` +
    (r.src === undefined ? '' : ` from ${formatIpv4(Number(r.src))}`) +
    (hop?.via === undefined ? '' : ` via ${formatIpv4(Number(hop.via))}`) +
    ` dev ${name(hop?.ifindex ?? 0)}` +
    (r.prefsrc === undefined ? '' : ` src ${formatIpv4(Number(r.prefsrc))}`) +
    ` cache${cast.length > 0 ? ` <${cast.join(',')}>` : ''}` +
    (r.iif === undefined ? '' : ` iif ${name(r.iif)}`)
  );
}

function neigh(sys: Sys, verb: string, what: string, rest: readonly string[]): void {
  const given = options(rest);
  const nud = given.get('nud');
  const lladdr = given.get('lladdr');
  const request: Omit<NeighNew, 'mode'> = {
    family: 2,
    ifindex: ifindex(sys, given.get('dev') ?? ''),
    dst: ip4(what),
    ...(lladdr === undefined ? {} : { lladdr: mac(lladdr) }),
    ...(nud === undefined ? {} : { state: Nud[`NUD_${nud.toUpperCase()}` as keyof typeof Nud] }),
  };
  if (verb === 'del') sys.rtnl('RTM_DELNEIGH', request);
  else sys.rtnl('RTM_NEWNEIGH', { ...request, mode: verb as NeighNew['mode'] });
}

/** Runs one command; the answer is what ip would print, on whichever stream. */
export function ip(sys: Sys, command: string): string {
  const [object, verb = '', what = '', ...rest] = command.split(' ');
  try {
    if (object === 'link') link(sys, verb, what, rest);
    else if (object === 'addr') addr(sys, verb, what, rest);
    else if (object === 'neigh') neigh(sys, verb, what, rest);
    else if (verb === 'get') return routeGet(sys, [what, ...rest]);
    else route(sys, verb, [what, ...rest]);
    return '';
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return error.extack === undefined
      ? `RTNETLINK answers: ${strerror(error.errno)}`
      : `Error: ${error.extack}.`;
  }
}

export function showRoute(sys: Sys, r: RouteMsg): string[] {
  const name = (index: number): string =>
    sys.rtnl('RTM_GETLINK', { ifindex: index })[0]?.ifname ?? '?';
  const dst =
    r.dst === undefined
      ? 'default'
      : formatIpv4(Number(r.dst)) + (r.dstLen === 32 ? '' : `/${r.dstLen}`);
  const type =
    { 1: '', 2: 'local ', 3: 'broadcast ', 6: 'blackhole ', 7: 'unreachable ' }[r.type] ?? '?';
  const hops = r.nexthops.map(
    (hop) =>
      `${hop.via === undefined ? '' : `via ${formatIpv4(Number(hop.via))} `}dev ${name(hop.ifindex)}`,
  );
  const rest =
    (r.table === 254 ? '' : ` table ${r.table === 255 ? 'local' : r.table}`) +
    (r.protocol === 2 ? ' proto kernel' : '') +
    (r.scope === 0 || r.type >= 6 ? '' : ` scope ${nameOf(SCOPES, r.scope)}`) +
    (r.prefsrc === undefined ? '' : ` src ${formatIpv4(Number(r.prefsrc))}`) +
    (r.priority === undefined ? '' : ` metric ${r.priority}`);
  if (hops.length < 2) return [`${type}${dst}${hops.length > 0 ? ` ${hops.join('')}` : ''}${rest}`];
  const notes = (flags: number): string =>
    ((flags & 1) !== 0 ? ' dead' : '') + ((flags & 16) !== 0 ? ' linkdown' : '');
  return [
    `${type}${dst}${rest}`,
    ...r.nexthops.map(
      (hop, i) => `nexthop ${hops[i] ?? ''} weight ${hop.weight}${notes(hop.flags)}`,
    ),
  ];
}

export function showAddr(sys: Sys, a: AddrMsg): string {
  const name = sys.rtnl('RTM_GETLINK', { ifindex: a.ifindex })[0]?.ifname ?? '?';
  const peer = a.address === a.local ? '' : ` peer ${formatIpv4(Number(a.address))}`;
  return (
    `${name} inet ${formatIpv4(Number(a.local))}${peer}/${a.prefixlen}` +
    (a.metric === undefined ? '' : ` metric ${a.metric}`) +
    (a.broadcast === undefined ? '' : ` brd ${formatIpv4(a.broadcast)}`) +
    ` scope ${nameOf(SCOPES, a.scope)}` +
    ((a.flags & 1) !== 0 ? ' secondary' : '') +
    ((a.flags & 0x200) !== 0 ? ' noprefixroute' : '') +
    ` ${name}`
  );
}
