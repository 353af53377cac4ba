/**
 * netcat's command line (OpenBSD netcat as Debian patches it) and its complaints.
 */
import { servicePort } from '@netloom/base';
import { CommandExit } from '../command.js';
import { getopt } from '../getopt.js';
import { NC_HELP, NC_USAGE } from './usage.js';

export interface NcOptions {
  listen: boolean;
  keep: boolean;
  udp: boolean;
  unix: boolean;
  numeric: boolean;
  verbose: boolean;
  scan: boolean;
  noStdin: boolean;
  /** `-N`: half-close after the end of standard input. */
  shutdown: boolean;
  crlf: boolean;
  broadcast: boolean;
  randomPorts: boolean;
  telnet: boolean;
  family: 4 | 6 | undefined;
  /** Milliseconds, or undefined for ever. */
  timeoutMs: number | undefined;
  /** Seconds after the end of standard input; undefined waits for ever. */
  quit: number | undefined;
  intervalSeconds: number;
  receiveLimit: number;
  sourceAddress: string | undefined;
  sourcePort: string | undefined;
  rcvbuf: number | undefined;
  sndbuf: number | undefined;
  ttl: number | undefined;
  tos: number | undefined;
  host: string | undefined;
  ports: string | undefined;
}

function fail(message: string): CommandExit {
  return new CommandExit(1, `nc: ${message}\n`);
}

function number(text: string, what: string, high = 0x7fffffff, low = 0): number {
  // hop limits are complained of without the word itself
  const shown = what.endsWith(' is') ? '' : `: ${text}`;
  if (!/^-?\d+$/.test(text)) throw fail(`${what} invalid${shown}`);
  const value = Number(text);
  if (value > high) throw fail(`${what} too large${shown}`);
  if (value < low) throw fail(`${what} too small${shown}`);
  return value;
}

const TOS_NAMES: Readonly<Record<string, number>> = {
  af11: 0x28,
  af12: 0x30,
  af13: 0x38,
  af21: 0x48,
  af22: 0x50,
  af23: 0x58,
  af31: 0x68,
  af32: 0x70,
  af33: 0x78,
  af41: 0x88,
  af42: 0x90,
  af43: 0x98,
  critical: 0xa0,
  cs0: 0,
  cs1: 0x20,
  cs2: 0x40,
  cs3: 0x60,
  cs4: 0x80,
  cs5: 0xa0,
  cs6: 0xc0,
  cs7: 0xe0,
  ef: 0xb8,
  inetcontrol: 0xc0,
  lowcost: 0x02,
  lowdelay: 0x10,
  netcontrol: 0xe0,
  reliability: 0x04,
  throughput: 0x08,
};

function parseTos(text: string): number {
  const named = TOS_NAMES[text.toLowerCase()];
  if (named !== undefined) return named;
  const value = /^(0x[0-9a-fA-F]+|\d+)$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(value) || value > 255) throw fail(`illegal tos value ${text}`);
  return value;
}

