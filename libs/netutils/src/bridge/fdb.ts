/** `bridge fdb`: forwarding entries of bridges and of devices that keep their own. */
import { formatMac, parseMac } from '@netloom/base';
import { AF_BRIDGE, AF_UNSPEC, Nud, type NeighMsg, type NeighNew } from '@netloom/sys';
import {
  addressText,
  invalidArgument,
  matches,
  parseAddress,
  parseUnsigned,
  type Args,
} from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from '../ip/context.js';
import { FDB_HELP } from './help.js';

const NTF_USE = 0x01;
const NTF_SELF = 0x02;
const NTF_MASTER = 0x04;
const NTF_EXT_LEARNED = 0x10;
const NTF_OFFLOADED = 0x20;
const NTF_STICKY = 0x40;
const NTF_ROUTER = 0x80;

const FLAG_WORDS: readonly (readonly [number, string])[] = [
  [NTF_SELF, 'self'],
  [NTF_ROUTER, 'router'],
  [NTF_EXT_LEARNED, 'extern_learn'],
  [NTF_OFFLOADED, 'offload'],
  [NTF_STICKY, 'sticky'],
];

function noBridgeDevice(name: string): CommandExit {
  return new CommandExit(255, `Cannot find bridge device "${name}"\n`);
}

function noDevice(name: string): CommandExit {
  return new CommandExit(255, `Cannot find device "${name}"\n`);
}

function stateText(state: number): string {
  if ((state & Nud.NUD_PERMANENT) !== 0) return 'permanent';
  if ((state & Nud.NUD_NOARP) !== 0) return 'static';
  if ((state & Nud.NUD_STALE) !== 0) return 'stale';
  return (state & Nud.NUD_REACHABLE) !== 0 ? '' : `state=0x${state.toString(16)}`;
}

/** One entry and its line end. */
export function printFdb(
  context: IpContext,
  entry: NeighMsg,
  showDev: boolean,
  deleted = false,
): void {
  const { out, options } = context;
  out.openObject();
  if (deleted) out.any('deleted', 'Deleted ', true);
  if (entry.lladdr !== undefined) {
    const mac = formatMac(entry.lladdr, 0, entry.lladdr.length);
    out.colored('mac', 'mac', '', `${mac} `, '', mac);
  }
  if (showDev && entry.ifindex !== 0) {
    const name = context.ifname(entry.ifindex);
    out.plain('dev ');
    out.colored('ifname', 'ifname', '', `${name} `, '', name);
  }
  if (entry.dst !== undefined) {
    const text = addressText(entry.dst);
    out.colored(
      typeof entry.dst === 'number' ? 'inet' : 'inet6',
      'dst',
      'dst ',
      `${text} `,
      '',
      text,
    );
  }
  if (entry.vlan !== undefined && entry.vlan !== 0)
    out.any('vlan', `vlan ${entry.vlan} `, entry.vlan);
  if (entry.port !== undefined) out.any('port', `port ${entry.port} `, entry.port);
  if (entry.vni !== undefined) out.any('vni', `vni ${entry.vni} `, entry.vni);
  if (entry.via !== undefined) {
    const name = context.ifname(entry.via);
    out.any('viaIf', `via ${name} `, name);
  }
  if (options.stats > 0 && entry.cacheinfo !== undefined) {
    out.any('used', `used ${entry.cacheinfo.used}`, entry.cacheinfo.used);
    out.any('updated', `/${entry.cacheinfo.updated} `, entry.cacheinfo.updated);
  }
  out.openArray('flags');
  for (const [bit, word] of FLAG_WORDS)
    if ((entry.flags & bit) !== 0) out.any(undefined, `${word} `, word);
  out.closeArray();
  if (entry.master !== undefined && entry.master !== 0) {
    const name = context.ifname(entry.master);
    out.any('master', `master ${name} `, name);
  }
  out.any('state', stateText(entry.state), stateText(entry.state));
  out.plain('\n');
  out.closeObject();
}

