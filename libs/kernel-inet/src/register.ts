/**
 * Makes IPv4 part of a kernel: packet types, protocols, sockets, namespaces, device events. @kernel inet_init()
 */
import type { KernelModules, Net } from '@netloom/kernel-core';
import {
  AF_INET,
  AF_PACKET,
  IPPROTO_ICMP,
  IPPROTO_IGMP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_RAW,
} from '@netloom/sys';
import { ETH_P_ARP, ETH_P_IP } from '@netloom/wire';
import { arpRcv } from './arp.js';
import { inetdevEvent } from './devinet.js';
import { fibRegister, fibTables } from './fib-frontend.js';
import { icmpProtocol } from './icmp.js';
import { FragTable } from './ip-fragment.js';
import { igmpEvent, igmpProtocol } from './igmp.js';
import { ipRcv } from './ip-input.js';
import { inetSysctls } from './inet-sysctls.js';
import { ipv4Of, NetnsIpv4 } from './ipv4-net.js';
import { packetEvent, PacketSock, packetTable } from './packet.js';
import { PingSock } from './ping.js';
import { RawSock, RawTable } from './raw.js';
import { udpProtocol, UdpSock } from './udp.js';
import { UdpTable } from './udp-table.js';

/** Registers IPv4, ARP, ICMP, UDP, raw and packet sockets. */
export function registerInet(modules: KernelModules): void {
  modules.addPacketHandler(ETH_P_IP, ipRcv);
  modules.addPacketHandler(ETH_P_ARP, arpRcv);
  modules.addInetProtocol(IPPROTO_ICMP, icmpProtocol);
  modules.addInetProtocol(IPPROTO_UDP, udpProtocol);
  modules.addInetProtocol(IPPROTO_IGMP, igmpProtocol);
  const udp = (net: Net): UdpSock => new UdpSock(net, SOCK_DGRAM, IPPROTO_UDP);
  modules.addSocketFactory(AF_INET, SOCK_DGRAM, 0, udp);
  modules.addSocketFactory(AF_INET, SOCK_DGRAM, IPPROTO_UDP, udp);
  modules.addSocketFactory(AF_INET, SOCK_DGRAM, IPPROTO_ICMP, (net) => new PingSock(net));
  modules.addSocketFactory(
    AF_INET,
    SOCK_RAW,
    -1,
    (net, _type, protocol) => new RawSock(net, protocol),
  );
  modules.addSocketFactory(
    AF_PACKET,
    SOCK_RAW,
    -1,
    (net, type, protocol) => new PacketSock(net, type, protocol),
  );
  modules.addSocketFactory(
    AF_PACKET,
    SOCK_DGRAM,
    -1,
    (net, type, protocol) => new PacketSock(net, type, protocol),
  );
  modules.addPernet((net) => {
    const { local, main } = fibTables();
    const ipv4 = new NetnsIpv4(net, local, main);
    fibRegister(ipv4);
    ipv4.udp = new UdpTable();
    ipv4.raw = new RawTable();
    ipv4.frags = new FragTable(net);
    net.ipv4 = ipv4;
  });
  modules.addNetdevNotifier(igmpEvent);
  modules.addNetdevNotifier(inetdevEvent);
  modules.addNetdevNotifier(packetEvent);
  modules.addSockDiag('udp', (net) => ipv4Of(net).udp.all());
  modules.addSockDiag('icmp', (net) => ipv4Of(net).ping?.all() ?? []);
  modules.addSockDiag('raw', (net) => ipv4Of(net).raw.all());
  modules.addSockDiag('p_raw', (net) =>
    [...packetTable(net).sockets].filter((sk) => sk.type === SOCK_RAW),
  );
  modules.addSockDiag('p_dgr', (net) =>
    [...packetTable(net).sockets].filter((sk) => sk.type === SOCK_DGRAM),
  );
  modules.addSysctls(inetSysctls);
}
