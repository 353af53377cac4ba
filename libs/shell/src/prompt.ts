/** Prompt escapes: `\u \h \w \$ \t \e \[ …` of PS1, PS2, PS4 and `${x@P}`. Parameters in prompts are expanded by the caller. */
import type { Shell } from './shell.js';

/** The text of a prompt, with `\[` and `\]` removed. */
export function expandPrompt(sh: Shell, prompt: string): string {
  let out = '';
  for (let at = 0; at < prompt.length; at++) {
    const char = prompt[at] ?? '';
    if (char !== '\\') {
      out += char;
      continue;
    }
    const next = prompt[++at] ?? '';
    const octal = /^[0-7]{3}/.exec(prompt.slice(at));
    if (octal !== null) {
      out += String.fromCharCode(parseInt(octal[0], 8));
      at += 2;
    } else if (next === 'D' && prompt[at + 1] === '{') {
      const end = prompt.indexOf('}', at);
      const format = prompt.slice(at + 2, end < 0 ? undefined : end);
      out += strftime(sh, format === '' ? '%H:%M:%S' : format);
      at = end < 0 ? prompt.length : end;
    } else out += escape(sh, next);
  }
  return out;
}

function escape(sh: Shell, letter: string): string {
  switch (letter) {
    case 'u':
      return 'root';
    case 'h':
      return sh.sys.hostname().split('.')[0] ?? '';
    case 'H':
      return sh.sys.hostname();
    case 'w':
      return homeShort(sh, sh.vars.value('PWD') ?? '');
    case 'W': {
      const path = homeShort(sh, sh.vars.value('PWD') ?? '');
      return path === '/' || path === '~' ? path : path.slice(path.lastIndexOf('/') + 1);
    }
    case '$':
      return sh.sys.getuid() === 0 ? '#' : '$';
    case 't':
      return strftime(sh, '%H:%M:%S');
    case 'T':
      return strftime(sh, '%I:%M:%S');
    case 'A':
      return strftime(sh, '%H:%M');
    case '@':
      return strftime(sh, '%I:%M %p');
    case 'd':
      return strftime(sh, '%a %b %d');
    case 's':
      return sh.shellName().slice(sh.shellName().lastIndexOf('/') + 1);
    case 'v':
      return '5.2';
    case 'V':
      return '5.2.15';
    case 'j':
      return String(sh.jobs.list().length);
    case 'l':
      return 'tty';
    case '!':
    case '#':
      return String(sh.history.length + 1);
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 'a':
      return '\x07';
    case 'e':
      return '\x1b';
    case '\\':
      return '\\';
    case '[':
    case ']':
      return '';
    default:
      return `\\${letter}`;
  }
}

function homeShort(sh: Shell, path: string): string {
  const home = sh.vars.value('HOME') ?? '';
  if (home === '' || home === '/') return path;
  return path === home ? '~' : path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
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
];

/** Seconds since 1970, UTC, by the host's virtual clock unless given. */
export function strftime(sh: Shell, format: string, at?: number): string {
  const epoch = at ?? Math.floor(sh.sys.bootTime() + sh.sys.now() / 1e9);
  const days = Math.floor(epoch / 86400);
  const inDay = epoch - days * 86400;
  const { year, month, day, yearDay } = civil(days);
  const hour = Math.floor(inDay / 3600);
  const minute = Math.floor(inDay / 60) % 60;
  const second = inDay % 60;
  const weekDay = (((days + 4) % 7) + 7) % 7;
  const two = (value: number): string => String(value).padStart(2, '0');
  const render = (letter: string): string => {
    switch (letter) {
      case 'Y':
        return String(year);
      case 'y':
        return two(year % 100);
      case 'C':
        return two(Math.floor(year / 100));
      case 'm':
        return two(month + 1);
      case 'd':
        return two(day);
      case 'e':
        return String(day).padStart(2);
      case 'H':
        return two(hour);
      case 'I':
        return two(hour % 12 === 0 ? 12 : hour % 12);
      case 'M':
        return two(minute);
      case 'S':
        return two(second);
      case 'p':
        return hour < 12 ? 'AM' : 'PM';
      case 'j':
        return String(yearDay + 1).padStart(3, '0');
      case 's':
        return String(epoch);
      case 'a':
        return (DAYS[weekDay] ?? '').slice(0, 3);
      case 'A':
        return DAYS[weekDay] ?? '';
      case 'b':
      case 'h':
        return (MONTHS[month] ?? '').slice(0, 3);
      case 'B':
        return MONTHS[month] ?? '';
      case 'u':
        return String(weekDay === 0 ? 7 : weekDay);
      case 'w':
        return String(weekDay);
      case 'F':
        return `${year}-${two(month + 1)}-${two(day)}`;
      case 'T':
      case 'X':
        return `${two(hour)}:${two(minute)}:${two(second)}`;
      case 'R':
        return `${two(hour)}:${two(minute)}`;
      case 'D':
      case 'x':
        return `${two(month + 1)}/${two(day)}/${two(year % 100)}`;
      case 'c':
        return `${render('a')} ${render('b')} ${render('e')} ${render('T')} ${year}`;
      case 'Z':
        return 'UTC';
      case 'z':
        return '+0000';
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case '%':
        return '%';
      default:
        return `%${letter}`;
    }
  };
  return format.replace(/%([A-Za-z%])/g, (_whole, letter: string) => render(letter));
}

/** Days since 1970 to a date of the Gregorian calendar. */
function civil(days: number): { year: number; month: number; day: number; yearDay: number } {
  let year = 1970 + Math.floor(days / 365.2425);
  const startOf = (of: number): number =>
    (of - 1970) * 365 +
    Math.floor((of - 1969) / 4) -
    Math.floor((of - 1901) / 100) +
    Math.floor((of - 1601) / 400);
  while (startOf(year) > days) year--;
  while (startOf(year + 1) <= days) year++;
  const yearDay = days - startOf(year);
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  let month = 0;
  let left = yearDay;
  while (month < 11 && left >= (lengths[month] ?? 31)) left -= lengths[month++] ?? 31;
  return { year, month, day: left + 1, yearDay };
}
