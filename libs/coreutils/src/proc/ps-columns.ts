/** The columns of ps: what each shows of a process, and tables of them. */
import { type ProcessInfo } from '@netloom/sys';
import { fromUnicode } from '../tool/bytes.js';
import { civilTime, realTimeOf } from '../tool/calendar.js';
import { formatTime } from '../tool/strftime.js';
import { ExitError, type Tool } from '../tool/tool.js';
import { type Accounts } from '../file/users.js';

export interface Column {
  readonly title: string;
  readonly width: number;
  readonly left?: boolean;
  readonly text: (process: ProcessInfo, t: Tool, known: Accounts) => string;
}

export const commandLine = (process: ProcessInfo): string =>
  process.state === 'Z'
    ? `[${process.comm}] <defunct>`
    : process.argv.length > 0
      ? fromUnicode(process.argv.join(' '))
      : `[${process.comm}]`;
export const ttyName = (process: ProcessInfo): string =>
  process.tty?.replace(/^\/dev\//, '') ?? '?';

export function stateText(process: ProcessInfo): string {
  return (
    process.state +
    (process.sid === process.pid ? 's' : '') +
    (process.tty !== undefined && process.pgid === process.pid ? '+' : '')
  );
}

export function elapsed(process: ProcessInfo, t: Tool): string {
  const seconds = Math.floor((t.sys.now() - process.startNs) / 1e9);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [days, hours, minutes] = [
    Math.floor(seconds / 86400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  return `${days > 0 ? `${days}-` : ''}${days > 0 || hours > 0 ? `${two(hours)}:` : ''}${two(minutes)}:${two(seconds % 60)}`;
}

export function startText(process: ProcessInfo, t: Tool, format: string): string {
  return formatTime(format, civilTime(realTimeOf(t.sys, process.startNs).seconds), 0);
}

export const number = (
  title: string,
  width: number,
  value: (process: ProcessInfo, t: Tool) => number | string,
): Column => ({
  title,
  width,
  text: (process, t) => String(value(process, t)),
});
export const word = (title: string, width: number, text: Column['text']): Column => ({
  title,
  width,
  left: true,
  text,
});

export const columns: Readonly<Record<string, Column>> = {
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
export const columnAliases: Readonly<Record<string, string>> = {
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

export interface Shown {
  readonly column: Column;
  readonly title: string;
}

export function parseColumns(t: Tool, list: string): Shown[] {
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
export function splitTitles(list: string): string[] {
  return list.split(/[,\s]+(?=[%A-Za-z]+(?:=|,|\s|$))/).filter((item) => item !== '');
}

export function printTable(
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
