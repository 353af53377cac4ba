/**
 * Multicast snooping of a bridge: which ports have members of a group, and where multicast routers are, learned from IGMP
 * and MLD that passes; with `mcast_querier 1` the bridge asks itself (IGMPv2).
 * brHandleFrame, the bridge's own frames → mcastRcv → groups; the data path → mcastLookup.
 * Sources: net/bridge/br_multicast.c, br_mdb.c; RFC 2236, RFC 3376, RFC 2710, RFC 3810, RFC 4541. Differs: source lists of
 * IGMPv3 and MLDv2 are read as joins and leaves of the group; no MLD queries are sent. Times are nanoseconds; memberships
 * end when they are looked at.
 */
import { KernelError } from '@netloom/base';
import { Timer } from '@netloom/engine';
import { devQueueXmit, LL_MAX_HEADER, skbBytes, skbPut, type SkBuff } from '@netloom/kernel-core';
import { AF_INET, AF_INET6, type MdbEntry, type MdbMsg, type MdbNew } from '@netloom/sys';
import { ETH_P_IP, ETH_P_IPV6 } from '@netloom/wire';
import {
  BR_STATE_FORWARDING,
  BR_STATE_LEARNING,
  PortFlag,
  type Bridge,
  type BridgePort,
} from './bridge-state.js';

const SECOND = 1e9;
const CENTI = 1e7;
const IPPROTO_IGMP = 2;
const RTPROT_KERNEL = 2;
const RTPROT_STATIC = 4;

interface Member {
  /** Infinity for a permanent one. */
  until: number;
  permanent: boolean;
}

/** A group in a VLAN. The bridge's host is the member null. */
interface Group {
  readonly family: number;
  readonly group: number | Uint8Array;
  readonly vid: number;
  readonly members: Map<BridgePort | null, Member>;
}

/** What the frame says: the verdict of mcastRcv. */
export const MCAST_PLAIN = 0;
/** Forwarded to routers only, where no group is known. */
export const MCAST_ROUTERS_ONLY = 1;

/** Settings in the unit of rtnetlink: counts, or hundredths of a second. */
export const MCAST_DEFAULTS = {
  mcast_router: 1,
  mcast_query_use_ifaddr: 0,
  mcast_querier: 0,
  mcast_hash_elasticity: 16,
  mcast_hash_max: 4096,
  mcast_last_member_cnt: 2,
  mcast_startup_query_cnt: 2,
  mcast_last_member_intvl: 100,
  mcast_membership_intvl: 26000,
  mcast_querier_intvl: 25500,
  mcast_query_intvl: 12500,
  mcast_query_response_intvl: 1000,
  mcast_startup_query_intvl: 3124,
  mcast_stats_enabled: 0,
  mcast_igmp_version: 2,
  mcast_mld_version: 1,
} as const;

export type McastSetting = keyof typeof MCAST_DEFAULTS;

export class BridgeMcast {
  readonly groups = new Map<string, Group>();
  readonly settings: Record<McastSetting, number> = { ...MCAST_DEFAULTS };
  /** Another querier was heard, by family: until when it counts. */
  querier4 = 0;
  querier6 = 0;
  routerUntil = 0;
  private startup = 0;
  private timer: Timer | null = null;

  constructor(readonly br: Bridge) {}

  private get now(): number {
    return this.br.dev.kernel.engine.now;
  }

  private ns(setting: McastSetting): number {
    return this.settings[setting] * CENTI;
  }

  /** Groups are looked at only where somebody asks for members. @kernel br_multicast_querier_exists() */
  querierExists(family: number): boolean {
    if (this.settings.mcast_querier !== 0 && family === AF_INET) return true;
    return (family === AF_INET ? this.querier4 : this.querier6) > this.now;
  }

  isRouter(port: BridgePort): boolean {
    if (port.mcastRouter === 2) return true;
    return port.mcastRouter === 1 && port.routerUntil > this.now;
  }

  /** Whether the host behind the bridge's own device takes part as a router. */
  get hostIsRouter(): boolean {
    const router = this.settings.mcast_router;
    return router === 2 || (router === 1 && this.routerUntil > this.now);
  }

  lookup(family: number, group: number | Uint8Array, vid: number): Group | undefined {
    const entry = this.groups.get(keyOf(group, vid));
    if (entry === undefined || entry.family !== family) return undefined;
    for (const [port, member] of entry.members)
      if (member.until <= this.now) this.drop(entry, port);
    return entry.members.size === 0 ? undefined : entry;
  }

  private drop(entry: Group, port: BridgePort | null): void {
    const member = entry.members.get(port);
    if (member === undefined) return;
    this.notify(entry, port, member, true);
    entry.members.delete(port);
    if (entry.members.size === 0) this.groups.delete(keyOf(entry.group, entry.vid));
  }

