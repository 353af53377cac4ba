/**
 * One shell process: its variables, functions, options, jobs and traps. What the other files work on.
 *
 * A subshell is a copy of this object ({@link Shell.fork}) that runs in a child process with a system-call boundary of
 * its own ({@link Shell.attach}). Nothing here is shared between shells.
 */
import type { CompoundCommand, CompoundList, Redirected } from 'unbash';
import { KernelError } from '@netloom/base';
import type { Program, Sys } from '@netloom/sys';
import type { ArithContext } from './arith.js';
import { toBytes } from './bytes.js';
import { dynamicVariable, assignDynamicVariable, type DynamicState } from './dynamic-vars.js';
import type { Unwind } from './errors.js';
import { ShellError } from './errors.js';
import { evaluate } from './arith.js';
import { JobTable } from './jobs.js';
import { type Options, defaultOptions, optionFlags } from './options.js';
import { Source } from './source.js';
import { TrapTable } from './traps.js';
import { type Variable, VariableStore } from './variables.js';
import type { ScriptRef } from './word-ir.js';

export interface ShellFunction {
  readonly name: string;
  readonly body: CompoundCommand | Redirected | CompoundList;
  readonly source: Source;
  /** Where it was defined, for BASH_SOURCE. */
  readonly file: string;
}

/** One level of the call stack: FUNCNAME, BASH_LINENO, BASH_SOURCE. */
export interface Frame {
  readonly name: string;
  readonly callLine: number;
  readonly file: string;
  readonly isFunction: boolean;
}

/** The interpreter as expansions and builtins call it (exec.ts implements it). */
export interface Runner {
  /** Output of `$( )`, without its trailing newlines. */
  substitute(body: ScriptRef): Promise<string>;
  /** Starts `<( )` or `>( )` and returns the path to open. */
  processSubstitution(body: ScriptRef, output: boolean): string;
  /** Runs text in this shell (`eval`, `source`, traps); returns its status. */
  runText(text: string, kind: 'eval' | 'source' | 'trap', firstLine?: number): Promise<number>;
  /** Runs a command from its words: `builtin`, `command`, `exec`, completion. */
  readonly main: Program;
  /** The same for a copy of the shell. */
  forShell(copy: Shell): Runner;
  runWords(words: readonly string[], how: 'any' | 'no-function' | 'builtin'): Promise<number>;
}

export class Shell {
  sys!: Sys;
  runner!: Runner;
  vars: VariableStore;
  readonly arith: ArithContext;
  functions = new Map<string, ShellFunction>();
  aliases = new Map<string, string>();
  options: Options = defaultOptions();
  shopt = new Set<string>([
    'checkwinsize',
    'cmdhist',
    'complete_fullquote',
    'extquote',
    'force_fignore',
    'globasciiranges',
    'globskipdots',
    'hostcomplete',
    'interactive_comments',
    'patsub_replacement',
    'progcomp',
    'promptvars',
    'sourcepath',
  ]);
  positional: string[] = [];
  arg0 = 'bash';
  status = 0;
  /** Of the latest command substitution of the current command. */
  substitutionStatus: number | undefined;
  lastArg = '';
  lastBackground: number | undefined;
  pipeStatus: number[] = [0];
  source = new Source('');
  pos = 0;
  unwind: Unwind | null = null;
  loopDepth = 0;
  frames: Frame[] = [];
  errexitOff = 0;
  traceDepth = 1;
  subshellDepth = 0;
  jobs: JobTable;
  traps: TrapTable;
  directoryStack: string[] = [];
  hashed = new Map<string, { path: string; hits: number }>();
  history: string[] = [];
  interactive = false;
  isLogin = false;
  isCommandString = false;
  /** The process is a copy made for `( )`, a pipeline stage, … */
  isSubshell = false;
  /** May stop, continue and move jobs of the terminal. */
  jobControl = false;
  /** Behaves as dash where that is cheap: messages, `echo`. */
  isDash = false;
  shellPid = 0;
  /** Descriptors of the shell itself, which no child inherits. */
  internalFds = new Set<number>();
  /** Ends of process substitutions to close after the command. */
  processFds: number[] = [];
  dynamic: DynamicState = { seed: 0, startNs: 0, secondsOffset: 0 };
  scriptFile = '';
  getoptsColumn = 0;
  getoptsIndex = 1;
  /** The simple command that runs, for BASH_COMMAND. */
  commandText = '';
  /** CPU time charged so far, nanoseconds. */
  cpuNs = 0;
  /** The latest pipeline had a `!`. */
  negated = false;
  /** `exit` has said once that there are stopped jobs. */
  exitWarned = false;
  /** Reads of a terminal that Ctrl-C left outstanding, by descriptor. */
  orphanReads = new Map<number, Promise<Uint8Array>>();
  /** Soft limits that `ulimit` has set. */
  limits = new Map<string, string>();

  constructor() {
    this.vars = new VariableStore(this.hooks());
    this.jobs = new JobTable(this);
    this.traps = new TrapTable(this);
    this.arith = {
      depth: 0,
      get: (name) => this.vars.value(name),
      set: (name, value) => this.vars.set(name, value),
      getElement: (name, index) => this.vars.element(name, index),
      setElement: (name, index, value) => this.vars.setElement(name, index, value),
      unset: (name) => {
        if (this.options.nounset)
          throw new ShellError(`${name}: unbound variable`, this.fatalStatus(), 'exit');
      },
    };
  }

