/**
 * A local port for a connection that this host opens, and its place among the connections.
 * tcp-ipv4, tcp-ipv6 connect → here. Sources: net/ipv4/inet_hashtables.c __inet_hash_connect(); RFC 6056.
 */
import { Errno } from '@netloom/base';
import { ipv4Of } from '@netloom/kernel-inet';
import { IN6ADDR_ANY } from '@netloom/wire';
import {
  NSEC_PER_MSEC,
  SOCK_BINDADDR_LOCK,
  SOCK_BINDPORT_LOCK,
  TCP_TIME_WAIT,
} from './tcp-const.js';
import type { BindBucket } from './tcp-hash.js';
import { TcpSysctl } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpPutPort } from './tcp-state.js';
import type { TcpTimewaitSock } from './tcp-timewait.js';

/** A TIME-WAIT entry may make way for a new connection. @kernel tcp_twsk_unique() */
function timewaitReusable(tp: TcpSock, tw: TcpTimewaitSock): boolean {
  const reuse = tp.tn.sysctl(TcpSysctl.tcp_tw_reuse);
  const loopback = tw.af.isLoopback(tw.rcvSaddr, tw.daddr, tw.v6Ends);
  if (reuse === 0 || (reuse === 2 && !loopback) || tw.tsRecentStamp === 0) return false;
  // Long enough for its timestamps to have moved on.
  if (tp.now - tw.entryStamp <= tp.tn.sysctl(TcpSysctl.tcp_tw_reuse_delay) * NSEC_PER_MSEC)
    return false;
  const seq = (tw.sndNxt + 65535 + 2) >>> 0;
  tp.writeSeq = seq === 0 ? 1 : seq;
  tp.rxOpt.tsRecent = tw.tsRecent;
  tp.rxOpt.tsRecentStamp = tw.tsRecentStamp;
  return true;
}

/** Whether (our address, port) → peer is free; makes room where a TIME-WAIT entry may be reused. @kernel __inet_check_established() */
function checkEstablished(tp: TcpSock, port: number): boolean {
  const other = tp.af.lookupOwn(tp, port);
  if (other === null) return true;
  if (other.state !== TCP_TIME_WAIT || !timewaitReusable(tp, other as TcpTimewaitSock))
    return false;
  (other as TcpTimewaitSock).kill();
  return true;
}

/** Connect may share a port with other connections, not with one that bind() took. */
function portUsable(bucket: BindBucket | undefined): boolean {
  return bucket === undefined || !bucket.bound;
}

/** Gives the socket a local port and lists it. 0 or a negative errno. @kernel __inet_hash_connect() */
export function tcpHashConnect(tp: TcpSock): number {
  const hash = tp.tn.hash;
  if (tp.sport !== 0) {
    if (!checkEstablished(tp, tp.sport)) return -Errno.EADDRNOTAVAIL;
    hash.insert(tp);
    return 0;
  }
  const [low, high] = ipv4Of(tp.net).localPortRange;
  const count = high - low + 1;
  // RFC 6056 §3.3.4: a hash of the peer, moved on with each connection; even distances first, odd ones are bind()'s.
  const start = tp.tn.secrets.portOffset(tp.saddr, tp.daddr, tp.dport) + tp.tn.portPerturb;
  const offset = (start % count) & ~1;
  for (let parity = 0; parity < 2; parity++) {
    for (let i = parity; i < count; i += 2) {
      const port = low + ((offset + i) % count);
      if (!portUsable(hash.bucket(port)) || !checkEstablished(tp, port)) continue;
      tp.tn.portPerturb += 2 + i;
      tp.sport = port;
      tp.bindBucket = hash.bind(port, tp, false);
      hash.insert(tp);
      return 0;
    }
  }
  return -Errno.EADDRNOTAVAIL;
}

/** Undoes what connect fixed: peer, and what the user had not bound. */
export function tcpForgetPeer(tp: TcpSock): void {
  tp.dport = 0;
  tp.daddr = 0;
  tp.dst = null;
  tp.v6Ends = null;
  if ((tp.userlocks & SOCK_BINDADDR_LOCK) === 0) tp.saddr = tp.rcvSaddr = 0;
  if (tp.v6 !== null) {
    tp.v6.daddr = IN6ADDR_ANY;
    if ((tp.userlocks & SOCK_BINDADDR_LOCK) === 0) {
      tp.v6.mapped = false;
      tp.v6.saddr = tp.v6.rcvSaddr = IN6ADDR_ANY;
    }
  }
  if ((tp.userlocks & SOCK_BINDPORT_LOCK) === 0 && tp.bindBucket !== null) tcpPutPort(tp);
}
