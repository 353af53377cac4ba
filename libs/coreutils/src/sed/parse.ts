/**
 * Parser of sed scripts (POSIX and GNU sed 4.9's extensions), with GNU's error texts and character positions.
 */
import { Regex, RegexError } from '../regex/regex.js';
import {
  SedError,
  type Address,
  type SedCommand,
  type SedRegex,
  type Substitution,
} from './script.js';
import { plainText, replacementParts, sedEscape } from './escapes.js';

/** A piece of script: an `-e` text (numbered from 1) or a file. */
export interface ScriptPart {
  readonly text: string;
  readonly where: { readonly expression: number } | { readonly file: string };
}

export interface ParseOptions {
  readonly extended: boolean;
}

const oneAddress = 'qQ';

export class SedParser {
  readonly commands: SedCommand[] = [];
  private text = '';
  private at = 0;
  private where: ScriptPart['where'] = { expression: 1 };
  private readonly blocks: number[] = [];

  constructor(private readonly options: ParseOptions) {}

  /** Parses all parts as one script. */
  parse(parts: readonly ScriptPart[]): SedCommand[] {
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index] as ScriptPart;
      let text = part.text;
      // Text of a, i, c that ends in a backslash goes on in the next -e.
      while (
        /(^|[^\\])(\\\\)*\\$/.test(text) &&
        index + 1 < parts.length &&
        /^\s*[\d,$!{]*[aic]\\?/.test(lastCommandLine(text))
      ) {
        text += `\n${(parts[++index] as ScriptPart).text}`;
      }
      this.text = text;
      this.at = 0;
      this.where = part.where;
      this.script();
    }
    if (this.blocks.length > 0) this.bad("unmatched `{'", 0);
    this.resolveLabels();
    return this.commands;
  }

  private bad(message: string, position = this.at): never {
    if ('file' in this.where) {
      const line = this.text.slice(0, this.at).split('\n').length;
      throw new SedError(`file ${this.where.file} line ${line}: ${message}`);
    }
    throw new SedError(`-e expression #${this.where.expression}, char ${position}: ${message}`);
  }

  private peek(): string {
    return this.text.charAt(this.at);
  }

  private skip(pattern: RegExp): string {
    const match = pattern.exec(this.text.slice(this.at));
    const found = match?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private script(): void {
    for (;;) {
      this.skip(/^[\s;]+/);
      if (this.at >= this.text.length) return;
      if (this.peek() === '#') this.skip(/^[^\n]*/);
      else this.command();
    }
  }

  private command(): void {
    const from = this.address(false);
    let to: Address | undefined;
    if (from !== undefined) {
      this.skip(/^[ \t]+/);
      if (this.peek() === ',') {
        this.at++;
        this.skip(/^[ \t]+/);
        to = this.address(true);
        if (to === undefined) this.bad("unexpected `,'", this.at + 1);
      }
    }
    if (from?.kind === 'line' && from.line === 0 && to?.kind !== 'regex')
      this.bad('invalid usage of line address 0', this.at + 1);
    this.skip(/^[ \t]+/);
    const negated = this.peek() === '!';
    if (negated) {
      this.at++;
      this.skip(/^[ \t]+/);
      if (this.peek() === '!') this.bad("multiple `!'s", this.at + 1);
    }
    const name = this.peek();
    if (name === '') this.bad('missing command');
    this.at++;
    if (name === '}') {
      this.closeBlock(from !== undefined);
      return;
    }
    if (name === '#') this.bad("comments don't accept any addresses");
    if (name === ':' && from !== undefined) this.bad(": doesn't want any addresses");
    if (to !== undefined && oneAddress.includes(name)) this.bad('command only uses one address');
    const body = this.body(name);
    this.commands.push({
      name,
      from,
      to,
      negated,
      text: '',
      number: undefined,
      target: -1,
      state: 'inactive',
      rangeEnd: 0,
      ...body,
    });
    if (name === '{') this.blocks.push(this.commands.length - 1);
  }

  private closeBlock(hasAddress: boolean): void {
    const open = this.blocks.pop();
    if (open === undefined) this.bad("unexpected `}'");
    if (hasAddress) this.bad("} doesn't want any addresses");
    this.end();
    (this.commands[open] as SedCommand).target = this.commands.length;
  }

  private body(name: string): Partial<SedCommand> {
    switch (name) {
      case '{':
        return {};
      case '=':
      case 'd':
      case 'D':
      case 'F':
      case 'g':
      case 'G':
      case 'h':
      case 'H':
      case 'n':
      case 'N':
      case 'p':
      case 'P':
      case 'x':
      case 'z':
        this.end();
        return {};
      case 'a':
      case 'i':
      case 'c':
        return { text: this.textArgument() };
      case ':': {
        this.skip(/^[ \t]+/);
        const label = this.skip(/^[^\n;]*/).trimEnd();
        if (label === '') this.bad('":" lacks a label');
        return { text: label };
      }
      case 'b':
      case 't':
      case 'T': {
        this.skip(/^[ \t]+/);
        const label = this.skip(/^[^\n;}]*/).trimEnd();
        this.end();
        return { text: label };
      }
      case 'r':
      case 'R':
      case 'w':
      case 'W': {
        return { text: this.fileName() };
      }
      case 'e':
        this.skip(/^[ \t]+/);
        return { text: this.skip(/^[^\n]*/) };
      case 'v':
        this.skip(/^[^\n;]*/);
        return {};
      case 'q':
      case 'Q':
      case 'l':
      case 'L': {
        this.skip(/^[ \t]+/);
        const digits = this.skip(/^\d+/);
        this.end();
        return { number: digits === '' ? undefined : Number(digits) };
      }
      case 's':
        return { substitution: this.substitution() };
      case 'y':
        return { translate: this.translation() };
      default:
        return this.bad(`unknown command: \`${name}'`);
    }
  }

  /** Behind a command: blanks, then the end of the line, `;`, `}` or a comment. */
  private end(): void {
    this.skip(/^[ \t\r]+/);
    const char = this.peek();
    if (char === '' || char === '}' || char === '#') return;
    if (char !== '\n' && char !== ';') this.bad('extra characters after command', this.at + 1);
    this.at++;
  }

  private address(second: boolean): Address | undefined {
    const char = this.peek();
    if (/\d/.test(char)) {
      const line = Number(this.skip(/^\d+/));
      this.skip(/^[ \t]+(?=~)/);
      if (this.peek() === '~' && !second) {
        this.at++;
        return { kind: 'step', first: line, step: Number(this.skip(/^[ \t]*\d*/)) };
      }
      return { kind: 'line', line };
    }
    if (second && (char === '+' || char === '~')) {
      this.at++;
      const digits = this.skip(/^\d+/);
      if (digits === '') this.bad('expected number');
      return char === '+'
        ? { kind: 'plus', count: Number(digits) }
        : { kind: 'multiple', of: Number(digits) };
    }
    if (char === '$') {
      this.at++;
      return { kind: 'last' };
    }
    if (char !== '/' && char !== '\\') return undefined;
    this.at += char === '/' ? 1 : 2;
    const source = this.delimited(char === '/' ? '/' : this.text.charAt(this.at - 1), true);
    if (source === undefined) return this.bad('unterminated address regex', this.text.length);
    const flags = this.skip(/^[IM]+/);
    return { kind: 'regex', regex: this.regex(source, flags) };
  }

  private regex(source: string, flags: string): SedRegex {
    if (source === '') return undefined;
    try {
      return new Regex(source, {
        flavour: this.options.extended ? 'extended' : 'basic',
        escapes: true,
        strict: true,
        ignoreCase: /[Ii]/.test(flags),
        multiline: /[Mm]/.test(flags),
      });
    } catch (error) {
      if (!(error instanceof RegexError)) throw error;
      if (error.message.startsWith('character class syntax')) throw new SedError(error.message, 4);
      return this.bad(error.message);
    }
  }

  /** Text up to an unescaped delimiter; `\` + delimiter is the delimiter itself. */
  private delimited(delimiter: string, isRegex: boolean): string | undefined {
    let out = '';
    for (;;) {
      const char = this.peek();
      if (char === '' || (char === '\n' && isRegex && delimiter !== '\n')) return undefined;
      this.at++;
      if (char === delimiter) return out;
      if (char === '\\') {
        const next = this.peek();
        if (next === '') return undefined;
        this.at++;
        if (next === delimiter) out += isRegex && /[.*[\]^$+?(){}]/.test(next) ? `\\${next}` : next;
        else out += `\\${next}`;
      } else if (char === '[' && isRegex) {
        const set = /^\^?\]?(?:\[:[^\]:]*:\]|\[\.[^]*?\.\]|\[=[^]*?=\]|\\[^]|[^\]\\\n])*\]/.exec(
          this.text.slice(this.at),
        );
        if (set === null) return undefined;
        out += `[${delimiter === '/' ? set[0].replaceAll('\\/', '/') : set[0]}`;
        this.at += set[0].length;
      } else out += char;
    }
  }

  private substitution(): Substitution {
    const delimiter = this.peek();
    this.at++;
    const source = this.delimited(delimiter, true);
    const replacement = source === undefined ? undefined : this.delimited(delimiter, false);
    if (source === undefined || replacement === undefined)
      return this.bad("unterminated `s' command", this.text.length);
    let flags = '';
    let occurrence = 0;
    let file: string | undefined;
    for (;;) {
      const char = this.peek();
      if (/\d/.test(char)) {
        if (occurrence > 0) this.bad("multiple number options to `s' command", this.at + 1);
        occurrence = Number(this.skip(/^\d+/));
        if (occurrence === 0) this.bad("number option to `s' command may not be zero");
        continue;
      }
      if (char !== '' && 'gp'.includes(char) && flags.includes(char))
        this.bad(`multiple \`${char}' options to \`s' command`, this.at + 1);
      if (char !== '' && 'gpiImMe'.includes(char)) {
        flags += char;
        this.at++;
        continue;
      }
      if (char === 'w') {
        this.at++;
        file = this.fileName();
      } else if (char !== '' && !/[\s;}#]/.test(char))
        this.bad("unknown option to `s'", this.at + 1);
      else {
        this.skip(/^[ \t]+/);
        if (/\d/.test(this.peek())) continue;
        this.end();
      }
      break;
    }
    const regex = this.regex(source, flags);
    const parts = replacementParts(replacement);
    const highest = Math.max(0, ...parts.map((part) => (part.kind === 'group' ? part.index : 0)));
    if (regex !== undefined && highest > regex.groups)
      this.bad(`invalid reference \\${highest} on \`s' command's RHS`);
    return {
      regex,
      parts,
      global: flags.includes('g'),
      print: flags.includes('p') ? 1 : 0,
      evaluate: flags.includes('e'),
      occurrence: Math.max(1, occurrence),
      file,
    };
  }

  private translation(): string[] {
    const delimiter = this.peek();
    this.at++;
    const from = this.delimited(delimiter, false);
    const to = from === undefined ? undefined : this.delimited(delimiter, false);
    if (from === undefined || to === undefined)
      return this.bad("unterminated `y' command", this.text.length);
    const [source, target] = [plainText(from), plainText(to)];
    if (source.length !== target.length) this.bad("strings for `y' command are different lengths");
    const table = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
    for (let at = source.length - 1; at >= 0; at--)
      table[source.charCodeAt(at)] = target.charAt(at);
    this.end();
    return table;
  }

  private fileName(): string {
    this.skip(/^[ \t]+/);
    const name = this.skip(/^[^\n]*/);
    if (name === '') this.bad('missing filename in r/R/w/W commands');
    return name;
  }

  /** The text of a, i and c, with its final newline; empty where there is none. */
  private textArgument(): string {
    this.skip(/^[ \t]+/);
    if (this.at >= this.text.length) this.bad("expected \\ after `a', `c' or `i'");
    if (this.peek() === '\\') {
      const classic = /^\\[ \t]*\n/.exec(this.text.slice(this.at));
      this.at += classic?.[0].length ?? 1;
      if (classic === null) {
        if (this.at >= this.text.length) return '';
        const first = this.peek();
        this.at++;
        return this.textBody(first === '\\' ? '' : first);
      }
    }
    return this.textBody('');
  }

  private textBody(start: string): string {
    let out = start;
    while (this.at < this.text.length) {
      const char = this.peek();
      if (char === '\n') {
        this.at++;
        break;
      }
      if (char === '\\') {
        const escape = sedEscape(this.text, this.at);
        // A backslash at the very end of the script is dropped.
        out += escape?.char ?? this.text.charAt(this.at + 1);
        this.at += escape?.length ?? 2;
      } else {
        out += char;
        this.at++;
      }
    }
    return `${out}\n`;
  }

  private resolveLabels(): void {
    const labels = new Map<string, number>();
    this.commands.forEach((command, index) => {
      if (command.name === ':') labels.set(command.text, index);
    });
    for (const command of this.commands) {
      if (!'btT'.includes(command.name)) continue;
      const target = command.text === '' ? this.commands.length : labels.get(command.text);
      if (target === undefined)
        throw new SedError(`can't find label for jump to \`${command.text}'`, 4);
      command.target = target;
    }
  }
}

function lastCommandLine(text: string): string {
  const lines = text.split('\n');
  let index = lines.length - 1;
  while (index > 0 && /\\$/.test(lines[index - 1] ?? '')) index--;
  return lines[index] ?? '';
}
