/**
 * TIME-WAIT and orphaned FIN-WAIT-2 as small entries of their own: all that is left of a connection for a minute.
 * tcp-data, tcp-timer → tcpTimeWait; tcp-ipv4 → tcpTimewaitStateProcess.
 * Sources: net/ipv4/tcp_minisocks.c, inet_timewait_sock.c; RFC 9293 §3.6.1, RFC 1337, RFC 6191.
 */
import { seqAfter, seqBefore } from '@netloom/base';
import { Timer } from '@netloom/engine';
import { Mib, mibAdd, type Net, type SkBuff } from '@netloom/kernel-core';
import { TCPHDR_ACK, TCPHDR_FIN, TCPHDR_RST, TCPHDR_SYN, tcphDoff } from '@netloom/wire';
import { NSEC_PER_SEC, TCP_PAWS_WINDOW, TCP_TIME_WAIT, TCP_TIMEWAIT_LEN } from './tcp-const.js';
import type { TcpAfOps, V6Ends } from './tcp-af.js';
import type { BindBucket, TcpEntry } from './tcp-hash.js';
import { tcpUpdateMetrics } from './tcp-metrics.js';
import { TcpSysctl, type TcpNet } from './tcp-net.js';
import { tcpParseOptions, tcpPawsCheck } from './tcp-options.js';
import type { TcpOptionsReceived } from './tcp-rx-opt.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpDone } from './tcp-state.js';
import { tcpReceiveWindow } from './tcp-window.js';

/** Entries that live no longer are counted apart (4 s). */
const SHORT_LIFE = 4 * NSEC_PER_SEC;

/** One connection's remains. `substate` tells FIN-WAIT-2 from TIME-WAIT. @kernel struct tcp_timewait_sock */
export class TcpTimewaitSock implements TcpEntry {
  readonly state = TCP_TIME_WAIT;
  substate: number;
  ehashNext: TcpEntry | null = null;
  readonly net: Net;
  readonly tn: TcpNet;
  readonly af: TcpAfOps;
  /** The socket was of AF_INET6; what its bound address takes. */
  readonly inet6: boolean;
  readonly bindClass: number;
  readonly v6Ends: V6Ends | null;
  readonly rcvSaddr: number;
  readonly daddr: number;
  readonly sport: number;
  readonly dport: number;
  readonly boundDev: number;
  readonly reuseAddr: boolean;
  readonly reusePort: boolean;
  readonly uid: number;
  readonly tos: number;
  readonly mark: number;
  rcvNxt: number;
  readonly sndNxt: number;
  readonly rcvWnd: number;
  readonly rcvWscale: number;
  tsRecent: number;
  tsRecentStamp: number;
  readonly tsOffset: number;
  lastOowAckTime = 0;
  /** When the connection ended here (ns). */
  readonly entryStamp: number;
  readonly timer: Timer;
  bindBucket: BindBucket | null;

  constructor(tp: TcpSock, substate: number) {
    this.substate = substate;
    this.net = tp.net;
    this.tn = tp.tn;
    this.af = tp.af;
    this.inet6 = tp.v6 !== null;
    this.bindClass = tp.bindClass;
    this.v6Ends = tp.v6Ends;
    this.rcvSaddr = tp.rcvSaddr;
    this.daddr = tp.daddr;
    this.sport = tp.sport;
    this.dport = tp.dport;
    this.boundDev = tp.boundDev;
    this.reuseAddr = tp.reuseAddr;
    this.reusePort = tp.reusePort;
    this.uid = tp.uid;
    this.tos = this.v6Ends === null ? tp.tos : (tp.v6?.tclass ?? 0);
    this.mark = tp.mark;
    this.rcvNxt = tp.rcvNxt;
    this.sndNxt = tp.sndNxt;
    this.rcvWnd = tcpReceiveWindow(tp);
    this.rcvWscale = tp.rxOpt.rcvWscale;
    this.tsRecent = tp.rxOpt.tsRecent;
    this.tsRecentStamp = tp.rxOpt.tsRecentStamp;
    this.tsOffset = tp.tsOffset;
    this.bindBucket = tp.bindBucket;
    this.entryStamp = tp.now;
    this.timer = new Timer(tp.engine, () => {
      this.kill();
    });
  }

