/**
 * The line editor of an interactive shell: keys of a raw terminal in, a line out, the screen kept in step.
 *
 * Keys: insert, backspace, delete, arrows, Home, End, ^A ^E ^B ^F ^K ^U ^W ^Y ^T ^L ^D ^C, history with ^P ^N and ^R,
 * words with Alt-b Alt-f Alt-d, Alt-. for the last argument, Tab for completion. Bytes are read one at a time, so that
 * what was typed ahead stays for the command that runs next. Text is kept as an array of characters.
 */
import { byteChar, fromBytes, toBytes } from './bytes.js';
import type { Shell } from './shell.js';
import { readTerminalByte } from './terminal-read.js';

export type EditResult =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'eof' }
  | { readonly kind: 'interrupt' };

export interface Completion {
  /** Where the completed word starts, in characters. */
  readonly start: number;
  readonly candidates: readonly {
    readonly insert: string;
    readonly show: string;
    readonly final: boolean;
  }[];
}

export type Completer = (before: string) => Completion;

const CONTROL = (letter: string): string => String.fromCharCode(letter.charCodeAt(0) & 31);

export class LineEditor {
  private text: string[] = [];
  private cursor = 0;
  private killed: string[] = [];
  private row = 0;
  private historyAt = 0;
  private draft = '';
  private lastKey = '';

  constructor(
    private readonly sh: Shell,
    private readonly prompt: string,
    private readonly complete: Completer,
  ) {}

  async read(): Promise<EditResult> {
    this.historyAt = this.sh.history.length;
    await this.write(this.prompt);
    for (;;) {
      const key = await this.key();
      if (key === undefined) return { kind: 'eof' };
      const result = await this.handle(key);
      this.lastKey = key;
      if (result !== undefined) return result;
    }
  }

  private async write(text: string): Promise<void> {
    await this.sh.sys.write(1, toBytes(text));
  }

  /** One key: a character, or a name such as `up` for a sequence. */
  private async key(): Promise<string | undefined> {
    const byte = await readTerminalByte(this.sh);
    if (byte === undefined) return undefined;
    if (byte === 0x1b) return this.escapeSequence();
    if (byte < 0x80) return String.fromCharCode(byte);
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    const bytes = [byte];
    while (bytes.length < length) {
      const next = await readTerminalByte(this.sh);
      if (next === undefined) break;
      bytes.push(next);
    }
    return length === 1 ? byteChar(byte) : fromBytes(Uint8Array.from(bytes));
  }

  private async escapeSequence(): Promise<string> {
    const first = await readTerminalByte(this.sh);
    if (first === undefined) return '';
    const letter = String.fromCharCode(first);
    if (letter !== '[' && letter !== 'O') return `alt-${letter}`;
    let body = '';
    for (;;) {
      const byte = await readTerminalByte(this.sh);
      if (byte === undefined) return '';
      body += String.fromCharCode(byte);
      if (byte >= 0x40 && byte <= 0x7e) break;
    }
    switch (body) {
      case 'A':
        return 'up';
      case 'B':
        return 'down';
      case 'C':
        return 'right';
      case 'D':
        return 'left';
      case 'H':
      case '1~':
      case '7~':
        return 'home';
      case 'F':
      case '4~':
      case '8~':
        return 'end';
      case '3~':
        return 'delete';
      case '1;5C':
      case '1;3C':
        return 'alt-f';
      case '1;5D':
      case '1;3D':
        return 'alt-b';
      default:
        return 'unknown';
    }
  }

