/**
 * Group membership of devices, and multicast listener discovery: reports when groups are joined and left, answers to
 * queries. Version 2, and version 1 while a querier speaks it. Sources: net/ipv6/mcast.c, RFC 3810, RFC 2710.
 *
 * Differs: membership is of any source; lists of sources are not kept.
 */
import { Timer } from '@netloom/engine';
import { LL_MAX_HEADER, skbPut, type NetDevice, type SkBuff } from '@netloom/kernel-core';
import {
  ICMPV6_MGM_REDUCTION,
  ICMPV6_MGM_REPORT,
  ICMPV6_MLD2_REPORT,
  IN6ADDR_ALLNODES,
  IN6ADDR_ALLROUTERS,
  IN6ADDR_ANY,
  IN6ADDR_MLD2_ROUTERS,
  In6Addr,
  in6Equal,
  in6IsAny,
  in6IsLinkLocal,
  in6Read,
  in6Write,
  IP6_HLEN,
  ip6hHopLimit,
  ip6hSaddr,
  NEXTHDR_HOP,
  NEXTHDR_ICMP,
} from '@netloom/wire';
import { ipv6GetLladdr } from './addr-select.js';
import { IP6SKB_NOMCLOOP, IP6SKB_ROUTERALERT } from './exthdrs.js';
import { icmpv6Checksum, icmpv6CountOut } from './icmpv6-send.js';
import { Conf6, IFA_F_TENTATIVE } from './inet6-conf.js';
import { Inet6Dev } from './inet6-dev.js';
import { ip6LocalOut, ip6PushHeader } from './ip6-output.js';
import { ipv6Of, Ipv6Sysctl } from './ipv6-net.js';
import { onlinkRoute } from './ndisc-solicit.js';

const MLD2_MODE_IS_EXCLUDE = 2;
const MLD2_CHANGE_TO_INCLUDE = 3;
const MLD2_CHANGE_TO_EXCLUDE = 4;
/** Bytes of a record without sources. */
const RECORD_LEN = 20;
/** ff01::1 */
const INTERFACE_ALLNODES = new In6Addr(0xff010000 | 0, 0, 0, 1);
const JIFFY = 4e6;
const MILLISECOND = 1e6;

interface Mc6Group {
  readonly addr: In6Addr;
  users: number;
  /** Reports of its joining that are still to be sent. */
  changes: number;
  timer: Timer | null;
  /** This host sent the last (version 1) report of it, and so tells when it leaves. */
  lastReporter: boolean;
}

/** The groups of one device. */
export class Mc6Device {
  readonly groups: Mc6Group[] = [];
  /** Left groups whose leaving is still to be reported. */
  left: { readonly addr: In6Addr; changes: number }[] | null = null;
  changeTimer: Timer | null = null;
  changeCount = 0;
  dadTimer: Timer | null = null;
  dadCount = 0;
  queryTimer: Timer | null = null;
  /** Until when (ns) a version 1 querier is believed to be there. */
  v1Until = 0;

  constructor(readonly idev: Inet6Dev) {}

  cancel(): void {
    this.changeTimer?.cancel();
    this.dadTimer?.cancel();
    this.queryTimer?.cancel();
    this.changeCount = this.dadCount = 0;
    this.left = null;
    for (const group of this.groups) group.timer?.cancel();
  }
}

/** Groups that are never reported: all nodes, and those that do not leave the host. */
function reported(addr: In6Addr): boolean {
  return ((addr.w0 >>> 16) & 15) > 1 && !in6Equal(addr, IN6ADDR_ALLNODES);
}

function mcOf(idev: Inet6Dev): Mc6Device {
  return (idev.mc ??= new Mc6Device(idev));
}

/** Whether this host listens to a group on a device. @kernel ipv6_chk_mcast_addr() */
export function ipv6ChkMcast(dev: NetDevice, addr: In6Addr): boolean {
  const groups = Inet6Dev.of(dev)?.mc?.groups;
  if (groups === undefined) return false;
  for (let i = 0; i < groups.length; i++)
    if (in6Equal((groups[i] as Mc6Group).addr, addr)) return true;
  return false;
}

/** The groups of a device with how many use them, newest first. */
export function ipv6Groups(
  dev: NetDevice,
): readonly { readonly addr: In6Addr; readonly users: number }[] {
  return [...(Inet6Dev.of(dev)?.mc?.groups ?? [])].reverse();
}

function listen(dev: NetDevice, addr: In6Addr, by: 1 | -1): void {
  const low = addr.w3 >>> 0;
  const map = (dev.groups6 ??= new Map<number, number>());
  const users = (map.get(low) ?? 0) + by;
  if (users > 0) map.set(low, users);
  else map.delete(low);
}

