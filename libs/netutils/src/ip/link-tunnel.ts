/**
 * IPv4 tunnels: `type gre …`, `gretap`, `ipip`, `sit`, and tun devices' details.
 *
 * Attributes by `ip -d -j`'s names: `remote`, `local` (text, `any`), `link`, `ttl` (0 inherits), `tos` (1 inherits),
 * `pmtudisc`, `ikey`, `okey`, `iseq`, `oseq`, `icsum`, `ocsum`, `mode`, `fwmark`, `external`, `ignore_df`.
 */
import { AF_INET, type LinkInfoData } from '@netloom/sys';
import {
  addressText,
  invalidArgument,
  matches,
  noDevice,
  parseAddress,
  parseUnsigned,
  type Args,
} from '../args.js';
import { CommandExit } from '../command.js';
import type { Out } from '../out.js';
import { numberValue } from './link-data.js';
import { LINK_TYPE_HELP } from './link-type-help.js';
import type { LinkData, LinkType } from './link-types.js';

/** `any` or an address as text. */
export function tunnelEnd(word: string): string {
  if (word === 'any') return 'any';
  const text = addressText(parseAddress(word, AF_INET).address);
  return text === '0.0.0.0' ? 'any' : text;
}

/** A key: an address or a number. */
export function tunnelKey(name: string, word: string): string {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(word)) return tunnelEnd(word);
  const value = parseUnsigned(word, 0xffffffff);
  if (value === undefined) {
    throw new CommandExit(
      255,
      `invalid value for "${name}": "${word}"; it should be an unsigned integer\n`,
    );
  }
  return addressText(value);
}

export function tunnelTtl(word: string): number {
  return word === 'inherit' ? 0 : numberValue(word, 255, 'invalid TTL\n');
}

export function tunnelTos(word: string): number {
  if (word === 'inherit') return 1;
  const value = parseUnsigned(word, 255, 16);
  if (value === undefined) throw invalidArgument('bad TOS value', word);
  return value;
}

/** Words that GRE alone knows; false where the word is another. */
export function greWord(word: string, args: Args, data: LinkData): boolean {
  if (matches(word, 'key')) {
    data['ikey'] = data['okey'] = tunnelKey('key', args.value());
  } else if (word === 'ikey' || word === 'okey') {
    data[word] = tunnelKey(word, args.value());
  } else if (word === 'seq') data['iseq'] = data['oseq'] = true;
  else if (word === 'csum') data['icsum'] = data['ocsum'] = true;
  else if (word === 'noseq') data['iseq'] = data['oseq'] = false;
  else if (word === 'nocsum') data['icsum'] = data['ocsum'] = false;
  else if (['iseq', 'oseq', 'icsum', 'ocsum'].includes(word)) data[word] = true;
  else if (['noiseq', 'nooseq', 'noicsum', 'noocsum'].includes(word)) data[word.slice(2)] = false;
  else return false;
  return true;
}

const MODES: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
  ipip: [
    ['ipip', 4],
    ['ipv4/ipv4', 4],
    ['any', 0],
    ['any/ipv4', 0],
  ],
  sit: [
    ['ip6ip', 41],
    ['ipv6/ipv4', 41],
    ['ipip', 4],
    ['ipv4/ipv4', 4],
    ['any', 0],
    ['any/ipv4', 0],
  ],
};

function tunnelType(kind: string): LinkType {
  const gre = kind === 'gre' || kind === 'gretap';
  return {
    parse(args, data, context) {
      while (!args.done) {
        const word = args.take();
        if (gre && greWord(word, args, data)) continue;
        const modes = MODES[kind];
        if (word === 'nopmtudisc') data['pmtudisc'] = false;
        else if (word === 'pmtudisc') data['pmtudisc'] = true;
        else if (gre && word === 'ignore-df') data['ignore_df'] = true;
        else if (gre && word === 'noignore-df') data['ignore_df'] = false;
        else if (matches(word, 'remote')) data['remote'] = tunnelEnd(args.value());
        else if (matches(word, 'local')) data['local'] = tunnelEnd(args.value());
        else if (matches(word, 'dev')) {
          const name = args.value();
          if (context.ifindex(name) === 0) throw noDevice(name);
          data['link'] = name;
        } else if (matches(word, 'ttl') || matches(word, 'hoplimit'))
          data['ttl'] = tunnelTtl(args.value());
        else if (matches(word, 'tos') || matches(word, 'tclass') || matches(word, 'dsfield'))
          data['tos'] = tunnelTos(args.value());
        else if (word === 'mode' && modes !== undefined) {
          const text = args.value();
          const mode = modes.find(([name]) => name === text);
          if (mode === undefined) throw invalidArgument('Cannot guess tunnel mode.', text);
          data['proto'] = mode[1];
        } else if (word === 'external') data['external'] = true;
        else if (word === 'noencap') continue;
        else if (word === 'fwmark')
          data['fwmark'] = numberValue(args.value(), 0xffffffff, 'invalid fwmark\n');
        else throw new CommandExit(1, LINK_TYPE_HELP[kind]);
      }
    },
    print(out, data) {
      printTunnel(out, data, gre);
    },
  };
}

