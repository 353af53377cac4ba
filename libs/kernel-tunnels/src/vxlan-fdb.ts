/**
 * A VXLAN device's forwarding database: MAC address to one or several remote tunnel ends, learned and ageing, or set.
 * Source: drivers/net/vxlan/vxlan_core.c. Addresses are 48-bit numbers, times nanoseconds; the all-zeros entry is where
 * frames without an entry go.
 */
import { KernelError } from '@netloom/base';
import { AF_BRIDGE, Nud, type NeighMsg, type NeighNew } from '@netloom/sys';
import type { Vxlan } from './vxlan.js';

const NTF_SELF = 2;
const NTF_EXT_LEARNED = 0x10;
const NSEC_PER_SEC = 1e9;

export interface VxlanRdst {
  /** 0: none, frames end here. */
  ip: number;
  readonly port: number;
  readonly vni: number;
  readonly ifindex: number;
}

export interface VxlanFdbEntry {
  readonly mac: number;
  state: number;
  flags: number;
  updated: number;
  used: number;
  remotes: VxlanRdst[];
}

/** Group addresses and the all-zeros one may have several remotes. */
function takesSeveral(mac: number): boolean {
  return mac === 0 || (Math.floor(mac / 2 ** 40) & 1) === 1;
}

function bytesOf(mac: number): Uint8Array {
  const bytes = new Uint8Array(6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(mac / 0x1_0000_0000));
  view.setUint32(2, mac >>> 0);
  return bytes;
}

function macOf(lladdr: Uint8Array | undefined): number {
  if (lladdr?.length !== 6) throw new KernelError('EINVAL');
  const view = new DataView(lladdr.buffer, lladdr.byteOffset);
  return view.getUint16(0) * 0x1_0000_0000 + view.getUint32(2);
}

export class VxlanFdb {
  private readonly entries = new Map<number, VxlanFdbEntry>();

  constructor(private readonly vxlan: Vxlan) {}

  private get now(): number {
    return this.vxlan.dev.kernel.engine.now;
  }

  /** The live entry of an address, marked as used. @kernel vxlan_find_mac() */
  find(mac: number): VxlanFdbEntry | undefined {
    const entry = this.peek(mac);
    if (entry !== undefined) entry.used = this.now;
    return entry;
  }

  private peek(mac: number): VxlanFdbEntry | undefined {
    const entry = this.entries.get(mac);
    if (entry === undefined || !this.expired(entry)) return entry;
    this.drop(entry);
    return undefined;
  }

  private expired(entry: VxlanFdbEntry): boolean {
    const { ageing } = this.vxlan.cfg;
    if (ageing === 0 || (entry.state & (Nud.NUD_PERMANENT | Nud.NUD_NOARP)) !== 0) return false;
    if ((entry.flags & NTF_EXT_LEARNED) !== 0) return false;
    return Math.max(entry.used, entry.updated) + ageing * NSEC_PER_SEC <= this.now;
  }

  private live(): VxlanFdbEntry[] {
    return [...this.entries.keys()].flatMap((mac) => this.peek(mac) ?? []);
  }

  private create(mac: number, state: number, flags: number, remote: VxlanRdst): void {
    const { limit } = this.vxlan.cfg;
    if (limit !== 0 && this.live().length >= limit) throw new KernelError('ENOSPC');
    const entry = {
      mac,
      state,
      flags,
      updated: this.now,
      used: this.now,
      remotes: [remote],
    };
    this.entries.set(mac, entry);
    this.notify('RTM_NEWNEIGH', entry, remote);
  }

  private drop(entry: VxlanFdbEntry): void {
    this.entries.delete(entry.mac);
    for (const remote of entry.remotes) this.notify('RTM_DELNEIGH', entry, remote);
  }

  private notify(
    type: 'RTM_NEWNEIGH' | 'RTM_DELNEIGH',
    entry: VxlanFdbEntry,
    remote: VxlanRdst,
  ): void {
    const { net } = this.vxlan.dev;
    if (net.rtnlListeners.size > 0) net.notify({ type, neigh: this.message(entry, remote) });
  }

  /**
   * A frame from this station came from that tunnel end; false where a fixed entry says otherwise and the frame has to go.
   * @kernel vxlan_snoop()
   */
  learn(mac: number, ip: number): boolean {
    const entry = this.find(mac);
    const { port, vni } = this.vxlan.defaultRdst(0);
    if (entry === undefined) {
      const { limit } = this.vxlan.cfg;
      if (limit === 0 || this.live().length < limit)
        this.create(mac, Nud.NUD_REACHABLE, NTF_SELF, { ip, port, vni, ifindex: 0 });
      return true;
    }
    const [remote] = entry.remotes;
    if (remote?.ip === ip) return true;
    if ((entry.state & (Nud.NUD_PERMANENT | Nud.NUD_NOARP)) !== 0) return false;
    entry.updated = this.now;
    if (remote !== undefined) {
      remote.ip = ip;
      this.notify('RTM_NEWNEIGH', entry, remote);
    }
    return true;
  }

