/**
 * The expressions of awk's grammar by descending precedence, and the token plumbing that {@link AwkParser} shares.
 */
import type { Expr, FunctionDef, LValue } from './ast.js';
import { AwkSyntaxError, tokenize, type Token } from './lexer.js';

/** What may not be taken inside an expression, because the place that it stands in gives it a meaning. */
export interface Context {
  /** `>` redirects. */
  readonly noGreater?: boolean;
  /** `in` ends the start of a for loop. */
  readonly noIn?: boolean;
}

const assignments = new Set(['=', '+=', '-=', '*=', '/=', '%=', '^=']);
const comparisons = new Set(['<', '<=', '==', '!=', '>', '>=']);

export class ExpressionParser {
  protected readonly tokens: Token[];
  protected at = 0;
  protected readonly functions = new Map<string, FunctionDef>();
  /** Functions called, and where. */
  protected readonly called = new Map<string, number>();

  constructor(source: string) {
    this.tokens = tokenize(source);
  }

  protected get token(): Token {
    return this.tokens[this.at] as Token;
  }

  protected fail(): never {
    const { kind, text, line } = this.token;
    if (kind === 'end' || (kind === 'newline' && this.tokens[this.at + 1]?.kind === 'end')) {
      throw new AwkSyntaxError(`line ${line}: syntax error at or near end of line`);
    }
    const shown = kind === 'newline' ? 'end of line' : kind === 'regex' ? `/${text}/` : text;
    throw new AwkSyntaxError(`line ${line}: syntax error at or near ${shown}`);
  }

  protected is(...texts: readonly string[]): boolean {
    return this.token.kind === 'operator' && texts.includes(this.token.text);
  }

  protected isKeyword(text: string): boolean {
    return this.token.kind === 'keyword' && this.token.text === text;
  }

  protected accept(text: string): boolean {
    if (!this.is(text) && !this.isKeyword(text)) return false;
    this.at++;
    return true;
  }

  protected expect(text: string): void {
    if (!this.accept(text)) this.fail();
  }

  protected skipNewlines(): void {
    while (this.token.kind === 'newline') this.at++;
  }

  protected skipTerminators(): void {
    while (this.token.kind === 'newline' || this.is(';')) this.at++;
  }

  protected name(): string {
    if (this.token.kind !== 'name' && this.token.kind !== 'function-name') this.fail();
    return (this.tokens[this.at++] as Token).text;
  }

  protected expressionList(context: Context): Expr[] {
    const items = [this.expression(context)];
    while (this.accept(',')) {
      this.skipNewlines();
      items.push(this.expression(context));
    }
    return items;
  }

  protected subscripts(): Expr[] {
    this.expect('[');
    const items = this.expressionList({});
    this.expect(']');
    return items;
  }

  protected expression(context: Context): Expr {
    return this.ternary(context);
  }

  private ternary(context: Context): Expr {
    const test = this.or(context);
    if (this.is(...assignments) && isLValue(test)) {
      const operator = (this.tokens[this.at++] as Token).text;
      this.skipNewlines();
      return { kind: 'assign', operator, target: test, value: this.ternary(context) };
    }
    if (!this.accept('?')) return test;
    this.skipNewlines();
    const then = this.ternary({ ...context, noIn: false });
    this.skipNewlines();
    this.expect(':');
    this.skipNewlines();
    return { kind: 'conditional', test, then, otherwise: this.ternary(context) };
  }

  private or(context: Context): Expr {
    let left = this.and(context);
    while (this.accept('||')) {
      this.skipNewlines();
      left = { kind: 'binary', operator: '||', left, right: this.and(context) };
    }
    return left;
  }

  private and(context: Context): Expr {
    let left = this.membership(context);
    while (this.accept('&&')) {
      this.skipNewlines();
      left = { kind: 'binary', operator: '&&', left, right: this.membership(context) };
    }
    return left;
  }

  private membership(context: Context): Expr {
    let left = this.matching(context);
    while (context.noIn !== true && this.isKeyword('in')) {
      this.at++;
      const subscripts = left.kind === 'list' ? left.items : [left];
      left = { kind: 'in', subscripts, array: this.name() };
    }
    if (left.kind === 'list' && context.noGreater !== true) this.fail();
    return left;
  }

