/**
 * A TCP socket's state: everything that input, output and timers share. Behaviour lives in the files named after what
 * triggers it; the operations of the socket layer are in tcp.ts, which extends this class.
 *
 *   sequence space of the sender:   sndUna ≤ (retransmit queue) < sndNxt ≤ (write queue) < writeSeq
 *   of the receiver:                copiedSeq ≤ (receive queue) < rcvNxt ≤ (out-of-order queue) < rcvWup + rcvWnd
 *
 * Sources: include/linux/tcp.h struct tcp_sock, include/net/inet_connection_sock.h. Units: times in nanoseconds unless the
 * name ends in Us, windows in bytes (sndCwnd and sndSsthresh in segments), sequence numbers unsigned 32-bit.
 */
import { WIDE_ZERO } from '@netloom/base';
import type { TcpAccecn } from './tcp-accecn.js';
import type { Engine, Timer } from '@netloom/engine';
import { SkbQueue, type Net, type SkBuff } from '@netloom/kernel-core';
import { BIND_V4, InetSock, Ipv6Pinfo } from '@netloom/kernel-inet';
import { ipv6Of, Ipv6Sysctl } from '@netloom/kernel-inet6';
import { AF_INET, AF_INET6, IPPROTO_TCP, SOCK_STREAM } from '@netloom/sys';
import { SkbRing } from './skb-ring.js';
import type { TcpAfOps, V6Ends } from './tcp-af.js';
import { tcpAf4 } from './tcp-af-ipv4.js';
import { tcpAf6 } from './tcp-af-ipv6.js';
import type { BindBucket, TcpEntry } from './tcp-hash.js';
import type { RateSample, TcpCongestionOps } from './tcp-cong-ops.js';
import {
  TCP_CA_OPEN,
  TCP_CLOSE,
  TCP_INFINITE_SSTHRESH,
  TCP_INIT_CWND,
  TCP_MSS_DEFAULT,
  TCP_TIMEOUT_INIT_US,
  TCP_DELACK_MAX,
} from './tcp-const.js';
import type { TcpFastopen } from './tcp-fastopen.js';
import type { TcpRequestSock } from './tcp-minisocks.js';
import { TcpSysctl, tcpNet, type TcpNet } from './tcp-net.js';
import type { TcpMtup } from './tcp-mtu-probe.js';
import type { TcpTxMarks } from './tcp-tx-marks.js';
import type { TcpUrgent } from './tcp-urg.js';
import { TcpOptionsReceived } from './tcp-rx-opt.js';

/** What sockets have that never needed their own; never written. */
const NO_BLOCKS = new Float64Array(0);
const NO_SOCKS: TcpSock[] = [];

export abstract class TcpSock extends InetSock {
  state = TCP_CLOSE;
  readonly engine: Engine;
  readonly tn: TcpNet;
  /** The protocol below. */
  af: TcpAfOps = tcpAf4;
  ehashNext: TcpEntry | null = null;
  bindBucket: BindBucket | null = null;
  userlocks = 0;
  /** No process holds it any more: it lives until its connection has ended. */
  dead = false;
  destroyed = false;
  /** The peer sent FIN, or the connection was reset: readers need not wait. */
  done = false;
  keepopen = false;
  /** SO_LINGER with its time in seconds. */
  linger = false;
  lingerTime = 0;
  rcvlowat = 1;
  /** A writer found no room: tell it when there is. */
  nospace = false;
  errSoft = 0;
  /** What connect() is up to: 0 nothing, 1 in progress, 2 connected. */
  socketState = 0;

  // Queues. Sent and not acknowledged: `rtxQueue` by sequence, `tsorted` by time of the last transmission.
  readonly writeQueue = new SkbQueue();
  readonly rtxQueue = new SkbRing();
  readonly tsorted = new SkbQueue();
  readonly ofoQueue = new SkbRing();
  /** truesize of both transmit queues. */
  wmemQueued = 0;
  /** Segments wait for clones to leave the host's queues. */
  tsqThrottled = false;
  tsqQueued = false;

  // Sender
  sndUna = WIDE_ZERO;
  sndNxt = WIDE_ZERO;
  sndSml = WIDE_ZERO;
  writeSeq = WIDE_ZERO;
  pushedSeq = WIDE_ZERO;
  sndWl1 = WIDE_ZERO;
  sndWnd = 0;
  maxWindow = 0;
  mssCache = TCP_MSS_DEFAULT;
  advmss = TCP_MSS_DEFAULT;
  pmtuCookie = 0;
  tcpHeaderLen = 20;
  nonagle = 0;
  packetsOut = 0;
  retransOut = 0;
  sackedOut = 0;
  lostOut = 0;
  highestSackEnd = WIDE_ZERO;
  retransmitHint: SkBuff | null = null;
  /** SACK blocks of the last ACK, already gone through: start, end, start, end …; null before the first. */
  sackCache: Float64Array | null = null;
  sackCacheLen = 0;

