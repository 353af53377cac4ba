/**
 * A bridge's forwarding database: MAC address and VLAN to port, learned and ageing, or permanent. Source:
 * net/bridge/br_fdb.c. Addresses are 48-bit numbers, times nanoseconds; the VLAN is 0 where the bridge does not filter.
 * Entries age when they are looked at, not by a timer.
 */
import type { BridgePort } from './bridge-state.js';

export interface FdbEntry {
  readonly mac: number;
  readonly vid: number;
  /** The port, or null for the bridge itself. */
  port: BridgePort | null;
  /** An address of the host: frames to it go up. */
  local: boolean;
  /** Does not age: one of the host's, or a static one. */
  permanent: boolean;
  /** Not learned on another port. */
  sticky?: boolean;
  /** Learned by somebody outside of the bridge: does not age. */
  extern?: boolean;
  updated: number;
  used: number;
}

export class Fdb {
  private readonly plain = new Map<number, FdbEntry>();
  /** By VLAN, for a bridge that filters; null until the first such entry. */
  private tagged: Map<number, Map<number, FdbEntry>> | null = null;
  /** bridge_ageing_time, and what it is while the topology changes (0: as ever). */
  ageingNs = 300e9;
  fastAgeingNs = 0;
  /** Told of every entry that comes or goes; null while nobody listens. */
  notify: ((entry: FdbEntry, gone: boolean) => void) | null = null;

  private table(vid: number): Map<number, FdbEntry> | undefined {
    return vid === 0 ? this.plain : this.tagged?.get(vid);
  }

  private expired(entry: FdbEntry, now: number): boolean {
    const ageing = this.fastAgeingNs !== 0 ? this.fastAgeingNs : this.ageingNs;
    return !entry.permanent && entry.extern !== true && entry.updated + ageing <= now;
  }

  /** The live entry of an address. */
  lookup(mac: number, now: number, vid = 0): FdbEntry | undefined {
    const table = this.table(vid);
    const entry = table?.get(mac);
    if (entry !== undefined && this.expired(entry, now)) {
      table?.delete(mac);
      this.notify?.(entry, true);
      return undefined;
    }
    return entry;
  }

  /** A frame with this source came in on a port. @kernel br_fdb_update() */
  learn(mac: number, port: BridgePort, now: number, vid = 0): void {
    const entry = this.table(vid)?.get(mac);
    if (entry === undefined) {
      this.add({ mac, vid, port, local: false, permanent: false, updated: now, used: now });
    } else if (!entry.local) {
      if (entry.port !== port && entry.sticky !== true) {
        entry.port = port;
        this.notify?.(entry, false);
      }
      entry.updated = now;
    }
  }

  add(entry: FdbEntry): void {
    let table = this.table(entry.vid);
    if (table === undefined) {
      this.tagged ??= new Map<number, Map<number, FdbEntry>>();
      table = new Map<number, FdbEntry>();
      this.tagged.set(entry.vid, table);
    }
    table.delete(entry.mac);
    table.set(entry.mac, entry);
    this.notify?.(entry, false);
  }

  get(mac: number, vid = 0): FdbEntry | undefined {
    return this.table(vid)?.get(mac);
  }

  remove(mac: number, vid = 0): boolean {
    const table = this.table(vid);
    const entry = table?.get(mac);
    if (entry === undefined) return false;
    table?.delete(mac);
    this.notify?.(entry, true);
    return true;
  }

  /** Forgets a port: everything, or what was learned. */
  flushPort(port: BridgePort | null, all: boolean, vid?: number): void {
    for (const entry of this.all()) {
      if (
        entry.port === port &&
        (vid === undefined || entry.vid === vid) &&
        (all || (!entry.permanent && !entry.local))
      )
        this.remove(entry.mac, entry.vid);
    }
  }

  /** Forgets all that was learned, on any port. */
  flushLearned(): void {
    for (const entry of this.all())
      if (!entry.permanent && !entry.local) this.remove(entry.mac, entry.vid);
  }

  private all(): FdbEntry[] {
    const entries = [...this.plain.values()];
    for (const table of this.tagged?.values() ?? []) entries.push(...table.values());
    return entries;
  }

  /** Live entries, the newest of a VLAN first. */
  list(now: number): FdbEntry[] {
    return this.all()
      .filter((entry) => this.lookup(entry.mac, now, entry.vid) !== undefined)
      .reverse();
  }
}

/** A device's address as a 48-bit number. */
export function macNumber(hi: number, lo: number): number {
  return hi * 0x1_0000_0000 + lo;
}

/** A 48-bit number as six bytes. */
export function macBytes(mac: number): Uint8Array {
  const bytes = new Uint8Array(6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(mac / 0x1_0000_0000));
  view.setUint32(2, mac >>> 0);
  return bytes;
}
