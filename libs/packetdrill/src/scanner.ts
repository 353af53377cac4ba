/**
 * The text of a script, read from left to right. White space and comments between words mean nothing.
 */
import { ScriptError } from './ast.js';

const BLANK = /(?:\s+|\/\/[^\n]*|\/\*[^]*?\*\/|#[^\n]*)+/y;

export class Scanner {
  private at = 0;

  constructor(private readonly text: string) {}

  get line(): number {
    return this.lineAt(this.at);
  }

  private lineAt(offset: number): number {
    let line = 1;
    for (let i = 0; i < offset; i++) if (this.text.charCodeAt(i) === 10) line++;
    return line;
  }

  /** Goes to the next word. */
  skip(): void {
    BLANK.lastIndex = this.at;
    const match = BLANK.exec(this.text);
    if (match !== null) this.at += match[0].length;
  }

  get atEnd(): boolean {
    this.skip();
    return this.at >= this.text.length;
  }

  /** The text that a sticky expression matches at the next word, without taking it. */
  peek(pattern: RegExp): string | undefined {
    this.skip();
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.[0];
  }

  /** Takes what a sticky expression matches at the next word. */
  take(pattern: RegExp): string | undefined {
    const found = this.peek(pattern);
    if (found !== undefined) this.at += found.length;
    return found;
  }

  /** Takes a word or sign if it comes next; a word must end there. */
  accept(text: string): boolean {
    this.skip();
    if (!this.text.startsWith(text, this.at)) return false;
    const next = this.text[this.at + text.length] ?? '';
    if (/\w$/.test(text) && /\w/.test(next)) return false;
    this.at += text.length;
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) throw this.error(`expected "${text}"`);
  }

  need(pattern: RegExp, what: string): string {
    const found = this.take(pattern);
    if (found === undefined) throw this.error(`expected ${what}`);
    return found;
  }

  /** Everything up to a closing mark, which is taken too. */
  until(close: string): string {
    const end = this.text.indexOf(close, this.at);
    if (end < 0) throw this.error(`"${close}" is missing`);
    const body = this.text.slice(this.at, end);
    this.at = end + close.length;
    return body;
  }

  error(message: string): ScriptError {
    this.skip();
    const rest = this.text.slice(this.at, this.at + 30).split('\n')[0] ?? '';
    return new ScriptError(`${message} at "${rest}"`, this.line);
  }
}
