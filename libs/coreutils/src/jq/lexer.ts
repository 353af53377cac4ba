/** Tokens of jq filters; the filters inside strings are parsed on the way. */
import type { Filter } from './ast.js';

export interface Token {
  readonly kind:
    'number' | 'string' | 'name' | 'field' | 'variable' | 'format' | 'operator' | 'keyword' | 'end';
  readonly text: string;
  /** Pieces of a string with interpolations. */
  readonly parts?: readonly (string | Filter)[];
  readonly line: number;
  /** Where it begins in the source. */
  readonly start: number;
}

/** A message with the place that it is about: the source, and as many blanks as stand before the token. */
export function placed(message: string, source: string, line: number, start: number): string {
  return `${message} at <top-level>, line ${line}:\n${source}${' '.repeat(start)}\njq: 1 compile error`;
}

/** A filter that jq refuses to compile; the text is what it prints behind `jq: error: `. */
export class JqSyntaxError extends Error {}

const keywords = new Set([
  'def',
  'if',
  'then',
  'elif',
  'else',
  'end',
  'as',
  'reduce',
  'foreach',
  'try',
  'catch',
  'label',
  'import',
  'include',
  'and',
  'or',
  '__loc__',
]);
const operators = [
  '?//=',
  '?//',
  '//=',
  '|=',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '==',
  '!=',
  '<=',
  '>=',
  '//',
  '..',
  'and',
  'or',
  '.',
  '[',
  ']',
  '{',
  '}',
  '(',
  ')',
  '|',
  ',',
  ':',
  ';',
  '=',
  '<',
  '>',
  '+',
  '-',
  '*',
  '/',
  '%',
  '?',
  '$',
];

type Parse = (source: string) => Filter;

export function tokenize(source: string, parse: Parse): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  const push = (kind: Token['kind'], text: string, parts?: Token['parts']): void => {
    tokens.push(
      parts === undefined
        ? { kind, text, line, start: at }
        : { kind, text, parts, line, start: at },
    );
  };
  while (at < source.length) {
    const rest = source.slice(at);
    const blank = /^(?:\s+|#[^\n]*)/.exec(rest)?.[0];
    if (blank !== undefined) {
      at += blank.length;
      line += (blank.match(/\n/g) ?? []).length;
      continue;
    }
    if (rest.startsWith('"')) {
      const { parts, end } = stringParts(source, at + 1, line, parse);
      push('string', '', parts);
      at = end;
      continue;
    }
    const match =
      /^(?:(\.[A-Za-z_]\w*)|(\$__loc__)|\$((?:[A-Za-z_]\w*::)*[A-Za-z_]\w*)|(@\w+)|((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|((?:[A-Za-z_]\w*::)*[A-Za-z_]\w*))/.exec(
        rest,
      );
    if (match !== null) {
      const [text, field, location, variable, format, number, name] = match;
      if (field !== undefined) push('field', field.slice(1));
      else if (location !== undefined) push('variable', '__loc__');
      else if (variable !== undefined) push('variable', variable);
      else if (format !== undefined) push('format', format.slice(1));
      else if (number !== undefined) push('number', number);
      else push(keywords.has(name ?? '') ? 'keyword' : 'name', name ?? '');
      at += text.length;
      continue;
    }
    const operator = operators.find((candidate) => rest.startsWith(candidate));
    if (operator === undefined) {
      const message = 'syntax error, unexpected INVALID_CHARACTER (Unix shell quoting issues?)';
      throw new JqSyntaxError(placed(message, source, line, at));
    }
    push('operator', operator);
    at += operator.length;
  }
  tokens.push({ kind: 'end', text: '', line, start: at });
  return tokens;
}

function stringParts(
  source: string,
  start: number,
  line: number,
  parse: Parse,
): { parts: (string | Filter)[]; end: number } {
  const parts: (string | Filter)[] = [];
  let text = '';
  for (let at = start; ;) {
    const char = source[at];
    if (char === undefined) {
      throw new JqSyntaxError(
        `syntax error, unexpected $end, expecting QQSTRING_TEXT or QQSTRING_INTERP_START or QQSTRING_END (Unix shell quoting issues?) at <top-level>, line ${line}:\n${source}\njq: 1 compile error`,
      );
    }
    if (char === '"') {
      if (text !== '' || parts.length === 0) parts.push(text);
      return { parts, end: at + 1 };
    }
    if (char !== '\\') {
      text += char;
      at++;
      continue;
    }
    if (source[at + 1] === '(') {
      const end = closing(source, at + 2);
      parts.push(text, parse(source.slice(at + 2, end)));
      text = '';
      at = end + 1;
      continue;
    }
    const unicode = /^\\u([0-9a-fA-F]{4})/.exec(source.slice(at, at + 6));
    if (unicode !== null) {
      text += String.fromCharCode(parseInt(unicode[1] ?? '0', 16));
      at += 6;
      continue;
    }
    const letter = source.charAt(at + 1);
    text += { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' }[letter] ?? letter;
    at += 2;
  }
}

/** The parenthesis that closes an interpolation. */
function closing(source: string, start: number): number {
  let depth = 1;
  for (let at = start; at < source.length; at++) {
    const char = source[at];
    if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return at;
    else if (char === '"') {
      for (at++; at < source.length && source[at] !== '"'; at++) {
        if (source[at] !== '\\') continue;
        at = source[at + 1] === '(' ? closing(source, at + 2) : at + 1;
      }
    }
  }
  return source.length;
}
