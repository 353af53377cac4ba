/** Packets as lines: tcpdump's switches handed to the printer of @netloom/dissect. */
import { PacketPrinter } from '@netloom/dissect';
import type { TcpdumpOptions } from './options.js';

export interface ShownPacket {
  readonly sec: number;
  readonly nsec: number;
  readonly linkType: number;
  readonly data: Uint8Array;
  /** Length on the wire. */
  readonly length: number;
}

export class PacketLines {
  private readonly printer: PacketPrinter;

  /** `names`: interface names by index, for captures on `any`. */
  constructor(options: TcpdumpOptions, names: ReadonlyMap<number, string>) {
    this.printer = new PacketPrinter({
      numeric: options.numeric > 0,
      linkHeader: options.link,
      quiet: options.quick ? 1 : 0,
      verbose: options.verbose,
      timestamps: options.stamps,
      absoluteSeq: options.absoluteSeq,
      noChecksums: options.noChecksums,
      packetNumbers: options.number,
      hex: options.hex,
      hexAscii: options.hexAscii,
      ascii: options.ascii,
      nano: options.nano,
      ifName: (ifindex) => names.get(ifindex),
    });
  }

  /** One packet with its line end. */
  text(packet: ShownPacket): string {
    const { data } = packet;
    return `${this.printer.printAt(packet.sec, packet.nsec, packet.linkType, data, 0, data.length, packet.length)}\n`;
  }
}
