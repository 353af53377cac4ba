/**
 * Makes TCP part of a kernel: protocol, sockets, namespace tables, sock_diag, sysctls. @kernel tcp_init()
 */
import { Mib, type KernelModules, type Net } from '@netloom/kernel-core';
import { ipv4Of } from '@netloom/kernel-inet';
import { AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM } from '@netloom/sys';
import { TcpCongestionTable } from './tcp-cong.js';
import { cubic } from './tcp-cubic.js';
import { tcpDiagSources } from './tcp-diag.js';
import { tcpProtocol } from './tcp-ipv4.js';
import { tcpV6Protocol } from './tcp-ipv6.js';
import { reqskQueueDrop, TcpRequestSock } from './tcp-minisocks.js';
import { TcpNet, tcpNet } from './tcp-net.js';
import { tcpDone } from './tcp-state.js';
import { tcpSysctls } from './tcp-sysctl.js';
import { TcpTimewaitSock } from './tcp-timewait.js';
import { TcpStreamSock } from './tcp.js';

/** Ends what no process holds: remnants, requests, orphans. @kernel tcp_sk_exit_batch() */
function tcpNetExit(net: Net): void {
  if (ipv4Of(net).tcp === null) return;
  for (const entry of [...tcpNet(net).hash.entries()]) {
    if (entry instanceof TcpTimewaitSock) {
      entry.kill();
    } else if (entry instanceof TcpRequestSock) {
      reqskQueueDrop(entry);
    } else if (entry instanceof TcpStreamSock && entry.dead) {
      tcpDone(entry);
    }
  }
}

/** Registers TCP; the IPv4 layer comes before. `congestion`: the algorithms that every namespace offers. */
export function registerTcp(
  modules: KernelModules,
  congestion: TcpCongestionTable = new TcpCongestionTable(),
): void {
  modules.addInetProtocol(IPPROTO_TCP, tcpProtocol);
  modules.addInet6Protocol(IPPROTO_TCP, tcpV6Protocol);
  for (const family of [AF_INET, AF_INET6]) {
    const make = (net: Net): TcpStreamSock => new TcpStreamSock(net, family);
    modules.addSocketFactory(family, SOCK_STREAM, 0, make);
    modules.addSocketFactory(family, SOCK_STREAM, IPPROTO_TCP, make);
  }
  const makeNet = (net: Net): TcpNet => new TcpNet(net, congestion, cubic);
  modules.addPernet((net) => {
    ipv4Of(net).makeTcp = makeNet;
    net.mib[Mib.TcpRtoAlgorithm] = 1;
    net.mib[Mib.TcpRtoMin] = 200;
    net.mib[Mib.TcpRtoMax] = 120000;
    net.mib[Mib.TcpMaxConn] = -1;
  }, tcpNetExit);
  modules.addSockDiag('tcp', tcpDiagSources);
  modules.addSysctls(tcpSysctls);
}
