/** A buffered reader over one descriptor: lines, blocks of lines, or bytes as they arrive, as byte text. */
import type { Sys } from '@netloom/sys';
import { bytesToText } from './bytes.js';

const chunkBytes = 65536;
/** A loop over endless input (`/dev/zero`) must let virtual time pass now and then: what a mebibyte costs. */
const cpuNsPerMebibyte = 2_000_000;

export class Input {
  private buffer = '';
  private at = 0;
  private ended = false;
  private sinceCharge = 0;
  /** Whether the last line that was returned ended in the delimiter. */
  terminated = true;

  constructor(
    private readonly sys: Sys,
    readonly fd: number,
    private readonly beforeRead: () => Promise<void>,
  ) {}

  /** Reads on; false at end of file. */
  private async fill(): Promise<boolean> {
    if (this.ended) return false;
    await this.beforeRead();
    const bytes = await this.sys.read(this.fd, chunkBytes);
    if (bytes.length === 0) {
      this.ended = true;
      return false;
    }
    this.sinceCharge += bytes.length;
    if (this.sinceCharge >= 1 << 20) {
      this.sinceCharge = 0;
      await this.sys.cpu(cpuNsPerMebibyte);
    }
    this.buffer =
      this.at === this.buffer.length
        ? bytesToText(bytes)
        : this.buffer.slice(this.at) + bytesToText(bytes);
    this.at = 0;
    return true;
  }

  /** The next bytes as they arrive, undefined at the end. */
  async chunk(): Promise<string | undefined> {
    if (this.at === this.buffer.length && !(await this.fill())) return undefined;
    const text = this.at === 0 ? this.buffer : this.buffer.slice(this.at);
    this.at = this.buffer.length;
    return text;
  }

  /** Everything that is left. */
  async rest(): Promise<string> {
    const parts: string[] = [];
    for (let part = await this.chunk(); part !== undefined; part = await this.chunk())
      parts.push(part);
    return parts.join('');
  }

  /** At most `count` bytes, fewer only at the end. */
  async take(count: number): Promise<string> {
    while (this.buffer.length - this.at < count && (await this.fill()));
    const text = this.buffer.slice(this.at, this.at + count);
    this.at += text.length;
    return text;
  }

  /** A complete line that is already here, without waiting. */
  ready(delimiter = '\n'): string | undefined {
    const end = this.buffer.indexOf(delimiter, this.at);
    if (end < 0) return undefined;
    const line = this.buffer.slice(this.at, end);
    this.at = end + 1;
    this.terminated = true;
    return line;
  }

  /** The next line without its delimiter, undefined at the end. */
  async line(delimiter = '\n'): Promise<string | undefined> {
    for (;;) {
      const line = this.ready(delimiter);
      if (line !== undefined) return line;
      if (await this.fill()) continue;
      if (this.at === this.buffer.length) return undefined;
      const last = this.buffer.slice(this.at);
      this.at = this.buffer.length;
      this.terminated = false;
      return last;
    }
  }

  /** All complete lines that have arrived (at least one), undefined at the end. */
  async lines(delimiter = '\n'): Promise<string[] | undefined> {
    const first = await this.line(delimiter);
    if (first === undefined) return undefined;
    const lines = [first];
    if (!this.terminated) return lines;
    for (let line = this.ready(delimiter); line !== undefined; line = this.ready(delimiter))
      lines.push(line);
    return lines;
  }

  /** Whether more follows (reads on to find out). */
  async more(): Promise<boolean> {
    return this.at < this.buffer.length || (await this.fill());
  }

  /** Gives bytes that were read but not taken back to a seekable descriptor, for whoever reads it next. */
  giveBack(): void {
    const unread = this.buffer.length - this.at;
    if (unread === 0) return;
    this.at = this.buffer.length;
    try {
      this.sys.seek(this.fd, -unread, 'cur');
    } catch {
      // A pipe or terminal: what was read is gone, as for the real tool.
    }
  }
}
