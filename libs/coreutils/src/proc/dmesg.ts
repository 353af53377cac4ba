/**
 * dmesg: the kernel's log, read from /proc/kmsg and printed as util-linux 2.38 does. The log cannot be cleared here.
 */
import { readTextFile, type ProgramSpec } from '@netloom/sys';
import { fromUnicode } from '../tool/bytes.js';
import { civilTime } from '../tool/calendar.js';
import { formatTime } from '../tool/strftime.js';
import { defineTool } from '../tool/tool.js';

const LEVELS: readonly string[] = [
  'emerg',
  'alert',
  'crit',
  'err',
  'warn',
  'notice',
  'info',
  'debug',
];

/** Priority (facility × 8 + level), seconds since boot as printed, text. */
const RECORD = /^<(\d+)>\[ *(\d+\.\d+)\] ?(.*)$/;

export const dmesg: ProgramSpec = defineTool(
  {
    name: 'dmesg',
    usage: '[options]',
    about: 'Display or control the kernel ring buffer.',
    short: 'CcHJkl:PrSTtux',
    long: {
      clear: 'C',
      'read-clear': 'c',
      kernel: 'k',
      level: 'l',
      nopager: 'P',
      raw: 'r',
      ctime: 'T',
      notime: 't',
      userspace: 'u',
      decode: 'x',
    },
  },
  async (t, { options, operands }) => {
    if (operands.length > 0) t.usage('bad usage');
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const wanted = options
      .filter(({ key }) => key === 'l')
      .flatMap(({ value }) => (value ?? '').split(','));
    const unknown = wanted.find((name) => !LEVELS.includes(name));
    if (unknown !== undefined) t.fail(`unknown level '${unknown}'`);
    if (has('C')) t.fail('clear kernel buffer failed: Operation not permitted');
    if (has('c')) t.fail('read kernel buffer failed: Operation not permitted');
    if (has('u')) return 0; // nothing but the kernel writes there
    const bootSeconds = t.sys.bootTime();
    for (const line of (await readTextFile(t.sys, '/proc/kmsg')).split('\n')) {
      const [, priority, stamp, text] = RECORD.exec(line) ?? [];
      if (priority === undefined || stamp === undefined || text === undefined) continue;
      const level = LEVELS[Number(priority) & 7] ?? '';
      if (wanted.length > 0 && !wanted.includes(level)) continue;
      const body = fromUnicode(text);
      if (has('r')) t.put(`<${priority}>[${stamp.padStart(12)}] ${body}\n`);
      else {
        const decoded = has('x') ? `kern  :${level.padEnd(6)}: ` : '';
        const time = has('t')
          ? ''
          : has('T')
            ? `[${formatTime('%a %b %e %H:%M:%S %Y', civilTime(Math.floor(bootSeconds + Number(stamp))), 0)}] `
            : `[${stamp.padStart(12)}] `;
        t.put(`${decoded}${time}${body}\n`);
      }
    }
    return 0;
  },
);
