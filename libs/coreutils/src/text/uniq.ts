/** uniq: neighbouring lines that are equal. */
import { OpenFlag } from '@netloom/sys';
import { textToBytes, toUnicode } from '../tool/bytes.js';
import { quoteAlways, quoteName } from '../tool/quote.js';
import { defineTool, errnoText } from '../tool/tool.js';

interface Settings {
  count: boolean;
  repeated: boolean;
  unique: boolean;
  allRepeated: '' | 'none' | 'prepend' | 'separate';
  ignoreCase: boolean;
  fields: number;
  chars: number;
  width: number;
  delimiter: string;
}

function keyOf(line: string, s: Settings): string {
  let at = 0;
  for (let left = s.fields; left > 0 && at < line.length; left--)
    at += /^[ \t]*[^ \t]*/.exec(line.slice(at))?.[0].length ?? 0;
  const key = line.slice(at + s.chars, s.width === Infinity ? undefined : at + s.chars + s.width);
  return s.ignoreCase ? key.replace(/[A-Z]+/g, (part) => part.toLowerCase()) : key;
}

export const uniq = defineTool(
  {
    name: 'uniq',
    usage: '[OPTION]... [INPUT [OUTPUT]]',
    about: 'Filter adjacent matching lines from INPUT, writing to OUTPUT.',
    short: '0123456789cdDf:is:uw:z',
    long: {
      count: 'c',
      repeated: 'd',
      'all-repeated': '--all-repeated::',
      'skip-fields': 'f:',
      'ignore-case': 'i',
      'skip-chars': 's:',
      unique: 'u',
      'check-chars': 'w:',
      'zero-terminated': 'z',
    },
  },
  async (t, { options, operands }) => {
    const s: Settings = {
      count: false,
      repeated: false,
      unique: false,
      allRepeated: '',
      ignoreCase: false,
      fields: 0,
      chars: 0,
      width: Infinity,
      delimiter: '\n',
    };
    const number = (value: string, what: string): number =>
      /^\d+$/.test(value) ? Number(value) : t.fail(`${value}: invalid number of ${what}`);
    for (const { key, value = '' } of options) {
      if (/^\d$/.test(key)) s.fields = s.fields * 10 + Number(key);
      else if (key === 'c') s.count = true;
      else if (key === 'd') s.repeated = true;
      else if (key === 'D') s.allRepeated = 'none';
      else if (key === '--all-repeated')
        s.allRepeated = value === '' ? 'none' : (value as Settings['allRepeated']);
      else if (key === 'u') s.unique = true;
      else if (key === 'i') s.ignoreCase = true;
      else if (key === 'f') s.fields = number(value, 'fields to skip');
      else if (key === 's') s.chars = number(value, 'bytes to skip');
      else if (key === 'w') s.width = number(value, 'bytes to compare');
      else if (key === 'z') s.delimiter = '\0';
    }
    if (operands.length > 2) t.usage(`extra operand ${quoteAlways(operands[2] ?? '')}`);
    if (s.count && s.allRepeated !== '')
      t.usage('printing all duplicated lines and repeat counts is meaningless');
    const input = t.openInput(operands[0] ?? '-');
    if (input === undefined) return 1;
    let out: number | undefined;
    let text = '';
    const target = operands[1];
    if (target !== undefined && target !== '-') {
      try {
        out = t.sys.open(
          toUnicode(target),
          OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC,
          0o666,
        );
      } catch (error) {
        t.fail(`${quoteName(target, true)}: ${errnoText(error)}`);
      }
    }
    let group: string[] = [];
    let key: string | undefined;
    let groups = 0;
    const finish = (): void => {
      const [first] = group;
      if (first === undefined) return;
      const many = group.length > 1;
      const put = (piece: string): void => {
        if (out === undefined) t.put(piece);
        else text += piece;
      };
      if (s.allRepeated !== '') {
        if (!many || s.unique) return;
        if (s.allRepeated === 'prepend' || (s.allRepeated === 'separate' && groups > 0))
          put(s.delimiter);
        groups++;
        put(group.map((line) => line + s.delimiter).join(''));
        return;
      }
      if ((many && s.unique) || (!many && s.repeated)) return;
      put(`${s.count ? `${String(group.length).padStart(7)} ` : ''}${first}${s.delimiter}`);
    };
    for (
      let line = await input.line(s.delimiter);
      line !== undefined;
      line = await input.line(s.delimiter)
    ) {
      const next = keyOf(line, s);
      if (next !== key) {
        finish();
        group = [];
        key = next;
      }
      group.push(line);
    }
    finish();
    if (out !== undefined) await t.sys.write(out, textToBytes(text));
    return t.status;
  },
);
