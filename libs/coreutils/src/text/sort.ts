/** sort: GNU sort's keys and orders over lines in memory. */
import { OpenFlag } from '@netloom/sys';
import { textToBytes, toUnicode } from '../tool/bytes.js';
import { quoteAlways, quoteName } from '../tool/quote.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';
import { compareKeys, keyText, noOrdering, type Ordering, type SortKey } from './sort-keys.js';

interface Settings {
  readonly global: Ordering;
  readonly keys: SortKey[];
  separator: string | undefined;
  delimiter: string;
  unique: boolean;
  stable: boolean;
  /** `c` tells of disorder, `C` only exits with it. */
  check: '' | 'c' | 'C';
  output: string | undefined;
}

function applyLetter(ordering: Ordering, letter: string): boolean {
  if (letter === 'b') ordering.skipLeading = ordering.skipTrailing = true;
  else if (letter === 'd') ordering.dictionary = true;
  else if (letter === 'f') ordering.fold = true;
  else if (letter === 'i') ordering.printable = true;
  else if (letter === 'r') ordering.reverse = true;
  else if ('nghMVR'.includes(letter)) ordering.kind = letter as Ordering['kind'];
  else return false;
  return true;
}

function parseKey(t: Tool, text: string): SortKey {
  const bad = (why: string): never =>
    t.fail(`${why}: invalid field specification ${quoteAlways(text)}`, 2);
  const match = /^(\d+)(?:\.(\d+))?([A-Za-z]*)(?:,(\d+)(?:\.(\d+))?([A-Za-z]*))?([^]*)$/.exec(text);
  if (match === null)
    return t.fail(
      `invalid number at field start: invalid count at start of ${quoteAlways(text)}`,
      2,
    );
  const [, startField, startChar, startFlags = '', endField, endChar, endFlags = '', rest] = match;
  if (rest !== '') bad('stray character in field spec');
  if (Number(startField) === 0 || endField === '0') bad('field number is zero');
  if (startChar === '0') bad('character offset is zero');
  const ordering = noOrdering();
  for (const [flags, isEnd] of [
    [startFlags, false],
    [endFlags, true],
  ] as const) {
    for (const letter of flags) {
      if (letter === 'b') ordering[isEnd ? 'skipTrailing' : 'skipLeading'] = true;
      else if (!applyLetter(ordering, letter)) bad('stray character in field spec');
    }
  }
  return {
    startField: Number(startField),
    startChar: Number(startChar ?? 1),
    endField: Number(endField ?? 0),
    endChar: Number(endChar ?? 0),
    ordering,
  };
}

/** A key without letters of its own takes the global ones. */
function inherit(settings: Settings): void {
  const plain = JSON.stringify(noOrdering());
  for (const key of settings.keys)
    if (JSON.stringify(key.ordering) === plain) key.ordering = { ...settings.global };
  if (
    settings.keys.length === 0 &&
    JSON.stringify({ ...settings.global, reverse: false }) !== plain
  ) {
    settings.keys.push({
      startField: 1,
      startChar: 1,
      endField: 0,
      endChar: 0,
      ordering: { ...settings.global },
    });
  }
}

interface Row {
  readonly line: string;
  readonly keys: readonly string[];
}

function comparer(
  settings: Settings,
  salt: number,
): { keys: (a: Row, b: Row) => number; whole: (a: Row, b: Row) => number } {
  const keys = (a: Row, b: Row): number => {
    for (const [index, key] of settings.keys.entries()) {
      const result = compareKeys(a.keys[index] ?? '', b.keys[index] ?? '', key.ordering, salt);
      if (result !== 0) return result;
    }
    return 0;
  };
  const bytes = (a: Row, b: Row): number => {
    const result = a.line < b.line ? -1 : a.line > b.line ? 1 : 0;
    return settings.global.reverse ? -result : result;
  };
  if (settings.keys.length === 0) return { keys: bytes, whole: bytes };
  const lastResort = !settings.stable && !settings.unique;
  return { keys, whole: (a, b) => keys(a, b) || (lastResort ? bytes(a, b) : 0) };
}

async function readRows(t: Tool, settings: Settings, files: readonly string[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const file of files) {
    let text: string;
    try {
      const fd = file === '-' ? 0 : t.open(file);
      text = await t
        .input(fd)
        .rest()
        .catch((error: unknown) =>
          t.fail(`read failed: ${quoteName(file, true)}: ${errnoText(error)}`, 2),
        );
      if (fd !== 0) t.sys.close(fd);
    } catch (error) {
      return t.fail(`cannot read: ${quoteName(file, true)}: ${errnoText(error)}`, 2);
    }
    if (text === '') continue;
    const lines = text.split(settings.delimiter);
    if (text.endsWith(settings.delimiter)) lines.pop();
    for (const line of lines)
      rows.push({ line, keys: settings.keys.map((key) => keyText(line, key, settings.separator)) });
  }
  return rows;
}

