/** expr and test (`[`): expressions in arguments. */
import { KernelError } from '@netloom/base';
import type { ProgramSpec, Stat } from '@netloom/sys';
import { Regex, RegexError } from '../regex/regex.js';
import { toUnicode } from '../tool/bytes.js';
import { quoteAlways } from '../tool/quote.js';
import { defineTool, type Tool } from '../tool/tool.js';

class ExprParser {
  private at = 0;

  constructor(
    private readonly t: Tool,
    private readonly args: readonly string[],
  ) {}

  parse(): string {
    const value = this.or(true);
    const extra = this.args[this.at];
    if (extra !== undefined)
      this.t.fail(`syntax error: unexpected argument ${quoteAlways(extra)}`, 2);
    return value;
  }

  private accept(...tokens: readonly string[]): string | undefined {
    const token = this.args[this.at];
    if (token === undefined || !tokens.includes(token)) return undefined;
    this.at++;
    return token;
  }

  private take(): string {
    const token = this.args[this.at];
    if (token === undefined)
      return this.t.fail(
        `syntax error: missing argument after ${quoteAlways(this.args[this.at - 1] ?? '')}`,
        2,
      );
    this.at++;
    return token;
  }

  private or(evaluate: boolean): string {
    let left = this.and(evaluate);
    while (this.accept('|') !== undefined) {
      const right = this.and(evaluate && !truthy(left));
      if (!truthy(left)) left = truthy(right) ? right : '0';
    }
    return left;
  }

  private and(evaluate: boolean): string {
    let left = this.comparison(evaluate);
    while (this.accept('&') !== undefined) {
      const right = this.comparison(evaluate && truthy(left));
      if (!truthy(left) || !truthy(right)) left = '0';
    }
    return left;
  }

  private comparison(evaluate: boolean): string {
    let left = this.sum(evaluate);
    for (
      let operator = this.accept('<', '<=', '=', '==', '!=', '>=', '>');
      operator !== undefined;
      operator = this.accept('<', '<=', '=', '==', '!=', '>=', '>')
    ) {
      const right = this.sum(evaluate);
      const numeric = isInteger(left) && isInteger(right);
      const order = numeric
        ? Number(BigInt(left) - BigInt(right))
        : left < right
          ? -1
          : left > right
            ? 1
            : 0;
      const result = {
        '<': order < 0,
        '<=': order <= 0,
        '=': order === 0,
        '==': order === 0,
        '!=': order !== 0,
        '>=': order >= 0,
        '>': order > 0,
      }[operator];
      left = result === true ? '1' : '0';
    }
    return left;
  }

  private number(text: string, evaluate: boolean): bigint {
    if (!evaluate) return 0n;
    if (!isInteger(text)) this.t.fail('non-integer argument', 2);
    return BigInt(text);
  }

  private sum(evaluate: boolean): string {
    let left = this.product(evaluate);
    for (
      let operator = this.accept('+', '-');
      operator !== undefined;
      operator = this.accept('+', '-')
    ) {
      const [a, b] = [this.number(left, evaluate), this.number(this.product(evaluate), evaluate)];
      left = String(operator === '+' ? a + b : a - b);
    }
    return left;
  }

  private product(evaluate: boolean): string {
    let left = this.match(evaluate);
    for (
      let operator = this.accept('*', '/', '%');
      operator !== undefined;
      operator = this.accept('*', '/', '%')
    ) {
      const [a, b] = [this.number(left, evaluate), this.number(this.match(evaluate), evaluate)];
      if (operator !== '*' && b === 0n && evaluate) this.t.fail('division by zero', 2);
      const divisor = b === 0n ? 1n : b;
      left = String(operator === '*' ? a * b : operator === '/' ? a / divisor : a % divisor);
    }
    return left;
  }

  private match(evaluate: boolean): string {
    let left = this.primary(evaluate);
    while (this.accept(':') !== undefined) left = this.matched(left, this.primary(evaluate));
    return left;
  }

