/** `ip rule`: the routing policy database. */
import { KernelError } from '@netloom/base';
import { AF_INET, AF_INET6, AF_UNSPEC, type RuleMsg } from '@netloom/sys';
import {
  addressText,
  invalidArgument,
  matches,
  parsePrefix,
  parseUnsigned,
  samePrefix,
  type Args,
  type Prefix,
} from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';
import { RULE_HELP } from './help.js';
import { dsfieldText, parseDsfield } from './names.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const ACTIONS: Readonly<Record<number, string>> = {
  6: 'blackhole',
  7: 'unreachable',
  8: 'prohibit',
};
const FR_ACT_TO_TBL = 1;
const FR_ACT_GOTO = 2;
const FR_ACT_NOP = 3;
const FIB_RULE_UNRESOLVED = 4;
const FIB_RULE_IIF_DETACHED = 8;
const FIB_RULE_OIF_DETACHED = 16;
const RTPROT_KERNEL = 2;

/** Protocols by the names that `ipproto` takes. */
const IP_PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'icmp',
  2: 'igmp',
  4: 'ipencap',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  41: 'ipv6',
  47: 'gre',
  50: 'esp',
  51: 'ah',
  58: 'ipv6-icmp',
  132: 'sctp',
  136: 'udplite',
};

function printPrefix(context: IpContext, key: 'src' | 'dst', rule: RuleMsg): void {
  const { out } = context;
  const address = key === 'src' ? rule.src : rule.dst;
  const length = key === 'src' ? rule.srcLen : rule.dstLen;
  const word = key === 'src' ? 'from' : 'to';
  if (address === undefined) {
    if (length > 0) out.any(key, `${word} 0/${length}`, '0');
    else if (key === 'src') out.any(key, 'from all', 'all');
    return;
  }
  const host = rule.family === AF_INET6 ? 128 : 32;
  const text = addressText(address);
  out.any(key, `${key === 'dst' ? ' ' : ''}${word} ${text}`, text);
  if (length !== host) out.any(`${key}len`, `/${length}`, length);
}

/** C's `%#x`. */
function hexText(value: number): string {
  return value === 0 ? '0' : `0x${value.toString(16)}`;
}

/** Where a rule leads. */
function printAction(context: IpContext, rule: RuleMsg): void {
  const { out, options } = context;
  if (rule.action === FR_ACT_TO_TBL) {
    const table = context.names.tables.name(rule.table, options.numeric);
    out.any('table', ` lookup ${table}`, table);
  } else if (rule.action === FR_ACT_GOTO) {
    out.any('goto', rule.table === 0 ? ' goto none' : ` goto ${rule.table}`, rule.table);
    if (((rule.flags ?? 0) & FIB_RULE_UNRESOLVED) !== 0)
      out.any('unresolved', ' [unresolved]', null);
  } else if (rule.action === FR_ACT_NOP) {
    out.any('nop', ' nop', null);
  } else {
    const action = ACTIONS[rule.action] ?? String(rule.action);
    out.any('action', ` ${action}`, action);
  }
}

