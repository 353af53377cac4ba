/**
 * What `ping` counts, and its closing lines. Times in whole microseconds, as iputils keeps them.
 */
/** `3.402` from 3402 microseconds. */
export function millisText(micros: number): string {
  return `${Math.floor(micros / 1000)}.${String(micros % 1000).padStart(3, '0')}`;
}

/** The `time=` of a reply: three significant places, fewer as it grows. */
export function replyTimeText(micros: number): string {
  if (micros >= 100000 - 50) return `${Math.floor((micros + 500) / 1000)}`;
  if (micros >= 10000 - 5) {
    return `${Math.floor((micros + 50) / 1000)}.${Math.floor(((micros + 50) % 1000) / 100)}`;
  }
  if (micros >= 1000) {
    return `${Math.floor((micros + 5) / 1000)}.${String(Math.floor(((micros + 5) % 1000) / 10)).padStart(2, '0')}`;
  }
  return millisText(micros);
}

/** C's `%g` of a percentage. */
export function percentText(value: number): string {
  return String(Number(Math.fround(value).toPrecision(6)));
}

export class PingStatistics {
  transmitted = 0;
  received = 0;
  repeats = 0;
  corrupted = 0;
  errors = 0;
  /** Highest sequence number (16 bits) that has been answered. */
  acked = 0;
  pipesize = -1;
  private sum = 0;
  private sumSquares = 0;
  private min = Number.MAX_SAFE_INTEGER;
  max = 0;
  /** Eight times the exponentially weighted round-trip time. */
  rtt = 0;
  private readonly seen = new Uint8Array(8192);

  /** True where a reply to `seq` was counted. */
  wasSeen(seq: number): boolean {
    return ((this.seen[(seq & 0xffff) >> 3] ?? 0) & (1 << (seq & 7))) !== 0;
  }

  markSeen(seq: number): void {
    const at = (seq & 0xffff) >> 3;
    this.seen[at] = (this.seen[at] ?? 0) | (1 << (seq & 7));
  }

  forget(seq: number): void {
    const at = (seq & 0xffff) >> 3;
    this.seen[at] = (this.seen[at] ?? 0) & ~(1 << (seq & 7));
  }

  acknowledge(seq: number): void {
    const diff = (this.transmitted - seq) & 0xffff;
    if (diff > 0x7fff) return;
    if (diff + 1 > this.pipesize) this.pipesize = diff + 1;
    const ahead = (seq - this.acked) & 0xffff;
    if ((ahead > 0 && ahead < 0x8000) || ((this.transmitted - this.acked) & 0xffff) > 0x7fff)
      this.acked = seq;
  }

  get inFlight(): number {
    const diff = (this.transmitted - this.acked) & 0xffff;
    return diff <= 0x7fff ? diff : this.transmitted - this.received - this.errors;
  }

  addTime(micros: number): void {
    this.sum += micros;
    this.sumSquares += micros * micros;
    if (micros < this.min) this.min = micros;
    if (micros > this.max) this.max = micros;
    this.rtt = this.rtt === 0 ? micros * 8 : this.rtt + micros - Math.trunc(this.rtt / 8);
  }

  /** The short line for SIGQUIT. */
  snapshot(timing: boolean): string {
    const loss =
      this.transmitted === 0
        ? 0
        : Math.trunc(((this.transmitted - this.received) * 100) / this.transmitted);
    let text = `\r${this.transmitted}/${this.received} packets, ${loss}% loss`;
    if (this.received > 0 && timing) {
      const average = Math.floor(this.sum / (this.received + this.repeats));
      text += `, min/avg/ewma/max = ${millisText(this.min)}/${millisText(average)}/${millisText(Math.floor(this.rtt / 8))}/${millisText(this.max)} ms`;
    }
    return `${text}\n`;
  }

  /** The closing lines; `elapsedNs` runs from the first to the last request. */
  summary(host: string, elapsedNs: number, timing: boolean, showInterval: boolean): string {
    let text = `\n--- ${host} ping statistics ---\n${this.transmitted} packets transmitted, ${this.received} received`;
    if (this.repeats > 0) text += `, +${this.repeats} duplicates`;
    if (this.corrupted > 0) text += `, +${this.corrupted} corrupted`;
    if (this.errors > 0) text += `, +${this.errors} errors`;
    if (this.transmitted > 0) {
      const loss = ((this.transmitted - this.received) * 100) / this.transmitted;
      text += `, ${percentText(loss)}% packet loss, time ${Math.floor((elapsedNs + 500000) / 1e6)}ms`;
    }
    text += '\n';
    let comma = '';
    if (this.received > 0 && timing) {
      const count = this.received + this.repeats;
      const average = Math.floor(this.sum / count);
      const squares = Math.floor(this.sumSquares / count);
      const deviation = Math.floor(Math.sqrt(Math.max(0, squares - average * average)));
      text += `rtt min/avg/max/mdev = ${millisText(this.min)}/${millisText(average)}/${millisText(this.max)}/${millisText(deviation)} ms`;
      comma = ', ';
    }
    if (this.pipesize > 1) {
      text += `${comma}pipe ${this.pipesize}`;
      comma = ', ';
    }
    if (this.received > 0 && showInterval && this.transmitted > 1) {
      const gap = Math.floor(elapsedNs / 1000 / (this.transmitted - 1));
      text += `${comma}ipg/ewma ${millisText(gap)}/${millisText(Math.floor(this.rtt / 8))} ms`;
    }
    return `${text}\n`;
  }
}
