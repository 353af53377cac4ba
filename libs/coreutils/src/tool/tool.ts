/**
 * What every tool stands on: its arguments, its ordered output, its errors, its inputs.
 *
 * {@link defineTool} turns a main function over {@link Tool} into a program of the system-call boundary. Output to
 * descriptors 1 and 2 is queued in order and written before every blocking read and at the end, so that a reader at the
 * other end of a pipe sees what the tool could already say, and errors stand where they belong.
 */
import { KernelError, strerror } from '@netloom/base';
import { OpenFlag, type ProgramSpec, type Sys } from '@netloom/sys';
import { fromUnicode, textToBytes, toUnicode } from './bytes.js';
import { OptionError, parseArgs, type OptionTable, type ParsedArgs } from './getopt.js';
import { Input } from './input.js';
import { quoteName } from './quote.js';

/** Ends the tool with this exit code, after the queued output is written. */
export class ExitError extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

const queueLimit = 32768;

export class Tool {
  /** `argv[0]`, as messages begin. */
  readonly name: string;
  /** Arguments without `argv[0]`, as byte text. */
  readonly args: readonly string[];
  /** Exit code so far: {@link warn} raises it. */
  status = 0;
  private queued: { fd: number; text: string }[] = [];
  private queuedLength = 0;

  constructor(
    readonly sys: Sys,
    readonly info: ToolInfo,
  ) {
    const name = fromUnicode(sys.argv[0] ?? info.name);
    this.name = info.shortName === true ? name.slice(name.lastIndexOf('/') + 1) : name;
    this.args = sys.argv.slice(1).map(fromUnicode);
  }

  /** Queues byte text for standard output (or another descriptor). */
  put(text: string, fd = 1): void {
    if (text === '') return;
    const last = this.queued[this.queued.length - 1];
    if (last !== undefined && last.fd === fd) last.text += text;
    else this.queued.push({ fd, text });
    this.queuedLength += text.length;
  }

  /** Whether enough is queued that a loop that does not read should {@link flush}. */
  get full(): boolean {
    return this.queuedLength >= queueLimit;
  }

  /** Writes what is queued. */
  async flush(): Promise<void> {
    if (this.queuedLength === 0) return;
    const queued = this.queued;
    this.queued = [];
    this.queuedLength = 0;
    for (const { fd, text } of queued) await this.writeAll(fd, text);
  }

  private async writeAll(fd: number, text: string): Promise<void> {
    let bytes = textToBytes(text);
    try {
      while (bytes.length > 0) bytes = bytes.subarray(await this.sys.write(fd, bytes));
    } catch (error) {
      if (!(error instanceof KernelError) || fd !== 1) throw error;
      this.put(`${this.name}: write error: ${strerror(error.errno)}\n`, 2);
      throw new ExitError(this.info.errorStatus ?? 1);
    }
  }

  /** Queues an error line `name: text` and raises the exit code. */
  warn(text: string, status = this.info.errorStatus ?? 1): void {
    this.put(`${this.name}: ${text}\n`, 2);
    if (status > this.status) this.status = status;
  }

  /** {@link warn} about a refused system call: `name: what: No such file or directory`. Rethrows anything else. */
  warnErrno(what: string, error: unknown, status?: number): void {
    this.warn(`${what}: ${errnoText(error)}`, status);
  }

  /** Prints an error line and ends the tool. */
  fail(text: string, status = this.info.errorStatus ?? 1): never {
    this.warn(text, status);
    throw new ExitError(status);
  }

  /** Ends the tool as a usage error: the text where there is one, then where to find help. */
  usage(text?: string): never {
    const status = this.info.usageStatus ?? this.info.errorStatus ?? 1;
    if (text !== undefined) this.warn(text, status);
    const hint =
      this.info.usageHint?.(this.name) ?? `Try '${this.name} --help' for more information.\n`;
    this.put(hint, 2);
    throw new ExitError(status);
  }

  /** Options and operands by a table of its own (a tool whose syntax depends on its arguments). */
  parse(table: OptionTable, args: readonly string[] = this.args): ParsedArgs {
    try {
      const long = {
        ...table.long,
        ...(this.info.help === false ? {} : { help: '--help', version: '--version' }),
      };
      const parsed = parseArgs({ ...table, long }, args);
      for (const { key } of parsed.options)
        if (key === '--help' || key === '--version') this.about(key);
      return parsed;
    } catch (error) {
      if (error instanceof OptionError) return this.usage(error.message);
      throw error;
    }
  }

  private about(key: string): never {
    const suite = this.info.suite ?? 'GNU coreutils';
    if (key === '--version') {
      this.put(
        suite === ''
          ? `${this.info.name}\n`
          : `${this.info.name} (${suite}) ${suiteVersions[suite] ?? '9.1'}\n`,
      );
    } else {
      this.put(
        `Usage: ${this.name} ${this.info.usage}\n${this.info.about}\n${describeOptions(this.info)}`,
      );
    }
    throw new ExitError(0);
  }

