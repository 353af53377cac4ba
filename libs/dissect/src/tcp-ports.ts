/**
 * Which printer a TCP port has.
 */
import { printDomain } from './domain.js';
import type { Printout } from './printout.js';
import { FTP, HTTP, printSsh, printTextProtocol, RTSP, SMTP, WHOIS } from './text-protocols.js';
import { charText } from './text.js';

const RST = 4;
const MAX_RST_DATA = 30;

/** Prints the payload after `, length N` where a printer knows the ports. */
export function printTcpPayload(
  out: Printout,
  p: number,
  length: number,
  flags: number,
  source: number,
  dest: number,
): void {
  if ((flags & RST) !== 0 && out.options.verbose > 0) {
    putResetCause(out, p, length);
    return;
  }
  const either = (...ports: number[]): boolean => ports.includes(source) || ports.includes(dest);
  const text = either(80, 8080)
    ? HTTP
    : either(21)
      ? FTP
      : either(554, 8554)
        ? RTSP
        : either(25)
          ? SMTP
          : either(43)
            ? WHOIS
            : undefined;
  if (text !== undefined) {
    out.put(': ');
    printTextProtocol(out, p, length, text);
  } else if (either(22)) {
    printSsh(out, p, length);
  } else if (either(53)) {
    printDomain(out, p, length, { overTcp: true, multicast: false });
  }
}

/** Data in a reset says why (RFC 1122 §4.2.2.12). */
function putResetCause(out: Printout, p: number, length: number): void {
  out.put(out.has(p, length) ? ' [RST' : ' [!RST');
  const shown = Math.min(length, MAX_RST_DATA);
  if (length > MAX_RST_DATA) out.put('+');
  out.put(' ');
  for (let i = 0; i < shown && out.has(p + i, 1); i++) out.put(charText(out.u8(p + i)));
  out.put(']');
}
