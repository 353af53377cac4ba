/**
 * Socket options of TCP and those of SOL_SOCKET that TCP treats in its own way. Sources: net/ipv4/tcp.c, net/core/sock.c.
 */
import { Errno } from '@netloom/base';
import type { SockOpt, SockOptValue } from '@netloom/sys';
import {
  ICSK_ACK_SCHED,
  ICSK_ACK_PUSHED,
  NSEC_PER_SEC,
  SOCK_RCVBUF_LOCK,
  SOCK_SNDBUF_LOCK,
  TCP_CLOSE,
  TCP_LISTEN,
  TCP_NAGLE_CORK,
  TCP_NAGLE_OFF,
  TCP_NAGLE_PUSH,
  TCPF_CLOSE_WAIT,
  TCPF_ESTABLISHED,
} from './tcp-const.js';
import { tcpSetCongestionControl } from './tcp-cong.js';
import { tcpFastopenSetKeys, tcpFastopenSetsockopt } from './tcp-fastopen-client.js';
import { tcpFastopenQueueTune } from './tcp-fastopen.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpPushPendingFrames } from './tcp-output.js';
import { tcpEnterPingpong, tcpInPingpong } from './tcp-pingpong.js';
import type { TcpSock } from './tcp-sock.js';
import {
  tcpFinTime,
  tcpKeepaliveIntvlWhen,
  tcpKeepaliveProbes,
  tcpKeepaliveTimeWhen,
  tcpSetKeepalive,
} from './tcp-timer.js';
import { tcpTimestampMs } from './tcp-options.js';
import { tcpSetTimestamping } from './tcp-tx-marks.js';
import { tcpSendAck } from './tcp-transmit.js';
import { tcpResetKeepalive } from './tcp-xmit-timer.js';

const MAX_KEEPALIVE_SECONDS = 32767;
const MAX_KEEPCNT = 127;
const MAX_SYNCNT = 127;

/** Sets an option. 0, a negative errno, or 1 where the option is not TCP's. @kernel do_tcp_setsockopt() */
export function tcpSetsockopt(tp: TcpSock, option: SockOpt, value: SockOptValue): number {
  const n = typeof value === 'number' ? value : 0;
  switch (option) {
    case 'SO_RCVBUF':
    case 'SO_RCVBUFFORCE':
      tp.userlocks |= SOCK_RCVBUF_LOCK;
      return 1;
    case 'SO_SNDBUF':
    case 'SO_SNDBUFFORCE':
      tp.userlocks |= SOCK_SNDBUF_LOCK;
      return 1;
    case 'SO_KEEPALIVE':
      tcpSetKeepalive(tp, n !== 0);
      tp.keepopen = n !== 0;
      return 0;
    case 'SO_LINGER': {
      const [on = 0, seconds = 0] = Array.isArray(value) ? (value as readonly number[]) : [n, 0];
      tp.linger = on !== 0;
      tp.lingerTime = on !== 0 ? seconds : 0;
      return 0;
    }
    case 'SO_RCVLOWAT':
      setRcvlowat(tp, n < 0 ? 0x7fffffff : n);
      return 0;
    case 'IP_TOS':
      tp.tos = (n & 0xfc) | (tp.tos & 3); // the ECN bits are ours
      tp.dst = null;
      return 0;
    case 'TCP_NODELAY':
      setNodelay(tp, n !== 0);
      return 0;
    case 'TCP_CORK':
      setCork(tp, n !== 0);
      return 0;
    case 'TCP_MAXSEG':
      if (n !== 0 && (n < 88 || n > 32767)) return -Errno.EINVAL;
      tp.rxOpt.userMss = n;
      return 0;
    case 'TCP_CONGESTION':
      return tcpSetCongestionControl(tp, tp.tn.congestion.find(String(value)));
    case 'TCP_KEEPIDLE':
      return setKeepidle(tp, n);
    case 'TCP_KEEPINTVL':
      if (n < 1 || n > MAX_KEEPALIVE_SECONDS) return -Errno.EINVAL;
      tp.keepaliveIntvlNs = n * NSEC_PER_SEC;
      return 0;
    case 'TCP_KEEPCNT':
      if (n < 1 || n > MAX_KEEPCNT) return -Errno.EINVAL;
      tp.keepaliveProbes = n;
      return 0;
    case 'TCP_SYNCNT':
      if (n < 1 || n > MAX_SYNCNT) return -Errno.EINVAL;
      tp.synRetries = n;
      return 0;
    case 'TCP_LINGER2':
      tp.linger2 = n < 0 ? -1 : Math.min(n, 120);
      return 0;
    case 'TCP_DEFER_ACCEPT':
      tp.deferAccept = secsToRetrans(n);
      return 0;
    case 'TCP_USER_TIMEOUT':
      if (n < 0) return -Errno.EINVAL;
      tp.userTimeoutMs = n;
      return 0;
    case 'TCP_QUICKACK':
      setQuickack(tp, n);
      return 0;
    case 'TCP_FASTOPEN':
      if (n < 0 || (tp.state !== TCP_CLOSE && tp.state !== TCP_LISTEN)) return -Errno.EINVAL;
      tcpFastopenQueueTune(tp, n);
      return 0;
    case 'TCP_FASTOPEN_CONNECT':
    case 'TCP_FASTOPEN_NO_COOKIE':
      return tcpFastopenSetsockopt(tp, option, n, tp.state === TCP_LISTEN);
    case 'TCP_FASTOPEN_KEY':
      return value instanceof Uint8Array ? tcpFastopenSetKeys(tp, value) : -Errno.EINVAL;
    case 'SO_OOBINLINE':
      tp.urginline = n !== 0;
      return 0;
    case 'SO_TIMESTAMPING': {
      const refused = tcpSetTimestamping(tp, n);
      return refused !== 0 ? refused : 1;
    }
    case 'TCP_INQ':
      if (n < 0 || n > 1) return -Errno.EINVAL;
      tp.recvmsgInq = n === 1;
      return 0;
    case 'TCP_NOTSENT_LOWAT':
      tp.notsentLowat = n >>> 0;
      if (tp.writeSpace !== null) tp.writeSpace(tp);
      return 0;
    case 'TCP_RTO_MAX_MS':
      if (n < 1000 || n > 120_000) return -Errno.EINVAL;
      tp.rtoMaxUs = n * 1000;
      return 0;
    case 'TCP_WINDOW_CLAMP':
      return setWindowClamp(tp, n);
    case 'TCP_THIN_LINEAR_TIMEOUTS':
      if (n < 0 || n > 1) return -Errno.EINVAL;
      tp.thinLto = n === 1;
      return 0;
    default:
      return 1;
  }
}

