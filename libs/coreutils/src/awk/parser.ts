/** Parser of awk programs (POSIX grammar), with mawk's messages: rules, functions and statements. */
import type { AwkProgram, Expr, Redirection, Rule, Statement } from './ast.js';
import { ExpressionParser } from './expression-parser.js';
import { AwkSyntaxError, type Token } from './lexer.js';

export class AwkParser extends ExpressionParser {
  private inFunction = false;
  private inBoundary = false;
  private loops = 0;

  parse(): AwkProgram {
    const rules: Rule[] = [];
    for (;;) {
      this.skipTerminators();
      const token = this.token;
      if (token.kind === 'end') break;
      if (this.isKeyword('function')) this.functionDefinition();
      else rules.push(this.rule());
    }
    const lastLine = this.token.line;
    for (const name of this.called.keys()) {
      if (!this.functions.has(name))
        throw new AwkSyntaxError(`line ${lastLine}: function ${name} never defined`);
    }
    return { rules, functions: this.functions };
  }

  private functionDefinition(): void {
    this.at++;
    const name = this.name();
    this.expect('(');
    const params: string[] = [];
    while (!this.is(')')) {
      const param = this.token;
      this.name();
      if (param.text === name) {
        this.at--;
        this.fail();
      }
      params.push(param.text);
      if (!this.accept(',')) break;
      this.skipNewlines();
    }
    this.expect(')');
    this.skipNewlines();
    this.inFunction = true;
    // The name is known from here on, so that the body may call it with a blank before the parenthesis.
    this.functions.set(name, { name, params, body: { kind: 'block', body: [] } });
    const body = this.block();
    this.functions.set(name, { name, params, body });
    this.inFunction = false;
  }

  private rule(): Rule {
    for (const kind of ['BEGIN', 'END'] as const) {
      if (!this.accept(kind)) continue;
      if (!this.is('{')) this.fail();
      this.inBoundary = true;
      const body = this.block();
      this.inBoundary = false;
      return { kind, pattern: undefined, to: undefined, body };
    }
    if (this.is('}')) throw new AwkSyntaxError(`line ${this.token.line}: extra '}'`);
    let pattern: Expr | undefined;
    let to: Expr | undefined;
    if (!this.is('{')) {
      pattern = this.expression({});
      if (this.accept(',')) {
        this.skipNewlines();
        to = this.expression({});
      }
    }
    const body = this.is('{') ? this.block() : undefined;
    if (
      body === undefined &&
      this.token.kind !== 'newline' &&
      !this.is(';') &&
      this.token.kind !== 'end'
    )
      this.fail();
    return { kind: 'pattern', pattern, to, body };
  }

  private block(): Statement {
    this.expect('{');
    const body: Statement[] = [];
    for (;;) {
      this.skipTerminators();
      if (this.accept('}')) return { kind: 'block', body };
      if (this.token.kind === 'end')
        throw new AwkSyntaxError(`line ${this.token.line}: missing } near end of file`);
      body.push(this.statement());
    }
  }

  /** The end of a simple statement. */
  private terminator(): void {
    if (this.is('}')) return;
    if (this.token.kind === 'end') return;
    if (this.token.kind !== 'newline' && !this.is(';')) {
      if (this.is(')')) throw new AwkSyntaxError(`line ${this.token.line}: extra ')'`);
      this.fail();
    }
    this.at++;
  }

  /** A statement after if, while, …: on the same line or the next. */
  private nested(): Statement {
    this.skipNewlines();
    if (this.accept(';')) return { kind: 'block', body: [] };
    return this.statement();
  }

