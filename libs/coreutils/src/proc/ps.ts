/** ps, pgrep, pkill, pidof, killall, kill: processes of the host, looked at and signalled. */
import { KernelError, strerror } from '@netloom/base';
import { Signal, type ProcessInfo, type ProgramSpec } from '@netloom/sys';
import { fromUnicode } from '../tool/bytes.js';
import { civilTime, realTimeOf } from '../tool/calendar.js';
import { Regex, RegexError } from '../regex/regex.js';
import { formatTime } from '../tool/strftime.js';
import { defineTool, ExitError, type Tool } from '../tool/tool.js';
import { accounts, type Accounts } from '../file/users.js';
import { signalName, signalNumber } from './signals.js';

interface Column {
  readonly title: string;
  readonly width: number;
  readonly left?: boolean;
  readonly text: (process: ProcessInfo, t: Tool, known: Accounts) => string;
}

const commandLine = (process: ProcessInfo): string =>
  process.state === 'Z'
    ? `[${process.comm}] <defunct>`
    : process.argv.length > 0
      ? fromUnicode(process.argv.join(' '))
      : `[${process.comm}]`;
const ttyName = (process: ProcessInfo): string => process.tty?.replace(/^\/dev\//, '') ?? '?';

function stateText(process: ProcessInfo): string {
  return (
    process.state +
    (process.sid === process.pid ? 's' : '') +
    (process.tty !== undefined && process.pgid === process.pid ? '+' : '')
  );
}

function elapsed(process: ProcessInfo, t: Tool): string {
  const seconds = Math.floor((t.sys.now() - process.startNs) / 1e9);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [days, hours, minutes] = [
    Math.floor(seconds / 86400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  return `${days > 0 ? `${days}-` : ''}${days > 0 || hours > 0 ? `${two(hours)}:` : ''}${two(minutes)}:${two(seconds % 60)}`;
}

function startText(process: ProcessInfo, t: Tool, format: string): string {
  return formatTime(format, civilTime(realTimeOf(t.sys, process.startNs).seconds), 0);
}

const number = (
  title: string,
  width: number,
  value: (process: ProcessInfo, t: Tool) => number | string,
): Column => ({
  title,
  width,
  text: (process, t) => String(value(process, t)),
});
const word = (title: string, width: number, text: Column['text']): Column => ({
  title,
  width,
  left: true,
  text,
});

const columns: Readonly<Record<string, Column>> = {
  pid: number('PID', 5, (p) => p.pid),
  tgid: number('TGID', 5, (p) => p.pid),
  lwp: number('LWP', 5, (p) => p.pid),
  ppid: number('PPID', 5, (p) => p.ppid),
  pgid: number('PGID', 5, (p) => p.pgid),
  pgrp: number('PGRP', 5, (p) => p.pgid),
  sid: number('SID', 5, (p) => p.sid),
  sess: number('SESS', 5, (p) => p.sid),
  comm: word('COMMAND', 15, (p) => (p.state === 'Z' ? `${p.comm} <defunct>` : p.comm)),
  ucmd: word('CMD', 15, (p) => p.comm),
  args: word('COMMAND', 27, commandLine),
  cmd: word('CMD', 27, commandLine),
  command: word('COMMAND', 27, commandLine),
  user: word('USER', 8, (_p, _t, known) => known.user(0)),
  euser: word('EUSER', 8, (_p, _t, known) => known.user(0)),
  uid: number('UID', 5, () => 0),
  state: word('S', 1, (p) => p.state),
  s: word('S', 1, (p) => p.state),
  stat: word('STAT', 4, stateText),
  tty: word('TT', 8, ttyName),
  tt: word('TT', 8, ttyName),
  tname: word('TTY', 8, ttyName),
  time: number('TIME', 8, () => '00:00:00'),
  etime: number('ELAPSED', 11, elapsed),
  etimes: number('ELAPSED', 7, (p, t) => Math.floor((t.sys.now() - p.startNs) / 1e9)),
  start: number('STARTED', 8, (p, t) => startText(p, t, '%H:%M:%S')),
  stime: word('STIME', 5, (p, t) => startText(p, t, '%H:%M')),
  lstart: number('STARTED', 24, (p, t) => startText(p, t, '%a %b %e %H:%M:%S %Y')),
  pcpu: number('%CPU', 4, () => '0.0'),
  c: number('C', 2, () => 0),
  pmem: number('%MEM', 4, () => '0.0'),
  rss: number('RSS', 5, () => 0),
  vsz: number('VSZ', 6, () => 0),
  ni: number('NI', 3, () => 0),
  pri: number('PRI', 3, () => 19),
  psr: number('PSR', 3, () => 0),
  nlwp: number('NLWP', 4, () => 1),
  wchan: word('WCHAN', 6, () => '-'),
};
const columnAliases: Readonly<Record<string, string>> = {
  '%cpu': 'pcpu',
  '%mem': 'pmem',
  nice: 'ni',
  ruser: 'user',
  fname: 'comm',
  rssize: 'rss',
  vsize: 'vsz',
  spid: 'lwp',
  tid: 'lwp',
  bsdtime: 'time',
  cputime: 'time',
};

interface Shown {
  readonly column: Column;
  readonly title: string;
}

function parseColumns(t: Tool, list: string): Shown[] {
  const out: Shown[] = [];
  const parts = list.includes('=')
    ? splitTitles(list)
    : list.split(/[,\s]+/).filter((item) => item !== '');
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).toLowerCase();
    const column = columns[columnAliases[name] ?? name];
    if (column === undefined) {
      t.put(
        `error: unknown user-defined format specifier "${name}"\n\nUsage:\n ps [options]\n\n Try 'ps --help <simple|list|output|threads|misc|all>'\n  or 'ps --help <s|l|o|t|m|a>'\n for additional help text.\n\nFor more details see ps(1).\n`,
        2,
      );
      throw new ExitError(1);
    }
    const title = equals >= 0 ? part.slice(equals + 1) : name === 'cmd' ? 'CMD' : column.title;
    out.push({ column, title });
  }
  return out;
}

/** `pid=,comm=NAME`: a title with `=` takes the rest of its word, commas before further `name=` divide. */
function splitTitles(list: string): string[] {
  return list.split(/[,\s]+(?=[%A-Za-z]+(?:=|,|\s|$))/).filter((item) => item !== '');
}

function printTable(
  t: Tool,
  known: Accounts,
  shown: readonly Shown[],
  processes: readonly ProcessInfo[],
  headers: boolean,
): void {
  const rows = processes.map((process) =>
    shown.map(({ column }) => column.text(process, t, known)),
  );
  const widths = shown.map(({ column, title }, index) => {
    const last = index === shown.length - 1;
    return Math.max(
      title.length,
      column.width,
      last && column.left === true ? 0 : 0,
      ...(column.left === true ? [] : rows.map((row) => (row[index] ?? '').length)),
    );
  });
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        if (shown[index]?.column.left !== true) return cell.padStart(width);
        if (index === cells.length - 1) return cell;
        return (cell.length > width ? `${cell.slice(0, width)}` : cell).padEnd(width);
      })
      .join(' ');
  const titles = shown.map(({ title }) => title);
  if (headers && titles.some((title) => title !== '')) t.put(`${line(titles)}\n`);
  for (const row of rows) t.put(`${line(row)}\n`);
}

