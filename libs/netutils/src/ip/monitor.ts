/** `ip monitor`: what changes, as it changes, until a signal ends the program. */
import type { RtnlEvent, RtnlGroup } from '@netloom/sys';
import { AF_UNSPEC } from '@netloom/sys';
import { matches, type Args } from '../args.js';
import { calendarText, dateText } from '../calendar.js';
import { CommandExit } from '../command.js';
import { printAddress } from './address-print.js';
import type { IpContext } from './context.js';
import { MONITOR_HELP } from './help.js';
import { printLink } from './link-print.js';
import { printNeigh } from './neigh.js';
import { printNexthop } from './nexthop.js';
import { printRoute } from './route-print.js';
import { printRule } from './rule.js';

const LABELS: Readonly<Record<RtnlGroup, string>> = {
  link: '[LINK]',
  addr: '[ADDR]',
  route: '[ROUTE]',
  neigh: '[NEIGH]',
  rule: '[RULE]',
  nexthop: '[NEXTHOP]',
  mdb: '[MDB]',
  vlan: '[VLAN]',
};

function groupOf(event: RtnlEvent): RtnlGroup {
  if ('link' in event) return 'link';
  if ('mdb' in event) return 'mdb';
  if ('vlan' in event) return 'vlan';
  if ('addr' in event) return 'addr';
  if ('route' in event) return 'route';
  if ('nexthop' in event) return 'nexthop';
  return 'neigh' in event ? 'neigh' : 'rule';
}

function familyOf(event: RtnlEvent): number {
  if ('addr' in event) return event.addr.family;
  if ('route' in event) return event.route.family;
  if ('neigh' in event) return event.neigh.family;
  return 'rule' in event ? event.rule.family : AF_UNSPEC;
}

function printEvent(context: IpContext, event: RtnlEvent): void {
  const { out } = context;
  const deleted = event.type.startsWith('RTM_DEL');
  if ('link' in event) {
    if (deleted) out.plain('Deleted ');
    else context.rememberLink(event.link);
    printLink(context, event.link, { linkCommand: false, family: AF_UNSPEC, event: true });
    return;
  }
  if ('addr' in event) {
    if (deleted) out.plain('Deleted ');
    printAddress(context, event.addr, true);
  } else if ('route' in event) printRoute(context, event.route, { table: 0 }, deleted);
  else if ('nexthop' in event) {
    printNexthop(context, event.nexthop, deleted);
    out.plain('\n');
  } else if ('neigh' in event) {
    if (event.type === 'RTM_GETNEIGH') out.any('miss', 'miss ', null);
    printNeigh(context, event.neigh, true, deleted);
  } else if ('rule' in event) printRule(context, event.rule, deleted);
}

/** `ip monitor [OBJECT…] [dev DEV] [label]`. */
export async function doMonitor(args: Args, context: IpContext): Promise<number> {
  const { sys, out, options } = context;
  const groups = new Set<RtnlGroup>();
  let label = false;
  let dev: string | undefined;
  while (!args.done) {
    const word = args.take();
    if (matches(word, 'link')) groups.add('link');
    else if (matches(word, 'address')) groups.add('addr');
    else if (matches(word, 'route')) groups.add('route');
    else if (matches(word, 'neigh')) groups.add('neigh');
    else if (matches(word, 'rule')) groups.add('rule');
    else if (matches(word, 'nexthop')) groups.add('nexthop');
    else if (word === 'all') label = true;
    else if (matches(word, 'label')) label = true;
    else if (
      ['mroute', 'prefix', 'netconf', 'nsid', 'stats', 'all-nsid'].some((name) =>
        matches(word, name),
      )
    )
      continue;
    else if (word === 'dev') dev = args.value();
    else if (matches(word, 'help')) throw new CommandExit(255, MONITOR_HELP);
    else throw new CommandExit(255, `Argument "${word}" is unknown, try "ip monitor help".\n`);
  }
  if (groups.size === 0)
    for (const group of ['link', 'addr', 'route', 'neigh', 'rule', 'nexthop'] as const)
      groups.add(group);
  const ifindex = dev === undefined ? 0 : context.ifindex(dev);
  if (dev !== undefined && ifindex === 0)
    throw new CommandExit(255, `Device "${dev}" does not exist.\n`);
  const fd = sys.rtnlSubscribe([...groups]);
  for (;;) {
    const event = await sys.rtnlRecv(fd);
    if (
      options.family !== AF_UNSPEC &&
      familyOf(event) !== AF_UNSPEC &&
      familyOf(event) !== options.family
    )
      continue;
    if (ifindex !== 0 && !concerns(event, ifindex)) continue;
    if (options.timestamp > 0) {
      const nowNs = sys.now();
      const micros = Math.floor((nowNs % 1e9) / 1e3);
      const seconds = sys.bootTime() + Math.floor(nowNs / 1e9);
      if (options.timestamp === 1)
        out.plain(`Timestamp: ${calendarText(seconds)} ${micros} usec\n`);
      else out.plain(`[${dateText(seconds, 'T')}.${String(micros).padStart(6, '0')}] `);
    }
    if (label) out.plain(LABELS[groupOf(event)]);
    printEvent(context, event);
    await context.flush();
  }
}

function concerns(event: RtnlEvent, ifindex: number): boolean {
  if ('link' in event) return event.link.ifindex === ifindex;
  if ('addr' in event) return event.addr.ifindex === ifindex;
  if ('neigh' in event) return event.neigh.ifindex === ifindex;
  if ('route' in event) return event.route.nexthops.some((hop) => hop.ifindex === ifindex);
  return false;
}