const sortKinds: Readonly<Record<string, string>> = {
  numeric: 'n',
  'general-numeric': 'g',
  'human-numeric': 'h',
  month: 'M',
  version: 'V',
  random: 'R',
};

export const sort = defineTool(
  {
    name: 'sort',
    usage: '[OPTION]... [FILE]...',
    about: 'Write sorted concatenation of all FILE(s) to standard output.',
    errorStatus: 2,
    short: 'bcCdfghik:mMno:rRsS:t:T:uVz',
    long: {
      'ignore-leading-blanks': 'b',
      check: '--check::',
      'dictionary-order': 'd',
      'ignore-case': 'f',
      'general-numeric-sort': 'g',
      'human-numeric-sort': 'h',
      'ignore-nonprinting': 'i',
      key: 'k:',
      merge: 'm',
      'month-sort': 'M',
      'numeric-sort': 'n',
      output: 'o:',
      reverse: 'r',
      'random-sort': 'R',
      stable: 's',
      'buffer-size': 'S:',
      'field-separator': 't:',
      'temporary-directory': 'T:',
      unique: 'u',
      'version-sort': 'V',
      'zero-terminated': 'z',
      sort: '--sort:',
      parallel: '--parallel:',
      'batch-size': '--batch-size:',
      debug: '--debug',
    },
  },
  async (t, { options, operands }) => {
    const settings: Settings = {
      global: noOrdering(),
      keys: [],
      separator: undefined,
      delimiter: '\n',
      unique: false,
      stable: false,
      check: '',
      output: undefined,
    };
    for (const { key, value = '' } of options) {
      if (applyLetter(settings.global, key)) continue;
      if (key === 'k') settings.keys.push(parseKey(t, value));
      else if (key === 't') {
        if (value === '') t.fail('empty tab', 2);
        if (value.length > 1 && value !== '\\0')
          t.fail(`multi-character tab ${quoteAlways(value)}`, 2);
        settings.separator = value === '\\0' ? '\0' : value;
      } else if (key === 'u') settings.unique = true;
      else if (key === 's') settings.stable = true;
      else if (key === 'c' || key === 'C') settings.check = key;
      else if (key === '--check')
        settings.check = value === 'quiet' || value === 'silent' ? 'C' : 'c';
      else if (key === 'o') settings.output = value;
      else if (key === 'z') settings.delimiter = '\0';
      else if (key === '--sort')
        settings.global.kind = (sortKinds[value] ??
          t.fail(`invalid argument ${quoteAlways(value)} for '--sort'`, 2)) as Ordering['kind'];
    }
    inherit(settings);
    const files = operands.length === 0 ? ['-'] : operands;
    if (settings.check !== '' && files.length > 1)
      t.fail(`extra operand ${quoteAlways(files[1] ?? '')} not allowed with -${settings.check}`, 2);
    const rows = await readRows(t, settings, files);
    const compare = comparer(
      settings,
      settings.keys.some((key) => key.ordering.kind === 'R') ? t.sys.random() : 0,
    );
    if (settings.check !== '') {
      const at = rows.findIndex((row, index) => {
        const result =
          index === 0
            ? -1
            : (settings.unique ? compare.keys : compare.whole)(rows[index - 1] as Row, row);
        return result > 0 || (settings.unique && result === 0);
      });
      if (at < 0) return 0;
      if (settings.check === 'c')
        t.put(
          `${t.name}: ${quoteName(files[0] ?? '-', true)}:${at + 1}: disorder: ${rows[at]?.line ?? ''}\n`,
          2,
        );
      return 1;
    }
    rows.sort(compare.whole);
    const kept = settings.unique
      ? rows.filter((row, index) => index === 0 || compare.keys(rows[index - 1] as Row, row) !== 0)
      : rows;
    const text = kept.map((row) => row.line + settings.delimiter).join('');
    if (settings.output === undefined) t.put(text);
    else {
      try {
        const fd = t.sys.open(
          toUnicode(settings.output),
          OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC,
          0o666,
        );
        await t.sys.write(fd, textToBytes(text));
        t.sys.close(fd);
      } catch (error) {
        t.fail(`open failed: ${quoteName(settings.output, true)}: ${errnoText(error)}`, 2);
      }
    }
    return 0;
  },
);
