/**
 * /proc/net of IPv6: sockets, addresses, routes, groups and counters as text, for the namespace of whoever reads.
 * Formats: the kernel's own seq_printf lines (net/ipv6/proc.c, tcp_ipv6.c, datagram.c, addrconf.c, route.c, mcast.c).
 *
 * /proc/net/dev_snmp6 is not there: counters are of namespaces, not of devices.
 */
import { Mib6, MIB6_NAMES, type Net, type NetDevice } from '@netloom/kernel-core';
import { Inet6Dev, ipv6Groups, ipv6Of, type Fib6Info } from '@netloom/kernel-inet6';
import type { PseudoFs } from '@netloom/kernel-tasks';
import type { SockAddr, SockDiagEntry } from '@netloom/sys';
import type { In6Addr } from '@netloom/wire';
import { netOf } from './host.js';

type Socket = Omit<SockDiagEntry, 'users' | 'ino'> & { readonly ino: number };

const hex = (value: number, width: number): string =>
  (value >>> 0).toString(16).toUpperCase().padStart(width, '0');
const low = (value: number, width: number): string =>
  (value >>> 0).toString(16).padStart(width, '0');
const pad = (value: number | string, width: number): string => String(value).padStart(width);

function hexBytes(a: In6Addr): string {
  return low(a.w0, 8) + low(a.w1, 8) + low(a.w2, 8) + low(a.w3, 8);
}

/** Four words as a little-endian machine prints them, and the port. */
function endpoint(address: SockAddr): string {
  if (address.family !== 'inet6') return `${'0'.repeat(32)}:0000`;
  const view = new DataView(address.addr.buffer, address.addr.byteOffset);
  let text = '';
  for (let i = 0; i < 16; i += 4) text += hex(view.getUint32(i, true), 8);
  return `${text}:${hex(address.port, 4)}`;
}

function sockets(net: Net, type: SockDiagEntry['type']): Socket[] {
  return [...net.kernel.modules.sockDiag(type, net)]
    .map((source) => ({ ...source.diag(), ino: source.ino }))
    .filter((sk) => sk.family === 'inet6');
}

const HEAD =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const TCP_TIME_WAIT = 6;
const TCP_LISTEN = 10;
const TCP_SYN_RECV = 3;
const TIMERS: Readonly<Record<string, number>> = { on: 1, keepalive: 2, timewait: 3, persist: 4 };

/** What follows the inode of a socket that is no remnant: references, address, timeouts and windows. */
function tcpTail(sk: Socket): string {
  if (sk.state === TCP_LISTEN) return '1 0000000000000000 100 0 0 10 0';
  const info = sk.tcpInfo ?? {};
  const ticks = (name: string, of: number): number => Math.floor((info[name] ?? 0) / of);
  const threshold = info['snd_ssthresh'] ?? 0x7fffffff;
  return `1 0000000000000000 ${ticks('rto', 10000)} ${ticks('ato', 10000)} 0 ${info['snd_cwnd'] ?? 10} ${threshold >= 0x7fffffff ? -1 : threshold}`;
}

function tcp6(net: Net): string {
  let text = `${HEAD}\n`;
  const all = sockets(net, 'tcp');
  const rows = [
    ...all.filter((sk) => sk.state === TCP_LISTEN),
    ...all.filter((sk) => sk.state !== TCP_LISTEN),
  ];
  rows.forEach((sk, i) => {
    const timer = sk.timer === undefined ? 0 : (TIMERS[sk.timer.name] ?? 0);
    const jiffies = sk.timer === undefined ? 0 : Math.max(0, Math.round(sk.timer.expiresNs / 1e7));
    const unsent = sk.state === TCP_LISTEN ? 0 : sk.sendQ; // a listener's is its backlog to netlink only
    const remnant = sk.ino === 0 && (sk.state === TCP_TIME_WAIT || sk.state === TCP_SYN_RECV);
    const tail = remnant
      ? (sk.state === TCP_TIME_WAIT ? '3 ' : '0 ') + '0000000000000000'
      : tcpTail(sk);
    text +=
      `${pad(i, 4)}: ${endpoint(sk.local)} ${endpoint(sk.peer)} ${hex(sk.state, 2)} ${hex(unsent, 8)}:${hex(sk.recvQ, 8)} ` +
      `${hex(timer, 2)}:${hex(jiffies, 8)} ${hex(sk.timer?.retrans ?? 0, 8)} ${pad(sk.uid, 5)} ${pad(0, 8)} ${sk.ino} ${tail}\n`;
  });
  return text;
}

function datagram6(net: Net, type: SockDiagEntry['type'] | null): string {
  let text = `${HEAD} ref pointer drops\n`;
  for (const sk of type === null ? [] : sockets(net, type)) {
    const port = sk.local.family === 'inet6' ? sk.local.port : 0;
    text +=
      `${pad(port, 5)}: ${endpoint(sk.local)} ${endpoint(sk.peer)} ${hex(sk.state, 2)} ${hex(sk.sendQ, 8)}:${hex(sk.recvQ, 8)} ` +
      `00:00000000 00000000 ${pad(sk.uid, 5)} ${pad(0, 8)} ${sk.ino} 2 0000000000000000 ${sk.mem?.drops ?? 0}\n`;
  }
  return text;
}

