/**
 * iperf3's command line: what may be set, and the complaints in the order in which iperf3 makes them.
 */
import { CommandExit } from '../command.js';
import { getopt } from '../getopt.js';
import { IperfError } from './errors.js';
import { atoi, parseBytes, parseRate } from './units.js';
import { IPERF_HELP } from './usage.js';

export const DEFAULT_PORT = 5201;
export const DEFAULT_TCP_BLOCK = 131072;
const DEFAULT_UDP_RATE = 1048576;
const MAX_BLOCK = 1048576;
const MAX_UDP_BLOCK = 65507;
const MIN_UDP_BLOCK = 16;

/** One test's settings; the server's come from the client's parameters. */
export interface IperfOptions {
  role: 'c' | 's' | undefined;
  host: string;
  port: number;
  format: string;
  /** Seconds between reports; 0 for none. */
  interval: number;
  bindAddress: string | undefined;
  bindDevice: string | undefined;
  verbose: boolean;
  json: boolean;
  logfile: string | undefined;
  pidfile: string | undefined;
  timestamps: string | undefined;
  title: string | undefined;
  extraData: string | undefined;
  debug: boolean;
  daemon: boolean;
  oneOff: boolean;
  idleTimeoutSeconds: number;
  /** Milliseconds without data after which a receiver gives up. */
  receiveTimeoutMs: number;
  sendTimeoutMs: number;
  udp: boolean;
  connectTimeoutMs: number | undefined;
  /** Bits a second; undefined takes the protocol's default, 0 has no limit. */
  rate: number | undefined;
  burst: number;
  pacingTimerUs: number;
  seconds: number;
  bytes: number;
  blocks: number;
  /** 0 until it is known. */
  blockSize: number;
  clientPort: number;
  parallel: number;
  reverse: boolean;
  bidirectional: boolean;
  /** SO_SNDBUF and SO_RCVBUF; 0 leaves them. */
  window: number;
  congestion: string | undefined;
  mss: number;
  noDelay: boolean;
  family: 4 | 6 | undefined;
  tos: number;
  zeroCopy: boolean;
  omit: number;
  serverOutput: boolean;
  counters64: boolean;
  repeatingPayload: boolean;
  dontFragment: boolean;
}

export function defaultOptions(): IperfOptions {
  return {
    role: undefined,
    host: '',
    port: DEFAULT_PORT,
    format: 'a',
    interval: 1,
    bindAddress: undefined,
    bindDevice: undefined,
    verbose: false,
    json: false,
    logfile: undefined,
    pidfile: undefined,
    timestamps: undefined,
    title: undefined,
    extraData: undefined,
    debug: false,
    daemon: false,
    oneOff: false,
    idleTimeoutSeconds: 0,
    receiveTimeoutMs: 120000,
    sendTimeoutMs: 0,
    udp: false,
    connectTimeoutMs: undefined,
    rate: undefined,
    burst: 0,
    pacingTimerUs: 1000,
    seconds: 10,
    bytes: 0,
    blocks: 0,
    blockSize: 0,
    clientPort: 0,
    parallel: 1,
    reverse: false,
    bidirectional: false,
    window: 0,
    congestion: undefined,
    mss: 0,
    noDelay: false,
    family: undefined,
    tos: 0,
    zeroCopy: false,
    omit: 0,
    serverOutput: false,
    counters64: false,
    repeatingPayload: false,
    dontFragment: false,
  };
}

const DSCP: Readonly<Record<string, number>> = {
  ef: 46,
  le: 1,
  va: 44,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`cs${i}`, i * 8])),
  ...Object.fromEntries(
    [1, 2, 3, 4].flatMap((c) => [1, 2, 3].map((d) => [`af${c}${d}`, c * 8 + d * 2])),
  ),
};

/** strtol with base 0. */
function anyBase(text: string): number {
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return Number(text);
  if (/^0[0-7]+$/.test(text)) return parseInt(text, 8);
  return /^\d+$/.test(text) ? Number(text) : NaN;
}

function usageError(complaint: string): CommandExit {
  return new CommandExit(1, `${complaint}\n${IPERF_HELP}`);
}

function portNumber(text: string): number {
  const port = atoi(text);
  if (port < 1 || port > 65535) throw new IperfError(26);
  return port;
}

