/**
 * Policy routing: which table a packet's route is looked up in, by its addresses, mark, TOS and devices.
 * fibLookup → fibRulesLookup, once somebody has added or deleted a rule; `ip rule` → fibNewRule, fibDelRule.
 * Sources: net/core/fib_rules.c, net/ipv4/fib_rules.c.
 */
import { ipv4Mask, KernelError } from '@netloom/base';
import type { Net } from '@netloom/kernel-core';
import type { RuleMsg } from '@netloom/sys';
import {
  RTN_BLACKHOLE,
  RTN_PROHIBIT,
  RTN_THROW,
  RT_SCOPE_UNIVERSE,
  type FibRoute,
} from './fib-table.js';
import { ipv4Of, RT_TABLE_LOCAL, type FibRule } from './ipv4-net.js';

const FR_ACT_TO_TBL = 1;
const FR_ACT_GOTO = 2;
const FR_ACT_NOP = 3;
const FR_ACT_BLACKHOLE = 6;
const FR_ACT_PROHIBIT = 8;
const LOOPBACK_IFINDEX = 1;
const ALL_BITS = 0xffffffff;

/** What rules look at. Zero is "none" or "not known". */
export interface RuleFlow {
  readonly daddr: number;
  readonly saddr: number;
  readonly tos: number;
  readonly mark: number;
  readonly iif: number;
  readonly oif: number;
  readonly scope?: number;
  readonly protocol?: number;
  readonly sport?: number;
  readonly dport?: number;
  readonly uid?: number;
}

/** What a rule of action blackhole or prohibit answers: a route that goes nowhere. After `unreachable` there is none. */
const REFUSALS: Readonly<Record<number, FibRoute>> = Object.fromEntries(
  (
    [
      [FR_ACT_BLACKHOLE, RTN_BLACKHOLE],
      [FR_ACT_PROHIBIT, RTN_PROHIBIT],
    ] as const
  ).map(([action, type]) => [
    action,
    {
      dst: 0,
      dstLen: 0,
      info: {
        type,
        tos: 0,
        table: 0,
        protocol: 0,
        scope: RT_SCOPE_UNIVERSE,
        priority: 0,
        prefsrc: 0,
        nexthops: [],
        nhid: 0,
        metrics: undefined,
      },
    },
  ]),
);

/** The first rule that fits and whose table has a route decides. @kernel fib_rules_lookup() */
export function fibRulesLookup(net: Net, flow: RuleFlow): FibRoute | null {
  const ipv4 = ipv4Of(net);
  const { rules } = ipv4;
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i] as FibRule;
    if (!ruleMatches(net, rule, flow)) continue;
    if (rule.action === FR_ACT_GOTO) {
      const target = rules.findIndex((other) => other.priority === rule.table);
      if (target > i) i = target - 1;
      continue;
    }
    if (rule.action === FR_ACT_NOP) continue;
    if (rule.action !== FR_ACT_TO_TBL) return REFUSALS[rule.action] ?? null;
    const table = rule.l3mdev === true ? l3mdevTable(net, flow) : rule.table;
    const oif = isVrf(net, flow.oif) ? 0 : flow.oif;
    const route = ipv4.tables.get(table)?.lookup(flow.daddr, flow.tos, oif, flow.scope) ?? null;
    if (route !== null && route.info.type !== RTN_THROW && !suppressed(rule, route)) return route;
  }
  return null;
}

/** The table of the VRF that a flow leaves by or came in by; 0 where there is none. @kernel l3mdev_fib_rule_match() */
function l3mdevTable(net: Net, flow: RuleFlow): number {
  for (const ifindex of [flow.oif, flow.iif]) {
    const table = ifindex === 0 ? 0 : (net.devByIndex(ifindex)?.l3mdev?.l3mdevTable ?? 0);
    if (table !== 0) return table;
  }
  return 0;
}

/** A VRF stands for all of its slaves: next hops over any of them will do. */
function isVrf(net: Net, ifindex: number): boolean {
  return ifindex !== 0 && (net.devByIndex(ifindex)?.l3mdevTable ?? 0) !== 0;
}

/** A route that a rule does not count. @kernel fib4_rule_suppress() */
function suppressed(rule: FibRule, route: FibRoute): boolean {
  if (rule.suppressPrefixlen !== undefined && route.dstLen <= rule.suppressPrefixlen) return true;
  return (
    rule.suppressIfgroup !== undefined && route.info.nexthops[0]?.dev.group === rule.suppressIfgroup
  );
}

function within(range: readonly [number, number] | undefined, value: number): boolean {
  return range === undefined || (value >= range[0] && value <= range[1]);
}

