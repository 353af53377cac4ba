/**
 * The children of a shell: reaping, jobs, and what is said about them.
 *
 * There is one outstanding waitpid(-1) at most, shared by everything that waits, so that a `wait` which a trap cuts short
 * loses no status. Statuses here are the shell's: 128 + n after a signal.
 */
import { Errno, KernelError } from '@netloom/base';
import { Signal, type WaitStatus } from '@netloom/sys';
import type { Shell } from './shell.js';
import { signalText } from './traps.js';

export interface Child {
  readonly pid: number;
  state: 'running' | 'stopped' | 'done';
  status: number;
  /** The signal that ended or stopped it; 0 for none. */
  signal: number;
}

export interface Job {
  readonly id: number;
  readonly children: Child[];
  readonly text: string;
  readonly pgid: number | undefined;
  background: boolean;
  /** Its end has been reported or waited for. */
  notified: boolean;
}

export class JobTable {
  private readonly children = new Map<number, Child>();
  private jobs: Job[] = [];
  private reaping: Promise<void> | undefined;
  /** Ids, most recent first: `%+`, `%-`. */
  private order: number[] = [];
  private foreign = false;

  constructor(private readonly sh: Shell) {}

  /** Records a process that was just spawned. */
  track(pid: number): Child {
    const child: Child = { pid, state: 'running', status: 0, signal: 0 };
    this.children.set(pid, child);
    return child;
  }

  /** What `jobs` shows in a copy of a shell: the jobs of the original, which it cannot wait for. */
  inherit(from: JobTable): void {
    this.jobs = from.jobs.map((job) => ({
      ...job,
      children: job.children.map((child) => ({ ...child })),
    }));
    this.order = from.order.slice();
    this.foreign = true;
  }

  /** Forgets a child whose status has been used. */
  drop(child: Child): void {
    if (child.state === 'done') this.children.delete(child.pid);
  }

  add(children: Child[], text: string, pgid: number | undefined, background: boolean): Job {
    if (this.foreign) this.jobs = [];
    this.foreign = false;
    const id = Math.max(0, ...this.jobs.map((job) => job.id)) + 1;
    const job: Job = { id, children, text, pgid, background, notified: false };
    this.jobs.push(job);
    this.makeCurrent(job);
    return job;
  }

  makeCurrent(job: Job): void {
    this.order = [job.id, ...this.order.filter((id) => id !== job.id)];
  }

  remove(job: Job): void {
    this.jobs = this.jobs.filter((own) => own !== job);
    this.order = this.order.filter((id) => id !== job.id);
    for (const child of job.children) this.drop(child);
  }

  list(): readonly Job[] {
    return this.jobs;
  }

  child(pid: number): Child | undefined {
    return this.children.get(pid);
  }

  jobOf(child: Child): Job | undefined {
    return this.jobs.find((job) => job.children.includes(child));
  }

  running(): Child[] {
    return [...this.children.values()].filter((child) => child.state !== 'done');
  }

  /** `%1`, `%%`, `%+`, `%-`, `%text`, `%?text`. */
  find(spec: string): Job | undefined {
    const body = spec.replace(/^%/, '');
    if (body === '' || body === '%' || body === '+') return this.byId(this.order[0]);
    if (body === '-') return this.byId(this.order[1] ?? this.order[0]);
    if (/^\d+$/.test(body)) return this.byId(Number(body));
    const inside = body.startsWith('?') ? body.slice(1) : undefined;
    return this.jobs.find((job) =>
      inside === undefined ? job.text.startsWith(body) : job.text.includes(inside),
    );
  }

  private byId(id: number | undefined): Job | undefined {
    return this.jobs.find((job) => job.id === id);
  }

  /** Resolves after some child changed. */
  change(): Promise<void> {
    this.reaping ??= this.reapOne();
    return this.reaping;
  }

  private async reapOne(): Promise<void> {
    try {
      const status = await this.sh.sys.waitpid(-1, { untraced: this.sh.jobControl });
      if (status !== undefined) this.apply(status);
    } catch (error) {
      if (!(error instanceof KernelError) || error.errno !== Errno.ECHILD) throw error;
      for (const child of this.running()) child.state = 'done';
    } finally {
      this.reaping = undefined;
    }
    if (this.sh.traps.get('CHLD') !== undefined) this.sh.traps.raise('CHLD');
  }

