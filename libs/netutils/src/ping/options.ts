/**
 * `ping`'s command line: what iputils' accepts, with its complaints and exit codes.
 */
import { CommandExit } from '../command.js';
import { getopt } from '../getopt.js';
import { NODEINFO_HELP, PING_USAGE } from './usage.js';

export interface PingOptions {
  count: number;
  intervalMs: number;
  /** Data bytes. */
  size: number;
  /** How long to wait for a reply after the last request where none ever came, milliseconds. */
  lingerMs: number;
  deadlineNs: number;
  ttl: number;
  /** `-t` was given: 0 is refused by the kernel then. */
  ttlGiven: boolean;
  tos: number | undefined;
  mark: number | undefined;
  preload: number;
  pattern: readonly number[];
  /** `-F`: the flow label, IPv6. */
  flowLabel: number | undefined;
  pmtu: 'do' | 'dont' | 'want' | undefined;
  sndbuf: number | undefined;
  source: string | undefined;
  ident: number | undefined;
  family: 4 | 6 | undefined;
  timestampOption: 'tsonly' | 'tsandaddr' | 'tsprespec' | undefined;
  quiet: boolean;
  numeric: boolean;
  flood: boolean;
  adaptive: boolean;
  audible: boolean;
  broadcast: boolean;
  sticky: boolean;
  dates: boolean;
  outstanding: boolean;
  verbose: boolean;
  userLatency: boolean;
  recordRoute: boolean;
  noLoop: boolean;
  dontRoute: boolean;
  warnings: string;
  readonly hosts: readonly string[];
}

function integer(text: string, low: number, high: number): number {
  if (!/^[+-]?(\d+|0[xX][0-9a-fA-F]+)$/.test(text))
    throw new CommandExit(1, `ping: invalid argument: '${text}'\n`);
  const value = Number(text);
  if (value < low || value > high) {
    const top = high === Number.MAX_SAFE_INTEGER ? '9223372036854775807' : String(high);
    throw new CommandExit(
      1,
      `ping: invalid argument: '${text}': out of range: ${low} <= value <= ${top}\n`,
    );
  }
  return value;
}

/** Seconds with a fraction; garbage after the number is complained of and ignored. */
function seconds(text: string, options: PingOptions): number {
  const match = /^\s*[+-]?(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)/.exec(text);
  const rest = match === null ? text : text.slice(match[0].length);
  if (rest !== '') {
    options.warnings += `ping: option argument contains garbage: ${rest}\nping: this will become fatal error in the future\n`;
  }
  return match === null ? 0 : Number(match[0]);
}

function parsePattern(text: string): number[] {
  if (!/^[0-9a-fA-F]*$/.test(text)) {
    throw new CommandExit(2, `ping: patterns must be specified as hex digits: ${text}\n`);
  }
  const bytes: number[] = [];
  for (let i = 0; i < text.length && bytes.length < 16; i += 2)
    bytes.push(parseInt(text.slice(i, i + 2), 16));
  return bytes;
}

