/**
 * Neighbour entries: from a next hop's address to its link-layer address, with the states of RFC 4861 as Linux runs them.
 *
 *   NONE → INCOMPLETE → REACHABLE ⇄ STALE → DELAY → PROBE → REACHABLE | FAILED
 *
 * The protocol (ARP, ND) supplies an ops record that solicits and reports failure; output queues packets while the
 * address is unknown. Sources: net/core/neighbour.c, RFC 4861 §7.3. Times are nanoseconds.
 */
import type { RandomStream } from '@netloom/base';
import { Timer } from '@netloom/engine';
import { Nud } from '@netloom/sys';
import { ETH_HLEN, ethWrite, type In6Addr } from '@netloom/wire';
import { devQueueXmit } from './dev-xmit.js';
import { DropReason } from './drop-reasons.js';
import type { NetDevice } from './net-device.js';
import { SkbQueue } from './skb-queue.js';
import { skbCowHead, skbPush, type SkBuff } from './skbuff.js';

export const NUD_CONNECTED = Nud.NUD_PERMANENT | Nud.NUD_NOARP | Nud.NUD_REACHABLE;
export const NUD_VALID = NUD_CONNECTED | Nud.NUD_PROBE | Nud.NUD_STALE | Nud.NUD_DELAY;
const NUD_IN_TIMER = Nud.NUD_INCOMPLETE | Nud.NUD_REACHABLE | Nud.NUD_DELAY | Nud.NUD_PROBE;

export const NEIGH_UPDATE_F_OVERRIDE = 1;
export const NEIGH_UPDATE_F_WEAK_OVERRIDE = 2;
export const NEIGH_UPDATE_F_ADMIN = 0x80000000;

const SECOND = 1e9;
/** HZ/100: the timer never comes sooner. */
const TIMER_MIN = 10e6;

/** The sysctls of net.ipv4.neigh.DEV, in nanoseconds, counts and bytes. */
export interface NeighParms {
  readonly baseReachableTime: number;
  readonly retransTime: number;
  readonly gcStaletime: number;
  readonly delayProbeTime: number;
  readonly locktime: number;
  readonly ucastProbes: number;
  readonly mcastProbes: number;
  readonly appProbes: number;
  readonly queueLenBytes: number;
  /** Answers for others wait up to this long, at random. */
  readonly proxyDelay: number;
  /** Answers for others that may wait at once. */
  readonly proxyQlen: number;
  readonly anycastDelay: number;
  /** NTF_MANAGED entries are asked so often. */
  readonly intervalProbeTime: number;
  /** Broadcast questions after those to the old address went unanswered. */
  readonly mcastReprobes: number;
}

export const NEIGH_PARMS_DEFAULT: NeighParms = Object.freeze({
  baseReachableTime: 30 * SECOND,
  retransTime: SECOND,
  gcStaletime: 60 * SECOND,
  delayProbeTime: 5 * SECOND,
  locktime: SECOND,
  ucastProbes: 3,
  mcastProbes: 3,
  appProbes: 0,
  queueLenBytes: 212992,
  proxyDelay: 0.8 * SECOND,
  proxyQlen: 64,
  anycastDelay: SECOND,
  intervalProbeTime: 5 * SECOND,
  mcastReprobes: 0,
});

/** What a protocol does for its neighbours. */
export interface NeighOps {
  readonly family: number;
  /** Asks who has the address; `skb` is a waiting packet, whose source address may be used. */
  solicit(neigh: Neighbour, skb: SkBuff | null): void;
  /** A waiting packet cannot be delivered. Consumes it. */
  errorReport(neigh: Neighbour, skb: SkBuff): void;
  /** The entry changed: for `ip monitor`. */
  notify?(neigh: Neighbour): void;
  parms(dev: NetDevice): NeighParms;
  random(dev: NetDevice): RandomStream;
}

/** Tunnels have their ends' IPv4 addresses for link-layer addresses. */
const IPV4_ALEN = 4;

