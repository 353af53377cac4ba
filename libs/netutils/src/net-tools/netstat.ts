/**
 * `netstat`: sockets, routes, interfaces and protocol statistics in net-tools' words (2.10).
 */
import { formatIpv4, formatIpv6, serviceName } from '@netloom/base';
import { print, type SockAddr, type SockDiagEntry, type Sys } from '@netloom/sys';
import { CommandExit, program } from '../command.js';
import { getopt } from '../getopt.js';
import { reverseName } from '../resolve.js';
import { NETSTAT_USAGE } from '../usage.js';
import { interfaceLine, interfaceRecord, interfaces } from './interfaces.js';
import { netstatStatistics } from './netstat-statistics.js';
import { routeTable } from './routes.js';
import { routeTable6 } from './routes6.js';

const TCP_STATES = [
  '',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
];

interface NetstatOptions {
  readonly numericHosts: boolean;
  readonly numericPorts: boolean;
  readonly all: boolean;
  readonly listening: boolean;
  readonly programs: boolean;
  readonly extended: boolean;
  readonly timers: boolean;
  readonly wide: boolean;
}

class Sockets {
  constructor(
    private readonly sys: Sys,
    private readonly options: NetstatOptions,
  ) {}

  private async endpoint(address: SockAddr, protocol: string): Promise<string> {
    if (address.family !== 'inet' && address.family !== 'inet6')
      return protocol.endsWith('6') ? ':::*' : '0.0.0.0:*';
    const { numericHosts, numericPorts, wide } = this.options;
    let port = '*';
    if (address.port !== 0) {
      const service =
        numericPorts || protocol.startsWith('raw')
          ? undefined
          : serviceName(address.port, protocol.startsWith('udp') ? 'udp' : 'tcp');
      port = service ?? String(address.port);
    }
    let host: string;
    if (address.family === 'inet') {
      const name =
        numericHosts || address.addr === 0 ? undefined : await reverseName(this.sys, address.addr);
      host = name ?? formatIpv4(address.addr);
    } else host = formatIpv6(address.addr);
    if (!wide && host.length + port.length + 1 > 23) host = host.slice(0, 22 - port.length);
    return `${host}:${port}`;
  }

  private timer(entry: SockDiagEntry): string {
    const { timer } = entry;
    if (timer === undefined) return 'off (0.00/0/0)';
    const seconds = Math.max(0, timer.expiresNs) / 1e9;
    const name = timer.name === 'persist' ? 'probe' : timer.name;
    return `${name} (${seconds.toFixed(2)}/${timer.retrans}/0)`;
  }

  async line(entry: SockDiagEntry, protocol: string): Promise<string> {
    const { extended, programs, timers } = this.options;
    const local = await this.endpoint(entry.local, protocol);
    const peer = await this.endpoint(entry.peer, protocol);
    let state = protocol.startsWith('tcp')
      ? (TCP_STATES[entry.state] ?? '')
      : entry.state === 1
        ? 'ESTABLISHED'
        : '';
    if (protocol.startsWith('raw')) state = String(entry.state);
    // net-tools shows a listener's backlog limits as empty queues
    const listening = entry.state === 10;
    const sendQ = listening ? 0 : entry.sendQ;
    let text = `${protocol.padEnd(4)} ${String(entry.recvQ).padStart(7)} ${String(sendQ).padStart(6)} ${local.padEnd(23)} ${peer.padEnd(23)} ${state.padEnd(11)}`;
    if (extended)
      text += ` ${(entry.uid === 0 ? '0' : String(entry.uid)).padEnd(10)} ${String(entry.ino).padEnd(10)}`;
    if (programs) {
      const user = entry.users[0];
      text += ` ${(user === undefined ? '-' : `${user.pid}/${user.comm}`).padEnd(20)}`;
    }
    if (timers) text += ` ${this.timer(entry)}`;
    return `${text}\n`;
  }

  wanted(entry: SockDiagEntry): boolean {
    const { all, listening } = this.options;
    if (all) return true;
    const server = entry.type === 'tcp' ? entry.state === 10 : entry.state !== 1;
    return listening ? server : !server;
  }
}

