/** The state of a running awk program: variables, the current record and its fields, input, random numbers. */
import { Regex, RegexError } from '../regex/regex.js';
import { errnoText, type Tool } from '../tool/tool.js';
import { unescape } from './lexer.js';
import { GlibcRandom } from './random.js';
import { RecordReader, splitByRegex, splitFields } from './records.js';
import { AwkFatal, Streams } from './streams.js';
import { AwkArray, StrNum, toNumber, toText, type Value } from './values.js';

export type Cell = Value | AwkArray;

/** Variables with effects when they are set; the rest are plain globals. */
export const specialNames = new Set(['NF', 'FS', 'RS', 'OFS', 'ORS', 'SUBSEP', 'CONVFMT', 'OFMT']);

export class Runtime {
  readonly globals: Cell[] = [];
  /** Parameters and locals of the running function. */
  frame: Cell[] = [];
  /** What `return` gave. */
  returned: Value;
  readonly streams: Streams;
  readonly random: GlibcRandom;
  seed: number;
  fs = ' ';
  rs = '\n';
  ofs = ' ';
  ors = '\n';
  subsep = '\x1c';
  convfmt = '%.6g';
  ofmt = '%.6g';
  nr = 0;
  fnr = 0;
  private record = '';
  private recordValid = true;
  private fields: string[] = [];
  private values: Value[] = [];
  private split = true;
  private readonly regexes = new Map<string, Regex>();
  private main: RecordReader | undefined;
  private argIndex = 1;
  private usedFile = false;

  constructor(
    readonly t: Tool,
    private readonly slots: ReadonlyMap<string, number>,
  ) {
    this.streams = new Streams(t);
    this.seed = t.sys.random();
    this.random = new GlibcRandom(this.seed);
  }

  /** A fatal error with mawk's context lines. */
  fatal(text: string): never {
    const name = toText(this.getNamed('FILENAME'), this.convfmt);
    throw new AwkFatal(
      `${this.t.name}: run time error: ${text}\n\tFILENAME="${name}" FNR=${this.fnr} NR=${this.nr}\n`,
    );
  }

  regex(source: string): Regex {
    let regex = this.regexes.get(source);
    if (regex === undefined) {
      try {
        regex = new Regex(source, { flavour: 'awk' });
      } catch (error) {
        if (!(error instanceof RegexError)) throw error;
        throw new AwkFatal(
          `${this.t.name}: run time error: regular expression compile failed (${error.message})\n${source}\n`,
        );
      }
      this.regexes.set(source, regex);
    }
    return regex;
  }

  /** Whether RS is a pattern rather than one character or paragraphs. */
  private rsRegex(): Regex | undefined {
    return this.rs.length > 1 ? this.regex(this.rs) : undefined;
  }

  getNamed(name: string): Value {
    const slot = this.slots.get(name);
    const cell = slot === undefined ? undefined : this.globals[slot];
    return cell instanceof AwkArray ? undefined : cell;
  }

  setNamed(name: string, value: Value): void {
    if (name === 'NR') this.nr = toNumber(value);
    else if (name === 'FNR') this.fnr = toNumber(value);
    else if (specialNames.has(name)) this.setSpecial(name, value);
    else {
      const slot = this.slots.get(name);
      if (slot !== undefined && !(this.globals[slot] instanceof AwkArray))
        this.globals[slot] = value;
    }
  }

  getSpecial(name: string): Value {
    switch (name) {
      case 'NF':
        return this.nf;
      case 'FS':
        return this.fs;
      case 'RS':
        return this.rs;
      case 'OFS':
        return this.ofs;
      case 'ORS':
        return this.ors;
      case 'SUBSEP':
        return this.subsep;
      case 'CONVFMT':
        return this.convfmt;
      default:
        return this.ofmt;
    }
  }

  setSpecial(name: string, value: Value): void {
    const text = toText(value, this.convfmt);
    switch (name) {
      case 'NF':
        this.setNf(toNumber(value));
        break;
      case 'FS':
        // A record that is not split yet is split as it was read.
        this.splitRecord();
        this.fs = text;
        break;
      case 'RS':
        this.rs = text;
        break;
      case 'OFS':
        this.record = this.getRecord();
        this.recordValid = true;
        this.ofs = text;
        break;
      case 'ORS':
        this.ors = text;
        break;
      case 'SUBSEP':
        this.subsep = text;
        break;
      case 'CONVFMT':
        this.convfmt = text;
        break;
      default:
        this.ofmt = text;
    }
  }

