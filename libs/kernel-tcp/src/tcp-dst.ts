/** What TCP reads of a route's metrics (`ip route … initcwnd 20 congctl reno`). Source: include/net/dst.h. */
import type { Dst } from '@netloom/kernel-core';
import type { TcpSock } from './tcp-sock.js';

export const RTAX_FEATURE_ECN = 1;
const RTAX_CWND = 7;
const RTAX_RTO_MIN = 13;

/** A numeric metric by the word of `ip route`, 0 where the route does not set it. @kernel dst_metric() */
export function dstMetric(dst: Dst | null, name: string): number {
  return dst === null || dst.metrics === undefined ? 0 : Number(dst.metrics[name] ?? 0);
}

/** Whether a metric is fixed (`lock`); `bit` is its RTAX_ number. @kernel dst_metric_locked() */
export function dstMetricLocked(dst: Dst | null, bit: number): boolean {
  return (dstMetric(dst, 'lock') & (1 << bit)) !== 0;
}

/** Takes over what the route says of timeouts, ACKs and the congestion window. */
export function tcpTakeRouteMetrics(tp: TcpSock): void {
  const dst = tp.dst;
  if (dst === null || dst.metrics === undefined) return;
  const rtoMin = dstMetric(dst, 'rto_min');
  if (rtoMin !== 0 && dstMetricLocked(dst, RTAX_RTO_MIN)) tp.rtoMinUs = rtoMin * 1000;
  tp.routeQuickack = dstMetric(dst, 'quickack') !== 0;
  const cwnd = dstMetric(dst, 'cwnd');
  if (cwnd !== 0 && dstMetricLocked(dst, RTAX_CWND)) tp.sndCwndClamp = cwnd;
  if (tp.windowClamp === 0) tp.windowClamp = dstMetric(dst, 'window');
}

/** The congestion control that the route names, undefined for none. @kernel tcp_ca_dst_init() */
export function dstCongctl(dst: Dst | null): string | undefined {
  const name = dst?.metrics?.['congctl'];
  return name === undefined ? undefined : String(name);
}
