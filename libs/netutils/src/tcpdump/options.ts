/**
 * `tcpdump`'s command line (4.99.3) and its complaints.
 */
import { CommandExit } from '../command.js';
import { getopt } from '../getopt.js';
import { TCPDUMP_USAGE, TCPDUMP_VERSION } from './usage.js';

export interface TcpdumpOptions {
  device: string | undefined;
  readFile: string | undefined;
  writeFile: string | undefined;
  filterFile: string | undefined;
  count: number;
  snapLen: number;
  verbose: number;
  /** `-t` given this many times. */
  stamps: number;
  /** `-x`, `-xx`, `-X`, `-XX` as counts; `-A` ASCII. */
  hex: number;
  hexAscii: number;
  ascii: number;
  link: boolean;
  quick: boolean;
  numeric: number;
  noDomains: boolean;
  absoluteSeq: boolean;
  noChecksums: boolean;
  number: boolean;
  countOnly: boolean;
  promiscuous: boolean;
  direction: 'in' | 'out' | 'inout';
  linkType: string | undefined;
  listDevices: boolean;
  listLinkTypes: boolean;
  dumpCode: number;
  optimize: boolean;
  nano: boolean;
  /** `--print`: show packets while writing them. */
  alsoPrint: boolean;
  readonly expression: string;
}

/** The option string of tcpdump 4.99. */
const SHORT = 'aAbB:c:C:dDeE:fF:G:hHi:IjJ:KlLm:M:nNOpPQ:qr:s:StT:uUvV:w:W:xXyYz:Z:#';

export function parseTcpdumpOptions(args: readonly string[]): TcpdumpOptions {
  const parsed = getopt('tcpdump', args, {
    short: SHORT.replace('Ij', 'Ij:').replace('yY', 'y:'),
    long: {
      'buffer-size': 'B:',
      'list-interfaces': 'D',
      help: 'h',
      interface: 'i:',
      'monitor-mode': 'I',
      'time-stamp-type': 'j:',
      'list-time-stamp-types': 'J',
      'dont-verify-checksums': 'K',
      'list-data-link-types': 'L',
      'no-optimize': 'O',
      'no-promiscuous-mode': 'p',
      direction: 'Q:',
      'snapshot-length': 's:',
      'absolute-tcp-sequence-numbers': 'S',
      'packet-buffered': 'U',
      linktype: 'y:',
      'immediate-mode': 'immediate',
      'relinquish-privileges': 'Z:',
      number: '#',
      print: 'print',
      version: 'version',
      'time-stamp-precision': 'precision:',
      micro: 'micro',
      nano: 'nano',
      count: 'count',
    },
  });
  if (parsed.error !== undefined) {
    throw new CommandExit(1, `${parsed.error}\n${TCPDUMP_VERSION}${TCPDUMP_USAGE}`);
  }
  const o: TcpdumpOptions = {
    device: undefined,
    readFile: undefined,
    writeFile: undefined,
    filterFile: undefined,
    count: -1,
    snapLen: 262144,
    verbose: 0,
    stamps: 0,
    hex: 0,
    hexAscii: 0,
    ascii: 0,
    link: false,
    quick: false,
    numeric: 0,
    noDomains: false,
    absoluteSeq: false,
    noChecksums: false,
    number: false,
    countOnly: false,
    promiscuous: true,
    direction: 'inout',
    linkType: undefined,
    listDevices: false,
    listLinkTypes: false,
    dumpCode: 0,
    optimize: true,
    nano: false,
    alsoPrint: false,
    expression: parsed.operands.join(' '),
  };
  for (const { name, value = '' } of parsed.options) {
    switch (name) {
      case 'A':
        o.ascii++;
        break;
      case 'c':
        if (!/^\d+$/.test(value) || Number(value) <= 0)
          throw new CommandExit(1, `tcpdump: invalid packet count ${value}\n`);
        o.count = Number(value);
        break;
      case 'd':
        o.dumpCode++;
        break;
      case 'D':
        o.listDevices = true;
        break;
      case 'e':
        o.link = true;
        break;
      case 'F':
        o.filterFile = value;
        break;
      case 'h':
        throw new CommandExit(0, `${TCPDUMP_VERSION}${TCPDUMP_USAGE}`);
      case 'version':
        throw new CommandExit(0, TCPDUMP_VERSION);
      case 'i':
        o.device = value;
        break;
      case 'K':
        o.noChecksums = true;
        break;
      case 'L':
        o.listLinkTypes = true;
        break;
      case 'n':
        o.numeric++;
        break;
      case 'N':
        o.noDomains = true;
        break;
      case 'O':
        o.optimize = false;
        break;
      case 'p':
        o.promiscuous = false;
        break;
      case 'q':
        o.quick = true;
        break;
      case 'Q':
        if (value !== 'in' && value !== 'out' && value !== 'inout') {
          throw new CommandExit(1, `tcpdump: unknown capture direction \`${value}'\n`);
        }
        o.direction = value;
        break;
      case 'r':
        o.readFile = value;
        break;
      case 's':
        if (!/^\d+$/.test(value) || Number(value) > 262144) {
          throw new CommandExit(
            1,
            `tcpdump: invalid snaplen ${value} (must be >= 0 and <= 262144)\n`,
          );
        }
        o.snapLen = Number(value) === 0 ? 262144 : Number(value);
        break;
      case 'S':
        o.absoluteSeq = true;
        break;
      case 't':
        o.stamps++;
        break;
      case 'v':
        o.verbose++;
        break;
      case 'w':
        o.writeFile = value;
        break;
      case 'x':
        o.hex++;
        break;
      case 'X':
        o.hexAscii++;
        break;
      case 'y':
        o.linkType = value;
        break;
      case '#':
        o.number = true;
        break;
      case 'print':
        o.alsoPrint = true;
        break;
      case 'count':
        o.countOnly = true;
        break;
      case 'nano':
        o.nano = true;
        break;
      case 'precision':
        if (value !== 'micro' && value !== 'nano')
          throw new CommandExit(1, `tcpdump: invalid time stamp precision ${value}\n`);
        o.nano = value === 'nano';
        break;
      case 'C':
      case 'G':
      case 'W':
      case 'z':
        throw new CommandExit(
          1,
          `tcpdump: -${name}: writing to a series of files is not supported\n`,
        );
      case 'I':
        throw new CommandExit(
          1,
          `tcpdump: ${o.device ?? 'any'}: That device doesn't support monitor mode\n`,
        );
      // buffering, privileges, time stamp types and MIBs make no difference here
      default:
        break;
    }
  }
  return o;
}
