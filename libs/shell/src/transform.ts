/** The `${x@…}` operators that map text to text, and the backslash escapes of `$'…'`, `echo -e` and prompts. */
import { byteChar, normalizeBytes } from './bytes.js';
import { expandPrompt } from './prompt.js';
import { quoteSingle } from './quote.js';
import type { Shell } from './shell.js';

/** The function of `${x@operator}`; undefined for an unknown operator. */
export function transformText(sh: Shell, operator: string): ((text: string) => string) | undefined {
  switch (operator) {
    case 'Q':
      return quoteSingle;
    case 'E':
      return (text) => decodeEscapes(text, 'ansi').text;
    case 'P':
      return (text) => expandPrompt(sh, text);
    case 'U':
      return (text) => text.toUpperCase();
    case 'u':
      return (text) => text.charAt(0).toUpperCase() + text.slice(1);
    case 'L':
      return (text) => text.toLowerCase();
    default:
      return undefined;
  }
}

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

/**
 * Decodes backslash escapes. `ansi`: `$'…'` and printf formats (octal `\nnn`, quotes); `echo`: `echo -e` and `%b`
 * (octal `\0nnn`, `\c` stops everything, which `stopped` tells).
 */
export function decodeEscapes(
  text: string,
  style: 'ansi' | 'echo' | 'format',
): { text: string; stopped: boolean } {
  if (!text.includes('\\')) return { text, stopped: false };
  let out = '';
  let at = 0;
  let bytes = false;
  while (at < text.length) {
    const char = text[at] ?? '';
    if (char !== '\\') {
      out += char;
      at++;
      continue;
    }
    const next = text[at + 1];
    if (next === undefined) {
      out += '\\';
      break;
    }
    at += 2;
    const simple = SIMPLE[next];
    if (simple !== undefined) {
      out += simple;
      continue;
    }
    if (next === 'c' && style === 'echo')
      return { text: bytes ? normalizeBytes(out) : out, stopped: true };
    if (next === 'c' && style === 'ansi' && at < text.length) {
      out += String.fromCharCode((text.charCodeAt(at) & 0x1f) >>> 0);
      at++;
      continue;
    }
    const digits = numericEscape(text, at, next, style);
    if (digits !== undefined) {
      at += digits.length;
      bytes ||= digits.byte;
      out += digits.char;
      continue;
    }
    if ((next === '"' || next === "'" || next === '?') && style !== 'echo') out += next;
    else out += `\\${next}`;
  }
  return { text: bytes ? normalizeBytes(out) : out, stopped: false };
}

function numericEscape(
  text: string,
  at: number,
  letter: string,
  style: 'ansi' | 'echo' | 'format',
): { char: string; length: number; byte: boolean } | undefined {
  const take = (pattern: RegExp): string => pattern.exec(text.slice(at, at + 8))?.[0] ?? '';
  if (letter === 'x') {
    const hex = take(/^[0-9a-fA-F]{1,2}/);
    return hex === ''
      ? undefined
      : { char: byteChar(parseInt(hex, 16)), length: hex.length, byte: true };
  }
  if (letter === 'u' || letter === 'U') {
    const hex = take(letter === 'u' ? /^[0-9a-fA-F]{1,4}/ : /^[0-9a-fA-F]{1,8}/);
    const code = parseInt(hex, 16);
    return hex === '' || code > 0x10ffff
      ? undefined
      : { char: String.fromCodePoint(code), length: hex.length, byte: false };
  }
  if (style === 'echo' && letter !== '0') return undefined;
  if (letter >= '0' && letter <= '7') {
    const rest = take(style === 'echo' ? /^[0-7]{0,3}/ : /^[0-7]{0,2}/);
    return { char: byteChar(parseInt(letter + rest, 8) & 0xff), length: rest.length, byte: true };
  }
  return undefined;
}