/** Joins a group on a device. @kernel ipv6_dev_mc_inc() */
export function ipv6DevMcInc(dev: NetDevice, addr: In6Addr): void {
  const idev = Inet6Dev.of(dev);
  if (idev === null) return;
  const mc = mcOf(idev);
  const known = mc.groups.find((group) => in6Equal(group.addr, addr));
  if (known !== undefined) {
    known.users++;
    return;
  }
  const group: Mc6Group = { addr, users: 1, changes: 0, timer: null, lastReporter: false };
  mc.groups.push(group);
  if (dev.up) groupAdded(mc, group);
}

/** Leaves a group. @kernel ipv6_dev_mc_dec() */
export function ipv6DevMcDec(dev: NetDevice, addr: In6Addr): void {
  const mc = Inet6Dev.of(dev)?.mc;
  const group = mc?.groups.find((other) => in6Equal(other.addr, addr));
  if (mc === null || mc === undefined || group === undefined || --group.users > 0) return;
  mc.groups.splice(mc.groups.indexOf(group), 1);
  groupDropped(mc, group);
}

/** @kernel igmp6_group_added() */
function groupAdded(mc: Mc6Device, group: Mc6Group): void {
  const { dev } = mc.idev;
  listen(dev, group.addr, 1);
  if (!reported(group.addr)) return;
  if (inV1Mode(mc)) {
    sendV1(mc.idev, group.addr, ICMPV6_MGM_REPORT);
    group.lastReporter = true;
    startGroup(mc, group, dev.kernel.random('mld').below(unsolicitedInterval(mc)));
    return;
  }
  group.changes = robustness(mc);
  ifcEvent(mc);
}

/** @kernel igmp6_group_dropped() */
function groupDropped(mc: Mc6Device, group: Mc6Group): void {
  const { dev } = mc.idev;
  listen(dev, group.addr, -1);
  group.timer?.cancel();
  if (!reported(group.addr) || !dev.up || mc.idev.dead) return;
  if (inV1Mode(mc)) {
    if (group.lastReporter) sendV1(mc.idev, group.addr, ICMPV6_MGM_REDUCTION);
    return;
  }
  (mc.left ??= []).push({ addr: group.addr, changes: robustness(mc) });
  ifcEvent(mc);
}

function robustness(mc: Mc6Device): number {
  return ipv6Of(mc.idev.dev.net).sysctl(Ipv6Sysctl.mld_qrv);
}

function inV1Mode(mc: Mc6Device): boolean {
  const forced =
    ipv6Of(mc.idev.dev.net).confAll[Conf6.force_mld_version] ||
    mc.idev.conf[Conf6.force_mld_version];
  if (forced === 1) return true;
  return forced !== 2 && mc.v1Until > mc.idev.dev.kernel.engine.now;
}

/** ns */
function unsolicitedInterval(mc: Mc6Device): number {
  const index = inV1Mode(mc)
    ? Conf6.mldv1_unsolicited_report_interval
    : Conf6.mldv2_unsolicited_report_interval;
  return Math.max(1, mc.idev.conf[index] as number) * MILLISECOND;
}

/** Reports changes soon, and again as often as robustness wants. @kernel mld_ifc_event() */
function ifcEvent(mc: Mc6Device): void {
  mc.changeCount = robustness(mc);
  startChange(mc, 0);
}

function startChange(mc: Mc6Device, within: number): void {
  const { engine } = mc.idev.dev.kernel;
  mc.changeTimer ??= new Timer(engine, () => {
    changeWork(mc);
  });
  const wait = within > 0 ? mc.idev.dev.kernel.random('mld').below(within) : 0;
  mc.changeTimer.set(engine.now + wait + JIFFY);
}

/** @kernel mld_ifc_work() */
function changeWork(mc: Mc6Device): void {
  sendChanges(mc);
  if (mc.changeCount > 0 && --mc.changeCount > 0) startChange(mc, unsolicitedInterval(mc));
}

/** @kernel mld_send_cr() */
function sendChanges(mc: Mc6Device): void {
  if (mc.idev.dead || !mc.idev.dev.up) return;
  const records: [number, In6Addr][] = [];
  for (const gone of mc.left ?? []) {
    records.push([MLD2_CHANGE_TO_INCLUDE, gone.addr]);
    gone.changes--;
  }
  if (mc.left !== null) {
    mc.left = mc.left.filter((gone) => gone.changes > 0);
    if (mc.left.length === 0) mc.left = null;
  }
  for (let i = mc.groups.length - 1; i >= 0; i--) {
    const group = mc.groups[i] as Mc6Group;
    if (group.changes === 0) continue;
    group.changes--;
    records.push([MLD2_CHANGE_TO_EXCLUDE, group.addr]);
  }
  sendRecords(mc, records);
}

