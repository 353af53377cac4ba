/**
 * Link aggregation control of a bond in mode 802.3ad: LACPDUs in and out, which ports form an aggregator, which one is
 * used. A tick of 100 ms runs every port's machines in the standard's order: receive, periodic, selection, mux, transmit.
 * Sources: IEEE 802.1AX-2008 §5.4, whose machines give the names; drivers/net/bonding/bond_3ad.c. The marker protocol is
 * not spoken; churn is counted as `monitoring` only.
 */
import { Timer } from '@netloom/engine';
import {
  devQueueXmit,
  LL_MAX_HEADER,
  netifCarrier,
  skbPut,
  type SkBuff,
} from '@netloom/kernel-core';
import { LINK_UP, type Bond, type BondSlave } from './bond-state.js';

const ACTIVITY = 1;
const TIMEOUT = 2;
const AGGREGATION = 4;
const SYNC = 8;
const COLLECTING = 16;
const DISTRIBUTING = 32;
const DEFAULTED = 64;
const EXPIRED = 128;

const STATE_NAMES = [
  'active',
  'short_timeout',
  'aggregating',
  'in_sync',
  'collecting',
  'distributing',
  'defaulted',
  'expired',
];

const TICK = 1e8;
const SHORT_TIMEOUT = 3e9;
const LONG_TIMEOUT = 90e9;
const FAST_PERIODIC = 1e9;
const SLOW_PERIODIC = 30e9;
const AGGREGATE_WAIT = 2e9;
const MAX_TX_PER_SECOND = 3;

export const ETH_P_SLOW = 0x8809;
const PDU_LENGTH = 110;
const FRAME_LENGTH = 14 + PDU_LENGTH;
/** Duplex, and 10 Gbit/s in the kernel's numbering of speeds. */
const LINK_KEY = 15;
const PORT_PRIORITY = 255;

/** One end of a link as the other is told of it. */
export interface LacpInfo {
  systemPriority: number;
  system: Uint8Array;
  key: number;
  portPriority: number;
  port: number;
  state: number;
}

type RxState = 'initialize' | 'disabled' | 'expired' | 'defaulted' | 'current';
type MuxState = 'detached' | 'waiting' | 'attached' | 'collecting_distributing';

export class LacpPort {
  readonly actor: LacpInfo;
  readonly partner: LacpInfo;
  /** The aggregator that the port is in, and whether that is settled. */
  aggregator = 0;
  selected = false;
  readyN = false;
  rx: RxState = 'initialize';
  mux: MuxState = 'detached';
  ntt = false;
  /** Deadlines, Infinity when not running. */
  currentWhile = Infinity;
  periodic = Infinity;
  waitWhile = Infinity;
  private txWindow = 0;
  private txCount = 0;

  constructor(
    readonly slave: BondSlave,
    readonly number: number,
  ) {
    const { bond } = slave;
    this.actor = {
      systemPriority: bond.numbers.ad_actor_sys_prio,
      system: bond.dev.address,
      key: LINK_KEY | (bond.numbers.ad_user_port_key << 6),
      portPriority: PORT_PRIORITY,
      port: number,
      state:
        AGGREGATION |
        (bond.words.lacp_active !== 0 ? ACTIVITY : 0) |
        (bond.words.lacp_rate !== 0 ? TIMEOUT : 0),
    };
    this.partner = noPartner();
  }

  get enabled(): boolean {
    return this.slave.dev.running && this.slave.link === LINK_UP;
  }

  /** Three PDUs a second and no more. */
  mayTransmit(now: number): boolean {
    if (now - this.txWindow >= 1e9) {
      this.txWindow = now;
      this.txCount = 0;
    }
    return this.txCount++ < MAX_TX_PER_SECOND;
  }
}

function noPartner(): LacpInfo {
  return {
    systemPriority: 65535,
    system: new Uint8Array(6),
    key: 1,
    portPriority: 255,
    port: 1,
    state: 1,
  };
}

function sameSystem(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i]);
}

function known(info: LacpInfo): boolean {
  return info.system.some((byte) => byte !== 0);
}

/** The names of a state's bits, as `ip -d link` prints them. */
export function lacpStateText(state: number): string {
  return STATE_NAMES.filter((_, bit) => (state & (1 << bit)) !== 0).join(',');
}

