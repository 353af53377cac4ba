/**
 * The little Python that scripts check a socket with: `assert condition, message`, `print(…)`, assignments and
 * expressions. Sources: The Python Language Reference §6 and §7. Integers are doubles (exact up to 2**53).
 */
export type PyValue = number | string | boolean | null | readonly PyValue[];

/** A failed assertion, or code that cannot be run. */
export class PyError extends Error {}

interface Token {
  readonly kind: 'number' | 'string' | 'name' | 'op' | 'end';
  readonly text: string;
}

const TOKEN =
  /(?<blank>[ \t\r\f]+|\\\r?\n|#[^\n]*)|(?<newline>\n|;)|(?<number>0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)|(?<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<name>[A-Za-z_]\w*)|(?<op>\*\*|\/\/|<<|>>|<=|>=|==|!=|[-+*/%&|^~<>()[\],=.:])/y;

function tokenize(text: string): Token[][] {
  const lines: Token[][] = [[]];
  let depth = 0;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined)
      throw new PyError(`SyntaxError: invalid syntax at "${text.slice(at, at + 20)}"`);
    const { newline, number, string, name, op } = groups;
    if (newline !== undefined) {
      if (newline === ';' || depth === 0) lines.push([]);
      continue;
    }
    const line = lines.at(-1) as Token[];
    if (number !== undefined) line.push({ kind: 'number', text: number });
    else if (string !== undefined) line.push({ kind: 'string', text: string });
    else if (name !== undefined) line.push({ kind: 'name', text: name });
    else if (op !== undefined) {
      if (op === '(' || op === '[') depth++;
      else if (op === ')' || op === ']') depth--;
      line.push({ kind: 'op', text: op });
    }
  }
  return lines.filter((line) => line.length > 0);
}

function truthy(value: PyValue): boolean {
  return Array.isArray(value)
    ? value.length > 0
    : value !== 0 && value !== '' && value !== false && value !== null;
}

function str(value: PyValue): string {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (Array.isArray(value)) return `(${(value as readonly PyValue[]).map(repr).join(', ')})`;
  return String(value);
}

function repr(value: PyValue): string {
  return typeof value === 'string' ? `'${value}'` : str(value);
}

function num(value: PyValue): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  throw new PyError(`TypeError: ${repr(value)} is no number`);
}

function equal(a: PyValue, b: PyValue): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => equal(item as PyValue, b[i] as PyValue));
  if (typeof a === 'boolean' || typeof b === 'boolean') return Number(a) === Number(b);
  return a === b;
}

