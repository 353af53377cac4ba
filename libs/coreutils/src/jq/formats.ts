/** jq's string formats: @csv, @tsv, @sh, @base64, … */
import { fromUnicode } from '../tool/bytes.js';
import { base64Decode, base64Encode } from './base64.js';
import { describe, JqError } from './paths.js';
import { formatJson, JsonObject, type Json } from './json.js';
import { list, toText } from './functions.js';

export const formats: Readonly<Record<string, (value: Json) => string>> = {
  text: toText,
  json: (value) => formatJson(value),
  html: (value) =>
    toText(value).replace(
      /[<>&'"]/g,
      (char) =>
        ({ '<': '&lt;', '>': '&gt;', '&': '&amp;', "'": '&#39;', '"': '&quot;' })[char] ?? char,
    ),
  uri: (value) =>
    fromUnicode(toText(value)).replace(
      /[^A-Za-z0-9\-_.~]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    ),
  base64: (value) => base64Encode(fromUnicode(toText(value))),
  base64d: (value) => {
    const decoded = base64Decode(toText(value));
    if (decoded === undefined) throw new JqError(`${describe(value)} is not valid base64 data`);
    return decoded;
  },
  csv: (value) =>
    row(
      value,
      'csv',
      (cell) => (typeof cell === 'string' ? `"${cell.replaceAll('"', '""')}"` : undefined),
      ',',
    ),
  tsv: (value) =>
    row(
      value,
      'tsv',
      (cell) =>
        typeof cell === 'string'
          ? cell.replace(
              /[\\\t\n\r]/g,
              (char) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' })[char] ?? char,
            )
          : undefined,
      '\t',
    ),
  sh: (value) =>
    (Array.isArray(value) ? value : [value])
      .map((item) => {
        if (Array.isArray(item) || item instanceof JsonObject)
          throw new JqError(`${describe(item)} can not be escaped for shell`);
        return typeof item === 'string' ? `'${item.replaceAll("'", "'\\''")}'` : formatJson(item);
      })
      .join(' '),
};

export function row(
  value: Json,
  name: string,
  cellText: (cell: Json) => string | undefined,
  separator: string,
): string {
  return list(value, `${describe(value)} cannot be ${name}-formatted, only an array can be`)
    .map((cell) => {
      const shown = cellText(cell);
      if (shown !== undefined) return shown;
      if (cell === null) return '';
      if (typeof cell === 'number' || typeof cell === 'boolean') return formatJson(cell);
      throw new JqError(`${describe(cell)} is not valid in a ${name} row`);
    })
    .join(separator);
}
