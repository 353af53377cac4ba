/**
 * IGMP's messages: version 3 reports of groups and of what changed, reports and leaves of the older versions.
 * igmp.ts → this → ipLocalOut. Sources: net/ipv4/igmp.c (add_grec, igmpv3_send_cr, igmp_send_report), RFC 3376 §4.2.
 * Every message has the Router Alert option, TTL 1, TOS 0xc0.
 */
import { LL_MAX_HEADER, skbPut } from '@netloom/kernel-core';
import { IPPROTO_IGMP } from '@netloom/sys';
import { csumPartial, IP_DF, ipHeaderSum } from '@netloom/wire';
import {
  IGMP_LEAVE,
  IGMP_V3_REPORT,
  MCAST_EXCLUDE,
  MCAST_INCLUDE,
  type IgmpGroup,
  type IgmpSource,
  type IgmpState,
} from './igmp.js';
import { ipLocalOut, ipSelectIdent } from './ip-output.js';
import { ipRouteOutput } from './route-output.js';

const ALL_ROUTERS = 0xe0000002;
const ALL_V3_ROUTERS = 0xe0000016;
const IP_RA_HLEN = 24;
const ROUTER_ALERT = 0x94040000;
const TOS = 0xc0;

const MODE_IS_INCLUDE = 1;
const MODE_IS_EXCLUDE = 2;
const CHANGE_TO_INCLUDE = 3;
const CHANGE_TO_EXCLUDE = 4;
const ALLOW_NEW_SOURCES = 5;
const BLOCK_OLD_SOURCES = 6;

interface GroupRecord {
  readonly type: number;
  readonly group: number;
  readonly sources: readonly number[];
}

/** An IGMP message of `length` bytes, filled by `write`, to a group on the device. */
function send(
  state: IgmpState,
  daddr: number,
  length: number,
  write: (dv: DataView, at: number) => void,
): void {
  const { dev } = state;
  const { net } = dev;
  const rt = ipRouteOutput(net, { daddr, saddr: 0, oif: dev.ifindex, tos: 0, mark: 0 });
  if (typeof rt === 'number') return;
  const skb = net.kernel.pool.alloc(IP_RA_HLEN + length, LL_MAX_HEADER);
  if (skb === null) return;
  const m = skb.mem;
  const o = skbPut(skb, IP_RA_HLEN + length);
  const { dv } = m;
  dv.setUint16(o, 0x4600 | TOS);
  dv.setUint16(o + 2, IP_RA_HLEN + length);
  dv.setUint16(o + 4, ipSelectIdent(net));
  dv.setUint16(o + 6, IP_DF);
  dv.setUint16(o + 8, (1 << 8) | IPPROTO_IGMP);
  dv.setUint16(o + 10, 0);
  dv.setUint32(o + 12, rt.prefsrc);
  dv.setUint32(o + 16, daddr);
  dv.setUint32(o + 20, ROUTER_ALERT);
  dv.setUint16(o + 10, ~ipHeaderSum(m, o, IP_RA_HLEN / 4) & 0xffff);
  const p = o + IP_RA_HLEN;
  write(dv, p);
  dv.setUint16(p + 2, 0);
  dv.setUint16(p + 2, ~csumPartial(m, p, length) & 0xffff);
  skb.networkHeader = o;
  skb.transportHeader = p;
  ipLocalOut(net, skb, rt);
}

/** A report or a leave of version 1 or 2. @kernel igmp_send_report() */
export function igmpSendReport(state: IgmpState, group: number, type: number): void {
  send(state, type === IGMP_LEAVE ? ALL_ROUTERS : group, 8, (dv, at) => {
    dv.setUint16(at, type << 8);
    dv.setUint32(at + 4, group);
  });
}

/** Packs records into as many version 3 reports as the MTU asks for. */
function sendRecords(state: IgmpState, records: readonly GroupRecord[]): void {
  const room = state.dev.mtu - IP_RA_HLEN - 8;
  let pending: GroupRecord[] = [];
  let size = 0;
  const flush = (): void => {
    if (pending.length === 0) return;
    const out = pending;
    send(state, ALL_V3_ROUTERS, 8 + size, (dv, at) => {
      dv.setUint16(at, IGMP_V3_REPORT << 8);
      dv.setUint16(at + 4, 0);
      dv.setUint16(at + 6, out.length);
      let p = at + 8;
      for (const { type, group, sources } of out) {
        dv.setUint16(p, type << 8);
        dv.setUint16(p + 2, sources.length);
        dv.setUint32(p + 4, group);
        p += 8;
        for (const source of sources) {
          dv.setUint32(p, source);
          p += 4;
        }
      }
    });
    pending = [];
    size = 0;
  };
  for (const record of records) {
    const most = Math.max(1, (room - 8) >>> 2);
    const kept = record.sources.length > most ? record.sources.slice(0, most) : record.sources;
    const length = 8 + kept.length * 4;
    if (size + length > room) flush();
    pending.push({ ...record, sources: kept });
    size += length;
  }
  flush();
}