export class Neighbour {
  nudState: number = Nud.NUD_NONE;
  /** The link-layer address as two numbers. */
  haHi = 0;
  haLo = 0;
  confirmed: number;
  used: number;
  updated: number;
  probes = 0;
  flags = 0;
  dead = false;
  queue: SkbQueue | null = null;
  /** The next entry of the same hash, where a table is keyed by one. */
  chain: Neighbour | null = null;
  private queuedBytes = 0;
  private timer: Timer | null = null;
  private reachableTime = 0;

  constructor(
    readonly dev: NetDevice,
    /** IPv4 as a number. */
    readonly key: number | In6Addr,
    readonly ops: NeighOps,
  ) {
    this.used = this.updated = this.now;
    const parms = ops.parms(dev);
    // As if confirmed long ago (net/core/neighbour.c neigh_alloc, ___neigh_create).
    this.confirmed = this.now - parms.baseReachableTime * 2;
  }

  get now(): number {
    return this.dev.kernel.engine.now;
  }

  private armAt(time: number): void {
    this.timer ??= new Timer(this.dev.kernel.engine, () => {
      this.onTimer();
    });
    this.timer.set(Math.max(time, this.now));
  }

  /** Reachable time, drawn anew around its base by each confirmation cycle (RFC 4861 §6.3.2). */
  private drawReachableTime(): number {
    if (this.reachableTime === 0) {
      const base = this.ops.parms(this.dev).baseReachableTime;
      this.reachableTime =
        base / 2 + Math.floor((this.ops.random(this.dev).u32() / 0x1_0000_0000) * base);
    }
    return this.reachableTime;
  }

  private maxProbes(): number {
    const parms = this.ops.parms(this.dev);
    return (
      parms.ucastProbes +
      parms.appProbes +
      (this.nudState === Nud.NUD_PROBE ? 0 : parms.mcastProbes)
    );
  }

  private setState(state: number): void {
    this.nudState = state;
    if ((state & NUD_IN_TIMER) === 0) this.timer?.cancel();
    this.ops.notify?.(this);
  }

  /** @kernel neigh_timer_handler() */
  private onTimer(): void {
    if (this.dead || (this.nudState & NUD_IN_TIMER) === 0) return;
    const now = this.now;
    const parms = this.ops.parms(this.dev);
    let next = now + SECOND;
    if (this.nudState === Nud.NUD_REACHABLE) {
      if (now <= this.confirmed + this.drawReachableTime()) {
        next = this.confirmed + this.drawReachableTime() + 1;
      } else if (now <= this.used + parms.delayProbeTime) {
        this.updated = now;
        this.setState(Nud.NUD_DELAY);
        next = now + parms.delayProbeTime;
      } else {
        this.updated = now;
        this.reachableTime = 0;
        this.setState(Nud.NUD_STALE);
      }
    } else if (this.nudState === Nud.NUD_DELAY) {
      if (now <= this.confirmed + parms.delayProbeTime) {
        this.updated = now;
        this.setState(Nud.NUD_REACHABLE);
        next = this.confirmed + this.drawReachableTime();
      } else {
        this.updated = now;
        this.probes = 0;
        this.setState(Nud.NUD_PROBE);
        next = now + parms.retransTime;
      }
    } else {
      next = now + parms.retransTime; // INCOMPLETE or PROBE
    }
    if (
      (this.nudState & (Nud.NUD_INCOMPLETE | Nud.NUD_PROBE)) !== 0 &&
      this.probes >= this.maxProbes()
    ) {
      this.updated = now;
      this.setState(Nud.NUD_FAILED);
      this.invalidate();
      return;
    }
    if ((this.nudState & NUD_IN_TIMER) !== 0) this.armAt(Math.max(next, now + TIMER_MIN));
    if ((this.nudState & (Nud.NUD_INCOMPLETE | Nud.NUD_PROBE)) !== 0) this.probe();
  }

  private probe(): void {
    this.probes++;
    this.ops.solicit(this, this.queue?.tail ?? null);
  }

