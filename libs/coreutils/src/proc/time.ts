/** date, sleep, watch, yes, true, false, tty, stty, tput, clear, which, more, less, file: small ones. */
import { KernelError } from '@netloom/base';
import type { ProgramSpec } from '@netloom/sys';
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { civilTime, realTime, realTimeOf } from '../tool/calendar.js';
import { parseInterval } from '../tool/numbers.js';
import { parseDate, type Moment } from '../tool/parse-date.js';
import { quoteAlways } from '../tool/quote.js';
import { formatTime } from '../tool/strftime.js';
import { spawnProgram, spawnShell, exitCode } from '../tool/spawn.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';
import { Input } from '../tool/input.js';

const isoFormats: Readonly<Record<string, string>> = {
  '': '%Y-%m-%d',
  date: '%Y-%m-%d',
  hours: '%Y-%m-%dT%H%:z',
  minutes: '%Y-%m-%dT%H:%M%:z',
  seconds: '%Y-%m-%dT%H:%M:%S%:z',
  ns: '%Y-%m-%dT%H:%M:%S,%N%:z',
};
const rfcFormats: Readonly<Record<string, string>> = {
  date: '%Y-%m-%d',
  seconds: '%Y-%m-%d %H:%M:%S%:z',
  ns: '%Y-%m-%d %H:%M:%S.%N%:z',
};

const date = defineTool(
  {
    name: 'date',
    usage: '[OPTION]... [+FORMAT]\n  or:  date [-u|--utc|--universal] [MMDDhhmm[[CC]YY][.ss]]',
    about: 'Display date and time in the given FORMAT.',
    short: 'd:f:I::r:Rs:u',
    long: {
      date: 'd:',
      debug: '--debug',
      file: 'f:',
      'iso-8601': 'I::',
      reference: 'r:',
      'rfc-email': 'R',
      'rfc-2822': 'R',
      'rfc-3339': '--rfc-3339:',
      set: 's:',
      utc: 'u',
      universal: 'u',
    },
  },
  async (t, { options, operands }) => {
    const now = realTime(t.sys);
    let moment: Moment | undefined = now;
    let format: string | undefined;
    let sets = false;
    const read = (text: string): Moment | undefined => {
      const parsed = parseDate(text, now.seconds, now.nanoseconds);
      if (parsed === undefined) t.warn(`invalid date ${quoteAlways(text)}`);
      return parsed;
    };
    let lines: string[] | undefined;
    for (const { key, value = '' } of options) {
      if (key === 'd' || key === 's') {
        moment = read(value);
        sets ||= key === 's';
      } else if (key === 'r') {
        try {
          moment = realTimeOf(t.sys, t.sys.stat(toUnicode(value)).mtimeNs);
        } catch (error) {
          return t.fail(`${value}: ${errnoText(error)}`);
        }
      } else if (key === 'f')
        lines = ((await t.readWhole(value)) ?? '').split('\n').filter((line) => line !== '');
      else if (key === 'R') format = '%a, %d %b %Y %H:%M:%S %z';
      else if (key === 'I')
        format =
          isoFormats[
            Object.keys(isoFormats).find(
              (name) => name !== '' && value !== '' && name.startsWith(value),
            ) ?? value
          ] ?? t.usage(`invalid argument ${quoteAlways(value)} for '--iso-8601'`);
      else if (key === '--rfc-3339')
        format =
          rfcFormats[Object.keys(rfcFormats).find((name) => name.startsWith(value)) ?? ''] ??
          t.usage(`invalid argument ${quoteAlways(value)} for '--rfc-3339'`);
    }
    for (const operand of operands) {
      if (!operand.startsWith('+')) {
        if (/^\d{8,12}(\.\d\d)?$/.test(operand))
          return t.fail('cannot set date: Operation not permitted');
        return t.fail(`invalid date ${quoteAlways(operand)}`);
      }
      if (operands.length > 1) t.usage(`extra operand ${quoteAlways(operands[1] ?? '')}`);
      if (format !== undefined) t.usage('multiple output formats specified');
      format = operand.slice(1);
    }
    const show = ({ seconds, nanoseconds }: Moment): void =>
      t.put(
        `${formatTime(format ?? '%a %b %e %H:%M:%S %Z %Y', civilTime(seconds), nanoseconds)}\n`,
      );
    if (lines !== undefined) {
      for (const line of lines) {
        const parsed = read(line);
        if (parsed !== undefined) show(parsed);
      }
    } else if (moment !== undefined) {
      if (sets) t.warn('cannot set date: Operation not permitted');
      show(moment);
    }
    return t.status;
  },
);

