/**
 * curl's progress meter: a line that is written over, once a second and at the end.
 */
import { printErr, type Sys } from '@netloom/sys';

const HEADING = `  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current
                                 Dload  Upload   Total   Spent    Left  Speed
`;
const EVERY_NS = 1e9;
/** The current speed is that of so many past seconds. */
const WINDOW = 5;
const BAR_WIDTH = 72;

/** Five columns: `8893`, `5327k`, `12.3M`. */
function size(bytes: number): string {
  const whole = Math.floor(bytes);
  if (whole < 100000) return String(whole).padStart(5);
  if (whole < 10000 * 1024) return `${String(Math.floor(whole / 1024)).padStart(4)}k`;
  if (whole < 100 * 1024 ** 2) {
    const tenths = Math.floor((whole % 1024 ** 2) / Math.floor(1024 ** 2 / 10));
    return `${String(Math.floor(whole / 1024 ** 2)).padStart(2)}.${Math.min(9, tenths)}M`;
  }
  if (whole < 10000 * 1024 ** 2) return `${String(Math.floor(whole / 1024 ** 2)).padStart(4)}M`;
  return `${String(Math.floor(whole / 1024 ** 3)).padStart(4)}G`;
}

function clock(total: number): string {
  if (total <= 0) return '--:--:--';
  const hours = Math.floor(total / 3600);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  if (hours <= 99)
    return `${String(hours).padStart(2)}:${two((total / 60) % 60)}:${two(total % 60)}`;
  const days = Math.floor(total / 86400);
  return days <= 999
    ? `${String(days).padStart(3)}d ${two(hours % 24)}h`
    : `${String(days).padStart(7)}d`;
}

const percent = (part: number, whole: number): number =>
  whole > 0 ? Math.floor((100 * part) / whole) : 0;

export class Meter {
  received = 0;
  sent = 0;
  /** 0 where unknown. */
  toReceive = 0;
  toSend = 0;
  private shownAtNs = -Infinity;
  private readonly samples: (readonly [number, number])[] = [];
  private headed = false;

  constructor(
    private readonly sys: Sys,
    private readonly kind: 'meter' | 'bar' | 'none',
    private startNs: number,
  ) {}

  /** When the line is to be written again; undefined where there is none. */
  get dueNs(): number | undefined {
    return this.kind === 'none' ? undefined : this.shownAtNs + EVERY_NS;
  }

  /** A transfer begins; its time counts from now. */
  restart(nowNs: number): void {
    this.startNs = nowNs;
    this.received = 0;
    this.sent = 0;
    this.toReceive = 0;
    this.toSend = 0;
    this.samples.length = 0;
    this.shownAtNs = -Infinity;
  }

  /** Writes the line where a second has gone by since the last one. */
  async tick(): Promise<void> {
    if (this.kind === 'none' || this.sys.now() < this.shownAtNs + EVERY_NS) return;
    await this.show();
  }

  async end(): Promise<void> {
    if (this.kind === 'none') return;
    await this.show();
    await printErr(this.sys, '\n');
  }

  private async show(): Promise<void> {
    const now = this.sys.now();
    this.shownAtNs = now;
    if (this.kind === 'bar') {
      if (this.toReceive === 0) return;
      const share = Math.min(1, this.received / this.toReceive);
      const bar = '#'.repeat(Math.floor(share * BAR_WIDTH)).padEnd(BAR_WIDTH);
      await printErr(this.sys, `\r${bar} ${(share * 100).toFixed(1).padStart(5)}%`);
      return;
    }
    const text = this.headed ? '' : HEADING;
    this.headed = true;
    await printErr(this.sys, `${text}\r${this.line(now)}`);
  }

  private line(now: number): string {
    const spentNs = Math.max(0, now - this.startNs);
    const each = (bytes: number): number => (spentNs > 0 ? (bytes * 1e9) / spentNs : 0);
    const download = each(this.received);
    const upload = each(this.sent);
    this.samples.push([now, this.received + this.sent]);
    if (this.samples.length > WINDOW + 1) this.samples.shift();
    const [fromNs, fromBytes] =
      this.samples.length > 2 ? (this.samples[0] ?? [this.startNs, 0]) : [this.startNs, 0];
    const spanMs = Math.max(1, Math.floor((now - fromNs) / 1e6));
    const moved = this.received + this.sent - fromBytes;
    const current = moved === 0 ? 0 : (moved * 1000) / spanMs;
    const known = this.toReceive > 0 || this.toSend > 0;
    const totalSeconds = Math.max(
      this.toReceive > 0 && download > 0 ? Math.floor(this.toReceive / Math.max(1, download)) : 0,
      this.toSend > 0 && upload > 0 ? Math.floor(this.toSend / Math.max(1, upload)) : 0,
    );
    const spent = Math.floor(spentNs / 1e9);
    const total =
      (this.toReceive === 0 ? this.received : this.toReceive) +
      (this.toSend === 0 ? this.sent : this.toSend);
    const done = known ? percent(this.received + this.sent, total) : 0;
    const three = (value: number): string => String(value).padStart(3);
    return (
      `${three(done)} ${size(total)}  ${three(percent(this.received, this.toReceive))} ${size(this.received)}  ` +
      `${three(percent(this.sent, this.toSend))} ${size(this.sent)}  ${size(download)}  ${size(upload)} ` +
      `${clock(totalSeconds)} ${clock(spent)} ${clock(totalSeconds > spent ? totalSeconds - spent : 0)} ${size(current)}`
    );
  }
}