  private async handle(key: string): Promise<EditResult | undefined> {
    switch (key) {
      case '\r':
      case '\n':
        await this.moveTo(this.text.length);
        await this.write('\n');
        return { kind: 'line', text: this.text.join('') };
      case CONTROL('C'):
        await this.moveTo(this.text.length);
        await this.write('^C\n');
        return { kind: 'interrupt' };
      case CONTROL('D'):
        if (this.text.length === 0) return { kind: 'eof' };
        return this.remove(this.cursor, this.cursor + 1);
      case 'delete':
        return this.remove(this.cursor, this.cursor + 1);
      case '\x7f':
      case CONTROL('H'):
        return this.remove(this.cursor - 1, this.cursor);
      case CONTROL('A'):
      case 'home':
        return this.moveTo(0);
      case CONTROL('E'):
      case 'end':
        return this.moveTo(this.text.length);
      case CONTROL('B'):
      case 'left':
        return this.moveTo(this.cursor - 1);
      case CONTROL('F'):
      case 'right':
        return this.moveTo(this.cursor + 1);
      case 'alt-b':
        return this.moveTo(this.wordLeft(/[A-Za-z0-9_]/));
      case 'alt-f':
        return this.moveTo(this.wordRight());
      case CONTROL('K'):
        return this.kill(this.cursor, this.text.length);
      case CONTROL('U'):
        return this.kill(0, this.cursor);
      case CONTROL('W'):
        return this.kill(this.wordLeft(/\S/), this.cursor);
      case 'alt-\x7f':
        return this.kill(this.wordLeft(/[A-Za-z0-9_]/), this.cursor);
      case 'alt-d':
        return this.kill(this.cursor, this.wordRight());
      case CONTROL('Y'):
        return this.insert(this.killed);
      case CONTROL('T'):
        return this.transpose();
      case CONTROL('L'):
        await this.write('\x1b[H\x1b[2J');
        this.row = 0;
        return this.redraw();
      case CONTROL('P'):
      case 'up':
        return this.recall(this.historyAt - 1);
      case CONTROL('N'):
      case 'down':
        return this.recall(this.historyAt + 1);
      case 'alt-.':
        return this.insert(Array.from(/(\S+)\s*$/.exec(this.sh.history.at(-1) ?? '')?.[1] ?? ''));
      case CONTROL('R'):
        return this.search();
      case '\t':
        return this.completeWord();
      default:
        if (key.length > 2 || key < ' ') return undefined;
        return this.insert([key]);
    }
  }

  private async insert(chars: readonly string[]): Promise<undefined> {
    const atEnd = this.cursor === this.text.length;
    this.text.splice(this.cursor, 0, ...chars);
    this.cursor += chars.length;
    const width = this.width();
    const end = this.promptWidth() + this.text.length;
    if (atEnd && end % width !== 0 && chars.length === 1) await this.write(chars[0] ?? '');
    else await this.redraw();
    if (atEnd) this.row = Math.floor(end / width);
    return undefined;
  }

  private async remove(from: number, to: number): Promise<undefined> {
    const start = Math.max(0, from);
    const end = Math.min(this.text.length, to);
    if (start >= end) return undefined;
    this.text.splice(start, end - start);
    this.cursor = start;
    await this.redraw();
    return undefined;
  }

  private async kill(from: number, to: number): Promise<undefined> {
    if (from < to) this.killed = this.text.slice(from, to);
    return this.remove(from, to);
  }

  private async transpose(): Promise<undefined> {
    const at = Math.min(this.cursor, this.text.length - 1);
    if (at < 1) return undefined;
    const [left = '', right = ''] = this.text.slice(at - 1, at + 1);
    this.text.splice(at - 1, 2, right, left);
    this.cursor = at + 1;
    await this.redraw();
    return undefined;
  }

  private wordLeft(inWord: RegExp): number {
    let at = this.cursor;
    while (at > 0 && !inWord.test(this.text[at - 1] ?? '')) at--;
    while (at > 0 && inWord.test(this.text[at - 1] ?? '')) at--;
    return at;
  }

  private wordRight(): number {
    let at = this.cursor;
    while (at < this.text.length && !/[A-Za-z0-9_]/.test(this.text[at] ?? '')) at++;
    while (at < this.text.length && /[A-Za-z0-9_]/.test(this.text[at] ?? '')) at++;
    return at;
  }

  private async moveTo(cursor: number): Promise<undefined> {
    const target = Math.max(0, Math.min(this.text.length, cursor));
    if (target === this.cursor) return undefined;
    this.cursor = target;
    await this.place();
    return undefined;
  }

  private async recall(at: number): Promise<undefined> {
    const { history } = this.sh;
    if (at < 0 || at > history.length) return undefined;
    if (this.historyAt === history.length) this.draft = this.text.join('');
    this.historyAt = at;
    this.text = Array.from(at === history.length ? this.draft : (history[at] ?? ''));
    this.cursor = this.text.length;
    await this.redraw();
    return undefined;
  }