interface Selection {
  all: boolean;
  /** BSD x: also those without a terminal. */
  withoutTty: boolean;
  pids: number[];
  ppids: number[];
  commands: string[];
  ttys: string[];
  format: 'default' | 'full' | 'user' | 'long' | 'jobs';
  columns: Shown[];
  headers: boolean;
  sort: string[];
}

/** UNIX options (`-ef`), BSD letters (`aux`) and long ones; arguments of options may follow. */
function parsePs(t: Tool): Selection {
  const s: Selection = {
    all: false,
    withoutTty: false,
    pids: [],
    ppids: [],
    commands: [],
    ttys: [],
    format: 'default',
    columns: [],
    headers: true,
    sort: [],
  };
  const args = [...t.args];
  const numbers = (text: string): number[] =>
    text
      .split(/[,\s]+/)
      .filter((item) => item !== '')
      .map((item) => (/^\d+$/.test(item) ? Number(item) : t.usage(`process ID list syntax error`)));
  for (let arg = args.shift(); arg !== undefined; arg = args.shift()) {
    const long = /^--([a-z-]+)(?:=([^]*))?$/.exec(arg);
    if (long !== null) {
      const value = (): string => long[2] ?? args.shift() ?? '';
      switch (long[1]) {
        case 'no-headers':
        case 'no-heading':
        case 'no-headings':
          s.headers = false;
          break;
        case 'headers':
          break;
        case 'sort':
          s.sort = value().split(',');
          break;
        case 'pid':
          s.pids.push(...numbers(value()));
          break;
        case 'ppid':
          s.ppids.push(...numbers(value()));
          break;
        case 'format':
          s.columns.push(...parseColumns(t, value()));
          break;
        case 'forest':
        case 'cols':
        case 'columns':
        case 'width':
          break;
        case 'user':
          value();
          break;
        case 'version':
          t.put('ps from procps-ng 4.0.2\n');
          throw new ExitError(0);
        default:
          psError(t, 'unknown gnu long option');
      }
      continue;
    }
    const bsd = !arg.startsWith('-');
    if (/^\d+(,\d+)*$/.test(arg)) {
      s.pids.push(...numbers(arg));
      continue;
    }
    for (let at = bsd ? 0 : 1; at < arg.length; at++) {
      const letter = arg.charAt(at);
      const value = (): string => {
        const rest = arg.slice(at + 1);
        at = arg.length;
        return rest !== '' ? rest : (args.shift() ?? '');
      };
      if (letter === 'o' || letter === 'O') s.columns.push(...parseColumns(t, value()));
      else if (letter === 'p') s.pids.push(...numbers(value()));
      else if ((letter === 'e' && !bsd) || letter === 'A') s.all = true;
      else if (letter === 'a' && bsd) s.all = s.withoutTty || s.all;
      else if (letter === 'a') s.all = true;
      else if (letter === 'x' && bsd) {
        s.withoutTty = true;
        s.all = true;
      } else if (letter === 'u' && bsd) s.format = 'user';
      else if ((letter === 'f' && !bsd) || letter === 'F') s.format = 'full';
      else if (letter === 'l') s.format = 'long';
      else if (letter === 'j') s.format = 'jobs';
      else if (letter === 'C') s.commands.push(...value().split(','));
      else if (letter === 't') s.ttys.push(...value().split(','));
      else if (letter === 'u' || letter === 'U' || letter === 'G' || letter === 'g') {
        value();
        s.all = true;
      } else if (letter === 'h' && bsd) s.headers = false;
      else if (letter === 'k') s.sort = value().split(',');
      else if (!'wcHLTmdrNyMfnSs'.includes(letter))
        psError(t, bsd ? 'unsupported option (BSD syntax)' : 'unsupported SysV option');
    }
  }
  return s;
}

