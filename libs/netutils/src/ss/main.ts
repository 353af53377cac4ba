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
  type SockAddr,
  type SockDiagEntry,
  type Sys,
} from '@netloom/sys';
import { CommandExit, program } from '../command.js';
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
import {
  parseSsOptions,
  TYPE_ORDER,
  type Invocation,
  type SocketType,
  type SsOptions,
} from './options.js';
import { socketSummary } from './summary.js';
import { renderTable, type SocketRow } from './table.js';
import { memoryText, tcpInfoText, timerText } from './tcp-info.js';
import { SS_USAGE } from './usage.js';

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
      return [
        `${address.path === '' || !local ? '*' : address.path.replaceAll('\0', '@')} `,
        String(local ? entry.ino : (entry.peerIno ?? 0)),
      ];
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
      const any = entry.v6only !== true && address.addr.every((byte) => byte === 0);
      const name =
        this.options.resolve && !any ? await reverseName(this.sys, address.addr) : undefined;
      text = any ? '*' : (name ?? `[${formatIpv6(address.addr)}]`);
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
      text += ` users:(${entry.users.map((user) => `("${user.comm}",pid=${user.pid}${options.threads ? `,tid=${user.pid}` : ''},fd=${user.fd})`).join(',')})`;
    }
    if (options.timers && entry.timer !== undefined) {
      const left = entry.timer.expiresNs;
      text += ` timer:(${entry.timer.name},${timerText(left)},${entry.timer.retrans})`;
    }
    if (options.extended) {
      if (entry.uid !== 0) text += ` uid:${entry.uid}`;
      text += ` ino:${entry.ino} sk:${entry.ino.toString(16)} cgroup:/${entry.v6only === undefined ? '' : ` v6only:${Number(entry.v6only)}`} <->`;
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

/** ss(8). */
export const ssMain = program(async (sys) => {
  let invocation: Invocation;
  try {
    invocation = parseSsOptions(sys.argv.slice(1));
  } catch (error) {
    if (!(error instanceof CommandExit) || error.code !== 0) throw error;
    await print(sys, error.stderr);
    return 0;
  }
  const { options, netns } = invocation;
  if (netns !== undefined) netnsSwitch(sys, netns);
  if (options.summary) {
    await print(sys, await socketSummary(sys));
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
    const own = chosen.filter((entry) => entry.type === type);
    // one dump a family, IPv4's first
    for (const entry of own) if (entry.family !== 'inet6') rows.push(await report.row(entry));
    for (const entry of own) if (entry.family === 'inet6') rows.push(await report.row(entry));
  }
  const kinds = new Set([...options.types].map((type) => (type === 'icmp' ? 'raw' : type)));
  const singleState = (states & (states - 1)) === 0;
  await print(
    sys,
    renderTable(rows, { netid: kinds.size > 1, state: !singleState, header: options.header }),
  );
  return 0;
});