function ifInet6(net: Net): string {
  let text = '';
  for (const dev of net.devices)
    for (const ifa of Inet6Dev.of(dev)?.addresses ?? []) {
      // scope as bits of ipv6_addr_type(), not as of rtnetlink
      const scope =
        ifa.scope === 254 ? 0x10 : ifa.scope === 253 ? 0x20 : ifa.scope === 200 ? 0x40 : 0;
      text += `${hexBytes(ifa.addr)} ${low(dev.ifindex, 2)} ${low(ifa.prefixlen, 2)} ${low(scope, 2)} ${low(ifa.flags & 0xff, 2)} ${pad(dev.name, 8)}\n`;
    }
  return text;
}

function sockstat6(net: Net): string {
  const frags = ipv6Of(net).frags;
  const tcps = sockets(net, 'tcp').filter(
    (sk) => sk.state !== TCP_TIME_WAIT && sk.state !== TCP_SYN_RECV,
  );
  return (
    `TCP6: inuse ${tcps.length}\nUDP6: inuse ${sockets(net, 'udp').length}\nUDPLITE6: inuse 0\n` +
    `RAW6: inuse ${sockets(net, 'raw').length}\nFRAG6: inuse ${frags?.queues.size ?? 0} memory ${frags?.memory ?? 0}\n`
  );
}

function igmp6(net: Net): string {
  let text = '';
  const line = (dev: NetDevice): void => {
    for (const { addr, users } of ipv6Groups(dev)) {
      const state =
        ((addr.w0 >>> 16) & 15) <= 1
          ? 0x8
          : addr.w3 === 1 && addr.w2 === 0 && addr.w1 === 0
            ? 0xc
            : 0x4;
      text += `${String(dev.ifindex).padEnd(4)} ${dev.name.padEnd(15)} ${hexBytes(addr)} ${pad(users, 5)} ${hex(state, 8)} 0\n`;
    }
  };
  net.devices.forEach(line);
  return text;
}

function anycast6(net: Net): string {
  let text = '';
  for (const dev of net.devices)
    for (const { addr, users } of Inet6Dev.of(dev)?.anycast ?? [])
      text += `${String(dev.ifindex).padEnd(4)} ${dev.name.padEnd(15)} ${hexBytes(addr)} ${pad(users, 5)}\n`;
  return text;
}

function snmp6(net: Net): string {
  const line = (name: string, value: number): string => `${name.padEnd(32)}\t${value}\n`;
  let text = '';
  let types = false;
  for (const name of MIB6_NAMES) {
    if (!types && name.startsWith('Udp6')) {
      // messages by type stand between the counters of ICMPv6 and of UDP
      types = true;
      for (const [type, count] of net.mib6.messageCounts()) text += line(type, count);
    }
    text += line(name, net.mib6.get(Mib6[name]));
  }
  return text;
}

const RTF_UP = 1;
const RTF_GATEWAY = 2;
const RTF_REJECT = 0x200;
const NULL_ENTRY = `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 ${'0'.repeat(32)} ffffffff 00000001 00000000 00200200       lo\n`;

/** One route; reference counts are not kept, one is shown. @kernel ipv6_route_native_seq_show() */
function routeLine(route: Fib6Info): string {
  const nh = route.nexthops[0];
  const gateway = nh?.gateway ?? null;
  let flags = RTF_UP;
  if (gateway !== null) flags |= RTF_GATEWAY;
  if (route.type === 2 && route.metric === 0) flags |= 0x80200000; // an address's own
  if (route.expires !== 0) flags |= 0x00400000;
  if (route.type === 4) flags |= 0x00300000;
  if (route.type >= 6) flags = RTF_REJECT | 0x00200000;
  flags |= route.flags & 0x01850030; // default, addrconf, routeinfo, dynamic, modified
  flags |= route.pref << 27;
  return (
    `${hexBytes(route.dst)} ${low(route.dstLen, 2)} ${'0'.repeat(32)} 00 ${gateway === null ? '0'.repeat(32) : hexBytes(gateway)} ` +
    `${low(route.metric, 8)} 00000001 00000000 ${low(flags, 8)} ${pad(nh?.dev.name ?? 'lo', 8)}\n`
  );
}

function ipv6Route(net: Net): string {
  let text = '';
  // by hash bucket: the main table and the local one come last
  const tables = [...ipv6Of(net).tables.values()].sort((a, b) => (a.id & 255) - (b.id & 255));
  for (const table of tables) {
    const routes = table.routes();
    for (const route of routes) text += routeLine(route);
    if (!routes.some((route) => route.dstLen === 0)) text += NULL_ENTRY;
  }
  return text;
}

/** Registers the files of IPv6 in /proc/net. */
export function registerProcNet6(pseudo: PseudoFs): void {
  const files: Readonly<Record<string, (net: Net) => string>> = {
    tcp6,
    udp6: (net) => datagram6(net, 'udp'),
    udplite6: (net) => datagram6(net, null),
    raw6: (net) => datagram6(net, 'raw'),
    icmp6: (net) => datagram6(net, 'icmp'),
    if_inet6: ifInet6,
    sockstat6,
    igmp6,
    anycast6,
    snmp6,
    ipv6_route: ipv6Route,
  };
  for (const [name, render] of Object.entries(files)) {
    pseudo.registerFile(`/proc/net/${name}`, { read: (task) => render(netOf(task)) });
  }
}