function fdbShow(args: Args, context: IpContext): void {
  let bridge = 0;
  let port = 0;
  let vlan: number | undefined;
  let state: number | undefined;
  let dynamic = false;
  let dev: string | undefined;
  while (!args.done) {
    const word = args.take();
    if (word === 'brport' || word === 'dev') {
      dev = args.value();
      port = context.ifindex(dev);
      if (port === 0) throw noDevice(dev);
    } else if (word === 'br') {
      const name = args.value();
      bridge = context.ifindex(name);
      if (bridge === 0) throw noBridgeDevice(name);
    } else if (word === 'vlan') {
      const value = args.value();
      vlan = parseUnsigned(value, 4095);
      if (vlan === undefined) throw invalidArgument('invalid VLAN ID', value);
    } else if (word === 'state') {
      const value = args.value();
      const known: Readonly<Record<string, number>> = {
        permanent: Nud.NUD_PERMANENT,
        static: Nud.NUD_NOARP,
        temp: Nud.NUD_NOARP,
        stale: Nud.NUD_STALE,
        dynamic: Nud.NUD_REACHABLE,
        reachable: Nud.NUD_REACHABLE,
        all: 0xff,
      };
      state = Object.hasOwn(known, value) ? known[value] : parseUnsigned(value, 0xffff);
      if (state === undefined) throw invalidArgument('invalid state', value);
    } else if (word === 'dynamic') dynamic = true;
    else {
      if (matches(word, 'help')) throw new CommandExit(255, FDB_HELP);
      throw new CommandExit(255, `bridge fdb: unknown command "${word}"?\n`);
    }
  }
  const entries = context.dump('RTM_GETNEIGH', {
    family: AF_BRIDGE,
    ...(port === 0 ? {} : { ifindex: port }),
  });
  context.out.start();
  for (const entry of entries) {
    if (port !== 0 && entry.ifindex !== port) continue;
    if (bridge !== 0 && entry.master !== bridge && entry.ifindex !== bridge) {
      if (context.linkByIndex(entry.ifindex)?.master !== bridge) continue;
    }
    if (vlan !== undefined && entry.vlan !== vlan) continue;
    if (state !== undefined && (entry.state & state) === 0) continue;
    if (dynamic && (entry.state & (Nud.NUD_PERMANENT | Nud.NUD_NOARP)) !== 0) continue;
    printFdb(context, entry, port === 0);
  }
  context.out.finish();
}

function numberWord(word: string, max: number, message: string): number {
  const value = parseUnsigned(word, max);
  if (value === undefined) throw invalidArgument(message, word);
  return value;
}

function fdbModify(args: Args, context: IpContext, verb: NeighNew['mode'] | 'delete'): void {
  let dev: string | undefined;
  let address: string | undefined;
  let state = 0;
  let flags = 0;
  let vlan: number | undefined;
  let dst: NeighNew['dst'];
  let port: number | undefined;
  let vni: number | undefined;
  let via: number | undefined;
  while (!args.done) {
    const word = args.take();
    if (word === 'dev') dev = args.value();
    else if (word === 'dst') dst = parseAddress(args.value(), AF_UNSPEC).address;
    else if (word === 'port') port = numberWord(args.value(), 0xffff, 'invalid port');
    else if (word === 'vni') vni = numberWord(args.value(), 0xffffff, 'invalid VNI');
    else if (word === 'via') {
      const name = args.value();
      via = context.ifindex(name);
      if (via === 0) throw noDevice(name);
    } else if (word === 'nhid' || word === 'src_vni') {
      args.value();
      throw new CommandExit(255, 'RTNETLINK answers: Operation not supported\n');
    } else if (word === 'self') flags |= NTF_SELF;
    else if (matches(word, 'master')) flags |= NTF_MASTER;
    else if (matches(word, 'router')) flags |= NTF_ROUTER;
    else if (matches(word, 'local') || matches(word, 'permanent')) state |= Nud.NUD_PERMANENT;
    else if (matches(word, 'temp') || matches(word, 'static')) state |= Nud.NUD_NOARP;
    else if (matches(word, 'dynamic')) state |= Nud.NUD_REACHABLE;
    else if (matches(word, 'vlan')) {
      const value = args.value();
      vlan = parseUnsigned(value, 4095);
      if (vlan === undefined) throw invalidArgument('invalid VLAN ID', value);
    } else if (matches(word, 'use')) flags |= NTF_USE;
    else if (matches(word, 'extern_learn')) flags |= NTF_EXT_LEARNED;
    else if (matches(word, 'sticky')) flags |= NTF_STICKY;
    else {
      const value = word === 'to' ? args.value() : word;
      if (matches(value, 'help')) throw new CommandExit(255, FDB_HELP);
      if (address !== undefined)
        throw new CommandExit(255, `Error: duplicate "to": "${value}" is the second value.\n`);
      address = value;
    }
  }
  if (dev === undefined || address === undefined) {
    throw new CommandExit(255, 'Device and address are required arguments.\n');
  }
  if ((flags & (NTF_SELF | NTF_MASTER)) === 0) flags |= NTF_SELF;
  if ((state & (Nud.NUD_NOARP | Nud.NUD_REACHABLE)) === 0) state |= Nud.NUD_PERMANENT;
  const lladdr = parseMac(address);
  if (lladdr === undefined) throw new CommandExit(255, `Invalid mac address ${address}\n`);
  const ifindex = context.ifindex(dev);
  if (ifindex === 0) throw noDevice(dev);
  const request = {
    family: AF_BRIDGE,
    ifindex,
    lladdr,
    state,
    flags,
    ...(vlan === undefined ? {} : { vlan }),
    ...(dst === undefined ? {} : { dst }),
    ...(port === undefined ? {} : { port }),
    ...(vni === undefined ? {} : { vni }),
    ...(via === undefined ? {} : { via }),
  };
  if (verb === 'delete') context.ask('RTM_DELNEIGH', request);
  else context.ask('RTM_NEWNEIGH', { ...request, mode: verb });
}

