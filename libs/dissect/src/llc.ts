/**
 * IEEE 802.2 logical link control and SNAP.
 *
 * Ethernet with a length field, cooked capture → this → stp, ethertypePrint.
 */
import { printEther } from './ether.js';
import { ethertypePrint } from './ethertype.js';
import { printIp } from './ip.js';
import { ETHERTYPE_NAMES, hex2, hex4, macText, ouiName } from './names.js';
import { MAX_NESTING } from './printout.js';
import type { Printout } from './printout.js';
import { printStp } from './stp.js';

const SAPS: Readonly<Record<number, string>> = {
  0x00: 'Null',
  0x02: '802.1B I',
  0x03: '802.1B G',
  0x04: 'SNA',
  0x06: 'IP',
  0x0e: 'ProWay NM',
  0x42: 'STP',
  0x4e: 'RS511',
  0x7e: 'ISO8208',
  0x8e: 'ProWay',
  0xaa: 'SNAP',
  0xe0: 'IPX',
  0xf0: 'NetBeui',
  0xfe: 'OSI',
  0xff: 'Global',
};

const COMMANDS: Readonly<Record<number, string>> = {
  0x03: 'ui',
  0xe3: 'test',
  0xaf: 'xid',
  0x63: 'ua',
  0x43: 'disc',
  0x0f: 'dm',
  0x6f: 'sabme',
  0x87: 'frmr',
};

const SUPERVISORY = ['Receiver Ready', 'Receiver not Ready', 'Reject'];

/** Command or response, and whether an answer is asked for. */
function flagName(response: boolean, poll: boolean): string {
  if (poll) return response ? 'Final' : 'Poll';
  return response ? 'Response' : 'Command';
}

/** Prints what follows an 802.3 length; the length of the LLC header, negated where no printer follows. */
export function printLlc(
  out: Printout,
  p: number,
  length: number,
  capLen: number,
  source: number | undefined,
  dest: number | undefined,
): number {
  out.protocol = 'llc';
  if (capLen < 3 || length < 3) return tooShort(out, p, length, capLen, 3);
  const dsapField = out.u8(p);
  const ssapField = out.u8(p + 1);
  let control = out.u8(p + 2);
  const unnumbered = (control & 3) === 3;
  const size = unnumbered ? 3 : 4;
  if (!unnumbered) {
    if (capLen < 4 || length < 4) return tooShort(out, p, length, capLen, 4);
    control |= out.u8(p + 3) << 8;
  }
  const dsap = dsapField & ~1;
  const ssap = ssapField & ~1;
  const response = (ssapField & 1) !== 0;
  if (out.options.linkHeader) {
    out.put(
      `LLC, dsap ${SAPS[dsap] ?? 'Unknown'} (0x${hex2(dsap)}) ` +
        `${(dsapField & 1) !== 0 ? 'Group' : 'Individual'}, ` +
        `ssap ${SAPS[ssap] ?? 'Unknown'} (0x${hex2(ssap)}) ${response ? 'Response' : 'Command'}, ` +
        `ctrl 0x${unnumbered ? hex2(control) : hex4(control)}: `,
    );
  }
  const at = p + size;
  const left = length - size;
  const capLeft = capLen - size;
  if (control === 3) {
    if (ssap === 0xaa && dsap === 0xaa) {
      return printSnap(out, at, left, capLeft, source, dest) ? size + 5 : -(size + 5);
    }
    if (ssap === 0x42 && dsap === 0x42) {
      printStp(out, at, left);
      return size;
    }
    if (ssap === 0x06 && dsap === 0x06) {
      printIp(out, at, left);
      return size;
    }
  }
  if (!out.options.linkHeader) putSaps(out, dsap, ssap, source, dest);
  if (unnumbered) return printUnnumbered(out, at, control, response, left, capLeft);
  const poll = (control & 0x100) !== 0;
  const flags = `Flags [${flagName(response, poll)}], length ${length}`;
  const received = (control >> 9) & 0x7f;
  if ((control & 3) === 1) {
    const what = SUPERVISORY[(control >> 2) & 3] ?? '?';
    out.put(`Supervisory, ${what}, rcv seq ${received}, ${flags}`);
    return size;
  }
  out.put(`Information, send seq ${(control >> 1) & 0x7f}, rcv seq ${received}, ${flags}`);
  return -size;
}

function tooShort(out: Printout, p: number, length: number, capLen: number, size: number): number {
  out.putTruncated();
  out.putDump(p, capLen);
  return capLen < size ? capLen : length;
}

