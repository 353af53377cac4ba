/**
 * IPv4 options of `ping -R` and `-T`: the bytes to send, and the RR/TS lines under a reply.
 */
import { formatIpv4 } from '@netloom/base';

/** A record-route option with room for nine addresses. */
export function recordRouteOption(): Uint8Array {
  const bytes = new Uint8Array(40);
  bytes[0] = 1; // NOP
  bytes[1] = 7;
  bytes[2] = 39;
  bytes[3] = 4;
  return bytes;
}

/** A timestamp option: flag 0 (times), 1 (addresses and times) or 3 (for the addresses given). */
export function timestampOption(
  kind: 'tsonly' | 'tsandaddr' | 'tsprespec',
  hops: readonly number[],
): Uint8Array {
  const size = kind === 'tsonly' ? 40 : kind === 'tsandaddr' ? 36 : 4 + hops.length * 8;
  const bytes = new Uint8Array(size);
  bytes[0] = 68;
  bytes[1] = size;
  bytes[2] = 5;
  bytes[3] = kind === 'tsonly' ? 0 : kind === 'tsandaddr' ? 1 : 3;
  const view = new DataView(bytes.buffer);
  if (kind === 'tsprespec')
    hops.forEach((hop, i) => {
      view.setUint32(4 + i * 8, hop);
    });
  return bytes;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}

/** Remembers the last route, so that an unchanged one is only mentioned. */
export class OptionPrinter {
  private lastRoute = '';

  /** Text for the options of a reply's IP header. */
  text(options: Uint8Array): string {
    let out = '';
    for (let at = 0; at < options.length;) {
      const kind = options[at] ?? 0;
      if (kind === 0) break;
      if (kind === 1) {
        out += '\nNOP';
        at++;
        continue;
      }
      const length = options[at + 1] ?? 0;
      if (length < 2 || at + length > options.length) break;
      if (kind === 7) out += this.route(options.subarray(at, at + length));
      else if (kind === 68) out += timestamps(options.subarray(at, at + length));
      else out += `\nunknown option ${kind.toString(16)}`;
      at += length;
    }
    // the leading NOP of our own record route says nothing
    return out.startsWith('\nNOP\nRR') ? out.slice(4) : out;
  }

  private route(option: Uint8Array): string {
    const end = Math.min((option[2] ?? 4) - 1, option.length);
    const addresses: string[] = [];
    for (let at = 3; at + 4 <= end; at += 4) addresses.push(formatIpv4(word(option, at)));
    const key = addresses.join(' ');
    if (key === this.lastRoute && addresses.length > 0) return '\t(same route)';
    this.lastRoute = key;
    return `\nRR: ${addresses.map((address) => `\t${address}\n`).join('')}`;
  }
}

function timestamps(option: Uint8Array): string {
  const flags = (option[3] ?? 0) & 15;
  const end = Math.min((option[2] ?? 5) - 1, option.length);
  let out = '\nTS: ';
  let standard: number | undefined;
  for (let at = 4; at < end;) {
    if (flags !== 0) {
      out += `\t${formatIpv4(word(option, at))}`;
      at += 4;
    }
    const time = word(option, at);
    at += 4;
    if ((time & 0x80000000) !== 0) {
      out += `\t${time & 0x7fffffff} not-standard\n`;
    } else if (standard === undefined) {
      standard = time;
      out += `\t${time} absolute\n`;
    } else {
      out += `\t${time - standard}\n`;
    }
  }
  const overflow = (option[3] ?? 0) >> 4;
  if (overflow > 0) out += `Unrecorded hops: ${overflow}\n`;
  return out;
}
