/**
 * What a namespace remembers of each peer between connections: round trip, threshold, window, reordering, Fast Open cookie.
 * tcp-open → tcpInitMetrics; tcp-timewait, tcp-input → tcpUpdateMetrics; `ip tcp_metrics` shows and forgets.
 * Sources: net/ipv4/tcp_metrics.c, RFC 9040 (control block interdependence). Entries are made on first use and live until
 * flushed; the kernel bounds them by hash chain, we by number. Round trips in µs, scaled by 8 and 4 as in the socket.
 */
import { formatIpv4, formatIpv6 } from '@netloom/base';
import type { Net } from '@netloom/kernel-core';
import type { TcpMetricsEntry } from '@netloom/sys';
import { in6Bytes } from '@netloom/wire';
import { tcpInInitialSlowstart } from './tcp-cong.js';
import { tcpInSlowStart } from './tcp-cong-lib.js';
import { NSEC_PER_MSEC, TCP_CA_OPEN, TCP_TIMEOUT_FALLBACK_US } from './tcp-const.js';
import { dstMetricLocked } from './tcp-dst.js';
import { tcpNet, TcpSysctl, type TcpNet } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';

/** The oldest entries make room for new ones beyond this. */
const METRICS_MAX = 4096;

const RTAX_RTT = 4;
const RTAX_RTTVAR = 5;
const RTAX_SSTHRESH = 6;
const RTAX_CWND = 7;
const RTAX_REORDERING = 9;

/** @kernel struct tcp_metrics_block */
export class TcpMetrics {
  rttUs = 0;
  rttvarUs = 0;
  ssthresh = 0;
  cwnd = 0;
  reordering = 0;
  /** When one of the above was last stored (ns). */
  stamp: number;
  // Fast Open: MSS, cookie and how it is asked for, SYNs with data that were lost
  foMss = 0;
  foCookie: Uint8Array | null = null;
  foExp = false;
  foTryExp = 0;
  foSynLoss = 0;
  foLastSynLoss = 0;

  constructor(
    readonly saddr: string,
    readonly daddr: string,
    now: number,
  ) {
    this.stamp = now;
  }
}

/** The entry of a connection's peer; null where there is none and none is to be made. @kernel tcp_get_metrics() */
export function tcpGetMetrics(tp: TcpSock, create: boolean): TcpMetrics | null {
  const tn = tp.tn;
  if (tn.metrics === null && !create) return null;
  const ends = tp.v6Ends;
  const saddr = ends === null ? formatIpv4(tp.saddr) : formatIpv6(in6Bytes(ends.saddr));
  const daddr = ends === null ? formatIpv4(tp.daddr) : formatIpv6(in6Bytes(ends.daddr));
  const key = `${daddr} ${saddr}`;
  const found = tn.metrics?.get(key);
  if (found !== undefined) return found;
  if (!create) return null;
  const metrics = (tn.metrics ??= new Map<string, TcpMetrics>());
  if (metrics.size >= METRICS_MAX)
    for (const oldest of metrics.keys()) if (metrics.delete(oldest)) break;
  const fresh = new TcpMetrics(saddr, daddr, tp.now);
  metrics.set(key, fresh);
  return fresh;
}

/** Starts a connection with what is known of its peer. @kernel tcp_init_metrics() */
export function tcpInitMetrics(tp: TcpSock): void {
  let crttUs = 0;
  const tm = tp.dst === null ? null : tcpGetMetrics(tp, false);
  if (tm !== null) {
    if (tm.ssthresh !== 0 && tp.tn.sysctl(TcpSysctl.tcp_no_ssthresh_metrics_save) === 0)
      tp.sndSsthresh = Math.min(tm.ssthresh, tp.sndCwndClamp);
    if (tm.reordering !== 0) tp.reordering = tm.reordering;
    crttUs = tm.rttUs;
  }
  // Not the round trip itself, which may have changed: only how patient the first timeout is.
  if (crttUs > tp.srttUs && tp.srttUs !== 0) {
    const rtt = crttUs >> 3;
    tp.rtoUs = rtt + Math.max(2 * rtt, tp.rtoMinUs);
  } else if (tp.srttUs === 0) {
    // The SYN was retransmitted and there is no timestamp: RFC 6298 §5.7.
    tp.rttvarUs = tp.mdevUs = tp.mdevMaxUs = TCP_TIMEOUT_FALLBACK_US;
    tp.rtoUs = TCP_TIMEOUT_FALLBACK_US;
  }
}

