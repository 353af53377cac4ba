/** strftime(3) with GNU date's flags, widths and %N, in the C locale and UTC. */
import { daysFromCivil, type CivilTime } from './calendar.js';

export const weekdays = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
] as const;
export const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;

function isoWeek(time: CivilTime): { year: number; week: number } {
  const thursday = Math.floor(time.epoch / 86400) + 4 - (time.weekday === 0 ? 7 : time.weekday);
  for (const year of [time.year + 1, time.year, time.year - 1]) {
    const start = daysFromCivil(year, 1, 1);
    if (thursday >= start) return { year, week: Math.floor((thursday - start) / 7) + 1 };
  }
  return { year: time.year, week: 1 };
}

interface Field {
  readonly text: string;
  /** Padding of numbers: their natural width and fill. */
  readonly width?: number;
  readonly fill?: string;
}

function number(value: number, width: number, fill = '0'): Field {
  return { text: String(value), width, fill };
}

function field(letter: string, time: CivilTime, nanoseconds: number): Field | undefined {
  const weekday = weekdays[time.weekday] ?? '';
  const month = months[time.month - 1] ?? '';
  const twelve = time.hour % 12 === 0 ? 12 : time.hour % 12;
  const whole = (format: string): Field => ({ text: formatTime(format, time, nanoseconds) });
  switch (letter) {
    case '%':
      return { text: '%' };
    case 'a':
      return { text: weekday.slice(0, 3) };
    case 'A':
      return { text: weekday };
    case 'b':
    case 'h':
      return { text: month.slice(0, 3) };
    case 'B':
      return { text: month };
    case 'c':
      return whole('%a %b %e %H:%M:%S %Y');
    case 'C':
      return number(Math.floor(time.year / 100), 2);
    case 'd':
      return number(time.day, 2);
    case 'D':
    case 'x':
      return whole('%m/%d/%y');
    case 'e':
      return number(time.day, 2, ' ');
    case 'F':
      return whole('%Y-%m-%d');
    case 'g':
      return number(isoWeek(time).year % 100, 2);
    case 'G':
      return number(isoWeek(time).year, 4);
    case 'H':
      return number(time.hour, 2);
    case 'I':
      return number(twelve, 2);
    case 'j':
      return number(time.yearday, 3);
    case 'k':
      return number(time.hour, 2, ' ');
    case 'l':
      return number(twelve, 2, ' ');
    case 'm':
      return number(time.month, 2);
    case 'M':
      return number(time.minute, 2);
    case 'n':
      return { text: '\n' };
    case 'N':
      return { text: String(nanoseconds).padStart(9, '0') };
    case 'p':
      return { text: time.hour < 12 ? 'AM' : 'PM' };
    case 'P':
      return { text: time.hour < 12 ? 'am' : 'pm' };
    case 'q':
      return number(Math.ceil(time.month / 3), 1);
    case 'r':
      return whole('%I:%M:%S %p');
    case 'R':
      return whole('%H:%M');
    case 's':
      return number(time.epoch, 1);
    case 'S':
      return number(time.second, 2);
    case 't':
      return { text: '\t' };
    case 'T':
    case 'X':
      return whole('%H:%M:%S');
    case 'u':
      return number(time.weekday === 0 ? 7 : time.weekday, 1);
    case 'U':
      return number(Math.floor((time.yearday + 6 - time.weekday) / 7), 2);
    case 'V':
      return number(isoWeek(time).week, 2);
    case 'w':
      return number(time.weekday, 1);
    case 'W':
      return number(Math.floor((time.yearday + 6 - ((time.weekday + 6) % 7)) / 7), 2);
    case 'y':
      return number(time.year % 100, 2);
    case 'Y':
      return number(time.year, 4);
    case 'z':
      return { text: '+0000' };
    case 'Z':
      return { text: 'UTC' };
    default:
      return undefined;
  }
}

/** A time by a format; directives that do not exist stay as they are. */
export function formatTime(format: string, time: CivilTime, nanoseconds: number): string {
  return format.replace(
    /%([-_0^#+]*)(\d*)([EO]?)(:{0,3})([a-zA-Z%])/g,
    (
      all: string,
      flags: string,
      width: string,
      _modifier: string,
      colons: string,
      letter: string,
    ) => {
      if (colons !== '')
        return letter === 'z'
          ? ({ 1: '+00:00', 2: '+00:00:00', 3: '+00' }[colons.length] ?? all)
          : all;
      const found = field(letter, time, nanoseconds);
      if (found === undefined) return all;
      if (letter === 'N')
        return width !== ''
          ? found.text.slice(0, Number(width)).padEnd(Number(width), '0')
          : flags.includes('-')
            ? found.text.replace(/0+$/, '')
            : found.text;
      let { text } = found;
      if (flags.includes('^')) text = text.toUpperCase();
      if (flags.includes('#')) text = letter === 'p' ? text.toLowerCase() : text.toUpperCase();
      const flag = /[-_0]/.exec([...flags].reverse().join(''))?.[0];
      if (flag === '-') return text;
      const fill = flag === '_' ? ' ' : flag === '0' ? '0' : (found.fill ?? ' ');
      return text.padStart(width === '' ? (found.width ?? 0) : Number(width), fill);
    },
  );
}
