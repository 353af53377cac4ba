/**
 * What a namespace remembers of the hosts that it tells about errors: one token bucket each, which ICMP's rate limit,
 * the report of missing routes and redirects share. Source: net/ipv4/inetpeer.c, route.c. Times are nanoseconds.
 */
import type { Net } from '@netloom/kernel-core';
import { HZ, ipv4HostSysctl, type NetnsIpv4 } from './ipv4-net.js';

/** Peers kept at most; the oldest goes first (inet_peer_threshold is far higher, and swept by age). */
const PEERS_MAX = 4096;
/** A peer starts as if last heard of a minute ago. */
const PEER_AGE_NS = 60e9;
/** Bucket size of the ICMP limit, in messages. */
const XRLIM_BURST_FACTOR = 6;
/** A tick of the kernel, in which the sysctls of route/ count. */
const TICK_NS = 1e9 / HZ;

export interface InetPeer {
  /** Nanoseconds saved up. */
  tokens: number;
  last: number;
  redirects: number;
}

/** The peer of an address, made on first use. @kernel inet_getpeer_v4() */
export function inetGetpeer(ipv4: NetnsIpv4, address: number): InetPeer {
  const peers = (ipv4.peers ??= new Map<number, InetPeer>());
  let peer = peers.get(address);
  if (peer === undefined) {
    if (peers.size >= PEERS_MAX) for (const oldest of peers.keys()) if (peers.delete(oldest)) break;
    peer = { tokens: 0, last: ipv4.net.kernel.engine.now - PEER_AGE_NS, redirects: 0 };
    peers.set(address, peer);
  }
  return peer;
}

/** Whether one more ICMP error may go to a peer; takes its token. @kernel inet_peer_xrlim_allow() */
export function inetPeerXrlimAllow(peer: InetPeer, now: number, timeout: number): boolean {
  if (now !== peer.last) {
    peer.tokens = Math.min(peer.tokens + (now - peer.last), XRLIM_BURST_FACTOR * timeout);
    peer.last = now;
  }
  if (peer.tokens < timeout) return false;
  peer.tokens -= timeout;
  return true;
}

/** Whether a peer may be told of one more missing route; takes its token. @kernel ip_error() */
export function inetPeerErrorAllow(net: Net, peer: InetPeer, now: number): boolean {
  const cost = ipv4HostSysctl(net, 'route/error_cost') * TICK_NS;
  const burst = ipv4HostSysctl(net, 'route/error_burst') * TICK_NS;
  peer.tokens = Math.min(peer.tokens + (now - peer.last), burst);
  peer.last = now;
  if (peer.tokens < cost) return false;
  peer.tokens -= cost;
  return true;
}

/** Whether a peer is to be redirected once more: ever more rarely while it does not listen. @kernel ip_rt_send_redirect() */
export function inetPeerRedirectAllow(net: Net, peer: InetPeer, now: number): boolean {
  const number = ipv4HostSysctl(net, 'route/redirect_number');
  const load = ipv4HostSysctl(net, 'route/redirect_load') * TICK_NS;
  const silence = ipv4HostSysctl(net, 'route/redirect_silence') * TICK_NS;
  if (now > peer.last + silence) {
    peer.tokens = 0;
    peer.redirects = 0;
  }
  if (peer.redirects >= number) {
    peer.last = now;
    return false;
  }
  if (peer.redirects > 0 && now <= peer.last + load * 2 ** peer.redirects) return false;
  peer.last = now;
  peer.redirects++;
  return true;
}