  // Congestion
  caOps: TcpCongestionOps;
  ca: object | null = null;
  caState = TCP_CA_OPEN;
  caInitialized = false;
  sndCwnd = TCP_INIT_CWND;
  sndCwndCnt = 0;
  sndCwndClamp = 0xffffffff;
  sndCwndUsed = 0;
  sndCwndStamp = WIDE_ZERO;
  sndSsthresh = TCP_INFINITE_SSTHRESH;
  maxPacketsOut = 0;
  maxPacketsSeq = WIDE_ZERO;
  cwndUsageSeq = WIDE_ZERO;
  isCwndLimited = false;
  priorCwnd = 0;
  priorSsthresh = 0;
  prrDelivered = 0;
  prrOut = 0;
  highSeq = WIDE_ZERO;
  undoMarker = WIDE_ZERO;
  undoRetrans = 0;
  retransStamp = WIDE_ZERO;
  frto = false;
  reordering: number;
  reordSeen = 0;
  tlpHighSeq = WIDE_ZERO;
  tlpRetrans = false;
  pacingRate = WIDE_ZERO;
  /** Packets leave at `pacingRate`, each when `wstamp` has come; the timer is made with the first that waits. */
  paced = false;
  pacingTimer: Timer | null = null;
  /** When the last packet's time at the rate was over: what is later is saved up. */
  pacingFrom = WIDE_ZERO;

  // RACK (RFC 8985)
  rackMstamp = WIDE_ZERO;
  rackEndSeq = WIDE_ZERO;
  rackRttUs = 0;
  rackLastDelivered = 0;
  rackReoWndSteps = 1;
  rackReoWndPersist = 0;
  rackDsackSeen = false;
  rackAdvanced = false;

  // Round trip (RFC 6298); the first two are scaled by 8 and 4
  srttUs = 0;
  mdevUs = TCP_TIMEOUT_INIT_US;
  mdevMaxUs = 0;
  rttvarUs = 0;
  rttSeq = WIDE_ZERO;
  rtoUs = TCP_TIMEOUT_INIT_US;
  /** Bounds of the timeout: sysctl, TCP_RTO_MAX_MS, route. */
  rtoMinUs: number;
  rtoMaxUs: number;
  minRttUs = -1;
  minRttStamp = WIDE_ZERO;

  /** What is to be told of bytes sent, and urgent data: where the socket uses them. */
  txMarks: TcpTxMarks | null = null;
  urg: TcpUrgent | null = null;
  /** SO_OOBINLINE, TCP_INQ. */
  urginline = false;
  recvmsgInq = false;
  /** TCP_NOTSENT_LOWAT: writers wait while more is unsent; 0 for the sysctl's. */
  notsentLowat = 0;
  /** The search for the path's MTU, where the sysctl asks for it. */
  mtup: TcpMtup | null = null;
  /** Fast Open, where the socket uses it. */
  tfo: TcpFastopen | null = null;
  /** TCP_ECN_…: what was agreed, and marks that are not answered yet. */
  ecnFlags = 0;
  /** Accurate ECN, where it is spoken or asked for. */
  accecn: TcpAccecn | null = null;

  // Delivery
  delivered = 0;
  /** Segments whose ACK echoed a mark. */
  deliveredCe = 0;
  deliveredMstamp = WIDE_ZERO;
  /** Time of the last transmission. */
  wstamp = WIDE_ZERO;
  firstTxMstamp = WIDE_ZERO;
  lost = 0;
  appLimited = 0;
  rateDelivered = 0;
  rateIntervalUs = 0;
  rateAppLimited = false;
  /** Of the ACK in hand. */
  readonly rs: RateSample;
  /** Scratch of the ACK in progress. @kernel struct tcp_sacktag_state */
  ackFirstSackt = WIDE_ZERO;
  ackLastSackt = WIDE_ZERO;
  ackReord = 0;
  ackDeliveredBytes = 0;
  ackFlag = 0;

  // Receiver
  rcvNxt = WIDE_ZERO;
  copiedSeq = WIDE_ZERO;
  rcvWup = WIDE_ZERO;
  rcvWnd = 0;
  rcvSsthresh = 0;
  windowClamp = 0;
  /** Share of a packet's memory that is payload, in 256ths. */
  scalingRatio = 128;
  readonly rxOpt = new TcpOptionsReceived();
  /** Blocks to report; without room before the first. */
  sackStart = NO_BLOCKS;
  sackEnd = NO_BLOCKS;
  numSacks = 0;
  dsackStart = WIDE_ZERO;
  dsackEnd = WIDE_ZERO;
  /** Header prediction may be tried. */
  predictable = false;
  rcvTstamp = WIDE_ZERO;
  lsndtime = WIDE_ZERO;
  rcvRttUs = 0;
  rcvRttSeq = WIDE_ZERO;
  rcvRttTime = WIDE_ZERO;
  rcvRttLastTsecr = WIDE_ZERO;
  rcvqSpace = 0;
  rcvqSeq = WIDE_ZERO;
  rcvqTime = WIDE_ZERO;
  tsOffset = WIDE_ZERO;