function updateRoundTrip(tp: TcpSock, tm: TcpMetrics): void {
  let m = tm.rttUs - tp.srttUs;
  if (!dstMetricLocked(tp.dst, RTAX_RTT)) {
    tm.rttUs = m <= 0 ? tp.srttUs : tm.rttUs - (m >> 3);
  }
  if (dstMetricLocked(tp.dst, RTAX_RTTVAR)) return;
  m = Math.max(Math.abs(m) >> 1, tp.mdevUs);
  tm.rttvarUs = m >= tm.rttvarUs ? m : tm.rttvarUs - ((tm.rttvarUs - m) >> 2);
}

function updateWindow(tp: TcpSock, tm: TcpMetrics): void {
  const ssthresh =
    tp.tn.sysctl(TcpSysctl.tcp_no_ssthresh_metrics_save) === 0 &&
    !dstMetricLocked(tp.dst, RTAX_SSTHRESH);
  const cwnd = !dstMetricLocked(tp.dst, RTAX_CWND);
  if (tcpInInitialSlowstart(tp)) {
    // Slow start did not end: the path takes at least this.
    if (ssthresh && tm.ssthresh !== 0 && tp.sndCwnd >> 1 > tm.ssthresh)
      tm.ssthresh = tp.sndCwnd >> 1;
    if (cwnd && tp.sndCwnd > tm.cwnd) tm.cwnd = tp.sndCwnd;
  } else if (!tcpInSlowStart(tp) && tp.caState === TCP_CA_OPEN) {
    if (ssthresh) tm.ssthresh = Math.max(tp.sndCwnd >> 1, tp.sndSsthresh);
    if (cwnd) tm.cwnd = (tm.cwnd + tp.sndCwnd) >> 1;
  } else {
    if (cwnd) tm.cwnd = (tm.cwnd + tp.sndSsthresh) >> 1;
    if (ssthresh && tm.ssthresh !== 0 && tp.sndSsthresh > tm.ssthresh) tm.ssthresh = tp.sndSsthresh;
  }
}

/** Remembers what a connection that ends has learned. @kernel tcp_update_metrics() */
export function tcpUpdateMetrics(tp: TcpSock): void {
  if (tp.dst === null || tp.tn.sysctl(TcpSysctl.tcp_no_metrics_save) !== 0) return;
  if (tp.backoff > 0 || tp.srttUs === 0) {
    // The network was in trouble: what is remembered does not hold any more.
    const known = tcpGetMetrics(tp, false);
    if (known !== null && !dstMetricLocked(tp.dst, RTAX_RTT)) known.rttUs = 0;
    return;
  }
  const tm = tcpGetMetrics(tp, true) as TcpMetrics;
  updateRoundTrip(tp, tm);
  updateWindow(tp, tm);
  if (
    !dstMetricLocked(tp.dst, RTAX_REORDERING) &&
    tm.reordering < tp.reordering &&
    tp.reordering !== tp.tn.sysctl(TcpSysctl.tcp_reordering)
  )
    tm.reordering = tp.reordering;
  tm.stamp = tp.now;
}

/** Whether the peer is known to be alive: its SYN is served even from the last quarter of the queue. @kernel tcp_peer_is_proven() */
export function tcpPeerIsProven(tn: TcpNet, saddr: string, daddr: string): boolean {
  return (tn.metrics?.get(`${daddr} ${saddr}`)?.rttUs ?? 0) !== 0;
}

/** All entries as `ip tcp_metrics` asks for them. @kernel tcp_metrics_dump_info() */
export function tcpMetricsDump(net: Net): TcpMetricsEntry[] {
  const now = net.kernel.engine.now;
  return [...(tcpNet(net).metrics?.values() ?? [])].map((tm) => ({
    daddr: tm.daddr,
    saddr: tm.saddr,
    ageMs: Math.floor((now - tm.stamp) / NSEC_PER_MSEC),
    rttUs: tm.rttUs,
    rttvarUs: tm.rttvarUs,
    ssthresh: tm.ssthresh,
    cwnd: tm.cwnd,
    reordering: tm.reordering,
    foMss: tm.foMss,
    foSynDrops: tm.foSynLoss,
    foSynDropMs: tm.foSynLoss > 0 ? Math.floor((now - tm.foLastSynLoss) / NSEC_PER_MSEC) : 0,
    foCookie: tm.foCookie,
  }));
}

/** Forgets the entries that `match` picks; how many there were. @kernel tcp_metrics_nl_cmd_del() */
export function tcpMetricsDelete(net: Net, match: (entry: TcpMetricsEntry) => boolean): number {
  const { metrics } = tcpNet(net);
  if (metrics === null) return 0;
  let count = 0;
  for (const entry of tcpMetricsDump(net)) {
    if (match(entry) && metrics.delete(`${entry.daddr} ${entry.saddr}`)) count++;
  }
  return count;
}
