/**
 * Where TCP finds its sockets: connections by address pair, listeners and bound sockets by port.
 *
 *   ehash    connections, requests and TIME-WAIT entries: numeric hash of the 4-tuple → chain
 *   listen   port → listeners, the best match wins, SO_REUSEPORT groups share by hash
 *   bind     port → bucket of everybody who uses the port
 *
 * Sources: net/ipv4/inet_hashtables.c, net/ipv4/inet_connection_sock.c. Keys are integers; iteration is in order of
 * insertion, so that dumps and choices are the same in every run.
 */
import type { Sock } from '@netloom/kernel-core';
import { BIND_V6, bindAddressesMeet } from '@netloom/kernel-inet';
import { in6Equal, type In6Addr } from '@netloom/wire';
import type { V6Ends } from './tcp-af.js';
import { TCP_LISTEN, TCP_TIME_WAIT } from './tcp-const.js';
import { tupleHash } from './tcp-secret.js';
import type { TcpSock } from './tcp-sock.js';

/** What all entries of the connection table have; told apart by `state`. */
export interface TcpEntry {
  readonly state: number;
  readonly rcvSaddr: number;
  readonly daddr: number;
  /** The addresses themselves where the connection is one of native IPv6. */
  readonly v6Ends: V6Ends | null;
  readonly sport: number;
  readonly dport: number;
  readonly boundDev: number;
  ehashNext: TcpEntry | null;
}

/** What a bind bucket needs to know of a user of its port. */
export interface BindOwner {
  readonly state: number;
  readonly rcvSaddr: number;
  /** BIND_V4, BIND_DUAL or BIND_V6. */
  readonly bindClass: number;
  readonly boundDev: number;
  readonly reuseAddr: boolean;
  readonly reusePort: boolean;
  readonly uid: number;
}

/** Users of a port: mostly one, which needs no set. */
class BindOwners {
  private one: BindOwner | null = null;
  private rest: Set<BindOwner> | null = null;

  get size(): number {
    return (this.one === null ? 0 : 1) + (this.rest?.size ?? 0);
  }

  add(owner: BindOwner): void {
    if (this.one === owner || this.rest?.has(owner) === true) return;
    if (this.one === null) this.one = owner;
    else (this.rest ??= new Set<BindOwner>()).add(owner);
  }

  delete(owner: BindOwner): void {
    if (this.one === owner) this.one = null;
    else this.rest?.delete(owner);
  }

  *[Symbol.iterator](): Generator<BindOwner> {
    if (this.one !== null) yield this.one;
    if (this.rest !== null) yield* this.rest;
  }
}

export class BindBucket {
  readonly owners = new BindOwners();
  /** Taken by bind() (and not only by connect()'s own choice of ports). */
  bound = false;

  constructor(readonly port: number) {}
}

const EHASH_KEY = 0x1b873593;

function ehashKey(laddr: number, lport: number, faddr: number, fport: number): number {
  return tupleHash(EHASH_KEY, laddr, faddr, (lport << 16) | fport) & 0x3fffffff;
}

export class TcpHash {
  private readonly ehash = new Map<number, TcpEntry>();
  private readonly listeners = new Map<number, TcpSock[]>();
  private readonly bhash = new Map<number, BindBucket>();

  /** The entry for a packet from (faddr, fport) to (laddr, lport). @kernel __inet_lookup_established() */
  lookup(
    laddr: number,
    lport: number,
    faddr: number,
    fport: number,
    ifindex: number,
  ): TcpEntry | null {
    let entry = this.ehash.get(ehashKey(laddr, lport, faddr, fport)) ?? null;
    while (entry !== null) {
      if (
        entry.rcvSaddr === laddr &&
        entry.daddr === faddr &&
        entry.sport === lport &&
        entry.dport === fport &&
        (entry.boundDev === 0 || entry.boundDev === ifindex)
      ) {
        return entry;
      }
      entry = entry.ehashNext;
    }
    return null;
  }

  /** The same for a packet of IPv6; the numbers are those of the addresses. @kernel __inet6_lookup_established() */
  lookup6(
    laddr: In6Addr,
    lkey: number,
    lport: number,
    faddr: In6Addr,
    fkey: number,
    fport: number,
    ifindex: number,
  ): TcpEntry | null {
    let entry = this.ehash.get(ehashKey(lkey, lport, fkey, fport)) ?? null;
    while (entry !== null) {
      const ends = entry.v6Ends;
      if (
        ends !== null &&
        entry.sport === lport &&
        entry.dport === fport &&
        in6Equal(ends.daddr, faddr) &&
        in6Equal(ends.saddr, laddr) &&
        (entry.boundDev === 0 || entry.boundDev === ifindex)
      ) {
        return entry;
      }
      entry = entry.ehashNext;
    }
    return null;
  }

  insert(entry: TcpEntry): void {
    const key = ehashKey(entry.rcvSaddr, entry.sport, entry.daddr, entry.dport);
    entry.ehashNext = this.ehash.get(key) ?? null;
    this.ehash.set(key, entry);
  }

  /** True where the entry was in the table. */
  remove(entry: TcpEntry): boolean {
    const key = ehashKey(entry.rcvSaddr, entry.sport, entry.daddr, entry.dport);
    let at = this.ehash.get(key) ?? null;
    if (at === entry) {
      if (entry.ehashNext === null) this.ehash.delete(key);
      else this.ehash.set(key, entry.ehashNext);
      entry.ehashNext = null;
      return true;
    }
    while (at !== null) {
      if (at.ehashNext === entry) {
        at.ehashNext = entry.ehashNext;
        entry.ehashNext = null;
        return true;
      }
      at = at.ehashNext;
    }
    return false;
  }

