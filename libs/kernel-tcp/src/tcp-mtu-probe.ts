/**
 * Packetization-layer path MTU discovery: where ICMP errors do not come back, sizes are found by trying.
 *
 *   net.ipv4.tcp_mtu_probing 1: after timeouts, as if they were a black hole's; 2: always, from tcp_base_mss up
 *
 *   searchLow (works) ──▶ probe of the middle ──acked──▶ searchLow = probe      ──lost──▶ searchHigh = probe - 1
 *
 * tcp-timer, tcp-output, tcp-ack, tcp-recovery → here. A socket has the state only where the sysctl asks for it.
 * Sources: RFC 4821, net/ipv4/tcp_output.c tcp_mtu_probe(), tcp_timer.c tcp_mtu_probing(). Sizes are of IP packets.
 */
import { seqAfter } from '@netloom/base';
import { Mib, mibAdd, skbPut, skbPull, type SkBuff } from '@netloom/kernel-core';
import { TCP_HLEN, TCPHDR_ACK, TCPHDR_FIN } from '@netloom/wire';
import { NSEC_PER_SEC, TCP_CA_CWR, TCP_CA_OPEN } from './tcp-const.js';
import { tcpCurrentSsthresh } from './tcp-cong.js';
import { tcpPacketsInFlight } from './tcp-cwnd.js';
import { tcpMtuToMss, tcpSyncMss } from './tcp-mss.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpEventNewDataSent } from './tcp-output.js';
import { tcpSimpleRetransmit } from './tcp-recovery.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpAllocSkb, tcpInitNondataSkb, tcpTransmitSkb, tcpWndEnd } from './tcp-transmit.js';

/** Less of a window is no place for experiments. */
const PROBE_LEAST_CWND = 11;

export class TcpMtup {
  enabled = false;
  searchLow = 0;
  searchHigh = 0;
  /** Of the probe under way, 0 for none, and its sequence numbers. */
  probeSize = 0;
  probeStart = 0;
  probeEnd = 0;
  /** When the search began (ns). */
  stamp = 0;
}

/** @kernel tcp_mss_to_mtu() */
function mssToMtu(tp: TcpSock, mss: number): number {
  return mss + tp.tcpHeaderLen + tp.af.headerLen;
}

/** Starts a connection's search, where it is wanted. @kernel tcp_mtup_init() */
export function tcpMtupInit(tp: TcpSock): void {
  const mode = tp.tn.sysctl(TcpSysctl.tcp_mtu_probing);
  if (mode === 0) {
    tp.mtup = null;
    return;
  }
  const mtup = (tp.mtup ??= new TcpMtup());
  mtup.enabled = mode > 1;
  mtup.searchHigh = tp.rxOpt.mssClamp + TCP_HLEN + tp.af.headerLen;
  mtup.searchLow = mssToMtu(tp, tp.tn.sysctl(TcpSysctl.tcp_base_mss));
  mtup.probeSize = 0;
  mtup.stamp = tp.now;
}

/** Timeouts may mean that full-sized segments vanish: fall back to a size that nearly every path takes. @kernel tcp_mtu_probing() */
export function tcpMtuProbing(tp: TcpSock): void {
  const tn = tp.tn;
  if (tn.sysctl(TcpSysctl.tcp_mtu_probing) === 0) return;
  if (tp.mtup === null) tcpMtupInit(tp);
  const { mtup } = tp;
  if (mtup === null) return;
  if (!mtup.enabled) {
    mtup.enabled = true;
    mtup.stamp = tp.now;
  } else {
    const half = tcpMtuToMss(tp, mtup.searchLow) >> 1;
    const mss = Math.max(
      Math.min(tn.sysctl(TcpSysctl.tcp_base_mss), half),
      tn.sysctl(TcpSysctl.tcp_mtu_probe_floor),
      tn.sysctl(TcpSysctl.tcp_min_snd_mss),
    );
    mtup.searchLow = mssToMtu(tp, mss);
  }
  tcpSyncMss(tp, tp.pmtuCookie);
}

/** The search has found what it could: after a while it starts anew. @kernel tcp_mtu_check_reprobe() */
function checkReprobe(tp: TcpSock, mtup: TcpMtup): void {
  if (tp.now - mtup.stamp < tp.tn.sysctl(TcpSysctl.tcp_probe_interval) * NSEC_PER_SEC) return;
  mtup.probeSize = 0;
  mtup.searchHigh = tp.rxOpt.mssClamp + TCP_HLEN + tp.af.headerLen;
  mtup.searchLow = mssToMtu(tp, tp.mssCache);
  mtup.stamp = tp.now;
}

