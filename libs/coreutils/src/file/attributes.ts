/** chmod, chown, chgrp, stat: what is known of a file besides its contents. */
import { KernelError } from '@netloom/base';
import type { ProgramSpec, Stat } from '@netloom/sys';
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { civilTime, realTimeOf } from '../tool/calendar.js';
import { quoteAlways, quoteName } from '../tool/quote.js';
import { formatTime } from '../tool/strftime.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';
import { formatInteger, formatText, parseSpec } from '../tool/cformat.js';
import { deviceNumbers } from './devices.js';
import { modeText, parseMode, typeBits } from './modes.js';
import { joinPath } from './paths.js';
import { accounts, type Accounts } from './users.js';

/** A path and, with `recursive`, everything below it. */
function walk(
  t: Tool,
  path: string,
  recursive: boolean,
  visit: (path: string, stat: Stat) => void,
): void {
  let stat: Stat;
  try {
    stat = t.sys.stat(toUnicode(path));
  } catch (error) {
    t.warnErrno(`cannot access ${quoteAlways(path)}`, error);
    return;
  }
  visit(path, stat);
  if (!recursive || stat.type !== 'dir') return;
  for (const entry of t.sys.readdir(toUnicode(path))) {
    if (entry.type !== 'symlink') walk(t, joinPath(path, fromUnicode(entry.name)), true, visit);
  }
}

const chmod = defineTool(
  {
    name: 'chmod',
    usage: '[OPTION]... MODE[,MODE]... FILE...',
    about: 'Change the mode of each FILE to MODE.',
    raw: true,
  },
  (t) => {
    // A mode may begin with a minus sign.
    const isMode = (arg: string): boolean =>
      /^-[rwxXstugo,+=-]+$/.test(arg) && !/^-[Rvcf]+$/.test(arg);
    const minus = t.args.filter((arg) => arg !== '--' && isMode(arg));
    const { options, operands: rest } = t.parse(
      {
        short: 'Rcfv',
        long: {
          changes: 'c',
          quiet: 'f',
          silent: 'f',
          verbose: 'v',
          recursive: 'R',
          reference: '--reference:',
          'preserve-root': '--p',
          'no-preserve-root': '--n',
        },
      },
      t.args.filter((arg) => !isMode(arg)),
    );
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const reference = options.find(({ key }) => key === '--reference')?.value;
    const operands = [...minus, ...rest];
    const modeArg = reference === undefined ? operands.shift() : undefined;
    if (reference === undefined && modeArg === undefined) t.usage('missing operand');
    if (operands.length === 0) t.usage(`missing operand after ${quoteAlways(modeArg ?? '')}`);
    const umask = t.sys.umask(0o022);
    t.sys.umask(umask);
    const change =
      reference === undefined
        ? parseMode(modeArg ?? '', umask)
        : (
            (mode) => () =>
              mode
          )(t.sys.stat(toUnicode(reference)).mode);
    if (change === undefined) return t.usage(`invalid mode: ${quoteAlways(modeArg ?? '')}`);
    const shown = (mode: number): string =>
      `${mode.toString(8).padStart(4, '0')} (${modeText('file', mode).slice(1)})`;
    for (const path of operands) {
      walk(t, path, has('R'), (file, stat) => {
        const mode = change(stat.mode, stat.type === 'dir') & 0o7777;
        try {
          t.sys.chmod(toUnicode(file), mode);
          if (has('v') || (has('c') && mode !== stat.mode)) {
            t.put(
              mode === stat.mode
                ? `mode of ${quoteAlways(file)} retained as ${shown(mode)}\n`
                : `mode of ${quoteAlways(file)} changed from ${shown(stat.mode)} to ${shown(mode)}\n`,
            );
          }
        } catch (error) {
          t.warnErrno(`changing permissions of ${quoteAlways(file)}`, error);
        }
      });
    }
    return Promise.resolve(t.status);
  },
);

