/**
 * A bridge's forwarding database: MAC address to port, learned and ageing, or permanent. Source: net/bridge/br_fdb.c.
 * Addresses are 48-bit numbers, times nanoseconds.
 */
import type { NetDevice } from '@netloom/kernel-core';

export interface FdbEntry {
  readonly mac: number;
  /** The port, or null for the bridge itself. */
  port: NetDevice | null;
  /** An address of the host: frames to it go up. */
  local: boolean;
  /** Does not age: one of the host's, or a static one. */
  permanent: boolean;
  updated: number;
  used: number;
}

export class Fdb {
  private readonly entries = new Map<number, FdbEntry>();
  /** bridge_ageing_time. */
  ageingNs = 300e9;

  /** The live entry of an address. */
  lookup(mac: number, now: number): FdbEntry | undefined {
    const entry = this.entries.get(mac);
    if (entry !== undefined && !entry.permanent && entry.updated + this.ageingNs <= now) {
      this.entries.delete(mac);
      return undefined;
    }
    return entry;
  }

  /** A frame with this source came in on a port. @kernel br_fdb_update() */
  learn(mac: number, port: NetDevice, now: number): void {
    const entry = this.entries.get(mac);
    if (entry === undefined) {
      this.entries.set(mac, { mac, port, local: false, permanent: false, updated: now, used: now });
    } else if (!entry.local && !entry.permanent) {
      entry.port = port;
      entry.updated = now;
    }
  }

  add(entry: FdbEntry): void {
    this.entries.set(entry.mac, entry);
  }

  get(mac: number): FdbEntry | undefined {
    return this.entries.get(mac);
  }

  remove(mac: number): boolean {
    return this.entries.delete(mac);
  }

  /** Forgets a port: everything, or what was learned. */
  flushPort(port: NetDevice, all: boolean): void {
    for (const entry of [...this.entries.values()]) {
      if (entry.port === port && (all || (!entry.permanent && !entry.local)))
        this.entries.delete(entry.mac);
    }
  }

  /** Live entries in the order in which they came. */
  list(now: number): FdbEntry[] {
    return [...this.entries.keys()].flatMap((mac) => this.lookup(mac, now) ?? []);
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
