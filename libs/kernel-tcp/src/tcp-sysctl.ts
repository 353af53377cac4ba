/**
 * TCP's entries below /proc/sys/net. Source: net/ipv4/sysctl_net_ipv4.c.
 */
import { KernelError } from '@netloom/base';
import {
  FREE_BUFFER_PAGES,
  parseSysctlInt,
  parseSysctlInts,
  type Net,
  type SysctlEntry,
} from '@netloom/kernel-core';
import { tcpFastopenKeyText, tcpFastopenParseKeys } from './tcp-fastopen.js';
import { TCP_SYSCTLS, tcpNet } from './tcp-net.js';

/** tcp_mem by the size of the machine, in pages: shown, while what bounds TCP here is its sockets' own buffers. */
const TCP_MEM_PRESSURE = Math.floor(FREE_BUFFER_PAGES / 16);
const TCP_MEM_LOW = Math.floor(TCP_MEM_PRESSURE / 4) * 3;
const TCP_MEM = [TCP_MEM_LOW, TCP_MEM_PRESSURE, TCP_MEM_LOW * 2] as const;

function integer(name: string, index: number, min: number, max: number): SysctlEntry {
  return {
    path: `net/ipv4/${name}`,
    read: (net) => String(tcpNet(net).sysctl(index)),
    write: (net, text) => {
      tcpNet(net).setSysctl(index, parseSysctlInt(text, min, max));
    },
  };
}

function triple(name: string, field: 'rmem' | 'wmem'): SysctlEntry {
  return {
    path: `net/ipv4/${name}`,
    read: (net) => tcpNet(net)[field].join('\t'),
    write: (net, text) => {
      const [min = 1, def = 1, max = 1] = parseSysctlInts(text, 3, 1, 2147483647);
      tcpNet(net)[field] = [min, def, max];
    },
  };
}

function setCongestion(net: Net, text: string): void {
  const tn = tcpNet(net);
  const ops = tn.congestion.find(text.trim());
  if (ops === undefined) throw new KernelError('ENOENT');
  tn.defaultCongestion = ops;
}

export const tcpSysctls: readonly SysctlEntry[] = [
  ...TCP_SYSCTLS.map(([name, , min, max], index) => integer(name, index, min, max)),
  triple('tcp_rmem', 'rmem'),
  triple('tcp_wmem', 'wmem'),
  {
    path: 'net/ipv4/tcp_congestion_control',
    read: (net) => tcpNet(net).defaultCongestion.name,
    write: setCongestion,
  },
  {
    path: 'net/ipv4/tcp_available_congestion_control',
    read: (net) => tcpNet(net).congestion.names.join(' '),
    mode: 0o444,
  },
  {
    path: 'net/ipv4/tcp_allowed_congestion_control',
    read: (net) => tcpNet(net).allowedCongestion.join(' '),
    write: (net, text) => {
      const tn = tcpNet(net);
      const names = text.trim().split(/\s+/);
      if (names.some((name) => tn.congestion.find(name) === undefined))
        throw new KernelError('ENOENT');
      tn.allowedCongestion = names;
    },
  },
  // Read only: sizes and names that do not change here.
  { path: 'net/ipv4/tcp_available_ulp', read: () => '', mode: 0o444 },
  { path: 'net/ipv4/tcp_ehash_entries', read: () => '16384', mode: 0o444 },
  { path: 'net/ipv4/tcp_mem', read: () => TCP_MEM.join('\t'), mode: 0o444 },
  {
    path: 'net/ipv4/tcp_fastopen_key',
    mode: 0o600,
    read: (net) => tcpFastopenKeyText(tcpNet(net).tfoKeys),
    write: (net, text) => {
      const keys = tcpFastopenParseKeys(text);
      if (keys === undefined) throw new KernelError('EINVAL');
      tcpNet(net).tfoKeys = keys;
    },
  },
  {
    path: 'net/core/somaxconn',
    read: (net) => String(tcpNet(net).somaxconn),
    write: (net, text) => {
      tcpNet(net).somaxconn = parseSysctlInt(text, 0, 2147483647);
    },
  },
];
