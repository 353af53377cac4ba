/**
 * IGMP on the host's side: which groups a device listens to and from which sources, and telling the routers.
 * sockets, vxlan → igmpJoin, igmpLeave, igmpAddSources → reports (igmp-send.ts); queries → igmpRcv → answers after a while.
 * Sources: net/ipv4/igmp.c, RFC 3376 (version 3), RFC 2236, RFC 1112.
 *
 * Differs: 224.0.0.1, which every device listens to and nobody reports, has no entry until somebody joins it by hand.
 * Times are nanoseconds.
 */
import { Timer } from '@netloom/engine';
import {
  devMulticast,
  DropReason,
  PACKET_BROADCAST,
  PACKET_MULTICAST,
  skbLinearize,
  type InetProtocol,
  type NetdevEvent,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { ARPHRD_ETHER, csumPartial } from '@netloom/wire';
import { igmpSendChanges, igmpSendReport, igmpSendState } from './igmp-send.js';
import { Conf, InDevice } from './in-device.js';
import { ipv4Of, Ipv4Sysctl } from './ipv4-net.js';
import type { Rtable } from './route.js';

export const IGMP_ALL_HOSTS = 0xe0000001;
export const IGMP_QUERY = 0x11;
export const IGMP_V1_REPORT = 0x12;
export const IGMP_V2_REPORT = 0x16;
export const IGMP_LEAVE = 0x17;
export const IGMP_V3_REPORT = 0x22;
export const MCAST_EXCLUDE = 0;
export const MCAST_INCLUDE = 1;

const JIFFY = 4e6;
const DECISECOND = 1e8;
const SECOND = 1e9;
const QUERY_RESPONSE_INTERVAL = 10 * SECOND;
const QUERY_INTERVAL = 125 * SECOND;

/** A source of a group: how many sockets want it, how many refuse it. @kernel struct ip_sf_list */
export interface IgmpSource {
  include: number;
  exclude: number;
  /** Reports of its change that are still to be sent. */
  changes: number;
  /** Whether it was let in before the change that is being made. */
  was: boolean;
  /** Asked for by a query. */
  asked: boolean;
}

/** A group that a device listens to. @kernel struct ip_mc_list */
export class IgmpGroup {
  users = 1;
  mode = MCAST_EXCLUDE;
  /** Sockets by mode. */
  excludes = 0;
  includes = 0;
  sources: Map<number, IgmpSource> | null = null;
  /** Sources that are no longer wanted, of which routers are still to be told. */
  gone: Map<number, IgmpSource> | null = null;
  /** Reports of a change of mode that are still to be sent. */
  changes = 0;
  /** We reported last: on leaving we say so (version 2). */
  reporter = false;
  unsolicited = 0;
  /** A query named sources. */
  sourceQuery = false;
  timer: Timer | null = null;

  constructor(readonly group: number) {}
}

/** A device's IGMP state, from its first group on. */
export class IgmpState {
  /** Oldest first. */
  readonly groups = new Map<number, IgmpGroup>();
  /** Left groups, of which routers are still to be told. */
  readonly left = new Map<number, IgmpGroup>();
  /** Until when a router of an older version is taken to be there. */
  v1Seen = 0;
  v2Seen = 0;
  robustness: number;
  queryInterval = QUERY_INTERVAL;
  responseInterval = QUERY_RESPONSE_INTERVAL;
  /** Change reports still to be sent. */
  changesLeft = 0;
  readonly changeTimer: Timer;
  readonly generalTimer: Timer;

  constructor(readonly dev: NetDevice) {
    const { engine } = dev.kernel;
    this.robustness = ipv4Of(dev.net).sysctl(Ipv4Sysctl.igmp_qrv);
    this.changeTimer = new Timer(engine, () => {
      changeTimerExpired(this);
    });
    this.generalTimer = new Timer(engine, () => {
      igmpSendState(this, null);
    });
  }

  get now(): number {
    return this.dev.kernel.engine.now;
  }

  random(below: number): number {
    return below < 1 ? 0 : this.dev.kernel.random('igmp').below(Math.floor(below));
  }

  /** net.ipv4.conf.{all,DEV}.KEY */
  conf(index: number): number {
    const own = InDevice.of(this.dev)?.conf[index] ?? 0;
    return own !== 0 ? own : (ipv4Of(this.dev.net).confAll[index] ?? 0);
  }

  /** 1, 2 or 3: the version spoken now. @kernel IGMP_V1_SEEN(), IGMP_V2_SEEN() */
  get version(): number {
    const forced = this.conf(Conf.force_igmp_version);
    if (forced !== 0) return forced;
    if (this.v1Seen > this.now) return 1;
    return this.v2Seen > this.now ? 2 : 3;
  }

  /** @kernel unsolicited_report_interval() */
  get unsolicitedInterval(): number {
    const own = InDevice.of(this.dev)?.conf;
    const index =
      this.version < 3
        ? Conf.igmpv2_unsolicited_report_interval
        : Conf.igmpv3_unsolicited_report_interval;
    return Math.max((own?.[index] ?? 0) * 1e6, JIFFY);
  }
}

/** The device's IGMP state, or null before its first group. */
export function igmpOf(dev: NetDevice): IgmpState | null {
  return InDevice.of(dev)?.igmp ?? null;
}

/** Whether routers are told of a group. */
function reported(state: IgmpState, group: number): boolean {
  if (group === IGMP_ALL_HOSTS) return false;
  return (
    group >>> 8 !== 0xe00000 ||
    ipv4Of(state.dev.net).sysctl(Ipv4Sysctl.igmp_link_local_mcast_reports) !== 0
  );
}

/** The group's address on Ethernet as the device's list has it. */
function groupMac(group: number): string {
  return `01005e${(group & 0x7fffff).toString(16).padStart(6, '0')}`;
}

function filter(dev: NetDevice, group: number, by: 1 | -1): void {
  if (dev.type === ARPHRD_ETHER && group !== IGMP_ALL_HOSTS) devMulticast(dev, groupMac(group), by);
}

/**
 * One more user of a group on a device.
 * @param mode MCAST_EXCLUDE lets all sources in, MCAST_INCLUDE only those added then @kernel ____ip_mc_inc_group()
 */
export function igmpJoin(dev: NetDevice, group: number, mode: number = MCAST_EXCLUDE): void {
  const inDev = InDevice.of(dev);
  if (inDev === null) return;
  const state = (inDev.igmp ??= new IgmpState(dev));
  const known = state.groups.get(group);
  if (known !== undefined) {
    known.users++;
    igmpAddSources(dev, group, mode, [], false);
    return;
  }
  const entry = new IgmpGroup(group);
  entry.mode = mode;
  if (mode === MCAST_EXCLUDE) entry.excludes = 1;
  else entry.includes = 1;
  entry.unsolicited = state.robustness;
  state.groups.set(group, entry);
  const tomb = state.left.get(group);
  if (tomb !== undefined) state.left.delete(group);
  if (dev.up) groupAdded(state, entry);
}

/** @kernel igmp_group_added() */
function groupAdded(state: IgmpState, entry: IgmpGroup): void {
  filter(state.dev, entry.group, 1);
  if (!reported(state, entry.group)) return;
  entry.unsolicited = state.robustness;
  if (state.version < 3) {
    startTimer(state, entry, JIFFY);
    return;
  }
  if (entry.mode === MCAST_EXCLUDE) entry.changes = state.robustness;
  changed(state);
}

/** One user less. @kernel __ip_mc_dec_group() */
export function igmpLeave(dev: NetDevice, group: number): void {
  const state = igmpOf(dev);
  const entry = state?.groups.get(group);
  if (state === null || entry === undefined || --entry.users > 0) return;
  state.groups.delete(group);
  if (dev.up) groupDropped(state, entry);
  entry.timer?.cancel();
}

/** @kernel igmp_group_dropped() */
function groupDropped(state: IgmpState, entry: IgmpGroup): void {
  filter(state.dev, entry.group, -1);
  if (!reported(state, entry.group)) return;
  const { version } = state;
  entry.timer?.cancel();
  if (version === 1) return;
  if (version === 2) {
    if (entry.reporter) igmpSendReport(state, entry.group, IGMP_LEAVE);
    return;
  }
  entry.changes = state.robustness;
  for (const source of entry.sources?.values() ?? []) source.changes = state.robustness;
  state.left.set(entry.group, entry);
  changed(state);
}

/** Reports changes soon, and again. @kernel igmp_ifc_event() */
function changed(state: IgmpState): void {
  if (state.version < 3) return;
  state.changesLeft = state.robustness;
  state.changeTimer.set(state.now + 2 * JIFFY);
}

/** @kernel igmp_ifc_timer_expire() */
function changeTimerExpired(state: IgmpState): void {
  igmpSendChanges(state);
  if (state.changesLeft === 0) return;
  state.changesLeft--;
  state.changeTimer.set(state.now + state.random(state.unsolicitedInterval) + 2 * JIFFY);
}

/** @kernel igmp_start_timer() */
function startTimer(state: IgmpState, entry: IgmpGroup, most: number): void {
  entry.timer ??= new Timer(state.dev.kernel.engine, () => {
    groupTimerExpired(state, entry);
  });
  entry.timer.set(state.now + state.random(most) + 2 * JIFFY);
}

/** @kernel igmp_timer_expire() */
function groupTimerExpired(state: IgmpState, entry: IgmpGroup): void {
  if (entry.unsolicited > 0 && --entry.unsolicited > 0)
    startTimer(state, entry, state.unsolicitedInterval);
  entry.reporter = true;
  const { version } = state;
  if (version === 3) igmpSendState(state, entry);
  else igmpSendReport(state, entry.group, version === 1 ? IGMP_V1_REPORT : IGMP_V2_REPORT);
}

/** Whether a source is let in. */
function letIn(entry: IgmpGroup, source: IgmpSource): boolean {
  return entry.excludes > 0
    ? source.exclude === entry.excludes && source.include === 0
      ? false
      : source.include > 0 || source.exclude !== entry.excludes
    : source.include > 0;
}

/**
 * Sockets want (INCLUDE) or refuse (EXCLUDE) sources of a group.
 * @param delta the socket's mode stays: only sources are added @kernel ip_mc_add_src()
 */
export function igmpAddSources(
  dev: NetDevice,
  group: number,
  mode: number,
  sources: readonly number[],
  delta: boolean,
): void {
  changeSources(dev, group, mode, sources, delta, 1);
}

/** They no longer do. @kernel ip_mc_del_src() */
export function igmpDelSources(
  dev: NetDevice,
  group: number,
  mode: number,
  sources: readonly number[],
  delta: boolean,
): void {
  changeSources(dev, group, mode, sources, delta, -1);
}

function changeSources(
  dev: NetDevice,
  group: number,
  mode: number,
  sources: readonly number[],
  delta: boolean,
  by: 1 | -1,
): void {
  const state = igmpOf(dev);
  const entry = state?.groups.get(group);
  if (state === null || entry === undefined) return;
  for (const source of entry.sources?.values() ?? []) source.was = letIn(entry, source);
  if (!delta) {
    if (mode === MCAST_EXCLUDE) entry.excludes += by;
    else entry.includes += by;
  }
  for (const address of sources) {
    const list = (entry.sources ??= new Map<number, IgmpSource>());
    let source = list.get(address);
    if (source === undefined) {
      source = {
        include: 0,
        exclude: 0,
        changes: 0,
        was: entry.mode === MCAST_EXCLUDE && entry.excludes > 0,
        asked: false,
      };
      list.set(address, source);
    }
    if (mode === MCAST_EXCLUDE) source.exclude += by;
    else source.include += by;
  }
  const wanted = entry.excludes > 0 ? MCAST_EXCLUDE : MCAST_INCLUDE;
  // the last one that leaves takes the group along: no change of mode to tell of
  if (wanted !== entry.mode && (by > 0 || entry.includes > 0)) {
    entry.mode = wanted;
    entry.changes = state.robustness;
    for (const source of entry.sources?.values() ?? []) source.changes = 0;
    dropUnused(entry, 0);
    changed(state);
  } else if (markChanges(state, entry)) {
    changed(state);
  }
}

/** Notes which sources are newly let in or shut out; false when none. @kernel sf_setstate() */
function markChanges(state: IgmpState, entry: IgmpGroup): boolean {
  let any = false;
  for (const source of entry.sources?.values() ?? []) {
    if (letIn(entry, source) === source.was) continue;
    source.changes = state.robustness;
    any = true;
  }
  dropUnused(entry, state.robustness);
  return any;
}

/** Forgets sources without users, remembering those that routers are still to hear of. */
function dropUnused(entry: IgmpGroup, changes: number): void {
  for (const [address, source] of entry.sources ?? []) {
    if (source.include > 0 || source.exclude > 0) continue;
    entry.sources?.delete(address);
    if (changes > 0 && source.changes > 0)
      (entry.gone ??= new Map<number, IgmpSource>()).set(address, source);
  }
}

/** Whether this host takes a group's packets from a source on a device. @kernel ip_check_mc_rcu() */
export function igmpAccepts(state: IgmpState | null, group: number, source: number): boolean {
  const entry = state?.groups.get(group);
  if (entry === undefined) return group === IGMP_ALL_HOSTS;
  if (source === 0) return true;
  const known = entry.sources?.get(source);
  return known === undefined
    ? entry.excludes > 0
    : known.include > 0 || known.exclude !== entry.excludes;
}

/** An IGMP message. Consumes it. @kernel igmp_rcv() */
function igmpRcv(skb: SkBuff): void {
  const dev = skb.dev as NetDevice;
  const { kernel } = dev;
  const m = skb.mem;
  if (!skbLinearize(skb) || skb.len < 8) {
    kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_SMALL);
    return;
  }
  if (csumPartial(m, skb.data, skb.len) !== 0xffff) {
    kernel.kfreeSkbReason(skb, DropReason.IGMP_CSUM);
    return;
  }
  const type = m.u8[skb.data] as number;
  const state = igmpOf(dev);
  if (state !== null) {
    if (type === IGMP_QUERY) heardQuery(state, skb);
    else if (
      (type === IGMP_V1_REPORT || type === IGMP_V2_REPORT) &&
      (skb.dst as Rtable).isInput &&
      (skb.pktType === PACKET_MULTICAST || skb.pktType === PACKET_BROADCAST)
    )
      heardReport(state, m.dv.getUint32(skb.data + 4));
  }
  skb.pool.release(skb);
}

