/**
 * Sysctl entries as their owners declare them; the composition root hangs them under /proc/sys.
 *
 * A value lives in its owner's object; an entry only knows how to read and write it as text. Errors are KernelError
 * (EINVAL for malformed or out-of-range numbers), as proc_dointvec_minmax gives them.
 */
import { KernelError } from '@netloom/base';
import type { Net } from './net.js';

export interface SysctlEntry {
  /** Below /proc/sys, such as `net/ipv4/ip_forward`. */
  readonly path: string;
  read(net: Net): string;
  /** Absent: read-only. */
  write?(net: Net, text: string): void;
  /** 0o644 where absent. */
  readonly mode?: number;
  /** `host`: only the first namespace has it; `shared`: the others see it and may not write it. */
  readonly scope?: 'host' | 'shared';
}

/** Reads one integer as proc_dointvec does. @errno EINVAL */
export function parseSysctlInt(text: string, min = -2147483648, max = 2147483647): number {
  const match = /^\s*([-+]?(?:0[xX][0-9a-fA-F]+|\d+))\s*$/.exec(text);
  const word = match?.[1];
  if (word === undefined) throw new KernelError('EINVAL');
  const negative = word.startsWith('-');
  const digits = word.replace(/^[-+]/, '');
  const value = /^0[xX]/.test(digits)
    ? parseInt(digits, 16)
    : /^0\d/.test(digits)
      ? parseInt(digits, 8)
      : Number(digits);
  const signed = negative ? -value : value;
  if (!Number.isSafeInteger(signed) || signed < min || signed > max)
    throw new KernelError('EINVAL');
  return signed;
}

/** Reads several integers separated by blanks. @errno EINVAL */
export function parseSysctlInts(text: string, count: number, min?: number, max?: number): number[] {
  const words = text.trim().split(/\s+/);
  if (words.length !== count) throw new KernelError('EINVAL');
  return words.map((word) => parseSysctlInt(word, min, max));
}
