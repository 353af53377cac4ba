/**
 * Bytes of a packet as text, made harmless for a terminal.
 */
import type { Printout } from './printout.js';

/** One byte: control characters as ^X, bytes above 127 as M-… (as cat -v). */
export function charText(byte: number): string {
  const high = byte > 127 ? 'M-' : '';
  const low = byte & 127;
  if (low < 32 || low === 127) return `${high}^${String.fromCharCode(low ^ 0x40)}`;
  return high + String.fromCharCode(low);
}

/** `length` bytes; what was not captured is missing. */
export function bytesText(out: Printout, p: number, length: number): string {
  let text = '';
  const end = p + Math.min(length, out.available(p));
  for (let i = p; i < end; i++) text += charText(out.mem[i] ?? 0);
  return text;
}

/** Up to a zero byte or `length`. */
export function zeroEndedText(
  out: Printout,
  p: number,
  length: number,
): { readonly text: string; readonly ended: boolean } {
  let text = '';
  for (let i = 0; i < length; i++) {
    const byte = out.u8(p + i);
    if (byte === 0) return { text, ended: true };
    text += charText(byte);
  }
  return { text, ended: false };
}

/** A time of `seconds` as 1w2d3h4m5s. */
export function periodText(seconds: number): string {
  if (seconds === 0) return '0s';
  const units = [
    ['y', 31536000],
    ['w', 604800],
    ['d', 86400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const;
  let left = seconds;
  let text = '';
  for (const [letter, size] of units) {
    const count = Math.floor(left / size);
    if (count > 0) text += `${count}${letter}`;
    left -= count * size;
  }
  return text;
}
