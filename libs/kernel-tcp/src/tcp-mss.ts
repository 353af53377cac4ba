/**
 * Segment sizes: from path MTU and the peer's offer to the payload of the next segment.
 * Sources: net/ipv4/tcp_output.c tcp_sync_mss(), tcp_current_mss(), RFC 9293 §3.7.1, RFC 6691.
 */
import { TCP_HLEN } from '@netloom/wire';
import type { Dst } from '@netloom/kernel-core';
import type { TcpAfOps } from './tcp-af.js';
import { TCP_MSS_DEFAULT } from './tcp-const.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpEstablishedOptionsSize } from './tcp-options.js';
import type { TcpSock } from './tcp-sock.js';

/** Payload of a segment without SACK blocks on a path of this MTU. @kernel tcp_mtu_to_mss() */
export function tcpMtuToMss(tp: TcpSock, pmtu: number): number {
  const mss = Math.min(pmtu - tp.af.headerLen - TCP_HLEN, tp.rxOpt.mssClamp);
  return Math.max(mss, tp.tn.sysctl(TcpSysctl.tcp_min_snd_mss)) - (tp.tcpHeaderLen - TCP_HLEN);
}

/** No segment is larger than half of the largest window seen. @kernel tcp_bound_to_half_wnd() */
function tcpBoundToHalfWindow(tp: TcpSock, size: number): number {
  const cutoff = tp.maxWindow > TCP_MSS_DEFAULT ? tp.maxWindow >>> 1 : tp.maxWindow;
  return cutoff !== 0 && size > cutoff ? Math.max(cutoff, 68 - tp.tcpHeaderLen) : size;
}

/** Takes over a path MTU. @kernel tcp_sync_mss() */
export function tcpSyncMss(tp: TcpSock, pmtu: number): number {
  let mss = tcpBoundToHalfWindow(tp, tcpMtuToMss(tp, pmtu));
  tp.pmtuCookie = pmtu;
  const { mtup } = tp;
  if (mtup !== null) {
    if (mtup.searchHigh > pmtu) mtup.searchHigh = pmtu;
    if (mtup.enabled) mss = Math.min(mss, tcpMtuToMss(tp, mtup.searchLow));
  }
  tp.mssCache = mss;
  return mss;
}

/** Payload of the next segment, after its SACK blocks. @kernel tcp_current_mss() */
export function tcpCurrentMss(tp: TcpSock): number {
  let mss = tp.mssCache;
  const dst = tp.af.route(tp); // the kept one, unless something changed
  if (typeof dst !== 'number') {
    const mtu = dst.mtu();
    if (mtu !== tp.pmtuCookie) mss = tcpSyncMss(tp, mtu);
  }
  const header = TCP_HLEN + tcpEstablishedOptionsSize(tp);
  return header === tp.tcpHeaderLen ? mss : mss - (header - tp.tcpHeaderLen);
}

/** The MSS that we offer on a route. @kernel ipv4_default_advmss(), ip6_default_advmss() */
export function tcpAdvmss(dst: Dst, af: TcpAfOps, userMss: number): number {
  const headers = af.headerLen + TCP_HLEN;
  const byMtu = Math.min(Math.max(dst.mtu() - headers, af.minAdvmss), af.maxPmtu - headers);
  const mss = dst.advmss !== 0 ? dst.advmss : byMtu;
  return userMss !== 0 && userMss < mss ? userMss : mss;
}
