/**
 * VXLAN devices: `type vxlan id VNI …`.
 *
 * Attributes by `ip -d -j`'s names: `id`, `group`/`remote`, `local`, `link` (name), `port_range_low`/`port_range_high`
 * (one object in JSON), `port`, `learning`, `proxy`, `ttl`, `tos`, `ageing`, `udp_csum`, `external`, …
 */
import { AF_UNSPEC } from '@netloom/sys';
import { addressText, invalidArgument, matches, noDevice, parseAddress } from '../args.js';
import { CommandExit } from '../command.js';
import { numberValue } from './link-data.js';
import { LINK_TYPE_HELP } from './link-type-help.js';
import type { LinkType } from './link-types.js';

/** Keyword → attribute of the switches (`no…` turns them off). */
const SWITCHES: readonly (readonly [string, string])[] = [
  ['learning', 'learning'],
  ['proxy', 'proxy'],
  ['rsc', 'rsc'],
  ['l2miss', 'l2miss'],
  ['l3miss', 'l3miss'],
  ['udpcsum', 'udp_csum'],
  ['udp6zerocsumtx', 'udp_zero_csum6_tx'],
  ['udp6zerocsumrx', 'udp_zero_csum6_rx'],
  ['remcsumtx', 'remcsum_tx'],
  ['remcsumrx', 'remcsum_rx'],
  ['external', 'external'],
  ['vnifilter', 'vnifilter'],
];

function isMulticast(text: string): boolean {
  return /^(22[4-9]|23\d)\./.test(text) || /^ff/i.test(text);
}

