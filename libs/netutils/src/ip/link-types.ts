/**
 * The table of link types: how `type KIND …` is read and how `ip -d link` prints it. A type that is not listed takes no
 * arguments and prints none, as iproute2 does with kinds it does not know.
 *
 * Attribute names are those of `ip -d -j link` (see {@link LinkInfoData}).
 */
import type { LinkInfoData } from '@netloom/sys';
import type { Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { Out } from '../out.js';
import type { IpContext } from './context.js';
import { bondLink, bondSlave } from './link-bond.js';
import { ipvlanLink, vrfLink, vrfSlave } from './link-misc.js';
import { bridgeLink, bridgePort } from './link-bridge.js';
import { LINK_TYPE_HELP } from './link-type-help.js';
import { geneveLink } from './link-geneve.js';
import { greLink, gretapLink, ipipLink, sitLink, tunLink } from './link-tunnel.js';
import { ip6greLink, ip6tnlLink } from './link-tunnel6.js';
import { macvlanLink } from './link-macvlan.js';
import { vlanLink } from './link-vlan.js';
import { vxlanLink } from './link-vxlan.js';

/** Attributes while they are collected. */
export type LinkData = Record<string, string | number | boolean>;

/** One link type: parse and print. */
export interface LinkType {
  /** Reads the words after the kind up to the end. */
  parse(args: Args, data: LinkData, context: IpContext): void;
  print(out: Out, data: LinkInfoData, context: IpContext): void;
}

const TYPES: Readonly<Record<string, LinkType>> = {
  bridge: bridgeLink,
  vlan: vlanLink,
  vxlan: vxlanLink,
  geneve: geneveLink,
  macvlan: macvlanLink,
  macvtap: macvlanLink,
  ipvlan: ipvlanLink,
  ipvtap: ipvlanLink,
  vrf: vrfLink,
  bond: bondLink,
  gre: greLink,
  gretap: gretapLink,
  erspan: gretapLink,
  ipip: ipipLink,
  sit: sitLink,
  vti: greLink,
  ip6tnl: ip6tnlLink,
  ip6gre: ip6greLink,
  ip6gretap: ip6greLink,
  tun: tunLink,
};

const SLAVE_TYPES: Readonly<Record<string, LinkType>> = {
  bridge: bridgePort,
  bond: bondSlave,
  vrf: vrfSlave,
};

/** Kinds known to take no arguments. */
const PLAIN_KINDS = new Set([
  'dummy',
  'ifb',
  'nlmon',
  'vcan',
  'veth',
  'vxcan',
  'netdevsim',
  'wwan',
  'team',
]);

/** The kind's usage text. */
export function linkTypeHelp(kind: string): string | undefined {
  return LINK_TYPE_HELP[kind];
}

/** Reads the words after `type KIND`; for `KIND_slave` the port's attributes. */
export function parseLinkData(kind: string, args: Args, context: IpContext): LinkData {
  const data: LinkData = {};
  const slave = kind.endsWith('_slave');
  const type = slave ? SLAVE_TYPES[kind.slice(0, -6)] : TYPES[kind];
  if (type !== undefined) {
    type.parse(args, data, context);
    return data;
  }
  if (args.done) return data;
  if (kind === 'veth' || PLAIN_KINDS.has(kind)) {
    throw new CommandExit(1, linkTypeHelp(kind) ?? `Usage: ... ${kind}\n`);
  }
  throw new CommandExit(
    255,
    `Garbage instead of arguments "${args.word} ...". Try "ip link help".\n`,
  );
}

/** `linkinfo.info_data`. */
export function printLinkData(context: IpContext, kind: string, data: LinkInfoData): void {
  const type = TYPES[kind];
  if (type === undefined || Object.keys(data).length === 0) return;
  context.out.openObject('info_data');
  type.print(context.out, data, context);
  context.out.closeObject();
}

/** `linkinfo.info_slave_data`. */
export function printSlaveData(context: IpContext, kind: string, data: LinkInfoData): void {
  const type = SLAVE_TYPES[kind];
  if (type === undefined || Object.keys(data).length === 0) return;
  context.out.openObject('info_slave_data');
  type.print(context.out, data, context);
  context.out.closeObject();
}
