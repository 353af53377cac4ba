/** The values of jq's input files. */
import { KernelError, strerror } from '@netloom/base';
import { toUnicode } from '../tool/bytes.js';
import type { Input } from '../tool/input.js';
import { errnoText, type Tool } from '../tool/tool.js';
import { JsonParser, type Json } from './json.js';
import type { Options } from './options.js';

/** The values of all input files, one after another. */
export class Inputs {
  private readonly parser = new JsonParser();
  private index = 0;
  private current: Input | undefined;
  private ended = false;
  private lines = '';
  fileName: string | null = null;
  /** Some value was asked for. */
  asked = false;
  failed = false;

  constructor(
    private readonly t: Tool,
    private readonly o: Options,
    private readonly files: readonly string[],
  ) {}

  get lineNumber(): number {
    return this.parser.linesRead;
  }

  /** Reads on; false at the end of everything. */
  async fill(): Promise<boolean> {
    for (;;) {
      if (this.current === undefined && !this.openNext()) {
        if (this.ended) return false;
        this.ended = true;
        this.parser.end();
        return true;
      }
      let chunk: string | undefined;
      try {
        chunk = await this.current?.chunk();
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        this.t.put(`jq: error: Input error: ${strerror(error.errno)}\n`, 2);
        this.failed = true;
      }
      if (chunk === undefined) {
        this.current = undefined;
        continue;
      }
      if (this.o.rawInput) this.lines += chunk;
      else this.parser.push(toUnicode(chunk));
      return true;
    }
  }

  private openNext(): boolean {
    while (this.index < this.files.length) {
      const file = this.files[this.index++] ?? '-';
      try {
        this.current = this.t.input(file === '-' ? 0 : this.t.open(file));
        this.fileName = file === '-' ? null : toUnicode(file);
        return true;
      } catch (error) {
        this.t.put(`jq: error: Could not open file ${file}: ${errnoText(error)}\n`, 2);
        this.failed = true;
      }
    }
    return false;
  }

  /** A value that has arrived whole. */
  ready(): Json | undefined {
    this.asked = true;
    if (!this.o.rawInput) return this.parser.next()?.value;
    const end = this.lines.indexOf('\n');
    if (end < 0) {
      if (!this.ended || this.lines === '') return undefined;
      const last = this.lines;
      this.lines = '';
      return toUnicode(last);
    }
    const line = this.lines.slice(0, end);
    this.lines = this.lines.slice(end + 1);
    return toUnicode(line);
  }

  async next(): Promise<Json | undefined> {
    for (;;) {
      const value = this.ready();
      if (value !== undefined) return value;
      if (!(await this.fill())) return undefined;
    }
  }

  /** Everything at once, for filters that ask for input themselves. */
  async whole(): Promise<void> {
    while (await this.fill());
  }

  rawText(): string {
    return this.lines;
  }
}
