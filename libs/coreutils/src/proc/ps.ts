/** ps: processes of the host. */
import { type ProgramSpec } from '@netloom/sys';
import { defineTool, ExitError, type Tool } from '../tool/tool.js';
import { accounts } from '../file/users.js';
import {
  columnAliases,
  columns,
  parseColumns,
  printTable,
  ttyName,
  type Shown,
} from './ps-columns.js';
import { kill } from './kill.js';
import { killall, pgrep, pidof, pkill } from './pgrep.js';

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

export const psPrograms: readonly ProgramSpec[] = [ps, pgrep, pkill, pidof, killall, kill];