/** Somebody else reported the group: we need not. @kernel igmp_heard_report() */
function heardReport(state: IgmpState, group: number): void {
  const entry = state.groups.get(group);
  if (entry === undefined || !reported(state, group)) return;
  entry.timer?.cancel();
  entry.reporter = false;
  entry.unsolicited = 0;
}

/** Query times above 127 are floating point. @kernel IGMPV3_MRC() (RFC 3376 §4.1.1) */
function queryTime(code: number): number {
  return code < 128 ? code : ((code & 15) | 16) << (((code >>> 4) & 7) + 3);
}

/** @kernel igmp_heard_query() */
function heardQuery(state: IgmpState, skb: SkBuff): void {
  const { dv, u8 } = skb.mem;
  const o = skb.data;
  const code = u8[o + 1] as number;
  let group = dv.getUint32(o + 4);
  let most: number;
  let sources: number[] = [];
  if (skb.len === 8) {
    if (code === 0) {
      most = QUERY_RESPONSE_INTERVAL;
      state.v1Seen = state.now + state.robustness * state.queryInterval + state.responseInterval;
      group = 0;
    } else {
      most = code * DECISECOND;
      state.v2Seen = state.now + state.robustness * state.queryInterval + state.responseInterval;
    }
    state.changeTimer.cancel();
    state.changesLeft = 0;
    state.left.clear();
  } else if (skb.len < 12) {
    return;
  } else if (state.version === 1) {
    most = QUERY_RESPONSE_INTERVAL;
    group = 0;
  } else if (state.version === 2) {
    most = code * DECISECOND;
  } else {
    most = Math.max(queryTime(code) * DECISECOND, JIFFY);
    const qrv = (u8[o + 8] as number) & 7;
    state.robustness = qrv !== 0 ? qrv : ipv4Of(state.dev.net).sysctl(Ipv4Sysctl.igmp_qrv);
    const qqic = queryTime(u8[o + 9] as number) * SECOND;
    state.queryInterval = qqic !== 0 ? qqic : QUERY_INTERVAL;
    state.responseInterval = most;
    const count = dv.getUint16(o + 10);
    if (skb.len < 12 + count * 4) return;
    if (group === 0) {
      if (count === 0) state.generalTimer.set(state.now + state.random(most) + 2 * JIFFY);
      return;
    }
    sources = Array.from({ length: count }, (_, i) => dv.getUint32(o + 12 + i * 4));
  }
  for (const entry of state.groups.values()) {
    if ((group !== 0 && group !== entry.group) || !reported(state, entry.group)) continue;
    const marked = sources.length > 0;
    entry.sourceQuery = entry.timer?.pending === true ? entry.sourceQuery && marked : marked;
    if (entry.sourceQuery && !markAsked(entry, sources)) continue;
    if (entry.timer?.pending === true && entry.timer.expires - state.now < most) continue;
    startTimer(state, entry, most);
  }
}

