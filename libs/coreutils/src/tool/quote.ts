/** Names in messages and listings, quoted as a shell would need them (the style that GNU tools call `shell-escape`). */

const control = '\0\x07\b\f\n\r\t\v';
const controlNames = '0abfnrtv';

function needsQuotes(name: string, colon: boolean): boolean {
  if (name === '' || name === '{' || name === '}' || /^[#~]/.test(name)) return true;
  if (colon && name.includes(':')) return true;
  return /[ !"$&'()*;<=>?[\\^`|]/.test(name) || !/^[\x20-\x7e]*$/.test(name);
}

/** Always in quotes. */
export function quoteAlways(name: string): string {
  if (name.includes("'") && !/["$`\\!]/.test(name) && /^[\x20-\x7e]*$/.test(name))
    return `"${name}"`;
  let out = "'";
  let escaped = false;
  for (const char of name) {
    const code = char.charCodeAt(0);
    if (code < 32 || code > 126) {
      const named = control.indexOf(char);
      const text =
        named > 0 ? `\\${controlNames[named] ?? ''}` : `\\${code.toString(8).padStart(3, '0')}`;
      out += escaped ? text : `'$'${text}`;
      escaped = true;
      continue;
    }
    if (escaped) out += "''";
    escaped = false;
    out += char === "'" ? "'\\''" : char;
  }
  return `${out}'`;
}

/** In quotes where a shell needs them. `colon`: also where it has a colon, as in front of an error text. */
export function quoteName(name: string, colon = false): string {
  return needsQuotes(name, colon) ? quoteAlways(name) : name;
}
