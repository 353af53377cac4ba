/**
 * Shell arithmetic: `$(( ))`, `(( ))`, `let`, subscripts, slices.
 *
 * A text is compiled once into closures over {@link ArithContext} and evaluated in 64-bit two's complement. Parameter
 * and command substitutions have been done on the text before it comes here. Source: bash(1), ARITHMETIC EVALUATION.
 */
import { type ArithNode, combine, wrap } from './arith-operators.js';
import { ArithError } from './errors.js';

export interface ArithContext {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  getElement(name: string, index: string): string | undefined;
  setElement(name: string, index: string, value: string): void;
  /** Nesting of variables whose values are expressions. */
  depth: number;
  /** `set -u`: called for an unset name. */
  unset(name: string): void;
}

interface Target {
  readonly name: string;
  readonly index: string | undefined;
}

interface Token {
  readonly kind: 'number' | 'name' | 'operator' | 'end';
  readonly text: string;
  readonly pos: number;
}

const OPERATORS = [
  '<<=',
  '>>=',
  '**',
  '++',
  '--',
  '<<',
  '>>',
  '<=',
  '>=',
  '==',
  '!=',
  '&&',
  '||',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '&=',
  '^=',
  '|=',
  '+',
  '-',
  '*',
  '/',
  '%',
  '<',
  '>',
  '=',
  '!',
  '~',
  '&',
  '^',
  '|',
  '?',
  ':',
  ',',
  '(',
  ')',
];
const LEVEL: Readonly<Record<string, number>> = {
  '||': 3,
  '&&': 4,
  '|': 5,
  '^': 6,
  '&': 7,
  '==': 8,
  '!=': 8,
  '<': 9,
  '>': 9,
  '<=': 9,
  '>=': 9,
  '<<': 10,
  '>>': 10,
  '+': 11,
  '-': 11,
  '*': 12,
  '/': 12,
  '%': 12,
  '**': 13,
};
const ASSIGN = /^(?:<<|>>|[-+*/%&^|])?=$/;
const cache = new Map<string, ArithNode>();

/** Evaluates a text; an empty one is 0. Throws {@link ArithError}. */
export function evaluate(text: string, context: ArithContext): bigint {
  let node = cache.get(text);
  if (node === undefined) {
    node = new Compiler(text).compile();
    if (cache.size > 4000) cache.clear();
    cache.set(text, node);
  }
  return node(context);
}

/** The value of a variable's text: a number, or an expression in its own right. */
function valueOf(text: string | undefined, context: ArithContext, expression: string): bigint {
  if (text === undefined || text === '') return 0n;
  if (/^-?(?:0|[1-9]\d{0,17})$/.test(text)) return BigInt(text);
  if (context.depth >= 1024)
    throw new ArithError(expression, 'expression recursion level exceeded', text);
  context.depth++;
  try {
    return evaluate(text, context);
  } finally {
    context.depth--;
  }
}

class Compiler {
  private at = 0;
  private token: Token;
  private before: Token;

  constructor(private readonly text: string) {
    this.token = this.scan();
    this.before = this.token;
  }

  compile(): ArithNode {
    if (this.token.kind === 'end') return () => 0n;
    const node = this.comma();
    const rest = this.peek();
    if (rest.kind !== 'end') this.fail('syntax error in expression', rest);
    return node;
  }

  private fail(reason: string, token: Token): never {
    const rest =
      token.kind === 'end' ? this.text.slice(this.before.pos) : this.text.slice(token.pos);
    throw new ArithError(this.text.trimStart(), reason, rest);
  }