  private notify(entry: Group, port: BridgePort | null, member: Member, gone: boolean): void {
    const { net } = this.br.dev;
    if (net.rtnlListeners.size > 0)
      net.notify({ type: gone ? 'RTM_DELMDB' : 'RTM_NEWMDB', mdb: this.msg(entry, port, member) });
  }

  /** @kernel br_multicast_add_group() */
  join(port: BridgePort | null, family: number, group: number | Uint8Array, vid: number): void {
    if (isLinkLocal(group)) return;
    const key = keyOf(group, vid);
    let entry = this.groups.get(key);
    if (entry === undefined) {
      if (this.groups.size >= this.settings.mcast_hash_max) return;
      entry = { family, group, vid, members: new Map() };
      this.groups.set(key, entry);
    }
    const until = this.now + this.ns('mcast_membership_intvl');
    const known = entry.members.get(port);
    if (known === undefined) {
      const member = { until, permanent: false };
      entry.members.set(port, member);
      this.notify(entry, port, member, false);
    } else if (!known.permanent) {
      known.until = until;
    }
  }

  /** @kernel br_multicast_leave_group() */
  leave(port: BridgePort | null, family: number, group: number | Uint8Array, vid: number): void {
    const entry = this.lookup(family, group, vid);
    const member = entry?.members.get(port);
    if (entry === undefined || member === undefined || member.permanent) return;
    if (port !== null && (port.flags & PortFlag.fastleave) !== 0) {
      this.drop(entry, port);
      return;
    }
    if ((family === AF_INET ? this.querier4 : this.querier6) > this.now) return; // that one will ask
    if (this.settings.mcast_querier !== 0 && port !== null && typeof group === 'number')
      sendQuery(this.br, port, group, this.ns('mcast_last_member_intvl'));
    const soon =
      this.now + this.settings.mcast_last_member_cnt * this.ns('mcast_last_member_intvl');
    if (member.until > soon) member.until = soon;
  }

  /** Somebody else asks: a router is behind that port. @kernel br_multicast_query_received() */
  heardQuerier(port: BridgePort | null, family: number): void {
    const until = this.now + this.ns('mcast_querier_intvl');
    if (family === AF_INET) this.querier4 = until;
    else this.querier6 = until;
    this.markRouter(port);
  }

  markRouter(port: BridgePort | null): void {
    const until = this.now + this.ns('mcast_querier_intvl');
    if (port === null) this.routerUntil = until;
    else port.routerUntil = until;
  }

  /** Asks at the startup interval first, then at the usual one. @kernel br_multicast_open() */
  startQuerier(): void {
    if (this.settings.mcast_querier === 0 || !this.br.dev.up || this.br.mcastSnooping === 0) {
      this.timer?.cancel();
      return;
    }
    this.startup = 0;
    this.timer ??= new Timer(this.br.dev.kernel.engine, () => {
      this.queryAll();
    });
    this.timer.set(this.now);
  }

  stopQuerier(): void {
    this.timer?.cancel();
  }

  private queryAll(): void {
    if (this.querier4 <= this.now)
      for (const port of this.br.ports)
        if (port.state === BR_STATE_FORWARDING || port.state === BR_STATE_LEARNING)
          sendQuery(this.br, port, 0, this.ns('mcast_query_response_intvl'));
    this.startup++;
    this.timer?.set(
      this.now +
        (this.startup < this.settings.mcast_startup_query_cnt
          ? this.ns('mcast_startup_query_intvl')
          : this.ns('mcast_query_intvl')),
    );
  }

  /** The port leaves, or only goes down: then what was set by hand stays. */
  forgetPort(port: BridgePort, all = true): void {
    port.routerUntil = 0;
    for (const entry of [...this.groups.values()])
      if (all || entry.members.get(port)?.permanent === false) this.drop(entry, port);
  }

  private msg(entry: Group, port: BridgePort | null, member: Member): MdbEntry {
    const { dev } = this.br;
    return {
      bridge: dev.ifindex,
      port: (port?.dev ?? dev).ifindex,
      group: entry.group,
      family: entry.family,
      vid: entry.vid,
      permanent: member.permanent,
      timer: member.permanent ? 0 : Math.max(0, (member.until - this.now) / SECOND),
      protocol: member.permanent ? RTPROT_STATIC : RTPROT_KERNEL,
    };
  }

  dump(): MdbMsg {
    const entries: MdbEntry[] = [];
    for (const known of [...this.groups.values()]) {
      const entry = this.lookup(known.family, known.group, known.vid);
      if (entry === undefined) continue;
      for (const [port, member] of entry.members) entries.push(this.msg(entry, port, member));
    }
    const routers = this.br.ports
      .filter((port) => this.isRouter(port))
      .map((port) => ({
        bridge: this.br.dev.ifindex,
        port: port.dev.ifindex,
        type: port.mcastRouter === 2 ? ('permanent' as const) : ('temp' as const),
        timer: Math.max(0, (port.routerUntil - this.now) / SECOND),
      }));
    return { entries: entries.reverse(), routers };
  }

