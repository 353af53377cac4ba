/** Splitting input into records by RS, and records into fields by FS. */
import type { Input } from '../tool/input.js';
import type { Regex } from '../regex/regex.js';

export class RecordReader {
  private buffer = '';
  private ended = false;
  private started = false;

  constructor(readonly input: Input) {}

  /** The next record; undefined at the end of the input. `separator` is RS, `regex` its pattern where it is one. */
  async next(separator: string, regex: Regex | undefined): Promise<string | undefined> {
    if (separator.length === 1 && regex === undefined) return this.byChar(separator);
    if (separator === '') return this.byParagraph();
    return this.byRegex(regex as Regex);
  }

  /** A record that is already here, where records end in one character. */
  ready(separator: string): string | undefined {
    return this.buffer === '' ? this.input.ready(separator) : undefined;
  }

  private async byChar(separator: string): Promise<string | undefined> {
    if (this.buffer === '' && !this.ended) return this.input.line(separator);
    for (;;) {
      const end = this.buffer.indexOf(separator);
      if (end >= 0) return this.cut(end, end + 1);
      if (!(await this.fill())) return this.last();
    }
  }

  private cut(end: number, next: number): string {
    const record = this.buffer.slice(0, end);
    this.buffer = this.buffer.slice(next);
    return record;
  }

  private last(): string | undefined {
    if (this.buffer === '') return undefined;
    return this.cut(this.buffer.length, this.buffer.length);
  }

  private async fill(): Promise<boolean> {
    if (this.ended) return false;
    const chunk = await this.input.chunk();
    if (chunk === undefined) this.ended = true;
    else this.buffer += chunk;
    return chunk !== undefined;
  }

  private async byParagraph(): Promise<string | undefined> {
    for (;;) {
      if (!this.started || /^\n/.test(this.buffer)) this.buffer = this.buffer.replace(/^\n+/, '');
      if (this.buffer !== '') this.started = true;
      const match = /\n\n+/.exec(this.buffer);
      if (match !== null && match.index + match[0].length < this.buffer.length)
        return this.cut(match.index, match.index + match[0].length);
      if (await this.fill()) continue;
      if (match !== null) return this.cut(match.index, this.buffer.length);
      const record = this.last();
      return record?.endsWith('\n') === true ? record.slice(0, -1) : record;
    }
  }

  private async byRegex(regex: Regex): Promise<string | undefined> {
    for (;;) {
      const match = regex.exec(this.buffer);
      const found = match !== undefined && match.end > match.start;
      // A match at the very end may grow with more input.
      if (found && match.end < this.buffer.length) return this.cut(match.start, match.end);
      if (await this.fill()) continue;
      return found ? this.cut(match.start, match.end) : this.last();
    }
  }
}

const blanks = /[^ \t\n\v\f\r]+/g;

/** Fields by FS: `" "` is runs of blanks, one character is itself, the empty text every character. */
export function splitFields(
  text: string,
  separator: string,
  regexOf: (source: string) => Regex,
): string[] {
  if (text === '') return [];
  if (separator === ' ') return text.match(blanks) ?? [];
  if (separator === '') return text.split('');
  if (separator.length === 1 && separator !== '\\') return text.split(separator);
  return splitByRegex(text, regexOf(separator));
}

export function splitByRegex(text: string, regex: Regex): string[] {
  if (text === '') return [];
  const fields: string[] = [];
  let start = 0;
  for (let from = 0; from <= text.length;) {
    const match = regex.exec(text, from);
    if (match === undefined) break;
    if (match.end === match.start) {
      from = match.end + 1;
      continue;
    }
    fields.push(text.slice(start, match.start));
    start = match.end;
    from = match.end;
  }
  fields.push(text.slice(start));
  return fields;
}
