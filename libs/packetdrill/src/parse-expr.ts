/**
 * Expressions and system calls of a script: numbers, C names joined by operators, `...`, `[lists]`, `{structures}`.
 */
import type { Expr, StructField, SystemCall } from './ast.js';
import type { Scanner } from './scanner.js';

const NUMBER = /0[xX][0-9a-fA-F]+|\d+/y;
const NAME = /[A-Za-z_]\w*/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;

const LEVELS: readonly (readonly string[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/'],
];

function unescape(quoted: string): string {
  return quoted
    .slice(1, -1)
    .replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .replace(/\\(.)/g, (_, c: string) => ({ n: '\n', t: '\t', r: '\r', '0': '\0' })[c] ?? c);
}

export function parseExpr(s: Scanner, level = 0): Expr {
  const operators = LEVELS[level];
  if (operators === undefined) return parseUnary(s);
  let left = parseExpr(s, level + 1);
  for (;;) {
    const op = operators.find((candidate) => s.accept(candidate));
    if (op === undefined) return left;
    left = { kind: 'binary', op, left, right: parseExpr(s, level + 1) };
  }
}

function parseUnary(s: Scanner): Expr {
  for (const op of ['-', '~', '!'])
    if (s.accept(op)) return { kind: 'unary', op, operand: parseUnary(s) };
  return parsePrimary(s);
}

function parsePrimary(s: Scanner): Expr {
  if (s.accept('...')) return { kind: 'any' };
  const number = s.take(NUMBER);
  if (number !== undefined) return { kind: 'number', value: Number(number) };
  const text = s.take(STRING);
  if (text !== undefined) return { kind: 'string', value: unescape(text) };
  if (s.accept('(')) {
    const inner = parseExpr(s);
    s.expect(')');
    return inner;
  }
  if (s.accept('[')) return { kind: 'list', items: parseItems(s, ']') };
  if (s.accept('{')) return parseStruct(s);
  const name = s.need(NAME, 'an expression');
  if (s.accept('(')) return { kind: 'call', name, args: parseItems(s, ')') };
  return { kind: 'name', name };
}

function parseItems(s: Scanner, close: string): Expr[] {
  const items: Expr[] = [];
  if (s.accept(close)) return items;
  do items.push(parseExpr(s));
  while (s.accept(','));
  s.expect(close);
  return items;
}

/** `{name=value, name(size)=value, value}`; sizes in parentheses say nothing that the value does not. */
function parseStruct(s: Scanner): Expr {
  const fields: StructField[] = [];
  if (s.accept('}')) return { kind: 'struct', fields };
  do {
    if (s.peek(/[}]/y) !== undefined) break; // a comma may close the list
    fields.push(parseField(s));
  } while (s.accept(','));
  s.expect('}');
  return { kind: 'struct', fields };
}

const FIELD = /[A-Za-z_][\w.]*(?:\s*\([^()]*\))?\s*=(?!=)/y;

function parseField(s: Scanner): StructField {
  const head = s.take(FIELD);
  if (head === undefined) return { name: undefined, value: parseExpr(s) };
  return { name: /^[\w.]+/.exec(head)?.[0], value: parseExpr(s) };
}

/** `name(args) = result [ERRNO] [(note)]`; the name has been taken. */
export function parseCall(s: Scanner, name: string): SystemCall {
  s.expect('(');
  const args = parseItems(s, ')');
  s.expect('=');
  const result = parseUnary(s);
  const errno = s.take(/E[A-Z0-9]+\b/y);
  if (s.accept('(')) s.until(')');
  return { name, args, result, errno };
}
