/**
 * What the user asks of the printer: the command-line switches of tcpdump(1), as data.
 */

export interface PrinterOptions {
  /** -n: no service and protocol names (addresses are always numeric: there is no resolver). */
  readonly numeric?: boolean;
  /** -e: the link-layer header. */
  readonly linkHeader?: boolean;
  /** -q given this often. */
  readonly quiet?: number;
  /** -v given this often. */
  readonly verbose?: number;
  /** -t given this often: 0 time of day, 1 none, 2 seconds since 1970, 3 since the packet before, 4 date, 5 since the first. */
  readonly timestamps?: number;
  /** -S: TCP sequence numbers as they are on the wire. */
  readonly absoluteSeq?: boolean;
  /** -K: do not check checksums. */
  readonly noChecksums?: boolean;
  /** -#: a packet number before each packet. */
  readonly packetNumbers?: boolean;
  /** -x given this often. */
  readonly hex?: number;
  /** -X given this often; it wins over `hex`. */
  readonly hexAscii?: number;
  /** -A given this often; `hexAscii` and `hex` win over it. */
  readonly ascii?: number;
  /** --nano: nine digits after the point. */
  readonly nano?: boolean;
  /** Seconds since 1970 of time zero. Default 0. */
  readonly epochSec?: number;
  /** The name of an interface index, for captures on `any`. */
  readonly ifName?: (ifindex: number) => string | undefined;
}

/** The same with nothing left open; what the printers read. */
export interface Settings {
  readonly numeric: boolean;
  readonly linkHeader: boolean;
  readonly quiet: number;
  readonly verbose: number;
  readonly timestamps: number;
  readonly absoluteSeq: boolean;
  readonly noChecksums: boolean;
  readonly packetNumbers: boolean;
  readonly hex: number;
  readonly hexAscii: number;
  readonly ascii: number;
  readonly nano: boolean;
  readonly epochSec: number;
  readonly ifName: (ifindex: number) => string | undefined;
}

export function resolveOptions(options: PrinterOptions): Settings {
  return {
    numeric: options.numeric ?? false,
    linkHeader: options.linkHeader ?? false,
    quiet: options.quiet ?? 0,
    verbose: options.verbose ?? 0,
    timestamps: options.timestamps ?? 0,
    absoluteSeq: options.absoluteSeq ?? false,
    noChecksums: options.noChecksums ?? false,
    packetNumbers: options.packetNumbers ?? false,
    hex: options.hex ?? 0,
    hexAscii: options.hexAscii ?? 0,
    ascii: options.ascii ?? 0,
    nano: options.nano ?? false,
    epochSec: options.epochSec ?? 0,
    ifName: options.ifName ?? (() => undefined),
  };
}