function psError(t: Tool, text: string): never {
  t.put(
    `error: ${text}\n\nUsage:\n ps [options]\n\n Try 'ps --help <simple|list|output|threads|misc|all>'\n  or 'ps --help <s|l|o|t|m|a>'\n for additional help text.\n\nFor more details see ps(1).\n`,
    2,
  );
  throw new ExitError(1);
}

const layouts: Readonly<Record<Selection['format'], string>> = {
  default: 'pid,tname,time,ucmd',
  full: 'user=UID,pid,ppid,c,stime,tname,time,cmd',
  user: 'user,pid,pcpu,pmem,vsz,rss,tname,stat,stime=START,time,command',
  long: 's,uid,pid,ppid,c,pri,ni,vsz=SZ,wchan,tname,time,ucmd',
  jobs: 'pid,pgid,sid,tname,time,ucmd',
};

const ps = defineTool(
  { name: 'ps', usage: '[options]', about: '', suite: 'procps-ng', raw: true, shortName: true },
  async (t) => {
    const s = parsePs(t);
    const known = await accounts(t.sys);
    const everything = t.sys.processes();
    const self = everything.find((process) => process.pid === t.sys.pid);
    const listed = s.pids.length + s.ppids.length + s.commands.length + s.ttys.length > 0;
    const selected = everything.filter((process) => {
      if (listed) {
        return (
          s.pids.includes(process.pid) ||
          s.ppids.includes(process.ppid) ||
          s.commands.includes(process.comm) ||
          s.ttys.some((tty) => ttyName(process) === tty || ttyName(process) === `pts/${tty}`)
        );
      }
      return s.all || process.tty === self?.tty;
    });
    for (const key of [...s.sort].reverse()) {
      const name = key.replace(/^[-+]/, '').toLowerCase();
      const column = columns[columnAliases[name] ?? name];
      if (column === undefined) continue;
      const sign = key.startsWith('-') ? -1 : 1;
      selected.sort((a, b) => {
        const [x, y] = [column.text(a, t, known), column.text(b, t, known)];
        const order =
          /^\d+$/.test(x) && /^\d+$/.test(y) ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0;
        return sign * order;
      });
    }
    printTable(
      t,
      known,
      s.columns.length > 0 ? s.columns : parseLayout(t, s.format),
      selected,
      s.headers,
    );
    return selected.length > 0 ? 0 : 1;
  },
);