/** Takes the first `size` bytes of the write queue into one segment; null without memory. */
function probeSegment(tp: TcpSock, size: number): SkBuff | null {
  const head = tp.writeQueue.head;
  const probe = head === null ? null : tcpAllocSkb(tp, size);
  if (head === null || probe === null) return null;
  tcpInitNondataSkb(probe, head.cbSeq, TCPHDR_ACK);
  let left = size;
  for (let skb = tp.writeQueue.head; skb !== null && left > 0; skb = tp.writeQueue.head) {
    const n = Math.min(left, skb.len);
    skb.mem.copy(skbPut(probe, n), skb.data, n);
    left -= n;
    if (n === skb.len) {
      probe.cbFlags |= skb.cbFlags & ~TCPHDR_FIN;
      tp.writeQueue.unlink(skb);
      tp.wmemQueued -= skb.truesize;
      skb.pool.release(skb);
    } else {
      skbPull(skb, n);
      skb.cbSeq = (skb.cbSeq + n) >>> 0;
      skb.gsoSegs = Math.max(1, Math.ceil(skb.len / tp.mssCache));
      break;
    }
  }
  probe.cbEndSeq = (probe.cbSeq + size) >>> 0;
  tp.wmemQueued += probe.truesize;
  probe.gsoSize = 0;
  tp.writeQueue.unshift(probe);
  return probe;
}

/** Enough waits, in plain segments, to tell a lost probe from other losses. */
function enoughQueued(tp: TcpSock, size: number, needed: number): boolean {
  if ((tp.writeSeq - tp.sndNxt) >>> 0 < needed) return false;
  let bytes = 0;
  for (let skb = tp.writeQueue.head; skb !== null && bytes < size; skb = skb.next) {
    if ((skb.cbFlags & TCPHDR_FIN) !== 0) return false;
    bytes += skb.len;
  }
  return bytes >= size;
}

/**
 * Sends a probe if one is due. @returns 1 when one was sent, 0 to wait with everything until one can be, -1 to go on.
 * @kernel tcp_mtu_probe()
 */
export function tcpMtuProbe(tp: TcpSock, mtup: TcpMtup): number {
  if (
    !mtup.enabled ||
    mtup.probeSize !== 0 ||
    tp.caState !== TCP_CA_OPEN ||
    tp.sndCwnd < PROBE_LEAST_CWND ||
    tp.numSacks > 0 ||
    tp.rxOpt.dsack
  )
    return -1;
  const size = tcpMtuToMss(tp, (mtup.searchHigh + mtup.searchLow) >> 1);
  const interval = mtup.searchHigh - mtup.searchLow;
  if (
    size > tcpMtuToMss(tp, mtup.searchHigh) ||
    interval < tp.tn.sysctl(TcpSysctl.tcp_probe_threshold)
  ) {
    checkReprobe(tp, mtup);
    return -1;
  }
  const needed = size + (tp.reordering + 1) * tp.mssCache;
  if (tp.sndWnd < needed || !enoughQueued(tp, size, needed)) return -1;
  if (seqAfter((tp.sndNxt + needed) >>> 0, tcpWndEnd(tp))) return 0;
  const inFlight = tcpPacketsInFlight(tp);
  if (inFlight + 2 > tp.sndCwnd) return inFlight === 0 ? -1 : 0;
  const probe = probeSegment(tp, size);
  if (probe === null || tcpTransmitSkb(tp, probe, true) !== 0) return -1;
  tp.sndCwnd--; // its loss is not to be counted as congestion
  tcpEventNewDataSent(tp, probe);
  mtup.probeSize = mssToMtu(tp, size);
  mtup.probeStart = probe.cbSeq;
  mtup.probeEnd = probe.cbEndSeq;
  return 1;
}

/** The probe is acknowledged: this size works. @kernel tcp_mtup_probe_success() */
export function tcpMtupAcked(tp: TcpSock, mtup: TcpMtup): void {
  if (mtup.probeSize === 0 || seqAfter(mtup.probeEnd, tp.sndUna)) return;
  tp.priorSsthresh = tcpCurrentSsthresh(tp);
  // The window stays the same in bytes.
  const cwnd = Math.floor((tp.sndCwnd * mssToMtu(tp, tp.mssCache)) / mtup.probeSize);
  tp.sndCwnd = Math.max(1, cwnd);
  tp.sndCwndCnt = 0;
  tp.sndCwndStamp = tp.now;
  tp.sndSsthresh = tcpCurrentSsthresh(tp);
  mtup.searchLow = mtup.probeSize;
  mtup.probeSize = 0;
  tcpSyncMss(tp, tp.pmtuCookie);
  mibAdd(tp.net.mib, Mib.TcpExtTCPMTUPSuccess, 1);
}

/** Only the probe was lost: not congestion. True where that was it. @kernel tcp_mtup_probe_failed() */
export function tcpMtupLost(tp: TcpSock, mtup: TcpMtup): boolean {
  if (tp.caState >= TCP_CA_CWR || mtup.probeSize === 0 || tp.sndUna !== mtup.probeStart)
    return false;
  mtup.searchHigh = mtup.probeSize - 1;
  mtup.probeSize = 0;
  mibAdd(tp.net.mib, Mib.TcpExtTCPMTUPFail, 1);
  tp.sndCwnd++;
  tcpSimpleRetransmit(tp);
  return true;
}
