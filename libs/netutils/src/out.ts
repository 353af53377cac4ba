/**
 * What a program prints, described once: every attribute is given with its key and value (for `-j`) and with its text
 * (for people), and only one of the two is written.
 *
 * Called by the printers of `ip`, `bridge` and friends; the finished text is handed to `print` by the program's main
 * function. Colours follow `-c`: the palette is iproute2's for dark text on a light background.
 */
import { JsonWriter } from './json-writer.js';

export type JsonScalar = string | number | boolean | null;

export type ColorClass = 'ifname' | 'mac' | 'inet' | 'inet6' | 'up' | 'down';

const COLOR: Readonly<Record<ColorClass, string>> = {
  ifname: '\x1b[36m',
  mac: '\x1b[33m',
  inet: '\x1b[35m',
  inet6: '\x1b[34m',
  up: '\x1b[32m',
  down: '\x1b[31m',
};

export interface OutOptions {
  readonly json?: boolean;
  readonly pretty?: boolean;
  readonly color?: boolean;
  /** `-o`: a record's lines are joined by a backslash. */
  readonly oneline?: boolean;
}

/** Collects one program's standard output, as text or as JSON. */
export class Out {
  /** What separates the lines of one record. */
  readonly lineBreak: string;
  private text = '';
  private writer: JsonWriter | undefined;

  constructor(private readonly options: OutOptions = {}) {
    this.lineBreak = options.oneline === true ? '\\' : '\n';
  }

  get isJson(): boolean {
    return this.options.json === true;
  }

  /** Starts the document: an array in JSON, nothing in text. */
  start(): void {
    if (!this.isJson) return;
    this.writer = new JsonWriter(this.options.pretty === true);
    this.writer.startArray();
  }

  /** Ends what {@link start} began. */
  finish(): void {
    if (this.writer === undefined) return;
    this.writer.endArray();
    this.text += this.writer.text + '\n';
    this.writer = undefined;
  }

  openObject(key?: string): void {
    if (key !== undefined) this.writer?.name(key);
    this.writer?.startObject();
  }

  closeObject(): void {
    this.writer?.endObject();
  }

  /** An array under `key` in JSON; `text` in text. */
  openArray(key: string, text = ''): void {
    if (this.writer === undefined) {
      this.text += text;
      return;
    }
    this.writer.name(key);
    this.writer.startArray();
  }

  closeArray(text = ''): void {
    if (this.writer === undefined) this.text += text;
    else this.writer.endArray();
  }

  /** `key: value` in JSON, `text` in text. */
  any(key: string | undefined, text: string, value: JsonScalar): void {
    if (this.writer === undefined) {
      this.text += text;
      return;
    }
    if (key !== undefined) this.writer.name(key);
    this.writer.raw(JSON.stringify(value));
  }

  /** A number with a fixed count of decimals in JSON. */
  fixed(key: string, text: string, value: number, digits: number): void {
    if (this.writer === undefined) {
      this.text += text;
      return;
    }
    this.writer.name(key);
    this.writer.raw(value.toFixed(digits));
  }

  /** As {@link any} with the coloured part of the text between `before` and `after`. */
  colored(
    color: ColorClass,
    key: string | undefined,
    before: string,
    part: string,
    after: string,
    value: JsonScalar,
  ): void {
    const shown = this.options.color === true ? `${COLOR[color]}${part}\x1b[0m` : part;
    this.any(key, before + shown + after, value);
  }

  /** Text for people only. */
  plain(text: string): void {
    if (this.writer === undefined && !this.isJson) this.text += text;
  }

  /** `key: value` for `-j` only. */
  jsonOnly(key: string | undefined, value: JsonScalar): void {
    if (this.writer !== undefined) this.any(key, '', value);
  }

  /** A line break inside a record. */
  newline(): void {
    this.plain(this.lineBreak);
  }

  /** Takes what has been written so far. */
  take(): string {
    const text = this.text;
    this.text = '';
    return text;
  }

  /** Text as it is, outside any document (help texts, batch output). */
  literal(text: string): void {
    this.text += text;
  }
}
