/** `ip tcp_metrics`: what TCP remembers of its peers. Texts and exit codes as iproute2's tcp_metrics.c. */
import { parseIpv4, parseIpv6 } from '@netloom/base';
import { AF_INET, AF_INET6, AF_UNSPEC, type TcpMetricsEntry } from '@netloom/sys';
import { matches, type Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';

const HELP = `Usage:	ip tcp_metrics/tcpmetrics { COMMAND | help }
	ip tcp_metrics { show | flush } SELECTOR
	ip tcp_metrics delete [ address ] ADDRESS
SELECTOR := [ [ address ] PREFIX ]
`;

interface AddressPrefix {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly bits: number;
}

function addressBytes(text: string): Uint8Array | undefined {
  const v4 = parseIpv4(text);
  if (v4 !== undefined) return Uint8Array.of(v4 >>> 24, v4 >>> 16, v4 >>> 8, v4);
  return parseIpv6(text);
}

function parsePrefix(word: string): AddressPrefix {
  const [text = '', length] = word.split('/');
  const bytes = addressBytes(text);
  const bits = length === undefined ? (bytes?.length ?? 0) * 8 : Number(length);
  if (bytes === undefined || !(bits >= 0 && bits <= bytes.length * 8))
    throw new CommandExit(1, `Error: any valid prefix is expected rather than "${word}".\n`);
  return { text, bytes, bits };
}

function inPrefix(prefix: AddressPrefix, text: string): boolean {
  const bytes = addressBytes(text);
  if (bytes === undefined || bytes.length !== prefix.bytes.length) return false;
  for (let bit = 0; bit < prefix.bits; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((bytes[bit >> 3] as number) & mask) !== ((prefix.bytes[bit >> 3] as number) & mask))
      return false;
  }
  return true;
}

interface Selector {
  readonly address?: AddressPrefix;
  readonly source?: AddressPrefix;
}

function parseSelector(args: Args): Selector {
  let address: AddressPrefix | undefined;
  let source: AddressPrefix | undefined;
  while (!args.done) {
    let word = args.take();
    if (word === 'src' || word === 'source') {
      source = parsePrefix(args.value());
      continue;
    }
    if (word === 'addr' || word === 'address') word = args.value();
    else if (address !== undefined)
      throw new CommandExit(
        255,
        `Error: either "address" is duplicate, or "${word}" is a garbage.\n`,
      );
    address = parsePrefix(word);
  }
  return {
    ...(address !== undefined ? { address } : {}),
    ...(source !== undefined ? { source } : {}),
  };
}

function selected(entry: TcpMetricsEntry, selector: Selector, family: number): boolean {
  const v6 = entry.daddr.includes(':');
  if (family !== AF_UNSPEC && family !== (v6 ? AF_INET6 : AF_INET)) return false;
  return (
    (selector.address === undefined || inPrefix(selector.address, entry.daddr)) &&
    (selector.source === undefined || inPrefix(selector.source, entry.saddr))
  );
}

function print(context: IpContext, entry: TcpMetricsEntry): void {
  const { out } = context;
  out.openObject();
  out.any('dst', entry.daddr, entry.daddr);
  const age = entry.ageMs / 1000;
  out.any('age', ` age ${age.toFixed(3)}sec`, Number(age.toPrecision(6)));
  for (const name of ['ssthresh', 'cwnd', 'reordering'] as const) {
    if (entry[name] !== 0) out.any(name, ` ${name} ${entry[name]}`, entry[name]);
  }
  const rtt = entry.rttUs >> 3;
  const rttvar = entry.rttvarUs >> 2;
  if (entry.rttUs !== 0) out.any('rtt', ` rtt ${rtt}us`, rtt / 1e6);
  if (entry.rttvarUs !== 0) out.any('rttvar', ` rttvar ${rttvar}us`, rttvar / 1e6);
  if (entry.foMss !== 0) out.any('fo_mss', ` fo_mss ${entry.foMss}`, entry.foMss);
  if (entry.foSynDrops > 0) {
    const ago = entry.foSynDropMs / 1000;
    out.any('fo_syn_drops', ` fo_syn_drops ${entry.foSynDrops}`, entry.foSynDrops);
    out.any('fo_syn_drop_ts', `/${ago.toFixed(3)}sec ago`, Number(ago.toPrecision(6)));
  }
  if (entry.foCookie !== null) {
    const hex = [...entry.foCookie].map((b) => b.toString(16).padStart(2, '0')).join('');
    out.any('fo_cookie', ` fo_cookie ${hex}`, hex);
  }
  out.any('source', ` source ${entry.saddr}`, entry.saddr);
  out.plain('\n');
  out.closeObject();
}

/** `ip tcp_metrics [show|flush|delete …]`. */
export function doTcpMetrics(args: Args, context: IpContext): void {
  const { sys, out } = context;
  const verb = args.done ? 'show' : args.take();
  const { family } = context.options;
  if (['list', 'lst', 'show'].some((name) => matches(verb, name))) {
    const selector = parseSelector(args);
    out.start();
    for (const entry of sys.rtnl('TCP_METRICS_CMD_GET', {}))
      if (selected(entry, selector, family)) print(context, entry);
    out.finish();
    return;
  }
  if (matches(verb, 'flush') || matches(verb, 'delete')) {
    const one = !matches(verb, 'flush');
    if (one && args.done) throw new CommandExit(255, 'Error: argument "address" is required\n');
    const selector = parseSelector(args);
    let count = 0;
    for (const entry of sys.rtnl('TCP_METRICS_CMD_GET', {})) {
      if (selected(entry, selector, family))
        count += sys.rtnl('TCP_METRICS_CMD_DEL', { daddr: entry.daddr, saddr: entry.saddr });
    }
    const host =
      selector.address !== undefined && selector.address.bits === selector.address.bytes.length * 8;
    if (count === 0 && host) throw new CommandExit(2, 'RTNETLINK answers: No such process\n');
    return;
  }
  if (matches(verb, 'help')) throw new CommandExit(255, HELP);
  throw new CommandExit(255, `Command "${verb}" is unknown, try "ip tcp_metrics help".\n`);
}