const sleep = defineTool(
  { name: 'sleep', usage: 'NUMBER[SUFFIX]...', about: 'Pause for NUMBER seconds.', inOrder: true },
  async (t, { operands }) => {
    if (operands.length === 0) t.usage('missing operand');
    let total = 0;
    for (const text of operands) {
      const interval = parseInterval(text);
      if (interval === undefined) t.warn(`invalid time interval ${quoteAlways(text)}`);
      else total += interval;
    }
    if (t.status !== 0) t.usage();
    await t.sys.sleep(Math.min(total, Number.MAX_SAFE_INTEGER));
    return 0;
  },
);

/** What a command prints, and how it ended. */
async function capture(
  t: Tool,
  start: (fds: ReadonlyMap<number, number>) => number,
): Promise<{ text: string; code: number }> {
  const [reader, writer] = t.sys.pipe();
  t.sys.setCloexec(reader, true);
  const pid = start(
    new Map([
      [0, 0],
      [1, writer],
      [2, writer],
    ]),
  );
  t.sys.close(writer);
  const text = await new Input(t.sys, reader, () => Promise.resolve()).rest();
  t.sys.close(reader);
  return { text, code: exitCode(await t.sys.waitpid(pid)) };
}

const watch = defineTool(
  {
    name: 'watch',
    usage: '[options] command',
    about: '',
    suite: 'procps-ng',
    shortName: true,
    short: 'bcd::egn:pqrtwx',
    inOrder: true,
    long: {
      beep: 'b',
      color: 'c',
      differences: 'd::',
      errexit: 'e',
      chgexit: 'g',
      equexit: 'q',
      interval: 'n:',
      precise: 'p',
      'no-rerun': 'r',
      'no-title': 't',
      'no-wrap': 'w',
      exec: 'x',
    },
    usageHint: () => '\nUsage:\n watch [options] command\n\nFor more details see watch(1).\n',
  },
  async (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const given = options.filter(({ key }) => key === 'n').pop()?.value ?? '2';
    const interval = parseInterval(given.replace(',', '.'));
    if (interval === undefined)
      return t.fail(`failed to parse argument: '${given}': Invalid argument`);
    if (operands.length === 0) t.usage();
    const command = operands.join(' ');
    const tty = t.sys.isatty(1);
    const { rows, cols } = tty ? t.sys.ttySize(1) : { rows: 0, cols: 80 };
    const host = fromUnicode(t.sys.hostname());
    const left = `Every ${(Math.max(interval, 1e8) / 1e9).toFixed(1)}s: ${command}`;
    let before: string | undefined;
    for (;;) {
      const { text, code } = await capture(t, (fds) =>
        has('x') ? spawnProgram(t.sys, operands, { fds }) : spawnShell(t.sys, command, fds),
      );
      const right = `${host}: ${formatTime('%a %b %e %H:%M:%S %Y', civilTime(realTime(t.sys).seconds), 0)}`;
      const room = Math.max(1, cols - right.length - left.length);
      const title = has('t') ? '' : `${left}${' '.repeat(room)}${right}\n\n`;
      const body = tty
        ? text
            .split('\n')
            .slice(0, Math.max(1, rows - (has('t') ? 0 : 2)))
            .join('\r\n')
        : text;
      t.put(
        tty
          ? `\x1b[H\x1b[2J${title.replaceAll('\n', '\r\n')}${body}`
          : `${title}${body}${body.endsWith('\n') ? '' : '\n'}`,
      );
      await t.flush();
      if (has('e') && code !== 0) return 8;
      if (has('g') && before !== undefined && before !== text) return 0;
      before = text;
      await t.sys.sleep(Math.max(interval, 1e8));
    }
  },
);