export class LacpBond {
  readonly ports: LacpPort[] = [];
  /** The aggregator in use, 0 for none. */
  active = 0;
  private readonly timer: Timer;

  constructor(readonly bond: Bond) {
    this.timer = new Timer(bond.dev.kernel.engine, () => {
      this.tick();
    });
  }

  private get now(): number {
    return this.bond.dev.kernel.engine.now;
  }

  start(): void {
    this.timer.set(this.now + TICK);
  }

  stop(): void {
    this.timer.cancel();
  }

  add(slave: BondSlave): LacpPort {
    const port = new LacpPort(slave, Math.max(0, ...this.ports.map(({ number }) => number)) + 1);
    port.aggregator = port.number;
    this.ports.push(port);
    if (this.active === 0) this.active = port.aggregator;
    this.initialize(port);
    return port;
  }

  remove(port: LacpPort): void {
    const at = this.ports.indexOf(port);
    if (at < 0) return;
    this.ports.splice(at, 1);
    if (port.aggregator === this.active) {
      this.bond.log(6, 'Removing an active aggregator', port.slave);
      this.active = 0;
    }
    for (const other of this.ports)
      if (other.aggregator === port.number) other.aggregator = other.number;
    this.selectActive();
  }

  /** Ports whose links carry frames. */
  inUse(port: LacpPort): boolean {
    return port.aggregator === this.active && port.mux === 'collecting_distributing';
  }

  members(aggregator: number): LacpPort[] {
    return this.ports.filter((port) => port.aggregator === aggregator);
  }

  private initialize(port: LacpPort): void {
    port.rx = 'initialize';
    port.selected = false;
    Object.assign(port.partner, noPartner());
    port.actor.state &= ~(SYNC | COLLECTING | DISTRIBUTING | DEFAULTED);
  }

  /** The link came or went. @kernel bond_3ad_handle_link_change() */
  linkChanged(slave: BondSlave): void {
    const port = slave.port;
    if (port === null) return;
    port.actor.key =
      slave.link === LINK_UP ? LINK_KEY | (this.bond.numbers.ad_user_port_key << 6) : 0;
    if (slave.link === LINK_UP) {
      port.selected = false;
      this.enterExpired(port);
    }
    port.ntt = true;
    this.run();
  }

  private enterExpired(port: LacpPort): void {
    port.rx = 'expired';
    port.partner.state = (port.partner.state & ~(SYNC | ACTIVITY)) | TIMEOUT;
    port.actor.state = (port.actor.state | EXPIRED) & ~SYNC;
    port.currentWhile = this.now + SHORT_TIMEOUT;
  }

  private tick(): void {
    this.run();
    this.timer.set(this.now + TICK);
  }

  /** Every machine of every port once. @kernel bond_3ad_state_machine_handler() */
  private run(): void {
    for (const port of this.ports) {
      port.actor.system = this.systemAddress();
      this.rxMachine(port);
      this.periodicMachine(port);
    }
    for (const port of this.ports) this.selection(port);
    this.selectActive();
    for (const port of this.ports) this.muxMachine(port);
    for (const port of this.ports) this.txMachine(port);
    this.setCarrier();
  }

  systemAddress(): Uint8Array {
    const set = this.bond.adActorSystem;
    return set.some((byte) => byte !== 0) ? set : this.bond.dev.address;
  }

  private rxMachine(port: LacpPort): void {
    if (port.rx === 'initialize') port.rx = 'disabled';
    if (!port.enabled) {
      if (port.rx !== 'disabled') {
        port.rx = 'disabled';
        port.partner.state &= ~SYNC;
      }
      return;
    }
    if (port.rx === 'disabled') {
      this.enterExpired(port);
    } else if (port.currentWhile <= this.now) {
      if (port.rx === 'current') this.enterExpired(port);
      else if (port.rx === 'expired') {
        port.rx = 'defaulted';
        port.currentWhile = Infinity;
        const was = { ...port.partner };
        Object.assign(port.partner, noPartner());
        if (known(was)) port.selected = false;
        port.actor.state = (port.actor.state | DEFAULTED) & ~EXPIRED;
      }
    }
    if (port.rx === 'expired' && !known(port.partner)) port.actor.state |= DEFAULTED;
  }

