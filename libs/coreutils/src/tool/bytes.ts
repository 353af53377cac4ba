/**
 * Byte text: strings whose every character is one byte (0 to 255), as programs of the C locale see text.
 *
 * Descriptors carry bytes; names and arguments cross the system-call boundary as Unicode strings. Everything between is
 * byte text, so that any input passes through a tool unchanged and character positions are byte positions.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const plain = /^[\x00-\x7f]*$/;

/** Bytes of a descriptor as byte text. */
export function bytesToText(bytes: Uint8Array): string {
  if (bytes.length <= 8192) return String.fromCharCode.apply(null, bytes as unknown as number[]);
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192) as unknown as number[]);
  }
  return text;
}

/** Byte text as bytes. */
export function textToBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** A Unicode string (an argument, a file name) as byte text: its UTF-8 encoding. */
export function fromUnicode(text: string): string {
  return plain.test(text) ? text : bytesToText(encoder.encode(text));
}

/** Byte text as the Unicode string that it encodes, for names that go into system calls. */
export function toUnicode(text: string): string {
  return plain.test(text) ? text : decoder.decode(textToBytes(text));
}