  private apply(status: WaitStatus): void {
    const child = this.children.get(status.pid);
    if (child === undefined) return;
    if (status.kind === 'continue') {
      child.state = 'running';
      return;
    }
    const job = this.jobOf(child);
    if (job !== undefined) job.notified = false;
    child.state = status.kind === 'stop' ? 'stopped' : 'done';
    child.signal = status.kind === 'exit' ? 0 : status.value;
    child.status = status.kind === 'exit' ? status.value : 128 + status.value;
  }

  /** Collects, without waiting, whatever has changed. */
  async poll(): Promise<void> {
    while (this.reaping === undefined && this.running().length > 0) {
      try {
        const status = await this.sh.sys.waitpid(-1, {
          nohang: true,
          untraced: this.sh.jobControl,
        });
        if (status === undefined) return;
        this.apply(status);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        return;
      }
    }
  }

  /** Waits until a child has ended (or stopped, under job control). */
  async settle(child: Child): Promise<number> {
    while (child.state === 'running') await this.change();
    return child.status;
  }

  /** Waits for foreground children; what SIGINT did to the last decides whether the shell goes on. */
  async foreground(children: readonly Child[], text: () => string): Promise<number[]> {
    const { traps } = this.sh;
    const outer = traps.foreground;
    traps.foreground = true;
    try {
      for (const child of children) await this.settle(child);
    } finally {
      traps.foreground = outer;
    }
    const last = children.at(-1);
    if (last !== undefined && last.signal === Signal.SIGINT && last.state === 'done')
      await this.interruptedBy();
    else if (!this.sh.interactive) traps.interrupted = false;
    if (!this.sh.interactive && last !== undefined && last.state === 'done')
      await this.reportDeath(last, text());
    const statuses = children.map((child) => child.status);
    for (const child of children) this.drop(child);
    return statuses;
  }

  private async interruptedBy(): Promise<void> {
    const { traps } = this.sh;
    if (this.sh.interactive) {
      if (traps.get('INT') === undefined) traps.interrupted = true;
      else await this.sh.err('\n');
    } else if (traps.interrupted) await traps.die(Signal.SIGINT);
  }

  /** What bash says when a child died of a signal. */
  async reportDeath(child: Child, text: string): Promise<void> {
    const { signal } = child;
    if (signal === 0 || signal === Signal.SIGINT || signal === Signal.SIGPIPE) return;
    if (signal === Signal.SIGTERM) await this.sh.err('Terminated\n');
    else
      await this.sh.error(
        `${String(child.pid).padStart(5)} ${signalText(signal).padEnd(23)} ${text}`,
      );
  }

  stateOf(job: Job): 'running' | 'stopped' | 'done' {
    if (job.children.some((child) => child.state === 'stopped')) return 'stopped';
    return job.children.some((child) => child.state === 'running') ? 'running' : 'done';
  }

  /** `+`, `-` or a space. */
  private mark(job: Job): string {
    return this.order[0] === job.id ? '+' : this.order[1] === job.id ? '-' : ' ';
  }

  /** A line of `jobs`. */
  describe(job: Job, withPid = false): string {
    const state = this.stateOf(job);
    const last = job.children.at(-1);
    let word = 'Running';
    if (state === 'stopped') word = 'Stopped';
    else if (state === 'done' && last !== undefined)
      word =
        last.signal !== 0
          ? signalText(last.signal)
          : last.status === 0
            ? 'Done'
            : `Exit ${last.status}`;
    const pid = withPid ? `${String(job.children[0]?.pid ?? 0)} ` : ' ';
    return `[${job.id}]${this.mark(job)} ${pid}${word.padEnd(23)} ${job.text}${state === 'running' ? ' &' : ''}\n`;
  }

  /** Interactive: reports what has ended or stopped since the last prompt. */
  async notify(): Promise<void> {
    await this.poll();
    for (const job of [...this.jobs]) {
      const state = this.stateOf(job);
      if (state === 'done') {
        if (!job.notified) await this.sh.err(this.describe(job));
        this.remove(job);
      } else if (state === 'stopped' && !job.notified) {
        job.notified = true;
        await this.sh.err(this.describe(job));
      }
    }
  }

  /** Takes a job off the list; the statuses of its processes stay known. */
  hide(job: Job): void {
    this.jobs = this.jobs.filter((own) => own !== job);
    this.order = this.order.filter((id) => id !== job.id);
  }
}
