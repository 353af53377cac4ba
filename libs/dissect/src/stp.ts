/**
 * Spanning tree: configuration, rapid and topology-change BPDUs (IEEE 802.1D, 802.1w). Of the multiple
 * spanning tree protocol only the common part is printed.
 */
import { formatMac } from '@netloom/base';
import { bitNames, hex2, hex4 } from './names.js';
import type { Printout } from './printout.js';

const VERSIONS: Readonly<Record<number, string>> = {
  0: '802.1d',
  2: '802.1w',
  3: '802.1s',
  4: '802.1aq',
};

const CONFIG = 0x00;
const RAPID = 0x02;

const TYPES: Readonly<Record<number, string>> = {
  [CONFIG]: 'Config',
  [RAPID]: 'Rapid STP',
  0x80: 'Topology Change',
};

const FLAGS = [
  [0x01, 'Topology change'],
  [0x02, 'Proposal'],
  [0x10, 'Learn'],
  [0x20, 'Forward'],
  [0x40, 'Agreement'],
  [0x80, 'Topology change ACK'],
] as const;

const ROLES = ['Unknown', 'Alternate', 'Root', 'Designated'];

export function printStp(out: Printout, p: number, length: number): void {
  out.protocol = 'stp';
  if (length < 4) {
    out.putInvalid();
    return;
  }
  if (out.u16(p) !== 0) {
    out.put(`unknown STP version, length ${length}`);
    return;
  }
  const version = out.u8(p + 2);
  out.put(`STP ${VERSIONS[version] ?? `Unknown STP protocol (0x${hex2(version)})`}`);
  if (VERSIONS[version] === undefined) return;
  const type = out.u8(p + 3);
  out.put(`, ${TYPES[type] ?? `Unknown BPDU Type (0x${hex2(type)})`}`);
  if (type === CONFIG || (type === RAPID && version === 2)) {
    if (length < (type === CONFIG ? 35 : 36)) out.putInvalid();
    else putConfig(out, p, type, length);
  }
}

/** Priority and system extension, then the address. */
function bridgeId(out: Printout, p: number): string {
  out.need(p, 8);
  return `${hex4(out.u16(p))}.${formatMac(out.mem, p + 2)}`;
}

/** 256ths of a second with two decimals; a tie goes to the even digit, as in C. */
function seconds(out: Printout, p: number): string {
  const scaled = out.u16(p) * 100;
  const whole = Math.floor(scaled / 256);
  const rest = scaled % 256;
  const up = rest > 128 || (rest === 128 && whole % 2 === 1);
  return `${((whole + (up ? 1 : 0)) / 100).toFixed(2)}s`;
}

function putConfig(out: Printout, p: number, type: number, length: number): void {
  const flags = out.u8(p + 4);
  out.put(`, Flags [${bitNames(FLAGS, 'none', flags, ', ')}]`);
  out.put(`, bridge-id ${bridgeId(out, p + 17)}.${hex4(out.u16(p + 25))}, length ${length}`);
  if (out.options.verbose === 0) return;
  out.put(
    `\n\tmessage-age ${seconds(out, p + 27)}, max-age ${seconds(out, p + 29)}` +
      `, hello-time ${seconds(out, p + 31)}, forwarding-delay ${seconds(out, p + 33)}`,
  );
  out.put(`\n\troot-id ${bridgeId(out, p + 5)}, root-pathcost ${out.u32(p + 13)}`);
  if (type === RAPID) out.put(`, port-role ${ROLES[(flags >> 2) & 3] ?? ''}`);
}
