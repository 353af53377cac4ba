/**
 * A terminal: the line discipline between an application's keyboard and screen and the programs on /dev/pts/N.
 *
 * Pty.input → echo, line editing, signals → read; write → newline translation → screen. One instance is the slave side
 * and the settings; pty.ts holds the application's side. Source: termios(3), credentials(7); what is shown follows
 * n_tty with the settings of `stty sane` and iutf8. Differs: no flow control (^S ^Q), no stop of background output
 * (tostop is off by default), and raw mode keeps output processing.
 */
import { KernelError } from '@netloom/base';
import { OpenFlag, Poll, Signal, type Stat, type WindowSize } from '@netloom/sys';
import { FileDescription } from './file-description.js';
import { isOrphanedGroup, signalGroup } from './signals.js';
import type { Task } from './task.js';
import type { TaskHost } from './task-host.js';
import { WaitQueue } from './wait-queue.js';

const KEY = {
  INTR: 3,
  EOF: 4,
  BS: 8,
  TAB: 9,
  LF: 10,
  CR: 13,
  REPRINT: 18,
  KILL: 21,
  LNEXT: 22,
  WERASE: 23,
  SUSP: 26,
  QUIT: 28,
  DEL: 127,
} as const;
/** Bytes of one line that canonical input keeps. */
const LINE_MAX = 4096;

export class Tty {
  readonly queue = new WaitQueue();
  raw = false;
  size: WindowSize;
  /** The session it controls, 0 for none, and that session's foreground group. */
  sid = 0;
  foreground = 0;
  hungUp = false;
  private line: number[] = [];
  /** Finished lines; an empty one is an end of file. */
  private readonly ready: Uint8Array[] = [];
  private literalNext = false;
  private column = 0;
  private lineColumn = 0;
  /** What one call of input echoes, shown in one piece so that no character is split. */
  private echoed: number[] | undefined;

  constructor(
    readonly host: TaskHost,
    readonly index: number,
    size: WindowSize,
    private readonly onOutput: (data: Uint8Array) => void,
  ) {
    this.size = size;
  }

  /** As ps and /dev name it. */
  get name(): string {
    return `pts/${this.index}`;
  }

  /** Keys from the application. */
  input(data: Uint8Array): void {
    if (this.raw) {
      if (data.length > 0) this.ready.push(data.slice());
    } else {
      this.echoed = [];
      for (const byte of data) this.key(byte);
      const echoed = Uint8Array.from(this.echoed);
      this.echoed = undefined;
      if (echoed.length > 0) this.onOutput(echoed);
    }
    this.queue.wake();
  }

  private screen(data: Uint8Array): void {
    if (this.echoed === undefined) this.onOutput(data);
    else for (const byte of data) this.echoed.push(byte);
  }

  private key(byte: number): void {
    if (this.literalNext) {
      this.literalNext = false;
      this.append(byte);
      return;
    }
    switch (byte) {
      case KEY.INTR:
        return this.signalKey(byte, Signal.SIGINT);
      case KEY.QUIT:
        return this.signalKey(byte, Signal.SIGQUIT);
      case KEY.SUSP:
        return this.signalKey(byte, Signal.SIGTSTP);
      case KEY.LNEXT:
        this.literalNext = true;
        return this.screen(new Uint8Array([0x5e, KEY.BS])); // ^ with the cursor on it
      case KEY.BS:
      case KEY.DEL:
        return this.erase();
      case KEY.WERASE:
        return this.eraseWord();
      case KEY.KILL:
        while (this.line.length > 0) this.erase();
        return;
      case KEY.REPRINT:
        this.echo(byte);
        this.output(new Uint8Array([KEY.LF]));
        for (const each of this.line) this.echo(each);
        return;
      case KEY.EOF:
        return this.finishLine();
      case KEY.CR:
      case KEY.LF:
        this.output(new Uint8Array([KEY.LF]));
        this.line.push(KEY.LF);
        return this.finishLine();
      default:
        this.append(byte);
    }
  }

  private append(byte: number): void {
    if (this.line.length >= LINE_MAX - 1) {
      this.screen(new Uint8Array([7]));
      return;
    }
    if (this.line.length === 0) this.lineColumn = this.column;
    this.line.push(byte);
    this.echo(byte);
  }

  private finishLine(): void {
    this.ready.push(Uint8Array.from(this.line));
    this.line = [];
  }

  private signalKey(byte: number, signal: number): void {
    this.line = [];
    this.ready.length = 0;
    this.echo(byte);
    if (this.foreground > 0) signalGroup(this.host, this.foreground, signal);
  }

  private echo(byte: number): void {
    const shown =
      byte < 32 && byte !== KEY.TAB ? [0x5e, byte + 64] : byte === KEY.DEL ? [0x5e, 0x3f] : [byte];
    this.output(Uint8Array.from(shown));
  }

  /** Takes the last character away, with all bytes and cells that it has. */
  private erase(): void {
    let byte = this.line.pop();
    if (byte === undefined) return;
    while (byte !== undefined && (byte & 0xc0) === 0x80) byte = this.line.pop(); // UTF-8 continuation bytes
    let cells = 1;
    if (byte === KEY.TAB) cells = this.column - this.columnAfterLine();
    else if (byte !== undefined && (byte < 32 || byte === KEY.DEL)) cells = 2;
    this.column -= cells;
    const step = byte === KEY.TAB ? [KEY.BS] : [KEY.BS, 0x20, KEY.BS];
    this.screen(Uint8Array.from(new Array<number[]>(cells).fill(step).flat()));
  }

  /** Back over what is no word, then over the word (letters, digits, _). */
  private eraseWord(): void {
    while (this.line.length > 0 && !isWordByte(this.line.at(-1))) this.erase();
    while (isWordByte(this.line.at(-1))) this.erase();
  }

