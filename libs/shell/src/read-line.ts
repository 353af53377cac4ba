/** Reading a line without taking more from the descriptor than the line: what `read`, `select` and a piped script need. */
import { KernelError } from '@netloom/base';
import { fromBytes } from './bytes.js';
import type { Shell } from './shell.js';
import { interruptibleRead } from './terminal-read.js';

/** One line without its newline; undefined at end of file. */
export async function readInputLine(sh: Shell, fd: number): Promise<string | undefined> {
  const read = await readUntil(sh, fd, { delimiter: 10, count: undefined, deadlineNs: undefined });
  return read.end === 'eof' && read.bytes.length === 0
    ? undefined
    : fromBytes(Uint8Array.from(read.bytes));
}

export interface ReadLimits {
  /** Byte that ends the text; -1 for none. */
  readonly delimiter: number;
  /** Characters at most. */
  readonly count: number | undefined;
  readonly deadlineNs: number | undefined;
}

export interface ReadResult {
  readonly bytes: number[];
  readonly end: 'delimiter' | 'count' | 'eof' | 'timeout' | 'interrupt';
}

/**
 * Reads up to a delimiter. A file is read in blocks and the offset moved back; anything else byte by byte, so that a
 * following command finds the rest.
 */
export async function readUntil(sh: Shell, fd: number, limits: ReadLimits): Promise<ReadResult> {
  const bytes: number[] = [];
  const seekable = limits.count === undefined && isSeekable(sh, fd);
  let characters = 0;
  for (;;) {
    if (limits.deadlineNs !== undefined) {
      const left = limits.deadlineNs - sh.sys.now();
      const [ready = 0] =
        left <= 0 && bytes.length > 0
          ? [0]
          : await sh.sys.poll([{ fd, events: 1 }], Math.max(0, left));
      if (ready === 0) return { bytes, end: 'timeout' };
    }
    const chunk = await interruptibleRead(sh, fd, seekable ? 1024 : 1);
    if (chunk === undefined) return { bytes, end: 'interrupt' };
    if (chunk.length === 0) return { bytes, end: 'eof' };
    const found = chunk.indexOf(limits.delimiter);
    if (found >= 0) {
      for (let at = 0; at < found; at++) bytes.push(chunk[at] ?? 0);
      if (seekable && found + 1 < chunk.length) sh.sys.seek(fd, found + 1 - chunk.length, 'cur');
      return { bytes, end: 'delimiter' };
    }
    for (const byte of chunk) bytes.push(byte);
    const last = bytes.at(-1) ?? 0;
    if (last < 0x80 || last >= 0xc0) characters++;
    if (limits.count !== undefined && characters >= limits.count && isWhole(bytes))
      return { bytes, end: 'count' };
  }
}

/** Whether the last character has all its UTF-8 bytes. */
function isWhole(bytes: readonly number[]): boolean {
  let at = bytes.length - 1;
  let trailing = 0;
  while (at >= 0 && trailing < 4 && ((bytes[at] ?? 0) & 0xc0) === 0x80) {
    at--;
    trailing++;
  }
  const lead = bytes[at] ?? 0;
  const wanted = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
  return trailing >= wanted;
}

function isSeekable(sh: Shell, fd: number): boolean {
  try {
    if (sh.sys.fstat(fd).type !== 'file') return false;
    sh.sys.seek(fd, 0, 'cur');
    return true;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return false;
  }
}