  /** `bridge mdb add|replace|del`. @errno EINVAL, EEXIST, ENOENT */
  change(request: MdbNew, adding: boolean): void {
    const { dev } = this.br;
    const port =
      request.port === dev.ifindex
        ? null
        : this.br.ports.find((other) => other.dev.ifindex === request.port);
    if (port === undefined)
      throw new KernelError('EINVAL', 'Port belongs to a different bridge device');
    const { family, group, vid = 0 } = request;
    const entry = this.lookup(family, group, vid);
    const member = entry?.members.get(port);
    if (!adding) {
      if (entry === undefined || member === undefined) throw new KernelError('EINVAL');
      this.drop(entry, port);
      return;
    }
    if (member !== undefined && request.replace !== true)
      throw new KernelError(
        'EEXIST',
        `${port === null ? 'Group is already joined by host' : '(*, G) group is already joined by port'}`,
      );
    const target = entry ?? { family, group, vid, members: new Map<BridgePort | null, Member>() };
    this.groups.set(keyOf(group, vid), target);
    const added = {
      permanent: request.permanent,
      until: request.permanent ? Infinity : this.now + this.ns('mcast_membership_intvl'),
    };
    target.members.set(port, added);
    this.notify(target, port, added, false);
  }
}

function keyOf(group: number | Uint8Array, vid: number): string {
  return `${vid}/${typeof group === 'number' ? group : group.join('.')}`;
}

/** Groups that are never snooped: 224.0.0.0/24, and all nodes of a link. */
function isLinkLocal(group: number | Uint8Array): boolean {
  if (typeof group === 'number') return group >>> 8 === 0xe00000;
  if (group.length !== 16) return false;
  return (
    group[0] === 0xff &&
    group[1] === 2 &&
    group.subarray(2, 15).every((b) => b === 0) &&
    group[15] === 1
  );
}

/** The bridge's groups, made where there are none yet. */
export function mcastOf(br: Bridge): BridgeMcast {
  return (br.mcast ??= new BridgeMcast(br));
}

/** The group that a frame (data at the network header) is for; null where it is no IP multicast. */
export function frameGroup(skb: SkBuff): { family: number; group: number | Uint8Array } | null {
  const { dv, u8 } = skb.mem;
  const o = skb.data;
  const length = skb.len - skb.dataLen;
  if (skb.protocol === ETH_P_IP && length >= 20)
    return { family: AF_INET, group: dv.getUint32(o + 16) };
  if (skb.protocol === ETH_P_IPV6 && length >= 40)
    return { family: AF_INET6, group: u8.slice(o + 24, o + 40) };
  return null;
}

/** The group of a frame that is to go to members only; undefined where it is flooded. @kernel br_mdb_entry_skb_get() */
export function mcastLookup(br: Bridge, skb: SkBuff, vid: number): Group | undefined {
  if (br.mcast === null || br.mcastSnooping === 0) return undefined;
  const target = frameGroup(skb);
  return target === null ? undefined : br.mcast.lookup(target.family, target.group, vid);
}

/** Learns from IGMP and MLD. The frame stays the caller's. @kernel br_multicast_rcv() */
export function mcastRcv(br: Bridge, port: BridgePort | null, skb: SkBuff, vid: number): number {
  if (br.mcastSnooping === 0) return MCAST_PLAIN;
  const length = skb.len - skb.dataLen;
  const { u8, dv } = skb.mem;
  const o = skb.data;
  if (skb.protocol === ETH_P_IP) {
    if (length < 20) return MCAST_PLAIN;
    if (u8[o + 9] === IPPROTO_IGMP) return igmpRcv(br, port, skbBytes(skb), vid);
    return dv.getUint32(o + 16) >>> 8 === 0xe00000 ? MCAST_PLAIN : MCAST_ROUTERS_ONLY;
  }
  if (skb.protocol === ETH_P_IPV6) {
    if (length < 40) return MCAST_PLAIN;
    const verdict = mldRcv(br, port, skbBytes(skb), vid);
    if (verdict >= 0) return verdict;
    const group = u8.slice(o + 24, o + 40);
    return isLinkLocal(group) ? MCAST_PLAIN : MCAST_ROUTERS_ONLY;
  }
  return MCAST_PLAIN;
}