function putSaps(
  out: Printout,
  dsap: number,
  ssap: number,
  source: number | undefined,
  dest: number | undefined,
): void {
  const to = SAPS[dsap] ?? `Unknown DSAP 0x${hex2(dsap)}`;
  const from = SAPS[ssap] ?? `Unknown SSAP 0x${hex2(ssap)}`;
  const ends =
    source === undefined || dest === undefined
      ? undefined
      : ([macText(out, source), macText(out, dest)] as const);
  if (dsap === ssap) out.put(ends === undefined ? `${to} ` : `${ends[0]} > ${ends[1]} ${to} `);
  else if (ends === undefined) out.put(`${from} > ${to} `);
  else out.put(`${ends[0]} ${from} > ${ends[1]} ${to} `);
}

function printUnnumbered(
  out: Printout,
  p: number,
  control: number,
  response: boolean,
  length: number,
  capLen: number,
): number {
  const command = control & 0xef;
  out.put(
    `Unnumbered, ${COMMANDS[command] ?? hex2(command)}, ` +
      `Flags [${flagName(response, (control & 0x10) !== 0)}], length ${length + 3}`,
  );
  if (command !== 0xaf || length === 0) return command === 0xaf ? 3 : -3;
  if (capLen < 1) {
    out.putTruncated();
    return 3;
  }
  if (out.u8(p) !== 0x81) return -3;
  if (capLen < 3 || length < 3) {
    out.putTruncated();
    out.putDump(p, capLen);
  } else out.put(`: ${hex2(out.u8(p + 1))} ${hex2(out.u8(p + 2))}`);
  return 3;
}

const BRIDGED = 0x0080c2;

/** What RFC 2684 bridges. */
const BRIDGED_NAMES: Readonly<Record<number, string>> = {
  1: 'Ethernet + FCS',
  2: '802.4 + FCS',
  3: 'Token Ring + FCS',
  4: 'FDDI + FCS',
  5: '802.6 + FCS',
  7: 'Ethernet w/o FCS',
  8: '802.4 w/o FCS',
  9: 'Token Ring w/o FCS',
  10: 'FDDI w/o FCS',
  11: '802.6 w/o FCS',
  14: 'BPDU',
};

function printBridged(
  out: Printout,
  p: number,
  type: number,
  length: number,
  capLen: number,
): boolean {
  if (type === 14) {
    printStp(out, p, length);
    return true;
  }
  if (type !== 1 && type !== 7) return false;
  if (capLen < 2 || length < 2) out.truncate();
  out.nesting++;
  if (out.nesting > MAX_NESTING) out.truncate();
  printEther(out, p + 2, length - 2, capLen - 2);
  out.nesting--;
  return true;
}

/** False where the payload has no printer. */
function printSnap(
  out: Printout,
  p: number,
  length: number,
  capLen: number,
  source: number | undefined,
  dest: number | undefined,
): boolean {
  out.protocol = 'snap';
  if (capLen < 5 || length < 5) {
    out.putTruncated();
    return true;
  }
  const oui = out.u24(p);
  const type = out.u16(p + 3);
  const isEthertype = oui === 0 || oui === 0x0000f8;
  const typeNames = isEthertype ? ETHERTYPE_NAMES : oui === BRIDGED ? BRIDGED_NAMES : {};
  const typeName = typeNames[type] ?? 'Unknown';
  const left = length - 5;
  const ouiText = `oui ${ouiName(oui)} (0x${oui.toString(16).padStart(6, '0')})`;
  if (out.options.linkHeader) {
    const kind = oui === 0 ? 'ethertype' : 'pid';
    out.put(`${ouiText}, ${kind} ${typeName} (0x${hex4(type)}), length ${left}: `);
  }
  if (isEthertype && ethertypePrint(out, type, p + 5, left, capLen - 5, source, dest)) return true;
  if (oui === BRIDGED && printBridged(out, p + 5, type, left, capLen - 5)) return true;
  if (!out.options.linkHeader) {
    if (source !== undefined && dest !== undefined) {
      out.put(`${macText(out, source)} > ${macText(out, dest)} `);
    }
    if (oui === 0) out.put(`SNAP, ethertype ${typeName} (0x${hex4(type)}), length ${left}: `);
    else out.put(`SNAP, ${ouiText}, pid ${typeName} (0x${hex4(type)}), length ${left}: `);
  }
  return false;
}
