/** `bridge link`: the ports of bridges. */
import type { LinkInfoData, LinkMsg } from '@netloom/sys';
import { invalidArgument, matches, parseOnOff, parseUnsigned, type Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from '../ip/context.js';
import { PORT_STATES, portStateText } from '../ip/link-bridge.js';
import { printLinkFlags, printNameAndLink } from '../ip/link-print.js';
import { BRIDGE_LINK_HELP } from './help.js';

/** Keyword and attribute of the switches, in print order; `#` marks a number. */
const PORT_ATTRIBUTES: readonly (readonly [string, string])[] = [
  ['hairpin', 'hairpin'],
  ['guard', 'guard'],
  ['root_block', 'root_block'],
  ['fastleave', 'fastleave'],
  ['learning', 'learning'],
  ['flood', 'flood'],
  ['mcast_flood', 'mcast_flood'],
  ['bcast_flood', 'bcast_flood'],
  ['mcast_router', '#multicast_router'],
  ['mcast_to_unicast', 'mcast_to_unicast'],
  ['neigh_suppress', 'neigh_suppress'],
  ['vlan_tunnel', 'vlan_tunnel'],
  ['isolated', 'isolated'],
  ['locked', 'locked'],
];

/** One port and its line end. */
export function printPort(context: IpContext, link: LinkMsg): void {
  const { out, options } = context;
  const data: LinkInfoData = link.slaveData ?? {};
  out.openObject();
  out.any('ifindex', `${link.ifindex}: `, link.ifindex);
  const lowerDown = printNameAndLink(context, link, (name) => `${name}: `);
  printLinkFlags(out, link.flags, lowerDown);
  out.any('mtu', `mtu ${link.mtu} `, link.mtu);
  if (link.master !== undefined && link.master !== 0) {
    const name = context.ifname(link.master);
    out.any('master', `master ${name} `, name);
  }
  const state = data['state'];
  if (state !== undefined) out.any('state', `state ${portStateText(state)} `, portStateText(state));
  for (const key of ['priority', 'cost']) {
    const value = data[key];
    if (value !== undefined) out.any(key, `${key} ${String(value)} `, value);
  }
  if (options.details > 0) {
    out.newline();
    out.plain('    ');
    for (const [word, attribute] of PORT_ATTRIBUTES) {
      if (attribute.startsWith('#')) {
        const value = data[attribute.slice(1)];
        if (value !== undefined) out.any(word, `${word} ${String(value)} `, value);
        continue;
      }
      const value = data[attribute];
      if (value === undefined) continue;
      const on = value === true || value === 1;
      out.any(word, `${word} ${on ? 'on' : 'off'} `, on);
    }
  }
  out.plain('\n');
  out.closeObject();
}

function linkShow(args: Args, context: IpContext): void {
  let ifindex = 0;
  while (!args.done) {
    const word = args.take();
    if (word === 'dev') {
      const name = args.value();
      ifindex = context.ifindex(name);
      if (ifindex === 0) throw new CommandExit(255, `Cannot find device "${name}"\n`);
    } else throw new CommandExit(255, BRIDGE_LINK_HELP);
  }
  context.out.start();
  for (const link of context.dump('RTM_GETLINK', {})) {
    if (link.slaveKind !== 'bridge' || (ifindex !== 0 && link.ifindex !== ifindex)) continue;
    printPort(context, link);
  }
  context.out.finish();
}

function linkSet(args: Args, context: IpContext): void {
  let dev: string | undefined;
  const data: Record<string, string | number | boolean> = {};
  while (!args.done) {
    const word = args.take();
    const toggle = PORT_ATTRIBUTES.find(([keyword]) => keyword === word);
    if (word === 'dev') dev = args.value();
    else if (word === 'cost' || word === 'priority') {
      const value = args.value();
      const number = parseUnsigned(value, word === 'cost' ? 0xffffffff : 0xffff);
      if (number === undefined) throw invalidArgument(`invalid ${word}`, value);
      data[word] = number;
    } else if (word === 'state') {
      const value = args.value();
      const index = /^\d+$/.test(value) ? Number(value) : PORT_STATES.indexOf(value.toLowerCase());
      const name = PORT_STATES[index];
      if (name === undefined) throw new CommandExit(255, 'Error: invalid STP port state\n');
      data['state'] = name;
    } else if (word === 'mcast_router') data['multicast_router'] = Number(args.value());
    else if (toggle !== undefined) data[toggle[1]] = parseOnOff(word, args.value());
    else if (word === 'self' || word === 'master') continue;
    else if (word === 'nobackup_port') data['backup_port'] = 0;
    else if (word === 'backup_port') data['backup_port'] = context.ifindex(args.value());
    else throw new CommandExit(255, BRIDGE_LINK_HELP);
  }
  if (dev === undefined) throw new CommandExit(255, 'Device is a required argument.\n');
  const ifindex = context.ifindex(dev);
  if (ifindex === 0) throw new CommandExit(255, `Cannot find bridge device "${dev}"\n`);
  context.ask('RTM_SETLINK', { ifindex, slaveKind: 'bridge', slaveData: data });
}

/** `bridge link …`. */
export function doBridgeLink(args: Args, context: IpContext): void {
  const verb = args.done ? 'show' : args.take();
  if (matches(verb, 'set') || matches(verb, 'change')) linkSet(args, context);
  else if (matches(verb, 'show') || matches(verb, 'lst') || matches(verb, 'list'))
    linkShow(args, context);
  else if (matches(verb, 'help')) throw new CommandExit(255, BRIDGE_LINK_HELP);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "bridge link help".\n`);
}
