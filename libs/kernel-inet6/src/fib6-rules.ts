/**
 * Policy routing for IPv6: which table a packet's route is looked up in. `ip -6 rule` → fib6NewRule, fib6DelRule.
 * Sources: net/core/fib_rules.c, net/ipv6/fib6_rules.c.
 */
import { KernelError } from '@netloom/base';
import type { Net } from '@netloom/kernel-core';
import { AF_INET6, type RuleMsg } from '@netloom/sys';
import { in6Bytes, in6Equal, in6FromBytes, in6PrefixEqual, type In6Addr } from '@netloom/wire';
import { ipv6Of, RT6_TABLE_LOCAL, RT6_TABLE_MAIN } from './ipv6-net.js';
import type { Flow6 } from './flow6.js';

export const FR_ACT_TO_TBL = 1;
export const FR_ACT_GOTO = 2;
export const FR_ACT_NOP = 3;
const LOOPBACK_IFINDEX = 1;
const ALL_BITS = 0xffffffff;

/** A policy rule. Actions as for IPv4. */
export interface Fib6Rule {
  readonly priority: number;
  readonly table: number;
  readonly action: number;
  readonly src: In6Addr | null;
  readonly srcLen: number;
  readonly dst: In6Addr | null;
  readonly dstLen: number;
  readonly tos: number;
  readonly fwmark: number;
  readonly fwmask: number;
  readonly iifname: string | undefined;
  readonly oifname: string | undefined;
  readonly invert: boolean;
  readonly protocol: number;
}

function plain(priority: number, table: number): Fib6Rule {
  return {
    priority,
    table,
    action: FR_ACT_TO_TBL,
    src: null,
    srcLen: 0,
    dst: null,
    dstLen: 0,
    tos: 0,
    fwmark: 0,
    fwmask: 0,
    iifname: undefined,
    oifname: undefined,
    invert: false,
    protocol: 2,
  };
}

/** The rules that a namespace starts with; shared until somebody changes them. */
const DEFAULT_RULES: readonly Fib6Rule[] = [
  plain(0, RT6_TABLE_LOCAL),
  plain(32766, RT6_TABLE_MAIN),
];

export function fib6Rules(net: Net): readonly Fib6Rule[] {
  return ipv6Of(net).rules ?? DEFAULT_RULES;
}

/** @kernel fib6_rule_match() */
export function fib6RuleMatches(net: Net, rule: Fib6Rule, fl: Flow6): boolean {
  return fits(net, rule, fl) !== rule.invert;
}

function fits(net: Net, rule: Fib6Rule, fl: Flow6): boolean {
  if (
    rule.iifname !== undefined &&
    net.devByName(rule.iifname)?.ifindex !== (fl.iif !== 0 ? fl.iif : LOOPBACK_IFINDEX)
  )
    return false;
  if (rule.oifname !== undefined && net.devByName(rule.oifname)?.ifindex !== fl.oif) return false;
  if (((fl.mark ^ rule.fwmark) & rule.fwmask) !== 0) return false;
  if (rule.src !== null && !in6PrefixEqual(fl.saddr, rule.src, rule.srcLen)) return false;
  if (rule.dst !== null && !in6PrefixEqual(fl.daddr, rule.dst, rule.dstLen)) return false;
  return rule.tos === 0 || rule.tos === ((fl.flowLabel >>> 20) & 0xff);
}

function ruleOf(request: Partial<RuleMsg>, priority: number): Fib6Rule {
  const address = (value: RuleMsg['src']): In6Addr | null =>
    value === undefined || typeof value === 'number' ? null : in6FromBytes(value);
  const marked = request.fwmark !== undefined || request.fwmask !== undefined;
  return {
    priority,
    table: request.table ?? 0,
    action: request.action ?? FR_ACT_TO_TBL,
    src: (request.srcLen ?? 0) > 0 ? address(request.src) : null,
    srcLen: request.srcLen ?? 0,
    dst: (request.dstLen ?? 0) > 0 ? address(request.dst) : null,
    dstLen: request.dstLen ?? 0,
    tos: request.tos ?? 0,
    fwmark: request.fwmark ?? 0,
    fwmask: marked ? (request.fwmask ?? ALL_BITS) : 0,
    iifname: request.iifname,
    oifname: request.oifname,
    invert: request.invert === true,
    protocol: request.protocol ?? 0,
  };
}

