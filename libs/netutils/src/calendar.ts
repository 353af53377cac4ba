/**
 * Calendar texts in UTC (a simulated host's clock has no time zone), from seconds since 1970.
 */
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export interface CivilTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** Days since 1970 and seconds of the day as a civil date (the days-from-civil method, proleptic Gregorian). */
export function civilTime(seconds: number): CivilTime {
  const days = Math.floor(seconds / 86400);
  const rest = Math.floor(seconds - days * 86400);
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36524) -
      Math.floor(dayOfEra / 146096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day,
    weekday: (((days + 4) % 7) + 7) % 7,
    hour: Math.floor(rest / 3600),
    minute: Math.floor((rest % 3600) / 60),
    second: rest % 60,
  };
}

const two = (value: number): string => String(value).padStart(2, '0');

/** `HH:MM:SS`. */
export function clockText(seconds: number): string {
  const t = civilTime(seconds);
  return `${two(t.hour)}:${two(t.minute)}:${two(t.second)}`;
}

/** `YYYY-MM-DD HH:MM:SS` with `separator` in the middle. */
export function dateText(seconds: number, separator = ' '): string {
  const t = civilTime(seconds);
  return `${t.year}-${two(t.month)}-${two(t.day)}${separator}${clockText(seconds)}`;
}

/** ctime(3)'s form, without the line end. */
export function calendarText(seconds: number): string {
  const t = civilTime(seconds);
  return `${DAYS[t.weekday] ?? ''} ${MONTHS[t.month - 1] ?? ''} ${String(t.day).padStart(2)} ${clockText(seconds)} ${t.year}`;
}

/** `Sat, 21 Nov 2026 07:19:54 GMT`, the form of RFC 9110 §5.6.7. */
export function httpDateText(seconds: number): string {
  const t = civilTime(seconds);
  return `${DAYS[t.weekday] ?? ''}, ${two(t.day)} ${MONTHS[t.month - 1] ?? ''} ${t.year} ${clockText(seconds)} GMT`;
}
