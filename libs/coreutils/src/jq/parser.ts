/** Parser of jq 1.6 filters. */
import type { Definition, Filter, Pattern } from './ast.js';
import { JqSyntaxError, placed, tokenize, type Token } from './lexer.js';

export { JqSyntaxError, placed };

const updates = new Set(['=', '|=', '+=', '-=', '*=', '/=', '%=', '//=']);
const comparisons = new Set(['==', '!=', '<', '<=', '>', '>=']);

type PatternEntry = Extract<Pattern, { kind: 'object' }>['entries'][number];

export class JqParser {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(private readonly source: string) {
    this.tokens = tokenize(source, (inner) => new JqParser(inner).parse());
  }

  /** A whole program; definitions alone stand for `.`. */
  parse(): Filter {
    const filter = this.tokens.length === 1 ? ({ kind: 'identity' } as const) : this.program();
    if (this.token.kind !== 'end') this.unexpected();
    return filter;
  }

  /** Definitions only (the prelude). */
  definitions(): Definition[] {
    const out: Definition[] = [];
    while (this.isKeyword('def')) out.push(this.definition());
    return out;
  }

  private program(): Filter {
    if (this.isKeyword('def')) {
      const definition = this.definition();
      const body: Filter = this.token.kind === 'end' ? { kind: 'identity' } : this.program();
      return { kind: 'define', definition, body };
    }
    return this.pipe();
  }

  private fail(message: string): never {
    throw new JqSyntaxError(
      placed(
        message,
        this.source,
        this.token.line,
        this.token.kind === 'end' ? (this.tokens[this.at - 1]?.start ?? 0) : this.token.start,
      ),
    );
  }

  private unexpected(): never {
    const { kind, text } = this.token;
    const shown =
      kind === 'end'
        ? '$end'
        : kind === 'name'
          ? 'IDENT'
          : kind === 'field'
            ? 'FIELD'
            : kind === 'number'
              ? 'LITERAL'
              : kind === 'string'
                ? 'QQSTRING_START'
                : kind === 'keyword'
                  ? text
                  : text.length === 1
                    ? `'${text}'`
                    : text;
    return this.fail(`syntax error, unexpected ${shown} (Unix shell quoting issues?)`);
  }

  private get token(): Token {
    return this.tokens[this.at] as Token;
  }

  private is(...texts: readonly string[]): boolean {
    return this.token.kind === 'operator' && texts.includes(this.token.text);
  }

  private isKeyword(text: string): boolean {
    return this.token.kind === 'keyword' && this.token.text === text;
  }

  private accept(text: string): boolean {
    if (!this.is(text) && !this.isKeyword(text)) return false;
    this.at++;
    return true;
  }

  private expect(text: string): void {
    if (!this.accept(text)) this.unexpected();
  }

  private take(kind: Token['kind']): string {
    if (this.token.kind !== kind) this.unexpected();
    return (this.tokens[this.at++] as Token).text;
  }

  private definition(): Definition {
    this.expect('def');
    const name = this.token.kind === 'keyword' ? this.take('keyword') : this.take('name');
    const params: string[] = [];
    if (this.accept('(')) {
      do
        params.push(
          this.token.kind === 'variable' ? `$${this.take('variable')}` : this.take('name'),
        );
      while (this.accept(';'));
      this.expect(')');
    }
    this.expect(':');
    const body = this.program();
    this.expect(';');
    return { name, params, body };
  }

  private pipe(): Filter {
    if (this.isKeyword('def')) {
      const definition = this.definition();
      return { kind: 'define', definition, body: this.pipe() };
    }
    if (this.accept('label')) {
      const name = this.take('variable');
      this.expect('|');
      return { kind: 'label', name, body: this.pipe() };
    }
    const left = this.comma();
    if (this.accept('as')) return this.binding(left);
    return this.accept('|') ? { kind: 'pipe', left, right: this.pipe() } : left;
  }

  private binding(source: Filter): Filter {
    const patterns = [this.pattern()];
    while (this.accept('?//')) patterns.push(this.pattern());
    this.expect('|');
    return { kind: 'bind', source, patterns, body: this.pipe() };
  }

  private comma(): Filter {
    let left = this.alternative();
    while (this.accept(',')) left = { kind: 'comma', left, right: this.alternative() };
    return left;
  }

  /** `//` and the updates are right and non-associative below it. */
  private alternative(): Filter {
    const left = this.update();
    return this.accept('//') ? { kind: 'alternative', left, right: this.alternative() } : left;
  }

