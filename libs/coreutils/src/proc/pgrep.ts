/** pgrep, pkill, pidof, killall: processes by name. */
import { KernelError, strerror } from '@netloom/base';
import { Signal, type ProcessInfo } from '@netloom/sys';
import { Regex, RegexError } from '../regex/regex.js';
import { defineTool, ExitError, type Tool } from '../tool/tool.js';
import { signalNumber } from './signals.js';
import { commandLine } from './ps-columns.js';

/** What pgrep and pkill select by. */
export function matching(
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

export const pgrep = defineTool(
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

export function pgrepHint(name: string): string {
  return `\nUsage:\n ${name} [options] <pattern>\n\nFor more details see pgrep(1).\n`;
}

export const pkill = defineTool(
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

export const baseOf = (text: string): string => text.slice(text.lastIndexOf('/') + 1);

export const pidof = defineTool(
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

export const killall = defineTool(
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