const yes = defineTool(
  {
    name: 'yes',
    usage: '[STRING]...',
    about: "Repeatedly output a line with all specified STRING(s), or 'y'.",
  },
  async (t, { operands }) => {
    const line = `${operands.length === 0 ? 'y' : operands.join(' ')}\n`;
    const block = line.repeat(Math.max(1, Math.floor(8192 / line.length)));
    for (let turn = 1; ; turn++) {
      t.put(block);
      await t.flush();
      if (turn % 8 === 0) await t.sys.cpu(1_000_000);
    }
  },
);

const constant = (name: string, code: number): ProgramSpec =>
  defineTool(
    {
      name,
      usage: '[ignored command line arguments]',
      about: `Exit with a status code indicating ${code === 0 ? 'success' : 'failure'}.`,
      raw: true,
    },
    (t) => {
      if (t.args.length === 1 && (t.args[0] === '--help' || t.args[0] === '--version'))
        t.parse({}, t.args);
      return Promise.resolve(code);
    },
  );

const tty = defineTool(
  {
    name: 'tty',
    usage: '[OPTION]...',
    about: 'Print the file name of the terminal connected to standard input.',
    short: 's',
    long: { silent: 's', quiet: 's' },
    errorStatus: 2,
  },
  (t, { options }) => {
    const is = t.sys.isatty(0);
    if (options.length === 0) t.put(is ? `${t.sys.readlink('/proc/self/fd/0')}\n` : 'not a tty\n');
    return Promise.resolve(is ? 0 : 1);
  },
);

const stty = defineTool(
  {
    name: 'stty',
    usage: '[-F DEVICE | --file=DEVICE] [SETTING]...',
    about: 'Print or change terminal characteristics.',
    raw: true,
  },
  (t) => {
    const args = t.args.filter((arg) => arg !== '-a' && arg !== '--all');
    if (!t.sys.isatty(0)) return t.fail("'standard input': Inappropriate ioctl for device");
    const { rows, cols } = t.sys.ttySize(0);
    if (args.length === 0)
      t.put(
        t.args.length > 0
          ? `speed 38400 baud; rows ${rows}; columns ${cols}; line = 0;\nintr = ^C; quit = ^\\; erase = ^?; kill = ^U; eof = ^D; susp = ^Z;\n`
          : 'speed 38400 baud; line = 0;\n',
      );
    for (const arg of args) {
      if (arg === 'size') t.put(`${rows} ${cols}\n`);
      else if (arg === 'raw' || arg === 'cbreak' || arg === '-icanon' || arg === '-echo')
        t.sys.ttyRaw(0, true);
      else if (
        arg === 'sane' ||
        arg === 'cooked' ||
        arg === '-raw' ||
        arg === 'icanon' ||
        arg === 'echo'
      )
        t.sys.ttyRaw(0, false);
      else if (arg === 'speed') t.put('38400\n');
      else if (
        !/^-?(ixon|ixoff|onlcr|opost|isig|iexten|echoe|echok|echoctl|echoke|icrnl)$/.test(arg)
      )
        return t.usage(`invalid argument ${quoteAlways(arg)}`);
    }
    return Promise.resolve(0);
  },
);

const clearText = '\x1b[H\x1b[2J\x1b[3J';
const capabilities: Readonly<Record<string, string>> = {
  clear: clearText,
  bold: '\x1b[1m',
  dim: '\x1b[2m',
  rev: '\x1b[7m',
  smul: '\x1b[4m',
  rmul: '\x1b[24m',
  sgr0: '\x1b(B\x1b[m',
  civis: '\x1b[?25l',
  cnorm: '\x1b[?12l\x1b[?25h',
  el: '\x1b[K',
  ed: '\x1b[J',
  home: '\x1b[H',
  cuu1: '\x1b[A',
  smcup: '\x1b[?1049h',
  rmcup: '\x1b[?1049l',
  bel: '\x07',
  reset: '\x1bc\x1b[!p\x1b[?3;4l\x1b[4l\x1b>',
};

