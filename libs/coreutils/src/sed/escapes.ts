/** Escapes in sed scripts: characters, replacements, strings of `y`. */
import type { ReplacePart } from './script.js';

const escapeChars: Readonly<Record<string, string>> = {
  a: '\x07',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** `\n`, `\t`, `\xHH`, `\oNNN`, `\dNNN`, `\cX` at a backslash: the character and the length of its spelling. */
export function sedEscape(text: string, at: number): { char: string; length: number } | undefined {
  const letter = text.charAt(at + 1);
  const simple = escapeChars[letter];
  if (simple !== undefined) return { char: simple, length: 2 };
  const match = /^\\(?:x([0-9a-fA-F]{1,2})|o([0-7]{1,3})|d([0-9]{1,3})|c([^]))/.exec(
    text.slice(at, at + 5),
  );
  if (match === null) return undefined;
  const [spelled, hex, octal, decimal, control] = match;
  const code =
    hex !== undefined
      ? parseInt(hex, 16)
      : octal !== undefined
        ? parseInt(octal, 8)
        : decimal !== undefined
          ? parseInt(decimal, 10)
          : (control ?? '').toUpperCase().charCodeAt(0) ^ 64;
  return { char: String.fromCharCode(code & 255), length: spelled.length };
}

/** The right-hand side of `s`. */
export function replacementParts(text: string): ReplacePart[] {
  const parts: ReplacePart[] = [];
  const add = (piece: string): void => {
    const last = parts[parts.length - 1];
    if (last?.kind === 'text') parts[parts.length - 1] = { kind: 'text', text: last.text + piece };
    else parts.push({ kind: 'text', text: piece });
  };
  for (let at = 0; at < text.length;) {
    const char = text.charAt(at);
    const next = text.charAt(at + 1);
    if (char === '&') parts.push({ kind: 'group', index: 0 });
    else if (char !== '\\') add(char);
    else if (/\d/.test(next)) parts.push({ kind: 'group', index: Number(next) });
    else if (/[ULulE]/.test(next))
      parts.push({ kind: 'case', mode: next as 'U' | 'L' | 'u' | 'l' | 'E' });
    else {
      const escape = sedEscape(text, at);
      add(escape?.char ?? next);
      at += (escape?.length ?? 2) - 2;
    }
    at += char === '\\' ? 2 : 1;
  }
  return parts;
}

/** A string of `y` with its escapes carried out. */
export function plainText(text: string): string {
  let out = '';
  for (let at = 0; at < text.length; at++) {
    const escape = text[at] === '\\' ? sedEscape(text, at) : undefined;
    if (escape !== undefined) {
      out += escape.char;
      at += escape.length - 1;
    } else if (text[at] === '\\') out += text[++at] === '\\' ? '\\' : `\\${text[at] ?? ''}`;
    else out += text[at] ?? '';
  }
  return out;
}