function parseLayout(t: Tool, format: Selection['format']): Shown[] {
  return layouts[format]
    .split(',')
    .flatMap((item) => parseColumns(t, item))
    .map((shown) =>
      shown.title === 'TIME' && format === 'user'
        ? { ...shown, column: { ...shown.column, width: 6, text: () => '0:00' } }
        : shown,
    );
}

/** What pgrep and pkill select by. */
function matching(
  t: Tool,
  isKill: boolean,
): { processes: ProcessInfo[]; options: ReadonlyMap<string, string>; signal: number } {
  const args = [...t.args];
  let signal: number = Signal.SIGTERM;
  if (isKill) {
    const at = args.findIndex(
      (arg) => /^-(\d+|[A-Z][A-Z0-9+-]+)$/.test(arg) && signalNumber(arg.slice(1)) !== undefined,
    );
    if (at >= 0) signal = signalNumber((args.splice(at, 1)[0] ?? '').slice(1)) ?? signal;
  }
  const parsed = t.parse(
    {
      short: 'acd:efF:g:G:ilLnoP:qs:t:u:U:vVwx',
      long: {
        'list-name': 'l',
        'list-full': 'a',
        count: 'c',
        delimiter: 'd:',
        echo: 'e',
        full: 'f',
        newest: 'n',
        oldest: 'o',
        parent: 'P:',
        group: 'G:',
        pgroup: 'g:',
        session: 's:',
        terminal: 't:',
        euid: 'u:',
        uid: 'U:',
        inverse: 'v',
        exact: 'x',
        signal: '--signal:',
        'ignore-case': 'i',
      },
    },
    args,
  );
  const options = new Map(parsed.options.map(({ key, value }) => [key, value ?? '']));
  const given = options.get('--signal');
  if (given !== undefined) signal = signalNumber(given) ?? t.fail(`Unknown signal "${given}".`, 2);
  const [pattern] = parsed.operands;
  const criteria = ['P', 'g', 'G', 's', 't', 'u', 'U'].some((key) => options.has(key));
  if (pattern === undefined && !criteria) {
    t.put(
      `${t.name}: no matching criteria specified\nTry \`${t.name} --help' for more information.\n`,
      2,
    );
    throw new ExitError(2);
  }
  if (parsed.operands.length > 1) {
    t.put(
      `${t.name}: only one pattern can be provided\nTry \`${t.name} --help' for more information.\n`,
      2,
    );
    throw new ExitError(2);
  }
  let regex: Regex | undefined;
  try {
    regex =
      pattern === undefined
        ? undefined
        : new Regex(pattern, {
            flavour: 'extended',
            ignoreCase: options.has('i'),
            ...(options.has('x') ? { whole: 'line' as const } : {}),
          });
  } catch (error) {
    if (error instanceof RegexError) t.fail(error.message, 2);
    throw error;
  }
  const list = (key: string): number[] | undefined =>
    options
      .get(key)
      ?.split(',')
      .map((item) => (item === '0' ? t.sys.pid : Number(item)));
  const [parents, groups, sessions] = [list('P'), list('g'), list('s')];
  let processes = t.sys.processes().filter((process) => {
    if (process.pid === t.sys.pid) return false;
    const text = options.has('f') ? commandLine(process) : process.comm;
    const hit =
      (regex === undefined || regex.test(text)) &&
      (parents?.includes(process.ppid) ?? true) &&
      (groups?.includes(process.pgid) ?? true) &&
      (sessions?.includes(process.sid) ?? true);
    return hit !== options.has('v');
  });
  const byStart = [...processes].sort((a, b) => a.startNs - b.startNs || a.pid - b.pid);
  if (options.has('n')) processes = byStart.slice(-1);
  if (options.has('o')) processes = byStart.slice(0, 1);
  return { processes, options, signal };
}