  /** The entry for frames without one. */
  setDefault(remote: VxlanRdst | null): void {
    const old = this.entries.get(0);
    if (remote === null) {
      if (old !== undefined) this.drop(old);
      return;
    }
    if (old === undefined) this.create(0, Nud.NUD_REACHABLE | Nud.NUD_PERMANENT, NTF_SELF, remote);
    else if (!old.remotes.some((one) => one.ip === remote.ip)) old.remotes.push(remote);
  }

  /** A remote of the default entry is no more. */
  dropDefault(ip: number): void {
    const old = this.entries.get(0);
    if (old === undefined) return;
    old.remotes = old.remotes.filter((one) => one.ip !== ip);
    if (old.remotes.length === 0) this.entries.delete(0);
  }

  /** Forgets what was learned; with `all` everything. @kernel vxlan_flush() */
  flush(all: boolean): void {
    for (const entry of [...this.entries.values()])
      if (all || (entry.state & (Nud.NUD_PERMANENT | Nud.NUD_NOARP)) === 0) this.drop(entry);
  }

  /** `bridge fdb add|append|replace`. @errno EINVAL, EEXIST, EOPNOTSUPP, ENOSPC. @kernel vxlan_fdb_add() */
  add(request: NeighNew): void {
    const mac = macOf(request.lladdr);
    const asked = request.state ?? Nud.NUD_PERMANENT;
    const state = (asked & Nud.NUD_PERMANENT) !== 0 ? asked | Nud.NUD_NOARP : asked;
    if ((state & (Nud.NUD_PERMANENT | Nud.NUD_REACHABLE)) === 0 && state !== Nud.NUD_NOARP)
      throw new KernelError('EINVAL', 'RTM_NEWNEIGH with invalid state');
    if (request.dst !== undefined && typeof request.dst !== 'number')
      throw new KernelError('EAFNOSUPPORT');
    const remote = this.remoteOf(request);
    const existing = this.peek(mac);
    if (existing === undefined) {
      if (remote.ip === 0) throw new KernelError('EINVAL');
      this.create(mac, state, NTF_SELF | (request.flags ?? 0), remote);
      return;
    }
    if (request.mode === 'add') throw new KernelError('EEXIST');
    existing.state = state;
    existing.updated = this.now;
    if (request.mode === 'replace' || request.mode === 'change') {
      if (takesSeveral(mac)) throw new KernelError('EOPNOTSUPP');
      existing.remotes = [remote];
    } else if (takesSeveral(mac) && !existing.remotes.some((one) => same(one, remote))) {
      existing.remotes.push(remote);
    }
    this.notify('RTM_NEWNEIGH', existing, remote);
  }

  private remoteOf(request: Omit<NeighNew, 'mode'>): VxlanRdst {
    const { port, vni } = this.vxlan.defaultRdst(0);
    const ifindex = request.via ?? 0;
    if (ifindex !== 0 && this.vxlan.net.devByIndex(ifindex) === undefined)
      throw new KernelError('EADDRNOTAVAIL');
    return {
      ip: typeof request.dst === 'number' ? request.dst : 0,
      port: request.port ?? port,
      vni: request.vni ?? vni,
      ifindex,
    };
  }

  /** `bridge fdb del`; with a destination only that one, which need not be there. @errno ENOENT */
  del(request: Omit<NeighNew, 'mode'>): void {
    const entry = this.peek(macOf(request.lladdr));
    if (entry === undefined) throw new KernelError('ENOENT');
    if (typeof request.dst === 'number' && request.dst !== 0) {
      const wanted = this.remoteOf(request);
      const at = entry.remotes.findIndex((one) => same(one, wanted));
      if (at < 0) return;
      if (entry.remotes.length > 1) {
        const [gone] = entry.remotes.splice(at, 1);
        if (gone !== undefined) this.notify('RTM_DELNEIGH', entry, gone);
        return;
      }
    }
    this.drop(entry);
  }

  /** As `bridge fdb` reads it: a line for each remote. */
  dump(): NeighMsg[] {
    return this.live().flatMap((entry) => entry.remotes.map((one) => this.message(entry, one)));
  }

  private message(entry: VxlanFdbEntry, remote: VxlanRdst): NeighMsg {
    const usual = this.vxlan.defaultRdst(0);
    const age = (since: number): number => Math.floor((this.now - since) / NSEC_PER_SEC);
    return {
      family: AF_BRIDGE,
      ifindex: this.vxlan.dev.ifindex,
      lladdr: bytesOf(entry.mac),
      state: entry.state,
      flags: entry.flags | NTF_SELF,
      cacheinfo: { confirmed: 0, used: age(entry.used), updated: age(entry.updated), refcnt: 0 },
      ...(remote.ip !== 0 ? { dst: remote.ip } : {}),
      ...(remote.port !== usual.port ? { port: remote.port } : {}),
      ...(remote.vni !== usual.vni ? { vni: remote.vni } : {}),
      ...(remote.ifindex !== 0 ? { via: remote.ifindex } : {}),
    };
  }
}

function same(a: VxlanRdst, b: VxlanRdst): boolean {
  return a.ip === b.ip && a.port === b.port && a.vni === b.vni && a.ifindex === b.ifindex;
}