export function parsePingOptions(argv: readonly string[]): PingOptions {
  const name = argv[0] ?? 'ping';
  const parsed = getopt('ping', argv.slice(1), {
    short: 'h?4bRT:6F:N:aABc:CdDe:fHi:I:l:Lm:M:nOp:qQ:rs:S:t:UvVw:W:',
  });
  const options: PingOptions = {
    count: 0,
    intervalMs: 1000,
    size: 56,
    lingerMs: 10000,
    deadlineNs: 0,
    ttl: 0,
    ttlGiven: false,
    tos: undefined,
    mark: undefined,
    preload: 1,
    pattern: [],
    flowLabel: undefined,
    pmtu: undefined,
    sndbuf: undefined,
    source: undefined,
    ident: undefined,
    family: name.endsWith('ping4') ? 4 : name.endsWith('ping6') ? 6 : undefined,
    timestampOption: undefined,
    quiet: false,
    numeric: false,
    flood: false,
    adaptive: false,
    audible: false,
    broadcast: false,
    sticky: false,
    dates: false,
    outstanding: false,
    verbose: false,
    userLatency: false,
    recordRoute: false,
    noLoop: false,
    dontRoute: false,
    warnings: '',
    hosts: parsed.operands,
  };
  let intervalGiven = false;
  for (const { name: option, value = '' } of parsed.options) {
    switch (option) {
      case '4':
        options.family = 4;
        break;
      case '6':
        options.family = 6;
        break;
      case 'a':
        options.audible = true;
        break;
      case 'A':
        options.adaptive = true;
        break;
      case 'b':
        options.broadcast = true;
        break;
      case 'B':
        options.sticky = true;
        break;
      case 'c':
        options.count = integer(value, 1, Number.MAX_SAFE_INTEGER);
        break;
      case 'D':
        options.dates = true;
        break;
      case 'e':
        options.ident = integer(value, 0, 65535);
        break;
      case 'f':
        options.flood = true;
        break;
      case 'F':
        options.flowLabel = integer(value, 0, 0xfffff);
        options.family = 6;
        break;
      case 'N':
        throw new CommandExit(value === 'help' ? 0 : 2, NODEINFO_HELP);
      case 'H':
        throw new CommandExit(2, `ping: invalid option -- 'H'\n${PING_USAGE}`);
      case 'i':
        options.intervalMs = Math.floor(seconds(value, options) * 1000);
        intervalGiven = true;
        break;
      case 'I':
        options.source = value;
        break;
      case 'l':
        options.preload = integer(value, 1, 65536);
        break;
      case 'L':
        options.noLoop = true;
        break;
      case 'm':
        options.mark = integer(value, 0, 0xffffffff);
        break;
      case 'M':
        if (value !== 'do' && value !== 'dont' && value !== 'want') {
          throw new CommandExit(2, `ping: invalid -M argument: ${value}\n`);
        }
        options.pmtu = value;
        break;
      case 'n':
        options.numeric = true;
        break;
      case 'O':
        options.outstanding = true;
        break;
      case 'p':
        options.pattern = parsePattern(value);
        break;
      case 'q':
        options.quiet = true;
        break;
      case 'Q': {
        const tos = Number(value);
        if (!Number.isInteger(tos) || tos < 0 || tos > 255) {
          throw new CommandExit(
            2,
            `ping: the decimal value of TOS bits must be in range 0-255: ${Number.isNaN(tos) ? 0 : tos}\n`,
          );
        }
        options.tos = tos;
        break;
      }
      case 'r':
        options.dontRoute = true;
        break;
      case 'R':
        options.recordRoute = true;
        break;
      case 's':
        options.size = integer(value, 0, 0x7fffffff - 8);
        break;
      case 'S':
        options.sndbuf = integer(value, 1, 0x7fffffff);
        break;
      case 't':
        options.ttl = integer(value, 0, 255);
        options.ttlGiven = true;
        break;
      case 'T':
        if (value !== 'tsonly' && value !== 'tsandaddr' && value !== 'tsprespec') {
          throw new CommandExit(2, `ping: invalid timestamp type: ${value}\n`);
        }
        options.timestampOption = value;
        break;
      case 'U':
        options.userLatency = true;
        break;
      case 'v':
        options.verbose = true;
        break;
      case 'V':
        throw new CommandExit(
          0,
          'ping from iputils 20221126\nlibcap: yes, IDN: yes, NLS: no, error.h: yes, getrandom(): yes, __fpending(): yes\n',
        );
      case 'w':
        options.deadlineNs = integer(value, 0, 0x7fffffff) * 1e9;
        break;
      case 'W': {
        const linger = seconds(value, options);
        options.lingerMs = linger > 0 ? Math.floor(linger * 1000) : options.lingerMs;
        break;
      }
      case 'h':
      case '?':
        throw new CommandExit(2, PING_USAGE);
      default:
        break;
    }
  }
  if (parsed.error !== undefined) throw new CommandExit(2, `${parsed.error}\n${PING_USAGE}`);
  if (parsed.operands.length === 0) {
    throw new CommandExit(
      1,
      `${options.warnings}ping: usage error: Destination address required\n`,
    );
  }
  if (options.flood && !intervalGiven) options.intervalMs = 0;
  return options;
}