function fdbGet(args: Args, context: IpContext): void {
  let address: string | undefined;
  let vlan = 0;
  let bridge = 0;
  let port = 0;
  while (!args.done) {
    const word = args.take();
    if (word === 'br') {
      const name = args.value();
      bridge = context.ifindex(name);
      if (bridge === 0) throw noBridgeDevice(name);
    } else if (word === 'brport' || word === 'dev') {
      const name = args.value();
      port = context.ifindex(name);
      if (port === 0) throw noDevice(name);
    } else if (word === 'vlan') vlan = Number(args.value());
    else if (word === 'vni') args.value();
    else if (['self', 'master', 'dynamic'].includes(word)) continue;
    else address = word === 'to' ? args.value() : word;
  }
  if (address === undefined) throw new CommandExit(255, 'Missing device or address\n');
  const lladdr = parseMac(address);
  if (lladdr === undefined) throw new CommandExit(255, `Invalid mac address ${address}\n`);
  const wanted = formatMac(lladdr);
  const found = context
    .dump('RTM_GETNEIGH', { family: AF_BRIDGE })
    .find(
      (entry) =>
        entry.lladdr !== undefined &&
        formatMac(entry.lladdr) === wanted &&
        (entry.vlan ?? 0) === vlan &&
        (port === 0 || entry.ifindex === port) &&
        (bridge === 0 || entry.master === bridge),
    );
  if (found === undefined) throw new CommandExit(254, 'Error: Fdb entry not found.\n');
  context.out.start();
  printFdb(context, found, true);
  context.out.finish();
}

function fdbFlush(args: Args, context: IpContext): void {
  let dev: string | undefined;
  const wanted: ((entry: NeighMsg) => boolean)[] = [];
  while (!args.done) {
    const word = args.take();
    const negated = word.startsWith('no');
    const key = negated ? word.slice(2) : word;
    if (word === 'dev') dev = args.value();
    else if (word === 'brport') {
      const name = args.value();
      const ifindex = context.ifindex(name);
      if (ifindex === 0) throw noDevice(name);
      wanted.push((entry) => entry.ifindex === ifindex);
    } else if (word === 'vlan') {
      const vlan = Number(args.value());
      wanted.push((entry) => entry.vlan === vlan);
    } else if (key === 'permanent')
      wanted.push((entry) => ((entry.state & Nud.NUD_PERMANENT) !== 0) !== negated);
    else if (key === 'static')
      wanted.push(
        (entry) => ((entry.state & (Nud.NUD_PERMANENT | Nud.NUD_NOARP)) !== 0) !== negated,
      );
    else if (key === 'dynamic')
      wanted.push(
        (entry) => ((entry.state & (Nud.NUD_PERMANENT | Nud.NUD_NOARP)) === 0) !== negated,
      );
    else if (
      ['self', 'master', 'added_by_user', 'extern_learn', 'sticky', 'offloaded'].includes(key)
    )
      continue;
    else throw new CommandExit(255, FDB_HELP);
  }
  if (dev === undefined) throw new CommandExit(255, 'Device is a required argument.\n');
  const ifindex = context.ifindex(dev);
  if (ifindex === 0) throw noDevice(dev);
  const link = context.linkByIndex(ifindex);
  // the kernel flushes whole bridges and VXLAN devices, not ports
  if (link?.kind !== 'bridge' && link?.kind !== 'vxlan') {
    throw new CommandExit(255, 'RTNETLINK answers: Operation not supported\n');
  }
  for (const entry of context.dump('RTM_GETNEIGH', { family: AF_BRIDGE })) {
    if (link.kind === 'bridge' ? entry.master !== ifindex : entry.ifindex !== ifindex) continue;
    if (link.kind === 'bridge' && (entry.state & Nud.NUD_PERMANENT) !== 0 && wanted.length === 0)
      continue;
    if (!wanted.every((test) => test(entry)) || entry.lladdr === undefined) continue;
    context.ask('RTM_DELNEIGH', {
      family: AF_BRIDGE,
      ifindex: entry.ifindex,
      lladdr: entry.lladdr,
      flags: link.kind === 'bridge' ? NTF_MASTER : NTF_SELF,
      ...(entry.vlan === undefined ? {} : { vlan: entry.vlan }),
    });
  }
}

/** `bridge fdb …`. */
export function doFdb(args: Args, context: IpContext): void {
  const verb = args.done ? 'show' : args.take();
  if (matches(verb, 'add')) fdbModify(args, context, 'add');
  else if (matches(verb, 'append')) fdbModify(args, context, 'append');
  else if (matches(verb, 'replace')) fdbModify(args, context, 'replace');
  else if (matches(verb, 'delete')) fdbModify(args, context, 'delete');
  else if (matches(verb, 'get')) fdbGet(args, context);
  else if (matches(verb, 'show') || matches(verb, 'lst') || matches(verb, 'list'))
    fdbShow(args, context);
  else if (matches(verb, 'flush')) fdbFlush(args, context);
  else if (matches(verb, 'help')) throw new CommandExit(255, FDB_HELP);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "bridge fdb help".\n`);
}