const LONG: Readonly<Record<string, string>> = {
  port: 'p:',
  format: 'f:',
  interval: 'i:',
  daemon: 'D',
  'one-off': '1',
  verbose: 'V',
  json: 'J',
  version: 'v',
  server: 's',
  client: 'c:',
  udp: 'u',
  bitrate: 'b:',
  bandwidth: 'b:',
  'server-bitrate-limit': 'server-bitrate-limit:',
  time: 't:',
  bytes: 'n:',
  blockcount: 'k:',
  length: 'l:',
  parallel: 'P:',
  reverse: 'R',
  bidir: 'bidir',
  window: 'w:',
  bind: 'B:',
  'bind-dev': 'bind-dev:',
  cport: 'cport:',
  'set-mss': 'M:',
  'no-delay': 'N',
  version4: '4',
  version6: '6',
  tos: 'S:',
  dscp: 'dscp:',
  'extra-data': 'extra-data:',
  flowlabel: 'L:',
  zerocopy: 'Z',
  omit: 'O:',
  file: 'F:',
  'repeating-payload': 'repeating-payload',
  timestamps: 'timestamps::',
  affinity: 'A:',
  title: 'T:',
  congestion: 'C:',
  'linux-congestion': 'C:',
  sctp: 'sctp',
  nstreams: 'nstreams:',
  xbind: 'X:',
  pidfile: 'I:',
  logfile: 'logfile:',
  forceflush: 'forceflush',
  'get-server-output': 'get-server-output',
  'udp-counters-64bit': 'udp-counters-64bit',
  'no-fq-socket-pacing': 'no-fq-socket-pacing',
  'fq-rate': 'fq-rate:',
  'pacing-timer': 'pacing-timer:',
  'connect-timeout': 'connect-timeout:',
  'idle-timeout': 'idle-timeout:',
  'rcv-timeout': 'rcv-timeout:',
  'snd-timeout': 'snd-timeout:',
  'dont-fragment': 'dont-fragment',
  debug: 'd::',
  help: 'h',
};

/** Who may use an option that only one side has. */
const CLIENT_ONLY = new Set([
  ...['u', 'b', 't', 'n', 'k', 'l', 'P', 'R', 'bidir', 'w', 'cport', 'M', 'N', 'S', 'dscp', 'L'],
  ...['Z', 'O', 'T', 'C', 'extra-data', 'get-server-output', 'udp-counters-64bit'],
  ...['repeating-payload', 'fq-rate', 'pacing-timer', 'connect-timeout', 'dont-fragment'],
  ...['nstreams', 'X', 'sctp'],
]);
const SERVER_ONLY = new Set(['D', '1', 'idle-timeout', 'server-bitrate-limit']);

