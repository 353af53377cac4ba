/** base64, base32, gzip, gunzip, zcat: other spellings of the same bytes. */
import { Gunzip, gzipSync } from 'fflate';
import { OpenFlag, type ProgramSpec } from '@netloom/sys';
import { bytesToText, textToBytes, toUnicode } from '../tool/bytes.js';
import { quoteAlways } from '../tool/quote.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';

const base64Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const base32Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function encode(text: string, alphabet: string): string {
  const bits = alphabet.length === 64 ? 6 : 5;
  let out = '';
  let [held, count] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    held = ((held << 8) | text.charCodeAt(at)) & 0xffff;
    count += 8;
    while (count >= bits) {
      count -= bits;
      out += alphabet.charAt((held >> count) & ((1 << bits) - 1));
    }
  }
  if (count > 0) out += alphabet.charAt((held << (bits - count)) & ((1 << bits) - 1));
  const quantum = bits === 6 ? 4 : 8;
  return out.padEnd(Math.ceil(out.length / quantum) * quantum, '=');
}

/** undefined in `bad` where everything was valid. */
function decode(text: string, alphabet: string): { text: string; bad: boolean } {
  const bits = alphabet.length === 64 ? 6 : 5;
  let out = '';
  let [held, count] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '=') {
      if (/[^=]/.test(text.slice(at))) {
        [held, count] = [0, 0];
        continue;
      }
      break;
    }
    const value = alphabet.indexOf(char);
    if (value < 0) return { text: out, bad: true };
    held = ((held << bits) | value) & 0xffff;
    count += bits;
    if (count >= 8) {
      count -= 8;
      out += String.fromCharCode((held >> count) & 255);
    }
  }
  const quantum = bits === 6 ? 4 : 8;
  return { text: out, bad: text.length % quantum !== 0 };
}

function baseTool(name: string, alphabet: string): ProgramSpec {
  return defineTool(
    {
      name,
      usage: '[OPTION]... [FILE]',
      about: `${name === 'base64' ? 'Base64' : 'Base32'} encode or decode FILE, or standard input, to standard output.`,
      short: 'diw:',
      long: { decode: 'd', 'ignore-garbage': 'i', wrap: 'w:' },
    },
    async (t, { options, operands }) => {
      const has = (key: string): boolean => options.some((option) => option.key === key);
      const wrap = options.filter(({ key }) => key === 'w').pop()?.value ?? '76';
      if (!/^\d+$/.test(wrap)) t.fail(`invalid wrap size: ${quoteAlways(wrap)}`);
      if (operands.length > 1) t.usage(`extra operand ${quoteAlways(operands[1] ?? '')}`);
      const text = await t.readWhole(operands[0] ?? '-');
      if (text === undefined) return 1;
      if (has('d')) {
        const cleaned = has('i')
          ? [...text].filter((char) => char === '=' || alphabet.includes(char)).join('')
          : text.replaceAll('\n', '');
        const result = decode(cleaned, alphabet);
        t.put(result.text);
        if (result.bad) t.warn('invalid input');
        return t.status;
      }
      const encoded = encode(text, alphabet);
      const width = Number(wrap);
      if (width === 0) t.put(encoded);
      else
        for (let at = 0; at < encoded.length; at += width)
          t.put(`${encoded.slice(at, at + width)}\n`);
      return t.status;
    },
  );
}