  private update(): Filter {
    const left = this.or();
    if (this.token.kind !== 'operator' || !updates.has(this.token.text)) return left;
    const operator = this.take('operator');
    return { kind: 'update', operator, left, right: this.alternative() };
  }

  private or(): Filter {
    let left = this.and();
    while (this.accept('or')) left = { kind: 'or', left, right: this.and() };
    return left;
  }

  private and(): Filter {
    let left = this.comparison();
    while (this.accept('and')) left = { kind: 'and', left, right: this.comparison() };
    return left;
  }

  private comparison(): Filter {
    const left = this.sum();
    if (this.token.kind !== 'operator' || !comparisons.has(this.token.text)) return left;
    const operator = this.take('operator');
    return { kind: 'binary', operator, left, right: this.sum() };
  }

  private sum(): Filter {
    let left = this.product();
    while (this.is('+', '-')) {
      const operator = this.take('operator');
      left = { kind: 'binary', operator, left, right: this.product() };
    }
    return left;
  }

  private product(): Filter {
    let left = this.postfix();
    while (this.is('*', '/', '%')) {
      const operator = this.take('operator');
      left = { kind: 'binary', operator, left, right: this.postfix() };
    }
    return left;
  }

  private postfix(): Filter {
    if (this.accept('-')) return { kind: 'negate', operand: this.postfix() };
    if (this.accept('reduce')) {
      const source = this.postfixTerm();
      this.expect('as');
      const pattern = this.pattern();
      this.expect('(');
      const start = this.pipe();
      this.expect(';');
      const update = this.pipe();
      this.expect(')');
      return { kind: 'reduce', source, pattern, start, update };
    }
    if (this.accept('foreach')) {
      const source = this.postfixTerm();
      this.expect('as');
      const pattern = this.pattern();
      this.expect('(');
      const start = this.pipe();
      this.expect(';');
      const update = this.pipe();
      const extract = this.accept(';') ? this.pipe() : undefined;
      this.expect(')');
      return { kind: 'foreach', source, pattern, start, update, extract };
    }
    if (this.accept('try')) {
      const body = this.postfix();
      return { kind: 'try', body, handler: this.accept('catch') ? this.postfix() : undefined };
    }
    if (this.isKeyword('def')) {
      const definition = this.definition();
      return { kind: 'define', definition, body: this.pipe() };
    }
    const term = this.postfixTerm();
    if (this.accept('as')) return this.binding(term);
    return term;
  }

  private postfixTerm(): Filter {
    let term = this.term();
    for (;;) {
      if (this.token.kind === 'field')
        term = { kind: 'index', target: term, key: { kind: 'literal', value: this.take('field') } };
      else if (this.is('.') && this.tokens[this.at + 1]?.kind === 'string') {
        this.at++;
        term = { kind: 'index', target: term, key: this.string(undefined) };
      } else if (this.is('?')) {
        this.at++;
        term = { kind: 'try', body: term, handler: undefined };
      } else if (this.is('[')) term = this.bracket(term);
      else return term;
    }
  }

  private bracket(target: Filter): Filter {
    this.expect('[');
    if (this.accept(']')) return { kind: 'iterate', target };
    if (this.accept(':')) {
      const to = this.pipe();
      this.expect(']');
      return { kind: 'slice', target, from: undefined, to };
    }
    const key = this.pipe();
    if (this.accept(':')) {
      const to = this.is(']') ? undefined : this.pipe();
      this.expect(']');
      return { kind: 'slice', target, from: key, to };
    }
    this.expect(']');
    return { kind: 'index', target, key };
  }

  private string(format: string | undefined): Filter {
    const token = this.token;
    this.at++;
    const parts = token.parts ?? [''];
    if (parts.length === 1 && typeof parts[0] === 'string')
      return { kind: 'literal', value: parts[0] };
    return { kind: 'string', format, parts };
  }

  private term(): Filter {
    const { kind, text, line, start } = this.token;
    switch (kind) {
      case 'number':
        this.at++;
        return { kind: 'literal', value: Number(text) };
      case 'string':
        return this.string(undefined);
      case 'format':
        this.at++;
        return this.token.kind === 'string' ? this.string(text) : { kind: 'format', name: text };
      case 'field':
        this.at++;
        return {
          kind: 'index',
          target: { kind: 'identity' },
          key: { kind: 'literal', value: text },
        };
      case 'variable':
        this.at++;
        return { kind: 'variable', name: text, line, start };
      case 'name':
        return this.call();
      case 'keyword':
        if (text === 'if') return this.conditional();
        return this.unexpected();
      default:
        return this.operatorTerm();
    }
  }