const pgrep = defineTool(
  {
    name: 'pgrep',
    usage: '[options] <pattern>',
    about: '',
    suite: 'procps-ng',
    raw: true,
    shortName: true,
    errorStatus: 2,
    usageHint: pgrepHint,
  },
  (t) => {
    const { processes, options } = matching(t, false);
    if (options.has('c')) t.put(`${processes.length}\n`);
    else if (processes.length > 0) {
      const rows = processes.map(
        (process) =>
          `${process.pid}${options.has('a') ? ` ${commandLine(process)}` : options.has('l') ? ` ${process.comm}` : ''}`,
      );
      t.put(`${rows.join(options.get('d') ?? '\n')}\n`);
    }
    return Promise.resolve(processes.length > 0 ? 0 : 1);
  },
);

function pgrepHint(name: string): string {
  return `\nUsage:\n ${name} [options] <pattern>\n\nFor more details see pgrep(1).\n`;
}

const pkill = defineTool(
  {
    name: 'pkill',
    usage: '[options] <pattern>',
    about: '',
    suite: 'procps-ng',
    raw: true,
    shortName: true,
    errorStatus: 2,
    usageHint: pgrepHint,
  },
  (t) => {
    const { processes, options, signal } = matching(t, true);
    let any = false;
    for (const process of processes) {
      try {
        t.sys.kill(process.pid, signal);
        any = true;
        if (options.has('e')) t.put(`${process.comm} killed (pid ${process.pid})\n`);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        if (error.code !== 'ESRCH')
          t.put(`${t.name}: killing pid ${process.pid} failed: ${strerror(error.errno)}\n`, 2);
      }
    }
    if (options.has('c')) t.put(`${processes.length}\n`);
    return Promise.resolve(any ? 0 : 1);
  },
);

const baseOf = (text: string): string => text.slice(text.lastIndexOf('/') + 1);

const pidof = defineTool(
  {
    name: 'pidof',
    usage: '[options] [program [...]]',
    about: '',
    suite: 'procps-ng',
    short: 'cqso:xwS:',
    long: { 'single-shot': 's', 'omit-pid': 'o:' },
    shortName: true,
  },
  (t, { options, operands }) => {
    const omit = options
      .filter(({ key }) => key === 'o')
      .flatMap(({ value }) => (value ?? '').split(','));
    const pids = t.sys
      .processes()
      .filter(
        (process) =>
          operands.some(
            (name) =>
              process.comm === baseOf(name).slice(0, 15) ||
              baseOf(process.argv[0] ?? '') === baseOf(name),
          ) &&
          !omit.includes(String(process.pid)) &&
          process.pid !== t.sys.pid,
      )
      .map((process) => process.pid)
      .reverse();
    const shown = options.some(({ key }) => key === 's') ? pids.slice(0, 1) : pids;
    if (shown.length > 0 && !options.some(({ key }) => key === 'q'))
      t.put(`${shown.join(options.find(({ key }) => key === 'S')?.value ?? ' ')}\n`);
    return Promise.resolve(shown.length > 0 ? 0 : 1);
  },
);