/** @kernel fib_rule_match(), fib4_rule_match() */
function ruleMatches(net: Net, rule: FibRule, flow: RuleFlow): boolean {
  return ruleFits(net, rule, flow) !== (rule.invert === true);
}

function ruleFits(net: Net, rule: FibRule, flow: RuleFlow): boolean {
  if (rule.l3mdev === true && l3mdevTable(net, flow) === 0) return false;
  if (
    rule.iifname !== undefined &&
    net.devByName(rule.iifname)?.ifindex !== (flow.iif !== 0 ? flow.iif : LOOPBACK_IFINDEX)
  )
    return false;
  if (rule.oifname !== undefined && net.devByName(rule.oifname)?.ifindex !== flow.oif) return false;
  if (((flow.mark ^ (rule.fwmark ?? 0)) & (rule.fwmask ?? 0)) !== 0) return false;
  if (((flow.saddr ^ (rule.src ?? 0)) & ipv4Mask(rule.srcLen ?? 0)) !== 0) return false;
  if (((flow.daddr ^ (rule.dst ?? 0)) & ipv4Mask(rule.dstLen ?? 0)) !== 0) return false;
  if (rule.tunId !== undefined) return false; // no packet here has a tunnel's key
  if (rule.ipproto !== undefined && rule.ipproto !== flow.protocol) return false;
  if (!within(rule.sport, flow.sport ?? 0) || !within(rule.dport, flow.dport ?? 0)) return false;
  if (!within(rule.uidrange, flow.uid ?? 0)) return false;
  return (rule.tos ?? 0) === 0 || rule.tos === flow.tos;
}

/** Just before the second rule. @kernel fib_default_rule_pref() */
function nextPriority(rules: readonly FibRule[]): number {
  return Math.max(0, (rules[1]?.priority ?? 0) - 1);
}

/** @errno EINVAL, EEXIST. @kernel fib_nl_newrule() */
export function fibNewRule(net: Net, request: Partial<RuleMsg>): FibRule {
  const ipv4 = ipv4Of(net);
  const { rules } = ipv4;
  const action = request.action ?? FR_ACT_TO_TBL;
  const table = request.table ?? 0;
  const tos = request.tos ?? 0;
  if ((tos & 3) !== 0) throw new KernelError('EINVAL', 'Invalid dsfield (tos): ECN bits must be 0');
  for (const [range, what] of [
    [request.sport, 'sport'],
    [request.dport, 'dport'],
    [request.uidrange, 'uid'],
  ] as const) {
    if (range !== undefined && (range[0] > range[1] || (what !== 'uid' && range[0] === 0)))
      throw new KernelError('EINVAL', `Invalid ${what} range`);
  }
  const priority = request.priority ?? nextPriority(rules);
  if (action === FR_ACT_GOTO && table <= priority)
    throw new KernelError('EINVAL', 'Backward goto not supported');
  const rule: FibRule = {
    priority,
    action,
    table,
    tos,
    srcLen: request.srcLen ?? 0,
    dstLen: request.dstLen ?? 0,
    protocol: request.protocol ?? 0,
    ...(request.src !== undefined ? { src: Number(request.src) } : {}),
    ...(request.dst !== undefined ? { dst: Number(request.dst) } : {}),
    ...(request.fwmark !== undefined
      ? { fwmark: request.fwmark, fwmask: request.fwmask ?? ALL_BITS }
      : request.fwmask !== undefined
        ? { fwmask: request.fwmask }
        : {}),
    ...(request.iifname !== undefined ? { iifname: request.iifname } : {}),
    ...(request.oifname !== undefined ? { oifname: request.oifname } : {}),
    ...(request.invert === true ? { invert: true } : {}),
    ...(request.l3mdev === true ? { l3mdev: true } : {}),
    ...selectors(request),
  };
  if (
    request.priority !== undefined &&
    rules.some((other) => other.priority === priority && sameRule(other, rule))
  )
    throw new KernelError('EEXIST');
  const at = rules.findIndex((other) => other.priority > priority);
  rules.splice(at < 0 ? rules.length : at, 0, rule);
  changed(net);
  return rule;
}

/** The selectors that few rules have. */
function selectors(request: Partial<RuleMsg>): Partial<FibRule> {
  const { ipproto, sport, dport, uidrange, suppressPrefixlen, suppressIfgroup, tunId } = request;
  return {
    ...(ipproto !== undefined ? { ipproto } : {}),
    ...(sport !== undefined ? { sport } : {}),
    ...(dport !== undefined ? { dport } : {}),
    ...(uidrange !== undefined ? { uidrange } : {}),
    ...(suppressPrefixlen !== undefined ? { suppressPrefixlen } : {}),
    ...(suppressIfgroup !== undefined ? { suppressIfgroup } : {}),
    ...(tunId !== undefined ? { tunId } : {}),
  };
}