const tput = defineTool(
  {
    name: 'tput',
    usage: '[options] [command]',
    about: '',
    suite: '',
    short: 'ST:Vx',
    inOrder: true,
  },
  (t, { options, operands }) => {
    const term = options.find(({ key }) => key === 'T')?.value ?? t.sys.env.get('TERM');
    if (term === undefined) return t.fail('No value for $TERM and no -T specified', 2);
    const [name = '', ...args] = operands;
    const size = t.sys.isatty(1)
      ? t.sys.ttySize(1)
      : t.sys.isatty(2)
        ? t.sys.ttySize(2)
        : { rows: 24, cols: 80 };
    if (name === 'cols') t.put(`${size.cols}\n`);
    else if (name === 'lines') t.put(`${size.rows}\n`);
    else if (name === 'colors') t.put('256\n');
    else if (name === 'setaf' || name === 'setab') {
      const colour = Number(args[0] ?? 0);
      const base = name === 'setaf' ? 30 : 40;
      t.put(
        colour < 8
          ? `\x1b[${base + colour}m`
          : colour < 16
            ? `\x1b[${base + 60 + colour - 8}m`
            : `\x1b[${base + 8};5;${colour}m`,
      );
    } else if (name === 'cup')
      t.put(`\x1b[${Number(args[0] ?? 0) + 1};${Number(args[1] ?? 0) + 1}H`);
    else {
      const text = capabilities[name];
      if (text === undefined) return t.fail(`unknown terminfo capability '${name}'`, 4);
      t.put(text);
    }
    return Promise.resolve(0);
  },
);

const clear = defineTool(
  { name: 'clear', usage: '[options]', about: '', suite: '', short: 'T:Vx' },
  (t) => {
    if (t.sys.env.get('TERM') === undefined) return t.fail('TERM environment variable not set.');
    t.put(clearText);
    return Promise.resolve(0);
  },
);

const which = defineTool(
  {
    name: 'which',
    usage: '[-a] args',
    about: '',
    suite: '',
    short: 'as',
    usageHint: (name) => `Usage: ${name} [-as] args\n`,
    errorStatus: 2,
    inOrder: true,
  },
  (t, { options, operands }) => {
    const all = options.some(({ key }) => key === 'a');
    const silent = options.some(({ key }) => key === 's');
    const executable = (path: string): boolean => {
      try {
        const stat = t.sys.stat(toUnicode(path));
        return stat.type === 'file' && (stat.mode & 0o111) !== 0;
      } catch (error) {
        if (error instanceof KernelError) return false;
        throw error;
      }
    };
    let status = operands.length === 0 ? 1 : 0;
    for (const name of operands) {
      const candidates = name.includes('/')
        ? [name]
        : fromUnicode(t.sys.env.get('PATH') ?? '')
            .split(':')
            .map((dir) => `${dir === '' ? '.' : dir}/${name}`);
      const found = candidates.filter(executable);
      if (found.length === 0) status = 1;
      if (!silent) for (const path of all ? found : found.slice(0, 1)) t.put(`${path}\n`);
    }
    return Promise.resolve(status);
  },
);

