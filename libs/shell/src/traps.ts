/**
 * Traps and signals of a shell process.
 *
 * A trapped signal only sets a flag; the command runs at the next boundary between commands, in the interpreter's own
 * flow. SIGINT without a trap: while a foreground child runs, what the child made of it decides; otherwise the shell
 * dies of it. Fatal signals run the EXIT trap first.
 */
import { Signal, type SignalDisposition } from '@netloom/sys';
import type { Shell } from './shell.js';

/** Names with numbers as `kill -l` lists them (without real-time signals). */
export const SIGNAL_NAMES: ReadonlyMap<string, number> = new Map(
  Object.entries(Signal).map(([name, number]) => [name.slice(3), number]),
);

/** A signal or pseudo signal by any of its spellings: `INT`, `SIGINT`, `2`, `EXIT`, `0`. */
export function parseSignal(text: string): string | undefined {
  if (/^\d+$/.test(text)) return text === '0' ? 'EXIT' : signalName(Number(text));
  const name = text.toUpperCase().replace(/^SIG/, '');
  return SIGNAL_NAMES.has(name) || ['EXIT', 'ERR', 'DEBUG', 'RETURN'].includes(name)
    ? name
    : undefined;
}

export function signalName(number: number): string | undefined {
  for (const [name, own] of SIGNAL_NAMES) if (own === number) return name;
  return number >= 34 && number <= 64
    ? number <= 49
      ? `RTMIN${number === 34 ? '' : `+${number - 34}`}`
      : `RTMAX${number === 64 ? '' : `-${64 - number}`}`
    : undefined;
}

/** What strsignal() says of the signals that end a job. */
export function signalText(number: number): string {
  return SIGNAL_TEXT[number] ?? `Unknown signal ${number}`;
}

const SIGNAL_TEXT: Readonly<Record<number, string>> = {
  1: 'Hangup',
  2: 'Interrupt',
  3: 'Quit',
  4: 'Illegal instruction',
  5: 'Trace/breakpoint trap',
  6: 'Aborted',
  7: 'Bus error',
  8: 'Floating point exception',
  9: 'Killed',
  10: 'User defined signal 1',
  11: 'Segmentation fault',
  12: 'User defined signal 2',
  13: 'Broken pipe',
  14: 'Alarm clock',
  15: 'Terminated',
  16: 'Stack fault',
  17: 'Child exited',
  18: 'Continued',
  19: 'Stopped (signal)',
  20: 'Stopped',
  21: 'Stopped (tty input)',
  22: 'Stopped (tty output)',
  23: 'Urgent I/O condition',
  24: 'CPU time limit exceeded',
  25: 'File size limit exceeded',
  26: 'Virtual timer expired',
  27: 'Profiling timer expired',
  28: 'Window changed',
  29: 'I/O possible',
  30: 'Power failure',
  31: 'Bad system call',
};

/** Signals whose default action runs the EXIT trap before the shell dies. */
const FATAL = [
  Signal.SIGHUP,
  Signal.SIGTERM,
  Signal.SIGQUIT,
  Signal.SIGALRM,
  Signal.SIGUSR1,
  Signal.SIGUSR2,
  Signal.SIGPIPE,
] as const;

export class TrapTable {
  /** Commands by name; '' ignores the signal. */
  private commands = new Map<string, string>();
  /** What `trap` prints in a subshell until it sets its own. */
  private inherited = new Map<string, string>();
  private readonly pending: string[] = [];
  private readonly waiters = new Set<() => void>();
  private ignoredAtStart = new Set<number>();
  /** Traps that run now, nested. */
  depth = 0;
  private dying = false;
  interrupted = false;
  /** Set while a foreground child runs. */
  foreground = false;

  constructor(private readonly sh: Shell) {}

  forSubshell(copy: Shell): TrapTable {
    const table = new TrapTable(copy);
    for (const [name, command] of this.commands) {
      if (
        command === '' ||
        (name === 'ERR' && this.sh.options.errtrace) ||
        (name === 'DEBUG' && this.sh.options.functrace)
      )
        table.commands.set(name, command);
    }
    table.inherited = new Map([...this.inherited, ...this.commands]);
    return table;
  }

  /** Installs what a shell handles by itself. */
  start(): void {
    const { sys } = this.sh;
    for (const [name, command] of this.commands) {
      const number = SIGNAL_NAMES.get(name);
      if (number !== undefined && command === '') sys.signal(number, 'ignore');
    }
    if (this.commands.get('INT') === '') return;
    const before = sys.signal(Signal.SIGINT, () => this.interrupt());
    if (before === 'ignore') {
      this.ignoredAtStart.add(Signal.SIGINT);
      sys.signal(Signal.SIGINT, 'ignore');
    }
    if (this.sh.interactive) {
      for (const signal of [Signal.SIGTERM, Signal.SIGQUIT]) sys.signal(signal, () => undefined);
    }
    // handlers that do nothing, not 'ignore', which children would inherit
    if (this.sh.jobControl)
      for (const signal of [Signal.SIGTSTP, Signal.SIGTTIN, Signal.SIGTTOU])
        sys.signal(signal, () => undefined);
  }

  get(name: string): string | undefined {
    return this.commands.get(name);
  }

  /** SIGPIPE is about to end the process, after the EXIT trap. */
  get diesOfPipe(): boolean {
    return (
      this.dying ||
      (this.commands.get('PIPE') === undefined && (this.commands.get('EXIT') ?? '') !== '')
    );
  }