  /** Connections, requests and TIME-WAIT entries. */
  *entries(): Generator<TcpEntry> {
    for (const head of this.ehash.values()) {
      for (let entry: TcpEntry | null = head; entry !== null; entry = entry.ehashNext) yield entry;
    }
  }

  /** Listeners by port. */
  *allListeners(): Generator<TcpSock> {
    for (const list of this.listeners.values()) yield* list;
  }

  addListener(sk: TcpSock): void {
    const list = this.listeners.get(sk.sport);
    if (list === undefined) this.listeners.set(sk.sport, [sk]);
    else list.push(sk);
  }

  removeListener(sk: TcpSock): void {
    const list = this.listeners.get(sk.sport);
    const at = list?.indexOf(sk) ?? -1;
    if (list === undefined || at < 0) return;
    list.splice(at, 1);
    if (list.length === 0) this.listeners.delete(sk.sport);
  }

  /** The listener for a packet: bound to device and address before wildcards. @kernel __inet_lookup_listener() */
  lookupListener(
    daddr: number,
    dport: number,
    saddr: number,
    sport: number,
    ifindex: number,
  ): TcpSock | null {
    const list = this.listeners.get(dport);
    if (list === undefined) return null;
    let best: TcpSock | null = null;
    let bestScore = -1;
    let equals = 0;
    for (let i = 0; i < list.length; i++) {
      const sk = list[i] as TcpSock;
      if (sk.rcvSaddr !== 0 && sk.rcvSaddr !== daddr) continue;
      if (sk.boundDev !== 0 && sk.boundDev !== ifindex) continue;
      if (sk.v6 !== null && sk.bindClass === BIND_V6) continue;
      const score =
        (sk.rcvSaddr !== 0 ? 4 : 0) + (sk.boundDev !== 0 ? 2 : 0) + (sk.v6 === null ? 1 : 0);
      if (score > bestScore) {
        best = sk;
        bestScore = score;
        equals = 1;
      } else if (score === bestScore && sk.reusePort && best !== null && best.reusePort) {
        equals++;
        // Each of a group of n is chosen by its share of the hash (reciprocal_scale over the group).
        const hash = tupleHash(EHASH_KEY, saddr, daddr, (sport << 16) | dport);
        if (Math.floor((hash / 0x1_0000_0000) * equals) === equals - 1) best = sk;
      }
    }
    return best;
  }

  /** The listener for a packet of IPv6. @kernel inet6_lookup_listener() */
  lookupListener6(
    daddr: In6Addr,
    dkey: number,
    dport: number,
    skey: number,
    sport: number,
    ifindex: number,
  ): TcpSock | null {
    const list = this.listeners.get(dport);
    if (list === undefined) return null;
    let best: TcpSock | null = null;
    let bestScore = -1;
    let equals = 0;
    for (const sk of list) {
      const v6 = sk.v6;
      if (v6 === null || v6.mapped) continue;
      if (sk.rcvSaddr !== 0 && !in6Equal(v6.rcvSaddr, daddr)) continue;
      if (sk.boundDev !== 0 && sk.boundDev !== ifindex) continue;
      const score = (sk.rcvSaddr !== 0 ? 4 : 0) + (sk.boundDev !== 0 ? 2 : 0);
      if (score > bestScore) {
        best = sk;
        bestScore = score;
        equals = 1;
      } else if (score === bestScore && sk.reusePort && best !== null && best.reusePort) {
        equals++;
        const hash = tupleHash(EHASH_KEY, skey, dkey, (sport << 16) | dport);
        if (Math.floor((hash / 0x1_0000_0000) * equals) === equals - 1) best = sk;
      }
    }
    return best;
  }

  bucket(port: number): BindBucket | undefined {
    return this.bhash.get(port);
  }

  /** Lists `owner` under a port. @kernel inet_bind_hash() */
  bind(port: number, owner: BindOwner, byBind: boolean): BindBucket {
    let bucket = this.bhash.get(port);
    if (bucket === undefined) {
      bucket = new BindBucket(port);
      this.bhash.set(port, bucket);
    }
    bucket.owners.add(owner);
    if (byBind) bucket.bound = true;
    return bucket;
  }

  /** @kernel inet_put_port() */
  unbind(bucket: BindBucket, owner: BindOwner): void {
    bucket.owners.delete(owner);
    if (bucket.owners.size === 0) this.bhash.delete(bucket.port);
  }

  /**
   * Whether `sk` may not take a port. `relax`: the port was asked for by number, so that SO_REUSEADDR may share it.
   * @kernel net/ipv4/inet_connection_sock.c inet_csk_bind_conflict()
   */
  conflicts(sk: BindOwner & Sock, port: number, addr: number, relax: boolean): boolean {
    const bucket = this.bhash.get(port);
    if (bucket === undefined) return false;
    for (const other of bucket.owners) {
      if (other === sk) continue;
      if (sk.boundDev !== 0 && other.boundDev !== 0 && sk.boundDev !== other.boundDev) continue;
      if (!bindAddressesMeet(sk.bindClass, addr, other.bindClass, other.rcvSaddr)) continue;
      const sharesPort =
        sk.reusePort && other.reusePort && (other.state === TCP_TIME_WAIT || other.uid === sk.uid);
      if (sk.reuseAddr && other.reuseAddr && other.state !== TCP_LISTEN) {
        if (!relax && !sharesPort) return true;
      } else if (!sharesPort) {
        return true;
      }
    }
    return false;
  }
}