  // Acknowledgements we owe
  ackPending = 0;
  ackQuick = 0;
  ackPingpong = 0;
  ackAto = WIDE_ZERO;
  ackTimeout = WIDE_ZERO;
  ackLrcvtime = WIDE_ZERO;
  ackLastSegSize = 0;
  ackRcvMss = TCP_MSS_DEFAULT;
  dupAckCounter = 0;
  compressedAck = 0;
  lastOowAckTime = WIDE_ZERO;
  delackMax = TCP_DELACK_MAX;
  /** `ip route … quickack 1`: every segment is acknowledged at once. */
  routeQuickack = false;

  // Timers
  rtxTimer: Timer | null = null;
  delackTimer: Timer | null = null;
  /** Keepalive, FIN-WAIT-2. */
  skTimer: Timer | null = null;
  compressedAckTimer: Timer | null = null;
  pendingEvent = 0;
  retransmits = 0;
  totalRto = 0;
  /** Runs of timeouts, when the one in progress began (ns), and how long all took together (ms). */
  totalRtoRecoveries = 0;
  rtoStamp = 0;
  totalRtoTimeMs = 0;
  backoff = 0;
  probesOut = 0;
  probesTstamp = WIDE_ZERO;
  synRetries = 0;
  keepaliveTimeNs = 0;
  keepaliveIntvlNs = 0;
  keepaliveProbes = 0;
  /** Seconds in FIN-WAIT-2: 0 the sysctl's, negative none. */
  linger2 = 0;
  userTimeoutMs = 0;
  /** Backs off linearly at first when few segments are in flight (TCP_THIN_LINEAR_TIMEOUTS). */
  thinLto = false;

  // Listener
  acceptQueue: TcpSock[] = NO_SOCKS;
  acceptHead = 0;
  maxAckBacklog = 0;
  /** Requests that wait for the third packet, and those of them whose SYN-ACK was not repeated. */
  synQueueLen = 0;
  synQueueYoung = 0;
  requests: Set<TcpRequestSock> | null = null;
  deferAccept = 0;
  synFloodWarned = false;
  /** Initial sequence number for the SYN in hand where it follows a TIME-WAIT entry. */
  timewaitIsn = WIDE_ZERO;
  /** Why the segment in hand was refused. */
  dropReason = 0;
  /** Came from a listener. */
  passive = false;
  /** When our SYN-ACK left, 0 where it was sent again. */
  synackTime = WIDE_ZERO;
  /** The listener that a connection came from while it waits to be accepted. */
  listener: TcpSock | null = null;

  /** What the sender waits for (tcp-chrono.ts), since when, and the sums in ns. */
  chronoType = 0;
  chronoStart = WIDE_ZERO;
  chronoBusyNs = WIDE_ZERO;
  chronoRwndNs = WIDE_ZERO;
  chronoSndbufNs = WIDE_ZERO;

  // Counters of tcp_info
  segsIn = 0;
  segsOut = 0;
  dataSegsIn = 0;
  dataSegsOut = 0;
  bytesSent = WIDE_ZERO;
  bytesAcked = WIDE_ZERO;
  bytesReceived = WIDE_ZERO;
  bytesRetrans = 0;
  totalRetrans = 0;
  dsackDups = 0;
  rcvOoopack = 0;

  constructor(net: Net, family: number = AF_INET) {
    super(net, SOCK_STREAM, IPPROTO_TCP, family);
    if (family === AF_INET6) {
      this.v6 = new Ipv6Pinfo(ipv6Of(net).sysctl(Ipv6Sysctl.bindv6only) !== 0);
      this.af = tcpAf6;
    }
    this.engine = net.kernel.engine;
    this.tn = tcpNet(net);
    this.rs = this.tn.rateSample;
    this.reordering = this.tn.sysctl(TcpSysctl.tcp_reordering);
    this.rtoMinUs = this.tn.sysctl(TcpSysctl.tcp_rto_min_us);
    this.rtoMaxUs = this.tn.sysctl(TcpSysctl.tcp_rto_max_ms) * 1000;
    this.caOps = this.tn.defaultCongestion;
    this.ca = this.caOps.newState?.() ?? null;
    this.sndbuf = this.tn.wmem[1];
    this.rcvbuf = this.tn.rmem[1];
  }

  /** The ends of a native IPv6 connection, null for IPv4. */
  v6Ends: V6Ends | null = null;

  /** BIND_V4, BIND_DUAL or BIND_V6. */
  get bindClass(): number {
    return this.v6 === null ? BIND_V4 : this.v6.bindClass;
  }

  get now(): number {
    return this.engine.now;
  }

  /** A sock for a connection that arrives on this listener, with the listener's options. */
  abstract newChild(): TcpSock;
  /** Room in the host's queues again: send what waits. @kernel tcp_tsq_write() */
  abstract onTsq(): void;
  /** Starts the keepalive timer. */
  abstract startKeepalive(): void;
  /** Makes the timers and points them at their handlers. */
  abstract initTimers(): void;

  get acceptQueueLength(): number {
    return this.acceptQueue.length - this.acceptHead;
  }
}
