/**
 * The dumps of -x, -X and -A. All text starts with the line feed that ends the line before.
 */

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

const isGraphic = (byte: number): boolean => byte > 0x20 && byte < 0x7f;

const offsetText = (offset: number, indent = '\n\t'): string =>
  `${indent}0x${offset.toString(16).padStart(4, '0')}: `;

function hexWords(mem: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) {
    text += ((i - from) % 2 === 0 ? ' ' : '') + (HEX[mem[i] ?? 0] ?? '');
  }
  return text;
}

/** -x: sixteen bytes a line. */
export function hexDump(mem: Uint8Array, start: number, length: number, indent = '\n\t'): string {
  let text = '';
  for (let at = 0; at < length; at += 16) {
    text += offsetText(at, indent) + hexWords(mem, start + at, start + Math.min(at + 16, length));
  }
  return text;
}

/** -X: the same with the printable characters beside. */
export function hexAsciiDump(mem: Uint8Array, start: number, length: number): string {
  let text = '';
  for (let at = 0; at < length; at += 16) {
    const from = start + at;
    const to = start + Math.min(at + 16, length);
    let chars = '';
    for (let i = from; i < to; i++) {
      const byte = mem[i] ?? 0;
      chars += isGraphic(byte) ? String.fromCharCode(byte) : '.';
    }
    text += `${offsetText(at)}${hexWords(mem, from, to).padEnd(40)}  ${chars}`;
  }
  return text;
}

/**
 * -A: text as it is, other bytes as dots. A carriage return before a line feed is left out, and so is one
 * that has less than two bytes after it, as tcpdump has it.
 */
export function asciiDump(mem: Uint8Array, start: number, length: number): string {
  let text = '\n';
  for (let i = 0; i < length; i++) {
    const byte = mem[start + i] ?? 0;
    if (byte === 0x0d && (i + 2 >= length || mem[start + i + 1] === 0x0a)) continue;
    const shown = isGraphic(byte) || byte === 0x09 || byte === 0x20 || byte === 0x0a;
    text += shown ? String.fromCharCode(byte) : '.';
  }
  return text;
}
