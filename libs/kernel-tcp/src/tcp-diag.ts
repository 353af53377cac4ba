/**
 * TCP for sock_diag: sockets, requests and TIME-WAIT entries with the numbers of tcp_info.
 * Sources: net/ipv4/tcp_diag.c, inet_diag.c, tcp.c tcp_get_info(). Times in tcp_info are µs, `last_…` ms, as there.
 */
import { sockaddrIn, sockaddrIn6, sockaddrMapped } from '@netloom/kernel-inet';
import { tcpAccecnInfo } from './tcp-accecn.js';
import type { DiagSource, Net } from '@netloom/kernel-core';
import type { SockDiagEntry } from '@netloom/sys';
import {
  ICSK_TIME_LOSS_PROBE,
  ICSK_TIME_PROBE0,
  ICSK_TIME_REO_TIMEOUT,
  ICSK_TIME_RETRANS,
  NSEC_PER_MSEC,
  TCP_CLOSE,
  TCP_INFINITE_SSTHRESH,
  TCP_LISTEN,
  TCP_NEW_SYN_RECV,
  TCP_SYN_RECV,
  TCP_TIME_WAIT,
} from './tcp-const.js';
import { TCP_ECN_OK, TCP_ECN_SEEN } from './tcp-ecn.js';
import { tcpChronoInfo } from './tcp-chrono.js';
import type { TcpEntry } from './tcp-hash.js';
import type { TcpRequestSock } from './tcp-minisocks.js';
import { tcpNet } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';
import type { TcpTimewaitSock } from './tcp-timewait.js';

type Diag = Omit<SockDiagEntry, 'users' | 'ino'>;
type DiagTimer = NonNullable<SockDiagEntry['timer']>;

const TCPI_OPT_TIMESTAMPS = 1;
const TCPI_OPT_SACK = 2;
const TCPI_OPT_WSCALE = 4;
const TCPI_OPT_ECN = 8;
const TCPI_OPT_ECN_SEEN = 16;
const TCPI_OPT_SYN_DATA = 32;

function timerOf(tp: TcpSock): DiagTimer | undefined {
  const now = tp.now;
  const left = (expires: number | undefined): number => Math.max(0, (expires ?? now) - now);
  switch (tp.pendingEvent) {
    case ICSK_TIME_RETRANS:
    case ICSK_TIME_REO_TIMEOUT:
    case ICSK_TIME_LOSS_PROBE:
      return { name: 'on', expiresNs: left(tp.rtxTimer?.expires), retrans: tp.retransmits };
    case ICSK_TIME_PROBE0:
      return { name: 'persist', expiresNs: left(tp.rtxTimer?.expires), retrans: tp.probesOut };
    default:
      if (tp.skTimer?.pending !== true) return undefined;
      return { name: 'keepalive', expiresNs: left(tp.skTimer.expires), retrans: tp.probesOut };
  }
}

function milliseconds(ns: number): number {
  return Math.floor(ns / NSEC_PER_MSEC);
}

/** tcp_info by the kernel's names. @kernel tcp_get_info() */
export function tcpGetInfo(tp: TcpSock): Record<string, number> {
  const now = tp.now;
  const rx = tp.rxOpt;
  if (tp.state === TCP_LISTEN) {
    return {
      state: tp.state,
      unacked: tp.acceptQueueLength,
      sacked: tp.maxAckBacklog,
      reordering: tp.reordering,
    };
  }
  const options =
    (rx.tstampOk ? TCPI_OPT_TIMESTAMPS : 0) |
    (rx.sackOk ? TCPI_OPT_SACK : 0) |
    (rx.wscaleOk ? TCPI_OPT_WSCALE : 0) |
    ((tp.ecnFlags & TCP_ECN_OK) !== 0 || tp.accecn !== null ? TCPI_OPT_ECN : 0) |
    ((tp.ecnFlags & TCP_ECN_SEEN) !== 0 ? TCPI_OPT_ECN_SEEN : 0) |
    (tp.tfo?.synDataAcked === true ? TCPI_OPT_SYN_DATA : 0);
  const rate =
    tp.rateIntervalUs > 0
      ? Math.floor((tp.rateDelivered * tp.mssCache * 1e6) / tp.rateIntervalUs)
      : 0;
  return {
    state: tp.state,
    ca_state: tp.caState,
    retransmits: tp.retransmits,
    probes: tp.probesOut,
    backoff: tp.backoff,
    options,
    snd_wscale: rx.wscaleOk ? rx.sndWscale : 0,
    rcv_wscale: rx.wscaleOk ? rx.rcvWscale : 0,
    delivery_rate_app_limited: Number(tp.rateAppLimited),
    rto: tp.rtoUs,
    ato: Math.floor(tp.ackAto / 1000),
    snd_mss: tp.mssCache,
    rcv_mss: tp.ackRcvMss,
    unacked: tp.packetsOut,
    sacked: tp.sackedOut,
    lost: tp.lostOut,
    retrans: tp.retransOut,
    last_data_sent: milliseconds(now - tp.lsndtime),
    last_data_recv: milliseconds(now - tp.ackLrcvtime),
    last_ack_recv: milliseconds(now - tp.rcvTstamp),
    pmtu: tp.pmtuCookie,
    rcv_ssthresh: tp.rcvSsthresh,
    rtt: tp.srttUs >> 3,
    rttvar: tp.mdevUs >> 2,
    snd_ssthresh: tp.sndSsthresh >= TCP_INFINITE_SSTHRESH ? TCP_INFINITE_SSTHRESH : tp.sndSsthresh,
    snd_cwnd: tp.sndCwnd,
    advmss: tp.advmss,
    reordering: tp.reordering,
    reord_seen: tp.reordSeen,
    rcv_rtt: tp.rcvRttUs >> 3,
    rcv_space: tp.rcvqSpace,
    total_retrans: tp.totalRetrans,
    pacing_rate: tp.pacingRate,
    max_pacing_rate: Infinity,
    bytes_acked: tp.bytesAcked,
    bytes_received: tp.bytesReceived,
    bytes_sent: tp.bytesSent,
    bytes_retrans: tp.bytesRetrans,
    notsent_bytes: Math.max(0, (tp.writeSeq - tp.sndNxt) | 0),
    segs_out: tp.segsOut,
    segs_in: tp.segsIn,
    data_segs_out: tp.dataSegsOut,
    data_segs_in: tp.dataSegsIn,
    min_rtt: tp.minRttUs < 0 ? 0xffffffff : tp.minRttUs,
    delivery_rate: rate,
    delivered: tp.delivered,
    fastopen_client_fail: tp.tfo?.clientFail ?? 0,
    delivered_ce: tp.deliveredCe,
    dsack_dups: tp.dsackDups,
    rcv_ooopack: tp.rcvOoopack,
    snd_wnd: tp.sndWnd,
    rcv_wnd: tp.rcvWnd,
    total_rto: tp.totalRto,
    total_rto_recoveries: tp.totalRtoRecoveries,
    total_rto_time: tp.totalRtoTimeMs + (tp.rtoStamp === 0 ? 0 : milliseconds(now - tp.rtoStamp)),
    ...tcpChronoInfo(tp),
    ...(tp.accecn === null ? {} : tcpAccecnInfo(tp.accecn)),
  };
}