/** The link-local address has become usable: what was reported from :: is reported again. @kernel ipv6_mc_dad_complete() */
export function ipv6McDadComplete(idev: Inet6Dev): void {
  const mc = mcOf(idev);
  mc.dadCount = robustness(mc);
  dadWork(mc);
}

/** @kernel mld_dad_work(), mld_send_initial_cr() */
function dadWork(mc: Mc6Device): void {
  const { kernel } = mc.idev.dev;
  if (!inV1Mode(mc)) {
    const records: [number, In6Addr][] = [];
    for (let i = mc.groups.length - 1; i >= 0; i--) {
      const { addr } = mc.groups[i] as Mc6Group;
      if (reported(addr)) records.push([MLD2_CHANGE_TO_EXCLUDE, addr]);
    }
    sendRecords(mc, records);
  }
  if (mc.dadCount === 0 || --mc.dadCount === 0) return;
  mc.dadTimer ??= new Timer(kernel.engine, () => {
    dadWork(mc);
  });
  mc.dadTimer.set(kernel.engine.now + kernel.random('mld').below(unsolicitedInterval(mc)) + JIFFY);
}

/** The device came up: every group is joined anew. @kernel ipv6_mc_up() */
export function ipv6McUp(idev: Inet6Dev): void {
  const mc = mcOf(idev);
  idev.dev.groups6?.clear();
  for (const group of mc.groups) groupAdded(mc, group);
}

/** @kernel ipv6_mc_down() */
export function ipv6McDown(idev: Inet6Dev): void {
  idev.mc?.cancel();
  idev.dev.groups6?.clear();
}

/** Joins the groups that every host is in, and that of routers; false where they were joined before. @kernel ipv6_add_dev() */
export function ipv6McInit(idev: Inet6Dev, router: boolean): boolean {
  if (idev.mc !== null) return false;
  ipv6DevMcInc(idev.dev, INTERFACE_ALLNODES);
  ipv6DevMcInc(idev.dev, IN6ADDR_ALLNODES);
  if (router) ipv6DevMcInc(idev.dev, IN6ADDR_ALLROUTERS);
  return true;
}

const ROUTER_GROUPS = [1, 2, 5].map(
  (scope) => new In6Addr(0xff000000 | (scope << 16) | 0, 0, 0, 2),
);

/** Joins or leaves the groups of routers. @kernel dev_forward_change() */
export function ipv6McRouters(dev: NetDevice, join: boolean): void {
  for (const group of ROUTER_GROUPS) {
    if (join) ipv6DevMcInc(dev, group);
    else ipv6DevMcDec(dev, group);
  }
}

/** Sends reports of these records, as many as the link takes a packet. */
function sendRecords(mc: Mc6Device, records: readonly (readonly [number, In6Addr])[]): void {
  const fits = Math.max(1, Math.floor((mc.idev.mtu6 - IP6_HLEN - 8 - 8) / RECORD_LEN));
  for (let at = 0; at < records.length; at += fits)
    sendReport(mc.idev, records.slice(at, at + fits));
}

/** @kernel mld_newpack(), mld_sendpack() */
function sendReport(idev: Inet6Dev, records: readonly (readonly [number, In6Addr])[]): void {
  const { dev } = idev;
  const length = 8 + records.length * RECORD_LEN;
  const skb = dev.kernel.pool.alloc(length, LL_MAX_HEADER);
  if (skb === null) return;
  const m = skb.mem;
  const o = skbPut(skb, length);
  m.dv.setUint32(o, ICMPV6_MLD2_REPORT << 24);
  m.dv.setUint32(o + 4, records.length);
  records.forEach(([type, addr], i) => {
    m.dv.setUint32(o + 8 + i * RECORD_LEN, type << 24);
    in6Write(m, o + 12 + i * RECORD_LEN, addr);
  });
  sendMld(idev, skb, IN6ADDR_MLD2_ROUTERS);
}

/** A report or a leave of version 1. @kernel igmp6_send() */
function sendV1(idev: Inet6Dev, group: In6Addr, type: number): void {
  const { dev } = idev;
  const skb = dev.kernel.pool.alloc(24, LL_MAX_HEADER);
  if (skb === null) return;
  const m = skb.mem;
  const o = skbPut(skb, 24);
  m.dv.setUint32(o, type << 24);
  m.dv.setUint32(o + 4, 0);
  in6Write(m, o + 8, group);
  sendMld(idev, skb, type === ICMPV6_MGM_REDUCTION ? IN6ADDR_ALLROUTERS : group);
}