/** One rule and its line end. */
export function printRule(context: IpContext, rule: RuleMsg, deleted = false): void {
  const { out, options } = context;
  out.openObject();
  if (deleted) out.any('deleted', 'Deleted ', true);
  out.any('priority', `${rule.priority}:\t`, rule.priority);
  if (rule.invert === true) out.any('not', 'not ', null);
  printPrefix(context, 'src', rule);
  printPrefix(context, 'dst', rule);
  if (rule.tos !== 0) {
    const text = dsfieldText(rule.tos, options.numeric);
    out.any('tos', ` tos ${text}`, text);
  }
  if (
    (rule.fwmark !== undefined && rule.fwmark !== 0) ||
    (rule.fwmask !== undefined && rule.fwmask !== 0xffffffff && rule.fwmask !== 0)
  ) {
    const mark = hexText(rule.fwmark ?? 0);
    out.any('fwmark', ` fwmark ${mark}`, mark);
    if (rule.fwmask !== undefined && rule.fwmask !== 0xffffffff) {
      const mask = hexText(rule.fwmask);
      out.any('fwmask', `/${mask}`, mask);
    }
  }
  const flags = rule.flags ?? 0;
  for (const [key, name, detached] of [
    ['iif', rule.iifname, FIB_RULE_IIF_DETACHED],
    ['oif', rule.oifname, FIB_RULE_OIF_DETACHED],
  ] as const) {
    if (name === undefined || name === '') continue;
    out.any(key, ` ${key} ${name}`, name);
    if ((flags & detached) !== 0) out.any(`${key}_detached`, ' [detached]', null);
  }
  if (rule.l3mdev === true) out.any('l3mdev', ' lookup [l3mdev-table]', null);
  if (rule.uidrange !== undefined) {
    const [low, high] = rule.uidrange;
    out.any('uid_start', ` uidrange ${low}`, low);
    out.any('uid_end', `-${high}`, high);
  }
  if (rule.ipproto !== undefined) {
    const text = IP_PROTOCOLS[rule.ipproto] ?? `ipproto-${rule.ipproto}`;
    out.any('ipproto', ` ipproto ${text}`, text);
  }
  for (const key of ['sport', 'dport'] as const) {
    const range = rule[key];
    if (range === undefined) continue;
    if (range[0] === range[1]) {
      out.any(key, ` ${key} ${range[0]}`, range[0]);
    } else {
      out.any(`${key}_start`, ` ${key} ${range[0]}`, range[0]);
      out.any(`${key}_end`, `-${range[1]}`, range[1]);
    }
  }
  if (rule.tunId !== undefined) out.any('tun_id', ` tun_id ${rule.tunId}`, Number(rule.tunId));
  if (rule.l3mdev !== true) printAction(context, rule);
  if (rule.suppressPrefixlen !== undefined)
    out.any(
      'suppress_prefixlen',
      ` suppress_prefixlength ${rule.suppressPrefixlen}`,
      rule.suppressPrefixlen,
    );
  if (rule.suppressIfgroup !== undefined) {
    const group = context.names.groups.name(rule.suppressIfgroup, options.numeric);
    out.any('suppress_ifgroup', ` suppress_ifgroup ${group}`, group);
  }
  if (((rule.protocol ?? 0) !== 0 && rule.protocol !== RTPROT_KERNEL) || options.details > 0) {
    const protocol = context.names.protocols.name(rule.protocol ?? 0, options.numeric);
    out.any('protocol', ` proto ${protocol}`, protocol);
  }
  out.plain('\n');
  out.closeObject();
}

interface RuleWords extends Mutable<Partial<RuleMsg>> {
  family: number;
  unsupported?: boolean;
}

/** `5` or `5-9`; undefined where it is neither. */
function parseRange(text: string, max: number): [number, number] | undefined {
  const [first = '', last = first] = text.split('-');
  const low = parseUnsigned(first, max);
  const high = parseUnsigned(last, max);
  return low === undefined || high === undefined ? undefined : [low, high];
}

function invalidPort(text: string): never {
  throw invalidArgument('invalid port range\n', text);
}