/** A socket. @kernel inet_sk_diag_fill(), tcp_diag_get_info() */
export function tcpSockDiag(tp: TcpSock): Diag {
  const listening = tp.state === TCP_LISTEN;
  const timer = timerOf(tp);
  const connected = tp.state !== TCP_CLOSE && !listening;
  return {
    family: tp.v6 === null ? 'inet' : 'inet6',
    type: 'tcp',
    state: tp.state,
    ...tp.diagNames(),
    recvQ: listening ? tp.acceptQueueLength : Math.max(0, (tp.rcvNxt - tp.copiedSeq) | 0),
    sendQ: listening ? tp.maxAckBacklog : Math.max(0, (tp.writeSeq - tp.sndUna) | 0),
    uid: tp.uid,
    ifindex: tp.boundDev,
    ...(timer !== undefined ? { timer } : {}),
    mem: {
      rmem: tp.rmemAlloc,
      rcvbuf: tp.rcvbuf,
      wmem: tp.wmemAlloc,
      sndbuf: tp.sndbuf,
      fwd: 0,
      wmemQueued: tp.wmemQueued,
      opt: 0,
      backlog: 0,
      drops: tp.drops,
    },
    ...(tp.v6 !== null ? { v6only: tp.v6.v6only } : {}),
    tcpInfo: tcpGetInfo(tp),
    congestion: tp.caOps.name,
    ...(connected && tp.caOps.info !== undefined ? { ccInfo: tp.caOps.info(tp) } : {}),
  };
}

/** Family and names of an entry that is no socket; `inet6`: its socket is one of AF_INET6. */
function endNames(entry: TcpEntry, inet6: boolean): Pick<Diag, 'family' | 'local' | 'peer'> {
  const { v6Ends: v6, rcvSaddr, sport, daddr, dport } = entry;
  if (!inet6)
    return { family: 'inet', local: sockaddrIn(rcvSaddr, sport), peer: sockaddrIn(daddr, dport) };
  return {
    family: 'inet6',
    local: v6 === null ? sockaddrMapped(rcvSaddr, sport) : sockaddrIn6(v6.saddr, sport, v6.ifindex),
    peer: v6 === null ? sockaddrMapped(daddr, dport) : sockaddrIn6(v6.daddr, dport, v6.ifindex),
  };
}

/** A TIME-WAIT entry. @kernel inet_twsk_diag_fill() */
function timewaitDiag(tw: TcpTimewaitSock): Diag {
  return {
    type: 'tcp',
    state: tw.substate,
    ...endNames(tw, tw.inet6),
    recvQ: 0,
    sendQ: 0,
    uid: 0,
    ifindex: tw.boundDev,
    timer: {
      name: 'timewait',
      expiresNs: Math.max(0, tw.timer.expires - tw.net.kernel.engine.now),
      retrans: 0,
    },
  };
}

/** A request, shown as SYN-RECV. @kernel inet_req_diag_fill() */
function requestDiag(req: TcpRequestSock): Diag {
  return {
    type: 'tcp',
    state: TCP_SYN_RECV,
    ...endNames(req, req.listener.v6 !== null),
    recvQ: 0,
    sendQ: 0,
    uid: req.uid,
    ifindex: req.boundDev,
    timer: {
      name: 'on',
      expiresNs: Math.max(0, (req.timer?.expires ?? 0) - req.listener.now),
      retrans: req.numRetrans,
    },
  };
}

function sourceOf(entry: TcpEntry): DiagSource {
  if (entry.state === TCP_TIME_WAIT)
    return { ino: 0, diag: () => timewaitDiag(entry as TcpTimewaitSock) };
  if (entry.state === TCP_NEW_SYN_RECV)
    return { ino: 0, diag: () => requestDiag(entry as TcpRequestSock) };
  return entry as TcpSock;
}

/** All of a namespace: listeners, connections and remnants. */
export function* tcpDiagSources(net: Net): Generator<DiagSource> {
  const { hash } = tcpNet(net);
  for (const listener of hash.allListeners()) yield listener;
  for (const entry of hash.entries()) yield sourceOf(entry);
}