export function parseNcOptions(args: readonly string[]): NcOptions {
  const parsed = getopt('nc', args, {
    short: '46bCDdFhI:i:klM:m:NnO:P:p:q:rSs:T:tUuV:vW:w:X:x:Zz',
  });
  const o: NcOptions = {
    listen: false,
    keep: false,
    udp: false,
    unix: false,
    numeric: false,
    verbose: false,
    scan: false,
    noStdin: false,
    shutdown: false,
    crlf: false,
    broadcast: false,
    randomPorts: false,
    telnet: false,
    family: undefined,
    timeoutMs: undefined,
    quit: undefined,
    intervalSeconds: 0,
    receiveLimit: 0,
    sourceAddress: undefined,
    sourcePort: undefined,
    rcvbuf: undefined,
    sndbuf: undefined,
    ttl: undefined,
    tos: undefined,
    host: undefined,
    ports: undefined,
  };
  for (const { name, value = '' } of parsed.options) {
    switch (name) {
      case '4':
        o.family = 4;
        break;
      case '6':
        o.family = 6;
        break;
      case 'b':
        o.broadcast = true;
        break;
      case 'C':
        o.crlf = true;
        break;
      case 'd':
        o.noStdin = true;
        break;
      case 'h':
        throw new CommandExit(0, NC_HELP);
      case 'I':
        o.rcvbuf = number(value, 'TCP receive window', 65536 << 14, 1);
        break;
      case 'i':
        o.intervalSeconds = number(value, 'interval');
        break;
      case 'k':
        o.keep = true;
        break;
      case 'l':
        o.listen = true;
        break;
      case 'M':
        o.ttl = number(value, 'ttl is', 255);
        break;
      case 'm':
        number(value, 'minttl is', 255);
        break;
      case 'N':
        o.shutdown = true;
        break;
      case 'n':
        o.numeric = true;
        break;
      case 'O':
        o.sndbuf = number(value, 'TCP send window', 65536 << 14, 1);
        break;
      case 'p':
        o.sourcePort = value;
        break;
      case 'q': {
        if (!/^-?\d+$/.test(value)) throw fail(`quit timer invalid: ${value}`);
        const seconds = Number(value);
        o.quit = seconds < 0 ? undefined : seconds;
        if (seconds >= 0) o.shutdown = true;
        break;
      }
      case 'r':
        o.randomPorts = true;
        break;
      case 's':
        o.sourceAddress = value;
        break;
      case 'T':
        o.tos = parseTos(value);
        break;
      case 't':
        o.telnet = true;
        break;
      case 'U':
        o.unix = true;
        break;
      case 'u':
        o.udp = true;
        break;
      case 'v':
        o.verbose = true;
        break;
      case 'W':
        o.receiveLimit = number(value, 'receive limit', 0x7fffffff, 1);
        break;
      case 'w':
        o.timeoutMs = number(value, 'timeout', 2147483) * 1000;
        break;
      case 'S':
        throw fail('Unable to read TCP MD5SIG password');
      case 'V':
        throw fail('no alternate routing table support available');
      case 'X':
        if (!/^(connect|4|5)$/i.test(value)) throw fail('unsupported proxy protocol');
        throw fail('proxy connections are not supported');
      case 'x':
      case 'P':
        throw fail('proxy connections are not supported');
      case 'Z':
        throw new CommandExit(1, NC_USAGE);
      case 'z':
        o.scan = true;
        break;
      default:
        break;
    }
  }
  if (parsed.error !== undefined) throw new CommandExit(1, `${parsed.error}\n${NC_USAGE}`);
  operands(o, parsed.operands);
  if (o.listen && o.scan) throw fail('cannot use -z and -l');
  if (!o.listen && o.keep) throw fail('must use -l with -k');
  return o;
}

function operands(o: NcOptions, words: readonly string[]): void {
  const [first, second, ...more] = words;
  if (o.unix) {
    if (first === undefined || second !== undefined) throw new CommandExit(1, NC_USAGE);
    o.host = first;
    return;
  }
  if (first === undefined) {
    if (!o.listen) throw new CommandExit(1, NC_USAGE);
    if (o.sourcePort === undefined) throw fail('missing port number');
    o.host = o.sourceAddress;
    o.ports = o.sourcePort;
    return;
  }
  if (second === undefined) {
    if (!o.listen) throw fail('missing port number');
    if (o.sourcePort !== undefined) {
      if (o.sourceAddress !== undefined) throw new CommandExit(1, NC_USAGE);
      o.host = first;
      o.ports = o.sourcePort;
      return;
    }
    if (o.sourceAddress !== undefined) throw new CommandExit(1, NC_USAGE);
    o.ports = first;
    return;
  }
  if (
    more.length > 0 ||
    (o.listen && (o.sourcePort !== undefined || o.sourceAddress !== undefined))
  ) {
    throw new CommandExit(1, NC_USAGE);
  }
  o.host = first;
  o.ports = second;
}

/** A port by number or service name. */
function onePort(text: string, udp: boolean): number {
  const named = servicePort(text, udp ? 'udp' : 'tcp');
  if (named !== undefined) return named;
  return number(text, 'port number', 65535, 1);
}

/** The ports of `80`, `http` or `79-82`. */
export function portList(text: string, udp: boolean): number[] {
  const range = /^(\d+)-(\d+)$/.exec(text);
  if (range === null || servicePort(text, udp ? 'udp' : 'tcp') !== undefined)
    return [onePort(text, udp)];
  let low = onePort(range[1] ?? '', udp);
  let high = onePort(range[2] ?? '', udp);
  if (low > high) [low, high] = [high, low];
  return Array.from({ length: high - low + 1 }, (_, i) => low + i);
}
