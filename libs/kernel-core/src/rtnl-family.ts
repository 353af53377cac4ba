/**
 * What an address family answers to rtnetlink: addresses, routes, rules, neighbours. Families register in
 * {@link KernelModules}; rtnetlink hands each request to the family that it names and asks all for a dump of none.
 */
import type { Rtnl } from '@netloom/sys';
import type { Net } from './net.js';

export interface RtnlFamily {
  /** AF_INET, AF_INET6 … */
  readonly family: number;
  getAddr(net: Net, request: Rtnl['RTM_GETADDR']['req']): Rtnl['RTM_GETADDR']['res'];
  newAddr(net: Net, request: Rtnl['RTM_NEWADDR']['req']): void;
  delAddr(net: Net, request: Rtnl['RTM_DELADDR']['req']): void;
  getRoute(net: Net, request: Rtnl['RTM_GETROUTE']['req']): Rtnl['RTM_GETROUTE']['res'];
  newRoute(net: Net, request: Rtnl['RTM_NEWROUTE']['req']): void;
  delRoute(net: Net, request: Rtnl['RTM_DELROUTE']['req']): void;
  /** `ip route get`. */
  routeGet(net: Net, request: Rtnl['RTM_GETROUTE_ONE']['req']): Rtnl['RTM_GETROUTE_ONE']['res'];
  getRule(net: Net, request: Rtnl['RTM_GETRULE']['req']): Rtnl['RTM_GETRULE']['res'];
  newRule(net: Net, request: Rtnl['RTM_NEWRULE']['req']): void;
  delRule(net: Net, request: Rtnl['RTM_DELRULE']['req']): void;
  getNeigh(net: Net, request: Rtnl['RTM_GETNEIGH']['req']): Rtnl['RTM_GETNEIGH']['res'];
  newNeigh(net: Net, request: Rtnl['RTM_NEWNEIGH']['req']): void;
  delNeigh(net: Net, request: Rtnl['RTM_DELNEIGH']['req']): void;
}
