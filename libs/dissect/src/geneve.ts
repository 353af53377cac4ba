/**
 * Geneve (RFC 8926).
 *
 * udp-ports → this → the printer of the inner protocol.
 */
import { printEther } from './ether.js';
import { printIp } from './ip.js';
import { printIp6 } from './ip6.js';
import { bitNames, ETHERTYPE_NAMES, hex4 } from './names.js';
import { MAX_NESTING } from './printout.js';
import type { Printout } from './printout.js';

const HLEN = 8;

const FLAGS = [
  [0x80, 'O'],
  [0x40, 'C'],
  [0x20, 'R1'],
  [0x10, 'R2'],
  [0x08, 'R3'],
  [0x04, 'R4'],
  [0x02, 'R5'],
  [0x01, 'R6'],
] as const;

const CLASSES: Readonly<Record<number, string>> = {
  0x0100: 'Linux',
  0x0101: 'Open vSwitch',
  0x0102: 'Open Virtual Networking (OVN)',
  0x0103: 'In-band Network Telemetry (INT)',
  0x0104: 'VMware',
};

function className(value: number): string {
  return (
    CLASSES[value] ?? (value <= 0x00ff ? 'Standard' : value >= 0xfff0 ? 'Experimental' : 'Unknown')
  );
}

export function printGeneve(out: Printout, p: number, length: number): void {
  out.protocol = 'geneve';
  out.put('Geneve');
  if (length < HLEN) {
    out.put(` [length ${length} < ${HLEN}]`);
    out.putInvalid();
    return;
  }
  const first = out.u8(p);
  const version = first >> 6;
  if (version !== 0) {
    out.put(` ERROR: unknown-version ${version}`);
    return;
  }
  out.need(p, HLEN);
  out.put(`, Flags [${bitNames(FLAGS, 'none', out.u8(p + 1), '')}]`);
  const protocol = out.u16(p + 2);
  out.put(`, vni 0x${out.u24(p + 4).toString(16)}`);
  const reserved = out.u8(p + 7);
  if (reserved !== 0) out.put(`, rsvd 0x${reserved.toString(16)}`);
  if (out.options.linkHeader) {
    out.put(`, proto ${ETHERTYPE_NAMES[protocol] ?? 'unknown'} (0x${hex4(protocol)})`);
  }
  const size = (first & 0x3f) * 4;
  if (length - HLEN < size) {
    out.put(` truncated-geneve - ${size - (length - HLEN)} bytes missing`);
    out.putInvalid();
    return;
  }
  out.need(p + HLEN, size);
  if (size > 0) {
    out.put(', options [');
    if (out.options.verbose > 0) putOptions(out, p + HLEN, size);
    else out.put(`${size} bytes`);
    out.put(']');
  }
  const at = p + HLEN + size;
  const left = length - HLEN - size;
  out.put(out.options.verbose > 0 ? '\n\t' : ': ');
  out.nesting++;
  if (out.nesting > MAX_NESTING) out.truncate();
  if (protocol === 0x0800) printIp(out, at, left);
  else if (protocol === 0x86dd) printIp6(out, at, left);
  else if (protocol === 0x6558) printEther(out, at, left, out.available(at));
  else out.put(`geneve-proto-0x${protocol.toString(16)}`);
  out.nesting--;
}

function putOptions(out: Printout, start: number, total: number): void {
  let p = start;
  let left = total;
  let separator = '';
  while (left > 0) {
    out.put(separator);
    separator = ', ';
    const kind = out.u16(p);
    const type = out.u8(p + 2);
    const size = 4 + (out.u8(p + 3) & 0x1f) * 4;
    out.put(
      `class ${className(kind)} (0x${kind.toString(16)}) type 0x${type.toString(16)}` +
        `${(type & 0x80) !== 0 ? '(C)' : ''} len ${size}`,
    );
    if (left < size) {
      out.put(' [bad length]');
      return;
    }
    if (out.options.verbose > 1 && size > 4) {
      out.put(' data');
      for (let i = 4; i < size; i += 4)
        out.put(
          ` ${out
            .u32(p + i)
            .toString(16)
            .padStart(8, '0')}`,
        );
    }
    p += size;
    left -= size;
  }
}
