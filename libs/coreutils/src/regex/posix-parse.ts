/**
 * Parser of POSIX regular expressions with the GNU extensions: basic (`grep`, `sed`), extended (`grep -E`, `sed -E`) and
 * awk's. Source: POSIX.1-2017 chapter 9, regex(7), the GNU grep and sed manuals. Ranges are by byte (C locale).
 */
import {
  complement,
  foldCase,
  RegexError,
  setOf,
  classTests,
  spaceSet,
  wordSet,
  type AssertKind,
  type RegexNode,
} from './ast.js';

export interface RegexSyntax {
  /** `fixed`: every character is itself. */
  readonly flavour: 'basic' | 'extended' | 'awk' | 'fixed';
  readonly ignoreCase?: boolean;
  /** `\n`, `\t`, `\xHH` … are characters (sed), rather than the letter itself. */
  readonly escapes?: boolean;
  /** Stray `)`, `{`, leading and doubled repeats are errors (sed), rather than taken somehow (grep). */
  readonly strict?: boolean;
}

const asserts: Readonly<Record<string, AssertKind>> = {
  '<': 'wordStart',
  '>': 'wordEnd',
  b: 'word',
  B: 'notWord',
  '`': 'bufferStart',
  "'": 'bufferEnd',
};
const escapeChars: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, v: 11, a: 7 };
const maxRepeat = 32767;

export class PosixParser {
  /** Number of the last group. */
  groups: number;
  private at = 0;
  private depth = 0;
  private readonly closed = new Set<number>();
  private readonly basic: boolean;

  constructor(
    private readonly text: string,
    private readonly syntax: RegexSyntax,
    /** Groups of patterns before this one. */
    private readonly firstGroup = 0,
  ) {
    this.groups = firstGroup;
    this.basic = syntax.flavour === 'basic';
  }

  parse(): RegexNode {
    if (this.syntax.flavour === 'fixed') {
      return { kind: 'seq', items: [...this.text].map((char) => this.char(char.charCodeAt(0))) };
    }
    const tree = this.alternation();
    if (this.at < this.text.length)
      throw new RegexError(this.syntax.flavour === 'awk' ? "missing '('" : 'Unmatched ) or \\)');
    return tree;
  }

  private has(token: string): boolean {
    return this.text.startsWith(token, this.at);
  }

  private atClose(): boolean {
    if (this.basic) return this.has('\\)');
    return (
      this.has(')') &&
      (this.depth > 0 || this.syntax.strict === true || this.syntax.flavour === 'awk')
    );
  }

  private atBar(): boolean {
    return this.has(this.basic ? '\\|' : '|');
  }

  private alternation(): RegexNode {
    const items = [this.sequence()];
    while (this.atBar()) {
      this.at += this.basic ? 2 : 1;
      items.push(this.sequence());
    }
    return items.length === 1 ? (items[0] as RegexNode) : { kind: 'alt', items };
  }

  private sequence(): RegexNode {
    const items: RegexNode[] = [];
    const start = this.at;
    if (
      this.syntax.flavour === 'awk' &&
      (this.atBar() || (this.at > 0 && (this.atClose() || this.at >= this.text.length)))
    ) {
      throw new RegexError('missing operand');
    }
    while (this.at < this.text.length && !this.atClose() && !this.atBar()) {
      // A leading `*` is itself in basic syntax and nothing in GNU's extended one.
      const leading =
        items.length === 0 || (this.basic && this.at === start + 1 && this.text[start] === '^');
      if (leading && this.leadingRepeat(items)) continue;
      const item = this.atom(items.length === 0);
      items.push(this.repeats(item));
    }
    return items.length === 1 ? (items[0] as RegexNode) : { kind: 'seq', items };
  }

  private leadingRepeat(items: RegexNode[]): boolean {
    if (this.basic) {
      if (!this.has('*')) return false;
      this.at++;
      items.push(this.repeats(this.char(42)));
      return true;
    }
    if (this.syntax.flavour === 'awk') {
      if (this.has('*') || this.has('+') || this.has('?')) throw new RegexError('missing operand');
      return false;
    }
    if (this.has('*') || this.has('+') || this.has('?')) {
      if (this.syntax.strict === true) throw new RegexError('Invalid preceding regular expression');
      this.at++;
      return true;
    }
    if (this.has('{') && this.interval(this.at + 1) !== undefined) {
      this.at = this.interval(this.at + 1)?.end ?? this.at;
      return true;
    }
    return false;
  }

