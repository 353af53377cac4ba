/**
 * `ip link add`, `set`, `delete` and `property`: words to RTM_NEWLINK, RTM_SETLINK and RTM_DELLINK.
 */
import { KernelError } from '@netloom/base';
import { Iff, type LinkAdd, type LinkSet, type NetnsRef } from '@netloom/sys';
import {
  garbage,
  invalidArgument,
  isAltName,
  isInterfaceName,
  matches,
  parseLladdr,
  parseOnOff,
  parseUnsigned,
  type Args,
} from '../args.js';
import { CommandExit } from '../command.js';
import { NETNS_DIR, type IpContext } from './context.js';
import { LINK_HELP } from './help.js';
import { parseLinkData, type LinkData } from './link-types.js';
import { LINK_TYPE_HELP } from './link-type-help.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Everything the words before `type` may say, for creation and change alike. */
interface LinkWords {
  dev?: string;
  newName?: string;
  index?: number;
  link?: number;
  address?: Uint8Array;
  broadcast?: Uint8Array;
  mtu?: number;
  txqlen?: number;
  netns?: NetnsRef;
  flags: number;
  flagsMask: number;
  master?: number;
  group?: number;
  numTxQueues?: number;
  numRxQueues?: number;
  alias?: string;
  operstate?: number;
  linkmode?: number;
  carrier?: boolean;
  protoDown?: boolean;
  gsoMaxSize?: number;
  gsoMaxSegs?: number;
  groMaxSize?: number;
  addrGenMode?: string;
  linkNetns?: NetnsRef;
  kind?: string;
  data?: LinkData;
  unsupported?: string;
}

const OPER_STATES = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'];

function setFlag(words: LinkWords, bit: number, on: boolean): void {
  words.flagsMask |= bit;
  words.flags = on ? words.flags | bit : words.flags & ~bit;
}

