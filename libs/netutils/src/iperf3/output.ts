/**
 * Where a test's text goes: standard output or the log file, with title and time stamp before every piece as iperf3 does.
 */
import { encodeText, OpenFlag, type Sys } from '@netloom/sys';
import { errnoOf } from '../command.js';
import { dateText, clockText, calendarText } from '../calendar.js';
import { IperfError } from './errors.js';
import type { IperfOptions } from './options.js';

export class IperfOutput {
  private fd = 1;
  /** What the server sends to a client that asks for its output. */
  recording: string | undefined;

  constructor(
    private readonly sys: Sys,
    private readonly o: IperfOptions,
  ) {}

  /** Opens the log file, where there is one. */
  open(): void {
    if (this.o.logfile === undefined) return;
    try {
      const flags = OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_APPEND;
      this.fd = this.sys.open(this.o.logfile, flags, 0o666);
    } catch (error) {
      throw new IperfError(17, errnoOf(error));
    }
  }

  /** One piece of the report. */
  async print(text: string): Promise<void> {
    const stamp = this.stamp();
    if (this.o.role === 's') {
      if (this.recording !== undefined) this.recording += stamp + text;
      await this.raw(stamp + text);
    } else {
      const title = this.o.title === undefined ? '' : `${this.o.title}:  `;
      await this.raw(stamp + title + text);
    }
  }

  async raw(text: string): Promise<void> {
    await this.sys.write(this.fd, encodeText(text));
  }

  /** A complaint: to the log file where there is one, else to standard error. */
  async complain(text: string): Promise<void> {
    await this.sys.write(this.fd === 1 ? 2 : this.fd, encodeText(`iperf3: ${text}\n`));
  }

  private stamp(): string {
    const format = this.o.timestamps;
    if (format === undefined) return '';
    const seconds = this.sys.bootTime() + Math.floor(this.sys.now() / 1e9);
    return format.replace(/%([cTFsn%])/g, (_, letter: string) => {
      switch (letter) {
        case 'c':
          return calendarText(seconds);
        case 'T':
          return clockText(seconds);
        case 'F':
          return dateText(seconds).slice(0, 10);
        case 's':
          return String(seconds);
        default:
          return letter === 'n' ? '\n' : '%';
      }
    });
  }
}
