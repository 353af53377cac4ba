/**
 * `ss`: sockets as sock_diag tells them, in iproute2 6.1's table. Kinds shown: packet, unix, raw, udp and tcp sockets.
 */
import {
  formatIpv4,
  formatIpv6,
  KernelError,
  protocolName,
  serviceName,
  strerror,
} from '@netloom/base';
import {
  AF_INET,
  AF_INET6,
  print,
  printErr,
  readTextFile,
  type SockAddr,
  type SockDiagEntry,
  type Sys,
} from '@netloom/sys';
import { CommandExit, program } from '../command.js';
import { getopt } from '../getopt.js';
import { netnsSwitch } from '../ip/context.js';
import { reverseName } from '../resolve.js';
import {
  parseFilter,
  SS_ALL,
  SS_CLOSE,
  SS_CONNECTED,
  SS_ESTABLISHED,
  SS_LISTENING,
  stateBits,
} from './filter.js';
import { renderTable, type SocketRow } from './table.js';
import { memoryText, tcpInfoText, timerText } from './tcp-info.js';
import { SS_USAGE } from './usage.js';

type SocketType = SockDiagEntry['type'];

const STATE_NAMES = [
  'UNKNOWN',
  'ESTAB',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'UNCONN',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
];

/** Kinds in the order in which ss prints them. */
const TYPE_ORDER: readonly SocketType[] = [
  'p_raw',
  'p_dgr',
  'u_str',
  'u_dgr',
  'raw',
  'icmp',
  'udp',
  'tcp',
];

