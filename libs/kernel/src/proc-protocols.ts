/**
 * /proc/net/protocols, ptype, psched, netlink, rt_cache: what the kernel's socket and packet layers consist of.
 * Formats: net/core/sock.c proto_seq_printf(), net/core/net-procfs.c, net/sched/sch_api.c, net/netlink/af_netlink.c.
 */
import type { Net } from '@netloom/kernel-core';
import { packetTable } from '@netloom/kernel-inet';
import type { SockDiagEntry } from '@netloom/sys';
import { ETH_P_ALL } from '@netloom/wire';

interface Protocol {
  readonly name: string;
  readonly size: number;
  /** sock_diag kinds and family whose sockets it counts; none for those that are not listed. */
  readonly types: readonly SockDiagEntry['type'][];
  readonly family: SockDiagEntry['family'];
  /** Pages of memory: -1 where none are counted. */
  readonly memory: number;
  readonly press: string;
  readonly maxhdr: number;
  readonly slab: boolean;
  /** Operations it has, in the order of the heading. */
  readonly has: string;
}

const NO_OPERATIONS = 'nnnnnnnnnnnnnnnnnnn';

function row(
  name: string,
  size: number,
  family: SockDiagEntry['family'],
  types: readonly SockDiagEntry['type'][],
  has: string,
  extra: Partial<Protocol> = {},
): Protocol {
  return {
    name,
    size,
    family,
    types,
    has,
    memory: -1,
    press: 'NI',
    maxhdr: 0,
    slab: true,
    ...extra,
  };
}

const TCP: Partial<Protocol> = { memory: 0, press: 'no', maxhdr: 192 };
const COUNTED: Partial<Protocol> = { memory: 0 };
const PING_HAS = 'yyynnynnyyyyyynyyn';
const RAW_HAS = 'yyynyyynyyyyyyyynn';
const UDP_HAS = 'yyynyyynyyyynnyyyn';
const TCP_HAS = 'yyyyyyyyyyyynyyyyy';
const UNIX_HAS = `y${NO_OPERATIONS.slice(2)}`;

const PROTOCOLS: readonly Protocol[] = [
  row('PACKET', 1600, 'packet', ['p_raw', 'p_dgr'], NO_OPERATIONS, { slab: false }),
  row('PINGv6', 1344, 'inet6', ['icmp'], PING_HAS),
  row('RAWv6', 1344, 'inet6', ['raw'], RAW_HAS),
  row('UDPv6', 1472, 'inet6', ['udp'], UDP_HAS, COUNTED),
  row('TCPv6', 2432, 'inet6', ['tcp'], TCP_HAS, TCP),
  row('UNIX-STREAM', 1152, 'unix', ['u_str'], UNIX_HAS),
  row('UNIX', 1152, 'unix', ['u_dgr', 'u_seq'], UNIX_HAS),
  row('PING', 1016, 'inet', ['icmp'], PING_HAS),
  row('RAW', 1152, 'inet', ['raw'], RAW_HAS),
  row('UDP', 1344, 'inet', ['udp'], UDP_HAS, COUNTED),
  row('TCP', 2304, 'inet', ['tcp'], TCP_HAS, TCP),
  row('NETLINK', 1096, 'unix', [], NO_OPERATIONS, { slab: false }),
];

const HEAD =
  'protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em\n';

export function procProtocols(net: Net): string {
  const line = (protocol: Protocol): string => {
    let sockets = 0;
    for (const type of protocol.types)
      for (const source of net.kernel.modules.sockDiag(type, net))
        if (source.diag().family === protocol.family) sockets++;
    const has = [...protocol.has.slice(0, 18)].map((letter) => `${letter} `);
    return (
      `${protocol.name.padEnd(9)} ${String(protocol.size).padStart(4)} ${String(sockets).padStart(6)}  ` +
      `${String(protocol.memory).padStart(6)}   ${protocol.press.padEnd(3)} ${String(protocol.maxhdr).padStart(6)}   ` +
      `${(protocol.slab ? 'yes' : 'no').padEnd(3)}  ${'kernel'.padEnd(10)}  ${has.join(' ').trimEnd()}\n`
    );
  };
  return HEAD + PROTOCOLS.map(line).join('');
}

const HANDLERS: readonly (readonly [number, string])[] = [
  [0x0800, 'ip_rcv'],
  [0x0806, 'arp_rcv'],
  [0x86dd, 'ipv6_rcv'],
];

export function procPtype(net: Net): string {
  let text = 'Type Device      Function\n';
  const line = (type: string, dev: string, handler: string): string =>
    `${type.padEnd(4)} ${dev.padEnd(8)} ${handler}\n`;
  const name = (ifindex: number): string => net.devByIndex(ifindex)?.name ?? '';
  const hex = (type: number): string => type.toString(16).padStart(4, '0');
  for (const sk of packetTable(net).sockets) {
    const { local, ifindex } = sk.diag();
    const protocol = local.family === 'packet' ? local.protocol : 0;
    if (protocol !== 0)
      text += line(protocol === ETH_P_ALL ? 'ALL' : hex(protocol), name(ifindex), 'packet_rcv');
  }
  for (const [type, handler] of HANDLERS)
    if (net.kernel.modules.packetHandler(type) !== undefined) text += line(hex(type), '', handler);
  return text;
}

/** Nanoseconds a tick of psched's clock, and of the kernel's timers. */
export function procPsched(): string {
  return '000003e8 00000040 000f4240 3b9aca00\n';
}

/** NETLINK_ROUTE, SOCK_DIAG, KOBJECT_UEVENT, GENERIC: the kernel's own ends. */
const NETLINK_PROTOCOLS = [0, 4, 15, 16] as const;

export function procNetlink(net: Net): string {
  const line = (protocol: number, i: number): string => {
    const where = (Math.imul(net.inum + protocol, 0x9e3779b1) >>> 0).toString(16).padStart(16, '0');
    return `${where} ${String(protocol).padEnd(3)} 0          00000000 0        0        0     2        0        ${String(i + 1).padEnd(8)}\n`;
  };
  return (
    'sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n' +
    NETLINK_PROTOCOLS.map(line).join('')
  );
}

/** The routing cache of old, empty since it went. */
export function procRtCache(): string {
  const head =
    'Iface\tDestination\tGateway \tFlags\t\tRefCnt\tUse\tMetric\tSource\t\tMTU\tWindow\tIRTT\tTOS\tHHRef\tHHUptod\tSpecDst';
  return `${head.padEnd(127)}\n`;
}
