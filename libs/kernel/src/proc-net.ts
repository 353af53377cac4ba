/**
 * /proc/net: what the network tables look like as text, for the namespace of whoever reads. Formats: proc_net(5) and the
 * kernel's own seq_printf lines.
 */
import {
  Mib,
  MIB_GROUPS,
  MIB_ICMP_IN,
  MIB_ICMP_OUT,
  Stat,
  type MibGroup,
  type MibName,
  type Net,
  type NetDevice,
} from '@netloom/kernel-core';
import {
  ipv4Of,
  ipv4GetConf,
  Ipv4Sysctl,
  RTN_BLACKHOLE,
  RTN_UNICAST,
  type FibRoute,
} from '@netloom/kernel-inet';
import type { PseudoFs } from '@netloom/kernel-tasks';
import { Nud, type SockDiagEntry } from '@netloom/sys';
import { formatIpv4, formatMac, ipv4Mask } from '@netloom/base';
import { hostOf, netOf } from './host.js';
import { procFibTrie, procFibTriestat } from './proc-fib.js';
import {
  procNetlink,
  procProtocols,
  procPsched,
  procPtype,
  procRtCache,
} from './proc-protocols.js';
import { procNetUnix } from './unix-register.js';

/** An IPv4 address as the kernel prints it in hexadecimal: the bytes of memory as a little-endian number. */
function hexAddress(address: number): string {
  const swapped =
    ((address & 0xff) << 24) |
    ((address & 0xff00) << 8) |
    ((address >>> 8) & 0xff00) |
    (address >>> 24);
  return (swapped >>> 0).toString(16).toUpperCase().padStart(8, '0');
}

const hex = (value: number, width: number): string =>
  (value >>> 0).toString(16).toUpperCase().padStart(width, '0');
const pad = (value: number | string, width: number): string => String(value).padStart(width);

function arp(net: Net): string {
  let text = 'IP address       HW type     Flags       HW address            Mask     Device\n';
  for (const dev of net.devices) {
    for (const neigh of dev.neigh4?.values() ?? []) {
      if ((neigh.nudState & Nud.NUD_NOARP) !== 0 || neigh.nudState === Nud.NUD_NONE) continue;
      const known = (neigh.nudState & (Nud.NUD_INCOMPLETE | Nud.NUD_FAILED)) === 0;
      const flags = (known ? 2 : 0) | ((neigh.nudState & Nud.NUD_PERMANENT) !== 0 ? 4 : 0);
      text += `${formatIpv4(neigh.key as number).padEnd(16)} 0x${'1'.padEnd(10)}0x${String(flags.toString(16)).padEnd(10)}${formatMac(neigh.lladdr)}     *        ${dev.name}\n`;
    }
  }
  return text;
}

function dev(net: Net): string {
  const head =
    'Inter-|   Receive                                                |  Transmit\n' +
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n';
  const line = (d: NetDevice): string => {
    const s = (stat: number): number => d.stats[stat] ?? 0;
    const frame =
      s(Stat.rxLengthErrors) + s(Stat.rxOverErrors) + s(Stat.rxCrcErrors) + s(Stat.rxFrameErrors);
    const carrier =
      s(Stat.txCarrierErrors) +
      s(Stat.txAbortedErrors) +
      s(Stat.txWindowErrors) +
      s(Stat.txHeartbeatErrors);
    return (
      `${pad(d.name, 6)}: ${pad(s(Stat.rxBytes), 7)} ${pad(s(Stat.rxPackets), 7)} ${pad(s(Stat.rxErrors), 4)} ${pad(s(Stat.rxDropped) + s(Stat.rxMissedErrors), 4)} ` +
      `${pad(s(Stat.rxFifoErrors), 4)} ${pad(frame, 5)} ${pad(0, 10)} ${pad(s(Stat.multicast), 9)} ${pad(s(Stat.txBytes), 8)} ${pad(s(Stat.txPackets), 7)} ` +
      `${pad(s(Stat.txErrors), 4)} ${pad(s(Stat.txDropped), 4)} ${pad(s(Stat.txFifoErrors), 4)} ${pad(s(Stat.collisions), 5)} ${pad(carrier, 7)} ${pad(0, 10)}\n`
    );
  };
  return head + net.devices.map(line).join('');
}

function counters(net: Net, group: MibGroup): string {
  const names: readonly string[] = MIB_GROUPS[group];
  const value = (name: string): number => {
    if (group === 'Ip' && name === 'Forwarding')
      return ipv4GetConf(net, 'all', 'forwarding') !== 0 ? 1 : 2;
    if (group === 'Ip' && name === 'DefaultTTL')
      return ipv4Of(net).sysctl(Ipv4Sysctl.ip_default_ttl);
    return net.mib[Mib[`${group}${name}` as MibName]] ?? 0;
  };
  return `${group}: ${names.join(' ')}\n${group}: ${names.map(value).join(' ')}\n`;
}

