/** First in, first out, as many packets or bytes as the limit says. Source: net/sched/sch_fifo.c. */
import {
  DropReason,
  NET_XMIT_DROP,
  NET_XMIT_SUCCESS,
  Qdisc,
  SkbQueue,
  type NetDevice,
  type QdiscKind,
  type SkBuff,
} from '@netloom/kernel-core';
import { numberOption } from './options.js';

export class Fifo extends Qdisc {
  override readonly canBypass: boolean;
  private readonly queue = new SkbQueue();

  constructor(
    kind: 'pfifo' | 'bfifo',
    dev: NetDevice,
    /** Packets, or bytes. */
    public limit: number,
  ) {
    super(kind, dev);
    this.canBypass = kind === 'pfifo' ? limit >= 1 : limit >= dev.mtu + 14;
  }

  enqueue(skb: SkBuff): number {
    const full =
      this.kind === 'pfifo' ? this.qlen >= this.limit : this.backlog + skb.len > this.limit;
    if (full) {
      this.drops++;
      this.dev.kernel.kfreeSkbReason(skb, DropReason.QDISC_DROP);
      return NET_XMIT_DROP;
    }
    this.queue.push(skb);
    this.qlen++;
    this.backlog += skb.len;
    return NET_XMIT_SUCCESS;
  }

  /** The packet that {@link dequeue} would give. */
  peek(): SkBuff | null {
    return this.queue.head;
  }

  dequeue(): SkBuff | null {
    const skb = this.queue.shift();
    if (skb === null) return null;
    this.qlen--;
    this.backlog -= skb.len;
    return skb;
  }

  reset(): void {
    this.queue.purge();
    this.dropRequeued();
    this.qlen = 0;
    this.backlog = 0;
  }

  override change(options: Readonly<Record<string, unknown>>): void {
    this.limit = numberOption(options, 'limit', this.limit);
  }

  override options(): Readonly<Record<string, unknown>> {
    return { limit: this.limit };
  }
}

function fifoKind(name: 'pfifo' | 'bfifo'): QdiscKind {
  return {
    name,
    create(dev, options) {
      const packets = Math.max(1, dev.txqlen);
      const standard = name === 'pfifo' ? packets : packets * (dev.mtu + 14);
      return new Fifo(name, dev, numberOption(options, 'limit', standard));
    },
  };
}

export const pfifo = fifoKind('pfifo');
export const bfifo = fifoKind('bfifo');