function printTunnel(out: Out, data: LinkInfoData, gre: boolean): void {
  if (data['external'] === true) {
    out.any('external', 'external ', true);
    return;
  }
  const mode = data['mode'];
  if (mode !== undefined) out.any('proto', `${String(mode)} `, mode);
  for (const key of ['remote', 'local'] as const) {
    const value = data[key] ?? 'any';
    out.any(key, `${key} ${String(value)} `, value);
  }
  const link = data['link'];
  if (link !== undefined) out.any('link', `dev ${String(link)} `, link);
  const ttl = data['ttl'] ?? 0;
  out.any('ttl', `ttl ${ttl === 0 ? 'inherit' : String(ttl)} `, ttl);
  const tos = data['tos'];
  if (tos !== undefined && tos !== 0) {
    const text = tos === 1 ? 'inherit' : `0x${Number(tos).toString(16)}`;
    out.any('tos', `tos ${text} `, text);
  }
  const pmtudisc = data['pmtudisc'] !== false;
  out.any('pmtudisc', pmtudisc ? (gre ? '' : 'pmtudisc ') : 'nopmtudisc ', pmtudisc);
  const prefix = data['6rd-prefix'];
  if (prefix !== undefined) {
    out.any('6rd-prefix', `6rd-prefix ${String(prefix)} `, String(prefix).split('/')[0] ?? '');
    out.jsonOnly('6rd-prefixlen', Number(String(prefix).split('/')[1]));
  }
  for (const key of ['ikey', 'okey'] as const) {
    const value = data[key];
    if (value !== undefined) out.any(key, `${key} ${String(value)} `, value);
  }
  for (const key of ['iseq', 'oseq', 'icsum', 'ocsum'] as const)
    if (data[key] === true) out.any(key, `${key} `, true);
  if (data['ignore_df'] === true) out.any('ignore_df', 'ignore-df ', true);
  for (const key of ['erspan_index', 'erspan_ver'] as const) {
    const value = data[key];
    if (value !== undefined) out.any(key, `${key} ${String(value)} `, value);
  }
  const fwmark = data['fwmark'];
  if (typeof fwmark === 'number' && fwmark !== 0) {
    const text = `0x${fwmark.toString(16)}`;
    out.any('fwmark', `fwmark ${text} `, text);
  }
}

export const greLink = tunnelType('gre');
export const gretapLink = tunnelType('gretap');
export const ipipLink = tunnelType('ipip');
export const sitLink = tunnelType('sit');

/** Devices of /dev/net/tun: `type`, `pi`, `vnet_hdr`, `multi_queue`, `persist`, `user`, `group`. */
export const tunLink: LinkType = {
  parse(args) {
    if (!args.done) args.rest();
  },
  print(out, data) {
    out.any('type', `type ${String(data['type'])} `, data['type'] ?? '');
    const onOff = (key: string): void => {
      const on = data[key] === true;
      out.any(key, `${key} ${on ? 'on' : 'off'} `, on);
    };
    onOff('pi');
    onOff('vnet_hdr');
    if (data['multi_queue'] === true) {
      out.any('multi_queue', 'multi_queue ', true);
      for (const key of ['numqueues', 'numdisabled'])
        out.any(key, `${key} ${String(data[key] ?? 0)} `, data[key] ?? 0);
    }
    onOff('persist');
    for (const key of ['user', 'group'] as const) {
      const id = data[key];
      if (typeof id !== 'number') continue;
      const name = id === 0 ? 'root' : String(id);
      out.any(key, `${key} ${name} `, name);
    }
  },
};
