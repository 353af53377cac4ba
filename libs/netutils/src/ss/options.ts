/**
 * The command line of `ss` (iproute2 6.1).
 */
import type { SockDiagEntry } from '@netloom/sys';
import { CommandExit } from '../command.js';
import { getopt } from '../getopt.js';
import { SS_USAGE } from './usage.js';

export type SocketType = SockDiagEntry['type'];

/** Kinds in the order in which ss prints them. */
export const TYPE_ORDER: readonly SocketType[] = [
  'p_raw',
  'p_dgr',
  'u_str',
  'u_dgr',
  'raw',
  'icmp',
  'udp',
  'tcp',
];

export interface SsOptions {
  types: Set<SocketType>;
  families: Set<'inet' | 'inet6'>;
  all: boolean;
  listening: boolean;
  numeric: boolean;
  resolve: boolean;
  timers: boolean;
  extended: boolean;
  memory: boolean;
  processes: boolean;
  /** `-T`: processes with their thread numbers. */
  threads: boolean;
  info: boolean;
  summary: boolean;
  header: boolean;
  oneline: boolean;
}

const QUERIES: Readonly<Record<string, readonly SocketType[]>> = {
  all: TYPE_ORDER,
  inet: ['tcp', 'udp', 'raw'],
  tcp: ['tcp'],
  udp: ['udp'],
  raw: ['raw', 'icmp'],
  unix: ['u_str', 'u_dgr', 'u_seq'],
  unix_stream: ['u_str'],
  u_str: ['u_str'],
  unix_dgram: ['u_dgr'],
  u_dgr: ['u_dgr'],
  unix_seqpacket: ['u_seq'],
  packet: ['p_raw', 'p_dgr'],
  packet_raw: ['p_raw'],
  p_raw: ['p_raw'],
  packet_dgram: ['p_dgr'],
  p_dgr: ['p_dgr'],
  netlink: [],
  dccp: [],
  sctp: [],
  mptcp: [],
  tipc: [],
  xdp: [],
  vsock_stream: [],
  vsock_dgram: [],
};

/** The command line, read. */
export interface Invocation {
  readonly options: SsOptions;
  readonly words: readonly string[];
  readonly netns?: string;
}

export function parseSsOptions(argv: readonly string[]): Invocation {
  const parsed = getopt('ss', argv, {
    short: '+dhalBetuwxnro460spTbEf:mMiA:D:F:vVzZN:KHSO',
    long: {
      numeric: 'n',
      resolve: 'r',
      options: 'o',
      extended: 'e',
      memory: 'm',
      info: 'i',
      processes: 'p',
      threads: 'T',
      bpf: 'b',
      events: 'E',
      dccp: 'd',
      tcp: 't',
      sctp: 'S',
      udp: 'u',
      raw: 'w',
      unix: 'x',
      all: 'a',
      listening: 'l',
      ipv4: '4',
      ipv6: '6',
      packet: '0',
      family: 'f:',
      socket: 'A:',
      query: 'A:',
      summary: 's',
      diag: 'D:',
      filter: 'F:',
      version: 'V',
      help: 'h',
      context: 'Z',
      contexts: 'z',
      net: 'N:',
      kill: 'K',
      'no-header': 'H',
      oneline: 'O',
      mptcp: 'M',
      tos: 'tos',
      cgroup: 'cgroup',
      'inet-sockopt': 'sockopt',
      tipcinfo: 'tipcinfo',
      vsock: 'vsock',
      xdp: 'xdp',
      tipc: 'tipc',
    },
  });
  if (parsed.error !== undefined) throw new CommandExit(255, `${parsed.error}\n${SS_USAGE}`);
  const options: SsOptions = {
    types: new Set(),
    families: new Set(),
    all: false,
    listening: false,
    numeric: false,
    resolve: false,
    timers: false,
    extended: false,
    memory: false,
    processes: false,
    threads: false,
    info: false,
    summary: false,
    header: true,
    oneline: false,
  };
  let netns: string | undefined;
  const add = (types: readonly SocketType[]): void => {
    for (const type of types) options.types.add(type);
  };
  for (const { name, value = '' } of parsed.options) {
    switch (name) {
      case 'n':
        options.numeric = true;
        break;
      case 'r':
        options.resolve = true;
        break;
      case 'o':
        options.timers = true;
        break;
      case 'e':
        options.timers = true;
        options.extended = true;
        break;
      case 'm':
        options.memory = true;
        break;
      case 'i':
        options.info = true;
        break;
      case 'T':
        options.threads = true;
        options.processes = true;
        break;
      case 'p':
        options.processes = true;
        break;
      case 't':
        add(['tcp']);
        break;
      case 'u':
        add(['udp']);
        break;
      case 'w':
        add(['raw', 'icmp']);
        break;
      case 'x':
        add(['u_str', 'u_dgr', 'u_seq']);
        break;
      case '0':
        add(['p_raw', 'p_dgr']);
        break;
      case '4':
        options.families.add('inet');
        break;
      case '6':
        options.families.add('inet6');
        break;
      case 'a':
        options.all = true;
        break;
      case 'l':
        options.listening = true;
        break;
      case 's':
        options.summary = true;
        break;
      case 'H':
        options.header = false;
        break;
      case 'O':
        options.oneline = true;
        break;
      case 'f':
        if (value === 'inet' || value === 'inet6') options.families.add(value);
        else if (value === 'link') add(['p_raw', 'p_dgr']);
        else if (value === 'unix') add(['u_str', 'u_dgr', 'u_seq']);
        else if (value === 'help') throw new CommandExit(0, SS_USAGE);
        else if (value !== 'netlink')
          throw new CommandExit(255, `ss: "${value}" is invalid family\n${SS_USAGE}`);
        break;
      case 'A':
        for (const part of value.split(',')) {
          const types = Object.hasOwn(QUERIES, part) ? QUERIES[part] : undefined;
          if (types === undefined)
            throw new CommandExit(255, `ss: "${part}" is illegal socket table id\n${SS_USAGE}`);
          add(types);
        }
        break;
      case 'N':
        netns = value;
        break;
      case 'Z':
      case 'z':
        throw new CommandExit(1, 'ss: SELinux is not enabled.\n');
      case 'K':
        throw new CommandExit(255, 'ss: closing sockets is not supported\n');
      case 'E':
        throw new CommandExit(255, 'ss: socket destruction events are not supported\n');
      case 'V':
      case 'v':
        throw new CommandExit(0, 'ss utility, iproute2-6.1.0\n');
      case 'h':
        throw new CommandExit(0, SS_USAGE);
      default:
        break;
    }
  }
  return { options, words: parsed.operands, ...(netns === undefined ? {} : { netns }) };
}