function parseWords(args: Args, context: IpContext): RuleWords {
  const words: RuleWords = { family: context.options.family };
  const prefix = (): Prefix => {
    const found = parsePrefix(args.value(), words.family);
    if (words.family === AF_UNSPEC) words.family = found.any ? AF_INET : found.family;
    return found;
  };
  while (!args.done) {
    const word = args.take();
    if (word === 'not') words.invert = true;
    else if (word === 'from') {
      const found = prefix();
      words.srcLen = found.length;
      if (found.length > 0) words.src = found.address;
    } else if (word === 'to') {
      const found = prefix();
      words.dstLen = found.length;
      if (found.length > 0) words.dst = found.address;
    } else if (matches(word, 'preference') || matches(word, 'order') || matches(word, 'priority')) {
      const value = args.value();
      const priority = parseUnsigned(value);
      if (priority === undefined) throw invalidArgument('preference value is invalid\n', value);
      words.priority = priority;
    } else if (word === 'tos' || matches(word, 'dsfield')) {
      const value = args.value();
      const tos = parseDsfield(value);
      if (tos === undefined) throw invalidArgument('TOS value is invalid\n', value);
      words.tos = tos;
    } else if (word === 'fwmark') {
      const value = args.value();
      const [mark = '', mask] = value.split('/');
      const fwmark = parseUnsigned(mark);
      if (fwmark === undefined) throw invalidArgument('fwmark value is invalid\n', value);
      words.fwmark = fwmark;
      if (mask !== undefined) {
        const fwmask = parseUnsigned(mask);
        if (fwmask === undefined) throw invalidArgument('fwmask value is invalid\n', mask);
        words.fwmask = fwmask;
      }
    } else if (matches(word, 'protocol')) {
      const value = args.value();
      const protocol = context.names.protocols.number(value);
      if (protocol === undefined) throw invalidArgument('"protocol" value is invalid\n', value);
      words.protocol = protocol;
    } else if (matches(word, 'table') || word === 'lookup') {
      const value = args.value();
      const table = context.names.tables.number(value, 0xffffffff);
      if (table === undefined) throw invalidArgument('invalid table ID\n', value);
      words.table = table;
      words.action = FR_ACT_TO_TBL;
    } else if (word === 'dev' || word === 'iif') words.iifname = args.value();
    else if (word === 'oif') words.oifname = args.value();
    else if (word === 'ipproto') {
      const value = args.value();
      const named = Object.entries(IP_PROTOCOLS).find(([, name]) => name === value)?.[0];
      const protocol = named === undefined ? parseUnsigned(value, 255) : Number(named);
      if (protocol === undefined) throw invalidArgument('Invalid "ipproto" value\n', value);
      words.ipproto = protocol;
    } else if (word === 'sport' || word === 'dport') {
      const value = args.value();
      words[word] = parseRange(value, 65535) ?? invalidPort(value);
    } else if (word === 'uidrange') {
      const value = args.value();
      const range = value.includes('-') ? parseRange(value, 0xffffffff) : undefined;
      if (range === undefined) throw invalidArgument('Invalid UID range\n', value);
      words.uidrange = range;
    } else if (word === 'suppress_prefixlength' || word === 'sup_pl') {
      const value = args.value();
      const length = parseUnsigned(value);
      if (length === undefined)
        throw invalidArgument('suppress_prefixlength value is invalid\n', value);
      words.suppressPrefixlen = length;
    } else if (word === 'suppress_ifgroup' || word === 'sup_group') {
      const value = args.value();
      const group = context.names.groups.number(value);
      if (group === undefined) throw invalidArgument('Invalid "suppress_ifgroup" value\n', value);
      words.suppressIfgroup = group;
    } else if (word === 'tun_id') {
      const value = args.value();
      if (!/^\d+$/.test(value)) throw invalidArgument('tun_id value is invalid\n', value);
      words.tunId = value;
    } else if (['realms', 'nat', 'map-to'].includes(word)) {
      args.value();
      words.unsupported = true;
    } else if (word === 'l3mdev') {
      words.l3mdev = true;
    } else {
      let value = word;
      if (matches(value, 'type')) value = args.value();
      if (matches(value, 'help')) throw new CommandExit(255, RULE_HELP);
      if (value === 'goto') {
        const target = args.value();
        const priority = parseUnsigned(target);
        if (priority === undefined) throw invalidArgument('invalid target\n', target);
        words.action = FR_ACT_GOTO;
        words.table = priority;
      } else if (value === 'nop') {
        words.action = FR_ACT_NOP;
      } else {
        const action = Object.entries(ACTIONS).find(([, name]) => name === value);
        if (action === undefined) throw invalidArgument('Failed to parse rule type', value);
        words.action = Number(action[0]);
      }
    }
  }
  return words;
}

