/** date, sleep, watch, yes, true, false: time, and doing nothing with it. */
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

export const timePrograms: readonly ProgramSpec[] = [
  date,
  sleep,
  watch,
  yes,
  constant('true', 0),
  constant('false', 1),
];