/** Parses argv without its first word. Throws IperfError (a parameter error) or CommandExit. */
export function parseIperfOptions(args: readonly string[]): IperfOptions {
  const o = defaultOptions();
  const parsed = getopt('iperf3', args, {
    short: 'p:f:i:D1VJvsc:ub:t:n:k:l:P:Rw:B:M:N46S:L:ZO:F:A:T:C:dI:hX:',
    long: LONG,
  });
  const used = new Set<string>();
  let ends = 0;
  for (const { name, value = '' } of parsed.options) {
    used.add(name);
    switch (name) {
      case 'p':
        o.port = portNumber(value);
        break;
      case 'f':
        o.format = value[0] ?? '';
        if (!/^[kmgtKMGT]$/.test(o.format)) throw new IperfError(24);
        break;
      case 'i': {
        o.interval = Number.parseFloat(value) || 0;
        if ((o.interval < 0.1 || o.interval > 60) && o.interval !== 0) throw new IperfError(9);
        break;
      }
      case 'D':
        o.daemon = true;
        break;
      case '1':
        o.oneOff = true;
        break;
      case 'V':
        o.verbose = true;
        break;
      case 'J':
        o.json = true;
        break;
      case 's':
      case 'c':
        if (o.role !== undefined && o.role !== name) throw new IperfError(1);
        o.role = name;
        if (name === 'c') {
          const [host = '', device] = value.split('%');
          o.host = host;
          if (device !== undefined) o.bindDevice = device;
        }
        break;
      case 'u':
        o.udp = true;
        break;
      case 'b': {
        const [rate = '', burst] = value.split('/');
        o.rate = parseRate(rate);
        if (burst !== undefined) {
          o.burst = atoi(burst);
          if (o.burst <= 0 || o.burst > 1000) throw new IperfError(15);
        }
        break;
      }
      case 't':
        o.seconds = atoi(value);
        if (o.seconds > 86400) throw new IperfError(5);
        ends |= 1;
        break;
      case 'n':
        o.bytes = parseBytes(value);
        ends |= 2;
        break;
      case 'k':
        o.blocks = parseBytes(value);
        ends |= 4;
        break;
      case 'l':
        o.blockSize = parseBytes(value);
        break;
      case 'P':
        o.parallel = atoi(value);
        if (o.parallel > 128) throw new IperfError(6);
        break;
      case 'R':
        if (o.bidirectional) throw new IperfError(25);
        o.reverse = true;
        break;
      case 'bidir':
        if (o.reverse) throw new IperfError(25);
        o.bidirectional = true;
        break;
      case 'w': {
        const size = Math.trunc(parseBytes(value));
        if (size > 512 * 1024 * 1024) throw new IperfError(8);
        o.window = size;
        break;
      }
      case 'B': {
        const [host = '', device] = value.split('%');
        o.bindAddress = host;
        if (device !== undefined) o.bindDevice = device;
        break;
      }
      case 'bind-dev':
        o.bindDevice = value;
        break;
      case 'cport':
        o.clientPort = portNumber(value);
        break;
      case 'M':
        o.mss = atoi(value);
        if (o.mss > 9216) throw new IperfError(10);
        break;
      case 'N':
        o.noDelay = true;
        break;
      case '4':
        o.family = 4;
        break;
      case '6':
        o.family = 6;
        break;
      case 'S': {
        const tos = anyBase(value);
        if (Number.isNaN(tos) || tos > 255) throw new IperfError(21);
        o.tos = tos;
        break;
      }
      case 'dscp': {
        const dscp = DSCP[value.toLowerCase()] ?? anyBase(value);
        if (Number.isNaN(dscp) || dscp > 63) throw new IperfError(21);
        o.tos = dscp << 2;
        break;
      }
      case 'Z':
        o.zeroCopy = true;
        break;
      case 'O':
        o.omit = atoi(value);
        if (o.omit < 0 || o.omit > 60) throw new IperfError(12);
        break;
      case 'T':
        o.title = value;
        break;
      case 'C':
        o.congestion = value;
        break;
      case 'I':
        o.pidfile = value;
        break;
      case 'd':
        o.debug = true;
        break;
      case 'extra-data':
        o.extraData = value;
        break;
      case 'repeating-payload':
        o.repeatingPayload = true;
        break;
      case 'timestamps':
        o.timestamps = value === '' ? '%c ' : value;
        break;
      case 'logfile':
        o.logfile = value;
        break;
      case 'get-server-output':
        o.serverOutput = true;
        break;
      case 'udp-counters-64bit':
        o.counters64 = true;
        break;
      case 'dont-fragment':
        o.dontFragment = true;
        break;
      case 'pacing-timer':
        o.pacingTimerUs = parseBytes(value);
        break;
      case 'connect-timeout':
        o.connectTimeoutMs = parseBytes(value);
        break;
      case 'idle-timeout':
        o.idleTimeoutSeconds = atoi(value);
        if (o.idleTimeoutSeconds < 1 || o.idleTimeoutSeconds > 86400) throw new IperfError(30);
        break;
      case 'rcv-timeout':
        o.receiveTimeoutMs = atoi(value);
        if (o.receiveTimeoutMs < 100 || o.receiveTimeoutMs > 86400000) throw new IperfError(31);
        break;
      case 'snd-timeout':
        o.sendTimeoutMs = atoi(value);
        if (o.sendTimeoutMs < 0 || o.sendTimeoutMs > 86400000) throw new IperfError(33);
        break;
      case 'sctp':
      case 'nstreams':
      case 'X':
        throw new IperfError(18);
      case 'F':
      case 'L':
      case 'fq-rate':
      case 'server-bitrate-limit':
        throw new IperfError(13);
      case 'v':
        throw new CommandExit(0, 'version');
      case 'h':
        throw new CommandExit(0, 'help');
      default:
        break;
    }
  }
  if (parsed.error !== undefined) throw usageError(parsed.error);
  check(o, used, ends);
  return o;
}

function check(o: IperfOptions, used: ReadonlySet<string>, ends: number): void {
  const any = (names: ReadonlySet<string>): boolean => [...names].some((name) => used.has(name));
  if (o.role === 's' && any(CLIENT_ONLY)) throw new IperfError(4);
  if (o.role === 'c' && any(SERVER_ONLY)) throw new IperfError(3);
  if (used.has('rcv-timeout') && o.role === 'c' && !o.reverse && !o.bidirectional)
    throw new IperfError(32);
  const block = o.blockSize;
  if (!o.udp && block > MAX_BLOCK) throw new IperfError(7);
  if (o.udp && block > 0 && (block > MAX_UDP_BLOCK || block < MIN_UDP_BLOCK))
    throw new IperfError(20);
  if (o.udp === false && block <= 0) o.blockSize = DEFAULT_TCP_BLOCK;
  o.rate ??= o.udp ? DEFAULT_UDP_RATE : 0;
  if ((ends & (ends - 1)) !== 0) throw new IperfError(16);
  if (ends > 1) o.seconds = 0;
  if (o.role === undefined) throw new IperfError(2);
  if (o.parallel < 1) o.parallel = 1;
}