  private matched(text: string, pattern: string): string {
    try {
      const regex = new Regex(`^\\(${pattern}\\)`.replace(/^\^\\\(\^/, '^\\('), {
        flavour: 'basic',
      });
      const found = regex.exec(text);
      if (regex.groups > 1) return found?.groups[2] ?? '';
      return String(found === undefined ? 0 : found.end);
    } catch (error) {
      if (error instanceof RegexError) return this.t.fail(error.message, 2);
      throw error;
    }
  }

  private primary(evaluate: boolean): string {
    const operator =
      this.args.length > this.at + 1
        ? this.accept('match', 'substr', 'index', 'length', '+', '(')
        : this.accept('(');
    switch (operator) {
      case '(': {
        const value = this.or(evaluate);
        if (this.accept(')') === undefined) {
          const found = this.args[this.at];
          if (found === undefined)
            this.t.fail(
              `syntax error: expecting ')' after ${quoteAlways(this.args[this.at - 1] ?? '')}`,
              2,
            );
          this.t.fail(`syntax error: expecting ')' instead of ${quoteAlways(found)}`, 2);
        }
        return value;
      }
      case '+':
        return this.take();
      case 'length':
        return String(this.primary(evaluate).length);
      case 'match':
        return this.matched(this.primary(evaluate), this.primary(evaluate));
      case 'index': {
        const [text, chars] = [this.primary(evaluate), this.primary(evaluate)];
        return String([...text].findIndex((char) => chars.includes(char)) + 1);
      }
      case 'substr': {
        const [text, from, count] = [
          this.primary(evaluate),
          this.primary(evaluate),
          this.primary(evaluate),
        ];
        if (!isInteger(from) || !isInteger(count) || Number(from) <= 0 || Number(count) <= 0)
          return '';
        return text.slice(Number(from) - 1, Number(from) - 1 + Number(count));
      }
      default: {
        const token = this.take();
        if (token === ')') this.t.fail(`syntax error: unexpected ')'`, 2);
        return token;
      }
    }
  }
}

const isInteger = (text: string): boolean => /^-?\d+$/.test(text);
const truthy = (text: string): boolean => text !== '' && !/^-?0+$/.test(text);

const expr = defineTool(
  {
    name: 'expr',
    usage: 'EXPRESSION',
    about: 'Print the value of EXPRESSION to standard output.',
    errorStatus: 2,
    raw: true,
  },
  (t) => {
    const args = t.args[0] === '--' ? t.args.slice(1) : t.args;
    if (args.length === 1 && (args[0] === '--help' || args[0] === '--version')) t.parse({}, args);
    if (args.length === 0) t.usage('missing operand');
    const value = new ExprParser(t, args).parse();
    t.put(`${value}\n`);
    return Promise.resolve(truthy(value) ? 0 : 1);
  },
);

class TestParser {
  private at = 0;

  constructor(
    private readonly t: Tool,
    private readonly args: readonly string[],
  ) {}

  parse(): boolean {
    if (this.args.length === 0) return false;
    const [a = '', b = '', c = ''] = this.args;
    if (this.args.length === 1) return a !== '';
    if (this.args.length === 2) {
      if (a === '!') return b === '';
      if (!/^-[a-zA-Z]$/.test(a)) return this.t.fail(`missing argument after ${quoteAlways(b)}`, 2);
      return this.unary(a, b);
    }
    if (this.args.length === 3 && isBinary(b)) return this.binary(a, b, c);
    if (this.args.length === 3 && a === '(' && c === ')') return b !== '';
    if (this.args.length === 3 && a !== '!' && b !== '-a' && b !== '-o')
      return this.t.fail(`${quoteAlways(b)}: binary operator expected`, 2);
    const value = this.or();
    const extra = this.args[this.at];
    if (extra !== undefined) return this.t.fail(`extra argument ${quoteAlways(extra)}`, 2);
    return value;
  }

  private or(): boolean {
    let value = this.and();
    while (this.args[this.at] === '-o') {
      this.at++;
      const right = this.and();
      value ||= right;
    }
    return value;
  }

  private and(): boolean {
    let value = this.not();
    while (this.args[this.at] === '-a') {
      this.at++;
      const right = this.not();
      value &&= right;
    }
    return value;
  }

  private not(): boolean {
    if (this.args[this.at] !== '!') return this.primary();
    this.at++;
    return !this.not();
  }

  private take(): string {
    const token = this.args[this.at++];
    if (token === undefined)
      return this.t.fail(
        `missing argument after ${quoteAlways(this.args[this.args.length - 1] ?? '')}`,
        2,
      );
    return token;
  }