/** Deletes the first rule that fits what is given. @errno ENOENT. @kernel fib_nl_delrule() */
export function fibDelRule(net: Net, request: Partial<RuleMsg>): FibRule {
  const { rules } = ipv4Of(net);
  const at = rules.findIndex((rule) => ruleSelected(rule, request));
  const [gone] = at < 0 ? [] : rules.splice(at, 1);
  if (gone === undefined) throw new KernelError('ENOENT');
  changed(net);
  return gone;
}

function changed(net: Net): void {
  const ipv4 = ipv4Of(net);
  ipv4.customRules = true;
  ipv4.inputCache = null;
  ipv4.genid++;
}

function sameRule(a: FibRule, b: FibRule): boolean {
  const parts = (rule: FibRule): string =>
    [
      rule.action,
      rule.table,
      rule.src,
      rule.srcLen ?? 0,
      rule.dst,
      rule.dstLen ?? 0,
      rule.tos ?? 0,
      rule.fwmark,
      rule.fwmask,
      rule.iifname,
      rule.oifname,
      rule.invert,
      rule.ipproto,
      rule.sport,
      rule.dport,
      rule.uidrange,
      rule.suppressPrefixlen,
      rule.suppressIfgroup,
      rule.l3mdev,
      rule.tunId,
    ].join('|');
  return parts(a) === parts(b);
}

/** @kernel rule_find() */
function ruleSelected(rule: FibRule, request: Partial<RuleMsg>): boolean {
  if (request.action !== undefined && request.action !== 0 && rule.action !== request.action)
    return false;
  if ((request.table ?? 0) !== 0 && rule.table !== request.table) return false;
  if (
    request.priority !== undefined &&
    request.priority !== 0 &&
    rule.priority !== request.priority
  )
    return false;
  if (request.priority === 0 && rule.priority !== 0) return false;
  if (request.iifname !== undefined && rule.iifname !== request.iifname) return false;
  if (request.oifname !== undefined && rule.oifname !== request.oifname) return false;
  if (request.fwmark !== undefined && (rule.fwmark ?? 0) !== request.fwmark) return false;
  if (request.fwmask !== undefined && rule.fwmask !== request.fwmask) return false;
  for (const key of ['sport', 'dport', 'uidrange'] as const) {
    const range = request[key];
    if (range !== undefined && String(rule[key]) !== String(range)) return false;
  }
  for (const key of ['ipproto', 'suppressPrefixlen', 'suppressIfgroup', 'l3mdev', 'tunId'] as const)
    if (request[key] !== undefined && rule[key] !== request[key]) return false;
  if ((request.tos ?? 0) !== 0 && rule.tos !== request.tos) return false;
  if ((request.srcLen ?? 0) !== 0 && (rule.srcLen !== request.srcLen || rule.src !== request.src))
    return false;
  return (
    (request.dstLen ?? 0) === 0 || (rule.dstLen === request.dstLen && rule.dst === request.dst)
  );
}

const FIB_RULE_UNRESOLVED = 4;
const FIB_RULE_IIF_DETACHED = 8;
const FIB_RULE_OIF_DETACHED = 16;

/** A rule as rtnetlink shows it. */
export function fibRuleMsg(net: Net, rule: FibRule): RuleMsg {
  const detached = (name: string | undefined): boolean =>
    name !== undefined && net.devByName(name) === undefined;
  const unresolved =
    rule.action === FR_ACT_GOTO &&
    !ipv4Of(net).rules.some((other) => other.priority === rule.table);
  const flags =
    (unresolved ? FIB_RULE_UNRESOLVED : 0) |
    (detached(rule.iifname) ? FIB_RULE_IIF_DETACHED : 0) |
    (detached(rule.oifname) ? FIB_RULE_OIF_DETACHED : 0);
  return {
    ...rule,
    family: 2,
    srcLen: rule.srcLen ?? 0,
    dstLen: rule.dstLen ?? 0,
    tos: rule.tos ?? 0,
    ...(flags !== 0 ? { flags } : {}),
  };
}

/** Whether the local table is looked up apart from the main one, as far as `ip route get` shows. */
export function fibTablesSplit(net: Net): boolean {
  const ipv4 = ipv4Of(net);
  return ipv4.customRules && ipv4.tables.has(RT_TABLE_LOCAL);
}