/** @errno EINVAL, EEXIST. @kernel fib_nl_newrule() */
export function fib6NewRule(net: Net, request: Partial<RuleMsg>): Fib6Rule {
  const ipv6 = ipv6Of(net);
  const rules = (ipv6.rules ??= [...DEFAULT_RULES]);
  const priority = request.priority ?? Math.max(0, (rules[1]?.priority ?? 0) - 1);
  const rule = ruleOf(request, priority);
  if (rule.action === FR_ACT_GOTO && rule.table <= priority)
    throw new KernelError('EINVAL', 'Backward goto not supported');
  if (
    request.priority !== undefined &&
    rules.some((other) => other.priority === priority && same(other, rule))
  )
    throw new KernelError('EEXIST');
  const at = rules.findIndex((other) => other.priority > priority);
  rules.splice(at < 0 ? rules.length : at, 0, rule);
  ipv6.genid++;
  return rule;
}

/** Deletes the first rule that fits what is given. @errno ENOENT. @kernel fib_nl_delrule() */
export function fib6DelRule(net: Net, request: Partial<RuleMsg>): Fib6Rule {
  const ipv6 = ipv6Of(net);
  const rules = (ipv6.rules ??= [...DEFAULT_RULES]);
  const wanted = ruleOf(request, request.priority ?? 0);
  const at = rules.findIndex(
    (rule) =>
      ((request.action ?? 0) === 0 || rule.action === wanted.action) &&
      (wanted.table === 0 || rule.table === wanted.table) &&
      (request.priority === undefined || rule.priority === wanted.priority) &&
      (wanted.iifname === undefined || rule.iifname === wanted.iifname) &&
      (wanted.oifname === undefined || rule.oifname === wanted.oifname) &&
      (request.fwmark === undefined || rule.fwmark === wanted.fwmark) &&
      (request.fwmask === undefined || rule.fwmask === wanted.fwmask) &&
      (wanted.tos === 0 || rule.tos === wanted.tos) &&
      (wanted.src === null || (rule.srcLen === wanted.srcLen && equal(rule.src, wanted.src))) &&
      (wanted.dst === null || (rule.dstLen === wanted.dstLen && equal(rule.dst, wanted.dst))),
  );
  const [gone] = at < 0 ? [] : rules.splice(at, 1);
  if (gone === undefined) throw new KernelError('ENOENT');
  ipv6.genid++;
  return gone;
}

function equal(a: In6Addr | null, b: In6Addr | null): boolean {
  return a === b || (a !== null && b !== null && in6Equal(a, b));
}

function same(a: Fib6Rule, b: Fib6Rule): boolean {
  return (
    a.action === b.action &&
    a.table === b.table &&
    a.srcLen === b.srcLen &&
    equal(a.src, b.src) &&
    a.dstLen === b.dstLen &&
    equal(a.dst, b.dst) &&
    a.tos === b.tos &&
    a.fwmark === b.fwmark &&
    a.fwmask === b.fwmask &&
    a.iifname === b.iifname &&
    a.oifname === b.oifname &&
    a.invert === b.invert
  );
}

/** A rule as rtnetlink shows it. */
export function fib6RuleMsg(rule: Fib6Rule): RuleMsg {
  return {
    family: AF_INET6,
    priority: rule.priority,
    srcLen: rule.srcLen,
    dstLen: rule.dstLen,
    tos: rule.tos,
    table: rule.table,
    action: rule.action,
    protocol: rule.protocol,
    ...(rule.src !== null ? { src: in6Bytes(rule.src) } : {}),
    ...(rule.dst !== null ? { dst: in6Bytes(rule.dst) } : {}),
    ...(rule.fwmask !== 0 ? { fwmark: rule.fwmark } : {}),
    ...(rule.fwmask !== 0 && rule.fwmask !== ALL_BITS ? { fwmask: rule.fwmask } : {}),
    ...(rule.iifname !== undefined ? { iifname: rule.iifname } : {}),
    ...(rule.oifname !== undefined ? { oifname: rule.oifname } : {}),
    ...(rule.invert ? { invert: true } : {}),
  };
}
