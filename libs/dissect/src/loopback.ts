/**
 * Ethernet configuration testing, ethertype 0x9000 (Ethernet version 2.0 §8).
 */
import { macText } from './names.js';
import type { Printout } from './printout.js';

const REPLY = 1;
const FORWARD = 2;

export function printLoopback(out: Printout, p: number, length: number): void {
  out.protocol = 'loopback';
  out.put('Loopback');
  const invalid = (at: number, left: number): void => {
    out.putInvalid();
    out.need(at, left);
  };
  if (length < 2) {
    invalid(p, length);
    return;
  }
  const skip = le16(out, p);
  let at = p + 2;
  let left = length - 2;
  out.put(`, skipCount ${skip}`);
  if (skip % 8 !== 0) out.put(' (bogus)');
  if (skip > left) {
    invalid(at, left);
    return;
  }
  out.need(at, skip);
  at += skip;
  left -= skip;
  if (left < 2) {
    invalid(at, left);
    return;
  }
  const kind = le16(out, at);
  at += 2;
  left -= 2;
  const name = kind === REPLY ? 'Reply' : kind === FORWARD ? 'Forward Data' : undefined;
  out.put(`, ${name ?? ` invalid (${kind})`}`);
  if (name === undefined) {
    out.need(at, left);
    return;
  }
  const size = kind === REPLY ? 2 : 6;
  if (left < size) {
    invalid(at, left);
    return;
  }
  if (kind === REPLY) out.put(`, receipt number ${le16(out, at)}`);
  else out.put(`, forwarding address ${macText(out, at)}`);
  at += size;
  left -= size;
  out.put(`, data (${left} octets)`);
  out.need(at, left);
}

function le16(out: Printout, p: number): number {
  const word = out.u16(p);
  return ((word & 255) << 8) | (word >> 8);
}