/** Whether a source belongs into a record of a type. @kernel is_in() */
function isIn(
  entry: IgmpGroup,
  source: IgmpSource,
  type: number,
  left: boolean,
  gone: boolean,
): boolean {
  switch (type) {
    case MODE_IS_INCLUDE:
    case MODE_IS_EXCLUDE:
      if (left || gone || (entry.sourceQuery && !source.asked)) return false;
      if (entry.mode === MCAST_INCLUDE) return true;
      if (source.include > 0) return type === MODE_IS_INCLUDE;
      return entry.excludes === source.exclude;
    case CHANGE_TO_INCLUDE:
      return !left && !gone && source.include > 0;
    case CHANGE_TO_EXCLUDE:
      if (left || gone || entry.excludes === 0 || source.include > 0) return false;
      return entry.excludes === source.exclude;
    case ALLOW_NEW_SOURCES:
      if (left || source.changes === 0) return false;
      return (entry.mode === MCAST_INCLUDE) !== gone;
    default: // BLOCK_OLD_SOURCES
      if (entry.mode === MCAST_INCLUDE) return left || (source.changes > 0 && gone);
      return source.changes > 0 && !left && !gone;
  }
}

/** Sources of a group for a record type, counting down what has to be repeated. */
function sourcesFor(entry: IgmpGroup, type: number, left: boolean, gone: boolean): number[] {
  const list = gone ? entry.gone : entry.sources;
  const found: number[] = [];
  for (const [address, source] of list ?? []) {
    if (!isIn(entry, source, type, left, gone)) continue;
    if (type === MODE_IS_INCLUDE || type === MODE_IS_EXCLUDE) source.asked = false;
    found.push(address);
    if (type !== ALLOW_NEW_SOURCES && type !== BLOCK_OLD_SOURCES) continue;
    source.changes--;
    if (gone && source.changes === 0) list?.delete(address);
  }
  return found;
}

/** The state of one group, or of all. @kernel igmpv3_send_report() */
export function igmpSendState(state: IgmpState, one: IgmpGroup | null): void {
  const records: GroupRecord[] = [];
  const groups = one === null ? [...state.groups.values()].reverse() : [one];
  for (const entry of groups) {
    if (entry.group === 0xe0000001) continue;
    const type = entry.excludes > 0 && !entry.sourceQuery ? MODE_IS_EXCLUDE : excludesType(entry);
    records.push({ type, group: entry.group, sources: sourcesFor(entry, type, false, false) });
    if (one !== null) entry.sourceQuery = false;
  }
  sendRecords(state, records);
}

function excludesType(entry: IgmpGroup): number {
  return entry.excludes > 0 ? MODE_IS_EXCLUDE : MODE_IS_INCLUDE;
}

/** What changed since the last time. @kernel igmpv3_send_cr() */
export function igmpSendChanges(state: IgmpState): void {
  const records: GroupRecord[] = [];
  const add = (entry: IgmpGroup, type: number, left: boolean, gone: boolean): void => {
    const sources = sourcesFor(entry, type, left, gone);
    if (sources.length > 0) records.push({ type, group: entry.group, sources });
  };
  for (const entry of [...state.left.values()].reverse()) {
    if (entry.mode === MCAST_INCLUDE) {
      add(entry, BLOCK_OLD_SOURCES, true, false);
    } else if (entry.changes > 0) {
      records.push({ type: CHANGE_TO_INCLUDE, group: entry.group, sources: [] });
    }
    entry.changes--;
    if (entry.changes <= 0) state.left.delete(entry.group);
  }
  for (const entry of [...state.groups.values()].reverse()) {
    const excluding = entry.excludes > 0;
    add(entry, excluding ? BLOCK_OLD_SOURCES : ALLOW_NEW_SOURCES, false, false);
    add(entry, excluding ? ALLOW_NEW_SOURCES : BLOCK_OLD_SOURCES, false, true);
    if (entry.changes === 0) continue;
    entry.changes--;
    const type = entry.mode === MCAST_EXCLUDE ? CHANGE_TO_EXCLUDE : CHANGE_TO_INCLUDE;
    records.push({ type, group: entry.group, sources: sourcesFor(entry, type, false, false) });
  }
  sendRecords(state, records);
}