  private hooks() {
    return {
      dynamic: (name: string): Variable | undefined => dynamicVariable(this, name),
      assignDynamic: (name: string, value: string): boolean =>
        assignDynamicVariable(this, name, value),
      arithmetic: (text: string): bigint => evaluate(text, this.arith),
    };
  }

  /** Gives the shell its process. */
  attach(sys: Sys): void {
    this.sys = sys;
  }

  /** A copy for a child process; {@link attach} it there. `nested`: counts in BASH_SUBSHELL. */
  fork(nested = true): Shell {
    const copy = new Shell();
    copy.sys = this.sys;
    copy.runner = this.runner.forShell(copy);
    copy.vars = this.vars.cloneFor(copy.hooks());
    copy.functions = new Map(this.functions);
    copy.aliases = new Map(this.aliases);
    copy.options = { ...this.options };
    copy.shopt = new Set(this.shopt);
    copy.positional = this.positional;
    copy.arg0 = this.arg0;
    copy.status = this.status;
    copy.lastArg = this.lastArg;
    copy.lastBackground = this.lastBackground;
    copy.pipeStatus = this.pipeStatus;
    copy.source = this.source;
    copy.pos = this.pos;
    copy.loopDepth = 0;
    copy.frames = this.frames.slice();
    copy.errexitOff = this.errexitOff;
    copy.traceDepth = this.traceDepth;
    copy.subshellDepth = this.subshellDepth + (nested ? 1 : 0);
    copy.traps = this.traps.forSubshell(copy);
    copy.jobs.inherit(this.jobs);
    copy.directoryStack = this.directoryStack.slice();
    copy.hashed = new Map(this.hashed);
    copy.isCommandString = this.isCommandString;
    copy.isSubshell = true;
    copy.isDash = this.isDash;
    copy.interactive = false;
    copy.shellPid = this.shellPid;
    copy.dynamic = { ...this.dynamic, seed: 0 };
    copy.scriptFile = this.scriptFile;
    copy.commandText = this.commandText;
    return copy;
  }

  /** `$name` of any kind; undefined where unset. */
  parameter(name: string): string | undefined {
    const code = name.charCodeAt(0);
    if (code >= 48 && code <= 57) {
      const number = Number(name);
      return number === 0 ? this.arg0 : this.positional[number - 1];
    }
    if (name.length > 1) return this.vars.value(name);
    switch (name) {
      case '?':
        return String(this.status);
      case '#':
        return String(this.positional.length);
      case '$':
        return String(this.shellPid);
      case '!':
        return this.lastBackground === undefined ? undefined : String(this.lastBackground);
      case '-':
        return this.flags();
      case '_':
        return this.lastArg;
      case '@':
        return this.positional.join(' ');
      case '*':
        return this.positional.join(this.ifs().charAt(0));
      default:
        return this.vars.value(name);
    }
  }

  flags(): string {
    return (
      optionFlags(this.options) +
      (this.interactive ? 'i' : '') +
      (this.isCommandString ? 'c' : this.scriptFile === '' ? 's' : '')
    );
  }

  ifs(): string {
    return this.vars.value('IFS') ?? ' \t\n';
  }

  /** What `set -u` and `${x:?}` exit with. */
  fatalStatus(): number {
    return this.isCommandString && !this.isSubshell && !this.options.errexit ? 127 : 1;
  }

  /** The line being executed. */
  line(): number {
    return this.source.lineAt(this.pos);
  }

  attributeFlags(variable: Variable): string {
    return (
      (variable.list !== undefined ? 'a' : '') +
      (variable.map !== undefined ? 'A' : '') +
      (variable.integer ? 'i' : '') +
      (variable.lower ? 'l' : '') +
      (variable.nameref ? 'n' : '') +
      (variable.readonly ? 'r' : '') +
      (variable.upper ? 'u' : '') +
      (variable.exported ? 'x' : '')
    );
  }

  /** What bash puts before an error message. */
  prefix(): string {
    if (this.interactive && this.frames.length === 0) return `${this.shellName()}: `;
    if (this.isDash) return `${this.arg0}: ${this.line()}: `;
    const file =
      this.frames.at(-1)?.file ?? (this.scriptFile === '' ? this.shellName() : this.scriptFile);
    return `${file}: line ${this.line()}: `;
  }

  shellName(): string {
    return this.arg0.startsWith('-') ? this.arg0.slice(1) : this.arg0;
  }

  /** Reports an error the way bash does. */
  async error(message: string): Promise<void> {
    await this.err(`${this.prefix()}${message}\n`);
  }

  /** A builtin's error; returns the status. */
  async fail(command: string, message: string, status = 1): Promise<number> {
    await this.error(`${command}: ${message}`);
    return status;
  }

  /** Writes to standard error; a closed one is ignored. */
  async err(text: string): Promise<void> {
    try {
      await this.sys.write(2, toBytes(text));
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
  }

  /** A builtin's output, in one write; returns 0, or 1 after reporting the error. */
  async out(text: string, command: string): Promise<number> {
    if (text === '') return 0;
    try {
      await this.sys.write(1, toBytes(text));
      return 0;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      if (error.code === 'EPIPE' && this.traps.diesOfPipe) await new Promise(() => undefined);
      return this.fail(
        command,
        `write error: ${error.extack === undefined ? error.message : new KernelError(error.errno).message}`,
      );
    }
  }

  /** Child descriptor → own descriptor of all that a child inherits. */
  inheritableFds(): Map<number, number> {
    const map = new Map<number, number>();
    for (const fd of this.sys.openFds()) if (!this.internalFds.has(fd)) map.set(fd, fd);
    return map;
  }
}
