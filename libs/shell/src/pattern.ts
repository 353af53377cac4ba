/**
 * Shell patterns (`*`, `?`, `[…]`, and the extended `?(…)` `*(…)` `+(…)` `@(…)` `!(…)`) as regular expressions.
 *
 * In a pattern text a backslash quotes the next character; that is how quoted parts of a word arrive here. Also the
 * translation of POSIX extended regular expressions for `[[ … =~ … ]]`.
 */

const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`{-~',
  xdigit: '0-9A-Fa-f',
  cntrl: '\\x00-\\x1f\\x7f',
  print: '\\x20-\\x7e\\u{a0}-\\u{10ffff}',
  graph: '\\x21-\\x7e\\u{a1}-\\u{10ffff}',
  word: 'A-Za-z0-9_',
  ascii: '\\x00-\\x7f',
};

const SPECIAL = /[\\*?[\]()|!+@^$.{}-]/g;
const cache = new Map<string, RegExp>();

/** Quotes every pattern character of a text. */
export function quotePattern(text: string): string {
  return text.replace(SPECIAL, '\\$&');
}

/** Whether a text has an unquoted pattern character. */
export function hasPattern(text: string): boolean {
  return /[*?[]|[+@!]\(/.test(text);
}

/** Removes the quoting backslashes of a pattern text. */
export function unquotePattern(pattern: string): string {
  return pattern.replace(/\\([\s\S])/g, '$1');
}

/** How a pattern is anchored, and whether its stars take as little as they can. */
export interface PatternForm {
  readonly start?: boolean;
  readonly end?: boolean;
  readonly lazy?: boolean;
  readonly global?: boolean;
  readonly nocase?: boolean;
  /** Inside a path component: a leading dot must be matched by a dot. */
  readonly hideDot?: boolean;
}

/** A compiled pattern; by default anchored at both ends. Compiled forms are kept. */
export function patternRegExp(
  pattern: string,
  form: PatternForm = { start: true, end: true },
): RegExp {
  const flags = `su${form.global === true ? 'g' : ''}${form.nocase === true ? 'i' : ''}`;
  const key = `${form.start === true ? '^' : ''}${form.end === true ? '$' : ''}${form.lazy === true ? '?' : ''}${form.hideDot === true ? '.' : ''}${flags}:${pattern}`;
  let compiled = cache.get(key);
  if (compiled === undefined) {
    const body = translate(pattern, 0, pattern.length, form.lazy === true);
    const dot = form.hideDot === true && !/^(?:\\?\.|[@+?*]\()/.test(pattern) ? '(?!\\.)' : '';
    compiled = new RegExp(
      `${form.start === true ? '^' : ''}${dot}(?:${body})${form.end === true ? '$' : ''}`,
      flags,
    );
    if (cache.size > 2000) cache.clear();
    cache.set(key, compiled);
  }
  compiled.lastIndex = 0;
  return compiled;
}

/** Whether the whole text matches. */
export function matchPattern(text: string, pattern: string, nocase = false): boolean {
  return patternRegExp(pattern, { start: true, end: true, nocase }).test(text);
}

function translate(pattern: string, from: number, to: number, lazy: boolean): string {
  let out = '';
  let at = from;
  while (at < to) {
    const char = pattern[at] ?? '';
    const group =
      '?*+@!'.includes(char) && pattern[at + 1] === '(' ? groupEnd(pattern, at + 1, to) : -1;
    if (group > 0) {
      const body = alternatives(pattern, at + 2, group - 1, lazy);
      at = group;
      if (char === '!') {
        const rest = translate(pattern, at, to, lazy);
        return `${out}(?:(?!(?:${body})${rest}$).)*${lazy ? '?' : ''}${rest}`;
      }
      out += `(?:${body})${char === '@' ? '' : char}`;
      continue;
    }
    if (char === '*') {
      while (pattern[at + 1] === '*' && at + 1 < to) at++;
      out += lazy ? '.*?' : '.*';
    } else if (char === '?') out += '.';
    else if (char === '[') {
      const bracket = bracketExpression(pattern, at, to);
      if (bracket !== undefined) {
        out += bracket.text;
        at = bracket.end;
        continue;
      }
      out += '\\[';
    } else if (char === '\\' && at + 1 < to) {
      const code = pattern.codePointAt(at + 1) ?? 0;
      const literal = String.fromCodePoint(code);
      out += escapeRegExp(literal);
      at += 1 + literal.length;
      continue;
    } else {
      const literal = String.fromCodePoint(pattern.codePointAt(at) ?? 0);
      out += escapeRegExp(literal);
      at += literal.length;
      continue;
    }
    at++;
  }
  return out;
}

function groupEnd(pattern: string, open: number, to: number): number {
  let depth = 0;
  for (let at = open; at < to; at++) {
    const char = pattern[at];
    if (char === '\\') at++;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return at + 1;
  }
  return -1;
}

function alternatives(pattern: string, from: number, to: number, lazy: boolean): string {
  const parts: string[] = [];
  let depth = 0;
  let start = from;
  for (let at = from; at < to; at++) {
    const char = pattern[at];
    if (char === '\\') at++;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '|' && depth === 0) {
      parts.push(translate(pattern, start, at, lazy));
      start = at + 1;
    }
  }
  parts.push(translate(pattern, start, to, lazy));
  return parts.join('|');
}

/** A bracket expression of a pattern or of a POSIX regular expression, as a JavaScript one. */
function bracketExpression(
  text: string,
  open: number,
  to: number,
  posix = false,
): { text: string; end: number } | undefined {
  let at = open + 1;
  let negated = false;
  if (text[at] === '!' || text[at] === '^') {
    negated = true;
    at++;
  }
  let body = '';
  let first = true;
  while (at < to) {
    const char = text[at] ?? '';
    if (char === ']' && !first) {
      if (body === '') return { text: negated ? '.' : '(?!)', end: at + 1 };
      return { text: `[${negated ? '^' : ''}${body}]`, end: at + 1 };
    }
    first = false;
    if (char === '[' && (text[at + 1] === ':' || text[at + 1] === '.' || text[at + 1] === '=')) {
      const kind = text[at + 1] ?? '';
      const end = text.indexOf(`${kind}]`, at + 2);
      if (end > 0 && end < to) {
        const name = text.slice(at + 2, end);
        body += kind === ':' ? (CLASSES[name] ?? '') : escapeClass(name);
        at = end + 2;
        continue;
      }
    }
    let quoted = false;
    if (char === '\\' && !posix && at + 1 < to) {
      at++;
      quoted = true;
    }
    const literal = String.fromCodePoint(text.codePointAt(at) ?? 0);
    const isRange =
      literal === '-' && !quoted && body !== '' && text[at + 1] !== ']' && !body.endsWith('\\-');
    body += isRange ? '-' : escapeClass(literal);
    at += literal.length;
  }
  return undefined;
}

function escapeClass(text: string): string {
  return text.replace(/[\\\]^[-]/g, '\\$&');
}

export function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** A POSIX extended regular expression as a JavaScript one; throws SyntaxError where it is none. */
export function posixRegExp(pattern: string, nocase = false): RegExp {
  let out = '';
  let at = 0;
  while (at < pattern.length) {
    const char = pattern[at] ?? '';
    if (char === '[') {
      const bracket = bracketExpression(pattern, at, pattern.length, true);
      if (bracket === undefined) throw new SyntaxError('unterminated bracket expression');
      out += bracket.text;
      at = bracket.end;
      continue;
    }
    if (char === '\\') {
      const next = pattern[at + 1] ?? '';
      if (next === '<') out += '\\b(?=\\w)';
      else if (next === '>') out += '\\b(?<=\\w)';
      else if (/[wWsSbB0-9]/.test(next)) out += `\\${next}`;
      else out += escapeRegExp(next);
      at += 2;
      continue;
    }
    if (char === '{' && !/^\{\d+(?:,\d*)?\}/.test(pattern.slice(at))) out += '\\{';
    else if (char === '}' && !/\{\d+(?:,\d*)?$/.test(pattern.slice(0, at))) out += '\\}';
    else out += char === '/' ? '\\/' : char;
    at++;
  }
  return new RegExp(out, `su${nocase ? 'i' : ''}`);
}
