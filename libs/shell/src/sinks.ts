/**
 * Where expanded text goes: the four ways in which bash reads a word after expansion.
 *
 * {@link FieldSink} splits and collects fields for pathname expansion, {@link TextSink} joins everything (assignments),
 * {@link PatternSink} keeps quoting as backslashes (case, `${x#…}`), {@link RegexSink} makes a regular expression.
 */
import { escapeRegExp, hasPattern, quotePattern } from './pattern.js';
import type { LiteralForm } from './word-ir.js';

export interface Sink {
  /** Text of the word itself. */
  literal(text: string, form: LiteralForm): void;
  /** Result of a quoted expansion. */
  quoted(text: string): void;
  /** Result of an unquoted expansion. */
  value(text: string): void;
  /** Between the elements of `$@`. */
  boundary(): void;
  /** Whether `boundary` separates words, so that `"$*"` and `"$@"` differ. */
  readonly splits: boolean;
}

export interface Field {
  text: string;
  /** The same with quoting, for matching. */
  pattern: string;
  /** Has an unquoted pattern character. */
  magic: boolean;
}

export class FieldSink implements Sink {
  readonly fields: Field[] = [];
  readonly splits = true;
  private text = '';
  private pattern = '';
  private magic = false;
  private started = false;
  private readonly plainIfs: boolean;

  constructor(private readonly ifs: string) {
    this.plainIfs = ifs === ' \t\n';
  }

  literal(text: string, form: LiteralForm): void {
    if (form === 'bare') this.append(text);
    else this.quoted(text);
  }

  quoted(text: string): void {
    this.started = true;
    this.text += text;
    this.pattern += quotePattern(text);
  }

  value(text: string): void {
    if (text === '') return;
    if (this.plainIfs && !/[ \t\n]/.test(text)) {
      this.append(text);
      return;
    }
    if (this.ifs === '') {
      this.append(text);
      return;
    }
    let afterSpace = false;
    let run = '';
    for (const char of text) {
      if (!this.ifs.includes(char)) {
        run += char;
        afterSpace = false;
        continue;
      }
      if (run !== '') this.append(run);
      run = '';
      if (char === ' ' || char === '\t' || char === '\n') {
        if (this.started) {
          this.finish();
          afterSpace = true;
        }
      } else if (afterSpace) afterSpace = false;
      else this.finish();
    }
    if (run !== '') this.append(run);
  }

  boundary(): void {
    if (this.started) this.finish();
  }

  /** Ends the word; nothing remains half done. */
  end(): Field[] {
    if (this.started) this.finish();
    return this.fields;
  }

  private append(text: string): void {
    if (text === '') return;
    this.started = true;
    this.text += text;
    this.pattern += text;
    if (hasPattern(text)) this.magic = true;
  }

  private finish(): void {
    this.fields.push({ text: this.text, pattern: this.pattern, magic: this.magic });
    this.text = '';
    this.pattern = '';
    this.magic = false;
    this.started = false;
  }
}

export class TextSink implements Sink {
  readonly splits = false;
  text = '';

  literal(text: string): void {
    this.text += text;
  }

  quoted(text: string): void {
    this.text += text;
  }

  value(text: string): void {
    this.text += text;
  }

  boundary(): void {
    this.text += ' ';
  }
}

export class PatternSink implements Sink {
  readonly splits = false;
  text = '';

  literal(text: string, form: LiteralForm): void {
    this.text += form === 'bare' ? text : quotePattern(text);
  }

  quoted(text: string): void {
    this.text += quotePattern(text);
  }

  value(text: string): void {
    this.text += text;
  }

  boundary(): void {
    this.text += ' ';
  }
}

export class RegexSink implements Sink {
  readonly splits = false;
  text = '';

  literal(text: string, form: LiteralForm): void {
    if (form === 'bare') this.text += text;
    else if (form === 'escaped' && /[A-Za-z<>]/.test(text)) this.text += `\\${text}`;
    else this.text += escapeRegExp(text);
  }

  quoted(text: string): void {
    this.text += escapeRegExp(text);
  }

  value(text: string): void {
    this.text += text;
  }

  boundary(): void {
    this.text += ' ';
  }
}