/** `'%d of %s' % values`. */
function format(text: string, values: readonly PyValue[]): string {
  let next = 0;
  return text.replace(
    /%([-+ 0#]*)(\d*)(?:\.(\d+))?l?([diufsrxX%])/g,
    (_, flags: string, width: string, digits: string | undefined, kind: string) => {
      if (kind === '%') return '%';
      const value = values[next++];
      if (value === undefined)
        throw new PyError('TypeError: not enough arguments for format string');
      let out: string;
      if (kind === 's') out = str(value);
      else if (kind === 'r') out = repr(value);
      else if (kind === 'x' || kind === 'X') out = num(value).toString(16);
      else if (kind === 'f') out = num(value).toFixed(digits === undefined ? 6 : Number(digits));
      else out = String(Math.trunc(num(value)));
      if (kind === 'X') out = out.toUpperCase();
      const size = Number(width);
      if (flags.includes('-')) return out.padEnd(size);
      return out.padStart(size, flags.includes('0') ? '0' : ' ');
    },
  );
}

/** Bitwise operations beyond 32 bits go through BigInt. */
function bits(op: string, a: number, b: number): number {
  const [x, y] = [BigInt(Math.trunc(a)), BigInt(Math.trunc(b))];
  const result =
    op === '&' ? x & y : op === '|' ? x | y : op === '^' ? x ^ y : op === '<<' ? x << y : x >> y;
  return Number(result);
}

function arithmetic(op: string, a: PyValue, b: PyValue): PyValue {
  if (op === '%' && typeof a === 'string')
    return format(a, Array.isArray(b) ? (b as readonly PyValue[]) : [b]);
  if (op === '+' && typeof a === 'string' && typeof b === 'string') return a + b;
  const [x, y] = [num(a), num(b)];
  switch (op) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '**':
      return x ** y;
    case '/':
    case '//':
    case '%': {
      if (y === 0) throw new PyError('ZeroDivisionError: division by zero');
      if (op === '%') return x - Math.floor(x / y) * y;
      return op === '/' ? x / y : Math.floor(x / y);
    }
    default:
      return bits(op, x, y);
  }
}

function compare(op: string, a: PyValue, b: PyValue): boolean {
  switch (op) {
    case '==':
      return equal(a, b);
    case '!=':
      return !equal(a, b);
    case 'in':
    case 'not in': {
      const found = Array.isArray(b)
        ? (b as readonly PyValue[]).some((item) => equal(item, a))
        : String(b).includes(String(a));
      return found === (op === 'in');
    }
    case 'is':
      return a === b;
    case 'is not':
      return a !== b;
  }
  const [x, y] = typeof a === 'string' && typeof b === 'string' ? [a, b] : [num(a), num(b)];
  return op === '<' ? x < y : op === '>' ? x > y : op === '<=' ? x <= y : x >= y;
}

const BUILTINS: Readonly<Record<string, (args: readonly PyValue[]) => PyValue>> = {
  abs: ([a = 0]) => Math.abs(num(a)),
  min: (args) => Math.min(...flat(args).map(num)),
  max: (args) => Math.max(...flat(args).map(num)),
  int: ([a = 0]) => Math.trunc(Number(a)),
  float: ([a = 0]) => Number(a),
  str: ([a = '']) => str(a),
  repr: ([a = '']) => repr(a),
  hex: ([a = 0]) => `0x${num(a).toString(16)}`,
  len: ([a = '']) => (Array.isArray(a) ? a.length : String(a).length),
  round: ([a = 0]) => Math.round(num(a)),
  bool: ([a = false]) => truthy(a),
};

function flat(args: readonly PyValue[]): readonly PyValue[] {
  return args.length === 1 && Array.isArray(args[0]) ? (args[0] as readonly PyValue[]) : args;
}

const BINARY: readonly (readonly string[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '//', '%'],
];
const COMPARISONS = new Set(['<', '>', '<=', '>=', '==', '!=', 'in', 'is', 'not']);

/** Evaluates while it parses: what a condition leaves out is parsed all the same. */
class Statement {
  private at = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly names: Map<string, PyValue>,
    private readonly print: (text: string) => void,
  ) {}

  private get token(): Token {
    return this.tokens[this.at] ?? { kind: 'end', text: 'end of line' };
  }

  private accept(text: string): boolean {
    const { kind } = this.token;
    if (kind === 'string' || kind === 'number' || this.token.text !== text) return false;
    this.at++;
    return true;
  }

  private fail(): never {
    throw new PyError(`SyntaxError: invalid syntax at "${this.token.text}"`);
  }

  private end(): void {
    if (this.token.kind !== 'end') this.fail();
  }

  run(): void {
    if (this.accept('assert')) {
      const condition = this.test();
      const message = this.accept(',') ? this.expression() : undefined;
      this.end();
      if (!truthy(condition))
        throw new PyError(
          message === undefined ? 'AssertionError' : `AssertionError: ${str(message)}`,
        );
      return;
    }
    if (this.accept('pass') || this.accept('import')) return;
    if (this.token.text === 'print' && this.tokens[1]?.text !== '(') {
      this.at++;
      const value = this.expression();
      this.end();
      this.print(
        Array.isArray(value) ? (value as readonly PyValue[]).map(str).join(' ') : str(value),
      );
      return;
    }
    const [target, sign] = this.tokens;
    if (target?.kind === 'name' && sign?.text === '=' && sign.kind === 'op') {
      this.at = 2;
      this.names.set(target.text, this.expression());
    } else {
      this.expression();
    }
    this.end();
  }

  /** One value, or a tuple without parentheses. */
  private expression(): PyValue {
    const first = this.test();
    if (!this.accept(',')) return first;
    const items = [first];
    while (!this.atClose()) {
      items.push(this.test());
      if (!this.accept(',')) break;
    }
    return items;
  }

  /** Nothing, or a bracket that ends a tuple, comes next. */
  private atClose(): boolean {
    const { kind, text } = this.token;
    return kind === 'end' || (kind === 'op' && (text === ')' || text === ']'));
  }

  private test(): PyValue {
    const value = this.or();
    if (!this.accept('if')) return value;
    const condition = truthy(this.or());
    if (!this.accept('else')) this.fail();
    const other = this.test();
    return condition ? value : other;
  }

  private or(): PyValue {
    let value = this.and();
    while (this.accept('or')) {
      const right = this.and();
      if (!truthy(value)) value = right;
    }
    return value;
  }

  private and(): PyValue {
    let value = this.not();
    while (this.accept('and')) {
      const right = this.not();
      if (truthy(value)) value = right;
    }
    return value;
  }

  private not(): PyValue {
    return this.accept('not') ? !truthy(this.not()) : this.comparison();
  }

  private comparison(): PyValue {
    let left = this.binary(0);
    let compared = false;
    let holds = true;
    while (this.token.kind !== 'string' && COMPARISONS.has(this.token.text)) {
      let op = this.token.text;
      this.at++;
      if (op === 'not') {
        if (!this.accept('in')) this.fail();
        op = 'not in';
      } else if (op === 'is' && this.accept('not')) op = 'is not';
      const right = this.binary(0);
      holds = holds && compare(op, left, right);
      compared = true;
      left = right;
    }
    return compared ? holds : left;
  }

  private binary(level: number): PyValue {
    const operators = BINARY[level];
    if (operators === undefined) return this.unary();
    let left = this.binary(level + 1);
    while (this.token.kind === 'op' && operators.includes(this.token.text)) {
      const op = this.token.text;
      this.at++;
      left = arithmetic(op, left, this.binary(level + 1));
    }
    return left;
  }

  private unary(): PyValue {
    if (this.accept('-')) return -num(this.unary());
    if (this.accept('+')) return num(this.unary());
    if (this.accept('~')) return -num(this.unary()) - 1;
    const base = this.postfix();
    return this.accept('**') ? arithmetic('**', base, this.unary()) : base;
  }

  private postfix(): PyValue {
    let value = this.atom();
    while (this.accept('[')) {
      const index = num(this.expression());
      if (!this.accept(']')) this.fail();
      const items = typeof value === 'string' ? [...value] : (value as readonly PyValue[]);
      const item = items[index < 0 ? items.length + index : index];
      if (item === undefined) throw new PyError('IndexError: index out of range');
      value = item;
    }
    return value;
  }

  private atom(): PyValue {
    const { kind, text } = this.token;
    if (this.accept('(')) {
      if (this.accept(')')) return [];
      const value = this.expression();
      if (!this.accept(')')) this.fail();
      return value;
    }
    if (this.accept('[')) {
      const items = this.items(']');
      return items;
    }
    this.at++;
    if (kind === 'number') return Number(text);
    if (kind === 'string') return this.strings(text);
    if (kind !== 'name') {
      this.at--;
      this.fail();
    }
    if (text === 'True') return true;
    if (text === 'False') return false;
    if (text === 'None') return null;
    if (this.accept('(')) return this.call(text, this.items(')'));
    const value = this.names.get(text);
    if (value === undefined) throw new PyError(`NameError: name '${text}' is not defined`);
    return value;
  }

  /** Strings side by side are one. */
  private strings(first: string): string {
    let out = unquote(first);
    while (this.token.kind === 'string') {
      out += unquote(this.token.text);
      this.at++;
    }
    return out;
  }

  private items(close: string): PyValue[] {
    const items: PyValue[] = [];
    while (!this.accept(close)) {
      items.push(this.test());
      if (!this.accept(',') && this.token.text !== close) this.fail();
    }
    return items;
  }

  private call(name: string, args: readonly PyValue[]): PyValue {
    if (name === 'print') {
      this.print(args.map(str).join(' '));
      return null;
    }
    const fn = BUILTINS[name];
    if (fn === undefined) throw new PyError(`NameError: name '${name}' is not defined`);
    return fn(args);
  }
}

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_, c: string) => ({ n: '\n', t: '\t' })[c] ?? c);
}

/** Runs code with these names. @throws PyError for a failed assertion or code that is not understood. */
export function runPython(
  code: string,
  names: ReadonlyMap<string, PyValue>,
  print: (text: string) => void = () => undefined,
): void {
  const scope = new Map(names);
  for (const line of tokenize(code)) new Statement(line, scope, print).run();
}
