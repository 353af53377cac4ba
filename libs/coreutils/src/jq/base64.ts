/** Base64 over byte text, for @base64 and @base64d. */
import { toUnicode } from '../tool/bytes.js';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function base64Encode(text: string): string {
  let out = '';
  for (let at = 0; at < text.length; at += 3) {
    const [a, b, c] = [text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2)];
    out +=
      alphabet.charAt(a >> 2) + alphabet.charAt(((a & 3) << 4) | (Number.isNaN(b) ? 0 : b >> 4));
    out += Number.isNaN(b)
      ? '='
      : alphabet.charAt(((b & 15) << 2) | (Number.isNaN(c) ? 0 : c >> 6));
    out += Number.isNaN(c) ? '=' : alphabet.charAt(c & 63);
  }
  return out;
}

/** The Unicode text of the bytes; undefined where the input is not base64. */
export function base64Decode(text: string): string | undefined {
  let out = '';
  let [held, bits] = [0, 0];
  for (const char of text.replace(/=+$/, '')) {
    const value = alphabet.indexOf(char);
    if (value < 0) return undefined;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += String.fromCharCode((held >> bits) & 255);
  }
  return toUnicode(out);
}
