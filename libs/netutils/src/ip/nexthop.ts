/** `ip nexthop`: ways on that routes refer to by number. */
import { AF_INET, AF_UNSPEC, type NexthopMsg, type NexthopNew } from '@netloom/sys';
import { invalidArgument, matches, parseAddress, parseUnsigned, type Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';
import { NEXTHOP_HELP } from './help.js';
import { printNexthopFields } from './nexthop-print.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One record, without its line end. */
export function printNexthop(context: IpContext, object: NexthopMsg, deleted = false): void {
  const { out } = context;
  out.openObject();
  if (deleted) out.any('deleted', 'Deleted ', true);
  printNexthopFields(context, object);
  out.closeObject();
}

function parseId(args: Args): number {
  const value = args.value();
  const id = parseUnsigned(value, 0xffffffff);
  if (id === undefined) throw invalidArgument('invalid id value', value);
  return id;
}

/** `1/2,10`: numbers with weights. */
function parseGroup(text: string): { id: number; weight: number }[] {
  return text.split('/').map((part) => {
    const comma = part.indexOf(',');
    const idText = comma < 0 ? part : part.slice(0, comma);
    const id = parseUnsigned(idText, 0xffffffff);
    if (id === undefined || id === 0) throw invalidArgument('"group" value is invalid\n', part);
    if (comma < 0) return { id, weight: 1 };
    const weightText = part.slice(comma + 1);
    const weight = parseUnsigned(weightText, 65536);
    if (weight === undefined || weight === 0)
      throw invalidArgument('"weight" is invalid\n', weightText);
    return { id, weight };
  });
}

function requireDevice(context: IpContext, name: string): number {
  const ifindex = context.ifindex(name);
  if (ifindex === 0) throw invalidArgument('Device does not exist\n', name);
  return ifindex;
}

function nexthopModify(args: Args, context: IpContext, mode: NexthopNew['mode']): void {
  const request: Mutable<NexthopNew> = { id: 0, family: context.options.family, mode };
  while (!args.done) {
    const word = args.take();
    if (word === 'id') request.id = parseId(args);
    else if (word === 'dev') request.ifindex = requireDevice(context, args.value());
    else if (word === 'via') {
      const address = parseAddress(args.value(), request.family);
      request.family = address.family;
      if (typeof address.address !== 'number')
        throw new CommandExit(2, 'RTNETLINK answers: Address family not supported by protocol\n');
      request.via = address.address;
    } else if (word === 'blackhole') request.blackhole = true;
    else if (word === 'fdb') request.fdb = true;
    else if (word === 'onlink') request.onlink = true;
    else if (word === 'group') request.group = parseGroup(args.value());
    else if (word === 'type') {
      const value = args.value();
      if (value === 'resilient') request.resilient = true;
      else if (value !== 'mpath') throw invalidArgument('"type" value is invalid\n', value);
    } else if (word === 'buckets' || word === 'idle_timer' || word === 'unbalanced_timer') {
      args.value();
    } else if (matches(word, 'protocol')) {
      const value = args.value();
      const protocol = context.names.protocols.number(value);
      if (protocol === undefined) throw invalidArgument('"protocol" value is invalid\n', value);
      request.protocol = protocol;
    } else if (word === 'help') throw new CommandExit(255, NEXTHOP_HELP);
    else throw invalidArgument('', word);
  }
  if (request.group !== undefined) request.family = AF_UNSPEC;
  else if (
    request.family === AF_UNSPEC &&
    (request.ifindex !== undefined || request.blackhole === true)
  )
    request.family = AF_INET;
  context.ask('RTM_NEWNEXTHOP', request);
}

/** The objects that selectors leave. */
function selected(args: Args, context: IpContext): NexthopMsg[] {
  let found: (object: NexthopMsg) => boolean = () => true;
  const also = (test: (object: NexthopMsg) => boolean): void => {
    const before = found;
    found = (object) => before(object) && test(object);
  };
  while (!args.done) {
    const word = args.take();
    if (word === 'dev') {
      const ifindex = requireDevice(context, args.value());
      also((object) => object.ifindex === ifindex);
    } else if (matches(word, 'groups')) also((object) => object.group !== undefined);
    else if (word === 'fdb') also((object) => object.fdb);
    else if (word === 'master') {
      const master = requireDevice(context, args.value());
      also((object) => context.linkByIndex(object.ifindex ?? 0)?.master === master);
    } else if (word === 'vrf') {
      const value = args.value();
      const vrf = context.linkByName(value);
      if (vrf?.kind !== 'vrf') throw invalidArgument('Invalid VRF\n', value);
      also((object) => context.linkByIndex(object.ifindex ?? 0)?.master === vrf.ifindex);
    } else if (word === 'id') {
      const id = parseId(args);
      return context.ask('RTM_GETNEXTHOP', { id });
    } else if (matches(word, 'protocol')) {
      const value = args.value();
      const protocol = parseUnsigned(value, 255);
      if (protocol === undefined) throw invalidArgument('invalid protocol value', value);
      also((object) => object.protocol === protocol);
    } else if (matches(word, 'help')) throw new CommandExit(255, NEXTHOP_HELP);
    else throw invalidArgument('', word);
  }
  return context.dump('RTM_GETNEXTHOP', {}).filter(found);
}

function nexthopList(objects: readonly NexthopMsg[], context: IpContext): void {
  context.out.start();
  for (const object of objects) {
    printNexthop(context, object);
    context.out.plain('\n');
  }
  context.out.finish();
}

function onlyId(args: Args): number {
  let id = 0;
  while (!args.done) {
    const word = args.take();
    if (word === 'id') id = parseId(args);
    else throw invalidArgument('', word);
  }
  if (id === 0) throw new CommandExit(255, NEXTHOP_HELP);
  return id;
}

/** `ip nexthop …`. */
export function doNexthop(args: Args, context: IpContext): void {
  const verb = args.done ? 'list' : args.take();
  if (matches(verb, 'add')) nexthopModify(args, context, 'add');
  else if (matches(verb, 'replace')) nexthopModify(args, context, 'replace');
  else if (matches(verb, 'delete')) context.ask('RTM_DELNEXTHOP', { id: onlyId(args) });
  else if (matches(verb, 'list') || matches(verb, 'show') || matches(verb, 'lst'))
    nexthopList(selected(args, context), context);
  else if (matches(verb, 'get'))
    nexthopList(context.ask('RTM_GETNEXTHOP', { id: onlyId(args) }), context);
  else if (matches(verb, 'flush')) {
    const objects = selected(args, context);
    let flushed = 0;
    for (const { id } of objects) {
      // a group may have gone with its last member
      if (context.dump('RTM_GETNEXTHOP', {}).some((object) => object.id === id)) {
        context.ask('RTM_DELNEXTHOP', { id });
        flushed++;
      }
    }
    context.out.plain(
      flushed === 0 ? 'Nothing to flush\n' : `Flushed ${objects.length} nexthops\n`,
    );
  } else if (matches(verb, 'help')) throw new CommandExit(255, NEXTHOP_HELP);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "ip nexthop help".\n`);
}
