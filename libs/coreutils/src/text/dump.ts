/** od, hexdump, xxd, strings: bytes made readable. */
import type { ProgramSpec } from '@netloom/sys';
import { formatFloat, formatInteger } from '../tool/cformat.js';
import { textToBytes } from '../tool/bytes.js';
import { parseSize } from '../tool/numbers.js';
import { quoteAlways } from '../tool/quote.js';
import { defineTool, type Tool } from '../tool/tool.js';
import { xxd } from './xxd.js';

const printable = (byte: number): string =>
  byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.';
const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');

/** All operands as one text; read errors are reported. */
async function everything(t: Tool, files: readonly string[]): Promise<string> {
  let text = '';
  await t.eachInput(files, async (input) => {
    text += await input.rest();
  });
  return text;
}

interface OdType {
  readonly letter: string;
  readonly size: number;
  readonly chars: boolean;
}

const odWidths: Readonly<Record<string, readonly number[]>> = {
  o: [0, 3, 6, 0, 11, 0, 0, 0, 22],
  u: [0, 3, 5, 0, 10, 0, 0, 0, 20],
  d: [0, 4, 6, 0, 11, 0, 0, 0, 20],
  x: [0, 2, 4, 0, 8, 0, 0, 0, 16],
};
const namedChars = [
  'nul',
  'soh',
  'stx',
  'etx',
  'eot',
  'enq',
  'ack',
  'bel',
  'bs',
  'ht',
  'nl',
  'vt',
  'ff',
  'cr',
  'so',
  'si',
  'dle',
  'dc1',
  'dc2',
  'dc3',
  'dc4',
  'nak',
  'syn',
  'etb',
  'can',
  'em',
  'sub',
  'esc',
  'fs',
  'gs',
  'rs',
  'us',
  'sp',
];
const escapedChars: Readonly<Record<number, string>> = {
  0: '\\0',
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
};

function odTypes(t: Tool, text: string): OdType[] {
  const types: OdType[] = [];
  for (let rest = text; rest !== '';) {
    const match = /^([acdfoux])(\d+|[CSILFD])?(z?)/.exec(rest);
    if (match === null)
      return t.fail(`invalid character '${rest.charAt(0)}' in type string ${quoteAlways(text)}`);
    const letter = match[1] ?? 'o';
    const named = { C: 1, S: 2, I: 4, L: 8, F: 4, D: 8 }[match[2] ?? ''];
    const size = 'ac'.includes(letter)
      ? 1
      : (named ?? (match[2] === undefined ? (letter === 'f' ? 8 : 4) : Number(match[2])));
    types.push({ letter, size, chars: match[3] === 'z' });
    rest = rest.slice(match[0].length);
  }
  return types;
}

function odCell(type: OdType, view: DataView, at: number): string {
  const byte = view.getUint8(at);
  if (type.letter === 'c')
    return (
      escapedChars[byte] ??
      (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : byte.toString(8).padStart(3, '0'))
    ).padStart(4);
  if (type.letter === 'a')
    return (
      byte % 128 === 127 ? 'del' : (namedChars[byte % 128] ?? String.fromCharCode(byte % 128))
    ).padStart(4);
  if (type.letter === 'f') {
    const value = type.size === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true);
    return ` ${formatFloat({ flags: '', width: type.size === 4 ? 15 : 24, precision: type.size === 4 ? 8 : 17, conversion: 'g' }, value)}`;
  }
  let value = 0n;
  for (let index = type.size - 1; index >= 0; index--)
    value = (value << 8n) | BigInt(view.getUint8(at + index));
  const width = odWidths[type.letter]?.[type.size] ?? 0;
  if (type.letter === 'd')
    return ` ${BigInt.asIntN(type.size * 8, value)
      .toString()
      .padStart(width)}`;
  if (type.letter === 'u') return ` ${value.toString().padStart(width)}`;
  return ` ${value.toString(type.letter === 'x' ? 16 : 8).padStart(width, '0')}`;
}

const oldTypes: Readonly<Record<string, string>> = {
  a: 'a',
  b: 'o1',
  c: 'c',
  d: 'u2',
  f: 'fF',
  i: 'dI',
  l: 'dL',
  o: 'o2',
  s: 'd2',
  x: 'x2',
};

