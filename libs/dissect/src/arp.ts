/**
 * ARP, RARP and InARP.
 *
 * ethertypePrint → this. Source: RFC 826, RFC 903, RFC 2390.
 */
import { ETHERTYPE_NAMES, hex4, ip4Text, linkAddressText } from './names.js';
import type { Printout } from './printout.js';

const HARDWARE: Readonly<Record<number, string>> = {
  1: 'Ethernet',
  6: 'TokenRing',
  7: 'ArcNet',
  15: 'FrameRelay',
  23: 'Strip',
  24: 'IEEE 1394',
  32: 'InfiniBand',
};

const OPERATIONS: Readonly<Record<number, string>> = {
  1: 'Request',
  2: 'Reply',
  3: 'Reverse Request',
  4: 'Reverse Reply',
  8: 'Inverse Request',
  9: 'Inverse Reply',
  10: 'NACK Reply',
};

export function printArp(out: Printout, p: number, length: number, capLen: number): void {
  out.protocol = 'arp';
  const { verbose, linkHeader } = out.options;
  out.need(p, 8);
  const protocol = out.u16(p + 2);
  const hardwareLength = out.u8(p + 4);
  const protocolLength = out.u8(p + 5);
  const senderHardware = p + 8;
  const senderProtocol = senderHardware + hardwareLength;
  const targetHardware = senderProtocol + protocolLength;
  const targetProtocol = targetHardware + hardwareLength;
  out.need(targetProtocol, protocolLength);

  if (!linkHeader) out.put('ARP, ');
  const isIp = protocol === 0x0800 || protocol === 0x1000;
  if (!isIp || protocolLength !== 4 || hardwareLength === 0 || verbose > 0) {
    const hardware = out.u16(p);
    out.put(
      `${HARDWARE[hardware] ?? `Unknown Hardware (${hardware})`} (len ${hardwareLength}), ` +
        `${ETHERTYPE_NAMES[protocol] ?? `Unknown Protocol (0x${hex4(protocol)})`} (len ${protocolLength})`,
    );
    if (verbose === 0) {
      out.put(`, length ${length}`);
      return;
    }
    out.put(', ');
  }
  const operation = out.u16(p + 6);
  out.put(`${OPERATIONS[operation] ?? `Unknown (${operation})`} `);

  const address = (at: number): string => {
    if (!isIp) return '<wrong proto type>';
    return protocolLength === 4 ? ip4Text(out, at) : '<wrong len>';
  };
  const hardwareText = (at: number): string => linkAddressText(out, at, hardwareLength);
  switch (operation) {
    case 1:
      out.put(`who-has ${address(targetProtocol)}`);
      if (anyNonZero(out, targetHardware, hardwareLength)) {
        out.put(` (${hardwareText(targetHardware)})`);
      }
      out.put(` tell ${address(senderProtocol)}`);
      break;
    case 2:
      out.put(`${address(senderProtocol)} is-at ${hardwareText(senderHardware)}`);
      break;
    case 3:
    case 8:
      out.put(`who-is ${hardwareText(targetHardware)} tell ${hardwareText(senderHardware)}`);
      break;
    case 4:
      out.put(`${hardwareText(targetHardware)} at ${address(targetProtocol)}`);
      break;
    case 9:
      out.put(`${hardwareText(senderHardware)} at ${address(senderProtocol)}`);
      break;
    default:
      out.putDump(p, capLen);
      return;
  }
  out.put(`, length ${length}`);
}

function anyNonZero(out: Printout, p: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (out.u8(p + i) !== 0) return true;
  return false;
}