function gunzip(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  const stream = new Gunzip((chunk) => parts.push(chunk));
  stream.push(bytes, true);
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

interface GzipSettings {
  readonly decompress: boolean;
  readonly toStdout: boolean;
  readonly keep: boolean;
  readonly force: boolean;
  readonly suffix: string;
  readonly level: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
}

/** gunzip and zcat run gzip, whose name stands in messages. */
function warn(t: Tool, text: string, status: number): void {
  t.put(`gzip: ${text}\n`, 2);
  t.status = Math.max(t.status, status);
}

function exists(t: Tool, file: string): boolean {
  try {
    t.sys.stat(toUnicode(file));
    return true;
  } catch {
    return false;
  }
}

async function gzipFile(t: Tool, file: string, s: GzipSettings): Promise<void> {
  const standard = file === '-';
  if (!standard && s.decompress && !file.endsWith(s.suffix)) {
    if (!exists(t, file)) {
      await gzipFile(t, file + s.suffix, s);
      return;
    }
    if (!s.toStdout) {
      warn(t, `${file}: unknown suffix -- ignored`, 2);
      return;
    }
  }
  if (!standard && !s.decompress && !s.toStdout && file.endsWith(s.suffix)) {
    warn(t, `${file} already has ${s.suffix} suffix -- unchanged`, 2);
    return;
  }
  let text: string;
  try {
    text = await t.input(standard ? 0 : t.open(file)).rest();
  } catch (error) {
    const reason = errnoText(error);
    warn(
      t,
      reason === 'Is a directory' ? `${file} is a directory -- ignored` : `${file}: ${reason}`,
      reason === 'Is a directory' ? 2 : 1,
    );
    return;
  }
  let result: string;
  if (!s.decompress)
    result = bytesToText(gzipSync(textToBytes(text), { level: s.level, mtime: 0 }));
  else {
    if (!text.startsWith('\x1f\x8b')) {
      if (s.force && s.toStdout) t.put(text);
      else t.put(`\ngzip: ${standard ? 'stdin' : file}: not in gzip format\n`, 2);
      t.status = s.force ? t.status : 1;
      return;
    }
    try {
      result = bytesToText(gunzip(textToBytes(text)));
    } catch {
      t.put(`\ngzip: ${standard ? 'stdin' : file}: unexpected end of file\n`, 2);
      t.status = 1;
      return;
    }
  }
  if (standard || s.toStdout) {
    t.put(result);
    return;
  }
  const target = s.decompress ? file.slice(0, -s.suffix.length) : file + s.suffix;
  if (!s.force && exists(t, target)) {
    warn(t, `${target} already exists;\tnot overwritten`, 2);
    return;
  }
  const mode = t.sys.stat(toUnicode(file)).mode;
  const fd = t.sys.open(
    toUnicode(target),
    OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC,
    mode,
  );
  await t.sys.write(fd, textToBytes(result));
  t.sys.close(fd);
  if (!s.keep) t.sys.unlink(toUnicode(file));
}

function gzipTool(name: string, decompress: boolean, toStdout: boolean): ProgramSpec {
  return defineTool(
    {
      name,
      usage: '[OPTION]... [FILE]...',
      about: 'Compress or uncompress FILEs (by default, compress FILES in-place).',
      suite: 'gzip',
      shortName: true,
      short: '123456789cdfhklnNqrS:tvV',
      long: {
        stdout: 'c',
        'to-stdout': 'c',
        decompress: 'd',
        uncompress: 'd',
        force: 'f',
        keep: 'k',
        fast: '1',
        best: '9',
        'no-name': 'n',
        name: 'N',
        quiet: 'q',
        suffix: 'S:',
        test: 't',
        verbose: 'v',
        recursive: 'r',
      },
      usageHint: (called) => `Try \`${called} --help' for more information.\n`,
    },
    async (t, { options, operands }) => {
      const has = (key: string): boolean => options.some((option) => option.key === key);
      const level = Number(
        options.filter(({ key }) => /^\d$/.test(key)).pop()?.key ?? 6,
      ) as GzipSettings['level'];
      const settings: GzipSettings = {
        decompress: decompress || has('d'),
        toStdout: toStdout || has('c'),
        keep: has('k'),
        force: has('f'),
        level,
        suffix: options.find(({ key }) => key === 'S')?.value ?? '.gz',
      };
      for (const file of operands.length === 0 ? ['-'] : operands)
        await gzipFile(t, file, settings);
      return t.status;
    },
  );
}

export const encodePrograms: readonly ProgramSpec[] = [
  baseTool('base64', base64Alphabet),
  baseTool('base32', base32Alphabet),
  gzipTool('gzip', false, false),
  gzipTool('gunzip', true, false),
  gzipTool('zcat', true, true),
];