  private matching(context: Context): Expr {
    let left = this.comparison(context);
    while (this.is('~', '!~')) {
      const negated = (this.tokens[this.at++] as Token).text === '!~';
      left = { kind: 'match', negated, left, right: this.comparison(context) };
    }
    return left;
  }

  private comparison(context: Context): Expr {
    let left = this.concatenation(context);
    while (this.is(...comparisons) && !(context.noGreater === true && this.is('>'))) {
      const operator = (this.tokens[this.at++] as Token).text;
      left = { kind: 'binary', operator, left, right: this.concatenation(context) };
    }
    return this.pipedGetline(left, context);
  }

  /** `command | getline`, once or more. */
  private pipedGetline(first: Expr, context: Context): Expr {
    let left = first;
    while (this.is('|') && this.tokens[this.at + 1]?.text === 'getline') {
      this.at += 2;
      left = { kind: 'getline', from: 'command', source: left, target: this.optionalLValue() };
      while (this.is(...comparisons) && !(context.noGreater === true && this.is('>'))) {
        const operator = (this.tokens[this.at++] as Token).text;
        left = { kind: 'binary', operator, left, right: this.concatenation(context) };
      }
    }
    return left;
  }

  private startsOperand(): boolean {
    const { kind, text } = this.token;
    if (kind === 'operator')
      return (
        text === '$' ||
        text === '!' ||
        text === '(' ||
        text === '-' ||
        text === '+' ||
        text === '++' ||
        text === '--'
      );
    return (
      kind === 'number' ||
      kind === 'string' ||
      kind === 'regex' ||
      kind === 'name' ||
      kind === 'function-name' ||
      kind === 'builtin'
    );
  }

  protected concatenation(context: Context): Expr {
    let left = this.additive(context);
    // A sign would have been taken as an operator already; `in` and getline end the operand.
    while (this.startsOperand() && !this.is('-', '+', '!')) {
      left = { kind: 'binary', operator: ' ', left, right: this.additive(context) };
    }
    return left;
  }

  private additive(context: Context): Expr {
    let left = this.multiplicative(context);
    while (this.is('+', '-')) {
      const operator = (this.tokens[this.at++] as Token).text;
      left = { kind: 'binary', operator, left, right: this.multiplicative(context) };
    }
    return left;
  }

  private multiplicative(context: Context): Expr {
    let left = this.unary(context);
    while (this.is('*', '/', '%')) {
      const operator = (this.tokens[this.at++] as Token).text;
      left = { kind: 'binary', operator, left, right: this.unary(context) };
    }
    return left;
  }

  private unary(context: Context): Expr {
    if (this.is('!', '-', '+')) {
      const operator = (this.tokens[this.at++] as Token).text as '!' | '-' | '+';
      return { kind: 'unary', operator, operand: this.unary(context) };
    }
    return this.power(context);
  }

  private power(context: Context): Expr {
    const base = this.postfix(context);
    if (!this.accept('^')) return base;
    const exponent: Expr = this.is('-', '+', '!') ? this.unary(context) : this.power(context);
    return { kind: 'binary', operator: '^', left: base, right: exponent };
  }

  private postfix(context: Context): Expr {
    const operand = this.primary(context);
    if (isLValue(operand) && this.is('++', '--')) {
      const delta = (this.tokens[this.at++] as Token).text === '++' ? 1 : -1;
      return { kind: 'increment', delta, prefix: false, target: operand };
    }
    return operand;
  }

  private primary(context: Context): Expr {
    const token = this.token;
    switch (token.kind) {
      case 'number':
        this.at++;
        return { kind: 'number', value: token.number };
      case 'string':
        this.at++;
        return { kind: 'string', value: token.text };
      case 'regex':
        this.at++;
        return { kind: 'regex', source: token.text };
      case 'builtin':
        return this.builtinCall();
      case 'function-name':
        return this.call();
      case 'name':
        if (this.functions.has(token.text) && this.tokens[this.at + 1]?.text === '(')
          return this.call();
        this.at++;
        if (this.is('['))
          return { kind: 'element', array: token.text, subscripts: this.subscripts() };
        return { kind: 'variable', name: token.text };
      case 'keyword':
        if (token.text === 'getline') return this.simpleGetline(context);
        return this.fail();
      default:
        return this.operatorPrimary(context);
    }
  }

