/**
 * The primaries of `test`, `[` and `[[`: file tests, string and number comparisons; and the parser of `test`'s words.
 *
 * Source: bash(1), CONDITIONAL EXPRESSIONS; POSIX test for how the number of arguments decides the meaning.
 */
import { evaluate } from './arith.js';
import { ShellError } from './errors.js';
import { isOptionName } from './options.js';
import type { Shell } from './shell.js';
import { splitSubscript } from './variables.js';

const UNARY = new Set('abcdefghknoprstuvwxzGLNORS'.split('').map((letter) => `-${letter}`));
const BINARY = new Set([
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
  '-nt',
  '-ot',
  '-ef',
]);

export function isUnaryTest(operator: string): boolean {
  return UNARY.has(operator);
}

/** A unary primary. */
export function testUnary(sh: Shell, operator: string, operand: string): boolean {
  switch (operator) {
    case '-n':
      return operand !== '';
    case '-z':
      return operand === '';
    case '-o':
      return isOptionName(operand) && sh.options[operand];
    case '-t':
      return (
        /^\s*\d+\s*$/.test(operand) &&
        sh.sys.openFds().includes(Number(operand)) &&
        sh.sys.isatty(Number(operand))
      );
    case '-v': {
      const subscript = splitSubscript(operand);
      if (subscript === undefined) return sh.parameter(operand) !== undefined;
      if (subscript.index === '@' || subscript.index === '*')
        return sh.vars.get(subscript.name)?.isSet === true;
      return sh.vars.element(subscript.name, subscript.index) !== undefined;
    }
    case '-R':
      return sh.vars.raw(operand)?.nameref === true;
    case '-h':
    case '-L':
      return fileTest(() => sh.sys.lstat(operand).type === 'symlink');
    default:
      return operand !== '' && fileTest(() => fileProperty(sh, operator, operand));
  }
}

function fileTest(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}

function fileProperty(sh: Shell, operator: string, path: string): boolean {
  const stat = sh.sys.stat(path);
  switch (operator) {
    case '-a':
    case '-e':
      return true;
    case '-f':
      return stat.type === 'file';
    case '-d':
      return stat.type === 'dir';
    case '-p':
      return stat.type === 'fifo';
    case '-S':
      return stat.type === 'socket';
    case '-c':
      return stat.type === 'char';
    case '-s':
      return stat.size > 0;
    case '-r':
    case '-w':
      return sh.sys.getuid() === 0 || (stat.mode & (operator === '-r' ? 0o444 : 0o222)) !== 0;
    case '-x':
      return stat.type === 'dir'
        ? sh.sys.getuid() === 0 || (stat.mode & 0o111) !== 0
        : (stat.mode & 0o111) !== 0;
    case '-u':
      return (stat.mode & 0o4000) !== 0;
    case '-g':
      return (stat.mode & 0o2000) !== 0;
    case '-k':
      return (stat.mode & 0o1000) !== 0;
    case '-O':
      return stat.uid === sh.sys.getuid();
    case '-G':
      return stat.gid === sh.sys.getuid();
    case '-N':
      return true;
    default:
      return false;
  }
}

/** A binary primary on plain strings (`test`); `[[` has patterns of its own. */
export function testBinary(
  sh: Shell,
  left: string,
  operator: string,
  right: string,
  arithmetic: boolean,
): boolean {
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
    case '-nt':
    case '-ot': {
      const older = operator === '-nt' ? right : left;
      const newer = operator === '-nt' ? left : right;
      const newTime = mtime(sh, newer);
      const oldTime = mtime(sh, older);
      return newTime !== undefined && (oldTime === undefined || newTime > oldTime);
    }
    case '-ef':
      return fileTest(() => sh.sys.stat(left).ino === sh.sys.stat(right).ino);
    default:
      return compareNumbers(number(sh, left, arithmetic), operator, number(sh, right, arithmetic));
  }
}

function mtime(sh: Shell, path: string): number | undefined {
  try {
    return sh.sys.stat(path).mtimeNs;
  } catch {
    return undefined;
  }
}

function number(sh: Shell, text: string, arithmetic: boolean): bigint {
  if (arithmetic) return evaluate(text, sh.arith);
  if (!/^\s*[-+]?\d+\s*$/.test(text))
    throw new ShellError(`${text}: integer expression expected`, 2, 'command');
  return BigInt(text.trim().replace(/^\+/, ''));
}

function compareNumbers(left: bigint, operator: string, right: bigint): boolean {
  switch (operator) {
    case '-eq':
      return left === right;
    case '-ne':
      return left !== right;
    case '-lt':
      return left < right;
    case '-le':
      return left <= right;
    case '-gt':
      return left > right;
    default:
      return left >= right;
  }
}

/** `test` on its words (without `[` and `]`); throws ShellError with status 2 for a malformed one. */
export function testWords(sh: Shell, words: readonly string[]): boolean {
  return new TestParser(sh, words).run();
}

class TestParser {
  private at = 0;

  constructor(
    private readonly sh: Shell,
    private readonly words: readonly string[],
  ) {}

  run(): boolean {
    const { words } = this;
    if (words.length === 0) return false;
    if (words.length <= 4) {
      const simple = this.byCount(words);
      if (simple !== undefined) return simple;
    }
    const result = this.or();
    if (this.at < words.length) this.fail('too many arguments');
    return result;
  }

  private fail(message: string): never {
    throw new ShellError(message, 2, 'command');
  }

  /** POSIX: up to four words are understood by their number. */
  private byCount(words: readonly string[]): boolean | undefined {
    const [a = '', b = '', c = ''] = words;
    if (words.length === 1) return a !== '';
    if (words.length === 2) {
      if (a === '!') return b === '';
      if (UNARY.has(a)) return testUnary(this.sh, a, b);
      return this.fail(`${a}: unary operator expected`);
    }
    if (words.length === 3) {
      if (BINARY.has(b)) return testBinary(this.sh, a, b, c, false);
      if (b === '-a') return a !== '' && c !== '';
      if (b === '-o') return a !== '' || c !== '';
      if (a === '!') return this.byCount([b, c]) !== true;
      if (a === '(' && c === ')') return b !== '';
      return this.fail(`${b}: binary operator expected`);
    }
    if (a === '!') return this.byCount(words.slice(1)) !== true;
    if (a === '(' && words[3] === ')') return this.byCount([b, c]) === true;
    return undefined;
  }

  private or(): boolean {
    let value = this.and();
    while (this.words[this.at] === '-o') {
      this.at++;
      const right = this.and();
      value ||= right;
    }
    return value;
  }

  private and(): boolean {
    let value = this.term();
    while (this.words[this.at] === '-a') {
      this.at++;
      const right = this.term();
      value &&= right;
    }
    return value;
  }

  private term(): boolean {
    const word = this.words[this.at];
    if (word === undefined) return this.fail('argument expected');
    if (word === '!') {
      this.at++;
      return !this.term();
    }
    const operator = this.words[this.at + 1];
    const right = this.words[this.at + 2];
    if (operator !== undefined && BINARY.has(operator) && right !== undefined) {
      this.at += 3;
      return testBinary(this.sh, word, operator, right, false);
    }
    if (word === '(') {
      this.at++;
      const value = this.or();
      if (this.words[this.at] !== ')') return this.fail("`)' expected");
      this.at++;
      return value;
    }
    if (UNARY.has(word) && operator !== undefined) {
      this.at += 2;
      return testUnary(this.sh, word, operator);
    }
    this.at++;
    return word !== '';
  }
}
