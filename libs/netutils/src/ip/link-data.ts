/**
 * Helpers of the link types: reading typed values and printing attributes that may be absent.
 */
import type { LinkInfoData } from '@netloom/sys';
import { invalidArgument, parseUnsigned } from '../args.js';
import type { Out } from '../out.js';

/** A number below `max`, or `Error: argument "x" is wrong: MESSAGE`. */
export function numberValue(word: string, max: number, message: string, base = 0): number {
  const value = parseUnsigned(word, max, base);
  if (value === undefined) throw invalidArgument(message, word);
  return value;
}

/** Prints `data[key]` as `TEXT VALUE ` where it is present. */
export function show(out: Out, data: LinkInfoData, key: string, text = key): void {
  const value = data[key];
  if (value !== undefined) out.any(key, `${text} ${String(value)} `, value);
}

/** Prints a flag as `TEXT on ` or `TEXT off `. */
export function showOnOff(out: Out, data: LinkInfoData, key: string, text = key): void {
  const value = data[key];
  if (value === undefined) return;
  const on = value === true || value === 1;
  out.any(key, `${text} ${on ? 'on' : 'off'} `, on);
}

/** Prints a number of seconds with two decimals in seven columns. */
export function showTimer(out: Out, data: LinkInfoData, key: string): void {
  const value = data[key];
  if (typeof value === 'number')
    out.fixed(key, `${key} ${value.toFixed(2).padStart(7)} `, value, 2);
}