const killall = defineTool(
  {
    name: 'killall',
    usage: '[OPTION]... [--] NAME...',
    about: '',
    suite: '',
    raw: true,
    shortName: true,
  },
  async (t) => {
    let signal: number = Signal.SIGTERM;
    const args = t.args.filter((arg) => {
      const found =
        /^-([A-Z0-9][A-Z0-9+-]*)$/.test(arg) && signalNumber(arg.slice(1)) !== undefined;
      if (found) signal = signalNumber(arg.slice(1)) ?? signal;
      return !found;
    });
    const { options, operands } = t.parse(
      {
        short: 'egIilqrs:u:vwy:o:',
        long: {
          exact: 'e',
          'ignore-case': 'I',
          interactive: 'i',
          list: 'l',
          quiet: 'q',
          regexp: 'r',
          signal: 's:',
          user: 'u:',
          verbose: 'v',
          wait: 'w',
        },
      },
      args,
    );
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const given = options.find(({ key }) => key === 's')?.value;
    if (given !== undefined)
      signal = signalNumber(given) ?? t.fail(`${given}: unknown signal; killall -l lists signals.`);
    if (operands.length === 0) t.usage();
    const waited: number[] = [];
    for (const name of operands) {
      const found = t.sys
        .processes()
        .filter(
          (process) =>
            process.pid !== t.sys.pid &&
            (has('r')
              ? new Regex(name, { flavour: 'extended' }).test(process.comm)
              : process.comm === baseOf(name).slice(0, 15)),
        );
      if (found.length === 0) {
        if (!has('q')) t.put(`${name}: no process found\n`, 2);
        t.status = 1;
      }
      for (const process of found) {
        t.sys.kill(process.pid, signal);
        waited.push(process.pid);
        if (has('v')) t.put(`Killed ${process.comm}(${process.pid}) with signal ${signal}\n`, 2);
      }
    }
    if (has('w'))
      while (
        t.sys.processes().some((process) => waited.includes(process.pid) && process.state !== 'Z')
      )
        await t.sys.sleep(1e9);
    return t.status;
  },
);

const killUsage = `
Usage:
 kill [options] <pid> [...]

Options:
 <pid> [...]            send signal to every <pid> listed
 -<signal>, -s, --signal <signal>
                        specify the <signal> to be sent
 -q, --queue <value>    integer value to be sent with the signal
 -l, --list=[<signal>]  list all signal names, or convert one to a name
 -L, --table            list all signal names in a nice table

 -h, --help     display this help and exit
 -V, --version  output version information and exit

For more details see kill(1).
`;

const kill = defineTool(
  { name: 'kill', usage: '[options] <pid> [...]', about: '', suite: 'procps-ng', raw: true },
  (t) => {
    const args = [...t.args];
    let signal: number = Signal.SIGTERM;
    const first = args[0] ?? '';
    if (first === '-l' || first === '--list' || first === '-L') {
      const which = args[1];
      if (which !== undefined)
        t.put(
          `${/^\d+$/.test(which) ? (signalName(Number(which) & 127) ?? which) : (signalNumber(which) ?? t.fail(`unknown signal name ${which}`))}\n`,
        );
      else
        t.put(
          `${Array.from({ length: 31 }, (_, index) => signalName(index + 1) ?? '').join(' ')}\n`,
        );
      return Promise.resolve(0);
    }
    if (first === '-s' || first === '--signal') {
      signal = signalNumber(args[1] ?? '') ?? t.fail(`unknown signal name ${args[1] ?? ''}`);
      args.splice(0, 2);
    } else if (/^-[A-Za-z0-9]/.test(first) && first !== '--') {
      signal = signalNumber(first.slice(1)) ?? t.fail(`invalid argument ${first.charAt(1)}`);
      args.shift();
    }
    if (args[0] === '--') args.shift();
    if (args.length === 0) {
      t.put(killUsage, 2);
      return Promise.resolve(1);
    }
    for (const arg of args) {
      if (!/^-?\d+$/.test(arg)) {
        t.warn(`failed to parse argument: '${arg}'`);
        continue;
      }
      try {
        t.sys.kill(Number(arg), signal);
      } catch (error) {
        t.warnErrno(`(${arg})`, error);
      }
    }
    return Promise.resolve(t.status);
  },
);

export const psPrograms: readonly ProgramSpec[] = [ps, pgrep, pkill, pidof, killall, kill];
