/** `bridge mdb`: multicast groups that bridges know members of. */
import { formatMac, parseMac } from '@netloom/base';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  type MdbEntry,
  type MdbMsg,
  type MdbNew,
} from '@netloom/sys';
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
import { MDB_HELP } from './help.js';

function bridgeDevice(context: IpContext, name: string): number {
  const ifindex = context.ifindex(name);
  if (ifindex === 0) throw new CommandExit(255, `Cannot find bridge device "${name}"\n`);
  return ifindex;
}

function groupText(entry: MdbEntry): string {
  return entry.family === AF_UNSPEC
    ? formatMac(entry.group as Uint8Array)
    : addressText(entry.group);
}

function timerText(seconds: number): string {
  const hundredths = Math.floor(seconds * 100);
  return ` ${String(Math.floor(hundredths / 100)).padStart(4)}.${String(hundredths % 100).padStart(2, '0')}`;
}

/** One entry and its line end. */
export function printMdbEntry(context: IpContext, entry: MdbEntry, deleted = false): void {
  const { out, options } = context;
  const bridge = context.ifname(entry.bridge);
  const port = context.ifname(entry.port);
  const state = entry.permanent ? 'permanent' : 'temp';
  out.openObject();
  if (deleted) out.any('opCode', 'Deleted ', 'deleted');
  out.jsonOnly('index', entry.bridge);
  out.colored('ifname', 'dev', 'dev ', bridge, '', bridge);
  out.colored('ifname', 'port', ' port ', port, '', port);
  const group = groupText(entry);
  const color = entry.family === AF_INET ? 'inet' : entry.family === AF_INET6 ? 'inet6' : 'mac';
  out.colored(color, 'grp', ' grp ', group, '', group);
  out.any('state', ` ${state}`, state);
  if (options.details > 0 && entry.port !== entry.bridge) {
    const protocol = context.names.protocols.name(entry.protocol, options.numeric);
    out.any('protocol', ` proto ${protocol} `, protocol);
  }
  out.openArray('flags');
  out.closeArray();
  if (entry.vid !== 0) out.any('vid', ` vid ${entry.vid}`, entry.vid);
  if (options.stats > 0) {
    const timer = timerText(entry.timer);
    out.any('timer', timer, timer);
  }
  out.plain('\n');
  out.closeObject();
}

function printRouters(context: IpContext, msg: MdbMsg): void {
  const { out, options } = context;
  if (options.details === 0) return;
  for (const bridge of new Set(msg.routers.map((router) => router.bridge))) {
    out.plain(`router ports on ${context.ifname(bridge)}: `);
    for (const router of msg.routers.filter((other) => other.bridge === bridge)) {
      out.plain(context.ifname(router.port));
      if (options.stats > 0) out.plain(` ${timerText(router.timer)} ${router.type}`);
      out.plain(' ');
    }
    out.plain('\n');
  }
}

function mdbShow(args: Args, context: IpContext): void {
  let bridge: number | undefined;
  let vid: number | undefined;
  while (!args.done) {
    const word = args.take();
    if (word === 'dev') bridge = bridgeDevice(context, args.value());
    else if (word === 'vid') {
      const text = args.value();
      vid = parseUnsigned(text, 4095);
      if (vid === undefined) throw invalidArgument('invalid VLAN ID', text);
    } else throw new CommandExit(255, MDB_HELP);
  }
  const msg = context.dump('RTM_GETMDB', bridge === undefined ? {} : { bridge });
  const { out } = context;
  const entries = msg.entries.filter((entry) => vid === undefined || entry.vid === vid);
  if (!out.isJson) {
    for (const entry of entries) printMdbEntry(context, entry);
    printRouters(context, msg);
    return;
  }
  out.start();
  out.openObject();
  out.openArray('mdb');
  for (const entry of entries) printMdbEntry(context, entry);
  out.closeArray();
  out.openObject('router');
  for (const name of new Set(msg.routers.map((router) => context.ifname(router.bridge)))) {
    out.openArray(name);
    for (const router of msg.routers) {
      out.openObject();
      out.any('port', '', context.ifname(router.port));
      out.closeObject();
    }
    out.closeArray();
  }
  out.closeObject();
  out.closeObject();
  out.finish();
}

function mdbModify(args: Args, context: IpContext, adding: boolean, replace: boolean): void {
  let dev: string | undefined;
  let port: string | undefined;
  let group: string | undefined;
  let permanent = false;
  let vid = 0;
  while (!args.done) {
    const word = args.take();
    if (word === 'dev') dev = args.value();
    else if (word === 'grp') group = args.value();
    else if (word === 'port') port = args.value();
    else if (word === 'permanent') permanent = true;
    else if (word === 'temp') permanent = false;
    else if (word === 'vid') {
      const text = args.value();
      const value = parseUnsigned(text, 4095);
      if (value === undefined) throw invalidArgument('invalid VLAN ID', text);
      vid = value;
    } else if (word === 'src') {
      args.rest();
      throw new CommandExit(255, 'RTNETLINK answers: Operation not supported\n');
    } else throw new CommandExit(255, MDB_HELP);
  }
  if (dev === undefined || port === undefined || group === undefined)
    throw new CommandExit(255, 'Device, group address and port name are required arguments.\n');
  const bridge = bridgeDevice(context, dev);
  const portIndex = context.ifindex(port);
  if (portIndex === 0) throw new CommandExit(255, `Cannot find device "${port}"\n`);
  const mac = parseMac(group);
  const parsed = mac === undefined ? parseAddress(group, AF_UNSPEC).address : mac;
  const request: MdbNew = {
    bridge,
    port: portIndex,
    group: parsed,
    family: mac !== undefined ? AF_UNSPEC : typeof parsed === 'number' ? AF_INET : AF_INET6,
    vid,
    permanent,
    ...(replace ? { replace } : {}),
  };
  context.ask(adding ? 'RTM_NEWMDB' : 'RTM_DELMDB', request);
}

/** `bridge mdb …`. */
export function doMdb(args: Args, context: IpContext): void {
  const verb = args.done ? 'show' : args.take();
  if (matches(verb, 'add')) mdbModify(args, context, true, false);
  else if (matches(verb, 'replace')) mdbModify(args, context, true, true);
  else if (matches(verb, 'delete')) mdbModify(args, context, false, false);
  else if (['show', 'lst', 'list'].some((name) => matches(verb, name))) mdbShow(args, context);
  else if (matches(verb, 'help')) throw new CommandExit(255, MDB_HELP);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "bridge mdb help".\n`);
}