  private columnAfterLine(): number {
    let column = this.lineColumn;
    for (const byte of this.line) column = nextColumn(column, byte);
    return column;
  }

  /** Programs' output and the echo, with NL sent as CR NL. */
  output(data: Uint8Array): void {
    if (data.length === 0) return;
    let newlines = 0;
    for (const byte of data) {
      if (byte === KEY.LF) newlines++;
      this.column = nextColumn(this.column, byte);
    }
    if (newlines === 0) {
      this.screen(data);
      return;
    }
    const out = new Uint8Array(data.length + newlines);
    let at = 0;
    for (const byte of data) {
      if (byte === KEY.LF) out[at++] = KEY.CR;
      out[at++] = byte;
    }
    this.screen(out);
  }

  get readable(): boolean {
    return this.ready.length > 0 || this.hungUp;
  }

  /** At most one line, or what raw mode has. */
  take(count: number): Uint8Array | undefined {
    const first = this.ready[0];
    if (first === undefined) return this.hungUp ? new Uint8Array(0) : undefined;
    if (first.length > count) {
      this.ready[0] = first.subarray(count);
      return first.slice(0, count);
    }
    this.ready.shift();
    return first;
  }

  /** No echo, no editing, no signal keys; what was typed so far becomes readable. */
  setRaw(on: boolean): void {
    if (on && this.line.length > 0) this.finishLine();
    this.raw = on;
    this.queue.wake();
  }

  resize(size: WindowSize): void {
    if (size.rows === this.size.rows && size.cols === this.size.cols) return;
    this.size = size;
    if (this.foreground > 0) signalGroup(this.host, this.foreground, Signal.SIGWINCH);
  }

  /** Makes it the controlling terminal of a session leader. */
  associate(leader: Task): void {
    this.sid = leader.sid;
    this.foreground = leader.pgid;
    leader.tty = this;
  }

  /** Its session is over. @returns the foreground group that it had */
  disassociate(): number {
    const { foreground } = this;
    this.sid = 0;
    this.foreground = 0;
    return foreground;
  }

  /** The terminal has gone: reads end, writes fail, its session is hung up. */
  hangup(): void {
    if (this.hungUp) return;
    this.hungUp = true;
    const leader = this.sid > 0 ? this.host.task(this.sid) : undefined;
    if (leader !== undefined) {
      signalGroup(this.host, leader.pgid, Signal.SIGHUP);
      signalGroup(this.host, leader.pgid, Signal.SIGCONT);
    }
    if (this.foreground > 0 && this.foreground !== leader?.pgid)
      signalGroup(this.host, this.foreground, Signal.SIGHUP);
    this.queue.wake();
  }

  /** tcsetpgrp(3) by a task of its session. ENOTTY, EINVAL, EPERM. */
  setForeground(task: Task, pgid: number): void {
    if (task.tty !== this || task.sid !== this.sid) throw new KernelError('ENOTTY');
    if (pgid <= 0) throw new KernelError('EINVAL');
    const members = this.host.tasksWhere((t) => t.pgid === pgid);
    if (members.length === 0) throw new KernelError('ESRCH');
    if (!members.some((t) => t.sid === this.sid)) throw new KernelError('EPERM');
    this.foreground = pgid;
  }
}

function isWordByte(byte: number | undefined): boolean {
  return byte !== undefined && (byte >= 0x80 || /\w/.test(String.fromCharCode(byte)));
}

function nextColumn(column: number, byte: number): number {
  if (byte === KEY.LF || byte === KEY.CR) return 0;
  if (byte === KEY.TAB) return (column & ~7) + 8;
  if (byte === KEY.BS) return Math.max(0, column - 1);
  return byte < 32 || (byte & 0xc0) === 0x80 ? column : column + 1;
}

/** A program's descriptor on a terminal. */
export class TtyDescription extends FileDescription {
  constructor(
    private readonly device: Tty,
    flags: number,
  ) {
    super(flags, device.queue);
    this.path = `/dev/${device.name}`;
  }

  override get tty(): Tty {
    return this.device;
  }

  override read(count: number, task: Task): Uint8Array | undefined {
    const { device } = this;
    const background = task.tty === device && device.foreground !== task.pgid && !device.hungUp;
    if (background) {
      if (task.disposition(Signal.SIGTTIN) === 'ignore' || isOrphanedGroup(task.host, task.pgid))
        throw new KernelError('EIO');
      signalGroup(task.host, task.pgid, Signal.SIGTTIN);
      return undefined;
    }
    return device.take(count);
  }

  override write(data: Uint8Array): number {
    if (this.device.hungUp) throw new KernelError('EIO');
    this.device.output(data);
    return data.length;
  }

  override poll(): number {
    const { device } = this;
    return (
      (device.readable ? Poll.POLLIN : 0) |
      Poll.POLLOUT |
      (device.hungUp ? Poll.POLLHUP | Poll.POLLERR : 0)
    );
  }

  override stat(task: Task): Stat {
    const { engine } = task.host;
    return {
      ino: 3 + this.device.index,
      type: 'char',
      mode: 0o620,
      nlink: 1,
      uid: 0,
      gid: 5,
      size: 0,
      mtimeNs: engine.now,
    };
  }
}

/** Opens a terminal by name; a session leader without one gets it as its controlling terminal. */
export function openTty(tty: Tty, task: Task, flags: number): FileDescription {
  if (tty.hungUp) throw new KernelError('EIO');
  const leads = task.sid === task.pid && task.tty === undefined && tty.sid === 0;
  if (leads && (flags & OpenFlag.O_NOCTTY) === 0) tty.associate(task);
  return new TtyDescription(tty, flags);
}