  private char(code: number): RegexNode {
    const members = setOf((other) => other === code);
    return { kind: 'set', members: this.syntax.ignoreCase === true ? foldCase(members) : members };
  }

  private repeats(item: RegexNode): RegexNode {
    let node = item;
    for (;;) {
      const plusAt = this.basic && this.has('\\') ? 1 : 0;
      const char = this.text.charAt(this.at + plusAt);
      if (this.has('*')) {
        this.at++;
        if (this.has('*') && this.syntax.strict === true)
          throw new RegexError('Invalid preceding regular expression');
        node = { kind: 'repeat', item: node, min: 0, max: Infinity };
      } else if ((!this.basic || plusAt === 1) && (char === '+' || char === '?')) {
        this.at += 1 + plusAt;
        node = {
          kind: 'repeat',
          item: node,
          min: char === '+' ? 1 : 0,
          max: char === '+' ? Infinity : 1,
        };
      } else if ((!this.basic || plusAt === 1) && char === '{' && this.syntax.flavour !== 'awk') {
        const found = this.interval(this.at + 1 + plusAt);
        if (found === undefined) return node;
        this.at = found.end;
        node = { kind: 'repeat', item: node, min: found.min, max: found.max };
      } else return node;
    }
  }

  /** `m,n}` behind a brace; undefined where an extended brace is only itself. */
  private interval(from: number): { min: number; max: number; end: number } | undefined {
    const close = this.basic ? '\\}' : '}';
    const end = this.text.indexOf(close, from);
    const match = end < 0 ? null : /^(\d*)(,?)(\d*)$/.exec(this.text.slice(from, end));
    if (match === null || (match[1] === '' && match[2] === '')) {
      if (!this.basic && this.syntax.strict !== true) return undefined;
      throw new RegexError(end < 0 ? 'Unmatched \\{' : 'Invalid content of \\{\\}');
    }
    const min = match[1] === '' ? 0 : Number(match[1]);
    const max = match[2] === '' ? min : match[3] === '' ? Infinity : Number(match[3]);
    if (min > max) throw new RegexError('Invalid content of \\{\\}');
    if (min > maxRepeat || (max !== Infinity && max > maxRepeat))
      throw new RegexError('Regular expression too big');
    return { min, max, end: end + close.length };
  }

  private atom(first: boolean): RegexNode {
    const char = this.text.charAt(this.at);
    if (this.has(this.basic ? '\\(' : '(')) return this.group();
    this.at++;
    switch (char) {
      case '.':
        return { kind: 'set', members: new Uint8Array(256).fill(1) };
      case '[':
        return { kind: 'set', members: this.bracket() };
      case '^':
        if (!this.basic || first) return { kind: 'assert', what: 'bol' };
        return this.char(94);
      case '$':
        if (!this.basic || this.at === this.text.length || this.atClose() || this.atBar())
          return { kind: 'assert', what: 'eol' };
        return this.char(36);
      case '\\':
        return this.escape();
      default:
        return this.char(char.charCodeAt(0));
    }
  }

  private group(): RegexNode {
    this.at += this.basic ? 2 : 1;
    const index = ++this.groups;
    this.depth++;
    const item = this.alternation();
    this.depth--;
    if (!this.has(this.basic ? '\\)' : ')')) {
      throw new RegexError(this.syntax.flavour === 'awk' ? "missing ')'" : 'Unmatched ( or \\(');
    }
    this.at += this.basic ? 2 : 1;
    this.closed.add(index);
    return { kind: 'group', item, index };
  }

  private escape(): RegexNode {
    if (this.at >= this.text.length) {
      if (this.syntax.flavour === 'awk') return this.char(92);
      throw new RegexError('Trailing backslash');
    }
    const char = this.text.charAt(this.at);
    if (this.syntax.flavour === 'awk') return this.awkEscape(char);
    this.at++;
    if (char >= '1' && char <= '9') {
      const index = this.firstGroup + Number(char);
      if (!this.closed.has(index)) throw new RegexError('Invalid back reference');
      return { kind: 'backref', index };
    }
    const assert = asserts[char];
    if (assert !== undefined) return { kind: 'assert', what: assert };
    if (char === 'w' || char === 'W')
      return { kind: 'set', members: char === 'w' ? wordSet : complement(wordSet) };
    if (char === 's' || char === 'S')
      return { kind: 'set', members: char === 's' ? spaceSet : complement(spaceSet) };
    if (this.basic && char === '{') throw new RegexError('Invalid preceding regular expression');
    if (this.syntax.escapes === true) {
      const code = this.numberedEscape(char) ?? escapeChars[char];
      if (code !== undefined) return this.char(code);
    }
    return this.char(char.charCodeAt(0));
  }

