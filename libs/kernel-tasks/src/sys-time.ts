/**
 * System calls about time, CPU use and chance. Virtual nanoseconds.
 */
import type { SysTime } from '@netloom/sys';
import type { CallContext } from './call-context.js';

export function timeCalls(context: CallContext): SysTime {
  const { task } = context;
  const { host } = task;
  const pause = (ns: number): Promise<void> =>
    context
      .wait<undefined | true>(
        undefined,
        () => undefined,
        ns,
        () => true,
      )
      .then(() => undefined);
  return {
    now: () => host.engine.now,
    bootTime: () => host.bootTimeSec,
    sleep: (ns) => {
      if (context.live) context.enter();
      return pause(ns);
    },
    cpu: (ns) => {
      const total = Math.round(ns) + task.debtNs;
      task.debtNs = 0;
      task.cpuNs += total;
      return pause(total);
    },
    random: () => {
      context.enter();
      return host.random.u32();
    },
  };
}