interface SsOptions {
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
  unix: ['u_str', 'u_dgr'],
  unix_stream: ['u_str'],
  u_str: ['u_str'],
  unix_dgram: ['u_dgr'],
  u_dgr: ['u_dgr'],
  unix_seqpacket: [],
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

interface Invocation {
  readonly options: SsOptions;
  readonly words: readonly string[];
  readonly netns?: string;
}

function parseOptions(argv: readonly string[]): Invocation {
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
      case 'p':
      case 'T':
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
        add(['u_str', 'u_dgr']);
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
        else if (value === 'unix') add(['u_str', 'u_dgr']);
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

/** States shown of the chosen kinds where neither a state nor `-a` or `-l` was given. */
function defaultStates(types: ReadonlySet<SocketType>): number {
  let states = 0;
  for (const type of types) {
    if (type === 'tcp' || type.startsWith('u_')) states |= SS_CONNECTED;
    else states |= type.startsWith('p_') ? SS_CLOSE : SS_ESTABLISHED;
  }
  return states;
}

class Report {
  constructor(
    private readonly sys: Sys,
    private readonly options: SsOptions,
    private readonly ifnames: ReadonlyMap<number, string>,
  ) {}

  private port(port: number, type: SocketType): string {
    const { numeric } = this.options;
    if (type === 'raw' || type === 'icmp')
      return numeric ? String(port) : (protocolName(port) ?? String(port));
    if (port === 0) return '*';
    const service = numeric ? undefined : serviceName(port, type === 'udp' ? 'udp' : 'tcp');
    return service ?? String(port);
  }

  private async endpoint(
    address: SockAddr,
    entry: SockDiagEntry,
    local: boolean,
  ): Promise<readonly [string, string]> {
    const { type } = entry;
    if (address.family === 'packet') {
      if (!local) return ['*', ''];
      const protocol =
        address.protocol === 3 || address.protocol === 0 ? '*' : protocolText(address.protocol);
      return [
        `${protocol}:`,
        address.ifindex === 0 ? '*' : (this.ifnames.get(address.ifindex) ?? `if${address.ifindex}`),
      ];
    }
    if (address.family === 'unix')
      return [`${address.path === '' ? '*' : address.path} `, local ? String(entry.ino) : '0'];
    if (address.family === 'unspec')
      return entry.family === 'inet' ? ['0.0.0.0:', '*'] : ['*:', '*'];
    let text: string;
    if (address.family === 'inet') {
      const name =
        this.options.resolve && address.addr !== 0
          ? await reverseName(this.sys, address.addr)
          : undefined;
      text = name ?? formatIpv4(address.addr);
    } else {
      const any = address.addr.every((byte) => byte === 0);
      text = any ? '*' : `[${formatIpv6(address.addr)}]`;
    }
    const device =
      local && entry.ifindex !== 0
        ? `%${this.ifnames.get(entry.ifindex) ?? `if${entry.ifindex}`}`
        : '';
    const raw = type === 'raw' || type === 'icmp';
    return [
      `${text}${device}:`,
      raw && !local && address.port === 0 ? '*' : this.port(address.port, type),
    ];
  }

  async row(entry: SockDiagEntry): Promise<SocketRow> {
    return {
      netid: entry.type === 'icmp' ? 'icmp' : entry.type,
      state: STATE_NAMES[entry.state] ?? 'UNKNOWN',
      recvQ: entry.recvQ,
      sendQ: entry.sendQ,
      local: await this.endpoint(entry.local, entry, true),
      peer: await this.endpoint(entry.peer, entry, false),
      extra: this.extra(entry),
    };
  }

  private extra(entry: SockDiagEntry): string {
    const { options } = this;
    let text = '';
    if (options.processes && entry.users.length > 0) {
      text += ` users:(${entry.users.map((user) => `("${user.comm}",pid=${user.pid},fd=${user.fd})`).join(',')})`;
    }
    if (options.timers && entry.timer !== undefined) {
      const left = entry.timer.expiresNs - this.sys.now();
      text += ` timer:(${entry.timer.name},${timerText(left)},${entry.timer.retrans})`;
    }
    if (options.extended) {
      if (entry.uid !== 0) text += ` uid:${entry.uid}`;
      text += ` ino:${entry.ino} sk:${entry.ino.toString(16)} cgroup:/ <->`;
    }
    const memory = options.memory ? memoryText(entry) : '';
    const info =
      options.info && entry.type === 'tcp' && entry.state !== 6
        ? tcpInfoText(entry, { flags: options.timers, numeric: options.numeric })
        : '';
    const wanted = (options.memory || (options.info && entry.type === 'tcp')) && entry.state !== 6;
    if (wanted) text += `${options.oneline ? '' : '\n\t'}${memory}${info}`;
    return text;
  }
}

function protocolText(protocol: number): string {
  return (
    { 0x0800: 'ip', 0x0806: 'arp', 0x86dd: 'ipv6', 0x8100: '802.1Q' }[protocol] ?? `[${protocol}]`
  );
}

async function summary(sys: Sys): Promise<string> {
  const file = async (path: string): Promise<string> => {
    try {
      return await readTextFile(sys, path);
    } catch (error) {
      if (error instanceof KernelError) return '';
      throw error;
    }
  };
  const sockstat = await file('/proc/net/sockstat');
  const sockstat6 = await file('/proc/net/sockstat6');
  const snmp = await file('/proc/net/snmp');
  const value = (text: string, line: string, word: string): number =>
    Number(new RegExp(`^${line}:.*\\b${word} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
  const [names = '', values = ''] = snmp.split('\n').filter((line) => line.startsWith('Tcp:'));
  const established = Number(values.split(' ')[names.split(' ').indexOf('CurrEstab')] ?? 0);
  const tcp4 = value(sockstat, 'TCP', 'inuse');
  const tcp6 = value(sockstat6, 'TCP6', 'inuse');
  const alloc = value(sockstat, 'TCP', 'alloc');
  const waiting = value(sockstat, 'TCP', 'tw');
  const udp = [value(sockstat, 'UDP', 'inuse'), value(sockstat6, 'UDP6', 'inuse')] as const;
  const raw = [value(sockstat, 'RAW', 'inuse'), value(sockstat6, 'RAW6', 'inuse')] as const;
  const frag = [value(sockstat, 'FRAG', 'inuse'), value(sockstat6, 'FRAG6', 'inuse')] as const;
  const line = (name: string, v4: number, v6: number): string =>
    `${name}\t  ${String(v4 + v6).padEnd(9)} ${String(v4).padEnd(9)} ${String(v6).padEnd(9)}\n`;
  const closed = alloc - (tcp4 + tcp6 - waiting);
  return (
    `Total: ${value(sockstat, 'sockets', 'used')}\n` +
    `TCP:   ${alloc + waiting} (estab ${established}, closed ${closed}, orphaned ${value(sockstat, 'TCP', 'orphan')}, timewait ${waiting})\n\n` +
    'Transport Total     IP        IPv6\n' +
    line('RAW', ...raw) +
    line('UDP', ...udp) +
    line('TCP', tcp4, tcp6) +
    line('INET', raw[0] + udp[0] + tcp4, raw[1] + udp[1] + tcp6) +
    line('FRAG', ...frag) +
    '\n'
  );
}

/** ss(8). */
export const ssMain = program(async (sys) => {
  let invocation: Invocation;
  try {
    invocation = parseOptions(sys.argv.slice(1));
  } catch (error) {
    if (!(error instanceof CommandExit) || error.code !== 0) throw error;
    await print(sys, error.stderr);
    return 0;
  }
  const { options, netns } = invocation;
  if (netns !== undefined) netnsSwitch(sys, netns);
  if (options.summary) {
    await print(sys, await summary(sys));
    if (options.types.size === 0) return 0;
  }
  if (options.types.size === 0) {
    const types = options.families.size > 0 ? (['raw', 'icmp', 'udp', 'tcp'] as const) : TYPE_ORDER;
    for (const type of types) options.types.add(type);
  }
  const words = [...invocation.words];
  let states = options.all ? SS_ALL : options.listening ? SS_LISTENING : 0;
  let explicit = 0;
  while (words[0] === 'state' || words[0] === 'exclude' || words[0] === 'excl') {
    const verb = words.shift();
    const name = words.shift();
    if (name === undefined) throw new CommandExit(255, SS_USAGE);
    if (verb === 'state') {
      explicit |= stateBits(name);
      states = explicit;
    } else {
      states = (explicit !== 0 ? explicit : SS_ALL) & ~stateBits(name);
      explicit = states;
    }
  }
  if (states === 0) states = defaultStates(options.types);
  const links = sys.rtnl('RTM_GETLINK', {});
  const ifnames = new Map(links.map((link) => [link.ifindex, link.ifname]));
  const matches = parseFilter(words, (name) => {
    const found = links.find((link) => link.ifname === name);
    if (found === undefined) throw new CommandExit(1, `Cannot find device "${name}"\n`);
    return found.ifindex;
  });
  let entries: SockDiagEntry[];
  try {
    entries = sys.sockDiag([...options.types]);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    await printErr(sys, `RTNETLINK answers: ${strerror(error.errno)}\n`);
    entries = [];
  }
  const familyOf = { inet: AF_INET, inet6: AF_INET6 };
  const chosen = entries.filter((entry) => {
    if (((1 << entry.state) & states) === 0) return false;
    if (
      options.families.size > 0 &&
      entry.family in familyOf &&
      !options.families.has(entry.family === 'inet' ? 'inet' : 'inet6')
    )
      return false;
    return matches(entry);
  });
  const report = new Report(sys, options, ifnames);
  const rows: SocketRow[] = [];
  for (const type of TYPE_ORDER) {
    for (const entry of chosen) if (entry.type === type) rows.push(await report.row(entry));
  }
  const kinds = new Set([...options.types].map((type) => (type === 'icmp' ? 'raw' : type)));
  const singleState = (states & (states - 1)) === 0;
  await print(
    sys,
    renderTable(rows, { netid: kinds.size > 1, state: !singleState, header: options.header }),
  );
  return 0;
});
