/**
 * Ethernet configuration testing, ethertype 0x9000 (Ethernet version 2.0 §8).
 */
import { macText } from './names.js';
import type { Printout } from './printout.js';

const REPLY = 1;
const FORWARD = 2;

export function printLoopback(out: Printout, p: number, length: number): void {
  out.protocol = 'loopback';
  if (length < 2) {
    out.put('Loopback');
    out.putInvalid();
    return;
  }
  let at = p + 2;
  let left = length - 2;
  const le16 = (offset: number): number => {
    const word = out.u16(offset);
    return ((word & 255) << 8) | (word >> 8);
  };
  out.put(`Loopback, skipCount ${le16(p)}`);
  const skip = le16(p);
  if (skip % 8 !== 0) out.put(' (bogus)');
  if (skip > left) {
    out.putInvalid();
    return;
  }
  at += skip;
  left -= skip;
  if (left < 2) {
    out.putInvalid();
    return;
  }
  const kind = le16(at);
  out.put(`, ${kind === REPLY ? 'Reply' : kind === FORWARD ? 'Forward Data' : 'unknown'}`);
  at += 2;
  left -= 2;
  if (kind === REPLY) {
    if (left < 2) {
      out.putInvalid();
      return;
    }
    out.put(`, receipt number ${le16(at)}`);
    at += 2;
    left -= 2;
  } else if (kind === FORWARD) {
    if (left < 6) {
      out.putInvalid();
      return;
    }
    out.put(`, forwarding address ${macText(out, at)}`);
    at += 6;
    left -= 6;
  }
  out.need(at, left);
  out.put(`, data (${left} octets)`);
}
