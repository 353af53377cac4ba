/** The input of a sed script: the lines of all files as one stream, or file by file (-s, -i). */
import { KernelError, strerror } from '@netloom/base';
import type { Input } from '../tool/input.js';
import { toUnicode } from '../tool/bytes.js';
import type { Tool } from '../tool/tool.js';

export interface SedFileHooks {
  /** A file begins, ends (edited in place). */
  begin(file: string): void;
  end(file: string): Promise<void>;
}

export class SedInput {
  lineNumber = 0;
  /** Whether the current line ended in its delimiter. */
  terminated = true;
  fileName = '-';
  private current: Input | undefined;
  private peeked: { line: string; terminated: boolean } | undefined;
  private index = 0;
  private readonly readers = new Map<string, Input | undefined>();

  constructor(
    private readonly t: Tool,
    private readonly files: readonly string[],
    private readonly delimiter: string,
    private readonly separate: boolean,
    private readonly hooks: SedFileHooks | undefined,
    private readonly beforeRead: () => Promise<void>,
  ) {}

  /** The next line of the current file. */
  private async pull(): Promise<{ line: string; terminated: boolean } | undefined> {
    const input = this.current;
    if (input === undefined) return undefined;
    try {
      const ready = input.ready(this.delimiter);
      if (ready !== undefined) return { line: ready, terminated: true };
      await this.beforeRead();
      const line = await input.line(this.delimiter);
      return line === undefined ? undefined : { line, terminated: input.terminated };
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.t.warn(`read error on ${this.fileName}: ${strerror(error.errno)}`, 4);
      return undefined;
    }
  }

  private async openNext(): Promise<boolean> {
    if (this.current !== undefined) await this.closeCurrent();
    while (this.index < this.files.length) {
      const file = this.files[this.index++] as string;
      try {
        const standard = file === '-' && this.hooks === undefined;
        if (this.hooks !== undefined && this.t.sys.stat(toUnicode(file)).type !== 'file') {
          this.t.warn(`couldn't edit ${file}: not a regular file`, 4);
          continue;
        }
        this.current = this.t.input(standard ? 0 : this.t.open(file));
        this.fileName = file;
        this.hooks?.begin(file);
        if (this.separate) this.lineNumber = 0;
        return true;
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        this.t.warn(`can't read ${file}: ${strerror(error.errno)}`, 2);
      }
    }
    return false;
  }

  private async closeCurrent(): Promise<void> {
    const input = this.current;
    this.current = undefined;
    if (input === undefined) return;
    if (input.fd !== 0) this.t.sys.close(input.fd);
    await this.hooks?.end(this.fileName);
  }

  /** The next line of the script's input. */
  async next(): Promise<string | undefined> {
    let found = this.peeked ?? (await this.pull());
    this.peeked = undefined;
    while (found === undefined) {
      if (!(await this.openNext())) return undefined;
      found = await this.pull();
    }
    this.lineNumber++;
    this.terminated = found.terminated;
    return found.line;
  }

  /** Whether a line follows: in the file where files are separate, else in any. */
  async hasNext(): Promise<boolean> {
    this.peeked ??= await this.pull();
    if (this.separate) return this.peeked !== undefined;
    while (this.peeked === undefined) {
      if (!(await this.openNext())) return false;
      this.peeked = await this.pull();
    }
    return true;
  }

  /** Ends the input where the script quits: the rest of a file that is edited in place is kept. */
  async finish(keepRest: (text: string) => void): Promise<void> {
    if (this.hooks !== undefined && this.current !== undefined) {
      if (this.peeked !== undefined)
        keepRest(this.peeked.line + (this.peeked.terminated ? this.delimiter : ''));
      keepRest(await this.current.rest());
      await this.closeCurrent();
    } else this.current?.giveBack();
  }

  /** The next line of a file that `R` reads from. */
  async lineOf(name: string): Promise<string | undefined> {
    if (!this.readers.has(name)) {
      try {
        this.readers.set(name, this.t.input(name === '/dev/stdin' ? 0 : this.t.open(name)));
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        this.readers.set(name, undefined);
      }
    }
    return this.readers.get(name)?.line(this.delimiter);
  }
}
