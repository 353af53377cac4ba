/**
 * Small helpers over descriptors that every program uses: text out, line-wise text in. They block as read and write do.
 */
import type { Sys } from './sys.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** UTF-8 bytes of a text. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

/** A text from UTF-8 bytes (malformed bytes become U+FFFD). */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Writes text to standard output. */
export async function print(sys: Sys, text: string): Promise<void> {
  if (text !== '') await sys.write(1, encoder.encode(text));
}

/** Writes text to standard error. */
export async function printErr(sys: Sys, text: string): Promise<void> {
  if (text !== '') await sys.write(2, encoder.encode(text));
}

/** Everything up to end of file. */
export async function readAll(sys: Sys, fd: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const chunk = await sys.read(fd, 65536);
    if (chunk.length === 0) break;
    chunks.push(chunk);
    total += chunk.length;
  }
  const out = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** Lines as they arrive, without their newline; `last.terminated` tells whether the final one had one. */
export async function* readLines(
  sys: Sys,
  fd: number,
  last?: { terminated: boolean },
): AsyncGenerator<string> {
  const streaming = new TextDecoder();
  let rest = '';
  for (;;) {
    const chunk = await sys.read(fd, 65536);
    if (chunk.length === 0) break;
    rest += streaming.decode(chunk, { stream: true });
    let from = 0;
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n', from)) {
      yield rest.slice(from, at);
      from = at + 1;
    }
    rest = rest.slice(from);
  }
  if (last !== undefined) last.terminated = rest === '';
  if (rest !== '') yield rest;
}

/** The text of a whole file; throws KernelError as open and read do. */
export async function readTextFile(sys: Sys, path: string): Promise<string> {
  const fd = sys.open(path, 0);
  try {
    return decoder.decode(await readAll(sys, fd));
  } finally {
    sys.close(fd);
  }
}