  private statement(): Statement {
    const { kind, text, line } = this.token;
    if (this.is('{')) return this.block();
    if (kind !== 'keyword') {
      const simple = this.simple();
      this.terminator();
      return simple;
    }
    switch (text) {
      case 'if':
        return this.ifStatement();
      case 'while': {
        this.at++;
        this.expect('(');
        const test = this.expression({});
        this.expect(')');
        const body = this.loopBody();
        return { kind: 'for', start: undefined, test, step: undefined, body, testFirst: true };
      }
      case 'do': {
        this.at++;
        const body = this.loopBody();
        this.skipTerminators();
        this.expect('while');
        this.expect('(');
        const test = this.expression({});
        this.expect(')');
        this.terminator();
        return { kind: 'for', start: undefined, test, step: undefined, body, testFirst: false };
      }
      case 'for':
        return this.forStatement();
      default:
        break;
    }
    if (text === 'break' || text === 'continue' || text === 'next' || text === 'nextfile') {
      this.at++;
      if ((text === 'next' || text === 'nextfile') && (this.inFunction || this.inBoundary)) {
        throw new AwkSyntaxError(`line ${line}: improper use of ${text}`);
      }
      if ((text === 'break' || text === 'continue') && this.loops === 0) {
        throw new AwkSyntaxError(`line ${line}: ${text} statement outside of loop`);
      }
      this.terminator();
      return { kind: text };
    }
    if (text === 'exit' || text === 'return') {
      this.at++;
      if (text === 'return' && !this.inFunction)
        throw new AwkSyntaxError(`line ${line}: return outside function body`);
      const none = this.token.kind === 'newline' || this.is(';', '}') || this.token.kind === 'end';
      const value = none ? undefined : this.expression({});
      this.terminator();
      return text === 'exit' ? { kind: 'exit', code: value } : { kind: 'return', value };
    }
    const simple = this.simple();
    this.terminator();
    return simple;
  }

  private loopBody(): Statement {
    this.loops++;
    const body = this.nested();
    this.loops--;
    return body;
  }

  private ifStatement(): Statement {
    this.at++;
    this.expect('(');
    const test = this.expression({});
    this.expect(')');
    const then = this.nested();
    const mark = this.at;
    this.skipTerminators();
    if (!this.accept('else')) {
      this.at = mark;
      return { kind: 'if', test, then, otherwise: undefined };
    }
    return { kind: 'if', test, then, otherwise: this.nested() };
  }

  private forStatement(): Statement {
    this.at++;
    this.expect('(');
    const [variable, keyword, array, close] = this.tokens.slice(this.at, this.at + 4) as [
      Token,
      Token,
      Token,
      Token,
    ];
    if (
      variable.kind === 'name' &&
      keyword.text === 'in' &&
      keyword.kind === 'keyword' &&
      array.kind === 'name' &&
      close.text === ')'
    ) {
      this.at += 4;
      return { kind: 'for-in', variable: variable.text, array: array.text, body: this.loopBody() };
    }
    const start = this.is(';') ? undefined : this.simple();
    this.expect(';');
    this.skipNewlines();
    const test = this.is(';') ? undefined : this.expression({});
    this.expect(';');
    this.skipNewlines();
    const step = this.is(')') ? undefined : this.simple();
    this.expect(')');
    return { kind: 'for', start, test, step, body: this.loopBody(), testFirst: true };
  }

  private simple(): Statement {
    if (this.accept('delete')) {
      const array = this.name();
      return { kind: 'delete', array, subscripts: this.is('[') ? this.subscripts() : undefined };
    }
    if (this.isKeyword('print') || this.isKeyword('printf')) return this.printStatement();
    return { kind: 'expression', value: this.expression({}) };
  }

  private printStatement(): Statement {
    const formatted = (this.tokens[this.at++] as Token).text === 'printf';
    const context = { noGreater: true };
    let args: readonly Expr[] = [];
    if (!(
      this.token.kind === 'newline' ||
      this.is(';', '}', '>', '>>', '|') ||
      this.token.kind === 'end'
    )) {
      args = this.expressionList(context);
      const only = args.length === 1 ? args[0] : undefined;
      if (only?.kind === 'list') args = only.items;
    } else if (formatted) this.fail();
    let redirection: Redirection | undefined;
    if (this.is('>', '>>', '|')) {
      const mode = (this.tokens[this.at++] as Token).text as Redirection['mode'];
      redirection = { mode, target: this.expression({ noGreater: true }) };
    }
    return { kind: 'print', formatted, args, redirection };
  }
}