  /** Opens a file for reading; throws KernelError. */
  open(path: string, flags: number = OpenFlag.O_RDONLY): number {
    return this.sys.open(toUnicode(path), flags | OpenFlag.O_CLOEXEC, 0o666);
  }

  /** A buffered reader of a descriptor that writes the queued output before it blocks. */
  input(fd: number): Input {
    return new Input(this.sys, fd, () => this.flush());
  }

  /** A file operand (`-` is standard input) as an input, or undefined after a warning. */
  openInput(path: string): Input | undefined {
    if (path === '-') return this.input(0);
    try {
      return this.input(this.open(path));
    } catch (error) {
      this.warnErrno(quoteName(path, true), error);
      return undefined;
    }
  }

  /** Reads each operand in turn (standard input where there is none), with read errors reported as `name: file: text`. */
  async eachInput(
    files: readonly string[],
    body: (input: Input, file: string) => Promise<void>,
  ): Promise<void> {
    for (const file of files.length === 0 ? ['-'] : files) {
      const input = this.openInput(file);
      if (input === undefined) continue;
      try {
        await body(input, file);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        this.warnErrno(file === '-' ? '-' : quoteName(file, true), error);
      } finally {
        if (file !== '-') this.sys.close(input.fd);
      }
    }
  }

  /** Everything of an operand, as byte text. */
  async readWhole(file: string): Promise<string | undefined> {
    let text: string | undefined;
    await this.eachInput([file], async (input) => {
      text = await input.rest();
    });
    return text;
  }
}

/** The C library's text of a refused system call; rethrows anything else. */
export function errnoText(error: unknown): string {
  if (!(error instanceof KernelError)) throw error;
  return strerror(error.errno);
}

const suiteVersions: Readonly<Record<string, string>> = {
  'GNU coreutils': '9.1',
  'GNU findutils': '4.9.0',
  'GNU diffutils': '3.8',
  'GNU grep': '3.8',
  'GNU sed': '4.9',
  'util-linux': '2.38.1',
  'procps-ng': '4.0.2',
};

export interface ToolInfo extends OptionTable {
  readonly name: string;
  /** Behind `Usage: NAME`. */
  readonly usage: string;
  /** One sentence for --help. */
  readonly about: string;
  /** Package for --version. */
  readonly suite?: string;
  /** Exit code of errors, 1 where absent, and of usage errors, the same where absent. */
  readonly errorStatus?: number;
  readonly usageStatus?: number;
  /** Whole text behind a usage error; the `Try …` line where absent. */
  readonly usageHint?: (name: string) => string;
  /** Messages begin with the last component of `argv[0]`. */
  readonly shortName?: boolean;
  /** The tool parses its arguments itself; `parsed` is empty. */
  readonly raw?: boolean;
  /** false: no --help and --version are added. */
  readonly help?: boolean;
  /** Directory, and further names under which it is found. */
  readonly dir?: string;
  readonly aliases?: readonly string[];
}

function describeOptions(info: ToolInfo): string {
  const rows: string[] = [];
  const long = Object.entries(info.long ?? {});
  for (let at = 0; at < (info.short ?? '').length; at++) {
    const letter = info.short?.charAt(at) ?? '';
    if (letter === ':') continue;
    const name = long.find(([, key]) => key.replace(/:+$/, '') === letter);
    const argument = info.short?.[at + 1] === ':' ? (name === undefined ? ' ARG' : '=ARG') : '';
    rows.push(
      name === undefined ? `  -${letter}${argument}` : `  -${letter}, --${name[0]}${argument}`,
    );
  }
  for (const [name, key] of long) {
    if (key.startsWith('--')) rows.push(`      --${name}${key.endsWith(':') ? '=ARG' : ''}`);
  }
  return rows.length === 0 ? '' : `\n${rows.join('\n')}\n`;
}

export type ToolMain = (t: Tool, parsed: ParsedArgs) => Promise<number>;

/** A tool as a program. Its main returns the exit code; uncaught KernelErrors end it with their text. */
export function defineTool(info: ToolInfo, main: ToolMain): ProgramSpec {
  const dir = info.dir ?? '/usr/bin';
  return {
    paths: [info.name, ...(info.aliases ?? [])].map((name) =>
      name.startsWith('/') ? name : `${dir}/${name}`,
    ),
    main: async (sys) => {
      const t = new Tool(sys, info);
      let code: number;
      try {
        code = await main(t, info.raw === true ? { options: [], operands: [] } : t.parse(info));
        await t.flush();
      } catch (error) {
        code = failure(t, error);
        await t.flush();
      }
      return code & 255;
    },
  };
}

function failure(t: Tool, error: unknown): number {
  if (error instanceof ExitError) return error.code;
  t.warn(errnoText(error));
  return t.status;
}
