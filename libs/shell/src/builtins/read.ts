/** read, mapfile, readarray. */
import { KernelError, strerror } from '@netloom/base';
import { parseDurationNs } from './duration.js';
import { fromBytes, toBytes } from '../bytes.js';
import { ShellError } from '../errors.js';
import { readUntil, type ReadResult } from '../read-line.js';
import type { Shell } from '../shell.js';
import { isName, splitSubscript } from '../variables.js';
import { assignVariable } from './output.js';
import type { Builtin } from './types.js';

interface ReadOptions {
  raw: boolean;
  silent: boolean;
  prompt: string;
  timeoutNs: number | undefined;
  count: number | undefined;
  exact: boolean;
  delimiter: number;
  array: string | undefined;
  fd: number;
  names: string[];
}

async function parseOptions(sh: Shell, words: readonly string[]): Promise<ReadOptions | number> {
  const options: ReadOptions = {
    raw: false,
    silent: false,
    prompt: '',
    timeoutNs: undefined,
    count: undefined,
    exact: false,
    delimiter: 10,
    array: undefined,
    fd: 0,
    names: [],
  };
  let at = 1;
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      at++;
      break;
    }
    if (!/^-./.test(word)) break;
    for (let letterAt = 1; letterAt < word.length; letterAt++) {
      const letter = word.charAt(letterAt);
      if (letter === 'r') options.raw = true;
      else if (letter === 's') options.silent = true;
      else if (letter === 'e') continue;
      else if ('ptnNdaui'.includes(letter)) {
        const value = letterAt + 1 < word.length ? word.slice(letterAt + 1) : words[++at];
        if (value === undefined)
          return sh.fail('read', `-${letter}: option requires an argument`, 2);
        const bad = takeValue(options, letter, value);
        if (bad !== undefined) return sh.fail('read', bad);
        break;
      } else {
        await sh.error(`read: -${letter}: invalid option`);
        await sh.err(
          'read: usage: read [-ers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]\n',
        );
        return 2;
      }
    }
  }
  options.names = words.slice(at);
  for (const name of options.names) {
    if (!isName(name) && splitSubscript(name) === undefined)
      return sh.fail('read', `\`${name}': not a valid identifier`);
  }
  return options;
}

/** The value of an option; an error text for a bad one. */
function takeValue(options: ReadOptions, letter: string, value: string): string | undefined {
  switch (letter) {
    case 'p':
      options.prompt = value;
      return undefined;
    case 't':
      options.timeoutNs = parseDurationNs(value);
      return options.timeoutNs === undefined
        ? `${value}: invalid timeout specification`
        : undefined;
    case 'n':
    case 'N':
      if (!/^\d+$/.test(value)) return `${value}: invalid number`;
      options.count = Number(value);
      if (letter === 'N') {
        options.exact = true;
        options.delimiter = -1;
      }
      return undefined;
    case 'd':
      if (!options.exact) options.delimiter = toBytes(value)[0] ?? 0;
      return undefined;
    case 'a':
      options.array = value;
      return undefined;
    case 'u':
      options.fd = Number(value);
      return /^\d+$/.test(value) ? undefined : `${value}: invalid file descriptor specification`;
    default:
      return undefined;
  }
}

const read: Builtin = async (sh, _args, words) => {
  const options = await parseOptions(sh, words);
  if (typeof options === 'number') return options;
  if (options.timeoutNs === 0) {
    const [ready = 0] = await sh.sys.poll([{ fd: options.fd, events: 1 }], 0);
    return ready === 0 ? 1 : 0;
  }
  const terminal = isTerminal(sh, options.fd);
  if (options.prompt !== '' && terminal) await sh.err(options.prompt);
  let result: ReadResult;
  const rawTerminal =
    terminal && (options.silent || options.count !== undefined || options.delimiter !== 10);
  if (rawTerminal) sh.sys.ttyRaw(options.fd, true);
  try {
    result = await readLogicalLine(sh, options, rawTerminal ? 13 : options.delimiter);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return sh.fail(
      'read',
      error.code === 'EBADF'
        ? `${options.fd}: invalid file descriptor: ${strerror(error.errno)}`
        : `read error: ${options.fd}: ${strerror(error.errno)}`,
    );
  } finally {
    if (rawTerminal) sh.sys.ttyRaw(options.fd, false);
  }
  try {
    store(sh, options, fromBytes(Uint8Array.from(result.bytes)).replaceAll('\0', ''));
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
    return sh.fail('read', error.message);
  }
  if (result.end === 'timeout') return 142;
  if (result.end === 'interrupt') return 130;
  return result.end === 'eof' ? 1 : 0;
};

function isTerminal(sh: Shell, fd: number): boolean {
  return sh.sys.openFds().includes(fd) && sh.sys.isatty(fd);
}

/** A line; without `-r` a backslash before the newline joins the next one. */
async function readLogicalLine(
  sh: Shell,
  options: ReadOptions,
  delimiter: number,
): Promise<ReadResult> {
  const deadlineNs = options.timeoutNs === undefined ? undefined : sh.sys.now() + options.timeoutNs;
  const bytes: number[] = [];
  for (;;) {
    const part = await readUntil(sh, options.fd, { delimiter, count: options.count, deadlineNs });
    bytes.push(...part.bytes);
    if (
      options.raw ||
      part.end !== 'delimiter' ||
      options.delimiter !== 10 ||
      !endsInBackslash(bytes)
    )
      return { bytes, end: part.end };
    bytes.pop();
  }
}