  /** Forgets it: out of the tables, port released. @kernel inet_twsk_kill() */
  kill(): void {
    this.timer.cancel();
    if (!this.tn.hash.remove(this)) return;
    if (this.bindBucket !== null) this.tn.hash.unbind(this.bindBucket, this);
    this.bindBucket = null;
    this.tn.timewaits--;
  }

  schedule(delayNs: number): void {
    this.timer.set(this.net.kernel.engine.now + delayNs);
  }
}

/**
 * Replaces a socket by an entry in TIME-WAIT (or FIN-WAIT-2, for `timeoutNs`), and ends the socket. @kernel tcp_time_wait()
 */
export function tcpTimeWait(tp: TcpSock, substate: number, timeoutNs: number): void {
  const tn = tp.tn;
  if (tn.timewaits < tn.sysctl(TcpSysctl.tcp_max_tw_buckets)) {
    const tw = new TcpTimewaitSock(tp, substate);
    const rto = tp.rtoUs * 3500; // 3.5 timeouts in ns: time for the peer's retransmissions
    const delay = substate === TCP_TIME_WAIT ? TCP_TIMEWAIT_LEN : Math.max(timeoutNs, rto);
    mibAdd(tp.net.mib, delay <= SHORT_LIFE ? Mib.TcpExtTWKilled : Mib.TcpExtTW, 1);
    tw.schedule(delay);
    tn.timewaits++;
    if (tw.bindBucket !== null) tw.bindBucket.owners.add(tw);
    tn.hash.remove(tp);
    tn.hash.insert(tw);
  } else {
    mibAdd(tp.net.mib, Mib.TcpExtTCPTimeWaitOverflow, 1);
  }
  tcpUpdateMetrics(tp);
  tcpDone(tp);
}

export const TCP_TW_SUCCESS = 0;
export const TCP_TW_RST = 1;
export const TCP_TW_ACK = 2;
export const TCP_TW_SYN = 3;

/** An initial sequence number that a new connection over an old TIME-WAIT must use; 0 for none. */
export interface TimewaitVerdict {
  action: number;
  isn: number;
}

/**
 * Judges a segment for a TIME-WAIT entry. The packet stays the caller's.
 * @kernel net/ipv4/tcp_minisocks.c tcp_timewait_state_process()
 */
export function tcpTimewaitStateProcess(
  tw: TcpTimewaitSock,
  skb: SkBuff,
  verdict: TimewaitVerdict,
): void {
  const m = skb.mem;
  const flags = skb.cbFlags;
  const rx = tw.tn.scratchOptions;
  rx.sawTstamp = false;
  let pawsReject = false;
  const doff = tcphDoff(m, skb.transportHeader);
  if (doff > 20 && tw.tsRecentStamp !== 0) {
    tcpParseOptions(m, skb.transportHeader, doff, rx, true, false);
    if (rx.sawTstamp) {
      rx.tsRecent = tw.tsRecent;
      rx.tsRecentStamp = tw.tsRecentStamp;
      pawsReject = (flags & TCPHDR_RST) === 0 && !tcpPawsCheck(rx, TCP_PAWS_WINDOW, nowSeconds(tw));
    }
  }
  verdict.isn = 0;
  verdict.action =
    tw.substate === TCP_TIME_WAIT
      ? inTimeWait(tw, skb, rx, pawsReject, verdict)
      : inFinWait2(tw, skb, rx, pawsReject);
}

function nowSeconds(tw: TcpTimewaitSock): number {
  return Math.floor(tw.net.kernel.engine.now / NSEC_PER_SEC);
}

function inWindow(tw: TcpTimewaitSock, skb: SkBuff): boolean {
  const end = (tw.rcvNxt + tw.rcvWnd) >>> 0;
  if (skb.cbSeq === tw.rcvNxt) return true;
  if (seqAfter(skb.cbEndSeq, tw.rcvNxt) && seqBefore(skb.cbSeq, end)) return true;
  return skb.cbSeq === end && skb.cbSeq === skb.cbEndSeq;
}

function refreshTimestamp(tw: TcpTimewaitSock, rx: TcpOptionsReceived): void {
  if (!rx.sawTstamp) return;
  tw.tsRecent = rx.rcvTsval;
  tw.tsRecentStamp = Math.max(1, nowSeconds(tw));
}