  /** Reports every waiting packet as undeliverable. @kernel neigh_invalidate() */
  private invalidate(): void {
    const queue = this.queue;
    if (queue === null) return;
    this.queuedBytes = 0;
    for (let skb = queue.shift(); skb !== null; skb = queue.shift())
      this.ops.errorReport(this, skb);
  }

  /**
   * Says that a packet wants to leave; starts resolution or the check of a stale entry.
   * @returns true when the packet may be sent now; else it was queued or dropped. @kernel neigh_event_send()
   */
  eventSend(skb: SkBuff | null): boolean {
    this.used = this.now;
    if ((this.nudState & (NUD_CONNECTED | Nud.NUD_DELAY | Nud.NUD_PROBE)) !== 0) return true;
    const parms = this.ops.parms(this.dev);
    let probeNow = false;
    if ((this.nudState & (Nud.NUD_STALE | Nud.NUD_INCOMPLETE)) === 0) {
      if (parms.mcastProbes + parms.appProbes === 0) {
        this.updated = this.now;
        this.setState(Nud.NUD_FAILED);
        if (skb !== null) this.dev.kernel.kfreeSkbReason(skb, DropReason.NEIGH_FAILED);
        return false;
      }
      this.probes = parms.ucastProbes;
      this.updated = this.now;
      this.setState(Nud.NUD_INCOMPLETE);
      this.armAt(this.now + Math.max(parms.retransTime, 10e6));
      probeNow = true;
    } else if (this.nudState === Nud.NUD_STALE) {
      this.updated = this.now;
      this.setState(Nud.NUD_DELAY);
      this.armAt(this.now + parms.delayProbeTime);
    }
    if (this.nudState !== Nud.NUD_INCOMPLETE) return true;
    if (skb !== null) this.enqueue(skb, parms);
    if (probeNow) this.probe();
    return false;
  }

  private enqueue(skb: SkBuff, parms: NeighParms): void {
    const queue = (this.queue ??= new SkbQueue());
    while (this.queuedBytes + skb.truesize > parms.queueLenBytes) {
      const oldest = queue.shift();
      if (oldest === null) break;
      this.queuedBytes -= oldest.truesize;
      this.dev.kernel.kfreeSkbReason(oldest, DropReason.NEIGH_QUEUEFULL);
    }
    queue.push(skb);
    this.queuedBytes += skb.truesize;
  }

  /** Sends a packet whose data starts at the network header. Consumes it; 0 or a negative errno. */
  output(skb: SkBuff, protocol: number): number {
    if ((this.nudState & NUD_CONNECTED) !== 0) return this.transmit(skb, protocol);
    skb.protocol = protocol;
    if (!this.eventSend(skb)) return 0;
    return this.transmit(skb, protocol);
  }

  private transmit(skb: SkBuff, protocol: number): number {
    const dev = this.dev;
    if (dev.hardHeaderLen === 0) {
      skb.protocol = protocol; // a device without link-layer headers
      skb.dev = dev;
      return devQueueXmit(skb) === 0 ? 0 : -105; // ENOBUFS
    }
    if (!skbCowHead(skb, ETH_HLEN)) {
      dev.kernel.kfreeSkbReason(skb, DropReason.NOMEM);
      return -12; // ENOMEM
    }
    const o = skbPush(skb, ETH_HLEN);
    ethWrite(skb.mem, o, this.haHi, this.haLo, dev.addrHi, dev.addrLo, protocol);
    skb.dev = dev;
    return devQueueXmit(skb) === 0 ? 0 : -105; // ENOBUFS
  }

  /** Evidence from above that the neighbour answers. @kernel neigh_confirm() */
  confirm(): void {
    this.confirmed = this.now;
  }

  /** Makes a stale or fresh entry ask at once, as `ip neigh` with nud probe does. */
  startProbe(): void {
    this.updated = this.now;
    this.probes = 0;
    this.setState(Nud.NUD_PROBE);
    this.armAt(this.now);
  }