function ruleModify(args: Args, context: IpContext, verb: 'add' | 'delete'): void {
  if (verb === 'delete' && args.done)
    throw new CommandExit(1, '"ip rule del" requires arguments.\n');
  const { unsupported, ...words } = parseWords(args, context);
  if (unsupported === true)
    throw new CommandExit(2, 'RTNETLINK answers: Operation not supported\n');
  if (words.family === AF_UNSPEC) words.family = AF_INET;
  if (verb === 'delete') {
    context.ask('RTM_DELRULE', words);
    return;
  }
  if (words.l3mdev === true && words.table !== undefined)
    throw new CommandExit(255, 'table can not be specified for l3mdev rules\n');
  if (words.action === undefined) {
    words.action = FR_ACT_TO_TBL;
    if (words.l3mdev !== true) words.table ??= 254;
  }
  context.ask('RTM_NEWRULE', words);
}

function ruleMatches(wanted: RuleWords, rule: RuleMsg): boolean {
  const { src, dst } = wanted;
  if (wanted.family !== AF_UNSPEC && wanted.family !== rule.family) return false;
  if (wanted.priority !== undefined && wanted.priority !== rule.priority) return false;
  if (wanted.table !== undefined && wanted.table !== rule.table) return false;
  if (
    src !== undefined &&
    (rule.src === undefined || !samePrefix(src, rule.src, wanted.srcLen ?? 0))
  )
    return false;
  if (
    dst !== undefined &&
    (rule.dst === undefined || !samePrefix(dst, rule.dst, wanted.dstLen ?? 0))
  )
    return false;
  if (wanted.tos !== undefined && wanted.tos !== rule.tos) return false;
  if (wanted.fwmark !== undefined && wanted.fwmark !== (rule.fwmark ?? 0)) return false;
  if (wanted.iifname !== undefined && wanted.iifname !== rule.iifname) return false;
  if (wanted.oifname !== undefined && wanted.oifname !== rule.oifname) return false;
  for (const key of ['sport', 'dport', 'uidrange'] as const)
    if (wanted[key] !== undefined && String(wanted[key]) !== String(rule[key])) return false;
  if (wanted.ipproto !== undefined && wanted.ipproto !== rule.ipproto) return false;
  if (wanted.l3mdev === true && rule.l3mdev !== true) return false;
  return wanted.protocol === undefined || wanted.protocol === rule.protocol;
}

function selected(args: Args, context: IpContext): RuleMsg[] {
  const words = parseWords(args, context);
  if (words.family === AF_UNSPEC) words.family = AF_INET;
  return context
    .dump('RTM_GETRULE', { family: words.family })
    .filter((rule) => ruleMatches(words, rule));
}

/** `ip rule …`. */
export function doRule(args: Args, context: IpContext): void {
  const verb = args.done ? 'list' : args.take();
  if (matches(verb, 'list') || matches(verb, 'lst') || matches(verb, 'show')) {
    const rules = selected(args, context);
    context.out.start();
    for (const rule of rules) printRule(context, rule);
    context.out.finish();
  } else if (matches(verb, 'add')) ruleModify(args, context, 'add');
  else if (matches(verb, 'delete')) ruleModify(args, context, 'delete');
  else if (matches(verb, 'flush')) {
    for (const rule of selected(args, context)) {
      if (rule.priority === 0) continue;
      try {
        context.sys.rtnl('RTM_DELRULE', rule);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
      }
    }
  } else if (matches(verb, 'help')) throw new CommandExit(255, RULE_HELP);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "ip rule help".\n`);
}
