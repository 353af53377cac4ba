/** Files and commands that an awk program reads and writes by name. */
import { KernelError, strerror } from '@netloom/base';
import { OpenFlag, type Sys } from '@netloom/sys';
import { textToBytes, toUnicode } from '../tool/bytes.js';
import { Input } from '../tool/input.js';
import { spawnShell } from '../tool/spawn.js';
import type { Tool } from '../tool/tool.js';
import { RecordReader } from './records.js';

interface Writer {
  readonly fd: number;
  readonly pid: number | undefined;
  pending: string;
}

interface Reader {
  readonly records: RecordReader;
  readonly fd: number;
  readonly pid: number | undefined;
}

/** A failure that ends the program with exit code 2; the text is printed as it is. */
export class AwkFatal extends Error {}

export class Streams {
  private readonly writers = new Map<string, Writer>();
  private readonly readers = new Map<string, Reader>();
  private readonly sys: Sys;

  constructor(private readonly t: Tool) {
    this.sys = t.sys;
  }

  /** Queues text for a file or command, opening it at first. */
  write(mode: '>' | '>>' | '|', name: string, text: string): void {
    let writer = this.writers.get(name);
    if (writer === undefined) {
      if (mode !== '|' && (name === '/dev/stdout' || name === '-'))
        writer = { fd: 1, pid: undefined, pending: '' };
      else if (mode !== '|' && name === '/dev/stderr')
        writer = { fd: 2, pid: undefined, pending: '' };
      else writer = mode === '|' ? this.openCommand(name) : this.openFile(mode, name);
      this.writers.set(name, writer);
    }
    if (writer.fd <= 2 && writer.pid === undefined) this.t.put(text, writer.fd);
    else writer.pending += text;
  }

  private openFile(mode: '>' | '>>', name: string): Writer {
    const flags =
      OpenFlag.O_WRONLY |
      OpenFlag.O_CREAT |
      OpenFlag.O_CLOEXEC |
      (mode === '>' ? OpenFlag.O_TRUNC : OpenFlag.O_APPEND);
    try {
      return { fd: this.sys.open(toUnicode(name), flags, 0o666), pid: undefined, pending: '' };
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      throw new AwkFatal(
        `${this.t.name}: cannot open "${name}" for output (${strerror(error.errno)})\n`,
      );
    }
  }

  private openCommand(command: string): Writer {
    const [reader, fd] = this.sys.pipe();
    this.sys.setCloexec(fd, true);
    const pid = spawnShell(
      this.sys,
      command,
      new Map([
        [0, reader],
        [1, 1],
        [2, 2],
      ]),
    );
    this.sys.close(reader);
    return { fd, pid, pending: '' };
  }

  /** Writes out everything that is queued. */
  async flush(): Promise<void> {
    await this.t.flush();
    for (const writer of this.writers.values()) await this.flushWriter(writer);
  }

  private async flushWriter(writer: Writer): Promise<void> {
    if (writer.pending === '') return;
    const text = writer.pending;
    writer.pending = '';
    await this.sys.write(writer.fd, textToBytes(text));
  }

  get full(): boolean {
    if (this.t.full) return true;
    for (const writer of this.writers.values()) if (writer.pending.length > 32768) return true;
    return false;
  }

  /** The reader of a file or command; undefined where a file cannot be opened. */
  async reader(from: 'file' | 'command', name: string): Promise<RecordReader | undefined> {
    const known = this.readers.get(name);
    if (known !== undefined) return known.records;
    await this.flush();
    const flush = (): Promise<void> => this.flush();
    let fd: number;
    let pid: number | undefined;
    if (from === 'command') {
      let writer: number;
      [fd, writer] = this.sys.pipe();
      this.sys.setCloexec(fd, true);
      pid = spawnShell(
        this.sys,
        name,
        new Map([
          [0, 0],
          [1, writer],
          [2, 2],
        ]),
      );
      this.sys.close(writer);
    } else if (name === '-' || name === '/dev/stdin') fd = 0;
    else {
      try {
        fd = this.t.open(name);
      } catch (error) {
        if (error instanceof KernelError) return undefined;
        throw error;
      }
    }
    const records = new RecordReader(new Input(this.sys, fd, flush));
    this.readers.set(name, { records, fd, pid });
    return records;
  }

  /** close(): the exit code of a command, 0 for a file, -1 for what is not open. */
  async close(name: string): Promise<number> {
    let result = -1;
    const writer = this.writers.get(name);
    if (writer !== undefined) {
      this.writers.delete(name);
      await this.flush();
      await this.flushWriter(writer);
      result = await this.finish(writer);
    }
    const reader = this.readers.get(name);
    if (reader !== undefined) {
      this.readers.delete(name);
      result = await this.finish(reader);
    }
    return result;
  }

  private async finish(stream: {
    readonly fd: number;
    readonly pid: number | undefined;
  }): Promise<number> {
    if (stream.fd > 2) this.sys.close(stream.fd);
    if (stream.pid === undefined) return 0;
    return shellStatus(await this.sys.waitpid(stream.pid));
  }

  /** Flushes a stream, or all of them; -1 where the name is not open. */
  async flushNamed(name: string | undefined): Promise<number> {
    if (name === undefined) {
      await this.flush();
      return 0;
    }
    const writer = this.writers.get(name);
    if (writer === undefined) return -1;
    await this.t.flush();
    await this.flushWriter(writer);
    return 0;
  }

  /** The end of the program: everything is written, commands are waited for. */
  async closeAll(): Promise<void> {
    await this.flush();
    for (const name of [...this.writers.keys(), ...this.readers.keys()]) await this.close(name);
  }
}

/** What system() and close() return for how a command ended. */
export function shellStatus(
  status: { readonly kind: string; readonly value: number } | undefined,
): number {
  if (status === undefined) return 0;
  return status.kind === 'exit' ? status.value : 256 + status.value;
}
