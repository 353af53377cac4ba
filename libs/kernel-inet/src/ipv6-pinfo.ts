/**
 * What an AF_INET6 socket has beyond an IPv4 one, and how both families share tables of ports and connections.
 *
 * Every socket keeps its addresses as numbers too, which the tables compare: an IPv4 address is itself, `::` is 0, an
 * IPv4-mapped address is the IPv4 address, and any other IPv6 address is a hash above 2^32. Sockets of IPv4 therefore
 * never pay for IPv6. Sources: include/linux/ipv6.h struct ipv6_pinfo, net/ipv6/inet6_hashtables.c,
 * ipv6_rcv_saddr_equal().
 */
import type { SockAddrIn6 } from '@netloom/sys';
import {
  IN6ADDR_ANY,
  in6Bytes,
  in6FromV4Mapped,
  in6IsLinkLocal,
  in6IsMulticast,
  type In6Addr,
} from '@netloom/wire';

function mix(h: number, v: number): number {
  let z = Math.imul(h ^ v, 0x85ebca6b);
  z ^= z >>> 13;
  z = Math.imul(z, 0xc2b2ae35);
  return z ^ (z >>> 16);
}

const TWO_32 = 0x1_0000_0000;

/** The number by which tables of ports and connections know an address. */
export function in6Key(a: In6Addr): number {
  if (a.w0 === 0 && a.w1 === 0) {
    if (a.w2 === 0 && a.w3 === 0) return 0;
    if (a.w2 === 0xffff) return a.w3 >>> 0;
  }
  const low = mix(mix(mix(mix(0x5bd1e995, a.w0), a.w1), a.w2), a.w3);
  const high = mix(mix(mix(mix(0x27d4eb2f, a.w3), a.w2), a.w1), a.w0);
  return TWO_32 * (1 + (high & 0xfffff)) + (low >>> 0);
}

/** Which packets a bound address takes: those of IPv4, those of both families, those of IPv6. */
export const BIND_V4 = 0;
export const BIND_DUAL = 1;
export const BIND_V6 = 2;

/** Whether two bound addresses take the same packet. @kernel inet_rcv_saddr_equal(), ipv6_rcv_saddr_equal() */
export function bindAddressesMeet(
  classA: number,
  addrA: number,
  classB: number,
  addrB: number,
): boolean {
  if ((classA === BIND_V4) === (classB === BIND_V4))
    return addrA === 0 || addrB === 0 || addrA === addrB;
  // one family each: they meet only where the IPv6 one is :: and takes IPv4 too
  return classA === BIND_V4
    ? classB === BIND_DUAL && addrB === 0
    : classA === BIND_DUAL && addrA === 0;
}

/** @kernel struct ipv6_pinfo */
export class Ipv6Pinfo {
  /** Source used when sending, and the address bound to. */
  saddr: In6Addr = IN6ADDR_ANY;
  rcvSaddr: In6Addr = IN6ADDR_ANY;
  daddr: In6Addr = IN6ADDR_ANY;
  /** The socket talks IPv4: its addresses are `::ffff:` before the numbers of the InetSock. */
  mapped = false;
  v6only = false;
  tclass = 0;
  /** -1: the route's, or the namespace's default. */
  hopLimit = -1;
  mcastHops = 1;
  mcLoop = true;
  mcOif = 0;
  ucastOif = 0;
  /** Traffic class and label of IPV6_FLOWINFO, 0 for an automatic label. */
  flowInfo = 0;
  /** -1: as the sysctl says. */
  autoFlowLabel = -1;
  recverr = false;
  recvPktinfo = false;
  recvHoplimit = false;
  recvTclass = false;
  dontfrag = false;
  /** IPV6_PMTUDISC_WANT. */
  pmtudisc = 1;
  freebind = false;
  hdrincl = false;
  /** Where a raw socket's checksum goes, -1 for nowhere. */
  checksum = -1;
  /** IPV6_PKTINFO kept on the socket: the device to send by. */
  stickyOif = 0;
  stickySaddr: In6Addr = IN6ADDR_ANY;

  /** Groups joined. */
  groups: { readonly group: In6Addr; readonly ifindex: number }[] | null = null;

  constructor(v6only: boolean) {
    this.v6only = v6only;
  }

  get bindClass(): number {
    if (this.mapped) return BIND_V4;
    return this.v6only ? BIND_V6 : BIND_DUAL;
  }

  /** Options that an accepted connection takes over from its listener. */
  inherit(from: Ipv6Pinfo): void {
    this.v6only = from.v6only;
    this.tclass = from.tclass;
    this.hopLimit = from.hopLimit;
    this.mcastHops = from.mcastHops;
    this.mcLoop = from.mcLoop;
    this.autoFlowLabel = from.autoFlowLabel;
    this.recverr = from.recverr;
    this.dontfrag = from.dontfrag;
    this.pmtudisc = from.pmtudisc;
    this.freebind = from.freebind;
  }
}

/** A sockaddr_in6 of a native address; the zone counts only where the address needs one. */
export function sockaddrIn6(addr: In6Addr, port: number, ifindex = 0): SockAddrIn6 {
  const scoped = in6IsLinkLocal(addr) || in6IsMulticast(addr);
  return { family: 'inet6', addr: in6Bytes(addr), port, scopeId: scoped ? ifindex : 0 };
}

/** A sockaddr_in6 that stands for an IPv4 address. */
export function sockaddrMapped(addr: number, port: number): SockAddrIn6 {
  return { family: 'inet6', addr: in6Bytes(in6FromV4Mapped(addr)), port, scopeId: 0 };
}
