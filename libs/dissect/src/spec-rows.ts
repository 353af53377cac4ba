/**
 * For specs: rows of packets in hex with the text that each set of switches gives.
 *
 * Switches are written as tcpdump's. One printer a set of switches prints all rows of a table in order, as
 * TCP's relative numbers and time differences need.
 */
import { PacketPrinter } from './packet-printer.js';
import type { PrinterOptions } from './options.js';

export interface Row {
  readonly hex: string;
  /** Length on the wire, where the packet is cut off. */
  readonly length?: number;
  /** By switches. */
  readonly text: Readonly<Record<string, string>>;
}

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** `-nvv` and the like. */
export function switches(text: string): PrinterOptions {
  const count = (letter: string): number => text.split(letter).length - 1;
  return {
    numeric: count('n') > 0,
    linkHeader: count('e') > 0,
    quiet: count('q'),
    verbose: count('v'),
    timestamps: count('t'),
    absoluteSeq: count('S') > 0,
    noChecksums: count('K') > 0,
    hex: count('x'),
    hexAscii: count('X'),
    ascii: count('A'),
    ifName: (ifindex) => (ifindex === 1 ? 'lo' : undefined),
  };
}

/** Declares a test for every set of switches in the table. */
export function checkRows(name: string, linkType: number, rows: readonly Row[]): void {
  const sets = new Set(rows.flatMap((row) => Object.keys(row.text)));
  describe(name, () => {
    test.each([...sets])('%s', (set) => {
      const printer = new PacketPrinter(switches(set));
      const print = ({ hex, length }: Row): string => {
        const bytes = bytesOf(hex);
        // Away from the start of the buffer: offsets must be kept.
        const mem = new Uint8Array(bytes.length + 24).fill(0xee);
        mem.set(bytes, 16);
        return printer.print(0, linkType, mem, 16, bytes.length, length ?? bytes.length);
      };
      expect(rows.map(print)).toEqual(rows.map((row) => row.text[set]));
    });
  });
}