  private primary(): boolean {
    const token = this.take();
    if (isBinary(this.args[this.at] ?? '') && this.at + 1 < this.args.length) {
      const operator = this.take();
      return this.binary(token, operator, this.take());
    }
    if (token === '(') {
      const value = this.or();
      if (this.take() !== ')') return this.t.fail("')' expected", 2);
      return value;
    }
    if (/^-[a-zA-Z]$/.test(token) && this.at < this.args.length)
      return this.unary(token, this.take());
    return token !== '';
  }

  private stat(path: string, link = false): Stat | undefined {
    try {
      return link ? this.t.sys.lstat(toUnicode(path)) : this.t.sys.stat(toUnicode(path));
    } catch (error) {
      if (error instanceof KernelError) return undefined;
      throw error;
    }
  }

  private unary(operator: string, operand: string): boolean {
    const stat = (): Stat | undefined => this.stat(operand);
    switch (operator) {
      case '-n':
        return operand !== '';
      case '-z':
        return operand === '';
      case '-e':
      case '-a':
        return stat() !== undefined;
      case '-f':
        return stat()?.type === 'file' || stat()?.type === 'nsfs';
      case '-d':
        return stat()?.type === 'dir';
      case '-L':
      case '-h':
        return this.stat(operand, true)?.type === 'symlink';
      case '-p':
        return stat()?.type === 'fifo';
      case '-S':
        return stat()?.type === 'socket';
      case '-c':
        return stat()?.type === 'char';
      case '-b':
        return false;
      case '-s':
        return (stat()?.size ?? 0) > 0;
      case '-r':
      case '-w':
        return stat() !== undefined;
      case '-x':
        return ((stat()?.mode ?? 0) & 0o111) !== 0;
      case '-u':
        return ((stat()?.mode ?? 0) & 0o4000) !== 0;
      case '-g':
        return ((stat()?.mode ?? 0) & 0o2000) !== 0;
      case '-k':
        return ((stat()?.mode ?? 0) & 0o1000) !== 0;
      case '-O':
      case '-G':
        return stat()?.uid === this.t.sys.getuid();
      case '-N':
        return stat() !== undefined;
      case '-t':
        return this.t.sys.isatty(Number(this.integer(operand)));
      default:
        return this.t.fail(`${quoteAlways(operator)}: unary operator expected`, 2);
    }
  }

  private integer(text: string): bigint {
    const match = /^\s*([-+]?\d+)\s*$/.exec(text);
    if (match === null) return this.t.fail(`invalid integer ${quoteAlways(text)}`, 2);
    return BigInt((match[1] ?? '0').replace('+', ''));
  }

  private binary(left: string, operator: string, right: string): boolean {
    switch (operator) {
      case '=':
      case '==':
        return left === right;
      case '!=':
        return left !== right;
      case '<':
        return left < right;
      case '>':
        return left > right;
      case '-ef':
        return this.stat(left) !== undefined && this.stat(left)?.ino === this.stat(right)?.ino;
      case '-nt':
        return (this.stat(left)?.mtimeNs ?? -Infinity) > (this.stat(right)?.mtimeNs ?? -Infinity);
      case '-ot':
        return (this.stat(left)?.mtimeNs ?? -Infinity) < (this.stat(right)?.mtimeNs ?? -Infinity);
      case '-a':
        return left !== '' && right !== '';
      case '-o':
        return left !== '' || right !== '';
      default: {
        const [a, b] = [this.integer(left), this.integer(right)];
        return (
          {
            '-eq': a === b,
            '-ne': a !== b,
            '-lt': a < b,
            '-le': a <= b,
            '-gt': a > b,
            '-ge': a >= b,
          }[operator] ?? false
        );
      }
    }
  }
}

function isBinary(token: string): boolean {
  return [
    '=',
    '==',
    '!=',
    '<',
    '>',
    '-eq',
    '-ne',
    '-lt',
    '-le',
    '-gt',
    '-ge',
    '-ef',
    '-nt',
    '-ot',
  ].includes(token);
}

function test(name: string): ProgramSpec {
  return defineTool(
    {
      name,
      usage: 'EXPRESSION',
      about: 'Exit with the status determined by EXPRESSION.',
      errorStatus: 2,
      raw: true,
    },
    (t) => {
      let args = t.args;
      if (name === '[') {
        if (args[args.length - 1] !== ']') t.fail("missing ']'", 2);
        args = args.slice(0, -1);
      }
      return Promise.resolve(new TestParser(t, args).parse() ? 0 : 1);
    },
  );
}

export const exprPrograms: readonly ProgramSpec[] = [expr, test('test'), test('[')];
