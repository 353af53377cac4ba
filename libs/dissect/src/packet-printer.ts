/**
 * Prints packets as tcpdump 4.99.3 does, one after another.
 *
 * tcpdump in the shell, captures of a lab → PacketPrinter → printLink. One printer a capture: it
 * remembers the time stamps and the TCP connections that it saw.
 * Units: virtual nanoseconds; calendar time is `epochSec` plus them.
 */
import { asciiDump, hexAsciiDump, hexDump } from './hex-dump.js';
import { printLink } from './link.js';
import { resolveOptions } from './options.js';
import type { PrinterOptions, Settings } from './options.js';
import { Printout, TruncatedPacket } from './printout.js';
import { TcpConversations } from './tcp-conversations.js';
import { TimestampPrinter } from './timestamp.js';

const MAX_SNAPLEN = 262144;

export class PacketPrinter {
  private readonly options: Settings;
  private readonly out: Printout;
  private readonly stamps: TimestampPrinter;
  private count = 0;

  constructor(options: PrinterOptions = {}) {
    this.options = resolveOptions(options);
    this.out = new Printout(this.options, new TcpConversations());
    this.stamps = new TimestampPrinter(this.options);
  }

  /**
   * The text of one packet, without the line feed at its end; it may hold several lines. Never throws.
   *
   * @param tsNs virtual ns since time zero
   * @param origLen length on the wire; `capLen` bytes of it are at `offset` in `mem`
   * @param meta epochSec: seconds since 1970 of time zero, instead of the option
   */
  print(
    tsNs: number,
    linkType: number,
    mem: Uint8Array,
    offset: number,
    capLen: number,
    origLen: number,
    meta?: { readonly epochSec?: number },
  ): string {
    const sec = Math.floor(tsNs / 1e9);
    const epoch = meta?.epochSec ?? this.options.epochSec;
    return this.printAt(epoch + sec, tsNs - sec * 1e9, linkType, mem, offset, capLen, origLen);
  }

  /** As print, with calendar time in whole seconds and nanoseconds. */
  printAt(
    sec: number,
    nsec: number,
    linkType: number,
    mem: Uint8Array,
    offset: number,
    capLen: number,
    origLen: number,
  ): string {
    this.count++;
    const number = this.options.packetNumbers ? `${String(this.count).padStart(5)}  ` : '';
    const available = Math.max(0, Math.min(capLen, mem.length - offset));
    const problem = headerProblem(available, origLen);
    if (problem !== undefined) return `${number}[Invalid header:${problem}]`;

    const { out } = this;
    out.begin(mem, offset, available);
    out.put(number + this.stamps.print(sec, nsec));
    try {
      printLink(out, linkType, offset, origLen, available);
    } catch (error) {
      if (!(error instanceof TruncatedPacket)) throw error;
      out.putTruncated();
    }
    return out.text + this.dump(mem, offset, available);
  }

  private dump(mem: Uint8Array, offset: number, length: number): string {
    const { hexAscii, hex, ascii } = this.options;
    const often = hexAscii > 0 ? hexAscii : hex > 0 ? hex : ascii;
    if (often === 0) return '';
    const skip = often > 1 ? 0 : this.out.linkHeaderLength;
    if (length <= skip) return '';
    if (hexAscii > 0) return hexAsciiDump(mem, offset + skip, length - skip);
    if (hex > 0) return hexDump(mem, offset + skip, length - skip);
    return asciiDump(mem, offset + skip, length - skip);
  }
}

function headerProblem(capLen: number, length: number): string | undefined {
  const problems: string[] = [];
  if (capLen === 0) problems.push(' caplen==0');
  if (length === 0) problems.push(' len==0');
  else if (length < capLen) problems.push(` len(${length}) < caplen(${capLen})`);
  if (capLen > MAX_SNAPLEN) problems.push(` caplen(${capLen}) > ${MAX_SNAPLEN}`);
  if (length > MAX_SNAPLEN) problems.push(` len(${length}) > ${MAX_SNAPLEN}`);
  return problems.length === 0 ? undefined : problems.join(',');
}