  private numberedEscape(char: string): number | undefined {
    const forms: Readonly<Record<string, readonly [RegExp, number]>> = {
      x: [/^[0-9a-fA-F]{1,2}/, 16],
      o: [/^[0-7]{1,3}/, 8],
      d: [/^[0-9]{1,3}/, 10],
    };
    const form = forms[char];
    const digits = form?.[0].exec(this.text.slice(this.at));
    if (form === undefined || digits === null || digits === undefined) return undefined;
    this.at += digits[0].length;
    return parseInt(digits[0], form[1]) & 255;
  }

  private awkEscape(char: string): RegexNode {
    const octal = /^[0-7]{1,3}/.exec(this.text.slice(this.at));
    if (octal !== null) {
      this.at += octal[0].length;
      return this.char(parseInt(octal[0], 8) & 255);
    }
    this.at++;
    const code = char === 'b' ? 8 : escapeChars[char];
    return this.char(code ?? char.charCodeAt(0));
  }

  private bracket(): Uint8Array {
    const members = new Uint8Array(256);
    const negated = this.has('^');
    if (negated) this.at++;
    const start = this.at;
    for (;;) {
      if (this.at >= this.text.length) {
        const nothing = start === this.text.length && this.syntax.flavour !== 'awk';
        throw new RegexError(
          nothing && !negated && this.syntax.escapes !== true
            ? 'Invalid regular expression'
            : 'Unmatched [, [^, [:, [., or [=',
        );
      }
      if (this.has(']') && this.at > start) break;
      if (this.has('[:')) {
        this.namedClass(members);
        continue;
      }
      const from = this.bracketChar();
      if (this.has('-') && this.at + 1 < this.text.length && this.text[this.at + 1] !== ']') {
        this.at++;
        const to = this.bracketChar();
        if (to < from) throw new RegexError('Invalid range end');
        members.fill(1, from, to + 1);
      } else members[from] = 1;
    }
    this.at++;
    const spelled = this.text.slice(start - (negated ? 2 : 1), this.at);
    if (
      this.syntax.escapes !== true &&
      this.syntax.flavour !== 'awk' &&
      /^\[:[^:\]]*:\]$/.test(spelled)
    ) {
      throw new RegexError('character class syntax is [[:space:]], not [:space:]');
    }
    const folded = this.syntax.ignoreCase === true ? foldCase(members) : members;
    return negated ? complement(folded) : folded;
  }

  private namedClass(members: Uint8Array): void {
    const end = this.text.indexOf(':]', this.at + 2);
    if (end < 0) throw new RegexError('Unmatched [, [^, [:, [., or [=');
    const test = classTests[this.text.slice(this.at + 2, end)];
    if (test === undefined) throw new RegexError('Invalid character class name');
    for (let code = 0; code < 256; code++) if (test(code)) members[code] = 1;
    this.at = end + 2;
  }

  private bracketChar(): number {
    const opener = this.text.slice(this.at, this.at + 2);
    if (opener === '[.' || opener === '[=') {
      const end = this.text.indexOf(`${opener[1] ?? ''}]`, this.at + 2);
      if (end < 0) throw new RegexError('Unmatched [, [^, [:, [., or [=');
      const name = this.text.slice(this.at + 2, end);
      if (name.length !== 1) throw new RegexError('Invalid collation character');
      this.at = end + 2;
      return name.charCodeAt(0);
    }
    const char = this.text.charAt(this.at++);
    if (char !== '\\') return char.charCodeAt(0);
    const next = this.text.charAt(this.at);
    if (this.syntax.flavour === 'awk') {
      const node = this.awkEscape(next);
      return node.kind === 'set' ? node.members.indexOf(1) : 92;
    }
    if (this.syntax.escapes !== true) return 92;
    // sed: only the escapes that stand for characters count inside brackets; others leave the backslash itself.
    if (next === ']' || next === '\\') return 92;
    this.at++;
    const code = this.numberedEscape(next) ?? escapeChars[next];
    if (code !== undefined) return code;
    this.at--;
    return 92;
  }
}
