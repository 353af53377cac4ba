/** xxd: a hex dump and back. */
import { OpenFlag } from '@netloom/sys';
import { textToBytes, toUnicode } from '../tool/bytes.js';
import { defineTool, errnoText, ExitError } from '../tool/tool.js';

interface Settings {
  plain: boolean;
  reverse: boolean;
  binary: boolean;
  include: boolean;
  upper: boolean;
  autoskip: boolean;
  little: boolean;
  columns: number | undefined;
  group: number | undefined;
  length: number;
  seek: number;
}

const printable = (byte: number): string =>
  byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.';

function dumpRow(
  row: Uint8Array,
  address: number,
  s: Settings,
  columns: number,
  group: number,
): string {
  const width = s.binary ? 8 : 2;
  let cells = '';
  for (let at = 0; at < columns; at++) {
    const index = s.little && group > 1 ? at - (at % group) + (group - 1 - (at % group)) : at;
    const byte = row[index];
    const text =
      byte === undefined
        ? ' '.repeat(width)
        : byte.toString(s.binary ? 2 : 16).padStart(width, '0');
    cells += (at > 0 && group > 0 && at % group === 0 ? ' ' : '') + text;
  }
  const shown = s.upper ? cells.toUpperCase() : cells;
  return `${address.toString(16).padStart(8, '0')}: ${shown}  ${[...row].map(printable).join('')}\n`;
}

function reversed(text: string, plain: boolean): string {
  let out = '';
  if (plain) {
    const digits = text.replace(/[^0-9a-fA-F]/g, '');
    for (let at = 0; at + 1 < digits.length; at += 2)
      out += String.fromCharCode(parseInt(digits.slice(at, at + 2), 16));
    return out;
  }
  for (const line of text.split('\n')) {
    const match = /^\s*([0-9a-fA-F]+):?\s((?:\s?[0-9a-fA-F]{2,8})+)/.exec(line);
    if (match === null) continue;
    const address = parseInt(match[1] ?? '0', 16);
    const body = (line.slice(line.indexOf(':') + 1).split('  ')[0] ?? '').replace(
      /[^0-9a-fA-F]/g,
      '',
    );
    out = out.padEnd(address, '\0');
    for (let at = 0; at + 1 < body.length; at += 2)
      out += String.fromCharCode(parseInt(body.slice(at, at + 2), 16));
  }
  return out;
}

export const xxd = defineTool(
  {
    name: 'xxd',
    usage: '[options] [infile [outfile]]',
    about: 'Make a hexdump or do the reverse.',
    suite: '',
    raw: true,
  },
  async (t) => {
    const s: Settings = {
      plain: false,
      reverse: false,
      binary: false,
      include: false,
      upper: false,
      autoskip: false,
      little: false,
      columns: undefined,
      group: undefined,
      length: Infinity,
      seek: 0,
    };
    const files: string[] = [];
    for (let at = 0; at < t.args.length; at++) {
      const arg = t.args[at] ?? '';
      if (!/^-./.test(arg)) {
        files.push(arg);
        continue;
      }
      const letter = arg.replace(/^--?/, '').charAt(0);
      const value = (): number =>
        Number(/^--?[a-z]+$/.test(arg) ? t.args[++at] : arg.replace(/^--?[a-z]/, ''));
      if (letter === 'p') s.plain = true;
      else if (letter === 'r') s.reverse = true;
      else if (letter === 'b') s.binary = true;
      else if (letter === 'i') s.include = true;
      else if (letter === 'u') s.upper = true;
      else if (letter === 'a') s.autoskip = true;
      else if (letter === 'e') s.little = true;
      else if (letter === 'c') s.columns = value();
      else if (letter === 'g') s.group = value();
      else if (letter === 'l') s.length = value();
      else if (letter === 's') s.seek = value();
      else {
        t.put(
          'Usage:\n       xxd [options] [infile [outfile]]\n    or\n       xxd -r [-s [-]offset] [-c cols] [-ps] [infile [outfile]]\n',
          2,
        );
        throw new ExitError(1);
      }
    }
    const [file = '-', target] = files;
    let text: string;
    try {
      text = await t.input(file === '-' ? 0 : t.open(file)).rest();
    } catch (error) {
      return t.fail(`${file}: ${errnoText(error)}`, 2);
    }
    const out = s.reverse ? reversed(text, s.plain) : dump(textToBytes(text), s, file);
    if (target === undefined || target === '-') t.put(out);
    else {
      const fd = t.sys.open(
        toUnicode(target),
        OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC,
        0o666,
      );
      await t.sys.write(fd, textToBytes(out));
      t.sys.close(fd);
    }
    return 0;
  },
);

function dump(whole: Uint8Array, s: Settings, file: string): string {
  const start = s.seek < 0 ? Math.max(0, whole.length + s.seek) : s.seek;
  const bytes = whole.subarray(start, start + s.length);
  const pairs = (row: Uint8Array): string =>
    [...row].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  let out = '';
  if (s.plain) {
    const columns = s.columns ?? 30;
    for (let at = 0; at < bytes.length; at += columns)
      out += `${pairs(bytes.subarray(at, at + columns))}\n`;
    return s.upper ? out.toUpperCase() : out;
  }
  if (s.include) {
    const columns = s.columns ?? 12;
    const rows: string[] = [];
    for (let at = 0; at < bytes.length; at += columns)
      rows.push(
        `  ${[...bytes.subarray(at, at + columns)].map((byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(', ')}`,
      );
    const name = file.replace(/[^A-Za-z0-9]/g, '_').replace(/^(?=\d)/, '__');
    if (file === '-') return `${rows.join(',\n')}\n`;
    return `unsigned char ${name}[] = {\n${rows.join(',\n')}\n};\nunsigned int ${name}_len = ${bytes.length};\n`;
  }
  const columns = s.columns ?? (s.binary ? 6 : 16);
  const group = s.group ?? (s.binary ? 1 : s.little ? 4 : 2);
  const zeros = (row: Uint8Array): boolean => row.every((byte) => byte === 0);
  let skipped = 0;
  for (let at = 0; at < bytes.length; at += columns) {
    const row = bytes.subarray(at, at + columns);
    const last = at + columns >= bytes.length;
    if (s.autoskip && at > 0 && !last && zeros(row) && zeros(bytes.subarray(at - columns, at))) {
      if (skipped++ === 0) out += '*\n';
      continue;
    }
    skipped = 0;
    out += dumpRow(row, start + at, s, columns, group);
  }
  return out;
}