  setRecord(text: string): void {
    this.record = text;
    this.recordValid = true;
    this.split = false;
  }

  getRecord(): string {
    if (!this.recordValid) {
      this.record = this.fields.join(this.ofs);
      this.recordValid = true;
    }
    return this.record;
  }

  private splitRecord(): void {
    if (this.split) return;
    this.split = true;
    const regexOf = (source: string): Regex => this.regex(source);
    if (this.rs === '' && this.fs !== ' ' && this.fs !== '') {
      const source = this.fs.length === 1 ? (this.fs === '\\' ? '\\\\' : `[${this.fs}]`) : this.fs;
      this.fields = splitByRegex(this.record, this.regex(`${source}|\n`));
    } else this.fields = splitFields(this.record, this.fs, regexOf);
    this.values = [];
  }

  get nf(): number {
    this.splitRecord();
    return this.fields.length;
  }

  private setNf(count: number): void {
    this.splitRecord();
    const target = Math.max(0, Math.trunc(count));
    if (target > 1_000_000)
      this.fatal(`program limit exceeded: maximum number of fields size=32767`);
    while (this.fields.length < target) this.fields.push('');
    this.fields.length = target;
    this.values.length = Math.min(this.values.length, target);
    this.recordValid = false;
  }

  getField(index: number): Value {
    if (index === 0) return new StrNum(this.getRecord());
    if (index < 0) this.fatal(`negative field index $${index}`);
    this.splitRecord();
    const at = Math.trunc(index) - 1;
    const text = this.fields[at];
    if (text === undefined) return undefined;
    return (this.values[at] ??= new StrNum(text));
  }

  setField(index: number, value: Value): void {
    const at = Math.trunc(index);
    if (at < 0) this.fatal(`negative field index $${at}`);
    const text = toText(value, this.convfmt);
    if (at === 0) {
      this.setRecord(text);
      return;
    }
    this.splitRecord();
    if (at > this.fields.length) this.setNf(at);
    this.fields[at - 1] = text;
    this.values[at - 1] = value instanceof StrNum || typeof value === 'number' ? value : text;
    this.recordValid = false;
  }

  /** The next record of a file or command by the current RS. */
  async readRecord(reader: RecordReader): Promise<string | undefined> {
    const regex = this.rsRegex();
    try {
      return await reader.next(this.rs, regex);
    } catch (error) {
      throw new AwkFatal(`${this.t.name}: read error (${errnoText(error)})\n`);
    }
  }

  /** The next record of the main input; undefined at its end. */
  async nextRecord(): Promise<string | undefined> {
    for (;;) {
      if (this.main === undefined && !this.openNext()) return undefined;
      const reader = this.main as RecordReader;
      const record =
        (this.rs.length === 1 ? reader.ready(this.rs) : undefined) ??
        (await this.readRecord(reader));
      if (record !== undefined) {
        this.nr++;
        this.fnr++;
        return record;
      }
      this.closeMain();
    }
  }

  /** Leaves the current input file (nextfile). */
  closeMain(): void {
    const fd = this.main?.input.fd ?? 0;
    if (fd > 2) this.t.sys.close(fd);
    this.main = undefined;
  }

  private openNext(): boolean {
    const argv = this.globals[this.slots.get('ARGV') ?? -1];
    for (;;) {
      const argc = toNumber(this.getNamed('ARGC'));
      if (this.argIndex >= argc) break;
      const key = String(this.argIndex++);
      const arg =
        argv instanceof AwkArray && argv.items.has(key) ? toText(argv.get(key), this.convfmt) : '';
      if (arg === '') continue;
      const assignment = /^([A-Za-z_]\w*)=([^]*)$/.exec(arg);
      if (assignment !== null) {
        this.setNamed(assignment[1] ?? '', new StrNum(unescape(assignment[2] ?? '')));
        continue;
      }
      this.usedFile = true;
      this.openMain(arg);
      return true;
    }
    if (this.usedFile) return false;
    this.usedFile = true;
    this.openMain('-', false);
    return true;
  }

  private openMain(file: string, named = true): void {
    let fd = 0;
    if (file !== '-' && file !== '/dev/stdin') {
      try {
        fd = this.t.open(file);
      } catch (error) {
        throw new AwkFatal(`${this.t.name}: cannot open ${file} (${errnoText(error)})\n`);
      }
    }
    if (named) this.setNamed('FILENAME', file);
    this.fnr = 0;
    const input = this.t.input(fd);
    this.main = new RecordReader(input);
  }
}