  /**
   * A new state or address, from a packet or an administrator.
   * @param address 16 and 32 bits, or null to keep the known one. @kernel neigh_update()
   */
  update(
    address: { readonly hi: number; readonly lo: number } | null,
    state: number,
    flags: number,
  ): void {
    const old = this.nudState;
    const admin = (flags & NEIGH_UPDATE_F_ADMIN) !== 0;
    if (!admin && (old & (Nud.NUD_NOARP | Nud.NUD_PERMANENT)) !== 0) return;
    let next = state;
    if ((next & NUD_VALID) === 0) {
      this.setState(next);
      this.updated = this.now;
      if (
        (old & NUD_VALID) === 0 &&
        (old & (Nud.NUD_INCOMPLETE | Nud.NUD_PROBE)) !== 0 &&
        (next & Nud.NUD_FAILED) !== 0
      ) {
        this.invalidate();
      }
      return;
    }
    let hi = this.haHi;
    let lo = this.haLo;
    if (this.dev.hardHeaderLen === 0 && this.dev.address.length !== IPV4_ALEN) {
      hi = this.dev.addrHi;
      lo = this.dev.addrLo;
    } else if (address !== null) {
      const same = (old & NUD_VALID) !== 0 && address.hi === this.haHi && address.lo === this.haLo;
      if (!same) {
        hi = address.hi;
        lo = address.lo;
      }
    } else if ((old & NUD_VALID) === 0) {
      return; // EINVAL: nothing is known
    }
    if ((next & NUD_CONNECTED) !== 0) this.confirmed = this.now;
    let changed = hi !== this.haHi || lo !== this.haLo || (old & NUD_VALID) === 0;
    if ((old & NUD_VALID) !== 0) {
      if (changed && (flags & NEIGH_UPDATE_F_OVERRIDE) === 0) {
        changed = false;
        if ((flags & NEIGH_UPDATE_F_WEAK_OVERRIDE) !== 0 && (old & NUD_CONNECTED) !== 0) {
          hi = this.haHi;
          lo = this.haLo;
          next = Nud.NUD_STALE;
        } else {
          return;
        }
      } else if (!changed && next === Nud.NUD_STALE && !admin && (old & NUD_CONNECTED) !== 0) {
        next = old; // known and confirmed: gossip does not make it stale
      }
    }
    if (next !== old || changed) this.updated = this.now;
    if (changed) {
      this.haHi = hi;
      this.haLo = lo;
      if ((next & NUD_CONNECTED) === 0)
        this.confirmed = this.now - this.ops.parms(this.dev).baseReachableTime * 2;
    }
    if (next !== old) {
      if ((next & NUD_IN_TIMER) !== 0) {
        const wait = next === Nud.NUD_REACHABLE ? this.drawReachableTime() : 0;
        this.nudState = next;
        this.armAt(this.now + wait);
      }
      this.setState(next);
    } else if (changed) {
      this.ops.notify?.(this);
    }
    if (next === old) return;
    if ((old & NUD_VALID) === 0) this.flush();
  }

  /** Sends what waited for the address. */
  private flush(): void {
    const queue = this.queue;
    if (queue === null) return;
    this.queuedBytes = 0;
    for (let skb = queue.shift(); skb !== null; skb = queue.shift()) this.output(skb, skb.protocol);
  }

  /** Takes the entry out of use; waiting packets are dropped. */
  kill(): void {
    this.dead = true;
    this.timer?.cancel();
    const queue = this.queue;
    if (queue === null) return;
    for (let skb = queue.shift(); skb !== null; skb = queue.shift()) {
      this.dev.kernel.kfreeSkbReason(skb, DropReason.NEIGH_DEAD);
    }
  }

  /** The link-layer address as bytes. */
  get lladdr(): Uint8Array {
    if (this.dev.address.length === IPV4_ALEN) {
      const end = new Uint8Array(IPV4_ALEN);
      new DataView(end.buffer).setUint32(0, this.haLo);
      return end;
    }
    const bytes = new Uint8Array(6);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, this.haHi);
    view.setUint32(2, this.haLo);
    return bytes;
  }
}
