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
  type RouteGet,
  type RouteMsg,
  type RouteNew,
} from '@netloom/sys';
import {
  type Args,
  invalidArgument,
  matches,
  parsePrefix,
  parseUnsigned,
  type Prefix,
} from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';
import { ROUTE_HELP } from './help.js';
import { parseDsfield } from './names.js';
import { columnsOf, parseRouteFilter, selectRoutes } from './route-filter.js';
import { routeModify } from './route-modify.js';
import { printRoute } from './route-print.js';
import { routeRestore, routeSave, routeShowdump } from './route-save.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function routeList(args: Args, context: IpContext): void {
  const filter = parseRouteFilter(args, context);
  const routes = selectRoutes(context, filter);
  context.out.start();
  for (const route of routes) printRoute(context, route, columnsOf(filter));
  context.out.finish();
}

async function routeFlush(args: Args, context: IpContext): Promise<void> {
  if (args.done) throw new CommandExit(1, '"ip route flush" requires arguments.\n');
  const { out, options, sys } = context;
  const filter = parseRouteFilter(args, context);
  if (filter.cache) {
    await flushCache(context, filter.family === AF_INET6 ? 'ipv6' : 'ipv4');
    return;
  }
  for (let round = 1; round <= 10; round++) {
    let routes: RouteMsg[];
    try {
      routes = selectRoutes(context, filter);
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

async function flushCache(context: IpContext, family: 'ipv4' | 'ipv6'): Promise<void> {
  const path = `/proc/sys/net/${family}/route/flush`;
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
    else if (matches(word, 'notify')) request.notify = true;
    else if (matches(word, 'connected')) continue;
    else if (matches(word, 'vrf')) oif = args.value();
    else if (matches(word, 'uid')) request.uid = numberAfter('invalid UID\n', 0xffffffff);
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
  else if (matches(verb, 'save')) await routeSave(args, context);
  else if (matches(verb, 'restore')) await routeRestore(context);
  else if (matches(verb, 'showdump')) await routeShowdump(context);
  else if (matches(verb, 'help')) throw new CommandExit(255, ROUTE_HELP);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "ip route help".\n`);
}