const od = defineTool(
  {
    name: 'od',
    usage: '[OPTION]... [FILE]...',
    about:
      'Write an unambiguous representation, octal bytes by default,\nof FILE to standard output.',
    short: 'A:abcdfij:lN:oS:st:vw::x',
    long: {
      'address-radix': 'A:',
      'skip-bytes': 'j:',
      'read-bytes': 'N:',
      format: 't:',
      'output-duplicates': 'v',
      width: 'w::',
      strings: 'S:',
      endian: '--endian:',
    },
  },
  async (t, { options, operands }) => {
    let [radix, skip, limit, verbose, width] = ['o', 0, Infinity, false, 0];
    const types: OdType[] = [];
    for (const { key, value = '' } of options) {
      if (key === 'A')
        radix = 'doxn'.includes(value)
          ? value
          : t.fail(`invalid output address radix '${value}'; it must be one character from [doxn]`);
      else if (key === 'j') skip = parseSize(value) ?? (Number(value) || 0);
      else if (key === 'N') limit = parseSize(value) ?? (Number(value) || 0);
      else if (key === 't') types.push(...odTypes(t, value));
      else if (key === 'v') verbose = true;
      else if (key === 'w') width = value === '' ? 32 : Number(value);
      else if (oldTypes[key] !== undefined) types.push(...odTypes(t, oldTypes[key]));
    }
    if (types.length === 0) types.push({ letter: 'o', size: 2, chars: false });
    const whole = await everything(t, operands);
    if (t.status !== 0 && whole === '') return t.status;
    if (skip > whole.length) return t.fail('cannot skip past end of combined input');
    const bytes = textToBytes(whole.slice(skip, skip + limit));
    const row = width === 0 ? 16 : width;
    const padded = new DataView(new ArrayBuffer(bytes.length + 16 + row));
    bytes.forEach((byte, index) => padded.setUint8(index, byte));
    // Cells of one type stand under those of another: all take the width that the widest needs.
    const perByte = Math.max(...types.map((type) => odCell(type, padded, 0).length / type.size));
    const address = (at: number): string => {
      if (radix === 'n') return '';
      if (radix === 'd') return String(at).padStart(7, '0');
      return radix === 'x' ? hex(at, 6) : at.toString(8).padStart(7, '0');
    };
    let previous = '';
    let starred = false;
    for (let at = 0; at < bytes.length; at += row) {
      const piece = String.fromCharCode(...bytes.subarray(at, at + row));
      if (!verbose && at > 0 && piece === previous && piece.length === row) {
        if (!starred) t.put('*\n');
        starred = true;
        continue;
      }
      starred = false;
      previous = piece;
      types.forEach((type, index) => {
        let line = index === 0 ? address(at + skip) : ' '.repeat(address(0).length);
        for (let offset = 0; offset < Math.min(row, bytes.length - at); offset += type.size) {
          line += odCell(type, padded, at + offset).padStart(Math.round(perByte * type.size));
        }
        if (type.chars) {
          const cells =
            Math.ceil(row / type.size) - Math.ceil(Math.min(row, bytes.length - at) / type.size);
          line += `${' '.repeat(cells * Math.round(perByte * type.size))}  >${[...bytes.subarray(at, Math.min(at + row, bytes.length))].map(printable).join('')}<`;
        }
        t.put(`${line}\n`);
      });
    }
    if (radix !== 'n') t.put(`${address(bytes.length + skip)}\n`);
    return t.status;
  },
);

function hexdumpRow(bytes: Uint8Array, at: number, canonical: boolean, cell: string): string {
  const piece = bytes.subarray(at, at + 16);
  if (canonical) {
    let line = '';
    for (let index = 0; index < 16; index++)
      line += `${index === 8 ? '  ' : ' '}${index < piece.length ? hex(piece[index] ?? 0, 2) : '  '}`;
    return ` ${line}  |${[...piece].map(printable).join('')}|`;
  }
  let line = '';
  const size = cell === 'b' || cell === 'c' ? 1 : 2;
  for (let index = 0; index < 16; index += size) {
    const value = (piece[index] ?? 0) + (size === 2 ? (piece[index + 1] ?? 0) * 256 : 0);
    const there = index < piece.length;
    if (cell === 'b') line += there ? ` ${value.toString(8).padStart(3, '0')}` : '    ';
    else if (cell === 'c')
      line += there
        ? ` ${(escapedChars[value] ?? (value >= 32 && value < 127 ? String.fromCharCode(value) : value.toString(8).padStart(3, '0'))).padStart(3)}`
        : '    ';
    else if (cell === 'd') line += there ? `   ${String(value).padStart(5, '0')}` : '        ';
    else if (cell === 'o') line += there ? `  ${value.toString(8).padStart(6, '0')}` : '        ';
    else if (cell === 'x') line += there ? `    ${hex(value, 4)}` : '        ';
    else line += there ? ` ${hex(value, 4)}` : '     ';
  }
  return line;
}