/** A namespace by name under /run/netns or by pid. */
function parseNetns(context: IpContext, word: string): NetnsRef {
  try {
    const path = word.includes('/') ? word : `${NETNS_DIR}/${word}`;
    return { fd: context.sys.open(path, 0) };
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
  const pid = parseUnsigned(word, 0x7fffffff);
  if (pid === undefined) throw invalidArgument('Invalid "netns" value\n', word);
  return { pid };
}

function closeNetns(context: IpContext, netns: NetnsRef | undefined): void {
  if (netns !== undefined && 'fd' in netns) context.sys.close(netns.fd);
}

/** Where the change that follows concerns a device of this namespace: its index. */
function deviceIndex(context: IpContext, word: string): number {
  const ifindex = context.ifindex(word);
  if (ifindex === 0) throw invalidArgument('Device does not exist\n', word);
  return ifindex;
}

function number(word: string, max: number, keyword: string): number {
  const value = parseUnsigned(word, max);
  if (value === undefined) throw invalidArgument(`Invalid "${keyword}" value\n`, word);
  return value;
}

/** Reads the words up to and with `type KIND …`. */
function parseWords(args: Args, context: IpContext, creating: boolean): LinkWords {
  const words: LinkWords = { flags: 0, flagsMask: 0 };
  let name: string | undefined;
  while (!args.done) {
    const word = args.take();
    if (word === 'up') setFlag(words, Iff.IFF_UP, true);
    else if (word === 'down') setFlag(words, Iff.IFF_UP, false);
    else if (word === 'name') {
      const value = args.value();
      if (name !== undefined) throw duplicateName(value);
      if (!isInterfaceName(value) && !(creating && isAltName(value))) {
        throw invalidArgument('"name" not a valid ifname', value);
      }
      name = value;
      if (words.dev === undefined) words.dev = name;
    } else if (word === 'index') {
      const value = args.value();
      const index = parseUnsigned(value, 0x7fffffff);
      if (index === undefined || index === 0) throw invalidArgument('Invalid "index" value', value);
      words.index = index;
    } else if (matches(word, 'link')) words.link = deviceIndex(context, args.value());
    else if (matches(word, 'address')) words.address = parseLladdr(args.value());
    else if (matches(word, 'broadcast') || word === 'brd')
      words.broadcast = parseLladdr(args.value());
    else if (matches(word, 'txqueuelen') || word === 'qlen' || matches(word, 'txqlen')) {
      words.txqlen = number(args.value(), 0x7fffffff, 'txqueuelen');
    } else if (word === 'mtu') words.mtu = number(args.value(), 0x7fffffff, 'mtu');
    else if (word === 'netns') words.netns = parseNetns(context, args.value());
    else if (word === 'multicast')
      setFlag(words, Iff.IFF_MULTICAST, parseOnOff('multicast', args.value()));
    else if (word === 'allmulticast')
      setFlag(words, Iff.IFF_ALLMULTI, parseOnOff('allmulticast', args.value()));
    else if (word === 'promisc')
      setFlag(words, Iff.IFF_PROMISC, parseOnOff('promisc', args.value()));
    else if (word === 'trailers') setFlag(words, 0x20, !parseOnOff('trailers', args.value()));
    else if (word === 'arp') setFlag(words, Iff.IFF_NOARP, !parseOnOff('arp', args.value()));
    else if (matches(word, 'dynamic')) setFlag(words, 0x8000, parseOnOff('dynamic', args.value()));
    else if (word === 'protodown') words.protoDown = parseOnOff('protodown', args.value());
    else if (word === 'gso_max_size')
      words.gsoMaxSize = number(args.value(), 0xffffffff, 'gso_max_size');
    else if (word === 'gso_max_segs')
      words.gsoMaxSegs = number(args.value(), 65535, 'gso_max_segs');
    else if (word === 'gro_max_size')
      words.groMaxSize = number(args.value(), 0xffffffff, 'gro_max_size');
    else if (word === 'addrgenmode') {
      const value = args.value();
      if (!['eui64', 'none', 'stable_secret', 'random'].includes(value))
        throw invalidArgument('Invalid address generation mode\n', value);
      words.addrGenMode = value;
    } else if (word === 'link-netns') words.linkNetns = parseNetns(context, args.value());
    else if (word === 'carrier') words.carrier = parseOnOff('carrier', args.value());
    else if (matches(word, 'master')) words.master = deviceIndex(context, args.value());
    else if (word === 'vrf') {
      const value = args.value();
      const vrf = context.linkByName(value);
      if (vrf?.kind !== 'vrf') throw invalidArgument('Not a valid VRF name\n', value);
      words.master = vrf.ifindex;
    } else if (matches(word, 'nomaster')) words.master = 0;
    else if (matches(word, 'numtxqueues'))
      words.numTxQueues = number(args.value(), 0xffffffff, 'numtxqueues');
    else if (matches(word, 'numrxqueues'))
      words.numRxQueues = number(args.value(), 0xffffffff, 'numrxqueues');
    else if (matches(word, 'state')) {
      const value = args.value();
      const state = /^\d+$/.test(value) ? Number(value) : OPER_STATES.indexOf(value.toLowerCase());
      if (state < 0 || state > 6) throw invalidArgument('Invalid operstate\n', value);
      words.operstate = state;
    } else if (matches(word, 'mode')) {
      const value = args.value();
      const mode = ['default', 'dormant'].indexOf(value.toLowerCase());
      if (mode < 0) throw invalidArgument('Invalid link mode\n', value);
      words.linkmode = mode;
    } else if (matches(word, 'type')) {
      words.kind = args.value();
      words.data = words.kind === 'veth' ? {} : parseLinkData(words.kind, args, context);
      break;
    } else if (matches(word, 'alias')) words.alias = args.value();
    else if (word === 'group') {
      const value = args.value();
      const group = context.names.groups.number(value, 0x7fffffff);
      if (group === undefined) throw invalidArgument('Invalid "group" value\n', value);
      words.group = group;
    } else if (['link-netnsid', 'parentdev'].includes(word)) {
      args.value();
      words.unsupported = word;
    } else if (word === 'vf' || word.startsWith('xdp')) {
      args.rest();
      words.unsupported = word;
    } else {
      if (matches(word, 'help')) throw new CommandExit(255, LINK_HELP);
      const value = word === 'dev' ? args.value() : word;
      if (words.dev !== undefined && words.dev !== name) throw garbage('dev', value);
      if (words.dev !== undefined) throw garbage('dev', value);
      if (!isAltName(value)) throw invalidArgument('"dev" not a valid ifname', value);
      words.dev = value;
    }
  }
  if (words.unsupported !== undefined)
    throw new CommandExit(2, 'RTNETLINK answers: Operation not supported\n');
  if (!creating && name !== undefined && words.dev !== undefined && name !== words.dev)
    words.newName = name;
  return words;
}

function duplicateName(value: string): CommandExit {
  return new CommandExit(255, `Error: duplicate "name": "${value}" is the second value.\n`);
}

/** `peer [name NAME] …` after `type veth`. */
function parseVethPeer(args: Args, context: IpContext): NonNullable<LinkAdd['peer']> | undefined {
  if (args.done) return undefined;
  const word = args.take();
  if (word !== 'peer') throw new CommandExit(1, LINK_TYPE_HELP['veth']);
  const words = parseWords(args, context, true);
  const peer: Mutable<NonNullable<LinkAdd['peer']>> = {};
  if (words.dev !== undefined) peer.ifname = words.dev;
  if (words.address !== undefined) peer.address = words.address;
  if (words.mtu !== undefined) peer.mtu = words.mtu;
  if (words.netns !== undefined) peer.netns = words.netns;
  return peer;
}

/** `ip link add`. */
export function linkAdd(args: Args, context: IpContext): void {
  const words = parseWords(args, context, true);
  if (words.kind === undefined) {
    throw new CommandExit(1, 'Not enough information: "type" argument is required\n');
  }
  const peer = words.kind === 'veth' ? parseVethPeer(args, context) : undefined;
  if (words.dev !== undefined && words.dev.length > 15) {
    throw new CommandExit(2, 'Error: Attribute failed policy validation.\n');
  }
  const request: Mutable<LinkAdd> = { kind: words.kind };
  if (words.dev !== undefined) request.ifname = words.dev;
  if (words.index !== undefined) request.ifindex = words.index;
  if (words.data !== undefined && Object.keys(words.data).length > 0) request.data = words.data;
  if (words.mtu !== undefined) request.mtu = words.mtu;
  if (words.txqlen !== undefined) request.txqlen = words.txqlen;
  if (words.address !== undefined) request.address = words.address;
  if (words.numTxQueues !== undefined) request.numTxQueues = words.numTxQueues;
  if (words.numRxQueues !== undefined) request.numRxQueues = words.numRxQueues;
  if (words.link !== undefined) request.link = words.link;
  if (words.master !== undefined) request.master = words.master;
  if (words.netns !== undefined) request.netns = words.netns;
  if (words.linkNetns !== undefined) request.linkNetns = words.linkNetns;
  if (words.group !== undefined) request.group = words.group;
  if (words.broadcast !== undefined) request.broadcast = words.broadcast;
  if (words.alias !== undefined) request.alias = words.alias;
  if ((words.flags & Iff.IFF_UP) !== 0) request.up = true;
  if (peer !== undefined) request.peer = peer;
  try {
    context.ask('RTM_NEWLINK', request);
  } finally {
    closeNetns(context, words.netns);
    closeNetns(context, peer?.netns);
  }
  context.forgetLinks();
}

function changeOf(words: LinkWords): Mutable<LinkSet> {
  const request: Mutable<LinkSet> = {};
  if (words.newName !== undefined) request.newName = words.newName;
  if (words.flagsMask !== 0) {
    request.flags = words.flags;
    request.flagsMask = words.flagsMask;
  }
  if (words.mtu !== undefined) request.mtu = words.mtu;
  if (words.txqlen !== undefined) request.txqlen = words.txqlen;
  if (words.address !== undefined) request.address = words.address;
  if (words.broadcast !== undefined) request.broadcast = words.broadcast;
  if (words.alias !== undefined) request.alias = words.alias;
  if (words.master !== undefined) request.master = words.master;
  if (words.netns !== undefined) request.netns = words.netns;
  if (words.operstate !== undefined) request.operstate = words.operstate;
  if (words.linkmode !== undefined) request.linkmode = words.linkmode;
  if (words.carrier !== undefined) request.carrier = words.carrier;
  if (words.protoDown !== undefined) request.protoDown = words.protoDown;
  if (words.gsoMaxSize !== undefined) request.gsoMaxSize = words.gsoMaxSize;
  if (words.gsoMaxSegs !== undefined) request.gsoMaxSegs = words.gsoMaxSegs;
  if (words.groMaxSize !== undefined) request.groMaxSize = words.groMaxSize;
  if (words.addrGenMode !== undefined) request.addrGenMode = words.addrGenMode;
  if (words.kind?.endsWith('_slave') === true) {
    request.slaveKind = words.kind.slice(0, -6);
    if (words.data !== undefined) request.slaveData = words.data;
  } else if (words.kind !== undefined) {
    request.kind = words.kind;
    if (words.data !== undefined) request.data = words.data;
  }
  return request;
}

/** An address of the length that the device has. */
function checkAddress(words: LinkWords, length: number): void {
  for (const address of [words.address, words.broadcast]) {
    if (address === undefined || length === 0 || address.length === length) continue;
    throw new CommandExit(
      1,
      `Invalid address length ${address.length} - must be ${length} bytes\n`,
    );
  }
}

/** `ip link set`. */
export function linkSet(args: Args, context: IpContext): void {
  const words = parseWords(args, context, false);
  if (words.dev === undefined) {
    if (words.group === undefined) {
      throw new CommandExit(255, 'Not enough information: "dev" argument is required.\n');
    }
    const request = changeOf(words);
    for (const link of context.dump('RTM_GETLINK', {})) {
      if (link.group === words.group)
        context.ask('RTM_SETLINK', { ...request, ifindex: link.ifindex });
    }
    return;
  }
  try {
    const ifindex = context.requireIfindex(words.dev);
    checkAddress(words, context.linkByIndex(ifindex)?.address.length ?? 0);
    const request = changeOf(words);
    if (words.group !== undefined) request.group = words.group;
    context.ask('RTM_SETLINK', { ...request, ifindex });
  } finally {
    closeNetns(context, words.netns);
  }
  context.forgetLinks();
}

/** `ip link delete`. */
export function linkDelete(args: Args, context: IpContext): void {
  let dev: string | undefined;
  let group: number | undefined;
  while (!args.done) {
    const word = args.take();
    if (word === 'group') {
      const value = args.value();
      group = context.names.groups.number(value, 0x7fffffff);
      if (group === undefined) throw invalidArgument('Invalid "group" value\n', value);
    } else if (matches(word, 'type')) {
      args.value();
      args.rest();
    } else if (matches(word, 'help') && dev === undefined) throw new CommandExit(255, LINK_HELP);
    else {
      const value = word === 'dev' ? args.value() : word;
      if (dev !== undefined) throw garbage('dev', value);
      if (!isAltName(value)) throw invalidArgument('"dev" not a valid ifname', value);
      dev = value;
    }
  }
  if (dev !== undefined) {
    context.ask('RTM_DELLINK', { ifindex: context.requireIfindex(dev) });
  } else if (group !== undefined) {
    for (const link of context.dump('RTM_GETLINK', {})) {
      if (link.group === group) context.ask('RTM_DELLINK', { ifindex: link.ifindex });
    }
  } else {
    throw new CommandExit(255, 'Not enough information: "dev" argument is required.\n');
  }
  context.forgetLinks();
}

/** `ip link property add|del dev DEV altname NAME…`. */
export function linkProperty(args: Args, context: IpContext): void {
  if (args.done) throw new CommandExit(255, 'Operator required\n');
  const verb = args.take();
  const adding = matches(verb, 'add');
  if (!adding && !matches(verb, 'del')) throw new CommandExit(255, 'Operator required\n');
  let dev: string | undefined;
  const altnames: string[] = [];
  while (!args.done) {
    const word = args.take();
    if (matches(word, 'altname')) {
      const name = args.value();
      if (!isAltName(name)) throw invalidArgument('not a valid altname', name);
      altnames.push(name);
    } else if (matches(word, 'help')) throw new CommandExit(255, LINK_HELP);
    else {
      const value = word === 'dev' ? args.value() : word;
      if (dev !== undefined) throw garbage('dev', value);
      dev = value;
    }
  }
  if (dev === undefined)
    throw new CommandExit(255, 'Not enough information: "dev" argument is required.\n');
  const ifindex = context.requireIfindex(dev);
  for (const name of altnames) {
    context.ask(
      'RTM_SETLINK',
      adding ? { ifindex, addAltname: name } : { ifindex, delAltname: name },
    );
  }
  context.forgetLinks();
}