function owner(name: 'chown' | 'chgrp'): ProgramSpec {
  return defineTool(
    {
      name,
      usage:
        name === 'chown' ? '[OPTION]... [OWNER][:[GROUP]] FILE...' : '[OPTION]... GROUP FILE...',
      about: `Change the ${name === 'chown' ? 'owner and/or group' : 'group'} of each FILE.`,
      short: 'RcfvhHLP',
      long: {
        changes: 'c',
        silent: 'f',
        quiet: 'f',
        verbose: 'v',
        recursive: 'R',
        'no-dereference': 'h',
        dereference: '--dereference',
        reference: '--reference:',
        from: '--from:',
      },
    },
    async (t, { options, operands }) => {
      const files = [...operands];
      const reference = options.find(({ key }) => key === '--reference')?.value;
      const known = await accounts(t.sys);
      let [uid, gid]: (number | undefined)[] = [undefined, undefined];
      if (reference !== undefined) ({ uid, gid } = t.sys.stat(toUnicode(reference)));
      else {
        const spec = files.shift();
        if (spec === undefined) return t.usage('missing operand');
        if (files.length === 0) t.usage(`missing operand after ${quoteAlways(spec)}`);
        const [user = '', group = ''] = name === 'chgrp' ? ['', spec] : spec.split(/[:.]/);
        if (user !== '') uid = known.uid(user) ?? t.fail(`invalid user: ${quoteAlways(spec)}`);
        if (group !== '') gid = known.gid(group) ?? t.fail(`invalid group: ${quoteAlways(spec)}`);
        else if (uid !== undefined && /[:.]$/.test(spec)) gid = known.entry(uid)?.gid;
      }
      for (const path of files) {
        walk(
          t,
          path,
          options.some(({ key }) => key === 'R'),
          (file, stat) => {
            try {
              t.sys.chown(toUnicode(file), uid ?? stat.uid, gid ?? stat.gid);
            } catch (error) {
              t.warnErrno(
                `changing ${name === 'chown' ? 'ownership' : 'group'} of ${quoteAlways(file)}`,
                error,
              );
            }
          },
        );
      }
      return t.status;
    },
  );
}

const typeNames: Readonly<Record<Stat['type'], string>> = {
  file: 'regular file',
  dir: 'directory',
  symlink: 'symbolic link',
  fifo: 'fifo',
  socket: 'socket',
  char: 'character special file',
  nsfs: 'regular file',
};

function typeName(stat: Stat): string {
  return stat.type === 'file' && stat.size === 0 ? 'regular empty file' : typeNames[stat.type];
}

const blocks = (stat: Stat): number =>
  stat.type === 'file' ? Math.ceil(stat.size / 4096) * 8 : stat.type === 'dir' ? 8 : 0;

function timeText(t: Tool, mtimeNs: number): string {
  const { seconds, nanoseconds } = realTimeOf(t.sys, mtimeNs);
  return formatTime('%Y-%m-%d %H:%M:%S.%N %z', civilTime(seconds), nanoseconds);
}

function linkName(t: Tool, path: string, stat: Stat, quoted: boolean): string {
  const name = quoted ? quoteAlways(path) : path;
  if (stat.type !== 'symlink') return name;
  const target = fromUnicode(t.sys.readlink(toUnicode(path)));
  return `${name} -> ${quoted ? quoteAlways(target) : target}`;
}

/** One directive of `stat -c`. */
function statField(
  t: Tool,
  letter: string,
  path: string,
  stat: Stat,
  known: Accounts,
): string | number {
  const time = realTimeOf(t.sys, stat.mtimeNs);
  switch (letter) {
    case 'n':
      return path;
    case 'N':
      return linkName(t, path, stat, true);
    case 's':
      return stat.size;
    case 'b':
      return blocks(stat);
    case 'B':
      return 512;
    case 'f':
      return (typeBits(stat.type) | stat.mode).toString(16);
    case 'F':
      return typeName(stat);
    case 'a':
      return stat.mode.toString(8);
    case 'A':
      return modeText(stat.type, stat.mode);
    case 'u':
      return stat.uid;
    case 'U':
      return known.user(stat.uid);
    case 'g':
      return stat.gid;
    case 'G':
      return known.group(stat.gid);
    case 'h':
      return stat.nlink;
    case 'i':
      return stat.ino;
    case 'd':
      return 1;
    case 'D':
      return '1';
    case 'm':
      return '/';
    case 'o':
      return 4096;
    case 't':
      return (deviceNumbers(path)?.[0] ?? 0).toString(16);
    case 'T':
      return (deviceNumbers(path)?.[1] ?? 0).toString(16);
    case 'x':
    case 'y':
    case 'z':
      return timeText(t, stat.mtimeNs);
    case 'X':
    case 'Y':
    case 'Z':
      return time.seconds;
    case 'w':
      return '-';
    case 'W':
      return 0;
    case 'C':
      return '?';
    default:
      return '?';
  }
}

const statEscapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  '\\': '\\',
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  r: '\r',
  v: '\v',
  e: '\x1b',
};

function statFormat(
  t: Tool,
  format: string,
  path: string,
  stat: Stat,
  known: Accounts,
  escapes: boolean,
): string {
  let out = '';
  for (let at = 0; at < format.length;) {
    const char = format.charAt(at);
    if (char === '\\' && escapes) {
      const octal = /^\\([0-7]{1,3})/.exec(format.slice(at));
      out +=
        octal === null
          ? (statEscapes[format.charAt(at + 1)] ?? format.slice(at, at + 2))
          : String.fromCharCode(parseInt(octal[1] ?? '0', 8));
      at += octal?.[0].length ?? 2;
      continue;
    }
    const parsed = char === '%' ? parseSpec(format, at) : undefined;
    if (parsed === undefined) {
      out += char;
      at++;
      continue;
    }
    const { spec } = parsed;
    if (spec.conversion === '%') out += '%';
    else {
      const value = statField(t, spec.conversion, path, stat, known);
      out +=
        typeof value === 'number'
          ? formatInteger({ ...spec, conversion: 'd' }, BigInt(value))
          : formatText(spec, value);
    }
    at += parsed.length;
  }
  return out;
}

function statDefault(t: Tool, path: string, stat: Stat, known: Accounts): string {
  const time = timeText(t, stat.mtimeNs);
  const device = stat.type === 'char' ? deviceNumbers(path) : undefined;
  const links = String(stat.nlink).padEnd(device === undefined ? 0 : 5);
  return [
    `  File: ${linkName(t, path, stat, false)}`,
    `  Size: ${String(stat.size).padEnd(10)}\tBlocks: ${String(blocks(stat)).padEnd(10)} IO Block: ${String(4096).padEnd(6)} ${typeName(stat)}`,
    `Device: 0,1\tInode: ${String(stat.ino).padEnd(11)} Links: ${links}${device === undefined ? '' : ` Device type: ${device.join(',')}`}`,
    `Access: (${stat.mode.toString(8).padStart(4, '0')}/${modeText(stat.type, stat.mode)})  Uid: (${String(stat.uid).padStart(5)}/${known.user(stat.uid).padStart(8)})   Gid: (${String(stat.gid).padStart(5)}/${known.group(stat.gid).padStart(8)})`,
    `Access: ${time}`,
    `Modify: ${time}`,
    `Change: ${time}`,
    ' Birth: -',
    '',
  ].join('\n');
}

const stat = defineTool(
  {
    name: 'stat',
    usage: '[OPTION]... FILE...',
    about: 'Display file or file system status.',
    short: 'Lfc:t',
    long: {
      dereference: 'L',
      'file-system': 'f',
      format: 'c:',
      printf: '--printf:',
      terse: 't',
      cached: '--cached:',
    },
  },
  async (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const format = options.filter(({ key }) => key === 'c' || key === '--printf').pop();
    if (operands.length === 0) t.usage('missing operand');
    const known = await accounts(t.sys);
    for (const path of operands) {
      let found: Stat;
      try {
        if (path === '-') found = t.sys.fstat(0);
        else found = has('L') ? t.sys.stat(toUnicode(path)) : t.sys.lstat(toUnicode(path));
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        t.warn(
          `cannot ${has('f') ? 'read file system information for' : 'statx'} ${quoteAlways(path)}: ${errnoText(error)}`,
        );
        continue;
      }
      if (format !== undefined)
        t.put(
          statFormat(t, format.value ?? '', path, found, known, format.key === '--printf') +
            (format.key === 'c' ? '\n' : ''),
        );
      else if (has('t'))
        t.put(
          `${statFormat(t, '%n %s %b %f %u %g %D %i %h %t %T %X %Y %Z %W %o', quoteName(path), found, known, false)}\n`,
        );
      else t.put(statDefault(t, path, found, known));
    }
    return t.status;
  },
);

export const attributePrograms: readonly ProgramSpec[] = [
  chmod,
  owner('chown'),
  owner('chgrp'),
  stat,
];
