/**
 * Bytes to shell strings and back, losslessly.
 *
 * A shell handles arbitrary bytes, and JavaScript strings are UTF-16. Valid UTF-8 becomes ordinary text; every byte that
 * is not part of valid UTF-8 becomes one lone surrogate U+DC80 to U+DCFF, and turns back into that byte on the way out.
 */

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LONE_BYTE = /[\udc80-\udcff]/u;

/** The bytes a shell string stands for. */
export function toBytes(text: string): Uint8Array {
  if (!LONE_BYTE.test(text)) return encoder.encode(text);
  const out: number[] = [];
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) out.push(code - 0xdc00);
    else if (code < 0x80) out.push(code);
    else out.push(...encoder.encode(char));
  }
  return Uint8Array.from(out);
}

/** The shell string of these bytes. */
export function fromBytes(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return decodeLoosely(bytes);
  }
}

/** One byte as a shell string: what `\xff` in a format stands for. */
export function byteChar(byte: number): string {
  return String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);
}

/** Joins bytes that were appended one by one into the characters they form. */
export function normalizeBytes(text: string): string {
  return LONE_BYTE.test(text) ? fromBytes(toBytes(text)) : text;
}

function decodeLoosely(bytes: Uint8Array): string {
  let out = '';
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0;
    const length =
      lead < 0x80
        ? 1
        : lead >= 0xc2 && lead < 0xe0
          ? 2
          : lead >= 0xe0 && lead < 0xf0
            ? 3
            : lead >= 0xf0 && lead < 0xf5
              ? 4
              : 0;
    if (length === 1) {
      out += String.fromCharCode(lead);
      at += 1;
      continue;
    }
    let text: string | undefined;
    if (length > 0 && at + length <= bytes.length) {
      try {
        text = strictDecoder.decode(bytes.subarray(at, at + length));
      } catch {
        text = undefined;
      }
    }
    if (text !== undefined) {
      out += text;
      at += length;
    } else {
      out += byteChar(lead);
      at += 1;
    }
  }
  return out;
}
