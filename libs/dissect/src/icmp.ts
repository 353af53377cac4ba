/**
 * ICMP.
 *
 * ipDemux → this → printIp (-v: the packet that an error quotes). Source: RFC 792, 950, 1191, 1256.
 */
import { addBytes, finish, shouldBe } from './checksum.js';
import type { IpContext } from './ip-demux.js';
import { printIp } from './ip.js';
import { hex4, hex8, ip4Text, portText } from './names.js';
import type { Printout } from './printout.js';

const UNREACHABLE: Readonly<Record<number, readonly [before: string, after: string]>> = {
  0: ['net ', ' unreachable'],
  1: ['host ', ' unreachable'],
  5: ['', ' unreachable - source route failed'],
  6: ['net ', ' unreachable - unknown'],
  7: ['host ', ' unreachable - unknown'],
  8: ['', ' unreachable - source host isolated'],
  9: ['net ', ' unreachable - admin prohibited'],
  10: ['host ', ' unreachable - admin prohibited'],
  11: ['net ', ' unreachable - tos prohibited'],
  12: ['host ', ' unreachable - tos prohibited'],
  13: ['host ', ' unreachable - admin prohibited filter'],
  14: ['host ', ' unreachable - host precedence violation'],
  15: ['host ', ' unreachable - precedence cutoff'],
};

const REDIRECT = [
  'redirect %s to net ',
  'redirect %s to host ',
  'redirect-tos %s to net ',
  'redirect-tos %s to host ',
];

const OTHER: Readonly<Record<number, string>> = {
  4: 'source quench',
  10: 'router solicitation',
  15: 'information request',
  16: 'information reply',
  17: 'address mask request',
};

/** Where an extension starts: behind the header and 128 bytes of the quoted packet. */
const EXTENSION_MIN = 136;

/**
 * The extension of RFC 4884 after the quotation. Without the length that says so it is one only if its
 * checksum is right.
 */
function putExtension(out: Printout, p: number, length: number): void {
  const at = p + EXTENSION_MIN;
  const size = length - EXTENSION_MIN;
  if (!out.has(at, 5)) {
    out.putTruncated();
    return;
  }
  const whole = out.has(at, size);
  const sum = whole ? finish(addBytes(out, at, size)) : 0;
  if (out.u8(p + 5) === 0 && whole && sum !== 0) return;
  const version = out.u8(at) >> 4;
  out.put(`\n\tICMP Multi-Part extension v${version}`);
  if (version !== 2) {
    out.put(' packet not supported');
    return;
  }
  if (whole) {
    out.put(
      `, checksum 0x${hex4(out.u16(at + 2))} (${sum === 0 ? '' : 'in'}correct), length ${size}`,
    );
  }
  putExtensionObjects(out, at + 4, size - 4);
}

const EXTENSION_OBJECTS = ['unknown', 'MPLS Stack Entry', 'Interface Identification'];

function putExtensionObjects(out: Printout, start: number, total: number): void {
  let p = start;
  let left = total;
  while (left > 4) {
    out.need(p, 4);
    const size = out.u16(p);
    const kind = out.u8(p + 2);
    const name = EXTENSION_OBJECTS[kind] ?? 'unknown';
    out.put(`\n\t  ${name} Object (${kind}), Class-Type: ${out.u8(p + 3)}, length ${size}`);
    if (kind === 0 || size < 4) return;
    if (kind === 1) {
      for (let at = 4; at + 4 <= size; at += 4) {
        const entry = out.u32(p + at);
        out.put(`\n\t    label ${entry >>> 12}, tc ${(entry >>> 9) & 7}`);
        if ((entry & 0x100) !== 0) out.put(', [S]');
        out.put(`, ttl ${entry & 255}`);
      }
    }
    p += size;
    left -= size;
  }
}

/** Types that quote the packet they are about. */
const isError = (type: number): boolean =>
  type === 3 || type === 4 || type === 5 || type === 11 || type === 12;

