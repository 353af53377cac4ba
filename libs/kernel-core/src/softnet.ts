/**
 * The receive machinery of a CPU: poll list, NAPI instances, softirq, backlog.
 *
 *   card: IRQ → napiSchedule → irqExit → netRxAction → napi.poll(budget) → netifReceiveSkb
 *   lo, veth: netifRx → backlog → netRxAction → processBacklog → receiveOnCpu
 *
 * Work raised from inside softirq is done by the loop that is running; work raised from process context or a timer runs
 * as an event of its own at the same instant, so the stack is never entered twice. Sources: net/core/dev.c.
 */
import { DropReason } from './drop-reasons.js';
import { receiveOnCpu } from './dev-receive.js';
import type { Kernel } from './kernel.js';
import type { NetDevice } from './net-device.js';
import { SkbQueue } from './skb-queue.js';
import { rpsCpu } from './rps.js';
import type { SkBuff } from './skbuff.js';

/** What a packet costs once a run's budget is used up; up to there softirqs take no time. */
const SQUEEZED_PACKET_NS = 1000;

/** How many packets one poll may take. */
export const NAPI_POLL_WEIGHT = 64;

export const NET_RX_SUCCESS = 0;
export const NET_RX_DROP = 1;

/** A pollable source of packets. */
export class NapiStruct {
  /** Neighbour in the poll list. */
  next: NapiStruct | null = null;
  scheduled = false;

  constructor(
    readonly poll: (napi: NapiStruct, budget: number) => number,
    readonly dev: NetDevice | null,
    readonly priv: object,
  ) {}
}

/** Per-CPU receive state, with the counters of /proc/net/softnet_stat and /proc/softirqs. */
export class SoftnetData {
  processed = 0;
  dropped = 0;
  timeSqueeze = 0;
  receivedRps = 0;
  flowLimitCount = 0;
  /** Runs of NET_RX and NET_TX. */
  netRxRuns = 0;
  netTxRuns = 0;
  hardIrqs = 0;
  readonly backlog = new SkbQueue();
  private head: NapiStruct | null = null;
  private tail: NapiStruct | null = null;
  private running = false;
  private raised = false;
  private readonly backlogNapi: NapiStruct;

  constructor(
    readonly kernel: Kernel,
    readonly cpu: number,
  ) {
    this.backlogNapi = new NapiStruct(processBacklog, null, this);
  }

  /** Puts a NAPI instance on the poll list; the caller then lets softirq run. @kernel ____napi_schedule() */
  addToPollList(napi: NapiStruct): void {
    napi.scheduled = true;
    napi.next = null;
    if (this.tail === null) this.head = napi;
    else this.tail.next = napi;
    this.tail = napi;
  }

  private takeFromPollList(): NapiStruct | null {
    const napi = this.head;
    if (napi === null) return null;
    this.head = napi.next;
    if (this.head === null) this.tail = null;
    napi.next = null;
    return napi;
  }

  /** Runs NET_RX now where nothing of it is running yet: the end of a hard interrupt. @kernel irq_exit() */
  irqExit(): void {
    if (!this.running) this.doSoftirq();
  }

  /** Sees to it that NET_RX runs: by the loop in progress, or as an event at this instant. */
  raiseNetRx(): void {
    if (this.running || this.raised) return;
    this.raised = true;
    this.kernel.engine.at(this.kernel.engine.now, softirqEvent, this);
  }

  /** @internal */
  runRaised(): void {
    this.raised = false;
    if (!this.running) this.doSoftirq();
  }

  private doSoftirq(): void {
    this.running = true;
    this.netRxRuns++;
    this.netRxAction();
    this.running = false;
  }

  /** @kernel net/core/dev.c net_rx_action() */
  private netRxAction(): void {
    const kernel = this.kernel;
    let budget = kernel.netdevBudget;
    const timeLimit = kernel.engine.now + kernel.netdevBudgetUsecs * 1000;
    for (;;) {
      const napi = this.takeFromPollList();
      if (napi === null) return;
      const work = napi.poll(napi, NAPI_POLL_WEIGHT);
      if (kernel.trace.napiPoll !== null && napi.dev !== null)
        kernel.trace.napiPoll(napi.dev, work, NAPI_POLL_WEIGHT);
      if (work === NAPI_POLL_WEIGHT) this.addToPollList(napi); // not done: poll again in turn
      budget -= work;
      if (budget <= 0 || kernel.engine.now >= timeLimit) {
        this.timeSqueeze++;
        if (this.head === null) return;
        this.raised = true;
        // ksoftirqd's turn: by now the packets have taken their time, or frames racing round a loop would stop the clock.
        kernel.engine.after(
          (kernel.netdevBudget - budget) * SQUEEZED_PACKET_NS,
          softirqEvent,
          this,
        );
        return;
      }
    }
  }

  /**
   * Queues a packet for this CPU's backlog; drops it beyond netdev_max_backlog.
   * @param steered another CPU gives it, which takes an interrupt between them @kernel enqueue_to_backlog()
   */
  enqueueToBacklog(skb: SkBuff, steered = false): number {
    if (this.backlog.length > this.kernel.netdevMaxBacklog) {
      this.dropped++;
      this.kernel.kfreeSkbReason(skb, DropReason.CPU_BACKLOG);
      return NET_RX_DROP;
    }
    this.backlog.push(skb);
    if (!this.backlogNapi.scheduled) {
      if (steered) this.receivedRps++;
      this.addToPollList(this.backlogNapi);
      this.raiseNetRx();
    }
    return NET_RX_SUCCESS;
  }
}

function softirqEvent(sd: SoftnetData): void {
  sd.runRaised();
}

/** @kernel process_backlog() */
function processBacklog(napi: NapiStruct, budget: number): number {
  const sd = napi.priv as SoftnetData;
  let work = 0;
  while (work < budget) {
    const skb = sd.backlog.shift();
    if (skb === null) {
      napi.scheduled = false;
      return work;
    }
    work++;
    receiveOnCpu(skb, sd.kernel, sd.cpu);
  }
  if (sd.backlog.length === 0) {
    napi.scheduled = false;
    return work === budget ? budget - 1 : work; // emptied at the last packet: nothing to poll again
  }
  return work;
}

/** Asks for a poll of `napi` on its CPU; the caller ends with `irqExit`. False when already scheduled. */
export function napiSchedule(sd: SoftnetData, napi: NapiStruct): boolean {
  if (napi.scheduled) return false;
  sd.addToPollList(napi);
  return true;
}

/** The source is empty: back to interrupts. @kernel napi_complete_done() */
export function napiComplete(napi: NapiStruct): void {
  napi.scheduled = false;
}

/** Takes a packet from a virtual device into the stack. Consumes it. @kernel netif_rx() */
export function netifRx(skb: SkBuff): number {
  const dev = skb.dev as NetDevice;
  const { kernel, rpsCpus } = dev;
  const cpu = rpsCpus === null ? 0 : Math.max(rpsCpu(skb, rpsCpus, kernel), 0);
  return kernel.softnet(cpu).enqueueToBacklog(skb, cpu !== 0);
}