/** Marks the sources that a query asks for; false where the answer would say nothing. @kernel igmp_marksources() */
function markAsked(entry: IgmpGroup, sources: readonly number[]): boolean {
  if (entry.mode === MCAST_EXCLUDE)
    return sources.some((address) => entry.sources?.get(address)?.exclude !== entry.excludes);
  let any = false;
  for (const [address, source] of entry.sources ?? []) {
    source.asked = sources.includes(address);
    any ||= source.asked;
  }
  return any;
}

/** Follows the lives of devices. @kernel ip_mc_up(), ip_mc_down(), ip_mc_destroy_dev() */
export function igmpEvent(event: NetdevEvent, dev: NetDevice): void {
  const state = igmpOf(dev);
  if (state === null) return;
  if (event === 'UP') {
    for (const entry of state.groups.values()) groupAdded(state, entry);
  } else if (event === 'DOWN' || event === 'UNREGISTER') {
    state.changeTimer.cancel();
    state.generalTimer.cancel();
    state.changesLeft = 0;
    state.left.clear();
    for (const entry of state.groups.values()) {
      entry.timer?.cancel();
      if (event === 'DOWN') filter(dev, entry.group, -1);
    }
    if (event === 'UNREGISTER') state.groups.clear();
  }
}

export const igmpProtocol: InetProtocol = { handler: igmpRcv };
