/**
 * Brace expansion, which bash does on the text of a word before anything else: `a{b,c}d`, `{1..9..2}`, `{a..e}`.
 *
 * Quoted text, `${…}`, `$(…)` and backquotes pass through untouched.
 */

/** All words that `text` stands for; itself alone where it has no brace expression. */
export function expandBraces(text: string): string[] {
  for (let at = 0; at < text.length; at++) {
    const skipped = skipOpaque(text, at);
    if (skipped > at) {
      at = skipped - 1;
      continue;
    }
    if (text[at] !== '{') continue;
    const found = splitBrace(text, at);
    if (found === undefined) continue;
    const head = text.slice(0, at);
    const tails = expandBraces(text.slice(found.end));
    const out: string[] = [];
    for (const item of found.items) {
      for (const tail of tails) out.push(head + item + tail);
    }
    return out;
  }
  return [text];
}

/** Past a quoted or substituted stretch that begins at `at`, else `at`. */
export function skipOpaque(text: string, at: number): number {
  const char = text[at];
  if (char === '\\') return at + 2;
  if (char === "'") return closing(text, at + 1, "'");
  if (char === '"') return closingEscaped(text, at + 1, '"');
  if (char === '`') return closingEscaped(text, at + 1, '`');
  if (char === '$') {
    const next = text[at + 1];
    if (next === "'") return closingEscaped(text, at + 2, "'");
    if (next === '{') return balanced(text, at + 1, '{', '}');
    if (next === '(') return balanced(text, at + 1, '(', ')');
  }
  if ((char === '<' || char === '>') && text[at + 1] === '(')
    return balanced(text, at + 1, '(', ')');
  return at;
}

function closing(text: string, from: number, quote: string): number {
  const end = text.indexOf(quote, from);
  return end < 0 ? text.length : end + 1;
}

function closingEscaped(text: string, from: number, quote: string): number {
  let at = from;
  while (at < text.length && text[at] !== quote) at += text[at] === '\\' ? 2 : 1;
  return Math.min(at + 1, text.length);
}

function balanced(text: string, from: number, open: string, close: string): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    if (text[at] === open) depth++;
    else if (text[at] === close && --depth === 0) return at + 1;
    else {
      const skipped = at === from ? at : skipOpaque(text, at);
      if (skipped > at) {
        at = skipped;
        continue;
      }
    }
    at++;
  }
  return text.length;
}

/** The alternatives of the brace at `open` and where it ends; undefined where it is literal. */
function splitBrace(text: string, open: number): { items: string[]; end: number } | undefined {
  const parts: string[] = [];
  let depth = 0;
  let from = open + 1;
  for (let at = open + 1; at < text.length; at++) {
    const skipped = skipOpaque(text, at);
    if (skipped > at) {
      at = skipped - 1;
      continue;
    }
    const char = text[at];
    if (char === '{') depth++;
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    } else if (char === '}') {
      if (depth > 0) {
        depth--;
        continue;
      }
      const last = text.slice(from, at);
      if (parts.length > 0) return { items: [...parts, last].flatMap(expandBraces), end: at + 1 };
      const items = sequence(last);
      return items === undefined ? undefined : { items, end: at + 1 };
    }
  }
  return undefined;
}

function sequence(body: string): string[] | undefined {
  const match = /^(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.(-?\d+))?$/.exec(body);
  if (match === null) return undefined;
  const [, first = '', last = '', stepText] = match;
  const numeric = /\d/.test(first);
  if (numeric !== /\d/.test(last)) return undefined;
  const from = numeric ? Number(first) : first.charCodeAt(0);
  const to = numeric ? Number(last) : last.charCodeAt(0);
  const step = Math.abs(Number(stepText ?? '1')) || 1;
  const padded = numeric && (/^-?0\d/.test(first) || /^-?0\d/.test(last));
  const width = padded ? Math.max(first.length, last.length) : 0;
  const out: string[] = [];
  const show = (value: number): string => {
    if (!numeric) return String.fromCharCode(value);
    const digits = String(Math.abs(value));
    return value < 0 ? `-${digits.padStart(width - 1, '0')}` : digits.padStart(width, '0');
  };
  if (from <= to) for (let value = from; value <= to; value += step) out.push(show(value));
  else for (let value = from; value >= to; value -= step) out.push(show(value));
  return out;
}
