/**
 * The process half of the system-call boundary: programs, spawning, waiting, signals, terminals.
 *
 * A program is an async function over {@link Sys}. Calls that cannot block are synchronous and throw `KernelError`;
 * calls that may block return a promise that settles in virtual time. A process that ends (exit, or a fatal signal)
 * simply never gets its pending promise settled: the kernel has already closed its descriptors and told its parent.
 */
import type { Sys } from './sys.js';

/** A program's entry point; the number it returns is its exit code (0 to 255). */
export type Program = (sys: Sys) => Promise<number>;

/** A program as it is installed into a host's file system. */
export interface ProgramSpec {
  /** Absolute paths under which it is found; the first is the real one, the others are links to it. */
  readonly paths: readonly string[];
  readonly main: Program;
}

/** Signal numbers of x86-64 Linux. */
export const Signal = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

/** `'default'`, `'ignore'`, or a handler that runs as a continuation of its own of the process. */
export type SignalDisposition = 'default' | 'ignore' | ((signal: number) => void | Promise<void>);

export interface SpawnOptions {
  /** What to run: a path in the file system (programs, or text with `#!`), or a function (a subshell). */
  readonly program: string | Program;
  /** `argv[0]` first. */
  readonly argv: readonly string[];
  /** The environment; the parent's where absent. */
  readonly env?: ReadonlyMap<string, string>;
  readonly cwd?: string;
  /** Child descriptor → parent descriptor. Absent: every descriptor of the parent without close-on-exec. */
  readonly fds?: ReadonlyMap<number, number>;
  /** Process group: 0 makes a new group led by the child; absent keeps the parent's. */
  readonly pgid?: number;
  /** Signals that the child ignores from the start (as `nohup` and background jobs do). */
  readonly ignore?: readonly number[];
}

/** How a child ended or changed: `exit` has a code, `signal` and `stop` a signal number. */
export interface WaitStatus {
  readonly pid: number;
  readonly kind: 'exit' | 'signal' | 'stop' | 'continue';
  readonly value: number;
}

export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly comm: string;
  readonly argv: readonly string[];
  /** `R`, `S`, `T` or `Z` as in ps. */
  readonly state: string;
  readonly startNs: number;
  readonly tty: string | undefined;
}