  private periodicMachine(port: LacpPort): void {
    const passive = (port.actor.state & ACTIVITY) === 0 && (port.partner.state & ACTIVITY) === 0;
    if (!port.enabled || passive) {
      port.periodic = Infinity;
      return;
    }
    const interval = (port.partner.state & TIMEOUT) !== 0 ? FAST_PERIODIC : SLOW_PERIODIC;
    if (port.periodic === Infinity) port.periodic = this.now + interval;
    else if (port.periodic <= this.now) {
      port.ntt = true;
      port.periodic = this.now + interval;
    } else if (port.periodic > this.now + interval) port.periodic = this.now + interval;
  }

  /** Ports with the same partner and keys share an aggregator. @kernel ad_port_selection_logic() */
  private selection(port: LacpPort): void {
    if (port.selected || !port.enabled) return;
    const fits = (other: LacpPort): boolean =>
      other !== port &&
      other.selected &&
      other.actor.key === port.actor.key &&
      other.partner.key === port.partner.key &&
      other.partner.systemPriority === port.partner.systemPriority &&
      sameSystem(other.partner.system, port.partner.system) &&
      known(port.partner) &&
      (port.partner.state & AGGREGATION) !== 0;
    const mate = this.ports.find(fits);
    const free = (id: number): boolean =>
      !this.ports.some((other) => other !== port && other.selected && other.aggregator === id);
    port.aggregator =
      mate?.aggregator ??
      (free(port.aggregator)
        ? port.aggregator
        : (this.ports.map(({ number }) => number).find(free) ?? port.number));
    port.selected = true;
  }

  /** The best aggregator is used. @kernel ad_agg_selection_logic() */
  private selectActive(): void {
    const ids = [...new Set(this.ports.map(({ aggregator }) => aggregator))];
    const usable = (id: number): number => this.members(id).filter((port) => port.enabled).length;
    const hasPartner = (id: number): boolean =>
      this.members(id).some(({ partner }) => known(partner));
    const better = (a: number, b: number): boolean => {
      if (usable(a) > 0 !== usable(b) > 0) return usable(a) > 0;
      if (hasPartner(a) !== hasPartner(b)) return hasPartner(a);
      return usable(a) > usable(b);
    };
    let best = ids.includes(this.active) ? this.active : 0;
    for (const id of ids) if (best === 0 || better(id, best)) best = id;
    const stable = this.bond.words.ad_select === 0;
    if (
      stable &&
      ids.includes(this.active) &&
      usable(this.active) > 0 &&
      hasPartner(this.active) === hasPartner(best)
    )
      best = this.active;
    if (best === this.active) return;
    this.active = best;
    for (const port of this.ports) this.applyActive(port);
  }

  private muxMachine(port: LacpPort): void {
    const inSync = (port.partner.state & SYNC) !== 0;
    switch (port.mux) {
      case 'detached':
        if (port.selected && port.enabled) {
          port.mux = 'waiting';
          port.waitWhile = this.now + AGGREGATE_WAIT;
        }
        break;
      case 'waiting':
        if (!port.selected || !port.enabled) this.detach(port);
        else if (port.waitWhile <= this.now) {
          port.mux = 'attached';
          port.waitWhile = Infinity;
          port.actor.state |= SYNC;
          port.ntt = true;
        }
        break;
      case 'attached':
        if (!port.selected || !port.enabled) this.detach(port);
        else if (inSync || (port.rx === 'defaulted' && port.aggregator === this.active)) {
          if (!inSync) break;
          port.mux = 'collecting_distributing';
          port.actor.state |= COLLECTING | DISTRIBUTING;
          port.ntt = true;
          this.applyActive(port);
        }
        break;
      case 'collecting_distributing':
        if (!port.selected || !port.enabled) this.detach(port);
        else if (!inSync) {
          port.mux = 'attached';
          port.actor.state &= ~(COLLECTING | DISTRIBUTING);
          port.ntt = true;
          this.applyActive(port);
        }
        break;
    }
  }

  private detach(port: LacpPort): void {
    port.mux = 'detached';
    port.waitWhile = Infinity;
    port.actor.state &= ~(SYNC | COLLECTING | DISTRIBUTING);
    port.ntt = true;
    this.applyActive(port);
  }

  /** Slaves outside of the aggregator in use stand by; one without partner is used alone. */
  private applyActive(port: LacpPort): void {
    port.slave.active =
      port.aggregator === this.active &&
      port.enabled &&
      (port.mux === 'collecting_distributing' || !known(port.partner));
  }

