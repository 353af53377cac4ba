import { devClose, netifWakeQueue } from './dev.js';
import { devQueueXmit } from './dev-xmit.js';
import { DropReason } from './drop-reasons.js';
import { PfifoFast } from './qdisc.js';
import { SpecKernel, type SpecPort } from './spec-kernel.js';

/** TC_PRIO_… and the band that pfifo_fast puts it into. */
const BANDS = [1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1];

describe('pfifo_fast', () => {
  let spec: SpecKernel;
  let port: SpecPort;

  beforeEach(() => {
    spec = new SpecKernel();
    port = spec.port('e0');
    port.dev.qdisc = new PfifoFast(port.dev);
  });

  /** A frame of a length of its own, by which it is known again. */
  const send = (length: number, priority = 0): number => {
    const skb = spec.packet(length);
    skb.dev = port.dev;
    skb.priority = priority;
    return devQueueXmit(skb);
  };
  const sent = (): number[] => port.sent.map(({ bytes }) => bytes.length);
  const wake = (): void => {
    port.busy = false;
    netifWakeQueue(port.dev);
  };

  it('is passed over while it is empty', () => {
    expect(send(60)).toBe(0);
    expect(sent()).toEqual([60]);
    expect([port.dev.qdisc?.packets, port.dev.qdisc?.bytes, port.dev.qdisc?.qlen]).toEqual([
      1, 60, 0,
    ]);
  });

  it('sends band by band by priority, and in order within a band', () => {
    port.dev.txStopped = true;
    BANDS.forEach((_, priority) => send(100 + priority, priority));
    wake();
    const order = [0, 1, 2].flatMap((band) =>
      BANDS.flatMap((b, priority) => (b === band ? [100 + priority] : [])),
    );
    expect(sent()).toEqual(order);
    expect(spec.pool.live).toBe(0);
  });

  it('holds txqlen packets a band and drops the next', () => {
    port.dev.txqlen = 3;
    port.dev.txStopped = true;
    const verdicts = [0, 0, 0, 0, 6, 6].map((priority) => send(60, priority));
    expect(verdicts).toEqual([0, 0, 0, 1, 0, 0]);
    const q = port.dev.qdisc as PfifoFast;
    expect([q.qlen, q.backlog, q.drops]).toEqual([5, 300, 1]);
    expect(spec.drops).toEqual([{ reason: DropReason.QDISC_DROP, bytes: 60 }]);
    wake();
    expect(spec.pool.live).toBe(0);
  });

  it('keeps a frame that the driver refuses in front of all others', () => {
    port.busy = true;
    send(60);
    send(61, 6);
    const q = port.dev.qdisc as PfifoFast;
    expect([q.qlen, q.requeues]).toEqual([2, 1]);
    wake();
    expect(sent()).toEqual([60, 61]);
    expect([q.qlen, q.backlog]).toEqual([0, 0]);
  });

  it('forgets what waits when the device goes down, a refused frame too', () => {
    port.busy = true;
    send(60);
    send(61);
    devClose(port.dev);
    const q = port.dev.qdisc as PfifoFast;
    expect([q.qlen, q.backlog, spec.pool.live]).toEqual([0, 0, 0]);
    wake();
    expect(sent()).toEqual([]);
  });

  it('takes nothing while the device is down', () => {
    devClose(port.dev);
    expect(send(60)).toBe(1);
    expect(spec.drops).toEqual([{ reason: DropReason.DEV_READY, bytes: 60 }]);
  });
});
