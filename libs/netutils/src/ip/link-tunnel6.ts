/**
 * IPv6 tunnels: `type ip6tnl …`, `ip6gre`, `ip6gretap`. Attributes as {@link ./link-tunnel.js}, with `encap_limit` (-1 none),
 * `tclass` (a number or `inherit`) and `flowlabel`.
 */
import { AF_INET6, type LinkInfoData } from '@netloom/sys';
import {
  addressText,
  invalidArgument,
  matches,
  noDevice,
  parseAddress,
  type Args,
} from '../args.js';
import { CommandExit } from '../command.js';
import type { Out } from '../out.js';
import type { IpContext } from './context.js';
import { numberValue } from './link-data.js';
import { greWord } from './link-tunnel.js';
import { LINK_TYPE_HELP } from './link-type-help.js';
import type { LinkData, LinkType } from './link-types.js';

export function tunnel6End(word: string): string {
  if (word === 'any') return 'any';
  const text = addressText(parseAddress(word, AF_INET6).address);
  return text === '::' ? 'any' : text;
}

export const TUNNEL6_MODES: Readonly<Record<string, number>> = {
  ip6ip6: 41,
  'ipv6/ipv6': 41,
  ipip6: 4,
  'ip/ipv6': 4,
  'ipv4/ipv6': 4,
  any: 0,
  'any/ipv6': 0,
};

/** Words that both `ip link` and `ip -6 tunnel` know; false for another. */
export function tunnel6Word(word: string, args: Args, data: LinkData, context: IpContext): boolean {
  if (matches(word, 'remote')) data['remote'] = tunnel6End(args.value());
  else if (matches(word, 'local')) data['local'] = tunnel6End(args.value());
  else if (word === 'dev') {
    const name = args.value();
    if (context.ifindex(name) === 0) throw noDevice(name);
    data['link'] = name;
  } else if (['ttl', 'hoplimit', 'hlim'].includes(word)) {
    const text = args.value();
    data['ttl'] = text === 'inherit' ? 0 : numberValue(text, 255, 'invalid HLIM');
  } else if (word === 'encaplimit') {
    const text = args.value();
    data['encap_limit'] = text === 'none' ? -1 : numberValue(text, 255, 'invalid ELIM');
  } else if (['tclass', 'tc', 'tos'].includes(word) || matches(word, 'dsfield')) {
    const text = args.value();
    data['tclass'] = text === 'inherit' ? 'inherit' : numberValue(text, 255, 'invalid TClass', 16);
  } else if (['flowlabel', 'fl'].includes(word)) {
    data['flowlabel'] = numberValue(args.value(), 0xfffff, 'invalid Flowlabel', 16);
  } else if (word === 'dscp') {
    const text = args.value();
    if (text !== 'inherit') throw invalidArgument('not inherit', text);
  } else return false;
  return true;
}

function tunnel6Type(kind: string): LinkType {
  const gre = kind !== 'ip6tnl';
  return {
    parse(args, data, context) {
      while (!args.done) {
        const word = args.take();
        if (gre && greWord(word, args, data)) continue;
        if (tunnel6Word(word, args, data, context)) continue;
        if (!gre && word === 'mode') {
          const text = args.value();
          const mode = TUNNEL6_MODES[text];
          if (mode === undefined) throw invalidArgument('Cannot guess tunnel mode.', text);
          data['proto'] = mode;
        } else throw new CommandExit(1, LINK_TYPE_HELP[gre ? 'ip6gre' : kind]);
      }
    },
    print(out, data) {
      print(out, data);
    },
  };
}

/** `encaplimit 4 …` as far as both commands write it alike. */
export function limitText(data: LinkInfoData): string {
  const limit = Number(data['encap_limit'] ?? 0);
  return limit < 0 ? 'none' : String(limit);
}

function print(out: Out, data: LinkInfoData): void {
  const mode = data['mode'];
  if (mode !== undefined) out.any('proto', `${String(mode)} `, mode);
  for (const key of ['remote', 'local'] as const) {
    const value = data[key] ?? 'any';
    out.any(key, `${key} ${String(value)} `, value);
  }
  const link = data['link'];
  if (link !== undefined) out.any('link', `dev ${String(link)} `, link);
  const ttl = data['ttl'] ?? 0;
  out.any('ttl', `hoplimit ${ttl === 0 ? 'inherit' : String(ttl)} `, ttl);
  out.any('encap_limit', `encaplimit ${limitText(data)} `, data['encap_limit'] ?? 0);
  const tclass = data['tclass'] ?? 0;
  const text =
    tclass === 'inherit' ? 'inherit' : `0x${Number(tclass).toString(16).padStart(2, '0')}`;
  out.any('tclass', `tclass ${text} `, text);
  const label = `0x${Number(data['flowlabel'] ?? 0)
    .toString(16)
    .padStart(5, '0')}`;
  out.any('flowlabel', `flowlabel ${label} `, label);
  for (const key of ['ikey', 'okey'] as const) {
    const value = data[key];
    if (value !== undefined) out.any(key, `${key} ${String(value)} `, value);
  }
  for (const key of ['iseq', 'oseq', 'icsum', 'ocsum'] as const)
    if (data[key] === true) out.any(key, `${key} `, true);
}

export const ip6tnlLink = tunnel6Type('ip6tnl');
export const ip6greLink = tunnel6Type('ip6gre');
