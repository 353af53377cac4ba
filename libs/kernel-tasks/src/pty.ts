/**
 * The application's side of a pseudo terminal: keys in, screen out.
 */
import { encodeText, type WindowSize } from '@netloom/sys';
import type { TaskHost } from './task-host.js';
import { Tty } from './tty.js';

export interface PtyOptions {
  readonly size?: WindowSize;
  /** What the terminal is to show, as it is written. */
  readonly onOutput: (data: Uint8Array) => void;
}

export class Pty {
  /** The slave side, /dev/pts/N. */
  readonly tty: Tty;

  /** @internal made by {@link TaskHost.openPty} */
  constructor(
    private readonly host: TaskHost,
    index: number,
    options: PtyOptions,
  ) {
    this.tty = new Tty(host, index, options.size ?? { rows: 24, cols: 80 }, options.onOutput);
  }

  /** Keys, as bytes or text. */
  input(data: Uint8Array | string): void {
    this.tty.input(typeof data === 'string' ? encodeText(data) : data);
  }

  /** Changes the window; the foreground group gets SIGWINCH. */
  resize(size: WindowSize): void {
    this.tty.resize(size);
  }

  /** Takes the terminal away: SIGHUP to its session, end of file to readers; the number becomes free. */
  close(): void {
    this.tty.hangup();
    this.host.closePty(this.tty.index);
  }
}
