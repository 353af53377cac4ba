/** The virtual clock as a calendar: seconds since 1970 and the proleptic Gregorian date, in UTC. */
import type { Sys } from '@netloom/sys';

/** CLOCK_REALTIME: whole seconds since 1970, and nanoseconds. */
export function realTime(sys: Sys): { seconds: number; nanoseconds: number } {
  const boot = sys.bootTime();
  const bootSeconds = Math.floor(boot);
  const total = Math.round((boot - bootSeconds) * 1e9) + (sys.now() % 1e9);
  return {
    seconds: bootSeconds + Math.floor(sys.now() / 1e9) + Math.floor(total / 1e9),
    nanoseconds: total % 1e9,
  };
}

/** The calendar time of a moment of the host's clock (such as a file's mtime). */
export function realTimeOf(
  sys: Sys,
  sinceBootNs: number,
): { seconds: number; nanoseconds: number } {
  const boot = sys.bootTime();
  const bootSeconds = Math.floor(boot);
  const whole = Math.floor(sinceBootNs / 1e9);
  const total = Math.round((boot - bootSeconds) * 1e9) + (sinceBootNs - whole * 1e9);
  return { seconds: bootSeconds + whole + Math.floor(total / 1e9), nanoseconds: total % 1e9 };
}

export function epochSeconds(sys: Sys): number {
  return realTime(sys).seconds;
}

export interface CivilTime {
  readonly epoch: number;
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** 1 to 366. */
  readonly yearday: number;
}

/** Days since 1970-01-01 of a date (months may be out of range). */
export function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = year + Math.floor((month - 1) / 12);
  const m = (((month - 1) % 12) + 12) % 12;
  const y = m < 2 ? shifted - 1 : shifted;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * ((m + 10) % 12) + 2) / 5) + day - 1;
  return (
    era * 146097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719468
  );
}

/** Seconds since 1970 of a UTC date. */
export function epochOf(
  year: number,
  month: number,
  day: number,
  hour = 0,
  minute = 0,
  second = 0,
): number {
  return daysFromCivil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

export function civilTime(epoch: number): CivilTime {
  const days = Math.floor(epoch / 86400);
  const rest = epoch - days * 86400;
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
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return {
    epoch,
    year,
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
    hour: Math.floor(rest / 3600),
    minute: Math.floor((rest % 3600) / 60),
    second: rest % 60,
    weekday: (((days + 4) % 7) + 7) % 7,
    yearday: days - daysFromCivil(year, 1, 1) + 1,
  };
}