/** Our FIN is acknowledged, the peer's has not come, and nobody reads any more. */
function inFinWait2(
  tw: TcpTimewaitSock,
  skb: SkBuff,
  rx: TcpOptionsReceived,
  pawsReject: boolean,
): number {
  const flags = skb.cbFlags;
  if (pawsReject || !inWindow(tw, skb)) return oowAck(tw, skb);
  if ((flags & TCPHDR_RST) !== 0) {
    tw.kill();
    return TCP_TW_SUCCESS;
  }
  if ((flags & TCPHDR_SYN) !== 0 && !seqBefore(skb.cbSeq, tw.rcvNxt)) return TCP_TW_RST;
  if (
    (flags & TCPHDR_ACK) === 0 ||
    !seqAfter(skb.cbEndSeq, tw.rcvNxt) ||
    skb.cbEndSeq === skb.cbSeq
  )
    return TCP_TW_SUCCESS;
  // Data that nobody will read, or a FIN at the wrong place: reset.
  if ((flags & TCPHDR_FIN) === 0 || skb.cbEndSeq !== (tw.rcvNxt + 1) >>> 0) return TCP_TW_RST;
  tw.substate = TCP_TIME_WAIT;
  tw.rcvNxt = skb.cbEndSeq;
  refreshTimestamp(tw, rx);
  tw.schedule(TCP_TIMEWAIT_LEN);
  return TCP_TW_ACK;
}

function inTimeWait(
  tw: TcpTimewaitSock,
  skb: SkBuff,
  rx: TcpOptionsReceived,
  pawsReject: boolean,
  verdict: TimewaitVerdict,
): number {
  const flags = skb.cbFlags;
  if (
    !pawsReject &&
    skb.cbSeq === tw.rcvNxt &&
    (skb.cbSeq === skb.cbEndSeq || (flags & TCPHDR_RST) !== 0)
  ) {
    if ((flags & TCPHDR_RST) !== 0) {
      // TIME-WAIT assassination (RFC 1337): allowed unless the sysctl says otherwise.
      if (tw.tn.sysctl(TcpSysctl.tcp_rfc1337) === 0) tw.kill();
      return TCP_TW_SUCCESS;
    }
    tw.schedule(TCP_TIMEWAIT_LEN);
    refreshTimestamp(tw, rx);
    return TCP_TW_SUCCESS;
  }
  // A SYN beyond the old connection opens a new one at once.
  if (
    (flags & TCPHDR_SYN) !== 0 &&
    (flags & (TCPHDR_RST | TCPHDR_ACK)) === 0 &&
    !pawsReject &&
    (seqAfter(skb.cbSeq, tw.rcvNxt) || (rx.sawTstamp && ((tw.tsRecent - rx.rcvTsval) | 0) < 0))
  ) {
    const isn = (tw.sndNxt + 65535 + 2) >>> 0;
    verdict.isn = isn === 0 ? 1 : isn;
    return TCP_TW_SYN;
  }
  if (pawsReject) mibAdd(tw.net.mib, Mib.TcpExtPAWSTimewait, 1);
  if ((flags & TCPHDR_RST) !== 0) return TCP_TW_SUCCESS;
  // A FIN again (our ACK was lost) starts the time anew.
  if (pawsReject || (flags & TCPHDR_ACK) !== 0) tw.schedule(TCP_TIMEWAIT_LEN);
  return oowAck(tw, skb);
}

/** Answers out-of-window segments, but not too often. */
function oowAck(tw: TcpTimewaitSock, skb: SkBuff): number {
  const now = tw.net.kernel.engine.now;
  if (skb.cbSeq === skb.cbEndSeq || (skb.cbFlags & TCPHDR_SYN) !== 0) {
    const limit = tw.tn.sysctl(TcpSysctl.tcp_invalid_ratelimit) * 1e6;
    if (tw.lastOowAckTime !== 0 && now - tw.lastOowAckTime < limit) {
      mibAdd(
        tw.net.mib,
        tw.substate === TCP_TIME_WAIT
          ? Mib.TcpExtTCPACKSkippedTimeWait
          : Mib.TcpExtTCPACKSkippedFinWait2,
        1,
      );
      return TCP_TW_SUCCESS;
    }
    tw.lastOowAckTime = Math.max(1, now);
  }
  return TCP_TW_ACK;
}
