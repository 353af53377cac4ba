/** jq's broken-down times. */
import { civilTime, epochOf } from '../tool/calendar.js';
import { JqError } from './paths.js';
import { type Json } from './json.js';

export function brokenDown(seconds: number): Json[] {
  const time = civilTime(Math.floor(seconds));
  return [
    time.year,
    time.month - 1,
    time.day,
    time.hour,
    time.minute,
    time.second + (seconds - Math.floor(seconds)),
    time.weekday,
    time.yearday - 1,
  ];
}

export function fromBroken(value: Json, what: string): number {
  const parts = Array.isArray(value)
    ? value.map((part) => (typeof part === 'number' ? part : NaN))
    : [];
  const [year, month, day, hour = 0, minute = 0, second = 0] = parts;
  if (year === undefined || month === undefined || day === undefined || parts.some(Number.isNaN))
    throw new JqError(`${what} requires parsed datetime inputs`);
  return epochOf(year, month + 1, day, hour, minute, Math.floor(second));
}

export const monthNames = [
  'jan',
  'feb',
  'mar',
  'apr',
  'may',
  'jun',
  'jul',
  'aug',
  'sep',
  'oct',
  'nov',
  'dec',
];

export function strptime(source: string, format: string): Json[] {
  const found: Record<string, string> = {};
  const order: string[] = [];
  const expanded = format
    .replaceAll('%T', '%H:%M:%S')
    .replaceAll('%F', '%Y-%m-%d')
    .replaceAll('%R', '%H:%M')
    .replaceAll('%D', '%m/%d/%y');
  const pattern = expanded
    .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    .replace(/%([a-zA-Z%])/g, (_all, letter: string) => {
      if (letter === '%') return '%';
      order.push(letter);
      return letter === 'Z'
        ? '([A-Za-z]+)'
        : letter === 'z'
          ? '([-+]\\d{2}:?\\d{2}|Z)'
          : 'aAbBhp'.includes(letter)
            ? '([A-Za-z]+)'
            : letter === 's'
              ? '(\\d+)'
              : letter === 'Y'
                ? '(\\d{4})'
                : '\\s*(\\d{1,3})';
    });
  const match = new RegExp(`^${pattern}$`).exec(source);
  if (match === null) throw new JqError(`date "${source}" does not match format "${format}"`);
  order.forEach((letter, index) => (found[letter] = match[index + 1] ?? ''));
  if (found['s'] !== undefined) return brokenDown(Number(found['s']));
  const named = monthNames.indexOf(
    (found['b'] ?? found['B'] ?? found['h'] ?? '').slice(0, 3).toLowerCase(),
  );
  const year =
    found['Y'] === undefined
      ? found['y'] === undefined
        ? 1900
        : 2000 + Number(found['y'])
      : Number(found['Y']);
  const month = found['m'] === undefined ? (named < 0 ? 1 : named + 1) : Number(found['m']);
  const day = Number(
    found['d'] ?? found['e'] ?? (found['m'] === undefined && found['Y'] === undefined ? 0 : 1),
  );
  const time = civilTime(
    epochOf(
      year,
      month,
      Math.max(1, day),
      Number(found['H'] ?? 0),
      Number(found['M'] ?? 0),
      Number(found['S'] ?? 0),
    ),
  );
  return [
    time.year,
    time.month - 1,
    day,
    time.hour,
    time.minute,
    time.second,
    time.weekday,
    time.yearday - 1,
  ];
}