function setNodelay(tp: TcpSock, on: boolean): void {
  if (!on) {
    tp.nonagle &= ~TCP_NAGLE_OFF;
    return;
  }
  tp.nonagle |= TCP_NAGLE_OFF | TCP_NAGLE_PUSH;
  if (isOpen(tp)) tcpPushPendingFrames(tp);
}

function setCork(tp: TcpSock, on: boolean): void {
  if (on) {
    tp.nonagle |= TCP_NAGLE_CORK;
    return;
  }
  tp.nonagle &= ~TCP_NAGLE_CORK;
  if ((tp.nonagle & TCP_NAGLE_OFF) !== 0) tp.nonagle |= TCP_NAGLE_PUSH;
  if (isOpen(tp)) tcpPushPendingFrames(tp);
}

function isOpen(tp: TcpSock): boolean {
  return tp.state !== TCP_CLOSE && tp.state !== TCP_LISTEN;
}

function setKeepidle(tp: TcpSock, seconds: number): number {
  if (seconds < 1 || seconds > MAX_KEEPALIVE_SECONDS) return -Errno.EINVAL;
  tp.keepaliveTimeNs = seconds * NSEC_PER_SEC;
  if (tp.keepopen && isOpen(tp)) {
    const idle = tp.now - Math.max(tp.ackLrcvtime, tp.rcvTstamp);
    tcpResetKeepalive(tp, Math.max(0, tp.keepaliveTimeNs - idle));
  }
  return 0;
}

