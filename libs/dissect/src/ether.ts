/**
 * Ethernet II and IEEE 802.3 frames with their VLAN tags.
 *
 * printLink, VXLAN, GRE → this → ethertypePrint or printLlc. Source: IEEE 802.3, 802.1Q, 802.1ad.
 */
import { ethertypePrint } from './ethertype.js';
import { printLlc } from './llc.js';
import { ETHERTYPE_NAMES, hex4, macText } from './names.js';
import type { Printout } from './printout.js';
import { isVlanType, vlanTagText } from './vlan.js';

const MAX_802_3_LENGTH = 1500;

function putAddresses(out: Printout, p: number): void {
  out.put(`${macText(out, p + 6)} > ${macText(out, p)}, `);
}

function putType(out: Printout, type: number): void {
  const name = ETHERTYPE_NAMES[type];
  if (out.options.quiet > 0) out.put(name ?? `Unknown Ethertype (0x${hex4(type)})`);
  else out.put(`ethertype ${name ?? 'Unknown'} (0x${hex4(type)})`);
}

/** Prints a frame; returns the length of all its link-layer headers. */
export function printEther(out: Printout, p: number, length: number, capLen: number): number {
  out.protocol = 'ether';
  const verbose = out.options.linkHeader;
  if (length < capLen) {
    out.put(`[length ${length} < caplen ${capLen}]`);
    out.putInvalid();
    return length;
  }
  if (capLen < 14) {
    out.putTruncated();
    return capLen;
  }
  if (verbose) putAddresses(out, p);
  const source = p + 6;
  const dest = p;
  let at = p + 14;
  let left = length - 14;
  let capLeft = capLen - 14;
  let type = out.u16(p + 12);
  let lengthShown = false;

  while (isVlanType(type)) {
    if (capLeft < 4 || left < 4) {
      out.protocol = 'vlan';
      out.putTruncated();
      return at - p + Math.min(capLeft, left);
    }
    if (verbose) {
      putType(out, type);
      out.put(lengthShown ? ', ' : `, length ${length}: `);
      lengthShown = true;
      out.put(`${vlanTagText(out.u16(at))}, `);
    }
    type = out.u16(at + 2);
    at += 4;
    left -= 4;
    capLeft -= 4;
  }

  if (type <= MAX_802_3_LENGTH) {
    // The field is a length; what follows it is padding. A frame that is too short stays as it is.
    const saved = out.snapEnd;
    if (type < left) {
      left = type;
      out.limitEnd(at + type);
      capLeft = Math.min(capLeft, type);
    }
    if (verbose) {
      out.put('802.3');
      if (!lengthShown) out.put(`, length ${left}: `);
    }
    const llc = printLlc(out, at, left, capLeft, source, dest);
    if (llc < 0) out.putDumpUnlessDumping(at, capLeft);
    out.restoreEnd(saved);
    return at - p + Math.abs(llc);
  }

  if (verbose) {
    putType(out, type);
    out.put(lengthShown ? ', ' : `, length ${length}: `);
  }
  if (!ethertypePrint(out, type, at, left, capLeft, source, dest)) {
    if (!verbose) {
      putAddresses(out, p);
      putType(out, type);
      out.put(`, length ${length}: `);
    }
    out.putDumpUnlessDumping(at, capLeft);
  }
  return at - p;
}
