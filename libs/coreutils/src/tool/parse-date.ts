/** Dates as date -d and touch -d read them, in UTC: ISO dates, `@seconds`, `now`, `tomorrow`, `2 hours ago`, … */
import { civilTime, epochOf } from './calendar.js';
import { months, weekdays } from './strftime.js';

export interface Moment {
  readonly seconds: number;
  readonly nanoseconds: number;
}

const units: Readonly<Record<string, number>> = {
  sec: 1,
  second: 1,
  min: 60,
  minute: 60,
  hour: 3600,
  day: 86400,
  week: 604800,
  fortnight: 1209600,
};
const namedCounts: Readonly<Record<string, number>> = { next: 1, last: -1, this: 0, a: 1, an: 1 };

/** undefined where the text is no date. */
export function parseDate(text: string, now: number, nowNanoseconds: number): Moment | undefined {
  const stamp = /^\s*@(-?\d+)(?:[.,](\d+))?\s*$/.exec(text);
  if (stamp !== null)
    return {
      seconds: Number(stamp[1]),
      nanoseconds: Number((stamp[2] ?? '0').padEnd(9, '0').slice(0, 9)),
    };
  const base = civilTime(now);
  let { year, month, day, hour, minute, second } = base;
  let nanoseconds = nowNanoseconds;
  let shift = 0;
  let zone = 0;
  let dateGiven = false;
  let timeGiven = false;
  let weekday: number | undefined;
  let rest = text.trim().toLowerCase();
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const match = pattern.exec(rest);
    if (match === null) return undefined;
    rest = rest.slice(match[0].length).replace(/^[\s,]+/, '');
    return match;
  };
  while (rest !== '') {
    let match =
      take(/^(\d{4,})-(\d{1,2})-(\d{1,2})(?:t(?=\d))?/) ?? take(/^(\d{4})(\d\d)(\d\d)(?!\d)/);
    if (match !== undefined) {
      [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
      if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
      dateGiven = true;
      continue;
    }
    match = take(/^(\d{1,2})\/(\d{1,2})(?:\/(\d{2,4}))?(?!\d)/);
    if (match !== undefined) {
      [month, day] = [Number(match[1]), Number(match[2])];
      if (match[3] !== undefined) year = Number(match[3]) + (match[3].length === 2 ? 2000 : 0);
      dateGiven = true;
      continue;
    }
    match = take(/^(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*([ap]m)?/);
    if (match !== undefined) {
      [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
      if (match[5] !== undefined) hour = (hour % 12) + (match[5] === 'pm' ? 12 : 0);
      if (hour > 23 || minute > 59 || second > 60) return undefined;
      nanoseconds = Number((match[4] ?? '0').padEnd(9, '0').slice(0, 9));
      timeGiven = true;
      match = take(/^([-+])(\d\d):?(\d\d)?(?!\d)/);
      if (match !== undefined)
        zone = (match[1] === '-' ? 1 : -1) * (Number(match[2]) * 3600 + Number(match[3] ?? 0) * 60);
      continue;
    }
    if (take(/^(utc|gmt|z)(?![a-z])/) !== undefined) continue;
    match = take(/^(now|today|tomorrow|yesterday|midnight|noon)(?![a-z])/);
    if (match !== undefined) {
      if (match[1] === 'tomorrow') shift += 86400;
      if (match[1] === 'yesterday') shift -= 86400;
      if (match[1] === 'midnight' || match[1] === 'noon')
        [hour, minute, second, nanoseconds, timeGiven] = [
          match[1] === 'noon' ? 12 : 0,
          0,
          0,
          0,
          true,
        ];
      continue;
    }
    match = take(
      /^([-+]?\s*\d+|next|last|this|an?)?\s*(sec|second|min|minute|hour|day|week|fortnight|month|year)s?(?![a-z])(\s+ago(?![a-z]))?/,
    );
    if (match !== undefined) {
      const count = namedCounts[match[1] ?? 'a'] ?? Number((match[1] ?? '1').replace(/\s/g, ''));
      const signed = match[3] === undefined ? count : -count;
      if (match[2] === 'month') month += signed;
      else if (match[2] === 'year') year += signed;
      else shift += signed * (units[match[2] ?? ''] ?? 0);
      continue;
    }
    match = take(/^(next|last|this)?\s*(sun|mon|tue|wed|thu|fri|sat)[a-z]*(?![a-z])/);
    if (match !== undefined) {
      weekday = weekdays.findIndex((name) => name.toLowerCase().startsWith(match?.[2] ?? ''));
      const ordinal = namedCounts[match[1] ?? 'this'] ?? 0;
      shift += 604800 * (ordinal - (ordinal > 0 && weekday !== base.weekday ? 1 : 0));
      continue;
    }
    match = take(/^(\d{1,2})?\s*([a-z]{3,})\.?\s*(\d{1,2})?(?!\d|:)(?:[\s,]+(\d{4})(?!\d|:))?/);
    const word = match?.[2] ?? '';
    const monthIndex = months.findIndex((name) => name.toLowerCase().startsWith(word));
    if (match !== undefined && monthIndex >= 0) {
      month = monthIndex + 1;
      day = Number(match[1] ?? match[3] ?? 1);
      if (match[4] !== undefined) year = Number(match[4]);
      dateGiven = true;
    } else return undefined;
  }
  if ((dateGiven || weekday !== undefined || /^\s*$/.test(text)) && !timeGiven)
    [hour, minute, second, nanoseconds] = [0, 0, 0, 0];
  if (weekday !== undefined && !dateGiven) shift += ((weekday - base.weekday + 7) % 7) * 86400;
  return { seconds: epochOf(year, month, day, hour, minute, second) + shift + zone, nanoseconds };
}