export function printIcmp(out: Printout, p: number, ip: IpContext): void {
  out.protocol = 'icmp';
  const type = out.u8(p);
  // Cut off in these, the frame's header is still known to a dump.
  const text =
    type === 9 || type === 11 ? out.attempt(() => describe(out, p, type)) : describe(out, p, type);
  if (text === undefined) return;
  out.put(`ICMP ${text}, length ${ip.length}`);
  if (out.options.verbose === 0) return;
  if (!ip.fragmented && out.has(p, ip.length)) {
    const sum = finish(addBytes(out, p, ip.length));
    if (sum !== 0) {
      const field = out.u16(p + 2);
      out.put(
        ` (wrong icmp cksum ${field.toString(16)} (->${shouldBe(field, sum).toString(16)})!)`,
      );
    }
  }
  if (isError(type)) {
    out.put('\n\t');
    const quoted = p + 8;
    const length = out.u16(quoted + 2);
    if (length < 4) out.truncate();
    const saved = out.limitEnd(quoted + length);
    printIp(out, quoted, length);
    out.restoreEnd(saved);
    out.protocol = 'icmp';
  }
  if ((type === 3 || type === 11 || type === 12) && ip.length > EXTENSION_MIN) {
    putExtension(out, p, ip.length);
  }
}

function describe(out: Printout, p: number, type: number): string {
  const code = out.u8(p + 1);
  switch (type) {
    case 0:
    case 8:
      return `echo ${type === 8 ? 'request' : 'reply'}, id ${out.u16(p + 4)}, seq ${out.u16(p + 6)}`;
    case 3:
      return unreachable(out, p, code);
    case 5: {
      const target = ip4Text(out, p + 24);
      const text = REDIRECT[code] ?? `redirect-#${code} %s to `;
      return text.replace('%s', target) + ip4Text(out, p + 4);
    }
    case 9:
      return routerAdvertisement(out, p);
    case 11:
      out.need(p + 24, 4);
      if (code === 0) return 'time exceeded in-transit';
      return code === 1 ? 'ip reassembly time exceeded' : `time exceeded-#${code}`;
    case 12:
      return `parameter problem - ${code !== 0 ? `code ${code}` : `octet ${out.u8(p + 4)}`}`;
    case 13:
      return `time stamp query id ${out.u16(p + 4)} seq ${out.u16(p + 6)}`;
    case 14:
      return (
        `time stamp reply id ${out.u16(p + 4)} seq ${out.u16(p + 6)}: ` +
        `org ${dayTime(out.u32(p + 8))}, recv ${dayTime(out.u32(p + 12))}, xmit ${dayTime(out.u32(p + 16))}`
      );
    case 18:
      return `address mask is 0x${hex8(out.u32(p + 8))}`;
    default:
      return OTHER[type] ?? `type-#${type}`;
  }
}

/** Milliseconds since midnight. */
function dayTime(ms: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const sec = Math.floor(ms / 1000);
  return (
    `${two(Math.floor(sec / 3600))}:${two(Math.floor(sec / 60) % 60)}:${two(sec % 60)}` +
    `.${String(ms % 1000).padStart(3, '0')}`
  );
}

function unreachable(out: Printout, p: number, code: number): string {
  const quoted = p + 8;
  const dest = ip4Text(out, quoted + 16);
  if (code === 2) return `${dest} protocol ${out.u8(quoted + 9)} unreachable`;
  if (code === 3) {
    const protocol = out.u8(quoted + 9);
    const port = out.u16(quoted + (out.u8(quoted) & 15) * 4 + 2);
    if (protocol === 6) return `${dest} tcp port ${portText(out, port, 'tcp')} unreachable`;
    if (protocol === 17) return `${dest} udp port ${portText(out, port, 'udp')} unreachable`;
    return `${dest} protocol ${protocol} port ${port} unreachable`;
  }
  if (code === 4) {
    const mtu = out.u16(p + 6);
    return `${dest} unreachable - need to frag${mtu !== 0 ? ` (mtu ${mtu})` : ''}`;
  }
  const [before, after] = UNREACHABLE[code] ?? ['', ` unreachable - #${code}`];
  return before + dest + after;
}

function routerAdvertisement(out: Printout, p: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const lifetime = out.u16(p + 6);
  let text = 'router advertisement lifetime ';
  if (lifetime < 60) text += String(lifetime);
  else if (lifetime < 3600) text += `${Math.floor(lifetime / 60)}:${two(lifetime % 60)}`;
  else {
    text += `${Math.floor(lifetime / 3600)}:${two(Math.floor(lifetime / 60) % 60)}:${two(lifetime % 60)}`;
  }
  const count = out.u8(p + 4);
  const size = out.u8(p + 5);
  text += ` ${count}:`;
  if (size !== 2) return `${text} [size ${size}]`;
  for (let i = 0; i < count; i++) {
    const at = p + 8 + 8 * i;
    out.need(at, 8);
    text += ` {${ip4Text(out, at)} ${out.u32(at + 4)}}`;
  }
  return text;
}