/** netstat(8). */
export const netstatMain = program(async (sys) => {
  const parsed = getopt('netstat', sys.argv.slice(1), {
    short: 'A:CFMacdeghilnNoprstuUSWVv?wxZ64',
    long: {
      route: 'r',
      interfaces: 'i',
      groups: 'g',
      statistics: 's',
      verbose: 'v',
      wide: 'W',
      numeric: 'n',
      'numeric-hosts': 'numeric-hosts',
      'numeric-ports': 'numeric-ports',
      'numeric-users': 'numeric-users',
      symbolic: 'N',
      inet: '4',
      inet6: '6',
      extend: 'e',
      programs: 'p',
      timers: 'o',
      continuous: 'c',
      listening: 'l',
      all: 'a',
      fib: 'F',
      tcp: 't',
      udp: 'u',
      raw: 'w',
      unix: 'x',
      version: 'V',
      help: 'h',
    },
  });
  if (parsed.error !== undefined) throw new CommandExit(3, `${parsed.error}\n${NETSTAT_USAGE}`);
  const has = (name: string): boolean => parsed.options.some((option) => option.name === name);
  if (has('h') || has('?')) throw new CommandExit(3, NETSTAT_USAGE);
  if (has('V')) {
    await print(sys, 'net-tools 2.10\n');
    return 0;
  }
  if (has('r')) {
    const six = has('6') && !has('4');
    await print(
      sys,
      six ? await routeTable6(sys, has('n')) : await routeTable(sys, has('n'), true),
    );
    return 0;
  }
  if (has('i')) {
    await print(sys, 'Kernel Interface table\n');
    const list = interfaces(sys).filter((one) => has('a') || (one.link.flags & 1) !== 0);
    if (has('e')) {
      await print(sys, list.map(interfaceRecord).join(''));
      return 0;
    }
    await print(
      sys,
      'Iface             MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n',
    );
    await print(sys, list.map((one) => interfaceLine(one, 15)).join(''));
    return 0;
  }
  if (has('s')) {
    await print(sys, await netstatStatistics(sys, { tcp: has('t'), udp: has('u'), raw: has('w') }));
    return 0;
  }
  const options: NetstatOptions = {
    numericHosts: has('n') || has('numeric-hosts'),
    numericPorts: has('n') || has('numeric-ports'),
    all: has('a'),
    listening: has('l'),
    programs: has('p'),
    extended: has('e'),
    timers: has('o'),
    wide: has('W'),
  };
  const none = !has('t') && !has('u') && !has('w') && !has('x');
  const sockets = new Sockets(sys, options);
  const scope = options.all
    ? 'servers and established'
    : options.listening
      ? 'only servers'
      : 'w/o servers';
  if (none || has('t') || has('u') || has('w')) {
    let head = 'Proto Recv-Q Send-Q Local Address           Foreign Address         State      ';
    if (options.extended) head += ' User       Inode     ';
    if (options.programs) head += ' PID/Program name    ';
    if (options.timers) head += ' Timer';
    await print(sys, `Active Internet connections (${scope})\n${head}\n`);
    for (const [flag, type] of [
      ['t', 'tcp'],
      ['u', 'udp'],
      ['w', 'raw'],
    ] as const) {
      if (!none && !has(flag)) continue;
      const entries = sys.sockDiag(type === 'raw' ? ['raw', 'icmp'] : [type]);
      for (const family of ['inet', 'inet6'] as const) {
        if (
          (family === 'inet' && has('6') && !has('4')) ||
          (family === 'inet6' && has('4') && !has('6'))
        )
          continue;
        const own = entries.filter((entry) => entry.family === family && sockets.wanted(entry));
        // listeners come first in the kernel's file
        own.sort((a, b) => Number(b.state === 10) - Number(a.state === 10));
        for (const entry of own)
          await print(sys, await sockets.line(entry, family === 'inet' ? type : `${type}6`));
      }
    }
  }
  if ((none && !has('4') && !has('6')) || has('x')) {
    await print(
      sys,
      `Active UNIX domain sockets (${scope})\nProto RefCnt Flags       Type       State         I-Node   ${options.programs ? 'PID/Program name     ' : ''}Path\n`,
    );
    for (const entry of sys.sockDiag(['u_str', 'u_dgr'])) {
      if (!sockets.wanted(entry)) continue;
      const path = entry.local.family === 'unix' ? entry.local.path : '';
      const state = entry.type === 'u_dgr' ? '' : entry.state === 10 ? 'LISTENING' : 'CONNECTED';
      const user = entry.users[0];
      const owner = options.programs
        ? `${(user === undefined ? '-' : `${user.pid}/${user.comm}`).padEnd(20)} `
        : '';
      await print(
        sys,
        `unix  ${'2'.padEnd(6)} [ ${entry.state === 10 ? 'ACC ' : ''}]${entry.state === 10 ? '' : '    '}     ${(entry.type === 'u_str' ? 'STREAM' : 'DGRAM').padEnd(10)} ${state.padEnd(13)} ${String(entry.ino).padEnd(8)} ${owner}${path}\n`,
      );
    }
  }
  return 0;
});