/** Messages by type; types never seen are left out, and so is the group without any. */
function icmpMessages(net: Net): string {
  const seen: [string, number][] = [];
  for (const [prefix, base] of [
    ['InType', MIB_ICMP_IN],
    ['OutType', MIB_ICMP_OUT],
  ] as const) {
    for (let type = 0; type < 256; type++) {
      const count = net.mib[base + type] ?? 0;
      if (count > 0) seen.push([`${prefix}${type}`, count]);
    }
  }
  if (seen.length === 0) return '';
  return `IcmpMsg: ${seen.map(([name]) => name).join(' ')}\nIcmpMsg: ${seen.map(([, count]) => count).join(' ')}\n`;
}

function snmp(net: Net): string {
  return (
    counters(net, 'Ip') +
    counters(net, 'Icmp') +
    icmpMessages(net) +
    counters(net, 'Tcp') +
    counters(net, 'Udp') +
    counters(net, 'UdpLite')
  );
}

function netstat(net: Net): string {
  return counters(net, 'TcpExt') + counters(net, 'IpExt');
}

const RTF_UP = 1;
const RTF_GATEWAY = 2;
const RTF_HOST = 4;
const RTF_REJECT = 0x200;

function route(net: Net): string {
  const row = (text: string): string => `${text.padEnd(127)}\n`;
  let text = row(
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
  );
  const line = ({ dst, dstLen, info }: FibRoute): string => {
    const nh = info.nexthops[0];
    const gateway = nh?.gateway ?? 0;
    const flags =
      RTF_UP |
      (gateway !== 0 ? RTF_GATEWAY : 0) |
      (dstLen === 32 ? RTF_HOST : 0) |
      (info.type > RTN_BLACKHOLE ? RTF_REJECT : 0);
    return row(
      `${nh?.dev.name ?? '*'}\t${hexAddress(dst)}\t${hexAddress(gateway)}\t${hex(flags, 4)}\t0\t0\t${info.priority}\t${hexAddress(ipv4Mask(dstLen))}\t${Number(info.metrics?.['mtu'] ?? 0)}\t0\t0`,
    );
  };
  const routes = ipv4Of(net)
    .main.routes()
    .sort((a, b) => a.dst - b.dst || b.dstLen - a.dstLen);
  for (const entry of routes)
    if (entry.info.type === RTN_UNICAST || entry.info.type >= 6) text += line(entry);
  return text;
}

function endpoints(
  net: Net,
  type: SockDiagEntry['type'],
): (Omit<SockDiagEntry, 'users' | 'ino'> & { ino: number })[] {
  const { modules } = net.kernel;
  return [...modules.sockDiag(type, net)].map((source) => ({ ...source.diag(), ino: source.ino }));
}

/** Those of IPv4: proc-net6 shows the others. */
function endpoints4(net: Net, type: SockDiagEntry['type']): ReturnType<typeof endpoints> {
  return endpoints(net, type).filter((sk) => sk.family === 'inet');
}

function hexEndpoint(address: SockDiagEntry['local']): string {
  return address.family === 'inet'
    ? `${hexAddress(address.addr)}:${hex(address.port, 4)}`
    : '00000000:0000';
}

const SOCKET_HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

function datagramSockets(net: Net, type: 'udp' | 'raw' | 'icmp'): string {
  // The files differ by a blank before the heading and by its width.
  const head = `${type === 'udp' ? ' ' : ''}${SOCKET_HEAD} ref pointer drops`;
  let text = type === 'raw' ? `${head}\n` : `${head.padEnd(127)}\n`;
  for (const sk of endpoints4(net, type)) {
    const port = sk.local.family === 'inet' ? sk.local.port : 0;
    const line =
      `${pad(port, 5)}: ${hexEndpoint(sk.local)} ${hexEndpoint(sk.peer)} ${hex(sk.state, 2)} ${hex(sk.sendQ, 8)}:${hex(sk.recvQ, 8)} ` +
      `00:00000000 00000000 ${pad(sk.uid, 5)} ${pad(0, 8)} ${sk.ino} 2 0000000000000000 ${sk.mem?.drops ?? 0}`;
    text += `${line.padEnd(127)}\n`;
  }
  return text;
}

const TCP_TIME_WAIT = 6;
const TCP_LISTEN = 10;

/** The `tr` column: which timer runs. */
const TIMERS: Readonly<Record<string, number>> = { on: 1, keepalive: 2, timewait: 3, persist: 4 };