  /** ^R: the latest line that contains what is typed. */
  private async search(): Promise<EditResult | undefined> {
    let query = '';
    let from = this.sh.history.length - 1;
    let found = '';
    for (;;) {
      await this.write(`\r\x1b[J(reverse-i-search)\`${query}': ${found}`);
      const key = await this.key();
      if (key === undefined) return { kind: 'eof' };
      if (key === CONTROL('R')) from--;
      else if (key === '\x7f' || key === CONTROL('H')) {
        query = query.slice(0, -1);
        from = this.sh.history.length - 1;
      } else if (key.length <= 2 && key >= ' ') query += key;
      else {
        this.text = Array.from(key === CONTROL('G') ? '' : found);
        this.cursor = this.text.length;
        this.row = 0;
        await this.redraw();
        return key === CONTROL('G') ? undefined : this.handle(key);
      }
      while (from >= 0 && this.sh.history[from]?.includes(query) !== true) from--;
      if (from >= 0) found = this.sh.history[from] ?? '';
      else from = 0;
    }
  }

  private async completeWord(): Promise<undefined> {
    const before = this.text.slice(0, this.cursor).join('');
    const { start, candidates } = this.complete(before);
    if (candidates.length === 0) return undefined;
    const common = commonPrefix(candidates.map((candidate) => candidate.insert));
    const typed = before.slice(start);
    const [only] = candidates;
    if (candidates.length === 1 && only !== undefined) {
      await this.replaceWord(start, only.insert + (only.final ? ' ' : ''));
    } else if (common.length > typed.length) await this.replaceWord(start, common);
    else if (this.lastKey === '\t') {
      await this.moveTo(this.text.length);
      await this.write(
        `\n${columns(
          candidates.map((candidate) => candidate.show),
          this.width(),
        )}${this.prompt}`,
      );
      this.row = 0;
      await this.redraw();
    }
    return undefined;
  }

  private async replaceWord(start: number, text: string): Promise<void> {
    const from = Array.from(this.text.join('').slice(0, start)).length;
    const chars = Array.from(text);
    this.text.splice(from, this.cursor - from, ...chars);
    this.cursor = from + chars.length;
    await this.redraw();
  }

  private width(): number {
    return Math.max(1, this.sh.sys.ttySize(0).cols || 80);
  }

  private promptWidth(): number {
    const line = (this.prompt.split('\n').at(-1) ?? '').replace(
      /\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|[\x00-\x1f]/g,
      '',
    );
    return Array.from(line).length;
  }

  /** Draws prompt and text again and puts the cursor where it belongs. */
  private async redraw(): Promise<undefined> {
    const width = this.width();
    const lastLine = this.prompt.split('\n').at(-1) ?? '';
    const up = this.row > 0 ? `\x1b[${this.row}A` : '';
    const end = this.promptWidth() + this.text.length;
    const wrap = end > 0 && end % width === 0 ? '\n' : '';
    this.row = Math.floor(end / width);
    await this.write(`${up}\r${lastLine}${this.text.join('')}\x1b[J${wrap}`);
    await this.place();
    return undefined;
  }

  /** Moves the terminal's cursor from its row to the editing position. */
  private async place(): Promise<void> {
    const width = this.width();
    const at = this.promptWidth() + this.cursor;
    const row = Math.floor(at / width);
    const column = at % width;
    const vertical =
      row < this.row ? `\x1b[${this.row - row}A` : row > this.row ? `\x1b[${row - this.row}B` : '';
    this.row = row;
    await this.write(`${vertical}\r${column > 0 ? `\x1b[${column}C` : ''}`);
  }
}

function commonPrefix(texts: readonly string[]): string {
  let common = texts[0] ?? '';
  for (const text of texts) while (!text.startsWith(common)) common = common.slice(0, -1);
  return common;
}

/** A list down the columns, as ls prints one. */
function columns(items: readonly string[], width: number): string {
  const cell = Math.max(...items.map((item) => item.length)) + 2;
  const count = Math.max(1, Math.floor(width / cell));
  const rows = Math.ceil(items.length / count);
  let out = '';
  for (let row = 0; row < rows; row++) {
    const line = items.filter((_item, at) => at % rows === row);
    out += `${line.map((item, at) => (at === line.length - 1 ? item : item.padEnd(cell))).join('')}\n`;
  }
  return out;
}