  private txMachine(port: LacpPort): void {
    if (!known(port.partner)) this.applyActive(port);
    if (!port.ntt || !port.enabled || this.bond.words.lacp_active === 0) return;
    if (!port.mayTransmit(this.now)) return;
    this.transmit(port);
    port.ntt = false;
  }

  private transmit(port: LacpPort): void {
    const { dev } = port.slave;
    const { kernel } = dev;
    const skb = kernel.pool.alloc(FRAME_LENGTH, LL_MAX_HEADER);
    if (skb === null) return;
    const frame = new Uint8Array(FRAME_LENGTH);
    frame.set([0x01, 0x80, 0xc2, 0, 0, 2], 0);
    frame.set(dev.address, 6);
    const view = new DataView(frame.buffer);
    view.setUint16(12, ETH_P_SLOW);
    frame.set([1, 1], 14); // LACP, version 1
    this.writeInfo(view, 16, 1, port.actor);
    this.writeInfo(view, 36, 2, port.partner);
    frame.set([3, 16], 56); // collector, maximum delay 0
    kernel.mem.u8.set(frame, skbPut(skb, FRAME_LENGTH));
    skb.protocol = ETH_P_SLOW;
    skb.priority = 7;
    skb.packetId = kernel.pool.nextPacketId();
    skb.dev = dev;
    devQueueXmit(skb);
  }

  private writeInfo(view: DataView, at: number, type: number, info: LacpInfo): void {
    view.setUint8(at, type);
    view.setUint8(at + 1, 20);
    view.setUint16(at + 2, info.systemPriority);
    info.system.forEach((byte, i) => {
      view.setUint8(at + 4 + i, byte);
    });
    view.setUint16(at + 10, info.key);
    view.setUint16(at + 12, info.portPriority);
    view.setUint16(at + 14, info.port);
    view.setUint8(at + 16, info.state);
  }

  /** A LACPDU came in (data behind the Ethernet header). @kernel bond_3ad_lacpdu_recv() */
  receive(skb: SkBuff, port: LacpPort): void {
    if (skb.len - skb.dataLen < 54) return;
    const { dv, u8 } = skb.mem;
    const o = skb.data;
    if (u8[o] !== 1 || u8[o + 1] !== 1 || !port.enabled) return;
    const read = (at: number): LacpInfo => ({
      systemPriority: dv.getUint16(at + 2),
      system: u8.slice(at + 4, at + 10),
      key: dv.getUint16(at + 10),
      portPriority: dv.getUint16(at + 12),
      port: dv.getUint16(at + 14),
      state: u8[at + 16] as number,
    });
    const theirs = read(o + 2);
    const ofUs = read(o + 22);
    if (sameSystem(theirs.system, this.systemAddress()) && theirs.port === port.number) return; // our own, looped back
    if (
      theirs.key !== port.partner.key ||
      !sameSystem(theirs.system, port.partner.system) ||
      theirs.port !== port.partner.port
    )
      port.selected = false;
    // what they believe of us is out of date: tell them
    const relevant = ACTIVITY | TIMEOUT | AGGREGATION | SYNC;
    if (
      ofUs.port !== port.actor.port ||
      !sameSystem(ofUs.system, port.actor.system) ||
      ofUs.key !== port.actor.key ||
      ((ofUs.state ^ port.actor.state) & relevant) !== 0
    )
      port.ntt = true;
    const matched =
      ofUs.port === port.actor.port &&
      sameSystem(ofUs.system, port.actor.system) &&
      ofUs.key === port.actor.key &&
      ((ofUs.state ^ port.actor.state) & AGGREGATION) === 0;
    Object.assign(port.partner, theirs);
    port.partner.state =
      matched && (theirs.state & SYNC) !== 0 ? theirs.state | SYNC : theirs.state & ~SYNC;
    port.actor.state &= ~(DEFAULTED | EXPIRED);
    port.rx = 'current';
    port.currentWhile =
      this.now + ((port.actor.state & TIMEOUT) !== 0 ? SHORT_TIMEOUT : LONG_TIMEOUT);
    if (port.ntt) this.run();
  }

  /** A bond has carrier while its aggregator has enough links. @kernel bond_3ad_set_carrier() */
  setCarrier(): void {
    const links = this.members(this.active).filter((port) => port.enabled).length;
    netifCarrier(this.bond.dev, links >= Math.max(1, this.bond.numbers.min_links));
  }
}
