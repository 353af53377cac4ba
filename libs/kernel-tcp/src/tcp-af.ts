/**
 * What TCP asks of the protocol below it: one set of functions for IPv4, one for IPv6. A socket points at the set of the
 * packets that it sends; an AF_INET6 socket that talks to an IPv4-mapped address points at IPv4's.
 *
 *   tcp-af (this)  ◀─ tcp-af-ipv4, tcp-af-ipv6     tcp-ipv4, tcp-ipv6: what arrives
 *
 * Addresses are numbers as the tables know them (kernel-inet in6Key), and for native IPv6 the addresses themselves too.
 * Source: include/net/inet_connection_sock.h struct inet_connection_sock_af_ops.
 */
import type { Dst, Net, SkBuff } from '@netloom/kernel-core';
import type { In6Addr } from '@netloom/wire';
import type { TcpEntry } from './tcp-hash.js';
import type { TcpRequestSock } from './tcp-minisocks.js';
import type { TcpNet } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';

/** The two ends of a native IPv6 connection; `ifindex` is the zone of a link-local peer, else 0. */
export interface V6Ends {
  readonly saddr: In6Addr;
  readonly daddr: In6Addr;
  readonly ifindex: number;
}

/** A segment without a socket: where it goes, and how. */
export interface ReplyFlow {
  readonly saddr: number;
  readonly daddr: number;
  readonly v6: V6Ends | null;
  readonly sport: number;
  readonly dport: number;
  readonly oif: number;
  readonly mark: number;
  readonly tos: number;
  /** TTL or hop limit, -1 for the default. */
  readonly ttl: number;
}

export interface TcpAfOps {
  /** Bytes of the network header. */
  readonly headerLen: number;
  /** Least MSS offered by a route without an `advmss`, and the largest path MTU. */
  readonly minAdvmss: number;
  readonly maxPmtu: number;
  /** The route of a connection: the kept one where it still holds. A negative errno when there is none. */
  route(tp: TcpSock): Dst | number;
  /** Sends a segment of a connection. Consumes it. 0 or a negative errno. */
  queueXmit(tp: TcpSock, skb: SkBuff): number;
  /** The sum of the pseudo-header of a segment of `length` bytes, from a socket or without one. */
  sockPseudo(tp: TcpSock, length: number): number;
  flowPseudo(flow: ReplyFlow, length: number): number;
  /** Sends a segment without a socket. Consumes it. 0 or a negative errno. */
  sendReply(net: Net, skb: SkBuff, flow: ReplyFlow): number;
  /** The way back to who sent `skb`. `tp`: the socket that refused it, or null. */
  replyFlow(skb: SkBuff, tp: TcpSock | null): ReplyFlow;
  /** Whether the packet was for an address of ours (and not for a group). */
  isLocalDest(net: Net, skb: SkBuff): boolean;
  /** Whether a SYN to this destination is to be dropped: a group, a broadcast. */
  badSynDest(skb: SkBuff): boolean;
  /** Takes over addresses from the packet that opened a request. */
  openRequest(req: TcpRequestSock, skb: SkBuff): void;
  /** The route of a request's answers; a negative errno. */
  requestRoute(req: TcpRequestSock): Dst | number;
  /** Gives a new connection the addresses of its request. */
  childAddresses(child: TcpSock, req: TcpRequestSock): void;
  /** The listener that a segment is for. */
  lookupListener(tn: TcpNet, skb: SkBuff): TcpSock | null;
  /** Who has this socket's addresses and peer already, with a local port. */
  lookupOwn(tp: TcpSock, port: number): TcpEntry | null;
  isLoopback(saddr: number, daddr: number, v6: V6Ends | null): boolean;
  /** A listener's own address as the kernel log writes it. */
  logName(tp: TcpSock): string;
}
