/** `bridge vlan`: the VLANs of bridges and their ports. */
import { BridgeVlanFlag, type BridgeVlanMsg, type BridgeVlanNew } from '@netloom/sys';
import { invalidArgument, matches, parseUnsigned, type Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from '../ip/context.js';
import { VLAN_HELP } from './help.js';

const NAME_WIDTH = 18;

function bridgeDevice(context: IpContext, name: string): number {
  const ifindex = context.ifindex(name);
  if (ifindex === 0) throw new CommandExit(255, `Cannot find bridge device "${name}"\n`);
  return ifindex;
}

/** `10` or `10-20`. */
function vlanRange(word: string): readonly [number, number] {
  const [first = '', last = first] = word.split('-');
  const numbers = [parseUnsigned(first, 0xffff), parseUnsigned(last, 0xffff)] as const;
  const [from, to] = numbers;
  if (from === undefined || from >= 4096)
    throw new CommandExit(255, `Invalid VLAN ID "${first}"\n`);
  if (to === undefined || to >= 4096) throw new CommandExit(255, `Invalid VLAN ID "${last}"\n`);
  if (word.includes('-') && from >= to)
    throw new CommandExit(255, `Invalid VLAN range "${word}"\n`);
  return [from, to];
}

function vlanModify(args: Args, context: IpContext, adding: boolean): void {
  let dev: string | undefined;
  let range: readonly [number, number] | undefined;
  let flags = 0;
  let self = false;
  while (!args.done) {
    const word = args.take();
    if (word === 'dev') dev = args.value();
    else if (word === 'vid') range = vlanRange(args.value());
    else if (word === 'self') self = true;
    else if (word === 'master') continue;
    else if (word === 'pvid') flags |= BridgeVlanFlag.PVID;
    else if (word === 'untagged') flags |= BridgeVlanFlag.UNTAGGED;
    else if (word === 'tunnel_info') {
      args.rest();
      throw new CommandExit(255, 'RTNETLINK answers: Operation not supported\n');
    } else if (matches(word, 'help')) throw new CommandExit(255, VLAN_HELP);
    else throw new CommandExit(255, `bridge vlan: unknown option "${word}"?\n`);
  }
  if (dev === undefined || range === undefined)
    throw new CommandExit(255, 'Device and VLAN ID are required arguments.\n');
  const ifindex = bridgeDevice(context, dev);
  const [vid, vidEnd] = range;
  if (vidEnd > vid && (flags & BridgeVlanFlag.PVID) !== 0)
    throw new CommandExit(255, 'pvid cannot be configured for a vlan range\n');
  const request: BridgeVlanNew = { ifindex, vid, vidEnd, flags, ...(self ? { self } : {}) };
  context.ask(adding ? 'RTM_NEWVLAN' : 'RTM_DELVLAN', request);
}

/** One VLAN's flags, and with `-s` and `-d` its lines. */
export function printVlan(context: IpContext, vlan: BridgeVlanMsg): void {
  const { out, options } = context;
  const words = [
    ...((vlan.flags & BridgeVlanFlag.PVID) !== 0 ? ['PVID'] : []),
    ...((vlan.flags & BridgeVlanFlag.UNTAGGED) !== 0 ? ['Egress Untagged'] : []),
  ];
  out.openObject();
  out.any('vlan', `${vlan.vid}`, vlan.vid);
  if (words.length > 0) {
    out.openArray('flags', ' ');
    words.forEach((word, i) => out.any(undefined, (i > 0 ? ' ' : '') + word, word));
    out.closeArray();
  }
  const indent = ' '.repeat(NAME_WIDTH + 2);
  if (options.details > 0) {
    out.plain(`\n${indent}`);
    out.any('state', `state ${vlan.state} `, vlan.state);
    out.any('mcast_router', `mcast_router ${vlan.mcastRouter} `, vlan.mcastRouter);
  }
  const stats = vlan.stats;
  if (options.stats > 0 && stats !== undefined) {
    out.plain(`\n${indent}`);
    out.any('rx_bytes', `RX: ${stats.rxBytes} bytes`, stats.rxBytes);
    out.any('rx_packets', ` ${stats.rxPackets} packets\n${indent}`, stats.rxPackets);
    out.any('tx_bytes', `TX: ${stats.txBytes} bytes`, stats.txBytes);
    out.any('tx_packets', ` ${stats.txPackets} packets`, stats.txPackets);
  }
  out.plain('\n');
  out.closeObject();
}

function vlanShow(args: Args, context: IpContext): void {
  let ifindex: number | undefined;
  let vid: number | undefined;
  while (!args.done) {
    const word = args.take();
    if (word === 'dev') {
      const name = args.value();
      ifindex = context.ifindex(name);
      if (ifindex === 0) throw new CommandExit(255, `Cannot find device "${name}"\n`);
    } else if (word === 'vid') {
      const text = args.value();
      vid = parseUnsigned(text, 0xffffffff);
      if (vid === undefined) throw invalidArgument('invalid VLAN ID', text);
    } else throw new CommandExit(255, VLAN_HELP);
  }
  const { out, options } = context;
  const all = context.dump('RTM_GETVLAN', ifindex === undefined ? {} : { ifindex });
  out.start();
  if (!options.json)
    out.plain(`${'port'.padEnd(NAME_WIDTH)}vlan-id${options.stats > 0 ? '' : '  '}\n`);
  for (const port of new Set(all.map((vlan) => vlan.ifindex))) {
    const vlans = all.filter(
      (vlan) => vlan.ifindex === port && (vid === undefined || vlan.vid === vid),
    );
    if (vlans.length === 0) continue;
    const name = context.ifname(port);
    out.openObject();
    out.colored('ifname', 'ifname', '', name.padEnd(NAME_WIDTH), '', name);
    out.openArray('vlans');
    vlans.forEach((vlan, i) => {
      if (i > 0) out.plain(' '.repeat(NAME_WIDTH));
      printVlan(context, vlan);
    });
    out.closeArray();
    out.closeObject();
  }
  out.finish();
}

/** `bridge vlan …`. */
export function doVlan(args: Args, context: IpContext): void {
  const verb = args.done ? 'show' : args.take();
  if (matches(verb, 'add')) vlanModify(args, context, true);
  else if (matches(verb, 'delete')) vlanModify(args, context, false);
  else if (['show', 'lst', 'list'].some((name) => matches(verb, name))) vlanShow(args, context);
  else if (matches(verb, 'help')) throw new CommandExit(255, VLAN_HELP);
  else if (['tunnelshow', 'set', 'global'].some((name) => matches(verb, name)))
    throw new CommandExit(255, 'RTNETLINK answers: Operation not supported\n');
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "bridge vlan help".\n`);
}