/** The `count/size "format"` units of hexdump -e. */
function customFormat(format: string, bytes: Uint8Array): string {
  const units = [...format.matchAll(/(\d*)(?:\/(\d+))?\s*"((?:[^"\\]|\\.)*)"/g)].map((match) => ({
    count: match[1] === '' ? 1 : Number(match[1]),
    size: match[2],
    text: (match[3] ?? '').replace(/\\n/g, '\n').replace(/\\t/g, '\t'),
  }));
  let out = '';
  let at = 0;
  if (units.every((unit) => !unit.text.includes('%')))
    return units.map((unit) => unit.text.repeat(unit.count)).join('');
  while (at < bytes.length) {
    for (const { count, size, text } of units) {
      for (let turn = 0; turn < count && (at < bytes.length || !text.includes('%')); turn++) {
        out += text.replace(
          /%(_ax|_ad|_p|_c|[-+ #0]*\d*(?:\.\d+)?[diouxXcs])/g,
          (_all, directive: string) => {
            if (directive === '_ax') return hex(at, 1);
            if (directive === '_ad') return String(at);
            const step = Number(size ?? (/[c]|_/.test(directive) ? 1 : 4));
            let value = 0n;
            for (let index = step - 1; index >= 0; index--)
              value = (value << 8n) | BigInt(bytes[at + index] ?? 0);
            const byte = bytes[at] ?? 0;
            at += step;
            if (directive === '_p') return printable(byte);
            if (directive === '_c' || directive.endsWith('c'))
              return directive === '_c'
                ? (escapedChars[byte] ?? printable(byte))
                : String.fromCharCode(byte);
            const spec = /^([-+ #0]*)(\d*)(?:\.(\d+))?([diouxX])$/.exec(directive);
            const conversion = spec?.[4] ?? 'd';
            const signed =
              conversion === 'd' || conversion === 'i' ? BigInt.asIntN(step * 8, value) : value;
            return formatInteger(
              {
                flags: spec?.[1] ?? '',
                width: spec?.[2] === '' ? undefined : Number(spec?.[2]),
                precision: spec?.[3] === undefined ? undefined : Number(spec[3]),
                conversion,
              },
              signed,
            );
          },
        );
      }
    }
  }
  return out;
}

function hexdump(name: string): ProgramSpec {
  return defineTool(
    {
      name,
      usage: '[options] <file>...',
      about: 'Display file contents in hexadecimal, decimal, octal, or ascii.',
      suite: 'util-linux',
      short: 'bCcde:f:n:os:vxL::',
      shortName: true,
      long: {
        canonical: 'C',
        'one-byte-octal': 'b',
        'one-byte-char': 'c',
        'two-bytes-decimal': 'd',
        'two-bytes-octal': 'o',
        'two-bytes-hex': 'x',
        length: 'n:',
        skip: 's:',
        'no-squeezing': 'v',
        format: 'e:',
      },
    },
    async (t, { options, operands }) => {
      let [cell, skip, limit, verbose, format] = [name === 'hd' ? 'C' : '', 0, Infinity, false, ''];
      for (const { key, value = '' } of options) {
        if (key === 'n') limit = Number(value);
        else if (key === 's') skip = Number(value);
        else if (key === 'v') verbose = true;
        else if (key === 'e') format += value;
        else cell = key;
      }
      const bytes = textToBytes((await everything(t, operands)).slice(skip, skip + limit));
      if (format !== '') {
        t.put(customFormat(format, bytes));
        return t.status;
      }
      const canonical = cell === 'C';
      const address = (at: number): string => hex(at, canonical ? 8 : 7);
      let previous = '';
      let starred = false;
      for (let at = 0; at < bytes.length; at += 16) {
        const piece = String.fromCharCode(...bytes.subarray(at, at + 16));
        if (!verbose && at > 0 && piece === previous) {
          if (!starred) t.put('*\n');
          starred = true;
          continue;
        }
        starred = false;
        previous = piece;
        t.put(`${address(at + skip)}${hexdumpRow(bytes, at, canonical, cell)}\n`);
      }
      if (bytes.length > 0) t.put(`${address(bytes.length + skip)}\n`);
      return t.status;
    },
  );
}

const strings = defineTool(
  {
    name: 'strings',
    usage: '[option(s)] [file(s)]',
    about: 'Display printable strings in [file(s)] (stdin by default)',
    suite: '',
    short: '0123456789afn:t:',
    long: { all: 'a', bytes: 'n:', radix: 't:', 'print-file-name': 'f' },
  },
  async (t, { options, operands }) => {
    const digits = options.map(({ key }) => (/^\d$/.test(key) ? key : '')).join('');
    const least = Number(
      options.find(({ key }) => key === 'n')?.value ?? (digits === '' ? '4' : digits),
    );
    const radix = options.find(({ key }) => key === 't')?.value;
    const named = options.some(({ key }) => key === 'f');
    for (const file of operands.length === 0 ? ['-'] : operands) {
      const text = await t.readWhole(file);
      if (text === undefined) continue;
      for (const match of text.matchAll(new RegExp(`[\\x20-\\x7e\\t]{${least},}`, 'g'))) {
        const at = match.index;
        const offset =
          radix === undefined ? '' : `${at.toString({ x: 16, o: 8 }[radix] ?? 10).padStart(7)} `;
        t.put(`${named ? `${file}: ` : ''}${offset}${match[0]}\n`);
      }
    }
    return t.status;
  },
);

export const dumpPrograms: readonly ProgramSpec[] = [
  od,
  hexdump('hexdump'),
  hexdump('hd'),
  xxd,
  strings,
];
