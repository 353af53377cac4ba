/** touch: the time of a file. */
import { OpenFlag } from '@netloom/sys';
import { toUnicode } from '../tool/bytes.js';
import { epochSeconds } from '../tool/calendar.js';
import { parseDate } from '../tool/parse-date.js';
import { quoteAlways } from '../tool/quote.js';
import { defineTool } from '../tool/tool.js';
import { statMaybe } from './paths.js';

export const touch = defineTool(
  {
    name: 'touch',
    usage: '[OPTION]... FILE...',
    about: 'Update the access and modification times of each FILE to the current time.',
    short: 'acd:fhmr:t:',
    long: { 'no-create': 'c', date: 'd:', 'no-dereference': 'h', reference: 'r:', time: '--time:' },
  },
  (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const value = (key: string): string | undefined =>
      options.filter((option) => option.key === key).pop()?.value;
    if (operands.length === 0) t.usage('missing file operand');
    const { sys } = t;
    let mtimeNs = sys.now();
    const [reference, date, stamp] = [value('r'), value('d'), value('t')];
    if (reference !== undefined) {
      const stat = statMaybe(sys, reference);
      if (stat === undefined)
        return t.fail(
          `failed to get attributes of ${quoteAlways(reference)}: No such file or directory`,
        );
      mtimeNs = stat.mtimeNs;
    }
    if (date !== undefined || stamp !== undefined) {
      const parsed =
        date !== undefined
          ? parseDate(date, epochSeconds(sys), sys.now() % 1e9)
          : parseStamp(stamp ?? '', epochSeconds(sys));
      if (parsed === undefined)
        return t.fail(`invalid date format ${quoteAlways(date ?? stamp ?? '')}`);
      mtimeNs = Math.round((parsed.seconds - sys.bootTime()) * 1e9) + parsed.nanoseconds;
    }
    for (const path of operands) {
      try {
        if (statMaybe(sys, path) === undefined) {
          if (has('c')) continue;
          sys.close(
            sys.open(
              toUnicode(path),
              OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_NONBLOCK,
              0o666,
            ),
          );
        }
        sys.utimes(toUnicode(path), mtimeNs);
      } catch (error) {
        t.warnErrno(`cannot touch ${quoteAlways(path)}`, error);
      }
    }
    return Promise.resolve(t.status);
  },
);

/** `[[CC]YY]MMDDhhmm[.ss]`. */
export function parseStamp(
  text: string,
  now: number,
): { seconds: number; nanoseconds: number } | undefined {
  const match = /^(?:(\d\d)?(\d\d))?(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d\d))?$/.exec(text);
  if (match === null) return undefined;
  const [, century, year, month, day, hour, minute, second = '00'] = match;
  const thisYear =
    parseDate('now', now, 0) === undefined ? 1970 : 1970 + Math.floor(now / 31556952);
  const full =
    year === undefined
      ? thisYear
      : century === undefined
        ? (Number(year) < 69 ? 2000 : 1900) + Number(year)
        : Number(century + year);
  return parseDate(
    `${full}-${month ?? ''}-${day ?? ''} ${hour ?? ''}:${minute ?? ''}:${second}`,
    now,
    0,
  );
}
