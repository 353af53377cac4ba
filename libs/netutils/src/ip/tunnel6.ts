/** `ip -6 tunnel`: tunnels over IPv6. Source: ip/ip6tunnel.c. */
import { KernelError, strerror } from '@netloom/base';
import type { LinkMsg } from '@netloom/sys';
import { matches, type Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';
import { greWord } from './link-tunnel.js';
import { limitText, TUNNEL6_MODES, tunnel6Word } from './link-tunnel6.js';
import type { LinkData } from './link-types.js';

interface Parms {
  name?: string;
  kind: string;
  proto: number;
  readonly data: LinkData;
}

const GRE_MODES = ['ip6gre', 'gre/ipv6', 'any/ipv6gre'];

function parse(args: Args, context: IpContext): Parms {
  const parms: Parms = { kind: 'ip6tnl', proto: 41, data: {} };
  while (!args.done) {
    const word = args.take();
    if (word === 'mode') {
      const text = args.value();
      const proto = TUNNEL6_MODES[text];
      if (GRE_MODES.includes(text)) parms.kind = 'ip6gre';
      else if (proto !== undefined) parms.proto = proto;
      else throw new CommandExit(255, `Unknown tunnel mode "${text}"\n`);
    } else if (!tunnel6Word(word, args, parms.data, context) && !greWord(word, args, parms.data)) {
      const name = word === 'name' ? args.value() : word;
      if (parms.name !== undefined)
        throw new CommandExit(
          255,
          `Error: either "name" is duplicate, or "${name}" is a garbage.\n`,
        );
      parms.name = name;
    }
  }
  return parms;
}

function asIoctl(verb: string, name: string, request: () => void): void {
  try {
    request();
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new CommandExit(1, `${verb} tunnel "${name}" failed: ${strerror(error.errno)}\n`);
  }
}

const KINDS: Readonly<Record<string, string>> = { ip6tnl: 'ip6ip6', ip6gre: 'gre' };
const FAMILY: Readonly<Record<string, string>> = { ip6ip6: 'ipv6', ipip6: 'ip', any: 'any' };

function show(context: IpContext, link: LinkMsg): void {
  const data = link.data ?? {};
  const proto = link.kind === 'ip6gre' ? 'gre' : (FAMILY[String(data['mode'])] ?? 'any');
  const end = (key: string): string => {
    const text = String(data[key] ?? 'any');
    return text === 'any' ? '::' : text;
  };
  let line = `${link.ifname}: ${proto}/ipv6 remote ${end('remote')} local ${end('local')}`;
  if (data['link'] !== undefined) line += ` dev ${String(data['link'])}`;
  const ttl = Number(data['ttl'] ?? 0);
  const tclass = data['tclass'] ?? 0;
  const inherit = tclass === 'inherit';
  const label = Number(data['flowlabel'] ?? 0);
  const hex = (value: number, width: number): string =>
    `0x${value.toString(16).padStart(width, '0')}`;
  line += ` encaplimit ${limitText(data)} hoplimit ${ttl === 0 ? 'inherit' : String(ttl)}`;
  line += ` tclass ${inherit ? 'inherit' : hex(Number(tclass), 2)} flowlabel ${hex(label, 5)}`;
  line += ` (flowinfo ${hex(((inherit ? 0 : Number(tclass)) << 20) | label, 8)})`;
  context.out.plain(`${line}\n`);
}

/** `ip -6 tunnel …`. */
export function doTunnel6(args: Args, context: IpContext, verb: string): void {
  const { name, kind, proto, data } = parse(args, context);
  const base = kind === 'ip6gre' ? 'ip6gre0' : 'ip6tnl0';
  const link = name === undefined ? undefined : context.linkByName(name);
  if (matches(verb, 'add')) {
    asIoctl('add', base, () => {
      context.sys.rtnl('RTM_NEWLINK', {
        kind,
        data: { ...data, proto },
        ...(name === undefined ? {} : { ifname: name }),
      });
    });
  } else if (matches(verb, 'change')) {
    asIoctl('change', name ?? base, () => {
      if (link === undefined) throw new KernelError('ENODEV');
      context.sys.rtnl('RTM_SETLINK', { ifindex: link.ifindex, kind: link.kind ?? kind, data });
    });
  } else if (matches(verb, 'delete')) {
    asIoctl('delete', name ?? base, () => {
      if (link === undefined) throw new KernelError('ENODEV');
      if (link.ifname === 'ip6tnl0' || link.ifname === 'ip6gre0') throw new KernelError('EPERM');
      context.sys.rtnl('RTM_DELLINK', { ifindex: link.ifindex });
    });
  } else {
    for (const one of context.dump('RTM_GETLINK', {}))
      if (Object.hasOwn(KINDS, one.kind ?? '') && (name === undefined || one.ifname === name))
        show(context, one);
  }
}
