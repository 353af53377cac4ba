/**
 * The token bucket filter: frames leave at a rate, with bursts as large as the bucket, and wait in a queue of bytes.
 *
 *   tokens (ns of sending time) ← min(burst, tokens + time passed) - time of the frame;   never below 0, else wait
 *
 * Source: net/sched/sch_tbf.c. Units: rates in bytes a second, sizes in bytes, times in nanoseconds.
 */
import { KernelError } from '@netloom/base';
import {
  DropReason,
  NET_XMIT_DROP,
  NET_XMIT_SUCCESS,
  Qdisc,
  skbGsoHeaderLength,
  skbGsoSegment,
  type NetDevice,
  type QdiscKind,
  type SkBuff,
} from '@netloom/kernel-core';
import { Fifo } from './fifo.js';
import { numberOption } from './options.js';
import { Watchdog } from './watchdog.js';

interface Settings {
  readonly rate: number;
  readonly burst: number;
  readonly limit: number;
  /** 0: none. */
  readonly peakrate: number;
  readonly mtu: number;
  readonly overhead: number;
  readonly mpu: number;
}

function readSettings(dev: NetDevice, options: Readonly<Record<string, unknown>>): Settings {
  const settings = {
    rate: numberOption(options, 'rate', 0),
    burst: numberOption(options, 'burst', 0),
    limit: numberOption(options, 'limit', 0),
    peakrate: numberOption(options, 'peakrate', 0),
    mtu: numberOption(options, 'mtu', 0),
    overhead: numberOption(options, 'overhead', 0),
    mpu: numberOption(options, 'mpu', 0),
  };
  if (settings.rate <= 0) throw new KernelError('EINVAL');
  if (settings.peakrate > 0 && settings.peakrate <= settings.rate) {
    dev.kernel.printk(
      4,
      `sch_tbf: peakrate ${settings.peakrate} is lower than or equals to rate ${settings.rate} !`,
    );
    throw new KernelError('EINVAL');
  }
  if (settings.burst < dev.mtu + dev.hardHeaderLen)
    dev.kernel.printk(
      4,
      `sch_tbf: burst ${settings.burst} is lower than device ${dev.name} mtu (${dev.mtu + dev.hardHeaderLen}) !`,
    );
  return settings;
}

class Tbf extends Qdisc {
  private readonly queue: Fifo;
  private readonly watchdog: Watchdog;
  private stamp: number;
  private tokens: number;
  private peakTokens: number;

  constructor(
    dev: NetDevice,
    private settings: Settings,
  ) {
    super('tbf', dev);
    this.queue = new Fifo('bfifo', dev, settings.limit);
    this.watchdog = new Watchdog(dev);
    this.stamp = dev.kernel.engine.now;
    this.tokens = this.sendingTime(settings.burst, settings.rate);
    this.peakTokens = this.sendingTime(settings.mtu, settings.peakrate);
  }

  private sendingTime(bytes: number, rate: number): number {
    return rate === 0 ? 0 : Math.floor((bytes * 1e9) / rate);
  }

  private lengthOf(skb: SkBuff): number {
    return Math.max(skb.len + this.settings.overhead, this.settings.mpu);
  }

  /** The longest frame that the bucket can ever let go. */
  private get longest(): number {
    const { burst, peakrate, mtu } = this.settings;
    return peakrate > 0 ? Math.min(burst, mtu) : burst;
  }

  enqueue(skb: SkBuff): number {
    if (skb.len > this.longest) {
      if (skb.gsoSize > 0 && skbGsoHeaderLength(skb) + skb.gsoSize <= this.longest)
        return this.enqueueSegments(skb);
      return this.refuse(skb);
    }
    return this.count(this.queue.enqueue(skb));
  }

  private refuse(skb: SkBuff): number {
    this.drops++;
    this.dev.kernel.kfreeSkbReason(skb, DropReason.QDISC_DROP);
    return NET_XMIT_DROP;
  }

  private count(verdict: number): number {
    if (verdict !== NET_XMIT_SUCCESS) this.drops++;
    this.qlen = this.queue.qlen;
    this.backlog = this.queue.backlog;
    return verdict;
  }

  /** A super-packet larger than the bucket goes segment by segment. @kernel tbf_segment() */
  private enqueueSegments(skb: SkBuff): number {
    let taken = 0;
    let seg = skbGsoSegment(skb);
    while (seg !== null) {
      const { next } = seg;
      seg.next = null;
      if (this.count(this.queue.enqueue(seg)) === NET_XMIT_SUCCESS) taken++;
      seg = next;
    }
    return taken > 0 ? NET_XMIT_SUCCESS : NET_XMIT_DROP;
  }

  dequeue(): SkBuff | null {
    const next = this.queue.peek();
    if (next === null) return null;
    const { now } = this.dev.kernel.engine;
    const { rate, burst, peakrate, mtu } = this.settings;
    const length = this.lengthOf(next);
    const full = this.sendingTime(burst, rate);
    const passed = Math.min(now - this.stamp, full);
    let peak = 0;
    if (peakrate > 0)
      peak =
        Math.min(passed + this.peakTokens, this.sendingTime(mtu, peakrate)) -
        this.sendingTime(length, peakrate);
    const tokens = Math.min(passed + this.tokens, full) - this.sendingTime(length, rate);
    if (tokens < 0 || peak < 0) {
      this.watchdog.schedule(now + Math.max(-tokens, -peak));
      this.overlimits++;
      return null;
    }
    const skb = this.queue.dequeue();
    this.stamp = now;
    this.tokens = tokens;
    this.peakTokens = peak;
    this.qlen = this.queue.qlen;
    this.backlog = this.queue.backlog;
    return skb;
  }

  reset(): void {
    this.queue.reset();
    this.dropRequeued();
    this.qlen = 0;
    this.backlog = 0;
    this.stamp = this.dev.kernel.engine.now;
    this.tokens = this.sendingTime(this.settings.burst, this.settings.rate);
    this.watchdog.cancel();
  }

  override change(options: Readonly<Record<string, unknown>>): void {
    this.settings = readSettings(this.dev, options);
    this.queue.limit = this.settings.limit;
    this.tokens = this.sendingTime(this.settings.burst, this.settings.rate);
    this.peakTokens = this.sendingTime(this.settings.mtu, this.settings.peakrate);
  }

  override options(): Readonly<Record<string, unknown>> {
    return { ...this.settings };
  }
}

export const tbf: QdiscKind = {
  name: 'tbf',
  create: (dev, options) => new Tbf(dev, readSettings(dev, options)),
};
