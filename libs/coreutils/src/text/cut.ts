/** cut: bytes, characters or fields of each line. */
import { quoteAlways } from '../tool/quote.js';
import { defineTool, type Tool } from '../tool/tool.js';

type Ranges = readonly (readonly [number, number])[];

function parseList(t: Tool, list: string, fields: boolean): Ranges {
  const what = fields ? 'field' : 'byte/character position';
  const bad = (text: string): never => t.usage(text);
  const ranges: [number, number][] = [];
  for (const part of list.split(/[, \t]/)) {
    const match = /^(\d*)(-?)(\d*)$/.exec(part);
    if (match === null)
      return bad(
        fields
          ? `invalid field value ${quoteAlways(part)}`
          : `invalid byte/character position ${quoteAlways(part)}`,
      );
    const [, from = '', dash = '', to = ''] = match;
    if (from === '' && to === '')
      bad(
        dash === ''
          ? fields
            ? 'fields are numbered from 1'
            : 'byte/character positions are numbered from 1'
          : 'invalid range with no endpoint: -',
      );
    if (from === '0' || (to === '0' && from === '') || (dash === '' && Number(from) === 0))
      bad(`${what}s are numbered from 1`);
    const start = from === '' ? 1 : Number(from);
    const end = dash === '' ? start : to === '' ? Infinity : Number(to);
    if (end < start) bad('invalid decreasing range');
    ranges.push([start, end]);
  }
  ranges.sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [start, end] of ranges) {
    const last = merged[merged.length - 1];
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

function complementOf(ranges: Ranges): Ranges {
  const out: [number, number][] = [];
  let next = 1;
  for (const [start, end] of ranges) {
    if (start > next) out.push([next, start - 1]);
    next = end + 1;
  }
  if (next !== Infinity) out.push([next, Infinity]);
  return out;
}

export const cut = defineTool(
  {
    name: 'cut',
    usage: 'OPTION... [FILE]...',
    about: 'Print selected parts of lines from each FILE to standard output.',
    short: 'b:c:d:f:nsz',
    long: {
      bytes: 'b:',
      characters: 'c:',
      fields: 'f:',
      delimiter: 'd:',
      'only-delimited': 's',
      'output-delimiter': '--output-delimiter:',
      complement: '--complement',
      'zero-terminated': 'z',
    },
  },
  async (t, { options, operands }) => {
    let list: string | undefined;
    let fields = false;
    let delimiter: string | undefined;
    let between: string | undefined;
    let onlyDelimited = false;
    let complement = false;
    let lineEnd = '\n';
    for (const { key, value = '' } of options) {
      if (key === 'b' || key === 'c' || key === 'f') {
        if (list !== undefined) t.usage('only one list may be specified');
        list = value;
        fields = key === 'f';
      } else if (key === 'd') {
        if (value.length > 1) t.usage('the delimiter must be a single character');
        delimiter = value === '' ? '\0' : value;
      } else if (key === '--output-delimiter') between = value;
      else if (key === 's') onlyDelimited = true;
      else if (key === '--complement') complement = true;
      else if (key === 'z') lineEnd = '\0';
    }
    if (list === undefined)
      return t.usage('you must specify a list of bytes, characters, or fields');
    if (!fields && delimiter !== undefined)
      t.usage('an input delimiter may be specified only when operating on fields');
    if (!fields && onlyDelimited)
      t.usage('suppressing non-delimited lines makes sense\n\tonly when operating on fields');
    const parsed = parseList(t, list, fields);
    const ranges = complement ? complementOf(parsed) : parsed;
    const separator = delimiter ?? '\t';
    const cutFields = (line: string): string | undefined => {
      const parts = line.split(separator);
      if (parts.length === 1) return onlyDelimited ? undefined : line;
      return ranges
        .flatMap(([start, end]) => parts.slice(start - 1, end === Infinity ? undefined : end))
        .join(between ?? separator);
    };
    const cutBytes = (line: string): string =>
      ranges
        .map(([start, end]) => line.slice(start - 1, end === Infinity ? undefined : end))
        .filter((part) => part !== '')
        .join(between ?? '');
    await t.eachInput(operands, async (input) => {
      for (
        let block = await input.lines(lineEnd);
        block !== undefined;
        block = await input.lines(lineEnd)
      ) {
        for (const line of block) {
          const text = fields ? cutFields(line) : cutBytes(line);
          if (text !== undefined) t.put(text + lineEnd);
        }
      }
    });
    return t.status;
  },
);