  private operatorPrimary(context: Context): Expr {
    if (this.accept('$')) {
      if (this.is('++', '--')) return { kind: 'field', index: this.prefixIncrement(context) };
      if (this.is('-', '+', '!')) return { kind: 'field', index: this.unary(context) };
      return { kind: 'field', index: this.primary(context) };
    }
    if (this.is('++', '--')) return this.prefixIncrement(context);
    if (this.is(')')) throw new AwkSyntaxError(`line ${this.token.line}: extra ')'`);
    if (!this.accept('(')) return this.fail();
    const items = this.expressionList({});
    if (!this.is(')') && (this.is('}') || this.token.kind === 'newline')) {
      throw new AwkSyntaxError(
        `line ${this.token.line}: missing ) near ${this.is('}') ? '}' : 'end of line'}`,
      );
    }
    this.expect(')');
    return items.length === 1 ? { kind: 'group', item: items[0] as Expr } : { kind: 'list', items };
  }

  private prefixIncrement(context: Context): Expr {
    const delta = (this.tokens[this.at++] as Token).text === '++' ? 1 : -1;
    const target = this.primary(context);
    if (!isLValue(target)) return this.fail();
    return { kind: 'increment', delta, prefix: true, target };
  }

  private args(): Expr[] {
    this.expect('(');
    this.skipNewlines();
    if (this.is('}')) throw new AwkSyntaxError(`line ${this.token.line}: missing ) near }`);
    const items = this.is(')') ? [] : this.expressionList({});
    this.skipNewlines();
    if (this.is('}') || this.token.kind === 'end')
      throw new AwkSyntaxError(
        `line ${this.token.line}: missing ) near ${this.is('}') ? '}' : 'end of file'}`,
      );
    this.expect(')');
    return items;
  }

  private call(): Expr {
    const { text: name, line } = this.token;
    this.at++;
    this.called.set(name, line);
    return { kind: 'call', name, args: this.args(), line };
  }

  private builtinCall(): Expr {
    const { text: name, line } = this.token;
    this.at++;
    if (!this.is('(')) {
      if (name !== 'length') this.fail();
      return { kind: 'builtin', name, args: [] };
    }
    const args = this.args();
    const [least, most] = argumentCounts[name] ?? [0, 9];
    if (args.length < least || args.length > most) {
      throw new AwkSyntaxError(`line ${line}: wrong number of arguments in call to ${name}`);
    }
    return { kind: 'builtin', name, args };
  }

  private optionalLValue(): LValue | undefined {
    if (!this.is('$') && this.token.kind !== 'name') return undefined;
    const target = this.primary({});
    if (!isLValue(target)) this.fail();
    return target;
  }

  private simpleGetline(context: Context): Expr {
    this.at++;
    const target = this.optionalLValue();
    if (!this.accept('<')) return { kind: 'getline', from: 'main', source: undefined, target };
    return { kind: 'getline', from: 'file', source: this.postfix(context), target };
  }
}

const argumentCounts: Readonly<Record<string, readonly [number, number]>> = {
  length: [0, 1],
  substr: [2, 3],
  index: [2, 2],
  split: [2, 3],
  sub: [2, 3],
  gsub: [2, 3],
  match: [2, 2],
  sprintf: [1, 255],
  sin: [1, 1],
  cos: [1, 1],
  atan2: [2, 2],
  exp: [1, 1],
  log: [1, 1],
  sqrt: [1, 1],
  int: [1, 1],
  rand: [0, 0],
  srand: [0, 1],
  tolower: [1, 1],
  toupper: [1, 1],
  system: [1, 1],
  close: [1, 1],
  fflush: [0, 1],
  systime: [0, 0],
  strftime: [0, 3],
  mktime: [1, 1],
};

function isLValue(node: Expr): node is LValue {
  return node.kind === 'variable' || node.kind === 'field' || node.kind === 'element';
}
