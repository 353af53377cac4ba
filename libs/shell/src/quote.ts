/** Ways in which bash writes a text so that it can be read back: `${x@Q}`, `printf %q`, `declare -p`, `set -x`. */

const CONTROL = /[\x00-\x1f\x7f]|[\udc80-\udcff]/u;
const TRACE_CONTROL = /[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]|[\udc80-\udcff]/u;
const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\x1b': '\\E',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  "'": "\\'",
};

/** `$'…'`. */
export function quoteAnsi(text: string): string {
  let out = "$'";
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const escape = ESCAPES[char];
    if (escape !== undefined) out += escape;
    else if (code < 0x20 || code === 0x7f) out += `\\${code.toString(8).padStart(3, '0')}`;
    else if (code >= 0xdc80 && code <= 0xdcff) out += `\\${(code - 0xdc00).toString(8)}`;
    else out += char;
  }
  return `${out}'`;
}

/** `'…'`, or `$'…'` where there are control characters: `${x@Q}`, `set`, `alias`, `trap`. */
export function quoteSingle(text: string): string {
  return CONTROL.test(text) ? quoteAnsi(text) : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Only where needed, in single quotes: traces. */
export function quoteIfNeeded(text: string): string {
  if (text === '') return "''";
  if (TRACE_CONTROL.test(text)) return quoteAnsi(text);
  return /[\s'"\\|&;()<>!{}*[\]?^$`#~]/.test(text) &&
    !/^[^\s'"\\|&;()<>!{}*[\]?^$`#~][^\s'"\\|&;()<>!{}*[\]?^$`]*$/.test(text)
    ? `'${text.replaceAll("'", "'\\''")}'`
    : text;
}

/** Only where needed, with backslashes: `printf %q`. */
export function quoteBackslash(text: string): string {
  if (text === '') return "''";
  if (CONTROL.test(text)) return quoteAnsi(text);
  const escaped = text.replace(/[ '"\\|&;()<>!{}*[\]?^$`,]/g, '\\$&');
  return /^[#~]/.test(escaped) ? `\\${escaped}` : escaped;
}

/** `"…"`, or `$'…'` where there are control characters: `declare -p`. */
export function quoteDouble(text: string): string {
  return CONTROL.test(text) ? quoteAnsi(text) : `"${text.replace(/["\\$`]/g, '\\$&')}"`;
}
