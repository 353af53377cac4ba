/** awk's built-in functions over evaluated arguments. */
import {
  formatFloat,
  formatInteger,
  formatText,
  parseSpec,
  type FormatSpec,
} from '../tool/cformat.js';
import { civilTime, epochOf, epochSeconds } from '../tool/calendar.js';
import { formatTime } from '../tool/strftime.js';
import type { Regex } from '../regex/regex.js';
import type { Runtime } from './runtime.js';
import { toBigInt, toNumber, toText, toUnsigned, type Value } from './values.js';

/** sprintf: one formatted text; ends the program where arguments are missing, as mawk does. */
export function sprintf(rt: Runtime, name: string, format: string, args: readonly Value[]): string {
  let out = '';
  let used = 0;
  const take = (): Value => {
    if (used >= args.length && name === 'printf') rt.t.put(out);
    if (used >= args.length) rt.fatal(`not enough arguments passed to ${name}("${format}")`);
    return args[used++];
  };
  for (let at = 0; at < format.length;) {
    const next = format.indexOf('%', at);
    if (next < 0) return out + format.slice(at);
    out += format.slice(at, next);
    if (format[next + 1] === '%') {
      out += '%';
      at = next + 2;
      continue;
    }
    const parsed = parseSpec(format, next);
    if (parsed === undefined) return out + format.slice(next);
    let { spec } = parsed;
    if (spec.width === '*') {
      const width = Math.trunc(toNumber(take()));
      spec = { ...spec, width: Math.abs(width), flags: width < 0 ? `${spec.flags}-` : spec.flags };
    }
    if (spec.precision === '*') {
      const precision = Math.trunc(toNumber(take()));
      spec = { ...spec, precision: precision < 0 ? undefined : precision };
    }
    if (!'diouxXeEfFgGcs'.includes(spec.conversion)) {
      if (used >= args.length) take();
      rt.fatal(`improper conversion(number ${used + 1}) in ${name}("${format}")`);
    }
    out += convert(rt, spec, take());
    at = next + parsed.length;
  }
  return out;
}

function convert(rt: Runtime, spec: FormatSpec, value: Value): string {
  switch (spec.conversion) {
    case 'd':
    case 'i':
      return formatInteger(spec, toBigInt(toNumber(value)));
    case 'o':
    case 'u':
    case 'x':
    case 'X':
      return formatInteger(spec, toUnsigned(toNumber(value)));
    case 'c': {
      const char =
        typeof value === 'number'
          ? String.fromCharCode(Math.trunc(value) & 255)
          : toText(value, rt.convfmt).charAt(0) || '\0';
      return formatText(spec, char);
    }
    case 's':
      return formatText(spec, toText(value, rt.convfmt));
    default: {
      const number = toNumber(value);
      return Number.isNaN(number)
        ? formatText({ ...spec, precision: undefined }, '-nan')
        : formatFloat(spec, number);
    }
  }
}

/** substr as this mawk counts: both numbers are cut to whole ones, and a start before 1 lengthens the piece. */
export function substr(text: string, start: number, length: number | undefined): string {
  let begin = Math.trunc(Number.isNaN(start) ? 0 : start);
  let count = length === undefined ? Infinity : Math.trunc(Number.isNaN(length) ? 0 : length);
  if (begin < 1) {
    count -= begin;
    begin = 1;
  }
  return count <= 0 ? '' : text.slice(begin - 1, begin - 1 + count);
}

/** The replacement text of sub and gsub for one match. */
function replacement(template: string, matched: string): string {
  if (!/[&\\]/.test(template)) return template;
  return template.replace(/\\\\(?=&)|\\&|&/g, (part) =>
    part === '&' ? matched : part === '\\&' ? '&' : '\\',
  );
}

/** sub and gsub: the new text and how many matches were replaced. */
export function substitute(
  text: string,
  regex: Regex,
  template: string,
  global: boolean,
): { text: string; count: number } {
  let out = '';
  let copied = 0;
  let count = 0;
  let previousEnd = -1;
  for (let from = 0; from <= text.length;) {
    const match = regex.exec(text, from);
    if (match === undefined) break;
    const empty = match.end === match.start;
    if (!(empty && match.start === previousEnd)) {
      out +=
        text.slice(copied, match.start) + replacement(template, text.slice(match.start, match.end));
      copied = match.end;
      count++;
      if (!global) break;
    }
    previousEnd = match.end;
    from = empty ? match.end + 1 : match.end;
  }
  return { text: out + text.slice(copied), count };
}

type Plain = (rt: Runtime, ...args: Value[]) => Value;

const text = (rt: Runtime, value: Value): string => toText(value, rt.convfmt);

/** Functions that neither block nor need anything but the values of their arguments. */
export const plainBuiltins: Readonly<Record<string, Plain>> = {
  substr: (rt, a, b, c) =>
    substr(text(rt, a), toNumber(b), c === undefined ? undefined : toNumber(c)),
  index: (rt, a, b) => {
    const needle = text(rt, b);
    return text(rt, a).indexOf(needle) + 1;
  },
  sprintf: (rt, format, ...args) => sprintf(rt, 'sprintf', text(rt, format), args),
  sin: (_rt, a) => Math.sin(toNumber(a)),
  cos: (_rt, a) => Math.cos(toNumber(a)),
  atan2: (_rt, a, b) => Math.atan2(toNumber(a), toNumber(b)),
  exp: (_rt, a) => Math.exp(toNumber(a)),
  log: (_rt, a) => Math.log(toNumber(a)),
  sqrt: (_rt, a) => Math.sqrt(toNumber(a)),
  int: (_rt, a) => Math.trunc(toNumber(a)),
  rand: (rt) => rt.random.fraction(),
  srand: (rt, a) => {
    const before = rt.seed;
    rt.seed = a === undefined ? epochSeconds(rt.t.sys) : toNumber(a);
    rt.random.seed(rt.seed);
    return before;
  },
  tolower: (rt, a) => text(rt, a).replace(/[A-Z]+/g, (part) => part.toLowerCase()),
  toupper: (rt, a) => text(rt, a).replace(/[a-z]+/g, (part) => part.toUpperCase()),
  systime: (rt) => epochSeconds(rt.t.sys),
  strftime: (rt, format, when) =>
    formatTime(
      format === undefined ? '%c' : text(rt, format),
      civilTime(when === undefined ? epochSeconds(rt.t.sys) : Math.trunc(toNumber(when))),
      0,
    ),
  mktime: (rt, a) => {
    const parts = text(rt, a)
      .trim()
      .split(/[ \t]+/)
      .map(Number);
    const [year, month, day, hour, minute, second] = parts;
    if (
      year === undefined ||
      month === undefined ||
      day === undefined ||
      hour === undefined ||
      minute === undefined ||
      second === undefined
    )
      return -1;
    return epochOf(year, month, day, hour, minute, second);
  },
};
