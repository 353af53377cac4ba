/**
 * eventfd and timerfd: a counter and a clock as descriptors. Sources: eventfd(2), timerfd_create(2).
 */
import { KernelError } from '@netloom/base';
import { Timer, type Engine } from '@netloom/engine';
import { OpenFlag, Poll } from '@netloom/sys';
import { FileDescription } from './file-description.js';

/** The largest value that the counter takes. */
const COUNTER_MAX = 0xfffffffffffffffen;

function eightBytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

export class EventDescription extends FileDescription {
  private count: bigint;

  constructor(
    initial: number,
    private readonly semaphore: boolean,
  ) {
    super(OpenFlag.O_RDWR);
    this.count = BigInt(initial);
  }

  override read(size: number): Uint8Array | undefined {
    if (size < 8) throw new KernelError('EINVAL');
    if (this.count === 0n) return undefined;
    const taken = this.semaphore ? 1n : this.count;
    this.count -= taken;
    this.queue.wake(Poll.POLLOUT);
    return eightBytes(taken);
  }

  override write(data: Uint8Array): number | undefined {
    if (data.length < 8) throw new KernelError('EINVAL');
    const added = new DataView(data.buffer, data.byteOffset).getBigUint64(0, true);
    if (added > COUNTER_MAX) throw new KernelError('EINVAL');
    if (this.count + added > COUNTER_MAX) return undefined;
    this.count += added;
    if (added > 0n) this.queue.wake(Poll.POLLIN);
    return data.length;
  }

  override poll(): number {
    return (this.count > 0n ? Poll.POLLIN : 0) | (this.count < COUNTER_MAX ? Poll.POLLOUT : 0);
  }

  override linkText(): string {
    return 'anon_inode:[eventfd]';
  }
}

export class TimerDescription extends FileDescription {
  private expirations = 0;
  private intervalNs = 0;
  private readonly timer: Timer;

  constructor(private readonly engine: Engine) {
    super(OpenFlag.O_RDWR);
    this.timer = new Timer(engine, () => {
      this.expirations++;
      if (this.intervalNs > 0) this.timer.set(engine.now + this.intervalNs);
      this.queue.wake(Poll.POLLIN);
    });
  }

  set(valueNs: number, intervalNs: number, absolute: boolean): void {
    if (valueNs < 0 || intervalNs < 0) throw new KernelError('EINVAL');
    this.expirations = 0;
    this.intervalNs = intervalNs;
    if (valueNs === 0) this.timer.cancel();
    else this.timer.set(absolute ? Math.max(valueNs, this.engine.now) : this.engine.now + valueNs);
  }

  get(): { readonly valueNs: number; readonly intervalNs: number } {
    const valueNs = this.timer.pending ? this.timer.expires - this.engine.now : 0;
    return { valueNs, intervalNs: this.intervalNs };
  }

  override read(size: number): Uint8Array | undefined {
    if (size < 8) throw new KernelError('EINVAL');
    if (this.expirations === 0) return undefined;
    const expired = eightBytes(BigInt(this.expirations));
    this.expirations = 0;
    return expired;
  }

  override poll(): number {
    return this.expirations > 0 ? Poll.POLLIN : 0;
  }

  override linkText(): string {
    return 'anon_inode:[timerfd]';
  }

  protected override release(): void {
    this.timer.cancel();
  }
}
