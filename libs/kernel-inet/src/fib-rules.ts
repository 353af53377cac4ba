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
    const route = ipv4.tables.get(rule.table)?.lookup(flow.daddr, flow.tos, flow.oif) ?? null;
    if (route !== null && route.info.type !== RTN_THROW) return route;
  }
  return null;
}

/** @kernel fib_rule_match(), fib4_rule_match() */
function ruleMatches(net: Net, rule: FibRule, flow: RuleFlow): boolean {
  return ruleFits(net, rule, flow) !== (rule.invert === true);
}

function ruleFits(net: Net, rule: FibRule, flow: RuleFlow): boolean {
  if (
    rule.iifname !== undefined &&
    net.devByName(rule.iifname)?.ifindex !== (flow.iif !== 0 ? flow.iif : LOOPBACK_IFINDEX)
  )
    return false;
  if (rule.oifname !== undefined && net.devByName(rule.oifname)?.ifindex !== flow.oif) return false;
  if (((flow.mark ^ (rule.fwmark ?? 0)) & (rule.fwmask ?? 0)) !== 0) return false;
  if (((flow.saddr ^ (rule.src ?? 0)) & ipv4Mask(rule.srcLen ?? 0)) !== 0) return false;
  if (((flow.daddr ^ (rule.dst ?? 0)) & ipv4Mask(rule.dstLen ?? 0)) !== 0) return false;
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
  if ((tos & ~0x1e) !== 0) throw new KernelError('EINVAL', 'Invalid tos');
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
    ].join();
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
  if ((request.tos ?? 0) !== 0 && rule.tos !== request.tos) return false;
  if ((request.srcLen ?? 0) !== 0 && (rule.srcLen !== request.srcLen || rule.src !== request.src))
    return false;
  return (
    (request.dstLen ?? 0) === 0 || (rule.dstLen === request.dstLen && rule.dst === request.dst)
  );
}

/** A rule as rtnetlink shows it. */
export function fibRuleMsg(rule: FibRule): RuleMsg {
  return {
    ...rule,
    family: 2,
    srcLen: rule.srcLen ?? 0,
    dstLen: rule.dstLen ?? 0,
    tos: rule.tos ?? 0,
  };
}

/** Whether the local table is looked up apart from the main one, as far as `ip route get` shows. */
export function fibTablesSplit(net: Net): boolean {
  const ipv4 = ipv4Of(net);
  return ipv4.customRules && ipv4.tables.has(RT_TABLE_LOCAL);
}
