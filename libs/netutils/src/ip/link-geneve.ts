/** GENEVE devices: `type geneve id VNI remote ADDR …`. Attributes as VXLAN's. */
import { AF_UNSPEC } from '@netloom/sys';
import { addressText, invalidArgument, matches, parseAddress } from '../args.js';
import { CommandExit } from '../command.js';
import { numberValue } from './link-data.js';
import { LINK_TYPE_HELP } from './link-type-help.js';
import type { LinkType } from './link-types.js';

const SWITCHES: readonly (readonly [string, string])[] = [
  ['external', 'external'],
  ['udpcsum', 'udp_csum'],
  ['udp6zerocsumtx', 'udp_zero_csum6_tx'],
  ['udp6zerocsumrx', 'udp_zero_csum6_rx'],
];

export const geneveLink: LinkType = {
  parse(args, data) {
    if (args.done) return;
    while (!args.done) {
      const word = args.take();
      const toggle = SWITCHES.find(([keyword]) => word === keyword || word === `no${keyword}`);
      if (toggle !== undefined) data[toggle[1]] = !word.startsWith('no');
      else if (matches(word, 'id') || matches(word, 'vni'))
        data['id'] = numberValue(args.value(), 0xffffff, 'invalid id');
      else if (matches(word, 'remote')) {
        const text = args.value();
        const address = addressText(parseAddress(text, AF_UNSPEC).address);
        if (/^(22[4-9]|23\d)\.|^ff/i.test(address))
          throw invalidArgument('invalid remote address', text);
        data['remote'] = address;
      } else if (matches(word, 'ttl') || matches(word, 'hoplimit')) {
        const text = args.value();
        if (text === 'inherit') data['ttl'] = 'inherit';
        else data['ttl'] = text === 'auto' ? 0 : numberValue(text, 255, 'invalid TTL');
      } else if (matches(word, 'tos') || matches(word, 'dsfield')) {
        const text = args.value();
        data['tos'] = text === 'inherit' ? 1 : numberValue(text, 255, 'bad TOS value');
      } else if (word === 'df') {
        const text = args.value();
        if (!['unset', 'set', 'inherit'].includes(text))
          throw invalidArgument("DF must be 'unset' 'set' or 'inherit'", text);
        data['df'] = text;
      } else if (word === 'dstport') data['port'] = numberValue(args.value(), 65535, 'dstport');
      else if (matches(word, 'flowlabel'))
        data['label'] = numberValue(args.value(), 0xfffff, 'invalid flowlabel');
      else if (matches(word, 'help')) throw new CommandExit(1, LINK_TYPE_HELP['geneve']);
      else
        throw new CommandExit(
          1,
          `geneve: unknown command "${word}"?\n${LINK_TYPE_HELP['geneve'] ?? ''}`,
        );
    }
    if (data['external'] === true && data['id'] !== undefined)
      throw new CommandExit(1, 'geneve: both external and vni cannot be specified\n');
    if (data['external'] === true) return;
    if (data['id'] === undefined)
      throw new CommandExit(1, 'geneve: missing virtual network identifier\n');
    if (data['remote'] === undefined)
      throw new CommandExit(1, 'geneve: remote link partner not specified\n');
  },
  print(out, data) {
    if (data['external'] === true) {
      out.any('external', 'external ', true);
    } else {
      const id = data['id'];
      if (id !== undefined) out.any('id', `id ${String(id)} `, id);
      const remote = data['remote'];
      if (remote !== undefined) out.any('remote', `remote ${String(remote)} `, remote);
    }
    const ttl = data['ttl'] ?? 0;
    out.any('ttl', `ttl ${ttl === 0 ? 'auto' : String(ttl)} `, ttl);
    const tos = data['tos'];
    if (tos !== undefined && tos !== 0) {
      const hex = `0x${Number(tos).toString(16)}`;
      out.any('tos', `tos ${tos === 1 ? 'inherit' : hex} `, hex);
    }
    const df = data['df'] ?? 'unset';
    out.any('df', df === 'unset' ? '' : `df ${String(df)} `, df);
    const port = data['port'];
    if (port !== undefined) out.any('port', `dstport ${String(port)} `, port);
    const csum = data['udp_csum'] === true;
    out.any('udp_csum', csum ? 'udpcsum ' : 'noudpcsum ', csum);
    if (data['udp_zero_csum6_rx'] === true) out.any('udp_zero_csum6_rx', 'udp6zerocsumrx ', true);
  },
};
