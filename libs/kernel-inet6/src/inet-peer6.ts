/**
 * What a namespace remembers of the hosts that it tells about errors: one token bucket each, for ICMPv6's rate limit and
 * for redirects. Source: net/ipv4/inetpeer.c. Times are nanoseconds.
 */
import { in6Hash, type In6Addr } from '@netloom/wire';
import type { NetnsIpv6 } from './ipv6-net.js';

const PEERS_MAX = 4096;
const PEER_AGE_NS = 60e9;
const XRLIM_BURST_FACTOR = 6;

/** One bucket. Addresses of the same hash share it. */
export interface InetPeer {
  /** Nanoseconds saved up. */
  tokens: number;
  last: number;
}

/** The peer of an address, made on first use. @kernel inet_getpeer_v6() */
export function inetGetpeer6(ipv6: NetnsIpv6, address: In6Addr): InetPeer {
  const peers = (ipv6.peers ??= new Map<number, InetPeer>());
  const key = in6Hash(address);
  let peer = peers.get(key);
  if (peer === undefined) {
    if (peers.size >= PEERS_MAX) for (const oldest of peers.keys()) if (peers.delete(oldest)) break;
    peer = { tokens: 0, last: ipv6.net.kernel.engine.now - PEER_AGE_NS };
    peers.set(key, peer);
  }
  return peer;
}

/** Whether one more message may go to a peer; takes its token. @kernel inet_peer_xrlim_allow() */
export function inetPeer6Allow(peer: InetPeer, now: number, timeout: number): boolean {
  if (now !== peer.last) {
    peer.tokens = Math.min(peer.tokens + (now - peer.last), XRLIM_BURST_FACTOR * timeout);
    peer.last = now;
  }
  if (peer.tokens < timeout) return false;
  peer.tokens -= timeout;
  return true;
}
