/**
 * Makes the sockets of IPv6 part of a kernel. registerInet6 comes before. @kernel udpv6_init(), rawv6_init()
 */
import type { KernelModules, Net } from '@netloom/kernel-core';
import { AF_INET6, IPPROTO_ICMPV6, IPPROTO_UDP, SOCK_DGRAM, SOCK_RAW } from '@netloom/sys';
import { ipv6Of } from './ipv6-net.js';
import { Ping6Sock } from './ping6.js';
import { raw6Of, Raw6Sock } from './raw6.js';
import { Udp6Sock, udpv6Protocol } from './udp6.js';

/** Registers UDP over IPv6, raw and ping sockets of IPv6. */
export function registerSockets6(modules: KernelModules): void {
  modules.addInet6Protocol(IPPROTO_UDP, udpv6Protocol);
  const udp = (net: Net): Udp6Sock => new Udp6Sock(net);
  modules.addSocketFactory(AF_INET6, SOCK_DGRAM, 0, udp);
  modules.addSocketFactory(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, udp);
  modules.addSocketFactory(
    AF_INET6,
    SOCK_RAW,
    -1,
    (net, _type, protocol) => new Raw6Sock(net, protocol),
  );
  modules.addSocketFactory(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, (net) => new Ping6Sock(net));
  const raws = (net: Net): Raw6Sock[] => (ipv6Of(net).raw === null ? [] : raw6Of(net).all());
  modules.addSockDiag('raw', (net) => raws(net).filter((sk) => !(sk instanceof Ping6Sock)));
  modules.addSockDiag('icmp', (net) => raws(net).filter((sk) => sk instanceof Ping6Sock));
}