  /** Any trap at all: then no command may replace the shell process. */
  get any(): boolean {
    for (const command of this.commands.values()) if (command !== '') return true;
    return false;
  }

  list(): [string, string][] {
    const shown = this.commands.size > 0 ? this.commands : this.inherited;
    const order = ['EXIT', ...SIGNAL_NAMES.keys(), 'DEBUG', 'ERR', 'RETURN'];
    return [...shown].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  }

  /** Sets a trap; undefined restores the default. */
  set(name: string, command: string | undefined): void {
    this.inherited.clear();
    const number = SIGNAL_NAMES.get(name);
    if (number !== undefined && this.ignoredAtStart.has(number)) return;
    if (command === undefined) this.commands.delete(name);
    else this.commands.set(name, command);
    if (name === 'EXIT') this.armFatal();
    if (number === undefined || number === Signal.SIGKILL || number === Signal.SIGSTOP) return;
    this.sh.sys.signal(number, this.disposition(name, number, command));
  }

  private disposition(
    name: string,
    number: number,
    command: string | undefined,
  ): SignalDisposition {
    if (command === '') return 'ignore';
    if (command !== undefined) return () => this.raise(name);
    if (number === Signal.SIGINT) return () => this.interrupt();
    if (this.sh.interactive && (number === Signal.SIGTERM || number === Signal.SIGQUIT))
      return () => undefined;
    return this.commands.has('EXIT') && FATAL.some((fatal) => fatal === number)
      ? () => this.die(number)
      : 'default';
  }

  private armFatal(): void {
    for (const number of FATAL) {
      const name = signalName(number) ?? '';
      if (!this.commands.has(name))
        this.sh.sys.signal(number, this.disposition(name, number, undefined));
    }
  }

  /** A trapped signal (or a pseudo one) has come. */
  raise(name: string): void {
    this.pending.push(name);
    this.wake();
  }

  private wake(): void {
    for (const waiter of [...this.waiters]) waiter();
  }

  get hasPending(): boolean {
    return this.pending.length > 0 || this.interrupted || this.dying;
  }

  /** The first waiting trap's signal number, for `wait`. */
  pendingSignal(): number | undefined {
    const name = this.pending[0];
    return name === undefined ? undefined : SIGNAL_NAMES.get(name);
  }

  /** Resolves when a trapped signal comes. */
  arrival(): { readonly promise: Promise<void>; readonly cancel: () => void } {
    let resolve: () => void = () => undefined;
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    const waiter = (): void => {
      this.waiters.delete(waiter);
      resolve();
    };
    this.waiters.add(waiter);
    return { promise, cancel: () => this.waiters.delete(waiter) };
  }

  private interrupt(): void | Promise<void> {
    this.interrupted = true;
    this.wake();
    if (this.sh.interactive || this.foreground) return undefined;
    return this.die(Signal.SIGINT);
  }

  /** Runs the traps that wait; at a boundary between commands. */
  async runPending(): Promise<void> {
    if (this.interrupted && this.sh.interactive) {
      this.interrupted = false;
      this.sh.unwind = { kind: 'interrupt', levels: 0 };
      this.sh.status = 130;
      return;
    }
    if (this.dying) await new Promise(() => undefined);
    while (this.pending.length > 0) {
      const name = this.pending.shift() ?? '';
      await this.run(name);
    }
  }

  /** Runs one trap's command, keeping `$?`. */
  async run(name: string): Promise<void> {
    const command = this.commands.get(name);
    if (command === undefined || command === '') return;
    if ((name === 'ERR' || name === 'DEBUG') && this.depth > 0) return;
    const { status, pipeStatus, lastArg } = this.sh;
    this.depth++;
    try {
      await this.sh.runner.runText(command, 'trap');
    } finally {
      this.depth--;
    }
    if (this.sh.unwind === null) {
      this.sh.status = status;
      this.sh.pipeStatus = pipeStatus;
      this.sh.lastArg = lastArg;
    }
  }

  /** The EXIT trap, once; returns the shell's exit status. */
  async exitTrap(status: number): Promise<number> {
    const command = this.commands.get('EXIT');
    if (command === undefined || command === '') return status;
    this.commands.delete('EXIT');
    this.sh.status = status;
    this.sh.unwind = null;
    this.sh.errexitOff++;
    await this.sh.runner.runText(command, 'trap');
    const unwind = this.sh.unwind as { kind: string } | null;
    return unwind?.kind === 'exit' ? this.sh.status : status;
  }

  /**
   * The EXIT trap when a signal ends the process: on a copy of the shell, because the interpreter itself may be blocked
   * or in the midst of a command and never goes on.
   */
  private async trapOfDeath(status: number): Promise<void> {
    const command = this.commands.get('EXIT');
    this.commands.delete('EXIT');
    if (command === undefined || command === '') return;
    const copy = this.sh.fork(false);
    copy.isSubshell = this.sh.isSubshell;
    copy.jobs = this.sh.jobs;
    copy.status = status;
    copy.errexitOff++;
    await copy.runner.runText(command, 'trap');
    if (copy.unwind?.kind === 'exit') await this.sh.sys.exit(copy.status);
  }

  /** Ends the process by a signal, after the EXIT trap. */
  async die(signal: number): Promise<void> {
    if (this.dying) return;
    this.dying = true;
    await this.trapOfDeath(128 + signal);
    this.sh.sys.signal(signal, 'default');
    this.sh.sys.kill(this.sh.sys.pid, signal);
    await this.sh.sys.exit(128 + signal);
  }
}