export const vxlanLink: LinkType = {
  parse(args, data, context) {
    if (args.done) return;
    let dstport = false;
    while (!args.done) {
      const word = args.take();
      const toggle = SWITCHES.find(([keyword]) => word === keyword || word === `no${keyword}`);
      if (toggle !== undefined) data[toggle[1]] = !word.startsWith('no');
      else if (matches(word, 'id') || matches(word, 'vni')) {
        data['id'] = numberValue(args.value(), 0xffffff, 'invalid id');
      } else if (matches(word, 'group') || matches(word, 'remote')) {
        const text = args.value();
        const address = addressText(parseAddress(text, AF_UNSPEC).address);
        if (word.startsWith('g') && !isMulticast(address))
          throw invalidArgument('invalid group address', text);
        if (word.startsWith('r') && isMulticast(address))
          throw invalidArgument('invalid remote address', text);
        data[isMulticast(address) ? 'group' : 'remote'] = address;
      } else if (matches(word, 'local')) {
        const text = args.value();
        const address = addressText(parseAddress(text, AF_UNSPEC).address);
        if (isMulticast(address)) throw invalidArgument('invalid local address', text);
        data['local'] = address;
      } else if (matches(word, 'dev')) {
        const name = args.value();
        if (context.ifindex(name) === 0) throw noDevice(name);
        data['link'] = name;
      } else if (matches(word, 'ttl') || matches(word, 'hoplimit')) {
        const text = args.value();
        data['ttl'] =
          text === 'inherit'
            ? 'inherit'
            : text === 'auto'
              ? 0
              : numberValue(text, 255, 'invalid TTL');
      } else if (matches(word, 'tos') || matches(word, 'dsfield')) {
        const text = args.value();
        data['tos'] = text === 'inherit' ? 1 : numberValue(text, 255, 'bad TOS value');
      } else if (word === 'df') {
        const text = args.value();
        if (!['unset', 'set', 'inherit'].includes(text))
          throw invalidArgument("DF must be 'unset' 'set' or 'inherit'", text);
        data['df'] = text;
      } else if (matches(word, 'flowlabel'))
        data['label'] = numberValue(args.value(), 0xfffff, 'invalid flowlabel');
      else if (matches(word, 'ageing')) {
        const text = args.value();
        data['ageing'] = text === 'none' ? 0 : numberValue(text, 0xffffffff, 'ageing timer');
      } else if (matches(word, 'maxaddress')) {
        const text = args.value();
        data['limit'] = text === 'unlimited' ? 0 : numberValue(text, 0xffffffff, 'max addresses');
      } else if (matches(word, 'port') || word === 'srcport') {
        data['port_range_low'] = numberValue(args.value(), 65535, 'min port');
        data['port_range_high'] = numberValue(args.value(), 65535, 'max port');
      } else if (word === 'dstport') {
        data['port'] = numberValue(args.value(), 65535, 'dst port');
        dstport = true;
      } else if (matches(word, 'gbp')) data['gbp'] = true;
      else if (matches(word, 'gpe')) data['gpe'] = true;
      else if (matches(word, 'help')) throw new CommandExit(1, LINK_TYPE_HELP['vxlan']);
      else
        throw new CommandExit(
          1,
          `vxlan: unknown command "${word}"?\n${LINK_TYPE_HELP['vxlan'] ?? ''}`,
        );
    }
    if (data['external'] === true && data['id'] !== undefined) {
      throw new CommandExit(1, "vxlan: both 'external' and vni cannot be specified\n");
    }
    if (data['external'] !== true && data['id'] === undefined)
      throw new CommandExit(1, 'vxlan: missing virtual network identifier\n');
    if (data['group'] !== undefined && data['link'] === undefined) {
      throw new CommandExit(1, "vxlan: 'group' requires 'dev' to be specified\n");
    }
    if (data['external'] === true && data['learning'] === undefined) data['learning'] = false;
    if (data['port'] === 0) delete data['port'];
    if (!dstport && (data['id'] !== undefined || data['external'] === true)) {
      context.warn(
        'vxlan: destination port not specified\n' +
          'Will use Linux kernel default (non-standard value)\n' +
          "Use 'dstport 4789' to get the IANA assigned value\n" +
          "Use 'dstport 0' to get default and quiet this message\n",
      );
    }
  },
  print(out, data) {
    const flag = (key: string, text: string, shown: boolean): void => {
      if (data[key] === undefined) return;
      const on = data[key] === true || data[key] === 1;
      out.any(key, shown === on ? `${on ? '' : 'no'}${text} ` : '', on);
    };
    if (data['external'] === true) out.any('external', 'external ', true);
    if (data['vnifilter'] === true) out.any('vnifilter', 'vnifilter ', true);
    const id = data['id'];
    if (id !== undefined) out.any('id', `id ${String(id)} `, id);
    for (const key of ['group', 'remote', 'local', 'group6', 'remote6', 'local6']) {
      const value = data[key];
      if (value !== undefined) out.any(key, `${key.replace('6', '')} ${String(value)} `, value);
    }
    const link = data['link'];
    if (link !== undefined) out.any('link', `dev ${String(link)} `, link);
    const low = data['port_range_low'] ?? 0;
    const high = data['port_range_high'] ?? 0;
    out.openObject('port_range');
    out.jsonOnly('low', low);
    out.jsonOnly('high', high);
    out.plain(`srcport ${String(low)} ${String(high)} `);
    out.closeObject();
    const port = data['port'];
    if (port !== undefined) out.any('port', `dstport ${String(port)} `, port);
    flag('learning', 'learning', false);
    for (const key of ['proxy', 'rsc', 'l2miss', 'l3miss'])
      if (data[key] === true) out.any(key, `${key} `, true);
    const tos = data['tos'];
    if (tos !== undefined && tos !== 0) {
      if (tos === 1) out.any('tos', 'tos inherit ', 'inherit');
      else out.any('tos', `tos 0x${Number(tos).toString(16)} `, `0x${Number(tos).toString(16)}`);
    }
    const ttl = data['ttl'] ?? 0;
    out.any('ttl', `ttl ${ttl === 0 ? 'auto' : String(ttl)} `, ttl);
    const df = data['df'] ?? 'unset';
    out.any('df', df === 'unset' ? '' : `df ${String(df)} `, df);
    const label = data['label'];
    if (label !== undefined && label !== 0) {
      out.any(
        'label',
        `flowlabel 0x${Number(label).toString(16)} `,
        `0x${Number(label).toString(16)}`,
      );
    }
    const ageing = data['ageing'];
    if (ageing !== undefined)
      out.any('ageing', `ageing ${ageing === 0 ? 'none' : String(ageing)} `, ageing);
    const limit = data['limit'];
    if (limit !== undefined && limit !== 0) out.any('limit', `maxaddr ${String(limit)} `, limit);
    for (const [key, text] of [
      ['udp_csum', 'udpcsum'],
      ['udp_zero_csum6_tx', 'udp6zerocsumtx'],
      ['udp_zero_csum6_rx', 'udp6zerocsumrx'],
    ] as const) {
      if (data[key] === undefined) continue;
      const on = data[key] === true || data[key] === 1;
      out.any(key, `${on ? '' : 'no'}${text} `, on);
    }
    if (data['gbp'] === true) out.any('gbp', 'gbp ', true);
    if (data['gpe'] === true) out.any('gpe', 'gpe ', true);
  },
};
