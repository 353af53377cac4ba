/**
 * Queueing disciplines: the interface, the table of kinds, and `pfifo_fast`, the default of a card.
 * A device without one (`noqueue`) hands frames straight to its driver.
 * Sources: include/net/sch_generic.h, net/sched/sch_generic.c.
 */
import { KernelError } from '@netloom/base';
import { DropReason } from './drop-reasons.js';
import { devHardStartXmit } from './dev-xmit.js';
import { NETDEV_TX_BUSY, type NetDevice } from './net-device.js';
import { SkbQueue } from './skb-queue.js';
import type { SkBuff } from './skbuff.js';

export const NET_XMIT_SUCCESS = 0;
export const NET_XMIT_DROP = 1;
export const NET_XMIT_CN = 2;

/** tc's handles: major in the upper 16 bits. */
export const TC_H_ROOT = 0xffffffff;

export abstract class Qdisc {
  handle = 0;
  parent = TC_H_ROOT;
  /** Packets and bytes queued. */
  qlen = 0;
  backlog = 0;
  packets = 0;
  bytes = 0;
  drops = 0;
  overlimits = 0;
  requeues = 0;
  /** True while {@link qdiscRun} is emptying it. */
  running = false;
  /** A packet that the driver refused. */
  gsoSkb: SkBuff | null = null;
  /** An empty queue may be passed over (TCQ_F_CAN_BYPASS). */
  readonly canBypass: boolean = false;

  constructor(
    readonly kind: string,
    readonly dev: NetDevice,
  ) {}

  /** Takes a packet or drops it. NET_XMIT_… */
  abstract enqueue(skb: SkBuff): number;
  abstract dequeue(): SkBuff | null;
  /** Empties the queue; subclasses also call {@link dropRequeued}. */
  abstract reset(): void;

  protected dropRequeued(): void {
    const skb = this.gsoSkb;
    this.gsoSkb = null;
    if (skb !== null) skb.pool.release(skb);
  }

  /** New options, by tc's names. @errno EOPNOTSUPP where there is nothing to change */
  change(_options: Readonly<Record<string, unknown>>): void {
    throw new KernelError('EOPNOTSUPP', 'Change operation not supported by specified qdisc');
  }

  /** Attributes as `tc -j qdisc show` names them. */
  options(): Readonly<Record<string, unknown>> {
    return {};
  }
}

/** Priority to band. @kernel net/sched/sch_generic.c prio2band */
const PRIO2BAND = [1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1] as const;

/** Three bands by priority, each first-in first-out, together as long as the device's txqlen. */
export class PfifoFast extends Qdisc {
  override readonly canBypass = true;
  private readonly bands = [new SkbQueue(), new SkbQueue(), new SkbQueue()] as const;

  constructor(dev: NetDevice) {
    super('pfifo_fast', dev);
  }

  enqueue(skb: SkBuff): number {
    const band = this.bands[PRIO2BAND[skb.priority & 15] ?? 1];
    if (band === undefined || band.length >= this.dev.txqlen) {
      this.drops++;
      this.dev.kernel.kfreeSkbReason(skb, DropReason.QDISC_DROP);
      return NET_XMIT_DROP;
    }
    band.push(skb);
    this.qlen++;
    this.backlog += skb.len;
    return NET_XMIT_SUCCESS;
  }

  dequeue(): SkBuff | null {
    for (const band of this.bands) {
      const skb = band.shift();
      if (skb === null) continue;
      this.qlen--;
      this.backlog -= skb.len;
      return skb;
    }
    return null;
  }

  reset(): void {
    for (const band of this.bands) band.purge();
    this.dropRequeued();
    this.qlen = 0;
    this.backlog = 0;
  }

  override options(): Readonly<Record<string, unknown>> {
    return { bands: 3, priomap: PRIO2BAND };
  }
}

/** Queues a packet and sends what the driver will take. Consumes it. @kernel net/core/dev.c __dev_xmit_skb() */
export function qdiscXmit(q: Qdisc, skb: SkBuff): number {
  if (q.canBypass && q.qlen === 0 && !q.running && !q.dev.txStopped) {
    q.packets++;
    q.bytes += skb.len;
    if (devHardStartXmit(skb, q.dev) !== NETDEV_TX_BUSY) return NET_XMIT_SUCCESS;
    requeue(q, skb);
    return NET_XMIT_SUCCESS;
  }
  const verdict = q.enqueue(skb);
  qdiscRun(q);
  return verdict;
}

function requeue(q: Qdisc, skb: SkBuff): void {
  q.gsoSkb = skb;
  q.requeues++;
  q.qlen++;
  q.backlog += skb.len;
}

/** Sends queued packets until the queue is empty or the driver stops. @kernel __qdisc_run() */
export function qdiscRun(q: Qdisc): void {
  if (q.running) return;
  q.running = true;
  while (!q.dev.txStopped) {
    let skb = q.gsoSkb;
    if (skb !== null) {
      q.gsoSkb = null;
      q.qlen--;
      q.backlog -= skb.len;
    } else {
      skb = q.dequeue();
      if (skb === null) break;
      q.packets++;
      q.bytes += skb.len;
    }
    if (devHardStartXmit(skb, q.dev) === NETDEV_TX_BUSY) {
      requeue(q, skb);
      break;
    }
  }
  q.running = false;
}
