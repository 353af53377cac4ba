/** The report of the `time` keyword. */
import type { Shell } from './shell.js';

/** `real`, `user` and `sys` lines, or what `$TIMEFORMAT` asks for. */
export function formatTimes(sh: Shell, realNs: number, userNs: number, posix: boolean): string {
  if (posix)
    return `real ${seconds(realNs, 2)}\nuser ${seconds(userNs, 2)}\nsys ${seconds(0, 2)}\n`;
  const format = sh.vars.value('TIMEFORMAT') ?? '\nreal\t%3lR\nuser\t%3lU\nsys\t%3lS';
  if (format === '') return '';
  const text = format.replace(
    /%(%|P|(\d?)(l?)([RUS]))/g,
    (_whole, all: string, digits: string, long: string, which: string) => {
      if (all === '%') return '%';
      if (all === 'P') return realNs === 0 ? '0.00' : ((100 * userNs) / realNs).toFixed(2);
      const value = which === 'R' ? realNs : which === 'U' ? userNs : 0;
      const places = digits === '' ? 3 : Math.min(3, Number(digits));
      return long === '' ? seconds(value, places) : minutes(value, places);
    },
  );
  return `${text}\n`;
}

function seconds(ns: number, places: number): string {
  const scale = 10 ** places;
  return (Math.floor((ns / 1e9) * scale) / scale).toFixed(places);
}

/** `1m2.345s`. */
export function minutes(ns: number, places: number): string {
  const whole = Math.floor(ns / 60e9);
  return `${whole}m${seconds(ns - whole * 60e9, places)}s`;
}
