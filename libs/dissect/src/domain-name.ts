/**
 * Domain names with their compression (RFC 1035 §4.1.4, RFC 2673).
 */
import type { Printout } from './printout.js';
import { bytesText } from './text.js';

export interface NameText {
  readonly text: string;
  /** Where the name ends; undefined where it does not end in what was captured. */
  readonly next: number | undefined;
}

const POINTER = 0xc0;
const MAX_NAME = 255;

/** The name at `p`; pointers count from `message`. */
export function nameText(out: Printout, p: number, message: number): NameText {
  let at = p;
  let next: number | undefined;
  let limit = p - message;
  let text = '';
  let characters = 0;
  for (;;) {
    if (!out.has(at, 1)) return { text, next: undefined };
    const label = out.u8(at);
    at++;
    if (label === 0) {
      return { text: text === '' ? '.' : text, next: next ?? at };
    }
    // Nothing after the first byte of a label: whoever reads on finds out.
    if (!out.has(at, 1)) return { text, next: next ?? at + ((label & POINTER) === 0 ? label : 0) };
    if ((label & POINTER) === POINTER) {
      const target = ((label & 0x3f) << 8) | out.u8(at);
      next ??= at + 1;
      // A pointer goes back, else it may go round for ever.
      if (target >= limit) return { text: `${text}<BAD PTR>`, next: undefined };
      limit = target;
      at = message + target;
      continue;
    }
    if ((label & POINTER) === 0x40)
      return { text: `${text}<ELT ${label & 0x3f}>`, next: undefined };
    if ((label & POINTER) === 0x80) return { text: `${text}<BAD LABEL TYPE>`, next: undefined };
    text += bytesText(out, at, label);
    if (!out.has(at, label)) return { text, next: undefined };
    at += label;
    characters += label + 1;
    text += '.';
    if (characters > MAX_NAME) {
      return { text: `${text}<DOMAIN NAME TOO LONG>`, next: next ?? skipName(out, at) };
    }
  }
}

/** Where the name at `p` ends, without reading it. */
export function skipName(out: Printout, p: number): number | undefined {
  let at = p;
  for (;;) {
    if (!out.has(at, 1)) return undefined;
    const label = out.u8(at);
    at++;
    if (label === 0) return at;
    if ((label & POINTER) === POINTER) return at + 1;
    if ((label & POINTER) !== 0) return undefined;
    at += label;
  }
}