  private operatorTerm(): Filter {
    if (this.accept('..')) return { kind: 'recurse' };
    if (this.accept('.')) {
      if (this.token.kind === 'string')
        return { kind: 'index', target: { kind: 'identity' }, key: this.string(undefined) };
      return this.is('[') ? this.bracket({ kind: 'identity' }) : { kind: 'identity' };
    }
    if (this.accept('(')) {
      const body = this.pipe();
      this.expect(')');
      return body;
    }
    if (this.accept('[')) {
      if (this.accept(']')) return { kind: 'array', body: undefined };
      const body = this.pipe();
      this.expect(']');
      return { kind: 'array', body };
    }
    if (this.is('{')) return this.object();
    if (this.is('-')) return this.postfix();
    return this.unexpected();
  }

  private call(): Filter {
    const { start } = this.token;
    const name = this.take('name');
    if (name === 'true' || name === 'false' || name === 'null')
      return { kind: 'literal', value: name === 'null' ? null : name === 'true' };
    if (name === 'break' && this.token.kind === 'variable')
      return { kind: 'break', name: this.take('variable') };
    const args: Filter[] = [];
    if (this.accept('(')) {
      do args.push(this.pipe());
      while (this.accept(';'));
      this.expect(')');
    }
    return { kind: 'call', name, args, start };
  }

  private conditional(): Filter {
    this.at++;
    const test = this.pipe();
    this.expect('then');
    const then = this.pipe();
    if (this.isKeyword('elif')) return { kind: 'if', test, then, otherwise: this.conditional() };
    this.expect('else');
    const otherwise = this.pipe();
    this.expect('end');
    return { kind: 'if', test, then, otherwise };
  }

  private object(): Filter {
    this.expect('{');
    const entries: { key: Filter; value: Filter | undefined }[] = [];
    while (!this.accept('}')) {
      entries.push(this.entry());
      if (!this.is('}')) this.expect(',');
    }
    return { kind: 'object', entries };
  }

  private entry(): { key: Filter; value: Filter | undefined } {
    const { kind, text, line, start } = this.token;
    let key: Filter;
    let value: Filter | undefined;
    if (kind === 'variable') {
      this.at++;
      return {
        key: { kind: 'literal', value: text },
        value: { kind: 'variable', name: text, line, start },
      };
    }
    if (kind === 'name' || kind === 'keyword' || kind === 'number') {
      this.at++;
      key = { kind: 'literal', value: kind === 'number' ? Number(text) : text };
    } else if (kind === 'string') key = this.string(undefined);
    else if (kind === 'format') {
      this.at++;
      key = this.token.kind === 'string' ? this.string(text) : { kind: 'format', name: text };
    } else if (this.accept('(')) {
      key = this.pipe();
      this.expect(')');
    } else return this.unexpected();
    if (this.accept(':')) value = this.objectValue();
    return { key, value };
  }

  /** Terms joined by `|`; a comma ends the entry. */
  private objectValue(): Filter {
    const left = this.accept('-')
      ? ({ kind: 'negate', operand: this.postfixTerm() } as const)
      : this.alternative();
    return this.accept('|') ? { kind: 'pipe', left, right: this.objectValue() } : left;
  }

  private pattern(): Pattern {
    const { kind } = this.token;
    if (kind === 'variable') return { kind: 'variable', name: this.take('variable') };
    if (this.accept('[')) {
      const items: Pattern[] = [];
      do items.push(this.pattern());
      while (this.accept(','));
      this.expect(']');
      return { kind: 'array', items };
    }
    this.expect('{');
    const entries: PatternEntry[] = [];
    do entries.push(this.patternEntry());
    while (this.accept(','));
    this.expect('}');
    return { kind: 'object', entries };
  }

  private patternEntry(): PatternEntry {
    const { kind, text } = this.token;
    let key: Filter;
    let variable: string | undefined;
    if (kind === 'variable') {
      this.at++;
      key = { kind: 'literal', value: text };
      variable = text;
    } else if (kind === 'string') key = this.string(undefined);
    else if (this.accept('(')) {
      key = this.pipe();
      this.expect(')');
    } else key = { kind: 'literal', value: this.take(kind === 'keyword' ? 'keyword' : 'name') };
    return { key, variable, pattern: this.accept(':') ? this.pattern() : undefined };
  }
}