  private scan(): Token {
    const { text } = this;
    while (/\s/.test(text[this.at] ?? '')) this.at++;
    const pos = this.at;
    if (pos >= text.length) return { kind: 'end', text: '', pos };
    const number = /^(?:\d[\da-zA-Z_@]*(?:#[\da-zA-Z_@]*)?)/.exec(text.slice(pos));
    if (number !== null) {
      this.at += number[0].length;
      return { kind: 'number', text: number[0], pos };
    }
    const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(pos));
    if (name !== null) {
      this.at += name[0].length;
      return { kind: 'name', text: name[0], pos };
    }
    const operator = OPERATORS.find((candidate) => text.startsWith(candidate, pos));
    if (operator === undefined) {
      throw new ArithError(
        text.trimStart(),
        /[.@#\\[\]{}`"$;]/.test(text[pos] ?? '') && pos > 0
          ? 'syntax error: invalid arithmetic operator'
          : 'syntax error: operand expected',
        text.slice(pos),
      );
    }
    this.at += operator.length;
    return { kind: 'operator', text: operator, pos };
  }

  /** The token to come (through a call, so that the compiler does not take it for the one seen before). */
  private peek(): Token {
    return this.token;
  }

  private next(): Token {
    const current = this.token;
    this.before = current;
    this.token = this.scan();
    return current;
  }

  private accept(operator: string): boolean {
    if (this.token.kind !== 'operator' || this.token.text !== operator) return false;
    this.next();
    return true;
  }

  private comma(): ArithNode {
    let left = this.assignment();
    while (this.accept(',')) {
      const first = left;
      const second = this.assignment();
      left = (context) => (first(context), second(context));
    }
    return left;
  }

  private assignment(): ArithNode {
    const target = this.peekTarget();
    if (target !== undefined) {
      const { text: operator } = this.next();
      const value = this.assignment();
      return assign(target, operator.slice(0, -1), value, this.text);
    }
    const node = this.ternary();
    if (this.token.kind === 'operator' && ASSIGN.test(this.token.text))
      this.fail('attempted assignment to non-variable', this.token);
    return node;
  }

  /** A variable that an assignment operator follows; otherwise nothing is consumed. */
  private peekTarget(): Target | undefined {
    if (this.token.kind !== 'name') return undefined;
    const saved = { at: this.at, token: this.token, before: this.before };
    try {
      const target = this.target();
      const following = this.peek();
      if (following.kind === 'operator' && ASSIGN.test(following.text)) return target;
    } catch (error) {
      if (!(error instanceof ArithError)) throw error;
    }
    this.at = saved.at;
    this.token = saved.token;
    this.before = saved.before;
    return undefined;
  }

  /** A name with its subscript. */
  private target(): Target {
    const { text: name } = this.token;
    let index: string | undefined;
    if (this.text[this.at] === '[') {
      const close = subscriptEnd(this.text, this.at);
      if (close < 0) this.fail('bad array subscript', this.token);
      index = this.text.slice(this.at + 1, close);
      this.at = close + 1;
    }
    this.next();
    return { name, index };
  }

  private ternary(): ArithNode {
    const test = this.binary(3);
    if (!this.accept('?')) return test;
    const yes = this.comma();
    if (!this.accept(':')) this.fail("`:' expected for conditional expression", this.token);
    const no = this.ternary();
    return (context) => (test(context) !== 0n ? yes(context) : no(context));
  }

  private binary(level: number): ArithNode {
    let left = this.unary();
    for (;;) {
      const operator = this.token;
      const own = operator.kind === 'operator' ? LEVEL[operator.text] : undefined;
      if (own === undefined || own < level) return left;
      this.next();
      const right = this.binary(operator.text === '**' ? own : own + 1);
      left = combine(operator.text, left, right, this.text, () =>
        this.text.slice(operator.pos + operator.text.length).trimStart(),
      );
    }
  }

  private unary(): ArithNode {
    const { kind, text } = this.token;
    if (kind === 'operator') {
      if (text === '++' || text === '--') return this.prefixStep(text);
      if (text === '-' || text === '+' || text === '!' || text === '~') {
        this.next();
        const operand = this.unary();
        if (text === '-') return (context) => wrap(-operand(context));
        if (text === '+') return operand;
        if (text === '!') return (context) => (operand(context) === 0n ? 1n : 0n);
        return (context) => wrap(~operand(context));
      }
    }
    return this.primary();
  }

  private prefixStep(operator: string): ArithNode {
    this.next();
    if (this.token.kind !== 'name') {
      const operand = this.unary();
      return operator === '--' ? (context) => operand(context) : operand;
    }
    const target = this.target();
    const step = operator === '++' ? 1n : -1n;
    return (context) => write(target, wrap(read(target, context, this.text) + step), context);
  }

  private primary(): ArithNode {
    const token = this.token;
    if (token.kind === 'number') {
      this.next();
      const value = this.number(token.text);
      return () => value;
    }
    if (token.kind === 'name') {
      const target = this.target();
      const { kind, text } = this.peek();
      const expression = this.text;
      if (kind === 'operator' && (text === '++' || text === '--')) {
        this.next();
        const step = text === '++' ? 1n : -1n;
        return (context) => {
          const old = read(target, context, expression);
          write(target, wrap(old + step), context);
          return old;
        };
      }
      return (context) => read(target, context, expression);
    }
    if (this.accept('(')) {
      const inner = this.comma();
      if (!this.accept(')')) this.fail("missing `)'", this.token);
      return inner;
    }
    return this.fail('syntax error: operand expected', token);
  }

  private number(text: string): bigint {
    const based = /^(\d+)#(.*)$/.exec(text);
    if (based !== null) {
      const base = Number(based[1]);
      if (base < 2 || base > 64)
        throw new ArithError(this.text.trimStart(), 'invalid arithmetic base', text);
      return this.digits(based[2] ?? '', base, text);
    }
    if (/^0[xX]/.test(text)) return this.digits(text.slice(2), 16, text);
    if (text.length > 1 && text.startsWith('0')) return this.digits(text.slice(1), 8, text);
    return this.digits(text, 10, text);
  }

  private digits(digits: string, base: number, whole: string): bigint {
    let value = 0n;
    for (const char of digits) {
      const code = char.charCodeAt(0);
      let digit = 64;
      if (char >= '0' && char <= '9') digit = code - 48;
      else if (char >= 'a' && char <= 'z') digit = code - 87;
      else if (char >= 'A' && char <= 'Z') digit = base <= 36 ? code - 55 : code - 29;
      else if (char === '@') digit = 62;
      else if (char === '_') digit = 63;
      if (digit >= base)
        throw new ArithError(this.text.trimStart(), 'value too great for base', whole);
      value = value * BigInt(base) + BigInt(digit);
    }
    return wrap(value);
  }
}

function subscriptEnd(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '[') depth++;
    else if (text[at] === ']' && --depth === 0) return at;
  }
  return -1;
}

function read(target: Target, context: ArithContext, expression: string): bigint {
  const text =
    target.index === undefined
      ? context.get(target.name)
      : context.getElement(target.name, target.index);
  if (text === undefined) context.unset(target.name);
  return valueOf(text, context, expression);
}

function write(target: Target, value: bigint, context: ArithContext): bigint {
  if (target.index === undefined) context.set(target.name, value.toString());
  else context.setElement(target.name, target.index, value.toString());
  return value;
}

function assign(target: Target, operator: string, value: ArithNode, expression: string): ArithNode {
  if (operator === '') return (context) => write(target, value(context), context);
  const combined = combine(
    operator,
    (context) => read(target, context, expression),
    value,
    expression,
    () => '0',
  );
  return (context) => write(target, combined(context), context);
}