/** A pager: on a terminal a screen at a time (space, return, q), else the text as it is. */
function pager(name: string): ProgramSpec {
  return defineTool(
    {
      name,
      usage: '[options] <file>...',
      about: '',
      suite: '',
      shortName: true,
      short: '0123456789aAbBcdeEfFgGiIlmMnNpqQrRsSuUwWxXz',
      raw: true,
    },
    async (t) => {
      const files = t.args.filter((arg) => !/^[-+]./.test(arg));
      const paged = t.sys.isatty(1);
      let lines = 0;
      const { rows } = paged ? t.sys.ttySize(1) : { rows: 24 };
      const keys = paged ? t.sys.open('/dev/tty', 0) : -1;
      if (paged) t.sys.ttyRaw(keys, true);
      let quit = false;
      await t.eachInput(files, async (input, shown) => {
        if (name === 'more' && files.length > 1)
          t.put(`::::::::::::::\n${shown}\n::::::::::::::\n`);
        for (
          let line = await input.line();
          line !== undefined && !quit;
          line = await input.line()
        ) {
          t.put(line + (paged ? '\r\n' : input.terminated ? '\n' : ''));
          if (!paged || ++lines < rows - 1) continue;
          t.put(name === 'more' ? '--More--' : ':');
          await t.flush();
          const [key = 113] = await t.sys.read(keys, 1);
          t.put('\r\x1b[K');
          quit = key === 113 || key === 81 || key === 3;
          lines = key === 13 || key === 10 || key === 106 ? rows - 2 : 0;
        }
      });
      if (paged) t.sys.ttyRaw(keys, false);
      return t.status;
    },
  );
}

const file = defineTool(
  {
    name: 'file',
    usage: '[OPTION...] [FILE...]',
    about: 'Determine type of FILEs.',
    suite: '',
    short: 'bihLsz',
    long: { brief: 'b', mime: 'i', dereference: 'L' },
  },
  async (t, { options, operands }) => {
    const brief = options.some(({ key }) => key === 'b');
    const width = Math.max(0, ...operands.map((name) => name.length));
    for (const name of operands) {
      t.put(
        `${brief ? '' : `${name}: ${' '.repeat(width - name.length)}`}${await fileType(t, name)}\n`,
      );
    }
    return 0;
  },
);

async function fileType(t: Tool, name: string): Promise<string> {
  let text: string;
  try {
    const stat = t.sys.lstat(toUnicode(name));
    if (stat.type === 'dir') return 'directory';
    if (stat.type === 'symlink')
      return `symbolic link to ${fromUnicode(t.sys.readlink(toUnicode(name)))}`;
    if (stat.type === 'fifo') return 'fifo (named pipe)';
    if (stat.type === 'socket') return 'socket';
    if (stat.type === 'char') return 'character special';
    text = await t.input(t.open(name)).take(65536);
  } catch (error) {
    return `cannot open \`${name}' (${errnoText(error)})`;
  }
  if (text === '') return 'empty';
  if (text.startsWith('\x7fELF'))
    return `ELF ${text.charCodeAt(4) === 2 ? '64' : '32'}-bit LSB ${text.charCodeAt(16) === 1 ? 'relocatable' : 'executable'}`;
  if (text.startsWith('\x1f\x8b')) return 'gzip compressed data';
  if (text.startsWith('\xd4\xc3\xb2\xa1'))
    return 'pcap capture file, microsecond ts (little-endian) - version 2.4';
  if (text.startsWith('\x0a\x0d\x0d\x0a')) return 'pcapng capture file - version 1.0';
  const interpreter = /^#!\s*(\S+)/.exec(text);
  if (interpreter !== null)
    return `${interpreter[1]?.includes('bash') === true ? 'Bourne-Again shell' : interpreter[1]?.endsWith('/sh') === true ? 'POSIX shell' : `a ${interpreter[1] ?? ''}`} script, ASCII text executable`;
  if (/[^\t\n\v\f\r\x1b\x20-\x7e\x80-\xff\b\x07]/.test(text)) return 'data';
  const kind = /[\x80-\xff]/.test(text) ? 'Unicode text, UTF-8 text' : 'ASCII text';
  return (
    kind +
    (text.includes('\r\n')
      ? ', with CRLF line terminators'
      : text.includes('\n')
        ? ''
        : ', with no line terminators')
  );
}

export const timePrograms: readonly ProgramSpec[] = [
  date,
  sleep,
  watch,
  yes,
  constant('true', 0),
  constant('false', 1),
  tty,
  stty,
  tput,
  clear,
  which,
  pager('less'),
  pager('more'),
  file,
];