function tcp(net: Net): string {
  let text = `${SOCKET_HEAD.padEnd(149)}\n`;
  endpoints4(net, 'tcp').forEach((sk, i) => {
    const timer = sk.timer === undefined ? 0 : (TIMERS[sk.timer.name] ?? 0);
    const jiffies = sk.timer === undefined ? 0 : Math.max(0, Math.round(sk.timer.expiresNs / 1e7));
    const unsent = sk.state === TCP_LISTEN ? 0 : sk.sendQ; // a listener's is its backlog to netlink only
    const line =
      `${pad(i, 4)}: ${hexEndpoint(sk.local)} ${hexEndpoint(sk.peer)} ${hex(sk.state, 2)} ${hex(unsent, 8)}:${hex(sk.recvQ, 8)} ` +
      `${hex(timer, 2)}:${hex(jiffies, 8)} ${hex(sk.timer?.retrans ?? 0, 8)} ${pad(sk.uid, 5)} ${pad(0, 8)} ${sk.ino} ${sk.state === TCP_TIME_WAIT ? '3 0000000000000000' : '1 0000000000000000 100 0 0 10 0'}`;
    text += `${line.padEnd(149)}\n`;
  });
  return text;
}

function packet(net: Net): string {
  let text = 'sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n';
  for (const type of ['p_raw', 'p_dgr'] as const) {
    for (const sk of endpoints(net, type)) {
      const proto = sk.local.family === 'packet' ? sk.local.protocol : 0;
      text += `0000000000000000 3      ${type === 'p_raw' ? 3 : 2}    ${proto.toString(16).padStart(4, '0')}   ${String(sk.ifindex).padEnd(5)} 1 ${String(sk.recvQ).padEnd(6)} ${String(sk.uid).padEnd(6)} ${String(sk.ino).padEnd(6)}\n`;
    }
  }
  return text;
}

/** Pages that the queues of sockets hold. @kernel sk_memory_allocated() */
function pages(sockets: readonly Pick<SockDiagEntry, 'mem'>[]): number {
  return sockets.reduce(
    (sum, { mem }) => sum + (mem === undefined ? 0 : Math.ceil((mem.rmem + mem.wmemQueued) / 4096)),
    0,
  );
}

function sockstat(net: Net): string {
  const tcps = endpoints(net, 'tcp');
  const live = tcps.filter((sk) => sk.state !== 6).length;
  const orphans = tcps.filter((sk) => sk.ino === 0 && sk.state !== 6 && sk.state !== 3).length;
  const udps = endpoints(net, 'udp');
  const raws = endpoints(net, 'raw');
  const v4 = (list: ReturnType<typeof endpoints>): number =>
    list.filter((sk) => sk.family === 'inet' && sk.state !== 6).length;
  const packets = endpoints(net, 'p_raw').length + endpoints(net, 'p_dgr').length;
  const { frags } = ipv4Of(net);
  return (
    `sockets: used ${live + udps.length + raws.length + packets}\n` +
    `TCP: inuse ${v4(tcps)} orphan ${orphans} tw ${tcps.length - live} alloc ${live} mem ${pages(tcps)}\n` +
    `UDP: inuse ${v4(udps)} mem ${pages(udps)}\nUDPLITE: inuse 0\nRAW: inuse ${v4(raws)}\nFRAG: inuse ${frags.queues.size} memory ${frags.memory}\n`
  );
}

/** Registers the files of /proc/net. */
export function registerProcNet(pseudo: PseudoFs): void {
  const files: Readonly<Record<string, (net: Net) => string>> = {
    arp,
    dev,
    snmp,
    netstat,
    route,
    packet,
    sockstat,
    unix: procNetUnix,
    fib_trie: procFibTrie,
    fib_triestat: procFibTriestat,
    protocols: procProtocols,
    ptype: procPtype,
    psched: procPsched,
    netlink: procNetlink,
    rt_cache: procRtCache,
    udplite: () => `${` ${SOCKET_HEAD} ref pointer drops`.padEnd(127)}\n`,
    tcp,
    udp: (net) => datagramSockets(net, 'udp'),
    raw: (net) => datagramSockets(net, 'raw'),
    icmp: (net) => datagramSockets(net, 'icmp'),
  };
  for (const [name, render] of Object.entries(files)) {
    pseudo.registerFile(`/proc/net/${name}`, { read: (task) => render(netOf(task)) });
  }
  pseudo.registerFile('/proc/net/softnet_stat', {
    read: (task) => {
      const { kernel } = hostOf(task);
      let text = '';
      for (let cpu = 0; cpu < kernel.cpus; cpu++) {
        const sd = kernel.softnet(cpu);
        const columns = [
          sd.processed,
          sd.dropped,
          sd.timeSqueeze,
          0,
          0,
          0,
          0,
          0,
          0,
          sd.receivedRps,
          sd.flowLimitCount,
          sd.backlog.length,
          cpu,
          sd.backlog.length,
          0,
        ];
        text += `${columns.map((value) => (value >>> 0).toString(16).padStart(8, '0')).join(' ')}\n`;
      }
      return text;
    },
  });
}