function endsInBackslash(bytes: readonly number[]): boolean {
  let count = 0;
  while (bytes[bytes.length - 1 - count] === 92) count++;
  return count % 2 === 1;
}

/** A character and whether a backslash protects it. */
interface Mark {
  readonly char: string;
  readonly literal: boolean;
}

function store(sh: Shell, options: ReadOptions, text: string): void {
  const marks: Mark[] = [];
  for (let chars = Array.from(text), at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '\\' && !options.raw) {
      const next = chars[++at];
      if (next !== undefined) marks.push({ char: next, literal: true });
    } else marks.push({ char, literal: false });
  }
  const ifs = sh.ifs();
  if (options.array !== undefined) {
    sh.vars.setList(options.array, splitFields(marks, ifs, Infinity));
    return;
  }
  const { names } = options;
  if (names.length === 0 || options.exact) {
    const whole = marks.map((mark) => mark.char).join('');
    assignVariable(sh, names[0] ?? 'REPLY', whole);
    for (const name of names.slice(1)) assignVariable(sh, name, '');
    return;
  }
  const fields = splitFields(marks, ifs, names.length);
  names.forEach((name, at) => assignVariable(sh, name, fields[at] ?? ''));
}

/** Splits for `read`: the last of `limit` fields takes the rest, without trailing IFS whitespace. */
function splitFields(marks: readonly Mark[], ifs: string, limit: number): string[] {
  const isSpace = (mark: Mark | undefined): boolean =>
    mark !== undefined && !mark.literal && ' \t\n'.includes(mark.char) && ifs.includes(mark.char);
  const isSeparator = (mark: Mark | undefined): boolean =>
    mark !== undefined && !mark.literal && ifs.includes(mark.char);
  let end = marks.length;
  while (end > 0 && isSpace(marks[end - 1])) end--;
  let at = 0;
  while (at < end && isSpace(marks[at])) at++;
  const fields: string[] = [];
  while (at < end) {
    if (fields.length === limit - 1) {
      fields.push(lastField(marks, at, end, isSeparator, isSpace));
      break;
    }
    let field = '';
    while (at < end && !isSeparator(marks[at])) field += marks[at++]?.char ?? '';
    fields.push(field);
    while (at < end && isSpace(marks[at])) at++;
    if (at < end && isSeparator(marks[at]) && !isSpace(marks[at])) {
      at++;
      while (at < end && isSpace(marks[at])) at++;
    }
  }
  return fields;
}

/** The rest of the line; a single separator at its very end is dropped when it is the only one. */
function lastField(
  marks: readonly Mark[],
  from: number,
  end: number,
  isSeparator: (mark: Mark | undefined) => boolean,
  isSpace: (mark: Mark | undefined) => boolean,
): string {
  const rest = marks.slice(from, end);
  const separators = rest.filter((mark) => isSeparator(mark)).length;
  const last = rest.at(-1);
  if (separators === 1 && isSeparator(last) && !isSpace(last)) rest.pop();
  while (isSpace(rest.at(-1))) rest.pop();
  return rest.map((mark) => mark.char).join('');
}

const mapfile: Builtin = async (sh, _args, words) => {
  let strip = false;
  let delimiter = 10;
  let count = 0;
  let origin: number | undefined;
  let skip = 0;
  let fd = 0;
  let name = 'MAPFILE';
  for (let at = 1; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '-t') strip = true;
    else if (/^-[dnOsuCc]/.test(word)) {
      const value = word.length > 2 ? word.slice(2) : (words[++at] ?? '');
      const letter = word.charAt(1);
      if (letter === 'd') delimiter = toBytes(value)[0] ?? 0;
      else if (letter === 'n') count = Number(value);
      else if (letter === 'O') origin = Number(value);
      else if (letter === 's') skip = Number(value);
      else if (letter === 'u') fd = Number(value);
    } else if (word.startsWith('-')) return sh.fail('mapfile', `${word}: invalid option`, 2);
    else name = word;
  }
  if (!isName(name)) return sh.fail('mapfile', `\`${name}': not a valid identifier`);
  const lines: string[] = [];
  while (count === 0 || lines.length < count) {
    const line = await readUntil(sh, fd, { delimiter, count: undefined, deadlineNs: undefined });
    if (line.end === 'eof' && line.bytes.length === 0) break;
    if (skip > 0) skip--;
    else
      lines.push(
        fromBytes(Uint8Array.from(line.bytes)) +
          (strip || line.end === 'eof' ? '' : String.fromCharCode(delimiter)),
      );
    if (line.end === 'eof') break;
  }
  if (origin === undefined) sh.vars.setList(name, lines);
  else lines.forEach((line, at) => sh.vars.setElement(name, String((origin ?? 0) + at), line));
  return 0;
};

export const readBuiltins: Readonly<Record<string, Builtin>> = {
  read,
  mapfile,
  readarray: mapfile,
};