/** TCP_QUICKACK: 0 lets ACKs wait for answers, else they go at once; even numbers only for the next. */
function setQuickack(tp: TcpSock, value: number): void {
  if (value === 0) {
    tcpEnterPingpong(tp);
    return;
  }
  tp.ackPingpong = 0;
  if (
    ((1 << tp.state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) !== 0 &&
    (tp.ackPending & ICSK_ACK_SCHED) !== 0
  ) {
    tp.ackPending |= ICSK_ACK_PUSHED;
    tcpSendAck(tp);
    if ((value & 1) === 0) tcpEnterPingpong(tp);
  }
}

/** How many SYN-ACKs fit in so many seconds. @kernel secs_to_retrans() */
function secsToRetrans(seconds: number): number {
  if (seconds <= 0) return 0;
  let retrans = 1;
  let period = 1;
  let timeout = 1;
  while (seconds > period && retrans < 255) {
    retrans++;
    timeout = Math.min(timeout * 2, 120);
    period += timeout;
  }
  return retrans;
}

function retransToSecs(retrans: number): number {
  let period = 0;
  let timeout = 1;
  for (let i = 0; i < retrans; i++) {
    period += timeout;
    timeout = Math.min(timeout * 2, 120);
  }
  return period;
}

/** Readers are woken for no less; the buffer must be able to hold that much. @kernel tcp_set_rcvlowat() */
function setRcvlowat(tp: TcpSock, wanted: number): void {
  const locked = (tp.userlocks & SOCK_RCVBUF_LOCK) !== 0;
  const value = Math.min(wanted, (locked ? tp.rcvbuf : tp.tn.rmem[2]) >> 1);
  tp.rcvlowat = Math.max(1, value);
  if (tp.dataReady !== null) tp.dataReady(tp);
  if (locked) return;
  const space = Math.floor((value * 256) / tp.scalingRatio);
  if (space <= tp.rcvbuf) return;
  tp.rcvbuf = space;
  tp.windowClamp = value;
}

/** Least receive buffer; half of it is the least window that may be asked for. */
const SOCK_MIN_RCVBUF = 2304;

/** Bounds the window that is offered. @kernel tcp_set_window_clamp() */
function setWindowClamp(tp: TcpSock, wanted: number): number {
  if (wanted === 0) {
    if (tp.state !== TCP_CLOSE) return -Errno.EINVAL;
    tp.windowClamp = 0;
    return 0;
  }
  const old = tp.windowClamp;
  const clamp = Math.max(wanted, SOCK_MIN_RCVBUF / 2);
  if (clamp === old) return 0;
  tp.windowClamp = clamp;
  tp.userlocks |= SOCK_RCVBUF_LOCK;
  if (clamp < old) tp.rcvSsthresh = Math.min(tp.rcvSsthresh, clamp);
  else tp.rcvSsthresh = Math.max(tp.rcvSsthresh, Math.min(tp.rcvWnd, clamp));
  return 0;
}

function joinKeys(keys: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(keys.flatMap((key) => [...key]));
}

/** Reads an option; undefined where it is not TCP's. @kernel do_tcp_getsockopt() */
export function tcpGetsockopt(tp: TcpSock, option: SockOpt): SockOptValue | undefined {
  switch (option) {
    case 'SO_KEEPALIVE':
      return Number(tp.keepopen);
    case 'SO_LINGER':
      return [Number(tp.linger), tp.lingerTime];
    case 'SO_RCVLOWAT':
      return tp.rcvlowat;
    case 'SO_ACCEPTCONN':
      return Number(tp.state === TCP_LISTEN);
    case 'SO_ERROR': {
      const error = tp.err !== 0 ? tp.err : tp.errSoft;
      if (tp.err !== 0) tp.err = 0;
      else tp.errSoft = 0;
      return error;
    }
    case 'TCP_NODELAY':
      return Number((tp.nonagle & TCP_NAGLE_OFF) !== 0);
    case 'TCP_CORK':
      return Number((tp.nonagle & TCP_NAGLE_CORK) !== 0);
    case 'TCP_MAXSEG':
      return ((1 << tp.state) & (1 << TCP_CLOSE)) !== 0 && tp.rxOpt.userMss !== 0
        ? tp.rxOpt.userMss
        : tp.mssCache;
    case 'TCP_CONGESTION':
      return tp.caOps.name;
    case 'TCP_KEEPIDLE':
      return tcpKeepaliveTimeWhen(tp) / NSEC_PER_SEC;
    case 'TCP_KEEPINTVL':
      return tcpKeepaliveIntvlWhen(tp) / NSEC_PER_SEC;
    case 'TCP_KEEPCNT':
      return tcpKeepaliveProbes(tp);
    case 'TCP_SYNCNT':
      return tp.synRetries !== 0 ? tp.synRetries : tp.tn.sysctl(TcpSysctl.tcp_syn_retries);
    case 'TCP_LINGER2':
      return tp.linger2 < 0 ? -1 : Math.floor(tcpFinTime(tp) / NSEC_PER_SEC);
    case 'TCP_DEFER_ACCEPT':
      return retransToSecs(tp.deferAccept);
    case 'TCP_USER_TIMEOUT':
      return tp.userTimeoutMs;
    case 'TCP_QUICKACK':
      return Number(!tcpInPingpong(tp));
    case 'TCP_FASTOPEN':
      return tp.tfo?.maxQlen ?? 0;
    case 'TCP_FASTOPEN_CONNECT':
      return Number(tp.tfo?.connect ?? false);
    case 'TCP_FASTOPEN_NO_COOKIE':
      return Number(tp.tfo?.noCookie ?? false);
    case 'TCP_FASTOPEN_KEY':
      return joinKeys(tp.tfo?.keys ?? tp.tn.tfoKeys ?? []);
    case 'SO_OOBINLINE':
      return Number(tp.urginline);
    case 'TCP_INQ':
      return Number(tp.recvmsgInq);
    case 'TCP_NOTSENT_LOWAT':
      return tp.notsentLowat;
    case 'TCP_RTO_MAX_MS':
      return tp.rtoMaxUs / 1000;
    case 'TCP_WINDOW_CLAMP':
      return tp.windowClamp;
    case 'TCP_TIMESTAMP':
      return (tcpTimestampMs(tp.now) + tp.tsOffset) >>> 0;
    case 'TCP_THIN_LINEAR_TIMEOUTS':
      return Number(tp.thinLto);
    default:
      return undefined;
  }
}