function igmpRcv(br: Bridge, port: BridgePort | null, packet: Uint8Array, vid: number): number {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const at = ((packet[0] ?? 0) & 15) * 4;
  if (packet.length < at + 8) return MCAST_PLAIN;
  const mcast = mcastOf(br);
  const type = packet[at];
  const group = view.getUint32(at + 4);
  if (type === 0x12 || type === 0x16) mcast.join(port, AF_INET, group, vid);
  else if (type === 0x17) mcast.leave(port, AF_INET, group, vid);
  else if (type === 0x22)
    records(packet, at + 8, view.getUint16(at + 6), 4, (kind, address) => {
      member(
        mcast,
        port,
        AF_INET,
        address.reduce((sum, byte) => sum * 256 + byte, 0),
        vid,
        kind,
      );
    });
  else if (type === 0x11) {
    mcast.heardQuerier(port, AF_INET);
    return MCAST_PLAIN;
  }
  return MCAST_ROUTERS_ONLY;
}

/** Group records of IGMPv3 and MLDv2: kind, group, and whether sources were named. */
function records(
  packet: Uint8Array,
  from: number,
  count: number,
  width: number,
  each: (kind: number, address: Uint8Array) => void,
): void {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  let at = from;
  for (let i = 0; i < count && at + 4 + width <= packet.length; i++) {
    const kind = packet[at] ?? 0;
    const sources = view.getUint16(at + 2);
    const include = kind === 1 || kind === 3;
    // INCLUDE of nothing is a leave, everything else a join
    const effect = include && sources === 0 ? 0 : kind === 6 ? -1 : 1;
    if (effect >= 0) each(effect, packet.slice(at + 4, at + 4 + width));
    at += 4 + width + sources * width + (packet[at + 1] ?? 0) * 4;
  }
}

function member(
  mcast: BridgeMcast,
  port: BridgePort | null,
  family: number,
  group: number | Uint8Array,
  vid: number,
  effect: number,
): void {
  if (effect > 0) mcast.join(port, family, group, vid);
  else mcast.leave(port, family, group, vid);
}

const MLD_QUERY = 130;
const MLD_REPORT = 131;
const MLD_DONE = 132;
const MLD2_REPORT = 143;

/** @returns -1 where it is no MLD */
function mldRcv(br: Bridge, port: BridgePort | null, packet: Uint8Array, vid: number): number {
  if (packet[6] !== 0 || packet.length < 48) return -1; // MLD comes behind a router alert
  const at = 40 + ((packet[41] ?? 0) + 1) * 8;
  if (packet[40] !== 58 || packet.length < at + 8) return -1;
  const type = packet[at];
  const group = packet.slice(at + 8, at + 24);
  const mcast = mcastOf(br);
  if (type === MLD_REPORT && group.length === 16) mcast.join(port, AF_INET6, group, vid);
  else if (type === MLD_DONE && group.length === 16) mcast.leave(port, AF_INET6, group, vid);
  else if (type === MLD2_REPORT) {
    const count = ((packet[at + 6] ?? 0) << 8) | (packet[at + 7] ?? 0);
    records(packet, at + 8, count, 16, (effect, address) => {
      member(mcast, port, AF_INET6, address, vid, effect);
    });
  } else if (type === MLD_QUERY) {
    mcast.heardQuerier(port, AF_INET6);
    return MCAST_PLAIN;
  } else return -1;
  return MCAST_ROUTERS_ONLY;
}

function checksum(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An IGMPv2 query, general for group 0. @kernel br_ip4_multicast_alloc_query() */
function sendQuery(br: Bridge, port: BridgePort, group: number, maxResponse: number): void {
  const { kernel } = br.dev;
  const LENGTH = 14 + 24 + 8;
  const frame = new Uint8Array(LENGTH);
  const view = new DataView(frame.buffer);
  frame.set([0x01, 0, 0x5e, 0, 0, 1], 0);
  if (group !== 0) view.setUint32(2, 0x5e000000 | (group & 0x7fffff));
  frame.set(br.dev.address, 6);
  view.setUint16(12, ETH_P_IP);
  frame.set([0x46, 0xc0, 0, 32, 0, 0, 0x40, 0, 1, IPPROTO_IGMP], 14);
  view.setUint32(14 + 16, group === 0 ? 0xe0000001 : group);
  frame.set([0x94, 4, 0, 0], 14 + 20); // router alert
  view.setUint16(14 + 10, checksum(frame, 14, 38));
  frame.set([0x11, Math.min(255, Math.round(maxResponse / 1e8))], 38);
  view.setUint32(42, group);
  view.setUint16(40, checksum(frame, 38, 46));
  const skb = kernel.pool.alloc(LENGTH, LL_MAX_HEADER);
  if (skb === null) return;
  kernel.mem.u8.set(frame, skbPut(skb, LENGTH));
  skb.protocol = ETH_P_IP;
  skb.priority = 7;
  skb.packetId = kernel.pool.nextPacketId();
  skb.dev = port.dev;
  devQueueXmit(skb);
}
