/**
 * Perl-compatible expressions (`grep -P`) on the platform's matcher, which shares most of their syntax; what differs is
 * rewritten: `\h \H \R \A \z \Z \N \e \Q…\E \K`, POSIX classes, `(?P<name>`, `(?i)` at the start, possessive and atomic
 * forms (taken as plain ones: they match the same or more).
 */
import { classTests, RegexError } from './ast.js';
import type { Matcher, RegexMatch } from './regex.js';

const escapes: Readonly<Record<string, string>> = {
  h: '[ \\t]',
  H: '[^ \\t]',
  R: '(?:\\r\\n|[\\n-\\r])',
  A: '(?<![^])',
  z: '(?![^])',
  Z: '(?=\\n?(?![^]))',
  N: '[^\\n]',
  e: '\\x1b',
  a: '\\x07',
  s: '[\\t-\\r ]',
  S: '[^\\t-\\r ]',
};
const classEscapes: Readonly<Record<string, string>> = {
  h: ' \\t',
  s: '\\t-\\r ',
  e: '\\x1b',
  a: '\\x07',
};

function namedClass(name: string): string {
  const test = classTests[name];
  if (test === undefined) throw new RegexError('unknown POSIX class name');
  let out = '';
  for (let code = 0; code < 256; code++)
    if (test(code)) out += `\\x${code.toString(16).padStart(2, '0')}`;
  return out;
}

function bracket(pattern: string, start: number): { source: string; end: number } {
  let at = start + 1;
  let source = '[';
  if (pattern[at] === '^') {
    source += '^';
    at++;
  }
  for (let first = true; ; first = false) {
    const char = pattern[at];
    if (char === undefined) throw new RegexError('missing terminating ] for character class');
    if (char === ']' && !first) return { source: `${source}]`, end: at + 1 };
    const named = /^\[:(\w+):\]/.exec(pattern.slice(at));
    if (named !== null) {
      source += namedClass(named[1] ?? '');
      at += named[0].length;
    } else if (char === '\\') {
      const next = pattern[at + 1] ?? '';
      source += classEscapes[next] ?? `\\${next}`;
      at += 2;
    } else {
      source += char === '[' || char === ']' ? `\\${char}` : char;
      at++;
    }
  }
}

/** The JavaScript source of a pattern. */
function rewrite(pattern: string): string {
  let out = '';
  let at = 0;
  while (at < pattern.length) {
    const rest = pattern.slice(at);
    const char = rest.charAt(0);
    if (char === '[') {
      const { source, end } = bracket(pattern, at);
      out += source;
      at = end;
    } else if (char === '\\') {
      const quoted = /^\\Q([^]*?)(?:\\E|$)/.exec(rest);
      const braced = /^\\x\{([0-9a-fA-F]{1,2})\}/.exec(rest) ?? /^\\g\{?(\d+)\}?/.exec(rest);
      const next = rest.charAt(1);
      if (next === '') throw new RegexError('\\ at end of pattern');
      if (quoted !== null) out += (quoted[1] ?? '').replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
      else if (braced !== null)
        out +=
          next === 'x' ? `\\x${(braced[1] ?? '').padStart(2, '0')}` : `(?:\\${braced[1] ?? ''})`;
      else if (next === 'K') out = `(?<=${out})`;
      else out += escapes[next] ?? `\\${next}`;
      at += quoted?.[0].length ?? braced?.[0].length ?? 2;
    } else if (rest.startsWith('(?P<') || rest.startsWith('(?>') || rest.startsWith('(?#')) {
      const comment = /^\(\?#[^)]*\)/.exec(rest);
      out += comment !== null ? '' : rest.startsWith('(?>') ? '(?:' : '(?<';
      at += comment?.[0].length ?? (rest.startsWith('(?>') ? 3 : 4);
    } else if (/^[*+?}]\+/.test(rest)) {
      out += char;
      at += 2;
    } else {
      out += char;
      at++;
    }
  }
  return out;
}

function message(error: unknown): string {
  const text = error instanceof Error ? error.message : '';
  if (text.includes('Unterminated group')) return 'missing closing parenthesis';
  if (text.includes('Unmatched')) return 'unmatched closing parenthesis';
  if (text.includes('Nothing to repeat')) return 'quantifier does not follow a repeatable item';
  if (text.includes('Range out of order')) return 'range out of order in character class';
  if (text.includes('numbers out of order')) return 'numbers out of order in {} quantifier';
  if (text.includes('Invalid named reference')) return 'reference to non-existent subpattern';
  return 'unrecognized character follows \\';
}

export class PerlRegex implements Matcher {
  private readonly search: RegExp;

  constructor(
    pattern: string,
    options: { readonly ignoreCase: boolean; readonly whole: 'word' | 'line' | undefined },
  ) {
    const inline = /^\(\?([imsx]+)\)/.exec(pattern);
    const letters = inline?.[1] ?? '';
    let source = rewrite(pattern.slice(inline?.[0].length ?? 0));
    if (letters.includes('x'))
      source = source.replace(/\\[^]|\s+|#.*/g, (part) => (part.startsWith('\\') ? part : ''));
    if (options.whole !== undefined) {
      source =
        options.whole === 'word' ? `(?<!\\w)(?:${source})(?!\\w)` : `(?<![^])(?:${source})(?![^])`;
    }
    const flags = `g${options.ignoreCase || letters.includes('i') ? 'i' : ''}${letters.includes('s') ? 's' : ''}`;
    try {
      this.search = new RegExp(source, flags);
    } catch (error) {
      throw new RegexError(message(error));
    }
  }

  test(text: string): boolean {
    this.search.lastIndex = 0;
    return this.search.test(text);
  }

  exec(text: string, from = 0): RegexMatch | undefined {
    this.search.lastIndex = from;
    const found = this.search.exec(text);
    if (found === null) return undefined;
    return { start: found.index, end: found.index + found[0].length, groups: found };
  }
}
