/**
 * Makes IPv6 part of a kernel: packet type, ICMPv6, namespaces, device events, rtnetlink, sysctls. @kernel inet6_init()
 */
import type { KernelModules } from '@netloom/kernel-core';
import { ETH_P_IPV6, NEXTHDR_ICMP } from '@netloom/wire';
import { inet6devEvent } from './addrconf.js';
import { icmpv6Protocol } from './icmpv6.js';
import { inet6Sysctls } from './inet6-sysctls.js';
import { ipv6Rcv } from './ip6-input.js';
import { NetnsIpv6 } from './ipv6-net.js';
import { rtnl6 } from './rtnl6.js';

/** Registers the network layer. It must come before the drivers, whose devices its notifier wants to see. */
export function registerInet6(modules: KernelModules): void {
  modules.addPacketHandler(ETH_P_IPV6, ipv6Rcv);
  modules.addInet6Protocol(NEXTHDR_ICMP, icmpv6Protocol);
  modules.addPernet((net) => {
    net.ipv6 = new NetnsIpv6(net);
  });
  modules.addNetdevNotifier(inet6devEvent);
  modules.addRtnlFamily(rtnl6);
  modules.addSysctls(inet6Sysctls);
}
