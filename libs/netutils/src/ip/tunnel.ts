/** `ip tunnel`: IPv4 tunnels as the older interface has them, with the texts of its ioctl calls. Source: ip/iptunnel.c. */
import { KernelError, strerror } from '@netloom/base';
import { AF_INET6, type LinkMsg } from '@netloom/sys';
import { matches, noDevice, type Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';
import { greWord, tunnelEnd, tunnelTos, tunnelTtl } from './link-tunnel.js';
import type { LinkData } from './link-types.js';
import { doTunnel6 } from './tunnel6.js';

const TUNNEL_HELP = `Usage: ip tunnel { add | change | del | show | prl | 6rd } [ NAME ]
        [ mode { gre | ipip | isatap | sit | vti } ]
        [ remote ADDR ] [ local ADDR ]
        [ [i|o]seq ] [ [i|o]key KEY ] [ [i|o]csum ]
        [ prl-default ADDR ] [ prl-nodefault ADDR ] [ prl-delete ADDR ]
        [ 6rd-prefix ADDR ] [ 6rd-relay_prefix ADDR ] [ 6rd-reset ]
        [ ttl TTL ] [ tos TOS ] [ [no]pmtudisc ] [ dev PHYS_DEV ]

Where: NAME := STRING
       ADDR := { IP_ADDRESS | any }
       TOS  := { STRING | 00..ff | inherit | inherit/STRING | inherit/00..ff }
       TTL  := { 1..255 | inherit }
       KEY  := { DOTTED_QUAD | NUMBER }
`;

interface Mode {
  readonly kind: string;
  readonly base: string;
  readonly proto: number;
}

const GRE: Mode = { kind: 'gre', base: 'gre0', proto: 0 };
const IPIP: Mode = { kind: 'ipip', base: 'tunl0', proto: 4 };
const SIT: Mode = { kind: 'sit', base: 'sit0', proto: 41 };

function modeOf(word: string): Mode | undefined {
  if (word === 'ipip' || word === 'ip/ip') return IPIP;
  if (word === 'gre' || word === 'gre/ip') return GRE;
  if (word === 'sit' || word === 'ipv6/ip') return SIT;
  return undefined;
}

interface Parms {
  name?: string;
  mode?: Mode;
  readonly data: LinkData;
}

function parse(args: Args, context: IpContext): Parms {
  const parms: Parms = { data: {} };
  const { data } = parms;
  while (!args.done) {
    const word = args.take();
    if (word === 'mode') {
      const text = args.value();
      parms.mode = modeOf(text);
      if (parms.mode === undefined) throw new CommandExit(255, `Unknown tunnel mode "${text}"\n`);
    } else if (greWord(word, args, data)) continue;
    else if (word === 'nopmtudisc') data['pmtudisc'] = false;
    else if (word === 'pmtudisc') data['pmtudisc'] = true;
    else if (word === 'remote') data['remote'] = tunnelEnd(args.value());
    else if (word === 'local') data['local'] = tunnelEnd(args.value());
    else if (word === 'dev') {
      const name = args.value();
      if (context.ifindex(name) === 0) throw noDevice(name);
      data['link'] = name;
    } else if (word === 'ttl' || word === 'hoplimit' || word === 'hlim')
      data['ttl'] = tunnelTtl(args.value());
    else if (word === 'tos' || word === 'tclass' || matches(word, 'dsfield'))
      data['tos'] = tunnelTos(args.value());
    else {
      const name = word === 'name' ? args.value() : word;
      if (word !== 'name' && matches(word, 'help')) throw new CommandExit(255, TUNNEL_HELP);
      if (parms.name !== undefined)
        throw new CommandExit(
          255,
          `Error: either "name" is duplicate, or "${name}" is a garbage.\n`,
        );
      parms.name = name;
    }
  }
  if (parms.mode === undefined && parms.name !== undefined) {
    if (parms.name.startsWith('gre')) parms.mode = GRE;
    else if (/^(ipip|tunl)/.test(parms.name)) parms.mode = IPIP;
    else if (parms.name.startsWith('sit')) parms.mode = SIT;
  }
  if (Number(data['ttl'] ?? 0) !== 0 && data['pmtudisc'] === false)
    throw new CommandExit(1, 'ttl != 0 and nopmtudisc are incompatible\n');
  return parms;
}

/** Runs a request and turns its refusal into what a failed ioctl prints. */
function asIoctl(verb: string, name: string, request: () => void): void {
  try {
    request();
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new CommandExit(1, `${verb} tunnel "${name}" failed: ${strerror(error.errno)}\n`);
  }
}

function add(args: Args, context: IpContext): void {
  const { name, mode, data } = parse(args, context);
  if (mode === undefined)
    throw new CommandExit(1, 'cannot determine tunnel mode (ipip, gre, vti or sit)\n');
  asIoctl('add', mode.base, () => {
    context.sys.rtnl('RTM_NEWLINK', {
      kind: mode.kind,
      data: { ...data, ioctl: true, ...(mode.proto === 0 ? {} : { proto: mode.proto }) },
      ...(name === undefined ? {} : { ifname: name }),
    });
  });
}

const KINDS: Readonly<Record<string, string>> = { gre: 'gre', ipip: 'ip', sit: 'ipv6' };

function find(context: IpContext, name: string, verb: string): LinkMsg {
  const link = context.linkByName(name);
  if (link === undefined)
    throw new CommandExit(1, `${verb} tunnel "${name}" failed: No such device\n`);
  return link;
}

function change(args: Args, context: IpContext): void {
  const { name, data } = parse(args, context);
  if (name === undefined)
    throw new CommandExit(1, 'cannot determine tunnel mode (ipip, gre, vti or sit)\n');
  const link = find(context, name, 'get');
  asIoctl('change', name, () => {
    context.sys.rtnl('RTM_SETLINK', { ifindex: link.ifindex, kind: link.kind ?? 'gre', data });
  });
}

const FALLBACKS = ['gre0', 'tunl0', 'sit0', 'gretap0', 'erspan0'];

function remove(args: Args, context: IpContext): void {
  const { name } = parse(args, context);
  if (name === undefined)
    throw new CommandExit(1, 'cannot determine tunnel mode (ipip, gre, vti or sit)\n');
  const link = find(context, name, 'delete');
  asIoctl('delete', name, () => {
    if (FALLBACKS.includes(name)) throw new KernelError('EPERM');
    context.sys.rtnl('RTM_DELLINK', { ifindex: link.ifindex });
  });
}

function keyNumber(text: string): number {
  return text.split('.').reduce((value, part) => (value * 256 + Number(part)) >>> 0, 0);
}

/** One line, and more where the tunnel checks or numbers packets. @kernel print_tunnel() */
function show(context: IpContext, link: LinkMsg): void {
  const data = link.data ?? {};
  const { out } = context;
  const mode = data['mode'];
  const proto = mode === 'any' ? 'any' : mode === 'ipip' ? 'ip' : (KINDS[link.kind ?? ''] ?? 'any');
  let line = `${link.ifname}: ${proto}/ip remote ${String(data['remote'] ?? 'any')} local ${String(data['local'] ?? 'any')}`;
  if (data['link'] !== undefined) line += ` dev ${String(data['link'])}`;
  const ttl = data['ttl'] ?? 0;
  line += ` ttl ${ttl === 0 ? 'inherit' : String(ttl)}`;
  const tos = Number(data['tos'] ?? 0);
  if (tos === 1) line += ' tos inherit';
  else if (tos !== 0) line += ` tos 0x${tos.toString(16)}`;
  if (data['pmtudisc'] === false) line += ' nopmtudisc';
  if (link.kind === 'sit' && mode === 'ip6ip' && data['6rd-prefix'] !== undefined)
    line += ` 6rd-prefix ${String(data['6rd-prefix'])}`;
  const ikey = data['ikey'];
  const okey = data['okey'];
  if (ikey !== undefined && ikey === okey) line += ` key ${keyNumber(String(ikey))}`;
  else {
    if (ikey !== undefined) line += ` ikey ${keyNumber(String(ikey))}`;
    if (okey !== undefined) line += ` okey ${keyNumber(String(okey))}`;
  }
  if (data['iseq'] === true) line += '\n  Drop packets out of sequence.';
  if (data['icsum'] === true) line += '\n  Checksum in received packet is required.';
  if (data['oseq'] === true) line += '\n  Sequence packets on output.';
  if (data['ocsum'] === true) line += '\n  Checksum output packets.';
  out.plain(`${line}\n`);
}

function list(args: Args, context: IpContext): void {
  const { name } = parse(args, context);
  if (name !== undefined) {
    const link = context.linkByName(name);
    if (link !== undefined) show(context, link);
    return;
  }
  for (const link of context.dump('RTM_GETLINK', {}))
    if (link.kind !== undefined && Object.hasOwn(KINDS, link.kind)) show(context, link);
}

/** `ip tunnel …`. */
export function doTunnel(args: Args, context: IpContext): void {
  const verb = args.done ? 'show' : args.take();
  const known = ['add', 'change', 'delete', 'show', 'lst', 'list'];
  if (context.options.family === AF_INET6 && known.some((word) => matches(verb, word))) {
    doTunnel6(args, context, verb);
    return;
  }
  if (matches(verb, 'add')) add(args, context);
  else if (matches(verb, 'change')) change(args, context);
  else if (matches(verb, 'delete')) remove(args, context);
  else if (['show', 'lst', 'list'].some((word) => matches(verb, word))) list(args, context);
  else if (matches(verb, 'help')) throw new CommandExit(255, TUNNEL_HELP);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "ip tunnel help"\n`);
}
