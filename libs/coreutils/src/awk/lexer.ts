/** Tokens of awk programs. Whether `/` divides or begins a regular expression depends on the token before it. */

export type TokenKind =
  | 'number'
  | 'string'
  | 'regex'
  | 'name'
  | 'function-name'
  | 'builtin'
  | 'keyword'
  | 'operator'
  | 'newline'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Spelling of names and operators, contents of strings and regular expressions. */
  readonly text: string;
  readonly number: number;
  readonly line: number;
  /** Blanks before it. */
  readonly spaced: boolean;
}

/** A program that awk refuses; the text is printed behind `awk: `. */
export class AwkSyntaxError extends Error {}

const keywords = new Set([
  'BEGIN',
  'END',
  'function',
  'func',
  'if',
  'else',
  'while',
  'for',
  'do',
  'break',
  'continue',
  'next',
  'nextfile',
  'exit',
  'return',
  'delete',
  'in',
  'getline',
  'print',
  'printf',
]);
export const builtinNames = new Set([
  'length',
  'substr',
  'index',
  'split',
  'sub',
  'gsub',
  'match',
  'sprintf',
  'sin',
  'cos',
  'atan2',
  'exp',
  'log',
  'sqrt',
  'int',
  'rand',
  'srand',
  'tolower',
  'toupper',
  'system',
  'close',
  'fflush',
  'systime',
  'strftime',
  'mktime',
]);
const operators = [
  '&&',
  '||',
  '==',
  '!=',
  '<=',
  '>=',
  '++',
  '--',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '^=',
  '>>',
  '!~',
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  ';',
  ',',
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
  '!',
  '>',
  '<',
  '|',
  '?',
  ':',
  '~',
  '$',
  '=',
];
const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/** Contents of a string (or of `-v` and command-line assignments) with its escapes carried out. */
export function unescape(text: string): string {
  return text.replace(
    /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|([^])|$)/g,
    (all: string, octal: string | undefined, hex: string | undefined, char: string | undefined) => {
      if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8) & 255);
      return char === undefined ? all : (escapes[char] ?? all);
    },
  );
}

export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  let spaced = false;
  const push = (kind: TokenKind, text: string, number = 0): void => {
    tokens.push({ kind, text, number, line, spaced });
    spaced = false;
  };
  while (at < source.length) {
    const rest = source.slice(at, at + 400);
    const char = rest.charAt(0);
    const blank = /^(?:[ \t\r]+|\\\r?\n|#[^\n]*)/.exec(source.slice(at));
    if (blank !== null) {
      at += blank[0].length;
      if (blank[0].endsWith('\n')) line++;
      spaced = true;
      continue;
    }
    if (char === '\n') {
      push('newline', '\n');
      line++;
      at++;
      continue;
    }
    if (char === '"') {
      const match = /^"((?:[^"\\\n]|\\[^])*)"/.exec(source.slice(at));
      if (match === null)
        throw new AwkSyntaxError(
          `line ${line}: runaway string constant ${source.slice(at, at + 11).split('\n')[0] ?? ''} ...`,
        );
      push('string', unescape((match[1] ?? '').replaceAll('\\\n', '')));
      line += (match[0].match(/\n/g) ?? []).length;
      at += match[0].length;
      continue;
    }
    if (char === '/' && regexMayFollow(tokens[tokens.length - 1])) {
      const match =
        /^\/((?:[^/\\\n[]|\\[^\n]|\[\^?\]?(?:\[:[a-z]+:\]|\\[^\n]|[^\]\\\n])*\])*)\//.exec(
          source.slice(at),
        ) ?? /^\/((?:[^/\\\n]|\\[^\n])*)\//.exec(source.slice(at));
      if (match === null)
        throw new AwkSyntaxError(
          `line ${line}: runaway regular expression ${source.slice(at, at + 11).split('\n')[0] ?? ''} ...`,
        );
      push('regex', (match[1] ?? '').replaceAll('\\/', '/'));
      at += match[0].length;
      continue;
    }
    const number = /^(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)/.exec(rest);
    if (number !== null) {
      push('number', number[0], Number(number[0].replace(/^0+(?=\d)/, '')));
      at += number[0].length;
      continue;
    }
    const name = /^[A-Za-z_]\w*/.exec(rest);
    if (name !== null) {
      at += name[0].length;
      if (keywords.has(name[0])) push('keyword', name[0] === 'func' ? 'function' : name[0]);
      else if (builtinNames.has(name[0])) push('builtin', name[0]);
      else push(source[at] === '(' ? 'function-name' : 'name', name[0]);
      continue;
    }
    const operator = operators.find((candidate) => rest.startsWith(candidate));
    if (operator === undefined) throw new AwkSyntaxError(`${line}: unexpected character '${char}'`);
    push('operator', operator);
    at += operator.length;
  }
  push('newline', '\n');
  if (!source.endsWith('\n')) line++;
  push('end', '');
  return tokens;
}

function regexMayFollow(before: Token | undefined): boolean {
  if (before === undefined) return true;
  if (
    before.kind === 'number' ||
    before.kind === 'string' ||
    before.kind === 'name' ||
    before.kind === 'builtin'
  )
    return false;
  if (before.kind === 'operator') return ![')', ']', '$', '++', '--'].includes(before.text);
  return true;
}
