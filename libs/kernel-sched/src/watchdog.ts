/** Has a device's queue run again at a time: for disciplines that make frames wait. @kernel struct qdisc_watchdog */
import { Timer } from '@netloom/engine';
import { type NetDevice, qdiscRun } from '@netloom/kernel-core';

export class Watchdog {
  private readonly timer: Timer;

  constructor(dev: NetDevice) {
    this.timer = new Timer(dev.kernel.engine, () => {
      if (dev.qdisc !== null) qdiscRun(dev.qdisc);
    });
  }

  /** At `time`, virtual nanoseconds. */
  schedule(time: number): void {
    this.timer.set(time);
  }

  cancel(): void {
    this.timer.cancel();
  }
}