/** Puts the router alert in front and sends. Consumes the packet. */
function sendMld(idev: Inet6Dev, skb: SkBuff, daddr: In6Addr): void {
  const { dev } = idev;
  const m = skb.mem;
  const length = skb.len;
  const type = m.u8[skb.data] as number;
  const saddr = ipv6GetLladdr(dev, IFA_F_TENTATIVE) ?? IN6ADDR_ANY;
  const transport = skb.data;
  skb.data -= 8;
  skb.len += 8;
  m.dv.setUint32(skb.data, (NEXTHDR_ICMP << 24) | 0x0502); // next, length 0, router alert, 2 bytes
  m.dv.setUint32(skb.data + 4, 0x00000100); // of MLD; PadN of none
  skb.transportHeader = transport;
  skb.cbFlags2 |= IP6SKB_NOMCLOOP;
  skb.priority = 7;
  ip6PushHeader(skb, saddr, daddr, NEXTHDR_HOP, 1, 0);
  icmpv6Checksum(skb, length);
  icmpv6CountOut(dev.net, type);
  ip6LocalOut(dev.net, skb, onlinkRoute(idev));
}

/** Starts or shortens the wait before a group is reported. */
function startGroup(mc: Mc6Device, group: Mc6Group, wait: number): void {
  const { engine } = mc.idev.dev.kernel;
  group.timer ??= new Timer(engine, () => {
    reportGroup(mc, group);
  });
  group.timer.set(engine.now + wait);
}

function reportGroup(mc: Mc6Device, group: Mc6Group): void {
  if (mc.idev.dead || !mc.idev.dev.up) return;
  if (inV1Mode(mc)) sendV1(mc.idev, group.addr, ICMPV6_MGM_REPORT);
  else sendRecords(mc, [[MLD2_MODE_IS_EXCLUDE, group.addr]]);
  group.lastReporter = true;
}

/** Maximum response delay of a version 2 query in ms: a small floating-point number (RFC 3810 §5.1.3). */
function responseDelay(code: number): number {
  return code < 32768 ? code : ((code & 0x0fff) | 0x1000) << (((code >>> 12) & 7) + 3);
}

/** A query (data at its ICMPv6 header). The packet stays the caller's. @kernel igmp6_event_query() */
export function igmp6Query(skb: SkBuff, dev: NetDevice): void {
  const idev = Inet6Dev.of(dev);
  const m = skb.mem;
  const o = skb.data;
  if (
    idev === null ||
    skb.len < 24 ||
    !in6IsLinkLocal(ip6hSaddr(m, skb.networkHeader)) ||
    ip6hHopLimit(m, skb.networkHeader) !== 1 ||
    (skb.cbFlags2 & IP6SKB_ROUTERALERT) === 0
  )
    return;
  const mc = mcOf(idev);
  const group = in6Read(m, o + 8);
  const code = m.dv.getUint16(o + 4);
  const { kernel } = dev;
  const random = kernel.random('mld');
  let delay: number;
  if (skb.len === 24) {
    delay = code * MILLISECOND;
    mc.v1Until = kernel.engine.now + robustness(mc) * 125e9 + delay;
    mc.changeTimer?.cancel();
    mc.queryTimer?.cancel();
  } else if (skb.len >= 28) {
    delay = Math.max(1, responseDelay(code)) * MILLISECOND;
    if (in6IsAny(group) && !inV1Mode(mc)) {
      if (m.dv.getUint16(o + 26) !== 0) return;
      mc.queryTimer ??= new Timer(kernel.engine, () => {
        answerGeneral(mc);
      });
      mc.queryTimer.set(kernel.engine.now + random.below(delay) + 2 * JIFFY);
      return;
    }
  } else {
    return;
  }
  for (const own of mc.groups) {
    if (!reported(own.addr) || (!in6IsAny(group) && !in6Equal(own.addr, group))) continue;
    startGroup(mc, own, random.below(Math.max(1, delay)));
  }
}

/** @kernel mld_gq_work(), mld_send_report() */
function answerGeneral(mc: Mc6Device): void {
  if (mc.idev.dead || !mc.idev.dev.up) return;
  const records: [number, In6Addr][] = [];
  for (let i = mc.groups.length - 1; i >= 0; i--) {
    const { addr } = mc.groups[i] as Mc6Group;
    if (reported(addr)) records.push([MLD2_MODE_IS_EXCLUDE, addr]);
  }
  sendRecords(mc, records);
}

/** Somebody else's version 1 report: ours is not needed. @kernel igmp6_event_report() */
export function igmp6Report(skb: SkBuff, dev: NetDevice): void {
  const mc = Inet6Dev.of(dev)?.mc;
  if (mc === null || mc === undefined || skb.len < 24) return;
  const group = in6Read(skb.mem, skb.data + 8);
  const own = mc.groups.find((other) => in6Equal(other.addr, group));
  if (own === undefined) return;
  own.timer?.cancel();
  own.lastReporter = false;
}
